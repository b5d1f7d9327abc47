/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume-impl.h: what volume.c, volume-move.c, vnode.c and vop.c share. */
#ifndef GF_VOLUME_IMPL_H
#define GF_VOLUME_IMPL_H

#include "thread.h"
#include "volume.h"

struct generation {
    struct graph *graph;
    struct volume *volume;
    unsigned int users;          /* volume.lock: vops that run here                                     */
    int up;                      /* volume.lock: -1 no word yet, 0 CHILD_DOWN, 1 CHILD_UP               */
    bool refused;                /* volume.lock: EVENT_AUTH_FAILED                                      */
    struct xlator *top;          /* where operations enter                                              */
};

/* The way of a volume: one graph at a time serves.
 *
 *   CLOSED --volume_start()--> WAITING --first CHILD_UP or CHILD_DOWN--> OPEN <--> MOVING
 *                                 any state --volume_close()--> ENDING                        */
enum volume_state { VOLUME_CLOSED, VOLUME_WAITING, VOLUME_OPEN, VOLUME_MOVING, VOLUME_ENDING };

struct volume {
    struct process *process;
    const struct volume_host *host;
    void *host_data;
    unsigned int inode_limit;
    pthread_mutex_t lock;        /* guards what is marked; nothing is called under it */
    pthread_cond_t changed;      /* users, up, offered, state */
    enum volume_state state;     /* lock */
    struct generation *active;   /* lock; NULL before the start and after the end */
    unsigned int exchanges;      /* lock */
    struct vop *waiting, *waiting_last; /* lock; in order */
    unsigned int nr_waiting;     /* lock */
    struct vop *blocked;         /* lock; LK with LK_SETW that run */
    struct vop *running;         /* lock; all that there are, the youngest first */
    uint64_t last_unique;        /* lock */
    struct vfile *files;         /* lock */
    unsigned int nr_files;       /* lock */
    struct graph *offered;       /* lock; the last one, not yet looked at */
    bool mover_runs;             /* lock; volume_close() waits for its end */
    /* The handles are the inodes of a graph of no translators but one, which forgets them. It is also what a vop is made for
     * while there is no other. */
    struct xlator handle_xlator;
    struct graph none;
    struct generation nowhere;
    struct inode_table *handles;
};

/* A lock that is held, as the brick knows it. */
struct vlock {
    struct vlock *next;
    struct vfile *file;          /* through which it was taken */
    uint32_t type;
    int64_t start, end;          /* both included; end INT64_MAX: all */
    uint32_t pid, owner_len;
    uint8_t owner[96];
};

struct vnode {
    struct inode *handle;        /* not a reference: it is what is referred to */
    struct volume *volume;
    atomic_bool marked;          /* the user's */
    pthread_mutex_t lock;        /* guards the rest, and fd and gen of its files */
    struct generation *gen;      /* of inode */
    struct inode *inode;         /* a reference; NULL: to be looked up */
    uint64_t counted;
    struct vfile *files;         /* open on it; linked by of_node */
    struct vlock *locks;
};

struct vfile {
    atomic_uint refs;
    struct vnode *node;          /* a reference */
    int32_t flags;
    bool is_dir;
    struct generation *gen;      /* node->lock: of fd */
    struct fd *fd;               /* node->lock: NULL: could not be moved, or the volume has ended */
    struct vfile *prev, *next;   /* volume.lock */
    struct vfile *of_node;       /* node->lock: the next one */
};

/* ---- vnode.c ---- */
extern const struct xlator_type volume_handle_type;
struct inode *vnode_inode(struct vnode *vn, struct generation *gen);  /* a reference, or NULL: not known in this graph */
void vnode_bind(struct vnode *vn, struct generation *gen, struct inode *in);
void vnode_sweep(struct volume *v, struct generation *gen);           /* gives up all that is of gen */
struct vfile *vfile_new(struct vnode *vn, struct generation *gen, struct fd *fd); /* a reference of its own on fd. NULL: no memory */
struct fd *vfile_fd(struct vfile *f, struct generation *gen);         /* a reference, or NULL */
void vfile_bind(struct vfile *f, struct generation *gen, struct fd *fd); /* NULL: it is lost */
/* Notes a lock that was granted or given back; type RANGE_UNLOCK: the latter. -ENOMEM */
int vnode_note_lock(struct vnode *vn, struct vfile *f, const struct flock_range *r, const struct cred *c);
void vnode_drop_locks(struct vnode *vn, const struct vfile *f, const struct cred *owner); /* of that file, or of that owner */

struct vfile **volume_files(struct volume *v, unsigned int *ret_n);   /* references on all; the array is the caller's. NULL: none */

/* ---- vop.c ---- */
void generation_leave(struct volume *v, struct generation *gen); /* one user less */
void generation_run(struct generation *gen, struct fop *fop); /* submits there and waits */
void vop_release_waiting(struct volume *v);       /* those that waited go on, or fail when the volume ends */
void vop_interrupt_blocked(struct volume *v);     /* all that wait for a lock; they are asked for again */
void loop_call(struct loop *l, void (*fn)(void *arg), void *arg); /* runs fn on the loop's thread and waits */

/* ---- volume.c ---- */
struct generation *generation_new(struct volume *v, struct graph *g); /* NULL: no memory */
int generation_start(struct generation *gen, struct err *err);        /* the graph's init; on the loop, or without one */

/* ---- volume-move.c ---- */
int volume_mover_start(struct volume *v);         /* a thread that takes what was offered, until nothing is */
void generation_drain(struct volume *v, struct generation *gen); /* returns when users is 0 */
void generation_end(struct volume *v, struct generation *gen);   /* sweeps, ends and frees the graph */

#endif
