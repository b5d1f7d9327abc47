/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* glusterd.c: the translator mgmt/glusterd: its options, its two listeners, its start and its end.
 *
 * The end: EVENT_PARENT_DOWN: no new connections; commands that run come to their end and answer; connections are closed. Bricks and
 * mounts are left alone: they go on without a daemon. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aux-mount.h"
#include "brickcall.h"
#include "cli.h"
#include "clock.h"
#include "env.h"
#include "glusterd.h"
#include "graph.h"
#include "log.h"
#include "programs.h"
#include "rebalance.h"
#include "secure-access.h"
#include "shd.h"

#define DOMAIN "glusterd"
#define DRAIN_TICK_MS 10
#define DRAIN_MAX_MS 3500
#define REMOTE_RECORD_MAX "128KB"

static const struct option glusterd_options[] = {
    OPT_PATH("working-directory", struct glusterd, workdir, GF_STATEDIR, "where volumes are written down"),
    OPT_PATH("run-directory", struct glusterd, rundir, GF_RUNDIR, "pid files and sockets"),
    OPT_PATH("logging-directory", struct glusterd, logdir, GF_LOGDIR, "logs of the daemon's bricks, and the history of commands"),
    OPT_PATH("glusterd-sockfile", struct glusterd, sockfile, GF_SOCKFILE, "where the command line connects"),
    OPT_STR("transport-type", struct glusterd, transport_name, "socket", "the transport module"),
    OPT_STR("transport.socket.bind-address", struct glusterd, bind_address, NULL, "address that the daemon and its bricks listen on"),
    OPT_INT("transport.socket.listen-port", struct glusterd, listen_port, "24007", 1, 65535, "port of the daemon"),
    OPT_INT("base-port", struct glusterd, base_port, "49152", 1024, 65535, "lowest port of a brick"),
    OPT_INT("max-port", struct glusterd, max_port, "60999", 1024, 65535, "highest port of a brick"),
    OPT_INT("event-threads", struct glusterd, event_threads, "1", 1, 32, "stock's number of network threads; here there is one loop"),
    OPT_INT("ping-timeout", struct glusterd, ping_timeout, "0", 0, 300, "between peers, of which there are none"),
    OPT_INT("lock-timer", struct glusterd, lock_timer, "180", 10, 600, "between peers, of which there are none"),
    OPT_BOOL("rpc-auth-allow-insecure", struct glusterd, allow_insecure, true, "serve source ports from 1024 on"),
    OPT_BOOL("upgrade", struct glusterd, upgrade, false, "write all volume files again and end",
             .aliases = (const char *const[]){"downgrade", NULL}),
    OPT_OFF("run-with-valgrind", "bricks below valgrind"),
};

/* ---- listeners -------------------------------------------------------------------------------------------------------------------- */

struct listen_options {
    struct transport_options o;
    const struct transport_type *type;
    const struct pairs *own;
    const struct optset *file;   /* keepalive and the like come from the volume file; NULL: none do */
};

static const char *listen_option(const struct transport_options *o, const char *key)
{
    const struct listen_options *l = o->ctx;
    const char *value = pairs_get(l->own, key);
    return value || !l->file ? value : optset_get_by_rows(l->file, l->type->options, key);
}

static bool privileged(void *host, struct rpc_conn *conn)
{
    struct glusterd *gd = host;
    (void)conn;
    return gd->allow_insecure;
}

static const struct rpc_service_host service_host = {.opened = conn_opened, .closed = conn_closed};
static const struct rpc_service_host wary_service_host = {.opened = conn_opened, .privileged = privileged, .closed = conn_closed};

static int serve(struct glusterd *gd, struct rpc_service **ret, struct rpc_program *programs, size_t n, const struct pairs *own,
                 const struct optset *file, struct err *err)
{
    struct listen_options options = {.type = gd->transport, .own = own, .file = file};
    options.o = (struct transport_options){.get = listen_option, .ctx = &options};
    *ret = rpc_service_new(&gd->process->env, gd->allow_insecure ? &service_host : &wary_service_host, gd);
    for (size_t i = 0; *ret && i < n; i++) {
        programs[i].data = gd;
        if (rpc_service_add(*ret, &programs[i]) < 0)
            return err_set(err, -ENOMEM, "glusterd: no memory");
    }
    return *ret ? rpc_service_listen(*ret, gd->transport, &options.o, err) : err_set(err, -ENOMEM, "glusterd: no memory");
}

static int make_folders_of(const char *file)
{
    char path[4200];
    snprintf(path, sizeof path, "%s", file);
    for (char *c = path + 1; (c = strchr(c, '/')); c++) {
        *c = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return -errno;
        *c = '/';
    }
    return 0;
}

