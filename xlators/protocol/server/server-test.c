/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* protocol/server over a transport of bytes and a scripted storage: handshake, resolution, descriptors, hostile input, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "brick.h"
#include "callback.h"
#include "fopwire.h"
#include "log.h"
#include "loop.h"
#include "service.h"
#include "xlator.h"

static int start(void **state)
{
    struct brick *b = calloc(1, sizeof(*b));

    brick_start(b, NULL);
    *state = b;
    return 0;
}

static int stop(void **state)
{
    brick_stop(*state);
    free(*state);
    return 0;
}

#define ERRNO(t, op, type, ...) brick_errno(t, FOP_##op, (void *)xdr_fop_##type, &(struct fop_##type){__VA_ARGS__})

static struct wire_str bytes(const char *at, uint32_t len)
{
    return (struct wire_str){.at = at, .len = len};
}

/* ---- handshake --------------------------------------------------------------------------------------------------------------- */

/* What SETVOLUME says: its errno, and ERROR in text. */
static int setvolume(struct transport *t, const char *const *pairs, char text[256])
{
    unsigned int n = fake_nr_sent(t);
    struct hndsk_setvolume_rsp rsp;
    struct dict *d;
    const char *error;
    uint32_t xid, stat;
    size_t len;
    uint8_t *args = setvolume_args(pairs, &len);

    caller_call(t, 7, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_SETVOLUME, args, len);
    free(args);
    const uint8_t *body = caller_reply(t, n, &xid, &stat, &len);
    assert_int_equal(stat, 0);
    assert_int_equal(wire_decode((void *)xdr_hndsk_setvolume_rsp, &rsp, body, len), (int64_t)len);
    assert_int_equal(wire_dict3_open(&rsp.dict, &d), 0);
    assert_int_equal(dict_get_text(d, "ERROR", &error), 0);
    snprintf(text, 256, "%s", error);
    if (rsp.op_ret == 0) {
        const char *volume, *uuid;
        int64_t child_up;
        assert_int_equal(dict_get_text(d, "volume-id", &volume), 0);
        assert_string_equal(volume, "11223344-5566-4788-99aa-bbccddeeff00");
        assert_int_equal(dict_get_text(d, "process-uuid", &uuid), 0);
        assert_int_equal(dict_get_i64(d, "child_up", &child_up), 0);
        assert_int_equal(child_up, 1);
    }
    dict_unref(d);
    return rsp.op_ret < 0 ? rsp.op_errno : 0;
}

#define BRICK "remote-subvolume", "x0"
#define UUID "process-uuid", "CTX_ID:1"
#define VERSION "fops-version", "1298437"

static void setvolume_checks_what_stock_checks_in_its_words(void **state)
{
    const struct {
        const char *const *pairs;
        int err;
        const char *text;
    } cases[] = {
        {(const char *[]){UUID, VERSION, NULL}, EINVAL, "No remote-subvolume option specified"},
        {(const char *[]){BRICK, VERSION, NULL}, EINVAL, "UUID not specified"},
        {(const char *[]){BRICK, UUID, VERSION, "volume-id", "00000000-1111-2222-3333-444444444444", NULL}, EINVAL,
         "Volume-ID different, possible case of same brick re-used in another volume"},
        {(const char *[]){BRICK, UUID, NULL}, EINVAL, "version mismatch: client(0) - client-mgmt(0)"},
        {(const char *[]){BRICK, UUID, "fops-version", "400", "mgmt-version", "2", NULL}, EINVAL,
         "version mismatch: client(400) - client-mgmt(2)"},
        {(const char *[]){"remote-subvolume", "/nosuch", UUID, VERSION, NULL}, ENOENT, "Brick not found"},
        {(const char *[]){"remote-subvolume", "x1", UUID, VERSION, NULL}, ENOENT, "Brick not found"},
        {(const char *[]){BRICK, UUID, VERSION, "subdir-mount", "/sub", NULL}, ENOENT, "subdirectory for mount \"/sub\" is not found"},
        {(const char *[]){BRICK, UUID, VERSION, "volume-id", "11223344-5566-4788-99AA-BBCCDDEEFF00", NULL}, 0, "Success"},
        {(const char *[]){BRICK, UUID, VERSION, NULL}, 0, "Success"}, /* a second one on the same connection */
        {(const char *[]){BRICK, "process-uuid", "CTX_ID:2", VERSION, NULL}, 0, "Success"},
    };
    struct transport *t = fake_connect(NULL);
    char text[256], long_uuid[1025] = "";

    memset(long_uuid, 'u', sizeof(long_uuid) - 1);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, "process-uuid", long_uuid, VERSION, NULL}, text), EINVAL);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, "process-uuid", long_uuid + 1, VERSION, NULL}, text), 0);
    for (size_t i = 0; i < array_len(cases); i++) {
        assert_int_equal(setvolume(t, cases[i].pairs, text), cases[i].err);
        assert_string_equal(text, cases[i].text);
    }
    fake_close(t);
}

