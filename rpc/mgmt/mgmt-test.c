/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mgmt-test.c: the daemon is a fake transport's other end; the test is the loop, and time stands still until it is moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "callback.h"
#include "clock.h"
#include "fake-transport.h"
#include "handshake.h"
#include "loop.h"
#include "mgmt.h"
#include "pool.h"
#include "rpcmsg.h"

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

struct world {
    struct fake_env env;
    struct pool *pool;
    struct mgmt *m;
    struct transport *t;
    char text[200];         /* the last volume file */
    int texts, readies, stops, failed_err;
    char failure[512];
    uint32_t dump_pid;
};

/* ---- the host --------------------------------------------------------------------------------------------------------------- */

static void on_volfile(void *host, const char *text, size_t len)
{
    struct world *w = host;

    snprintf(w->text, sizeof(w->text), "%.*s", (int)len, text);
    w->texts++;
}
static void on_failed(void *host, int err, const char *sentence)
{
    struct world *w = host;

    assert_int_equal(w->failed_err, 0);
    w->failed_err = err;
    snprintf(w->failure, sizeof(w->failure), "%s", sentence);
}
static void on_ready(void *host)
{
    ((struct world *)host)->readies++;
}
static void on_dump(void *host, uint32_t pid)
{
    ((struct world *)host)->dump_pid = pid;
}
static void on_stopped(void *host)
{
    ((struct world *)host)->stops++;
}
static const struct mgmt_host host = {
    .volfile = on_volfile, .failed = on_failed, .ready = on_ready, .statedump = on_dump, .stopped = on_stopped};

/* ---- the loop ------------------------------------------------------------------------------------------------------------------ */

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
    for (int i = 0; i < 4; i++) {
        struct turning t = {.work.run = stop_turning, .loop = w->env.env.loop};
        loop_post(t.loop, &t.work);
        loop_run(t.loop);
    }
}

/* ---- the daemon ------------------------------------------------------------------------------------------------------------------ */

static void start(struct world *w, const struct mgmt_conf *more)
{
    static const char *const one[] = {"192.0.2.1"};
    struct mgmt_conf conf = more ? *more : (struct mgmt_conf){.brick_name = "/srv/b1", .fixed = true};
    struct err err = {0};

    if (!conf.servers) {
        conf.servers = one;
        conf.nr_servers = 1;
    }
    conf.volfile_id = "v.h1.srv-b1";
    conf.transport = &fake_transport;
    assert_int_equal(mgmt_new(&w->env.env, w->pool, &conf, &host, w, &w->m, &err), 0);
    mgmt_start(w->m);
    turn(w);
}

static void forget(struct world *w)
{
    if (w->t)
        fake_close(w->t);
    w->t = NULL;
}

/* Whoever has been dialled. */
static void take(struct world *w)
{
    forget(w);
    w->t = fake_dialed();
    assert_non_null(w->t);
}
static void accept_it(struct world *w)
{
    take(w);
    fake_up(w->t);
    turn(w);
}
static void lose_it(struct world *w, int err)
{
    fake_down(w->t, err);
    turn(w);
}
static void later(struct world *w, unsigned int ms)
{
    now_ms += ms;
    turn(w);
}

/* The last call that was sent must be a GETSPEC. */
static void asked(struct world *w, rpc_call_header *ret_header, hndsk_getspec_req *ret_req)
{
    size_t len;
    const uint8_t *bytes = fake_sent(w->t, fake_nr_sent(w->t) - 1, &len);
    int64_t n = wire_decode(xdr_rpc_call_header, ret_header, bytes, len);

    assert_true(n > 0);
    assert_int_equal(ret_header->prog, HNDSK_PROGRAM);
    assert_int_equal(ret_header->proc, HNDSK_GETSPEC);
    assert_true(wire_decode(xdr_hndsk_getspec_req, ret_req, bytes + n, len - (size_t)n) > 0);
}

static void deliver(struct world *w, void *head_proc, const void *head, void *proc, const void *body)
{
    uint8_t bytes[1000];
    XDR x;
    size_t n;

    wire_writer(&x, bytes, sizeof(bytes));
    assert_true(((bool_t(*)(XDR *, void *))head_proc)(&x, (void *)head));
    assert_true(!proc || ((bool_t(*)(XDR *, void *))proc)(&x, (void *)body));
    n = wire_done(&x);
    fake_deliver(w->t, bytes, n);
    turn(w);
}

static void answer(struct world *w, const hndsk_getspec_rsp *rsp)
{
    rpc_call_header call;
    hndsk_getspec_req req;

    asked(w, &call, &req);
    deliver(w, xdr_rpc_reply_header, &(rpc_reply_header){.xid = call.xid, .type = 1}, xdr_hndsk_getspec_rsp, rsp);
}
static void answer_text(struct world *w, const char *text)
{
    answer(w, &(hndsk_getspec_rsp){.op_ret = (int32_t)strlen(text), .spec = wire_str(text)});
}
static void call_back(struct world *w, uint32_t proc, void *body_proc, const void *body)
{
    deliver(w, xdr_rpc_call_header, &(rpc_call_header){.xid = 1, .rpcvers = 2, .prog = CBK_PROGRAM, .vers = CBK_VERSION, .proc = proc},
            body_proc, body);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    now_ms = 1000000;
    *state = w;
    fake_env_init(&w->env, true);
    fake_dial_fails(0);
    w->pool = pool_new(&(struct pool_conf){.max = 1}, &w->env.census);
    return 0;
}

