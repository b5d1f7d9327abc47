/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* How a person writes a value: spec brick 5.3. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "options.h"

int parse_bool(const char *text, bool *ret)
{
    static const char *const on[] = {"1", "on", "yes", "true", "enable"};
    static const char *const off[] = {"0", "off", "no", "false", "disable"};

    for (size_t i = 0; i < array_len(on); i++) {
        if (strcasecmp(text, on[i]) == 0) {
            *ret = true;
            return 0;
        }
        if (strcasecmp(text, off[i]) == 0) {
            *ret = false;
            return 0;
        }
    }
    return -EINVAL;
}

static int parse_base(const char *text, int base, int64_t *ret)
{
    long long v;
    char *end;

    errno = 0;
    v = strtoll(text, &end, base);
    if (end == text || *end || errno || isspace((unsigned char)*text))
        return -EINVAL;
    *ret = v;
    return 0;
}

int parse_int(const char *text, int64_t *ret)
{
    return parse_base(text, 0, ret);
}

int parse_octal(const char *text, uint32_t *ret)
{
    int64_t v;

    if (parse_base(text, 8, &v) < 0 || v < 0 || v > UINT32_MAX)
        return -EINVAL;
    *ret = (uint32_t)v;
    return 0;
}

/* Digits with an optional fraction: no sign, no exponent, no hexadecimal. */
static int parse_decimal(const char *text, double *ret, const char **ret_end)
{
    char *end;

    if (!isdigit((unsigned char)*text) || (text[0] == '0' && tolower((unsigned char)text[1]) == 'x'))
        return -EINVAL;
    errno = 0;
    *ret = strtod(text, &end);
    for (const char *p = text; p < end; p++)
        if (!isdigit((unsigned char)*p) && *p != '.')
            return -EINVAL;
    if (errno)
        return -EINVAL;
    *ret_end = end;
    return 0;
}

/* Whole numbers stay exact up to 2^64 - 1, which a double cannot hold. */
int parse_size(const char *text, uint64_t *ret)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
    unsigned long long whole;
    const char *end, *unit;
    unsigned int shift = 0;
    double v;
    char *stop;

    if (parse_decimal(text, &v, &end) < 0)
        return -EINVAL;
    unit = end;
    if (*unit) {
        unsigned int i = 0;

        while (i < array_len(units) && strcasecmp(unit, units[i]) != 0)
            i++;
        if (i == array_len(units))
            return -EINVAL;
        shift = 10 * i;
    }
    errno = 0;
    whole = strtoull(text, &stop, 10);
    if (stop == unit) {
        if (errno || whole > UINT64_MAX >> shift)
            return -EINVAL;
        *ret = (uint64_t)whole << shift;
        return 0;
    }
    if (v >= ldexp(1, 64 - (int)shift))
        return -EINVAL;
    *ret = (uint64_t)ldexp(v, (int)shift);
    return 0;
}

int parse_time(const char *text, uint64_t *ret)
{
    static const struct {
        const char *name;
        unsigned int seconds;
    } units[] = {{"", 1}, {"s", 1}, {"sec", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"hr", 3600}, {"d", 86400}, {"days", 86400},
                 {"w", 604800}, {"wk", 604800}};
    unsigned long long v;
    char *end;

    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno)
        return -EINVAL;
    for (size_t i = 0; i < array_len(units); i++) {
        if (strcasecmp(end, units[i].name) == 0) {
            uint64_t seconds;

            if (__builtin_mul_overflow((uint64_t)v, units[i].seconds, &seconds))
                return -EINVAL;
            *ret = seconds;
            return 0;
        }
    }
    return -EINVAL;
}

int parse_percent_or_size(const char *text, struct percent_or_size *ret)
{
    const char *end;
    uint64_t bytes;
    double v;

    if (parse_decimal(text, &v, &end) == 0 && v <= 100 && (!*end || strcmp(end, "%") == 0)) {
        *ret = (struct percent_or_size){.is_percent = true, .value = v};
        return 0;
    }
    if (parse_size(text, &bytes) < 0)
        return -EINVAL;
    *ret = (struct percent_or_size){.value = (double)bytes};
    return 0;
}
