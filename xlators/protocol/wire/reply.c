/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reply.c: completed fops into reply structures; see fopwire.h. Each function is one shape of reply, in the order of fop400.x.
 * op_ret, op_errno and xdata are filled in already, everything else is zero. */
#include "reply.h"
#include "request.h"

#include <errno.h>

#define GIVE(type) struct type *r = rsp

void iatt_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_iatt_rsp);
    r->stat = wire_iatt4_of(&fop->out.stat);
}

void iatt2_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_2iatt_rsp);
    r->pre = wire_iatt4_of(&fop->out.pre);
    r->post = wire_iatt4_of(&fop->out.post);
}

void lookup_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_2iatt_rsp);
    r->pre = wire_iatt4_of(&fop->out.stat);
    r->post = wire_iatt4_of(&fop->out.post); /* the parent */
}

void iatt3_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_3iatt_rsp);
    r->stat = wire_iatt4_of(&fop->out.stat);
    r->pre = wire_iatt4_of(&fop->out.pre);
    r->post = wire_iatt4_of(&fop->out.post);
}

void rename_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_rename_rsp);
    r->stat = wire_iatt4_of(&fop->out.stat);
    r->preold = wire_iatt4_of(&fop->out.pre);
    r->postold = wire_iatt4_of(&fop->out.post);
    r->prenew = wire_iatt4_of(&fop->out.pre2);
    r->postnew = wire_iatt4_of(&fop->out.post2);
}

void readlink_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_readlink_rsp);
    r->buf = wire_iatt4_of(&fop->out.stat);
    r->path = wire_str(fop->out.path);
}

void open_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_open_rsp);
    r->fd = fd;
}

void create_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_create_rsp);
    r->stat = wire_iatt4_of(&fop->out.stat);
    r->fd = fd;
    r->pre = wire_iatt4_of(&fop->out.pre);
    r->post = wire_iatt4_of(&fop->out.post);
}

void statfs_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_statfs_rsp);
    const struct statvfs *s = &fop->out.statfs;

    r->statfs = (struct wire_statfs){
        .bsize = s->f_bsize, .frsize = s->f_frsize, .blocks = s->f_blocks, .bfree = s->f_bfree, .bavail = s->f_bavail,
        .files = s->f_files, .ffree = s->f_ffree, .favail = s->f_favail, .fsid = s->f_fsid, .flag = s->f_flag,
        .namemax = s->f_namemax,
    };
}

void dict_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_dict_rsp);
    r->dict = wire_dict_of(fop->out.dict);
}

void lk_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_lk_rsp);
    r->flock = wire_flock_of(&fop->out.flock);
}

static bool dirent_at(const void *ctx, uint32_t i, void *ret_element)
{
    const struct fop *fop = ctx;
    const struct dirent4 *d = &fop->out.entries[i];

    *(struct wire_dirent *)ret_element = (struct wire_dirent){
        .ino = d->ino, .off = d->off, .len = d->name_len, .type = d->type, .name = {.at = d->name, .len = d->name_len}};
    return true;
}

void readdir_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_readdir_rsp);
    r->entries = (wire_dirents){.count = fop->out.nr_entries, .get = dirent_at, .ctx = fop};
}

static bool direntp_at(const void *ctx, uint32_t i, void *ret_element)
{
    const struct fop *fop = ctx;
    const struct dirent4 *d = &fop->out.entries[i];
    struct wire_direntp *e = ret_element;

    *e = (struct wire_direntp){
        .ino = d->ino, .off = d->off, .len = d->name_len, .type = d->type, .name = {.at = d->name, .len = d->name_len}};
    e->stat = wire_iatt4_of(&d->stat);
    e->xdata = wire_dict_of(d->xdata);
    return true;
}

void readdirp_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_readdirp_rsp);
    r->entries = (wire_direntps){.count = fop->out.nr_entries, .get = direntp_at, .ctx = fop};
}

#define STRONG_IS_SHA256 1

void rchecksum_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_rchecksum_rsp);
    r->flags = STRONG_IS_SHA256;
    r->weak = fop->out.weak;
    r->strong = (wire_bytes){.at = fop->out.strong, .len = sizeof(fop->out.strong)};
}

void seek_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_seek_rsp);
    r->offset = fop->out.offset;
}

void lease_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_lease_rsp);
    const struct lease *l = &fop->out.lease;

    r->lease = (struct wire_lease){.cmd = l->cmd, .type = l->type, .flags = l->flags};
    memcpy(r->lease.id.b, l->id, sizeof(r->lease.id.b));
}

static bool lock_at(const void *ctx, uint32_t i, void *ret_element)
{
    const struct fop *fop = ctx;
    const struct active_lock *l = &fop->out.locks[i];
    struct wire_lock *e = ret_element;

    e->flock = wire_flock_of(&l->flock);
    e->client_uid = wire_str(l->client_uid);
    e->lk_flags = l->flags;
    return true;
}

void getactivelk_to_wire(const struct fop *fop, int64_t fd, void *rsp)
{
    GIVE(fop_getactivelk_rsp);
    r->locks = (wire_locks){.count = fop->out.nr_locks, .get = lock_at, .ctx = fop};
}
