/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* write-behind.h: what the files of performance/write-behind share.
 *
 *   struct wb        the translator              write-behind.c: options, life, the handlers
 *   struct wb_inode  an object that was written  queue.c: its requests in the order of their arrival, and when each may go on
 *   struct wb_fd     a descriptor                errors.c: what its program has not been told yet
 *                                                fresh.c: attributes that were taken before a write was done
 *
 * A request is a WRITE that is, or may be, answered before it is done ("behind"), or an operation that has to keep its place among
 * those. A request goes on when nothing that it conflicts with stands before it: two conflict when their ranges overlap and one of them
 * modifies. So each operation finds what was written before it, and writes reach the storage in the order that matters.
 *
 * Memory   A write behind keeps references on its data; small ones are copied together. wb_inode.acked is bounded by cache-size,
 *          wb.pinned (what the buffers of all take) by PINNED_MAX, wb.pending by PENDING_MAX. What does not fit waits for its own answer.
 * Threads  Any. wb_inode.lock, then wb.lock. Nothing is called, submitted or completed under either. */
#ifndef WRITE_BEHIND_H
#define WRITE_BEHIND_H

#include "graph.h"
#include "process.h"
#include "xlator.h"

#define PINNED_MAX (64 * MiB) /* of buffers behind in a graph: what a slow brick can make us keep */
#define PENDING_MAX 4096      /* writes behind in a graph: each has an operation of about 1 KiB */
#define COPY_BELOW (16 * KiB) /* smaller ones are copied into one buffer: that is less than the management of another slice */

enum wb_state {
    WB_QUEUED,
    WB_RUNNING, /* below us */
    WB_HELD,    /* a write that failed before an fsync and is kept: tried again when somebody comes */
};

struct wb_waiter { /* a WRITE whose answer waits for room, or for the storage; in the arena of its fop */
    struct wb_waiter *next;
    struct fop *fop;
};

struct wb_req {
    struct wb_req *prev, *next;  /* wb_inode.lock */
    struct wb_req *go_next;
    struct wb_inode *in;
    struct xlator *xl;
    enum wb_state state;
    bool queued;                 /* in the list */
    uint64_t start, end;         /* what it touches; end exclusive */
    bool modifies;
    bool stays;                  /* in the list while it runs: later ones wait for it */
    struct fop *fop;             /* behind: ours. Else the caller's */
    void (*go)(struct wb_req *r); /* it may go on; no lock is held. With err: it is out of the list and shall fail */
    int err;
    /* of a write behind */
    bool write, kept;            /* kept: it has failed before */
    uint64_t bytes, acked;       /* all; answered */
    uint64_t pinned;
    struct wb_waiter *waiters, *last_waiter;
    struct iobuf *room;          /* where small ones are copied to, up to room_used; the last slice of fop's data owns it */
    size_t room_used;
};

struct wb_inode {
    struct xlator *xl;
    struct inode *inode;         /* not a reference: each request's fop has one */
    pthread_mutex_t lock;        /* guards what follows */
    struct wb_req *first, *last;
    uint64_t acked;              /* bytes answered and not at the storage */
    unsigned int writing;        /* writes behind that are below us */
    unsigned int writes;         /* in the list; > 0: in wb.busy */
    unsigned int waiting;        /* WRITEs that wait for their answer */
    uint64_t written_at;         /* wb.clock when the last one was done */
    bool locked;                 /* somebody of ours has had a lock on it: FLUSH gives it up */
    unsigned int err_seq;        /* errors of writes behind so far */
    int err;                     /* the last */
    bool err_told;               /* to somebody */
    struct wb_inode *busy_prev, *busy_next; /* wb.lock */
};

struct wb_fd { /* wb_inode.lock */
    int err;                     /* of its own writes, not told */
    unsigned int told_seq;       /* err_seq when an fsync told of it */
};

struct wb {
    /* options, live */
    bool there, pass_through, flush_behind, trickling, strict_direct, strict_ordering, resync;
    uint64_t window, aggregate;

