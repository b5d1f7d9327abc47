/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* iobuf.h: memory that messages and file data live in.
 *
 * A buffer is refcounted; a slice is a part of a buffer and holds one reference on it. What is queued to be sent points
 * only to memory that it holds a reference on (design section 1), so nobody has to know when the bytes have left.
 *
 * Sizes    Below 32 KiB the block comes from malloc with its header. From 32 KiB on it comes from the pool by class
 *          (32 KiB, 128 KiB, 1 MiB), is 4096-aligned (direct I/O) and goes back to a bounded free list. Larger: one page-
 *          aligned allocation of its own.
 * Threads  References may be taken and dropped by any thread. The bytes are written by whoever made the buffer, before it
 *          hands on the first slice; after that they are read only.
 * Errors   Allocation failure is NULL or an empty slice; nobody aborts. */
#ifndef BASE_IOBUF_H
#define BASE_IOBUF_H

#include <stdatomic.h>
#include <sys/uio.h>

#include "counter.h"
#include "util.h"

struct iobuf_pool;

struct iobuf {
    atomic_uint refs;
    unsigned int cls; /* which free list it goes back to; iobuf.c only */
    size_t size;      /* usable bytes at data                          */
    struct iobuf_pool *pool;
    uint8_t *data;
    union {
        struct iobuf *next_free;
        void *loan;   /* of a pool that borrows */
    };
};

/* cache_bytes: how much freed memory the pool keeps for reuse, at most. The pool must outlive its buffers. */
struct iobuf_pool *iobuf_pool_new(size_t cache_bytes, struct census *census);
void iobuf_pool_free(struct iobuf_pool *pool);
/* A pool that makes no memory: each buffer's bytes are lent by somebody else, whose own references may outlive ours (the plug-in
 * in stock's daemons receives into stock's buffers). */
struct iobuf_lender {
    void *(*lend)(void *ctx, size_t size, void **ret_loan); /* size bytes, and what to give back for them; NULL: no memory */
    void (*give_back)(void *ctx, void *loan);
    void *ctx;
};
struct iobuf_pool *iobuf_pool_borrowing(const struct iobuf_lender *lender, struct census *census);
size_t iobuf_pool_cached(struct iobuf_pool *pool);
void iobuf_pool_trim(struct iobuf_pool *pool); /* gives back what was not needed since the last call; called every few seconds */

struct iobuf *iobuf_new(struct iobuf_pool *pool, size_t size); /* one reference, the caller's */
struct iobuf *iobuf_ref(struct iobuf *buf);
void iobuf_unref(struct iobuf *buf); /* NULL is fine */

struct slice {
    struct iobuf *buf; /* NULL: no bytes, or bytes that live forever (constants) */
    uint8_t *at;
    size_t len;
};

/* All of buf; takes over the caller's reference. */
static inline struct slice slice_of(struct iobuf *buf, size_t len)
{
    return (struct slice){.buf = buf, .at = buf ? buf->data : NULL, .len = buf ? len : 0};
}
static inline struct slice slice_new(struct iobuf_pool *pool, size_t len)
{
    return slice_of(iobuf_new(pool, len), len);
}
/* A part of s with a reference of its own. off + len <= s.len is the caller's business. */
static inline struct slice slice_part(struct slice s, size_t off, size_t len)
{
    if (s.buf)
        iobuf_ref(s.buf);
    return (struct slice){.buf = s.buf, .at = s.at + off, .len = len};
}
static inline void slice_done(struct slice *s)
{
    iobuf_unref(s->buf);
    *s = (struct slice){0};
}

/* A vector of slices in order. Up to four need no allocation. Zero-initialised is empty. */
struct slicev {
    struct slice *v; /* NULL: inl */
    unsigned int n, cap;
    size_t len;      /* sum of the parts */
    struct slice inl[4];
};
static inline struct slice *slicev_at(struct slicev *sv)
{
    return sv->v ? sv->v : sv->inl;
}
int slicev_add(struct slicev *sv, struct slice s);                 /* takes over the reference, also when it fails: -ENOMEM */
int slicev_add_all(struct slicev *sv, const struct slicev *from);  /* takes references of its own */
void slicev_move(struct slicev *to, struct slicev *from);          /* to must be empty, from becomes so */
void slicev_done(struct slicev *sv);
size_t slicev_copy_out(const struct slicev *sv, size_t off, void *to, size_t len);
unsigned int slicev_iov(const struct slicev *sv, size_t off, struct iovec *iov, unsigned int max); /* from byte off on */

#endif
