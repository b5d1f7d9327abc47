/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* data.c: OPEN, READ, WRITE, TRUNCATE, FLUSH, SEEK (spec brick 2.5). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "posix.h"

#define PIECE (1 * MiB)
#define DIRECT_ALIGN 4096 /* the largest block that disks have */
#define POOLED (32 * KiB) /* from here on buffers are aligned */

int op_open(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = obj_of_inode(p, fop->loc.inode, &o);
    if (r < 0)
        return r;
    int flags = open_flags(p, fop->in.open.flags);
    int fd = obj_open(&o, o.kind == OBJ_HANDLE ? flags : flags & ~O_NOFOLLOW);
    if (fd < 0)
        return fd;
    mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    r = pfd_bind(p, fop, o.inode, fd, fop->in.open.flags, false);
    if (r > 0)
        close(fd);
    return min_of(r, 0);
}

bool is_direct(struct posix *p, const struct fop *fop)
{
    const struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    return f && (f->flags & O_DIRECT || p->o_direct);
}

static int open_file(struct posix *p, struct fop *fop, struct obj *ret)
{
    int r = obj_of_fd(p, fop->fd, fop->loc.inode, ret);
    return r < 0 || S_ISREG(ret->st.st_mode) ? r : -EINVAL;
}

/* preadv2() or pwritev2(): size bytes from offset, of which done are there already, as far as it gets. With RWF_NOWAIT in one go: what
 * comes back short would wait. */
static ssize_t transfer(ssize_t (*io)(int, const struct iovec *, int, off_t, int), int fd, const struct slicev *sv, size_t size,
                        off_t offset, size_t done, int flags)
{
    while (done < size) {
        struct iovec iov[64];
        unsigned int n = slicev_iov(sv, done, iov, array_len(iov));
        ssize_t r = io(fd, iov, (int)n, offset + (off_t)done, flags);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return done ? (ssize_t)done : -errno;
        if (r == 0)
            break;
        done += (size_t)r;
        if (flags & RWF_NOWAIT)
            break;
    }
    return (ssize_t)done;
}

/* ---- READ ---- */

static int read_buffers(struct posix *p, struct slicev *to, size_t size, bool direct)
{
    for (size_t at = 0; at < size;) {
        size_t n = min_of(size - at, PIECE);
        struct iobuf *b = iobuf_new(p->process->env.bufs, direct ? max_of(n, POOLED) : n);
        if (!b || slicev_add(to, slice_of(b, n)) < 0)
            return -ENOMEM;
        at += n;
    }
    return 0;
}

/* Only the first len bytes have been filled. */
static int read_trim(struct slicev *sv, size_t len)
{
    struct slicev got = {.n = 0};
    for (unsigned int i = 0; i < sv->n && len; i++) {
        struct slice s = slicev_at(sv)[i];
        size_t n = min_of(s.len, len);
        int r = slicev_add(&got, slice_part(s, 0, n));
        if (r < 0) {
            slicev_done(&got);
            return r;
        }
        len -= n;
    }
    slicev_done(sv);
    slicev_move(sv, &got);
    return 0;
}

static int read_check(const struct fop *fop)
{
    uint32_t size = fop->in.read.size;
    if (size == 0 || size > READ_MAX || fop->in.read.offset > (uint64_t)INT64_MAX - size)
        return -EINVAL;
    return fop->fd && fop->fd->is_dir ? -EISDIR : 0;
}

/* The end-of-file hint that read-ahead and io-cache of clients live on. */
static void read_mark_end(struct fop *fop, const struct stat *st)
{
    if (st->st_size == 0 || fop->in.read.offset + fop->in.read.size >= (uint64_t)st->st_size)
        fop->err = ENOENT;
}

int read_begin(struct posix *p, struct fop *fop, struct obj *o, bool wait)
{
    int r = read_check(fop);
    if (r == 0)
        r = open_file(p, fop, o);
    if (r < 0)
        return r;
    bool direct = is_direct(p, fop);
    size_t size = fop->in.read.size;
    if (size > PIECE) { /* memory for what is there, not for what is asked */
        uint64_t left = (uint64_t)o->st.st_size > fop->in.read.offset ? (uint64_t)o->st.st_size - fop->in.read.offset : 0;
        size = min_of(size, (size_t)max_of(left, (uint64_t)1));
        if (direct)
            size = min_of((size + DIRECT_ALIGN - 1) & ~(size_t)(DIRECT_ALIGN - 1), (size_t)fop->in.read.size);
    }
    return read_buffers(p, &fop->out.data, size, direct);
}

