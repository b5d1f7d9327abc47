/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Operations that look: answered from what is kept, or what they bring is kept. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "fops.h"

struct asked {
    struct mdc *m;
    uint64_t at;
    struct mdc_names *names; /* LOOKUP: which it was asked for; a reference */
};

static struct asked *ask(struct xlator *xl, struct fop *fop)
{
    struct asked *a = fop_alloc(fop, sizeof(*a));

    if (a)
        *a = (struct asked){.m = xl->priv, .at = mdc_now(xl->priv)};
    else
        fop_fail(fop, ENOMEM);
    return a;
}

/* Something is wanted beside that we do not keep with the attributes. */
static bool wants_more(const struct fop *fop)
{
    return fop->flags & FOP_WANT_ACL || dict_count(fop->xdata) > (dict_find(fop->xdata, "gfid-req") ? 1 : 0);
}

/* ---- attributes ---------------------------------------------------------------------------------------------------------- */

static void have_stat(struct fop *fop, void *ctx)
{
    struct asked *a = ctx;

    if (fop->ret >= 0)
        mdc_keep_stat(a->m, mdc_object(fop), &fop->out.stat, a->at);
    fop_complete(fop, fop->ret, fop->err);
}

void mdc_stat(struct xlator *xl, struct fop *fop)
{
    struct asked *a;

    if (!wants_more(fop) && mdc_have_stat(xl->priv, mdc_object(fop), &fop->out.stat)) {
        fop_complete(fop, 0, 0);
        return;
    }
    a = ask(xl, fop);
    if (!a)
        return;
    fop_push(fop, have_stat, a);
    fop_pass(xl, fop);
}

static void found(struct asked *a, struct fop *fop)
{
    if (fop->ret < 0)
        return;
    mdc_keep_stat(a->m, fop->out.inode, &fop->out.stat, a->at);
    if (a->names)
        mdc_keep_xattrs(a->m, fop->out.inode, fop->xdata_out, a->names, a->at);
    if (fop->loc.parent)
        mdc_keep_stat(a->m, fop->loc.parent, &fop->out.post, a->at);
}

static void looked_up(struct fop *fop, void *ctx)
{
    found(ctx, fop);
    fop_complete(fop, fop->ret, fop->err);
}

static void looked_up_with_names(struct fop *child, void *ctx)
{
    struct asked *a = ctx;

    found(a, child);
    mdc_names_unref(a->names);
    fop_adopt(child);
}

static struct dict *with_names(const struct fop *fop, const struct mdc_names *names)
{
    struct dict *d = fop_xdata_copy(fop);

    for (unsigned int i = 0; d && i < names->n; i++) {
        if (dict_find(d, names->name[i]) || strchr(names->name[i], '*'))
            continue;
        if (dict_set_i64(d, names->name[i], 0) < 0) {
            dict_unref(d);
            return NULL;
        }
    }
    return d;
}

void mdc_lookup(struct xlator *xl, struct fop *fop)
{
    struct mdc *m = xl->priv;
    struct fop *child;
    struct asked *a;

    if (fop->loc.inode && !fop->loc.name[0] && !wants_more(fop) && mdc_have_stat(m, fop->loc.inode, &fop->out.stat)) {
        fop->out.inode = inode_ref(fop->loc.inode);
        fop_complete(fop, 0, 0);
        return;
    }
    a = ask(xl, fop);
    if (!a)
        return;
    a->names = atomic_load_explicit(&m->xattrs_wanted, memory_order_relaxed) ? mdc_names_get(m) : NULL;
    child = a->names && a->names->n ? fop_child_with(fop, with_names(fop, a->names), looked_up_with_names, a) : NULL;
    if (child) {
        fop_submit(xl->child, child);
        return;
    }
    mdc_names_unref(a->names);
    a->names = NULL;
    fop_push(fop, looked_up, a);
    fop_pass(xl, fop);
}

/* ---- extended attributes ------------------------------------------------------------------------------------------------- */

static void have_xattr(struct fop *fop, void *ctx)
{
    struct asked *a = ctx;
    const char *name = fop->in.getxattr.name;
    const struct dict_pair *p = fop->ret >= 0 ? dict_find(fop->out.dict, name) : NULL;

    if (p) {
        struct dict *one = dict_new();

        if (one && dict_set(one, name, p->type, p->value, p->len) == 0)
            mdc_keep_xattrs(a->m, mdc_object(fop), one, NULL, a->at);
        dict_unref(one);
    } else if (fop->ret < 0 && fop->err == ENODATA) {
        mdc_keep_no_xattr(a->m, mdc_object(fop), name, a->at);
    }
    fop_complete(fop, fop->ret, fop->err);
}

