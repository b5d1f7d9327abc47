/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Both wire forms of a dict against any bytes. First byte: which form. What is decoded must encode, and decode to the same. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_same(const struct dict *a, const struct dict *b)
{
    assert(dict_count(a) == dict_count(b));
    for (unsigned int i = 0; i < dict_count(a); i++) {
        const struct dict_pair *x = dict_at(a, i), *y = dict_at(b, i);

        assert(x->key_len == y->key_len && memcmp(x->key, y->key, x->key_len) == 0);
        assert(x->type == y->type && x->len == y->len);
        assert(x->len == 0 || memcmp(x->value, y->value, x->len) == 0);
    }
}

/* Every getter of every pair: they read what a peer sent. */
static void read_all(const struct dict *d)
{
    struct dict_mdata mdata;
    const char *text;
    gfid_t gfid;
    uint64_t u;
    int64_t i;

    for (unsigned int n = 0; n < dict_count(d); n++) {
        const char *key = dict_at(d, n)->key;

        assert(dict_find(d, key) == dict_at(d, n));
        dict_get_i64(d, key, &i);
        dict_get_u64(d, key, &u);
        dict_get_gfid(d, key, &gfid);
        dict_get_mdata(d, key, &mdata);
        dict_is_true(d, key);
        if (dict_get_text(d, key, &text) == 0)
            assert(strlen(text) <= dict_at(d, n)->len);
    }
}

static int decode(bool typed, const uint8_t *bytes, size_t len, struct dict **ret, size_t *ret_used)
{
    *ret_used = len;
    return typed ? dict4_decode(bytes, len, ret, ret_used) : dict3_decode(bytes, len, ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool typed = size && (data[0] & 1);
    struct dict *d = NULL, *again = NULL, *copy;
    size_t used, len;
    uint8_t *bytes;
    int64_t span;
    int err;

    if (!size)
        return 0;
    err = decode(typed, data + 1, size - 1, &d, &used);
    span = typed ? dict4_span(data + 1, size - 1) : 0;
    assert(err == 0 || err == -EINVAL || err == -E2BIG);
    assert(!typed || (err ? span == err : span == (int64_t)used));
    if (err || !d)
        return 0;
    read_all(d);
    len = typed ? dict4_size(d) : dict3_size(d);
    bytes = malloc(len);
    if (typed)
        dict4_encode(d, bytes);
    else
        dict3_encode(d, bytes);
    assert(decode(typed, bytes, len, &again, &used) == 0 && used == len);
    assert_same(d, again);
    copy = dict_copy(d);
    assert_same(d, copy);
    while (dict_count(copy))
        dict_remove(copy, dict_at(copy, dict_count(copy) / 2)->key);
    dict_unref(copy);
    dict_unref(again);
    dict_unref(d);
    free(bytes);
    return 0;
}
