/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* client-test.c: the calling side over the fake transport: one thread, which is the loop and the poller, and time that stands
 * still until the test moves it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client-impl.h"
#include "clock.h"
#include "dump.h"
#include "fake-transport.h"
#include "pool.h"
#include "wire-words.h"

enum { PROG = 1298437, VERS = 400, STAT = 1, READ = 12, CBK = 52743234 };

/* ---- time, and the loop ---------------------------------------------------------------------------------------------------- */
static uint64_t now_ms;

/* In front of the library's: its event loop asks here as well. */
uint64_t clock_ms(void)
{
    return now_ms;
}
uint64_t clock_ns(void)
{
    return now_ms * 1000000;
}

struct turning {
    struct loop_work work;
    struct loop *loop;
};
static void stop_turning(struct loop_work *w)
{
    loop_stop(container_of(w, struct turning, work)->loop);
}
static void turn_once(struct loop *l)
{
    struct turning t = {.work.run = stop_turning, .loop = l};

    loop_post(l, &t.work);
    loop_run(l);
}

/* ---- the world ------------------------------------------------------------------------------------------------------------- */
struct mine {
    struct rpc_call call;
    int done, err;
    uint32_t accept;
    size_t len, bulk_len;
    uint8_t first;
    struct record *kept;
    bool keep;
    void (*inside)(struct mine *m);
};
struct world {
    struct fake_env env;
    struct pool *pool;
    struct rpc_dialer *dialer;
    struct rpc_client *c;
    struct transport *t;
    int ups, downs, stops, failures, last_err;
    void (*in_down)(struct world *w);
    uint32_t cbk_proc;
    size_t cbk_len;
};
static struct world *the_world;

static void turn_loop(struct world *w)
{
    for (int i = 0; i < 4; i++)
        turn_once(w->env.env.loop);
}
static void pass(struct world *w, uint64_t ms)
{
    now_ms += ms;
    turn_loop(w);
}

static void on_up(void *host)
{
    struct world *w = host;
    assert_int_equal(w->stops, 0);
    w->ups++;
}
static void on_down(void *host, bool was_up, int err)
{
    struct world *w = host;
    assert_int_equal(w->stops, 0);
    *(was_up ? &w->downs : &w->failures) += 1;
    w->last_err = err;
    if (w->in_down)
        w->in_down(w);
}
static void on_stopped(void *host)
{
    ((struct world *)host)->stops++;
}
static const struct rpc_client_host host = {.up = on_up, .down = on_down, .stopped = on_stopped};

static void on_callback(void *h, uint32_t proc, const uint8_t *args, size_t len)
{
    struct world *w = h;
    w->cbk_proc = proc;
    w->cbk_len = len;
}
static const struct rpc_callbacks callbacks = {.program = CBK, .version = 1, .run = on_callback};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct rpc_client_conf conf = {.name = "test-client", .callbacks = &callbacks, .nr_callbacks = 1, .ping_timeout_s = 42};

    now_ms = 1000000;
    *state = the_world = w;
    fake_env_init(&w->env, true);
    fake_dial_fails(0);
    w->pool = pool_new(&(struct pool_conf){.max = 1}, &w->env.census);
    conf.pool = w->pool;
    w->c = rpc_client_new(&w->env.env, &conf, &host, w);
    assert_int_equal(rpc_dialer_new(&w->env.env, &fake_transport, NULL, &w->dialer, NULL), 0);
    assert_int_equal(rpc_client_aim(w->c, "192.0.2.2", 49152, w->dialer), 0);
    return 0;
}

static void take_dialed(struct world *w)
{
    struct transport *t = fake_dialed();
    assert_non_null(t);
    if (w->t)
        fake_close(w->t);
    w->t = t;
}
static void bring_up(struct world *w)
{
    take_dialed(w);
    fake_up(w->t);
    turn_loop(w);
    assert_true(rpc_client_link(w->c) > 0);
    rpc_client_ready(w->c, rpc_client_link(w->c));
}
static void be_connected(struct world *w)
{
    rpc_client_start(w->c);
    turn_loop(w);
    bring_up(w);
}
static void end(struct world *w)
{
    struct transport *t;
    int err;

    rpc_client_stop(w->c);
    turn_loop(w);
    t = fake_dialed();
    if (t) {
        if (w->t)
            fake_close(w->t);
        w->t = t;
    }
    if (w->t && !w->stops) {
        assert_true(fake_disconnected(w->t, &err));
        fake_down(w->t, err);
        turn_loop(w);
    }
    assert_int_equal(w->stops, 1);
}
static int teardown(void **state)
{
    struct world *w = *state;

    if (!w->stops)
        end(w);
    if (w->t)
        fake_close(w->t);
    rpc_client_free(w->c);
    rpc_dialer_unref(w->dialer);
    pool_free(w->pool);
    fake_env_done(&w->env);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_THREADS]), 0);
    free(w);
    return 0;
}

