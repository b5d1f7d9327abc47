/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "paths.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"

void path_of_brick_program(char *ret, size_t size)
{
    const char *folder = getenv("GATLING_PROGRAMS");
    snprintf(ret, size, "%s/glusterfsd", folder && *folder ? folder : GF_SBINDIR);
    if (!(folder && *folder) && access(ret, X_OK) < 0)
        snprintf(ret, size, "glusterfsd");
}

static bool engine_is_there(void)
{
    static const char *const places[] = {"/usr/lib/*/glusterfs/*/xlator/cluster/replicate.so",
                                         "/usr/lib*/glusterfs/*/xlator/cluster/replicate.so"};
    bool there = false;
    for (size_t i = 0; i < 2 && !there; i++) {
        glob_t found = {0};
        there = glob(places[i], GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;
        globfree(&found);
    }
    return there;
}

int path_of_cluster_client(char *ret, size_t size, struct err *err)
{
    const char *given = getenv("GATLING_STOCK_GLUSTERFS");
    snprintf(ret, size, "%s", given && *given ? given : "/usr/sbin/glusterfs");
    if (access(ret, X_OK) == 0 && ((given && *given) || engine_is_there()))
        return 0;
    return err_set(err, -ENOENT,
                   "%s, GlusterFS's own client, is not there: it heals and rebalances (package glusterfs-client, and glusterfs-common for "
                   "its cluster translators)",
                   ret);
}
