/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dict.h"
#include "wire-words.h"

/* ---- in memory ------------------------------------------------------------------------------------------------------ */

static void pairs_stay_in_order_of_insertion_when_one_is_replaced(void **state)
{
    struct dict *d = dict_new();
    const char *text;

    assert_int_equal(dict_set_text(d, "a", "1"), 0);
    assert_int_equal(dict_set_text(d, "b", "2"), 0);
    assert_int_equal(dict_set_text(d, "c", "3"), 0);
    assert_int_equal(dict_set_text(d, "a", "a longer value than before"), 0);
    assert_int_equal(dict_count(d), 3);
    assert_string_equal(dict_at(d, 0)->key, "a");
    assert_string_equal(dict_at(d, 2)->key, "c");
    assert_int_equal(dict_get_text(d, "a", &text), 0);
    assert_string_equal(text, "a longer value than before");
    dict_remove(d, "b");
    dict_remove(d, "not there");
    assert_int_equal(dict_count(d), 2);
    assert_string_equal(dict_at(d, 1)->key, "c");
    dict_unref(d);
}

static void many_pairs_are_all_found_and_the_bound_holds(void **state)
{
    struct dict *d = dict_new(), *copy;
    int64_t v;
    char key[16];

    for (int i = 0; i < DICT_PAIRS_MAX; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_int_equal(dict_set_i64(d, key, i), 0);
    }
    assert_int_equal(dict_set_i64(d, "one more", 1), -E2BIG);
    assert_int_equal(dict_set_i64(d, "key-0", 0), 0);
    for (int i = 1; i < DICT_PAIRS_MAX; i += 2) {
        snprintf(key, sizeof(key), "key-%d", i);
        dict_remove(d, key);
    }
    copy = dict_copy(d);
    dict_unref(d);
    assert_int_equal(dict_count(copy), DICT_PAIRS_MAX / 2);
    for (int i = 0; i < DICT_PAIRS_MAX; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        assert_int_equal(dict_get_i64(copy, key, &v), i % 2 ? -ENOENT : 0);
        if (i % 2 == 0)
            assert_int_equal(v, i);
    }
    dict_unref(copy);
}

static void a_value_is_read_as_what_is_asked_for_where_that_makes_sense(void **state)
{
    static const gfid_t g = {{1, 2, 3}};
    struct dict *d = dict_new();
    int64_t i;
    uint64_t u;
    gfid_t back;
    const char *text;
    char gtext[GFID_TEXT];

    dict_set_text(d, "hex", "0x10");
    dict_set_text(d, "octal", "010");
    dict_set_text(d, "minus", "-1");
    dict_set_text(d, "huge", "18446744073709551615");
    dict_set_text(d, "word", "enable");
    dict_set(d, "old", DICT_OLD_STRING, "42", 2); /* no NUL counted: it is there nevertheless */
    dict_set_u64(d, "u", UINT64_MAX);
    dict_set_i64(d, "i", -5);
    dict_set_double(d, "f", 2.5);
    dict_set_double(d, "nan", 0.0 / 0.0);
    dict_set_gfid(d, "g", g);
    dict_set_text(d, "gt", gfid_text(g, gtext));

    assert_int_equal(dict_get_i64(d, "hex", &i), 0);
    assert_int_equal(i, 16);
    assert_int_equal(dict_get_i64(d, "octal", &i), 0);
    assert_int_equal(i, 8);
    assert_int_equal(dict_get_i64(d, "minus", &i), 0);
    assert_int_equal(i, -1);
    assert_int_equal(dict_get_u64(d, "minus", &u), -EINVAL);
    assert_int_equal(dict_get_i64(d, "huge", &i), -EINVAL);
    assert_int_equal(dict_get_u64(d, "huge", &u), 0);
    assert_true(u == UINT64_MAX);
    assert_int_equal(dict_get_i64(d, "word", &i), -EINVAL);
    assert_int_equal(dict_get_i64(d, "old", &i), 0);
    assert_int_equal(i, 42);
    assert_int_equal(dict_get_i64(d, "u", &i), -EINVAL);
    assert_int_equal(dict_get_i64(d, "f", &i), 0);
    assert_int_equal(i, 2);
    assert_int_equal(dict_get_i64(d, "nan", &i), -EINVAL);
    assert_int_equal(dict_get_u64(d, "i", &u), -EINVAL);
    assert_int_equal(dict_get_text(d, "i", &text), -EINVAL);
    assert_int_equal(dict_get_text(d, "none", &text), -ENOENT);
    assert_int_equal(dict_get_gfid(d, "g", &back), 0);
    assert_true(gfid_equal(back, g));
    assert_int_equal(dict_get_gfid(d, "gt", &back), 0);
    assert_true(gfid_equal(back, g));
    assert_int_equal(dict_get_gfid(d, "word", &back), -EINVAL);
    assert_true(dict_is_true(d, "word"));
    assert_true(dict_is_true(d, "u"));
    assert_false(dict_is_true(d, "none"));
    assert_false(dict_is_true(NULL, "none"));
    assert_int_equal(dict_set_text(d, "off", "off"), 0);
    assert_false(dict_is_true(d, "off"));
    dict_unref(d);
}

