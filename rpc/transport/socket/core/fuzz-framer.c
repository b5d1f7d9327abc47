/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The framer against any bytes. Input: one byte of choices (how many bytes come at once, what place() says), then the stream. A record that
 * comes out must be what lies between the marks, and nothing of it may be left. */
#include <stdlib.h>
#include <string.h>

#include "framer.h"

#define EXPECT(x)    \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)
#define MAX (256 * KiB)

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static size_t place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    switch (*(const uint8_t *)host >> 5) {
    case 0:
        return total;
    case 1:
        return have < 300 ? 0 : min_of((size_t)300, total);
    case 2:
        return 1;
    case 3:
        return have + 1; /* perhaps beyond its end: refused */
    case 4:
        return have < total ? 0 : total;
    default:
        return min_of((size_t)bytes[0] * 64 + 1, total);
    }
}

/* The stream's bytes from `from` to `to` are one record in fragments; their bytes without marks. */
static size_t without_marks(const uint8_t *in, size_t from, size_t to, uint8_t *out)
{
    size_t n = 0;
    bool last = false;

    while (!last) {
        uint32_t mark;

        EXPECT(to - from >= 4);
        mark = (uint32_t)in[from] << 24 | (uint32_t)in[from + 1] << 16 | (uint32_t)in[from + 2] << 8 | in[from + 3];
        last = mark & 0x80000000u;
        mark &= 0x7fffffffu;
        from += 4;
        EXPECT(mark <= to - from);
        memcpy(out + n, in + from, mark);
        n += mark;
        from += mark;
    }
    EXPECT(from == to);
    return n;
}

static void compare(const struct record *rec, const uint8_t *want, size_t len)
{
    uint8_t *got = malloc(len + 1);

    EXPECT(got && rec->head.len + rec->bulk.len == len && len <= MAX);
    memcpy(got, rec->head.at, rec->head.len);
    EXPECT(slicev_copy_out(&rec->bulk, 0, got + rec->head.len, rec->bulk.len) == rec->bulk.len);
    EXPECT(memcmp(got, want, len) == 0);
    free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    struct census census = {0};
    struct iobuf_pool *bufs = iobuf_pool_new(0, &census);
    uint8_t choices = len ? in[0] : 0, *want = malloc(len + 1);
    size_t step = (size_t)1 << (choices & 15), at = 1, begun = 1;
    struct framer f;
    int r = 0;

    EXPECT(bufs && want);
    framer_init(&f, bufs, &census, place, &choices, MAX);
    while (r == 0 && at < len) {
        struct record *rec = NULL;
        size_t room, n;
        void *to;

        r = framer_want(&f, &to, &room);
        if (r < 0)
            break;
        EXPECT(room > 0);
        n = min_of(min_of(room, step), len - at);
        memcpy(to, in + at, n);
        at += n;
        r = framer_took(&f, n, &rec);
        framer_missing(&f);
        framer_why(&f);
        if (!rec)
            continue;
        EXPECT(r == 0);
        compare(rec, want, without_marks(in, begun, at, want));
        record_free(rec);
        begun = at;
    }
    framer_done(&f);
    free(want);
    EXPECT(counter_get(&census.now[CENSUS_RECORDS]) == 0 && counter_get(&census.now[CENSUS_IOBUFS]) == 0);
    iobuf_pool_free(bufs);
    return 0;
}
