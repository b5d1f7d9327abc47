/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* way-mount.c: the way through a mount: system calls. */
#include "way.h"

#include <aio.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static char root[PATH_MAX];

static int fd_of(void *f) { return (int)(intptr_t)f - 1; }
static void *file_of(int fd) { return (void *)(intptr_t)(fd + 1); }

/* Several paths may be in use in one call. Relative ones go by the working directory. */
static const char *below(const char *path)
{
    static char texts[4][2 * PATH_MAX];
    static unsigned int next;
    char *text = texts[next++ % 4];

    if (path[0] != '/')
        return path;
    snprintf(text, sizeof texts[0], "%s%s", root, path);
    return text;
}

int way_begin(const char *where) { return realpath(where, root) ? 0 : -1; }
int way_end(void) { return chdir("/"); }

void *way_open(const char *path, int flags, mode_t mode) { return file_of(open(below(path), flags, mode)); }
int way_close(void *f) { return close(fd_of(f)); }
ssize_t way_read(void *f, void *to, size_t n) { return read(fd_of(f), to, n); }
ssize_t way_write(void *f, const void *from, size_t n) { return write(fd_of(f), from, n); }
ssize_t way_pread(void *f, void *to, size_t n, off_t at) { return pread(fd_of(f), to, n, at); }
ssize_t way_pwrite(void *f, const void *from, size_t n, off_t at) { return pwrite(fd_of(f), from, n, at); }
ssize_t way_preadv(void *f, const struct iovec *v, int nr, off_t at) { return preadv(fd_of(f), v, nr, at); }
ssize_t way_pwritev(void *f, const struct iovec *v, int nr, off_t at) { return pwritev(fd_of(f), v, nr, at); }
off_t way_lseek(void *f, off_t at, int whence) { return lseek(fd_of(f), at, whence); }
int way_fsync(void *f) { return fsync(fd_of(f)); }
int way_fdatasync(void *f) { return fdatasync(fd_of(f)); }
int way_ftruncate(void *f, off_t size) { return ftruncate(fd_of(f), size); }
int way_fallocate(void *f, bool keep_size, off_t at, off_t n) { return fallocate(fd_of(f), keep_size ? FALLOC_FL_KEEP_SIZE : 0, at, n); }
int way_discard(void *f, off_t at, off_t n) { return fallocate(fd_of(f), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, n); }
int way_zerofill(void *f, off_t at, off_t n) { return fallocate(fd_of(f), FALLOC_FL_ZERO_RANGE, at, n); }
ssize_t way_copy(void *from, off_t at, void *to, off_t to_at, size_t n)
{
    return copy_file_range(fd_of(from), &at, fd_of(to), &to_at, n, 0);
}
int way_fstat(void *f, struct stat *st) { return fstat(fd_of(f), st); }
int way_fchmod(void *f, mode_t mode) { return fchmod(fd_of(f), mode); }
int way_fchown(void *f, uid_t uid, gid_t gid) { return fchown(fd_of(f), uid, gid); }
int way_futimens(void *f, const struct timespec t[2]) { return futimens(fd_of(f), t); }
ssize_t way_fgetxattr(void *f, const char *name, void *to, size_t n) { return fgetxattr(fd_of(f), name, to, n); }
ssize_t way_flistxattr(void *f, char *to, size_t n) { return flistxattr(fd_of(f), to, n); }
int way_fsetxattr(void *f, const char *name, const void *value, size_t n, int flags) { return fsetxattr(fd_of(f), name, value, n, flags); }
int way_fremovexattr(void *f, const char *name) { return fremovexattr(fd_of(f), name); }

static ssize_t finished(struct aiocb *cb, int submitted)
{
    const struct aiocb *list[1] = {cb};

    if (submitted < 0)
        return -1;
    while (aio_error(cb) == EINPROGRESS)
        aio_suspend(list, 1, NULL);
    errno = aio_error(cb);
    return aio_return(cb);
}
ssize_t way_async_read(void *f, void *to, size_t n, off_t at)
{
    struct aiocb cb = {.aio_fildes = fd_of(f), .aio_buf = to, .aio_nbytes = n, .aio_offset = at};
    return finished(&cb, aio_read(&cb));
}
ssize_t way_async_write(void *f, const void *from, size_t n, off_t at)
{
    struct aiocb cb = {.aio_fildes = fd_of(f), .aio_buf = (void *)from, .aio_nbytes = n, .aio_offset = at};
    return finished(&cb, aio_write(&cb));
}
int way_async_fsync(void *f)
{
    struct aiocb cb = {.aio_fildes = fd_of(f)};
    return (int)finished(&cb, aio_fsync(O_SYNC, &cb));
}