static void end(struct world *w)
{
    struct transport *t;
    int err;

    mgmt_stop(w->m);
    mgmt_stop(w->m);
    turn(w);
    t = fake_dialed();
    if (t) {
        forget(w);
        w->t = t;
    }
    if (w->t && !w->stops) {
        assert_true(fake_disconnected(w->t, &err));
        lose_it(w, err);
    }
    assert_int_equal(w->stops, 1);
}

static int tear_down(void **state)
{
    struct world *w = *state;

    end(w);
    forget(w);
    mgmt_free(w->m);
    pool_free(w->pool);
    fake_env_done(&w->env);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_THREADS]), 0);
    free(w);
    return 0;
}

/* ---- tests -------------------------------------------------------------------------------------------------------------------------- */

static void a_brick_asks_for_its_volume_file_and_says_who_it_is(void **state)
{
    struct world *w = *state;
    rpc_call_header call;
    hndsk_getspec_req req;
    struct dict *xdata;
    const char *text;

    start(w, NULL);
    accept_it(w);
    asked(w, &call, &req);
    assert_true(wire_str_is(req.key, "v.h1.srv-b1"));
    assert_int_equal(req.flags, 0);
    assert_int_equal(wire_dict3_open(&req.xdata, &xdata), 0);
    assert_int_equal(dict_get_text(xdata, "brick_name", &text), 0);
    assert_string_equal(text, "/srv/b1");
    assert_int_equal(dict_get_text(xdata, "max-op-version", &text), 0);
    assert_string_equal(text, "100000");
    assert_int_equal(dict_get_text(xdata, "min-op-version", &text), 0);
    dict_unref(xdata);
    assert_int_equal(w->texts, 0);
    assert_false(mgmt_connected(w->m));
    answer_text(w, "volume a");
    assert_string_equal(w->text, "volume a");
    assert_int_equal(w->readies, 1);
    assert_true(mgmt_connected(w->m));
}

static void it_asks_again_when_the_daemon_says_so_and_tells_only_what_is_new(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    accept_it(w);
    answer_text(w, "volume a");
    call_back(w, CBK_FETCHSPEC, NULL, NULL);
    assert_int_equal(fake_nr_sent(w->t), 2);
    answer_text(w, "volume a");
    assert_int_equal(w->texts, 1);
    mgmt_fetch(w->m); /* SIGHUP */
    turn(w);
    assert_int_equal(fake_nr_sent(w->t), 3);
    call_back(w, CBK_FETCHSPEC, NULL, NULL); /* while the answer is under way: one more, behind it */
    call_back(w, CBK_FETCHSPEC, NULL, NULL);
    assert_int_equal(fake_nr_sent(w->t), 3);
    answer_text(w, "volume b");
    assert_string_equal(w->text, "volume b");
    assert_int_equal(fake_nr_sent(w->t), 4);
    answer_text(w, "volume b");
    assert_int_equal(fake_nr_sent(w->t), 4);
    assert_int_equal(w->texts, 2);
    assert_int_equal(w->readies, 1);
}

static void it_connects_again_and_asks_again(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    accept_it(w);
    answer_text(w, "volume a");
    lose_it(w, -ECONNRESET);
    assert_false(mgmt_connected(w->m));
    for (int tries = 0; tries < 20; tries++) { /* the daemon is away: for good it is tried, nothing fails */
        later(w, 3001);
        take(w);
        lose_it(w, -ECONNREFUSED);
    }
    later(w, 3001);
    accept_it(w);
    assert_int_equal(w->readies, 1);
    answer_text(w, "volume b");
    assert_int_equal(w->readies, 2);
    assert_string_equal(w->text, "volume b");
    assert_int_equal(w->failed_err, 0);
}

static void a_refusal_after_the_first_text_changes_nothing(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    accept_it(w);
    answer_text(w, "volume a");
    mgmt_fetch(w->m);
    turn(w);
    answer(w, &(hndsk_getspec_rsp){.op_ret = -1, .op_errno = ENOENT});
    assert_int_equal(w->failed_err, 0);
    assert_true(mgmt_connected(w->m));
    assert_string_equal(w->text, "volume a");
}

static void a_refusal_is_told_with_its_reason(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    accept_it(w);
    answer(w, &(hndsk_getspec_rsp){.op_ret = 22, .op_errno = EINVAL}); /* 10.3's error with a positive op_ret */
    assert_int_equal(w->failed_err, -EINVAL);
    assert_non_null(strstr(w->failure, "v.h1.srv-b1"));
    assert_non_null(strstr(w->failure, "192.0.2.1"));
    assert_int_equal(w->texts, 0);
}

