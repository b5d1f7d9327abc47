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
#include <time.h>
#include <unistd.h>

#include "graph.h"
#include "log.h"
#include "pool.h"
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

static void nothing_but_data_is_counted_when_switched_off(void **state)
{
    struct process p;
    struct graph *g = counting(&p, "off");

    run(g, FOP_STAT);
    assert_null(dumped(&p, "STAT"));
    run(g, FOP_READ);
    assert_null(dumped(&p, "READ"));
    assert_int_equal(atoi(dumped(&p, "data_read")), 4096);
    testing_graph_free(g);
    testing_process_done(&p);
}

/* ---- profile and top ---------------------------------------------------------------------------------------------------- */

struct asked {
    struct xlator_ask ask;
    struct dict *in;
    int ret;
    bool answered;
};

static void answered(struct xlator_ask *ask, int ret)
{
    struct asked *a = container_of(ask, struct asked, ask);

    assert_false(a->answered);
    a->answered = true;
    a->ret = ret;
}

static struct dict *ask(struct graph *g, const char *key, int number, const char *other)
{
    struct asked a = {.ask = {.what = ASK_INFO, .in = dict_new(), .out = dict_new(), .done = answered}};

    assert_int_equal(dict_set_textf((struct dict *)a.ask.in, key, "%d", number), 0);
    if (other)
        assert_int_equal(dict_set_text((struct dict *)a.ask.in, other, "1"), 0);
    g->top->type->ask(g->top, &a.ask);
    assert_true(a.answered);
    assert_int_equal(a.ret, 0);
    dict_unref((struct dict *)a.ask.in);
    return a.ask.out;
}

static const char *text_of(const struct dict *d, const char *key)
{
    const char *text = NULL;

    dict_get_text(d, key, &text);
    return text;
}

#define assert_text(d, key, expected) assert_string_equal(text_of(d, key), expected)

static void profile_has_a_block_since_the_start_and_one_since_the_last_question(void **state)
{
    struct process p;
    struct graph *g = counting(&p, "on");

    run(g, FOP_STAT);
    run(g, FOP_READ);
    struct dict *d = ask(g, "info-op", 1, NULL);
    assert_text(d, "info-op", "1");
    assert_text(d, "cumulative", "-1");
    assert_text(d, "interval", "0");
    assert_text(d, "-1-1-hits", "1");
    assert_text(d, "0-1-hits", "1");
    assert_text(d, "-1-read-4096", "1");
    assert_text(d, "-1-total-read", "4096");
    assert_text(d, "-1-total-write", "0");
    assert_non_null(text_of(d, "-1-duration"));
    dict_unref(d);

    run(g, FOP_STAT);
    run(g, FOP_FREMOVEXATTR); /* 43 on the wire, 45 here */
    d = ask(g, "info-op", 1, NULL);
    assert_text(d, "-1-1-hits", "2");
    assert_text(d, "interval", "1");
    assert_text(d, "1-1-hits", "1");
    assert_text(d, "1-45-hits", "1");
    assert_null(text_of(d, "1-read-4096"));
    dict_unref(d);

    d = ask(g, "info-op", 2, "peek");
    assert_text(d, "interval", "2");
    assert_null(text_of(d, "cumulative"));
    dict_unref(d);
    d = ask(g, "info-op", 2, NULL);
    assert_text(d, "interval", "2"); /* who peeks ends nothing */
    dict_unref(d);
    d = ask(g, "info-op", 3, NULL);
    assert_null(text_of(d, "interval"));
    dict_unref(d);
    d = ask(g, "info-op", 4, NULL);
    assert_text(d, "stats-cleared", "1");
    dict_unref(d);
    d = ask(g, "info-op", 3, NULL);
    assert_null(text_of(d, "-1-1-hits"));
    dict_unref(d);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void latencies_are_there_when_they_are_measured(void **state)
{
    struct process p;

    testing_process(&p);
    struct graph *g = testing_graph(
        &p, (struct testing_node[]){{.type = &below}, {.type = &io_stats_type, .options = {"latency-measurement", "on"}}, {.type = NULL}});
    run(g, FOP_STAT);
    struct dict *d = ask(g, "info-op", 3, NULL);
    assert_true(atof(text_of(d, "-1-1-minlatency")) > 0);
    assert_true(atof(text_of(d, "-1-1-minlatency")) <= atof(text_of(d, "-1-1-avglatency")));
    assert_true(atof(text_of(d, "-1-1-avglatency")) <= atof(text_of(d, "-1-1-maxlatency")));
    dict_unref(d);
    testing_graph_free(g);
    testing_process_done(&p);
}

static gfid_t gfid_number(uint8_t n)
{
    return (gfid_t){{[0] = 0xf0, [15] = n}};
}

/* A storage that knows its files by number: "/<number>". */
static void store(struct xlator *xl, struct fop *fop)
{
    if (fop->op == FOP_OPEN) {
        fop->out.fd = fd_new(fop->graph, fop->loc.inode, NULL, 0, false);
        fop_complete(fop, 0, 0);
    } else if (fop->op == FOP_GETXATTR) {
        char path[16];
        int n = snprintf(path, sizeof(path), gfid_is_root(fop->loc.inode->gfid) ? "/" : "/%d", fop->loc.inode->gfid.b[15]);
        if (fop->loc.inode->gfid.b[15] == 9) { /* it is gone */
            fop_fail(fop, ESTALE);
            return;
        }
        fop->out.dict = dict_new();
        dict_set_binary(fop->out.dict, fop->in.getxattr.name, path, (size_t)n);
        fop_complete(fop, n, 0);
    } else {
        fop_complete(fop, fop->op == FOP_READ || fop->op == FOP_WRITE ? 100 : 0, 0);
    }
}

static const struct xlator_type storage = {.name = "test/storage", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = store}};

