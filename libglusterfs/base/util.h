/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* util.h: the few words that every file uses. */
#ifndef BASE_UTIL_H
#define BASE_UTIL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KiB ((size_t)1 << 10)
#define MiB ((size_t)1 << 20)
#define GiB ((size_t)1 << 30)

#define array_len(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define min_of(a, b) ({ __auto_type a_ = (a); __auto_type b_ = (b); a_ < b_ ? a_ : b_; })
#define max_of(a, b) ({ __auto_type a_ = (a); __auto_type b_ = (b); a_ > b_ ? a_ : b_; })

#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define CLEANUP(fn) __attribute__((cleanup(fn)))

/* Holds a mutex to the end of the enclosing block. For short sections. */
static inline void scoped_unlock_(pthread_mutex_t **m)
{
    pthread_mutex_unlock(*m);
}
static inline pthread_mutex_t *scoped_lock_(pthread_mutex_t *m)
{
    pthread_mutex_lock(m);
    return m;
}
#define SCOPED_LOCK_NAME2(line) scoped_lock_at_##line
#define SCOPED_LOCK_NAME(line) SCOPED_LOCK_NAME2(line)
#define SCOPED_LOCK(m) \
    pthread_mutex_t *SCOPED_LOCK_NAME(__LINE__) CLEANUP(scoped_unlock_) __attribute__((unused)) = scoped_lock_(m)

/* One sentence for the person who runs us: what is wrong, where, and what would be right. The first cause wins, so a
 * caller may add its own without losing the better one. Functions that take one return a negative errno beside it. */
struct err {
    char text[512];
};
int err_set(struct err *e, int neg_errno, const char *fmt, ...) PRINTF(3, 4); /* returns neg_errno; e may be NULL */

#endif
