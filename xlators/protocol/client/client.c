/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* client.c: the translator protocol/client: its options, the events of its graph, and of its connection. */
#include "config.h"

#include "remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "log.h"
#include "secure-access.h"

#define LIVE .flags = OPTION_LIVE
static const struct option client_options[] = {
    OPT_STR("transport-type", struct remote, transport_name, "tcp", "the transport module: tcp, socket, unix"),
    OPT_STR("remote-host", struct remote, remote_host, NULL, "name or address of the brick's machine", LIVE),
    OPT_INT("remote-port", struct remote, remote_port, "0", 0, 65535, "port of the brick; 0: the daemon on port 24007 is asked for it",
            LIVE),
    OPT_STR("remote-subvolume", struct remote, remote_subvolume, NULL, "the brick's name: its path, or its top translator", LIVE),
    OPT_STR("username", struct remote, username, NULL, "for bricks that ask for a login", LIVE),
    OPT_STR("password", struct remote, password, NULL, "its password", LIVE | OPTION_SECRET),
    OPT_TIME("frame-timeout", struct remote, frame_timeout, "1800", 0, 86400,
             "seconds after which an operation without an answer fails; 0: never. Waiting locks wait", LIVE,
             .aliases = (const char *const[]){"rpc-timeout", NULL}),
    OPT_TIME("ping-timeout", struct remote, ping_timeout, "42", 0, 1013,
             "seconds of silence, with operations under way, after which the connection is given up; 0: never", LIVE),
    OPT_BOOL("send-gids", struct remote, send_gids, true, "the caller's supplementary groups go with each operation", LIVE),
    OPT_BOOL("strict-locks", struct remote, strict_locks, false,
             "a descriptor with locks is not opened again after a reconnect, but fails: nobody else can have had the lock in between",
             LIVE),
    OPT_BOOL("filter-O_DIRECT", struct remote, filter_direct, false, "O_DIRECT is not passed on to the brick", LIVE,
             .aliases = (const char *const[]){"remote-dio", NULL}),
    OPT_STR("volume-id", struct remote, volume_id, NULL, "the volume's id: a brick of another one is not used"),
    OPT_INT("event-threads", struct remote, event_threads, "2", 1, 1024,
            "stock's number of network threads; here each connection has its own or shares one loop: transport.socket.own-thread",
            .flags = OPTION_LIVE | OPTION_NO_EFFECT),
    OPT_OFF("testing.old-protocol", "version 330 of the file protocol"),
};

/* ---- dialers ------------------------------------------------------------------------------------------------------------------ */
/* The transport's options stand among ours. For connections to the daemon, TLS is what the file secure-access says. */
struct view {
    struct transport_options o;
    const struct optset *set;
    const struct transport_type *type;
    bool daemon;
    struct secure_access secure;
    char depth[16];
};

static const char *view_get(const struct transport_options *o, const char *key)
{
    const struct view *v = o->ctx;

    if (v->daemon && strcmp(key, "transport.socket.ssl-enabled") == 0)
        return v->secure.there ? "on" : "off";
    if (v->daemon && v->secure.cert_depth > 0 && strcmp(key, "transport.socket.ssl-cert-depth") == 0)
        return v->depth;
    return optset_get_by_rows(v->set, v->type->options, key);
}

static int make_dialer(struct remote *r, const struct optset *set, bool daemon, struct rpc_dialer **ret, struct err *err)
{
    struct view v = {.set = set, .type = r->transport, .daemon = daemon};
    int e = daemon ? secure_access_read(SECURE_ACCESS_FILE, &v.secure, err) : 0;

    if (e < 0)
        return e;
    snprintf(v.depth, sizeof(v.depth), "%d", v.secure.cert_depth);
    v.o = (struct transport_options){.get = view_get, .ctx = &v};
    return rpc_dialer_new(&r->xl->graph->process->env, r->transport, &v.o, ret, err);
}

