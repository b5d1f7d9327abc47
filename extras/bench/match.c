/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* match.c: what it costs to find the call that a reply answers, with 1, 100, 10,000 and 100,000 calls in flight: the table of the
 * RPC client alone. Each round takes one of them out, the oldest or any, and puts a new one in. Prints nanoseconds of CPU per
 * round: what rises when there is no order is the distance of the processor's cache.
 *
 *   cc -O2 -D_GNU_SOURCE -Irpc/rpc-lib extras/bench/match.c rpc/rpc-lib/call-table.c -o match && ./match */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "call-table.h"

#define ROUNDS 2000000u

static uint64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* others on this machine do not count */
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static double cost(unsigned int in_flight, bool in_order)
{
    struct call_table *t = aligned_alloc(64, (sizeof(*t) + 63) / 64 * 64);
    uint32_t *xids = malloc(in_flight * sizeof(*xids)), seed = 1;
    struct rpc_call *call = (struct rpc_call *)t; /* never looked at */
    uint64_t start;

    if (!t || !xids)
        exit(1);
    call_table_init(t);
    for (unsigned int i = 0; i < in_flight; i++)
        if (call_table_put(t, call, NULL, 0, &xids[i]) < 0)
            exit(1);
    start = cpu_ns();
    for (unsigned int i = 0; i < ROUNDS; i++) {
        unsigned int k;

        seed = seed * 1664525 + 1013904223;
        k = in_order ? i % in_flight : (uint32_t)((uint64_t)seed * in_flight >> 32);
        pthread_mutex_lock(&t->lock);
        if (call_table_take(t, xids[k], &call) != CALL_FOUND)
            exit(1);
        pthread_mutex_unlock(&t->lock);
        pthread_mutex_lock(&t->lock);
        call_table_put(t, call, NULL, 0, &xids[k]);
        pthread_mutex_unlock(&t->lock);
    }
    double ns = (double)(cpu_ns() - start) / ROUNDS;
    for (unsigned int i = 0; i < in_flight; i++)
        call_table_take(t, xids[i], &call);
    call_table_done(t);
    free(xids);
    free(t);
    return ns;
}

int main(void)
{
    static const unsigned int sizes[] = {1, 100, 10000, 100000};

    for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        printf("%7u in flight: %.0f ns for a reply and the next call; with replies in no order %.0f ns\n", sizes[i],
               cost(sizes[i], true), cost(sizes[i], false));
    return 0;
}