    struct xlator *xl;
    atomic_bool down;            /* CHILD_DOWN: relaxed, writes are passed to be refused */
    atomic_bool hurry;           /* relaxed: nothing waits for more to come */
    _Atomic uint64_t clock;      /* counts writes that are done */
    pthread_mutex_t lock;        /* guards what follows */
    struct wb_inode *busy;       /* those with writes behind */
    unsigned int pending;        /* writes behind */
    uint64_t pinned;
    struct wb_drainer *drainers; /* wait for pending 0 */
    bool ending, end_posted;     /* PARENT_DOWN has come; is passed on */
    struct process_hold hold;
    struct loop_work end_work;
    bool lock_made;

    counter_t seen, answered_early, merged, sent, sent_bytes, failed, flushes, fresh, waited;
};

/* ---- queue.c ---- */
struct wb_inode *wb_inode_of(struct xlator *xl, struct inode *in);  /* NULL: never written, or no memory */
struct wb_inode *wb_inode_make(struct xlator *xl, struct inode *in); /* NULL: no memory */
void wb_inode_free(struct wb_inode *in);
struct inode *wb_object(const struct fop *fop);
/* fop takes its place: r->start, end, modifies, stays, go are the caller's. It goes on now or later. */
void wb_enter(struct wb_inode *in, struct wb_req *r, struct fop *fop);
void wb_leave(struct wb_req *r);                /* one that stays is done. The caller has a reference on the inode */
void wb_push_all(struct wb *w);                 /* what waits for more is sent */
bool wb_is_busy(struct wb_inode *in);
bool wb_flush_has_work(struct wb_inode *in, bool down); /* locks to give up, or errors to wait for */

/* What is to be done when the lock is free again. */
struct wb_todo {
    struct wb_req *first, **last;   /* to go on */
    struct wb_waiter *answers, **last_answer; /* there is room for them */
};
static inline void wb_todo_init(struct wb_todo *t)
{
    *t = (struct wb_todo){0};
    t->last = &t->first;
    t->last_answer = &t->answers;
}
void wb_todo_run(struct wb_todo *t);
void wb_answer(struct wb_waiter *list, int err); /* 0: written */
void wb_add_locked(struct wb_inode *in, struct wb_req *r);
void wb_remove_locked(struct wb_req *r);
bool wb_conflict(const struct wb_req *a, const struct wb_req *b);
void wb_pump_locked(struct wb_inode *in, struct wb_todo *t); /* whatever may go on, in order */
void wb_retry_locked(struct wb_inode *in);      /* somebody came: what is held is tried again */
void wb_count_write_locked(struct wb_inode *in, int n);

/* ---- writes.c ---- */
void wb_write_behind(struct wb_inode *in, struct fop *fop); /* answers it, now or later */

/* ---- errors.c: under wb_inode.lock ---- */
void wb_error_note_locked(struct wb_inode *in, struct fd *fd, int err);
int wb_error_take_locked(struct wb_inode *in, struct fd *fd, bool of_others); /* 0, or the errno that is told now */
void wb_error_opened(struct xlator *xl, struct fd *fd); /* what others have been told is nothing to a new one. Takes the lock */

/* ---- fresh.c ---- */
void wb_lookup(struct xlator *xl, struct fop *fop);   /* LOOKUP, CREATE */
void wb_readdirp(struct xlator *xl, struct fop *fop);
void wb_rename(struct xlator *xl, struct fop *fop);   /* by name */
bool wb_watch_read(struct xlator *xl, struct fop *fop); /* pushes a frame; false: no memory */

/* ---- write-behind.c ---- */
void wb_pending(struct wb *w, int n, int64_t pinned); /* more or less of them; at 0 goes on what waits for that */

static inline bool wb_is(const bool *option) /* a live option */
{
    return __atomic_load_n(option, __ATOMIC_RELAXED);
}
static inline uint64_t wb_size(const uint64_t *option)
{
    return __atomic_load_n(option, __ATOMIC_RELAXED);
}

#endif