static void a_value_of_the_wrong_size_for_its_type_is_refused(void **state)
{
    struct dict *d = dict_new();
    int32_t four = 4;

    assert_int_equal(dict_set(d, "n", DICT_SIGNED, &four, sizeof(four)), -EINVAL);
    assert_int_equal(dict_set(d, "g", DICT_UUID, &four, sizeof(four)), -EINVAL);
    assert_int_equal(dict_set(d, "s", DICT_IATT, &four, sizeof(four)), -EINVAL);
    assert_int_equal(dict_count(d), 0);
    dict_unref(d);
}

/* ---- typed form ----------------------------------------------------------------------------------------------------- */

/* The dict is what the bytes say, byte for byte, also when they stand at an odd address with others behind them. */
static struct dict *decode4_and_back(const uint8_t *bytes, size_t len)
{
    uint8_t *odd = malloc(len + 8), *again;
    struct dict *d = NULL;
    size_t used = 0;

    memcpy(odd + 1, bytes, len);
    memset(odd + 1 + len, 0xee, 7);
    assert_int_equal(dict4_span(odd + 1, len + 7), len);
    assert_int_equal(dict4_decode(odd + 1, len + 7, &d, &used), 0);
    assert_int_equal(used, len);
    assert_int_equal(dict4_size(d), len);
    again = malloc(len);
    dict4_encode(d, again);
    assert_memory_equal(again, bytes, len);
    free(again);
    free(odd);
    return d;
}

static void no_dict_an_empty_one_and_one_pair_are_as_the_specification_says(void **state)
{
    static const uint8_t null[] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    static const uint8_t empty[12];
    static const uint8_t one[] = {0, 0, 0, 0x14, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
    struct dict *d;

    assert_null(decode4_and_back(null, sizeof(null)));
    d = decode4_and_back(empty, sizeof(empty));
    assert_non_null(d);
    assert_int_equal(dict_count(d), 0);
    dict_unref(d);
    d = decode4_and_back(one, sizeof(one));
    assert_int_equal(dict_at(d, 0)->type, DICT_SIGNED);
    dict_unref(d);
}

static struct dict *one_of_each(void)
{
    static const struct iatt st = {.gfid = {{9}}, .ino = 7, .dev = 3, .size = 100, .blocks = 1, .atime = -1, .mtime = 2, .ctime = 3,
                                   .atime_nsec = 4, .mtime_nsec = 5, .ctime_nsec = 6, .nlink = 1, .uid = 10, .gid = 11, .blksize = 4096,
                                   .mode = S_IFREG | 04751};
    static const struct dict_mdata mdata = {.atime = 1, .mtime = -2, .ctime = 3, .atime_nsec = 4, .mtime_nsec = 5, .ctime_nsec = 6};
    struct dict *d = dict_new();

    assert_int_equal(dict_set(d, "old", DICT_OLD_STRING, "abc", 3), 0);
    assert_int_equal(dict_set_i64(d, "signed", -3), 0);
    assert_int_equal(dict_set_u64(d, "unsigned", UINT64_MAX), 0);
    assert_int_equal(dict_set_double(d, "double", 0.5), 0);
    assert_int_equal(dict_set_text(d, "text", "hello"), 0);
    assert_int_equal(dict_set_binary(d, "binary", "\0\1\2", 3), 0);
    assert_int_equal(dict_set_binary(d, "nothing", "", 0), 0);
    assert_int_equal(dict_set_gfid(d, "gfid", gfid_root), 0);
    assert_int_equal(dict_set_iatt(d, "iatt", &st), 0);
    assert_int_equal(dict_set(d, "mdata", DICT_MDATA, &mdata, sizeof(mdata)), 0);
    return d;
}

static void every_type_survives_the_typed_form(void **state)
{
    struct dict *d = one_of_each(), *back;
    size_t len = dict4_size(d);
    uint8_t *bytes = malloc(len);
    struct dict_mdata m;

    dict4_encode(d, bytes);
    back = decode4_and_back(bytes, len);
    assert_int_equal(dict_count(back), dict_count(d));
    for (unsigned int i = 0; i < dict_count(d); i++) {
        assert_string_equal(dict_at(d, i)->key, dict_at(back, i)->key);
        assert_int_equal(dict_at(d, i)->type, dict_at(back, i)->type);
        assert_int_equal(dict_at(d, i)->len, dict_at(back, i)->len);
        assert_memory_equal(dict_at(d, i)->value, dict_at(back, i)->value, dict_at(d, i)->len);
        assert_int_equal((uintptr_t)dict_at(back, i)->value % 8, 0);
    }
    assert_int_equal(dict_get_mdata(back, "mdata", &m), 0);
    assert_int_equal(m.mtime, -2);
    dict_unref(back);
    dict_unref(d);
    free(bytes);
}

static void typed_bytes_cut_at_any_place_are_refused(void **state)
{
    struct dict *d = one_of_each(), *back = NULL;
    size_t len = dict4_size(d), used;
    uint8_t *bytes = malloc(len);

    dict4_encode(d, bytes);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *part = malloc(cut + !cut); /* exact, so that a sanitizer sees one byte too many */

        memcpy(part, bytes, cut);
        assert_int_equal(dict4_decode(part, cut, &back, &used), -EINVAL);
        assert_int_equal(dict4_span(part, cut), -EINVAL);
        free(part);
    }
    assert_null(back);
    free(bytes);
    dict_unref(d);
}

