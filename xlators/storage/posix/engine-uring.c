/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* engine-uring.c: transfers through io_uring.
 *
 * The kernel ties a request to the thread that submits it, and cancels it when that thread ends; pollers and workers come and go. So
 * the engine's thread alone touches the ring: others put what they have into a queue and wake it when the queue was empty, and what has
 * come meanwhile goes to the kernel in one call, the one that also waits. */
#include "config.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"
#include "util.h"

struct uring {
    struct io_uring ring;
    struct handover queue;
    int wake_fd;
    uint64_t wakes;             /* where the kernel puts what it reads from wake_fd */
    bool listening;             /* such a read is under way */
    atomic_bool ending;
};

static bool can(struct uring *u)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(&u->ring);
    bool all = probe;
    static const int need[] = {IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_READ};
    for (unsigned int i = 0; all && i < array_len(need); i++)
        all = io_uring_opcode_supported(probe, need[i]);
    io_uring_free_probe(probe);
    return all;
}

static void uring_free(struct uring *u)
{
    if (u->wake_fd >= 0)
        close(u->wake_fd);
    free(u);
}

static int uring_start(struct engine *e)
{
    struct uring *u = calloc(1, sizeof(*u));
    if (!u)
        return -ENOMEM;
    handover_init(&u->queue);
    u->wake_fd = eventfd(0, EFD_CLOEXEC); /* one that blocks: a read of it stays under way until there is something */
    int r = u->wake_fd < 0 ? -errno : 0;
    if (r == 0) { /* the newer way wakes us only where we wait; kernels before 6.1 do not know it */
        struct io_uring_params with = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
                                       .cq_entries = 2 * ENGINE_DEPTH};
        r = io_uring_queue_init_params(ENGINE_DEPTH / 2, &u->ring, &with);
        if (r == -EINVAL) {
            struct io_uring_params without = {.flags = IORING_SETUP_CQSIZE, .cq_entries = 2 * ENGINE_DEPTH};
            r = io_uring_queue_init_params(ENGINE_DEPTH / 2, &u->ring, &without);
        }
    }
    if (r < 0) {
        uring_free(u);
        return r;
    }
    if (!can(u)) {
        io_uring_queue_exit(&u->ring);
        uring_free(u);
        return -ENOSYS;
    }
    e->own = u;
    return 0;
}

static int uring_submit(struct engine *e, struct engine_io *io)
{
    struct uring *u = e->own;
    if (handover_put(&u->queue, &io->node))
        wakefd_wake(u->wake_fd);
    return 0;
}

static void prepare(struct io_uring_sqe *q, struct engine_io *io)
{
    switch (io->what) {
    case ENGINE_READ:
        io_uring_prep_readv(q, io->fd, io->iov, io->nr_iov, (uint64_t)io->offset);
        break;
    case ENGINE_WRITE:
        io_uring_prep_writev(q, io->fd, io->iov, io->nr_iov, (uint64_t)io->offset);
        break;
    case ENGINE_FSYNC:
    case ENGINE_FDATASYNC:
        io_uring_prep_fsync(q, io->fd, io->what == ENGINE_FDATASYNC ? IORING_FSYNC_DATASYNC : 0);
        break;
    }
    io_uring_sqe_set_data(q, io);
}

/* A full submission queue is emptied into the kernel first; if that fails for now the rest stays in our queue until the next turn. */
static struct io_uring_sqe *next_sqe(struct uring *u)
{
    struct io_uring_sqe *q = io_uring_get_sqe(&u->ring);
    if (!q && io_uring_submit(&u->ring) > 0)
        q = io_uring_get_sqe(&u->ring);
    return q;
}

static void listen_for_wakes(struct uring *u)
{
    struct io_uring_sqe *q = u->listening ? NULL : next_sqe(u);
    if (!q)
        return;
    io_uring_prep_read(q, u->wake_fd, &u->wakes, sizeof(u->wakes), 0);
    io_uring_sqe_set_data(q, NULL);
    u->listening = true;
}

/* Whatever the call says (-EINTR, -EAGAIN, -EBUSY): what the kernel did not take stays in the ring and goes with the next one. */
static void submit_and_wait(struct uring *u)
{
    int r = io_uring_submit_and_wait(&u->ring, 1);
    if (r < 0 && r != -EINTR)
        usleep(1000); /* short of memory: nothing that we could wait for */
}

static bool uring_turn(struct engine *e)
{
    struct uring *u = e->own;
    struct io_uring_sqe *q;
    struct io_uring_cqe *c;
    bool ending = atomic_load_explicit(&u->ending, memory_order_acquire); /* partner: uring_wake() */
    if (ending && atomic_load_explicit(&e->in_flight, memory_order_acquire) == 0)
        return false;
    if (!ending)
        listen_for_wakes(u);
    while (!handover_empty(&u->queue) && (q = next_sqe(u)))
        prepare(q, container_of(handover_take(&u->queue), struct engine_io, node));
    submit_and_wait(u);
    while (io_uring_peek_cqe(&u->ring, &c) == 0) {
        struct engine_io *io = io_uring_cqe_get_data(c);
        int r = c->res;
        io_uring_cqe_seen(&u->ring, c);
        if (io)
            engine_done(e, io, r);
        else
            u->listening = false;
    }
    return true;
}

static void uring_wake(struct engine *e)
{
    struct uring *u = e->own;
    atomic_store_explicit(&u->ending, true, memory_order_release);
    wakefd_wake(u->wake_fd);
}

static void uring_stop(struct engine *e)
{
    struct uring *u = e->own;
    io_uring_queue_exit(&u->ring);
    uring_free(u);
}

const struct engine_type engine_uring = {
    .name = "io_uring",
    .start = uring_start,
    .submit = uring_submit,
    .turn = uring_turn,
    .wake = uring_wake,
    .stop = uring_stop,
};
