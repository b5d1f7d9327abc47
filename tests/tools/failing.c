/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* failing: a library that is loaded before all others (LD_PRELOAD) and lets one call of a kind fail, the K-th, in whichever library it is
 * made:
 *
 *   GATLING_FAIL=memory:K   malloc, calloc, realloc, reallocarray, posix_memalign, aligned_alloc, and mmap without a file: ENOMEM
 *   GATLING_FAIL=own:K      the same, but only where they are asked for outside of the system's libraries (with strdup, strndup)
 *   GATLING_FAIL=thread:K   pthread_create: EAGAIN
 *   GATLING_FAIL=fd:K       accept4, accept, socket, eventfd, epoll_create1, timerfd_create, signalfd, pipe2, open, openat, dup, epoll_ctl
 *                           (of new ones): EMFILE
 *   GATLING_FAIL_IN=NAME    only in the program of that name, not in the shells before it
 *   GATLING_FAIL_FROM=accept|connect   counting starts when the first such call succeeds (default: with the program)
 *   GATLING_FAIL_SAID=FILE  gets the line "failed KIND K in LIBRARY(+OFFSET) ..." when it happens, with who called
 *
 * K 0: nothing fails, and FILE gets "KIND N" at the end: so many there were. Children started by exec inherit nothing: it takes itself
 * out of their environment. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum kind { NONE, MEMORY, THREAD, DESCRIPTOR };
static const char *const kind_names[] = {"none", "memory", "thread", "fd"};

static enum kind failing;
static bool only_own;
static long which;               /* 0: only counts */
static const char *from;         /* NULL: counts */
static atomic_long seen;
static atomic_bool counting;
static int said = -1;
static _Thread_local int inside; /* what we ask for ourselves does not count */

static void say(const char *what)
{
    char line[96];
    int n = snprintf(line, sizeof(line), "%s %s %ld\n", what, only_own ? "own" : kind_names[failing], which ? which : (long)seen);
    void *callers[24];

    if (said < 0 || write(said, line, (size_t)n) < 0)
        return;
    if (which)
        backtrace_symbols_fd(callers, backtrace(callers, 24), said);
}

static bool is_own(const void *caller)
{
    Dl_info where;

    return !only_own || (dladdr(caller, &where) && where.dli_fname && strncmp(where.dli_fname, "/lib", 4) != 0 &&
                         strncmp(where.dli_fname, "/usr/lib", 8) != 0);
}

static bool fails_at(enum kind kind, const void *caller)
{
    int was = errno;

    if (kind != failing || inside || !atomic_load_explicit(&counting, memory_order_relaxed) || !is_own(caller))
        return false;
    if (atomic_fetch_add_explicit(&seen, 1, memory_order_relaxed) + 1 != which)
        return false;
    inside++;
    say("failed");
    inside--;
    errno = was;
    return true;
}

#define fails(kind) fails_at(kind, __builtin_return_address(0))

static void began(const char *what)
{
    if (from && strcmp(from, what) == 0)
        atomic_store(&counting, true);
}

__attribute__((constructor)) static void begin(void)
{
    const char *what = getenv("GATLING_FAIL"), *file = getenv("GATLING_FAIL_SAID"), *k = what ? strchr(what, ':') : NULL;
    const char *in = getenv("GATLING_FAIL_IN");
    void *callers[2];

    if (!k || (in && strcmp(in, program_invocation_short_name) != 0))
        return;
    inside++;
    backtrace(callers, 2); /* loads what it needs */
    if (file)
        said = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    from = getenv("GATLING_FAIL_FROM");
    if (from)
        from = strdup(from);
    which = atol(k + 1);
    only_own = what[0] == 'o';
    failing = what[0] == 'm' || only_own ? MEMORY : what[0] == 't' ? THREAD : DESCRIPTOR;
    unsetenv("LD_PRELOAD");
    unsetenv("GATLING_FAIL");
    inside--;
    atomic_store(&counting, !from);
}

__attribute__((destructor)) static void end(void)
{
    atomic_store(&counting, false);
    if (failing && !which)
        say("saw");
}

/* ---- memory --------------------------------------------------------------------------------------------------------------------- */
#define OR_NOT(kind, error, failed, otherwise) \
    do {                                       \
        if (fails(kind)) {                     \
            errno = error;                     \
            return failed;                     \
        }                                      \
        return otherwise;                      \
    } while (0)

