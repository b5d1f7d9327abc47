/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* server.c: the translator protocol/server: its options, its listener, the events of its graph, and how it ends.
 *
 * The end (design section 4, rule 6) begins with EVENT_PARENT_DOWN: stop listening; start nothing more; answer what waits for a lock;
 * when all fops have answered and the answers have left, disconnect; when the clients have ended, let go of the process. A timer
 * looks at that every DRAIN_TICK_MS; nothing waits.
 *
 * Threads  init, fini, reconfigure, events from above and the drain timer: the loop's thread, or before it runs. Events from
 *          below: any. */
#include "server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "clock.h"
#include "fop400.h"
#include "graph.h"
#include "handshake.h"
#include "log.h"

#define DRAIN_TICK_MS 10
#define DRAIN_MAX_MS 3000 /* then connections are closed with what is still running; main gives the whole end 4 s */

static const struct option server_options[] = {
    OPT_STR("transport-type", struct server, transport_name, "tcp", "the transport module: tcp, socket, unix"),
    OPT_PREFIX("auth.", "who may come in: auth.addr.BRICK.allow and .reject, auth.login.BRICK.allow and .ssl-allow, "
                        "auth.login.USER.password",
               .flags = OPTION_LIVE),
    OPT_STR("auth-path", struct server, auth_path, NULL, "the brick whose rules a change is checked against"),
    OPT_BOOL("rpc-auth-allow-insecure", struct server, allow_insecure, true, "serve source ports from 1024 on", .flags = OPTION_LIVE,
             .aliases = (const char *const[]){"allow-insecure", "server.allow-insecure", NULL}),
    OPT_BOOL("strict-auth-accept", struct server, strict_auth, false, "every authentication module must accept", .flags = OPTION_LIVE),
    OPT_BOOL("dynamic-auth", struct server, dynamic_auth, true, "close connections that new rules would not let in",
             .flags = OPTION_LIVE),
    OPT_BOOL("root-squash", struct server, root_squash, false, "uid and gid 0 become anonuid and anongid", .flags = OPTION_LIVE),
    OPT_BOOL("all-squash", struct server, all_squash, false, "every uid and gid becomes anonuid and anongid", .flags = OPTION_LIVE),
    OPT_INT("anonuid", struct server, anonuid, "65534", 0, 4294967295.0, "the squashed uid", .flags = OPTION_LIVE),
    OPT_INT("anongid", struct server, anongid, "65534", 0, 4294967295.0, "the squashed gid", .flags = OPTION_LIVE),
    OPT_INT("rpc.outstanding-rpc-limit", struct server, outstanding, "64", 0, 65536,
            "requests of one connection that are worked on at once; 0: no limit", .flags = OPTION_LIVE,
            .aliases = (const char *const[]){"outstanding-rpc-limit", NULL}),
    OPT_INT("inode-lru-limit", struct server, lru_limit, "16384", 0, 1048576, "unused inodes kept in memory; 0: no limit",
            .flags = OPTION_LIVE),
    OPT_PATH("statedump-path", struct server, statedump_path, NULL, "folder of statedumps", .flags = OPTION_LIVE),
    OPT_INT("event-threads", struct server, event_threads, "2", 1, 1024,
            "stock's number of network threads; here each connection has its own or shares one loop: transport.socket.own-thread",
            .flags = OPTION_LIVE | OPTION_NO_EFFECT),
    OPT_BOOL("manage-gids", struct server, manage_gids, false, "the caller's groups are looked up here, those he sends are ignored",
             .flags = OPTION_LIVE, .aliases = (const char *const[]){"server.manage-gids", NULL}),
    OPT_INT("gid-timeout", struct server, gid_timeout, "300", 0, 2147483647, "seconds for which manage-gids trusts what it looked up",
            .flags = OPTION_LIVE, .aliases = (const char *const[]){"server.gid-timeout", NULL}),
    OPT_OFF("trace", "the tracing of operations"),
    OPT_OFF("config-directory", "volume files handed out by a brick", .aliases = (const char *const[]){"conf-dir", NULL}),
};

