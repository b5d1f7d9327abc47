/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Options: what each changes, and that the live ones change while the brick serves. */
#include "config.h"

#include <endian.h>

#include "pool.h"
#include "test-brick.h"

static int change(struct brick *b, const char *const *options)
{
    struct xlator *xl = testing_xlator(b->g, 0);
    struct optset set = {0};
    struct err err = {0};
    assert_int_equal(optset_add(&set, "directory", b->dir, "test", 1), 0);
    for (unsigned int i = 0; options[i]; i += 2)
        assert_int_equal(optset_add(&set, options[i], options[i + 1], "test", 1), 0);
    int r = xl->type->reconfigure(xl, &set, &err);
    optset_done(&set);
    return r;
}
#define CHANGE(b, ...) assert_int_equal(change(b, (const char *[]){"health-check-interval", "0", __VA_ARGS__, NULL}), 0)

static struct posix *posix_of(struct brick *b)
{
    return testing_xlator(b->g, 0)->priv;
}

static unsigned int mode_of(struct brick *b, const char *name)
{
    struct stat st;
    assert_int_equal(lstat(brick_path(b, name), &st), 0);
    return st.st_mode & 07777;
}

static void modes_are_masked_and_forced_as_they_are_set_now(void **state)
{
    struct brick *b = brick_of(state);
    assert_int_equal(do_create(b, b->root, "f0", NULL, NULL), 0);
    CHANGE(b, "create-mask", "0600", "force-directory-mode", "0070");
    assert_int_equal(do_create(b, b->root, "f1", NULL, NULL), 0);
    assert_int_equal(do_mkdir(b, b->root, "d1", NULL), 0);
    CHANGE(b, "force-create-mode", "0060", "create-directory-mask", "0700");
    assert_int_equal(do_create(b, b->root, "f2", NULL, NULL), 0);
    assert_int_equal(do_mkdir(b, b->root, "d2", NULL), 0);
    assert_int_equal(mode_of(b, "f0"), 0644);
    assert_int_equal(mode_of(b, "f1"), 0600);
    assert_int_equal(mode_of(b, "d1"), 0775);
    assert_int_equal(mode_of(b, "f2"), 0664);
    assert_int_equal(mode_of(b, "d2"), 0700);
    settle(b);
}

static void a_wrong_value_changes_nothing(void **state)
{
    struct brick *b = brick_of(state);
    assert_true(change(b, (const char *[]){"max-hardlinks", "7", "create-mask", "9", NULL}) < 0);
    assert_int_equal(posix_of(b)->max_hardlinks, 100);
    assert_true(change(b, (const char *[]){"max-hardlinks", "7", "gfid2path-separator", "", NULL}) < 0);
    assert_int_equal(posix_of(b)->max_hardlinks, 100);
    CHANGE(b, "max-hardlinks", "7");
    assert_int_equal(posix_of(b)->max_hardlinks, 7);
}

static void the_limit_of_names_is_live(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    CHANGE(b, "max-hardlinks", "2");
    assert_int_equal(do_link(b, in, b->root, "g"), 0);
    assert_int_equal(do_link(b, in, b->root, "h"), -EMLINK);
    CHANGE(b, "max-hardlinks", "0");
    assert_int_equal(do_link(b, in, b->root, "h"), 0);
    let_go(&in);
    settle(b);
}

static int create_as(struct brick *b, const char *name, int pid)
{
    struct fop *fop = make(b, FOP_CREATE);
    loc_entry(&fop->loc, b->root, name);
    dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
    fop->in.create.flags = O_CREAT | O_RDWR;
    fop->cred.pid = pid;
    int r = run(b, fop);
    done(fop);
    return r;
}

static void the_reserve_rules_from_the_moment_it_is_set(void **state)
{
    struct brick *b = brick_of(state);
    assert_int_equal(create_as(b, "before", 1), 0);
    CHANGE(b, "reserve", "100"); /* of the file system: always less is free */
    assert_int_equal(create_as(b, "full", 1), -ENOSPC);
    assert_int_equal(create_as(b, "internal", -3), 0);
    struct fop *fop = make(b, FOP_STATFS);
    loc_inode(&fop->loc, b->root);
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.statfs.f_bavail, 0);
    assert_true(fop->out.statfs.f_blocks > 0);
    uint64_t all = fop->out.statfs.f_blocks;
    done(fop);
    CHANGE(b, "reserve", "0", "shared-brick-count", "2");
    assert_int_equal(create_as(b, "after", 1), 0);
    fop = make(b, FOP_STATFS);
    loc_inode(&fop->loc, b->root);
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.statfs.f_blocks, all / 2);
    done(fop);
    settle(b);
}

