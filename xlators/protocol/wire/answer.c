/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* answer.c: reply structures into fops, for protocol/client; see fopwire.h. Each function is one shape of reply, in the order of
 * fop400.x, and undoes the function of the same shape in reply.c. Called for successes only; op_ret, op_errno and xdata are taken
 * already. What the server says is checked before anybody above has to believe it: -EBADMSG. */
#include <errno.h>
#include <stdlib.h>

#include "reply.h"

#define TAKE(type) const struct type *r = rsp
#define SHAPE(name) int name##_from_rsp(const void *rsp, struct fop *fop, int64_t *ret_fd)

SHAPE(iatt)
{
    TAKE(fop_iatt_rsp);
    fop->out.stat = r->stat.st;
    return 0;
}

SHAPE(iatt2)
{
    TAKE(fop_2iatt_rsp);
    fop->out.pre = r->pre.st;
    fop->out.post = r->post.st;
    return 0;
}

SHAPE(lookup)
{
    TAKE(fop_2iatt_rsp);
    fop->out.stat = r->pre.st;
    fop->out.post = r->post.st;
    return 0;
}

SHAPE(iatt3)
{
    TAKE(fop_3iatt_rsp);
    fop->out.stat = r->stat.st;
    fop->out.pre = r->pre.st;
    fop->out.post = r->post.st;
    return 0;
}

SHAPE(rename)
{
    TAKE(fop_rename_rsp);
    fop->out.stat = r->stat.st;
    fop->out.pre = r->preold.st;
    fop->out.post = r->postold.st;
    fop->out.pre2 = r->prenew.st;
    fop->out.post2 = r->postnew.st;
    return 0;
}

SHAPE(readlink)
{
    TAKE(fop_readlink_rsp);
    fop->out.stat = r->buf.st;
    fop->out.path = fop_str(fop, r->path.at, r->path.len);
    return fop->out.path ? 0 : -ENOMEM;
}

SHAPE(open)
{
    TAKE(fop_open_rsp);
    *ret_fd = r->fd;
    return r->fd < 0 ? -EBADMSG : 0;
}

SHAPE(create)
{
    TAKE(fop_create_rsp);
    fop->out.stat = r->stat.st;
    fop->out.pre = r->pre.st;
    fop->out.post = r->post.st;
    *ret_fd = r->fd;
    return r->fd < 0 ? -EBADMSG : 0;
}

SHAPE(statfs)
{
    TAKE(fop_statfs_rsp);
    const struct wire_statfs *s = &r->statfs;

    fop->out.statfs = (struct statvfs){
        .f_bsize = s->bsize, .f_frsize = s->frsize, .f_blocks = s->blocks, .f_bfree = s->bfree, .f_bavail = s->bavail,
        .f_files = s->files, .f_ffree = s->ffree, .f_favail = s->favail, .f_fsid = s->fsid, .f_flag = s->flag,
        .f_namemax = s->namemax,
    };
    return 0;
}

SHAPE(dict)
{
    TAKE(fop_dict_rsp);
    int err = wire_dict_open(&r->dict, &fop->out.dict);

    if (err == 0 && !fop->out.dict)
        fop->out.dict = dict_new();
    return err < 0 ? err : fop->out.dict ? 0 : -ENOMEM;
}

static int take_flock(const struct wire_flock *w, struct flock_range *ret)
{
    if (w->owner.len > sizeof(ret->owner))
        return -EBADMSG;
    *ret = (struct flock_range){
        .type = w->type, .whence = w->whence, .start = (int64_t)w->start, .len = (int64_t)w->len, .pid = w->pid, .owner_len = w->owner.len,
    };
    if (w->owner.len)
        memcpy(ret->owner, w->owner.at, w->owner.len);
    return 0;
}

SHAPE(lk)
{
    TAKE(fop_lk_rsp);
    return take_flock(&r->flock, &fop->out.flock);
}

