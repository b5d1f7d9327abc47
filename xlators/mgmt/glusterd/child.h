/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* child.h: programs that the daemon starts and that go to the background: bricks, the self-heal daemon, rebalance.
 *
 * Which process is meant is not what a number in a file says, but who holds the lock on the pid file: each of these programs keeps that
 * lock as long as it lives. From then on the process is held by a pidfd, which no other process can come to mean.
 *
 * Threads  All wait for the disk or for a process: workers only. No state of its own. */
#ifndef GLUSTERD_CHILD_H
#define GLUSTERD_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/* A program under way to the background. */
struct child {
    pid_t pid;
    int fd;                      /* a pidfd; -1: none was to be had */
    uint64_t end_ms;             /* when it is given up */
};
#define CHILDREN_MAX 16
int child_spawn(struct child *c, char *const argv[], struct err *err);
size_t children_wait(struct child *const *all, size_t n); /* which one has ended, or is late; n up to CHILDREN_MAX */
int child_reap(struct child *c);                          /* its exit status; -ETIMEDOUT: it was late, and has been killed */

/* The process that holds the lock on a pid file; 0: none. */
int child_holder(const char *pid_file);
/* The same with a pidfd, which is the caller's. -ESRCH: there is none. */
int child_open(const char *pid_file, int *ret_pid);
/* The three in one. Exit status, or -errno with a sentence. */
int child_run(char *const argv[], struct err *err);
/* SIGTERM, and SIGKILL when it has not ended by that; waits for the end. what: for the log. */
void child_end(int pidfd, const char *what);
int child_make_folder_of(const char *file, struct err *err);

#endif
