/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Writes behind: how they come, what becomes of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "write-behind.h"

/* ---- a write below us ---------------------------------------------------------------------------------------------------- */

static void written(struct fop *child, void *ctx);

static void send_write(struct wb_req *r)
{
    struct wb *w = r->xl->priv;

    counter_add(&w->sent, 1);
    counter_add(&w->sent_bytes, (int64_t)r->bytes);
    fop_submit(r->xl->child, r->fop);
}

static void req_free(struct wb_req *r)
{
    fop_free(r->fop);
    free(r);
}

/* The same write again, without its first `done` bytes. NULL: no memory. */
static struct fop *rest_of(struct fop *fop, uint64_t done, struct wb_req *r)
{
    struct fop *rest = fop_child_like(fop, written, r);
    struct slicev all = {0};
    uint64_t skip = done;

    if (!rest)
        return NULL;
    rest->parent = NULL;
    rest->flags |= FOP_NOWAIT; /* we are where the answer came */
    slicev_move(&all, &rest->in.write.data);
    for (unsigned int i = 0; i < all.n; i++) {
        struct slice s = slicev_at(&all)[i];
        uint64_t cut = min_of(skip, (uint64_t)s.len);

        skip -= cut;
        if (cut < s.len && slicev_add(&rest->in.write.data, slice_part(s, cut, s.len - cut)) < 0) {
            slicev_done(&all);
            fop_free(rest);
            return NULL;
        }
    }
    slicev_done(&all);
    rest->in.write.offset += done;
    rest->in.write.size -= (uint32_t)done;
    return rest;
}

/* What was answered counts as if it had never been: into the room that this makes come those who wait. */
static void make_room_locked(struct wb_inode *in, struct wb_todo *t)
{
    struct wb *w = in->xl->priv;

    for (struct wb_req *r = in->first; r; r = r->next) {
        while (r->waiters) {
            struct wb_waiter *one = r->waiters;
            uint64_t size = one->fop->in.write.size;

            if (in->acked + size > wb_size(&w->window))
                return;
            r->waiters = one->next;
            one->next = NULL;
            *t->last_answer = one;
            t->last_answer = &one->next;
            r->acked += size;
            in->acked += size;
            in->waiting--;
            counter_add(&w->answered_early, 1);
        }
    }
}

static bool is_waited_for_by_locked(const struct wb_req *r, enum fop_op op)
{
    for (const struct wb_req *after = r->next; after; after = after->next)
        if (!after->write && after->fop->op == op)
            return true;
    return false;
}

/* A write failed that had been answered. With resync-failed-syncs-after-fsync it is kept if an fsync has been, or is now to be, told of
 * that, until it succeeds, or somebody flushes. */
static bool is_kept_locked(const struct wb_req *r)
{
    const struct wb *w = r->xl->priv;

    return wb_is(&w->resync) && r->acked && !atomic_load_explicit(&w->hurry, memory_order_relaxed) &&
           !is_waited_for_by_locked(r, FOP_FLUSH) && (r->kept || is_waited_for_by_locked(r, FOP_FSYNC));
}

/* Those who would wait for what is held are told instead. */
static void fail_dependents_locked(struct wb_req *held, int err, struct wb_todo *t)
{
    struct wb_req *next;

    for (struct wb_req *r = held->next; r; r = next) {
        next = r->next;
        if (r->write || r->state != WB_QUEUED || !wb_conflict(held, r))
            continue;
        wb_remove_locked(r);
        r->err = err;
        r->go_next = NULL;
        *t->last = r;
        t->last = &r->go_next;
    }
}

static void log_lost(const struct wb_req *r, int err)
{
    char text[GFID_TEXT];

    if (r->acked)
        log_error(r->xl->name, "object %s: %llu bytes at %llu that had been written behind are lost: %s",
                  gfid_text(r->in->inode->gfid, text), (unsigned long long)r->acked, (unsigned long long)r->fop->in.write.offset,
                  strerror(err));
}

/* It is gone from the list, the caller holds no lock. */
static void end_write(struct wb_req *r, int err)
{
    struct wb *w = r->xl->priv;
    uint64_t pinned = r->pinned;

    if (err)
        log_lost(r, err);
    req_free(r);
    wb_pending(w, -1, -(int64_t)pinned);
}

