/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dict-inner.h: what dict.c and dict-wire.c share. */
#ifndef GF_DICT_INNER_H
#define GF_DICT_INNER_H

#include <stdatomic.h>

#include "dict.h"

/* Keys and values live in blocks. The first is part of the dict's own allocation, and so are the first pairs: a dict of the
 * usual size is one malloc. Places are multiples of 8, so that every value is aligned for its type. */
struct dict_block {
    struct dict_block *next;
    size_t used, size;
    uint8_t bytes[] __attribute__((aligned(8)));
};

/* From so many pairs on they are found through a table of their positions. Below, looking at each length is faster. */
#define DICT_HASHED_FROM 16

struct dict {
    atomic_uint refs;
    unsigned int n, cap;
    unsigned int max;           /* pairs; 0: DICT_PAIRS_MAX */
    uint32_t nr_places;         /* of the hash table: a power of two above 1.5 * n; 0: none */
    uint16_t *places;           /* position + 1, 0: free */
    struct dict_pair *pairs;    /* inl, or the heap */
    struct dict_block *blocks;  /* the first has room */
    struct dict_block *own;     /* part of this allocation */
    struct dict_pair inl[];
};

/* Room for so many pairs and so many bytes of keys and values (dict_room() of each) in one allocation. */
struct dict *dict_new_for(unsigned int pairs, size_t bytes);

/* What one key or value of len bytes takes: a NUL behind it, so that any value can be read as text. */
static inline size_t dict_room(size_t len)
{
    return (len + 1 + 7) & ~(size_t)7;
}

/* Adds a pair, or makes place for a new value of the same key. ret_value: len bytes to be filled in by the caller. */
int dict_put(struct dict *d, const char *key, size_t key_len, enum dict_type type, size_t len, void **ret_value);

/* Text of numbers, as the serialized form has it. */
#define DICT_NUMBER_TEXT 352 /* "%f" of DBL_MAX has 317 characters */
int dict_number_text(const struct dict_pair *p, char text[DICT_NUMBER_TEXT]); /* length, or -EINVAL */

#endif
