/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the statedump says of options. Apart from options.c, which the plug-in for stock's daemons has too: it makes no dumps. */
#include <inttypes.h>

#include "options.h"
#include "statedump.h"

static void dump_row(const struct option *row, const void *at, struct dump *d)
{
    const struct percent_or_size *part = at;
    const char *text;

    switch (row->type) {
    case OPTION_BOOL:
        dump_kv(d, row->key, "%s", __atomic_load_n((const bool *)at, __ATOMIC_RELAXED) ? "on" : "off");
        break;
    case OPTION_INT:
        dump_kv(d, row->key, "%" PRId64, __atomic_load_n((const int64_t *)at, __ATOMIC_RELAXED));
        break;
    case OPTION_OCTAL:
        dump_kv(d, row->key, "%04" PRIo32, __atomic_load_n((const uint32_t *)at, __ATOMIC_RELAXED));
        break;
    case OPTION_SIZE:
    case OPTION_TIME:
        dump_kv(d, row->key, "%" PRIu64, __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED));
        break;
    case OPTION_PERCENT_OR_SIZE:
        dump_kv(d, row->key, part->is_percent ? "%g%%" : "%.0f", part->value);
        break;
    case OPTION_STR:
    case OPTION_PATH:
        text = *(char *const *)at;
        dump_kv(d, row->key, "%s", text ? text : "");
        break;
    case OPTION_CHOICE:
        dump_kv(d, row->key, "%s", row->choices[__atomic_load_n((const int *)at, __ATOMIC_RELAXED)]);
        break;
    case OPTION_PREFIX:
    case OPTION_OFF:
        break;
    }
}

void options_dump(const struct option *rows, size_t nr_rows, const void *target, struct dump *d)
{
    for (size_t i = 0; i < nr_rows; i++)
        if (!(rows[i].flags & (OPTION_NO_EFFECT | OPTION_SECRET)))
            dump_row(&rows[i], (const char *)target + rows[i].offset, d);
}
