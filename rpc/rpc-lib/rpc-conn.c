/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rpc-conn.c: one connection of a service: its life, and what the transport tells about it: a record becomes a request, or is
 * answered at once with what is wrong with it. What becomes of a request is in request.c. */
#include "rpc-lib.h"
#include "rpcmsg.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX (40 + 2 * RPC_CRED_MAX) /* of a call that is not refused */

enum { AUTH_REJECTED = 0, AUTH_BAD_PORT = 2 }; /* auth_stat of the two refusals of a stock server */

/* ---- life --------------------------------------------------------------------------------------------------------------- */
struct rpc_conn *rpc_conn_new(struct rpc_service *s, const struct transport_type *type)
{
    struct rpc_conn *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    atomic_init(&conn->refs, 1);
    pthread_mutex_init(&conn->lock, NULL);
    conn->more.run = rpc_drain_more;
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

/* The last that the host hears of it. After it the service may go, but for our reference. */
void rpc_conn_report_closed(struct rpc_conn *conn)
{
    struct rpc_service *s = conn->service;
    if (rpc_conn_opened(conn))
        s->host.closed(s->host_data, conn, conn->down_err);
    rpc_service_unlink(s, conn);
}

/* ---- what the transport tells ------------------------------------------------------------------------------------------- */
static void log_up(struct rpc_conn *conn)
{
    struct transport_peer peer;
    char who[512];

    if (log_get_level() < LVL_DEBUG)
        return;
    rpc_conn_peer(conn, &peer);
    transport_describe(&peer, who, sizeof(who));
    log_debug(RPC_LOG, "connected: %s", who);
}

static void log_down(struct rpc_conn *conn, int err)
{
    struct transport_peer peer;
    struct transport_stats st;

    if (log_get_level() < LVL_DEBUG)
        return;
    rpc_conn_peer(conn, &peer);
    conn->type->stats(conn->t, &st);
    log_debug(RPC_LOG, "disconnected: %s%s%s: %" PRIu64 " bytes came, %" PRIu64 " went", peer.text, err ? ": " : "",
              err ? strerror(-err) : "", st.bytes_in, st.bytes_out);
}

static void up(void *host)
{
    struct rpc_conn *conn = host;
    struct rpc_service *s = conn->service;

    log_up(conn);
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

/* What every call is checked for before its actor sees it, in stock's order. False: answered, and perhaps gone. */
static bool check_call(struct rpc_request *req, const rpc_call_header *h)
{
    struct rpc_conn *conn = req->conn;
    const struct rpc_service *s = conn->service;
    bool known;
    int cred;

    if (s->host.privileged && !s->host.privileged(s->host_data, conn)) {
        rpc_deny(req, AUTH_BAD_PORT);
        return false;
    }
    cred = rpc_cred_decode(h->cred_flavor, h->cred.at, h->cred.len, &req->cred);
    if (cred < 0) {
        rpc_deny(req, AUTH_REJECTED);
        return false;
    }
    if (cred > 0)
        req->verf_flavor = 0; /* the body is repeated all the same: observed, doc/wire-notes.md */
    req->program = rpc_find_program(s, h->prog, h->vers, &known);
    if (!req->program) {
        rpc_reply_error(req, known ? RPC_PROG_MISMATCH : RPC_PROG_UNAVAIL);
        return false;
    }
    req->actor = find_actor(req->program, h->proc);
    if (!req->actor) {
        rpc_reply_error(req, RPC_PROC_UNAVAIL);
        return false;
    }
    if (!(req->actor->flags & RPC_ANYTIME) && !atomic_load_explicit(&conn->admitted, memory_order_acquire)) {
        if (req->actor->flags & RPC_QUIET_EARLY)
            rpc_no_reply(req);
        else
            rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return false;
    }
    return true;
}

static void received(void *host, struct record *rec)
{
    struct rpc_conn *conn = host;
    struct rpc_request *req = rpc_request_new(conn, rec);
    rpc_call_header h = {0};
    size_t args;
    bool whole;

    if (!req) {
        record_free(rec);
        rpc_conn_disconnect(conn, -ENOMEM);
        return;
    }
    whole = parse_header(rec->head.at, rec->head.len, &h, &args);
    if (rec->head.len >= 8 && h.type > 1) { /* decoded, whatever became of the rest */
        struct transport_peer peer;
        rpc_conn_peer(conn, &peer);
        log_warning(RPC_LOG, "%s: closed: a message of type %u, which is neither a call nor a reply", peer.text, h.type);
        rpc_no_reply(req);
        rpc_conn_disconnect(conn, -EPROTO);
        return;
    }
    if (!whole || h.type != 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS); /* with xid 0 and no verifier, as a stock server */
        return;
    }
    req->xid = h.xid;
    req->procedure = h.proc;
    req->verf_flavor = h.verf_flavor;
    req->verf = h.verf.at;
    req->verf_len = h.verf.len;
    req->args = rec->head.at + args;
    req->args_len = rec->head.len - args;
    if (check_call(req, &h))
        rpc_start_or_park(req);
}

static void released(void *host, struct msg *m, int err)
{
    struct rpc_conn *conn = host;
    struct rpc_request *req = container_of(m, struct rpc_request, msg);

    rpc_unqueue(req);
    rpc_drain(conn);
    rpc_request_free(req);
}

static void down(void *host, int err)
{
    struct rpc_conn *conn = host;
    struct rpc_request *parked;
    bool now;

    log_down(conn, err);
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
        atomic_fetch_sub_explicit(&conn->service->total_held, req->held, memory_order_relaxed);
        rpc_request_answered(req);
        rpc_request_free(req);
    }
    if (now)
        rpc_conn_report_closed(conn);
    rpc_conn_unref(conn);
}

const struct transport_host rpc_conn_host = {
    .up = up, .place = place, .received = received, .released = released, .down = down,
};
