/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pairs.h: key and value texts in the order of their setting: options of a volume, lines of a store file, options of a block. */
#ifndef GLUSTERD_PAIRS_H
#define GLUSTERD_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

struct pair {
    char *key, *value;
};
struct pairs {
    struct pair *at;
    size_t n, cap;
};

/* All copy what they are given; -ENOMEM. */
int pairs_set(struct pairs *p, const char *key, const char *value); /* in the place of an equal key, else at the end */
int pairs_setf(struct pairs *p, const char *key, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int pairs_add(struct pairs *p, const char *key, const char *value); /* at the end, whatever is there                */
const char *pairs_get(const struct pairs *p, const char *key);      /* the first; NULL: none                         */
bool pairs_unset(struct pairs *p, const char *key);                 /* true: it was there                            */
int pairs_copy(struct pairs *to, const struct pairs *from);         /* to is empty                                   */
void pairs_done(struct pairs *p);

#endif
