/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* engine.c: what both engines share: the thread that reaps, the bound, and the end. */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "engine.h"
#include "thread.h"
#include "util.h"

static void engine_says(struct engine *e, int r)
{
    SCOPED_LOCK(&e->lock);
    e->state = r < 0 ? ENGINE_FAILED : ENGINE_RUNNING;
    e->err = r;
    pthread_cond_signal(&e->changed);
}

/* An io_uring belongs to the thread that made it, so starting and stopping happen here. */
static void *engine_main(void *arg)
{
    struct engine *e = arg;
    int r = e->type->start(e);
    engine_says(e, r);
    if (r < 0)
        return NULL;
    while (e->type->turn(e))
        ;
    e->type->stop(e);
    return NULL;
}

static void engine_bury(struct engine *e)
{
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
    free(e);
}

int engine_new(const struct engine_type *type, struct census *census, struct engine **ret)
{
    struct engine *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->type = type;
    e->census = census;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
    int r = thread_start(&e->thread, type->name, THREAD_STACK, engine_main, e, census);
    if (r == 0) {
        pthread_mutex_lock(&e->lock);
        while (e->state == ENGINE_STARTING)
            pthread_cond_wait(&e->changed, &e->lock);
        r = e->err;
        pthread_mutex_unlock(&e->lock);
        if (r < 0)
            thread_join(e->thread, census);
    }
    if (r < 0)
        engine_bury(e);
    else
        *ret = e;
    return r;
}

/* What is submitted may be over, and its owner about to free the engine, before submit() has returned: hence submitting. */
int engine_submit(struct engine *e, struct engine_io *io)
{
    atomic_fetch_add_explicit(&e->submitting, 1, memory_order_relaxed);
    int r = atomic_fetch_add_explicit(&e->in_flight, 1, memory_order_relaxed) < ENGINE_DEPTH ? 0 : -EAGAIN;
    if (r == 0)
        r = e->type->submit(e, io);
    if (r < 0)
        atomic_fetch_sub_explicit(&e->in_flight, 1, memory_order_relaxed);
    counter_add(r < 0 ? &e->refused : &e->taken, 1);
    atomic_fetch_sub_explicit(&e->submitting, 1, memory_order_release); /* partner: the acquire in engine_free() */
    return r;
}

void engine_done(struct engine *e, struct engine_io *io, ssize_t r)
{
    io->done(io, r);
    atomic_fetch_sub_explicit(&e->in_flight, 1, memory_order_release); /* partner: the acquire of the type's turn(), which ends at 0 */
}

void engine_free(struct engine *e)
{
    if (!e)
        return;
    while (atomic_load_explicit(&e->submitting, memory_order_acquire))
        sched_yield(); /* a few instructions */
    e->type->wake(e);
    thread_join(e->thread, e->census);
    engine_bury(e);
}
