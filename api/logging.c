/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The log, of which a process has one: what the last glfs_set_logging() said counts for all volumes. Before the first, nothing is
 * written anywhere. With the last volume it is closed. */
#include "logging.h"

#include <stdio.h>
#include <string.h>

#include "config.h"
#include "impl.h"

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER; /* guards these; the log file's own calls are made under it */
static unsigned int users;
static bool opened;

static void nowhere(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
}

void api_log_begin(void)
{
    SCOPED_LOCK(&log_lock);
    if (users++ == 0 && !opened)
        log_set_sink(nowhere, NULL);
}

void api_log_end(void)
{
    SCOPED_LOCK(&log_lock);
    if (--users || !opened)
        return;
    opened = false;
    logging_close();
    log_set_sink(nowhere, NULL);
}

int api_log_open(const char *file, int level)
{
    struct err err = {0};
    int failed;

    SCOPED_LOCK(&log_lock);
    failed = opened ? logging_move(file, &err) : logging_open(file, &err);
    if (failed)
        return failed;
    opened = true;
    if (level >= 0)
        log_set_level((enum log_level)min_of(level, (int)LVL_TRACE));
    return 0;
}
