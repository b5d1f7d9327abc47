/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* way-gfapi.c: the way through libgfapi. */
#include "way.h"

#include <dirent.h>
#include <errno.h>
#include <glusterfs/api/glfs.h>
#include <pthread.h>
#include <string.h>

static glfs_t *fs;

int way_begin(const char *where)
{
    fs = glfs_new("vol");
    return !fs || glfs_set_volfile(fs, where) < 0 || glfs_set_logging(fs, "/dev/stderr", 4) < 0 || glfs_init(fs) < 0 ? -1 : 0;
}
int way_end(void) { return glfs_fini(fs); }

void *way_open(const char *path, int flags, mode_t mode)
{
    return flags & O_CREAT ? glfs_creat(fs, path, flags, mode) : glfs_open(fs, path, flags);
}
int way_close(void *f) { return glfs_close(f); }
ssize_t way_read(void *f, void *to, size_t n) { return glfs_read(f, to, n, 0); }
ssize_t way_write(void *f, const void *from, size_t n) { return glfs_write(f, from, n, 0); }
ssize_t way_pread(void *f, void *to, size_t n, off_t at) { return glfs_pread(f, to, n, at, 0, NULL); }
ssize_t way_pwrite(void *f, const void *from, size_t n, off_t at) { return glfs_pwrite(f, from, n, at, 0, NULL, NULL); }
ssize_t way_preadv(void *f, const struct iovec *v, int nr, off_t at) { return glfs_preadv(f, v, nr, at, 0); }
ssize_t way_pwritev(void *f, const struct iovec *v, int nr, off_t at) { return glfs_pwritev(f, v, nr, at, 0); }
off_t way_lseek(void *f, off_t at, int whence) { return glfs_lseek(f, at, whence); }
int way_fsync(void *f) { return glfs_fsync(f, NULL, NULL); }
int way_fdatasync(void *f) { return glfs_fdatasync(f, NULL, NULL); }
int way_ftruncate(void *f, off_t size) { return glfs_ftruncate(f, size, NULL, NULL); }
int way_fallocate(void *f, bool keep_size, off_t at, off_t n) { return glfs_fallocate(f, keep_size, at, (size_t)n); }
int way_discard(void *f, off_t at, off_t n) { return glfs_discard(f, at, (size_t)n); }
int way_zerofill(void *f, off_t at, off_t n) { return glfs_zerofill(f, at, n); }
ssize_t way_copy(void *from, off_t at, void *to, off_t to_at, size_t n)
{
    off64_t in = at, out = to_at;
    return glfs_copy_file_range(from, &in, to, &out, n, 0, NULL, NULL, NULL);
}
int way_fstat(void *f, struct stat *st) { return glfs_fstat(f, st); }
int way_fchmod(void *f, mode_t mode) { return glfs_fchmod(f, mode); }
int way_fchown(void *f, uid_t uid, gid_t gid) { return glfs_fchown(f, uid, gid); }
int way_futimens(void *f, const struct timespec t[2]) { return glfs_futimens(f, t); }
ssize_t way_fgetxattr(void *f, const char *name, void *to, size_t n) { return glfs_fgetxattr(f, name, to, n); }
ssize_t way_flistxattr(void *f, char *to, size_t n) { return glfs_flistxattr(f, to, n); }
int way_fsetxattr(void *f, const char *name, const void *value, size_t n, int flags) { return glfs_fsetxattr(f, name, value, n, flags); }
int way_fremovexattr(void *f, const char *name) { return glfs_fremovexattr(f, name); }

struct wait {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
    ssize_t ret;
    int err;
};
#define WAIT {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER}

static void called_back(glfs_fd_t *f, ssize_t ret, struct glfs_stat *before, struct glfs_stat *after, void *ctx)
{
    struct wait *w = ctx;
    int err = errno;

    pthread_mutex_lock(&w->lock);
    w->ret = ret, w->err = err, w->is_done = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}
static ssize_t finished(struct wait *w, int submitted)
{
    if (submitted < 0)
        return -1;
    pthread_mutex_lock(&w->lock);
    while (!w->is_done)
        pthread_cond_wait(&w->done, &w->lock);
    pthread_mutex_unlock(&w->lock);
    errno = w->err;
    return w->ret;
}
ssize_t way_async_read(void *f, void *to, size_t n, off_t at)
{
    struct wait w = WAIT;
    return finished(&w, glfs_pread_async(f, to, n, at, 0, called_back, &w));
}
ssize_t way_async_write(void *f, const void *from, size_t n, off_t at)
{
    struct wait w = WAIT;
    return finished(&w, glfs_pwrite_async(f, from, (int)n, at, 0, called_back, &w));
}
int way_async_fsync(void *f)
{
    struct wait w = WAIT;
    return (int)finished(&w, glfs_fsync_async(f, called_back, &w));
}

