/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The operations behind the functions: each is here once; paths, descriptors and objects come to it as vnodes and targets. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "impl.h"

/* ---- attributes ------------------------------------------------------------------------------------------------------------ */

void stat_of(const struct glfs *fs, const struct iatt *st, struct stat *ret)
{
    if (!ret)
        return;
    iatt_to_stat(st, ret);
    ret->st_dev = fs->dev;
}

void glfs_stat_of(const struct glfs *fs, const struct iatt *st, struct glfs_stat *ret)
{
    if (!ret)
        return;
    *ret = (struct glfs_stat){0};
    if (!st->mode)
        return;
    *ret = (struct glfs_stat){
        .glfs_st_mask = GLFS_STAT_BASIC_STATS,
        .glfs_st_atime = {.tv_sec = st->atime, .tv_nsec = st->atime_nsec},
        .glfs_st_ctime = {.tv_sec = st->ctime, .tv_nsec = st->ctime_nsec},
        .glfs_st_mtime = {.tv_sec = st->mtime, .tv_nsec = st->mtime_nsec},
        .glfs_st_ino = gfid_ino(st->gfid),
        .glfs_st_size = (off_t)st->size,
        .glfs_st_blocks = (blkcnt_t)st->blocks,
        .glfs_st_rdev_major = (uint32_t)(st->rdev >> 32),
        .glfs_st_rdev_minor = (uint32_t)st->rdev,
        .glfs_st_dev_minor = (uint32_t)fs->dev,
        .glfs_st_blksize = (blksize_t)st->blksize,
        .glfs_st_nlink = st->nlink,
        .glfs_st_uid = st->uid,
        .glfs_st_gid = st->gid,
        .glfs_st_mode = st->mode,
    };
}

static bool time_to_set(const struct timespec *from, int64_t *ret_s, uint32_t *ret_ns)
{
    struct timespec ts;

    if (from && from->tv_nsec == UTIME_OMIT)
        return false;
    if (!from || from->tv_nsec == UTIME_NOW) {
        clock_gettime(CLOCK_REALTIME, &ts);
        from = &ts;
    }
    *ret_s = from->tv_sec;
    *ret_ns = (uint32_t)from->tv_nsec;
    return true;
}

int times_to_set(const struct timespec times[2], struct iatt *st)
{
    int valid = 0;

    *st = (struct iatt){0};
    if (time_to_set(times ? &times[0] : NULL, &st->atime, &st->atime_nsec))
        valid |= SET_ATIME;
    if (time_to_set(times ? &times[1] : NULL, &st->mtime, &st->mtime_nsec))
        valid |= SET_MTIME;
    return valid;
}

int stat_to_set(const struct glfs_stat *from, struct iatt *st)
{
    uint64_t mask = from->glfs_st_mask;

    *st = (struct iatt){
        .mode = from->glfs_st_mode,
        .uid = from->glfs_st_uid,
        .gid = from->glfs_st_gid,
        .size = (uint64_t)from->glfs_st_size,
        .atime = from->glfs_st_atime.tv_sec,
        .atime_nsec = (uint32_t)from->glfs_st_atime.tv_nsec,
        .mtime = from->glfs_st_mtime.tv_sec,
        .mtime_nsec = (uint32_t)from->glfs_st_mtime.tv_nsec,
    };
    return (mask & GLFS_STAT_MODE ? SET_MODE : 0) | (mask & GLFS_STAT_UID ? SET_UID : 0) | (mask & GLFS_STAT_GID ? SET_GID : 0) |
           (mask & GLFS_STAT_SIZE ? SET_SIZE : 0) | (mask & GLFS_STAT_ATIME ? SET_ATIME : 0) | (mask & GLFS_STAT_MTIME ? SET_MTIME : 0);
}

int do_stat(struct glfs *fs, struct target t, struct iatt *ret)
{
    struct vop op;
    int64_t r = call_of(&op, fs, t, FOP_STAT, FOP_FSTAT);

    if (r < 0)
        return (int)r;
    r = call_run(&op);
    if (r >= 0)
        *ret = op.fop->out.stat;
    call_done(&op);
    return r == -ENOENT ? -ESTALE : (int)min_of(r, (int64_t)0); /* it was there when its name was looked up */
}