/* A client of a proxy has no option: the proxy runs on each server. */
const char *remote_host_of(const struct remote *r)
{
    return r->remote_host ? r->remote_host : r->xl->graph->process->volfile_server;
}

/* Where every attempt begins: at the brick's port if we know it, else at the daemon. */
static int aim_locked(struct remote *r)
{
    bool unix_path = strcmp(r->transport_name, "unix") == 0 || optset_get(&r->xl->options, "transport.socket.connect-path");
    uint16_t port = r->remote_port ? (uint16_t)r->remote_port : DAEMON_PORT;

    return rpc_client_aim(r->rpc, unix_path ? NULL : remote_host_of(r), port,
                          port == DAEMON_PORT && !unix_path ? r->to_daemon : r->to_brick);
}

/* All or nothing. Certificates are read; a connection that stands is not touched. */
static int take_dialers(struct remote *r, const struct optset *set, struct err *err)
{
    struct rpc_dialer *brick = NULL, *daemon = NULL, *old[2];
    int e = make_dialer(r, set, false, &brick, err);

    if (e == 0 && (e = make_dialer(r, set, true, &daemon, err)) < 0)
        rpc_dialer_unref(brick);
    if (e < 0)
        return e;
    pthread_mutex_lock(&r->lock);
    old[0] = r->to_brick;
    old[1] = r->to_daemon;
    r->to_brick = brick;
    r->to_daemon = daemon;
    e = aim_locked(r);
    pthread_mutex_unlock(&r->lock);
    rpc_dialer_unref(old[0]);
    rpc_dialer_unref(old[1]);
    return e < 0 ? err_set(err, e, "volume %s: no memory", r->xl->name) : 0;
}

static int take_options_for_login(struct remote *r, const struct optset *set, struct err *err)
{
    struct dict *d = dict_new(), *old;
    int e = d ? 0 : -ENOMEM;

    for (unsigned int i = 0; i < set->n && e == 0; i++)
        e = dict_set_text(d, set->pairs[i].key, set->pairs[i].value);
    if (e < 0) {
        dict_unref(d);
        return err_set(err, e, "volume %s: its options do not fit into a login", r->xl->name);
    }
    pthread_mutex_lock(&r->lock);
    old = r->options;
    r->options = d;
    pthread_mutex_unlock(&r->lock);
    dict_unref(old);
    return 0;
}

/* ---- what is told ------------------------------------------------------------------------------------------------------------- */
void remote_tell(struct remote *r, bool up)
{
    bool news;

    pthread_mutex_lock(&r->lock);
    news = !r->told || r->told_up != up;
    r->told = true;
    r->told_up = up;
    pthread_mutex_unlock(&r->lock);
    if (news)
        xlator_notify_up(r->xl, up ? EVENT_CHILD_UP : EVENT_CHILD_DOWN, NULL);
}

void remote_say(struct remote *r, const char *text)
{
    bool news;

    pthread_mutex_lock(&r->lock);
    news = strncmp(r->said, text, sizeof(r->said) - 1) != 0;
    snprintf(r->said, sizeof(r->said), "%s", text);
    pthread_mutex_unlock(&r->lock);
    if (news && text[0])
        log_warning(r->xl->name, "%s", text);
}

void remote_refused(struct remote *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    remote_say(r, text);
    rpc_client_disconnect(r->rpc, -ECONNREFUSED);
}

/* ---- the connection ----------------------------------------------------------------------------------------------------------- */
static void on_up(void *host)
{
    handshake_start(host);
}

static void on_down(void *host, bool was_up, int err)
{
    struct remote *r = host;

    atomic_store_explicit(&r->ready, false, memory_order_relaxed);
    atomic_store_explicit(&r->storage_down, false, memory_order_relaxed);
    if (atomic_exchange(&r->redirected, false))
        return;
    pthread_mutex_lock(&r->lock);
    aim_locked(r); /* no memory: then to where it was */
    pthread_mutex_unlock(&r->lock);
    remote_tell(r, false);
}

