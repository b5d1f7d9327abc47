/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Data, and the other operations that have an asynchronous form.
 *
 * An io is one call. Reads and writes go in pieces, because a message has a bound; the others are one piece. A piece is run
 *
 *     synchronously    by the calling thread, which waits
 *     asynchronously   submitted; when it is back a worker takes its results, submits the next piece, or calls the program
 *
 * What is written is copied when the call is made: the program may use its memory again, and nobody below has to wait for it. */
#include <stdlib.h>
#include <string.h>

#include "impl.h"

#define PIECE (4 * MiB)
#define IOV_LIMIT 1024
#define LAND_MIN 4096 /* parts of the program's memory that are smaller are not worth a read of their own */

typedef void (*old_io_cbk)(glfs_fd_t *fd, ssize_t ret, void *data);

struct io {
    struct vop op;
    struct glfs *fs;
    struct glfs_fd *fd;      /* a reference; NULL: node */
    struct vnode *node;      /* of an anonymous one; the caller's */
    enum fop_op what;
    bool data_only;          /* FSYNC */
    bool by_offset;          /* at the descriptor's own place */
    int flags;
    off_t offset;
    size_t size, done;       /* READ, WRITE: bytes; else size is the length of the range */
    const struct iovec *iov; /* where a READ lands */
    int n_iov;
    struct slicev data;      /* what a WRITE sends */
    struct iatt pre, post;
    int end_mark;            /* errno of a READ that met the end: callbacks see it */
    /* asynchronous */
    glfs_io_cbk fn;
    old_io_cbk old_fn;
    void *ctx;
    struct job job;
    int64_t result;
    struct iovec own_iov[];
};

/* ---- one piece ---------------------------------------------------------------------------------------------------------------------- */

static bool is_data(const struct io *io)
{
    return io->what == FOP_READ || io->what == FOP_WRITE;
}

static int add_part(struct slicev *to, const struct slicev *from, size_t off, size_t len)
{
    struct slicev *all = (struct slicev *)from;

    for (unsigned int i = 0; i < all->n && len; i++) {
        struct slice s = slicev_at(all)[i];
        size_t n;

        if (off >= s.len) {
            off -= s.len;
            continue;
        }
        n = min_of(len, s.len - off);
        if (slicev_add(to, slice_part(s, off, n)) < 0)
            return -ENOMEM;
        off = 0;
        len -= n;
    }
    return 0;
}

/* Where the first n bytes of the piece shall land: in the program's memory, which is ours until the call is over. */
static int lend_memory(struct io *io, union fop_in *in, size_t n)
{
    struct iovec *into = fop_alloc(io->op.fop, (size_t)io->n_iov * sizeof(*into));
    size_t skip = io->done;
    unsigned int parts = 0;

    if (!into)
        return -ENOMEM;
    for (int i = 0; i < io->n_iov && n; i++) {
        size_t len;

        if (skip >= io->iov[i].iov_len) {
            skip -= io->iov[i].iov_len;
            continue;
        }
        len = min_of(io->iov[i].iov_len - skip, n);
        if (len < LAND_MIN && len < n)
            return 0;
        into[parts++] = (struct iovec){.iov_base = (char *)io->iov[i].iov_base + skip, .iov_len = len};
        n -= len;
        skip = 0;
    }
    in->read.into = into;
    in->read.n_into = parts;
    return 0;
}

static int begin_piece(struct io *io)
{
    struct target t = {.node = io->node, .fd = io->fd};
    int failed = call_of(&io->op, io->fs, t, io->what, io->what);
    size_t n = min_of(io->size - io->done, (size_t)PIECE);
    union fop_in *in;

    if (failed)
        return failed;
    in = &io->op.fop->in;
    switch (io->what) {
    case FOP_READ:
        in->read.offset = (uint64_t)io->offset + io->done;
        in->read.size = (uint32_t)n;
        in->read.flags = io->flags;
        if (n >= LAND_MIN)
            failed = lend_memory(io, in, n);
        break;
    case FOP_WRITE:
        in->write.offset = (uint64_t)io->offset + io->done;
        in->write.size = (uint32_t)n;
        in->write.flags = io->flags;
        failed = add_part(&in->write.data, &io->data, io->done, n);
        break;
    case FOP_FSYNC:
    case FOP_FSYNCDIR:
        in->fsync.data_only = io->data_only;
        break;
    case FOP_FTRUNCATE:
        in->truncate.offset = (uint64_t)io->offset;
        break;
    default: /* DISCARD, ZEROFILL */
        in->fallocate.offset = (uint64_t)io->offset;
        in->fallocate.len = io->size;
        break;
    }
    if (failed)
        call_done(&io->op);
    return failed;
}

