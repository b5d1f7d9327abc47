/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Option rows against what a volume file says. Values are read into a list aside first and put in place when all are good. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* ---- the pairs ------------------------------------------------------------------------------------------------------ */

int optset_add(struct optset *s, const char *key, const char *value, const char *file, int line)
{
    struct optpair pair = {.file = file, .line = line};

    if (s->n == s->cap) {
        unsigned int cap = s->cap ? s->cap * 2 : 8;
        struct optpair *pairs = realloc(s->pairs, cap * sizeof(*pairs));

        if (!pairs)
            return -ENOMEM;
        s->pairs = pairs;
        s->cap = cap;
    }
    pair.key = strdup(key);
    pair.value = strdup(value);
    if (!pair.key || !pair.value) {
        free(pair.key);
        free(pair.value);
        return -ENOMEM;
    }
    s->pairs[s->n++] = pair;
    return 0;
}

const char *optset_get(const struct optset *s, const char *key)
{
    for (unsigned int i = s->n; i-- > 0;)
        if (strcmp(s->pairs[i].key, key) == 0)
            return s->pairs[i].value;
    return NULL;
}

static bool goes_by(const struct option *row, const char *key)
{
    if (strcmp(row->key, key) == 0)
        return true;
    for (const char *const *a = row->aliases; a && *a; a++)
        if (strcmp(*a, key) == 0)
            return true;
    return false;
}

const char *optset_get_by_rows(const struct optset *s, const struct option *rows, const char *key)
{
    while (rows && rows->key && strcmp(rows->key, key) != 0)
        rows++;
    if (!rows || !rows->key)
        return optset_get(s, key);
    for (unsigned int i = s->n; i-- > 0;)
        if (goes_by(rows, s->pairs[i].key))
            return s->pairs[i].value;
    return NULL;
}

void optset_done(struct optset *s)
{
    for (unsigned int i = 0; i < s->n; i++) {
        free(s->pairs[i].key);
        free(s->pairs[i].value);
    }
    free(s->pairs);
    *s = (struct optset){0};
}

/* ---- one row -------------------------------------------------------------------------------------------------------- */

static bool row_knows(const struct option *row, const char *key)
{
    if (row->type == OPTION_PREFIX)
        return strncmp(key, row->key, strlen(row->key)) == 0;
    if (strcmp(key, row->key) == 0)
        return true;
    for (const char *const *a = row->aliases; a && *a; a++)
        if (strcmp(key, *a) == 0)
            return true;
    return false;
}

static const struct optpair *last_pair(const struct option *row, const struct optset *set)
{
    for (unsigned int i = set->n; i-- > 0;)
        if (row_knows(row, set->pairs[i].key))
            return &set->pairs[i];
    return NULL;
}

/* For the log. */
static const char *shown(const struct option *row, const struct optset *set)
{
    const struct optpair *pair = last_pair(row, set);

    if (strstr(row->key, "password"))
        return "...";
    return pair ? pair->value : row->def ? row->def : "";
}

union value {
    bool flag;
    int64_t number;
    uint32_t octal;
    uint64_t size; /* and seconds */
    struct percent_or_size percent_or_size;
    const char *text;
    int choice;
};

static bool row_is_off(const struct option *row, const char *text)
{
    bool flag;

    if (parse_bool(text, &flag) == 0)
        return !flag;
    for (const char *const *c = row->choices; c && *c; c++)
        if (strcmp(text, *c) == 0)
            return true;
    return false;
}

static int find_choice(const struct option *row, const char *text)
{
    for (int i = 0; row->choices[i]; i++)
        if (strcmp(text, row->choices[i]) == 0)
            return i;
    return -EINVAL;
}

static bool in_range(const struct option *row, double v)
{
    return (row->min == 0 && row->max == 0) || (v >= row->min && v <= row->max);
}

/* -EINVAL: it cannot be read so; -ERANGE: out of bounds. */
static int parse_value(const struct option *row, const char *text, union value *ret)
{
    switch (row->type) {
    case OPTION_BOOL:
        return parse_bool(text, &ret->flag);
    case OPTION_INT:
        if (parse_int(text, &ret->number) < 0)
            return -EINVAL;
        return in_range(row, (double)ret->number) ? 0 : -ERANGE;
    case OPTION_OCTAL:
        if (parse_octal(text, &ret->octal) < 0)
            return -EINVAL;
        return in_range(row, ret->octal) ? 0 : -ERANGE;
    case OPTION_SIZE:
        if (parse_size(text, &ret->size) < 0)
            return -EINVAL;
        return in_range(row, (double)ret->size) ? 0 : -ERANGE;
    case OPTION_TIME:
        if (parse_time(text, &ret->size) < 0)
            return -EINVAL;
        return in_range(row, (double)ret->size) ? 0 : -ERANGE;
    case OPTION_PERCENT_OR_SIZE:
        if (parse_percent_or_size(text, &ret->percent_or_size) < 0)
            return -EINVAL;
        return in_range(row, ret->percent_or_size.value) ? 0 : -ERANGE;
    case OPTION_PATH:
        if (*text != '/' || strstr(text, "../"))
            return -EINVAL;
        ret->text = text;
        return 0;
    case OPTION_CHOICE:
        ret->choice = find_choice(row, text);
        return ret->choice < 0 ? -EINVAL : 0;
    case OPTION_STR:
        ret->text = text;
        return 0;
    case OPTION_PREFIX:
        return 0;
    case OPTION_OFF:
        return row_is_off(row, text) ? 0 : -EOPNOTSUPP;
    }
    return -EINVAL;
}

