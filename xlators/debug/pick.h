/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pick.h: which operations error-gen and delay-gen meddle with: those of a list, and of them a share. Private to this folder.
 *
 * The share is spread evenly, so that 50 % is every second one; with `random` each operation has that chance for itself.
 * Threads  pick_this(): any. pick_set(): one at a time; others may see list and share change one after the other. */
#ifndef DEBUG_PICK_H
#define DEBUG_PICK_H

#include <stdatomic.h>

#include "xlator.h"

struct pick {
    _Atomic uint64_t ops;   /* a bit for each enum fop_op */
    _Atomic uint32_t millionths;
    atomic_bool random;
    _Atomic uint64_t seen;
};
_Static_assert(NR_FOPS <= 64, "pick.ops has a bit for each operation");

/* list: names as fop_name() has them, also readv and writev, in any case, with commas between; NULL or empty: all. 0 or -EINVAL with a
 * sentence; then nothing has changed. */
int pick_set(struct pick *p, const char *list, const struct percent_or_size *share, bool random, const char *who, struct err *err);
bool pick_this(struct pick *p, enum fop_op op);

#endif