/* What has landed did so from the first byte on. */
static bool has_landed(const struct fop *fop)
{
    const struct slicev *data = &fop->out.data;

    return fop->in.read.n_into && data->n && slicev_at((struct slicev *)data)[0].at == fop->in.read.into[0].iov_base;
}

static void copy_to_iov(const struct io *io, const struct slicev *from, size_t len)
{
    size_t skip = io->done, off = 0;

    for (int i = 0; i < io->n_iov && off < len; i++) {
        size_t room = io->iov[i].iov_len;

        if (skip >= room) {
            skip -= room;
            continue;
        }
        off += slicev_copy_out(from, off, (char *)io->iov[i].iov_base + skip, min_of(room - skip, len - off));
        skip = 0;
    }
}

/* True: there is another piece. */
static bool take_piece(struct io *io)
{
    struct fop *fop = io->op.fop;
    size_t asked = min_of(io->size - io->done, (size_t)PIECE), n;

    if (fop->ret < 0) {
        io->result = io->done && is_data(io) ? (int64_t)io->done : -fop->err;
        return false;
    }
    if (!io->done)
        io->pre = fop->out.pre;
    io->post = io->what == FOP_READ ? fop->out.stat : fop->out.post;
    io->result = 0;
    if (!is_data(io))
        return false;
    n = min_of((size_t)fop->ret, asked);
    if (io->what == FOP_READ) {
        n = min_of(n, fop->out.data.len);
        if (!has_landed(fop))
            copy_to_iov(io, &fop->out.data, n);
        io->end_mark = fop->err;
    }
    io->done += n;
    io->result = (int64_t)io->done;
    return n == asked && io->done < io->size;
}

/* The descriptor's place follows what was done. */
static void finish(struct io *io)
{
    if (!io->by_offset || io->result <= 0)
        return;
    SCOPED_LOCK(&io->fd->lock);
    io->fd->offset = io->what == FOP_WRITE && io->fd->flags & O_APPEND && io->post.mode ? (off_t)io->post.size : io->offset + io->result;
}

static int64_t run(struct io *io)
{
    bool more = true;

    while (more) {
        int failed = begin_piece(io);

        if (failed) {
            io->result = io->done ? (int64_t)io->done : failed;
            break;
        }
        vop_run(&io->op);
        more = take_piece(io);
        call_done(&io->op);
    }
    finish(io);
    slicev_done(&io->data);
    return io->result;
}

/* ---- what is asked for ----------------------------------------------------------------------------------------------------- */

static int64_t iov_size(const struct iovec *iov, int n)
{
    size_t sum = 0;

    if (n < 0 || n > IOV_LIMIT || (n && !iov))
        return -EINVAL;
    for (int i = 0; i < n; i++) {
        if (iov[i].iov_len && !iov[i].iov_base)
            return -EINVAL;
        if (__builtin_add_overflow(sum, iov[i].iov_len, &sum) || sum > SSIZE_MAX)
            return -EINVAL;
    }
    return (int64_t)sum;
}

static void copy_from_iov(const struct iovec *iov, int n, size_t skip, uint8_t *to, size_t len)
{
    for (int i = 0; i < n && len; i++) {
        size_t part;

        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        part = min_of(len, iov[i].iov_len - skip);
        memcpy(to, (const char *)iov[i].iov_base + skip, part);
        to += part;
        len -= part;
        skip = 0;
    }
}

