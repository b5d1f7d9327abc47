/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* meta: the folder `.meta` in the root of a mount, where the process shows what it is made of. A mount puts it above the top of each graph
 * (spec brick 5.4, 7.6). Operations on objects of the volume pass; those on objects of .meta end here.
 *
 * A file says what is so at the time when it is opened: its text is kept in the descriptor, so that reading it in pieces gives one text.
 * Its size is 0, as in /proc, so the kernel is told not to go by it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "inode.h"
#include "meta.h"
#include "process.h"

struct text {
    size_t len;
    char *bytes;
};

/* ---- which object -------------------------------------------------------------------------------------------------------- */

static bool of_meta(const struct inode *in)
{
    return in && meta_is(in->gfid);
}

static bool names_it(const struct loc *loc)
{
    return loc->parent && gfid_is_root(loc->parent->gfid) && strcmp(loc->name, meta_rows[META_DIR].name) == 0;
}

static struct inode *object_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

/* 0 or an errno. */
static int find(struct xlator *xl, const struct fop *fop, struct meta_node *ret)
{
    return meta_find(xl, object_of(fop)->gfid, ret) ? 0 : ESTALE;
}

/* What is above asks for every operation: this is all that one of the volume costs here. */
#define PASS_OTHERS(xl, fop)             \
    do {                                 \
        if (!of_meta(object_of(fop))) {  \
            fop_pass(xl, fop);           \
            return;                      \
        }                                \
    } while (0)

/* ---- look-up and attributes ---------------------------------------------------------------------------------------------- */

static void give_object(struct xlator *xl, struct fop *fop, struct meta_node n)
{
    gfid_t gfid = meta_gfid(n);

    fop->out.inode = inode_get(fop->graph->inodes, gfid);
    if (!fop->out.inode) {
        fop_fail(fop, ENOMEM);
        return;
    }
    meta_stat(xl, n, &fop->out.stat);
    atomic_store_explicit(&fop->out.inode->type, fop->out.stat.mode & S_IFMT, memory_order_relaxed);
    fop->out.post = fop->out.stat; /* the folder's are asked for by nobody */
    fop_complete(fop, 0, 0);
}

static void meta_lookup(struct xlator *xl, struct fop *fop)
{
    struct meta_node n = {.kind = META_DIR}, folder;
    bool found;

    if (names_it(&fop->loc))
        found = true;
    else if (of_meta(fop->loc.parent))
        found = meta_find(xl, fop->loc.parent->gfid, &folder) && meta_child(xl, folder, fop->loc.name, &n);
    else if (!fop->loc.name[0] && of_meta(fop->loc.inode))
        found = meta_find(xl, fop->loc.inode->gfid, &n);
    else {
        fop_pass(xl, fop);
        return;
    }
    if (found)
        give_object(xl, fop, n);
    else
        fop_fail(fop, ENOENT);
}

static void give_stat(struct xlator *xl, struct fop *fop)
{
    struct meta_node n;
    int err = find(xl, fop, &n);

    if (err) {
        fop_fail(fop, err);
        return;
    }
    meta_stat(xl, n, &fop->out.stat);
    fop->out.pre = fop->out.post = fop->out.stat;
    fop_complete(fop, 0, 0);
}

static void meta_getattr(struct xlator *xl, struct fop *fop)
{
    PASS_OTHERS(xl, fop);
    give_stat(xl, fop);
}

static void meta_readlink(struct xlator *xl, struct fop *fop)
{
    struct meta_node n;
    char *text;
    size_t len;

    PASS_OTHERS(xl, fop);
    if (find(xl, fop, &n) || !S_ISLNK(meta_rows[n.kind].mode)) {
        fop_fail(fop, EINVAL);
        return;
    }
    text = meta_rows[n.kind].text(xl, n, &len);
    fop->out.path = text ? fop_str(fop, text, len) : NULL;
    free(text);
    if (fop->out.path)
        fop_complete(fop, (int32_t)len, 0);
    else
        fop_fail(fop, ENOMEM);
}

/* ---- files --------------------------------------------------------------------------------------------------------------- */

/* Nobody below judges for us, and with --acl the kernel does not either. */
static bool may(const struct fop *fop, uint32_t mode, int32_t flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY, reads = (flags & O_ACCMODE) != O_WRONLY;
    uint32_t rights = fop->cred.uid == 0 ? mode >> 6 : mode;

    return (!writes || rights & 2) && (!reads || rights & 4);
}