static void on_stopped(void *host)
{
    struct remote *r = host;

    loop_disarm(r->xl->graph->process->env.loop, &r->retry);
    remote_drop_reopenings(r);
    r->started = false;
    if (r->held) {
        r->held = false;
        process_let_go(r->xl->graph->process, &r->hold);
    }
}

static const struct rpc_client_host connection = {.up = on_up, .down = on_down, .stopped = on_stopped};
static const struct rpc_callbacks callbacks = {.program = CBK_PROGRAM, .version = CBK_VERSION, .run = remote_callback};

/* ---- life ------------------------------------------------------------------------------------------------------------------- */
static unsigned int frame_timeout(const struct remote *r)
{
    return r->frame_timeout ? (unsigned int)r->frame_timeout : UINT_MAX; /* 0: never */
}

static void say_of_event_threads(const struct xlator *xl, const struct optset *before, const struct optset *set)
{
    if (optset_get(set, "event-threads") && !(before && optset_get(before, "event-threads")))
        log_info(xl->name, "option event-threads has no effect: a connection has a thread of its own or shares the event loop");
}

static int client_init(struct xlator *xl, struct err *err)
{
    struct remote *r = xl->priv;
    struct process *p = xl->graph->process;
    bool unix_path;
    int e;

    r->xl = xl;
    pthread_mutex_init(&r->lock, NULL);
    r->lock_made = true;
    r->retry.expired = remote_retry;
    r->retry_work.run = remote_post_retry;
    if (!r->remote_subvolume)
        return err_set(err, -EINVAL, "volume %s: option remote-subvolume is missing: which brick?", xl->name);
    unix_path = strcmp(r->transport_name, "unix") == 0 || optset_get(&xl->options, "transport.socket.connect-path");
    if (!remote_host_of(r) && !unix_path)
        return err_set(err, -EINVAL, "volume %s: option remote-host is missing: on which machine is the brick?", xl->name);
    if ((e = transport_load(r->transport_name, &r->transport, err)) < 0)
        return e;
    say_of_event_threads(xl, NULL, &xl->options);
    struct rpc_client_conf conf = {
        .name = xl->name, .pool = p->pool, .callbacks = &callbacks, .nr_callbacks = 1,
        .frame_timeout_s = frame_timeout(r), .ping_timeout_s = (unsigned int)r->ping_timeout,
    };
    r->rpc = rpc_client_new(&p->env, &conf, &connection, r);
    if (!r->rpc)
        return err_set(err, -ENOMEM, "volume %s: no memory", xl->name);
    if ((e = take_options_for_login(r, &xl->options, err)) < 0)
        return e;
    return take_dialers(r, &xl->options, err);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int client_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    struct remote *r = xl->priv;
    char *host, *brick;
    int64_t port;
    bool elsewhere;
    int e;

    pthread_mutex_lock(&r->lock);
    host = r->remote_host ? strdup(r->remote_host) : NULL;
    brick = strdup(r->remote_subvolume);
    port = r->remote_port;
    e = options_apply(client_options, array_len(client_options), set, xl->name, true, r, err);
    elsewhere = !same(host, r->remote_host) || !same(brick, r->remote_subvolume) || port != r->remote_port;
    pthread_mutex_unlock(&r->lock);
    free(host);
    free(brick);
    if (e < 0 || (e = take_options_for_login(r, set, err)) < 0 || (e = take_dialers(r, set, err)) < 0)
        return e;
    rpc_client_set_timeouts(r->rpc, frame_timeout(r), (unsigned int)r->ping_timeout);
    say_of_event_threads(xl, &xl->options, set);
    if (elsewhere && r->started)
        rpc_client_reconnect(r->rpc, -ECONNABORTED);
    return 0;
}

static void client_fini(struct xlator *xl)
{
    struct remote *r = xl->priv;

    rpc_client_free(r->rpc);
    rpc_dialer_unref(r->to_brick);
    rpc_dialer_unref(r->to_daemon);
    dict_unref(r->options);
    if (r->lock_made)
        pthread_mutex_destroy(&r->lock);
}

