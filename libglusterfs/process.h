/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* process.h: everything that a running daemon, mount or test has one of. No globals: whoever needs it is handed it. */
#ifndef GF_PROCESS_H
#define GF_PROCESS_H

#include <pthread.h>

#include "counter.h"
#include "env.h"
#include "iatt.h"
#include "loop.h"

struct graph;
struct master;
struct pool;

/* Something that has to come to its end before the graph may: connections that drain. Embedded in its owner, who takes it
 * when told EVENT_PARENT_DOWN (before that call returns) and lets go when the last connection is closed and the last
 * request answered. What is still held after 4 s is named in the log, and the process leaves by _exit. */
struct process_hold {
    const char *what;           /* a name for the log: the translator's */
    const struct graph *graph;  /* whose it is, set by the owner; NULL: the process's. A graph that is exchanged waits for its own */
    struct process_hold *next;
};

/* Who transfers a brick's data between memory and disk. By the volume file: options linux-io_uring and linux-aio. */
enum io_engine { IO_BY_VOLUME, IO_LEGACY, IO_URING };

struct process {
    struct env env;             /* buffers, reaper, loop, census */
    struct census census;
    struct pool *pool;
    struct timer trim;          /* on the loop: unused buffers go back to the system */
    struct graph *graph;        /* the active one */
    pthread_mutex_t graph_lock; /* held by who exchanges the graph or its options while others run, and by who looks at them meanwhile */
    gfid_t uuid;                /* of this process; told to clients in SETVOLUME's reply */
    char *volfile;              /* name of the file, or what it is asked for by, or NULL */
    /* What protocol/client tells bricks of us. Set before the first graph is initialised, constant then; each may be NULL. */
    const char *process_name;   /* what it is for: --process-name, "fuse", "gfapi.PROGRAM" */
    const char *volfile_id;     /* what a daemon was asked for the volume file by */
    const char *volfile_server; /* the host that handed out the volume file; protocol/client's remote-host where that is not said */
    const char *subdir_mount;   /* what of the volume a mount wants to see: "/a/b"; NULL: all */
    struct master *master;      /* what sends operations from above (master.h); NULL: nobody does, as on a brick */
    const char *run_dir;        /* where sockets, and the files are that say what a statedump shall have */
    const char *statedump_dir;  /* NULL: run_dir. Under graph_lock: it may change while running */
    enum io_engine io_engine;   /* --io-engine. Constant */
    bool strict_volfile;        /* --volfile-check: an option that nobody knows is an error. Constant */
    bool stopping;
    int exit_status;
    void (*stop)(struct process *p, int status); /* asks main to end; any thread */
    unsigned int graphs_made;   /* numbers for graph->id */
    pthread_mutex_t hold_lock;  /* guards holds and drained; drained() is called under it: it only posts */
    struct process_hold *holds;
    pthread_cond_t hold_gone;   /* hold_lock: one was let go */
    void (*drained)(struct process *p); /* the last hold was let go; NULL: nobody waits */
};
void process_hold(struct process *p, struct process_hold *h, const char *what); /* any thread */
void process_let_go(struct process *p, struct process_hold *h);                 /* any thread; once */

void process_wait_for_graph(struct process *p, const struct graph *g);          /* until no hold of g is left; not on the loop */
void process_set_graph(struct process *p, struct graph *g);                     /* under graph_lock */

/* Makes buffers, reaper, loop and pool; what a test needs to run a graph. */
int process_init(struct process *p);
void process_done(struct process *p); /* all that hangs off it has ended before */

#endif
