/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is put becomes visible to the taker by the exchange of the tail inside the enqueue (a full barrier), which pairs with
 * the taker's read of the predecessor's next pointer and the barrier after it. ThreadSanitizer does not see barriers written
 * in assembly: built with it we call liburcu's own functions, which are not instrumented, and say in words what
 * they order: release in put, acquire in take, both on the node. */
#ifndef __SANITIZE_THREAD__
#define _LGPL_SOURCE /* inline functions: no need of liburcu at run time */
#endif
#include "handover.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifdef __SANITIZE_THREAD__
void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
#define tsan_acquire(addr) __tsan_acquire(addr)
#define tsan_release(addr) __tsan_release(addr)
#else
#define tsan_acquire(addr) ((void)(addr))
#define tsan_release(addr) ((void)(addr))
#endif

void handover_init(struct handover *q)
{
    cds_wfcq_init(&q->head, &q->tail);
}

bool handover_put(struct handover *q, struct handover_node *n)
{
    cds_wfcq_node_init(&n->node);
    tsan_release(n);
    return !cds_wfcq_enqueue(&q->head, &q->tail, &n->node);
}

struct handover_node *handover_take(struct handover *q)
{
    struct cds_wfcq_node *node;

    /* A putter may stand between its two stores; the blocking variant would sleep 10 ms for it. */
    while ((node = __cds_wfcq_dequeue_nonblocking(&q->head, &q->tail)) == CDS_WFCQ_WOULDBLOCK)
        sched_yield();
    if (!node)
        return NULL;

    struct handover_node *n = caa_container_of(node, struct handover_node, node);
    tsan_acquire(n);
    return n;
}

bool handover_empty(struct handover *q)
{
    return cds_wfcq_empty(&q->head, &q->tail);
}

int wakefd_new(void)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

void wakefd_wake(int fd)
{
    static const uint64_t one = 1;

    /* Full (EAGAIN) is as good as written: it wakes. */
    while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

void wakefd_drain(int fd)
{
    uint64_t count;

    while (read(fd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
}