/* ---- calls and replies -------------------------------------------------------------------------------------------------------- */
static void on_done(struct rpc_call *call, struct rpc_reply *reply)
{
    struct mine *m = container_of(call, struct mine, call);
    struct slicev bulk = {0};

    m->done++;
    m->err = reply->err;
    m->accept = reply->accept;
    m->len = reply->len;
    if (reply->err == 0 && reply->len > 0)
        m->first = reply->result[0];
    if (reply->err == 0 && call->bulk_at) {
        assert_int_equal(rpc_reply_bulk(reply, 4, &bulk), 0);
        m->bulk_len = bulk.len;
        slicev_done(&bulk);
    }
    if (m->keep) {
        m->kept = reply->record;
        reply->record = NULL;
    }
    if (m->inside)
        m->inside(m);
}
static int send_call(struct world *w, struct mine *m)
{
    static const struct rpc_caller root = {.flavor = RPC_AUTH_GLUSTER_V3};

    m->call.done = on_done;
    assert_int_equal(rpc_call_make(&m->call, PROG, VERS, STAT, &root, NULL, NULL), 0);
    return rpc_call_send(w->c, &m->call);
}
static uint32_t sent_xid(struct world *w, unsigned int n)
{
    size_t len;
    const uint8_t *bytes = fake_sent(w->t, n, &len);
    assert_non_null(bytes);
    return get_u32(bytes);
}
static uint32_t last_xid(struct world *w)
{
    return sent_xid(w, fake_nr_sent(w->t) - 1);
}
static uint32_t last_proc(struct world *w)
{
    size_t len;
    return get_u32(fake_sent(w->t, fake_nr_sent(w->t) - 1, &len) + 20);
}
static void reply_with(struct world *w, uint32_t xid, uint32_t accept, const void *result, size_t len)
{
    uint8_t *bytes = calloc(1, 24 + len);

    put_u32(bytes, xid);
    put_u32(bytes + 4, 1);
    put_u32(bytes + 20, accept);
    if (len > 0)
        memcpy(bytes + 24, result, len);
    fake_deliver(w->t, bytes, 24 + len);
    free(bytes);
}
static void reply(struct world *w, uint32_t xid)
{
    reply_with(w, xid, 0, "\1\2\3\4", 4);
}
static struct rpc_client_stats stats(struct world *w)
{
    struct rpc_client_stats s;
    rpc_client_stats(w->c, &s);
    return s;
}

/* ---- tests: replies --------------------------------------------------------------------------------------------------------- */
static void a_call_is_answered_once(void **state)
{
    struct world *w = *state;
    struct mine m = {0};

    be_connected(w);
    assert_int_equal(send_call(w, &m), 0);
    assert_int_equal(m.done, 0);
    reply(w, last_xid(w));
    assert_int_equal(m.done, 1);
    assert_int_equal(m.err, 0);
    assert_int_equal(m.len, 4);
    assert_int_equal(m.first, 1);
    assert_int_equal(stats(w).in_flight, 0);
}

static void replies_find_their_calls_in_any_order(void **state)
{
    struct world *w = *state;
    enum { N = 3000 };
    struct mine *m = calloc(N, sizeof(*m));
    uint32_t xids[N];

    be_connected(w);
    for (unsigned int i = 0; i < N; i++) {
        assert_int_equal(send_call(w, &m[i]), 0);
        xids[i] = last_xid(w);
        for (unsigned int k = 0; k < i && k < 20; k++)
            assert_int_not_equal(xids[i], xids[k]);
    }
    for (unsigned int i = 0; i < N; i++) {
        unsigned int k = i * 1009 % N; /* a prime that does not divide N: each once */
        uint8_t mark[4] = {(uint8_t)k};
        reply_with(w, xids[k], 0, mark, 4);
        assert_int_equal(m[k].done, 1);
        assert_int_equal(m[k].first, (uint8_t)k);
    }
    for (unsigned int i = 0; i < N; i++)
        assert_int_equal(m[i].done, 1);
    free(m);
}

static void a_duplicate_reply_is_dropped_and_counted(void **state)
{
    struct world *w = *state;
    struct mine m = {0}, next = {0};

    be_connected(w);
    send_call(w, &m);
    reply(w, last_xid(w));
    reply(w, sent_xid(w, 0));
    assert_int_equal(m.done, 1);
    assert_int_equal(stats(w).forged, 1);
    send_call(w, &next); /* has the same slot */
    reply(w, sent_xid(w, 0));
    assert_int_equal(next.done, 0);
    assert_int_equal(stats(w).forged, 2);
    reply(w, last_xid(w));
    assert_int_equal(next.done, 1);
    assert_false(fake_disconnected(w->t, NULL));
}

static void forged_xids_meet_nobody(void **state)
{
    struct world *w = *state;
    struct mine m = {0};
    uint32_t xid;

    be_connected(w);
    send_call(w, &m);
    xid = last_xid(w);
    for (unsigned int bit = 0; bit < 32; bit++)
        reply(w, xid ^ 1u << bit);
    reply(w, 0);
    assert_int_equal(m.done, 0);
    assert_int_equal(stats(w).forged, 33);
    reply(w, xid);
    assert_int_equal(m.done, 1);
}

