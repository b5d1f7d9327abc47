/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The one word that says who may send: each way from hand to hand, and threads that fight for it. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "role.h"
#include "util.h"

static void one_has_it_and_nothing_is_forgotten(void **state)
{
    struct role r = {0};

    assert_true(role_enter(&r));
    assert_int_equal(role_leave(&r), ROLE_LOOK_AGAIN); /* it has not looked since it came */
    role_look(&r);
    assert_int_equal(role_leave(&r), ROLE_LEFT);
    assert_true(role_enter(&r));
    role_look(&r);
    assert_false(role_enter(&r)); /* another's message */
    assert_int_equal(role_leave(&r), ROLE_LOOK_AGAIN);
    role_look(&r);
    assert_int_equal(role_leave(&r), ROLE_LEFT);
}

static void the_poller_takes_it_when_nobody_has_it(void **state)
{
    struct role r = {0};

    for (int insist = 0; insist < 2; insist++) {
        assert_true(role_claim(&r, insist));
        assert_false(role_enter(&r));
        assert_int_equal(role_leave(&r), ROLE_LOOK_AGAIN);
        role_look(&r);
        assert_int_equal(role_leave(&r), ROLE_LEFT);
    }
}

static void the_poller_is_given_what_it_asked_for(void **state)
{
    struct role r = {0};

    assert_true(role_enter(&r));
    role_look(&r);
    assert_false(role_claim(&r, false)); /* it may come back later */
    assert_int_equal(role_leave(&r), ROLE_LEFT);

    assert_true(role_enter(&r));
    role_look(&r);
    assert_false(role_claim(&r, true));
    assert_int_equal(role_leave(&r), ROLE_GIVE);
    assert_false(role_given(&r));
    role_give(&r);
    assert_true(role_given(&r));
    assert_false(role_enter(&r)); /* nobody comes between */
    assert_true(role_claim(&r, true));
    assert_false(role_given(&r));
    role_look(&r);
    assert_int_equal(role_leave(&r), ROLE_LEFT);
}

static void what_is_left_goes_to_the_poller_unasked(void **state)
{
    struct role r = {0};

    assert_true(role_enter(&r));
    role_look(&r);
    role_give(&r);
    assert_true(role_claim(&r, false));
    role_look(&r);
    assert_int_equal(role_leave(&r), ROLE_LEFT);
}

/* ---- threads --------------------------------------------------------------------------------------------------------------- */
enum { SENDERS = 4, PUTS = 20000 };
static struct role fought;
static atomic_uint put, inside;
static unsigned int done; /* the role's */
static atomic_bool over;

static void look(struct role *r)
{
    role_look(r);
    assert_int_equal(atomic_fetch_add(&inside, 1), 0);
    done = atomic_load(&put);
    atomic_fetch_sub(&inside, 1);
}

static void *sender(void *arg)
{
    for (int i = 0; i < PUTS; i++) {
        enum role_left left;

        atomic_fetch_add(&put, 1);
        if (!role_enter(&fought))
            continue;
        do {
            look(&fought);
            left = role_leave(&fought);
        } while (left == ROLE_LOOK_AGAIN);
        if (left == ROLE_GIVE || (left == ROLE_LEFT && i % 7 == 0 && role_enter(&fought)))
            role_give(&fought);
    }
    return NULL;
}

static void *poller(void *arg)
{
    bool has = false;

    while (!atomic_load(&over)) {
        if (!has)
            has = role_claim(&fought, atomic_load(&put) % 2);
        if (has) {
            look(&fought);
            has = role_leave(&fought) != ROLE_LEFT;
        }
        sched_yield();
    }
    while (!has)
        has = role_claim(&fought, true);
    look(&fought);
    return NULL;
}

static void threads_that_fight_for_it_send_everything(void **state)
{
    pthread_t threads[SENDERS], last;

    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sender, NULL), 0);
    assert_int_equal(pthread_create(&last, NULL, poller, NULL), 0);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&over, true);
    pthread_join(last, NULL);
    assert_int_equal(done, SENDERS * PUTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_has_it_and_nothing_is_forgotten),
        cmocka_unit_test(the_poller_takes_it_when_nobody_has_it),
        cmocka_unit_test(the_poller_is_given_what_it_asked_for),
        cmocka_unit_test(what_is_left_goes_to_the_poller_unasked),
        cmocka_unit_test(threads_that_fight_for_it_send_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
