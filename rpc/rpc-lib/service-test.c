/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a service says to calls, right and wrong, and where bulk data lands. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dump.h"
#include "vectors.h"
#include "wire-words.h"
#include "world.h"

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
        world_last_reply_is(w, n < len - 8 ? 0 : 7, RPC_GARBAGE_ARGS, 0);
        assert_int_equal(fake_nr_sent(w->t), n + 1);
    }
    free(bytes);
}

static void a_message_that_is_neither_call_nor_reply_ends_the_connection(void **state)
{
    struct world *w = *state;
    uint8_t message[24] = {[3] = 9, [7] = 1};
    int err;

    fake_deliver(w->t, message, sizeof(message)); /* a reply; nobody asked */
    world_last_reply_is(w, 0, RPC_GARBAGE_ARGS, 0);
    assert_false(fake_disconnected(w->t, NULL));
    message[7] = 2;
    fake_deliver(w->t, message, sizeof(message));
    assert_int_equal(fake_nr_sent(w->t), 1);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -EPROTO);
}

static void release_before_setvolume_gets_no_answer(void **state)
{
    struct world *w = *state;
    caller_call(w->t, 1, PROG, VERS, PROC_RELEASE, NULL, 0);
    assert_int_equal(fake_nr_sent(w->t), 0);
    world_stat(w, 2, 0);
    world_last_reply_is(w, 2, RPC_GARBAGE_ARGS, 0);
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
    world_ping(w, 5);
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

static void verifier_is(struct world *w, unsigned int n, uint32_t flavor, uint32_t len)
{
    rpc_reply_header h;
    size_t got_len;
    const uint8_t *got = fake_sent(w->t, n, &got_len);
    assert_int_equal(wire_decode(xdr_rpc_reply_header, &h, got, got_len), (int64_t)got_len);
    assert_int_equal(h.verf_flavor, flavor);
    assert_int_equal(h.verf.len, len);
    assert_memory_equal(h.verf.at, "verifier", len);
}
static void the_verifier_is_repeated_without_its_flavor_when_the_credential_is_unknown(void **state)
{
    struct world *w = *state;
    uint8_t cred[1024];

    rpc_conn_admit(w->conn);
    call_with_cred(w, 390040, cred, auth_v3(cred, 0, 0), "verifier", 8);
    world_answer(w, 0);
    verifier_is(w, 0, 77, 8);
    call_with_cred(w, 0, NULL, 0, "verifier", 8);
    world_answer(w, 1);
    verifier_is(w, 1, 77, 8);
    call_with_cred(w, 4711, "12345678", 8, "verifier", 8);
    world_answer(w, 2);
    verifier_is(w, 2, 0, 8);
}
static void a_verifier_above_400_bytes_is_not_understood(void **state)
{
    static const uint8_t verf[404];
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    call_with_cred(w, 0, NULL, 0, verf, 400);
    assert_int_equal(w->nr_held, 1);
    call_with_cred(w, 0, NULL, 0, verf, 404);
    assert_int_equal(w->nr_held, 1);
    world_last_reply_is(w, 0, RPC_GARBAGE_ARGS, 0);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_wrong_call_gets_the_recorded_answer),
        TEST(ping_and_dump_are_answered_as_recorded_before_anything_else),
        TEST(a_call_cut_at_any_byte_is_answered_or_ends_the_connection_and_nothing_is_left),
        TEST(a_message_that_is_neither_call_nor_reply_ends_the_connection),
        TEST(release_before_setvolume_gets_no_answer),
        TEST(an_unprivileged_port_is_denied_every_call),
        TEST(credentials_of_version_3_say_who_calls),
        TEST(groups_and_owner_share_their_limit),
        TEST(unix_old_and_unknown_credentials_are_taken_and_broken_ones_denied),
        TEST(the_verifier_is_repeated_without_its_flavor_when_the_credential_is_unknown),
        TEST(a_verifier_above_400_bytes_is_not_understood),
        TEST(write_data_arrives_whole_wherever_it_landed),
        TEST(a_write_whose_dictionary_is_longer_than_the_record_is_all_head),
        TEST(a_long_record_without_bulk_does_not_become_one_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
