/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/barrier: while a snapshot is taken, nobody is told that something is durable or gone which the snapshot may not have: the
 * answers of what removes, renames, shortens and syncs are held back. They are done, so a held fop is complete but for its answer,
 * and holds no thread. Source: spec brick 6.1.
 *
 * Threads  Switching on and off and the timer are the event loop's. Answers come on any thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "feature-types.h"
#include "graph.h"
#include "log.h"
#include "process.h"

#define FREE_MAX 4096u /* held ones that do not count as outstanding; further ones stop their client: 4,096 removals are some 8 MiB */

struct held { /* in the arena of its fop */
    struct held *prev, *next;
    struct fop *fop;
    struct barrier *b;
    bool queued;
};

struct barrier {
    bool want;             /* option */
    uint64_t timeout_s;    /* option */
    struct xlator *xl;
    struct timer timer;
    atomic_bool on;        /* written under lock; relaxed elsewhere: a fop that comes at that moment goes either way */
    pthread_mutex_t lock;  /* the list */
    struct held *first, *last;
    unsigned int n;
    bool lock_ready;
};

static const struct option barrier_options[] = {
    OPT_BOOL("barrier", struct barrier, want, false, "hold back the answers of what removes and syncs", .flags = OPTION_LIVE),
    OPT_TIME("barrier-timeout", struct barrier, timeout_s, "120", 0, 1000000000, "seconds after which they are given all the same",
             .flags = OPTION_LIVE),
};

static void take_out_locked(struct barrier *b, struct held *h)
{
    *(h->prev ? &h->prev->next : &b->first) = h->next;
    *(h->next ? &h->next->prev : &b->last) = h->prev;
    h->queued = false;
    b->n--;
}

/* In the order in which they came. Who is taken from the list is claimed under the lock: cancelled() waits for it there, so no held
 * one is freed meanwhile; behind the lock those claimed are ours alone. */
static void release(struct barrier *b)
{
    struct held *mine = NULL, **end = &mine, *h;

    {
        SCOPED_LOCK(&b->lock);
        atomic_store_explicit(&b->on, false, memory_order_relaxed);
        while ((h = b->first)) {
            take_out_locked(b, h);
            if (fop_unpark(h->fop)) {
                h->next = NULL;
                *end = h;
                end = &h->next;
            }
        }
    }
    while ((h = mine)) {
        struct fop *fop = h->fop;

        mine = h->next;
        fop->flags |= FOP_NOWAIT; /* we may be on the event loop */
        fop_complete(fop, fop->ret, fop->err);
    }
}

static void expired(struct timer *t)
{
    struct barrier *b = container_of(t, struct barrier, timer);

    log_warning(b->xl->name, "the barrier was up for %llu s: answers are given now", (unsigned long long)b->timeout_s);
    release(b);
}

static int raise_barrier(struct barrier *b)
{
    int r = loop_arm(b->xl->graph->process->env.loop, &b->timer, b->timeout_s * 1000);

    if (r == 0)
        atomic_store_explicit(&b->on, true, memory_order_relaxed);
    return r;
}

static void lower_barrier(struct barrier *b)
{
    loop_disarm(b->xl->graph->process->env.loop, &b->timer);
    release(b);
}

static bool is_up(const struct barrier *b)
{
    return atomic_load_explicit(&b->on, memory_order_relaxed);
}

/* ---- answers --------------------------------------------------------------------------------------------------------------- */

/* Its client is gone, or the brick ends: it gets the answer it would have got. */
static void cancelled(struct fop *fop, void *ctx)
{
    struct held *h = ctx;

    {
        SCOPED_LOCK(&h->b->lock);
        if (h->queued)
            take_out_locked(h->b, h);
    }
    fop_complete(fop, fop->ret, fop->err);
}

static bool hold(struct barrier *b, struct fop *fop)
{
    struct held *h = is_up(b) ? fop_alloc(fop, sizeof(*h)) : NULL;

    if (!h)
        return false;
    SCOPED_LOCK(&b->lock);
    if (!is_up(b))
        return false;
    *h = (struct held){.prev = b->last, .fop = fop, .b = b, .queued = true};
    *(b->last ? &b->last->next : &b->first) = h;
    b->last = h;
    b->n++;
    if (fop_park(fop, cancelled, h))
        return true;
    take_out_locked(b, h);
    return false;
}

static bool has_room(struct barrier *b)
{
    SCOPED_LOCK(&b->lock);

    return b->n < FREE_MAX;
}

