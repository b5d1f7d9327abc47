/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests about an open directory. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "mount-impl.h"

static void opened(struct request *r)
{
    if (!request_failed(r))
        answer_open(r, false);
}

HANDLER(opendir, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct request *r = request_new(req, FOP_OPENDIR);

    if (!r)
        return;
    r->op.node = node_of(r->mount, ino);
    r->open.flags = fi->flags;
    request_go(r, opened);
}

HANDLER(releasedir, fuse_ino_t ino, struct fuse_file_info *fi)
{
    vfile_unref(file_of(fi));
    fuse_reply_err(req, 0);
}

HANDLER(fsyncdir, fuse_ino_t ino, int data_only, struct fuse_file_info *fi)
{
    struct request *r = request_new(req, FOP_FSYNCDIR);

    if (!r)
        return;
    r->op.file = vfile_ref(file_of(fi));
    r->op.fop->in.fsync.data_only = data_only != 0;
    request_go(r, answer_err_of);
}

/* ---- entries ------------------------------------------------------------------------------------------------------------- */
/* What does not fit is asked for again by the kernel, from the offset of the last one that did. */

static bool is_dots(const struct dirent4 *d)
{
    return d->name[0] == '.' && (!d->name[1] || (d->name[1] == '.' && !d->name[2]));
}

static void have_entries(struct request *r)
{
    const struct fop_out *out = &r->op.fop->out;
    char *buf;
    size_t used = 0;

    if (request_failed(r))
        return;
    buf = malloc(r->dir.size);
    if (!buf) {
        answer_err(r, ENOMEM);
        return;
    }
    for (unsigned int i = 0; i < out->nr_entries; i++) {
        const struct dirent4 *d = &out->entries[i];
        struct stat st = {.st_ino = d->ino, .st_mode = d->type << 12};
        size_t n = fuse_add_direntry(r->req, buf + used, r->dir.size - used, d->name, &st, (off_t)d->off);

        if (n > r->dir.size - used)
            break;
        used += n;
    }
    answer_buf(r, buf, used);
    free(buf);
}

/* Each entry that has attributes counts as a look-up of its object. */
static struct vnode *entry_of(struct request *r, const struct dirent4 *d, struct fuse_entry_param *e)
{
    const struct mount_conf *conf = &r->mount->conf;
    struct vnode *vn = NULL;

    *e = (struct fuse_entry_param){.attr = {.st_ino = d->ino, .st_mode = d->type << 12}};
    if (is_dots(d) || gfid_is_null(d->stat.gfid) || !d->stat.mode)
        return NULL;
    vn = vnode_of_entry(&r->op, d);
    if (!vn)
        return NULL;
    e->ino = ino_of(r->mount, vn);
    e->attr_timeout = conf->attribute_timeout;
    e->entry_timeout = conf->entry_timeout;
    attr_of(r->mount, &d->stat, &e->attr);
    return vn;
}

static void have_entries_plus(struct request *r)
{
    const struct fop_out *out = &r->op.fop->out;
    struct vnode **counted;
    unsigned int n_counted = 0;
    char *buf;
    size_t used = 0;

    if (request_failed(r))
        return;
    buf = malloc(r->dir.size);
    counted = calloc(max_of(out->nr_entries, 1u), sizeof(struct vnode *));
    if (!buf || !counted) {
        answer_err(r, ENOMEM);
        free(buf);
        free(counted);
        return;
    }
    for (unsigned int i = 0; i < out->nr_entries; i++) {
        const struct dirent4 *d = &out->entries[i];
        struct fuse_entry_param e;
        struct vnode *vn = entry_of(r, d, &e);
        size_t n = fuse_add_direntry_plus(r->req, buf + used, r->dir.size - used, d->name, &e, (off_t)d->off);

        if (n > r->dir.size - used) {
            vnode_unref(vn);
            break;
        }
        used += n;
        if (vn) {
            vnode_count(vn, 1);
            counted[n_counted++] = vn;
        }
    }
    if (answer_buf(r, buf, used) < 0)
        for (unsigned int i = 0; i < n_counted; i++)
            vnode_uncount(counted[i], 1);
    for (unsigned int i = 0; i < n_counted; i++)
        vnode_unref(counted[i]);
    free(buf);
    free(counted);
}

static void read_entries(fuse_req_t req, enum fop_op op, size_t size, off_t off, struct fuse_file_info *fi,
                         void (*finish)(struct request *r))
{
    struct request *r = request_new(req, op);

    if (!r)
        return;
    r->op.file = vfile_ref(file_of(fi));
    r->dir.size = size;
    r->op.fop->in.readdir.size = (uint32_t)size;
    r->op.fop->in.readdir.offset = (uint64_t)off;
    request_go(r, finish);
}

HANDLER(readdir, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    read_entries(req, FOP_READDIR, size, off, fi, have_entries);
}

HANDLER(readdirplus, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
    read_entries(req, FOP_READDIRP, size, off, fi, have_entries_plus);
}
