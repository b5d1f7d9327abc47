/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* worm.c: features/worm: what was written stays. Two ways, each with its option (spec brick 6.1):
 *
 *   worm             the whole volume: things can be made and filled; what is there can be neither changed nor removed
 *   worm-file-level  each file for itself: it can be changed until it has rested for auto-commit-period, or has lost its last write
 *                    permission; then it is kept until its retention is over (worm.h has the states)
 *
 * Internal callers (pid below 0) pass. A file's state is read from the storage each time, by one STAT that asks for three attributes:
 * what heal or rebalance brings counts at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

#include "feature-types.h"
#include "graph.h"
#include "log.h"
#include "worm.h"

static const char *const modes[] = {"relax", "enterprise", NULL};
static const struct option worm_options[] = {
    OPT_BOOL("worm", struct worm, on, false, "nothing that is there can be changed or removed", .flags = OPTION_LIVE),
    OPT_BOOL("worm-file-level", struct worm, file_level, false, "files that have rested are kept for a time", .flags = OPTION_LIVE),
    OPT_BOOL("worm-files-deletable", struct worm, deletable, true, "a file may be removed when its retention is over",
             .flags = OPTION_LIVE),
    OPT_TIME("default-retention-period", struct worm, retention_s, "120", 0, 0, "how long a file is kept", .flags = OPTION_LIVE),
    OPT_CHOICE("retention-mode", struct worm, mode, "relax", modes, "whether retention can be shortened (relax) or not (enterprise)",
               .flags = OPTION_LIVE),
    OPT_TIME("auto-commit-period", struct worm, commit_s, "180", 0, 0, "after how long without a change a file is kept",
             .flags = OPTION_LIVE),
};

/* The options as they are now. */
static struct worm conf_of(const struct xlator *xl)
{
    const struct worm *w = xl->priv;

    return (struct worm){
        .on = __atomic_load_n(&w->on, __ATOMIC_RELAXED),
        .file_level = __atomic_load_n(&w->file_level, __ATOMIC_RELAXED),
        .deletable = __atomic_load_n(&w->deletable, __ATOMIC_RELAXED),
        .retention_s = __atomic_load_n(&w->retention_s, __ATOMIC_RELAXED),
        .commit_s = __atomic_load_n(&w->commit_s, __ATOMIC_RELAXED),
        .mode = __atomic_load_n(&w->mode, __ATOMIC_RELAXED),
    };
}

static bool is_exempt(const struct fop *fop)
{
    return fop->cred.pid < 0;
}

/* ---- one check, from STAT to the answer ----------------------------------------------------------------------------------------- */

struct check { /* in the arena of its fop */
    struct xlator *xl;
    struct fop *fop;
    struct worm conf;
    struct inode *subject;  /* the fop holds it, or `looked` does */
    struct inode *looked;   /* CREATE: found by name; a reference */
    struct inode *second;   /* RENAME: what it would replace; judged after the first */
    struct retention r;
    bool allowed;
    bool sets_end;          /* SETATTR: a new end of retention was allowed */
};

static void check_next(struct check *c);

static int64_t now_s(void)
{
    return time(NULL);
}

/* Ours to make, whoever asked: access control below has nothing to say about it. */
static struct fop *own(struct check *c, enum fop_op op, fop_done_fn done)
{
    struct fop *child = fop_child(c->fop, op, done, c);

    if (!child)
        return NULL;
    child->cred.uid = child->cred.gid = 0;
    child->cred.nr_groups = 0;
    child->cred.time_flags = 0;
    child->loc.inode = inode_ref(c->subject);
    return child;
}

static void check_fail(struct check *c, int err)
{
    inode_unref(c->looked);
    fop_fail(c->fop, err);
}

static void atime_written(struct fop *child, void *ctx)
{
    struct check *c = ctx;
    int err = child->ret < 0 ? child->err : 0;

    if (!err && (c->fop->op == FOP_SETATTR || c->fop->op == FOP_FSETATTR))
        c->fop->out.post = child->out.post; /* after a commit: what the caller is told is what there is */
    fop_free(child);
    if (err)
        check_fail(c, err);
    else
        check_next(c);
}

