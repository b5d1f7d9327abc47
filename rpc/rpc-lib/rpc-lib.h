/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rpc-lib.h: what the files of this folder share. The contract with others is service.h. */
#ifndef RPC_LIB_H
#define RPC_LIB_H

#include "loop.h"
#include "service.h"

#define RPC_LOG "rpc-service"
#define RPC_PROGRAMS_MAX 16
#define RPC_HEAD_MAX (2 * MiB) /* of a record without bulk: two dictionaries of 1 MiB; what is longer lands in pieces, unread */

struct rpc_listener {
    struct rpc_service *service;
    const struct transport_type *type;
    struct transport_listener *l;
    struct rpc_listener *next;
};

/* One reference is the owner's, each connection has one. */
struct rpc_service {
    atomic_uint refs;
    struct env env;
    struct rpc_service_host host;                           /* constant from birth */
    void *host_data;
    const struct rpc_program *programs[RPC_PROGRAMS_MAX];   /* constant once it listens */
    unsigned int nr_programs;
    struct rpc_listener *listeners;                         /* the owner's thread */
    atomic_uint outstanding_max;                            /* relaxed: a bound may come into force late */
    atomic_size_t send_max, total_max;                      /* likewise */
    atomic_size_t total_queued;                             /* sum of conn->queued, relaxed: a hint to look closer */
    atomic_size_t total_held;                               /* records of requests that are parked or started; likewise */
    pthread_mutex_t lock;                                   /* conns and their links; outside of conn->lock */
    struct rpc_conn *conns;
    unsigned int nr_conns;
};

/* One reference is the transport's until down(), one each request's, others whoever took one. */
struct rpc_conn {
    atomic_uint refs;
    struct rpc_service *service;
    const struct transport_type *type;
    struct transport *t;          /* set by started(), before any callback; a reference */
    void *_Atomic data;
    atomic_bool admitted;
    atomic_bool closing;          /* somebody asked for the end; such a connection is not chosen again to save memory */
    atomic_uint callback_xid;     /* the last one used */
    struct rpc_conn *prev, *next; /* service->lock */

    pthread_mutex_t lock;         /* what follows; innermost but for the transport's pause() */
    bool opened;                  /* the host has heard of it */
    bool gone;                    /* down() has come: nothing is started any more */
    bool draining;                /* somebody starts parked requests: others only add to the queue */
    bool close_later;             /* down() came while somebody drained: he reports it */
    int down_err;
    bool paused;
    unsigned int outstanding;
    size_t started, parked, reserved, queued; /* bytes */
    struct rpc_request *parked_head, *parked_tail;
    struct loop_work more;        /* the drainer handed the role to the event loop; holds a reference */
};

struct rpc_conn *rpc_conn_new(struct rpc_service *s, const struct transport_type *type);
bool rpc_conn_opened(struct rpc_conn *conn);
void rpc_conn_report_closed(struct rpc_conn *conn); /* the host hears of the end, the service forgets the connection */
extern const struct transport_host rpc_conn_host;
const struct rpc_program *rpc_find_program(const struct rpc_service *s, uint32_t number, uint32_t version, bool *ret_known);
void rpc_service_link(struct rpc_service *s, struct rpc_conn *conn);
void rpc_service_unlink(struct rpc_service *s, struct rpc_conn *conn);
void rpc_service_shed(struct rpc_service *s);  /* closes the connection that has queued most, if all together is too much */
void rpc_service_unref(struct rpc_service *s);

/* request.c. A request is made (with a record, or NULL for a callback), answered once, freed by released(). */
struct rpc_request *rpc_request_new(struct rpc_conn *conn, struct record *rec);
void rpc_request_answered(struct rpc_request *req); /* lets go of the record; what is left carries the answer */
void rpc_request_free(struct rpc_request *req);
void rpc_start_or_park(struct rpc_request *req);    /* the poller: everything about it is checked */
void rpc_unqueue(struct rpc_request *req);          /* its answer is no longer queued */
void rpc_drain(struct rpc_conn *conn);              /* there may be room for parked ones. Any thread, no lock held */
void rpc_drain_more(struct loop_work *w);
void rpc_deny(struct rpc_request *req, uint32_t auth_stat);

/* The credential's body. 0, or 1: of a flavor that nobody knows, and it says nothing. -EACCES: to be denied. */
int rpc_cred_decode(uint32_t flavor, const uint8_t *body, uint32_t len, struct rpc_cred *ret);

#endif
