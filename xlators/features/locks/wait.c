/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who gets a lock, who waits for it, and what happens when it becomes free.
 *
 * A waiting lock stands in the line of one that is in its way (held_blocked_by()). As long as that one is there, nobody looks at the
 * waiting one again; when it goes or shrinks, held.c moves its line to the space's `ready`. Those are tried by grant_waiting(), in order
 * of arrival. Ten thousand that wait cost a lock that has nothing to do with them nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "locks.h"

/* ---- in each other's way ------------------------------------------------------------------------------------------------- */

bool in_the_way(const struct space *s, const struct held *a, const struct held *b)
{
    if (same_owner(a, b) || a->start > b->end || b->start > a->end)
        return false;
    if (s->family == ENTRY_LOCK) /* whatever the type: every entry lock is exclusive */
        return !a->name || !b->name || strcmp(a->name, b->name) == 0;
    return a->type == RANGE_WRITE || b->type == RANGE_WRITE;
}

static struct held *granted_in_the_way(const struct space *s, const struct held *h)
{
    bool reads_too = s->family == ENTRY_LOCK || h->type == RANGE_WRITE;

    for (int i = reads_too ? 0 : 1; i < 2; i++)
        for (struct range_node *n = NULL; (n = range_next(s->tree[i], h->start, h->end, n));)
            if (in_the_way(s, held_at(n), h))
                return held_at(n);
    return NULL;
}

/* A removal waits or runs: nobody new gets an inode lock (spec brick 3.4). */
static bool waits_for_removal(const struct lock_table *t, const struct held *h)
{
    if (t->nr_removals == 0 || h->cred_pid < 0)
        return false;
    for (const struct space *s = t->spaces; s; s = s->next)
        for (const struct held *g = s->family == INODE_LOCK ? s->granted.first : NULL; g; g = g->next)
            if (g->own->lc == h->own->lc)
                return false;
    return true;
}

/* POSIX locks: what is granted decides. Inode and entry locks are fair as well: a newcomer does not overtake one that waits and
 * is in its way, but who has something in the domain already may, or two who upgrade would wait for each other. */
bool is_grantable(const struct space *s, const struct held *h, struct held **ret_blocker)
{
    *ret_blocker = granted_in_the_way(s, h);
    if (*ret_blocker)
        return false;
    if (s->family == POSIX_LOCK)
        return true;
    if (s->family == INODE_LOCK && waits_for_removal(s->table, h))
        return false;
    if (h->own->nr_granted || (h->own->first_waiting && h->own->first_waiting != h))
        return true;
    for (struct held *w = s->waiting.first; w && w != h; w = w->next) {
        if (in_the_way(s, w, h)) {
            *ret_blocker = w;
            return false;
        }
    }
    return true;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------- */

static void add_waiter(struct aftermath *after, struct waiter *w, int err)
{
    w->err = err;
    w->next = NULL;
    *(after->last ? &after->last->next : &after->first) = w;
    after->last = w;
}

/* By the canceller, who has the fop and no lock. */
static void cancelled(struct fop *fop, void *ctx)
{
    struct waiter *w = ctx;
    struct xlator *xl = w->xl;
    struct lock_table *t = w->table;
    struct aftermath after = {0};
    struct space *s;

    table_enter(t); /* the fop holds the inode */
    s = w->held->space;
    held_take_out(w->held);
    held_free(xl, w->held);
    held_free(xl, w->spare);
    if (s->family != POSIX_LOCK)
        grant_waiting(xl, s, &after); /* those that waited behind it */
    add_waiter(&after, w, fop->cancel_err);
    table_leave(xl, t, &after);
}

int wait_for(struct xlator *xl, struct space *s, struct held *h, struct held *blocker, struct held *spare, struct fop *fop)
{
    struct waiter *w = fop_alloc(fop, sizeof(*w));
    int failed;

    if (!w)
        return -ENOMEM;
    *w = (struct waiter){.fop = fop, .xl = xl, .table = s->table, .held = h, .spare = spare};
    h->waiter = w;
    failed = held_wait(s, h);
    if (!failed && !fop_park(fop, cancelled, w)) {
        held_take_out(h);
        failed = -fop->cancel_err;
    }
    if (failed) {
        h->waiter = NULL;
        return failed;
    }
    if (blocker)
        held_blocked_by(h, blocker);
    trace_wait(xl, fop, blocker); /* who cancels it needs the table first */
    return -EINPROGRESS;
}

/* From waiting to granted. The fop is ours. */
static void grant(struct xlator *xl, struct space *s, struct held *h, struct aftermath *after)
{
    struct waiter *w = h->waiter;

    held_take_out(h);
    h->waiter = NULL;
    held_stamp(h);
    if (s->family == POSIX_LOCK) {
        posix_reply(w->fop, h);
        posix_insert(xl, s, h, &w->spare);
    } else {
        held_grant(s, h);
    }
    held_free(xl, w->spare);
    add_waiter(after, w, 0);
}

void grant_waiting(struct xlator *xl, struct space *s, struct aftermath *after)
{
    struct held *next, *blocker = NULL;

    for (struct held *h = s->ready.first; h; h = next) {
        uint64_t unblocked = s->nr_unblocked;

        next = h->line_next;
        /* The last one granted is likely to be what all the others now wait for. */
        if ((blocker && in_the_way(s, blocker, h)) || !is_grantable(s, h, &blocker)) {
            if (blocker)
                held_blocked_by(h, blocker);
            continue;
        }
        /* One whose canceller was faster stays in line until cancelled() takes it out. */
        blocker = NULL;
        if (!fop_unpark(h->waiter->fop))
            continue;
        grant(xl, s, h, after);
        blocker = h;
        if (s->nr_unblocked != unblocked) /* a read lock in the place of its owner's write lock: somebody before may be next */
            next = s->ready.first;
    }
}

bool refuse_waiting(struct xlator *xl, struct held *h, int err, struct aftermath *after)
{
    struct waiter *w = h->waiter;

    if (!fop_unpark(w->fop))
        return false;
    held_take_out(h);
    held_free(xl, h);
    held_free(xl, w->spare);
    add_waiter(after, w, err);
    return true;
}

void aftermath_run(struct xlator *xl, struct aftermath *after)
{
    struct waiter *w;

    notices_send(xl, after);
    while ((w = after->first)) { /* completed, it may be freed, and w with it */
        after->first = w->next;
        trace_wait_over(xl, w->fop, w->err);
        if (w->err)
            fop_fail(w->fop, w->err);
        else
            fop_complete(w->fop, 0, 0);
    }
    after->last = NULL;
    back_run(after);
}
