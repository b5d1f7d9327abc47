/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mounting.h: the process as a client: a mount, and the graphs that come for it. On the loop's thread, or before it runs. */
#ifndef GLUSTERFSD_MOUNTING_H
#define GLUSTERFSD_MOUNTING_H

#include "command-line.h"

struct mounting;
struct graph;
struct process;

int mounting_new(struct process *p, const struct command_line *cl, struct mounting **ret, struct err *err);
/* A parsed graph, from a file or a server; taken over. The first is started and mounted; a later one takes its place. */
int mounting_take_graph(struct mounting *c, struct graph *g, struct err *err);
/* Unmounts and ends the graph; then ended(data), on another thread. */
void mounting_end(struct mounting *c, void (*ended)(void *data), void *data);
void mounting_free(struct mounting *c); /* after ended(), or when nothing was started. NULL is fine */

#endif
