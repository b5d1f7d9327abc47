/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Each structure of each program against any bytes. Input: number of the structure, then what is to be decoded. What decodes must
 * have a size, its dictionaries and lists must open, and encoding and decoding it again must change nothing. */
#include <stdlib.h>

#include "common.h"
#include "rpcmsg.h"
#include "vectors.h"

#define EXPECT(x)    \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

static uint8_t *encode(const struct shape *s, const void *obj, size_t *ret_len)
{
    XDR x;
    uint8_t *bytes;

    *ret_len = wire_size(s->proc, obj);
    bytes = malloc(*ret_len + 1);
    EXPECT(bytes);
    wire_writer(&x, bytes, *ret_len);
    EXPECT(((bool_t(*)(XDR *, void *))s->proc)(&x, (void *)obj) && wire_done(&x) == *ret_len);
    return bytes;
}

static void open_parts(const struct shape *s, uint8_t *obj)
{
    union {
        wire_dirent dirent;
        wire_direntp direntp;
        wire_lock lock;
        wire_program program;
    } e;
    struct dict *d;

    for (int i = 0; i < 2; i++)
        if (s->dicts[i] && wire_dict_open((wire_dict *)(obj + s->dicts[i] - 1), &d) == 0)
            dict_unref(d);
    if (s->dict3 && wire_dict3_open((wire_dict3 *)(obj + s->dict3 - 1), &d) == 0)
        dict_unref(d);
    if (s->list) {
        struct wire_list l = *(struct wire_list *)(obj + s->list - 1);
        uint32_t n = l.count;
        while (wire_list_next(&l, &e))
            n--;
        EXPECT(n == 0 && l.count == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static const struct shape headers[] = {
        {.name = "call", .proc = xdr_rpc_call_header},   {.name = "reply", .proc = xdr_rpc_reply_header},
        {.name = "v2", .proc = xdr_rpc_auth_v2},         {.name = "v3", .proc = xdr_rpc_auth_v3},
        {.name = "unix", .proc = xdr_rpc_auth_unix},     {.name = "old", .proc = xdr_rpc_auth_old},
    };
    uint8_t obj[WIRE_STRUCT_MAX] __attribute__((aligned(16))), again[WIRE_STRUCT_MAX] __attribute__((aligned(16)));
    const struct shape *s;
    uint8_t *once, *twice;
    size_t once_len, twice_len;
    int64_t used;

    if (len < 1)
        return 0;
    if (in[0] < 2 * nr_procedures)
        s = in[0] & 1 ? &procedures[in[0] / 2].rsp : &procedures[in[0] / 2].req;
    else
        s = &headers[in[0] % array_len(headers)];
    if (!s->name)
        return 0;
    memset(obj, 0, sizeof(obj));
    used = wire_decode(s->proc, obj, in + 1, len - 1);
    if (used < 0)
        return 0;
    EXPECT((size_t)used <= len - 1);
    once = encode(s, obj, &once_len);
    EXPECT(once_len == (size_t)used);
    open_parts(s, obj);
    memset(again, 0, sizeof(again));
    EXPECT(wire_decode(s->proc, again, once, once_len) == used);
    twice = encode(s, again, &twice_len);
    EXPECT(twice_len == once_len && memcmp(once, twice, once_len) == 0);
    free(once);
    free(twice);
    return 0;
}
