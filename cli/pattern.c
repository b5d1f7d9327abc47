/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pattern.c: see pattern.h. One walk over the pattern's text matches all ways at once: what is handed from piece to piece is the set of
 * positions in the words where the pieces so far may have ended, a bit for each. */
#include "config.h"

#include "pattern.h"

#include <ctype.h>
#include <string.h>

#define WORDS_MAX 63

struct walk {
    const char *at;              /* in the pattern */
    const struct words *w;
    void (*offer)(void *ctx, struct pattern_word p, bool argument);
    void *ctx;
    unsigned int depth;          /* of brackets */
    uint64_t anchor;             /* where the first group of the outermost level began; 0: not come to one yet */
};

static bool in_word(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("[]{}()|<>\\", c);
}

static bool is_argument_name(struct pattern_word p)
{
    static const char *const names[] = {"volname", "snapname", "option", "range", "basename", "key"};
    bool capitals = p.len > 1;

    for (size_t i = 0; i < p.len; i++)
        if (islower((unsigned char)p.at[i]))
            capitals = false;
    for (size_t i = 0; i < array_len(names); i++)
        if (strlen(names[i]) == p.len && strncmp(names[i], p.at, p.len) == 0)
            return true;
    return capitals;
}

static void skip(struct walk *k)
{
    while (isspace((unsigned char)*k->at) || *k->at == '\\')
        k->at++;
}

static bool accept(struct walk *k, const char *text)
{
    skip(k);
    if (strncmp(k->at, text, strlen(text)) != 0)
        return false;
    k->at += strlen(text);
    return true;
}

/* One word or argument, against the words at all positions of the set. */
static uint64_t leaf(struct walk *k, uint64_t starts, struct pattern_word p, bool argument)
{
    uint64_t ends = 0;

    for (int i = 0; i <= k->w->n; i++) {
        if (!(starts & (1ull << i)))
            continue;
        if (i == k->w->n)
            k->offer(k->ctx, p, argument);
        else if (argument || (strlen(k->w->at[i]) <= p.len && strncmp(k->w->at[i], p.at, strlen(k->w->at[i])) == 0))
            ends |= 1ull << (i + 1);
    }
    return ends;
}

static uint64_t either(struct walk *k, uint64_t starts);

/* <NAME> or <a|b|NAME>, behind the '<'. */
static uint64_t angle(struct walk *k, uint64_t starts)
{
    const char *end = strchr(k->at, '>');
    bool several = end && memchr(k->at, '|', (size_t)(end - k->at));
    uint64_t ends = 0;

    if (!end)
        end = k->at + strlen(k->at);
    while (k->at < end) {
        const char *bar = memchr(k->at, '|', (size_t)(end - k->at));
        struct pattern_word p = {.at = k->at, .len = (size_t)((bar ? bar : end) - k->at)};

        ends |= leaf(k, starts, p, !several || is_argument_name(p));
        k->at += p.len + (bar != NULL);
    }
    k->at = *end ? end + 1 : end;
    return ends;
}

static uint64_t inner(struct walk *k, uint64_t starts, const char *end)
{
    uint64_t ends;

    k->depth++;
    ends = either(k, starts);
    k->depth--;
    accept(k, end);
    return ends;
}

static uint64_t item(struct walk *k, uint64_t starts)
{
    struct pattern_word p;

    if (accept(k, "["))
        return starts | inner(k, starts, "]");
    if (accept(k, "{"))
        return inner(k, starts, "}");
    if (accept(k, "("))
        return inner(k, starts, ")");
    if (accept(k, "<"))
        return angle(k, starts);
    p.at = k->at;
    while (in_word(*k->at))
        k->at++;
    p.len = (size_t)(k->at - p.at);
    if (!p.len) { /* a bracket without its other half: the pattern is ours, but this must end */
        k->at += *k->at != '\0';
        return starts;
    }
    return leaf(k, starts, p, is_argument_name(p));
}

static uint64_t sequence(struct walk *k, uint64_t set)
{
    for (;;) {
        const char *from;

        skip(k);
        if (!*k->at || strchr(")]}|", *k->at))
            return set;
        if (!k->depth && !k->anchor && (*k->at == '{' || *k->at == '('))
            k->anchor = set;
        from = k->at;
        set = item(k, set);
        if (accept(k, "...")) {
            const char *behind = k->at;
            uint64_t more = set;

            while (more) {
                k->at = from;
                more = item(k, set) & ~set;
                set |= more;
            }
            k->at = behind;
        }
    }
}

static uint64_t either(struct walk *k, uint64_t starts)
{
    uint64_t ends = sequence(k, starts);

    /* "volume top <VOLNAME> {a|b} x | {c} y": without brackets around all of it, "|" begins again at the first group. */
    while (accept(k, "|"))
        ends |= sequence(k, k->depth ? starts : k->anchor);
    return ends;
}

void pattern_next(const char *pattern, const struct words *w, void (*offer)(void *ctx, struct pattern_word p, bool argument), void *ctx)
{
    struct walk k = {.at = pattern, .w = w, .offer = offer, .ctx = ctx};

    if (w->n < WORDS_MAX)
        either(&k, 1);
}

int pattern_literals(const char *pattern, struct pattern_word *ret, int room)
{
    const char *at = pattern;
    int n = 0;

    for (;;) {
        struct pattern_word p;

        while (isspace((unsigned char)*at))
            at++;
        p.at = at;
        while (in_word(*at))
            at++;
        p.len = (size_t)(at - p.at);
        if (!p.len || n == room)
            return n;
        ret[n++] = p;
    }
}
