/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* link.c: one connection of a client: what goes out over it, and what the transport tells about it.
 *
 * The transport tells up and down on whatever thread it likes; both are handed to the loop, which tells the host, so the host
 * hears of connections one at a time. What belongs to the calls happens at once: when the transport says down, the shards are
 * closed to this link and its calls end, before the loop hears of it. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client-impl.h"
#include "rpcmsg.h"
#include "wire-words.h"

#define RPC_HEAD_MAX (2 * MiB)           /* of a reply without bulk: a connection shows us no more in one piece */
#define REPLY_HEADER_MAX (24 + RPC_CRED_MAX)

static const struct transport_host link_host;

/* ---- life --------------------------------------------------------------------------------------------------------------- */
static void run_up(struct loop_work *w)
{
    struct rpc_link *l = container_of(w, struct rpc_link, up_work);

    client_link_up(l->client, l);
}
static void run_down(struct loop_work *w)
{
    struct rpc_link *l = container_of(w, struct rpc_link, down_work);

    client_link_down(l->client, l);
    link_unref(l); /* the transport's */
}

struct rpc_link *link_new(struct rpc_client *c, struct rpc_dialer *d, uint32_t number)
{
    struct rpc_link *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    atomic_init(&l->refs, 1);
    l->client = c;
    l->dialer = rpc_dialer_ref(d);
    l->number = number;
    l->up_work.run = run_up;
    l->down_work.run = run_down;
    pthread_mutex_init(&l->lock, NULL);
    l->waiting_end = &l->waiting;
    return l;
}

void link_ref(struct rpc_link *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
}

