/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The sink behind base/log.h. What is static here is the one mutable global that a program has beside OpenSSL's: the log.
 *
 * Reopening puts the new file under the old descriptor number (dup3), so writers need no lock: a line goes whole into the
 * old file or the new one. */
#include "logging.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096

static struct {
    atomic_int fd;      /* acquire and release: set before the sink is */
    char *file;         /* NULL: stderr; changed by open and close only, by main */
    bool local;         /* time; set by main before threads start */
} the_log = {.fd = STDERR_FILENO};

static const struct {
    const char *name;
    char letter;
} levels[] = {
    [LVL_NONE] = {"NONE", ' '},         [LVL_EMERGENCY] = {"EMERGENCY", 'M'}, [LVL_ALERT] = {"ALERT", 'A'},
    [LVL_CRITICAL] = {"CRITICAL", 'C'}, [LVL_ERROR] = {"ERROR", 'E'},         [LVL_WARNING] = {"WARNING", 'W'},
    [LVL_NOTICE] = {"NOTICE", 'N'},     [LVL_INFO] = {"INFO", 'I'},           [LVL_DEBUG] = {"DEBUG", 'D'},
    [LVL_TRACE] = {"TRACE", 'T'},
};

bool log_level_parse(const char *name, enum log_level *ret)
{
    for (size_t i = 0; i < array_len(levels); i++) {
        if (strcasecmp(name, levels[i].name) == 0) {
            *ret = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return levels[level].name;
}

static void write_line(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    const char *slash = strrchr(site->file, '/');
    char line[LINE_MAX_BYTES];
    struct timespec now;
    struct tm tm;
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    the_log.local ? localtime_r(&now.tv_sec, &tm) : gmtime_r(&now.tv_sec, &tm);
    n = strftime(line, sizeof(line), "[%Y-%m-%d %H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, sizeof(line) - n, ".%06ld", now.tv_nsec / 1000);
    n += strftime(line + n, sizeof(line) - n, " %z] ", &tm);
    n += (size_t)snprintf(line + n, sizeof(line) - n, "%c [%.64s:%d:%.64s] 0-%.256s: ", levels[site->level].letter,
                          slash ? slash + 1 : site->file, site->line, site->func, domain);
    n += (size_t)snprintf(line + n, sizeof(line) - n, "%s", text);
    n = min_of(n, sizeof(line) - 1);
    line[n++] = '\n';
    if (write(atomic_load_explicit(&the_log.fd, memory_order_acquire), line, n) < 0)
        return; /* a full disk; there is nobody to tell */
}

void logging_file(char *to, size_t size)
{
    char link[64];
    ssize_t n;

    snprintf(link, sizeof(link), "/proc/self/fd/%d", atomic_load_explicit(&the_log.fd, memory_order_acquire));
    n = readlink(link, to, size - 1);
    to[max_of(n, (ssize_t)0)] = '\0';
}

static int open_file(const char *file)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

    return fd < 0 ? -errno : fd;
}

static int open_named(const char *file, char **ret_copy, struct err *err)
{
    int fd, failed;

    *ret_copy = NULL;
    if (strcmp(file, "-") == 0 || strcmp(file, "/dev/stderr") == 0)
        return STDERR_FILENO;
    fd = open_file(file);
    if (fd < 0)
        return err_set(err, fd, "log file %s: %s", file, strerror(-fd));
    *ret_copy = realpath(file, NULL); /* the working directory may change before it is opened again */
    if (*ret_copy)
        return fd;
    failed = -errno;
    close(fd);
    return err_set(err, failed, "log file %s: %s", file, strerror(-failed));
}

int logging_open(const char *file, struct err *err)
{
    char *copy;
    int fd = open_named(file, &copy, err);

    if (fd < 0)
        return fd;
    logging_close();
    the_log.file = copy;
    atomic_store_explicit(&the_log.fd, fd, memory_order_release);
    log_set_sink(write_line, NULL);
    return 0;
}

int logging_move(const char *file, struct err *err)
{
    int old = atomic_load_explicit(&the_log.fd, memory_order_acquire), failed = 0;
    char *copy;
    int fd = open_named(file, &copy, err);

    if (fd < 0)
        return fd;
    if (old == STDERR_FILENO)
        atomic_store_explicit(&the_log.fd, fd, memory_order_release);
    else if (dup3(fd, old, O_CLOEXEC) < 0) /* a writer may have read the number just now: it stays the log's */
        failed = -errno;
    if (fd != STDERR_FILENO && old != STDERR_FILENO)
        close(fd);
    if (failed) {
        free(copy);
        return err_set(err, failed, "log file %s: %s", file, strerror(-failed));
    }
    free(the_log.file);
    the_log.file = copy;
    return 0;
}

void logging_set_local(bool local)
{
    if (local)
        tzset();
    the_log.local = local;
}

int logging_reopen(void)
{
    int fd;

    if (!the_log.file)
        return 0;
    fd = open_file(the_log.file);
    if (fd < 0)
        return fd;
    if (dup3(fd, atomic_load_explicit(&the_log.fd, memory_order_acquire), O_CLOEXEC) < 0) {
        close(fd);
        return -errno;
    }
    close(fd);
    return 0;
}

void logging_close(void)
{
    int fd = atomic_exchange_explicit(&the_log.fd, STDERR_FILENO, memory_order_acq_rel);

    log_set_sink(NULL, NULL);
    if (fd != STDERR_FILENO)
        close(fd);
    free(the_log.file);
    the_log.file = NULL;
}
