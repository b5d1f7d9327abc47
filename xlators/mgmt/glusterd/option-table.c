/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* option-table.c: finding an option by what people type, and holding its value against its row. */
#include "config.h"

#include "option-table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option-value.h"
#include "util.h"

static const char *tail_of(const char *key)
{
    const char *dot = strchr(key, '.');
    return dot ? dot + 1 : key;
}

const struct volopt *volopt_find(const char *name)
{
    const struct volopt *found = NULL;
    for (size_t i = 0; i < nr_volopts; i++)
        if (strcmp(volopts[i].key, name) == 0)
            return &volopts[i];
    for (size_t i = 0; i < nr_volopts; i++) {
        if (strcmp(tail_of(volopts[i].key), name) != 0 || (found && strcmp(found->key, volopts[i].key) == 0))
            continue;
        if (found)
            return NULL; /* two keys end like this */
        found = &volopts[i];
    }
    return found;
}

/* ---- "Did you mean" ------------------------------------------------------------------------------------------------------------- */

#define WORD_MAX 256 /* looked at of what somebody has typed */

/* Letters to insert, drop or change to come from word to name (Levenshtein). Nothing at all is as near to each. */
static unsigned int distance(const char *word, size_t word_len, const char *name, size_t len)
{
    enum { LONGEST = 128 };      /* name is one of ours */
    unsigned int row[LONGEST + 1];
    len = min_of(len, (size_t)LONGEST);
    for (size_t j = 0; j <= len; j++)
        row[j] = word_len ? (unsigned int)j : 0;
    for (size_t i = 1; i <= word_len; i++) {
        unsigned int diagonal = row[0];
        row[0] = (unsigned int)i;
        for (size_t j = 1; j <= len; j++) {
            unsigned int change = diagonal + (word[i - 1] != name[j - 1]);
            diagonal = row[j];
            row[j] = min_of(min_of(row[j] + 1, row[j - 1] + 1), change);
        }
    }
    return row[len];
}

/* The two names that are nearest to a word, of those that are equally near the first by the alphabet. */
struct nearest {
    const char *word;
    size_t word_len;
    struct {
        const char *at;
        size_t len;
    } best[2];
    unsigned int distance, n;
};

static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    int d = memcmp(a, b, min_of(a_len, b_len));
    return d ? d : (a_len > b_len) - (a_len < b_len);
}

static void offer(struct nearest *n, const char *name, size_t len)
{
    unsigned int d = distance(n->word, n->word_len, name, len), i = 0;
    if (n->n && d > n->distance)
        return;
    if (d < n->distance)
        n->n = 0;
    n->distance = d;
    while (i < n->n && compare(n->best[i].at, n->best[i].len, name, len) < 0)
        i++;
    if (i == array_len(n->best) || (i < n->n && compare(n->best[i].at, n->best[i].len, name, len) == 0))
        return;
    if (i == 0)
        n->best[1] = n->best[0];
    n->best[i].at = name;
    n->best[i].len = len;
    n->n = min_of(n->n + 1, 2u);
}

/* As GlusterFS looks (seen with 200 words): the nearest first part, and among the keys that begin with it the nearest rest. A word without
 * a dot is held against all rests. GlusterFS cuts the rest at its next dot and offers "performance.nfs", which is none; here it is
 * whole. */
void volopt_suggest(const char *name, char *ret, size_t size)
{
    const char *dot = strchr(name, '.');
    struct nearest head = {.word = name, .word_len = min_of(strcspn(name, "."), (size_t)WORD_MAX), .distance = UINT_MAX};
    struct nearest tail = {.word = dot ? dot + 1 : name, .distance = UINT_MAX};
    tail.word_len = strnlen(tail.word, WORD_MAX);
    for (size_t i = 0; dot && i < nr_volopts; i++)
        offer(&head, volopts[i].key, strcspn(volopts[i].key, "."));
    for (size_t i = 0; i < nr_volopts; i++) {
        const char *key = volopts[i].key;
        if (!dot || compare(key, strcspn(key, "."), head.best[0].at, head.best[0].len) == 0)
            offer(&tail, tail_of(key), strlen(tail_of(key)));
    }
    int used = snprintf(ret, size, "Did you mean %.*s%s%s", dot ? (int)head.best[0].len : 0, dot ? head.best[0].at : "", dot ? "." : "",
                        tail.best[0].at);
    if (used > 0 && (size_t)used < size)
        snprintf(ret + used, size - (size_t)used, "%s%s%s?", tail.n > 1 ? " or " : "", tail.n > 1 && dot ? "..." : "",
                 tail.n > 1 ? tail.best[1].at : "");
}

