/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The service over a transport of bytes: errors as recorded, parking, bounds, answers from other threads and after the end. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "caller.h"
#include "dump.h"
#include "loop.h"
#include "service.h"
#include "vectors.h"
#include "wire-words.h"

enum { PROG = 1298437, VERS = 400, HNDSK = 14398633 };
enum { PROC_STAT = 1, PROC_WRITE = 13, PROC_LOCK = 26, PROC_RELEASE = 41 }; /* as the test's actors use them */

struct world {
    struct fake_env env;
    struct rpc_service *service;
    struct transport *t;
    struct rpc_conn *conn;         /* the last that was opened */
    int opened, closed, closed_err;
    bool not_privileged;
    struct rpc_request *held[8192]; /* started and not answered, in order of their start */
    unsigned int nr_held;
    bool answer_at_once;
};
static struct world *the_world; /* actors have no other way to it */

static void keep(struct rpc_request *req)
{
    struct world *w = the_world;
    if (w->answer_at_once) {
        rpc_reply(req, &(struct slicev){.n = 0});
        return;
    }
    assert_true(w->nr_held < array_len(w->held));
    w->held[w->nr_held++] = req;
}
static void run_setvolume(struct rpc_request *req)
{
    /* What protocol/server says to a dictionary that does not decode: the normal body behind an error. */
    static uint8_t refused[16] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 22, 0, 0, 0, 4};
    struct slicev body = {0};
    wire_dict3 dict;

    if (wire_decode(xdr_wire_dict3, &dict, req->args, req->args_len) < 0) {
        assert_int_equal(slicev_add(&body, (struct slice){.at = refused, .len = sizeof(refused)}), 0);
        rpc_reply_error_with(req, RPC_GARBAGE_ARGS, &body);
        return;
    }
    rpc_conn_admit(req->conn);
    rpc_reply(req, &body);
}
static size_t bulk_at_52(const uint8_t *args, size_t have)
{
    return have < 52 ? 0 : 52 + (size_t)get_u32(args + 40);
}
static size_t reply_max_from_args(const uint8_t *args, size_t len)
{
    return len >= 4 ? get_u32(args) : 0;
}

static const struct rpc_actor fop_actors[57] = {
    [PROC_STAT] = {.name = "STAT", .run = keep, .reply_max = reply_max_from_args},
    [PROC_WRITE] = {.name = "WRITE", .run = keep, .bulk_at = bulk_at_52},
    [PROC_LOCK] = {.name = "LK", .run = keep},
    [PROC_RELEASE] = {.name = "RELEASE", .run = keep, .flags = RPC_QUIET_EARLY},
};
static const struct rpc_actor hndsk_actors[2] = {[1] = {.name = "SETVOLUME", .run = run_setvolume, .flags = RPC_ANYTIME}};
static const struct rpc_program fop400 = {"GlusterFS 4.x v1", PROG, VERS, fop_actors, array_len(fop_actors), NULL};
static const struct rpc_program fop330 = {"GlusterFS 3.3", PROG, 330, NULL, 0, NULL};
static const struct rpc_program hndsk = {"GlusterFS Handshake", HNDSK, 2, hndsk_actors, array_len(hndsk_actors), NULL};

static void opened(void *host, struct rpc_conn *conn)
{
    struct world *w = host;
    w->conn = conn;
    w->opened++;
}
static bool privileged(void *host, struct rpc_conn *conn)
{
    return !((struct world *)host)->not_privileged;
}
static void closed(void *host, struct rpc_conn *conn, int err)
{
    struct world *w = host;
    w->closed++;
    w->closed_err = err;
}
static const struct rpc_service_host host = {.opened = opened, .privileged = privileged, .closed = closed};

static int setup_with(void **state, bool with_loop)
{
    struct world *w = calloc(1, sizeof(*w));
    the_world = *state = w;
    fake_env_init(&w->env, with_loop);
    w->service = rpc_service_new(&w->env.env, &host, w);
    rpc_service_add(w->service, &fop400);
    rpc_service_add(w->service, &fop330);
    rpc_service_add(w->service, &rpc_dump_program);
    rpc_service_add(w->service, &hndsk);
    if (rpc_service_listen(w->service, &fake_transport, NULL, NULL) < 0)
        return -1;
    w->t = fake_connect(NULL);
    return 0;
}
static int setup(void **state)
{
    return setup_with(state, false);
}
static int setup_loop(void **state)
{
    return setup_with(state, true);
}
static int teardown(void **state)
{
    struct world *w = *state;
    if (w->t)
        fake_close(w->t);
    for (unsigned int i = 0; i < w->nr_held; i++)
        if (w->held[i])
            rpc_no_reply(w->held[i]);
    rpc_service_free(w->service);
    fake_env_done(&w->env); /* buffers, records, messages, requests: none left */
    free(w);
    return 0;
}

