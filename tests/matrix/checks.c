/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* checks.c: the functional test of a way into a volume: every operation that a mount or libgfapi can ask for, with what it must give.
 *
 *   checks-mount MOUNTPOINT [kept] | checks-gfapi VOLUME-FILE
 *
 * kept: a range that is to be zeroed may keep its bytes, as it does through stock's mount (doc/facts.md). One line for each group; then "N
 * checks". It works in the folder /checks, which must not be there, and removes it again. Exit status 1 if one failed, with a line that
 * says which. */
#include "way.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TOP "/checks"
enum { BIG = 1 << 20 };
static char data[BIG], back[BIG];
static unsigned int done, failed;
static bool kept;

static void checked(const char *file, int line, const char *what, bool good, long got, int err)
{
    (void)file;
    done++;
    if (!good) {
        failed++;
        printf("FAILED line %d: %s: %ld, %s\n", line, what, got, strerror(err));
    }
}
/* The call gives exactly this; it succeeds; it fails with this errno; the condition holds. */
#define IS(call, want)                                                                                                 \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long is_ = (long)(call);                                                                                       \
        checked(__FILE__, __LINE__, #call, is_ == (long)(want), is_, errno);                                           \
    } while (0)
#define OK(call) IS(call, 0)
#define FAILS(call, want)                                                                                              \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long is_ = (long)(call);                                                                                       \
        checked(__FILE__, __LINE__, #call " fails", is_ < 0 && errno == (want), is_, errno);                           \
    } while (0)
#define TRUE(cond) checked(__FILE__, __LINE__, #cond, (cond), 0, 0)

static void *must_open(const char *path, int flags, mode_t mode)
{
    void *f = way_open(path, flags, mode);

    if (!f) {
        printf("FAILED: %s cannot be opened: %s\n", path, strerror(errno));
        exit(1);
    }
    done++;
    return f;
}

static bool is_zero(const char *p, size_t n)
{
    while (n && !*p)
        p++, n--;
    return n == 0;
}

static void reading_and_writing(void)
{
    struct iovec to[2] = {{back, 500}, {back + 500, 3500}}, from[2] = {{data, 1000}, {data + 1000, 3000}};
    void *f = must_open(TOP "/f", O_CREAT | O_EXCL | O_RDWR, 0640), *g;
    struct stat st;

    IS(way_pwrite(f, data, BIG, 0), BIG);
    IS(way_pread(f, back, BIG, 0), BIG);
    TRUE(memcmp(data, back, BIG) == 0);
    IS(way_pread(f, back, 100, BIG - 40), 40);
    IS(way_pread(f, back, 100, BIG), 0);
    IS(way_pread(f, back, 100, BIG + 4096), 0);
    IS(way_lseek(f, 4096, SEEK_SET), 4096);
    IS(way_write(f, "here", 4), 4);
    IS(way_lseek(f, -4, SEEK_CUR), 4096);
    IS(way_read(f, back, 4), 4);
    TRUE(memcmp(back, "here", 4) == 0);
    IS(way_lseek(f, -1, SEEK_END), BIG - 1);
    IS(way_pwritev(f, from, 2, 8192), 4000);
    memset(back, 0, sizeof back);
    IS(way_preadv(f, to, 2, 8192), 4000);
    TRUE(memcmp(data, back, 4000) == 0);
    IS(way_async_write(f, data + 5, 5000, 100), 5000);
    IS(way_async_read(f, back, 5000, 100), 5000);
    TRUE(memcmp(data + 5, back, 5000) == 0);
    OK(way_async_fsync(f));
    OK(way_fsync(f));
    OK(way_fdatasync(f));
    OK(way_fstat(f, &st));
    TRUE(S_ISREG(st.st_mode) && st.st_size == BIG && (st.st_mode & 07777) == 0640 && st.st_nlink == 1);
    g = must_open(TOP "/f", O_RDONLY, 0);
    IS(way_pread(g, back, 100, 200), 100);
    TRUE(memcmp(back, data + 105, 100) == 0);
    OK(way_close(g));
    OK(way_close(f));

    f = must_open(TOP "/log", O_CREAT | O_WRONLY | O_APPEND, 0644);
    g = must_open(TOP "/log", O_RDWR | O_APPEND, 0);
    IS(way_write(f, "one ", 4), 4);
    IS(way_write(g, "two ", 4), 4);
    IS(way_write(f, "three", 5), 5);
    IS(way_pread(g, back, 100, 0), 13);
    TRUE(memcmp(back, "one two three", 13) == 0);
    OK(way_close(f));
    OK(way_close(g));
    f = must_open(TOP "/log", O_WRONLY | O_TRUNC, 0);
    OK(way_fstat(f, &st));
    IS(st.st_size, 0);
    OK(way_close(f));

    void *direct = way_open(TOP "/direct", O_CREAT | O_RDWR | O_DIRECT, 0644);
    void *block = NULL;
    TRUE(direct && posix_memalign(&block, 4096, 65536) == 0);
    if (direct && block) {
        memcpy(block, data, 65536);
        IS(way_pwrite(direct, block, 65536, 4096), 65536);
        memset(block, 0, 65536);
        IS(way_pread(direct, block, 65536, 4096), 65536);
        TRUE(memcmp(block, data, 65536) == 0);
        OK(way_close(direct));
    }
    free(block);
    OK(way_unlink(TOP "/direct"));
    f = must_open(TOP "/sync", O_CREAT | O_WRONLY | O_SYNC, 0644);
    IS(way_write(f, data, 10000), 10000);
    OK(way_close(f));
    OK(way_unlink(TOP "/sync"));
    FAILS(way_open(TOP "/f", O_CREAT | O_EXCL | O_RDWR, 0644) ? 0 : -1, EEXIST);
    FAILS(way_open(TOP "/none", O_RDONLY, 0) ? 0 : -1, ENOENT);
    FAILS(way_open(TOP, O_WRONLY, 0) ? 0 : -1, EISDIR);
    FAILS(way_open(TOP "/f/below", O_RDONLY, 0) ? 0 : -1, ENOTDIR);
}

