/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who may go on with a parked fop. `park` says it, and each way out of PARK_YES is one atomic step, so exactly one gets it:
 *
 *      NO  -- fop_park() -->  YES  -- fop_unpark() -->  NO          the granter has it
 *                             YES  -- fop_cancel() -->  CANCELLED   the canceller has it
 *      NO  -- fop_cancel() -> CANCELLED                             the holder hears of it when it wants to park
 *
 * Partners  fop_park()'s release: the acquire in fop_unpark() and fop_cancel(): what the holder wrote before it parked
 *           (cancelled, cancel_ctx, arguments, results) is seen by whoever goes on with the fop.
 *           fop_cancel()'s release: the acquire of fop_park() and fop_unpark() that fail: cancel_err is seen. */
#include <stdatomic.h>

#include "fop.h"
#include "graph.h"
#include "process.h"

static void count(const struct fop *fop, int64_t n)
{
    census_add(&fop->graph->process->census, CENSUS_PARKED, n);
}

bool fop_park(struct fop *fop, void (*cancelled)(struct fop *fop, void *ctx), void *ctx)
{
    int expected = PARK_NO;

    if (fop->parent && fop->client && !fop->listed) { /* the parent is listed, but it is not the one that is parked */
        int err = client_list_child(fop->client, fop);
        fop->listed = err == 0;
        if (err)
            fop_cancel(fop, err);
    }
    fop->cancelled = cancelled;
    fop->cancel_ctx = ctx;
    count(fop, 1); /* before somebody else may have it, and free it */
    if (atomic_compare_exchange_strong_explicit(&fop->park, &expected, PARK_YES, memory_order_release, memory_order_acquire))
        return true;
    count(fop, -1);
    return false;
}

bool fop_unpark(struct fop *fop)
{
    int expected = PARK_YES;

    if (!atomic_compare_exchange_strong_explicit(&fop->park, &expected, PARK_NO, memory_order_acquire, memory_order_acquire))
        return false;
    count(fop, -1);
    return true;
}

bool fop_cancel(struct fop *fop, int err)
{
    int none = 0;

    /* The first reason stays; relaxed: published by the exchange below. */
    atomic_compare_exchange_strong_explicit(&fop->cancel_err, &none, err, memory_order_relaxed, memory_order_relaxed);
    if (atomic_exchange_explicit(&fop->park, PARK_CANCELLED, memory_order_acq_rel) != PARK_YES)
        return false;
    count(fop, -1);
    return true;
}

void fop_will_wait(struct fop *fop)
{
    while (fop->parent)
        fop = fop->parent;
    if (fop->will_wait)
        fop->will_wait(fop);
}
