/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* slot.h: a translator's place in an inode, fd or client. Empty until set, then constant. Any thread. */
#ifndef GF_SLOT_H
#define GF_SLOT_H

#include <stdatomic.h>
#include <stddef.h>

/* Acquire: the partner is the release in slot_set(); what is behind the pointer is seen as it was set. */
static inline void *slot_get(const _Atomic(void *) *slot)
{
    return atomic_load_explicit((_Atomic(void *) *)slot, memory_order_acquire);
}

/* value, or what another thread had set before. */
static inline void *slot_set(_Atomic(void *) *slot, void *value)
{
    void *before = NULL;

    if (atomic_compare_exchange_strong_explicit(slot, &before, value, memory_order_acq_rel, memory_order_acquire))
        return value;
    return before;
}

#endif
