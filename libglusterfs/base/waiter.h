/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* waiter.h: a thread that has asked for something and has nothing else to do before the answer is there.
 *
 *   struct waiter w;
 *   waiter_begin(&w);     what this thread asks for from here on is w's
 *   ask(...);             somebody will call waiter_wake(&w), once, on any thread, perhaps in here already
 *   waiter_wait(&w);      returns after that
 *
 * Whoever can use the thread meanwhile offers it work: the connection on which it has just sent its question lets it receive the answer
 * itself, which saves waking another thread only so that it wakes this one (socket/core/helper.c).
 *
 * The helping thread sleeps where its work comes from, and has to be woken there when its answer has come another way. So there are
 * three states, and each step is one exchange:
 *
 *     WAITING <--waiter_sleeps, waiter_slept--> ELSEWHERE      the waiting thread's steps
 *        `-----------------> OVER <-----------------'          waiter_wake()'s; from ELSEWHERE it also writes to the eventfd
 *
 * The semaphore comes last: until it was posted whoever wakes may still look at *w and at the eventfd, and waiter_wait() stays. */
#ifndef BASE_WAITER_H
#define BASE_WAITER_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

struct waiter;

/* Work for a thread that waits. help() may return at any time, and does when waiter_sleeps() or waiter_slept() say that it is over;
 * done() gives up ctx. Both on the waiting thread, no lock held, not inside the asking. */
struct waiter_work {
    void (*help)(void *ctx, struct waiter *w);
    void (*done)(void *ctx);
};

struct waiter {
    sem_t back;
    atomic_int state;                /* enum in waiter.c */
    int wakefd;                      /* while ELSEWHERE; written before the exchange that says so */
    const struct waiter_work *work;  /* the waiting thread's; NULL: none was offered */
    void *ctx;
};

void waiter_begin(struct waiter *w);
void waiter_wait(struct waiter *w);
void waiter_wake(struct waiter *w);

/* True: the calling thread asks in order to wait, has no other offer yet, and has taken this one. */
bool waiter_offer(const struct waiter_work *work, void *ctx);

/* For help(): before and after the thread sleeps where a write to wakefd wakes it. False: it is over. The write may come late, when another
 * thread sleeps there. */
bool waiter_sleeps(struct waiter *w, int wakefd);
bool waiter_slept(struct waiter *w);
bool waiter_over(struct waiter *w);

#endif
