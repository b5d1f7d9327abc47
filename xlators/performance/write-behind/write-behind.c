/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* performance/write-behind: options, life, and what each operation means among the writes behind. Spec brick 6.1. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "performance-types.h"
#include "write-behind.h"

#define LIVE .flags = OPTION_LIVE
static const struct option wb_options[] = {
    OPT_BOOL("write-behind", struct wb, there, false, "stock's word for its being in the graph; nothing to set", LIVE | OPTION_NO_EFFECT),
    OPT_BOOL("pass-through", struct wb, pass_through, false, "no write is answered before it is done", LIVE),
    OPT_BOOL("flush-behind", struct wb, flush_behind, true,
             "a close does not wait for what is written behind, nor ask the brick if there is no lock to give up", LIVE),
    OPT_SIZE("cache-size", struct wb, window, "1MB", 524288, 1073741824, "bytes of an object that are answered and not yet written",
             .aliases = (const char *const[]){"window-size", NULL}, LIVE),
    OPT_BOOL("trickling-writes", struct wb, trickling, true, "a write does not wait for more while none is under way", LIVE),
    OPT_BOOL("strict-O_DIRECT", struct wb, strict_direct, false, "writes with O_DIRECT are answered when they are done", LIVE),
    OPT_BOOL("strict-write-ordering", struct wb, strict_ordering, false, "writes keep their order also where they do not overlap", LIVE),
    OPT_BOOL("resync-failed-syncs-after-fsync", struct wb, resync, false, "what an fsync could not write is kept and tried again", LIVE),
    OPT_SIZE("aggregate-size", struct wb, aggregate, "128KB", 0, 33554432, "adjacent writes are joined up to so many bytes", LIVE),
};

/* ---- how much is behind -------------------------------------------------------------------------------------------------- */

struct wb_drainer {
    struct wb_drainer *next;
    struct fop *fop;
    struct xlator *xl;
};

static void end_on_loop(struct loop_work *work)
{
    struct wb *w = container_of(work, struct wb, end_work);
    struct process *p = w->xl->graph->process;

    xlator_notify_down(w->xl, EVENT_PARENT_DOWN, NULL);
    process_let_go(p, &w->hold); /* the last: the graph may be freed */
}

void wb_pending(struct wb *w, int n, int64_t pinned)
{
    struct wb_drainer *drained = NULL;
    bool end = false;

    pthread_mutex_lock(&w->lock);
    w->pending += (unsigned int)n;
    w->pinned += (uint64_t)pinned;
    if (w->pending == 0) {
        drained = w->drainers;
        w->drainers = NULL;
        end = w->ending && !w->end_posted;
        w->end_posted |= end;
        if (drained && !w->ending)
            atomic_store_explicit(&w->hurry, false, memory_order_relaxed);
    }
    pthread_mutex_unlock(&w->lock);
    if (end)
        loop_post(w->xl->graph->process->env.loop, &w->end_work);
    while (drained) {
        struct wb_drainer *one = drained;

        drained = one->next;
        one->fop->flags |= FOP_NOWAIT;
        fop_pass(one->xl, one->fop);
    }
}

/* FOP_DRAIN: goes on when nothing is behind any more. */
static void wb_statfs(struct xlator *xl, struct fop *fop)
{
    struct wb *w = xl->priv;
    struct wb_drainer *one = fop->flags & FOP_DRAIN ? fop_alloc(fop, sizeof(*one)) : NULL;
    bool waits = false;

    if (one) {
        SCOPED_LOCK(&w->lock);
        waits = w->pending > 0;
        if (waits) {
            *one = (struct wb_drainer){.next = w->drainers, .fop = fop, .xl = xl};
            w->drainers = one;
            atomic_store_explicit(&w->hurry, true, memory_order_relaxed); /* relaxed: push_all() takes the locks */
        }
    }
    if (waits)
        wb_push_all(w);
    else
        fop_pass(xl, fop);
}

/* ---- operations that keep their place ------------------------------------------------------------------------------------ */

static void stayed(struct fop *fop, void *ctx)
{
    struct wb_req *r = ctx;
    struct inode *inode = inode_ref(r->in->inode);

    if (fop->op == FOP_OPEN && fop->ret >= 0 && fop->out.fd)
        wb_error_opened(r->xl, fop->out.fd);
    wb_leave(r);
    fop_complete(fop, fop->ret, fop->err);
    inode_unref(inode);
}

