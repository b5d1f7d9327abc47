/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* trusted.glusterfs.mdata: whose times are told, and when they move (spec brick 1.4). */
#include "config.h"

#include "test-brick.h"

static void the_record_has_stocks_57_bytes(void **state)
{
    static const uint8_t want[MDATA_SIZE] = {1, 0, 0, 0, 0, 0, 0, 0, 0,                                     /* version, flags */
                                             0, 0, 0, 0, 0x6b, 1, 0x98, 0x13, 0, 0, 0, 0, 0x34, 0xed, 0xec, 0x4a, /* ctime */
                                             0, 0, 0, 0, 0x6b, 1, 0x98, 0x12, 0, 0, 0, 0, 0, 0, 0, 7,             /* mtime */
                                             0, 0, 0, 0, 0x6b, 1, 0x98, 0x11, 0, 0, 0, 0, 0, 0, 1, 0};            /* atime */
    struct mdata m = {{0x6b019813, 0x34edec4a}, {0x6b019812, 7}, {0x6b019811, 256}}, back;
    uint8_t raw[MDATA_SIZE];
    mdata_encode(&m, raw);
    assert_memory_equal(raw, want, MDATA_SIZE);
    assert_int_equal(mdata_decode(raw, MDATA_SIZE, &back), 0);
    assert_int_equal(back.ctime.tv_sec, m.ctime.tv_sec);
    assert_int_equal(back.atime.tv_nsec, 256);
    assert_int_equal(mdata_decode(raw, MDATA_SIZE - 1, &back), -EINVAL);
    raw[0] = 2;
    assert_int_equal(mdata_decode(raw, MDATA_SIZE, &back), -EINVAL);
    raw[0] = 1;
    raw[17] = 0xff; /* nanoseconds beyond a second */
    assert_int_equal(mdata_decode(raw, MDATA_SIZE, &back), -EINVAL);
}

static struct inode *file_at(struct brick *b, const char *name, uint32_t flags, uint64_t sec)
{
    struct fop *fop = make(b, FOP_CREATE);
    loc_entry(&fop->loc, b->root, name);
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    fop->in.create.flags = O_CREAT | O_EXCL | O_RDWR;
    fop->in.create.mode = 0644;
    stamp(fop, flags, sec, 5);
    assert_int_equal(run(b, fop), 0);
    struct inode *in = inode_ref(fop->out.inode);
    done(fop);
    return in;
}

static void truncate_at(struct brick *b, struct inode *in, uint32_t flags, uint64_t sec, uint32_t nsec)
{
    struct fop *fop = make(b, FOP_TRUNCATE);
    loc_inode(&fop->loc, in);
    stamp(fop, flags, sec, nsec);
    assert_int_equal(run(b, fop), 0);
    done(fop);
}

static void a_new_object_has_the_clients_time_in_all_three(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", TIME_CTIME | TIME_MTIME | TIME_PARENT_CTIME | TIME_PARENT_MTIME, 1000);
    struct iatt st;
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.ctime, 1000);
    assert_int_equal(st.mtime, 1000);
    assert_int_equal(st.atime, 1000);
    assert_int_equal(st.mtime_nsec, 5);
    assert_int_equal(do_stat(b, b->root, &st), 0);
    assert_int_equal(st.mtime, 1000);
    let_go(&in);
}

static void times_move_forward_only_and_only_those_named(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", TIME_CTIME | TIME_MTIME, 1000);
    struct iatt st;
    truncate_at(b, in, TIME_MTIME, 2000, 7);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 2000);
    assert_int_equal(st.mtime_nsec, 7);
    assert_int_equal(st.ctime, 1000);
    assert_int_equal(st.atime, 1000);
    truncate_at(b, in, TIME_MTIME | TIME_CTIME, 1500, 0);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 2000);
    assert_int_equal(st.ctime, 1500);
    truncate_at(b, in, TIME_MTIME, 2000, 8); /* a nanosecond later is later */
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime_nsec, 8);
    truncate_at(b, in, TIME_MTIME, 3000, 1000000000); /* not a time */
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 2000);
    let_go(&in);
}

static void times_are_on_the_disk(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", TIME_CTIME | TIME_MTIME, 1000);
    truncate_at(b, in, TIME_MTIME | TIME_CTIME, 4000, 9);
    let_go(&in);
    uint8_t raw[64];
    struct mdata m;
    assert_int_equal(getxattr(brick_path(b, "f"), XATTR_MDATA, raw, sizeof(raw)), MDATA_SIZE);
    assert_int_equal(mdata_decode(raw, MDATA_SIZE, &m), 0);
    assert_int_equal(m.mtime.tv_sec, 4000);
    assert_int_equal(m.atime.tv_sec, 1000);
    brick_down(b);
    brick_up(b, NULL);
    struct iatt st;
    assert_int_equal(do_lookup(b, b->root, "f", NULL, &st), 0);
    assert_int_equal(st.mtime, 4000);
    assert_int_equal(st.mtime_nsec, 9);
}

static void without_flags_no_record_is_made_and_the_disks_times_are_told(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", 0, 1000);
    struct iatt st;
    struct stat disk;
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(stat(brick_path(b, "f"), &disk), 0);
    assert_int_equal(st.mtime, disk.st_mtim.tv_sec);
    assert_int_equal(st.mtime_nsec, disk.st_mtim.tv_nsec);
    assert_int_equal(getxattr(brick_path(b, "f"), XATTR_MDATA, NULL, 0), -1);
    let_go(&in);
}

