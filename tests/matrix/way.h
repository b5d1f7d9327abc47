/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* way.h: a way into a volume: the calls of a mount, or libgfapi's, under one name each, so that the same checks go through both.
 *
 * Calls return what the system call of the name returns, and set errno. A file is a pointer; NULL: it could not be opened. Paths begin at
 * the volume's root. checks.c uses it, way-mount.c and way-gfapi.c are it. */
#ifndef TESTS_MATRIX_WAY_H
#define TESTS_MATRIX_WAY_H

#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

int way_begin(const char *where); /* a mount point; a volume file */
int way_end(void);

void *way_open(const char *path, int flags, mode_t mode);
int way_close(void *f);
ssize_t way_read(void *f, void *to, size_t n);
ssize_t way_write(void *f, const void *from, size_t n);
ssize_t way_pread(void *f, void *to, size_t n, off_t at);
ssize_t way_pwrite(void *f, const void *from, size_t n, off_t at);
ssize_t way_preadv(void *f, const struct iovec *v, int nr, off_t at);
ssize_t way_pwritev(void *f, const struct iovec *v, int nr, off_t at);
off_t way_lseek(void *f, off_t at, int whence); /* SEEK_DATA and SEEK_HOLE, too */
int way_fsync(void *f);
int way_fdatasync(void *f);
int way_ftruncate(void *f, off_t size);
int way_fallocate(void *f, bool keep_size, off_t at, off_t n);
int way_discard(void *f, off_t at, off_t n);
int way_zerofill(void *f, off_t at, off_t n);
ssize_t way_copy(void *from, off_t at, void *to, off_t to_at, size_t n);
int way_fstat(void *f, struct stat *st);
int way_fchmod(void *f, mode_t mode);
int way_fchown(void *f, uid_t uid, gid_t gid);
int way_futimens(void *f, const struct timespec t[2]);
ssize_t way_fgetxattr(void *f, const char *name, void *to, size_t n);
ssize_t way_flistxattr(void *f, char *to, size_t n);
int way_fsetxattr(void *f, const char *name, const void *value, size_t n, int flags);
int way_fremovexattr(void *f, const char *name);
/* One asynchronous call, waited for. */
ssize_t way_async_read(void *f, void *to, size_t n, off_t at);
ssize_t way_async_write(void *f, const void *from, size_t n, off_t at);
int way_async_fsync(void *f);
/* A lock on [start, start + n) as owner 0 or 1; type F_RDLCK, F_WRLCK, F_UNLCK. Owner 1 may be one that gives everything back at once. */
int way_lock(void *f, const char *path, int owner, short type, off_t start, off_t n);
short way_locked(void *f, const char *path, int owner, short type, off_t start, off_t n); /* F_GETLK's answer; -1: it failed */

int way_stat(const char *path, struct stat *st);
int way_lstat(const char *path, struct stat *st);
int way_access(const char *path, int mode);
int way_chmod(const char *path, mode_t mode);
int way_chown(const char *path, uid_t uid, gid_t gid);
int way_lchown(const char *path, uid_t uid, gid_t gid);
int way_utimens(const char *path, const struct timespec t[2]);
int way_lutimens(const char *path, const struct timespec t[2]);
int way_truncate(const char *path, off_t size);
int way_mkdir(const char *path, mode_t mode);
int way_rmdir(const char *path);
int way_unlink(const char *path);
int way_mknod(const char *path, mode_t mode, dev_t dev);
int way_symlink(const char *to, const char *path);
ssize_t way_readlink(const char *path, char *to, size_t n);
int way_link(const char *from, const char *to);
int way_rename(const char *from, const char *to);
int way_statvfs(const char *path, struct statvfs *sv);
ssize_t way_getxattr(const char *path, const char *name, void *to, size_t n);
ssize_t way_lgetxattr(const char *path, const char *name, void *to, size_t n);
ssize_t way_listxattr(const char *path, char *to, size_t n);
int way_setxattr(const char *path, const char *name, const void *value, size_t n, int flags);
int way_lsetxattr(const char *path, const char *name, const void *value, size_t n, int flags);
int way_removexattr(const char *path, const char *name);
int way_chdir(const char *path);
char *way_getcwd(char *to, size_t n); /* below the root */
char *way_realpath(const char *path, char *to);

void *way_opendir(const char *path);
const char *way_readdir(void *d);     /* NULL: the end */
long way_telldir(void *d);
void way_seekdir(void *d, long where);
int way_fsyncdir(void *d);
int way_closedir(void *d);

#endif
