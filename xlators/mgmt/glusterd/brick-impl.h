/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick-impl.h: what brick.c and brick-start.c share. */
#ifndef GLUSTERD_BRICK_IMPL_H
#define GLUSTERD_BRICK_IMPL_H

#include "glusterd.h"

struct brick_names {
    char pid_file[4400], socket[64 + 4096], log[4400], volfile_id[4400];
};
int brick_names(struct glusterd *gd, const char *volume, const char *host, const char *path, struct brick_names *n);

bool brick_has_pid_file(const struct volinfo *v, const char *name); /* name: without its folder */

struct brickrun *brick_find_locked(struct glusterd *gd, const char *path);
int brick_expect(struct glusterd *gd, const char *volume, const char *path, const char *pid_file); /* -EEXIST: it is in the list */
void brick_give_up(struct glusterd *gd, const char *path); /* its process did not come up: out of the list */
/* Whoever holds the pid file's lock is the brick's process. -ESRCH: there is none. */
int brick_enter(struct glusterd *gd, const char *volume, const char *path, const char *pid_file, int port);

#endif