static void the_owner_of_the_root_is_set_while_it_serves(void **state)
{
    struct brick *b = brick_of(state);
    struct stat st;
    CHANGE(b, "brick-uid", "107", "brick-gid", "36");
    assert_int_equal(stat(b->dir, &st), 0);
    assert_int_equal(st.st_uid, 107);
    assert_int_equal(st.st_gid, 36);
    CHANGE(b, "brick-uid", "0");
    assert_int_equal(stat(b->dir, &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(st.st_gid, 36); /* -1 again: as it is */
}

static void times_and_back_references_are_kept_while_they_are_wanted(void **state)
{
    struct brick *b = brick_of(state);
    for (unsigned int on = 0; on < 2; on++) {
        char name[8];
        snprintf(name, sizeof(name), "f%u", on);
        CHANGE(b, "ctime", on ? "on" : "off", "gfid2path", on ? "on" : "off");
        struct fop *fop = make(b, FOP_MKNOD);
        loc_entry(&fop->loc, b->root, name);
        dict_set_gfid(xdata(fop), "gfid-req", gfid_random());
        fop->in.mknod.mode = S_IFREG | 0644;
        stamp(fop, TIME_CTIME | TIME_MTIME | TIME_ATIME, 1000, 5);
        assert_int_equal(run(b, fop), 0);
        assert_true((fop->out.stat.mtime == 1000) == (on == 1));
        done(fop);
        char key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1];
        gfid2path_pair(gfid_root, name, key, value);
        assert_int_equal(getxattr(brick_path(b, name), XATTR_MDATA, NULL, 0) > 0, on);
        assert_int_equal(getxattr(brick_path(b, name), key, NULL, 0) > 0, on);
    }
    settle(b);
}

static void paths_are_separated_as_is_set_now(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    char text[256];
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_int_equal(do_link(b, in, b->root, "g"), 0);
    CHANGE(b, "gfid2path-separator", "<>");
    assert_true(do_getxattr(b, in, "glusterfs.gfidtopath", text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "<>"));
    CHANGE(b, "node-uuid-pathinfo", "off");
    assert_true(do_getxattr(b, in, "trusted.glusterfs.pathinfo", text, sizeof(text)) > 0);
    assert_non_null(strstr(text, b->dir));
    let_go(&in);
    settle(b);
}

static void checksums_are_md5_or_sha_256(void **state)
{
    struct brick *b = brick_of(state);
    static const uint8_t start[2][4] = {{0x90, 0x01, 0x50, 0x98}, {0xba, 0x78, 0x16, 0xbf}}; /* of "abc" */
    struct fd *fd;
    assert_int_equal(do_create(b, b->root, "f", NULL, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "abc", 3), 3);
    for (unsigned int fips = 0; fips < 2; fips++) {
        CHANGE(b, "fips-mode-rchecksum", fips ? "on" : "off");
        struct fop *fop = make(b, FOP_RCHECKSUM);
        fop->fd = fd_ref(fd);
        fop->in.rchecksum.len = 3;
        assert_int_equal(run(b, fop), 0);
        assert_memory_equal(fop->out.strong, start[fips], 4);
        done(fop);
    }
    close_fd(b, &fd);
}

/* ---- trusted.pgfid ---- */

static int64_t count_in(struct brick *b, const char *path, gfid_t dir)
{
    char key[64] = XATTR_PGFID;
    uint32_t raw;
    gfid_text(dir, key + strlen(key));
    ssize_t n = lgetxattr(brick_path(b, path), key, &raw, sizeof(raw));
    if (n < 0)
        return -errno;
    assert_int_equal(n, sizeof(raw));
    return be32toh(raw);
}

static void names_are_counted_per_directory(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *d, *in, *link, *old;
    char text[256];
    assert_int_equal(do_create(b, b->root, "old", NULL, NULL), 0);
    CHANGE(b, "update-link-count-parent", "on");
    assert_int_equal(do_mkdir(b, b->root, "d", &d), 0);
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_int_equal(do_symlink(b, b->root, "s", "f", &link), 0);
    assert_int_equal(count_in(b, "f", gfid_root), 1);
    assert_int_equal(count_in(b, "s", gfid_root), 1);
    assert_int_equal(count_in(b, "d", gfid_root), -ENODATA);
    assert_int_equal(do_link(b, in, b->root, "g"), 0);
    assert_int_equal(do_link(b, in, d, "h"), 0);
    assert_int_equal(count_in(b, "f", gfid_root), 2);
    assert_int_equal(count_in(b, "f", d->gfid), 1);
    assert_int_equal(do_rename(b, b->root, "g", b->root, "g2", NULL), 0);
    assert_int_equal(count_in(b, "f", gfid_root), 2);
    assert_int_equal(do_rename(b, b->root, "g2", d, "g2", NULL), 0);
    assert_int_equal(count_in(b, "f", gfid_root), 1);
    assert_int_equal(count_in(b, "f", d->gfid), 2);
    assert_int_equal(do_rename(b, b->root, "s", d, "h", in), 0); /* over one of three names */
    assert_int_equal(count_in(b, "f", d->gfid), 1);
    assert_int_equal(count_in(b, "d/h", d->gfid), 1);
    assert_int_equal(do_unlink(b, b->root, "f"), 0);
    assert_int_equal(count_in(b, "d/g2", gfid_root), -ENODATA);
    assert_int_equal(do_lookup(b, b->root, "old", &old, NULL), 0); /* from before the option */
    assert_int_equal(count_in(b, "old", gfid_root), 1);
    assert_true(do_getxattr(b, in, "glusterfs.ancestry.path", text, sizeof(text)) > 0);
    assert_string_equal(text, "/d/g2");
    CHANGE(b, "update-link-count-parent", "off");
    assert_int_equal(do_getxattr(b, in, "glusterfs.ancestry.path", text, sizeof(text)), -ENODATA);
    let_go(&d);
    let_go(&in);
    let_go(&link);
    let_go(&old);
    settle(b);
}

static void space_is_freed_after_the_answer(void **state)
{
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    brick_down(b);
    brick_up(b, (const char *[]){"background-unlink", "on", NULL});
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "abc", 3), 3);
    close_fd(b, &fd);
    int held = open(brick_path(b, "f"), O_PATH); /* the inode stays looked at, whoever else lets go of it */
    assert_true(held >= 0);
    assert_int_equal(do_unlink(b, b->root, "f"), 0);
    settle(b);
    struct stat st;
    assert_int_equal(fstat(held, &st), 0);
    assert_int_equal(st.st_nlink, 0);
    close(held);
    for (int i = 0; i < 1024; i++) { /* and we hold it no longer */
        char link[64], to[256];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", i);
        ssize_t n = readlink(link, to, sizeof(to) - 1);
        to[max_of(n, (ssize_t)0)] = 0;
        assert_null(strstr(to, "/f (deleted)"));
    }
    let_go(&in);
    settle(b);
}

