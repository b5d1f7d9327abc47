/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Objects, and what is called with one. */
#include <stdlib.h>
#include <string.h>

#include "impl.h"

/* ---- life ------------------------------------------------------------------------------------------------------------------------- */

struct glfs_object *object_new(struct glfs *fs, struct vnode *take)
{
    struct glfs_object *o = malloc(sizeof(*o));

    if (!o) {
        vnode_unref(take);
        return NULL;
    }
    *o = (struct glfs_object){.fs = fs, .node = take};
    SCOPED_LOCK(&fs->lock);
    o->next = fs->objects;
    if (o->next)
        o->next->prev = o;
    fs->objects = o;
    return o;
}

int glfs_h_close(glfs_object_t *o)
{
    struct glfs *fs;

    if (!o)
        return 0;
    fs = o->fs;
    pthread_mutex_lock(&fs->lock);
    *(o->prev ? &o->prev->next : &fs->objects) = o->next;
    if (o->next)
        o->next->prev = o->prev;
    pthread_mutex_unlock(&fs->lock);
    vnode_unref(o->node);
    free(o);
    return 0;
}

glfs_object_t *glfs_object_copy(glfs_object_t *o)
{
    if (!o)
        return answer_ptr(-EINVAL, NULL);
    o = object_new(o->fs, vnode_ref(o->node));
    return answer_ptr(o ? 0 : -ENOMEM, o);
}

/* Of a new object and its attributes; takes the reference. */
static glfs_object_t *give_object(struct glfs *fs, int64_t r, struct vnode *take, const struct iatt *st, struct stat *ret)
{
    struct glfs_object *o;

    if (r < 0)
        return answer_ptr(r, NULL);
    o = object_new(fs, take);
    if (o)
        stat_of(fs, st, ret);
    return answer_ptr(o ? 0 : -ENOMEM, o);
}

/* The arguments of all of these. */
static bool enter(struct glfs *fs, const struct glfs_object *o)
{
    if (!fs_there(fs))
        return false;
    if (o)
        return true;
    errno = EINVAL;
    return false;
}

/* An object that is gone is stale, whatever the operation says. */
static int stale(int64_t r)
{
    return answer(r == -ENOENT ? -ESTALE : r);
}

/* ---- to an object, and back ------------------------------------------------------------------------------------------------ */

static int take_place(struct glfs *fs, struct place *at, struct iatt *st, struct vnode **ret)
{
    int r = 0;

    *st = at->stat;
    if (!st->mode)
        r = do_stat(fs, OF_NODE(at->node), st);
    if (r == 0)
        *ret = vnode_ref(at->node);
    return r;
}

glfs_object_t *glfs_h_lookupat(glfs_t *fs, glfs_object_t *parent, const char *path, struct stat *stat, int follow)
{
    struct vnode *node = NULL;
    struct place at;
    struct iatt st;
    int64_t r;

    if (!fs_there(fs))
        return NULL;
    r = AT_PLACE(at, fs, parent ? parent->node : NULL, path, follow ? WALK_FOLLOW : 0, take_place(fs, &at, &st, &node));
    return give_object(fs, r, node, &st, stat);
}

/* The first version followed nothing. */
glfs_object_t *lookupat_of_3_4_2(glfs_t *fs, glfs_object_t *parent, const char *path, struct stat *stat);
glfs_object_t *lookupat_of_3_4_2(glfs_t *fs, glfs_object_t *parent, const char *path, struct stat *stat)
{
    return glfs_h_lookupat(fs, parent, path, stat, 0);
}
OLD_VERSION(lookupat_of_3_4_2, glfs_h_lookupat, "GFAPI_3.4.2");

ssize_t glfs_h_extract_handle(glfs_object_t *o, unsigned char *handle, int len)
{
    gfid_t gfid;

    if (!o)
        return answer(-EINVAL);
    if (!handle || len == 0)
        return GFAPI_HANDLE_LENGTH;
    if (len < GFAPI_HANDLE_LENGTH)
        return answer(-ERANGE);
    gfid = vnode_gfid(o->node);
    memcpy(handle, gfid.b, sizeof(gfid.b));
    return GFAPI_HANDLE_LENGTH;
}

glfs_object_t *glfs_h_create_from_handle(glfs_t *fs, unsigned char *handle, int len, struct stat *stat)
{
    struct vnode *node;
    struct iatt st;
    gfid_t gfid;
    int r;

    if (!fs_there(fs))
        return NULL;
    if (!handle || len != GFAPI_HANDLE_LENGTH)
        return answer_ptr(-EINVAL, NULL);
    memcpy(gfid.b, handle, sizeof(gfid.b));
    if (gfid_is_null(gfid))
        return answer_ptr(-EINVAL, NULL);
    node = vnode_get(fs->volume, gfid);
    if (!node)
        return answer_ptr(-ENOMEM, NULL);
    r = do_stat(fs, OF_NODE(node), &st);
    if (r < 0)
        vnode_unref(node);
    return give_object(fs, r, node, &st, stat);
}

