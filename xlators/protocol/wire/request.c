/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* request.c: request structures into fops; see fopwire.h. Each function is one shape of request, in the order of fop400.x. */
#include "request.h"

#include <errno.h>
#include <fcntl.h>

int32_t wire_open_flags(uint32_t wire)
{
    static const struct {
        uint32_t wire;
        int32_t host;
    } bits[] = {
        {0100, O_CREAT},       {0200, O_EXCL},         {0400, O_NOCTTY},      {01000, O_TRUNC},     {02000, O_APPEND},
        {04000, O_NONBLOCK},   {010000, O_SYNC},       {020000, O_ASYNC},     {040000, O_DIRECT},   {0100000, O_LARGEFILE},
        {0200000, O_DIRECTORY}, {0400000, O_NOFOLLOW}, {01000000, O_NOATIME}, {02000000, O_CLOEXEC}, {OPEN_FOR_EXEC, OPEN_FOR_EXEC},
    };
    int32_t host = (int32_t)(wire & O_ACCMODE);

    for (size_t i = 0; i < array_len(bits); i++)
        if (wire & bits[i].wire)
            host |= bits[i].host;
    return host;
}

static int take_str(struct fop *fop, struct wire_str s, const char **ret)
{
    const char *text = fop_str(fop, s.at, s.len);

    if (!text)
        return -ENOMEM;
    *ret = text;
    return 0;
}

/* Attribute names: 255 bytes are what Linux takes. */
static int take_attr_name(struct fop *fop, struct wire_str s, const char **ret)
{
    return s.len > FOP_NAME_MAX ? -ERANGE : take_str(fop, s, ret);
}

static int take_flock(const struct wire_flock *w, uint32_t type, struct flock_range *ret)
{
    if (w->owner.len > sizeof(ret->owner))
        return -EINVAL;
    *ret = (struct flock_range){
        .type = type,
        .whence = w->whence,
        .start = (int64_t)w->start,
        .len = (int64_t)w->len,
        .pid = w->pid,
        .owner_len = w->owner.len,
    };
    if (w->owner.len)
        memcpy(ret->owner, w->owner.at, w->owner.len);
    return 0;
}

static void names(struct wire_object *obj, gfid_t parent, struct wire_str name)
{
    obj->gfid = parent;
    obj->name = name;
}

/* What almost every request starts with. */
#define TAKE(type) const struct type *r = req
#define TAKE_GFID(type) TAKE(type); obj[0].gfid = r->gfid
#define TAKE_FD(type) TAKE_GFID(type); obj[0].fd = r->fd

int gfid_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_gfid_req);
    return 0;
}

int fd_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fd_req);
    return 0;
}

int readlink_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_readlink_req);
    fop->in.readlink.size = r->size;
    return 0;
}

int mknod_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_mknod_req);
    names(&obj[0], r->pargfid, r->bname);
    fop->in.mknod.mode = r->mode & 0xffff;
    fop->in.mknod.umask = r->umask & 0777;
    fop->in.mknod.rdev = r->dev;
    return 0;
}

int mkdir_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_mkdir_req);
    names(&obj[0], r->pargfid, r->bname);
    fop->in.mkdir.mode = r->mode & 07777;
    fop->in.mkdir.umask = r->umask & 0777;
    return 0;
}

int unlink_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_unlink_req);
    names(&obj[0], r->pargfid, r->bname);
    fop->in.unlink.flags = r->xflags;
    return 0;
}

int rmdir_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_rmdir_req);
    names(&obj[0], r->pargfid, r->bname);
    fop->in.rmdir.flags = (uint32_t)r->xflags;
    return 0;
}

int symlink_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_symlink_req);
    names(&obj[0], r->pargfid, r->bname);
    fop->in.symlink.umask = r->umask & 0777;
    return take_str(fop, r->linkname, &fop->in.symlink.target);
}

int rename_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_rename_req);
    names(&obj[0], r->oldgfid, r->oldbname);
    names(&obj[1], r->newgfid, r->newbname);
    return 0;
}

