/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rpc-conn.c: one connection of a service: records become requests, requests are started or parked, answers leave.
 *
 * A request passes through these hands:
 *
 *     received() -> [parked] -> actor -> rpc_reply() and its kin -> transport -> released()
 *
 * It counts against the bounds from its start to its answer (admit(), settle()); what it leaves behind then is bytes queued to
 * be sent, until released(). Each of the three may run on a different thread. Whatever makes room calls drain(), which starts
 * parked requests in order; one thread at a time does that, others only leave the queue to it. After DRAIN_TURN of them the
 * role goes to the event loop: the thread that answered was a worker and is not this connection's servant. */
#include "rpc-lib.h"
#include "rpcmsg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DRAIN_TURN 16
#define HEADER_MAX (40 + 2 * RPC_CRED_MAX) /* of a call that is not refused */

enum { AUTH_REJECTED = 0, AUTH_BAD_PORT = 2 }; /* auth_stat of the two refusals of a stock server */

/* ---- life --------------------------------------------------------------------------------------------------------------- */
static void more(struct loop_work *w);

struct rpc_conn *rpc_conn_new(struct rpc_service *s, const struct transport_type *type)
{
    struct rpc_conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    atomic_init(&conn->refs, 1);
    pthread_mutex_init(&conn->lock, NULL);
    conn->more.run = more;
    conn->type = type;
    conn->service = s;
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed); /* the caller's keeps it alive meanwhile */
    return conn;
}

struct rpc_conn *rpc_conn_ref(struct rpc_conn *conn)
{
    atomic_fetch_add_explicit(&conn->refs, 1, memory_order_relaxed);
    return conn;
}

void rpc_conn_unref(struct rpc_conn *conn)
{
    /* As in rpc_service_unref(). */
    if (!conn || atomic_fetch_sub_explicit(&conn->refs, 1, memory_order_acq_rel) > 1)
        return;
    assert(!conn->parked_head && conn->queued == 0);
    if (conn->t)
        conn->type->unref(conn->t);
    rpc_service_unref(conn->service);
    pthread_mutex_destroy(&conn->lock);
    free(conn);
}

bool rpc_conn_opened(struct rpc_conn *conn)
{
    SCOPED_LOCK(&conn->lock);
    return conn->opened;
}
void rpc_conn_set_data(struct rpc_conn *conn, void *data)
{
    atomic_store(&conn->data, data);
}
void *rpc_conn_data(struct rpc_conn *conn)
{
    return atomic_load(&conn->data);
}
void rpc_conn_admit(struct rpc_conn *conn)
{
    /* Release pairs with the acquire in check_call(): who sees the mark sees what the host set up before. */
    if (!atomic_exchange_explicit(&conn->admitted, true, memory_order_release))
        conn->type->admit(conn->t);
}
void rpc_conn_disconnect(struct rpc_conn *conn, int err)
{
    atomic_store_explicit(&conn->closing, true, memory_order_relaxed); /* a mark for those who look for somebody to close */
    conn->type->disconnect(conn->t, err);
}
void rpc_conn_peer(struct rpc_conn *conn, struct transport_peer *ret_peer)
{
    conn->type->peer(conn->t, ret_peer);
}
void rpc_conn_stats(struct rpc_conn *conn, struct transport_stats *ret_stats, unsigned int *ret_outstanding)
{
    conn->type->stats(conn->t, ret_stats);
    SCOPED_LOCK(&conn->lock);
    *ret_outstanding = conn->outstanding;
}