static bool has_target(const struct option *row)
{
    return row->type != OPTION_PREFIX && row->type != OPTION_OFF;
}

static bool owns_text(const struct option *row)
{
    return row->type == OPTION_STR || row->type == OPTION_PATH;
}

/* What a person could have written. */
static void allowed(const struct option *row, char *to, size_t size)
{
    size_t at = 0;

    switch (row->type) {
    case OPTION_BOOL:
        snprintf(to, size, "on or off");
        return;
    case OPTION_PATH:
        snprintf(to, size, "an absolute path without ../");
        return;
    case OPTION_CHOICE:
        to[0] = 0;
        for (int i = 0; row->choices[i] && at < size; i++)
            at += (size_t)snprintf(to + at, size - at, "%s%s", i == 0 ? "" : row->choices[i + 1] ? ", " : " or ", row->choices[i]);
        return;
    case OPTION_INT:
        at = (size_t)snprintf(to, size, "a whole number");
        break;
    case OPTION_OCTAL:
        snprintf(to, size, "an octal number");
        return;
    case OPTION_SIZE:
        at = (size_t)snprintf(to, size, "a size like 64KB or 16MB");
        break;
    case OPTION_TIME:
        at = (size_t)snprintf(to, size, "a time like 30, 10min or 2h");
        break;
    case OPTION_PERCENT_OR_SIZE:
        at = (size_t)snprintf(to, size, "a percentage or a size");
        break;
    default:
        snprintf(to, size, "a text");
        return;
    }
    if (row->min != 0 || row->max != 0)
        snprintf(to + at, size - at, " from %.0f to %.0f", row->min, row->max);
}

/* "brick.vol:12: volume vol-posix: option reserve: " */
static void where(const struct optpair *pair, const char *who, const char *key, char *to, size_t size)
{
    size_t at = 0;

    if (pair && pair->file && pair->line)
        at = (size_t)snprintf(to, size, "%s:%d: ", pair->file, pair->line);
    else if (pair && pair->file)
        at = (size_t)snprintf(to, size, "%s: ", pair->file);
    if (at < size)
        snprintf(to + at, size - at, "volume %s: option %s", who, key);
}

static int refuse(const struct option *row, const struct optpair *pair, const char *who, int why, struct err *err)
{
    char place[256], values[256];

    where(pair, who, pair ? pair->key : row->key, place, sizeof(place));
    if (why == -EOPNOTSUPP)
        return err_set(err, why, "%s %s: this build does not have %s; see doc/refused.md", place, pair->value, row->help);
    allowed(row, values, sizeof(values));
    if (!pair)
        return err_set(err, why, "%s is missing: %s (%s)", place, row->help, values);
    return err_set(err, why, "%s: \"%s\" is not allowed here: %s", place, pair->value, values);
}

/* ---- all rows ------------------------------------------------------------------------------------------------------- */

