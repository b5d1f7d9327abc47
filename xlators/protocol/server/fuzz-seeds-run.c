/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The fuzz target's function over its seeds and their nearest kin, for `make check`: each recorded call, alone, twice, behind OPEN, before
 * SETVOLUME, and with each of its words replaced by numbers that hurt. It ends by itself, or by the target's abort(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static size_t put(uint8_t *to, const uint8_t *call, size_t len, unsigned int early)
{
    to[0] = (uint8_t)(len >> 8 | early << 7);
    to[1] = (uint8_t)len;
    memcpy(to + 2, call, len);
    return 2 + len;
}

static unsigned int run_one(const struct vector *v, const struct vector *open)
{
    static const uint32_t numbers[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    uint8_t *in = malloc(3 * (2 + 0x7fff));
    unsigned int runs = 3;
    size_t at;

    LLVMFuzzerTestOneInput(in, put(in, v->call, v->call_len, 1));
    at = put(in, v->call, v->call_len, 0);
    LLVMFuzzerTestOneInput(in, at + put(in + at, v->call, v->call_len, 0));
    at = put(in, open->call, open->call_len, 0);
    at += put(in + at, v->call, v->call_len, 0);
    LLVMFuzzerTestOneInput(in, at);
    for (size_t word = at - v->call_len; word + 4 <= at; word += 4) {
        uint8_t was[4];
        memcpy(was, in + word, 4);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++, runs++) {
            memcpy(in + word, &(uint32_t){htobe32(numbers[i])}, 4);
            LLVMFuzzerTestOneInput(in, at);
        }
        memcpy(in + word, was, 4);
    }
    free(in);
    return runs;
}

int main(void)
{
    struct vector *all = vectors_load(VECTORS, ""), *open = vectors_load(VECTORS, "fop400-OPEN.hex");
    unsigned int calls = 0, runs = 0;

    for (struct vector *v = all; v->name[0]; v++) {
        if (!v->call || v->call_len > 0x7fff)
            continue;
        runs += run_one(v, open);
        calls++;
    }
    printf("%u calls, %u runs\n", calls, runs);
    vectors_free(all);
    vectors_free(open);
    return calls < 50;
}
