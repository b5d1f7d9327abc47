/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* daemon.h: how a process becomes a daemon: the fork, the pid file, limits. Before the first thread. */
#ifndef GLUSTERFSD_DAEMON_H
#define GLUSTERFSD_DAEMON_H

#include "loop.h"
#include "util.h"

/* Forks. In the parent it does not return: it waits until the child says how its start went (daemon_started()), repeats the
 * child's sentence on stderr and leaves with its status. In the child: a descriptor for daemon_started(), or -errno. */
int daemon_fork(void);
/* status 0: all is well, the child lets go of the terminal. fd -1: there is no parent that waits. */
void daemon_started(int fd, int status, const char *sentence);

/* Opened for append, locked, truncated, "PID\n". A descriptor that holds the lock as long as it is open. */
int pid_file_take(const char *file, struct err *err);

int make_folders(const char *path); /* as mkdir -p does */
int set_oom_score(int score, struct err *err);
void set_process_up(void);          /* limits, umask, malloc */

/* Gives memory that malloc holds free back to the system, from time to time. The loop's thread. */
struct trimmer {
    struct timer timer;
    struct loop *loop;
};
int trimmer_start(struct trimmer *m, struct loop *loop);
void trimmer_stop(struct trimmer *m); /* also one that was never started */

#endif
