/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* request.c: what becomes of a request: it is started or parked, and answered.
 *
 * It passes through these hands:
 *
 *     received() -> [parked] -> actor -> rpc_reply() and its kin -> transport -> released()
 *
 * It counts against the bounds from its start to its answer (admit(), settle()); what it leaves behind then is bytes queued to
 * be sent, until released(). Each of the three may run on a different thread. Whatever makes room calls rpc_drain(), which
 * starts parked requests in order; one thread at a time does that, others only leave the queue to it. After DRAIN_TURN of them
 * the role goes to the event loop: the thread that answered was a worker and is not this connection's servant. */
#include "rpc-lib.h"
#include "rpcmsg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_TURN 16

/* ---- requests as objects ------------------------------------------------------------------------------------------------ */
struct rpc_request *rpc_request_new(struct rpc_conn *conn, struct record *rec)
{
    struct rpc_request *req = calloc(1, sizeof(*req));
    if (!req)
        return NULL;
    req->conn = rpc_conn_ref(conn);
    req->record = rec;
    counter_add(&conn->service->env.census->now[CENSUS_REQUESTS], 1);
    return req;
}
/* From here on it is only what carries the answer. */
void rpc_request_answered(struct rpc_request *req)
{
    record_free(req->record);
    req->record = NULL;
    req->args = NULL;
    counter_add(&req->conn->service->env.census->now[CENSUS_REQUESTS], -1);
}
void rpc_request_free(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;
    slicev_done(&req->msg.body);
    free(req);
    rpc_conn_unref(conn);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------- */
/* Records of all connections together, beside this one. Each connection may have one request started whatever the others hold, and
 * when that is answered it looks again: so nobody has to wake the others when it gets less. */
static bool too_much_held(const struct rpc_service *s, size_t more)
{
    return atomic_load_explicit(&s->total_held, memory_order_relaxed) + more > atomic_load_explicit(&s->total_max, memory_order_relaxed);
}

/* Under conn->lock. Something is always let through when nothing is there, however large it is. A parked request is part of what is
 * held already. */
static bool has_room(const struct rpc_conn *conn, const struct rpc_request *req)
{
    unsigned int max = atomic_load_explicit(&conn->service->outstanding_max, memory_order_relaxed);
    size_t send = conn->queued + conn->reserved;

    if (max > 0 && conn->outstanding >= max && !(req->actor->flags & (RPC_UNCOUNTED | RPC_ANYTIME)))
        return false;
    if (conn->started > 0 && (conn->started + req->held > RPC_STARTED_MAX || too_much_held(conn->service, 0)))
        return false;
    return send == 0 || send + req->reserved <= atomic_load_explicit(&conn->service->send_max, memory_order_relaxed);
}
static void admit(struct rpc_conn *conn, struct rpc_request *req) /* under conn->lock */
{
    req->counted = !(req->actor->flags & (RPC_UNCOUNTED | RPC_ANYTIME));
    conn->outstanding += req->counted;
    conn->started += req->held;
    conn->reserved += req->reserved;
}
/* The answer is made: what it was admitted with is given back, and queue_bytes are on their way. */
static void settle(struct rpc_request *req, size_t queue_bytes)
{
    struct rpc_conn *conn = req->conn;
    struct rpc_service *s = conn->service;

    pthread_mutex_lock(&conn->lock);
    conn->outstanding -= req->counted;
    conn->started -= req->held;
    conn->reserved -= req->reserved;
    conn->queued += queue_bytes;
    pthread_mutex_unlock(&conn->lock);
    atomic_fetch_sub_explicit(&s->total_held, req->held, memory_order_relaxed);
    req->counted = false;
    req->held = req->reserved = 0;
    req->queued = queue_bytes;
    if (queue_bytes > 0)
        atomic_fetch_add_explicit(&s->total_queued, queue_bytes, memory_order_relaxed);
}

void rpc_unqueue(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;

    pthread_mutex_lock(&conn->lock);
    conn->queued -= req->queued;
    pthread_mutex_unlock(&conn->lock);
    atomic_fetch_sub_explicit(&conn->service->total_queued, req->queued, memory_order_relaxed);
    req->queued = 0;
}

/* ---- parking ------------------------------------------------------------------------------------------------------------ */
static void park(struct rpc_conn *conn, struct rpc_request *req) /* under conn->lock */
{
    if (conn->parked_tail)
        conn->parked_tail->next = req;
    else
        conn->parked_head = req;
    conn->parked_tail = req;
    conn->parked += req->held;
    if ((conn->parked > RPC_PARKED_MAX || too_much_held(conn->service, 0)) && !conn->paused) {
        conn->paused = true;
        conn->type->pause(conn->t); /* under the lock, so that its resume cannot come before it */
    }
}
static struct rpc_request *unpark(struct rpc_conn *conn) /* under conn->lock */
{
    struct rpc_request *req = conn->parked_head;
    conn->parked_head = req->next;
    if (!req->next)
        conn->parked_tail = NULL;
    req->next = NULL;
    conn->parked -= req->held;
    return req;
}

/* Starts what there is room for, at most one turn. Holds the role already. */
static void drain_turn(struct rpc_conn *conn)
{
    struct loop *loop = conn->service->env.loop;
    bool resume = false, close;
    unsigned int n = 0;

    pthread_mutex_lock(&conn->lock);
    while (!conn->gone && conn->parked_head && has_room(conn, conn->parked_head)) {
        struct rpc_request *req;
        if (n++ == DRAIN_TURN && loop) {
            pthread_mutex_unlock(&conn->lock);
            rpc_conn_ref(conn);
            loop_post(loop, &conn->more);
            return;
        }
        req = unpark(conn);
        admit(conn, req);
        if (conn->paused && conn->parked <= RPC_PARKED_MAX / 2) {
            conn->paused = false;
            resume = true;
        }
        pthread_mutex_unlock(&conn->lock);
        if (resume)
            conn->type->resume(conn->t);
        resume = false;
        req->actor->run(req);
        pthread_mutex_lock(&conn->lock);
    }
    conn->draining = false;
    close = conn->close_later;
    pthread_mutex_unlock(&conn->lock);
    if (close)
        rpc_conn_report_closed(conn);
}
void rpc_drain_more(struct loop_work *w)
{
    struct rpc_conn *conn = container_of(w, struct rpc_conn, more);
    drain_turn(conn);
    rpc_conn_unref(conn);
}
void rpc_drain(struct rpc_conn *conn)
{
    bool mine;

    pthread_mutex_lock(&conn->lock);
    mine = !conn->draining && !conn->gone && conn->parked_head && has_room(conn, conn->parked_head);
    if (mine)
        conn->draining = true;
    pthread_mutex_unlock(&conn->lock);
    if (mine) {
        rpc_conn_ref(conn); /* the request that brought us here may have been the last to hold it */
        drain_turn(conn);
        rpc_conn_unref(conn);
    }
}

/* Does the peer take what it is sent? One that does not gets no answers at any time either: they would pile up. */
static bool is_read(struct rpc_conn *conn)
{
    SCOPED_LOCK(&conn->lock);
    return conn->queued <= atomic_load_explicit(&conn->service->send_max, memory_order_relaxed) + RPC_ANYTIME_MAX;
}

void rpc_start_or_park(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;
    struct record *rec = req->record;
    bool run;

    if ((req->actor->flags & RPC_ANYTIME) && is_read(conn)) {
        req->actor->run(req);
        return;
    }
    req->held = rec->head.len + rec->bulk.len + RPC_REQUEST_COST;
    atomic_fetch_add_explicit(&conn->service->total_held, req->held, memory_order_relaxed);
    if (req->actor->reply_max)
        req->reserved = req->actor->reply_max(req->args, req->args_len);
    else if (!(req->actor->flags & RPC_UNCOUNTED)) /* thousands of those may wait, and their answers are tiny */
        req->reserved = RPC_REPLY_SMALL;
    pthread_mutex_lock(&conn->lock);
    run = !conn->draining && !conn->parked_head && has_room(conn, req);
    if (run)
        admit(conn, req);
    else
        park(conn, req);
    pthread_mutex_unlock(&conn->lock);
    if (run)
        req->actor->run(req);
}

void rpc_uncount(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;

    pthread_mutex_lock(&conn->lock);
    conn->outstanding -= req->counted;
    conn->reserved -= req->reserved; /* thousands may wait; the answer to a lock is small */
    pthread_mutex_unlock(&conn->lock);
    req->counted = false;
    req->reserved = 0;
    rpc_drain(conn);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */
/* Queues req->msg; its body is complete. The request may be gone when this returns. */
static void send_off(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;
    struct rpc_service *s = conn->service;

    rpc_conn_ref(conn);
    settle(req, req->msg.body.len + RPC_REQUEST_COST);
    rpc_request_answered(req);
    if (conn->type->send(conn->t, &req->msg) < 0) {
        rpc_unqueue(req);
        rpc_request_free(req);
    } else if (atomic_load_explicit(&s->total_queued, memory_order_relaxed) >
               atomic_load_explicit(&s->total_max, memory_order_relaxed)) {
        rpc_service_shed(s);
    }
    rpc_drain(conn);
    rpc_conn_unref(conn);
}

/* No memory for an answer: the peer would wait for ever, so the connection goes. */
static void give_up(struct rpc_request *req, struct slicev *body)
{
    struct rpc_conn *conn = rpc_conn_ref(req->conn);

    if (body)
        slicev_done(body);
    rpc_conn_disconnect(conn, -ENOMEM);
    settle(req, 0);
    rpc_request_answered(req);
    rpc_request_free(req);
    rpc_drain(conn);
    rpc_conn_unref(conn);
}

/* The header, in the request itself unless a verifier is to be repeated. */
static int put_header(struct rpc_request *req, void *proc, const void *header)
{
    XDR x;
    struct slice s;
    size_t len = wire_size(proc, header);

    if (len > sizeof(req->head)) {
        int ret = wire_encode(req->conn->service->env.bufs, proc, header, &s);
        return ret < 0 ? ret : slicev_add(&req->msg.body, s);
    }
    wire_writer(&x, req->head, sizeof(req->head));
    if (!((bool_t(*)(XDR *, void *))proc)(&x, (void *)header))
        return -EMSGSIZE;
    /* Without a buffer: it lives until released(), longer than the slice. */
    return slicev_add(&req->msg.body, (struct slice){.at = req->head, .len = wire_done(&x)});
}

static void reply(struct rpc_request *req, enum rpc_accept why, struct slicev *body)
{
    rpc_reply_header h = {
        .xid = req->xid, .type = 1, .verf_flavor = req->verf_flavor, .verf = {.at = req->verf, .len = req->verf_len}, .accept_stat = why,
    };
    struct slicev *out = &req->msg.body;
    int ret = put_header(req, xdr_rpc_reply_header, &h);

    if (ret == 0 && body) {
        ret = slicev_add_all(out, body);
        slicev_done(body);
        body = NULL;
    }
    if (ret < 0)
        give_up(req, body);
    else
        send_off(req);
}

void rpc_reply(struct rpc_request *req, struct slicev *body)
{
    reply(req, RPC_OK, body);
}
void rpc_reply_error_with(struct rpc_request *req, enum rpc_accept why, struct slicev *body)
{
    reply(req, why, body);
}
void rpc_reply_error(struct rpc_request *req, enum rpc_accept why)
{
    static uint8_t no_versions[8]; /* low and high; stock says 0 and 0 */
    struct slicev body = {0};

    if (why == RPC_PROG_MISMATCH)
        slicev_add(&body, (struct slice){.at = no_versions, .len = sizeof(no_versions)}); /* the first needs no memory */
    reply(req, why, &body);
}
void rpc_no_reply(struct rpc_request *req)
{
    struct rpc_conn *conn = rpc_conn_ref(req->conn);

    settle(req, 0);
    rpc_request_answered(req);
    rpc_request_free(req);
    rpc_drain(conn);
    rpc_conn_unref(conn);
}

void rpc_deny(struct rpc_request *req, uint32_t auth_stat)
{
    rpc_denied_reply d = {.xid = req->xid, .type = 1, .reply_stat = 1, .reject_stat = 1, .auth_stat = auth_stat};

    if (put_header(req, xdr_rpc_denied_reply, &d) < 0)
        give_up(req, NULL);
    else
        send_off(req);
}

int rpc_request_bulk(struct rpc_request *req, size_t args_used, struct slicev *ret)
{
    const struct record *rec = req->record;
    size_t off = (size_t)(req->args - rec->head.at) + args_used;
    int r = 0;

    if (args_used > req->args_len || (rec->bulk.len > 0 && args_used != req->args_len))
        return -EINVAL;
    if (off < rec->head.len)
        r = slicev_add(ret, slice_part(rec->head, off, rec->head.len - off));
    if (r == 0 && rec->bulk.len > 0)
        r = slicev_add_all(ret, &rec->bulk);
    if (r < 0)
        slicev_done(ret);
    return r;
}

/* ---- callbacks ---------------------------------------------------------------------------------------------------------- */
int rpc_callback(struct rpc_conn *conn, uint32_t prog, uint32_t vers, uint32_t proc, struct slicev *body)
{
    rpc_call_header h = {.rpcvers = 2, .prog = prog, .vers = vers, .proc = proc};
    struct rpc_request *req;
    struct slice head;
    bool full;
    int ret;

    pthread_mutex_lock(&conn->lock);
    full = conn->queued + body->len + RPC_REQUEST_COST > atomic_load_explicit(&conn->service->send_max, memory_order_relaxed);
    pthread_mutex_unlock(&conn->lock);
    if (full) {
        slicev_done(body);
        rpc_conn_disconnect(conn, -ENOBUFS);
        return -ENOBUFS;
    }
    req = rpc_request_new(conn, NULL);
    if (!req) {
        slicev_done(body);
        return -ENOMEM;
    }
    h.xid = atomic_fetch_add_explicit(&conn->callback_xid, 1, memory_order_relaxed) + 1; /* only unique */
    ret = wire_encode(conn->service->env.bufs, xdr_rpc_call_header, &h, &head);
    if (ret == 0)
        ret = slicev_add(&req->msg.body, head);
    if (ret == 0)
        ret = slicev_add_all(&req->msg.body, body);
    slicev_done(body);
    pthread_mutex_lock(&conn->lock);
    if (ret == 0 && conn->gone)
        ret = -ENOTCONN;
    pthread_mutex_unlock(&conn->lock);
    if (ret < 0) {
        rpc_request_answered(req);
        rpc_request_free(req);
        return ret;
    }
    send_off(req); /* when it goes down just now nobody will know, as with bytes that are under way */
    return 0;
}
