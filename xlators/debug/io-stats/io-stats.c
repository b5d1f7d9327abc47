/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* io-stats.c: counts operations, bytes and latencies at one place of a graph; on a brick its name is what clients ask for.
 *
 * With count-fop-hits and latency-measurement off an operation costs one load here. Its log-level option is the process's.
 *
 * Threads  Counters are relaxed and only add up. Source: spec brick 6.1. */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "logging.h"
#include "xlator.h"

#define BLOCK_SIZES 21 /* powers of two from 1 byte up to 1 MiB and above */

struct fop_stats {
    counter_t hits, failures;
    counter_t timed, ns_sum; /* of those whose time was taken */
    _Atomic uint64_t ns_max;
};
struct ios {
    bool measure_latency, count_hits;
    int64_t threads, brick_threads;
    char *log_level, *brick_log_level, *unique_id, *volume_id;
    int logger, log_format;
    atomic_bool timing, counting; /* the two switches for the pollers; relaxed, a change may be seen an operation late */
    struct fop_stats fops[NR_FOPS];
    counter_t bytes_read, bytes_written;
    counter_t reads[BLOCK_SIZES], writes[BLOCK_SIZES];
};

static const char *const loggers[] = {"gluster-log", NULL};
static const char *const log_formats[] = {"no-msg-id", NULL};

static const struct option ios_options[] = {
    OPT_BOOL("latency-measurement", struct ios, measure_latency, false, "take the time of each operation", .flags = OPTION_LIVE),
    OPT_BOOL("count-fop-hits", struct ios, count_hits, false, "count operations, bytes and block sizes", .flags = OPTION_LIVE),
    OPT_STR("log-level", struct ios, log_level, NULL, "what the process logs: DEBUG, WARNING, ERROR, INFO, CRITICAL, NONE, TRACE",
            .flags = OPTION_LIVE),
    OPT_STR("brick-log-level", struct ios, brick_log_level, NULL, "the same, when log-level is not given", .flags = OPTION_LIVE),
    OPT_STR("unique-id", struct ios, unique_id, NULL, "the brick's path"),
    OPT_STR("volume-id", struct ios, volume_id, NULL, "the volume's id"),
    OPT_CHOICE("logger", struct ios, logger, "gluster-log", loggers, "where log lines go"),
    OPT_CHOICE("log-format", struct ios, log_format, "no-msg-id", log_formats, "form of a log line"),
    OPT_OFF("global-threading", "one pool for all translators instead of performance/io-threads"),
    OPT_INT("threads", struct ios, threads, "16", 1, 128, "size of global-threading's pool"),
    OPT_INT("brick-threads", struct ios, brick_threads, "16", 1, 128, "size of global-threading's pool on bricks"),
    OPT_OFF("dump-fd-stats", "statistics per open descriptor"),
    OPT_OFF("ios-dump-interval", "statistics written to a file at intervals"),
    OPT_OFF("ios-sample-interval", "single operations sampled into a file"),
    OPT_OFF("sys-log-level", "log lines to syslog"),
    OPT_OFF("log-buf-size", "the holding back of repeated log lines"),
    OPT_OFF("log-flush-timeout", "the holding back of repeated log lines"),
};

/* ---- counting ---------------------------------------------------------------------------------------------------------- */

static unsigned int block_size(uint32_t bytes)
{
    unsigned int i = bytes > 1 ? 31u - (unsigned int)__builtin_clz(bytes) : 0;

    return i < BLOCK_SIZES ? i : BLOCK_SIZES - 1;
}

static void note_max(_Atomic uint64_t *max, uint64_t v)
{
    uint64_t seen = atomic_load_explicit(max, memory_order_relaxed);

    while (v > seen && !atomic_compare_exchange_weak_explicit(max, &seen, v, memory_order_relaxed, memory_order_relaxed))
        ;
}

struct ios_frame {
    struct ios *s;
    uint64_t start_ns; /* 0: not timed */
};

static void ios_done(struct fop *fop, void *ctx)
{
    const struct ios_frame *f = ctx;
    struct fop_stats *st = &f->s->fops[fop->op];

    if (fop->ret < 0)
        counter_add(&st->failures, 1);
    if (f->start_ns) {
        uint64_t ns = clock_ns() - f->start_ns;
        counter_add(&st->timed, 1);
        counter_add(&st->ns_sum, (int64_t)ns);
        note_max(&st->ns_max, ns);
    }
    if (fop->ret > 0 && fop->op == FOP_READ) {
        counter_add(&f->s->bytes_read, fop->ret);
        counter_add(&f->s->reads[block_size((uint32_t)fop->ret)], 1);
    } else if (fop->ret > 0 && fop->op == FOP_WRITE) {
        counter_add(&f->s->bytes_written, fop->ret);
        counter_add(&f->s->writes[block_size((uint32_t)fop->ret)], 1);
    }
    fop_complete(fop, fop->ret, fop->err);
}

