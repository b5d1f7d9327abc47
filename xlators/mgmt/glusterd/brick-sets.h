/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick-sets.h: the arithmetic of bricks that join and leave a volume: which counts fit, and what shape the volume has then. Looks at
 * nothing but the volume, changes nothing. Sentences are GlusterFS's (spec management 4.11). */
#ifndef GLUSTERD_BRICK_SETS_H
#define GLUSTERD_BRICK_SETS_H

#include "volinfo.h"

struct err;

struct shape {
    enum volume_type type;
    unsigned int sub_count, replica_count, arbiter_count;
};
/* n bricks more; replica 0: no count was given. -EINVAL with the sentence. */
int shape_with_more(const struct volinfo *v, unsigned int n, unsigned int replica, unsigned int arbiter, struct shape *ret,
                    struct err *err);
/* Where the k-th of them stands then, when they are put in their places one after the other. */
unsigned int shape_place(const struct volinfo *v, const struct shape *after, unsigned int k);
/* Without the n bricks numbered at[]. */
int shape_with_fewer(const struct volinfo *v, const unsigned int *at, unsigned int n, unsigned int replica, struct shape *ret,
                     struct err *err);
void shape_apply(struct volinfo *v, const struct shape *s);

#endif
