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

static void takes_all(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = takes_all}};

static struct process p;
static struct graph *g;

static int start(const char *on)
{
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage}, {.type = &read_only_type, .options = {"read-only", on}},
                                                  {.type = NULL}});
    return 0;
}

static void stop(void)
{
    testing_graph_free(g);
    testing_process_done(&p);
}

/* Frees it; 0 or the errno. */
static int run(struct fop *fop)
{
    testing_run(g, fop);
    int err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

static int opened(int32_t flags)
{
    struct fop *fop = fop_new(g, FOP_OPEN);

    fop->in.open.flags = flags;
    return run(fop);
}

static int counted(uint8_t by)
{
    struct fop *fop = fop_new(g, FOP_XATTROP);

    fop->in.xattrop.dict = dict_new();
    dict_set_binary(fop->in.xattrop.dict, "trusted.afr.dirty", (uint8_t[12]){[11] = by}, 12);
    return run(fop);
}

static const enum fop_op changes[] = {FOP_MKNOD, FOP_MKDIR, FOP_UNLINK, FOP_RMDIR, FOP_SYMLINK, FOP_RENAME, FOP_LINK, FOP_TRUNCATE,
                                      FOP_FTRUNCATE, FOP_CREATE, FOP_WRITE, FOP_SETXATTR, FOP_FSETXATTR, FOP_REMOVEXATTR,
                                      FOP_FREMOVEXATTR, FOP_SETATTR, FOP_FSETATTR, FOP_FALLOCATE, FOP_DISCARD, FOP_ZEROFILL,
                                      FOP_COPY_FILE_RANGE, FOP_FSYNCDIR, FOP_LK, FOP_INODELK, FOP_FINODELK, FOP_ENTRYLK, FOP_FENTRYLK};
static const enum fop_op looks[] = {FOP_LOOKUP, FOP_STAT, FOP_FSTAT, FOP_READ, FOP_READLINK, FOP_ACCESS, FOP_OPENDIR, FOP_READDIR,
                                    FOP_READDIRP, FOP_GETXATTR, FOP_FGETXATTR, FOP_STATFS, FOP_FLUSH, FOP_SEEK, FOP_RCHECKSUM};

static void changes_are_refused_and_looking_is_not(void **state)
{
    start("on");
    for (size_t i = 0; i < array_len(changes); i++)
        assert_int_equal(run(fop_new(g, changes[i])), EROFS);
    for (size_t i = 0; i < array_len(looks); i++)
        assert_int_equal(run(fop_new(g, looks[i])), 0);
    assert_int_equal(opened(O_RDONLY), 0);
    assert_int_equal(opened(O_WRONLY), EROFS);
    assert_int_equal(opened(O_RDWR), EROFS);
    assert_int_equal(opened(O_RDONLY | O_TRUNC), EROFS);
    assert_int_equal(opened(O_RDONLY | O_APPEND), EROFS);
    assert_int_equal(counted(0), 0);
    assert_int_equal(counted(1), EROFS);
    stop();
}

static void the_volume_itself_may_be_healed(void **state)
{
    start("on");
    for (size_t i = 0; i < array_len(changes); i++) {
        struct fop *fop = fop_new(g, changes[i]);

        fop->cred.pid = -6;
        assert_int_equal(run(fop), 0);
    }
    stop();
}

static void it_is_switched_while_running(void **state)
{
    struct optset on = {0};
    struct err err = {0};

    start("off");
    assert_int_equal(run(fop_new(g, FOP_MKDIR)), 0);
    optset_add(&on, "read-only", "on", "test", 1);
    assert_int_equal(options_apply(read_only_type.options, read_only_type.nr_options, &on, "v", true, g->top->priv, &err), 0);
    assert_int_equal(run(fop_new(g, FOP_MKDIR)), EROFS);
    optset_done(&on);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_refused_and_looking_is_not),
        cmocka_unit_test(the_volume_itself_may_be_healed),
        cmocka_unit_test(it_is_switched_while_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
