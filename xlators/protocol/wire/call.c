/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* call.c: fops into request structures, for protocol/client; see fopwire.h. Each function is one shape of request, in the order of
 * fop400.x, and undoes the function of the same shape in request.c. Texts and dicts stay the fop's; xdata is wire_call()'s. */
#include <fcntl.h>

#include "request.h"

/* What the wire has a bit for; O_SYNC is one there. The rest is dropped. */
uint32_t wire_open_flags_of(int32_t host)
{
    static const struct {
        int32_t host;
        uint32_t wire;
    } bits[] = {
        {O_CREAT, 0100},       {O_EXCL, 0200},         {O_NOCTTY, 0400},      {O_TRUNC, 01000},     {O_APPEND, 02000},
        {O_NONBLOCK, 04000},   {O_DSYNC, 010000},      {O_ASYNC, 020000},     {O_DIRECT, 040000},   {O_LARGEFILE, 0100000},
        {O_DIRECTORY, 0200000}, {O_NOFOLLOW, 0400000}, {O_NOATIME, 01000000}, {O_CLOEXEC, 02000000}, {OPEN_FOR_EXEC, OPEN_FOR_EXEC},
    };
    uint32_t wire = (uint32_t)(host & O_ACCMODE);

    for (size_t i = 0; i < array_len(bits); i++)
        if (bits[i].host && (host & bits[i].host))
            wire |= bits[i].wire;
    return wire;
}

struct wire_flock wire_flock_of(const struct flock_range *from)
{
    return (struct wire_flock){
        .type = from->type,
        .whence = from->whence,
        .start = (uint64_t)from->start,
        .len = (uint64_t)from->len,
        .pid = from->pid,
        .owner = {.at = from->owner, .len = from->owner_len},
    };
}

/* What almost every request starts with. */
#define GIVE(type) struct type *r = req
#define GIVE_GFID(type) GIVE(type); r->gfid = obj[0].gfid
#define GIVE_FD(type) GIVE_GFID(type); r->fd = obj[0].fd
#define GIVE_NAME(type) GIVE(type); r->pargfid = obj[0].gfid; r->bname = obj[0].name
#define SHAPE(name) void name##_to_req(const struct fop *fop, const struct wire_object obj[2], void *req)

SHAPE(gfid)
{
    GIVE_GFID(fop_gfid_req);
}

SHAPE(fd)
{
    GIVE_FD(fop_fd_req);
}

SHAPE(readlink)
{
    GIVE_GFID(fop_readlink_req);
    r->size = fop->in.readlink.size;
}

SHAPE(mknod)
{
    GIVE_NAME(fop_mknod_req);
    r->mode = fop->in.mknod.mode;
    r->umask = fop->in.mknod.umask;
    r->dev = fop->in.mknod.rdev;
}

SHAPE(mkdir)
{
    GIVE_NAME(fop_mkdir_req);
    r->mode = fop->in.mkdir.mode;
    r->umask = fop->in.mkdir.umask;
}

SHAPE(unlink)
{
    GIVE_NAME(fop_unlink_req);
    r->xflags = fop->in.unlink.flags;
}

SHAPE(rmdir)
{
    GIVE_NAME(fop_rmdir_req);
    r->xflags = (int32_t)fop->in.rmdir.flags;
}

SHAPE(symlink)
{
    GIVE_NAME(fop_symlink_req);
    r->umask = fop->in.symlink.umask;
    r->linkname = wire_str(fop->in.symlink.target);
}

SHAPE(rename)
{
    GIVE(fop_rename_req);
    r->oldgfid = obj[0].gfid;
    r->oldbname = obj[0].name;
    r->newgfid = obj[1].gfid;
    r->newbname = obj[1].name;
}

SHAPE(link)
{
    GIVE(fop_link_req);
    r->oldgfid = obj[0].gfid;
    r->newgfid = obj[1].gfid;
    r->newbname = obj[1].name;
}

SHAPE(truncate)
{
    GIVE_GFID(fop_truncate_req);
    r->offset = fop->in.truncate.offset;
}

SHAPE(open)
{
    GIVE_GFID(fop_open_req);
    r->flags = wire_open_flags_of(fop->in.open.flags);
}

SHAPE(read)
{
    GIVE_FD(fop_rw_req);
    r->offset = fop->in.read.offset;
    r->size = fop->in.read.size;
    r->flag = (uint32_t)fop->in.read.flags;
}

