/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* store.c: the indices on disk. An entry is a hard link: adding one writes no inode of its own, and an unclean end leaves nothing
 * half made. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "index.h"

const char *const index_names[NR_INDICES] = {"xattrop", "dirty", "entry-changes"};

bool store_is_base(const char *name)
{
    for (int k = 0; k < NR_INDICES; k++) {
        size_t len = strlen(index_names[k]);

        if (strncmp(name, index_names[k], len) == 0 && name[len] == '-')
            return true;
    }
    return false;
}

static int open_dir(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* Made when it is not there; 0600 like stock's. */
static int make_dir(int at, const char *name)
{
    int fd = open_dir(at, name);

    if (fd != -ENOENT)
        return fd;
    if (mkdirat(at, name, 0600) < 0 && errno != EEXIST)
        return -errno;
    return open_dir(at, name);
}

/* ---- adding: d->lock is held ------------------------------------------------------------------------------------------------------ */

static int make_base_locked(struct index_dir *d, enum index_kind kind)
{
    char uuid[GFID_TEXT];
    int fd;

    snprintf(d->base, sizeof(d->base), "%s-%s", index_names[kind], gfid_text(gfid_random(), uuid));
    fd = openat(d->fd, d->base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    close(fd);
    d->has_base = true;
    return 0;
}

/* Somebody took the directory away: from here on the new one. */
static int reopen_locked(struct index *ix, enum index_kind kind)
{
    struct index_dir *d = &ix->dir[kind];
    int fd = make_dir(ix->base_fd, index_names[kind]);

    if (fd < 0)
        return fd;
    close(d->fd);
    d->fd = fd;
    d->has_base = false;
    return 0;
}

/* 1: added; 0: it was there. to: the kind's directory, or the one of it that `sub` names. */
static int link_locked(struct index *ix, enum index_kind kind, const char *sub, const char *name)
{
    struct index_dir *d = &ix->dir[kind];
    int r = 0;

    for (int tries = 0; tries < 4; tries++) {
        r = d->has_base ? 0 : make_base_locked(d, kind);
        if (r == -ENOENT) {
            if ((r = reopen_locked(ix, kind)) < 0)
                return r;
            continue;
        }
        int to = r < 0 ? r : sub ? make_dir(d->fd, sub) : d->fd;
        if (to < 0)
            return to;
        r = linkat(d->fd, d->base, to, name, 0) < 0 ? -errno : 1;
        if (sub)
            close(to);
        if (r == -EEXIST)
            return 0;
        if (r != -EMLINK && r != -ENOENT)
            return r;
        d->has_base = false; /* it is full, or gone */
    }
    return r;
}

int store_add(struct index *ix, enum index_kind kind, gfid_t gfid)
{
    struct index_dir *d = &ix->dir[kind];
    char name[GFID_TEXT];
    SCOPED_LOCK(&d->lock);
    int r = link_locked(ix, kind, NULL, gfid_text(gfid, name));

    if (r > 0)
        atomic_fetch_add_explicit(&d->count, 1, memory_order_relaxed);
    return min_of(r, 0);
}

int store_add_name(struct index *ix, gfid_t dir, const char *name)
{
    char sub[GFID_TEXT];
    SCOPED_LOCK(&ix->dir[INDEX_ENTRIES].lock);

    return min_of(link_locked(ix, INDEX_ENTRIES, gfid_text(dir, sub), name), 0);
}

/* ---- removing ----------------------------------------------------------------------------------------------------------------------- */

int store_remove(struct index *ix, enum index_kind kind, const char *name)
{
    struct index_dir *d = &ix->dir[kind];
    SCOPED_LOCK(&d->lock);

    if (store_is_base(name))
        return -ENOENT;
    if (unlinkat(d->fd, name, 0) < 0)
        return -errno;
    if (atomic_load_explicit(&d->count, memory_order_relaxed) > 0)
        atomic_fetch_sub_explicit(&d->count, 1, memory_order_relaxed);
    return 0;
}

int store_remove_name(struct index *ix, gfid_t dir, const char *name)
{
    char sub[GFID_TEXT];
    SCOPED_LOCK(&ix->dir[INDEX_ENTRIES].lock);
    int fd = open_dir(ix->dir[INDEX_ENTRIES].fd, gfid_text(dir, sub));

    if (fd < 0)
        return fd;
    int r = unlinkat(fd, name, 0) < 0 ? -errno : 0;
    close(fd);
    return r;
}

int store_remove_dir(struct index *ix, const char *name)
{
    SCOPED_LOCK(&ix->dir[INDEX_ENTRIES].lock);

    return unlinkat(ix->dir[INDEX_ENTRIES].fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static void unlink_all(int dir_fd)
{
    DIR *dir = fdopendir(dir_fd);
    struct dirent *e;

    if (!dir) {
        close(dir_fd);
        return;
    }
    while ((e = readdir(dir)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dir_fd, e->d_name, 0);
    closedir(dir);
}

/* It first gets the name of an object that does not exist, so that names can be added anew meanwhile. An end in between leaves a
 * directory of which the heal daemon finds no object, and wipes it. */
int store_wipe_dir(struct index *ix, const char *name)
{
    char aside[GFID_TEXT];
    int r = store_remove_dir(ix, name), fd;

    if (r != -ENOTEMPTY && r != -EEXIST)
        return r;
    gfid_text(gfid_random(), aside);
    {
        struct index_dir *d = &ix->dir[INDEX_ENTRIES];
        SCOPED_LOCK(&d->lock);
        if (renameat(d->fd, name, d->fd, aside) < 0)
            return -errno;
        fd = open_dir(d->fd, aside);
    }
    if (fd < 0)
        return fd;
    unlink_all(fd);
    return store_remove_dir(ix, aside);
}

/* ---- looking ------------------------------------------------------------------------------------------------------------------------ */

int store_dir(struct index *ix, enum index_kind kind, const gfid_t *sub)
{
    char text[GFID_TEXT];
    SCOPED_LOCK(&ix->dir[kind].lock);

    return open_dir(ix->dir[kind].fd, sub ? gfid_text(*sub, text) : ".");
}

int store_stat(struct index *ix, enum index_kind kind, const gfid_t *sub, const char *name, struct stat *ret)
{
    int fd = store_dir(ix, kind, sub);

    if (fd < 0)
        return fd;
    int r = (name ? fstatat(fd, name, ret, AT_SYMLINK_NOFOLLOW) : fstat(fd, ret)) < 0 ? -errno : 0;
    close(fd);
    return r;
}

bool store_is_entry(struct index *ix, enum index_kind kind, int dir_fd, const char *name)
{
    struct index_dir *d = &ix->dir[kind];
    struct stat st;

    if (!store_is_base(name))
        return true;
    SCOPED_LOCK(&d->lock);
    if (!(d->has_base && strcmp(name, d->base) == 0) && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_nlink == 1)
        unlinkat(dir_fd, name, 0);
    return false;
}

static int count_locked(struct index *ix, enum index_kind kind)
{
    struct index_dir *d = &ix->dir[kind];
    uint64_t n = 0;
    int fd = open_dir(d->fd, ".");
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *e;

    if (!dir) {
        int r = fd < 0 ? fd : -errno;
        if (fd >= 0)
            close(fd);
        return r;
    }
    while ((e = readdir(dir)))
        n += e->d_name[0] != '.' && !store_is_base(e->d_name);
    closedir(dir);
    atomic_store_explicit(&d->count, n, memory_order_relaxed);
    return 0;
}

int store_count(struct index *ix, enum index_kind kind, uint64_t *ret)
{
    SCOPED_LOCK(&ix->dir[kind].lock);
    int r = count_locked(ix, kind);

    if (r == 0)
        *ret = atomic_load_explicit(&ix->dir[kind].count, memory_order_relaxed);
    return r;
}

/* ---- life --------------------------------------------------------------------------------------------------------------------------- */

int store_open(struct index *ix, struct err *err)
{
    const char *name = ix->xl->name;
    int r;

    if (mkdir(ix->base_path, 0600) < 0 && errno != EEXIST) {
        r = -errno;
        return err_set(err, r, "volume %s: cannot make the directory %s: %s", name, ix->base_path, strerror(-r));
    }
    ix->base_fd = open_dir(AT_FDCWD, ix->base_path);
    if (ix->base_fd < 0)
        return err_set(err, ix->base_fd, "volume %s: cannot open the directory %s: %s", name, ix->base_path, strerror(-ix->base_fd));
    for (int k = 0; k < NR_INDICES; k++) {
        ix->dir[k].fd = make_dir(ix->base_fd, index_names[k]);
        r = ix->dir[k].fd < 0 ? ix->dir[k].fd : count_locked(ix, k);
        if (r < 0)
            return err_set(err, r, "volume %s: cannot make the directory %s/%s: %s", name, ix->base_path, index_names[k], strerror(-r));
    }
    return 0;
}

void store_close(struct index *ix)
{
    for (int k = 0; k < NR_INDICES; k++)
        if (ix->dir[k].fd >= 0)
            close(ix->dir[k].fd);
    if (ix->base_fd >= 0)
        close(ix->base_fd);
}
