/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* flight.c: READ, WRITE and FSYNC whose transfer an engine carries (options linux-io_uring, linux-aio), so that no thread waits for it.
 *
 *   start     checks, attributes before, buffers; then the transfer is submitted. On a worker, or on the poller when nothing can wait there
 *   leg       one transfer of the engine's; a short one that is not at the end is followed by another
 *   end       time record, attributes after, answer. On the engine's thread when nothing waits there; else on a worker, which also does
 *             what the engine did not take: it was full, or the kernel has changed its mind (a cancelled request, a signal)
 *
 * A WRITE that must be alone (xdata) holds a lock while it writes, and one that O_DIRECT does not fit needs another descriptor: both stay
 * with workers. Until its end the fop is counted in pnode.pending as one that is with the workers, so later ones do not overtake it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "posix.h"

#define LEG_PIECES 64 /* parts of a buffer vector in one transfer; the others follow in the next */

struct flight {
    struct engine_io io;
    struct posix *p;
    struct fop *fop;             /* its arena has us */
    struct engine *engine;
    struct pnode *pending;       /* where it is counted, or NULL */
    struct obj o;
    struct slicev copy;          /* of a direct WRITE: aligned */
    const struct slicev *data;   /* NULL: FSYNC */
    off_t offset;
    size_t done;
    bool over;                   /* the transfer is, with this result: */
    ssize_t result;
    struct iovec iov[];
};

struct manoeuvre {
    int (*begin)(struct posix *p, struct fop *fop, struct obj *o, bool wait);
    int (*end)(struct posix *p, struct fop *fop, struct obj *o, ssize_t n);
};
static const struct manoeuvre *manoeuvre(const struct fop *fop)
{
    static const struct manoeuvre read = {read_begin, read_end}, write = {write_begin, write_end}, sync = {fsync_begin, fsync_end};
    return fop->op == FOP_READ ? &read : fop->op == FOP_WRITE ? &write : fop->op == FOP_FSYNC ? &sync : NULL;
}

/* ---- the end ---- */

static void flight_end(struct flight *f)
{
    struct posix *p = f->p;
    struct fop *fop = f->fop;
    int r = f->result < 0 ? (int)f->result : manoeuvre(fop)->end(p, fop, &f->o, f->result);
    obj_done(&f->o);
    slicev_done(&f->copy);
    if (f->pending)
        atomic_fetch_sub_explicit(&f->pending->pending, 1, memory_order_release); /* partner: the acquire in posix_fop() */
    posix_finish(fop, r);
}

static void on_worker(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);
    struct flight *f = fop->job_ctx;
    fop->flags &= ~(unsigned int)FOP_NOWAIT;
    if (!f->over)
        f->result = f->data ? data_transfer(f->p, fop, &f->o, f->done) : sync_file(fop, f->o.fd);
    else if (f->result >= 0 && fop->op == FOP_WRITE && fop->in.write.flags & (O_SYNC | O_DSYNC) && fsync(f->o.fd) < 0)
        f->result = -errno;
    flight_end(f);
}

static void to_worker(struct flight *f)
{
    struct fop *fop = f->fop;
    fop->job_ctx = f;
    fop->job = (struct job){.run = on_worker, .owner = fop->client, .class = fop->class};
    pool_add(f->p->process->pool, &fop->job);
}

/* A time record is a write to the journal; a descriptor of this use only is closed; times that are not in memory are read. (A lock that
 * is taken between this look and the end is held for one of these things by another.) */
static bool end_waits(const struct flight *f)
{
    const struct fop *fop = f->fop;
    struct mdata m;
    bool stamp = f->data && fop->cred.time_flags && LIVE(f->p, ctime);
    bool sync = fop->op == FOP_WRITE && fop->in.write.flags & (O_SYNC | O_DSYNC);
    return stamp || sync || f->o.close_fd || mdata_try(f->p, f->o.node, &m) < 0;
}

/* ---- the transfer ---- */

static int next_leg(struct flight *f)
{
    if (f->data) {
        f->io.nr_iov = slicev_iov(f->data, f->done, f->iov, min_of(f->data->n, (unsigned int)LEG_PIECES));
        f->io.offset = f->offset + (off_t)f->done;
    }
    return engine_submit(f->engine, &f->io);
}

static bool at_end(const struct flight *f)
{
    return f->done == f->data->len || (f->fop->op == FOP_READ && f->offset + (off_t)f->done >= f->o.st.st_size);
}

/* On the engine's thread. */
static void leg_done(struct engine_io *io, ssize_t r)
{
    struct flight *f = container_of(io, struct flight, io);
    if (r == -EINTR || r == -EAGAIN || r == -ECANCELED) { /* nothing was transferred */
        to_worker(f);
        return;
    }
    if (f->data && r > 0) {
        f->done += (size_t)r;
        if (!at_end(f)) {
            if (f->engine->type->waits || next_leg(f) < 0)
                to_worker(f);
            return;
        }
    }
    f->over = true;
    f->result = f->data && f->done ? (ssize_t)f->done : r; /* an error after a part: the part counts, as with pwrite() */
    if (end_waits(f)) {
        to_worker(f);
        return;
    }
    f->fop->flags |= FOP_NOWAIT; /* nor may those above us wait on this thread */
    flight_end(f);
}

/* ---- the start ---- */

static bool takes(struct posix *p, const struct fop *fop, const struct engine *e)
{
    if (fop->op == FOP_FSYNC)
        return true;
    if (fop->op == FOP_WRITE && (fop->in.write.size == 0 || write_alone(fop)))
        return false;
    bool direct = is_direct(p, fop);
    return direct ? data_aligned(fop) : !e->type->direct_only;
}