static int listen_local(struct glusterd *gd, struct err *err)
{
    struct pairs own = {0};
    int r = make_folders_of(gd->sockfile);
    if (r < 0)
        return err_set(err, r, "%s: its folder cannot be made: %s", gd->sockfile, strerror(-r));
    r = pairs_set(&own, "transport-type", "unix");
    if (r == 0)
        r = pairs_set(&own, "transport.address-family", "unix");
    if (r == 0)
        r = pairs_set(&own, "transport.socket.listen-path", gd->sockfile);
    if (r == 0)
        r = pairs_set(&own, "transport.socket.own-thread", "off");
    gd->local_programs[0] = (struct rpc_program){.name = "GlusterD svc cli", .number = CLI_PROGRAM, .version = CLI_VERSION,
                                                 .actors = cli_actors, .nr_actors = NR_CLI};
    gd->local_programs[1] = local_handshake_program;
    if (r == 0)
        r = serve(gd, &gd->local, gd->local_programs, 2, &own, NULL, err);
    pairs_done(&own);
    if (r == 0 && chmod(gd->sockfile, 0755) < 0) /* only root may connect: writing to it is what connecting needs */
        r = err_set(err, -errno, "%s: %s", gd->sockfile, strerror(errno));
    return r;
}

static int listen_remote(struct glusterd *gd, struct err *err)
{
    struct pairs own = {0};
    struct secure_access secure;
    char path[4200];
    snprintf(path, sizeof path, "%s/secure-access", gd->workdir);
    int r = secure_access_read(path, &secure, err);
    if (r == 0)
        r = pairs_setf(&own, "transport.socket.listen-port", "%d", (int)gd->listen_port);
    if (r == 0)
        r = pairs_set(&own, "transport.socket.own-thread", "off");
    if (r == 0) /* of a peer that nobody knows; what is asked from there is short */
        r = pairs_set(&own, "transport.record-limit", REMOTE_RECORD_MAX);
    if (r == 0 && secure.there)
        r = pairs_set(&own, "transport.socket.ssl-enabled", "on");
    if (r == 0 && secure.there && secure.cert_depth)
        r = pairs_setf(&own, "transport.socket.ssl-cert-depth", "%d", secure.cert_depth);
    gd->remote_programs[0] = (struct rpc_program){.name = "GlusterD svc cli read-only", .number = CLI_PROGRAM, .version = CLI_VERSION,
                                                  .actors = cli_readonly_actors, .nr_actors = NR_CLI};
    gd->remote_programs[1] = portmap_program;
    gd->remote_programs[2] = handshake_program;
    if (r == 0)
        r = serve(gd, &gd->remote, gd->remote_programs, 3, &own, &gd->xl->options, err);
    pairs_done(&own);
    return r;
}

/* ---- the start ---------------------------------------------------------------------------------------------------------------------- */

/* A volume that cannot be read is named and left out; the others are served. */
static int load_volumes(struct glusterd *gd, struct err *err)
{
    char **names;
    int r = store_list_volumes(gd->workdir, &names, err);
    if (r < 0)
        return r;
    for (char **n = names; *n && r == 0; n++) {
        struct volinfo *v = NULL;
        struct err why = {""};
        if (!store_has_volume(gd->workdir, *n)) {
            if (store_set_aside(gd->workdir, *n, &why) == 0)
                log_warning(DOMAIN, "volume %s was never written to its end; what there is of it has gone to %s/incomplete", *n,
                            gd->workdir);
            else
                log_error(DOMAIN, "%s", why.text);
            continue;
        }
        if (store_load_volume(gd->workdir, *n, &v, &why) < 0) {
            log_critical(DOMAIN, "volume %s is not served: %s", *n, why.text);
            continue;
        }
        task_settle(v);
        if (volume_write_files(gd, v, &why) < 0)
            log_error(DOMAIN, "volume %s: its volume files could not be written: %s", *n, why.text);
        if (volumes_publish(gd, v) < 0)
            r = err_set(err, -ENOMEM, "glusterd: no memory");
    }
    store_free_names(names);
    return r;
}

static void warn_of_options(struct glusterd *gd)
{
    static const char *const idle[] = {"event-threads", "ping-timeout", "lock-timer"};
    for (size_t i = 0; i < array_len(idle); i++)
        if (optset_get(&gd->xl->options, idle[i]))
            log_info(DOMAIN, "option %s has no effect: there is one event loop, and there are no peers", idle[i]);
}

