/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Telling the owners of locks that others wait for them (spec brick 3.6): replicate and disperse then give up what they keep for
 * reuse. At most once per notify-contention-delay and lock. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "locks.h"

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
    const struct owner *o = g->own;
    const char *name = g->name ? g->name : "", *uid = o->lc->client->uid;
    char *at = malloc(strlen(uid) + strlen(s->domain) + strlen(name) + 3);

    if (!n || !at) {
        free(n);
        free(at);
        return NULL;
    }
    n->text = at;
    n->up = (struct upcall){
        .kind = s->family == INODE_LOCK ? UPCALL_INODELK_CONTENTION : UPCALL_ENTRYLK_CONTENTION,
        .client_uid = put_text(&at, uid),
        .gfid = s->table->inode->gfid,
        .flock = {.type = g->type, .start = g->start, .len = g->end == INT64_MAX ? 0 : g->end - g->start + 1, .pid = (uint32_t)g->pid,
                  .owner_len = o->len},
        .pid = (uint32_t)g->pid,
        .entry_type = g->type,
        .domain = put_text(&at, s->domain),
        .name = g->name ? put_text(&at, name) : NULL,
    };
    memcpy(n->up.flock.owner, o->bytes, o->len);
    return n;
}

static void tell(struct xlator *xl, const struct space *s, struct held *g, struct aftermath *after)
{
    struct locks *priv = xl->priv;
    uint64_t now = clock_ms(), delay = LIVE(priv, notify_delay_s) * 1000;
    struct notice *n;

    if (!LIVE(priv, notify_contention) || !g->own->lc->client || (g->told_ms && now - g->told_ms < delay))
        return;
    g->told_ms = now;
    n = notice_of(s, g); /* not told for want of memory: the holder's own time-out still works */
    if (n) {
        n->next = after->notices;
        after->notices = n;
    }
}

void notice_contention(struct xlator *xl, const struct space *s, const struct held *h, struct aftermath *after)
{
    for (int i = 0; i < 2; i++)
        for (struct range_node *n = NULL; (n = range_next(s->tree[i], h->start, h->end, n));)
            if (in_the_way(s, held_at(n), h))
                tell(xl, s, held_at(n), after);
}

void notice_removal(struct xlator *xl, struct lock_table *t, const struct lock_client *lc, struct aftermath *after)
{
    for (const struct space *s = t->spaces; s; s = s->next)
        for (struct held *g = s->family == INODE_LOCK ? s->granted.first : NULL; g; g = g->next)
            if (g->own->lc != lc)
                tell(xl, s, g, after);
}

void notices_send(struct xlator *xl, struct aftermath *after)
{
    struct notice *n;

    while ((n = after->notices)) {
        after->notices = n->next;
        xlator_notify_up(xl, EVENT_UPCALL, &n->up);
        free(n->text);
        free(n);
    }
}