static void a_reply_that_comes_too_late_meets_no_other_call(void **state)
{
    struct world *w = *state;
    struct mine m = {.call.timeout_ms = 5000}, next = {0};
    uint32_t xid;

    be_connected(w);
    send_call(w, &m);
    xid = last_xid(w);
    turn_loop(w);
    pass(w, 4000);
    assert_int_equal(m.done, 0);
    pass(w, 1500);
    assert_int_equal(m.done, 1);
    assert_int_equal(m.err, -ETIMEDOUT);
    assert_int_equal(stats(w).abandoned, 1);
    send_call(w, &next);
    assert_int_not_equal(last_xid(w), xid);
    reply(w, xid);
    assert_int_equal(m.done, 1);
    assert_int_equal(next.done, 0);
    assert_int_equal(stats(w).late, 1);
    assert_int_equal(stats(w).abandoned, 0);
    reply(w, last_xid(w));
    assert_int_equal(next.done, 1);
}

static void what_is_abandoned_is_forgotten_with_the_connection(void **state)
{
    struct world *w = *state;
    struct mine m = {.call.timeout_ms = 1000};

    be_connected(w);
    send_call(w, &m);
    turn_loop(w);
    pass(w, 2500);
    assert_int_equal(m.err, -ETIMEDOUT);
    fake_down(w->t, -ECONNRESET);
    turn_loop(w);
    assert_int_equal(m.done, 1);
    assert_int_equal(stats(w).abandoned, 0);
}

static void an_answer_that_is_none_is_an_error(void **state)
{
    struct world *w = *state;
    struct mine unavail = {0}, denied = {0}, cut = {0};
    uint8_t bytes[24] = {0};

    be_connected(w);
    send_call(w, &unavail);
    reply_with(w, last_xid(w), RPC_PROC_UNAVAIL, NULL, 0);
    assert_int_equal(unavail.err, -EREMOTEIO);
    assert_int_equal(unavail.accept, RPC_PROC_UNAVAIL);
    send_call(w, &denied);
    put_u32(bytes, last_xid(w));
    put_u32(bytes + 4, 1);
    put_u32(bytes + 8, 1);
    fake_deliver(w->t, bytes, 20);
    assert_int_equal(denied.err, -EREMOTEIO);
    send_call(w, &cut);
    put_u32(bytes, last_xid(w));
    put_u32(bytes + 8, 0);
    fake_deliver(w->t, bytes, 16);
    assert_int_equal(cut.err, -EBADMSG);
    assert_int_equal(stats(w).refused, 3);
}

static void a_message_that_is_nothing_ends_the_connection(void **state)
{
    struct world *w = *state;
    uint8_t bytes[8] = {[7] = 7};
    int err;

    be_connected(w);
    fake_deliver(w->t, bytes, sizeof(bytes));
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -EPROTO);
    fake_down(w->t, err);
    turn_loop(w);
}

static void a_reply_is_the_handlers_to_keep(void **state)
{
    struct world *w = *state;
    struct mine m = {.keep = true};

    be_connected(w);
    send_call(w, &m);
    reply(w, last_xid(w));
    fake_down(w->t, -ECONNRESET);
    turn_loop(w);
    assert_non_null(m.kept);
    assert_memory_equal(m.kept->head.at + 24, "\1\2\3\4", 4);
    record_free(m.kept);
}

static size_t bulk_after_4(const uint8_t *result, size_t have)
{
    return have < 4 ? 0 : 4;
}

static void bulk_lands_apart_and_small_bulk_stays_inside(void **state)
{
    struct world *w = *state;
    struct mine large = {.call.bulk_at = bulk_after_4, .keep = true}, small = {.call.bulk_at = bulk_after_4};
    uint8_t *result = calloc(1, 4 + 3 * MiB);

    be_connected(w);
    send_call(w, &large);
    reply_with(w, last_xid(w), 0, result, 4 + 3 * MiB);
    assert_int_equal(large.len, 4);
    assert_int_equal(large.bulk_len, 3 * MiB);
    assert_int_equal((uintptr_t)slicev_at(&large.kept->bulk)[0].at % 4096, 0);
    record_free(large.kept);
    send_call(w, &small);
    reply_with(w, last_xid(w), 0, result, 4 + 100);
    assert_int_equal(small.len, 104);
    assert_int_equal(small.bulk_len, 100);
    free(result);
}

/* ---- tests: what lands in the caller's memory ----------------------------------------------------------------------------------- */
#define LENT (100 * KiB)
struct landing {
    uint8_t memory[LENT + 1], wire[24 + 4 + LENT + 1];
    struct iovec parts[2];
    struct mine m;
};
/* A call that lends two parts, and the answer to it with len bytes of bulk. */
static struct landing *landing_new(struct world *w, size_t len, unsigned int timeout_ms)
{
    struct landing *l = calloc(1, sizeof(*l));

    assert_non_null(l);
    l->parts[0] = (struct iovec){l->memory, 5000};
    l->parts[1] = (struct iovec){l->memory + 5000, LENT - 5000};
    l->m.call = (struct rpc_call){.bulk_at = bulk_after_4, .into = l->parts, .n_into = 2, .into_len = LENT, .timeout_ms = timeout_ms};
    assert_int_equal(send_call(w, &l->m), 0);
    put_u32(l->wire, last_xid(w));
    put_u32(l->wire + 4, 1);
    for (size_t i = 0; i < len; i++)
        l->wire[28 + i] = (uint8_t)(1 + i % 251);
    return l;
}

