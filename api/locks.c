/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Locks on ranges of bytes. */
#include <string.h>
#include <unistd.h>

#include "impl.h"

int glfs_fd_set_lkowner(glfs_fd_t *fd, void *data, int len)
{
    if (!file_enter(fd))
        return -1;
    if (!data || len <= 0 || len > GFAPI_MAX_LOCK_OWNER_LEN) {
        file_unref(fd);
        return answer(-EINVAL);
    }
    pthread_mutex_lock(&fd->lock);
    memcpy(fd->owner, data, (size_t)len);
    fd->owner_len = (uint32_t)len;
    pthread_mutex_unlock(&fd->lock);
    file_unref(fd);
    return 0;
}

/* Relative to the file's beginning, as the brick wants it. */
static int range_of(struct glfs_fd *fd, const struct flock *lock, struct flock_range *ret)
{
    struct iatt st;
    int r;

    *ret = (struct flock_range){.start = lock->l_start, .len = lock->l_len, .pid = (uint32_t)getpid()};
    switch (lock->l_type) {
    case F_RDLCK:
        ret->type = RANGE_READ;
        break;
    case F_WRLCK:
        ret->type = RANGE_WRITE;
        break;
    case F_UNLCK:
        ret->type = RANGE_UNLOCK;
        break;
    default:
        return -EINVAL;
    }
    switch (lock->l_whence) {
    case SEEK_SET:
        break;
    case SEEK_CUR:
        pthread_mutex_lock(&fd->lock);
        ret->start += fd->offset;
        pthread_mutex_unlock(&fd->lock);
        break;
    case SEEK_END:
        r = do_stat(fd->fs, OF_FD(fd), &st);
        if (r < 0)
            return r;
        ret->start += (int64_t)st.size;
        break;
    default:
        return -EINVAL;
    }
    if (ret->len < 0) { /* what lies before */
        ret->start += ret->len;
        ret->len = -ret->len;
    }
    return ret->start < 0 ? -EINVAL : 0;
}

static int cmd_of(int cmd)
{
    switch (cmd) {
    case F_GETLK:
        return LK_GET;
    case F_SETLK:
        return LK_SET;
    case F_SETLKW:
        return LK_SETW;
    default:
        return -EINVAL;
    }
}

static int lock_file(struct glfs_fd *fd, int cmd, struct flock *lock, bool mandatory)
{
    struct flock_range range;
    struct vop op;
    int64_t r = cmd_of(cmd);

    if (r < 0)
        return (int)r;
    cmd = (int)r;
    r = range_of(fd, lock, &range);
    if (r == 0)
        r = call_of(&op, fd->fs, OF_FD(fd), FOP_LK, FOP_LK);
    if (r < 0)
        return (int)r;
    op.fop->in.lk.cmd = (uint32_t)cmd;
    op.fop->in.lk.flock = range;
    op.fop->in.lk.flock.owner_len = op.fop->cred.owner_len;
    memcpy(op.fop->in.lk.flock.owner, op.fop->cred.owner, sizeof(op.fop->cred.owner));
    if (mandatory && !(r = call_xdata(&op)))
        r = dict_set_u64(op.fop->xdata, "glusterfs.lk.lkmode", GLFS_LK_MANDATORY);
    if (r == 0)
        r = call_run(&op);
    if (r >= 0 && cmd == LK_GET) {
        const struct flock_range *out = &op.fop->out.flock;

        lock->l_type = out->type == RANGE_READ ? F_RDLCK : out->type == RANGE_WRITE ? F_WRLCK : F_UNLCK;
        if (lock->l_type != F_UNLCK) {
            lock->l_whence = SEEK_SET;
            lock->l_start = out->start;
            lock->l_len = out->len;
            lock->l_pid = (pid_t)out->pid;
        }
    }
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

int glfs_file_lock(glfs_fd_t *fd, int cmd, struct flock *flock, glfs_lock_mode_t mode)
{
    int r;

    if (!file_enter(fd))
        return -1;
    if (!flock || (mode != GLFS_LK_ADVISORY && mode != GLFS_LK_MANDATORY))
        r = -EINVAL;
    else
        r = lock_file(fd, cmd, flock, mode == GLFS_LK_MANDATORY);
    file_unref(fd);
    return answer(r);
}

int glfs_posix_lock(glfs_fd_t *fd, int cmd, struct flock *flock)
{
    return glfs_file_lock(fd, cmd, flock, GLFS_LK_ADVISORY);
}