static void hostile_words_in_the_typed_form_are_refused(void **state)
{
    static const uint8_t good[] = {0, 0, 0, 0x14, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 'a', 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1};
    static const struct {
        size_t at;
        uint32_t word;
    } wrong[] = {
        {8, 2}, {8, 0x7fffffff}, {8, 0xffffffff},           /* pairs that are not there */
        {12, 0}, {12, 1}, {12, 3}, {12, 0xffffffff}, {12, 0x7fffffff}, /* names: none, no NUL, two NULs, longer than all */
        {20, 10}, {20, 0xffffffff}, {20, 7}, {20, 8}, {20, 9}, /* types: unknown, or with a value that is not there */
    };
    struct dict *d = NULL;
    uint8_t bytes[sizeof(good)];
    size_t used;

    for (size_t i = 0; i < array_len(wrong); i++) {
        memcpy(bytes, good, sizeof(good));
        put_u32(bytes + wrong[i].at, wrong[i].word);
        assert_int_equal(dict4_decode(bytes, sizeof(bytes), &d, &used), -EINVAL);
    }
    assert_null(d);
}

static void dicts_over_the_bounds_are_refused(void **state)
{
    size_t len = 12 + (DICT_PAIRS_MAX + 1) * 24, used;
    uint8_t *bytes = calloc(1, len + 2 * MiB);
    struct dict *d = NULL;

    for (int i = 0; i <= DICT_PAIRS_MAX; i++) {
        uint8_t *at = bytes + 12 + i * 24;

        put_u32(at, 5);
        memcpy(at + 4, "abcd", 4);
        at[4] = (uint8_t)('a' + i % 26);
        put_u32(at + 12, DICT_BINARY);
    }
    put_u32(bytes + 4, DICT_PAIRS_MAX + 1);
    put_u32(bytes + 8, DICT_PAIRS_MAX + 1);
    assert_int_equal(dict4_decode(bytes, len, &d, &used), -E2BIG);
    put_u32(bytes + 8, 1);
    put_u32(bytes + 12 + 16, 2 * MiB);
    assert_int_equal(dict4_decode(bytes, len + 2 * MiB, &d, &used), -E2BIG);
    assert_null(d);
    free(bytes);
}

