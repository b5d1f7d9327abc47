/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The way of an operation on handles: counted in a generation from vop_init() to vop_done(), so the graph stays as long.
 *
 *   vop_init()    an open volume: made for the active graph. Otherwise for the graph that is none: it has to wait.
 *   vop_submit()  waits if it has to; when it may go on, its fop is made anew for the graph that is active then.
 *   proceed()     handles become objects of the graph. What the graph does not know yet is looked up by gfid, one after the other.
 *   back()        results become handles. A lock that was interrupted only because the graph is exchanged goes to the start. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "pool.h"
#include "volume-impl.h"
#include "waiter.h"

static void proceed(struct vop *op);

/* ---- counted ------------------------------------------------------------------------------------------------------------- */

static void leave_locked(struct volume *v, struct generation *gen)
{
    if (--gen->users == 0 && v->state != VOLUME_OPEN)
        pthread_cond_broadcast(&v->changed);
}

void generation_leave(struct volume *v, struct generation *gen)
{
    SCOPED_LOCK(&v->lock);
    leave_locked(v, gen);
}

static void list_locked(struct volume *v, struct vop *op)
{
    op->unique = ++v->last_unique;
    op->all_next = v->running;
    if (op->all_next)
        op->all_next->all_prev = op;
    v->running = op;
}

static void unlist_locked(struct volume *v, struct vop *op)
{
    *(op->all_prev ? &op->all_prev->all_next : &v->running) = op->all_next;
    if (op->all_next)
        op->all_next->all_prev = op->all_prev;
}

unsigned int volume_running(struct volume *v, struct vop_brief *ret, unsigned int max)
{
    unsigned int n = 0;

    SCOPED_LOCK(&v->lock);
    for (const struct vop *op = v->running; op; op = op->all_next) {
        uint64_t since = atomic_load_explicit(&op->since_ns, memory_order_acquire); /* partner: vop_submit() */

        if (since && n < max)
            ret[n] = (struct vop_brief){.op = op->what, .uid = op->uid, .gid = op->gid, .pid = op->pid, .since_ns = since,
                                        .unique = op->unique};
        n += since != 0;
    }
    return n;
}

int vop_init(struct vop *op, struct volume *v, enum fop_op what)
{
    *op = (struct vop){.volume = v, .what = what};
    pthread_mutex_lock(&v->lock);
    op->gen = v->state == VOLUME_OPEN ? v->active : &v->nowhere;
    op->gen->users++;
    list_locked(v, op);
    pthread_mutex_unlock(&v->lock);
    op->fop = fop_new(op->gen->graph, what);
    if (op->fop)
        return 0;
    pthread_mutex_lock(&v->lock);
    unlist_locked(v, op);
    leave_locked(v, op->gen);
    pthread_mutex_unlock(&v->lock);
    return -ENOMEM;
}

void vop_done(struct vop *op)
{
    fop_free(op->fop);
    while (op->shells) {
        struct fop *shell = op->shells;
        op->shells = shell->owner_data;
        fop_free(shell);
    }
    vnode_unref(op->node);
    vnode_unref(op->parent);
    vnode_unref(op->node2);
    vnode_unref(op->parent2);
    vnode_unref(op->out_node);
    vfile_unref(op->file);
    vfile_unref(op->file2);
    vfile_unref(op->out_file);
    SCOPED_LOCK(&op->volume->lock);
    unlist_locked(op->volume, op);
    leave_locked(op->volume, op->gen);
}

static void fail(struct vop *op, int err)
{
    op->fop->ret = -1;
    op->fop->err = err;
    op->done(op, op->ctx);
}