static void a_brick_whose_storage_is_down_says_so(void **state)
{
    struct brick *b = *state;
    struct transport *t = fake_connect(NULL);
    char text[256];

    xlator_notify_up(testing_xlator(b->graph, 0), EVENT_CHILD_DOWN, NULL);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, NULL}, text), EAGAIN);
    assert_string_equal(text, "Not received child_up for this xlator");
    xlator_notify_up(testing_xlator(b->graph, 0), EVENT_CHILD_UP, NULL);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, NULL}, text), 0);
    fake_close(t);
}

static void a_wrong_password_is_refused_and_the_connection_stays(void **state)
{
    struct brick b;
    char text[256];

    brick_start(&b, (const char *[]){"auth.login.x0.allow", "joe", "auth.login.joe.password", "secret", NULL});
    struct transport *t = fake_connect(NULL);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, "username", "joe", "password", "bad", NULL}, text), EACCES);
    assert_string_equal(text, "Authentication failed");
    assert_false(fake_disconnected(t, NULL));
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, "username", "joe", "password", "secret", NULL}, text), 0);
    fake_close(t);
    brick_stop(&b);
}

static void keep_text(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    if (strncmp(text, "SETVOLUME", strlen("SETVOLUME")) == 0)
        strncpy(ctx, text, 1023);
}

static void the_log_has_what_a_client_said_but_not_its_password(void **state)
{
    struct brick b;
    char text[256], said[1024] = "";

    brick_start(&b, (const char *[]){"auth.login.x0.allow", "joe", "auth.login.joe.password", "secret", NULL});
    struct transport *t = fake_connect(NULL);
    log_set_sink(keep_text, said);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, "username", "joe", "password", "bad", NULL}, text), EACCES);
    assert_string_equal(said, "");
    log_set_level(LVL_DEBUG);
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, "username", "joe", "password", "bad", NULL}, text), EACCES);
    assert_non_null(strstr(said, " username=joe password=...: Authentication failed"));
    assert_int_equal(setvolume(t, (const char *[]){BRICK, UUID, VERSION, "username", "joe", "password", "secret", NULL}, text), 0);
    assert_non_null(strstr(said, " username=joe password=...: Success"));
    log_set_level(LVL_INFO);
    log_set_sink(NULL, NULL);
    fake_close(t);
    brick_stop(&b);
}

static void setvolume_that_is_not_a_dictionary_is_garbage_or_refused(void **state)
{
    static const uint8_t empty[4], broken[8] = {0, 0, 0, 4, 0, 0, 0, 9};
    struct transport *t = fake_connect(NULL);
    uint32_t xid, stat;
    size_t len;

    caller_call(t, 1, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_SETVOLUME, "\0\0", 2);
    caller_reply(t, 0, &xid, &stat, &len);
    assert_int_equal(stat, RPC_GARBAGE_ARGS);
    assert_int_equal(len, 16);
    for (int i = 0; i < 2; i++) {
        caller_call(t, 2, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_SETVOLUME, i ? broken : empty, i ? sizeof(broken) : sizeof(empty));
        const uint8_t *body = caller_reply(t, 1 + (unsigned int)i, &xid, &stat, &len);
        assert_int_equal(stat, RPC_OK);
        assert_int_equal(body[3], 0xff);
        assert_int_equal(body[7], EINVAL);
    }
    fake_close(t);
}

static void before_setvolume_operations_are_garbage_and_releases_are_silent(void **state)
{
    struct transport *t = fake_connect(NULL);
    struct fop_gfid_req stat_req = {.gfid = gfid_of(1)};
    uint8_t args[64];
    uint32_t xid, stat;
    size_t len;
    XDR x;

    wire_writer(&x, args, sizeof(args));
    assert_true(xdr_fop_gfid_req(&x, &stat_req));
    caller_call(t, 1, FOP_PROGRAM, FOP400_VERSION, FOP_STAT, args, wire_done(&x));
    caller_reply(t, 0, &xid, &stat, &len);
    assert_int_equal(stat, RPC_GARBAGE_ARGS);
    caller_call(t, 2, FOP_PROGRAM, FOP400_VERSION, FOP_RELEASE, args, wire_done(&x));
    caller_call(t, 3, FOP_PROGRAM, FOP400_VERSION, FOP_RELEASEDIR, args, wire_done(&x));
    assert_int_equal(fake_nr_sent(t), 1);
    fake_close(t);
}

