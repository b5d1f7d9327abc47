/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What ops.c does not call, and the corners: paths, identities, directories, attributes, objects, big data, locks.
 *
 *   more VOLUME-FILE WHAT      one of the functions at the end, by name */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <glusterfs/api/glfs-handles.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/xattr.h>

static glfs_t *fs;

static glfs_fd_t *made(const char *name, const char *text)
{
    glfs_fd_t *f = glfs_creat(fs, name, O_RDWR | O_TRUNC, 0644);

    TRUE(f != NULL);
    IS(glfs_write(f, text, strlen(text), 0), strlen(text));
    return f;
}

static void make(const char *name, const char *text)
{
    OK(glfs_close(made(name, text)));
}

static ino_t inode_of(const char *path)
{
    struct stat st;

    OK(glfs_stat(fs, path, &st));
    return st.st_ino;
}

/* ---- paths ------------------------------------------------------------------------------------------------------------------------ */

static void paths(void)
{
    char text[4096], name[300];
    struct stat st, st2;
    glfs_fd_t *f;

    OK(glfs_mkdir(fs, "/d", 0755));
    OK(glfs_mkdir(fs, "/d/e/", 0755));
    make("/d/e/f", "hello");
    IS(inode_of("d/e/f"), inode_of("/d/e/f"));
    IS(inode_of("//d///e//f"), inode_of("/d/e/f"));
    IS(inode_of("/d/./e/../e/f"), inode_of("/d/e/f"));
    IS(inode_of("/../d/e/../../d/e/f"), inode_of("/d/e/f"));
    IS(inode_of("/.."), inode_of("/"));
    FAILS(glfs_stat(fs, "", &st), ENOENT);
    FAILS(glfs_stat(fs, "/d/e/f/", &st), ENOTDIR);
    FAILS(glfs_stat(fs, "/d/e/f/x", &st), ENOTDIR);
    FAILS(glfs_stat(fs, "/d/none/..", &st), ENOENT);
    memset(name, 'n', sizeof(name));
    name[0] = '/';
    name[256] = '\0';
    make(name, "a name of 255 bytes");
    OK(glfs_unlink(fs, name));
    name[256] = 'n';
    name[257] = '\0';
    FAILS(glfs_stat(fs, name, &st), ENAMETOOLONG);

    OK(glfs_symlink(fs, "e/f", "/d/short"));
    OK(glfs_symlink(fs, "/d/e", "/abs"));
    OK(glfs_symlink(fs, "../abs/../short", "/d/round"));
    OK(glfs_symlink(fs, "loop2", "/loop1"));
    OK(glfs_symlink(fs, "loop1", "/loop2"));
    OK(glfs_symlink(fs, "nothing", "/dangling"));
    OK(glfs_symlink(fs, "../../../../d", "/d/e/above"));
    IS(inode_of("/d/short"), inode_of("/d/e/f"));
    IS(inode_of("/abs/f"), inode_of("/d/e/f"));
    IS(inode_of("/abs/"), inode_of("/d/e"));
    IS(inode_of("/d/round"), inode_of("/d/e/f"));
    IS(inode_of("/d/e/above/e/f"), inode_of("/d/e/f"));
    FAILS(glfs_stat(fs, "/loop1", &st), ELOOP);
    FAILS(glfs_stat(fs, "/dangling", &st), ENOENT);
    OK(glfs_lstat(fs, "/dangling", &st));
    TRUE(S_ISLNK(st.st_mode) && st.st_size == 7);
    OK(glfs_lstat(fs, "/abs/f", &st)); /* only the last is not followed */
    TRUE(S_ISREG(st.st_mode));
    IS(glfs_readlink(fs, "/d/short", text, sizeof(text)), 3);
    IS(glfs_readlink(fs, "/d/short", text, 2), 2);
    FAILS(glfs_readlink(fs, "/d", text, 2), EINVAL);

    /* a link in the last place of what is made */
    NONE(glfs_creat(fs, "/dangling", O_RDWR | O_EXCL, 0644), EEXIST);
    make("/dangling", "through it");
    IS(inode_of("/dangling"), inode_of("/nothing"));
    OK(glfs_unlink(fs, "/nothing"));
    NONE(glfs_open(fs, "/d/short", O_RDONLY | O_NOFOLLOW), ELOOP);
    NONE(glfs_creat(fs, "/d", O_RDWR, 0644), EISDIR);
    NONE(glfs_open(fs, "/d", O_RDWR), EISDIR);
    NONE(glfs_open(fs, "/d/e/f", O_RDONLY | O_DIRECTORY), ENOTDIR);
    NONE(glfs_open(fs, "/d/e/f", O_RDONLY | O_CREAT), EINVAL);
    NONE(glfs_opendir(fs, "/d/e/f"), ENOTDIR);
    f = glfs_open(fs, "/d/e/f", O_RDWR | O_TRUNC);
    TRUE(f != NULL);
    OK(glfs_fstat(f, &st));
    IS(st.st_size, 0);
    OK(glfs_close(f));

    /* names that are none */
    FAILS(glfs_mkdir(fs, "/", 0755), EEXIST);
    FAILS(glfs_mkdir(fs, "/d", 0755), EEXIST);
    FAILS(glfs_rmdir(fs, "/"), EBUSY);
    FAILS(glfs_rmdir(fs, "/d/."), EINVAL);
    FAILS(glfs_rmdir(fs, "/d/e/.."), ENOTEMPTY);
    FAILS(glfs_rmdir(fs, "/d"), ENOTEMPTY);
    FAILS(glfs_unlink(fs, "/"), EISDIR);
    FAILS(glfs_unlink(fs, "/d/e/f/"), ENOTDIR);
    FAILS(glfs_symlink(fs, "", "/empty"), ENOENT);
    FAILS(glfs_rename(fs, "/", "/x"), EBUSY);

    /* the working directory */
    OK(glfs_chdir(fs, "/abs"));
    TRUE(glfs_getcwd(fs, text, sizeof(text)) == text && strcmp(text, "/d/e") == 0);
    NONE(glfs_getcwd(fs, text, 3), ERANGE);
    IS(inode_of("f"), inode_of("/d/e/f"));
    IS(inode_of("../short"), inode_of("/d/e/f"));
    IS(inode_of("../../d/e/f"), inode_of("/d/e/f"));
    OK(glfs_chdir(fs, ".."));
    TRUE(glfs_getcwd(fs, text, sizeof(text)) && strcmp(text, "/d") == 0);
    FAILS(glfs_chdir(fs, "e/f"), ENOTDIR);
    f = glfs_opendir(fs, "e");
    TRUE(f != NULL);
    OK(glfs_chdir(fs, "/"));
    OK(glfs_fchdir(f));
    TRUE(glfs_getcwd(fs, text, sizeof(text)) && strcmp(text, "/d/e") == 0);
    OK(glfs_closedir(f));
    TRUE(glfs_realpath(fs, "../round", text) == text && strcmp(text, "/d/e/f") == 0);
    NONE(glfs_realpath(fs, "none", text), ENOENT);
    char *real = glfs_realpath(fs, "..", NULL);
    TRUE(real && strcmp(real, "/d") == 0);
    glfs_free(real);
    OK(glfs_chdir(fs, "/"));

    /* hard links and renames */
    OK(glfs_link(fs, "/d/e/f", "/d/hard"));
    OK(glfs_stat(fs, "/d/hard", &st));
    OK(glfs_stat(fs, "/d/e/f", &st2));
    TRUE(st.st_nlink == 2 && st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
    FAILS(glfs_link(fs, "/d", "/dd"), EPERM);
    OK(glfs_rename(fs, "/d/hard", "/moved"));
    FAILS(glfs_lstat(fs, "/d/hard", &st), ENOENT);
    FAILS(glfs_rename(fs, "/d", "/d/e/d"), EINVAL);
    OK(glfs_unlink(fs, "/moved"));
}

/* ---- who one is --------------------------------------------------------------------------------------------------------------------- */

static void *another_thread(void *arg)
{
    OK(glfs_access(fs, "/secret", R_OK)); /* root, as the process is */
    return NULL;
}

static void identity(void)
{
    gid_t groups[] = {5000, 5001};
    struct stat st;
    pthread_t t;

    make("/secret", "x");
    OK(glfs_chmod(fs, "/secret", 0640));
    OK(glfs_chown(fs, "/secret", 4000, 5001));
    OK(glfs_chmod(fs, "/", 0777));
    OK(glfs_setfsuid(1234));
    OK(glfs_setfsgid(1235));
    FAILS(glfs_access(fs, "/secret", R_OK), EACCES);
    NONE(glfs_open(fs, "/secret", O_RDONLY), EACCES);
    OK(glfs_setfsgroups(2, groups));
    OK(glfs_access(fs, "/secret", R_OK));
    TRUE(pthread_create(&t, NULL, another_thread, NULL) == 0);
    pthread_join(t, NULL);
    OK(glfs_setfsgroups(0, NULL));
    FAILS(glfs_access(fs, "/secret", R_OK), EACCES);
    make("/mine", "x");
    OK(glfs_stat(fs, "/mine", &st));
    TRUE(st.st_uid == 1234 && st.st_gid == 1235);
    FAILS(glfs_chown(fs, "/mine", 0, 0), EPERM);
    OK(glfs_setfsuid(0));
    OK(glfs_setfsgid(0));
    FAILS(glfs_setfsgroups(1 << 20, groups), EINVAL);
    OK(glfs_chown(fs, "/mine", (uid_t)-1, 77));
    OK(glfs_stat(fs, "/mine", &st));
    TRUE(st.st_uid == 1234 && st.st_gid == 77);
    OK(glfs_chmod(fs, "/", 0755));
    OK(glfs_setfsleaseid((char[GLFS_LEASE_ID_SIZE]){"some lease's id"}));
    OK(glfs_stat(fs, "/mine", &st));
    OK(glfs_setfsleaseid(NULL));
}

/* ---- directories ----------------------------------------------------------------------------------------------------------- */

enum { MANY = 300 }; /* more than one answer of the brick has, with attributes */

static int number_in(const struct dirent *d)
{
    return d->d_name[0] == 'e' ? atoi(d->d_name + 1) : -1;
}

static void directories(void)
{
    static bool seen[MANY];
    glfs_xreaddirp_stat_t *x;
    struct dirent de, *d;
    long halfway = 0;
    char name[32];
    struct stat st, st2;
    glfs_fd_t *dir;
    int n = 0, first_behind = -1, r;

    OK(glfs_mkdir(fs, "/many", 0755));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "/many/e%d", i);
        OK(glfs_mknod(fs, name, i % 2 ? S_IFREG | 0600 : S_IFIFO | 0600, 0));
    }
    dir = glfs_opendir(fs, "/many");
    TRUE(dir != NULL);
    while ((d = glfs_readdirplus(dir, &st))) {
        int i = number_in(d);

        n++;
        if (i < 0) {
            TRUE(d->d_name[0] == '.' && S_ISDIR(st.st_mode));
            continue;
        }
        TRUE(!seen[i] && st.st_ino != 0 && S_ISREG(st.st_mode) == (i % 2 == 1));
        seen[i] = true;
        if (n == MANY / 2)
            halfway = glfs_telldir(dir);
        if (n == MANY / 2 + 1)
            first_behind = i;
    }
    IS(n, MANY + 2);
    glfs_seekdir(dir, halfway);
    TRUE((d = glfs_readdir(dir)) && number_in(d) == first_behind);
    glfs_seekdir(dir, 0);
    for (n = 0; glfs_readdir_r(dir, &de, &d) == 0 && d; n++)
        TRUE(d == &de);
    IS(n, MANY + 2);

    glfs_seekdir(dir, 0);
    for (n = 0; (r = glfs_xreaddirplus_r(dir, GFAPI_XREADDIRP_STAT | GFAPI_XREADDIRP_HANDLE, &x, &de, &d)) >= 0 && d; n++) {
        TRUE(r & GFAPI_XREADDIRP_STAT && glfs_xreaddirplus_get_stat(x) != NULL);
        if (number_in(d) >= 0) {
            glfs_object_t *copy, *o = glfs_xreaddirplus_get_object(x);

            TRUE(r & GFAPI_XREADDIRP_HANDLE && o);
            copy = glfs_object_copy(o);
            st = *glfs_xreaddirplus_get_stat(x);
            glfs_free(x);
            OK(glfs_h_stat(fs, copy, &st2));
            TRUE(st.st_ino == st2.st_ino && st.st_mode == st2.st_mode);
            OK(glfs_h_close(copy));
        } else {
            glfs_free(x);
        }
    }
    IS(r, 0);
    IS(n, MANY + 2);
    FAILS(glfs_read(dir, name, 1, 0), EBADF);
    OK(glfs_fsync(dir, NULL, NULL));
    OK(glfs_closedir(dir));
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "/many/e%d", i);
        OK(glfs_unlink(fs, name));
    }
    OK(glfs_rmdir(fs, "/many"));
}

