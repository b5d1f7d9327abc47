/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The table of what is in `.meta`, and how a name, a number and a gfid become a node. The names are GlusterFS's (spec brick 7.6). */
#include "meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "graph.h"
#include "inode.h"
#include "master.h"
#include "process.h"

/* ---- what is numbered ---------------------------------------------------------------------------------------------------- */

struct xlator *meta_xlator(struct xlator *meta, unsigned int number)
{
    struct xlator *xl = number ? meta->graph->first : NULL;

    while (xl && --number)
        xl = xl->next;
    return xl;
}

static unsigned int nr_graphs(struct xlator *meta, struct meta_node folder)
{
    return 1;
}

static void graph_name(struct xlator *meta, struct meta_node n, char to[FOP_NAME_MAX + 1])
{
    meta_graph_name(meta, to);
}

static unsigned int nr_xlators(struct xlator *meta, struct meta_node folder)
{
    return meta->graph->nr_xlators;
}

void meta_xlator_name(const struct xlator *xl, char to[FOP_NAME_MAX + 1])
{
    snprintf(to, FOP_NAME_MAX + 1, "%s", xl->name);
    for (char *c = to; *c; c++)
        if (*c == '/') /* those of a brick may be named after paths */
            *c = '-';
}

static void xlator_name(struct xlator *meta, struct meta_node n, char to[FOP_NAME_MAX + 1])
{
    meta_xlator_name(meta_xlator(meta, n.xl), to);
}

static unsigned int nr_subvolumes(struct xlator *meta, struct meta_node folder)
{
    const struct xlator *xl = meta_xlator(meta, folder.xl);

    return xl ? xl->nr_children : 0;
}

static void subvolume_name(struct xlator *meta, struct meta_node n, char to[FOP_NAME_MAX + 1])
{
    snprintf(to, FOP_NAME_MAX + 1, "%u", n.item);
}

const struct optset *meta_options(struct xlator *meta, unsigned int number)
{
    static const struct optset none;
    const struct xlator *xl = meta_xlator(meta, number);
    const struct master *m = meta->graph->process->master;

    return xl ? &xl->options : m ? &m->options : &none;
}

/* The last of equal keys is the one that counts; the others are not shown. */
static bool is_shown(const struct optset *o, unsigned int i)
{
    for (unsigned int k = i + 1; k < o->n; k++)
        if (strcmp(o->pairs[k].key, o->pairs[i].key) == 0)
            return false;
    return o->pairs[i].key[0] && !strchr(o->pairs[i].key, '/') && strlen(o->pairs[i].key) <= FOP_NAME_MAX;
}

static unsigned int nr_options(struct xlator *meta, struct meta_node folder)
{
    SCOPED_LOCK(&meta->graph->process->graph_lock);
    return meta_options(meta, folder.xl)->n;
}

static void option_name(struct xlator *meta, struct meta_node n, char to[FOP_NAME_MAX + 1])
{
    SCOPED_LOCK(&meta->graph->process->graph_lock);
    const struct optset *o = meta_options(meta, n.xl);

    to[0] = '\0';
    if (n.item < o->n && is_shown(o, n.item))
        snprintf(to, FOP_NAME_MAX + 1, "%s", o->pairs[n.item].key);
}

/* ---- the table ----------------------------------------------------------------------------------------------------------- */
#define DIR(name, in)        {name, in, S_IFDIR | 0555, NULL, NULL, NULL, NULL}
#define SAYS(name, in, text) {name, in, S_IFREG | 0444, NULL, NULL, text, NULL}
#define LINK(name, in, text) {name, in, S_IFLNK | 0777, NULL, NULL, text, NULL}

const struct meta_row meta_rows[NR_META] = {
    [META_DIR] = DIR(".meta", META_NOTHING),
    [META_CMDLINE] = SAYS("cmdline", META_DIR, meta_text_cmdline),
    [META_FRAMES] = SAYS("frames", META_DIR, meta_text_frames),
    [META_GRAPHS] = DIR("graphs", META_DIR),
    [META_LOGGING] = DIR("logging", META_DIR),
    [META_MALLINFO] = SAYS("mallinfo", META_DIR, meta_text_mallinfo),
    [META_MEASURE_LATENCY] = {"measure_latency", META_DIR, S_IFREG | 0644, NULL, NULL, meta_text_latency, meta_set_latency},
    [META_PROCESS_UUID] = SAYS("process_uuid", META_DIR, meta_text_uuid),
    [META_ROOT] = DIR("root", META_DIR), /* stands for the folder of translator 0, the master */
    [META_VERSION] = SAYS("version", META_DIR, meta_text_version),
    [META_ACTIVE] = LINK("active", META_GRAPHS, meta_text_active),
    [META_GRAPH] = {NULL, META_GRAPHS, S_IFDIR | 0555, nr_graphs, graph_name, NULL, NULL},
    [META_TOP] = LINK("top", META_GRAPH, meta_text_top),
    [META_VOLFILE] = {"volfile", META_GRAPH, S_IFREG | 0400, NULL, NULL, meta_text_volfile, NULL}, /* it has the volume's password */
    [META_XLATOR] = {NULL, META_GRAPH, S_IFDIR | 0555, nr_xlators, xlator_name, NULL, NULL},
    [META_VIEW] = DIR("view", META_XLATOR),
    [META_TYPE] = SAYS("type", META_XLATOR, meta_text_type),
    [META_NAME] = SAYS("name", META_XLATOR, meta_text_name),
    [META_SUBVOLUMES] = DIR("subvolumes", META_XLATOR),
    [META_OPTIONS] = DIR("options", META_XLATOR),
    [META_PRIVATE] = SAYS("private", META_XLATOR, meta_text_private),
    [META_HISTORY] = SAYS("history", META_XLATOR, meta_text_history),
    [META_MEMINFO] = SAYS("meminfo", META_XLATOR, meta_text_meminfo),
    [META_PROFILE] = SAYS("profile", META_XLATOR, meta_text_profile),
    [META_SUBVOLUME] = {NULL, META_SUBVOLUMES, S_IFLNK | 0777, nr_subvolumes, subvolume_name, meta_text_subvolume, NULL},
    [META_OPTION] = {NULL, META_OPTIONS, S_IFREG | 0444, nr_options, option_name, meta_text_option, NULL},
    [META_LOGFILE] = LINK("logfile", META_LOGGING, meta_text_logfile),
    [META_LOGLEVEL] = {"loglevel", META_LOGGING, S_IFREG | 0644, NULL, NULL, meta_text_loglevel, meta_set_loglevel},
};

