/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* locks.h: every lock of the brick, in memory (spec brick 3). Private to this folder.
 *
 *   inode -- struct lock_table -- struct space -- struct held, granted or waiting
 *               |                    |               (POSIX locks: one space per inode; inode and entry locks: one per domain)
 *               |                    +- struct owner -- the same locks, by owner
 *               +- struct held_back: reads, writes, removals that locks keep from going on, in order of arrival
 *
 * Owner     Of a lock: the client and the bytes of lk-owner. Pid and descriptor are not part of it.
 * Finding   Granted locks lie in range trees: those that meet a range are found in O(log n), whatever else is on the file. An entry
 *           lock is a range too: a point made of its name, or everything (name_range()).
 * Waiting   A request that waits is a parked fop and a `held` in its space's waiting list; it holds no thread. It stands in the
 *           line of one lock that is in its way, and is looked at again when that one goes. Whoever unparks the fop, the granter or the
 *           canceller, has it, and completes it when no mutex is held.
 * Life      A table is made with an inode's first lock or removal and holds a reference on the inode while it has locks; forget()
 *           frees it. A lock is gone with its client: client_gone() runs when the client's fops are back, before its fds are closed.
 *           A held that has an owner is freed under the table's mutex.
 * Locks     lock_table.lock, then lock_client.lock. Under them nothing is called that may come back here: table_leave() completes
 *           fops, sends notices and drops references after it has unlocked.
 * Threads   Any. Nothing waits. */
#ifndef LOCKS_LOCKS_H
#define LOCKS_LOCKS_H

#include "range-tree.h"
#include "xlator.h"

/* What one client may have. Waiting: then EAGAIN. Each costs some 4 KiB (its fop, the request's record, the lock), so that is 64 MiB:
 * what a connection may hold in started requests anyhow (RPC_STARTED_MAX). 10,000 waiting threads or processes behind one mount
 * are seen; 4,096 would refuse them. */
#define WAITING_PER_CLIENT 16384u
#define GRANTED_PER_CLIENT 262144u           /* then ENOLCK: some 100 MiB; far above what programs hold */
#define HELD_BACK_BYTES_PER_CLIENT (16 * MiB) /* data of reads and writes that wait; then EAGAIN. Their answers may all come at once */
#define DOMAIN_MAX 1024u                     /* names like VOL-replicate-0:self-heal; then ENAMETOOLONG */

struct aftermath;

enum family { POSIX_LOCK, INODE_LOCK, ENTRY_LOCK, META_LOCK /* "the POSIX locks of this inode are on the move" */ };

struct lock_client {
    pthread_mutex_t lock;      /* first, nr_*, bytes_held_back */
    struct held *first;        /* all of the client's, in all tables */
    unsigned int nr_waiting, nr_granted; /* waiting: held back operations too */
    size_t bytes_held_back;
    struct client *client;     /* NULL: operations of the graph's own; outlives us */
};

/* What is known of a descriptor through which locks were asked for. Freed by release(), when it has no locks any more. */
struct lock_fd {
    struct lock_table *table;
    const struct fd *fd;
    unsigned int nr_granted;       /* table's mutex */
    unsigned int next_told;        /* table's mutex: LK with LK_GET_FD goes from one to the next */
    uint64_t token;                /* says "the locks of this descriptor" in lockinfo; random, so that nobody can guess another's */
};

struct owner {
    struct range_node at;          /* in space.owners, by a hash of who it is */
    struct lock_client *lc;
    unsigned int refs;             /* of helds */
    unsigned int nr_granted;
    struct range_node *granted;    /* by range */
    struct held *first_waiting, *last_waiting;
    uint32_t len;
    uint8_t bytes[];
};

