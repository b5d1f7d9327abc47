/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The two forms of a dict on the wire: serialized (dict3) and typed (dict4). Spec wire 4.1 to 4.3.
 *
 * A decoder walks the bytes twice: first it only checks and adds up, then it makes a dict of exactly that size in one
 * allocation. So nothing is allocated on the peer's word, and the second walk cannot fail for the bytes' sake. */
#include <errno.h>

#include "dict-inner.h"
#include "wire-words.h"

/* One pair as it stands in the bytes. */
struct wire_pair {
    const char *key;
    size_t key_len;
    enum dict_type type;
    const uint8_t *value;
    size_t len;            /* of value in the bytes */
};

/* How long the value is in memory. */
static size_t value_size(enum dict_type type, size_t wire_len)
{
    switch (type) {
    case DICT_IATT:
        return sizeof(struct iatt);
    case DICT_MDATA:
        return sizeof(struct dict_mdata);
    default:
        return wire_len;
    }
}

typedef int (*next_pair_fn)(const uint8_t *bytes, size_t len, size_t *at, struct wire_pair *ret);

static void value_from_wire(const struct wire_pair *w, void *to)
{
    struct dict_mdata *mdata = to;

    switch (w->type) {
    case DICT_SIGNED:
    case DICT_UNSIGNED:
    case DICT_DOUBLE:
        *(uint64_t *)to = get_u64(w->value);
        break;
    case DICT_IATT:
        memset(to, 0, sizeof(struct iatt));
        iatt4_decode(w->value, to);
        break;
    case DICT_MDATA:
        memset(to, 0, sizeof(*mdata));
        mdata->atime = (int64_t)get_u64(w->value);
        mdata->mtime = (int64_t)get_u64(w->value + 8);
        mdata->ctime = (int64_t)get_u64(w->value + 16);
        mdata->atime_nsec = get_u32(w->value + 24);
        mdata->mtime_nsec = get_u32(w->value + 28);
        mdata->ctime_nsec = get_u32(w->value + 32);
        break;
    default:
        memcpy(to, w->value, w->len);
    }
}

/* ret_dict NULL: only check. Otherwise the bytes are known to be right. ret_used: where the last pair ended. */
static int decode_pairs(const uint8_t *bytes, size_t len, size_t max, size_t at, uint32_t n, next_pair_fn next, struct dict **ret_dict,
                        size_t *ret_used)
{
    size_t room = 0, start = at;
    struct wire_pair w;
    struct dict *d;
    void *to;
    int err;

    for (uint32_t i = 0; i < n; i++) {
        if ((err = next(bytes, len, &at, &w)))
            return err;
        if (at > max)
            return -E2BIG;
        room += dict_room(w.key_len) + dict_room(value_size(w.type, w.len));
    }
    *ret_used = at;
    if (!ret_dict)
        return 0;
    d = dict_new_for(n, room);
    if (!d)
        return -ENOMEM;
    d->max = n > DICT_PAIRS_MAX ? DICT_LARGE_PAIRS : 0;
    at = start;
    for (uint32_t i = 0; i < n; i++) {
        next(bytes, len, &at, &w);
        if (!w.type)
            continue;
        if ((err = dict_put(d, w.key, w.key_len, w.type, value_size(w.type, w.len), &to))) {
            dict_unref(d);
            return err;
        }
        value_from_wire(&w, to);
    }
    *ret_dict = d;
    return 0;
}

static bool take(size_t len, size_t *at, size_t want, const uint8_t *bytes, const uint8_t **ret)
{
    if (len - *at < want)
        return false;
    *ret = bytes + *at;
    *at += want;
    return true;
}

/* ---- typed form ----------------------------------------------------------------------------------------------------- */

#define PAIR4_MIN 12 /* a name of one byte and no value (type 0): what npairs is held against before any walk */

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

