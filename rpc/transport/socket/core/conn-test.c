/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Two connections talk over a socketpair, plain and encrypted, each with a thread of its own or on the event loop. Numbers in
 * brackets are the bug classes of earlier transports (doc/transport-bug-classes) that a test is for. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "testing/fixture.h"

static struct fixture f;

struct mode {
    bool tls, own_thread;
};
static struct mode plain_loop = {false, false}, plain_thread = {false, true}, tls_loop = {true, false}, tls_thread = {true, true};

static int setup(void **state)
{
    fixture_init(&f);
    return 0;
}
static int teardown(void **state)
{
    fixture_done(&f);
    return 0;
}

static void what_is_sent_comes_back_whole(void **state)
{
    static const size_t sizes[] = {1, 3, 100, 4096, 16383, 16384, 16385, 65536, 131072 + 77, 1 << 20, (1 << 20) + 300, 5 << 20};
    const struct mode *m = *state;
    struct conn_conf conf = fixture_conf(m->own_thread);
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    a.echo = true;
    a.bulk_from = 300;
    pair_up(&a, &b, &conf, m->tls, false);
    end_until(&b, b.ups == 1);
    for (unsigned int i = 0; i < array_len(sizes); i++)
        assert_int_equal(end_send_filled(&b, sizes[i], i), 0);
    end_until(&b, b.records == array_len(sizes));
    assert_int_equal(a.sum, b.sum);
    assert_true(a.bytes == b.bytes);
    end_until(&b, b.sent == array_len(sizes));
    conn_disconnect(b.conn, 0);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(b.down_err, 0);
    assert_int_equal(a.down_err, -ENOTCONN);
    end_done(&a);
    end_done(&b);
}

#define MODES(t)                                                                  \
    {#t ", plain, on the loop", t, NULL, NULL, &plain_loop},                      \
    {#t ", plain, own thread", t, NULL, NULL, &plain_thread},                     \
    {#t ", TLS, on the loop", t, NULL, NULL, &tls_loop},                          \
    {#t ", TLS, own thread", t, NULL, NULL, &tls_thread}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODES(what_is_sent_comes_back_whole),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
