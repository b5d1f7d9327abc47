/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "debug-types.h"
#include "process.h"
#include "testing.h"

static unsigned int below;

static void takes_all(struct xlator *xl, struct fop *fop)
{
    below++;
    if (fop->op == FOP_WRITE)
        assert_int_equal(fop->in.write.data.len, fop->in.write.size);
    fop_complete(fop, fop->op == FOP_WRITE ? (int32_t)fop->in.write.size : 0, 0);
}

static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = takes_all}};

static struct process p;
static struct graph *g;

static void start(const char *failure, const char *error, const char *enable, const char *random)
{
    struct testing_node nodes[] = {{.type = &storage}, {.type = &error_gen_type, .options = {"failure", failure, "random-failure", random}},
                                   {.type = NULL}};
    unsigned int n = 4;

    if (error) {
        nodes[1].options[n++] = "error-no";
        nodes[1].options[n++] = error;
    }
    if (enable) {
        nodes[1].options[n++] = "enable";
        nodes[1].options[n++] = enable;
    }
    below = 0;
    testing_process(&p);
    g = testing_graph(&p, nodes);
}

static void stop(void)
{
    testing_graph_free(g);
    testing_process_done(&p);
}

static int run(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    testing_run(g, fop);
    int err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

static void a_share_of_operations_fails(void **state)
{
    unsigned int failed = 0;

    start("25%", "EBUSY", NULL, "off");
    for (int i = 0; i < 1000; i++) {
        int err = run(FOP_STAT);
        assert_true(err == 0 || err == EBUSY);
        failed += err != 0;
    }
    assert_int_equal(failed, 250);
    assert_int_equal(below, 750);
    stop();
}

static void only_what_is_named_fails(void **state)
{
    start("100%", "EIO", "lookup, writev,STATFS", "off");
    assert_int_equal(run(FOP_LOOKUP), EIO);
    assert_int_equal(run(FOP_WRITE), EIO);
    assert_int_equal(run(FOP_STATFS), EIO);
    assert_int_equal(run(FOP_READ), 0);
    stop();
}

static void nothing_fails_unless_asked_for(void **state)
{
    start("0", NULL, NULL, "on");
    for (int i = 0; i < 100; i++)
        assert_int_equal(run(FOP_LOOKUP), 0);
    stop();
}

static void by_chance_some_do_and_some_do_not(void **state)
{
    unsigned int failed = 0;

    start("50%", NULL, NULL, "on");
    for (int i = 0; i < 1000; i++)
        failed += run(FOP_LOOKUP) != 0;
    assert_in_range(failed, 300, 700); /* beyond: once in 10^36 */
    stop();
}

static void a_short_write_takes_half(void **state)
{
    struct fop *fop;
    struct slice s;

    start("100%", "GF_ERROR_SHORT_WRITE", NULL, "off");
    fop = fop_new(g, FOP_WRITE);
    for (int i = 0; i < 3; i++) {
        s = slice_new(p.env.bufs, 100);
        slicev_add(&fop->in.write.data, s);
    }
    fop->in.write.size = 300;
    testing_run(g, fop);
    assert_int_equal(fop->ret, 150);
    fop_free(fop);
    assert_int_equal(run(FOP_STAT), 0);
    stop();
}

static void what_is_not_understood_is_refused(void **state)
{
    static const char *const wrong[][2] = {{"error-no", "EWHAT"}, {"enable", "LOOKUP,FLY"}};

    start("0", NULL, NULL, "off");
    for (size_t i = 0; i < array_len(wrong); i++) {
        struct optset set = {0};
        struct err err = {0};

        optset_add(&set, wrong[i][0], wrong[i][1], "test", 1);
        assert_int_equal(error_gen_type.reconfigure(g->top, &set, &err), -EINVAL);
        assert_non_null(strstr(err.text, wrong[i][0]));
        optset_done(&set);
    }
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_operations_fails),
        cmocka_unit_test(only_what_is_named_fails),
        cmocka_unit_test(nothing_fails_unless_asked_for),
        cmocka_unit_test(by_chance_some_do_and_some_do_not),
        cmocka_unit_test(a_short_write_takes_half),
        cmocka_unit_test(what_is_not_understood_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
