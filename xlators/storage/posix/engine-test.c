/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The engines by themselves, on files and pipes. Where the kernel has none of a kind, its tests say so and skip. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"
#include "util.h"

#define BLOCK 4096
#define N 200
#define NO_FD 1000000000

static struct census census;

struct one {
    struct engine_io io;
    struct iovec iov;
    atomic_int times;
    ssize_t r;
};

static void came(struct engine_io *io, ssize_t r)
{
    struct one *o = container_of(io, struct one, io);
    o->r = r;
    atomic_fetch_add(&o->times, 1);
}

static void wait_for(struct one *o)
{
    while (atomic_load(&o->times) == 0)
        usleep(100);
    assert_int_equal(atomic_load(&o->times), 1);
}

static void prepare(struct one *o, enum engine_what what, int fd, void *bytes, size_t len, off_t offset)
{
    o->iov = (struct iovec){bytes, len};
    o->io = (struct engine_io){.what = what, .fd = fd, .iov = &o->iov, .nr_iov = 1, .offset = offset, .done = came};
    atomic_store(&o->times, 0);
}

static struct engine *engine_or_skip(const struct engine_type *type)
{
    struct engine *e = NULL;
    int r = engine_new(type, &census, &e);
    if (r < 0) {
        print_message("skipped: no %s here: %s\n", type->name, strerror(-r));
        skip();
    }
    return e;
}

