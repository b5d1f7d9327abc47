/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* paths.h: which program is run for what. Ours and stock's may both be installed, so PATH alone does not say. */
#ifndef GLUSTERD_PATHS_H
#define GLUSTERD_PATHS_H

#include <stddef.h>

struct err;

/* glusterfsd: in $GATLING_PROGRAMS, else where ours are installed, else by PATH. */
void path_of_brick_program(char *ret, size_t size);
/* GlusterFS's own glusterfs, which has the cluster engine that we do not have: $GATLING_STOCK_GLUSTERFS, else /usr/sbin/glusterfs when its
 * package is there. -ENOENT with the sentence that names the package. */
int path_of_cluster_client(char *ret, size_t size, struct err *err);

#endif
