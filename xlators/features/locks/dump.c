/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The statedump's lines (spec brick 3.13), which stock's own tests look for. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "locks.h"

#define OWNER_MAX sizeof(((struct cred *)NULL)->owner)

static void when(int64_t since, char *to, size_t size)
{
    time_t t = since;
    struct tm tm;

    strftime(to, size, "%Y-%m-%d %H:%M:%S +0000", gmtime_r(&t, &tm));
}

static void dump_held(struct dump *d, const struct space *s, const struct held *h, unsigned int n)
{
    static const char *const families[] = {[POSIX_LOCK] = "posixlk.posixlk",
                                           [INODE_LOCK] = "inodelk.inodelk",
                                           [ENTRY_LOCK] = "xlator.feature.locks.lock-dump.domain.entrylk.entrylk"};
    static const char *const types[] = {"READ", "WRITE", "UNLOCK"};
    const struct owner *o = h->own;
    const char *state = h->waiter ? "BLOCKED" : "ACTIVE", *uid = o->lc->client ? o->lc->client->uid : "-";
    char key[128], owner[2 * OWNER_MAX + 1], since[64], what[FOP_NAME_MAX + 128];

    snprintf(key, sizeof(key), "%s[%u](%s)", families[s->family], n, state);
    for (uint32_t i = 0; i < o->len; i++)
        snprintf(owner + 2 * i, 3, "%02x", o->bytes[i]);
    owner[2 * o->len] = '\0';
    when(h->since, since, sizeof(since));
    if (s->family == ENTRY_LOCK)
        snprintf(what, sizeof(what), "type=ENTRYLK_%s on basename=%.255s", h->type == RANGE_WRITE ? "WRLCK" : "RDLCK",
                 h->name ? h->name : "(null)");
    else
        snprintf(what, sizeof(what), "type=%s, whence=0, start=%" PRId64 ", len=%" PRId64, types[h->type], h->start,
                 h->end == INT64_MAX ? 0 : h->end - h->start + 1);
    dump_kv(d, key, "%s, pid = %d, owner=%s, client=%p, connection-id=%s, %s at %s", what, h->pid, o->len ? owner : "0",
            (void *)o->lc->client, uid, h->waiter ? "blocked" : "granted", since);
}

static unsigned int count(const struct lock_table *t, enum family family)
{
    unsigned int n = 0;

    for (struct space *s = t->spaces; s; s = s->next)
        n += s->family == family ? s->granted.n + s->waiting.n : 0;
    return n;
}

static void dump_family(struct dump *d, const struct lock_table *t, enum family family, const char *name)
{
    unsigned int n = count(t, family);

    if (n)
        dump_kv(d, name, "%u", n);
    for (struct space *s = t->spaces; s; s = s->next) {
        if (s->family != family)
            continue;
        n = 0;
        if (s->domain)
            dump_kv(d, "lock-dump.domain.domain", "%s", s->domain);
        for (struct held *h = s->granted.first; h; h = h->next)
            dump_held(d, s, h, n++);
        for (struct held *h = s->waiting.first; h; h = h->next)
            dump_held(d, s, h, n++);
    }
}

void locks_dump_inode(struct xlator *xl, struct inode *in, void *ctx, struct dump *d)
{
    struct lock_table *t = ctx;
    char gfid[GFID_TEXT];

    SCOPED_LOCK(&t->lock);
    if (t->nr_locks == 0 && t->nr_removals == 0)
        return;
    dump_section(d, "xlator.features.locks.%s.inode", xl->name);
    dump_kv(d, "path", "<gfid:%s>", gfid_text(in->gfid, gfid));
    dump_kv(d, "mandatory", "%d", t->enforced == ENFORCE_YES);
    dump_family(d, t, ENTRY_LOCK, "entrylk-count");
    dump_family(d, t, INODE_LOCK, "inodelk-count");
    dump_family(d, t, POSIX_LOCK, "posixlk-count");
    dump_kv(d, "removes_pending", "%u", t->nr_removals);
}