static void sizes_and_holes(void)
{
    void *f = must_open(TOP "/f", O_RDWR, 0), *g;
    struct stat st;

    OK(way_ftruncate(f, 65536));
    OK(way_fstat(f, &st));
    IS(st.st_size, 65536);
    OK(way_truncate(TOP "/f", 1 << 17));
    OK(way_stat(TOP "/f", &st));
    IS(st.st_size, 1 << 17);
    IS(way_pread(f, back, 65536, 65536), 65536);
    TRUE(is_zero(back, 65536));
    FAILS(way_ftruncate(f, -1), EINVAL);
    OK(way_fallocate(f, false, 1 << 17, 4096));
    OK(way_fstat(f, &st));
    IS(st.st_size, (1 << 17) + 4096);
    OK(way_fallocate(f, true, 1 << 20, 4096));
    OK(way_fstat(f, &st));
    IS(st.st_size, (1 << 17) + 4096);
    OK(way_discard(f, 8192, 4096));
    OK(way_zerofill(f, 16384, 4096));
    OK(way_close(f)); /* a kernel may keep the pages of an open file over this */
    f = must_open(TOP "/f", O_RDWR, 0);
    IS(way_pread(f, back, 4096, 8192), 4096);
    TRUE(is_zero(back, 4096));
    IS(way_pread(f, back, 4096, 16384), 4096);
    TRUE(kept || is_zero(back, 4096));
    IS(way_pread(f, back, 100, 12288), 100);
    TRUE(memcmp(back, data + 12288, 100) == 0 || !is_zero(back, 100));
    OK(way_close(f));

    f = must_open(TOP "/sparse", O_CREAT | O_RDWR, 0644);
    IS(way_pwrite(f, data, 4096, 1 << 20), 4096);
    OK(way_fsync(f));
    IS(way_lseek(f, 0, SEEK_DATA), 1 << 20);
    IS(way_lseek(f, 0, SEEK_HOLE), 0);
    IS(way_lseek(f, 1 << 20, SEEK_HOLE), (1 << 20) + 4096);
    FAILS(way_lseek(f, 1 << 21, SEEK_DATA), ENXIO);
    OK(way_fstat(f, &st));
    TRUE(st.st_blocks * 512 < 1 << 20);
    g = must_open(TOP "/copied", O_CREAT | O_RDWR, 0644);
    IS(way_pwrite(f, data, 8192, 0), 8192);
    OK(way_fsync(f));
    IS(way_copy(f, 0, g, 0, 8192), 8192);
    IS(way_pread(g, back, 8192, 0), 8192);
    TRUE(memcmp(back, data, 8192) == 0);
    OK(way_close(g));
    OK(way_close(f));
    OK(way_unlink(TOP "/sparse"));
    OK(way_unlink(TOP "/copied"));
}

