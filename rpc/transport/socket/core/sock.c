/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "sock.h"

#include <errno.h>
#include <sys/socket.h>

static ssize_t kernel_receive(void *ctx, int fd, const struct iovec *iov, unsigned int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n};
    ssize_t r = recvmsg(fd, &m, MSG_DONTWAIT);

    return r < 0 ? -errno : r;
}

/* MSG_NOSIGNAL: a plug-in touches no signal dispositions. */
static ssize_t kernel_transmit(void *ctx, int fd, const struct iovec *iov, unsigned int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)iov, .msg_iovlen = n};
    ssize_t r = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

    return r < 0 ? -errno : r;
}

const struct sock_calls sock_kernel = {kernel_receive, kernel_transmit};

void sock_init(struct sock *s, int fd)
{
    *s = (struct sock){.fd = fd, .calls = &sock_kernel, .readable = true, .writable = true};
}

static size_t iov_sum(const struct iovec *iov, unsigned int n)
{
    size_t sum = 0;

    for (unsigned int i = 0; i < n; i++)
        sum += iov[i].iov_len;
    return sum;
}

ssize_t sock_receive(struct sock *s, const struct iovec *iov, unsigned int n)
{
    ssize_t r;

    if (!s->readable)
        return -EAGAIN;
    do {
        counter_add(&s->reads, 1);
        r = s->calls->receive(s->ctx, s->fd, iov, n);
    } while (r == -EINTR);
    if (r == -EWOULDBLOCK)
        r = -EAGAIN;
    if (r > 0)
        counter_add(&s->bytes_in, r);
    if (r == 0)
        s->ended = true;
    if (r == -EAGAIN || (r > 0 && (size_t)r < iov_sum(iov, n)))
        s->readable = false;
    return r;
}

ssize_t sock_transmit(struct sock *s, const struct iovec *iov, unsigned int n)
{
    ssize_t r;

    if (!s->writable)
        return -EAGAIN;
    do {
        counter_add(&s->writes, 1);
        r = s->calls->transmit(s->ctx, s->fd, iov, n);
    } while (r == -EINTR);
    if (r == -EWOULDBLOCK || r == 0)
        r = -EAGAIN;
    if (r > 0)
        counter_add(&s->bytes_out, r);
    if (r == -EAGAIN || (r > 0 && (size_t)r < iov_sum(iov, n)))
        s->writable = false;
    return r;
}
