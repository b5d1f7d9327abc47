/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick-ops-test.c: the management socket over the fake transport. The test is the loop; below it stands a graph of two that answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "brick-ops.h"
#include "brickop.h"
#include "caller.h"
#include "clock.h"
#include "dict.h"
#include "graph.h"
#include "pool.h"
#include "status.h"
#include "testing.h"

struct world {
    struct process p;
    struct brick_ops ops;
    struct transport *t;
    unsigned int nr_calls;
    int stopped_with;
    unsigned int let_go;
};
static struct world *the_world;

static uint64_t now_ms = 1000;

/* In front of the library's: the loop's timers go by it. */
uint64_t clock_ms(void)
{
    return now_ms;
}
uint64_t clock_ns(void)
{
    return now_ms * 1000000;
}

/* ---- what is below ---------------------------------------------------------------------------------------------------------- */

static struct xlator_ask *held;     /* a question that is answered later */
static int barrier_answer;

static void answer_info(struct xlator *xl, struct xlator_ask *ask)
{
    int64_t op;

    assert_int_equal(ask->what, ASK_INFO);
    if (dict_get_i64(ask->in, "info-op", &op) < 0) {
        held = ask;
        return;
    }
    dict_set_textf(ask->out, "info-op", "%d", (int)op);
    ask->done(ask, 0);
}
static void answer_barrier(struct xlator *xl, struct xlator_ask *ask)
{
    const char *text;

    assert_int_equal(ask->what, ASK_BARRIER);
    assert_int_equal(dict_get_text(ask->in, "barrier", &text), 0);
    assert_string_equal(text, "enable");
    ask->done(ask, barrier_answer);
}
static void succeed(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 0, 0);
}
static const struct xlator_type barrier_type = {
    .name = "features/barrier", .leaf = true, .ask = answer_barrier, .on = {[FOP_STAT ... NR_FOPS - 1] = succeed}};
static const struct xlator_type stats_type = {.name = "test/stats", .ask = answer_info};
static const struct xlator_type top_type = {.name = "test/server"};

/* protocol/server's, which has tests of its own */
int server_status(struct xlator *server, const char *brick, uint32_t cmd, struct dict *ret)
{
    assert_ptr_equal(server->type, &top_type);
    if (strcmp(brick, "x1") != 0)
        return -ENOENT;
    return dict_set_textf(ret, "cmd-was", "%u", cmd);
}

void server_clear_locks(struct xlator *server, const char *brick, struct server_clear *c)
{
    assert_ptr_equal(server->type, &top_type);
    c->done(c, strcmp(brick, "x1") != 0 ? -ENODEV : strcmp(c->path, "/f") != 0 ? -ENOENT : 0, c->key);
}

/* ---- the world ---------------------------------------------------------------------------------------------------------------- */

static void on_stop(struct process *p, int status)
{
    the_world->stopped_with = status;
}

struct turning {
    struct loop_work work;
    struct loop *loop;
};
static void stop_turning(struct loop_work *work)
{
    loop_stop(container_of(work, struct turning, work)->loop);
}
static void turn(struct world *w)
{
    pool_drain(w->p.pool);
    for (int i = 0; i < 3; i++) {
        struct turning t = {.work.run = stop_turning, .loop = w->p.env.loop};
        loop_post(t.loop, &t.work);
        loop_run(t.loop);
        pool_drain(w->p.pool);
    }
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct err err = {0};

    *state = the_world = w;
    held = NULL;
    barrier_answer = 0;
    testing_process(&w->p);
    w->p.stop = on_stop;
    w->p.graph = testing_graph(&w->p, (struct testing_node[]){{.type = &barrier_type}, {.type = &stats_type}, {.type = &top_type},
                                                              {.type = NULL}});
    assert_int_equal(brick_ops_listen(&w->ops, &w->p, &fake_transport, "/nowhere", &err), 0);
    w->t = fake_connect(NULL);
    assert_true(fake_admitted(w->t));
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    fake_close(w->t);
    brick_ops_done(&w->ops);
    if (w->p.graph)
        testing_graph_free(w->p.graph);
    testing_process_done(&w->p);
    free(w);
    return 0;
}

/* ---- calls ------------------------------------------------------------------------------------------------------------------------ */

static void call_raw(struct world *w, uint32_t proc, const brickop_req *req)
{
    uint8_t args[2000];
    XDR x;

    wire_writer(&x, args, sizeof(args));
    assert_true(xdr_brickop_req(&x, (brickop_req *)req));
    caller_call(w->t, ++w->nr_calls, BRICKOP_PROGRAM, BRICKOP_VERSION, proc, args, wire_done(&x));
    turn(w);
}

