/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the statedump says of a graph. */
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "inode.h"
#include "process.h"

struct inode_dump {
    struct graph *graph;
    struct dump *dump;
    const char *brick;
    unsigned int what, n;
};

static void dump_inode(struct inode *in, void *ctx)
{
    struct inode_dump *id = ctx;
    char gfid[GFID_TEXT];

    dump_section(id->dump, "conn.0.bound_xl.%s.active.%u", id->brick, ++id->n);
    dump_kv(id->dump, "gfid", "%s", gfid_text(in->gfid, gfid));
    dump_kv(id->dump, "fd-count", "%u", atomic_load(&in->fd_count));
    dump_kv(id->dump, "ref", "%u", atomic_load(&in->refs) - 1); /* without the dump's own */
    dump_kv(id->dump, "ia_type", "%u", iatt_type(atomic_load_explicit(&in->type, memory_order_relaxed)));
    for (struct xlator *xl = id->what & DUMP_INODECTX ? id->graph->first : NULL; xl; xl = xl->next) {
        void *inode_ctx_of_xl = xl->type->inode_slot ? inode_ctx(in, xl) : NULL;

        if (inode_ctx_of_xl && xl->type->dump_inode)
            xl->type->dump_inode(xl, in, inode_ctx_of_xl, id->dump);
    }
}

/* The key has the section's name before it, as scripts look for it: "conn.0.bound_xl.BRICK.active_size". */
static void dump_size(struct dump *d, const char *brick, const char *what, unsigned int n)
{
    char key[512];

    snprintf(key, sizeof(key), "conn.0.bound_xl.%s.%s", brick, what);
    dump_kv(d, key, "%u", n);
}

static void dump_inodes(struct graph *g, unsigned int what, struct dump *d)
{
    /* a brick's inodes are those of what the server stands on */
    struct inode_dump id = {.graph = g, .dump = d, .what = what, .brick = g->top->child ? g->top->child->name : g->top->name};
    struct inode_counts counts = inode_table_counts(g->inodes);

    dump_section(d, "conn.0.bound_xl.%s", id.brick);
    dump_size(d, id.brick, "lru_limit", counts.limit);
    dump_size(d, id.brick, "active_size", counts.active);
    dump_size(d, id.brick, "lru_size", counts.lru);
    inode_table_each_active(g->inodes, dump_inode, &id);
}

/* Not what the volume file says, but what the translator has made of it. */
static void dump_options(struct xlator *xl, struct dump *d)
{
    dump_section_of(d, xl->type->name, xl->name, "options");
    options_dump(xl->type->options, xl->type->nr_options, xl->priv, d);
    if (xl->type->dump_options)
        xl->type->dump_options(xl, d);
}

void graph_dump(struct graph *g, unsigned int what, struct dump *d)
{
    dump_section(d, "active graph - %u", g->id);
    for (struct xlator *xl = what & DUMP_PRIV ? g->first : NULL; xl; xl = xl->next) {
        if (xl->type->dump) {
            dump_section_of(d, xl->type->name, xl->name, "priv");
            xl->type->dump(xl, d);
        }
        dump_options(xl, d);
    }
    if (g->inodes && !g->process->master && what & (DUMP_INODE | DUMP_INODECTX)) /* a master has a table of its own */
        dump_inodes(g, what, d);
}
