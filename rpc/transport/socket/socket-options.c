/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* socket-options.c: names and defaults are stock's where stock has the option (spec wire 1.1 and 3.13, bricks 4.8). */
#include "socket-options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/source.h"
#include "options.h"

static const char *const listen_port_names[] = {"listen-port", NULL}; /* as the daemon writes it on the command line */
static const char *const backlog_names[] = {"transport.socket.listen-backlog", NULL};
static const char *const window_names[] = {"transport.tcp-window-size", NULL};
static const char *const family_names_in_order[] = {"inet", "inet6", "inet-inet6", "unix", NULL};
enum { FAMILY_BOTH = 2, FAMILY_UNIX = 3 };

/* Who works with pauses for thought keeps the thread; a new one is some 50 us, so nothing is lost by much less either. */
#define PARK_MS 5000

#define S struct socket_options
#define OPT_LIVE .flags = OPTION_LIVE
const struct option socket_option_rows[] = {
    OPT_BOOL("transport.socket.own-thread", S, own_thread, false,
             "give each connection a thread of its own; without this option: those with TLS, and all at the connecting end", OPT_LIVE),
    OPT_CHOICE("transport.address-family", S, family, "inet-inet6", family_names_in_order,
               "inet, inet6, inet-inet6 (both on one socket) or unix"),
    OPT_INT("transport.socket.listen-port", S, port, "24007", 0, 65535, "port to listen on; 0: any that is free",
            .aliases = listen_port_names),
    OPT_STR("transport.socket.bind-address", S, bind_address, NULL, "address to listen on; without it every one of this machine"),
    OPT_PATH("transport.socket.listen-path", S, listen_path, NULL, "path of the unix socket to listen on"),
    OPT_PATH("transport.socket.connect-path", S, connect_path, NULL, "path of the unix socket to connect to"),
    OPT_INT("transport.listen-backlog", S, backlog, "1024", 1, 65535, "connections that may wait to be accepted",
            .aliases = backlog_names, OPT_LIVE),
    OPT_BOOL("transport.socket.keepalive", S, keepalive, true, "probe silent connections", OPT_LIVE),
    OPT_INT("transport.socket.keepalive-time", S, keepalive_idle, "20", 1, 32767, "seconds of silence before the first probe",
            OPT_LIVE),
    OPT_INT("transport.socket.keepalive-interval", S, keepalive_interval, "2", 1, 32767, "seconds between probes", OPT_LIVE),
    OPT_INT("transport.socket.keepalive-count", S, keepalive_count, "9", 1, 127, "unanswered probes before the end", OPT_LIVE),
    OPT_TIME("transport.tcp-user-timeout", S, user_timeout, "42", 0, 1013,
             "how long sent data may stay unacknowledged; 0: the kernel's limit", OPT_LIVE),
    OPT_SIZE("tcp-window-size", S, window, "0", 0, 1 * MiB, "size of the socket's buffers; 0: the kernel decides",
             .aliases = window_names, OPT_LIVE),

    OPT_BOOL("transport.socket.ssl-enabled", S, ssl, false, "speak TLS, and only TLS"),
    OPT_PATH("transport.socket.ssl-own-cert", S, own_cert, NULL,
             "our certificate, PEM; default glusterfs.pem in OpenSSL's folder or /etc/ssl", OPT_LIVE),
    OPT_PATH("transport.socket.ssl-private-key", S, private_key, NULL, "its key, PEM; default glusterfs.key there", OPT_LIVE),
    OPT_PATH("transport.socket.ssl-ca-list", S, ca_list, NULL,
             "authorities that vouch for peers, PEM; default glusterfs.ca there", OPT_LIVE),
    OPT_PATH("transport.socket.ssl-crl-path", S, crl_path, NULL,
             "revocation lists: a folder as `openssl rehash` makes it, or a file; without it nothing is revoked", OPT_LIVE),
    OPT_INT("transport.socket.ssl-cert-depth", S, depth, "1", 0, 100, "authorities allowed between a certificate and a known one",
            OPT_LIVE),
    OPT_STR("transport.socket.ssl-cipher-list", S, ciphers, NULL,
            "for TLS 1.2, as `openssl ciphers` reads it; default EECDH:EDH:HIGH:!3DES:!RC4:!DES:!MD5:!aNULL:!eNULL", OPT_LIVE),
    OPT_STR("transport.socket.ssl-ec-curve", S, curve, NULL, "key exchange groups, best first; default X25519:prime256v1", OPT_LIVE),
    OPT_PATH("transport.socket.ssl-dh-param", S, dh_param, NULL,
             "parameters of the old key exchange, PEM; default dhparam.pem there, or built-in ones", OPT_LIVE),

    OPT_STR("transport.socket.ssl-verify-name", S, verify_name, NULL,
            "connecting: what name the server's certificate must be for: a DNS name, an address, or on: the name of remote-host; "
            "default off"),
    OPT_BOOL("client-bind-insecure", S, bind_insecure, true, "connecting: from any port; off: from one below 1024, as root may"),

    OPT_INT("transport.connections-limit", S, connections, "4096", 1, 1000000, "connections at once", OPT_LIVE),
    OPT_SIZE("transport.record-limit-first", S, record_first, "128KB", 4 * KiB, 1 * GiB,
             "largest record of a peer that is not admitted yet", OPT_LIVE),
    OPT_SIZE("transport.record-limit", S, record, "64MB", 64 * KiB, 1 * GiB, "largest record of one that is", OPT_LIVE),
    OPT_SIZE("transport.send-queue-limit", S, send_queue, "16MB", 64 * KiB, 1 * GiB,
             "bytes queued for one peer, above which it is not read from", OPT_LIVE),
    OPT_SIZE("transport.queued-limit", S, queued, "0", 0, 1024 * GiB,
             "bytes queued for all peers, above which the one with most is disconnected; 0: an eighth of the memory", OPT_LIVE),
    OPT_TIME("transport.handshake-timeout", S, handshake, "10", 1, 3600, "for the TLS handshake, from accept on", OPT_LIVE),
    OPT_TIME("transport.first-record-timeout", S, first_record, "10", 1, 3600, "for a peer's first whole record", OPT_LIVE),
    OPT_TIME("transport.admit-timeout", S, admit, "30", 1, 3600, "for a peer to be admitted (SETVOLUME)", OPT_LIVE),
    OPT_TIME("transport.goodbye-timeout", S, goodbye, "1", 0, 60, "for a peer to hear that we close", OPT_LIVE),
    {.key = NULL},
};
#undef S

