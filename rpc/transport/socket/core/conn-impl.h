/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* conn-impl.h: what conn.c, drive.c and listener.c know of a connection, and nobody else.
 *
 * Who drives it: until it is up the event loop does (dialling, waiting for handshake bytes, their time limits), with each
 * step of the handshake's arithmetic on a short-lived thread; from up on a thread of its own while there is traffic, or still
 * the loop. "The poller" is whoever drives. What is not marked otherwise belongs to the poller. */
#ifndef SOCKET_CONN_IMPL_H
#define SOCKET_CONN_IMPL_H

#include <stdatomic.h>

#include "conn.h"
#include "framer.h"
#include "group.h"
#include "jobs.h"
#include "loop.h"
#include "role.h"
#include "sendq.h"
#include "sock.h"
#include "state.h"
#include "stream.h"
#include "thread.h"
#include "tls.h"

enum conn_drive { DRIVE_LOOP, DRIVE_THREAD };
enum conn_parting { PART_SAY, PART_LISTEN }; /* closing: telling the peer; hearing it out, so that what we said is not reset away */
#define CONN_NOT_STOPPED 1                  /* conn.stop holds a negative errno or 0 once somebody asked */

/* Of threads that receive for themselves: helper.c. Descriptors -1: not made. */
struct helper {
    atomic_bool wanted;             /* somebody would have liked to help; relaxed: a hint */
    bool failed;                    /* the thread's: there were no descriptors */
    atomic_bool there;              /* one is */
    atomic_uint_least64_t crowd_until; /* clock_ms; relaxed: several ask at once */
    int wakefd, helper_set, poller_set; /* made by the thread before conn.rests was ever true, and then constant */
};

struct conn {
    atomic_uint refs;
    struct env env;                 /* constant */
    struct conn_conf conf;          /* constant */
    const struct conn_host *host;   /* constant */
    void *host_data;                /* constant */
    bool server;                    /* constant: we accepted it */
    struct conn_peer peer;          /* addr and text constant, the rest from up on */

    atomic_int state;               /* enum conn_state; the poller writes, through conn_step() only; others look */
    struct sock sock;
    struct stream *stream;
    struct tls_config *tls_config;  /* NULL: plain */
    struct tls *tls;                /* the same object as stream, or NULL */
    _Atomic(struct tls_proof *) proof; /* of a peer that we have let in over TLS; any thread may look: tls_prove() */
    struct framer framer;
    bool dry;                       /* the stream has said -EAGAIN to a read: only poll() knows of more */
    bool trusted;                   /* admitted, and the framer knows */
    bool choked;                    /* too much is queued: no reading before half of it has gone */
    size_t low_water;               /* what the kernel was told; 0: nothing */
    atomic_bool idled;              /* the stream has given back its buffers; relaxed: to senders it is a hint */
    bool lost;                      /* the peer is gone: no use in a goodbye */
    bool told_up;
    bool ending;                    /* to close, for end_err, as soon as the poller has the role */
    int end_err;
    const char *end_doing;
    int err;                        /* why it closes */
    enum conn_parting parting;
    uint64_t first_due, admit_due, handshake_due, goodbye_due; /* clock_ms; 0: none */
    uint64_t active_at, born_ns, round_trip_due;

    pthread_mutex_t gate;           /* makes "open, then queue" one step; innermost, nothing is called under it */
    bool open;                      /* under gate; false before up and once closing has begun, and then for good */
    struct sendq out;               /* entered under gate, emptied by who has the role, without it */
    struct role role;               /* who may send: role.h. It guards out's other end, the stream (reading a duplex one is the
                                     * poller's all the same), and these two: */
    bool out_waits;                 /* the stream takes no more now; the role is then the poller's */
    int out_err;                    /* what a sender met; 0: nothing */
    bool has_role;                  /* the poller's word: it has it */
    bool wants_role;                /* it has asked for it, and does nothing else before it is given */

