/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The locks that cluster translators take of each other: ranges (inodelk) and names (entrylk) in domains of their choice
 * (spec brick 3.2, 3.3). They do not merge: each is given back as it was taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "locks.h"
#include "log.h"

/* Replicate's metadata lock is this range; it must not meet its data locks. */
#define METADATA_START (INT64_MAX - 1)
#define METADATA ":metadata"

enum ask { ASK_NOW, ASK_AND_WAIT, GIVE_BACK };

struct request {
    enum family family;
    enum ask ask;
    const char *domain;
    uint32_t type;
    int64_t start, end;
    const char *name;
};

/* Entry locks as ranges: a name is a point, the whole directory is everything. Two names may share a point: in_the_way() compares. */
void name_range(const char *name, int64_t *ret_start, int64_t *ret_end)
{
    uint64_t x = 14695981039346656037u; /* FNV-1a */

    for (const char *c = name; c && *c; c++)
        x = (x ^ (uint8_t)*c) * 1099511628211u;
    *ret_start = name ? (int64_t)((x ^ x >> 32) & INT64_MAX) : 0;
    *ret_end = name ? *ret_start : INT64_MAX;
}

static bool matches(const struct request *r, const struct held *h)
{
    if (h->start != r->start || h->end != r->end)
        return false;
    return r->family == INODE_LOCK || (h->type == r->type && (r->name ? h->name && strcmp(r->name, h->name) == 0 : !h->name));
}

static int give_back(struct xlator *xl, struct lock_table *t, const struct request *r, const struct lock_client *lc, const struct fop *fop,
                     struct aftermath *after)
{
    struct space *s = space_find(t, r->family, r->domain);
    const struct owner *own = s ? owner_find(s, lc, fop->cred.owner, fop->cred.owner_len) : NULL;

    for (struct range_node *n = NULL; own && (n = range_next(own->granted, r->start, r->start, n));) {
        if (!matches(r, held_own_at(n)))
            continue;
        drop_granted(xl, held_own_at(n));
        grant_waiting(xl, s, after);
        return 0;
    }
    return -EINVAL;
}

/* ---- taking locks away from owners who do not give them back (spec brick 3.7) -------------------------------------------- */

static bool is_to_be_revoked(const struct locks *priv, const struct space *s, const struct held *h)
{
    uint64_t age_ms = LIVE(priv, revocation_s) * 1000, max_blocked = (uint64_t)LIVE(priv, revocation_max_blocked);

    if (age_ms == 0)
        return false;
    if (max_blocked > 0 && s->waiting.n >= max_blocked)
        return true;
    for (int i = 0; i < 2; i++) {
        for (struct range_node *n = NULL; (n = range_next(s->tree[i], h->start, h->end, n));) {
            const struct held *g = held_at(n);
            bool clash = s->family == ENTRY_LOCK ? !g->name || !h->name || strcmp(g->name, h->name) == 0
                                                 : g->type == RANGE_WRITE || h->type == RANGE_WRITE;
            if (clash && h->since_ms - g->since_ms > age_ms) /* the owner's own as well */
                return true;
        }
    }
    return false;
}

static void revoke(struct xlator *xl, struct space *s, struct aftermath *after)
{
    struct locks *priv = xl->priv;
    struct held *next;
    char gfid[GFID_TEXT];

    log_warning(xl->name, "taking all %u locks of domain %s on %s away: they are too old, or too many wait for them", s->granted.n,
                s->domain,
             gfid_text(s->table->inode->gfid, gfid));
    for (struct held *h = LIVE(priv, revocation_clear_all) ? s->waiting.first : NULL; h; h = next) {
        next = h->next;
        refuse_waiting(xl, h, EAGAIN, after);
    }
    for (struct held *h = s->granted.first; h; h = next) {
        next = h->next;
        drop_granted(xl, h);
    }
    grant_waiting(xl, s, after);
}

/* monkey-unlocking: one unlock in a hundred is said to be done and is not, so that revocation has something to do. */
static bool forgets(struct locks *priv)
{
    return LIVE(priv, monkey) && atomic_fetch_add_explicit(&priv->unlocks, 1, memory_order_relaxed) % 100 == 99;
}

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

/* *h is taken when it is granted or waits, and NULL then. */
static int take(struct xlator *xl, struct lock_table *t, const struct request *r, struct lock_client *lc, struct held **h, struct fop *fop,
                struct aftermath *after)
{
    struct space *s = space_make(t, r->family, r->domain);
    struct held *blocker;
    int failed = s ? held_own(s, *h, lc, fop->cred.owner, fop->cred.owner_len) : -ENOMEM;

