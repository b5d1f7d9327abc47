/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Calls each operation of libgfapi once, sync and (where there is such a form) async, and checks what it gives.
 *
 *   ops VOLUME-FILE          exit status 0 and one line for each operation, or the first that went wrong */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glusterfs/api/glfs-handles.h>
#include <glusterfs/api/glfs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

static glfs_t *fs;

/* The call succeeds. */
#define OK(call)                                                                                                      \
    do {                                                                                                              \
        errno = 0;                                                                                                    \
        if ((long)(call) < 0) {                                                                                       \
            printf("%s: %s\n", #call, strerror(errno));                                                               \
            exit(1);                                                                                                  \
        }                                                                                                             \
        printf("%s\n", #call);                                                                                        \
    } while (0)
/* The call gives exactly this number. */
#define IS(call, want)                                                                                                \
    do {                                                                                                              \
        long is_ = (long)(call);                                                                                      \
        if (is_ != (long)(want)) {                                                                                    \
            printf("%s: %ld instead of %ld (%s)\n", #call, is_, (long)(want), strerror(errno));                       \
            exit(1);                                                                                                  \
        }                                                                                                             \
        printf("%s\n", #call);                                                                                        \
    } while (0)
/* The call fails with this errno. */
#define FAILS(call, want)                                                                                             \
    do {                                                                                                              \
        errno = 0;                                                                                                    \
        if ((long)(call) >= 0 || errno != (want)) {                                                                   \
            printf("%s: %s instead of %s\n", #call, strerror(errno), strerror(want));                                 \
            exit(1);                                                                                                  \
        }                                                                                                             \
        printf("%s fails\n", #call);                                                                                  \
    } while (0)
#define TRUE(cond)                                                                                                    \
    do {                                                                                                              \
        if (!(cond)) {                                                                                                \
            printf("not so: %s\n", #cond);                                                                            \
            exit(1);                                                                                                  \
        }                                                                                                             \
    } while (0)

enum { BIG = 1 << 20 };
static char data[BIG], back[BIG];

/* One asynchronous call, waited for. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t done;
    int pending;
    ssize_t ret;
} async = {.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static void called_back(glfs_fd_t *fd, ssize_t ret, struct glfs_stat *before, struct glfs_stat *after, void *ctx)
{
    pthread_mutex_lock(&async.lock);
    async.ret = ret;
    async.pending = 0;
    pthread_cond_signal(&async.done);
    pthread_mutex_unlock(&async.lock);
}

static ssize_t wait_for(int submitted)
{
    if (submitted < 0)
        return submitted;
    pthread_mutex_lock(&async.lock);
    while (async.pending)
        pthread_cond_wait(&async.done, &async.lock);
    pthread_mutex_unlock(&async.lock);
    return async.ret;
}
#define ASYNC(call) (async.pending = 1, wait_for(call))

static void data_ops(void)
{
    struct iovec iov[2] = {{data, 1000}, {data + 1000, 3000}}, iov_back[2] = {{back, 500}, {back + 500, 3500}};
    struct iovec halves[2] = {{back + BIG / 2, BIG / 2}, {back, BIG / 2}};
    struct stat st;
    glfs_fd_t *f = glfs_creat(fs, "/data", O_RDWR, 0644), *g;

    TRUE(f != NULL);
    IS(glfs_pwrite(f, data, BIG, 0, 0, NULL, NULL), BIG);
    IS(glfs_pread(f, back, BIG, 0, 0, NULL), BIG);
    TRUE(memcmp(data, back, BIG) == 0);
    IS(glfs_pread(f, back, 100, BIG - 40, 0, NULL), 40);
    IS(glfs_pread(f, back, 100, BIG + 40, 0, NULL), 0);
    IS(glfs_lseek(f, 4096, SEEK_SET), 4096);
    IS(glfs_write(f, "here", 4, 0), 4);
    IS(glfs_lseek(f, -4, SEEK_CUR), 4096);
    IS(glfs_read(f, back, 4, 0), 4);
    TRUE(memcmp(back, "here", 4) == 0);
    IS(glfs_pwritev(f, iov, 2, 8192, 0), 4000);
    memset(back, 0, 4000);
    IS(glfs_preadv(f, iov_back, 2, 8192, 0), 4000);
    TRUE(memcmp(data, back, 4000) == 0);
    IS(glfs_fstat(f, &st), 0);
    TRUE(st.st_size == BIG && S_ISREG(st.st_mode));

    IS(ASYNC(glfs_pwrite_async(f, data + 5, 5000, 100, 0, called_back, NULL)), 5000);
    memset(back, 0, BIG);
    IS(ASYNC(glfs_pread_async(f, back, BIG, 30000, 0, called_back, NULL)), BIG - 30000);
    TRUE(memcmp(data + 30000, back, BIG - 30000) == 0 && back[BIG - 30000] == 0);
    IS(ASYNC(glfs_preadv_async(f, halves, 2, 40000, 0, called_back, NULL)), BIG - 40000);
    TRUE(memcmp(data + 40000, back + BIG / 2, BIG / 2) == 0 && memcmp(data + 40000 + BIG / 2, back, BIG / 2 - 40000) == 0);
    memset(back, 0, 5000);
    IS(ASYNC(glfs_pread_async(f, back, 5000, 100, 0, called_back, NULL)), 5000);
    TRUE(memcmp(data + 5, back, 5000) == 0);
    IS(ASYNC(glfs_pwritev_async(f, iov, 2, 20000, 0, called_back, NULL)), 4000);
    IS(ASYNC(glfs_preadv_async(f, iov_back, 2, 20000, 0, called_back, NULL)), 4000);
    TRUE(memcmp(data, back, 4000) == 0);
    IS(ASYNC(glfs_fsync_async(f, called_back, NULL)), 0);
    IS(ASYNC(glfs_fdatasync_async(f, called_back, NULL)), 0);
    IS(ASYNC(glfs_ftruncate_async(f, 65536, called_back, NULL)), 0);
    IS(ASYNC(glfs_discard_async(f, 0, 4096, called_back, NULL)), 0);
    IS(ASYNC(glfs_zerofill_async(f, 4096, 4096, called_back, NULL)), 0);
    IS(glfs_pread(f, back, 8192, 0, 0, NULL), 8192);
    for (int i = 0; i < 8192; i++)
        TRUE(back[i] == 0);
    IS(glfs_fstat(f, &st), 0);
    TRUE(st.st_size == 65536);

    OK(glfs_fsync(f, NULL, NULL));
    OK(glfs_fdatasync(f, NULL, NULL));
    OK(glfs_fallocate(f, 0, 65536, 4096));
    OK(glfs_discard(f, 8192, 4096));
    OK(glfs_zerofill(f, 12288, 4096));
    IS(glfs_lseek(f, 0, SEEK_HOLE), 0);
    OK(glfs_ftruncate(f, 30000, NULL, NULL));
    g = glfs_dup(f);
    TRUE(g != NULL);
    IS(glfs_pread(g, back, 10, 20000, 0, NULL), 10);
    OK(glfs_close(g));

    g = glfs_creat(fs, "/copy", O_RDWR, 0644);
    TRUE(g != NULL);
    off64_t in = 0, out = 0; /* with another start the stock library or brick copies from 0 all the same */
    IS(glfs_pwrite(f, data, 8192, 0, 0, NULL, NULL), 8192);
    OK(glfs_fsync(f, NULL, NULL));
    IS(glfs_copy_file_range(f, &in, g, &out, 8192, 0, NULL, NULL, NULL), 8192);
    IS(glfs_pread(g, back, 8192, 0, 0, NULL), 8192);
    TRUE(memcmp(back, data, 8192) == 0);
    OK(glfs_close(g));
    OK(glfs_close(f));
}

static void attribute_ops(void)
{
    struct timespec times[2] = {{1500000000, 5}, {1600000000, 7}};
    struct stat st;
    char text[256];
    glfs_fd_t *f = glfs_open(fs, "/data", O_RDWR);

    TRUE(f != NULL);
    OK(glfs_fchmod(f, 0600));
    OK(glfs_fchown(f, 2, 3));
    OK(glfs_futimens(f, times));
    OK(glfs_fstat(f, &st));
    TRUE((st.st_mode & 07777) == 0600 && st.st_uid == 2 && st.st_gid == 3 && st.st_mtim.tv_sec == 1600000000 && st.st_mtim.tv_nsec == 7);
    OK(glfs_fsetxattr(f, "user.f", "value", 5, 0));
    IS(glfs_fgetxattr(f, "user.f", text, sizeof text), 5);
    TRUE(memcmp(text, "value", 5) == 0);
    OK(glfs_flistxattr(f, text, sizeof text));
    OK(glfs_fremovexattr(f, "user.f"));
    FAILS(glfs_fgetxattr(f, "user.f", text, sizeof text), ENODATA);
    OK(glfs_close(f));

    OK(glfs_chmod(fs, "/data", 0644));
    OK(glfs_chown(fs, "/data", 4, 5));
    OK(glfs_lchown(fs, "/data", 0, 0));
    OK(glfs_utimens(fs, "/data", times));
    OK(glfs_lutimens(fs, "/data", times));
    OK(glfs_truncate(fs, "/data", 1000));
    OK(glfs_stat(fs, "/data", &st));
    TRUE(st.st_size == 1000 && (st.st_mode & 07777) == 0644);
    OK(glfs_setxattr(fs, "/data", "user.p", "x", 1, XATTR_CREATE));
    FAILS(glfs_setxattr(fs, "/data", "user.p", "x", 1, XATTR_CREATE), EEXIST);
    OK(glfs_lsetxattr(fs, "/data", "user.q", "yy", 2, 0));
    IS(glfs_getxattr(fs, "/data", "user.p", text, sizeof text), 1);
    IS(glfs_lgetxattr(fs, "/data", "user.q", text, sizeof text), 2);
    OK(glfs_listxattr(fs, "/data", text, sizeof text));
    OK(glfs_llistxattr(fs, "/data", text, sizeof text));
    OK(glfs_removexattr(fs, "/data", "user.p"));
    OK(glfs_lremovexattr(fs, "/data", "user.q"));
    OK(glfs_access(fs, "/data", R_OK | W_OK));
    FAILS(glfs_access(fs, "/nothing", F_OK), ENOENT);
}

static void entry_ops(void)
{
    struct stat st;
    struct statvfs sv;
    struct dirent de, *next;
    char text[256];
    int n = 0;
    glfs_fd_t *d;

    OK(glfs_mkdir(fs, "/dir", 0755));
    FAILS(glfs_mkdir(fs, "/dir", 0755), EEXIST);
    OK(glfs_symlink(fs, "data", "/soft"));
    IS(glfs_readlink(fs, "/soft", text, sizeof text), 4);
    OK(glfs_lstat(fs, "/soft", &st));
    TRUE(S_ISLNK(st.st_mode));
    OK(glfs_link(fs, "/data", "/hard"));
    OK(glfs_stat(fs, "/hard", &st));
    TRUE(st.st_nlink == 2);
    OK(glfs_mknod(fs, "/fifo", S_IFIFO | 0644, 0));
    OK(glfs_rename(fs, "/copy", "/dir/copy"));
    FAILS(glfs_stat(fs, "/copy", &st), ENOENT);
    FAILS(glfs_rmdir(fs, "/dir"), ENOTEMPTY);
    OK(glfs_statvfs(fs, "/", &sv));
    TRUE(sv.f_blocks > 0);
    OK(glfs_chdir(fs, "/dir"));
    TRUE(glfs_getcwd(fs, text, sizeof text) && strcmp(text, "/dir") == 0);
    OK(glfs_chdir(fs, "/"));

    d = glfs_opendir(fs, "/");
    TRUE(d != NULL);
    while (glfs_readdirplus_r(d, &st, &de, &next) == 0 && next)
        n++;
    IS(n, 7); /* . .. data dir soft hard fifo */
    glfs_seekdir(d, 0);
    for (n = 0; glfs_readdir_r(d, &de, &next) == 0 && next; n++)
        ;
    IS(n, 7);
    OK(glfs_fsync(d, NULL, NULL));
    OK(glfs_closedir(d));
}

static void lock_ops(void)
{
    char owner[] = "owner-one", other[] = "owner-two";
    struct flock lk = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    glfs_fd_t *f = glfs_open(fs, "/data", O_RDWR), *g = glfs_open(fs, "/data", O_RDWR);

    TRUE(f != NULL && g != NULL);
    OK(glfs_fd_set_lkowner(f, owner, sizeof owner));
    OK(glfs_fd_set_lkowner(g, other, sizeof other));
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    FAILS(glfs_posix_lock(g, F_SETLK, &lk), EAGAIN);
    OK(glfs_posix_lock(g, F_GETLK, &lk));
    TRUE(lk.l_type == F_WRLCK);
    lk = (struct flock){.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    lk.l_type = F_WRLCK;
    OK(glfs_posix_lock(g, F_SETLKW, &lk));
    OK(glfs_close(g)); /* and its lock */
    OK(glfs_posix_lock(f, F_SETLK, &lk));
    OK(glfs_close(f));
}

static void handle_ops(void)
{
    struct stat st;
    char text[64];
    struct glfs_object *root = glfs_h_lookupat(fs, NULL, "/", &st, 0), *o, *again;
    unsigned char handle[GFAPI_HANDLE_LENGTH];
    glfs_fd_t *f;

    TRUE(root != NULL);
    o = glfs_h_creat(fs, root, "by-handle", O_CREAT | O_EXCL, 0644, &st);
    TRUE(o != NULL);
    IS(glfs_h_anonymous_write(fs, o, "anonymous", 9, 0), 9);
    IS(glfs_h_anonymous_read(fs, o, text, 9, 0), 9);
    TRUE(memcmp(text, "anonymous", 9) == 0);
    OK(glfs_h_getattrs(fs, o, &st));
    TRUE(st.st_size == 9);
    OK(glfs_h_truncate(fs, o, 4));
    OK(glfs_h_setxattrs(fs, o, "user.h", "h", 1, 0));
    IS(glfs_h_getxattrs(fs, o, "user.h", text, sizeof text), 1);
    OK(glfs_h_removexattrs(fs, o, "user.h"));
    IS(glfs_h_extract_handle(o, handle, sizeof handle), GFAPI_HANDLE_LENGTH);
    again = glfs_h_create_from_handle(fs, handle, sizeof handle, &st);
    TRUE(again != NULL && st.st_size == 4);
    OK(glfs_h_close(again));
    f = glfs_h_open(fs, o, O_RDWR);
    TRUE(f != NULL);
    IS(glfs_pread(f, text, 9, 0, 0, NULL), 4);
    OK(glfs_close(f));
    OK(glfs_h_link(fs, o, root, "linked"));
    OK(glfs_h_rename(fs, root, "linked", root, "renamed"));
    OK(glfs_h_unlink(fs, root, "renamed"));
    OK(glfs_h_unlink(fs, root, "by-handle"));
    OK(glfs_h_close(o));
    o = glfs_h_mkdir(fs, root, "h-dir", 0755, &st);
    TRUE(o != NULL);
    OK(glfs_h_close(o));
    OK(glfs_h_unlink(fs, root, "h-dir"));
    OK(glfs_h_close(root));
}

static void remove_ops(void)
{
    OK(glfs_unlink(fs, "/dir/copy"));
    OK(glfs_rmdir(fs, "/dir"));
    OK(glfs_unlink(fs, "/soft"));
    OK(glfs_unlink(fs, "/hard"));
    OK(glfs_unlink(fs, "/fifo"));
    OK(glfs_unlink(fs, "/data"));
    FAILS(glfs_unlink(fs, "/data"), ENOENT);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    for (size_t i = 0; i < BIG; i++)
        data[i] = (char)(i * 2654435761u >> 11);
    fs = glfs_new("vol");
    OK(glfs_set_volfile(fs, argv[1]));
    OK(glfs_set_logging(fs, "/dev/stderr", 4));
    OK(glfs_init(fs));
    data_ops();
    attribute_ops();
    entry_ops();
    lock_ops();
    handle_ops();
    remove_ops();
    OK(glfs_fini(fs));
    return 0;
}
