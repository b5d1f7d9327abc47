/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* engine-aio.c: transfers through the kernel's native AIO.
 *
 * io_submit() returns at once for O_DIRECT transfers and for fsync. A transfer through the page cache it carries out itself, however
 * long that takes; hence direct_only, and nobody submits who may not wait (a direct write may wait for blocks to be found).
 * io_getevents() cannot be woken but by an event: there is a poll of an eventfd under way all the time. */
#include "config.h"

#include <errno.h>
#include <libaio.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"
#include "util.h"

#define EVENTS 64

struct aio {
    io_context_t ctx;
    int wake_fd;
    struct iocb wake;
    atomic_bool ending;
};
_Static_assert(sizeof(struct iocb) <= sizeof(((struct engine_io *)NULL)->own), "engine_io.own holds a control block");

static void aio_free(struct aio *a)
{
    if (a->ctx)
        io_destroy(a->ctx);
    if (a->wake_fd >= 0)
        close(a->wake_fd);
    free(a);
}

static int aio_start(struct engine *e)
{
    struct aio *a = calloc(1, sizeof(*a));
    struct iocb *wake = a ? &a->wake : NULL;
    if (!a)
        return -ENOMEM;
    a->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int r = a->wake_fd < 0 ? -errno : io_setup(ENGINE_DEPTH + 1, &a->ctx);
    if (r == 0) {
        io_prep_poll(wake, a->wake_fd, POLLIN);
        r = min_of(io_submit(a->ctx, 1, &wake), 0);
    }
    if (r < 0)
        aio_free(a);
    else
        e->own = a;
    return r;
}

static int aio_submit(struct engine *e, struct engine_io *io)
{
    struct aio *a = e->own;
    struct iocb *cb = (struct iocb *)io->own;
    switch (io->what) {
    case ENGINE_READ:
        io_prep_preadv(cb, io->fd, io->iov, (int)io->nr_iov, io->offset);
        break;
    case ENGINE_WRITE:
        io_prep_pwritev(cb, io->fd, io->iov, (int)io->nr_iov, io->offset);
        break;
    case ENGINE_FSYNC:
        io_prep_fsync(cb, io->fd);
        break;
    case ENGINE_FDATASYNC:
        io_prep_fdsync(cb, io->fd);
        break;
    }
    cb->data = io;
    int r = io_submit(a->ctx, 1, &cb);
    return r == 1 ? 0 : r == 0 ? -EAGAIN : r;
}

static bool aio_turn(struct engine *e)
{
    struct aio *a = e->own;
    struct io_event event[EVENTS];
    int n = io_getevents(a->ctx, 1, EVENTS, event, NULL); /* -EINTR: somebody traces us */
    for (int i = 0; i < n; i++)
        if (event[i].data)
            engine_done(e, event[i].data, (long)event[i].res);
    bool ending = atomic_load_explicit(&a->ending, memory_order_acquire); /* partner: aio_wake() */
    return !ending || atomic_load_explicit(&e->in_flight, memory_order_acquire) > 0;
}

static void aio_wake(struct engine *e)
{
    struct aio *a = e->own;
    atomic_store_explicit(&a->ending, true, memory_order_release);
    wakefd_wake(a->wake_fd);
}

static void aio_stop(struct engine *e)
{
    aio_free(e->own);
}

const struct engine_type engine_aio = {
    .name = "linux-aio",
    .waits = true,
    .direct_only = true,
    .start = aio_start,
    .submit = aio_submit,
    .turn = aio_turn,
    .wake = aio_wake,
    .stop = aio_stop,
};
