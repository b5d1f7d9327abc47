/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* answer.h: putting pairs of text into an answer, under a prefix; the first error stays and stops the rest. */
#ifndef GLUSTERD_ANSWER_H
#define GLUSTERD_ANSWER_H

#include "util.h"

struct dict;

struct keyed {
    struct dict *d;
    const char *prefix;          /* "brick0.", or "" */
    int r;                       /* 0, -E2BIG, -ENOMEM */
};
void put(struct keyed *k, const char *name, const char *value);
void putf(struct keyed *k, const char *name, const char *fmt, ...) PRINTF(3, 4);
void put_number(struct keyed *k, const char *name, long long value);

#endif
