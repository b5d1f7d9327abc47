/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "sendq.h"

#include <errno.h>

#define FRAGMENT_MAX 0x7fffffffu
#define IOV_MAX_PER_CALL 64

void sendq_init(struct sendq *q, void (*done)(void *ctx, struct msg *m, int err), void *ctx)
{
    *q = (struct sendq){.done = done, .ctx = ctx};
    handover_init(&q->in);
}

int sendq_put(struct sendq *q, struct msg *m)
{
    size_t len = m->body.len;

    if (len == 0 || len > FRAGMENT_MAX)
        return -EMSGSIZE;
    m->mark[0] = 0x80 | len >> 24;
    m->mark[1] = len >> 16;
    m->mark[2] = len >> 8;
    m->mark[3] = len;
    m->len = len + sizeof(m->mark);
    atomic_fetch_add_explicit(&q->bytes, m->len, memory_order_relaxed);
    handover_put(&q->in, &m->node);
    return 0;
}

static void release(struct sendq *q, int err)
{
    struct msg *m = q->burst[q->first];

    q->first++;
    q->off = 0;
    atomic_fetch_sub_explicit(&q->bytes, m->len, memory_order_relaxed);
    counter_add(&q->released, 1);
    q->done(q->ctx, m, err);
}

/* More of what was put, behind what the burst still has. */
static void take_more(struct sendq *q)
{
    if (q->first == q->n)
        q->first = q->n = 0;
    while (q->n < SENDQ_BURST) {
        struct handover_node *node = handover_take(&q->in);

        if (!node)
            break;
        q->burst[q->n++] = container_of(node, struct msg, node);
    }
}

/* The bytes of m from off on, mark included. */
static unsigned int iov_of(struct msg *m, size_t off, struct iovec *iov, unsigned int max)
{
    if (off >= sizeof(m->mark))
        return slicev_iov(&m->body, off - sizeof(m->mark), iov, max);
    iov[0] = (struct iovec){m->mark + off, sizeof(m->mark) - off};
    return 1 + (max > 1 ? slicev_iov(&m->body, 0, iov + 1, max - 1) : 0);
}

int sendq_flush(struct sendq *q, struct stream *s, size_t most)
{
    size_t gone = 0;

    for (;;) {
        struct iovec iov[IOV_MAX_PER_CALL];
        unsigned int n = 0;
        size_t off = q->off;
        ssize_t sent;

        take_more(q);
        if (q->first == q->n)
            return s->type->flush(s);
        if (gone >= most && q->off == 0)
            return s->type->flush(s) ?: 1;
        /* One record of a TLS stream never has bytes of two messages: stock reads one message per record it is told of. */
        for (unsigned int i = q->first; i < q->n && n < IOV_MAX_PER_CALL; i++, off = 0) {
            n += iov_of(q->burst[i], off, iov + n, IOV_MAX_PER_CALL - n);
            if (!s->type->joins)
                break;
        }
        sent = s->type->write(s, iov, n);
        if (sent < 0)
            return sent;
        gone += sent;
        while (sent > 0) {
            size_t left = q->burst[q->first]->len - q->off;

            if ((size_t)sent < left) {
                q->off += sent;
                break;
            }
            sent -= left;
            release(q, 0);
        }
    }
}

bool sendq_idle(struct sendq *q)
{
    return q->first == q->n && handover_empty(&q->in);
}

void sendq_empty(struct sendq *q, int err)
{
    for (;;) {
        take_more(q);
        if (q->first == q->n)
            return;
        while (q->first < q->n)
            release(q, err);
    }
}