/* ---- options --------------------------------------------------------------------------------------------------------------- */

/* The transport's options stand among ours. Its rows know by which other names they go. */
struct transport_view {
    struct transport_options o;
    const struct optset *set;
    const struct transport_type *type;
};

static const char *transport_option(const struct transport_options *o, const char *key)
{
    const struct transport_view *v = o->ctx;

    return optset_get_by_rows(v->set, v->type->options, key);
}

static void view_options(struct transport_view *v, const struct server *s, const struct optset *set)
{
    v->set = set;
    v->type = s->transport;
    v->o = (struct transport_options){.get = transport_option, .ctx = v};
}

static int copy_rules(const struct optset *from, struct optset *ret)
{
    *ret = (struct optset){0};
    for (unsigned int i = 0; i < from->n; i++) {
        const struct optpair *p = &from->pairs[i];
        if (strncmp(p->key, "auth.", 5) == 0 && optset_add(ret, p->key, p->value, NULL, 0) < 0) {
            optset_done(ret);
            return -ENOMEM;
        }
    }
    return 0;
}

static int take_hosts(struct server *s, const struct optset *rules, struct err *err)
{
    char **names;
    unsigned int n;

    int r = auth_host_names(rules, &names, &n);
    if (r == 0) {
        r = hosts_set(s->hosts, names, n);
        auth_free_names(names, n);
    }
    if (r == -E2BIG)
        return err_set(err, -EINVAL, "volume %s: there are %u host names in auth.addr.*, at most %u are looked up", s->xl->name, n,
                       HOSTS_MAX);
    return r < 0 ? err_set(err, r, "volume %s: no memory", s->xl->name) : 0;
}

static bool host_has(void *ctx, const char *name, const uint8_t addr[16])
{
    return hosts_has(ctx, name, addr);
}

static int take_rules(struct server *s, const struct optset *set, struct err *err)
{
    struct optset rules, old;

    int r = copy_rules(set, &rules);
    if (r < 0)
        return err_set(err, r, "volume %s: no memory", s->xl->name);
    if ((r = take_hosts(s, &rules, err)) < 0) {
        optset_done(&rules);
        return r;
    }
    pthread_mutex_lock(&s->lock);
    old = s->rules;
    s->rules = rules;
    s->auth =
        (struct auth_conf){.allow_insecure = s->allow_insecure, .strict = s->strict_auth, .host_has = host_has, .ctx = s->hosts};
    pthread_mutex_unlock(&s->lock);
    optset_done(&old);
    return 0;
}

static void take_numbers(struct server *s)
{
    atomic_store_explicit(&s->live.allow_insecure, s->allow_insecure, memory_order_relaxed);
    atomic_store_explicit(&s->live.root_squash, s->root_squash, memory_order_relaxed);
    atomic_store_explicit(&s->live.all_squash, s->all_squash, memory_order_relaxed);
    if (!s->manage_gids)
        gids_clear(s->gids);
    gids_set_timeout(s->gids, (uint64_t)s->gid_timeout);
    atomic_store_explicit(&s->live.manage_gids, s->manage_gids, memory_order_relaxed);
    atomic_store_explicit(&s->live.anonuid, (unsigned int)s->anonuid, memory_order_relaxed);
    atomic_store_explicit(&s->live.anongid, (unsigned int)s->anongid, memory_order_relaxed);
    rpc_service_set_outstanding(s->rpc, (unsigned int)s->outstanding);
    inode_table_set_limit(s->xl->graph->inodes, (unsigned int)s->lru_limit);
}

/* ---- connections ------------------------------------------------------------------------------------------------------------ */

static void opened(void *host, struct rpc_conn *rpc)
{
    struct server_conn *conn = server_conn_new(host, rpc);

    if (!conn) {
        rpc_conn_disconnect(rpc, -ENOMEM);
        return;
    }
    rpc_conn_set_data(rpc, conn);
}

