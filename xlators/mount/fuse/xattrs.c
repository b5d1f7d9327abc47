/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Extended attributes: which names a mount lets through (spec brick 7.4), and what a dict's values are to a program. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "logging.h"
#include "mount-impl.h"

#define VALUE_MAX 65536

/* What becomes of a name. 0: it goes its way. */
struct rule {
    const char *pattern;
    int get, set;                    /* errno */
    bool (*off)(const struct mount_conf *conf); /* NULL: always so; otherwise while this says so */
};

static bool no_acl(const struct mount_conf *conf) { return !conf->acl; }
static bool no_selinux(const struct mount_conf *conf) { return !conf->selinux; }
static bool no_capability(const struct mount_conf *conf) { return !conf->capability; }

static const struct rule rules[] = {
    {"system.posix_acl_access", EOPNOTSUPP, EOPNOTSUPP, no_acl},
    {"system.posix_acl_default", EOPNOTSUPP, EOPNOTSUPP, no_acl},
    {"security.selinux", ENODATA, EOPNOTSUPP, no_selinux},
    {"security.capability", ENODATA, EOPNOTSUPP, no_capability},
    {"trusted.gfid", ENODATA, EPERM, NULL},
    {"trusted.glusterfs.volume-id", ENODATA, EPERM, NULL},
    {"trusted.glusterfs.mdata", ENODATA, 0, NULL},
    {"glusterfs.pathinfo", 0, EACCES, NULL},
    {"trusted.glusterfs.pathinfo", 0, EACCES, NULL},
    {"glusterfs.gfid2path", 0, EOPNOTSUPP, NULL},
    {"glusterfs.gfidtopath", 0, EOPNOTSUPP, NULL},
    {"glusterfs.ancestry.path", 0, EOPNOTSUPP, NULL},
    {"glusterfs.open-fd-count", 0, EOPNOTSUPP, NULL},
    {"glusterfs.posix.acl", 0, 0, NULL},
    {"glusterfs.posix.default_acl", 0, 0, NULL},
    {"glusterfs.get_real_filename:*", 0, EOPNOTSUPP, NULL},
    {"glusterfs.clrlk.*", 0, EOPNOTSUPP, NULL},
    {"glusterfs.*", EOPNOTSUPP, EOPNOTSUPP, NULL},
};

static int refused(const struct mount *m, const char *name, bool set)
{
    for (size_t i = 0; i < array_len(rules); i++) {
        const struct rule *rule = &rules[i];

        if (fnmatch(rule->pattern, name, 0) == 0)
            return rule->off && !rule->off(&m->conf) ? 0 : set ? rule->set : rule->get;
    }
    return 0;
}

/* ---- what the client itself answers -------------------------------------------------------------------------------------- */

/* trusted.glusterfs.set-log-level, .fuse.set-log-level, .<translator>.set-log-level: one level for all of the process. */
static bool is_log_level(const char *name)
{
    return fnmatch("trusted.glusterfs.set-log-level", name, 0) == 0 || fnmatch("trusted.glusterfs.*.set-log-level", name, 0) == 0;
}

static int set_log_level(const char *value, size_t size)
{
    enum log_level level;
    char text[32];

    if (size >= sizeof(text))
        return EINVAL;
    memcpy(text, value, size);
    text[size] = '\0';
    if (!log_level_parse(text, &level))
        return EINVAL;
    log_set_level(level);
    return 0;
}

/* True: done here, and answered. */
static bool set_here(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size)
{
    struct mount *m = fuse_req_userdata(req);

    if (is_log_level(name)) {
        fuse_reply_err(req, set_log_level(value, size));
        return true;
    }
    if (strcmp(name, "inode-invalidate") == 0) {
        struct vnode *vn = node_of(m, ino);

        notify_inode(m->notifier, vn);
        vnode_unref(vn);
        fuse_reply_err(req, 0);
        return true;
    }
    return false;
}

static void give_value(struct request *r, const void *value, size_t len)
{
    if (r->xattr.size == 0)
        answer_xattr_size(r, len);
    else if (len > VALUE_MAX)
        answer_err(r, E2BIG);
    else if (len > r->xattr.size)
        answer_err(r, ERANGE);
    else
        answer_buf(r, value, len);
}

/* ---- set, get, list, remove ---------------------------------------------------------------------------------------------- */

static struct request *request_xattr(fuse_req_t req, enum fop_op op, fuse_ino_t ino, const char *name, int err)
{
    struct request *r;

    if (err) {
        fuse_reply_err(req, err);
        return NULL;
    }
    r = request_new(req, op);
    if (!r)
        return NULL;
    r->op.node = node_of(r->mount, ino);
    r->xattr.name = name ? fop_str(r->op.fop, name, strlen(name)) : NULL;
    if (!name || r->xattr.name)
        return r;
    answer_err(r, ENOMEM);
    return NULL;
}