static void odd_procedures_are_answered_as_by_stock_where_it_survives(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    uint8_t raw[16] = {0};
    uint32_t xid, stat;
    size_t len;

    caller_call(t, 1, FOP_PROGRAM, FOP400_VERSION, FOP_COMPOUND, raw, sizeof(raw));
    caller_reply(t, 1, &xid, &stat, &len);
    assert_int_equal(stat, RPC_GARBAGE_ARGS);
    caller_call(t, 2, FOP_PROGRAM, FOP400_VERSION, FOP_PUT, raw, sizeof(raw));
    caller_reply(t, 2, &xid, &stat, &len);
    assert_int_equal(stat, RPC_PROC_UNAVAIL);
    caller_call(t, 3, FOP_PROGRAM, FOP400_VERSION, NR_FOPS, raw, sizeof(raw));
    caller_reply(t, 3, &xid, &stat, &len);
    assert_int_equal(stat, RPC_PROC_UNAVAIL);
    caller_call(t, 4, FOP_PROGRAM, 330, FOP_STAT, raw, sizeof(raw));
    caller_reply(t, 4, &xid, &stat, &len);
    assert_int_equal(stat, RPC_PROG_MISMATCH);
    assert_int_equal(ERRNO(t, ICREATE, icreate_req, .gfid = gfid_of(9)), ESTALE);
    assert_int_equal(ERRNO(t, NAMELINK, namelink_req, .pargfid = gfid_of(1), .bname = wire_str("x")), EOPNOTSUPP);
    assert_int_equal(b->seen[FOP_ICREATE] + b->seen[FOP_NAMELINK] + b->seen[FOP_PUT], 0);
    fake_close(t);
}

/* ---- resolution --------------------------------------------------------------------------------------------------------------- */

static void an_object_is_looked_up_once_before_it_is_operated_on(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(7)), 0);
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(7)), 0);
    assert_int_equal(b->nameless, 1);
    assert_int_equal(b->seen[FOP_STAT], 2);
    fake_close(t);
}

static void an_unknown_object_is_stale_and_leaves_nothing_in_memory(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    b->type_of_gfid = 0;
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(7)), ESTALE);
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(0)), EINVAL);
    assert_int_equal(ERRNO(t, MKDIR, mkdir_req, .pargfid = gfid_of(7), .bname = wire_str("d")), ESTALE);
    assert_int_equal(ERRNO(t, READ, rw_req, .gfid = gfid_of(7), .fd = -2), ENOENT);
    assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .gfid = gfid_of(7)), ENOENT); /* the storage's own word */
    assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .gfid = gfid_of(0)), EINVAL);
    assert_int_equal(b->seen[FOP_STAT] + b->seen[FOP_MKDIR] + b->seen[FOP_READ], 0);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_INODES]), 0);
    fake_close(t);
}

static void a_parent_must_be_a_directory(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    assert_int_equal(ERRNO(t, MKDIR, mkdir_req, .pargfid = gfid_of(7), .bname = wire_str("d")), EPERM);
    assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .pargfid = gfid_of(7), .bname = wire_str("d")), EPERM);
    b->a_directory = gfid_of(8);
    assert_int_equal(ERRNO(t, MKDIR, mkdir_req, .pargfid = gfid_of(8), .bname = wire_str("d")), 0);
    assert_int_equal(b->seen[FOP_MKDIR], 1);
    fake_close(t);
}

static void a_name_that_cannot_be_one_is_refused_before_the_storage_sees_it(void **state)
{
    static char longest[256];
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    const struct {
        struct wire_str name;
        int err;
    } cases[] = {
        {bytes("", 0), EINVAL},        {bytes("a/b", 3), EPERM},   {bytes("/", 1), EPERM},  {bytes("../x", 4), EPERM},
        {bytes(".", 1), EINVAL},           {bytes("..", 2), EINVAL}, {bytes(longest, 256), ENAMETOOLONG},
        {bytes(longest, 255), 0},      {bytes("...", 3), 0},       {bytes("\xff\xfe", 2), 0},
    };

    memset(longest, 'n', sizeof(longest));
    for (size_t i = 0; i < array_len(cases); i++) {
        assert_int_equal(ERRNO(t, MKDIR, mkdir_req, .pargfid = gfid_of(1), .bname = cases[i].name), cases[i].err);
        assert_int_equal(ERRNO(t, RENAME, rename_req, .oldgfid = gfid_of(1), .newgfid = gfid_of(1), .oldbname = wire_str("ok"),
                               .newbname = cases[i].name),
                         cases[i].err);
        if (cases[i].name.len > 0 && !wire_str_is(cases[i].name, ".")) /* LOOKUP without a name, or of ".", is one by gfid */
            assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .pargfid = gfid_of(1), .bname = cases[i].name), cases[i].err);
    }
    assert_int_equal(b->seen[FOP_MKDIR], 3);
    fake_close(t);
}

