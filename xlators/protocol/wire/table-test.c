/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* table-test.c: every recorded call of program 400 becomes a fop by the server's half of its row and the same bytes again by the
 * client's half; every recorded reply becomes a fop's results by the client's half and the same bytes again by the server's. And
 * cut at every length, replies are refused without a byte read too far. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "request.h"
#include "rpcmsg.h"
#include "testing.h"
#include "vectors.h"
#include "wire-words.h"

static const struct xlator_type leaf = {.name = "testing/leaf", .leaf = true};

struct world {
    struct process p;
    struct graph *g;
    struct vector *vectors;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    *state = w;
    testing_process(&w->p);
    w->g = testing_graph(&w->p, (struct testing_node[]){{.type = &leaf}, {.type = NULL}});
    w->vectors = vectors_load(VECTORS, "fop400-");
    return 0;
}
static int teardown(void **state)
{
    struct world *w = *state;

    vectors_free(w->vectors);
    testing_graph_free(w->g);
    testing_process_done(&w->p);
    free(w);
    return 0;
}

static void same(const char *vector, const char *what, const uint8_t *got, size_t got_len, const uint8_t *want, size_t want_len)
{
    for (size_t i = 0; i < min_of(got_len, want_len); i++)
        if (got[i] != want[i])
            fail_msg("%s: %s: byte %zu is %02x, should be %02x", vector, what, i, got[i], want[i]);
    if (got_len != want_len)
        fail_msg("%s: %s: %zu bytes, should be %zu", vector, what, got_len, want_len);
}

/* Arguments of a recorded call; NULL when the table has no row for it. */
static const uint8_t *args_of(const struct vector *v, size_t *ret_len, uint32_t *ret_proc)
{
    rpc_call_header h;
    int64_t n = wire_decode(xdr_rpc_call_header, &h, v->call, v->call_len);

    assert_true(n > 0 && h.proc < NR_FOPS);
    if (!wire_rows[h.proc].request.proc)
        return NULL;
    *ret_proc = h.proc;
    *ret_len = v->call_len - (size_t)n;
    return v->call + n;
}

/* What stock's client says and means nothing: the gfid that it believes a name to have, the type in CREATE's mode, which members
 * of SETATTR's attributes count (`valid` says so). */
static void forget_meaningless(uint32_t proc, uint8_t *args)
{
    if (proc == FOP_LOOKUP && get_u32(args + 36) > 0)
        memset(args, 0, 16);
    if (proc == FOP_CREATE)
        put_u32(args + 20, get_u32(args + 20) & 07777);
    if (proc == FOP_FSETATTR)
        put_u64(args + 40, 0);
}

static void calls_there_and_back(void **state)
{
    struct world *w = *state;
    unsigned int seen = 0;

    for (const struct vector *v = w->vectors; v->name[0]; v++) {
        union wire_any_request req;
        struct wire_object obj[2];
        size_t len, used;
        uint32_t proc;
        const uint8_t *from = v->call ? args_of(v, &len, &proc) : NULL;
        struct slice out;
        struct fop *fop;
        uint8_t *args;
        void *xdr;

        if (!from)
            continue;
        args = malloc(len);
        memcpy(args, from, len);
        fop = fop_new(w->g, proc);
        assert_int_equal(wire_request(fop, args, len, obj, &used), 0);
        forget_meaningless(proc, args);
        assert_int_equal(wire_call(fop, obj, &req, &xdr), 0);
        assert_int_equal(wire_encode(w->p.env.bufs, xdr, &req, &out), 0);
        same(v->name, "call", out.at, out.len, args, used);
        slice_done(&out);
        fop_free(fop);
        free(args);
        seen++;
    }
    assert_true(seen >= 80);
}

static void replies_there_and_back(void **state)
{
    struct world *w = *state;
    unsigned int seen = 0;

    for (const struct vector *v = w->vectors; v->name[0]; v++) {
        size_t len, used = 0;
        uint32_t proc;
        rpc_reply_header h;
        struct slicev body = {0};
        struct fop *fop;
        uint8_t *result, *again;
        int64_t n, fd = 0;

        if (!v->call || !v->reply || !args_of(v, &len, &proc))
            continue;
        n = wire_decode(xdr_rpc_reply_header, &h, v->reply, v->reply_len);
        if (n < 0 || h.accept_stat != 0)
            continue;
        len = v->reply_len - (size_t)n;
        result = malloc(len);
        memcpy(result, v->reply + n, len);
        fop = fop_new(w->g, proc);
        if (wire_answer(fop, result, len, &fd, &used) != 0)
            fail_msg("%s: the reply does not decode", v->name);
        if (proc == FOP_READ && fop->ret > 0) {
            struct slice s = slice_new(w->p.env.bufs, len - used);

            assert_int_equal(wire_read_bulk_at(result, len), used);
            memcpy(s.at, result + used, len - used);
            assert_int_equal(slicev_add(&fop->out.data, s), 0);
        }
        if (fop->ret < 0) { /* of an error nothing else counts */
            assert_int_equal(fop->err, get_u32(result + 4));
            fop_free(fop);
            free(result);
            continue;
        }
        put_u32(result + 4, (uint32_t)fop->err); /* stock leaves any errno behind in a success */
        assert_int_equal(wire_reply(w->p.env.bufs, fop, fd, &body), 0);
        again = malloc(body.len + 1);
        slicev_copy_out(&body, 0, again, body.len);
        same(v->name, "reply", again, body.len, result, len);
        free(again);
        slicev_done(&body);
        fop_free(fop);
        free(result);
        seen++;
    }
    assert_true(seen >= 60);
}

static void cut_replies_are_refused(void **state)
{
    struct world *w = *state;

    for (const struct vector *v = w->vectors; v->name[0]; v++) {
        size_t len;
        uint32_t proc;
        rpc_reply_header h;
        int64_t n;

        if (!v->call || !v->reply || !args_of(v, &len, &proc))
            continue;
        n = wire_decode(xdr_rpc_reply_header, &h, v->reply, v->reply_len);
        if (n < 0 || h.accept_stat != 0)
            continue;
        for (size_t cut = 0; cut < v->reply_len - (size_t)n; cut++) {
            uint8_t *bytes = malloc(cut ? cut : 1); /* the last byte is the last of its allocation */
            struct fop *fop = fop_new(w->g, proc);
            size_t used = 0;
            int64_t fd = 0;
            int r;

            memcpy(bytes, v->reply + n, cut);
            r = wire_answer(fop, bytes, cut, &fd, &used);
            if (r == 0)
                assert_true(proc == FOP_READ && used <= cut); /* its data is not the structure's business */
            fop_free(fop);
            free(bytes);
        }
    }
}

static void open_flags_there_and_back(void **state)
{
    for (unsigned int bit = 0; bit < 24; bit++) {
        int32_t host = wire_open_flags(1u << bit);

        if (host)
            assert_int_equal(wire_open_flags(wire_open_flags_of(host)), host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(replies_there_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(cut_replies_are_refused, setup, teardown),
        cmocka_unit_test(open_flags_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
