/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "pairs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pair *find(const struct pairs *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].key, key) == 0)
            return &p->at[i];
    return NULL;
}

int pairs_add(struct pairs *p, const char *key, const char *value)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        struct pair *more = reallocarray(p->at, cap, sizeof *more);
        if (!more)
            return -ENOMEM;
        p->at = more;
        p->cap = cap;
    }
    struct pair new = {strdup(key), strdup(value)};
    if (!new.key || !new.value) {
        free(new.key);
        free(new.value);
        return -ENOMEM;
    }
    p->at[p->n++] = new;
    return 0;
}

int pairs_set(struct pairs *p, const char *key, const char *value)
{
    struct pair *old = find(p, key);
    if (!old)
        return pairs_add(p, key, value);
    char *copy = strdup(value);
    if (!copy)
        return -ENOMEM;
    free(old->value);
    old->value = copy;
    return 0;
}

int pairs_setf(struct pairs *p, const char *key, const char *fmt, ...)
{
    char *text;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        return -ENOMEM;
    int r = pairs_set(p, key, text);
    free(text);
    return r;
}

const char *pairs_get(const struct pairs *p, const char *key)
{
    const struct pair *found = find(p, key);
    return found ? found->value : NULL;
}

bool pairs_unset(struct pairs *p, const char *key)
{
    struct pair *found = find(p, key);
    if (!found)
        return false;
    free(found->key);
    free(found->value);
    memmove(found, found + 1, (size_t)(p->at + p->n - found - 1) * sizeof *found);
    p->n--;
    return true;
}

int pairs_copy(struct pairs *to, const struct pairs *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (pairs_add(to, from->at[i].key, from->at[i].value) < 0)
            return -ENOMEM;
    return 0;
}

void pairs_done(struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].key);
        free(p->at[i].value);
    }
    free(p->at);
    *p = (struct pairs){0};
}
