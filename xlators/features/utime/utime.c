/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/utime: the client says when. Each operation that changes a time of an object or of its directory carries the client's clock
 * and which times it is for, so that all bricks of a volume have the same ones (spec brick 1.4). The table below is all of it, but for
 *
 *   SETATTR  the times that a caller gives are in the operation; beside them ctime is touched by mode, owner or nothing at all
 *   LOOKUP   asks for the record of times; an object without one (made on the brick by hand, or by a client without this) gets
 *            its first: a SETXATTR of the attributes' times before the look-up is answered, whose failure is nobody's business
 *
 * The stamp goes into the caller's credentials, in place: fop.h. */
#include <errno.h>
#include <time.h>

#include "feature-types.h"
#include "inode.h"

#define RECORD "trusted.glusterfs.mdata"
#define FIRST_RECORD "set-ctime-mdata"
#define OWN_PID (-13) /* whom bricks let do it */

struct utime {
    bool noatime;
};
static const struct option utime_options[] = {
    OPT_BOOL("noatime", struct utime, noatime, true, "reading does not change times of access", .flags = OPTION_LIVE),
};

enum {
    BORN = TIME_ATIME | TIME_CTIME | TIME_MTIME | TIME_PARENT_CTIME | TIME_PARENT_MTIME,
    MOVED = TIME_CTIME | TIME_PARENT_CTIME | TIME_PARENT_MTIME,
    WRITTEN = TIME_CTIME | TIME_MTIME,
    SPACE = TIME_MTIME | TIME_ATIME,
};
static const uint32_t changed[NR_FOPS] = {
    [FOP_MKNOD] = BORN, [FOP_MKDIR] = BORN, [FOP_SYMLINK] = BORN, [FOP_CREATE] = BORN,
    [FOP_UNLINK] = MOVED, [FOP_RMDIR] = MOVED, [FOP_LINK] = MOVED, [FOP_RENAME] = MOVED,
    [FOP_WRITE] = WRITTEN, [FOP_TRUNCATE] = WRITTEN, [FOP_FTRUNCATE] = WRITTEN,
    [FOP_FALLOCATE] = SPACE, [FOP_ZEROFILL] = SPACE,
    [FOP_REMOVEXATTR] = TIME_CTIME, [FOP_FREMOVEXATTR] = TIME_CTIME,
    [FOP_OPEN] = TIME_ATIME, [FOP_OPENDIR] = TIME_ATIME, [FOP_READ] = TIME_ATIME,
};

static void stamp(struct fop *fop, uint32_t flags)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    fop->cred.time_flags = flags;
    fop->cred.time_sec = (uint64_t)now.tv_sec;
    fop->cred.time_nsec = (uint32_t)now.tv_nsec;
}

static void utime_change(struct xlator *xl, struct fop *fop)
{
    stamp(fop, changed[fop->op]);
    fop_pass(xl, fop);
}

static void utime_access(struct xlator *xl, struct fop *fop)
{
    const struct utime *u = xl->priv;

    if (!__atomic_load_n(&u->noatime, __ATOMIC_RELAXED)) /* may change while running: either answer is right */
        stamp(fop, changed[fop->op]);
    fop_pass(xl, fop);
}

static void utime_setattr(struct xlator *xl, struct fop *fop)
{
    const struct iatt *st = &fop->in.setattr.stat;
    int32_t valid = fop->in.setattr.valid;

    stamp(fop, valid == 0 || valid & (SET_MODE | SET_UID | SET_GID) ? TIME_CTIME : 0);
    if (valid & SET_ATIME_NOW) {
        fop->cred.time_sec = (uint64_t)st->atime;
        fop->cred.time_nsec = st->atime_nsec;
    } else if (valid & SET_MTIME_NOW) {
        fop->cred.time_sec = (uint64_t)st->mtime;
        fop->cred.time_nsec = st->mtime_nsec;
    }
    fop_pass(xl, fop);
}

/* ---- the first record ---------------------------------------------------------------------------------------------------- */

static void recorded(struct fop *record, void *ctx)
{
    struct fop *child = record->parent;

    fop_free(record);
    fop_adopt(child);
}

/* Under the look-up that has come back. NULL: no memory, then the next look-up will do it. */
static struct fop *first_record(struct fop *child)
{
    const struct iatt *st = &child->out.stat;
    const struct dict_mdata times = {
        .atime = st->atime, .mtime = st->mtime, .ctime = st->ctime,
        .atime_nsec = st->atime_nsec, .mtime_nsec = st->mtime_nsec, .ctime_nsec = st->ctime_nsec,
    };
    struct inode *in = child->out.inode ? child->out.inode : child->loc.inode;
    struct fop *record = in ? fop_child(child, FOP_SETXATTR, recorded, NULL) : NULL;
    struct dict *dict = record ? dict_new() : NULL;

    if (!dict || dict_set(dict, FIRST_RECORD, DICT_MDATA, &times, sizeof(times)) < 0) {
        dict_unref(dict);
        fop_free(record);
        return NULL;
    }
    record->loc.inode = inode_ref(in);
    record->in.setxattr.dict = dict;
    record->cred = (struct cred){.pid = OWN_PID};
    return record;
}

static void looked_up(struct fop *child, void *ctx)
{
    struct xlator *xl = ctx;
    struct fop *record = child->ret >= 0 && !dict_find(child->xdata_out, RECORD) ? first_record(child) : NULL;

    if (record)
        fop_submit(xl->child, record);
    else
        fop_adopt(child);
}

static void utime_lookup(struct xlator *xl, struct fop *fop)
{
    struct fop *child = fop_child_with(fop, fop_xdata_copy(fop), looked_up, xl);

    if (child && dict_set_i64(child->xdata, RECORD, 1) == 0) {
        fop_submit(xl->child, child);
        return;
    }
    fop_free(child);
    fop_fail(fop, ENOMEM);
}

#define CHANGES(op) [FOP_##op] = utime_change
const struct xlator_type utime_type = {
    .name = "features/utime",
    .options = utime_options,
    .nr_options = array_len(utime_options),
    .priv_size = sizeof(struct utime),
    .on =
        {
            CHANGES(MKNOD), CHANGES(MKDIR), CHANGES(SYMLINK), CHANGES(CREATE), CHANGES(UNLINK), CHANGES(RMDIR), CHANGES(LINK),
            CHANGES(RENAME), CHANGES(WRITE), CHANGES(TRUNCATE), CHANGES(FTRUNCATE), CHANGES(FALLOCATE), CHANGES(ZEROFILL),
            CHANGES(REMOVEXATTR), CHANGES(FREMOVEXATTR),
            [FOP_OPEN] = utime_access, [FOP_OPENDIR] = utime_access, [FOP_READ] = utime_access,
            [FOP_SETATTR] = utime_setattr, [FOP_FSETATTR] = utime_setattr,
            [FOP_LOOKUP] = utime_lookup,
        },
};