/* The owner belongs to the open file here: owner 1 has one of its own, and gives its lock back with it. */
static void *owned(void *f, const char *path, int owner)
{
    char name[] = "owner-0";

    if (owner != 0 && !(f = glfs_open(fs, path, O_RDWR)))
        return NULL;
    name[6] = (char)('0' + owner);
    glfs_fd_set_lkowner(f, name, sizeof name);
    return f;
}
static void give_back(void *g, int owner)
{
    int err = errno;

    if (owner != 0 && g)
        glfs_close(g);
    errno = err;
}
int way_lock(void *f, const char *path, int owner, short type, off_t start, off_t n)
{
    struct flock lk = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = n};
    void *g = owned(f, path, owner);
    int r = g ? glfs_posix_lock(g, F_SETLK, &lk) : -1;
    give_back(g, owner);
    return r;
}
short way_locked(void *f, const char *path, int owner, short type, off_t start, off_t n)
{
    struct flock lk = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = n};
    void *g = owned(f, path, owner);
    int r = g ? glfs_posix_lock(g, F_GETLK, &lk) : -1;
    give_back(g, owner);
    return r < 0 ? -1 : lk.l_type;
}

int way_stat(const char *path, struct stat *st) { return glfs_stat(fs, path, st); }
int way_lstat(const char *path, struct stat *st) { return glfs_lstat(fs, path, st); }
int way_access(const char *path, int mode) { return glfs_access(fs, path, mode); }
int way_chmod(const char *path, mode_t mode) { return glfs_chmod(fs, path, mode); }
int way_chown(const char *path, uid_t uid, gid_t gid) { return glfs_chown(fs, path, uid, gid); }
int way_lchown(const char *path, uid_t uid, gid_t gid) { return glfs_lchown(fs, path, uid, gid); }
int way_utimens(const char *path, const struct timespec t[2]) { return glfs_utimens(fs, path, t); }
int way_lutimens(const char *path, const struct timespec t[2]) { return glfs_lutimens(fs, path, t); }
int way_truncate(const char *path, off_t size) { return glfs_truncate(fs, path, size); }
int way_mkdir(const char *path, mode_t mode) { return glfs_mkdir(fs, path, mode); }
int way_rmdir(const char *path) { return glfs_rmdir(fs, path); }
int way_unlink(const char *path) { return glfs_unlink(fs, path); }
int way_mknod(const char *path, mode_t mode, dev_t dev) { return glfs_mknod(fs, path, mode, dev); }
int way_symlink(const char *to, const char *path) { return glfs_symlink(fs, to, path); }
ssize_t way_readlink(const char *path, char *to, size_t n) { return glfs_readlink(fs, path, to, n); }
int way_link(const char *from, const char *to) { return glfs_link(fs, from, to); }
int way_rename(const char *from, const char *to) { return glfs_rename(fs, from, to); }
int way_statvfs(const char *path, struct statvfs *sv) { return glfs_statvfs(fs, path, sv); }
ssize_t way_getxattr(const char *path, const char *name, void *to, size_t n) { return glfs_getxattr(fs, path, name, to, n); }
ssize_t way_lgetxattr(const char *path, const char *name, void *to, size_t n) { return glfs_lgetxattr(fs, path, name, to, n); }
ssize_t way_listxattr(const char *path, char *to, size_t n) { return glfs_listxattr(fs, path, to, n); }
int way_setxattr(const char *path, const char *name, const void *value, size_t n, int flags)
{
    return glfs_setxattr(fs, path, name, value, n, flags);
}
int way_lsetxattr(const char *path, const char *name, const void *value, size_t n, int flags)
{
    return glfs_lsetxattr(fs, path, name, value, n, flags);
}
int way_removexattr(const char *path, const char *name) { return glfs_removexattr(fs, path, name); }
int way_chdir(const char *path) { return glfs_chdir(fs, path); }
char *way_getcwd(char *to, size_t n) { return glfs_getcwd(fs, to, n); }
char *way_realpath(const char *path, char *to) { return glfs_realpath(fs, path, to); }

void *way_opendir(const char *path) { return glfs_opendir(fs, path); }
const char *way_readdir(void *d)
{
    struct dirent *e = glfs_readdir(d);
    return e ? e->d_name : NULL;
}
long way_telldir(void *d) { return glfs_telldir(d); }
void way_seekdir(void *d, long where) { glfs_seekdir(d, where); }
int way_fsyncdir(void *d) { return glfs_fsync(d, NULL, NULL); }
int way_closedir(void *d) { return glfs_closedir(d); }
