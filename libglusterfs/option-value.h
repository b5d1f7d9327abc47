/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* option-value.h: one value by itself. -EINVAL; ret untouched on error. Apart from options.h, whose struct option is not that of
 * getopt.h. */
#ifndef GF_OPTION_VALUE_H
#define GF_OPTION_VALUE_H

#include <stdbool.h>
#include <stdint.h>

int parse_bool(const char *text, bool *ret);
int parse_int(const char *text, int64_t *ret);   /* base detected */
int parse_size(const char *text, uint64_t *ret);
int parse_time(const char *text, uint64_t *ret); /* seconds */
int parse_octal(const char *text, uint32_t *ret);

#endif
