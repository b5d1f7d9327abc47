/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iobuf.h"
#include "thread.h"

/* Running out of memory is to be seen, not to end the program. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static struct census census;

static int64_t live(void)
{
    return counter_get(&census.now[CENSUS_IOBUFS]);
}

static int64_t live_bytes(void)
{
    return counter_get(&census.now[CENSUS_IOBUF_BYTES]);
}

static struct slice some(struct iobuf_pool *pool, size_t len)
{
    struct slice s = slice_new(pool, len);

    if (!s.at)
        abort();
    return s;
}

static void every_size_is_there_and_counted(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 32 * KiB - 1, 32 * KiB, 32 * KiB + 1, 128 * KiB, 1 * MiB, 1 * MiB + 1, 5 * MiB};
    struct iobuf_pool *pool = iobuf_pool_new(0, &census);

    for (size_t i = 0; i < array_len(sizes); i++) {
        struct iobuf *buf = iobuf_new(pool, sizes[i]);
        assert_non_null(buf);
        assert_true(buf->size >= sizes[i]);
        memset(buf->data, 0x55, buf->size);
        assert_int_equal((uintptr_t)buf->data % (sizes[i] >= 32 * KiB ? 4096 : 16), 0);
        assert_int_equal(live(), 1);
        assert_int_equal(live_bytes(), buf->size);
        iobuf_unref(buf);
        assert_int_equal(live(), 0);
        assert_int_equal(live_bytes(), 0);
    }
    iobuf_unref(NULL);
    iobuf_pool_free(pool);
}

static void what_cannot_be_had_is_null(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(0, &census);

    assert_null(iobuf_new(pool, SIZE_MAX));
    assert_null(iobuf_new(pool, SIZE_MAX / 2 + 4096));
    struct slice s = slice_new(pool, SIZE_MAX);
    assert_null(s.buf);
    assert_int_equal(s.len, 0);
    assert_int_equal(live(), 0);
    iobuf_pool_free(pool);
}

#ifdef __SANITIZE_ADDRESS__
#define KEPT(bytes) ((size_t)0) /* so that it sees uses after free */
#else
#define KEPT(bytes) ((size_t)(bytes))
#endif

static void take_and_free(struct iobuf_pool *pool, unsigned int n, size_t size)
{
    struct iobuf *bufs[16];

    for (unsigned int i = 0; i < n; i++)
        bufs[i] = iobuf_new(pool, size);
    for (unsigned int i = 0; i < n; i++)
        iobuf_unref(bufs[i]);
}

static void freed_blocks_are_kept_for_reuse_up_to_the_bound(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(4 * MiB + 100 * KiB, &census);
    struct iobuf *buf;

    take_and_free(pool, 3, 1 * MiB);
    assert_int_equal(iobuf_pool_cached(pool), KEPT(3 * MiB));
    buf = iobuf_new(pool, 600 * KiB);
    assert_int_equal(iobuf_pool_cached(pool), KEPT(2 * MiB));
    iobuf_unref(buf);
    take_and_free(pool, 6, 1 * MiB);
    take_and_free(pool, 1, 128 * KiB); /* no room */
    take_and_free(pool, 5, 32 * KiB);
    take_and_free(pool, 3, 100);
    take_and_free(pool, 3, 3 * MiB);
    assert_int_equal(iobuf_pool_cached(pool), KEPT(4 * MiB + 96 * KiB));
    assert_int_equal(live(), 0);
    iobuf_pool_free(pool);
}

static void what_rests_is_given_back_and_what_is_used_stays(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(64 * MiB, &census);

    take_and_free(pool, 10, 1 * MiB);
    take_and_free(pool, 16, 32 * KiB);
    iobuf_pool_trim(pool); /* all were used since the beginning */
    assert_int_equal(iobuf_pool_cached(pool), KEPT(10 * MiB + 512 * KiB));
    take_and_free(pool, 3, 1 * MiB);
    iobuf_pool_trim(pool);
    assert_int_equal(iobuf_pool_cached(pool), KEPT(3 * MiB));
    take_and_free(pool, 2, 1 * MiB);
    take_and_free(pool, 1, 128 * KiB);
    iobuf_pool_trim(pool);
    assert_int_equal(iobuf_pool_cached(pool), KEPT(2 * MiB + 128 * KiB));
    iobuf_pool_trim(pool);
    iobuf_pool_trim(pool);
    assert_int_equal(iobuf_pool_cached(pool), 0);
    iobuf_pool_free(pool);
}

static void a_slice_keeps_its_buffer(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(0, &census);
    struct slice all = some(pool, 100), part;

    memcpy(all.at + 10, "hello", 5);
    part = slice_part(all, 10, 5);
    slice_done(&all);
    assert_null(all.at);
    assert_int_equal(live(), 1);
    assert_memory_equal(part.at, "hello", 5);
    slice_done(&part);
    slice_done(&part);
    assert_int_equal(live(), 0);
    iobuf_pool_free(pool);
}

/* Eight bytes each: "0.......", "1......." and so on. */
static void fill(struct slicev *sv, struct iobuf_pool *pool, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        struct slice s = some(pool, 8);
        memset(s.at, '.', 8);
        s.at[0] = (uint8_t)('0' + i % 10);
        assert_int_equal(slicev_add(sv, s), 0);
    }
}