static void set_times_at(struct brick *b, struct inode *in, int32_t valid, int64_t a, int64_t m, uint64_t now)
{
    struct fop *fop = make(b, FOP_SETATTR);
    loc_inode(&fop->loc, in);
    fop->in.setattr.valid = valid;
    fop->in.setattr.stat.atime = a;
    fop->in.setattr.stat.mtime = m;
    fop->in.setattr.stat.mtime_nsec = 123456789;
    stamp(fop, 0, now, 0); /* as utime sends it: the time, without a flag */
    assert_int_equal(run(b, fop), 0);
    done(fop);
}

static void setattr_may_turn_times_back(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", TIME_CTIME | TIME_MTIME, 1000);
    struct iatt st;
    struct stat disk;
    set_times_at(b, in, SET_ATIME | SET_MTIME, 10, 20, 5000);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.atime, 10);
    assert_int_equal(st.mtime, 20);
    assert_int_equal(st.mtime_nsec, 123456789);
    assert_int_equal(st.ctime, 5000);
    assert_int_equal(stat(brick_path(b, "f"), &disk), 0);
    assert_int_equal(disk.st_mtim.tv_sec, 20);
    assert_int_equal(disk.st_mtim.tv_nsec, 123456789);
    set_times_at(b, in, SET_MTIME, 0, 30, 6000); /* the other one stays */
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.atime, 10);
    assert_int_equal(st.mtime, 30);
    let_go(&in);
}

static void set_times_of_an_object_without_record_go_to_the_disk_alone(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", 0, 0);
    struct iatt st;
    set_times_at(b, in, SET_ATIME | SET_MTIME, 10, 20, 5000);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 20);
    assert_int_equal(getxattr(brick_path(b, "f"), XATTR_MDATA, NULL, 0), -1);
    let_go(&in);
}

static void set_ctime(struct brick *b, struct inode *in, int64_t t)
{
    struct fop *fop = make(b, FOP_SETXATTR);
    struct dict_mdata m = {.atime = t, .mtime = t + 1, .ctime = t + 2};
    loc_inode(&fop->loc, in);
    fop->cred.pid = -13;
    fop->in.setxattr.dict = dict_new();
    dict_set(fop->in.setxattr.dict, "set-ctime-mdata", DICT_MDATA, &m, sizeof(m));
    assert_int_equal(run(b, fop), 0);
    done(fop);
}

static void a_clients_first_record_is_taken_and_later_ones_merged(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", 0, 0);
    struct iatt st;
    set_ctime(b, in, 100);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.atime, 100);
    assert_int_equal(st.mtime, 101);
    assert_int_equal(st.ctime, 102);
    set_ctime(b, in, 50);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 101);
    set_ctime(b, in, 200);
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 201);
    let_go(&in);
}

static void ordinary_clients_do_not_see_the_record(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", TIME_CTIME, 1000);
    char buf[128];
    assert_int_equal(do_getxattr(b, in, XATTR_MDATA, buf, sizeof(buf)), -ENODATA);
    struct fop *fop = make(b, FOP_GETXATTR);
    loc_inode(&fop->loc, in);
    assert_true(run(b, fop) >= 0);
    assert_null(dict_find(fop->out.dict, XATTR_MDATA));
    done(fop);
    fop = make(b, FOP_GETXATTR);
    loc_inode(&fop->loc, in);
    fop->in.getxattr.name = XATTR_MDATA;
    fop->cred.pid = -3;
    assert_int_equal(run(b, fop), MDATA_SIZE);
    done(fop);
    fop = make(b, FOP_LOOKUP); /* utime asks so */
    loc_entry(&fop->loc, b->root, "f");
    dict_set_i64(xdata(fop), XATTR_MDATA, 1);
    assert_int_equal(run(b, fop), 0);
    const struct dict_pair *pair = dict_find(fop->xdata_out, XATTR_MDATA);
    assert_non_null(pair);
    assert_int_equal(pair->len, MDATA_SIZE);
    assert_int_equal(pair->type, DICT_BINARY);
    done(fop);
    let_go(&in);
}

static void with_ctime_off_the_disk_counts(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in = file_at(b, "f", TIME_CTIME, 1000);
    let_go(&in);
    brick_down(b);
    brick_up(b, (const char *[]){"ctime", "off", NULL});
    struct iatt st;
    struct stat disk;
    assert_int_equal(do_lookup(b, b->root, "f", NULL, &st), 0);
    assert_int_equal(stat(brick_path(b, "f"), &disk), 0);
    assert_int_equal(st.ctime, disk.st_ctim.tv_sec);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_has_stocks_57_bytes),
        T(a_new_object_has_the_clients_time_in_all_three),
        T(times_move_forward_only_and_only_those_named),
        T(times_are_on_the_disk),
        T(without_flags_no_record_is_made_and_the_disks_times_are_told),
        T(setattr_may_turn_times_back),
        T(set_times_of_an_object_without_record_go_to_the_disk_alone),
        T(a_clients_first_record_is_taken_and_later_ones_merged),
        T(ordinary_clients_do_not_see_the_record),
        T(with_ctime_off_the_disk_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
