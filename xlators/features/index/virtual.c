/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* virtual.c: how a heal daemon sees the indices: directories with gfids that we make up. It asks the root for the three of them by
 * GETXATTR; LOOKUP, OPENDIR, READDIR, UNLINK and RMDIR on them are answered here and go no further. A directory of entry-changes
 * has the gfid of the directory that it is about, combined with that of entry-changes: the same one as long as we live.
 *
 * Also the short ways: glusterfs.xattrop_index_count, and link-count in the answers of LOOKUP and FSTAT (is anything to be healed?). */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "index.h"

#define LINK_COUNT "link-count"
#define IA_TYPE_ASK "glusterfs.index-ia-type-get-req"
#define IA_TYPE_TELL "glusterfs.index-ia-type-get-rsp"
#define GETDENTS_BUF (32 * KiB)
#define ENTRY_COST 209 /* of an entry against the size of a READDIR, beside its name (spec wire 6.2.28) */
#define REPLY_MAX (1 * MiB)

/* Which of our directories an inode is. */
struct place {
    enum index_kind kind;
    const gfid_t *sub; /* of entry-changes: about which directory; NULL: the index itself */
};

static bool is_ours(struct index *ix, const struct inode *in, struct place *ret)
{
    const struct index_inode *known;

    if (!in)
        return false;
    for (int k = 0; k < NR_INDICES; k++)
        if (gfid_equal(in->gfid, ix->virtual[k])) {
            *ret = (struct place){k, NULL};
            return true;
        }
    known = inode_ctx(in, ix->xl);
    if (!known || !known->is_subdir)
        return false;
    *ret = (struct place){INDEX_ENTRIES, &known->of};
    return true;
}

static gfid_t combined(gfid_t a, gfid_t b)
{
    for (size_t i = 0; i < sizeof(a.b); i++)
        a.b[i] ^= b.b[i];
    return a;
}

static void answer(struct fop *fop, int r)
{
    if (r < 0)
        fop_fail(fop, -r);
    else
        fop_complete(fop, r, fop->err);
}

/* ---- LOOKUP ------------------------------------------------------------------------------------------------------------------------ */

static void iatt_of(const struct stat *st, gfid_t gfid, struct iatt *ret)
{
    *ret = (struct iatt){
        .gfid = gfid,
        .ino = UINT64_MAX,
        .dev = st->st_dev,
        .rdev = st->st_rdev,
        .size = (uint64_t)st->st_size,
        .blocks = (uint64_t)st->st_blocks,
        .atime = st->st_atim.tv_sec,
        .mtime = st->st_mtim.tv_sec,
        .ctime = st->st_ctim.tv_sec,
        .atime_nsec = (uint32_t)st->st_atim.tv_nsec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
        .ctime_nsec = (uint32_t)st->st_ctim.tv_nsec,
        .nlink = (uint32_t)st->st_nlink,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .blksize = (uint32_t)st->st_blksize,
        .mode = st->st_mode,
    };
}

/* The inode of an entry. Names are not gfids: what is not about an object gets one that is used once. */
static struct inode *inode_for(struct index *ix, const struct place *dir, const char *name, bool is_dir)
{
    gfid_t of;
    bool about = !dir->sub && gfid_parse(name, &of);
    struct inode *in = inode_get(ix->xl->graph->inodes, about ? combined(of, ix->virtual[dir->kind]) : gfid_random());
    struct index_inode *known;

    if (!in || !about || !is_dir || inode_ctx(in, ix->xl))
        return in;
    known = calloc(1, sizeof(*known));
    if (!known) {
        inode_unref(in);
        return NULL;
    }
    pthread_mutex_init(&known->lock, NULL);
    known->is_subdir = true;
    known->of = of;
    if (inode_ctx_set(in, ix->xl, known) != known) {
        pthread_mutex_destroy(&known->lock);
        free(known);
    }
    return in;
}

