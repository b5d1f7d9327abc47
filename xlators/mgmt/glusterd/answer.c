/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "answer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "dict.h"

void put(struct keyed *k, const char *name, const char *value)
{
    char key[512];
    if (k->r == 0 && snprintf(key, sizeof key, "%s%s", k->prefix, name) >= (int)sizeof key)
        k->r = -E2BIG;
    if (k->r == 0)
        k->r = dict_set_text(k->d, key, value);
}

void putf(struct keyed *k, const char *name, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        k->r = k->r ? k->r : -ENOMEM;
    else
        put(k, name, text);
    free(len < 0 ? NULL : text);
}

void put_number(struct keyed *k, const char *name, long long value)
{
    putf(k, name, "%lld", value);
}
