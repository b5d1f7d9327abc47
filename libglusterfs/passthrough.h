/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* passthrough.h: what the types of translators share whose feature we do not have, and that let operations pass.
 *
 * Their options are read, so that a wrong value is named, and then are nothing to anyone: all rows of a type that have the same
 * kind of value land in the same member. The rows that switch a feature on are OPT_OFF rows. */
#ifndef GF_PASSTHROUGH_H
#define GF_PASSTHROUGH_H

#include "xlator.h"

struct read_and_forgotten {
    bool flag;
    int64_t number;
    uint64_t quantity; /* sizes and times */
    struct percent_or_size percent;
    char *text;
    int choice;
};
#define FORGOTTEN .flags = OPTION_LIVE | OPTION_NO_EFFECT
#define FORGET_FLAG(k, ...)    OPT_BOOL(k, struct read_and_forgotten, flag, false, __VA_ARGS__, FORGOTTEN)
#define FORGET_NUMBER(k, ...)  OPT_INT(k, struct read_and_forgotten, number, NULL, 0, 0, __VA_ARGS__, FORGOTTEN)
#define FORGET_SIZE(k, ...)    OPT_SIZE(k, struct read_and_forgotten, quantity, NULL, 0, 0, __VA_ARGS__, FORGOTTEN)
#define FORGET_TIME(k, lo, hi, ...) OPT_TIME(k, struct read_and_forgotten, quantity, NULL, lo, hi, __VA_ARGS__, FORGOTTEN)
#define FORGET_TEXT(k, ...)    OPT_STR(k, struct read_and_forgotten, text, NULL, __VA_ARGS__, FORGOTTEN)
#define FORGET_PATH(k, ...)    OPT_PATH(k, struct read_and_forgotten, text, NULL, __VA_ARGS__, FORGOTTEN)
#define FORGET_CHOICE(k, list, ...) OPT_CHOICE(k, struct read_and_forgotten, choice, NULL, list, __VA_ARGS__, FORGOTTEN)
#define FORGET_PERCENT(k, ...)                                                                                                        \
    {.key = (k), .type = OPTION_PERCENT_OR_SIZE, .offset = offsetof(struct read_and_forgotten, percent), .min = 0, .max = 100, \
     FORGOTTEN, .help = __VA_ARGS__}


/* A type without handlers: its operations pass by pointer. */
#define PASSES_BY(variable, type_name, rows)            \
    const struct xlator_type variable = {               \
        .name = type_name,                              \
        .options = rows,                                \
        .nr_options = array_len(rows),                  \
        .priv_size = sizeof(struct read_and_forgotten), \
    }

#endif
