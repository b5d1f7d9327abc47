/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"
#include "thread.h"
#include "util.h"

static struct census census;

static struct pool *small_pool(unsigned int max)
{
    return pool_new(&(struct pool_conf){.max = max, .idle_s = 1}, &census);
}

/* ---- a job that notes its name, and one that holds its worker until let go -------------------------------------------------- */
struct noting {
    struct job job;
    char name;
};
static pthread_mutex_t notes_lock = PTHREAD_MUTEX_INITIALIZER;
static char notes[64];

static void note(struct job *j)
{
    struct noting *n = container_of(j, struct noting, job);

    SCOPED_LOCK(&notes_lock);
    notes[strlen(notes)] = n->name;
    free(n);
}

static void add_note(struct pool *p, char name, const void *owner, enum pool_class class)
{
    struct noting *n = calloc(1, sizeof(*n));

    if (!n)
        abort();
    *n = (struct noting){.job = {.run = note, .owner = owner, .class = class}, .name = name};
    pool_add(p, &n->job);
}

struct holding {
    struct job job;
    sem_t begun, go_on;
};

static void hold(struct job *j)
{
    struct holding *h = container_of(j, struct holding, job);

    sem_post(&h->begun);
    while (sem_wait(&h->go_on) < 0)
        ;
}

static void add_hold(struct pool *p, struct holding *h, enum pool_class class)
{
    h->job = (struct job){.run = hold, .owner = h, .class = class};
    sem_init(&h->begun, 0, 0);
    sem_init(&h->go_on, 0, 0);
    pool_add(p, &h->job);
}

static int begin(void **state)
{
    memset(notes, 0, sizeof(notes));
    return 0;
}

static void wait_for_idle(struct pool *p)
{
    pool_drain(p);
    for (struct pool_counts c = pool_counts(p); c.idle != c.threads; c = pool_counts(p))
        sched_yield();
}

