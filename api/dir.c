/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Entries of an open directory, read in portions that the descriptor keeps. */
#include <stdlib.h>
#include <string.h>

#include "impl.h"

#define PORTION 131072

struct glfs_xreaddirp_stat {
    uint32_t flags;                /* which of the following there are */
    struct stat stat;
    struct glfs_object *object;
};

enum want {
    WANT_NAMES,
    WANT_STATS,
    WANT_OBJECTS,
};
struct entry {
    const char *name;              /* in the portion's block */
    uint64_t ino, off;
    uint32_t type;
    struct iatt stat;              /* mode 0: not known */
    struct vnode *node;            /* a reference, or NULL */
};
struct portion {
    enum want want;
    unsigned int n, at;
    struct entry entries[];        /* the names come behind them */
};

void portion_free(struct portion *p)
{
    if (!p)
        return;
    for (unsigned int i = 0; i < p->n; i++)
        vnode_unref(p->entries[i].node);
    free(p);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* What came, in memory of its own: an operation that is kept would hold up an exchange of the graph. */
static struct portion *portion_of(struct vop *op, enum want want)
{
    const struct fop_out *out = &op->fop->out;
    size_t names = 0;
    struct portion *p;
    char *to;

    for (unsigned int i = 0; i < out->nr_entries; i++)
        names += out->entries[i].name_len + 1;
    p = calloc(1, sizeof(*p) + out->nr_entries * sizeof(struct entry) + names);
    if (!p)
        return NULL;
    p->want = want;
    p->n = out->nr_entries;
    to = (char *)&p->entries[p->n];
    for (unsigned int i = 0; i < p->n; i++) {
        const struct dirent4 *from = &out->entries[i];

        p->entries[i] = (struct entry){.name = to, .ino = from->ino, .off = from->off, .type = from->type, .stat = from->stat};
        memcpy(to, from->name, from->name_len);
        to += from->name_len + 1;
        if (gfid_is_null(from->stat.gfid))
            p->entries[i].stat.mode = 0;
        else if (want == WANT_OBJECTS && from->stat.mode && !is_dots(p->entries[i].name))
            p->entries[i].node = vnode_of_entry(op, from);
    }
    return p;
}

/* Another portion, from the descriptor's place on. An empty one is the end. */
static int fill(struct glfs_fd *fd, enum want want)
{
    struct vop op;
    int64_t r;

    portion_free(fd->portion);
    fd->portion = NULL;
    r = call_init(&op, fd->fs, want == WANT_NAMES ? FOP_READDIR : FOP_READDIRP);
    if (r < 0)
        return (int)r;
    op.file = vfile_ref(fd->file);
    op.fop->in.readdir.size = PORTION;
    op.fop->in.readdir.offset = (uint64_t)fd->offset;
    r = call_run(&op);
    if (r >= 0 || r == -ENOENT) {
        fd->portion = portion_of(&op, want);
        r = fd->portion ? 0 : -ENOMEM;
    }
    call_done(&op);
    return (int)r;
}

/* NULL in ret: the end. It stays valid until the descriptor reads on. */
static int next(struct glfs_fd *fd, enum want want, struct entry **ret)
{
    int r = 0;

    *ret = NULL;
    if (!fd->portion || fd->portion->at >= fd->portion->n || fd->portion->want < want)
        r = fill(fd, want);
    if (r < 0 || fd->portion->n == 0)
        return r;
    *ret = &fd->portion->entries[fd->portion->at++];
    fd->offset = (off_t)(*ret)->off;
    return 0;
}

static void entry_of(const struct entry *from, struct dirent *to)
{
    to->d_ino = from->ino;
    to->d_off = (off_t)from->off;
    to->d_reclen = sizeof(*to);
    to->d_type = (unsigned char)from->type;
    memset(to->d_name, 0, sizeof(to->d_name));
    strncpy(to->d_name, from->name, sizeof(to->d_name) - 1);
}

/* The attributes, which the brick may have left out: then it is asked for this one. ".." has what is known of it. */
static int attributes(struct glfs_fd *fd, struct entry *d, struct stat *ret)
{
    struct vnode *dir = vfile_node(fd->file);
    struct iatt st = d->stat;
    int r = 0;

    if (is_dots(d->name) && (!d->name[1] || gfid_is_root(vnode_gfid(dir)))) {
        r = do_stat(fd->fs, OF_NODE(dir), &st);
        if (!d->node)
            d->node = vnode_ref(dir);
    } else if (is_dots(d->name)) {
        st.mode = S_IFDIR | (st.mode & 07777);
    } else if (!st.mode) {
        vnode_unref(d->node);
        d->node = NULL;
        r = do_lookup(fd->fs, dir, d->name, &d->node, &st);
    }
    if (r < 0)
        return r;
    stat_of(fd->fs, &st, ret);
    if (gfid_is_null(st.gfid))
        ret->st_ino = d->ino;
    return 0;
}

static int read_entry(glfs_fd_t *fd, struct stat *st, struct dirent *to, struct dirent **result)
{
    struct entry *d;
    int r;

    pthread_mutex_lock(&fd->lock);
    r = next(fd, st ? WANT_STATS : WANT_NAMES, &d);
    if (r == 0 && d && st && attributes(fd, d, st) < 0) /* gone since: what is known */
        *st = (struct stat){.st_ino = d->ino, .st_mode = d->type << 12, .st_dev = fd->fs->dev};
    if (r == 0 && d)
        entry_of(d, to);
    pthread_mutex_unlock(&fd->lock);
    *result = r == 0 && d ? to : NULL;
    return r;
}

static int read_into(glfs_fd_t *fd, struct stat *st, struct dirent *to, struct dirent **result)
{
    int r;

    if (!file_enter(fd))
        return -1;
    r = result ? read_entry(fd, st, to ? to : &fd->dirent, result) : -EINVAL;
    file_unref(fd);
    return answer(r);
}

int glfs_readdir_r(glfs_fd_t *fd, struct dirent *dirent, struct dirent **result)
{
    return read_into(fd, NULL, dirent, result);
}

int glfs_readdirplus_r(glfs_fd_t *fd, struct stat *stat, struct dirent *dirent, struct dirent **result)
{
    return read_into(fd, stat, dirent, result);
}

struct dirent *glfs_readdir(glfs_fd_t *fd)
{
    struct dirent *d = NULL;

    read_into(fd, NULL, NULL, &d);
    return d;
}

struct dirent *glfs_readdirplus(glfs_fd_t *fd, struct stat *stat)
{
    struct dirent *d = NULL;

    read_into(fd, stat, NULL, &d);
    return d;
}

long glfs_telldir(glfs_fd_t *fd)
{
    long r;

    if (!file_enter(fd))
        return -1;
    pthread_mutex_lock(&fd->lock);
    r = fd->offset;
    pthread_mutex_unlock(&fd->lock);
    file_unref(fd);
    return r;
}

void glfs_seekdir(glfs_fd_t *fd, long offset)
{
    if (!file_enter(fd))
        return;
    pthread_mutex_lock(&fd->lock);
    fd->offset = offset;
    portion_free(fd->portion);
    fd->portion = NULL;
    pthread_mutex_unlock(&fd->lock);
    file_unref(fd);
}

/* ---- with objects ------------------------------------------------------------------------------------------------------------------ */

static void drop_xstat(void *what)
{
    struct glfs_xreaddirp_stat *x = what;

    glfs_h_close(x->object);
}

static int fill_xstat(struct glfs_fd *fd, struct entry *d, uint32_t flags, struct glfs_xreaddirp_stat *x)
{
    int r = attributes(fd, d, &x->stat);

    if (r < 0)
        return r == -ENOENT || r == -ESTALE ? 0 : r; /* gone since: none of the flags */
    x->flags |= flags & GFAPI_XREADDIRP_STAT;
    if (!d->node || !(flags & GFAPI_XREADDIRP_HANDLE))
        return 0;
    x->object = object_new(fd->fs, vnode_ref(d->node));
    if (!x->object)
        return -ENOMEM;
    x->flags |= GFAPI_XREADDIRP_HANDLE;
    return 0;
}

static int xread_locked(struct glfs_fd *fd, uint32_t flags, struct glfs_xreaddirp_stat *x, struct dirent *to, bool *ret_there)
{
    enum want want = flags & GFAPI_XREADDIRP_HANDLE ? WANT_OBJECTS : flags ? WANT_STATS : WANT_NAMES;
    struct entry *d;
    int r = next(fd, want, &d);

    *ret_there = r == 0 && d;
    if (!*ret_there)
        return r;
    if (flags)
        r = fill_xstat(fd, d, flags, x);
    entry_of(d, to);
    return r;
}

int glfs_xreaddirplus_r(glfs_fd_t *fd, uint32_t flags, glfs_xreaddirp_stat_t **xstat_p, struct dirent *ext, struct dirent **res)
{
    struct glfs_xreaddirp_stat *x;
    bool there;
    int r;

    if (!file_enter(fd))
        return -1;
    x = freeable_new(sizeof(*x), drop_xstat);
    if (!x || !xstat_p || !res) {
        file_unref(fd);
        glfs_free(x);
        return answer(x ? -EINVAL : -ENOMEM);
    }
    pthread_mutex_lock(&fd->lock);
    r = xread_locked(fd, flags & (GFAPI_XREADDIRP_STAT | GFAPI_XREADDIRP_HANDLE), x, ext ? ext : &fd->dirent, &there);
    pthread_mutex_unlock(&fd->lock);
    *res = r == 0 && there ? (ext ? ext : &fd->dirent) : NULL;
    *xstat_p = *res ? x : NULL;
    if (*res)
        r = (int)x->flags;
    else
        glfs_free(x);
    file_unref(fd);
    return answer(r);
}

struct stat *glfs_xreaddirplus_get_stat(glfs_xreaddirp_stat_t *x)
{
    if (!x)
        return answer_ptr(-EINVAL, NULL);
    return x->flags & GFAPI_XREADDIRP_STAT ? &x->stat : NULL;
}

glfs_object_t *glfs_xreaddirplus_get_object(struct glfs_xreaddirp_stat *x)
{
    if (!x)
        return answer_ptr(-EINVAL, NULL);
    return x->object;
}
