/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* complete.c: what may stand next, from the patterns of the table; names of volumes, bricks, options and peers from the daemon. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "grammar.h"

struct search {
    struct cli *c;
    const struct words *w;
    const char *beginning;
    void (*found)(void *ctx, const char *word);
    void *ctx;
    char **seen;             /* each word is told once */
    unsigned int nr_seen;
    bool asked_volumes, asked_bricks, asked_keys, asked_peers;
};

static void tell(struct search *s, const char *text, size_t len)
{
    char **more, *copy;

    if (strncmp(text, s->beginning, strlen(s->beginning)) != 0 || len < strlen(s->beginning))
        return;
    for (unsigned int i = 0; i < s->nr_seen; i++)
        if (strlen(s->seen[i]) == len && strncmp(s->seen[i], text, len) == 0)
            return;
    more = realloc(s->seen, (s->nr_seen + 1) * sizeof(*more));
    copy = strndup(text, len);
    if (more)
        s->seen = more;
    if (!more || !copy) {
        free(copy);
        return;
    }
    s->seen[s->nr_seen++] = copy;
    s->found(s->ctx, copy);
}

/* The daemon may be down, and says so on a terminal where nobody asked: nothing is printed while completing. */
static bool quiet_ask(struct search *s, unsigned int proc, struct request *r, struct reply *ret)
{
    int status;

    if (!s->c->session && session_open(&s->c->where, &s->c->session, NULL) < 0) {
        s->c->session = NULL;
        return false;
    }
    status = ask(s->c, proc, r, 10, ret);
    return status == 0 && ret->op_ret == 0;
}

static void tell_volumes(struct search *s)
{
    struct request r = request(NULL);
    struct reply a = {0};

    if (s->asked_volumes)
        return;
    s->asked_volumes = true;
    if (quiet_ask(s, CLI_LIST_VOLUME, &r, &a))
        for (int64_t i = 0; i < reply_number(&a, 0, "count"); i++) {
            const char *name = reply_or(&a, "", "volume%d", (int)i);
            tell(s, name, strlen(name));
        }
    reply_done(&a);
}

static void tell_bricks(struct search *s)
{
    struct request r = request(NULL);
    struct reply a = {0};

    if (s->asked_bricks || s->w->n < 3)
        return;
    s->asked_bricks = true;
    put(&r, "volname", "%s", s->w->at[2]);
    put_number(&r, "flags", 2);
    if (quiet_ask(s, CLI_GET_VOLUME, &r, &a))
        for (int64_t i = 1; i <= reply_number(&a, 0, "volume0.brick_count"); i++) {
            const char *name = reply_or(&a, "", "volume0.brick%d", (int)i);
            tell(s, name, strlen(name));
        }
    reply_done(&a);
}

/* Keys of the options: the lines "Option: KEY" of the help. */
static void tell_keys(struct search *s)
{
    struct request r = request(NULL);
    struct reply a = {0};

    if (s->asked_keys)
        return;
    s->asked_keys = true;
    put(&r, "volname", "help");
    put_number(&r, "count", 0);
    put(&r, "help", "help");
    if (quiet_ask(s, CLI_SET_VOLUME, &r, &a))
        for (const char *at = reply_or(&a, "", "help-str"); (at = strstr(at, "Option: "));) {
            at += strlen("Option: ");
            tell(s, at, strcspn(at, "\n"));
        }
    reply_done(&a);
}

static void tell_peers(struct search *s)
{
    struct reply a = {0};

    if (s->asked_peers)
        return;
    s->asked_peers = true;
    if (!s->c->session && session_open(&s->c->where, &s->c->session, NULL) < 0) {
        s->c->session = NULL;
        return;
    }
    if (ask_peers(s->c, 1, &a) == 0)
        for (int64_t i = 1; i <= reply_number(&a, 0, "count"); i++) {
            const char *name = reply_or(&a, "", "friend%d.hostname", (int)i);
            tell(s, name, strlen(name));
        }
    reply_done(&a);
}

static bool named(struct pattern_word p, const char *text)
{
    return strlen(text) == p.len && strncasecmp(p.at, text, p.len) == 0;
}

static void offer(void *ctx, struct pattern_word p, bool argument)
{
    struct search *s = ctx;

    if (!argument)
        tell(s, p.at, p.len);
    else if (named(p, "VOLNAME"))
        tell_volumes(s);
    else if (named(p, "BRICK") || named(p, "SOURCE-BRICK") || named(p, "HOSTNAME:BRICKNAME"))
        tell_bricks(s);
    else if (named(p, "key") || named(p, "option"))
        tell_keys(s);
    else if (named(p, "HOSTNAME"))
        tell_peers(s);
}

void complete(struct cli *c, const struct words *w, const char *beginning, void (*found)(void *ctx, const char *word), void *ctx)
{
    struct search s = {.c = c, .w = w, .beginning = beginning, .found = found, .ctx = ctx};

    for (const struct command *row = commands; row->pattern; row++)
        pattern_next(row->pattern, w, offer, &s);
    for (unsigned int i = 0; i < s.nr_seen; i++)
        free(s.seen[i]);
    free(s.seen);
}