int do_truncate(struct glfs *fs, struct target t, off_t size, struct iatt *ret_pre, struct iatt *ret_post)
{
    struct vop op;
    int64_t r;

    if (size < 0)
        return -EINVAL;
    r = call_of(&op, fs, t, FOP_TRUNCATE, FOP_FTRUNCATE);
    if (r < 0)
        return (int)r;
    op.fop->in.truncate.offset = (uint64_t)size;
    r = call_run(&op);
    if (r >= 0 && ret_pre)
        *ret_pre = op.fop->out.pre;
    if (r >= 0 && ret_post)
        *ret_post = op.fop->out.post;
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

/* The size is an operation of its own. */
int do_setattr(struct glfs *fs, struct target t, const struct iatt *st, int valid)
{
    struct vop op;
    int64_t r = 0;

    if (valid & SET_SIZE && (r = do_truncate(fs, t, (off_t)st->size, NULL, NULL)) < 0)
        return (int)r;
    valid &= ~SET_SIZE;
    if (!valid)
        return 0;
    r = call_of(&op, fs, t, FOP_SETATTR, FOP_FSETATTR);
    if (r < 0)
        return (int)r;
    op.fop->in.setattr.stat = *st;
    op.fop->in.setattr.valid = valid;
    r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

int do_access(struct glfs *fs, struct vnode *n, int mask)
{
    struct vop op;
    int64_t r = call_of(&op, fs, OF_NODE(n), FOP_ACCESS, FOP_ACCESS);

    if (r < 0)
        return (int)r;
    op.fop->in.access.mask = (uint32_t)mask;
    r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

/* How many bytes of the text are in buf. */
int do_readlink(struct glfs *fs, struct vnode *n, char *buf, size_t size)
{
    struct vop op;
    int64_t r = call_of(&op, fs, OF_NODE(n), FOP_READLINK, FOP_READLINK);

    if (r < 0)
        return (int)r;
    op.fop->in.readlink.size = (uint32_t)min_of(size, (size_t)PATH_MAX);
    r = call_run(&op);
    if (r >= 0 && !op.fop->out.path)
        r = -EIO;
    if (r >= 0) {
        r = (int64_t)min_of(strlen(op.fop->out.path), size);
        memcpy(buf, op.fop->out.path, (size_t)r);
    }
    call_done(&op);
    return (int)r;
}

int do_statfs(struct glfs *fs, struct vnode *n, struct statvfs *ret)
{
    struct vop op;
    int64_t r = call_of(&op, fs, OF_NODE(n), FOP_STATFS, FOP_STATFS);

    if (r < 0)
        return (int)r;
    r = call_run(&op);
    if (r >= 0)
        *ret = op.fop->out.statfs;
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

/* ---- names in a directory ----------------------------------------------------------------------------------------------------- */

/* makes: with a gfid for what is made. */
static int entry_init(struct vop *op, struct glfs *fs, enum fop_op what, struct vnode *parent, const char *name, bool makes)
{
    int failed = call_init(op, fs, what);

    if (failed)
        return failed;
    op->parent = vnode_ref(parent);
    failed = call_name(op->fop->loc.name, name);
    if (!failed && makes && !(failed = call_xdata(op)))
        failed = dict_set_gfid(op->fop->xdata, "gfid-req", gfid_random());
    if (failed)
        call_done(op);
    return failed;
}

static int64_t run_and_take(struct vop *op, struct iatt *st, struct vnode **ret)
{
    int64_t r = call_run(op);

    if (r >= 0 && !op->out_node)
        r = -EIO;
    if (r >= 0 && st)
        *st = op->fop->out.stat;
    if (r >= 0 && ret) {
        *ret = op->out_node;
        op->out_node = NULL;
    }
    return min_of(r, (int64_t)0);
}

int do_lookup(struct glfs *fs, struct vnode *parent, const char *name, struct vnode **ret, struct iatt *st)
{
    struct vop op;
    int64_t r = entry_init(&op, fs, FOP_LOOKUP, parent, name, true); /* an object that lost its gfid gets this one */

    if (r < 0)
        return (int)r;
    r = run_and_take(&op, st, ret);
    call_done(&op);
    return (int)r;
}

int do_make(struct glfs *fs, enum fop_op what, struct vnode *parent, const char *name, mode_t mode, dev_t dev, const char *target,
            struct iatt *st, struct vnode **ret)
{
    struct vop op;
    int64_t r = entry_init(&op, fs, what, parent, name, true);

    if (r < 0)
        return (int)r;
    switch (what) {
    case FOP_MKNOD:
        op.fop->in.mknod.mode = mode;
        op.fop->in.mknod.rdev = dev;
        break;
    case FOP_MKDIR:
        op.fop->in.mkdir.mode = mode;
        break;
    default:
        op.fop->in.symlink.target = fop_str(op.fop, target, strlen(target));
        r = op.fop->in.symlink.target ? 0 : -ENOMEM;
        break;
    }
    if (!r)
        r = run_and_take(&op, st, ret);
    call_done(&op);
    return (int)r;
}

int do_creat(struct glfs *fs, struct vnode *parent, const char *name, int flags, mode_t mode, struct iatt *st, struct vnode **ret_node,
             struct glfs_fd **ret)
{
    struct vop op;
    struct vfile *file = NULL;
    struct vnode *node = NULL;
    int64_t r = entry_init(&op, fs, FOP_CREATE, parent, name, true);

    if (r < 0)
        return (int)r;
    op.fop->in.create.flags = flags | O_CREAT;
    op.fop->in.create.mode = mode;
    r = run_and_take(&op, st, &node);
    if (r >= 0 && !op.out_file)
        r = -EIO;
    if (r >= 0 && ret) {
        file = op.out_file;
        op.out_file = NULL;
    }
    call_done(&op);
    if (file)
        r = file_new(fs, &file, flags, ret);
    if (r >= 0 && ret_node)
        *ret_node = node;
    else
        vnode_unref(node);
    return (int)r;
}

int do_remove(struct glfs *fs, enum fop_op what, struct vnode *parent, const char *name, struct vnode *node)
{
    struct vop op;
    int64_t r = entry_init(&op, fs, what, parent, name, false);

    if (r < 0)
        return (int)r;
    op.node = vnode_ref(node);
    r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

int do_rename(struct glfs *fs, struct vnode *parent, const char *name, struct vnode *node, struct vnode *parent2, const char *name2,
              struct vnode *node2)
{
    struct vop op;
    int64_t r = entry_init(&op, fs, FOP_RENAME, parent, name, false);

    if (r < 0)
        return (int)r;
    op.node = vnode_ref(node);
    op.parent2 = vnode_ref(parent2);
    op.node2 = node2 ? vnode_ref(node2) : NULL;
    r = call_name(op.fop->loc2.name, name2);
    if (!r)
        r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

int do_link(struct glfs *fs, struct vnode *n, struct vnode *parent, const char *name)
{
    struct vop op;
    int64_t r = call_init(&op, fs, FOP_LINK);

    if (r < 0)
        return (int)r;
    op.node = vnode_ref(n);
    op.parent2 = vnode_ref(parent);
    r = call_name(op.fop->loc2.name, name);
    if (!r)
        r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------------- */

static int64_t run_open(struct vop *op, int flags, struct glfs *fs, struct glfs_fd **ret)
{
    struct vfile *file = NULL;
    int64_t r = call_run(op);

    if (r >= 0) {
        file = op->out_file;
        op->out_file = NULL;
        r = file ? 0 : -EIO;
    }
    call_done(op);
    return r < 0 ? r : file_new(fs, &file, flags, ret);
}

int do_open(struct glfs *fs, struct vnode *n, int flags, struct glfs_fd **ret)
{
    struct vop op;
    int failed = call_of(&op, fs, OF_NODE(n), FOP_OPEN, FOP_OPEN);

    if (failed)
        return failed;
    op.fop->in.open.flags = flags;
    return (int)run_open(&op, flags, fs, ret);
}

int do_opendir(struct glfs *fs, struct vnode *n, const char *path, struct glfs_fd **ret)
{
    char *copy = path ? strdup(path) : NULL;
    struct vop op;
    int64_t r = path && !copy ? -ENOMEM : call_of(&op, fs, OF_NODE(n), FOP_OPENDIR, FOP_OPENDIR);

    if (!r)
        r = run_open(&op, O_RDONLY | O_DIRECTORY, fs, ret);
    if (r < 0)
        free(copy);
    else
        (*ret)->path = copy;
    return (int)r;
}