int read_end(struct posix *p, struct fop *fop, struct obj *o, ssize_t n)
{
    int r = (size_t)n < fop->out.data.len ? read_trim(&fop->out.data, (size_t)n) : 0;
    if (r < 0)
        return r;
    mdata_touch(o, &fop->cred, fop->cred.time_flags);
    r = obj_iatt_now(o, &fop->out.stat);
    if (r < 0)
        return r;
    read_mark_end(fop, &o->st);
    return (int)n;
}

int op_read(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = read_begin(p, fop, &o, true);
    ssize_t n = r < 0 ? r : data_transfer(p, fop, &o, 0);
    return n < 0 ? (int)n : read_end(p, fop, &o, n);
}

int op_read_try(struct posix *p, struct fop *fop)
{
    struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    if (!f || f->fd < 0 || f->is_dir || read_check(fop) < 0 || fop->in.read.size > PIECE || fop->cred.time_flags || is_direct(p, fop))
        return -EAGAIN;
    int r = read_buffers(p, &fop->out.data, fop->in.read.size, false);
    ssize_t n = r < 0 ? r : transfer(preadv2, f->fd, &fop->out.data, fop->out.data.len, (off_t)fop->in.read.offset, 0, RWF_NOWAIT);
    r = n < 0 ? -EAGAIN : op_stat_try(p, fop);
    /* Part of it may have to come from the disk. */
    if (r == 0 && (size_t)n < fop->in.read.size && fop->in.read.offset + (uint64_t)n < fop->out.stat.size)
        r = -EAGAIN;
    if (r == 0 && (size_t)n < fop->out.data.len)
        r = read_trim(&fop->out.data, (size_t)n);
    if (r < 0) {
        slicev_done(&fop->out.data);
        return -EAGAIN;
    }
    read_mark_end(fop, &(struct stat){.st_size = (off_t)fop->out.stat.size});
    return (int)n;
}

/* ---- WRITE ---- */

int write_aligned(struct posix *p, const struct fop *fop, struct slicev *ret)
{
    size_t size = fop->in.write.size;
    struct iobuf *b = iobuf_new(p->process->env.bufs, max_of(size, POOLED));
    if (!b)
        return -ENOMEM;
    slicev_copy_out(&fop->in.write.data, 0, b->data, size);
    return slicev_add(ret, slice_of(b, size));
}

static int write_check(const struct fop *fop)
{
    if (fop->in.write.offset > (uint64_t)INT64_MAX - fop->in.write.size)
        return -EFBIG;
    if (fop->in.write.data.len != fop->in.write.size)
        return -EINVAL;
    return fop->fd && fop->fd->is_dir ? -EISDIR : 0;
}

/* A full brick takes what needs no new blocks. */
static int write_space(struct posix *p, const struct fop *fop, const struct stat *st)
{
    if (!space_full(p))
        return 0;
    bool inside = fop->in.write.offset + fop->in.write.size <= (uint64_t)st->st_size &&
                  (uint64_t)st->st_blocks * 512 >= (uint64_t)st->st_size;
    return inside ? 0 : space_check(p, fop);
}

static int write_guards(struct obj *o, const struct fop *fop)
{
    const struct dict_pair *protect = dict_find(fop->xdata, XATTR_PROTECT);
    if (dict_find(fop->xdata, "glusterfs.avoid.overwrite") && obj_getxattr(o, XATTR_PROTECT, NULL, 0) >= 0)
        return -EBUSY;
    if (!protect)
        return 0;
    char text[32];
    size_t len;
    const void *bytes = pair_bytes(protect, text, &len);
    return bytes ? obj_setxattr(o, XATTR_PROTECT, bytes, len, 0) : -EINVAL;
}

static void write_reply(struct fop *fop, struct obj *o, bool appended)
{
    if (!fop->xdata)
        return;
    const char *key[] = {"glusterfs.open-fd-count", "glusterfs.open-active-fd-count"};
    for (unsigned int i = 0; i < array_len(key); i++)
        if (dict_find(fop->xdata, key[i]) && fop_xdata_out(fop))
            dict_set_u64(fop->xdata_out, key[i], node_fds(o->node));
    if (dict_find(fop->xdata, "glusterfs.write-is-append") && fop_xdata_out(fop))
        dict_set_u64(fop->xdata_out, "glusterfs.write-is-append", appended);
}

