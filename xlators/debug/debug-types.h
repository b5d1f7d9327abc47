/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* debug-types.h: the translator types of this folder, for xlators/table.c and the tests. */
#ifndef XLATORS_DEBUG_TYPES_H
#define XLATORS_DEBUG_TYPES_H

#include "xlator.h"

extern const struct xlator_type delay_gen_type; /* delay-gen/ */
extern const struct xlator_type error_gen_type; /* error-gen/ */
extern const struct xlator_type io_stats_type;  /* io-stats/  */

#endif