static void a_vector_keeps_order_however_long(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(0, &census);
    char text[20 * 8 + 1] = "", want[sizeof(text)] = "";

    for (unsigned int n = 0; n <= 20; n++) {
        struct slicev a = {0}, b = {0}, c = {0};
        fill(&a, pool, n);
        assert_int_equal(a.n, n);
        assert_int_equal(a.len, 8 * n);
        assert_int_equal(slicev_copy_out(&a, 0, text, sizeof(text)), 8 * n);
        for (unsigned int i = 0; i < n; i++)
            snprintf(want + 8 * i, 9, "%u.......", i % 10);
        assert_memory_equal(text, want, 8 * n);

        assert_int_equal(slicev_add_all(&b, &a), 0);
        assert_int_equal(live(), n); /* references, no copies */
        slicev_done(&a);
        assert_int_equal(live(), n);
        assert_int_equal(slicev_add_all(&b, &b), 0);
        assert_int_equal(b.n, 2 * n);
        slicev_move(&c, &b);
        assert_int_equal(b.n, 0);
        assert_int_equal(c.len, 16 * n);
        slicev_done(&b);
        slicev_done(&c);
        assert_int_equal(live(), 0);
    }
    iobuf_pool_free(pool);
}

static void from_every_offset_the_same_bytes_come_out(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(0, &census);
    static uint8_t constant[] = "constant";
    struct slicev sv = {0};
    char all[128], part[128];

    fill(&sv, pool, 3);
    slicev_add(&sv, (struct slice){0}); /* no bytes */
    slicev_add(&sv, (struct slice){.at = constant, .len = 8});
    fill(&sv, pool, 3);
    assert_int_equal(slicev_copy_out(&sv, 0, all, sizeof(all)), 56);
    for (size_t off = 0; off <= 56; off++) {
        struct iovec iov[10];
        unsigned int n = slicev_iov(&sv, off, iov, array_len(iov));
        size_t at = off;
        for (unsigned int i = 0; i < n; i++) {
            assert_true(iov[i].iov_len > 0);
            assert_memory_equal(iov[i].iov_base, all + at, iov[i].iov_len);
            at += iov[i].iov_len;
        }
        assert_int_equal(at, 56);
        for (size_t len = 0; len <= 20; len++) {
            size_t got = slicev_copy_out(&sv, off, part, len);
            assert_int_equal(got, min_of(len, 56 - off));
            assert_memory_equal(part, all + off, got);
        }
    }
    struct iovec one[1];
    assert_int_equal(slicev_iov(&sv, 9, one, 1), 1);
    assert_int_equal(one[0].iov_len, 7);
    slicev_done(&sv);
    iobuf_pool_free(pool);
}

/* ---- threads --------------------------------------------------------------------------------------------------------------- */
static void *make_and_drop(void *arg)
{
    static const size_t sizes[] = {100, 32 * KiB, 128 * KiB, 100, 1 * MiB};
    struct iobuf_pool *pool = arg;

    for (unsigned int i = 0; i < 3000; i++) {
        struct slice s = some(pool, sizes[i % array_len(sizes)]), part = slice_part(s, 1, 2);
        s.at[1] = 1;
        slice_done(&s);
        part.at[0]++;
        slice_done(&part);
    }
    return NULL;
}

static void *drop(void *arg)
{
    for (struct slice *s = arg; s->buf; s++) {
        if (s->at[0] != 7)
            return "the bytes are not what was written";
        slice_done(s);
    }
    return NULL;
}

static void any_thread_may_drop_the_last_reference(void **state)
{
    struct iobuf_pool *pool = iobuf_pool_new(4 * MiB, &census);
    struct slice mine[1001] = {0}, theirs[1001] = {0};
    pthread_t threads[3];
    void *wrong;

    for (unsigned int i = 0; i < 1000; i++) {
        mine[i] = some(pool, i % 2 ? 64 : 32 * KiB);
        mine[i].at[0] = 7;
        theirs[i] = slice_part(mine[i], 0, 1);
    }
    thread_start(&threads[0], "maker", THREAD_STACK, make_and_drop, pool, &census);
    thread_start(&threads[1], "maker", THREAD_STACK, make_and_drop, pool, &census);
    thread_start(&threads[2], "dropper", THREAD_STACK, drop, theirs, &census);
    wrong = drop(mine);
    assert_null(wrong);
    for (size_t i = 0; i < array_len(threads); i++)
        thread_join(threads[i], &census);
    assert_int_equal(live(), 0);
    assert_int_equal(live_bytes(), 0);
    assert_int_equal(counter_get(&census.now[CENSUS_THREADS]), 0);
    iobuf_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_is_there_and_counted),
        cmocka_unit_test(what_cannot_be_had_is_null),
        cmocka_unit_test(freed_blocks_are_kept_for_reuse_up_to_the_bound),
        cmocka_unit_test(what_rests_is_given_back_and_what_is_used_stays),
        cmocka_unit_test(a_slice_keeps_its_buffer),
        cmocka_unit_test(a_vector_keeps_order_however_long),
        cmocka_unit_test(from_every_offset_the_same_bytes_come_out),
        cmocka_unit_test(any_thread_may_drop_the_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