static void attributes(void)
{
    const struct timespec t[2] = {{1500000000, 5}, {1600000000, 7}}, later[2] = {{1500000001, 0}, {1700000000, 0}};
    void *f = must_open(TOP "/f", O_RDWR, 0);
    struct statvfs sv;
    struct stat st;

    OK(way_fchmod(f, 0600));
    OK(way_fchown(f, 2, 3));
    OK(way_futimens(f, t));
    OK(way_fstat(f, &st));
    TRUE((st.st_mode & 07777) == 0600);
    TRUE(st.st_uid == 2 && st.st_gid == 3);
    TRUE(st.st_atim.tv_sec == 1500000000 && st.st_mtim.tv_sec == 1600000000 && st.st_mtim.tv_nsec == 7);
    OK(way_close(f));
    OK(way_chmod(TOP "/f", 02755));
    OK(way_chown(TOP "/f", 4, 5));
    OK(way_chmod(TOP "/f", 02755));
    OK(way_utimens(TOP "/f", later));
    OK(way_stat(TOP "/f", &st));
    TRUE((st.st_mode & 07777) == 02755 && st.st_uid == 4 && st.st_gid == 5);
    TRUE(st.st_mtim.tv_sec == 1700000000 && st.st_atim.tv_sec == 1500000001);
    OK(way_symlink("f", TOP "/soft"));
    OK(way_lchown(TOP "/soft", 6, 7));
    OK(way_lutimens(TOP "/soft", t));
    OK(way_lstat(TOP "/soft", &st));
    TRUE(S_ISLNK(st.st_mode) && st.st_uid == 6 && st.st_mtim.tv_sec == 1600000000 && st.st_size == 1);
    OK(way_stat(TOP "/soft", &st));
    TRUE(S_ISREG(st.st_mode) && st.st_uid == 4);
    OK(way_unlink(TOP "/soft"));
    OK(way_chown(TOP "/f", 0, 0));
    OK(way_chmod(TOP "/f", 0644));
    OK(way_access(TOP "/f", R_OK | W_OK));
    FAILS(way_access(TOP "/none", F_OK), ENOENT);
    FAILS(way_chmod(TOP "/none", 0600), ENOENT);
    OK(way_statvfs(TOP, &sv));
    TRUE(sv.f_blocks > 0 && sv.f_bavail <= sv.f_blocks && sv.f_namemax == 255);
}

static bool in_list(const char *list, ssize_t n, const char *name)
{
    for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
        if (strcmp(list + at, name) == 0)
            return true;
    return false;
}

static void extended_attributes(void)
{
    void *f = must_open(TOP "/f", O_RDWR, 0);
    static char value[40000], list[65536];
    ssize_t n;

    OK(way_setxattr(TOP "/f", "user.one", "1", 1, XATTR_CREATE));
    FAILS(way_setxattr(TOP "/f", "user.one", "1", 1, XATTR_CREATE), EEXIST);
    FAILS(way_setxattr(TOP "/f", "user.two", "2", 1, XATTR_REPLACE), ENODATA);
    OK(way_setxattr(TOP "/f", "user.one", "uno", 3, XATTR_REPLACE));
    IS(way_getxattr(TOP "/f", "user.one", value, sizeof value), 3);
    TRUE(memcmp(value, "uno", 3) == 0);
    IS(way_getxattr(TOP "/f", "user.one", NULL, 0), 3);
    FAILS(way_getxattr(TOP "/f", "user.one", value, 2), ERANGE);
    FAILS(way_getxattr(TOP "/f", "user.none", value, sizeof value), ENODATA);
    OK(way_lsetxattr(TOP "/f", "user.empty", "", 0, 0));
    IS(way_lgetxattr(TOP "/f", "user.empty", value, sizeof value), 0);
    OK(way_fsetxattr(f, "user.big", data, 3000, 0));
    IS(way_fgetxattr(f, "user.big", value, sizeof value), 3000);
    TRUE(memcmp(value, data, 3000) == 0);
    n = way_listxattr(TOP "/f", list, sizeof list);
    TRUE(n > 0 && in_list(list, n, "user.one") && in_list(list, n, "user.empty") && in_list(list, n, "user.big"));
    n = way_flistxattr(f, list, sizeof list);
    TRUE(n > 0 && in_list(list, n, "user.one"));
    OK(way_removexattr(TOP "/f", "user.one"));
    FAILS(way_removexattr(TOP "/f", "user.one"), ENODATA);
    OK(way_fremovexattr(f, "user.big"));
    OK(way_removexattr(TOP "/f", "user.empty"));
    OK(way_setxattr(TOP, "user.folder", "too", 3, 0));
    IS(way_getxattr(TOP, "user.folder", value, sizeof value), 3);
    n = way_getxattr(TOP "/f", "trusted.glusterfs.pathinfo", value, sizeof value - 1);
    TRUE(n > 0);
    value[n > 0 ? n : 0] = '\0';
    TRUE(strstr(value, "POSIX") && strstr(value, "checks/f"));
    OK(way_close(f));
}

