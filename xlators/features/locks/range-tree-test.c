/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "range-tree.h"
#include "util.h"

enum { NODES = 500, SPAN = 200 };

static uint32_t state = 12345;
static int64_t random_below(int64_t n)
{
    state = state * 1664525u + 1013904223u;
    return (int64_t)(state >> 8) % n;
}

/* Each node that meets the range comes once, in order, and no other. */
static void compare(struct range_node *root, const struct range_node *nodes, const bool *in, int64_t start, int64_t end)
{
    unsigned int expected = 0, found = 0;
    const struct range_node *last = NULL;

    for (unsigned int i = 0; i < NODES; i++)
        expected += in[i] && nodes[i].start <= end && nodes[i].end >= start;
    for (struct range_node *n = NULL; (n = range_next(root, start, end, n)); last = n) {
        assert_true(n->start <= end && n->end >= start && in[n - nodes]);
        assert_true(!last || last->start < n->start || (last->start == n->start && last < n));
        found++;
    }
    assert_int_equal(found, expected);
}

static void a_search_finds_what_a_walk_finds(void **unused)
{
    static struct range_node nodes[NODES];
    static bool in[NODES];
    struct range_node *root = NULL;

    for (unsigned int step = 0; step < 20000; step++) {
        unsigned int i = (unsigned int)random_below(NODES);

        if (in[i]) {
            range_remove(&root, &nodes[i]);
        } else {
            nodes[i].start = random_below(SPAN);
            nodes[i].end = random_below(10) ? nodes[i].start + random_below(20) : INT64_MAX;
            range_insert(&root, &nodes[i]);
        }
        in[i] = !in[i];
        if (step % 20 == 0) {
            int64_t start = random_below(SPAN);
            compare(root, nodes, in, start, start + random_below(SPAN));
        }
    }
    compare(root, nodes, in, 0, INT64_MAX);
    for (unsigned int i = 0; i < NODES; i++)
        if (in[i])
            range_remove(&root, &nodes[i]);
    assert_null(root);
}

static void a_walk_goes_on_behind_one_that_was_removed(void **unused)
{
    struct range_node nodes[3] = {{.start = 1, .end = 5}, {.start = 2, .end = 9}, {.start = 3, .end = 4}}, *root = NULL;

    for (unsigned int i = 0; i < 3; i++)
        range_insert(&root, &nodes[i]);
    struct range_node *n = range_next(root, 3, 3, &nodes[0]);
    assert_ptr_equal(n, &nodes[1]);
    range_remove(&root, n);
    assert_ptr_equal(range_next(root, 3, 3, n), &nodes[2]);
    assert_null(range_next(root, 6, 7, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_finds_what_a_walk_finds),
        cmocka_unit_test(a_walk_goes_on_behind_one_that_was_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