static void log_departure(struct server_conn *conn, int err)
{
    struct transport_peer peer;
    SCOPED_LOCK(&conn->server->lock);

    if (!conn->owner)
        return;
    rpc_conn_peer(conn->rpc, &peer);
    log_info(conn->server->xl->name, "disconnecting connection from %s (%s)%s%s", conn->owner->client->uid, peer.text, err ? ": " : "",
             err ? strerror(-err) : "");
}

static void closed(void *host, struct rpc_conn *rpc, int err)
{
    struct server_conn *conn = rpc_conn_data(rpc);

    if (!conn)
        return;
    log_departure(conn, err);
    server_close(conn);
    rpc_conn_set_data(rpc, NULL);
    server_conn_unref(conn);
}

static bool privileged(void *host, struct rpc_conn *rpc)
{
    struct server *s = host;
    struct transport_peer peer;

    if (atomic_load_explicit(&s->live.allow_insecure, memory_order_relaxed))
        return true;
    rpc_conn_peer(rpc, &peer);
    return auth_port_privileged(peer.addr);
}

static const struct rpc_service_host service_host = {.opened = opened, .privileged = privileged, .closed = closed};

/* ---- a client that new rules would not let in -------------------------------------------------------------------------------- */

/* A connection in the table is alive while the lock is held: closed() takes it out first. Disconnecting marks and wakes, no more. */
static void judge_again_locked(struct server *s, struct server_conn *conn)
{
    struct transport_peer peer;
    const char *user, *why;

    rpc_conn_peer(conn->rpc, &peer);
    const struct auth_asker who = {
        .brick = conn->owner->bound->name,
        .subdir = conn->owner->subdir,
        .addr = peer.addr,
        .tls = peer.tls,
        .common_name = peer.common_name,
        .alt_names = peer.alt_names,
        .user = conn->user,
        .password = conn->password,
    };
    if (auth_allowed(&s->rules, &s->auth, &who, &user, &why))
        return;
    log_warning(s->xl->name, "%s is disconnected, the new rules do not let it in: %s", peer.text, why);
    rpc_conn_disconnect(conn->rpc, -EACCES);
}

static void judge_all_again(struct server *s)
{
    SCOPED_LOCK(&s->lock);
    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        for (struct server_conn *conn = sc->conns; conn; conn = conn->next)
            judge_again_locked(s, conn);
}

static void judge_ready(struct hosts_waiter *w)
{
    struct server *s = container_of(w, struct server, judge);

    pthread_mutex_lock(&s->lock);
    s->judging = false;
    pthread_mutex_unlock(&s->lock);
    judge_all_again(s);
    counter_add(&s->running, -1);
}

