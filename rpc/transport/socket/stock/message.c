/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* message.c: records become stock's pollin, stock's requests and replies become messages of the core.
 *
 * Received: records land in buffers of stock's own pool (iobuf_pool_borrowing()), so what goes up is what the bytes came into.
 * File data of a READ reply or a WRITE request (spec wire 1.8) is a vector of its own, as stock's translators expect: the first
 * vector ends behind the dictionary. More than 1 MiB comes in several pieces and is joined, since they expect one.
 *
 * Sent: the message's vectors point into buffers that its iobref keeps; the reference is ours until released(). What no buffer
 * of the iobref covers is copied (the caller may free it at once), and so are short messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "stock/plugin.h"

#define FOP_PROGRAM 1298437
#define FOP_V3 330
#define FOP_V4 400
#define FOP_READ 12
#define FOP_WRITE 13
#define COPY_WHOLE 2048    /* a message as short as that is not worth keeping buffers for */
#define HEAD_OF_LONG 1024  /* of a record without bulk that is longer than a head may be: it is joined when it is whole */

/* ---- buffers from stock's pool --------------------------------------------------------------------------------------------- */
/* Stock maps large buffers when they are asked for and unmaps them when nobody has them, and each page is cleared anew. So some of
 * them are kept: a reference of ours stays on each, and who finds no other reference may have it again. */
#define KEPT 16
static const size_t kept_size[] = {128 * KiB, 1 * MiB};

struct landing {
    glusterfs_ctx_t *ctx;
    struct gatling_iobuf_pool *pool;
    pthread_mutex_t lock;
    struct iobuf *kept[array_len(kept_size)][KEPT]; /* under lock */
    unsigned int next[array_len(kept_size)];        /* which goes for a new one when all are in use */
};

static struct iobuf *take_kept(struct landing *l, unsigned int cls)
{
    struct iobuf **kept = l->kept[cls], *buf = NULL;

    SCOPED_LOCK(&l->lock);
    for (unsigned int i = 0; i < KEPT && !buf; i++)
        if (kept[i] && GF_ATOMIC_GET(kept[i]->ref) == 1) /* ours: nobody can take another meanwhile */
            buf = kept[i];
    if (!buf) {
        unsigned int i = l->next[cls]++ % KEPT;

        buf = iobuf_get2(l->ctx->iobuf_pool, kept_size[cls]);
        if (!buf)
            return NULL;
        if (kept[i])
            iobuf_unref(kept[i]);
        kept[i] = buf;
    }
    GF_ATOMIC_INC(buf->ref); /* what iobuf_ref() does, which libglusterfs keeps to itself */
    return buf;
}

static void *lend(void *ctx, size_t size, void **ret_loan)
{
    struct landing *l = ctx;
    struct iobuf *buf;

    if (size > kept_size[0] / 2 && size <= kept_size[0])
        buf = take_kept(l, 0);
    else if (size > kept_size[1] / 2 && size <= kept_size[1])
        buf = take_kept(l, 1);
    else
        buf = iobuf_get2(l->ctx->iobuf_pool, size ? size : 1);
    *ret_loan = buf;
    return buf ? iobuf_ptr(buf) : NULL;
}

static void give_back(void *ctx, void *loan)
{
    iobuf_unref(loan);
}

struct landing *landing_new(glusterfs_ctx_t *ctx, struct census *census)
{
    struct landing *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->ctx = ctx;
    pthread_mutex_init(&l->lock, NULL);
    l->pool = iobuf_pool_borrowing(&(struct iobuf_lender){lend, give_back, l}, census);
    if (!l->pool) {
        landing_free(l);
        return NULL;
    }
    return l;
}

struct gatling_iobuf_pool *landing_pool(struct landing *l)
{
    return l->pool;
}

void landing_rest(struct landing *l)
{
    SCOPED_LOCK(&l->lock);
    for (unsigned int cls = 0; cls < array_len(kept_size); cls++)
        for (unsigned int i = 0; i < KEPT; i++) {
            if (l->kept[cls][i])
                iobuf_unref(l->kept[cls][i]);
            l->kept[cls][i] = NULL;
        }
}

