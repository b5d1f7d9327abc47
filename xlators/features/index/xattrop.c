/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xattrop.c: XATTROP counts what has to be healed; an object is in an index while one of its watched counters is not zero.
 *
 *   counted up       entered before the operation goes down: a brick that dies in between has one entry too many, never one too few
 *   came back zero   taken out, when all watched counters of that index in the answer are zero
 *
 * The XATTROPs of one inode go one at a time, in order: else the zero of one could take out what another has just entered. Those that
 * wait hold no thread; they wait only for the ones before them. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "log.h"

enum { ADD_ARRAY = 0, ADD_ARRAY64 = 1 };
#define ENTRY_CREATE "glusterfs.xattrop-entry-create"
#define ENTRY_DELETE "glusterfs.xattrop-entry-delete"
#define PURGE "glusterfs.xattrop-purge-index"

struct waiting { /* in the arena of its fop */
    struct waiting *next;
    struct fop *fop;
};

/* ---- watched names -------------------------------------------------------------------------------------------------------------- */

int watchlist_parse(struct watchlist *w, const char *text)
{
    char *copy = strdup(text ? text : ""), *save, *word;

    if (!copy)
        return -ENOMEM;
    for (word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
        char **more = reallocarray(w->prefix, w->n + 1, sizeof(*more));

        if (more)
            w->prefix = more;
        if (!more || !(more[w->n] = strdup(word))) {
            free(copy);
            return -ENOMEM;
        }
        w->n++;
    }
    free(copy);
    return 0;
}

void watchlist_done(struct watchlist *w)
{
    for (unsigned int i = 0; i < w->n; i++)
        free(w->prefix[i]);
    free(w->prefix);
    *w = (struct watchlist){0};
}

static bool is_watched(const struct watchlist *w, const char *key)
{
    for (unsigned int i = 0; i < w->n; i++)
        if (strncmp(key, w->prefix[i], strlen(w->prefix[i])) == 0)
            return true;
    return false;
}

/* Does an operation of this kind on this attribute concern the index? */
static bool concerns(const struct index *ix, enum index_kind kind, uint32_t op, const char *key)
{
    if (kind == INDEX_PENDING && (op == ADD_ARRAY || op == ADD_ARRAY64) && is_watched(&ix->watch_64, key))
        return true;
    return op == ADD_ARRAY && is_watched(&ix->watch_32[kind], key);
}

static bool is_zero(const struct dict_pair *p)
{
    for (uint32_t i = 0; i < p->len; i++)
        if (((const uint8_t *)p->value)[i])
            return false;
    return true;
}

enum counters { NONE_WATCHED, ALL_ZERO, SOME_NOT };

static enum counters look_at(const struct index *ix, enum index_kind kind, uint32_t op, const struct dict *d)
{
    enum counters seen = NONE_WATCHED;

    for (unsigned int i = 0; seen != SOME_NOT && i < dict_count(d); i++) {
        const struct dict_pair *p = dict_at(d, i);

        if (concerns(ix, kind, op, p->key))
            seen = is_zero(p) ? ALL_ZERO : SOME_NOT;
    }
    return seen;
}

/* ---- one of them ---------------------------------------------------------------------------------------------------------------- */

static struct inode *inode_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

static void start(struct index *ix, struct fop *fop);

/* The next of the inode, if one waits, gets its turn. */
static void hand_on(struct index *ix, struct index_inode *in)
{
    struct waiting *w;

    {
        SCOPED_LOCK(&in->lock);
        w = in->first;
        in->busy = w != NULL;
        if (w)
            in->first = w->next;
        if (!in->first)
            in->last = NULL;
    }
    if (w)
        start(ix, w->fop);
}

static void settle(struct index *ix, const struct fop *fop, enum index_kind kind)
{
    gfid_t gfid = inode_of(fop)->gfid;
    char text[GFID_TEXT];
    int r = 0;

    switch (look_at(ix, kind, fop->in.xattrop.flags, fop->out.dict)) {
    case NONE_WATCHED:
        return;
    case SOME_NOT:
        r = store_add(ix, kind, gfid);
        break;
    case ALL_ZERO:
        r = store_remove(ix, kind, gfid_text(gfid, text));
        break;
    }
    if (r < 0 && r != -ENOENT)
        log_error(ix->xl->name, "index %s: entry %s: %s", index_names[kind], gfid_text(gfid, text), strerror(-r));
}

