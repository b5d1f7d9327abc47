/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xattr.c: SETXATTR, GETXATTR, REMOVEXATTR and their descriptor forms (spec brick 2.6).
 *
 * Identity (trusted.gfid, volume-id, gfid2path) is not for clients to write, times (mdata) are merged. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "posix.h"

static bool has_prefix(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

static bool is_gfid2path(const char *name)
{
    return has_prefix(name, XATTR_GFID2PATH);
}

static bool is_identity(const char *name)
{
    return !strcmp(name, XATTR_GFID) || !strcmp(name, XATTR_VOLUME_ID);
}

bool name_is_georep(const char *name)
{
    static const char *const pattern[] = {"*.glusterfs.*.stime", "*.glusterfs.*.xtime", "*.glusterfs.*.entry_stime",
                                          "*.glusterfs.volume-mark.*", "*.glusterfs.lockinfo"};
    for (unsigned int i = 0; i < array_len(pattern); i++)
        if (fnmatch(pattern[i], name, 0) == 0)
            return true;
    return false;
}

/* A value as the bytes that go to the disk; numbers as decimal text with NUL, as stock stores them. NULL: not storable. */
const void *pair_bytes(const struct dict_pair *pair, char text[32], size_t *ret_len)
{
    switch (pair->type) {
    case DICT_SIGNED:
        *ret_len = (size_t)snprintf(text, 32, "%" PRId64, *(const int64_t *)pair->value) + 1;
        return text;
    case DICT_UNSIGNED:
        *ret_len = (size_t)snprintf(text, 32, "%" PRIu64, *(const uint64_t *)pair->value) + 1;
        return text;
    case DICT_DOUBLE:
    case DICT_IATT:
    case DICT_MDATA:
        return NULL;
    default:
        *ret_len = pair->len;
        return pair->value;
    }
}

static bool is_linkto_file(struct obj *o)
{
    return S_ISREG(o->st.st_mode) && (o->st.st_mode & 07777) == S_ISVTX && obj_getxattr(o, XATTR_LINKTO, NULL, 0) >= 0;
}

static int set_acl_text(struct obj *o, const struct dict_pair *pair, bool def)
{
    if (pair->type != DICT_TEXT && pair->type != DICT_BINARY && pair->type != DICT_OLD_STRING)
        return -EINVAL;
    if (is_linkto_file(o))
        return 0;
    char *text = strndup(pair->value, pair->len);
    int r = text ? acl_text_set(o, def, text) : -ENOMEM;
    free(text);
    return r;
}

static int set_mdata(struct obj *o, const void *bytes, size_t len)
{
    struct mdata m;
    int r = mdata_decode(bytes, len, &m);
    return r < 0 ? r : mdata_merge(o, &m);
}

/* One pair of SETXATTR, or of the xdata of a new object. */
static int set_pair(struct obj *o, const struct dict_pair *pair, int flags)
{
    static const char pathinfo[] = "trusted.glusterfs.pathinfo";
    const char *key = pair->key;
    char text[32];
    size_t len;
    if (pair->key_len == 0)
        return -EINVAL;
    if (!strncmp(key, pathinfo, pair->key_len) || !strncmp(key, pathinfo + 8, pair->key_len))
        return -EACCES;
    if (is_gfid2path(key))
        return -ENOTSUP;
    if (!strcmp(key, "glusterfs.posix.acl") || !strcmp(key, "glusterfs.posix.default_acl"))
        return set_acl_text(o, pair, key[16] == 'd');
    if (has_prefix(key, "glusterfs.internal-ctx") || has_prefix(key, "force-replace"))
        return 0;
    const void *bytes = pair_bytes(pair, text, &len);
    if (!bytes)
        return -EINVAL;
    if (!strcmp(key, XATTR_MDATA))
        return set_mdata(o, bytes, len);
    if (!strcmp(key, XATTR_ACL_ACCESS) && is_linkto_file(o))
        return 0;
    return obj_setxattr(o, key, bytes, len, flags);
}

/* Keys that a new object's xdata may hold and that are no attributes of it. Errors of those that are do not count. */
static bool is_attribute(const char *key)
{
    static const char *const spaces[] = {"trusted.", "user.", "security.", "system.", "glusterfs.posix."};

    for (size_t i = 0; i < array_len(spaces); i++)
        if (has_prefix(key, spaces[i]))
            return true;
    return false;
}

void birth_xattrs(struct obj *o, struct dict *xdata)
{
    const char *parent_key = NULL;
    dict_get_text(xdata, "glusterfs.preop.parent.key", &parent_key);
    for (unsigned int i = 0; i < dict_count(xdata); i++) {
        const struct dict_pair *pair = dict_at(xdata, i);
        const char *key = pair->key;
        if (!is_attribute(key) || is_identity(key) || is_gfid2path(key) || !strcmp(key, XATTR_MDATA) ||
            (parent_key && !strcmp(key, parent_key)))
            continue;
        bool acl = !strcmp(key, XATTR_ACL_ACCESS) || !strcmp(key, XATTR_ACL_DEFAULT);
        int r = set_pair(o, pair, acl ? 0 : XATTR_CREATE);
        if (r < 0)
            log_debug(o->p->xl->name, "attribute %s of a new object: %s", key, strerror(-r));
    }
}

/* Before and after, for md-cache and distribute. */
static void stat_reply(struct fop *fop, struct obj *o, const struct iatt *pre)
{
    struct iatt post;
    struct dict *out = fop_xdata_out(fop);
    if (!out || obj_iatt_now(o, &post) < 0)
        return;
    dict_set_iatt(out, "virt-gf-prestat", pre);
    dict_set_iatt(out, "virt-gf-poststat", &post);
    dict_set_iatt(out, "dht-get-iatt-in-xattr", &post);
}

static void acl_reply(struct fop *fop, struct obj *o)
{
    static const char *const key[2][2] = {{"glusterfs.posix.acl", XATTR_ACL_ACCESS}, {"glusterfs.posix.default_acl", XATTR_ACL_DEFAULT}};
    for (unsigned int i = 0; i < 2; i++) {
        XVALUE(v);
        if (dict_find(fop->in.setxattr.dict, key[i][0]) && obj_value(o, key[i][1], &v) == 0 && fop_xdata_out(fop))
            dict_set(fop->xdata_out, key[i][1], DICT_BINARY, v.at, v.len);
    }
}

/* Distribute's repair of a directory: what users set is replaced as a whole. */
static int remove_healable(struct obj *o)
{
    static const char *const also[] = {XATTR_ACL_ACCESS, XATTR_ACL_DEFAULT, "trusted.glusterfs.quota.limit-set",
                                       "trusted.glusterfs.quota.limit-objects", "security.selinux", NULL};
    XVALUE(names);
    int r = obj_names(o, &names);
    const char *end = (const char *)names.at + names.len;
    for (const char *name = (const char *)names.at; r == 0 && name < end; name += strlen(name) + 1) {
        bool match = has_prefix(name, "user.");
        for (unsigned int i = 0; also[i]; i++)
            match |= !strcmp(name, also[i]);
        if (match)
            r = obj_removexattr(o, name);
    }
    return r;
}

int op_setxattr(struct posix *p, struct fop *fop)
{
    struct dict *dict = fop->in.setxattr.dict;
    struct dict_mdata times;
    OBJ(o);
    int r = space_check(p, fop);
    if (r == 0)
        r = obj_of_fop(p, fop, &o);
    if (r < 0)
        return r;
    struct iatt pre;
    obj_iatt(&o, &pre);
    if (dict_get_mdata(dict, "set-ctime-mdata", &times) == 0) {
        struct mdata m = {{times.ctime, times.ctime_nsec}, {times.mtime, times.mtime_nsec}, {times.atime, times.atime_nsec}};
        if (times.ctime_nsec > 999999999 || times.mtime_nsec > 999999999 || times.atime_nsec > 999999999)
            return -EINVAL;
        r = mdata_merge(&o, &m);
        if (r == 0)
            stat_reply(fop, &o, &pre);
        return r;
    }
    if (dict_is_true(fop->xdata, "sync_backend_xattrs")) {
        r = remove_healable(&o);
        if (r < 0)
            return r;
    }
    for (unsigned int i = 0; i < dict_count(dict); i++) {
        const struct dict_pair *pair = dict_at(dict, i);
        if (is_identity(pair->key) || !strcmp(pair->key, "trusted.io-stats-dump"))
            continue;
        r = set_pair(&o, pair, fop->in.setxattr.flags & (XATTR_CREATE | XATTR_REPLACE));
        if (r < 0)
            return r;
    }
    if (fop->op == FOP_FSETXATTR) { /* and only there: stock's rule */
        mdata_touch(&o, &fop->cred, fop->cred.time_flags);
        if (dict_find(fop->xdata, "trusted.glusterfs.durable-op") && o.kind == OBJ_FD && fsync(o.fd) < 0)
            return -errno;
    }
    stat_reply(fop, &o, &pre);
    acl_reply(fop, &o);
    return 0;
}

static int remove_one(struct obj *o, const char *name)
{
    if (is_gfid2path(name))
        return -ENODATA;
    if (is_identity(name))
        return -EPERM;
    int r;
    if (strcmp(name, XATTR_MDATA) || !o->node)
        return obj_removexattr(o, name);
    SCOPED_LOCK(&o->node->lock);
    r = obj_removexattr(o, name);
    if (r == 0)
        o->node->mdata_state = MDATA_ABSENT;
    return r;
}

/* With an empty name: all keys of xdata. */
static int remove_bulk(struct obj *o, struct dict *xdata)
{
    for (unsigned int i = 0; i < dict_count(xdata); i++)
        if (is_identity(dict_at(xdata, i)->key))
            return -EPERM;
    for (unsigned int i = 0; i < dict_count(xdata); i++) {
        int r = remove_one(o, dict_at(xdata, i)->key);
        if (r < 0 && r != -ENODATA && r != -EOPNOTSUPP)
            return r;
    }
    return 0;
}

int op_removexattr(struct posix *p, struct fop *fop)
{
    const char *name = fop->in.removexattr.name;
    OBJ(o);
    int r = name ? obj_of_fop(p, fop, &o) : -EINVAL;
    if (r < 0)
        return r;
    struct iatt pre;
    obj_iatt(&o, &pre);
    r = *name ? remove_one(&o, name) : remove_bulk(&o, fop->xdata);
    if (r < 0)
        return r;
    mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    stat_reply(fop, &o, &pre);
    return 0;
}

/* What a caller does not get to see. GETXATTR hides more than FGETXATTR when all are asked for. */
static bool hidden(const struct fop *fop, const char *name, bool by_name)
{
    if (is_identity(name))
        return true;
    if (fop->op == FOP_FGETXATTR && !by_name)
        return false;
    return is_gfid2path(name) || (!strcmp(name, XATTR_MDATA) && fop->cred.pid >= 0) || (name_is_georep(name) && fop->cred.pid != -1);
}

static int get_all(struct fop *fop, struct obj *o, struct dict *to)
{
    XVALUE(names);
    int r = obj_names(o, &names);
    if (r < 0)
        return r;
    int last = 0;
    size_t total = 0;
    const char *end = (const char *)names.at + names.len;
    for (const char *name = (const char *)names.at; name < end; name += strlen(name) + 1) {
        XVALUE(v);
        if (hidden(fop, name, false) || obj_value(o, name, &v) < 0)
            continue;
        total += v.len + strlen(name) + 16;
        if (total > DICT_WIRE_MAX)
            return -E2BIG;
        r = dict_set(to, name, DICT_BINARY, v.at, v.len);
        if (r < 0)
            return r;
        last = (int)v.len;
    }
    return last;
}

static int get_one(struct fop *fop, struct obj *o, const char *name, struct dict *to)
{
    if (hidden(fop, name, true))
        return -ENODATA;
    struct mdata m;
    uint8_t raw[MDATA_SIZE];
    if (!strcmp(name, XATTR_MDATA) && mdata_get(o, &m)) {
        mdata_encode(&m, raw);
        int r = dict_set(to, name, DICT_BINARY, raw, sizeof(raw));
        return r < 0 ? r : (int)sizeof(raw);
    }
    XVALUE(v);
    int r = obj_value(o, name, &v);
    if (r == 0)
        r = dict_set(to, name, DICT_BINARY, v.at, v.len);
    return r < 0 ? r : (int)v.len;
}

int op_getxattr(struct posix *p, struct fop *fop)
{
    const char *name = fop->in.getxattr.name;
    OBJ(o);
    int r = obj_of_fop(p, fop, &o);
    if (r < 0)
        return r;
    fop->out.dict = dict_new();
    if (!fop->out.dict)
        return -ENOMEM;
    if (!name) {
        r = get_all(fop, &o, fop->out.dict);
    } else {
        r = virtual_get(p, fop, &o, name, fop->out.dict);
        if (r == -EOPNOTSUPP)
            r = get_one(fop, &o, name, fop->out.dict);
    }
    if (r >= 0)
        xdata_reply(p, fop, &o, false);
    return r;
}
