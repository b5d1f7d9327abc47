/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which bricks fit, and the shape that a volume has with or without them. The sentences are what stock's daemon was seen to say. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "brick-sets.h"
#include "log.h"
#include "util.h"

static struct brickinfo bricks[32];

static struct volinfo volume(enum volume_type type, unsigned int n, unsigned int sub, unsigned int arbiter)
{
    return (struct volinfo){.name = (char *)"vol", .type = type, .nr_bricks = n, .bricks = bricks, .sub_count = sub,
                            .replica_count = type == VOLUME_REPLICATE ? sub : 1, .arbiter_count = arbiter,
                            .disperse_count = type == VOLUME_DISPERSE ? sub : 0};
}

#define NOT_MORE(v, n, replica, arbiter, says)                                          \
    do {                                                                                \
        struct shape s;                                                                 \
        struct err err = {""};                                                          \
        assert_int_equal(shape_with_more(&(v), n, replica, arbiter, &s, &err), -EINVAL); \
        assert_string_equal(err.text, says);                                            \
    } while (0)
#define NOT_FEWER(v, replica, says, ...)                                                                    \
    do {                                                                                                    \
        const unsigned int at[] = {__VA_ARGS__};                                                            \
        struct shape s;                                                                                     \
        struct err err = {""};                                                                              \
        assert_int_equal(shape_with_fewer(&(v), at, array_len(at), replica, &s, &err), -EINVAL);            \
        assert_string_equal(err.text, says);                                                                \
    } while (0)

static void bricks_are_added_in_whole_sets(void **state)
{
    struct volinfo plain = volume(VOLUME_PLAIN, 2, 0, 0), two = volume(VOLUME_REPLICATE, 4, 2, 0), ec = volume(VOLUME_DISPERSE, 3, 3, 0);
    struct shape s;
    (void)state;
    assert_int_equal(shape_with_more(&plain, 1, 0, 0, &s, NULL), 0);
    assert_int_equal(s.type, VOLUME_PLAIN);
    assert_int_equal(shape_place(&plain, &s, 0), 2);
    assert_int_equal(shape_with_more(&two, 2, 2, 0, &s, NULL), 0);
    assert_int_equal(shape_place(&two, &s, 1), 5);
    NOT_MORE(two, 3, 0, 0, "Incorrect number of bricks supplied 3 with count 2");
    NOT_MORE(ec, 1, 0, 0, "Incorrect number of bricks supplied 1 with count 3");
    NOT_MORE(ec, 3, 2, 0, "Volume vol cannot be converted from dispersed to replicated-dispersed");
}

static void a_higher_replica_count_takes_a_brick_for_each_set(void **state)
{
    struct volinfo plain = volume(VOLUME_PLAIN, 2, 0, 0), two = volume(VOLUME_REPLICATE, 4, 2, 0);
    struct volinfo three = volume(VOLUME_REPLICATE, 3, 3, 0), arbiter = volume(VOLUME_REPLICATE, 3, 3, 1);
    struct shape s;
    (void)state;
    assert_int_equal(shape_with_more(&plain, 4, 3, 0, &s, NULL), 0);
    assert_int_equal(s.sub_count, 3);
    assert_int_equal(shape_place(&plain, &s, 0), 1); /* a b -> a 0 1 b 2 3 */
    assert_int_equal(shape_place(&plain, &s, 1), 2);
    assert_int_equal(shape_place(&plain, &s, 2), 4);
    assert_int_equal(shape_place(&plain, &s, 3), 5);
    assert_int_equal(shape_with_more(&two, 2, 3, 1, &s, NULL), 0);
    assert_int_equal(s.arbiter_count, 1);
    assert_int_equal(shape_place(&two, &s, 0), 2);
    assert_int_equal(shape_place(&two, &s, 1), 5);
    NOT_MORE(plain, 1, 2, 0, "Incorrect number of bricks (1) supplied for replica count (2).");
    NOT_MORE(three, 1, 2, 0, "Incorrect replica count (2) supplied. Volume already has (3)");
    NOT_MORE(three, 3, 3, 1, "Cannot convert replica 3 volume to arbiter volume.");
    NOT_MORE(arbiter, 1, 4, 0, "Increasing replica count for arbiter volumes is not supported.");
    assert_int_equal(shape_with_more(&arbiter, 3, 3, 1, &s, NULL), 0);
}

