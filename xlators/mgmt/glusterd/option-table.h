/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* option-table.h: every option that `volume set` knows: what it is called, what it may be, and where in a volume file it goes.
 *
 * The rows are volume-options.tsv, compiled in; a key that feeds two translators has two rows. Source: spec management 2.5-2.7. */
#ifndef GLUSTERD_OPTION_TABLE_H
#define GLUSTERD_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum { /* processes that an option matters for */
    GRAPH_BRICK = 1u << 0, GRAPH_CLIENT = 1u << 1, GRAPH_SHD = 1u << 2, GRAPH_REBALANCE = 1u << 3, GRAPH_NFS = 1u << 4,
    GRAPH_DAEMON = 1u << 5, GRAPH_BITD = 1u << 6, GRAPH_SCRUB = 1u << 7, GRAPH_SNAPD = 1u << 8, GRAPH_GFPROXY = 1u << 9,
};
enum {
    VOLOPT_CLIENT = 1u << 0,      /* raises the op-version that clients need       */
    VOLOPT_XLATOR = 1u << 1,      /* switches a translator                         */
    VOLOPT_FORCE_RESET = 1u << 2, /* goes only by `volume reset V force`           */
    VOLOPT_NEVER_RESET = 1u << 3, /* survives every reset                          */
};
enum volopt_scope { SCOPE_VOLUME, SCOPE_ALL, SCOPE_COPIED }; /* ALL: only `volume set all`; COPIED: stock copies it to every volume */

struct volopt {
    const char *key;              /* "cluster.lookup-unhashed"                         */
    const char *def;              /* as `volume get` prints it; NULL: none             */
    const char *values;           /* "INT 0..64", "STR a|b", "BOOL", ...               */
    const char *xlator, *option;  /* who receives it, under which name; '!': see volgen.c */
    unsigned int graphs;
    bool always;                  /* written with its default, too                     */
    unsigned int op_version;
    unsigned int flags;
    enum volopt_scope scope;
    bool in_help, listed;         /* shown by `volume set help`, by `volume get V all` */
    const char *check;            /* a rule beyond the values, or NULL                 */
    const char *text;
};
extern const struct volopt volopts[];
extern const size_t nr_volopts;

/* The first row of a key: its full name, or what follows its first dot if that is unique. NULL: no such key. */
const struct volopt *volopt_find(const char *name);
/* "Did you mean A or ...B?": words for a key that does not exist. */
void volopt_suggest(const char *name, char *ret, size_t size);
/* Whether value is one that the row's type, words and range allow. -EINVAL with the sentence that GlusterFS's scripts know. brick: the
 * path of a brick, where the sentence names one. Rules of `check` are not looked at. */
int volopt_check(const struct volopt *o, const char *value, const char *brick, struct err *err);
bool volopt_is_bool(const struct volopt *o);

#endif