/* A cache may believe in the number of links for a second after another of its names was replaced. */
static bool soon_one_link(const char *path)
{
    struct stat st = {.st_nlink = 0};

    for (int tries = 0; tries < 500 && way_stat(path, &st) == 0 && st.st_nlink != 1; tries++)
        usleep(10000);
    return st.st_nlink == 1;
}

static void names(void)
{
    char text[PATH_MAX], longest[NAME_MAX + 1], path[PATH_MAX];
    struct stat st, other;
    void *f;

    OK(way_mkdir(TOP "/dir", 0755));
    FAILS(way_mkdir(TOP "/dir", 0755), EEXIST);
    OK(way_mkdir(TOP "/dir/sub", 01777));
    OK(way_stat(TOP "/dir", &st));
    TRUE(S_ISDIR(st.st_mode) && st.st_nlink >= 2);
    OK(way_symlink("../f", TOP "/dir/link"));
    IS(way_readlink(TOP "/dir/link", text, sizeof text), 4);
    TRUE(memcmp(text, "../f", 4) == 0);
    FAILS(way_readlink(TOP "/f", text, sizeof text), EINVAL);
    OK(way_stat(TOP "/dir/link", &st));
    TRUE(S_ISREG(st.st_mode));
    OK(way_symlink("loop", TOP "/loop"));
    FAILS(way_stat(TOP "/loop", &st), ELOOP);
    OK(way_unlink(TOP "/loop"));
    OK(way_link(TOP "/f", TOP "/dir/hard"));
    FAILS(way_link(TOP "/f", TOP "/dir/hard"), EEXIST);
    OK(way_stat(TOP "/dir/hard", &st));
    OK(way_stat(TOP "/f", &other));
    TRUE(st.st_ino == other.st_ino && st.st_nlink == 2);
    OK(way_mknod(TOP "/fifo", S_IFIFO | 0640, 0));
    OK(way_mknod(TOP "/device", S_IFCHR | 0600, 0x103));
    OK(way_lstat(TOP "/device", &st));
    TRUE(S_ISCHR(st.st_mode) && st.st_rdev == 0x103);
    OK(way_mknod(TOP "/socket", S_IFSOCK | 0600, 0));
    OK(way_mknod(TOP "/plain", S_IFREG | 0600, 0));
    OK(way_rename(TOP "/plain", TOP "/dir/plain"));
    FAILS(way_stat(TOP "/plain", &st), ENOENT);
    OK(way_rename(TOP "/dir/plain", TOP "/dir/hard")); /* over another: that loses a name */
    TRUE(soon_one_link(TOP "/f"));
    FAILS(way_rename(TOP "/none", TOP "/dir/x"), ENOENT);
    FAILS(way_rename(TOP "/dir", TOP "/dir/sub/dir"), EINVAL);
    FAILS(way_rename(TOP "/dir/hard", TOP "/dir/sub"), EISDIR);
    FAILS(way_rmdir(TOP "/dir"), ENOTEMPTY);
    FAILS(way_rmdir(TOP "/f"), ENOTDIR);
    FAILS(way_unlink(TOP "/dir"), EISDIR);
    FAILS(way_unlink(TOP "/none"), ENOENT);
    memset(longest, 'n', NAME_MAX);
    longest[NAME_MAX] = '\0';
    snprintf(path, sizeof path, TOP "/%s", longest);
    f = must_open(path, O_CREAT | O_RDWR, 0600);
    OK(way_unlink(path)); /* open, and without a name */
    IS(way_write(f, "alive", 5), 5);
    IS(way_pread(f, text, 9, 0), 5);
    OK(way_fstat(f, &st));
    TRUE(st.st_size == 5);
    OK(way_close(f));
    FAILS(way_stat(path, &st), ENOENT);
    snprintf(path, sizeof path, TOP "/%sx", longest);
    FAILS(way_mkdir(path, 0700), ENAMETOOLONG);
    OK(way_chdir(TOP "/dir"));
    TRUE(way_getcwd(text, sizeof text) && strcmp(text, TOP "/dir") == 0);
    OK(way_stat("link", &st));
    TRUE(way_realpath(TOP "/dir/../dir/./sub", text) && strcmp(text, TOP "/dir/sub") == 0);
    OK(way_chdir("/"));
}

