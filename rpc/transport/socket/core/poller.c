/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* poller.c: one turn of a connection that is up, or on its way down: send, read, send, and say what to wait for.
 *
 * Neither direction waits for the other. Reading goes on until the stream says that it is dry or the turn's share is used
 * up; a stream may hold bytes that poll() knows nothing of (a TLS record with two messages in it), so "dry" is remembered
 * and only poll() takes it back.
 *
 * The role (role.h) is claimed at the start of a turn and let go before the poller rests, so that what senders put meanwhile leaves
 * together at the turn's end. If a sender has it, a duplex stream is read all the same, and the sender sends what the handlers put. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "clock.h"
#include "conn-impl.h"

#define TURN_RECORDS 16
#define TURN_BYTES (1 * MiB)
#define LOW_WATER_MAX (64 * KiB) /* as much as one read takes */
#define ROUND_TRIP_MS 1000
#define LOW_WATER_MIN (8 * KiB)
#define SEND_AT (64 * KiB)       /* replies that have come together during a turn leave while the cache still has them */
#define IDLE_MS 1000 /* without traffic for so long the stream gives back its buffers */

static bool stopped(struct conn *c)
{
    return atomic_load(&c->stop) != CONN_NOT_STOPPED;
}

/* The queue has its own bound: above it reading pauses until half of it has gone, so that it does not stutter. */
static bool may_read(struct conn *c)
{
    size_t queued = conn_queued(c), max = c->conf.send_queue_max;

    if (max) {
        if (c->choked ? queued > max / 2 : queued > max) {
            if (!c->choked)
                counter_add(&c->pauses_seen, 1);
            c->choked = true;
            return false;
        }
        c->choked = false;
    }
    return atomic_load(&c->pauses) == 0;
}

/* With the role. */
static int send_queued(struct conn *c)
{
    int r;

    role_look(&c->role);
    r = sendq_flush(&c->out, c->stream, SIZE_MAX);
    c->out_waits = r == -EAGAIN;
    return r == -EAGAIN ? 0 : r;
}