/* Other threads may read a live value while it changes: whole, the old or the new one. */
static void store(const struct option *row, const union value *v, void *target)
{
    void *to = (char *)target + row->offset;

    switch (row->type) {
    case OPTION_BOOL:
        __atomic_store_n((bool *)to, v->flag, __ATOMIC_RELAXED);
        break;
    case OPTION_INT:
        __atomic_store_n((int64_t *)to, v->number, __ATOMIC_RELAXED);
        break;
    case OPTION_OCTAL:
        __atomic_store_n((uint32_t *)to, v->octal, __ATOMIC_RELAXED);
        break;
    case OPTION_SIZE:
    case OPTION_TIME:
        __atomic_store_n((uint64_t *)to, v->size, __ATOMIC_RELAXED);
        break;
    case OPTION_PERCENT_OR_SIZE:
        *(struct percent_or_size *)to = v->percent_or_size;
        break;
    case OPTION_CHOICE:
        __atomic_store_n((int *)to, v->choice, __ATOMIC_RELAXED);
        break;
    case OPTION_STR:
    case OPTION_PATH:
        free(*(char **)to);
        *(char **)to = (char *)v->text;
        break;
    case OPTION_PREFIX:
    case OPTION_OFF:
        break;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool unchanged(const struct option *row, const union value *v, const void *target)
{
    const void *at = (const char *)target + row->offset;

    switch (row->type) {
    case OPTION_BOOL:
        return *(const bool *)at == v->flag;
    case OPTION_INT:
        return *(const int64_t *)at == v->number;
    case OPTION_OCTAL:
        return *(const uint32_t *)at == v->octal;
    case OPTION_SIZE:
    case OPTION_TIME:
        return *(const uint64_t *)at == v->size;
    case OPTION_PERCENT_OR_SIZE:
        return ((const struct percent_or_size *)at)->is_percent == v->percent_or_size.is_percent &&
               ((const struct percent_or_size *)at)->value == v->percent_or_size.value;
    case OPTION_CHOICE:
        return *(const int *)at == v->choice;
    default:
        return same_text(*(char *const *)at, v->text);
    }
}

/* Of the rows' texts, those that are copies of ours. */
static void forget_texts(const struct option *rows, size_t n, union value *values)
{
    for (size_t i = 0; i < n; i++)
        if (owns_text(&rows[i]))
            free((char *)values[i].text);
    free(values);
}

static int read_row(const struct option *row, const struct optset *set, const char *who, union value *ret, struct err *err)
{
    const struct optpair *pair = last_pair(row, set);
    const char *text = pair ? pair->value : row->def;
    int why;

    *ret = (union value){0};
    if (!text)
        return row->flags & OPTION_REQUIRED ? refuse(row, NULL, who, -EINVAL, err) : 0;
    why = parse_value(row, text, ret);
    if (why < 0) {
        if (owns_text(row))
            ret->text = NULL;
        return refuse(row, pair, who, why, err);
    }
    if (owns_text(row)) {
        ret->text = strdup(text);
        if (!ret->text)
            return err_set(err, -ENOMEM, "volume %s: no memory", who);
    }
    return 0;
}

int options_apply(const struct option *rows, size_t nr_rows, const struct optset *set, const char *who, bool live_only, void *target,
                  struct err *err)
{
    union value *values = calloc(nr_rows + 1, sizeof(*values));

    if (!values)
        return err_set(err, -ENOMEM, "volume %s: no memory", who);
    for (size_t i = 0; i < nr_rows; i++) {
        int failed = read_row(&rows[i], set, who, &values[i], err);

        if (failed) {
            forget_texts(rows, i, values);
            return failed;
        }
    }
    for (size_t i = 0; i < nr_rows; i++) {
        if (!has_target(&rows[i]) || (live_only && unchanged(&rows[i], &values[i], target)))
            continue;
        if (live_only && !(rows[i].flags & OPTION_LIVE)) {
            log_warning(who, "option %s has changed, but cannot change while running: the old value stays until the next start",
                        rows[i].key);
            continue;
        }
        if (live_only)
            log_debug(who, "option %s is \"%s\" from now on", rows[i].key, shown(&rows[i], set));
        store(&rows[i], &values[i], target);
        values[i].text = owns_text(&rows[i]) ? NULL : values[i].text; /* the target's now */
    }
    forget_texts(rows, nr_rows, values);
    return 0;
}

size_t options_count(const struct option *rows)
{
    size_t n = 0;

    while (rows && rows[n].key)
        n++;
    return n;
}

void options_release(const struct option *rows, size_t nr_rows, void *target)
{
    for (size_t i = 0; i < nr_rows; i++) {
        if (owns_text(&rows[i])) {
            char **at = (char **)((char *)target + rows[i].offset);

            free(*at);
            *at = NULL;
        }
    }
}

static bool is_known(const struct option *rows, size_t nr_rows, const struct option *more, const char *key)
{
    for (size_t i = 0; i < nr_rows; i++)
        if (row_knows(&rows[i], key))
            return true;
    for (; more && more->key; more++)
        if (row_knows(more, key))
            return true;
    return false;
}

int options_check_known(const struct option *rows, size_t nr_rows, const struct option *more, const struct optset *set, const char *who,
                        bool strict, struct err *err)
{
    for (unsigned int i = 0; i < set->n; i++) {
        const struct optpair *pair = &set->pairs[i];
        char place[256];

        if (is_known(rows, nr_rows, more, pair->key))
            continue;
        where(pair, who, pair->key, place, sizeof(place));
        if (strict)
            return err_set(err, -EINVAL, "%s: no such option, and --volfile-check was asked for", place);
        log_warning(who, "%s: no such option, it does nothing", place);
    }
    return 0;
}
