/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What `gluster volume status` is told about a brick's clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "brick.h"
#include "status.h"

static int start(void **state)
{
    struct brick *b = calloc(1, sizeof(*b));

    brick_start(b, NULL);
    *state = b;
    return 0;
}

static int stop(void **state)
{
    brick_stop(*state);
    free(*state);
    return 0;
}

static struct dict *ask(struct brick *b, uint32_t cmd)
{
    struct dict *d = dict_new();

    assert_int_equal(server_status(b->graph->top, "x0", cmd, d), 0);
    return d;
}

static int64_t number(const struct dict *d, const char *key)
{
    int64_t v;

    assert_int_equal(dict_get_i64(d, key, &v), 0);
    return v;
}

static void text_is(const struct dict *d, const char *key, const char *want)
{
    const char *text;

    assert_int_equal(dict_get_text(d, key, &text), 0);
    assert_string_equal(text, want);
}

static void each_connection_is_a_client_of_the_list(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one"), *same = brick_connect(b, "one"), *nobody = fake_connect(NULL);
    struct dict *d = ask(b, STATUS_CLIENTS);

    assert_int_equal(number(d, "clientcount"), 2);
    text_is(d, "client0.hostname", "192.0.2.1:1023");
    text_is(d, "client1.name", "unknown");
    assert_int_equal(number(d, "client0.opversion"), 0);
    assert_true(number(d, "client0.bytesread") >= 0);
    assert_true(number(d, "client0.byteswrite") >= 0);
    dict_unref(d);
    fake_close(t);
    d = ask(b, STATUS_CLIENT_LIST);
    assert_int_equal(number(d, "clientcount"), 1);
    dict_unref(d);
    fake_close(same);
    fake_close(nobody);
}

struct cleared {
    struct server_clear c;
    int r, calls;
    char text[128];
};
static void on_cleared(struct server_clear *c, int r, const char *text)
{
    struct cleared *k = container_of(c, struct cleared, c);

    k->r = r;
    k->calls++;
    snprintf(k->text, sizeof(k->text), "%s", text ? text : "");
}

static void clearing_locks_of_no_brick_or_outside_of_it_is_an_error(void **state)
{
    struct brick *b = *state;
    struct cleared k = {.c = {.path = "/f", .key = "glusterfs.clrlk.tposix.kall", .done = on_cleared}};

    server_clear_locks(b->graph->top, "/nosuch", &k.c);
    assert_int_equal(k.r, -ENODEV);
    k.c.path = "/../etc/passwd";
    server_clear_locks(b->graph->top, "x0", &k.c);
    assert_int_equal(k.r, -ENOENT);
    assert_int_equal(k.calls, 2);
}

static void what_each_connection_does_is_told(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct dict *d = ask(b, STATUS_CONNS | 0x100);

    assert_int_equal(number(d, "livecount"), 1);
    assert_int_equal(number(d, "livetotal"), 1);
    text_is(d, "conn0.hostname", "192.0.2.1:1023");
    text_is(d, "conn0.cipher", ""); /* it is not encrypted */
    assert_int_equal(number(d, "conn0.outstanding"), 0);
    assert_true(number(d, "conn0.stalls") >= 0);
    assert_true(number(d, "conn0.handshake-us") >= 0);
    dict_unref(d);
    fake_close(t);
}

static void open_descriptors_and_inodes_are_told(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    brick_open(t, gfid_of(5), false);
    brick_open(t, gfid_of(6), false);
    struct dict *d = ask(b, STATUS_FD);
    assert_int_equal(number(d, "conncount"), 1);
    assert_int_equal(number(d, "conn0.fdtable.openfds"), 2);
    assert_int_equal(number(d, "conn0.fdtable.firstfree"), 2);
    assert_int_equal(number(d, "conn0.fdtable.fdentry1.flags"), 2);
    assert_int_equal(number(d, "conn0.fdtable.fdentry1.refcount"), 1);
    dict_unref(d);
    d = ask(b, STATUS_INODE);
    assert_int_equal(number(d, "conn0.itable.active_size"), 2);
    assert_int_equal(number(d, "conn0.itable.lru_limit"), 16384);
    dict_unref(d);
    fake_close(t);
}

static void a_waiting_call_is_pending(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct fop_inodelk_req lock = {.gfid = gfid_of(5), .cmd = 2, .type = 1, .volume = wire_str("d")};
    uint8_t args[256];
    XDR x;

    b->handler = brick_park;
    wire_writer(&x, args, sizeof(args));
    assert_true(xdr_fop_inodelk_req(&x, &lock));
    caller_call(t, 77, FOP_PROGRAM, FOP400_VERSION, FOP_INODELK, args, wire_done(&x));
    struct dict *d = ask(b, STATUS_CALLPOOL);
    assert_int_equal(number(d, "callpool.count"), 1);
    assert_int_equal(number(d, "callpool.stack0.unique"), 77);
    assert_int_equal(number(d, "callpool.stack0.pid"), 1);
    text_is(d, "callpool.stack0.op", "INODELK");
    dict_unref(d);
    fake_close(t);
    pool_drain(b->process.pool);
    d = ask(b, STATUS_CALLPOOL);
    assert_int_equal(number(d, "callpool.count"), 0);
    dict_unref(d);
}

/* More than a dictionary may hold: what is listed fits, what is counted is all. */
static void a_long_list_is_cut_and_the_count_is_not(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    for (unsigned int i = 0; i < 3000; i++)
        brick_open(t, gfid_of(5), false);
    struct dict *d = ask(b, STATUS_FD);
    assert_int_equal(number(d, "conn0.fdtable.openfds"), 3000);
    assert_true(dict_count(d) < DICT_PAIRS_MAX);
    assert_non_null(dict_find(d, "conn0.fdtable.fdentry1000.pid"));
    assert_null(dict_find(d, "conn0.fdtable.fdentry2999.pid"));
    dict_unref(d);
    fake_close(t);
}

static void memory_is_malloc_s_own_figures(void **state)
{
    struct dict *d = ask(*state, STATUS_MEM);

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their malloc has no figures */
    assert_true(number(d, "mallinfo.uordblks") > 0);
#endif
    assert_non_null(dict_find(d, "mallinfo.keepcost"));
    dict_unref(d);
}

static void what_nobody_knows_is_an_error(void **state)
{
    struct brick *b = *state;
    struct dict *d = dict_new();

    assert_int_equal(server_status(b->graph->top, "/nosuch", STATUS_CLIENTS, d), -ENOENT);
    assert_int_equal(server_status(b->graph->top, "x0", 0x20, d), -EINVAL);
    assert_int_equal(dict_count(d), 0);
    dict_unref(d);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_connection_is_a_client_of_the_list),
        TEST(what_each_connection_does_is_told),
        TEST(clearing_locks_of_no_brick_or_outside_of_it_is_an_error),
        TEST(open_descriptors_and_inodes_are_told),
        TEST(a_waiting_call_is_pending),
        TEST(a_long_list_is_cut_and_the_count_is_not),
        TEST(memory_is_malloc_s_own_figures),
        TEST(what_nobody_knows_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
