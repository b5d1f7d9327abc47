/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Recorded messages of stock: each decodes, consumes every byte, and encodes to the same bytes: with its dictionaries and lists
 * as they are, and with dictionaries and list elements taken apart and put together again. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common.h"
#include "fop400.h"
#include "rpcmsg.h"
#include "vectors.h"

#define ELEMENTS_MAX 64

/* The parts that a structure was taken apart into. */
struct parts {
    struct dict *dicts[2 + ELEMENTS_MAX];
    unsigned int nr_dicts;
    struct dict *dict3;
    union {
        wire_dirent dirent;
        wire_direntp direntp;
        wire_lock lock;
        wire_program program;
    } elements[ELEMENTS_MAX];
    size_t element_size;
};

static bool get_element(const void *ctx, uint32_t i, void *ret)
{
    const struct parts *p = ctx;
    memcpy(ret, &p->elements[i], p->element_size);
    return true;
}

static void open_dict(wire_dict *d, struct parts *p)
{
    struct dict *dict;
    assert_int_equal(wire_dict_open(d, &dict), 0);
    p->dicts[p->nr_dicts++] = dict;
    *d = wire_dict_of(dict);
}

static void take_list_apart(struct wire_list *l, struct parts *p)
{
    uint32_t n = 0;

    p->element_size = l->proc == (void *)xdr_wire_dirent    ? sizeof(wire_dirent)
                      : l->proc == (void *)xdr_wire_direntp ? sizeof(wire_direntp)
                      : l->proc == (void *)xdr_wire_lock    ? sizeof(wire_lock)
                                                            : sizeof(wire_program);
    while (n < ELEMENTS_MAX && wire_list_next(l, &p->elements[n])) {
        if (l->proc == (void *)xdr_wire_direntp)
            open_dict(&p->elements[n].direntp.xdata, p);
        n++;
    }
    assert_int_equal(l->count, 0);
    *l = (struct wire_list){.count = n, .get = get_element, .ctx = p};
}

static void same(const char *what, const char *vector, const struct shape *s, const void *obj, const uint8_t *bytes, size_t len)
{
    uint8_t *out = malloc(len + 1);
    XDR x;

    if (wire_size(s->proc, obj) != len)
        fail_msg("%s, %s, %s: %zu bytes, should be %zu", vector, s->name, what, wire_size(s->proc, obj), len);
    wire_writer(&x, out, len);
    assert_true(((bool_t(*)(XDR *, void *))s->proc)(&x, (void *)obj));
    for (size_t i = 0; i < len; i++)
        if (out[i] != bytes[i])
            fail_msg("%s, %s, %s: byte %zu of %zu differs: %02x, should be %02x", vector, s->name, what, i, len, out[i], bytes[i]);
    free(out);
}

/* Returns how many bytes were the structure; what follows is bulk. */
static size_t there_and_back(const char *vector, const struct shape *s, const uint8_t *bytes, size_t len)
{
    uint8_t obj[WIRE_STRUCT_MAX] __attribute__((aligned(16))) = {0};
    struct parts parts = {.nr_dicts = 0};
    int64_t used;

    if (!s->name)
        return 0;
    assert_true(s->size <= sizeof(obj));
    used = wire_decode(s->proc, obj, bytes, len);
    if (used < 0)
        fail_msg("%s: %s does not decode", vector, s->name);
    same("as it is", vector, s, obj, bytes, (size_t)used);
    for (int i = 0; i < 2; i++)
        if (s->dicts[i])
            open_dict((wire_dict *)(obj + s->dicts[i] - 1), &parts);
    if (s->dict3) {
        wire_dict3 *d = (wire_dict3 *)(obj + s->dict3 - 1);
        uint8_t *again;
        assert_int_equal(wire_dict3_open(d, &parts.dict3), 0);
        assert_int_equal(dict3_size(parts.dict3), d->len);
        again = malloc(d->len + 1);
        dict3_encode(parts.dict3, again);
        assert_memory_equal(again, d->at, d->len);
        free(again);
    }
    if (s->list)
        take_list_apart((struct wire_list *)(obj + s->list - 1), &parts);
    same("taken apart", vector, s, obj, bytes, (size_t)used);
    for (unsigned int i = 0; i < parts.nr_dicts; i++)
        dict_unref(parts.dicts[i]);
    dict_unref(parts.dict3);
    return (size_t)used;
}

/* A credential of a flavor that has a structure, too. */
static void credential_there_and_back(const char *vector, const rpc_call_header *h)
{
    static const struct shape v2 = {.name = "rpc_auth_v2", .proc = xdr_rpc_auth_v2, .size = sizeof(rpc_auth_v2)};
    static const struct shape v3 = {.name = "rpc_auth_v3", .proc = xdr_rpc_auth_v3, .size = sizeof(rpc_auth_v3)};

    if (h->cred_flavor == 390039)
        assert_int_equal(there_and_back(vector, &v2, h->cred.at, h->cred.len), h->cred.len);
    else if (h->cred_flavor == 390040)
        assert_int_equal(there_and_back(vector, &v3, h->cred.at, h->cred.len), h->cred.len);
    else
        assert_int_equal(h->cred.len, 0);
}