/* ---- making ---------------------------------------------------------------------------------------------------------------- */

static int64_t creat_in(struct glfs *fs, struct vnode *parent, const char *name, int flags, mode_t mode, struct iatt *st,
                        struct vnode **ret_node, struct glfs_fd **ret_fd)
{
    int r = do_creat(fs, parent, name, flags, mode, st, ret_node, ret_fd);

    if (r != -EEXIST || flags & O_EXCL)
        return r;
    r = do_lookup(fs, parent, name, ret_node, st);
    if (r == 0 && !S_ISREG(st->mode))
        r = S_ISDIR(st->mode) ? -EISDIR : -EINVAL;
    else if (r == 0 && ret_fd)
        r = do_open(fs, *ret_node, flags & ~O_CREAT, ret_fd);
    else
        return r;
    if (r < 0)
        vnode_unref(*ret_node);
    return r;
}

glfs_object_t *glfs_h_creat(glfs_t *fs, glfs_object_t *parent, const char *path, int flags, mode_t mode, struct stat *stat)
{
    struct vnode *node = NULL;
    struct iatt st;
    int64_t r;

    if (!enter(fs, parent))
        return NULL;
    r = creat_in(fs, parent->node, path, flags, mode, &st, &node, NULL);
    return give_object(fs, r, node, &st, stat);
}

struct glfs_object *glfs_h_creat_open(struct glfs *fs, struct glfs_object *parent, const char *path, int flags, mode_t mode,
                                      struct stat *stat, struct glfs_fd **out_fd)
{
    struct vnode *node = NULL;
    struct glfs_fd *fd = NULL;
    struct glfs_object *o;
    struct iatt st;
    int64_t r;

    if (!enter(fs, parent))
        return NULL;
    if (!out_fd)
        return answer_ptr(-EINVAL, NULL);
    r = creat_in(fs, parent->node, path, flags, mode, &st, &node, &fd);
    o = give_object(fs, r, node, &st, stat);
    if (o)
        *out_fd = fd;
    else if (fd)
        file_unref(fd);
    return o;
}

static glfs_object_t *make_in(glfs_t *fs, enum fop_op op, glfs_object_t *parent, const char *name, mode_t mode, dev_t dev,
                              const char *target, struct stat *stat)
{
    struct vnode *node = NULL;
    struct iatt st;
    int r;

    if (!enter(fs, parent))
        return NULL;
    r = do_make(fs, op, parent->node, name, mode, dev, target, &st, &node);
    return give_object(fs, r, node, &st, stat);
}

glfs_object_t *glfs_h_mkdir(glfs_t *fs, glfs_object_t *parent, const char *path, mode_t mode, struct stat *stat)
{
    return make_in(fs, FOP_MKDIR, parent, path, mode, 0, NULL, stat);
}

glfs_object_t *glfs_h_mknod(glfs_t *fs, glfs_object_t *parent, const char *path, mode_t mode, dev_t dev, struct stat *stat)
{
    return make_in(fs, FOP_MKNOD, parent, path, mode, dev, NULL, stat);
}

glfs_object_t *glfs_h_symlink(glfs_t *fs, glfs_object_t *parent, const char *name, const char *data, struct stat *stat)
{
    if (!data || !*data)
        return answer_ptr(-EINVAL, NULL);
    return make_in(fs, FOP_SYMLINK, parent, name, 0, 0, data, stat);
}

/* ---- names ----------------------------------------------------------------------------------------------------------------- */

int glfs_h_unlink(glfs_t *fs, glfs_object_t *parent, const char *path)
{
    struct vnode *node = NULL;
    struct iatt st;
    int r;

    if (!enter(fs, parent))
        return -1;
    r = do_lookup(fs, parent->node, path, &node, &st);
    if (r == 0)
        r = do_remove(fs, S_ISDIR(st.mode) ? FOP_RMDIR : FOP_UNLINK, parent->node, path, node);
    vnode_unref(node);
    return answer(r);
}

int glfs_h_link(glfs_t *fs, glfs_object_t *o, glfs_object_t *parent, const char *name)
{
    if (!enter(fs, o) || !enter(fs, parent))
        return -1;
    return answer(vnode_type(o->node) == S_IFDIR ? -EISDIR : do_link(fs, o->node, parent->node, name));
}

