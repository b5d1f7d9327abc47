/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A translator that wants one argument of an operation to be another goes on with a child in the operation's place. */
#include <errno.h>
#include <string.h>

#include "fop.h"

static void copy_loc(struct loc *to, const struct loc *from)
{
    to->inode = from->inode ? inode_ref(from->inode) : NULL;
    to->parent = from->parent ? inode_ref(from->parent) : NULL;
    strcpy(to->name, from->name);
}

/* Text stays the parent's; what is counted is counted once more. */
static int copy_in(struct fop *to, struct fop *from)
{
    switch (from->op) {
    case FOP_WRITE:
        to->in.write.offset = from->in.write.offset;
        to->in.write.size = from->in.write.size;
        to->in.write.flags = from->in.write.flags;
        return slicev_add_all(&to->in.write.data, &from->in.write.data);
    case FOP_SETXATTR:
    case FOP_FSETXATTR:
        to->in = from->in;
        dict_ref(to->in.setxattr.dict);
        return 0;
    case FOP_XATTROP:
    case FOP_FXATTROP:
        to->in = from->in;
        dict_ref(to->in.xattrop.dict);
        return 0;
    default:
        to->in = from->in;
        return 0;
    }
}

struct fop *fop_child_like(struct fop *parent, fop_done_fn done, void *ctx)
{
    struct fop *child = fop_child(parent, parent->op, done, ctx);

    if (!child)
        return NULL;
    copy_loc(&child->loc, &parent->loc);
    copy_loc(&child->loc2, &parent->loc2);
    child->fd = parent->fd ? fd_ref(parent->fd) : NULL;
    child->fd2 = parent->fd2 ? fd_ref(parent->fd2) : NULL;
    child->xdata = dict_ref(parent->xdata);
    if (copy_in(child, parent) < 0) {
        fop_free(child);
        return NULL;
    }
    return child;
}

struct dict *fop_xdata_copy(const struct fop *fop)
{
    return fop->xdata ? dict_copy(fop->xdata) : dict_new();
}

struct fop *fop_child_with(struct fop *parent, struct dict *xdata, fop_done_fn done, void *ctx)
{
    struct fop *child = xdata ? fop_child_like(parent, done, ctx) : NULL;

    if (!child) {
        dict_unref(xdata);
        return NULL;
    }
    dict_unref(child->xdata);
    child->xdata = xdata;
    return child;
}

static char *copy_text(struct fop *to, const char *text, size_t len, bool *lost)
{
    char *copy = text ? fop_str(to, text, len) : NULL;

    *lost |= text && !copy;
    return copy;
}

/* What points into the child's arena moves into the parent's. */
static bool move_texts(struct fop *to, struct fop *from)
{
    bool lost = false;

    if (from->op == FOP_READLINK && from->ret >= 0)
        to->out.path = copy_text(to, from->out.path, from->out.path ? strlen(from->out.path) : 0, &lost);
    for (unsigned int i = 0; i < to->out.nr_entries; i++)
        to->out.entries[i].name = copy_text(to, to->out.entries[i].name, to->out.entries[i].name_len, &lost);
    if (from->out.nr_locks) {
        struct active_lock *locks = fop_alloc(to, from->out.nr_locks * sizeof(*locks));

        lost |= !locks;
        for (unsigned int i = 0; locks && i < from->out.nr_locks; i++) {
            const char *uid = from->out.locks[i].client_uid;

            locks[i] = from->out.locks[i];
            locks[i].client_uid = copy_text(to, uid, uid ? strlen(uid) : 0, &lost);
        }
        to->out.locks = locks;
        to->out.nr_locks = locks ? from->out.nr_locks : 0;
    }
    return !lost;
}

void fop_adopt(struct fop *child)
{
    struct fop *parent = child->parent;
    int32_t ret = child->ret, err = child->err;
    struct slicev data = {0};

    slicev_move(&data, &child->out.data);
    parent->out = child->out; /* data is empty in both */
    parent->xdata_out = child->xdata_out;
    child->xdata_out = NULL;
    slicev_move(&parent->out.data, &data);
    if (!move_texts(parent, child)) {
        ret = -1;
        err = ENOMEM;
    }
    memset(&child->out, 0, sizeof(child->out));
    fop_free(child);
    fop_complete(parent, ret, err);
}
