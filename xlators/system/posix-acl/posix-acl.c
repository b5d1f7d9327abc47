/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* system/posix-acl: permissions are enforced here, and only here: storage/posix runs as root.
 *
 *   handle --judge()--> denied:  the operation fails
 *      ^                unknown: look(): a LOOKUP of our own tells owner, mode and ACLs; then handle() again
 *      |                   |
 *      +-------------------+
 *                       allowed: go(): down, with its mode made what the parent's default ACL or the umask leaves of it,
 *                                and on the way back what the answer says of permissions is noted (context.h)
 *
 * uid 0, the option's super-uid and internal callers (negative pids) are not judged, but umask and default ACL are theirs too.
 * Not judged at all: operations by descriptor, which OPEN has judged (an NFS server's, pid 1, are). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "../system-types.h"
#include "rules.h"

#define LOOKS_MAX 32 /* changes of permissions may outrun our question; that often in a row only when somebody wants to */

/* One judgement that had to ask. In the arena of the operation; victims hold references until it goes on. */
struct inquiry {
    struct xlator *xl;
    unsigned int looks;
    uint64_t asked;
    struct inode *subject;
    struct victim victims[2], *victim; /* victim: the one that was asked for by name */
    void (*then)(struct xlator *xl, struct fop *fop, struct inquiry *q);
};

static void handle(struct xlator *xl, struct fop *fop, struct inquiry *q);

static bool is_exempt(const struct xlator *xl, const struct fop *fop)
{
    const struct posix_acl *priv = xl->priv;

    return fop->cred.pid < 0 || fop->cred.uid == 0 || fop->cred.uid == (uint64_t)priv->super_uid;
}

static void inquiry_done(struct inquiry *q)
{
    for (size_t i = 0; q && i < array_len(q->victims); i++) {
        inode_unref(q->victims[i].inode);
        q->victims[i] = (struct victim){0};
    }
}

static void stop(struct fop *fop, struct inquiry *q, int err)
{
    inquiry_done(q);
    fop_fail(fop, err);
}

/* ---- asking -------------------------------------------------------------------------------------------------------------- */

static void looked(struct fop *child, void *ctx)
{
    struct inquiry *q = ctx;
    struct fop *fop = child->parent;
    struct inode *found = child->out.inode ? child->out.inode : q->subject;
    int failed = child->ret < 0 ? child->err : 0;

    if (!failed && found)
        failed = -context_learn(q->xl, found, &child->out.stat, child->xdata_out, q->asked);
    if (q->victim && !failed && found)
        *q->victim = (struct victim){.is = VICTIM_FOUND, .inode = inode_ref(found)};
    else if (q->victim && failed == ENOENT)
        *q->victim = (struct victim){.is = VICTIM_ABSENT}, failed = 0;
    fop_free(child);
    if (failed)
        stop(fop, q, failed);
    else
        q->then(q->xl, fop, q);
}

/* Asks the storage for `in`, or for what is called loc (then into *victim), and goes on with then(). */
static void look(struct xlator *xl, struct fop *fop, struct inquiry *q, struct inode *in, const struct loc *loc,
                 void (*then)(struct xlator *xl, struct fop *fop, struct inquiry *q))
{
    struct fop *child;

    if (!q) {
        q = fop_alloc(fop, sizeof(*q));
        if (!q) {
            fop_fail(fop, ENOMEM);
            return;
        }
        q->xl = xl;
    }
    if (q->looks++ == LOOKS_MAX) {
        stop(fop, q, EAGAIN);
        return;
    }
    child = fop_child(fop, FOP_LOOKUP, looked, q);
    if (!child) {
        stop(fop, q, ENOMEM);
        return;
    }
    child->flags |= FOP_WANT_ACL;
    q->subject = in;
    q->victim = loc == &fop->loc ? &q->victims[0] : loc ? &q->victims[1] : NULL;
    q->then = then;
    if (in) {
        child->loc.inode = inode_ref(in);
    } else {
        child->loc = *loc;
        child->loc.inode = NULL;
        inode_ref(child->loc.parent);
    }
    q->asked = context_now(xl);
    fop_submit(xl->child, child);
}

/* ---- noting what answers say --------------------------------------------------------------------------------------------- */

struct note {
    struct xlator *xl;
    uint64_t asked;
};

static bool push_note(struct xlator *xl, struct fop *fop, fop_done_fn done)
{
    struct note *n = fop_alloc(fop, sizeof(*n));

    if (!n)
        return false;
    *n = (struct note){xl, context_now(xl)};
    fop_push(fop, done, n);
    return true;
}

static void lookup_done(struct fop *fop, void *ctx)
{
    struct note *n = ctx;
    struct inode *in = fop->out.inode ? fop->out.inode : fop->loc.inode;

    if (fop->ret >= 0 && in)
        context_learn(n->xl, in, &fop->out.stat, fop->xdata_out, n->asked);
    fop_complete(fop, fop->ret, fop->err);
}

static void setattr_done(struct fop *fop, void *ctx)
{
    struct note *n = ctx;
    struct inode *in = object_of(fop);

    if (in) /* after a failure a part may have been done */
        context_changed(n->xl, in, fop->ret >= 0 && fop->out.post.mode ? &fop->out.post : NULL, n->asked);
    fop_complete(fop, fop->ret, fop->err);
}

static void acl_change_done(struct fop *fop, void *ctx)
{
    struct note *n = ctx;
    struct inode *in = object_of(fop);

    if (in)
        context_changed(n->xl, in, NULL, n->asked);
    fop_complete(fop, fop->ret, fop->err);
}

/* ---- new objects --------------------------------------------------------------------------------------------------------- */

static uint32_t *mode_of(struct fop *fop)
{
    return fop->op == FOP_MKNOD ? &fop->in.mknod.mode : fop->op == FOP_MKDIR ? &fop->in.mkdir.mode : &fop->in.create.mode;
}

static uint32_t *umask_of(struct fop *fop)
{
    return fop->op == FOP_MKNOD ? &fop->in.mknod.umask : fop->op == FOP_MKDIR ? &fop->in.mkdir.umask : &fop->in.create.umask;
}

static bool has_acl(const struct dict *d)
{
    return dict_find(d, ACL_ACCESS_NAME) || dict_find(d, ACL_DEFAULT_NAME);
}

/* CREATE opens what is there already when it need not be new. Its own permissions count then, and its parent's did not say
 * anything about them. */
static void judge_existing(struct xlator *xl, struct fop *fop, struct inquiry *q)
{
    struct acl_caller who = caller_of(fop);
    bool yes;

    if (!context_permits(xl, fop->out.inode, &who, open_wants(fop->in.create.flags), &yes)) {
        look(xl, fop, q, fop->out.inode, NULL, judge_existing);
        return;
    }
    if (yes) {
        fop_complete(fop, 0, 0);
        return;
    }
    fd_unref(fop->out.fd);
    fop->out.fd = NULL;
    fop_fail(fop, EACCES);
}

static void made(struct fop *fop, void *ctx)
{
    struct note *n = ctx;
    gfid_t asked_for;
    bool is_new = fop->op != FOP_CREATE || (fop->in.create.flags & O_EXCL) ||
                  (dict_get_gfid(fop->xdata, "gfid-req", &asked_for) == 0 && gfid_equal(asked_for, fop->out.stat.gfid));

    if (fop->ret >= 0 && !is_new && !is_exempt(n->xl, fop)) {
        if (fop->out.inode)
            judge_existing(n->xl, fop, NULL);
        else
            fop_fail(fop, EACCES);
        return;
    }
    fop_complete(fop, fop->ret, fop->err);
}

/* As `made`, of an object that inherited nothing: all is known of it. */
static void made_plain(struct fop *fop, void *ctx)
{
    struct note *n = ctx;
    gfid_t asked_for;

    if (fop->ret >= 0 && fop->out.inode && dict_get_gfid(fop->xdata, "gfid-req", &asked_for) == 0 &&
        gfid_equal(asked_for, fop->out.stat.gfid) && !has_acl(fop->xdata))
        context_learn(n->xl, fop->out.inode, &fop->out.stat, NULL, n->asked);
    made(fop, ctx);
}

static void child_made(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

/* xdata without the keys that are ours, and with what is inherited. NULL: no memory. */
static struct dict *inheriting(const struct fop *fop, const struct acl *access, const struct acl *dflt)
{
    struct dict *d = fop_xdata_copy(fop);
    const struct acl *acls[] = {access, fop->op == FOP_MKDIR ? dflt : NULL};
    static const char *const names[] = {ACL_ACCESS_NAME, ACL_DEFAULT_NAME};

    if (!d)
        return NULL;
    dict_remove(d, "mode");
    dict_remove(d, "umask");
    for (size_t i = 0; i < array_len(acls); i++) {
        uint8_t *bytes = acls[i] ? malloc(acl_size(acls[i])) : NULL;

        if (!acls[i])
            continue;
        if (bytes)
            acl_format(acls[i], bytes);
        if (!bytes || dict_set_binary(d, names[i], bytes, acl_size(acls[i])) < 0) {
            free(bytes);
            dict_unref(d);
            return NULL;
        }
        free(bytes);
    }
    return d;
}

/* Goes on with another mode and other xdata: a child. */
static void make_changed(struct xlator *xl, struct fop *fop, uint32_t mode, const struct acl *access, const struct acl *dflt)
{
    struct fop *child = fop_child_with(fop, inheriting(fop, access, dflt), child_made, NULL);

    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    *mode_of(child) = mode;
    *umask_of(child) = 0;
    fop_submit(xl->child, child);
}

static void make_inheriting(struct xlator *xl, struct fop *fop, uint32_t mode, const struct acl *dflt)
{
    struct acl *access;

    if (!push_note(xl, fop, made) || acl_inherit(dflt, &mode, &access) < 0) {
        fop_fail(fop, ENOMEM);
        return;
    }
    make_changed(xl, fop, mode, access, dflt);
    free(access);
}

static void make(struct xlator *xl, struct fop *fop, struct inquiry *q)
{
    uint32_t mode = *mode_of(fop), umask = *umask_of(fop);
    uint64_t asked_mode, asked_umask;
    struct acl *dflt;
    int failed;

    if (!context_default_acl(xl, fop->loc.parent, &dflt, &failed)) {
        look(xl, fop, q, fop->loc.parent, NULL, handle);
        return;
    }
    inquiry_done(q);
    /* A client whose umask argument could not say so sends what it was asked for in xdata (spec brick 6.1). */
    bool in_xdata = dict_get_u64(fop->xdata, "mode", &asked_mode) == 0 && dict_get_u64(fop->xdata, "umask", &asked_umask) == 0;
    if (in_xdata) {
        mode = (mode & S_IFMT) | (asked_mode & 07777);
        umask = asked_umask & 0777;
    }
    if (failed) {
        fop_fail(fop, ENOMEM);
    } else if (dflt) {
        make_inheriting(xl, fop, mode, dflt); /* the umask does not count */
    } else if (!push_note(xl, fop, made_plain)) {
        fop_fail(fop, ENOMEM);
    } else if (in_xdata || (mode & umask & 0777)) {
        make_changed(xl, fop, mode & ~(umask & 0777), NULL, NULL);
    } else {
        fop_pass(xl, fop);
    }
    free(dflt);
}

/* ---- allowed ------------------------------------------------------------------------------------------------------------- */

static void set_attributes(struct xlator *xl, struct fop *fop, bool drop_setgid)
{
    struct fop *child;

    if (!push_note(xl, fop, setattr_done)) {
        fop_fail(fop, ENOMEM);
        return;
    }
    if (!drop_setgid) {
        fop_pass(xl, fop);
        return;
    }
    child = fop_child_like(fop, child_made, NULL);
    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    child->in.setattr.stat.mode &= ~(uint32_t)S_ISGID;
    fop_submit(xl->child, child);
}

static void go(struct xlator *xl, struct fop *fop, struct inquiry *q, struct verdict v)
{
    fop_done_fn note = NULL;

    switch (fop->op) {
    case FOP_MKNOD:
    case FOP_MKDIR:
    case FOP_CREATE:
        if (fop->loc.parent)
            make(xl, fop, q);
        else
            stop(fop, q, EINVAL);
        return;
    case FOP_SETATTR:
    case FOP_FSETATTR:
        inquiry_done(q);
        set_attributes(xl, fop, v.drop_setgid);
        return;
    case FOP_ACCESS:
        if (is_exempt(xl, fop) || (fop->in.access.mask & 7) == 0)
            break;
        inquiry_done(q);
        fop_complete(fop, 0, 0); /* ours is the answer: the storage may do anything */
        return;
    case FOP_LOOKUP:
        fop->flags |= FOP_WANT_ACL;
        note = lookup_done;
        break;
    case FOP_SETXATTR:
    case FOP_FSETXATTR:
    case FOP_REMOVEXATTR:
    case FOP_FREMOVEXATTR:
        note = is_acl_change(fop) ? acl_change_done : NULL;
        break;
    default:
        break;
    }
    inquiry_done(q);
    if (note && !push_note(xl, fop, note))
        fop_fail(fop, ENOMEM);
    else
        fop_pass(xl, fop);
}

static void handle(struct xlator *xl, struct fop *fop, struct inquiry *q)
{
    static const struct victim nobody_asked[2];
    struct verdict v = {0};

    if (!is_exempt(xl, fop))
        v = judge(xl, fop, q ? q->victims : nobody_asked);
    if (v.unknown || v.unnamed)
        look(xl, fop, q, v.unknown, v.unnamed, handle);
    else if (v.err)
        stop(fop, q, v.err);
    else
        go(xl, fop, q, v);
}

static void posix_acl_fop(struct xlator *xl, struct fop *fop)
{
    handle(xl, fop, NULL);
}

/* Data by descriptor: OPEN was judged; only an NFS server, which keeps none for its callers, is asked again. */
static void posix_acl_data(struct xlator *xl, struct fop *fop)
{
    if (fop->cred.pid == 1)
        handle(xl, fop, NULL);
    else
        fop_pass(xl, fop);
}

static const struct option posix_acl_options[] = {
    OPT_INT("super-uid", struct posix_acl, super_uid, "0", 0, UINT32_MAX, "a user that may do all"),
};
static const char *const posix_acl_aliases[] = {"features/access-control", NULL};

const struct xlator_type posix_acl_type = {
    .name = "system/posix-acl",
    .aliases = posix_acl_aliases,
    .options = posix_acl_options,
    .nr_options = array_len(posix_acl_options),
    .priv_size = sizeof(struct posix_acl),
    .inode_slot = true,
    .forget = context_forget,
    .on =
        {
            [FOP_LOOKUP] = posix_acl_fop,    [FOP_OPEN] = posix_acl_fop,         [FOP_OPENDIR] = posix_acl_fop,
            [FOP_ACCESS] = posix_acl_fop,    [FOP_MKNOD] = posix_acl_fop,        [FOP_MKDIR] = posix_acl_fop,
            [FOP_CREATE] = posix_acl_fop,    [FOP_SYMLINK] = posix_acl_fop,      [FOP_LINK] = posix_acl_fop,
            [FOP_UNLINK] = posix_acl_fop,    [FOP_RMDIR] = posix_acl_fop,        [FOP_RENAME] = posix_acl_fop,
            [FOP_TRUNCATE] = posix_acl_fop,  [FOP_SETATTR] = posix_acl_fop,      [FOP_FSETATTR] = posix_acl_fop,
            [FOP_SETXATTR] = posix_acl_fop,  [FOP_FSETXATTR] = posix_acl_fop,    [FOP_REMOVEXATTR] = posix_acl_fop,
            [FOP_GETXATTR] = posix_acl_fop,  [FOP_FREMOVEXATTR] = posix_acl_fop, [FOP_FGETXATTR] = posix_acl_fop,
            [FOP_PUT] = posix_acl_fop,       [FOP_ICREATE] = posix_acl_fop,      [FOP_NAMELINK] = posix_acl_fop,
            [FOP_READ] = posix_acl_data,     [FOP_WRITE] = posix_acl_data,       [FOP_READDIR] = posix_acl_data,
            [FOP_READDIRP] = posix_acl_data, [FOP_FTRUNCATE] = posix_acl_data,
        },
};
