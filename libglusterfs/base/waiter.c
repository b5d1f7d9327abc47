/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "waiter.h"

#include <stddef.h>

#include "handover.h"

enum { WAITING, ELSEWHERE, OVER };

/* Who asks on this thread. */
static _Thread_local struct waiter *asking;

void waiter_begin(struct waiter *w)
{
    sem_init(&w->back, 0, 0);
    atomic_init(&w->state, WAITING);
    w->work = NULL;
    asking = w;
}

bool waiter_offer(const struct waiter_work *work, void *ctx)
{
    if (!asking || asking->work)
        return false;
    asking->work = work;
    asking->ctx = ctx;
    return true;
}

/* A semaphore and not a condition: one system call to sleep and one to wake, and who wakes may be overtaken by who goes on. */
void waiter_wait(struct waiter *w)
{
    asking = NULL;
    if (w->work && !waiter_over(w))
        w->work->help(w->ctx, w);
    while (sem_wait(&w->back) < 0) /* a signal of the program's */
        ;
    sem_destroy(&w->back);
    if (w->work)
        w->work->done(w->ctx);
}

void waiter_wake(struct waiter *w)
{
    if (atomic_exchange(&w->state, OVER) == ELSEWHERE)
        wakefd_wake(w->wakefd);
    sem_post(&w->back);
}

bool waiter_sleeps(struct waiter *w, int wakefd)
{
    int waiting = WAITING;

    w->wakefd = wakefd;
    return atomic_compare_exchange_strong(&w->state, &waiting, ELSEWHERE);
}

bool waiter_slept(struct waiter *w)
{
    int elsewhere = ELSEWHERE;

    return atomic_compare_exchange_strong(&w->state, &elsewhere, WAITING);
}

bool waiter_over(struct waiter *w)
{
    return atomic_load(&w->state) == OVER;
}
