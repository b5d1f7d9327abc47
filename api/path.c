/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is called with a path. */
#include <stdlib.h>
#include <string.h>

#include "impl.h"

/* ---- what an object is ---------------------------------------------------------------------------------------------------------- */

static int stat_place(struct glfs *fs, const struct place *at, struct stat *ret)
{
    struct iatt st = at->stat;
    int r = st.mode ? 0 : do_stat(fs, OF_NODE(at->node), &st);

    if (!r)
        stat_of(fs, &st, ret);
    return r;
}

static int stat_at(glfs_t *fs, const char *path, int how, struct stat *ret)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    if (!ret)
        return answer(-EINVAL);
    return answer(AT_PLACE(at, fs, NULL, path, how, stat_place(fs, &at, ret)));
}

int glfs_stat(glfs_t *fs, const char *path, struct stat *ret)
{
    return stat_at(fs, path, WALK_FOLLOW, ret);
}

int glfs_lstat(glfs_t *fs, const char *path, struct stat *ret)
{
    return stat_at(fs, path, 0, ret);
}

int glfs_access(glfs_t *fs, const char *path, int mode)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, WALK_FOLLOW, do_access(fs, at.node, mode)));
}

int glfs_readlink(glfs_t *fs, const char *path, char *buf, size_t size)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, 0,
                           at.stat.mode && !S_ISLNK(at.stat.mode) ? -EINVAL : do_readlink(fs, at.node, buf, size)));
}

int glfs_statvfs(glfs_t *fs, const char *path, struct statvfs *ret)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, WALK_FOLLOW, do_statfs(fs, at.node, ret)));
}

/* ---- changing it ------------------------------------------------------------------------------------------------------------------ */

static int set_at(glfs_t *fs, const char *path, int how, const struct iatt *st, int valid)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, how, do_setattr(fs, OF_NODE(at.node), st, valid)));
}

int glfs_chmod(glfs_t *fs, const char *path, mode_t mode)
{
    return set_at(fs, path, WALK_FOLLOW, &(struct iatt){.mode = mode}, SET_MODE);
}

/* -1 leaves it as it is, as in chown(2). */
static int owner_to_set(uid_t uid, gid_t gid)
{
    return (uid == (uid_t)-1 ? 0 : SET_UID) | (gid == (gid_t)-1 ? 0 : SET_GID);
}

int glfs_chown(glfs_t *fs, const char *path, uid_t uid, gid_t gid)
{
    return set_at(fs, path, WALK_FOLLOW, &(struct iatt){.uid = uid, .gid = gid}, owner_to_set(uid, gid));
}

int glfs_lchown(glfs_t *fs, const char *path, uid_t uid, gid_t gid)
{
    return set_at(fs, path, 0, &(struct iatt){.uid = uid, .gid = gid}, owner_to_set(uid, gid));
}

int glfs_utimens(glfs_t *fs, const char *path, const struct timespec times[2])
{
    struct iatt st;
    int valid = times_to_set(times, &st);

    return set_at(fs, path, WALK_FOLLOW, &st, valid);
}

int glfs_lutimens(glfs_t *fs, const char *path, const struct timespec times[2])
{
    struct iatt st;
    int valid = times_to_set(times, &st);

    return set_at(fs, path, 0, &st, valid);
}

int glfs_setattr(struct glfs *fs, const char *path, struct glfs_stat *stat, int follow)
{
    struct iatt st;

    if (!stat)
        return answer(-EINVAL);
    int valid = stat_to_set(stat, &st);
    return set_at(fs, path, follow ? WALK_FOLLOW : 0, &st, valid);
}

int glfs_truncate(glfs_t *fs, const char *path, off_t length)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, WALK_FOLLOW, do_truncate(fs, OF_NODE(at.node), length, NULL, NULL)));
}

/* ---- names ------------------------------------------------------------------------------------------------------------------------- */

static int make_at(glfs_t *fs, enum fop_op op, const char *path, mode_t mode, dev_t dev, const char *target)
{
    struct place at;
    struct iatt st;

    if (!fs_there(fs))
        return -1;
    if (op == FOP_SYMLINK && (!target || !*target))
        return answer(target ? -ENOENT : -EINVAL);
    return answer(AT_PLACE(at, fs, NULL, path, WALK_PARENT,
                           !at.parent                         ? -EEXIST
                           : at.slash && op != FOP_MKDIR ? -ENOENT
                                                              : do_make(fs, op, at.parent, at.name, mode, dev, target, &st, NULL)));
}

int glfs_mknod(glfs_t *fs, const char *path, mode_t mode, dev_t dev)
{
    return make_at(fs, FOP_MKNOD, path, mode, dev, NULL);
}