static enum engine_what what_of(const struct fop *fop)
{
    switch (fop->op) {
    case FOP_READ:
        return ENGINE_READ;
    case FOP_WRITE:
        return ENGINE_WRITE;
    default:
        return fop->in.fsync.data_only ? ENGINE_FDATASYNC : ENGINE_FSYNC;
    }
}

static bool begin(struct posix *p, struct fop *fop, struct pnode *pending, struct engine *e, bool wait)
{
    unsigned int pieces = fop->op == FOP_WRITE ? fop->in.write.data.n : fop->op == FOP_READ ? (unsigned int)(READ_MAX / MiB) : 0;
    struct flight *f = fop_alloc(fop, sizeof(*f) + min_of(pieces, (unsigned int)LEG_PIECES) * sizeof(struct iovec));
    if (!f)
        return false;
    f->p = p;
    f->fop = fop;
    f->engine = e;
    f->pending = pending;
    f->o = (struct obj){.kind = OBJ_NONE, .fd = -1};
    int r = manoeuvre(fop)->begin(p, fop, &f->o, wait);
    if (r == -EAGAIN && !wait) {
        obj_done(&f->o);
        return false;
    }
    if (r == 0 && fop->op == FOP_WRITE && is_direct(p, fop))
        r = write_aligned(p, fop, &f->copy);
    if (r < 0) {
        f->result = r;
        flight_end(f);
        return true;
    }
    f->io.what = what_of(fop);
    f->io.fd = f->o.fd;
    f->io.iov = f->iov;
    f->io.done = leg_done;
    f->data = fop->op == FOP_READ ? &fop->out.data : fop->op == FOP_WRITE ? &fop->in.write.data : NULL;
    if (f->copy.n)
        f->data = &f->copy;
    f->offset = (off_t)(fop->op == FOP_READ ? fop->in.read.offset : fop->in.write.offset);
    if (next_leg(f) < 0)
        to_worker(f); /* its turn in the pool: whoever is here may be a poller */
    return true;
}

bool flight_start(struct posix *p, struct fop *fop, struct pnode *pending)
{
    struct engine *e = manoeuvre(fop) ? atomic_load_explicit(&p->engine, memory_order_acquire) : NULL; /* partner: engines_set() */
    return e && takes(p, fop, e) && begin(p, fop, pending, e, true);
}

bool flight_try(struct posix *p, struct fop *fop, struct pnode *pending)
{
    struct engine *e = manoeuvre(fop) ? atomic_load_explicit(&p->engine, memory_order_acquire) : NULL; /* partner: engines_set() */
    if (!e || e->type->waits || !takes(p, fop, e))
        return false;
    const struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    bool guarded = fop->op == FOP_WRITE && (dict_count(fop->xdata) || space_full(p));
    return f && !f->is_dir && f->fd >= 0 && !guarded && begin(p, fop, pending, e, false);
}

/* ---- which engine ---- */

static const struct {
    const struct engine_type *type;
    const char *option;
/* the better first */
} kinds[NR_ENGINES] = {[ENGINE_URING] = {&engine_uring, "linux-io_uring"}, [ENGINE_AIO] = {&engine_aio, "linux-aio"}};

static bool engine_ready(struct posix *p, unsigned int i)
{
    if (p->engines[i] || p->engine_refused[i])
        return p->engines[i];
    int r = engine_new(kinds[i].type, p->process->env.census, &p->engines[i]);
    p->engine_refused[i] = r < 0;
    if (r < 0)
        log_warning(p->xl->name, "option %s: the kernel refuses it: %s: transfers are done as without this option", kinds[i].option,
                    strerror(-r));
    return r == 0;
}

void engines_set(struct posix *p)
{
    const enum io_engine word = p->process->io_engine; /* --io-engine is above the volume's options */
    const bool by_volume = word == IO_BY_VOLUME;
    const bool wanted[NR_ENGINES] = {[ENGINE_URING] = by_volume ? p->linux_io_uring : word == IO_URING,
                                     [ENGINE_AIO] = by_volume && p->linux_aio};
    struct engine *use = NULL;
    for (unsigned int i = 0; i < NR_ENGINES; i++) {
        p->engine_refused[i] &= wanted[i];
        if (!use && wanted[i] && engine_ready(p, i))
            use = p->engines[i];
        else if (use && wanted[i])
            log_info(p->xl->name, "option %s has no effect: transfers are done by %s", kinds[i].option, use->type->name);
    }
    struct engine *was = atomic_exchange_explicit(&p->engine, use, memory_order_acq_rel); /* partner: the acquire in flight_start() */
    if (use != was)
        log_info(p->xl->name, "transfers are done by %s", use ? use->type->name : "workers");
}

void engines_stop(struct posix *p)
{
    for (unsigned int i = 0; i < NR_ENGINES; i++) {
        engine_free(p->engines[i]);
        p->engines[i] = NULL;
    }
}

void flight_dump(struct posix *p, struct dump *d)
{
    struct engine *e = atomic_load_explicit(&p->engine, memory_order_acquire);
    dump_kv(d, "engine", "%s", e ? e->type->name : "none");
    for (unsigned int i = 0; i < NR_ENGINES; i++) { /* what was switched off may have transfers under way */
        char key[64];
        e = p->engines[i];
        if (!e)
            continue;
        snprintf(key, sizeof(key), "engine.%s", e->type->name);
        dump_kv(d, key, "in_flight %u, taken %lld, refused %lld", atomic_load(&e->in_flight), (long long)counter_get(&e->taken),
                (long long)counter_get(&e->refused));
    }
}
