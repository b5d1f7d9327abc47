/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* posix.h: storage/posix keeps a volume's objects in one directory of a local file system, in GlusterFS's brick layout
 * (spec brick 1). Private to this folder.
 *
 * Shape      Each operation is a plain synchronous function in one table (posix.c): >= 0 is the result, else -errno. Whether it runs on the
 *            caller's thread or on a worker is decided in one place, posix_fop().
 * Names      No path of the volume is ever walked. A directory is reached by its gfid through a descriptor that its inode keeps;
 *            an entry by (descriptor, name), never following a symlink; all else by its hard link .glusterfs/XX/YY/<gfid>, where
 *            clients can put no symlink.
 * Locks      In this order; none is held when another layer is called.
 *              names[]    stripes by (parent, name): what an entry is does not change while UNLINK, RENAME, ... look at it
 *              moving     read: a directory is being opened by its gfid; write: a directory handle is being replaced
 *              links[]    stripes by gfid: link count and handle of a non-directory change together
 *              pnode.lock read-modify-write of one object: times, xattrop, appending writes, descriptor count
 *              kept.lock  the descriptors that inodes keep; innermost
 * Threads    Any. */
#ifndef POSIX_H
#define POSIX_H

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "clock.h"
#include "fop.h"
#include "graph.h"
#include "iobuf.h"
#include "log.h"
#include "loop.h"
#include "option.h"
#include "process.h"
#include "util.h"
#include "xlator.h"

#define XATTR_GFID "trusted.gfid"
#define XATTR_VOLUME_ID "trusted.glusterfs.volume-id"
#define XATTR_MDATA "trusted.glusterfs.mdata"
#define XATTR_GFID2PATH "trusted.gfid2path."
#define XATTR_PGFID "trusted.pgfid."
#define XATTR_LINKTO "trusted.glusterfs.dht.linkto"
#define XATTR_PROTECT "trusted.glusterfs.protect.writes"
#define XATTR_ACL_ACCESS "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"
#define PRIVATE_DIR ".glusterfs"

#define KEPT_MAX 4096        /* descriptors kept open for inodes without a struct fd; a small part of RLIMIT_NOFILE */
#define STRIPES 128
#define READ_MAX (32 * MiB)  /* one READ; half a record's bound */

/* An option that may change meanwhile; partner: the relaxed stores of options_apply(). */
#define LIVE(p, option) __atomic_load_n(&(p)->option, __ATOMIC_RELAXED)

/* trusted.glusterfs.mdata, decoded */
struct mdata {
    struct timespec ctime, mtime, atime;
};

/* What posix knows of an inode: its context slot. Lives as long as the inode. */
struct pnode {
    struct posix *p;
    gfid_t gfid;
    atomic_uint pending;        /* fops on it that went to the pool and are not back: the next ones follow them */
    atomic_bool handle_checked; /* the handle was seen to be right since the inode is in memory */
    pthread_mutex_t lock;       /* guards what follows, and read-modify-write of the object */
    enum { MDATA_UNKNOWN, MDATA_ABSENT, MDATA_PRESENT } mdata_state;
    struct mdata mdata;
    unsigned int nr_fds;        /* struct fd bound to it */
    bool unlinked;              /* its handle is in .glusterfs/unlink: the last descriptor removes it */
    int kept_fd;                /* kept.lock; -1: none. A directory's own, or the anonymous one of a file */
    unsigned int kept_refs;     /* kept.lock */
    bool kept_stale;            /* kept.lock; close it when the last user is done */
    struct pnode *kept_prev, *kept_next; /* kept.lock; listed while kept_refs is 0 */
    struct job job;             /* of its end, when that may wait for the disk */
};

/* Descriptor of OPEN, CREATE, OPENDIR: the context slot of struct fd. */
struct pfd {
    struct posix *p;
    struct pnode *node;         /* valid while the struct fd, which refers to the inode, lives */
    gfid_t gfid;                /* at its end: which file in .glusterfs/unlink */
    bool remove;                /* goes with it */
    int fd;                     /* -1: it rests: the process may not have that many, so each use opens the file again with flags */
    int flags;
    bool is_dir;
    pthread_mutex_t lock;       /* directories: guards pos and the descriptor's position */
    off_t pos;
    struct job job;
};

enum { ENGINE_URING, ENGINE_AIO, NR_ENGINES };

