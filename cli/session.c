/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callback.h"
#include "log.h"
#include "loop.h"
#include "process.h"
#include "rpc-client.h"
#include "secure-access.h"
#include "thread.h"

#define DOMAIN "cli"
#define PORT 24007

struct session {
    struct process process;
    const struct session_conf *conf;
    struct secure_access secure;
    struct rpc_client *client;
    struct rpc_dialer *dialer;
    bool started, up, down, stopped;
    int why_down;
};

/* Turns the loop until one of the two has come true: loop_run() may return for something older. */
static void run_until(struct session *s, const bool *one, const bool *other)
{
    while (!*one && !*other)
        if (loop_run(s->process.env.loop) < 0)
            return;
}

/* ---- the connection ------------------------------------------------------------------------------------------------------ */

static void up(void *host)
{
    struct session *s = host;

    s->up = true;
    rpc_client_ready(s->client, rpc_client_link(s->client));
    loop_stop(s->process.env.loop);
}

static void down(void *host, bool was_up, int err)
{
    struct session *s = host;

    s->down = true;
    s->why_down = err ? err : -ENOTCONN;
    loop_stop(s->process.env.loop);
}

static void stopped(void *host)
{
    struct session *s = host;

    s->stopped = true;
    loop_stop(s->process.env.loop);
}

static const struct rpc_client_host client_host = {.up = up, .down = down, .stopped = stopped};

static void ignore(void *host, uint32_t proc, const uint8_t *args, size_t len)
{
    log_debug(DOMAIN, "the daemon called procedure %u of the callback program", proc);
}

static const struct rpc_callbacks callbacks = {.program = CBK_PROGRAM, .version = CBK_VERSION, .run = ignore};

struct dial {
    struct transport_options o;
    const struct session *s;
    char depth[16];
};

static const char *dial_option(const struct transport_options *o, const char *key)
{
    const struct dial *d = o->ctx;
    const struct session_conf *conf = d->s->conf;

    if (strcmp(key, "transport.socket.own-thread") == 0)
        return "off"; /* everything on the main thread */
    if (!conf->host) {
        if (strcmp(key, "transport.address-family") == 0)
            return "unix";
        return strcmp(key, "transport.socket.connect-path") == 0 ? (conf->socket ? conf->socket : GF_SOCKFILE) : NULL;
    }
    if (conf->inet6 && strcmp(key, "transport.address-family") == 0)
        return "inet6";
    if (d->s->secure.there && strcmp(key, "transport.socket.ssl-enabled") == 0)
        return "on";
    if (d->s->secure.there && d->s->secure.cert_depth && strcmp(key, "transport.socket.ssl-cert-depth") == 0)
        return d->depth;
    return NULL;
}

static int prepare(struct session *s, struct err *err)
{
    const struct rpc_client_conf conf = {.name = DOMAIN, .pool = s->process.pool, .callbacks = &callbacks, .nr_callbacks = 1};
    struct dial d = {.o.get = dial_option, .s = s};
    const struct transport_type *type;
    int failed;

    d.o.ctx = &d;
    if (s->conf->host && (failed = secure_access_read(SECURE_ACCESS_FILE, &s->secure, err)))
        return failed;
    s->secure.there |= s->conf->secure;
    snprintf(d.depth, sizeof(d.depth), "%d", s->secure.cert_depth);
    if ((failed = transport_load("socket", &type, err)) || (failed = rpc_dialer_new(&s->process.env, type, &d.o, &s->dialer, err)))
        return failed;
    s->client = rpc_client_new(&s->process.env, &conf, &client_host, s);
    if (!s->client)
        return err_set(err, -ENOMEM, "no memory");
    failed = rpc_client_aim(s->client, s->conf->host, PORT, s->dialer);
    return failed ? err_set(err, failed, "%s", strerror(-failed)) : 0;
}

int session_open(const struct session_conf *conf, struct session **ret, struct err *err)
{
    struct session *s = calloc(1, sizeof(*s));
    int failed;

    if (!s)
        return err_set(err, -ENOMEM, "no memory");
    s->conf = conf;
    failed = process_init(&s->process);
    if (failed) {
        free(s);
        return err_set(err, failed, "%s", strerror(-failed));
    }
    failed = prepare(s, err);
    if (!failed) {
        s->started = true;
        rpc_client_start(s->client);
        run_until(s, &s->up, &s->down);
        if (!s->up || s->down)
            failed = err_set(err, s->why_down, "%s: %s", conf->host ? conf->host : conf->socket ? conf->socket : GF_SOCKFILE,
                             strerror(-s->why_down));
    }
    if (failed)
        session_close(s);
    else
        *ret = s;
    return failed;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    if (s->started) {
        rpc_client_stop(s->client);
        run_until(s, &s->stopped, &s->stopped);
    }
    if (s->process.env.reaper)
        reaper_flush(s->process.env.reaper);
    rpc_client_free(s->client);
    rpc_dialer_unref(s->dialer);
    process_done(&s->process);
    free(s);
}

/* ---- a call -------------------------------------------------------------------------------------------------------------- */

struct call {
    struct rpc_call rpc; /* first */
    struct session *s;
    int (*take)(void *ctx, const uint8_t *result, size_t len);
    void *ctx;
    int result;
    bool done;
};

static void answered(struct rpc_call *rpc, struct rpc_reply *reply)
{
    struct call *call = container_of(rpc, struct call, rpc);

    call->result = reply->err;
    if (reply->err == 0)
        call->result = call->take(call->ctx, reply->result, reply->len);
    else if (reply->err == -EREMOTEIO && (reply->accept == RPC_PROC_UNAVAIL || reply->accept == RPC_PROG_UNAVAIL))
        call->result = -EOPNOTSUPP;
    call->done = true;
    loop_stop(call->s->process.env.loop);
}

int session_call(struct session *s, uint32_t program, uint32_t version, uint32_t procedure, void *proc, const void *args,
                 unsigned int timeout_s, int (*take)(void *ctx, const uint8_t *result, size_t len), void *ctx)
{
    const struct rpc_caller who = {.flavor = RPC_AUTH_GLUSTER_V2, .pid = getpid(), .uid = getuid(), .gid = getgid()};
    struct call call = {.rpc = {.done = answered, .timeout_ms = timeout_s * 1000}, .s = s, .take = take, .ctx = ctx};
    int failed = rpc_call_make(&call.rpc, program, version, procedure, &who, proc, args);

    if (failed)
        return failed;
    failed = rpc_call_send(s->client, &call.rpc);
    if (failed) {
        rpc_call_drop(&call.rpc);
        return failed;
    }
    run_until(s, &call.done, &call.done);
    return call.result;
}
