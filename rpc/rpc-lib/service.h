/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* service.h: the serving side of ONC RPC: programs, actors, credentials, limits, callbacks.
 *
 * A request is answered exactly once, with rpc_reply(), rpc_reply_error() or rpc_no_reply(), from any thread, at any time
 * later. A reply is a slice vector: the caller may let go of everything at once, whether the bytes leave now or in a minute.
 * There is no second path for management replies.
 *
 * Life      A service owns its listeners and connections. A connection's `opened` comes first, `closed` last; between
 *           them requests. After `closed` begins rpc_reply() still accepts and drops.
 * Threads   Actors must not wait. They run on the connection's poller, or, when the request was parked, on the thread whose
 *           answer made room; of one connection one at a time and in order of arrival, but for RPC_ANYTIME, which may run
 *           beside a parked one. Everything else: any thread. Locks: service, then connection, then whatever the transport
 *           has; no callback and no actor is called under them.
 * Bounds    Design section 6. A request is started when its connection has fewer outstanding than the limit, holds fewer
 *           than RPC_STARTED_MAX bytes of records, and its largest reply fits into what may be queued to be sent: so no
 *           worker ever waits for a send queue. Until then it is parked in order of arrival, while framing goes on and
 *           RPC_ANYTIME is served; above RPC_PARKED_MAX bytes of parked records reading stops. While all connections together
 *           hold more records than they may queue bytes, each has one request started and reads no further than what it parks
 *           then. When all connections together have queued too much, the one with most is closed.
 *
 * Source: RFC 5531; spec wire-protocol sections 1 and 2 (credentials, the errors of a stock server). */
#ifndef RPC_SERVICE_H
#define RPC_SERVICE_H

#include "message.h"
#include "transport.h"

struct rpc_service;
struct rpc_conn;

enum rpc_accept {
    RPC_OK = 0,              /* RFC 5531 says SUCCESS; that name is libtirpc's */
    RPC_PROG_UNAVAIL = 1,
    RPC_PROG_MISMATCH = 2,
    RPC_PROC_UNAVAIL = 3,
    RPC_GARBAGE_ARGS = 4,
    RPC_SYSTEM_ERR = 5,
};

/* The caller as the credential names it. AUTH_NULL and unknown flavors: uid 0, gid 0, nothing else (spec 1.7). */
#define RPC_CRED_MAX 400
#define RPC_GROUPS_MAX 95
struct rpc_cred {
    uint32_t flavor;
    int32_t pid;
    uint32_t uid, gid;
    uint32_t nr_groups;
    uint32_t groups[RPC_GROUPS_MAX];
    uint32_t owner_len;
    uint8_t owner[RPC_GROUPS_MAX];
    uint32_t time_flags;      /* v3: which times to set; spec 1.7 */
    uint64_t time_sec;
    uint32_t time_nsec;
    uint16_t raw_len;         /* the body as it came */
    const uint8_t *raw;       /* borrowed from the record */
};

struct rpc_request {
    struct rpc_conn *conn;    /* a reference */
    const struct rpc_program *program;
    uint32_t xid, procedure;
    struct rpc_cred cred;
    struct record *record;    /* the bytes; args and cred.raw point into its head */
    const uint8_t *args;      /* XDR arguments */
    size_t args_len;          /* of them in head; bulk data of a small record follows inside, see BULK in the wire table */
    void *data;               /* the actor's */
    /* The rest is request.c's. */
    struct msg msg;
    struct rpc_request *next;
    const struct rpc_actor *actor;
    uint32_t verf_flavor, verf_len;
    const uint8_t *verf;      /* borrowed from the record */
    size_t reserved;          /* bytes of reply that it was admitted with */
    size_t held;              /* bytes of record and RPC_REQUEST_COST, counted as started or parked; 0: RPC_ANYTIME */
    size_t queued;            /* bytes of the answer and RPC_REQUEST_COST, while the transport has it */
    bool counted;             /* as outstanding */
    uint8_t head[24];         /* of the reply */
};

enum {
    RPC_ANYTIME = 1u << 0,    /* served before the connection is admitted and beyond the limits: DUMP, PING, SETVOLUME */
    RPC_UNCOUNTED = 1u << 1,  /* does not count as outstanding (waiting locks have a bound of their own) */
    RPC_QUIET_EARLY = 1u << 2, /* before the connection is admitted: no answer at all instead of GARBAGE_ARGS (spec 1.5) */
};
struct rpc_actor {
    const char *name;
    void (*run)(struct rpc_request *req); /* NULL: PROC_UNAVAIL */
    unsigned int flags;
    /* Where this procedure's bulk data starts, counted from the first byte of its arguments; `have` bytes of them are there.
     * 0: cannot say yet. NULL: the procedure has no bulk data. */
    size_t (*bulk_at)(const uint8_t *args, size_t have);
    /* The largest reply to these arguments, which nobody has checked yet; in bytes. NULL: RPC_REPLY_SMALL;
     * nothing with RPC_UNCOUNTED. */
    size_t (*reply_max)(const uint8_t *args, size_t len);
};
#define RPC_REPLY_SMALL (4 * KiB)
struct rpc_program {
    const char *name;         /* as DUMP lists it */
    uint32_t number, version;
    const struct rpc_actor *actors;
    unsigned int nr_actors;
    void *data;               /* the program's owner */
};

