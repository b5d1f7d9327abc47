/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a client has locked (inodelk) is not removed by another one (spec brick 3.4): UNLINK, RMDIR, and RENAME of what it replaces
 * wait until no lock of another client is left; the holders are told. From the moment a removal waits until it is done, only clients
 * that have an inode lock already get more of them. Locks of internal callers do not count. */
#include <errno.h>

#include "locks.h"

static struct inode *victim_of(const struct fop *fop)
{
    return fop->op == FOP_RENAME ? fop->loc2.inode : fop->loc.inode;
}

static enum go look(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err)
{
    for (const struct space *s = t->spaces; s; s = s->next)
        for (const struct held *g = s->family == INODE_LOCK ? s->granted.first : NULL; g; g = g->next)
            if (g->own->lc->client != fop->client && g->cred_pid >= 0)
                return GO_WAIT;
    return GO_ON;
}

static void given_up(struct xlator *xl, struct lock_table *t, struct aftermath *after)
{
    if (--t->nr_removals > 0)
        return;
    for (struct space *s = t->spaces; s; s = s->next)
        if (s->family == INODE_LOCK)
            grant_waiting(xl, s, after);
}

static void removed(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;
    struct lock_table *t = table_find(xl, victim_of(fop));
    struct aftermath after = {0};

    table_enter(t);
    given_up(xl, t, &after);
    table_leave(xl, t, &after);
    fop_complete(fop, fop->ret, fop->err);
}

static void go_on(struct xlator *xl, struct fop *fop)
{
    fop_push(fop, removed, xl);
    locks_count(xl, fop);
}

void locks_remove(struct xlator *xl, struct fop *fop)
{
    struct inode *in = victim_of(fop);
    struct lock_table *t = in ? table_make(xl, in) : NULL;
    struct lock_client *lc = lock_client_of(xl, fop->client);
    struct aftermath after = {0};
    int err = 0;

    if (!in) {
        locks_count(xl, fop);
        return;
    }
    if (!t || !lc) {
        fop_fail(fop, ENOMEM);
        return;
    }
    table_enter(t);
    t->nr_removals++;
    if (look(xl, t, fop, &err) == GO_WAIT)
        notice_removal(xl, t, lc, &after);
    hold_back_or_go_on(xl, t, fop, &(struct back_how){.look = look, .go_on = go_on, .given_up = given_up}, &after);
}
