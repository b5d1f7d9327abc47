/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "feature-types.h"
#include "testing.h"

static unsigned int below;

static void takes_all(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, (int32_t)below++, 0);
}

static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = takes_all}};

static struct process p;
static struct graph *g;
static struct fop *back[8];
static unsigned int nr_back, told;

static void came_back(struct fop *fop, void *ctx)
{
    back[nr_back++] = fop;
}

static void start(const char *on, const char *timeout)
{
    below = nr_back = told = 0;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage},
                                                  {.type = &barrier_type, .options = {"barrier", on, "barrier-timeout", timeout}},
                                                  {.type = NULL}});
}

static void stop(void)
{
    for (unsigned int i = 0; i < nr_back; i++)
        fop_free(back[i]);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void told_to_wait(struct fop *fop)
{
    told++;
}

static struct fop *submit(enum fop_op op, struct client *c, int32_t flags)
{
    struct fop *fop = fop_new(g, op);

    if (op == FOP_WRITE)
        fop->in.write.flags = flags;
    if (c) {
        fop->client = client_ref(c);
        client_start(c, fop);
    }
    fop->will_wait = told_to_wait;
    fop_push(fop, came_back, NULL);
    fop_submit(g->top, fop);
    return fop;
}

struct question {
    struct xlator_ask ask;
    int answer;
};

static void asked(struct xlator_ask *ask, int ret)
{
    container_of(ask, struct question, ask)->answer = ret;
}

static int ask(const char *value)
{
    struct dict *in = dict_new();
    struct question q = {.ask = {.what = ASK_BARRIER, .in = in, .done = asked}, .answer = 1};

    dict_set_text(in, "barrier", value);
    barrier_type.ask(g->top, &q.ask);
    dict_unref(in);
    return q.answer;
}

static void answers_are_held_and_given_in_order(void **state)
{
    static const enum fop_op ops[] = {FOP_UNLINK, FOP_RMDIR, FOP_RENAME, FOP_FSYNC, FOP_TRUNCATE};
    struct fop *fops[array_len(ops)];

    start("enable", "100");
    for (size_t i = 0; i < array_len(ops); i++)
        fops[i] = submit(ops[i], NULL, 0);
    assert_int_equal(below, array_len(ops)); /* they are done */
    assert_int_equal(nr_back, 0);
    assert_int_equal(ask("disable"), 0);
    assert_int_equal(nr_back, array_len(ops));
    for (size_t i = 0; i < array_len(ops); i++) {
        assert_ptr_equal(back[i], fops[i]);
        assert_int_equal(back[i]->ret, i); /* with the result they had */
    }
    stop();
}

static void only_what_promises_durability_is_held(void **state)
{
    start("enable", "100");
    submit(FOP_LOOKUP, NULL, 0);
    submit(FOP_WRITE, NULL, 0);
    submit(FOP_CREATE, NULL, 0);
    assert_int_equal(nr_back, 3);
    assert_int_equal(told, 0);
    submit(FOP_WRITE, NULL, O_SYNC);
    submit(FOP_WRITE, NULL, O_DSYNC);
    assert_int_equal(nr_back, 3);
    assert_int_equal(told, 2); /* else as many as a client may have outstanding would stop its other requests */
    ask("disable");
    assert_int_equal(nr_back, 5);
    stop();
}

static void nothing_is_held_while_it_is_down(void **state)
{
    start("disable", "100");
    submit(FOP_FSYNC, NULL, 0);
    assert_int_equal(nr_back, 1);
    assert_int_equal(ask("enable"), 0);
    assert_int_equal(ask("enable"), -EALREADY);
    assert_int_equal(ask("perhaps"), -EINVAL);
    submit(FOP_FSYNC, NULL, 0);
    assert_int_equal(nr_back, 1);
    assert_int_equal(ask("disable"), 0);
    assert_int_equal(ask("disable"), -EALREADY);
    assert_int_equal(nr_back, 2);
    stop();
}

static struct fop *awaited;

static void stops_the_loop(struct fop *fop, void *ctx)
{
    awaited = fop;
    loop_stop(p.env.loop);
}

static void nobody_is_held_beyond_the_time(void **state)
{
    start("enable", "1");
    struct fop *fop = fop_new(g, FOP_FSYNC);
    fop_push(fop, stops_the_loop, NULL);
    fop_submit(g->top, fop);
    assert_int_equal(loop_run(p.env.loop), 0);
    assert_ptr_equal(awaited, fop);
    assert_int_equal(fop->ret, 0);
    fop_free(fop);
    submit(FOP_FSYNC, NULL, 0); /* it is down now */
    assert_int_equal(nr_back, 1);
    stop();
}

static void ended(struct client *c) {}

static void a_client_that_goes_leaves_nothing_held(void **state)
{
    start("enable", "100");
    struct client *c = client_new(g, "client", &p.census);
    struct fop *theirs = submit(FOP_FSYNC, c, 0), *other = submit(FOP_FSYNC, NULL, 0);

    client_gone(c, p.pool, ended);
    assert_int_equal(nr_back, 1);
    assert_ptr_equal(back[0], theirs);
    client_finish(c, theirs);
    ask("disable");
    assert_int_equal(nr_back, 2);
    assert_ptr_equal(back[1], other);
    pool_drain(p.pool);
    client_unref(c);
    stop();
}

static void the_end_of_the_brick_lowers_it(void **state)
{
    start("enable", "100");
    submit(FOP_FSYNC, NULL, 0);
    graph_notify_down(g, EVENT_PARENT_DOWN);
    assert_int_equal(nr_back, 1);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_held_and_given_in_order),
        cmocka_unit_test(only_what_promises_durability_is_held),
        cmocka_unit_test(nothing_is_held_while_it_is_down),
        cmocka_unit_test(nobody_is_held_beyond_the_time),
        cmocka_unit_test(a_client_that_goes_leaves_nothing_held),
        cmocka_unit_test(the_end_of_the_brick_lowers_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
