/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Extended attributes, and access control lists, which are two of them. */
#include <acl/libacl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "impl.h"

/* Values as a program expects them: whole, or how long they are, or ERANGE. */
static int64_t give(const void *from, size_t len, void *value, size_t size)
{
    if (size == 0)
        return (int64_t)len;
    if (len > size)
        return -ERANGE;
    memcpy(value, from, len);
    return (int64_t)len;
}

static int check_name(const char *name)
{
    if (!name || !*name)
        return -EINVAL;
    return strlen(name) > XATTR_NAME_MAX ? -ENAMETOOLONG : 0;
}

/* Numbers come as numbers and are text to a program, with their NUL. */
static int64_t give_pair(const struct dict *d, const struct dict_pair *pair, void *value, size_t size)
{
    char text[32];
    int64_t v = 0;
    int n;

    if (pair->type != DICT_SIGNED && pair->type != DICT_UNSIGNED)
        return give(pair->value, pair->len, value, size);
    dict_get_i64(d, pair->key, &v);
    n = snprintf(text, sizeof(text), "%lld", (long long)v);
    return give(text, (size_t)n + 1, value, size);
}

static int64_t own_gfid(struct target t, const char *name, void *value, size_t size)
{
    gfid_t gfid = vnode_gfid(t.fd ? vfile_node(t.fd->file) : t.node);
    char text[GFID_TEXT];

    if (strcmp(name, "glusterfs.gfid") == 0)
        return give(gfid.b, sizeof(gfid.b), value, size);
    return give(gfid_text(gfid, text), GFID_TEXT - 1, value, size);
}

int64_t do_getxattr(struct glfs *fs, struct target t, const char *name, void *value, size_t size)
{
    const struct dict_pair *pair;
    struct vop op;
    int64_t r = check_name(name);

    if (r < 0)
        return r;
    if (strcmp(name, "glusterfs.gfid") == 0 || strcmp(name, "glusterfs.gfid.string") == 0)
        return own_gfid(t, name, value, size);
    r = call_of(&op, fs, t, FOP_GETXATTR, FOP_FGETXATTR);
    if (r < 0)
        return r;
    op.fop->in.getxattr.name = fop_str(op.fop, name, strlen(name));
    r = op.fop->in.getxattr.name ? call_run(&op) : -ENOMEM;
    if (r >= 0) {
        pair = dict_find(op.fop->out.dict, name);
        r = pair ? give_pair(op.fop->out.dict, pair, value, size) : -ENODATA;
    }
    call_done(&op);
    return r;
}

static int64_t give_names(const struct dict *d, char *list, size_t size)
{
    size_t len = 0;

    for (unsigned int i = 0; i < dict_count(d); i++) {
        const struct dict_pair *pair = dict_at(d, i);

        if (size && len + pair->key_len + 1 > size)
            return -ERANGE;
        if (size)
            memcpy(list + len, pair->key, pair->key_len + 1);
        len += pair->key_len + 1;
    }
    return (int64_t)len;
}

int64_t do_listxattr(struct glfs *fs, struct target t, void *value, size_t size)
{
    struct vop op;
    int64_t r = call_of(&op, fs, t, FOP_GETXATTR, FOP_FGETXATTR);

    if (r < 0)
        return r;
    r = call_run(&op);
    if (r >= 0)
        r = give_names(op.fop->out.dict, value, size);
    call_done(&op);
    return r;
}

int do_setxattr(struct glfs *fs, struct target t, const char *name, const void *value, size_t size, int flags)
{
    struct dict *d;
    struct vop op;
    int64_t r = check_name(name);

    if (!r && (size && !value))
        r = -EINVAL;
    if (!r)
        r = call_of(&op, fs, t, FOP_SETXATTR, FOP_FSETXATTR);
    if (r < 0)
        return (int)r;
    op.fop->in.setxattr.flags = flags;
    op.fop->in.setxattr.dict = d = dict_new();
    r = d ? dict_set_binary(d, name, value, size) : -ENOMEM;
    if (!r)
        r = call_run(&op);
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

int do_removexattr(struct glfs *fs, struct target t, const char *name)
{
    struct vop op;
    int64_t r = check_name(name);

    if (!r)
        r = call_of(&op, fs, t, FOP_REMOVEXATTR, FOP_FREMOVEXATTR);
    if (r < 0)
        return (int)r;
    op.fop->in.removexattr.name = fop_str(op.fop, name, strlen(name));
    r = op.fop->in.removexattr.name ? call_run(&op) : -ENOMEM;
    call_done(&op);
    return (int)min_of(r, (int64_t)0);
}

/* ---- by path ------------------------------------------------------------------------------------------------------------------- */

static ssize_t get_at(glfs_t *fs, const char *path, int how, const char *name, void *value, size_t size)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, how, do_getxattr(fs, OF_NODE(at.node), name, value, size)));
}

static ssize_t list_at(glfs_t *fs, const char *path, int how, void *value, size_t size)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, how, do_listxattr(fs, OF_NODE(at.node), value, size)));
}

static int set_at(glfs_t *fs, const char *path, int how, const char *name, const void *value, size_t size, int flags)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, how, do_setxattr(fs, OF_NODE(at.node), name, value, size, flags)));
}

static int remove_at(glfs_t *fs, const char *path, int how, const char *name)
{
    struct place at;

    if (!fs_there(fs))
        return -1;
    return answer(AT_PLACE(at, fs, NULL, path, how, do_removexattr(fs, OF_NODE(at.node), name)));
}

