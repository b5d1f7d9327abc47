/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a client can do with a brick, and what lies on the disk then. */
#include "config.h"

#include "test-brick.h"

static void a_file_is_made_written_read_listed_and_removed(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd, *dir;
    char buf[64];
    assert_int_equal(do_create(b, b->root, "file", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "hello, brick", 12), 12);
    assert_int_equal(do_read(b, fd, NULL, 7, buf, sizeof(buf)), 5);
    assert_memory_equal(buf, "brick", 5);

    assert_int_equal(do_opendir(b, b->root, &dir), 0);
    struct fop *fop = make(b, FOP_READDIRP);
    fop->fd = fd_ref(dir);
    fop->in.readdir.size = 65536;
    assert_int_equal(run(b, fop), 3);
    assert_int_equal(fop->err, ENOENT);
    bool found = false;
    for (unsigned int i = 0; i < fop->out.nr_entries; i++) {
        const struct dirent4 *e = &fop->out.entries[i];
        assert_string_not_equal(e->name, ".glusterfs");
        if (!strcmp(e->name, "file")) {
            found = true;
            assert_true(gfid_equal(e->stat.gfid, in->gfid));
            assert_int_equal(e->stat.size, 12);
            assert_int_equal(e->stat.nlink, 1);
        }
    }
    assert_true(found);
    done(fop);
    close_fd(b, &dir);
    close_fd(b, &fd);
    assert_int_equal(access(brick_handle(b, in->gfid), F_OK), 0);
    assert_int_equal(do_unlink(b, b->root, "file"), 0);
    assert_int_equal(access(brick_handle(b, in->gfid), F_OK), -1);
    assert_int_equal(do_lookup(b, b->root, "file", NULL, NULL), -ENOENT);
    let_go(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_is_made_written_read_listed_and_removed, brick_setup, brick_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
