/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "feature-types.h"
#include "testing.h"

static int missing;

static void stat_answer(struct xlator *xl, struct fop *fop)
{
    if (missing) {
        fop_fail(fop, missing);
        return;
    }
    fop->out.stat = (struct iatt){.mode = S_IFREG | 0640, .uid = 7};
    if (dict_find(fop->xdata, "glusterfs.open-fd-count"))
        dict_set_u64(fop_xdata_out(fop), "glusterfs.open-fd-count", 3);
    fop_complete(fop, 0, 0);
}

static void never(struct xlator *xl, struct fop *fop)
{
    fail_msg("%s came down", fop_name(fop->op));
}

static void passed(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {
    .name = "storage/fake",
    .leaf = true,
    .on = {[FOP_STAT] = stat_answer, [FOP_FSTAT] = stat_answer, [FOP_WRITE] = never, [FOP_TRUNCATE] = never, [FOP_FTRUNCATE] = never,
           [FOP_FALLOCATE] = never, [FOP_DISCARD] = never, [FOP_ZEROFILL] = never, [FOP_COPY_FILE_RANGE] = never, [FOP_READ] = never,
           [FOP_SEEK] = never, [FOP_SETATTR] = passed, [FOP_XATTROP] = passed, [FOP_FSYNC] = passed}};

static struct process p;
static struct graph *g;

static int set_up(void **state)
{
    missing = 0;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage}, {.type = &arbiter_type}, {.type = NULL}});
    return 0;
}

static int tear_down(void **state)
{
    testing_graph_free(g);
    testing_process_done(&p);
    return 0;
}

static struct fop *on_object(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    fop->loc.inode = inode_get(g->inodes, (gfid_t){{9}});
    fop->loc2.inode = inode_get(g->inodes, (gfid_t){{9}});
    return fop;
}

static void data_is_taken_and_not_kept(void **state)
{
    static const enum fop_op ops[] = {FOP_TRUNCATE, FOP_FTRUNCATE, FOP_FALLOCATE, FOP_DISCARD, FOP_ZEROFILL};
    struct fop *w = on_object(FOP_WRITE);
    uint64_t fds = 0;

    w->in.write.size = 4096;
    w->xdata = dict_new();
    dict_set_u64(w->xdata, "glusterfs.open-fd-count", 4);
    testing_run(g, w);
    assert_int_equal(w->ret, 4096);
    assert_int_equal(w->out.post.uid, 7);
    assert_int_equal(w->out.pre.mode, S_IFREG | 0640);
    assert_int_equal(dict_get_u64(w->xdata_out, "glusterfs.open-fd-count", &fds), 0);
    assert_int_equal(fds, 3);
    fop_free(w);
    for (size_t i = 0; i < array_len(ops); i++) {
        struct fop *fop = on_object(ops[i]);

        testing_run(g, fop);
        assert_int_equal(fop->ret, 0);
        assert_int_equal(fop->out.post.uid, 7);
        fop_free(fop);
    }
    struct fop *copy = on_object(FOP_COPY_FILE_RANGE);
    copy->in.copy.size = 100;
    testing_run(g, copy);
    assert_int_equal(copy->ret, 100);
    fop_free(copy);
}

static void data_cannot_be_read(void **state)
{
    static const enum fop_op ops[] = {FOP_READ, FOP_SEEK};

    for (size_t i = 0; i < array_len(ops); i++) {
        struct fop *fop = on_object(ops[i]);

        testing_run(g, fop);
        assert_int_equal(fop->ret, -1);
        assert_int_equal(fop->err, ENOSYS);
        fop_free(fop);
    }
}

static void what_is_not_there_takes_no_data(void **state)
{
    struct fop *fop = on_object(FOP_WRITE);

    missing = ESTALE;
    testing_run(g, fop);
    assert_int_equal(fop->ret, -1);
    assert_int_equal(fop->err, ESTALE);
    fop_free(fop);
}

static void all_else_goes_past(void **state)
{
    static const enum fop_op ops[] = {FOP_SETATTR, FOP_XATTROP, FOP_FSYNC};

    for (size_t i = 0; i < array_len(ops); i++)
        assert_ptr_equal(g->top->handler[ops[i]], g->first);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(data_is_taken_and_not_kept),
        TEST(data_cannot_be_read),
        TEST(what_is_not_there_takes_no_data),
        TEST(all_else_goes_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
