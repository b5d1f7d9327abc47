/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Edges of the operations on ranges of a file, and of O_DIRECT: prints what each call gives. The same against the stock brick and ours.
 *
 *   ranges VOLUME-FILE */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <fcntl.h>
#include <glusterfs/api/glfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static glfs_t *fs;
static char *data;

static void say(const char *what, long long ret)
{
    printf("%-60s %lld %s\n", what, ret, ret < 0 ? strerrorname_np(errno) : "");
}
#define SAY(call) (errno = 0, say(#call, (long long)(call)))

static glfs_fd_t *file(const char *name, int flags, size_t size)
{
    glfs_fd_t *f = glfs_creat(fs, name, O_RDWR, 0644);
    if (!f || glfs_write(f, data, size, 0) != (ssize_t)size || glfs_fsync(f, NULL, NULL) < 0) {
        perror(name);
        exit(1);
    }
    if (flags == O_RDWR)
        return f;
    glfs_close(f);
    f = glfs_open(fs, name, flags);
    if (!f)
        printf("open of %s with %o: %s\n", name, flags, strerrorname_np(errno));
    return f;
}

/* Size, blocks, and a sum of what can be read. */
static void state(glfs_fd_t *f, const char *when)
{
    struct stat st;
    unsigned long sum = 5381;
    char buf[4096];
    if (glfs_fstat(f, &st) < 0) {
        say(when, -1);
        return;
    }
    ssize_t n;
    for (off_t at = 0; (n = glfs_pread(f, buf, sizeof(buf), at, 0, NULL)) > 0; at += n)
        for (ssize_t i = 0; i < n; i++)
            sum = sum * 33 + (unsigned char)buf[i];
    printf("%s: size %lld blocks %lld sum %lx%s\n", when, (long long)st.st_size, (long long)st.st_blocks, sum, n < 0 ? " unreadable" : "");
}

static void allocation(void)
{
    glfs_fd_t *f = file("alloc", O_RDWR, 10000);
    SAY(glfs_fallocate(f, 0, 0, 0));
    SAY(glfs_fallocate(f, 0, -1, 10));
    SAY(glfs_fallocate(f, 0, 1LL << 62, 1LL << 62));
    SAY(glfs_fallocate(f, 1, 20000, 50000));
    state(f, "kept size");
    SAY(glfs_fallocate(f, 0, 5000, 95000));
    state(f, "extended");
    SAY(glfs_fallocate(f, 0, 100, 100));
    state(f, "inside");
    SAY(glfs_discard(f, 0, 0));
    SAY(glfs_discard(f, 4096, 4096));
    state(f, "punched");
    SAY(glfs_discard(f, 1000, 10));
    SAY(glfs_discard(f, 99000, 100000));
    SAY(glfs_discard(f, 1 << 20, 4096));
    state(f, "punched at the end");
    SAY(glfs_zerofill(f, 0, 0));
    SAY(glfs_zerofill(f, 50, 100));
    SAY(glfs_zerofill(f, 90000, 30000));
    state(f, "zeroed, and over the end");
    SAY(glfs_zerofill(f, 1 << 20, 1 << 20));
    state(f, "zeroed beyond the end");
    SAY(glfs_ftruncate(f, 3, NULL, NULL));
    SAY(glfs_ftruncate(f, 1 << 20, NULL, NULL));
    state(f, "truncated and extended");
    SAY(glfs_truncate(fs, "alloc", 77));
    state(f, "by name");
    SAY(glfs_ftruncate(f, -1, NULL, NULL));
    glfs_close(f);
    f = file("alloc", O_RDONLY, 10000);
    SAY(glfs_fallocate(f, 0, 0, 100));
    SAY(glfs_discard(f, 0, 100));
    SAY(glfs_zerofill(f, 0, 100));
    SAY(glfs_ftruncate(f, 0, NULL, NULL));
    SAY(glfs_write(f, data, 10, 0));
    SAY(glfs_fsync(f, NULL, NULL));
    SAY(glfs_fdatasync(f, NULL, NULL));
    glfs_close(f);
}