static int lookup(struct index *ix, struct fop *fop)
{
    struct place at;
    struct stat st;
    bool named = fop->loc.parent && fop->loc.name[0];
    const char *name = named ? fop->loc.name : NULL;

    if (!is_ours(ix, named ? fop->loc.parent : fop->loc.inode, &at))
        return -ESTALE;
    if (name && !at.sub && store_is_base(name))
        return -ENOENT;
    int r = store_stat(ix, at.kind, at.sub, name, &st);
    if (r < 0)
        return r;
    fop->out.inode = named ? inode_for(ix, &at, name, S_ISDIR(st.st_mode)) : inode_ref(fop->loc.inode);
    if (!fop->out.inode)
        return -ENOMEM;
    atomic_store_explicit(&fop->out.inode->type, st.st_mode & S_IFMT, memory_order_relaxed);
    iatt_of(&st, fop->out.inode->gfid, &fop->out.stat);
    if (!named && !at.sub && dict_find(fop->xdata, IA_TYPE_ASK))
        return fop_xdata_out(fop) ? dict_set_u64(fop->xdata_out, IA_TYPE_TELL, iatt_type(at.kind == INDEX_ENTRIES ? S_IFDIR : S_IFREG))
                                  : -ENOMEM;
    return 0;
}

static void lookup_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);

    answer(fop, lookup(fop->job_ctx, fop));
}

/* Told with a failure, too. */
static void tell_link_count(struct fop *fop, void *ctx)
{
    struct index *ix = ctx;
    struct dict *out = fop_xdata_out(fop);
    int r = out ? dict_set_i64(out, LINK_COUNT, atomic_load_explicit(&ix->dir[INDEX_PENDING].count, memory_order_relaxed) > 0) : -ENOMEM;

    if (r < 0 && fop->ret >= 0)
        fop_complete(fop, -1, -r);
    else
        fop_complete(fop, fop->ret, fop->err);
}

static void want_link_count(struct index *ix, struct fop *fop)
{
    const char *what;

    if (dict_get_text(fop->xdata, LINK_COUNT, &what) == 0 && strcmp(what, "glusterfs.xattrop_index_count") == 0)
        fop_push(fop, tell_link_count, ix);
}

void index_lookup(struct xlator *xl, struct fop *fop)
{
    struct place at;

    if (is_ours(xl->priv, fop->loc.name[0] ? fop->loc.parent : fop->loc.inode, &at)) {
        index_on_worker(xl->priv, fop, lookup_job);
        return;
    }
    want_link_count(xl->priv, fop);
    fop_pass(xl, fop);
}

void index_fstat(struct xlator *xl, struct fop *fop)
{
    want_link_count(xl->priv, fop);
    fop_pass(xl, fop);
}

/* ---- GETXATTR ---------------------------------------------------------------------------------------------------------------------- */

static const char *const gfid_names[NR_INDICES] = {"glusterfs.xattrop_index_gfid", "glusterfs.xattrop_dirty_gfid",
                                                   "glusterfs.xattrop_entry_changes_gfid"};
static const char *const count_names[] = {"glusterfs.xattrop_index_count", "glusterfs.xattrop_dirty_count"};

static int give_dict(struct fop *fop)
{
    fop->out.dict = dict_new();
    return fop->out.dict ? 0 : -ENOMEM;
}

static void count_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    const char *name = fop->in.getxattr.name;
    uint64_t n;
    int r = store_count(fop->job_ctx, strcmp(name, count_names[INDEX_PENDING]) == 0 ? INDEX_PENDING : INDEX_DIRTY, &n);

    if (r == 0 && (r = give_dict(fop)) == 0)
        r = dict_set_u64(fop->out.dict, name, n);
    answer(fop, r);
}

