/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* io-stats.c: the translator, and what is counted on an operation's way. See io-stats.h.
 *
 * Always: bytes and block sizes of READ and WRITE, what is opened, closed and forgotten, and the record of each opened file. All
 * other operations cost one load while count-fop-hits and latency-measurement are off. The log-level option is the process's. */
#include "io-stats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "graph.h"
#include "inode.h"
#include "log.h"
#include "logging.h"
#include "pool.h"
#include "process.h"

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
    OPT_BOOL("global-threading", struct ios, global_threading, false, "the process's pool has `threads` threads, whatever io-threads says",
             .flags = OPTION_LIVE),
    OPT_INT("threads", struct ios, threads, "16", 1, 128, "with global-threading: a client's", .flags = OPTION_LIVE),
    OPT_INT("brick-threads", struct ios, brick_threads, "16", 1, 128, "with global-threading: a brick's", .flags = OPTION_LIVE),
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
    return bytes > 1 ? 31u - (unsigned int)__builtin_clz(bytes) : 0;
}

static void note_time(struct ios *s, enum fop_op op, uint64_t ns)
{
    counter_add(&s->now.timed[op], 1);
    counter_add(&s->now.ns[op], (int64_t)ns);
    for (unsigned int i = 0; i < NR_SINCE; i++) {
        _Atomic uint64_t *max = &s->since[i].max_ns[op], *min = &s->since[i].min_ns[op];
        uint64_t seen = atomic_load_explicit(max, memory_order_relaxed);

        while (ns > seen && !atomic_compare_exchange_weak_explicit(max, &seen, ns, memory_order_relaxed, memory_order_relaxed))
            ;
        seen = atomic_load_explicit(min, memory_order_relaxed);
        while ((!seen || ns < seen) && !atomic_compare_exchange_weak_explicit(min, &seen, ns, memory_order_relaxed, memory_order_relaxed))
            ;
    }
}

struct ios_frame {
    struct ios *s;
    uint64_t start_ns; /* 0: not timed */
    bool measured;     /* its time counts */
    bool counted;
};

static struct inode *inode_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

static void note_data(struct ios *s, const struct fop *fop, uint64_t ns)
{
    bool read = fop->op == FOP_READ;
    unsigned int size = block_size((uint32_t)fop->ret);

    counter_add(read ? &s->now.bytes_read : &s->now.bytes_written, fop->ret);
    counter_add(read ? &s->now.reads[size] : &s->now.writes[size], 1);
    if (!inode_of(fop))
        return;
    ios_bump(s, inode_of(fop), read ? TOP_READ : TOP_WRITE);
    ios_note_speed(s, inode_of(fop), read ? TOP_READ_PERF : TOP_WRITE_PERF, (uint64_t)fop->ret, ns);
}

/* The mark in a descriptor's slot is what makes release() be called. */
static void note_opened(struct ios *s, struct fop *fop)
{
    struct fd *fd = fop->out.fd;

    if (!fd || fd_ctx_set(fd, s->xl, s) != s)
        return;
    ios_file_of(s, fd->inode);
    if (!fd->is_dir)
        ios_note_open(s, 1);
    if (fop->op != FOP_CREATE) /* stock's list of openings is without them */
        ios_bump(s, fd->inode, fd->is_dir ? TOP_OPENDIR : TOP_OPEN);
}

static void note_success(struct ios *s, struct fop *fop, uint64_t ns)
{
    switch (fop->op) {
    case FOP_READ:
    case FOP_WRITE:
        if (fop->ret > 0)
            note_data(s, fop, ns);
        break;
    case FOP_OPEN:
    case FOP_OPENDIR:
    case FOP_CREATE:
        note_opened(s, fop);
        break;
    case FOP_READDIR:
    case FOP_READDIRP:
        if (fop->fd)
            ios_bump(s, fop->fd->inode, TOP_READDIR);
        break;
    default:
        break;
    }
}

/* The name of a file of the lists has just been removed: where it was is known only as long as its folder is there, so the answer
 * waits for that. */
static void folder_named(struct fop *child, void *ctx)
{
    struct ios *s = ctx;
    struct fop *fop = child->parent;
    const struct dict_pair *pair = child->ret >= 0 ? dict_find(child->out.dict, IOS_PATH_KEY) : NULL;

    if (pair)
        ios_note_removed(s, fop->loc.inode, pair->value, strnlen(pair->value, pair->len), fop->loc.name);
    fop_free(child);
    fop_complete(fop, fop->ret, fop->err);
}

static bool ask_for_folder(struct ios *s, struct fop *fop)
{
    struct fop *child;

    if ((fop->op != FOP_UNLINK && fop->op != FOP_RMDIR) || !fop->loc.inode || !fop->loc.parent || !ios_is_listed(s, fop->loc.inode))
        return false;
    child = fop_child(fop, FOP_GETXATTR, folder_named, s);
    if (!child)
        return false;
    child->flags |= FOP_NOWAIT;
    child->cred = (struct cred){0}; /* it is our question, not the caller's */
    child->loc.inode = inode_ref(fop->loc.parent);
    child->in.getxattr.name = IOS_PATH_KEY;
    fop_submit(s->xl->child, child);
    return true;
}

