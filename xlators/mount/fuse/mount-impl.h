/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mount-impl.h: what the files of mount/fuse share.
 *
 * A request   is the kernel's, with the operation that serves it. It knows the channel that it came by: its answer must go there.
 * Answers     go through answer_*(), which free the request. */
#ifndef MOUNT_IMPL_H
#define MOUNT_IMPL_H

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <errno.h>

#include "auto-unmount.h"
#include "iobuf.h"
#include "log.h"
#include "master.h"
#include "pool.h"
#include "mount.h"
#include "thread.h"
#include "volume.h"

#define DOMAIN "fuse"
#define REQUEST_MAX (1 * MiB)     /* of data, in a READ or a WRITE */

struct notifier;
struct groups;
struct history;

struct reader {
    struct mount *mount;
    int fd;                       /* its channel */
    pthread_t thread;
    bool started;
    uint8_t *scratch;             /* HEAD_SIZE + REQUEST_MAX: a request whose parts lie together */
    struct iobuf *landing;        /* where a WRITE's data has landed, page-aligned */
};

struct mount {
    struct process *process;
    struct master master;         /* what others see of it: dump.c */
    unsigned int proto_minor;     /* of the kernel; 0: it has not said */
    struct mount_conf conf;
    struct volume *volume;
    struct vnode *root;
    struct fuse_session *session;
    int fd;                       /* /dev/fuse: the session's, and the first reader's channel */
    char *point;                  /* absolute: what conf.point is then */
    long mount_id;                /* of the kernel; -1: not mounted */
    bool wants_auto_unmount;
    struct auto_unmount auto_unmount;
    atomic_bool stopping;         /* readers leave; relaxed: they are also woken */
    atomic_bool unmounted;        /* somebody else did it */
    atomic_uint readers_left;
    unsigned int nr_readers;
    struct reader *readers;
    struct notifier *notifier;
    struct groups *groups;
    struct history *history;      /* NULL: none is kept */
    int traffic_fd;               /* -1: nothing is copied */
    void (*ended)(void *data);
    void *ended_data;
    struct burial burial;         /* of the thread that ends the mount */
};

struct request {
    struct vop op;
    fuse_req_t req;
    struct mount *mount;
    int channel;
    bool interruptible;           /* fuse_req_interrupt_func() was called */
    atomic_bool claimed;          /* a FLUSH that can be interrupted: whoever sets it answers */
    atomic_uint ends;             /* and when the interrupt has: its answer and the brick's; the second one ends the request */
    struct job job;               /* the interrupt's answer */
    void (*finish)(struct request *r);  /* r->op is back: answers */
    /* what the answer needs of the question */
    union {
        struct { size_t size; off_t offset; } dir;
        struct { size_t size; const char *name; } xattr;
        struct { struct stat attr; int to_set; } setattr;
        struct { int flags; } open;
        uint64_t offset;
    };
};

/* ---- reader.c ---- */
extern const struct fuse_custom_io reader_io;
int readers_start(struct mount *m, struct err *err);
void readers_stop(struct mount *m);              /* wakes and joins */
void readers_free(struct mount *m);              /* when nothing is left to be answered */
int channel_of_thread(void);                     /* where an answer goes; request.c sets it around each */
int channel_set(int fd);                         /* returns the one before */
struct slice landed_data(struct mount *m, const char *buf, size_t size); /* a WRITE's data, with a reference. Empty: no memory */

/* ---- request.c: from question to operation, and the answers ---- */
/* NULL: answered already (no memory). node: as the kernel names it. */
struct request *request_new(fuse_req_t req, enum fop_op op);
struct vnode *node_of(struct mount *m, fuse_ino_t ino); /* a reference */
int request_xdata(struct request *r);                   /* makes op.fop->xdata; 0, -ENOMEM */
int request_gfid(struct request *r);                    /* with a new gfid for what is created */
int request_name(struct request *r, char to[FOP_NAME_MAX + 1], const char *name); /* 0, -ENAMETOOLONG */
void request_go(struct request *r, void (*finish)(struct request *r));
void answer_err(struct request *r, int err);            /* 0: done */
void answer_err_of(struct request *r);                  /* as the operation came back; ENOENT of an object: ESTALE */
void request_drop(struct request *r);                   /* without an answer: it has been given */
void answer_entry(struct request *r, const struct iatt *st);
void answer_no_entry(struct request *r, double timeout); /* the kernel may believe it so long */
void answer_attr(struct request *r, const struct iatt *st);
void answer_open(struct request *r, bool create);
void answer_iov(struct request *r, const struct iovec *iov, int n);
int answer_buf(struct request *r, const void *buf, size_t len); /* not 0: it did not arrive */
void answer_write(struct request *r, size_t n);
void answer_xattr_size(struct request *r, size_t n);
void answer_statfs(struct request *r, const struct statvfs *st);
void answer_lock(struct request *r, struct flock *lock);
void answer_lseek(struct request *r, off_t off);
void answer_readlink(struct request *r, const char *text);
void attr_of(const struct mount *m, const struct iatt *st, struct stat *ret);
bool request_failed(struct request *r);                 /* then it has been answered */
void set_owner(struct cred *c, uint64_t owner);
static inline struct vfile *file_of(const struct fuse_file_info *fi)
{
    return (struct vfile *)(uintptr_t)fi->fh;
}
fuse_ino_t ino_of(const struct mount *m, struct vnode *vn);

