/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* server.h: protocol/server: the top of a brick's graph. Requests come in as RPC calls, become fops, and their replies go out.
 *
 *   server.c     the translator: options, listening, events, draining
 *   handshake.c  SETVOLUME and its neighbours: a connection becomes one of a client's
 *   clients.c    the table of clients: which connections share one, and its end
 *   fops.c       a request becomes a fop and its result a reply
 *   resolve.c    gfids, names and descriptor numbers become inodes and fds
 *   subdir.c     a client whose root is a directory of the brick
 *   identity.c   who the caller is, and squashing
 *   gids.c       which groups he is in, as this machine knows it
 *   callback.c   what the brick tells clients of its own accord
 *   auth.c       may this peer in at all
 *   hosts.c      the addresses of host names in its rules
 *   status.c     what `gluster volume status` asks about clients
 *
 * Life      An rpc_conn carries a struct server_conn from opened() to closed(); a SETVOLUME that waits (for a host name, for the
 *           look-up of a directory) holds it beyond that. A server_client lives from the first SETVOLUME with its key to
 *           client_gone()'s end; its struct client outlives it while fops hold it.
 * Threads   A server_conn is guarded by the locks (marked). Under them nothing is called but rpc_conn_ref(), rpc_conn_peer(),
 *           rpc_conn_stats(), rpc_conn_disconnect() and what auth.c and hosts_has() do.
 *
 * Source: spec wire 3, brick 4.2 to 4.8. */
#ifndef PROTOCOL_SERVER_H
#define PROTOCOL_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth.h"
#include "config.h"
#include "fopwire.h"
#include "gids.h"
#include "hosts.h"
#include "loop.h"
#include "process.h"
#include "service.h"
#include "xlator.h"

#define SERVER_BRICKS_MAX 64

/* The directory that a client has for its root: in its requests and in what it is told this gfid and the root's are exchanged. */
struct server_root {
    bool set;
    gfid_t gfid;
};

struct server_client {
    struct server *server;
    struct client *client;
    struct server_client *next;     /* lock */
    struct server_conn *conns;      /* lock */
    struct xlator *bound;           /* where its operations go down */
    char *subdir;                   /* "/a/b": what it has mounted; NULL: all. Part of the key */
    struct server_root root;        /* of subdir */
    uint32_t flavor;                /* the key: client->uid and this credential */
    uint16_t cred_len;
    uint8_t cred[RPC_CRED_MAX];
};

struct server_conn {
    atomic_uint refs;               /* one until closed(), one of the SETVOLUME that is under way */
    struct server *server;
    struct rpc_conn *rpc;           /* valid until closed() */
    atomic_bool visiting;           /* a SETVOLUME is under way; there is one at a time */
    bool gone;                      /* server's lock; closed() has come */
    pthread_mutex_t lock;           /* taken under the server's; a parked request may start on a worker while SETVOLUME is in hand */
    struct server_client *owner;    /* written under both locks; NULL until SETVOLUME */
    struct server_conn *next;       /* server's lock; of the same client */
    char *user, *password;          /* server's lock; proven in the last SETVOLUME, for dynamic-auth */
};

/* The options that pollers look at; relaxed: a change may be seen one request late. */
struct server_live {
    atomic_bool allow_insecure, root_squash, all_squash, manage_gids;
    atomic_uint anonuid, anongid;
};

struct server {
    /* Options; written by init and reconfigure only, `live` has what other threads read. */
    bool allow_insecure, strict_auth, dynamic_auth, root_squash, all_squash, manage_gids;
    int64_t anonuid, anongid, outstanding, lru_limit, event_threads, gid_timeout;
    char *transport_name, *auth_path, *statedump_path;
    struct server_live live;

    struct xlator *xl;
    const struct transport_type *transport;
    struct rpc_service *rpc;
    struct rpc_program fop_program, handshake_program;
    atomic_bool child_up[SERVER_BRICKS_MAX]; /* what clients have been told of each */
    atomic_bool ready, stopping;
    counter_t running;              /* fops and SETVOLUMEs without an answer */
    struct hosts *hosts;
    struct gids *gids;
    struct hosts_waiter judge;      /* the rules have changed: connections are looked at again when all names are known */
    bool judging;                   /* lock; judge waits */

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
    const char *subdir;             /* or NULL */
    struct server_root root;
};
/* Makes conn one of the connections of this client, which is found or made. -ENOMEM; -ENOTCONN: it has been closed meanwhile. For the
 * SETVOLUME that is under way. */
int server_attach(struct server_conn *conn, const struct server_peer *who, uint32_t opversion);
void server_close(struct server_conn *conn);    /* closed(): leaves its client for good; the last one starts the client's end */
struct server_conn *server_conn_new(struct server *s, struct rpc_conn *rpc); /* NULL: no memory */
struct server_conn *server_conn_ref(struct server_conn *conn);
void server_conn_unref(struct server_conn *conn);
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
    struct server_root root;        /* the client's */
    bool wants_groups;              /* of the caller; gids has not been asked yet */
    bool no_memory;                 /* for them */
    uint32_t groups_of;             /* whose, as he names himself */
    struct gids_waiter groups;
    struct wire_object obj[2];
    struct inode **want;            /* which reference a look-up that is under way is for */
    int missing_errno;              /* what its ENOENT means */
    bool asked_name[2];             /* the named look-up of this object has been made */
    pthread_t poller;               /* where the request started: there nobody waits for the disk */
};
void server_resolve(struct server_call *call);
bool server_is_dot_lookup(const struct server_call *call);
/* The translators of this brick have seen this object. */
bool server_knows(const struct xlator *bound, const struct inode *in);
void server_know(const struct xlator *bound, struct inode *in);
void server_forget_unknown(const struct xlator *bound, struct inode *in); /* its look-up failed: a made-up gfid shall not fill the table */
void server_forget(struct xlator *xl, struct inode *in, void *ctx);      /* the translator's forget() */

/* subdir.c */
/* "a//b/" as "/a/b"; all of the brick: NULL in *ret. -ENOENT: no path that a mount may have (".."). -ENOMEM. */
int server_subdir_path(const char *text, char **ret);
struct server_walk {
    struct server *server;
    struct xlator *bound;
    const char *path;               /* as server_subdir_path() makes it */
    bool any;                       /* the last name may be anything; otherwise -ENOTDIR unless it is a directory */
    void (*done)(struct server_walk *w, int r); /* 0: the directory is `here`; -errno. From any thread */
    const char *at;                 /* the rest is subdir.c's: what is still to be walked */
    struct inode *here;             /* a reference */
    pthread_t poller;
};
void server_walk(struct server_walk *w);
void server_walk_done(struct server_walk *w);
void server_root_in(const struct server_root *root, struct wire_object obj[2]); /* what the client calls the root is its directory */
void server_root_out(const struct server_root *root, struct fop *fop);          /* and the other way round */

/* identity.c. server_identity() sets call->wants_groups when they are to be looked up, and call->groups up for that. */
int server_identity(struct server_call *call, const struct rpc_cred *from);

/* callback.c */
void server_upcall(struct server *s, const struct upcall *up);
void server_tell_all(struct server *s, const struct xlator *bound, uint32_t procedure); /* the clients of one brick */

/* dump.c */
void server_dump(struct xlator *xl, struct dump *d);
void server_dump_options(struct xlator *xl, struct dump *d);

#endif
