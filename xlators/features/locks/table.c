/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph.h"
#include "locks.h"
#include "process.h"

/* ---- tables and spaces --------------------------------------------------------------------------------------------------- */

struct lock_table *table_find(struct xlator *xl, struct inode *in)
{
    return in ? inode_ctx(in, xl) : NULL;
}

struct lock_table *table_make(struct xlator *xl, struct inode *in)
{
    struct lock_table *t = table_find(xl, in), *set;

    if (t)
        return t;
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    t->inode = in;
    set = inode_ctx_set(in, xl, t);
    if (set != t) {
        pthread_mutex_destroy(&t->lock);
        free(t);
    }
    return set;
}

void table_enter(struct lock_table *t)
{
    inode_ref(t->inode); /* who waits may be completed, and drop the last other one, before we have unlocked */
    pthread_mutex_lock(&t->lock);
}

void table_leave(struct xlator *xl, struct lock_table *t, struct aftermath *after)
{
    struct inode *in = t->inode;
    bool unpin = t->pinned && t->nr_locks == 0;

    spaces_tidy(t);
    if (!t->pinned && t->nr_locks > 0) {
        inode_ref(in);
        t->pinned = true;
    } else if (unpin) {
        t->pinned = false;
    }
    pthread_mutex_unlock(&t->lock);
    if (after)
        aftermath_run(xl, after);
    if (unpin)
        inode_unref(in);
    inode_unref(in);
}

/* Of a forgotten inode: it had no locks, or it would have been referenced. */
void table_free(struct xlator *xl, struct lock_table *t)
{
    spaces_tidy(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct space *space_find(struct lock_table *t, enum family family, const char *domain)
{
    for (struct space *s = t->spaces; s; s = s->next)
        if (s->family == family && (!domain || strcmp(s->domain, domain) == 0))
            return s;
    return NULL;
}

struct space *space_make(struct lock_table *t, enum family family, const char *domain)
{
    struct space *s = space_find(t, family, domain);

    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    if (domain && !(s->domain = strdup(domain))) {
        free(s);
        return NULL;
    }
    s->table = t;
    s->family = family;
    s->next = t->spaces;
    t->spaces = s;
    return s;
}

void spaces_tidy(struct lock_table *t)
{
    for (struct space **at = &t->spaces, *s; (s = *at);) {
        if (s->granted.n || s->waiting.n) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free(s->domain);
        free(s);
    }
}

/* ---- clients ------------------------------------------------------------------------------------------------------------- */

struct lock_client *lock_client_of(struct xlator *xl, struct client *client)
{
    struct locks *priv = xl->priv;
    struct lock_client *lc, *set;

    if (!client)
        return &priv->internal;
    lc = client_ctx(client, xl);
    if (lc)
        return lc;
    lc = calloc(1, sizeof(*lc));
    if (!lc)
        return NULL;
    pthread_mutex_init(&lc->lock, NULL);
    lc->client = client;
    set = client_ctx_set(client, xl, lc);
    if (set != lc) {
        pthread_mutex_destroy(&lc->lock);
        free(lc);
    }
    return set;
}

/* ---- locks --------------------------------------------------------------------------------------------------------------- */

struct held *held_new(struct xlator *xl, struct lock_client *lc, const struct fop *fop, uint32_t type, int64_t start, int64_t end)
{
    struct held *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->lc = lc;
    h->type = type;
    h->start = start;
    h->end = end;
    h->fd = fop->fd;
    h->pid = h->cred_pid = fop->cred.pid;
    h->since = time(NULL);
    h->owner_len = min_of(fop->cred.owner_len, (uint32_t)sizeof(h->owner));
    memcpy(h->owner, fop->cred.owner, h->owner_len);
    census_add(&xl->graph->process->census, CENSUS_LOCKS, 1);
    return h;
}

void held_free(struct xlator *xl, struct held *h)
{
    if (!h)
        return;
    free(h->name);
    free(h);
    census_add(&xl->graph->process->census, CENSUS_LOCKS, -1);
}

static struct held_list *list_of(struct held *h)
{
    return h->waiter ? &h->space->waiting : &h->space->granted;
}

static void append(struct space *s, struct held *h)
{
    struct held_list *l;

    h->space = s;
    l = list_of(h);
    h->next = NULL;
    h->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = h;
    l->last = h;
    l->n++;
    s->table->nr_locks++;
}

static void list_with_client_locked(struct held *h)
{
    h->client_prev = NULL;
    h->client_next = h->lc->first;
    if (h->lc->first)
        h->lc->first->client_prev = h;
    h->lc->first = h;
}

bool may_hold_more(struct lock_client *lc)
{
    SCOPED_LOCK(&lc->lock);
    return lc->nr_granted < GRANTED_PER_CLIENT;
}

void held_grant(struct space *s, struct held *h)
{
    SCOPED_LOCK(&h->lc->lock);
    h->lc->nr_granted++;
    list_with_client_locked(h);
    append(s, h);
}

int held_wait(struct space *s, struct held *h)
{
    SCOPED_LOCK(&h->lc->lock);
    if (h->lc->nr_waiting >= WAITING_PER_CLIENT)
        return -EAGAIN;
    h->lc->nr_waiting++;
    list_with_client_locked(h);
    append(s, h);
    return 0;
}

void held_take_out(struct held *h)
{
    struct held_list *l = list_of(h);

    *(h->prev ? &h->prev->next : &l->first) = h->next;
    *(h->next ? &h->next->prev : &l->last) = h->prev;
    l->n--;
    h->space->table->nr_locks--;
    h->prev = h->next = NULL;

    SCOPED_LOCK(&h->lc->lock);
    *(h->client_prev ? &h->client_prev->client_next : &h->lc->first) = h->client_next;
    if (h->client_next)
        h->client_next->client_prev = h->client_prev;
    h->client_prev = h->client_next = NULL;
    if (h->waiter)
        h->lc->nr_waiting--;
    else
        h->lc->nr_granted--;
}

/* ---- comparing ----------------------------------------------------------------------------------------------------------- */

bool same_owner(const struct held *a, const struct held *b)
{
    return a->lc == b->lc && a->owner_len == b->owner_len && memcmp(a->owner, b->owner, a->owner_len) == 0;
}

bool owned_by(const struct held *h, const struct lock_client *lc, const struct fop *fop)
{
    return h->lc == lc && h->owner_len == fop->cred.owner_len && memcmp(h->owner, fop->cred.owner, h->owner_len) == 0;
}

bool overlap(const struct held *a, const struct held *b)
{
    return a->start <= b->end && b->start <= a->end;
}

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

struct inode *lock_inode_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

/* From this opversion on a client knows better than to send an owner of zeros. */
#define OPVERSION_OWNERS 70000

bool lacks_owner(const struct fop *fop)
{
    if (!fop->client || fop->client->opversion < OPVERSION_OWNERS)
        return false;
    for (uint32_t i = 0; i < fop->cred.owner_len; i++)
        if (fop->cred.owner[i])
            return false;
    return true;
}