int write_begin(struct posix *p, struct fop *fop, struct obj *o, bool wait)
{
    int r = write_check(fop);
    if (r == 0)
        r = open_file(p, fop, o);
    if (r == 0)
        r = write_space(p, fop, &o->st);
    if (r == 0 && fop->xdata)
        r = write_guards(o, fop);
    if (r == 0 && !wait)
        return obj_iatt_try(o, &fop->out.pre) ? 0 : -EAGAIN;
    if (r == 0)
        obj_iatt(o, &fop->out.pre);
    return r;
}

int write_end(struct posix *p, struct fop *fop, struct obj *o, ssize_t n)
{
    const struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    bool appended = (f && f->flags & O_APPEND) || fop->in.write.offset == (uint64_t)o->st.st_size; /* o->st is of before */
    mdata_touch(o, &fop->cred, fop->cred.time_flags);
    int r = obj_iatt_now(o, &fop->out.post);
    if (r < 0)
        return r;
    write_reply(fop, o, appended);
    return (int)n;
}

bool write_alone(const struct fop *fop)
{
    return dict_find(fop->xdata, "glusterfs.write-is-append") || dict_find(fop->xdata, "glusterfs.write-update-atomic");
}

int op_write(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = write_begin(p, fop, &o, true);
    if (r < 0)
        return r;
    bool alone = write_alone(fop);
    if (alone) {
        pthread_mutex_lock(&o.node->lock);
        if (obj_restat(&o) == 0)
            fop->out.pre.size = (uint64_t)o.st.st_size;
    }
    ssize_t n = data_transfer(p, fop, &o, 0);
    if (alone)
        pthread_mutex_unlock(&o.node->lock);
    return n < 0 ? (int)n : write_end(p, fop, &o, n);
}

/* Linux 6.13 and later on XFS: a file's times have to be changed by each write that follows a stat, and RWF_NOWAIT does not do that, so
 * that no try of ours is ever successful. From the 32nd miss in a row on, only each 64th write is tried: is it still so? */
#define MISSES 32
#define TRY_EACH 64
bool write_try_worth(struct posix *p)
{
    unsigned int misses = atomic_load_explicit(&p->write_misses, memory_order_relaxed);

    if (misses < MISSES || misses % TRY_EACH == 0)
        return true;
    atomic_store_explicit(&p->write_misses, misses + 1, memory_order_relaxed);
    return false;
}

void write_tried(struct posix *p, bool done)
{
    unsigned int misses = atomic_load_explicit(&p->write_misses, memory_order_relaxed);

    if (!done || misses)
        atomic_store_explicit(&p->write_misses, done ? 0 : misses + 1, memory_order_relaxed);
}

/* Worth a try only where no time record follows (that is a write to the journal) and the file system can say "it would wait". */
static bool may_try_write(struct posix *p, struct fop *fop, const struct pfd *f)
{
    if (!f || f->fd < 0 || atomic_load_explicit(&p->no_nowait_write, memory_order_relaxed))
        return false;
    if ((LIVE(p, ctime) && fop->cred.time_flags) || fop->xdata || fop->in.write.flags & (O_SYNC | O_DSYNC))
        return false;
    return write_check(fop) >= 0 && !is_direct(p, fop) && !space_full(p) && write_try_worth(p);
}

int op_write_try(struct posix *p, struct fop *fop)
{
    struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    if (!may_try_write(p, fop, f))
        return -EAGAIN;
    struct fop_out *out = &fop->out;
    int r = op_stat_try(p, fop);
    if (r < 0)
        return -EAGAIN;
    out->pre = out->stat;
    ssize_t n = transfer(pwritev2, f->fd, &fop->in.write.data, fop->in.write.size, (off_t)fop->in.write.offset, 0,
                         RWF_NOWAIT);
    if (n == -EOPNOTSUPP) /* partner: the load in may_try_write(); a late look costs one more try */
        atomic_store_explicit(&p->no_nowait_write, true, memory_order_relaxed);
    write_tried(p, n >= 0);
    if (n < 0 || (size_t)n < fop->in.write.size) { /* the worker writes all of it again: the same bytes, unless it appends */
        if (n <= 0 || !(f->flags & O_APPEND))
            return -EAGAIN;
    }
    r = op_stat_try(p, fop);
    if (r == 0)
        out->post = out->stat;
    memset(&out->stat, 0, sizeof(out->stat));
    return (int)n;
}

