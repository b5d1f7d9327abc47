/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xdata.c: what a request asks to be told beside the attributes (spec brick 2.3).
 *
 * A key is a word that we know, or the name or pattern of an extended attribute, whatever its value. The request is looked through
 * once; then, for each object, its attribute names are listed and looked up among the keys. Patterns come from the network: few,
 * short, and with few stars, so that matching stays linear enough. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix.h"

#define PATTERN_MAX 255
#define STARS_MAX 4
#define CONTENT_MAX (1 * MiB) /* clients ask for 64 KiB by default */

static const char *const ignored[] = {
    "gfid-req", "glusterfs-internal-fop", "glusterfs.entrylk-count", "glusterfs.inodelk-count", "glusterfs.posixlk-count",
    "glusterfs.parent-entrylk", "gfidless-lookup", "glusterfs.inodelk-dom-count", "unlinked-lookup", NULL,
};

static bool in_list(const char *const *list, const char *key)
{
    for (; *list; list++)
        if (!strcmp(*list, key))
            return true;
    return false;
}

static bool known_word(struct want *w, const struct dict_pair *pair)
{
    const char *key = pair->key;
    if (!strcmp(key, "glusterfs.content"))
        w->has_content = dict_get_u64(w->req, key, &w->content) == 0;
    else if (!strcmp(key, "glusterfs.open-fd-count"))
        w->open_fds = true;
    else if (!strcmp(key, "glusterfs.open-active-fd-count"))
        w->active_fds = true;
    else if (!strcmp(key, "get-size"))
        w->size = true;
    else if (!strcmp(key, "glusterfs.posix.acl"))
        w->acl = true;
    else if (!strcmp(key, "glusterfs.posix.default_acl"))
        w->default_acl = true;
    else if (!strcmp(key, "glusterfs.ancestry.path"))
        w->ancestry = true;
    else if (!strcmp(key, "list-xattr"))
        w->list = true;
    else if (!strcmp(key, "gf_request_link_count"))
        w->echo_links = true;
    else
        return false;
    return true;
}

static void add_pattern(struct want *w, const struct dict_pair *pair)
{
    unsigned int stars = 0;
    for (const char *c = pair->key; *c; c++)
        stars += *c == '*';
    if (w->nr_patterns < WANT_PATTERNS && pair->key_len <= PATTERN_MAX && stars <= STARS_MAX)
        w->pattern[w->nr_patterns++] = pair->key;
}

void want_parse(struct posix *p, struct dict *req, struct want *ret)
{
    *ret = (struct want){.p = p, .req = req};
    for (unsigned int i = 0; i < dict_count(req); i++) {
        const struct dict_pair *pair = dict_at(req, i);
        if (in_list(ignored, pair->key))
            continue;
        ret->any = true;
        if (known_word(ret, pair))
            continue;
        if (strpbrk(pair->key, "*?["))
            add_pattern(ret, pair);
        else
            ret->exact = true;
    }
}

static bool namespace_ok(const char *name)
{
    return !strncmp(name, "trusted.", 8) || !strncmp(name, "system.", 7) || !strncmp(name, "user.", 5) || !strncmp(name, "security.", 9);
}

/* What list-xattr leaves out. */
static bool unlisted(const char *name)
{
    return !strcmp(name, XATTR_GFID) || !strcmp(name, XATTR_VOLUME_ID) || !strcmp(name, "security.selinux") ||
           !strncmp(name, "trusted.glusterfs.quota.", 24) || !strncmp(name, XATTR_GFID2PATH, strlen(XATTR_GFID2PATH)) ||
           name_is_georep(name) || fnmatch("trusted.glusterfs.*.xtime", name, 0) == 0;
}

static bool wanted(const struct want *w, const char *name)
{
    if (!namespace_ok(name))
        return false;
    if (w->acl_binary && (!strcmp(name, XATTR_ACL_ACCESS) || !strcmp(name, XATTR_ACL_DEFAULT)))
        return true;
    if (w->exact && dict_find(w->req, name))
        return true;
    for (unsigned int i = 0; i < w->nr_patterns; i++)
        if (fnmatch(w->pattern[i], name, 0) == 0)
            return true;
    return w->list && !unlisted(name);
}