void *malloc(size_t size)
{
    OR_NOT(MEMORY, ENOMEM, NULL, __libc_malloc(size));
}
void *calloc(size_t n, size_t size)
{
    OR_NOT(MEMORY, ENOMEM, NULL, __libc_calloc(n, size));
}
void *realloc(void *old, size_t size)
{
    OR_NOT(MEMORY, ENOMEM, NULL, __libc_realloc(old, size));
}
void *reallocarray(void *old, size_t n, size_t size)
{
    size_t all;

    if (__builtin_mul_overflow(n, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    OR_NOT(MEMORY, ENOMEM, NULL, __libc_realloc(old, all));
}
void *aligned_alloc(size_t alignment, size_t size)
{
    OR_NOT(MEMORY, ENOMEM, NULL, __libc_memalign(alignment, size));
}
int posix_memalign(void **ret, size_t alignment, size_t size)
{
    void *block;

    if (fails(MEMORY) || !(block = __libc_memalign(alignment, size)))
        return ENOMEM;
    *ret = block;
    return 0;
}
char *strndup(const char *from, size_t n)
{
    size_t len = strnlen(from, n);
    char *to = fails(MEMORY) ? NULL : __libc_malloc(len + 1);

    if (!to) {
        errno = ENOMEM;
        return NULL;
    }
    to[len] = 0;
    return memcpy(to, from, len);
}
char *strdup(const char *from)
{
    size_t size = strlen(from) + 1;
    char *to = fails(MEMORY) ? NULL : __libc_malloc(size);

    if (!to) {
        errno = ENOMEM;
        return NULL;
    }
    return memcpy(to, from, size);
}
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t off)
{
    if ((flags & MAP_ANONYMOUS) && fails(MEMORY)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, off);
}

/* ---- threads -------------------------------------------------------------------------------------------------------------------- */
static void *next(const char *name)
{
    void *f;

    inside++;
    f = dlsym(RTLD_NEXT, name);
    inside--;
    return f;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (!real)
        real = next("pthread_create");
    return fails(THREAD) ? EAGAIN : real(thread, attr, fn, arg);
}

/* ---- descriptors ---------------------------------------------------------------------------------------------------------------- */
static int took(const char *what, long fd)
{
    if (fd >= 0)
        began(what);
    return (int)fd;
}
int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, took("accept", syscall(SYS_accept4, fd, addr, len, flags)));
}
int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept4(fd, addr, len, 0);
}
int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    began("connect");
    return (int)syscall(SYS_connect, fd, addr, len);
}
int socket(int family, int type, int protocol)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_socket, family, type, protocol));
}
int eventfd(unsigned int count, int flags)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_eventfd2, count, flags));
}
int epoll_create1(int flags)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_epoll_create1, flags));
}
int epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
    if (op == EPOLL_CTL_ADD && fails(DESCRIPTOR)) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epfd, op, fd, ev);
}
int timerfd_create(int clock, int flags)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_timerfd_create, clock, flags));
}
int signalfd(int fd, const sigset_t *mask, int flags)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_signalfd4, fd, mask, 8, flags));
}
int pipe2(int fds[2], int flags)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_pipe2, fds, flags));
}
int pipe(int fds[2])
{
    return pipe2(fds, 0);
}
int dup(int fd)
{
    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_dup, fd));
}
static int opening(int at, const char *path, int flags, va_list more)
{
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;

    OR_NOT(DESCRIPTOR, EMFILE, -1, (int)syscall(SYS_openat, at, path, flags, mode));
}
#define OPENING(at)                          \
    va_list more;                            \
    int fd;                                  \
                                             \
    va_start(more, flags);                   \
    fd = opening(at, path, flags, more);     \
    va_end(more);                            \
    return fd
int open(const char *path, int flags, ...)
{
    OPENING(AT_FDCWD);
}
int open64(const char *path, int flags, ...)
{
    OPENING(AT_FDCWD);
}
int openat(int at, const char *path, int flags, ...)
{
    OPENING(at);
}
int openat64(int at, const char *path, int flags, ...)
{
    OPENING(at);
}