static void call(struct world *w, uint32_t proc, const char *name, const char *key, const char *value, const char *key2, const char *value2)
{
    struct dict *in = dict_new();
    uint8_t bytes[1000];

    if (key)
        assert_int_equal(dict_set_text(in, key, value), 0);
    if (key2)
        assert_int_equal(dict_set_text(in, key2, value2), 0);
    assert_true(dict3_size(in) <= sizeof(bytes));
    dict3_encode(in, bytes);
    call_raw(w, proc, &(brickop_req){.name = wire_str(name), .op = (int32_t)proc, .input = {.at = bytes, .len = (uint32_t)dict3_size(in)}});
    dict_unref(in);
}

/* The answer to the last call. */
static brickop_rsp answered(struct world *w)
{
    uint32_t xid, stat;
    size_t len;
    const uint8_t *body;
    brickop_rsp rsp;

    assert_int_equal(fake_nr_sent(w->t), w->nr_calls);
    body = caller_reply(w->t, w->nr_calls - 1, &xid, &stat, &len);
    assert_int_equal(xid, w->nr_calls);
    assert_int_equal(stat, RPC_OK);
    assert_int_equal(wire_decode(xdr_brickop_rsp, &rsp, body, len), (int)len);
    return rsp;
}

static void refused_with(struct world *w, int err, const char *words)
{
    brickop_rsp rsp = answered(w);

    assert_int_equal(rsp.op_ret, -1);
    assert_int_equal(rsp.op_errno, err);
    assert_non_null(memmem(rsp.op_errstr.at, rsp.op_errstr.len, words, strlen(words)));
}

static void answered_with(struct world *w, const char *key, const char *value)
{
    brickop_rsp rsp = answered(w);
    struct dict *out;
    const char *text;

    assert_int_equal(rsp.op_ret, 0);
    assert_int_equal(wire_dict3_open(&rsp.output, &out), 0);
    assert_int_equal(dict_get_text(out, key, &text), 0);
    assert_string_equal(text, value);
    dict_unref(out);
}

/* ---- tests -------------------------------------------------------------------------------------------------------------------------- */

static void profile_is_answered_by_the_translator_of_that_name(void **state)
{
    struct world *w = *state;

    call(w, BRICKOP_XLATOR_INFO, "x1", "info-op", "3", NULL, NULL);
    answered_with(w, "info-op", "3");
    call(w, BRICKOP_XLATOR_INFO, "/other", "info-op", "3", NULL, NULL);
    refused_with(w, ENOENT, "nobody");
    call(w, BRICKOP_XLATOR_INFO, "x2", "info-op", "3", NULL, NULL); /* it has no answers */
    refused_with(w, ENOENT, "nobody");
}

static void an_answer_may_come_later_and_the_end_waits_for_it(void **state)
{
    struct world *w = *state;

    call(w, BRICKOP_XLATOR_INFO, "x1", "top-op", "1", NULL, NULL);
    assert_non_null(held);
    assert_int_equal(fake_nr_sent(w->t), 0);
    brick_ops_end(&w->ops);
    turn(w);
    assert_ptr_equal(w->p.holds, &w->ops.hold);
    assert_false(fake_disconnected(w->t, NULL));
    dict_set_text(held->out, "members", "0");
    held->done(held, 0);
    answered_with(w, "members", "0");
    now_ms += 100;
    turn(w);
    assert_true(fake_disconnected(w->t, NULL));
    fake_down(w->t, 0);
    now_ms += 100;
    turn(w);
    assert_null(w->p.holds);
}

static void terminate_ends_the_process_if_the_brick_is_its_own(void **state)
{
    struct world *w = *state;

    call(w, BRICKOP_TERMINATE, "/other", NULL, NULL, NULL, NULL);
    assert_int_equal(answered(w).op_ret, 0);
    assert_int_equal(w->stopped_with, 0);
    call(w, BRICKOP_TERMINATE, "x0", NULL, NULL, NULL, NULL); /* a translator, but no brick */
    assert_int_equal(w->stopped_with, 0);
    call(w, BRICKOP_TERMINATE, "x1", NULL, NULL, NULL, NULL);
    assert_int_equal(answered(w).op_ret, 0);
    assert_int_equal(w->stopped_with, SIGTERM);
}

static void status_needs_its_two_keys(void **state)
{
    struct world *w = *state;

    call(w, BRICKOP_STATUS, "", "cmd", "4", "brick-name", "x1");
    answered_with(w, "cmd-was", "4");
    call(w, BRICKOP_STATUS, "", "cmd", "4", NULL, NULL);
    refused_with(w, EINVAL, "");
    call(w, BRICKOP_STATUS, "", "brick-name", "x1", NULL, NULL);
    refused_with(w, EINVAL, "");
    call(w, BRICKOP_STATUS, "", "cmd", "4", "brick-name", "/other");
    refused_with(w, ENOENT, "no such brick");
}

