/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* info.c: what `volume profile` and `volume top` ask. The busiest files are known by gfid; what they are called now the storage
 * says, one question after the other, and the answer goes out when the last has come back. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "graph.h"
#include "io-stats.h"

enum { INFO_ALL = 1, INFO_INTERVAL = 2, INFO_CUMULATIVE = 3, INFO_CLEAR = 4 };

/* GlusterFS's number of an operation inside, which the keys have; on the wire some differ. */
static unsigned int number_of(enum fop_op op)
{
    static const uint8_t others[NR_FOPS] = {
        [STAT_FORGET] = 41,  [FOP_RELEASE] = 42, [FOP_RELEASEDIR] = 43, [FOP_FREMOVEXATTR] = 45, [FOP_FALLOCATE] = 46,
        [FOP_DISCARD] = 47,  [FOP_ZEROFILL] = 48, [FOP_IPC] = 49,       [FOP_SEEK] = 50,         [FOP_LEASE] = 51,
        [FOP_COMPOUND] = 52, [FOP_GETACTIVELK] = 53, [FOP_SETACTIVELK] = 54, [FOP_PUT] = 55,     [FOP_ICREATE] = 56,
        [FOP_NAMELINK] = 57, [FOP_COPY_FILE_RANGE] = 58,
    };

    return others[op] ? others[op] : op;
}

/* All values are text on this wire. The first failure stays. */
struct filler {
    struct dict *to;
    long block;          /* number of the block: the keys' beginning */
    int failed;
};

static void put(struct filler *f, const char *key, const char *fmt, ...) PRINTF(3, 4);
static void put(struct filler *f, const char *key, const char *fmt, ...)
{
    char value[64], whole[80];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof(whole), "%ld-%s", f->block, key);
    if (!f->failed)
        f->failed = dict_set_text(f->to, whole, value);
}

static void put_count(struct filler *f, const char *what, unsigned int i, const char *unit, int64_t n)
{
    char key[64];

    if (n <= 0)
        return;
    snprintf(key, sizeof(key), "%s%u%s", what, i, unit);
    put(f, key, "%" PRId64, n);
}

/* ---- profile ------------------------------------------------------------------------------------------------------------------ */

static void put_fop(struct filler *f, const struct ios *s, const struct ios_view *v, enum fop_op op)
{
    int64_t timed = IOS_SINCE(s, v, timed[op]);
    char key[64];

    put_count(f, "", number_of(op), "-hits", IOS_SINCE(s, v, hits[op]));
    if (timed <= 0)
        return;
    snprintf(key, sizeof(key), "%u-avglatency", number_of(op));
    put(f, key, "%f", (double)IOS_SINCE(s, v, ns[op]) / (double)timed);
    snprintf(key, sizeof(key), "%u-minlatency", number_of(op));
    put(f, key, "%f", (double)atomic_load_explicit(&v->min_ns[op], memory_order_relaxed));
    snprintf(key, sizeof(key), "%u-maxlatency", number_of(op));
    put(f, key, "%f", (double)atomic_load_explicit(&v->max_ns[op], memory_order_relaxed));
}

static int put_block(struct dict *to, long number, const struct ios *s, const struct ios_view *v)
{
    struct filler f = {.to = to, .block = number};

    put(&f, "duration", "%" PRIu64, (clock_ns() - v->started_ns) / 1000000000);
    put(&f, "total-read", "%" PRId64, IOS_SINCE(s, v, bytes_read));
    put(&f, "total-write", "%" PRId64, IOS_SINCE(s, v, bytes_written));
    for (unsigned int i = 0; i < BLOCK_SIZES; i++) {
        put_count(&f, "read-", 1u << i, "", IOS_SINCE(s, v, reads[i]));
        put_count(&f, "write-", 1u << i, "", IOS_SINCE(s, v, writes[i]));
    }
    for (unsigned int op = 0; op < NR_FOPS; op++)
        put_fop(&f, s, v, (enum fop_op)op);
    for (unsigned int i = 0; i < NR_UPCALLS; i++)
        put_count(&f, "", i + 1, "-upcall-hits", IOS_SINCE(s, v, upcalls[i]));
    return f.failed;
}

static void begin_locked(struct ios *s, enum ios_since since)
{
    struct ios_view *v = &s->since[since];
    const counter_t *from = (const counter_t *)&s->now;
    counter_t *to = (counter_t *)&v->then;

    for (size_t i = 0; i < sizeof(s->now) / sizeof(counter_t); i++)
        atomic_store_explicit(&to[i], counter_get(&from[i]), memory_order_relaxed);
    for (unsigned int op = 0; op < NR_FOPS; op++) {
        atomic_store_explicit(&v->min_ns[op], 0, memory_order_relaxed);
        atomic_store_explicit(&v->max_ns[op], 0, memory_order_relaxed);
    }
    v->started_ns = clock_ns();
}