static void a_folder_looked_up_as_dot_is_found_and_a_file_is_not(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .pargfid = gfid_of(1), .bname = wire_str(".")), 0);
    assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .pargfid = gfid_of(7), .bname = wire_str(".")), ENOTDIR);
    assert_int_equal(ERRNO(t, LOOKUP, lookup_req, .gfid = gfid_of(1), .bname = wire_str(".")), EINVAL);
    fake_close(t);
}

static void seen_by_name(struct brick *b, struct fop *fop)
{
    if (fop->op != FOP_LOOKUP) {
        assert_non_null(fop->loc.parent);
        assert_string_equal(fop->loc.name, "old");
        assert_non_null(fop->loc.inode);
        if (fop->op == FOP_RENAME) {
            assert_string_equal(fop->loc2.name, "new");
            assert_null(fop->loc2.inode);
        }
        fop_complete(fop, 0, 0);
        return;
    }
    assert_true(gfid_is_root(fop->loc.parent->gfid));
    if (strcmp(fop->loc.name, "old") != 0) {
        fop_fail(fop, ENOENT);
        return;
    }
    fop->out.inode = inode_get(fop->graph->inodes, gfid_of(50));
    atomic_store(&fop->out.inode->type, S_IFREG);
    fop_complete(fop, 0, 0);
}

