/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plugin.c: what stock's loader looks up: tops, init, fini, reconfigure, options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "stock/plugin.h"

#define EXPORT __attribute__((visibility("default")))

/* ---- ports ----------------------------------------------------------------------------------------------------------------- */
struct port *port_new(rpc_transport_t *trans, struct home *home)
{
    struct port *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->trans = trans;
    p->home = home;
    pthread_mutex_init(&p->lock, NULL);
    trans->private = p;
    return p;
}

void port_free(struct port *p)
{
    gate_put(p->gate);
    landing_free(p->landing);
    shared_tls_put(p->tls);
    shared_tls_put(p->mgmt_tls);
    socket_options_done(&p->options);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* Numbers are kept as text, too. glusterd writes -1 for what nobody has set. */
static const char *from_dict(const struct transport_options *o, const char *key)
{
    data_t *d = dict_get((dict_t *)o->ctx, (char *)key);

    return d && d->data && strcmp(d->data, "-1") != 0 ? d->data : NULL;
}

static int read_options(struct port *p, dict_t *options, bool live)
{
    struct transport_options from = {.get = from_dict, .ctx = options};
    struct err err = {""};
    int r = socket_options_read(&p->options, &from, live, &err);

    if (r == 0 && dict_get(options, "transport.socket.bind-path"))
        r = err_set(&err, -EINVAL, "option transport.socket.bind-path: a name for the near end of a unix socket is not supported");
    if (r < 0)
        log_error("socket", "%s: %s", p->trans->name, err.text);
    return r;
}

/* ---- tops ------------------------------------------------------------------------------------------------------------------ */
static int32_t plugin_listen(rpc_transport_t *t)
{
    return listening_start(t);
}

static int32_t plugin_connect(rpc_transport_t *t, int port)
{
    return link_connect(t, port);
}

static int32_t plugin_disconnect(rpc_transport_t *t, gf_boolean_t wait)
{
    struct port *p = port_of(t);
    struct listening *l;

    pthread_mutex_lock(&p->lock);
    l = p->listening;
    p->listening = NULL;
    pthread_mutex_unlock(&p->lock);
    if (l)
        listening_stop(l);
    return link_disconnect(t);
}

static int32_t plugin_submit_request(rpc_transport_t *t, rpc_transport_req_t *req)
{
    return link_submit(t, &req->msg);
}

static int32_t plugin_submit_reply(rpc_transport_t *t, rpc_transport_reply_t *reply)
{
    return link_submit(t, &reply->msg);
}

static int32_t tell_name(const peer_info_t *who, char *to, int len)
{
    if (len < 0 || strlen(who->identifier) >= (size_t)len)
        return -1;
    strcpy(to, who->identifier);
    return 0;
}

static int32_t tell_address(const peer_info_t *who, char *to, int len, struct sockaddr_storage *sa)
{
    if (sa)
        *sa = who->sockaddr;
    return to ? tell_name(who, to, len) : 0;
}

static int32_t plugin_get_peername(rpc_transport_t *t, char *to, int len)
{
    return tell_name(&t->peerinfo, to, len);
}

static int32_t plugin_get_peeraddr(rpc_transport_t *t, char *to, int len, struct sockaddr_storage *sa, socklen_t salen)
{
    return tell_address(&t->peerinfo, to, len, sa);
}

static int32_t plugin_get_myname(rpc_transport_t *t, char *to, int len)
{
    return tell_name(&t->myinfo, to, len);
}

static int32_t plugin_get_myaddr(rpc_transport_t *t, char *to, int len, struct sockaddr_storage *sa, socklen_t salen)
{
    return tell_address(&t->myinfo, to, len, sa);
}

static int32_t plugin_throttle(rpc_transport_t *t, gf_boolean_t on)
{
    return link_throttle(t, on);
}

EXPORT struct rpc_transport_ops tops = {
    .listen = plugin_listen,
    .connect = plugin_connect,
    .disconnect = plugin_disconnect,
    .submit_request = plugin_submit_request,
    .submit_reply = plugin_submit_reply,
    .get_peername = plugin_get_peername,
    .get_peeraddr = plugin_get_peeraddr,
    .get_myname = plugin_get_myname,
    .get_myaddr = plugin_get_myaddr,
    .throttle = plugin_throttle,
};

/* ---- what stock calls by name ------------------------------------------------------------------------------------------------ */
EXPORT int32_t init(rpc_transport_t *t);
EXPORT void fini(rpc_transport_t *t);
EXPORT int32_t reconfigure(rpc_transport_t *t, dict_t *options);

int32_t init(rpc_transport_t *t)
{
    struct port *p;

    if (t->private)
        return -1;
    if (version_check() < 0)
        return -1;
    p = port_new(t, NULL);
    if (!p)
        return -1;
    if (read_options(p, t->options, false) < 0) {
        t->private = NULL;
        port_free(p);
        return -1;
    }
    return 0;
}

/* At the last reference: there is no connection, and nobody listens, since each holds one. */
void fini(rpc_transport_t *t)
{
    if (!t || !t->private)
        return;
    port_free(t->private);
    t->private = NULL;
}

int32_t reconfigure(rpc_transport_t *t, dict_t *options)
{
    struct port *p = t ? port_of(t) : NULL;
    struct err err = {""};
    int r;

    if (!p || !options)
        return -1;
    pthread_mutex_lock(&p->lock);
    r = read_options(p, options, true);
    pthread_mutex_unlock(&p->lock);
    if (r == 0 && p->listening)
        r = listening_reconfigure(p, &err);
    if (err.text[0])
        log_error("socket", "%s: %s", t->name, err.text);
    return r < 0 ? -1 : 0;
}

/* The rows of stock's own transport, so that `volume set` knows them when we stand in its place; the values are checked by ours
 * (socket-options.c), which has some more. */
#define ROW(...) {.key = {__VA_ARGS__}, .type = GF_OPTION_TYPE_ANY}
#define SETTABLE .flags = OPT_FLAG_SETTABLE
EXPORT struct volume_options options[] = {
    {.key = {"remote-port", "transport.remote-port", "transport.socket.remote-port"}, .type = GF_OPTION_TYPE_INT},
    {.key = {"transport.socket.listen-port", "listen-port"}, .type = GF_OPTION_TYPE_INT},
    {.key = {"transport.socket.bind-address", "bind-address"}, .type = GF_OPTION_TYPE_INTERNET_ADDRESS},
    ROW("transport.socket.connect-path", "connect-path"),
    ROW("transport.socket.bind-path", "bind-path"),
    ROW("transport.socket.listen-path", "listen-path"),
    {.key = {"transport.address-family", "address-family"}, .value = {"inet", "inet6", "unix", "inet/inet6", "inet-inet6"},
     .type = GF_OPTION_TYPE_STR, .op_version = {30704}},
    {.key = {"tcp-window-size"}, .type = GF_OPTION_TYPE_SIZET, .min = 0, .max = 1048576, .op_version = {1}, SETTABLE,
     .description = "size of the socket's buffers"},
    {.key = {"transport.listen-backlog"}, .type = GF_OPTION_TYPE_SIZET, .default_value = "1024", .op_version = {31101}, SETTABLE,
     .description = "connections that may wait to be accepted"},
    {.key = {"transport.tcp-user-timeout"}, .type = GF_OPTION_TYPE_INT, .default_value = "42", .op_version = {31002}},
    {.key = {"transport.socket.nodelay"}, .type = GF_OPTION_TYPE_BOOL, .default_value = "1"},
    {.key = {"transport.socket.keepalive"}, .type = GF_OPTION_TYPE_BOOL, .default_value = "1", .op_version = {1}},
    {.key = {"transport.socket.keepalive-interval"}, .type = GF_OPTION_TYPE_INT, .default_value = "2", .op_version = {31002}},
    {.key = {"transport.socket.keepalive-time"}, .type = GF_OPTION_TYPE_INT, .default_value = "20", .op_version = {31002}},
    {.key = {"transport.socket.keepalive-count"}, .type = GF_OPTION_TYPE_INT, .default_value = "9", .op_version = {31002}},
    {.key = {"transport.socket.own-thread"}, .type = GF_OPTION_TYPE_BOOL},
    {.key = {"transport.socket.ssl-enabled"}, .type = GF_OPTION_TYPE_BOOL},
    ROW("transport.socket.ssl-own-cert"),
    ROW("transport.socket.ssl-private-key"),
    ROW("transport.socket.ssl-ca-list"),
    ROW("transport.socket.ssl-cert-depth"),
    ROW("transport.socket.ssl-cipher-list"),
    ROW("transport.socket.ssl-dh-param"),
    ROW("transport.socket.ssl-ec-curve"),
    ROW("transport.socket.ssl-crl-path"),
    ROW("transport.socket.ssl-verify-name"),
    {.key = {"ssl-own-cert"}, .type = GF_OPTION_TYPE_STR, .op_version = {30704}, SETTABLE, .description = "our certificate"},
    {.key = {"ssl-private-key"}, .type = GF_OPTION_TYPE_STR, .op_version = {30704}, SETTABLE, .description = "its key"},
    {.key = {"ssl-ca-list"}, .type = GF_OPTION_TYPE_STR, .op_version = {30704}, SETTABLE,
     .description = "authorities that vouch for peers"},
    {.key = {"ssl-cert-depth"}, .type = GF_OPTION_TYPE_INT, .op_version = {30600}, SETTABLE,
     .description = "authorities allowed between a certificate and a known one"},
    {.key = {"ssl-cipher-list"}, .type = GF_OPTION_TYPE_STR, .op_version = {30600}, SETTABLE, .description = "ciphers of TLS 1.2"},
    {.key = {"ssl-dh-param"}, .type = GF_OPTION_TYPE_STR, .op_version = {30704}, SETTABLE,
     .description = "parameters of the old key exchange"},
    {.key = {"ssl-ec-curve"}, .type = GF_OPTION_TYPE_STR, .op_version = {30704}, SETTABLE, .description = "groups of the key exchange"},
    {.key = {"ssl-crl-path"}, .type = GF_OPTION_TYPE_STR, .op_version = {30704}, SETTABLE, .description = "folder of revocation lists"},
    {.key = {NULL}},
};
