/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "thread.h"
#include "util.h"

static struct census census;

static int64_t threads(void)
{
    return counter_get(&census.now[CENSUS_THREADS]);
}

struct seen {
    char name[16];
    sigset_t blocked;
    size_t stack, guard;
};

static void *look_around(void *arg)
{
    struct seen *s = arg;
    pthread_attr_t attr;

    prctl(PR_GET_NAME, s->name);
    pthread_sigmask(SIG_BLOCK, NULL, &s->blocked);
    pthread_getattr_np(pthread_self(), &attr);
    pthread_attr_getstacksize(&attr, &s->stack);
    pthread_attr_getguardsize(&attr, &s->guard);
    pthread_attr_destroy(&attr);
    return NULL;
}

static void a_thread_has_a_name_blocks_signals_and_is_small(void **state)
{
    struct seen s;
    pthread_t t;

    assert_int_equal(thread_start(&t, "a-name-that-is-too-long", THREAD_STACK_SMALL, look_around, &s, &census), 0);
    assert_int_equal(threads(), 1);
    thread_join(t, &census);
    assert_int_equal(threads(), 0);
    assert_string_equal(s.name, "a-name-that-is-");
    for (int sig = 1; sig < 32; sig++) {
        bool own_fault = sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP;
        if (sig != SIGKILL && sig != SIGSTOP)
            assert_int_equal(sigismember(&s.blocked, sig), !own_fault);
    }
    assert_true(s.guard >= 4096);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(s.stack <= THREAD_STACK_SMALL + 16 * KiB);
#endif
}

/* 48 KiB of the 64 are for the thread's own use, with the thread-local variables of these libraries on top. */
static void *use_stack(void *arg)
{
    volatile char much[48 * KiB];

    memset((char *)much, 1, sizeof(much));
    return (void *)(uintptr_t)much[sizeof(much) - 1];
}

static void most_of_a_small_stack_can_be_used(void **state)
{
    pthread_t t;

    assert_int_equal(thread_start(&t, "deep", THREAD_STACK_SMALL, use_stack, NULL, &census), 0);
    thread_join(t, &census);
}

/* ---- the reaper ------------------------------------------------------------------------------------------------------------ */
struct mortal {
    struct burial burial;
    struct reaper *reaper;
    unsigned int number;
    bool last_words; /* written as the thread's last act but one, read after the join */
};
static unsigned int buried[1000];
static atomic_uint nr_buried;

static void last(struct burial *b)
{
    struct mortal *m = container_of(b, struct mortal, burial);

    if (b->has_thread && !m->last_words)
        abort();
    buried[nr_buried++] = m->number;
    free(m);
}

static struct mortal *mortal_new(struct reaper *r, unsigned int number)
{
    struct mortal *m = calloc(1, sizeof(*m));

    assert_non_null(m);
    m->reaper = r;
    m->number = number;
    m->burial.last = last;
    return m;
}

static void *die(void *arg)
{
    struct mortal *m = arg;

    m->last_words = true;
    m->burial.thread = pthread_self();
    m->burial.has_thread = true;
    reaper_bury(m->reaper, &m->burial);
    return NULL;
}

static void threads_that_end_are_joined_before_their_last(void **state)
{
    struct reaper *r = reaper_new(&census);

    nr_buried = 0;
    for (unsigned int i = 0; i < 200; i++) {
        pthread_t t;
        assert_int_equal(thread_start(&t, "mortal", THREAD_STACK_SMALL, die, mortal_new(r, i), &census), 0);
    }
    while (nr_buried < 200)
        reaper_flush(r); /* waits for those that have come so far */
    assert_int_equal(threads(), 1); /* its own */
    reaper_free(r);
    assert_int_equal(threads(), 0);
}

static void burials_keep_their_order_and_flush_waits_for_them(void **state)
{
    struct reaper *r = reaper_new(&census);

    nr_buried = 0;
    for (unsigned int i = 0; i < 500; i++)
        reaper_bury(r, &mortal_new(r, i)->burial);
    reaper_flush(r);
    assert_int_equal(nr_buried, 500);
    for (unsigned int i = 0; i < 500; i++)
        assert_int_equal(buried[i], i);
    reaper_flush(r); /* nothing to wait for */
    reaper_free(r);
}

static void bury_another(struct burial *b)
{
    struct mortal *m = container_of(b, struct mortal, burial);

    if (m->number > 0) {
        m->number--;
        reaper_bury(m->reaper, b);
    } else {
        nr_buried++;
        free(m);
    }
}

static void what_a_last_buries_is_buried_before_the_reaper_ends(void **state)
{
    struct reaper *r = reaper_new(&census);
    struct mortal *m = mortal_new(r, 10);

    nr_buried = 0;
    m->burial.last = bury_another;
    reaper_bury(r, &m->burial);
    reaper_free(r);
    assert_int_equal(nr_buried, 1);
    assert_int_equal(threads(), 0);
}

struct late {
    struct burial burial;
    struct reaper *reaper;
    atomic_bool gone;
};
static void late_gone(struct burial *b)
{
    atomic_store(&((struct late *)b)->gone, true);
}
static void *bury_itself_late(void *arg)
{
    struct late *l = arg;

    for (int i = 0; i < 2000; i++)
        sched_yield(); /* reaper_free() has begun by then, most likely */
    l->burial = (struct burial){.thread = pthread_self(), .has_thread = true, .expected = true, .last = late_gone};
    reaper_bury(l->reaper, &l->burial);
    return NULL;
}
static void the_end_waits_for_threads_that_were_announced(void **state)
{
    for (int i = 0; i < 20; i++) {
        struct late l = {.reaper = reaper_new(&census)};
        pthread_t thread;

        assert_int_equal(thread_start(&thread, "late", THREAD_STACK_SMALL, bury_itself_late, &l, &census), 0);
        reaper_expect(l.reaper);
        reaper_free(l.reaper);
        assert_true(atomic_load(&l.gone));
        assert_int_equal(threads(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_waits_for_threads_that_were_announced),
        cmocka_unit_test(a_thread_has_a_name_blocks_signals_and_is_small),
        cmocka_unit_test(most_of_a_small_stack_can_be_used),
        cmocka_unit_test(threads_that_end_are_joined_before_their_last),
        cmocka_unit_test(burials_keep_their_order_and_flush_waits_for_them),
        cmocka_unit_test(what_a_last_buries_is_buried_before_the_reaper_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