static void removing_and_renaming_know_the_object_behind_the_name(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    b->handler = seen_by_name;
    assert_int_equal(ERRNO(t, UNLINK, unlink_req, .pargfid = gfid_of(1), .bname = wire_str("old")), 0);
    assert_int_equal(ERRNO(t, UNLINK, unlink_req, .pargfid = gfid_of(1), .bname = wire_str("none")), ENOENT);
    assert_int_equal(ERRNO(t, RMDIR, rmdir_req, .pargfid = gfid_of(1), .bname = wire_str("old")), 0);
    assert_int_equal(ERRNO(t, RENAME, rename_req, .oldgfid = gfid_of(1), .newgfid = gfid_of(1), .oldbname = wire_str("old"),
                           .newbname = wire_str("new")),
                     0);
    assert_int_equal(ERRNO(t, RENAME, rename_req, .oldgfid = gfid_of(1), .newgfid = gfid_of(1), .oldbname = wire_str("none"),
                           .newbname = wire_str("new")),
                     ENOENT);
    fake_close(t);
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------------- */

static void descriptors_are_the_lowest_free_numbers_of_their_client(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one"), *u = brick_connect(b, "two"), *same = brick_connect(b, "one");

    assert_int_equal(brick_open(t, gfid_of(5), false), 0);
    assert_int_equal(brick_open(t, gfid_of(5), false), 1);
    b->a_directory = gfid_of(6);
    assert_int_equal(brick_open(t, gfid_of(6), true), 2);
    assert_int_equal(brick_open(u, gfid_of(5), false), 0);
    assert_int_equal(ERRNO(t, FLUSH, fd_req, .gfid = gfid_of(5), .fd = 1), 0);
    assert_int_equal(ERRNO(u, FLUSH, fd_req, .gfid = gfid_of(5), .fd = 1), EBADF);
    assert_int_equal(ERRNO(same, FLUSH, fd_req, .gfid = gfid_of(5), .fd = 1), 0); /* the same client by another connection */
    assert_int_equal(ERRNO(t, RELEASE, fd_req, .gfid = gfid_of(5), .fd = 0), 0);
    assert_int_equal(ERRNO(t, FLUSH, fd_req, .gfid = gfid_of(5), .fd = 0), EBADF);
    assert_int_equal(ERRNO(t, RELEASE, fd_req, .gfid = gfid_of(5), .fd = 0), 0);    /* an unknown one: success */
    assert_int_equal(ERRNO(t, RELEASEDIR, fd_req, .gfid = gfid_of(5), .fd = -7), 0);
    assert_int_equal(brick_open(t, gfid_of(5), false), 0);
    fake_close(t);
    assert_int_equal(ERRNO(same, FLUSH, fd_req, .gfid = gfid_of(5), .fd = 1), 0);
    fake_close(same);
    fake_close(u);
}

static void a_descriptor_of_the_wrong_kind_or_none_is_bad(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");

    b->a_directory = gfid_of(6);
    int64_t file = brick_open(t, gfid_of(5), false), dir = brick_open(t, gfid_of(6), true);
    assert_int_equal(ERRNO(t, READDIRP, readdir_req, .gfid = gfid_of(5), .fd = file, .size = 4096), EBADF);
    assert_int_equal(ERRNO(t, READ, rw_req, .gfid = gfid_of(6), .fd = dir, .size = 1), EBADF);
    assert_int_equal(ERRNO(t, FTRUNCATE, ftruncate_req, .gfid = gfid_of(6), .fd = dir), EBADF);
    assert_int_equal(ERRNO(t, READ, rw_req, .gfid = gfid_of(5), .fd = -1, .size = 1), EBADF);
    assert_int_equal(ERRNO(t, READ, rw_req, .gfid = gfid_of(5), .fd = 1LL << 32, .size = 1), EBADF);
    assert_int_equal(ERRNO(t, READ, rw_req, .gfid = gfid_of(5), .fd = INT64_MIN, .size = 1), EBADF);
    assert_int_equal(ERRNO(t, READ, rw_req, .gfid = gfid_of(6), .fd = -2, .size = 1), EISDIR);
    assert_int_equal(ERRNO(t, READDIR, readdir_req, .gfid = gfid_of(5), .fd = -2, .size = 1), ENOTDIR);
    assert_int_equal(ERRNO(t, COPY_FILE_RANGE, copy_file_range_req, .gfid1 = gfid_of(5), .gfid2 = gfid_of(5), .fd_in = file, .fd_out = 77),
                     EBADF);
    assert_int_equal(b->seen[FOP_READ] + b->seen[FOP_READDIR] + b->seen[FOP_READDIRP] + b->seen[FOP_FTRUNCATE], 0);
    fake_close(t);
}

static void seen_anonymous(struct brick *b, struct fop *fop)
{
    assert_null(fop->fd);
    assert_int_equal(fop->loc.inode->gfid.b[15], 5);
    assert_int_equal(fop->in.read.size, 10);
    fop->out.data.len = 0;
    slicev_add(&fop->out.data, slice_new(b->process.env.bufs, 4));
    memcpy(slicev_at(&fop->out.data)->at, "data", 4);
    fop_complete(fop, 4, ENOENT);
}

static void an_anonymous_read_gives_its_data_behind_a_complete_head(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct fop_rw_req req = {.gfid = gfid_of(5), .fd = -2, .size = 10};
    struct fop_read_rsp rsp;
    size_t len;

    b->handler = seen_anonymous;
    const uint8_t *body = brick_call(t, FOP_READ, (void *)xdr_fop_rw_req, &req, &len);
    assert_int_equal(len, 172 + 4);
    assert_int_equal(wire_decode((void *)xdr_fop_read_rsp, &rsp, body, len), 172);
    assert_int_equal(rsp.op_ret, 4);
    assert_int_equal(rsp.op_errno, ENOENT); /* the end of the file */
    assert_int_equal(rsp.size, 4);
    assert_memory_equal(body + 172, "data", 4);
    fake_close(t);
}

/* ---- WRITE -------------------------------------------------------------------------------------------------------------------- */

static uint8_t written[3 * MiB];
static size_t nr_written;

static void seen_write(struct brick *b, struct fop *fop)
{
    nr_written = slicev_copy_out(&fop->in.write.data, 0, written, sizeof(written));
    assert_int_equal(fop->in.write.size, nr_written);
    fop_complete(fop, (int32_t)nr_written, 0);
}

/* WRITE of len bytes that says it is of size bytes, landing in steps. Accept status. */
static uint32_t write_call(struct transport *t, uint32_t size, const uint8_t *data, size_t len, size_t small, size_t step)
{
    struct fop_rw_req req = {.gfid = gfid_of(5), .fd = -2, .size = size};
    unsigned int n = fake_nr_sent(t);
    uint8_t *args = malloc(52 + len), *call;
    uint32_t xid, stat;
    XDR x;

    wire_writer(&x, args, 52);
    assert_true(xdr_fop_rw_req(&x, &req));
    assert_int_equal(wire_done(&x), 52);
    memcpy(args + 52, data, len);
    size_t call_len = caller_make(&call, 9, FOP_PROGRAM, FOP400_VERSION, FOP_WRITE, args, 52 + len);
    fake_deliver_in_steps(t, call, call_len, small, step);
    caller_reply(t, n, &xid, &stat, &len);
    free(call);
    free(args);
    return stat;
}

static void data_arrives_whole_however_it_landed(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    uint8_t *data = malloc(2 * MiB + 5);

    for (size_t i = 0; i < 2 * MiB + 5; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    b->handler = seen_write;
    static const size_t lens[] = {0, 1, 5, 4096, 100000, 2 * MiB + 5};
    for (size_t i = 0; i < array_len(lens); i++)
        for (size_t step = 0; step < 2; step++) {
            memset(written, 0, sizeof(written));
            assert_int_equal(write_call(t, (uint32_t)lens[i], data, lens[i], 16 * KiB, step ? 64 : 0), RPC_OK);
            assert_int_equal(nr_written, lens[i]);
            assert_memory_equal(written, data, lens[i]);
        }
    free(data);
    fake_close(t);
}

static void data_of_another_length_than_announced_is_garbage(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    static const uint8_t data[100000];

    assert_int_equal(write_call(t, 8, data, 7, 16 * KiB, 0), RPC_GARBAGE_ARGS);
    assert_int_equal(write_call(t, 8, data, 9, 16 * KiB, 0), RPC_GARBAGE_ARGS);
    assert_int_equal(write_call(t, 99999, data, 100000, 16 * KiB, 64), RPC_GARBAGE_ARGS);
    assert_int_equal(write_call(t, 0xffffffff, data, 100000, 16 * KiB, 64), RPC_GARBAGE_ARGS);
    assert_int_equal(b->seen[FOP_WRITE], 0);
    fake_close(t);
}

/* ---- who is calling ------------------------------------------------------------------------------------------------------------ */

static struct cred seen_cred;

static void note_cred(struct brick *b, struct fop *fop)
{
    seen_cred = fop->cred;
    fop_complete(fop, 0, 0);
}

static void squashing_hits_root_and_not_the_others(void **state)
{
    struct brick b;

    brick_start(&b, (const char *[]){"root-squash", "on", "anonuid", "77", "anongid", "88", NULL});
    struct transport *t = brick_connect(&b, "one");
    b.handler = note_cred;
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(5)), 0);
    assert_int_equal(seen_cred.uid, 77);
    assert_int_equal(seen_cred.gid, 88);
    fake_close(t);
    brick_stop(&b);
    brick_start(&b, NULL);
    t = brick_connect(&b, "one");
    b.handler = note_cred;
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(5)), 0);
    assert_int_equal(seen_cred.uid, 0);
    assert_int_equal(seen_cred.owner_len, 4);
    fake_close(t);
    brick_stop(&b);
}

