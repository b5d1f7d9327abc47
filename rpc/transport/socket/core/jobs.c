/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "thread.h"
#include "util.h"

struct jobs {
    atomic_uint refs;
    struct env env;
    unsigned int at_once;
    size_t stack;
    pthread_mutex_t lock;
    struct job *first, **last; /* under lock */
    unsigned int running;      /* under lock */
};
struct worker {
    struct burial burial;
    struct jobs *jobs;
};

struct jobs *jobs_new(const struct env *env, unsigned int at_once, size_t stack)
{
    struct jobs *js = calloc(1, sizeof(*js));

    if (!js)
        return NULL;
    atomic_init(&js->refs, 1);
    js->env = *env;
    js->at_once = at_once;
    js->stack = stack;
    js->last = &js->first;
    pthread_mutex_init(&js->lock, NULL);
    return js;
}

void jobs_unref(struct jobs *js)
{
    if (!js || atomic_fetch_sub_explicit(&js->refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&js->lock);
    free(js);
}

static void worker_gone(struct burial *b)
{
    struct worker *w = container_of(b, struct worker, burial);

    jobs_unref(w->jobs);
    free(w);
}

/* The next job, or NULL: then this thread is no longer counted as running. */
static struct job *next_job(struct jobs *js)
{
    SCOPED_LOCK(&js->lock);
    struct job *j = js->first;

    if (!j) {
        js->running--;
        return NULL;
    }
    js->first = j->next;
    if (!js->first)
        js->last = &js->first;
    return j;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct reaper *reaper = w->jobs->env.reaper;
    struct job *j;

    while ((j = next_job(w->jobs)))
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
    atomic_fetch_add_explicit(&js->refs, 1, memory_order_relaxed);
    r = thread_start(&thread, "gatling-job", js->stack, worker_main, w, js->env.census);
    if (r < 0)
        worker_gone(&w->burial);
    return r;
}

void jobs_do(struct jobs *js, struct job *j)
{
    bool start;

    j->next = NULL;
    pthread_mutex_lock(&js->lock);
    *js->last = j;
    js->last = &j->next;
    start = js->running < js->at_once;
    if (start)
        js->running++;
    pthread_mutex_unlock(&js->lock);
    if (!start || start_worker(js) == 0)
        return;
    /* No thread to be had: then the caller is one of those at work. */
    while ((j = next_job(js)))
        j->run(j);
}