static void answer(struct world *w, unsigned int i)
{
    struct rpc_request *req = w->held[i];
    w->held[i] = NULL;
    rpc_reply(req, &(struct slicev){.n = 0});
}
static void stat_call(struct world *w, uint32_t xid, uint32_t reply_max)
{
    uint8_t args[4];
    put_u32(args, reply_max);
    caller_call(w->t, xid, PROG, VERS, PROC_STAT, args, sizeof(args));
}
static void ping(struct world *w, uint32_t xid)
{
    caller_call(w->t, xid, DUMP_PROGRAM, DUMP_VERSION, DUMP_PING, NULL, 0);
}
static void last_reply_is(struct world *w, uint32_t xid, uint32_t stat, size_t len)
{
    uint32_t got_xid, got_stat;
    size_t got_len;
    assert_true(fake_nr_sent(w->t) > 0);
    caller_reply(w->t, fake_nr_sent(w->t) - 1, &got_xid, &got_stat, &got_len);
    assert_int_equal(got_xid, xid);
    assert_int_equal(got_stat, stat);
    assert_int_equal(got_len, len);
}

/* ---- what stock answers ------------------------------------------------------------------------------------------------- */
static void every_wrong_call_gets_the_recorded_answer(void **state)
{
    struct world *w = *state;
    struct vector *all = vectors_load(VECTORS, "rpc-");
    unsigned int n = 0;

    for (struct vector *v = all; v->name[0]; v++, n++) {
        const uint8_t *got;
        size_t len = 0;
        fake_deliver(w->t, v->call, v->call_len);
        got = fake_sent(w->t, n, &len);
        if (!got || len != v->reply_len || memcmp(got, v->reply, len) != 0)
            fail_msg("%s: %zu bytes, recorded: %zu", v->name, len, v->reply_len);
    }
    assert_int_equal(n, 9);
    assert_false(fake_disconnected(w->t, NULL));
    vectors_free(all);
}

static void ping_and_dump_are_answered_as_recorded_before_anything_else(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"dump-PING.hex", "dump-DUMP.hex"};

    for (unsigned int i = 0; i < 2; i++) {
        struct vector *v = vectors_load(VECTORS, names[i]);
        size_t len;
        const uint8_t *got;
        fake_deliver(w->t, v->call, v->call_len);
        got = fake_sent(w->t, i, &len);
        assert_non_null(got);
        assert_int_equal(len, v->reply_len);
        assert_memory_equal(got, v->reply, len);
        vectors_free(v);
    }
}

static void a_call_cut_at_any_byte_is_answered_or_ends_the_connection_and_nothing_is_left(void **state)
{
    struct world *w = *state;
    uint8_t *bytes;
    uint64_t gfs_id = 0;
    size_t len = caller_make(&bytes, 7, DUMP_PROGRAM, DUMP_VERSION, DUMP_DUMP, &gfs_id, sizeof(gfs_id));

    for (size_t n = 0; n < len; n++) {
        fake_deliver(w->t, bytes, n);
        /* In the header: xid 0. Behind it: the arguments are short. */
        last_reply_is(w, n < len - 8 ? 0 : 7, RPC_GARBAGE_ARGS, 0);
        assert_int_equal(fake_nr_sent(w->t), n + 1);
    }
    free(bytes);
}

static void a_message_that_is_no_call_ends_the_connection(void **state)
{
    struct world *w = *state;
    uint8_t reply[24] = {[3] = 9, [7] = 1};
    int err;

    fake_deliver(w->t, reply, sizeof(reply));
    assert_int_equal(fake_nr_sent(w->t), 0);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -EPROTO);
}

static void release_before_setvolume_gets_no_answer(void **state)
{
    struct world *w = *state;
    caller_call(w->t, 1, PROG, VERS, PROC_RELEASE, NULL, 0);
    assert_int_equal(fake_nr_sent(w->t), 0);
    stat_call(w, 2, 0);
    last_reply_is(w, 2, RPC_GARBAGE_ARGS, 0);
    rpc_conn_admit(w->conn);
    assert_true(fake_admitted(w->t));
    caller_call(w->t, 3, PROG, VERS, PROC_RELEASE, NULL, 0);
    assert_int_equal(w->nr_held, 1);
}