static bool is_kept(struct mdc *m, const char *name)
{
    struct mdc_names *names = name ? mdc_names_get(m) : NULL;
    bool is = names && mdc_names_has(names, name);

    mdc_names_unref(names);
    return is;
}

void mdc_getxattr(struct xlator *xl, struct fop *fop)
{
    struct mdc *m = xl->priv;
    const char *name = fop->in.getxattr.name;
    struct asked *a;
    int r;

    if (dict_count(fop->xdata) || !is_kept(m, name)) {
        fop_pass(xl, fop);
        return;
    }
    atomic_store_explicit(&m->xattrs_wanted, true, memory_order_relaxed);
    r = mdc_have_xattr(m, mdc_object(fop), name, &fop->out.dict);
    if (r) {
        if (r < 0)
            fop_fail(fop, -r);
        else
            fop_complete(fop, (int32_t)dict_find(fop->out.dict, name)->len, 0);
        return;
    }
    a = ask(xl, fop);
    if (!a)
        return;
    fop_push(fop, have_xattr, a);
    fop_pass(xl, fop);
}

/* ---- directories --------------------------------------------------------------------------------------------------------- */

static void keep_entries(const struct asked *a, const struct fop *fop)
{
    for (unsigned int i = 0; fop->ret >= 0 && i < fop->out.nr_entries; i++) {
        const struct iatt *st = &fop->out.entries[i].stat;
        struct inode *in = st->mode && !gfid_is_null(st->gfid) ? inode_get(fop->graph->inodes, st->gfid) : NULL;

        if (in)
            mdc_keep_stat(a->m, in, st, a->at);
        inode_unref(in);
    }
}

static void have_entries(struct fop *fop, void *ctx)
{
    keep_entries(ctx, fop);
    fop_complete(fop, fop->ret, fop->err);
}

void mdc_readdirp(struct xlator *xl, struct fop *fop)
{
    struct asked *a = ask(xl, fop);

    if (!a)
        return;
    fop_push(fop, have_entries, a);
    fop_pass(xl, fop);
}

static void have_entries_of_child(struct fop *child, void *ctx)
{
    keep_entries(ctx, child);
    fop_adopt(child);
}

void mdc_readdir(struct xlator *xl, struct fop *fop)
{
    struct mdc *m = xl->priv;
    struct asked *a;
    struct fop *child;

    if (!mdc_is(&m->force_readdirp) || mdc_is(&m->pass_through)) {
        fop_pass(xl, fop);
        return;
    }
    a = ask(xl, fop);
    if (!a)
        return;
    child = fop_child(fop, FOP_READDIRP, have_entries_of_child, a);
    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    child->fd = fop->fd ? fd_ref(fop->fd) : NULL;
    child->loc.inode = fop->loc.inode ? inode_ref(fop->loc.inode) : NULL;
    child->xdata = dict_ref(fop->xdata);
    child->in.readdir.offset = fop->in.readdir.offset;
    child->in.readdir.size = fop->in.readdir.size;
    fop_submit(xl->child, child);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------ */

static void have_space(struct fop *fop, void *ctx)
{
    struct mdc *m = ctx;

    if (fop->ret >= 0) {
        SCOPED_LOCK(&m->lock);
        m->space = fop->out.statfs;
        m->space_until_ms = clock_ms() + (uint64_t)__atomic_load_n(&m->timeout_s, __ATOMIC_RELAXED) * 1000;
    }
    fop_complete(fop, fop->ret, fop->err);
}

void mdc_statfs(struct xlator *xl, struct fop *fop)
{
    struct mdc *m = xl->priv;
    bool has = false;

    if (!mdc_is(&m->statfs) || mdc_is(&m->pass_through) || fop->flags & FOP_DRAIN || dict_count(fop->xdata)) {
        fop_pass(xl, fop);
        return;
    }
    pthread_mutex_lock(&m->lock);
    has = clock_ms() < m->space_until_ms;
    if (has)
        fop->out.statfs = m->space;
    pthread_mutex_unlock(&m->lock);
    if (has) {
        counter_add(&m->space_hit, 1);
        fop_complete(fop, 0, 0);
        return;
    }
    fop_push(fop, have_space, m);
    fop_pass(xl, fop);
}

/* Who has waited for a lock wants to see what its former holder did. */
static void locked(struct fop *fop, void *ctx)
{
    struct inode *in = mdc_object(fop);

    if (fop->ret >= 0 && in)
        mdc_changed(ctx, in);
    fop_complete(fop, fop->ret, fop->err);
}

void mdc_lk(struct xlator *xl, struct fop *fop)
{
    if (fop->in.lk.cmd != LK_GET && fop->in.lk.flock.type != RANGE_UNLOCK)
        fop_push(fop, locked, xl->priv);
    fop_pass(xl, fop);
}
