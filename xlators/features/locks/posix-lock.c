/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* POSIX record locks, and flock(2), which arrives as one of the whole file (spec brick 3.1, 3.5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "locks.h"

/* ---- the list of an owner's locks: disjoint, and as few as can say it ---------------------------------------------------- */

static bool same_kind(const struct held *a, const struct held *b)
{
    return a->type == b->type && a->mandatory == b->mandatory;
}

void drop_granted(struct xlator *xl, struct held *h)
{
    held_take_out(h);
    held_free(xl, h);
}

/* What of g is outside of [start, end] stays. Only one of an owner's locks can stick out at both ends, so one spare is enough. */
static void cut(struct xlator *xl, struct space *s, struct held *g, int64_t start, int64_t end, struct held **spare)
{
    bool left = g->start < start, right = g->end > end;

    if (left && right) {
        struct held *r = *spare;

        *spare = NULL;
        held_own_as(r, g);
        r->type = g->type;
        r->mandatory = g->mandatory;
        r->via = g->via;
        r->pid = g->pid;
        r->cred_pid = g->cred_pid;
        r->since = g->since;
        r->start = end + 1;
        r->end = g->end;
        held_resize(g, g->start, start - 1);
        held_grant(s, r);
    } else if (left) {
        held_resize(g, g->start, start - 1);
    } else if (right) {
        held_resize(g, end + 1, g->end);
    } else {
        drop_granted(xl, g);
    }
}

/* Makes room for h among its owner's locks, joining it with its like. */
static void make_room(struct xlator *xl, struct space *s, struct held *h, struct held **spare)
{
    int64_t start = h->start, end = h->end;
    int64_t from = start > 0 ? start - 1 : 0, to = end < INT64_MAX ? end + 1 : end; /* neighbours too */
    struct range_node *next;

    for (struct range_node *n = range_next(h->own->granted, from, to, NULL); n; n = next) {
        struct held *g = held_own_at(n);

        next = range_next(h->own->granted, from, to, n);
        if (same_kind(g, h)) {
            h->start = min_of(h->start, g->start);
            h->end = max_of(h->end, g->end);
            drop_granted(xl, g);
        } else if (g->start <= end && g->end >= start) {
            cut(xl, s, g, start, end, spare);
        }
    }
}

void posix_insert(struct xlator *xl, struct space *s, struct held *h, struct held **spare)
{
    make_room(xl, s, h, spare);
    held_grant(s, h);
}

void posix_reply(struct fop *fop, const struct held *h)
{
    struct flock_range *to = &fop->out.flock;

    *to = (struct flock_range){.type = h->type, .start = h->start, .pid = (uint32_t)h->pid};
    to->len = h->end == INT64_MAX ? 0 : h->end - h->start + 1;
    if (h->own) {
        to->owner_len = h->own->len;
        memcpy(to->owner, h->own->bytes, h->own->len);
    }
}

/* ---- LK ------------------------------------------------------------------------------------------------------------------ */

static int range_of(const struct flock_range *r, int64_t *start, int64_t *end)
{
    int64_t first = r->start, len = r->len, sum;

    if (first < 0 || __builtin_add_overflow(first, len, &sum) || sum < 0)
        return -EINVAL;
    if (len < 0) {
        first = sum;
        len = r->start - sum;
    }
    *start = first;
    *end = len == 0 ? INT64_MAX : first + len - 1;
    return 0;
}

static void get(struct lock_table *t, struct fop *fop, const struct lock_client *lc, const struct held *h)
{
    struct space *s = space_find(t, POSIX_LOCK, NULL);
    const struct owner *own = s ? owner_find(s, lc, fop->cred.owner, fop->cred.owner_len) : NULL;

    const struct held *first = NULL;

    for (int i = h->type == RANGE_WRITE ? 0 : 1; s && i < 2; i++) {
        struct range_node *n = range_next(s->tree[i], h->start, h->end, NULL);

        while (n && held_at(n)->own == own)
            n = range_next(s->tree[i], h->start, h->end, n);
        if (n && (!first || n->start < first->start))
            first = held_at(n);
    }
    if (first) {
        posix_reply(fop, first);
        return;
    }
    fop->out.flock = fop->in.lk.flock;
    fop->out.flock.type = RANGE_UNLOCK;
}

/* One lock of the descriptor for each call, RANGE_EOL behind the last one, and from the beginning again. */
static void get_of_fd(struct lock_table *t, struct fop *fop, struct lock_fd *via)
{
    struct space *s = space_find(t, POSIX_LOCK, NULL);
    unsigned int i = 0;

    for (struct held *g = s && via ? s->granted.first : NULL; g; g = g->next) {
        if (g->via != via || i++ < via->next_told)
            continue;
        via->next_told++;
        posix_reply(fop, g);
        return;
    }
    fop->out.flock = fop->in.lk.flock;
    fop->out.flock.type = RANGE_EOL;
    if (via)
        via->next_told = 0;
}

/* Whoever waits gives up what it has in the range, or two that want to upgrade would wait for each other (spec brick 3.1). */
static void give_up(struct xlator *xl, struct space *s, struct held *h, struct held **spare)
{
    int64_t start = h->start, end = h->end;
    uint32_t type = h->type;

    h->type = RANGE_UNLOCK; /* no lock is of its kind */
    make_room(xl, s, h, spare);
    h->type = type;
    h->start = start;
    h->end = end;
}

/* 0: done. -EINPROGRESS: it waits. h and *spare are taken when they are used, and NULL then. */
static int set(struct xlator *xl, struct space *s, struct fop *fop, struct held **h, struct held **spare, struct aftermath *after)
{
    struct held *blocker;
    int failed = 0;

    if ((*h)->type != RANGE_UNLOCK && !may_hold_more((*h)->own->lc))
        return -ENOLCK;
    if ((*h)->type == RANGE_UNLOCK) {
        make_room(xl, s, *h, spare);
        posix_reply(fop, *h);
        fop->out.flock.type = (*h)->via && (*h)->via->nr_granted ? RANGE_READ : RANGE_UNLOCK;
        grant_waiting(xl, s, after);
        return 0;
    }
    if (s->table->enforced == ENFORCE_YES)
        posix_preempt(xl, s, *h, after);
    if (is_grantable(s, *h, &blocker)) {
        posix_reply(fop, *h);
        posix_insert(xl, s, *h, spare);
        *h = NULL;
    } else if (fop->in.lk.cmd == LK_SETW) {
        struct held *one_more = held_new(xl, fop, (*h)->type, 0, 0);

        if (!one_more)
            return -ENOMEM;
        give_up(xl, s, *h, &one_more);
        held_free(xl, one_more);
        failed = wait_for(xl, s, *h, blocker, *spare, fop);
        if (failed == -EINPROGRESS)
            *h = *spare = NULL;
    } else {
        return -EAGAIN;
    }
    grant_waiting(xl, s, after);
    return failed;
}

static int check_lk(const struct fop *fop, int64_t *start, int64_t *end)
{
    uint32_t cmd = fop->in.lk.cmd, type = fop->in.lk.flock.type;

    if (cmd == LK_GET_FD)
        return 0;
    if (cmd != LK_GET && cmd != LK_SET && cmd != LK_SETW)
        return cmd < LK_GET_FD ? -EOPNOTSUPP : -EINVAL; /* reservations: doc/refused.md */
    if (type > RANGE_UNLOCK || (type == RANGE_UNLOCK && cmd == LK_GET))
        return -EINVAL;
    if (lacks_owner(fop))
        return -EINVAL;
    return range_of(&fop->in.lk.flock, start, end);
}

/* The lock mode of libgfapi; it is said again in the answer. */
static int mode_of(struct fop *fop, bool *ret_mandatory)
{
    uint64_t mode = 0;

    if (dict_get_u64(fop->xdata, "glusterfs.lk.lkmode", &mode) < 0)
        return 0;
    if (mode > 1)
        return -EINVAL;
    *ret_mandatory = mode == 1;
    return fop_xdata_out(fop) ? dict_set_u64(fop->xdata_out, "glusterfs.lk.lkmode", mode) : -ENOMEM;
}

/* With the table entered. */
static int run(struct xlator *xl, struct lock_table *t, struct fop *fop, struct lock_client *lc, struct held **h, struct held **spare,
               struct aftermath *after)
{
    struct space *s;
    int failed;

    if (fop->in.lk.cmd == LK_GET_FD) {
        get_of_fd(t, fop, (*h)->via);
        return 0;
    }
    if (fop->in.lk.cmd == LK_GET) {
        get(t, fop, lc, *h);
        return 0;
    }
    s = space_make(t, POSIX_LOCK, NULL);
    if (!s)
        return -ENOMEM;
    failed = held_own(s, *h, lc, fop->cred.owner, fop->cred.owner_len);
    return failed ? failed : set(xl, s, fop, h, spare, after);
}

static void lk(struct xlator *xl, struct fop *fop)
{
    struct inode *in = lock_inode_of(fop);
    int64_t start = 0, end = 0;
    bool mandatory = false;
    int failed = check_lk(fop, &start, &end);

    if (!failed)
        failed = mode_of(fop, &mandatory);
    struct lock_client *lc = failed ? NULL : lock_client_of(xl, fop->client);
    struct lock_table *t = in && lc ? table_make(xl, in) : NULL;
    if (failed || !t) {
        fop_fail(fop, failed ? -failed : in ? ENOMEM : EINVAL);
        return;
    }
    if (enforcement_asked(xl, t, fop, lk))
        return;
    struct held *h = held_new(xl, fop, fop->in.lk.flock.type, start, end), *spare = held_new(xl, fop, 0, 0, 0);
    if (!h || !spare || (fop->fd && !(h->via = lock_fd_of(xl, fop->fd, t)))) {
        held_free(xl, h);
        held_free(xl, spare);
        fop_fail(fop, ENOMEM);
        return;
    }
    h->mandatory = mandatory;
    h->pid = fop->in.lk.flock.pid ? (int32_t)fop->in.lk.flock.pid : fop->cred.pid;

    struct aftermath after = {0};
    enum go go = GO_ON;
    table_enter(t);
    if (fop->in.lk.cmd != LK_GET && fop->in.lk.cmd != LK_GET_FD && fop->in.lk.flock.type != RANGE_UNLOCK)
        go = hold_back(xl, t, fop, &(struct back_how){.look = while_migrating, .go_on = lk}, &failed);
    if (go == GO_ON)
        failed = run(xl, t, fop, lc, &h, &spare, &after);
    held_free(xl, h);
    held_free(xl, spare);
    table_leave(xl, t, &after);
    if (go == GO_WAIT || failed == -EINPROGRESS)
        return;
    if (failed)
        fop_fail(fop, abs(failed));
    else
        fop_complete(fop, 0, 0);
}

void locks_lk(struct xlator *xl, struct fop *fop)
{
    trace_lock(xl, fop);
    lk(xl, fop);
}

/* ---- the end of locks ---------------------------------------------------------------------------------------------------- */

static void drop_owners(struct xlator *xl, struct lock_table *t, const struct fop *fop)
{
    struct lock_client *lc = lock_client_of(xl, fop->client);
    struct aftermath after = {0};
    struct owner *own;
    struct space *s;

    table_enter(t);
    s = space_find(t, POSIX_LOCK, NULL);
    own = s && lc ? owner_find(s, lc, fop->cred.owner, fop->cred.owner_len) : NULL;
    for (unsigned int left = own ? own->nr_granted : 0; left > 0; left--) /* the last one may take its owner along */
        drop_granted(xl, held_own_at(own->granted));
    if (own)
        grant_waiting(xl, s, &after);
    table_leave(xl, t, &after);
}

static void drop_descriptors(struct xlator *xl, struct lock_fd *via)
{
    struct lock_table *t = via->table;
    struct aftermath after = {0};
    struct held *next;
    struct space *s;

    table_enter(t);
    s = space_find(t, POSIX_LOCK, NULL);
    for (struct held *h = s && via->nr_granted ? s->granted.first : NULL; h; h = next) {
        next = h->next;
        if (h->via == via)
            drop_granted(xl, h);
    }
    for (struct held *h = s ? s->waiting.first : NULL; h; h = next) {
        next = h->next;
        if (h->via == via)
            refuse_waiting(xl, h, EAGAIN, &after);
    }
    if (s)
        grant_waiting(xl, s, &after);
    table_leave(xl, t, &after);
}

void locks_flush(struct xlator *xl, struct fop *fop)
{
    struct lock_table *t = table_find(xl, lock_inode_of(fop));
    struct lock_fd *via = fop->fd ? fd_ctx(fop->fd, xl) : NULL;

    if (t && fop->cred.owner_len)
        drop_owners(xl, t, fop);
    else if (via)
        drop_descriptors(xl, via);
    fop_pass(xl, fop);
}

/* No request waits through it: that would hold a reference. */
void locks_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    drop_descriptors(xl, ctx);
    free(ctx);
}
