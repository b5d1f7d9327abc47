/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* sync.c: FSYNC, each by itself or several together (spec brick 2.9).
 *
 * Replicate marks FSYNCs that may wait for others. They are collected while batch-fsync-delay-usec passes, or while the batch
 * before is being worked on; one job at a time takes what has come and syncs it as batch-fsync-mode says. Without a delay, and
 * file by file, there is nothing to gain: such FSYNCs run at once, each on its worker, and the journal joins them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "posix.h"

int sync_file(const struct fop *fop, int fd)
{
    return (fop->in.fsync.data_only ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
}

int fsync_begin(struct posix *p, struct fop *fop, struct obj *o, bool wait)
{
    int r = obj_of_fd(p, fop->fd, fop->loc.inode, o);
    if (r == 0 && !wait)
        return obj_iatt_try(o, &fop->out.pre) ? 0 : -EAGAIN;
    if (r == 0)
        obj_iatt(o, &fop->out.pre);
    return r;
}

int fsync_end(struct posix *p, struct fop *fop, struct obj *o, ssize_t n)
{
    return obj_iatt_now(o, &fop->out.post);
}

int op_fsync(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = fsync_begin(p, fop, &o, true);
    if (r == 0)
        r = sync_file(fop, o.fd);
    return r < 0 ? r : fsync_end(p, fop, &o, 0);
}

static bool syncs_all(int mode)
{
    return mode == BATCH_SYNCFS || mode == BATCH_SYNCFS_SINGLE || mode == BATCH_SYNCFS_REVERSE;
}

/* After syncfs() a file's data is on the disk, or it is not and only the file knows: waiting for writes that are over costs
 * nothing and tells. */
static int file_result(int fd)
{
    return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE) < 0 ? -errno : 0;
}

/* Attributes are left out of the reply, as with stock. */
static int batch_one(struct posix *p, struct fop *fop, bool whole)
{
    OBJ(o);
    int r = obj_of_fd(p, fop->fd, fop->loc.inode, &o);
    return r < 0 ? r : whole ? sync_file(fop, o.fd) : file_result(o.fd);
}

static void batch_run(struct posix *p, int mode, struct fop *last)
{
    int all = syncs_all(mode) && syncfs(p->root_fd) < 0 ? -errno : 0;
    bool newest = true;
    while (last) {
        struct fop *fop = last;
        last = fop->job_ctx;
        bool whole = !syncs_all(mode) || mode == BATCH_SYNCFS_REVERSE || (mode == BATCH_SYNCFS_SINGLE && newest);
        newest = false;
        posix_finish(fop, all < 0 ? all : batch_one(p, fop, whole));
    }
}

static void batch_job(struct job *j)
{
    struct posix *p = container_of(j, struct posix, batch.job);
    for (;;) {
        int64_t us = LIVE(p, batch_delay_us);
        struct timespec delay = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
        while (us && nanosleep(&delay, &delay) < 0)
            ;
        pthread_mutex_lock(&p->batch.lock);
        struct fop *last = p->batch.last;
        p->batch.last = NULL;
        p->batch.working = last != NULL;
        pthread_mutex_unlock(&p->batch.lock);
        if (!last)
            break;
        batch_run(p, LIVE(p, batch_fsync_mode), last);
    }
    posix_own_done(p);
}

bool fsync_collected(struct posix *p, struct fop *fop)
{
    int mode = LIVE(p, batch_fsync_mode);
    if (mode == BATCH_NONE || (!syncs_all(mode) && LIVE(p, batch_delay_us) == 0) || !dict_find(fop->xdata, "batch-fsync"))
        return false;
    pthread_mutex_lock(&p->batch.lock);
    fop->job_ctx = p->batch.last;
    p->batch.last = fop;
    bool start = !p->batch.working;
    p->batch.working = true;
    pthread_mutex_unlock(&p->batch.lock);
    if (start) {
        p->batch.job = (struct job){.run = batch_job, .class = CLASS_LOW};
        posix_own_job(p, &p->batch.job);
    }
    return true;
}