static void folders(void)
{
    enum { N = 300 };
    char path[64];
    bool seen[N] = {false};
    int n = 0, all = 0, number;
    const char *name;
    long middle = -1;
    char after[300] = "";
    void *d;

    OK(way_mkdir(TOP "/many", 0755));
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof path, TOP "/many/%d", i);
        n += way_mknod(path, S_IFREG | 0644, 0) == 0;
    }
    IS(n, N);
    d = way_opendir(TOP "/many");
    TRUE(d != NULL);
    if (!d)
        return;
    for (n = 0; (name = way_readdir(d)); n++) {
        if (n == 100) {
            snprintf(after, sizeof after, "%s", "?");
        } else if (after[0] == '?') {
            snprintf(after, sizeof after, "%s", name);
        }
        if (name[0] == '.')
            all++;
        else if (sscanf(name, "%d", &number) == 1 && number >= 0 && number < N && !seen[number])
            seen[number] = true, all++;
        if (n == 100)
            middle = way_telldir(d);
    }
    IS(all, N + 2);
    IS(n, N + 2);
    way_seekdir(d, middle);
    name = way_readdir(d);
    TRUE(name && strcmp(name, after) == 0);
    way_seekdir(d, 0);
    for (n = 0; way_readdir(d); n++)
        ;
    IS(n, N + 2);
    OK(way_fsyncdir(d));
    OK(way_closedir(d));
    FAILS(way_opendir(TOP "/f") ? 0 : -1, ENOTDIR);
    n = 0;
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof path, TOP "/many/%d", i);
        n += way_unlink(path) == 0;
    }
    IS(n, N);
    OK(way_rmdir(TOP "/many"));
}

static void locks(void)
{
    void *f = must_open(TOP "/f", O_RDWR, 0);

    OK(way_lock(f, TOP "/f", 0, F_WRLCK, 0, 10));
    FAILS(way_lock(f, TOP "/f", 1, F_WRLCK, 5, 10), EAGAIN);
    FAILS(way_lock(f, TOP "/f", 1, F_RDLCK, 9, 1), EAGAIN);
    OK(way_lock(f, TOP "/f", 1, F_WRLCK, 10, 5));
    IS(way_locked(f, TOP "/f", 1, F_WRLCK, 0, 10), F_WRLCK);
    IS(way_locked(f, TOP "/f", 1, F_WRLCK, 10, 10), F_UNLCK);
    OK(way_lock(f, TOP "/f", 0, F_RDLCK, 0, 5)); /* the first half becomes shared */
    OK(way_lock(f, TOP "/f", 1, F_RDLCK, 0, 5));
    FAILS(way_lock(f, TOP "/f", 1, F_RDLCK, 0, 6), EAGAIN);
    OK(way_lock(f, TOP "/f", 0, F_UNLCK, 0, 0));
    OK(way_lock(f, TOP "/f", 1, F_WRLCK, 0, 0));
    OK(way_close(f));
}

static void removal(void)
{
    OK(way_unlink(TOP "/fifo"));
    OK(way_unlink(TOP "/device"));
    OK(way_unlink(TOP "/socket"));
    OK(way_unlink(TOP "/log"));
    OK(way_unlink(TOP "/f"));
    OK(way_unlink(TOP "/dir/hard"));
    OK(way_unlink(TOP "/dir/link"));
    OK(way_rmdir(TOP "/dir/sub"));
    OK(way_rmdir(TOP "/dir"));
    OK(way_rmdir(TOP));
}

static const struct group {
    const char *name;
    void (*run)(void);
} groups[] = {
    {"reading and writing", reading_and_writing},
    {"sizes and holes", sizes_and_holes},
    {"attributes", attributes},
    {"extended attributes", extended_attributes},
    {"names", names},
    {"folders", folders},
    {"locks", locks},
    {"removal", removal},
};

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    kept = argc > 2 && strcmp(argv[2], "kept") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < BIG; i++)
        data[i] = (char)(i * 2654435761u >> 11);
    if (way_begin(argv[1]) < 0) {
        printf("FAILED: %s: %s\n", argv[1], strerror(errno));
        return 1;
    }
    umask(0);
    if (way_mkdir(TOP, 0755) < 0) {
        printf("FAILED: %s: %s\n", TOP, strerror(errno));
        return 1;
    }
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        unsigned int before = done;
        groups[i].run();
        printf("%s: %u\n", groups[i].name, done - before);
    }
    OK(way_end());
    printf("%u checks, %u failed\n", done, failed);
    return failed != 0;
}
