/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brickcall.c: see brickcall.h.
 *
 * A line is one call with its connection. It is over when the first of these comes: the answer, the end of the connection, the bound in
 * time, the daemon's end. Then its client is stopped; stopped() comes last, on the loop, and frees the client. Only when that has come for
 * all lines brickcalls_run() returns: nobody else holds lines and calls then. */
#include "config.h"

#include "brickcall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "brickop.h"
#include "clock.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "rpc-client.h"
#include "wire.h"

#define DOMAIN "glusterd"
#define AT_ONCE 64 /* connections of one command at a time: descriptors are few, and bricks of one machine share its disks */

struct brickround {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t over, stopped;       /* lock */
    bool cancelled;             /* lock */
    struct brickround *next;    /* glusterd.rounds, under glusterd.lock */
};

struct line {
    struct brickcall *call;
    struct brickround *round;
    struct rpc_client *client;
    bool over;                  /* round->lock */
};

/* ---- one line ---------------------------------------------------------------------------------------------------------------- */

/* Whoever is first stops the client, and nobody else touches it: stopped() frees it. */
static void line_over(struct line *l, int err)
{
    pthread_mutex_lock(&l->round->lock);
    bool first = !l->over;
    if (first) {
        l->over = true;
        l->call->err = err;
        l->round->over++;
        pthread_cond_signal(&l->round->changed);
    }
    pthread_mutex_unlock(&l->round->lock);
    if (first)
        rpc_client_stop(l->client);
}

static int take_answer(struct brickcall *call, const struct rpc_reply *reply)
{
    brickop_rsp rsp;
    if (reply->err < 0)
        return reply->err;
    if (wire_decode(xdr_brickop_rsp, &rsp, reply->result, reply->len) < 0)
        return -EBADMSG;
    int r = dict3_decode_large(rsp.output.at, rsp.output.len, &call->out);
    if (r < 0)
        return r;
    call->op_ret = rsp.op_ret;
    call->op_errno = rsp.op_errno;
    snprintf(call->errstr, sizeof call->errstr, "%.*s", (int)rsp.op_errstr.len, rsp.op_errstr.at ? rsp.op_errstr.at : "");
    return 0;
}

static void answered(void *ctx, struct rpc_reply *reply)
{
    struct line *l = ctx;
    line_over(l, take_answer(l->call, reply));
}

static int encode(const struct dict *d, wire_bytes *ret)
{
    size_t len = dict3_size(d);
    uint8_t *bytes = len ? malloc(len) : NULL;
    if (len && !bytes)
        return -ENOMEM;
    if (bytes)
        dict3_encode(d, bytes);
    *ret = (wire_bytes){.at = bytes, .len = (uint32_t)len};
    return 0;
}

static int ask_it(struct line *l)
{
    const struct brickcall *call = l->call;
    wire_bytes input = {0}, dict = {0};
    int r = encode(call->in, &input);
    if (r == 0)
        r = encode(call->dict, &dict);
    brickop_req req = {
        .name = wire_str(call->name ? call->name : ""),
        .op = call->op ? call->op : (int)call->procedure,
        .input = call->text ? (wire_bytes){.at = (const uint8_t *)call->text, .len = (uint32_t)strlen(call->text)} : input,
        .dict = {.at = dict.at, .len = dict.len},
    };
    if (r == 0)
        r = rpc_ask(l->client, BRICKOP_PROGRAM, BRICKOP_VERSION, call->procedure, xdr_brickop_req, &req, 0, answered, l);
    free((void *)input.at);
    free((void *)dict.at);
    return r;
}

static void up(void *host)
{
    struct line *l = host;
    int r = ask_it(l);
    if (r < 0)
        line_over(l, r);
}

static void down(void *host, bool was_up, int err)
{
    (void)was_up;
    line_over(host, err < 0 ? err : -ENOTCONN);
}

