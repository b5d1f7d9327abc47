/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* debug/delay-gen: lets a share of operations wait, to see what others do meanwhile. Option debug.delay-gen of a volume places it.
 *
 * A waiting operation is a parked fop in a list; no thread waits. The list is in order of time, one timer on the event loop is set to
 * its first. Other threads ask the loop to set it.
 *
 * Threads  Fops come on any thread. The timer is the loop's, where init, PARENT_DOWN and fini run, too. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "debug-types.h"
#include "graph.h"
#include "log.h"
#include "pick.h"
#include "process.h"

struct waiting { /* in the arena of its fop */
    struct waiting *prev, *next;
    struct fop *fop;
    struct delay_gen *d;
    uint64_t due_ms;
    bool queued;
};

/* A request to the loop; it may come after the translator has ended. */
struct wake {
    struct loop_work work;
    struct delay_gen *d; /* NULL: it has ended */
};

struct delay_gen {
    struct percent_or_size share; /* options; read by the thread that sets them */
    int64_t delay_us;
    char *enable;
    struct pick pick;
    struct xlator *xl;
    struct timer timer;
    pthread_mutex_t lock;         /* what follows */
    struct waiting *first, *last;
    unsigned int n;
    struct wake *wake;            /* under way to the loop */
    bool ending;                  /* nobody waits any more */
    bool lock_ready;
    counter_t delayed;
};

static const struct option delay_gen_options[] = {
    {.key = "delay-percentage", .type = OPTION_PERCENT_OR_SIZE, .offset = offsetof(struct delay_gen, share), .def = "10%", .min = 0,
     .max = 100, .flags = OPTION_LIVE, .help = "share of operations that wait"},
    OPT_INT("delay-duration", struct delay_gen, delay_us, "100000", 0, 3600000000.0, "microseconds for which they wait",
            .flags = OPTION_LIVE),
    OPT_STR("enable", struct delay_gen, enable, NULL, "which operations, with commas between; default: all", .flags = OPTION_LIVE),
};

static struct loop *loop_of(const struct delay_gen *d)
{
    return d->xl->graph->process->env.loop;
}

/* ---- the list -------------------------------------------------------------------------------------------------------------- */

static void insert_locked(struct delay_gen *d, struct waiting *w)
{
    struct waiting *after = d->last;

    while (after && after->due_ms > w->due_ms) /* only after the duration was made shorter */
        after = after->prev;
    w->prev = after;
    w->next = after ? after->next : d->first;
    *(w->prev ? &w->prev->next : &d->first) = w;
    *(w->next ? &w->next->prev : &d->last) = w;
    w->queued = true;
    d->n++;
}

static void take_out_locked(struct delay_gen *d, struct waiting *w)
{
    *(w->prev ? &w->prev->next : &d->first) = w->next;
    *(w->next ? &w->next->prev : &d->last) = w->prev;
    w->queued = false;
    d->n--;
}

/* Those whose time has come go on. Who is taken out is claimed under the lock, where cancelled() waits: no one is freed meanwhile. */
static void let_go(struct delay_gen *d, uint64_t until_ms)
{
    struct waiting *mine = NULL, **end = &mine, *w;

    {
        SCOPED_LOCK(&d->lock);
        while ((w = d->first) && w->due_ms <= until_ms) {
            take_out_locked(d, w);
            if (fop_unpark(w->fop)) {
                w->next = NULL;
                *end = w;
                end = &w->next;
            }
        }
    }
    while ((w = mine)) {
        mine = w->next;
        w->fop->flags |= FOP_NOWAIT; /* this is the event loop */
        fop_pass(d->xl, w->fop);
    }
}

/* ---- the timer: on the loop ------------------------------------------------------------------------------------------------ */

static void set_timer(struct delay_gen *d)
{
    uint64_t now = clock_ms(), due = 0;
    bool any;

    {
        SCOPED_LOCK(&d->lock);
        any = d->first != NULL;
        if (any)
            due = d->first->due_ms;
    }
    if (any && loop_arm(loop_of(d), &d->timer, due > now ? due - now : 0) < 0) {
        log_error(d->xl->name, "no memory for a timer: operations do not wait");
        let_go(d, UINT64_MAX);
    }
}

static void expired(struct timer *t)
{
    struct delay_gen *d = container_of(t, struct delay_gen, timer);

    let_go(d, clock_ms());
    set_timer(d);
}

static void woken(struct loop_work *work)
{
    struct wake *wake = container_of(work, struct wake, work);
    struct delay_gen *d = wake->d;

    if (d) {
        pthread_mutex_lock(&d->lock);
        d->wake = NULL;
        pthread_mutex_unlock(&d->lock);
        set_timer(d);
    }
    free(wake);
}

