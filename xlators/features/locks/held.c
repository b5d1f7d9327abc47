/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One lock, its owner, and the lists and trees that it is in. All under the table's mutex but held_new(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "graph.h"
#include "locks.h"
#include "process.h"

void held_stamp(struct held *h)
{
    h->since = time(NULL);
    h->since_ms = clock_ms();
}

struct held *held_new(struct xlator *xl, const struct fop *fop, uint32_t type, int64_t start, int64_t end)
{
    struct held *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->type = type;
    h->start = start;
    h->end = end;
    h->pid = h->cred_pid = fop->cred.pid;
    held_stamp(h);
    census_add(&xl->graph->process->census, CENSUS_LOCKS, 1);
    return h;
}

/* ---- owners -------------------------------------------------------------------------------------------------------------- */

static int64_t owner_hash(const struct lock_client *lc, const uint8_t *bytes, uint32_t len)
{
    uint64_t x = 14695981039346656037u ^ (uintptr_t)lc; /* FNV-1a */

    for (uint32_t i = 0; i < len; i++)
        x = (x ^ bytes[i]) * 1099511628211u;
    return (int64_t)((x ^ x >> 32) & INT64_MAX);
}

struct owner *owner_find(const struct space *s, const struct lock_client *lc, const uint8_t *bytes, uint32_t len)
{
    int64_t hash = owner_hash(lc, bytes, len);

    for (struct range_node *n = NULL; (n = range_next(s->owners, hash, hash, n));) {
        struct owner *o = container_of(n, struct owner, at);
        if (o->lc == lc && o->len == len && memcmp(o->bytes, bytes, len) == 0)
            return o;
    }
    return NULL;
}

int held_own(struct space *s, struct held *h, struct lock_client *lc, const uint8_t *bytes, uint32_t len)
{
    struct owner *o = owner_find(s, lc, bytes, len);

    if (!o) {
        o = calloc(1, sizeof(*o) + len);
        if (!o)
            return -ENOMEM;
        o->at.start = o->at.end = owner_hash(lc, bytes, len);
        o->lc = lc;
        o->len = len;
        memcpy(o->bytes, bytes, len);
        range_insert(&s->owners, &o->at);
    }
    o->refs++;
    h->own = o;
    h->space = s;
    return 0;
}

void held_own_as(struct held *h, const struct held *other)
{
    h->own = other->own;
    h->own->refs++;
    h->space = other->space;
}

static void owner_let_go(struct space *s, struct owner *o)
{
    if (--o->refs > 0)
        return;
    range_remove(&s->owners, &o->at);
    free(o);
}

int held_give(struct held *h, struct lock_client *lc)
{
    struct owner *before = h->own;
    int failed = held_own(h->space, h, lc, before->bytes, before->len);

    if (!failed)
        owner_let_go(h->space, before);
    return failed;
}

void held_free(struct xlator *xl, struct held *h)
{
    if (!h)
        return;
    if (h->own)
        owner_let_go(h->space, h->own);
    free(h->name);
    free(h);
    census_add(&xl->graph->process->census, CENSUS_LOCKS, -1);
}

/* ---- lists --------------------------------------------------------------------------------------------------------------- */

static struct held_list *list_of(struct held *h)
{
    return h->waiter ? &h->space->waiting : &h->space->granted;
}

static void append(struct held *h)
{
    struct held_list *l = list_of(h);

    h->next = NULL;
    h->prev = l->last;
    *(l->last ? &l->last->next : &l->first) = h;
    l->last = h;
    l->n++;
    h->space->table->nr_locks++;
}

static void list_with_client_locked(struct held *h)
{
    struct lock_client *lc = h->own->lc;

    h->client_prev = NULL;
    h->client_next = lc->first;
    if (lc->first)
        lc->first->client_prev = h;
    lc->first = h;
}

bool may_hold_more(struct lock_client *lc)
{
    SCOPED_LOCK(&lc->lock);
    return lc->nr_granted < GRANTED_PER_CLIENT;
}

static struct range_node **tree_of(struct held *h)
{
    return &h->space->tree[h->type == RANGE_WRITE];
}

static void put_into_trees(struct held *h)
{
    h->at.start = h->own_at.start = h->start;
    h->at.end = h->own_at.end = h->end;
    range_insert(tree_of(h), &h->at);
    range_insert(&h->own->granted, &h->own_at);
}