static void seeks(void)
{
    glfs_fd_t *f = file("seek", O_RDWR, 8192);
    SAY(glfs_ftruncate(f, 1 << 20, NULL, NULL));
    SAY(glfs_pwrite(f, data, 4096, 512 << 10, 0, NULL, NULL));
    SAY(glfs_fsync(f, NULL, NULL));
    static const long long at[] = {0, 1, 8191, 8192, 10000, 512 << 10, (512 << 10) + 1, (1 << 20) - 1, 1 << 20, 2 << 20, -1};
    for (unsigned i = 0; i < sizeof(at) / sizeof(*at); i++) {
        printf("from %lld: ", at[i]);
        SAY(glfs_lseek(f, at[i], SEEK_DATA));
        printf("from %lld: ", at[i]);
        SAY(glfs_lseek(f, at[i], SEEK_HOLE));
    }
    glfs_close(f);
    f = glfs_creat(fs, "empty", O_RDWR, 0644);
    SAY(glfs_lseek(f, 0, SEEK_DATA));
    SAY(glfs_lseek(f, 0, SEEK_HOLE));
    glfs_close(f);
}

static void copies(void)
{
    glfs_fd_t *f = file("from", O_RDWR, 100000), *g = file("to", O_RDWR, 10);
    static const struct {
        long long in, out;
        size_t len;
    } c[] = {{0, 0, 4096}, {1, 5, 1000}, {99990, 0, 100}, {100000, 0, 10}, {200000, 0, 10}, {0, 200000, 10}, {0, 0, 0}, {0, 0, 1 << 20}};
    for (unsigned i = 0; i < sizeof(c) / sizeof(*c); i++) {
        off64_t in = c[i].in, out = c[i].out;
        printf("%lld to %lld, %zu: ", c[i].in, c[i].out, c[i].len);
        SAY(glfs_copy_file_range(f, &in, g, &out, c[i].len, 0, NULL, NULL, NULL));
        state(g, "then");
    }
    off64_t in = 0, out = 50000;
    SAY(glfs_copy_file_range(f, &in, f, &out, 1000, 0, NULL, NULL, NULL));
    in = 0, out = 500;
    SAY(glfs_copy_file_range(f, &in, f, &out, 1000, 0, NULL, NULL, NULL)); /* overlaps */
    in = 0, out = 0;
    SAY(glfs_copy_file_range(f, &in, g, &out, 1000, 1, NULL, NULL, NULL)); /* no such flag */
    state(f, "the source");
    glfs_close(f);
    glfs_close(g);
}

static void direct(void)
{
    glfs_fd_t *f = file("direct", O_RDWR | O_DIRECT, 20000);
    if (!f)
        return;
    SAY(glfs_pwrite(f, data, 4096, 0, 0, NULL, NULL));
    SAY(glfs_pwrite(f, data + 1, 4096, 4096, 0, NULL, NULL));
    SAY(glfs_pwrite(f, data, 100, 0, 0, NULL, NULL));
    SAY(glfs_pwrite(f, data, 4096, 100, 0, NULL, NULL));
    SAY(glfs_pwrite(f, data, 65536, 8192, 0, NULL, NULL));
    SAY(glfs_pread(f, data + 300000, 4096, 4096, 0, NULL));
    SAY(glfs_pread(f, data + 300000, 65536, 0, 0, NULL));
    SAY(glfs_pread(f, data + 300000, 4096, 100, 0, NULL));
    SAY(glfs_pread(f, data + 300000, 100, 0, 0, NULL));
    SAY(glfs_pread(f, data + 300000, 8192, 69632, 0, NULL)); /* crosses the end */
    SAY(glfs_pread(f, data + 300000, 4096, 1 << 20, 0, NULL));
    glfs_close(f);
    f = glfs_open(fs, "direct", O_RDWR);
    state(f, "after direct writes");
    glfs_close(f);
    f = glfs_open(fs, "direct", O_RDWR | O_APPEND);
    SAY(glfs_pwrite(f, data, 10, 0, 0, NULL, NULL));
    state(f, "appended");
    glfs_close(f);
    f = glfs_open(fs, "direct", O_WRONLY | O_SYNC);
    SAY(glfs_pwrite(f, data, 10, 0, 0, NULL, NULL));
    SAY(glfs_pread(f, data + 300000, 10, 0, 0, NULL));
    glfs_close(f);
}

int main(int argc, char **argv)
{
    data = aligned_alloc(4096, 1 << 20);
    for (unsigned i = 0; data && i < 1 << 20; i++)
        data[i] = (char)(i * 2654435761u >> 24);
    fs = glfs_new("vol");
    if (argc < 2 || !data || !fs || glfs_set_volfile(fs, argv[1]) < 0 || glfs_set_logging(fs, "/dev/null", 1) < 0 || glfs_init(fs) < 0) {
        perror("start");
        return 1;
    }
    allocation();
    seeks();
    copies();
    direct();
    fflush(stdout);
    _exit(0); /* stock's glfs_fini() waits 10 s for nothing that matters here */
}