/* ---- operations ------------------------------------------------------------------------------------------------------------ */

static void cancelled(struct fop *fop, void *ctx)
{
    struct waiting *w = ctx;

    {
        SCOPED_LOCK(&w->d->lock);
        if (w->queued)
            take_out_locked(w->d, w);
    }
    fop_fail(fop, fop->cancel_err);
}

/* True: it is parked, or was cancelled before it could be. */
static bool wait_for_its_time(struct delay_gen *d, struct fop *fop, uint64_t wait_ms)
{
    struct waiting *w = fop_alloc(fop, sizeof(*w));
    struct wake *wake = calloc(1, sizeof(*wake)), *post = NULL;
    bool parked = false;
    int err = 0;

    if (!w || !wake) {
        free(wake);
        return false;
    }
    *wake = (struct wake){.work.run = woken, .d = d};
    *w = (struct waiting){.fop = fop, .d = d, .due_ms = clock_ms() + wait_ms};
    {
        SCOPED_LOCK(&d->lock);
        if (!d->ending) {
            insert_locked(d, w);
            parked = fop_park(fop, cancelled, w);
            if (!parked) {
                take_out_locked(d, w);
                err = fop->cancel_err;
            } else if (d->first == w && !d->wake) {
                d->wake = post = wake;
            }
        }
    }
    if (post)
        loop_post(loop_of(d), &post->work);
    else
        free(wake);
    if (err)
        fop_fail(fop, err);
    return parked || err;
}

static void delay_gen_any(struct xlator *xl, struct fop *fop)
{
    struct delay_gen *d = xl->priv;
    uint64_t wait_us = (uint64_t)__atomic_load_n(&d->delay_us, __ATOMIC_RELAXED);

    if (wait_us && pick_this(&d->pick, fop->op)) {
        counter_add(&d->delayed, 1);
        if (wait_for_its_time(d, fop, (wait_us + 999) / 1000))
            return;
    }
    fop_pass(xl, fop);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

static int take_options(struct xlator *xl, struct err *err)
{
    struct delay_gen *d = xl->priv;

    return pick_set(&d->pick, d->enable, &d->share, false, xl->name, err);
}

static int delay_gen_init(struct xlator *xl, struct err *err)
{
    struct delay_gen *d = xl->priv;

    d->xl = xl;
    d->timer.expired = expired;
    pthread_mutex_init(&d->lock, NULL);
    d->lock_ready = true;
    return take_options(xl, err);
}

static int delay_gen_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    int r = options_apply(delay_gen_options, array_len(delay_gen_options), set, xl->name, true, xl->priv, err);

    return r < 0 ? r : take_options(xl, err);
}

static void delay_gen_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct delay_gen *d = xl->priv;

    if (event == EVENT_PARENT_DOWN) {
        pthread_mutex_lock(&d->lock);
        d->ending = true;
        pthread_mutex_unlock(&d->lock);
        let_go(d, UINT64_MAX);
    }
    if (event == EVENT_PARENT_DOWN || event == EVENT_PARENT_UP || event == EVENT_RELOAD)
        xlator_notify_down(xl, event, data);
    else
        xlator_notify_up(xl, event, data);
}

static void delay_gen_fini(struct xlator *xl)
{
    struct delay_gen *d = xl->priv;

    if (!d->lock_ready)
        return;
    loop_disarm(loop_of(d), &d->timer);
    if (d->wake)
        d->wake->d = NULL;
    pthread_mutex_destroy(&d->lock);
}

static void delay_gen_dump(struct xlator *xl, struct dump *out)
{
    struct delay_gen *d = xl->priv;
    SCOPED_LOCK(&d->lock);

    dump_kv(out, "delay-percentage", "%g%%", d->share.value);
    dump_kv(out, "delay-duration", "%lld", (long long)d->delay_us);
    dump_kv(out, "operations", "%s", d->enable ? d->enable : "all");
    dump_kv(out, "delayed", "%lld", (long long)counter_get(&d->delayed));
    dump_kv(out, "waiting", "%u", d->n);
}

const struct xlator_type delay_gen_type = {
    .name = "debug/delay-gen",
    .options = delay_gen_options,
    .nr_options = array_len(delay_gen_options),
    .priv_size = sizeof(struct delay_gen),
    .init = delay_gen_init,
    .reconfigure = delay_gen_reconfigure,
    .notify = delay_gen_notify,
    .fini = delay_gen_fini,
    .dump = delay_gen_dump,
    .on = {[FOP_STAT ... NR_FOPS - 1] = delay_gen_any},
};
