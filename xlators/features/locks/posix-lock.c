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

static bool touches(const struct held *a, const struct held *b)
{
    return (a->start <= b->end || a->start - 1 == b->end) && (b->start <= a->end || b->start - 1 == a->end);
}

static void drop(struct xlator *xl, struct held *h)
{
    held_take_out(h);
    held_free(xl, h);
}

/* What of g is outside of h stays. Only one of an owner's locks can stick out at both ends, so one spare is enough. */
static void cut(struct xlator *xl, struct space *s, struct held *g, const struct held *h, struct held **spare)
{
    bool left = g->start < h->start, right = g->end > h->end;

    if (left && right) {
        struct held *r = *spare;

        *spare = NULL;
        r->type = g->type;
        r->mandatory = g->mandatory;
        r->fd = g->fd;
        r->pid = g->pid;
        r->cred_pid = g->cred_pid;
        r->since = g->since;
        r->start = h->end + 1;
        r->end = g->end;
        g->end = h->start - 1;
        held_grant(s, r);
    } else if (left) {
        g->end = h->start - 1;
    } else if (right) {
        g->start = h->end + 1;
    } else {
        drop(xl, g);
    }
}

/* Makes room for h among its owner's locks, joining it with its like. */
static void make_room(struct xlator *xl, struct space *s, struct held *h, struct held **spare)
{
    const struct held range = *h;
    struct held *next;

    for (struct held *g = s->granted.first; g; g = next) {
        next = g->next;
        if (g == h || !same_owner(g, h))
            continue;
        if (same_kind(g, h) && touches(g, &range)) {
            h->start = min_of(h->start, g->start);
            h->end = max_of(h->end, g->end);
            drop(xl, g);
        } else if (overlap(g, &range)) {
            cut(xl, s, g, &range, spare);
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

    *to = (struct flock_range){.type = h->type, .start = h->start, .pid = (uint32_t)h->pid, .owner_len = h->owner_len};
    to->len = h->end == INT64_MAX ? 0 : h->end - h->start + 1;
    memcpy(to->owner, h->owner, h->owner_len);
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

static bool has_lock_through(const struct space *s, const struct fd *fd)
{
    for (const struct held *h = s->granted.first; h; h = h->next)
        if (h->fd == fd)
            return true;
    return false;
}

static void get(struct lock_table *t, struct fop *fop, const struct held *h)
{
    struct space *s = space_find(t, POSIX_LOCK, NULL);

    for (struct held *g = s ? s->granted.first : NULL; g; g = g->next) {
        if (!same_owner(g, h) && overlap(g, h) && (g->type == RANGE_WRITE || h->type == RANGE_WRITE)) {
            posix_reply(fop, g);
            return;
        }
    }
    fop->out.flock = fop->in.lk.flock;
    fop->out.flock.type = RANGE_UNLOCK;
}

/* Whoever waits gives up what it has in the range, or two that want to upgrade would wait for each other (spec brick 3.1). */
static void give_up(struct xlator *xl, struct space *s, const struct held *h, struct held **spare)
{
    struct held all = *h;

    all.type = RANGE_UNLOCK;
    make_room(xl, s, &all, spare);
}

/* 0: done. -EINPROGRESS: it waits. h and *spare are taken when they are used, and NULL then. */
static int set(struct xlator *xl, struct lock_table *t, struct fop *fop, struct held **h, struct held **spare, struct aftermath *after)
{
    struct space *s = space_make(t, POSIX_LOCK, NULL);
    int failed = 0;

    if (!s)
        return -ENOMEM;
    if ((*h)->type != RANGE_UNLOCK && !may_hold_more((*h)->lc))
        return -ENOLCK;
    if ((*h)->type == RANGE_UNLOCK) {
        make_room(xl, s, *h, spare);
        posix_reply(fop, *h);
        fop->out.flock.type = fop->fd && has_lock_through(s, fop->fd) ? RANGE_READ : RANGE_UNLOCK;
    } else if (is_grantable(s, *h, NULL)) {
        posix_reply(fop, *h);
        posix_insert(xl, s, *h, spare);
        *h = NULL;
    } else if (fop->in.lk.cmd == LK_SETW) {
        struct held *one_more = held_new(xl, (*h)->lc, fop, (*h)->type, 0, 0);

        if (!one_more)
            return -ENOMEM;
        give_up(xl, s, *h, &one_more);
        held_free(xl, one_more);
        failed = wait_for(xl, s, *h, *spare, fop);
        if (failed == -EINPROGRESS)
            *h = *spare = NULL;
    } else {
        failed = -EAGAIN;
    }
    grant_waiting(xl, s, after);
    return failed;
}

static int check_lk(const struct fop *fop, int64_t *start, int64_t *end)
{
    uint32_t cmd = fop->in.lk.cmd, type = fop->in.lk.flock.type;

    if (cmd != LK_GET && cmd != LK_SET && cmd != LK_SETW)
        return cmd <= LK_GET_FD ? -EOPNOTSUPP : -EINVAL; /* reservations and lock migration: doc/refused.md */
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

void locks_lk(struct xlator *xl, struct fop *fop)
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
    struct held *h = held_new(xl, lc, fop, fop->in.lk.flock.type, start, end), *spare = held_new(xl, lc, fop, 0, 0, 0);
    if (!h || !spare || (fop->fd && !fd_ctx_set(fop->fd, xl, t))) {
        held_free(xl, h);
        held_free(xl, spare);
        fop_fail(fop, ENOMEM);
        return;
    }
    h->mandatory = mandatory;
    h->pid = fop->in.lk.flock.pid ? (int32_t)fop->in.lk.flock.pid : fop->cred.pid;

    struct aftermath after = {0};
    table_enter(t);
    if (fop->in.lk.cmd == LK_GET)
        get(t, fop, h);
    else
        failed = set(xl, t, fop, &h, &spare, &after);
    table_leave(xl, t, &after);
    held_free(xl, h);
    held_free(xl, spare);
    if (failed == 0)
        fop_complete(fop, 0, 0);
    else if (failed != -EINPROGRESS)
        fop_fail(fop, -failed);
}

/* ---- the end of locks ---------------------------------------------------------------------------------------------------- */

/* owner NULL: those taken through fd. */
static void drop_locks(struct xlator *xl, struct lock_table *t, const struct fd *fd, const struct fop *owner)
{
    struct lock_client *lc = owner ? lock_client_of(xl, owner->client) : NULL;
    struct aftermath after = {0};
    struct held *next;
    struct space *s;

    table_enter(t);
    s = space_find(t, POSIX_LOCK, NULL);
    for (struct held *h = s ? s->granted.first : NULL; h; h = next) {
        next = h->next;
        if (owner ? owned_by(h, lc, owner) : h->fd == fd)
            drop(xl, h);
    }
    for (struct held *h = s && !owner ? s->waiting.first : NULL; h; h = next) {
        next = h->next;
        if (h->fd == fd)
            refuse_waiting(xl, h, EAGAIN, &after);
    }
    if (s)
        grant_waiting(xl, s, &after);
    table_leave(xl, t, &after);
}

void locks_flush(struct xlator *xl, struct fop *fop)
{
    struct lock_table *t = table_find(xl, lock_inode_of(fop));

    if (t && fop->cred.owner_len)
        drop_locks(xl, t, NULL, fop);
    else if (t && fop->fd)
        drop_locks(xl, t, fop->fd, NULL);
    fop_pass(xl, fop);
}

/* No request waits through it: that would hold a reference. */
void locks_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    drop_locks(xl, ctx, fd, NULL);
}

/* ---- lock migration ------------------------------------------------------------------------------------------------------ */

void locks_getactivelk(struct xlator *xl, struct fop *fop)
{
    struct lock_table *t = table_find(xl, lock_inode_of(fop));
    struct space *s;
    int failed = 0;

    if (!t) {
        fop_complete(fop, 0, 0);
        return;
    }
    table_enter(t);
    s = space_find(t, POSIX_LOCK, NULL);
    if (s && s->granted.n) {
        fop->out.locks = fop_alloc(fop, s->granted.n * sizeof(*fop->out.locks));
        failed = fop->out.locks ? 0 : ENOMEM;
    }
    for (struct held *h = s && !failed ? s->granted.first : NULL; h; h = h->next) {
        struct active_lock *to = &fop->out.locks[fop->out.nr_locks];
        const char *uid = h->lc->client ? h->lc->client->uid : "";

        posix_reply(fop, h);
        to->flock = fop->out.flock;
        to->flags = h->mandatory;
        to->client_uid = fop_str(fop, uid, strlen(uid));
        if (!to->client_uid) {
            failed = ENOMEM;
            break;
        }
        fop->out.nr_locks++;
    }
    table_leave(xl, t, NULL);
    fop_complete(fop, failed ? -1 : (int32_t)fop->out.nr_locks, failed);
}

void locks_setactivelk(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, EOPNOTSUPP);
}
