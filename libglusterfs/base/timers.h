/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* timers.h: armed timers of a loop, the next due first: a binary heap whose places the timers know (timer.slot), so that
 * moving and disarming need no search. One thread. */
#ifndef BASE_TIMERS_H
#define BASE_TIMERS_H

#include "loop.h"

struct timers {
    struct timer **heap;
    unsigned int n, cap;
};
int timers_arm(struct timers *ts, struct timer *t, uint64_t due_ms); /* moves it when armed already; -ENOMEM */
void timers_disarm(struct timers *ts, struct timer *t);              /* not armed is fine */
struct timer *timers_first(struct timers *ts);                       /* stays armed; NULL: none */
void timers_done(struct timers *ts);                                 /* disarms all */

#endif
