/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* shd.h: the self-heal daemon: one process of GlusterFS's own client for all replicated and dispersed volumes that run.
 *
 * Which volumes it has says its pid files, of which it locks one for each; where it listens says its command line. So nothing is remembered
 * over a restart of the daemon but what is there to be seen.
 *
 * Threads  shd_follow() waits for processes: workers only; one at a time works on it (glusterd.shd_lock, which is outermost).
 * Source   spec management 1.6, 3.1, 3.4 to 3.6. */
#ifndef GLUSTERD_SHD_H
#define GLUSTERD_SHD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct glusterd;
struct volinfo;

bool shd_is_wanted(const struct volinfo *v);           /* it runs, and is of a kind that can be healed */
bool shd_is_enabled(const struct volinfo *v);          /* and healing is not switched off */
/* Brings the process in line with the volumes: started with the first, told of changed volume files, ended with the last. */
int shd_follow(struct glusterd *gd, struct err *err);
int shd_pid(struct glusterd *gd, const char *volume);  /* 0: it does not have this volume */
int shd_socket(struct glusterd *gd, const char *volume, char *ret, size_t size); /* -ESRCH */
void shd_pid_file(struct glusterd *gd, const char *volume, char *ret, size_t size);
void shd_done(struct glusterd *gd);

#endif