static int copy_data(struct io *io, const struct iovec *iov, int n)
{
    size_t off = 0;

    while (off < io->size) {
        struct slice s = slice_new(io->fs->process.env.bufs, min_of(io->size - off, (size_t)PIECE));

        if (!s.buf)
            return -ENOMEM;
        copy_from_iov(iov, n, off, s.at, s.len);
        off += s.len;
        if (slicev_add(&io->data, s) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* offset -1: the descriptor's own. The descriptor's reference is taken. */
static int prepare(struct io *io, struct glfs_fd *fd, enum fop_op what, const struct iovec *iov, int n, off_t offset, int flags)
{
    int64_t size = iov_size(iov, n);

    io->fs = fd->fs;
    io->fd = fd;
    io->what = what;
    io->flags = flags;
    if (size < 0)
        return (int)size;
    if ((fd->flags & O_ACCMODE) == (what == FOP_READ ? O_WRONLY : O_RDONLY))
        return -EBADF; /* who writes behind would not notice */
    io->size = (size_t)size;
    io->by_offset = offset == -1;
    if (offset < -1)
        return -EINVAL;
    io->offset = offset;
    if (io->by_offset) {
        SCOPED_LOCK(&fd->lock);
        io->offset = fd->offset;
    }
    if (what == FOP_WRITE)
        return copy_data(io, iov, n);
    io->iov = iov;
    io->n_iov = n;
    return 0;
}

static ssize_t sync_data(glfs_fd_t *fd, enum fop_op what, const struct iovec *iov, int n, off_t offset, int flags, struct glfs_stat *pre,
                         struct glfs_stat *post)
{
    struct io io = {.what = what};
    int64_t r;

    if (!file_enter(fd))
        return -1;
    r = prepare(&io, fd, what, iov, n, offset, flags);
    if (r < 0)
        slicev_done(&io.data);
    else
        r = run(&io);
    if (r >= 0) {
        glfs_stat_of(fd->fs, &io.pre, pre);
        glfs_stat_of(fd->fs, &io.post, post);
    }
    file_unref(fd);
    if (r < 0)
        errno = (int)-r;
    return r < 0 ? -1 : r;
}

/* ---- asynchronously -------------------------------------------------------------------------------------------------------- */

struct pool *fs_callbacks(struct glfs *fs)
{
    static const struct pool_conf conf = {.max = 16, .idle_s = 30};

    SCOPED_LOCK(&fs->lock);
    if (!fs->callbacks)
        fs->callbacks = pool_new(&conf, &fs->process.census);
    return fs->callbacks;
}

static void call_back(struct io *io)
{
    struct glfs_stat pre, post;
    bool has_pre = io->what != FOP_READ;
    int64_t r = io->result;

    finish(io);
    slicev_done(&io->data);
    errno = r < 0 ? (int)-r : io->end_mark;
    if (io->old_fn) {
        io->old_fn(io->fd, r < 0 ? -1 : r, io->ctx);
    } else if (r < 0) {
        io->fn(io->fd, -1, NULL, NULL, io->ctx);
    } else {
        glfs_stat_of(io->fs, &io->pre, &pre);
        glfs_stat_of(io->fs, &io->post, &post);
        io->fn(io->fd, r, has_pre ? &pre : NULL, &post, io->ctx);
    }
    file_unref(io->fd);
    free(io);
}

static void submit_piece(struct io *io);

static void on_worker(struct job *j)
{
    struct io *io = container_of(j, struct io, job);
    bool more = take_piece(io);

    call_done(&io->op);
    if (more)
        submit_piece(io);
    else
        call_back(io);
}

static void failed_on_worker(struct job *j)
{
    call_back(container_of(j, struct io, job));
}

static void hand_over(struct io *io, void (*run_it)(struct job *j))
{
    io->job = (struct job){.run = run_it, .class = CLASS_NORMAL};
    pool_add(io->fs->callbacks, &io->job); /* there since the call was made */
}

static void back(struct vop *op, void *ctx)
{
    hand_over(ctx, on_worker);
}

static void submit_piece(struct io *io)
{
    int failed = begin_piece(io);

    if (failed) {
        io->result = io->done ? (int64_t)io->done : failed;
        hand_over(io, failed_on_worker);
        return;
    }
    io->op.fop->flags |= FOP_NOWAIT;
    vop_submit(&io->op, back, io);
}

/* The program's functions, of either version. */
struct asked {
    glfs_io_cbk fn;
    old_io_cbk old_fn;
    void *ctx;
};

static struct io *async_new(glfs_fd_t *fd, enum fop_op what, const struct iovec *iov, int n, const struct asked *asked)
{
    bool lands = what == FOP_READ && n > 0 && n <= IOV_LIMIT && iov;
    struct io *io = calloc(1, sizeof(*io) + (lands ? (size_t)n * sizeof(*iov) : 0));

    if (!io)
        return NULL;
    if (lands)
        memcpy(io->own_iov, iov, (size_t)n * sizeof(*iov)); /* the program's may be on its stack */
    io->fn = asked->fn;
    io->old_fn = asked->old_fn;
    io->ctx = asked->ctx;
    io->what = what;
    io->fs = fd->fs;
    io->fd = fd;
    return io;
}

static int begin_async(struct io *io, int failed)
{
    struct glfs_fd *fd = io->fd;

    if (!failed && !io->fn && !io->old_fn)
        failed = -EINVAL;
    if (!failed && !fs_callbacks(io->fs))
        failed = -ENOMEM;
    if (!failed) {
        submit_piece(io);
        return 0;
    }
    slicev_done(&io->data);
    free(io);
    file_unref(fd);
    return answer(failed);
}

static int async_data(glfs_fd_t *fd, enum fop_op what, const struct iovec *iov, int n, off_t offset, int flags, struct asked asked)
{
    struct io *io;
    int failed;

    if (!file_enter(fd))
        return -1;
    io = async_new(fd, what, iov, n, &asked);
    if (!io) {
        file_unref(fd);
        return answer(-ENOMEM);
    }
    failed = prepare(io, fd, what, iov, n, offset, flags);
    if (io->iov)
        io->iov = io->own_iov;
    return begin_async(io, failed);
}

/* ---- data: the functions --------------------------------------------------------------------------------------------------- */

#define ONE(buf, count) (&(struct iovec){.iov_base = (void *)(uintptr_t)(buf), .iov_len = (count)}), 1

ssize_t glfs_read(glfs_fd_t *fd, void *buf, size_t count, int flags)
{
    return sync_data(fd, FOP_READ, ONE(buf, count), -1, flags, NULL, NULL);
}

ssize_t glfs_write(glfs_fd_t *fd, const void *buf, size_t count, int flags)
{
    return sync_data(fd, FOP_WRITE, ONE(buf, count), -1, flags, NULL, NULL);
}

ssize_t glfs_readv(glfs_fd_t *fd, const struct iovec *iov, int n, int flags)
{
    return sync_data(fd, FOP_READ, iov, n, -1, flags, NULL, NULL);
}

ssize_t glfs_writev(glfs_fd_t *fd, const struct iovec *iov, int n, int flags)
{
    return sync_data(fd, FOP_WRITE, iov, n, -1, flags, NULL, NULL);
}

/* An offset that somebody gives is never the descriptor's own. */
static off_t given(off_t offset)
{
    return offset < 0 ? -2 : offset;
}

ssize_t glfs_pread(glfs_fd_t *fd, void *buf, size_t count, off_t offset, int flags, struct glfs_stat *post)
{
    return sync_data(fd, FOP_READ, ONE(buf, count), given(offset), flags, NULL, post);
}

ssize_t glfs_pwrite(glfs_fd_t *fd, const void *buf, size_t count, off_t offset, int flags, struct glfs_stat *pre, struct glfs_stat *post)
{
    return sync_data(fd, FOP_WRITE, ONE(buf, count), given(offset), flags, pre, post);
}

ssize_t glfs_preadv(glfs_fd_t *fd, const struct iovec *iov, int n, off_t offset, int flags)
{
    return sync_data(fd, FOP_READ, iov, n, given(offset), flags, NULL, NULL);
}

ssize_t glfs_pwritev(glfs_fd_t *fd, const struct iovec *iov, int n, off_t offset, int flags)
{
    return sync_data(fd, FOP_WRITE, iov, n, given(offset), flags, NULL, NULL);
}

ssize_t pread_before_6(glfs_fd_t *fd, void *buf, size_t count, off_t offset, int flags);
ssize_t pread_before_6(glfs_fd_t *fd, void *buf, size_t count, off_t offset, int flags)
{
    return glfs_pread(fd, buf, count, offset, flags, NULL);
}
OLD_VERSION(pread_before_6, glfs_pread, "GFAPI_3.4.0");

ssize_t pwrite_before_6(glfs_fd_t *fd, const void *buf, size_t count, off_t offset, int flags);
ssize_t pwrite_before_6(glfs_fd_t *fd, const void *buf, size_t count, off_t offset, int flags)
{
    return glfs_pwrite(fd, buf, count, offset, flags, NULL, NULL);
}
OLD_VERSION(pwrite_before_6, glfs_pwrite, "GFAPI_3.4.0");

/* An asynchronous function, as it is and as it was before version 6, whose callback had no attributes. PARAMETERS: a macro of the
 * callback's type. */
#define TWICE(name, PARAMETERS, old_version, ...)        \
    int name PARAMETERS(glfs_io_cbk)                     \
    {                                                    \
        struct asked asked = {.fn = fn, .ctx = data};    \
        return __VA_ARGS__;                              \
    }                                                    \
    int name##_before_6 PARAMETERS(old_io_cbk);          \
    int name##_before_6 PARAMETERS(old_io_cbk)           \
    {                                                    \
        struct asked asked = {.old_fn = fn, .ctx = data}; \
        return __VA_ARGS__;                              \
    }                                                    \
    OLD_VERSION(name##_before_6, name, old_version)

#define READ_PARAMETERS(cbk) (glfs_fd_t * fd, void *buf, size_t count, int flags, cbk fn, void *data)
#define WRITE_PARAMETERS(cbk) (glfs_fd_t * fd, const void *buf, size_t count, int flags, cbk fn, void *data)
#define VECTOR_PARAMETERS(cbk) (glfs_fd_t * fd, const struct iovec *iov, int n, int flags, cbk fn, void *data)
#define PREAD_PARAMETERS(cbk) (glfs_fd_t * fd, void *buf, size_t count, off_t offset, int flags, cbk fn, void *data)
#define PWRITE_PARAMETERS(cbk) (glfs_fd_t * fd, const void *buf, int count, off_t offset, int flags, cbk fn, void *data)
#define PVECTOR_PARAMETERS(cbk) (glfs_fd_t * fd, const struct iovec *iov, int n, off_t offset, int flags, cbk fn, void *data)

TWICE(glfs_read_async, READ_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_READ, ONE(buf, count), -1, flags, asked));
TWICE(glfs_write_async, WRITE_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_WRITE, ONE(buf, count), -1, flags, asked));
TWICE(glfs_readv_async, VECTOR_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_READ, iov, n, -1, flags, asked));
TWICE(glfs_writev_async, VECTOR_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_WRITE, iov, n, -1, flags, asked));
TWICE(glfs_pread_async, PREAD_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_READ, ONE(buf, count), given(offset), flags, asked));
TWICE(glfs_pwrite_async, PWRITE_PARAMETERS, "GFAPI_3.4.0",
      count < 0 ? answer(-EINVAL) : async_data(fd, FOP_WRITE, ONE(buf, (size_t)count), given(offset), flags, asked));
