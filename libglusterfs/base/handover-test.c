/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "handover.h"
#include "thread.h"
#include "util.h"

#define PUTTERS 3
#define EACH 20000

struct item {
    struct handover_node node;
    unsigned int putter, number;
};
struct putter {
    struct handover *q;
    unsigned int number;
    int wakefd;
};

static void *put_many(void *arg)
{
    struct putter *p = arg;

    for (unsigned int i = 0; i < EACH; i++) {
        struct item *it = malloc(sizeof(*it));
        if (!it)
            abort();
        it->putter = p->number;
        it->number = i;
        if (handover_put(p->q, &it->node))
            wakefd_wake(p->wakefd);
    }
    return NULL;
}

/* The taker sleeps on the wake-up alone: a lost one leaves it there, and the guard says so. */
static void nothing_is_lost_and_each_putters_order_is_kept(void **state)
{
    struct handover q;
    struct putter putters[PUTTERS];
    pthread_t threads[PUTTERS];
    unsigned int next[PUTTERS] = {0}, taken = 0;
    int fd = wakefd_new();

    handover_init(&q);
    for (unsigned int i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.q = &q, .number = i, .wakefd = fd};
        assert_int_equal(thread_start(&threads[i], "putter", THREAD_STACK_SMALL, put_many, &putters[i], NULL), 0);
    }
    while (taken < PUTTERS * EACH) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        assert_int_equal(poll(&p, 1, 60000), 1);
        wakefd_drain(fd);
        struct handover_node *n;
        while ((n = handover_take(&q))) {
            struct item *it = container_of(n, struct item, node);
            assert_int_equal(it->number, next[it->putter]++);
            free(it);
            taken++;
        }
    }
    for (unsigned int i = 0; i < PUTTERS; i++)
        thread_join(threads[i], NULL);
    assert_true(handover_empty(&q));
    assert_null(handover_take(&q));
    close(fd);
}

static void only_the_first_put_says_that_it_was_empty(void **state)
{
    struct handover q;
    struct handover_node a, b;

    handover_init(&q);
    assert_true(handover_empty(&q));
    assert_true(handover_put(&q, &a));
    assert_false(handover_put(&q, &b));
    assert_false(handover_empty(&q));
    assert_ptr_equal(handover_take(&q), &a);
    assert_ptr_equal(handover_take(&q), &b);
    assert_null(handover_take(&q));
    assert_true(handover_put(&q, &a));
    assert_ptr_equal(handover_take(&q), &a);
}

static void a_wakefd_wakes_until_drained(void **state)
{
    int fd = wakefd_new();
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, 0), 0);
    wakefd_wake(fd);
    wakefd_wake(fd);
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_int_equal(poll(&p, 1, 0), 1);
    wakefd_drain(fd);
    wakefd_drain(fd); /* does not wait */
    assert_int_equal(poll(&p, 1, 0), 0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_first_put_says_that_it_was_empty),
        cmocka_unit_test(a_wakefd_wakes_until_drained),
        cmocka_unit_test(nothing_is_lost_and_each_putters_order_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
