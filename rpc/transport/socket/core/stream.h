/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* stream.h: bytes over a sock, plain or encrypted. The connection above does not know which.
 *
 * One owner at a time; a duplex stream may have two, of whom one reads and one does the rest. Nothing here waits: -EAGAIN says that the
 * sock is not readable (writable) and why we go on when poll() says it is. Errors are negative errnos; stream_why() has the sentence. */
#ifndef SOCKET_STREAM_H
#define SOCKET_STREAM_H

#include <sys/types.h>
#include <sys/uio.h>

#include "iobuf.h"

struct sock;
struct stream;

struct stream_type {
    /* Bytes, 0 at the end, -EAGAIN. Until it has said -EAGAIN there may be bytes inside that poll() knows nothing of. */
    ssize_t (*read)(struct stream *s, void *to, size_t len);
    /* How many bytes it has taken; -EAGAIN. What it took needs flush() to be really gone. */
    ssize_t (*write)(struct stream *s, const struct iovec *iov, unsigned int n);
    int (*flush)(struct stream *s);    /* 0: all gone; -EAGAIN */
    int (*goodbye)(struct stream *s);  /* no more writes: tell the peer; 0, -EAGAIN */
    size_t (*holds)(struct stream *s); /* after a read said -EAGAIN: bytes taken from the socket that wait for more */
    void (*idle)(struct stream *s);    /* give back what is needed only while busy */
    void (*free)(struct stream *s);
    bool joins;                        /* one write may carry bytes of two messages */
    bool duplex;                       /* read() and holds() know nothing of the others: they may run beside them on another thread */
};
struct stream {
    const struct stream_type *type;
    struct sock *sock;
    struct iobuf_pool *bufs;
    bool wants_write;                  /* a read cannot go on before something was written (TLS key update) */
    char why[160];                     /* what went wrong, in words; "" when the errno says it all */
};

int plain_open(struct sock *sock, struct iobuf_pool *bufs, struct stream **ret);

#endif
