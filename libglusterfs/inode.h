/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* inode.h: objects and open descriptors of a graph, and the table that finds an object by gfid.
 *
 * There are no names in the table: who needs an entry asks the storage for (parent, name). What the table keeps is what
 * translators know of an object (context slots) and its identity: one struct inode per gfid at any time.
 *
 * Life      An inode with references is active. Without, it stays in its shard's LRU list until the table's limit pushes it
 *           out; then each translator's forget() hook runs, from the bottom up, and it is freed.
 * Slots     A translator whose type says inode_slot gets a place of its own (xl->inode_slot). A slot is written once, by
 *           inode_ctx_set(): of two that race, the first wins and the loser is told. What is behind it guards itself.
 * Threads   Any. The shard's mutex guards hash chain, LRU list and the way from 0 to 1 reference. Hooks run without it. */
#ifndef GF_INODE_H
#define GF_INODE_H

#include <stdatomic.h>

#include "counter.h"
#include "iatt.h"

struct graph;
struct xlator;
struct client;
struct inode_table;

struct inode {
    gfid_t gfid;                 /* constant, never null                                        */
    atomic_uint refs;
    atomic_uint type;            /* mode & S_IFMT, 0 while unknown; relaxed: only ever 0 -> type */
    atomic_uint fd_count;        /* open struct fd that are not anonymous                       */
    atomic_bool dropped;         /* inode_drop() was called; relaxed: the last unref sees it    */
    struct inode_table *table;
    struct inode *hash_next, *lru_prev, *lru_next; /* shard's mutex */
    _Atomic(void *) ctx[];       /* graph->nr_inode_slots                                       */
};

struct inode_table *inode_table_new(struct graph *graph, unsigned int lru_limit, struct census *census);
void inode_table_set_limit(struct inode_table *t, unsigned int lru_limit); /* 0: none */
void inode_table_free(struct inode_table *t); /* forgets all; none may be referenced (logged by name if one is) */
struct inode_counts {
    unsigned int active, lru, limit;
} inode_table_counts(struct inode_table *t);
/* for tests: those of one shard push each other out, the oldest first */
unsigned int inode_table_shard(struct inode_table *t, gfid_t gfid);
/* Each active inode, with a reference held during fn. For the statedump. */
void inode_table_each_active(struct inode_table *t, void (*fn)(struct inode *in, void *ctx), void *ctx);

struct inode *inode_get(struct inode_table *t, gfid_t gfid);  /* found or made; a reference. NULL: no memory */
struct inode *inode_find(struct inode_table *t, gfid_t gfid); /* found, or NULL */
struct inode *inode_ref(struct inode *in);
void inode_unref(struct inode *in);                           /* NULL is fine */
/* The object is gone from the storage: pushed out at once when its last reference goes. */
void inode_drop(struct inode *in);
void *inode_ctx(const struct inode *in, const struct xlator *xl); /* NULL while unset */
void *inode_ctx_set(struct inode *in, const struct xlator *xl, void *value); /* value, or what another thread had set before */

/* An open file or directory. The translators fill their slots while OPEN, CREATE, OPENDIR go up; release() hooks run when the
 * last reference goes, from the top down, on whatever thread that is (they must not wait). */
struct fd {
    atomic_uint refs;
    struct inode *inode;    /* a reference */
    struct client *client;  /* whose it is; not a reference: cleanup of the client closes its fds first. NULL: internal */
    int32_t flags;          /* Linux open flags, from OPEN or CREATE; constant once bound */
    bool is_dir, anonymous;
    uint64_t pid;           /* of the opener, for dumps */
    struct graph *graph;
    _Atomic(void *) ctx[];  /* graph->nr_fd_slots */
};
struct fd *fd_new(struct graph *graph, struct inode *in, struct client *client, int32_t flags, bool is_dir);
struct fd *fd_new_anonymous(struct graph *graph, struct inode *in, int32_t flags); /* not counted in in->fd_count */
struct fd *fd_ref(struct fd *fd);
void fd_unref(struct fd *fd); /* NULL is fine */
void *fd_ctx(const struct fd *fd, const struct xlator *xl);
void *fd_ctx_set(struct fd *fd, const struct xlator *xl, void *value); /* as inode_ctx_set() */

#endif