static void ios_done(struct fop *fop, void *ctx)
{
    const struct ios_frame *f = ctx;
    struct ios *s = f->s;
    uint64_t ns = f->start_ns ? clock_ns() - f->start_ns : 0;

    if (f->counted && fop->ret < 0)
        counter_add(&s->now.failures[fop->op], 1);
    if (f->measured)
        note_time(s, fop->op, ns);
    if (fop->ret >= 0)
        note_success(s, fop, ns);
    if (fop->ret >= 0 && ask_for_folder(s, fop))
        return;
    fop_complete(fop, fop->ret, fop->err);
}

static void follow(struct xlator *xl, struct fop *fop, bool timed)
{
    struct ios *s = xl->priv;
    bool timing = atomic_load_explicit(&s->timing, memory_order_relaxed);
    bool counting = timing || atomic_load_explicit(&s->counting, memory_order_relaxed);
    struct ios_frame *f = fop_alloc(fop, sizeof(*f));

    if (counting)
        counter_add(&s->now.hits[fop->op], 1);
    if (f) { /* without memory the operation goes on uncounted */
        *f = (struct ios_frame){.s = s, .start_ns = timing || timed ? clock_ns() : 0, .measured = timing, .counted = counting};
        fop_push(fop, ios_done, f);
    }
    fop_pass(xl, fop);
}

static void ios_any(struct xlator *xl, struct fop *fop)
{
    struct ios *s = xl->priv;

    if (atomic_load_explicit(&s->timing, memory_order_relaxed) || atomic_load_explicit(&s->counting, memory_order_relaxed))
        follow(xl, fop, false);
    else
        fop_pass(xl, fop);
}

static void ios_noted(struct xlator *xl, struct fop *fop)
{
    follow(xl, fop, false);
}

static void ios_data(struct xlator *xl, struct fop *fop)
{
    follow(xl, fop, true);
}

static void ios_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    struct ios *s = xl->priv;

    counter_add(&s->now.hits[fd->is_dir ? FOP_RELEASEDIR : FOP_RELEASE], 1);
    if (!fd->is_dir)
        ios_note_open(s, -1);
}

static void ios_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    struct ios *s = xl->priv;

    counter_add(&s->now.hits[STAT_FORGET], 1);
    ios_file_unref(ctx);
}

/* Bits of an invalidation, spec wire 8.1. */
enum { UP_NLINK = 0x1, UP_ATTRIBUTES = 0x7e, UP_RENAME = 0x80, UP_FORGET = 0x100, UP_XATTR = 0xc00 };

static void count_upcall(struct ios *s, const struct upcall *up)
{
    bool is[NR_UPCALLS] = {[UPCALLS_ALL] = true, [UPCALLS_LEASE] = up->kind == UPCALL_RECALL_LEASE};

    if (up->kind == UPCALL_INVALIDATE) {
        is[UPCALLS_ATTRIBUTES] = up->flags & UP_ATTRIBUTES;
        is[UPCALLS_XATTR] = up->flags & UP_XATTR;
        is[UPCALLS_RENAME] = up->flags & UP_RENAME;
        is[UPCALLS_NLINK] = up->flags & UP_NLINK;
        is[UPCALLS_FORGET] = up->flags & UP_FORGET;
    }
    for (unsigned int i = 0; i < NR_UPCALLS; i++)
        counter_add(&s->now.upcalls[i], is[i]);
}

static void ios_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    switch (event) {
    case EVENT_UPCALL:
        count_upcall(xl->priv, data);
        xlator_notify_up(xl, event, data);
        break;
    case EVENT_CHILD_UP:
    case EVENT_CHILD_DOWN:
    case EVENT_AUTH_FAILED:
        xlator_notify_up(xl, event, data);
        break;
    default:
        xlator_notify_down(xl, event, data);
        break;
    }
}

/* Asked at a mount the counts go to a file there, and the question no further. A brick writes none: any client could fill its run
 * directory. */
static void ios_setxattr(struct xlator *xl, struct fop *fop)
{
    static const char *const keys[] = {"trusted.io-stats-dump", "user.io-stats-dump", "io-stats-dump"};
    const struct ios *s = xl->priv;

    for (size_t i = 0; i < array_len(keys); i++) {
        const struct dict_pair *pair = dict_find(fop->in.setxattr.dict, keys[i]);
        int r;

        if (!pair)
            continue;
        r = s->unique_id ? -EOPNOTSUPP : ios_write_report(xl, pair->value, pair->len);
        if (r < 0)
            fop_fail(fop, -r);
        else
            fop_complete(fop, 0, 0);
        return;
    }
    ios_any(xl, fop);
}

