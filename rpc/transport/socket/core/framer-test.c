/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The framer alone, fed from memory: every way in which bytes may arrive gives the same records. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "framer.h"

static struct census census;
static struct iobuf_pool *bufs;
static size_t head_at;       /* what place() answers once it has seen `look` bytes */
static size_t look;
static unsigned int asked;
static size_t last_shown;

static size_t place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    assert_true(asked == 0 || have >= 2 * last_shown || have == total);
    asked++;
    last_shown = have;
    return have >= look ? head_at : 0;
}

static void expect_bytes(const struct record *rec, const uint8_t *want, size_t len)
{
    size_t at = rec->head.len;

    assert_int_equal(rec->head.len + rec->bulk.len, len);
    assert_memory_equal(rec->head.at, want, rec->head.len);
    for (unsigned int i = 0; i < rec->bulk.n; i++) {
        const struct slice *s = &slicev_at((struct slicev *)&rec->bulk)[i];

        assert_int_equal((uintptr_t)s->at % 4096, 0);
        assert_memory_equal(s->at, want + at, s->len);
        at += s->len;
    }
}

/* Feeds len bytes, at most step at a time; returns the number of records, the last of which is kept in *ret. */
static int feed(struct framer *f, const uint8_t *bytes, size_t len, size_t step, struct record **ret)
{
    int n = 0;

    while (len > 0) {
        struct record *rec;
        void *to;
        size_t room;
        int r = framer_want(f, &to, &room);

        assert_int_equal(r, 0);
        assert_true(room > 0);
        room = min_of(room, min_of(step, len));
        memcpy(to, bytes, room);
        bytes += room;
        len -= room;
        r = framer_took(f, room, &rec);
        if (r < 0)
            return r;
        if (rec) {
            n++;
            record_free(*ret);
            *ret = rec;
        }
    }
    return n;
}

static size_t put_fragment(uint8_t *to, const uint8_t *bytes, size_t len, bool last)
{
    to[0] = len >> 24 | (last ? 0x80 : 0);
    to[1] = len >> 16;
    to[2] = len >> 8;
    to[3] = len;
    if (len)
        memcpy(to + 4, bytes, len);
    return len + 4;
}

static uint8_t payload[3 << 20], wire[4 << 20];

static void fresh(struct framer *f, size_t max)
{
    framer_init(f, bufs, &census, place, NULL, max);
    asked = 0;
    last_shown = 0;
}

/* 14, 23: state is in the framer, not in a function that was left. */
static void every_split_gives_the_same_record(void **state)
{
    static const struct { size_t len, head_at, look; } cases[] = {
        {1, 0, 0}, {100, 0, 0}, {16384, 0, 0}, {16385, 300, 0}, {20000, 1024, 0}, {20000, 1025, 0}, {50000, 300, 3000},
        {1 << 20, 452, 0}, {(2 << 20) + 5, 452, 0}, {100000, 100000, 0}, {300000, 5000, 200000},
    };
    static const size_t steps[] = {1, 2, 3, 5, 7, 4095, 4096, 16384, 65536, 4 << 20};

    for (unsigned int i = 0; i < array_len(cases); i++)
        for (unsigned int k = 0; k < array_len(steps); k++) {
            struct record *rec = NULL;
            struct framer f;
            size_t n = put_fragment(wire, payload, cases[i].len, true);

            if (cases[i].len > 100000 && steps[k] < 7)
                continue;
            head_at = cases[i].head_at;
            look = cases[i].look;
            fresh(&f, 64 * MiB);
            n += put_fragment(wire + n, payload, 5, true);
            assert_int_equal(feed(&f, wire, n - 9, steps[k], &rec), 1);
            expect_bytes(rec, payload, cases[i].len);
            if (cases[i].len > 16384)
                assert_int_equal(rec->head.len, cases[i].head_at);
            assert_int_equal(framer_missing(&f), 0);
            assert_int_equal(feed(&f, wire + n - 9, 9, steps[k], &rec), 1);
            expect_bytes(rec, payload, 5);
            record_free(rec);
            framer_done(&f);
        }
}

static void fragments_are_put_together(void **state)
{
    static const size_t sizes[] = {100, 16384, 40000, 2500000};

    head_at = 452;
    look = 0;
    for (unsigned int i = 0; i < array_len(sizes); i++)
        for (unsigned int parts = 2; parts < 9; parts += 3)
            for (size_t step = 1; step < 100000; step = step * 37 + 1) {
                struct record *rec = NULL;
                struct framer f;
                size_t n = 0, done = 0;

                for (unsigned int p = 0; p < parts; p++) {
                    size_t len = p == parts - 1 ? sizes[i] - done : sizes[i] / parts + p % 2;

                    n += put_fragment(wire + n, payload + done, len, p == parts - 1);
                    done += len;
                    if (p == 0)
                        n += put_fragment(wire + n, NULL, 0, false);
                }
                n += put_fragment(wire + n, NULL, 0, false); /* begins the next record */
                fresh(&f, 64 * MiB);
                assert_int_equal(feed(&f, wire, n, step, &rec), 1);
                expect_bytes(rec, payload, sizes[i]);
                record_free(rec);
                framer_done(&f);
            }
}

