/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the statedump says of a graph. */
#include <string.h>

#include "graph.h"
#include "inode.h"

/* "protocol/server" is xlator.protocol.server in section names. */
static void type_in_section(const struct xlator *xl, char *to, size_t size)
{
    size_t n = 0;

    for (; xl->type->name[n] && n + 1 < size; n++)
        to[n] = xl->type->name[n] == '/' ? '.' : xl->type->name[n];
    to[n] = '\0';
}

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

static void dump_inodes(struct graph *g, unsigned int what, struct dump *d)
{
    /* a brick's inodes are those of what the server stands on */
    struct inode_dump id = {.graph = g, .dump = d, .what = what, .brick = g->top->child ? g->top->child->name : g->top->name};
    struct inode_counts counts = inode_table_counts(g->inodes);

    dump_section(d, "conn.0.bound_xl.%s", id.brick);
    dump_kv(d, "lru_limit", "%u", counts.limit);
    dump_kv(d, "active_size", "%u", counts.active);
    dump_kv(d, "lru_size", "%u", counts.lru);
    inode_table_each_active(g->inodes, dump_inode, &id);
}

void graph_dump(struct graph *g, unsigned int what, struct dump *d)
{
    dump_section(d, "active graph - %u", g->id);
    for (struct xlator *xl = what & DUMP_PRIV ? g->first : NULL; xl; xl = xl->next) {
        char type[128];

        if (!xl->type->dump)
            continue;
        type_in_section(xl, type, sizeof(type));
        dump_section(d, "xlator.%s.%s.priv", type, xl->name);
        xl->type->dump(xl, d);
    }
    if (g->inodes && what & (DUMP_INODE | DUMP_INODECTX))
        dump_inodes(g, what, d);
}