static void answered(struct fop *fop, void *ctx)
{
    if (is_up(ctx) && has_room(ctx))
        fop_will_wait(fop); /* its client can go on with other things */
    if (!hold(ctx, fop))
        fop_complete(fop, fop->ret, fop->err);
}

static void barrier_watch(struct xlator *xl, struct fop *fop)
{
    if (is_up(xl->priv))
        fop_push(fop, answered, xl->priv);
    fop_pass(xl, fop);
}

static void barrier_write(struct xlator *xl, struct fop *fop)
{
    int32_t flags = fop->in.write.flags | (fop->fd ? fop->fd->flags : 0);

    if (flags & (O_SYNC | O_DSYNC))
        barrier_watch(xl, fop);
    else
        fop_pass(xl, fop);
}

/* ---- switching ------------------------------------------------------------------------------------------------------------- */

static int switch_to(struct barrier *b, bool want)
{
    if (want == is_up(b))
        return 0;
    if (want)
        return raise_barrier(b);
    lower_barrier(b);
    return 0;
}

static int barrier_init(struct xlator *xl, struct err *err)
{
    struct barrier *b = xl->priv;

    b->xl = xl;
    b->timer.expired = expired;
    pthread_mutex_init(&b->lock, NULL);
    b->lock_ready = true;
    return switch_to(b, b->want);
}

static int barrier_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    struct barrier *b = xl->priv;
    bool before = b->want;
    int r = options_apply(barrier_options, array_len(barrier_options), set, xl->name, true, b, err);

    if (r == 0 && b->want != before)
        r = switch_to(b, b->want);
    return r;
}

static void barrier_ask(struct xlator *xl, struct xlator_ask *ask)
{
    struct barrier *b = xl->priv;
    const char *text = "";
    bool want;

    if (ask->what != ASK_BARRIER) {
        ask->done(ask, -EOPNOTSUPP);
    } else if (dict_get_text(ask->in, "barrier", &text) < 0 || parse_bool(text, &want) < 0) {
        ask->done(ask, err_set(&ask->err, -EINVAL, "barrier: enable or disable, not \"%s\"", text));
    } else if (want == is_up(b)) {
        ask->done(ask, err_set(&ask->err, -EALREADY, "the barrier is %s already", want ? "enabled" : "disabled"));
    } else {
        int r = switch_to(b, want);
        ask->done(ask, r < 0 ? err_set(&ask->err, r, "the barrier: %s", strerror(-r)) : 0);
    }
}

static void barrier_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    if (event == EVENT_PARENT_DOWN) {
        lower_barrier(xl->priv);
        xlator_notify_down(xl, event, data);
    } else if (event == EVENT_PARENT_UP || event == EVENT_RELOAD) {
        xlator_notify_down(xl, event, data);
    } else {
        xlator_notify_up(xl, event, data);
    }
}

static void barrier_fini(struct xlator *xl)
{
    struct barrier *b = xl->priv;

    if (!b->lock_ready)
        return;
    loop_disarm(xl->graph->process->env.loop, &b->timer);
    pthread_mutex_destroy(&b->lock);
}

static void barrier_dump(struct xlator *xl, struct dump *d)
{
    struct barrier *b = xl->priv;
    SCOPED_LOCK(&b->lock);

    dump_kv(d, "barrier.enabled", "%d", is_up(b));
    dump_kv(d, "barrier.timeout", "%llu", (unsigned long long)b->timeout_s);
    dump_kv(d, "barrier.held", "%u", b->n);
}

const struct xlator_type barrier_type = {
    .name = "features/barrier",
    .options = barrier_options,
    .nr_options = array_len(barrier_options),
    .priv_size = sizeof(struct barrier),
    .init = barrier_init,
    .reconfigure = barrier_reconfigure,
    .fini = barrier_fini,
    .notify = barrier_notify,
    .ask = barrier_ask,
    .dump = barrier_dump,
    .on =
        {
            [FOP_RMDIR] = barrier_watch,
            [FOP_UNLINK] = barrier_watch,
            [FOP_RENAME] = barrier_watch,
            [FOP_REMOVEXATTR] = barrier_watch,
            [FOP_FREMOVEXATTR] = barrier_watch,
            [FOP_TRUNCATE] = barrier_watch,
            [FOP_FTRUNCATE] = barrier_watch,
            [FOP_FSYNC] = barrier_watch,
            [FOP_WRITE] = barrier_write,
        },
};