static void check_vector(const struct vector *v)
{
    static const struct shape call = {.name = "rpc_call_header", .proc = xdr_rpc_call_header, .size = sizeof(rpc_call_header)};
    static const struct shape reply = {.name = "rpc_reply_header", .proc = xdr_rpc_reply_header, .size = sizeof(rpc_reply_header)};
    const struct procedure *p;
    rpc_call_header ch;
    rpc_reply_header rh;
    size_t at, bulk = 0;

    at = there_and_back(v->name, &call, v->call, v->call_len);
    assert_true(wire_decode(xdr_rpc_call_header, &ch, v->call, v->call_len) > 0);
    credential_there_and_back(v->name, &ch);
    p = find_procedure(ch.prog, ch.vers, ch.proc);
    if (!p)
        fail_msg("%s: procedure %u of program %u is not in the table", v->name, ch.proc, ch.prog);
    if (ch.prog == FOP_PROGRAM && ch.proc == 49)
        return; /* COMPOUND: nobody knows what was in it */
    if (ch.prog == FOP_PROGRAM && ch.proc == 13) {
        fop_rw_req q;
        assert_true(wire_decode(xdr_fop_rw_req, &q, v->call + at, v->call_len - at) > 0);
        bulk = q.size;
    } else if (ch.prog == FOP_PROGRAM && ch.proc == 55) {
        fop_put_req q;
        assert_true(wire_decode(xdr_fop_put_req, &q, v->call + at, v->call_len - at) > 0);
        bulk = q.size;
    }
    at += there_and_back(v->name, &p->req, v->call + at, v->call_len - at);
    if (at + bulk != v->call_len)
        fail_msg("%s: %zu bytes of the call are left over", v->name, v->call_len - at - bulk);
    if (!v->reply)
        return;

    at = there_and_back(v->name, &reply, v->reply, v->reply_len);
    assert_true(wire_decode(xdr_rpc_reply_header, &rh, v->reply, v->reply_len) > 0);
    assert_int_equal(rh.xid, ch.xid);
    assert_int_equal(rh.type, 1);
    bulk = 0;
    if (rh.accept_stat == 0) {
        if (ch.prog == FOP_PROGRAM && ch.proc == 12) {
            fop_read_rsp r;
            assert_true(wire_decode(xdr_fop_read_rsp, &r, v->reply + at, v->reply_len - at) > 0);
            bulk = r.op_ret > 0 ? (size_t)r.op_ret : 0;
        }
        at += there_and_back(v->name, &p->rsp, v->reply + at, v->reply_len - at);
    }
    if (at + bulk != v->reply_len)
        fail_msg("%s: %zu bytes of the reply are left over", v->name, v->reply_len - at - bulk);
}

static unsigned int check_all(const char *prefix)
{
    struct vector *all = vectors_load(VECTORS, prefix);
    unsigned int n = 0;

    for (struct vector *v = all; v->name[0]; v++, n++)
        check_vector(v);
    vectors_free(all);
    return n;
}
static void every_file_operation_goes_there_and_back(void **state)
{
    assert_true(check_all("fop400-") >= 80);
}
static void every_handshake_goes_there_and_back(void **state)
{
    assert_true(check_all("hndsk-") >= 17);
}
static void every_dump_and_ping_goes_there_and_back(void **state)
{
    assert_true(check_all("dump-") >= 3);
}
static void every_callback_goes_there_and_back(void **state)
{
    assert_true(check_all("cbk-") >= 6);
}
static void every_port_query_goes_there_and_back(void **state)
{
    assert_true(check_all("pmap-") >= 4);
}
/* Cut anywhere, a structure is refused and nothing behind the cut is read (the cut copy ends where its allocation ends). */
static void no_cut_message_is_taken(void **state)
{
    struct vector *all = vectors_load(VECTORS, "fop400-");

    for (struct vector *v = all; v->name[0]; v++) {
        uint8_t obj[WIRE_STRUCT_MAX] __attribute__((aligned(16)));
        const struct procedure *p;
        rpc_call_header h;
        int64_t at = wire_decode(xdr_rpc_call_header, &h, v->call, v->call_len), whole;

        assert_true(at > 0);
        p = find_procedure(h.prog, h.vers, h.proc);
        assert_non_null(p);
        if (!p->req.name)
            continue;
        whole = wire_decode(p->req.proc, obj, v->call + at, v->call_len - (size_t)at);
        assert_true(whole > 0);
        for (int64_t len = 0; len < whole; len++) {
            uint8_t *cut = malloc(len ? (size_t)len : 1);
            memcpy(cut, v->call + at, (size_t)len);
            if (wire_decode(p->req.proc, obj, cut, (size_t)len) != -EINVAL)
                fail_msg("%s: %s of %lld bytes was taken with %lld", v->name, p->req.name, (long long)whole, (long long)len);
            free(cut);
        }
    }
    vectors_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_operation_goes_there_and_back), cmocka_unit_test(every_handshake_goes_there_and_back),
        cmocka_unit_test(every_dump_and_ping_goes_there_and_back),  cmocka_unit_test(every_callback_goes_there_and_back),
        cmocka_unit_test(every_port_query_goes_there_and_back),     cmocka_unit_test(no_cut_message_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