/* Owner 1 is another process: one process's locks are one owner's. Its exit status carries errno, or the type. */
static int as_other(const char *path, int command, struct flock *lk, int *ret_type)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int fd = open(below(path), O_RDWR);
        if (fd < 0 || fcntl(fd, command, lk) < 0)
            _exit(64 + errno);
        _exit(lk->l_type);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    if (WEXITSTATUS(status) >= 64) {
        errno = WEXITSTATUS(status) - 64;
        return -1;
    }
    *ret_type = WEXITSTATUS(status);
    return 0;
}
int way_lock(void *f, const char *path, int owner, short type, off_t start, off_t n)
{
    struct flock lk = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = n};
    int ignored;
    return owner == 0 ? fcntl(fd_of(f), F_SETLK, &lk) : as_other(path, F_SETLK, &lk, &ignored);
}
short way_locked(void *f, const char *path, int owner, short type, off_t start, off_t n)
{
    struct flock lk = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = n};
    int other = -1;
    if (owner != 0)
        return as_other(path, F_GETLK, &lk, &other) < 0 ? -1 : (short)other;
    return fcntl(fd_of(f), F_GETLK, &lk) < 0 ? -1 : lk.l_type;
}

int way_stat(const char *path, struct stat *st) { return stat(below(path), st); }
int way_lstat(const char *path, struct stat *st) { return lstat(below(path), st); }
int way_access(const char *path, int mode) { return access(below(path), mode); }
int way_chmod(const char *path, mode_t mode) { return chmod(below(path), mode); }
int way_chown(const char *path, uid_t uid, gid_t gid) { return chown(below(path), uid, gid); }
int way_lchown(const char *path, uid_t uid, gid_t gid) { return lchown(below(path), uid, gid); }
int way_utimens(const char *path, const struct timespec t[2]) { return utimensat(AT_FDCWD, below(path), t, 0); }
int way_lutimens(const char *path, const struct timespec t[2]) { return utimensat(AT_FDCWD, below(path), t, AT_SYMLINK_NOFOLLOW); }
int way_truncate(const char *path, off_t size) { return truncate(below(path), size); }
int way_mkdir(const char *path, mode_t mode) { return mkdir(below(path), mode); }
int way_rmdir(const char *path) { return rmdir(below(path)); }
int way_unlink(const char *path) { return unlink(below(path)); }
int way_mknod(const char *path, mode_t mode, dev_t dev) { return mknod(below(path), mode, dev); }
int way_symlink(const char *to, const char *path) { return symlink(to, below(path)); }
ssize_t way_readlink(const char *path, char *to, size_t n) { return readlink(below(path), to, n); }
int way_link(const char *from, const char *to) { return link(below(from), below(to)); }
int way_rename(const char *from, const char *to) { return rename(below(from), below(to)); }
int way_statvfs(const char *path, struct statvfs *sv) { return statvfs(below(path), sv); }
ssize_t way_getxattr(const char *path, const char *name, void *to, size_t n) { return getxattr(below(path), name, to, n); }
ssize_t way_lgetxattr(const char *path, const char *name, void *to, size_t n) { return lgetxattr(below(path), name, to, n); }
ssize_t way_listxattr(const char *path, char *to, size_t n) { return listxattr(below(path), to, n); }
int way_setxattr(const char *path, const char *name, const void *value, size_t n, int flags)
{
    return setxattr(below(path), name, value, n, flags);
}
int way_lsetxattr(const char *path, const char *name, const void *value, size_t n, int flags)
{
    return lsetxattr(below(path), name, value, n, flags);
}
int way_removexattr(const char *path, const char *name) { return removexattr(below(path), name); }
int way_chdir(const char *path) { return chdir(below(path)); }
static char *without_root(char *path)
{
    size_t n = strlen(root);
    if (!path || strncmp(path, root, n) != 0)
        return NULL;
    memmove(path, path + n, strlen(path + n) + 1);
    return path;
}
char *way_getcwd(char *to, size_t n) { return without_root(getcwd(to, n)); }
char *way_realpath(const char *path, char *to) { return without_root(realpath(below(path), to)); }

void *way_opendir(const char *path) { return opendir(below(path)); }
const char *way_readdir(void *d)
{
    struct dirent *e = readdir(d);
    return e ? e->d_name : NULL;
}
long way_telldir(void *d) { return telldir(d); }
void way_seekdir(void *d, long where) { seekdir(d, where); }
int way_fsyncdir(void *d) { return fsync(dirfd(d)); }
int way_closedir(void *d) { return closedir(d); }