TWICE(glfs_preadv_async, PVECTOR_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_READ, iov, n, given(offset), flags, asked));
TWICE(glfs_pwritev_async, PVECTOR_PARAMETERS, "GFAPI_3.4.0", async_data(fd, FOP_WRITE, iov, n, given(offset), flags, asked));

ssize_t io_anonymous(struct glfs *fs, struct vnode *n, bool write, const void *buf, size_t count, off_t offset)
{
    struct iovec iov = {.iov_base = (void *)(uintptr_t)buf, .iov_len = count};
    struct io io = {.fs = fs, .node = n, .what = write ? FOP_WRITE : FOP_READ, .offset = offset, .size = count, .iov = &iov, .n_iov = 1};
    int64_t r = offset < 0 ? -EINVAL : iov_size(&iov, 1);

    if (r >= 0 && write)
        r = copy_data(&io, &iov, 1);
    if (r < 0) {
        slicev_done(&io.data);
        return r;
    }
    return run(&io);
}

/* ---- without data: the functions ------------------------------------------------------------------------------------------- */

static int begin_plain(struct io *io, enum fop_op what, off_t offset, size_t len)
{
    if (what == FOP_FSYNC && vnode_type(vfile_node(io->fd->file)) == S_IFDIR)
        what = FOP_FSYNCDIR;
    io->what = what;
    io->offset = offset;
    io->size = len;
    return offset < 0 ? -EINVAL : 0;
}