static void fill_xattrs(const struct want *w, struct obj *o, struct dict *to)
{
    XVALUE(names);
    if (obj_names(o, &names) < 0)
        return;
    size_t total = 0;
    const char *end = (const char *)names.at + names.len;
    for (const char *name = (const char *)names.at; name < end; name += strlen(name) + 1) {
        if (!wanted(w, name))
            continue;
        struct mdata m;
        uint8_t raw[MDATA_SIZE];
        XVALUE(v);
        if (!strcmp(name, XATTR_MDATA) && mdata_get(o, &m)) { /* what we have in memory rules */
            mdata_encode(&m, raw);
            dict_set(to, name, DICT_BINARY, raw, sizeof(raw));
        } else if (obj_value(o, name, &v) == 0) {
            total += v.len;
            if (total > DICT_WIRE_MAX / 2)
                return;
            dict_set(to, name, DICT_BINARY, v.at, v.len);
        }
    }
}

static void fill_content(const struct want *w, struct obj *o, struct dict *to)
{
    if (!S_ISREG(o->st.st_mode) || (uint64_t)o->st.st_size > min_of(w->content, (uint64_t)CONTENT_MAX))
        return;
    size_t size = (size_t)o->st.st_size, done = 0;
    int fd = size ? obj_open(o, O_RDONLY | O_NOATIME) : -1;
    char *buf = malloc(size + 1);
    while (buf && fd >= 0 && done < size) {
        ssize_t n = pread(fd, buf + done, size - done, (off_t)done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    if (buf && done == size) /* else it was truncated meanwhile: the client reads normally */
        dict_set(to, "glusterfs.content", DICT_BINARY, buf, size);
    free(buf);
    if (fd >= 0)
        close(fd);
}

static void fill_acl(struct obj *o, bool def, struct dict *to)
{
    char *text;
    if (S_ISLNK(o->st.st_mode) || (def && !S_ISDIR(o->st.st_mode)) || acl_text_get(o, def, &text) < 0)
        return;
    dict_set_text(to, def ? "glusterfs.posix.default_acl" : "glusterfs.posix.acl", text);
    free(text);
}

void want_fill(const struct want *w, struct obj *o, bool by_path, struct dict *to)
{
    if (!w->any)
        return;
    if (w->exact || w->nr_patterns || w->list || w->acl_binary)
        fill_xattrs(w, o, to);
    if (w->has_content && by_path)
        fill_content(w, o, to);
    if (w->open_fds)
        dict_set_u64(to, "glusterfs.open-fd-count", node_fds(o->node));
    if (w->active_fds)
        dict_set_u64(to, "glusterfs.open-active-fd-count", node_fds(o->node));
    if (w->size && S_ISREG(o->st.st_mode))
        dict_set_u64(to, "get-size", (uint64_t)o->st.st_size);
    if (w->acl)
        fill_acl(o, false, to);
    if (w->default_acl)
        fill_acl(o, true, to);
    if (w->echo_links) {
        const struct dict_pair *pair = dict_find(w->req, "gf_request_link_count");
        dict_set(to, pair->key, pair->type, pair->value, pair->len);
    }
    if (w->ancestry) {
        char path[4096];
        if (ancestry_path(w->p, o, path, sizeof(path)) >= 0)
            dict_set_text(to, "glusterfs.ancestry.path", path);
    }
}

void xdata_reply(struct posix *p, struct fop *fop, struct obj *o, bool by_path)
{
    struct want w;
    want_parse(p, fop->xdata, &w);
    w.acl_binary = fop->flags & FOP_WANT_ACL;
    w.any |= w.acl_binary;
    if (!w.any)
        return;
    struct dict *out = fop_xdata_out(fop);
    if (out)
        want_fill(&w, o, by_path, out);
}