SHAPE(write)
{
    GIVE_FD(fop_rw_req);
    r->offset = fop->in.write.offset;
    r->size = fop->in.write.size;
    r->flag = (uint32_t)fop->in.write.flags;
}

SHAPE(fsync)
{
    GIVE_FD(fop_fsync_req);
    r->data = fop->in.fsync.data_only;
}

SHAPE(setxattr)
{
    GIVE_GFID(fop_setxattr_req);
    r->flags = (uint32_t)fop->in.setxattr.flags;
    r->dict = wire_dict_of(fop->in.setxattr.dict);
}

SHAPE(fsetxattr)
{
    GIVE_FD(fop_fsetxattr_req);
    r->flags = (uint32_t)fop->in.setxattr.flags;
    r->dict = wire_dict_of(fop->in.setxattr.dict);
}

SHAPE(getxattr)
{
    GIVE_GFID(fop_getxattr_req);
    r->namelen = fop->in.getxattr.name != NULL;
    r->name = wire_str(fop->in.getxattr.name);
}

SHAPE(fgetxattr)
{
    GIVE_FD(fop_fgetxattr_req);
    r->namelen = fop->in.getxattr.name != NULL;
    r->name = wire_str(fop->in.getxattr.name);
}

SHAPE(removexattr)
{
    GIVE_GFID(fop_removexattr_req);
    r->name = wire_str(fop->in.removexattr.name);
}

SHAPE(fremovexattr)
{
    GIVE_FD(fop_fremovexattr_req);
    r->name = wire_str(fop->in.removexattr.name);
}

SHAPE(access)
{
    GIVE_GFID(fop_access_req);
    r->mask = fop->in.access.mask;
}

SHAPE(create)
{
    GIVE_NAME(fop_create_req);
    r->flags = wire_open_flags_of(fop->in.create.flags);
    r->mode = fop->in.create.mode;
    r->umask = fop->in.create.umask;
}

SHAPE(ftruncate)
{
    GIVE_FD(fop_ftruncate_req);
    r->offset = fop->in.truncate.offset;
}

SHAPE(lk)
{
    GIVE_FD(fop_lk_req);
    r->cmd = fop->in.lk.cmd;
    r->type = fop->in.lk.flock.type;
    r->flock = wire_flock_of(&fop->in.lk.flock);
}

SHAPE(lookup)
{
    GIVE(fop_lookup_req);
    if (obj[0].name.len)
        r->pargfid = obj[0].gfid;
    else
        r->gfid = obj[0].gfid;
    r->bname = obj[0].name;
}

SHAPE(readdir)
{
    GIVE_FD(fop_readdir_req);
    r->offset = fop->in.readdir.offset;
    r->size = fop->in.readdir.size;
}

SHAPE(inodelk)
{
    GIVE_GFID(fop_inodelk_req);
    r->cmd = fop->in.inodelk.cmd;
    r->type = fop->in.inodelk.flock.type;
    r->flock = wire_flock_of(&fop->in.inodelk.flock);
    r->volume = wire_str(fop->in.inodelk.domain);
}

SHAPE(finodelk)
{
    GIVE_FD(fop_finodelk_req);
    r->cmd = fop->in.inodelk.cmd;
    r->type = fop->in.inodelk.flock.type;
    r->flock = wire_flock_of(&fop->in.inodelk.flock);
    r->volume = wire_str(fop->in.inodelk.domain);
}

SHAPE(entrylk)
{
    GIVE_GFID(fop_entrylk_req);
    r->cmd = fop->in.entrylk.cmd;
    r->type = fop->in.entrylk.type;
    r->namelen = fop->in.entrylk.name != NULL;
    r->name = wire_str(fop->in.entrylk.name);
    r->volume = wire_str(fop->in.entrylk.domain);
}

SHAPE(fentrylk)
{
    GIVE_FD(fop_fentrylk_req);
    r->cmd = fop->in.entrylk.cmd;
    r->type = fop->in.entrylk.type;
    r->namelen = fop->in.entrylk.name != NULL;
    r->name = wire_str(fop->in.entrylk.name);
    r->volume = wire_str(fop->in.entrylk.domain);
}

SHAPE(xattrop)
{
    GIVE_GFID(fop_xattrop_req);
    r->flags = fop->in.xattrop.flags;
    r->dict = wire_dict_of(fop->in.xattrop.dict);
}

