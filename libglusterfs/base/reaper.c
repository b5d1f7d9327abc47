/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>

#include "thread.h"
#include "util.h"

struct reaper {
    pthread_mutex_t lock; /* guards all below; nothing is called under it */
    pthread_cond_t work;  /* first or stop changed   */
    pthread_cond_t moved; /* gone changed            */
    struct burial *first, **end;
    uint64_t came, gone;  /* burials ever            */
    int64_t expected;     /* threads that will come by themselves; below 0: one was quicker than who announced it */
    bool stop;
    pthread_t thread;
    struct census *census;
};

static void *reap(void *arg)
{
    struct reaper *r = arg;

    pthread_mutex_lock(&r->lock);
    for (;;) {
        struct burial *b = r->first;
        if (!b) {
            if (r->stop && r->expected <= 0)
                break;
            pthread_cond_wait(&r->work, &r->lock);
            continue;
        }
        r->first = b->next;
        if (!r->first)
            r->end = &r->first;
        pthread_mutex_unlock(&r->lock);
        if (b->has_thread)
            thread_join(b->thread, r->census);
        b->last(b);
        pthread_mutex_lock(&r->lock);
        r->gone++;
        pthread_cond_broadcast(&r->moved);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

struct reaper *reaper_new(struct census *census)
{
    struct reaper *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    pthread_cond_init(&r->moved, NULL);
    r->end = &r->first;
    r->census = census;
    if (thread_start(&r->thread, "reaper", THREAD_STACK_SMALL, reap, r, census) < 0) {
        free(r);
        return NULL;
    }
    return r;
}

void reaper_bury(struct reaper *r, struct burial *b)
{
    SCOPED_LOCK(&r->lock);
    b->next = NULL;
    *r->end = b;
    r->end = &b->next;
    r->came++;
    r->expected -= b->expected;
    pthread_cond_signal(&r->work);
}

void reaper_expect(struct reaper *r)
{
    SCOPED_LOCK(&r->lock);
    r->expected++;
}

void reaper_flush(struct reaper *r)
{
    SCOPED_LOCK(&r->lock);
    uint64_t until = r->came;
    while (r->gone < until)
        pthread_cond_wait(&r->moved, &r->lock);
}

void reaper_free(struct reaper *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->stop = true; /* it leaves when nothing is left, also nothing that a last() buried */
    pthread_cond_signal(&r->work);
    pthread_mutex_unlock(&r->lock);
    thread_join(r->thread, r->census);
    pthread_cond_destroy(&r->moved);
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
