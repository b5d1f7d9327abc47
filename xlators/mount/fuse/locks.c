/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Locks: fcntl() and flock() are both ranges of the same kind at the brick; flock() is all of the file, its owner the open file.
 *
 * One that waits can be interrupted. libfuse holds a lock of the request while it tells us, and the answer takes that lock: so the
 * answer to an interrupted request is never given from in there; vop_interrupt() sees to that. */
#include <fcntl.h>
#include <sys/file.h>

#include "mount-impl.h"

static struct request *request_lock(fuse_req_t req, struct fuse_file_info *fi, uint32_t cmd, const struct flock_range *range)
{
    struct request *r = request_new(req, FOP_LK);
    struct flock_range *to;

    if (!r)
        return NULL;
    r->op.file = vfile_ref(file_of(fi));
    set_owner(&r->op.fop->cred, fi->lock_owner);
    r->op.fop->in.lk.cmd = cmd;
    to = &r->op.fop->in.lk.flock;
    *to = *range;
    to->owner_len = r->op.fop->cred.owner_len;
    for (unsigned int i = 0; i < to->owner_len; i++)
        to->owner[i] = r->op.fop->cred.owner[i];
    return r;
}

/* libfuse's form has l_len 0 for "to the end" and nothing relative. */
static struct flock_range range_of(const struct flock *lock)
{
    return (struct flock_range){
        .type = lock->l_type == F_RDLCK ? RANGE_READ : lock->l_type == F_WRLCK ? RANGE_WRITE : RANGE_UNLOCK,
        .start = lock->l_start,
        .len = lock->l_len,
        .pid = (uint32_t)lock->l_pid,
    };
}

static void told(struct request *r)
{
    const struct flock_range *f = &r->op.fop->out.flock;
    struct flock lock = {.l_whence = SEEK_SET};

    if (request_failed(r))
        return;
    lock.l_type = f->type == RANGE_READ ? F_RDLCK : f->type == RANGE_WRITE ? F_WRLCK : F_UNLCK;
    lock.l_start = f->start;
    lock.l_len = f->len;
    lock.l_pid = (pid_t)f->pid;
    answer_lock(r, &lock);
}

HANDLER(getlk, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
    struct flock_range range = range_of(lock);
    struct request *r = request_lock(req, fi, LK_GET, &range);

    if (r)
        request_go(r, told);
}

static void interrupted(fuse_req_t req, void *data)
{
    struct request *r = data;

    vop_interrupt(&r->op);
}

static void set_lock(fuse_req_t req, struct fuse_file_info *fi, const struct flock_range *range, bool sleep)
{
    struct request *r = request_lock(req, fi, sleep ? LK_SETW : LK_SET, range);

    if (!r)
        return;
    r->interruptible = sleep && range->type != RANGE_UNLOCK;
    if (r->interruptible)
        fuse_req_interrupt_func(req, interrupted, r); /* from now on, also before it runs */
    request_go(r, answer_err_of);
}

HANDLER(setlk, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock, int sleep)
{
    struct flock_range range = range_of(lock);

    set_lock(req, fi, &range, sleep != 0);
}

HANDLER(flock, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
    struct flock_range range = {.type = op & LOCK_SH ? RANGE_READ : op & LOCK_EX ? RANGE_WRITE : RANGE_UNLOCK,
                                .pid = (uint32_t)fuse_req_ctx(req)->pid};

    set_lock(req, fi, &range, !(op & LOCK_NB));
}
