/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A request's way from the kernel's words to an operation, and the answers.
 *
 * Undone   What an answer gives the kernel (a look-up counted, a descriptor) is taken back when the answer did not arrive: the caller was
 *          interrupted meanwhile, and the kernel will never name it. */
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "mount-impl.h"

void request_drop(struct request *r)
{
    vop_done(&r->op);
    free(r);
}

struct request *request_new(fuse_req_t req, enum fop_op op)
{
    struct mount *m = fuse_req_userdata(req);
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct request *r = malloc(sizeof(*r));

    if (!r || vop_init(&r->op, m->volume, op) < 0) {
        free(r);
        fuse_reply_err(req, ENOMEM);
        return NULL;
    }
    r->req = req;
    r->mount = m;
    r->channel = channel_of_thread();
    r->interruptible = false;
    atomic_init(&r->claimed, false);
    atomic_init(&r->ends, 0);
    r->op.fop->flags = FOP_NOWAIT; /* others wait for this thread */
    r->op.fop->cred.pid = m->conf.client_pid ? m->conf.client_pid : ctx->pid;
    r->op.fop->cred.uid = ctx->uid;
    r->op.fop->cred.gid = ctx->gid;
    if (m->conf.map_root && ctx->uid == m->conf.mapped_uid)
        r->op.fop->cred.uid = r->op.fop->cred.gid = 0;
    if (groups_of(m->groups, req, ctx, r->op.fop) < 0) {
        answer_err(r, ENOMEM);
        return NULL;
    }
    return r;
}

struct vnode *node_of(struct mount *m, fuse_ino_t ino)
{
    return vnode_ref(ino == FUSE_ROOT_ID ? m->root : (struct vnode *)(uintptr_t)ino);
}

fuse_ino_t ino_of(const struct mount *m, struct vnode *vn)
{
    return vn == m->root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)vn;
}

int request_xdata(struct request *r)
{
    if (!r->op.fop->xdata)
        r->op.fop->xdata = dict_new();
    return r->op.fop->xdata ? 0 : -ENOMEM;
}

int request_gfid(struct request *r)
{
    int failed = request_xdata(r);

    return failed ? failed : dict_set_gfid(r->op.fop->xdata, "gfid-req", gfid_random());
}