bool volopt_is_bool(const struct volopt *o)
{
    return strcmp(o->values, "BOOL") == 0;
}

/* The name that GlusterFS's sentences have: the translator's. Those of logs stand for one of bricks and one of clients. */
static const char *option_name(const struct volopt *o)
{
    static const char *const prefixes[] = {"!brick-", "!client-", "!"};
    if (o->option[0] != '!')
        return o->option;
    for (size_t i = 0; strcmp(o->xlator, "debug/io-stats") == 0 && i < array_len(prefixes); i++)
        if (strncmp(o->option, prefixes[i], strlen(prefixes[i])) == 0)
            return o->option + strlen(prefixes[i]);
    return o->key;
}

static int not_a_number(const struct volopt *o, const char *value, struct err *err)
{
    return err_set(err, -EINVAL, "invalid number format \"%s\" in option \"%s\"", value, option_name(o));
}

/* "time", "percent": where what is wrong is not a plain number GlusterFS sets the quotes like this. */
static int not_in_format(const struct volopt *o, const char *what, const char *value, struct err *err)
{
    return err_set(err, -EINVAL, "invalid %s format \"%s\" in \"option %s\"", what, value, option_name(o));
}

static int no_percentage(const struct volopt *o, const char *value, double percent, struct err *err)
{
    return err_set(err, -EINVAL, "'%f' in 'option %s %s' is out of range [0 - 100]", percent, option_name(o), value);
}

/* "INT 0..64", "SIZET 4096..", "INT -1..": the bounds. False: there are none. "inf" and nothing stand for no bound. */
static bool range_of(const struct volopt *o, double *lo, double *hi)
{
    const char *at = strchr(o->values, ' ');
    char *end;
    if (!at || !(isdigit((unsigned char)at[1]) || at[1] == '-'))
        return false;
    *lo = strtod(at + 1, &end); /* "0..64": strtod reads "0." and leaves ".64" */
    const char *dots = strstr(o->values, "..");
    if (!dots)
        return false;
    char low[32];
    snprintf(low, sizeof low, "%.*s", (int)min_of((size_t)(dots - at - 1), sizeof low - 1), at + 1);
    *lo = strtod(low, NULL);
    *hi = isdigit((unsigned char)dots[2]) ? strtod(dots + 2, NULL) : 0;
    return true;
}

static int check_range(const struct volopt *o, const char *value, double v, struct err *err)
{
    double lo, hi;
    if (!range_of(o, &lo, &hi) || (v >= lo && (hi <= 0 || v <= hi)))
        return 0;
    if (hi <= 0)
        return err_set(err, -EINVAL, "'%s' in 'option %s %s' is smaller than minimum value '%.0f'", value, option_name(o), value, lo);
    return err_set(err, -EINVAL, "'%s' in 'option %s %s' is out of range [%.0f - %.0f]", value, option_name(o), value, lo, hi);
}

/* "STR a|b|c": one of the words. A list that ends in N also takes a number (the row's own check knows which). */
static int check_word(const struct volopt *o, const char *value, struct err *err)
{
    const char *list = o->values + strlen("STR");
    char words[512] = "";
    size_t used = 0;
    if (*list != ' ' || !strchr(list, '|'))
        return 0;
    for (list++; *list && *list != ' ';) {
        size_t len = strcspn(list, "| ");
        if (strlen(value) == len && strncasecmp(value, list, len) == 0)
            return 0;
        if (len == 1 && *list == 'N' && isdigit((unsigned char)value[0]))
            return 0;
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%.*s", used ? ", " : "", (int)len, list);
        if (used >= sizeof words)
            used = sizeof words - 1;
        list += len;
        list += *list == '|';
    }
    return err_set(err, -EINVAL, "option %s %s: '%s' is not valid (possible options are %s.)", option_name(o), value, value, words);
}

static bool address_part_ok(const char *at, size_t len)
{
    char text[256], *slash;
    struct in6_addr any;
    bool other = false;
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, at, len);
    text[len] = '\0';
    slash = strchr(text, '/');
    if (slash) {
        char *end;
        unsigned long bits = strtoul(slash + 1, &end, 10);
        *slash = '\0';
        return *end == '\0' && isdigit((unsigned char)slash[1]) &&
               ((inet_pton(AF_INET, text, &any) == 1 && bits <= 32) || (inet_pton(AF_INET6, text, &any) == 1 && bits <= 128));
    }
    if (inet_pton(AF_INET, text, &any) == 1 || inet_pton(AF_INET6, text, &any) == 1)
        return true;
    if (strstr(text, ".."))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("-._*?[]:", text[i]))
            return false;
        other |= !isdigit((unsigned char)text[i]) && text[i] != '.';
    }
    return other && text[0] != '-'; /* a host's name or a pattern; four numbers that are no address are neither */
}

