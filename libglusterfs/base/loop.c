/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "timers.h"
#include "util.h"

#define BATCH 64     /* descriptors looked at per wake-up */
#define POSTED_MAX 256 /* posted work run before descriptors and timers have their turn again */

struct loop {
    int epoll_fd;
    struct watch wake;          /* of posted: its fd is the wakefd */
    struct handover posted;     /* put by any thread, taken by the loop's */
    atomic_bool stop;           /* release in loop_stop(), acquire in loop_run(): what was done before the stop is seen after run */
    _Atomic pthread_t thread;   /* who is in loop_run(), 0: nobody; relaxed: only equal for the one who wrote it */
    struct timers timers;       /* the loop's thread, as all below */
    struct epoll_event batch[BATCH];
    int nr_batch;               /* events of this wake-up that are still to be handled are batch[at + 1 .. nr_batch) */
};

static void run_posted(struct watch *w, uint32_t events);

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    handover_init(&l->posted);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    l->wake = (struct watch){.fd = wakefd_new(), .events = EPOLLIN, .ready = run_posted};
    if (l->epoll_fd < 0 || l->wake.fd < 0 || loop_watch(l, &l->wake) < 0) {
        if (l->wake.fd >= 0)
            close(l->wake.fd);
        if (l->epoll_fd >= 0)
            close(l->epoll_fd);
        free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    struct handover_node *n;

    if (!l)
        return;
    while ((n = handover_take(&l->posted))) {
        struct loop_work *w = container_of(n, struct loop_work, node);
        w->run(w);
    }
    timers_done(&l->timers);
    close(l->wake.fd);
    close(l->epoll_fd);
    free(l);
}

bool loop_on_thread(struct loop *l)
{
    return pthread_equal(atomic_load_explicit(&l->thread, memory_order_relaxed), pthread_self());
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------- */
static int control(struct loop *l, int op, struct watch *w)
{
    struct epoll_event ev = {.events = w->events, .data.ptr = w};
    return epoll_ctl(l->epoll_fd, op, w->fd, &ev) < 0 ? -errno : 0;
}

int loop_watch(struct loop *l, struct watch *w)
{
    return control(l, EPOLL_CTL_ADD, w);
}

int loop_rewatch(struct loop *l, struct watch *w, uint32_t events)
{
    uint32_t before = w->events;

    if (events == before)
        return 0;
    w->events = events;
    int rc = control(l, EPOLL_CTL_MOD, w);
    if (rc < 0)
        w->events = before;
    return rc;
}

void loop_unwatch(struct loop *l, struct watch *w)
{
    control(l, EPOLL_CTL_DEL, w); /* fails only for what is not watched */
    for (int i = 0; i < l->nr_batch; i++)
        if (l->batch[i].data.ptr == w)
            l->batch[i].data.ptr = NULL;
}

static int handle_descriptors(struct loop *l, int timeout_ms)
{
    int n = epoll_wait(l->epoll_fd, l->batch, BATCH, timeout_ms);

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    l->nr_batch = n;
    for (int i = 0; i < n; i++) {
        struct watch *w = l->batch[i].data.ptr;
        if (w)
            w->ready(w, l->batch[i].events);
    }
    l->nr_batch = 0;
    return 0;
}

/* ---- posted work --------------------------------------------------------------------------------------------------------- */
void loop_post(struct loop *l, struct loop_work *w)
{
    if (handover_put(&l->posted, &w->node))
        wakefd_wake(l->wake.fd);
}

static void run_posted(struct watch *w, uint32_t events)
{
    struct loop *l = container_of(w, struct loop, wake);

    wakefd_drain(w->fd); /* before taking: a put into the emptied queue wakes again */
    for (int i = 0; i < POSTED_MAX; i++) {
        struct handover_node *n = handover_take(&l->posted);
        if (!n)
            return;
        struct loop_work *work = container_of(n, struct loop_work, node);
        work->run(work);
    }
    wakefd_wake(w->fd);
}

/* ---- timers -------------------------------------------------------------------------------------------------------------- */
int loop_arm(struct loop *l, struct timer *t, uint64_t in_ms)
{
    uint64_t now_up = (clock_ns() + 999999) / 1000000; /* rounded up: never early */
    return timers_arm(&l->timers, t, in_ms > UINT64_MAX - now_up ? UINT64_MAX : now_up + in_ms);
}

void loop_disarm(struct loop *l, struct timer *t)
{
    timers_disarm(&l->timers, t);
}

static int next_timeout_ms(struct loop *l)
{
    struct timer *t = timers_first(&l->timers);
    uint64_t now = clock_ns() / 1000000;

    if (!t)
        return -1;
    if (t->due_ms <= now)
        return 0;
    return (int)min_of(t->due_ms - now, (uint64_t)60000);
}

static void handle_timers(struct loop *l)
{
    uint64_t now = clock_ns() / 1000000; /* once: what is armed meanwhile waits for the next turn */
    struct timer *t;

    while ((t = timers_first(&l->timers)) && t->due_ms <= now) {
        timers_disarm(&l->timers, t);
        t->expired(t);
    }
}

/* ---- running ------------------------------------------------------------------------------------------------------------- */
int loop_run(struct loop *l)
{
    int rc = 0;

    atomic_store_explicit(&l->thread, pthread_self(), memory_order_relaxed);
    while (rc == 0 && !atomic_exchange_explicit(&l->stop, false, memory_order_acquire)) {
        rc = handle_descriptors(l, next_timeout_ms(l));
        handle_timers(l);
    }
    atomic_store_explicit(&l->thread, 0, memory_order_relaxed);
    return rc;
}

void loop_stop(struct loop *l)
{
    atomic_store_explicit(&l->stop, true, memory_order_release);
    wakefd_wake(l->wake.fd);
}
