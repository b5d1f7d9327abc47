/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* call.c: calls as objects: header, credential and arguments are encoded straight into the message that carries them. */
#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "client-impl.h"
#include "waiter.h"
#include "wire.h"
#include "wire-words.h"

#define GUESS 640         /* room for the head of almost every call: what does not fit is measured */
#define OVERSTAY_MS 1000  /* a handler that keeps a poller for so long keeps everybody who waits for it */

/* ---- making ------------------------------------------------------------------------------------------------------------- */
void out_free(struct rpc_out *m)
{
    if (!m)
        return;
    slicev_done(&m->msg.body);
    free(m);
}

static uint32_t padded(uint32_t len)
{
    return (len + 3) & ~3u;
}

/* Groups and bytes of owner share what a stock brick takes (spec wire 1.7). */
#define CRED_ROOM_V2 95
#define CRED_ROOM_V3 91

static uint32_t cred_groups(const struct rpc_caller *who, uint32_t room)
{
    return min_of(who->nr_groups, room - who->owner_len);
}

/* Header and credential; the arguments follow. Returns the number of bytes; to may be NULL. */
static size_t put_header(uint8_t *to, const struct rpc_caller *who, uint32_t program, uint32_t version, uint32_t procedure)
{
    bool v3 = who->flavor == RPC_AUTH_GLUSTER_V3;
    uint32_t groups = cred_groups(who, v3 ? CRED_ROOM_V3 : CRED_ROOM_V2);
    uint32_t body = (v3 ? 28 : 12) + 4 + 4 * groups + 4 + padded(who->owner_len);
    uint8_t *at = to;

    if (!to)
        return 32 + body + 8;
    put_u32(at, 0);       /* xid: when it is sent */
    put_u32(at + 4, 0);   /* a call */
    put_u32(at + 8, 2);
    put_u32(at + 12, program);
    put_u32(at + 16, version);
    put_u32(at + 20, procedure);
    put_u32(at + 24, who->flavor);
    put_u32(at + 28, body);
    put_u32(at + 32, (uint32_t)who->pid);
    put_u32(at + 36, who->uid);
    put_u32(at + 40, who->gid);
    at += 44;
    if (v3) {
        put_u32(at, who->time_flags);
        put_u32(at + 4, who->time_nsec);
        put_u64(at + 8, who->time_sec);
        at += 16;
    }
    put_u32(at, groups);
    at += 4;
    for (uint32_t i = 0; i < groups; i++, at += 4)
        put_u32(at, who->groups[i]);
    put_u32(at, who->owner_len);
    at += 4;
    if (who->owner_len) {
        memset(at + padded(who->owner_len) - 4, 0, 4);
        memcpy(at, who->owner, who->owner_len);
        at += padded(who->owner_len);
    }
    put_u32(at, 0); /* no verifier */
    put_u32(at + 4, 0);
    return (size_t)(at + 8 - to);
}

static bool put_args(uint8_t *to, size_t room, void *proc, const void *args, size_t *ret_len)
{
    XDR x;

    if (!proc) {
        *ret_len = 0;
        return true;
    }
    wire_writer(&x, to, room);
    if (!((bool_t(*)(XDR *, void *))proc)(&x, (void *)args))
        return false;
    *ret_len = wire_done(&x);
    return true;
}

int rpc_call_make(struct rpc_call *call, uint32_t program, uint32_t version, uint32_t procedure, const struct rpc_caller *who,
                  void *proc, const void *args)
{
    size_t header, room = GUESS, len;
    struct rpc_out *m;

    if (who->owner_len > (who->flavor == RPC_AUTH_GLUSTER_V3 ? CRED_ROOM_V3 : CRED_ROOM_V2))
        return -E2BIG;
    header = put_header(NULL, who, program, version, procedure);
    if (header > GUESS / 2)
        room += header;
    m = malloc(sizeof(*m) + room);
    if (!m)
        return -ENOMEM;
    if (!put_args(m->head + header, room - header, proc, args, &len)) {
        free(m);
        room = wire_size(proc, args);
        if (room == 0)
            return -EMSGSIZE;
        m = malloc(sizeof(*m) + header + room);
        if (!m)
            return -ENOMEM;
        if (!put_args(m->head + header, room, proc, args, &len)) {
            free(m);
            return -EMSGSIZE;
        }
    }
    memset(m, 0, sizeof(*m));
    put_header(m->head, who, program, version, procedure);
    /* Without a buffer: it lives until released(), longer than the slice. The first needs no memory. */
    slicev_add(&m->msg.body, (struct slice){.at = m->head, .len = header + len});
    call->out = m;
    return 0;
}

int rpc_call_add(struct rpc_call *call, const struct slicev *bulk)
{
    return slicev_add_all(&call->out->msg.body, bulk);
}

void rpc_call_drop(struct rpc_call *call)
{
    out_free(call->out);
    call->out = NULL;
}