static void a_large_dict_goes_there_and_back_and_has_its_bounds(void **state)
{
    struct dict *d = dict_new_large(), *back = NULL, *copy;
    char key[32];

    for (int i = 0; i < DICT_LARGE_PAIRS; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(dict_set_i64(d, key, i), 0);
    }
    assert_int_equal(dict_set_i64(d, "one more", 1), -E2BIG);

    size_t len = dict3_size(d);
    uint8_t *bytes = malloc(len);
    dict3_encode(d, bytes);
    assert_int_equal(dict3_decode(bytes, len, &back), -E2BIG);
    assert_int_equal(dict3_decode_large(bytes, len, &back), 0);
    copy = dict_copy(back);
    assert_int_equal(dict_count(copy), DICT_LARGE_PAIRS);
    for (int i = 0; i < DICT_LARGE_PAIRS; i += 97) {
        int64_t v = -1;
        snprintf(key, sizeof(key), "k%d", i);
        assert_int_equal(dict_get_i64(copy, key, &v), 0);
        assert_int_equal(v, i);
    }
    free(bytes);
    bytes = calloc(1, DICT_LARGE_WIRE + 1);
    assert_int_equal(dict3_decode_large(bytes, DICT_LARGE_WIRE + 1, &back), -E2BIG);
    free(bytes);
    dict_unref(copy);
    dict_unref(back);
    dict_unref(d);
}

static void of_equal_names_the_last_wins_and_a_pair_without_a_type_is_dropped(void **state)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 3,
                                    0, 0, 0, 2, 'a', 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1,
                                    0, 0, 0, 2, 'x', 0, 0, 0, 0, 0, 0, 0,
                                    0, 0, 0, 2, 'a', 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2};
    struct dict *d;
    size_t used;
    int64_t v;

    assert_int_equal(dict4_decode(bytes, sizeof(bytes), &d, &used), 0);
    assert_int_equal(used, sizeof(bytes));
    assert_int_equal(dict_count(d), 1);
    assert_int_equal(dict_get_i64(d, "a", &v), 0);
    assert_int_equal(v, 2);
    dict_unref(d);
}

/* ---- serialized form ------------------------------------------------------------------------------------------------ */

static void numbers_are_text_in_the_serialized_form(void **state)
{
    static const uint8_t right[] = {0, 0, 0, 3,
                                    0, 0, 0, 1, 0, 0, 0, 3, 'i', 0, '-', '1', 0,
                                    0, 0, 0, 1, 0, 0, 0, 9, 'f', 0, '0', '.', '5', '0', '0', '0', '0', '0', 0,
                                    0, 0, 0, 1, 0, 0, 0, 2, 'b', 0, 0xff, 0xfe};
    struct dict *d = dict_new(), *back;
    uint8_t bytes[sizeof(right)];
    int64_t v;

    dict_set_i64(d, "i", -1);
    dict_set_double(d, "f", 0.5);
    dict_set_binary(d, "b", "\xff\xfe", 2);
    assert_int_equal(dict3_size(d), sizeof(right));
    dict3_encode(d, bytes);
    assert_memory_equal(bytes, right, sizeof(right));
    assert_int_equal(dict3_decode(bytes, sizeof(bytes), &back), 0);
    assert_int_equal(dict_get_i64(back, "i", &v), 0);
    assert_int_equal(v, -1);
    assert_int_equal(dict_at(back, 0)->type, DICT_OLD_STRING);
    dict_unref(back);
    dict_unref(d);
}

static void attributes_and_times_are_memory_images_in_the_serialized_form(void **state)
{
    struct dict *d = one_of_each(), *back;
    size_t len = dict3_size(d);
    uint8_t *bytes = malloc(len);
    const struct dict_pair *p;
    struct dict_mdata m;

    dict3_encode(d, bytes);
    assert_int_equal(dict3_decode(bytes, len, &back), 0);
    p = dict_find(back, "iatt");
    assert_int_equal(p->len, 152);
    assert_int_equal(((const uint8_t *)p->value)[8], 7);     /* ino */
    assert_int_equal(((const uint8_t *)p->value)[64], 0xff); /* atime -1 */
    assert_int_equal(((const uint8_t *)p->value)[128], 9);   /* gfid */
    assert_int_equal(((const uint8_t *)p->value)[144], 1);   /* regular */
    assert_int_equal(((const uint8_t *)p->value)[148], 1);   /* set-uid */
    assert_int_equal(((const uint8_t *)p->value)[149], 7);   /* rwx */
    assert_int_equal(((const uint8_t *)p->value)[150], 5);   /* r-x */
    assert_int_equal(((const uint8_t *)p->value)[151], 4);   /* --x, read in bit 0 */
    assert_int_equal(dict_find(back, "mdata")->len, 40);
    assert_int_equal(dict_get_mdata(back, "mdata", &m), 0);
    assert_int_equal(m.mtime, -2);
    assert_int_equal(m.ctime_nsec, 6);
    dict_unref(back);
    dict_unref(d);
    free(bytes);
}