HANDLER(setxattr, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
    struct mount *m = fuse_req_userdata(req);
    struct request *r;
    int failed;

    if (set_here(req, ino, name, value, size))
        return;
    r = request_xattr(req, FOP_SETXATTR, ino, name, size > VALUE_MAX ? E2BIG : refused(m, name, true));
    if (!r)
        return;
    r->op.fop->in.setxattr.flags = flags;
    r->op.fop->in.setxattr.dict = dict_new();
    failed = r->op.fop->in.setxattr.dict ? dict_set_binary(r->op.fop->in.setxattr.dict, name, value, size) : -ENOMEM;
    if (failed)
        answer_err(r, -failed);
    else
        request_go(r, answer_err_of);
}

HANDLER(removexattr, fuse_ino_t ino, const char *name)
{
    struct request *r = request_xattr(req, FOP_REMOVEXATTR, ino, name, refused(fuse_req_userdata(req), name, true));

    if (!r)
        return;
    r->op.fop->in.removexattr.name = r->xattr.name;
    request_go(r, answer_err_of);
}

/* Numbers come as numbers and are text to a program, with their NUL. */
static void give_pair(struct request *r, const struct dict_pair *pair)
{
    char text[32];
    int n;

    switch (pair->type) {
    case DICT_SIGNED:
    case DICT_UNSIGNED: {
        int64_t v = 0;

        dict_get_i64(r->op.fop->out.dict, pair->key, &v);
        n = snprintf(text, sizeof(text), "%lld", (long long)v);
        give_value(r, text, (size_t)n + 1);
        return;
    }
    default:
        give_value(r, pair->value, pair->len);
    }
}

static void have_value(struct request *r)
{
    const struct fop *fop = r->op.fop;
    const struct dict_pair *pair;

    if (request_failed(r))
        return;
    pair = dict_find(fop->out.dict, r->xattr.name);
    if (pair)
        give_pair(r, pair);
    else
        answer_err(r, ENODATA);
}

HANDLER(getxattr, fuse_ino_t ino, const char *name, size_t size)
{
    struct request *r;
    gfid_t gfid;
    char text[GFID_TEXT];
    bool raw = strcmp(name, "glusterfs.gfid") == 0, is_text = strcmp(name, "glusterfs.gfid.string") == 0;

    r = request_xattr(req, FOP_GETXATTR, ino, name, raw || is_text ? 0 : refused(fuse_req_userdata(req), name, false));
    if (!r)
        return;
    r->xattr.size = size;
    gfid = vnode_gfid(r->op.node);
    if (raw) {
        give_value(r, gfid.b, sizeof(gfid.b));
    } else if (is_text) {
        give_value(r, gfid_text(gfid, text), GFID_TEXT - 1);
    } else {
        r->op.fop->in.getxattr.name = r->xattr.name;
        request_go(r, have_value);
    }
}

static const char *const hidden[] = {
    "trusted.gfid", "trusted.glusterfs.volume-id", "trusted.gfid2path.*", "trusted.glusterfs.mdata", "trusted.glusterfs.dht*",
    "trusted.afr.*", "trusted.ec.*", "trusted.pgfid.*", "trusted.glusterfs.quota.*", "trusted.bit-rot.*", "trusted.glusterfs.selinux",
    "trusted.glusterfs.set-ctime", "glusterfs.*",
};

static bool is_hidden(const struct mount *m, const char *name)
{
    for (size_t i = 0; i < array_len(hidden); i++)
        if (fnmatch(hidden[i], name, 0) == 0)
            return true;
    return refused(m, name, false) != 0;
}

static void have_names(struct request *r)
{
    const struct dict *d = r->op.fop->out.dict;
    size_t len = 0;
    char *list;

    if (request_failed(r))
        return;
    for (unsigned int i = 0; i < dict_count(d); i++)
        if (!is_hidden(r->mount, dict_at(d, i)->key))
            len += dict_at(d, i)->key_len + 1;
    list = malloc(max_of(len, (size_t)1));
    if (!list) {
        answer_err(r, ENOMEM);
        return;
    }
    len = 0;
    for (unsigned int i = 0; i < dict_count(d); i++) {
        const struct dict_pair *pair = dict_at(d, i);

        if (is_hidden(r->mount, pair->key))
            continue;
        memcpy(list + len, pair->key, pair->key_len + 1);
        len += pair->key_len + 1;
    }
    give_value(r, list, len);
    free(list);
}

HANDLER(listxattr, fuse_ino_t ino, size_t size)
{
    struct request *r = request_xattr(req, FOP_GETXATTR, ino, NULL, 0);

    if (!r)
        return;
    r->xattr.size = size;
    request_go(r, have_names);
}
