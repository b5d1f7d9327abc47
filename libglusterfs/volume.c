/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A volume's life, and what its graphs say of themselves. */
#include "volume.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "volume-impl.h"

#define DOMAIN "volume"

struct volume *volume_new(struct process *p, unsigned int inode_limit, const struct volume_host *host, void *host_data)
{
    struct volume *v = calloc(1, sizeof(*v));

    if (!v)
        return NULL;
    v->process = p;
    v->inode_limit = inode_limit;
    v->host = host;
    v->host_data = host_data;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    v->handle_xlator = (struct xlator){.type = &volume_handle_type, .name = "handles", .graph = &v->none, .priv = v, .depth = 1};
    v->none = (struct graph){.process = p, .first = &v->handle_xlator, .top = &v->handle_xlator, .nr_xlators = 1, .depth = 1,
                             .nr_inode_slots = 1};
    v->nowhere = (struct generation){.graph = &v->none, .volume = v};
    v->handles = inode_table_new(&v->none, 0, &p->census);
    if (v->handles)
        return v;
    volume_free(v);
    return NULL;
}

void volume_free(struct volume *v)
{
    if (!v)
        return;
    if (v->handles)
        inode_table_free(v->handles);
    pthread_mutex_destroy(&v->lock);
    pthread_cond_destroy(&v->changed);
    free(v);
}

struct volume_counts volume_counts(struct volume *v)
{
    SCOPED_LOCK(&v->lock);
    return (struct volume_counts){.running = v->active ? v->active->users : 0, .waiting = v->nr_waiting, .files = v->nr_files,
                                  .generation = v->exchanges, .up = v->active ? v->active->up : -1};
}

unsigned int volume_idle(struct volume *v)
{
    struct generation *gen;
    unsigned int n = 0;

    pthread_mutex_lock(&v->lock);
    gen = v->state == VOLUME_OPEN ? v->active : NULL;
    if (gen)
        gen->users++; /* it stays */
    pthread_mutex_unlock(&v->lock);
    if (!gen)
        return 0;
    n = inode_table_counts(gen->graph->inodes).lru;
    generation_leave(v, gen);
    return n;
}

/* ---- what a graph says --------------------------------------------------------------------------------------------------- */

static void child_event(struct volume *v, struct generation *gen, bool up)
{
    bool opens, active;

    pthread_mutex_lock(&v->lock);
    gen->up = up;
    active = v->active == gen;
    opens = active && v->state == VOLUME_WAITING;
    if (opens)
        v->state = VOLUME_OPEN;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
    if (opens)
        vop_release_waiting(v);
    if (active && v->host && v->host->child_event)
        v->host->child_event(v->host_data, up);
}

static void upcall(struct volume *v, const struct upcall *u)
{
    struct vnode *vn = v->host && v->host->upcall ? vnode_find(v, u->gfid) : NULL;

    if (vn)
        v->host->upcall(v->host_data, vn, u);
    vnode_unref(vn);
}

static void auth_failed(struct volume *v, struct generation *gen)
{
    bool active;

    pthread_mutex_lock(&v->lock);
    active = v->active == gen;
    gen->refused = true;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
    if (active && v->host && v->host->auth_failed)
        v->host->auth_failed(v->host_data);
}

static void hear(struct graph *g, enum xlator_event event, void *data)
{
    struct generation *gen = g->owner;
    struct volume *v = gen->volume;

    switch (event) {
    case EVENT_CHILD_UP:
    case EVENT_CHILD_DOWN:
        child_event(v, gen, event == EVENT_CHILD_UP);
        break;
    case EVENT_UPCALL:
        upcall(v, data);
        break;
    case EVENT_AUTH_FAILED:
        auth_failed(v, gen);
        break;
    default:
        break;
    }
}

struct generation *generation_new(struct volume *v, struct graph *g)
{
    struct generation *gen = calloc(1, sizeof(*gen));

    if (!gen)
        return NULL;
    *gen = (struct generation){.graph = g, .volume = v, .up = -1, .top = g->top};
    g->owner = gen;
    g->notify = hear;
    return gen;
}

int generation_start(struct generation *gen, struct err *err)
{
    int failed = graph_init(gen->graph, err);

    if (failed)
        return failed;
    inode_table_set_limit(gen->graph->inodes, gen->volume->inode_limit);
    return 0;
}

/* ---- start, another graph, end ------------------------------------------------------------------------------------------- */

int volume_start(struct volume *v, struct graph *g, struct err *err)
{
    struct generation *gen = generation_new(v, g);
    int failed = gen ? generation_start(gen, err) : -ENOMEM;

    if (failed) {
        graph_free(g);
        free(gen);
        return failed;
    }
    pthread_mutex_lock(&v->lock);
    v->active = gen;
    v->state = VOLUME_WAITING;
    pthread_mutex_unlock(&v->lock);
    process_set_graph(v->process, g);
    graph_notify_down(g, EVENT_PARENT_UP);
    return 0;
}

void volume_offer(struct volume *v, struct graph *g)
{
    struct graph *instead = NULL;
    int failed = 0;

    pthread_mutex_lock(&v->lock);
    if (v->state == VOLUME_ENDING || v->state == VOLUME_CLOSED) {
        instead = g;
    } else {
        instead = v->offered;
        v->offered = g;
        if (!v->mover_runs) {
            failed = volume_mover_start(v);
            v->mover_runs = !failed;
        }
        if (failed) {
            v->offered = NULL;
            instead = g;
        }
        pthread_cond_broadcast(&v->changed);
    }
    pthread_mutex_unlock(&v->lock);
    if (failed)
        log_error(DOMAIN, "there is no memory or no thread to exchange the graph with; the old one goes on");
    graph_free(instead);
}

void volume_stop(struct volume *v)
{
    struct generation *gen;

    pthread_mutex_lock(&v->lock);
    v->state = VOLUME_ENDING;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
    vop_release_waiting(v);

    pthread_mutex_lock(&v->lock);
    while (v->mover_runs)
        pthread_cond_wait(&v->changed, &v->lock);
    gen = v->active;
    pthread_mutex_unlock(&v->lock);
    vop_release_waiting(v); /* an exchange that was cut short may have made some wait again */
    generation_drain(v, &v->nowhere);
    if (gen)
        generation_drain(v, gen);
}

void volume_close(struct volume *v)
{
    struct generation *gen;

    volume_stop(v);
    pthread_mutex_lock(&v->lock);
    gen = v->active;
    pthread_mutex_unlock(&v->lock);
    if (!gen)
        return;
    process_set_graph(v->process, NULL);
    pthread_mutex_lock(&v->lock);
    v->active = NULL;
    pthread_mutex_unlock(&v->lock);
    generation_end(v, gen);
}
