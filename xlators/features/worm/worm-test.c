/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <time.h>

#include "feature-types.h"
#include "testing.h"
#include "worm.h"

/* ---- a file's states, at times of the test's own ------------------------------------------------------------------------------------- */

static const struct worm relax = {.file_level = true, .deletable = true, .retention_s = 100, .commit_s = 10, .mode = MODE_RELAX};
static const struct worm enterprise = {.file_level = true, .deletable = false, .retention_s = 100, .commit_s = 10, .mode = MODE_ENTERPRISE};

static struct retention file(const char *state, int64_t start, int64_t atime, int64_t mtime)
{
    struct dict *d = dict_new();
    const struct iatt st = {.mode = S_IFREG | 0644, .atime = atime, .mtime = mtime};
    struct retention r;
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)start);
    dict_set_binary(d, WORM_START, text, strlen(text) + 1);
    dict_set_binary(d, WORM_FILE, "1", 2);
    if (state)
        dict_set_binary(d, WORM_STATE, state, strlen(state) + 1);
    retention_of(&st, d, &r);
    dict_unref(d);
    return r;
}

static void a_file_that_has_rested_is_kept(void **state)
{
    struct retention r = file(NULL, 1000, 1000, 1000);
    char text[STATE_TEXT];
    bool allowed;

    assert_int_equal(retention_judge(&relax, &r, 1009, false, &allowed), STEP_NONE);
    assert_true(allowed);
    r = file(NULL, 1000, 1000, 1005); /* changed meanwhile */
    assert_int_equal(retention_judge(&relax, &r, 1012, false, &allowed), STEP_NONE);
    assert_true(allowed);
    assert_int_equal(retention_judge(&relax, &r, 1015, false, &allowed), STEP_COMMIT);
    assert_false(allowed);
    assert_int_equal(r.atime, 1115);
    retention_text(&r, text);
    assert_string_equal(text, "3/100/10");

    r = file(NULL, 1000, 1000, 1000);
    assert_int_equal(retention_judge(&enterprise, &r, 2000, true, &allowed), STEP_COMMIT);
    assert_false(allowed); /* nor be removed */
    retention_text(&r, text);
    assert_string_equal(text, "11/100/10");
}

static void after_its_time_it_may_be_removed_but_not_changed(void **state)
{
    struct retention r = file("3/100/10", 1000, 1115, 1005);
    char text[STATE_TEXT];
    bool allowed;

    assert_int_equal(retention_judge(&relax, &r, 1114, true, &allowed), STEP_NONE);
    assert_false(allowed);
    assert_int_equal(retention_judge(&relax, &r, 1115, false, &allowed), STEP_EXPIRE);
    assert_false(allowed);
    assert_int_equal(r.atime, 1015); /* when it was committed */
    retention_text(&r, text);
    assert_string_equal(text, "1/0/0");
    assert_int_equal(retention_judge(&relax, &r, 1200, true, &allowed), STEP_NONE);
    assert_true(allowed);
    r = file("1/0/0", 1000, 1015, 1005);
    retention_judge(&enterprise, &r, 1200, true, &allowed);
    assert_false(allowed); /* worm-files-deletable off */
}

static void the_end_can_be_moved(void **state)
{
    struct retention r = file("3/100/10", 1000, 1115, 1005);

    assert_int_equal(retention_new_end(&relax, &r, 1050, 1040), -EROFS);
    assert_int_equal(retention_new_end(&relax, &r, 1050, 1060), 0);
    assert_int_equal(r.period_s, 10);
    assert_int_equal(r.atime, 1060);
    r = file("11/100/10", 1000, 1115, 1005);
    assert_int_equal(retention_new_end(&enterprise, &r, 1050, 1114), -EROFS);
    assert_int_equal(retention_new_end(&relax, &r, 1050, 1114), -EROFS); /* what it was committed under stays */
    assert_int_equal(retention_new_end(&enterprise, &r, 1050, 1200), 0);
    assert_int_equal(r.period_s, 150);
}

static void only_files_that_were_marked_take_part(void **state)
{
    const struct iatt st = {.mode = S_IFREG | 0644};
    struct retention r;
    bool allowed;

    retention_of(&st, NULL, &r);
    assert_int_equal(retention_judge(&relax, &r, 1000000, false, &allowed), STEP_NONE);
    assert_true(allowed);
    r = file("nonsense", 0, 0, 0);
    retention_judge(&relax, &r, 1000000, false, &allowed);
    assert_false(allowed);
}

/* ---- the translator, over a storage of one file ---------------------------------------------------------------------------- */

static struct process p;
static struct graph *g;
static struct dict *xattrs;
static struct iatt st;
static bool exists;
static unsigned int wrote;

