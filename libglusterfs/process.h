/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* process.h: everything that a running daemon, mount or test has one of. No globals: whoever needs it is handed it. */
#ifndef GF_PROCESS_H
#define GF_PROCESS_H

#include "counter.h"
#include "env.h"
#include "iatt.h"

struct graph;
struct pool;

struct process {
    struct env env;             /* buffers, reaper, loop, census */
    struct census census;
    struct pool *pool;
    struct graph *graph;        /* the active one */
    gfid_t uuid;                /* of this process; told to clients in SETVOLUME's reply */
    char *volfile;              /* name of the file, or NULL */
    const char *statedump_dir;
    bool stopping;
    int exit_status;
    void (*stop)(struct process *p, int status); /* asks main to end; any thread */
};

/* Makes buffers, reaper, loop and pool; what a test needs to run a graph. */
int process_init(struct process *p);
void process_done(struct process *p); /* all that hangs off it has ended before */

#endif
