/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Operations that change objects: each of these changes from now on, until the answer is there; then its attributes may be known. */
#include <errno.h>
#include <fcntl.h>

#include "fops.h"

struct changes {
    struct mdc *m;
    uint64_t asked;
    unsigned int n;
    struct change {
        struct inode *in;         /* the fop's */
        unsigned int what;
        uint64_t began;
        const struct iatt *after; /* in fop->out; NULL: not told */
    } of[4];
};

static void add(struct changes *c, struct inode *in, unsigned int what, const struct iatt *after)
{
    for (unsigned int i = 0; in && i < c->n; i++) {
        if (c->of[i].in == in) { /* twice the same (both folders of a RENAME): which of the attributes are the later ones? */
            c->of[i].what |= what;
            c->of[i].after = NULL;
            return;
        }
    }
    if (in)
        c->of[c->n++] = (struct change){.in = in, .what = what, .after = after};
}

/* Attributes after a change of extended ones come beside. */
static const struct iatt *poststat(const struct fop *fop)
{
    const struct dict_pair *p = dict_find(fop->xdata_out, "virt-gf-poststat");

    return p && p->type == DICT_IATT ? p->value : NULL;
}

static bool of_xattrs(enum fop_op op)
{
    return op == FOP_SETXATTR || op == FOP_FSETXATTR || op == FOP_REMOVEXATTR || op == FOP_FREMOVEXATTR || op == FOP_XATTROP ||
           op == FOP_FXATTROP;
}

static void list_changes(struct changes *c, const struct fop *fop)
{
    const struct fop_out *out = &fop->out;
    struct inode *object = mdc_object(fop);

    switch (fop->op) {
    case FOP_OPEN:
        if (fop->in.open.flags & O_TRUNC)
            add(c, object, CHANGES_STAT | CHANGES_DATA, NULL);
        break;
    case FOP_SETATTR:
    case FOP_FSETATTR: /* a mode is an ACL, too; an owner takes the capability away */
        add(c, object, CHANGES_STAT | (fop->in.setattr.valid & (SET_MODE | SET_UID | SET_GID) ? CHANGES_XATTRS : 0), &out->post);
        break;
    case FOP_COPY_FILE_RANGE:
        add(c, fop->fd2 ? fop->fd2->inode : fop->loc2.inode, CHANGES_STAT | CHANGES_DATA, &out->post);
        break;
    case FOP_UNLINK:
    case FOP_RMDIR:
        add(c, fop->loc.inode, CHANGES_STAT, NULL);
        add(c, fop->loc.parent, CHANGES_STAT, &out->post);
        break;
    case FOP_LINK:
        add(c, fop->loc.inode, CHANGES_STAT, &out->stat);
        add(c, fop->loc2.parent, CHANGES_STAT, &out->post);
        break;
    case FOP_RENAME:
        add(c, fop->loc.inode, CHANGES_STAT, &out->stat);
        add(c, fop->loc2.inode, CHANGES_STAT, NULL);
        add(c, fop->loc.parent, CHANGES_STAT, &out->post);
        add(c, fop->loc2.parent, CHANGES_STAT, &out->post2);
        break;
    case FOP_CREATE:
    case FOP_MKNOD:
    case FOP_MKDIR:
    case FOP_SYMLINK:
        add(c, fop->loc.parent, CHANGES_STAT, &out->post);
        break;
    default:
        add(c, object, CHANGES_STAT | (of_xattrs(fop->op) ? CHANGES_XATTRS : CHANGES_DATA), of_xattrs(fop->op) ? NULL : &out->post);
    }
}

/* From an object that is not known here: the kernel unlinks and renames by name. */
static bool takes_a_name(const struct fop *fop)
{
    return (fop->op == FOP_UNLINK && !fop->loc.inode) || (fop->op == FOP_RENAME && !fop->loc2.inode);
}

static void renamed(struct changes *c, const struct fop *fop)
{
    struct inode *in = gfid_is_null(fop->out.stat.gfid) ? NULL : inode_find(fop->graph->inodes, fop->out.stat.gfid);

    mdc_made(c->m, in, &fop->out.stat, c->asked);
    inode_unref(in);
}

static void changed(struct fop *fop, void *ctx)
{
    struct changes *c = ctx;

    for (unsigned int i = 0; i < c->n; i++) {
        const struct change *one = &c->of[i];
        const struct iatt *after = of_xattrs(fop->op) ? poststat(fop) : one->after;

        mdc_change_ends(c->m, one->in, one->what, one->began, fop->ret >= 0 ? after : NULL);
    }
    if (fop->ret >= 0 && takes_a_name(fop))
        mdc_unlinked(c->m);
    if (fop->ret >= 0 && fop->op == FOP_RENAME && !fop->loc.inode)
        renamed(c, fop);
    if (fop->ret >= 0 && fop->out.inode)
        mdc_made(c->m, fop->out.inode, &fop->out.stat, c->asked);
    fop_complete(fop, fop->ret, fop->err);
}

static void go(struct xlator *xl, struct fop *fop, bool makes)
{
    struct changes *c = fop_alloc(fop, sizeof(*c));

    if (!c) {
        fop_fail(fop, ENOMEM);
        return;
    }
    *c = (struct changes){.m = xl->priv, .asked = mdc_now(xl->priv)};
    list_changes(c, fop);
    for (unsigned int i = 0; i < c->n; i++)
        c->of[i].began = mdc_change_begins(c->m, c->of[i].in, c->of[i].what);
    if (c->n || makes)
        fop_push(fop, changed, c);
    fop_pass(xl, fop);
}

void mdc_make(struct xlator *xl, struct fop *fop)
{
    go(xl, fop, true);
}

void mdc_change(struct xlator *xl, struct fop *fop)
{
    go(xl, fop, false);
}
