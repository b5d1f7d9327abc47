/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* helper.c: a thread that waits for an answer receives it itself.
 *
 * With the poller alone a call one at a time changes threads twice at the client: the answer wakes the poller, which wakes the caller. So
 * a caller that waits may be the connection's helper: it sleeps on the socket beside the resting poller, and what comes wakes it and
 * not the poller. Then it makes the poller's turn. One call costs the client one change of threads, and no futex.
 *
 * Who is woken     The kernel decides: the socket is in two epoll sets, first the helper's, then the poller's, both with
 *                  EPOLLEXCLUSIVE. What comes wakes the first set in which somebody sleeps. So when no helper is there the poller
 *                  hears of everything, and nothing has to be handed over when one comes or goes. (Hang-ups wake both; a kernel
 *                  that woke both always would only be slower.)
 * Whose turn       All that is the poller's belongs to who holds conn.turn: the poller while it is up, a helper while the poller rests
 *                  (conn.rests). A helper that finds the poller up, or the connection left in a state in which the poller waits for
 *                  something else, sets conn.missed, since the kernel has told nobody else, and wakes the poller.
 * Not the helper's Timers, closing, parking: the poller's own time limits wake it for those. Sending is a role as ever (role.h).
 * Several callers  One helps, the others sleep; a second one that comes is the sign that several call at once: then for a moment
 *                  nobody helps, because a poller that is up serves them with fewer wake-ups, and because an answer should not wait
 *                  for a thread of another priority.
 * Where            At the connecting end, on connections with an own thread. The descriptors are made when somebody wants to help. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "conn-impl.h"
#include "waiter.h"

#define CROWD_MS 50

/* ---- the poller's side ------------------------------------------------------------------------------------------------------ */
static int watch(int set, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};

    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &ev);
}

/* The helper's set before the poller's: the kernel asks them in this order. */
static bool make_sets(struct conn *c)
{
    struct helper *h = &c->helper;

    h->wakefd = wakefd_new();
    h->helper_set = epoll_create1(EPOLL_CLOEXEC);
    h->poller_set = epoll_create1(EPOLL_CLOEXEC);
    if (h->wakefd >= 0 && h->helper_set >= 0 && h->poller_set >= 0 && watch(h->helper_set, h->wakefd, EPOLLIN) == 0 &&
        watch(h->helper_set, c->sock.fd, EPOLLIN | EPOLLEXCLUSIVE) == 0 && watch(h->poller_set, c->wakefd, EPOLLIN) == 0 &&
        watch(h->poller_set, c->sock.fd, EPOLLIN | EPOLLEXCLUSIVE) == 0)
        return true;
    helper_done(h);
    return false;
}

void helper_init(struct helper *h)
{
    h->wakefd = h->helper_set = h->poller_set = -1;
}

void helper_done(struct helper *h)
{
    if (h->wakefd >= 0)
        close(h->wakefd);
    if (h->helper_set >= 0)
        close(h->helper_set);
    if (h->poller_set >= 0)
        close(h->poller_set);
    helper_init(h);
}

bool helper_may_come(struct conn *c)
{
    struct helper *h = &c->helper;

    if (!atomic_load_explicit(&h->wanted, memory_order_relaxed) || h->failed) /* partner: conn_help(); a late look costs one rest */
        return false;
    if (h->poller_set < 0)
        h->failed = !make_sets(c);
    return !h->failed;
}

uint32_t helper_rest(struct conn *c, int timeout_ms)
{
    struct epoll_event got[2];
    int n = epoll_wait(c->helper.poller_set, got, 2, timeout_ms);
    uint32_t events = 0;

    for (int i = 0; i < n; i++) {
        if (got[i].data.fd == c->wakefd)
            wakefd_drain(c->wakefd);
        else
            events |= got[i].events;
    }
    return events;
}

/* ---- the helper's side ------------------------------------------------------------------------------------------------------ */
/* Turns as the poller makes them, until it may go on resting as before. */
static bool make_turns(struct conn *c, struct waiter *w, uint32_t events)
{
    uint32_t wanted = 0;
    uint64_t due;
    bool more = true;

    conn_turns(c, true);
    while (more && !waiter_over(w) && conn_state(c) == CONN_UP) {
        conn_turn(c, events);
        events = 0;
        more = conn_state(c) == CONN_UP && conn_waits(c, &wanted, &due);
    }
    conn_turns(c, false);
    return !more && conn_state(c) == CONN_UP && wanted == EPOLLIN;
}

/* False: the poller has to see to it. */
static bool serve(struct conn *c, struct waiter *w, uint32_t events)
{
    SCOPED_LOCK(&c->turn);
    return atomic_load_explicit(&c->rests, memory_order_relaxed) && make_turns(c, w, events);
}

/* The events of the socket; 0: none. */
static uint32_t sleep_on(struct helper *h)
{
    struct epoll_event got[2];
    int n = epoll_wait(h->helper_set, got, 2, -1);
    uint32_t events = n < 0 ? EPOLLIN : 0; /* a signal of the program's: looking costs little */

    for (int i = 0; i < n; i++) {
        if (got[i].data.fd == h->wakefd)
            wakefd_drain(h->wakefd);
        else
            events |= got[i].events;
    }
    return events;
}

static void help(struct conn *c, struct waiter *w)
{
    struct helper *h = &c->helper;

    while (waiter_sleeps(w, h->wakefd)) {
        uint32_t events = sleep_on(h);
        bool over = !waiter_slept(w);

        if (events && (over || !serve(c, w, events))) {
            atomic_store(&c->missed, true);
            conn_wake(c);
            return;
        }
        if (over)
            return;
    }
}

void conn_help(struct conn *c, struct waiter *w)
{
    struct helper *h = &c->helper;
    uint64_t now = clock_ms();

    if (c->server || !c->conf.own_thread || conn_turning_any() || now < atomic_load_explicit(&h->crowd_until, memory_order_relaxed))
        return;
    atomic_store_explicit(&h->wanted, true, memory_order_relaxed);
    if (!atomic_load_explicit(&c->rests, memory_order_acquire)) /* partner: the poller's store, after the sets were made */
        return;
    if (atomic_exchange(&h->there, true)) {
        atomic_store_explicit(&h->crowd_until, now + CROWD_MS, memory_order_relaxed);
        return;
    }
    help(c, w);
    atomic_store(&h->there, false);
}