struct posix {
    /* options: posix.c has the rows */
    char *directory, *volume_id, *hostname, *glusterd_uuid, *gfid2path_separator;
    bool o_direct, export_statfs_size, mandate_attribute, node_uuid_pathinfo, gfid2path, disable_landfill_purge, fips_rchecksum, ctime,
        pgfid, background_unlink, linux_aio, linux_io_uring;
    int64_t janitor_s, brick_uid, brick_gid, health_interval_s, health_timeout_s, shared_brick_count, max_hardlinks;
    uint32_t force_create_mode, force_directory_mode, create_mask, create_directory_mask;
    int64_t batch_delay_us;
    int batch_fsync_mode;
    struct percent_or_size reserve;

    struct xlator *xl;
    struct graph *graph;
    struct process *process;
    char host[256];
    pthread_rwlock_t conf_lock;  /* reserve and text options against their change */
    int root_fd, private_fd, unlink_fd, landfill_fd;
    int level1[256];
    dev_t dev;
    ino_t private_ino;
    pthread_mutex_t names[STRIPES];
    pthread_mutex_t links[STRIPES];
    pthread_rwlock_t moving;
    struct {
        pthread_mutex_t lock;
        struct pnode head;       /* ring; head.kept_next was used last */
        unsigned int open;       /* descriptors, used ones too */
        unsigned int max;
    } kept;
    atomic_uint client_fds;      /* open for clients */
    unsigned int client_fds_max; /* what RLIMIT_NOFILE leaves beside kept ones and connections */
    atomic_bool no_nowait_write; /* this file system has no RWF_NOWAIT for buffered writes */
    atomic_uint write_misses;    /* tries of writes since one was done, those not made included; relaxed, it only saves work */
    atomic_bool full;            /* less than the reserve is free */
    _Atomic uint64_t full_checked_ms;
    /* work of its own on the pool: ends of descriptors and inodes, the janitor */
    pthread_mutex_t own_lock;
    pthread_cond_t own_idle;
    unsigned int own_jobs;       /* own_lock */
    bool ending;                 /* own_lock */
    struct {
        pthread_mutex_t lock;
        struct fop *last;        /* FSYNCs waiting, the newest first, through job_ctx */
        bool working;            /* the job has been handed out: it takes what comes */
        struct job job;
    } batch;
    _Atomic(struct engine *) engine; /* carries transfers; NULL: workers do. One of those of flight.c, which live until fini */
    struct engine *engines[NR_ENGINES];
    bool engine_refused[NR_ENGINES]; /* the kernel has said no; asked again when the option was off meanwhile */
    struct janitor *janitor;
    struct health *health;
    bool locks_ready;
};

/* ---- posix.c ---- */
void posix_finish(struct fop *fop, int r);           /* completes it: r >= 0 is the result, else -errno */
void posix_own_job(struct posix *p, struct job *j);  /* counted: fini waits for it */
void posix_own_done(struct posix *p);                /* the job's last act with p */

/* ---- node.c: contexts and kept descriptors ---- */
struct pnode *pnode_get(struct posix *p, struct inode *in); /* made on first use; NULL: no memory */
struct pnode *pnode_of(struct posix *p, const struct inode *in); /* NULL: none yet */
void pnode_free(struct pnode *n);
void posix_forget(struct xlator *xl, struct inode *in, void *ctx);
int kept_get(struct posix *p, struct inode *in, struct pnode *n, bool is_dir); /* descriptor, used until kept_put(); or -errno */
int kept_peek(struct posix *p, struct pnode *n);      /* as kept_get(), but -1 when it is not open */
void kept_put(struct posix *p, struct pnode *n);
void kept_drop(struct posix *p, struct pnode *n);     /* close it as soon as nobody uses it */
unsigned int node_fds(struct pnode *n);               /* of clients, on it; 0 for NULL */
/* Fills fop->out.fd, takes os_fd. 1: it rests (see struct pfd), os_fd is still the caller's; a directory's gets -EMFILE instead. */
int pfd_bind(struct posix *p, struct fop *fop, struct inode *in, int os_fd, int flags, bool is_dir);
struct pfd *pfd_of(struct posix *p, const struct fd *fd); /* NULL: not ours */
void posix_release(struct xlator *xl, struct fd *fd, void *ctx);