static void bricks_leave_in_whole_sets(void **state)
{
    struct volinfo plain = volume(VOLUME_PLAIN, 3, 0, 0), two = volume(VOLUME_REPLICATE, 4, 2, 0), one = volume(VOLUME_REPLICATE, 2, 2, 0);
    struct volinfo ec = volume(VOLUME_DISPERSE, 3, 3, 0);
    const unsigned int last[] = {2, 3};
    struct shape s;
    (void)state;
    assert_int_equal(shape_with_fewer(&plain, last, 1, 0, &s, NULL), 0);
    assert_int_equal(shape_with_fewer(&two, last, 2, 0, &s, NULL), 0);
    assert_int_equal(s.sub_count, 2);
    NOT_FEWER(two, 0, "Remove brick incorrect brick count of 1 for replica 2", 0);
    NOT_FEWER(two, 0, "Bricks not from same subvol for replica", 0, 2);
    NOT_FEWER(two, 2, "Bricks not from same subvol for replica", 0, 2);
    NOT_FEWER(two, 0, "Deleting all the bricks of the volume is not allowed", 0, 1, 2, 3);
    NOT_FEWER(one, 0, "Removing bricks from replicate configuration is not allowed without reducing replica count explicitly.", 1);
    NOT_FEWER(ec, 0, "Remove brick incorrect brick count of 1 for disperse 3", 0);
    NOT_FEWER(plain, 2, "replica count (2) option given for non replicate volume vol", 0);
    NOT_FEWER(two, 3, "given replica count (3) option is more than volume vol's replica count (2)", 0, 2);
}

static void a_lower_replica_count_takes_the_same_from_each_set(void **state)
{
    struct volinfo two = volume(VOLUME_REPLICATE, 4, 2, 0), three = volume(VOLUME_REPLICATE, 3, 3, 0),
        arbiter = volume(VOLUME_REPLICATE, 3, 3, 1);
    const unsigned int one_each[] = {1, 3}, the_arbiter[] = {2}, with_arbiter[] = {1, 2};
    struct shape s;
    (void)state;
    assert_int_equal(shape_with_fewer(&two, one_each, 2, 1, &s, NULL), 0);
    assert_int_equal(s.type, VOLUME_PLAIN);
    assert_int_equal(s.sub_count, 0);
    NOT_FEWER(two, 1, "need 2(xN) bricks for reducing replica count of the volume from 2 to 1", 0);
    NOT_FEWER(two, 1, "Remove exactly 1 brick(s) from each subvolume.", 0, 1);
    NOT_FEWER(three, 1, "need 2(xN) bricks for reducing replica count of the volume from 3 to 1", 0);
    assert_int_equal(shape_with_fewer(&arbiter, the_arbiter, 1, 2, &s, NULL), 0);
    assert_int_equal(s.arbiter_count, 0);
    assert_int_equal(shape_with_fewer(&arbiter, with_arbiter, 2, 1, &s, NULL), 0);
    NOT_FEWER(arbiter, 2, "Remove arbiter brick(s) only when converting from arbiter to replica 2 subvolume.", 0);
    NOT_FEWER(arbiter, 1, "Removed bricks must contain arbiter when converting to plain distribute.", 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bricks_are_added_in_whole_sets),
        cmocka_unit_test(a_higher_replica_count_takes_a_brick_for_each_set),
        cmocka_unit_test(bricks_leave_in_whole_sets),
        cmocka_unit_test(a_lower_replica_count_takes_the_same_from_each_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