/* ---- ends ---------------------------------------------------------------------------------------------------------------------- */

static void send_only(struct transport *t, uint32_t procedure, void *proc, const void *req)
{
    uint8_t args[256];
    XDR x;

    wire_writer(&x, args, sizeof(args));
    assert_true(((bool_t(*)(XDR *, void *))proc)(&x, (void *)req));
    caller_call(t, 5, FOP_PROGRAM, FOP400_VERSION, procedure, args, wire_done(&x));
}

static void a_client_that_goes_takes_its_waiting_operations_with_it(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct fop_inodelk_req lock = {.gfid = gfid_of(5), .cmd = 2, .type = 1, .volume = wire_str("d")};

    b->handler = brick_park;
    send_only(t, FOP_INODELK, (void *)xdr_fop_inodelk_req, &lock);
    assert_non_null(b->parked);
    assert_int_equal(fake_nr_sent(t), 1);
    fake_close(t);
    pool_drain(b->process.pool);
    assert_int_equal(b->cancelled, 1);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_CLIENTS]), 0);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_FOPS]), 0);
}

static struct fop *held;

static void hold(struct brick *b, struct fop *fop)
{
    held = fop;
}

static void what_is_opened_for_a_client_that_has_gone_is_closed(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct fop_open_req open = {.gfid = gfid_of(5)};

    b->handler = hold;
    send_only(t, FOP_OPEN, (void *)xdr_fop_open_req, &open);
    fake_close(t);
    held->out.fd = fd_new(b->graph, held->loc.inode, held->client, 0, false);
    fop_complete(held, 0, 0);
    pool_drain(b->process.pool);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_FDS]), 0);
    assert_int_equal(counter_get(&b->process.census.now[CENSUS_CLIENTS]), 0);
}

/* The loop runs until the process is let go; the fake transport's connections are taken down when the host has asked for it. */
struct ending {
    struct timer timer;
    struct brick *b;
    struct transport *t;
    bool answered, closed;
};

static void ending_tick(struct timer *timer)
{
    struct ending *e = container_of(timer, struct ending, timer);

    if (!e->answered) {
        assert_int_equal(e->b->drained, 0);
        assert_false(fake_disconnected(e->t, NULL)); /* not before the running operation has answered */
        e->answered = true;
        fop_complete(held, 0, 0);
    } else if (!e->closed && fake_disconnected(e->t, NULL)) {
        assert_int_equal(fake_nr_sent(e->t), 2);
        e->closed = true;
        fake_close(e->t);
    }
    if (!e->closed)
        assert_int_equal(loop_arm(e->b->process.env.loop, timer, 1), 0);
}

