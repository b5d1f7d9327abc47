/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fop.h"
#include "graph.h"
#include "slot.h"
#include "util.h"

#define FDS_MIN 16

struct client *client_new(struct graph *graph, const char *uid, struct census *census)
{
    struct client *c = calloc(1, sizeof(*c) + graph->nr_client_slots * sizeof(c->ctx[0]));

    if (!c)
        return NULL;
    c->uid = strdup(uid);
    if (!c->uid) {
        free(c);
        return NULL;
    }
    atomic_init(&c->refs, 1);
    pthread_mutex_init(&c->lock, NULL);
    c->graph = graph;
    c->census = census;
    census_add(census, CENSUS_CLIENTS, 1);
    return c;
}

struct client *client_ref(struct client *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed); /* the caller has one: nothing to order */
    return c;
}

/* Of one that nobody can reach any more: client_fd_install() is over. */
static void close_all(struct client *c)
{
    for (unsigned int i = 0; i < c->nr_fds; i++)
        fd_unref(c->fds[i]);
    free(c->fds);
    c->fds = NULL;
    c->nr_fds = c->fds_cap = c->first_free = 0;
}

void client_unref(struct client *c)
{
    /* Release: our use comes before the end; acquire: so does that of all who dropped theirs before. */
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) > 1)
        return;
    assert(!c->running);
    close_all(c); /* none are left when client_gone() was called */
    pthread_mutex_destroy(&c->lock);
    free(c->uid);
    free(c->process_name);
    free(c->address);
    census_add(c->census, CENSUS_CLIENTS, -1);
    free(c);
}

void *client_ctx(const struct client *c, const struct xlator *xl)
{
    return slot_get(&c->ctx[xl->client_slot]);
}

void *client_ctx_set(struct client *c, const struct xlator *xl, void *value)
{
    return slot_set(&c->ctx[xl->client_slot], value);
}

