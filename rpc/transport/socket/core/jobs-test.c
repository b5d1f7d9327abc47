/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "jobs.h"
#include "thread.h"
#include "util.h"

enum { AT_ONCE = 3, JOBS = 2000 };

static struct census census;
static atomic_uint at_work, most, done;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

struct one {
    struct job job;
    atomic_uint runs;
    struct jobs *again; /* hands itself in once more */
};

static void work(struct job *j)
{
    struct one *o = container_of(j, struct one, job);
    unsigned int now = atomic_fetch_add(&at_work, 1) + 1, before = atomic_load(&most);

    while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
        ;
    atomic_fetch_add(&o->runs, 1);
    atomic_fetch_sub(&at_work, 1);
    if (o->again) {
        struct jobs *js = o->again;

        o->again = NULL;
        jobs_do(js, j);
        return;
    }
    SCOPED_LOCK(&lock);
    atomic_fetch_add(&done, 1);
    pthread_cond_signal(&changed);
}

static void wait_for(unsigned int n)
{
    SCOPED_LOCK(&lock);
    while (atomic_load(&done) < n)
        pthread_cond_wait(&changed, &lock);
}

/* In bursts and one by one: what lingers, what starts and what is handed in from within must not lose a job, nor do it twice. */
static void every_job_is_done_once_by_so_many_threads_at_most(void **state)
{
    struct env env = {.census = &census, .reaper = reaper_new(&census)};
    struct jobs *js = jobs_new(&env, AT_ONCE, THREAD_STACK);
    struct one *ones = calloc(JOBS, sizeof(*ones));

    for (unsigned int i = 0; i < JOBS; i++) {
        ones[i].job.run = work;
        if (i % 7 == 0)
            ones[i].again = js;
        jobs_do(js, &ones[i].job);
        if (i % 50 < 10)
            wait_for(i + 1);
    }
    wait_for(JOBS);
    assert_true(atomic_load(&most) <= AT_ONCE);
    for (unsigned int i = 0; i < JOBS; i++)
        assert_int_equal(atomic_load(&ones[i].runs), i % 7 == 0 ? 2 : 1);
    jobs_unref(js);
    reaper_free(env.reaper); /* waits for those that lingered; the leak checker would tell */
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
    free(ones);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_job_is_done_once_by_so_many_threads_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