/* ---- requests as objects ------------------------------------------------------------------------------------------------ */
static struct rpc_request *request_new(struct rpc_conn *conn, struct record *rec)
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
static void request_answered(struct rpc_request *req)
{
    record_free(req->record);
    req->record = NULL;
    req->args = NULL;
    counter_add(&req->conn->service->env.census->now[CENSUS_REQUESTS], -1);
}
static void request_free(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;
    slicev_done(&req->msg.body);
    free(req);
    rpc_conn_unref(conn);
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------- */
/* Under conn->lock. Something is always let through when nothing is there, however large it is. */
static bool has_room(const struct rpc_conn *conn, const struct rpc_request *req)
{
    unsigned int max = atomic_load_explicit(&conn->service->outstanding_max, memory_order_relaxed);
    size_t send = conn->queued + conn->reserved;

    if (max > 0 && conn->outstanding >= max && !(req->actor->flags & RPC_UNCOUNTED))
        return false;
    if (conn->started > 0 && conn->started + req->held > RPC_STARTED_MAX)
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
    req->counted = false;
    req->held = req->reserved = 0;
    req->queued = queue_bytes;
    if (queue_bytes > 0)
        atomic_fetch_add_explicit(&s->total_queued, queue_bytes, memory_order_relaxed);
}

static void unqueue(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;

    pthread_mutex_lock(&conn->lock);
    conn->queued -= req->queued;
    pthread_mutex_unlock(&conn->lock);
    atomic_fetch_sub_explicit(&conn->service->total_queued, req->queued, memory_order_relaxed);
    req->queued = 0;
}

/* ---- parking ------------------------------------------------------------------------------------------------------------ */
static size_t parking_cost(const struct rpc_request *req)
{
    return req->held + RPC_REQUEST_COST;
}
static void park(struct rpc_conn *conn, struct rpc_request *req) /* under conn->lock */
{
    if (conn->parked_tail)
        conn->parked_tail->next = req;
    else
        conn->parked_head = req;
    conn->parked_tail = req;
    conn->parked += parking_cost(req);
    if (conn->parked > RPC_PARKED_MAX && !conn->paused) {
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
    conn->parked -= parking_cost(req);
    return req;
}

/* The last that the host hears of it. After it the service may go, but for our reference. */
static void report_closed(struct rpc_conn *conn)
{
    struct rpc_service *s = conn->service;
    if (rpc_conn_opened(conn))
        s->host.closed(s->host_data, conn, conn->down_err);
    rpc_service_unlink(s, conn);
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
        report_closed(conn);
}
static void more(struct loop_work *w)
{
    struct rpc_conn *conn = container_of(w, struct rpc_conn, more);
    drain_turn(conn);
    rpc_conn_unref(conn);
}
static void drain(struct rpc_conn *conn)
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

void rpc_uncount(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;

    pthread_mutex_lock(&conn->lock);
    conn->outstanding -= req->counted;
    conn->reserved -= req->reserved; /* thousands may wait; the answer to a lock is small */
    pthread_mutex_unlock(&conn->lock);
    req->counted = false;
    req->reserved = 0;
    drain(conn);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------ */
/* Queues req->msg; its body is complete. The request may be gone when this returns. */
static void send_off(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;
    struct rpc_service *s = conn->service;

    rpc_conn_ref(conn);
    settle(req, req->msg.body.len);
    request_answered(req);
    if (conn->type->send(conn->t, &req->msg) < 0) {
        unqueue(req);
        request_free(req);
    } else if (atomic_load_explicit(&s->total_queued, memory_order_relaxed) >
               atomic_load_explicit(&s->total_max, memory_order_relaxed)) {
        rpc_service_shed(s);
    }
    drain(conn);
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
    request_answered(req);
    request_free(req);
    drain(conn);
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
    request_answered(req);
    request_free(req);
    drain(conn);
    rpc_conn_unref(conn);
}

static void deny(struct rpc_request *req, uint32_t auth_stat)
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
    full = conn->queued + body->len > atomic_load_explicit(&conn->service->send_max, memory_order_relaxed);
    pthread_mutex_unlock(&conn->lock);
    if (full) {
        slicev_done(body);
        rpc_conn_disconnect(conn, -ENOBUFS);
        return -ENOBUFS;
    }
    req = request_new(conn, NULL);
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
        request_answered(req);
        request_free(req);
        return ret;
    }
    send_off(req); /* when it goes down just now nobody will know, as with bytes that are under way */
    return 0;
}

/* ---- what the transport tells ------------------------------------------------------------------------------------------- */
static void up(void *host)
{
    struct rpc_conn *conn = host;
    struct rpc_service *s = conn->service;

    pthread_mutex_lock(&conn->lock);
    conn->opened = true;
    pthread_mutex_unlock(&conn->lock);
    s->host.opened(s->host_data, conn);
}

/* The header of a call, whole and of a size that is not refused. */
static bool parse_header(const uint8_t *bytes, size_t len, rpc_call_header *h, size_t *ret_args)
{
    int64_t n = wire_decode(xdr_rpc_call_header, h, bytes, len);
    if (n < 0 || h->rpcvers != 2 || h->cred.len > RPC_CRED_MAX || h->verf.len > RPC_CRED_MAX)
        return false;
    *ret_args = (size_t)n;
    return true;
}

static const struct rpc_actor *find_actor(const struct rpc_program *p, uint32_t proc)
{
    return p && proc < p->nr_actors && p->actors[proc].run ? &p->actors[proc] : NULL;
}

static size_t place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    struct rpc_conn *conn = host;
    size_t all = min_of(total, RPC_HEAD_MAX), args, at;
    const struct rpc_actor *actor;
    rpc_call_header h;
    bool known;

    if (!parse_header(bytes, have, &h, &args))
        return have < min_of(total, (size_t)HEADER_MAX) ? 0 : all;
    actor = find_actor(rpc_find_program(conn->service, h.prog, h.vers, &known), h.proc);
    if (h.type != 0 || !actor || !actor->bulk_at)
        return all;
    at = actor->bulk_at(bytes + args, have - args);
    if (at == 0)
        return have < all ? 0 : all;
    return at > all - args ? all : args + at;
}