    atomic_int stop;                /* CONN_NOT_STOPPED, or the first conn_disconnect()'s errno */
    atomic_bool admitted;
    atomic_uint pauses;

    atomic_int drive;               /* enum conn_drive; the poller writes */
    /* drive loop */
    struct watch watch;
    bool watched;
    struct timer timer;
    uint64_t timer_due;             /* what timer is armed for; 0: not armed */
    struct loop_work work;          /* holds a reference while posted */
    struct loop_work beginning;
    atomic_bool posted;
    /* handshake: the loop hands the connection to a job and touches nothing before step_done */
    struct job job;
    bool stepping;
    atomic_bool step_done;
    int step_result;
    bool step_wants_write;
    /* drive thread */
    int wakefd;
    atomic_bool asleep;             /* in poll(), or about to be: whoever takes it to false writes wakefd */
    pthread_mutex_t turn;           /* held by whoever makes a turn: the thread while it is up, or a helper while it rests. Outermost;
                                     * callbacks run under it */
    atomic_bool rests;              /* under turn: the thread waits for nothing but bytes to read, in helper.poller_set */
    atomic_bool missed;             /* a helper has heard of something that the poller has not: read on */
    struct helper helper;

    struct group *group;            /* NULL: none */
    struct group_member member;
    counter_t records_in, messages_out, pauses_seen, handshake_us;
    atomic_uint round_trip_us;      /* the kernel's, of the last second in which something moved; 0: not known */
};

/* Makes a connection that has not begun: the host may be told its address before anything can happen. One reference is the
 * caller's. fd is taken over in every case. */
int conn_new(const struct env *env, const struct conn_conf *conf, struct tls_config *tls, int fd, struct group *group,
             const struct conn_host *host, void *host_data, bool server, struct conn **ret_conn);
void conn_begin(struct conn *c); /* any thread; once */

/* drive.c */
void conn_wake(struct conn *c);                 /* any thread: the poller looks at stop, role and pauses */
bool conn_turning(struct conn *c);              /* is this thread in a turn of it? Then it is the poller */
bool conn_turning_any(void);
void conn_turns(struct conn *c, bool on);       /* a helper is in a turn of it, or no more */
void conn_drive_init(struct conn *c);
int conn_drive_thread(struct conn *c);
void conn_thread_ends(struct conn *c);          /* on an own thread: tells the host, if it wants to know */
void conn_drive_end(struct conn *c);            /* closed: the poller's reference goes when nothing of it runs */

/* helper.c; the drive thread only, under turn, but for helper_rest() */
void helper_init(struct helper *h);
void helper_done(struct helper *h);
bool helper_may_come(struct conn *c);           /* is it worth to rest in helper_rest()? */
uint32_t helper_rest(struct conn *c, int timeout_ms); /* the socket's events */

/* sender.c; the poller only */
bool conn_claim(struct conn *c, bool insist);   /* true: it has the role. False, insisting: it will be given and woken */
bool conn_let_go(struct conn *c);               /* false: there is something to send */

/* conn.c, for drive.c; the poller only */
void conn_step(struct conn *c, enum conn_event ev);
void conn_turn(struct conn *c, uint32_t events); /* events as epoll has them; 0: woken, or time has passed */
/* What to wait for: events, and until when (clock_ms, 0: for ever). True: do not wait, there is more to do. */
bool conn_waits(struct conn *c, uint32_t *ret_events, uint64_t *ret_due);
void conn_tell_up(struct conn *c);
void conn_stop(struct conn *c, int err, const char *doing); /* may have to wait for a sender: then a later turn does it */
static inline enum conn_state conn_state(struct conn *c)
{
    return atomic_load_explicit(&c->state, memory_order_relaxed); /* the poller reads what it wrote itself */
}

void conn_tune(int fd, const struct conn_conf *conf, int family);
int conn_check_proof(struct conn *c); /* any thread with a deep stack: ends it if its peer would not be let in any more. < 0: not known */

#endif
