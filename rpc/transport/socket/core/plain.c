/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* plain.c: the stream that is what the socket gives.
 *
 * Reads ahead, so that a mark, a header and a small record cost one system call. How much: what followed the last request.
 * While bulk data comes in, only a little more than a header (else most of the data would be copied once more); while small
 * records come in, many of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sock.h"
#include "stream.h"

#define AHEAD_MAX (16 * KiB)
#define AHEAD_BULK 1024
#define BULK_FROM 4096 /* a read that long goes to where it belongs, with the read-ahead behind it */

struct plain {
    struct stream s;
    uint8_t *ahead; /* AHEAD_MAX bytes; NULL while idle */
    size_t at, end; /* what of it is there and not taken */
    bool bulk;      /* the last thing read was bulk data */
};

static ssize_t plain_read(struct stream *s, void *to, size_t len)
{
    struct plain *p = container_of(s, struct plain, s);
    struct iovec iov[2];
    unsigned int n = 0;
    ssize_t got;

    if (p->at < p->end) {
        size_t take = min_of(len, p->end - p->at);

        memcpy(to, p->ahead + p->at, take);
        p->at += take;
        return take;
    }
    if (!p->ahead) {
        p->ahead = malloc(AHEAD_MAX);
        if (!p->ahead)
            return -ENOMEM;
    }
    p->at = p->end = 0;
    if (len >= BULK_FROM)
        iov[n++] = (struct iovec){to, len};
    iov[n] = (struct iovec){p->ahead, n || p->bulk ? AHEAD_BULK : AHEAD_MAX};
    n++;
    got = sock_receive(s->sock, iov, n);
    if (got <= 0)
        return got;
    p->bulk = n == 2;
    if (n == 2) {
        if ((size_t)got <= len)
            return got;
        p->end = got - len;
        return len;
    }
    p->end = got;
    p->at = min_of(len, (size_t)got);
    memcpy(to, p->ahead, p->at);
    return p->at;
}

static ssize_t plain_write(struct stream *s, const struct iovec *iov, unsigned int n)
{
    return sock_transmit(s->sock, iov, n);
}

static int plain_nothing_to_do(struct stream *s)
{
    return 0;
}

static size_t plain_holds(struct stream *s)
{
    return 0;
}

static void plain_idle(struct stream *s)
{
    struct plain *p = container_of(s, struct plain, s);

    if (p->at < p->end)
        return;
    free(p->ahead);
    p->ahead = NULL;
    p->bulk = false;
}

static void plain_free(struct stream *s)
{
    struct plain *p = container_of(s, struct plain, s);

    free(p->ahead);
    free(p);
}

static const struct stream_type plain_type = {
    .read = plain_read,
    .write = plain_write,
    .flush = plain_nothing_to_do,
    .goodbye = plain_nothing_to_do,
    .holds = plain_holds,
    .idle = plain_idle,
    .free = plain_free,
    .joins = true,
    .duplex = true,
};

int plain_open(struct sock *sock, struct iobuf_pool *bufs, struct stream **ret)
{
    struct plain *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->s = (struct stream){.type = &plain_type, .sock = sock, .bufs = bufs};
    *ret = &p->s;
    return 0;
}