static void state_written(struct fop *child, void *ctx)
{
    struct check *c = ctx;
    int err = child->ret < 0 ? child->err : 0;

    fop_free(child);
    if (!err && c->sets_end) { /* the SETATTR that asked for it writes the atime */
        check_next(c);
        return;
    }
    child = err ? NULL : own(c, FOP_SETATTR, atime_written);
    if (!child) {
        check_fail(c, err ? err : ENOMEM);
        return;
    }
    child->in.setattr.valid = SET_ATIME;
    child->in.setattr.stat.atime = c->r.atime;
    fop_submit(c->xl->child, child);
}

static void write_state(struct check *c)
{
    struct fop *child = own(c, FOP_SETXATTR, state_written);
    struct dict *d = child ? dict_new() : NULL;
    char text[STATE_TEXT];

    retention_text(&c->r, text);
    if (!d || dict_set_binary(d, WORM_STATE, text, strlen(text) + 1) < 0) {
        dict_unref(d);
        fop_free(child);
        check_fail(c, ENOMEM);
        return;
    }
    child->in.setxattr.dict = d;
    fop_submit(c->xl->child, child);
}

static int64_t asked_atime(const struct fop *fop)
{
    return fop->in.setattr.valid & SET_ATIME_NOW ? now_s() : fop->in.setattr.stat.atime;
}

static void judge(struct check *c)
{
    const struct fop *fop = c->fop;
    enum worm_step step = STEP_NONE;

    if (fop->op != FOP_SETATTR && fop->op != FOP_FSETATTR) {
        step = retention_judge(&c->conf, &c->r, now_s(), fop->op == FOP_UNLINK, &c->allowed);
    } else if (!c->r.takes_part || !(fop->in.setattr.valid & (SET_ATIME | SET_ATIME_NOW))) {
        c->allowed = true;
    } else {
        if (c->r.bits) /* retention may have ended meanwhile; then its atime is an atime again */
            step = retention_judge(&c->conf, &c->r, now_s(), false, &c->allowed);
        c->allowed = true;
        if (c->r.bits & STATE_RETAINED) {
            c->allowed = retention_new_end(&c->conf, &c->r, now_s(), asked_atime(fop)) == 0;
            c->sets_end = c->allowed;
        }
    }
    if (step != STEP_NONE || c->sets_end)
        write_state(c);
    else
        check_next(c);
}

static void stated(struct fop *child, void *ctx)
{
    struct check *c = ctx;

    if (child->ret < 0) {
        int err = child->err;

        fop_free(child);
        check_fail(c, err);
        return;
    }
    retention_of(&child->out.stat, child->xdata_out, &c->r);
    fop_free(child);
    judge(c);
}

static void read_state(struct check *c)
{
    struct fop *child = own(c, FOP_STAT, stated);
    struct dict *d = child ? dict_new() : NULL;

    if (!d || dict_set_i64(d, WORM_START, 0) < 0 || dict_set_i64(d, WORM_FILE, 0) < 0 || dict_set_i64(d, WORM_STATE, 0) < 0) {
        dict_unref(d);
        fop_free(child);
        check_fail(c, ENOMEM);
        return;
    }
    child->xdata = d;
    fop_submit(c->xl->child, child);
}

static void committed_by_mode(struct fop *fop, void *ctx);
static void created(struct fop *fop, void *ctx);

/* What is judged is written: go on with the operation itself. */
static void check_next(struct check *c)
{
    struct fop *fop = c->fop;

    if (fop->op == FOP_SETATTR || fop->op == FOP_FSETATTR) {
        if (c->looked) { /* it is on its way up: committed_by_mode() made it so */
            inode_unref(c->looked);
            fop_complete(fop, 0, 0);
            return;
        }
        if (c->allowed && c->r.takes_part && fop->in.setattr.valid & SET_MODE && !(fop->in.setattr.stat.mode & 0222)) {
            fop_push(fop, committed_by_mode, c);
            fop_pass(c->xl, fop);
            return;
        }
    }
    if (c->allowed && c->second) {
        c->subject = c->second;
        c->second = NULL;
        read_state(c);
        return;
    }
    inode_unref(c->looked);
    if (!c->allowed) {
        fop_fail(fop, EROFS);
        return;
    }
    if (fop->op == FOP_CREATE)
        fop_push(fop, created, c);
    fop_pass(c->xl, fop);
}

static struct check *check_new(struct xlator *xl, struct fop *fop, struct inode *subject)
{
    struct check *c = fop_alloc(fop, sizeof(*c));

