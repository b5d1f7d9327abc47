/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* From the blocks of a volume file to translators that know their neighbours. Nothing of theirs runs here. */
#include "graph.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "process.h"
#include "volfile.h"

struct xlator *graph_find(struct graph *g, const char *name)
{
    for (struct xlator *xl = g->first; xl; xl = xl->next)
        if (strcmp(xl->name, name) == 0)
            return xl;
    return NULL;
}

static int no_memory(const struct graph *g, struct err *err)
{
    return err_set(err, -ENOMEM, "%s: no memory", g->file);
}

static int take_options(const struct graph *g, struct xlator *xl, const struct volume *vol, const struct xlator_option *over,
                        unsigned int nr_over, struct err *err)
{
    for (unsigned int i = 0; i < vol->options.n; i++) {
        const struct optpair *pair = &vol->options.pairs[i];

        if (optset_add(&xl->options, pair->key, pair->value, g->file, pair->line) < 0)
            return no_memory(g, err);
    }
    for (unsigned int i = 0; i < nr_over; i++)
        if (fnmatch(over[i].pattern, vol->name, 0) == 0 &&
            optset_add(&xl->options, over[i].key, over[i].value, "--xlator-option", 0) < 0)
            return no_memory(g, err);
    return 0;
}

static int take_children(struct graph *g, struct xlator *xl, const struct volume *vol, struct err *err)
{
    if (xl->type->leaf && vol->nr_children)
        return err_set(err, -EINVAL, "%s:%d: volume \"%s\": type %s has no subvolumes, found \"%s\"", g->file, vol->line, vol->name,
                       vol->type, vol->children[0]);
    if (!xl->type->leaf && !vol->nr_children)
        return err_set(err, -EINVAL, "%s:%d: volume \"%s\": type %s needs a subvolume", g->file, vol->line, vol->name, vol->type);
    xl->children = calloc(vol->nr_children + 1, sizeof(struct xlator *));
    if (!xl->children)
        return no_memory(g, err);
    for (unsigned int i = 0; i < vol->nr_children; i++) {
        xl->children[i] = graph_find(g, vol->children[i]); /* the parser has seen to it that there is one */
        if (!xl->children[i]->parent)
            xl->children[i]->parent = xl;
    }
    xl->nr_children = vol->nr_children;
    xl->child = xl->children[0];
    xl->depth = 1;
    for (unsigned int i = 0; i < xl->nr_children; i++)
        xl->depth = max_of(xl->depth, xl->children[i]->depth + 1);
    return 0;
}

/* A chain of operations goes from handler to handler; what nobody handles ends in NULL. Past a translator with several
 * children there is no "the only child". */
static void find_handlers(struct xlator *xl)
{
    for (unsigned int op = 0; op < NR_FOPS; op++) {
        if (xl->type->on[op])
            xl->handler[op] = xl;
        else if (xl->nr_children == 1)
            xl->handler[op] = xl->child->handler[op];
    }
}

static void number_slots(struct graph *g, struct xlator *xl)
{
    if (xl->type->inode_slot)
        xl->inode_slot = g->nr_inode_slots++;
    if (xl->type->fd_slot)
        xl->fd_slot = g->nr_fd_slots++;
    if (xl->type->client_slot)
        xl->client_slot = g->nr_client_slots++;
}

static int add_volume(struct graph *g, const struct volume *vol, const struct xlator_option *over, unsigned int nr_over, struct err *err)
{
    struct xlator *xl = calloc(1, sizeof(*xl));
    struct err why = {0};
    int failed;

    if (!xl)
        return no_memory(g, err);
    *(g->top ? &g->top->next : &g->first) = xl;
    g->top = xl;
    g->nr_xlators++;
    xl->graph = g;
    xl->name = strdup(vol->name);
    if (!xl->name)
        return no_memory(g, err);
    xl->type = xlator_type_find(vol->type, &why);
    if (!xl->type)
        return err_set(err, -ENOENT, "%s:%d: volume \"%s\": %s", g->file, vol->line, vol->name, why.text);
    if ((failed = take_options(g, xl, vol, over, nr_over, err)) || (failed = take_children(g, xl, vol, err)))
        return failed;
    find_handlers(xl);
    number_slots(g, xl);
    return 0;
}

int graph_push(struct graph *g, const char *type, const char *name, struct err *err)
{
    char *child = g->top->name;
    const struct volume vol = {.name = (char *)name, .type = (char *)type, .children = &child, .nr_children = 1};
    int failed = add_volume(g, &vol, NULL, 0, err);

    g->depth = g->top->depth;
    return failed;
}

static void xlator_free(struct xlator *xl)
{
    optset_done(&xl->options);
    free(xl->children);
    free(xl->name);
    free(xl);
}