/* What the volume file says to our rows, as a set. */
static int gather(struct optset *set, const struct transport_options *from)
{
    int r = 0;

    for (const struct option *row = socket_option_rows; row->key && r == 0; row++) {
        const char *value = from->get(from, row->key);

        for (const char *const *alias = row->aliases; !value && alias && *alias; alias++)
            value = from->get(from, *alias);
        if (value)
            r = optset_add(set, row->key, value, NULL, 0);
    }
    return r;
}

/* "on" is the name that the other end is called by in the volume file. */
static int settle_verify_name(struct socket_options *o, const struct transport_options *from, struct err *err)
{
    const char *host = from->get(from, "remote-host");
    bool on;

    if (!o->verify_name || parse_bool(o->verify_name, &on) < 0)
        return 0;
    free(o->verify_name);
    o->verify_name = NULL;
    if (!on)
        return 0;
    if (!host)
        return err_set(err, -EINVAL, "option transport.socket.ssl-verify-name on: there is no remote-host whose name could be looked for");
    o->verify_name = strdup(host);
    return o->verify_name ? 0 : err_set(err, -ENOMEM, "no memory for options");
}

int socket_options_read(struct socket_options *o, const struct transport_options *from, bool live, struct err *err)
{
    const char *type = from->get(from, "transport-type");
    struct optset set = {0};
    int r = gather(&set, from);

    if (r == 0)
        r = options_apply(socket_option_rows, array_len(socket_option_rows) - 1, &set, "transport socket", live, o, err);
    else
        err_set(err, r, "no memory for options");
    o->own_thread_given = optset_get(&set, "transport.socket.own-thread");
    if (!o->own_thread_given)
        o->own_thread = o->ssl;
    if (!live) {
        o->family_given = optset_get(&set, "transport.address-family");
        if (r == 0)
            r = settle_verify_name(o, from, err);
        if (!o->family_given && (o->listen_path || o->connect_path || (type && strcmp(type, "unix") == 0)))
            o->family = FAMILY_UNIX;
    }
    optset_done(&set);
    return r;
}

void socket_options_done(struct socket_options *o)
{
    options_release(socket_option_rows, array_len(socket_option_rows) - 1, o);
}

const struct family *socket_options_family(const struct socket_options *o)
{
    return family_by_name(family_names_in_order[o->family]);
}

/* What both ends have. */
static void conn_options(const struct socket_options *o, struct conn_conf *ret)
{
    *ret = (struct conn_conf){
        .own_thread = o->own_thread,
        .park_ms = PARK_MS,
        .handshake_ms = o->handshake * 1000,
        .goodbye_ms = o->goodbye * 1000,
        .nodelay = true,
        .keepalive = o->keepalive,
        .keepalive_idle_s = o->keepalive_idle,
        .keepalive_interval_s = o->keepalive_interval,
        .keepalive_count = o->keepalive_count,
        .user_timeout_ms = o->user_timeout * 1000,
        .window_size = o->window,
    };
}

void socket_options_listener(const struct socket_options *o, struct listener_conf *ret)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    *ret = (struct listener_conf){
        .backlog = o->backlog,
        .v6_only = socket_options_family(o)->v6_only,
        .conns_max = o->connections,
        .queued_max = o->queued ? o->queued : pages > 0 && page > 0 ? (size_t)pages * page / 8 : 1 * GiB,
    };
    conn_options(o, &ret->conn);
    ret->conn.record_max_first = o->record_first;
    ret->conn.record_max = o->record;
    ret->conn.send_queue_max = o->send_queue;
    ret->conn.first_record_ms = o->first_record * 1000;
    ret->conn.admit_ms = o->admit * 1000;
}

/* It asked for what comes: the large bound holds from the start, and it never stops reading replies (conn.h). */
void socket_options_dialer(const struct socket_options *o, struct conn_conf *ret)
{
    conn_options(o, ret);
    ret->record_max_first = ret->record_max = o->record;
    /* A client has few connections, and who waits for an answer can help a thread, not the loop: conn_help(). */
    ret->own_thread = !o->own_thread_given || o->own_thread;
    ret->source_below = o->bind_insecure ? 0 : SOURCE_PRIVILEGED_BELOW;
}

void socket_options_tls(const struct socket_options *o, struct tls_files *ret)
{
    *ret = (struct tls_files){
        .own_cert = o->own_cert,
        .private_key = o->private_key,
        .ca_list = o->ca_list,
        .crl_path = o->crl_path,
        .depth = o->depth,
        .ciphers = o->ciphers,
        .curve = o->curve,
        .dh_param = o->dh_param,
        .peer_name = o->verify_name, /* of a connecting end; socket_options_read() has made a name or NULL of it */
    };
}
