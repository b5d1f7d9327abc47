/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "testing.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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
    if (process_init(p) < 0)
        fail("no process: out of memory or threads");
}

void testing_process_done(struct process *p)
{
    process_done(p);
    for (unsigned int i = 0; i < NR_CENSUS; i++)
        if (counter_get(&p->census.now[i]))
            fail("%lld %s are left at the end", (long long)counter_get(&p->census.now[i]), census_name(i));
}

static struct xlator *make(struct graph *g, const struct testing_node *node, struct xlator *below)
{
    struct xlator *xl = calloc(1, sizeof(*xl));

    if (!xl || asprintf(&xl->name, "x%u", g->nr_xlators) < 0 || !(xl->children = calloc(1, sizeof(struct xlator *))))
        fail("out of memory");
    xl->type = node->type;
    xl->graph = g;
    if (below) {
        below->next = below->parent = xl;
        xl->child = xl->children[0] = below;
        xl->nr_children = 1;
    } else {
        g->first = xl;
    }
    g->top = xl;
    xl->inode_slot = node->type->inode_slot ? g->nr_inode_slots++ : 0;
    xl->fd_slot = node->type->fd_slot ? g->nr_fd_slots++ : 0;
    xl->client_slot = node->type->client_slot ? g->nr_client_slots++ : 0;
    for (unsigned int op = 0; op < NR_FOPS; op++)
        xl->handler[op] = node->type->on[op] ? xl : below ? below->handler[op] : NULL;
    for (unsigned int i = 0; i + 1 < TESTING_OPTIONS && node->options[i]; i += 2)
        if (optset_add(&xl->options, node->options[i], node->options[i + 1], "test", 1) < 0)
            fail("out of memory");
    g->depth = xl->depth = ++g->nr_xlators;
    return xl;
}

struct graph *testing_graph(struct process *p, const struct testing_node *nodes)
{
    struct graph *g = calloc(1, sizeof(*g));
    struct xlator *xl = NULL;
    struct err err = {0};

    if (!g || !(g->file = strdup("test")))
        fail("out of memory");
    g->process = p;
    for (; nodes->type; nodes++)
        xl = make(g, nodes, xl);
    p->graph = g;
    if (graph_init(g, &err) < 0)
        fail("%s", err.text);
    return g;
}

void testing_graph_free(struct graph *g)
{
    pool_drain(g->process->pool);
    g->process->graph = NULL;
    graph_fini(g);
    graph_free(g);
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
