/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "call-table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void call_table_init(struct call_table *t)
{
    *t = (struct call_table){.lock = PTHREAD_MUTEX_INITIALIZER};
}

void call_table_done(struct call_table *t)
{
    assert(t->in_flight == 0);
    for (uint32_t i = 0; i < t->nr_slots / CALL_CHUNK; i++)
        free(t->chunks[i]);
    pthread_mutex_destroy(&t->lock);
}

static struct call_slot *slot_at(struct call_table *t, uint32_t index)
{
    return &t->chunks[index / CALL_CHUNK][index % CALL_CHUNK];
}

static void set_free(struct call_table *t, uint32_t index)
{
    struct call_slot *s = slot_at(t, index);

    s->call = NULL;
    s->abandoned = false;
    s->held = false;
    s->generation = s->generation == CALL_GENERATIONS - 1 ? 1 : s->generation + 1;
    s->next_free = t->first_free;
    t->first_free = index + 1;
}

static int grow(struct call_table *t)
{
    struct call_slot *chunk;

    if (t->nr_slots == CALL_SLOTS)
        return -ENOBUFS;
    chunk = calloc(CALL_CHUNK, sizeof(*chunk));
    if (!chunk)
        return -ENOMEM;
    t->chunks[t->nr_slots / CALL_CHUNK] = chunk;
    t->nr_slots += CALL_CHUNK;
    for (uint32_t i = 1; i <= CALL_CHUNK; i++)
        set_free(t, t->nr_slots - i);
    return 0;
}

int call_table_put(struct call_table *t, struct rpc_call *call, call_bulk_at bulk_at, uint64_t due_ms, uint32_t *ret_xid)
{
    struct call_slot *s;
    uint32_t index;
    int r = t->first_free ? 0 : grow(t);

    if (r < 0)
        return r;
    index = t->first_free - 1;
    s = slot_at(t, index);
    t->first_free = s->next_free;
    s->call = call;
    s->bulk_at = bulk_at;
    s->due_ms = due_ms;
    t->in_flight++;
    t->puts++;
    *ret_xid = ((uint32_t)s->generation << CALL_SLOT_BITS | index) << CALL_SHARD_BITS;
    return 0;
}

/* The slot that the xid names, if it is in use by that name. */
static struct call_slot *find(struct call_table *t, uint32_t xid, uint32_t *ret_index)
{
    uint32_t index = xid >> CALL_SHARD_BITS & (CALL_SLOTS - 1);
    struct call_slot *s;

    if (index >= t->nr_slots)
        return NULL;
    s = slot_at(t, index);
    if (s->generation != xid >> (CALL_SHARD_BITS + CALL_SLOT_BITS) || (!s->call && !s->abandoned))
        return NULL;
    *ret_index = index;
    return s;
}

enum call_found call_table_take(struct call_table *t, uint32_t xid, struct rpc_call **ret)
{
    uint32_t index;
    struct call_slot *s = find(t, xid, &index);

    if (!s)
        return CALL_FORGED;
    if (s->abandoned) {
        t->abandoned--;
        set_free(t, index);
        return CALL_LATE;
    }
    *ret = s->call;
    t->in_flight--;
    set_free(t, index);
    return CALL_FOUND;
}

call_bulk_at call_table_bulk_at(struct call_table *t, uint32_t xid)
{
    uint32_t index;
    struct call_slot *s = find(t, xid, &index);

    return s ? s->bulk_at : NULL; /* an abandoned one's bulk lands as well as another's */
}

struct rpc_call *call_table_find(struct call_table *t, uint32_t xid)
{
    uint32_t index;
    struct call_slot *s = find(t, xid, &index);

    return s ? s->call : NULL;
}

void call_table_hold(struct call_table *t, uint32_t xid)
{
    uint32_t index;

    find(t, xid, &index)->held = true;
}

unsigned int call_table_expire(struct call_table *t, uint64_t now_ms, uint32_t *at, struct rpc_call **ret, unsigned int max,
                               bool *ret_held)
{
    unsigned int n = 0;

    for (; *at < t->nr_slots && n < max; ++*at) {
        struct call_slot *s = slot_at(t, *at);

        if (!s->call || s->due_ms > now_ms)
            continue;
        if (s->held) {
            *ret_held = true;
            continue;
        }
        ret[n++] = s->call;
        s->call = NULL;
        s->abandoned = true;
    }
    t->in_flight -= n;
    t->abandoned += n;
    return n;
}

unsigned int call_table_empty(struct call_table *t, uint32_t *at, struct rpc_call **ret, unsigned int max)
{
    unsigned int n = 0;

    for (; *at < t->nr_slots && n < max; ++*at) {
        struct call_slot *s = slot_at(t, *at);

        if (s->call)
            ret[n++] = s->call;
        else if (s->abandoned)
            t->abandoned--;
        else
            continue;
        set_free(t, *at);
    }
    t->in_flight -= n;
    return n;
}
