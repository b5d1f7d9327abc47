/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "feature-types.h"
#include "inode.h"
#include "testing.h"

/* ---- a volume of a root, a folder and a file in it ------------------------------------------------------------------------ */
static const gfid_t folder = {{0xf0, [6] = 0x41, [15] = 1}}, file = {{0xf1, [6] = 0x42, [15] = 2}};

static struct {
    enum fop_op op;
    gfid_t inode, parent;
    char name[FOP_NAME_MAX + 1];
} seen;

static void note(struct xlator *xl, struct fop *fop)
{
    static const gfid_t none;

    seen.op = fop->op;
    seen.inode = fop->loc.inode ? fop->loc.inode->gfid : none;
    seen.parent = fop->loc.parent ? fop->loc.parent->gfid : none;
    strcpy(seen.name, fop->loc.name);
    if (fop->op == FOP_STAT)
        fop->out.stat = (struct iatt){.gfid = seen.inode, .mode = S_IFDIR | 0755, .ino = gfid_ino(seen.inode)};
    fop_complete(fop, 0, 0);
}

static void lookup(struct xlator *xl, struct fop *fop)
{
    const gfid_t *g = &file;

    seen.op = FOP_LOOKUP;
    if (fop->loc.parent) {
        if (!gfid_equal(fop->loc.parent->gfid, folder) || strcmp(fop->loc.name, "f") != 0) {
            fop_fail(fop, ENOENT);
            return;
        }
    } else {
        g = &fop->loc.inode->gfid;
        if (!gfid_is_root(*g) && !gfid_equal(*g, folder) && !gfid_equal(*g, file)) {
            fop_fail(fop, ESTALE);
            return;
        }
    }
    fop->out.inode = inode_get(fop->graph->inodes, *g);
    fop->out.stat = (struct iatt){.gfid = *g, .mode = gfid_equal(*g, file) ? S_IFREG | 0644 : S_IFDIR | 0755};
    atomic_store(&fop->out.inode->type, fop->out.stat.mode & S_IFMT);
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {
    .name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... FOP_FTRUNCATE] = note, [FOP_LOOKUP] = lookup,
                                                 [FOP_READDIR ... NR_FOPS - 1] = note}};

static struct process p;
static struct graph *g;

static int start(void **state)
{
    memset(&seen, 0, sizeof(seen));
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage}, {.type = &gfid_access_type}, {.type = NULL}});
    return 0;
}

static int end(void **state)
{
    testing_graph_free(g);
    testing_process_done(&p);
    return 0;
}

/* A reference on what a name is, or NULL and *ret_err. */
static struct inode *find(gfid_t in, const char *name, int *ret_err)
{
    struct fop *fop = fop_new(g, FOP_LOOKUP);
    struct inode *found;

    fop->loc.parent = inode_get(g->inodes, in);
    strcpy(fop->loc.name, name);
    testing_run(g, fop);
    *ret_err = fop->ret < 0 ? fop->err : 0;
    found = fop->ret < 0 ? NULL : inode_ref(fop->out.inode);
    if (found)
        assert_true(gfid_equal(found->gfid, fop->out.stat.gfid));
    fop_free(fop);
    return found;
}

static struct inode *by_gfid(gfid_t gfid, int *ret_err)
{
    struct inode *door = find(gfid_root, ".gfid", ret_err), *found;
    char text[GFID_TEXT];

    assert_non_null(door);
    found = find(door->gfid, gfid_text(gfid, text), ret_err);
    inode_unref(door);
    return found;
}

static int entry_op(enum fop_op op, gfid_t in, const char *name)
{
    struct fop *fop = fop_new(g, op);
    int err;

    fop->loc.parent = inode_get(g->inodes, in);
    strcpy(fop->loc.name, name);
    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

/* ---- tests ---------------------------------------------------------------------------------------------------------------- */

static void a_file_is_found_by_its_gfid_and_is_itself(void **state)
{
    int err;
    struct inode *in = by_gfid(file, &err);

    assert_non_null(in);
    assert_true(gfid_equal(in->gfid, file));
    inode_unref(in);
    assert_null(by_gfid((gfid_t){{9, [6] = 0x40}}, &err));
    assert_int_equal(err, ENOENT);
}

static void a_folder_is_found_under_an_alias_and_what_is_done_with_it_is_done_with_the_folder(void **state)
{
    int err;
    struct inode *alias = by_gfid(folder, &err), *in;
    struct fop *fop;

    assert_non_null(alias);
    assert_false(gfid_equal(alias->gfid, folder));
    in = find(alias->gfid, "f", &err);
    assert_non_null(in);
    assert_true(gfid_equal(in->gfid, file));
    inode_unref(in);
    assert_int_equal(entry_op(FOP_MKDIR, alias->gfid, "new"), 0);
    assert_true(gfid_equal(seen.parent, folder));
    assert_string_equal(seen.name, "new");
    fop = fop_new(g, FOP_STAT);
    fop->loc.inode = inode_ref(alias);
    testing_run(g, fop);
    assert_true(gfid_equal(seen.inode, folder));
    assert_true(gfid_equal(fop->out.stat.gfid, alias->gfid));
    fop_free(fop);
    fop = fop_new(g, FOP_LOOKUP); /* as after a change of graph */
    fop->loc.inode = inode_ref(alias);
    testing_run(g, fop);
    assert_true(gfid_equal(fop->out.stat.gfid, alias->gfid));
    fop_free(fop);
    inode_unref(alias);
}

static void names_in_the_door_are_neither_made_nor_removed(void **state)
{
    static const enum fop_op ops[] = {FOP_MKDIR, FOP_MKNOD, FOP_CREATE, FOP_UNLINK, FOP_RMDIR, FOP_SYMLINK, FOP_RENAME};
    int err;
    struct inode *door = find(gfid_root, ".gfid", &err);

    for (size_t i = 0; i < array_len(ops); i++) {
        assert_int_equal(entry_op(ops[i], door->gfid, "x"), EPERM);
        assert_int_equal(entry_op(ops[i], gfid_root, ".gfid"), EPERM);
        assert_int_equal(entry_op(ops[i], gfid_root, "x"), 0);
    }
    inode_unref(door);
}

static void words_that_are_no_gfids_are_not_there(void **state)
{
    static const char *const words[] = {"x", "", "00000000-0000-0000-0000-00000000000d", "00000000-0000-0000-0000-000000000000",
                                        "f0000000-0000-c100-0000-000000000001"};
    int err;
    struct inode *door = find(gfid_root, ".gfid", &err);

    for (size_t i = 0; i < array_len(words); i++) {
        assert_null(find(door->gfid, words[i], &err));
        assert_int_equal(err, ENOENT);
    }
    inode_unref(door);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_found_by_its_gfid_and_is_itself, start, end),
        cmocka_unit_test_setup_teardown(a_folder_is_found_under_an_alias_and_what_is_done_with_it_is_done_with_the_folder, start, end),
        cmocka_unit_test_setup_teardown(names_in_the_door_are_neither_made_nor_removed, start, end),
        cmocka_unit_test_setup_teardown(words_that_are_no_gfids_are_not_there, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