/* What every call is checked for before its actor sees it, in stock's order. NULL: answered already. */
static const struct rpc_actor *check_call(struct rpc_request *req, const rpc_call_header *h)
{
    struct rpc_conn *conn = req->conn;
    const struct rpc_service *s = conn->service;
    const struct rpc_actor *actor;
    bool known;

    if (s->host.privileged && !s->host.privileged(s->host_data, conn)) {
        deny(req, AUTH_BAD_PORT);
        return NULL;
    }
    if (rpc_cred_decode(h->cred_flavor, h->cred.at, h->cred.len, &req->cred) < 0) {
        deny(req, AUTH_REJECTED);
        return NULL;
    }
    req->program = rpc_find_program(s, h->prog, h->vers, &known);
    if (!req->program) {
        rpc_reply_error(req, known ? RPC_PROG_MISMATCH : RPC_PROG_UNAVAIL);
        return NULL;
    }
    actor = find_actor(req->program, h->proc);
    if (!actor) {
        rpc_reply_error(req, RPC_PROC_UNAVAIL);
        return NULL;
    }
    if (!(actor->flags & RPC_ANYTIME) && !atomic_load_explicit(&conn->admitted, memory_order_acquire)) {
        if (actor->flags & RPC_QUIET_EARLY)
            rpc_no_reply(req);
        else
            rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return NULL;
    }
    return actor;
}

static void run_or_park(struct rpc_request *req)
{
    struct rpc_conn *conn = req->conn;
    struct record *rec = req->record;
    bool run;

    req->held = rec->head.len + rec->bulk.len;
    if (req->actor->flags & RPC_ANYTIME) {
        req->held = 0;
        req->actor->run(req);
        return;
    }
    req->reserved = req->actor->reply_max ? req->actor->reply_max(req->args, req->args_len) : RPC_REPLY_SMALL;
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

static void received(void *host, struct record *rec)
{
    struct rpc_conn *conn = host;
    struct rpc_request *req = request_new(conn, rec);
    rpc_call_header h = {0};
    size_t args;
    bool whole;

    if (!req) {
        record_free(rec);
        rpc_conn_disconnect(conn, -ENOMEM);
        return;
    }
    whole = parse_header(rec->head.at, rec->head.len, &h, &args);
    if (rec->head.len >= 8 && h.type != 0) { /* decoded, whatever became of the rest */
        struct transport_peer peer;
        rpc_conn_peer(conn, &peer);
        log_warning(RPC_LOG, "%s: closed: a message of type %u where a call should be", peer.text, h.type);
        rpc_no_reply(req);
        rpc_conn_disconnect(conn, -EPROTO);
        return;
    }
    if (!whole) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS); /* with xid 0 and no verifier, as a stock server */
        return;
    }
    req->xid = h.xid;
    req->procedure = h.proc;
    if (h.cred_flavor != 0) { /* AUTH_NULL gets an empty verifier */
        req->verf_flavor = h.verf_flavor;
        req->verf = h.verf.at;
        req->verf_len = h.verf.len;
    }
    req->args = rec->head.at + args;
    req->args_len = rec->head.len - args;
    req->actor = check_call(req, &h);
    if (req->actor)
        run_or_park(req);
}

static void released(void *host, struct msg *m, int err)
{
    struct rpc_conn *conn = host;
    struct rpc_request *req = container_of(m, struct rpc_request, msg);

    unqueue(req);
    drain(conn);
    request_free(req);
}

static void down(void *host, int err)
{
    struct rpc_conn *conn = host;
    struct rpc_request *parked;
    bool now;

    pthread_mutex_lock(&conn->lock);
    conn->gone = true;
    conn->down_err = err;
    parked = conn->parked_head;
    conn->parked_head = conn->parked_tail = NULL;
    conn->parked = 0;
    conn->close_later = conn->draining;
    now = !conn->draining;
    pthread_mutex_unlock(&conn->lock);

    while (parked) {
        struct rpc_request *req = parked;
        parked = req->next;
        request_answered(req);
        request_free(req);
    }
    if (now)
        report_closed(conn);
    rpc_conn_unref(conn);
}

const struct transport_host rpc_conn_host = {
    .up = up, .place = place, .received = received, .released = released, .down = down,
};
