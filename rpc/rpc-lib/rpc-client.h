/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rpc-client.h: the calling side of ONC RPC: one remote end, the connection to it of the moment, and the calls under way.
 *
 * A client is aimed at a name and a port (or a unix path), started, and from then on connects again whenever it is not
 * connected: all addresses of the name one after the other, then a pause that doubles up to a bound and is never twice the same.
 * What has to be said first on a new connection (DUMP, SETVOLUME, GETSPEC, ...) is the host's: it does so in up() with calls
 * that have RPC_EARLY; rpc_client_ready() then opens the connection to all other calls. A connection has a number; a call that
 * only makes sense on one (it names a descriptor there) says which.
 *
 * Calls     A struct rpc_call is embedded in something of the caller's. rpc_call_make() (header, credential and arguments, in one
 *           allocation), rpc_call_add() for bulk data behind them, rpc_call_send(). After a send that returned 0 done() comes
 *           exactly once: with the answer, or with the reason why there is none. After an error it does not come, and the message
 *           is gone. The message has a life of its own: the call may be freed in done() although its bytes still wait to leave.
 * Replies   are matched in constant time: the xid is the number of a slot and the slot's generation. The slot of a call that ran
 *           out of time stays taken until its reply comes or the connection ends, so a late reply meets nobody else. Late and
 *           forged replies are counted and dropped. A reply's bytes are the handler's to keep (rpc_reply.record).
 * Threads   up(), down(), stopped() run on the event loop, one at a time and in that order. done() and the callbacks run on the
 *           connection's poller or on the loop, with no lock held, and must not wait; whoever overstays is named in the log.
 *           All functions are for any thread unless they say otherwise. A call costs one shard's mutex twice.
 * Ping      While calls are under way and nothing has moved for half the ping-timeout, a ping (DUMP program) goes out, ahead of
 *           calls that wait for the send queue; when nothing has moved for all of it the connection is given up.
 * End       rpc_client_stop(): calls end with -ECANCELED, the connection is taken down, stopped() comes last of all. It waits for
 *           nobody: not for the peer, not for a name server.
 *
 * Source: RFC 5531; spec wire-protocol 1, 3; design sections 3 to 6. */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include "service.h"

struct pool;
struct rpc_client;
struct rpc_dialer;

/* ---- how to connect: options and certificates, read once; may serve many clients ------------------------------------------- */
int rpc_dialer_new(const struct env *env, const struct transport_type *type, const struct transport_options *options,
                   struct rpc_dialer **ret, struct err *err);
struct rpc_dialer *rpc_dialer_ref(struct rpc_dialer *d);
void rpc_dialer_unref(struct rpc_dialer *d); /* NULL is fine */
const void *rpc_dialer_values(const struct rpc_dialer *d); /* transport_type.dialer_values, or NULL */

/* ---- the client ------------------------------------------------------------------------------------------------------------ */
struct rpc_client_host {
    void (*up)(void *host);                           /* connected, with TLS the peer is proven. Calls with RPC_EARLY may go    */
    /* An attempt or a connection is over; the next attempt follows. rpc_client_aim() here chooses where. All its calls have
     * ended before. was_up: up() had come. */
    void (*down)(void *host, bool was_up, int err);
    void (*stopped)(void *host);                      /* after rpc_client_stop(), once, the last of all; may free the client   */
};
/* Calls of the server to us, which have no answer. */
struct rpc_callbacks {
    uint32_t program, version;
    void (*run)(void *host, uint32_t proc, const uint8_t *args, size_t len); /* args: valid during the call */
};

struct rpc_client_conf {
    const char *name;                /* who asks, for the log: copied                                                   */
    struct pool *pool;               /* where names are looked up                                                       */
    const struct rpc_callbacks *callbacks;
    unsigned int nr_callbacks;
    /* 0 means the value beside it, but for ping_timeout_s. */
    unsigned int frame_timeout_s;    /* 1800: for a call whose timeout_ms is 0                                          */
    unsigned int ping_timeout_s;     /* 0: no ping                                                                      */
    unsigned int connect_ms;         /* 10,000: for one address, handshake included                                     */
    unsigned int retry_min_ms;       /* 100: first pause; rpc_client_ready() makes the next pause the first again       */
    unsigned int retry_max_ms;       /* 3,000, stock's interval                                                         */
};
/* env->loop must run by the time of rpc_client_start(). NULL: no memory. */
struct rpc_client *rpc_client_new(const struct env *env, const struct rpc_client_conf *conf, const struct rpc_client_host *host,
                                  void *host_data);
void rpc_client_free(struct rpc_client *c); /* never started, or stopped() has come. NULL is fine */