static void a_last_fragment_may_be_empty(void **state)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, payload, 70, false);

    n += put_fragment(wire + n, NULL, 0, true);
    fresh(&f, 1000);
    assert_int_equal(feed(&f, wire, n, 1, &rec), 1);
    expect_bytes(rec, payload, 70);
    record_free(rec);
    framer_done(&f);
}

static void too_long_is_refused_at_the_mark(void **state)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, payload, 1001, true);

    fresh(&f, 1000);
    assert_int_equal(feed(&f, wire, 4, 4, &rec), -EMSGSIZE);
    framer_done(&f);

    n = put_fragment(wire, payload, 600, false);
    n += put_fragment(wire + n, payload, 401, true);
    fresh(&f, 1000);
    assert_int_equal(feed(&f, wire, 608, 100, &rec), -EMSGSIZE);
    framer_done(&f);

    memset(wire, 0xff, 4); /* 2 GiB */
    fresh(&f, 64 * MiB);
    assert_int_equal(feed(&f, wire, 4, 4, &rec), -EMSGSIZE);
    framer_done(&f);
    assert_null(rec);
}

static void nothing_at_all_is_no_record(void **state)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, NULL, 0, true);

    fresh(&f, 1000);
    assert_int_equal(feed(&f, wire, n, 4, &rec), -EBADMSG);
    framer_done(&f);

    n = 0;
    for (int i = 0; i < 100; i++)
        n += put_fragment(wire + n, NULL, 0, false);
    fresh(&f, 1000);
    assert_int_equal(feed(&f, wire, n, 4, &rec), -EBADMSG);
    framer_done(&f);
}

static void a_host_that_never_knows_ends_at_the_bound(void **state)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, payload, 3 << 20, true);

    look = SIZE_MAX;
    fresh(&f, 64 * MiB);
    assert_int_equal(feed(&f, wire, n, 65536, &rec), -EMSGSIZE);
    framer_done(&f);
    /* All of it shown and still unknown: then it is all head. */
    n = put_fragment(wire, payload, 100000, true);
    fresh(&f, 64 * MiB);
    assert_int_equal(feed(&f, wire, n, 65536, &rec), 1);
    assert_int_equal(rec->head.len, 100000);
    record_free(rec);
    framer_done(&f);
    /* A head beyond the record is the host's error, not a reason to read on. */
    rec = NULL;
    look = 0;
    head_at = 200000;
    fresh(&f, 64 * MiB);
    assert_int_equal(feed(&f, wire, n, 65536, &rec), -EBADMSG);
    framer_done(&f);
}

/* What a peer announces costs it bytes, not us memory. */
static void memory_follows_bytes_not_announcements(void **state)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, payload, 3 << 20, true);
    int64_t before = counter_get(&census.now[CENSUS_IOBUF_BYTES]);

    head_at = 452;
    look = 0;
    wire[0] = 0x80 | (64 << 20) >> 24;
    wire[1] = (64 << 20) >> 16 & 0xff;
    wire[2] = wire[3] = 0;
    fresh(&f, 64 * MiB);
    assert_int_equal(feed(&f, wire, 4 + 1100, 4096, &rec), 0);
    assert_true(counter_get(&census.now[CENSUS_IOBUF_BYTES]) - before <= (int64_t)(1 * MiB + 4096));
    framer_done(&f);

    n = 0; /* one-byte fragments */
    for (int i = 0; i < 100000; i++)
        n += put_fragment(wire + n, payload + i, 1, i == 99999);
    fresh(&f, 64 * MiB);
    assert_int_equal(feed(&f, wire, n - 5, 65536, &rec), 0);
    assert_true(counter_get(&census.now[CENSUS_IOBUF_BYTES]) - before <= (int64_t)(300 * KiB));
    assert_int_equal(feed(&f, wire + n - 5, 5, 65536, &rec), 1);
    expect_bytes(rec, payload, 100000);
    record_free(rec);
    framer_done(&f);
}

static size_t lent[8]; /* lengths of what is lent, one part after the other with a gap of a byte; 0: no more */
static uint8_t ours[4 << 20];

static bool land(void *host, const uint8_t *head, size_t len, size_t bulk, struct slicev *ret)
{
    uint8_t *at = ours + 1;

    assert_memory_equal(head, payload, len);
    for (unsigned int i = 0; i < array_len(lent) && lent[i]; at += lent[i++] + 1)
        slicev_add(ret, (struct slice){.at = at, .len = lent[i]});
    return true;
}

