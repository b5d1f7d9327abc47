/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "loop.h"
#include "thread.h"
#include "timers.h"
#include "util.h"

/* ---- descriptors ----------------------------------------------------------------------------------------------------------- */
struct end {
    struct watch watch;
    struct loop *loop;
    struct end *other;
    int peer;
    unsigned int calls;
};

static void end_new(struct end *e, struct loop *l, void (*ready)(struct watch *w, uint32_t events))
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    *e = (struct end){.watch = {.fd = pair[0], .events = EPOLLIN, .ready = ready}, .loop = l, .peer = pair[1]};
    assert_int_equal(loop_watch(l, &e->watch), 0);
}

static void end_done(struct end *e)
{
    loop_unwatch(e->loop, &e->watch);
    close(e->watch.fd);
    close(e->peer);
}

static void count_and_stop_at_three(struct watch *w, uint32_t events)
{
    struct end *e = container_of(w, struct end, watch);

    assert_true(loop_on_thread(e->loop));
    if (++e->calls == 3)
        loop_stop(e->loop);
}

static void a_descriptor_that_is_not_read_is_told_again(void **state)
{
    struct loop *l = loop_new();
    struct end e;

    end_new(&e, l, count_and_stop_at_three);
    assert_int_equal(write(e.peer, "x", 1), 1);
    assert_false(loop_on_thread(l));
    assert_int_equal(loop_run(l), 0);
    assert_int_equal(e.calls, 3);
    assert_false(loop_on_thread(l));
    end_done(&e);
    loop_free(l);
}

static void unwatch_both(struct watch *w, uint32_t events)
{
    struct end *e = container_of(w, struct end, watch);

    e->calls++;
    loop_unwatch(e->loop, &e->watch);
    loop_unwatch(e->loop, &e->other->watch);
    loop_stop(e->loop);
}

static void after_unwatch_there_is_no_call_also_in_the_same_wake_up(void **state)
{
    struct loop *l = loop_new();
    struct end a, b;

    end_new(&a, l, unwatch_both);
    end_new(&b, l, unwatch_both);
    a.other = &b;
    b.other = &a;
    assert_int_equal(write(a.peer, "x", 1), 1);
    assert_int_equal(write(b.peer, "x", 1), 1);
    assert_int_equal(loop_run(l), 0);
    assert_int_equal(a.calls + b.calls, 1);
    end_done(&a);
    end_done(&b);
    loop_free(l);
}

static void note_events(struct watch *w, uint32_t events)
{
    struct end *e = container_of(w, struct end, watch);

    e->calls = events;
    loop_stop(e->loop);
}

static void events_can_be_changed(void **state)
{
    struct loop *l = loop_new();
    struct end e;

    end_new(&e, l, note_events);
    assert_int_equal(loop_rewatch(l, &e.watch, EPOLLOUT), 0);
    assert_int_equal(write(e.peer, "x", 1), 1);
    assert_int_equal(loop_run(l), 0);
    assert_int_equal(e.calls, EPOLLOUT);
    assert_int_equal(loop_rewatch(l, &e.watch, EPOLLIN), 0);
    assert_int_equal(loop_run(l), 0);
    assert_int_equal(e.calls, EPOLLIN);
    close(e.peer);
    e.peer = -1;
    assert_int_equal(loop_rewatch(l, &e.watch, EPOLLRDHUP), 0);
    assert_int_equal(loop_run(l), 0);
    assert_true(e.calls & EPOLLRDHUP);

    loop_unwatch(l, &e.watch);
    assert_int_equal(loop_rewatch(l, &e.watch, EPOLLIN), -ENOENT);
    assert_int_equal(e.watch.events, EPOLLRDHUP);
    struct watch bad = {.fd = -1, .events = EPOLLIN};
    assert_int_equal(loop_watch(l, &bad), -EBADF);
    close(e.watch.fd);
    loop_free(l);
}

/* ---- posted work ----------------------------------------------------------------------------------------------------------- */
#define POSTERS 3
#define EACH 5000
struct work {
    struct loop_work work;
    unsigned int poster, number;
    struct loop *loop;
};
static unsigned int next[POSTERS], ran;

static void run_one(struct loop_work *lw)
{
    struct work *w = container_of(lw, struct work, work);

    assert_int_equal(w->number, next[w->poster]++);
    assert_true(loop_on_thread(w->loop));
    if (++ran == POSTERS * EACH)
        loop_stop(w->loop);
    free(w);
}

struct poster {
    struct loop *loop;
    unsigned int number;
};

static void *post_many(void *arg)
{
    struct poster *p = arg;

    for (unsigned int i = 0; i < EACH; i++) {
        struct work *w = malloc(sizeof(*w));
        if (!w)
            abort();
        *w = (struct work){.work.run = run_one, .poster = p->number, .number = i, .loop = p->loop};
        loop_post(p->loop, &w->work);
    }
    return NULL;
}

static void posted_work_runs_once_and_in_order(void **state)
{
    struct loop *l = loop_new();
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];

    ran = 0;
    for (unsigned int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.loop = l, .number = i};
        assert_int_equal(thread_start(&threads[i], "poster", THREAD_STACK_SMALL, post_many, &posters[i], NULL), 0);
    }
    assert_int_equal(loop_run(l), 0);
    for (unsigned int i = 0; i < POSTERS; i++)
        thread_join(threads[i], NULL);
    assert_int_equal(ran, POSTERS * EACH);
    loop_free(l);
}

