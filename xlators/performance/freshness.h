/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* freshness.h: whether the answer to a question may be kept, for caches of what others can change, too.
 *
 * Every change (one of ours begins or ends, the brick tells of one, the connection goes) takes a number from the cache's clock, and is the
 * object's last change. Whoever asks notes the clock before. An answer is kept only if the object's last change is not later than its
 * question, and none of our changes is under way. What a change itself brings is kept if no other change of the object overlapped with it.
 * So an old answer never takes the place of a newer one, in whatever order answers arrive.
 *
 * Threads  The clock: any. A struct fresh: under its owner's lock. */
#ifndef PERFORMANCE_FRESHNESS_H
#define PERFORMANCE_FRESHNESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct fresh_clock {
    _Atomic uint64_t now;
    _Atomic uint64_t dropped_at; /* what was asked before is nothing any more */
    _Atomic uint64_t stray_at;   /* the last change of an object that nobody here knew yet */
};
struct fresh { /* of an object */
    uint64_t changed_at;
    unsigned int changing;       /* our changes under way */
};

static inline uint64_t fresh_now(struct fresh_clock *c) /* to be noted by who asks */
{
    return atomic_load(&c->now);
}
static inline uint64_t fresh_tick(struct fresh_clock *c)
{
    return atomic_fetch_add(&c->now, 1) + 1;
}
static inline void fresh_init(struct fresh_clock *c, struct fresh *f)
{
    *f = (struct fresh){.changed_at = atomic_load(&c->stray_at)};
}
static inline bool fresh_is_of_now(struct fresh_clock *c, uint64_t asked)
{
    return asked >= atomic_load(&c->dropped_at);
}
static inline bool fresh_may_keep(struct fresh_clock *c, const struct fresh *f, uint64_t asked)
{
    return f->changing == 0 && f->changed_at <= asked && fresh_is_of_now(c, asked);
}
static inline uint64_t fresh_begin(struct fresh_clock *c, struct fresh *f) /* a change of ours; never 0 */
{
    f->changing++;
    return f->changed_at = fresh_tick(c);
}
static inline bool fresh_end(struct fresh_clock *c, struct fresh *f, uint64_t began) /* true: it was alone */
{
    bool alone = --f->changing == 0 && f->changed_at == began && fresh_is_of_now(c, began);

    f->changed_at = fresh_tick(c);
    return alone;
}
static inline void fresh_changed(struct fresh_clock *c, struct fresh *f) /* by somebody else */
{
    f->changed_at = fresh_tick(c);
}
static inline void fresh_changed_unknown(struct fresh_clock *c)
{
    atomic_store(&c->stray_at, fresh_tick(c));
}
static inline void fresh_drop_all(struct fresh_clock *c)
{
    atomic_store(&c->dropped_at, fresh_tick(c));
}

#endif