/* ---- handle.c: .glusterfs/XX/YY/<gfid> ---- */
#define HANDLE_NAME 40 /* "YY/<gfid>" with NUL */
void handle_name(gfid_t g, char name[HANDLE_NAME]);
static inline int handle_dir(const struct posix *p, gfid_t g)
{
    return p->level1[g.b[0]];
}
int handle_stat(struct posix *p, gfid_t g, struct stat *ret);
bool handle_is_dir(const struct stat *st);            /* a directory's handle, not a symlink of the volume */
/* Hard link to what fd (O_PATH is enough) is. An existing one must be the same object: -EEXIST. */
int handle_link(struct posix *p, gfid_t g, int fd);
int handle_link_dir(struct posix *p, gfid_t g, gfid_t parent, const char *name);
int handle_read_dir(struct posix *p, gfid_t g, gfid_t *ret_parent, char ret_name[FOP_NAME_MAX + 1]);
bool handle_dir_says(struct posix *p, gfid_t g, gfid_t parent, const char *name);
int handle_unlink(struct posix *p, gfid_t g);
int handle_to_unlink_dir(struct posix *p, gfid_t g);  /* moves it to .glusterfs/unlink */
bool handle_text_parse(const char *text, size_t len, gfid_t *ret_parent, char ret_name[FOP_NAME_MAX + 1]);
int dir_open_gfid(struct posix *p, gfid_t g);         /* a new descriptor, proven to be g */
int fd_gfid(int fd, gfid_t *ret);                     /* fgetxattr(); -ENODATA */

/* ---- obj.c: one object of the brick, however it is reached ---- */
enum obj_kind {
    OBJ_NONE,
    OBJ_FD,     /* a real descriptor: f*()                                        */
    OBJ_PATHFD, /* an O_PATH descriptor: /proc/self/fd/N, followed                */
    OBJ_HANDLE, /* (level-1 directory, "YY/<gfid>"): /proc/self/fd/N/YY/<gfid>, not followed */
};
struct obj {
    struct posix *p;
    enum obj_kind kind;
    int fd;                     /* OBJ_HANDLE: the level-1 directory */
    bool close_fd;              /* fd is this obj's own */
    struct pnode *kept;         /* fd is kept there: kept_put() */
    struct inode *inode;        /* a reference of its own, or NULL */
    struct pnode *node;         /* NULL: not in memory */
    gfid_t gfid;                /* null: the object has none */
    struct stat st;
    char name[HANDLE_NAME];
};
#define OBJ(o) CLEANUP(obj_done) struct obj o = {.kind = OBJ_NONE}
int obj_of_inode(struct posix *p, struct inode *in, struct obj *ret);
int obj_of_fop(struct posix *p, struct fop *fop, struct obj *ret);        /* fop->fd, or loc.inode */
int obj_of_fd(struct posix *p, struct fd *fd, struct inode *in, struct obj *ret); /* fd NULL: the anonymous descriptor of in */
int obj_of_dir(struct posix *p, struct inode *in, struct obj *ret);       /* a parent: -ESTALE, -EPERM */
int obj_of_entry(struct posix *p, int dirfd, const char *name, struct obj *ret);
int obj_know_inode(struct obj *o, bool make); /* inode and node by o->gfid; make: also when not in memory. -ENOMEM */
void obj_done(struct obj *o);
int obj_restat(struct obj *o);
ssize_t obj_getxattr(struct obj *o, const char *name, void *buf, size_t len);
ssize_t obj_listxattr(struct obj *o, char *buf, size_t len);
int obj_setxattr(struct obj *o, const char *name, const void *value, size_t len, int flags);
int obj_removexattr(struct obj *o, const char *name);
int obj_chown(struct obj *o, uid_t uid, gid_t gid);
int obj_chmod(struct obj *o, mode_t mode);
int obj_utimes(struct obj *o, const struct timespec ts[2]);
int obj_access(struct obj *o, int mask);
int obj_open(struct obj *o, int flags);               /* a new descriptor of a regular file */
DIR *dir_again(int dirfd);                            /* the same directory, with a position of its own; NULL */
#define OBJ_PATH 80
const char *obj_path(const struct obj *o, char path[OBJ_PATH]); /* that the kernel resolves to it; follow unless OBJ_HANDLE */
/* A whole value in memory; small ones in inl. */
struct xvalue {
    uint8_t *at;
    size_t len;
    uint8_t *heap;
    uint8_t inl[512];
};
int obj_value(struct obj *o, const char *name, struct xvalue *ret); /* 0 or -errno; xvalue_done() in any case */
int obj_names(struct obj *o, struct xvalue *ret);                   /* NUL-separated */
void xvalue_done(struct xvalue *v);
#define XVALUE(v) CLEANUP(xvalue_done) struct xvalue v = {.at = NULL}

