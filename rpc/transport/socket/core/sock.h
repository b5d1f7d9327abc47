/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* sock.h: a non-blocking stream socket, and what is known about its readiness.
 *
 * The two calls go through a table, so that a test can play a scripted peer: n bytes, EAGAIN, EINTR, reset or EOF at any
 * call. One owner at a time (the connection's); the counters may be read by anyone. */
#ifndef SOCKET_SOCK_H
#define SOCKET_SOCK_H

#include <sys/types.h>
#include <sys/uio.h>

#include "counter.h"
#include "util.h"

struct sock_calls {
    ssize_t (*receive)(void *ctx, int fd, const struct iovec *iov, unsigned int n); /* bytes, 0: end, or a negative errno */
    ssize_t (*transmit)(void *ctx, int fd, const struct iovec *iov, unsigned int n);
};
extern const struct sock_calls sock_kernel;

struct sock {
    int fd;
    const struct sock_calls *calls;
    void *ctx;
    bool readable, writable; /* false: the last call said that there is nothing, or no room; poll() sets it again */
    bool ended;              /* the peer has closed its side                                                      */
    counter_t bytes_in, bytes_out, reads, writes;
};

void sock_init(struct sock *s, int fd);
/* Bytes, 0 at the end of the stream, -EAGAIN, or what went wrong. Not even tried while not readable (writable). A call that
 * moves less than was asked for has seen the end of the kernel's buffer: the next one would be in vain. */
ssize_t sock_receive(struct sock *s, const struct iovec *iov, unsigned int n);
ssize_t sock_transmit(struct sock *s, const struct iovec *iov, unsigned int n);

#endif
