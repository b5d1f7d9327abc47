/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plugin.h: what the files of the plug-in share. The hard things are the core's; here stock's objects meet it.
 *
 *   rpc_transport_t   stock's: one listener, or one end of a connection that reconnects, or an accepted connection. Its
 *                     `private` is a `struct port`.
 *   struct link       ours: one connection of the core, used once. It holds a reference on its rpc_transport_t, as stock's
 *                     registered descriptor does, and is the port's current one or on its way out.
 *
 * Threads  Stock's callbacks run on the connection's own poller, or on one of a few short-lived threads (connections that never
 *          came up, name resolution); the event loop runs none, so that a callback that waits for a lock holds up its own
 *          connection only. (But for own-thread off, and connections above the 900 that have a thread.)
 * Locks    port.lock is innermost: nothing of stock's is called under it. */
#ifndef STOCK_PLUGIN_H
#define STOCK_PLUGIN_H

#include <netdb.h>

#include "core/conn.h"
#include "core/jobs.h"
#include "core/listener.h"
#include "loop.h"
#include "message.h"
#include "socket-options.h"
#include "stock/stock.h"

#define STOCK_RECORD_MAX ((size_t)0x3fffffff) /* the largest that stock takes                                  */
#define STOCK_THREAD_STACK (2 * MiB)          /* whole graphs unwind on it; reserved, not resident             */
#define STOCK_THREADS_MAX 900                 /* a service has queues for 1,024 threads that bring it requests */

/* ---- process.c: what a process has once ---------------------------------------------------------------------------------- */
struct home {
    struct env env;
    struct jobs *names;  /* name resolution: may take as long as it likes */
    struct jobs *events; /* stock's callbacks that have no thread of their own */
};
/* Starts loop and reaper at the first call in this process (a child of fork() has neither). They stay: no fini() is the last for
 * certain, and who calls it may be one of their callbacks. -errno. */
int home_get(struct home **ret);
/* Stock delivers no event before the process is complete and runs its event loop (a translator's init() may listen or connect
 * before it has set itself up), so neither do we: one gate for each context, opened by the first event of stock's own loop. */
struct gate;
struct waiting {
    struct waiting *next;
    void (*go)(struct waiting *w); /* on one of stock's event threads, or on who asks; to be short */
};
struct gate *gate_get(glusterfs_ctx_t *ctx);          /* with a reference; NULL: no memory, or stock refused */
void gate_put(struct gate *g);                        /* NULL is fine */
void gate_pass(struct gate *g, struct waiting *w);    /* go() now, or when the gate opens; once */
int version_check(void); /* -ENOEXEC, and why is in the log, when stock is of another version than we were built for */
/* Certificates are parsed once for all transports of the process with the same settings. */
int shared_tls_get(const struct env *env, const struct tls_files *files, struct tls_config **ret, struct err *err);
void shared_tls_put(struct tls_config *cfg); /* NULL is fine */

struct landing;

/* ---- port --------------------------------------------------------------------------------------------------------------- */
struct link;
struct listening;

struct port {
    rpc_transport_t *trans;
    struct home *home;
    struct gate *gate;                  /* NULL before the first connect or listen, and of accepted ones */
    struct landing *landing;            /* NULL before the first connect, and of others */
    pthread_mutex_t lock;
    struct socket_options options;      /* under lock once there is a link */
    struct link *link;                  /* under lock: connecting or up; NULL: none */
    bool throttled;                     /* under lock: of this link */
    struct listening *listening;        /* under lock; NULL: does not listen */
    struct tls_config *tls, *mgmt_tls;  /* connecting ends: made at the first need; by whoever connects, one at a time */
};

static inline struct port *port_of(rpc_transport_t *trans)
{
    return trans->private;
}

struct port *port_new(rpc_transport_t *trans, struct home *home);
void port_free(struct port *p);
/* THIS is stock's word for: on whose behalf this thread works. */
static inline void on_behalf_of(rpc_transport_t *trans)
{
    if (trans->xl)
        THIS = trans->xl;
}

/* ---- message.c: records and messages ------------------------------------------------------------------------------------ */
/* Where records land: buffers of the context's own pool, some of which it keeps for the next record. */
struct landing *landing_new(glusterfs_ctx_t *ctx, struct census *census);
struct gatling_iobuf_pool *landing_pool(struct landing *l);
void landing_rest(struct landing *l); /* lets go of what it keeps, until it is needed again */
void landing_free(struct landing *l); /* NULL is fine */

/* One record's worth of what the two questions (where does bulk go, what is this a reply to) have in common. */
struct reading {
    rpc_request_info_t *info; /* stock's answer to RPC_TRANSPORT_MAP_XID_REQUEST for the record under way, or NULL */
    bool asked;               /* that question has been put */
};
size_t message_place(rpc_transport_t *trans, struct reading *rd, const uint8_t *bytes, size_t have, size_t total);
/* A whole record goes up as RPC_TRANSPORT_MSG_RECEIVED; takes it over. -errno: the connection makes no sense any more. */
int message_received(rpc_transport_t *trans, struct reading *rd, struct record *rec);
void reading_done(struct reading *rd);
int message_send(struct conn *c, rpc_transport_msg_t *msg); /* 0; or -errno, and nothing is kept of it */
void message_released(rpc_transport_t *trans, struct msg *m, int err);

/* ---- connection.c: connections ------------------------------------------------------------------------------------------ */
int link_connect(rpc_transport_t *trans, int port);
int link_disconnect(rpc_transport_t *trans);
int link_submit(rpc_transport_t *trans, rpc_transport_msg_t *msg);
int link_throttle(rpc_transport_t *trans, bool on);

/* ---- listening.c --------------------------------------------------------------------------------------------------------- */
int listening_start(rpc_transport_t *trans);
void listening_stop(struct listening *l); /* once; from any thread */
int listening_reconfigure(struct port *p, struct err *err); /* new values are in p->options */
/* Of an accepted connection. The listener's transport with a reference, or NULL when it is gone. */
rpc_transport_t *listening_transport(struct listening *l);
struct landing *listening_landing(struct listening *l);
void listening_unref(struct listening *l);
struct link *link_new_accepted(struct listening *from);
extern const struct conn_host link_host;
void link_started(struct link *l, struct conn *c);

void conf_for(struct port *p, struct conn_conf *conf); /* what the plug-in wants of every connection */
void name_ends(rpc_transport_t *trans, const struct conn_peer *peer); /* peerinfo and myinfo */

#endif
