/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A client whose root is a directory of the brick; a SETVOLUME that has to wait. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "brick.h"
#include "callback.h"
#include "loop.h"

enum { SUB = 60, DEEP = 61, FILE_IN_SUB = 62, OUTSIDE = 63 };

/* /sub, /sub/deep, /sub/f */
static void named(struct brick *b, struct fop *fop)
{
    static const struct {
        uint8_t parent, gfid;
        const char *name;
        mode_t type;
    } objects[] = {{1, SUB, "sub", S_IFDIR}, {SUB, DEEP, "deep", S_IFDIR}, {SUB, FILE_IN_SUB, "f", S_IFREG}};
    struct inode *parent = fop->loc.parent;

    for (size_t i = 0; parent && i < array_len(objects); i++) {
        if (parent->gfid.b[15] != objects[i].parent || strcmp(fop->loc.name, objects[i].name) != 0)
            continue;
        fop->out.inode = inode_get(fop->graph->inodes, gfid_of(objects[i].gfid));
        atomic_store(&fop->out.inode->type, objects[i].type);
        fop->out.stat = (struct iatt){.gfid = gfid_of(objects[i].gfid), .ino = objects[i].gfid, .mode = objects[i].type};
        fop->out.post = (struct iatt){.gfid = parent->gfid, .ino = parent->gfid.b[15], .mode = S_IFDIR};
        fop_complete(fop, 0, 0);
        return;
    }
    fop_fail(fop, ENOENT);
}

static void storage(struct brick *b, struct fop *fop)
{
    if (fop->op == FOP_LOOKUP && fop->loc.parent) {
        named(b, fop);
        return;
    }
    struct inode *in = fop->loc.inode ? fop->loc.inode : fop->loc.parent;
    fop->out.stat = fop->out.pre = fop->out.post = (struct iatt){.gfid = in->gfid, .ino = in->gfid.b[15], .mode = S_IFDIR};
    if (fop->op == FOP_LOOKUP) {
        atomic_store(&in->type, S_IFDIR);
        fop->out.inode = inode_ref(in);
    }
    fop_complete(fop, 0, 0);
}

static int start_with(void **state, const char *const *options)
{
    struct brick *b = calloc(1, sizeof(*b));

    brick_start(b, options);
    b->handler = storage;
    b->a_directory = gfid_of(SUB);
    *state = b;
    return 0;
}

static int start(void **state)
{
    return start_with(state, NULL);
}

static int start_with_list(void **state)
{
    return start_with(state, (const char *[]){"auth.addr.x0.allow", "/sub(192.0.2.1)", NULL});
}

static int stop(void **state)
{
    brick_stop(*state);
    free(*state);
    return 0;
}

static void send_setvolume(struct transport *t, const char *uid, const char *dir)
{
    const char *pairs[] = {"remote-subvolume", "x0", "process-uuid", uid, "fops-version", "1298437", dir ? "subdir-mount" : NULL, dir,
                           NULL};
    size_t len;
    uint8_t *args = setvolume_args(pairs, &len);

    caller_call(t, 7, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_SETVOLUME, args, len);
    free(args);
}

/* errno of the n-th answer. */
static int answered(struct transport *t, unsigned int n)
{
    struct hndsk_setvolume_rsp rsp;
    uint32_t xid, stat;
    size_t len;
    const uint8_t *body = caller_reply(t, n, &xid, &stat, &len);

    assert_int_equal(stat, 0);
    assert_int_equal(wire_decode((void *)xdr_hndsk_setvolume_rsp, &rsp, body, len), (int64_t)len);
    return rsp.op_ret < 0 ? rsp.op_errno : 0;
}

static int setvolume(struct transport *t, const char *uid, const char *dir)
{
    unsigned int n = fake_nr_sent(t);

    send_setvolume(t, uid, dir);
    return answered(t, n);
}

static struct iatt stat_of(struct transport *t, gfid_t gfid)
{
    struct fop_gfid_req req = {.gfid = gfid};
    struct fop_iatt_rsp rsp;

    brick_ask(t, FOP_STAT, (void *)xdr_fop_gfid_req, &req, (void *)xdr_fop_iatt_rsp, &rsp);
    assert_int_equal(rsp.op_ret, 0);
    return rsp.stat.st;
}

