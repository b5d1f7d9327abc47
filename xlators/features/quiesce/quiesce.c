/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/quiesce: while the proxy that a thin client works through is away, operations wait for it instead of failing. Source: spec
 * brick 6.3.
 *
 *   PASSING --CHILD_DOWN--> HOLDING --CHILD_UP--> PASSING    what waits goes on, in order
 *                              `---- timeout ---> GIVEN_UP   what waits gets ENOTCONN, as does (from below) what comes; until CHILD_UP
 *
 * Again    What only reads and comes back with ENOTCONN is asked once more. The connection breaks, and those under way come back, before
 *          CHILD_DOWN is told: so it waits also while PASSING, GRACE_MS for the news. If none come it was not this connection that broke.
 *          What changes something may have been done before the connection broke: nobody here can tell, it is not done twice.
 * Threads  Operations and events come on any thread, the ticks on the loop's. A held fop is parked: no thread waits. */
#include <errno.h>

#include "clock.h"
#include "feature-types.h"
#include "graph.h"
#include "log.h"
#include "process.h"

#define TICK_MS 500u
#define GRACE_MS 2000u
#define HELD_MAX 65536u /* a kernel has fewer requests under way; a program of libgfapi gets ENOTCONN for what is above */

enum quiesce_state { PASSING, HOLDING, GIVEN_UP };

struct held { /* in the arena of its fop */
    struct held *prev, *next;
    struct fop *fop;
    struct quiesce *q;
    uint64_t until_ms;     /* of the grace; 0: has not been below, waits as long as HOLDING lasts */
    bool again;            /* it has been below: a child of it goes */
    bool queued;
};

struct quiesce {
    uint64_t timeout_s;    /* option */
    struct xlator *xl;
    struct timer tick;     /* the loop's */
    pthread_mutex_t lock;  /* all below; nothing is called under it but fop_park() and fop_unpark() */
    bool lock_ready;
    enum quiesce_state state;
    unsigned int ups;      /* CHILD_UPs so far */
    uint64_t down_ms;      /* since when it is HOLDING */
    struct held *first, *last;
    unsigned int n;
    uint64_t held, repeated, failed; /* so far, for the statedump */
};

static const struct option quiesce_options[] = {
    OPT_TIME("timeout", struct quiesce, timeout_s, "45", 0, 1000000000, "seconds that operations wait for the proxy to come back",
             .flags = OPTION_LIVE),
    OPT_OFF("failover-hosts", "the moving of a thin client to another proxy"),
};

/* ---- what waits ------------------------------------------------------------------------------------------------------------- */

static void take_out_locked(struct quiesce *q, struct held *h)
{
    *(h->prev ? &h->prev->next : &q->first) = h->next;
    *(h->next ? &h->next->prev : &q->last) = h->prev;
    h->queued = false;
    q->n--;
}

static void cancelled(struct fop *fop, void *ctx)
{
    struct held *h = ctx;

    {
        SCOPED_LOCK(&h->q->lock);
        if (h->queued)
            take_out_locked(h->q, h);
    }
    fop_fail(fop, fop->cancel_err);
}

static bool hold_locked(struct quiesce *q, struct held *h)
{
    if (q->n >= HELD_MAX)
        return false;
    h->prev = q->last;
    h->queued = true;
    *(q->last ? &q->last->next : &q->first) = h;
    q->last = h;
    q->n++;
    if (fop_park(h->fop, cancelled, h)) {
        q->held++;
        return true;
    }
    take_out_locked(q, h);
    return false;
}

/* Those that `which` says, as a chain in their order; they are the caller's alone: see barrier. */
static struct held *claim_locked(struct quiesce *q, bool (*which)(const struct held *h, uint64_t now_ms), uint64_t now_ms)
{
    struct held *mine = NULL, **end = &mine, *next;

    for (struct held *h = q->first; h; h = next) {
        next = h->next;
        if (which && !which(h, now_ms))
            continue;
        take_out_locked(q, h);
        if (fop_unpark(h->fop)) {
            h->next = NULL;
            *end = h;
            end = &h->next;
        }
    }
    return mine;
}

static void fail_all(struct held *mine)
{
    while (mine) {
        struct fop *fop = mine->fop;

        mine = mine->next;
        fop_fail(fop, ENOTCONN);
    }
}

static void send(struct quiesce *q, struct fop *fop);
static void send_again(struct quiesce *q, struct fop *fop);

static void send_all(struct quiesce *q, struct held *mine)
{
    while (mine) {
        struct held *h = mine;

        mine = h->next;
        h->fop->flags |= FOP_NOWAIT; /* this may be the event loop */
        if (h->again)
            send_again(q, h->fop);
        else
            send(q, h->fop);
    }
}

/* ---- ticks ------------------------------------------------------------------------------------------------------------------ */

static bool grace_is_over(const struct held *h, uint64_t now_ms)
{
    return h->until_ms && now_ms >= h->until_ms;
}

static void ticked(struct timer *t)
{
    struct quiesce *q = container_of(t, struct quiesce, tick);
    uint64_t now = clock_ms();
    bool all = q->xl->graph->process->stopping;
    struct held *late;

    {
        SCOPED_LOCK(&q->lock);
        if (q->state == HOLDING && now - q->down_ms >= q->timeout_s * 1000) {
            q->state = GIVEN_UP;
            log_warning(q->xl->name, "the other side has been away for %llu s: %u operations fail", (unsigned long long)q->timeout_s, q->n);
        }
        all |= q->state == GIVEN_UP;
        late = claim_locked(q, all ? NULL : grace_is_over, now);
        for (const struct held *h = late; h; h = h->next)
            q->failed++;
    }
    fail_all(late);
    loop_arm(q->xl->graph->process->env.loop, t, TICK_MS); /* cannot fail: it has had its place */
}

/* ---- on the way ------------------------------------------------------------------------------------------------------------- */

static bool only_reads(const struct fop *fop)
{
    switch (fop->op) {
    case FOP_LOOKUP: case FOP_STAT: case FOP_FSTAT: case FOP_READLINK: case FOP_ACCESS: case FOP_READ: case FOP_STATFS:
    case FOP_GETXATTR: case FOP_FGETXATTR: case FOP_OPENDIR: case FOP_READDIR: case FOP_READDIRP: case FOP_SEEK: case FOP_RCHECKSUM:
        return true;
    default:
        return false;
    }
}

struct sent { /* in the arena of its fop */
    struct quiesce *q;
    unsigned int ups; /* when it went */
};

/* Another try of what came back with ENOTCONN: now, or when the other side is there again. */
static void came_back(struct fop *fop, void *ctx)
{
    const struct sent *s = ctx;
    struct quiesce *q = s->q;
    struct held *h;
    bool now = false, waits = false;

    if (fop->ret >= 0 || fop->err != ENOTCONN || !(h = fop_alloc(fop, sizeof(*h)))) {
        fop_complete(fop, fop->ret, fop->err);
        return;
    }
    *h = (struct held){.fop = fop, .q = q, .again = true};
    {
        SCOPED_LOCK(&q->lock);
        now = q->state == PASSING && q->ups != s->ups;
        h->until_ms = q->state == PASSING ? clock_ms() + GRACE_MS : 0;
        waits = !now && q->state != GIVEN_UP && hold_locked(q, h);
    }
    if (now)
        send_again(q, fop);
    else if (!waits)
        fop_fail(fop, ENOTCONN);
}

static void send(struct quiesce *q, struct fop *fop)
{
    struct sent *s = only_reads(fop) ? fop_alloc(fop, sizeof(*s)) : NULL;

    if (s) {
        s->q = q;
        {
            SCOPED_LOCK(&q->lock);
            s->ups = q->ups;
        }
        fop_push(fop, came_back, s);
    }
    fop_pass(q->xl, fop);
}

static void adopt(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

static void send_again(struct quiesce *q, struct fop *fop)
{
    struct fop *child = fop_child_like(fop, adopt, NULL);

    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    dict_unref(fop->xdata_out); /* of the first try */
    fop->xdata_out = NULL;
    {
        SCOPED_LOCK(&q->lock);
        q->repeated++;
    }
    fop_submit(q->xl->child, child);
}

static void quiesce_fop(struct xlator *xl, struct fop *fop)
{
    struct quiesce *q = xl->priv;
    struct held *h;
    bool waits = false;

    {
        SCOPED_LOCK(&q->lock);
        if (q->state == HOLDING && (h = fop_alloc(fop, sizeof(*h)))) {
            *h = (struct held){.fop = fop, .q = q};
            waits = hold_locked(q, h);
        }
    }
    if (!waits)
        send(q, fop);
}

/* ---- events ----------------------------------------------------------------------------------------------------------------- */

static void went_down(struct quiesce *q)
{
    SCOPED_LOCK(&q->lock);

    if (q->state != PASSING)
        return;
    q->state = HOLDING;
    q->down_ms = clock_ms();
    for (struct held *h = q->first; h; h = h->next)
        h->until_ms = 0; /* it was this connection: they wait like the others */
}

static struct held *came_up(struct quiesce *q)
{
    SCOPED_LOCK(&q->lock);
    q->state = PASSING;
    q->ups++;
    return claim_locked(q, NULL, 0);
}

static struct held *give_up(struct quiesce *q)
{
    SCOPED_LOCK(&q->lock);
    q->state = GIVEN_UP;
    return claim_locked(q, NULL, 0);
}

static void quiesce_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct quiesce *q = xl->priv;

    switch (event) {
    case EVENT_CHILD_DOWN:
        went_down(q);
        xlator_notify_up(xl, event, data);
        break;
    case EVENT_CHILD_UP: {
        struct held *mine = came_up(q);

        xlator_notify_up(xl, event, data); /* caches above hear of it first */
        send_all(q, mine);
        break;
    }
    case EVENT_PARENT_DOWN:
        fail_all(give_up(q));
        xlator_notify_down(xl, event, data);
        break;
    case EVENT_PARENT_UP:
    case EVENT_RELOAD:
        xlator_notify_down(xl, event, data);
        break;
    default:
        xlator_notify_up(xl, event, data);
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------------------- */

static int quiesce_init(struct xlator *xl, struct err *err)
{
    struct quiesce *q = xl->priv;

    q->xl = xl;
    q->tick.expired = ticked;
    pthread_mutex_init(&q->lock, NULL);
    q->lock_ready = true;
    return loop_arm(xl->graph->process->env.loop, &q->tick, TICK_MS);
}

static void quiesce_fini(struct xlator *xl)
{
    struct quiesce *q = xl->priv;

    if (!q->lock_ready)
        return;
    loop_disarm(xl->graph->process->env.loop, &q->tick);
    pthread_mutex_destroy(&q->lock);
}

static void quiesce_dump(struct xlator *xl, struct dump *d)
{
    static const char *const names[] = {[PASSING] = "passing", [HOLDING] = "holding", [GIVEN_UP] = "given up"};
    struct quiesce *q = xl->priv;
    SCOPED_LOCK(&q->lock);

    dump_kv(d, "state", "%s", names[q->state]);
    dump_kv(d, "waiting", "%u", q->n);
    dump_kv(d, "waited", "%llu", (unsigned long long)q->held);
    dump_kv(d, "repeated", "%llu", (unsigned long long)q->repeated);
    dump_kv(d, "failed", "%llu", (unsigned long long)q->failed);
}

const struct xlator_type quiesce_type = {
    .name = "features/quiesce",
    .options = quiesce_options,
    .nr_options = array_len(quiesce_options),
    .priv_size = sizeof(struct quiesce),
    .init = quiesce_init,
    .fini = quiesce_fini,
    .notify = quiesce_notify,
    .dump = quiesce_dump,
    .on = {[0 ... NR_FOPS - 1] = quiesce_fop},
};
