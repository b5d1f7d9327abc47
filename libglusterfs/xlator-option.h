/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xlator-option.h: --xlator-option PATTERN.KEY=VALUE. Apart from graph.h, whose struct option is not that of getopt.h. */
#ifndef GF_XLATOR_OPTION_H
#define GF_XLATOR_OPTION_H

/* Overrides KEY in each volume whose name the pattern matches (fnmatch). */
struct xlator_option {
    char *pattern, *key, *value;
};

#endif
