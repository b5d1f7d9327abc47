/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* option-table.c: finding an option by what people type, and holding its value against its row. */
#include "config.h"

#include "option-table.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
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

/* Letters to insert, drop, change or swap with a neighbour to come from a to b (Damerau-Levenshtein). */
static unsigned int distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    unsigned int rows[3][LONGEST + 1];
    size_t la = strnlen(a, LONGEST), lb = strnlen(b, LONGEST);
    for (size_t j = 0; j <= lb; j++)
        rows[0][j] = (unsigned int)j;
    for (size_t i = 1; i <= la; i++) {
        unsigned int *now = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        now[0] = (unsigned int)i;
        for (size_t j = 1; j <= lb; j++) {
            unsigned int change = last[j - 1] + (a[i - 1] != b[j - 1]);
            now[j] = min_of(min_of(last[j] + 1, now[j - 1] + 1), change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = min_of(now[j], before[j - 2] + 1);
        }
    }
    return rows[la % 3][lb];
}

bool volopt_suggest(const char *name, char *ret, size_t size)
{
    const struct volopt *best[2] = {NULL, NULL};
    unsigned int score[2] = {0, 0};
    const char *given_tail = tail_of(name);
    for (size_t i = 0; i < nr_volopts; i++) {
        const struct volopt *o = &volopts[i];
        if (i && strcmp(o->key, volopts[i - 1].key) == 0)
            continue;
        unsigned int d = min_of(distance(name, o->key), distance(given_tail, tail_of(o->key)) + 1);
        if (d > strlen(given_tail) / 2 + 1)
            continue;
        if (!best[0] || d < score[0])
            best[1] = best[0], score[1] = score[0], best[0] = o, score[0] = d;
        else if (!best[1] || d < score[1])
            best[1] = o, score[1] = d;
    }
    if (!best[0])
        return false;
    /* A second one only when it is as near as the first; its group's name is left out when that is the first's. */
    if (!best[1] || score[1] > score[0]) {
        snprintf(ret, size, "Did you mean %s?", best[0]->key);
        return true;
    }
    size_t group = (size_t)(tail_of(best[0]->key) - best[0]->key);
    bool same = strncmp(best[0]->key, best[1]->key, group) == 0;
    snprintf(ret, size, "Did you mean %s or %s%s?", best[0]->key, same ? "..." : "", same ? best[1]->key + group : best[1]->key);
    return true;
}

bool volopt_is_bool(const struct volopt *o)
{
    return strcmp(o->values, "BOOL") == 0;
}

static int not_a_number(const struct volopt *o, const char *value, struct err *err)
{
    return err_set(err, -EINVAL, "invalid number format \"%s\" in option \"%s\"", value, o->option[0] == '!' ? o->key : o->option);
}

static const char *option_name(const struct volopt *o)
{
    return o->option[0] == '!' ? o->key : o->option;
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

static int check_range(const struct volopt *o, const char *value, double v, bool percent, struct err *err)
{
    double lo, hi;
    if (!range_of(o, &lo, &hi) || (v >= lo && (hi <= 0 || v <= hi)))
        return 0;
    if (percent)
        return err_set(err, -EINVAL, "'%s' in 'option %s %s' is out of range [%f - %f]", value, option_name(o), value, lo, hi);
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
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr("-._*?[]:", text[i]))
            return false;
        other |= !isdigit((unsigned char)text[i]) && text[i] != '.';
    }
    return other && text[0] != '-'; /* a host's name or a pattern; four numbers that are no address are neither */
}

/* Addresses, networks, names and patterns with commas between; of auth.allow also "/folder(address|address)". */
static int check_addresses(const struct volopt *o, const char *value, struct err *err)
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
    return err_set(err, -EINVAL, "option %s %s: '%s' is not a valid internet-address-list", option_name(o), value, value);
}

static int check_priorities(const struct volopt *o, const char *value, struct err *err)
{
    for (const char *at = value; *at; at += strcspn(at, ","), at += *at == ',') {
        size_t len = strcspn(at, ",");
        const char *colon = memchr(at, ':', len);
        if (!colon || colon == at || colon + 1 == at + len)
            return err_set(err, -EINVAL, "option %s %s: '%s' is not a valid priority list (pattern:number, ...)", option_name(o), value, value);
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

int volopt_check(const struct volopt *o, const char *value, struct err *err)
{
    const char *type = o->values;
    int64_t number;
    uint64_t size;
    double percent;
    bool flag;
    if (strncmp(type, "BOOL", 4) == 0) {
        if (parse_bool(value, &flag) < 0)
            return err_set(err, -EINVAL, "%s is not a valid boolean value. %s expects a valid boolean value.", value, o->key);
        return 0;
    }
    if (strncmp(type, "INT ", 4) == 0 || strcmp(type, "INT") == 0) {
        if (parse_int(value, &number) < 0)
            return not_a_number(o, value, err);
        return check_range(o, value, (double)number, false, err);
    }
    if (strncmp(type, "SIZET", 5) == 0) {
        if (parse_size(value, &size) < 0)
            return not_a_number(o, value, err);
        return check_range(o, value, (double)size, false, err);
    }
    if (strncmp(type, "PERCENT_OR_SIZET", 16) == 0) {
        if (percentage(value, &percent) && (percent <= 100 || strchr(value, '%')))
            return percent >= 0 && percent <= 100
                       ? 0
                       : err_set(err, -EINVAL, "'%s' in 'option %s %s' is out of range [0 - 100]", value, option_name(o), value);
        return parse_size(value, &size) < 0 ? not_a_number(o, value, err) : 0;
    }
    if (strncmp(type, "PERCENT", 7) == 0) {
        if (!percentage(value, &percent))
            return not_a_number(o, value, err);
        if (percent < 0 || percent > 100)
            return err_set(err, -EINVAL, "'%s' in 'option %s %s' is out of range [%f - %f]", value, option_name(o), value, 0.0, 100.0);
        return 0;
    }
    if (strncmp(type, "TIME", 4) == 0) {
        if (parse_time(value, &size) < 0)
            return not_a_number(o, value, err);
        return check_range(o, value, (double)size, false, err);
    }
    if (strncmp(type, "PATH", 4) == 0) {
        if (value[0] != '/' || strstr(value, "/../"))
            return err_set(err, -EINVAL, "option %s %s: '%s' is not an absolute path name", option_name(o), value, value);
        return 0;
    }
    if (strcmp(type, "ADDRESS_LIST") == 0 || strcmp(type, "INTERNET_ADDRESS_LIST") == 0)
        return check_addresses(o, value, err);
    if (strcmp(type, "PRIORITY_LIST") == 0)
        return check_priorities(o, value, err);
    if (strncmp(type, "STR", 3) == 0)
        return check_word(o, value, err);
    return 0; /* ANY, XLATOR, and those that have commands of their own */
}
