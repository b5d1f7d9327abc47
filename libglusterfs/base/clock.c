/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "clock.h"

#include <time.h>

static struct timespec now(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return ts;
}

uint64_t clock_ns(void)
{
    struct timespec ts = now(CLOCK_MONOTONIC);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_ms(void)
{
    struct timespec ts = now(CLOCK_MONOTONIC_COARSE);
    return (uint64_t)ts.tv_sec * 1000u + (uint64_t)ts.tv_nsec / 1000000u;
}