/* rest: the same write once more, to be held; NULL: the write is over. Its own waiters are in ret_answers. */
static void write_over_locked(struct wb_req *r, int err, struct fop *rest, struct wb_waiter **ret_answers, struct wb_todo *t)
{
    struct wb *w = r->xl->priv;
    struct wb_inode *in = r->in;

    in->writing--;
    for (const struct wb_waiter *one = r->waiters; one; one = one->next)
        in->waiting--;
    *ret_answers = r->waiters;
    r->waiters = r->last_waiter = NULL;
    if (rest) {
        fop_free(r->fop);
        r->fop = rest;
        r->kept = true;
        r->state = WB_HELD;
        fail_dependents_locked(r, err, t);
    } else {
        if (err && r->acked)
            wb_error_note_locked(in, r->fop->fd, err);
        in->written_at = atomic_fetch_add(&w->clock, 1) + 1;
        in->acked -= r->acked;
        wb_remove_locked(r);
        wb_count_write_locked(in, -1);
        make_room_locked(in, t);
    }
    wb_pump_locked(in, t);
}

static void written(struct fop *child, void *ctx)
{
    struct wb_req *r = ctx;
    struct wb_inode *in = r->in;
    struct inode *inode = inode_ref(in->inode);
    struct wb *w = r->xl->priv;
    int err = child->ret < 0 ? child->err : child->ret == 0 ? EIO : 0;
    struct wb_waiter *answers;
    struct fop *rest = NULL;
    struct wb_todo t;

    if (!err && (uint32_t)child->ret < child->in.write.size) {
        rest = rest_of(child, (uint64_t)child->ret, r);
        if (rest) {
            fop_free(child);
            r->fop = rest;
            fop_submit(r->xl->child, rest);
            inode_unref(inode);
            return;
        }
        err = ENOMEM;
    }
    if (err)
        counter_add(&w->failed, 1);
    wb_todo_init(&t);
    pthread_mutex_lock(&in->lock);
    if (err && is_kept_locked(r))
        rest = rest_of(child, 0, r);
    write_over_locked(r, err, rest, &answers, &t);
    pthread_mutex_unlock(&in->lock);
    wb_answer(answers, err);
    wb_todo_run(&t);
    if (!rest)
        end_write(r, err);
    inode_unref(inode);
}

/* ---- a write comes ------------------------------------------------------------------------------------------------------- */

static bool same_caller(const struct cred *a, const struct cred *b)
{
    return a->uid == b->uid && a->gid == b->gid && a->pid == b->pid && a->nr_groups == b->nr_groups && a->owner_len == b->owner_len &&
           memcmp(a->owner, b->owner, a->owner_len) == 0 &&
           (a->nr_groups == 0 || memcmp(a->groups, b->groups, a->nr_groups * sizeof(*a->groups)) == 0) && a->time_flags == b->time_flags;
}

static bool may_join_locked(const struct wb_req *r, const struct fop *fop)
{
    const struct wb *w = r->xl->priv;

    return r->write && r->state == WB_QUEUED && r->fop->fd == fop->fd && r->fop->in.write.flags == fop->in.write.flags && !fop->xdata &&
           !r->fop->xdata && r->fop->in.write.offset + r->bytes == fop->in.write.offset &&
           r->bytes + fop->in.write.size <= wb_size(&w->aggregate) && same_caller(&r->fop->cred, &fop->cred);
}

/* Into the buffer of the request, behind what is there. */
static int copy_in(struct wb_req *r, struct fop *fop, uint64_t *ret_pinned)
{
    struct slicev *to = &r->fop->in.write.data;
    size_t size = fop->in.write.size;
    struct slice *last;

    if (!r->room || r->room->size - r->room_used < size) {
        const struct wb *w = r->xl->priv;
        size_t room = r->bytes ? min_of(max_of((size_t)wb_size(&w->aggregate) - r->bytes, size), 128 * KiB) : size;
        struct iobuf *buf = iobuf_new(r->xl->graph->process->env.bufs, max_of(room, size));

        if (!buf || slicev_add(to, slice_of(buf, 0)) < 0)
            return -ENOMEM;
        r->room = buf;
        r->room_used = 0;
        *ret_pinned += buf->size;
    }
    last = &slicev_at(to)[to->n - 1];
    slicev_copy_out(&fop->in.write.data, 0, r->room->data + r->room_used, size);
    last->len += size;
    to->len += size;
    r->room_used += size;
    return 0;
}