static void the_barrier_is_set_in_its_translator(void **state)
{
    struct world *w = *state;

    call(w, BRICKOP_BARRIER, "x1", "barrier", "enable", NULL, NULL);
    assert_int_equal(answered(w).op_ret, 0);
    barrier_answer = -EALREADY;
    call(w, BRICKOP_BARRIER, "x1", "barrier", "enable", NULL, NULL);
    refused_with(w, EALREADY, "Failed to reconfigure barrier.");
}

static void locks_are_cleared(void **state)
{
    struct world *w = *state;

    call(w, BRICKOP_CLEAR_LOCKS, "x1", "path", "/f", "key", "glusterfs.clrlk.tposix.kall");
    assert_int_equal(answered(w).op_ret, 0);
    call(w, BRICKOP_CLEAR_LOCKS, "x1", "path", "/none", "key", "k");
    refused_with(w, ENOENT, strerror(ENOENT));
    call(w, BRICKOP_CLEAR_LOCKS, "x1", "path", "/f", NULL, NULL);
    refused_with(w, EINVAL, "missing");
    call(w, BRICKOP_CLEAR_LOCKS, "other", "path", "/f", "key", "k");
    refused_with(w, ENODEV, "");
}

static void what_is_not_built_is_refused_by_name(void **state)
{
    struct world *w = *state;
    static const struct {
        uint32_t proc;
        const char *words;
    } rows[] = {
        {BRICKOP_ATTACH, "several bricks in one process"}, {BRICKOP_SVC_DETACH, "several volumes"},  {BRICKOP_DUMP_METRICS, "metrics"},
        {BRICKOP_XLATOR_OP, "this process is a brick"},    {BRICKOP_XLATOR_DEFRAG, "is a brick"},    {BRICKOP_NODE_PROFILE, "is a brick"},
        {BRICKOP_NODE_STATUS, "is a brick"},               {BRICKOP_NODE_BITROT, "is a brick"},
    };

    for (size_t i = 0; i < array_len(rows); i++) {
        call(w, rows[i].proc, "x1", NULL, NULL, NULL, NULL);
        refused_with(w, EOPNOTSUPP, rows[i].words);
        refused_with(w, EOPNOTSUPP, "doc/refused.md");
    }
    call_raw(w, BRICKOP_SVC_ATTACH, &(brickop_req){.name = wire_str("shd/v"), .input = {.at = (const uint8_t *)"volume x", .len = 8}});
    refused_with(w, EOPNOTSUPP, "several volumes");
}

static void garbage_is_answered_as_such(void **state)
{
    struct world *w = *state;
    static const uint8_t too_long[] = {0xff, 0xff, 0xff, 0xff, 'x', 0, 0, 0}, endless_dict[] = {0, 0, 0x10, 0, 0, 0, 0, 1};
    uint32_t xid, stat;
    size_t len;

    caller_call(w->t, ++w->nr_calls, BRICKOP_PROGRAM, BRICKOP_VERSION, BRICKOP_STATUS, too_long, sizeof(too_long));
    turn(w);
    caller_reply(w->t, w->nr_calls - 1, &xid, &stat, &len);
    assert_int_equal(stat, RPC_GARBAGE_ARGS);
    call_raw(w, BRICKOP_STATUS, &(brickop_req){.name = wire_str("x1"), .input = {.at = endless_dict, .len = sizeof(endless_dict)}});
    caller_reply(w->t, w->nr_calls - 1, &xid, &stat, &len);
    assert_int_equal(stat, RPC_GARBAGE_ARGS);
    call(w, 99, "x1", NULL, NULL, NULL, NULL);
    caller_reply(w->t, w->nr_calls - 1, &xid, &stat, &len);
    assert_int_equal(stat, RPC_PROC_UNAVAIL);
    call(w, BRICKOP_XLATOR_INFO, "x1", "info-op", "3", NULL, NULL); /* and nothing is the worse for it */
    answered_with(w, "info-op", "3");
}

static void nothing_is_done_before_the_graph_stands_or_when_it_ends(void **state)
{
    struct world *w = *state;
    struct graph *g = w->p.graph;

    w->p.graph = NULL;
    call(w, BRICKOP_TERMINATE, "x1", NULL, NULL, NULL, NULL);
    refused_with(w, ENOTCONN, "not started yet");
    w->p.graph = g;
    w->p.stopping = true;
    call(w, BRICKOP_XLATOR_INFO, "x1", "info-op", "3", NULL, NULL);
    refused_with(w, ENOTCONN, "ending");
    w->p.stopping = false;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(profile_is_answered_by_the_translator_of_that_name),
        TEST(an_answer_may_come_later_and_the_end_waits_for_it),
        TEST(terminate_ends_the_process_if_the_brick_is_its_own),
        TEST(status_needs_its_two_keys),
        TEST(the_barrier_is_set_in_its_translator),
        TEST(locks_are_cleared),
        TEST(what_is_not_built_is_refused_by_name),
        TEST(garbage_is_answered_as_such),
        TEST(nothing_is_done_before_the_graph_stands_or_when_it_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