static void go_on(struct wb_req *r)
{
    struct fop *fop = r->fop;
    struct xlator *xl = r->xl;

    fop->flags |= FOP_NOWAIT; /* this may be where an answer came */
    if (r->err) {
        fop_fail(fop, r->err);
        return;
    }
    if (r->stays)
        fop_push(fop, stayed, r);
    fop_pass(xl, fop);
}

static void enter(struct wb_inode *in, struct fop *fop, uint64_t start, uint64_t end, bool modifies, void (*go)(struct wb_req *r))
{
    struct wb_req *r = fop_alloc(fop, sizeof(*r));

    if (!r) {
        fop_fail(fop, ENOMEM);
        return;
    }
    *r = (struct wb_req){.start = start, .end = end, .modifies = modifies, .stays = modifies, .go = go};
    wb_enter(in, r, fop);
}

/* It sees what was written before it. from: what lies before that place is nothing to it. */
static void look(struct xlator *xl, struct fop *fop, uint64_t from)
{
    struct inode *inode = wb_object(fop);
    struct wb_inode *in = inode ? wb_inode_of(xl, inode) : NULL;

    if (in && wb_is_busy(in))
        enter(in, fop, from, UINT64_MAX, false, go_on);
    else
        fop_pass(xl, fop);
}

static void wb_look(struct xlator *xl, struct fop *fop)
{
    look(xl, fop, 0);
}

/* A write beyond its end may be what makes the file long enough for it. */
static void wb_read(struct xlator *xl, struct fop *fop)
{
    struct inode *inode = wb_object(fop);

    if (fop->op == FOP_READ && inode && wb_inode_of(xl, inode) && !wb_watch_read(xl, fop)) {
        fop_fail(fop, ENOMEM);
        return;
    }
    look(xl, fop, fop->op == FOP_READ ? fop->in.read.offset : fop->op == FOP_SEEK ? fop->in.seek.offset : fop->in.rchecksum.offset);
}

static void modify(struct xlator *xl, struct fop *fop, uint64_t start, uint64_t end)
{
    struct inode *inode = wb_object(fop);
    struct wb_inode *in = inode ? wb_inode_make(xl, inode) : NULL;

    if (!inode)
        fop_pass(xl, fop);
    else if (!in)
        fop_fail(fop, ENOMEM);
    else
        enter(in, fop, start, end, true, go_on);
}

static void wb_modify(struct xlator *xl, struct fop *fop)
{
    modify(xl, fop, 0, UINT64_MAX);
}

/* By gfid. By name: fresh.c. */
static void wb_any_lookup(struct xlator *xl, struct fop *fop)
{
    if (fop->loc.inode && !fop->loc.name[0])
        look(xl, fop, 0);
    else
        wb_lookup(xl, fop);
}

static void wb_any_rename(struct xlator *xl, struct fop *fop)
{
    if (fop->loc.inode)
        look(xl, fop, 0);
    else
        wb_rename(xl, fop);
}

static void opened(struct fop *fop, void *ctx)
{
    if (fop->ret >= 0 && fop->out.fd)
        wb_error_opened(ctx, fop->out.fd);
    fop_complete(fop, fop->ret, fop->err);
}

static void wb_open(struct xlator *xl, struct fop *fop)
{
    if (fop->in.open.flags & O_TRUNC) {
        wb_modify(xl, fop);
        return;
    }
    if (fop->loc.inode && wb_inode_of(xl, fop->loc.inode))
        fop_push(fop, opened, xl);
    fop_pass(xl, fop);
}

/* Whoever gets it may read what we wrote, whoever gives it up lets others read: both after the writes. It may wait below for long, and
 * keeps nobody waiting here. FSETXATTR may be an open descriptor's locks, from another graph. */