/* ---- attributes ------------------------------------------------------------------------------------------------------------ */

static void attributes(void)
{
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, some[2] = {{1000, UTIME_OMIT}, {2000, 3}};
    struct glfs_stat gst = {.glfs_st_mask = GLFS_STAT_MODE | GLFS_STAT_UID | GLFS_STAT_MTIME | GLFS_STAT_SIZE, .glfs_st_mode = 0604,
                            .glfs_st_uid = 9, .glfs_st_gid = 8, .glfs_st_size = 77, .glfs_st_mtime = {4000, 5}};
    struct glfs_stat before, after;
    struct stat st, st2;
    char value[2000], back[3000], list[200];
    ssize_t n;
    glfs_fd_t *f = made("/a", "0123456789");

    OK(glfs_utimens(fs, "/a", now));
    OK(glfs_stat(fs, "/a", &st));
    OK(glfs_utimens(fs, "/a", some));
    OK(glfs_stat(fs, "/a", &st2));
    TRUE(st2.st_atime == st.st_atime && st2.st_mtim.tv_sec == 2000 && st2.st_mtim.tv_nsec == 3);
    OK(glfs_setattr(fs, "/a", &gst, 1));
    OK(glfs_fstat(f, &st));
    TRUE((st.st_mode & 07777) == 0604 && st.st_uid == 9 && st.st_gid == 0 && st.st_size == 77 && st.st_mtime == 4000);
    gst.glfs_st_mask = GLFS_STAT_GID;
    OK(glfs_fsetattr(f, &gst));
    OK(glfs_fstat(f, &st));
    IS(st.st_gid, 8);
    OK(glfs_symlink(fs, "a", "/l"));
    OK(glfs_lchown(fs, "/l", 3, 4));
    OK(glfs_stat(fs, "/l", &st));
    IS(st.st_uid, 9);
    OK(glfs_lstat(fs, "/l", &st));
    IS(st.st_uid, 3);

    OK(glfs_ftruncate(f, 50, &before, &after));
    TRUE(before.glfs_st_size == 77 && after.glfs_st_size == 50 && after.glfs_st_mask == GLFS_STAT_BASIC_STATS);
    FAILS(glfs_ftruncate(f, -1, NULL, NULL), EINVAL);
    FAILS(glfs_truncate(fs, "/a", -1), EINVAL);
    FAILS(glfs_truncate(fs, "/", 1), EISDIR);

    memset(value, 'v', sizeof(value));
    OK(glfs_setxattr(fs, "/a", "user.big", value, 2000, 0));
    IS(glfs_getxattr(fs, "/a", "user.big", NULL, 0), 2000);
    FAILS(glfs_getxattr(fs, "/a", "user.big", back, 100), ERANGE);
    IS(glfs_fgetxattr(f, "user.big", back, sizeof(back)), 2000);
    TRUE(memcmp(value, back, 2000) == 0);
    OK(glfs_fsetxattr(f, "user.empty", "", 0, 0));
    IS(glfs_getxattr(fs, "/a", "user.empty", back, sizeof(back)), 0);
    FAILS(glfs_setxattr(fs, "/a", "user.none", "x", 1, XATTR_REPLACE), ENODATA);
    FAILS(glfs_removexattr(fs, "/a", "user.none"), ENODATA);
    FAILS(glfs_getxattr(fs, "/a", "", back, 1), EINVAL);
    n = glfs_listxattr(fs, "/a", list, sizeof(list));
    TRUE(n > 0 && memmem(list, (size_t)n, "user.big", 9) && memmem(list, (size_t)n, "user.empty", 11));
    IS(glfs_listxattr(fs, "/a", NULL, 0), n);
    FAILS(glfs_listxattr(fs, "/a", list, 3), ERANGE);
    OK(glfs_close(f));
}

