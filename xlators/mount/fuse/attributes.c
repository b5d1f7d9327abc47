/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests about what an object is. */
#include <time.h>

#include "mount-impl.h"

static struct request *request_object(fuse_req_t req, enum fop_op op, fuse_ino_t ino)
{
    struct request *r = request_new(req, op);

    if (r)
        r->op.node = node_of(r->mount, ino);
    return r;
}

static void answer_stat(struct request *r)
{
    if (!request_failed(r))
        answer_attr(r, &r->op.fop->out.stat);
}

/* The kernel seldom says by which descriptor it asks. An open file that has lost its last name may be known to the brick by its descriptors
 * only: then any of them will do. */
static struct vfile *some_file(struct mount *m, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct vnode *vn;
    struct vfile *f;

    if (fi && fi->fh)
        return vfile_ref(file_of(fi));
    vn = node_of(m, ino);
    f = vnode_type(vn) == S_IFREG ? vnode_file(vn) : NULL;
    vnode_unref(vn);
    return f;
}

HANDLER(getattr, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct vfile *f = some_file(fuse_req_userdata(req), ino, fi);
    struct request *r = f ? request_new(req, FOP_FSTAT) : request_object(req, FOP_STAT, ino);

    if (r) {
        r->op.file = f;
        request_go(r, answer_stat);
    } else {
        vfile_unref(f);
    }
}

/* ---- setattr: the size first, then the rest, as two operations ----------------------------------------------------------- */

static void answer_post(struct request *r)
{
    if (!request_failed(r))
        answer_attr(r, &r->op.fop->out.post);
}

static struct timespec now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts;
}

static void set_attributes(fuse_req_t req, fuse_ino_t ino, const struct stat *attr, int to_set, struct vfile *f)
{
    struct request *r = request_new(req, f ? FOP_FSETATTR : FOP_SETATTR);
    struct timespec atime = to_set & FUSE_SET_ATTR_ATIME_NOW ? now() : attr->st_atim;
    struct timespec mtime = to_set & FUSE_SET_ATTR_MTIME_NOW ? now() : attr->st_mtim;
    struct iatt *st;
    int valid = 0;

    if (!r)
        return;
    if (f)
        r->op.file = vfile_ref(f);
    else
        r->op.node = node_of(r->mount, ino);
    st = &r->op.fop->in.setattr.stat;
    valid |= to_set & FUSE_SET_ATTR_MODE ? SET_MODE : 0;
    valid |= to_set & FUSE_SET_ATTR_UID ? SET_UID : 0;
    valid |= to_set & FUSE_SET_ATTR_GID ? SET_GID : 0;
    valid |= to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW) ? SET_ATIME : 0;
    valid |= to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW) ? SET_MTIME : 0;
    valid |= to_set & FUSE_SET_ATTR_ATIME_NOW ? SET_ATIME_NOW : 0;
    valid |= to_set & FUSE_SET_ATTR_MTIME_NOW ? SET_MTIME_NOW : 0;
    valid |= to_set & FUSE_SET_ATTR_CTIME ? SET_CTIME : 0;
    *st = (struct iatt){
        .mode = attr->st_mode,
        .uid = attr->st_uid,
        .gid = attr->st_gid,
        .atime = atime.tv_sec,
        .atime_nsec = (uint32_t)atime.tv_nsec,
        .mtime = mtime.tv_sec,
        .mtime_nsec = (uint32_t)mtime.tv_nsec,
        .ctime = attr->st_ctim.tv_sec,
        .ctime_nsec = (uint32_t)attr->st_ctim.tv_nsec,
    };
    r->op.fop->in.setattr.valid = valid;
    request_go(r, answer_post);
}

static void truncated(struct request *r)
{
    struct stat attr = r->setattr.attr;
    int rest = r->setattr.to_set & ~FUSE_SET_ATTR_SIZE;
    fuse_req_t req = r->req;
    struct vfile *f;
    fuse_ino_t ino;
    int channel;

    if (request_failed(r))
        return;
    if (!(rest & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME |
                  FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW | FUSE_SET_ATTR_CTIME))) {
        answer_attr(r, &r->op.fop->out.post);
        return;
    }
    f = r->op.file ? vfile_ref(r->op.file) : NULL;
    ino = r->op.node ? ino_of(r->mount, r->op.node) : 0; /* the kernel has counted it while it waits for us */
    channel = channel_set(r->channel);
    request_drop(r);
    set_attributes(req, ino, &attr, rest, f);
    channel_set(channel);
    vfile_unref(f);
}

HANDLER(setattr, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
    struct vfile *f = fi && fi->fh ? file_of(fi) : NULL;
    struct request *r;

    if (!(to_set & FUSE_SET_ATTR_SIZE)) {
        set_attributes(req, ino, attr, to_set, f);
        return;
    }
    r = request_new(req, f ? FOP_FTRUNCATE : FOP_TRUNCATE);
    if (!r)
        return;
    if (f)
        r->op.file = vfile_ref(f);
    else
        r->op.node = node_of(r->mount, ino);
    r->op.fop->in.truncate.offset = (uint64_t)attr->st_size;
    r->setattr.attr = *attr;
    r->setattr.to_set = to_set;
    request_go(r, truncated);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------ */

static void answer_target(struct request *r)
{
    if (request_failed(r))
        return;
    if (r->op.fop->out.path)
        answer_readlink(r, r->op.fop->out.path);
    else
        answer_err(r, EIO);
}

HANDLER(readlink, fuse_ino_t ino)
{
    struct request *r = request_object(req, FOP_READLINK, ino);

    if (!r)
        return;
    r->op.fop->in.readlink.size = 4096;
    request_go(r, answer_target);
}

HANDLER(access, fuse_ino_t ino, int mask)
{
    struct request *r = request_object(req, FOP_ACCESS, ino);

    if (!r)
        return;
    r->op.fop->in.access.mask = (uint32_t)mask;
    request_go(r, answer_err_of);
}

static void answer_space(struct request *r)
{
    if (!request_failed(r))
        answer_statfs(r, &r->op.fop->out.statfs);
}

HANDLER(statfs, fuse_ino_t ino)
{
    struct request *r = request_object(req, FOP_STATFS, ino ? ino : FUSE_ROOT_ID);

    if (r)
        request_go(r, answer_space);
}