int glfs_h_rename(glfs_t *fs, glfs_object_t *olddir, const char *oldname, glfs_object_t *newdir, const char *newname)
{
    struct vnode *node = NULL, *node2 = NULL;
    struct iatt st;
    int r;

    if (!enter(fs, olddir) || !enter(fs, newdir))
        return -1;
    r = do_lookup(fs, olddir->node, oldname, &node, &st);
    if (r == 0)
        r = do_lookup(fs, newdir->node, newname, &node2, &st);
    if (r == 0 || (r == -ENOENT && node))
        r = do_rename(fs, olddir->node, oldname, node, newdir->node, newname, node2);
    vnode_unref(node);
    vnode_unref(node2);
    return answer(r);
}

int glfs_h_readlink(glfs_t *fs, glfs_object_t *o, char *buf, size_t size)
{
    return enter(fs, o) ? stale(do_readlink(fs, o->node, buf, size)) : -1;
}

/* ---- attributes ------------------------------------------------------------------------------------------------------------ */

int glfs_h_stat(glfs_t *fs, glfs_object_t *o, struct stat *stat)
{
    struct iatt st;
    int r;

    if (!enter(fs, o))
        return -1;
    r = do_stat(fs, OF_NODE(o->node), &st);
    if (r == 0)
        stat_of(fs, &st, stat);
    return answer(r);
}

int glfs_h_getattrs(glfs_t *fs, glfs_object_t *o, struct stat *stat)
{
    return glfs_h_stat(fs, o, stat);
}

int glfs_h_setattrs(glfs_t *fs, glfs_object_t *o, struct stat *sb, int valid)
{
    struct iatt st;
    int set;

    if (!enter(fs, o))
        return -1;
    if (!sb)
        return answer(-EINVAL);
    set = (valid & GFAPI_SET_ATTR_MODE ? SET_MODE : 0) | (valid & GFAPI_SET_ATTR_UID ? SET_UID : 0) |
          (valid & GFAPI_SET_ATTR_GID ? SET_GID : 0) | (valid & GFAPI_SET_ATTR_SIZE ? SET_SIZE : 0) |
          (valid & GFAPI_SET_ATTR_ATIME ? SET_ATIME : 0) | (valid & GFAPI_SET_ATTR_MTIME ? SET_MTIME : 0);
    times_to_set((struct timespec[2]){sb->st_atim, sb->st_mtim}, &st);
    st.mode = sb->st_mode;
    st.uid = sb->st_uid;
    st.gid = sb->st_gid;
    st.size = (uint64_t)sb->st_size;
    return stale(do_setattr(fs, OF_NODE(o->node), &st, set));
}

int glfs_h_truncate(glfs_t *fs, glfs_object_t *o, off_t size)
{
    return enter(fs, o) ? stale(do_truncate(fs, OF_NODE(o->node), size, NULL, NULL)) : -1;
}

int glfs_h_access(glfs_t *fs, glfs_object_t *o, int mask)
{
    return enter(fs, o) ? stale(do_access(fs, o->node, mask)) : -1;
}

int glfs_h_statfs(glfs_t *fs, glfs_object_t *o, struct statvfs *stat)
{
    if (!enter(fs, o))
        return -1;
    return stat ? stale(do_statfs(fs, o->node, stat)) : answer(-EINVAL);
}

/* ---- descriptors and data -------------------------------------------------------------------------------------------------- */

glfs_fd_t *glfs_h_open(glfs_t *fs, glfs_object_t *o, int flags)
{
    struct glfs_fd *fd = NULL;
    uint32_t type;
    int r;

    if (!enter(fs, o))
        return NULL;
    type = vnode_type(o->node);
    if (type == S_IFDIR)
        r = -EISDIR;
    else if (type && type != S_IFREG)
        r = -EINVAL;
    else
        r = do_open(fs, o->node, flags & ~(O_CREAT | O_EXCL), &fd);
    return answer_ptr(r == -ENOENT ? -ESTALE : r, fd);
}

glfs_fd_t *glfs_h_opendir(glfs_t *fs, glfs_object_t *o)
{
    struct glfs_fd *fd = NULL;
    uint32_t type;
    int r;

    if (!enter(fs, o))
        return NULL;
    type = vnode_type(o->node);
    r = type && type != S_IFDIR ? -ENOTDIR : do_opendir(fs, o->node, NULL, &fd);
    return answer_ptr(r, fd);
}

ssize_t glfs_h_anonymous_read(glfs_t *fs, glfs_object_t *o, const void *buf, size_t count, off_t offset)
{
    return enter(fs, o) ? answer(io_anonymous(fs, o->node, false, buf, count, offset)) : -1;
}

size_t glfs_h_anonymous_write(glfs_t *fs, glfs_object_t *o, const void *buf, size_t count, off_t offset)
{
    return enter(fs, o) ? (size_t)answer(io_anonymous(fs, o->node, true, buf, count, offset)) : (size_t)-1;
}
