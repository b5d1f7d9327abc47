/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mgmt.h: the connection to the management daemon: it fetches a volume file, again when the daemon says that it may have changed,
 * and again after each reconnect. For bricks, mounts and libgfapi alike; what becomes of the text is the host's business.
 *
 * Servers  One after the other until one answers; a brick stays with its own (`fixed`). A daemon's answer may name more of them.
 *          Before the first text a server that cannot be reached counts as an attempt; after it the connection is made again for
 *          good, while the host works on with what it has.
 * Threads  Callbacks run on the event loop. mgmt_start(), mgmt_fetch() and mgmt_stop(): the loop's thread, or before it runs.
 *
 * Source: spec wire 3.11, 8.5, 10.2; TLS: 3.13. */
#ifndef MGMT_H
#define MGMT_H

#include "rpc-client.h"
#include "secure-access.h"

struct mgmt;

#define MGMT_PORT 24007

struct mgmt_server {
    const char *name;             /* host name or address, or a path */
    uint16_t port;                /* 0: MGMT_PORT */
    bool unix_path;
};
struct mgmt_conf {
    const char *const *servers;   /* host names or addresses; unix_path: paths. Copied */
    unsigned int nr_servers;
    uint16_t port;                /* theirs; 0: MGMT_PORT */
    bool unix_path;
    const struct mgmt_server *places; /* more servers, after those, each with what is its own. Copied */
    unsigned int nr_places;
    const char *volfile_id;
    const char *brick_name;       /* NULL: not a brick */
    bool fixed;                   /* never another server than the first */
    bool want_servers;            /* a mount: asks for the list of servers */
    unsigned int attempts;        /* how often each server is tried before the first text; 0: once */
    struct secure_access secure;  /* .there: TLS */
    const struct transport_type *transport; /* NULL: the socket module; tests have another */
};
struct mgmt_host {
    void (*volfile)(void *host, const char *text, size_t len); /* the first, and each that differs from the one before */
    /* There will be no first text: nothing more comes but stopped(). -ENOTCONN: no server was reached, else what it said. */
    void (*failed)(void *host, int err, const char *sentence);
    void (*ready)(void *host);                  /* on each connection, once: its text has been seen to. Calls may go */
    void (*statedump)(void *host, uint32_t pid); /* the daemon wants one of the process with this pid. NULL: not interested */
    void (*stopped)(void *host);                /* after mgmt_stop(), once; mgmt_free() may follow */
};

int mgmt_new(const struct env *env, struct pool *pool, const struct mgmt_conf *conf, const struct mgmt_host *host, void *host_data,
             struct mgmt **ret, struct err *err);
void mgmt_start(struct mgmt *m);
void mgmt_fetch(struct mgmt *m);   /* now, if connected: SIGHUP */
void mgmt_stop(struct mgmt *m);    /* any number of times */
void mgmt_free(struct mgmt *m);    /* never started, or stopped() has come. NULL is fine */
bool mgmt_connected(const struct mgmt *m);
struct rpc_client *mgmt_client(struct mgmt *m); /* for other calls to the daemon, between ready() and the end */
const char *mgmt_server(const struct mgmt *m);  /* the one of the moment, for messages */

#endif
