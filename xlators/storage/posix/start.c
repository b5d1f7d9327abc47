/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* start.c: what must be right before a brick serves anything (spec brick 1.10), and the private tree. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "posix.h"

#define OTHERS 4096 /* descriptors that are neither clients' nor kept: connections above all */

static int open_root(struct posix *p, struct err *err)
{
    struct stat st;
    const char *vol = p->xl->name;
    p->root_fd = open(p->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (p->root_fd < 0 || fstat(p->root_fd, &st) < 0)
        return err_set(err, -errno, "volume %s: directory %s: %s", vol, p->directory, strerror(errno));
    p->dev = st.st_dev;
    if (access("/proc/self/fd", R_OK | X_OK) < 0)
        return err_set(err, -errno, "volume %s: /proc/self/fd cannot be used (%s): extended attributes are reached through it", vol,
                       strerror(errno));
    if (p->mandate_attribute && fgetxattr(p->root_fd, "user.x", NULL, 0) < 0 && errno == EOPNOTSUPP)
        return err_set(err, -EOPNOTSUPP, "volume %s: %s: the file system has no extended attributes", vol, p->directory);
    return 0;
}

static int check_volume_id(struct posix *p, struct err *err)
{
    gfid_t want, is;
    char a[GFID_TEXT], b[GFID_TEXT];
    const char *vol = p->xl->name;
    if (!p->volume_id)
        return 0;
    if (!gfid_parse(p->volume_id, &want))
        return err_set(err, -EINVAL, "volume %s: option volume-id %s is not a UUID", vol, p->volume_id);
    ssize_t n = fgetxattr(p->root_fd, XATTR_VOLUME_ID, is.b, sizeof(is.b));
    if (n < 0 && errno == ENODATA)
        return err_set(err, -ENODATA, "volume %s: %s: extended attribute " XATTR_VOLUME_ID " is missing: the directory is not a brick", vol,
                       p->directory);
    if (n < 0 && errno != ERANGE)
        return err_set(err, -errno, "volume %s: %s: extended attribute " XATTR_VOLUME_ID ": %s", vol, p->directory, strerror(errno));
    if (n != sizeof(is.b))
        return err_set(err, -EINVAL, "volume %s: %s: extended attribute " XATTR_VOLUME_ID " is not 16 bytes long", vol, p->directory);
    if (!gfid_equal(is, want))
        return err_set(err, -EINVAL,
                       "volume %s: %s: extended attribute " XATTR_VOLUME_ID " is %s, expected %s: the directory belongs to another volume",
                       vol, p->directory, gfid_text(is, a), gfid_text(want, b));
    return 0;
}

static int check_root_gfid(struct posix *p, struct err *err)
{
    gfid_t is;
    char text[GFID_TEXT];
    const char *vol = p->xl->name;
    int r = fd_gfid(p->root_fd, &is);
    if (r == -ENODATA) {
        if (fsetxattr(p->root_fd, XATTR_GFID, gfid_root.b, sizeof(gfid_root.b), XATTR_CREATE) == 0)
            return 0;
        return err_set(err, -errno, "volume %s: %s: extended attribute " XATTR_GFID " cannot be set: %s%s", vol, p->directory,
                       strerror(errno), errno == EPERM ||
                       errno == EOPNOTSUPP ? " (trusted attributes need root and a file system that has them)" : "");
    }
    if (r < 0)
        return err_set(err, r, "volume %s: %s: extended attribute " XATTR_GFID ": %s", vol, p->directory, strerror(-r));
    if (!gfid_is_root(is))
        return err_set(err, -EINVAL, "volume %s: %s: extended attribute " XATTR_GFID
                       " is %s, expected that of a volume's root: the directory is inside another brick", vol, p->directory,
                           gfid_text(is, text));
    return 0;
}

static void check_acl(struct posix *p)
{
    if (fgetxattr(p->root_fd, XATTR_ACL_ACCESS, NULL, 0) < 0 && errno == EOPNOTSUPP)
        log_warning(p->xl->name, "%s: the file system has no ACLs", p->directory);
}

static void raise_nofile(struct posix *p)
{
    static const rlim_t want[] = {1048576, 65536};
    struct rlimit is;
    for (unsigned int i = 0; i < array_len(want); i++) {
        if (getrlimit(RLIMIT_NOFILE, &is) == 0 && is.rlim_cur >= want[i])
            break;
        if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){want[i], max_of(want[i], is.rlim_max)}) == 0)
            break;
    }
    if (getrlimit(RLIMIT_NOFILE, &is) < 0)
        is.rlim_cur = 1024;
    if (is.rlim_cur < want[1]) { /* not allowed: what is */
        is.rlim_cur = is.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &is) < 0)
            getrlimit(RLIMIT_NOFILE, &is);
        log_warning(p->xl->name, "only %llu descriptors may be open in this process", (unsigned long long)is.rlim_cur);
    }
    /* What clients hold open must leave room to serve them: for connections, directories, anonymous descriptors, the log. */
    p->kept.max = (unsigned int)min_of((rlim_t)KEPT_MAX, is.rlim_cur / 8);
    p->client_fds_max = (unsigned int)min_of((rlim_t)INT_MAX, is.rlim_cur - p->kept.max - min_of((rlim_t)OTHERS, is.rlim_cur / 8));
}