static void bulk_lands_where_the_call_says(void **state)
{
    struct world *w = *state;
    struct landing *l;

    be_connected(w);
    l = landing_new(w, LENT, 0);
    l->m.keep = true;
    fake_deliver(w->t, l->wire, 28 + LENT);
    assert_int_equal(l->m.done, 1);
    assert_int_equal(l->m.bulk_len, LENT);
    assert_ptr_equal(slicev_at(&l->m.kept->bulk)[0].at, l->memory);
    assert_memory_equal(l->memory, l->wire + 28, LENT);
    record_free(l->m.kept);
    fake_deliver(w->t, l->wire, 28 + LENT); /* once more: nobody lends for it */
    assert_int_equal(stats(w).forged, 1);
    free(l);

    l = landing_new(w, 20000, 0); /* less than was asked for */
    fake_deliver(w->t, l->wire, 28 + 20000);
    assert_int_equal(l->m.bulk_len, 20000);
    assert_memory_equal(l->memory, l->wire + 28, 20000);
    assert_int_equal(l->memory[20000], 0);
    free(l);
}

static void more_than_was_lent_lands_elsewhere(void **state)
{
    struct world *w = *state;
    struct landing *l;

    be_connected(w);
    l = landing_new(w, LENT + 1, 0);
    fake_deliver(w->t, l->wire, 28 + LENT + 1);
    assert_int_equal(l->m.done, 1);
    assert_int_equal(l->m.bulk_len, LENT + 1);
    for (size_t i = 0; i < sizeof(l->memory); i++)
        assert_int_equal(l->memory[i], 0);
    free(l);
}

/* The caller has its memory back when done() comes: what comes later must land elsewhere. */
static void nothing_lands_after_a_time_out(void **state)
{
    struct world *w = *state;
    struct landing *l;

    be_connected(w);
    l = landing_new(w, LENT, 5000);
    turn_loop(w);
    pass(w, 5500);
    assert_int_equal(l->m.done, 1);
    assert_int_equal(l->m.err, -ETIMEDOUT);
    fake_deliver(w->t, l->wire, 28 + LENT);
    assert_int_equal(stats(w).late, 1);
    for (size_t i = 0; i < sizeof(l->memory); i++)
        assert_int_equal(l->memory[i], 0);
    free(l);
}

static void what_has_begun_to_land_is_not_given_back_before_its_end(void **state)
{
    struct world *w = *state;
    struct landing *l;
    int err;

    be_connected(w);
    l = landing_new(w, LENT, 5000);
    turn_loop(w);
    fake_deliver_begin(w->t, l->wire, 28 + LENT, 7000);
    pass(w, 4000);
    assert_false(fake_disconnected(w->t, &err));
    pass(w, 1500);
    assert_int_equal(l->m.done, 0);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -ETIMEDOUT);
    pass(w, 5000);
    assert_int_equal(l->m.done, 0);
    fake_down(w->t, err);
    assert_int_equal(l->m.done, 1);
    assert_int_equal(l->m.err, -ENOTCONN);
    turn_loop(w);
    free(l);
}

static void what_is_in_time_after_all_is_the_answer(void **state)
{
    struct world *w = *state;
    struct landing *l;

    be_connected(w);
    l = landing_new(w, LENT, 5000);
    turn_loop(w);
    fake_deliver_begin(w->t, l->wire, 28 + LENT, 7000);
    pass(w, 4000);
    fake_deliver_end(w->t, l->wire);
    assert_int_equal(l->m.done, 1);
    assert_int_equal(l->m.err, 0);
    assert_memory_equal(l->memory, l->wire + 28, LENT);
    pass(w, 5000);
    assert_int_equal(l->m.done, 1);
    free(l);
}

/* ---- tests: the end of a connection ------------------------------------------------------------------------------------------- */
static void calls_end_with_the_connection(void **state)
{
    struct world *w = *state;
    struct mine m[200] = {0};

    be_connected(w);
    fake_hold(w->t, true);
    for (unsigned int i = 0; i < array_len(m); i++)
        assert_int_equal(send_call(w, &m[i]), 0);
    fake_down(w->t, -ECONNRESET);
    for (unsigned int i = 0; i < array_len(m); i++) {
        assert_int_equal(m[i].done, 1);
        assert_int_equal(m[i].err, -ENOTCONN);
    }
    turn_loop(w);
    assert_int_equal(w->downs, 1);
    assert_int_equal(w->last_err, -ECONNRESET);
    assert_int_equal(send_call(w, &m[0]), -ENOTCONN);
    pass(w, 200);
    bring_up(w);
    assert_int_equal(w->ups, 2);
    assert_int_equal(send_call(w, &m[0]), 0);
    reply(w, last_xid(w));
    assert_int_equal(m[0].done, 2);
}

static void ask_again_inside(struct mine *m)
{
    m->inside = NULL;
    if (send_call(the_world, m) < 0)
        m->err = -EAGAIN;
}
static void a_handler_may_call_again_and_hears_that_nobody_is_there(void **state)
{
    struct world *w = *state;
    struct mine m = {.inside = ask_again_inside}, answered = {.inside = ask_again_inside};

    be_connected(w);
    send_call(w, &answered);
    reply(w, last_xid(w));
    assert_int_equal(answered.done, 1);
    reply(w, last_xid(w));
    assert_int_equal(answered.done, 2);
    send_call(w, &m);
    fake_down(w->t, -ECONNRESET);
    turn_loop(w);
    assert_int_equal(m.done, 1);
    assert_int_equal(m.err, -EAGAIN);
}