/* ---- FSYNC, collected ---- */

enum { SYNCS = 5 };
struct syncs {
    struct brick *b;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned int back, order[SYNCS];
    int ret[SYNCS];
};
struct one_sync {
    struct syncs *all;
    unsigned int number;
};

static void synced(struct fop *fop, void *ctx)
{
    struct one_sync *one = ctx;
    struct syncs *s = one->all;
    pthread_mutex_lock(&s->lock);
    s->ret[one->number] = fop->ret < 0 ? -fop->err : fop->ret;
    s->order[s->back++] = one->number;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    fop_free(fop);
}

static void collected_syncs_are_answered_newest_first(void **state)
{
    static const char *const mode[] = {"reverse-fsync", "syncfs", "syncfs-single-fsync", "syncfs-reverse-fsync"};
    struct brick *b = brick_of(state);
    struct inode *in;
    struct fd *fd;
    assert_int_equal(do_create(b, b->root, "f", &in, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "abc", 3), 3);
    for (unsigned int m = 0; m < array_len(mode); m++) {
        CHANGE(b, "batch-fsync-mode", mode[m], "batch-fsync-delay-usec", "1000");
        struct syncs s = {.b = b, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
        struct one_sync one[SYNCS];
        struct posix *p = posix_of(b);
        settle(b); /* the job before has left */
        pthread_mutex_lock(&p->batch.lock);
        p->batch.working = true; /* a batch is being worked on: these wait for the next */
        pthread_mutex_unlock(&p->batch.lock);
        for (unsigned int i = 0; i < SYNCS; i++) {
            struct fop *fop = make(b, FOP_FSYNC);
            one[i] = (struct one_sync){&s, i};
            fop->in.fsync.data_only = i & 1;
            if (i == 2) /* has no such descriptor: its own error, not the others' */
                loc_inode(&fop->loc, b->root);
            else if (i == 3)
                loc_inode(&fop->loc, in); /* anonymous */
            else
                fop->fd = fd_ref(fd);
            dict_set_i64(xdata(fop), "batch-fsync", 1);
            fop_push(fop, synced, &one[i]);
            fop_submit(b->g->top, fop);
        }
        assert_int_equal(s.back, 0);
        pthread_mutex_lock(&p->batch.lock);
        p->batch.working = false;
        pthread_mutex_unlock(&p->batch.lock);
        struct fop *fop = make(b, FOP_FSYNC); /* starts it */
        fop->fd = fd_ref(fd);
        dict_set_i64(xdata(fop), "batch-fsync", 1);
        assert_int_equal(run(b, fop), 0);
        done(fop);
        pthread_mutex_lock(&s.lock);
        while (s.back < SYNCS)
            pthread_cond_wait(&s.changed, &s.lock);
        pthread_mutex_unlock(&s.lock);
        for (unsigned int i = 0; i < SYNCS; i++) {
            assert_int_equal(s.order[i], SYNCS - 1 - i);
            assert_int_equal(s.ret[i], i == 2 ? -EISDIR : 0);
        }
    }
    CHANGE(b, "batch-fsync-mode", "none", "batch-fsync-delay-usec", "1000000");
    struct fop *fop = make(b, FOP_FSYNC);
    fop->fd = fd_ref(fd);
    dict_set_i64(xdata(fop), "batch-fsync", 1);
    assert_int_equal(run(b, fop), 0);
    assert_int_equal(fop->out.post.size, 3); /* by itself: with attributes */
    done(fop);
    close_fd(b, &fd);
    let_go(&in);
    settle(b);
}

/* ---- health ---- */

struct listener {
    struct timer timer;
    struct brick *b;
    unsigned int left;
    const char *wait_for;
};

static atomic_uint downs; /* CHILD_DOWN that came up; reset by each test */

static void note(struct xlator *xl, enum xlator_event event, void *data)
{
    if (event == EVENT_CHILD_DOWN)
        atomic_fetch_add(&downs, 1);
}
static const struct xlator_type listener_type = {.name = "testing/listener", .notify = note};

static void look(struct timer *t)
{
    struct listener *l = container_of(t, struct listener, timer);
    if (atomic_load(&downs) || l->left-- == 0)
        loop_stop(l->b->process.env.loop);
    else
        loop_arm(l->b->process.env.loop, t, 20);
}

static bool comes_down(struct brick *b)
{
    struct listener l = {.timer = {.expired = look}, .b = b, .left = 1500};
    loop_arm(b->process.env.loop, &l.timer, 1);
    assert_int_equal(loop_run(b->process.env.loop), 0);
    loop_disarm(b->process.env.loop, &l.timer);
    return atomic_load(&downs) == 1;
}

static void up_with_listener(struct brick *b, const char *interval)
{
    brick_down(b);
    struct testing_node nodes[3] = {{.type = &posix_type, .options = {"directory", b->dir, "health-check-interval", interval}},
                                    {.type = &listener_type}};
    atomic_store(&downs, 0);
    b->g = testing_graph(&b->process, nodes);
    b->root = inode_get(b->g->inodes, gfid_root);
    b->up = true;
}

static void a_brick_whose_stamp_cannot_be_written_goes_down_once(void **state)
{
    struct brick *b = brick_of(state);
    up_with_listener(b, "0");
    assert_int_equal(mkdir(brick_path(b, ".glusterfs/health_check"), 0700), 0);
    assert_int_equal(change(b, (const char *[]){"health-check-interval", "1", NULL}), 0); /* it was off */
    assert_true(comes_down(b));
}

static void a_brick_that_was_moved_away_goes_down(void **state)
{
    struct brick *b = brick_of(state);
    char away[300];
    up_with_listener(b, "1");
    snprintf(away, sizeof(away), "%s.away", b->dir);
    assert_int_equal(rename(b->dir, away), 0);
    bool down = comes_down(b);
    assert_int_equal(rename(away, b->dir), 0);
    assert_true(down);
}

static void a_brick_with_another_in_its_place_goes_down(void **state)
{
    struct brick *b = brick_of(state);
    char away[300];
    up_with_listener(b, "1");
    snprintf(away, sizeof(away), "%s.away", b->dir);
    assert_int_equal(rename(b->dir, away), 0);
    assert_int_equal(mkdir(b->dir, 0755), 0);
    assert_int_equal(mkdir(brick_path(b, ".glusterfs"), 0755), 0);
    bool down = comes_down(b);
    assert_int_equal(rmdir(brick_path(b, ".glusterfs")), 0);
    assert_int_equal(rmdir(b->dir), 0);
    assert_int_equal(rename(away, b->dir), 0);
    assert_true(down);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        T(modes_are_masked_and_forced_as_they_are_set_now),
        T(a_wrong_value_changes_nothing),
        T(the_limit_of_names_is_live),
        T(the_reserve_rules_from_the_moment_it_is_set),
        T(the_owner_of_the_root_is_set_while_it_serves),
        T(times_and_back_references_are_kept_while_they_are_wanted),
        T(paths_are_separated_as_is_set_now),
        T(checksums_are_md5_or_sha_256),
        T(names_are_counted_per_directory),
        T(space_is_freed_after_the_answer),
        T(collected_syncs_are_answered_newest_first),
        T(a_brick_whose_stamp_cannot_be_written_goes_down_once),
        T(a_brick_that_was_moved_away_goes_down),
        T(a_brick_with_another_in_its_place_goes_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
