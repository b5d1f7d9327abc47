/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* resolve.c: what a request names becomes what a fop holds.
 *
 * The inode table has no names, and an inode in it may be one that the translators below have never seen (it was made for a look-up
 * that is still under way, or for a READDIRP entry). "Known" is therefore a mark of ours on the inode: a LOOKUP or a creating
 * operation has come back through here with it. What is not known is looked up first, by gfid, down the same stack: access control
 * needs to have seen an object before it can judge operations on it.
 *
 * Names are looked up only for operations that need the object behind them (NEED_NAME, NEED_MAYBE_NAME).
 *
 * server_resolve() is entered once for the request and again after each look-up; it goes on where something is missing. At most four
 * look-ups are made, for RENAME.
 *
 * Source: spec brick 4.5, wire 6.1. */
#include <errno.h>
#include <stdlib.h>

#include "graph.h"
#include "server.h"

enum outcome { HAVE_IT, WAITING, FAILED };

/* With one brick the mark is the slot being set. With more each brick has a bit, because gfids of one may be those of another. */
struct known {
    _Atomic uint64_t bricks; /* relaxed: whoever has the inode got it from a look-up that ended before */
};

static uint64_t bit_of(const struct xlator *server, const struct xlator *bound)
{
    for (unsigned int i = 0; i < server->nr_children; i++)
        if (server->children[i] == bound)
            return 1ULL << i;
    return 0;
}

bool server_knows(const struct xlator *bound, const struct inode *in)
{
    const struct xlator *server = bound->parent;
    struct known *k = inode_ctx(in, server);

    return k && (server->nr_children == 1 || (atomic_load_explicit(&k->bricks, memory_order_relaxed) & bit_of(server, bound)));
}

void server_know(const struct xlator *bound, struct inode *in)
{
    const struct xlator *server = bound->parent;

    if (server_knows(bound, in))
        return;
    if (server->nr_children == 1) {
        inode_ctx_set(in, server, server->priv);
        return;
    }
    struct known *k = inode_ctx(in, server), *mine = k ? NULL : calloc(1, sizeof(*mine));
    if (mine && (k = inode_ctx_set(in, server, mine)) != mine)
        free(mine); /* another thread was faster */
    if (k)
        atomic_fetch_or_explicit(&k->bricks, bit_of(server, bound), memory_order_relaxed);
}

void server_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    if (xl->nr_children > 1)
        free(ctx);
}

void server_forget_unknown(const struct xlator *bound, struct inode *in)
{
    if (!inode_ctx(in, bound->parent))
        inode_drop(in);
}

static enum outcome fail(struct server_call *call, int err)
{
    fop_fail(call->fop, err);
    return FAILED;
}

/* ---- look-ups of our own ------------------------------------------------------------------------------------------------ */

static void looked_up(struct fop *child, void *ctx)
{
    struct server_call *call = ctx;
    int err = child->ret < 0 ? child->err : 0;

    if (!err && !child->out.inode)
        err = EIO;
    if (!err) {
        server_know(call->bound, child->out.inode);
        *call->want = inode_ref(child->out.inode);
    } else {
        if (child->loc.inode)
            server_forget_unknown(call->bound, child->loc.inode);
        if (err == ENOENT || err == ESTALE)
            err = call->missing_errno;
    }
    fop_free(child);
    if (err)
        fop_fail(call->fop, err);
    else
        server_resolve(call);
}

/* The look-up gets no FOP_NOWAIT once we are off the poller: there it may use the disk where it stands. */
static unsigned int where(const struct server_call *call)
{
    return pthread_equal(call->poller, pthread_self()) ? FOP_NOWAIT : 0;
}

static enum outcome look_up(struct server_call *call, struct inode *inode, struct inode *parent, const char *name, struct inode **want,
                            int missing_errno)
{
    struct fop *child = fop_child(call->fop, FOP_LOOKUP, looked_up, call);

    if (!child) {
        inode_unref(inode);
        return fail(call, ENOMEM);
    }
    child->flags |= where(call);
    child->loc.inode = inode;
    if (name) {
        child->loc.parent = inode_ref(parent);
        memcpy(child->loc.name, name, sizeof(child->loc.name));
        child->xdata = dict_ref(call->fop->xdata); /* its gfid-req heals an object that lost its gfid */
    }
    call->want = want;
    call->missing_errno = missing_errno;
    fop_submit(call->bound, child);
    return WAITING;
}

static enum outcome find_inode(struct server_call *call, gfid_t gfid, struct inode **want, int missing_errno)
{
    struct inode *in;

    if (*want)
        return HAVE_IT;
    if (gfid_is_null(gfid))
        return fail(call, EINVAL);
    in = inode_get(call->server->xl->graph->inodes, gfid);
    if (!in)
        return fail(call, ENOMEM);
    if (server_knows(call->bound, in)) {
        *want = in;
        return HAVE_IT;
    }
    return look_up(call, in, NULL, NULL, want, missing_errno);
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

/* 0, or the errno for a name that cannot be one. (One with a NUL in it did not even decode.) */
static int take_name(struct wire_str from, char to[FOP_NAME_MAX + 1])
{
    if (from.len == 0)
        return EINVAL;
    if (from.len > FOP_NAME_MAX)
        return ENAMETOOLONG;
    if (memchr(from.at, '/', from.len))
        return EPERM;
    if (wire_str_is(from, ".") || wire_str_is(from, ".."))
        return EINVAL;
    memcpy(to, from.at, from.len);
    to[from.len] = '\0';
    return 0;
}

static enum outcome find_parent(struct server_call *call, const struct wire_object *obj, struct loc *loc)
{
    int err = loc->name[0] ? 0 : take_name(obj->name, loc->name);