static int sync_plain(glfs_fd_t *fd, enum fop_op what, off_t offset, size_t len, bool data_only, struct glfs_stat *pre,
                      struct glfs_stat *post)
{
    struct io io = {.data_only = data_only};
    int64_t r;

    if (!file_enter(fd))
        return -1;
    io.fs = fd->fs;
    io.fd = fd;
    r = begin_plain(&io, what, offset, len);
    if (r == 0)
        r = run(&io);
    if (r >= 0) {
        glfs_stat_of(fd->fs, &io.pre, pre);
        glfs_stat_of(fd->fs, &io.post, post);
    }
    file_unref(fd);
    return answer(r);
}

static int async_plain(glfs_fd_t *fd, enum fop_op what, off_t offset, size_t len, bool data_only, struct asked asked)
{
    struct io *io;

    if (!file_enter(fd))
        return -1;
    io = async_new(fd, what, NULL, 0, &asked);
    if (!io) {
        file_unref(fd);
        return answer(-ENOMEM);
    }
    io->data_only = data_only;
    return begin_async(io, begin_plain(io, what, offset, len));
}

int glfs_ftruncate(glfs_fd_t *fd, off_t length, struct glfs_stat *pre, struct glfs_stat *post)
{
    return sync_plain(fd, FOP_FTRUNCATE, length, 0, false, pre, post);
}

