/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests that are about a name in a directory. What they make gets its gfid here: the storage sets the one that it is given. */
#include <string.h>

#include "mount-impl.h"

/* .glusterfs in the root is not of the volume. */
static bool is_private(const struct mount *m, fuse_ino_t parent, const char *name)
{
    return parent == FUSE_ROOT_ID && strcmp(name, ".glusterfs") == 0;
}

/* With parent and name. NULL: answered. */
static struct request *request_entry(fuse_req_t req, enum fop_op op, fuse_ino_t parent, const char *name, bool makes)
{
    struct mount *m = fuse_req_userdata(req);
    struct request *r;
    int failed;

    if (is_private(m, parent, name)) {
        fuse_reply_err(req, EPERM);
        return NULL;
    }
    r = request_new(req, op);
    if (!r)
        return NULL;
    r->op.parent = node_of(m, parent);
    failed = request_name(r, r->op.fop->loc.name, name);
    if (!failed && makes)
        failed = request_gfid(r);
    if (!failed)
        return r;
    answer_err(r, -failed);
    return NULL;
}

static void answer_new(struct request *r)
{
    if (!request_failed(r))
        answer_entry(r, &r->op.fop->out.stat);
}

static void answer_done(struct request *r)
{
    answer_err_of(r);
}

static void looked_up(struct request *r)
{
    const struct fop *fop = r->op.fop;
    double keep = r->mount->conf.negative_timeout;

    if (fop->ret < 0 && fop->err == ENOENT && keep > 0)
        answer_no_entry(r, keep);
    else
        answer_new(r);
}

HANDLER(lookup, fuse_ino_t parent, const char *name)
{
    struct request *r = request_entry(req, FOP_LOOKUP, parent, name, true); /* an object that lost its gfid gets this one */

    if (r)
        request_go(r, looked_up);
}

HANDLER(forget, fuse_ino_t ino, uint64_t n)
{
    struct vnode *vn = node_of(fuse_req_userdata(req), ino);

    vnode_uncount(vn, n);
    vnode_unref(vn);
    fuse_reply_none(req);
}

HANDLER(forget_multi, size_t count, struct fuse_forget_data *forgets)
{
    for (size_t i = 0; i < count; i++) {
        struct vnode *vn = node_of(fuse_req_userdata(req), forgets[i].ino);

        vnode_uncount(vn, forgets[i].nlookup);
        vnode_unref(vn);
    }
    fuse_reply_none(req);
}

HANDLER(mknod, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
    struct request *r = request_entry(req, FOP_MKNOD, parent, name, true);

    if (!r)
        return;
    r->op.fop->in.mknod.mode = mode;
    r->op.fop->in.mknod.umask = fuse_req_ctx(req)->umask;
    r->op.fop->in.mknod.rdev = rdev;
    request_go(r, answer_new);
}

HANDLER(mkdir, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct request *r = request_entry(req, FOP_MKDIR, parent, name, true);

    if (!r)
        return;
    r->op.fop->in.mkdir.mode = mode;
    r->op.fop->in.mkdir.umask = fuse_req_ctx(req)->umask;
    request_go(r, answer_new);
}

HANDLER(symlink, const char *target, fuse_ino_t parent, const char *name)
{
    struct request *r = request_entry(req, FOP_SYMLINK, parent, name, true);

    if (!r)
        return;
    r->op.fop->in.symlink.umask = fuse_req_ctx(req)->umask;
    r->op.fop->in.symlink.target = fop_str(r->op.fop, target, strlen(target));
    if (r->op.fop->in.symlink.target)
        request_go(r, answer_new);
    else
        answer_err(r, ENOMEM);
}

HANDLER(unlink, fuse_ino_t parent, const char *name)
{
    struct request *r = request_entry(req, FOP_UNLINK, parent, name, false);

    if (r)
        request_go(r, answer_done);
}

HANDLER(rmdir, fuse_ino_t parent, const char *name)
{
    struct request *r = request_entry(req, FOP_RMDIR, parent, name, false);

    if (r)
        request_go(r, answer_done);
}

HANDLER(rename, fuse_ino_t parent, const char *name, fuse_ino_t parent2, const char *name2, unsigned int flags)
{
    struct mount *m = fuse_req_userdata(req);
    struct request *r;
    int failed;

    if (flags || is_private(m, parent2, name2)) {
        fuse_reply_err(req, flags ? ENOSYS : EPERM); /* the kernel then says EINVAL to all such */
        return;
    }
    r = request_entry(req, FOP_RENAME, parent, name, false);
    if (!r)
        return;
    r->op.parent2 = node_of(m, parent2);
    failed = request_name(r, r->op.fop->loc2.name, name2);
    if (failed)
        answer_err(r, -failed);
    else
        request_go(r, answer_done);
}

static void linked(struct request *r)
{
    if (request_failed(r))
        return;
    r->op.out_node = r->op.node; /* the same object under one more name */
    r->op.node = NULL;
    answer_entry(r, &r->op.fop->out.stat);
}

HANDLER(link, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    struct mount *m = fuse_req_userdata(req);
    struct request *r;
    int failed;

    if (is_private(m, parent, name)) {
        fuse_reply_err(req, EPERM);
        return;
    }
    r = request_new(req, FOP_LINK);
    if (!r)
        return;
    r->op.node = node_of(m, ino);
    r->op.parent2 = node_of(m, parent);
    failed = request_name(r, r->op.fop->loc2.name, name);
    if (failed)
        answer_err(r, -failed);
    else
        request_go(r, linked);
}

static void created(struct request *r)
{
    if (!request_failed(r))
        answer_open(r, true);
}

HANDLER(create, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
    struct request *r = request_entry(req, FOP_CREATE, parent, name, true);

    if (!r)
        return;
    r->open.flags = fi->flags;
    r->op.fop->in.create.flags = flags_for_brick(r->mount, fi->flags);
    r->op.fop->in.create.mode = mode;
    r->op.fop->in.create.umask = fuse_req_ctx(req)->umask;
    request_go(r, created);
}