static void the_directory_is_found_by_its_path_however_it_is_written(void **state)
{
    static const struct {
        const char *path;
        int err;
    } cases[] = {
        {"/sub", 0}, {"sub", 0}, {"//sub//", 0}, {"/./sub/.", 0}, {"/sub/deep", 0}, {"/", 0}, {"", 0},
        {"/nosuch", ENOENT}, {"/sub/f", ENOENT}, {"/sub/..", ENOENT}, {"..", ENOENT}, {"/sub/../sub", ENOENT}, {"/sub/deep/deep", ENOENT},
    };
    struct transport *t = fake_connect(NULL);

    for (size_t i = 0; i < array_len(cases); i++)
        if (setvolume(t, "one", cases[i].path) != cases[i].err)
            fail_msg("%s", cases[i].path);
    char *name = calloc(1, 4200);
    memset(name, 'n', 256);
    assert_int_equal(setvolume(t, "one", name), ENOENT);
    memset(name, '/', 4199);
    assert_int_equal(setvolume(t, "one", name), ENOENT); /* longer than a path */
    free(name);
    fake_close(t);
}

static void the_root_s_gfid_stands_for_the_directory_both_ways(void **state)
{
    struct transport *t = fake_connect(NULL), *whole = fake_connect(NULL);
    struct fop_lookup_req look = {.pargfid = gfid_of(1), .bname = wire_str("f")};
    struct fop_2iatt_rsp found;

    assert_int_equal(setvolume(t, "one", "/sub"), 0);
    assert_int_equal(setvolume(whole, "two", NULL), 0);
    struct iatt st = stat_of(t, gfid_of(1));
    assert_true(gfid_is_root(st.gfid)); /* the storage was asked for SUB: it tells what it was asked for */
    assert_int_equal(st.ino, 1);
    st = stat_of(t, gfid_of(SUB));
    assert_true(gfid_is_root(st.gfid));
    st = stat_of(whole, gfid_of(SUB));
    assert_int_equal(st.gfid.b[15], SUB);
    brick_ask(t, FOP_LOOKUP, (void *)xdr_fop_lookup_req, &look, (void *)xdr_fop_2iatt_rsp, &found);
    assert_int_equal(found.op_ret, 0);
    assert_int_equal(found.pre.st.gfid.b[15], FILE_IN_SUB);
    assert_true(gfid_is_root(found.post.st.gfid));
    assert_int_equal(found.post.st.ino, 1);
    look.bname = wire_str("sub"); /* of the brick's root, which this client does not see */
    assert_int_equal(brick_errno(t, FOP_LOOKUP, (void *)xdr_fop_lookup_req, &look), ENOENT);
    look.bname = wire_str("..");
    assert_int_equal(brick_errno(t, FOP_LOOKUP, (void *)xdr_fop_lookup_req, &look), EINVAL);
    fake_close(t);
    fake_close(whole);
}

static void list_dir(struct brick *b, struct fop *fop)
{
    static const struct dirent4 entries[] = {
        {.ino = 60, .name = (char *)".", .name_len = 1, .stat = {.gfid = {{[15] = SUB}}, .ino = 60}},
        {.ino = 9, .name = (char *)"..", .name_len = 2, .stat = {.gfid = {{[15] = OUTSIDE}}, .ino = 9, .uid = 4711}},
        {.ino = 62, .name = (char *)"f", .name_len = 1, .stat = {.gfid = {{[15] = FILE_IN_SUB}}, .ino = 62}},
    };

    if (fop->op != FOP_READDIRP) {
        storage(b, fop);
        return;
    }
    fop->out.entries = malloc(sizeof(entries));
    memcpy(fop->out.entries, entries, sizeof(entries));
    fop->out.nr_entries = 3;
    fop_complete(fop, 3, 0);
}

static void what_stands_above_is_not_listed(void **state)
{
    struct brick *b = *state;
    struct transport *t = fake_connect(NULL);
    struct fop_readdir_req req = {.gfid = gfid_of(1), .fd = -2, .size = 4096};
    struct fop_readdirp_rsp rsp;
    struct wire_direntp e;

    assert_int_equal(setvolume(t, "one", "/sub"), 0);
    b->handler = list_dir;
    brick_ask(t, FOP_READDIRP, (void *)xdr_fop_readdir_req, &req, (void *)xdr_fop_readdirp_rsp, &rsp);
    assert_true(wire_list_next(&rsp.entries, &e));
    assert_true(wire_str_is(e.name, "."));
    assert_true(gfid_is_root(e.stat.st.gfid));
    assert_true(wire_list_next(&rsp.entries, &e));
    assert_true(wire_str_is(e.name, ".."));
    assert_true(gfid_is_null(e.stat.st.gfid));
    assert_int_equal(e.stat.st.uid, 0);
    assert_true(wire_list_next(&rsp.entries, &e));
    assert_int_equal(e.stat.st.gfid.b[15], FILE_IN_SUB);
    fake_close(t);
}