static void a_brick_that_ends_answers_first_and_disconnects_then(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct fop_gfid_req stat_req = {.gfid = gfid_of(5)};
    struct ending e = {.timer.expired = ending_tick, .b = b, .t = t};

    b->handler = hold;
    send_only(t, FOP_STAT, (void *)xdr_fop_gfid_req, &stat_req);
    graph_notify_down(b->graph, EVENT_PARENT_DOWN);
    send_only(t, FOP_STAT, (void *)xdr_fop_gfid_req, &stat_req); /* is not begun any more */
    assert_int_equal(fake_nr_sent(t), 1);
    assert_int_equal(loop_arm(b->process.env.loop, &e.timer, 1), 0);
    assert_int_equal(loop_run(b->process.env.loop), 0);
    assert_true(e.closed);
    assert_int_equal(b->drained, 1);
    assert_int_equal(b->seen[FOP_STAT], 1);
}

static void a_brick_that_ends_does_not_wait_for_locks(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct fop_inodelk_req lock = {.gfid = gfid_of(5), .cmd = 2, .type = 1, .volume = wire_str("d")};
    struct ending e = {.timer.expired = ending_tick, .b = b, .t = t, .answered = true};

    b->handler = brick_park;
    send_only(t, FOP_INODELK, (void *)xdr_fop_inodelk_req, &lock);
    graph_notify_down(b->graph, EVENT_PARENT_DOWN);
    assert_int_equal(b->cancelled, 1);
    assert_int_equal(loop_arm(b->process.env.loop, &e.timer, 1), 0);
    assert_int_equal(loop_run(b->process.env.loop), 0);
    assert_true(e.closed);
}

/* ---- callbacks ------------------------------------------------------------------------------------------------------------------ */

static void an_upcall_reaches_the_client_it_is_for_and_no_other(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one"), *u = brick_connect(b, "two");
    struct upcall up = {.kind = UPCALL_INVALIDATE, .client_uid = "two", .gfid = gfid_of(5), .flags = 0x18, .expire_s = 60};
    struct cbk_cache_invalidation c;
    struct rpc_call_header h;
    size_t len;

    xlator_notify_up(testing_xlator(b->graph, 0), EVENT_UPCALL, &up);
    assert_int_equal(fake_nr_sent(t), 1);
    assert_int_equal(fake_nr_sent(u), 2);
    const uint8_t *sent = fake_sent(u, 1, &len);
    int64_t head = wire_decode((void *)xdr_rpc_call_header, &h, sent, len);
    assert_true(head > 0);
    assert_int_equal(h.prog, CBK_PROGRAM);
    assert_int_equal(h.proc, CBK_CACHE_INVALIDATION);
    assert_int_equal(wire_decode((void *)xdr_cbk_cache_invalidation, &c, sent + head, len - (size_t)head), (int64_t)len - head);
    assert_true(wire_str_is(c.gfid, "00000000-0000-0000-0000-000000000005"));
    assert_int_equal(c.flags, 0x18);
    assert_int_equal(c.expire, 60);
    up.client_uid = "gone";
    xlator_notify_up(testing_xlator(b->graph, 0), EVENT_UPCALL, &up);
    assert_int_equal(fake_nr_sent(u), 2);
    fake_close(t);
    fake_close(u);
}

static uint32_t last_callback(struct transport *t, unsigned int n)
{
    struct rpc_call_header h;
    size_t len;
    const uint8_t *sent = fake_sent(t, n, &len);

    assert_non_null(sent);
    assert_int_equal(wire_decode((void *)xdr_rpc_call_header, &h, sent, len), (int64_t)len);
    assert_int_equal(h.prog, CBK_PROGRAM);
    return h.proc;
}

static void clients_hear_when_the_storage_goes_and_comes_back(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one"), *nobody = fake_connect(NULL);
    struct xlator *storage = testing_xlator(b->graph, 0);

    xlator_notify_up(storage, EVENT_CHILD_UP, NULL); /* it was up */
    assert_int_equal(fake_nr_sent(t), 1);
    xlator_notify_up(storage, EVENT_CHILD_DOWN, NULL);
    assert_int_equal(last_callback(t, 1), CBK_CHILD_DOWN);
    xlator_notify_up(storage, EVENT_CHILD_UP, NULL);
    assert_int_equal(last_callback(t, 2), CBK_CHILD_UP);
    assert_int_equal(fake_nr_sent(nobody), 0);
    fake_close(t);
    fake_close(nobody);
}

/* ---- new options while it runs ------------------------------------------------------------------------------------------------- */

static int reconfigure(struct brick *b, const char *const *pairs, struct err *err)
{
    struct xlator *top = b->graph->top;
    struct optset set = {0};

    for (; *pairs; pairs += 2)
        assert_int_equal(optset_add(&set, pairs[0], pairs[1], "new.vol", 3), 0);
    int r = top->type->reconfigure(top, &set, err);
    optset_done(&set);
    return r;
}