static struct graph *with_files(struct process *p)
{
    testing_process(p);
    return testing_graph(p, (struct testing_node[]){{.type = &storage}, {.type = &io_stats_type}, {.type = NULL}});
}

/* Opens file n, and reads it so often. The descriptor, when it shall stay open. */
static struct fd *use_file(struct graph *g, uint8_t n, int reads)
{
    struct fop *fop = fop_new(g, FOP_OPEN);
    struct fd *fd;

    fop->loc.inode = inode_get(g->inodes, gfid_number(n));
    testing_run(g, fop);
    fd = fd_ref(fop->out.fd);
    fop_free(fop);
    for (int i = 0; i < reads; i++) {
        fop = fop_new(g, FOP_READ);
        fop->fd = fd_ref(fd);
        testing_run(g, fop);
        fop_free(fop);
    }
    return fd;
}

static void top_lists_the_busiest_files_first(void **state)
{
    struct process p;
    struct graph *g = with_files(&p);
    struct fd *open;

    fd_unref(use_file(g, 1, 1));
    fd_unref(use_file(g, 2, 3));
    open = use_file(g, 3, 2);
    struct dict *d = ask(g, "top-op", 2, NULL);
    assert_text(d, "top-op", "2");
    assert_text(d, "members", "3");
    assert_text(d, "filename-1", "/2");
    assert_text(d, "value-1", "3");
    assert_text(d, "filename-2", "/3");
    assert_text(d, "filename-3", "/1");
    assert_null(text_of(d, "current-open"));
    dict_unref(d);
    d = ask(g, "top-op", 1, NULL);
    assert_text(d, "current-open", "1");
    assert_text(d, "max-open", "1");
    assert_string_not_equal(text_of(d, "max-openfd-time"), "N/A");
    assert_text(d, "filename-1", "/3"); /* of equal ones the latest */
    dict_unref(d);
    d = ask(g, "top-op", 6, NULL);
    assert_text(d, "members", "3");
    assert_non_null(text_of(d, "time-sec-1"));
    assert_non_null(text_of(d, "time-usec-1"));
    dict_unref(d);
    d = ask(g, "info-op", 1, NULL);
    assert_text(d, "-1-42-hits", "2"); /* RELEASE is counted at any time */
    dict_unref(d);
    d = ask(g, "top-op", 0, "clear-stats");
    assert_text(d, "stats-cleared", "1");
    assert_text(d, "top-op", "0");
    dict_unref(d);
    d = ask(g, "top-op", 2, NULL);
    assert_text(d, "members", "0");
    dict_unref(d);
    d = ask(g, "info-op", 3, NULL); /* it is another thing */
    assert_text(d, "-1-42-hits", "2");
    dict_unref(d);
    fd_unref(open);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void a_removed_file_keeps_its_name_in_the_list(void **state)
{
    struct process p;
    struct graph *g = with_files(&p);
    struct fop *fop;

    fd_unref(use_file(g, 9, 1));
    struct dict *d = ask(g, "top-op", 2, NULL);
    assert_memory_equal(text_of(d, "filename-1"), "<gfid:f0", 8);
    dict_unref(d);
    fop = fop_new(g, FOP_UNLINK);
    fop->loc.inode = inode_get(g->inodes, gfid_number(9));
    fop->loc.parent = inode_get(g->inodes, gfid_root);
    strcpy(fop->loc.name, "nine");
    testing_run(g, fop);
    fop_free(fop);
    d = ask(g, "top-op", 2, NULL);
    assert_text(d, "filename-1", "/nine");
    dict_unref(d);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void a_full_list_keeps_the_busiest(void **state)
{
    struct process p;
    struct graph *g = with_files(&p);

    for (unsigned int n = 10; n < 10 + 130; n++)
        fd_unref(use_file(g, (uint8_t)n, n < 115 ? 1 : 2));
    struct dict *d = ask(g, "top-op", 2, NULL);
    assert_text(d, "members", "100");
    assert_text(d, "value-25", "2");
    assert_text(d, "value-26", "1");
    dict_unref(d);
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

static int ask_for_report(struct graph *g, const char *name)
{
    struct fop *fop = fop_new(g, FOP_SETXATTR);
    int err;

    fop->in.setxattr.dict = dict_new();
    assert_int_equal(dict_set_text(fop->in.setxattr.dict, "trusted.io-stats-dump", name), 0);
    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

static void a_report_by_setxattr_is_a_file_of_the_run_directory_and_goes_no_further(void **state)
{
    struct process p;
    struct graph *g = counting(&p, "on");
    char dir[] = "io-stats-test-XXXXXX", path[256], text[4096];
    size_t n;
    FILE *f;

    assert_non_null(mkdtemp(dir));
    p.run_dir = dir;
    run(g, FOP_STAT);
    run(g, FOP_STAT);
    reached = 0;
    assert_int_equal(ask_for_report(g, "../a/b"), 0);
    assert_int_equal(reached, 0);
    snprintf(path, sizeof(path), "%s/..-a-b.%s", dir, g->top->name);
    f = fopen(path, "r");
    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = 0;
    fclose(f);
    assert_non_null(strstr(text, "=== Cumulative stats ==="));
    assert_non_null(strstr(text, "STAT                   2 "));
    assert_non_null(strstr(text, "=== Interval 0 stats ==="));
    assert_int_equal(ask_for_report(g, ""), EINVAL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("elsewhere", path), 0); /* who can write there must not choose what root overwrites */
    assert_int_equal(ask_for_report(g, "../a/b"), ELOOP);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    run(g, FOP_SETXATTR);
    assert_int_equal(reached, 1);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void a_brick_writes_no_report(void **state)
{
    struct process p;
    struct graph *g;

    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &below}, {.type = &io_stats_type, .options = {"unique-id", "/brick"}},
                                                  {.type = NULL}});
    reached = 0;
    assert_int_equal(ask_for_report(g, "file"), EOPNOTSUPP);
    assert_int_equal(reached, 0);
    testing_graph_free(g);
    testing_process_done(&p);
}

/* ---- global-threading: the size of the one pool ---- */

static atomic_bool may_end;
static struct job busy[3];

static void be_busy(struct job *j)
{
    while (!atomic_load(&may_end))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* How many of three jobs run at once. */
static unsigned int at_once(struct process *p, unsigned int want)
{
    unsigned int n = 0;

    atomic_store(&may_end, false);
    for (size_t i = 0; i < array_len(busy); i++) {
        busy[i] = (struct job){.run = be_busy, .class = CLASS_NORMAL};
        pool_add(p->pool, &busy[i]);
    }
    for (int i = 0; i < 10000 && n != want; i++) { /* threads start in their own time */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        n = pool_counts(p->pool).running[CLASS_NORMAL];
    }
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL); /* one more would have been there by now, most times */
    n = pool_counts(p->pool).running[CLASS_NORMAL];
    atomic_store(&may_end, true);
    pool_drain(p->pool);
    return n;
}

static struct graph *threading(struct process *p, const char *on, const char *path)
{
    testing_process(p);
    return testing_graph(p, (struct testing_node[]){
        {.type = &below},
        {.type = &io_stats_type, .options = {"global-threading", on, "threads", "2", "brick-threads", "1", path ? "unique-id" : NULL,
                                                path}},
        {.type = NULL}});
}

static void global_threading_sizes_the_pool_of_the_process(void **state)
{
    static const struct {
        const char *on, *path;
        unsigned int want;
    } cases[] = {{"off", NULL, 3}, {"on", NULL, 2}, {"on", "/b", 1}};

    for (size_t i = 0; i < array_len(cases); i++) {
        struct process p;
        struct graph *g = threading(&p, cases[i].on, cases[i].path);

        assert_int_equal(at_once(&p, cases[i].want), cases[i].want);
        testing_graph_free(g);
        testing_process_done(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hits_failures_and_bytes_are_counted_when_switched_on),
        cmocka_unit_test(nothing_but_data_is_counted_when_switched_off),
        cmocka_unit_test(profile_has_a_block_since_the_start_and_one_since_the_last_question),
        cmocka_unit_test(latencies_are_there_when_they_are_measured),
        cmocka_unit_test(top_lists_the_busiest_files_first),
        cmocka_unit_test(a_removed_file_keeps_its_name_in_the_list),
        cmocka_unit_test(a_full_list_keeps_the_busiest),
        cmocka_unit_test(the_log_level_is_the_processes),
        cmocka_unit_test(a_report_by_setxattr_is_a_file_of_the_run_directory_and_goes_no_further),
        cmocka_unit_test(a_brick_writes_no_report),
        cmocka_unit_test(global_threading_sizes_the_pool_of_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