static int subdir(struct posix *p, int at, const char *name, mode_t mode, int *ret_fd, struct err *err)
{
    if (mkdirat(at, name, mode) < 0 && errno != EEXIST)
        return err_set(err, -errno, "volume %s: %s/" PRIVATE_DIR ": %s cannot be made: %s", p->xl->name, p->directory, name,
                       strerror(errno));
    *ret_fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_set(err, -errno, "volume %s: %s/" PRIVATE_DIR ": %s cannot be opened: %s", p->xl->name, p->directory, name,
                       strerror(errno));
    return 0;
}

static int root_handle(struct posix *p, struct err *err)
{
    char name[HANDLE_NAME];
    struct stat a, b;
    handle_name(gfid_root, name);
    if (mkdirat(p->level1[0], "00", 0700) < 0 && errno != EEXIST)
        return err_set(err, -errno, "volume %s: %s/" PRIVATE_DIR "/00/00 cannot be made: %s", p->xl->name, p->directory, strerror(errno));
    if (symlinkat("../../..", p->level1[0], name) < 0 && errno != EEXIST)
        return err_set(err, -errno, "volume %s: %s: handle of the root cannot be made: %s", p->xl->name, p->directory, strerror(errno));
    if (fstatat(p->level1[0], name, &a, 0) < 0 || fstat(p->root_fd, &b) < 0)
        return err_set(err, -errno, "volume %s: %s: handle of the root: %s", p->xl->name, p->directory, strerror(errno));
    if (a.st_ino != b.st_ino || a.st_dev != b.st_dev)
        return err_set(err, -EINVAL, "volume %s: %s: handle of the root leads to another directory", p->xl->name, p->directory);
    return 0;
}

/* Files unlinked while open in a former life: nobody can have them open any more. */
static void empty_unlink_dir(struct posix *p)
{
    DIR *d = dir_again(p->unlink_fd);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        if (unlinkat(p->unlink_fd, e->d_name, 0) < 0)
            unlinkat(p->unlink_fd, e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

/* Very old releases had their landfill in the root. */
static void adopt_old_landfill(struct posix *p)
{
    struct stat st;
    gfid_t g;
    char text[GFID_TEXT];
    int fd = openat(p->root_fd, ".landfill", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0 && fd_gfid(fd, &g) == -ENODATA)
        renameat(p->root_fd, ".landfill", p->landfill_fd, gfid_text(gfid_random(), text));
    close(fd);
}

static int private_tree(struct posix *p, struct err *err)
{
    struct stat st;
    int r = subdir(p, p->root_fd, PRIVATE_DIR, 0700, &p->private_fd, err);
    if (r < 0)
        return r;
    if (fstat(p->private_fd, &st) < 0)
        return err_set(err, -errno, "volume %s: %s/" PRIVATE_DIR ": %s", p->xl->name, p->directory, strerror(errno));
    p->private_ino = st.st_ino;
    for (unsigned int i = 0; r == 0 && i < 256; i++) {
        char name[3];
        snprintf(name, sizeof(name), "%02x", i);
        r = subdir(p, p->private_fd, name, 0700, &p->level1[i], err);
    }
    if (r == 0)
        r = root_handle(p, err);
    if (r == 0)
        r = subdir(p, p->private_fd, "landfill", 0755, &p->landfill_fd, err);
    if (r == 0)
        r = subdir(p, p->private_fd, "unlink", 0600, &p->unlink_fd, err);
    return r;
}

int brick_start(struct posix *p, struct err *err)
{
    if (!p->directory)
        return err_set(err, -EINVAL, "volume %s: option directory is missing: it names the brick", p->xl->name);
    int r = open_root(p, err);
    if (r < 0)
        return r;
    umask(0); /* modes are used as they come */
    r = check_volume_id(p, err);
    if (r == 0)
        r = check_root_gfid(p, err);
    if (r < 0)
        return r;
    check_acl(p);
    raise_nofile(p);
    r = private_tree(p, err);
    if (r < 0)
        return r;
    adopt_old_landfill(p);
    empty_unlink_dir(p);
    space_look(p);
    return brick_owner(p, err);
}

int brick_owner(struct posix *p, struct err *err)
{
    struct stat st;
    if (fstat(p->root_fd, &st) < 0)
        return 0;
    bool other_uid = p->brick_uid != -1 && p->brick_uid != st.st_uid, other_gid = p->brick_gid != -1 && p->brick_gid != st.st_gid;
    if ((other_uid || other_gid) && fchown(p->root_fd, (uid_t)p->brick_uid, (gid_t)p->brick_gid) < 0)
        return err_set(err, -errno, "volume %s: %s: owner cannot be set: %s", p->xl->name, p->directory, strerror(errno));
    return 0;
}

void brick_stop(struct posix *p)
{
    int *fd[] = {&p->root_fd, &p->private_fd, &p->unlink_fd, &p->landfill_fd};
    for (unsigned int i = 0; i < array_len(fd); i++) {
        if (*fd[i] >= 0)
            close(*fd[i]);
        *fd[i] = -1;
    }
    for (unsigned int i = 0; i < 256; i++) {
        if (p->level1[i] >= 0)
            close(p->level1[i]);
        p->level1[i] = -1;
    }
}
