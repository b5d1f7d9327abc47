/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pattern.h: the patterns that the help prints, read as a grammar: what may come next after some words.
 *
 *     word   <ARGUMENT>   <a|b|ARGUMENT>   [optional]   {one|of|these}   (group)   one ...   a | b
 *
 * A bare word that is in capitals, or is one of a few names (volname, option, ...), stands for an argument, as in GlusterFS's own
 * patterns. */
#ifndef CLI_PATTERN_H
#define CLI_PATTERN_H

#include <stddef.h>

#include "gluster.h"

/* The words at the beginning that are not arguments; at most room of them, each as where it begins and its length. */
struct pattern_word {
    const char *at;
    size_t len;
};
int pattern_literals(const char *pattern, struct pattern_word *ret, int room);

/* offer() is called for each thing that can stand behind the given words; may be several times for the same. */
void pattern_next(const char *pattern, const struct words *w, void (*offer)(void *ctx, struct pattern_word p, bool argument), void *ctx);

#endif
