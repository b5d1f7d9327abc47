/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* aux-mount.h: telling replicate that a brick is new: the others keep account of what it lacks from then on, and it is healed.
 *
 * The volume, as it will be, is mounted for a moment with GlusterFS's own client, and an attribute is set on its root which replicate takes
 * for an order (spec management 3.1: client-pid -12).
 *
 * Threads  Waits for processes and for the mount: workers only. */
#ifndef GLUSTERD_AUX_MOUNT_H
#define GLUSTERD_AUX_MOUNT_H

struct err;
struct glusterd;
struct volinfo;

/* what: "add-brick" or "replace-brick". The n bricks numbered at[] of v are the new ones. */
int aux_mount_new_bricks(struct glusterd *gd, const struct volinfo *v, const char *what, const unsigned int *at, unsigned int n,
                         struct err *err);
void aux_mounts_tidy(struct glusterd *gd); /* what a former life has left; at the start */

#endif