static void an_unprivileged_port_is_denied_every_call(void **state)
{
    struct world *w = *state;
    const uint8_t *got;
    size_t len;

    w->not_privileged = true;
    ping(w, 5);
    got = fake_sent(w->t, 0, &len);
    assert_int_equal(len, 20);
    assert_int_equal(get_u32(got), 5);
    assert_int_equal(get_u32(got + 8), 1);  /* denied */
    assert_int_equal(get_u32(got + 12), 1); /* authentication */
    assert_int_equal(get_u32(got + 16), 2);
}

/* ---- credentials -------------------------------------------------------------------------------------------------------- */
static void call_with_cred(struct world *w, uint32_t flavor, const void *cred, uint32_t len, const void *verf, uint32_t verf_len)
{
    rpc_call_header h = {.xid = 3, .rpcvers = 2, .prog = PROG, .vers = VERS, .proc = PROC_STAT, .cred_flavor = flavor,
                         .cred = {.at = cred, .len = len}, .verf_flavor = 77, .verf = {.at = verf, .len = verf_len}};
    uint8_t bytes[1024];
    XDR x;
    wire_writer(&x, bytes, sizeof(bytes));
    assert_true(xdr_rpc_call_header(&x, &h));
    fake_deliver(w->t, bytes, wire_done(&x));
}
static uint32_t auth_v3(uint8_t *to, uint32_t groups, uint32_t owner_len)
{
    static const uint8_t owner[100] = "owner";
    rpc_auth_v3 a = {.pid = -3, .uid = 4, .gid = 5, .time_flags = 6, .time_nsec = 7, .time_sec = 8,
                     .groups = {.count = groups}, .owner = {.at = owner, .len = owner_len}};
    XDR x;
    for (uint32_t i = 0; i < groups; i++)
        a.groups.id[i] = 100 + i;
    wire_writer(&x, to, 1024);
    assert_true(xdr_rpc_auth_v3(&x, &a));
    return (uint32_t)wire_done(&x);
}
static bool denied(struct world *w)
{
    size_t len;
    const uint8_t *got = fake_sent(w->t, fake_nr_sent(w->t) - 1, &len);
    return len == 20 && get_u32(got + 8) == 1 && get_u32(got + 12) == 1 && get_u32(got + 16) == 0;
}

static void credentials_of_version_3_say_who_calls(void **state)
{
    struct world *w = *state;
    uint8_t cred[1024];
    const struct rpc_cred *c;

    rpc_conn_admit(w->conn);
    call_with_cred(w, 390040, cred, auth_v3(cred, 83, 8), NULL, 0);
    assert_int_equal(w->nr_held, 1);
    c = &w->held[0]->cred;
    assert_int_equal(c->pid, -3);
    assert_int_equal(c->uid, 4);
    assert_int_equal(c->gid, 5);
    assert_int_equal(c->time_flags, 6);
    assert_int_equal(c->time_nsec, 7);
    assert_int_equal(c->time_sec, 8);
    assert_int_equal(c->nr_groups, 83);
    assert_int_equal(c->groups[82], 182);
    assert_int_equal(c->owner_len, 8);
    assert_memory_equal(c->owner, "owner", 6);
}

static void groups_and_owner_share_their_limit(void **state)
{
    static const struct {
        uint32_t groups, owner;
        bool good;
    } cases[] = {{83, 8, true}, {87, 8, false}, {91, 0, true}, {92, 0, false}, {0, 91, true}, {0, 92, false}}; /* spec 1.7 */
    struct world *w = *state;
    uint8_t cred[1024];

    rpc_conn_admit(w->conn);
    for (size_t i = 0; i < array_len(cases); i++) {
        unsigned int held = w->nr_held, sent = fake_nr_sent(w->t);
        uint32_t len = auth_v3(cred, cases[i].groups, cases[i].owner);
        call_with_cred(w, 390040, cred, len, NULL, 0);
        assert_int_equal(w->nr_held - held, cases[i].good);
        assert_int_equal(fake_nr_sent(w->t) - sent, !cases[i].good);
        if (!cases[i].good && len <= 400)
            assert_true(denied(w));
    }
}

