/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* References  From n > 1 to n - 1, and from n >= 1 to n + 1, go without a lock. From 0 to 1 (found in the table) and from 1 to 0
 *             only under the shard's mutex. So an inode without references, seen under the mutex, stays so while it is held,
 *             and who takes it out of the table then is alone with it.
 * The limit   is one for all shards. Over it, the shards take turns in giving up their oldest. Two shards are never locked at
 *             once. forget() may run while another thread has already made a new inode of the same gfid.
 * The end     Who has let go of the last reference may still have to forget it, or older ones, without a lock: it is counted in its shard
 *             as leaving, and the table's end waits for it. */
#include "inode.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "graph.h"
#include "log.h"
#include "slot.h"
#include "util.h"

#define NR_SHARDS 64
#define BUCKETS_MIN 16

struct shard {
    pthread_mutex_t lock;  /* guards the rest; innermost */
    struct inode **bucket; /* NULL until the first one   */
    unsigned int nr_buckets, nr_inodes, nr_lru;
    struct inode *oldest, *newest;
    unsigned int leaving;  /* threads that forget something, and look at the table for it */
    pthread_cond_t left;   /* leaving is 0 */
} __attribute__((aligned(64)));

struct inode_table {
    struct graph *graph;
    struct census *census;
    uint64_t key[2];                /* of the hash: clients choose gfids, they shall not choose chains */
    atomic_uint limit;              /* relaxed, as nr_lru and cursor: they steer, they do not order    */
    atomic_uint nr_lru;
    atomic_uint cursor;             /* the shard that gives up one next */
    struct shard shards[NR_SHARDS];
};