static void a_server_that_is_not_there_fails_the_start(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    take(w);
    lose_it(w, -ECONNREFUSED);
    assert_int_equal(w->failed_err, -ENOTCONN);
    assert_non_null(strstr(w->failure, "192.0.2.1"));
}

static void dialled(const char *address, unsigned int port)
{
    struct sockaddr_storage ss;
    const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;

    fake_dials(&ss);
    assert_int_equal(ss.ss_family, AF_INET);
    assert_int_equal(ntohl(in->sin_addr.s_addr) & 0xff, (unsigned int)atoi(strrchr(address, '.') + 1));
    assert_int_equal(ntohs(in->sin_port), port);
}

static void servers_are_tried_in_turn_so_often_as_it_is_said(void **state)
{
    struct world *w = *state;
    static const char *const two[] = {"192.0.2.1", "192.0.2.2"};

    start(w, &(struct mgmt_conf){.servers = two, .nr_servers = 2, .attempts = 2, .want_servers = true});
    for (int i = 0; i < 3; i++) {
        dialled(two[i % 2], MGMT_PORT);
        take(w);
        lose_it(w, -ECONNREFUSED);
        assert_int_equal(w->failed_err, 0);
        later(w, 3001);
    }
    take(w);
    lose_it(w, -ECONNREFUSED);
    assert_int_equal(w->failed_err, -ENOTCONN);
}

static void a_daemon_may_name_more_servers(void **state)
{
    struct world *w = *state;
    struct dict *more = dict_new();
    uint8_t bytes[200];

    start(w, &(struct mgmt_conf){.want_servers = true});
    accept_it(w);
    assert_int_equal(dict_set_text(more, "cluster.brick-vol-servers", "192.0.2.7:24008 nonsense :5 192.0.2.8:99999 192.0.2.1:24007 "), 0);
    assert_true(dict3_size(more) <= sizeof(bytes));
    dict3_encode(more, bytes);
    answer(w, &(hndsk_getspec_rsp){
                  .op_ret = 8, .spec = wire_str("volume a"), .xdata = {.at = bytes, .len = (uint32_t)dict3_size(more)}});
    dict_unref(more);
    assert_int_equal(w->readies, 1);
    lose_it(w, 0);
    later(w, 3001);
    dialled("192.0.2.7", 24008);
    take(w);
    lose_it(w, -ECONNREFUSED);
    later(w, 3001);
    dialled("192.0.2.1", MGMT_PORT);
}

static void a_brick_stays_with_its_server(void **state)
{
    struct world *w = *state;
    static const char *const two[] = {"192.0.2.1", "192.0.2.2"};

    start(w, &(struct mgmt_conf){.servers = two, .nr_servers = 2, .attempts = 3, .fixed = true});
    take(w);
    lose_it(w, -ECONNREFUSED);
    later(w, 3001);
    dialled("192.0.2.1", MGMT_PORT);
}

static void an_answer_that_is_none_ends_the_connection(void **state)
{
    struct world *w = *state;
    rpc_call_header call;
    hndsk_getspec_req req;
    int err;

    start(w, NULL);
    accept_it(w);
    asked(w, &call, &req);
    deliver(w, xdr_rpc_reply_header, &(rpc_reply_header){.xid = call.xid, .type = 1}, xdr_u32, &(uint32_t){7});
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(w->texts, 0);
    lose_it(w, err);
    assert_int_not_equal(w->failed_err, 0);
}

static void it_may_be_stopped_while_an_answer_is_under_way(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    accept_it(w);
    end(w);
    assert_int_equal(w->texts + w->readies + w->failed_err, 0);
}

static void a_call_for_a_statedump_is_passed_on(void **state)
{
    struct world *w = *state;

    start(w, NULL);
    accept_it(w);
    answer_text(w, "volume a");
    call_back(w, CBK_STATEDUMP, xdr_cbk_statedump, &(cbk_statedump){.pid = 4711});
    assert_int_equal(w->dump_pid, 4711);
    call_back(w, CBK_STATEDUMP, NULL, NULL); /* without its number */
    call_back(w, 77, NULL, NULL);
    assert_int_equal(w->dump_pid, 4711);
    assert_true(mgmt_connected(w->m));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_brick_asks_for_its_volume_file_and_says_who_it_is),
        TEST(it_asks_again_when_the_daemon_says_so_and_tells_only_what_is_new),
        TEST(it_connects_again_and_asks_again),
        TEST(a_refusal_after_the_first_text_changes_nothing),
        TEST(a_refusal_is_told_with_its_reason),
        TEST(a_server_that_is_not_there_fails_the_start),
        TEST(servers_are_tried_in_turn_so_often_as_it_is_said),
        TEST(a_daemon_may_name_more_servers),
        TEST(a_brick_stays_with_its_server),
        TEST(an_answer_that_is_none_ends_the_connection),
        TEST(it_may_be_stopped_while_an_answer_is_under_way),
        TEST(a_call_for_a_statedump_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
