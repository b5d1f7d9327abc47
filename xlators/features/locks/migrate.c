/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* POSIX locks on the move.
 *
 * lockinfo   A client that changes to a new graph asks the old one which locks a descriptor has, and shows the answer to the
 *            descriptor of the new one, which then has them (spec wire 3.10). The answer is a dict of one pair for each brick: its
 *            pathinfo up to the host, and a number that stands for the descriptor. Whoever shows the number gets the locks, so it is
 *            random.
 * meta-lock  A rebalance that moves a file tells the brick (spec brick 3.10). From then on new locks wait; when the file has moved they
 *            fail with EREMOTE, and the client asks the other brick. The meta-lock is a `held` in a space of its own, so that it goes
 *            with its client. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "locks.h"
#include "process.h"

#define LOCKINFO "trusted.glusterfs.lockinfo"
#define META_LOCK_KEY "glusterfs.lock-migration-meta-lock"
#define META_UNLOCK_KEY "glusterfs.lock-migration-meta-unlock"
#define REBALANCE_PID (-3)

/* "<POSIX(/b):host:/b/>" -> "<POSIX(/b):host", in place. */
static char *brick_key(struct fop *fop, const char *pathinfo)
{
    char *key = pathinfo ? fop_str(fop, pathinfo, strlen(pathinfo)) : NULL, *colon = key ? strrchr(key, ':') : NULL;

    if (!colon)
        return NULL;
    *colon = '\0';
    return key;
}

/* ---- lockinfo, asked for ------------------------------------------------------------------------------------------------- */

static int put_info(struct fop *fop, const char *key, uint64_t token)
{
    struct dict *d = dict_new();
    int failed = d ? dict_set_textf(d, key, "%llu", (unsigned long long)token) : -ENOMEM;
    size_t len = failed ? 0 : dict3_size(d);
    uint8_t *bytes = failed ? NULL : malloc(len);

    if (bytes) {
        dict3_encode(d, bytes);
        failed = dict_set_binary(fop->out.dict, LOCKINFO, bytes, len);
    } else if (!failed) {
        failed = -ENOMEM;
    }
    free(bytes);
    dict_unref(d);
    return failed;
}

static void info_placed(struct xlator *xl, struct fop *fop, const char *pathinfo, void *ctx)
{
    const struct lock_fd *via = ctx;
    char *key = brick_key(fop, pathinfo);
    int failed = key ? put_info(fop, key, via->token) : -EIO;

    if (failed)
        fop_fail(fop, -failed);
    else
        fop_complete(fop, (int32_t)dict_find(fop->out.dict, LOCKINFO)->len, 0);
}

static bool has_any(struct lock_fd *via)
{
    SCOPED_LOCK(&via->table->lock);
    return via->nr_granted > 0;
}

bool lockinfo_get(struct xlator *xl, struct fop *fop)
{
    struct lock_fd *via;

    if (fop->op != FOP_FGETXATTR || !fop->in.getxattr.name || strcmp(fop->in.getxattr.name, LOCKINFO) != 0)
        return false;
    via = fop->fd ? fd_ctx(fop->fd, xl) : NULL;
    fop->out.dict = dict_new();
    if (!fop->out.dict)
        fop_fail(fop, ENOMEM);
    else if (via && has_any(via))
        place_ask(xl, fop, info_placed, via); /* the fop holds the descriptor */
    else
        fop_complete(fop, 0, 0);
    return true;
}

/* ---- lockinfo, shown ----------------------------------------------------------------------------------------------------- */

/* One lock to the new client, joined with what it has there already. */
static int move_one(struct xlator *xl, struct space *s, struct held *h, struct lock_client *lc, struct lock_fd *to)
{
    struct held *spare = calloc(1, sizeof(*spare));
    int failed = -ENOMEM;

    if (!spare)
        return failed;
    census_add(&xl->graph->process->census, CENSUS_LOCKS, 1);
    held_take_out(h);
    h->via = to;
    failed = held_give(h, lc);
    if (failed)
        held_free(xl, h); /* without memory it is lost: nobody could release it */
    else
        posix_insert(xl, s, h, &spare);
    held_free(xl, spare);
    return failed;
}

static int move_all(struct xlator *xl, struct lock_table *t, uint64_t token, struct lock_client *lc, struct lock_fd *to,
                    struct aftermath *after)
{
    struct space *s = space_find(t, POSIX_LOCK, NULL);
    struct held *next, *last = s ? s->granted.last : NULL;
    int failed = 0;

    for (struct held *h = s ? s->granted.first : NULL; h && !failed; h = next) {
        next = h == last ? NULL : h->next; /* what has moved comes to the end */
        if (h->via && h->via != to && h->via->token == token)
            failed = move_one(xl, s, h, lc, to);
    }
    if (s)
        grant_waiting(xl, s, after);
    return failed;
}

static void show_placed(struct xlator *xl, struct fop *fop, const char *pathinfo, void *ctx)
{
    const struct dict *shown = ctx; /* a reference of ours */
    struct lock_table *t = table_find(xl, fop->fd->inode);
    struct lock_client *lc = lock_client_of(xl, fop->client);
    char *key = brick_key(fop, pathinfo);
    struct lock_fd *to = t ? lock_fd_of(xl, fop->fd, t) : NULL;
    struct aftermath after = {0};
    uint64_t token;
    int failed = key ? 0 : -EIO;

    if (t && (!to || !lc))
        failed = -ENOMEM;
    if (!failed && t && dict_get_u64(shown, key, &token) == 0) { /* else it is about another brick */
        table_enter(t);
        failed = move_all(xl, t, token, lc, to, &after);
        table_leave(xl, t, &after);
    }
    dict_unref(ctx);
    if (failed)
        fop_fail(fop, -failed);
    else
        fop_complete(fop, 0, 0);
}

