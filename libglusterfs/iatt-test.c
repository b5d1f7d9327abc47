/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "iatt.h"

static void text_and_gfid_are_each_other(void **state)
{
    char text[GFID_TEXT];
    gfid_t g = {{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10}}, back;

    assert_string_equal(gfid_text(g, text), "01234567-89ab-cdef-fedc-ba9876543210");
    assert_true(gfid_parse(text, &back));
    assert_true(gfid_equal(g, back));
    assert_true(gfid_parse("01234567-89AB-CDEF-FEDC-BA9876543210", &back));
    assert_true(gfid_equal(g, back));
}

static void what_is_not_a_gfid_is_refused_and_changes_nothing(void **state)
{
    static const char *const wrong[] = {
        "",
        "0",
        "01234567",
        "01234567-89ab-cdef-fedc-ba987654321",
        "01234567-89ab-cdef-fedc-ba98765432100",
        "01234567-89ab-cdef-fedc-ba987654321g",
        "0123456789abcdeffedcba9876543210",
        "01234567-89ab-cdef-fedcba9876543210--",
        " 1234567-89ab-cdef-fedc-ba9876543210",
    };
    gfid_t g = gfid_root;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(gfid_parse(wrong[i], &g));
    assert_true(gfid_is_root(g));
}

static void random_gfids_are_version_4_and_differ(void **state)
{
    gfid_t a = gfid_random(), b = gfid_random();

    assert_false(gfid_equal(a, b));
    assert_int_equal(a.b[6] >> 4, 4);
    assert_int_equal(a.b[8] >> 6, 2);
}

static void inode_numbers_are_the_low_half(void **state)
{
    gfid_t g = {{[8] = 0x80, [15] = 0x07}}, null = {{0}};

    assert_true(gfid_ino(gfid_root) == 1);
    assert_true(gfid_ino(null) == UINT64_MAX);
    assert_true(gfid_ino(g) == 0x8000000000000007u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_gfid_are_each_other),
        cmocka_unit_test(what_is_not_a_gfid_is_refused_and_changes_nothing),
        cmocka_unit_test(random_gfids_are_version_4_and_differ),
        cmocka_unit_test(inode_numbers_are_the_low_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
