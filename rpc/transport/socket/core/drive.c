/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* drive.c: what runs a connection: the event loop until it is up, then a thread of its own, or still the loop.
 *
 * A thread that has had nothing to do for conf.park_ms gives the connection back to the loop and ends: an idle connection costs
 * neither a stack nor what malloc and OpenSSL keep for each thread. The loop only watches; the next byte or message starts a
 * new thread. If none can be had, the loop serves it.
 *
 * Loop to thread happens on the loop's thread. Who wakes a connection may see the old driver: then the loop is woken, finds
 * the new one in place and passes the wake on. Thread to loop: see park(). */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "conn-impl.h"

_Static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLERR == EPOLLERR && POLLHUP == EPOLLHUP, "same numbers");

/* Whose turn this thread is in: its end looks again at all that a wake would announce. */
static _Thread_local struct conn *turning;

/* ---- waking -------------------------------------------------------------------------------------------------------------- */
/* A wake-up is lost when who wakes looks at an old state and who goes to rest looks at an old queue. So both make an exchange on
 * `asleep`, and one of the two comes later: it sees all that the other did before its own. Who wakes has put something in
 * before and looks at `drive` after; thread_main() says that it sleeps, park() that the loop drives, and looks at the queue
 * after. (No fences: ThreadSanitizer does not know them.) */
static void wake_thread(struct conn *c)
{
    if (atomic_exchange(&c->asleep, false))
        wakefd_wake(c->wakefd);
}

static void post(struct conn *c)
{
    if (!atomic_exchange(&c->posted, true)) {
        conn_ref(c);
        loop_post(c->env.loop, &c->work);
    }
}

bool conn_turning(struct conn *c)
{
    return turning == c;
}

bool conn_turning_any(void)
{
    return turning;
}

void conn_turns(struct conn *c, bool on)
{
    turning = on ? c : NULL;
}

void conn_wake(struct conn *c)
{
    bool asleep;

    if (turning == c)
        return;
    asleep = atomic_exchange(&c->asleep, false);
    if (atomic_load_explicit(&c->drive, memory_order_acquire) != DRIVE_THREAD)
        post(c);
    else if (asleep)
        wakefd_wake(c->wakefd);
}

/* ---- a thread of its own ------------------------------------------------------------------------------------------------- */
static int wait_ms(uint64_t due)
{
    uint64_t now = clock_ms();

    if (!due)
        return -1;
    return due > now ? (int)min_of(due - now + 1, (uint64_t)INT32_MAX) : 0;
}

struct driver {
    struct burial burial;
    struct conn *conn; /* with the poller's reference; NULL: parked, the loop has both again */
};

static void thread_gone(struct burial *b)
{
    struct driver *d = container_of(b, struct driver, burial);

    conn_unref(d->conn);
    free(d);
}

static bool may_park(struct conn *c)
{
    return c->conf.park_ms && c->has_role && c->idled && c->dry && !c->stream->wants_write && conn_state(c) == CONN_UP && !c->first_due &&
           !c->admit_due && clock_ms() >= c->active_at + c->conf.park_ms;
}

/* The loop gets the connection. From the store on it may be driven, closed and freed there, but for our own reference. */
static void park(struct driver *d)
{
    struct conn *c = d->conn;

    conn_ref(c);
    d->conn = NULL;
    turning = NULL;
    atomic_store(&c->drive, DRIVE_LOOP);
    atomic_exchange(&c->asleep, false); /* wake_thread() has the reason */
    post(c);
    conn_unref(c);
}

void conn_thread_ends(struct conn *c)
{
    if (c->conf.thread_ends && c->told_up && atomic_load_explicit(&c->drive, memory_order_relaxed) == DRIVE_THREAD)
        c->conf.thread_ends(c->host_data);
}

enum after { AFTER_MORE, AFTER_WAIT, AFTER_REST, AFTER_PARK, AFTER_END };

/* A turn of the thread's, and what comes after it. REST: a helper may receive what comes. */
static enum after make_turn(struct conn *c, uint32_t events, uint32_t *ret_wanted, uint64_t *ret_due)
{
    bool rest;

