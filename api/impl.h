/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* impl.h: what the files of libgfapi share.
 *
 * An operation  call_init(), its arguments, call_run(), its results, call_done(). It runs under the identity of the calling thread.
 * Results       0 or more, or a negative errno; only what the program calls turns that into -1 and errno: answer(), answer_ptr().
 * Threads       One, the loop's, belongs to each volume, beside those that connections and workers have. A program's callbacks run on
 *               workers of their own (callbacks), so that one that waits holds up none that others wait for. Locks: glfs.lock guards
 *               what is marked, glfs_fd.lock what is there; neither is held while the program or the volume is called. */
#ifndef GFAPI_IMPL_H
#define GFAPI_IMPL_H

#include <errno.h>
#include <limits.h>

#include "glusterfs/api/glfs-handles.h"
#include "graph.h"
#include "log.h"
#include "mgmt.h"
#include "pool.h"
#include "process.h"
#include "volume.h"

#define DOMAIN "gfapi"
#define INODE_LIMIT 131072   /* objects that a graph remembers without need */

/* How far a volume has come. */
enum life {
    LIFE_NEW,                /* being told what it is */
    LIFE_STARTING,
    LIFE_THERE,              /* glfs_init() was fine */
    LIFE_FAILED,
};

struct upcalls;              /* upcall.c */
struct portion;

struct glfs {
    struct process process;  /* from glfs_init() on */
    char process_name[32];
    char *volname;
    uint64_t dev;            /* st_dev of its files */
    /* What it was told: constant from glfs_init() on. */
    char *volfile;
    struct mgmt_server *servers;
    unsigned int nr_servers;

    pthread_mutex_t over_lock; /* guards these, and the order of graphs made with them; other locks are taken under it */
    struct xlator_option *over;
    unsigned int nr_over;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum life life;          /* lock */
    int started;             /* lock; 1 up, 0 away, or -errno; valid when told */
    bool told;               /* lock */
    bool mgmt_stopped;       /* lock */
    char *text;              /* lock; the volume file */
    size_t text_len;
    struct vnode *cwd;       /* lock; a reference */
    char *cwd_path;          /* lock; "" is the root's */
    struct pool *callbacks;  /* lock; NULL until there is one to call */
    struct glfs_fd *files;   /* lock; all of them */
    struct glfs_object *objects; /* lock */
    struct upcalls *upcalls; /* constant */

    pthread_mutex_t dump_lock; /* one statedump at a time; guards the next, and process.statedump_dir */
    char *statedump_dir;
    struct volume *volume;
    struct vnode *root;
    struct mgmt *mgmt;       /* the loop's */
    bool has_process, has_graph, has_loop;
    pthread_t loop_thread;
};

struct glfs_fd {
    struct glfs *fs;
    atomic_uint refs;        /* the program's, until it closes it, and one for each call that is under way */
    struct glfs_fd *prev, *next; /* fs->lock */
    struct vfile *file;      /* a reference */
    char *path;              /* of a directory, if known */
    int flags;
    pthread_mutex_t lock;
    off_t offset;            /* lock; of a directory: what telldir() gives */
    uint8_t owner[GFAPI_MAX_LOCK_OWNER_LEN]; /* lock */
    uint32_t owner_len;
    struct portion *portion; /* lock; entries that have been read and not yet given; NULL: none. dir.c */
    struct dirent dirent;    /* what glfs_readdir() gives */
};

struct glfs_object {
    struct glfs *fs;
    struct glfs_object *prev, *next; /* fs->lock */
    struct vnode *node;      /* a reference */
};

/* Whom an operation is about: an object, or by its descriptor. */
struct target {
    struct vnode *node;
    struct glfs_fd *fd;      /* NULL: node */
};
#define OF_NODE(n) ((struct target){.node = (n)})
#define OF_FD(f) ((struct target){.fd = (f)})

/* What is the program's: default visibility and a version, which gfapi.map has. */
#define OLD_VERSION(function, name, version) __asm__(".symver " #function ", " #name "@" version)

static inline int64_t answer(int64_t r)
{
    if (r >= 0)
        return r;
    errno = (int)-r;
    return -1;
}
static inline void *answer_ptr(int64_t r, void *p)
{
    if (r < 0) {
        errno = (int)-r;
        return NULL;
    }
    return p;
}

/* ---- call.c ---- */
int call_init(struct vop *op, struct glfs *fs, enum fop_op what);     /* 0, -errno: then there is nothing to be done with op */
int call_of(struct vop *op, struct glfs *fs, struct target t, enum fop_op of_node, enum fop_op of_fd);
int64_t call_run(struct vop *op);
void call_done(struct vop *op);
int call_xdata(struct vop *op);                                       /* makes fop->xdata; 0, -ENOMEM */
int call_name(char to[FOP_NAME_MAX + 1], const char *name);           /* of one that is in a directory */
bool fs_there(struct glfs *fs);                                       /* false and errno: not initialised */
void call_owner(struct cred *c, struct glfs_fd *fd);
uint32_t identity_groups(const uint32_t **ret);

/* ---- memory.c: what glfs_free() takes ---- */
void *freeable_new(size_t size, void (*drop)(void *what)); /* zeroed; drop may be NULL */