void index_getxattr(struct xlator *xl, struct fop *fop)
{
    struct index *ix = xl->priv;
    const char *name = fop->in.getxattr.name;

    for (int k = 0; name && k < NR_INDICES; k++) {
        if (strcmp(name, gfid_names[k]) == 0) {
            int r = give_dict(fop);
            answer(fop, r < 0 ? r : dict_set_binary(fop->out.dict, name, ix->virtual[k].b, sizeof(gfid_t)));
            return;
        }
    }
    if (name && (strcmp(name, count_names[INDEX_PENDING]) == 0 || strcmp(name, count_names[INDEX_DIRTY]) == 0))
        index_on_worker(ix, fop, count_job);
    else
        fop_pass(xl, fop);
}

/* ---- OPENDIR, READDIR -------------------------------------------------------------------------------------------------------------- */

/* What we keep with a descriptor. */
struct open_index {
    enum index_kind kind;
    int fd;
    pthread_mutex_t lock; /* the descriptor's position */
};

void index_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    struct open_index *o = ctx;

    close(o->fd); /* a directory's: nothing is written back */
    pthread_mutex_destroy(&o->lock);
    free(o);
}

static int open_index(struct index *ix, struct fop *fop)
{
    struct place at;
    struct open_index *o;

    if (!is_ours(ix, fop->loc.inode, &at))
        return -ESTALE;
    int os_fd = store_dir(ix, at.kind, at.sub);
    if (os_fd < 0)
        return os_fd;
    o = calloc(1, sizeof(*o));
    fop->out.fd = o ? fd_new(ix->xl->graph, fop->loc.inode, fop->client, 0, true) : NULL;
    if (!fop->out.fd) {
        close(os_fd);
        free(o);
        return -ENOMEM;
    }
    o->kind = at.kind;
    o->fd = os_fd;
    pthread_mutex_init(&o->lock, NULL);
    fop->out.fd->pid = (uint64_t)fop->cred.pid;
    fd_ctx_set(fop->out.fd, ix->xl, o);
    return 0;
}

static void opendir_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);

    answer(fop, open_index(fop->job_ctx, fop));
}

void index_opendir(struct xlator *xl, struct fop *fop)
{
    struct place at;

    if (is_ours(xl->priv, fop->loc.inode, &at))
        index_on_worker(xl->priv, fop, opendir_job);
    else
        fop_pass(xl, fop);
}

struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
};

/* 1: taken; 0: no room. */
static int take(struct fop *fop, const struct linux_dirent64 *d, size_t *used, unsigned int *cap)
{
    struct fop_out *out = &fop->out;
    size_t len = strlen(d->d_name);

    if (out->nr_entries && *used + ENTRY_COST + len > min_of((size_t)fop->in.readdir.size, REPLY_MAX))
        return 0;
    if (out->nr_entries == *cap) {
        struct dirent4 *more = reallocarray(out->entries, *cap ? *cap * 2 : 32, sizeof(*more));

        if (!more)
            return -ENOMEM;
        out->entries = more;
        *cap = *cap ? *cap * 2 : 32;
    }
    char *name = fop_str(fop, d->d_name, len);
    if (!name)
        return -ENOMEM;
    out->entries[out->nr_entries++] =
        (struct dirent4){.ino = d->d_ino, .off = (uint64_t)d->d_off, .name_len = (uint32_t)len, .name = name};
    *used += ENTRY_COST + len;
    return 1;
}

static int list(struct index *ix, struct open_index *o, struct fop *fop)
{
    char *buf = malloc(GETDENTS_BUF);
    size_t used = 0;
    unsigned int cap = 0;
    long n = 1;
    int r = 1;

    if (!buf)
        return -ENOMEM;
    SCOPED_LOCK(&o->lock);
    if (lseek(o->fd, (off_t)fop->in.readdir.offset, SEEK_SET) < 0)
        r = -errno;
    while (r == 1 && n > 0) {
        n = syscall(SYS_getdents64, o->fd, buf, GETDENTS_BUF);
        if (n < 0)
            r = errno == ENOENT ? 1 : -errno; /* it was removed: empty */
        for (long at = 0; at < n && r == 1;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);

            if (store_is_entry(ix, o->kind, o->fd, d->d_name))
                r = take(fop, d, &used, &cap);
            at += d->d_reclen;
        }
    }
    free(buf);
    if (r < 0)
        return r;
    fop->err = r == 1 ? ENOENT : 0; /* the end */
    return (int)fop->out.nr_entries;
}

