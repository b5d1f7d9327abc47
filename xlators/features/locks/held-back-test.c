/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is not a lock request and has to do with locks: mandatory locking, the enforcement mark, removals, revocation, lockinfo. */
#include "locks-testing.h"

#include <fcntl.h>

static int forced(void **state)
{
    return set_up_with(state, &(struct testing_node){.type = &locks_type, .options = {"mandatory-locking", "forced"}});
}
static int optimal(void **state)
{
    return set_up_with(state, &(struct testing_node){.type = &locks_type, .options = {"mandatory-locking", "optimal"}});
}
static int enforcing(void **state)
{
    return set_up_with(state, &(struct testing_node){.type = &locks_type,
                                                     .options = {"mandatory-locking", "optimal", "enforce-mandatory-lock", "on"}});
}
static int revoking(void **state)
{
    return set_up_with(state, &(struct testing_node){.type = &locks_type,
                                                     .options = {"revocation-secs", "1000", "revocation-max-blocked", "1"}});
}
static int forgetting(void **state)
{
    return set_up_with(state, &(struct testing_node){.type = &locks_type, .options = {"monkey-unlocking", "on"}});
}

static unsigned int told_to_wait;
static void will_wait(struct fop *fop)
{
    told_to_wait++;
}

static void write_to(struct world *w, struct call *c, unsigned int client, const char *owner, uint64_t offset, uint32_t size)
{
    struct fop *fop = make(w, c, FOP_WRITE, client, owner);

    fop->in.write.offset = offset;
    fop->in.write.size = size;
    fop->will_wait = will_wait;
    go(w, c);
}

static void read_from(struct world *w, struct call *c, unsigned int client, const char *owner, uint64_t offset, uint32_t size)
{
    struct fop *fop = make(w, c, FOP_READ, client, owner);

    fop->in.read.offset = offset;
    fop->in.read.size = size;
    go(w, c);
}

static void unlink_it(struct world *w, struct call *c, unsigned int client, int32_t pid)
{
    struct fop *fop = make(w, c, FOP_UNLINK, client, "");

    fop->loc.inode = inode_ref(w->in);
    fop->cred.pid = pid;
    fop->will_wait = will_wait;
    go(w, c);
}

static void set_xattr(struct world *w, struct call *c, unsigned int client, int32_t pid, enum fop_op op, const char *key, const char *value)
{
    struct fop *fop = make(w, c, op, client, "a");

    fop->cred.pid = pid;
    fop->in.setxattr.dict = dict_new();
    dict_set_text(fop->in.setxattr.dict, key, value);
    go(w, c);
}

/* ---- mandatory locking ---------------------------------------------------------------------------------------------------- */

static void what_is_locked_waits_or_fails(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    told_to_wait = 0;
    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 10);
    write_to(w, &c, 0, "a", 0, 5);
    assert_granted(c);
    write_to(w, &c, 1, "a", 10, 5);
    assert_granted(c);
    write_to(w, &c, 1, "a", 9, 0);
    assert_granted(c);
    assert_int_equal(told_to_wait, 0);
    write_to(w, &waits, 1, "a", 9, 5);
    assert_false(waits.back);
    assert_int_equal(told_to_wait, 1);
    w->fds[2]->flags |= O_NONBLOCK;
    write_to(w, &c, 2, "a", 9, 5);
    assert_refused(c, EAGAIN);
    read_from(w, &c, 2, "a", 0, 1);
    assert_refused(c, EAGAIN);
    lk(w, &c, 0, "a", LK_SET, RANGE_READ, 0, 10);
    read_from(w, &c, 2, "a", 0, 1);
    assert_granted(c);
    assert_false(waits.back);
    lk(w, &c, 0, "a", LK_SET, RANGE_UNLOCK, 9, 1);
    assert_granted(waits);
}

static void a_client_that_goes_takes_what_waits_along(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 0);
    write_to(w, &waits, 1, "a", 9, 5);
    leave(w, 1);
    assert_refused(waits, ENOTCONN);
    write_to(w, &waits, 2, "a", 9, 5);
    leave(w, 0);
    assert_granted(waits);
}

