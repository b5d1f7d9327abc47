/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "feature-types.h"
#include "testing.h"

/* The other side: counts what comes, and keeps it while it is silent. */
static enum { ANSWERS, SILENT, IS_AWAY } mood;
static struct fop *kept[4];
static unsigned int nr_kept, below;

static void takes_all(struct xlator *xl, struct fop *fop)
{
    below++;
    if (mood == SILENT)
        kept[nr_kept++] = fop;
    else if (mood == IS_AWAY)
        fop_fail(fop, ENOTCONN);
    else
        fop_complete(fop, 0, 0);
}

static const struct xlator_type other_side = {.name = "protocol/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = takes_all}};

static struct process p;
static struct graph *g;
static struct fop *back[8];
static unsigned int nr_back;

static void came_back(struct fop *fop, void *ctx)
{
    back[nr_back++] = fop;
}

static void start(const char *timeout)
{
    mood = ANSWERS;
    nr_kept = below = nr_back = 0;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &other_side}, {.type = &quiesce_type, .options = {"timeout", timeout}},
                                                  {.type = NULL}});
}

static void stop(void)
{
    for (unsigned int i = 0; i < nr_back; i++)
        fop_free(back[i]);
    testing_graph_free(g);
    testing_process_done(&p);
}

static struct fop *submit(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    fop_push(fop, came_back, NULL);
    fop_submit(g->top, fop);
    return fop;
}

static void connection(bool up)
{
    xlator_notify_up(g->first, up ? EVENT_CHILD_UP : EVENT_CHILD_DOWN, NULL);
}

static void fail_kept(void)
{
    for (; nr_kept; nr_kept--)
        fop_fail(kept[nr_kept - 1], ENOTCONN);
}

static void while_the_other_side_is_away_all_waits_and_goes_on_in_order(void **state)
{
    struct fop *fops[3];

    start("45");
    connection(true);
    submit(FOP_WRITE);
    assert_int_equal(nr_back, 1);
    connection(false);
    fops[0] = submit(FOP_WRITE);
    fops[1] = submit(FOP_LOOKUP);
    fops[2] = submit(FOP_MKDIR);
    assert_int_equal(below, 1);
    assert_int_equal(nr_back, 1);
    connection(true);
    assert_int_equal(nr_back, 4);
    for (unsigned int i = 0; i < 3; i++) {
        assert_ptr_equal(back[1 + i], fops[i]);
        assert_int_equal(fops[i]->ret, 0);
    }
    stop();
}

static void what_only_reads_is_asked_again_and_what_changes_something_is_not(void **state)
{
    struct fop *reads, *changes;

    start("45");
    connection(true);
    mood = SILENT;
    reads = submit(FOP_STAT);
    changes = submit(FOP_UNLINK);
    fail_kept(); /* as the connection does: first those under way, then the news */
    assert_int_equal(nr_back, 1);
    assert_ptr_equal(back[0], changes);
    assert_int_equal(changes->err, ENOTCONN);
    connection(false);
    mood = ANSWERS;
    connection(true);
    assert_int_equal(nr_back, 2);
    assert_ptr_equal(back[1], reads);
    assert_int_equal(reads->ret, 0);
    stop();
}

static void what_comes_back_late_is_asked_again_at_once(void **state)
{
    struct fop *reads;

    start("45");
    connection(true);
    mood = SILENT;
    reads = submit(FOP_STAT);
    connection(false);
    connection(true);
    mood = ANSWERS;
    fail_kept();
    assert_int_equal(nr_back, 1);
    assert_ptr_equal(back[0], reads);
    assert_int_equal(reads->ret, 0);
    stop();
}

static struct fop *awaited;

static void stops_the_loop(struct fop *fop, void *ctx)
{
    awaited = fop;
    loop_stop(p.env.loop);
}

static struct fop *run(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    awaited = NULL;
    fop_push(fop, stops_the_loop, NULL);
    fop_submit(g->top, fop);
    assert_int_equal(loop_run(p.env.loop), 0);
    assert_ptr_equal(awaited, fop);
    return fop;
}

static void without_news_of_a_broken_connection_it_is_the_answer(void **state)
{
    start("45");
    connection(true);
    mood = IS_AWAY; /* the proxy is there, the brick behind it is not */
    struct fop *fop = run(FOP_STAT);
    assert_int_equal(fop->err, ENOTCONN);
    fop_free(fop);
    stop();
}

static void nobody_waits_beyond_the_time(void **state)
{
    start("1");
    connection(true);
    connection(false);
    struct fop *fop = run(FOP_WRITE);
    assert_int_equal(fop->err, ENOTCONN);
    assert_int_equal(below, 0);
    fop_free(fop);
    mood = IS_AWAY;
    submit(FOP_STAT); /* from now on as without this translator */
    assert_int_equal(nr_back, 1);
    assert_int_equal(back[0]->err, ENOTCONN);
    mood = ANSWERS;
    connection(true);
    submit(FOP_STAT);
    assert_int_equal(back[1]->ret, 0);
    stop();
}

static void the_end_of_the_process_is_not_waited_for(void **state)
{
    start("100000");
    connection(true);
    connection(false);
    p.stopping = true;
    struct fop *fop = run(FOP_WRITE);
    assert_int_equal(fop->err, ENOTCONN);
    fop_free(fop);
    stop();
}

static void the_end_of_the_graph_leaves_nobody(void **state)
{
    start("45");
    connection(true);
    connection(false);
    submit(FOP_WRITE);
    graph_notify_down(g, EVENT_PARENT_DOWN);
    assert_int_equal(nr_back, 1);
    assert_int_equal(back[0]->err, ENOTCONN);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(while_the_other_side_is_away_all_waits_and_goes_on_in_order),
        cmocka_unit_test(what_only_reads_is_asked_again_and_what_changes_something_is_not),
        cmocka_unit_test(what_comes_back_late_is_asked_again_at_once),
        cmocka_unit_test(without_news_of_a_broken_connection_it_is_the_answer),
        cmocka_unit_test(nobody_waits_beyond_the_time),
        cmocka_unit_test(the_end_of_the_process_is_not_waited_for),
        cmocka_unit_test(the_end_of_the_graph_leaves_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