/* ---- data ------------------------------------------------------------------------------------------------------------------ */

static void data(void)
{
    enum { BIG = 9 << 20 };
    char *out = malloc(BIG), *back = calloc(1, BIG), text[64];
    struct iovec iov[5] = {{out, 1}, {out + 1, 0}, {out + 1, 5 << 20}, {out + 1 + (5 << 20), 3},
                           {out + 4 + (5 << 20), BIG - 4 - (5 << 20)}};
    struct iovec in[3] = {{back, 7}, {back + 7, (4 << 20) + 1}, {back + 8 + (4 << 20), BIG - 8 - (4 << 20)}};
    struct glfs_stat before, after;
    off64_t from = 1 << 20, to = 5;
    glfs_fd_t *f, *g;

    for (int i = 0; i < BIG; i++)
        out[i] = (char)(i * 2654435761u >> 13);
    f = glfs_creat(fs, "/big", O_RDWR, 0644);
    TRUE(f != NULL);
    IS(glfs_writev(f, iov, 5, 0), BIG); /* in pieces */
    IS(glfs_lseek(f, 0, SEEK_CUR), BIG);
    IS(glfs_lseek(f, 0, SEEK_SET), 0);
    IS(glfs_readv(f, in, 3, 0), BIG);
    TRUE(memcmp(out, back, BIG) == 0);
    memset(back, 'g', BIG); /* what is read lands where we say, and not a byte beside */
    IS(glfs_pread(f, back + 3, 5 << 20, 77777, 0, NULL), 5 << 20);
    TRUE(back[2] == 'g' && memcmp(out + 77777, back + 3, 5 << 20) == 0 && back[3 + (5 << 20)] == 'g');
    memset(back, 'g', BIG);
    IS(glfs_pread(f, back + 1, 1 << 20, BIG - 50000, 0, NULL), 50000);
    TRUE(back[0] == 'g' && memcmp(out + BIG - 50000, back + 1, 50000) == 0 && back[50001] == 'g');
    in[0] = (struct iovec){back + (1 << 20), 300000};
    in[1] = (struct iovec){back, 200001};
    IS(glfs_preadv(f, in, 2, 12345, 0), 500001);
    TRUE(memcmp(out + 12345, back + (1 << 20), 300000) == 0 && memcmp(out + 312345, back, 200001) == 0 && back[200001] == 'g');
    IS(glfs_read(f, back, 10, 0), 0);
    IS(glfs_pread(f, back, BIG, BIG - 5, 0, &after), 5);
    TRUE(after.glfs_st_mask == GLFS_STAT_BASIC_STATS && after.glfs_st_size == BIG);
    IS(glfs_pwrite(f, "x", 1, BIG, 0, &before, &after), 1);
    IS(glfs_lseek(f, -1, SEEK_END), BIG);
    FAILS(glfs_lseek(f, -1, SEEK_SET), EINVAL);
    FAILS(glfs_lseek(f, 0, 77), EINVAL);
    FAILS(glfs_pread(f, back, 1, -1, 0, NULL), EINVAL);
    FAILS(glfs_pread(NULL, back, 1, 0, 0, NULL), EBADF);
    FAILS(glfs_preadv(f, in, -1, 0, 0), EINVAL);
    IS(glfs_write(f, text, 0, 0), 0);

    g = glfs_creat(fs, "/part", O_RDWR, 0644);
    OK(glfs_fsync(f, NULL, NULL));
    IS(glfs_copy_file_range(f, &from, g, &to, 100000, 0, NULL, NULL, NULL), 100000);
    TRUE(from == (1 << 20) + 100000 && to == 100005);
    IS(glfs_pread(g, back, 100000, 5, 0, NULL), 100000);
    TRUE(memcmp(out + (1 << 20), back, 100000) == 0);
    OK(glfs_close(g));
    OK(glfs_close(f));

    f = made("/log", "one");
    OK(glfs_close(f));
    f = glfs_open(fs, "/log", O_WRONLY | O_APPEND);
    IS(glfs_write(f, "two", 3, 0), 3);
    FAILS(glfs_read(f, text, 3, 0), EBADF);
    OK(glfs_close(f));
    f = glfs_open(fs, "/log", O_RDONLY);
    IS(glfs_read(f, text, sizeof(text), 0), 6);
    TRUE(memcmp(text, "onetwo", 6) == 0);
    FAILS(glfs_write(f, "no", 2, 0), EBADF);
    OK(glfs_close(f));

    /* holes */
    f = glfs_creat(fs, "/holes", O_RDWR, 0644);
    IS(glfs_pwrite(f, out, 65536, 1 << 20, 0, NULL, NULL), 65536);
    IS(glfs_lseek(f, 0, SEEK_DATA), 1 << 20);
    IS(glfs_lseek(f, 1 << 20, SEEK_HOLE), (1 << 20) + 65536);
    FAILS(glfs_lseek(f, 1 << 22, SEEK_DATA), ENXIO);
    OK(glfs_fallocate(f, 1, 1 << 21, 4096));
    IS(glfs_lseek(f, 0, SEEK_END), (1 << 20) + 65536);
    OK(glfs_fallocate(f, 0, 1 << 21, 4096));
    IS(glfs_lseek(f, 0, SEEK_END), (1 << 21) + 4096);
    FAILS(glfs_fallocate(f, 0, -1, 4096), EINVAL);
    FAILS(glfs_zerofill(f, 0, -1), EINVAL);
    g = glfs_dup(f);
    TRUE(g && glfs_from_glfd(g) == fs);
    OK(glfs_close(f));
    IS(glfs_pread(g, back, 65536, 1 << 20, 0, NULL), 65536); /* it goes on */
    OK(glfs_close(g));

    /* a file without a name */
    f = made("/nameless", "still here");
    OK(glfs_unlink(fs, "/nameless"));
    IS(glfs_pread(f, text, sizeof(text), 0, 0, NULL), 10);
    IS(glfs_pwrite(f, "S", 1, 0, 0, NULL, NULL), 1);
    OK(glfs_fsync(f, NULL, NULL));
    OK(glfs_close(f));
    free(out);
    free(back);
}

