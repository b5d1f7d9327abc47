/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* service.c: life of a service: its programs, its listeners, the list of its connections. What happens on a connection is
 * in rpc-conn.c. */
#include "rpc-lib.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SEND_MAX (16 * MiB)

struct rpc_service *rpc_service_new(const struct env *env, const struct rpc_service_host *host, void *host_data)
{
    struct rpc_service *s = calloc(1, sizeof(*s));
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->env = *env;
    s->host = *host;
    s->host_data = host_data;
    atomic_init(&s->outstanding_max, RPC_OUTSTANDING_MAX);
    atomic_init(&s->send_max, SEND_MAX);
    atomic_init(&s->total_held, 0);
    atomic_init(&s->total_max, pages > 0 && page > 0 ? (size_t)pages / 8 * (size_t)page : 64 * SEND_MAX);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

void rpc_service_unref(struct rpc_service *s)
{
    /* Release what this thread did to it before, acquire what the others did before they let go. */
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
        return;
    assert(atomic_load(&s->total_held) == 0 && atomic_load(&s->total_queued) == 0);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void rpc_service_free(struct rpc_service *s)
{
    if (!s)
        return;
    rpc_service_stop_listening(s);
    assert(rpc_service_conns(s) == 0);
    rpc_service_unref(s);
}

int rpc_service_add(struct rpc_service *s, const struct rpc_program *p)
{
    if (s->nr_programs == RPC_PROGRAMS_MAX - 1) /* one place is for GF-DUMP */
        return -ENOSPC;
    s->programs[s->nr_programs++] = p;
    return 0;
}

static void add_dump_first(struct rpc_service *s)
{
    for (unsigned int i = 0; i < s->nr_programs; i++)
        if (s->programs[i] == &rpc_dump_program)
            return;
    for (unsigned int i = s->nr_programs++; i > 0; i--)
        s->programs[i] = s->programs[i - 1];
    s->programs[0] = &rpc_dump_program;
}

const struct rpc_program *rpc_find_program(const struct rpc_service *s, uint32_t number, uint32_t version, bool *ret_known)
{
    *ret_known = false;
    for (unsigned int i = 0; i < s->nr_programs; i++) {
        if (s->programs[i]->number != number)
            continue;
        *ret_known = true;
        if (s->programs[i]->version == version)
            return s->programs[i];
    }
    return NULL;
}

/* ---- listening ---------------------------------------------------------------------------------------------------------- */
static int accepted(void *host, const struct sockaddr_storage *peer, const struct transport_host **ret_host, void **ret_data)
{
    struct rpc_listener *l = host;
    struct rpc_conn *conn = rpc_conn_new(l->service, l->type);
    if (!conn)
        return -ENOMEM;
    *ret_host = &rpc_conn_host;
    *ret_data = conn;
    return 0;
}
static void started(void *host, void *data, struct transport *t)
{
    struct rpc_conn *conn = data;
    if (!t) {
        rpc_conn_unref(conn); /* nothing else will ever be heard of it */
        return;
    }
    conn->t = t;
    rpc_service_link(conn->service, conn);
}
static const struct transport_listen_host listen_host = {.accepted = accepted, .started = started};

int rpc_service_listen(struct rpc_service *s, const struct transport_type *type, const struct transport_options *options, struct err *err)
{
    struct rpc_listener *l = calloc(1, sizeof(*l)), **end = &s->listeners;
    int ret;

    if (!l)
        return err_set(err, -ENOMEM, "no memory for a listener");
    add_dump_first(s);
    l->service = s;
    l->type = type;
    ret = type->listen(&s->env, options, &listen_host, l, &l->l, err);
    if (ret < 0) {
        free(l);
        return ret;
    }
    while (*end)
        end = &(*end)->next;
    *end = l;
    return 0;
}

int rpc_service_reconfigure(struct rpc_service *s, const struct transport_options *options, struct err *err)
{
    int ret = 0;
    for (struct rpc_listener *l = s->listeners; l && ret == 0; l = l->next)
        ret = l->type->reconfigure(l->l, options, err);
    return ret;
}

const void *rpc_service_values(struct rpc_service *s)
{
    const struct rpc_listener *l = s->listeners;

    return l && l->type->listener_values ? l->type->listener_values(l->l) : NULL;
}

int rpc_service_port(struct rpc_service *s)
{
    return s->listeners ? s->listeners->type->port(s->listeners->l) : 0;
}

void rpc_service_stop_listening(struct rpc_service *s)
{
    while (s->listeners) {
        struct rpc_listener *l = s->listeners;
        s->listeners = l->next;
        l->type->unlisten(l->l);
        free(l);
    }
}

/* ---- bounds ------------------------------------------------------------------------------------------------------------- */
void rpc_service_set_outstanding(struct rpc_service *s, unsigned int max)
{
    atomic_store_explicit(&s->outstanding_max, max, memory_order_relaxed);
}

void rpc_service_set_send_max(struct rpc_service *s, size_t conn_max, size_t total_max)
{
    atomic_store_explicit(&s->send_max, conn_max, memory_order_relaxed);
    atomic_store_explicit(&s->total_max, total_max, memory_order_relaxed);
}

void rpc_service_shed(struct rpc_service *s)
{
    size_t most = 0, sum = 0, max = atomic_load_explicit(&s->total_max, memory_order_relaxed);
    struct rpc_conn *victim = NULL;
    struct transport_peer peer;

    pthread_mutex_lock(&s->lock);
    for (struct rpc_conn *c = s->conns; c; c = c->next) {
        size_t queued;
        if (atomic_load_explicit(&c->closing, memory_order_relaxed))
            continue; /* its bytes are on their way out */
        pthread_mutex_lock(&c->lock);
        queued = c->queued;
        pthread_mutex_unlock(&c->lock);
        sum += queued;
        if (queued > most) {
            most = queued;
            victim = c;
        }
    }
    if (victim && sum > max)
        rpc_conn_ref(victim);
    else
        victim = NULL;
    pthread_mutex_unlock(&s->lock);
    if (!victim)
        return;
    rpc_conn_peer(victim, &peer);
    log_warning(RPC_LOG, "%s: closed: %zu bytes wait for it to read them, and all connections together have reached %zu", peer.text,
                most, max);
    rpc_conn_disconnect(victim, -ENOBUFS);
    rpc_conn_unref(victim);
}

/* ---- connections -------------------------------------------------------------------------------------------------------- */
void rpc_service_link(struct rpc_service *s, struct rpc_conn *conn)
{
    SCOPED_LOCK(&s->lock);
    conn->next = s->conns;
    if (s->conns)
        s->conns->prev = conn;
    s->conns = conn;
    s->nr_conns++;
}

void rpc_service_unlink(struct rpc_service *s, struct rpc_conn *conn)
{
    SCOPED_LOCK(&s->lock);
    if (conn->prev)
        conn->prev->next = conn->next;
    else
        s->conns = conn->next;
    if (conn->next)
        conn->next->prev = conn->prev;
    s->nr_conns--;
}

unsigned int rpc_service_conns(struct rpc_service *s)
{
    SCOPED_LOCK(&s->lock);
    return s->nr_conns;
}

void rpc_service_each(struct rpc_service *s, void (*fn)(struct rpc_conn *conn, void *ctx), void *ctx)
{
    SCOPED_LOCK(&s->lock);
    for (struct rpc_conn *c = s->conns; c; c = c->next)
        if (rpc_conn_opened(c))
            fn(c, ctx);
}

static struct rpc_conn *first_open(struct rpc_service *s)
{
    SCOPED_LOCK(&s->lock);
    for (struct rpc_conn *c = s->conns; c; c = c->next)
        if (!atomic_load_explicit(&c->closing, memory_order_relaxed))
            return rpc_conn_ref(c);
    return NULL;
}

void rpc_service_disconnect_all(struct rpc_service *s, int err)
{
    struct rpc_conn *c;

    /* One by one without the lock: down() may come at once, and takes it. Each one marks itself as closing. */
    while ((c = first_open(s))) {
        rpc_conn_disconnect(c, err);
        rpc_conn_unref(c);
    }
}
