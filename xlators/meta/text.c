/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the files of `.meta` say, in the forms that scripts read there: JSON, statedump sections with "key = value", or one value and a
 * newline. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "graph.h"
#include "logging.h"
#include "master.h"
#include "meta.h"
#include "process.h"
#include "statedump.h"
#include "volume.h"

#define FRAMES_MAX 1024 /* operations that `frames` names; it counts all */

static char *printed(size_t *ret_len, const char *fmt, ...) PRINTF(2, 3);
static char *printed(size_t *ret_len, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    *ret_len = n < 0 ? 0 : (size_t)n;
    return n < 0 ? NULL : text;
}

static struct process *process_of(const struct xlator *meta)
{
    return meta->graph->process;
}

/* ---- the process --------------------------------------------------------------------------------------------------------- */

static void put_json(FILE *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '"' || c == '\\')
            fputc('\\', f);
        if (c < 0x20)
            fprintf(f, "\\u%04x", c);
        else
            fputc(c, f);
    }
}

char *meta_text_cmdline(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char words[4096], *text = NULL;
    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, words, sizeof(words));
    FILE *f = open_memstream(&text, ret_len);

    if (fd >= 0)
        close(fd);
    if (!f)
        return NULL;
    len = max_of(len, (ssize_t)0);
    for (ssize_t i = 0; i + 1 < len; i++)
        if (!words[i])
            words[i] = ' ';
    fputs("{ \n  \"Cmdlinestr\": \"", f);
    put_json(f, words, strnlen(words, (size_t)len));
    fputs("\"\n}", f);
    return fclose(f) == 0 ? text : (free(text), NULL);
}

char *meta_text_version(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    return printed(ret_len, "{ \n  \"Package Version\": \"%s\"\n}", PACKAGE_VERSION);
}

char *meta_text_uuid(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char gfid[GFID_TEXT];

    return printed(ret_len, "%s\n", gfid_text(process_of(meta)->uuid, gfid));
}

static void put_frame(FILE *f, unsigned int i, const struct vop_brief *b, const char *master, const char *top)
{
    fprintf(f,
            "%s\n\t   {\n\t\t\"Number\": %u,\n\t\t\"Frame\": [\n"
            "\t\t   {\n\t\t\t\"Number\": 1,\n\t\t\t\"Xlator\": \"%s\",\n\t\t\t\"Creation_time\": %" PRIu64 ".%09" PRIu64
            ",\n\t\t\t\"Parent\": \"%s\",\n\t\t\t\"Complete\": 0\n\t\t   }\n\t\t],\n"
            "\t\t\"Unique\": %" PRIu64 ",\n\t\t\"Type\": \"%s\",\n\t\t\"UID\": %u,\n\t\t\"GID\": %u,\n\t\t\"PID\": %d\n\t   }",
            i ? "," : "", i + 1, top, b->since_ns / 1000000000, b->since_ns % 1000000000, master, b->unique, fop_name(b->op), b->uid,
            b->gid, b->pid);
}

/* Each operation that came from above and is not answered yet, this one's READ or OPEN among them. */
char *meta_text_frames(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    const struct master *m = process_of(meta)->master;
    struct vop_brief *all = calloc(FRAMES_MAX, sizeof(*all));
    unsigned int count = m && all ? volume_running(m->volume, all, FRAMES_MAX) : 0;
    char *text = NULL;
    FILE *f = all ? open_memstream(&text, ret_len) : NULL;

    if (!f) {
        free(all);
        return NULL;
    }
    fputs("{ \n\t\"Stack\": [", f);
    for (unsigned int i = 0; i < min_of(count, (unsigned int)FRAMES_MAX); i++)
        put_frame(f, i, &all[i], m->name, meta->graph->top->name);
    fprintf(f, "\n\t],\n\t\"Call_Count\": %u\n}", count);
    free(all);
    return fclose(f) == 0 ? text : (free(text), NULL);
}

static void fill_mallinfo(struct dump *d, const void *ctx)
{
    dump_mallinfo(d);
}

char *meta_text_mallinfo(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    return dump_text(fill_mallinfo, NULL, ret_len);
}

char *meta_text_logfile(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char path[4096];

    logging_file(path, sizeof(path));
    return printed(ret_len, "%s", path);
}

char *meta_text_loglevel(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    return printed(ret_len, "%d\n", (int)log_get_level());
}

int meta_set_loglevel(struct xlator *meta, struct meta_node n, const char *value)
{
    char *end;
    long level = strtol(value, &end, 10);

    while (isspace((unsigned char)*end))
        end++;
    if (end == value || *end || level < LVL_NONE || level > LVL_TRACE)
        return -EINVAL;
    log_set_level((enum log_level)level);
    return 0;
}

/* ---- latencies: debug/io-stats has them ---------------------------------------------------------------------------------- */

static void told(struct xlator_ask *ask, int ret)
{
}

/* enable: 0, 1, or -1 to ask only. How it is now. */
static bool latency(struct xlator *meta, int enable)
{
    struct dict *in = dict_new(), *out = dict_new();
    bool on = false;

    if (in && enable >= 0)
        dict_set_i64(in, "enable", enable);
    for (struct xlator *xl = in && out ? meta->graph->first : NULL; xl; xl = xl->next) {
        struct xlator_ask ask = {.what = ASK_LATENCY, .in = in, .out = out, .done = told};

        if (xl->type->ask)
            xl->type->ask(xl, &ask); /* done() runs inside */
        on |= dict_is_true(out, "enabled");
    }
    dict_unref(in);
    dict_unref(out);
    return on;
}

