/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "process.h"

#include <errno.h>
#include <stdlib.h>

#include "config.h"
#include "iobuf.h"
#include "loop.h"
#include "pool.h"
#include "thread.h"
#include "util.h"

/* Freed buffers kept for reuse: 64 MiB is what 64 requests of 1 MiB in flight give back. */
#define CACHED_BUFFERS (64 * MiB)

#define TRIM_MS 2000 /* a buffer that nobody took for so long is not needed */

static void trim(struct timer *t)
{
    struct process *p = container_of(t, struct process, trim);

    iobuf_pool_trim(p->env.bufs);
    loop_arm(p->env.loop, t, TRIM_MS); /* cannot fail: it has had its place */
}

int process_init(struct process *p)
{
    static const struct pool_conf conf = {
        .max = 16,
        .limit = {[CLASS_HIGH] = 16, [CLASS_NORMAL] = 16, [CLASS_LOW] = 16, [CLASS_LEAST] = 1},
        .idle_s = 120,
    };

    *p = (struct process){.run_dir = GF_RUNDIR, .uuid = gfid_random()};
    pthread_mutex_init(&p->hold_lock, NULL);
    pthread_mutex_init(&p->graph_lock, NULL);
    pthread_cond_init(&p->hold_gone, NULL);
    p->env.census = &p->census;
    p->env.bufs = iobuf_pool_new(CACHED_BUFFERS, &p->census);
    p->env.loop = loop_new();
    p->env.reaper = reaper_new(&p->census);
    p->pool = pool_new(&conf, &p->census);
    p->trim.expired = trim;
    if (!p->env.bufs || !p->env.loop || !p->env.reaper || !p->pool || loop_arm(p->env.loop, &p->trim, TRIM_MS) < 0) {
        process_done(p);
        return -ENOMEM;
    }
    return 0;
}

void process_done(struct process *p)
{
    if (p->pool)
        pool_free(p->pool);
    if (p->env.reaper)
        reaper_free(p->env.reaper);
    if (p->env.loop)
        loop_free(p->env.loop);
    if (p->env.bufs)
        iobuf_pool_free(p->env.bufs);
    p->pool = NULL;
    p->env = (struct env){0};
    pthread_mutex_destroy(&p->hold_lock);
    pthread_mutex_destroy(&p->graph_lock);
    pthread_cond_destroy(&p->hold_gone);
    free(p->volfile);
    p->volfile = NULL;
}

void process_hold(struct process *p, struct process_hold *h, const char *what)
{
    SCOPED_LOCK(&p->hold_lock);
    h->what = what;
    h->next = p->holds;
    p->holds = h;
}

void process_let_go(struct process *p, struct process_hold *h)
{
    SCOPED_LOCK(&p->hold_lock);
    for (struct process_hold **at = &p->holds; *at; at = &(*at)->next) {
        if (*at == h) {
            *at = h->next;
            break;
        }
    }
    pthread_cond_broadcast(&p->hold_gone);
    if (!p->holds && p->drained)
        p->drained(p);
}

static bool has_hold_locked(const struct process *p, const struct graph *g)
{
    const struct process_hold *h = p->holds;

    while (h && h->graph != g)
        h = h->next;
    return h != NULL;
}

void process_wait_for_graph(struct process *p, const struct graph *g)
{
    SCOPED_LOCK(&p->hold_lock);
    while (has_hold_locked(p, g))
        pthread_cond_wait(&p->hold_gone, &p->hold_lock);
}

void process_set_graph(struct process *p, struct graph *g)
{
    SCOPED_LOCK(&p->graph_lock);
    p->graph = g;
}