    SCOPED_LOCK(&c->turn);
    atomic_store_explicit(&c->rests, false, memory_order_relaxed);
    conn_turn(c, events);
    if (conn_state(c) == CONN_CLOSED)
        return AFTER_END;
    if (may_park(c))
        return AFTER_PARK;
    atomic_exchange(&c->asleep, true);
    if (conn_waits(c, ret_wanted, ret_due))
        return AFTER_MORE;
    rest = *ret_wanted == EPOLLIN && conn_state(c) == CONN_UP && helper_may_come(c);
    atomic_store_explicit(&c->rests, rest, memory_order_release); /* partner: conn_help() */
    return rest ? AFTER_REST : AFTER_WAIT;
}

static uint32_t wait_here(struct conn *c, uint32_t wanted, int timeout_ms)
{
    struct pollfd fds[2] = {{.fd = c->sock.fd, .events = wanted}, {.fd = c->wakefd, .events = POLLIN}};

    if (c->wants_role)
        fds[0].fd = -1; /* else poll() might tell again and again of what has to wait */
    poll(fds, 2, timeout_ms);
    if (fds[1].revents)
        wakefd_drain(c->wakefd);
    return (unsigned short)fds[0].revents;
}

static void *thread_main(void *arg)
{
    struct driver *d = arg;
    struct conn *c = d->conn;
    struct reaper *reaper = c->env.reaper;
    struct group *group = c->group ? group_ref(c->group) : NULL; /* a parked connection may be gone */
    uint32_t events = 0;

    turning = c;
    if (!c->told_up)
        conn_tell_up(c);
    for (;;) {
        uint32_t wanted = 0;
        uint64_t due = 0;
        enum after after = make_turn(c, events, &wanted, &due);

        if (after == AFTER_END)
            break;
        if (after == AFTER_PARK) {
            conn_thread_ends(c);
            park(d);
            thread_give_back_stack();
            break;
        }
        events = after == AFTER_REST ? helper_rest(c, wait_ms(due)) : after == AFTER_WAIT ? wait_here(c, wanted, wait_ms(due)) : 0;
        atomic_store(&c->asleep, false);
    }
    turning = NULL;
    if (group)
        group_thread_left(group);
    group_unref(group);
    d->burial = (struct burial){.thread = pthread_self(), .has_thread = true, .expected = true, .last = thread_gone};
    reaper_bury(reaper, &d->burial); /* the last act: the reaper drops this thread's reference after joining it */
    return NULL;
}

/* On the loop's thread. From its success on the connection is the new thread's. */
int conn_drive_thread(struct conn *c)
{
    struct reaper *reaper = c->env.reaper;
    struct driver *d;
    pthread_t thread;
    int r;

    if (c->wakefd < 0) { /* once: whoever has seen a thread before this one may be reading it, see conn_wake() */
        r = wakefd_new();
        if (r < 0)
            return r;
        c->wakefd = r;
    }
    if (c->group && !group_thread_comes(c->group))
        return -EAGAIN;
    d = malloc(sizeof(*d));
    if (!d) {
        if (c->group)
            group_thread_left(c->group);
        return -ENOMEM;
    }
    d->conn = c;
    if (c->watched)
        loop_unwatch(c->env.loop, &c->watch);
    c->watched = false;
    loop_disarm(c->env.loop, &c->timer);
    c->timer_due = 0;
    atomic_store_explicit(&c->drive, DRIVE_THREAD, memory_order_release);
    r = thread_start(&thread, "conn", c->conf.thread_stack ? c->conf.thread_stack : THREAD_STACK, thread_main, d, c->env.census);
    if (r < 0) {
        atomic_store_explicit(&c->drive, DRIVE_LOOP, memory_order_release);
        free(d);
        if (c->group)
            group_thread_left(c->group);
        return r;
    }
    reaper_expect(reaper); /* down() is told before it is buried, and whoever hears it may end the process */
    return 0;
}