static void settle_names(struct index *ix, const struct fop *fop)
{
    struct inode *in = inode_of(fop);
    char text[GFID_TEXT];
    const char *name;
    int64_t purge;
    int r = 0;

    if (dict_get_text(fop->xdata, ENTRY_DELETE, &name) == 0)
        r = store_remove_name(ix, in->gfid, name);
    if (dict_get_i64(fop->xdata, PURGE, &purge) == 0 && purge && atomic_load_explicit(&in->type, memory_order_relaxed) == S_IFDIR &&
        look_at(ix, INDEX_PENDING, fop->in.xattrop.flags, fop->out.dict) == ALL_ZERO)
        r = store_wipe_dir(ix, gfid_text(in->gfid, text));
    if (r < 0 && r != -ENOENT)
        log_error(ix->xl->name, "index entry-changes of %s: %s", gfid_text(in->gfid, text), strerror(-r));
}

static void finish(struct index *ix, struct fop *fop)
{
    hand_on(ix, index_inode_get(ix, inode_of(fop))); /* it was made when the fop came */
    fop_complete(fop, fop->ret, fop->err);
}

static void settle_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct index *ix = fop->job_ctx;

    settle(ix, fop, INDEX_PENDING);
    settle(ix, fop, INDEX_DIRTY);
    settle_names(ix, fop);
    finish(ix, fop);
}

static void counted(struct fop *fop, void *ctx)
{
    if (fop->ret < 0)
        finish(ctx, fop);
    else
        index_on_worker(ctx, fop, settle_job);
}

static int enter(struct index *ix, const struct fop *fop)
{
    gfid_t gfid = inode_of(fop)->gfid;
    const char *name;
    int r = 0;

    for (int k = INDEX_PENDING; r == 0 && k <= INDEX_DIRTY; k++)
        if (look_at(ix, k, fop->in.xattrop.flags, fop->in.xattrop.dict) == SOME_NOT)
            r = store_add(ix, k, gfid);
    if (r == 0 && dict_get_text(fop->xdata, ENTRY_CREATE, &name) == 0)
        r = store_add_name(ix, gfid, name);
    return r;
}

static void enter_job(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct index *ix = fop->job_ctx;
    int r = enter(ix, fop);

    if (r < 0) {
        fop->ret = -1;
        fop->err = -r;
        finish(ix, fop);
        return;
    }
    fop_push(fop, counted, ix);
    fop_pass(ix->xl, fop);
}

static void start(struct index *ix, struct fop *fop)
{
    index_on_worker(ix, fop, enter_job);
}

/* ---- all of them ---------------------------------------------------------------------------------------------------------------- */

static bool is_bad_name(const struct dict *xdata, const char *key)
{
    const char *name;
    int r = dict_get_text(xdata, key, &name);

    if (r == -ENOENT)
        return false;
    return r < 0 || !*name || strlen(name) > FOP_NAME_MAX || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_of_interest(const struct index *ix, const struct fop *fop)
{
    for (int k = INDEX_PENDING; k <= INDEX_DIRTY; k++)
        if (look_at(ix, k, fop->in.xattrop.flags, fop->in.xattrop.dict) != NONE_WATCHED)
            return true;
    return dict_find(fop->xdata, ENTRY_CREATE) || dict_find(fop->xdata, ENTRY_DELETE) || dict_find(fop->xdata, PURGE);
}

void index_xattrop(struct xlator *xl, struct fop *fop)
{
    struct index *ix = xl->priv;
    struct inode *inode = inode_of(fop);

    if (is_bad_name(fop->xdata, ENTRY_CREATE) || is_bad_name(fop->xdata, ENTRY_DELETE)) {
        fop_fail(fop, EINVAL);
        return;
    }
    if (!inode || !is_of_interest(ix, fop)) {
        fop_pass(xl, fop);
        return;
    }
    struct index_inode *in = index_inode_get(ix, inode);
    struct waiting *w = fop_alloc(fop, sizeof(*w));
    if (!in || !w) {
        fop_fail(fop, ENOMEM);
        return;
    }
    w->fop = fop;
    {
        SCOPED_LOCK(&in->lock);
        if (in->busy) {
            fop->flags |= FOP_NOWAIT; /* nobody knows on which thread its turn will come */
            *(in->last ? &in->last->next : &in->first) = w;
            in->last = w;
            return; /* hand_on() starts it */
        }
        in->busy = true;
    }
    start(ix, fop);
}
