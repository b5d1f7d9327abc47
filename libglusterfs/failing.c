/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "failing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

static atomic_uint kinds_armed;
static atomic_long seen, which; /* number `which` fails */

void failing_arm(unsigned int kinds, long k)
{
    atomic_store(&seen, 0);
    atomic_store(&which, k);
    atomic_store(&kinds_armed, kinds);
}

bool failing_happened(void)
{
    return atomic_load(&seen) >= atomic_load(&which);
}

long failing_seen(void)
{
    return atomic_load(&seen);
}

bool failing_disarm(void)
{
    atomic_store(&kinds_armed, 0);
    return failing_happened();
}

static bool fails(unsigned int kind)
{
    return (atomic_load(&kinds_armed) & kind) && atomic_fetch_add(&seen, 1) + 1 == atomic_load(&which);
}

#define WRAP(kind, failed, error, type, name, declared, given) \
    type __real_##name declared;                               \
    type __wrap_##name declared;                               \
    type __wrap_##name declared                                \
    {                                                          \
        if (fails(kind)) {                                     \
            errno = error;                                     \
            return failed;                                     \
        }                                                      \
        return __real_##name given;                            \
    }
WRAP(FAILING_MEMORY, NULL, ENOMEM, void *, malloc, (size_t size), (size))
WRAP(FAILING_MEMORY, NULL, ENOMEM, void *, calloc, (size_t n, size_t size), (n, size))
WRAP(FAILING_MEMORY, NULL, ENOMEM, void *, realloc, (void *old, size_t size), (old, size))
WRAP(FAILING_MEMORY, NULL, ENOMEM, void *, reallocarray, (void *old, size_t n, size_t size), (old, n, size))
WRAP(FAILING_MEMORY, ENOMEM, ENOMEM, int, posix_memalign, (void **ret, size_t alignment, size_t size), (ret, alignment, size))
WRAP(FAILING_MEMORY, NULL, ENOMEM, char *, strdup, (const char *s), (s))
WRAP(FAILING_MEMORY, NULL, ENOMEM, char *, strndup, (const char *s, size_t n), (s, n))
WRAP(FAILING_MEMORY, MAP_FAILED, ENOMEM, void *, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t off),
     (at, len, prot, flags, fd, off))
WRAP(FAILING_THREAD, EAGAIN, EAGAIN, int, pthread_create, (pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg),
     (t, attr, fn, arg))
WRAP(FAILING_FD, -1, EMFILE, int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), (fd, addr, len, flags))
WRAP(FAILING_FD, -1, EMFILE, int, socket, (int family, int type, int protocol), (family, type, protocol))
WRAP(FAILING_FD, -1, EMFILE, int, eventfd, (unsigned int n, int flags), (n, flags))
WRAP(FAILING_FD, -1, EMFILE, int, epoll_create1, (int flags), (flags))

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
    if (op == EPOLL_CTL_ADD && fails(FAILING_FD)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_epoll_ctl(epfd, op, fd, ev);
}

void *failing_malloc(size_t size, const char *file, int line)
{
    return size == 0 || fails(FAILING_LIBRARY) ? NULL : __real_malloc(size);
}
void *failing_realloc(void *old, size_t size, const char *file, int line)
{
    return fails(FAILING_LIBRARY) ? NULL : __real_realloc(old, size);
}
void failing_free(void *block, const char *file, int line)
{
    free(block);
}