/* The server's folder may hold what it likes; nobody above expects a path where a name is. */
static bool good_name(struct wire_str name)
{
    return name.len > 0 && name.len <= FOP_NAME_MAX && !memchr(name.at, '/', name.len) && !memchr(name.at, 0, name.len);
}

static int take_entry(struct fop *fop, uint64_t ino, uint64_t off, uint32_t type, struct wire_str name, struct dirent4 *ret)
{
    if (!good_name(name))
        return -EBADMSG;
    *ret = (struct dirent4){.ino = ino, .off = off, .type = type, .name_len = name.len, .name = fop_str(fop, name.at, name.len)};
    return ret->name ? 0 : -ENOMEM;
}

/* count is of a list that was decoded, so there are as many in the record. */
static int make_entries(struct fop *fop, uint32_t count)
{
    if (count == 0)
        return 0;
    fop->out.entries = calloc(count, sizeof(*fop->out.entries));
    return fop->out.entries ? 0 : -ENOMEM;
}

SHAPE(readdir)
{
    TAKE(fop_readdir_rsp);
    wire_dirents list = r->entries;
    struct wire_dirent w;
    int err = make_entries(fop, list.count);

    while (err == 0 && list.count > 0 && wire_list_next(&list, &w)) {
        err = take_entry(fop, w.ino, w.off, w.type, w.name, &fop->out.entries[fop->out.nr_entries]);
        fop->out.nr_entries += err == 0;
    }
    fop->ret = (int32_t)fop->out.nr_entries;
    return err;
}

SHAPE(readdirp)
{
    TAKE(fop_readdirp_rsp);
    wire_direntps list = r->entries;
    struct wire_direntp w;
    int err = make_entries(fop, list.count);

    while (err == 0 && list.count > 0 && wire_list_next(&list, &w)) {
        struct dirent4 *e = &fop->out.entries[fop->out.nr_entries];

        err = take_entry(fop, w.ino, w.off, w.type, w.name, e);
        fop->out.nr_entries += err == 0;
        if (err == 0) {
            e->stat = w.stat.st;
            err = wire_dict_open(&w.xdata, &e->xdata);
        }
    }
    fop->ret = (int32_t)fop->out.nr_entries;
    return err;
}

SHAPE(rchecksum)
{
    TAKE(fop_rchecksum_rsp);
    if (r->strong.len > sizeof(fop->out.strong))
        return -EBADMSG;
    fop->out.weak = r->weak;
    if (r->strong.len)
        memcpy(fop->out.strong, r->strong.at, r->strong.len);
    return 0;
}

SHAPE(seek)
{
    TAKE(fop_seek_rsp);
    fop->out.offset = r->offset;
    return r->offset > INT64_MAX ? -EBADMSG : 0;
}

SHAPE(lease)
{
    TAKE(fop_lease_rsp);
    fop->out.lease = (struct lease){.cmd = r->lease.cmd, .type = r->lease.type, .flags = r->lease.flags};
    memcpy(fop->out.lease.id, r->lease.id.b, sizeof(fop->out.lease.id));
    return 0;
}

SHAPE(getactivelk)
{
    TAKE(fop_getactivelk_rsp);
    wire_locks list = r->locks;
    struct wire_lock w;
    struct active_lock *locks = fop_alloc(fop, (list.count ? list.count : 1) * sizeof(*locks));

    if (!locks)
        return -ENOMEM;
    fop->out.locks = locks;
    while (list.count > 0 && wire_list_next(&list, &w)) {
        struct active_lock *l = &locks[fop->out.nr_locks];
        int err = take_flock(&w.flock, &l->flock);

        if (err < 0)
            return err;
        l->client_uid = fop_str(fop, w.client_uid.at, w.client_uid.len);
        if (!l->client_uid)
            return -ENOMEM;
        l->flags = w.lk_flags;
        fop->out.nr_locks++;
    }
    return 0;
}