static void fake_stat(struct xlator *xl, struct fop *fop)
{
    fop->out.stat = st;
    fop->xdata_out = dict_ref(xattrs);
    fop_complete(fop, 0, 0);
}

static void fake_lookup(struct xlator *xl, struct fop *fop)
{
    if (!exists) {
        fop_fail(fop, ENOENT);
        return;
    }
    fop->out.inode = inode_get(g->inodes, (gfid_t){{9}});
    fop_complete(fop, 0, 0);
}

static void fake_create(struct xlator *xl, struct fop *fop)
{
    fop->out.inode = inode_get(g->inodes, (gfid_t){{9}});
    exists = true;
    fop_complete(fop, 0, 0);
}

static void fake_setxattr(struct xlator *xl, struct fop *fop)
{
    struct dict *d = dict_copy(xattrs);

    for (unsigned int i = 0; i < dict_count(fop->in.setxattr.dict); i++) {
        const struct dict_pair *pair = dict_at(fop->in.setxattr.dict, i);

        if (fop->in.setxattr.flags & XATTR_CREATE && dict_find(d, pair->key)) {
            dict_unref(d);
            fop_fail(fop, EEXIST);
            return;
        }
        dict_set(d, pair->key, pair->type, pair->value, pair->len);
    }
    dict_unref(xattrs);
    xattrs = d;
    fop_complete(fop, 0, 0);
}

static void fake_setattr(struct xlator *xl, struct fop *fop)
{
    if (fop->in.setattr.valid & SET_MODE)
        st.mode = S_IFREG | fop->in.setattr.stat.mode;
    if (fop->in.setattr.valid & SET_ATIME)
        st.atime = fop->in.setattr.stat.atime;
    fop->out.post = st;
    fop_complete(fop, 0, 0);
}

static void fake_change(struct xlator *xl, struct fop *fop)
{
    wrote++;
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {
    .name = "storage/fake",
    .leaf = true,
    .on = {[FOP_STAT] = fake_stat, [FOP_LOOKUP] = fake_lookup, [FOP_CREATE] = fake_create, [FOP_SETXATTR] = fake_setxattr,
           [FOP_SETATTR] = fake_setattr, [FOP_OPEN] = fake_change, [FOP_WRITE] = fake_change, [FOP_TRUNCATE] = fake_change,
           [FOP_UNLINK] = fake_change, [FOP_RENAME] = fake_change, [FOP_LINK] = fake_change, [FOP_RMDIR] = fake_change,
           [FOP_REMOVEXATTR] = fake_change, [FOP_MKDIR] = fake_change, [FOP_FALLOCATE] = fake_change}};

static void start(const char *on, const char *file_level)
{
    testing_process(&p);
    xattrs = dict_new();
    st = (struct iatt){.mode = S_IFREG | 0644};
    exists = false;
    wrote = 0;
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage},
                                                  {.type = &worm_type,
                                                   .options = {"worm", on, "worm-file-level", file_level, "auto-commit-period", "3600"}},
                                                  {.type = NULL}});
}

static void stop(void)
{
    dict_unref(xattrs);
    testing_graph_free(g);
    testing_process_done(&p);
}

static struct fop *on_file(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    fop->loc.inode = inode_get(g->inodes, (gfid_t){{9}});
    return fop;
}

