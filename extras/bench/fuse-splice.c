/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuse-splice.c: what splice(2) would do for our mount, without a change to it: loaded into the mount's process with LD_PRELOAD it replaces
 * readv and writev on /dev/fuse for large requests. extras/bench/splice builds it and compares; doc/performance.md has what came of it.
 *
 * FUSE_SPLICE, one word or two:
 *   in    WRITE requests: splice /dev/fuse -> pipe, then read the pipe into the buffers that readv was given. That is libfuse's
 *         FUSE_CAP_SPLICE_READ with write_buf and a buffer of memory.
 *   out   READ answers: write the header and the data into a pipe, splice pipe -> /dev/fuse with SPLICE_F_MOVE. That is fuse_reply_data()
 *         with FUSE_CAP_SPLICE_WRITE and FUSE_CAP_SPLICE_MOVE, from memory.
 *   lend  as out, but the data's pages are lent to the pipe by vmsplice instead of copied into it.
 *
 * The kernel is not asked: that these work is not negotiated in INIT, the FUSE_CAP_ words are libfuse's. A pipe per thread, of 2 MiB:
 * /dev/fuse gives a request whole or not at all, and one of 1 MiB with its header has 257 pages. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIPE_SIZE (2 << 20)
#define LARGE 65536 /* answers below it are written as ever */

static ssize_t (*plain_readv)(int fd, const struct iovec *iov, int n);
static ssize_t (*plain_writev)(int fd, const struct iovec *iov, int n);
static bool in, out, lend;
static _Thread_local int pipes[2] = {-1, -1};

__attribute__((constructor)) static void begin(void)
{
    const char *words = getenv("FUSE_SPLICE");

    plain_readv = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "readv");
    plain_writev = (ssize_t (*)(int, const struct iovec *, int))dlsym(RTLD_NEXT, "writev");
    in = words && strstr(words, "in");
    lend = words && strstr(words, "lend");
    out = lend || (words && strstr(words, "out"));
}

static void fatal(const char *what)
{
    perror(what);
    abort();
}

static bool is_fuse(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 229);
}

static void need_pipe(void)
{
    if (pipes[0] >= 0)
        return;
    if (pipe2(pipes, O_CLOEXEC) < 0 || fcntl(pipes[1], F_SETPIPE_SZ, PIPE_SIZE) < PIPE_SIZE)
        fatal("fuse-splice: a pipe of 2 MiB");
}

/* All n bytes that lie in the pipe, into iov. */
static ssize_t empty_pipe(const struct iovec *iov, int count, size_t n)
{
    size_t done = 0;

    for (int i = 0; i < count && done < n; i++) {
        for (size_t at = 0; at < iov[i].iov_len && done < n;) {
            size_t want = iov[i].iov_len - at < n - done ? iov[i].iov_len - at : n - done;
            ssize_t got = read(pipes[0], (char *)iov[i].iov_base + at, want);

            if (got <= 0)
                fatal("fuse-splice: reading the pipe");
            at += (size_t)got;
            done += (size_t)got;
        }
    }
    return (ssize_t)done;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
    ssize_t n;

    if (!in || !is_fuse(fd))
        return plain_readv(fd, iov, count);
    need_pipe();
    n = splice(fd, NULL, pipes[1], NULL, PIPE_SIZE, 0);
    return n <= 0 ? n : empty_pipe(iov, count, (size_t)n);
}

static void fill_pipe(const struct iovec *iov, size_t len)
{
    if (plain_writev(pipes[1], iov, 1) != (ssize_t)len)
        fatal("fuse-splice: writing the pipe");
}

static void lend_to_pipe(struct iovec iov)
{
    while (iov.iov_len) {
        ssize_t n = vmsplice(pipes[1], &iov, 1, 0);

        if (n <= 0)
            fatal("fuse-splice: vmsplice");
        iov.iov_base = (char *)iov.iov_base + n;
        iov.iov_len -= (size_t)n;
    }
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    if (!out || len < LARGE || !is_fuse(fd))
        return plain_writev(fd, iov, count);
    need_pipe();
    for (int i = 0; i < count; i++) {
        if (lend && i > 0)
            lend_to_pipe(iov[i]);
        else
            fill_pipe(&iov[i], iov[i].iov_len);
    }
    ssize_t n = splice(pipes[0], NULL, fd, NULL, len, SPLICE_F_MOVE);
    if (n != (ssize_t)len) { /* the caller was interrupted meanwhile: what lies in the pipe is nobody's */
        int err = errno;

        close(pipes[0]);
        close(pipes[1]);
        pipes[0] = pipes[1] = -1;
        errno = err;
    }
    return n;
}
