/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "group.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "conn-impl.h"

struct group {
    atomic_uint refs;
    atomic_size_t queued, queued_max; /* relaxed: bounds, they order nothing */
    atomic_uint count;
    atomic_uint threads, threads_max;
    pthread_mutex_t lock;
    struct group_member *members;     /* under lock */
};

struct group *group_new(size_t queued_max)
{
    struct group *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    atomic_init(&g->refs, 1);
    atomic_init(&g->queued_max, queued_max);
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

struct group *group_ref(struct group *g)
{
    atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed);
    return g;
}

void group_unref(struct group *g)
{
    if (!g || atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) > 1)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void group_set_queued_max(struct group *g, size_t bytes)
{
    atomic_store_explicit(&g->queued_max, bytes, memory_order_relaxed);
}

void group_set_threads_max(struct group *g, unsigned int max)
{
    atomic_store_explicit(&g->threads_max, max, memory_order_relaxed);
}

bool group_thread_comes(struct group *g)
{
    unsigned int max = atomic_load_explicit(&g->threads_max, memory_order_relaxed);

    if (atomic_fetch_add_explicit(&g->threads, 1, memory_order_relaxed) < max || max == 0)
        return true;
    atomic_fetch_sub_explicit(&g->threads, 1, memory_order_relaxed);
    return false;
}

void group_thread_left(struct group *g)
{
    atomic_fetch_sub_explicit(&g->threads, 1, memory_order_relaxed);
}

void group_join(struct group *g, struct group_member *m, struct conn *c)
{
    SCOPED_LOCK(&g->lock);
    m->conn = c;
    m->next = g->members;
    m->back = &g->members;
    if (m->next)
        m->next->back = &m->next;
    g->members = m;
    atomic_fetch_add_explicit(&g->count, 1, memory_order_relaxed);
}

void group_leave(struct group *g, struct group_member *m)
{
    SCOPED_LOCK(&g->lock);
    if (!m->back)
        return;
    *m->back = m->next;
    if (m->next)
        m->next->back = m->back;
    m->back = NULL;
    atomic_fetch_sub_explicit(&g->count, 1, memory_order_relaxed);
}

/* Each with a reference: who is in the list has one of its poller's, or of who has just made it. */
static struct conn **members_now(struct group *g, unsigned int *ret_n)
{
    SCOPED_LOCK(&g->lock);
    struct conn **all = malloc((atomic_load_explicit(&g->count, memory_order_relaxed) + 1) * sizeof(*all));
    unsigned int n = 0;

    for (struct group_member *m = g->members; all && m; m = m->next)
        all[n++] = conn_ref(m->conn);
    *ret_n = n;
    return all;
}

int group_check_proofs(struct group *g)
{
    unsigned int n;
    struct conn **all = members_now(g, &n);
    int r = all ? 0 : -ENOMEM;

    for (unsigned int i = 0; all && i < n; i++) {
        if (conn_check_proof(all[i]) < 0)
            r = -ENOMEM;
        conn_unref(all[i]);
    }
    free(all);
    return r;
}

unsigned int group_count(struct group *g)
{
    return atomic_load_explicit(&g->count, memory_order_relaxed);
}

size_t group_queued(struct group *g)
{
    return atomic_load_explicit(&g->queued, memory_order_relaxed);
}

void group_queue(struct group *g, size_t n)
{
    size_t max = atomic_load_explicit(&g->queued_max, memory_order_relaxed);
    size_t now = atomic_fetch_add_explicit(&g->queued, n, memory_order_relaxed) + n;
    struct conn *largest = NULL;
    size_t most = 0;

    /* Crossing the bound upwards stops one; further ones go when it is crossed again. */
    if (max == 0 || now <= max || now - n > max)
        return;
    SCOPED_LOCK(&g->lock);
    for (struct group_member *m = g->members; m; m = m->next) {
        size_t has = conn_queued(m->conn);

        if (has > most) {
            most = has;
            largest = m->conn;
        }
    }
    if (largest)
        conn_disconnect(largest, -ENOBUFS);
}

void group_unqueue(struct group *g, size_t n)
{
    atomic_fetch_sub_explicit(&g->queued, n, memory_order_relaxed);
}
