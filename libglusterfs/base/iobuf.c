/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Blocks of a class are mapped, not malloc'ed: aligned, and what the free lists do not keep goes back to the system at once.
 * AddressSanitizer must see each free and each use after it, so with it every block is malloc'ed and no list keeps any. */
#include "iobuf.h"

#include <stdlib.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#define CAN_CACHE false
#else
#define CAN_CACHE true
#endif

#define ALIGNMENT 4096

static const size_t class_size[] = {32 * KiB, 128 * KiB, 1 * MiB};
enum { NR_SIZES = array_len(class_size), LARGE = NR_SIZES, SMALL, LENT };

struct free_list {
    struct iobuf *first; /* the last one freed: its cache is warm   */
    unsigned int n, low; /* low: the least n since the last trim: so many were not needed */
};
struct iobuf_pool {
    struct census *census;
    struct iobuf_lender lender; /* lend NULL: a pool of its own */
    pthread_mutex_t lock; /* guards the rest; innermost */
    size_t cached, max;
    struct free_list lists[NR_SIZES];
};

struct iobuf_pool *iobuf_pool_new(size_t cache_bytes, struct census *census)
{
    struct iobuf_pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return NULL;
    pool->census = census;
    pool->max = CAN_CACHE ? cache_bytes : 0;
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

struct iobuf_pool *iobuf_pool_borrowing(const struct iobuf_lender *lender, struct census *census)
{
    struct iobuf_pool *pool = iobuf_pool_new(0, census);

    if (pool)
        pool->lender = *lender;
    return pool;
}

static uint8_t *block_new(size_t size)
{
    if (!CAN_CACHE) {
        void *block;
        return posix_memalign(&block, ALIGNMENT, size) == 0 ? block : NULL;
    }
    void *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

static void block_free(uint8_t *block, size_t size)
{
    if (!CAN_CACHE)
        free(block);
    else
        munmap(block, size);
}

static void destroy(struct iobuf *buf)
{
    if (buf->cls == LENT)
        buf->pool->lender.give_back(buf->pool->lender.ctx, buf->loan);
    else if (buf->cls != SMALL)
        block_free(buf->data, buf->size);
    free(buf);
}

static void destroy_all(struct iobuf *buf)
{
    while (buf) {
        struct iobuf *next = buf->next_free;
        destroy(buf);
        buf = next;
    }
}

void iobuf_pool_free(struct iobuf_pool *pool)
{
    if (!pool)
        return;
    for (unsigned int i = 0; i < NR_SIZES; i++)
        destroy_all(pool->lists[i].first);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

size_t iobuf_pool_cached(struct iobuf_pool *pool)
{
    SCOPED_LOCK(&pool->lock);
    return pool->cached;
}

/* Cuts the `low` that lay deepest off the list. */
static struct iobuf *cut_unused(struct iobuf_pool *pool, unsigned int cls)
{
    SCOPED_LOCK(&pool->lock);
    struct free_list *list = &pool->lists[cls];
    struct iobuf **at = &list->first, *unused;

    for (unsigned int i = list->low; i < list->n; i++)
        at = &(*at)->next_free;
    unused = *at;
    *at = NULL;
    pool->cached -= list->low * class_size[cls];
    list->n -= list->low;
    list->low = list->n;
    return unused;
}

void iobuf_pool_trim(struct iobuf_pool *pool)
{
    for (unsigned int i = 0; i < NR_SIZES; i++)
        destroy_all(cut_unused(pool, i));
}

static struct iobuf *list_take(struct iobuf_pool *pool, unsigned int cls)
{
    SCOPED_LOCK(&pool->lock);
    struct free_list *list = &pool->lists[cls];
    struct iobuf *buf = list->first;

    if (buf) {
        list->first = buf->next_free;
        list->n--;
        list->low = min_of(list->low, list->n);
        pool->cached -= buf->size;
    }
    return buf;
}

static bool list_keep(struct iobuf_pool *pool, struct iobuf *buf)
{
    SCOPED_LOCK(&pool->lock);
    struct free_list *list = &pool->lists[buf->cls];

    if (buf->size > pool->max - pool->cached)
        return false;
    buf->next_free = list->first;
    list->first = buf;
    list->n++;
    pool->cached += buf->size;
    return true;
}

static struct iobuf *make_small(size_t size)
{
    static const size_t header = (sizeof(struct iobuf) + 15) & ~(size_t)15;
    struct iobuf *buf = malloc(header + size);

    if (buf)
        *buf = (struct iobuf){.cls = SMALL, .size = size, .data = (uint8_t *)buf + header};
    return buf;
}

static struct iobuf *make_block(unsigned int cls, size_t size)
{
    struct iobuf *buf = malloc(sizeof(*buf));
    uint8_t *block = buf ? block_new(size) : NULL;

    if (!block) {
        free(buf);
        return NULL;
    }
    *buf = (struct iobuf){.cls = cls, .size = size, .data = block};
    return buf;
}

static struct iobuf *borrow(struct iobuf_pool *pool, size_t size)
{
    struct iobuf *buf = malloc(sizeof(*buf));
    void *loan, *bytes = buf ? pool->lender.lend(pool->lender.ctx, size, &loan) : NULL;

    if (!bytes) {
        free(buf);
        return NULL;
    }
    *buf = (struct iobuf){.cls = LENT, .size = size, .data = bytes, .loan = loan};
    return buf;
}

struct iobuf *iobuf_new(struct iobuf_pool *pool, size_t size)
{
    struct iobuf *buf;
    unsigned int cls = 0;

    if (pool->lender.lend) {
        buf = borrow(pool, size);
    } else if (size < class_size[0]) {
        buf = make_small(size);
    } else if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    } else {
        while (cls < LARGE && size > class_size[cls])
            cls++;
        if (cls == LARGE)
            buf = make_block(LARGE, (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
        else if (!(buf = list_take(pool, cls)))
            buf = make_block(cls, class_size[cls]);
    }
    if (!buf)
        return NULL;
    atomic_store_explicit(&buf->refs, 1, memory_order_relaxed); /* nobody else has seen it yet */
    buf->pool = pool;
    census_add(pool->census, CENSUS_IOBUFS, 1);
    census_add(pool->census, CENSUS_IOBUF_BYTES, (int64_t)buf->size);
    return buf;
}

struct iobuf *iobuf_ref(struct iobuf *buf)
{
    atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed); /* the caller has one already: nothing to order */
    return buf;
}

void iobuf_unref(struct iobuf *buf)
{
    /* Release: our reads come before the memory is used again; acquire: so do those of all who dropped theirs before. */
    if (!buf || atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) > 1)
        return;

    struct iobuf_pool *pool = buf->pool;
    census_add(pool->census, CENSUS_IOBUFS, -1);
    census_add(pool->census, CENSUS_IOBUF_BYTES, -(int64_t)buf->size);
    if (buf->cls >= NR_SIZES || !list_keep(pool, buf))
        destroy(buf);
}
