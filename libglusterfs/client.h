/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* client.h: one client of a brick: what locks, descriptors and running requests belong to. Outlives its connections.
 *
 * The end of a client (design section 4, rule 5) is client_gone():
 *   1 mark gone: no new fds, locks, starts   2 cancel its parked fops   3 when the last running fop has come back:
 *   4 each translator's client_gone() hook (locks are dropped there), then its fds are closed, then `ended` is called,
 * steps 3 and 4 on a worker, never on a poller. A fop that finishes after 1 finds client->gone set and undoes what it made
 * (a CREATE closes its fd).
 *
 * Threads   Any. `lock` guards the fd table and the list of running fops; nothing is called under it. */
#ifndef GF_CLIENT_H
#define GF_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "inode.h"
#include "pool.h"
#include "util.h"

struct fop;

#define CLIENT_FDS_MAX 65536

struct client {
    atomic_uint refs;
    char *uid;              /* process-uuid of SETVOLUME */
    char *process_name;     /* "fuse", ... */
    char *address;          /* "198.51.100.9:49151" */
    bool trusted;           /* logged in with a user name */
    uint32_t opversion;
    struct graph *graph;
    void *owner;            /* protocol/server's record of it */
    pthread_mutex_t lock;
    atomic_bool gone;
    struct fop *running;    /* lock; fops started and not back, and children that have parked */
    struct fd **fds;        /* lock; by number */
    unsigned int nr_fds, fds_cap, first_free;
    unsigned int nr_running; /* lock; those started, and one more while parked ones are being cancelled */
    void (*ended)(struct client *c);
    struct pool *pool;      /* where the end runs */
    struct job end;
    struct census *census;
    _Atomic(void *) ctx[];  /* graph->nr_client_slots */
};
struct client *client_new(struct graph *graph, const char *uid, struct census *census);
struct client *client_ref(struct client *c);
void client_unref(struct client *c);
void *client_ctx(const struct client *c, const struct xlator *xl);
void *client_ctx_set(struct client *c, const struct xlator *xl, void *value);

/* Lowest free number, or -EMFILE, -ENOTCONN (gone), -ENOMEM. Takes a reference of its own. */
int64_t client_fd_install(struct client *c, struct fd *fd);
struct fd *client_fd_get(struct client *c, int64_t number); /* a reference, or NULL */
int client_fd_close(struct client *c, int64_t number);      /* 0, -EBADF */

/* From start to answer of each fop that runs for the client. false: it is gone, complete the fop with ENOTCONN. */
bool client_start(struct client *c, struct fop *fop);
void client_finish(struct client *c, struct fop *fop);
/* A child that parks must be found by those who cancel, or they would wait for it: for fop_park() and fop_free() only.
 * 0, or the (positive) error with which it is cancelled already. */
int client_list_child(struct client *c, struct fop *child);
void client_unlist_child(struct client *c, struct fop *child);
/* Completes its parked fops with err; the others do not notice. While a brick drains: what waits for a lock would wait for good. */
void client_cancel_parked(struct client *c, int err);
void client_gone(struct client *c, struct pool *pool, void (*ended)(struct client *c)); /* once */

#endif