    if (failed)
        return failed;
    if (!may_hold_more(lc))
        return -ENOLCK;
    if (is_to_be_revoked(xl->priv, s, *h))
        revoke(xl, s, after);
    if (is_grantable(s, *h, &blocker)) {
        held_grant(s, *h);
        *h = NULL;
        return 0;
    }
    notice_contention(xl, s, *h, after);
    if (r->ask == ASK_NOW)
        return -EAGAIN;
    failed = wait_for(xl, s, *h, blocker, NULL, fop);
    if (failed == -EINPROGRESS)
        *h = NULL;
    return failed;
}

static void run(struct xlator *xl, struct fop *fop, const struct request *r)
{
    struct inode *in = lock_inode_of(fop);
    struct lock_client *lc = lock_client_of(xl, fop->client);
    struct lock_table *t = in && lc ? table_make(xl, in) : NULL;
    struct held *h = t ? held_new(xl, fop, r->type, r->start, r->end) : NULL;
    struct aftermath after = {0};
    int failed = 0;

    if (h && r->name)
        h->name = strdup(r->name);
    if (!h || (r->name && !h->name)) {
        held_free(xl, h);
        fop_fail(fop, in ? ENOMEM : EINVAL);
        return;
    }
    trace_lock(xl, fop);
    table_enter(t);
    if (r->ask != GIVE_BACK)
        failed = take(xl, t, r, lc, &h, fop, &after);
    else if (!forgets(xl->priv))
        failed = give_back(xl, t, r, lc, fop, &after);
    held_free(xl, h);
    table_leave(xl, t, &after);
    if (failed == 0)
        fop_complete(fop, 0, 0);
    else if (failed != -EINPROGRESS)
        fop_fail(fop, -failed);
}

/* What both families ask of a request. */
static int check(const struct fop *fop, const char *domain)
{
    if (lacks_owner(fop))
        return -EINVAL;
    if (!domain)
        return -EINVAL;
    return strlen(domain) > DOMAIN_MAX ? -ENAMETOOLONG : 0;
}

void locks_inodelk(struct xlator *xl, struct fop *fop)
{
    const struct flock_range *f = &fop->in.inodelk.flock;
    struct request r = {.family = INODE_LOCK, .domain = fop->in.inodelk.domain, .type = f->type, .start = f->start};
    char metadata[DOMAIN_MAX + sizeof(METADATA)];
    int failed = check(fop, r.domain);

    if (!failed && fop->in.inodelk.cmd != LK_SET && fop->in.inodelk.cmd != LK_SETW)
        failed = -ENOTSUP;
    if (!failed && (f->start < 0 || f->len < 0 || f->type > RANGE_UNLOCK || (f->len && f->start > INT64_MAX - f->len)))
        failed = -EINVAL;
    if (failed) {
        fop_fail(fop, -failed);
        return;
    }
    r.ask = f->type == RANGE_UNLOCK ? GIVE_BACK : fop->in.inodelk.cmd == LK_SETW ? ASK_AND_WAIT : ASK_NOW;
    r.end = f->len ? f->start + f->len - 1 : INT64_MAX;
    if (f->start == METADATA_START && f->len == 0) {
        size_t len = strlen(r.domain), tail = strlen(METADATA);

        if (len < tail || strcmp(r.domain + len - tail, METADATA) != 0) {
            snprintf(metadata, sizeof(metadata), "%s" METADATA, r.domain);
            r.domain = metadata;
        }
    }
    run(xl, fop, &r);
}

void locks_entrylk(struct xlator *xl, struct fop *fop)
{
    uint32_t cmd = fop->in.entrylk.cmd;
    struct request r = {.family = ENTRY_LOCK, .domain = fop->in.entrylk.domain, .type = fop->in.entrylk.type, .name = fop->in.entrylk.name};
    int failed = check(fop, r.domain);

    if (!failed && (cmd > ENTRYLK_LOCK_NB || r.type > RANGE_WRITE))
        failed = -EINVAL;
    if (failed) {
        fop_fail(fop, -failed);
        return;
    }
    name_range(r.name, &r.start, &r.end);
    r.ask = cmd == ENTRYLK_UNLOCK ? GIVE_BACK : cmd == ENTRYLK_LOCK ? ASK_AND_WAIT : ASK_NOW;
    run(xl, fop, &r);
}