/* ---- objects --------------------------------------------------------------------------------------------------------------- */

static void objects(void)
{
    glfs_object_t *root = glfs_h_lookupat(fs, NULL, "/", NULL, 0), *dir, *o, *link, *again, *up;
    unsigned char handle[GFAPI_HANDLE_LENGTH];
    struct stat st = {.st_mode = 0600}, st2;
    struct statvfs sv;
    char text[100];
    glfs_fd_t *f = NULL;

    TRUE(root != NULL);
    dir = glfs_h_mkdir(fs, root, "dir", 0755, &st2);
    TRUE(dir && S_ISDIR(st2.st_mode));
    NONE(glfs_h_mkdir(fs, root, "dir", 0755, &st2), EEXIST);
    o = glfs_h_creat_open(fs, dir, "o", O_RDWR, 0644, &st2, &f);
    TRUE(o && f && S_ISREG(st2.st_mode));
    IS(glfs_write(f, "by handle", 9, 0), 9);
    OK(glfs_fsync(f, NULL, NULL));
    OK(glfs_close(f));
    again = glfs_h_creat(fs, dir, "o", O_RDWR, 0644, &st2);
    TRUE(again && st2.st_size == 9);
    OK(glfs_h_close(again));
    NONE(glfs_h_creat(fs, dir, "o", O_RDWR | O_EXCL, 0644, &st2), EEXIST);
    link = glfs_h_symlink(fs, dir, "link", "o", &st2);
    TRUE(link && S_ISLNK(st2.st_mode));
    IS(glfs_h_readlink(fs, link, text, sizeof(text)), 1);
    again = glfs_h_lookupat(fs, dir, "link", &st2, 1);
    TRUE(again && S_ISREG(st2.st_mode));
    OK(glfs_h_close(again));
    again = glfs_h_lookupat(fs, dir, "link", &st2, 0);
    TRUE(again && S_ISLNK(st2.st_mode));
    OK(glfs_h_close(again));
    OK(glfs_h_close(link));
    link = glfs_h_mknod(fs, dir, "fifo", S_IFIFO | 0640, 0, &st2);
    TRUE(link && S_ISFIFO(st2.st_mode));
    OK(glfs_h_close(link));
    up = glfs_h_lookupat(fs, dir, "..", &st2, 0);
    TRUE(up && st2.st_ino == 1);
    OK(glfs_h_close(up));
    NONE(glfs_h_lookupat(fs, dir, "none", &st2, 0), ENOENT);

    OK(glfs_h_setattrs(fs, o, &st, GFAPI_SET_ATTR_MODE));
    st.st_size = 3;
    st.st_mtim = (struct timespec){123, 456};
    OK(glfs_h_setattrs(fs, o, &st, GFAPI_SET_ATTR_SIZE | GFAPI_SET_ATTR_MTIME));
    OK(glfs_h_stat(fs, o, &st2));
    TRUE((st2.st_mode & 0777) == 0600 && st2.st_size == 3 && st2.st_mtim.tv_sec == 123 && st2.st_mtim.tv_nsec == 456);
    OK(glfs_h_access(fs, o, R_OK));
    OK(glfs_h_statfs(fs, o, &sv));
    TRUE(sv.f_bsize > 0);
    OK(glfs_h_setxattrs(fs, o, "user.x", "xyz", 3, 0));
    TRUE(glfs_h_getxattrs(fs, o, NULL, text, sizeof(text)) >= 7);
    IS(glfs_h_getxattrs(fs, o, "user.x", NULL, 0), 3);
    NONE(glfs_h_open(fs, dir, O_RDONLY), EISDIR);
    NONE(glfs_h_opendir(fs, o), ENOTDIR);
    f = glfs_h_opendir(fs, dir);
    TRUE(f != NULL);
    OK(glfs_chdir(fs, "/"));
    OK(glfs_fchdir(f)); /* its path is the brick's to say */
    TRUE(glfs_getcwd(fs, text, sizeof(text)) && strcmp(text, "/dir") == 0);
    OK(glfs_chdir(fs, "/"));
    OK(glfs_closedir(f));
    FAILS(glfs_h_link(fs, dir, root, "d2"), EISDIR);

    IS(glfs_h_extract_handle(o, NULL, 0), GFAPI_HANDLE_LENGTH);
    FAILS(glfs_h_extract_handle(o, handle, 5), ERANGE);
    IS(glfs_h_extract_handle(o, handle, sizeof(handle)), GFAPI_HANDLE_LENGTH);
    NONE(glfs_h_create_from_handle(fs, handle, 5, &st2), EINVAL);
    OK(glfs_h_rename(fs, dir, "o", root, "o2"));
    OK(glfs_h_close(o));
    o = glfs_h_create_from_handle(fs, handle, sizeof(handle), &st2);
    TRUE(o && st2.st_size == 3);
    IS(glfs_h_anonymous_read(fs, o, text, sizeof(text), 0), 3);
    IS(glfs_h_anonymous_write(fs, o, "12345", 5, 1), 5);
    IS(glfs_h_anonymous_read(fs, o, text, sizeof(text), 2), 4);
    OK(glfs_h_unlink(fs, root, "o2"));
    FAILS(glfs_h_stat(fs, o, &st2), ESTALE);
    OK(glfs_h_close(o));
    handle[4] ^= 1;
    NONE(glfs_h_create_from_handle(fs, handle, sizeof(handle), &st2), ESTALE);
    OK(glfs_h_close(dir));
    OK(glfs_h_close(root));
    OK(glfs_h_close(NULL));
    FAILS(glfs_h_stat(fs, NULL, &st2), EINVAL);
}