/* ---- sending ------------------------------------------------------------------------------------------------------------ */
/* A slot in a shard that is open to the call: first of this processor, so that threads seldom meet. */
static int take_slot(struct rpc_client *c, struct rpc_call *call, uint32_t *ret_xid, struct rpc_link **ret_link)
{
    unsigned int frame = atomic_load_explicit(&c->frame_ms, memory_order_relaxed);
    uint64_t due = call->timeout_ms ? clock_ms() + call->timeout_ms : frame != UINT_MAX ? clock_ms() + frame : UINT64_MAX;
    int cpu = sched_getcpu(), r = -ENOBUFS;

    for (unsigned int i = 0; i < CALL_SHARDS && r == -ENOBUFS; i++) {
        uint32_t shard = ((cpu < 0 ? 0 : (uint32_t)cpu) + i) % CALL_SHARDS;
        struct call_table *t = &c->shards[shard];

        SCOPED_LOCK(&t->lock);
        if (!t->link || (!t->ready && !(call->flags & RPC_EARLY)) || (call->link && call->link != t->link->number))
            return -ENOTCONN;
        r = call_table_put(t, call, call->bulk_at, due, ret_xid);
        if (r == 0) {
            *ret_xid |= shard;
            *ret_link = t->link;
            link_ref(t->link); /* the client's keeps it alive under the lock */
            if (!t->watched) {
                t->watched = true;
                client_want(c, WANT_TICK); /* under the lock, so that the client is there; it only posts */
            }
        }
    }
    return r;
}

/* Whoever waits for the answer may receive it. */
static void help(void *ctx, struct waiter *w)
{
    struct rpc_link *l = ctx;

    if (l->dialer->type->help)
        l->dialer->type->help(l->t, w);
}

static void helped(void *ctx)
{
    link_unref(ctx);
}

static const struct waiter_work receiving = {.help = help, .done = helped};

int call_send(struct rpc_client *c, struct rpc_call *call, bool urgent)
{
    struct rpc_out *m = call->out;
    struct rpc_link *link = NULL;
    uint32_t xid;
    int r;

    call->out = NULL;
    r = take_slot(c, call, &xid, &link);
    if (r < 0) {
        out_free(m);
        return r;
    }
    /* From here on the call may be over at any time, and with the last of them the client: only the link is certain. */
    put_u32(m->head, xid);
    m->len = m->msg.body.len;
    link_send(link, m, urgent);
    if (!waiter_offer(&receiving, link))
        link_unref(link);
    return 0;
}

int rpc_call_send(struct rpc_client *c, struct rpc_call *call)
{
    return call_send(c, call, false);
}

/* ---- the end of a call -------------------------------------------------------------------------------------------------- */
void call_end(struct rpc_client *c, struct rpc_call *call, struct rpc_reply *reply)
{
    uint64_t start = clock_ms(), took;

    call->done(call, reply);
    took = clock_ms() - start;
    if (took >= OVERSTAY_MS)
        log_warning(RPC_CLIENT_LOG, "%s: the handler of an answer took %llu ms; everybody behind it waited", c->name,
                    (unsigned long long)took);
}

void call_fail(struct rpc_client *c, struct rpc_call *call, int err)
{
    struct rpc_reply reply = {.err = err};

    call_end(c, call, &reply);
}

int rpc_reply_bulk(const struct rpc_reply *r, size_t used, struct slicev *ret)
{
    const struct record *rec = r->record;
    size_t off = (size_t)(r->result - rec->head.at) + used;
    int ret_err = 0;

    if (used > r->len || (rec->bulk.len > 0 && used != r->len))
        return -EINVAL;
    if (off < rec->head.len)
        ret_err = slicev_add(ret, slice_part(rec->head, off, rec->head.len - off));
    if (ret_err == 0 && rec->bulk.len > 0)
        ret_err = slicev_add_all(ret, &rec->bulk);
    if (ret_err < 0)
        slicev_done(ret);
    return ret_err;
}

/* ---- a call now and then ------------------------------------------------------------------------------------------------ */
struct asked {
    struct rpc_call call;
    void (*answered)(void *ctx, struct rpc_reply *reply);
    void *ctx;
};

static void asked_done(struct rpc_call *call, struct rpc_reply *reply)
{
    struct asked *a = container_of(call, struct asked, call);

    a->answered(a->ctx, reply);
    free(a);
}

int rpc_ask(struct rpc_client *c, uint32_t program, uint32_t version, uint32_t procedure, void *proc, const void *args,
            unsigned int timeout_ms, void (*answered)(void *ctx, struct rpc_reply *reply), void *ctx)
{
    static const struct rpc_caller nobody = {.flavor = RPC_AUTH_GLUSTER_V2};
    struct asked *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return -ENOMEM;
    a->call = (struct rpc_call){.done = asked_done, .flags = RPC_EARLY, .timeout_ms = timeout_ms};
    a->answered = answered;
    a->ctx = ctx;
    r = rpc_call_make(&a->call, program, version, procedure, &nobody, proc, args);
    if (r == 0)
        r = rpc_call_send(c, &a->call);
    if (r < 0)
        free(a);
    return r;
}
