/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fop.h: one file operation, from the top of a graph to its bottom and back: the only request object there is.
 *
 * Way        fop_submit(xlator, fop) goes down; fop_complete(fop, ret, err) comes back. Whoever holds the fop may touch it;
 *            both calls hand it on, and it may be finished and freed when they return, so they come last. A translator that
 *            wants to see the result pushes a frame first. Frames are part of the fop, as many as its graph is deep and
 *            FOP_SPARE_FRAMES more; pushing cannot fail.
 * Stack      Submit and complete run through a trampoline per thread: a call made inside a handler is noted and runs when the
 *            handler has returned. Stack depth does not depend on the length of a chain of operations.
 * Owner      The submitter: it made the fop, its last frame gets it back exactly once, it frees it.
 * Arguments  Nobody below the submitter changes `in`, loc, loc2, fd, fd2, xdata or cred. Who needs other arguments makes a
 *            child. (protocol/server may change them before its submit: squash, subdirectory mounts. cred.time_* of a client's
 *            operation are features/utime's, which fills them in on the way down: nobody above it reads them.)
 * Results    out and xdata_out belong to the fop until it is freed; fop_free() drops what is in them.
 * Cancel     fop_cancel_all() of a client: a parked fop is completed by whoever parked it, at once; others do not notice.
 * Errors     ret >= 0 is success. Failure: ret -1 and err a positive errno (Linux numbers are the wire's numbers). On success
 *            err is 0 but for the end marks of READ, READDIR, READDIRP (ENOENT).
 * Threads    At any time one thread holds it. */
#ifndef GF_FOP_H
#define GF_FOP_H

#include <sys/statvfs.h>

#include "client.h"
#include "dict.h"
#include "iobuf.h"
#include "pool.h"

struct xlator;

/* The numbers are the procedure numbers of program 1298437 (spec wire 2.2). */
enum fop_op {
    FOP_NULL = 0, FOP_STAT, FOP_READLINK, FOP_MKNOD, FOP_MKDIR, FOP_UNLINK, FOP_RMDIR, FOP_SYMLINK, FOP_RENAME, FOP_LINK,
    FOP_TRUNCATE, FOP_OPEN, FOP_READ, FOP_WRITE, FOP_STATFS, FOP_FLUSH, FOP_FSYNC, FOP_SETXATTR, FOP_GETXATTR, FOP_REMOVEXATTR,
    FOP_OPENDIR, FOP_FSYNCDIR, FOP_ACCESS, FOP_CREATE, FOP_FTRUNCATE, FOP_FSTAT, FOP_LK, FOP_LOOKUP, FOP_READDIR, FOP_INODELK,
    FOP_FINODELK, FOP_ENTRYLK, FOP_FENTRYLK, FOP_XATTROP, FOP_FXATTROP, FOP_FGETXATTR, FOP_FSETXATTR, FOP_RCHECKSUM,
    FOP_SETATTR, FOP_FSETATTR, FOP_READDIRP, FOP_RELEASE, FOP_RELEASEDIR, FOP_FREMOVEXATTR, FOP_FALLOCATE, FOP_DISCARD,
    FOP_ZEROFILL, FOP_IPC, FOP_SEEK, FOP_COMPOUND, FOP_LEASE, FOP_GETACTIVELK, FOP_SETACTIVELK, FOP_ICREATE, FOP_NAMELINK,
    FOP_PUT, FOP_COPY_FILE_RANGE,
    NR_FOPS,
};
const char *fop_name(enum fop_op op);       /* "LOOKUP", as profile output shows it */
enum pool_class fop_class(enum fop_op op);  /* the operation's default (spec brick 4.1) */

#define FOP_NAME_MAX 255
#define FOP_SPARE_FRAMES 4

/* Which object. Inode operations: inode. Entry operations: parent and name, and inode when the name's object is known
 * (UNLINK, RMDIR, RENAME, LINK; LOOKUP: never). References. The gfid is inode->gfid. */
struct loc {
    struct inode *inode;
    struct inode *parent;
    char name[FOP_NAME_MAX + 1];
};

/* The caller. Negative pids are internal callers (spec wire 1.7). */
struct cred {
    int32_t pid;
    uint32_t uid, gid;
    uint32_t nr_groups;
    const uint32_t *groups;   /* in the fop's arena */
    uint32_t owner_len;
    uint8_t owner[96];        /* lock owner */
    uint32_t time_flags;      /* which times to set to time_*: spec brick 1.4; 0: leave them */
    uint64_t time_sec;
    uint32_t time_nsec;
};
enum { TIME_CTIME = 1, TIME_MTIME = 2, TIME_ATIME = 4, TIME_PARENT_CTIME = 8, TIME_PARENT_MTIME = 16, TIME_PARENT_ATIME = 32 };

struct flock_range {          /* spec wire 5.5 */
    uint32_t type;            /* enum lock_type */
    uint32_t whence;
    int64_t start, len;       /* len 0: to the end */
    uint32_t pid;
    uint32_t owner_len;
    uint8_t owner[96];
};
enum lock_type { RANGE_READ = 0, RANGE_WRITE = 1, RANGE_UNLOCK = 2, RANGE_EOL = 3 }; /* LOCK_READ is taken: fcntl.h */
enum lk_cmd { LK_GET = 0, LK_SET = 1, LK_SETW = 2, LK_RES = 3, LK_RESW = 4, LK_UNRES = 5, LK_GET_FD = 6 };
enum entrylk_cmd { ENTRYLK_LOCK = 0, ENTRYLK_UNLOCK = 1, ENTRYLK_LOCK_NB = 2 };

struct lease {
    uint32_t cmd, type, flags;
    uint8_t id[16];
};

/* Directory entries, in order. Names and dicts are the list's. */
struct dirent4 {
    uint64_t ino;
    uint64_t off;             /* cookie of the next one */
    uint32_t type;            /* DT_* */
    uint32_t name_len;
    char *name;               /* NUL-terminated; in the fop's arena */
    struct iatt stat;         /* READDIRP; gfid null: not known */
    struct dict *xdata;       /* READDIRP; may be NULL; a reference */
};
struct active_lock {
    struct flock_range flock;
    char *client_uid;         /* in the fop's arena */
    uint32_t flags;
};

union fop_in {
    struct { uint32_t size; } readlink;
    struct { uint32_t mode, umask; uint64_t rdev; } mknod;             /* rdev: Linux user-space encoding */
    struct { uint32_t mode, umask; } mkdir;
    struct { uint32_t flags; } unlink, rmdir;
    struct { const char *target; uint32_t umask; } symlink;
    struct { uint64_t offset; } truncate;                              /* FTRUNCATE too */
    struct { int32_t flags; } open;                                    /* Linux open flags */
    /* READ. into: where its submitter would like the data, n_into parts of together at least size bytes; 0: anywhere. They are lent
     * until the fop is back: who can puts the data there, and then out.data are slices of it without a buffer; who keeps any copies it. */
    struct { uint64_t offset; uint32_t size; int32_t flags; unsigned int n_into; const struct iovec *into; } read;
    struct { uint64_t offset; uint32_t size; int32_t flags; struct slicev data; } write;
    struct { bool data_only; } fsync;                                  /* FSYNCDIR too */
    struct { struct dict *dict; int32_t flags; } setxattr;             /* FSETXATTR too; a reference */
    struct { const char *name; } getxattr;                             /* FGETXATTR too; NULL: all */
    struct { const char *name; } removexattr;                          /* FREMOVEXATTR too */
    struct { uint32_t mask; } access;
    struct { int32_t flags; uint32_t mode, umask; } create;
    struct { uint32_t cmd; struct flock_range flock; } lk;
    struct { uint64_t offset; uint32_t size; } readdir;                /* READDIRP too */
    struct { const char *domain; uint32_t cmd; struct flock_range flock; } inodelk;              /* FINODELK too */
    struct { const char *domain, *name; uint32_t cmd, type; } entrylk; /* FENTRYLK too; name NULL: whole directory */
    struct { uint32_t flags; struct dict *dict; } xattrop;             /* FXATTROP too; a reference */
    struct { uint64_t offset; uint32_t len; } rchecksum;
    struct { struct iatt stat; int32_t valid; } setattr;               /* FSETATTR too */
    struct { uint32_t flags; uint64_t offset, len; } fallocate;        /* flags bit 0: keep size; DISCARD, ZEROFILL: offset, len */
    struct { int32_t op; } ipc;
    struct { uint32_t mode; } icreate;
    struct { uint64_t offset; int32_t what; } seek;                    /* 0 data, 1 hole */
    struct { struct lease lease; } lease;
    struct { struct active_lock *locks; unsigned int n; } setactivelk;
    struct { uint64_t off_in, off_out; uint32_t size, flags; } copy;   /* from loc/fd to loc2/fd2 */
};

/* What comes back. Which members an operation fills is the wire row's business (spec wire 6.2, brick 2.2). */
struct fop_out {
    struct iatt stat;             /* the object */
    struct iatt pre, post;        /* the object, or the (old) parent, before and after */
    struct iatt pre2, post2;      /* RENAME: the new parent */
    struct fd *fd;                /* OPEN, CREATE, OPENDIR: made by the storage (fd_new() with fop->client); a reference */
    struct inode *inode;          /* LOOKUP, CREATE, MKNOD, MKDIR, SYMLINK: linked by the storage; a reference */
    struct dict *dict;            /* GETXATTR, XATTROP; a reference */
    struct slicev data;           /* READ */
    struct dirent4 *entries;      /* READDIR, READDIRP; array in the heap, freed by fop_free() */
    unsigned int nr_entries;
    struct active_lock *locks;    /* GETACTIVELK; in the arena */
    unsigned int nr_locks;
    struct flock_range flock;     /* LK */
    struct lease lease;
    struct statvfs statfs;
    const char *path;             /* READLINK; in the arena, NUL-terminated */
    uint64_t offset;              /* SEEK */
    uint32_t weak;                /* RCHECKSUM */
    uint8_t strong[32];
};

typedef void (*fop_done_fn)(struct fop *fop, void *ctx);
struct fop_frame {
    fop_done_fn done;
    void *ctx;
};
enum {
    FOP_NOWAIT = 1u << 0,   /* running on a poller: finish without waiting, or go to the pool */
    FOP_WANT_ACL = 1u << 1, /* LOOKUP: the storage also puts the object's system.posix_acl_access and, of a directory,
                               system.posix_acl_default into xdata_out, as binary, where it has them. Any translator may set
                               it on the way down: xdata is the submitter's and nobody below changes it */
    FOP_DRAIN = 1u << 2,    /* STATFS: who answers operations before they are done lets it wait until all of them are. OPEN: at the brick,
                               now */
};
enum fop_park { PARK_NO, PARK_YES, PARK_CANCELLED };

struct fop {
    enum fop_op op;
    unsigned int flags;
    int32_t ret, err;
    struct graph *graph;
    struct client *client;         /* a reference; NULL: internal */
    struct cred cred;
    struct loc loc, loc2;          /* loc2: the new name (RENAME, LINK), the target (COPY_FILE_RANGE) */
    struct fd *fd, *fd2;           /* references; NULL with loc.inode set: anonymous descriptor (-2) */
    struct dict *xdata;            /* a reference; NULL: none */
    union fop_in in;
    struct fop_out out;
    struct dict *xdata_out;        /* a reference; NULL: none. fop_xdata_out() makes it */
    enum pool_class class;         /* set by performance/io-threads; starts with the operation's default */
    struct slice keep;             /* keeps the record alive that arguments point into */
    struct fop *parent;            /* of a child */
    void *owner_data;              /* the submitter's */
    void (*will_wait)(struct fop *fop); /* the submitter's, or NULL: see fop_will_wait() */
    uint64_t start_ns;             /* set by fop_submit() of the submitter, for latencies */
    struct job job;                /* of whoever hands it to the pool */
    void *job_ctx;                 /* and its context there */
    struct fop *client_prev, *client_next; /* client->lock */
    /* Only fop.c from here. */
    struct xlator *at;
    struct fop *run_next;
    bool listed;                   /* a child that is in its client's list, because it has parked */
    _Atomic int park;
    _Atomic int cancel_err;
    void (*cancelled)(struct fop *fop, void *ctx);
    void *cancel_ctx;
    struct arena_block *arena;
    unsigned int depth, nr_frames;
    struct fop_frame frames[];
};
void fop_log_failure(const struct fop *fop, const struct xlator *by); /* fop.c's; by NULL: nobody has seen it yet, or on its way up */

struct fop *fop_new(struct graph *graph, enum fop_op op); /* NULL: no memory */
void fop_free(struct fop *fop);
void *fop_alloc(struct fop *fop, size_t len);             /* lives as long as the fop; zeroed; NULL */
char *fop_str(struct fop *fop, const void *bytes, size_t len); /* copied and NUL-terminated; NULL */
struct dict *fop_xdata_out(struct fop *fop);              /* made on first use; NULL: no memory */

void fop_push(struct fop *fop, fop_done_fn done, void *ctx);
void fop_submit(struct xlator *to, struct fop *fop);      /* to the first translator at or below `to` that handles it */
void fop_complete(struct fop *fop, int32_t ret, int32_t err);
void fop_fail(struct fop *fop, int err);                  /* fop_complete(fop, -1, err) */
/* "UNLINK GFID/NAME of CLIENT, uid 7, pid 12", for the log. */
void fop_describe(const struct fop *fop, char *to, size_t size);
/* For a handler that passes it on unchanged: to the only child. */
void fop_pass(struct xlator *from, struct fop *fop);

/* An operation of a translator's own, under parent (for retry, resolution, fan-out): own arguments and frames; credentials,
 * client and graph of the parent; not counted as running for the client. done gets the child and frees it. The parent waits for
 * its children; who makes one that may outlive it sets child->parent to NULL. */
struct fop *fop_child(struct fop *parent, enum fop_op op, fop_done_fn done, void *ctx);
/* A child with the parent's operation and arguments, for a translator that goes on with one of them changed: references of its
 * own, but texts stay the parent's, which therefore waits for it. fop_adopt(), as the last thing done() does: the child's
 * results become the parent's, the child is freed, the parent completed. */
struct fop *fop_child_like(struct fop *parent, fop_done_fn done, void *ctx);
/* The same with other xdata, say a fop_xdata_copy() of the parent's with more in it. Takes it in any case. NULL: no memory, or xdata was
 * NULL for that reason already. */
struct fop *fop_child_with(struct fop *parent, struct dict *xdata, fop_done_fn done, void *ctx);
struct dict *fop_xdata_copy(const struct fop *fop);       /* empty, if there is none; NULL: no memory */
void fop_adopt(struct fop *child);

/* Parking: the fop waits for an event, without a thread. fop_park() false: it was cancelled already, complete it with
 * fop->cancel_err. The one who wants to go on calls fop_unpark(): true: it is yours again; false: the canceller has it, and
 * cancelled(fop, ctx) has been or will be called, which takes it out of its queue and completes it. */
bool fop_park(struct fop *fop, void (*cancelled)(struct fop *fop, void *ctx), void *ctx);
bool fop_unpark(struct fop *fop);
/* Before parking what waits for an event that only another request can bring (an unlock): tells the submitter of fop, or of the
 * operation that fop is a child of, so that it stops counting among those under way; else as many as may be under way could keep out
 * the one they wait for. With no lock held: other requests may start inside. Twice does no harm. */
void fop_will_wait(struct fop *fop);
/* Claims it if parked: true: the caller then calls fop->cancelled(fop, fop->cancel_ctx), with no lock held. The caller must
 * know that the fop is alive (it is in a list that fop_free()'s caller takes it from first). */
bool fop_cancel(struct fop *fop, int err);

#endif
