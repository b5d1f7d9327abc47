/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "callback.h"
#include "common.h"
#include "fop400.h"
#include "rpcmsg.h"
#include "vectors.h"
#include "wire-words.h"

/* Bytes in an allocation of exactly their size: a sanitizer sees a read behind them. */
static uint8_t *exact(const void *bytes, size_t len)
{
    uint8_t *p = malloc(len ? len : 1);
    assert_non_null(p);
    memcpy(p, bytes, len);
    return p;
}
static int64_t decode_exact(void *proc, void *obj, const void *bytes, size_t len)
{
    uint8_t *p = exact(bytes, len);
    int64_t ret = wire_decode(proc, obj, p, len);
    free(p);
    return ret;
}

static void a_length_beyond_the_record_is_refused_and_nothing_is_allocated(void **state)
{
    static const uint8_t huge[16] = {0xff, 0xff, 0xff, 0xff};
    static const uint8_t by_padding[7] = {0, 0, 0, 3, 'a', 'b', 'c'}; /* the padding byte is missing */
    wire_bytes b;
    wire_name n;

    assert_int_equal(decode_exact(xdr_wire_bytes, &b, huge, sizeof(huge)), -EINVAL);
    assert_int_equal(decode_exact(xdr_wire_name, &n, huge, sizeof(huge)), -EINVAL);
    assert_int_equal(decode_exact(xdr_wire_bytes, &b, by_padding, sizeof(by_padding)), -EINVAL);
    assert_int_equal(decode_exact(xdr_wire_bytes, &b, huge, 3), -EINVAL);
}

static void bytes_and_names_are_views_into_the_record(void **state)
{
    static const uint8_t abc[8] = {0, 0, 0, 3, 'a', 'b', 'c', 0};
    wire_name n;

    assert_int_equal(wire_decode(xdr_wire_name, &n, abc, sizeof(abc)), 8);
    assert_ptr_equal(n.at, abc + 4);
    assert_true(wire_str_is(n, "abc"));
    assert_false(wire_str_is(n, "ab"));
    assert_false(wire_str_is(n, "abd"));
}

static void a_name_has_no_nul_inside_and_a_bound(void **state)
{
    static const uint8_t nul[8] = {0, 0, 0, 3, 'a', 0, 'c', 0};
    size_t len = 4 + WIRE_NAME_MAX + 1;
    uint8_t *longest = malloc(len);
    wire_name n = {.at = (char *)longest, .len = WIRE_NAME_MAX + 1};

    assert_int_equal(wire_decode(xdr_wire_name, &n, nul, sizeof(nul)), -EINVAL);
    memset(longest, 'x', len);
    put_u32(longest, WIRE_NAME_MAX);
    assert_int_equal(wire_decode(xdr_wire_name, &n, longest, len), (int64_t)len);
    put_u32(longest, WIRE_NAME_MAX + 1);
    assert_int_equal(wire_decode(xdr_wire_name, &n, longest, len), -EINVAL);
    n = (wire_name){.at = (char *)longest, .len = WIRE_NAME_MAX + 1};
    assert_int_equal(wire_size(xdr_wire_name, &n), 0); /* nor can it be encoded */
    free(longest);
}

static void numbers_are_read_at_any_alignment(void **state)
{
    uint8_t bytes[13] = {0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2};
    u64 big = 0;
    u32 small = 0;
    XDR x;

    wire_reader(&x, bytes + 1, 12);
    assert_true(xdr_u32(&x, &small) && xdr_u64(&x, &big));
    assert_int_equal(small, 1);
    assert_int_equal(big, 2);
    assert_false(xdr_u32(&x, &small));
    assert_int_equal(wire_done(&x), 12);
}

static void a_buffer_that_is_too_small_is_not_written_behind(void **state)
{
    fop_open_rsp r = {.op_ret = 0, .fd = 1};
    size_t len = wire_size(xdr_fop_open_rsp, &r);

    assert_int_equal(len, 28);
    for (size_t room = 0; room < len; room++) {
        uint8_t *to = malloc(room ? room : 1);
        XDR x;
        wire_writer(&x, to, room);
        assert_false(xdr_fop_open_rsp(&x, &r));
        free(to);
    }
}

static void the_null_dictionary_is_told_from_the_empty_one(void **state)
{
    static const uint8_t null_form[12] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, empty[12];
    struct dict *open = NULL;
    wire_dict d;

    assert_int_equal(wire_decode(xdr_wire_dict, &d, null_form, 12), 12);
    assert_true(wire_dict_is_null(&d));
    assert_int_equal(wire_dict_open(&d, &open), 0);
    assert_null(open);
    assert_int_equal(wire_decode(xdr_wire_dict, &d, empty, 12), 12);
    assert_false(wire_dict_is_null(&d));
    assert_int_equal(wire_dict_open(&d, &open), 0);
    assert_non_null(open);
    assert_int_equal(dict_count(open), 0);
    d = wire_dict_of(open);
    assert_int_equal(wire_size(xdr_wire_dict, &d), 12);
    dict_unref(open);
    d = wire_dict_of(NULL);
    assert_true(wire_dict_is_null(&d));
}