static void client_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct remote *r = xl->priv;
    struct err err = {""};

    switch (event) {
    case EVENT_PARENT_UP:
        if (!r->started) {
            r->started = true;
            rpc_client_start(r->rpc);
        }
        break;
    case EVENT_PARENT_DOWN:
        if (r->started && !r->held) {
            r->held = true;
            r->hold.graph = xl->graph;
            process_hold(xl->graph->process, &r->hold, xl->name);
            rpc_client_stop(r->rpc);
        }
        break;
    case EVENT_RELOAD:
        if (take_dialers(r, &xl->options, &err) < 0)
            log_error(xl->name, "the old certificates stay: %s", err.text);
        break;
    default:
        xlator_notify_up(xl, event, data);
    }
}

/* ---- statedump -------------------------------------------------------------------------------------------------------------- */
static void client_dump(struct xlator *xl, struct dump *d)
{
    struct remote *r = xl->priv;
    struct rpc_client_stats s;

    rpc_client_stats(r->rpc, &s);
    pthread_mutex_lock(&r->lock);
    unsigned int fds = r->nr_fds, locks = r->nr_locks, logins = r->logins;
    pthread_mutex_unlock(&r->lock);
    dump_kv(d, "connected", "%d", atomic_load_explicit(&r->ready, memory_order_relaxed));
    dump_kv(d, "state", "%s", s.state);
    dump_kv(d, "peer", "%s", s.peer);
    dump_kv(d, "logins", "%u", logins);
    dump_kv(d, "total_bytes_read", "%llu", (unsigned long long)s.transport.bytes_in);
    dump_kv(d, "total_bytes_written", "%llu", (unsigned long long)s.transport.bytes_out);
    dump_kv(d, "calls_sent", "%llu", (unsigned long long)s.sent);
    dump_kv(d, "calls_answered", "%llu", (unsigned long long)s.answered);
    dump_kv(d, "calls_in_flight", "%u", s.in_flight);
    dump_kv(d, "calls_waiting_to_be_sent", "%u", s.waiting);
    dump_kv(d, "calls_timed_out", "%llu", (unsigned long long)s.timed_out);
    dump_kv(d, "replies_late", "%llu", (unsigned long long)s.late);
    dump_kv(d, "replies_forged", "%llu", (unsigned long long)s.forged);
    dump_kv(d, "replies_refused", "%llu", (unsigned long long)s.refused);
    dump_kv(d, "attempts", "%llu", (unsigned long long)s.attempts);
    dump_kv(d, "connections", "%llu", (unsigned long long)s.connections);
    dump_kv(d, "ping_msgs_sent", "%llu", (unsigned long long)s.pings);
    dump_kv(d, "operations_ok", "%lld", (long long)counter_get(&r->answered[0]));
    dump_kv(d, "operations_failed", "%lld", (long long)counter_get(&r->answered[1]));
    dump_kv(d, "fds", "%u", fds);
    dump_kv(d, "locks_held", "%u", locks);
}

/* Of the next connection to the brick. */
static void client_dump_options(struct xlator *xl, struct dump *d)
{
    struct remote *r = xl->priv;
    const void *transport = rpc_dialer_values(r->to_brick); /* exchanged under graph_lock only */

    if (transport)
        options_dump(r->transport->options, options_count(r->transport->options), transport, d);
}

static const struct option *client_more_options(struct xlator *xl)
{
    const struct remote *r = xl->priv;

    return r->transport->options;
}

const struct xlator_type client_type = {
    .name = "protocol/client",
    .options = client_options,
    .nr_options = array_len(client_options),
    .priv_size = sizeof(struct remote),
    .leaf = true,
    .fd_slot = true,
    .init = client_init,
    .reconfigure = client_reconfigure,
    .fini = client_fini,
    .notify = client_notify,
    .more_options = client_more_options,
    .on = {[0 ... NR_FOPS - 1] = remote_fop},
    .release = remote_fd_release,
    .dump = client_dump,
    .dump_options = client_dump_options,
};
