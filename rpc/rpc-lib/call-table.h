/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* call-table.h: which call a reply answers: one shard of a client's table of calls under way.
 *
 * A call has a slot; its xid is the slot's place and the slot's generation, which changes with each use. So finding it is one
 * look, whatever is in flight, and what answers nothing is told from what comes late.
 *
 *     FREE -> TAKEN -> FREE          answered, or the connection ended
 *             TAKEN -> ABANDONED     out of time: the reply may still come, and must not meet another call
 *                      ABANDONED -> FREE   it came late, or the connection ended
 *             TAKEN -> HELD -> FREE        its reply lands in memory that the call lends: nothing ends it before the reply is there or
 *                                          the connection has ended. So nobody writes into that memory when the call is over
 *
 * Threads   All but init and done under `lock`, the caller's to hold; nothing is called under it. */
#ifndef RPC_CALL_TABLE_H
#define RPC_CALL_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rpc_call;
struct rpc_link;

/* xid: 12 bits generation (never 0, and so no xid is), 17 bits slot, 3 bits shard. */
#define CALL_SHARD_BITS 3
#define CALL_SLOT_BITS 17
#define CALL_GENERATIONS 4096
#define CALL_SHARDS (1u << CALL_SHARD_BITS)
#define CALL_SLOTS (1u << CALL_SLOT_BITS)
#define CALL_CHUNK 512u

typedef size_t (*call_bulk_at)(const uint8_t *result, size_t have);

struct call_slot {
    struct rpc_call *call;  /* TAKEN: set */
    call_bulk_at bulk_at;
    uint64_t due_ms;
    uint32_t next_free;     /* FREE: index + 1 of the next free one, 0: none */
    uint16_t generation;    /* of its present or next use */
    bool abandoned;
    bool held;              /* HELD: call is set, too */
};
struct call_table {
    pthread_mutex_t lock;
    struct rpc_link *link;  /* whom these calls were given to; NULL: closed. The client's, put and taken away under lock */
    bool ready;             /* it takes all calls, not only early ones */
    struct call_slot *chunks[CALL_SLOTS / CALL_CHUNK];
    uint32_t nr_slots, first_free;
    unsigned int in_flight, abandoned;
    bool watched;           /* a timer looks at its time-outs */
    uint64_t puts;
} __attribute__((aligned(64)));

void call_table_init(struct call_table *t);
void call_table_done(struct call_table *t); /* no call may be left */

/* 0 and the xid without its shard; -ENOBUFS: full, -ENOMEM. */
int call_table_put(struct call_table *t, struct rpc_call *call, call_bulk_at bulk_at, uint64_t due_ms, uint32_t *ret_xid);
enum call_found { CALL_FOUND, CALL_LATE, CALL_FORGED };
enum call_found call_table_take(struct call_table *t, uint32_t xid, struct rpc_call **ret); /* its slot is free after it */
call_bulk_at call_table_bulk_at(struct call_table *t, uint32_t xid);                        /* NULL: none, or no such call */
struct rpc_call *call_table_find(struct call_table *t, uint32_t xid); /* NULL: no such call */
void call_table_hold(struct call_table *t, uint32_t xid);             /* one that was found */
/* Up to max calls that are due are taken out, their slots abandoned. *at is the walk's place, at first 0. 0: it is at its end.
 * ret_held: set when one is due and held; then only the end of the connection ends it. */
unsigned int call_table_expire(struct call_table *t, uint64_t now_ms, uint32_t *at, struct rpc_call **ret, unsigned int max,
                               bool *ret_held);
/* Up to max calls, due or not, and what was abandoned is forgotten. Of a closed table, with nothing put meanwhile. */
unsigned int call_table_empty(struct call_table *t, uint32_t *at, struct rpc_call **ret, unsigned int max);

static inline uint32_t call_shard_of(uint32_t xid)
{
    return xid & (CALL_SHARDS - 1);
}

#endif
