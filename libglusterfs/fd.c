/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdlib.h>

#include "graph.h"
#include "inode.h"
#include "process.h"
#include "slot.h"

static struct fd *make(struct graph *graph, struct inode *in, int32_t flags)
{
    struct fd *fd = calloc(1, sizeof(*fd) + graph->nr_fd_slots * sizeof(fd->ctx[0]));

    if (!fd)
        return NULL;
    atomic_init(&fd->refs, 1);
    fd->graph = graph;
    fd->inode = inode_ref(in);
    fd->flags = flags;
    census_add(&graph->process->census, CENSUS_FDS, 1);
    return fd;
}

struct fd *fd_new(struct graph *graph, struct inode *in, struct client *client, int32_t flags, bool is_dir)
{
    struct fd *fd = make(graph, in, flags);

    if (fd) {
        fd->client = client;
        fd->is_dir = is_dir;
        atomic_fetch_add_explicit(&in->fd_count, 1, memory_order_relaxed); /* a number for others to look at */
    }
    return fd;
}

struct fd *fd_new_anonymous(struct graph *graph, struct inode *in, int32_t flags)
{
    struct fd *fd = make(graph, in, flags);

    if (fd)
        fd->anonymous = true;
    return fd;
}

struct fd *fd_ref(struct fd *fd)
{
    atomic_fetch_add_explicit(&fd->refs, 1, memory_order_relaxed); /* the caller has one: nothing to order */
    return fd;
}

/* From the top down; the list of translators is linked from the bottom up. */
static void release(struct fd *fd)
{
    struct xlator *with_slot[fd->graph->nr_fd_slots + 1]; /* a few: as many as types of the graph ask for one */
    unsigned int n = 0;

    for (struct xlator *xl = fd->graph->first; xl; xl = xl->next)
        if (xl->type->fd_slot && xl->type->release)
            with_slot[n++] = xl;
    while (n-- > 0) {
        void *ctx = fd_ctx(fd, with_slot[n]);
        if (ctx)
            with_slot[n]->type->release(with_slot[n], fd, ctx);
    }
}

void fd_unref(struct fd *fd)
{
    /* Release: our use comes before the end; acquire: so does that of all who dropped theirs before. */
    if (!fd || atomic_fetch_sub_explicit(&fd->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (fd->graph->nr_fd_slots)
        release(fd);
    if (!fd->anonymous)
        atomic_fetch_sub_explicit(&fd->inode->fd_count, 1, memory_order_relaxed);
    inode_unref(fd->inode);
    census_add(&fd->graph->process->census, CENSUS_FDS, -1);
    free(fd);
}

void *fd_ctx(const struct fd *fd, const struct xlator *xl)
{
    return slot_get(&fd->ctx[xl->fd_slot]);
}

void *fd_ctx_set(struct fd *fd, const struct xlator *xl, void *value)
{
    return slot_set(&fd->ctx[xl->fd_slot], value);
}
