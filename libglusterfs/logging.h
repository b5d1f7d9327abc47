/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* logging.h: the log file: GlusterFS's line format behind base/log.h's port.
 *
 *   [2026-11-21 12:00:00.123456 +0000] I [conn.c:120:conn_up] 0-vol-server: text
 *
 * Opened with O_APPEND, reopened on SIGHUP; one write(2) per line, so that lines of several processes do not mix. */
#ifndef GF_LOGGING_H
#define GF_LOGGING_H

#include "log.h"

int logging_open(const char *file, struct err *err); /* "-" or "/dev/stderr": stderr; parent folders must exist */
/* As logging_open() when a log is open already, while others write: each line goes whole into the old file or the new one. Calls of the
 * two and of logging_close() come one at a time. */
int logging_move(const char *file, struct err *err);
void logging_set_local(bool local); /* local time instead of UTC; before threads start */
int logging_reopen(void);
void logging_file(char *to, size_t size); /* where lines go now: a path, or what else the descriptor is */
void logging_close(void);
bool log_level_parse(const char *name, enum log_level *ret); /* "INFO", any case */
const char *log_level_name(enum log_level level);

#endif
