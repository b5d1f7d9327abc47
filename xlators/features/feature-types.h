/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* feature-types.h: the translator types of this folder, for xlators/table.c and the tests. */
#ifndef XLATORS_FEATURE_TYPES_H
#define XLATORS_FEATURE_TYPES_H

#include "xlator.h"

/* passthrough.c: the feature is off, and switching it on is refused by name (doc/refused.md) */
extern const struct xlator_type trash_type, changelog_type, leases_type, quota_type;

extern const struct xlator_type arbiter_type;     /* arbiter/       */
extern const struct xlator_type barrier_type;     /* barrier/       */
extern const struct xlator_type bitrot_stub_type; /* bitrot-stub.c  */
extern const struct xlator_type selinux_type;     /* selinux.c      */
extern const struct xlator_type gfid_access_type; /* gfid-access/  */
extern const struct xlator_type index_type;       /* index/         */
extern const struct xlator_type marker_type;      /* marker.c       */
extern const struct xlator_type quiesce_type;     /* quiesce/       */
extern const struct xlator_type read_only_type;   /* read-only/     */
extern const struct xlator_type upcall_type;      /* upcall/        */
extern const struct xlator_type utime_type;       /* utime/         */
extern const struct xlator_type worm_type;        /* worm/          */
extern const struct xlator_type locks_type;       /* locks/; alias features/posix-locks */

#endif