int link_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_link_req);
    obj[0].gfid = r->oldgfid;
    names(&obj[1], r->newgfid, r->newbname);
    return 0;
}

int truncate_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_truncate_req);
    fop->in.truncate.offset = r->offset;
    return r->offset > INT64_MAX ? -EINVAL : 0;
}

int open_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_open_req);
    fop->in.open.flags = wire_open_flags(r->flags);
    return 0;
}

int read_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_rw_req);
    fop->in.read.offset = r->offset;
    fop->in.read.size = r->size;
    fop->in.read.flags = (int32_t)r->flag;
    return r->offset > INT64_MAX ? -EINVAL : 0;
}

int write_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_rw_req);
    fop->in.write.offset = r->offset;
    fop->in.write.size = r->size;
    fop->in.write.flags = (int32_t)r->flag;
    return r->offset > INT64_MAX ? -EINVAL : 0;
}

int fsync_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fsync_req);
    fop->in.fsync.data_only = r->data != 0;
    return 0;
}

int setxattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_setxattr_req);
    fop->in.setxattr.flags = (int32_t)r->flags;
    return wire_dict_open(&r->dict, &fop->in.setxattr.dict);
}

int fsetxattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fsetxattr_req);
    fop->in.setxattr.flags = (int32_t)r->flags;
    return wire_dict_open(&r->dict, &fop->in.setxattr.dict);
}

int getxattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_getxattr_req);
    return r->namelen ? take_attr_name(fop, r->name, &fop->in.getxattr.name) : 0;
}

int fgetxattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fgetxattr_req);
    return r->namelen ? take_attr_name(fop, r->name, &fop->in.getxattr.name) : 0;
}

int removexattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_removexattr_req);
    return take_attr_name(fop, r->name, &fop->in.removexattr.name);
}

int fremovexattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fremovexattr_req);
    return take_attr_name(fop, r->name, &fop->in.removexattr.name);
}

int access_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_access_req);
    fop->in.access.mask = r->mask;
    return 0;
}

int create_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_create_req);
    names(&obj[0], r->pargfid, r->bname);
    fop->in.create.flags = wire_open_flags(r->flags);
    fop->in.create.mode = r->mode & 07777; /* type bits may be there and mean nothing */
    fop->in.create.umask = r->umask & 0777;
    return 0;
}

int ftruncate_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_ftruncate_req);
    fop->in.truncate.offset = r->offset;
    return r->offset > INT64_MAX ? -EINVAL : 0;
}

int lk_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_lk_req);
    fop->in.lk.cmd = r->cmd;
    return take_flock(&r->flock, r->type, &fop->in.lk.flock);
}

int lookup_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_lookup_req);
    names(&obj[0], r->bname.len ? r->pargfid : r->gfid, r->bname);
    return 0;
}

int readdir_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_readdir_req);
    fop->in.readdir.offset = r->offset;
    fop->in.readdir.size = r->size;
    return 0;
}

int inodelk_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_inodelk_req);
    fop->in.inodelk.cmd = r->cmd;
    int err = take_flock(&r->flock, r->type, &fop->in.inodelk.flock);
    return err < 0 ? err : take_str(fop, r->volume, &fop->in.inodelk.domain);
}

int finodelk_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_finodelk_req);
    fop->in.inodelk.cmd = r->cmd;
    int err = take_flock(&r->flock, r->type, &fop->in.inodelk.flock);
    return err < 0 ? err : take_str(fop, r->volume, &fop->in.inodelk.domain);
}

static int take_entrylk(struct fop *fop, uint32_t cmd, uint32_t type, struct wire_str domain, bool has_name, struct wire_str name)
{
    fop->in.entrylk.cmd = cmd;
    fop->in.entrylk.type = type;
    int err = take_str(fop, domain, &fop->in.entrylk.domain);
    return err < 0 || !has_name ? err : take_str(fop, name, &fop->in.entrylk.name);
}

int entrylk_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_entrylk_req);
    return take_entrylk(fop, r->cmd, r->type, r->volume, r->namelen != 0, r->name);
}

