/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The translators that are linked in: one line to declare a type, one to list it. */
#include "xlator.h"

extern const struct xlator_type io_stats_type;
extern const struct xlator_type io_threads_type;

const struct xlator_type *const xlator_types[] = {
    &io_stats_type,
    &io_threads_type,
    NULL,
};