/* ---- the event loop ------------------------------------------------------------------------------------------------------ */
static void drive_on_loop(struct conn *c, uint32_t events);

static void loop_ready(struct watch *w, uint32_t events)
{
    struct conn *c = container_of(w, struct conn, watch);

    conn_ref(c);
    drive_on_loop(c, events);
    conn_unref(c);
}

static void loop_expired(struct timer *t)
{
    struct conn *c = container_of(t, struct conn, timer);

    c->timer_due = 0;
    conn_ref(c);
    drive_on_loop(c, 0);
    conn_unref(c);
}

static void loop_woken(struct loop_work *w)
{
    struct conn *c = container_of(w, struct conn, work);

    atomic_store(&c->posted, false); /* before looking: what comes after it posts again */
    drive_on_loop(c, 0);
    conn_unref(c);
}

/* Wait for events and until due, while the loop drives. */
static void settle(struct conn *c, uint32_t events, uint64_t due)
{
    uint64_t now = clock_ms();
    int r = 0;

    if (!c->watched) {
        c->watch = (struct watch){.fd = c->sock.fd, .events = events, .ready = loop_ready};
        r = loop_watch(c->env.loop, &c->watch);
        c->watched = r == 0;
    } else {
        r = loop_rewatch(c->env.loop, &c->watch, events);
    }
    if (r == 0 && due && due != c->timer_due) {
        r = loop_arm(c->env.loop, &c->timer, due > now ? due - now : 0);
        c->timer_due = r == 0 ? due : 0;
    } else if (!due && c->timer_due) {
        loop_disarm(c->env.loop, &c->timer);
        c->timer_due = 0;
    }
    if (r < 0) { /* nothing will wake it: it cannot stay */
        conn_disconnect(c, r);
        post(c);
    }
}

/* One step of the handshake's arithmetic, on a thread of the jobs. */
static void handshake_step(struct job *j)
{
    struct conn *c = container_of(j, struct conn, job);

    c->step_result = -ECANCELED;
    if (atomic_load(&c->stop) == CONN_NOT_STOPPED)
        c->step_result = tls_handshake(c->tls, &c->step_wants_write);
    if (c->step_result == 0 && c->group)
        c->step_result = tls_prove(c->tls, &c->proof);
    atomic_store_explicit(&c->step_done, true, memory_order_release); /* partner: turn_handshaking() */
    post(c);
    conn_unref(c);
}

