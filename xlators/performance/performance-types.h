/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* performance-types.h: the translator types of this folder, for xlators/table.c and the tests. */
#ifndef XLATORS_PERFORMANCE_TYPES_H
#define XLATORS_PERFORMANCE_TYPES_H

#include "xlator.h"

extern const struct xlator_type io_threads_type;   /* io-threads/   */
extern const struct xlator_type md_cache_type;     /* md-cache/; alias performance/stat-prefetch */
extern const struct xlator_type open_behind_type;  /* open-behind/  */
extern const struct xlator_type quick_read_type;   /* quick-read/   */
extern const struct xlator_type write_behind_type; /* write-behind/ */

/* passthrough.c: accepted, and without effect: the same results with more calls (README.md) */
extern const struct xlator_type read_ahead_type, readdir_ahead_type, io_cache_type, nl_cache_type;

#endif
