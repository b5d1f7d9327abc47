/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Attributes that an operation brings of objects which it did not name: who asks by name (LOOKUP, CREATE) or reads a directory cannot be
 * made to wait for the writes of objects that are not known yet. When the answer is there they are, and what was asked before a write was
 * done is not believed: LOOKUP waits for the writes and asks for the attributes again; an entry of READDIRP goes up without any, and so
 * does a READ, which waits only for the writes that it could see. */
#include <errno.h>
#include <string.h>

#include "write-behind.h"

struct asked {
    struct xlator *xl;
    uint64_t at; /* wb.clock when it was asked */
    struct fop *fop;
};

static bool is_stale(const struct asked *a, struct inode *inode)
{
    struct wb_inode *in = inode ? wb_inode_of(a->xl, inode) : NULL;

    if (!in)
        return false;
    SCOPED_LOCK(&in->lock);
    return in->writes > 0 || in->written_at > a->at;
}

static struct asked *ask(struct xlator *xl, struct fop *fop)
{
    struct wb *w = xl->priv;
    struct asked *a = fop_alloc(fop, sizeof(*a));

    if (a)
        *a = (struct asked){.xl = xl, .fop = fop, .at = atomic_load(&w->clock)};
    return a;
}

static void have_stat(struct fop *stat, void *ctx)
{
    struct fop *fop = ctx;

    if (stat->ret >= 0)
        fop->out.stat = stat->out.stat; /* else it has been removed meanwhile: what was true is good enough */
    fop_free(stat);
    fop_complete(fop, fop->ret, fop->err);
}

static void looked_up(struct fop *fop, void *ctx)
{
    struct asked *a = ctx;
    struct fop *stat;

    if (fop->ret >= 0 && fop->op == FOP_CREATE && fop->out.fd)
        wb_error_opened(a->xl, fop->out.fd);
    if (fop->ret < 0 || !is_stale(a, fop->out.inode)) {
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    counter_add(&((struct wb *)a->xl->priv)->fresh, 1);
    if (fop->xdata_out)
        dict_remove(fop->xdata_out, "glusterfs.content"); /* the answer is ours alone: nobody above has seen it */
    stat = fop_child(fop, FOP_STAT, have_stat, fop);
    if (!stat) {
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    stat->flags |= FOP_NOWAIT; /* who brought the answer may be a poller */
    stat->loc.inode = inode_ref(fop->out.inode);
    fop_submit(a->xl, stat); /* which waits for the writes */
}

void wb_lookup(struct xlator *xl, struct fop *fop)
{
    struct asked *a = ask(xl, fop);

    if (!a) {
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_push(fop, looked_up, a);
    fop_pass(xl, fop);
}

static void have_entries(struct fop *fop, void *ctx)
{
    struct asked *a = ctx;

    for (unsigned int i = 0; fop->ret >= 0 && i < fop->out.nr_entries; i++) {
        struct dirent4 *d = &fop->out.entries[i];
        struct inode *in = gfid_is_null(d->stat.gfid) ? NULL : inode_find(fop->graph->inodes, d->stat.gfid);

        if (is_stale(a, in))
            memset(&d->stat, 0, sizeof(d->stat));
        inode_unref(in);
    }
    fop_complete(fop, fop->ret, fop->err);
}

void wb_readdirp(struct xlator *xl, struct fop *fop)
{
    struct asked *a = ask(xl, fop);

    if (!a) {
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_push(fop, have_entries, a);
    fop_pass(xl, fop);
}

/* By name: which object it was says the answer. */
static void have_renamed(struct fop *fop, void *ctx)
{
    struct inode *in = fop->ret < 0 || gfid_is_null(fop->out.stat.gfid) ? NULL : inode_find(fop->graph->inodes, fop->out.stat.gfid);

    if (is_stale(ctx, in))
        fop->out.stat.mode = 0; /* which it was is still said; that is no attributes */
    inode_unref(in);
    fop_complete(fop, fop->ret, fop->err);
}

void wb_rename(struct xlator *xl, struct fop *fop)
{
    struct asked *a = ask(xl, fop);

    if (!a) {
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_push(fop, have_renamed, a);
    fop_pass(xl, fop);
}

static void have_data(struct fop *fop, void *ctx)
{
    if (fop->ret >= 0 && is_stale(ctx, wb_object(fop)))
        memset(&fop->out.stat, 0, sizeof(fop->out.stat));
    fop_complete(fop, fop->ret, fop->err);
}

bool wb_watch_read(struct xlator *xl, struct fop *fop)
{
    struct asked *a = ask(xl, fop);

    if (a)
        fop_push(fop, have_data, a);
    return a != NULL;
}