struct rpc_service_host {
    void (*opened)(void *host, struct rpc_conn *conn);             /* TLS done, peer known: rpc_conn_set_data() here */
    bool (*privileged)(void *host, struct rpc_conn *conn);         /* may this connection call at all? false: denied with
                                                                      auth_stat 2 (rpc-auth-allow-insecure off, port >= 1024) */
    void (*closed)(void *host, struct rpc_conn *conn, int err);    /* once; requests may still be running */
};

#define RPC_OUTSTANDING_MAX 64        /* start value, stock's; 0 = no limit */
#define RPC_STARTED_MAX (64 * MiB)    /* of records; one of the largest size is always let through */
#define RPC_PARKED_MAX (16 * MiB)     /* likewise */
#define RPC_REQUEST_COST (2 * KiB)    /* what a request costs beside its record, and an answer beside its bytes: each is counted with it */
#define RPC_ANYTIME_MAX (1 * MiB)     /* beyond what may be queued: answers of RPC_ANYTIME; then those requests are parked as well */
struct rpc_service *rpc_service_new(const struct env *env, const struct rpc_service_host *host, void *host_data);
/* Before listening. DUMP lists programs in this order. GF-DUMP is always served; it is listed first unless it is added in
 * another place (a stock brick: file operations, GF-DUMP, handshake). */
int rpc_service_add(struct rpc_service *s, const struct rpc_program *p);
extern const struct rpc_program rpc_dump_program;
int rpc_service_listen(struct rpc_service *s, const struct transport_type *type, const struct transport_options *options, struct err *err);
int rpc_service_reconfigure(struct rpc_service *s, const struct transport_options *options, struct err *err); /* each listener */
const void *rpc_service_values(struct rpc_service *s);                  /* of the first listener: transport_type.listener_values; or NULL */
int rpc_service_port(struct rpc_service *s);                            /* of the first listener */
void rpc_service_set_outstanding(struct rpc_service *s, unsigned int max);
void rpc_service_set_send_max(struct rpc_service *s, size_t conn_max, size_t total_max); /* 16 MiB; 1/8 of memory */
void rpc_service_stop_listening(struct rpc_service *s);
void rpc_service_disconnect_all(struct rpc_service *s, int err);
unsigned int rpc_service_conns(struct rpc_service *s); /* those that are in their handshake too; 0: closed() has come for all */
void rpc_service_each(struct rpc_service *s, void (*fn)(struct rpc_conn *conn, void *ctx), void *ctx); /* those that were
                                                                    opened; under the service's lock */
void rpc_service_free(struct rpc_service *s); /* no connection may be left */

/* The XDR bytes of the result, and bulk data behind them. Takes over body's references; the request is gone after it. */
void rpc_reply(struct rpc_request *req, struct slicev *body);
void rpc_reply_error(struct rpc_request *req, enum rpc_accept why);
/* An error with result bytes behind it (SETVOLUME that does not decode: spec 1.5). */
void rpc_reply_error_with(struct rpc_request *req, enum rpc_accept why, struct slicev *body);
void rpc_no_reply(struct rpc_request *req);
/* The data behind the arguments, wherever it landed; args_used: how many bytes the arguments were. ret (empty) gets references
 * of its own. -EINVAL: the arguments did not end where bulk_at() had said. */
int rpc_request_bulk(struct rpc_request *req, size_t args_used, struct slicev *ret);
/* This one waits for something that only another request can give (a lock): it no longer counts as outstanding. */
void rpc_uncount(struct rpc_request *req);

/* A callback to the client; there is no answer. -ENOTCONN when it is gone, -ENOBUFS above the queue's bound (the
 * connection is then closed: design section 6). Takes over body's references in every case. */
int rpc_callback(struct rpc_conn *conn, uint32_t prog, uint32_t vers, uint32_t proc, struct slicev *body);

struct rpc_conn *rpc_conn_ref(struct rpc_conn *conn);
void rpc_conn_unref(struct rpc_conn *conn);
void rpc_conn_set_data(struct rpc_conn *conn, void *data);
void *rpc_conn_data(struct rpc_conn *conn);
void rpc_conn_admit(struct rpc_conn *conn);
void rpc_conn_disconnect(struct rpc_conn *conn, int err);
void rpc_conn_peer(struct rpc_conn *conn, struct transport_peer *ret_peer);
void rpc_conn_stats(struct rpc_conn *conn, struct transport_stats *ret_stats, unsigned int *ret_outstanding);

#endif
