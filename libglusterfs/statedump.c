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
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "graph.h"
#include "iobuf.h"
#include "master.h"
#include "pool.h"
#include "process.h"

struct dump {
    FILE *file;
    const char *equals; /* between key and value */
};

void dump_section(struct dump *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs(ftell(d->file) == 0 ? "[" : "\n[", d->file);
    vfprintf(d->file, fmt, ap);
    fputs("]\n", d->file);
    va_end(ap);
}

/* Values may come from a peer: they stay on their line. */
void dump_kv(struct dump *d, const char *key, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        return;
    for (int i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    fprintf(d->file, "%s%s%s\n", key, d->equals, text);
    free(text);
}

/* "protocol/server" is xlator.protocol.server in section names. */
void dump_section_of(struct dump *d, const char *type, const char *name, const char *part)
{
    char text[128];
    size_t n = 0;

    for (; type[n] && n + 1 < sizeof(text); n++)
        text[n] = type[n] == '/' ? '.' : type[n];
    text[n] = '\0';
    dump_section(d, "xlator.%s%s%s.%s", text, name ? "." : "", name ? name : "", part);
}

char *dump_text(void (*fill)(struct dump *d, const void *ctx), const void *ctx, size_t *ret_len)
{
    char *text = NULL;
    size_t len = 0;
    struct dump d = {.file = open_memstream(&text, &len), .equals = " = "};

    if (!d.file)
        return NULL;
    fill(&d, ctx);
    if (fclose(d.file) != 0) {
        free(text);
        return NULL;
    }
    *ret_len = len;
    return text;
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

void dump_mallinfo(struct dump *d)
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

static void dump_master(struct dump *d, const struct master *m, unsigned int what)
{
    if (m->dump && what & DUMP_PRIV) {
        dump_section_of(d, m->type, NULL, "priv");
        m->dump(m, d);
    }
    if (m->dump_history && what & DUMP_HISTORY) {
        dump_section_of(d, m->type, NULL, "history");
        m->dump_history(m, d);
    }
    if (m->dump_objects && what & DUMP_INODE)
        m->dump_objects(m, d);
}

static void dump_process(struct dump *d, struct process *p, unsigned int what)
{
    dump_time(d->file, "DUMP-START-TIME", "\n");
    if (what & DUMP_MEM)
        dump_mallinfo(d);
    dump_census(d, p);
    if (p->process_name) {
        dump_section(d, "process");
        dump_kv(d, "name", "%s", p->process_name);
    }
    if (what & DUMP_IOBUF) {
        dump_section(d, "iobuf.global");
        dump_kv(d, "cached_bytes", "%zu", iobuf_pool_cached(p->env.bufs));
    }
    if (what & DUMP_CALLPOOL)
        dump_pool(d, p->pool);
    if (p->master)
        dump_master(d, p->master, what);
    pthread_mutex_lock(&p->graph_lock);
    if (p->graph)
        graph_dump(p->graph, what, d);
    pthread_mutex_unlock(&p->graph_lock);
    fputc('\n', d->file);
    dump_time(d->file, "DUMP-END-TIME", "");
}

/* ---- what it shall have -------------------------------------------------------------------------------------------------- */

struct wish {
    unsigned int what;
    char dir[PATH_MAX];
};

static const struct {
    const char *key;
    unsigned int what;
} wishes[] = {
    {"all", DUMP_ALL},   {"mem", DUMP_MEM}, {"iobuf", DUMP_IOBUF}, {"callpool", DUMP_CALLPOOL},
    {"priv", DUMP_PRIV}, {"fd", DUMP_PRIV}, {"fdctx", DUMP_PRIV},  {"inode", DUMP_INODE},
    {"inodectx", DUMP_INODE | DUMP_INODECTX}, {"history", DUMP_HISTORY},
};

static void take_wish(struct wish *w, char *line)
{
    char *value = strchr(line, '=');

    if (!value)
        return;
    *value++ = '\0';
    value[strcspn(value, "\r\n")] = '\0';
    if (strcmp(line, "path") == 0 && value[0] == '/')
        snprintf(w->dir, sizeof(w->dir), "%s", value);
    for (size_t i = 0; i < array_len(wishes); i++)
        if (strcmp(line, wishes[i].key) == 0 && strcasecmp(value, "yes") == 0)
            w->what |= wishes[i].what;
}

static FILE *open_wishes(const struct process *p)
{
    char name[PATH_MAX];
    FILE *f;

    snprintf(name, sizeof(name), "%s/glusterdump.%d.options", p->run_dir, (int)getpid());
    f = fopen(name, "re");
    if (f)
        return f;
    snprintf(name, sizeof(name), "%s/glusterdump.options", p->run_dir);
    return fopen(name, "re");
}

static void read_wishes(struct process *p, struct wish *ret)
{
    FILE *f = open_wishes(p);
    char line[PATH_MAX + 8];

    *ret = (struct wish){.what = f ? 0 : DUMP_ALL};
    pthread_mutex_lock(&p->graph_lock);
    snprintf(ret->dir, sizeof(ret->dir), "%s", p->statedump_dir ? p->statedump_dir : p->run_dir);
    pthread_mutex_unlock(&p->graph_lock);
    while (f && fgets(line, sizeof(line), f))
        take_wish(ret, line);
    if (f)
        fclose(f);
}

/* All of it, in memory: the graph is locked meanwhile, and a disk may hang. */
static char *whole(struct process *p, unsigned int what, size_t *ret_len)
{
    char *text = NULL;
    struct dump d = {.file = open_memstream(&text, ret_len), .equals = "="};

    if (!d.file)
        return NULL;
    dump_process(&d, p, what);
    if (fclose(d.file) == 0)
        return text;
    free(text);
    return NULL;
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno != EINTR)
            return -errno;
        text += max_of(n, (ssize_t)0);
        len -= (size_t)max_of(n, (ssize_t)0);
    }
    return 0;
}

int statedump_write(struct process *p, const char *prefix, struct err *err)
{
    char aside[PATH_MAX], name[PATH_MAX], *text;
    struct wish wish;
    size_t len;
    int fd, failed;

    read_wishes(p, &wish);
    if ((size_t)snprintf(aside, sizeof(aside), "%s/dumpXXXXXX", wish.dir) >= sizeof(aside) ||
        (size_t)snprintf(name, sizeof(name), "%s/%s.%d.dump.%lld", wish.dir, prefix, (int)getpid(), (long long)time(NULL)) >= sizeof(name))
        return err_set(err, -ENAMETOOLONG, "statedump in %s: the name is too long", wish.dir);
    text = whole(p, wish.what, &len);
    if (!text)
        return err_set(err, -ENOMEM, "statedump in %s: no memory", wish.dir);
    fd = mkostemp(aside, O_CLOEXEC);
    if (fd < 0) {
        failed = -errno;
        free(text);
        return err_set(err, failed, "statedump in %s: %s", wish.dir, strerror(-failed));
    }
    failed = write_all(fd, text, len);
    free(text);
    if (close(fd) < 0 && !failed)
        failed = -errno;
    if (!failed && rename(aside, name) < 0)
        failed = -errno;
    if (failed) {
        unlink(aside);
        return err_set(err, failed, "statedump %s: %s", name, strerror(-failed));
    }
    return 0;
}
