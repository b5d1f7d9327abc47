/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* io-threads.c: how many threads the worker pool has for each class of operations, and which callers come last. The class of an
 * operation is fop_class() until then.
 *
 * It moves nothing to a thread itself: storage/posix hands over what has to wait for the disk, once (design section 3). The
 * pool is the process's; with several io-threads in one process the one that came last sets its size.
 *
 * Source: spec brick 4.1. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "graph.h"
#include "process.h"
#include "xlator.h"

struct iot {
    int64_t threads, high, normal, low, least;
    uint64_t idle_s;
    bool least_priority, pass_through;
    atomic_bool does_least; /* for the pollers; relaxed, a change may be seen one operation late */
    counter_t seen[NR_CLASSES];
};

#define PID_NO_ROOT_SQUASH (-4) /* the one internal caller that a person is waiting for */

static const char *const class_name[NR_CLASSES] = {"HIGH", "NORMAL", "LOW", "LEAST"};

static const struct option iot_options[] = {
    OPT_INT("thread-count", struct iot, threads, "16", 1, 64, "threads of the worker pool", .flags = OPTION_LIVE),
    OPT_INT("high-prio-threads", struct iot, high, "16", 1, 64, "of them at once for LOOKUP, STAT, OPEN, READDIR, ...",
            .flags = OPTION_LIVE),
    OPT_INT("normal-prio-threads", struct iot, normal, "16", 1, 64, "of them at once for CREATE, UNLINK, SETATTR, locks, ...",
            .flags = OPTION_LIVE),
    OPT_INT("low-prio-threads", struct iot, low, "16", 1, 64, "of them at once for READ, WRITE, FSYNC, ...", .flags = OPTION_LIVE),
    OPT_INT("least-prio-threads", struct iot, least, "1", 1, 64, "of them at once for internal callers (rebalance, heal, ...)",
            .flags = OPTION_LIVE),
    OPT_BOOL("enable-least-priority", struct iot, least_priority, true, "internal callers (pid below 0) come last",
             .flags = OPTION_LIVE),
    OPT_TIME("idle-time", struct iot, idle_s, "120", 1, 0x7fffffff, "seconds after which a thread without work ends",
             .flags = OPTION_LIVE),
    OPT_BOOL("pass-through", struct iot, pass_through, false, "leave the class of operations alone", .flags = OPTION_LIVE),
    OPT_OFF("watchdog-secs", "a watchdog that raises the limit of a class without progress"),
    OPT_OFF("cleanup-disconnected-reqs", "the dropping of queued requests of a client that went away"),
};

static void iot_any(struct xlator *xl, struct fop *fop)
{
    struct iot *t = xl->priv;

    if (fop->cred.pid < 0 && fop->cred.pid != PID_NO_ROOT_SQUASH && atomic_load_explicit(&t->does_least, memory_order_relaxed))
        fop->class = CLASS_LEAST;
    counter_add(&t->seen[fop->class], 1);
    fop_pass(xl, fop);
}

static int queue_sizes(struct xlator *xl, struct fop *fop)
{
    struct pool_counts n = pool_counts(xl->graph->process->pool);

    fop->out.dict = dict_new();
    if (!fop->out.dict)
        return -ENOMEM;
    for (int c = 0; c < NR_CLASSES; c++) {
        int r = dict_set_i64(fop->out.dict, class_name[c], n.queued[c]);
        if (r < 0)
            return r;
    }
    return 0;
}

static void iot_getxattr(struct xlator *xl, struct fop *fop)
{
    if (fop->in.getxattr.name && strcmp(fop->in.getxattr.name, "io-thread-queue-size") == 0) {
        int r = queue_sizes(xl, fop);
        if (r < 0)
            fop_fail(fop, -r);
        else
            fop_complete(fop, 0, 0);
        return;
    }
    iot_any(xl, fop);
}

static void take_options(struct xlator *xl)
{
    struct iot *t = xl->priv;
    const struct pool_conf conf = {
        .max = (unsigned int)t->threads,
        .limit = {[CLASS_HIGH] = (unsigned int)t->high,
                  [CLASS_NORMAL] = (unsigned int)t->normal,
                  [CLASS_LOW] = (unsigned int)t->low,
                  [CLASS_LEAST] = (unsigned int)t->least},
        .idle_s = (unsigned int)t->idle_s,
    };

    pool_set(xl->graph->process->pool, &conf);
    atomic_store_explicit(&t->does_least, t->least_priority && !t->pass_through, memory_order_relaxed);
}

static int iot_init(struct xlator *xl, struct err *err)
{
    take_options(xl);
    return 0;
}

static int iot_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    int r = options_apply(iot_options, array_len(iot_options), set, xl->name, true, xl->priv, err);

    if (r == 0)
        take_options(xl);
    return r;
}

static void iot_dump(struct xlator *xl, struct dump *d)
{
    struct iot *t = xl->priv;
    struct pool_counts n = pool_counts(xl->graph->process->pool);

    dump_kv(d, "maximum_threads_count", "%lld", (long long)t->threads);
    dump_kv(d, "current_threads_count", "%u", n.threads);
    dump_kv(d, "sleep_count", "%u", n.idle);
    dump_kv(d, "idle_time", "%llu", (unsigned long long)t->idle_s);
    for (int c = 0; c < NR_CLASSES; c++) {
        char key[32];
        snprintf(key, sizeof(key), "%s.queued", class_name[c]);
        dump_kv(d, key, "%u", n.queued[c]);
        snprintf(key, sizeof(key), "%s.running", class_name[c]);
        dump_kv(d, key, "%u", n.running[c]);
        snprintf(key, sizeof(key), "%s.seen", class_name[c]);
        dump_kv(d, key, "%lld", (long long)counter_get(&t->seen[c]));
    }
}

const struct xlator_type io_threads_type = {
    .name = "performance/io-threads",
    .options = iot_options,
    .nr_options = array_len(iot_options),
    .priv_size = sizeof(struct iot),
    .init = iot_init,
    .reconfigure = iot_reconfigure,
    .on = {[FOP_STAT ... FOP_SETXATTR] = iot_any, [FOP_GETXATTR] = iot_getxattr, [FOP_REMOVEXATTR ... NR_FOPS - 1] = iot_any},
    .dump = iot_dump,
};