/* ---- attr.c: attributes and times ---- */
#define MDATA_SIZE 57
void mdata_encode(const struct mdata *m, uint8_t to[MDATA_SIZE]);
int mdata_decode(const uint8_t *from, size_t len, struct mdata *ret);
bool mdata_forward(struct mdata *m, const struct mdata *with);      /* each time moves forward only; true: something changed */
int mdata_try(struct posix *p, struct pnode *n, struct mdata *ret); /* without waiting: 1, 0: none, -EAGAIN */
bool mdata_get(struct obj *o, struct mdata *ret);                   /* false: none, or option ctime is off */
void mdata_touch(struct obj *o, const struct cred *c, uint32_t object_flags); /* TIME_CTIME, _MTIME, _ATIME */
void mdata_touch_parent(struct obj *dir, const struct cred *c);
int mdata_merge(struct obj *o, const struct mdata *with);           /* set-ctime-mdata and the xattr by name */
void mdata_birth(struct obj *o, const struct cred *c);              /* a new object: no record is there yet */
void obj_iatt(struct obj *o, struct iatt *ret);                     /* from o->st and the times */
bool obj_iatt_try(struct obj *o, struct iatt *ret);                 /* without waiting; false: it would */
int obj_iatt_now(struct obj *o, struct iatt *ret);                  /* looks again */
void iatt_of_stat(const struct stat *st, gfid_t g, const struct mdata *times, struct iatt *ret);
mode_t mode_for_file(const struct posix *p, mode_t mode);
mode_t mode_for_dir(const struct posix *p, mode_t mode);

/* ---- name.c: what an entry may be called; gfid2path ---- */
int name_check(const struct posix *p, gfid_t parent, const char *name);
pthread_mutex_t *name_lock(struct posix *p, gfid_t parent, const char *name);
pthread_mutex_t *link_lock(struct posix *p, gfid_t g);
#define GFID2PATH_KEY (sizeof(XATTR_GFID2PATH) + 16)
/* length of value */
size_t gfid2path_pair(gfid_t parent, const char *name, char key[GFID2PATH_KEY], char value[GFID_TEXT + FOP_NAME_MAX + 1]);
void gfid2path_add(struct obj *o, gfid_t parent, const char *name);
void gfid2path_remove(struct obj *o, gfid_t parent, const char *name);
/* trusted.pgfid.<parent>: how many names in that directory, while option update-link-count-parent is on. by 0: there is one at
 * least. link_lock is held, or nobody else knows the object. */
void pgfid_count(struct obj *o, gfid_t parent, int by);

/* ---- entry.c ---- */
int entry_force_replace(struct posix *p, struct fop *fop, struct obj *dir, const char *name); /* 0: the way is free; -EEXIST */
int open_flags(const struct posix *p, int flags);

/* ---- remove.c ---- */
void victim_handle(struct posix *p, struct obj *o, gfid_t parent, const char *name); /* link_lock is held */
void victim_gone(struct posix *p, struct obj *o);

/* ---- xdata.c: what a request asks to be told beside the attributes (spec brick 2.3) ---- */
#define WANT_PATTERNS 16
struct want {
    struct posix *p;
    struct dict *req;
    const char *pattern[WANT_PATTERNS];
    unsigned int nr_patterns;
    bool any, exact, list, open_fds, active_fds, size, acl, default_acl, acl_binary, echo_links;
    uint64_t content;
    bool has_content;
    bool ancestry;
};
void want_parse(struct posix *p, struct dict *req, struct want *ret);
void want_fill(const struct want *w, struct obj *o, bool by_path, struct dict *to);
void xdata_reply(struct posix *p, struct fop *fop, struct obj *o, bool by_path); /* want_* into fop's xdata_out */

/* ---- xattr.c, acl.c, virtual.c ---- */
const void *pair_bytes(const struct dict_pair *pair, char text[32], size_t *ret_len);
void birth_xattrs(struct obj *o, struct dict *xdata);
int acl_text_get(struct obj *o, bool def, char **ret); /* free() */
int acl_text_set(struct obj *o, bool def, const char *text);
bool name_is_georep(const char *name);
int virtual_get(struct posix *p, struct fop *fop, struct obj *o, const char *name, struct dict *to); /* -EOPNOTSUPP: it is none */
int gfid_path(struct posix *p, gfid_t dir, char *buf, size_t len); /* "/a/b" of a directory; "" of the root */
int ancestry_path(struct posix *p, struct obj *o, char *text, size_t size); /* "/" of the root; of a file: -ENODATA without pgfid */

