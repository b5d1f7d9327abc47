/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* sendq.h: messages on their way out, in the order in which they were put.
 *
 * Any thread puts; one at a time flushes or empties ("the taker": who has the connection's role, role.h). Each message that was put comes
 * out of released() exactly once. The queue holds no reference of its own: the message's slices hold theirs. */
#ifndef SOCKET_SENDQ_H
#define SOCKET_SENDQ_H

#include <stdatomic.h>

#include "message.h"
#include "stream.h"

#define SENDQ_BURST 32

struct sendq {
    struct handover in;
    atomic_size_t bytes;              /* put and not yet released, with marks; relaxed: a bound, it orders nothing */
    counter_t released;
    struct msg *burst[SENDQ_BURST];   /* taker: taken from in, oldest first, from first on */
    unsigned int first, n;
    size_t off;                       /* taker: bytes of the oldest that the stream has taken */
    void (*done)(void *ctx, struct msg *m, int err);
    void *ctx;
};

void sendq_init(struct sendq *q, void (*done)(void *ctx, struct msg *m, int err), void *ctx);
/* -EMSGSIZE: longer than a record can be (0x7fffffff bytes); then it is not in the queue. */
int sendq_put(struct sendq *q, struct msg *m);
/* Hands to the stream what it takes. 0: all has gone; -EAGAIN: call again when the stream can; other negatives: the stream is
 * broken. 1: `most` bytes or more have gone (the last message whole), and there are others. */
int sendq_flush(struct sendq *q, struct stream *s, size_t most);
bool sendq_idle(struct sendq *q);     /* nothing put that was not released; the taker only */
void sendq_empty(struct sendq *q, int err); /* releases all as not sent */

#endif
