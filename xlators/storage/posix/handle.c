/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* handle.c: each object's second name, .glusterfs/XX/YY/<gfid> (spec brick 1.2): a hard link for all but directories, a symbolic
 * link "../../PX/PY/<parent gfid>/<name>" for directories.
 *
 * The kernel never resolves a directory's link for us: a client could put a symlink of its own at the name that it ends in. We
 * read its text, open the parent by the gfid in it, then the name without following, and believe the result only when the
 * directory found carries the gfid we were looking for. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "posix.h"

#define DEPTH_MAX 4096 /* levels; PATH_MAX lets users make about 2048. A loop in damaged links ends here */
#define LINK_TEXT 512
#define LINK_FIXED 49  /* "../../PX/PY/<gfid>/" */

void handle_name(gfid_t g, char name[HANDLE_NAME])
{
    static const char hex[] = "0123456789abcdef";
    name[0] = hex[g.b[1] >> 4];
    name[1] = hex[g.b[1] & 15];
    name[2] = '/';
    gfid_text(g, name + 3);
}

int handle_stat(struct posix *p, gfid_t g, struct stat *ret)
{
    char name[HANDLE_NAME];
    handle_name(g, name);
    return fstatat(handle_dir(p, g), name, ret, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

bool handle_is_dir(const struct stat *st)
{
    return S_ISLNK(st->st_mode) && st->st_nlink == 1;
}

static int level2_make(struct posix *p, gfid_t g, const char *name)
{
    char yy[3] = {name[0], name[1], 0};
    return mkdirat(handle_dir(p, g), yy, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int handle_link(struct posix *p, gfid_t g, int fd)
{
    char name[HANDLE_NAME];
    handle_name(g, name);
    int r = linkat(fd, "", handle_dir(p, g), name, AT_EMPTY_PATH) < 0 ? -errno : 0;
    if (r == -ENOENT) { /* no YY yet (or the object is gone, which the second try tells) */
        r = level2_make(p, g, name);
        if (r == 0)
            r = linkat(fd, "", handle_dir(p, g), name, AT_EMPTY_PATH) < 0 ? -errno : 0;
    }
    if (r != -EEXIST)
        return r;
    struct stat is, should;
    if (fstat(fd, &should) < 0)
        return -errno;
    r = handle_stat(p, g, &is);
    if (r < 0)
        return r;
    if (is.st_ino == should.st_ino && is.st_dev == should.st_dev)
        return 0;
    char text[GFID_TEXT];
    log_warning(p->xl->name, "gfid %s: the handle is another object (inode %llu, expected %llu)", gfid_text(g, text),
                (unsigned long long)is.st_ino, (unsigned long long)should.st_ino);
    return -EEXIST;
}

static void dir_text(gfid_t parent, const char *name, char text[LINK_TEXT])
{
    char u[GFID_TEXT];
    snprintf(text, LINK_TEXT, "../../%02x/%02x/%s/%s", parent.b[0], parent.b[1], gfid_text(parent, u), name);
}

int handle_link_dir(struct posix *p, gfid_t g, gfid_t parent, const char *name)
{
    char hname[HANDLE_NAME], text[LINK_TEXT];
    handle_name(g, hname);
    dir_text(parent, name, text);
    for (int try = 0; ; try++) {
        if (symlinkat(text, handle_dir(p, g), hname) == 0)
            return 0;
        if (errno == EEXIST) { /* a directory's is left as it is, whatever it says; another object's is not ours */
            struct stat st;
            int r = handle_stat(p, g, &st);
            return r < 0 ? r : handle_is_dir(&st) ? 0 : -EEXIST;
        }
        if (errno != ENOENT || try)
            return -errno;
        int r = level2_make(p, g, hname);
        if (r < 0)
            return r;
    }
}

bool handle_text_parse(const char *text, size_t len, gfid_t *ret_parent, char ret_name[FOP_NAME_MAX + 1])
{
    if (len <= LINK_FIXED || len > LINK_FIXED + FOP_NAME_MAX || strlen(text) != len)
        return false;
    if (memcmp(text, "../../", 6) || text[8] != '/' || text[11] != '/' || text[48] != '/')
        return false;
    char u[GFID_TEXT];
    gfid_t g;
    memcpy(u, text + 12, GFID_TEXT - 1);
    u[GFID_TEXT - 1] = 0;
    if (!gfid_parse(u, &g) || strncmp(text + 6, u, 2) || strncmp(text + 9, u + 2, 2))
        return false;
    const char *name = text + LINK_FIXED;
    if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return false;
    *ret_parent = g;
    strcpy(ret_name, name);
    return true;
}

int handle_read_dir(struct posix *p, gfid_t g, gfid_t *ret_parent, char ret_name[FOP_NAME_MAX + 1])
{
    char hname[HANDLE_NAME], text[LINK_TEXT];
    handle_name(g, hname);
    ssize_t n = readlinkat(handle_dir(p, g), hname, text, sizeof(text) - 1);
    if (n < 0)
        return errno == EINVAL ? -ENOTDIR : -errno; /* EINVAL: a hard link, so no directory */
    text[n] = 0;
    return handle_text_parse(text, (size_t)n, ret_parent, ret_name) ? 0 : -EINVAL;
}

bool handle_dir_says(struct posix *p, gfid_t g, gfid_t parent, const char *name)
{
    gfid_t up;
    char is[FOP_NAME_MAX + 1];
    return handle_read_dir(p, g, &up, is) == 0 && gfid_equal(up, parent) && !strcmp(is, name);
}

int handle_unlink(struct posix *p, gfid_t g)
{
    char name[HANDLE_NAME];
    handle_name(g, name);
    return unlinkat(handle_dir(p, g), name, 0) < 0 ? -errno : 0;
}

int handle_to_unlink_dir(struct posix *p, gfid_t g)
{
    char name[HANDLE_NAME];
    handle_name(g, name);
    return renameat(handle_dir(p, g), name, p->unlink_fd, name + 3) < 0 ? -errno : 0;
}

int fd_gfid(int fd, gfid_t *ret)
{
    gfid_t g;
    ssize_t n = fgetxattr(fd, XATTR_GFID, g.b, sizeof(g.b));
    if (n < 0)
        return errno == ERANGE ? -EINVAL : -errno;
    if (n != sizeof(g.b))
        return -EINVAL;
    *ret = g;
    return 0;
}

struct step {
    struct step *down;
    char name[FOP_NAME_MAX + 1];
};

/* The chain of names from an open ancestor down to g. ret_in: the ancestor's inode, whose kept descriptor is in use; NULL: the root. */
static int steps_to(struct posix *p, gfid_t g, struct step **ret, int *ret_fd, struct inode **ret_in)
{
    struct step *top = NULL;
    int r = 0;
    for (unsigned int depth = 0; ; depth++) {
        if (gfid_is_root(g)) {
            *ret_fd = p->root_fd;
            *ret_in = NULL;
            break;
        }
        struct inode *in = depth ? inode_find(p->graph->inodes, g) : NULL;
        struct pnode *n = in ? pnode_of(p, in) : NULL;
        int fd = n ? kept_peek(p, n) : -1;
        if (fd >= 0) {
            *ret_fd = fd;
            *ret_in = in;
            break;
        }
        inode_unref(in);
        struct step *s = depth < DEPTH_MAX ? malloc(sizeof(*s)) : NULL;
        if (!s) {
            r = depth < DEPTH_MAX ? -ENOMEM : -ELOOP;
            break;
        }
        s->down = top;
        top = s;
        r = handle_read_dir(p, g, &g, s->name);
        if (r < 0)
            break;
    }
    *ret = top;
    return r;
}

static int dir_open_once(struct posix *p, gfid_t g)
{
    struct step *top;
    struct inode *from = NULL;
    int at = -1;
    int r = steps_to(p, g, &top, &at, &from);
    int fd = -1;
    if (r == 0 && !top) { /* the root itself */
        fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
    }
    while (top) {
        struct step *s = top;
        top = s->down;
        if (r == 0) {
            int next = openat(fd >= 0 ? fd : at, s->name, (top ? O_PATH : O_RDONLY) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            r = next < 0 ? -errno : 0;
            if (fd >= 0)
                close(fd);
            fd = next;
        }
        free(s);
    }
    if (from) {
        kept_put(p, pnode_of(p, from));
        inode_unref(from);
    }
    if (r < 0) {
        if (fd >= 0)
            close(fd);
        return r;
    }
    gfid_t is;
    r = fd_gfid(fd, &is);
    if (r == 0 && gfid_equal(is, g))
        return fd;
    close(fd);
    return r < 0 && r != -ENODATA ? r : -ESTALE;
}

int dir_open_gfid(struct posix *p, gfid_t g)
{
    if (gfid_is_null(g))
        return -EINVAL;
    pthread_rwlock_rdlock(&p->moving);
    int r = dir_open_once(p, g);
    pthread_rwlock_unlock(&p->moving);
    /* A link that leads to a symlink, a file or another directory is stale: for the caller the directory is not there. */
    return r == -ELOOP || r == -ENOTDIR ? -ESTALE : r;
}
