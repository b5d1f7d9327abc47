/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* watchdog.h: the process ends within 4 s of being told to, with or without what hangs in a dead disk. */
#ifndef GLUSTERFSD_WATCHDOG_H
#define GLUSTERFSD_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>

#define WATCHDOG_MS 4000

struct process;

/* Started on the loop, stopped by main when all that may hang is behind it. */
struct watchdog {
    struct process *process;
    unsigned int wait_ms;
    pthread_t thread;
    bool started;            /* main's: there is a thread */
    pthread_mutex_t lock;    /* guards ended */
    pthread_cond_t changed;
    bool ended;
};
void watchdog_start(struct watchdog *w, struct process *p, unsigned int wait_ms);
void watchdog_stop(struct watchdog *w);

#endif
