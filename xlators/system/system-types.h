/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* system-types.h: the translator types of this folder, for xlators/table.c and the tests. */
#ifndef XLATORS_SYSTEM_TYPES_H
#define XLATORS_SYSTEM_TYPES_H

#include "xlator.h"

extern const struct xlator_type posix_acl_type; /* alias features/access-control */

#endif
