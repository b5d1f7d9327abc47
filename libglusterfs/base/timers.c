/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "timers.h"

#include <errno.h>
#include <stdlib.h>

static void put(struct timers *ts, unsigned int i, struct timer *t)
{
    ts->heap[i] = t;
    t->slot = i + 1;
}

/* t belongs somewhere at or above place i, which is free. */
static unsigned int up(struct timers *ts, unsigned int i, struct timer *t)
{
    while (i > 0 && t->due_ms < ts->heap[(i - 1) / 2]->due_ms) {
        put(ts, i, ts->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(ts, i, t);
    return i;
}

static void down(struct timers *ts, unsigned int i, struct timer *t)
{
    for (;;) {
        unsigned int child = 2 * i + 1;
        if (child + 1 < ts->n && ts->heap[child + 1]->due_ms < ts->heap[child]->due_ms)
            child++;
        if (child >= ts->n || ts->heap[child]->due_ms >= t->due_ms)
            break;
        put(ts, i, ts->heap[child]);
        i = child;
    }
    put(ts, i, t);
}

static void place(struct timers *ts, unsigned int i, struct timer *t)
{
    if (up(ts, i, t) == i)
        down(ts, i, t);
}

int timers_arm(struct timers *ts, struct timer *t, uint64_t due_ms)
{
    if (!t->slot) {
        if (ts->n == ts->cap) {
            unsigned int cap = ts->cap ? 2 * ts->cap : 64;
            struct timer **heap = reallocarray(ts->heap, cap, sizeof(*heap));
            if (!heap)
                return -ENOMEM;
            ts->heap = heap;
            ts->cap = cap;
        }
        put(ts, ts->n++, t);
    }
    t->due_ms = due_ms;
    place(ts, t->slot - 1, t);
    return 0;
}

void timers_disarm(struct timers *ts, struct timer *t)
{
    unsigned int i = t->slot - 1;

    if (!t->slot)
        return;
    t->slot = 0;
    struct timer *last = ts->heap[--ts->n];
    if (last != t)
        place(ts, i, last);
}

struct timer *timers_first(struct timers *ts)
{
    return ts->n ? ts->heap[0] : NULL;
}

void timers_done(struct timers *ts)
{
    for (unsigned int i = 0; i < ts->n; i++)
        ts->heap[i]->slot = 0;
    free(ts->heap);
    *ts = (struct timers){0};
}