void ios_begin(struct ios *s, enum ios_since since)
{
    SCOPED_LOCK(&s->lock);
    begin_locked(s, since);
}

static int clear_profile(struct ios *s, struct dict *out)
{
    SCOPED_LOCK(&s->lock);
    begin_locked(s, SINCE_CLEARED);
    begin_locked(s, SINCE_ASKED);
    s->interval = 0;
    return dict_set_text(out, "stats-cleared", "1");
}

static int answer_profile(struct ios *s, const struct dict *in, int64_t op, struct dict *out)
{
    int failed = dict_set_textf(out, "info-op", "%" PRId64, op);

    if (op == INFO_CLEAR)
        return failed ? failed : clear_profile(s, out);
    if (op < INFO_ALL || op > INFO_CLEAR)
        return -EINVAL;
    SCOPED_LOCK(&s->lock);
    if (!failed && op != INFO_INTERVAL && !(failed = dict_set_text(out, "cumulative", "-1")))
        failed = put_block(out, -1, s, &s->since[SINCE_CLEARED]);
    if (!failed && op != INFO_CUMULATIVE && !(failed = dict_set_textf(out, "interval", "%" PRIu64, s->interval))) {
        failed = put_block(out, (long)s->interval, s, &s->since[SINCE_ASKED]);
        if (!dict_is_true(in, "peek")) {
            s->interval++;
            begin_locked(s, SINCE_ASKED);
        }
    }
    return failed;
}

/* ---- top ------------------------------------------------------------------------------------------------------------------------ */

struct top_query {
    struct xlator *xl;
    struct xlator_ask *ask;
    enum ios_top top;
    struct ios_file *file[TOP_MAX];
    unsigned int n, i;               /* of those to be shown; the one whose name is being asked */
};

static void query_end(struct top_query *q, int ret)
{
    struct xlator_ask *ask = q->ask;

    for (unsigned int i = 0; i < q->n; i++)
        ios_file_unref(q->file[i]);
    free(q);
    ask->done(ask, ret);
}

static int put_member(struct top_query *q, const char *path, size_t len)
{
    struct ios *s = q->xl->priv;
    struct ios_file *f = q->file[q->i];
    struct ios_rank *r = &f->rank[q->top];
    uint64_t value = atomic_load_explicit(&r->value, memory_order_relaxed);
    bool perf = q->top == TOP_READ_PERF || q->top == TOP_WRITE_PERF;
    struct dict *out = q->ask->out;
    int64_t sec, usec;
    char key[32];
    int failed;

    pthread_mutex_lock(&s->lock);
    sec = r->sec;
    usec = r->usec;
    pthread_mutex_unlock(&s->lock);
    snprintf(key, sizeof(key), "filename-%u", q->i + 1);
    failed = dict_set_textf(out, key, "%.*s", (int)len, path);
    snprintf(key, sizeof(key), "value-%u", q->i + 1);
    if (!failed)
        failed = dict_set_textf(out, key, "%" PRIu64, ios_shown(q->top, value));
    if (failed || !perf)
        return failed;
    snprintf(key, sizeof(key), "time-sec-%u", q->i + 1);
    failed = dict_set_textf(out, key, "%" PRId64, sec);
    snprintf(key, sizeof(key), "time-usec-%u", q->i + 1);
    return failed ? failed : dict_set_textf(out, key, "%" PRId64, usec);
}

static void ask_names(struct top_query *q);

static void named(struct fop *fop, void *ctx)
{
    struct top_query *q = ctx;
    const struct dict_pair *pair = fop->ret >= 0 ? dict_find(fop->out.dict, IOS_PATH_KEY) : NULL;
    char unknown[GFID_TEXT + 8] = "<gfid:", text[GFID_TEXT];
    int failed;

    if (pair) {
        failed = put_member(q, pair->value, strnlen(pair->value, pair->len));
    } else {
        snprintf(unknown, sizeof(unknown), "<gfid:%s>", gfid_text(fop->loc.inode->gfid, text));
        failed = put_member(q, unknown, strlen(unknown));
    }
    fop_free(fop);
    q->i++;
    if (failed)
        query_end(q, failed);
    else
        ask_names(q);
}

static char *path_when_removed(struct ios *s, const struct ios_file *f)
{
    SCOPED_LOCK(&s->lock);
    return f->path ? strdup(f->path) : NULL;
}

