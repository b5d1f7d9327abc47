/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* client-stress-test.c: threads call, the connection answers in any order on a thread of its own, answers some of them twice, some
 * late and some never, and is lost again and again. Every call ends exactly once, and nothing is left. For ThreadSanitizer. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client-impl.h"
#include "config.h"
#include "pool.h"
#include "thread.h"
#include "wire-words.h"

enum { THREADS = 4, CALLS = 5000, BATCH = 32 };

/* ---- a transport with a thread per connection ----------------------------------------------------------------------------------- */
struct transport {
    atomic_uint refs;
    const struct env *env;
    const struct transport_host *host;
    void *host_data;
    pthread_mutex_t lock;      /* what follows */
    pthread_cond_t changed;
    struct msg *queue[4096];
    unsigned int n;
    bool end, down;
    pthread_t thread;
    struct burial burial;
};
struct transport_dialer {
    const struct env *env;
};

static void t_unref(struct transport *t)
{
    if (atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
static void t_ref(struct transport *t)
{
    atomic_fetch_add(&t->refs, 1);
}

static void answer(struct transport *t, uint32_t xid)
{
    struct record *rec = calloc(1, sizeof(*rec));

    rec->census = t->env->census;
    counter_add(&rec->census->now[CENSUS_RECORDS], 1);
    rec->head = slice_new(t->env->bufs, 24);
    memset(rec->head.at, 0, 24);
    put_u32(rec->head.at, xid);
    put_u32(rec->head.at + 4, 1);
    t->host->received(t->host_data, rec);
}

static void last(struct burial *b)
{
    t_unref(container_of(b, struct transport, burial));
}

/* Up to BATCH messages at a time, the last first; after some hundred of them it is lost. */
static void *serve(void *arg)
{
    struct transport *t = arg;
    unsigned int seen = 0, seed = (unsigned int)(uintptr_t)t;
    uint32_t xids[BATCH];
    bool over = false;

    t->host->up(t->host_data);
    while (!over) {
        struct msg *batch[BATCH];
        unsigned int n = 0;

        pthread_mutex_lock(&t->lock);
        while (t->n == 0 && !t->end)
            pthread_cond_wait(&t->changed, &t->lock);
        over = t->end || seen > 700;
        if (over)
            t->down = true;
        while (t->n > 0 && n < BATCH)
            batch[n++] = t->queue[--t->n];
        pthread_mutex_unlock(&t->lock);
        for (unsigned int i = 0; i < n; i++) {
            xids[i] = get_u32(slicev_at(&batch[i]->body)->at);
            t->host->released(t->host_data, batch[i], over ? -ECONNRESET : 0);
        }
        for (unsigned int i = 0; i < n && !over; i++, seen++) {
            if (rand_r(&seed) % 50 != 0)
                answer(t, xids[i]);
            if (rand_r(&seed) % 50 == 0)
                answer(t, xids[i]); /* twice; or for the first time, late */
            if (rand_r(&seed) % 50 == 0)
                answer(t, (uint32_t)rand_r(&seed));
        }
    }
    for (unsigned int i = 0; i < t->n; i++) /* nobody adds any more */
        t->host->released(t->host_data, t->queue[i], -ECONNRESET);
    t->host->down(t->host_data, -ECONNRESET);
    t->burial = (struct burial){.thread = pthread_self(), .has_thread = true, .expected = true, .last = last};
    reaper_bury(t->env->reaper, &t->burial);
    return NULL;
}

static int t_dialer(const struct env *env, const struct transport_options *options, struct transport_dialer **ret, struct err *err)
{
    *ret = malloc(sizeof(**ret));
    (*ret)->env = env;
    return 0;
}
static void t_undialer(struct transport_dialer *d)
{
    free(d);
}
static int t_dial(struct transport_dialer *d, const struct sockaddr *addr, socklen_t len, const struct transport_host *host,
                  void *host_data, struct transport **ret, struct err *err)
{
    struct transport *t = calloc(1, sizeof(*t));

    atomic_init(&t->refs, 2);
    t->env = d->env;
    t->host = host;
    t->host_data = host_data;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    *ret = t;
    reaper_expect(d->env->reaper);
    return thread_start(&t->thread, "serve", THREAD_STACK, serve, t, d->env->census);
}
static int t_send(struct transport *t, struct msg *m)
{
    SCOPED_LOCK(&t->lock);
    if (t->down || t->end || t->n == array_len(t->queue))
        return -ENOTCONN;
    t->queue[t->n++] = m;
    pthread_cond_signal(&t->changed);
    return 0;
}
static void t_disconnect(struct transport *t, int err)
{
    SCOPED_LOCK(&t->lock);
    t->end = true;
    pthread_cond_signal(&t->changed);
}
static void t_stats(struct transport *t, struct transport_stats *ret)
{
    *ret = (struct transport_stats){.bytes_in = 0};
}
static void t_peer(struct transport *t, struct transport_peer *ret)
{
    *ret = (struct transport_peer){.text = "192.0.2.1:1"};
}
static const struct transport_type busy = {
    .abi = TRANSPORT_ABI, .build_id = BUILD_ID, .name = "busy", .dialer = t_dialer, .dial = t_dial, .undialer = t_undialer,
    .send = t_send, .disconnect = t_disconnect, .stats = t_stats, .peer = t_peer, .ref = t_ref, .unref = t_unref,
};

/* ---- callers -------------------------------------------------------------------------------------------------------------------- */
struct world {
    struct census census;
    struct env env;
    struct rpc_client *c;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopped;
    atomic_uint ups, downs, answered, lost;
};
struct one {
    struct rpc_call call;
    struct world *w;
    atomic_int done;
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void on_up(void *host)
{
    struct world *w = host;
    atomic_fetch_add(&w->ups, 1);
    rpc_client_ready(w->c, rpc_client_link(w->c));
}
static void on_down(void *host, bool was_up, int err)
{
    atomic_fetch_add(&((struct world *)host)->downs, was_up);
}
static void on_stopped(void *host)
{
    struct world *w = host;
    SCOPED_LOCK(&w->lock);
    w->stopped = true;
    pthread_cond_signal(&w->changed);
}
static const struct rpc_client_host host = {.up = on_up, .down = on_down, .stopped = on_stopped};

static void on_done(struct rpc_call *call, struct rpc_reply *reply)
{
    struct one *o = container_of(call, struct one, call);
    SCOPED_LOCK(&o->lock);
    atomic_fetch_add(reply->err == 0 ? &o->w->answered : &o->w->lost, 1);
    atomic_fetch_add(&o->done, 1);
    pthread_cond_signal(&o->changed);
}

static void *caller(void *arg)
{
    static const struct rpc_caller root = {.flavor = RPC_AUTH_GLUSTER_V3};
    struct world *w = arg;
    struct one o[8];

    for (unsigned int k = 0; k < array_len(o); k++) {
        o[k] = (struct one){.w = w, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        atomic_init(&o[k].done, 0);
    }
    for (unsigned int i = 0; i < CALLS / array_len(o); i++) {
        bool sent[array_len(o)];

        for (unsigned int k = 0; k < array_len(o); k++) {
            atomic_store(&o[k].done, 0);
            o[k].call = (struct rpc_call){.done = on_done, .timeout_ms = 50};
            assert_int_equal(rpc_call_make(&o[k].call, 1, 1, 1, &root, NULL, NULL), 0);
            sent[k] = rpc_call_send(w->c, &o[k].call) == 0;
        }
        for (unsigned int k = 0; k < array_len(o); k++) {
            if (!sent[k])
                continue;
            pthread_mutex_lock(&o[k].lock);
            while (atomic_load(&o[k].done) == 0)
                pthread_cond_wait(&o[k].changed, &o[k].lock);
            pthread_mutex_unlock(&o[k].lock);
            assert_int_equal(atomic_load(&o[k].done), 1);
        }
        if (!sent[0])
            sched_yield();
    }
    return NULL;
}

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void every_call_ends_once_whatever_happens(void **state)
{
    struct world w = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct rpc_client_conf conf = {.name = "stress", .retry_min_ms = 1, .retry_max_ms = 2, .ping_timeout_s = 42};
    pthread_t loop, threads[THREADS];
    struct rpc_client_stats s;
    struct rpc_dialer *d;
    struct pool *pool;

    w.env = (struct env){.bufs = iobuf_pool_new(0, &w.census), .reaper = reaper_new(&w.census), .loop = loop_new(), .census = &w.census};
    conf.pool = pool = pool_new(&(struct pool_conf){.max = 1}, &w.census);
    w.c = rpc_client_new(&w.env, &conf, &host, &w);
    assert_int_equal(rpc_dialer_new(&w.env, &busy, NULL, &d, NULL), 0);
    rpc_client_aim(w.c, "192.0.2.1", 1, d);
    assert_int_equal(thread_start(&loop, "loop", THREAD_STACK, run_loop, w.env.loop, &w.census), 0);
    rpc_client_start(w.c);
    for (unsigned int i = 0; i < THREADS; i++)
        assert_int_equal(thread_start(&threads[i], "caller", THREAD_STACK, caller, &w, &w.census), 0);
    for (unsigned int i = 0; i < THREADS; i++)
        thread_join(threads[i], &w.census);
    rpc_client_stats(w.c, &s);
    assert_int_equal(s.in_flight, 0);
    rpc_client_stop(w.c);
    pthread_mutex_lock(&w.lock);
    while (!w.stopped)
        pthread_cond_wait(&w.changed, &w.lock);
    pthread_mutex_unlock(&w.lock);
    loop_stop(w.env.loop);
    thread_join(loop, &w.census);
    assert_int_equal(w.ups, w.downs);
    assert_int_equal(w.answered + w.lost, s.sent);
    rpc_client_free(w.c);
    rpc_dialer_unref(d);
    pool_free(pool);
    reaper_free(w.env.reaper);
    loop_free(w.env.loop);
    iobuf_pool_free(w.env.bufs);
    for (int i = 0; i < NR_CENSUS; i++)
        assert_int_equal(counter_get(&w.census.now[i]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_call_ends_once_whatever_happens)};

    log_set_level(LVL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