static void serialized_bytes_cut_at_any_place_are_refused(void **state)
{
    struct dict *d = one_of_each(), *back = NULL;
    size_t len = dict3_size(d);
    uint8_t *bytes = malloc(len + 5);

    dict3_encode(d, bytes);
    for (size_t cut = 1; cut < len; cut++) {
        uint8_t *part = malloc(cut);

        memcpy(part, bytes, cut);
        assert_int_equal(dict3_decode(part, cut, &back), -EINVAL);
        free(part);
    }
    assert_null(back);
    memset(bytes + len, 1, 5);
    assert_int_equal(dict3_decode(bytes, len + 5, &back), 0); /* what stands behind the last pair does not matter */
    dict_unref(back);
    back = one_of_each();
    dict_unref(back);
    assert_int_equal(dict3_decode(bytes, 0, &back), 0);
    assert_null(back);
    dict_unref(d);
    free(bytes);
}

static void hostile_words_in_the_serialized_form_are_refused(void **state)
{
    static const uint8_t good[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 'k', 0, '1', 0};
    static const struct {
        size_t at;
        uint32_t word;
    } wrong[] = {{0, 2}, {0, 0xffffffff}, {0, 0x80000000}, {4, 0}, {4, 0xffffffff}, {4, 0x7fffffff}, {4, 4}, {8, 3}, {8, 0xffffffff}};
    struct dict *d = NULL;
    uint8_t bytes[sizeof(good)];

    for (size_t i = 0; i < array_len(wrong); i++) {
        memcpy(bytes, good, sizeof(good));
        put_u32(bytes + wrong[i].at, wrong[i].word);
        assert_int_equal(dict3_decode(bytes, sizeof(bytes), &d), -EINVAL);
    }
    assert_null(d);
}

/* ---- attributes ----------------------------------------------------------------------------------------------------- */

static void attribute_marks_are_those_of_a_stock_brick(void **state)
{
    struct iatt st = {.gfid = {{1}}, .mode = S_IFDIR | 0755}, back;
    uint8_t bytes[148];

    iatt4_encode(&st, bytes);
    assert_int_equal(get_u64(bytes + 16), 0x17ff);
    iatt4_decode(bytes, &back);
    assert_memory_equal(&st, &back, sizeof(st));
    st.gfid = (gfid_t){{0}};
    iatt4_encode(&st, bytes);
    assert_int_equal(get_u64(bytes + 16), 0x16ff);
    st.mode = 0644;
    iatt4_encode(&st, bytes);
    assert_int_equal(get_u64(bytes + 16), 2);
    st = (struct iatt){0};
    iatt4_encode(&st, bytes);
    for (size_t i = 0; i < sizeof(bytes); i++)
        assert_int_equal(bytes[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_stay_in_order_of_insertion_when_one_is_replaced),
        cmocka_unit_test(many_pairs_are_all_found_and_the_bound_holds),
        cmocka_unit_test(a_value_is_read_as_what_is_asked_for_where_that_makes_sense),
        cmocka_unit_test(a_value_of_the_wrong_size_for_its_type_is_refused),
        cmocka_unit_test(no_dict_an_empty_one_and_one_pair_are_as_the_specification_says),
        cmocka_unit_test(every_type_survives_the_typed_form),
        cmocka_unit_test(typed_bytes_cut_at_any_place_are_refused),
        cmocka_unit_test(hostile_words_in_the_typed_form_are_refused),
        cmocka_unit_test(dicts_over_the_bounds_are_refused),
        cmocka_unit_test(a_large_dict_goes_there_and_back_and_has_its_bounds),
        cmocka_unit_test(of_equal_names_the_last_wins_and_a_pair_without_a_type_is_dropped),
        cmocka_unit_test(numbers_are_text_in_the_serialized_form),
        cmocka_unit_test(attributes_and_times_are_memory_images_in_the_serialized_form),
        cmocka_unit_test(serialized_bytes_cut_at_any_place_are_refused),
        cmocka_unit_test(hostile_words_in_the_serialized_form_are_refused),
        cmocka_unit_test(attribute_marks_are_those_of_a_stock_brick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