static int read_records(struct conn *c)
{
    unsigned int records = 0;
    size_t bytes = 0;

    while (records < TURN_RECORDS && bytes < TURN_BYTES && may_read(c)) {
        struct record *rec;
        void *to;
        size_t room;
        ssize_t n;
        int r;

        if (!c->trusted && atomic_load_explicit(&c->admitted, memory_order_acquire)) {
            c->trusted = true;
            c->framer.max = c->conf.record_max;
            c->first_due = c->admit_due = 0;
        }
        r = framer_want(&c->framer, &to, &room);
        if (r < 0)
            return r;
        n = c->stream->type->read(c->stream, to, room);
        if (n == -EAGAIN) {
            c->dry = true;
            return 0;
        }
        if (n == 0)
            return -ENOTCONN;
        if (n < 0)
            return n;
        c->dry = false;
        bytes += n;
        r = framer_took(&c->framer, n, &rec);
        if (r < 0)
            return r;
        if (!rec)
            continue;
        records++;
        counter_add(&c->records_in, 1);
        c->first_due = 0;
        c->host->received(c->host_data, rec);
        if (stopped(c))
            return 0;
        /* Reading does not wait for it: what the stream does not take now stays queued, and only poll() has it tried again. */
        if (c->has_role && !c->out_waits && conn_queued(c) >= SEND_AT) {
            r = send_queued(c);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static unsigned int idle_ms(struct conn *c)
{
    return c->conf.park_ms && c->conf.park_ms < IDLE_MS ? c->conf.park_ms : IDLE_MS;
}

static bool past(uint64_t due, uint64_t now)
{
    return due && now >= due;
}

/* What cannot be done, or need not be, while a sender has the role: an encrypted stream has one owner; a queue above its bound is to
 * be heard of when it has gone; closing is for those who have it. */
static bool needs_role(struct conn *c)
{
    return !c->stream->type->duplex || c->choked || c->ending || stopped(c);
}

/* What the kernel has measured of the way to the peer and back, at most once a second. Unix sockets have none. */
static void note_round_trip(struct conn *c, uint64_t now)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);

    if (now < c->round_trip_due || c->peer.addr.ss_family == AF_UNIX)
        return;
    c->round_trip_due = now + ROUND_TRIP_MS;
    if (getsockopt(c->sock.fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
        atomic_store_explicit(&c->round_trip_us, info.tcpi_rtt, memory_order_relaxed); /* a figure to show */
}

static void turn_up(struct conn *c, uint32_t events)
{
    uint64_t now = clock_ms();
    int r = 0;

    if (events || conn_queued(c) > 0) {
        c->active_at = now;
        atomic_store_explicit(&c->idled, false, memory_order_relaxed);
        note_round_trip(c, now);
    }
    if (!conn_claim(c, needs_role(c)) && c->wants_role)
        return;
    if (c->ending || stopped(c)) {
        conn_stop(c, c->ending ? c->end_err : atomic_load(&c->stop), c->ending ? c->end_doing : NULL);
        return;
    }
    if (c->has_role) {
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
            c->sock.writable = true;
        r = c->out_err ?: send_queued(c);
        if (r < 0) {
            conn_stop(c, r, "write");
            return;
        }
    }
    r = c->dry && !(c->has_role && c->stream->wants_write) ? 0 : read_records(c);
    if (r < 0) {
        conn_stop(c, r, "read");
        return;
    }
    if (stopped(c)) {
        conn_stop(c, atomic_load(&c->stop), NULL);
        return;
    }
    if (c->has_role && !sendq_idle(&c->out)) {
        r = send_queued(c);
        if (r < 0) {
            conn_stop(c, r, "write");
            return;
        }
    }
    /* Not reading, and the socket is broken: poll() would say so for ever. */
    if ((events & (EPOLLERR | EPOLLHUP)) && !may_read(c)) {
        socklen_t len = sizeof(r);

        if (getsockopt(c->sock.fd, SOL_SOCKET, SO_ERROR, &r, &len) < 0 || r == 0)
            r = ENOTCONN;
        conn_stop(c, -r, "wait");
        return;
    }
    if (atomic_load_explicit(&c->admitted, memory_order_acquire))
        c->first_due = c->admit_due = 0;
    if (past(c->first_due, now)) {
        conn_stop(c, -ETIMEDOUT, "wait for a first record");
        return;
    }
    if (past(c->admit_due, now)) {
        conn_stop(c, -ETIMEDOUT, "wait to be admitted");
        return;
    }
    if (!c->has_role) {
        c->active_at = now; /* somebody is sending */
    } else if (now >= c->active_at + idle_ms(c) && !c->idled && sendq_idle(&c->out) && !c->out_waits) {
        c->stream->type->idle(c->stream);
        atomic_store_explicit(&c->idled, true, memory_order_relaxed);
    }
}

/* Closing: say goodbye while the peer takes it, then hear it out: closing a socket with unread bytes in it would reset the
 * connection, and what we said last (a TLS alert, a last reply) would be thrown away at the other end. */
static void turn_closing(struct conn *c)
{
    uint8_t scratch[4096];
    struct iovec iov = {scratch, sizeof(scratch)};

    if (c->lost || !c->stream || past(c->goodbye_due, clock_ms())) {
        conn_step(c, EV_SHUT);
        return;
    }
    if (c->parting == PART_SAY) {
        int r = c->stream->type->goodbye(c->stream);

        if (r == -EAGAIN)
            return;
        if (r < 0) {
            conn_step(c, EV_SHUT);
            return;
        }
        shutdown(c->sock.fd, SHUT_WR);
        c->parting = PART_LISTEN;
        c->sock.readable = true;
    }
    for (unsigned int i = 0; i < TURN_RECORDS; i++) {
        ssize_t n = sock_receive(&c->sock, &iov, 1);

        if (n == -EAGAIN)
            return;
        if (n <= 0) {
            conn_step(c, EV_SHUT);
            return;
        }
    }
}

void conn_turn(struct conn *c, uint32_t events)
{
    if (atomic_load_explicit(&c->missed, memory_order_relaxed) && atomic_exchange(&c->missed, false))
        events |= EPOLLIN;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        c->sock.readable = true;
        c->dry = false;
    }
    if (conn_state(c) == CONN_UP)
        turn_up(c, events);
    else if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        c->sock.writable = true;
    if (conn_state(c) == CONN_CLOSING)
        turn_closing(c);
}

/* In the middle of a long record the kernel need not wake us for each packet: more is on its way for certain. What the stream
 * holds of an unfinished TLS record counts as come, so we never wait for bytes that nobody will send. */
static void tell_low_water(struct conn *c)
{
    size_t missing = framer_missing(&c->framer), holds = c->stream->type->holds(c->stream);
    size_t want = missing > holds ? min_of(missing - holds, LOW_WATER_MAX) : 0;
    int value;

    if (want < LOW_WATER_MIN)
        want = 0;
    if (want == c->low_water || c->peer.addr.ss_family == AF_UNIX)
        return;
    value = want ? (int)want : 1;
    if (setsockopt(c->sock.fd, SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value)) == 0)
        c->low_water = want;
}

static bool on_thread(struct conn *c)
{
    return atomic_load_explicit(&c->drive, memory_order_relaxed) == DRIVE_THREAD; /* its own word: the poller wrote it */
}

bool conn_waits(struct conn *c, uint32_t *ret_events, uint64_t *ret_due)
{
    uint64_t due = 0;
    uint32_t events = 0;

    if (conn_state(c) == CONN_CLOSING) {
        if (c->parting == PART_LISTEN && c->sock.readable)
            return true;
        *ret_events = c->parting == PART_SAY ? EPOLLOUT : EPOLLIN;
        *ret_due = c->goodbye_due;
        return false;
    }
    *ret_events = 0;
    *ret_due = 0;
    if (!c->has_role && role_given(&c->role))
        return true;
    if (c->wants_role)
        return false; /* until it is given */
    if (stopped(c) || c->ending || atomic_load(&c->missed) || (c->has_role && !c->out_waits && !sendq_idle(&c->out)))
        return true;
    if (may_read(c)) {
        if (!c->dry)
            return true;
        events |= EPOLLIN;
        tell_low_water(c);
    } else if (c->choked && !c->has_role) {
        return true; /* to ask for it */
    }
    if (c->has_role && (c->out_waits || c->stream->wants_write))
        events |= EPOLLOUT;
    else if (c->has_role && !conn_let_go(c))
        return true;
    due = c->first_due;
    if (c->admit_due && (!due || c->admit_due < due))
        due = c->admit_due;
    if (!c->idled && (!due || c->active_at + idle_ms(c) < due))
        due = c->active_at + idle_ms(c);
    else if (c->idled && !due && on_thread(c) && c->conf.park_ms)
        due = c->active_at + c->conf.park_ms;
    *ret_events = events;
    *ret_due = due;
    return false;
}
