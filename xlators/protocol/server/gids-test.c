/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Groups of users: looked up on a worker, once for all who wait, remembered for a while, within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gids.h"
#include "pool.h"
#include "util.h"

enum { NOBODY = 12345, BROKEN = 666, LARGE = 100000 };

static atomic_uint asked, at_once, most_at_once;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* held by a test: look-ups do not come back */

static int look_up(uint32_t uid, uint32_t **ret, unsigned int *ret_n)
{
    unsigned int now = atomic_fetch_add(&at_once, 1) + 1, most = atomic_load(&most_at_once);

    while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
        ;
    atomic_fetch_add(&asked, 1);
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    atomic_fetch_sub(&at_once, 1);
    if (uid == NOBODY)
        return -ENOENT;
    if (uid == BROKEN)
        return -EIO;
    *ret_n = uid >= LARGE ? GIDS_MAX : 2;
    *ret = calloc(*ret_n, sizeof(**ret));
    (*ret)[0] = uid;
    (*ret)[1] = uid + 1;
    return 0;
}

struct wait {
    struct gids_waiter w;
    atomic_int n;         /* groups that take() got; -1: none yet */
    uint32_t first;
    atomic_bool gone_on;
};

static void take(void *ctx, const uint32_t *groups, unsigned int n)
{
    struct wait *wait = ctx;

    wait->first = n ? groups[0] : 0;
    atomic_store(&wait->n, (int)n);
}

static void go_on(struct gids_waiter *w)
{
    atomic_store(&container_of(w, struct wait, w)->gone_on, true);
}

static void wait_init(struct wait *wait)
{
    *wait = (struct wait){.w = {.take = take, .go_on = go_on, .ctx = wait}, .n = -1};
}

struct world {
    struct pool *pool;
    struct gids *gids;
};

static int start(void **state)
{
    static struct world w;

    w.pool = pool_new(&(struct pool_conf){0}, NULL);
    w.gids = gids_new(w.pool, look_up);
    gids_set_timeout(w.gids, 300);
    atomic_store(&asked, 0);
    atomic_store(&most_at_once, 0);
    *state = &w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;

    gids_free(w->gids); /* a worker may be about to leave it */
    pool_free(w->pool);
    return 0;
}

/* How many groups; *ret_cached: at once. */
static int groups(struct world *w, uint32_t uid, bool *ret_cached)
{
    struct wait wait;

    wait_init(&wait);
    *ret_cached = gids_get(w->gids, uid, &wait.w);
    if (!*ret_cached) {
        pool_drain(w->pool);
        assert_true(atomic_load(&wait.gone_on));
    }
    if (atomic_load(&wait.n) > 0)
        assert_int_equal(wait.first, uid);
    return atomic_load(&wait.n);
}

static void groups_are_remembered_and_that_there_are_none(void **state)
{
    struct world *w = *state;
    bool cached;

    assert_int_equal(groups(w, 1000, &cached), 2);
    assert_false(cached);
    assert_int_equal(groups(w, 1000, &cached), 2);
    assert_true(cached);
    assert_int_equal(groups(w, NOBODY, &cached), 0);
    assert_int_equal(groups(w, NOBODY, &cached), 0);
    assert_true(cached);
    assert_int_equal(groups(w, BROKEN, &cached), 0);
    assert_int_equal(groups(w, BROKEN, &cached), 0);
    assert_true(cached); /* for GIDS_ERROR_MS */
    assert_int_equal(atomic_load(&asked), 3);
    gids_clear(w->gids);
    assert_int_equal(groups(w, 1000, &cached), 2);
    assert_false(cached);
}

static void with_a_timeout_of_zero_each_call_asks(void **state)
{
    struct world *w = *state;
    bool cached;

    gids_set_timeout(w->gids, 0);
    groups(w, 1000, &cached);
    groups(w, 1000, &cached);
    assert_false(cached);
    assert_int_equal(atomic_load(&asked), 2);
}

static void many_who_wait_for_one_user_make_one_look_up(void **state)
{
    struct world *w = *state;
    struct wait waits[64];

    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < array_len(waits); i++) {
        wait_init(&waits[i]);
        assert_false(gids_get(w->gids, 1000, &waits[i].w));
    }
    pthread_mutex_unlock(&gate);
    pool_drain(w->pool);
    for (size_t i = 0; i < array_len(waits); i++) {
        assert_true(atomic_load(&waits[i].gone_on));
        assert_int_equal(atomic_load(&waits[i].n), 2);
    }
    assert_int_equal(atomic_load(&asked), 1);
}

static void a_slow_directory_holds_few_workers(void **state)
{
    struct world *w = *state;
    static struct wait waits[500];

    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < array_len(waits); i++) {
        wait_init(&waits[i]);
        assert_false(gids_get(w->gids, (uint32_t)i, &waits[i].w));
    }
    pthread_mutex_unlock(&gate);
    pool_drain(w->pool);
    for (size_t i = 0; i < array_len(waits); i++)
        assert_true(atomic_load(&waits[i].gone_on));
    assert_true(atomic_load(&most_at_once) <= GIDS_WORKERS);
    assert_int_equal(atomic_load(&asked), array_len(waits));
}

static void memory_is_bounded_and_the_longest_unused_goes_first(void **state)
{
    struct world *w = *state;
    bool cached;

    groups(w, 1, &cached);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(groups(w, LARGE + i, &cached), GIDS_MAX);
        if (i % 10 == 0)
            groups(w, 1, &cached); /* in use */
    }
    assert_true(gids_counts(w->gids).bytes <= GIDS_BYTES_MAX);
    groups(w, 1, &cached);
    assert_true(cached);
    groups(w, LARGE, &cached);
    assert_false(cached);
}

static void the_system_knows_root_and_not_everybody(void **state)
{
    uint32_t *list = NULL;
    unsigned int n = 0;

    assert_int_equal(gids_resolve(0, &list, &n), 0);
    assert_true(n >= 1);
    free(list);
    list = NULL;
    assert_int_equal(gids_resolve(4000000123u, &list, &n), -ENOENT);
    assert_null(list);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(groups_are_remembered_and_that_there_are_none),
        TEST(with_a_timeout_of_zero_each_call_asks),
        TEST(many_who_wait_for_one_user_make_one_look_up),
        TEST(a_slow_directory_holds_few_workers),
        TEST(memory_is_bounded_and_the_longest_unused_goes_first),
        cmocka_unit_test(the_system_knows_root_and_not_everybody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