int glfs_mkdir(glfs_t *fs, const char *path, mode_t mode)
{
    return make_at(fs, FOP_MKDIR, path, mode, 0, NULL);
}

int glfs_symlink(glfs_t *fs, const char *oldpath, const char *newpath)
{
    return make_at(fs, FOP_SYMLINK, newpath, 0, 0, oldpath);
}

int glfs_unlink(glfs_t *fs, const char *path)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, 0,
                           !at.parent || S_ISDIR(at.stat.mode) ? -EISDIR : do_remove(fs, FOP_UNLINK, at.parent, at.name, at.node)));
}

/* Of a path that ends in no name. */
static int rmdir_dots(const char *path)
{
    size_t len = strlen(path);

    while (len && path[len - 1] == '/')
        len--;
    if (len && path[len - 1] == '.')
        return len > 1 && path[len - 2] == '.' ? -ENOTEMPTY : -EINVAL;
    return -EBUSY;
}

int glfs_rmdir(glfs_t *fs, const char *path)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, 0, at.parent ? do_remove(fs, FOP_RMDIR, at.parent, at.name, at.node) : rmdir_dots(path)));
}

static int64_t rename_to(glfs_t *fs, const struct place *from, const char *newpath)
{
    struct place to;

    if (!from->parent)
        return -EBUSY;
    return AT_PLACE(to, fs, NULL, newpath, WALK_MAYBE,
                    to.parent ? do_rename(fs, from->parent, from->name, from->node, to.parent, to.name, to.node) : -EBUSY);
}

int glfs_rename(glfs_t *fs, const char *oldpath, const char *newpath)
{
    struct place from;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(from, fs, NULL, oldpath, 0, rename_to(fs, &from, newpath)));
}

static int64_t link_to(glfs_t *fs, const struct place *from, const char *newpath)
{
    struct place to;

    return AT_PLACE(to, fs, NULL, newpath, WALK_PARENT, to.parent ? do_link(fs, from->node, to.parent, to.name) : -EEXIST);
}

int glfs_link(glfs_t *fs, const char *oldpath, const char *newpath)
{
    struct place from;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(from, fs, NULL, oldpath, 0, S_ISDIR(from.stat.mode) ? -EPERM : link_to(fs, &from, newpath)));
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------------ */

static int open_place(struct glfs *fs, const struct place *at, int flags, struct glfs_fd **ret)
{
    uint32_t type = at->stat.mode ? at->stat.mode & S_IFMT : S_IFDIR;

    if (flags & O_CREAT)
        return -EINVAL;
    if (type == S_IFLNK)
        return -ELOOP; /* O_NOFOLLOW */
    if (type != S_IFDIR && flags & O_DIRECTORY)
        return -ENOTDIR;
    if (type == S_IFDIR)
        return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC ? -EISDIR : do_opendir(fs, at->node, at->path, ret);
    return do_open(fs, at->node, flags, ret);
}

glfs_fd_t *glfs_open(glfs_t *fs, const char *path, int flags)
{
    struct glfs_fd *fd = NULL;
    struct place at;
    int64_t r;

    if (!fs_there(fs))
        return NULL;
    r = AT_PLACE(at, fs, NULL, path, flags & O_NOFOLLOW ? 0 : WALK_FOLLOW, open_place(fs, &at, flags, &fd));
    return answer_ptr(r, fd);
}

static int creat_place(struct glfs *fs, const struct place *at, int flags, mode_t mode, struct glfs_fd **ret)
{
    struct iatt st;

    if (!at->parent)
        return flags & O_EXCL ? -EEXIST : -EISDIR;
    if (!at->node)
        return at->slash ? -EISDIR : do_creat(fs, at->parent, at->name, flags, mode, &st, NULL, ret);
    if (flags & O_EXCL)
        return -EEXIST;
    if (S_ISDIR(at->stat.mode))
        return -EISDIR;
    if (!S_ISREG(at->stat.mode))
        return S_ISLNK(at->stat.mode) ? -ELOOP : -EINVAL;
    return do_open(fs, at->node, flags & ~O_CREAT, ret);
}

glfs_fd_t *glfs_creat(glfs_t *fs, const char *path, int flags, mode_t mode)
{
    int how = WALK_MAYBE | (flags & (O_EXCL | O_NOFOLLOW) ? 0 : WALK_FOLLOW);
    struct glfs_fd *fd = NULL;
    struct place at;
    int64_t r;

    if (!fs_there(fs))
        return NULL;
    r = AT_PLACE(at, fs, NULL, path, how, creat_place(fs, &at, flags, mode, &fd));
    if (r == -EEXIST && !(flags & O_EXCL)) /* somebody else made it since */
        r = AT_PLACE(at, fs, NULL, path, how, creat_place(fs, &at, flags, mode, &fd));
    return answer_ptr(r, fd);
}

