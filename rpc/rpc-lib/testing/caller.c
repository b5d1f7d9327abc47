/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* caller.c */
#include "caller.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

size_t caller_make(uint8_t **ret, uint32_t xid, uint32_t prog, uint32_t vers, uint32_t proc, const void *args, size_t len)
{
    static const uint8_t owner[4] = {1, 0, 0, 0};
    rpc_auth_v3 a = {.pid = 1, .owner = {.at = owner, .len = sizeof(owner)}};
    uint8_t cred[64];
    rpc_call_header h = {.xid = xid, .rpcvers = 2, .prog = prog, .vers = vers, .proc = proc, .cred_flavor = 390040};
    size_t head;
    bool_t ok;
    XDR x;

    wire_writer(&x, cred, sizeof(cred));
    ok = xdr_rpc_auth_v3(&x, &a);
    assert(ok);
    h.cred = (wire_bytes){.at = cred, .len = (uint32_t)wire_done(&x)};
    head = wire_size(xdr_rpc_call_header, &h);
    *ret = malloc(head + len);
    assert(*ret);
    wire_writer(&x, *ret, head);
    ok = xdr_rpc_call_header(&x, &h);
    assert(ok);
    (void)ok;
    if (len > 0)
        memcpy(*ret + head, args, len);
    return head + len;
}

void caller_call(struct transport *t, uint32_t xid, uint32_t prog, uint32_t vers, uint32_t proc, const void *args, size_t len)
{
    uint8_t *bytes;
    size_t n = caller_make(&bytes, xid, prog, vers, proc, args, len);
    fake_deliver(t, bytes, n);
    free(bytes);
}

const uint8_t *caller_reply(struct transport *t, unsigned int n, uint32_t *ret_xid, uint32_t *ret_stat, size_t *ret_len)
{
    rpc_reply_header h = {0};
    size_t len = 0;
    const uint8_t *bytes = fake_sent(t, n, &len);
    int64_t head = bytes ? wire_decode(xdr_rpc_reply_header, &h, bytes, len) : -1;

    assert(head > 0 && h.type == 1 && h.reply_stat == 0);
    *ret_xid = h.xid;
    *ret_stat = h.accept_stat;
    *ret_len = len - (size_t)head;
    return bytes + head;
}
