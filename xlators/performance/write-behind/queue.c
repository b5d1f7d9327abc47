/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* An object's requests in the order in which they came, and when each of them goes on.
 *
 *   QUEUED --nothing that it conflicts with stands before it, and (a write behind) no more is to be added--> RUNNING --> gone
 *   RUNNING --a write failed, an fsync waits for it, and what fails is to be kept--> HELD --somebody comes--> QUEUED
 *
 * A write behind waits for more as long as it is the last one, smaller than aggregate-size and (trickling-writes) another one is below. */
#include <stdlib.h>

#include "write-behind.h"

void wb_answer(struct wb_waiter *list, int err)
{
    while (list) {
        struct fop *fop = list->fop;

        list = list->next; /* it is in the arena of the fop */
        if (err)
            fop_fail(fop, err);
        else
            fop_complete(fop, (int32_t)fop->in.write.size, 0);
    }
}

void wb_todo_run(struct wb_todo *t)
{
    struct wb_req *r = t->first;

    wb_answer(t->answers, 0);
    while (r) {
        struct wb_req *next = r->go_next;

        r->go(r);
        r = next;
    }
}

/* ---- the object ---------------------------------------------------------------------------------------------------------- */

struct inode *wb_object(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

struct wb_inode *wb_inode_of(struct xlator *xl, struct inode *in)
{
    return inode_ctx(in, xl);
}

struct wb_inode *wb_inode_make(struct xlator *xl, struct inode *inode)
{
    struct wb_inode *in = inode_ctx(inode, xl), *set;

    if (in)
        return in;
    in = calloc(1, sizeof(*in));
    if (!in)
        return NULL;
    in->xl = xl;
    in->inode = inode;
    pthread_mutex_init(&in->lock, NULL);
    set = inode_ctx_set(inode, xl, in);
    if (set != in)
        wb_inode_free(in);
    return set;
}

void wb_inode_free(struct wb_inode *in)
{
    pthread_mutex_destroy(&in->lock);
    free(in);
}

bool wb_is_busy(struct wb_inode *in)
{
    SCOPED_LOCK(&in->lock);
    return in->first != NULL;
}

bool wb_flush_has_work(struct wb_inode *in, bool down)
{
    SCOPED_LOCK(&in->lock);
    if (in->locked || (down && in->first))
        return true;
    for (const struct wb_req *r = in->first; r; r = r->next)
        if (r->kept)
            return true;
    return false;
}

/* ---- the list ------------------------------------------------------------------------------------------------------------ */

void wb_add_locked(struct wb_inode *in, struct wb_req *r)
{
    r->in = in;
    r->xl = in->xl;
    r->prev = in->last;
    r->next = NULL;
    *(r->prev ? &r->prev->next : &in->first) = r;
    in->last = r;
    r->queued = true;
}

void wb_remove_locked(struct wb_req *r)
{
    *(r->prev ? &r->prev->next : &r->in->first) = r->next;
    *(r->next ? &r->next->prev : &r->in->last) = r->prev;
    r->queued = false;
}

bool wb_conflict(const struct wb_req *a, const struct wb_req *b)
{
    return (a->modifies || b->modifies) && a->start < b->end && b->start < a->end;
}

static bool is_blocked_locked(const struct wb_req *r)
{
    for (const struct wb_req *before = r->prev; before; before = before->prev)
        if (wb_conflict(before, r))
            return true;
    return false;
}

static bool is_ripe_locked(const struct wb_req *r)
{
    const struct wb *w = r->xl->priv;

    return r->waiters || r->kept || r != r->in->last || r->bytes >= wb_size(&w->aggregate) ||
           (wb_is(&w->trickling) && r->in->writing == 0) || atomic_load_explicit(&w->hurry, memory_order_relaxed);
}

/* Whatever may go on, in order. */
void wb_pump_locked(struct wb_inode *in, struct wb_todo *t)
{
    struct wb_req *next;

    for (struct wb_req *r = in->first; r; r = next) {
        next = r->next;
        if (r->state != WB_QUEUED || (r->write && !is_ripe_locked(r)) || is_blocked_locked(r))
            continue;
        r->state = WB_RUNNING;
        in->writing += r->write;
        if (!r->stays)
            wb_remove_locked(r);
        r->go_next = NULL;
        *t->last = r;
        t->last = &r->go_next;
    }
}

/* Somebody came: what is held is tried again. */
void wb_retry_locked(struct wb_inode *in)
{
    for (struct wb_req *r = in->first; r; r = r->next)
        if (r->state == WB_HELD)
            r->state = WB_QUEUED;
}

void wb_enter(struct wb_inode *in, struct wb_req *r, struct fop *fop)
{
    struct wb *w = in->xl->priv;
    struct wb_todo t;

    wb_todo_init(&t);
    pthread_mutex_lock(&in->lock);
    r->fop = fop;
    wb_retry_locked(in);
    wb_add_locked(in, r);
    wb_pump_locked(in, &t);
    if (r->state == WB_QUEUED)
        counter_add(&w->waited, 1);
    pthread_mutex_unlock(&in->lock);
    wb_todo_run(&t);
}

void wb_leave(struct wb_req *r)
{
    struct wb_inode *in = r->in;
    struct wb_todo t;

    wb_todo_init(&t);
    pthread_mutex_lock(&in->lock);
    wb_remove_locked(r);
    wb_pump_locked(in, &t);
    pthread_mutex_unlock(&in->lock);
    wb_todo_run(&t);
}

/* ---- which inodes have writes -------------------------------------------------------------------------------------------- */

void wb_count_write_locked(struct wb_inode *in, int n)
{
    struct wb *w = in->xl->priv;
    unsigned int before = in->writes;

    in->writes += (unsigned int)n;
    if ((before == 0) == (in->writes == 0))
        return;
    SCOPED_LOCK(&w->lock);
    if (in->writes) {
        in->busy_prev = NULL;
        in->busy_next = w->busy;
        if (w->busy)
            w->busy->busy_prev = in;
        w->busy = in;
    } else {
        *(in->busy_prev ? &in->busy_prev->busy_next : &w->busy) = in->busy_next;
        if (in->busy_next)
            in->busy_next->busy_prev = in->busy_prev;
    }
}

static struct inode **all_busy(struct wb *w, unsigned int *ret_n)
{
    struct inode **list;
    unsigned int n = 0;
    SCOPED_LOCK(&w->lock);

    *ret_n = 0;
    for (const struct wb_inode *in = w->busy; in; in = in->busy_next)
        n++;
    list = n ? calloc(n, sizeof(*list)) : NULL;
    for (const struct wb_inode *in = w->busy; list && in; in = in->busy_next)
        list[(*ret_n)++] = inode_ref(in->inode); /* its writes have references until it is out of this list */
    return list;
}

void wb_push_all(struct wb *w)
{
    unsigned int n;
    struct inode **list = all_busy(w, &n);

    for (unsigned int i = 0; i < n; i++) {
        struct wb_inode *in = wb_inode_of(w->xl, list[i]);
        struct wb_todo t;

        wb_todo_init(&t);
        pthread_mutex_lock(&in->lock);
        wb_retry_locked(in);
        wb_pump_locked(in, &t);
        pthread_mutex_unlock(&in->lock);
        wb_todo_run(&t);
        inode_unref(list[i]);
    }
    free(list);
}