static void unix_old_and_unknown_credentials_are_taken_and_broken_ones_denied(void **state)
{
    struct world *w = *state;
    static const uint8_t unix_cred[] = {0, 0, 0, 1, 0, 0, 0, 1, 'h', 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 11, 0, 0, 0, 1, 0, 0, 0, 12};
    static const uint8_t old[24 + 64] = {[7] = 0xaa, [11] = 20, [15] = 21, [19] = 22, [23] = 1, [27] = 23};

    rpc_conn_admit(w->conn);
    call_with_cred(w, 1, unix_cred, sizeof(unix_cred), NULL, 0);
    assert_int_equal(w->held[0]->cred.uid, 10);
    assert_int_equal(w->held[0]->cred.gid, 11);
    assert_int_equal(w->held[0]->cred.groups[0], 12);
    call_with_cred(w, 5, old, sizeof(old), NULL, 0);
    assert_int_equal(w->held[1]->cred.pid, 20);
    assert_int_equal(w->held[1]->cred.uid, 21);
    assert_int_equal(w->held[1]->cred.gid, 22);
    assert_int_equal(w->held[1]->cred.groups[0], 23);
    assert_int_equal(w->held[1]->cred.owner_len, 8);
    assert_int_equal(w->held[1]->cred.owner[7], 0xaa);
    call_with_cred(w, 4711, old, sizeof(old), NULL, 0);
    assert_int_equal(w->held[2]->cred.uid, 0);
    assert_int_equal(w->held[2]->cred.owner_len, 0);
    assert_int_equal(w->nr_held, 3);
    call_with_cred(w, 1, unix_cred, 12, NULL, 0);
    assert_true(denied(w));
    call_with_cred(w, 5, old, sizeof(old) - 4, NULL, 0);
    assert_true(denied(w));
    call_with_cred(w, 390039, old, 8, NULL, 0);
    assert_true(denied(w));
    assert_int_equal(w->nr_held, 3);
}

static void the_verifier_is_repeated(void **state)
{
    struct world *w = *state;
    uint8_t cred[1024];
    const uint8_t *got;
    rpc_reply_header h;
    size_t len;

    rpc_conn_admit(w->conn);
    call_with_cred(w, 390040, cred, auth_v3(cred, 0, 0), "verifier", 8);
    answer(w, 0);
    got = fake_sent(w->t, 0, &len);
    assert_int_equal(wire_decode(xdr_rpc_reply_header, &h, got, len), (int64_t)len);
    assert_int_equal(h.verf_flavor, 77);
    assert_int_equal(h.verf.len, 8);
    assert_memory_equal(h.verf.at, "verifier", 8);
}

/* ---- bulk --------------------------------------------------------------------------------------------------------------- */
static void write_data_arrives_whole_wherever_it_landed(void **state)
{
    static const size_t sizes[] = {0, 1, 19, 16000, 16384, 65536, 3 * MiB + 1};
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    for (size_t i = 0; i < array_len(sizes); i++) {
        size_t len = sizes[i], args_len = 52 + 20;
        uint8_t *args = calloc(1, args_len + len), *bytes, *back = malloc(len + 1);
        struct slicev data = {0};
        size_t n;

        put_u32(args + 40, 20); /* dictionary's bytes */
        for (size_t k = 0; k < len; k++)
            args[args_len + k] = (uint8_t)(k * 7);
        n = caller_make(&bytes, (uint32_t)i, PROG, VERS, PROC_WRITE, args, args_len + len);
        fake_deliver_in_steps(w->t, bytes, n, 16 * KiB, 100); /* 100: not even the header at first */
        assert_int_equal(w->nr_held, i + 1);
        assert_int_equal(rpc_request_bulk(w->held[i], args_len, &data), 0);
        assert_int_equal(data.len, len);
        slicev_copy_out(&data, 0, back, len);
        assert_memory_equal(back, args + args_len, len);
        slicev_done(&data);
        if (n > 16 * KiB) {
            assert_true(w->held[i]->record->bulk.len == len);
            assert_int_equal(rpc_request_bulk(w->held[i], args_len - 4, &data), -EINVAL);
        }
        assert_int_equal(rpc_request_bulk(w->held[i], w->held[i]->args_len + 1, &data), -EINVAL);
        free(args);
        free(bytes);
        free(back);
    }
}

static void a_write_whose_dictionary_is_longer_than_the_record_is_all_head(void **state)
{
    struct world *w = *state;
    uint8_t *args = calloc(1, 20000);

    rpc_conn_admit(w->conn);
    put_u32(args + 40, 0xfffffff0);
    caller_call(w->t, 1, PROG, VERS, PROC_WRITE, args, 20000);
    assert_int_equal(w->nr_held, 1);
    assert_int_equal(w->held[0]->record->bulk.len, 0);
    free(args);
}