static int take_data(struct wb_req *r, struct fop *fop, uint64_t *ret_pinned)
{
    struct slicev *data = &fop->in.write.data;

    if (data->len < COPY_BELOW)
        return copy_in(r, fop, ret_pinned);
    r->room = NULL; /* it is not the last slice any more */
    for (unsigned int i = 0; i < data->n; i++) {
        const struct slice *s = &slicev_at(data)[i];
        *ret_pinned += s->buf ? s->buf->size : 0;
    }
    return slicev_add_all(&r->fop->in.write.data, data);
}

/* A write of our own with the caller's arguments, without its data. */
static struct wb_req *new_write(struct wb_inode *in, struct fop *fop)
{
    const struct wb *w = in->xl->priv;
    struct wb_req *r = calloc(1, sizeof(*r));
    uint64_t offset = fop->in.write.offset;

    if (!r)
        return NULL;
    r->fop = fop_child(fop, FOP_WRITE, written, r);
    if (!r->fop) {
        free(r);
        return NULL;
    }
    r->fop->parent = NULL; /* which is answered before */
    r->fop->flags |= FOP_NOWAIT;
    r->fop->loc.inode = fop->loc.inode ? inode_ref(fop->loc.inode) : NULL;
    r->fop->fd = fd_ref(fop->fd);
    r->fop->xdata = dict_ref(fop->xdata);
    r->fop->in.write.offset = offset;
    r->fop->in.write.flags = fop->in.write.flags;
    r->xl = in->xl;
    r->write = r->modifies = r->stays = true;
    r->go = send_write;
    /* The storage appends wherever the offset is: such writes keep their order among all. */
    if (wb_is(&w->strict_ordering) || fop->fd->flags & O_APPEND)
        r->end = UINT64_MAX;
    else
        r->start = r->end = offset; /* grow_locked() */
    return r;
}

static void grow_locked(struct wb_req *r, uint64_t size)
{
    r->bytes += size;
    r->fop->in.write.size = (uint32_t)r->bytes;
    if (r->end != UINT64_MAX)
        r->end = size > UINT64_MAX - r->end ? UINT64_MAX : r->end + size;
}

void wb_write_behind(struct wb_inode *in, struct fop *fop)
{
    struct wb *w = in->xl->priv;
    uint64_t size = fop->in.write.size, pinned = 0;
    struct wb_waiter *one = fop_alloc(fop, sizeof(*one));
    struct inode *inode = inode_ref(in->inode);
    struct wb_req *r;
    bool joined, now;
    struct wb_todo t;

    wb_todo_init(&t);
    pthread_mutex_lock(&in->lock);
    wb_retry_locked(in);
    joined = one && in->last && may_join_locked(in->last, fop);
    r = joined ? in->last : one ? new_write(in, fop) : NULL;
    if (!r || take_data(r, fop, &pinned) < 0) {
        pthread_mutex_unlock(&in->lock); /* nothing has been added */
        if (r && !joined)
            req_free(r);
        inode_unref(inode);
        fop_fail(fop, ENOMEM);
        return;
    }
    grow_locked(r, size);
    r->pinned += pinned;
    if (!joined) {
        wb_add_locked(in, r);
        wb_count_write_locked(in, 1);
    }
    wb_pending(w, !joined, (int64_t)pinned);
    now = in->waiting == 0 && in->acked + size <= wb_size(&w->window); /* answers keep their order */
    if (now) {
        in->acked += size;
        r->acked += size;
    } else {
        *one = (struct wb_waiter){.fop = fop};
        *(r->waiters ? &r->last_waiter->next : &r->waiters) = one;
        r->last_waiter = one;
        in->waiting++;
    }
    wb_pump_locked(in, &t);
    pthread_mutex_unlock(&in->lock);
    if (joined)
        counter_add(&w->merged, 1);
    if (now) {
        counter_add(&w->answered_early, 1);
        fop_complete(fop, (int32_t)size, 0);
    }
    wb_todo_run(&t);
    inode_unref(inode);
}
