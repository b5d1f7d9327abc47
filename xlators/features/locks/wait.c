/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who gets a lock, who waits for it, and what happens when it becomes free. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "locks.h"

/* ---- in each other's way ------------------------------------------------------------------------------------------------- */

static bool conflict(const struct space *s, const struct held *a, const struct held *b)
{
    if (same_owner(a, b))
        return false;
    if (s->family == ENTRY_LOCK) /* whatever the type: every entry lock is exclusive */
        return !a->name || !b->name || strcmp(a->name, b->name) == 0;
    return overlap(a, b) && (a->type == RANGE_WRITE || b->type == RANGE_WRITE);
}

static bool owner_is_in(const struct held_list *l, const struct held *h, const struct held *before)
{
    for (const struct held *o = l->first; o && o != before; o = o->next)
        if (o != h && same_owner(o, h))
            return true;
    return false;
}

/* POSIX locks: what is granted decides. Inode and entry locks are fair as well: a newcomer does not overtake one that waits and
 * is in its way, but who has something in the domain already may, or two who upgrade would wait for each other. */
bool is_grantable(const struct space *s, const struct held *h, const struct held *before)
{
    for (const struct held *g = s->granted.first; g; g = g->next)
        if (conflict(s, g, h))
            return false;
    if (s->family == POSIX_LOCK)
        return true;
    for (const struct held *w = s->waiting.first; w && w != before; w = w->next)
        if (w != h && conflict(s, w, h))
            return owner_is_in(&s->granted, h, NULL) || owner_is_in(&s->waiting, h, before);
    return true;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------- */

static void add_waiter(struct aftermath *after, struct waiter *w, int err)
{
    w->err = err;
    w->next = NULL;
    *(after->last ? &after->last->next : &after->first) = w;
    after->last = w;
}

/* By the canceller, who has the fop and no lock. */
static void cancelled(struct fop *fop, void *ctx)
{
    struct waiter *w = ctx;
    struct xlator *xl = w->xl;
    struct lock_table *t = w->table;
    struct aftermath after = {0};
    struct space *s;

    table_enter(t); /* the fop holds the inode */
    s = w->held->space;
    held_take_out(w->held);
    held_free(xl, w->held);
    held_free(xl, w->spare);
    grant_waiting(xl, s, &after); /* those that waited behind it */
    add_waiter(&after, w, fop->cancel_err);
    table_leave(xl, t, &after);
}

int wait_for(struct xlator *xl, struct space *s, struct held *h, struct held *spare, struct fop *fop)
{
    struct waiter *w = fop_alloc(fop, sizeof(*w));
    int failed;

    if (!w)
        return -ENOMEM;
    *w = (struct waiter){.fop = fop, .xl = xl, .table = s->table, .held = h, .spare = spare};
    h->waiter = w;
    failed = held_wait(s, h);
    if (!failed && !fop_park(fop, cancelled, w)) {
        held_take_out(h);
        failed = -fop->cancel_err;
    }
    if (failed)
        h->waiter = NULL;
    return failed ? failed : -EINPROGRESS;
}

/* From waiting to granted. The fop is ours. */
static void grant(struct xlator *xl, struct space *s, struct held *h, struct aftermath *after)
{
    struct waiter *w = h->waiter;

    held_take_out(h);
    h->waiter = NULL;
    if (s->family == POSIX_LOCK) {
        posix_reply(w->fop, h);
        posix_insert(xl, s, h, &w->spare);
    } else {
        held_grant(s, h);
    }
    held_free(xl, w->spare);
    add_waiter(after, w, 0);
}

void grant_waiting(struct xlator *xl, struct space *s, struct aftermath *after)
{
    struct held *next;
    bool again;

    do { /* a granted read lock may replace a part of its owner's write lock, and free one that was looked at before */
        again = false;
        for (struct held *h = s->waiting.first; h; h = next) {
            next = h->next;
            /* One whose canceller was faster stays in line until cancelled() takes it out. */
            if (!is_grantable(s, h, h) || !fop_unpark(h->waiter->fop))
                continue;
            grant(xl, s, h, after);
            again = s->family == POSIX_LOCK;
        }
    } while (again);
}

void refuse_waiting(struct xlator *xl, struct held *h, int err, struct aftermath *after)
{
    struct waiter *w = h->waiter;

    if (!fop_unpark(w->fop))
        return;
    held_take_out(h);
    held_free(xl, h);
    held_free(xl, w->spare);
    add_waiter(after, w, err);
}

/* ---- telling who is in the way ------------------------------------------------------------------------------------------- */

struct notice {
    struct notice *next;
    struct upcall up;
    char *text; /* client_uid, domain, name: NUL-terminated, one after the other */
};

static char *put_text(char **at, const char *text)
{
    char *here = *at;

    strcpy(here, text);
    *at += strlen(text) + 1;
    return here;
}

static struct notice *notice_of(const struct space *s, const struct held *g)
{
    struct notice *n = calloc(1, sizeof(*n));
    const char *name = g->name ? g->name : "";
    char *at = malloc(strlen(g->lc->client->uid) + strlen(s->domain) + strlen(name) + 3);

    if (!n || !at) {
        free(n);
        free(at);
        return NULL;
    }
    n->text = at;
    n->up = (struct upcall){
        .kind = s->family == INODE_LOCK ? UPCALL_INODELK_CONTENTION : UPCALL_ENTRYLK_CONTENTION,
        .client_uid = put_text(&at, g->lc->client->uid),
        .gfid = s->table->inode->gfid,
        .flock = {.type = g->type, .start = g->start, .len = g->end == INT64_MAX ? 0 : g->end - g->start + 1, .pid = (uint32_t)g->pid,
                  .owner_len = g->owner_len},
        .pid = (uint32_t)g->pid,
        .entry_type = g->type,
        .domain = put_text(&at, s->domain),
        .name = g->name ? put_text(&at, name) : NULL,
    };
    memcpy(n->up.flock.owner, g->owner, g->owner_len);
    return n;
}

void notice_contention(struct xlator *xl, const struct space *s, const struct held *h, struct aftermath *after)
{
    struct locks *priv = xl->priv;
    uint64_t now = clock_ms(), delay = __atomic_load_n(&priv->notify_delay_s, __ATOMIC_RELAXED) * 1000;
    struct notice *n;

    if (!__atomic_load_n(&priv->notify_contention, __ATOMIC_RELAXED))
        return;
    for (struct held *g = s->granted.first; g; g = g->next) {
        if (!conflict(s, g, h) || !g->lc->client || (g->told_ms && now - g->told_ms < delay))
            continue;
        g->told_ms = now;
        n = notice_of(s, g); /* not told for want of memory: the holder's own time-out still works */
        if (n) {
            n->next = after->notices;
            after->notices = n;
        }
    }
}

void aftermath_run(struct xlator *xl, struct aftermath *after)
{
    struct waiter *w;
    struct notice *n;

    while ((n = after->notices)) {
        after->notices = n->next;
        xlator_notify_up(xl, EVENT_UPCALL, &n->up);
        free(n->text);
        free(n);
    }
    while ((w = after->first)) { /* completed, it may be freed, and w with it */
        after->first = w->next;
        if (w->err)
            fop_fail(w->fop, w->err);
        else
            fop_complete(w->fop, 0, 0);
    }
    after->last = NULL;
}
