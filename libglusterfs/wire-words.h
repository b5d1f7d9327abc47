/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* wire-words.h: big-endian words in byte arrays of any alignment. The caller has checked that the bytes are there. */
#ifndef GF_WIRE_WORDS_H
#define GF_WIRE_WORDS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t get_u32(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return be32toh(v);
}
static inline uint64_t get_u64(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof(v));
    return be64toh(v);
}
static inline void put_u32(uint8_t *to, uint32_t v)
{
    v = htobe32(v);
    memcpy(to, &v, sizeof(v));
}
static inline void put_u64(uint8_t *to, uint64_t v)
{
    v = htobe64(v);
    memcpy(to, &v, sizeof(v));
}

#endif
