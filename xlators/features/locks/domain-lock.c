/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The locks that cluster translators take of each other: ranges (inodelk) and names (entrylk) in domains of their choice
 * (spec brick 3.2, 3.3). They do not merge: each is given back as it was taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locks.h"

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

static bool matches(const struct request *r, const struct held *h)
{
    if (r->family == INODE_LOCK)
        return h->start == r->start && h->end == r->end;
    return h->type == r->type && (r->name ? h->name && strcmp(r->name, h->name) == 0 : !h->name);
}

static int give_back(struct xlator *xl, struct lock_table *t, const struct request *r, const struct lock_client *lc, const struct fop *fop,
                     struct aftermath *after)
{
    struct space *s = space_find(t, r->family, r->domain);

    for (struct held *h = s ? s->granted.first : NULL; h; h = h->next) {
        if (!owned_by(h, lc, fop) || !matches(r, h))
            continue;
        held_take_out(h);
        held_free(xl, h);
        grant_waiting(xl, s, after);
        return 0;
    }
    return -EINVAL;
}

/* *h is taken when it is granted or waits, and NULL then. */
static int take(struct xlator *xl, struct lock_table *t, const struct request *r, struct held **h, struct fop *fop, struct aftermath *after)
{
    struct space *s = space_make(t, r->family, r->domain);
    int failed;

    if (!s)
        return -ENOMEM;
    if (!may_hold_more((*h)->lc))
        return -ENOLCK;
    if (is_grantable(s, *h, NULL)) {
        held_grant(s, *h);
        *h = NULL;
        return 0;
    }
    notice_contention(xl, s, *h, after);
    failed = r->ask == ASK_AND_WAIT ? wait_for(xl, s, *h, NULL, fop) : -EAGAIN;
    if (failed == -EINPROGRESS)
        *h = NULL;
    return failed;
}

static void run(struct xlator *xl, struct fop *fop, const struct request *r)
{
    struct inode *in = lock_inode_of(fop);
    struct lock_client *lc = lock_client_of(xl, fop->client);
    struct lock_table *t = in && lc ? table_make(xl, in) : NULL;
    struct held *h = lc ? held_new(xl, lc, fop, r->type, r->start, r->end) : NULL;
    struct aftermath after = {0};
    int failed;

    if (h && r->name)
        h->name = strdup(r->name);
    if (!t || !h || (r->name && !h->name)) {
        held_free(xl, h);
        fop_fail(fop, in ? ENOMEM : EINVAL);
        return;
    }
    table_enter(t);
    failed = r->ask == GIVE_BACK ? give_back(xl, t, r, lc, fop, &after) : take(xl, t, r, &h, fop, &after);
    table_leave(xl, t, &after);
    held_free(xl, h);
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
    r.ask = cmd == ENTRYLK_UNLOCK ? GIVE_BACK : cmd == ENTRYLK_LOCK ? ASK_AND_WAIT : ASK_NOW;
    run(xl, fop, &r);
}