/* Another fop for the same arguments. The old one stays, because texts and groups are in its arena, but holds nothing of a graph. */
static int remake(struct vop *op, struct graph *g)
{
    struct fop *old = op->fop, *fop = fop_new(g, old->op);

    if (!fop)
        return -ENOMEM;
    fop->flags = old->flags;
    fop->cred = old->cred;
    fop->in = old->in;
    memset(&old->in, 0, sizeof(old->in));
    fop->xdata = old->xdata;
    old->xdata = NULL;
    fop->owner_data = old->owner_data;
    memcpy(fop->loc.name, old->loc.name, sizeof(fop->loc.name));
    memcpy(fop->loc2.name, old->loc2.name, sizeof(fop->loc2.name));
    inode_unref(old->loc.inode);
    inode_unref(old->loc.parent);
    inode_unref(old->loc2.inode);
    inode_unref(old->loc2.parent);
    fd_unref(old->fd);
    fd_unref(old->fd2);
    old->loc.inode = old->loc.parent = old->loc2.inode = old->loc2.parent = NULL;
    old->fd = old->fd2 = NULL;
    old->graph = &op->volume->none;
    old->owner_data = op->shells;
    op->shells = old;
    op->fop = fop;
    return 0;
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------- */

static void queue_locked(struct volume *v, struct vop *op)
{
    op->queued = true;
    op->next = NULL;
    op->prev = v->waiting_last;
    *(op->prev ? &op->prev->next : &v->waiting) = op;
    v->waiting_last = op;
    v->nr_waiting++;
}

static void unqueue_locked(struct volume *v, struct vop *op)
{
    op->queued = false;
    *(op->prev ? &op->prev->next : &v->waiting) = op->next;
    *(op->next ? &op->next->prev : &v->waiting_last) = op->prev;
    op->prev = op->next = NULL;
    v->nr_waiting--;
}

/* From nowhere into the active graph. False: it waits, or has been answered. */
static bool enter(struct vop *op)
{
    struct volume *v = op->volume;
    int failed = 0;

    pthread_mutex_lock(&v->lock);
    if (op->interrupted) {
        failed = EINTR;
    } else if (v->state == VOLUME_OPEN) {
        op->gen->users--;
        op->gen = v->active;
        op->gen->users++;
    } else if (v->state == VOLUME_WAITING || v->state == VOLUME_MOVING) {
        queue_locked(v, op);
        pthread_mutex_unlock(&v->lock);
        return false;
    } else {
        failed = ENOTCONN;
    }
    pthread_mutex_unlock(&v->lock);
    if (!failed && remake(op, op->gen->graph) < 0)
        failed = ENOMEM;
    if (failed)
        fail(op, failed);
    return !failed;
}

void vop_release_waiting(struct volume *v)
{
    for (;;) {
        struct vop *op;

        pthread_mutex_lock(&v->lock);
        op = v->state == VOLUME_OPEN || v->state == VOLUME_ENDING ? v->waiting : NULL;
        if (op)
            unqueue_locked(v, op);
        pthread_mutex_unlock(&v->lock);
        if (!op)
            return;
        op->fop->flags |= FOP_NOWAIT; /* we may be on a poller */
        if (enter(op))
            proceed(op);
    }
}

/* ---- down ---------------------------------------------------------------------------------------------------------------- */

static bool waits_for_lock(const struct fop *fop)
{
    return fop->op == FOP_LK && fop->in.lk.cmd == LK_SETW && fop->in.lk.flock.type != RANGE_UNLOCK;
}

struct lookup {
    struct vop *op;
    struct vnode *vn;
};

static void looked_up(struct fop *fop, void *ctx)
{
    struct lookup *l = ctx;
    struct vop *op = l->op;
    int err = fop->ret < 0 ? fop->err : 0;

    if (err)
        inode_drop(fop->loc.inode);
    else
        vnode_bind(l->vn, op->gen, fop->out.inode ? fop->out.inode : fop->loc.inode);
    fop_free(fop);
    if (err)
        fail(op, err == ENOENT ? ESTALE : err);
    else
        proceed(op);
}

/* 1: proceed() is called again when the answer is there, and perhaps has been already. */
static int look_up(struct vop *op, struct vnode *vn)
{
    struct graph *g = op->gen->graph;
    struct fop *fop = fop_new(g, FOP_LOOKUP);
    struct lookup *l = fop ? fop_alloc(fop, sizeof(*l)) : NULL;

    if (!l || !(fop->loc.inode = inode_get(g->inodes, vnode_gfid(vn)))) {
        fop_free(fop);
        return -ENOMEM;
    }
    *l = (struct lookup){.op = op, .vn = vn};
    fop->flags = op->fop->flags & FOP_NOWAIT;
    fop_push(fop, looked_up, l);
    fop_submit(op->gen->top, fop);
    return 1;
}

static int bind_node(struct vop *op, struct vnode *vn, struct inode **to)
{
    if (!vn || *to)
        return 0;
    *to = vnode_inode(vn, op->gen);
    return *to ? 0 : look_up(op, vn);
}

static int bind_file(struct vop *op, struct vfile *f, struct fd **to)
{
    if (!f || *to)
        return 0;
    *to = vfile_fd(f, op->gen);
    return *to ? 0 : -EBADFD;
}

static int bind(struct vop *op)
{
    struct fop *fop = op->fop;
    int r;

    if ((r = bind_file(op, op->file, &fop->fd)) || (r = bind_file(op, op->file2, &fop->fd2)))
        return r;
    if ((r = bind_node(op, op->parent, &fop->loc.parent)) || (r = bind_node(op, op->node, &fop->loc.inode)))
        return r;
    if ((r = bind_node(op, op->parent2, &fop->loc2.parent)))
        return r;
    return bind_node(op, op->node2, &fop->loc2.inode);
}

static bool list_blocked(struct vop *op)
{
    struct volume *v = op->volume;

    SCOPED_LOCK(&v->lock);
    if (op->interrupted)
        return false;
    op->blocked = true;
    op->prev = NULL;
    op->next = v->blocked;
    if (op->next)
        op->next->prev = op;
    v->blocked = op;
    return true;
}

/* True: it was interrupted for the sake of an exchange, and by nobody else. */
static bool unlist_blocked(struct vop *op)
{
    struct volume *v = op->volume;

    SCOPED_LOCK(&v->lock);
    *(op->prev ? &op->prev->next : &v->blocked) = op->next;
    if (op->next)
        op->next->prev = op->prev;
    op->prev = op->next = NULL;
    op->blocked = false;
    return op->moved && !op->interrupted;
}

static void note_locks(struct vop *op)
{
    const struct fop *fop = op->fop;
    struct vnode *vn = op->file ? op->file->node : NULL;

    if (!vn)
        return;
    if (fop->op == FOP_LK && (fop->in.lk.cmd == LK_SET || fop->in.lk.cmd == LK_SETW))
        vnode_note_lock(vn, op->file, &fop->in.lk.flock, &fop->cred); /* without memory the lock does not survive an exchange */
    else if (fop->op == FOP_FLUSH)
        vnode_drop_locks(vn, fop->cred.owner_len ? NULL : op->file, &fop->cred);
}

static int take_results(struct vop *op)
{
    struct fop_out *out = &op->fop->out;

    if (out->inode && !op->out_node) {
        op->out_node = vnode_get(op->volume, out->inode->gfid);
        if (!op->out_node)
            return -ENOMEM;
        vnode_bind(op->out_node, op->gen, out->inode);
    }
    if (out->fd) {
        struct vnode *vn = op->out_node ? op->out_node : op->node;

        op->out_file = vn ? vfile_new(vn, op->gen, out->fd) : NULL;
        if (!op->out_file)
            return -ENOMEM;
    }
    return 0;
}

static void back(struct fop *fop, void *ctx)
{
    struct vop *op = ctx;
    bool again = op->blocked && unlist_blocked(op) && fop->ret < 0 && fop->err == EINTR;

    if (again) {
        struct generation *gen = op->gen;
        int failed = remake(op, &op->volume->none);

        op->moved = false;
        if (failed) {
            fail(op, ENOMEM);
            return;
        }
        pthread_mutex_lock(&op->volume->lock);
        op->gen = &op->volume->nowhere;
        op->gen->users++;
        pthread_mutex_unlock(&op->volume->lock);
        generation_leave(op->volume, gen);
        op->fop->flags |= FOP_NOWAIT;
        if (enter(op))
            proceed(op);
        return;
    }
    if (fop->ret >= 0 && take_results(op) < 0) {
        fop->ret = -1;
        fop->err = ENOMEM;
    }
    if (fop->ret >= 0)
        note_locks(op);
    op->done(op, op->ctx);
}

static void proceed(struct vop *op)
{
    int r = bind(op);

    if (r > 0)
        return; /* op may be gone */
    if (r == 0 && waits_for_lock(op->fop) && !list_blocked(op))
        r = -EINTR;
    if (r < 0) {
        fail(op, -r);
        return;
    }
    fop_push(op->fop, back, op);
    fop_submit(op->gen->top, op->fop);
}

void vop_submit(struct vop *op, vop_done_fn done, void *ctx)
{
    op->done = done;
    op->ctx = ctx;
    op->uid = op->fop->cred.uid;
    op->gid = op->fop->cred.gid;
    op->pid = op->fop->cred.pid;
    atomic_store_explicit(&op->since_ns, clock_ns(), memory_order_release); /* partner: volume_running() */
    if (op->gen != &op->volume->nowhere || enter(op))
        proceed(op);
}

/* ---- interrupts ---------------------------------------------------------------------------------------------------------- */
/* A waiting lock is at the brick, which is asked to end it: features/locks answers it EINTR. */

static void asked(struct fop *fop, void *ctx)
{
    struct generation *gen = ctx;

    fop_free(fop);
    generation_leave(gen->volume, gen);
}

static void ask(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct generation *gen = fop->job_ctx;

    fop_push(fop, asked, gen);
    fop_submit(gen->top, fop);
}

/* The question, on its way to the pool: whoever interrupts must not be the one who hears the answer. */
static void ask_locked(struct vop *op)
{
    const struct flock_range *r = &op->fop->in.lk.flock;
    struct fop *fop = op->fop->fd ? fop_new(op->gen->graph, FOP_FGETXATTR) : NULL;
    char name[96];
    int n = snprintf(name, sizeof(name), "glusterfs.intrlk.tposix.kblocked.%u,%" PRId64 "-%" PRId64, r->whence, r->start, r->len);

    if (!fop)
        return;
    fop->in.getxattr.name = fop_str(fop, name, (size_t)n);
    if (!fop->in.getxattr.name) {
        fop_free(fop);
        return;
    }
    fop->fd = fd_ref(op->fop->fd);
    fop->cred = op->fop->cred;
    fop->cred.groups = NULL;
    fop->cred.nr_groups = 0;
    op->gen->users++;
    fop->job_ctx = op->gen;
    fop->job = (struct job){.run = ask, .class = CLASS_HIGH};
    pool_add(op->volume->process->pool, &fop->job);
}

void vop_interrupt_blocked(struct volume *v)
{
    SCOPED_LOCK(&v->lock);
    for (struct vop *op = v->blocked; op; op = op->next) {
        op->moved = true;
        ask_locked(op);
    }
}

static void give_up(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct vop *op = fop->job_ctx;

    fail(op, EINTR);
}

void vop_interrupt(struct vop *op)
{
    struct volume *v = op->volume;

    SCOPED_LOCK(&v->lock);
    op->interrupted = true;
    if (op->blocked) {
        ask_locked(op);
    } else if (op->queued) {
        unqueue_locked(v, op);
        op->fop->job_ctx = op;
        op->fop->job = (struct job){.run = give_up, .class = CLASS_HIGH};
        pool_add(v->process->pool, &op->fop->job);
    }
}

/* ---- for those who may wait ---------------------------------------------------------------------------------------------- */

static void vop_woken(struct vop *op, void *ctx)
{
    waiter_wake(ctx);
}

void vop_run(struct vop *op)
{
    struct waiter w;

    waiter_begin(&w);
    vop_submit(op, vop_woken, &w);
    waiter_wait(&w);
}

static void fop_woken(struct fop *fop, void *ctx)
{
    waiter_wake(ctx);
}

void generation_run(struct generation *gen, struct fop *fop)
{
    struct waiter w;

    waiter_begin(&w);
    fop_push(fop, fop_woken, &w);
    fop_submit(gen->top, fop);
    waiter_wait(&w);
}

struct called {
    struct loop_work work;
    struct waiter waiter;
    void (*fn)(void *arg);
    void *arg;
};

static void call(struct loop_work *w)
{
    struct called *c = container_of(w, struct called, work);

    c->fn(c->arg);
    waiter_wake(&c->waiter);
}

void loop_call(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct called c = {.work.run = call, .fn = fn, .arg = arg};

    waiter_begin(&c.waiter);
    loop_post(l, &c.work);
    waiter_wait(&c.waiter);
}
