/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* graph.h: a volume file, parsed and brought to life.
 *
 * graph_parse() reads text into translators without running any of their code, so a file can be checked. graph_init() runs
 * the inits in file order (bottom first), and undoes all of it when one fails. Errors name file, line and token. Syntax: spec
 * brick 5.1 to 5.3; "lacks" of a feature: doc/refused.md. */
#ifndef GF_GRAPH_H
#define GF_GRAPH_H

#include "xlator-option.h"
#include "xlator.h"

struct process;

struct graph {
    struct process *process;
    char *file;                  /* name of the volume file, for errors */
    struct xlator *first;        /* file order: the bottom-most first */
    struct xlator *top;          /* the last of the file */
    unsigned int nr_xlators, depth; /* depth: longest chain */
    unsigned int nr_inode_slots, nr_fd_slots, nr_client_slots;
    unsigned int id;
    struct inode_table *inodes;
    void (*notify)(struct graph *g, enum xlator_event event, void *data); /* what the top sends upwards; NULL: nobody listens.
                                                                             On whatever thread the event comes from */
    void *owner;                 /* of whoever set notify */
};

/* find_type: by name or alias: the table, then modules (xlator_type_find()). */
int graph_parse(struct process *p, const char *file, const char *text, size_t len, const struct xlator_option *over, unsigned int nr_over,
                struct graph **ret, struct err *err);
int graph_load(struct process *p, const char *file, const struct xlator_option *over, unsigned int nr_over, struct graph **ret,
               struct err *err); /* reads the file, runs its back-quotes */
int graph_init(struct graph *g, struct err *err);
/* Options of another parse of the same shape, in place. -EXDEV: the shape differs, nothing was done. */
int graph_reconfigure(struct graph *g, const struct graph *with, struct err *err);
bool graph_same_shape(const struct graph *a, const struct graph *b);
void graph_notify_down(struct graph *g, enum xlator_event event);
void graph_fini(struct graph *g);  /* inits in reverse; no fop may be under way */
void graph_free(struct graph *g);
/* Makes this one the top of a graph that is parsed and not initialised; what it does not stand on is removed. */
int graph_set_top(struct graph *g, const char *name, struct err *err);
/* A translator more above the top of a graph that is parsed and not initialised, without options (spec brick 5.4). */
int graph_push(struct graph *g, const char *type, const char *name, struct err *err);
struct xlator *graph_find(struct graph *g, const char *name);
void graph_dump(struct graph *g, unsigned int what, struct dump *d); /* what: DUMP_... of statedump.h */

const struct xlator_type *xlator_type_find(const char *name, struct err *err);

#endif