static void ios_any(struct xlator *xl, struct fop *fop)
{
    struct ios *s = xl->priv;
    bool timing = atomic_load_explicit(&s->timing, memory_order_relaxed);

    if (timing || atomic_load_explicit(&s->counting, memory_order_relaxed)) {
        struct ios_frame *f = fop_alloc(fop, sizeof(*f));
        counter_add(&s->fops[fop->op].hits, 1);
        if (f) { /* without memory the operation goes on uncounted */
            f->s = s;
            f->start_ns = timing ? clock_ns() : 0;
            fop_push(fop, ios_done, f);
        }
    }
    fop_pass(xl, fop);
}

static void ios_setxattr(struct xlator *xl, struct fop *fop)
{
    static const char *const keys[] = {"trusted.io-stats-dump", "user.io-stats-dump", "io-stats-dump"};

    for (size_t i = 0; i < array_len(keys); i++)
        if (dict_find(fop->in.setxattr.dict, keys[i])) {
            log_warning(xl->name, "%s was asked for, which is not built: the statedump has the counts", keys[i]);
            fop_fail(fop, EOPNOTSUPP);
            return;
        }
    ios_any(xl, fop);
}

/* ---- options ----------------------------------------------------------------------------------------------------------- */

static int take_options(struct xlator *xl, struct err *err)
{
    struct ios *s = xl->priv;
    const char *name = s->log_level ? s->log_level : s->brick_log_level;
    enum log_level level;

    if (name) {
        if (!log_level_parse(name, &level))
            return err_set(err, -EINVAL,
                           "volume %s: option log-level: \"%s\" is none of DEBUG, WARNING, ERROR, INFO, CRITICAL, NONE, TRACE", xl->name,
                           name);
        log_set_level(level);
    }
    atomic_store_explicit(&s->timing, s->measure_latency, memory_order_relaxed);
    atomic_store_explicit(&s->counting, s->count_hits, memory_order_relaxed);
    return 0;
}

static int ios_init(struct xlator *xl, struct err *err)
{
    return take_options(xl, err);
}

static int ios_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    int r = options_apply(ios_options, array_len(ios_options), set, xl->name, true, xl->priv, err);

    return r < 0 ? r : take_options(xl, err);
}

/* ---- what it shows ----------------------------------------------------------------------------------------------------- */

static void dump_sizes(struct dump *d, const char *what, counter_t *n)
{
    for (unsigned int i = 0; i < BLOCK_SIZES; i++) {
        char key[64];
        if (counter_get(&n[i]) == 0)
            continue;
        snprintf(key, sizeof(key), "%s.%ub+", what, 1u << i);
        dump_kv(d, key, "%" PRId64, counter_get(&n[i]));
    }
}

static void ios_dump(struct xlator *xl, struct dump *d)
{
    struct ios *s = xl->priv;

    dump_kv(d, "latency-measurement", "%s", s->measure_latency ? "on" : "off");
    dump_kv(d, "count-fop-hits", "%s", s->count_hits ? "on" : "off");
    dump_kv(d, "data_read", "%" PRId64, counter_get(&s->bytes_read));
    dump_kv(d, "data_written", "%" PRId64, counter_get(&s->bytes_written));
    dump_sizes(d, "read", s->reads);
    dump_sizes(d, "write", s->writes);
    for (int op = FOP_STAT; op < NR_FOPS; op++) {
        struct fop_stats *st = &s->fops[op];
        int64_t hits = counter_get(&st->hits), timed = counter_get(&st->timed);
        if (hits)
            dump_kv(d, fop_name((enum fop_op)op),
                    "hits %" PRId64 ", failed %" PRId64 ", timed %" PRId64 ", average %" PRId64 " us, longest %" PRIu64 " us", hits,
                    counter_get(&st->failures), timed, timed ? counter_get(&st->ns_sum) / timed / 1000 : 0,
                    atomic_load_explicit(&st->ns_max, memory_order_relaxed) / 1000);
    }
}

const struct xlator_type io_stats_type = {
    .name = "debug/io-stats",
    .options = ios_options,
    .nr_options = array_len(ios_options),
    .priv_size = sizeof(struct ios),
    .init = ios_init,
    .reconfigure = ios_reconfigure,
    .on = {[FOP_STAT ... FOP_FSYNC] = ios_any, [FOP_SETXATTR] = ios_setxattr, [FOP_GETXATTR ... NR_FOPS - 1] = ios_any},
    .dump = ios_dump,
};
