/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "graph.h"
#include "process.h"
#include "testing.h"
#include "xlator.h"

extern const struct xlator_type io_threads_type;

static enum pool_class seen;

static void note_class(struct xlator *xl, struct fop *fop)
{
    seen = fop->class;
    fop_complete(fop, 0, 0);
}

static const struct xlator_type below = {.name = "test/below", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = note_class}};

static enum pool_class class_for(struct graph *g, enum fop_op op, int32_t pid)
{
    struct fop *fop = fop_new(g, op);

    fop->cred.pid = pid;
    testing_run(g, fop);
    fop_free(fop);
    return seen;
}

static void internal_callers_come_last_and_a_mount_without_squash_does_not(void **state)
{
    struct process p;

    testing_process(&p);
    struct graph *g = testing_graph(&p, (struct testing_node[]){{.type = &below}, {.type = &io_threads_type}, {.type = NULL}});
    assert_int_equal(class_for(g, FOP_STAT, 100), CLASS_HIGH);
    assert_int_equal(class_for(g, FOP_CREATE, 100), CLASS_NORMAL);
    assert_int_equal(class_for(g, FOP_WRITE, 100), CLASS_LOW);
    assert_int_equal(class_for(g, FOP_STAT, -1), CLASS_LEAST);
    assert_int_equal(class_for(g, FOP_WRITE, -6), CLASS_LEAST);
    assert_int_equal(class_for(g, FOP_STAT, -4), CLASS_HIGH);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void least_priority_and_the_whole_translator_can_be_switched_off(void **state)
{
    static const char *const off[] = {"enable-least-priority", "pass-through"};
    struct process p;

    for (unsigned int i = 0; i < 2; i++) {
        testing_process(&p);
        struct graph *g = testing_graph(&p, (struct testing_node[]){{.type = &below},
                                                                    {.type = &io_threads_type, .options = {off[i], i ? "on" : "off"}},
                                                                    {.type = NULL}});
        assert_int_equal(class_for(g, FOP_STAT, -1), CLASS_HIGH);
        testing_graph_free(g);
        testing_process_done(&p);
    }
}

static void the_queues_lengths_can_be_asked_for(void **state)
{
    static const char *const keys[] = {"HIGH", "NORMAL", "LOW", "LEAST"};
    struct process p;
    int64_t n;

    testing_process(&p);
    struct graph *g = testing_graph(&p, (struct testing_node[]){{.type = &below}, {.type = &io_threads_type}, {.type = NULL}});
    struct fop *fop = fop_new(g, FOP_GETXATTR);
    fop->in.getxattr.name = "io-thread-queue-size";
    testing_run(g, fop);
    assert_int_equal(fop->ret, 0);
    for (unsigned int i = 0; i < 4; i++) {
        assert_int_equal(dict_get_i64(fop->out.dict, keys[i], &n), 0);
        assert_int_equal(n, 0);
    }
    fop_free(fop);
    assert_int_equal(class_for(g, FOP_GETXATTR, 1), CLASS_NORMAL); /* other names, and none, go on */
    testing_graph_free(g);
    testing_process_done(&p);
}

struct blocker {
    struct job job;
    pthread_mutex_t *gate;
    atomic_uint *running;
};

static void block(struct job *j)
{
    struct blocker *b = container_of(j, struct blocker, job);

    atomic_fetch_add(b->running, 1);
    pthread_mutex_lock(b->gate);
    pthread_mutex_unlock(b->gate);
}

static void the_pool_has_as_many_threads_as_the_options_say(void **state)
{
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct blocker blockers[6];
    atomic_uint running = 0;
    struct process p;

    testing_process(&p);
    struct graph *g = testing_graph(
        &p, (struct testing_node[]){{.type = &below},
                                    {.type = &io_threads_type, .options = {"thread-count", "4", "low-prio-threads", "2"}},
                                    {.type = NULL}});
    pthread_mutex_lock(&gate);
    for (unsigned int i = 0; i < 6; i++) {
        blockers[i] = (struct blocker){.job = {.run = block, .class = i < 4 ? CLASS_LOW : CLASS_HIGH}, .gate = &gate, .running = &running};
        pool_add(p.pool, &blockers[i].job);
    }
    while (atomic_load(&running) < 4) /* two of four LOW ones, both HIGH ones */
        sched_yield();
    struct pool_counts n = pool_counts(p.pool);
    assert_int_equal(n.running[CLASS_LOW], 2);
    assert_int_equal(n.queued[CLASS_LOW], 2);
    assert_int_equal(n.running[CLASS_HIGH], 2);
    pthread_mutex_unlock(&gate);
    testing_graph_free(g);
    testing_process_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(internal_callers_come_last_and_a_mount_without_squash_does_not),
        cmocka_unit_test(least_priority_and_the_whole_translator_can_be_switched_off),
        cmocka_unit_test(the_queues_lengths_can_be_asked_for),
        cmocka_unit_test(the_pool_has_as_many_threads_as_the_options_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