static void acls(void)
{
    glfs_object_t *o;
    acl_t acl = acl_from_text("u::rw,u:4711:r,g::r,m::r,o::-"), got;
    char *text;

    make("/acl", "x");
    o = glfs_h_lookupat(fs, NULL, "/acl", NULL, 0);
    OK(glfs_h_acl_set(fs, o, ACL_TYPE_ACCESS, acl));
    got = glfs_h_acl_get(fs, o, ACL_TYPE_ACCESS);
    TRUE(got != NULL);
    text = acl_to_text(got, NULL);
    TRUE(strstr(text, "4711") || strstr(text, "user:"));
    acl_free(text);
    acl_free(got);
    acl_free(acl);
    OK(glfs_h_close(o));
}

/* ---- locks ----------------------------------------------------------------------------------------------------------------- */

static glfs_fd_t *waiting_fd;

static void *wait_for_lock(void *arg)
{
    struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0};

    OK(glfs_posix_lock(waiting_fd, F_SETLKW, &lk));
    return arg;
}

static void locks(void)
{
    struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 5}, got;
    glfs_fd_t *f = made("/locked", "0123456789"), *g = glfs_open(fs, "/locked", O_RDWR), *same = glfs_open(fs, "/locked", O_RDWR);
    pthread_t t;

    FAILS(glfs_fd_set_lkowner(f, "x", 0), EINVAL);
    FAILS(glfs_fd_set_lkowner(f, "x", 256), EINVAL);
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    OK(glfs_posix_lock(same, F_SETLK, &lk)); /* of one owner, if nobody says otherwise */
    OK(glfs_fd_set_lkowner(g, "another", 7));
    FAILS(glfs_posix_lock(g, F_SETLK, &lk), EAGAIN);
    got = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET};
    OK(glfs_posix_lock(g, F_GETLK, &got));
    TRUE(got.l_type == F_WRLCK && got.l_start == 5 && got.l_len == 5 && got.l_pid == getpid());
    got = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 5};
    OK(glfs_posix_lock(g, F_GETLK, &got));
    IS(got.l_type, F_UNLCK);
    got = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = 5}; /* the first five */
    OK(glfs_posix_lock(g, F_SETLK, &got));
    FAILS(glfs_posix_lock(g, 12345, &lk), EINVAL);
    FAILS(glfs_file_lock(g, F_SETLK, &lk, 9), EINVAL);
    waiting_fd = g;
    TRUE(pthread_create(&t, NULL, wait_for_lock, NULL) == 0);
    usleep(100000); /* in vain, or it is not yet waiting */
    lk.l_type = F_UNLCK;
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    pthread_join(t, NULL);
    lk.l_type = F_WRLCK;
    FAILS(glfs_posix_lock(f, F_SETLK, &lk), EAGAIN);
    OK(glfs_close(g));
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    OK(glfs_close(f));
    OK(glfs_close(same));
}

