/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "management.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "mgmt.h"
#include "portmap.h"

#define DOMAIN "glusterfsd-mgmt"
#define SIGN_TIMEOUT_MS 10000
#define PATIENCE_MS 1000 /* a daemon that does not answer holds up nobody's end for longer */

/* ---- the daemon's list of ports ------------------------------------------------------------------------------------------ */

/* A SIGNIN or SIGNOUT under way. The answer comes on any thread and is looked at on the loop. */
struct sign {
    struct loop_work work;
    struct management *m;
    void (*answered)(struct management *m, int err);
    int err;
};

static void on_sign_answer(struct loop_work *w)
{
    struct sign *sign = container_of(w, struct sign, work);
    struct management *m = sign->m;
    int err = sign->err;

    sign->answered(m, err);
    free(sign);
}

static void sign_answered(void *ctx, struct rpc_reply *reply)
{
    struct sign *sign = ctx;
    pmap_sign_rsp rsp;

    sign->err = reply->err;
    if (reply->err == 0 && wire_decode(xdr_pmap_sign_rsp, &rsp, reply->result, reply->len) < 0)
        sign->err = -EBADMSG;
    else if (reply->err == 0 && rsp.op_ret < 0)
        sign->err = rsp.op_errno ? -rsp.op_errno : -EREMOTEIO;
    loop_post(sign->m->process->env.loop, &sign->work);
}

/* answered() is called in any case, perhaps before this returns. */
static void sign(struct management *m, uint32_t procedure, void *proc, const void *args, void (*answered)(struct management *m, int err))
{
    struct sign *s = calloc(1, sizeof(*s));
    int failed = -ENOMEM;

    if (s) {
        *s = (struct sign){.work.run = on_sign_answer, .m = m, .answered = answered};
        failed = mgmt_connected(m->mgmt) ? rpc_ask(mgmt_client(m->mgmt), PMAP_PROGRAM, PMAP_VERSION, procedure, proc, args, SIGN_TIMEOUT_MS,
                                                   sign_answered, s)
                                         : -ENOTCONN;
        if (failed)
            free(s);
    }
    if (failed)
        answered(m, failed);
}

static void signed_in(struct management *m, int err)
{
    if (err)
        log_error(DOMAIN, "%s: brick %s could not be signed in with port %d: %s", mgmt_server(m->mgmt), m->cl->brick_name,
                  m->cl->brick_port, strerror(-err));
    m->signed_in = !err;
    m->host->signed_in(m->host_data);
}

static void sign_in(struct management *m)
{
    pmap_signin_req req = {.brick = wire_str(m->cl->brick_name), .port = m->cl->brick_port, .pid = (int32_t)getpid()};

    if (m->mgmt && m->cl->brick_name)
        sign(m, PMAP_SIGNIN, xdr_pmap_signin_req, &req, signed_in);
    else
        m->host->signed_in(m->host_data);
}

void management_sign_in(struct management *m)
{
    m->graph_stands = true;
    if (!m->mgmt || mgmt_connected(m->mgmt))
        sign_in(m); /* else ready() is still to come */
}

static void tell_out(struct management *m)
{
    if (m->told_out)
        return;
    m->told_out = true;
    loop_disarm(m->process->env.loop, &m->patience);
    m->host->signed_out(m->host_data);
}

static void signed_out(struct management *m, int err)
{
    if (err && err != -ENOTCONN)
        log_warning(DOMAIN, "%s: brick %s could not be signed out: %s", mgmt_server(m->mgmt), m->cl->brick_name, strerror(-err));
    tell_out(m);
}

static void no_patience(struct timer *t)
{
    struct management *m = container_of(t, struct management, patience);

    log_warning(DOMAIN, "%s did not answer to the signing out of %s", mgmt_server(m->mgmt), m->cl->brick_name);
    tell_out(m);
}