static void lockinfo_show(struct xlator *xl, struct fop *fop, const struct dict_pair *p)
{
    struct dict *shown = NULL;

    if (!fop->fd || dict3_decode(p->value, p->len, &shown) < 0 || !shown)
        fop_fail(fop, EINVAL);
    else
        place_ask(xl, fop, show_placed, shown);
}

/* ---- the meta-lock ------------------------------------------------------------------------------------------------------- */

enum go while_migrating(struct xlator *xl, struct lock_table *t, struct fop *fop, int *ret_err)
{
    const struct space *s = space_find(t, META_LOCK, NULL);

    *ret_err = EREMOTE;
    if (t->migrated)
        return GO_REFUSE;
    return s && s->granted.n && s->granted.first->own->lc->client != fop->client ? GO_WAIT : GO_ON;
}

static int meta_lock(struct xlator *xl, struct lock_table *t, struct fop *fop, struct lock_client *lc)
{
    struct space *s = space_make(t, META_LOCK, NULL);
    struct held *h = held_new(xl, fop, RANGE_WRITE, 0, INT64_MAX);
    int failed = !s || !h ? -ENOMEM : s->granted.n ? -EBUSY : held_own(s, h, lc, (const uint8_t *)"", 0);

    if (failed)
        held_free(xl, h);
    else
        held_grant(s, h);
    return failed;
}

static int meta_unlock(struct xlator *xl, struct lock_table *t, const struct fop *fop, bool moved)
{
    struct space *s = space_find(t, META_LOCK, NULL);

    if (!s || !s->granted.n || s->granted.first->own->lc->client != fop->client)
        return -EINVAL;
    drop_granted(xl, s->granted.first);
    t->migrated |= moved;
    return 0;
}

static void change_meta_lock(struct xlator *xl, struct fop *fop, bool lock)
{
    struct inode *in = lock_inode_of(fop);
    struct lock_client *lc = lock_client_of(xl, fop->client);
    struct lock_table *t = in && lc ? table_make(xl, in) : NULL;
    struct aftermath after = {0};
    int failed;

    if (fop->cred.pid != REBALANCE_PID || !in) {
        fop_fail(fop, EINVAL);
        return;
    }
    if (!t) {
        fop_fail(fop, ENOMEM);
        return;
    }
    table_enter(t);
    failed = lock ? meta_lock(xl, t, fop, lc) : meta_unlock(xl, t, fop, dict_is_true(fop->in.setxattr.dict, META_UNLOCK_KEY));
    table_leave(xl, t, &after);
    if (failed)
        fop_fail(fop, -failed);
    else
        fop_complete(fop, 0, 0);
}

/* ---- what they come as --------------------------------------------------------------------------------------------------- */

/* [F]SETXATTR, [F]REMOVEXATTR. */
void locks_setxattr(struct xlator *xl, struct fop *fop)
{
    bool sets = fop->op == FOP_SETXATTR || fop->op == FOP_FSETXATTR;
    const struct dict *d = sets ? fop->in.setxattr.dict : NULL;
    const struct dict_pair *info = fop->op == FOP_FSETXATTR ? dict_find(d, LOCKINFO) : NULL;

    if (sets_enforcement(fop))
        locks_enforce(xl, fop);
    else if (info)
        lockinfo_show(xl, fop, info);
    else if (fop->op == FOP_SETXATTR && dict_find(d, META_LOCK_KEY))
        change_meta_lock(xl, fop, true);
    else if (fop->op == FOP_SETXATTR && dict_find(d, META_UNLOCK_KEY))
        change_meta_lock(xl, fop, false);
    else
        locks_count(xl, fop);
}

/* ---- GETACTIVELK, SETACTIVELK -------------------------------------------------------------------------------------------- */

void locks_getactivelk(struct xlator *xl, struct fop *fop)
{
    struct lock_table *t = table_find(xl, lock_inode_of(fop));
    struct space *s;
    int failed = 0;

    if (!t) {
        fop_complete(fop, 0, 0);
        return;
    }
    table_enter(t);
    s = space_find(t, POSIX_LOCK, NULL);
    if (s && s->granted.n) {
        fop->out.locks = fop_alloc(fop, s->granted.n * sizeof(*fop->out.locks));
        failed = fop->out.locks ? 0 : ENOMEM;
    }
    for (struct held *h = s && !failed ? s->granted.first : NULL; h; h = h->next) {
        struct active_lock *to = &fop->out.locks[fop->out.nr_locks];
        const char *uid = h->own->lc->client ? h->own->lc->client->uid : "";

        posix_reply(fop, h);
        to->flock = fop->out.flock;
        to->flags = h->mandatory;
        to->client_uid = fop_str(fop, uid, strlen(uid));
        if (!to->client_uid) {
            failed = ENOMEM;
            break;
        }
        fop->out.nr_locks++;
    }
    table_leave(xl, t, NULL);
    fop_complete(fop, failed ? -1 : (int32_t)fop->out.nr_locks, failed);
}

void locks_setactivelk(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, EOPNOTSUPP);
}