/* ---- options ----------------------------------------------------------------------------------------------------------- */

/* There is one pool for all translators in any case. performance/io-threads, which stands below, has sized it by then, also when options
 * change: so this goes last and counts. */
static void size_pool(struct xlator *xl)
{
    const struct ios *s = xl->priv;
    unsigned int n = (unsigned int)(s->unique_id ? s->brick_threads : s->threads); /* a brick has one: its path */
    const struct pool_conf conf = {.max = n, .limit = {[CLASS_HIGH] = n, [CLASS_NORMAL] = n, [CLASS_LOW] = n}};

    if (s->global_threading)
        pool_set(xl->graph->process->pool, &conf);
}

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
    size_pool(xl);
    return 0;
}

static int ios_init(struct xlator *xl, struct err *err)
{
    struct ios *s = xl->priv;

    s->xl = xl;
    pthread_mutex_init(&s->lock, NULL);
    s->lock_made = true;
    ios_begin(s, SINCE_CLEARED);
    ios_begin(s, SINCE_ASKED);
    return take_options(xl, err);
}

static void ios_fini(struct xlator *xl)
{
    struct ios *s = xl->priv;

    if (!s->lock_made)
        return;
    ios_clear_top(s);
    pthread_mutex_destroy(&s->lock);
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
    dump_kv(d, "data_read", "%" PRId64, counter_get(&s->now.bytes_read));
    dump_kv(d, "data_written", "%" PRId64, counter_get(&s->now.bytes_written));
    dump_kv(d, "open_files", "%" PRId64, counter_get(&s->open));
    dump_sizes(d, "read", s->now.reads);
    dump_sizes(d, "write", s->now.writes);
    for (int op = FOP_STAT; op < NR_FOPS; op++) {
        int64_t hits = counter_get(&s->now.hits[op]), timed = counter_get(&s->now.timed[op]);
        if (hits)
            dump_kv(d, fop_name((enum fop_op)op),
                    "hits %" PRId64 ", failed %" PRId64 ", timed %" PRId64 ", average %" PRId64 " us, longest %" PRIu64 " us", hits,
                    counter_get(&s->now.failures[op]), timed, timed ? counter_get(&s->now.ns[op]) / timed / 1000 : 0,
                    atomic_load_explicit(&s->since[SINCE_CLEARED].max_ns[op], memory_order_relaxed) / 1000);
    }
}

static void ios_profile(struct xlator *xl, struct dump *d)
{
    struct ios *s = xl->priv;
    struct ios_view *since = &s->since[SINCE_CLEARED];

    for (int op = FOP_STAT; op < NR_FOPS; op++) {
        int64_t timed = counter_get(&s->now.timed[op]), ns = counter_get(&s->now.ns[op]);
        char key[300];

        if (timed == 0)
            continue;
        snprintf(key, sizeof(key), "%.200s.latency.%s", xl->name, fop_name((enum fop_op)op));
        dump_kv(d, key, "AVG:%f CNT:%" PRId64 " TOTAL:%" PRId64 " MIN:%" PRIu64 " MAX:%" PRIu64, (double)ns / (double)timed, timed, ns,
                atomic_load_explicit(&since->min_ns[op], memory_order_relaxed),
                atomic_load_explicit(&since->max_ns[op], memory_order_relaxed));
    }
}

const struct xlator_type io_stats_type = {
    .name = "debug/io-stats",
    .options = ios_options,
    .nr_options = array_len(ios_options),
    .priv_size = sizeof(struct ios),
    .inode_slot = true,
    .fd_slot = true,
    .init = ios_init,
    .reconfigure = ios_reconfigure,
    .fini = ios_fini,
    .notify = ios_notify,
    .on = {[FOP_STAT ... FOP_MKDIR] = ios_any, [FOP_UNLINK ... FOP_RMDIR] = ios_noted, [FOP_SYMLINK ... FOP_TRUNCATE] = ios_any,
           [FOP_OPEN] = ios_noted, [FOP_READ ... FOP_WRITE] = ios_data, [FOP_STATFS ... FOP_FSYNC] = ios_any, [FOP_SETXATTR] = ios_setxattr,
           [FOP_GETXATTR ... FOP_REMOVEXATTR] = ios_any, [FOP_OPENDIR] = ios_noted, [FOP_FSYNCDIR ... FOP_ACCESS] = ios_any,
           [FOP_CREATE] = ios_noted, [FOP_FTRUNCATE ... FOP_LOOKUP] = ios_any, [FOP_READDIR] = ios_noted,
           [FOP_INODELK ... FOP_FSETATTR] = ios_any, [FOP_READDIRP] = ios_noted, [FOP_RELEASE ... NR_FOPS - 1] = ios_any},
    .forget = ios_forget,
    .release = ios_release,
    .dump = ios_dump,
    .profile = ios_profile,
    .ask = ios_ask,
};