static int run(struct fop *fop)
{
    testing_run(g, fop);
    int err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

static int create(int32_t flags)
{
    struct fop *fop = fop_new(g, FOP_CREATE);

    fop->loc.parent = inode_get(g->inodes, gfid_root);
    strcpy(fop->loc.name, "f");
    fop->in.create.flags = flags;
    return run(fop);
}

static int chmod_to(uint32_t mode)
{
    struct fop *fop = on_file(FOP_SETATTR);

    fop->in.setattr.valid = SET_MODE;
    fop->in.setattr.stat.mode = mode;
    return run(fop);
}

static int write_with(struct fd *fd)
{
    struct fop *fop = on_file(FOP_WRITE);

    fop->fd = fd ? fd_ref(fd) : NULL;
    return run(fop);
}

static const enum fop_op changes[] = {FOP_WRITE, FOP_TRUNCATE, FOP_RENAME, FOP_LINK, FOP_UNLINK, FOP_FALLOCATE};

static void a_worm_volume_takes_new_things_only(void **state)
{
    static const enum fop_op refused[] = {FOP_UNLINK, FOP_RMDIR, FOP_RENAME, FOP_LINK, FOP_TRUNCATE, FOP_REMOVEXATTR};
    struct fop *open, *heal;
    struct fd *fd;

    start("on", "off");
    assert_int_equal(create(O_CREAT | O_WRONLY | O_TRUNC), 0);
    assert_int_equal(dict_count(xattrs), 0);
    assert_int_equal(create(O_CREAT | O_WRONLY | O_TRUNC), EROFS); /* now it is there */
    fd = fd_new_anonymous(g, inode_get(g->inodes, (gfid_t){{9}}), O_WRONLY);
    inode_unref(fd->inode);
    assert_int_equal(write_with(fd), 0);
    fd_unref(fd);
    assert_int_equal(write_with(NULL), EROFS);
    for (size_t i = 0; i < array_len(refused); i++)
        assert_int_equal(run(on_file(refused[i])), EROFS);
    assert_int_equal(run(on_file(FOP_MKDIR)), 0);
    assert_int_equal(chmod_to(0400), 0);
    open = on_file(FOP_OPEN);
    open->in.open.flags = O_RDWR;
    assert_int_equal(run(open), EROFS);
    assert_int_equal(run(on_file(FOP_OPEN)), 0);
    heal = on_file(FOP_UNLINK);
    heal->cred.pid = -6;
    assert_int_equal(run(heal), 0);
    stop();
}

static void the_last_write_permission_commits_a_file(void **state)
{
    const struct dict_pair *s;

    start("off", "on");
    assert_int_equal(create(O_CREAT | O_WRONLY), 0);
    assert_non_null(dict_find(xattrs, WORM_START));
    st.mtime = time(NULL);
    for (size_t i = 0; i < array_len(changes); i++)
        assert_int_equal(run(on_file(changes[i])), 0);
    assert_int_equal(chmod_to(0600), 0);
    assert_null(dict_find(xattrs, WORM_STATE));
    assert_int_equal(chmod_to(0444), 0);
    s = dict_find(xattrs, WORM_STATE);
    assert_non_null(s);
    assert_string_equal(s->value, "3/120/3600");
    assert_in_range(st.atime, time(NULL) + 110, time(NULL) + 120);
    for (size_t i = 0; i < array_len(changes); i++)
        assert_int_equal(run(on_file(changes[i])), EROFS);
    assert_int_equal(chmod_to(0644), 0); /* does not help */
    assert_int_equal(run(on_file(FOP_WRITE)), EROFS);
    assert_int_equal(create(O_CREAT | O_WRONLY | O_TRUNC), EROFS);
    st.atime = time(NULL) - 1; /* the end has come */
    assert_int_equal(run(on_file(FOP_WRITE)), EROFS);
    assert_string_equal(dict_find(xattrs, WORM_STATE)->value, "1/0/0");
    assert_int_equal(run(on_file(FOP_UNLINK)), 0);
    stop();
}

static void a_rested_file_is_committed_when_somebody_tries(void **state)
{
    start("off", "on");
    assert_int_equal(create(O_CREAT | O_WRONLY), 0);
    struct dict *old = xattrs;
    xattrs = dict_copy(old);
    dict_unref(old);
    dict_set_binary(xattrs, WORM_START, "1000", 5);
    st.mtime = 2000;
    assert_int_equal(run(on_file(FOP_RENAME)), EROFS);
    assert_string_equal(dict_find(xattrs, WORM_STATE)->value, "3/120/3600");
    assert_int_equal(wrote, 0);
    stop();
}

static void the_state_is_not_for_clients_to_set(void **state)
{
    struct fop *set, *removal;

    start("off", "on");
    set = on_file(FOP_SETXATTR);
    set->in.setxattr.dict = dict_new();
    dict_set_text(set->in.setxattr.dict, WORM_STATE, "1/0/0");
    assert_int_equal(run(set), EPERM);
    removal = on_file(FOP_REMOVEXATTR);
    removal->in.removexattr.name = WORM_FILE;
    assert_int_equal(run(removal), EPERM);
    set = on_file(FOP_SETXATTR);
    set->cred.pid = -6;
    set->in.setxattr.dict = dict_new();
    dict_set_text(set->in.setxattr.dict, WORM_STATE, "1/0/0");
    assert_int_equal(run(set), 0);
    stop();
}

static void nothing_is_different_while_it_is_off(void **state)
{
    start("off", "off");
    assert_int_equal(create(O_CREAT | O_WRONLY), 0);
    assert_int_equal(dict_count(xattrs), 0);
    assert_int_equal(chmod_to(0444), 0);
    for (size_t i = 0; i < array_len(changes); i++)
        assert_int_equal(run(on_file(changes[i])), 0);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_has_rested_is_kept),
        cmocka_unit_test(after_its_time_it_may_be_removed_but_not_changed),
        cmocka_unit_test(the_end_can_be_moved),
        cmocka_unit_test(only_files_that_were_marked_take_part),
        cmocka_unit_test(a_worm_volume_takes_new_things_only),
        cmocka_unit_test(the_last_write_permission_commits_a_file),
        cmocka_unit_test(a_rested_file_is_committed_when_somebody_tries),
        cmocka_unit_test(the_state_is_not_for_clients_to_set),
        cmocka_unit_test(nothing_is_different_while_it_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