static void turn_connecting(struct conn *c, uint32_t events)
{
    socklen_t len = sizeof(int);
    int err = 0;

    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        if (getsockopt(c->sock.fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
            err = errno;
        if (err)
            conn_stop(c, -err, "connect");
        else
            conn_step(c, EV_CONNECTED);
        return;
    }
    if (c->handshake_due && clock_ms() >= c->handshake_due)
        conn_stop(c, -ETIMEDOUT, "connect");
    else
        settle(c, EPOLLOUT, c->handshake_due);
}

static void turn_handshaking(struct conn *c, uint32_t events)
{
    if (c->stepping) {
        if (c->handshake_due && clock_ms() >= c->handshake_due)
            conn_disconnect(c, -ETIMEDOUT);
        if (!atomic_load_explicit(&c->step_done, memory_order_acquire))
            return;
        c->stepping = false;
        if (c->step_result == 0) {
            conn_step(c, EV_PROVEN);
            return;
        }
        if (c->step_result != -EAGAIN && c->step_result != -ECANCELED) {
            conn_stop(c, c->step_result, "tls handshake");
            return;
        }
    }
    if (atomic_load(&c->stop) != CONN_NOT_STOPPED) {
        conn_stop(c, atomic_load(&c->stop), atomic_load(&c->stop) == -ETIMEDOUT ? "tls handshake" : NULL);
        return;
    }
    if (c->handshake_due && clock_ms() >= c->handshake_due) {
        conn_stop(c, -ETIMEDOUT, "tls handshake");
        return;
    }
    if (events)
        c->sock.readable = c->sock.writable = true;
    if (c->step_wants_write ? !c->sock.writable : !c->sock.readable) {
        settle(c, c->step_wants_write ? EPOLLOUT : EPOLLIN, c->handshake_due);
        return;
    }
    if (c->watched)
        loop_unwatch(c->env.loop, &c->watch);
    c->watched = false;
    c->stepping = true;
    atomic_store_explicit(&c->step_done, false, memory_order_relaxed);
    c->job.run = handshake_step;
    conn_ref(c);
    jobs_do(tls_config_jobs(c->tls_config), &c->job);
}

/* True: a thread has the connection again. Closing needs none, and without one the loop does its work for this turn. */
static bool unpark(struct conn *c, uint32_t events)
{
    uint32_t wanted;
    uint64_t due;

    if (!c->conf.own_thread || atomic_load(&c->stop) != CONN_NOT_STOPPED || (!events && !conn_waits(c, &wanted, &due)))
        return false;
    c->active_at = clock_ms(); /* else it would be parked again before it has looked */
    atomic_store_explicit(&c->idled, false, memory_order_relaxed);
    return conn_drive_thread(c) == 0;
}

static void drive_on_loop(struct conn *c, uint32_t events)
{
    uint32_t wanted = 0;
    uint64_t due = 0;

    if (atomic_load_explicit(&c->drive, memory_order_acquire) == DRIVE_THREAD) {
        wake_thread(c);
        return;
    }
    turning = c;
    switch (conn_state(c)) {
    case CONN_CONNECTING:
        if (atomic_load(&c->stop) != CONN_NOT_STOPPED)
            conn_stop(c, atomic_load(&c->stop), "connect");
        else
            turn_connecting(c, events);
        if (conn_state(c) == CONN_HANDSHAKING)
            turn_handshaking(c, 0);
        break;
    case CONN_HANDSHAKING:
        turn_handshaking(c, events);
        break;
    case CONN_UP:
        if (!unpark(c, events))
            conn_turn(c, events);
        break;
    case CONN_CLOSING:
        conn_turn(c, events);
        break;
    default:
        break;
    }
    turning = NULL;
    if (atomic_load_explicit(&c->drive, memory_order_acquire) == DRIVE_THREAD)
        return; /* it went up, and is no longer ours to look at */
    if (conn_state(c) != CONN_UP && conn_state(c) != CONN_CLOSING)
        return;
    if (conn_waits(c, &wanted, &due))
        post(c);
    else
        settle(c, wanted, due);
}

/* Closed. A thread's reference goes with its burial. The loop's goes here, in a callback that holds one of its own. */
void conn_drive_end(struct conn *c)
{
    if (atomic_load_explicit(&c->drive, memory_order_relaxed) == DRIVE_THREAD)
        return;
    loop_disarm(c->env.loop, &c->timer);
    c->timer_due = 0;
    conn_unref(c);
}

/* ---- the beginning ------------------------------------------------------------------------------------------------------- */
void conn_drive_init(struct conn *c)
{
    c->timer.expired = loop_expired;
    c->work.run = loop_woken;
}

static void begin(struct conn *c)
{
    turning = c;
    c->handshake_due = c->conf.handshake_ms ? clock_ms() + c->conf.handshake_ms : 0;
    if (atomic_load(&c->stop) != CONN_NOT_STOPPED)
        conn_stop(c, atomic_load(&c->stop), c->server ? NULL : "connect");
    else
        conn_step(c, c->server ? EV_CONNECTED : EV_DIAL);
    turning = NULL;
    drive_on_loop(c, 0);
    conn_unref(c);
}

static void begin_on_loop(struct loop_work *w)
{
    begin(container_of(w, struct conn, beginning));
}

void conn_begin(struct conn *c)
{
    conn_ref(c); /* the poller's */
    conn_ref(c); /* of whoever begins */
    if (loop_on_thread(c->env.loop)) {
        begin(c);
        return;
    }
    c->beginning.run = begin_on_loop;
    loop_post(c->env.loop, &c->beginning);
}
