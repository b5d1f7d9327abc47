/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* jobs.h: short-lived threads for TLS handshakes, so many at once, the others wait in a queue.
 *
 * A handshake needs a deep stack and a millisecond of arithmetic, but no waiting: between its steps the connection is
 * watched by the event loop. So a peer that is silent holds no thread, and a thread that has had no work for a second ends
 * and gives its stack back. Any thread may hand in a job. */
#ifndef SOCKET_JOBS_H
#define SOCKET_JOBS_H

#include <stddef.h>

#include "env.h"

struct jobs;
struct job {
    struct job *next;
    void (*run)(struct job *j); /* on a thread of ours; the job may be handed in again, or freed, from its end on */
};

struct jobs *jobs_new(const struct env *env, unsigned int at_once, size_t stack); /* NULL: no memory */
void jobs_unref(struct jobs *js); /* the maker's reference; running threads have theirs */
void jobs_do(struct jobs *js, struct job *j); /* without a thread to be had it is done before this returns */

#endif
