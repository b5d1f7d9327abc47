/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* From a path to an object, name by name. Each name is looked up at the brick, so what others do meanwhile is seen.
 *
 * Links are followed here: a link's text takes the place of its name in front of the rest. ".." is the directory that the walk came
 * through; where it did not come through one (a walk that starts below the root), the start's own path is walked instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "impl.h"

#define LINKS_MAX 40          /* as Linux: more is ELOOP */
#define DEPTH_MAX (PATH_MAX / 2)

struct crumb {
    struct vnode *node;       /* a reference */
    size_t path_len;          /* of path up to and with it */
};

struct trail {
    struct glfs *fs;
    struct crumb *crumbs;     /* the directories come through; the first is where the walk started */
    unsigned int n, cap;
    char *path;               /* of the last crumb; NULL: of the start it is not known */
    size_t path_len;
    char *rest;               /* what is still to be walked; PATH_MAX + 1 bytes */
    unsigned int links;
};

static int step_in(struct trail *t, struct vnode *node, const char *name) /* takes the reference */
{
    size_t len = strlen(name);

    if (t->n == t->cap) {
        unsigned int cap = t->cap ? t->cap * 2 : 16;
        struct crumb *more = t->n < DEPTH_MAX ? realloc(t->crumbs, cap * sizeof(*more)) : NULL;

        if (!more) {
            vnode_unref(node);
            return -ENOMEM;
        }
        t->crumbs = more;
        t->cap = cap;
    }
    if (t->path && t->n) {
        if (t->path_len + len + 2 > PATH_MAX) {
            vnode_unref(node);
            return -ENAMETOOLONG;
        }
        t->path[t->path_len++] = '/';
        memcpy(t->path + t->path_len, name, len + 1);
        t->path_len += len;
    }
    t->crumbs[t->n++] = (struct crumb){.node = node, .path_len = t->path_len};
    return 0;
}

static void step_out(struct trail *t)
{
    vnode_unref(t->crumbs[--t->n].node);
    if (t->path && t->n) {
        t->path_len = t->crumbs[t->n - 1].path_len;
        t->path[t->path_len] = '\0';
    }
}

static struct vnode *here(const struct trail *t)
{
    return t->crumbs[t->n - 1].node;
}

/* The walk begins anew at node, whose path this is (NULL: unknown). */
static int start_at(struct trail *t, struct vnode *node, const char *path)
{
    while (t->n)
        step_out(t);
    if (path && !t->path && !(t->path = malloc(PATH_MAX))) {
        vnode_unref(node);
        return -ENOMEM;
    }
    if (!path) {
        free(t->path);
        t->path = NULL;
    } else {
        t->path_len = strlen(path);
        memcpy(t->path, path, t->path_len + 1); /* no longer than what was walked for it */
    }
    return step_in(t, node, "");
}

static int start_at_root(struct trail *t)
{
    return start_at(t, vnode_ref(t->fs->root), "");
}

static int start_at_cwd(struct trail *t)
{
    struct glfs *fs = t->fs;
    struct vnode *cwd;
    char *path;
    int r;

    pthread_mutex_lock(&fs->lock);
    cwd = vnode_ref(fs->cwd);
    path = fs->cwd_path ? strdup(fs->cwd_path) : NULL;
    pthread_mutex_unlock(&fs->lock);
    r = start_at(t, cwd, path);
    free(path);
    return r;
}

/* text, then what is left of the rest. */
static int put_in_front(struct trail *t, const char *text, size_t len, const char *rest)
{
    size_t left = strlen(rest);

    if (len == 0)
        return -ENOENT;
    if (len + 1 + left > PATH_MAX)
        return -ENAMETOOLONG;
    memmove(t->rest + len + (left ? 1 : 0), rest, left + 1); /* rest lies in t->rest */
    memcpy(t->rest, text, len);
    if (left)
        t->rest[len] = '/';
    return 0;
}

/* The directory above the one where the walk started. */
static int above_start(struct trail *t, const char *rest)
{
    char *path = NULL;
    int r;

    if (gfid_is_root(vnode_gfid(here(t))))
        return put_in_front(t, ".", 1, rest);
    if (t->path && t->path_len)
        path = strdup(t->path);
    else if ((r = path_of(t->fs, here(t), &path)) < 0)
        return r;
    if (!path)
        return -ENOMEM;
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    r = put_in_front(t, path[0] ? path : "/", path[0] ? strlen(path) : 1, rest);
    free(path);
    return r ? r : start_at_root(t);
}

