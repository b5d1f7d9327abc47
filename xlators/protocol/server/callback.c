/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* callback.c: what the brick tells clients of its own accord; no answer comes. A client that is gone, or whose send queue is full,
 * hears nothing: rpc-lib sees to that. Source: spec wire 2.6, section 8. */
#include <errno.h>
#include <stdlib.h>

#include "callback.h"
#include "graph.h"
#include "log.h"
#include "server.h"

#define EVENT_TYPE_INVALIDATION 1

/* One connection of the client with this uid, with a reference; NULL: there is none. */
static struct rpc_conn *conn_of(struct server *s, const char *uid, struct server_root *ret_root)
{
    SCOPED_LOCK(&s->lock);
    for (struct server_client *sc = s->clients; sc; sc = sc->next) {
        if (!sc->conns || strcmp(sc->client->uid, uid) != 0)
            continue;
        *ret_root = sc->root;
        return rpc_conn_ref(sc->conns->rpc);
    }
    return NULL;
}

/* A dict in its old form; bytes are the caller's to free. */
static wire_dict3 old_form(const struct dict *d, uint8_t **ret_bytes)
{
    size_t len = d ? dict3_size(d) : 0;

    *ret_bytes = len ? malloc(len) : NULL;
    if (!*ret_bytes)
        return (wire_dict3){0};
    dict3_encode(d, *ret_bytes);
    return (wire_dict3){.at = *ret_bytes, .len = (uint32_t)len};
}

static struct wire_flock flock_of(const struct flock_range *f)
{
    return (struct wire_flock){
        .type = f->type,
        .whence = f->whence,
        .start = (uint64_t)f->start,
        .len = (uint64_t)f->len,
        .pid = f->pid,
        .owner = {.at = f->owner, .len = f->owner_len},
    };
}

static int encode(struct iobuf_pool *bufs, const struct upcall *up, wire_dict3 xdata, uint32_t *ret_procedure, struct slice *ret)
{
    char gfid[GFID_TEXT];

    switch (up->kind) {
    case UPCALL_INVALIDATE: {
        const struct cbk_cache_invalidation c = {
            .gfid = wire_str(gfid_text(up->gfid, gfid)),
            .event_type = EVENT_TYPE_INVALIDATION,
            .flags = up->flags,
            .expire = up->expire_s,
            .stat = up->stat,
            .parent_stat = up->parent_stat,
            .oldparent_stat = up->old_parent_stat,
            .xdata = xdata,
        };
        *ret_procedure = CBK_CACHE_INVALIDATION;
        return wire_encode(bufs, (void *)xdr_cbk_cache_invalidation, &c, ret);
    }
    case UPCALL_INODELK_CONTENTION: {
        const struct cbk_inodelk_contention c = {
            .gfid = up->gfid, .flock = flock_of(&up->flock), .pid = up->pid, .domain = wire_str(up->domain), .xdata = xdata};
        *ret_procedure = CBK_INODELK_CONTENTION;
        return wire_encode(bufs, (void *)xdr_cbk_inodelk_contention, &c, ret);
    }
    case UPCALL_ENTRYLK_CONTENTION: {
        const struct cbk_entrylk_contention c = {.gfid = up->gfid,
                                                 .type = up->entry_type,
                                                 .pid = up->pid,
                                                 .name = wire_str(up->name),
                                                 .domain = wire_str(up->domain),
                                                 .xdata = xdata};
        *ret_procedure = CBK_ENTRYLK_CONTENTION;
        return wire_encode(bufs, (void *)xdr_cbk_entrylk_contention, &c, ret);
    }
    case UPCALL_RECALL_LEASE: {
        const struct cbk_recall_lease c = {.gfid = up->gfid, .xdata = xdata};
        *ret_procedure = CBK_RECALL_LEASE;
        return wire_encode(bufs, (void *)xdr_cbk_recall_lease, &c, ret);
    }
    }
    return -EINVAL;
}

void server_upcall(struct server *s, const struct upcall *from)
{
    struct upcall call = *from, *up = &call;
    struct server_root root = {0};
    struct rpc_conn *conn = conn_of(s, up->client_uid, &root);
    struct slicev body = {0};
    struct slice bytes;
    uint32_t procedure;
    uint8_t *xdata;

    if (!conn)
        return;
    if (root.set && gfid_equal(up->gfid, root.gfid))
        up->gfid = gfid_root;
    int r = encode(s->xl->graph->process->env.bufs, up, old_form(up->xdata, &xdata), &procedure, &bytes);
    free(xdata);
    if (r == 0) {
        slicev_add(&body, bytes);
        r = rpc_callback(conn, CBK_PROGRAM, CBK_VERSION, procedure, &body);
    }
    if (r < 0)
        log_debug(s->xl->name, "callback to %s: %s", up->client_uid, strerror(-r));
    rpc_conn_unref(conn);
}

struct conn_list {
    struct rpc_conn **v;
    unsigned int n, cap;
};

static struct conn_list conns_of_brick(struct server *s, const struct xlator *bound)
{
    struct conn_list list = {0};
    SCOPED_LOCK(&s->lock);

    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        for (struct server_conn *c = sc->conns; c && sc->bound == bound; c = c->next)
            list.cap++;
    list.v = list.cap ? calloc(list.cap, sizeof(*list.v)) : NULL;
    if (!list.v)
        return list;
    for (struct server_client *sc = s->clients; sc; sc = sc->next)
        for (struct server_conn *c = sc->conns; c && sc->bound == bound; c = c->next)
            list.v[list.n++] = rpc_conn_ref(c->rpc);
    return list;
}

/* For CHILD_UP and CHILD_DOWN, which have no arguments. */
void server_tell_all(struct server *s, const struct xlator *bound, uint32_t procedure)
{
    struct conn_list list = conns_of_brick(s, bound);

    for (unsigned int i = 0; i < list.n; i++) {
        struct slicev body = {0};
        rpc_callback(list.v[i], CBK_PROGRAM, CBK_VERSION, procedure, &body);
        rpc_conn_unref(list.v[i]);
    }
    free(list.v);
}