int fentrylk_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fentrylk_req);
    return take_entrylk(fop, r->cmd, r->type, r->volume, r->namelen != 0, r->name);
}

int xattrop_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_xattrop_req);
    fop->in.xattrop.flags = r->flags;
    return wire_dict_open(&r->dict, &fop->in.xattrop.dict);
}

int fxattrop_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fxattrop_req);
    fop->in.xattrop.flags = r->flags;
    return wire_dict_open(&r->dict, &fop->in.xattrop.dict);
}

int rchecksum_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_rchecksum_req);
    fop->in.rchecksum.offset = r->offset;
    fop->in.rchecksum.len = r->len;
    return r->offset > INT64_MAX ? -EINVAL : 0;
}

#define SET_ALL (SET_MODE | SET_UID | SET_GID | SET_SIZE | SET_ATIME | SET_MTIME | SET_CTIME | SET_ATIME_NOW | SET_MTIME_NOW)

int setattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_setattr_req);
    fop->in.setattr.stat = r->stbuf.st;
    fop->in.setattr.valid = r->valid & SET_ALL;
    return 0;
}

int fsetattr_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fsetattr_req);
    fop->in.setattr.stat = r->stbuf.st;
    fop->in.setattr.valid = r->valid & SET_ALL;
    return 0;
}

static int take_range(struct fop *fop, uint32_t flags, uint64_t offset, uint64_t len)
{
    fop->in.fallocate.flags = flags;
    fop->in.fallocate.offset = offset;
    fop->in.fallocate.len = len;
    if (offset > INT64_MAX || len > INT64_MAX)
        return -EINVAL;
    return len > INT64_MAX - offset ? -EFBIG : 0;
}

int fallocate_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_fallocate_req);
    return take_range(fop, r->flags, r->offset, r->size);
}

int range_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_range_req);
    return take_range(fop, 0, r->offset, r->size);
}

int ipc_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_ipc_req);
    fop->in.ipc.op = r->op;
    return 0;
}

int seek_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_FD(fop_seek_req);
    fop->in.seek.offset = r->offset;
    fop->in.seek.what = r->what;
    return r->offset > INT64_MAX ? -ENXIO : 0;
}

int lease_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_lease_req);
    fop->in.lease.lease = (struct lease){.cmd = r->lease.cmd, .type = r->lease.type, .flags = r->lease.flags};
    memcpy(fop->in.lease.lease.id, r->lease.id.b, sizeof(r->lease.id.b));
    return 0;
}

int setactivelk_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_setactivelk_req);
    wire_locks list = r->locks;
    struct wire_lock w;
    unsigned int n = 0;
    struct active_lock *locks = fop_alloc(fop, (list.count ? list.count : 1) * sizeof(*locks));

    if (!locks)
        return -ENOMEM;
    while (n < r->locks.count && wire_list_next(&list, &w)) {
        int err = take_flock(&w.flock, w.flock.type, &locks[n].flock);
        if (err < 0)
            return err;
        locks[n].client_uid = fop_str(fop, w.client_uid.at, w.client_uid.len);
        if (!locks[n].client_uid)
            return -ENOMEM;
        locks[n++].flags = w.lk_flags;
    }
    fop->in.setactivelk.locks = locks;
    fop->in.setactivelk.n = n;
    return 0;
}

int icreate_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE_GFID(fop_icreate_req);
    fop->in.icreate.mode = r->mode;
    return 0;
}

int namelink_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_namelink_req);
    names(&obj[0], r->pargfid, r->bname);
    return 0;
}

int copy_from_wire(const void *req, struct fop *fop, struct wire_object obj[2])
{
    TAKE(fop_copy_file_range_req);
    obj[0].gfid = r->gfid1;
    obj[0].fd = r->fd_in;
    obj[1].gfid = r->gfid2;
    obj[1].fd = r->fd_out;
    fop->in.copy.off_in = r->off_in;
    fop->in.copy.off_out = r->off_out;
    fop->in.copy.size = r->size;
    fop->in.copy.flags = r->flag;
    return r->off_in > INT64_MAX || r->off_out > INT64_MAX ? -EINVAL : 0;
}
