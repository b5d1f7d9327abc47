/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* adapter-rpc.c: the socket transport as our rpc-lib loads it. A `struct transport` is a `struct conn`, and nothing stands
 * between a callback of the core and the layer above: both sides' tables have the same members. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "socket-options.h"
#include "core/conn.h"

#define SAME_MEMBER(a, b, m) _Static_assert(offsetof(struct a, m) == offsetof(struct b, m), #m)
SAME_MEMBER(transport_host, conn_host, up);
SAME_MEMBER(transport_host, conn_host, place);
SAME_MEMBER(transport_host, conn_host, received);
SAME_MEMBER(transport_host, conn_host, released);
SAME_MEMBER(transport_host, conn_host, down);
SAME_MEMBER(transport_host, conn_host, land);
_Static_assert(sizeof(struct transport_host) == sizeof(struct conn_host), "the same table");

struct transport_listener {
    struct listener *listener;
    struct tls_config *tls;
    struct socket_options options;
    const struct transport_listen_host *host;
    void *host_data;
};

static struct conn *conn_of(struct transport *t)
{
    return (struct conn *)t;
}

/* Options and certificates, of either end. What has been made by the time of an error is the caller's to give up. */
static int read_options(const struct env *env, const struct transport_options *options, struct socket_options *ret_options,
                        struct tls_config **ret_tls, struct err *err)
{
    struct tls_files files;
    int r = socket_options_read(ret_options, options, false, err);

    if (r < 0 || !ret_options->ssl)
        return r;
    if (socket_options_family(ret_options)->path)
        return err_set(err, -EINVAL, "option transport.socket.ssl-enabled: unix sockets are never encrypted");
    socket_options_tls(ret_options, &files);
    return tls_config_new(env, &files, ret_tls, err);
}

/* ---- listening ----------------------------------------------------------------------------------------------------------- */
static int on_accepted(void *host, const struct sockaddr_storage *peer, const struct conn_host **ret_host, void **ret_data)
{
    struct transport_listener *tl = host;
    const struct transport_host *th = NULL;
    int r = tl->host->accepted(tl->host_data, peer, &th, ret_data);

    *ret_host = (const struct conn_host *)th;
    return r;
}

static void on_started(void *host, void *data, struct conn *conn)
{
    struct transport_listener *tl = host;

    tl->host->started(tl->host_data, data, (struct transport *)conn);
}

static const struct listener_host listen_callbacks = {.accepted = on_accepted, .started = on_started};

static int open_at(const struct env *env, struct transport_listener *tl, const struct family *family, struct err *err)
{
    const struct socket_options *o = &tl->options;
    struct sockaddr_storage addr;
    struct listener_conf conf;
    socklen_t len;
    int r = family_address(family, o->bind_address, o->port, o->listen_path, &addr, &len, err);

    if (r < 0)
        return r;
    socket_options_listener(o, &conf);
    conf.v6_only = family->v6_only;
    return listener_open(env, &conf, tl->tls, (struct sockaddr *)&addr, len, &listen_callbacks, tl, &tl->listener, err);
}

static void listener_give_up(struct transport_listener *tl)
{
    tls_config_unref(tl->tls);
    socket_options_done(&tl->options);
    free(tl);
}

static int socket_listen(const struct env *env, const struct transport_options *options, const struct transport_listen_host *host,
                         void *host_data, struct transport_listener **ret, struct err *err)
{
    struct transport_listener *tl = calloc(1, sizeof(*tl));
    struct err first = {""};
    int r;

    if (!tl)
        return err_set(err, -ENOMEM, "no memory for a listener");
    tl->host = host;
    tl->host_data = host_data;
    r = read_options(env, options, &tl->options, &tl->tls, err);
    if (r == 0 && tl->options.connect_path)
        r = err_set(err, -EINVAL, "option transport.socket.connect-path: this end listens; its path is transport.socket.listen-path");
    if (r == 0 && tl->options.verify_name)
        r = err_set(err, -EINVAL, "option transport.socket.ssl-verify-name: this end listens; whom it lets in auth.ssl-allow says");
    if (r == 0) {
        r = open_at(env, tl, socket_options_family(&tl->options), &first);
        /* Nobody asked for IPv6, and this machine has none. */
        if (r == -EAFNOSUPPORT && !tl->options.family_given)
            r = open_at(env, tl, family_by_name("inet"), err);
        else if (r < 0)
            err_set(err, r, "%s", first.text);
    }
    if (r < 0) {
        listener_give_up(tl);
        return r;
    }
    *ret = tl;
    return 0;
}

static int socket_port(struct transport_listener *tl)
{
    return listener_port(tl->listener);
}

static int socket_reconfigure(struct transport_listener *tl, const struct transport_options *options, struct err *err)
{
    struct listener_conf conf;
    struct tls_files files;
    int r = socket_options_read(&tl->options, options, true, err);

    if (r < 0)
        return r;
    socket_options_listener(&tl->options, &conf);
    listener_reconfigure(tl->listener, &conf);
    if (!tl->tls)
        return 0;
    socket_options_tls(&tl->options, &files);
    return tls_config_reload(tl->tls, &files, err);
}