/* Now, or when the host names of the new rules are known. If that is waited for already it will judge by what is in force then. */
static void judge_all_soon(struct server *s)
{
    pthread_mutex_lock(&s->lock);
    bool waits = s->judging;
    s->judging = true;
    pthread_mutex_unlock(&s->lock);
    if (waits)
        return;
    counter_add(&s->running, 1);
    s->judge.ready = judge_ready;
    if (hosts_ready(s->hosts, &s->judge))
        judge_ready(&s->judge);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

static int make_service(struct server *s, struct err *err)
{
    struct xlator *xl = s->xl;

    s->rpc = rpc_service_new(&xl->graph->process->env, &service_host, s);
    if (!s->rpc)
        return err_set(err, -ENOMEM, "volume %s: no memory", xl->name);
    s->fop_program = (struct rpc_program){.name = "GlusterFS 4.x v1",
                                          .number = FOP_PROGRAM,
                                          .version = FOP400_VERSION,
                                          .actors = fop_actors,
                                          .nr_actors = nr_fop_actors,
                                          .data = s};
    s->handshake_program = (struct rpc_program){.name = "GlusterFS Handshake",
                                                .number = HNDSK_PROGRAM,
                                                .version = HNDSK_VERSION,
                                                .actors = handshake_actors,
                                                .nr_actors = nr_handshake_actors,
                                                .data = s};
    int r = rpc_service_add(s->rpc, &s->fop_program);
    if (r == 0)
        r = rpc_service_add(s->rpc, &rpc_dump_program);
    if (r == 0)
        r = rpc_service_add(s->rpc, &s->handshake_program);
    return r < 0 ? err_set(err, r, "volume %s: no memory", xl->name) : 0;
}

static void drain_tick(struct timer *t);

static void say_of_event_threads(const struct xlator *xl, const struct optset *before, const struct optset *set)
{
    if (optset_get(set, "event-threads") && !(before && optset_get(before, "event-threads")))
        log_info(xl->name, "option event-threads has no effect: a connection has a thread of its own or shares the event loop");
}

static int server_init(struct xlator *xl, struct err *err)
{
    struct server *s = xl->priv;
    struct transport_view view;
    int r;

    s->xl = xl;
    pthread_mutex_init(&s->lock, NULL);
    s->lock_made = true;
    s->drain.expired = drain_tick;
    if (xl->parent)
        return err_set(err, -EINVAL, "volume %s: protocol/server must be the top of the graph", xl->name);
    if (xl->nr_children > SERVER_BRICKS_MAX)
        return err_set(err, -EINVAL, "volume %s: %u bricks, at most %u are served by one process", xl->name, xl->nr_children,
                       SERVER_BRICKS_MAX);
    s->hosts = hosts_new(xl->graph->process->pool, hosts_resolve);
    s->gids = gids_new(xl->graph->process->pool, gids_resolve);
    if (!s->hosts || !s->gids)
        return err_set(err, -ENOMEM, "volume %s: no memory", xl->name);
    if ((r = auth_check_rules(&xl->options, xl->name, err)) < 0 || (r = take_rules(s, &xl->options, err)) < 0)
        return r;
    if ((r = transport_load(s->transport_name, &s->transport, err)) < 0)
        return r;
    say_of_event_threads(xl, NULL, &xl->options);
    if ((r = make_service(s, err)) < 0)
        return r;
    take_numbers(s);
    xl->graph->process->statedump_dir = s->statedump_path;
    view_options(&view, s, &xl->options);
    return rpc_service_listen(s->rpc, s->transport, &view.o, err);
}

/* The transport takes its options from what is in force; new certificate files are read. */
static void reload(struct server *s)
{
    struct transport_view view;
    struct err err = {0};

    view_options(&view, s, &s->xl->options);
    if (rpc_service_reconfigure(s->rpc, &view.o, &err) < 0)
        log_error(s->xl->name, "the old certificates stay: %s", err.text);
}

static int server_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    struct server *s = xl->priv;
    struct transport_view view;
    int r;

    if ((r = auth_check_rules(set, xl->name, err)) < 0)
        return r;
    view_options(&view, s, set);
    if ((r = rpc_service_reconfigure(s->rpc, &view.o, err)) < 0)
        return r;
    if ((r = options_apply(server_options, array_len(server_options), set, xl->name, true, s, err)) < 0) {
        reload(s); /* the transport goes back to the options that stay in force */
        return r;
    }
    xl->graph->process->statedump_dir = s->statedump_path; /* under graph_lock, as who reads it */
    if ((r = take_rules(s, set, err)) < 0)
        return r;
    take_numbers(s);
    say_of_event_threads(xl, &xl->options, set);
    if (s->dynamic_auth)
        judge_all_soon(s);
    return 0;
}

static void server_fini(struct xlator *xl)
{
    struct server *s = xl->priv;

    if (s->rpc) {
        rpc_service_stop_listening(s->rpc);
        loop_disarm(xl->graph->process->env.loop, &s->drain);
        rpc_service_free(s->rpc);
    }
    if (s->statedump_path && xl->graph->process->statedump_dir == s->statedump_path)
        xl->graph->process->statedump_dir = NULL;
    hosts_free(s->hosts);
    gids_free(s->gids);
    if (s->lock_made) {
        optset_done(&s->rules);
        pthread_mutex_destroy(&s->lock);
    }
}

/* ---- the end ---------------------------------------------------------------------------------------------------------------- */

static void add_queued(struct rpc_conn *conn, void *ctx)
{
    size_t *queued = ctx;
    struct transport_stats st;
    unsigned int outstanding;

    rpc_conn_stats(conn, &st, &outstanding);
    *queued += st.queued;
}

