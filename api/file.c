/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Open descriptors, and what is called with one but data, entries, attributes by name and locks. */
#include <stdlib.h>
#include <string.h>

#include "impl.h"

/* ---- life ------------------------------------------------------------------------------------------------------------------------ */

int file_new(struct glfs *fs, struct vfile **take, int flags, struct glfs_fd **ret)
{
    struct glfs_fd *fd = calloc(1, sizeof(*fd));

    if (!fd) {
        vfile_unref(*take);
        return -ENOMEM;
    }
    fd->fs = fs;
    atomic_init(&fd->refs, 1);
    fd->file = *take;
    fd->flags = flags;
    pthread_mutex_init(&fd->lock, NULL);
    *take = NULL;
    *ret = fd;
    SCOPED_LOCK(&fs->lock);
    fd->next = fs->files;
    if (fd->next)
        fd->next->prev = fd;
    fs->files = fd;
    return 0;
}

struct glfs_fd *file_ref(struct glfs_fd *fd)
{
    atomic_fetch_add_explicit(&fd->refs, 1, memory_order_relaxed); /* the caller has one, or the program has */
    return fd;
}

void file_unref(struct glfs_fd *fd)
{
    struct glfs *fs = fd->fs;

    if (atomic_fetch_sub_explicit(&fd->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_lock(&fs->lock);
    *(fd->prev ? &fd->prev->next : &fs->files) = fd->next;
    if (fd->next)
        fd->next->prev = fd->prev;
    pthread_mutex_unlock(&fs->lock);
    portion_free(fd->portion);
    vfile_unref(fd->file);
    pthread_mutex_destroy(&fd->lock);
    free(fd->path);
    free(fd);
}

bool file_enter(struct glfs_fd *fd)
{
    if (!fd) {
        errno = EBADF;
        return false;
    }
    if (!fs_there(fd->fs))
        return false;
    file_ref(fd);
    return true;
}

/* Tells the brick, which may have something to say about what was written; its locks go with it. */
static int flush(struct glfs_fd *fd)
{
    struct vop op;
    int64_t r = call_of(&op, fd->fs, OF_FD(fd), FOP_FLUSH, FOP_FLUSH);

    if (r < 0)
        return (int)r;
    r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

int glfs_close(glfs_fd_t *fd)
{
    int r;

    if (!file_enter(fd))
        return -1;
    r = vnode_type(vfile_node(fd->file)) == S_IFDIR ? 0 : flush(fd);
    file_unref(fd);
    file_unref(fd); /* the program's */
    return answer(r);
}

int glfs_closedir(glfs_fd_t *fd)
{
    if (!file_enter(fd))
        return -1;
    file_unref(fd);
    file_unref(fd); /* the program's */
    return 0;
}

glfs_fd_t *glfs_dup(glfs_fd_t *fd)
{
    struct glfs_fd *copy = NULL;
    struct vfile *file;
    int r;

    if (!file_enter(fd))
        return NULL;
    file = vfile_ref(fd->file);
    r = file_new(fd->fs, &file, fd->flags, &copy);
    if (!r && fd->path && !(copy->path = strdup(fd->path))) {
        file_unref(copy);
        r = -ENOMEM;
    }
    file_unref(fd);
    return answer_ptr(r, copy);
}

glfs_t *glfs_from_glfd(glfs_fd_t *fd)
{
    if (!file_enter(fd))
        return NULL;
    file_unref(fd);
    return fd->fs;
}

/* ---- the place in the file ------------------------------------------------------------------------------------------------- */

static int64_t seek_data(struct glfs_fd *fd, off_t offset, int what)
{
    struct vop op;
    int64_t r = call_of(&op, fd->fs, OF_FD(fd), FOP_SEEK, FOP_SEEK);

    if (r < 0)
        return r;
    op.fop->in.seek.offset = (uint64_t)offset;
    op.fop->in.seek.what = what == SEEK_DATA ? 0 : 1;
    r = call_run(&op);
    if (r >= 0)
        r = (int64_t)op.fop->out.offset;
    call_done(&op);
    return r;
}

static int64_t seek(struct glfs_fd *fd, off_t offset, int whence)
{
    struct iatt st;
    int64_t to = offset;
    int r;

    switch (whence) {
    case SEEK_SET:
    case SEEK_CUR:
        break;
    case SEEK_END:
        r = do_stat(fd->fs, OF_FD(fd), &st);
        if (r < 0)
            return r;
        to += (int64_t)st.size;
        break;
    case SEEK_DATA:
    case SEEK_HOLE:
        to = seek_data(fd, offset, whence);
        if (to < 0)
            return to;
        break;
    default:
        return -EINVAL;
    }
    SCOPED_LOCK(&fd->lock);
    if (whence == SEEK_CUR)
        to += fd->offset;
    if (to < 0)
        return -EINVAL;
    fd->offset = to;
    return to;
}

off_t glfs_lseek(glfs_fd_t *fd, off_t offset, int whence)
{
    int64_t r;

    if (!file_enter(fd))
        return -1;
    r = seek(fd, offset, whence);
    file_unref(fd);
    if (r < 0)
        errno = (int)-r;
    return r < 0 ? -1 : r;
}

/* ---- attributes ------------------------------------------------------------------------------------------------------------ */

int glfs_fstat(glfs_fd_t *fd, struct stat *ret)
{
    struct iatt st;
    int r;

    if (!file_enter(fd))
        return -1;
    r = ret ? do_stat(fd->fs, OF_FD(fd), &st) : -EINVAL;
    if (!r)
        stat_of(fd->fs, &st, ret);
    file_unref(fd);
    return answer(r);
}

static int set_attributes(glfs_fd_t *fd, const struct iatt *st, int valid)
{
    int r;

    if (!file_enter(fd))
        return -1;
    r = do_setattr(fd->fs, OF_FD(fd), st, valid);
    file_unref(fd);
    return answer(r);
}

int glfs_fchmod(glfs_fd_t *fd, mode_t mode)
{
    return set_attributes(fd, &(struct iatt){.mode = mode}, SET_MODE);
}

int glfs_fchown(glfs_fd_t *fd, uid_t uid, gid_t gid)
{
    return set_attributes(fd, &(struct iatt){.uid = uid, .gid = gid},
                          (uid == (uid_t)-1 ? 0 : SET_UID) | (gid == (gid_t)-1 ? 0 : SET_GID));
}

int glfs_futimens(glfs_fd_t *fd, const struct timespec times[2])
{
    struct iatt st;
    int valid = times_to_set(times, &st);

    return set_attributes(fd, &st, valid);
}

int glfs_fsetattr(struct glfs_fd *fd, struct glfs_stat *stat)
{
    struct iatt st;
    int valid;

    if (!stat)
        return answer(-EINVAL);
    valid = stat_to_set(stat, &st);
    return set_attributes(fd, &st, valid);
}

/* ---- space ----------------------------------------------------------------------------------------------------------------- */

int glfs_fallocate(glfs_fd_t *fd, int keep_size, off_t offset, size_t len)
{
    struct vop op;
    int64_t r;

    if (!file_enter(fd))
        return -1;
    r = offset < 0 ? -EINVAL : call_of(&op, fd->fs, OF_FD(fd), FOP_FALLOCATE, FOP_FALLOCATE);
    if (r >= 0) {
        op.fop->in.fallocate.flags = keep_size ? 1 : 0;
        op.fop->in.fallocate.offset = (uint64_t)offset;
        op.fop->in.fallocate.len = len;
        r = call_run(&op);
        call_done(&op);
    }
    file_unref(fd);
    return answer(min_of(r, (int64_t)0));
}

static int64_t copy_range(struct glfs_fd *in, off64_t off_in, struct glfs_fd *out, off64_t off_out, size_t len, unsigned int flags,
                          struct glfs_stat *stat, struct glfs_stat *pre, struct glfs_stat *post)
{
    struct vop op;
    int64_t r;

    if (off_in < 0 || off_out < 0)
        return -EINVAL;
    r = call_of(&op, in->fs, OF_FD(in), FOP_COPY_FILE_RANGE, FOP_COPY_FILE_RANGE);
    if (r < 0)
        return r;
    op.file2 = vfile_ref(out->file);
    op.fop->in.copy.off_in = (uint64_t)off_in;
    op.fop->in.copy.off_out = (uint64_t)off_out;
    op.fop->in.copy.size = (uint32_t)min_of(len, (size_t)INT32_MAX & ~(size_t)4095);
    op.fop->in.copy.flags = flags;
    r = call_run(&op);
    if (r >= 0) {
        glfs_stat_of(in->fs, &op.fop->out.stat, stat);
        glfs_stat_of(in->fs, &op.fop->out.pre, pre);
        glfs_stat_of(in->fs, &op.fop->out.post, post);
    }
    call_done(&op);
    return r;
}

static off64_t offset_of(struct glfs_fd *fd, const off64_t *given)
{
    SCOPED_LOCK(&fd->lock);
    return given ? *given : fd->offset;
}

static void move_offset(struct glfs_fd *fd, off64_t *given, int64_t by)
{
    SCOPED_LOCK(&fd->lock);
    *(given ? given : &fd->offset) += by;
}

ssize_t glfs_copy_file_range(struct glfs_fd *in, off64_t *off_in, struct glfs_fd *out, off64_t *off_out, size_t len, unsigned int flags,
                             struct glfs_stat *stat, struct glfs_stat *pre, struct glfs_stat *post)
{
    int64_t r;

    if (!file_enter(in))
        return -1;
    if (!file_enter(out)) {
        file_unref(in);
        return -1;
    }
    if (in->fs != out->fs)
        r = -EXDEV;
    else
        r = copy_range(in, offset_of(in, off_in), out, offset_of(out, off_out), len, flags, stat, pre, post);
    if (r > 0) {
        move_offset(in, off_in, r);
        move_offset(out, off_out, r);
    }
    file_unref(in);
    file_unref(out);
    return answer(r);
}