int glfs_fsync(glfs_fd_t *fd, struct glfs_stat *pre, struct glfs_stat *post)
{
    return sync_plain(fd, FOP_FSYNC, 0, 0, false, pre, post);
}

int glfs_fdatasync(glfs_fd_t *fd, struct glfs_stat *pre, struct glfs_stat *post)
{
    return sync_plain(fd, FOP_FSYNC, 0, 0, true, pre, post);
}

int glfs_discard(glfs_fd_t *fd, off_t offset, size_t len)
{
    return sync_plain(fd, FOP_DISCARD, offset, len, false, NULL, NULL);
}

int glfs_zerofill(glfs_fd_t *fd, off_t offset, off_t len)
{
    return sync_plain(fd, FOP_ZEROFILL, len < 0 ? -1 : offset, (size_t)len, false, NULL, NULL);
}

int ftruncate_before_6(glfs_fd_t *fd, off_t length);
int ftruncate_before_6(glfs_fd_t *fd, off_t length)
{
    return glfs_ftruncate(fd, length, NULL, NULL);
}
OLD_VERSION(ftruncate_before_6, glfs_ftruncate, "GFAPI_3.4.0");

int fsync_before_6(glfs_fd_t *fd);
int fsync_before_6(glfs_fd_t *fd)
{
    return glfs_fsync(fd, NULL, NULL);
}
OLD_VERSION(fsync_before_6, glfs_fsync, "GFAPI_3.4.0");

int fdatasync_before_6(glfs_fd_t *fd);
int fdatasync_before_6(glfs_fd_t *fd)
{
    return glfs_fdatasync(fd, NULL, NULL);
}
OLD_VERSION(fdatasync_before_6, glfs_fdatasync, "GFAPI_3.4.0");

#define SYNC_PARAMETERS(cbk) (glfs_fd_t * fd, cbk fn, void *data)
#define LENGTH_PARAMETERS(cbk) (glfs_fd_t * fd, off_t length, cbk fn, void *data)
#define DISCARD_PARAMETERS(cbk) (glfs_fd_t * fd, off_t offset, size_t len, cbk fn, void *data)
#define ZEROFILL_PARAMETERS(cbk) (glfs_fd_t * fd, off_t offset, off_t len, cbk fn, void *data)

TWICE(glfs_fsync_async, SYNC_PARAMETERS, "GFAPI_3.4.0", async_plain(fd, FOP_FSYNC, 0, 0, false, asked));
TWICE(glfs_fdatasync_async, SYNC_PARAMETERS, "GFAPI_3.4.0", async_plain(fd, FOP_FSYNC, 0, 0, true, asked));
TWICE(glfs_ftruncate_async, LENGTH_PARAMETERS, "GFAPI_3.4.0", async_plain(fd, FOP_FTRUNCATE, length, 0, false, asked));
TWICE(glfs_discard_async, DISCARD_PARAMETERS, "GFAPI_3.5.0", async_plain(fd, FOP_DISCARD, offset, len, false, asked));
TWICE(glfs_zerofill_async, ZEROFILL_PARAMETERS, "GFAPI_3.5.0",
      async_plain(fd, FOP_ZEROFILL, len < 0 ? -1 : offset, (size_t)len, false, asked));
