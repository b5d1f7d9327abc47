/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* shell.h: the prompt: lines with history and completion, until quit or the end of input. */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

struct cli;

int shell(struct cli *c); /* exit status of the last command */

#endif