static void a_long_record_without_bulk_does_not_become_one_buffer(void **state)
{
    struct world *w = *state;
    uint8_t *args = calloc(1, 5 * MiB);

    rpc_conn_admit(w->conn);
    caller_call(w->t, 1, PROG, VERS, PROC_STAT, args, 5 * MiB);
    assert_int_equal(w->nr_held, 1);
    assert_int_equal(w->held[0]->record->head.len, 2 * MiB);
    free(args);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------- */
static void beyond_the_limit_requests_wait_in_order_and_pings_do_not(void **state)
{
    struct world *w = *state;
    struct transport_stats stats;
    unsigned int outstanding;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 4);
    for (uint32_t xid = 0; xid < 10; xid++)
        stat_call(w, xid, 0);
    assert_int_equal(w->nr_held, 4);
    rpc_conn_stats(w->conn, &stats, &outstanding);
    assert_int_equal(outstanding, 4);
    ping(w, 100);
    last_reply_is(w, 100, RPC_OK, 12);
    answer(w, 2);
    assert_int_equal(w->nr_held, 5);
    answer(w, 0);
    answer(w, 1);
    for (unsigned int i = 3; i < 10; i++)
        answer(w, i);
    assert_int_equal(w->nr_held, 10);
    assert_int_equal(fake_nr_sent(w->t), 11);
    assert_int_equal(fake_pauses(w->t), 0);
    rpc_conn_stats(w->conn, &stats, &outstanding);
    assert_int_equal(outstanding, 0);
}

static void parked_requests_start_in_order_of_arrival(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 100; xid++)
        stat_call(w, xid, 0);
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(w->nr_held, i + 1);
        assert_int_equal(w->held[i]->xid, i);
        answer(w, i);
    }
}

static void a_limit_of_zero_is_none(void **state)
{
    struct world *w = *state;
    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 0);
    for (uint32_t xid = 0; xid < 1000; xid++)
        stat_call(w, xid, 0);
    assert_int_equal(w->nr_held, 1000);
}

static void a_waiting_lock_makes_room_for_the_unlock(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 2);
    for (uint32_t xid = 0; xid < 5000; xid++) {
        caller_call(w->t, xid, PROG, VERS, PROC_LOCK, NULL, 0);
        assert_int_equal(w->nr_held, xid + 1);
        rpc_uncount(w->held[xid]);
    }
    stat_call(w, 5000, 0);
    assert_int_equal(w->nr_held, 5001);
    for (unsigned int i = 0; i <= 5000; i++)
        answer(w, i);
}

static void parking_too_much_stops_reading_until_half_is_gone(void **state)
{
    struct world *w = *state;
    uint8_t *args = calloc(1, MiB);

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 17; xid++)
        caller_call(w->t, xid, PROG, VERS, PROC_LOCK, args, MiB);
    assert_int_equal(fake_pauses(w->t), 1);
    for (unsigned int i = 0; i < 17; i++) {
        assert_int_equal(fake_pauses(w->t), i < 9); /* 16 parked, then 15, ... 8 MiB with what they cost at 7 */
        answer(w, i);
    }
    assert_int_equal(fake_pauses(w->t), 0);
    free(args);
}

static void a_small_flood_is_stopped_as_well(void **state)
{
    struct world *w = *state;
    uint32_t xid = 0;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    while (xid < 20000 && fake_pauses(w->t) == 0)
        stat_call(w, xid++, 0);
    assert_true(xid > 4096 && xid < 10000); /* 16 MiB at 2 KiB and some */
    assert_int_equal(w->nr_held, 1);
}

static void started_records_have_a_bound_and_one_is_always_let_through(void **state)
{
    struct world *w = *state;
    uint8_t *args = calloc(1, 30 * MiB);

    rpc_conn_admit(w->conn);
    put_u32(args + 40, 0);
    for (uint32_t xid = 0; xid < 3; xid++)
        caller_call(w->t, xid, PROG, VERS, PROC_WRITE, args, 30 * MiB);
    assert_int_equal(w->nr_held, 2);
    answer(w, 0);
    assert_int_equal(w->nr_held, 3);
    free(args);
}

static void replies_that_would_not_fit_into_the_queue_are_not_started(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    fake_hold(w->t, true);
    for (uint32_t xid = 0; xid < 20; xid++)
        stat_call(w, xid, 1 * MiB);
    assert_int_equal(w->nr_held, 16);      /* of 16 MiB */
    answer(w, 0);                          /* the answer was small, its reservation is given back */
    assert_int_equal(w->nr_held, 16);      /* 15 MiB and 24 bytes: one more MiB does not fit */
    fake_release(w->t, UINT32_MAX, 0);
    assert_int_equal(w->nr_held, 17);
    stat_call(w, 20, 4 * MiB);
    for (unsigned int i = 1; i < 17; i++)
        answer(w, i);
    fake_release(w->t, UINT32_MAX, 0);
    assert_int_equal(w->nr_held, 21);
}