static void count_run(struct loop_work *w)
{
    ran++;
}

static void work_posted_and_not_run_is_run_by_free(void **state)
{
    struct loop *l = loop_new();
    struct loop_work w = {.run = count_run};

    ran = 0;
    loop_post(l, &w);
    loop_stop(l); /* before it runs: it returns at once */
    assert_int_equal(loop_run(l), 0);
    loop_free(l);
    assert_int_equal(ran, 1);
}

static void *stop(void *arg)
{
    loop_stop(arg);
    return NULL;
}

static void any_thread_may_stop_it(void **state)
{
    struct loop *l = loop_new();

    for (int i = 0; i < 200; i++) {
        pthread_t t;
        assert_int_equal(thread_start(&t, "stopper", THREAD_STACK_SMALL, stop, l, NULL), 0);
        assert_int_equal(loop_run(l), 0);
        thread_join(t, NULL);
    }
    loop_free(l);
}

/* ---- timers ------------------------------------------------------------------------------------------------------------------ */
struct alarm {
    struct timer timer;
    struct loop *loop;
    uint64_t armed_ns, in_ms;
    unsigned int rings;
};
static struct alarm *rung[8];
static unsigned int nr_rung, wanted;

static void ring(struct timer *t)
{
    struct alarm *a = container_of(t, struct alarm, timer);

    assert_int_equal(t->slot, 0);
    assert_true(clock_ns() - a->armed_ns >= a->in_ms * 1000000);
    rung[nr_rung++] = a;
    if (nr_rung == wanted)
        loop_stop(a->loop);
}

static void arm(struct alarm *a, struct loop *l, uint64_t in_ms)
{
    a->loop = l;
    a->timer.expired = ring;
    a->in_ms = in_ms;
    a->armed_ns = clock_ns();
    assert_int_equal(loop_arm(l, &a->timer, in_ms), 0);
}

static void timers_ring_in_order_and_never_early(void **state)
{
    struct loop *l = loop_new();
    struct alarm a = {0}, b = {0}, c = {0}, d = {0};

    nr_rung = 0;
    wanted = 3;
    arm(&a, l, 30);
    arm(&b, l, 1);
    arm(&c, l, 5);
    arm(&d, l, 20);
    arm(&b, l, 40); /* moved */
    loop_disarm(l, &d.timer);
    loop_disarm(l, &d.timer);
    assert_int_equal(loop_run(l), 0);
    assert_ptr_equal(rung[0], &c);
    assert_ptr_equal(rung[1], &a);
    assert_ptr_equal(rung[2], &b);
    loop_free(l);
}

static void ring_again(struct timer *t)
{
    struct alarm *a = container_of(t, struct alarm, timer);

    if (++a->rings == 5)
        loop_stop(a->loop);
    else
        assert_int_equal(loop_arm(a->loop, t, 0), 0);
}

static void a_timer_may_be_armed_again_when_it_rings(void **state)
{
    struct loop *l = loop_new();
    struct alarm a = {.loop = l, .timer.expired = ring_again}, far = {0};

    arm(&far, l, UINT64_MAX); /* forgotten by loop_free() */
    assert_int_equal(loop_arm(l, &a.timer, 0), 0);
    assert_int_equal(loop_run(l), 0);
    assert_int_equal(a.rings, 5);
    loop_free(l);
    assert_int_equal(far.timer.slot, 0);
}

/* Against a plain array: after any mixture of arming, moving and disarming the first is the one due first. */
static void the_heap_agrees_with_a_search(void **state)
{
    enum { N = 200 };
    static struct timer timers[N];
    struct timers heap = {0};
    unsigned int seed = 1;

    for (int step = 0; step < 20000; step++) {
        struct timer *t = &timers[rand_r(&seed) % N], *first = NULL;
        if (rand_r(&seed) % 3)
            assert_int_equal(timers_arm(&heap, t, (uint64_t)rand_r(&seed) % 1000), 0);
        else
            timers_disarm(&heap, t);
        unsigned int armed = 0;
        for (int i = 0; i < N; i++) {
            armed += timers[i].slot != 0;
            if (timers[i].slot) {
                assert_ptr_equal(heap.heap[timers[i].slot - 1], &timers[i]);
                if (!first || timers[i].due_ms < first->due_ms)
                    first = &timers[i];
            }
        }
        assert_int_equal(armed, heap.n);
        if (first)
            assert_int_equal(timers_first(&heap)->due_ms, first->due_ms);
        else
            assert_null(timers_first(&heap));
    }
    timers_done(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_descriptor_that_is_not_read_is_told_again),
        cmocka_unit_test(after_unwatch_there_is_no_call_also_in_the_same_wake_up),
        cmocka_unit_test(events_can_be_changed),
        cmocka_unit_test(posted_work_runs_once_and_in_order),
        cmocka_unit_test(work_posted_and_not_run_is_run_by_free),
        cmocka_unit_test(any_thread_may_stop_it),
        cmocka_unit_test(timers_ring_in_order_and_never_early),
        cmocka_unit_test(a_timer_may_be_armed_again_when_it_rings),
        cmocka_unit_test(the_heap_agrees_with_a_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
