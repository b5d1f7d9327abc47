/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* virtual.c: names in GETXATTR that are questions, not attributes (spec brick 2.8). */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "posix.h"

#define PATH_TEXT 4096
#define DEPTH_MAX 4096
#define REAL_NAME "glusterfs.get_real_filename:"

/* Written from the end, level by level, by what the handles say. */
int gfid_path(struct posix *p, gfid_t dir, char *buf, size_t len)
{
    size_t at = len - 1;
    buf[at] = 0;
    for (unsigned int depth = 0; !gfid_is_root(dir); depth++) {
        char name[FOP_NAME_MAX + 1];
        int r = depth < DEPTH_MAX ? handle_read_dir(p, dir, &dir, name) : -ELOOP;
        if (r < 0)
            return r;
        size_t n = strlen(name);
        if (at < n + 1)
            return -ENAMETOOLONG;
        at -= n;
        memcpy(buf + at, name, n);
        buf[--at] = '/';
    }
    memmove(buf, buf + at, len - at);
    return (int)(len - 1 - at);
}

static int text_reply(struct dict *to, const char *name, const char *text)
{
    int r = dict_set_text(to, name, text);
    return r < 0 ? r : (int)strlen(text);
}

/* Paths of a non-directory, from its back references; first: one is enough. */
static int paths_of_file(struct posix *p, struct obj *o, bool first, char *text, size_t size)
{
    char sep[8];
    size_t at = 0;
    XVALUE(names);
    int r = obj_names(o, &names);
    if (r < 0)
        return r;
    pthread_rwlock_rdlock(&p->conf_lock);
    snprintf(sep, sizeof(sep), "%s", p->gfid2path_separator);
    pthread_rwlock_unlock(&p->conf_lock);
    const char *end = (const char *)names.at + names.len;
    for (const char *name = (const char *)names.at; name < end && !(first && at); name += strlen(name) + 1) {
        XVALUE(v);
        gfid_t parent;
        char u[GFID_TEXT], path[PATH_TEXT];
        if (strncmp(name, XATTR_GFID2PATH, strlen(XATTR_GFID2PATH)) || obj_value(o, name, &v) < 0 || v.len <= GFID_TEXT)
            continue;
        memcpy(u, v.at, GFID_TEXT - 1);
        u[GFID_TEXT - 1] = 0;
        if (!gfid_parse(u, &parent) || gfid_path(p, parent, path, sizeof(path)) < 0)
            continue;
        int n = snprintf(text + at, size - at, "%s%s/%s", at ? sep : "", path, (const char *)v.at + GFID_TEXT);
        if (n < 0 || (size_t)n >= size - at)
            return -ERANGE;
        at += (size_t)n;
    }
    return at ? (int)at : -ENODATA;
}

/* Where the object lies on this node: by a name of it, where one is known, else by its handle. */
static int get_pathinfo(struct posix *p, struct obj *o, const char *name, struct dict *to)
{
    char path[PATH_TEXT], text[3 * PATH_TEXT], hname[HANDLE_NAME];
    const char *host = LIVE(p, node_uuid_pathinfo) && p->glusterd_uuid ? p->glusterd_uuid : p->host;
    int n = S_ISDIR(o->st.st_mode) ? gfid_path(p, o->gfid, path, sizeof(path)) : paths_of_file(p, o, true, path, sizeof(path));
    if (n >= 0) {
        snprintf(text, sizeof(text), "<POSIX(%s):%s:%s%s>", p->directory, host, p->directory, n ? path : "/");
    } else {
        handle_name(o->gfid, hname);
        snprintf(text, sizeof(text), "<POSIX(%s):%s:%s/" PRIVATE_DIR "/%02x/%s>", p->directory, host, p->directory, o->gfid.b[0], hname);
    }
    return text_reply(to, name, text);
}