/* At most step bytes at a time; each bulk byte is where it was asked for, and none beside. */
static void expect_landed(size_t head, size_t bulk, size_t step)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, payload, head + bulk, true), at = 0, before = counter_get(&census.now[CENSUS_IOBUF_BYTES]);
    uint8_t *to = ours + 1;

    memset(ours, 0xaa, sizeof(ours));
    head_at = head;
    look = 0;
    fresh(&f, 64 * MiB);
    f.land = land;
    assert_int_equal(feed(&f, wire, n, step, &rec), 1);
    assert_int_equal(rec->bulk.len, bulk);
    assert_true(counter_get(&census.now[CENSUS_IOBUF_BYTES]) - before < (int64_t)(4 * KiB)); /* the head's only */
    for (unsigned int i = 0; i < array_len(lent) && lent[i]; to += lent[i++] + 1, at += lent[i - 1]) {
        assert_memory_equal(to, payload + head + at, lent[i]);
        assert_int_equal(to[-1], 0xaa);
        assert_int_equal(to[lent[i]], 0xaa);
    }
    assert_int_equal(at, bulk);
    record_free(rec);
    n = put_fragment(wire, payload, 5, true); /* the next one has none of it */
    rec = NULL;
    assert_int_equal(feed(&f, wire, n, step, &rec), 1);
    expect_bytes(rec, payload, 5);
    record_free(rec);
    framer_done(&f);
}

static void bulk_lands_in_what_the_host_lends(void **state)
{
    static const size_t steps[] = {1, 7, 4096, 65536, 4 << 20};

    for (unsigned int k = 0; k < array_len(steps); k++) {
        memcpy(lent, (size_t[8]){20000}, sizeof(lent));
        expect_landed(452, 20000, steps[k]);
        memcpy(lent, (size_t[8]){1, 299, 16000, 5, 3695}, sizeof(lent)); /* the first are full of what was looked at */
        expect_landed(452, 20000, steps[k]);
        if (steps[k] < 4096)
            continue;
        memcpy(lent, (size_t[8]){(2 << 20) + 77}, sizeof(lent));
        expect_landed(600, (2 << 20) + 77, steps[k]);
    }
}

static void what_is_lent_and_does_not_fit_is_not_used(void **state)
{
    static const size_t wrong[][8] = {{19999}, {20001}, {10000, 10001}, {20000, 1}};

    for (unsigned int i = 0; i < array_len(wrong); i++) {
        struct record *rec = NULL;
        struct framer f;
        size_t n = put_fragment(wire, payload, 20452, true);

        memcpy(lent, wrong[i], sizeof(lent));
        memset(ours, 0xaa, sizeof(ours));
        head_at = 452;
        look = 0;
        fresh(&f, 64 * MiB);
        f.land = land;
        assert_int_equal(feed(&f, wire, n, 4096, &rec), 1);
        expect_bytes(rec, payload, 20452);
        for (size_t k = 0; k < 30000; k++)
            assert_int_equal(ours[k], 0xaa);
        record_free(rec);
        framer_done(&f);
    }
}

static void a_record_that_is_cut_off_leaves_what_was_lent(void **state)
{
    struct record *rec = NULL;
    struct framer f;
    size_t n = put_fragment(wire, payload, 20452, true);

    memcpy(lent, (size_t[8]){4, 19996}, sizeof(lent));
    head_at = 452;
    look = 0;
    fresh(&f, 64 * MiB);
    f.land = land;
    assert_int_equal(feed(&f, wire, n - 1, 4096, &rec), 0);
    assert_int_equal(framer_missing(&f), 1);
    framer_done(&f);
    assert_int_equal(counter_get(&census.now[CENSUS_RECORDS]), 0);
    assert_int_equal(counter_get(&census.now[CENSUS_IOBUFS]), 0);
}

/* Garbage never gives more than a record, an error, or a wait. */
static void garbage_is_survived(void **state)
{
    unsigned int seed = 1;

    for (int round = 0; round < 3000; round++) {
        struct record *rec = NULL;
        struct framer f;
        size_t n = 1 + rand_r(&seed) % 5000;

        for (size_t i = 0; i < n; i++)
            wire[i] = rand_r(&seed) % 4 ? rand_r(&seed) : 0;
        head_at = 1 + rand_r(&seed) % 400;
        look = rand_r(&seed) % 2000;
        fresh(&f, 1 * MiB);
        feed(&f, wire, n, 1 + rand_r(&seed) % 64, &rec);
        record_free(rec);
        framer_done(&f);
    }
    assert_int_equal(counter_get(&census.now[CENSUS_RECORDS]), 0);
    assert_int_equal(counter_get(&census.now[CENSUS_IOBUFS]), 0);
}

static int setup(void **state)
{
    bufs = iobuf_pool_new(8 * MiB, &census);
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = i * 7 + (i >> 8);
    return bufs ? 0 : -1;
}
static int teardown(void **state)
{
    iobuf_pool_free(bufs);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_gives_the_same_record),
        cmocka_unit_test(fragments_are_put_together),
        cmocka_unit_test(a_last_fragment_may_be_empty),
        cmocka_unit_test(too_long_is_refused_at_the_mark),
        cmocka_unit_test(nothing_at_all_is_no_record),
        cmocka_unit_test(a_host_that_never_knows_ends_at_the_bound),
        cmocka_unit_test(memory_follows_bytes_not_announcements),
        cmocka_unit_test(bulk_lands_in_what_the_host_lends),
        cmocka_unit_test(what_is_lent_and_does_not_fit_is_not_used),
        cmocka_unit_test(a_record_that_is_cut_off_leaves_what_was_lent),
        cmocka_unit_test(garbage_is_survived),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
