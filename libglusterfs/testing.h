/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* testing.h: what a unit test needs around a translator or two: a process and a graph, without files.
 *
 *   struct process p;
 *   testing_process(&p);
 *   struct graph *g = testing_graph(&p, (struct testing_node[]){
 *       {.type = &fake_storage}, {.type = &quota_type, .options = {"limit", "1MB"}}, {.type = NULL}});
 *   ... fop_new(g, FOP_WRITE), fop_submit(g->top, fop) ...
 *   testing_graph_free(g);
 *   testing_process_done(&p);
 *
 * Whatever fails ends the program with a sentence on stderr. */
#ifndef GF_TESTING_H
#define GF_TESTING_H

#include "graph.h"
#include "process.h"

#define TESTING_OPTIONS 16

struct testing_node {
    const struct xlator_type *type;        /* NULL ends the list */
    const char *options[TESTING_OPTIONS];  /* key, value, key, value, ... */
};

/* process_init(): nobody runs the loop. */
void testing_process(struct process *p);
/* Ends them. Fails when something is left: a buffer, an inode, a descriptor, a fop, a client, a thread, ... */
void testing_process_done(struct process *p);
/* The lowest first; each stands above the one before. Named "x0", "x1", ... Options are applied and each init() has run. */
struct graph *testing_graph(struct process *p, const struct testing_node *nodes);
void testing_graph_free(struct graph *g);
struct xlator *testing_xlator(struct graph *g, unsigned int i);

/* Submits to the top and waits until it has come back, on whatever thread. The fop is still the caller's. */
void testing_run(struct graph *g, struct fop *fop);

#endif
