/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* listener.h: a listening socket. Accepts on the event loop, bounds how many connections exist, and gives each its host.
 *
 * Callbacks run on the event loop. Source: design sections 3 and 6. */
#ifndef SOCKET_LISTENER_H
#define SOCKET_LISTENER_H

#include "conn.h"

struct listener;

struct listener_host {
    /* A new connection: fill in what conn_accepted() wants to know. Non-zero: refused, the socket is closed. */
    int (*accepted)(void *host, const struct sockaddr_storage *peer, const struct conn_host **ret_host, void **ret_data);
    /* It stands (or conn is NULL: it could not be made; give up ret_data). The reference is the host's. No callback of the
     * connection comes before this has returned. */
    void (*started)(void *host, void *data, struct conn *conn);
};

struct listener_conf {
    int backlog;
    bool v6_only;          /* for AF_INET6: no IPv4 peers */
    unsigned int conns_max;
    unsigned int threads_max; /* own threads at once; 0: no limit */
    bool held;             /* it listens, but accepts only from listener_go() on */
    size_t queued_max;     /* bytes queued by all its connections; 0: no limit. Above it the one with most is stopped */
    struct conn_conf conn;
};

/* addr: one row of the address family table has made it. tls: NULL for plain; it renews itself when files change. A unix
 * socket's path is taken over when nobody answers on it. Errors: negative errno, with a sentence in err. */
int listener_open(const struct env *env, const struct listener_conf *conf, struct tls_config *tls, const struct sockaddr *addr,
                  socklen_t len, const struct listener_host *host, void *host_data, struct listener **ret, struct err *err);
void listener_reconfigure(struct listener *l, const struct listener_conf *conf); /* for connections from now on. On the loop's thread */
void listener_go(struct listener *l); /* on the loop's thread; once, of one that was held */
const char *listener_text(struct listener *l);
int listener_port(struct listener *l); /* the bound port; 0 for unix sockets */
/* stops accepting at once; connections live on. On the loop's thread, or with the loop not running */
void listener_close(struct listener *l);

#endif
