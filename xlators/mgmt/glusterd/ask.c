/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ask.c: one question, one connection. The connection lives on the loop; who asks waits on a condition. Two references: the asking
 * thread's, and the connection's, which goes when it has stopped. */
#include "config.h"

#include "ask.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "brickop.h"
#include "dict.h"
#include "glusterd.h"
#include "rpc-client.h"
#include "wire.h"

#define TIMEOUT_MS 30000

struct asking {
    atomic_uint refs;
    struct rpc_client *client;
    struct rpc_call call;
    pthread_mutex_t lock;
    pthread_cond_t over;
    bool done;                   /* lock, as what follows */
    int err, op_ret, op_errno;
    struct dict *out;
    char text[1024];             /* the process's sentence */
};

static void let_go(struct asking *a)
{
    if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) > 1) /* whoever frees sees what the other did */
        return;
    rpc_call_drop(&a->call);
    rpc_client_free(a->client);
    dict_unref(a->out);
    pthread_cond_destroy(&a->over);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static void finish(struct asking *a, int err)
{
    SCOPED_LOCK(&a->lock);
    if (a->done)
        return;
    a->done = true;
    a->err = err;
    pthread_cond_signal(&a->over);
}

static void answered(struct rpc_call *call, struct rpc_reply *reply)
{
    struct asking *a = container_of(call, struct asking, call);
    struct brickop_rsp rsp;
    struct dict *out = NULL;
    int err = reply->err;
    if (err == 0 && (wire_decode((void *)xdr_brickop_rsp, &rsp, reply->result, reply->len) < 0 || wire_dict3_open(&rsp.output, &out) < 0))
        err = -EBADMSG;
    if (err == 0) {
        SCOPED_LOCK(&a->lock);
        a->op_ret = rsp.op_ret;
        a->op_errno = rsp.op_errno;
        a->out = out;
        snprintf(a->text, sizeof a->text, "%.*s", (int)rsp.op_errstr.len, rsp.op_errstr.at ? rsp.op_errstr.at : "");
    }
    finish(a, err);
}

static void up(void *host)
{
    struct asking *a = host;
    int err = rpc_call_send(a->client, &a->call);
    if (err < 0)
        finish(a, err);
}

static void down(void *host, bool was_up, int err)
{
    (void)was_up;
    finish(host, err ? err : -ENOTCONN); /* nothing is tried twice: a process that runs listens */
}

static void stopped(void *host)
{
    let_go(host);
}

static const struct rpc_client_host asking_host = {.up = up, .down = down, .stopped = stopped};

static const char *dial_option(const struct transport_options *o, const char *key)
{
    if (strcmp(key, "transport.address-family") == 0)
        return "unix";
    if (strcmp(key, "transport.socket.own-thread") == 0)
        return "off"; /* a message or two */
    return strcmp(key, "transport.socket.connect-path") == 0 ? o->ctx : NULL;
}

static int make_call(struct asking *a, const struct question *q)
{
    static const struct rpc_caller nobody = {.flavor = RPC_AUTH_GLUSTER_V2};
    size_t input_len = q->text ? strlen(q->text) + 1 : dict3_size(q->input), dict_len = dict3_size(q->dict);
    uint8_t *input = input_len && !q->text ? malloc(input_len) : NULL, *dict = dict_len ? malloc(dict_len) : NULL;
    int r = (input_len && !q->text && !input) || (dict_len && !dict) ? -ENOMEM : 0;
    if (r == 0 && input)
        dict3_encode(q->input, input);
    if (r == 0 && dict)
        dict3_encode(q->dict, dict);
    const struct brickop_req req = {
        .name = wire_str(q->name ? q->name : ""),
        .op = q->op ? q->op : (int)q->procedure,
        .input = {.at = q->text ? (const uint8_t *)q->text : input, .len = (uint32_t)input_len},
        .dict = {.at = dict, .len = (uint32_t)dict_len},
    };
    if (r == 0)
        r = rpc_call_make(&a->call, BRICKOP_PROGRAM, BRICKOP_VERSION, q->procedure, &nobody, (void *)xdr_brickop_req, &req);
    free(input);
    free(dict);
    return r;
}

static int begin(struct glusterd *gd, struct asking *a, const struct question *q, struct err *err)
{
    const struct transport_options options = {.get = dial_option, .ctx = q->socket};
    const struct rpc_client_conf conf = {.name = q->socket, .pool = gd->process->pool};
    struct rpc_dialer *dialer = NULL;
    a->client = rpc_client_new(&gd->process->env, &conf, &asking_host, a);
    int r = a->client ? make_call(a, q) : -ENOMEM;
    if (r == 0)
        r = rpc_dialer_new(&gd->process->env, gd->transport, &options, &dialer, err);
    if (r == 0)
        r = rpc_client_aim(a->client, NULL, 0, dialer);
    rpc_dialer_unref(dialer);
    return r < 0 ? err_set(err, r, "%s: %s", q->socket, strerror(-r)) : 0;
}

int ask(struct glusterd *gd, const struct question *q, struct dict **ret, struct err *err)
{
    unsigned int wait_ms = q->timeout_ms ? q->timeout_ms : TIMEOUT_MS;
    struct asking *a = calloc(1, sizeof *a);
    struct timespec until;
    pthread_condattr_t monotonic;
    if (ret)
        *ret = NULL;
    if (!a)
        return err_set(err, -ENOMEM, "%s: no memory", q->socket);
    atomic_init(&a->refs, 1);
    a->call = (struct rpc_call){.done = answered, .flags = RPC_EARLY, .timeout_ms = wait_ms};
    pthread_mutex_init(&a->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&a->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int r = begin(gd, a, q, err);
    if (r < 0) {
        let_go(a);
        return r;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000 + 1;
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed); /* ours is still there */
    rpc_client_start(a->client);
    pthread_mutex_lock(&a->lock);
    while (!a->done && pthread_cond_timedwait(&a->over, &a->lock, &until) == 0)
        ;
    r = a->done ? a->err : -ETIMEDOUT;
    a->done = true;
    if (r < 0) {
        err_set(err, r, "the process at %s does not answer: %s", q->socket, strerror(-r));
    } else {
        if (a->op_ret < 0)
            r = err_set(err, -EREMOTEIO, "%s", a->text[0] ? a->text : strerror(a->op_errno > 0 && a->op_errno < 4096 ? a->op_errno : EIO));
        if (ret) {
            *ret = a->out;
            a->out = NULL;
        }
    }
    pthread_mutex_unlock(&a->lock);
    rpc_client_stop(a->client);
    let_go(a);
    return r;
}
