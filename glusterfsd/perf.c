/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* perf.c: the small test of the disk behind `volume top VOLUME read-perf bs SIZE count N`, as GlusterFS does it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "brick-ops.h"
#include "clock.h"
#include "graph.h"

#define PERF_FILE ".gf-tmp-stats-perf"       /* stock's name */
#define BLOCK_MAX (1 * GiB)
#define TOTAL_MAX (10 * GiB)                 /* the command line's own bound */

static int write_blocks(const struct process *p, int fd, const char *block, uint64_t size, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n = p->stopping ? -1 : write(fd, block, size);

        if (n != (ssize_t)size)
            return p->stopping ? -ECANCELED : n < 0 ? -errno : -ENOSPC;
    }
    return 0;
}

static int read_blocks(const struct process *p, int fd, char *block, uint64_t size, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        ssize_t n = p->stopping ? -1 : pread(fd, block, size, (off_t)(i * size));

        if (n != (ssize_t)size)
            return p->stopping ? -ECANCELED : n < 0 ? -errno : -EIO;
    }
    return 0;
}

static int measure(const struct process *p, int fd, bool read, uint64_t size, uint64_t count, struct perf_result *ret)
{
    char *block = calloc(1, size);
    uint64_t start = clock_ns();
    int failed = block ? write_blocks(p, fd, block, size, count) : -ENOMEM;

    if (!failed && read) {
        failed = fsync(fd) < 0 ? -errno : 0;
        start = clock_ns();
        if (!failed)
            failed = read_blocks(p, fd, block, size, count);
    }
    free(block);
    if (failed)
        return failed;
    ret->us = (double)max_of(clock_ns() - start, (uint64_t)1000) / 1000;
    ret->mb_per_s = (double)(size * count) / ret->us;
    return 0;
}

int perf_measure(struct process *p, const char *brick, bool read, uint64_t size, uint64_t count, struct perf_result *ret)
{
    const struct xlator *xl = graph_find(p->graph, brick);
    char path[PATH_MAX];
    int fd, failed;

    if (!xl || xl->parent != p->graph->top || brick[0] != '/')
        return -ENOENT;
    if (size > BLOCK_MAX || count > TOTAL_MAX / size)
        return -EINVAL;
    if (snprintf(path, sizeof(path), "%s/" PERF_FILE, brick) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    unlink(path); /* of a test that was cut short */
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    failed = measure(p, fd, read, size, count, ret);
    close(fd);
    unlink(path);
    return failed;
}
