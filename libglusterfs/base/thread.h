/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* thread.h: the one way in which threads start, and the one place where they are joined.
 *
 * Every thread has a name (at most 15 bytes are shown), blocks all signals, and is joined: nobody detaches. A thread
 * cannot join itself and nobody waits for one in a callback, so what has ended is handed to the reaper. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "counter.h"

#define THREAD_STACK_SMALL ((size_t)64 << 10)  /* reserved, not resident: pollers and the reaper        */
#define THREAD_STACK       ((size_t)256 << 10) /* workers, the loop (sanitizer builds add to both)      */

int thread_start(pthread_t *ret_thread, const char *name, size_t stack, void *(*fn)(void *), void *arg,
                 struct census *census); /* 0 or a negative errno */
void thread_join(pthread_t thread, struct census *census);
/* For a thread that is about to end after a long life, when many do: glibc keeps the stacks of ended threads, up to 40 MiB of
 * them, and of each the last 16 KiB resident. What lies below the caller goes back to the system. */
void thread_give_back_stack(void);

struct reaper;
/* Embedded in what ends. The reaper joins thread (if has_thread) and then calls last(b), which may free all of it. Order is
 * kept; last() runs on the reaper and may block for short. */
struct burial {
    struct burial *next;
    pthread_t thread;
    bool has_thread;
    bool expected;     /* reaper_expect() was called for it */
    void (*last)(struct burial *b);
};
struct reaper *reaper_new(struct census *census);
void reaper_bury(struct reaper *r, struct burial *b); /* any thread, also the one that is to be joined: its last act */
/* A thread was started that will bury itself, whenever that is: reaper_free() waits for it. */
void reaper_expect(struct reaper *r);
void reaper_flush(struct reaper *r);                  /* waits until all that was buried so far has had its last(); not from last() */
void reaper_free(struct reaper *r);                   /* flushes, then ends the thread */

#endif
