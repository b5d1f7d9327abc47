/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* POSIX locks that reads and writes respect (spec brick 3.8). What is in a lock's way waits for it, or fails with EAGAIN when its
 * descriptor does not block. Internal callers (negative pid) are not concerned.
 *
 *   forced    every lock counts, and an OPEN that truncates fails while there is any
 *   optimal   only locks that were taken with lock mode mandatory
 *   file      only inodes that are marked as mandatory; GlusterFS 10 has nothing that would mark one, so: none */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "locks.h"

struct io {
    int64_t start, end; /* both inside */
    bool writes;
};

/* False: it touches no byte. */
static bool io_of(const struct fop *fop, struct io *io)
{
    uint64_t start, len;

    io->writes = true;
    switch (fop->op) {
    case FOP_READ:
        io->writes = false;
        start = fop->in.read.offset;
        len = fop->in.read.size;
        break;
    case FOP_WRITE:
        start = fop->in.write.offset;
        len = fop->in.write.size;
        break;
    case FOP_TRUNCATE:
    case FOP_FTRUNCATE:
        start = fop->in.truncate.offset;
        len = INT64_MAX;
        break;
    default:
        start = fop->in.fallocate.offset;
        len = fop->in.fallocate.len;
        break;
    }
    if (len == 0 || start > INT64_MAX)
        return false; /* the storage has an error for what is too far */
    io->start = (int64_t)start;
    io->end = len > (uint64_t)INT64_MAX - start ? INT64_MAX : (int64_t)(start + len - 1);
    return true;
}

static bool may_block(const struct fop *fop)
{
    if (fop->fd)
        return !(fop->fd->flags & O_NONBLOCK);
    if (fop->op == FOP_READ)
        return !(fop->in.read.flags & O_NONBLOCK); /* an anonymous descriptor: the flags come along */
    if (fop->op == FOP_WRITE)
        return !(fop->in.write.flags & O_NONBLOCK);
    return false;
}

static const struct owner *caller_in(struct xlator *xl, const struct space *s, const struct fop *fop)
{
    struct lock_client *lc = lock_client_of(xl, fop->client);

    return lc ? owner_find(s, lc, fop->cred.owner, fop->cred.owner_len) : NULL;
}

static bool is_locked_by_others(const struct space *s, const struct owner *me, const struct io *io, bool only_mandatory)
{
    for (int i = io->writes ? 0 : 1; i < 2; i++)
        for (struct range_node *n = NULL; (n = range_next(s->tree[i], io->start, io->end, n));)
            if (held_at(n)->own != me && (held_at(n)->mandatory || !only_mandatory))
                return true;
    return false;
}

static bool is_covered(const struct owner *me, const struct io *io)
{
    for (struct range_node *n = NULL; me && (n = range_next(me->granted, io->start, io->end, n));)
        if (n->start <= io->start && n->end >= io->end)
            return true;
    return false;
}

static enum go look(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err)
{
    struct locks *priv = xl->priv;
    const struct space *s = space_find(t, POSIX_LOCK, NULL);
    const struct owner *me = s ? caller_in(xl, s, fop) : NULL;
    struct io io;

    if (t->nr_marking) /* the mark is about to change */
        return GO_WAIT;
    if (!io_of(fop, &io))
        return GO_ON;
    if (t->enforced == ENFORCE_YES && !is_covered(me, &io)) {
        *ret_err = fop->op == FOP_WRITE ? EBUSY : EAGAIN;
        return GO_REFUSE;
    }
    if (!s || !is_locked_by_others(s, me, &io, LIVE(priv, mandatory) == MANDATORY_OPTIMAL))
        return GO_ON;
    *ret_err = EAGAIN;
    return may_block(fop) ? GO_WAIT : GO_REFUSE;
}

static void io_done(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;
    struct lock_table *t = table_find(xl, lock_inode_of(fop));
    struct aftermath after = {0};

    table_enter(t);
    if (--t->nr_io == 0)
        t->look_again = true; /* who wants to change the mark waits for us */
    table_leave(xl, t, &after);
    fop_complete(fop, fop->ret, fop->err);
}

static size_t bytes_of(const struct fop *fop)
{
    return fop->op == FOP_WRITE ? fop->in.write.size : fop->op == FOP_READ ? fop->in.read.size : 0;
}

static bool is_on(const struct locks *priv)
{
    int mode = LIVE(priv, mandatory);

    return mode == MANDATORY_FORCED || mode == MANDATORY_OPTIMAL;
}

void locks_io(struct xlator *xl, struct fop *fop)
{
    struct locks *priv = xl->priv;
    struct inode *in = lock_inode_of(fop);
    bool enforcing = is_enforcing(priv);
    struct aftermath after = {0};
    struct lock_table *t;
    int err = 0;
    enum go go;

    t = !is_on(priv) || fop->cred.pid < 0 || !in ? NULL : enforcing ? table_make(xl, in) : table_find(xl, in);
    if (!t) { /* no memory for the table of an inode without locks: nothing is in the way but a mark that nobody could read */
        locks_count(xl, fop);
        return;
    }
    if (enforcement_asked(xl, t, fop, locks_io))
        return;
    table_enter(t);
    go = hold_back(xl, t, fop, &(struct back_how){.look = look, .go_on = locks_io, .bytes = bytes_of(fop)}, &err);
    if (go == GO_ON && enforcing) {
        t->nr_io++;
        fop_push(fop, io_done, xl);
    }
    table_leave(xl, t, &after);
    if (go == GO_ON)
        locks_count(xl, fop);
    else if (go == GO_REFUSE)
        fop_fail(fop, err);
}

static bool has_locks(struct lock_table *t, bool only_mandatory)
{
    SCOPED_LOCK(&t->lock);
    struct space *s = space_find(t, POSIX_LOCK, NULL);

    for (struct held *h = s ? s->granted.first : NULL; h; h = h->next)
        if (h->mandatory || !only_mandatory)
            return true;
    return false;
}

void locks_open(struct xlator *xl, struct fop *fop)
{
    struct locks *priv = xl->priv;
    struct lock_table *t = table_find(xl, fop->loc.inode);

    if (is_on(priv) && fop->cred.pid >= 0 && (fop->in.open.flags & O_TRUNC) && t &&
        has_locks(t, LIVE(priv, mandatory) == MANDATORY_OPTIMAL))
        fop_fail(fop, EAGAIN);
    else
        locks_count(xl, fop);
}