/* ---- groups.c: the caller's further groups ---- */
struct groups *groups_new(unsigned int timeout_s, bool resolve);
void groups_free(struct groups *g);
int groups_of(struct groups *g, fuse_req_t req, const struct fuse_ctx *ctx, struct fop *fop); /* into fop->cred; 0, -ENOMEM */

/* ---- notify.c: what the kernel must not keep any longer ---- */
struct notifier *notifier_new(struct mount *m, unsigned int limit, struct err *err);
void notifier_stop(struct notifier *n);
void notify_inode(struct notifier *n, struct vnode *vn); /* any thread, never waits */

unsigned int notifier_queued(struct notifier *n);

/* ---- history.c: the last operations ---- */
struct history *history_new(void);
void history_free(struct history *h);
void history_note(struct history *h, const struct vop *op);
void history_dump(struct history *h, struct dump *d);

/* ---- traffic.c: a copy of what is said ---- */
#define TRAFFIC_PARTS 70
int traffic_open(struct mount *m, struct err *err);
void traffic_close(struct mount *m);
void traffic_note(struct mount *m, char direction, const struct iovec *iov, int n, size_t len); /* traffic_fd is open */

/* ---- dump.c: what the process shows of the mount ---- */
void mount_show(struct mount *m);
void mount_hide(struct mount *m);

/* ---- handlers, by file ---- */
#define HANDLER(name, ...) void serve_##name(fuse_req_t req, ##__VA_ARGS__)
/* names.c */
HANDLER(lookup, fuse_ino_t parent, const char *name);
HANDLER(forget, fuse_ino_t ino, uint64_t n);
HANDLER(forget_multi, size_t count, struct fuse_forget_data *forgets);
HANDLER(mknod, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
HANDLER(mkdir, fuse_ino_t parent, const char *name, mode_t mode);
HANDLER(symlink, const char *target, fuse_ino_t parent, const char *name);
HANDLER(unlink, fuse_ino_t parent, const char *name);
HANDLER(rmdir, fuse_ino_t parent, const char *name);
HANDLER(rename, fuse_ino_t parent, const char *name, fuse_ino_t parent2, const char *name2, unsigned int flags);
HANDLER(link, fuse_ino_t ino, fuse_ino_t parent, const char *name);
HANDLER(create, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
/* attributes.c */
HANDLER(getattr, fuse_ino_t ino, struct fuse_file_info *fi);
HANDLER(setattr, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
HANDLER(readlink, fuse_ino_t ino);
HANDLER(access, fuse_ino_t ino, int mask);
HANDLER(statfs, fuse_ino_t ino);
/* files.c */
int flags_for_brick(const struct mount *m, int flags);
HANDLER(open, fuse_ino_t ino, struct fuse_file_info *fi);
HANDLER(read, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
HANDLER(write, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi);
HANDLER(flush, fuse_ino_t ino, struct fuse_file_info *fi);
HANDLER(release, fuse_ino_t ino, struct fuse_file_info *fi);
HANDLER(fsync, fuse_ino_t ino, int data_only, struct fuse_file_info *fi);
HANDLER(fallocate, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi);
HANDLER(lseek, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
HANDLER(copy_file_range, fuse_ino_t ino_in, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
        struct fuse_file_info *fi_out, size_t len, int flags);
/* directories.c */
HANDLER(opendir, fuse_ino_t ino, struct fuse_file_info *fi);
HANDLER(readdir, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
HANDLER(readdirplus, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
HANDLER(releasedir, fuse_ino_t ino, struct fuse_file_info *fi);
HANDLER(fsyncdir, fuse_ino_t ino, int data_only, struct fuse_file_info *fi);
/* locks.c */
HANDLER(getlk, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock);
HANDLER(setlk, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock, int sleep);
HANDLER(flock, fuse_ino_t ino, struct fuse_file_info *fi, int op);
/* xattrs.c */
HANDLER(setxattr, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
HANDLER(getxattr, fuse_ino_t ino, const char *name, size_t size);
HANDLER(listxattr, fuse_ino_t ino, size_t size);
HANDLER(removexattr, fuse_ino_t ino, const char *name);

#endif