static void wb_lk(struct xlator *xl, struct fop *fop)
{
    struct inode *inode = wb_object(fop);
    bool gets = fop->op == FOP_LK     ? fop->in.lk.cmd != LK_GET && fop->in.lk.flock.type != RANGE_UNLOCK
                : fop->op == FOP_LEASE ? true
                                       : dict_find(fop->in.setxattr.dict, "trusted.glusterfs.lockinfo") != NULL;
    struct wb_inode *in = gets && inode ? wb_inode_make(xl, inode) : NULL;

    if (gets && inode && !in) {
        fop_fail(fop, ENOMEM);
        return;
    }
    if (in) {
        SCOPED_LOCK(&in->lock);
        in->locked = true;
    }
    look(xl, fop, 0);
}

/* ---- copies: from one object to another ---------------------------------------------------------------------------------- */

/* Its places are taken one after the other, always that of the lower address first: two copies in opposite directions do not wait for each
 * other. */
struct copy {
    struct wb_req first, second;
    struct wb_inode *then; /* NULL: both are one object */
};

static void copied(struct fop *fop, void *ctx)
{
    struct copy *c = ctx;
    struct inode *one = inode_ref(c->first.in->inode), *two = c->then ? inode_ref(c->then->inode) : NULL;

    if (c->then)
        wb_leave(&c->second);
    wb_leave(&c->first);
    fop_complete(fop, fop->ret, fop->err);
    inode_unref(one);
    inode_unref(two);
}

static void copy_starts(struct copy *c)
{
    struct fop *fop = c->first.fop;

    fop->flags |= FOP_NOWAIT;
    fop_push(fop, copied, c);
    fop_pass(c->first.xl, fop);
}

static void second_goes(struct wb_req *r)
{
    struct copy *c = container_of(r, struct copy, second);

    if (r->err) {
        struct inode *one = inode_ref(c->first.in->inode);

        wb_leave(&c->first);
        fop_fail(r->fop, r->err);
        inode_unref(one);
        return;
    }
    copy_starts(c);
}

static void first_goes(struct wb_req *r)
{
    struct copy *c = container_of(r, struct copy, first);

    if (r->err)
        fop_fail(r->fop, r->err);
    else if (c->then)
        wb_enter(c->then, &c->second, r->fop);
    else
        copy_starts(c);
}

static void wb_copy(struct xlator *xl, struct fop *fop)
{
    struct inode *from = wb_object(fop), *to = fop->fd2 ? fop->fd2->inode : fop->loc2.inode;
    struct wb_inode *a = from ? wb_inode_make(xl, from) : NULL, *b = to ? wb_inode_make(xl, to) : NULL;
    struct copy *c = a && b ? fop_alloc(fop, sizeof(*c)) : NULL;

    if (!c) {
        fop_fail(fop, from && to ? ENOMEM : EINVAL);
        return;
    }
    bool a_first = a <= b;
    *c = (struct copy){.then = a == b ? NULL : a_first ? b : a};
    c->first = (struct wb_req){.end = UINT64_MAX, .modifies = a == b || !a_first, .stays = true, .go = first_goes};
    c->second = (struct wb_req){.end = UINT64_MAX, .modifies = a_first, .stays = true, .go = second_goes};
    wb_enter(a_first ? a : b, &c->first, fop);
}

/* ---- data ---------------------------------------------------------------------------------------------------------------- */

static bool is_full(struct wb *w)
{
    SCOPED_LOCK(&w->lock);
    return w->pending >= PENDING_MAX || w->pinned >= PINNED_MAX;
}

static bool may_be_behind(struct wb *w, const struct fop *fop)
{
    int flags = fop->fd ? fop->fd->flags | fop->in.write.flags : 0;

    return fop->fd && !fop->fd->anonymous && fop->in.write.size > 0 && fop->in.write.data.len == fop->in.write.size &&
           !(flags & (O_SYNC | O_DSYNC)) && !(wb_is(&w->strict_direct) && flags & O_DIRECT) && !wb_is(&w->pass_through) &&
           !atomic_load_explicit(&w->down, memory_order_relaxed) && !atomic_load_explicit(&w->hurry, memory_order_relaxed) && !is_full(w);
}