static void a_dictionary_with_a_type_that_does_not_exist_makes_the_request_undecodable(void **state)
{
    uint8_t one[12 + 20] = {[3] = 20, [7] = 1, [11] = 1, [15] = 2, [16] = 'a', [23] = 2, [31] = 1};
    fop_gfid_req q;
    uint8_t req[16 + sizeof(one)] = {0};

    memcpy(req + 16, one, sizeof(one));
    assert_int_equal(decode_exact(xdr_fop_gfid_req, &q, req, sizeof(req)), sizeof(req));
    req[16 + 23] = 10;
    assert_int_equal(decode_exact(xdr_fop_gfid_req, &q, req, sizeof(req)), -EINVAL);
}

/* What a generated list decoder would answer with a stack overflow. */
static void a_list_of_a_million_elements_needs_no_stack(void **state)
{
    enum { N = 1000000, EACH = 4 + 8 + 8 + 4 + 4 + 4 };
    uint8_t *bytes = calloc(1, (size_t)N * EACH + 4);
    wire_dirents l;
    wire_dirent e;
    uint32_t n = 0;

    for (size_t i = 0; i < N; i++)
        bytes[i * EACH + 3] = 1;
    assert_int_equal(wire_decode(xdr_wire_dirents, &l, bytes, (size_t)N * EACH + 4), (int64_t)N * EACH + 4);
    assert_int_equal(l.count, N);
    while (wire_list_next(&l, &e))
        n++;
    assert_int_equal(n, N);
    assert_false(wire_list_next(&l, &e));
    free(bytes);
}

static void a_list_without_an_end_is_refused(void **state)
{
    uint8_t bytes[36] = {[3] = 1};
    wire_dirents l;

    assert_int_equal(decode_exact(xdr_wire_dirents, &l, bytes, 32), -EINVAL);
    assert_int_equal(decode_exact(xdr_wire_dirents, &l, bytes, 36), 36);
    bytes[3] = 2; /* neither "one more" nor "the end" */
    assert_int_equal(decode_exact(xdr_wire_dirents, &l, bytes, 36), -EINVAL);
}

static bool get_entry(const void *ctx, uint32_t i, void *ret)
{
    const char *const *names = ctx;
    *(wire_direntp *)ret = (wire_direntp){.ino = i, .off = i + 1, .len = (u32)strlen(names[i]), .name = wire_str(names[i])};
    return strcmp(names[i], "no") != 0;
}
static void list_elements_are_encoded_one_by_one_as_they_are_made(void **state)
{
    const char *const names[] = {"a", "", "a longer name", "no"};
    fop_readdirp_rsp r = {.op_ret = 3, .entries = {.count = 3, .get = get_entry, .ctx = names}};
    size_t len = wire_size(xdr_fop_readdirp_rsp, &r);
    uint8_t *bytes = malloc(len);
    wire_direntp e;
    XDR x;

    wire_writer(&x, bytes, len);
    assert_true(xdr_fop_readdirp_rsp(&x, &r));
    memset(&r, 0, sizeof(r));
    assert_int_equal(wire_decode(xdr_fop_readdirp_rsp, &r, bytes, len), (int64_t)len);
    assert_int_equal(r.entries.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(wire_list_next(&r.entries, &e));
        assert_true(wire_str_is(e.name, names[i]));
        assert_int_equal(e.off, i + 1);
        assert_true(wire_dict_is_null(&e.xdata));
    }
    free(bytes);
    r.entries = (wire_direntps){.count = 4, .get = get_entry, .ctx = names};
    assert_int_equal(wire_size(xdr_fop_readdirp_rsp, &r), 0); /* an element could not be had */
}

static void groups_beyond_the_bound_are_refused(void **state)
{
    uint8_t bytes[4 + 4 * (WIRE_GROUPS_MAX + 1)] = {0};
    wire_groups g;

    put_u32(bytes, WIRE_GROUPS_MAX);
    assert_int_equal(decode_exact(xdr_wire_groups, &g, bytes, sizeof(bytes)), 4 + 4 * WIRE_GROUPS_MAX);
    put_u32(bytes, WIRE_GROUPS_MAX + 1);
    assert_int_equal(decode_exact(xdr_wire_groups, &g, bytes, sizeof(bytes)), -EINVAL);
    put_u32(bytes, 0xffffffff);
    assert_int_equal(decode_exact(xdr_wire_groups, &g, bytes, sizeof(bytes)), -EINVAL);
}