/* ---- order -------------------------------------------------------------------------------------------------------------------- */
static void owners_take_turns_and_keep_their_own_order(void **state)
{
    struct pool *p = small_pool(1);
    struct holding h;
    int ann, ben, cid;

    add_hold(p, &h, CLASS_NORMAL);
    sem_wait(&h.begun);
    for (const char *c = "abcdef"; *c; c++)
        add_note(p, *c, &ann, CLASS_NORMAL);
    add_note(p, '1', &ben, CLASS_NORMAL);
    add_note(p, '2', &ben, CLASS_NORMAL);
    add_note(p, 'X', &cid, CLASS_NORMAL);
    add_note(p, 'u', NULL, CLASS_NORMAL);
    add_note(p, 'v', NULL, CLASS_NORMAL);
    struct pool_counts c = pool_counts(p);
    assert_int_equal(c.queued[CLASS_NORMAL], 11);
    assert_int_equal(c.running[CLASS_NORMAL], 1);
    assert_int_equal(c.threads, 1);
    sem_post(&h.go_on);
    pool_drain(p);
    assert_string_equal(notes, "a1Xub2vcdef");
    pool_free(p);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

static void higher_classes_go_first(void **state)
{
    struct pool *p = small_pool(1);
    struct holding h;

    add_hold(p, &h, CLASS_LEAST);
    sem_wait(&h.begun);
    add_note(p, 'z', NULL, CLASS_LEAST);
    add_note(p, 'l', NULL, CLASS_LOW);
    add_note(p, 'n', NULL, CLASS_NORMAL);
    add_note(p, 'h', NULL, CLASS_HIGH);
    add_note(p, 'H', NULL, CLASS_HIGH);
    sem_post(&h.go_on);
    pool_drain(p);
    assert_string_equal(notes, "hHnlz");
    pool_free(p);
}

static void a_class_at_its_limit_waits_while_others_go_on(void **state)
{
    struct pool *p = pool_new(&(struct pool_conf){.max = 8, .limit = {[CLASS_LOW] = 2}}, &census);
    struct holding h[3], least[2], normal;

    for (int i = 0; i < 3; i++)
        add_hold(p, &h[i], CLASS_LOW);
    add_hold(p, &least[0], CLASS_LEAST); /* limit 1 by default */
    add_hold(p, &least[1], CLASS_LEAST);
    add_hold(p, &normal, CLASS_NORMAL);
    sem_wait(&h[0].begun);
    sem_wait(&h[1].begun);
    sem_wait(&least[0].begun);
    sem_wait(&normal.begun);
    struct pool_counts c = pool_counts(p);
    assert_int_equal(c.running[CLASS_LOW], 2);
    assert_int_equal(c.queued[CLASS_LOW], 1);
    assert_int_equal(c.running[CLASS_LEAST], 1);
    assert_int_equal(c.queued[CLASS_LEAST], 1);
    assert_int_equal(c.threads, 4); /* no more than can run */

    sem_post(&h[0].go_on);
    sem_wait(&h[2].begun);
    pool_set(p, &(struct pool_conf){.max = 8, .limit = {[CLASS_LEAST] = 2}});
    sem_wait(&least[1].begun); /* nobody had to finish for it */
    for (int i = 1; i < 3; i++)
        sem_post(&h[i].go_on);
    sem_post(&least[0].go_on);
    sem_post(&least[1].go_on);
    sem_post(&normal.go_on);
    pool_free(p);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

/* ---- threads -------------------------------------------------------------------------------------------------------------------- */
static void it_grows_to_max_and_shrinks_to_one(void **state)
{
    struct pool *p = small_pool(4);
    struct holding h[6];

    assert_int_equal(pool_counts(p).threads, 1);
    for (size_t i = 0; i < array_len(h); i++)
        add_hold(p, &h[i], CLASS_NORMAL);
    for (size_t i = 0; i < 4; i++)
        sem_wait(&h[i].begun);
    assert_int_equal(pool_counts(p).threads, 4);
    assert_int_equal(pool_counts(p).queued[CLASS_NORMAL], 2);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 4);
    for (size_t i = 0; i < array_len(h); i++)
        sem_post(&h[i].go_on);
    pool_drain(p);
    while (counter_get(&census.now[CENSUS_THREADS]) > 1) /* idle for a second each */
        sched_yield();
    assert_int_equal(pool_counts(p).threads, 1);
    add_note(p, 'x', NULL, CLASS_LOW);
    pool_drain(p);
    assert_string_equal(notes, "x");
    pool_free(p);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

static void a_lower_max_sends_threads_away_at_once(void **state)
{
    struct pool *p = pool_new(&(struct pool_conf){.max = 4, .idle_s = 3600}, &census);
    struct holding h[4];

    for (size_t i = 0; i < array_len(h); i++)
        add_hold(p, &h[i], CLASS_NORMAL);
    for (size_t i = 0; i < array_len(h); i++)
        sem_wait(&h[i].begun);
    sem_post(&h[0].go_on);
    while (pool_counts(p).idle != 1)
        sched_yield();
    pool_set(p, &(struct pool_conf){.max = 2, .idle_s = 3600});
    while (pool_counts(p).threads != 3) /* the idle one; the others have work */
        sched_yield();
    for (size_t i = 1; i < array_len(h); i++)
        sem_post(&h[i].go_on);
    while (counter_get(&census.now[CENSUS_THREADS]) != 2)
        sched_yield();
    wait_for_idle(p);
    assert_int_equal(pool_counts(p).threads, 2);
    pool_free(p);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

/* ---- many ------------------------------------------------------------------------------------------------------------------------ */
struct breeding {
    struct job job;
    struct pool *pool;
    unsigned int left;
};
static atomic_uint done;

static void breed(struct job *j)
{
    struct breeding *b = container_of(j, struct breeding, job);

    atomic_fetch_add(&done, 1);
    if (b->left--)
        pool_add(b->pool, j);
    else
        free(b);
}

struct adder {
    struct pool *pool;
    unsigned int number;
};

static void *add_many(void *arg)
{
    struct adder *a = arg;

    for (unsigned int i = 0; i < 1000; i++) {
        struct breeding *b = calloc(1, sizeof(*b));
        if (!b)
            abort();
        *b = (struct breeding){.job = {.run = breed, .owner = (void *)(uintptr_t)(i % 100 * 64), .class = (a->number + i) % NR_CLASSES},
                               .pool = a->pool, .left = 3};
        pool_add(a->pool, &b->job);
    }
    return NULL;
}

static void every_job_runs_once_whoever_adds_it(void **state)
{
    struct pool *p = small_pool(4);
    struct adder adders[3];
    pthread_t threads[3];

    atomic_store(&done, 0);
    for (unsigned int i = 0; i < 3; i++) {
        adders[i] = (struct adder){.pool = p, .number = i};
        assert_int_equal(thread_start(&threads[i], "adder", THREAD_STACK, add_many, &adders[i], NULL), 0);
    }
    for (unsigned int i = 0; i < 20; i++) /* while its size changes */
        pool_set(p, &(struct pool_conf){.max = 1 + i % 5, .limit = {[CLASS_LOW] = 1 + i % 3}, .idle_s = 1});
    for (unsigned int i = 0; i < 3; i++)
        thread_join(threads[i], NULL);
    pool_drain(p);
    assert_int_equal(atomic_load(&done), 3 * 1000 * 4);
    struct pool_counts c = pool_counts(p);
    for (int i = 0; i < NR_CLASSES; i++)
        assert_int_equal(c.queued[i] + c.running[i], 0);
    pool_free(p);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

/* One job after the other, each added when the one before is done and all workers sleep: a lost wake-up would hang here. */
static void a_sleeping_pool_wakes_for_each_job(void **state)
{
    struct pool *p = small_pool(2);

    for (int i = 0; i < 2000; i++) {
        struct holding h;
        add_hold(p, &h, CLASS_HIGH);
        sem_wait(&h.begun);
        sem_post(&h.go_on);
        pool_drain(p); /* h is on our stack */
    }
    assert_int_equal(pool_counts(p).threads, 1);
    pool_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(owners_take_turns_and_keep_their_own_order, begin),
        cmocka_unit_test_setup(higher_classes_go_first, begin),
        cmocka_unit_test_setup(a_class_at_its_limit_waits_while_others_go_on, begin),
        cmocka_unit_test_setup(it_grows_to_max_and_shrinks_to_one, begin),
        cmocka_unit_test_setup(a_lower_max_sends_threads_away_at_once, begin),
        cmocka_unit_test_setup(every_job_runs_once_whoever_adds_it, begin),
        cmocka_unit_test_setup(a_sleeping_pool_wakes_for_each_job, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