/* ---- leases ---------------------------------------------------------------------------------------------------------------- */

static void refused(void)
{
    glfs_lease_t lease = {.cmd = GLFS_SET_LEASE, .lease_type = GLFS_RD_LEASE};
    glfs_object_t *root = glfs_h_lookupat(fs, NULL, "/", NULL, 0);
    glfs_fd_t *f = made("/leased", "x");
    glfs_t *other = glfs_new("v");

    FAILS(glfs_lease(f, &lease, NULL, NULL), ENOTSUP);
    FAILS(glfs_h_lease(fs, root, &lease), ENOTSUP);
    FAILS(glfs_set_volfile_server(other, "rdma", "localhost", 0), ENOTSUP);
    IS(glfs_fini(other), -1);
    OK(glfs_close(f));
    OK(glfs_h_close(root));
}

/* ---- what others do -------------------------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int heard;

static void hear(glfs_upcall_t *u, void *ctx)
{
    glfs_upcall_inode_t *in = glfs_upcall_get_event(u);
    struct stat st;

    TRUE(glfs_upcall_get_reason(u) == GLFS_UPCALL_INODE_INVALIDATE && in && glfs_upcall_get_fs(u) == fs && ctx == &heard);
    TRUE(glfs_upcall_inode_get_object(in) && glfs_upcall_inode_get_flags(in) && glfs_upcall_inode_get_stat(in));
    glfs_h_stat(fs, glfs_upcall_inode_get_object(in), &st); /* a callback may */
    pthread_mutex_lock(&lock);
    heard++;
    pthread_mutex_unlock(&lock);
    glfs_free(u);
}