/* ---- the transfer itself ---- */

bool data_aligned(const struct fop *fop)
{
    return (fop->op == FOP_WRITE ? fop->in.write.offset | fop->in.write.size : fop->in.read.offset | fop->in.read.size) % DIRECT_ALIGN == 0;
}

/* With an engine asked for, what the disk's blocks do not fit goes through the page cache, as with stock, which takes O_DIRECT off the
 * descriptor for that while. Others use it meanwhile: ours is another one of the same file. */
static int without_direct(struct posix *p, const struct fop *fop, struct obj *o)
{
    return obj_open(o, pfd_of(p, fop->fd)->flags & (O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC));
}

ssize_t data_transfer(struct posix *p, struct fop *fop, struct obj *o, size_t done)
{
    bool write = fop->op == FOP_WRITE, direct = is_direct(p, fop);
    const struct slicev *sv = write ? &fop->in.write.data : &fop->out.data;
    off_t offset = (off_t)(write ? fop->in.write.offset : fop->in.read.offset);
    struct slicev copy = {.n = 0};
    int fd = o->fd;
    if (direct && (LIVE(p, linux_aio) || LIVE(p, linux_io_uring)) && !data_aligned(fop)) {
        fd = without_direct(p, fop, o);
        if (fd < 0)
            return fd;
    } else if (direct && write) {
        int r = write_aligned(p, fop, &copy);
        if (r < 0)
            return r;
        sv = &copy;
    }
    ssize_t n = transfer(write ? pwritev2 : preadv2, fd, sv, sv->len, offset, done, 0);
    if (n >= 0 && write && fop->in.write.flags & (O_SYNC | O_DSYNC) && fsync(fd) < 0)
        n = -errno;
    if (fd != o->fd)
        close(fd);
    slicev_done(&copy);
    return n;
}

/* ---- the rest ---- */

int op_truncate(struct posix *p, struct fop *fop)
{
    OBJ(o);
    if (fop->in.truncate.offset > INT64_MAX)
        return -EINVAL;
    int r = obj_of_fop(p, fop, &o);
    if (r < 0)
        return r;
    if (S_ISDIR(o.st.st_mode))
        return -EISDIR;
    obj_iatt(&o, &fop->out.pre);
    if (o.kind == OBJ_FD) {
        r = ftruncate(o.fd, (off_t)fop->in.truncate.offset) < 0 ? -errno : 0;
    } else {
        int fd = obj_open(&o, O_WRONLY);
        if (fd < 0)
            return fd;
        r = ftruncate(fd, (off_t)fop->in.truncate.offset) < 0 ? -errno : 0;
        close(fd);
    }
    if (r < 0)
        return r;
    mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    return obj_iatt_now(&o, &fop->out.post);
}

int op_flush(struct posix *p, struct fop *fop)
{
    return !fop->fd || fop->fd->anonymous || pfd_of(p, fop->fd) ? 0 : -EINVAL;
}

int op_flush_try(struct posix *p, struct fop *fop)
{
    return op_flush(p, fop);
}

int op_seek(struct posix *p, struct fop *fop)
{
    OBJ(o);
    if (fop->in.seek.what != 0 && fop->in.seek.what != 1)
        return -ENOTSUP;
    if (fop->in.seek.offset > INT64_MAX)
        return -ENXIO; /* what lseek() says of negative ones */
    int r = open_file(p, fop, &o);
    if (r < 0)
        return r;
    off_t at = lseek(o.fd, (off_t)fop->in.seek.offset, fop->in.seek.what ? SEEK_HOLE : SEEK_DATA); /* reads and writes use no position */
    if (at < 0)
        return -errno;
    fop->out.offset = (uint64_t)at;
    return 0;
}

int op_readlink(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = obj_of_inode(p, fop->loc.inode, &o);
    if (r < 0)
        return r;
    if (!S_ISLNK(o.st.st_mode) || o.kind != OBJ_HANDLE)
        return -EINVAL;
    char text[PATH_MAX];
    ssize_t n = readlinkat(o.fd, o.name, text, min_of(sizeof(text), (size_t)fop->in.readlink.size));
    if (n < 0)
        return -errno;
    fop->out.path = fop_str(fop, text, (size_t)n);
    if (!fop->out.path)
        return -ENOMEM;
    obj_iatt(&o, &fop->out.stat);
    return (int)n;
}