    if (c)
        *c = (struct check){.xl = xl, .fop = fop, .conf = conf_of(xl), .subject = subject};
    return c;
}

/* The state of the file that fop would change decides. */
static void check_file(struct xlator *xl, struct fop *fop, struct inode *in, struct inode *second)
{
    struct check *c = check_new(xl, fop, in ? in : second);

    if (!c || !c->subject) {
        fop_fail(fop, c ? EINVAL : ENOMEM);
        return;
    }
    c->second = in ? second : NULL;
    read_state(c);
}

/* ---- the last write permission goes: the file is kept from now on ----------------------------------------------------------------- */

static void committed_by_mode(struct fop *fop, void *ctx)
{
    struct check *c = ctx;

    if (fop->ret < 0 || (c->r.bits & STATE_ENTERPRISE && c->r.bits & STATE_RETAINED)) {
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    c->looked = inode_ref(c->subject);
    c->sets_end = false;
    retention_commit(&c->conf, &c->r, now_s());
    write_state(c);
}

/* ---- a new file ---------------------------------------------------------------------------------------------------------------------- */

static void marked(struct fop *child, void *ctx)
{
    struct fop *fop = child->parent;
    int err = child->ret < 0 && child->err != EEXIST ? child->err : 0; /* EEXIST: it is not so new */

    fop_free(child);
    if (err)
        log_error(((struct check *)ctx)->xl->name, "a new file could not be marked and will not be kept: %s", strerror(err));
    fop_complete(fop, fop->ret, fop->err);
}

static void created(struct fop *fop, void *ctx)
{
    struct check *c = ctx;
    struct fop *child = NULL;
    struct dict *d = NULL;
    char text[STATE_TEXT];

    if (fop->ret < 0 || !fop->out.inode || !c->conf.file_level) {
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    c->subject = fop->out.inode;
    child = own(c, FOP_SETXATTR, marked);
    d = child ? dict_new() : NULL;
    int n = snprintf(text, sizeof(text), "%lld", (long long)now_s());
    if (!d || dict_set_binary(d, WORM_START, text, (size_t)n + 1) < 0 || dict_set_binary(d, WORM_FILE, "1", 2) < 0) {
        dict_unref(d);
        fop_free(child);
        log_error(c->xl->name, "a new file could not be marked and will not be kept: no memory");
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    child->in.setxattr.dict = d;
    child->in.setxattr.flags = XATTR_CREATE;
    fop_submit(c->xl->child, child);
}

/* A CREATE whose name exists is the OPEN that it is. */
static void create_looked(struct fop *child, void *ctx)
{
    struct check *c = ctx;
    struct fop *fop = c->fop;
    bool exists = child->ret >= 0 && child->out.inode, truncates = fop->in.create.flags & O_TRUNC;

    if (exists)
        c->looked = inode_ref(child->out.inode);
    fop_free(child);
    c->allowed = !exists || !(c->conf.on && (truncates || (fop->in.create.flags & O_ACCMODE) != O_RDONLY));
    if (exists && c->allowed && c->conf.file_level && truncates) {
        c->subject = c->looked;
        read_state(c);
        return;
    }
    check_next(c);
}

static void worm_create(struct xlator *xl, struct fop *fop)
{
    const struct worm conf = conf_of(xl);
    struct check *c;

    if (is_exempt(fop) || (!conf.on && !conf.file_level)) {
        fop_pass(xl, fop);
        return;
    }
    c = check_new(xl, fop, NULL);
    if (c && fop->in.create.flags & O_EXCL) {
        c->allowed = true;
        check_next(c);
        return;
    }
    struct fop *child = c ? fop_child(fop, FOP_LOOKUP, create_looked, c) : NULL;
    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    child->loc.parent = inode_ref(fop->loc.parent);
    strcpy(child->loc.name, fop->loc.name);
    fop_submit(xl->child, child);
}

/* ---- the operations -------------------------------------------------------------------------------------------------------- */

static void worm_open(struct xlator *xl, struct fop *fop)
{
    const struct worm conf = conf_of(xl);
    int32_t flags = fop->in.open.flags;
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & (O_TRUNC | O_APPEND);

    if (!writes || is_exempt(fop) || (!conf.on && !conf.file_level))
        fop_pass(xl, fop);
    else if (conf.on)
        fop_fail(fop, EROFS);
    else if (flags & O_TRUNC)
        check_file(xl, fop, fop->loc.inode, NULL);
    else
        fop_pass(xl, fop); /* each WRITE is judged */
}

/* Data through a descriptor. With `worm` it is one of a new file, or it would not be open for writing. */
static void worm_data(struct xlator *xl, struct fop *fop)
{
    const struct worm conf = conf_of(xl);
    bool copies = fop->op == FOP_COPY_FILE_RANGE;
    struct fd *fd = copies ? fop->fd2 : fop->fd;

    if (is_exempt(fop) || (!conf.on && !conf.file_level))
        fop_pass(xl, fop);
    else if (conf.on && !fd)
        fop_fail(fop, EROFS);
    else if (conf.file_level)
        check_file(xl, fop, fd ? fd->inode : copies ? fop->loc2.inode : fop->loc.inode, NULL);
    else
        fop_pass(xl, fop);
}

/* What shortens a file, names it otherwise or takes a name away. */
static void worm_change(struct xlator *xl, struct fop *fop)
{
    const struct worm conf = conf_of(xl);

    if (is_exempt(fop) || (!conf.on && !conf.file_level))
        fop_pass(xl, fop);
    else if (conf.on)
        fop_fail(fop, EROFS);
    else
        check_file(xl, fop, fop->fd ? fop->fd->inode : fop->loc.inode, fop->op == FOP_RENAME ? fop->loc2.inode : NULL);
}

static void worm_remove(struct xlator *xl, struct fop *fop)
{
    if (conf_of(xl).on && !is_exempt(fop))
        fop_fail(fop, EROFS);
    else
        fop_pass(xl, fop);
}

static bool is_ours(const char *name)
{
    return strcmp(name, WORM_START) == 0 || strcmp(name, WORM_FILE) == 0 || strcmp(name, WORM_STATE) == 0;
}

static bool has_ours(const struct dict *d)
{
    return dict_find(d, WORM_START) || dict_find(d, WORM_FILE) || dict_find(d, WORM_STATE);
}

static void worm_setxattr(struct xlator *xl, struct fop *fop)
{
    if (conf_of(xl).file_level && !is_exempt(fop) && has_ours(fop->in.setxattr.dict))
        fop_fail(fop, EPERM);
    else
        fop_pass(xl, fop);
}

static void worm_removexattr(struct xlator *xl, struct fop *fop)
{
    const char *name = fop->in.removexattr.name;
    bool ours = name && (is_ours(name) || (*name == '\0' && has_ours(fop->xdata)));

    if (conf_of(xl).file_level && !is_exempt(fop) && ours)
        fop_fail(fop, EPERM);
    else
        worm_remove(xl, fop);
}

static void worm_setattr(struct xlator *xl, struct fop *fop)
{
    bool matters = fop->in.setattr.valid & (SET_ATIME | SET_ATIME_NOW) ||
                   (fop->in.setattr.valid & SET_MODE && !(fop->in.setattr.stat.mode & 0222));

    if (matters && conf_of(xl).file_level && !is_exempt(fop))
        check_file(xl, fop, fop->fd ? fop->fd->inode : fop->loc.inode, NULL);
    else
        fop_pass(xl, fop);
}

const struct xlator_type worm_type = {
    .name = "features/worm",
    .options = worm_options,
    .nr_options = array_len(worm_options),
    .priv_size = sizeof(struct worm),
    .on =
        {
            [FOP_OPEN] = worm_open,
            [FOP_CREATE] = worm_create,
            [FOP_WRITE] = worm_data,
            [FOP_FALLOCATE] = worm_data,
            [FOP_DISCARD] = worm_data,
            [FOP_ZEROFILL] = worm_data,
            [FOP_COPY_FILE_RANGE] = worm_data,
            [FOP_TRUNCATE] = worm_change,
            [FOP_FTRUNCATE] = worm_change,
            [FOP_UNLINK] = worm_change,
            [FOP_RENAME] = worm_change,
            [FOP_LINK] = worm_change,
            [FOP_RMDIR] = worm_remove,
            [FOP_SETXATTR] = worm_setxattr,
            [FOP_FSETXATTR] = worm_setxattr,
            [FOP_REMOVEXATTR] = worm_removexattr,
            [FOP_FREMOVEXATTR] = worm_removexattr,
            [FOP_SETATTR] = worm_setattr,
            [FOP_FSETATTR] = worm_setattr,
        },
};