static void disconnect_inside(struct mine *m)
{
    rpc_client_disconnect(the_world->c, -ECONNABORTED);
}
static void a_handler_may_disconnect(void **state)
{
    struct world *w = *state;
    struct mine m = {.inside = disconnect_inside}, other = {0};
    int err;

    be_connected(w);
    send_call(w, &other);
    send_call(w, &m);
    reply(w, last_xid(w));
    assert_int_equal(m.done, 1);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -ECONNABORTED);
    fake_down(w->t, err);
    turn_loop(w);
    assert_int_equal(other.err, -ENOTCONN);
    assert_int_equal(w->downs, 1);
    assert_null(fake_dialed()); /* it rests first */
    pass(w, 100);
    bring_up(w);
}

static void reconnect_goes_elsewhere_without_a_pause(void **state)
{
    struct world *w = *state;
    struct sockaddr_storage addr;
    int err;

    be_connected(w);
    rpc_client_aim(w->c, "192.0.2.2", 49153, w->dialer);
    rpc_client_reconnect(w->c, 0);
    assert_true(fake_disconnected(w->t, &err));
    fake_down(w->t, err);
    turn_loop(w);
    assert_int_equal(fake_dials(&addr), 2);
    assert_int_equal(ntohs(((struct sockaddr_in *)&addr)->sin_port), 49153);
    bring_up(w);
}

static void a_call_for_another_connection_does_not_go(void **state)
{
    struct world *w = *state;
    struct mine m = {0};

    be_connected(w);
    m.call.link = rpc_client_link(w->c);
    assert_int_equal(send_call(w, &m), 0);
    fake_down(w->t, -ECONNRESET);
    turn_loop(w);
    pass(w, 100);
    bring_up(w);
    assert_int_equal(send_call(w, &m), -ENOTCONN);
    m.call.link = rpc_client_link(w->c);
    assert_int_equal(send_call(w, &m), 0);
    end(w);
}

static void only_early_calls_go_before_it_is_ready(void **state)
{
    struct world *w = *state;
    struct mine early = {.call.flags = RPC_EARLY}, other = {0};
    uint32_t link;

    rpc_client_start(w->c);
    turn_loop(w);
    assert_int_equal(send_call(w, &early), -ENOTCONN);
    take_dialed(w);
    fake_up(w->t);
    turn_loop(w);
    link = rpc_client_link(w->c);
    assert_int_equal(send_call(w, &other), -ENOTCONN);
    assert_int_equal(send_call(w, &early), 0);
    rpc_client_ready(w->c, link + 1);
    assert_int_equal(send_call(w, &other), -ENOTCONN);
    rpc_client_ready(w->c, link);
    assert_int_equal(send_call(w, &other), 0);
    end(w);
}

static void up_that_is_over_before_the_loop_hears_of_it(void **state)
{
    struct world *w = *state;

    rpc_client_start(w->c);
    turn_loop(w);
    take_dialed(w);
    fake_up(w->t);
    fake_down(w->t, -ECONNRESET);
    turn_loop(w);
    assert_int_equal(w->ups, 0);
    assert_int_equal(w->failures, 1);
}

/* ---- tests: connecting ------------------------------------------------------------------------------------------------------ */
static void it_comes_back_after_pauses_that_grow_to_a_bound(void **state)
{
    struct world *w = *state;
    uint64_t pause = 100, start;

    fake_dial_fails(-ECONNREFUSED);
    rpc_client_start(w->c);
    turn_loop(w);
    for (unsigned int n = 1; n < 12; n++) {
        assert_int_equal(fake_dials(NULL), n);
        assert_int_equal(w->failures, n);
        start = now_ms;
        pass(w, pause / 2 - 1);
        assert_int_equal(fake_dials(NULL), n);
        while (fake_dials(NULL) == n)
            pass(w, 1);
        assert_true(now_ms - start <= pause + 1);
        pause = min_of(2 * pause, (uint64_t)3000);
    }
    fake_dial_fails(0);
    while (fake_dials(NULL) == 0)
        pass(w, 10);
    bring_up(w);
    fake_down(w->t, -ECONNRESET);
    turn_loop(w);
    pass(w, 100); /* it was ready: the pause is the first again */
    bring_up(w);
}

static void an_address_that_does_not_answer_is_left(void **state)
{
    struct world *w = *state;
    int err;

    rpc_client_start(w->c);
    turn_loop(w);
    take_dialed(w);
    pass(w, 9000);
    assert_false(fake_disconnected(w->t, NULL));
    pass(w, 1000);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -ETIMEDOUT);
    fake_down(w->t, err);
    turn_loop(w);
    assert_int_equal(w->last_err, -ETIMEDOUT);
    assert_int_equal(w->failures, 1);
}

static void aim_at_another(struct world *w)
{
    rpc_client_aim(w->c, "192.0.2.9", 24007, w->dialer);
}
static void the_host_may_choose_another_server_when_one_fails(void **state)
{
    struct world *w = *state;
    struct sockaddr_storage addr;

    w->in_down = aim_at_another;
    fake_dial_fails(-ECONNREFUSED);
    rpc_client_start(w->c);
    turn_loop(w);
    pass(w, 100);
    assert_int_equal(fake_dials(&addr), 2);
    assert_int_equal(ntohl(((struct sockaddr_in *)&addr)->sin_addr.s_addr), 0xc0000209);
    fake_dial_fails(0);
}