static int follow_link(struct trail *t, struct vnode *link, const char *rest)
{
    char text[PATH_MAX];
    int r;

    if (++t->links > LINKS_MAX)
        return -ELOOP;
    r = do_readlink(t->fs, link, text, sizeof(text));
    if (r < 0)
        return r;
    if (r == sizeof(text))
        return -ENAMETOOLONG;
    r = put_in_front(t, text, (size_t)r, rest);
    if (!r && t->rest[0] == '/')
        r = start_at_root(t);
    return r;
}

/* The place is the last directory itself. */
static int at_directory(struct trail *t, struct place *ret)
{
    ret->node = vnode_ref(here(t));
    ret->path = t->path ? strdup(t->path) : NULL;
    return t->path && !ret->path ? -ENOMEM : 0;
}

static int at_name(struct trail *t, const char *name, struct vnode *node, struct place *ret) /* takes node */
{
    ret->parent = vnode_ref(here(t));
    ret->node = node;
    snprintf(ret->name, sizeof(ret->name), "%s", name);
    if (t->path && asprintf(&ret->path, "%s/%s", t->path, name) < 0) {
        ret->path = NULL;
        return -ENOMEM;
    }
    return 0;
}

/* 1: there is more to be walked. */
static int one_name(struct trail *t, int how, struct place *ret)
{
    char *at = t->rest + strspn(t->rest, "/"), name[FOP_NAME_MAX + 1], *rest;
    size_t len = strcspn(at, "/");
    struct vnode *node = NULL;
    struct iatt st;
    bool last;
    int r;

    if (len == 0)
        return at_directory(t, ret);
    if (len > FOP_NAME_MAX)
        return -ENAMETOOLONG;
    memcpy(name, at, len);
    name[len] = '\0';
    rest = at + len;
    ret->slash = *rest == '/';
    rest += strspn(rest, "/");
    last = !*rest;

    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        if (name[1] && t->n == 1)
            return (r = above_start(t, rest)) < 0 ? r : 1;
        if (name[1])
            step_out(t);
        memmove(t->rest, rest, strlen(rest) + 1);
        return 1;
    }
    if (last && how & WALK_PARENT)
        return at_name(t, name, NULL, ret);
    r = do_lookup(t->fs, here(t), name, &node, &st);
    if (r == -ENOENT && last && how & WALK_MAYBE)
        return at_name(t, name, NULL, ret);
    if (r < 0)
        return r;
    if (S_ISLNK(st.mode) && (!last || how & WALK_FOLLOW || ret->slash)) {
        r = follow_link(t, node, ret->slash && last ? "." : rest);
        vnode_unref(node);
        return r < 0 ? r : 1;
    }
    if ((!last || ret->slash) && !S_ISDIR(st.mode)) {
        vnode_unref(node);
        return -ENOTDIR;
    }
    if (last) {
        ret->stat = st;
        return at_name(t, name, node, ret);
    }
    r = step_in(t, node, name);
    memmove(t->rest, rest, strlen(rest) + 1);
    return r < 0 ? r : 1;
}

int walk(struct glfs *fs, struct vnode *at, const char *path, int how, struct place *ret)
{
    struct trail t = {.fs = fs};
    size_t len = path ? strlen(path) : 0;
    int r = 0;

    *ret = (struct place){0};
    if (!path)
        return -EINVAL;
    if (len == 0)
        return -ENOENT;
    if (len >= PATH_MAX)
        return -ENAMETOOLONG;
    t.rest = malloc(PATH_MAX + 1);
    if (!t.rest)
        return -ENOMEM;
    memcpy(t.rest, path, len + 1);
    if (at)
        r = start_at(&t, vnode_ref(at), gfid_is_root(vnode_gfid(at)) ? "" : NULL);
    else
        r = path[0] == '/' ? start_at_root(&t) : start_at_cwd(&t);
    while (r == 0 && (r = one_name(&t, how, ret)) == 1)
        r = 0, ret->slash = false;
    if (r < 0)
        walk_done(ret);
    while (t.n)
        step_out(&t);
    free(t.crumbs);
    free(t.path);
    free(t.rest);
    return r;
}

void walk_done(struct place *p)
{
    vnode_unref(p->parent);
    vnode_unref(p->node);
    free(p->path);
    *p = (struct place){0};
}

int path_of(struct glfs *fs, struct vnode *dir, char **ret)
{
    char text[PATH_MAX + 1];
    int64_t n;

    if (gfid_is_root(vnode_gfid(dir))) {
        *ret = strdup("");
        return *ret ? 0 : -ENOMEM;
    }
    n = do_getxattr(fs, OF_NODE(dir), "glusterfs.gfidtopath", text, PATH_MAX);
    if (n < 0)
        return (int)n;
    text[n] = '\0';
    if (text[0] != '/')
        return -ENOENT;
    *ret = strdup(text);
    return *ret ? 0 : -ENOMEM;
}
