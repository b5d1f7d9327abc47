/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* transport.h: the port between RPC and whatever moves records. The socket plugin is one adapter behind it, a test another.
 *
 * A transport is a module: $(pkglibdir)/rpc-transport/NAME.so exports one `struct transport_type` under the symbol
 * "transport_type", whose abi and build_id are checked before anything in it is called.
 *
 * Rules of life (design section 4): up() at most once, down() exactly once and last; released() exactly once for each
 * message that send() accepted. Callbacks of one connection run one at a time with no lock held; but released() may come inside
 * send(), on any thread that sends, beside another callback. */
#ifndef RPC_TRANSPORT_H
#define RPC_TRANSPORT_H

#include <sys/socket.h>

#include "env.h"
#include "log.h"
#include "message.h"
#include "option.h"

#define TRANSPORT_ABI 5u
#define TRANSPORT_SYMBOL "transport_type"

struct transport;          /* one connection, as the module sees it */
struct transport_listener;
struct transport_dialer;     /* what a connecting end has: its options, and one set of certificates for all its connections */
struct waiter;
struct optset;             /* key and value pairs: ../../libglusterfs/options.h; read through the lookup function only */

struct transport_host {
    void (*up)(void *host);
    size_t (*place)(void *host, const uint8_t *bytes, size_t have, size_t total); /* as conn_host.place in socket/core/conn.h */
    void (*received)(void *host, struct record *rec);
    void (*released)(void *host, struct msg *m, int err);
    void (*down)(void *host, int err);
    bool (*land)(void *host, const uint8_t *head, size_t len, size_t bulk, struct slicev *ret); /* as conn_host.land; may be NULL */
};
struct transport_listen_host {
    int (*accepted)(void *host, const struct sockaddr_storage *peer, const struct transport_host **ret_host, void **ret_data);
    /* It stands; the reference is the host's. Comes before any call of ret_host. t NULL: it could not be made, give up data. */
    void (*started)(void *host, void *data, struct transport *t);
};

struct transport_peer {
    const char *text;               /* address and port, or path; from the beginning */
    const struct sockaddr_storage *addr;
    bool tls;
    const char *common_name;        /* the rest from up() on; NULL without TLS */
    char *const *alt_names;         /* NULL-ended, or NULL */
    const char *tls_version, *cipher;
};
struct transport_stats {
    uint64_t bytes_in, bytes_out, records_in, messages_out, reads, writes, pauses, handshake_us;
    uint32_t round_trip_us;         /* 0: not known */
    size_t queued;
    char state[16];
};

/* How a module reads its options: value of key in the volume's options, or NULL. */
struct transport_options {
    const char *(*get)(const struct transport_options *o, const char *key);
    const void *ctx;
};

struct transport_type {
    uint32_t abi;                   /* TRANSPORT_ABI */
    const char *build_id;           /* BUILD_ID of config.h */
    const char *name;
    const struct option *options;   /* what it understands; ended by a row without key. For help and for "unknown option" */
    void (*loaded)(const struct log_port *log); /* after the checks, each time that it is asked for: how to log */

    /* Listens as the options say (listen-port, bind-address, address-family, ssl-*, bounds). -errno with a sentence. */
    int (*listen)(const struct env *env, const struct transport_options *options, const struct transport_listen_host *host,
                  void *host_data, struct transport_listener **ret, struct err *err);
    int (*port)(struct transport_listener *l);
    /* New values for what may change while running, and new certificate files. The old set stays when it fails. */
    int (*reconfigure)(struct transport_listener *l, const struct transport_options *options, struct err *err);
    const void *(*listener_values)(const struct transport_listener *l); /* what the rows of `options` have come to; NULL member: not told */
    void (*unlisten)(struct transport_listener *l);

    /* The connecting end: bounds and ssl-* as above. dial() goes to one address, without one to transport.socket.connect-path;
     * finding the addresses of a name is the caller's. A connection is used once: after down() another dial() makes the next
     * one. up() or down() follows, and may come before it returns; *ret carries a reference. Connections outlive the dialer. */
    int (*dialer)(const struct env *env, const struct transport_options *options, struct transport_dialer **ret, struct err *err);
    int (*dial)(struct transport_dialer *d, const struct sockaddr *addr, socklen_t len, const struct transport_host *host, void *host_data,
                struct transport **ret, struct err *err);
    void (*undialer)(struct transport_dialer *d); /* NULL is fine */
    const void *(*dialer_values)(const struct transport_dialer *d); /* as listener_values; they never change */

    int (*send)(struct transport *t, struct msg *m);
    /* For a thread that has sent, and waits for an answer: it may receive it itself, and callbacks run on it meanwhile. Returns when
     * it likes. No lock is held. NULL: nobody is needed. */
    void (*help)(struct transport *t, struct waiter *w);
    size_t (*queued)(struct transport *t);
    void (*admit)(struct transport *t);
    void (*pause)(struct transport *t);
    void (*resume)(struct transport *t);
    void (*disconnect)(struct transport *t, int err);
    void (*peer)(struct transport *t, struct transport_peer *ret_peer);
    void (*stats)(struct transport *t, struct transport_stats *ret_stats);
    void (*ref)(struct transport *t);
    void (*unref)(struct transport *t);
};

/* Loads $(pkglibdir)/rpc-transport/NAME.so (or dir/NAME.so when dir is set, for uninstalled trees: environment
 * GATLING_TRANSPORT_DIR). Types tcp, socket and unix are all served by "socket". Never unloaded. */
int transport_load(const char *type, const struct transport_type **ret, struct err *err);

/* Who is at the other end, for the log: "192.0.2.7:49151, TLSv1.3, TLS_AES_256_GCM_SHA384, certificate client". From up() on. */
void transport_describe(const struct transport_peer *peer, char *to, size_t size);

#endif
