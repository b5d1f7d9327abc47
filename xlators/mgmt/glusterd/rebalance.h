/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rebalance.h: a volume's task of moving files: a rebalance, or bricks that leave. The work is done by a process of GlusterFS's own client;
 * the daemon starts it, asks it, and writes down how it went (node_state.info).
 *
 * The process tells its end in an EVENT_NOTIFY. One that is gone and has told nothing has failed.
 *
 * Threads  Those that start or ask wait for the process: workers only.
 * Source   spec management 1.4 (node_state.info), 3.1, 3.6, 4.13, 5.5. */
#ifndef GLUSTERD_REBALANCE_H
#define GLUSTERD_REBALANCE_H

#include <stdbool.h>
#include <stdint.h>

struct command;
struct dict;
struct err;
struct glusterd;
struct volinfo;

enum rebalance_command { REBALANCE_START = 1, REBALANCE_STOP = 2, REBALANCE_STATUS = 3, REBALANCE_FIX_LAYOUT = 4, REBALANCE_FORCE = 5 };
enum rebalance_status {
    TASK_NOT_STARTED, TASK_IN_PROGRESS, TASK_STOPPED, TASK_COMPLETED, TASK_FAILED, TASK_FIXING, TASK_FIX_STOPPED, TASK_FIXED,
    TASK_FIX_FAILED,
};
enum task_kind { TASK_NONE = 0, TASK_REMOVE_BRICK = 9, TASK_REBALANCE = 19 }; /* as they stand in the file */

struct task {
    enum task_kind kind;
    int command, status;         /* numbers of the two enums above */
    char id[37];
    uint64_t files, size, lookups, failures, skipped, time_left;
    double run_time;
};
/* What is written down. */
void task_read(const struct volinfo *v, struct task *ret);
int task_write(struct volinfo *v, const struct task *t); /* into the volume, not to the disk; -ENOMEM */
void task_bricks_clear(struct volinfo *v);
void task_settle(struct volinfo *v); /* read from the store: what a daemon left that died while it wrote it */
int task_bricks_add(struct volinfo *v, unsigned int number, const char *host, const char *path); /* number from 1 */
bool task_running(struct glusterd *gd, const struct volinfo *v); /* it is under way, and its process is there */

void task_take(struct task *t, const struct dict *d); /* the counters that a process sends */
/* With what the process says now, or with its failure if it is gone. */
void task_ask(struct glusterd *gd, const struct volinfo *v, struct task *ret);
int task_stop(struct glusterd *gd, const struct volinfo *v, struct task *ret, struct err *err);
int task_run(struct glusterd *gd, const struct volinfo *v, int command, struct err *err); /* starts the process */
void task_end(struct glusterd *gd, const struct volinfo *v); /* by a signal; waits */
void task_resume(struct glusterd *gd, const struct volinfo *v); /* the daemon has come up: a task under way goes on */
int task_put(struct command *c, const struct volinfo *v);       /* tasks of `volume status` */

#endif
