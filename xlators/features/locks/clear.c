/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Taking locks away by name (spec brick 3.11):
 *
 *   glusterfs.clrlk.t<inode|entry|posix>.k<blocked|granted|all>[.<whence>,<start>-<len> or basename]   by whoever is root
 *   glusterfs.intrlk.tposix.kblocked.<whence>,<start>-<len>    an interrupted wait of the caller's own client and process */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locks.h"

#define CLEAR "glusterfs.clrlk."
#define INTERRUPT "glusterfs.intrlk."

struct command {
    enum family family;
    const char *family_name;
    bool blocked, granted;
    bool has_range;
    int64_t start, end;
    const char *name;              /* NULL: any */
    const struct lock_client *own; /* of this client and process only; NULL: anybody's */
    int32_t pid;
    unsigned int nr_blocked, nr_granted; /* what was taken away */
};

static bool take_word(const char **at, const char *word)
{
    size_t len = strlen(word);

    if (strncmp(*at, word, len) != 0 || ((*at)[len] != '.' && (*at)[len] != '\0'))
        return false;
    *at += len;
    return true;
}

static bool parse_range(const char *text, struct command *c)
{
    long long whence, start, len;
    int used = 0;

    if (sscanf(text, "%lld,%lld-%lld%n", &whence, &start, &len, &used) != 3 || text[used] || start < 0 || len < 0 ||
        (len && start > INT64_MAX - len))
        return false;
    c->has_range = true;
    c->start = start;
    c->end = len ? start + len - 1 : INT64_MAX;
    return true;
}

static int parse(const char *at, struct command *c)
{
    if (take_word(&at, "tinode"))
        c->family = INODE_LOCK, c->family_name = "inode";
    else if (take_word(&at, "tentry"))
        c->family = ENTRY_LOCK, c->family_name = "entry";
    else if (take_word(&at, "tposix"))
        c->family = POSIX_LOCK, c->family_name = "posix";
    else
        return -EINVAL;
    if (*at++ != '.')
        return -EINVAL;
    if (take_word(&at, "kblocked"))
        c->blocked = true;
    else if (take_word(&at, "kgranted"))
        c->granted = true;
    else if (take_word(&at, "kall"))
        c->blocked = c->granted = true;
    else
        return -EINVAL;
    if (*at == '\0')
        return 0;
    at++;
    if (c->family == ENTRY_LOCK)
        c->name = at;
    else if (!parse_range(at, c))
        return -EINVAL;
    return 0;
}

static bool is_meant(const struct command *c, const struct held *h)
{
    if (c->own && (h->own->lc != c->own || h->cred_pid != c->pid))
        return false;
    if (c->has_range && (h->start != c->start || h->end != c->end))
        return false;
    return !c->name || (h->name && strcmp(h->name, c->name) == 0);
}

static void clear_space(struct xlator *xl, struct space *s, struct command *c, struct aftermath *after)
{
    struct held *next;

    for (struct held *h = c->blocked ? s->waiting.first : NULL; h; h = next) {
        next = h->next;
        if (!is_meant(c, h))
            continue;
        c->nr_blocked += refuse_waiting(xl, h, s->family == POSIX_LOCK ? EINTR : EAGAIN, after);
    }
    for (struct held *h = c->granted ? s->granted.first : NULL; h; h = next) {
        next = h->next;
        if (!is_meant(c, h))
            continue;
        drop_granted(xl, h);
        c->nr_granted++;
    }
    grant_waiting(xl, s, after);
}

static void answer(struct fop *fop, const struct command *c, const char *place, size_t place_len)
{
    const char *name = fop->in.getxattr.name;
    int failed;

    fop->out.dict = dict_new();
    if (!fop->out.dict)
        failed = -ENOMEM;
    else if (place)
        failed = dict_set_textf(fop->out.dict, name, "%.*s: %s blocked locks=%u granted locks=%u", (int)place_len, place, c->family_name,
                                c->nr_blocked, c->nr_granted);
    else
        failed = dict_set_text(fop->out.dict, name, "No locks cleared.");
    if (failed)
        fop_fail(fop, -failed);
    else
        fop_complete(fop, (int32_t)dict_find(fop->out.dict, name)->len, 0);
}

/* "<POSIX(BRICK):HOST:BRICK/>": behind the first "):", up to ">". */
static void placed(struct xlator *xl, struct fop *fop, const char *pathinfo, void *ctx)
{
    const char *place = pathinfo ? strstr(pathinfo, "):") : NULL, *end = place ? strrchr(place, '>') : NULL;

    if (end)
        answer(fop, ctx, place + 2, (size_t)(end - place - 2));
    else
        answer(fop, ctx, xl->name, strlen(xl->name));
}

static void run(struct xlator *xl, struct fop *fop, struct command *c)
{
    struct lock_table *t = table_find(xl, lock_inode_of(fop));
    struct aftermath after = {0};

    if (t) {
        table_enter(t);
        for (struct space *s = t->spaces; s; s = s->next)
            if (s->family == c->family)
                clear_space(xl, s, c, &after);
        table_leave(xl, t, &after);
    }
    if (c->nr_blocked || c->nr_granted)
        place_ask(xl, fop, placed, c);
    else
        answer(fop, c, NULL, 0);
}

void locks_getxattr(struct xlator *xl, struct fop *fop)
{
    const char *name = fop->in.getxattr.name;
    bool clear = name && strncmp(name, CLEAR, strlen(CLEAR)) == 0, interrupt = name && strncmp(name, INTERRUPT, strlen(INTERRUPT)) == 0;
    struct command *c;
    int failed;

    if (lockinfo_get(xl, fop))
        return;
    if (!clear && !interrupt) {
        locks_count(xl, fop);
        return;
    }
    c = fop_alloc(fop, sizeof(*c));
    failed = !c ? -ENOMEM : parse(name + strlen(clear ? CLEAR : INTERRUPT), c);
    if (!failed && interrupt) {
        if (c->family != POSIX_LOCK || c->granted)
            failed = -EINVAL;
        c->own = lock_client_of(xl, fop->client);
        c->pid = fop->cred.pid;
        if (!c->own)
            failed = -ENOMEM;
    } else if (!failed && fop->cred.uid != 0 && fop->cred.pid >= 0) {
        failed = -EPERM; /* they are others' */
    }
    if (failed)
        fop_fail(fop, -failed);
    else
        run(xl, fop, c);
}
