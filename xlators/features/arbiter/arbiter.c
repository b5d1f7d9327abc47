/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/arbiter: a brick that keeps names, attributes and replicate's counters, and no data: it has a vote in a quorum and takes
 * no space. What would change data succeeds without being done; the answer has the attributes as they are. What would read data is
 * refused. Source: spec brick 6.1. */
#include <errno.h>

#include "feature-types.h"

static void looked(struct fop *child, void *ctx)
{
    struct fop *fop = child->parent;
    int32_t ret = child->ret, err = child->err;

    if (ret >= 0) {
        fop->out.pre = fop->out.post = child->out.stat;
        fop->xdata_out = dict_ref(child->xdata_out); /* open descriptors, when asked for */
        ret = fop->op == FOP_WRITE ? (int32_t)fop->in.write.size : fop->op == FOP_COPY_FILE_RANGE ? (int32_t)fop->in.copy.size : 0;
    }
    fop_free(child);
    fop_complete(fop, ret, err);
}

/* Nothing is done but looked at: the object must be there. */
static void arbiter_take(struct xlator *xl, struct fop *fop)
{
    bool second = fop->op == FOP_COPY_FILE_RANGE;
    struct inode *in = second ? fop->loc2.inode : fop->loc.inode;
    struct fd *fd = second ? fop->fd2 : fop->fd;
    struct fop *child = fop_child(fop, fd ? FOP_FSTAT : FOP_STAT, looked, NULL);

    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    child->loc.inode = in ? inode_ref(in) : NULL;
    child->fd = fd ? fd_ref(fd) : NULL;
    child->xdata = dict_ref(fop->xdata);
    fop_submit(xl->child, child);
}

static void arbiter_refuse(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, ENOSYS);
}

const struct xlator_type arbiter_type = {
    .name = "features/arbiter",
    .on =
        {
            [FOP_WRITE] = arbiter_take,
            [FOP_TRUNCATE] = arbiter_take,
            [FOP_FTRUNCATE] = arbiter_take,
            [FOP_FALLOCATE] = arbiter_take,
            [FOP_DISCARD] = arbiter_take,
            [FOP_ZEROFILL] = arbiter_take,
            [FOP_COPY_FILE_RANGE] = arbiter_take,
            [FOP_READ] = arbiter_refuse,
            [FOP_SEEK] = arbiter_refuse,
        },
};