SHAPE(fxattrop)
{
    GIVE_FD(fop_fxattrop_req);
    r->flags = fop->in.xattrop.flags;
    r->dict = wire_dict_of(fop->in.xattrop.dict);
}

SHAPE(rchecksum)
{
    GIVE_FD(fop_rchecksum_req);
    r->offset = fop->in.rchecksum.offset;
    r->len = fop->in.rchecksum.len;
}

/* Without the flags that say which members count: `valid` does, and stock leaves them out. */
SHAPE(setattr)
{
    GIVE_GFID(fop_setattr_req);
    r->stbuf.st = fop->in.setattr.stat;
    r->valid = fop->in.setattr.valid;
}

SHAPE(fsetattr)
{
    GIVE_FD(fop_fsetattr_req);
    r->stbuf.st = fop->in.setattr.stat;
    r->valid = fop->in.setattr.valid;
}

SHAPE(fallocate)
{
    GIVE_FD(fop_fallocate_req);
    r->flags = fop->in.fallocate.flags;
    r->offset = fop->in.fallocate.offset;
    r->size = fop->in.fallocate.len;
}

SHAPE(range)
{
    GIVE_FD(fop_range_req);
    r->offset = fop->in.fallocate.offset;
    r->size = fop->in.fallocate.len;
}

SHAPE(ipc)
{
    GIVE(fop_ipc_req);
    r->op = fop->in.ipc.op;
}

SHAPE(seek)
{
    GIVE_FD(fop_seek_req);
    r->offset = fop->in.seek.offset;
    r->what = fop->in.seek.what;
}

SHAPE(lease)
{
    GIVE_GFID(fop_lease_req);
    const struct lease *l = &fop->in.lease.lease;

    r->lease = (struct wire_lease){.cmd = l->cmd, .type = l->type, .flags = l->flags};
    memcpy(r->lease.id.b, l->id, sizeof(r->lease.id.b));
}

static bool active_lock_at(const void *ctx, uint32_t i, void *ret_element)
{
    const struct fop *fop = ctx;
    const struct active_lock *l = &fop->in.setactivelk.locks[i];

    *(struct wire_lock *)ret_element =
        (struct wire_lock){.flock = wire_flock_of(&l->flock), .client_uid = wire_str(l->client_uid), .lk_flags = l->flags};
    return true;
}

SHAPE(setactivelk)
{
    GIVE_GFID(fop_setactivelk_req);
    r->locks = (wire_locks){.count = fop->in.setactivelk.n, .get = active_lock_at, .ctx = fop};
}

SHAPE(icreate)
{
    GIVE_GFID(fop_icreate_req);
    r->mode = fop->in.icreate.mode;
}

SHAPE(namelink)
{
    GIVE_NAME(fop_namelink_req);
}

SHAPE(copy)
{
    GIVE(fop_copy_file_range_req);
    r->gfid1 = obj[0].gfid;
    r->gfid2 = obj[1].gfid;
    r->fd_in = obj[0].fd;
    r->fd_out = obj[1].fd;
    r->off_in = fop->in.copy.off_in;
    r->off_out = fop->in.copy.off_out;
    r->size = fop->in.copy.size;
    r->flag = fop->in.copy.flags;
}

/* ---- which objects a fop is about -------------------------------------------------------------------------------------------- */
static bool object_of(enum wire_need need, const struct loc *loc, const struct fd *fd, struct wire_object *ret)
{
    const struct inode *in = fd ? fd->inode : loc->inode;

    switch (need) {
    case NEED_PARENT:
    case NEED_NAME:
    case NEED_MAYBE_NAME:
        in = loc->parent;
        ret->name = wire_str(loc->name);
        break;
    case NEED_LOOKUP:
        ret->name = wire_str(loc->name);
        in = ret->name.len ? loc->parent : loc->inode;
        break;
    default:
        break;
    }
    if (in)
        ret->gfid = in->gfid;
    return in || need == NEED_NOTHING;
}

bool wire_objects(const struct fop *fop, struct wire_object ret_obj[2])
{
    const struct wire_row *row = &wire_rows[fop->op];

    ret_obj[0] = ret_obj[1] = (struct wire_object){.fd = -1};
    return object_of(row->need, &fop->loc, fop->fd, &ret_obj[0]) &&
           (row->need2 == NEED_NOTHING || object_of(row->need2, &fop->loc2, fop->fd2, &ret_obj[1]));
}