int request_name(struct request *r, char to[FOP_NAME_MAX + 1], const char *name)
{
    size_t len = strlen(name);

    if (len > FOP_NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(to, name, len + 1);
    return 0;
}

static void back(struct vop *op, void *ctx)
{
    struct request *r = ctx;

    if (r->mount->history)
        history_note(r->mount->history, op);
    r->finish(r);
}

void request_go(struct request *r, void (*finish)(struct request *r))
{
    r->finish = finish;
    vop_submit(&r->op, back, r);
}

void set_owner(struct cred *c, uint64_t owner)
{
    for (unsigned int i = 0; i < 8; i++)
        c->owner[i] = (uint8_t)(owner >> 8 * i);
    c->owner_len = 8;
}

/* ---- attributes ---------------------------------------------------------------------------------------------------------- */

void attr_of(const struct mount *m, const struct iatt *st, struct stat *ret)
{
    iatt_to_stat(st, ret);
    if (m->conf.ino32)
        ret->st_ino = (uint32_t)(ret->st_ino ^ ret->st_ino >> 32);
}

/* ---- answers ------------------------------------------------------------------------------------------------------------- */

/* Each answer: to the channel of its question, then the request is gone. */
#define ANSWER(r, call)                           \
    ({                                            \
        int before_ = channel_set((r)->channel);  \
        if ((r)->interruptible)                   \
            fuse_req_interrupt_func((r)->req, NULL, NULL); /* waits for one that runs */ \
        int failed_ = (call);                     \
        channel_set(before_);                     \
        failed_;                                  \
    })

void answer_err(struct request *r, int err)
{
    ANSWER(r, fuse_reply_err(r->req, err));
    request_drop(r);
}

static bool of_entry(const struct fop *fop)
{
    return fop->loc.name[0] != '\0';
}

void answer_err_of(struct request *r)
{
    const struct fop *fop = r->op.fop;
    int err = fop->ret < 0 ? fop->err : 0;

    if (err == ENOENT && !of_entry(fop) && fop->op != FOP_LINK)
        err = ESTALE; /* the kernel then walks the path again */
    answer_err(r, err);
}

bool request_failed(struct request *r)
{
    if (r->op.fop->ret >= 0)
        return false;
    answer_err_of(r);
    return true;
}

static int fill_entry(struct request *r, struct vnode *vn, const struct iatt *st, struct fuse_entry_param *e)
{
    const struct mount_conf *conf = &r->mount->conf;

    if (!vn || gfid_is_null(st->gfid))
        return -EIO;
    *e = (struct fuse_entry_param){.ino = ino_of(r->mount, vn), .attr_timeout = conf->attribute_timeout,
                                   .entry_timeout = conf->entry_timeout};
    attr_of(r->mount, st, &e->attr);
    return 0;
}

void answer_entry(struct request *r, const struct iatt *st)
{
    struct vnode *vn = r->op.out_node;
    struct fuse_entry_param e;

    if (fill_entry(r, vn, st, &e) < 0) {
        answer_err(r, EIO);
        return;
    }
    vnode_count(vn, 1);
    if (ANSWER(r, fuse_reply_entry(r->req, &e)) < 0)
        vnode_uncount(vn, 1);
    request_drop(r);
}

void answer_no_entry(struct request *r, double timeout)
{
    const struct fuse_entry_param none = {.entry_timeout = timeout};

    ANSWER(r, fuse_reply_entry(r->req, &none));
    request_drop(r);
}

void answer_attr(struct request *r, const struct iatt *st)
{
    struct stat attr;

    attr_of(r->mount, st, &attr);
    ANSWER(r, fuse_reply_attr(r->req, &attr, r->mount->conf.attribute_timeout));
    request_drop(r);
}

void answer_open(struct request *r, bool create)
{
    const struct mount_conf *conf = &r->mount->conf;
    struct vfile *f = r->op.out_file;
    struct vnode *vn = r->op.out_node;
    struct fuse_file_info fi = {.flags = r->open.flags, .fh = (uint64_t)(uintptr_t)f};
    struct fuse_entry_param e = {.ino = 0};
    int failed;

    if (!f || (create && fill_entry(r, vn, &r->op.fop->out.stat, &e) < 0)) {
        answer_err(r, EIO);
        return;
    }
    if (r->op.fop->op != FOP_OPENDIR) {
        fi.direct_io = conf->direct_io == CHOICE_YES || dict_is_true(r->op.fop->xdata_out, "direct-io-mode");
        fi.keep_cache = !create && conf->keep_cache != CHOICE_NO;
    }
    r->op.out_file = NULL; /* the kernel's */
    if (create) {
        vnode_count(vn, 1);
        failed = ANSWER(r, fuse_reply_create(r->req, &e, &fi));
        if (failed)
            vnode_uncount(vn, 1);
    } else {
        failed = ANSWER(r, fuse_reply_open(r->req, &fi));
    }
    if (failed)
        vfile_unref(f);
    request_drop(r);
}

void answer_iov(struct request *r, const struct iovec *iov, int n)
{
    ANSWER(r, fuse_reply_iov(r->req, iov, n));
    request_drop(r);
}

int answer_buf(struct request *r, const void *buf, size_t len)
{
    int failed = ANSWER(r, fuse_reply_buf(r->req, buf, len));

    request_drop(r);
    return failed;
}

void answer_write(struct request *r, size_t n)
{
    ANSWER(r, fuse_reply_write(r->req, n));
    request_drop(r);
}

void answer_xattr_size(struct request *r, size_t n)
{
    ANSWER(r, fuse_reply_xattr(r->req, n));
    request_drop(r);
}

void answer_statfs(struct request *r, const struct statvfs *st)
{
    ANSWER(r, fuse_reply_statfs(r->req, st));
    request_drop(r);
}

void answer_lock(struct request *r, struct flock *lock)
{
    ANSWER(r, fuse_reply_lock(r->req, lock));
    request_drop(r);
}

void answer_lseek(struct request *r, off_t off)
{
    ANSWER(r, fuse_reply_lseek(r->req, off));
    request_drop(r);
}

void answer_readlink(struct request *r, const char *text)
{
    ANSWER(r, fuse_reply_readlink(r->req, text));
    request_drop(r);
}
