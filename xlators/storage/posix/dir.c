/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dir.c: OPENDIR, READDIR, READDIRP, FSYNCDIR (spec brick 2.7). Cookies are the file system's. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix.h"

#define ENTRY_COST 209      /* what stock counts for an entry beside its name; more than it takes on the wire */
#define REPLY_MAX (1 * MiB)
#define DICTS_MAX (1 * MiB) /* xdata of all entries of a reply; its size is the request's choice */
#define GETDENTS_BUF (32 * KiB)

struct linux_dirent64 {
    uint64_t d_ino;
    int64_t d_off;
    unsigned short d_reclen;
    unsigned char d_type;
    char d_name[];
};

int op_opendir(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = obj_of_inode(p, fop->loc.inode, &o);
    if (r < 0)
        return r;
    if (!S_ISDIR(o.st.st_mode))
        return -ENOTDIR;
    int fd = openat(o.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* a position of its own */
    if (fd < 0)
        return -errno;
    mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    return pfd_bind(p, fop, o.inode, fd, O_RDONLY | O_DIRECTORY, true);
}

int op_fsyncdir(struct posix *p, struct fop *fop)
{
    return fop->fd && pfd_of(p, fop->fd) ? 0 : -EINVAL;
}

struct listing {
    struct posix *p;
    struct fop *fop;
    struct pfd *dir;
    bool root, plus, no_dirs;
    struct want want;
    unsigned int cap;
    size_t used, limit, dicts;
};

static bool add_slot(struct listing *l)
{
    struct fop_out *out = &l->fop->out;
    if (out->nr_entries < l->cap)
        return true;
    unsigned int cap = l->cap ? l->cap * 2 : 32;
    struct dirent4 *v = reallocarray(out->entries, cap, sizeof(*v));
    if (!v)
        return false;
    out->entries = v;
    l->cap = cap;
    return true;
}

/* Attributes of one entry; what cannot be had stays zero, and the client looks it up. */
static void entry_attributes(struct listing *l, const char *name, struct dirent4 *e)
{
    OBJ(o);
    e->ino = UINT64_MAX;
    if (l->root && !strcmp(name, ".."))
        return; /* above the brick */
    if (obj_of_entry(l->p, l->dir->fd, name, &o) < 0)
        return;
    e->type = (o.st.st_mode & S_IFMT) >> 12;
    if (gfid_is_null(o.gfid))
        return;
    obj_know_inode(&o, false);
    obj_iatt(&o, &e->stat);
    e->ino = e->stat.ino;
    if (l->want.any && l->dicts < DICTS_MAX) {
        e->xdata = dict_new();
        if (e->xdata) {
            want_fill(&l->want, &o, false, e->xdata);
            l->dicts += dict4_size(e->xdata);
        }
    }
}

/* 1: taken; 0: left out; -ENOSPC: no more room. */
static int take(struct listing *l, const struct linux_dirent64 *d)
{
    const char *name = d->d_name;
    size_t len = strlen(name), cost = ENTRY_COST + len;
    if (l->root && !strcmp(name, PRIVATE_DIR))
        return 0;
    struct fop_out *out = &l->fop->out;
    if (out->nr_entries && (l->used + cost > l->limit || l->dicts >= DICTS_MAX))
        return -ENOSPC;
    unsigned int type = d->d_type;
    if (type == DT_UNKNOWN) {
        struct stat st;
        if (fstatat(l->dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            type = (st.st_mode & S_IFMT) >> 12;
    }
    if (l->no_dirs && type == DT_DIR)
        return 0;
    if (!add_slot(l))
        return -ENOMEM;
    struct dirent4 *e = &out->entries[out->nr_entries];
    *e = (struct dirent4){.ino = d->d_ino, .off = (uint64_t)d->d_off, .type = type, .name_len = (uint32_t)len};
    e->name = fop_str(l->fop, name, len);
    if (!e->name)
        return -ENOMEM;
    if (l->plus)
        entry_attributes(l, name, e);
    out->nr_entries++;
    l->used += cost;
    return 1;
}

/* dir->lock is held: the descriptor's position is shared. */
static int fill_locked(struct listing *l, uint64_t offset)
{
    struct pfd *f = l->dir;
    char *buf = malloc(GETDENTS_BUF);
    if (!buf)
        return -ENOMEM;
    int r = 0;
    if (f->pos != (off_t)offset || offset == 0) {
        if (lseek(f->fd, (off_t)offset, SEEK_SET) < 0)
            r = -errno;
        f->pos = (off_t)offset;
    }
    bool full = false, end = false;
    while (r == 0 && !full && !end) {
        long n = syscall(SYS_getdents64, f->fd, buf, GETDENTS_BUF);
        if (n < 0)
            r = errno == ENOENT ? 0 : -errno; /* a removed directory is empty */
        if (n <= 0)
            end = true;
        for (long at = 0; at < n && !full && r == 0;) {
            const struct linux_dirent64 *d = (const void *)(buf + at);
            int t = take(l, d);
            if (t == -ENOSPC)
                full = true;
            else if (t < 0)
                r = t;
            else
                f->pos = d->d_off;
            at += d->d_reclen;
        }
    }
    if (full)
        f->pos = -1; /* the descriptor is ahead of what was taken */
    free(buf);
    if (r < 0)
        return r;
    l->fop->err = end ? ENOENT : 0;
    return (int)l->fop->out.nr_entries;
}

static int list(struct posix *p, struct fop *fop, bool plus)
{
    struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    if (!f)
        return fop->fd ? -EINVAL : -EBADF;
    if (!f->is_dir)
        return -ENOTDIR;
    if (fop->in.readdir.offset > INT64_MAX)
        return -EINVAL;
    struct listing l = {.p = p, .fop = fop, .dir = f, .plus = plus, .root = gfid_is_root(fop->fd->inode->gfid)};
    l.limit = min_of((size_t)fop->in.readdir.size, REPLY_MAX);
    l.no_dirs = dict_is_true(fop->xdata, "readdir-filter-directories");
    if (plus)
        want_parse(p, fop->xdata, &l.want);
    SCOPED_LOCK(&f->lock);
    return fill_locked(&l, fop->in.readdir.offset);
}

int op_readdir(struct posix *p, struct fop *fop)
{
    return list(p, fop, false);
}

int op_readdirp(struct posix *p, struct fop *fop)
{
    if (dict_find(fop->xdata, "glusterfs.ancestry.dentry"))
        return -EOPNOTSUPP;
    return list(p, fop, true);
}
