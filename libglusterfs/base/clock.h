/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* clock.h: monotonic time. Never goes back, counts from an unknown start. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_ns(void); /* CLOCK_MONOTONIC        */
uint64_t clock_ms(void); /* CLOCK_MONOTONIC_COARSE */

#endif
