/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* handover.h: many threads hand work to one.
 *
 * liburcu's wait-free queue (urcu/wfcqueue.h) behind two functions, which carry the ThreadSanitizer annotations. Any
 * thread puts; one thread at a time takes. What is taken comes in the order in which the puts succeeded. */
#ifndef BASE_HANDOVER_H
#define BASE_HANDOVER_H

#include <stdbool.h>
#include <urcu/wfcqueue.h>

struct handover_node {
    struct cds_wfcq_node node;
};
struct handover {
    struct cds_wfcq_head head; /* the taker's */
    struct cds_wfcq_tail tail; /* the putters' */
};

void handover_init(struct handover *q);
/* True when the queue was empty before: the caller then wakes the taker. */
bool handover_put(struct handover *q, struct handover_node *n);
/* The oldest, or NULL when empty. The taker only. */
struct handover_node *handover_take(struct handover *q);
bool handover_empty(struct handover *q); /* a hint to all but the taker */

/* The wake-up that goes with it: an eventfd, non-blocking, close-on-exec. */
int wakefd_new(void);      /* descriptor, or a negative errno */
void wakefd_wake(int fd);
void wakefd_drain(int fd);

#endif