static void wb_write(struct xlator *xl, struct fop *fop)
{
    struct wb *w = xl->priv;
    struct inode *inode = wb_object(fop);
    struct wb_inode *in = inode ? wb_inode_make(xl, inode) : NULL;
    uint64_t offset = fop->in.write.offset, size = fop->in.write.size;
    int err = 0;

    if (!in) {
        fop_fail(fop, inode ? ENOMEM : EINVAL);
        return;
    }
    counter_add(&w->seen, 1);
    if (fop->fd) {
        SCOPED_LOCK(&in->lock);
        err = wb_error_take_locked(in, fop->fd, false);
    }
    if (err)
        fop_fail(fop, err);
    else if (may_be_behind(w, fop))
        wb_write_behind(in, fop);
    else if (wb_is(&w->strict_ordering) || (fop->fd && fop->fd->flags & O_APPEND))
        modify(xl, fop, 0, UINT64_MAX);
    else
        modify(xl, fop, offset, size > UINT64_MAX - offset ? UINT64_MAX : offset + size);
}

static int error_of(struct wb_req *r, bool of_others)
{
    SCOPED_LOCK(&r->in->lock);
    return r->err ? r->err : r->fop->fd ? wb_error_take_locked(r->in, r->fop->fd, of_others) : 0;
}

/* With err it is what is told; what else there is to tell stays for the next. */
static void fsync_goes(struct wb_req *r)
{
    r->err = error_of(r, true);
    go_on(r);
}

static void flush_failed(struct fop *fop, void *ctx)
{
    struct wb_req *r = ctx;

    fop_fail(fop, r->err);
}

/* The brick hears of it in any case: locks are given up with it. */
static void flush_goes(struct wb_req *r)
{
    r->err = error_of(r, false);
    if (r->err)
        fop_push(r->fop, flush_failed, r);
    r->fop->flags |= FOP_NOWAIT;
    fop_pass(r->xl, r->fop);
}

static void wb_fsync(struct xlator *xl, struct fop *fop)
{
    struct inode *inode = wb_object(fop);
    struct wb_inode *in = inode ? wb_inode_of(xl, inode) : NULL;

    if (in)
        enter(in, fop, 0, UINT64_MAX, false, fsync_goes);
    else
        fop_pass(xl, fop);
}

/* All that FLUSH does at a brick is to give up locks. Where nobody of ours has had one, and what is behind need not be waited for, it is
 * over. */
static void wb_flush(struct xlator *xl, struct fop *fop)
{
    struct wb *w = xl->priv;
    struct wb_inode *in = fop->fd ? wb_inode_of(xl, fop->fd->inode) : NULL;
    int err = 0;

    if (!fop->fd || !wb_is(&w->flush_behind) || (in && wb_flush_has_work(in, atomic_load_explicit(&w->down, memory_order_relaxed)))) {
        if (in)
            enter(in, fop, 0, UINT64_MAX, false, flush_goes);
        else
            fop_pass(xl, fop);
        return;
    }
    counter_add(&w->flushes, 1);
    if (in) {
        SCOPED_LOCK(&in->lock);
        err = wb_error_take_locked(in, fop->fd, false);
    }
    if (err)
        fop_fail(fop, err);
    else
        fop_complete(fop, 0, 0);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

static int wb_init(struct xlator *xl, struct err *err)
{
    struct wb *w = xl->priv;

    w->xl = xl;
    pthread_mutex_init(&w->lock, NULL);
    w->lock_made = true;
    w->end_work.run = end_on_loop;
    return 0;
}

static void wb_fini(struct xlator *xl)
{
    struct wb *w = xl->priv;

    if (w->lock_made)
        pthread_mutex_destroy(&w->lock);
}

/* The graph ends: those below must not hear of it before what is behind is written. */
static void parent_down(struct wb *w)
{
    bool behind;

    atomic_store_explicit(&w->hurry, true, memory_order_relaxed);
    pthread_mutex_lock(&w->lock);
    behind = w->pending > 0;
    if (behind && !w->ending) {
        w->hold.graph = w->xl->graph;
        process_hold(w->xl->graph->process, &w->hold, w->xl->name);
    }
    w->ending = true;
    pthread_mutex_unlock(&w->lock);
    if (behind)
        wb_push_all(w);
    else
        xlator_notify_down(w->xl, EVENT_PARENT_DOWN, NULL);
}

static void wb_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct wb *w = xl->priv;

    switch (event) {
    case EVENT_PARENT_DOWN:
        parent_down(w);
        break;
    case EVENT_PARENT_UP:
    case EVENT_RELOAD:
        xlator_notify_down(xl, event, data);
        break;
    case EVENT_CHILD_UP:
    case EVENT_CHILD_DOWN:
        atomic_store_explicit(&w->down, event == EVENT_CHILD_DOWN, memory_order_relaxed);
        xlator_notify_up(xl, event, data);
        break;
    default:
        xlator_notify_up(xl, event, data);
    }
}

