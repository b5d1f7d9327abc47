/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* conn.h: one connection. Turns bytes into whole records and back; does not know what the records say.
 *
 * Life      idle -> connecting -> handshaking -> up -> closing -> closed; used once, a reconnect is a new one. The upper
 *           layer hears up() at most once, down() exactly once (also when up() never came), and nothing after down().
 * Owners    One reference is the upper layer's, one the poller's; the reaper joins the thread before the last goes.
 * Threads   conn_send(), conn_disconnect(), conn_pause(), conn_resume(), conn_ref() and conn_unref() may be called from any
 *           thread, also from inside a callback. Callbacks run on the poller with no lock held, one at a time; but released()
 *           may come on any thread that is inside conn_send(), of its own message and of others', beside another callback
 *           and beside nothing of its kind: one released() at a time. A thread inside conn_help() is the poller at times.
 * Poller    With own_thread a thread of this connection's own, else the event loop; either at most 16 records or 1 MiB each
 *           turn, then sending has its turn. While it rests, whoever sends does so itself (role.h). Dialling and waiting for a
 *           handshake is the event loop's; each step of the handshake runs on a short-lived thread, so that a silent peer holds
 *           none and the deep stack is given back; the own thread starts when the peer is proven, and while nothing happens the
 *           loop watches in its place. Bytes of two messages never share a TLS record: the peer may be stock, which answers
 *           only the first.
 *
 * Source: design sections 3, 4 and 6; RFC 5531 section 11 (record marking). */
#ifndef SOCKET_CONN_H
#define SOCKET_CONN_H

#include <sys/socket.h>

#include "env.h"
#include "message.h"

struct conn;
struct tls_config;
struct waiter;

/* The program around us. Every member is required. */
struct conn_host {
    void (*up)(void *host);
    /* Shown the first `have` bytes (in one piece) of a record of `total` bytes. Returns where the bulk starts: that many
     * bytes become record.head, the rest lands page-aligned in pieces of 1 MiB. `total`: no bulk. 0: cannot say yet, show
     * me more; asked again with at least twice as much, up to CONN_HEAD_MAX, then the connection is closed. Small records
     * (all there at once, up to 16 KiB) are not asked about: they are all head. */
    size_t (*place)(void *host, const uint8_t *bytes, size_t have, size_t total);
    void (*received)(void *host, struct record *rec);       /* one whole record, now the host's to free          */
    /* Once per accepted message: 0 sent, or why it was not. Perhaps inside conn_send(): it takes no lock that is held there,
     * may call conn_send() and conn_disconnect(), and is short, since who waits for the poller waits for it. */
    void (*released)(void *host, struct msg *m, int err);
    void (*down)(void *host, int err);                      /* once, the last call of all; err is a negative errno, 0: by request */
    /* May be NULL. After place() has said that bulk bytes follow the head (the same bytes, at least as far as the head goes): slices
     * of together so many bytes, in which they shall land; they may be without a buffer. False: pieces of ours. What is lent is
     * written until received() has the record, whose bulk it is, or else until down(), and not after. */
    bool (*land)(void *host, const uint8_t *head, size_t len, size_t bulk, struct slicev *ret);
};
#define CONN_HEAD_MAX (2 * MiB)

