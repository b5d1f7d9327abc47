/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A statedump: mallinfo, census, buffers, workers, then the graph. Written aside and renamed, so that who waits for the name
 * finds all of it. */
#include "statedump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "graph.h"
#include "iobuf.h"
#include "pool.h"
#include "process.h"

struct dump {
    FILE *file;
};

void dump_section(struct dump *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("\n[", d->file);
    vfprintf(d->file, fmt, ap);
    fputs("]\n", d->file);
    va_end(ap);
}

void dump_kv(struct dump *d, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(d->file, "%s=", key);
    vfprintf(d->file, fmt, ap);
    fputc('\n', d->file);
    va_end(ap);
}

static void dump_time(FILE *file, const char *what, const char *end)
{
    struct timespec now;
    char text[32];
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
    fprintf(file, "%s: %s.%06ld +0000%s", what, text, now.tv_nsec / 1000, end);
}

static void dump_mallinfo(struct dump *d)
{
    struct mallinfo2 m = mallinfo2();

    dump_section(d, "mallinfo");
    dump_kv(d, "mallinfo_arena", "%zu", m.arena);
    dump_kv(d, "mallinfo_ordblks", "%zu", m.ordblks);
    dump_kv(d, "mallinfo_smblks", "%zu", m.smblks);
    dump_kv(d, "mallinfo_hblks", "%zu", m.hblks);
    dump_kv(d, "mallinfo_hblkhd", "%zu", m.hblkhd);
    dump_kv(d, "mallinfo_usmblks", "%zu", m.usmblks);
    dump_kv(d, "mallinfo_fsmblks", "%zu", m.fsmblks);
    dump_kv(d, "mallinfo_uordblks", "%zu", m.uordblks);
    dump_kv(d, "mallinfo_fordblks", "%zu", m.fordblks);
    dump_kv(d, "mallinfo_keepcost", "%zu", m.keepcost);
}

static void dump_census(struct dump *d, const struct process *p)
{
    dump_section(d, "census");
    for (unsigned int i = 0; i < NR_CENSUS; i++)
        dump_kv(d, census_name((enum census_item)i), "%lld", (long long)counter_get(&p->census.now[i]));
}

static void dump_pool(struct dump *d, struct pool *pool)
{
    static const char *const names[NR_CLASSES] = {"high", "normal", "low", "least"};
    struct pool_counts counts = pool_counts(pool);

    dump_section(d, "pool");
    dump_kv(d, "threads", "%u", counts.threads);
    dump_kv(d, "idle", "%u", counts.idle);
    for (unsigned int i = 0; i < NR_CLASSES; i++) {
        char key[32];

        snprintf(key, sizeof(key), "%s.queued", names[i]);
        dump_kv(d, key, "%u", counts.queued[i]);
        snprintf(key, sizeof(key), "%s.running", names[i]);
        dump_kv(d, key, "%u", counts.running[i]);
    }
}

static void dump_process(struct dump *d, struct process *p)
{
    dump_time(d->file, "DUMP-START-TIME", "\n");
    dump_mallinfo(d);
    dump_census(d, p);
    dump_section(d, "iobuf.global");
    dump_kv(d, "cached_bytes", "%zu", iobuf_pool_cached(p->env.bufs));
    dump_pool(d, p->pool);
    pthread_mutex_lock(&p->graph_lock);
    if (p->graph)
        graph_dump(p->graph, d);
    pthread_mutex_unlock(&p->graph_lock);
    fputc('\n', d->file);
    dump_time(d->file, "DUMP-END-TIME", "");
}

int statedump_write(struct process *p, const char *prefix, struct err *err)
{
    char aside[PATH_MAX], name[PATH_MAX];
    struct dump d;
    int fd, failed;

    if ((size_t)snprintf(aside, sizeof(aside), "%s/dumpXXXXXX", p->statedump_dir) >= sizeof(aside) ||
        (size_t)snprintf(name, sizeof(name), "%s/%s.%d.dump.%lld", p->statedump_dir, prefix, (int)getpid(),
                         (long long)time(NULL)) >= sizeof(name))
        return err_set(err, -ENAMETOOLONG, "statedump in %s: the name is too long", p->statedump_dir);
    fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0)
        return err_set(err, -errno, "statedump in %s: %s", p->statedump_dir, strerror(errno));
    d.file = fdopen(fd, "w");
    if (!d.file) {
        failed = -errno;
        close(fd);
        unlink(aside);
        return err_set(err, failed, "statedump in %s: %s", p->statedump_dir, strerror(-failed));
    }
    dump_process(&d, p);
    failed = ferror(d.file) ? -EIO : 0;
    if (fclose(d.file) != 0 && !failed)
        failed = -errno;
    if (!failed && rename(aside, name) < 0)
        failed = -errno;
    if (failed) {
        unlink(aside);
        return err_set(err, failed, "statedump %s: %s", name, strerror(-failed));
    }
    return 0;
}
