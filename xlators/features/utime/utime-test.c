/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <time.h>

#include "feature-types.h"
#include "inode.h"
#include "testing.h"

/* ---- a storage that notes who came down with what ------------------------------------------------------------------------ */

static struct {
    struct cred cred;          /* of the last operation */
    unsigned int lookups, records;
    struct dict_mdata record;  /* the last one */
    bool has_record, no_such_object, record_fails;
} seen;

static void note(struct xlator *xl, struct fop *fop)
{
    seen.cred = fop->cred;
    fop_complete(fop, 0, 0);
}

static void lookup(struct xlator *xl, struct fop *fop)
{
    uint8_t raw[57] = {1};

    seen.lookups++;
    assert_non_null(dict_find(fop->xdata, "trusted.glusterfs.mdata"));
    if (seen.no_such_object) {
        fop_fail(fop, ENOENT);
        return;
    }
    fop->out.inode = inode_get(fop->graph->inodes, (gfid_t){{7}});
    fop->out.stat = (struct iatt){.gfid = {{7}}, .mode = S_IFREG | 0600, .atime = 11, .mtime = 22, .ctime = 33, .ctime_nsec = 44};
    if (seen.has_record)
        dict_set_binary(fop_xdata_out(fop), "trusted.glusterfs.mdata", raw, sizeof(raw));
    fop_complete(fop, 0, 0);
}

static void setxattr(struct xlator *xl, struct fop *fop)
{
    seen.cred = fop->cred;
    if (dict_get_mdata(fop->in.setxattr.dict, "set-ctime-mdata", &seen.record) == 0) {
        seen.records++;
        assert_int_equal(fop->cred.pid, -13);
        assert_int_equal(fop->cred.uid, 0);
        assert_int_equal(fop->loc.inode->gfid.b[0], 7);
        if (seen.record_fails) {
            fop_fail(fop, EROFS);
            return;
        }
    }
    fop_complete(fop, 0, 0);
}

static const struct xlator_type storage = {
    .name = "storage/fake", .leaf = true,
    .on = {[FOP_STAT ... FOP_FSYNC] = note, [FOP_SETXATTR] = setxattr, [FOP_GETXATTR ... FOP_FTRUNCATE] = note, [FOP_LOOKUP] = lookup,
           [FOP_FSTAT] = note, [FOP_READDIR ... NR_FOPS - 1] = note},
};

static struct process p;
static struct graph *g;

static void start(const char *noatime)
{
    memset(&seen, 0, sizeof(seen));
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage}, {.type = &utime_type, .options = {"noatime", noatime}},
                                                  {.type = NULL}});
}

static void end(void)
{
    testing_graph_free(g);
    testing_process_done(&p);
}

static uint32_t flags_of(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    testing_run(g, fop);
    fop_free(fop);
    return seen.cred.time_flags;
}

static uint32_t setattr(int32_t valid)
{
    struct fop *fop = fop_new(g, FOP_SETATTR);

    fop->in.setattr.valid = valid;
    fop->in.setattr.stat = (struct iatt){.atime = 5, .atime_nsec = 6, .mtime = 7, .mtime_nsec = 8};
    testing_run(g, fop);
    fop_free(fop);
    return seen.cred.time_flags;
}

/* ---- tests --------------------------------------------------------------------------------------------------------------- */