static void take_from_trees(struct held *h)
{
    range_remove(tree_of(h), &h->at);
    range_remove(&h->own->granted, &h->own_at);
}

/* ---- lines: nearly always at the end ------------------------------------------------------------------------------------- */

static void join_line(struct held_line *line, struct held *h)
{
    struct held *before = line->last;

    while (before && before->number > h->number)
        before = before->line_prev;
    h->line = line;
    h->line_prev = before;
    h->line_next = before ? before->line_next : line->first;
    *(before ? &before->line_next : &line->first) = h;
    *(h->line_next ? &h->line_next->line_prev : &line->last) = h;
}

static void leave_line(struct held *h)
{
    *(h->line_prev ? &h->line_prev->line_next : &h->line->first) = h->line_next;
    *(h->line_next ? &h->line_next->line_prev : &h->line->last) = h->line_prev;
    h->line = NULL;
    h->line_prev = h->line_next = NULL;
}

void held_blocked_by(struct held *h, struct held *blocker)
{
    leave_line(h);
    join_line(&blocker->blocks, h);
}

void held_unblock(struct held *h)
{
    if (h->line == &h->space->ready)
        return;
    leave_line(h);
    join_line(&h->space->ready, h);
    h->space->nr_unblocked++;
}

static void unblock_all(struct held *h)
{
    while (h->blocks.first)
        held_unblock(h->blocks.first);
}

void held_grant(struct space *s, struct held *h)
{
    append(h);
    put_into_trees(h);
    h->own->nr_granted++;
    if (h->via)
        h->via->nr_granted++;
    for (struct held *w = h->own->first_waiting; w && s->family != POSIX_LOCK; w = w->own_next)
        held_unblock(w); /* who has something in the domain may overtake */
    s->table->look_again = true;

    SCOPED_LOCK(&h->own->lc->lock);
    h->own->lc->nr_granted++;
    list_with_client_locked(h);
}

int held_wait(struct space *s, struct held *h)
{
    struct owner *o = h->own;

    pthread_mutex_lock(&o->lc->lock);
    bool room = o->lc->nr_waiting < WAITING_PER_CLIENT;
    if (room) {
        o->lc->nr_waiting++;
        list_with_client_locked(h);
    }
    pthread_mutex_unlock(&o->lc->lock);
    if (!room)
        return -EAGAIN;
    append(h);
    h->number = ++s->last_number;
    join_line(&s->ready, h);
    h->own_prev = o->last_waiting;
    *(o->last_waiting ? &o->last_waiting->own_next : &o->first_waiting) = h;
    o->last_waiting = h;
    return 0;
}

static void leave_owners_line(struct held *h)
{
    struct owner *o = h->own;

    *(h->own_prev ? &h->own_prev->own_next : &o->first_waiting) = h->own_next;
    *(h->own_next ? &h->own_next->own_prev : &o->last_waiting) = h->own_prev;
    h->own_prev = h->own_next = NULL;
}

void held_take_out(struct held *h)
{
    struct held_list *l = list_of(h);
    struct lock_client *lc = h->own->lc;

    *(h->prev ? &h->prev->next : &l->first) = h->next;
    *(h->next ? &h->next->prev : &l->last) = h->prev;
    l->n--;
    h->space->table->nr_locks--;
    h->prev = h->next = NULL;
    unblock_all(h);
    if (h->waiter) {
        leave_line(h);
        leave_owners_line(h);
    } else {
        take_from_trees(h);
        h->own->nr_granted--;
        if (h->via)
            h->via->nr_granted--;
        h->space->table->look_again = true;
    }

    SCOPED_LOCK(&lc->lock);
    *(h->client_prev ? &h->client_prev->client_next : &lc->first) = h->client_next;
    if (h->client_next)
        h->client_next->client_prev = h->client_prev;
    h->client_prev = h->client_next = NULL;
    if (h->waiter)
        lc->nr_waiting--;
    else
        lc->nr_granted--;
}

void held_resize(struct held *h, int64_t start, int64_t end)
{
    take_from_trees(h);
    h->start = start;
    h->end = end;
    put_into_trees(h);
    unblock_all(h);
    h->space->table->look_again = true;
}
