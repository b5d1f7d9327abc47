/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* hooks.h: the administrator's scripts: WORKDIR/hooks/1/EVENT/{pre,post}/S*, in the order of their names; and the filters that volume files
 * go through, PKGLIBDIR/filter/.
 *
 * pre    runs before the change, and the command waits for it: at most HOOK_PRE_MS for each script, which is then killed. What it says
 *        is logged, its exit status too; the command goes on.
 * post   is handed over when the command has succeeded. Scripts of one volume run one after the other, in the order of the commands; those
 *        of another volume do not wait for them.
 *
 * A script gets no descriptor of ours: stdin and stderr are /dev/null, stdout is logged. At the daemon's end it is left to run.
 *
 * Threads  hook_pre() and filters_run() wait: on a worker. Source: spec management 1.2, 1.8. */
#ifndef GLUSTERD_HOOKS_H
#define GLUSTERD_HOOKS_H

struct command;
struct glusterd;

enum { HOOK_PRE_MS = 60000, HOOK_POST_MS = 600000, FILTER_MS = 30000 };

/* The event is the command's (command_type.hook; NULL: none), the volume the one that it names. The first call of a command runs the
 * scripts. */
void hook_pre(struct command *c);
void hook_post(struct command *c);

void filters_run(struct glusterd *gd, const char *file);

#endif
