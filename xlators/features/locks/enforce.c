/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Files whose locks are enforced (spec brick 3.8): one that carries trusted.glusterfs.enforce-mandatory-lock is read and written
 * only by the owner of a lock that covers the bytes, and who asks for a lock there takes it away from whoever has it. Needs
 * mandatory-locking and enforce-mandatory-lock.
 *
 * The mark is read from the storage when an inode is first used, and then remembered in its table. Its changes and operations on data
 * keep out of each other's way: a change waits until those under way are done, those that come later wait for the change. */
#include <errno.h>
#include <string.h>

#include "locks.h"

#define MARK "trusted.glusterfs.enforce-mandatory-lock"

bool is_enforcing(const struct locks *priv)
{
    return LIVE(priv, enforce) && LIVE(priv, mandatory) != MANDATORY_OFF;
}

/* ---- reading it ---------------------------------------------------------------------------------------------------------- */

struct question {
    struct xlator *xl;
    struct lock_table *table;
    struct fop *fop;
    void (*go_on)(struct xlator *xl, struct fop *fop);
};

static void told(struct fop *child, void *ctx)
{
    struct question *q = ctx;
    int err = child->ret < 0 ? child->err : 0;

    fop_free(child);
    if (err && err != ENODATA && err != EOPNOTSUPP) {
        fop_fail(q->fop, err);
        return;
    }
    pthread_mutex_lock(&q->table->lock);
    if (q->table->enforced == ENFORCE_UNKNOWN)
        q->table->enforced = err ? ENFORCE_NO : ENFORCE_YES;
    pthread_mutex_unlock(&q->table->lock);
    q->go_on(q->xl, q->fop);
}

static bool is_known(struct lock_table *t)
{
    SCOPED_LOCK(&t->lock);
    return t->enforced != ENFORCE_UNKNOWN;
}

bool enforcement_asked(struct xlator *xl, struct lock_table *t, struct fop *fop, void (*go_on)(struct xlator *xl, struct fop *fop))
{
    struct question *q;
    struct fop *child;

    if (!is_enforcing(xl->priv) || is_known(t))
        return false;
    q = fop_alloc(fop, sizeof(*q));
    child = q ? fop_child(fop, fop->fd ? FOP_FGETXATTR : FOP_GETXATTR, told, q) : NULL;
    if (!child) {
        fop_fail(fop, ENOMEM);
        return true;
    }
    *q = (struct question){.xl = xl, .table = t, .fop = fop, .go_on = go_on};
    child->cred.uid = child->cred.gid = 0; /* what the caller may read does not matter */
    child->fd = fop->fd ? fd_ref(fop->fd) : NULL;
    child->loc.inode = inode_ref(lock_inode_of(fop));
    child->in.getxattr.name = MARK;
    fop_submit(xl->child, child);
    return true;
}

/* ---- changing it --------------------------------------------------------------------------------------------------------- */

bool sets_enforcement(const struct fop *fop)
{
    if (fop->op == FOP_SETXATTR || fop->op == FOP_FSETXATTR)
        return dict_find(fop->in.setxattr.dict, MARK) != NULL;
    return fop->in.removexattr.name && strcmp(fop->in.removexattr.name, MARK) == 0;
}

static enum go look(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err)
{
    return t->nr_io ? GO_WAIT : GO_ON;
}

static void given_up(struct xlator *xl, struct lock_table *t, struct aftermath *after)
{
    t->nr_marking--;
    t->look_again = true;
}

static void marked(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;
    struct lock_table *t = table_find(xl, lock_inode_of(fop));
    struct aftermath after = {0};

    table_enter(t);
    if (fop->ret >= 0)
        t->enforced = fop->op == FOP_SETXATTR || fop->op == FOP_FSETXATTR ? ENFORCE_YES : ENFORCE_NO;
    given_up(xl, t, &after);
    table_leave(xl, t, &after);
    fop_complete(fop, fop->ret, fop->err);
}

static void go_on(struct xlator *xl, struct fop *fop)
{
    fop_push(fop, marked, xl);
    locks_count(xl, fop);
}

void locks_enforce(struct xlator *xl, struct fop *fop)
{
    struct inode *in = lock_inode_of(fop);
    struct lock_table *t = in && is_enforcing(xl->priv) ? table_make(xl, in) : NULL;
    struct aftermath after = {0};

    if (!t) {
        fop_fail(fop, in && is_enforcing(xl->priv) ? ENOMEM : EINVAL);
        return;
    }
    table_enter(t);
    t->nr_marking++;
    hold_back_or_go_on(xl, t, fop, &(struct back_how){.look = look, .go_on = go_on, .given_up = given_up}, &after);
}

/* ---- taking locks away --------------------------------------------------------------------------------------------------- */

void posix_preempt(struct xlator *xl, struct space *s, const struct held *h, struct aftermath *after)
{
    struct held *next, *blocker;

    if (is_grantable(s, h, &blocker))
        return;
    for (struct held *w = s->waiting.first; w; w = next) {
        next = w->next;
        refuse_waiting(xl, w, EBUSY, after);
    }
    for (struct held *g = s->granted.first; g; g = next) {
        next = g->next;
        if (!same_owner(g, h) && g->start <= h->end && h->start <= g->end)
            drop_granted(xl, g);
    }
    refuse_io_held_back(s->table, EBUSY, after);
}
