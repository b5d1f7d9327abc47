/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* health.c: does the disk still answer, and is it still this brick? (spec brick 1.11)
 *
 * A thread looks at intervals whether the brick's path still leads to the directory that we serve, writes the time into
 * .glusterfs/health_check and reads it back. A dead disk may hold it for good, so a timer on the loop watches it: when a check fails
 * or takes too long, clients are told and, half a minute later, the process is asked to end. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "posix.h"
#include "thread.h"

#define WATCH_EVERY_MS 1000
#define STOP_AFTER_MS 30000
#define STAMP 25 /* "YYYY-MM-DD HH:MM:SS +0000" */

struct health {
    struct posix *p;
    struct timer watch;         /* the loop's */
    uint64_t down_since_ms;     /* the loop's; 0: healthy */
    bool stop_sent;             /* the loop's */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;       /* guards the rest */
    pthread_cond_t changed;
    bool stop;
    int64_t interval_s, timeout_s;
    uint64_t started_ms;        /* of the check under way; 0: none is */
    int failed;                 /* negative errno of a check; stays */
};

/* We serve through descriptors, so a brick that was moved away, or whose file system was unmounted lazily, would be served on
 * while whoever looks at its path sees another. */
static int check_place(struct posix *p)
{
    struct stat at, is;
    if (stat(p->directory, &at) < 0 || fstat(p->root_fd, &is) < 0)
        return -errno;
    return at.st_ino == is.st_ino && at.st_dev == is.st_dev ? 0 : -EXDEV;
}

static int check_disk(struct posix *p)
{
    char stamp[STAMP + 1], back[STAMP + 1] = "";
    struct tm tm;
    time_t now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S +0000", &tm);
    int fd = openat(p->private_fd, "health_check", O_CREAT | O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, stamp, STAMP);
    int r = n == STAMP ? 0 : n < 0 ? -errno : -EIO;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r < 0)
        return r == -EAGAIN ? 0 : r;
    fd = openat(p->private_fd, "health_check", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    n = read(fd, back, STAMP);
    r = n == STAMP ? 0 : n < 0 ? -errno : -EIO;
    close(fd);
    if (r < 0)
        return r == -EAGAIN ? 0 : r;
    return memcmp(stamp, back, STAMP) ? -EUCLEAN : 0;
}

static int check(struct posix *p)
{
    int r = check_place(p);
    return r < 0 ? r : check_disk(p);
}

static const char *reason(int failed)
{
    return failed == -EXDEV ? "another directory is in its place" : strerror(-failed);
}

static void *health_thread(void *arg)
{
    struct health *h = arg;
    pthread_mutex_lock(&h->lock);
    while (!h->stop && !h->failed) {
        if (h->interval_s == 0) {
            pthread_cond_wait(&h->changed, &h->lock);
            continue;
        }
        h->started_ms = clock_ms();
        pthread_mutex_unlock(&h->lock);
        int r = check(h->p);
        pthread_mutex_lock(&h->lock);
        h->started_ms = 0;
        h->failed = r;
        if (r < 0 || h->stop)
            break;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += h->interval_s;
        pthread_cond_timedwait(&h->changed, &h->lock, &until);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void watch(struct timer *t)
{
    struct health *h = container_of(t, struct health, watch);
    struct posix *p = h->p;
    uint64_t now = clock_ms();
    pthread_mutex_lock(&h->lock);
    int failed = h->failed;
    if (!failed && h->timeout_s && h->started_ms && now - h->started_ms > (uint64_t)h->timeout_s * 1000)
        failed = h->failed = -ETIMEDOUT;
    pthread_mutex_unlock(&h->lock);
    if (failed && !h->down_since_ms) {
        h->down_since_ms = now;
        log_critical(p->xl->name, "health check of %s failed: %s: clients are told that the brick is down", p->directory, reason(failed));
        xlator_notify_up(p->xl, EVENT_CHILD_DOWN, NULL);
    } else if (h->down_since_ms && !h->stop_sent && now - h->down_since_ms > STOP_AFTER_MS) {
        h->stop_sent = true;
        log_critical(p->xl->name, "the brick %s is still down: the process ends", p->directory);
        if (p->process->stop)
            p->process->stop(p->process, 1);
    }
    loop_arm(p->process->env.loop, t, WATCH_EVERY_MS);
}

int health_start(struct posix *p, struct err *err)
{
    struct health *h = calloc(1, sizeof(*h));
    pthread_condattr_t attr;
    if (!h)
        return -ENOMEM;
    h->p = p;
    h->watch.expired = watch;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->changed, &attr);
    pthread_condattr_destroy(&attr);
    p->health = h;
    return health_set(p, err);
}

/* On the loop's thread, or before it runs. The thread stays when the check is switched off, and waits. */
int health_set(struct posix *p, struct err *err)
{
    struct health *h = p->health;
    pthread_mutex_lock(&h->lock);
    h->interval_s = p->health_interval_s;
    h->timeout_s = p->health_timeout_s;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
    if (h->has_thread || p->health_interval_s == 0)
        return 0;
    int r = thread_start(&h->thread, "posixhc", THREAD_STACK_SMALL, health_thread, h, p->process->env.census);
    if (r < 0)
        return err_set(err, r, "volume %s: no thread for the health check: %s", p->xl->name, strerror(-r));
    h->has_thread = true;
    return loop_arm(p->process->env.loop, &h->watch, WATCH_EVERY_MS);
}

/* A check that hangs holds us here; main leaves by _exit after its bound (design section 4, rule 6). */
void health_stop(struct posix *p)
{
    struct health *h = p->health;
    if (!h)
        return;
    loop_disarm(p->process->env.loop, &h->watch);
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->changed);
    pthread_mutex_unlock(&h->lock);
    if (h->has_thread)
        thread_join(h->thread, p->process->env.census);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->changed);
    free(h);
    p->health = NULL;
}
