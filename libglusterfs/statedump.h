/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* statedump.h: what is inside the process, as text, in GlusterFS's section format (spec brick 7.7). */
#ifndef GF_STATEDUMP_H
#define GF_STATEDUMP_H

#include "util.h"

struct process;
struct dump;

void dump_section(struct dump *d, const char *fmt, ...) PRINTF(2, 3);              /* "[name]" */
void dump_kv(struct dump *d, const char *key, const char *fmt, ...) PRINTF(3, 4);  /* "key=value" */

/* Writes <dir>/<prefix>.<pid>.dump.<epoch>, under a temporary name first. May block on the disk: on a worker. */
int statedump_write(struct process *p, const char *prefix, struct err *err);

#endif
