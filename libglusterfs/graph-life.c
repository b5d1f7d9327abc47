/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A graph's life: inits, events, new options, finis. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "inode.h"
#include "log.h"
#include "process.h"

/* Inodes without references kept, until protocol/server's inode-lru-limit says otherwise: GlusterFS's default on a brick. */
#define USUAL_LRU_LIMIT 16384

static int check_known(struct xlator *xl, const struct optset *set, struct err *err)
{
    const struct xlator_type *type = xl->type;

    return options_check_known(type->options, type->nr_options, type->more_options ? type->more_options(xl) : NULL, set, xl->name,
                               xl->graph->process->strict_volfile, err);
}

static int xlator_init(struct xlator *xl, struct err *err)
{
    const struct xlator_type *type = xl->type;
    int failed;

    xl->priv = calloc(1, max_of(type->priv_size, (size_t)1));
    if (!xl->priv)
        return err_set(err, -ENOMEM, "volume %s: no memory", xl->name);
    failed = options_apply(type->options, type->nr_options, &xl->options, xl->name, false, xl->priv, err);
    if (failed)
        return failed;
    xl->initialised = true;
    failed = type->init ? type->init(xl, err) : 0;
    return failed ? failed : check_known(xl, &xl->options, err);
}

static void xlator_fini(struct xlator *xl)
{
    if (xl->initialised && xl->type->fini)
        xl->type->fini(xl);
    xl->initialised = false;
    if (xl->priv)
        options_release(xl->type->options, xl->type->nr_options, xl->priv);
    free(xl->priv);
    xl->priv = NULL;
}

/* From the one below `xl` in the list down to the first. The list has one direction; graphs are small. */
static struct xlator *before(const struct graph *g, const struct xlator *xl)
{
    struct xlator *at = g->first;

    if (at == xl)
        return NULL;
    while (at->next != xl)
        at = at->next;
    return at;
}

void graph_fini(struct graph *g)
{
    /* first, because its forget() hooks need the translators */
    if (g->inodes)
        inode_table_free(g->inodes);
    g->inodes = NULL;
    for (struct xlator *xl = g->top; xl; xl = before(g, xl))
        xlator_fini(xl);
}

int graph_init(struct graph *g, struct err *err)
{
    g->inodes = inode_table_new(g, USUAL_LRU_LIMIT, &g->process->census);
    if (!g->inodes)
        return err_set(err, -ENOMEM, "%s: no memory", g->file);
    for (struct xlator *xl = g->first; xl; xl = xl->next) {
        int failed = xlator_init(xl, err);

        if (failed) {
            err_set(err, failed, "volume %s: %s", xl->name, strerror(-failed));
            graph_fini(g);
            return failed;
        }
    }
    return 0;
}

/* ---- events --------------------------------------------------------------------------------------------------------- */

static void deliver(struct xlator *xl, bool up, enum xlator_event event, void *data)
{
    if (xl->type->notify)
        xl->type->notify(xl, event, data);
    else if (up)
        xlator_notify_up(xl, event, data);
    else
        xlator_notify_down(xl, event, data);
}

void xlator_notify_up(struct xlator *xl, enum xlator_event event, void *data)
{
    if (event == EVENT_CHILD_UP || event == EVENT_CHILD_DOWN)
        atomic_store_explicit(&xl->up, event == EVENT_CHILD_UP, memory_order_relaxed); /* a flag by itself: nothing is published with it */
    if (xl == xl->graph->top && xl->graph->notify)
        xl->graph->notify(xl->graph, event, data);
    for (struct xlator *above = xl->next; above; above = above->next) /* parents stand behind their children */
        for (unsigned int i = 0; i < above->nr_children; i++)
            if (above->children[i] == xl)
                deliver(above, true, event, data);
}

void xlator_notify_down(struct xlator *xl, enum xlator_event event, void *data)
{
    for (unsigned int i = 0; i < xl->nr_children; i++)
        deliver(xl->children[i], false, event, data);
}

void graph_notify_down(struct graph *g, enum xlator_event event)
{
    deliver(g->top, false, event, NULL);
}

/* ---- new options ---------------------------------------------------------------------------------------------------- */

static int xlator_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    int failed = check_known(xl, set, err);

    if (failed)
        return failed;
    if (xl->type->reconfigure)
        return xl->type->reconfigure(xl, set, err);
    return options_apply(xl->type->options, xl->type->nr_options, set, xl->name, true, xl->priv, err);
}

/* The pairs of `from` with a file name that lives as long as g. */
static int copy_options(const struct graph *g, const struct optset *from, struct optset *ret)
{
    *ret = (struct optset){0};
    for (unsigned int i = 0; i < from->n; i++) {
        const struct optpair *pair = &from->pairs[i];

        if (optset_add(ret, pair->key, pair->value, pair->line ? g->file : "--xlator-option", pair->line) < 0) {
            optset_done(ret);
            return -ENOMEM;
        }
    }
    return 0;
}

/* `failed` too: it may have put options in place before it found one that it cannot follow. */
static void undo_reconfigure(struct graph *g, const struct xlator *failed)
{
    for (struct xlator *xl = g->first; xl != failed->next; xl = xl->next) {
        struct err err = {0};

        if (xlator_reconfigure(xl, &xl->options, &err) < 0)
            log_error(xl->name, "the options of before could not be set again: %s", err.text);
    }
}

int graph_reconfigure(struct graph *g, const struct graph *with, struct err *err)
{
    const struct xlator *from = with->first;

    if (!graph_same_shape(g, with))
        return -EXDEV;
    SCOPED_LOCK(&g->process->graph_lock);
    for (struct xlator *xl = g->first; xl; xl = xl->next, from = from->next) {
        int failed = xlator_reconfigure(xl, &from->options, err);

        if (failed) {
            undo_reconfigure(g, xl);
            return failed;
        }
    }
    from = with->first;
    for (struct xlator *xl = g->first; xl; xl = xl->next, from = from->next) {
        struct optset options;

        if (copy_options(g, &from->options, &options) < 0) {
            log_error(xl->name, "no memory to note the new options, which are in force");
            continue;
        }
        optset_done(&xl->options);
        xl->options = options;
    }
    return 0;
}