/* Goes on with the next file: what is gone is called what it was called then, the others the storage knows. */
static void ask_names(struct top_query *q)
{
    struct fop *fop;
    char *path;
    int failed = 0;

    for (; !failed && q->i < q->n && (path = path_when_removed(q->xl->priv, q->file[q->i])); q->i++) {
        failed = put_member(q, path, strlen(path));
        free(path);
    }
    if (failed || q->i == q->n) {
        query_end(q, failed ? failed : dict_set_textf(q->ask->out, "members", "%u", q->n));
        return;
    }
    fop = fop_new(q->xl->graph, FOP_GETXATTR);
    if (!fop || !(fop->loc.inode = inode_get(q->xl->graph->inodes, q->file[q->i]->gfid))) {
        if (fop)
            fop_free(fop);
        query_end(q, -ENOMEM);
        return;
    }
    fop->flags = FOP_NOWAIT;
    fop->in.getxattr.name = IOS_PATH_KEY;
    fop_push(fop, named, q);
    fop_submit(q->xl->child, fop);
}

static int put_open(struct ios *s, struct dict *out)
{
    char when[64] = "N/A", text[32];
    struct timespec at;
    struct tm tm;
    int failed;

    pthread_mutex_lock(&s->lock);
    at = s->open_max_at;
    pthread_mutex_unlock(&s->lock);
    if (at.tv_sec && gmtime_r(&at.tv_sec, &tm)) {
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
        snprintf(when, sizeof(when), "%s.%06ld +0000", text, at.tv_nsec / 1000);
    }
    failed = dict_set_textf(out, "current-open", "%" PRId64, counter_get(&s->open));
    if (!failed)
        failed = dict_set_textf(out, "max-open", "%" PRId64, atomic_load_explicit(&s->open_max, memory_order_relaxed));
    return failed ? failed : dict_set_text(out, "max-openfd-time", when);
}

static void answer_top(struct xlator *xl, struct xlator_ask *ask, int64_t op)
{
    struct top_query *q = calloc(1, sizeof(*q));
    int64_t count = TOP_MAX;
    int failed = q ? dict_set_textf(ask->out, "top-op", "%" PRId64, op) : -ENOMEM;

    if (!failed && op - 1 == TOP_OPEN)
        failed = put_open(xl->priv, ask->out);
    if (failed) {
        free(q);
        ask->done(ask, failed);
        return;
    }
    q->xl = xl;
    q->ask = ask;
    q->top = (enum ios_top)(op - 1);
    q->n = ios_ranking(xl->priv, q->top, q->file);
    if (dict_get_i64(ask->in, "list-cnt", &count) == 0)
        while (q->n > max_of(count, (int64_t)0))
            ios_file_unref(q->file[--q->n]);
    ask_names(q);
}

/* The profile is not touched by it. */
static int clear_top(struct ios *s, const struct dict *in, struct dict *out)
{
    int64_t op = 0;

    ios_clear_top(s);
    dict_get_i64(in, "top-op", &op);
    int failed = dict_set_textf(out, "top-op", "%" PRId64, op); /* without it the command line says nothing */
    return failed ? failed : dict_set_text(out, "stats-cleared", "1");
}

/* ---- the question ----------------------------------------------------------------------------------------------------------------- */

void ios_ask(struct xlator *xl, struct xlator_ask *ask)
{
    struct ios *s = xl->priv;
    int64_t op;

    if (ask->what == ASK_LATENCY) {
        if (dict_get_i64(ask->in, "enable", &op) == 0)
            atomic_store_explicit(&s->timing, op != 0, memory_order_relaxed);
        ask->done(ask, dict_set_i64(ask->out, "enabled", atomic_load_explicit(&s->timing, memory_order_relaxed)));
    } else if (ask->what != ASK_INFO) {
        ask->done(ask, -EOPNOTSUPP);
    } else if (dict_is_true(ask->in, "clear-stats")) {
        ask->done(ask, clear_top(s, ask->in, ask->out));
    } else if (dict_get_i64(ask->in, "top-op", &op) == 0) {
        if (op - 1 < TOP_OPEN || op - 1 >= NR_TOPS)
            ask->done(ask, err_set(&ask->err, -EINVAL, "top-op %" PRId64 ": 1 to %d are known", op, NR_TOPS));
        else
            answer_top(xl, ask, op);
    } else if (dict_get_i64(ask->in, "info-op", &op) == 0) {
        ask->done(ask, answer_profile(s, ask->in, op, ask->out));
    } else {
        ask->done(ask, err_set(&ask->err, -EINVAL, "neither info-op nor top-op is there"));
    }
}