struct held_line {
    struct held *first, *last;     /* by number */
};
struct held {
    struct range_node at, own_at;  /* granted: in space.tree[type], in owner.granted */
    struct held *prev, *next;      /* in its list of the space */
    struct held *client_prev, *client_next;
    struct held *own_prev, *own_next; /* waiting, of the same owner */
    struct held_line blocks;       /* those waiting that wait for us */
    struct held_line *line;        /* waiting: where we stand: the blocks of the one in our way, or space.ready */
    struct held *line_prev, *line_next;
    uint64_t number;               /* waiting: in order of arrival */
    struct space *space;
    struct owner *own;
    struct waiter *waiter;         /* NULL: granted */
    uint32_t type;                 /* enum lock_type; of an entry lock 0 read, 1 write */
    bool mandatory;                /* POSIX: asked for with lock mode mandatory */
    int64_t start, end;            /* both inside; end INT64_MAX: to infinity */
    char *name;                    /* entry lock; NULL: the whole directory */
    struct lock_fd *via;           /* the descriptor; NULL: none */
    int32_t pid, cred_pid;         /* the one told to others; the one of the request */
    int64_t since;                 /* seconds of the day's clock, for the dump */
    uint64_t since_ms, told_ms;    /* when it was asked for; when its owner was last told that others wait */
};

/* A parked request. In the arena of its fop. */
struct waiter {
    struct waiter *next;           /* of those to be completed */
    struct fop *fop;
    struct xlator *xl;
    struct lock_table *table;
    struct held *held, *spare;     /* spare: granting may cut one lock into two */
    int err;
};

/* An operation that is held back. In the arena of its fop. */
enum go { GO_ON, GO_WAIT, GO_REFUSE };
struct held_back {
    struct held_back *prev, *next;
    struct fop *fop;
    struct xlator *xl;
    struct lock_table *table;
    struct lock_client *lc;
    size_t bytes;
    enum go (*look)(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err); /* under the table's mutex: may it go on? */
    void (*go_on)(struct xlator *xl, struct fop *fop);    /* without; the fop is unparked */
    void (*given_up)(struct xlator *xl, struct lock_table *t, struct aftermath *after); /* under it; NULL: nothing to undo */
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
    char *domain;                  /* NULL: POSIX locks */
    struct held_list granted, waiting;
    struct range_node *tree[2];    /* the granted ones, by type: read, write */
    struct range_node *owners;
    struct held_line ready;        /* waiting ones that may have nothing in their way: to be tried */
    uint64_t last_number, nr_unblocked;
};

enum enforcement { ENFORCE_UNKNOWN, ENFORCE_NO, ENFORCE_YES };
struct lock_table {
    pthread_mutex_t lock;          /* all below */
    struct inode *inode;           /* a reference while pinned */
    bool pinned;
    bool look_again;               /* something changed: look at what is held back */
    unsigned int nr_locks;
    struct space *spaces;
    struct held_back *first_back, *last_back;
    unsigned int nr_removals;      /* of this inode, held back or under way */
    enum enforcement enforced;
    unsigned int nr_io;            /* operations under way on data, counted while enforce-mandatory-lock is on */
    unsigned int nr_marking;       /* of the attribute: held back or under way */
    bool migrated;                 /* its POSIX locks have moved to another brick */
};

enum mandatory_mode { MANDATORY_OFF, MANDATORY_FILE, MANDATORY_FORCED, MANDATORY_OPTIMAL };
struct locks {
    bool notify_contention;        /* live, as all of these */
    uint64_t notify_delay_s;
    int mandatory;                 /* enum mandatory_mode */
    bool enforce, trace, monkey;
    uint64_t revocation_s;
    bool revocation_clear_all;
    int64_t revocation_max_blocked;
    atomic_uint unlocks;           /* that the monkey has seen; relaxed */
    struct lock_client internal;
};
#define LIVE(priv, what) __atomic_load_n(&(priv)->what, __ATOMIC_RELAXED) /* an option that may change beside us */

