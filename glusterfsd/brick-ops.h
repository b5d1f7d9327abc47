/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick-ops.h: what the management daemon asks of this process on its unix socket: program GD_BRICK, 4867634 version 2.
 *
 * The daemon terminates the brick, asks for its status, its profile and its busiest files, and sets the barrier. The rest is
 * refused by name: doc/refused.md.
 *
 * Threads  A request is taken to the loop, wherever it arrived; what takes long goes on from there to a worker.
 * Source: spec wire 10.1, management 3.6 and 5.5. */
#ifndef GLUSTERFSD_BRICK_OPS_H
#define GLUSTERFSD_BRICK_OPS_H

#include "loop.h"
#include "process.h"
#include "service.h"

struct brick_ops {
    struct process *process;
    struct rpc_service *rpc;         /* NULL: there is no such socket */
    struct rpc_program program;
    counter_t running;               /* requests without an answer */
    struct timer drain;
    unsigned int ticks;              /* of it */
    bool ending, kicked;
    struct process_hold hold;
};

struct transport_type;
int brick_ops_listen(struct brick_ops *b, struct process *p, const struct transport_type *type, const char *path, struct err *err);
void brick_ops_end(struct brick_ops *b);   /* takes no more, answers what it has, and then lets go of the process */
void brick_ops_done(struct brick_ops *b);

/* perf.c: writes count blocks into a file of the brick, and reads them again if asked to: how fast was it? Waits for the disk. */
struct perf_result {
    double mb_per_s, us;
};
int perf_measure(struct process *p, const char *brick, bool read, uint64_t size, uint64_t count, struct perf_result *ret);

#endif
