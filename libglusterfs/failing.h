/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* failing.h: in a unit test one call fails: the K-th allocation, thread or descriptor. For K = 1, 2, ... until a run gets by without:
 *
 *   for (long k = 1; failing_arm(FAILING_ALL, k), run_it(), failing_disarm(); k++)
 *       expect_that_nothing_is_left();
 *
 * A program of this kind has failing.c among its sources and $(FAILING_LDFLAGS) among its flags, and takes what is to fail from
 * libraries that are linked statically. One at a time; the counting is for all threads together. */
#ifndef GF_FAILING_H
#define GF_FAILING_H

#include <stdbool.h>
#include <stddef.h>

enum {
    FAILING_MEMORY = 1,
    FAILING_THREAD = 2,
    FAILING_FD = 4,
    FAILING_ALL = 7,
    FAILING_LIBRARY = 8, /* allocations of a library that has been given the functions below */
};

void failing_arm(unsigned int kinds, long k);
bool failing_happened(void);
long failing_seen(void);   /* since it was armed: how many calls could have failed */
bool failing_disarm(void); /* true: it has happened */

/* For libraries that let their allocations be replaced (CRYPTO_set_mem_functions()). */
void *failing_malloc(size_t size, const char *file, int line);
void *failing_realloc(void *old, size_t size, const char *file, int line);
void failing_free(void *block, const char *file, int line);

#endif