glfs_fd_t *glfs_opendir(glfs_t *fs, const char *path)
{
    struct glfs_fd *fd = NULL;
    struct place at;
    int64_t r;

    if (!fs_there(fs))
        return NULL;
    r = AT_PLACE(at, fs, NULL, path, WALK_FOLLOW,
                 at.stat.mode && !S_ISDIR(at.stat.mode) ? -ENOTDIR : do_opendir(fs, at.node, at.path, &fd));
    return answer_ptr(r, fd);
}

/* ---- the working directory --------------------------------------------------------------------------------------------------------- */

int chdir_to(struct glfs *fs, struct vnode *node, const char *path)
{
    char *copy = path ? strdup(path) : NULL, *old_path;
    struct vnode *old;

    if (path && !copy)
        return -ENOMEM;
    pthread_mutex_lock(&fs->lock);
    old = fs->cwd;
    old_path = fs->cwd_path;
    fs->cwd = vnode_ref(node);
    fs->cwd_path = copy;
    pthread_mutex_unlock(&fs->lock);
    vnode_unref(old);
    free(old_path);
    return 0;
}

int glfs_chdir(glfs_t *fs, const char *path)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, WALK_FOLLOW,
                           at.stat.mode && !S_ISDIR(at.stat.mode) ? -ENOTDIR : chdir_to(fs, at.node, at.path)));
}

int glfs_fchdir(glfs_fd_t *fd)
{
    int r;

    if (!file_enter(fd))
        return -1;
    r = vnode_type(vfile_node(fd->file)) == S_IFDIR ? chdir_to(fd->fs, vfile_node(fd->file), fd->path) : -ENOTDIR;
    file_unref(fd);
    return answer(r);
}

/* Of a working directory that was entered by an object the brick knows the path. */
static int cwd_path(struct glfs *fs, char **ret)
{
    struct vnode *cwd;
    int r;

    pthread_mutex_lock(&fs->lock);
    cwd = fs->cwd_path ? NULL : vnode_ref(fs->cwd);
    *ret = cwd ? NULL : strdup(fs->cwd_path);
    pthread_mutex_unlock(&fs->lock);
    r = cwd ? path_of(fs, cwd, ret) : *ret ? 0 : -ENOMEM;
    vnode_unref(cwd);
    return r;
}

char *glfs_getcwd(glfs_t *fs, char *buf, size_t size)
{
    char *path;
    int r;

    if (!fs_there(fs))
        return NULL;
    if (!buf || size < 2)
        return answer_ptr(buf ? -ERANGE : -EINVAL, NULL);
    r = cwd_path(fs, &path);
    if (r < 0)
        return answer_ptr(r, NULL);
    if (strlen(path) >= size)
        r = -ERANGE;
    else
        strcpy(buf, path[0] ? path : "/");
    free(path);
    return answer_ptr(r, buf);
}

/* to has PATH_MAX bytes. */
static int real_path(struct glfs *fs, const struct place *at, char *to)
{
    char *asked = NULL;
    const char *path = at->path;
    int r = 0;

    if (!path) {
        r = path_of(fs, at->node, &asked);
        path = asked;
    }
    if (!r && strlen(path) >= PATH_MAX)
        r = -ENAMETOOLONG;
    if (!r)
        strcpy(to, path[0] ? path : "/");
    free(asked);
    return r;
}

static char *realpath_into(glfs_t *fs, const char *path, char *to, char *made, void (*free_it)(void *))
{
    struct place at;
    int64_t r;

    if (!to && !made)
        return answer_ptr(-ENOMEM, NULL);
    r = fs_there(fs) ? AT_PLACE(at, fs, NULL, path, WALK_FOLLOW, real_path(fs, &at, to ? to : made)) : -errno;
    if (r < 0)
        free_it(made);
    return answer_ptr(r, to ? to : made);
}

char *glfs_realpath(glfs_t *fs, const char *path, char *resolved)
{
    return realpath_into(fs, path, resolved, resolved ? NULL : freeable_new(PATH_MAX, NULL), glfs_free);
}

/* The first version's result was for free(). */
char *realpath_of_3_4_0(glfs_t *fs, const char *path, char *resolved);
char *realpath_of_3_4_0(glfs_t *fs, const char *path, char *resolved)
{
    return realpath_into(fs, path, resolved, resolved ? NULL : malloc(PATH_MAX), free);
}
OLD_VERSION(realpath_of_3_4_0, glfs_realpath, "GFAPI_3.4.0");
