/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dict-inner.h"

#define XXH_INLINE_ALL
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "options.h"

/* A reply to LOOKUP has two to four pairs of some 20 bytes of name and up to 60 of value. */
#define USUAL_PAIRS 6
#define USUAL_BYTES 432
#define BLOCK_MIN 1024

struct dict *dict_new_for(unsigned int pairs, size_t bytes)
{
    size_t at = sizeof(struct dict) + pairs * sizeof(struct dict_pair);
    struct dict *d = malloc(at + sizeof(struct dict_block) + bytes);

    if (!d)
        return NULL;
    *d = (struct dict){.refs = 1, .cap = pairs, .pairs = d->inl};
    d->own = (struct dict_block *)((uint8_t *)d + at);
    *d->own = (struct dict_block){.size = bytes};
    d->blocks = d->own;
    return d;
}

struct dict *dict_new(void)
{
    return dict_new_for(USUAL_PAIRS, USUAL_BYTES);
}

struct dict *dict_new_large(void)
{
    struct dict *d = dict_new();

    if (d)
        d->max = DICT_LARGE_PAIRS;
    return d;
}

struct dict *dict_ref(struct dict *d)
{
    if (d)
        atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
    return d;
}

void dict_unref(struct dict *d)
{
    /* release, and acquire by the last one: what others did with the dict comes before its end */
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (struct dict_block *b = d->blocks, *next; b; b = next) {
        next = b->next;
        if (b != d->own)
            free(b);
    }
    if (d->pairs != d->inl)
        free(d->pairs);
    free(d->places);
    free(d);
}

unsigned int dict_count(const struct dict *d)
{
    return d ? d->n : 0;
}

const struct dict_pair *dict_at(const struct dict *d, unsigned int i)
{
    return &d->pairs[i];
}

/* ---- finding -------------------------------------------------------------------------------------------------------- */

/* The seed is an address: who chooses the keys cannot choose collisions. */
static uint32_t first_place(const struct dict *d, const char *key, size_t len)
{
    return (uint32_t)XXH3_64bits_withSeed(key, len, (uintptr_t)d) & (d->nr_places - 1);
}

static bool has_key(const struct dict_pair *p, const char *key, size_t len)
{
    return p->key_len == len && memcmp(p->key, key, len) == 0;
}

static struct dict_pair *find(const struct dict *d, const char *key, size_t len)
{
    if (!d->nr_places) {
        for (unsigned int i = 0; i < d->n; i++)
            if (has_key(&d->pairs[i], key, len))
                return &d->pairs[i];
        return NULL;
    }
    for (uint32_t i = first_place(d, key, len); d->places[i]; i = (i + 1) & (d->nr_places - 1)) {
        struct dict_pair *p = &d->pairs[d->places[i] - 1];

        if (has_key(p, key, len))
            return p;
    }
    return NULL;
}

const struct dict_pair *dict_find(const struct dict *d, const char *key)
{
    return d ? find(d, key, strlen(key)) : NULL;
}

static void note_place(struct dict *d, unsigned int position)
{
    uint32_t i = first_place(d, d->pairs[position].key, d->pairs[position].key_len);

    while (d->places[i])
        i = (i + 1) & (d->nr_places - 1);
    d->places[i] = (uint16_t)(position + 1);
}

/* Before a pair is added: a table that stays at most two thirds full. */
static int make_places(struct dict *d)
{
    uint32_t want = d->nr_places ? d->nr_places : 2 * DICT_HASHED_FROM;
    uint16_t *places;

    if (d->n + 1 < DICT_HASHED_FROM || (d->n + 1) * 3 <= d->nr_places * 2)
        return 0;
    while ((d->n + 1) * 3 > want * 2)
        want *= 2;
    places = calloc(want, sizeof(*places));
    if (!places)
        return -ENOMEM;
    free(d->places);
    d->places = places;
    d->nr_places = want;
    for (unsigned int i = 0; i < d->n; i++)
        note_place(d, i);
    return 0;
}

/* ---- adding --------------------------------------------------------------------------------------------------------- */

static void *take_bytes(struct dict *d, size_t len)
{
    size_t room = dict_room(len);
    struct dict_block *b = d->blocks;

    if (b->size - b->used < room) {
        size_t size = max_of(room, (size_t)BLOCK_MIN);

        b = malloc(sizeof(*b) + size);
        if (!b)
            return NULL;
        *b = (struct dict_block){.next = d->blocks, .size = size};
        d->blocks = b;
    }
    b->used += room;
    return b->bytes + b->used - room;
}

static int make_pair(struct dict *d)
{
    unsigned int cap = d->cap < 4 ? 8 : d->cap * 2;
    struct dict_pair *pairs;

    if (d->n >= (d->max ? d->max : DICT_PAIRS_MAX))
        return -E2BIG;
    if (d->n < d->cap)
        return 0;
    pairs = realloc(d->pairs == d->inl ? NULL : d->pairs, cap * sizeof(*pairs));
    if (!pairs)
        return -ENOMEM;
    if (d->pairs == d->inl)
        memcpy(pairs, d->inl, d->n * sizeof(*pairs));
    d->pairs = pairs;
    d->cap = cap;
    return 0;
}