static void data_that_waits_is_bounded(void **state)
{
    struct world *w = *state;
    struct call c, waits[2];

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 0);
    for (unsigned int i = 0; i < 2; i++)
        write_to(w, &waits[i], 1, "a", 0, HELD_BACK_BYTES_PER_CLIENT / 2);
    write_to(w, &c, 1, "a", 0, 1);
    assert_refused(c, EAGAIN);
    lk(w, &c, 0, "a", LK_SET, RANGE_UNLOCK, 0, 0);
    for (unsigned int i = 0; i < 2; i++)
        assert_granted(waits[i]);
}

static void an_open_that_truncates_needs_a_file_without_locks(void **state)
{
    struct world *w = *state;
    struct call c;
    struct fop *fop;

    lk(w, &c, 0, "a", LK_SET, RANGE_READ, 100, 1);
    for (unsigned int i = 0; i < 3; i++) {
        fop = make(w, &c, FOP_OPEN, 1, "");
        fd_unref(fop->fd);
        fop->fd = NULL;
        fop->loc.inode = inode_ref(w->in);
        fop->in.open.flags = i == 0 ? O_RDWR : O_RDWR | O_TRUNC;
        if (i == 2)
            fop->cred.pid = -3;
        go(w, &c);
        assert_true(c.back);
        assert_int_equal(c.ret < 0 ? c.err : 0, i == 1 ? EAGAIN : 0);
    }
}

static void only_mandatory_locks_count(void **state)
{
    struct world *w = *state;
    struct call c, waits;
    struct fop *fop;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 10);
    write_to(w, &c, 1, "a", 0, 5);
    assert_granted(c);
    fop = make(w, &c, FOP_LK, 0, "a");
    fop->in.lk.cmd = LK_SET;
    fop->in.lk.flock = (struct flock_range){.type = RANGE_WRITE, .start = 0, .len = 2};
    fop->xdata = dict_new();
    dict_set_u64(fop->xdata, "glusterfs.lk.lkmode", 1);
    go(w, &c);
    assert_granted(c);
    write_to(w, &c, 1, "a", 2, 5);
    assert_granted(c);
    write_to(w, &waits, 1, "a", 1, 5);
    assert_false(waits.back);
    lk(w, &c, 0, "a", LK_SET, RANGE_UNLOCK, 0, 0);
    assert_granted(waits);
}

/* ---- the mark -------------------------------------------------------------------------------------------------------------- */

static void a_marked_file_is_for_who_has_it_locked(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    storage.marked = true;
    write_to(w, &c, 0, "a", 0, 5);
    assert_refused(c, EBUSY);
    read_from(w, &c, 0, "a", 0, 5);
    assert_refused(c, EAGAIN);
    assert_int_equal(storage.asked_for_mark, 1); /* and remembered */
    lk(w, &c, 0, "a", LK_SET, RANGE_READ, 0, 10);
    write_to(w, &c, 0, "a", 0, 5);
    assert_granted(c);
    write_to(w, &c, 0, "a", 6, 5);
    assert_refused(c, EBUSY);
    lk(w, &waits, 0, "b", LK_SET, RANGE_WRITE, 5, 5); /* takes it away, though it is the same client's */
    assert_granted(waits);
    write_to(w, &c, 0, "a", 0, 5);
    assert_refused(c, EBUSY);
}

static void the_mark_changes_when_nothing_is_under_way(void **state)
{
    struct world *w = *state;
    struct call c, reads, marks, late;

    storage.hold = true;
    read_from(w, &reads, 0, "a", 0, 5);
    assert_false(reads.back);
    set_xattr(w, &marks, 1, 1, FOP_FSETXATTR, "trusted.glusterfs.enforce-mandatory-lock", "set");
    assert_false(marks.back);
    read_from(w, &late, 2, "a", 0, 5);
    storage.hold = false;
    fop_complete(storage.held, 0, 0);
    assert_granted(reads);
    assert_granted(marks);
    assert_refused(late, EAGAIN);
    read_from(w, &c, 0, "a", 0, 5);
    assert_refused(c, EAGAIN);
}