/* What the name "three.example" has. */
int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res);
static pthread_mutex_t resolver = PTHREAD_MUTEX_INITIALIZER; /* held by a test: the name server does not answer */
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **res)
{
    struct addrinfo *one, *list = NULL;
    struct addrinfo numeric = *hints;

    if (strcmp(node, "three.example") != 0 || (hints->ai_flags & AI_NUMERICHOST))
        return __real_getaddrinfo(node, service, hints, res);
    pthread_mutex_lock(&resolver);
    pthread_mutex_unlock(&resolver);
    numeric.ai_flags |= AI_NUMERICHOST;
    for (int i = 3; i > 0; i--) { /* glibc frees such a list one by one */
        char text[16] = "192.0.2.0";
        text[8] = (char)('0' + i);
        assert_int_equal(__real_getaddrinfo(text, service, &numeric, &one), 0);
        one->ai_next = list;
        list = one;
    }
    *res = list;
    return 0;
}

static void wait_for_the_worker(struct world *w)
{
    pool_drain(w->pool);
    turn_loop(w);
}
static void all_addresses_of_a_name_are_tried(void **state)
{
    struct world *w = *state;
    struct sockaddr_storage addr;

    rpc_client_aim(w->c, "three.example", 24007, w->dialer);
    rpc_client_start(w->c);
    turn_loop(w);
    wait_for_the_worker(w);
    for (uint32_t i = 1; i <= 3; i++) {
        assert_int_equal(fake_dials(&addr), i);
        assert_int_equal(ntohl(((struct sockaddr_in *)&addr)->sin_addr.s_addr), 0xc0000200 + i);
        assert_int_equal(w->failures, 0);
        take_dialed(w);
        fake_down(w->t, -ECONNREFUSED);
        turn_loop(w);
    }
    assert_int_equal(w->failures, 1);
    assert_int_equal(w->last_err, -ECONNREFUSED);
    pass(w, 100);
    wait_for_the_worker(w);
    bring_up(w);
}

static void a_name_that_means_nothing_is_a_failure(void **state)
{
    struct world *w = *state;

    rpc_client_aim(w->c, "no.such.name.invalid", 24007, w->dialer);
    rpc_client_start(w->c);
    turn_loop(w);
    wait_for_the_worker(w);
    assert_int_equal(w->failures, 1);
    assert_int_equal(w->last_err, -EHOSTUNREACH);
}

static void the_end_does_not_wait_for_a_name_server(void **state)
{
    struct world *w = *state;

    rpc_client_aim(w->c, "three.example", 24007, w->dialer);
    pthread_mutex_lock(&resolver);
    rpc_client_start(w->c);
    turn_loop(w);
    rpc_client_stop(w->c);
    turn_loop(w);
    assert_int_equal(w->stops, 1);
    pthread_mutex_unlock(&resolver);
    wait_for_the_worker(w);
    assert_int_equal(fake_dials(NULL), 0);
}

static void the_end_while_resting(void **state)
{
    struct world *w = *state;

    fake_dial_fails(-ECONNREFUSED);
    rpc_client_start(w->c);
    turn_loop(w);
    rpc_client_stop(w->c);
    turn_loop(w);
    assert_int_equal(w->stops, 1);
    fake_dial_fails(0);
    pass(w, 10000);
    assert_int_equal(fake_dials(NULL), 0);
}

static void the_end_while_connecting(void **state)
{
    struct world *w = *state;

    rpc_client_start(w->c);
    turn_loop(w);
    take_dialed(w);
    end(w);
    assert_int_equal(w->ups, 0);
}

static void the_end_cancels_every_call_once(void **state)
{
    struct world *w = *state;
    struct mine m[100] = {0};

    be_connected(w);
    for (unsigned int i = 0; i < array_len(m); i++)
        send_call(w, &m[i]);
    end(w);
    for (unsigned int i = 0; i < array_len(m); i++) {
        assert_int_equal(m[i].done, 1);
        assert_int_equal(m[i].err, -ECANCELED);
    }
    assert_int_equal(w->downs, 1);
    assert_int_equal(send_call(w, &m[0]), -ENOTCONN);
}

/* ---- tests: ping ------------------------------------------------------------------------------------------------------------ */
static void silence_is_answered_by_a_ping_and_then_by_the_end(void **state)
{
    struct world *w = *state;
    struct mine m = {0};
    int err;

    be_connected(w);
    send_call(w, &m);
    turn_loop(w);
    for (int s = 0; s < 20; s++)
        pass(w, 1000);
    assert_int_equal(fake_nr_sent(w->t), 1);
    pass(w, 1500);
    assert_int_equal(fake_nr_sent(w->t), 2);
    assert_int_equal(last_proc(w), DUMP_PING);
    for (int s = 0; s < 50 && !fake_disconnected(w->t, NULL); s++)
        pass(w, 1000);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -ETIMEDOUT);
    assert_int_equal(m.done, 0);
    fake_down(w->t, err);
    turn_loop(w);
    assert_int_equal(m.done, 1);
    assert_int_equal(m.err, -ENOTCONN);
}