static void a_reply_larger_than_the_bound_is_started_when_nothing_else_is_there(void **state)
{
    struct world *w = *state;
    rpc_conn_admit(w->conn);
    stat_call(w, 1, 1 << 30);
    assert_int_equal(w->nr_held, 1);
    stat_call(w, 2, 1 << 30);
    stat_call(w, 3, 1);
    assert_int_equal(w->nr_held, 1);
    answer(w, 0);
    assert_int_equal(w->nr_held, 2);
}

static void answer_with(struct world *w, unsigned int i, uint8_t *bytes, size_t len)
{
    struct slicev body = {0};
    assert_int_equal(slicev_add(&body, (struct slice){.at = bytes, .len = len}), 0);
    rpc_reply(w->held[i], &body);
    w->held[i] = NULL;
}
static void when_all_together_queue_too_much_the_largest_is_closed(void **state)
{
    struct world *w = *state;
    struct transport *first = w->t, *second;
    uint8_t *bytes = calloc(1, 100000);
    int err;

    rpc_service_set_send_max(w->service, 1 * MiB, 150000);
    rpc_conn_admit(w->conn);
    second = fake_connect(NULL);
    rpc_conn_admit(w->conn);
    fake_hold(first, true);
    fake_hold(second, true);
    caller_call(first, 1, PROG, VERS, PROC_LOCK, NULL, 0);
    caller_call(second, 1, PROG, VERS, PROC_LOCK, NULL, 0);
    answer_with(w, 0, bytes, 60000);
    assert_false(fake_disconnected(first, NULL));
    answer_with(w, 1, bytes, 100000);
    assert_true(fake_disconnected(second, &err));
    assert_int_equal(err, -ENOBUFS);
    assert_false(fake_disconnected(first, NULL));
    caller_call(first, 2, PROG, VERS, PROC_LOCK, NULL, 0);
    answer_with(w, 2, bytes, 60000); /* the second one's bytes are on their way out and do not count any more */
    assert_false(fake_disconnected(first, NULL));
    fake_close(second);
    free(bytes);
}

/* ---- callbacks ---------------------------------------------------------------------------------------------------------- */
static void callbacks_count_from_one_and_carry_no_credential(void **state)
{
    static uint8_t args[4] = {1, 2, 3, 4};
    struct world *w = *state;
    rpc_call_header h;
    struct slicev body = {0};
    const uint8_t *got;
    size_t len;

    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(slicev_add(&body, (struct slice){.at = args, .len = 4}), 0);
        assert_int_equal(rpc_callback(w->conn, 52743234, 1, 6, &body), 0);
        got = fake_sent(w->t, i, &len);
        assert_int_equal(len, 44);
        assert_int_equal(wire_decode(xdr_rpc_call_header, &h, got, len), 40);
        assert_int_equal(h.xid, i + 1);
        assert_int_equal(h.type, 0);
        assert_int_equal(h.prog, 52743234);
        assert_int_equal(h.proc, 6);
        assert_int_equal(h.cred_flavor, 0);
        assert_int_equal(h.cred.len + h.verf.len, 0);
        assert_memory_equal(got + 40, args, 4);
    }
}

static void a_client_that_does_not_read_its_callbacks_is_closed(void **state)
{
    struct world *w = *state;
    struct slicev body = {0};
    int ret = 0, n = 0, err;

    rpc_service_set_send_max(w->service, 4096, 1 << 30);
    fake_hold(w->t, true);
    while (n < 1000 && (ret = rpc_callback(w->conn, 52743234, 1, 6, &body)) == 0)
        n++;
    assert_int_equal(ret, -ENOBUFS);
    assert_int_equal(n, 4096 / 40 + 1);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -ENOBUFS);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */
static void answers_after_the_end_are_taken_and_dropped(void **state)
{
    struct world *w = *state;
    struct rpc_conn *conn = rpc_conn_ref(w->conn);
    struct slicev body = {0};

    rpc_conn_admit(conn);
    rpc_service_set_outstanding(w->service, 3);
    for (uint32_t xid = 0; xid < 10; xid++)
        stat_call(w, xid, 0);
    assert_int_equal(w->opened, 1);
    fake_down(w->t, -ECONNRESET);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->closed_err, -ECONNRESET);
    assert_int_equal(rpc_service_conns(w->service), 0);
    assert_int_equal(w->nr_held, 3); /* the parked ones are gone */
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_REQUESTS]), 3);
    for (unsigned int i = 0; i < 3; i++)
        answer(w, i);
    assert_int_equal(w->nr_held, 3);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_REQUESTS]), 0);
    assert_int_equal(rpc_callback(conn, 52743234, 1, 6, &body), -ENOTCONN);
    assert_int_equal(fake_nr_sent(w->t), 0);
    rpc_conn_unref(conn);
}

