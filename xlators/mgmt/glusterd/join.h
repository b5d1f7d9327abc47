/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* join.h: bricks that join a volume which may be running. They are looked at, marked, started and made known to the others of their sets
 * before the volume that has them is written and published; what fails on the way leaves the volume, its folders and its processes as they
 * were.
 *
 * Threads  Waits for processes: workers only. Errors are the command's sentence, and -1. */
#ifndef GLUSTERD_JOIN_H
#define GLUSTERD_JOIN_H

#include <stdbool.h>

struct command;
struct volinfo;

enum {
    JOIN_FORCE = 1u << 0,        /* on the root partition, with an old mark, ... */
    JOIN_BEHIND = 1u << 1,       /* the others of its set have files that it lacks */
    JOIN_CHECKED = 1u << 2,      /* the folder is one of the volume already: only its mark is set again */
};
/* v: the volume as it will be, with the n new bricks at at[]. what: "add-brick" or "replace-brick". */
int bricks_join(struct command *c, struct volinfo *v, const char *what, const unsigned int *at, unsigned int n, unsigned int flags);
/* After all the volume could not be written. */
void bricks_unjoin(struct command *c, const struct volinfo *v, const unsigned int *at, unsigned int n);

#endif
