/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A thread that has nothing to do stays for a second: while peers come one after another, each step of their handshakes finds one
 * ready instead of starting it. */
#include "jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "thread.h"
#include "util.h"

#define LINGER_S 1

struct jobs {
    atomic_uint refs;
    struct env env;
    unsigned int at_once;
    size_t stack;
    pthread_mutex_t lock;
    pthread_cond_t work;       /* a job came, or stop */
    struct job *first, **last; /* under lock, as is the rest */
    unsigned int queued, running, idle; /* idle: of those that run, those that wait */
    bool stop;                 /* the maker is gone: nobody lingers */
};
struct worker {
    struct burial burial;
    struct jobs *jobs;
};

struct jobs *jobs_new(const struct env *env, unsigned int at_once, size_t stack)
{
    struct jobs *js = calloc(1, sizeof(*js));
    pthread_condattr_t attr;

    if (!js)
        return NULL;
    atomic_init(&js->refs, 1);
    js->env = *env;
    js->at_once = at_once;
    js->stack = stack;
    js->last = &js->first;
    pthread_mutex_init(&js->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&js->work, &attr);
    pthread_condattr_destroy(&attr);
    return js;
}

static void put(struct jobs *js)
{
    if (atomic_fetch_sub_explicit(&js->refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_cond_destroy(&js->work);
    pthread_mutex_destroy(&js->lock);
    free(js);
}

void jobs_unref(struct jobs *js)
{
    if (!js)
        return;
    pthread_mutex_lock(&js->lock);
    js->stop = true;
    pthread_cond_broadcast(&js->work);
    pthread_mutex_unlock(&js->lock);
    put(js);
}

static void worker_gone(struct burial *b)
{
    struct worker *w = container_of(b, struct worker, burial);

    put(w->jobs);
    free(w);
}

static struct job *take_locked(struct jobs *js)
{
    struct job *j = js->first;

    if (!j)
        return NULL;
    js->first = j->next;
    if (!js->first)
        js->last = &js->first;
    js->queued--;
    return j;
}

/* The next job, or NULL: then this thread is no longer counted as running. */
static struct job *next_job(struct jobs *js, bool linger)
{
    struct timespec until;
    struct job *j;
    int r = 0;

    SCOPED_LOCK(&js->lock);
    if (linger && !js->first)
        clock_gettime(CLOCK_MONOTONIC, &until);
    while (!(j = take_locked(js))) {
        if (!linger || js->stop || r == ETIMEDOUT) {
            js->running--;
            return NULL;
        }
        js->idle++;
        r = pthread_cond_timedwait(&js->work, &js->lock, &(struct timespec){until.tv_sec + LINGER_S, until.tv_nsec});
        js->idle--;
    }
    return j;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct reaper *reaper = w->jobs->env.reaper;
    struct job *j;

    while ((j = next_job(w->jobs, true)))
        j->run(j);
    w->burial.thread = pthread_self();
    w->burial.has_thread = true;
    reaper_bury(reaper, &w->burial);
    return NULL;
}

static int start_worker(struct jobs *js)
{
    struct worker *w = calloc(1, sizeof(*w));
    pthread_t thread;
    int r;

    if (!w)
        return -ENOMEM;
    w->jobs = js;
    w->burial.last = worker_gone;
    w->burial.expected = true;
    atomic_fetch_add_explicit(&js->refs, 1, memory_order_relaxed);
    reaper_expect(js->env.reaper); /* it may linger when all else is over */
    r = thread_start(&thread, "gatling-job", js->stack, worker_main, w, js->env.census);
    if (r < 0)
        reaper_bury(js->env.reaper, &w->burial);
    return r;
}

void jobs_do(struct jobs *js, struct job *j)
{
    bool start;

    j->next = NULL;
    pthread_mutex_lock(&js->lock);
    *js->last = j;
    js->last = &j->next;
    js->queued++;
    start = js->queued > js->idle && js->running < js->at_once;
    if (start)
        js->running++;
    else if (js->idle > 0)
        pthread_cond_signal(&js->work);
    pthread_mutex_unlock(&js->lock);
    if (!start || start_worker(js) == 0)
        return;
    /* No thread to be had: then the caller is one of those at work. */
    while ((j = next_job(js, false)))
        j->run(j);
}
