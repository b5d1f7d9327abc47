/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "brick.h"
#include "loop.h"
#include "xlator.h"

struct brick *the_brick;

/* protocol/server asks for its transport by name; the linker sends the question here (--wrap). */
int __wrap_transport_load(const char *type, const struct transport_type **ret, struct err *err);
int __wrap_transport_load(const char *type, const struct transport_type **ret, struct err *err)
{
    *ret = &fake_transport;
    return 0;
}

/* ---- the storage ---------------------------------------------------------------------------------------------------------- */

static void lookup_gfid(struct brick *b, struct fop *fop)
{
    struct inode *in = fop->loc.inode;
    mode_t type = gfid_equal(in->gfid, b->a_directory) || gfid_is_root(in->gfid) ? S_IFDIR : b->type_of_gfid;

    b->nameless++;
    if (!type) {
        fop_fail(fop, ENOENT);
        return;
    }
    atomic_store(&in->type, type);
    fop->out.inode = inode_ref(in);
    fop->out.stat.gfid = in->gfid;
    fop->out.stat.mode = type | 0644;
    fop_complete(fop, 0, 0);
}

/* Whatever the name, it is there, and is a file. */
static void lookup_name(struct fop *fop)
{
    fop->out.inode = inode_get(fop->graph->inodes, gfid_of(40));
    if (!fop->out.inode) {
        fop_fail(fop, ENOMEM);
        return;
    }
    atomic_store(&fop->out.inode->type, S_IFREG);
    fop_complete(fop, 0, 0);
}

static void open_it(struct fop *fop, bool dir)
{
    fop->out.fd = fd_new(fop->graph, fop->loc.inode, fop->client, fop->op == FOP_OPEN ? fop->in.open.flags : 0, dir);
    if (fop->out.fd)
        fop_complete(fop, 0, 0);
    else
        fop_fail(fop, ENOMEM);
}

static void storage_any(struct xlator *xl, struct fop *fop)
{
    struct brick *b = the_brick;

    if (fop->op == FOP_LOOKUP && fop->loc.inode && fop->parent) {
        lookup_gfid(b, fop);
        return;
    }
    b->seen[fop->op]++;
    if (b->handler)
        b->handler(b, fop);
    else if (fop->op == FOP_LOOKUP && fop->loc.inode)
        lookup_gfid(b, fop);
    else if (fop->op == FOP_LOOKUP)
        lookup_name(fop);
    else if (fop->op == FOP_OPEN || fop->op == FOP_OPENDIR)
        open_it(fop, fop->op == FOP_OPENDIR);
    else
        fop_complete(fop, 0, 0);
}

static void storage_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    if (event == EVENT_PARENT_UP)
        xlator_notify_up(xl, EVENT_CHILD_UP, NULL);
}

static const struct xlator_type storage_type = {
    .name = "test/storage",
    .options = (const struct option[]){OPT_PREFIX("volume-id", "the volume's id")},
    .nr_options = 1,
    .leaf = true,
    .on = {[FOP_STAT ... NR_FOPS - 1] = storage_any},
    .notify = storage_notify,
};

static void parked_cancelled(struct fop *fop, void *ctx)
{
    struct brick *b = ctx;

    b->cancelled++;
    b->parked = NULL;
    fop_fail(fop, atomic_load(&fop->cancel_err));
}