static const void *socket_listener_values(const struct transport_listener *tl)
{
    return &tl->options;
}

static void socket_unlisten(struct transport_listener *tl)
{
    listener_close(tl->listener);
    listener_give_up(tl);
}

/* ---- connecting ---------------------------------------------------------------------------------------------------------- */
struct transport_dialer {
    struct env env;
    struct tls_config *tls;
    struct socket_options options;
    struct conn_conf conf;
};

static void socket_undialer(struct transport_dialer *d)
{
    if (!d)
        return;
    tls_config_unref(d->tls);
    socket_options_done(&d->options);
    free(d);
}

static const void *socket_dialer_values(const struct transport_dialer *d)
{
    return &d->options;
}

static int socket_dialer(const struct env *env, const struct transport_options *options, struct transport_dialer **ret, struct err *err)
{
    struct transport_dialer *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return err_set(err, -ENOMEM, "no memory for a connection");
    d->env = *env;
    r = read_options(env, options, &d->options, &d->tls, err);
    if (r < 0) {
        socket_undialer(d);
        return r;
    }
    socket_options_dialer(&d->options, &d->conf);
    d->options.own_thread = d->conf.own_thread; /* what is in force, for who asks for the values */
    *ret = d;
    return 0;
}

static int socket_dial(struct transport_dialer *d, const struct sockaddr *addr, socklen_t len, const struct transport_host *host,
                       void *host_data, struct transport **ret, struct err *err)
{
    struct sockaddr_storage path;
    struct conn *c;
    int r;

    if (!addr) {
        if (!d->options.connect_path)
            return err_set(err, -EDESTADDRREQ, "neither an address nor option transport.socket.connect-path says where to connect");
        r = family_address(family_by_name("unix"), NULL, 0, d->options.connect_path, &path, &len, err);
        if (r < 0)
            return r;
        addr = (const struct sockaddr *)&path;
    }
    r = conn_dial(&d->env, &d->conf, d->tls, addr, len, (const struct conn_host *)host, host_data, &c);
    if (r < 0)
        return err_set(err, r, "cannot make a connection: %s", strerror(-r));
    *ret = (struct transport *)c;
    return 0;
}

/* ---- connections --------------------------------------------------------------------------------------------------------- */
static int socket_send(struct transport *t, struct msg *m)
{
    return conn_send(conn_of(t), m);
}

static void socket_help(struct transport *t, struct waiter *w)
{
    conn_help(conn_of(t), w);
}

static size_t socket_queued(struct transport *t)
{
    return conn_queued(conn_of(t));
}

static void socket_admit(struct transport *t)
{
    conn_admit(conn_of(t));
}

static void socket_pause(struct transport *t)
{
    conn_pause(conn_of(t));
}

static void socket_resume(struct transport *t)
{
    conn_resume(conn_of(t));
}

static void socket_disconnect(struct transport *t, int err)
{
    conn_disconnect(conn_of(t), err);
}

static void socket_peer(struct transport *t, struct transport_peer *ret_peer)
{
    const struct conn_peer *p = conn_peer(conn_of(t));

    *ret_peer = (struct transport_peer){
        .text = p->text,
        .addr = &p->addr,
        .tls = p->tls,
        .common_name = p->common_name,
        .alt_names = p->alt_names,
        .tls_version = p->tls_version,
        .cipher = p->cipher,
    };
}

static void socket_stats(struct transport *t, struct transport_stats *ret_stats)
{
    struct conn_stats s;

    conn_stats(conn_of(t), &s);
    *ret_stats = (struct transport_stats){
        .bytes_in = s.bytes_in,
        .bytes_out = s.bytes_out,
        .records_in = s.records_in,
        .messages_out = s.messages_out,
        .reads = s.reads,
        .writes = s.writes,
        .pauses = s.pauses,
        .handshake_us = s.handshake_us,
        .round_trip_us = s.round_trip_us,
        .queued = s.queued,
    };
    memcpy(ret_stats->state, s.state, sizeof(ret_stats->state));
}

static void socket_ref(struct transport *t)
{
    conn_ref(conn_of(t));
}

static void socket_unref(struct transport *t)
{
    conn_unref(conn_of(t));
}

extern const struct transport_type transport_type;
__attribute__((visibility("default"))) const struct transport_type transport_type = {
    .abi = TRANSPORT_ABI,
    .build_id = BUILD_ID,
    .name = "socket",
    .options = socket_option_rows,
    .loaded = log_port_use,
    .listen = socket_listen,
    .port = socket_port,
    .reconfigure = socket_reconfigure,
    .listener_values = socket_listener_values,
    .dialer_values = socket_dialer_values,
    .unlisten = socket_unlisten,
    .dialer = socket_dialer,
    .dial = socket_dial,
    .undialer = socket_undialer,
    .send = socket_send,
    .help = socket_help,
    .queued = socket_queued,
    .admit = socket_admit,
    .pause = socket_pause,
    .resume = socket_resume,
    .disconnect = socket_disconnect,
    .peer = socket_peer,
    .stats = socket_stats,
    .ref = socket_ref,
    .unref = socket_unref,
};
