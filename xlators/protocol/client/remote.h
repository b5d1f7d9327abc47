/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* remote.h: what the files of protocol/client share: client.c (options, events, the connection's comings and goings), handshake.c
 * (from connected to ready), fops.c (operations), fds.c (open descriptors and held locks across connections), upcalls.c.
 *
 * One translator is one brick at another end. Life of a connection:
 *
 *     up -> DUMP -> PORTBYBRICK -> (another port) -> up -> DUMP -> SETVOLUME -> descriptors and locks again -> ready -> CHILD_UP
 *                                                                                                       down -> CHILD_DOWN
 *
 * Threads  Events of the connection, timers, init, fini, reconfigure, PARENT_*: the loop. Answers: the connection's poller, all of
 *          a connection's before its down(). Operations: any. remote->lock guards what is marked; nothing is called under it. */
#ifndef PROTOCOL_REMOTE_H
#define PROTOCOL_REMOTE_H

#include "fopwire.h"
#include "graph.h"
#include "process.h"
#include "rpc-client.h"
#include "xlator.h"

#define DAEMON_PORT 24007
#define HANDSHAKE_MS 30000        /* for each answer on the way to ready */
#define REOPEN_AT_ONCE 64         /* what a stock brick works on at a time */
#define LOCK_GRACE_MS 10000       /* for which a held lock is asked for again: our own ghost may still hold it */
#define LOCK_RETRY_MS 250

struct remote_fd;
struct held_lock;
struct reopening;

struct remote {
    struct xlator *xl;
    /* Options; the strings are for those who hold lock. */
    char *transport_name, *remote_host, *remote_subvolume, *username, *password, *volume_id;
    int64_t remote_port;
    uint64_t frame_timeout, ping_timeout;
    int64_t event_threads;
    bool send_gids, strict_locks, filter_direct;    /* relaxed */

    const struct transport_type *transport;
    struct rpc_client *rpc;
    struct process_hold hold;
    bool started, held;                 /* the loop's */
    bool lock_made;
    atomic_bool redirected;             /* down() only means that we go to the brick's own port now */
    atomic_bool storage_down;           /* the brick says that its storage is not there: relaxed, operations look at it */
    atomic_bool ready;                  /* relaxed: what operations answer while there is no connection */
    counter_t answered[2];              /* operations: well, with an error */

    pthread_mutex_t lock;               /* what follows */
    struct rpc_dialer *to_brick, *to_daemon;
    struct dict *options;               /* as they stand in the volume file, for SETVOLUME */
    char brick_volume_id[GFID_TEXT];    /* of the brick's first answer, when the option did not say */
    unsigned int logins;                /* SETVOLUMEs so far */
    bool told, told_up;                 /* what the graph above was told last */
    char said[160];                     /* the last refusal that was logged: repeated ones are not */
    struct remote_fd *fds;              /* all that are open */
    unsigned int nr_fds, nr_locks;
    struct held_lock *locks;            /* granted POSIX locks */
    struct reopening *todo, *again;     /* to be opened; whose locks are to be asked for again */
    unsigned int reopening;             /* under way, in todo or in again */
    uint32_t reopen_link;               /* 0: nothing to be done */
    bool pumping;
    uint64_t grace_end_ms;
    struct loop_work retry_work;
    struct timer retry;                 /* the loop's */
    bool retry_posted;
};

/* client.c */
void remote_tell(struct remote *r, bool up);            /* CHILD_UP or CHILD_DOWN, unless that was the last word */
void remote_refused(struct remote *r, const char *fmt, ...) PRINTF(2, 3); /* logs it once, and comes back after a pause */
void remote_say(struct remote *r, const char *text);
const char *remote_host_of(const struct remote *r); /* the option, or whoever handed out the volume file; NULL: neither */

/* handshake.c */
void handshake_start(struct remote *r);
void handshake_ready(struct remote *r, uint32_t link);  /* descriptors and locks are there again */

/* fops.c */
void remote_fop(struct xlator *xl, struct fop *fop);

/* fds.c */
int remote_fd_made(struct remote *r, struct fd *fd, uint32_t link, int64_t number); /* -ENOMEM; then the number is given back */
void remote_fd_release(struct xlator *xl, struct fd *fd, void *ctx);
void remote_give_back(struct remote *r, uint32_t link, int64_t number, gfid_t gfid, bool is_dir); /* RELEASE, RELEASEDIR */
/* Number and connection; -EBADFD: it is open nowhere. */
int remote_fd_where(const struct remote_fd *rf, uint32_t *ret_link, int64_t *ret_number);
bool remote_fd_is_lost(struct remote *r, const struct remote_fd *rf); /* with locks that it held */
void remote_reopen_all(struct remote *r, uint32_t link); /* ends with handshake_ready(), unless the connection does before */
void remote_lk_answered(struct remote *r, const struct fop *fop);
void remote_flushed(struct remote *r, const struct fop *fop);
void remote_retry(struct timer *t);
void remote_post_retry(struct loop_work *w);
void remote_drop_reopenings(struct remote *r);           /* the end: none of their calls is under way */

/* upcalls.c */
void remote_callback(void *host, uint32_t proc, const uint8_t *args, size_t len);

#endif