/* Addresses, networks, names and patterns with commas between; of auth.allow also "/folder(address|address)". */
static int check_addresses(const struct volopt *o, const char *value, const char *brick, struct err *err)
{
    const char *at = value;
    if (*at == '\0')
        goto bad;
    while (*at) {
        size_t len;
        if (*at == '/') { /* a folder and who may mount it */
            const char *open = strchr(at, '(');
            if (!open || !strchr(open, ')'))
                goto bad;
            at = open + 1;
        }
        len = strcspn(at, ",|)");
        if (!address_part_ok(at, len))
            goto bad;
        at += len;
        while (*at && strchr(",|)", *at))
            at++;
    }
    return 0;
bad:
    if (brick && strncmp(o->key, "auth.", 5) == 0)
        return err_set(err, -EINVAL, "option auth.addr.%s.%s %s: '%s' is not a valid internet-address-list", brick, o->key + 5, value,
                       value);
    return err_set(err, -EINVAL, "option %s %s: '%s' is not a valid internet-address-list", option_name(o), value, value);
}

static int check_priorities(const struct volopt *o, const char *value, struct err *err)
{
    for (const char *at = value; *at; at += strcspn(at, ","), at += *at == ',') {
        size_t len = strcspn(at, ",");
        const char *colon = memchr(at, ':', len);
        if (!colon || colon == at || colon + 1 == at + len)
            return err_set(err, -EINVAL, "option %s %s: '%s' is not a valid priority list (pattern:number, ...)", option_name(o), value,
                           value);
        for (const char *d = colon + 1; d < at + len; d++)
            if (!isdigit((unsigned char)*d))
                return not_a_number(o, value, err);
    }
    return 0;
}

static bool percentage(const char *value, double *ret)
{
    char *end;
    double v = strtod(value, &end);
    if (end == value || (*end == '%' ? end[1] : *end) != '\0')
        return false;
    *ret = v;
    return true;
}

int volopt_check(const struct volopt *o, const char *value, const char *brick, struct err *err)
{
    const char *type = o->values;
    int64_t number;
    uint64_t size;
    double percent;
    bool flag;
    if (strncmp(type, "BOOL", 4) == 0) {
        if (parse_bool(value, &flag) == 0)
            return 0;
        if (o->option[0] == '!' || (o->check && strcmp(o->check, "boolean word") == 0)) /* the daemon's own check; else the translator's */
            return err_set(err, -EINVAL, "%s is not a valid boolean value. %s expects a valid boolean value.", value, o->key);
        return err_set(err, -EINVAL, "option %s %s: '%s' is not a valid boolean value", option_name(o), value, value);
    }
    if (strncmp(type, "INT ", 4) == 0 || strcmp(type, "INT") == 0) {
        if (parse_int(value, &number) < 0)
            return not_a_number(o, value, err);
        return check_range(o, value, (double)number, err);
    }
    if (strncmp(type, "SIZET", 5) == 0) {
        if (parse_size(value, &size) < 0)
            return not_a_number(o, value, err);
        return check_range(o, value, (double)size, err);
    }
    if (strncmp(type, "PERCENT_OR_SIZET", 16) == 0) {
        if (percentage(value, &percent) && (percent <= 100 || strchr(value, '%')))
            return percent >= 0 && percent <= 100 ? 0 : no_percentage(o, value, percent, err);
        return parse_size(value, &size) < 0 ? not_in_format(o, "number", value, err) : 0;
    }
    if (strncmp(type, "PERCENT", 7) == 0) {
        if (!percentage(value, &percent))
            return not_in_format(o, "percent", value, err);
        return percent < 0 || percent > 100 ? no_percentage(o, value, percent, err) : 0;
    }
    if (strncmp(type, "TIME", 4) == 0) {
        if (parse_time(value, &size) < 0)
            return not_in_format(o, "time", value, err);
        return check_range(o, value, (double)size, err);
    }
    if (strncmp(type, "PATH", 4) == 0) {
        if (value[0] != '/' || strstr(value, "/../"))
            return err_set(err, -EINVAL, "option %s %s: '%s' is not an absolute path name", option_name(o), value, value);
        return 0;
    }
    if (strcmp(type, "ADDRESS_LIST") == 0 || strcmp(type, "INTERNET_ADDRESS_LIST") == 0)
        return check_addresses(o, value, brick, err);
    if (strcmp(type, "PRIORITY_LIST") == 0)
        return check_priorities(o, value, err);
    if (strncmp(type, "STR", 3) == 0)
        return check_word(o, value, err);
    return 0; /* ANY, XLATOR, and those that have commands of their own */
}
