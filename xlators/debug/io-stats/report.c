/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* report.c: setxattr of trusted.io-stats-dump at a mount: the counts as text in a file of the run directory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "graph.h"
#include "io-stats.h"
#include "process.h"

/* RUN_DIRECTORY/NAME.TRANSLATOR; a slash in either is a dash, so that the file is nowhere else. */
static int path_of(const struct xlator *xl, const void *name, size_t len, char *to, size_t size)
{
    const char *dir = xl->graph->process->run_dir;
    size_t begin = strlen(dir) + 1;
    int n;

    len = strnlen(name, len);
    if (!len)
        return -EINVAL;
    n = snprintf(to, size, "%s/%.*s.%s", dir, (int)len, (const char *)name, xl->name);
    if (n < 0 || (size_t)n >= size)
        return -ENAMETOOLONG;
    for (char *c = to + begin; *c; c++)
        if (*c == '/')
            *c = '-';
    return 0;
}

static void write_sizes(FILE *f, const struct ios *s, const struct ios_view *v)
{
    for (unsigned int i = 0; i < BLOCK_SIZES; i++) {
        int64_t reads = IOS_SINCE(s, v, reads[i]), writes = IOS_SINCE(s, v, writes[i]);

        if (reads || writes)
            fprintf(f, "\nBlock Size   : %16uB+\nRead Count   : %17" PRId64 "\nWrite Count  : %17" PRId64 "\n", 1u << i, reads, writes);
    }
}

static void write_fops(FILE *f, const struct ios *s, const struct ios_view *v)
{
    fprintf(f, "\n%-13s %10s %14s %14s %14s\n", "Fop", "Call Count", "Avg-Latency", "Min-Latency", "Max-Latency");
    fprintf(f, "%-13s %10s %14s %14s %14s\n", "---", "----------", "-----------", "-----------", "-----------");
    for (int op = 0; op < NR_FOPS; op++) {
        int64_t hits = IOS_SINCE(s, v, hits[op]), timed = IOS_SINCE(s, v, timed[op]);
        int64_t average = timed > 0 ? IOS_SINCE(s, v, ns[op]) / timed : 0;
        uint64_t min = atomic_load_explicit(&v->min_ns[op], memory_order_relaxed);
        uint64_t max = atomic_load_explicit(&v->max_ns[op], memory_order_relaxed);

        if (hits > 0)
            fprintf(f, "%-13s %10" PRId64 " %11" PRId64 " us %11" PRIu64 " us %11" PRIu64 " us\n",
                    op == STAT_FORGET ? "FORGET" : fop_name((enum fop_op)op), hits, average / 1000, min / 1000, max / 1000);
    }
}

/* The title, then what has been counted since v began. The lock is held. */
static void write_view(FILE *f, const struct ios *s, const struct ios_view *v)
{
    fprintf(f, "      Duration : %" PRIu64 " secs\n     BytesRead : %" PRId64 "\n  BytesWritten : %" PRId64 "\n",
            (clock_ns() - v->started_ns) / 1000000000, IOS_SINCE(s, v, bytes_read), IOS_SINCE(s, v, bytes_written));
    write_sizes(f, s, v);
    write_fops(f, s, v);
    fprintf(f, "\n");
}

static void write_report(FILE *f, struct ios *s)
{
    SCOPED_LOCK(&s->lock);
    fprintf(f, "\n=== Cumulative stats ===\n");
    write_view(f, s, &s->since[SINCE_CLEARED]);
    fprintf(f, "Current open fd's: %" PRId64 " Max open fd's: %" PRId64 "\n\n", counter_get(&s->open),
            atomic_load_explicit(&s->open_max, memory_order_relaxed));
    fprintf(f, "=== Interval %" PRIu64 " stats ===\n", s->interval);
    write_view(f, s, &s->since[SINCE_ASKED]);
}

int ios_write_report(struct xlator *xl, const void *name, size_t len)
{
    char path[512];
    int r = path_of(xl, name, len, path, sizeof(path)), fd;
    FILE *f;

    if (r < 0)
        return r;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0)
        return -errno;
    f = fdopen(fd, "w");
    if (!f) {
        r = -errno;
        close(fd);
        return r;
    }
    write_report(f, xl->priv);
    return fclose(f) == 0 ? 0 : -errno;
}
