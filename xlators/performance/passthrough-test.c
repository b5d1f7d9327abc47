/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The types without handlers: what a stock daemon writes for them is taken, what is out of range is named, operations pass by pointer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "performance-types.h"
#include "testing.h"

static void fake(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 0, 0);
}

static const struct xlator_type fake_storage = {.name = "storage/fake", .leaf = true, .on = {[0 ... NR_FOPS - 1] = fake}};

static const struct {
    const struct xlator_type *type;
    const char *key, *good, *bad;
} cases[] = {
    {&read_ahead_type, "page-count", "16", "17"},
    {&read_ahead_type, "page-size", "64MB", "65MB"},
    {&readdir_ahead_type, "performance.readdir-ahead", "on", "perhaps"},
    {&readdir_ahead_type, "rda-request-size", "131072", "131073"},
    {&readdir_ahead_type, "rda-low-wmark", "0", "11MB"},
    {&readdir_ahead_type, "rda-cache-limit", "10MB", "much"},
    {&io_cache_type, "cache-timeout", "60", "61"},
    {&io_cache_type, "force-revalidate-timeout", "0", "61"},
    {&io_cache_type, "cache-size", "4MB", "3MB"},
    {&nl_cache_type, "nl-cache-timeout", "10min", "soon"},
    {&nl_cache_type, "nl-cache-limit", "10MB", "-1"},
};

static void operations_pass_by_pointer(void **state)
{
    for (size_t i = 0; i < array_len(cases); i++) {
        struct process p;
        struct graph *g;

        testing_process(&p);
        g = testing_graph(&p, (struct testing_node[]){{.type = &fake_storage},
                                                      {.type = cases[i].type, .options = {cases[i].key, cases[i].good}}, {.type = NULL}});
        for (unsigned int op = 0; op < NR_FOPS; op++)
            assert_ptr_equal(g->top->handler[op], g->first);
        testing_graph_free(g);
        testing_process_done(&p);
    }
}

static void what_is_out_of_range_is_named(void **state)
{
    for (size_t i = 0; i < array_len(cases); i++) {
        const struct xlator_type *type = cases[i].type;
        struct optset set = {0};
        struct err err = {0};
        char room[256] = {0};

        assert_true(type->priv_size <= sizeof(room));
        assert_int_equal(optset_add(&set, cases[i].key, cases[i].bad, "client.vol", 7), 0);
        assert_true(options_apply(type->options, type->nr_options, &set, "v", false, room, &err) < 0);
        assert_non_null(strstr(err.text, cases[i].key));
        optset_done(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_pass_by_pointer),
        cmocka_unit_test(what_is_out_of_range_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
