/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* alloc.c: FALLOCATE, DISCARD, ZEROFILL, COPY_FILE_RANGE, RCHECKSUM: operations on ranges (spec brick 2.5). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "posix.h"

#define ZEROS (64 * KiB)

static int range_check(const struct fop *fop)
{
    uint64_t off = fop->in.fallocate.offset, len = fop->in.fallocate.len;
    if (len == 0 || off > INT64_MAX || len > INT64_MAX)
        return -EINVAL;
    return len > (uint64_t)INT64_MAX - off ? -EFBIG : 0;
}

static int write_zeros(struct obj *o, off_t off, off_t len)
{
    static const char zeros[ZEROS];
    while (len > 0) {
        ssize_t n = pwrite(o->fd, zeros, (size_t)min_of(len, (off_t)ZEROS), off);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        off += n;
        len -= n;
    }
    return 0;
}

/* inside: the range lies in the file, so a full brick may do it (spec brick 1.11). */
static int range_op(struct posix *p, struct fop *fop, int mode, bool zero)
{
    OBJ(o);
    int r = range_check(fop);
    if (r == 0)
        r = obj_of_fd(p, fop->fd, fop->loc.inode, &o);
    if (r < 0)
        return r;
    off_t off = (off_t)fop->in.fallocate.offset, len = (off_t)fop->in.fallocate.len;
    bool keep = fop->op == FOP_FALLOCATE && fop->in.fallocate.flags & FALLOC_FL_KEEP_SIZE;
    bool inside = off + len <= o.st.st_size;
    if (!keep && !(inside && fop->op != FOP_DISCARD)) {
        space_look(p); /* these take much at once, so nobody goes by what was seen seconds ago */
        r = space_check(p, fop);
    }
    if (r < 0)
        return r;
    obj_iatt(&o, &fop->out.pre);
    r = fallocate(o.fd, mode, off, len) < 0 ? -errno : 0;
    if (zero && (r == -EOPNOTSUPP || r == -ENOSYS))
        r = write_zeros(&o, off, len);
    const struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    if (r == 0 && zero && f && f->flags & (O_SYNC | O_DSYNC) && fsync(o.fd) < 0)
        r = -errno;
    if (r < 0)
        return r;
    mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    return obj_iatt_now(&o, &fop->out.post);
}

int op_fallocate(struct posix *p, struct fop *fop)
{
    return range_op(p, fop, fop->in.fallocate.flags & FALLOC_FL_KEEP_SIZE, false);
}

int op_discard(struct posix *p, struct fop *fop)
{
    return range_op(p, fop, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, false);
}

int op_zerofill(struct posix *p, struct fop *fop)
{
    return range_op(p, fop, FALLOC_FL_ZERO_RANGE, true);
}

int op_copy_file_range(struct posix *p, struct fop *fop)
{
    OBJ(from);
    OBJ(to);
    if (fop->in.copy.off_in > INT64_MAX || fop->in.copy.off_out > INT64_MAX)
        return -EINVAL;
    int r = space_check(p, fop);
    if (r == 0)
        r = obj_of_fd(p, fop->fd, fop->loc.inode, &from);
    if (r == 0)
        r = obj_of_fd(p, fop->fd2, fop->loc2.inode, &to);
    if (r < 0)
        return r;
    obj_iatt(&to, &fop->out.pre);
    off_t in = (off_t)fop->in.copy.off_in, out = (off_t)fop->in.copy.off_out;
    ssize_t n = copy_file_range(from.fd, &in, to.fd, &out, fop->in.copy.size, fop->in.copy.flags);
    if (n < 0)
        return -errno;
    mdata_touch(&to, &fop->cred, fop->cred.time_flags);
    r = obj_iatt_now(&from, &fop->out.stat);
    if (r == 0)
        r = obj_iatt_now(&to, &fop->out.post);
    return r < 0 ? r : (int)n;
}

int op_rchecksum(struct posix *p, struct fop *fop)
{
    OBJ(o);
    uint32_t len = fop->in.rchecksum.len;
    if (len == 0 || len > READ_MAX || fop->in.rchecksum.offset > INT64_MAX)
        return -EINVAL;
    int r = obj_of_fd(p, fop->fd, fop->loc.inode, &o);
    if (r < 0)
        return r;
    uint8_t *buf = malloc(len);
    if (!buf)
        return -ENOMEM;
    ssize_t n = pread(o.fd, buf, len, (off_t)fop->in.rchecksum.offset);
    if (n < 0)
        r = -errno;
    if (n >= 0) {
        bool zeroes = true, fips = LIVE(p, fips_rchecksum);
        for (ssize_t i = 0; i < n && zeroes; i++)
            zeroes = buf[i] == 0;
        if (dict_find(fop->xdata, "check-zero-filled") && zeroes && fop_xdata_out(fop))
            dict_set_u64(fop->xdata_out, "buf-has-zeroes", 1);
        fop->out.weak = (uint32_t)adler32(0, buf, (uInt)n); /* started with 0, not with adler32(0, NULL, 0) */
        memset(fop->out.strong, 0, sizeof(fop->out.strong));
        if (EVP_Digest(buf, (size_t)n, fop->out.strong, NULL, fips ? EVP_sha256() : EVP_md5(), NULL) != 1)
            r = -EIO;
        if (fips && fop_xdata_out(fop))
            dict_set_i64(fop->xdata_out, "fips-mode-rchecksum", 1);
        mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    }
    free(buf);
    return r;
}
