/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dict.h: named values, in order of insertion. Extended attributes, xdata, handshake, management.
 *
 * A value has a type and its bytes. Numbers, text and binary may be read as each other where stock does so ("types are not
 * enforced when a value is used", spec wire 4.2): dict_get_i64() reads numbers sent as text, and so on.
 *
 * Owners   Refcounted. Keys and values are copied in. A dict that others can see is not changed any more: dict_copy() first.
 * Threads  No lock: one owner writes, then all read.
 * Bounds   Adding beyond DICT_PAIRS_MAX pairs gives -E2BIG. Decoders refuse more than DICT_WIRE_MAX bytes (design section 6). Answers of
 *          the management daemon, who gathers what many bricks have said, have wider ones: DICT_LARGE_PAIRS, DICT_LARGE_WIRE.
 * Source   spec wire section 4: serialized form (4.1) and typed form (4.2). */
#ifndef GF_DICT_H
#define GF_DICT_H

#include "iatt.h"
#include "util.h"

#define DICT_PAIRS_MAX 4096
#define DICT_WIRE_MAX (1 * MiB)
#define DICT_LARGE_PAIRS 65534      /* positions are 16 bits wide */
#define DICT_LARGE_WIRE (1984 * KiB) /* with what is around it in one record head: RPC_HEAD_MAX of rpc-lib's client */

/* The numbers are those of the typed wire form. */
enum dict_type {
    DICT_OLD_STRING = 1, /* untyped bytes, from a serialized dict */
    DICT_SIGNED = 2,
    DICT_UNSIGNED = 3,
    DICT_DOUBLE = 4,
    DICT_TEXT = 5,       /* NUL counted in len */
    DICT_BINARY = 6,
    DICT_UUID = 7,
    DICT_IATT = 8,       /* value is a struct iatt */
    DICT_MDATA = 9,      /* value is a struct dict_mdata */
};
struct dict_mdata {
    int64_t atime, mtime, ctime;
    uint32_t atime_nsec, mtime_nsec, ctime_nsec;
};
struct dict_pair {
    const char *key;
    uint32_t key_len;    /* without NUL */
    enum dict_type type;
    uint32_t len;
    const void *value;   /* aligned for its type */
};
struct dict;

struct dict *dict_new(void);
struct dict *dict_new_large(void);        /* DICT_LARGE_PAIRS; so is its dict_copy() */
struct dict *dict_ref(struct dict *d);    /* NULL is fine */
void dict_unref(struct dict *d);          /* NULL is fine */
struct dict *dict_copy(const struct dict *d);
unsigned int dict_count(const struct dict *d);              /* 0 for NULL */
const struct dict_pair *dict_at(const struct dict *d, unsigned int i);
const struct dict_pair *dict_find(const struct dict *d, const char *key); /* NULL dict is fine; so in all getters */

/* Setters replace a pair of the same key in its place. 0, -ENOMEM or -E2BIG. */
int dict_set(struct dict *d, const char *key, enum dict_type type, const void *value, size_t len);
int dict_set_i64(struct dict *d, const char *key, int64_t v);
int dict_set_u64(struct dict *d, const char *key, uint64_t v);
int dict_set_double(struct dict *d, const char *key, double v);
int dict_set_text(struct dict *d, const char *key, const char *text);
int dict_set_textf(struct dict *d, const char *key, const char *fmt, ...) PRINTF(3, 4);
int dict_set_binary(struct dict *d, const char *key, const void *bytes, size_t len);
int dict_set_gfid(struct dict *d, const char *key, gfid_t g);
int dict_set_iatt(struct dict *d, const char *key, const struct iatt *st);
void dict_remove(struct dict *d, const char *key);

/* 0, -ENOENT, or -EINVAL when the value cannot be read so. */
int dict_get_i64(const struct dict *d, const char *key, int64_t *ret);
int dict_get_u64(const struct dict *d, const char *key, uint64_t *ret);
int dict_get_text(const struct dict *d, const char *key, const char **ret); /* NUL-terminated for certain; lives with the dict */
int dict_get_gfid(const struct dict *d, const char *key, gfid_t *ret);      /* 16 bytes of any type, or text of 36 */
int dict_get_mdata(const struct dict *d, const char *key, struct dict_mdata *ret);
bool dict_is_true(const struct dict *d, const char *key);                   /* there, and not 0, "off", "no", ... */

/* Serialized form (dict3): what is inside the opaque. A NULL dict is no bytes. Encoding writes text with NUL, numbers as
 * decimal text. -EINVAL: malformed; -E2BIG: over a bound. len 0 gives a NULL dict and 0. */
size_t dict3_size(const struct dict *d);
void dict3_encode(const struct dict *d, uint8_t *to);
int dict3_decode(const uint8_t *bytes, size_t len, struct dict **ret);
int dict3_decode_large(const uint8_t *bytes, size_t len, struct dict **ret);

/* Typed form (dict4), of program 400: all of it, the three leading words included. dict4_decode() says how many bytes it was
 * in ret_used. Duplicate keys: the last wins. */
size_t dict4_size(const struct dict *d);
void dict4_encode(const struct dict *d, uint8_t *to);
int dict4_decode(const uint8_t *bytes, size_t len, struct dict **ret, size_t *ret_used);
/* Walks the same bytes without making a dict: used where a record is looked at before it is taken. -EINVAL, or the size. */
int64_t dict4_span(const uint8_t *bytes, size_t len);

/* The 148-byte and 100-byte wire forms of attributes (spec 5.2, 5.3); also used by rpc/xdr. */
void iatt4_encode(const struct iatt *st, uint8_t to[148]);
void iatt4_decode(const uint8_t from[148], struct iatt *ret);
void iatt3_encode(const struct iatt *st, uint8_t to[100]);

#endif
