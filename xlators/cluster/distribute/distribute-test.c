/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cluster-types.h"
#include "testing.h"

static struct dict *seen; /* xdata of the last operation that came down */

static void note(struct xlator *xl, struct fop *fop)
{
    dict_unref(seen);
    seen = dict_ref(fop->xdata);
    fop->out.stat.mode = S_IFDIR | 0700;
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = note}};

static struct process p;

static struct graph *above_one(const char *key, const char *value)
{
    testing_process(&p);
    return testing_graph(&p, (struct testing_node[]){{.type = &storage}, {.type = &distribute_type, .options = {key, value}},
                                                     {.type = NULL}});
}

static void end(struct graph *g)
{
    dict_unref(seen);
    seen = NULL;
    testing_graph_free(g);
    testing_process_done(&p);
}

static void a_new_directory_gets_all_hash_values(void **state)
{
    static const uint8_t layout[16] = {[12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff};
    struct graph *g = above_one(NULL, NULL);
    struct fop *fop = fop_new(g, FOP_MKDIR);
    const struct dict_pair *pair;
    gfid_t gfid = {{1}}, same;

    fop->xdata = dict_new();
    dict_set_gfid(fop->xdata, "gfid-req", gfid);
    testing_run(g, fop);
    assert_int_equal(fop->ret, 0);
    assert_int_equal(fop->out.stat.mode, S_IFDIR | 0700);
    assert_int_equal(dict_count(fop->xdata), 1); /* the submitter's own is as it was */
    pair = dict_find(seen, "trusted.glusterfs.dht");
    assert_non_null(pair);
    assert_int_equal(pair->type, DICT_BINARY);
    assert_int_equal(pair->len, 16);
    assert_memory_equal(pair->value, layout, 16);
    assert_int_equal(dict_get_gfid(seen, "gfid-req", &same), 0);
    assert_true(gfid_equal(gfid, same));
    fop_free(fop);
    end(g);
}

static void the_layout_has_the_name_that_the_option_says(void **state)
{
    struct graph *g = above_one("xattr-name", "trusted.other");
    struct fop *fop = fop_new(g, FOP_MKDIR);

    testing_run(g, fop);
    assert_non_null(dict_find(seen, "trusted.other"));
    assert_null(dict_find(seen, "trusted.glusterfs.dht"));
    fop_free(fop);
    end(g);
}

static void everything_else_goes_past(void **state)
{
    struct graph *g = above_one("lookup-optimize", "off");

    for (unsigned int op = FOP_STAT; op < NR_FOPS; op++)
        if (op != FOP_MKDIR && op != FOP_GETXATTR && op != FOP_FGETXATTR)
            assert_ptr_equal(g->top->handler[op], g->first);
    end(g);
}

static int get(struct graph *g, const char *name, char ret[8])
{
    struct fop *fop = fop_new(g, FOP_GETXATTR);
    const struct dict_pair *pair;
    int err;

    fop->in.getxattr.name = name;
    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    pair = dict_find(fop->out.dict, name);
    ret[0] = '\0';
    if (pair)
        snprintf(ret, 8, "%.*s", (int)pair->len, (const char *)pair->value);
    fop_free(fop);
    return err;
}

static void the_layout_is_not_told_and_the_bricks_state_is(void **state)
{
    struct graph *g = above_one(NULL, NULL);
    char value[8];

    assert_int_equal(get(g, "trusted.glusterfs.dht", value), ENODATA);
    assert_int_equal(get(g, "dht.subvol.status.0", value), 0);
    assert_string_equal(value, "0");
    xlator_notify_up(g->first, EVENT_CHILD_UP, NULL);
    assert_int_equal(get(g, "dht.subvol.status", value), 0);
    assert_string_equal(value, "1");
    assert_int_equal(get(g, "user.x", value), 0); /* the fake storage's answer */
    assert_string_equal(value, "");
    end(g);
}

static void above_two_it_is_refused_with_the_name_of_the_client_that_can(void **state)
{
    struct xlator xl = {.type = &distribute_type, .name = (char *)"v-dht", .nr_children = 2};
    struct err err = {0};

    assert_int_equal(distribute_type.init(&xl, &err), -EOPNOTSUPP);
    assert_non_null(strstr(err.text, "v-dht"));
    assert_non_null(strstr(err.text, "2 subvolumes"));
    assert_non_null(strstr(err.text, "glusterfs-client"));
    assert_non_null(strstr(err.text, "doc/refused.md"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_directory_gets_all_hash_values),
        cmocka_unit_test(the_layout_has_the_name_that_the_option_says),
        cmocka_unit_test(everything_else_goes_past),
        cmocka_unit_test(the_layout_is_not_told_and_the_bricks_state_is),
        cmocka_unit_test(above_two_it_is_refused_with_the_name_of_the_client_that_can),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
