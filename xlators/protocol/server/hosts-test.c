/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Host names of the address rules: looked up on a worker, together, remembered, kept when the look-up fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "hosts.h"
#include "pool.h"
#include "util.h"

static atomic_uint asked;
static atomic_bool broken;
static atomic_uint last_byte;

static int look_up(const char *name, uint8_t ret[HOSTS_ADDRS_MAX][16])
{
    atomic_fetch_add(&asked, 1);
    if (atomic_load(&broken) || strcmp(name, "none") == 0)
        return -ENOENT;
    memset(ret[0], 0, 16);
    ret[0][15] = (uint8_t)atomic_load(&last_byte);
    memset(ret[1], 0, 16);
    ret[1][0] = (uint8_t)name[0];
    return 2;
}

struct wait {
    struct hosts_waiter w;
    atomic_bool done;
};

static void ready(struct hosts_waiter *w)
{
    atomic_store(&container_of(w, struct wait, w)->done, true);
}

struct world {
    struct pool *pool;
    struct hosts *hosts;
    struct wait wait;
};

static int start(void **state)
{
    static struct world w;

    w = (struct world){.pool = pool_new(&(struct pool_conf){0}, NULL), .wait.w.ready = ready};
    w.hosts = hosts_new(w.pool, look_up);
    atomic_store(&asked, 0);
    atomic_store(&broken, false);
    atomic_store(&last_byte, 7);
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;

    pool_drain(w->pool);
    hosts_free(w->hosts);
    pool_free(w->pool);
    return 0;
}

static void known(struct world *w)
{
    if (!hosts_ready(w->hosts, &w->wait.w)) {
        pool_drain(w->pool);
        assert_true(atomic_load(&w->wait.done));
    }
}

static const uint8_t seven[16] = {[15] = 7}, of_a[16] = {'a'};

static void without_names_nobody_waits(void **state)
{
    struct world *w = *state;

    assert_true(hosts_ready(w->hosts, &w->wait.w));
    assert_false(hosts_has(w->hosts, "a", seven));
    assert_int_equal(atomic_load(&asked), 0);
}

static void all_names_are_looked_up_once_for_all_who_wait(void **state)
{
    struct world *w = *state;
    struct wait more[50] = {0};

    assert_int_equal(hosts_set(w->hosts, (char *[]){"a", "b", "none"}, 3), 0);
    assert_false(hosts_has(w->hosts, "a", of_a));
    known(w);
    for (size_t i = 0; i < array_len(more); i++) {
        more[i].w.ready = ready;
        atomic_store(&more[i].done, hosts_ready(w->hosts, &more[i].w));
    }
    pool_drain(w->pool);
    for (size_t i = 0; i < array_len(more); i++)
        assert_true(atomic_load(&more[i].done));
    assert_int_equal(atomic_load(&asked), 3);
    assert_true(hosts_has(w->hosts, "a", of_a));
    assert_true(hosts_has(w->hosts, "A", seven));
    assert_false(hosts_has(w->hosts, "b", of_a));
    assert_false(hosts_has(w->hosts, "none", seven));
    assert_false(hosts_has(w->hosts, "other", seven));
}

static void a_failing_look_up_leaves_what_was_known(void **state)
{
    struct world *w = *state;

    assert_int_equal(hosts_set(w->hosts, (char *[]){"a"}, 1), 0);
    known(w);
    atomic_store(&broken, true);
    assert_int_equal(hosts_set(w->hosts, (char *[]){"b", "a"}, 2), 0); /* asks again for all */
    known(w);
    assert_int_equal(atomic_load(&asked), 3);
    assert_true(hosts_has(w->hosts, "a", of_a));
    assert_false(hosts_has(w->hosts, "b", seven));
}

static void too_many_names_change_nothing(void **state)
{
    struct world *w = *state;
    char *names[HOSTS_MAX + 1], text[HOSTS_MAX + 1][8];

    assert_int_equal(hosts_set(w->hosts, (char *[]){"a"}, 1), 0);
    known(w);
    for (size_t i = 0; i < array_len(names); i++) {
        snprintf(text[i], sizeof(text[i]), "h%zu", i);
        names[i] = text[i];
    }
    assert_int_equal(hosts_set(w->hosts, names, (unsigned int)array_len(names)), -E2BIG);
    assert_true(hosts_has(w->hosts, "a", of_a));
    assert_int_equal(hosts_set(w->hosts, names, HOSTS_MAX), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_names_nobody_waits),
        TEST(all_names_are_looked_up_once_for_all_who_wait),
        TEST(a_failing_look_up_leaves_what_was_known),
        TEST(too_many_names_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
