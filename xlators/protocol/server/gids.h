/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gids.h: the groups of a user as this machine knows them (server.manage-gids), looked up on a worker and remembered for
 * gid-timeout seconds; that a user is unknown, too: he has no groups.
 *
 * Peers choose the uids, so everything is bounded: GIDS_WORKERS look-ups at a time (a slow directory service shall not take all
 * workers), one for each uid however many wait for it, GIDS_BYTES_MAX of memory, of which the longest unused goes first.
 *
 * Threads  Any; nothing waits. go_on() runs on a worker, without a lock. */
#ifndef SERVER_GIDS_H
#define SERVER_GIDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define GIDS_WORKERS 2
#define GIDS_MAX 65536u             /* groups of one user: Linux has no more */
#define GIDS_BYTES_MAX (16u << 20)
#define GIDS_ERROR_MS 5000          /* how long an answer that could not be had counts as "no groups" */

struct gids;
struct pool;

/* *ret: malloc'ed. 0; -ENOENT: nobody has this uid; another -errno: it cannot be said now. May take its time. */
typedef int (*gids_look_up_fn)(uint32_t uid, uint32_t **ret, unsigned int *ret_n);
int gids_resolve(uint32_t uid, uint32_t **ret, unsigned int *ret_n); /* the real one */

struct gids *gids_new(struct pool *pool, gids_look_up_fn look_up); /* NULL: no memory */
void gids_free(struct gids *g);                                    /* nobody waits any more */
void gids_set_timeout(struct gids *g, uint64_t seconds);
void gids_clear(struct gids *g);                                   /* what is remembered is forgotten */

struct gids_waiter {
    struct gids_waiter *next;
    void (*take)(void *ctx, const uint32_t *groups, unsigned int n); /* copies them; may be under the cache's lock */
    void (*go_on)(struct gids_waiter *w);
    void *ctx;
};
/* True: take() has been called. False: take() and then go_on() will be, and w lives until then. */
bool gids_get(struct gids *g, uint32_t uid, struct gids_waiter *w);
struct gids_counts {
    unsigned int users, bytes, looking;
} gids_counts(struct gids *g);

#endif