static void wb_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    wb_inode_free(ctx);
}

static void wb_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    free(ctx);
}

static void wb_dump(struct xlator *xl, struct dump *d)
{
    struct wb *w = xl->priv;

    pthread_mutex_lock(&w->lock);
    unsigned int pending = w->pending;
    uint64_t pinned = w->pinned;
    pthread_mutex_unlock(&w->lock);
    dump_kv(d, "aggregate_size", "%llu", (unsigned long long)wb_size(&w->aggregate));
    dump_kv(d, "window_size", "%llu", (unsigned long long)wb_size(&w->window));
    dump_kv(d, "flush_behind", "%d", wb_is(&w->flush_behind));
    dump_kv(d, "trickling_writes", "%d", wb_is(&w->trickling));
    dump_kv(d, "behind", "%u", pending);
    dump_kv(d, "bytes_kept", "%llu", (unsigned long long)pinned);
    dump_kv(d, "writes_seen", "%lld", (long long)counter_get(&w->seen));
    dump_kv(d, "writes_answered_early", "%lld", (long long)counter_get(&w->answered_early));
    dump_kv(d, "writes_joined", "%lld", (long long)counter_get(&w->merged));
    dump_kv(d, "writes_sent", "%lld", (long long)counter_get(&w->sent));
    dump_kv(d, "bytes_sent", "%lld", (long long)counter_get(&w->sent_bytes));
    dump_kv(d, "writes_failed", "%lld", (long long)counter_get(&w->failed));
    dump_kv(d, "flushes_answered_here", "%lld", (long long)counter_get(&w->flushes));
    dump_kv(d, "operations_that_waited", "%lld", (long long)counter_get(&w->waited));
    dump_kv(d, "attributes_asked_again", "%lld", (long long)counter_get(&w->fresh));
}

const struct xlator_type write_behind_type = {
    .name = "performance/write-behind",
    .options = wb_options,
    .nr_options = array_len(wb_options),
    .priv_size = sizeof(struct wb),
    .inode_slot = true,
    .fd_slot = true,
    .init = wb_init,
    .fini = wb_fini,
    .notify = wb_notify,
    .forget = wb_forget,
    .release = wb_release,
    .dump = wb_dump,
    .on =
        {
            [FOP_WRITE] = wb_write,
            [FOP_FLUSH] = wb_flush,
            [FOP_FSYNC] = wb_fsync,
            [FOP_READ] = wb_read,
            [FOP_SEEK] = wb_read,
            [FOP_RCHECKSUM] = wb_read,
            /* They bring attributes with a size and times, or change these, or let others look. */
            [FOP_STAT] = wb_look,
            [FOP_FSTAT] = wb_look,
            [FOP_LINK] = wb_look,
            [FOP_RENAME] = wb_any_rename,
            [FOP_SETXATTR] = wb_look,
            [FOP_FSETXATTR] = wb_lk,
            [FOP_REMOVEXATTR] = wb_look,
            [FOP_FREMOVEXATTR] = wb_look,
            [FOP_XATTROP] = wb_look,
            [FOP_FXATTROP] = wb_look,
            [FOP_INODELK] = wb_look,
            [FOP_FINODELK] = wb_look,
            [FOP_LEASE] = wb_lk,
            [FOP_LK] = wb_lk,
            [FOP_LOOKUP] = wb_any_lookup,
            [FOP_CREATE] = wb_lookup,
            [FOP_READDIRP] = wb_readdirp,
            [FOP_OPEN] = wb_open,
            [FOP_TRUNCATE] = wb_modify,
            [FOP_FTRUNCATE] = wb_modify,
            [FOP_FALLOCATE] = wb_modify,
            [FOP_DISCARD] = wb_modify,
            [FOP_ZEROFILL] = wb_modify,
            [FOP_SETATTR] = wb_modify,
            [FOP_FSETATTR] = wb_modify,
            [FOP_COPY_FILE_RANGE] = wb_copy,
            [FOP_STATFS] = wb_statfs,
        },
};