void brick_park(struct brick *b, struct fop *fop)
{
    b->parked = fop;
    if (!fop_park(fop, parked_cancelled, b)) {
        b->parked = NULL;
        fop_fail(fop, atomic_load(&fop->cancel_err));
    }
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

extern const struct xlator_type server_type;

static void let_go(struct process *p)
{
    struct brick *b = container_of(p, struct brick, process);

    b->drained++;
    loop_stop(p->env.loop);
}

void brick_start(struct brick *b, const char *const *options)
{
    struct testing_node nodes[] = {
        {.type = &storage_type, .options = {"volume-id", "11223344-5566-4788-99aa-bbccddeeff00"}},
        {.type = &server_type, .options = {"auth.addr.x0.allow", "*"}},
        {.type = NULL},
    };
    unsigned int n = 2;

    for (; options && *options; options++)
        nodes[1].options[n++] = *options;
    memset(b, 0, sizeof(*b));
    b->type_of_gfid = S_IFREG;
    the_brick = b;
    testing_process(&b->process);
    b->process.drained = let_go;
    b->graph = testing_graph(&b->process, nodes);
    graph_notify_down(b->graph, EVENT_PARENT_UP);
}

/* A test that failed left a connection open; the others shall still run. */
static void gave_up(struct timer *t)
{
    fprintf(stderr, "brick_stop: a connection was left open\n");
    abort();
}

void brick_stop(struct brick *b)
{
    struct timer guard = {.expired = gave_up};

    graph_notify_down(b->graph, EVENT_PARENT_DOWN);
    assert_int_equal(loop_arm(b->process.env.loop, &guard, 20000), 0);
    if (!b->drained)
        loop_run(b->process.env.loop);
    loop_disarm(b->process.env.loop, &guard);
    assert_int_equal(b->drained, 1);
    testing_graph_free(b->graph);
    testing_process_done(&b->process);
    the_brick = NULL;
}

/* ---- calls ----------------------------------------------------------------------------------------------------------------- */

uint8_t *setvolume_args(const char *const *pairs, size_t *ret_len)
{
    struct dict *d = dict_new();
    struct hndsk_setvolume_req req = {0};
    XDR x;

    for (; *pairs; pairs += 2)
        assert_int_equal(dict_set_text(d, pairs[0], pairs[1]), 0);
    size_t len = dict3_size(d);
    uint8_t *bytes = malloc(len), *args;
    dict3_encode(d, bytes);
    dict_unref(d);
    req.dict = (wire_dict3){.at = bytes, .len = (uint32_t)len};
    *ret_len = wire_size((void *)xdr_hndsk_setvolume_req, &req);
    args = malloc(*ret_len);
    wire_writer(&x, args, *ret_len);
    assert_true(xdr_hndsk_setvolume_req(&x, &req));
    free(bytes);
    return args;
}

struct transport *brick_connect(struct brick *b, const char *uid)
{
    struct transport *t = fake_connect(NULL);
    const char *pairs[] = {"remote-subvolume", "x0", "process-uuid", uid, "fops-version", "1298437", NULL};
    size_t len, body_len;
    uint32_t xid, stat;
    uint8_t *args = setvolume_args(pairs, &len);

    caller_call(t, 4, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_SETVOLUME, args, len);
    const uint8_t *body = caller_reply(t, 0, &xid, &stat, &body_len);
    assert_int_equal(stat, 0);
    assert_true(body_len >= 4 && body[0] == 0);
    assert_true(fake_admitted(t));
    free(args);
    return t;
}

static uint8_t *encode(void *proc, const void *req, size_t *ret_len)
{
    XDR x;

    *ret_len = wire_size(proc, req);
    uint8_t *bytes = malloc(*ret_len + 1);
    wire_writer(&x, bytes, *ret_len);
    assert_true(((bool_t(*)(XDR *, void *))proc)(&x, (void *)req));
    return bytes;
}

const uint8_t *brick_call(struct transport *t, uint32_t procedure, void *proc, const void *req, size_t *ret_len)
{
    unsigned int n = fake_nr_sent(t);
    uint32_t xid, stat;
    size_t len;
    uint8_t *args = encode(proc, req, &len);

    caller_call(t, 1000 + n, FOP_PROGRAM, FOP400_VERSION, procedure, args, len);
    free(args);
    assert_int_equal(fake_nr_sent(t), n + 1);
    const uint8_t *body = caller_reply(t, n, &xid, &stat, ret_len);
    assert_int_equal(xid, 1000 + n);
    assert_int_equal(stat, 0);
    return body;
}

void brick_ask(struct transport *t, uint32_t procedure, void *req_proc, const void *req, void *rsp_proc, void *ret_rsp)
{
    size_t len;
    const uint8_t *body = brick_call(t, procedure, req_proc, req, &len);

    assert_int_equal(wire_decode(rsp_proc, ret_rsp, body, len), (int64_t)len);
}

static int32_t number_at(const uint8_t *at)
{
    uint32_t be;

    memcpy(&be, at, sizeof(be));
    return (int32_t)be32toh(be);
}

int brick_errno(struct transport *t, uint32_t procedure, void *req_proc, const void *req)
{
    size_t len;
    const uint8_t *body = brick_call(t, procedure, req_proc, req, &len);

    assert_true(len >= 8);
    return number_at(body) < 0 ? number_at(body + 4) : 0;
}

int64_t brick_open(struct transport *t, gfid_t gfid, bool dir)
{
    struct fop_open_req open = {.gfid = gfid, .flags = 2};
    struct fop_gfid_req opendir = {.gfid = gfid};
    struct fop_open_rsp rsp;

    if (dir)
        brick_ask(t, FOP_OPENDIR, (void *)xdr_fop_gfid_req, &opendir, (void *)xdr_fop_open_rsp, &rsp);
    else
        brick_ask(t, FOP_OPEN, (void *)xdr_fop_open_req, &open, (void *)xdr_fop_open_rsp, &rsp);
    assert_int_equal(rsp.op_ret, 0);
    return rsp.fd;
}

gfid_t gfid_of(uint8_t last)
{
    return (gfid_t){{[15] = last}};
}