static int heard_now(void)
{
    int n;

    pthread_mutex_lock(&lock);
    n = heard;
    pthread_mutex_unlock(&lock);
    return n;
}

static const char *volfile;

static void upcalls(void)
{
    glfs_t *other = glfs_new("vol");
    glfs_upcall_t *u = NULL;
    glfs_fd_t *f, *g;
    char text[10];

    OK(glfs_set_volfile(other, volfile));
    OK(glfs_init(other));
    make("/shared", "0123456789");
    OK(glfs_h_poll_upcall(fs, &u)); /* from now on they are kept */
    TRUE(u == NULL);
    f = glfs_open(fs, "/shared", O_RDONLY);
    g = glfs_open(other, "/shared", O_RDWR);
    IS(glfs_pread(f, text, 10, 0, 0, NULL), 10); /* the brick notes that we know it */
    for (int i = 0; !u && i < 2000; i++) {
        IS(glfs_pwrite(g, "x", 1, 0, 0, NULL, NULL), 1);
        OK(glfs_fsync(g, NULL, NULL));
        usleep(5000);
        OK(glfs_h_poll_upcall(fs, &u));
    }
    TRUE(u != NULL);
    TRUE(glfs_upcall_inode_get_stat(glfs_upcall_get_event(u))->st_size == 10);
    glfs_free(u);
    FAILS(glfs_upcall_register(fs, 4, hear, &heard), EINVAL);
    IS(glfs_upcall_register(fs, GLFS_EVENT_INODE_INVALIDATE, hear, &heard), GLFS_EVENT_INODE_INVALIDATE);
    for (int i = 0; !heard_now() && i < 2000; i++) {
        IS(glfs_pread(f, text, 10, 0, 0, NULL), 10);
        IS(glfs_pwrite(g, "y", 1, 0, 0, NULL, NULL), 1);
        OK(glfs_fsync(g, NULL, NULL));
        usleep(5000);
    }
    TRUE(heard_now() > 0);
    IS(glfs_upcall_unregister(fs, GLFS_EVENT_INODE_INVALIDATE), GLFS_EVENT_INODE_INVALIDATE);
    OK(glfs_close(f));
    OK(glfs_close(g));
    OK(glfs_fini(other));
}

static const struct {
    const char *name;
    void (*run)(void);
} parts[] = {{"paths", paths},     {"identity", identity}, {"directories", directories}, {"attributes", attributes}, {"data", data},
             {"objects", objects}, {"acls", acls},         {"locks", locks},             {"refused", refused},       {"upcalls", upcalls}};

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    volfile = argv[1];
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (strcmp(parts[i].name, argv[2]) != 0)
            continue;
        fs = glfs_new("vol");
        OK(glfs_set_volfile(fs, volfile));
        OK(glfs_set_logging(fs, "/dev/stderr", 5));
        OK(glfs_init(fs));
        parts[i].run();
        OK(glfs_fini(fs));
        return 0;
    }
    return 2;
}