static void over(struct engine *e)
{
    engine_free(e);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

static int file_new(int flags)
{
    char name[] = "/var/tmp/gatling-engine.XXXXXX";
    int fd = mkostemp(name, flags);
    assert_true(fd >= 0);
    unlink(name);
    return fd;
}

/* Writes blocks in any order, syncs, reads them back in any order. */
static void write_and_read(const struct engine_type *type, int flags)
{
    struct engine *e = engine_or_skip(type);
    int fd = file_new(flags);
    struct one *all = calloc(N, sizeof(*all)), sync;
    unsigned char *bytes = NULL, *back = NULL;
    assert_int_equal(posix_memalign((void **)&bytes, BLOCK, (size_t)N * BLOCK), 0);
    for (size_t i = 0; i < (size_t)N * BLOCK; i++)
        bytes[i] = (unsigned char)(i * 2654435761u >> 11);
    for (int i = 0; i < N; i++) {
        prepare(&all[i], ENGINE_WRITE, fd, bytes + (size_t)i * BLOCK, BLOCK, (off_t)(i * 7 % N) * BLOCK);
        assert_int_equal(engine_submit(e, &all[i].io), 0);
    }
    for (int i = 0; i < N; i++) {
        wait_for(&all[i]);
        assert_int_equal(all[i].r, BLOCK);
    }
    for (int i = 0; i < 2; i++) {
        prepare(&sync, i ? ENGINE_FSYNC : ENGINE_FDATASYNC, fd, NULL, 0, 0);
        assert_int_equal(engine_submit(e, &sync.io), 0);
        wait_for(&sync);
        assert_int_equal(sync.r, 0);
    }
    assert_int_equal(posix_memalign((void **)&back, BLOCK, (size_t)N * BLOCK), 0);
    for (int i = N - 1; i >= 0; i--) {
        prepare(&all[i], ENGINE_READ, fd, back + (size_t)i * BLOCK, BLOCK, (off_t)(i * 7 % N) * BLOCK);
        assert_int_equal(engine_submit(e, &all[i].io), 0);
    }
    for (int i = 0; i < N; i++) {
        wait_for(&all[i]);
        assert_int_equal(all[i].r, BLOCK);
    }
    assert_memory_equal(bytes, back, (size_t)N * BLOCK);
    assert_int_equal(counter_get(&e->taken), 2 * N + 2);
    over(e);
    close(fd);
    free(all);
    free(bytes);
    free(back);
}
static void io_uring_carries_each_transfer_once(void **state)
{
    write_and_read(&engine_uring, 0);
}
static void io_uring_carries_direct_ones(void **state)
{
    write_and_read(&engine_uring, O_DIRECT);
}
static void aio_carries_each_transfer_once(void **state)
{
    write_and_read(&engine_aio, 0);
}
static void aio_carries_direct_ones(void **state)
{
    write_and_read(&engine_aio, O_DIRECT);
}

/* The error comes through one of the two ways, not both. */
static void fails(const struct engine_type *type, enum engine_what what, int fd, int err)
{
    struct engine *e = engine_or_skip(type);
    struct one o;
    char c;
    prepare(&o, what, fd, &c, 1, 0);
    int r = engine_submit(e, &o.io);
    bool taken = r == 0;
    if (taken) {
        wait_for(&o);
        r = (int)o.r;
    }
    assert_int_equal(r, err);
    over(e);
    assert_int_equal(atomic_load(&o.times), taken);
}
static void errors_come_back(void **state)
{
    int ro = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fails(&engine_uring, ENGINE_READ, NO_FD, -EBADF);
    fails(&engine_uring, ENGINE_WRITE, ro, -EBADF);
    close(ro);
}
static void errors_of_aio_come_back(void **state)
{
    int ro = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fails(&engine_aio, ENGINE_READ, NO_FD, -EBADF);
    fails(&engine_aio, ENGINE_WRITE, ro, -EBADF);
    close(ro);
}

/* Reads of an empty pipe stay under way as long as we want. */
static void no_more_than_the_bound_are_taken(void **state)
{
    struct engine *e = engine_or_skip(&engine_uring);
    struct one *all = calloc(ENGINE_DEPTH + 1, sizeof(*all));
    char *bytes = calloc(1, ENGINE_DEPTH + 1);
    int p[2];
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    for (int i = 0; i < ENGINE_DEPTH + 1; i++) {
        prepare(&all[i], ENGINE_READ, p[0], bytes + i, 1, -1);
        assert_int_equal(engine_submit(e, &all[i].io), i < ENGINE_DEPTH ? 0 : -EAGAIN);
    }
    assert_int_equal(counter_get(&e->refused), 1);
    char *some = calloc(1, ENGINE_DEPTH);
    memset(some, 'x', ENGINE_DEPTH);
    assert_int_equal(write(p[1], some, ENGINE_DEPTH), ENGINE_DEPTH);
    for (int i = 0; i < ENGINE_DEPTH; i++) {
        wait_for(&all[i]);
        assert_int_equal(all[i].r, 1);
        assert_int_equal(bytes[i], 'x');
    }
    assert_int_equal(atomic_load(&all[ENGINE_DEPTH].times), 0);
    assert_int_equal(engine_submit(e, &all[ENGINE_DEPTH].io), 0); /* there is room again */
    assert_int_equal(write(p[1], some, 1), 1);
    wait_for(&all[ENGINE_DEPTH]);
    over(e);
    close(p[0]);
    close(p[1]);
    free(all);
    free(bytes);
    free(some);
}

static void *end_it(void *arg)
{
    engine_free(arg);
    return NULL;
}

static void the_end_waits_for_what_is_under_way(void **state)
{
    struct engine *e = engine_or_skip(&engine_uring);
    struct one o;
    pthread_t t;
    int p[2];
    char c;
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    prepare(&o, ENGINE_READ, p[0], &c, 1, -1);
    assert_int_equal(engine_submit(e, &o.io), 0);
    assert_int_equal(pthread_create(&t, NULL, end_it, e), 0);
    usleep(20000); /* it would be over by now if it did not wait */
    assert_int_equal(atomic_load(&o.times), 0);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 1);
    assert_int_equal(write(p[1], "y", 1), 1);
    pthread_join(t, NULL);
    assert_int_equal(atomic_load(&o.times), 1);
    assert_int_equal(o.r, 1);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
    close(p[0]);
    close(p[1]);
}

static int refused_start(struct engine *e)
{
    return -EMFILE;
}

static void an_engine_that_does_not_start_leaves_nothing(void **state)
{
    static const struct engine_type none = {.name = "none", .start = refused_start};
    struct engine *e = NULL;
    assert_int_equal(engine_new(&none, &census, &e), -EMFILE);
    assert_null(e);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(io_uring_carries_each_transfer_once),
        cmocka_unit_test(io_uring_carries_direct_ones),
        cmocka_unit_test(aio_carries_each_transfer_once),
        cmocka_unit_test(aio_carries_direct_ones),
        cmocka_unit_test(errors_come_back),
        cmocka_unit_test(errors_of_aio_come_back),
        cmocka_unit_test(no_more_than_the_bound_are_taken),
        cmocka_unit_test(the_end_waits_for_what_is_under_way),
        cmocka_unit_test(an_engine_that_does_not_start_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
