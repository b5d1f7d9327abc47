/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fuzz-answer's function over the recorded answers, for `make check`: as they are, cut at each byte, and with each word replaced by numbers
 * that hurt. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rpcmsg.h"
#include "vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static void run(uint32_t proc, const uint8_t *result, size_t len)
{
    uint8_t *in = malloc(len + 1); /* of exactly this size: see fuzz-replay.c */

    if (!in)
        exit(1);
    in[0] = (uint8_t)proc;
    memcpy(in + 1, result, len);
    LLVMFuzzerTestOneInput(in, len + 1);
    free(in);
}

static void run_kin(uint32_t proc, uint8_t *result, size_t len)
{
    static const uint32_t numbers[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};

    for (size_t cut = 0; cut <= len; cut++)
        run(proc, result, cut);
    for (size_t word = 0; word + 4 <= len; word += 4) {
        uint8_t was[4];

        memcpy(was, result + word, 4);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            uint32_t wire = htobe32(numbers[i]);

            memcpy(result + word, &wire, 4);
            run(proc, result, len);
        }
        memcpy(result + word, was, 4);
    }
}

int main(void)
{
    struct vector *all = vectors_load(VECTORS, "fop400-");
    unsigned int answers = 0;

    for (struct vector *v = all; v->name[0]; v++) {
        rpc_call_header c;
        rpc_reply_header h;
        int64_t n = v->call ? wire_decode(xdr_rpc_call_header, &c, v->call, v->call_len) : -1;

        if (n < 0 || !v->reply || (n = wire_decode(xdr_rpc_reply_header, &h, v->reply, v->reply_len)) < 0 || h.accept_stat != 0)
            continue;
        run_kin(c.proc, v->reply + n, min_of(v->reply_len - (size_t)n, (size_t)4096));
        answers++;
    }
    printf("%u answers\n", answers);
    vectors_free(all);
    return answers < 40;
}