static void an_answered_ping_keeps_a_slow_call_alive(void **state)
{
    struct world *w = *state;
    struct mine m = {0};
    unsigned int pings = 0;

    be_connected(w);
    send_call(w, &m);
    turn_loop(w);
    for (int s = 0; s < 600; s++) {
        pass(w, 1000);
        assert_false(fake_disconnected(w->t, NULL));
        if (fake_nr_sent(w->t) > pings + 1) {
            pings++;
            reply_with(w, last_xid(w), 0, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
        }
    }
    assert_true(pings >= 20);
    assert_int_equal(m.done, 0);
    reply(w, sent_xid(w, 0));
    assert_int_equal(m.done, 1);
    pass(w, 100000);
    pings = fake_nr_sent(w->t);
    for (int s = 0; s < 100; s++)
        pass(w, 1000);
    assert_int_equal(fake_nr_sent(w->t), pings); /* nothing to wait for: no pings */
}

static void a_ping_overtakes_what_waits_for_the_send_queue(void **state)
{
    struct world *w = *state;
    enum { N = 8 };
    struct mine m[N] = {0};
    struct slicev bulk = {0};
    static const struct rpc_caller root = {.flavor = RPC_AUTH_GLUSTER_V3};

    be_connected(w);
    fake_hold(w->t, true);
    assert_int_equal(slicev_add(&bulk, slice_new(w->env.env.bufs, MiB)), 0);
    memset(slicev_at(&bulk)->at, 7, MiB);
    for (int i = 0; i < N; i++) {
        m[i].call.done = on_done;
        rpc_call_make(&m[i].call, PROG, VERS, 13, &root, NULL, NULL);
        assert_int_equal(rpc_call_add(&m[i].call, &bulk), 0);
        assert_int_equal(rpc_call_send(w->c, &m[i].call), 0);
    }
    slicev_done(&bulk);
    assert_int_equal(fake_nr_sent(w->t), 4); /* RPC_SEND_AHEAD of them */
    assert_int_equal(stats(w).waiting, 4);
    turn_loop(w);
    for (int s = 0; s < 22; s++)
        pass(w, 1000);
    assert_int_equal(fake_nr_sent(w->t), 5);
    assert_int_equal(last_proc(w), DUMP_PING);
    fake_release(w->t, 2, 0);
    assert_int_equal(stats(w).waiting, 2);
    fake_hold(w->t, false);
    fake_release(w->t, UINT32_MAX, 0);
    assert_int_equal(stats(w).waiting, 0);
    assert_int_equal(fake_nr_sent(w->t), N + 1);
    end(w);
}

static void what_waits_for_the_send_queue_is_freed_with_the_connection(void **state)
{
    struct world *w = *state;
    enum { N = 8 };
    struct mine m[N] = {0};
    struct slicev bulk = {0};
    static const struct rpc_caller root = {.flavor = RPC_AUTH_GLUSTER_V3};

    be_connected(w);
    fake_hold(w->t, true);
    assert_int_equal(slicev_add(&bulk, slice_new(w->env.env.bufs, MiB)), 0);
    memset(slicev_at(&bulk)->at, 7, MiB);
    for (int i = 0; i < N; i++) {
        m[i].call.done = on_done;
        rpc_call_make(&m[i].call, PROG, VERS, 13, &root, NULL, NULL);
        rpc_call_add(&m[i].call, &bulk);
        rpc_call_send(w->c, &m[i].call);
    }
    slicev_done(&bulk);
    fake_down(w->t, -EPIPE);
    for (int i = 0; i < N; i++)
        assert_int_equal(m[i].done, 1);
    turn_loop(w);
}

static void a_time_out_and_its_reply_race(void **state)
{
    struct world *w = *state;
    struct mine m = {.call.timeout_ms = 2000};

    be_connected(w);
    send_call(w, &m);
    turn_loop(w);
    now_ms += 5000; /* due, and nobody has looked yet */
    reply(w, last_xid(w));
    turn_loop(w);
    assert_int_equal(m.done, 1);
    assert_int_equal(m.err, 0);
    assert_int_equal(stats(w).timed_out, 0);
}

/* ---- tests: callbacks, messages ------------------------------------------------------------------------------------------------ */
static void calls_of_the_server_reach_their_program(void **state)
{
    struct world *w = *state;
    uint8_t call[48] = {0};

    be_connected(w);
    put_u32(call, 1);
    put_u32(call + 8, 2);
    put_u32(call + 12, CBK);
    put_u32(call + 16, 1);
    put_u32(call + 20, 5);
    fake_deliver(w->t, call, sizeof(call));
    assert_int_equal(w->cbk_proc, 5);
    assert_int_equal(w->cbk_len, 8);
    put_u32(call + 12, CBK + 1);
    put_u32(call + 20, 6);
    fake_deliver(w->t, call, sizeof(call));
    assert_int_equal(w->cbk_proc, 5);
    for (size_t len = 0; len < 40; len++)
        if (len >= 8)
            fake_deliver(w->t, call, len); /* cut short: dropped */
    assert_int_equal(w->cbk_proc, 5);
}

static void the_credential_holds_what_fits(void **state)
{
    struct world *w = *state;
    uint32_t groups[100];
    uint8_t owner[92];
    struct mine m = {0};
    size_t len;
    const uint8_t *b;
    struct rpc_caller who = {.flavor = RPC_AUTH_GLUSTER_V3, .pid = -1, .uid = 7, .gid = 8, .nr_groups = 100, .groups = groups,
                             .owner = owner, .owner_len = 5, .time_flags = 3, .time_sec = 9, .time_nsec = 10};

    for (uint32_t i = 0; i < 100; i++)
        groups[i] = i;
    memset(owner, 0xee, sizeof(owner));
    be_connected(w);
    m.call.done = on_done;
    assert_int_equal(rpc_call_make(&m.call, PROG, VERS, STAT, &who, NULL, NULL), 0);
    assert_int_equal(rpc_call_send(w->c, &m.call), 0);
    b = fake_sent(w->t, 0, &len);
    assert_int_equal(get_u32(b + 24), RPC_AUTH_GLUSTER_V3);
    assert_int_equal(get_u32(b + 28), 28 + 4 + 86 * 4 + 4 + 8);
    assert_int_equal((int32_t)get_u32(b + 32), -1);
    assert_int_equal(get_u32(b + 44), 3);
    assert_int_equal(get_u32(b + 48), 10);
    assert_true(get_u64(b + 52) == 9);
    assert_int_equal(get_u32(b + 60), 86); /* 91 less the owner's 5 bytes */
    assert_int_equal(get_u32(b + 64 + 85 * 4), 85);
    assert_int_equal(get_u32(b + 64 + 86 * 4), 5);
    assert_memory_equal(b + 68 + 86 * 4, "\xee\xee\xee\xee\xee\0\0\0", 8);
    assert_int_equal(len, 32 + get_u32(b + 28) + 8);
    who.owner_len = 92;
    assert_int_equal(rpc_call_make(&m.call, PROG, VERS, STAT, &who, NULL, NULL), -E2BIG);
    end(w);
}

static void a_dropped_call_leaves_nothing(void **state)
{
    static const struct rpc_caller root = {.flavor = RPC_AUTH_GLUSTER_V2};
    struct rpc_call call = {0};

    assert_int_equal(rpc_call_make(&call, PROG, VERS, STAT, &root, NULL, NULL), 0);
    rpc_call_drop(&call);
    assert_null(call.out);
}

static int asked;
static void on_answered(void *ctx, struct rpc_reply *r)
{
    asked += r->err == 0 && ctx == &asked;
}
static void a_call_now_and_then(void **state)
{
    struct world *w = *state;

    be_connected(w);
    asked = 0;
    assert_int_equal(rpc_ask(w->c, PROG, VERS, STAT, NULL, NULL, 0, on_answered, &asked), 0);
    reply(w, last_xid(w));
    assert_int_equal(asked, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_answered_once),
        TEST(replies_find_their_calls_in_any_order),
        TEST(a_duplicate_reply_is_dropped_and_counted),
        TEST(forged_xids_meet_nobody),
        TEST(a_reply_that_comes_too_late_meets_no_other_call),
        TEST(what_is_abandoned_is_forgotten_with_the_connection),
        TEST(an_answer_that_is_none_is_an_error),
        TEST(a_message_that_is_nothing_ends_the_connection),
        TEST(a_reply_is_the_handlers_to_keep),
        TEST(bulk_lands_apart_and_small_bulk_stays_inside),
        TEST(bulk_lands_where_the_call_says),
        TEST(more_than_was_lent_lands_elsewhere),
        TEST(nothing_lands_after_a_time_out),
        TEST(what_has_begun_to_land_is_not_given_back_before_its_end),
        TEST(what_is_in_time_after_all_is_the_answer),
        TEST(calls_end_with_the_connection),
        TEST(a_handler_may_call_again_and_hears_that_nobody_is_there),
        TEST(a_handler_may_disconnect),
        TEST(reconnect_goes_elsewhere_without_a_pause),
        TEST(a_call_for_another_connection_does_not_go),
        TEST(only_early_calls_go_before_it_is_ready),
        TEST(up_that_is_over_before_the_loop_hears_of_it),
        TEST(it_comes_back_after_pauses_that_grow_to_a_bound),
        TEST(an_address_that_does_not_answer_is_left),
        TEST(the_host_may_choose_another_server_when_one_fails),
        TEST(all_addresses_of_a_name_are_tried),
        TEST(a_name_that_means_nothing_is_a_failure),
        TEST(the_end_does_not_wait_for_a_name_server),
        TEST(the_end_while_resting),
        TEST(the_end_while_connecting),
        TEST(the_end_cancels_every_call_once),
        TEST(silence_is_answered_by_a_ping_and_then_by_the_end),
        TEST(an_answered_ping_keeps_a_slow_call_alive),
        TEST(a_ping_overtakes_what_waits_for_the_send_queue),
        TEST(what_waits_for_the_send_queue_is_freed_with_the_connection),
        TEST(a_time_out_and_its_reply_race),
        TEST(calls_of_the_server_reach_their_program),
        TEST(the_credential_holds_what_fits),
        TEST(a_dropped_call_leaves_nothing),
        TEST(a_call_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
