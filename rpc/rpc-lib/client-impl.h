/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* client-impl.h: what the files of the calling side share: rpc-client.c (when and where to connect), link.c (one connection),
 * call.c (making and sending calls), lookup.c (addresses of a name). */
#ifndef RPC_CLIENT_IMPL_H
#define RPC_CLIENT_IMPL_H

#include "call-table.h"
#include "loop.h"
#include "rpc-client.h"

#define RPC_CLIENT_LOG "rpc-client"
/* Bytes that the transport has of ours at a time; more waits here, where a ping overtakes it. Four of the largest file
 * operations: enough to keep it busy while the next ones are made. */
#define RPC_SEND_AHEAD (4 * MiB)
#define LOOKUP_MAX 16 /* addresses of a name that are tried */

struct rpc_dialer {
    atomic_uint refs;
    const struct transport_type *type;
    struct transport_dialer *d;
    int family;                  /* AF_UNSPEC: whatever the name has */
};

/* A message, from rpc_call_make() until the transport has released it. The head (header, credential, arguments) is inside. */
struct rpc_out {
    struct msg msg;
    struct rpc_out *next;        /* while it waits */
    size_t len;
    uint8_t head[];
};

/* One connection, or the attempt to make one. One reference each: the client's until it has ended, the transport's until
 * down(), and whoever is sending. */
struct rpc_link {
    atomic_uint refs;
    struct rpc_client *client;   /* valid until ended has run on the loop */
    struct rpc_dialer *dialer;   /* a reference */
    /* a reference; set by the loop when dial() returns, under client->lock; all is set before the link is opened */
    struct transport *t;
    uint32_t number;
    struct loop_work up_work, down_work;
    bool opened;                 /* loop: up() was told */
    int down_err;                /* set by down(); handed to the loop with down_work */
    pthread_mutex_t lock;        /* what follows; inside it shard locks */
    bool gone;                   /* down() has come */
    bool pumping;                /* somebody hands on what waits: others leave it to him */
    struct rpc_out *waiting, **waiting_end;
    atomic_uint nr_waiting;      /* written under lock. seq_cst with in_transport: see link_send() */
    atomic_size_t in_transport;  /* bytes */
};

enum client_state { CLIENT_IDLE, CLIENT_PAUSE, CLIENT_LOOKUP, CLIENT_CONNECTING, CLIENT_UP, CLIENT_STOPPED };
enum { WANT_START = 1u << 0, WANT_STOP = 1u << 1, WANT_NOW = 1u << 2, WANT_TICK = 1u << 3 };

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
};
struct addresses {
    struct address list[LOOKUP_MAX];
    unsigned int n;
    int err;                     /* negative errno beside n == 0 */
    char text[128];              /* and the reason */
};

struct rpc_client {
    struct env env;              /* this and what follows: constant from birth */
    struct rpc_client_host host;
    void *host_data;
    char *name;
    struct pool *pool;
    struct rpc_callbacks *callbacks;
    unsigned int nr_callbacks;
    unsigned int connect_ms, retry_min_ms, retry_max_ms;
    atomic_uint frame_ms, ping_ms; /* relaxed; UINT_MAX and 0: never */

    pthread_mutex_t lock;        /* what follows */
    char *target;                /* NULL: the dialer's path */
    uint16_t port;
    struct rpc_dialer *dialer;
    struct rpc_link *link;       /* of the moment; a reference. Written by the loop only, which reads it without the lock */
    bool now;                    /* the next attempt needs no pause */
    bool give_up;                /* the link shall end, and its transport was not there to be told */
    int give_up_err;

    atomic_uint wants;           /* what turn() shall do; posted when it was 0 */
    struct loop_work turn;
    atomic_bool stopping;
    atomic_bool welcome;         /* a connection became ready since the last pause; relaxed: a hint for the pause's length */

    /* The loop's. */
    _Atomic enum client_state state; /* written by the loop */
    uint32_t links_made;
    struct addresses addresses;
    unsigned int next_address;
    struct lookup *lookup;
    struct timer pause, connect, tick;
    unsigned int retry_ms;       /* the next pause; 0: the first */
    int said_err;                /* the last failure that was logged; repeated ones are not */
    uint64_t moved, moved_ms;    /* bytes in both directions, and when that number was seen to change, */
    uint32_t moved_link;         /* on this connection; 0: never looked */
    struct {
        struct rpc_call call;
        struct rpc_client *client;
        atomic_bool under_way;
        uint64_t sent_ms;
    } ping;

    counter_t answered, timed_out, late, forged, refused, attempts, connections, pings;
    struct call_table shards[CALL_SHARDS];
};

/* rpc-client.c */
void client_want(struct rpc_client *c, unsigned int what);
void client_link_up(struct rpc_client *c, struct rpc_link *l);   /* the loop */
void client_link_down(struct rpc_client *c, struct rpc_link *l); /* the loop; the last of l */

/* link.c */
struct rpc_link *link_new(struct rpc_client *c, struct rpc_dialer *d, uint32_t number);
int link_dial(struct rpc_link *l, const struct address *a, struct err *err); /* the loop. Error: nothing will come */
bool link_open(struct rpc_link *l);                           /* calls may come; false: it is gone already */
void link_ref(struct rpc_link *l);
void link_unref(struct rpc_link *l);
void link_send(struct rpc_link *l, struct rpc_out *m, bool urgent); /* takes it over in any case */
/* call.c */
void call_end(struct rpc_client *c, struct rpc_call *call, struct rpc_reply *reply); /* done(), and whether it overstayed */
void call_fail(struct rpc_client *c, struct rpc_call *call, int err);
int call_send(struct rpc_client *c, struct rpc_call *call, bool urgent);
void out_free(struct rpc_out *m);

/* lookup.c: at once for numeric addresses. Otherwise on a worker: *ret_pending, and found() comes on the loop, unless
 * lookup_forget() came before, on the loop as well. */
int lookup_numeric(const char *name, uint16_t port, int family, struct addresses *ret); /* -ENOENT: a name */
struct lookup *lookup_start(const struct env *env, struct pool *pool, const char *name, uint16_t port, int family,
                            void (*found)(void *ctx, const struct addresses *a), void *ctx); /* NULL: no memory */
void lookup_forget(struct lookup *lk);

#endif
