/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* locks.h: every lock of the brick, in memory (spec brick 3). Private to this folder.
 *
 *   inode -- struct lock_table -- struct space -- struct held, granted or waiting, in order of arrival
 *                                 (POSIX locks: one per inode; inode and entry locks: one per domain)
 *
 * Owner     Of a lock: the client and the bytes of lk-owner. Pid and descriptor are not part of it.
 * Waiting   A request that waits is a parked fop and a `held` in its space's waiting list; it holds no thread. Whoever unparks the
 *           fop, the granter or the canceller, has it, and completes it when no mutex is held.
 * Life      A table is made with an inode's first lock and holds a reference on the inode while it has locks; forget() frees it.
 *           A lock is gone with its client: client_gone() runs when the client's fops are back, before its fds are closed.
 * Locks     lock_table.lock, then lock_client.lock. Under them nothing is called that may come back here: table_leave() completes
 *           fops, sends notices and drops references after it has unlocked.
 * Threads   Any. Nothing waits. */
#ifndef LOCKS_LOCKS_H
#define LOCKS_LOCKS_H

#include "xlator.h"

#define WAITING_PER_CLIENT 4096u    /* then EAGAIN: design section 6 */
#define GRANTED_PER_CLIENT 262144u  /* then ENOLCK: some 64 MiB; far above what programs hold */
#define DOMAIN_MAX 1024u            /* names like VOL-replicate-0:self-heal; then ENAMETOOLONG */

enum family { POSIX_LOCK, INODE_LOCK, ENTRY_LOCK };

struct lock_client {
    pthread_mutex_t lock;      /* first, nr_* */
    struct held *first;        /* all of the client's, in all tables */
    unsigned int nr_waiting, nr_granted;
    struct client *client;     /* NULL: operations of the graph's own; outlives us */
};

struct held {
    struct held *prev, *next;  /* in its list of the space */
    struct held *client_prev, *client_next;
    struct space *space;
    struct lock_client *lc;
    struct waiter *waiter;     /* NULL: granted */
    uint32_t type;             /* enum lock_type; of an entry lock 0 read, 1 write */
    bool mandatory;            /* POSIX: asked for with lock mode mandatory */
    int64_t start, end;        /* both inside; end INT64_MAX: to infinity */
    char *name;                /* entry lock; NULL: the whole directory */
    const struct fd *fd;       /* through which it was taken: to compare, never to follow */
    int32_t pid, cred_pid;     /* the one told to others; the one of the request */
    int64_t since;             /* seconds of the day's clock, for the dump */
    uint64_t told_ms;          /* when its owner was last told that others wait */
    uint32_t owner_len;
    uint8_t owner[96];
};

/* A parked request. In the arena of its fop. */
struct waiter {
    struct waiter *next;       /* of those to be completed */
    struct fop *fop;
    struct xlator *xl;
    struct lock_table *table;
    struct held *held, *spare; /* spare: granting may cut one lock into two */
    int err;
};

struct held_list {
    struct held *first, *last;
    unsigned int n;
};
struct space {
    struct space *next;
    struct lock_table *table;
    enum family family;
    char *domain;              /* NULL: POSIX locks */
    struct held_list granted, waiting;
};
struct lock_table {
    pthread_mutex_t lock;      /* all below */
    struct inode *inode;       /* a reference while pinned */
    bool pinned;
    unsigned int nr_locks;
    struct space *spaces;
};

struct locks {
    bool notify_contention;    /* live */
    uint64_t notify_delay_s;   /* live */
    struct lock_client internal;
};

/* What a change leaves to be done when the mutex is free again. */
struct notice;
struct aftermath {
    struct waiter *first, *last;
    struct notice *notices;
};

/* ---- table.c ------------------------------------------------------------------------------------------------------------- */
struct lock_table *table_find(struct xlator *xl, struct inode *in); /* NULL: has never had a lock */
struct lock_table *table_make(struct xlator *xl, struct inode *in); /* NULL: no memory */
void table_enter(struct lock_table *t); /* the caller has a reference on the inode; one more is held until table_leave() */
void table_leave(struct xlator *xl, struct lock_table *t, struct aftermath *after);
void table_free(struct xlator *xl, struct lock_table *t);

struct space *space_find(struct lock_table *t, enum family family, const char *domain);
struct space *space_make(struct lock_table *t, enum family family, const char *domain); /* NULL: no memory */
void spaces_tidy(struct lock_table *t); /* drops those without locks */

struct lock_client *lock_client_of(struct xlator *xl, struct client *client); /* NULL: no memory */

/* A lock of fop's caller, in no list. NULL: no memory. */
struct held *held_new(struct xlator *xl, struct lock_client *lc, const struct fop *fop, uint32_t type, int64_t start, int64_t end);
void held_free(struct xlator *xl, struct held *h);
bool may_hold_more(struct lock_client *lc); /* a soft bound: some threads at once may pass it */
void held_grant(struct space *s, struct held *h);
int held_wait(struct space *s, struct held *h); /* 0, or -EAGAIN: too many of this client wait */
void held_take_out(struct held *h); /* of whichever list it is in */

bool same_owner(const struct held *a, const struct held *b);
bool owned_by(const struct held *h, const struct lock_client *lc, const struct fop *fop);
bool overlap(const struct held *a, const struct held *b);
struct inode *lock_inode_of(const struct fop *fop);
bool lacks_owner(const struct fop *fop); /* of a client that should have sent one: EINVAL */

/* ---- wait.c -------------------------------------------------------------------------------------------------------------- */
/* Would it be granted now? Looks at those waiting before `before` (NULL: at all) where fairness asks for it. */
bool is_grantable(const struct space *s, const struct held *h, const struct held *before);
/* -EINPROGRESS: it is parked, do not touch fop any more. Else a negative errno, and h is the caller's still. */
int wait_for(struct xlator *xl, struct space *s, struct held *h, struct held *spare, struct fop *fop);
void grant_waiting(struct xlator *xl, struct space *s, struct aftermath *after);
/* Ends a wait with an error, unless its canceller was faster. */
void refuse_waiting(struct xlator *xl, struct held *h, int err, struct aftermath *after);
/* Tells the owners of the granted locks that are in h's way. */
void notice_contention(struct xlator *xl, const struct space *s, const struct held *h, struct aftermath *after);
void aftermath_run(struct xlator *xl, struct aftermath *after);

/* ---- the families -------------------------------------------------------------------------------------------------------- */
void posix_insert(struct xlator *xl, struct space *s, struct held *h, struct held **spare); /* takes h; *spare NULL when used */
void posix_reply(struct fop *fop, const struct held *h);
void locks_lk(struct xlator *xl, struct fop *fop);
void locks_flush(struct xlator *xl, struct fop *fop);
void locks_getactivelk(struct xlator *xl, struct fop *fop);
void locks_setactivelk(struct xlator *xl, struct fop *fop);
void locks_release(struct xlator *xl, struct fd *fd, void *ctx);
void locks_inodelk(struct xlator *xl, struct fop *fop);
void locks_entrylk(struct xlator *xl, struct fop *fop);

/* ---- counts.c, clear.c, dump.c ------------------------------------------------------------------------------------------- */
void locks_count(struct xlator *xl, struct fop *fop);
void locks_getxattr(struct xlator *xl, struct fop *fop);
void locks_dump_inode(struct xlator *xl, struct inode *in, void *ctx, struct dump *d);

#endif