static void without_both_options_there_is_no_mark(void **state)
{
    struct world *w = *state;
    struct call c;

    set_xattr(w, &c, 1, 1, FOP_SETXATTR, "trusted.glusterfs.enforce-mandatory-lock", "set");
    assert_refused(c, EINVAL);
}

/* ---- removals -------------------------------------------------------------------------------------------------------------- */

static void a_removal_waits_for_the_locks_of_others(void **state)
{
    struct world *w = *state;
    struct call c, removes, waits;

    told_to_wait = 0;
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_READ, 0, 1);
    inodelk(w, &c, 1, "a", "e", LK_SET, RANGE_READ, 0, 1);
    unlink_it(w, &removes, 1, 1);
    assert_false(removes.back);
    assert_int_equal(told_to_wait, 1);
    assert_int_equal(heard.n, 1);
    assert_string_equal(heard.client, "client-0");
    inodelk(w, &c, 2, "a", "f", LK_SET, RANGE_READ, 0, 1); /* nobody new */
    assert_refused(c, EAGAIN);
    inodelk(w, &waits, 2, "a", "f", LK_SETW, RANGE_READ, 0, 1);
    assert_false(waits.back);
    inodelk(w, &c, 0, "b", "g", LK_SET, RANGE_READ, 0, 1);
    assert_granted(c);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 1);
    assert_false(removes.back);
    inodelk(w, &c, 0, "b", "g", LK_SET, RANGE_UNLOCK, 0, 1);
    assert_granted(removes);
    assert_granted(waits);
    unlink_it(w, &removes, 1, 1);
    assert_false(removes.back);
    inodelk(w, &waits, 3, "a", "h", LK_SETW, RANGE_READ, 0, 1);
    assert_false(waits.back);
    leave(w, 1); /* the removal goes with it, and keeps nobody out any more */
    assert_refused(removes, ENOTCONN);
    assert_granted(waits);
}

static void locks_of_internal_callers_do_not_keep_it_from_going_on(void **state)
{
    struct world *w = *state;
    struct call c;
    struct fop *fop = make(w, &c, FOP_FINODELK, 0, "a");

    fop->cred.pid = -3;
    fop->in.inodelk.domain = "d";
    fop->in.inodelk.cmd = LK_SET;
    fop->in.inodelk.flock = (struct flock_range){.type = RANGE_WRITE};
    go(w, &c);
    assert_granted(c);
    unlink_it(w, &c, 1, 1);
    assert_granted(c);
}

/* ---- locks taken away ------------------------------------------------------------------------------------------------------ */

static void locks_that_too_many_wait_for_are_taken_away(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_WRITE, 0, 1);
    inodelk(w, &c, 0, "a", "other", LK_SET, RANGE_WRITE, 0, 1);
    inodelk(w, &waits, 1, "a", "d", LK_SETW, RANGE_WRITE, 0, 1);
    assert_false(waits.back);
    inodelk(w, &c, 2, "a", "d", LK_SET, RANGE_WRITE, 0, 1);
    assert_refused(c, EAGAIN);
    assert_granted(waits);
    inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 1);
    assert_refused(c, EINVAL);
    inodelk(w, &c, 0, "a", "other", LK_SET, RANGE_UNLOCK, 0, 1);
    assert_granted(c);
}

static void one_unlock_in_a_hundred_is_forgotten(void **state)
{
    struct world *w = *state;
    struct call c;

    for (unsigned int i = 0; i < 100; i++) {
        inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_WRITE, 0, 1);
        assert_granted(c);
        inodelk(w, &c, 0, "a", "d", LK_SET, RANGE_UNLOCK, 0, 1);
        assert_granted(c);
    }
    inodelk(w, &c, 1, "a", "d", LK_SET, RANGE_WRITE, 0, 1);
    assert_refused(c, EAGAIN);
}

