/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* bricks.h: bricks and names as a person writes them, checked before the daemon sees them (spec management 4.5). */
#ifndef CLI_BRICKS_H
#define CLI_BRICKS_H

#include "gluster.h"

/* Slashes that say nothing are taken out: "h://a//b/" is "h:/a/b". The caller's; NULL: no memory. */
char *brick_clean(const char *word);
/* HOST:/PATH? Says "SAY: B, use ..." when not. */
bool brick_is_one(const char *word, const char *say);
/* Words first .. last-1 as " h:/a h:/b ". False: said what is wrong. ret_text is the caller's. */
bool bricks_join(const struct words *w, int first, int last, char **ret_text, int *ret_count);
bool host_conforms(const char *host);
bool volume_name_allowed(const char *name); /* for a new one; says why not */
/* The number of the only word of the list that text is the beginning of; -1: none, or several. */
int choose(const char *text, const char *const *list);

#endif
