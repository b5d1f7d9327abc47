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
enum { NR_SIZES = array_len(class_size), LARGE = NR_SIZES, SMALL };

/* Each class has its own share of the cache, so that many small blocks cannot lock out large ones for good. */
static const unsigned int class_share[NR_SIZES] = {4, 4, 2}; /* a quarter, a quarter, a half */

struct free_list {
    pthread_mutex_t lock; /* guards the rest; innermost */
    struct iobuf *first;
    size_t bytes, max;
};
struct iobuf_pool {
    struct census *census;
    struct free_list lists[NR_SIZES];
};

struct iobuf_pool *iobuf_pool_new(size_t cache_bytes, struct census *census)
{
    struct iobuf_pool *pool = calloc(1, sizeof(*pool));

    if (!pool)
        return NULL;
    pool->census = census;
    for (unsigned int i = 0; i < NR_SIZES; i++) {
        pthread_mutex_init(&pool->lists[i].lock, NULL);
        pool->lists[i].max = CAN_CACHE ? cache_bytes / class_share[i] : 0;
    }
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
    if (buf->cls != SMALL)
        block_free(buf->data, buf->size);
    free(buf);
}

void iobuf_pool_free(struct iobuf_pool *pool)
{
    if (!pool)
        return;
    for (unsigned int i = 0; i < NR_SIZES; i++) {
        struct iobuf *buf;
        while ((buf = pool->lists[i].first)) {
            pool->lists[i].first = buf->next_free;
            destroy(buf);
        }
        pthread_mutex_destroy(&pool->lists[i].lock);
    }
    free(pool);
}

size_t iobuf_pool_cached(struct iobuf_pool *pool)
{
    size_t bytes = 0;

    for (unsigned int i = 0; i < NR_SIZES; i++) {
        SCOPED_LOCK(&pool->lists[i].lock);
        bytes += pool->lists[i].bytes;
    }
    return bytes;
}

static struct iobuf *list_take(struct free_list *list)
{
    SCOPED_LOCK(&list->lock);
    struct iobuf *buf = list->first;
    if (buf) {
        list->first = buf->next_free;
        list->bytes -= buf->size;
    }
    return buf;
}

static bool list_keep(struct free_list *list, struct iobuf *buf)
{
    SCOPED_LOCK(&list->lock);
    if (buf->size > list->max - list->bytes)
        return false;
    buf->next_free = list->first;
    list->first = buf;
    list->bytes += buf->size;
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

struct iobuf *iobuf_new(struct iobuf_pool *pool, size_t size)
{
    struct iobuf *buf;
    unsigned int cls = 0;

    if (size < class_size[0]) {
        buf = make_small(size);
    } else if (size > SIZE_MAX - ALIGNMENT) {
        return NULL;
    } else {
        while (cls < LARGE && size > class_size[cls])
            cls++;
        if (cls == LARGE)
            buf = make_block(LARGE, (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1));
        else if (!(buf = list_take(&pool->lists[cls])))
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
    if (buf->cls >= NR_SIZES || !list_keep(&pool->lists[buf->cls], buf))
        destroy(buf);
}
