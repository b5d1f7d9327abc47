/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the types do whose feature is off. That switching one on is refused: glusterfsd/refused-test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feature-types.h"
#include "testing.h"

/* ---- a storage that keeps one dict of attributes -------------------------------------------------------------------------------- */

static struct dict *kept;
static unsigned int below;

static void fake_set(struct xlator *xl, struct fop *fop)
{
    below++;
    for (unsigned int i = 0; i < dict_count(fop->in.setxattr.dict); i++) {
        const struct dict_pair *p = dict_at(fop->in.setxattr.dict, i);

        dict_set(kept, p->key, p->type, p->value, p->len);
    }
    fop_complete(fop, 0, 0);
}

static void fake_get(struct xlator *xl, struct fop *fop)
{
    const struct dict_pair *p = fop->in.getxattr.name ? dict_find(kept, fop->in.getxattr.name) : NULL;

    below++;
    if (fop->in.getxattr.name && !p) {
        fop_fail(fop, ENODATA);
        return;
    }
    fop->out.dict = p ? dict_new() : dict_ref(kept);
    if (p)
        dict_set(fop->out.dict, p->key, p->type, p->value, p->len);
    fop_complete(fop, p ? (int32_t)p->len : 1, 0);
}

static void fake_other(struct xlator *xl, struct fop *fop)
{
    below++;
    fop_complete(fop, 0, 0);
}

static void fake_lookup(struct xlator *xl, struct fop *fop)
{
    fop->xdata_out = dict_ref(kept);
    fop_complete(fop, 0, 0);
}

static const struct xlator_type fake_storage = {
    .name = "storage/fake",
    .leaf = true,
    .on = {[FOP_SETXATTR] = fake_set, [FOP_FSETXATTR] = fake_set, [FOP_GETXATTR] = fake_get, [FOP_FGETXATTR] = fake_get,
           [FOP_REMOVEXATTR] = fake_other, [FOP_RMDIR] = fake_other, [FOP_RENAME] = fake_other, [FOP_LEASE] = fake_other,
           [FOP_WRITE] = fake_other, [FOP_LOOKUP] = fake_lookup}};

static struct process p;

static struct graph *graph_of(const struct xlator_type *type, const char *key, const char *value)
{
    kept = dict_new();
    below = 0;
    testing_process(&p);
    return testing_graph(&p, (struct testing_node[]){{.type = &fake_storage}, {.type = type, .options = {key, value}}, {.type = NULL}});
}

static void done(struct graph *g)
{
    testing_graph_free(g);
    testing_process_done(&p);
    dict_unref(kept);
}

/* 0 or the errno; ret_dict may be NULL. */
static int run(struct graph *g, struct fop *fop, struct dict **ret_dict)
{
    int err;

    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    if (ret_dict)
        *ret_dict = dict_ref(fop->out.dict);
    fop_free(fop);
    return err;
}

static int set(struct graph *g, const char *name, const char *value)
{
    struct fop *fop = fop_new(g, FOP_SETXATTR);

    fop->in.setxattr.dict = dict_new();
    dict_set_text(fop->in.setxattr.dict, name, value);
    dict_set_text(fop->in.setxattr.dict, "user.too", "too");
    return run(g, fop, NULL);
}

