/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"

#define LOG_TEXT 2048 /* pollers have 64 KiB of stack */

/* Lines are rare (LOG_BURST), so a mutex keeps sink and context together. It is innermost; the sink runs without it. */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static log_sink_fn sink_fn;
static void *sink_ctx;
static atomic_int own_level = LVL_INFO; /* relaxed: a line more or less while it changes */
static _Atomic(atomic_int *) max_level = &own_level; /* or the program's, in a module. Relaxed: what it points to has always been there */

void log_set_sink(log_sink_fn sink, void *ctx)
{
    SCOPED_LOCK(&sink_lock);
    sink_fn = sink;
    sink_ctx = ctx;
}

void log_get_sink(log_sink_fn *ret_sink, void **ret_ctx)
{
    SCOPED_LOCK(&sink_lock);
    *ret_sink = sink_fn;
    *ret_ctx = sink_ctx;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(atomic_load_explicit(&max_level, memory_order_relaxed), (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(atomic_load_explicit(&max_level, memory_order_relaxed), memory_order_relaxed);
}

void log_port_get(struct log_port *ret)
{
    log_get_sink(&ret->sink, &ret->ctx);
    ret->level = atomic_load_explicit(&max_level, memory_order_relaxed);
}

void log_port_use(const struct log_port *port)
{
    log_set_sink(port->sink, port->ctx);
    atomic_store_explicit(&max_level, port->level, memory_order_relaxed);
}

static void to_stderr(const struct log_site *site, const char *domain, const char *text)
{
    static const char letters[] = "-MACEWNIDT";
    const char *file = strrchr(site->file, '/');

    fprintf(stderr, "%c [%s:%d:%s] %s: %s\n", letters[site->level], file ? file + 1 : site->file, site->line, site->func, domain, text);
}

static void emit(const struct log_site *site, const char *domain, const char *text)
{
    log_sink_fn sink;
    void *ctx;

    log_get_sink(&sink, &ctx);
    if (sink)
        sink(ctx, site, domain, text);
    else
        to_stderr(site, domain, text);
}

/* May this line pass? ret_left_out: how many of an earlier second did not, and nobody has said so yet. */
static bool admit(struct log_site *site, unsigned int *ret_left_out)
{
    uint64_t second = clock_ms() / 1000 + 1; /* 0 is "never logged" */
    unsigned int burst = site->level >= LVL_DEBUG ? LOG_BURST_DEBUG : LOG_BURST;

    *ret_left_out = 0;
    if (atomic_exchange_explicit(&site->flood_second, second, memory_order_relaxed) != second) {
        unsigned int before = atomic_exchange_explicit(&site->flood_count, 1, memory_order_relaxed);
        if (before > burst)
            *ret_left_out = before - burst;
        return true;
    }
    return atomic_fetch_add_explicit(&site->flood_count, 1, memory_order_relaxed) < burst;
}

/* Text may hold what a peer sent. One call is one line, whatever is in it. */
static void one_line(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

void log_write(struct log_site *site, const char *domain, const char *fmt, ...)
{
    int saved = errno;
    unsigned int left_out;
    char text[LOG_TEXT];
    va_list ap;

    if (admit(site, &left_out)) {
        if (left_out) {
            snprintf(text, sizeof(text), "%u more lines from here were left out", left_out);
            emit(site, domain, text);
        }
        errno = saved; /* for %m */
        va_start(ap, fmt);
        int len = vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        if (len >= (int)sizeof(text))
            memcpy(text + sizeof(text) - 4, "...", 4);
        one_line(text);
        emit(site, domain, text);
    }
    errno = saved;
}
