/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/read-only: whatever would change the volume fails with EROFS, but for internal callers (pid below 0: heal, rebalance).
 * Source: spec brick 6.1. */
#include <errno.h>
#include <fcntl.h>

#include "feature-types.h"

struct read_only {
    bool on;
};
static const struct option read_only_options[] = {
    OPT_BOOL("read-only", struct read_only, on, false, "refuse changes", .flags = OPTION_LIVE),
};

static bool applies(const struct xlator *xl, const struct fop *fop)
{
    const struct read_only *r = xl->priv;

    return __atomic_load_n(&r->on, __ATOMIC_RELAXED) && fop->cred.pid >= 0; /* may change while running: either answer is right */
}

static void read_only_change(struct xlator *xl, struct fop *fop)
{
    if (applies(xl, fop))
        fop_fail(fop, EROFS);
    else
        fop_pass(xl, fop);
}

static void read_only_open(struct xlator *xl, struct fop *fop)
{
    int32_t flags = fop->in.open.flags;

    if (applies(xl, fop) && ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC | O_APPEND)))
        fop_fail(fop, EROFS);
    else
        fop_pass(xl, fop);
}

/* One that adds nothing but zeros only reads. */
static void read_only_xattrop(struct xlator *xl, struct fop *fop)
{
    bool changes = false;

    for (unsigned int i = 0; i < dict_count(fop->in.xattrop.dict); i++) {
        const struct dict_pair *p = dict_at(fop->in.xattrop.dict, i);

        for (uint32_t at = 0; at < p->len; at++)
            changes |= ((const uint8_t *)p->value)[at];
    }
    if (changes && applies(xl, fop))
        fop_fail(fop, EROFS);
    else
        fop_pass(xl, fop);
}

#define CHANGES(op) [FOP_##op] = read_only_change
const struct xlator_type read_only_type = {
    .name = "features/read-only",
    .options = read_only_options,
    .nr_options = array_len(read_only_options),
    .priv_size = sizeof(struct read_only),
    .on =
        {
            CHANGES(MKNOD), CHANGES(MKDIR), CHANGES(UNLINK), CHANGES(RMDIR), CHANGES(SYMLINK), CHANGES(RENAME), CHANGES(LINK),
            CHANGES(TRUNCATE), CHANGES(FTRUNCATE), CHANGES(CREATE), CHANGES(WRITE), CHANGES(SETXATTR), CHANGES(FSETXATTR),
            CHANGES(REMOVEXATTR), CHANGES(FREMOVEXATTR), CHANGES(SETATTR), CHANGES(FSETATTR), CHANGES(FALLOCATE), CHANGES(DISCARD),
            CHANGES(ZEROFILL), CHANGES(COPY_FILE_RANGE), CHANGES(FSYNCDIR), CHANGES(LK), CHANGES(INODELK), CHANGES(FINODELK),
            CHANGES(ENTRYLK), CHANGES(FENTRYLK), CHANGES(PUT), CHANGES(ICREATE), CHANGES(NAMELINK),
            [FOP_OPEN] = read_only_open,
            [FOP_XATTROP] = read_only_xattrop,
            [FOP_FXATTROP] = read_only_xattrop,
        },
};