static bool take_opaque(const uint8_t *bytes, size_t len, size_t *at, const uint8_t **ret, size_t *ret_len)
{
    const uint8_t *word;

    if (!take(len, at, 4, bytes, &word) || get_u32(word) > len - *at)
        return false;
    *ret_len = get_u32(word);
    return take(len, at, padded(*ret_len), bytes, ret);
}

static int next_pair4(const uint8_t *bytes, size_t len, size_t *at, struct wire_pair *ret)
{
    static const size_t fixed[] = {[DICT_SIGNED] = 8, [DICT_UNSIGNED] = 8, [DICT_DOUBLE] = 8, [DICT_UUID] = 16,
                                   [DICT_IATT] = 148, [DICT_MDATA] = 36};
    const uint8_t *key, *word;
    size_t key_len;

    if (!take_opaque(bytes, len, at, &key, &key_len) || !key_len || memchr(key, 0, key_len) != key + key_len - 1)
        return -EINVAL;
    ret->key = (const char *)key;
    ret->key_len = key_len - 1;
    if (!take(len, at, 4, bytes, &word))
        return -EINVAL;
    ret->type = get_u32(word);
    ret->value = NULL;
    ret->len = 0;
    switch (get_u32(word)) {
    case 0: /* no value; stock drops such a pair */
        return 0;
    case DICT_OLD_STRING:
    case DICT_TEXT:
    case DICT_BINARY:
        return take_opaque(bytes, len, at, &ret->value, &ret->len) ? 0 : -EINVAL;
    case DICT_SIGNED:
    case DICT_UNSIGNED:
    case DICT_DOUBLE:
    case DICT_UUID:
    case DICT_IATT:
    case DICT_MDATA:
        ret->len = fixed[ret->type];
        return take(len, at, ret->len, bytes, &ret->value) ? 0 : -EINVAL;
    default:
        return -EINVAL;
    }
}

/* The words: bytes of all pairs (not compared by stock either), count (negative: no dict), pairs that follow. */
static int dict4_head(const uint8_t *bytes, size_t len, uint32_t *ret_n, bool *ret_null)
{
    if (len < 12)
        return -EINVAL;
    *ret_null = (int32_t)get_u32(bytes + 4) < 0;
    *ret_n = get_u32(bytes + 8);
    if (*ret_n > (len - 12) / PAIR4_MIN)
        return -EINVAL;
    return *ret_n > DICT_PAIRS_MAX ? -E2BIG : 0;
}

int dict4_decode(const uint8_t *bytes, size_t len, struct dict **ret, size_t *ret_used)
{
    struct dict *d = NULL;
    uint32_t n;
    bool null;
    int err;

    if ((err = dict4_head(bytes, len, &n, &null)) ||
        (err = decode_pairs(bytes, len, DICT_WIRE_MAX, 12, n, next_pair4, null ? NULL : &d, ret_used)))
        return err;
    *ret = d;
    return 0;
}

int64_t dict4_span(const uint8_t *bytes, size_t len)
{
    size_t used;
    uint32_t n;
    bool null;
    int err;

    if ((err = dict4_head(bytes, len, &n, &null)) || (err = decode_pairs(bytes, len, DICT_WIRE_MAX, 12, n, next_pair4, NULL, &used)))
        return err;
    return (int64_t)used;
}

static size_t value4_size(const struct dict_pair *p)
{
    switch (p->type) {
    case DICT_IATT:
        return 148;
    case DICT_MDATA:
        return 36;
    case DICT_SIGNED:
    case DICT_UNSIGNED:
    case DICT_DOUBLE:
    case DICT_UUID:
        return p->len;
    default:
        return 4 + padded(p->len);
    }
}

size_t dict4_size(const struct dict *d)
{
    size_t size = 12;

    for (unsigned int i = 0; i < dict_count(d); i++)
        size += 4 + padded(d->pairs[i].key_len + 1) + 4 + value4_size(&d->pairs[i]);
    return size;
}