static void what_was_queued_at_the_end_is_released_once(void **state)
{
    struct world *w = *state;
    rpc_conn_admit(w->conn);
    fake_hold(w->t, true);
    for (uint32_t xid = 0; xid < 5; xid++) {
        stat_call(w, xid, 0);
        answer(w, xid);
    }
    fake_release(w->t, 2, 0);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_MESSAGES]), 3);
    fake_down(w->t, -EPIPE);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_MESSAGES]), 0);
}

static void a_connection_that_never_came_up_is_never_heard_of(void **state)
{
    struct world *w = *state;
    struct transport *t = fake_connect_early(NULL);

    assert_int_equal(rpc_service_conns(w->service), 2);
    fake_close(t);
    assert_int_equal(rpc_service_conns(w->service), 1);
    assert_int_equal(w->opened, 1);
    assert_int_equal(w->closed, 0);
}

static void everybody_is_disconnected_at_the_end_of_the_process(void **state)
{
    struct world *w = *state;
    struct transport *up = fake_connect(NULL), *early = fake_connect_early(NULL);

    rpc_service_disconnect_all(w->service, -ESHUTDOWN);
    assert_true(fake_disconnected(w->t, NULL));
    assert_true(fake_disconnected(up, NULL));
    assert_true(fake_disconnected(early, NULL));
    fake_close(up);
    fake_close(early);
}

/* ---- threads ------------------------------------------------------------------------------------------------------------ */
static void actors_that_answer_at_once_drain_the_queue_without_recursion(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 5000; xid++)
        stat_call(w, xid, 0);
    assert_int_equal(w->nr_held, 1);
    w->answer_at_once = true;
    answer(w, 0);
    assert_int_equal(fake_nr_sent(w->t), 5000);
}

static void stop_when_sent(struct timer *t);
struct until {
    struct timer timer;
    struct world *w;
    unsigned int sent;
    int turns;
};
static void stop_when_sent(struct timer *t)
{
    struct until *u = container_of(t, struct until, timer);
    if (fake_nr_sent(u->w->t) >= u->sent || --u->turns == 0)
        loop_stop(u->w->env.env.loop);
    else
        loop_arm(u->w->env.env.loop, t, 1);
}
static void after_one_turn_the_event_loop_goes_on_with_a_long_queue(void **state)
{
    struct world *w = *state;
    struct until u = {.timer.expired = stop_when_sent, .w = w, .sent = 200, .turns = 30000};

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 200; xid++)
        stat_call(w, xid, 0);
    w->answer_at_once = true;
    answer(w, 0);
    assert_int_equal(fake_nr_sent(w->t), 17); /* the worker's share */
    stat_call(w, 1000, 0);                    /* stays behind the others */
    u.sent = 201;
    assert_int_equal(loop_arm(w->env.env.loop, &u.timer, 1), 0);
    assert_int_equal(loop_run(w->env.env.loop), 0);
    assert_int_equal(fake_nr_sent(w->t), 201);
    last_reply_is(w, 1000, RPC_OK, 0);
}

static void an_end_in_the_middle_of_a_long_queue_is_told_last(void **state)
{
    struct world *w = *state;
    struct until u = {.timer.expired = stop_when_sent, .w = w, .sent = 1000000, .turns = 20};

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 200; xid++)
        stat_call(w, xid, 0);
    w->answer_at_once = true;
    answer(w, 0);
    fake_down(w->t, -ECONNRESET);
    assert_int_equal(w->closed, 0); /* somebody is still at it */
    assert_int_equal(loop_arm(w->env.env.loop, &u.timer, 1), 0);
    assert_int_equal(loop_run(w->env.env.loop), 0);
    assert_int_equal(w->closed, 1);
    assert_int_equal(fake_nr_sent(w->t), 17);
}