void landing_free(struct landing *l)
{
    if (!l)
        return;
    landing_rest(l);
    iobuf_pool_free(l->pool);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

/* ---- what a record is ------------------------------------------------------------------------------------------------------ */
static uint32_t word(const uint8_t *bytes, size_t at)
{
    return (uint32_t)bytes[at] << 24 | (uint32_t)bytes[at + 1] << 16 | (uint32_t)bytes[at + 2] << 8 | bytes[at + 3];
}

/* Skips flavor, length and body of a credential or verifier at *at. False: not all of it is there. */
static bool skip_auth(const uint8_t *bytes, size_t have, size_t *at)
{
    size_t len;

    if (have < *at + 8)
        return false;
    len = word(bytes, *at + 4);
    if (len > have - *at - 8)
        return false;
    *at += 8 + ((len + 3) & ~(size_t)3);
    return *at <= have;
}

/* Where the data begins, behind a fixed part of `fixed` bytes whose dictionary's length stands `len_at` bytes into it. */
static size_t behind_dict(const uint8_t *bytes, size_t have, size_t total, size_t at, size_t fixed, size_t len_at)
{
    size_t len;

    if (have < at + fixed)
        return 0;
    len = ((size_t)word(bytes, at + len_at) + 3) & ~(size_t)3;
    return len <= total - at - fixed ? at + fixed + len : total; /* longer than the record: whoever decodes it will say so */
}

/* The call that this reply answers, from stock. Asked once for a record. */
static rpc_request_info_t *info_of(rpc_transport_t *trans, struct reading *rd, const uint8_t *bytes)
{
    if (!rd->asked) {
        rd->asked = true;
        rd->info = GF_CALLOC(1, sizeof(*rd->info), gf_common_mt_rpc_trans_reqinfo_t);
        if (rd->info) {
            rd->info->xid = word(bytes, 0);
            if (rpc_transport_notify(trans, RPC_TRANSPORT_MAP_XID_REQUEST, rd->info) < 0)
                reading_done(rd), rd->asked = true;
        }
    }
    return rd->info;
}

void reading_done(struct reading *rd)
{
    GF_FREE(rd->info);
    *rd = (struct reading){0};
}

static bool is_reply(const uint8_t *bytes)
{
    return word(bytes, 4) == 1;
}

/* Where file data begins; total: it has none; 0: more bytes are needed to tell. */
static size_t bulk_at(rpc_transport_t *trans, struct reading *rd, const uint8_t *bytes, size_t have, size_t total)
{
    size_t at;
    int prog, vers, proc;

    if (have < 24)
        return have < total ? 0 : total;
    if (is_reply(bytes)) {
        rpc_request_info_t *info = info_of(trans, rd, bytes);

        if (!info || info->prognum != FOP_PROGRAM || info->procnum != FOP_READ || word(bytes, 8) != 0)
            return total;
        at = 12;
        if (!skip_auth(bytes, have, &at) || have < at + 4)
            return 0;
        if (word(bytes, at) != 0)
            return total;
        at += 4;
        return info->progver == FOP_V4 ? behind_dict(bytes, have, total, at, 172, 160) : behind_dict(bytes, have, total, at, 116, 112);
    }
    prog = (int)word(bytes, 12);
    vers = (int)word(bytes, 16);
    proc = (int)word(bytes, 20);
    if (prog != FOP_PROGRAM || proc != FOP_WRITE || (vers != FOP_V4 && vers != FOP_V3))
        return total;
    at = 24;
    if (!skip_auth(bytes, have, &at) || !skip_auth(bytes, have, &at))
        return 0;
    return vers == FOP_V4 ? behind_dict(bytes, have, total, at, 52, 40) : behind_dict(bytes, have, total, at, 44, 40);
}

size_t message_place(rpc_transport_t *trans, struct reading *rd, const uint8_t *bytes, size_t have, size_t total)
{
    size_t at = bulk_at(trans, rd, bytes, have, total);

    return at == total && total > CONN_HEAD_MAX ? HEAD_OF_LONG : at;
}

/* ---- up ------------------------------------------------------------------------------------------------------------------- */
static struct iobuf *loan_of(const struct slice *s)
{
    return s->buf->loan;
}

/* One stock buffer with all of `first` (may be NULL) and sv in it; the caller's reference. */
static struct iobuf *join(rpc_transport_t *trans, const struct slice *first, const struct slicev *sv)
{
    size_t before = first ? first->len : 0;
    struct iobuf *buf = iobuf_get2(trans->ctx->iobuf_pool, before + sv->len);

    if (!buf)
        return NULL;
    if (first)
        memcpy(iobuf_ptr(buf), first->at, before);
    slicev_copy_out(sv, 0, (uint8_t *)iobuf_ptr(buf) + before, sv->len);
    return buf;
}

static rpc_transport_pollin_t *pollin_of(rpc_transport_t *trans, struct record *rec, size_t data_at, rpc_request_info_t *info)
{
    struct iobuf *head = loan_of(&rec->head), *joined = NULL;
    struct iobref *ref = iobref_new();
    rpc_transport_pollin_t *pollin = NULL;
    struct iovec v[2] = {{rec->head.at, rec->head.len}};
    int n = 1, bad = !ref;

    if (!bad && rec->bulk.n > 0 && data_at < rec->head.len + rec->bulk.len) {
        struct slice *piece = slicev_at(&rec->bulk);

        if (rec->bulk.n == 1) {
            bad = iobref_add(ref, loan_of(piece)) != 0;
            v[1] = (struct iovec){piece->at, piece->len};
        } else {
            joined = join(trans, NULL, &rec->bulk);
            bad = !joined || iobref_add(ref, joined) != 0;
            if (joined)
                v[1] = (struct iovec){iobuf_ptr(joined), rec->bulk.len};
        }
        n = 2;
    } else if (!bad && rec->bulk.n > 0) {
        joined = head = join(trans, &rec->head, &rec->bulk);
        bad = !joined;
        if (joined)
            v[0] = (struct iovec){iobuf_ptr(joined), rec->head.len + rec->bulk.len};
    } else if (data_at < rec->head.len) {
        v[1] = (struct iovec){rec->head.at + data_at, rec->head.len - data_at};
        v[0].iov_len = data_at;
        n = 2;
    }
    if (!bad)
        pollin = rpc_transport_pollin_alloc(trans, v, n, head, ref, info);
    if (pollin)
        pollin->vectored = n == 2;
    if (joined)
        iobuf_unref(joined);
    if (ref)
        iobref_unref(ref);
    return pollin;
}

int message_received(rpc_transport_t *trans, struct reading *rd, struct record *rec)
{
    size_t total = rec->head.len + rec->bulk.len, data_at;
    rpc_transport_pollin_t *pollin;
    bool reply;
    int r = 0;

    if (rec->head.len < 8 || word(rec->head.at, 4) > 1) {
        record_free(rec);
        return -EBADMSG; /* neither call nor reply */
    }
    reply = is_reply(rec->head.at);
    data_at = bulk_at(trans, rd, rec->head.at, rec->head.len, total);
    if (data_at == 0)
        data_at = total;
    if (reply && !info_of(trans, rd, rec->head.at)) {
        /* Of a call that has been given up, or of none. */
        log_debug("socket", "%s: a reply with xid 0x%x that nobody waits for", trans->peerinfo.identifier, word(rec->head.at, 0));
    } else {
        pollin = pollin_of(trans, rec, data_at, rd->info);
        if (pollin) {
            rd->info = NULL; /* pollin's */
            pollin->is_reply = reply;
            rpc_transport_notify(trans, RPC_TRANSPORT_MSG_RECEIVED, pollin);
            rpc_transport_pollin_destroy(pollin);
        } else {
            r = -ENOMEM;
        }
    }
    reading_done(rd);
    record_free(rec);
    return r;
}

/* ---- down ----------------------------------------------------------------------------------------------------------------- */
struct out {
    struct msg msg;
    struct iobref *ref;  /* NULL: all bytes are our own */
    uint8_t copied[];
};

/* Messages may leave inside conn_send(), while libgfrpc is in the middle of submitting. Stock's transport says MSG_SENT of none of those
 * that leave at once, only of what has waited (observed), and so do we: nothing of stock's is called in there. */
static _Thread_local unsigned int sending;

static bool covers(struct iobref *ref, const struct iovec *v)
{
    const char *from = v->iov_base;
    bool yes = false;

    LOCK(&ref->lock);
    for (int i = 0; i < ref->used && !yes; i++) {
        const struct iobuf *buf = ref->iobrefs[i];
        const char *begin = iobuf_ptr(buf);

        yes = from >= begin && from + v->iov_len <= begin + iobuf_pagesize(buf);
    }
    UNLOCK(&ref->lock);
    return yes;
}

struct part {
    const struct iovec *v;
    int n;
};

/* How many bytes of the message have to be copied. */
static size_t to_copy(const struct part *parts, size_t total, struct iobref *ref)
{
    size_t sum = 0;

    if (!ref || total <= COPY_WHOLE)
        return total;
    for (int p = 0; p < 3; p++)
        for (int i = 0; i < parts[p].n; i++)
            if (!covers(ref, &parts[p].v[i]))
                sum += parts[p].v[i].iov_len;
    return sum;
}

static int fill(struct out *o, const struct part *parts, bool all)
{
    uint8_t *to = o->copied;
    int r = 0;

    for (int p = 0; p < 3; p++)
        for (int i = 0; i < parts[p].n && r == 0; i++) {
            struct slice s = {.at = parts[p].v[i].iov_base, .len = parts[p].v[i].iov_len};

            if (s.len == 0)
                continue;
            if (all || !covers(o->ref, &parts[p].v[i])) {
                memcpy(to, s.at, s.len);
                s.at = to;
                to += s.len;
                if (all && o->msg.body.n > 0) { /* directly behind the one before */
                    slicev_at(&o->msg.body)[0].len += s.len;
                    o->msg.body.len += s.len;
                    continue;
                }
            }
            r = slicev_add(&o->msg.body, s);
        }
    return r;
}

static void out_free(struct out *o)
{
    slicev_done(&o->msg.body);
    if (o->ref)
        iobref_unref(o->ref);
    free(o);
}

int message_send(struct conn *c, rpc_transport_msg_t *msg)
{
    const struct part parts[] = {{msg->rpchdr, msg->rpchdrcount}, {msg->proghdr, msg->proghdrcount},
                                 {msg->progpayload, msg->progpayloadcount}};
    size_t total = 0, copy;
    struct out *o;
    int r;

    for (int p = 0; p < 3; p++)
        for (int i = 0; i < parts[p].n; i++)
            total += parts[p].v[i].iov_len;
    copy = to_copy(parts, total, msg->iobref);
    o = malloc(sizeof(*o) + copy);
    if (!o)
        return -ENOMEM;
    o->msg = (struct msg){0};
    o->ref = copy < total ? iobref_ref(msg->iobref) : NULL;
    r = fill(o, parts, copy == total);
    if (r == 0) {
        sending++;
        r = conn_send(c, &o->msg);
        sending--;
    }
    if (r < 0)
        out_free(o);
    return r;
}

void message_released(rpc_transport_t *trans, struct msg *m, int err)
{
    struct out *o = container_of(m, struct out, msg);

    if (err == 0) {
        trans->total_bytes_write += m->len; /* one at a time: whoever releases has the connection's role */
        if (!sending)
            rpc_transport_notify(trans, RPC_TRANSPORT_MSG_SENT, NULL);
    }
    out_free(o);
}