/* `gone` changes under the lock. Others read it without: relaxed, they learn it a moment later. */
static bool is_gone_locked(const struct client *c)
{
    return atomic_load_explicit(&c->gone, memory_order_relaxed);
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------- */
/* first_free: every number below it is in use. nr_fds: numbers ever given; those from it on are free. */
static int64_t free_number_locked(struct client *c)
{
    unsigned int i = c->first_free;

    while (i < c->nr_fds && c->fds[i])
        i++;
    if (i == CLIENT_FDS_MAX)
        return -EMFILE;
    if (i == c->fds_cap) {
        unsigned int cap = c->fds_cap ? 2 * c->fds_cap : FDS_MIN;
        struct fd **fds = reallocarray(c->fds, cap, sizeof(struct fd *));
        if (!fds)
            return -ENOMEM;
        c->fds = fds;
        c->fds_cap = cap;
    }
    return i;
}

int64_t client_fd_install(struct client *c, struct fd *fd)
{
    SCOPED_LOCK(&c->lock);
    if (is_gone_locked(c))
        return -ENOTCONN;
    int64_t number = free_number_locked(c);
    if (number < 0)
        return number;
    c->fds[number] = fd_ref(fd);
    c->first_free = (unsigned int)number + 1;
    c->nr_fds = max_of(c->nr_fds, c->first_free);
    return number;
}

struct fd *client_fd_get(struct client *c, int64_t number)
{
    SCOPED_LOCK(&c->lock);
    if (number < 0 || number >= c->nr_fds || !c->fds[number])
        return NULL;
    return fd_ref(c->fds[number]);
}

static struct fd *take_fd(struct client *c, int64_t number)
{
    SCOPED_LOCK(&c->lock);
    if (number < 0 || number >= c->nr_fds || !c->fds[number])
        return NULL;
    struct fd *fd = c->fds[number];
    c->fds[number] = NULL;
    c->first_free = min_of(c->first_free, (unsigned int)number);
    return fd;
}

int client_fd_close(struct client *c, int64_t number)
{
    struct fd *fd = take_fd(c, number);

    if (!fd)
        return -EBADF;
    fd_unref(fd); /* hooks: not under the lock */
    return 0;
}

/* ---- running fops, and the end ------------------------------------------------------------------------------------------- */
static void list_locked(struct client *c, struct fop *fop)
{
    fop->client_prev = NULL;
    fop->client_next = c->running;
    if (c->running)
        c->running->client_prev = fop;
    c->running = fop;
}

static void unlist_locked(struct client *c, struct fop *fop)
{
    *(fop->client_prev ? &fop->client_prev->client_next : &c->running) = fop->client_next;
    if (fop->client_next)
        fop->client_next->client_prev = fop->client_prev;
    fop->client_prev = fop->client_next = NULL;
}

bool client_start(struct client *c, struct fop *fop)
{
    SCOPED_LOCK(&c->lock);
    if (is_gone_locked(c))
        return false;
    list_locked(c, fop);
    c->nr_running++;
    return true;
}

/* Cancelling goes through the list under the same lock: it either finds the child there, or has marked the parent before. */
int client_list_child(struct client *c, struct fop *child)
{
    SCOPED_LOCK(&c->lock);
    if (is_gone_locked(c))
        return ENOTCONN;
    for (struct fop *parent = child->parent; parent; parent = parent->parent)
        if (atomic_load_explicit(&parent->park, memory_order_acquire) == PARK_CANCELLED) /* cancel_err: fop_cancel()'s release */
            return atomic_load_explicit(&parent->cancel_err, memory_order_relaxed);
    list_locked(c, child);
    return 0;
}

void client_unlist_child(struct client *c, struct fop *child)
{
    SCOPED_LOCK(&c->lock);
    unlist_locked(c, child);
}

/* Steps 3 and 4 of the end, on a worker. Nothing runs for the client any more and nothing can start. */
static void run_end(struct job *j)
{
    struct client *c = container_of(j, struct client, end);
    struct xlator *with_hook[c->graph->nr_xlators + 1];
    unsigned int n = 0;

    for (struct xlator *xl = c->graph->first; xl; xl = xl->next)
        if (xl->type->client_gone)
            with_hook[n++] = xl;
    while (n-- > 0) /* from the top down, as fd hooks: those above may use those below */
        with_hook[n]->type->client_gone(with_hook[n], c);
    close_all(c);
    c->ended(c);
    client_unref(c);
}

/* One of those that the end waits for has come back. True: it was the last one, the caller begins the end without the lock. */
static bool came_back_locked(struct client *c)
{
    return --c->nr_running == 0 && is_gone_locked(c);
}

void client_finish(struct client *c, struct fop *fop)
{
    bool end;

    pthread_mutex_lock(&c->lock);
    unlist_locked(c, fop);
    end = came_back_locked(c);
    pthread_mutex_unlock(&c->lock);
    if (end)
        pool_add(c->pool, &c->end);
}

/* The parked ones of the list, claimed and linked by run_next. Who takes one out waits for the lock, so they are alive. */
static struct fop *claim_parked_locked(struct client *c, int err)
{
    struct fop *claimed = NULL;

    c->nr_running++; /* ours: the end does not begin before we have done with the claimed ones */
    for (struct fop *fop = c->running; fop; fop = fop->client_next) {
        if (fop_cancel(fop, err)) {
            fop->run_next = claimed; /* free for use: a parked fop is in nobody's list of steps, and this one is ours now */
            claimed = fop;
        }
    }
    return claimed;
}

static void cancel_claimed(struct client *c, struct fop *claimed)
{
    struct fop *fop;

    while ((fop = claimed)) {
        claimed = fop->run_next;
        fop->cancelled(fop, fop->cancel_ctx);
    }
    pthread_mutex_lock(&c->lock);
    bool end = came_back_locked(c);
    pthread_mutex_unlock(&c->lock);
    if (end)
        pool_add(c->pool, &c->end);
}

void client_cancel_parked(struct client *c, int err)
{
    struct fop *claimed;

    pthread_mutex_lock(&c->lock);
    claimed = claim_parked_locked(c, err);
    pthread_mutex_unlock(&c->lock);
    cancel_claimed(c, claimed);
}

void client_gone(struct client *c, struct pool *pool, void (*ended)(struct client *c))
{
    struct fop *claimed;

    pthread_mutex_lock(&c->lock);
    assert(!is_gone_locked(c));
    atomic_store_explicit(&c->gone, true, memory_order_relaxed);
    c->pool = pool;
    c->ended = ended;
    c->end = (struct job){.run = run_end, .owner = c, .class = CLASS_NORMAL};
    client_ref(c); /* run_end()'s */
    claimed = claim_parked_locked(c, ENOTCONN);
    pthread_mutex_unlock(&c->lock);
    cancel_claimed(c, claimed);
}
