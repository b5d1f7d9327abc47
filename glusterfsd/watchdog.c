/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "watchdog.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "process.h"
#include "thread.h"
#include "util.h"

#define DOMAIN "glusterfsd"

static void name_what_hangs(struct process *p, unsigned int waited_ms)
{
    pthread_mutex_lock(&p->hold_lock);
    for (const struct process_hold *h = p->holds; h; h = h->next)
        log_critical(DOMAIN, "volume %s is still not drained %u ms after the signal to end", h->what, waited_ms);
    pthread_mutex_unlock(&p->hold_lock);
    for (unsigned int i = 0; i < NR_CENSUS; i++) {
        long long n = (long long)counter_get(&p->census.now[i]);

        if (n && i != CENSUS_THREADS && i != CENSUS_IOBUF_BYTES)
            log_critical(DOMAIN, "still there: %lld %s", n, census_name((enum census_item)i));
    }
    log_critical(DOMAIN, "leaving without them");
}

static void *watch_the_end(void *arg)
{
    struct watchdog *w = arg;
    struct timespec until;
    int late = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += w->wait_ms / 1000;
    until.tv_nsec += (long)(w->wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->ended && late != ETIMEDOUT)
        late = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    pthread_mutex_unlock(&w->lock);
    if (late == ETIMEDOUT) {
        name_what_hangs(w->process, w->wait_ms);
        _exit(w->process->exit_status);
    }
    return NULL;
}

void watchdog_start(struct watchdog *w, struct process *p, unsigned int wait_ms)
{
    pthread_condattr_t attr;
    int failed;

    w->process = p;
    w->wait_ms = wait_ms;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    failed = thread_start(&w->thread, "gf-watchdog", THREAD_STACK_SMALL, watch_the_end, w, &p->census);
    w->started = failed == 0;
    if (failed)
        log_error(DOMAIN, "no watchdog: %s", strerror(-failed));
}

void watchdog_stop(struct watchdog *w)
{
    if (!w->started)
        return;
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    thread_join(w->thread, &w->process->census);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}