static int get(struct graph *g, const char *name, struct dict **ret)
{
    struct fop *fop = fop_new(g, FOP_GETXATTR);

    fop->in.getxattr.name = name;
    return run(g, fop, ret);
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------------ */

static void what_does_nothing_is_passed_by_pointer(void **state)
{
    static const struct xlator_type *const types[] = {&quota_type, &changelog_type};

    for (size_t i = 0; i < array_len(types); i++) {
        struct graph *g = graph_of(types[i], NULL, NULL);

        for (unsigned int op = 0; op < NR_FOPS; op++)
            assert_ptr_equal(g->top->handler[op], fake_storage.on[op] ? g->first : NULL);
        done(g);
    }
}

static void a_label_is_kept_under_a_name_of_its_own(void **state)
{
    struct graph *g = graph_of(&selinux_type, "selinux", "on");
    const char *text;
    struct dict *d;

    assert_int_equal(set(g, "security.selinux", "label"), 0);
    assert_null(dict_find(kept, "security.selinux"));
    assert_int_equal(dict_get_text(kept, "trusted.glusterfs.selinux", &text), 0);
    assert_string_equal(text, "label");
    assert_non_null(dict_find(kept, "user.too"));
    assert_int_equal(get(g, "security.selinux", &d), 0);
    assert_int_equal(dict_count(d), 1);
    assert_int_equal(dict_get_text(d, "security.selinux", &text), 0);
    assert_string_equal(text, "label");
    dict_unref(d);
    assert_int_equal(get(g, "user.too", &d), 0);
    dict_unref(d);
    assert_int_equal(get(g, "user.none", &d), ENODATA);
    done(g);
}

static void a_label_is_left_alone_with_selinux_off(void **state)
{
    struct graph *g = graph_of(&selinux_type, "selinux", "off");

    assert_int_equal(set(g, "security.selinux", "label"), 0);
    assert_non_null(dict_find(kept, "security.selinux"));
    done(g);
}

static void attributes_of_bitrot_are_neither_seen_nor_changed(void **state)
{
    static const char *const names[] = {"trusted.bit-rot.version", "trusted.bit-rot.signature", "trusted.bit-rot.bad-file"};
    struct graph *g = graph_of(&bitrot_stub_type, "bitrot", "disable");
    struct dict *d;

    dict_set_text(kept, "user.mine", "x");
    for (size_t i = 0; i < array_len(names); i++) {
        struct fop *fop = fop_new(g, FOP_REMOVEXATTR);

        dict_set_text(kept, names[i], "x");
        assert_int_equal(set(g, names[i], "v"), EINVAL);
        fop->in.removexattr.name = names[i];
        assert_int_equal(run(g, fop, NULL), EPERM);
        assert_int_equal(get(g, names[i], &d), ENODATA);
        fop = fop_new(g, FOP_REMOVEXATTR);
        fop->in.removexattr.name = "";
        fop->xdata = dict_new();
        dict_set_text(fop->xdata, names[i], "");
        assert_int_equal(run(g, fop, NULL), EPERM);
    }
    assert_int_equal(below, 0);
    assert_int_equal(get(g, NULL, &d), 0);
    assert_int_equal(dict_count(d), 1);
    assert_non_null(dict_find(d, "user.mine"));
    assert_int_equal(dict_count(kept), 4); /* the storage's own is as it was */
    dict_unref(d);
    assert_int_equal(set(g, "user.other", "v"), 0);
    done(g);
}

static void attributes_of_quota_are_for_internal_callers(void **state)
{
    struct graph *g = graph_of(&marker_type, "quota", "off");
    struct fop *fop = fop_new(g, FOP_GETXATTR);
    struct dict *d;

    dict_set_text(kept, "user.mine", "x");
    dict_set_text(kept, "trusted.glusterfs.quota.size", "x");
    dict_set_text(kept, "trusted.pgfid.00000000-0000-0000-0000-000000000001", "x");
    assert_int_equal(get(g, NULL, &d), 0);
    assert_int_equal(dict_count(d), 1);
    assert_non_null(dict_find(d, "user.mine"));
    dict_unref(d);
    assert_int_equal(dict_count(kept), 3); /* the storage's own is as it was */
    fop->cred.pid = -3;
    assert_int_equal(run(g, fop, &d), 0);
    assert_int_equal(dict_count(d), 3);
    dict_unref(d);
    assert_int_equal(get(g, "trusted.glusterfs.quota.size", &d), 0);
    dict_unref(d);

    fop = fop_new(g, FOP_LOOKUP);
    fop->xdata = dict_new();
    testing_run(g, fop);
    assert_int_equal(dict_count(fop->xdata_out), 1);
    fop_free(fop);
    done(g);
}

static void the_trash_directories_can_neither_go_nor_move(void **state)
{
    struct graph *g = graph_of(&trash_type, "trash-dir", ".trashcan");

    for (uint8_t i = 4; i <= 7; i++) {
        struct inode *in = inode_get(g->inodes, (gfid_t){{[15] = i}});
        struct fop *rmdir_fop = fop_new(g, FOP_RMDIR), *from = fop_new(g, FOP_RENAME), *over = fop_new(g, FOP_RENAME);
        int expected = i == 5 || i == 6 ? EPERM : 0;

        rmdir_fop->loc.inode = inode_ref(in);
        from->loc.inode = inode_ref(in);
        over->loc2.inode = in;
        assert_int_equal(run(g, rmdir_fop, NULL), expected);
        assert_int_equal(run(g, from, NULL), expected);
        assert_int_equal(run(g, over, NULL), expected);
    }
    done(g);
}

static void leases_are_said_not_to_be_there(void **state)
{
    struct graph *g = graph_of(&leases_type, "leases", "off");

    assert_int_equal(run(g, fop_new(g, FOP_LEASE), NULL), ENOSYS);
    assert_int_equal(run(g, fop_new(g, FOP_WRITE), NULL), 0);
    done(g);
}

static void directories_are_made_like_stocks(void **state)
{
    static const char *const dirs[] = {"", "/htime", "/csnap"};
    char root[] = "/tmp/passthrough-test-XXXXXX", base[64], path[128];
    struct stat st;

    assert_non_null(mkdtemp(root));
    snprintf(base, sizeof(base), "%s/base", root);
    done(graph_of(&changelog_type, "changelog-dir", base));
    done(graph_of(&changelog_type, "changelog-dir", base)); /* again, over what is there */
    for (size_t n = array_len(dirs); n-- > 0;) {
        snprintf(path, sizeof(path), "%s%s", base, dirs[n]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode, S_IFDIR | 0600);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_nothing_is_passed_by_pointer),
        cmocka_unit_test(a_label_is_kept_under_a_name_of_its_own),
        cmocka_unit_test(a_label_is_left_alone_with_selinux_off),
        cmocka_unit_test(attributes_of_bitrot_are_neither_seen_nor_changed),
        cmocka_unit_test(attributes_of_quota_are_for_internal_callers),
        cmocka_unit_test(the_trash_directories_can_neither_go_nor_move),
        cmocka_unit_test(leases_are_said_not_to_be_there),
        cmocka_unit_test(directories_are_made_like_stocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