/* Bounds and behaviour; a copy is taken. Zero in a time or size means no limit, but for goodbye_ms: no goodbye. */
struct conn_conf {
    bool own_thread;
    unsigned int park_ms;        /* without traffic for so long the own thread ends, until there is some again; 0: never */
    size_t record_max_first;     /* largest record until conn_admit()                    */
    size_t record_max;           /* largest record after it                              */
    size_t send_queue_max;       /* bytes queued to be sent: above it reading pauses. 0 at the client's end: two that both stop
                                  * reading would wait for each other for ever */
    unsigned int handshake_ms;   /* for TLS, from accept or connect                      */
    unsigned int first_record_ms; /* for the first whole record, plain connections too   */
    unsigned int admit_ms;       /* for conn_admit()                                     */
    unsigned int goodbye_ms;     /* for close-notify at the end                          */
    bool nodelay, keepalive;
    int keepalive_idle_s, keepalive_interval_s, keepalive_count, user_timeout_ms;
    size_t window_size;          /* SO_SNDBUF and SO_RCVBUF; 0: the kernel's             */
    /* For a host whose callbacks need more than ours do. All may be 0 or NULL. */
    struct iobuf_pool *landing;  /* what records land in, instead of env->bufs; outlives down() */
    size_t thread_stack;         /* of an own thread                                        */
    void (*thread_ends)(void *host); /* on an own thread, when no callback but down() will come on it any more */

    unsigned int source_below;   /* conn_dial(): from the first free port below it, counting down; 0: the kernel chooses */
};

/* Who is at the other end. Constant from up() on. */
struct conn_peer {
    char text[108];              /* "192.0.2.1:49151", "[2001:db8::1]:49151", or the path of a unix socket */
    struct sockaddr_storage addr;
    struct sockaddr_storage own; /* our end; from up() on                                */
    bool tls;
    char *common_name;           /* of the proven certificate; NULL without TLS          */
    char **alt_names;            /* its DNS, IP, URI and mail names as text; NULL-ended, or NULL */
    char *tls_version, *cipher;  /* as OpenSSL names them; NULL without TLS              */
};

/* Takes over fd (non-blocking, close-on-exec) in every case. tls: NULL for plain. Callbacks may come before it returns.
 * host_data must stay valid until down(). -ENOMEM: no callback comes. What fails later (a thread, a connect) is told by
 * down(). The event loop must be running: it drives every connection until it is up. */
int conn_accepted(const struct env *env, const struct conn_conf *conf, struct tls_config *tls, int fd,
                  const struct conn_host *host, void *host_data, struct conn **ret_conn);
/* Connects to one address; up() or down() follows. */
int conn_dial(const struct env *env, const struct conn_conf *conf, struct tls_config *tls, const struct sockaddr *addr,
              socklen_t len, const struct conn_host *host, void *host_data, struct conn **ret_conn);

/* Queue one message, and send it at once if nobody else is sending; never waits. Its slices hold references, so the caller may let go
 * of everything at once. 0: released() reports it, exactly once, perhaps before this returns. -ENOTCONN: it is still yours and
 * released() stays silent. The caller holds a reference on the connection or knows that down() has not come. */
int conn_send(struct conn *c, struct msg *m);
/* For a thread that waits for an answer on this connection: it may receive it itself, and callbacks run on it meanwhile as on the poller.
 * Returns when the waiting is over, or when the poller serves them better. The caller holds a reference, and no lock. */
void conn_help(struct conn *c, struct waiter *w);
size_t conn_queued(struct conn *c);   /* bytes accepted and not yet released */

void conn_admit(struct conn *c);      /* the host trusts this peer now (SETVOLUME): larger records, no more time limits */
void conn_pause(struct conn *c);      /* stop reading; pauses count, so each needs its resume */
void conn_resume(struct conn *c);
void conn_disconnect(struct conn *c, int err); /* any number of times; marks and wakes, never waits. The first err is told by down() */

const struct conn_peer *conn_peer(struct conn *c); /* addr and text from birth, the rest from up() on */
const char *conn_state_name(struct conn *c);
struct conn *conn_ref(struct conn *c);
void conn_unref(struct conn *c);

/* For the statedump; read through relaxed counters. */
struct conn_stats {
    uint64_t bytes_in, bytes_out, records_in, messages_out, reads, writes, pauses, handshake_us;
    uint32_t round_trip_us; /* 0: not known, as of a unix socket */
    size_t queued;
    char state[16];
};
void conn_stats(struct conn *c, struct conn_stats *ret_stats);

#endif
