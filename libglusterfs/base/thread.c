/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "util.h"

/* Sanitizers put red zones around every local variable and run deep themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_MORE (1 * MiB)
#else
#define STACK_MORE 0
#endif
#define STACK_MAX (8 * MiB)

struct start {
    void *(*fn)(void *);
    void *arg;
    char name[16];
};

static void *begin(void *arg)
{
    struct start s = *(struct start *)arg;

    free(arg);
    prctl(PR_SET_NAME, s.name);
    return s.fn(s.arg);
}

/* All but what a thread raises by its own fault: those, blocked, would end the process without a word from a handler. */
static void signals_to_block(sigset_t *set)
{
    sigfillset(set);
    sigdelset(set, SIGSEGV);
    sigdelset(set, SIGBUS);
    sigdelset(set, SIGFPE);
    sigdelset(set, SIGILL);
    sigdelset(set, SIGTRAP);
}

int thread_start(pthread_t *ret_thread, const char *name, size_t stack, void *(*fn)(void *), void *arg, struct census *census)
{
    struct start *s = malloc(sizeof(*s));
    pthread_attr_t attr;
    sigset_t blocked;
    pthread_t thread; /* the caller's variable may be read by the new thread: it is written only once all is well */
    int rc;

    if (!s)
        return -ENOMEM;
    *s = (struct start){.fn = fn, .arg = arg};
    snprintf(s->name, sizeof(s->name), "%s", name);

    rc = pthread_attr_init(&attr);
    if (rc) {
        free(s);
        return -rc;
    }
    signals_to_block(&blocked);
    pthread_attr_setsigmask_np(&attr, &blocked);
    /* The thread-local variables of all loaded libraries are taken out of the stack; where they are large, glibc says EINVAL. */
    for (stack += STACK_MORE, rc = EINVAL; rc == EINVAL && stack <= STACK_MAX; stack *= 2) {
        rc = pthread_attr_setstacksize(&attr, stack);
        if (!rc)
            rc = pthread_create(&thread, &attr, begin, s);
    }
    pthread_attr_destroy(&attr);
    if (rc) {
        free(s);
        return -rc;
    }
    *ret_thread = thread;
    census_add(census, CENSUS_THREADS, 1);
    return 0;
}

void thread_join(pthread_t thread, struct census *census)
{
    pthread_join(thread, NULL);
    census_add(census, CENSUS_THREADS, -1);
}

void thread_give_back_stack(void)
{
    pthread_attr_t attr;
    size_t size, page = (size_t)sysconf(_SC_PAGESIZE);
    void *low;

    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return;
    if (pthread_attr_getstack(&attr, &low, &size) == 0) {
        uintptr_t here = (uintptr_t)__builtin_frame_address(0) & ~(page - 1);

        if (here > (uintptr_t)low + page)
            madvise(low, here - page - (uintptr_t)low, MADV_DONTNEED); /* the page below is madvise's own */
    }
    pthread_attr_destroy(&attr);
}
