/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A program that uses libgfapi and finds that something cannot be had, once (tests/tools/failing.c): what it does fails with an errno, is
 * taken down, and done again.
 *
 *   failing VOLFILE TRIES    0: it went well in the end. 1: never. 3: wrong bytes, or success that was none */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glusterfs/api/glfs.h>

enum { SIZE = 300000 };
static char data[SIZE], got[SIZE];

static int failed(const char *what)
{
    printf("%s: %s\n", what, errno ? strerror(errno) : "no reason given");
    return errno ? -1 : 3;
}

/* Whatever the calls before have left, this file holds nothing or the right bytes up to what was written. */
static int use(glfs_t *fs)
{
    glfs_fd_t *fd;
    struct stat st;
    int r = 0;

    errno = 0;
    fd = glfs_creat(fs, "/failing", O_RDWR | O_TRUNC, 0644);
    if (!fd)
        return failed("creat");
    errno = 0;
    if (glfs_write(fd, data, SIZE, 0) != SIZE)
        r = failed("write");
    if (r == 0 && (errno = 0, glfs_fsync(fd, NULL, NULL)) < 0)
        r = failed("fsync");
    if (r == 0 && (errno = 0, glfs_pread(fd, got, SIZE, 0, 0, NULL)) != SIZE)
        r = failed("read");
    else if (r == 0 && memcmp(data, got, SIZE) != 0)
        r = 3;
    errno = 0;
    if (glfs_close(fd) < 0 && r == 0)
        r = failed("close");
    if (r == 0 && (errno = 0, glfs_stat(fs, "/failing", &st)) < 0)
        r = failed("stat");
    else if (r == 0 && st.st_size != SIZE)
        r = 3;
    return r;
}

static int once(const char *volfile)
{
    glfs_t *fs;
    int r = 0;

    errno = 0;
    fs = glfs_new("failing");
    if (!fs)
        return failed("new");
    if (glfs_set_volfile(fs, volfile) < 0 || glfs_set_logging(fs, "client.log", 7) < 0)
        r = failed("set");
    if (r == 0 && (errno = 0, glfs_init(fs)) < 0)
        r = failed("init");
    if (r == 0)
        r = use(fs);
    errno = 0;
    if (glfs_fini(fs) < 0 && r == 0)
        r = failed("fini");
    return r;
}

int main(int argc, char **argv)
{
    int tries = argc > 2 ? atoi(argv[2]) : 1, r = -1;

    for (size_t i = 0; i < SIZE; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    for (int i = 0; i < tries && r < 0; i++)
        r = once(argv[1]);
    return r < 0 ? 1 : r;
}
