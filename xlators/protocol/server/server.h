/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* server.h: protocol/server: the top of a brick's graph. Requests come in as RPC calls, become fops, and their replies go out.
 *
 *   server.c     the translator: options, listening, events, draining
 *   handshake.c  SETVOLUME and its neighbours: a connection becomes one of a client's
 *   clients.c    the table of clients: which connections share one, and its end
 *   fops.c       a request becomes a fop and its result a reply
 *   resolve.c    gfids, names and descriptor numbers become inodes and fds
 *   identity.c   who the caller is, and squashing
 *   callback.c   what the brick tells clients of its own accord
 *   auth.c       may this peer in at all
 *   status.c     what `gluster volume status` asks about clients
 *
 * Life      An rpc_conn carries a struct server_conn from opened() to closed(). A server_client lives from the first SETVOLUME
 *           with its key to client_gone()'s end; its struct client outlives it while fops hold it.
 * Threads   A server_conn is its poller's, but for what the locks guard (marked). Under them nothing is called but rpc_conn_ref(),
 *           rpc_conn_peer(), rpc_conn_stats(), rpc_conn_disconnect() and what auth.c does.
 *
 * Source: spec wire 3, brick 4.2 to 4.8. */
#ifndef PROTOCOL_SERVER_H
#define PROTOCOL_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth.h"
#include "config.h"
#include "fopwire.h"
#include "loop.h"
#include "process.h"
#include "service.h"
#include "xlator.h"

struct server_client {
    struct server *server;
    struct client *client;
    struct server_client *next;     /* lock */
    struct server_conn *conns;      /* lock */
    struct xlator *bound;           /* where its operations go down */
    uint32_t flavor;                /* the key: client->uid and this credential */
    uint16_t cred_len;
    uint8_t cred[RPC_CRED_MAX];
};

struct server_conn {
    struct server *server;
    struct rpc_conn *rpc;           /* valid until closed() */
    pthread_mutex_t lock;           /* taken under the server's; a parked request may start on a worker while the poller has
                                       SETVOLUME in hand */
    struct server_client *owner;    /* written by the poller under both locks; NULL until SETVOLUME */
    struct server_conn *next;       /* server's lock; of the same client */
    char *user, *password;          /* server's lock; proven in the last SETVOLUME, for dynamic-auth */
};

/* The options that pollers look at; relaxed: a change may be seen one request late. */
struct server_live {
    atomic_bool allow_insecure, root_squash, all_squash;
    atomic_uint anonuid, anongid;
};

struct server {
    /* Options; written by init and reconfigure only, `live` has what other threads read. */
    bool allow_insecure, strict_auth, dynamic_auth, root_squash, all_squash;
    int64_t anonuid, anongid, outstanding, lru_limit, event_threads, gid_timeout;
    char *transport_name, *auth_path, *statedump_path;
    struct server_live live;

    struct xlator *xl;
    const struct transport_type *transport;
    struct rpc_service *rpc;
    struct rpc_program fop_program, handshake_program;
    atomic_bool child_up, ready, stopping;
    counter_t running;              /* fops without an answer */

    pthread_mutex_t lock;
    bool lock_made;
    struct optset rules;            /* lock; auth.* */
    struct auth_conf auth;          /* lock */
    struct server_client *clients;  /* lock */
    unsigned int nr_ending;         /* lock; in client_gone() */

    struct timer drain;             /* the loop's */
    bool draining, kicked;          /* the loop's */
    uint64_t drain_started_ms;
    struct process_hold hold;
};

/* handshake.c */
extern const struct rpc_actor handshake_actors[];
extern const unsigned int nr_handshake_actors;

/* clients.c */
/* Who says so in SETVOLUME. */
struct server_peer {
    const char *uid;
    const struct rpc_cred *cred;
    struct xlator *bound;
    const char *process_name;       /* or NULL */
    const char *user, *password;    /* proven; or NULL */
};
/* Makes conn one of the connections of this client, which is found or made. -ENOMEM. The connection's poller. */
int server_attach(struct server_conn *conn, const struct server_peer *who, uint32_t opversion);
void server_detach(struct server_conn *conn);   /* the last one starts the client's end; no client: nothing happens */
void server_cancel_parked(struct server *s);    /* what waits for a lock is answered now: the brick is going away */
bool server_all_ended(struct server *s);

/* fops.c */
extern const struct rpc_actor fop_actors[];
extern const unsigned int nr_fop_actors;

/* resolve.c: finds the objects of a call and then submits its fop, or completes it with the error. */
struct server_call {
    struct rpc_request *req;
    struct server *server;
    struct fop *fop;
    struct xlator *bound;
    bool started;                   /* it is in the client's list of running fops */
    uint32_t xid;                   /* of req, which is gone once it is answered */
    struct wire_object obj[2];
    struct inode **want;            /* which reference a look-up that is under way is for */
    int missing_errno;              /* what its ENOENT means */
    bool asked_name[2];             /* the named look-up of this object has been made */
    pthread_t poller;               /* where the request started: there nobody waits for the disk */
};
void server_resolve(struct server_call *call);
bool server_is_dot_lookup(const struct server_call *call);
void server_know(struct server *s, struct inode *in); /* the translators below have seen this object */
void server_forget_unknown(struct server *s, struct inode *in); /* its look-up failed: a made-up gfid shall not fill the table */

/* identity.c */
int server_identity(const struct server *s, const struct client *client, const struct rpc_cred *from, struct fop *fop);

/* callback.c */
void server_upcall(struct server *s, const struct upcall *up);
void server_tell_all(struct server *s, uint32_t procedure);

/* dump.c */
void server_dump(struct xlator *xl, struct dump *d);

#endif