static bool all_answered(struct server *s)
{
    size_t queued = 0;

    if (counter_get(&s->running) > 0)
        return false;
    rpc_service_each(s->rpc, add_queued, &queued);
    return queued == 0;
}

static void drain_tick(struct timer *t)
{
    struct server *s = container_of(t, struct server, drain);
    struct process *p = s->xl->graph->process;

    server_cancel_parked(s);
    if (!s->kicked) {
        bool late = clock_ms() - s->drain_started_ms > DRAIN_MAX_MS;
        if (late)
            log_warning(s->xl->name, "%lld operations have not come back after %d ms; connections are closed now",
                        (long long)counter_get(&s->running), DRAIN_MAX_MS);
        if (late || all_answered(s)) {
            s->kicked = true;
            rpc_service_disconnect_all(s->rpc, 0);
        }
    }
    if (s->kicked && rpc_service_conns(s->rpc) == 0 && server_all_ended(s) && counter_get(&s->running) == 0) {
        s->draining = false;
        process_let_go(p, &s->hold);
        return;
    }
    if (loop_arm(p->env.loop, t, DRAIN_TICK_MS) < 0)
        log_error(s->xl->name, "no memory for a timer: the end is not waited for");
}

static void begin_end(struct server *s)
{
    if (s->draining)
        return;
    s->draining = true;
    s->hold.graph = s->xl->graph;
    s->drain_started_ms = clock_ms();
    process_hold(s->xl->graph->process, &s->hold, s->xl->name);
    atomic_store_explicit(&s->stopping, true, memory_order_relaxed);
    pthread_mutex_lock(&s->hold.graph->process->graph_lock); /* a statedump may be looking at what the listeners have in force */
    rpc_service_stop_listening(s->rpc);
    pthread_mutex_unlock(&s->hold.graph->process->graph_lock);
    drain_tick(&s->drain);
}

/* ---- events ----------------------------------------------------------------------------------------------------------------- */

/* Each brick's clients hear of their own: who it was that spoke stands in its own mark (xlator.h). */
static void look_at_children(struct server *s)
{
    for (unsigned int i = 0; i < s->xl->nr_children; i++) {
        struct xlator *child = s->xl->children[i];
        bool up = atomic_load_explicit(&child->up, memory_order_relaxed);
        if (atomic_exchange_explicit(&s->child_up[i], up, memory_order_relaxed) != up &&
            atomic_load_explicit(&s->ready, memory_order_relaxed))
            server_tell_all(s, child, up ? CBK_CHILD_UP : CBK_CHILD_DOWN);
    }
}

static void server_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct server *s = xl->priv;

    switch (event) {
    case EVENT_CHILD_UP:
    case EVENT_CHILD_DOWN:
        look_at_children(s);
        break;
    case EVENT_UPCALL:
        server_upcall(s, data);
        break;
    case EVENT_PARENT_UP:
        xlator_notify_down(xl, event, data);
        atomic_store_explicit(&s->ready, true, memory_order_relaxed);
        break;
    case EVENT_PARENT_DOWN:
        begin_end(s);
        xlator_notify_down(xl, event, data);
        break;
    case EVENT_RELOAD:
        reload(s);
        xlator_notify_down(xl, event, data);
        break;
    case EVENT_AUTH_FAILED: /* a protocol/client below us, which a brick has not */
        break;
    }
}

static const struct option *server_more_options(struct xlator *xl)
{
    const struct server *s = xl->priv;

    return s->transport->options;
}

const struct xlator_type server_type = {
    .name = "protocol/server",
    .options = server_options,
    .nr_options = array_len(server_options),
    .priv_size = sizeof(struct server),
    .inode_slot = true,
    .init = server_init,
    .reconfigure = server_reconfigure,
    .fini = server_fini,
    .notify = server_notify,
    .more_options = server_more_options,
    .dump = server_dump,
    .dump_options = server_dump_options,
    .forget = server_forget,
};