static uint8_t *put_opaque(uint8_t *to, const void *bytes, size_t len)
{
    put_u32(to, (uint32_t)len);
    memcpy(to + 4, bytes, len);
    memset(to + 4 + len, 0, padded(len) - len);
    return to + 4 + padded(len);
}

static uint8_t *put_value4(uint8_t *to, const struct dict_pair *p)
{
    const struct dict_mdata *mdata = p->value;

    switch (p->type) {
    case DICT_SIGNED:
    case DICT_UNSIGNED:
    case DICT_DOUBLE:
        put_u64(to, *(const uint64_t *)p->value);
        return to + 8;
    case DICT_UUID:
        memcpy(to, p->value, 16);
        return to + 16;
    case DICT_IATT:
        iatt4_encode(p->value, to);
        return to + 148;
    case DICT_MDATA:
        put_u64(to, (uint64_t)mdata->atime);
        put_u64(to + 8, (uint64_t)mdata->mtime);
        put_u64(to + 16, (uint64_t)mdata->ctime);
        put_u32(to + 24, mdata->atime_nsec);
        put_u32(to + 28, mdata->mtime_nsec);
        put_u32(to + 32, mdata->ctime_nsec);
        return to + 36;
    default:
        return put_opaque(to, p->value, p->len);
    }
}

void dict4_encode(const struct dict *d, uint8_t *to)
{
    uint8_t *at = to + 12;

    for (unsigned int i = 0; i < dict_count(d); i++) {
        const struct dict_pair *p = &d->pairs[i];

        at = put_opaque(at, p->key, p->key_len + 1);
        put_u32(at, p->type);
        at = put_value4(at + 4, p);
    }
    put_u32(to, (uint32_t)(at - to - 12));
    put_u32(to + 4, d ? d->n : UINT32_MAX);
    put_u32(to + 8, dict_count(d));
}

/* ---- serialized form ------------------------------------------------------------------------------------------------ */

#define PAIR3_MIN 9
#define IATT_IMAGE 152
#define MDATA_IMAGE 40

static int next_pair3(const uint8_t *bytes, size_t len, size_t *at, struct wire_pair *ret)
{
    const uint8_t *lengths, *key;
    size_t key_len, value_len;

    if (!take(len, at, 8, bytes, &lengths))
        return -EINVAL;
    key_len = get_u32(lengths);
    value_len = get_u32(lengths + 4);
    if (!key_len || key_len >= len || value_len > len || !take(len, at, key_len + 1, bytes, &key) ||
        memchr(key, 0, key_len + 1) != key + key_len || !take(len, at, value_len, bytes, &ret->value))
        return -EINVAL;
    ret->key = (const char *)key;
    ret->key_len = key_len;
    ret->type = DICT_OLD_STRING;
    ret->len = value_len;
    return 0;
}

static int decode3(const uint8_t *bytes, size_t len, size_t max, uint32_t max_pairs, struct dict **ret)
{
    struct dict *d = NULL;
    size_t used;
    int err;

    if (!len) {
        *ret = NULL;
        return 0;
    }
    if (len > max)
        return -E2BIG;
    if (len < 4 || get_u32(bytes) > (len - 4) / PAIR3_MIN)
        return -EINVAL;
    if (get_u32(bytes) > max_pairs)
        return -E2BIG;
    err = decode_pairs(bytes, len, max, 4, get_u32(bytes), next_pair3, &d, &used);
    if (!err)
        *ret = d;
    return err;
}

int dict3_decode(const uint8_t *bytes, size_t len, struct dict **ret)
{
    return decode3(bytes, len, DICT_WIRE_MAX, DICT_PAIRS_MAX, ret);
}

int dict3_decode_large(const uint8_t *bytes, size_t len, struct dict **ret)
{
    return decode3(bytes, len, DICT_LARGE_WIRE, DICT_LARGE_PAIRS, ret);
}

static void put_le32(uint8_t *to, uint32_t v)
{
    v = htole32(v);
    memcpy(to, &v, sizeof(v));
}

