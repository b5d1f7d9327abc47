/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* command-line-rows.h: an option of the command line is one row. Those of every process are in command-line.c, those of a mount in
 * mount-rows.c. A row that says what this build lacks is refused with it. */
#ifndef GLUSTERFSD_COMMAND_LINE_ROWS_H
#define GLUSTERFSD_COMMAND_LINE_ROWS_H

struct command_line;
struct err;

struct command_row {
    const char *name;
    char letter;               /* 0: none */
    const char *value;         /* its name in the help; NULL: takes none. "[...]": may be left out */
    int (*take)(struct command_line *cl, const char *value, struct err *err); /* value NULL: left out */
    const char *help;          /* NULL: not shown */
    const char *lacks;         /* with take NULL */
};
extern const struct command_row mount_rows[];
extern const unsigned int nr_mount_rows;

#endif
