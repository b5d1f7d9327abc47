/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* log.h: the port through which every layer logs.
 *
 * The sink is one of the two mutable globals that the process rules allow (design section 3). Until one is set, lines
 * go to stderr. A module with its own static copy of base uses the program's port from when it is loaded. Any thread. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>

#include "util.h"

/* The values and letters are GlusterFS's, as log files and `--log-level` show them. */
enum log_level {
    LVL_NONE,
    LVL_EMERGENCY, /* M */
    LVL_ALERT,     /* A */
    LVL_CRITICAL,  /* C */
    LVL_ERROR,     /* E */
    LVL_WARNING,   /* W */
    LVL_NOTICE,    /* N */
    LVL_INFO,      /* I */
    LVL_DEBUG,     /* D */
    LVL_TRACE,     /* T */
};

/* One place in the source that logs. flood_*: a place that logs more than LOG_BURST lines in a second goes silent until
 * the second is over and then says how many it left out. */
struct log_site {
    const char *file;
    const char *func;
    int line;
    enum log_level level;
    _Atomic uint64_t flood_second; /* relaxed: a race costs one line too many or too few */
    atomic_uint flood_count;
};
#define LOG_BURST 20
#define LOG_BURST_DEBUG 1000 /* DEBUG and TRACE: who asks for them wants to see them; some 200 KB a second at most */

/* domain: the translator or subsystem that speaks ("vol-server", "socket"); text: one line without newline. */
typedef void (*log_sink_fn)(void *ctx, const struct log_site *site, const char *domain, const char *text);

void log_set_sink(log_sink_fn sink, void *ctx); /* NULL: back to stderr. Before threads start, or with ctx valid for good */
void log_get_sink(log_sink_fn *ret_sink, void **ret_ctx);
void log_set_level(enum log_level level); /* what is above it costs two loads and a branch */
enum log_level log_get_level(void);

/* What a module needs to log as its program does: where lines go now, and the level, whatever it is set to later. */
struct log_port {
    log_sink_fn sink;
    void *ctx;
    atomic_int *level; /* lives as long as the program */
};
void log_port_get(struct log_port *ret);        /* of the program */
void log_port_use(const struct log_port *port); /* by the module; with a port of the same program, any number of times */

void log_write(struct log_site *site, const char *domain, const char *fmt, ...) PRINTF(3, 4);

#define LOG_AT(lvl, domain, ...)                                                                        \
    do {                                                                                                \
        if ((lvl) <= log_get_level()) {                                                                 \
            static struct log_site site_ = {.file = __FILE__, .func = __func__, .line = __LINE__, .level = (lvl)}; \
            log_write(&site_, (domain), __VA_ARGS__);                                                   \
        }                                                                                               \
    } while (0)
#define log_critical(domain, ...) LOG_AT(LVL_CRITICAL, domain, __VA_ARGS__)
#define log_error(domain, ...)    LOG_AT(LVL_ERROR, domain, __VA_ARGS__)
#define log_warning(domain, ...)  LOG_AT(LVL_WARNING, domain, __VA_ARGS__)
#define log_notice(domain, ...)   LOG_AT(LVL_NOTICE, domain, __VA_ARGS__)
#define log_info(domain, ...)     LOG_AT(LVL_INFO, domain, __VA_ARGS__)
#define log_debug(domain, ...)    LOG_AT(LVL_DEBUG, domain, __VA_ARGS__)
#define log_trace(domain, ...)    LOG_AT(LVL_TRACE, domain, __VA_ARGS__)

#endif
