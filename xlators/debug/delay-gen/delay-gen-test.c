/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "clock.h"
#include "debug-types.h"
#include "process.h"
#include "testing.h"

static void takes_all(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = takes_all}};

static struct process p;
static struct graph *g;
static struct fop *back[8];
static unsigned int nr_back, stop_at;

static void start(const char *us, const char *enable)
{
    nr_back = stop_at = 0;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage},
                                                  {.type = &delay_gen_type,
                                                   .options = {"delay-percentage", "100%", "delay-duration", us, "enable", enable}},
                                                  {.type = NULL}});
}

static void stop(void)
{
    for (unsigned int i = 0; i < nr_back; i++)
        fop_free(back[i]);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void came_back(struct fop *fop, void *ctx)
{
    back[nr_back++] = fop;
    if (nr_back == stop_at)
        loop_stop(p.env.loop);
}

static struct fop *submit(enum fop_op op, struct client *c)
{
    struct fop *fop = fop_new(g, op);

    if (c) {
        fop->client = client_ref(c);
        client_start(c, fop);
    }
    fop_push(fop, came_back, NULL);
    fop_submit(g->top, fop);
    return fop;
}

static void operations_wait_their_time_and_stay_in_order(void **state)
{
    struct fop *fops[3];
    uint64_t began;

    start("20000", "LOOKUP");
    submit(FOP_STAT, NULL);
    assert_int_equal(nr_back, 1); /* nobody named it */
    began = clock_ms();
    for (int i = 0; i < 3; i++)
        fops[i] = submit(FOP_LOOKUP, NULL);
    assert_int_equal(nr_back, 1);
    stop_at = 4;
    assert_int_equal(loop_run(p.env.loop), 0);
    assert_true(clock_ms() - began >= 20); /* not earlier; how much later is the machine's business */
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(back[1 + i], fops[i]);
    stop();
}

static void ended(struct client *c) {}

static void a_client_that_goes_leaves_nobody_waiting(void **state)
{
    start("3600000000", "");
    struct client *c = client_new(g, "client", &p.census);
    struct fop *fop = submit(FOP_READ, c);

    assert_int_equal(nr_back, 0);
    client_gone(c, p.pool, ended);
    assert_int_equal(nr_back, 1);
    assert_int_equal(fop->err, ENOTCONN);
    client_finish(c, fop);
    pool_drain(p.pool);
    client_unref(c);
    stop();
}

static void at_the_end_all_go_on_at_once(void **state)
{
    start("3600000000", "");
    submit(FOP_READ, NULL);
    submit(FOP_LOOKUP, NULL);
    graph_notify_down(g, EVENT_PARENT_DOWN);
    assert_int_equal(nr_back, 2);
    assert_int_equal(back[0]->ret, 0);
    submit(FOP_LOOKUP, NULL); /* and nobody waits any more */
    assert_int_equal(nr_back, 3);
    stop();
}

static void a_shorter_delay_overtakes(void **state)
{
    struct optset set = {0};
    struct err err = {0};
    struct fop *late, *soon;

    start("3600000000", "");
    late = submit(FOP_READ, NULL);
    optset_add(&set, "delay-percentage", "100%", "test", 1);
    optset_add(&set, "delay-duration", "1000", "test", 1);
    assert_int_equal(delay_gen_type.reconfigure(g->top, &set, &err), 0);
    soon = submit(FOP_READ, NULL);
    stop_at = 1;
    assert_int_equal(loop_run(p.env.loop), 0);
    assert_ptr_equal(back[0], soon);
    graph_notify_down(g, EVENT_PARENT_DOWN);
    assert_ptr_equal(back[1], late);
    optset_done(&set);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_wait_their_time_and_stay_in_order),
        cmocka_unit_test(a_client_that_goes_leaves_nobody_waiting),
        cmocka_unit_test(at_the_end_all_go_on_at_once),
        cmocka_unit_test(a_shorter_delay_overtakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