/* ---- locks on the move ----------------------------------------------------------------------------------------------------- */

static void locks_move_to_whoever_shows_lockinfo(void **state)
{
    struct world *w = *state;
    struct call c, info, waits;
    struct fop *fop;

    lk(w, &c, 0, "a", LK_SET, RANGE_WRITE, 0, 10);
    lk(w, &c, 0, "b", LK_SET, RANGE_READ, 20, 10);
    lk(w, &waits, 2, "a", LK_SETW, RANGE_WRITE, 0, 10);
    fop = make(w, &info, FOP_FGETXATTR, 0, "");
    fop->in.getxattr.name = "trusted.glusterfs.lockinfo";
    go(w, &info);
    assert_true(info.back && info.ret > 0 && info.value_len > 0);
    fop = make(w, &c, FOP_FSETXATTR, 1, "");
    fop->in.setxattr.dict = dict_new();
    dict_set_binary(fop->in.setxattr.dict, "trusted.glusterfs.lockinfo", info.value, info.value_len);
    go(w, &c);
    assert_granted(c);
    leave(w, 0); /* has none any more */
    assert_false(waits.back);
    lk(w, &c, 1, "a", LK_SET, RANGE_WRITE, 0, 10);
    assert_granted(c);
    lk(w, &c, 1, "a", LK_SET, RANGE_WRITE, 25, 1);
    assert_refused(c, EAGAIN); /* that is b's still */
    leave(w, 1);
    assert_granted(waits);
}

static void new_locks_wait_while_they_migrate_and_then_fail(void **state)
{
    struct world *w = *state;
    struct call c, waits;

    set_xattr(w, &c, 0, 1, FOP_SETXATTR, "glusterfs.lock-migration-meta-lock", "1");
    assert_refused(c, EINVAL);
    set_xattr(w, &c, 0, -3, FOP_SETXATTR, "glusterfs.lock-migration-meta-lock", "1");
    assert_granted(c);
    lk(w, &waits, 1, "a", LK_SET, RANGE_READ, 0, 1);
    assert_false(waits.back);
    set_xattr(w, &c, 1, -3, FOP_SETXATTR, "glusterfs.lock-migration-meta-unlock", "0");
    assert_refused(c, EINVAL); /* it is not its own */
    leave(w, 0);               /* the meta-lock with it */
    assert_granted(waits);
    set_xattr(w, &c, 2, -3, FOP_SETXATTR, "glusterfs.lock-migration-meta-lock", "1");
    lk(w, &waits, 1, "a", LK_SET, RANGE_READ, 5, 1);
    set_xattr(w, &c, 2, -3, FOP_SETXATTR, "glusterfs.lock-migration-meta-unlock", "1");
    assert_refused(waits, EREMOTE);
    lk(w, &c, 1, "a", LK_SET, RANGE_READ, 5, 1);
    assert_refused(c, EREMOTE);
}

#define TEST(f, how) cmocka_unit_test_setup_teardown(f, how, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_locked_waits_or_fails, forced),
        TEST(a_client_that_goes_takes_what_waits_along, forced),
        TEST(data_that_waits_is_bounded, forced),
        TEST(an_open_that_truncates_needs_a_file_without_locks, forced),
        TEST(only_mandatory_locks_count, optimal),
        TEST(a_marked_file_is_for_who_has_it_locked, enforcing),
        TEST(the_mark_changes_when_nothing_is_under_way, enforcing),
        TEST(without_both_options_there_is_no_mark, optimal),
        TEST(a_removal_waits_for_the_locks_of_others, set_up),
        TEST(locks_of_internal_callers_do_not_keep_it_from_going_on, set_up),
        TEST(locks_that_too_many_wait_for_are_taken_away, revoking),
        TEST(one_unlock_in_a_hundred_is_forgotten, forgetting),
        TEST(locks_move_to_whoever_shows_lockinfo, set_up),
        TEST(new_locks_wait_while_they_migrate_and_then_fail, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
