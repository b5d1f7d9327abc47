/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* obj.c: one object of the brick, however it is reached, and the system calls on it.
 *
 * Extended attributes have no *at() calls in the kernels that we support, so they go through /proc/self/fd: an O_PATH descriptor's
 * magic link leads to exactly that object, also to a symlink; below a level-1 directory there is only what we made. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "posix.h"

const char *obj_path(const struct obj *o, char path[OBJ_PATH])
{
    if (o->kind == OBJ_HANDLE)
        snprintf(path, OBJ_PATH, "/proc/self/fd/%d/%s", o->fd, o->name);
    else
        snprintf(path, OBJ_PATH, "/proc/self/fd/%d", o->fd);
    return path;
}

static int obj_kept(struct posix *p, struct inode *in, struct pnode *n, bool is_dir, struct obj *ret)
{
    if (is_dir && gfid_is_root(in->gfid)) {
        ret->fd = p->root_fd;
    } else {
        int fd = kept_get(p, in, n, is_dir);
        if (fd < 0)
            return fd;
        ret->fd = fd;
        ret->kept = n;
    }
    ret->kind = OBJ_FD;
    return fstat(ret->fd, &ret->st) < 0 ? -errno : 0;
}

static int obj_start(struct posix *p, struct inode *in, struct obj *ret)
{
    if (!in || gfid_is_null(in->gfid))
        return -EINVAL;
    *ret = (struct obj){.p = p, .kind = OBJ_NONE, .fd = -1, .gfid = in->gfid, .inode = inode_ref(in), .node = pnode_get(p, in)};
    return ret->node ? 0 : -ENOMEM;
}

static void type_learn(struct inode *in, const struct stat *st)
{
    if (atomic_load_explicit(&in->type, memory_order_relaxed) == 0)
        atomic_store_explicit(&in->type, st->st_mode & S_IFMT, memory_order_relaxed);
}