int dict_put(struct dict *d, const char *key, size_t key_len, enum dict_type type, size_t len, void **ret_value)
{
    struct dict_pair *p = find(d, key, key_len);
    char *own_key = NULL;
    uint8_t *value;
    int err;

    if (len > DICT_WIRE_MAX || key_len > DICT_WIRE_MAX)
        return -E2BIG;
    if (!p) {
        if ((err = make_pair(d)) || (err = make_places(d)))
            return err;
        own_key = take_bytes(d, key_len);
        if (!own_key)
            return -ENOMEM;
    }
    /* In its place when it fits: a value that is set again and again takes no more memory. */
    value = p && dict_room(len) <= dict_room(p->len) ? (uint8_t *)p->value : take_bytes(d, len);
    if (!value)
        return -ENOMEM;
    value[len] = 0;
    if (!p) {
        memcpy(own_key, key, key_len);
        own_key[key_len] = 0;
        p = &d->pairs[d->n++];
        p->key = own_key;
        p->key_len = (uint32_t)key_len;
        if (d->nr_places)
            note_place(d, d->n - 1);
    }
    p->type = type;
    p->len = (uint32_t)len;
    p->value = value;
    *ret_value = value;
    return 0;
}

/* 0: any length. */
static size_t size_of_type(enum dict_type type)
{
    switch (type) {
    case DICT_SIGNED:
    case DICT_UNSIGNED:
    case DICT_DOUBLE:
        return 8;
    case DICT_UUID:
        return 16;
    case DICT_IATT:
        return sizeof(struct iatt);
    case DICT_MDATA:
        return sizeof(struct dict_mdata);
    default:
        return 0;
    }
}

int dict_set(struct dict *d, const char *key, enum dict_type type, const void *value, size_t len)
{
    void *to;
    int err;

    if (size_of_type(type) && len != size_of_type(type))
        return -EINVAL;
    err = dict_put(d, key, strlen(key), type, len, &to);

    if (!err && len)
        memmove(to, value, len); /* the value may be the dict's own */
    return err;
}

int dict_set_i64(struct dict *d, const char *key, int64_t v)
{
    return dict_set(d, key, DICT_SIGNED, &v, sizeof(v));
}

int dict_set_u64(struct dict *d, const char *key, uint64_t v)
{
    return dict_set(d, key, DICT_UNSIGNED, &v, sizeof(v));
}

int dict_set_double(struct dict *d, const char *key, double v)
{
    return dict_set(d, key, DICT_DOUBLE, &v, sizeof(v));
}

int dict_set_text(struct dict *d, const char *key, const char *text)
{
    return dict_set(d, key, DICT_TEXT, text, strlen(text) + 1);
}

int dict_set_textf(struct dict *d, const char *key, const char *fmt, ...)
{
    va_list ap;
    char *text;
    int n, err;

    va_start(ap, fmt);
    n = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return -ENOMEM;
    err = dict_set_text(d, key, text);
    free(text);
    return err;
}

int dict_set_binary(struct dict *d, const char *key, const void *bytes, size_t len)
{
    return dict_set(d, key, DICT_BINARY, bytes, len);
}

int dict_set_gfid(struct dict *d, const char *key, gfid_t g)
{
    return dict_set(d, key, DICT_UUID, g.b, sizeof(g.b));
}

int dict_set_iatt(struct dict *d, const char *key, const struct iatt *st)
{
    return dict_set(d, key, DICT_IATT, st, sizeof(*st));
}

void dict_remove(struct dict *d, const char *key)
{
    struct dict_pair *p = d ? find(d, key, strlen(key)) : NULL;

    if (!p)
        return;
    d->n--;
    memmove(p, p + 1, (size_t)(&d->pairs[d->n] - p) * sizeof(*p));
    if (d->nr_places) {
        memset(d->places, 0, d->nr_places * sizeof(*d->places));
        for (unsigned int i = 0; i < d->n; i++)
            note_place(d, i);
    }
}

struct dict *dict_copy(const struct dict *d)
{
    unsigned int pairs = max_of(dict_count(d), (unsigned int)USUAL_PAIRS);
    size_t bytes = USUAL_BYTES / 2; /* who copies wants to add */
    struct dict *copy;

