/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* option.h: an option is one row, and the row is all there is: parser, default, help, range check and live change read it.
 *
 * The rows live here so that the transport core and the translators can have some; what reads them is ../options.h.
 * Value syntax of each type: spec "Option value syntax" (bool, int, size, time, percent, ...). */
#ifndef BASE_OPTION_H
#define BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
    OPTION_BOOL,    /* bool                                                      */
    OPTION_INT,     /* int64_t, base detected                                    */
    OPTION_OCTAL,   /* uint32_t, always octal (modes)                            */
    OPTION_SIZE,    /* uint64_t, bytes                                           */
    OPTION_TIME,    /* uint64_t, seconds                                         */
    OPTION_PERCENT_OR_SIZE, /* struct percent_or_size                            */
    OPTION_STR,     /* char *, owned by the target structure; may be NULL        */
    OPTION_PATH,    /* char *, absolute, no "../"                                */
    OPTION_CHOICE,  /* int, index into choices                                   */
    OPTION_PREFIX,  /* a family "auth.addr.": accepted as it is, looked up in the set by the translator; no target */
    OPTION_OFF,     /* a feature that we lack: refused by name unless it is off  */
};
struct percent_or_size {
    bool is_percent;
    double value; /* percent, or bytes */
};
enum {
    OPTION_LIVE = 1u << 0,     /* may change while running                                   */
    OPTION_REQUIRED = 1u << 1,
    OPTION_NO_EFFECT = 1u << 2,  /* read and checked, and nothing to anyone: a statedump says nothing of it */
    OPTION_SECRET = 1u << 3,     /* nor of this one, which is not for everybody                             */
};

struct option {
    const char *key;
    const char *const *aliases; /* NULL-ended, or NULL */
    enum option_type type;
    size_t offset;              /* of the member in the target structure */
    const char *def;            /* text as a person would write it; NULL: none (0, NULL) */
    double min, max;            /* both 0: no bounds */
    const char *const *choices; /* NULL-ended. OPTION_OFF: values beside "off", "no", "0" ... that switch it off */
    unsigned int flags;
    const char *help;           /* OPTION_OFF: the feature's name: "this build does not have <help>" */
};

#define OPT_BOOL(k, s, m, d, ...) \
    {.key = (k), .type = OPTION_BOOL, .offset = offsetof(s, m), .def = (d) ? "on" : "off", .help = __VA_ARGS__}
#define OPT_INT(k, s, m, d, lo, hi, ...) \
    {.key = (k), .type = OPTION_INT, .offset = offsetof(s, m), .def = (d), .min = (double)(lo), .max = (double)(hi), .help = __VA_ARGS__}
#define OPT_SIZE(k, s, m, d, lo, hi, ...) \
    {.key = (k), .type = OPTION_SIZE, .offset = offsetof(s, m), .def = (d), .min = (double)(lo), .max = (double)(hi), .help = __VA_ARGS__}
#define OPT_TIME(k, s, m, d, lo, hi, ...) \
    {.key = (k), .type = OPTION_TIME, .offset = offsetof(s, m), .def = (d), .min = (double)(lo), .max = (double)(hi), .help = __VA_ARGS__}
#define OPT_STR(k, s, m, d, ...)    {.key = (k), .type = OPTION_STR, .offset = offsetof(s, m), .def = (d), .help = __VA_ARGS__}
#define OPT_PATH(k, s, m, d, ...)   {.key = (k), .type = OPTION_PATH, .offset = offsetof(s, m), .def = (d), .help = __VA_ARGS__}
#define OPT_CHOICE(k, s, m, d, list, ...) \
    {.key = (k), .type = OPTION_CHOICE, .offset = offsetof(s, m), .def = (d), .choices = (list), .help = __VA_ARGS__}
#define OPT_PREFIX(k, ...)          {.key = (k), .type = OPTION_PREFIX, .help = __VA_ARGS__}
#define OPT_OFF(k, ...)             {.key = (k), .type = OPTION_OFF, .help = __VA_ARGS__}
/* Flags and aliases follow the help text: OPT_BOOL("x", struct s, x, false, "does x", .flags = OPTION_LIVE) */

#endif