void link_unref(struct rpc_link *l)
{
    /* Release what this thread did to it before, acquire what the others did before they let go. */
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
        return;
    assert(!l->waiting);
    if (l->t)
        l->dialer->type->unref(l->t);
    rpc_dialer_unref(l->dialer);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int link_dial(struct rpc_link *l, const struct address *a, struct err *err)
{
    const struct transport_type *type = l->dialer->type;
    struct transport *t;
    int r;

    link_ref(l); /* the transport's */
    r = type->dial(l->dialer->d, a ? (const struct sockaddr *)&a->sa : NULL, a ? a->len : 0, &link_host, l, &t, err);
    if (r < 0) {
        link_unref(l);
        return r;
    }
    pthread_mutex_lock(&l->client->lock);
    l->t = t;
    pthread_mutex_unlock(&l->client->lock);
    return 0;
}

bool link_open(struct rpc_link *l)
{
    struct rpc_client *c = l->client;

    SCOPED_LOCK(&l->lock);
    if (l->gone)
        return false;
    for (unsigned int i = 0; i < CALL_SHARDS; i++) {
        SCOPED_LOCK(&c->shards[i].lock);
        c->shards[i].link = l;
        c->shards[i].ready = false;
    }
    return true;
}

/* No call is given to it any more, and those that were end. */
static void close_shards(struct rpc_link *l)
{
    struct rpc_client *c = l->client;
    struct rpc_call *ended[64];

    for (unsigned int i = 0; i < CALL_SHARDS; i++) {
        struct call_table *t = &c->shards[i];
        uint32_t at = 0;
        unsigned int n;
        bool mine;

        pthread_mutex_lock(&t->lock);
        mine = t->link == l;
        if (mine) {
            t->link = NULL;
            t->ready = false;
        }
        pthread_mutex_unlock(&t->lock);
        while (mine) {
            int err = atomic_load(&c->stopping) ? -ECANCELED : -ENOTCONN;

            pthread_mutex_lock(&t->lock);
            n = call_table_empty(t, &at, ended, array_len(ended));
            pthread_mutex_unlock(&t->lock);
            for (unsigned int k = 0; k < n; k++)
                call_fail(c, ended[k], err);
            if (n < array_len(ended))
                break;
        }
    }
}

/* ---- out ---------------------------------------------------------------------------------------------------------------- */
/* Counted as in_transport already. */
static void hand_over(struct rpc_link *l, struct rpc_out *m)
{
    if (l->dialer->type->send(l->t, &m->msg) == 0)
        return;
    atomic_fetch_sub(&l->in_transport, m->len); /* it is going down; its call ends with the connection */
    out_free(m);
}

static void pump(struct rpc_link *l)
{
    pthread_mutex_lock(&l->lock);
    if (l->pumping) {
        pthread_mutex_unlock(&l->lock);
        return; /* who pumps looks again, under the lock, after what we did before */
    }
    l->pumping = true;
    while (l->waiting && atomic_load(&l->in_transport) < RPC_SEND_AHEAD) {
        struct rpc_out *m = l->waiting;

        l->waiting = m->next;
        if (!m->next)
            l->waiting_end = &l->waiting;
        atomic_fetch_sub(&l->nr_waiting, 1);
        atomic_fetch_add(&l->in_transport, m->len);
        pthread_mutex_unlock(&l->lock);
        hand_over(l, m);
        pthread_mutex_lock(&l->lock);
    }
    l->pumping = false;
    pthread_mutex_unlock(&l->lock);
}

/* Whoever adds to the waiting looks at in_transport after it, and released() looks at the waiting after it took from
 * in_transport: with both in one order for all (seq_cst) at least one of them sees that there is work and room. */
void link_send(struct rpc_link *l, struct rpc_out *m, bool urgent)
{
    if (urgent || (atomic_load(&l->nr_waiting) == 0 && atomic_load(&l->in_transport) < RPC_SEND_AHEAD)) {
        atomic_fetch_add(&l->in_transport, m->len);
        hand_over(l, m);
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (l->gone) {
        pthread_mutex_unlock(&l->lock);
        out_free(m);
        return;
    }
    m->next = NULL;
    *l->waiting_end = m;
    l->waiting_end = &m->next;
    atomic_fetch_add(&l->nr_waiting, 1);
    pthread_mutex_unlock(&l->lock);
    pump(l);
}

static void released(void *host, struct msg *msg, int err)
{
    struct rpc_link *l = host;
    struct rpc_out *m = container_of(msg, struct rpc_out, msg);

    atomic_fetch_sub(&l->in_transport, m->len);
    out_free(m);
    if (atomic_load(&l->nr_waiting) > 0)
        pump(l);
}

/* ---- in ----------------------------------------------------------------------------------------------------------------- */
static struct call_table *shard_of(struct rpc_link *l, uint32_t xid)
{
    return &l->client->shards[call_shard_of(xid)];
}

/* The header of a reply that was accepted. */
static bool parse_reply(const uint8_t *bytes, size_t len, rpc_reply_header *h, size_t *ret_result)
{
    int64_t n;

    if (len < 12 || get_u32(bytes + 8) != 0)
        return false;
    n = wire_decode(xdr_rpc_reply_header, h, bytes, len);
    if (n < 0)
        return false;
    *ret_result = (size_t)n;
    return true;
}

static size_t place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    struct rpc_link *l = host;
    size_t all = min_of(total, RPC_HEAD_MAX), result, at;
    rpc_reply_header h;
    call_bulk_at bulk_at;

    if (have < 12)
        return have < total ? 0 : all;
    if (get_u32(bytes + 4) != 1 || get_u32(bytes + 8) != 0)
        return all;
    if (!parse_reply(bytes, have, &h, &result))
        return have < min_of(total, (size_t)REPLY_HEADER_MAX) ? 0 : all;
    if (h.accept_stat != RPC_OK)
        return all;
    pthread_mutex_lock(&shard_of(l, h.xid)->lock);
    bulk_at = call_table_bulk_at(shard_of(l, h.xid), h.xid);
    pthread_mutex_unlock(&shard_of(l, h.xid)->lock);
    if (!bulk_at)
        return all;
    at = bulk_at(bytes + result, have - result);
    if (at == 0)
        return have < all ? 0 : all;
    return at > all - result ? all : result + at;
}

/* Slices of the parts, as far as len bytes go. They have no buffer: who lends looks after that. */
static bool lend(const struct rpc_call *call, size_t len, struct slicev *ret)
{
    for (unsigned int i = 0; i < call->n_into && len > 0; i++) {
        size_t part = min_of(call->into[i].iov_len, len);

        if (slicev_add(ret, (struct slice){.at = call->into[i].iov_base, .len = part}) < 0) {
            slicev_done(ret);
            return false;
        }
        len -= part;
    }
    return true;
}

/* The reply is this connection's to write until received() or down(), both of which come on the thread that writes. Its call ends
 * there and nowhere else, since it is held from here on. */
static bool land(void *host, const uint8_t *head, size_t len, size_t bulk, struct slicev *ret)
{
    struct rpc_link *l = host;
    uint32_t xid = get_u32(head); /* place() has seen the whole header */
    struct call_table *t = shard_of(l, xid);
    struct rpc_call *call;

    SCOPED_LOCK(&t->lock);
    call = t->link == l ? call_table_find(t, xid) : NULL;
    if (!call || call->n_into == 0 || bulk > call->into_len || !lend(call, bulk, ret))
        return false;
    call_table_hold(t, xid);
    return true;
}

static void drop(struct record *rec, counter_t *why)
{
    counter_add(why, 1);
    record_free(rec);
}

static void reply_came(struct rpc_link *l, struct record *rec)
{
    struct rpc_client *c = l->client;
    uint32_t xid = get_u32(rec->head.at);
    struct call_table *t = shard_of(l, xid);
    struct rpc_reply reply = {.err = -EBADMSG, .link = l->number, .record = rec};
    struct rpc_call *call = NULL;
    enum call_found found;
    rpc_reply_header h;
    size_t result;

    pthread_mutex_lock(&t->lock);
    found = t->link == l ? call_table_take(t, xid, &call) : CALL_FORGED;
    pthread_mutex_unlock(&t->lock);
    if (found != CALL_FOUND) {
        if (found == CALL_FORGED)
            log_warning(RPC_CLIENT_LOG, "%s: an answer that nobody waits for (xid %u) was dropped", c->name, xid);
        drop(rec, found == CALL_LATE ? &c->late : &c->forged);
        return;
    }
    if (parse_reply(rec->head.at, rec->head.len, &h, &result)) {
        reply.accept = h.accept_stat;
        reply.err = h.accept_stat == RPC_OK ? 0 : -EREMOTEIO;
        reply.result = rec->head.at + result;
        reply.len = rec->head.len - result;
    } else if (rec->head.len >= 12 && get_u32(rec->head.at + 8) == 1) {
        reply.err = -EREMOTEIO;
    }
    counter_add(reply.err ? &c->refused : &c->answered, 1);
    if (reply.err) {
        record_free(rec);
        reply.record = NULL;
        reply.result = NULL;
        reply.len = 0;
    }
    call_end(c, call, &reply);
    record_free(reply.record);
}

static void callback_came(struct rpc_link *l, struct record *rec)
{
    struct rpc_client *c = l->client;
    const struct rpc_callbacks *cb = NULL;
    rpc_call_header h;
    int64_t n = wire_decode(xdr_rpc_call_header, &h, rec->head.at, rec->head.len);

    for (unsigned int i = 0; n >= 0 && i < c->nr_callbacks; i++)
        if (h.prog == c->callbacks[i].program && h.vers == c->callbacks[i].version)
            cb = &c->callbacks[i];
    if (cb)
        cb->run(c->host_data, h.proc, rec->head.at + n, rec->head.len - (size_t)n);
    else
        log_debug(RPC_CLIENT_LOG, "%s: a call that we do not serve was dropped", c->name);
    record_free(rec);
}

static void received(void *host, struct record *rec)
{
    struct rpc_link *l = host;
    uint32_t type = rec->head.len >= 8 ? get_u32(rec->head.at + 4) : UINT32_MAX;

    if (type == 1) {
        reply_came(l, rec);
    } else if (type == 0) {
        callback_came(l, rec);
    } else {
        log_warning(RPC_CLIENT_LOG, "%s: closed: a message that is neither a call nor a reply", l->client->name);
        record_free(rec);
        rpc_client_disconnect(l->client, -EPROTO);
    }
}

static void up(void *host)
{
    struct rpc_link *l = host;

    loop_post(l->client->env.loop, &l->up_work);
}

static void down(void *host, int err)
{
    struct rpc_link *l = host;
    struct rpc_out *waiting;

    pthread_mutex_lock(&l->lock);
    l->gone = true;
    waiting = l->waiting;
    l->waiting = NULL;
    l->waiting_end = &l->waiting;
    atomic_store(&l->nr_waiting, 0);
    pthread_mutex_unlock(&l->lock);
    while (waiting) {
        struct rpc_out *m = waiting;
        waiting = m->next;
        out_free(m);
    }
    close_shards(l);
    l->down_err = err;
    loop_post(l->client->env.loop, &l->down_work);
}

static const struct transport_host link_host = {
    .up = up, .place = place, .received = received, .released = released, .down = down, .land = land,
};