static void new_rules_close_whom_they_would_not_let_in(void **state)
{
    struct brick *b = *state;
    const struct fake_peer far = {.text = "198.51.100.4:1023", .addr = {.ss_family = AF_INET}};
    struct fake_peer peer = far;
    struct err err = {0};

    inet_pton(AF_INET, "198.51.100.4", &((struct sockaddr_in *)&peer.addr)->sin_addr);
    struct transport *near = brick_connect(b, "near"), *other = fake_connect(&peer);
    char text[256];
    assert_int_equal(setvolume(other, (const char *[]){BRICK, UUID, VERSION, NULL}, text), 0);
    assert_int_equal(reconfigure(b, (const char *[]){"auth.addr.x0.allow", "192.0.2.*", "dynamic-auth", "off", NULL}, &err), 0);
    assert_false(fake_disconnected(other, NULL));
    assert_int_equal(reconfigure(b, (const char *[]){"auth.addr.x0.allow", "192.0.2.*", NULL}, &err), 0);
    assert_true(fake_disconnected(other, NULL));
    assert_false(fake_disconnected(near, NULL));
    assert_int_equal(setvolume(other, (const char *[]){BRICK, UUID, VERSION, NULL}, text), EACCES);
    fake_close(near);
    fake_close(other);
}

static void bad_new_options_change_nothing(void **state)
{
    struct brick *b = *state;
    struct transport *t = brick_connect(b, "one");
    struct err err = {0};

    assert_int_equal(reconfigure(b, (const char *[]){"auth.addr.x0.allow", "!some.host", "root-squash", "on", NULL}, &err), -EINVAL);
    assert_non_null(strstr(err.text, "some.host"));
    memset(&err, 0, sizeof(err));
    assert_true(reconfigure(b, (const char *[]){"auth.addr.x0.allow", "10.*", "root-squash", "perhaps", NULL}, &err) < 0);
    assert_non_null(strstr(err.text, "root-squash"));
    b->handler = note_cred;
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(5)), 0);
    assert_int_equal(seen_cred.uid, 0);
    assert_false(fake_disconnected(t, NULL));
    memset(&err, 0, sizeof(err));
    assert_int_equal(reconfigure(b, (const char *[]){"auth.addr.x0.allow", "*", "all-squash", "on", "anonuid", "5", NULL}, &err), 0);
    assert_int_equal(ERRNO(t, STAT, gfid_req, .gfid = gfid_of(5)), 0);
    assert_int_equal(seen_cred.uid, 5);
    fake_close(t);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)
#define ENDED(f) cmocka_unit_test_setup_teardown(f, start, ended)

static int ended(void **state)
{
    struct brick *b = *state;

    testing_graph_free(b->graph);
    testing_process_done(&b->process);
    free(b);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(setvolume_checks_what_stock_checks_in_its_words),
        TEST(a_brick_whose_storage_is_down_says_so),
        cmocka_unit_test(a_wrong_password_is_refused_and_the_connection_stays),
        cmocka_unit_test(the_log_has_what_a_client_said_but_not_its_password),
        TEST(setvolume_that_is_not_a_dictionary_is_garbage_or_refused),
        TEST(before_setvolume_operations_are_garbage_and_releases_are_silent),
        TEST(odd_procedures_are_answered_as_by_stock_where_it_survives),
        TEST(an_object_is_looked_up_once_before_it_is_operated_on),
        TEST(an_unknown_object_is_stale_and_leaves_nothing_in_memory),
        TEST(a_parent_must_be_a_directory),
        TEST(a_name_that_cannot_be_one_is_refused_before_the_storage_sees_it),
        TEST(a_folder_looked_up_as_dot_is_found_and_a_file_is_not),
        TEST(removing_and_renaming_know_the_object_behind_the_name),
        TEST(descriptors_are_the_lowest_free_numbers_of_their_client),
        TEST(a_descriptor_of_the_wrong_kind_or_none_is_bad),
        TEST(an_anonymous_read_gives_its_data_behind_a_complete_head),
        TEST(data_arrives_whole_however_it_landed),
        TEST(data_of_another_length_than_announced_is_garbage),
        cmocka_unit_test(squashing_hits_root_and_not_the_others),
        TEST(a_client_that_goes_takes_its_waiting_operations_with_it),
        TEST(what_is_opened_for_a_client_that_has_gone_is_closed),
        ENDED(a_brick_that_ends_answers_first_and_disconnects_then),
        ENDED(a_brick_that_ends_does_not_wait_for_locks),
        TEST(an_upcall_reaches_the_client_it_is_for_and_no_other),
        TEST(clients_hear_when_the_storage_goes_and_comes_back),
        TEST(new_rules_close_whom_they_would_not_let_in),
        TEST(bad_new_options_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