static void meta_open(struct xlator *xl, struct fop *fop)
{
    struct meta_node n;
    struct text *t;
    struct iatt st;

    PASS_OTHERS(xl, fop);
    if (find(xl, fop, &n) || !meta_rows[n.kind].text) {
        fop_fail(fop, ESTALE);
        return;
    }
    meta_stat(xl, n, &st);
    if (!may(fop, st.mode, fop->in.open.flags)) {
        fop_fail(fop, EACCES);
        return;
    }
    t = calloc(1, sizeof(*t));
    if (t)
        t->bytes = meta_rows[n.kind].text(xl, n, &t->len);
    fop->out.fd = t && t->bytes ? fd_new(fop->graph, fop->loc.inode, fop->client, fop->in.open.flags, false) : NULL;
    if (!fop->out.fd || !fop_xdata_out(fop) || dict_set_i64(fop->xdata_out, "direct-io-mode", 1) < 0) {
        if (t)
            free(t->bytes);
        free(t);
        fop_fail(fop, ENOMEM);
        return;
    }
    fd_ctx_set(fop->out.fd, xl, t);
    fop_complete(fop, 0, 0);
}

static void meta_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    struct text *t = ctx;

    free(t->bytes);
    free(t);
}

static void meta_read(struct xlator *xl, struct fop *fop)
{
    const struct text *t;
    struct slice s;
    size_t n;

    PASS_OTHERS(xl, fop);
    t = fop->fd ? fd_ctx(fop->fd, xl) : NULL;
    if (!t) {
        fop_fail(fop, EBADF);
        return;
    }
    n = fop->in.read.offset < t->len ? min_of(t->len - (size_t)fop->in.read.offset, (size_t)fop->in.read.size) : 0;
    if (n) {
        s = slice_new(fop->graph->process->env.bufs, n);
        if (!s.buf || slicev_add(&fop->out.data, s) < 0) {
            fop_fail(fop, ENOMEM);
            return;
        }
        memcpy(s.at, t->bytes + fop->in.read.offset, n);
    }
    fop_complete(fop, (int32_t)n, fop->in.read.offset + n >= t->len ? ENOENT : 0);
}

static void meta_write(struct xlator *xl, struct fop *fop)
{
    char value[64];
    struct meta_node n;
    size_t len;
    int failed;

    PASS_OTHERS(xl, fop);
    len = slicev_copy_out(&fop->in.write.data, 0, value, min_of(fop->in.write.data.len, sizeof(value) - 1));
    value[len] = '\0';
    if (find(xl, fop, &n) || !meta_rows[n.kind].write)
        failed = -EBADF;
    else if (fop->in.write.offset || fop->in.write.data.len >= sizeof(value))
        failed = -EINVAL;
    else
        failed = meta_rows[n.kind].write(xl, n, value);
    if (failed) {
        fop_fail(fop, -failed);
        return;
    }
    meta_stat(xl, n, &fop->out.post);
    fop->out.pre = fop->out.post;
    fop_complete(fop, (int32_t)len, 0);
}

/* There is nothing to be cut off, nor to be brought to a disk. */
static void meta_truncate(struct xlator *xl, struct fop *fop)
{
    struct meta_node n;

    PASS_OTHERS(xl, fop);
    if (find(xl, fop, &n) || !meta_rows[n.kind].write)
        fop_fail(fop, EPERM);
    else
        give_stat(xl, fop);
}

static void meta_nothing(struct xlator *xl, struct fop *fop)
{
    PASS_OTHERS(xl, fop);
    fop_complete(fop, 0, 0);
}

/* ---- folders ------------------------------------------------------------------------------------------------------------- */

static void meta_opendir(struct xlator *xl, struct fop *fop)
{
    struct meta_node n;

    PASS_OTHERS(xl, fop);
    if (find(xl, fop, &n) || !S_ISDIR(meta_rows[n.kind].mode)) {
        fop_fail(fop, ENOTDIR);
        return;
    }
    fop->out.fd = fd_new(fop->graph, fop->loc.inode, fop->client, O_RDONLY, true);
    if (fop->out.fd)
        fop_complete(fop, 0, 0);
    else
        fop_fail(fop, ENOMEM);
}

static bool put_entry(struct fop *fop, uint64_t off, const char *name, const struct iatt *st)
{
    struct dirent4 *d = &fop->out.entries[fop->out.nr_entries];

    *d = (struct dirent4){.ino = st->ino, .off = off, .type = (st->mode & S_IFMT) >> 12, .name_len = (uint32_t)strlen(name)};
    d->name = fop_str(fop, name, d->name_len);
    if (!d->name)
        return false;
    if (fop->op == FOP_READDIRP && name[0] != '.')
        d->stat = *st;
    fop->out.nr_entries++;
    return true;
}

