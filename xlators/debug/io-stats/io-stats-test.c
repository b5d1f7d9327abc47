/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "log.h"
#include "process.h"
#include "testing.h"
#include "xlator.h"

extern const struct xlator_type io_stats_type;

static unsigned int reached;

static void succeed(struct xlator *xl, struct fop *fop)
{
    reached++;
    if (fop->op == FOP_UNLINK)
        fop_fail(fop, ENOENT);
    else
        fop_complete(fop, fop->op == FOP_READ ? 4096 : 0, 0);
}

static const struct xlator_type below = {.name = "test/below", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = succeed}};

static void run(struct graph *g, enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    testing_run(g, fop);
    fop_free(fop);
}

static struct graph *counting(struct process *p, const char *switched)
{
    testing_process(p);
    return testing_graph(
        p, (struct testing_node[]){{.type = &below}, {.type = &io_stats_type, .options = {"count-fop-hits", switched}}, {.type = NULL}});
}

/* The value of key in the statedump, or NULL; in a buffer of this function's. */
static const char *dumped(struct process *p, const char *key)
{
    static char value[256];
    char dir[] = "io-stats-test-XXXXXX", cmd[512];
    struct err err = {0};
    FILE *f;

    assert_non_null(mkdtemp(dir));
    p->statedump_dir = dir;
    assert_int_equal(statedump_write(p, "x", &err), 0);
    snprintf(cmd, sizeof(cmd), "sed -n 's/^%s=//p' %s/x.*.dump.*; rm -r %s", key, dir, dir);
    f = popen(cmd, "r");
    assert_non_null(f);
    char *line = fgets(value, sizeof(value), f);
    pclose(f);
    return line;
}

static void hits_failures_and_bytes_are_counted_when_switched_on(void **state)
{
    struct process p;
    struct graph *g = counting(&p, "on");

    run(g, FOP_STAT);
    run(g, FOP_STAT);
    run(g, FOP_UNLINK);
    run(g, FOP_READ);
    assert_non_null(strstr(dumped(&p, "STAT"), "hits 2, failed 0"));
    assert_non_null(strstr(dumped(&p, "UNLINK"), "hits 1, failed 1"));
    assert_int_equal(atoi(dumped(&p, "data_read")), 4096);
    assert_int_equal(atoi(dumped(&p, "read.4096b+")), 1);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void nothing_is_counted_when_switched_off(void **state)
{
    struct process p;
    struct graph *g = counting(&p, "off");

    run(g, FOP_STAT);
    assert_null(dumped(&p, "STAT"));
    testing_graph_free(g);
    testing_process_done(&p);
}

static void the_log_level_is_the_processes(void **state)
{
    enum log_level before = log_get_level();
    struct process p;

    testing_process(&p);
    struct graph *g = testing_graph(
        &p, (struct testing_node[]){{.type = &below}, {.type = &io_stats_type, .options = {"log-level", "ERROR"}}, {.type = NULL}});
    assert_int_equal(log_get_level(), LVL_ERROR);
    log_set_level(before);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void a_dump_by_setxattr_is_refused_and_goes_no_further(void **state)
{
    struct process p;
    struct graph *g = counting(&p, "off");
    struct fop *fop = fop_new(g, FOP_SETXATTR);

    reached = 0;
    fop->in.setxattr.dict = dict_new();
    assert_int_equal(dict_set_text(fop->in.setxattr.dict, "trusted.io-stats-dump", "file"), 0);
    testing_run(g, fop);
    assert_int_equal(fop->ret, -1);
    assert_int_equal(fop->err, EOPNOTSUPP);
    assert_int_equal(reached, 0);
    fop_free(fop);
    run(g, FOP_SETXATTR);
    assert_int_equal(reached, 1);
    testing_graph_free(g);
    testing_process_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_failures_and_bytes_are_counted_when_switched_on),
        cmocka_unit_test(nothing_is_counted_when_switched_off),
        cmocka_unit_test(the_log_level_is_the_processes),
        cmocka_unit_test(a_dump_by_setxattr_is_refused_and_goes_no_further),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