static void stopped(void *host)
{
    struct line *l = host;
    struct brickround *r = l->round;
    rpc_client_free(l->client);
    pthread_mutex_lock(&r->lock);
    r->stopped++;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

static const struct rpc_client_host line_host = {.up = up, .down = down, .stopped = stopped};

static const char *dial_option(const struct transport_options *o, const char *key)
{
    if (strcmp(key, "transport.address-family") == 0)
        return "unix";
    if (strcmp(key, "transport.socket.own-thread") == 0)
        return "off";
    return strcmp(key, "transport.socket.connect-path") == 0 ? o->ctx : NULL;
}

static int line_new(struct glusterd *gd, struct brickround *round, struct brickcall *call, struct line **ret)
{
    const struct rpc_client_conf conf = {.name = DOMAIN, .pool = gd->process->pool};
    const struct transport_options options = {.get = dial_option, .ctx = call->socket};
    struct rpc_dialer *dialer = NULL;
    struct err err = {""};
    if (call->socket[0] == '\0')
        return -ENOTCONN;
    struct line *l = calloc(1, sizeof *l);
    if (!l)
        return -ENOMEM;
    *l = (struct line){.call = call, .round = round};
    int r = rpc_dialer_new(&gd->process->env, gd->transport, &options, &dialer, &err);
    if (r == 0 && !(l->client = rpc_client_new(&gd->process->env, &conf, &line_host, l)))
        r = -ENOMEM;
    if (r == 0)
        r = rpc_client_aim(l->client, NULL, 0, dialer);
    rpc_dialer_unref(dialer);
    if (r < 0) {
        rpc_client_free(l->client);
        free(l);
        return r;
    }
    *ret = l;
    return 0;
}

/* ---- a round of them ------------------------------------------------------------------------------------------------------------ */

static void round_begin(struct glusterd *gd, struct brickround *r)
{
    pthread_condattr_t attr;
    *r = (struct brickround){0};
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &attr);
    pthread_condattr_destroy(&attr);
    SCOPED_LOCK(&gd->lock);
    r->cancelled = gd->ending;
    r->next = gd->rounds;
    gd->rounds = r;
}

static void round_end(struct glusterd *gd, struct brickround *r)
{
    pthread_mutex_lock(&gd->lock);
    struct brickround **at = &gd->rounds;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    pthread_mutex_unlock(&gd->lock);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
}

/* Until all n are over. 0, -ETIMEDOUT, -ECANCELED. */
static int wait_over(struct brickround *r, size_t n, const struct timespec *end)
{
    SCOPED_LOCK(&r->lock);
    while (r->over < n && !r->cancelled)
        if (pthread_cond_timedwait(&r->changed, &r->lock, end) == ETIMEDOUT)
            return -ETIMEDOUT;
    return r->over < n ? -ECANCELED : 0;
}

static void wait_stopped(struct brickround *r, size_t n)
{
    SCOPED_LOCK(&r->lock);
    while (r->stopped < n)
        pthread_cond_wait(&r->changed, &r->lock);
}

static void run_some(struct glusterd *gd, struct brickcall *calls, size_t n, const struct timespec *end)
{
    struct line *lines[AT_ONCE] = {NULL};
    struct brickround round;
    size_t started = 0;
    round_begin(gd, &round);
    for (size_t i = 0; i < n; i++) {
        calls[i].err = line_new(gd, &round, &calls[i], &lines[i]);
        started += calls[i].err == 0;
    }
    for (size_t i = 0; i < n; i++)
        if (lines[i])
            rpc_client_start(lines[i]->client);
    int r = wait_over(&round, started, end);
    for (size_t i = 0; i < n && r < 0; i++)
        if (lines[i])
            line_over(lines[i], r);
    wait_stopped(&round, started);
    round_end(gd, &round);
    for (size_t i = 0; i < n; i++)
        free(lines[i]);
}

void brickcalls_run(struct glusterd *gd, struct brickcall *calls, size_t n, unsigned int timeout_ms)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += timeout_ms / 1000;
    end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_sec++;
        end.tv_nsec -= 1000000000;
    }
    for (size_t i = 0; i < n; i += AT_ONCE)
        run_some(gd, calls + i, min_of(n - i, (size_t)AT_ONCE), &end);
}

void brickcalls_done(struct brickcall *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dict_unref(calls[i].out);
        calls[i].out = NULL;
    }
}

void brickcalls_cancel(struct glusterd *gd)
{
    SCOPED_LOCK(&gd->lock);
    gd->ending = true;
    for (struct brickround *r = gd->rounds; r; r = r->next) { /* rounds leave the list under glusterd.lock */
        pthread_mutex_lock(&r->lock);
        r->cancelled = true;
        pthread_cond_signal(&r->changed);
        pthread_mutex_unlock(&r->lock);
    }
}

int brickcall_merge(const struct brickcall *call, struct dict *to, const char *prefix)
{
    char key[512];
    for (unsigned int i = 0; i < dict_count(call->out); i++) {
        const struct dict_pair *p = dict_at(call->out, i);
        if (snprintf(key, sizeof key, "%s%s", prefix, p->key) >= (int)sizeof key)
            return -E2BIG;
        int r = dict_set(to, key, p->type, p->value, p->len);
        if (r < 0)
            return r;
    }
    return 0;
}