ssize_t glfs_getxattr(glfs_t *fs, const char *path, const char *name, void *value, size_t size)
{
    return get_at(fs, path, WALK_FOLLOW, name, value, size);
}

ssize_t glfs_lgetxattr(glfs_t *fs, const char *path, const char *name, void *value, size_t size)
{
    return get_at(fs, path, 0, name, value, size);
}

ssize_t glfs_listxattr(glfs_t *fs, const char *path, void *value, size_t size)
{
    return list_at(fs, path, WALK_FOLLOW, value, size);
}

ssize_t glfs_llistxattr(glfs_t *fs, const char *path, void *value, size_t size)
{
    return list_at(fs, path, 0, value, size);
}

int glfs_setxattr(glfs_t *fs, const char *path, const char *name, const void *value, size_t size, int flags)
{
    return set_at(fs, path, WALK_FOLLOW, name, value, size, flags);
}

int glfs_lsetxattr(glfs_t *fs, const char *path, const char *name, const void *value, size_t size, int flags)
{
    return set_at(fs, path, 0, name, value, size, flags);
}

int glfs_removexattr(glfs_t *fs, const char *path, const char *name)
{
    return remove_at(fs, path, WALK_FOLLOW, name);
}

int glfs_lremovexattr(glfs_t *fs, const char *path, const char *name)
{
    return remove_at(fs, path, 0, name);
}

/* ---- by descriptor, by object -------------------------------------------------------------------------------------------------- */

ssize_t glfs_fgetxattr(glfs_fd_t *fd, const char *name, void *value, size_t size)
{
    int64_t r;

    if (!file_enter(fd))
        return -1;
    r = do_getxattr(fd->fs, OF_FD(fd), name, value, size);
    file_unref(fd);
    return answer(r);
}

ssize_t glfs_flistxattr(glfs_fd_t *fd, void *value, size_t size)
{
    int64_t r;

    if (!file_enter(fd))
        return -1;
    r = do_listxattr(fd->fs, OF_FD(fd), value, size);
    file_unref(fd);
    return answer(r);
}

int glfs_fsetxattr(glfs_fd_t *fd, const char *name, const void *value, size_t size, int flags)
{
    int r;

    if (!file_enter(fd))
        return -1;
    r = do_setxattr(fd->fs, OF_FD(fd), name, value, size, flags);
    file_unref(fd);
    return answer(r);
}

int glfs_fremovexattr(glfs_fd_t *fd, const char *name)
{
    int r;

    if (!file_enter(fd))
        return -1;
    r = do_removexattr(fd->fs, OF_FD(fd), name);
    file_unref(fd);
    return answer(r);
}

static bool valid_object(glfs_t *fs, glfs_object_t *o)
{
    if (!fs_there(fs))
        return false;
    if (o)
        return true;
    errno = EINVAL;
    return false;
}

int glfs_h_getxattrs(glfs_t *fs, glfs_object_t *o, const char *name, void *value, size_t size)
{
    if (!valid_object(fs, o))
        return -1;
    return answer(name ? do_getxattr(fs, OF_NODE(o->node), name, value, size) : do_listxattr(fs, OF_NODE(o->node), value, size));
}

int glfs_h_setxattrs(glfs_t *fs, glfs_object_t *o, const char *name, const void *value, size_t size, int flags)
{
    return valid_object(fs, o) ? answer(do_setxattr(fs, OF_NODE(o->node), name, value, size, flags)) : -1;
}

int glfs_h_removexattrs(glfs_t *fs, glfs_object_t *o, const char *name)
{
    return valid_object(fs, o) ? answer(do_removexattr(fs, OF_NODE(o->node), name)) : -1;
}

/* ---- access control lists: the brick knows them as text ---------------------------------------------------------------------------- */

#define ACL_TEXT_MAX 65536

static const char *acl_name(acl_type_t type)
{
    switch (type) {
    case ACL_TYPE_ACCESS:
        return "glusterfs.posix.acl";
    case ACL_TYPE_DEFAULT:
        return "glusterfs.posix.default_acl";
    default:
        return NULL;
    }
}

int glfs_h_acl_set(glfs_t *fs, glfs_object_t *o, const acl_type_t type, const acl_t acl)
{
    const char *name = acl_name(type);
    char *text;
    int r;

    if (!valid_object(fs, o))
        return -1;
    if (!name || !acl)
        return answer(-EINVAL);
    text = acl_to_any_text(acl, NULL, ',', TEXT_ABBREVIATE | TEXT_NUMERIC_IDS);
    if (!text)
        return -1;
    r = do_setxattr(fs, OF_NODE(o->node), name, text, strlen(text) + 1, 0);
    acl_free(text);
    return answer(r);
}

acl_t glfs_h_acl_get(glfs_t *fs, glfs_object_t *o, const acl_type_t type)
{
    const char *name = acl_name(type);
    char *text;
    acl_t acl = NULL;
    int64_t r;

    if (!valid_object(fs, o))
        return NULL;
    if (!name)
        return answer_ptr(-EINVAL, NULL);
    text = malloc(ACL_TEXT_MAX + 1);
    if (!text)
        return answer_ptr(-ENOMEM, NULL);
    r = do_getxattr(fs, OF_NODE(o->node), name, text, ACL_TEXT_MAX);
    if (r >= 0) {
        text[r] = '\0';
        acl = acl_from_text(text);
        r = acl ? 0 : -errno;
    }
    free(text);
    return answer_ptr(r, acl);
}