void management_sign_out(struct management *m)
{
    pmap_signout_req req = {.brick = wire_str(m->cl->brick_name), .port = m->cl->brick_port};

    m->leaving = true;
    if (!m->mgmt || !m->signed_in || loop_arm(m->process->env.loop, &m->patience, PATIENCE_MS) < 0)
        tell_out(m);
    else
        sign(m, PMAP_SIGNOUT, xdr_pmap_signout_req, &req, signed_out);
}

/* ---- the volume file ------------------------------------------------------------------------------------------------------ */

static void volume_file(void *host, const char *text, size_t len)
{
    struct management *m = host;

    m->host->volume_file(m->host_data, text, len);
}

static void no_volume_file(void *host, int err, const char *sentence)
{
    struct management *m = host;

    m->host->failed(m->host_data, err, sentence);
}

/* Connected, for the first time or once more. */
static void ready(void *host)
{
    struct management *m = host;

    if (m->graph_stands && !m->leaving)
        sign_in(m);
}

static void stopped(void *host)
{
    struct management *m = host;

    m->closed = true;
    if (m->held)
        process_let_go(m->process, &m->hold);
}

/* `volume statedump V client HOST:PID` goes to every client of a host. */
static void statedump_wanted(void *host, uint32_t pid)
{
    (void)host;
    if (pid == (uint32_t)getpid())
        kill(getpid(), SIGUSR1); /* as if a person had asked; main writes it */
}

static const struct mgmt_host mgmt_host = {
    .volfile = volume_file, .failed = no_volume_file, .ready = ready, .statedump = statedump_wanted, .stopped = stopped};

static int secure_access(const struct command_line *cl, struct secure_access *ret, struct err *err)
{
    int failed = secure_access_read(SECURE_ACCESS_FILE, ret, err);

    if (failed || cl->server_unix || cl->secure_mgmt == SECURE_OFF) {
        ret->there = false; /* unix sockets are never encrypted */
        return cl->secure_mgmt == SECURE_OFF || cl->server_unix ? 0 : failed;
    }
    ret->there |= cl->secure_mgmt == SECURE_ON;
    return 0;
}

static int begin_mgmt(struct management *m, struct err *err)
{
    const struct command_line *cl = m->cl;
    struct mgmt_conf conf = {
        .servers = cl->servers,
        .nr_servers = cl->nr_servers,
        .port = (uint16_t)cl->server_port,
        .unix_path = cl->server_unix,
        .volfile_id = cl->volfile_id,
        .brick_name = cl->brick_name,
        .fixed = cl->brick_port != 0,
        .attempts = (unsigned int)cl->fetch_attempts,
    };
    int failed = secure_access(cl, &conf.secure, err);

    if (!failed)
        failed = mgmt_new(&m->process->env, m->process->pool, &conf, &mgmt_host, m, &m->mgmt, err);
    if (!failed)
        mgmt_start(m->mgmt);
    return failed;
}

void management_fetch(struct management *m)
{
    if (m->mgmt)
        mgmt_fetch(m->mgmt);
}

/* ---- life -------------------------------------------------------------------------------------------------------------------- */

void management_init(struct management *m, struct process *p, const struct command_line *cl, const struct management_host *host,
                     void *host_data)
{
    *m = (struct management){.process = p, .cl = cl, .host = host, .host_data = host_data, .patience.expired = no_patience};
}

int management_begin(struct management *m, struct err *err)
{
    const struct command_line *cl = m->cl;
    const struct transport_type *type;
    int failed = 0;

    if (cl->socket_file && !(failed = transport_load("unix", &type, err)))
        failed = brick_ops_listen(&m->ops, m->process, type, cl->socket_file, err);
    if (!failed && cl->nr_servers)
        failed = begin_mgmt(m, err);
    return failed;
}

void management_end(struct management *m)
{
    if (m->mgmt && !m->closed) {
        m->held = true;
        process_hold(m->process, &m->hold, "the connection to the management daemon");
        mgmt_stop(m->mgmt);
    }
    if (m->ops.rpc)
        brick_ops_end(&m->ops);
}

void management_done(struct management *m)
{
    mgmt_free(m->mgmt);
    m->mgmt = NULL;
    brick_ops_done(&m->ops);
}
