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
    return atomic_compare_exchange_strong_explicit(&fop->park, &expected, PARK_YES, memory_order_release, memory_order_acquire);
}

bool fop_unpark(struct fop *fop)
{
    int expected = PARK_YES;

    return atomic_compare_exchange_strong_explicit(&fop->park, &expected, PARK_NO, memory_order_acquire, memory_order_acquire);
}

bool fop_cancel(struct fop *fop, int err)
{
    int none = 0;

    /* The first reason stays; relaxed: published by the exchange below. */
    atomic_compare_exchange_strong_explicit(&fop->cancel_err, &none, err, memory_order_relaxed, memory_order_relaxed);
    return atomic_exchange_explicit(&fop->park, PARK_CANCELLED, memory_order_acq_rel) == PARK_YES;
}

void fop_will_wait(struct fop *fop)
{
    while (fop->parent)
        fop = fop->parent;
    if (fop->will_wait)
        fop->will_wait(fop);
}
