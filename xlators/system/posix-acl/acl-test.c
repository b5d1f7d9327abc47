/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "acl.h"
#include "util.h"

/* user::rw-, user:1001:rwx, group::r--, group:2001:-wx, mask::rw-, other::--- */
static const uint8_t usual[] = {
    2, 0, 0, 0,
    0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 7, 0, 0xe9, 0x03, 0, 0, 0x04, 0, 4, 0, 0xff, 0xff, 0xff, 0xff,
    0x08, 0, 3, 0, 0xd1, 0x07, 0, 0,       0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
};

static void an_acl_is_read_and_written_as_it_was(void **state)
{
    uint8_t back[sizeof(usual)];
    struct acl *a;

    assert_int_equal(acl_parse(usual, sizeof(usual), &a), 0);
    assert_int_equal(a->n, 6);
    assert_int_equal(a->entries[1].id, 1001);
    assert_int_equal(acl_size(a), sizeof(usual));
    acl_format(a, back);
    assert_memory_equal(back, usual, sizeof(usual));
    free(a);
    assert_int_equal(acl_parse(usual, 0, &a), 0);
    assert_null(a);
    assert_int_equal(acl_parse(usual, 4, &a), 0);
    assert_null(a);
}

static void what_the_kernel_would_not_take_is_refused(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {0, 3}, {4, 0x40}, {6, 8}, {4, 0x02}, {28, 0x20}, {36, 0x01} /* two owners, ... */, {36, 0x02} /* names, no mask */, {44, 0x10},
    };
    struct acl *a = NULL;

    for (size_t i = 0; i < array_len(wrong); i++) {
        uint8_t bytes[sizeof(usual)];

        memcpy(bytes, usual, sizeof(usual));
        bytes[wrong[i].at] = wrong[i].value;
        if (acl_parse(bytes, sizeof(bytes), &a) != -EINVAL)
            fail_msg("byte %zu as %u is accepted", wrong[i].at, wrong[i].value);
    }
    for (size_t len = 1; len < sizeof(usual); len++)
        if (len != 4)
            assert_int_equal(acl_parse(usual, len, &a), -EINVAL);
    assert_null(a);
}

static void the_first_class_that_fits_decides(void **state)
{
    static const uint32_t groups[] = {5, 2001}, owning[] = {2000};
    static const struct {
        struct acl_caller who;
        bool with_acl;
        uint32_t mode;
        unsigned int may; /* all that it may */
    } cases[] = {
        /* the mode: owner, group, others; no falling through */
        {{1000, 2000, NULL, 0}, false, 0047, 0},
        {{1000, 2000, NULL, 0}, false, 0470, 4},
        {{9, 2000, NULL, 0}, false, 0747, 4},
        {{9, 9, owning, 1}, false, 0717, 1},
        {{9, 9, NULL, 0}, false, 0775, 5},
        /* the ACL: the owner's entry is not masked */
        {{1000, 2000, NULL, 0}, true, 0660, 6},
        {{1000, 2000, NULL, 0}, true, 0760, 7},
        {{1001, 2000, NULL, 0}, true, 0660, 6}, /* rwx and rw- */
        {{9, 2000, NULL, 0}, true, 0660, 4},    /* r-- */
        {{9, 9, groups, 2}, true, 0660, 2},     /* -wx and rw- */
        {{9, 9, NULL, 0}, true, 0661, 1},       /* others, from the mode */
        {{1001, 9, NULL, 0}, true, 0604, 4},    /* an empty mask: as if there were no list */
        {{9, 2000, groups, 2}, true, 0667, 6},  /* in two groups: one may read, the other write, neither both: below */
    };
    struct acl *a;

    assert_int_equal(acl_parse(usual, sizeof(usual), &a), 0);
    for (size_t i = 0; i < array_len(cases); i++) {
        struct acl_object what = {1000, 2000, cases[i].mode, cases[i].with_acl ? a : NULL};

        for (unsigned int bit = 1; bit <= 4; bit <<= 1)
            if (acl_permits(&cases[i].who, &what, bit) != ((cases[i].may & bit) != 0))
                fail_msg("case %zu, %u", i, bit);
        assert_true(acl_permits(&cases[i].who, &what, 0));
    }
    struct acl_object what = {1000, 2000, 0660, a};

    assert_false(acl_permits(&(struct acl_caller){9, 2000, groups, 2}, &what, MAY_READ | MAY_WRITE));
    free(a);
}

static void a_new_object_gets_what_both_allow(void **state)
{
    uint32_t mode = 0100777;
    struct acl *dflt, *a;

    assert_int_equal(acl_parse(usual, sizeof(usual), &dflt), 0);
    assert_int_equal(acl_inherit(dflt, &mode, &a), 0);
    assert_int_equal(mode, 0100660); /* the group's bits are the mask */
    assert_int_equal(a->entries[2].perm, 4);
    assert_int_equal(a->entries[4].perm, 6);
    free(a);
    mode = 02644;
    assert_int_equal(acl_inherit(dflt, &mode, &a), 0);
    assert_int_equal(mode, 02640);
    assert_int_equal(a->entries[0].perm, 6);
    assert_int_equal(a->entries[4].perm, 4);
    free(a);

    struct acl *plain = malloc(sizeof(*plain) + 3 * sizeof(plain->entries[0]));
    plain->n = 3;
    plain->entries[0] = (struct acl_entry){ACL_TAG_USER_OBJ, 7, 0};
    plain->entries[1] = (struct acl_entry){ACL_TAG_GROUP_OBJ, 5, 0};
    plain->entries[2] = (struct acl_entry){ACL_TAG_OTHER, 0, 0};
    mode = 0666;
    assert_int_equal(acl_inherit(plain, &mode, &a), 0);
    assert_int_equal(mode, 0640);
    assert_null(a); /* the mode says it all */
    free(plain);
    free(dflt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_acl_is_read_and_written_as_it_was),
        cmocka_unit_test(what_the_kernel_would_not_take_is_refused),
        cmocka_unit_test(the_first_class_that_fits_decides),
        cmocka_unit_test(a_new_object_gets_what_both_allow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