static int glusterd_init(struct xlator *xl, struct err *err)
{
    struct glusterd *gd = xl->priv;
    int r;
    gd->xl = xl;
    gd->process = xl->graph->process;
    pthread_mutex_init(&gd->lock, NULL);
    pthread_mutex_init(&gd->shd_lock, NULL);
    pthread_mutex_init(&gd->identity_lock, NULL);
    pthread_cond_init(&gd->start_room, NULL);
    gd->lock_made = true;
    if (gd->base_port > gd->max_port)
        return err_set(err, -EINVAL, "volume %s: base-port %d is above max-port %d", xl->name, (int)gd->base_port, (int)gd->max_port);
    if ((r = make_folders_of(gd->workdir)) < 0)
        return err_set(err, r, "%s: %s", gd->workdir, strerror(-r));
    if ((r = store_make_tree(gd->workdir, err)) < 0 || (r = store_make_groups(gd->workdir, err)) < 0)
        return r;
    store_tidy(gd->workdir);
    if ((r = node_load(gd, err)) < 0 || (r = load_volumes(gd, err)) < 0)
        return r;
    if (gd->upgrade) {
        log_info(DOMAIN, "the volume files have been written again");
        gd->process->stop(gd->process, 0);
        return 0;
    }
    if ((r = transport_load(gd->transport_name, &gd->transport, err)) < 0)
        return r;
    warn_of_options(gd);
    commands_share(gd);
    aux_mounts_tidy(gd);
    if ((r = listen_remote(gd, err)) < 0 || (r = listen_local(gd, err)) < 0)
        return r;
    bricks_adopt(gd);
    return 0;
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------------- */

void commands_let_go(struct glusterd *gd)
{
    SCOPED_LOCK(&gd->lock);
    gd->running--; /* drain_tick() looks at it */
}

static void drain_tick(struct timer *t)
{
    struct glusterd *gd = container_of(t, struct glusterd, drain);
    pthread_mutex_lock(&gd->lock);
    int running = gd->running;
    pthread_mutex_unlock(&gd->lock);
    if (running == 0 || clock_ms() > gd->drain_end_ms) {
        if (gd->local)
            rpc_service_disconnect_all(gd->local, 0);
        if (gd->remote)
            rpc_service_disconnect_all(gd->remote, 0);
        if (running == 0 && (!gd->local || rpc_service_conns(gd->local) == 0) && (!gd->remote || rpc_service_conns(gd->remote) == 0)) {
            process_let_go(gd->process, &gd->hold);
            return;
        }
    }
    if (loop_arm(gd->process->env.loop, t, DRAIN_TICK_MS) < 0)
        log_error(DOMAIN, "no memory for a timer: the end is not waited for");
}

static void glusterd_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct glusterd *gd = xl->priv;
    (void)data;
    if (event == EVENT_PARENT_UP && !gd->upgrade)
        boot_volumes(gd);
    if (event != EVENT_PARENT_DOWN || gd->held)
        return;
    gd->held = true;
    process_hold(gd->process, &gd->hold, xl->name);
    brickcalls_cancel(gd);
    if (gd->local)
        rpc_service_stop_listening(gd->local);
    if (gd->remote)
        rpc_service_stop_listening(gd->remote);
    gd->drain.expired = drain_tick;
    gd->drain_end_ms = clock_ms() + DRAIN_MAX_MS;
    drain_tick(&gd->drain);
}

static void glusterd_fini(struct xlator *xl)
{
    struct glusterd *gd = xl->priv;
    if (!gd->lock_made)
        return;
    loop_disarm(gd->process->env.loop, &gd->drain);
    bricks_forget(gd);
    volumes_free(gd->boot, gd->nr_boot);
    if (gd->local)
        rpc_service_free(gd->local);
    if (gd->remote)
        rpc_service_free(gd->remote);
    while (gd->volumes) {
        struct volview *w = gd->volumes;
        gd->volumes = w->next;
        volview_unref(w);
    }
    pairs_done(&gd->globals);
    shd_done(gd);
    pthread_cond_destroy(&gd->start_room);
    pthread_mutex_destroy(&gd->identity_lock);
    pthread_mutex_destroy(&gd->shd_lock);
    pthread_mutex_destroy(&gd->lock);
}

static const struct option *glusterd_more_options(struct xlator *xl)
{
    const struct glusterd *gd = xl->priv;
    return gd->transport->options;
}

const struct xlator_type glusterd_type = {
    .name = "mgmt/glusterd",
    .options = glusterd_options,
    .nr_options = array_len(glusterd_options),
    .priv_size = sizeof(struct glusterd),
    .leaf = true,
    .init = glusterd_init,
    .fini = glusterd_fini,
    .notify = glusterd_notify,
    .more_options = glusterd_more_options,
};