/* Four threads answer what the poller starts. Run under ThreadSanitizer too. */
struct crew {
    struct world *w;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct rpc_request *queue;
    bool end;
    uint32_t last_xid;
    bool disorder;
};
static struct crew crew;
static void to_the_crew(struct rpc_request *req)
{
    SCOPED_LOCK(&crew.lock);
    crew.disorder |= req->xid != crew.last_xid + 1; /* one starter at a time, in order of arrival */
    crew.last_xid = req->xid;
    req->data = crew.queue;
    crew.queue = req;
    pthread_cond_signal(&crew.cond);
}
static void *crew_main(void *arg)
{
    pthread_mutex_lock(&crew.lock);
    for (;;) {
        struct rpc_request *req = crew.queue;
        if (!req && crew.end)
            break;
        if (!req) {
            pthread_cond_wait(&crew.cond, &crew.lock);
            continue;
        }
        crew.queue = req->data;
        pthread_mutex_unlock(&crew.lock);
        rpc_reply(req, &(struct slicev){.n = 0});
        pthread_mutex_lock(&crew.lock);
    }
    pthread_mutex_unlock(&crew.lock);
    return NULL;
}
static void many_threads_answer_while_requests_arrive(void **state)
{
    static const struct rpc_actor actors[1] = {{.name = "X", .run = to_the_crew}};
    static const struct rpc_program x = {"x", 4711, 1, actors, 1, NULL};
    enum { N = 20000 };
    struct fake_env env;
    struct world w = {0};
    pthread_t threads[4];
    struct transport *t;

    fake_env_init(&env, false);
    w.service = rpc_service_new(&env.env, &host, &w);
    assert_int_equal(rpc_service_add(w.service, &x), 0);
    assert_int_equal(rpc_service_listen(w.service, &fake_transport, NULL, NULL), 0);
    rpc_service_set_outstanding(w.service, 8);
    crew = (struct crew){.w = &w, .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    t = fake_connect(NULL);
    rpc_conn_admit(w.conn);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crew_main, NULL), 0);
    for (uint32_t xid = 1; xid <= N; xid++)
        caller_call(t, xid, 4711, 1, 0, NULL, 0);
    while (fake_nr_sent(t) < N)
        sched_yield(); /* a lost request hangs here, and the harness ends it */
    pthread_mutex_lock(&crew.lock);
    crew.end = true;
    pthread_cond_broadcast(&crew.cond);
    pthread_mutex_unlock(&crew.lock);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_false(crew.disorder);
    assert_int_equal(fake_nr_sent(t), N);
    fake_close(t);
    rpc_service_free(w.service);
    fake_env_done(&env);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_LOOP(f) cmocka_unit_test_setup_teardown(f, setup_loop, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_wrong_call_gets_the_recorded_answer),
        TEST(ping_and_dump_are_answered_as_recorded_before_anything_else),
        TEST(a_call_cut_at_any_byte_is_answered_or_ends_the_connection_and_nothing_is_left),
        TEST(a_message_that_is_no_call_ends_the_connection),
        TEST(release_before_setvolume_gets_no_answer),
        TEST(an_unprivileged_port_is_denied_every_call),
        TEST(credentials_of_version_3_say_who_calls),
        TEST(groups_and_owner_share_their_limit),
        TEST(unix_old_and_unknown_credentials_are_taken_and_broken_ones_denied),
        TEST(the_verifier_is_repeated),
        TEST(write_data_arrives_whole_wherever_it_landed),
        TEST(a_write_whose_dictionary_is_longer_than_the_record_is_all_head),
        TEST(a_long_record_without_bulk_does_not_become_one_buffer),
        TEST(beyond_the_limit_requests_wait_in_order_and_pings_do_not),
        TEST(parked_requests_start_in_order_of_arrival),
        TEST(a_limit_of_zero_is_none),
        TEST(a_waiting_lock_makes_room_for_the_unlock),
        TEST(parking_too_much_stops_reading_until_half_is_gone),
        TEST(a_small_flood_is_stopped_as_well),
        TEST(started_records_have_a_bound_and_one_is_always_let_through),
        TEST(replies_that_would_not_fit_into_the_queue_are_not_started),
        TEST(a_reply_larger_than_the_bound_is_started_when_nothing_else_is_there),
        TEST(when_all_together_queue_too_much_the_largest_is_closed),
        TEST(callbacks_count_from_one_and_carry_no_credential),
        TEST(a_client_that_does_not_read_its_callbacks_is_closed),
        TEST(answers_after_the_end_are_taken_and_dropped),
        TEST(what_was_queued_at_the_end_is_released_once),
        TEST(a_connection_that_never_came_up_is_never_heard_of),
        TEST(everybody_is_disconnected_at_the_end_of_the_process),
        TEST(actors_that_answer_at_once_drain_the_queue_without_recursion),
        TEST_LOOP(after_one_turn_the_event_loop_goes_on_with_a_long_queue),
        TEST_LOOP(an_end_in_the_middle_of_a_long_queue_is_told_last),
        cmocka_unit_test(many_threads_answer_while_requests_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
