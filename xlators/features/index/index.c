/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* index.c: the translator: options, life, contexts. What it is about: index.h. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "feature-types.h"
#include "index.h"
#include "process.h"

static const struct option index_options[] = {
    OPT_PATH("index-base", struct index, base_path, NULL, "where the indices are: .glusterfs/indices of the brick",
             .flags = OPTION_REQUIRED),
    OPT_STR("xattrop64-watchlist", struct index, watch64, NULL, "counters of 64 bits whose objects are to be healed (disperse)"),
    OPT_STR("xattrop-dirty-watchlist", struct index, watch_dirty, NULL, "counters of changes under way (replicate)"),
    OPT_STR("xattrop-pending-watchlist", struct index, watch_pending, NULL, "counters of changes that others missed (replicate)"),
};

struct index_inode *index_inode_get(struct index *ix, struct inode *in)
{
    struct index_inode *known = inode_ctx(in, ix->xl), *set;

    if (known)
        return known;
    known = calloc(1, sizeof(*known));
    if (!known)
        return NULL;
    pthread_mutex_init(&known->lock, NULL);
    set = inode_ctx_set(in, ix->xl, known);
    if (set != known) {
        pthread_mutex_destroy(&known->lock);
        free(known);
    }
    return set;
}

static void index_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    struct index_inode *known = ctx;

    pthread_mutex_destroy(&known->lock);
    free(known);
}

/* The flag means: this thread must not wait (a poller, the event loop). */
void index_on_worker(struct index *ix, struct fop *fop, void (*run)(struct job *j))
{
    fop->job_ctx = ix;
    fop->job = (struct job){.run = run, .owner = fop->client, .class = fop->class};
    if (!(fop->flags & FOP_NOWAIT)) {
        run(&fop->job);
        return;
    }
    fop->flags &= ~(unsigned int)FOP_NOWAIT;
    pool_add(ix->xl->graph->process->pool, &fop->job);
}

static int index_init(struct xlator *xl, struct err *err)
{
    struct index *ix = xl->priv;

    ix->xl = xl;
    ix->base_fd = -1;
    for (int k = 0; k < NR_INDICES; k++) {
        ix->dir[k].fd = -1;
        pthread_mutex_init(&ix->dir[k].lock, NULL);
        ix->virtual[k] = gfid_random();
    }
    ix->locks_ready = true;
    if (watchlist_parse(&ix->watch_32[INDEX_PENDING], ix->watch_pending) < 0 ||
        watchlist_parse(&ix->watch_32[INDEX_DIRTY], ix->watch_dirty) < 0 || watchlist_parse(&ix->watch_64, ix->watch64) < 0)
        return -ENOMEM;
    return store_open(ix, err);
}

static void index_fini(struct xlator *xl)
{
    struct index *ix = xl->priv;

    if (!ix->locks_ready)
        return;
    store_close(ix);
    for (int k = 0; k < NR_INDICES; k++) {
        watchlist_done(&ix->watch_32[k]);
        pthread_mutex_destroy(&ix->dir[k].lock);
    }
    watchlist_done(&ix->watch_64);
}

static void index_dump(struct xlator *xl, struct dump *d)
{
    struct index *ix = xl->priv;

    dump_kv(d, "xattrop-pending-count", "%llu", (unsigned long long)atomic_load(&ix->dir[INDEX_PENDING].count));
    dump_kv(d, "xattrop-dirty-count", "%llu", (unsigned long long)atomic_load(&ix->dir[INDEX_DIRTY].count));
}

const struct xlator_type index_type = {
    .name = "features/index",
    .options = index_options,
    .nr_options = array_len(index_options),
    .priv_size = sizeof(struct index),
    .inode_slot = true,
    .fd_slot = true,
    .init = index_init,
    .fini = index_fini,
    .forget = index_forget,
    .release = index_release,
    .dump = index_dump,
    .on =
        {
            [FOP_XATTROP] = index_xattrop,
            [FOP_FXATTROP] = index_xattrop,
            [FOP_LOOKUP] = index_lookup,
            [FOP_FSTAT] = index_fstat,
            [FOP_GETXATTR] = index_getxattr,
            [FOP_OPENDIR] = index_opendir,
            [FOP_READDIR] = index_readdir,
            [FOP_UNLINK] = index_unlink,
            [FOP_RMDIR] = index_rmdir,
        },
};