#define ENTRY_SIZE 160 /* of the caller's buffer, about */
#define AT_ONCE 256

/* Offsets: 0 is ".", 1 is "..", 2 + i is the i-th name; an entry's is that of the next one. */
static void meta_readdir(struct xlator *xl, struct fop *fop)
{
    char name[FOP_NAME_MAX + 1];
    struct meta_node folder, n;
    uint64_t at = fop->in.readdir.offset;
    unsigned int room = min_of(max_of(fop->in.readdir.size / ENTRY_SIZE, 4u), (unsigned int)AT_ONCE);
    bool end = false;
    struct iatt st;
    int err;

    PASS_OTHERS(xl, fop);
    err = find(xl, fop, &folder);
    fop->out.entries = err ? NULL : calloc(room, sizeof(*fop->out.entries));
    if (!fop->out.entries) {
        fop_fail(fop, err ? err : ENOMEM);
        return;
    }
    for (; fop->out.nr_entries < room && at <= UINT16_MAX; at++) {
        n = folder;
        if (at < 2)
            strcpy(name, at ? ".." : ".");
        else if ((end = !meta_entry(xl, folder, (unsigned int)at - 2, &n, name)))
            break;
        if (!name[0])
            continue;
        meta_stat(xl, n, &st);
        if (!put_entry(fop, at + 1, name, &st)) {
            fop_fail(fop, ENOMEM);
            return;
        }
    }
    fop_complete(fop, (int32_t)fop->out.nr_entries, end ? ENOENT : 0);
}

/* ---- what cannot be done with it ----------------------------------------------------------------------------------------- */

static void meta_refused(struct xlator *xl, struct fop *fop)
{
    if (of_meta(object_of(fop)) || of_meta(fop->loc.parent) || of_meta(fop->loc2.parent) || of_meta(fop->loc2.inode) ||
        names_it(&fop->loc) || names_it(&fop->loc2) || (fop->fd2 && of_meta(fop->fd2->inode)))
        fop_fail(fop, EPERM);
    else
        fop_pass(xl, fop);
}

static void meta_no_attributes(struct xlator *xl, struct fop *fop)
{
    PASS_OTHERS(xl, fop);
    if (fop->in.getxattr.name) {
        fop_fail(fop, ENODATA);
        return;
    }
    fop->out.dict = dict_new();
    if (fop->out.dict)
        fop_complete(fop, 0, 0);
    else
        fop_fail(fop, ENOMEM);
}

#define REFUSED(op) [FOP_##op] = meta_refused
const struct xlator_type meta_type = {
    .name = "meta",
    .fd_slot = true,
    .release = meta_release,
    .on =
        {
            [FOP_LOOKUP] = meta_lookup, [FOP_STAT] = meta_getattr, [FOP_FSTAT] = meta_getattr, [FOP_READLINK] = meta_readlink,
            [FOP_OPEN] = meta_open, [FOP_READ] = meta_read, [FOP_WRITE] = meta_write, [FOP_TRUNCATE] = meta_truncate,
            [FOP_FTRUNCATE] = meta_truncate, [FOP_FLUSH] = meta_nothing, [FOP_FSYNC] = meta_nothing, [FOP_FSYNCDIR] = meta_nothing,
            [FOP_ACCESS] = meta_nothing, [FOP_OPENDIR] = meta_opendir, [FOP_READDIR] = meta_readdir, [FOP_READDIRP] = meta_readdir,
            [FOP_GETXATTR] = meta_no_attributes, [FOP_FGETXATTR] = meta_no_attributes,
            REFUSED(MKNOD), REFUSED(MKDIR), REFUSED(UNLINK), REFUSED(RMDIR), REFUSED(SYMLINK), REFUSED(RENAME), REFUSED(LINK),
            REFUSED(CREATE), REFUSED(SETATTR), REFUSED(FSETATTR), REFUSED(SETXATTR), REFUSED(FSETXATTR), REFUSED(REMOVEXATTR),
            REFUSED(FREMOVEXATTR), REFUSED(FALLOCATE), REFUSED(DISCARD), REFUSED(ZEROFILL), REFUSED(SEEK), REFUSED(LK),
            REFUSED(COPY_FILE_RANGE), REFUSED(STATFS), REFUSED(INODELK), REFUSED(FINODELK), REFUSED(ENTRYLK), REFUSED(FENTRYLK),
            REFUSED(XATTROP), REFUSED(FXATTROP), REFUSED(RCHECKSUM), REFUSED(LEASE), REFUSED(GETACTIVELK), REFUSED(SETACTIVELK),
            REFUSED(PUT), REFUSED(ICREATE), REFUSED(NAMELINK),
        },
};