static int get_gfidtopath(struct posix *p, struct obj *o, const char *name, struct dict *to)
{
    char text[16 * PATH_TEXT];
    if (!LIVE(p, gfid2path))
        return -ENODATA;
    int n = S_ISDIR(o->st.st_mode) ? ancestry_path(p, o, text, sizeof(text)) : paths_of_file(p, o, false, text, sizeof(text));
    if (n < 0)
        return n;
    int r = dict_set_binary(to, name, text, (size_t)n); /* without NUL, as stock */
    return r < 0 ? r : n;
}

int ancestry_path(struct posix *p, struct obj *o, char *text, size_t size)
{
    if (!S_ISDIR(o->st.st_mode))
        return LIVE(p, pgfid) ? paths_of_file(p, o, false, text, size) : -ENODATA;
    int n = gfid_path(p, o->gfid, text, size);
    return n ? n : (int)strlen(strcpy(text, "/"));
}

/* Samba: which entry is called so, whatever the case? */
static int get_real_name(struct obj *o, const char *key, const char *name, struct dict *to)
{
    if (!S_ISDIR(o->st.st_mode))
        return -ENOTDIR;
    DIR *d = dir_again(o->fd);
    if (!d)
        return -errno;
    int r = -ENODATA;
    for (const struct dirent *e; (e = readdir(d));) {
        if (strcasecmp(e->d_name, name) || (gfid_is_root(o->gfid) && !strcmp(e->d_name, PRIVATE_DIR)))
            continue;
        r = text_reply(to, key, e->d_name);
        r = r < 0 ? r : r + 1;
        break;
    }
    closedir(d);
    return r;
}

static int get_acl(struct obj *o, const char *name, bool def, struct dict *to)
{
    char *text;
    int r = acl_text_get(o, def, &text);
    if (r < 0)
        return r;
    r = text_reply(to, name, text);
    free(text);
    return r;
}

static int get_signature(struct obj *o, struct dict *to)
{
    static const char *const key[] = {"trusted.bit-rot.version", "trusted.bit-rot.signature"};
    for (unsigned int i = 0; i < array_len(key); i++) {
        XVALUE(v);
        int r = obj_value(o, key[i], &v);
        if (r == 0)
            r = dict_set(to, key[i], DICT_BINARY, v.at, v.len);
        if (r < 0)
            return r;
    }
    return dict_set_u64(to, "trusted.glusterfs.bit-rot.size", (uint64_t)o->st.st_size);
}

int virtual_get(struct posix *p, struct fop *fop, struct obj *o, const char *name, struct dict *to)
{
    static const char pathinfo[] = "trusted.glusterfs.pathinfo";
    if (!*name)
        return -ENODATA;
    if (!strcmp(name, pathinfo) || !strcmp(name, pathinfo + 8))
        return get_pathinfo(p, o, name, to);
    if (!strcmp(name, "trusted.glusterfs.node-uuid") && p->glusterd_uuid)
        return text_reply(to, name, p->glusterd_uuid);
    if (!strcmp(name, "glusterfs.gfid2path") || !strcmp(name, "glusterfs.gfidtopath"))
        return get_gfidtopath(p, o, name, to);
    if (!strcmp(name, "glusterfs.ancestry.path")) {
        char path[16 * PATH_TEXT];
        int r = ancestry_path(p, o, path, sizeof(path));
        return r < 0 ? r : text_reply(to, name, path);
    }
    if (!strncmp(name, REAL_NAME, strlen(REAL_NAME)))
        return get_real_name(o, name, name + strlen(REAL_NAME), to);
    if (!strcmp(name, "glusterfs.open-fd-count")) {
        int r = dict_set_u64(to, name, fop->op == FOP_FGETXATTR || node_fds(o->node));
        return r < 0 ? r : 4;
    }
    if (!strcmp(name, "trusted.glusterfs.get-signature"))
        return get_signature(o, to);
    if (!strcmp(name, "glusterfs.posix.acl") || !strcmp(name, "glusterfs.posix.default_acl"))
        return get_acl(o, name, name[16] == 'd', to);
    return -EOPNOTSUPP;
}
