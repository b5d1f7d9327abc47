/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The caches of a stock daemon's client volume file that we do not have: a cache that is not there gives the same answers, with more
 * calls. So their options, all of which tune that cache, may be given: they are checked, and then have no effect. doc/refused.md
 * says so under "What passes by"; doc/performance.md has what the calls cost.
 *
 * Options, defaults and ranges: spec brick 6.1, 6.3. */
#include "passthrough.h"

#include "performance-types.h"

#define LIVE FORGOTTEN
#define TUNES_FLAG(k, d, ...)          OPT_BOOL(k, struct read_and_forgotten, flag, d, __VA_ARGS__, LIVE)
#define TUNES_NUMBER(k, d, lo, hi, ...) OPT_INT(k, struct read_and_forgotten, number, d, lo, hi, __VA_ARGS__, LIVE)
#define TUNES_SIZE(k, d, lo, hi, ...)  OPT_SIZE(k, struct read_and_forgotten, quantity, d, lo, hi, __VA_ARGS__, LIVE)
#define TUNES_TIME(k, d, lo, hi, ...)  OPT_TIME(k, struct read_and_forgotten, quantity, d, lo, hi, __VA_ARGS__, LIVE)
#define OR(...)                        .aliases = (const char *const[]){__VA_ARGS__, NULL}
#define NO_LIMIT                       0x1p62 /* a size without an upper bound */

static const struct option read_ahead_options[] = {
    TUNES_FLAG("read-ahead", false, "whether it is there"),
    TUNES_FLAG("pass-through", false, "whether it does nothing"),
    TUNES_FLAG("force-atime-update", false, "whether reads from memory move the access time"),
    TUNES_NUMBER("page-count", "4", 1, 16, "pages read ahead"),
    TUNES_SIZE("page-size", "131072", 4096, 67108864, "bytes of a page"),
};
PASSES_BY(read_ahead_type, "performance/read-ahead", read_ahead_options);

static const struct option readdir_ahead_options[] = {
    TUNES_FLAG("readdir-ahead", false, "whether it is there", OR("performance.readdir-ahead")), /* so a stock daemon writes it */
    TUNES_FLAG("pass-through", false, "whether it does nothing"),
    TUNES_FLAG("parallel-readdir", false, "whether there is one for each subvolume"),
    TUNES_SIZE("rda-request-size", "131072", 4096, 131072, "bytes asked for at once"),
    TUNES_SIZE("rda-low-wmark", "4096", 0, 10485760, "buffered bytes below which it goes on"),
    TUNES_SIZE("rda-high-wmark", "128KB", 0, 104857600, "buffered bytes at which it stops"),
    TUNES_SIZE("rda-cache-limit", "10MB", 0, NO_LIMIT, "bytes kept of all directories"),
};
PASSES_BY(readdir_ahead_type, "performance/readdir-ahead", readdir_ahead_options);

static const struct option io_cache_options[] = {
    TUNES_FLAG("io-cache", false, "whether it is there"),
    TUNES_FLAG("pass-through", false, "whether it does nothing"),
    FORGET_TEXT("priority", "which files are kept longer"),
    TUNES_NUMBER("cache-timeout", "1", 0, 60, "seconds for which data is believed", OR("force-revalidate-timeout")),
    TUNES_SIZE("cache-size", "32MB", 4194304, NO_LIMIT, "bytes kept"),
    TUNES_SIZE("min-file-size", "0", 0, NO_LIMIT, "the smallest file that is kept"),
    TUNES_SIZE("max-file-size", "0", 0, NO_LIMIT, "the largest file that is kept"),
};
PASSES_BY(io_cache_type, "performance/io-cache", io_cache_options);

static const struct option nl_cache_options[] = {
    TUNES_FLAG("nl-cache", false, "whether it is there"),
    TUNES_FLAG("pass-through", false, "whether it does nothing"),
    TUNES_FLAG("nl-cache-positive-entry", false, "whether names that exist are kept, too"),
    TUNES_SIZE("nl-cache-limit", "131072", 0, NO_LIMIT, "bytes kept"),
    TUNES_TIME("nl-cache-timeout", "60", 0, 0x7fffffff, "seconds for which names are believed not to be there"),
};
PASSES_BY(nl_cache_type, "performance/nl-cache", nl_cache_options);
