/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* statedump.h: what is inside the process, as text, in GlusterFS's section format (spec brick 7.7). */
#ifndef GF_STATEDUMP_H
#define GF_STATEDUMP_H

#include "util.h"

struct process;
struct dump;

void dump_section(struct dump *d, const char *fmt, ...) PRINTF(2, 3);              /* "[name]" */
void dump_kv(struct dump *d, const char *key, const char *fmt, ...) PRINTF(3, 4);  /* "key=value" */

/* One part of it as text, "key = value" a line, for `.meta`. The caller's to free; NULL: no memory. */
char *dump_text(void (*fill)(struct dump *d, const void *ctx), const void *ctx, size_t *ret_len);
void dump_mallinfo(struct dump *d);
/* "[xlator.protocol.client.NAME.priv]"; name may be NULL */
void dump_section_of(struct dump *d, const char *type, const char *name, const char *part);

/* What a dump has; which translators run is in each. */
enum {
    DUMP_MEM = 1u << 0,      /* mallinfo                                                    */
    DUMP_IOBUF = 1u << 1,
    DUMP_CALLPOOL = 1u << 2, /* workers                                                     */
    DUMP_PRIV = 1u << 3,     /* translators; protocol/server's has clients and descriptors  */
    DUMP_INODE = 1u << 4,    /* the inode table                                             */
    DUMP_INODECTX = 1u << 5, /* and what the translators know of each                       */
    DUMP_HISTORY = 1u << 6,  /* of a mount with --event-history                              */
    DUMP_ALL = (1u << 7) - 1,
};

/* Writes <dir>/<prefix>.<pid>.dump.<epoch>, under a temporary name first. May block on the disk: on a worker. */
/* <run_dir>/glusterdump.<pid>.options or <run_dir>/glusterdump.options say what it has, in lines KEY=YES with the keys all, mem, iobuf,
 * callpool, priv, fd, inode, inodectx, fdctx, history, and path=DIR; without them it has everything. */
int statedump_write(struct process *p, const char *prefix, struct err *err);

#endif