static void each_change_says_which_times_it_changes(void **state)
{
    static const struct { enum fop_op op; uint32_t flags; } want[] = { /* the numbers of the wire: spec brick 1.4 */
        {FOP_MKNOD, 0x1f}, {FOP_MKDIR, 0x1f}, {FOP_SYMLINK, 0x1f}, {FOP_CREATE, 0x1f}, {FOP_UNLINK, 0x19}, {FOP_RMDIR, 0x19},
        {FOP_LINK, 0x19}, {FOP_RENAME, 0x19}, {FOP_WRITE, 3}, {FOP_TRUNCATE, 3}, {FOP_FTRUNCATE, 3}, {FOP_FALLOCATE, 6},
        {FOP_ZEROFILL, 6}, {FOP_REMOVEXATTR, 1}, {FOP_FREMOVEXATTR, 1}, {FOP_OPEN, 0}, {FOP_OPENDIR, 0}, {FOP_READ, 0},
        {FOP_SETXATTR, 0}, {FOP_FSETXATTR, 0}, {FOP_DISCARD, 0}, {FOP_COPY_FILE_RANGE, 0}, {FOP_FSYNC, 0}, {FOP_STAT, 0},
    };

    start("on");
    for (size_t i = 0; i < array_len(want); i++)
        if (flags_of(want[i].op) != want[i].flags)
            fail_msg("%s: flags %#x, not %#x", fop_name(want[i].op), flags_of(want[i].op), want[i].flags);
    end();
}

static void reading_changes_the_time_of_access_when_it_is_wanted(void **state)
{
    start("off");
    assert_int_equal(flags_of(FOP_READ), TIME_ATIME);
    assert_int_equal(flags_of(FOP_OPEN), TIME_ATIME);
    assert_int_equal(flags_of(FOP_OPENDIR), TIME_ATIME);
    end();
}

static void the_stamp_is_the_clock(void **state)
{
    struct timespec before, after;

    start("on");
    clock_gettime(CLOCK_REALTIME, &before);
    flags_of(FOP_WRITE);
    clock_gettime(CLOCK_REALTIME, &after);
    assert_true(seen.cred.time_sec >= (uint64_t)before.tv_sec && seen.cred.time_sec <= (uint64_t)after.tv_sec);
    assert_true(seen.cred.time_nsec < 1000000000);
    end();
}

static void owner_and_mode_change_ctime_and_given_times_are_their_own_stamp(void **state)
{
    start("on");
    assert_int_equal(setattr(SET_MODE), TIME_CTIME);
    assert_int_equal(setattr(SET_UID | SET_GID), TIME_CTIME);
    assert_int_equal(setattr(0), TIME_CTIME);
    assert_int_equal(setattr(SET_ATIME | SET_MTIME), 0);
    assert_true(seen.cred.time_sec > 1000);
    assert_int_equal(setattr(SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW), 0);
    assert_int_equal(seen.cred.time_sec, 5);
    assert_int_equal(seen.cred.time_nsec, 6);
    assert_int_equal(setattr(SET_MTIME | SET_MTIME_NOW), 0);
    assert_int_equal(seen.cred.time_sec, 7);
    end();
}

static int look(void)
{
    struct fop *fop = fop_new(g, FOP_LOOKUP);
    int err;

    testing_run(g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    if (!err) {
        assert_int_equal(fop->out.stat.mtime, 22);
        assert_non_null(fop->out.inode);
    }
    assert_null(fop->xdata);
    fop_free(fop);
    return err;
}

static void an_object_without_a_record_gets_its_first(void **state)
{
    start("on");
    assert_int_equal(look(), 0);
    assert_int_equal(seen.records, 1);
    assert_int_equal(seen.record.atime, 11);
    assert_int_equal(seen.record.mtime, 22);
    assert_int_equal(seen.record.ctime, 33);
    assert_int_equal(seen.record.ctime_nsec, 44);
    seen.has_record = true;
    assert_int_equal(look(), 0);
    assert_int_equal(seen.records, 1);
    seen.has_record = false;
    seen.record_fails = true;
    assert_int_equal(look(), 0); /* nobody's business */
    seen.no_such_object = true;
    assert_int_equal(look(), ENOENT);
    assert_int_equal(seen.records, 2);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_says_which_times_it_changes),
        cmocka_unit_test(reading_changes_the_time_of_access_when_it_is_wanted),
        cmocka_unit_test(the_stamp_is_the_clock),
        cmocka_unit_test(owner_and_mode_change_ctime_and_given_times_are_their_own_stamp),
        cmocka_unit_test(an_object_without_a_record_gets_its_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
