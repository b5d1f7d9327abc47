/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "testing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "iobuf.h"
#include "loop.h"
#include "thread.h"
#include "util.h"

/* A test that links no table of types has none. */
const struct xlator_type *const xlator_types[] __attribute__((weak)) = {NULL};

static void fail(const char *fmt, ...) PRINTF(1, 2) __attribute__((noreturn));
static void fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fprintf(stderr, "testing: ");
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

void testing_process(struct process *p)
{
    *p = (struct process){.uuid = gfid_random()};
    p->env.census = &p->census;
    p->env.bufs = iobuf_pool_new(4 * MiB, &p->census);
    p->env.reaper = reaper_new(&p->census);
    p->env.loop = loop_new();
    p->pool = pool_new(&(struct pool_conf){.max = 4}, &p->census);
    if (!p->env.bufs || !p->env.reaper || !p->env.loop || !p->pool)
        fail("no process: out of memory or threads");
}

void testing_process_done(struct process *p)
{
    pool_free(p->pool);
    reaper_free(p->env.reaper);
    loop_free(p->env.loop);
    for (unsigned int i = 0; i < NR_CENSUS; i++)
        if (counter_get(&p->census.now[i]))
            fail("%lld %s are left at the end", (long long)counter_get(&p->census.now[i]), census_name(i));
    iobuf_pool_free(p->env.bufs);
}

static struct xlator *make(struct graph *g, const struct testing_node *node, struct xlator *below)
{
    struct xlator *xl = calloc(1, sizeof(*xl));
    struct err err = {{0}};

    if (!xl || asprintf(&xl->name, "x%u", g->nr_xlators) < 0)
        fail("out of memory");
    xl->type = node->type;
    xl->graph = g;
    xl->priv = calloc(1, node->type->priv_size + 1);
    if (below) {
        below->next = below->parent = xl;
        xl->child = below;
        xl->children = &xl->child;
        xl->nr_children = 1;
        g->top = xl;
    } else {
        g->first = g->top = xl;
    }
    xl->inode_slot = node->type->inode_slot ? g->nr_inode_slots++ : 0;
    xl->fd_slot = node->type->fd_slot ? g->nr_fd_slots++ : 0;
    xl->client_slot = node->type->client_slot ? g->nr_client_slots++ : 0;
    for (unsigned int op = 0; op < NR_FOPS; op++)
        xl->handler[op] = node->type->on[op] ? xl : below ? below->handler[op] : NULL;
    for (unsigned int i = 0; i + 1 < TESTING_OPTIONS && node->options[i]; i += 2)
        if (optset_add(&xl->options, node->options[i], node->options[i + 1], "test", 1) < 0)
            fail("out of memory");
    if (options_apply(node->type->options, node->type->nr_options, &xl->options, xl->name, false, xl->priv, &err) < 0)
        fail("%s", err.text);
    g->depth = ++g->nr_xlators;
    return xl;
}

struct graph *testing_graph(struct process *p, const struct testing_node *nodes)
{
    struct graph *g = calloc(1, sizeof(*g));
    struct xlator *xl = NULL;
    struct err err = {{0}};

    if (!g)
        fail("out of memory");
    g->process = p;
    for (; nodes->type; nodes++)
        xl = make(g, nodes, xl);
    g->inodes = inode_table_new(g, 0, &p->census);
    if (!g->inodes)
        fail("out of memory");
    p->graph = g;
    for (xl = g->first; xl; xl = xl->next) {
        if (xl->type->init && xl->type->init(xl, &err) < 0)
            fail("%s: %s", xl->name, err.text);
        xl->initialised = true;
    }
    return g;
}

static void end(struct xlator *xl)
{
    if (!xl)
        return;
    end(xl->next); /* from the top down */
    if (xl->type->fini)
        xl->type->fini(xl);
    options_release(xl->type->options, xl->type->nr_options, xl->priv);
    optset_done(&xl->options);
    free(xl->priv);
    free(xl->name);
    free(xl);
}

void testing_graph_free(struct graph *g)
{
    pool_drain(g->process->pool);
    inode_table_free(g->inodes);
    end(g->first);
    g->process->graph = NULL;
    free(g);
}

struct xlator *testing_xlator(struct graph *g, unsigned int i)
{
    struct xlator *xl = g->first;

    while (i-- > 0)
        xl = xl->next;
    return xl;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool back;
};

static void came_back(struct fop *fop, void *ctx)
{
    struct waiter *w = ctx;

    SCOPED_LOCK(&w->lock);
    w->back = true;
    pthread_cond_signal(&w->cond);
}

void testing_run(struct graph *g, struct fop *fop)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};

    fop_push(fop, came_back, &w);
    fop_submit(g->top, fop);
    pthread_mutex_lock(&w.lock);
    while (!w.back)
        pthread_cond_wait(&w.cond, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_cond_destroy(&w.cond);
    pthread_mutex_destroy(&w.lock);
}