    for (unsigned int i = 0; i < dict_count(d); i++)
        bytes += dict_room(d->pairs[i].key_len) + dict_room(d->pairs[i].len);
    copy = dict_new_for(pairs, bytes);
    if (copy && d)
        copy->max = d->max;
    for (unsigned int i = 0; copy && i < dict_count(d); i++) {
        const struct dict_pair *p = &d->pairs[i];
        void *to;

        if (dict_put(copy, p->key, p->key_len, p->type, p->len, &to) < 0) {
            dict_unref(copy);
            return NULL;
        }
        memcpy(to, p->value, p->len);
    }
    return copy;
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

int dict_number_text(const struct dict_pair *p, char text[DICT_NUMBER_TEXT])
{
    switch (p->type) {
    case DICT_SIGNED:
        return snprintf(text, DICT_NUMBER_TEXT, "%" PRId64, *(const int64_t *)p->value);
    case DICT_UNSIGNED:
        return snprintf(text, DICT_NUMBER_TEXT, "%" PRIu64, *(const uint64_t *)p->value);
    case DICT_DOUBLE:
        return snprintf(text, DICT_NUMBER_TEXT, "%f", *(const double *)p->value);
    default:
        return -EINVAL;
    }
}

static bool is_bytes(const struct dict_pair *p)
{
    return p->type == DICT_TEXT || p->type == DICT_OLD_STRING || p->type == DICT_BINARY;
}

int dict_get_i64(const struct dict *d, const char *key, int64_t *ret)
{
    const struct dict_pair *p = dict_find(d, key);
    double number;

    if (!p)
        return -ENOENT;
    if (is_bytes(p))
        return parse_int(p->value, ret);
    switch (p->type) {
    case DICT_SIGNED:
        *ret = *(const int64_t *)p->value;
        return 0;
    case DICT_UNSIGNED:
        if (*(const uint64_t *)p->value > INT64_MAX)
            return -EINVAL;
        *ret = (int64_t)*(const uint64_t *)p->value;
        return 0;
    case DICT_DOUBLE:
        number = *(const double *)p->value;
        if (!(number >= -0x1p63 && number < 0x1p63))
            return -EINVAL;
        *ret = (int64_t)number;
        return 0;
    default:
        return -EINVAL;
    }
}

int dict_get_u64(const struct dict *d, const char *key, uint64_t *ret)
{
    const struct dict_pair *p = dict_find(d, key);
    int64_t number;
    char *end;
    int err;

    if (p && p->type == DICT_UNSIGNED) {
        *ret = *(const uint64_t *)p->value;
        return 0;
    }
    err = dict_get_i64(d, key, &number);
    if (!err && number >= 0) {
        *ret = (uint64_t)number;
        return 0;
    }
    if (err && p && is_bytes(p) && *(const char *)p->value != '-') { /* from 2^63 on */
        uint64_t big;

        errno = 0;
        big = strtoull(p->value, &end, 0);
        if (!errno && !*end && end != p->value) {
            *ret = big;
            return 0;
        }
    }
    return err ? err : -EINVAL;
}

int dict_get_text(const struct dict *d, const char *key, const char **ret)
{
    const struct dict_pair *p = dict_find(d, key);

    if (!p)
        return -ENOENT;
    if (!is_bytes(p))
        return -EINVAL;
    *ret = p->value; /* dict_put() set a NUL behind it */
    return 0;
}

int dict_get_gfid(const struct dict *d, const char *key, gfid_t *ret)
{
    const struct dict_pair *p = dict_find(d, key);

    if (!p)
        return -ENOENT;
    if (p->len == sizeof(ret->b)) {
        memcpy(ret->b, p->value, sizeof(ret->b));
        return 0;
    }
    if (!is_bytes(p) || !gfid_parse(p->value, ret))
        return -EINVAL;
    return 0;
}

/* The 40 bytes are the little-endian memory image of the serialized form: spec wire 4.3. */
static void mdata_from_image(const uint8_t *from, struct dict_mdata *ret)
{
    int64_t seconds[3];
    uint32_t nanoseconds[3];

    memcpy(seconds, from, sizeof(seconds));
    memcpy(nanoseconds, from + sizeof(seconds), sizeof(nanoseconds));
    ret->atime = (int64_t)le64toh((uint64_t)seconds[0]);
    ret->mtime = (int64_t)le64toh((uint64_t)seconds[1]);
    ret->ctime = (int64_t)le64toh((uint64_t)seconds[2]);
    ret->atime_nsec = le32toh(nanoseconds[0]);
    ret->mtime_nsec = le32toh(nanoseconds[1]);
    ret->ctime_nsec = le32toh(nanoseconds[2]);
}

int dict_get_mdata(const struct dict *d, const char *key, struct dict_mdata *ret)
{
    const struct dict_pair *p = dict_find(d, key);

    if (!p)
        return -ENOENT;
    if (p->type == DICT_MDATA)
        *ret = *(const struct dict_mdata *)p->value;
    else if (is_bytes(p) && p->len >= 40)
        mdata_from_image(p->value, ret);
    else
        return -EINVAL;
    return 0;
}

bool dict_is_true(const struct dict *d, const char *key)
{
    const struct dict_pair *p = dict_find(d, key);
    int64_t number;
    bool flag;

    if (!p)
        return false;
    if (p->type == DICT_UNSIGNED)
        return *(const uint64_t *)p->value != 0;
    if (dict_get_i64(d, key, &number) == 0)
        return number != 0;
    return is_bytes(p) && parse_bool(p->value, &flag) == 0 && flag;
}