static uint64_t hash(const struct inode_table *t, gfid_t gfid)
{
    uint64_t half[2];

    memcpy(half, gfid.b, sizeof(half));
    unsigned __int128 product = (unsigned __int128)(half[0] ^ t->key[0]) * (half[1] ^ t->key[1]);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static struct shard *shard_of(struct inode_table *t, uint64_t h)
{
    return &t->shards[h % NR_SHARDS];
}

unsigned int inode_table_shard(struct inode_table *t, gfid_t gfid)
{
    return (unsigned int)(shard_of(t, hash(t, gfid)) - t->shards);
}

static struct inode **bucket_of(const struct shard *s, uint64_t h)
{
    return &s->bucket[(h / NR_SHARDS) & (s->nr_buckets - 1)];
}

struct inode_table *inode_table_new(struct graph *graph, unsigned int lru_limit, struct census *census)
{
    struct inode_table *t = aligned_alloc(64, sizeof(*t));

    if (!t)
        return NULL;
    memset(t, 0, sizeof(*t));
    if (getrandom(t->key, sizeof(t->key), 0) != sizeof(t->key)) {
        free(t);
        return NULL;
    }
    t->graph = graph;
    t->census = census;
    atomic_init(&t->limit, lru_limit);
    for (unsigned int i = 0; i < NR_SHARDS; i++) {
        pthread_mutex_init(&t->shards[i].lock, NULL);
        pthread_cond_init(&t->shards[i].left, NULL);
    }
    return t;
}

/* ---- under the shard's mutex --------------------------------------------------------------------------------------------- */
static struct inode *find_locked(const struct shard *s, gfid_t gfid, uint64_t h)
{
    struct inode *in = s->bucket ? *bucket_of(s, h) : NULL;

    while (in && !gfid_equal(in->gfid, gfid))
        in = in->hash_next;
    return in;
}

static void lru_remove_locked(struct shard *s, struct inode *in)
{
    *(in->lru_prev ? &in->lru_prev->lru_next : &s->oldest) = in->lru_next;
    *(in->lru_next ? &in->lru_next->lru_prev : &s->newest) = in->lru_prev;
    in->lru_prev = in->lru_next = NULL;
    s->nr_lru--;
    atomic_fetch_sub_explicit(&in->table->nr_lru, 1, memory_order_relaxed);
}

static void lru_append_locked(struct shard *s, struct inode *in)
{
    in->lru_prev = s->newest;
    in->lru_next = NULL;
    *(s->newest ? &s->newest->lru_next : &s->oldest) = in;
    s->newest = in;
    s->nr_lru++;
    atomic_fetch_add_explicit(&in->table->nr_lru, 1, memory_order_relaxed);
}

static struct inode *take_locked(struct shard *s, struct inode *in)
{
    if (atomic_fetch_add_explicit(&in->refs, 1, memory_order_relaxed) == 0) /* the mutex orders */
        lru_remove_locked(s, in);
    return in;
}

static void unhash_locked(struct shard *s, struct inode *in, uint64_t h)
{
    struct inode **at = bucket_of(s, h);

    while (*at != in)
        at = &(*at)->hash_next;
    *at = in->hash_next;
    s->nr_inodes--;
}

/* Twice the buckets. Without memory the chains get longer. -ENOMEM: there is no bucket at all. */
static int grow_locked(struct inode_table *t, struct shard *s)
{
    unsigned int nr = s->bucket ? s->nr_buckets * 2 : BUCKETS_MIN;
    struct inode **old = s->bucket, **bucket = calloc(nr, sizeof(*bucket)), *in;
    unsigned int nr_old = s->nr_buckets;

    if (!bucket)
        return old ? 0 : -ENOMEM;
    s->bucket = bucket;
    s->nr_buckets = nr;
    for (unsigned int i = 0; i < nr_old; i++) {
        while ((in = old[i])) {
            struct inode **to = bucket_of(s, hash(t, in->gfid));
            old[i] = in->hash_next;
            in->hash_next = *to;
            *to = in;
        }
    }
    free(old);
    return 0;
}

static struct inode *make_locked(struct inode_table *t, struct shard *s, gfid_t gfid, uint64_t h)
{
    struct inode *in = calloc(1, sizeof(*in) + t->graph->nr_inode_slots * sizeof(in->ctx[0]));

    if (!in || (s->nr_inodes >= s->nr_buckets && grow_locked(t, s) < 0)) {
        free(in);
        return NULL;
    }
    in->gfid = gfid;
    in->table = t;
    atomic_init(&in->refs, 1);
    struct inode **bucket = bucket_of(s, h);
    in->hash_next = *bucket;
    *bucket = in;
    s->nr_inodes++;
    census_add(t->census, CENSUS_INODES, 1);
    return in;
}

/* ---- the end of an inode ------------------------------------------------------------------------------------------------- */
/* It is out of the table and nobody has a reference. */
static void forget(struct inode *in)
{
    struct inode_table *t = in->table;

    if (t->graph->nr_inode_slots) {
        for (struct xlator *xl = t->graph->first; xl; xl = xl->next) {
            void *ctx = xl->type->inode_slot ? inode_ctx(in, xl) : NULL;
            if (ctx && xl->type->forget)
                xl->type->forget(xl, in, ctx);
        }
    }
    free(in);
    census_add(t->census, CENSUS_INODES, -1);
}

static struct inode *give_up_oldest(struct inode_table *t, struct shard *s)
{
    SCOPED_LOCK(&s->lock);
    struct inode *in = s->oldest;
    if (in) {
        lru_remove_locked(s, in);
        unhash_locked(s, in, hash(t, in->gfid));
    }
    return in;
}

static bool is_over(struct inode_table *t)
{
    unsigned int limit = atomic_load_explicit(&t->limit, memory_order_relaxed);

    return limit && atomic_load_explicit(&t->nr_lru, memory_order_relaxed) > limit;
}

static void trim(struct inode_table *t)
{
    unsigned int empty = 0;

    while (empty < NR_SHARDS && is_over(t)) {
        unsigned int i = atomic_fetch_add_explicit(&t->cursor, 1, memory_order_relaxed);
        struct inode *in = give_up_oldest(t, &t->shards[i % NR_SHARDS]);
        if (in)
            forget(in);
        empty = in ? 0 : empty + 1;
    }
}

void inode_table_set_limit(struct inode_table *t, unsigned int lru_limit)
{
    atomic_store_explicit(&t->limit, lru_limit, memory_order_relaxed);
    trim(t);
}

static void complain(struct inode *in, void *ctx)
{
    char text[GFID_TEXT];

    log_error("inode", "object %s still has %u references while its table is freed; it stays in memory", gfid_text(in->gfid, text),
              atomic_load_explicit(&in->refs, memory_order_relaxed) - 1);
}

static void wait_until_left(struct shard *s)
{
    SCOPED_LOCK(&s->lock);
    while (s->leaving)
        pthread_cond_wait(&s->left, &s->lock);
}

static void has_left(struct shard *s)
{
    SCOPED_LOCK(&s->lock);
    if (--s->leaving == 0)
        pthread_cond_signal(&s->left);
}

void inode_table_free(struct inode_table *t)
{
    if (!t)
        return;
    for (unsigned int i = 0; i < NR_SHARDS; i++)
        wait_until_left(&t->shards[i]);
    for (unsigned int i = 0; i < NR_SHARDS; i++) {
        struct inode *in;
        while ((in = give_up_oldest(t, &t->shards[i])))
            forget(in);
    }
    if (inode_table_counts(t).active) { /* whoever has one may still come back with it: leaking is better than crashing */
        inode_table_each_active(t, complain, NULL);
        return;
    }
    for (unsigned int i = 0; i < NR_SHARDS; i++) {
        struct shard *s = &t->shards[i];
        free(s->bucket);
        pthread_cond_destroy(&s->left);
        pthread_mutex_destroy(&s->lock);
    }
    free(t);
}

/* ---- looking ------------------------------------------------------------------------------------------------------------- */
struct inode *inode_find(struct inode_table *t, gfid_t gfid)
{
    uint64_t h = hash(t, gfid);
    struct shard *s = shard_of(t, h);

    SCOPED_LOCK(&s->lock);
    struct inode *in = find_locked(s, gfid, h);
    return in ? take_locked(s, in) : NULL;
}

struct inode *inode_get(struct inode_table *t, gfid_t gfid)
{
    uint64_t h = hash(t, gfid);
    struct shard *s = shard_of(t, h);

    assert(!gfid_is_null(gfid));
    SCOPED_LOCK(&s->lock);
    struct inode *in = find_locked(s, gfid, h);
    return in ? take_locked(s, in) : make_locked(t, s, gfid, h);
}

struct inode *inode_ref(struct inode *in)
{
    atomic_fetch_add_explicit(&in->refs, 1, memory_order_relaxed); /* the caller has one: nothing to order */
    return in;
}

void inode_unref(struct inode *in)
{
    if (!in)
        return;

    /* Not the last: release, so that what we did with it comes before its end; the last one's acquire is the partner. */
    unsigned int refs = atomic_load_explicit(&in->refs, memory_order_relaxed);
    while (refs > 1)
        if (atomic_compare_exchange_weak_explicit(&in->refs, &refs, refs - 1, memory_order_release, memory_order_relaxed))
            return;

    struct inode_table *t = in->table;
    uint64_t h = hash(t, in->gfid);
    struct shard *s = shard_of(t, h);
    bool dropped = false, leaving = false;

    pthread_mutex_lock(&s->lock);
    if (atomic_fetch_sub_explicit(&in->refs, 1, memory_order_acq_rel) == 1) {
        dropped = atomic_load_explicit(&in->dropped, memory_order_relaxed);
        if (dropped)
            unhash_locked(s, in, h);
        else
            lru_append_locked(s, in);
        leaving = dropped || is_over(t);
        s->leaving += leaving;
    }
    pthread_mutex_unlock(&s->lock);
    if (!leaving)
        return;
    if (dropped)
        forget(in);
    else
        trim(t);
    has_left(s);
}

void inode_drop(struct inode *in)
{
    atomic_store_explicit(&in->dropped, true, memory_order_relaxed);
}

struct inode_counts inode_table_counts(struct inode_table *t)
{
    struct inode_counts c = {.limit = atomic_load_explicit(&t->limit, memory_order_relaxed)};

    for (unsigned int i = 0; i < NR_SHARDS; i++) {
        SCOPED_LOCK(&t->shards[i].lock);
        c.lru += t->shards[i].nr_lru;
        c.active += t->shards[i].nr_inodes - t->shards[i].nr_lru;
    }
    return c;
}

/* References on the active ones of a shard; ret_n of them. NULL: none, or no memory. */
static struct inode **collect_active(struct shard *s, unsigned int *ret_n)
{
    struct inode **list;
    unsigned int n = 0;

    SCOPED_LOCK(&s->lock);
    *ret_n = 0;
    if (s->nr_inodes == s->nr_lru)
        return NULL;
    list = calloc(s->nr_inodes - s->nr_lru, sizeof(struct inode *));
    if (!list)
        return NULL;
    for (unsigned int i = 0; i < s->nr_buckets; i++)
        for (struct inode *in = s->bucket[i]; in; in = in->hash_next)
            if (atomic_load_explicit(&in->refs, memory_order_relaxed) > 0) /* stays so: 1 to 0 needs the mutex */
                list[n++] = inode_ref(in);
    *ret_n = n;
    return list;
}

void inode_table_each_active(struct inode_table *t, void (*fn)(struct inode *in, void *ctx), void *ctx)
{
    for (unsigned int i = 0; i < NR_SHARDS; i++) {
        unsigned int n;
        struct inode **list = collect_active(&t->shards[i], &n);
        for (unsigned int k = 0; k < n; k++) {
            fn(list[k], ctx);
            inode_unref(list[k]);
        }
        free(list);
    }
}

/* ---- context slots ------------------------------------------------------------------------------------------------------- */
void *inode_ctx(const struct inode *in, const struct xlator *xl)
{
    return slot_get(&in->ctx[xl->inode_slot]);
}

void *inode_ctx_set(struct inode *in, const struct xlator *xl, void *value)
{
    return slot_set(&in->ctx[xl->inode_slot], value);
}
