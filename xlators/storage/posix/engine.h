/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* engine.h: transfers that no thread of ours waits for: one read, write or fsync of a descriptor is handed to the kernel, and a
 * function is called when it is done. Two adapters: engine-uring.c (io_uring) and engine-aio.c (native AIO).
 *
 * Lifetime  engine_new() has the kernel agree, or says why not. engine_free() waits until all that was taken has come back; nobody
 *           submits meanwhile.
 * Threads   engine_submit(): any that may wait, where type->waits; else any. done() runs on the engine's one thread, with no lock
 *           held, and must not wait: it keeps the others' completions back.
 * Memory    The engine_io, what iov points to and its bytes stay until done().
 * Bound     ENGINE_DEPTH transfers at once. Beyond it engine_submit() says -EAGAIN: whoever asked does it in another way. */
#ifndef POSIX_ENGINE_H
#define POSIX_ENGINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "counter.h"
#include "handover.h"

#define ENGINE_DEPTH 512 /* of each 1 MiB at most: half a gigabyte of buffers; a disk's queue is 32 to 1,024 deep */

enum engine_what { ENGINE_READ, ENGINE_WRITE, ENGINE_FSYNC, ENGINE_FDATASYNC };

struct engine_io {
    enum engine_what what;
    int fd;
    const struct iovec *iov;
    unsigned int nr_iov;                              /* at most IOV_MAX */
    off_t offset;
    void (*done)(struct engine_io *io, ssize_t r);    /* bytes, which may be fewer than asked for, or -errno */
    /* the engine's */
    struct handover_node node;
    uint64_t own[8];
};

struct engine;
struct engine_type {
    const char *name;
    bool waits;                                       /* submit() may wait for the disk: not for pollers */
    bool direct_only;                                 /* of reads and writes it takes only those of O_DIRECT descriptors off our hands */
    int (*start)(struct engine *e);                   /* on the engine's thread. 0, or -errno: the kernel does not want to */
    int (*submit)(struct engine *e, struct engine_io *io);
    /* on the engine's thread: waits, hands results to engine_done(). false: was woken to end */
    bool (*turn)(struct engine *e);
    void (*wake)(struct engine *e);                   /* turn() shall return false when nothing is under way */
    void (*stop)(struct engine *e);                   /* on the engine's thread, the last */
};
extern const struct engine_type engine_uring, engine_aio;

struct engine {
    const struct engine_type *type;
    void *own;                                        /* the type's */
    pthread_t thread;
    struct census *census;
    atomic_uint in_flight, submitting;
    counter_t taken, refused;                         /* refused: the bound was reached, or the kernel did not take it */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum { ENGINE_STARTING, ENGINE_RUNNING, ENGINE_FAILED } state; /* lock */
    int err;                                          /* lock; why it failed */
};

int engine_new(const struct engine_type *type, struct census *census, struct engine **ret);
/* 0: done() is called, exactly once. Else nothing happened. */
int engine_submit(struct engine *e, struct engine_io *io);
void engine_free(struct engine *e);                           /* NULL is fine */
void engine_done(struct engine *e, struct engine_io *io, ssize_t r); /* for the types */

#endif