/* What a change leaves to be done when the mutex is free again. */
struct notice;
struct aftermath {
    struct waiter *first, *last;
    struct held_back *first_back, *last_back;
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
struct lock_fd *lock_fd_of(struct xlator *xl, struct fd *fd, struct lock_table *t); /* NULL: no memory, or no descriptor */

struct inode *lock_inode_of(const struct fop *fop);
bool lacks_owner(const struct fop *fop); /* of a client that should have sent one: EINVAL */

/* ---- held.c -------------------------------------------------------------------------------------------------------------- */
/* A lock of fop's caller, in no list and of no owner yet. NULL: no memory. */
struct held *held_new(struct xlator *xl, const struct fop *fop, uint32_t type, int64_t start, int64_t end);
void held_free(struct xlator *xl, struct held *h);
int held_own(struct space *s, struct held *h, struct lock_client *lc, const uint8_t *bytes, uint32_t len); /* 0, -ENOMEM */
void held_own_as(struct held *h, const struct held *other);
int held_give(struct held *h, struct lock_client *lc); /* one in no list, to the same owner bytes of another client; 0, -ENOMEM */
void held_stamp(struct held *h); /* now is when it began */
struct owner *owner_find(const struct space *s, const struct lock_client *lc, const uint8_t *bytes, uint32_t len); /* NULL: has none */

bool may_hold_more(struct lock_client *lc); /* a soft bound: some threads at once may pass it */
void held_grant(struct space *s, struct held *h);
int held_wait(struct space *s, struct held *h); /* 0, or -EAGAIN: too many of this client wait */
void held_take_out(struct held *h); /* of whichever list it is in */
void held_resize(struct held *h, int64_t start, int64_t end); /* of a granted one */
void held_blocked_by(struct held *h, struct held *blocker);
void held_unblock(struct held *h);

#define held_at(node) container_of(node, struct held, at)
#define held_own_at(node) container_of(node, struct held, own_at)
static inline bool same_owner(const struct held *a, const struct held *b)
{
    return a->own == b->own;
}

/* ---- wait.c -------------------------------------------------------------------------------------------------------------- */
/* What keeps h from being granted now; NULL with true: nothing. Looks at those waiting before h (all, if it does not wait yet) where
 * fairness asks for it. False and NULL: a removal. */
bool is_grantable(const struct space *s, const struct held *h, struct held **ret_blocker);
/* For blocker, or NULL: see is_grantable(). -EINPROGRESS: it is parked, do not touch fop any more. Else a negative errno, and h is the
 * caller's still. */
int wait_for(struct xlator *xl, struct space *s, struct held *h, struct held *blocker, struct held *spare, struct fop *fop);
void grant_waiting(struct xlator *xl, struct space *s, struct aftermath *after);
/* Ends a wait with an error, unless its canceller was faster. */
bool refuse_waiting(struct xlator *xl, struct held *h, int err, struct aftermath *after);
void aftermath_run(struct xlator *xl, struct aftermath *after);

/* ---- contention.c -------------------------------------------------------------------------------------------------------- */
bool in_the_way(const struct space *s, const struct held *a, const struct held *b); /* of another owner, and both cannot be granted */
/* Tells the owners of the granted locks that are in h's way; that keep a removal by lc from going on. */
void notice_contention(struct xlator *xl, const struct space *s, const struct held *h, struct aftermath *after);
void notice_removal(struct xlator *xl, struct lock_table *t, const struct lock_client *lc, struct aftermath *after);
void notices_send(struct xlator *xl, struct aftermath *after);

/* ---- held-back.c --------------------------------------------------------------------------------------------------------- */
/* Looks, with the table entered; lets fop wait if it must. GO_ON: the caller goes on with it. GO_WAIT: do not touch it any more.
 * GO_REFUSE: with *ret_err. The mutex is let go and taken again in between: the request stops counting as running first. */
struct back_how {
    enum go (*look)(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err);
    void (*go_on)(struct xlator *xl, struct fop *fop);
    void (*given_up)(struct xlator *xl, struct lock_table *t, struct aftermath *after);
    size_t bytes;
};
enum go hold_back(struct xlator *xl, struct lock_table *t, struct fop *fop, const struct back_how *how, int *ret_err);
/* The same and all that follows: leaves the table; goes on with fop, or gives up and fails it. */
void hold_back_or_go_on(struct xlator *xl, struct lock_table *t, struct fop *fop, const struct back_how *how, struct aftermath *after);
void look_at_held_back(struct lock_table *t, struct aftermath *after);
void refuse_io_held_back(struct lock_table *t, int err, struct aftermath *after);
void back_run(struct aftermath *after);

/* ---- the families -------------------------------------------------------------------------------------------------------- */
void posix_insert(struct xlator *xl, struct space *s, struct held *h, struct held **spare); /* takes h; *spare NULL when used */
void posix_reply(struct fop *fop, const struct held *h);
void locks_lk(struct xlator *xl, struct fop *fop);
void locks_flush(struct xlator *xl, struct fop *fop);
void locks_release(struct xlator *xl, struct fd *fd, void *ctx);
void locks_inodelk(struct xlator *xl, struct fop *fop);
void locks_entrylk(struct xlator *xl, struct fop *fop);
void name_range(const char *name, int64_t *ret_start, int64_t *ret_end);
void drop_granted(struct xlator *xl, struct held *h);

/* ---- mandatory.c, enforce.c, remove.c, migrate.c ------------------------------------------------------------------------- */
void locks_io(struct xlator *xl, struct fop *fop);    /* READ, WRITE, TRUNCATE, FTRUNCATE, DISCARD, ZEROFILL */
void locks_open(struct xlator *xl, struct fop *fop);
bool is_enforcing(const struct locks *priv);
/* Finds out, below us, whether the inode's locks are enforced, and comes back to go_on(). False: it is known. */
bool enforcement_asked(struct xlator *xl, struct lock_table *t, struct fop *fop, void (*go_on)(struct xlator *xl, struct fop *fop));
bool sets_enforcement(const struct fop *fop);
void locks_enforce(struct xlator *xl, struct fop *fop); /* [F]SETXATTR, [F]REMOVEXATTR of the mark */
void posix_preempt(struct xlator *xl, struct space *s, const struct held *h, struct aftermath *after);
void locks_remove(struct xlator *xl, struct fop *fop); /* UNLINK, RMDIR, RENAME */
void locks_getactivelk(struct xlator *xl, struct fop *fop);
void locks_setactivelk(struct xlator *xl, struct fop *fop);
void locks_setxattr(struct xlator *xl, struct fop *fop);
bool lockinfo_get(struct xlator *xl, struct fop *fop); /* false: it was not asked for */
enum go while_migrating(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err);

/* ---- place.c ------------------------------------------------------------------------------------------------------------- */
/* Asks the storage where it is, HOST:BRICK as in pathinfo, under fop; NULL: it does not say. ctx lives in fop's arena. */
void place_ask(struct xlator *xl, struct fop *fop, void (*then)(struct xlator *xl, struct fop *fop, const char *pathinfo, void *ctx),
               void *ctx);

/* ---- counts.c, clear.c, dump.c, trace.c ---------------------------------------------------------------------------------- */
void locks_count(struct xlator *xl, struct fop *fop);
void locks_getxattr(struct xlator *xl, struct fop *fop);
void locks_dump_inode(struct xlator *xl, struct inode *in, void *ctx, struct dump *d);
void trace_lock(struct xlator *xl, struct fop *fop);
/* At DEBUG: fop waits, for blocker or (NULL) for what its kind waits for; its wait is over, err 0: well. With the table entered, or not. */
void trace_wait(struct xlator *xl, const struct fop *fop, const struct held *blocker);
void trace_wait_over(struct xlator *xl, const struct fop *fop, int err);

#endif
