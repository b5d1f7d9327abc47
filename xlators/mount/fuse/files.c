/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests about an open file. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "mount-impl.h"
#include "process.h"

static struct request *request_file(fuse_req_t req, enum fop_op op, const struct fuse_file_info *fi)
{
    struct request *r = request_new(req, op);

    if (r)
        r->op.file = vfile_ref(file_of(fi));
    return r;
}

/* With the writeback cache the kernel reads a page before it changes part of it, and keeps the end of the file by itself. */
int flags_for_brick(const struct mount *m, int flags)
{
    if (!m->conf.writeback)
        return flags;
    if ((flags & O_ACCMODE) == O_WRONLY)
        flags = (flags & ~O_ACCMODE) | O_RDWR;
    return flags & ~O_APPEND;
}

static void opened(struct request *r)
{
    if (!request_failed(r))
        answer_open(r, false);
}

HANDLER(open, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct request *r = request_new(req, FOP_OPEN);

    if (!r)
        return;
    r->op.node = node_of(r->mount, ino);
    r->open.flags = fi->flags;
    r->op.fop->in.open.flags = flags_for_brick(r->mount, fi->flags);
    request_go(r, opened);
}

/* ---- data ---------------------------------------------------------------------------------------------------------------- */

#define PARTS_MAX 64 /* of a READ's answer, written as they are; more are joined */

static void have_read(struct request *r)
{
    const struct slicev *data = &r->op.fop->out.data;
    struct iovec iov[PARTS_MAX];

    if (request_failed(r))
        return;
    if (data->n <= PARTS_MAX) {
        answer_iov(r, iov, (int)slicev_iov(data, 0, iov, PARTS_MAX));
        return;
    }
    void *joined = malloc(data->len);
    if (!joined) {
        answer_err(r, ENOMEM);
        return;
    }
    answer_buf(r, joined, slicev_copy_out(data, 0, joined, data->len));
    free(joined);
}

HANDLER(read, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct request *r = request_file(req, FOP_READ, fi);

    if (!r)
        return;
    r->op.fop->in.read.size = (uint32_t)size;
    r->op.fop->in.read.offset = (uint64_t)off;
    r->op.fop->in.read.flags = fi->flags;
    if (fi->lock_owner)
        set_owner(&r->op.fop->cred, fi->lock_owner);
    request_go(r, have_read);
}

static void have_written(struct request *r)
{
    if (!request_failed(r))
        answer_write(r, (size_t)r->op.fop->ret);
}

HANDLER(write, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
    struct request *r = request_file(req, FOP_WRITE, fi);
    struct slice data;

    if (!r)
        return;
    data = landed_data(r->mount, buf, size);
    if ((!data.buf && size) || slicev_add(&r->op.fop->in.write.data, data) < 0) {
        answer_err(r, ENOMEM);
        return;
    }
    r->op.fop->in.write.size = (uint32_t)size;
    r->op.fop->in.write.offset = (uint64_t)off;
    r->op.fop->in.write.flags = fi->flags;
    if (fi->lock_owner)
        set_owner(&r->op.fop->cred, fi->lock_owner);
    request_go(r, have_written);
}

/* ---- flush, sync, the end ------------------------------------------------------------------------------------------------ */

/* A FLUSH that can be interrupted (--fuse-flush-handle-interrupt): the caller is told EINTR at once, and the FLUSH goes on without him.
 * libfuse holds a lock of the request while it tells us, which the answer takes, so a worker gives it. The request, and with it the
 * volume's count of what runs, ends when both have come to their end. */
static void one_end(struct request *r)
{
    if (atomic_fetch_add(&r->ends, 1) == 1)
        request_drop(r);
}

static void answer_interrupted(struct job *j)
{
    struct request *r = container_of(j, struct request, job);
    int before = channel_set(r->channel);

    fuse_reply_err(r->req, EINTR);
    channel_set(before);
    one_end(r);
}

static void flush_interrupted(fuse_req_t req, void *data)
{
    struct request *r = data;

    if (atomic_exchange(&r->claimed, true))
        return;
    r->job = (struct job){.run = answer_interrupted, .class = CLASS_HIGH};
    pool_add(r->mount->process->pool, &r->job);
}

static void flushed(struct request *r)
{
    if (atomic_exchange(&r->claimed, true))
        one_end(r);
    else
        answer_err_of(r);
}

HANDLER(flush, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct request *r = request_file(req, FOP_FLUSH, fi);

    if (!r)
        return;
    set_owner(&r->op.fop->cred, fi->lock_owner);
    r->interruptible = r->mount->conf.flush_interrupt;
    if (r->interruptible)
        fuse_req_interrupt_func(req, flush_interrupted, r);
    request_go(r, flushed);
}

/* The descriptor's end gives up the locks that were taken through it, flock()'s too. */
HANDLER(release, fuse_ino_t ino, struct fuse_file_info *fi)
{
    vfile_unref(file_of(fi));
    fuse_reply_err(req, 0);
}

HANDLER(fsync, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
    struct request *r = request_file(req, FOP_FSYNC, fi);

    if (!r)
        return;
    r->op.fop->in.fsync.data_only = data_only != 0;
    request_go(r, answer_err_of);
}

/* ---- space --------------------------------------------------------------------------------------------------------------- */

static enum fop_op space_op(int mode)
{
    if (mode & FALLOC_FL_PUNCH_HOLE)
        return FOP_DISCARD;
    return mode & FALLOC_FL_ZERO_RANGE ? FOP_ZEROFILL : FOP_FALLOCATE;
}

HANDLER(fallocate, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
    struct request *r;

    /* ZEROFILL grows the file: with KEEP_SIZE that would be wrong. What moves data has no operation. */
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) ||
        (mode & FALLOC_FL_ZERO_RANGE && mode & FALLOC_FL_KEEP_SIZE)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    r = request_file(req, space_op(mode), fi);
    if (!r)
        return;
    r->op.fop->in.fallocate.flags = mode & FALLOC_FL_KEEP_SIZE ? 1 : 0;
    r->op.fop->in.fallocate.offset = (uint64_t)off;
    r->op.fop->in.fallocate.len = (uint64_t)len;
    request_go(r, answer_err_of);
}

static void sought(struct request *r)
{
    if (!request_failed(r))
        answer_lseek(r, (off_t)r->op.fop->out.offset);
}

HANDLER(lseek, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
    struct request *r;

    if (whence != SEEK_DATA && whence != SEEK_HOLE) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    r = request_file(req, FOP_SEEK, fi);
    if (!r)
        return;
    r->op.fop->in.seek.offset = (uint64_t)off;
    r->op.fop->in.seek.what = whence == SEEK_DATA ? 0 : 1;
    request_go(r, sought);
}

HANDLER(copy_file_range, fuse_ino_t ino_in, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
        struct fuse_file_info *fi_out, size_t len, int flags)
{
    struct request *r = request_file(req, FOP_COPY_FILE_RANGE, fi_in);

    if (!r)
        return;
    r->op.file2 = vfile_ref(file_of(fi_out));
    r->op.fop->in.copy.off_in = (uint64_t)off_in;
    r->op.fop->in.copy.off_out = (uint64_t)off_out;
    r->op.fop->in.copy.size = (uint32_t)min_of(len, (size_t)INT32_MAX);
    r->op.fop->in.copy.flags = (uint32_t)flags;
    request_go(r, have_written);
}