    if (err)
        return fail(call, err);
    enum outcome o = find_inode(call, obj->gfid, &loc->parent, ESTALE);
    if (o == HAVE_IT && atomic_load_explicit(&loc->parent->type, memory_order_relaxed) != S_IFDIR)
        return fail(call, EPERM);
    return o;
}

/* After a name that may be missing: the operation goes on, whatever the look-up said. */
static void maybe_looked_up(struct fop *child, void *ctx)
{
    struct server_call *call = ctx;

    if (child->ret >= 0 && child->out.inode) {
        server_know(call->bound, child->out.inode);
        *call->want = inode_ref(child->out.inode);
    }
    fop_free(child);
    server_resolve(call);
}

static enum outcome find_name(struct server_call *call, unsigned int i, struct loc *loc, bool must)
{
    if (loc->inode || call->asked_name[i])
        return HAVE_IT;
    call->asked_name[i] = true;
    if (must)
        return look_up(call, NULL, loc->parent, loc->name, &loc->inode, ENOENT);

    struct fop *child = fop_child(call->fop, FOP_LOOKUP, maybe_looked_up, call);
    if (!child)
        return fail(call, ENOMEM);
    child->flags |= where(call);
    child->loc.parent = inode_ref(loc->parent);
    memcpy(child->loc.name, loc->name, sizeof(child->loc.name));
    call->want = &loc->inode;
    fop_submit(call->bound, child);
    return WAITING;
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------- */

static enum outcome find_fd(struct server_call *call, const struct wire_object *obj, enum wire_need need, struct fd **fd,
                            struct loc *loc)
{
    if (obj->fd == WIRE_FD_ANONYMOUS) {
        enum outcome o = find_inode(call, obj->gfid, &loc->inode, ENOENT);
        bool is_dir = o == HAVE_IT && atomic_load_explicit(&loc->inode->type, memory_order_relaxed) == S_IFDIR;
        if (o == HAVE_IT && need != NEED_FD && is_dir != (need == NEED_DIR))
            return fail(call, is_dir ? EISDIR : ENOTDIR);
        return o;
    }
    if (*fd)
        return HAVE_IT;
    struct fd *found = client_fd_get(call->fop->client, obj->fd);
    if (!found || (need != NEED_FD && found->is_dir != (need == NEED_DIR))) {
        fd_unref(found);
        return fail(call, EBADF);
    }
    *fd = found;
    loc->inode = inode_ref(found->inode);
    return HAVE_IT;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------------ */

bool server_is_dot_lookup(const struct server_call *call)
{
    return call->fop->op == FOP_LOOKUP && wire_str_is(call->obj[0].name, ".");
}

/* The name "." (libgfapi looks the root up so when nothing above protocol/client takes it away) is the folder itself: a look-up by
 * gfid. ".." stays refused, though stock answers it. */
static enum outcome find_lookup(struct server_call *call, const struct wire_object *obj, struct loc *loc)
{
    if (obj->name.len > 0 && !server_is_dot_lookup(call))
        return find_parent(call, obj, loc);
    if (gfid_is_null(obj->gfid))
        return fail(call, EINVAL);
    loc->inode = inode_get(call->server->xl->graph->inodes, obj->gfid); /* known or not: this is the look-up */
    return loc->inode ? HAVE_IT : fail(call, ENOMEM);
}

static enum outcome find_object(struct server_call *call, unsigned int i, enum wire_need need)
{
    struct fop *fop = call->fop;
    const struct wire_object *obj = &call->obj[i];
    struct loc *loc = i ? &fop->loc2 : &fop->loc;
    enum outcome o;

    switch (need) {
    case NEED_NOTHING:
        return HAVE_IT;
    case NEED_INODE:
        return find_inode(call, obj->gfid, &loc->inode, ESTALE);
    case NEED_FILE:
    case NEED_DIR:
    case NEED_FD:
        return find_fd(call, obj, need, i ? &fop->fd2 : &fop->fd, loc);
    case NEED_PARENT:
        return find_parent(call, obj, loc);
    case NEED_NAME:
    case NEED_MAYBE_NAME:
        o = find_parent(call, obj, loc);
        return o == HAVE_IT ? find_name(call, i, loc, need == NEED_NAME) : o;
    case NEED_LOOKUP:
        return find_lookup(call, obj, loc);
    }
    return fail(call, EINVAL);
}

void server_resolve(struct server_call *call)
{
    struct fop *fop = call->fop;
    const struct wire_row *row = &wire_rows[fop->op];

    if (find_object(call, 0, row->need) != HAVE_IT || find_object(call, 1, row->need2) != HAVE_IT)
        return; /* it goes on in looked_up(), or has been answered: call may be gone */
    fop->flags |= where(call);
    fop_submit(call->bound, fop);
}
