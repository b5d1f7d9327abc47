/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* counter.h: numbers that many threads add to and the statedump reads.
 *
 * All accesses are relaxed: a counter orders nothing, it only adds up. Each counted resource must be back at its start
 * value when the load is gone (design section 6); tests and the statedump read the census. */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic int64_t counter_t;

static inline void counter_add(counter_t *c, int64_t n)
{
    atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}
static inline int64_t counter_get(const counter_t *c)
{
    return atomic_load_explicit((counter_t *)c, memory_order_relaxed);
}

/* What exists now. Names as the statedump's section [census] shows them: census_name(). */
enum census_item {
    CENSUS_THREADS,
    CENSUS_IOBUFS,
    CENSUS_IOBUF_BYTES,
    CENSUS_CONNS,
    CENSUS_LISTENERS,
    CENSUS_HANDSHAKES,
    CENSUS_MESSAGES,  /* accepted by conn_send, not yet released */
    CENSUS_RECORDS,   /* received, not yet freed                 */
    CENSUS_REQUESTS,  /* RPC requests without an answer          */
    CENSUS_FOPS,
    CENSUS_PARKED,    /* of those: wait for an event (fop_park()) */
    CENSUS_CLIENTS,
    CENSUS_INODES,    /* in memory, referenced or cached         */
    CENSUS_FDS,       /* struct fd                               */
    CENSUS_LOCKS,     /* granted and waiting, all families       */
    NR_CENSUS,
};
struct census {
    counter_t now[NR_CENSUS];
};
static inline void census_add(struct census *c, enum census_item item, int64_t n) /* NULL: nobody counts */
{
    if (c)
        counter_add(&c->now[item], n);
}
const char *census_name(enum census_item item);

#endif