/* ---- types of what the entries are about: one LOOKUP after the other ------------------------------------------------------------- */

struct typing {
    struct fop *fop;
    struct index *ix;
    unsigned int at;
    int32_t err;
};

static void type_next(struct typing *t);

static void typed(struct fop *child, void *ctx)
{
    struct typing *t = ctx;

    if (child->ret >= 0)
        t->fop->out.entries[t->at].type = (child->out.stat.mode & S_IFMT) >> 12;
    else if (child->err == ENOENT || child->err == ESTALE)
        inode_drop(child->loc.inode);
    t->at++;
    fop_free(child);
    type_next(t);
}

static void type_next(struct typing *t)
{
    struct fop *fop = t->fop, *child;
    gfid_t gfid;

    while (t->at < fop->out.nr_entries && (!gfid_parse(fop->out.entries[t->at].name, &gfid) || gfid_is_null(gfid)))
        t->at++;
    if (t->at >= fop->out.nr_entries) {
        fop_complete(fop, (int32_t)fop->out.nr_entries, t->err);
        return;
    }
    child = fop_child(fop, FOP_LOOKUP, typed, t);
    if (child)
        child->loc.inode = inode_get(fop->graph->inodes, gfid);
    if (!child || !child->loc.inode) {
        fop_free(child);
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_submit(t->ix->xl->child, child);
}

static void readdir_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct index *ix = fop->job_ctx;
    int r = list(ix, fd_ctx(fop->fd, ix->xl), fop);
    struct typing *t = r > 0 && dict_find(fop->xdata, "get-gfid-type") ? fop_alloc(fop, sizeof(*t)) : NULL;

    if (!t) { /* also without memory: a type may always be unknown */
        answer(fop, r);
        return;
    }
    *t = (struct typing){.fop = fop, .ix = ix, .err = fop->err};
    type_next(t);
}

void index_readdir(struct xlator *xl, struct fop *fop)
{
    if (fop->fd && fd_ctx(fop->fd, xl))
        index_on_worker(xl->priv, fop, readdir_job);
    else
        fop_pass(xl, fop);
}

/* ---- UNLINK, RMDIR ----------------------------------------------------------------------------------------------------------------- */

static void unlink_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct index *ix = fop->job_ctx;
    struct place at;

    if (!is_ours(ix, fop->loc.parent, &at))
        answer(fop, -ESTALE);
    else if (at.sub)
        answer(fop, store_remove_name(ix, *at.sub, fop->loc.name));
    else
        answer(fop, store_remove(ix, at.kind, fop->loc.name));
}

void index_unlink(struct xlator *xl, struct fop *fop)
{
    struct place at;

    if (is_ours(xl->priv, fop->loc.parent, &at))
        index_on_worker(xl->priv, fop, unlink_job);
    else
        fop_pass(xl, fop);
}

static void rmdir_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct index *ix = fop->job_ctx;
    struct place at;

    if (!is_ours(ix, fop->loc.parent, &at))
        answer(fop, -ESTALE);
    else if (at.kind != INDEX_ENTRIES || at.sub)
        answer(fop, -ENOTDIR); /* only entry-changes has directories */
    else if (fop->in.rmdir.flags)
        answer(fop, store_wipe_dir(ix, fop->loc.name));
    else
        answer(fop, store_remove_dir(ix, fop->loc.name));
}

void index_rmdir(struct xlator *xl, struct fop *fop)
{
    struct place at;

    if (is_ours(xl->priv, fop->loc.parent, &at))
        index_on_worker(xl->priv, fop, rmdir_job);
    else
        fop_pass(xl, fop);
}