char *meta_text_latency(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    return printed(ret_len, "%d\n", latency(meta, -1));
}

int meta_set_latency(struct xlator *meta, struct meta_node n, const char *value)
{
    char *end;
    long on = strtol(value, &end, 10);

    if (end == value)
        return -EINVAL;
    latency(meta, on != 0);
    return 0;
}

/* ---- graphs -------------------------------------------------------------------------------------------------------------- */

void meta_graph_name(struct xlator *meta, char to[FOP_NAME_MAX + 1])
{
    char host[128] = "";

    gethostname(host, sizeof(host) - 1);
    snprintf(to, FOP_NAME_MAX + 1, "%s-%d-%u", host, (int)getpid(), meta->graph->id);
}

char *meta_text_active(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char name[FOP_NAME_MAX + 1];

    meta_graph_name(meta, name);
    return printed(ret_len, "%s", name);
}

char *meta_text_top(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char name[FOP_NAME_MAX + 1];

    meta_xlator_name(meta->graph->top, name);
    return printed(ret_len, "%s", name);
}

char *meta_text_volfile(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_len);

    if (!f)
        return NULL;
    SCOPED_LOCK(&process_of(meta)->graph_lock);
    for (const struct xlator *xl = meta->graph->first; xl; xl = xl->next) {
        fprintf(f, "volume %s\n    type %s\n", xl->name, xl->type->name);
        for (unsigned int i = 0; i < xl->options.n; i++)
            fprintf(f, "    option %s %s\n", xl->options.pairs[i].key, xl->options.pairs[i].value);
        if (xl->nr_children)
            fputs("    subvolumes", f);
        for (unsigned int i = 0; i < xl->nr_children; i++)
            fprintf(f, " %s", xl->children[i]->name);
        fprintf(f, "%send-volume\n\n", xl->nr_children ? "\n" : "");
    }
    return fclose(f) == 0 ? text : (free(text), NULL);
}

/* ---- a translator, or the master ----------------------------------------------------------------------------------------- */

struct about {
    struct xlator *xl;          /* NULL: the master */
    const struct master *master; /* may be NULL, too */
};

static struct about about(struct xlator *meta, struct meta_node n)
{
    return (struct about){.xl = meta_xlator(meta, n.xl), .master = process_of(meta)->master};
}

static const char *type_of(const struct about *a)
{
    return a->xl ? a->xl->type->name : a->master ? a->master->type : "";
}

static const char *name_of(const struct about *a)
{
    return a->xl ? a->xl->name : a->master ? a->master->name : "";
}

char *meta_text_type(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    struct about a = about(meta, n);

    return printed(ret_len, "%s\n", type_of(&a));
}

char *meta_text_name(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    struct about a = about(meta, n);

    return printed(ret_len, "%s\n", name_of(&a));
}

static void fill_private(struct dump *d, const void *ctx)
{
    const struct about *a = ctx;

    if (a->xl && a->xl->type->dump) {
        dump_section_of(d, type_of(a), name_of(a), "priv");
        a->xl->type->dump(a->xl, d);
    } else if (!a->xl && a->master && a->master->dump) {
        dump_section_of(d, type_of(a), NULL, "priv");
        a->master->dump(a->master, d);
    }
}

char *meta_text_private(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    struct about a = about(meta, n);

    return dump_text(fill_private, &a, ret_len);
}

static void fill_profile(struct dump *d, const void *ctx)
{
    const struct about *a = ctx;

    dump_section(d, "%s.latency", name_of(a));
    if (a->xl && a->xl->type->profile)
        a->xl->type->profile(a->xl, d);
}

char *meta_text_profile(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    struct about a = about(meta, n);

    return dump_text(fill_profile, &a, ret_len);
}

/* Only the master keeps one, if it was told to. */
static void fill_history(struct dump *d, const void *ctx)
{
    const struct about *a = ctx;

    if (a->xl || !a->master || !a->master->dump_history)
        return;
    dump_section_of(d, type_of(a), NULL, "history");
    a->master->dump_history(a->master, d);
}

char *meta_text_history(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    struct about a = about(meta, n);

    return dump_text(fill_history, &a, ret_len);
}

/* Memory is not counted by translator. */
char *meta_text_meminfo(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    struct about a = about(meta, n);

    return printed(ret_len, "[%s.%s - Memory usage]\nnum_types = 0\n", type_of(&a), name_of(&a));
}

char *meta_text_subvolume(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    char name[FOP_NAME_MAX + 1];

    meta_xlator_name(meta_xlator(meta, n.xl)->children[n.item], name);
    return printed(ret_len, "../../%s", name);
}

char *meta_text_option(struct xlator *meta, struct meta_node n, size_t *ret_len)
{
    SCOPED_LOCK(&process_of(meta)->graph_lock);
    const struct optset *o = meta_options(meta, n.xl);

    return printed(ret_len, "%s\n", n.item < o->n ? o->pairs[n.item].value : "");
}