static void put_le64(uint8_t *to, uint64_t v)
{
    v = htole64(v);
    memcpy(to, &v, sizeof(v));
}

/* rwx of one class, read in bit 0. */
static uint8_t image_rwx(uint32_t mode, unsigned int shift)
{
    uint32_t rwx = mode >> shift;

    return (uint8_t)((rwx & 4) >> 2 | (rwx & 2) | (rwx & 1) << 2);
}

static void put_iatt_image(uint8_t to[IATT_IMAGE], const struct iatt *st)
{
    memset(to, 0, IATT_IMAGE);
    put_le64(to + 8, st->ino);
    put_le64(to + 16, st->dev);
    put_le64(to + 24, st->rdev);
    put_le64(to + 32, st->size);
    put_le32(to + 40, st->nlink);
    put_le32(to + 44, st->uid);
    put_le32(to + 48, st->gid);
    put_le32(to + 52, st->blksize);
    put_le64(to + 56, st->blocks);
    put_le64(to + 64, (uint64_t)st->atime);
    put_le64(to + 72, (uint64_t)st->mtime);
    put_le64(to + 80, (uint64_t)st->ctime);
    put_le32(to + 96, st->atime_nsec);
    put_le32(to + 100, st->mtime_nsec);
    put_le32(to + 104, st->ctime_nsec);
    memcpy(to + 128, st->gfid.b, 16);
    put_le32(to + 144, iatt_type(st->mode));
    to[148] = (uint8_t)((st->mode & S_ISUID ? 1 : 0) | (st->mode & S_ISGID ? 2 : 0) | (st->mode & S_ISVTX ? 4 : 0));
    to[149] = image_rwx(st->mode, 6);
    to[150] = image_rwx(st->mode, 3);
    to[151] = image_rwx(st->mode, 0);
}

static void put_mdata_image(uint8_t to[MDATA_IMAGE], const struct dict_mdata *m)
{
    put_le64(to, (uint64_t)m->atime);
    put_le64(to + 8, (uint64_t)m->mtime);
    put_le64(to + 16, (uint64_t)m->ctime);
    put_le32(to + 24, m->atime_nsec);
    put_le32(to + 28, m->mtime_nsec);
    put_le32(to + 32, m->ctime_nsec);
    put_le32(to + 36, 0);
}

/* to NULL: only the length. */
static size_t put_value3(uint8_t *to, const struct dict_pair *p)
{
    char text[DICT_NUMBER_TEXT];
    int n = dict_number_text(p, text);

    if (n >= 0) {
        if (to)
            memcpy(to, text, (size_t)n + 1);
        return (size_t)n + 1;
    }
    switch (p->type) {
    case DICT_IATT:
        if (to)
            put_iatt_image(to, p->value);
        return IATT_IMAGE;
    case DICT_MDATA:
        if (to)
            put_mdata_image(to, p->value);
        return MDATA_IMAGE;
    default:
        if (to)
            memcpy(to, p->value, p->len);
        return p->len;
    }
}

size_t dict3_size(const struct dict *d)
{
    size_t size = d ? 4 : 0;

    for (unsigned int i = 0; i < dict_count(d); i++)
        size += 9 + d->pairs[i].key_len + put_value3(NULL, &d->pairs[i]);
    return size;
}

void dict3_encode(const struct dict *d, uint8_t *to)
{
    uint8_t *at = to + 4;

    if (!d)
        return;
    put_u32(to, d->n);
    for (unsigned int i = 0; i < d->n; i++) {
        const struct dict_pair *p = &d->pairs[i];
        size_t len = put_value3(at + 8 + p->key_len + 1, p);

        put_u32(at, p->key_len);
        put_u32(at + 4, (uint32_t)len);
        memcpy(at + 8, p->key, p->key_len + 1);
        at += 8 + p->key_len + 1 + len;
    }
}