static void clients_of_different_directories_share_nothing(void **state)
{
    struct transport *t = fake_connect(NULL), *u = fake_connect(NULL), *same = fake_connect(NULL);

    struct fop_fd_req flush = {.gfid = gfid_of(FILE_IN_SUB)};

    assert_int_equal(setvolume(t, "one", "/sub"), 0);
    assert_int_equal(setvolume(u, "one", NULL), 0); /* the same uid and credential, another root */
    assert_int_equal(setvolume(same, "one", "/sub"), 0);
    ((struct brick *)*state)->handler = NULL;
    flush.fd = brick_open(t, gfid_of(FILE_IN_SUB), false);
    assert_int_equal(brick_errno(same, FOP_FLUSH, (void *)xdr_fop_fd_req, &flush), 0);
    assert_int_equal(brick_errno(u, FOP_FLUSH, (void *)xdr_fop_fd_req, &flush), EBADF);
    fake_close(t);
    fake_close(u);
    fake_close(same);
}

static void an_upcall_about_the_directory_is_about_the_root(void **state)
{
    struct brick *b = *state;
    struct transport *t = fake_connect(NULL);
    struct upcall up = {.kind = UPCALL_INVALIDATE, .client_uid = "one", .gfid = gfid_of(SUB), .flags = 0x18};
    struct cbk_cache_invalidation c;
    struct rpc_call_header h;
    size_t len;

    assert_int_equal(setvolume(t, "one", "/sub"), 0);
    xlator_notify_up(testing_xlator(b->graph, 0), EVENT_UPCALL, &up);
    const uint8_t *sent = fake_sent(t, 1, &len);
    int64_t head = wire_decode((void *)xdr_rpc_call_header, &h, sent, len);
    assert_int_equal(wire_decode((void *)xdr_cbk_cache_invalidation, &c, sent + head, len - (size_t)head), (int64_t)len - head);
    assert_true(wire_str_is(c.gfid, "00000000-0000-0000-0000-000000000001"));
    fake_close(t);
}

static void who_may_mount_a_directory_may_not_mount_another(void **state)
{
    struct transport *t = fake_connect(NULL);

    assert_int_equal(setvolume(t, "one", NULL), EACCES);
    assert_int_equal(setvolume(t, "one", "/"), EACCES);
    assert_int_equal(setvolume(t, "one", "/sub/deep"), EACCES);
    assert_int_equal(setvolume(t, "one", "sub/"), 0); /* the path is compared as it is walked */
    fake_close(t);
}

static struct fop *held;

static void hold(struct brick *b, struct fop *fop)
{
    held = fop;
}

static void a_second_setvolume_is_told_to_wait_for_the_first(void **state)
{
    struct brick *b = *state;
    struct transport *t = fake_connect(NULL);

    b->handler = hold;
    send_setvolume(t, "one", "/sub");
    assert_int_equal(fake_nr_sent(t), 0);
    assert_int_equal(setvolume(t, "two", NULL), EAGAIN);
    assert_false(fake_admitted(t));
    b->handler = storage;
    storage(b, held); /* the first look-up comes back */
    assert_int_equal(answered(t, 1), 0);
    assert_true(fake_admitted(t));
    assert_int_equal(setvolume(t, "two", NULL), 0);
    fake_close(t);
}

static void a_connection_that_goes_while_setvolume_waits_leaves_no_client(void **state)
{
    struct brick *b = *state;
    struct transport *t = fake_connect(NULL);

    b->handler = hold;
    send_setvolume(t, "one", "/sub");
    fake_down(t, 0);
    b->handler = storage;
    storage(b, held);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_CLIENTS]), 0);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_FOPS]), 0);
    fake_close(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_directory_is_found_by_its_path_however_it_is_written),
        TEST(the_root_s_gfid_stands_for_the_directory_both_ways),
        TEST(what_stands_above_is_not_listed),
        TEST(clients_of_different_directories_share_nothing),
        TEST(an_upcall_about_the_directory_is_about_the_root),
        cmocka_unit_test_setup_teardown(who_may_mount_a_directory_may_not_mount_another, start_with_list, stop),
        TEST(a_second_setvolume_is_told_to_wait_for_the_first),
        TEST(a_connection_that_goes_while_setvolume_waits_leaves_no_client),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
