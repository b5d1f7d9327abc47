/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volgen.h: volume files, generated from a volume as stock's daemon writes them, byte for byte. Source: spec management 2.1-2.5. */
#ifndef GLUSTERD_VOLGEN_H
#define GLUSTERD_VOLGEN_H

#include "volinfo.h"

struct volgen {
    const struct volinfo *volume;
    const char *workdir;         /* /var/lib/glusterd                                           */
    const char *own_uuid;        /* of this node: whose bricks share its file systems            */
    const char *bind_address;    /* the daemon's, or NULL                                       */
    unsigned int op_version;     /* of the cluster; 0: the newest                               */
};
/* Each gives a text on the heap, NULL without memory. */
char *volgen_brick(const struct volgen *g, unsigned int brick);
char *volgen_client(const struct volgen *g, bool trusted);
char *volgen_shd(const struct volgen *g);            /* replicate and disperse        */
char *volgen_rebalance(const struct volgen *g);      /* several subvolumes            */
char *volgen_gfproxyd(const struct volgen *g);
char *volgen_gfproxy_client(const struct volgen *g);

#endif