static void attributes_say_what_a_stock_brick_says(void **state)
{
    struct iatt none = {.mode = 0}, file = {.gfid = gfid_root, .mode = S_IFREG | 0644, .size = 5}, dotdot = {.mode = S_IFDIR | 0755};

    assert_int_equal(wire_iatt4_of(&none).flags, 0);
    assert_int_equal(wire_iatt4_of(&file).flags, 0x17ff);
    assert_int_equal(wire_iatt4_of(&dotdot).flags, 0x16ff); /* recorded: ".." of the root */
    assert_int_equal(wire_iatt4_of(&file).st.size, 5);
}

static void the_old_attributes_go_there_and_back(void **state)
{
    struct iatt st = {.gfid = gfid_root, .ino = 1, .dev = 2, .rdev = 3, .size = 1ull << 40, .blocks = 5, .atime = 6, .mtime = 7, .ctime = 8,
                      .atime_nsec = 9, .mtime_nsec = 10, .ctime_nsec = 11, .nlink = 12, .uid = 13, .gid = 14, .blksize = 15, .mode = 16},
                back = {0};
    uint8_t bytes[WIRE_IATT3_LEN];
    XDR x;

    wire_writer(&x, bytes, sizeof(bytes));
    assert_true(xdr_wire_iatt3(&x, &st));
    assert_int_equal(decode_exact(xdr_wire_iatt3, &back, bytes, sizeof(bytes)), WIRE_IATT3_LEN);
    assert_memory_equal(&st, &back, sizeof(st));
}

static void encoding_makes_one_buffer_of_the_exact_size(void **state)
{
    struct census census = {0};
    struct iobuf_pool *pool = iobuf_pool_new(0, &census);
    struct iatt st = {.gfid = gfid_root, .mode = S_IFDIR | 0755};
    fop_2iatt_rsp r = {.pre = wire_iatt4_of(&st), .post = wire_iatt4_of(&st)};
    wire_text too_long = {.at = NULL, .len = WIRE_TEXT_MAX + 1};
    struct slice s;

    assert_int_equal(wire_encode(pool, xdr_fop_2iatt_rsp, &r, &s), 0);
    assert_int_equal(s.len, 316); /* spec, appendix A */
    assert_int_equal(counter_get(&census.now[CENSUS_IOBUFS]), 1);
    slice_done(&s);
    assert_int_equal(wire_encode(pool, xdr_wire_text, &too_long, &s), -EMSGSIZE);
    assert_int_equal(counter_get(&census.now[CENSUS_IOBUFS]), 0);
    iobuf_pool_free(pool);
}

/* Layouts that no recording shows: zero is a valid value of every field, so each has a smallest form, and encodes to it again. */
static void every_structure_has_a_smallest_form_that_goes_there_and_back(void **state)
{
    for (unsigned int i = 0; i < nr_procedures; i++) {
        const struct shape *shapes[] = {&procedures[i].req, &procedures[i].rsp};
        for (int k = 0; k < 2; k++) {
            const struct shape *s = shapes[k];
            uint8_t zeros[1024] = {0}, out[1024] = {0}, obj[WIRE_STRUCT_MAX] __attribute__((aligned(16)));
            int64_t len;
            XDR x;

            if (!s->name)
                continue;
            len = wire_decode(s->proc, obj, zeros, sizeof(zeros));
            if (len <= 0)
                fail_msg("%s", s->name);
            memset(out, 0xee, sizeof(out));
            wire_writer(&x, out, (size_t)len);
            assert_true(((bool_t(*)(XDR *, void *))s->proc)(&x, obj));
            assert_memory_equal(out, zeros, (size_t)len);
            assert_int_equal(out[len], 0xee);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_length_beyond_the_record_is_refused_and_nothing_is_allocated),
        cmocka_unit_test(bytes_and_names_are_views_into_the_record),
        cmocka_unit_test(a_name_has_no_nul_inside_and_a_bound),
        cmocka_unit_test(numbers_are_read_at_any_alignment),
        cmocka_unit_test(a_buffer_that_is_too_small_is_not_written_behind),
        cmocka_unit_test(the_null_dictionary_is_told_from_the_empty_one),
        cmocka_unit_test(a_dictionary_with_a_type_that_does_not_exist_makes_the_request_undecodable),
        cmocka_unit_test(a_list_of_a_million_elements_needs_no_stack),
        cmocka_unit_test(a_list_without_an_end_is_refused),
        cmocka_unit_test(list_elements_are_encoded_one_by_one_as_they_are_made),
        cmocka_unit_test(groups_beyond_the_bound_are_refused),
        cmocka_unit_test(attributes_say_what_a_stock_brick_says),
        cmocka_unit_test(the_old_attributes_go_there_and_back),
        cmocka_unit_test(encoding_makes_one_buffer_of_the_exact_size),
        cmocka_unit_test(every_structure_has_a_smallest_form_that_goes_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