/* Where the next attempt goes. name: host name or numeric address, NULL: the dialer's own unix path. Takes a reference on d. */
int rpc_client_aim(struct rpc_client *c, const char *name, uint16_t port, struct rpc_dialer *d);
void rpc_client_start(struct rpc_client *c);
/* Ends the connection or the pause of the moment; the next attempt starts at once. down() tells err. */
void rpc_client_reconnect(struct rpc_client *c, int err);
/* As before, but the next attempt comes after a pause: the peer has refused us. */
void rpc_client_disconnect(struct rpc_client *c, int err);
void rpc_client_ready(struct rpc_client *c, uint32_t link); /* the connection of that number; ignored when it is over */
void rpc_client_stop(struct rpc_client *c);                 /* any number of times; after rpc_client_start() only */
uint32_t rpc_client_link(struct rpc_client *c);             /* number of the connection that is up; 0: none */
void rpc_client_set_timeouts(struct rpc_client *c, unsigned int frame_timeout_s, unsigned int ping_timeout_s);

struct rpc_client_stats {
    uint64_t sent, answered, timed_out, late, forged, refused; /* refused: answered with something else than success */
    uint64_t attempts, connections, pings;
    unsigned int in_flight, abandoned, waiting; /* abandoned: timed out, and no reply yet; waiting: for the send queue */
    char state[16], peer[112];                  /* peer: address and port, or "" */
    struct transport_stats transport;           /* all zero while there is none */
};
void rpc_client_stats(struct rpc_client *c, struct rpc_client_stats *ret);

/* ---- calls ----------------------------------------------------------------------------------------------------------------- */
/* Who calls, as the credential names it. Groups are cut to what fits. */
enum { RPC_AUTH_GLUSTER_V2 = 390039, RPC_AUTH_GLUSTER_V3 = 390040 };
struct rpc_caller {
    uint32_t flavor;
    int32_t pid;
    uint32_t uid, gid, nr_groups;
    const uint32_t *groups;
    uint32_t owner_len;
    const uint8_t *owner;
    uint32_t time_flags, time_nsec; /* v3 only */
    uint64_t time_sec;
};

struct rpc_reply {
    /* 0: answered, and result is what the procedure gave. -ENOTCONN: the connection ended, -ETIMEDOUT, -ECANCELED: stop;
     * -EBADMSG: the answer is none, -EREMOTEIO: denied, or accept says what is wrong. */
    int err;
    enum rpc_accept accept;
    uint32_t link;          /* the connection that it came over */
    const uint8_t *result;  /* XDR bytes in record->head */
    size_t len;
    struct record *record;  /* freed after done(), unless it takes it and sets this to NULL; NULL with an error */
};
/* Bulk data behind the first `used` bytes of the result: references of ret's own. -EINVAL: the XDR part did not end where
 * bulk_at() had said. */
int rpc_reply_bulk(const struct rpc_reply *r, size_t used, struct slicev *ret);

enum {
    RPC_EARLY = 1u << 0, /* may go before rpc_client_ready() */
};
struct rpc_out;
struct rpc_call {
    void (*done)(struct rpc_call *call, struct rpc_reply *reply);
    /* Where in the result bulk data starts, counted from its first byte; 0: cannot say yet. NULL: it has none. It lands page-
     * aligned. As rpc_actor.bulk_at; called with no reference to the call. */
    size_t (*bulk_at)(const uint8_t *result, size_t have);
    /* Where bulk data of at most into_len bytes shall land: n_into parts, lent until done(). It may still come in buffers (a small
     * reply does). A call whose reply has begun to land is ended by no time-out: when it is due its connection is closed. */
    const struct iovec *into;
    unsigned int n_into;
    size_t into_len;
    uint32_t link;          /* 0, or the number of the only connection on which it makes sense */
    unsigned int flags;
    unsigned int timeout_ms; /* 0: frame-timeout. Looked at once a second */
    struct rpc_out *out;    /* rpc-lib's: made and not sent */
};
/* proc: what rpcgen made of the argument's structure, NULL: no arguments. -E2BIG: the lock owner is too long for a credential;
 * -EMSGSIZE: the arguments cannot be encoded. */
int rpc_call_make(struct rpc_call *call, uint32_t program, uint32_t version, uint32_t procedure, const struct rpc_caller *who,
                  void *proc, const void *args);
int rpc_call_add(struct rpc_call *call, const struct slicev *bulk); /* takes references of its own */
void rpc_call_drop(struct rpc_call *call);                          /* made, and not to be sent after all */
/* 0: done() will come, perhaps before this returns. -ENOTCONN: not connected, not ready, or another connection. */
int rpc_call_send(struct rpc_client *c, struct rpc_call *call);

/* For a call now and then: makes, sends and frees it all. answered() as done(), with ctx. Credential: v2, all zero.
 * An error: it was not sent, answered() does not come. */
int rpc_ask(struct rpc_client *c, uint32_t program, uint32_t version, uint32_t procedure, void *proc, const void *args,
            unsigned int timeout_ms, void (*answered)(void *ctx, struct rpc_reply *reply), void *ctx);

#endif
