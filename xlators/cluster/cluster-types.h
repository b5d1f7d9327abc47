/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cluster-types.h: the translator types of this folder, for xlators/table.c and the tests. */
#ifndef XLATORS_CLUSTER_TYPES_H
#define XLATORS_CLUSTER_TYPES_H

#include "xlator.h"

extern const struct xlator_type distribute_type; /* distribute/ */

#endif