/* ---- data.c: READ and WRITE as what comes before the transfer, the transfer, what comes after; each >= 0 or -errno. With wait false the
 * first says -EAGAIN when it would have to ---- */
int read_begin(struct posix *p, struct fop *fop, struct obj *o, bool wait);
int read_end(struct posix *p, struct fop *fop, struct obj *o, ssize_t n);
int write_begin(struct posix *p, struct fop *fop, struct obj *o, bool wait);
int write_end(struct posix *p, struct fop *fop, struct obj *o, ssize_t n);
bool write_alone(const struct fop *fop);             /* no other write between its looking and its writing */
bool is_direct(struct posix *p, const struct fop *fop);
bool data_aligned(const struct fop *fop);            /* as O_DIRECT wants it, on any disk */
int write_aligned(struct posix *p, const struct fop *fop, struct slicev *ret); /* a copy: what came from the network is where it landed */
ssize_t data_transfer(struct posix *p, struct fop *fop, struct obj *o, size_t done); /* waits; done: so much is there already */

/* ---- flight.c: transfers by an engine ---- */
void engines_set(struct posix *p);                   /* as the options say; logs which, or why none */
void engines_stop(struct posix *p);
/* True: it is taken, and answered from another thread or was already; pending is counted down then. False: nothing was done.
 * flight_start() may wait; flight_try() does not. */
bool flight_start(struct posix *p, struct fop *fop, struct pnode *pending);
bool flight_try(struct posix *p, struct fop *fop, struct pnode *pending);
void flight_dump(struct posix *p, struct dump *d);

/* ---- sync.c ---- */
int sync_file(const struct fop *fop, int fd);
int fsync_begin(struct posix *p, struct fop *fop, struct obj *o, bool wait);
int fsync_end(struct posix *p, struct fop *fop, struct obj *o, ssize_t n);
enum batch_mode { BATCH_REVERSE, BATCH_NONE, BATCH_SYNCFS, BATCH_SYNCFS_SINGLE, BATCH_SYNCFS_REVERSE }; /* as the option's choices */
bool fsync_collected(struct posix *p, struct fop *fop); /* true: taken, it will be answered with others */

/* ---- space.c ---- */
int space_check(struct posix *p, const struct fop *fop); /* 0, -ENOSPC */
bool space_full(struct posix *p);
void space_look(struct posix *p); /* now, not after the interval */

/* ---- start.c ---- */
int brick_start(struct posix *p, struct err *err);
int brick_owner(struct posix *p, struct err *err); /* of the root, as brick-uid and brick-gid say */
void brick_stop(struct posix *p);

/* ---- janitor.c, health.c ---- */
int janitor_start(struct posix *p);
void janitor_stop(struct posix *p);
void janitor_free(struct posix *p);
int health_start(struct posix *p, struct err *err);
int health_set(struct posix *p, struct err *err);
void health_stop(struct posix *p);

/* ---- the operations ---- */
#define POSIX_OPS(X) \
    X(lookup) X(stat) X(readlink) X(mknod) X(mkdir) X(unlink) X(rmdir) X(symlink) X(rename) X(link) X(truncate) X(open) X(read) X(write) \
    X(statfs) X(flush) X(fsync) X(setxattr) X(getxattr) X(removexattr) X(opendir) X(fsyncdir) X(access) X(create) X(readdir) X(readdirp) \
    X(xattrop) X(rchecksum) X(setattr) X(fallocate) X(discard) X(zerofill) X(seek) X(copy_file_range)
#define DECLARE(op) int op_##op(struct posix *p, struct fop *fop);
POSIX_OPS(DECLARE)
#undef DECLARE
/* Without waiting; -EAGAIN: a worker has to do it. */
int op_read_try(struct posix *p, struct fop *fop);
int op_write_try(struct posix *p, struct fop *fop);
bool write_try_worth(struct posix *p);            /* or has it not been for long? */
void write_tried(struct posix *p, bool done);
int op_stat_try(struct posix *p, struct fop *fop);
int op_flush_try(struct posix *p, struct fop *fop);

extern const struct xlator_type posix_type;

#endif