/* ---- walk.c: from a path to an object ---- */
enum {
    WALK_PARENT = 1,         /* the last name is not looked up */
    WALK_FOLLOW = 2,         /* a symbolic link in the last place, too */
    WALK_MAYBE = 4,          /* it may be missing: then node is NULL */
};
struct place {
    struct vnode *parent;    /* NULL: the path is that of where one starts, or ends in "." or ".." */
    char name[FOP_NAME_MAX + 1];
    struct vnode *node;
    struct iatt stat;        /* of node, if mode is not 0 */
    bool slash;              /* the path ends in one: it must be a directory */
    char *path;              /* without links and dots; "" is the root; NULL: not known */
};
int walk(struct glfs *fs, struct vnode *at, const char *path, int how, struct place *ret); /* at NULL: the root or the working directory */
void walk_done(struct place *p);
/* An expression about a place; when what it found has gone since, once more from the start. */
#define AT_PLACE(p, fs, at, path, how, expression)                  \
    ({                                                              \
        int64_t r_;                                                 \
        for (int again_ = 1;; again_--) {                           \
            r_ = walk(fs, at, path, how, &(p));                     \
            if (r_ == 0) {                                          \
                r_ = (expression);                                  \
                walk_done(&(p));                                    \
            }                                                       \
            if (r_ != -ESTALE || !again_)                           \
                break;                                              \
        }                                                           \
        r_;                                                         \
    })
int chdir_to(struct glfs *fs, struct vnode *node, const char *path);
int path_of(struct glfs *fs, struct vnode *dir, char **ret);         /* asks the brick; the caller's to free */

/* ---- ops.c: operations, each once, for paths, descriptors and objects ---- */
int do_lookup(struct glfs *fs, struct vnode *parent, const char *name, struct vnode **ret, struct iatt *st);
int do_stat(struct glfs *fs, struct target t, struct iatt *ret);
int do_setattr(struct glfs *fs, struct target t, const struct iatt *st, int valid);
int do_truncate(struct glfs *fs, struct target t, off_t size, struct iatt *ret_pre, struct iatt *ret_post);
int do_access(struct glfs *fs, struct vnode *n, int mask);
int do_readlink(struct glfs *fs, struct vnode *n, char *buf, size_t size);
int do_statfs(struct glfs *fs, struct vnode *n, struct statvfs *ret);
int do_open(struct glfs *fs, struct vnode *n, int flags, struct glfs_fd **ret);
int do_opendir(struct glfs *fs, struct vnode *n, const char *path, struct glfs_fd **ret);
int do_creat(struct glfs *fs, struct vnode *parent, const char *name, int flags, mode_t mode, struct iatt *st, struct vnode **ret_node,
             struct glfs_fd **ret);                                  /* ret_node, ret: NULL for what is not wanted */
int do_make(struct glfs *fs, enum fop_op op, struct vnode *parent, const char *name, mode_t mode, dev_t dev, const char *target,
            struct iatt *st, struct vnode **ret);                    /* MKNOD, MKDIR, SYMLINK */
/* UNLINK, RMDIR. node, node2: what the names are of, for those on the way who know something of it; node2 NULL: of nothing. */
int do_remove(struct glfs *fs, enum fop_op op, struct vnode *parent, const char *name, struct vnode *node);
int do_rename(struct glfs *fs, struct vnode *parent, const char *name, struct vnode *node, struct vnode *parent2, const char *name2,
              struct vnode *node2);
int do_link(struct glfs *fs, struct vnode *n, struct vnode *parent, const char *name);
void stat_of(const struct glfs *fs, const struct iatt *st, struct stat *ret);           /* ret NULL: nothing */
void glfs_stat_of(const struct glfs *fs, const struct iatt *st, struct glfs_stat *ret); /* mode 0: nothing is valid */
int times_to_set(const struct timespec times[2], struct iatt *st);   /* gives valid; 0: none */
int stat_to_set(const struct glfs_stat *from, struct iatt *st);

/* ---- xattr.c ---- */
int64_t do_getxattr(struct glfs *fs, struct target t, const char *name, void *value, size_t size);
int64_t do_listxattr(struct glfs *fs, struct target t, void *value, size_t size);
int do_setxattr(struct glfs *fs, struct target t, const char *name, const void *value, size_t size, int flags);
int do_removexattr(struct glfs *fs, struct target t, const char *name);

/* ---- file.c ---- */
int file_new(struct glfs *fs, struct vfile **take, int flags, struct glfs_fd **ret); /* takes *take, also when it fails */
bool file_enter(struct glfs_fd *fd);         /* a reference for a call; false and errno: there is none to call */
struct glfs_fd *file_ref(struct glfs_fd *fd);
void file_unref(struct glfs_fd *fd);         /* not under a lock */

/* ---- dir.c ---- */
void portion_free(struct portion *p);        /* NULL is fine */

/* ---- io.c ---- */
ssize_t io_anonymous(struct glfs *fs, struct vnode *n, bool write, const void *buf, size_t count, off_t offset);
/* Where a program's callbacks run; NULL: no memory, or no thread. */
struct pool *fs_callbacks(struct glfs *fs);

/* ---- handle.c ---- */
struct glfs_object *object_new(struct glfs *fs, struct vnode *take); /* takes the reference; NULL: no memory */

/* ---- upcall.c ---- */
struct upcalls *upcalls_new(struct glfs *fs);
void upcalls_free(struct upcalls *u);
void upcalls_hear(struct upcalls *u, struct vnode *vn, const struct upcall *what); /* volume_host.upcall */

/* ---- volume-info.c ---- */
void fs_keep_text(struct glfs *fs, const char *text, size_t len);
int fs_keep_file(struct glfs *fs, const char *name);
void fs_dump(struct glfs *fs);               /* a statedump; logs what went wrong */

/* ---- logging.c ---- */
void api_log_begin(void);                    /* for each volume there is */
void api_log_end(void);
int api_log_open(const char *file, int level);

#endif