/* Parents stand behind their children: what is reached from the top is known when its turn comes, from the end on. */
static void mark_below(struct xlator **all, bool *reached, unsigned int top)
{
    reached[top] = true;
    for (unsigned int i = top + 1; i-- > 0;)
        for (unsigned int k = 0; reached[i] && k < all[i]->nr_children; k++)
            for (unsigned int j = 0; j < i; j++)
                reached[j] |= all[j] == all[i]->children[k];
}

int graph_set_top(struct graph *g, const char *name, struct err *err)
{
    struct xlator *top = graph_find(g, name), **all, **at = &g->first;
    unsigned int n = 0, n_top = 0;
    bool *reached;

    if (!top)
        return err_set(err, -ENOENT, "%s: no volume is called \"%s\" (--volume-name)", g->file, name);
    all = calloc(g->nr_xlators, sizeof(struct xlator *));
    reached = calloc(g->nr_xlators, sizeof(*reached));
    if (!all || !reached) {
        free(all);
        free(reached);
        return no_memory(g, err);
    }
    for (struct xlator *xl = g->first; xl; xl = xl->next) {
        n_top = xl == top ? n : n_top;
        all[n++] = xl;
    }
    mark_below(all, reached, n_top);
    for (unsigned int i = 0; i < n; i++) {
        if (!reached[i]) {
            xlator_free(all[i]);
            g->nr_xlators--;
            continue;
        }
        *at = all[i];
        at = &all[i]->next;
        all[i]->parent = NULL;
        for (unsigned int k = 0; k < all[i]->nr_children; k++)
            if (!all[i]->children[k]->parent)
                all[i]->children[k]->parent = all[i];
    }
    *at = NULL;
    g->top = top;
    g->depth = top->depth;
    free(all);
    free(reached);
    return 0;
}

/* Nothing that a person said is ignored without a word. */
static void warn_unmatched(const struct graph *g, const struct xlator_option *over, unsigned int nr_over)
{
    for (unsigned int i = 0; i < nr_over; i++) {
        const struct xlator *xl = g->first;

        while (xl && fnmatch(over[i].pattern, xl->name, 0) != 0)
            xl = xl->next;
        if (!xl)
            log_warning("graph", "--xlator-option %s.%s=%s: no volume of %s has such a name, it does nothing", over[i].pattern,
                        over[i].key, over[i].value, g->file);
    }
}

static int graph_build(struct process *p, const struct volfile *file, const struct xlator_option *over, unsigned int nr_over,
                       struct graph **ret, struct err *err)
{
    struct graph *g = calloc(1, sizeof(*g));
    int failed = 0;

    if (!g || !(g->file = strdup(file->file))) {
        free(g);
        return err_set(err, -ENOMEM, "%s: no memory", file->file);
    }
    g->process = p;
    g->id = p->graphs_made++;
    for (const struct volume *vol = file->first; vol && !failed; vol = vol->next)
        failed = add_volume(g, vol, over, nr_over, err);
    if (failed) {
        graph_free(g);
        return failed;
    }
    g->depth = g->top->depth;
    warn_unmatched(g, over, nr_over);
    *ret = g;
    return 0;
}

int graph_parse(struct process *p, const char *file, const char *text, size_t len, const struct xlator_option *over, unsigned int nr_over,
                struct graph **ret, struct err *err)
{
    struct volfile *v;
    int failed;

    if (volfile_has_command(text, len))
        return err_set(err, -EINVAL, "%s: it has a command in back-quotes, which is allowed in local files only", file);
    failed = volfile_parse(file, text, len, NULL, &v, err);
    if (failed)
        return failed;
    failed = graph_build(p, v, over, nr_over, ret, err);
    volfile_free(v);
    return failed;
}

int graph_load(struct process *p, const char *file, const struct xlator_option *over, unsigned int nr_over, struct graph **ret,
               struct err *err)
{
    struct volfile *v;
    int failed = volfile_load(file, &v, err);

    if (failed)
        return failed;
    failed = graph_build(p, v, over, nr_over, ret, err);
    volfile_free(v);
    return failed;
}

void graph_free(struct graph *g)
{
    if (!g)
        return;
    for (struct xlator *xl = g->first, *next; xl; xl = next) {
        next = xl->next;
        xlator_free(xl);
    }
    free(g->file);
    free(g);
}

bool graph_same_shape(const struct graph *a, const struct graph *b)
{
    const struct xlator *x = a->first, *y = b->first;

    for (; x && y; x = x->next, y = y->next) {
        if (x->type != y->type || strcmp(x->name, y->name) != 0 || x->nr_children != y->nr_children)
            return false;
        for (unsigned int i = 0; i < x->nr_children; i++)
            if (strcmp(x->children[i]->name, y->children[i]->name) != 0)
                return false;
    }
    return !x && !y;
}
