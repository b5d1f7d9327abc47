/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pool.h: the worker threads: what may wait for the disk runs here. Bounded, with priority classes.
 *
 * Fairness   Within a class each owner (a client, or NULL for all others) has a FIFO; owners take turns. A free worker takes
 *            from the highest class that has work and runs fewer than its limit (spec brick 4.1).
 * Size       From 1 to `max` threads: one more when work waits and none is idle; an idle one leaves after idle_s.
 * Threads    pool_add(): any. A job runs once, without any lock held, and may free itself. */
#ifndef GF_POOL_H
#define GF_POOL_H

#include "counter.h"

enum pool_class { CLASS_HIGH, CLASS_NORMAL, CLASS_LOW, CLASS_LEAST, NR_CLASSES };

struct job {
    struct job *next;
    void (*run)(struct job *j);
    const void *owner;
    enum pool_class class;
    struct job *last, *turn, *chain; /* pool.c's */
};
struct pool;

/* Zero in a member means the default beside it. */
struct pool_conf {
    unsigned int max;               /* threads; 16 */
    unsigned int limit[NR_CLASSES]; /* running at once: 16, 16, 16, 1 */
    unsigned int idle_s;            /* 120 */
};
struct pool *pool_new(const struct pool_conf *conf, struct census *census); /* NULL: no memory, or no first thread */
void pool_set(struct pool *p, const struct pool_conf *conf);
void pool_add(struct pool *p, struct job *j); /* cannot fail: when no thread can be started it waits for a running one */
struct pool_counts {
    unsigned int threads, idle, queued[NR_CLASSES], running[NR_CLASSES];
} pool_counts(struct pool *p);
void pool_drain(struct pool *p); /* waits until nothing is queued or running; not from a job */
void pool_free(struct pool *p);  /* drains, then ends the threads */

#endif