int obj_of_inode(struct posix *p, struct inode *in, struct obj *ret)
{
    int r = obj_start(p, in, ret);
    if (r < 0)
        return r;
    unsigned int type = atomic_load_explicit(&in->type, memory_order_relaxed);
    if (type == S_IFDIR || gfid_is_root(in->gfid)) {
        r = obj_kept(p, in, ret->node, true, ret);
        if (r == 0)
            type_learn(in, &ret->st);
        return r;
    }
    handle_name(in->gfid, ret->name);
    ret->fd = handle_dir(p, in->gfid);
    ret->kind = OBJ_HANDLE;
    if (fstatat(ret->fd, ret->name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0) {
        bool unlinked;
        if (errno != ENOENT)
            return -errno;
        pthread_mutex_lock(&ret->node->lock);
        unlinked = ret->node->unlinked;
        pthread_mutex_unlock(&ret->node->lock);
        if (!unlinked)
            return -ENOENT;
        memmove(ret->name, ret->name + 3, GFID_TEXT);
        ret->fd = p->unlink_fd;
        if (fstatat(ret->fd, ret->name, &ret->st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
    }
    if (type == 0 && handle_is_dir(&ret->st)) {
        r = obj_kept(p, in, ret->node, true, ret);
        if (r < 0)
            return r;
    }
    type_learn(in, &ret->st);
    return 0;
}

/* A descriptor that rests, for one use: the same file, wherever it is now, with the flags that it was opened with. */
static int open_again(struct posix *p, struct inode *in, int flags)
{
    OBJ(o);
    int r = obj_of_inode(p, in, &o);
    return r < 0 ? r : obj_open(&o, open_flags(p, flags) & ~(O_TRUNC | O_NOFOLLOW));
}

int obj_of_fd(struct posix *p, struct fd *fd, struct inode *in, struct obj *ret)
{
    if (!fd || fd->anonymous) {
        int r = obj_start(p, fd ? fd->inode : in, ret);
        return r < 0 ? r : obj_kept(p, ret->inode, ret->node, false, ret);
    }
    struct pfd *f = pfd_of(p, fd);
    if (!f)
        return -EINVAL;
    int os_fd = f->fd >= 0 ? f->fd : open_again(p, fd->inode, f->flags);
    if (os_fd < 0)
        return os_fd;
    *ret = (struct obj){.p = p, .kind = OBJ_FD, .fd = os_fd, .close_fd = f->fd < 0, .gfid = fd->inode->gfid, .inode = inode_ref(fd->inode),
                        .node = f->node};
    return fstat(os_fd, &ret->st) < 0 ? -errno : 0;
}

int obj_of_fop(struct posix *p, struct fop *fop, struct obj *ret)
{
    if (fop->fd && !fop->fd->anonymous)
        return obj_of_fd(p, fop->fd, NULL, ret);
    return obj_of_inode(p, fop->fd ? fop->fd->inode : fop->loc.inode, ret);
}

int obj_of_dir(struct posix *p, struct inode *in, struct obj *ret)
{
    int r = obj_of_inode(p, in, ret);
    if (r < 0)
        return r == -ENOENT ? -ESTALE : r;
    return S_ISDIR(ret->st.st_mode) ? 0 : -EPERM;
}

int obj_of_entry(struct posix *p, int dirfd, const char *name, struct obj *ret)
{
    *ret = (struct obj){.p = p, .kind = OBJ_NONE, .fd = -1};
    int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ret->fd = fd;
    ret->kind = OBJ_PATHFD;
    ret->close_fd = true;
    if (fstat(fd, &ret->st) < 0)
        return -errno;
    if (ret->st.st_ino == p->private_ino && ret->st.st_dev == p->dev)
        return -ENOENT;
    gfid_t g;
    ssize_t n = obj_getxattr(ret, XATTR_GFID, g.b, sizeof(g.b));
    if (n == sizeof(g.b))
        ret->gfid = g;
    else if (n != -ENODATA)
        return n < 0 ? (int)n : -EINVAL;
    return 0;
}

int obj_know_inode(struct obj *o, bool make)
{
    if (o->inode || gfid_is_null(o->gfid))
        return 0;
    o->inode = make ? inode_get(o->p->graph->inodes, o->gfid) : inode_find(o->p->graph->inodes, o->gfid);
    if (!o->inode)
        return make ? -ENOMEM : 0;
    type_learn(o->inode, &o->st);
    o->node = make ? pnode_get(o->p, o->inode) : pnode_of(o->p, o->inode);
    return make && !o->node ? -ENOMEM : 0;
}

void obj_done(struct obj *o)
{
    if (o->kept)
        kept_put(o->p, o->kept);
    if (o->close_fd)
        close(o->fd);
    inode_unref(o->inode);
    *o = (struct obj){.kind = OBJ_NONE, .fd = -1};
}

int obj_restat(struct obj *o)
{
    int r = o->kind == OBJ_HANDLE ? fstatat(o->fd, o->name, &o->st, AT_SYMLINK_NOFOLLOW) : fstat(o->fd, &o->st);
    return r < 0 ? -errno : 0;
}

ssize_t obj_getxattr(struct obj *o, const char *name, void *buf, size_t len)
{
    char path[OBJ_PATH];
    ssize_t n = o->kind == OBJ_FD       ? fgetxattr(o->fd, name, buf, len)
                : o->kind == OBJ_HANDLE ? lgetxattr(obj_path(o, path), name, buf, len)
                                        : getxattr(obj_path(o, path), name, buf, len);
    return n < 0 ? -errno : n;
}

ssize_t obj_listxattr(struct obj *o, char *buf, size_t len)
{
    char path[OBJ_PATH];
    ssize_t n = o->kind == OBJ_FD       ? flistxattr(o->fd, buf, len)
                : o->kind == OBJ_HANDLE ? llistxattr(obj_path(o, path), buf, len)
                                        : listxattr(obj_path(o, path), buf, len);
    return n < 0 ? -errno : n;
}

int obj_setxattr(struct obj *o, const char *name, const void *value, size_t len, int flags)
{
    char path[OBJ_PATH];
    int r = o->kind == OBJ_FD       ? fsetxattr(o->fd, name, value, len, flags)
            : o->kind == OBJ_HANDLE ? lsetxattr(obj_path(o, path), name, value, len, flags)
                                    : setxattr(obj_path(o, path), name, value, len, flags);
    return r < 0 ? -errno : 0;
}

int obj_removexattr(struct obj *o, const char *name)
{
    char path[OBJ_PATH];
    int r = o->kind == OBJ_FD       ? fremovexattr(o->fd, name)
            : o->kind == OBJ_HANDLE ? lremovexattr(obj_path(o, path), name)
                                    : removexattr(obj_path(o, path), name);
    return r < 0 ? -errno : 0;
}

int obj_chown(struct obj *o, uid_t uid, gid_t gid)
{
    int r = o->kind == OBJ_FD ? fchown(o->fd, uid, gid)
            : o->kind == OBJ_HANDLE ? fchownat(o->fd, o->name, uid, gid, AT_SYMLINK_NOFOLLOW)
                                    : fchownat(o->fd, "", uid, gid, AT_EMPTY_PATH);
    return r < 0 ? -errno : 0;
}

/* A symlink's mode cannot be changed: success without effect. */
int obj_chmod(struct obj *o, mode_t mode)
{
    char path[OBJ_PATH];
    if (S_ISLNK(o->st.st_mode))
        return 0;
    int r = o->kind == OBJ_FD       ? fchmod(o->fd, mode)
            : o->kind == OBJ_HANDLE ? fchmodat(o->fd, o->name, mode, 0)
                                    : chmod(obj_path(o, path), mode);
    return r < 0 ? -errno : 0;
}

int obj_utimes(struct obj *o, const struct timespec ts[2])
{
    char path[OBJ_PATH];
    int r = o->kind == OBJ_FD       ? futimens(o->fd, ts)
            : o->kind == OBJ_HANDLE ? utimensat(o->fd, o->name, ts, AT_SYMLINK_NOFOLLOW)
                                    : utimensat(AT_FDCWD, obj_path(o, path), ts, 0);
    return r < 0 ? -errno : 0;
}

int obj_access(struct obj *o, int mask)
{
    char path[OBJ_PATH];
    if (S_ISLNK(o->st.st_mode))
        return 0;
    return faccessat(AT_FDCWD, obj_path(o, path), mask, 0) < 0 ? -errno : 0;
}

int obj_open(struct obj *o, int flags)
{
    char path[OBJ_PATH];
    if (!S_ISREG(o->st.st_mode)) /* a FIFO would hold the thread, a device would act */
        return S_ISDIR(o->st.st_mode) ? -EISDIR : S_ISLNK(o->st.st_mode) ? -ELOOP : -EINVAL;
    flags |= O_CLOEXEC | O_LARGEFILE | O_NOCTTY;
    int fd = o->kind == OBJ_HANDLE ? openat(o->fd, o->name, flags | O_NOFOLLOW) : open(obj_path(o, path), flags);
    return fd < 0 ? -errno : fd;
}

DIR *dir_again(int dirfd)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (!d && fd >= 0)
        close(fd);
    return d;
}

/* ---- values of any length ---- */

typedef ssize_t (*value_fn)(struct obj *o, const char *name, void *buf, size_t len);

static ssize_t list_as_value(struct obj *o, const char *name, void *buf, size_t len)
{
    return obj_listxattr(o, buf, len);
}

/* The value may grow between asking for its length and reading it: a few tries. */
static int value_read(struct obj *o, const char *name, value_fn get, struct xvalue *ret)
{
    ssize_t n = get(o, name, ret->inl, sizeof(ret->inl) - 1);
    ret->at = ret->inl;
    for (int try = 0; n == -ERANGE && try < 8; try++) {
        n = get(o, name, NULL, 0);
        if (n < 0)
            break;
        free(ret->heap);
        ret->heap = malloc((size_t)n + 1);
        if (!ret->heap)
            return -ENOMEM;
        ret->at = ret->heap;
        n = n ? get(o, name, ret->heap, (size_t)n) : 0;
    }
    if (n < 0)
        return (int)n;
    ret->len = (size_t)n;
    ret->at[n] = 0;
    return 0;
}

int obj_value(struct obj *o, const char *name, struct xvalue *ret)
{
    return value_read(o, name, obj_getxattr, ret);
}

int obj_names(struct obj *o, struct xvalue *ret)
{
    return value_read(o, NULL, list_as_value, ret);
}

void xvalue_done(struct xvalue *v)
{
    free(v->heap);
    v->heap = NULL;
}
