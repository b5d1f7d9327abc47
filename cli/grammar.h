/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* grammar.h: the table of commands. What runs, what the help prints and what can be completed is read from its rows. */
#ifndef CLI_GRAMMAR_H
#define CLI_GRAMMAR_H

#include "pattern.h"

enum area { AREA_PEER, AREA_VOLUME, AREA_BITROT, AREA_QUOTA, AREA_SNAPSHOT, AREA_GLOBAL, AREA_SYSTEM, NR_AREAS };

struct command {
    enum area area;
    const char *pattern;     /* as the help prints it (pattern.h) */
    int (*run)(struct cli *c, const struct words *w);
    const char *description;
    const char *usage;       /* NULL: the pattern */
};

/* The table, ended by a row without pattern. */
extern const struct command commands[];

/* Runs it and says what is wrong with it. Exit status. */
int run_words(struct cli *c, const struct words *w);
int run_line(struct cli *c, const char *line); /* splits at blanks */

void print_usage_block(void);                  /* behind an unknown word or option */

/* The help commands of the table. */
int cmd_help(struct cli *c, const struct words *w);
int cmd_peer_help(struct cli *c, const struct words *w);
int cmd_volume_help(struct cli *c, const struct words *w);
int cmd_bitrot_help(struct cli *c, const struct words *w);
int cmd_quota_help(struct cli *c, const struct words *w);
int cmd_snapshot_help(struct cli *c, const struct words *w);
int cmd_global_help(struct cli *c, const struct words *w);
int cmd_system_help(struct cli *c, const struct words *w);

/* What can stand behind the words: for each possible word with the given beginning. Names of volumes, options and bricks are asked from
 * the daemon. */
void complete(struct cli *c, const struct words *w, const char *beginning, void (*found)(void *ctx, const char *word), void *ctx);

#endif