/* ---- gfids --------------------------------------------------------------------------------------------------------------- */
/* ".meta", three zeros (so it is no random one: those have a 4 in byte 6), kind, 0, translator, item, 0, 0. */
static const uint8_t head[8] = ".meta\0\0";

gfid_t meta_gfid(struct meta_node n)
{
    gfid_t g = {{0}};

    memcpy(g.b, head, sizeof(head));
    g.b[8] = (uint8_t)n.kind;
    g.b[10] = (uint8_t)(n.xl >> 8);
    g.b[11] = (uint8_t)n.xl;
    g.b[12] = (uint8_t)(n.item >> 8);
    g.b[13] = (uint8_t)n.item;
    return g;
}

bool meta_is(gfid_t g)
{
    return memcmp(g.b, head, sizeof(head)) == 0;
}

bool meta_find(struct xlator *meta, gfid_t g, struct meta_node *ret)
{
    struct meta_node n = {.kind = g.b[8], .xl = (unsigned int)(g.b[10] << 8 | g.b[11]), .item = (unsigned int)(g.b[12] << 8 | g.b[13])};

    if (!meta_is(g) || n.kind == META_NOTHING || n.kind >= NR_META || n.xl > meta->graph->nr_xlators)
        return false;
    if ((n.kind == META_SUBVOLUME || n.kind == META_OPTION) && n.item >= meta_rows[n.kind].count(meta, n))
        return false;
    *ret = n;
    return true;
}

/* ---- names --------------------------------------------------------------------------------------------------------------- */

/* The i-th object of a kind in a folder. */
static struct meta_node made(enum meta_kind kind, struct meta_node folder, unsigned int i)
{
    if (kind == META_ROOT)
        return (struct meta_node){.kind = META_XLATOR};
    if (kind == META_XLATOR)
        return (struct meta_node){.kind = kind, .xl = i + 1};
    return (struct meta_node){.kind = kind, .xl = folder.xl, .item = i};
}

bool meta_entry(struct xlator *meta, struct meta_node folder, unsigned int i, struct meta_node *ret, char name[FOP_NAME_MAX + 1])
{
    for (enum meta_kind kind = META_DIR; kind < NR_META; kind++) {
        const struct meta_row *row = &meta_rows[kind];
        unsigned int n = row->in != folder.kind ? 0 : row->name ? 1 : row->count(meta, folder);

        if (i >= n) {
            i -= n;
            continue;
        }
        *ret = made(kind, folder, i);
        if (row->name)
            snprintf(name, FOP_NAME_MAX + 1, "%s", row->name);
        else
            row->name_of(meta, *ret, name);
        return true;
    }
    return false;
}

bool meta_child(struct xlator *meta, struct meta_node folder, const char *name, struct meta_node *ret)
{
    char is[FOP_NAME_MAX + 1];

    for (unsigned int i = 0; meta_entry(meta, folder, i, ret, is); i++)
        if (is[0] && strcmp(is, name) == 0)
            return true;
    return false;
}

/* The password of a volume is root's alone. */
static uint32_t mode_of(struct xlator *meta, struct meta_node n)
{
    char name[FOP_NAME_MAX + 1];

    if (n.kind == META_OPTION) {
        option_name(meta, n, name);
        if (strcmp(name, "password") == 0)
            return S_IFREG | 0400;
    }
    return meta_rows[n.kind].mode;
}

void meta_stat(struct xlator *meta, struct meta_node n, struct iatt *ret)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    *ret = (struct iatt){
        .gfid = meta_gfid(n), .mode = mode_of(meta, n), .atime = now.tv_sec, .mtime = now.tv_sec, .ctime = now.tv_sec,
        .atime_nsec = (uint32_t)now.tv_nsec, .mtime_nsec = (uint32_t)now.tv_nsec, .ctime_nsec = (uint32_t)now.tv_nsec, .blksize = 4096,
    };
    ret->ino = gfid_ino(ret->gfid);
    ret->nlink = S_ISDIR(ret->mode) ? 2 : 1;
}
