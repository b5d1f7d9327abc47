/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* check.h: what the programs of tests/api say when something is not as it should be. */
#ifndef API_CHECK_H
#define API_CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#define _FILE_OFFSET_BITS 64
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRONG(...)                               \
    do {                                         \
        printf("line %d: ", __LINE__);           \
        printf(__VA_ARGS__);                     \
        printf("\n");                            \
        exit(1);                                 \
    } while (0)
#define TRUE(cond)                               \
    do {                                         \
        if (!(cond))                             \
            WRONG("not so: %s (%s)", #cond, strerror(errno)); \
    } while (0)
/* The call gives exactly this number. */
#define IS(call, want)                           \
    do {                                         \
        errno = 0;                               \
        long is_ = (long)(call), want_ = (long)(want); \
        if (is_ != want_)                        \
            WRONG("%s: %ld instead of %ld (%s)", #call, is_, want_, strerror(errno)); \
    } while (0)
#define OK(call) IS(call, 0)
/* The call gives -1 and this errno. */
#define FAILS(call, want)                        \
    do {                                         \
        errno = 0;                               \
        long is_ = (long)(call);                 \
        if (is_ != -1 || errno != (want))        \
            WRONG("%s: %ld, %s instead of %s", #call, is_, strerror(errno), strerror(want)); \
    } while (0)
/* The call gives NULL and this errno. */
#define NONE(call, want)                         \
    do {                                         \
        errno = 0;                               \
        void *is_ = (void *)(call);              \
        if (is_ || errno != (want))              \
            WRONG("%s: %p, %s instead of %s", #call, is_, strerror(errno), strerror(want)); \
    } while (0)

#endif
