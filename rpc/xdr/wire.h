/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* wire.h: the primitives that the .x files of this folder are written in, and the streams that they run on.
 *
 * The .x files are the only description of the wire structures. rpcgen turns each struct into one function that sizes,
 * encodes and decodes it; a type that it does not know (u32, wire_name, ...) becomes a call of xdr_TYPE, which is here.
 *
 * Hostile   Decoding allocates nothing and copies nothing of variable length: what has a length becomes a view into the
 *           record, checked against what remains of it. A list is walked once to check it, in a loop, and stays a view.
 * Owners    A decoded struct borrows from the record and is valid as long as the record. A struct that is to be encoded
 *           borrows whatever it points to. There is nothing to free in either.
 * Threads   A stream and a struct belong to whoever uses them.
 *
 * Source: RFC 4506; spec wire sections 0, 4 and 5. */
#ifndef XDR_WIRE_H
#define XDR_WIRE_H

#include <endian.h>
#include <rpc/rpc.h>

#include "dict.h"
#include "iobuf.h"

/* ---- streams ----------------------------------------------------------------------------------------------------------
 * XDR handles of libtirpc with operations of ours: unlike xdrmem they do not care for alignment (after bulk data of odd
 * length nothing is aligned), and there is one that only counts. */
void wire_reader(XDR *x, const void *bytes, size_t len);
void wire_writer(XDR *x, void *to, size_t room);
void wire_sizer(XDR *x);
size_t wire_done(const XDR *x); /* bytes read, written or counted so far */

/* What a request or reply takes, exactly; 0: it cannot be encoded (a text over its bound). proc is what rpcgen made. */
size_t wire_size(void *proc, const void *obj);
/* Encodes into a new buffer, one allocation. -ENOMEM, or -EMSGSIZE when it cannot be encoded. */
int wire_encode(struct iobuf_pool *pool, void *proc, const void *obj, struct slice *ret);
/* Number of bytes that it was; what follows them is the caller's business. -EINVAL: malformed. */
int64_t wire_decode(void *proc, void *ret_obj, const void *bytes, size_t len);

/* ---- numbers -----------------------------------------------------------------------------------------------------------
 * Inline: a header or a request is mostly these. */
typedef uint32_t u32;
typedef int32_t i32;
typedef uint64_t u64;
typedef int64_t i64;

/* The next n bytes to read; NULL: there are not so many. */
static inline const uint8_t *wire_take(XDR *x, uint32_t n)
{
    const uint8_t *p = x->x_private;
    if (n > x->x_handy)
        return NULL;
    x->x_handy -= n;
    x->x_private = (uint8_t *)x->x_private + n;
    return p;
}
/* The place of the next n bytes to write; *ret_at is NULL on the counting stream. False: no room. */
static inline bool wire_room(XDR *x, uint32_t n, uint8_t **ret_at)
{
    if (n > x->x_handy)
        return false;
    x->x_handy -= n;
    *ret_at = x->x_private;
    if (*ret_at)
        x->x_private = *ret_at + n;
    return true;
}
static inline bool wire_put(XDR *x, const void *bytes, uint32_t n)
{
    uint8_t *at;
    if (!wire_room(x, n, &at))
        return false;
    if (at && n > 0)
        memcpy(at, bytes, n);
    return true;
}
static inline bool_t xdr_u32(XDR *x, u32 *v)
{
    uint32_t be;
    if (x->x_op == XDR_DECODE) {
        const uint8_t *p = wire_take(x, 4);
        if (!p)
            return FALSE;
        memcpy(&be, p, 4);
        *v = be32toh(be);
        return TRUE;
    }
    be = htobe32(*v);
    return x->x_op == XDR_FREE || wire_put(x, &be, 4);
}
static inline bool_t xdr_u64(XDR *x, u64 *v)
{
    uint64_t be;
    if (x->x_op == XDR_DECODE) {
        const uint8_t *p = wire_take(x, 8);
        if (!p)
            return FALSE;
        memcpy(&be, p, 8);
        *v = be64toh(be);
        return TRUE;
    }
    be = htobe64(*v);
    return x->x_op == XDR_FREE || wire_put(x, &be, 8);
}
static inline bool_t xdr_i32(XDR *x, i32 *v)
{
    return xdr_u32(x, (u32 *)v);
}
static inline bool_t xdr_i64(XDR *x, i64 *v)
{
    return xdr_u64(x, (u64 *)v);
}
bool_t xdr_gfid_t(XDR *x, gfid_t *g); /* 16 bytes, no length */

/* ---- bytes and text ----------------------------------------------------------------------------------------------------
 * u32 length, bytes, zeros up to a multiple of four. Views; text has no NUL behind it and none in it. */
struct wire_bytes {
    const uint8_t *at;
    uint32_t len;
};
typedef struct wire_bytes wire_bytes;  /* any bytes                                                   */
typedef struct wire_bytes wire_dict3;  /* a serialized dictionary; empty: none. dict3_decode() reads it */
struct wire_str {
    const char *at;
    uint32_t len;
};
typedef struct wire_str wire_name;     /* at most WIRE_NAME_MAX: names of entries, attributes, lock domains; link targets, paths.
                                          What is longer than a directory entry may be is the server's to refuse, by its errno */
typedef struct wire_str wire_text;     /* at most WIRE_TEXT_MAX: volume files, messages                 */
#define WIRE_NAME_MAX 4095
#define WIRE_TEXT_MAX (4 * MiB)
bool_t xdr_wire_bytes(XDR *x, wire_bytes *b);
bool_t xdr_wire_dict3(XDR *x, wire_dict3 *b);
bool_t xdr_wire_name(XDR *x, wire_name *s);
bool_t xdr_wire_text(XDR *x, wire_text *s);
static inline struct wire_str wire_str(const char *text) /* NULL is "" */
{
    return (struct wire_str){.at = text, .len = text ? (uint32_t)strlen(text) : 0};
}
bool wire_str_is(struct wire_str s, const char *text);

/* ---- attributes --------------------------------------------------------------------------------------------------------
 * One block each. wire_iatt4_of() fills in what a stock brick says about its attributes: all zero for "none". */
typedef struct wire_iatt4 {
    struct iatt st;
    uint64_t flags;     /* which members are valid, spec wire 5.3; stock does not look at it */
    uint64_t attributes, attributes_mask;
    int64_t btime;
    uint32_t btime_nsec;
} wire_iatt4;
typedef struct iatt wire_iatt3; /* of callbacks; seconds have 32 bits there */
#define WIRE_IATT4_LEN 148
#define WIRE_IATT3_LEN 100
bool_t xdr_wire_iatt4(XDR *x, wire_iatt4 *st);
bool_t xdr_wire_iatt3(XDR *x, wire_iatt3 *st);
wire_iatt4 wire_iatt4_of(const struct iatt *st);

/* ---- dictionaries ------------------------------------------------------------------------------------------------------
 * Typed form. Decoding: `at` and `len` are all of it, checked by dict4_span(); dict stays NULL until wire_dict_open().
 * Encoding: `dict` when `at` is NULL; NULL is the NULL form. */
typedef struct wire_dict {
    const uint8_t *at;
    uint32_t len;
    const struct dict *dict;
} wire_dict;
bool_t xdr_wire_dict(XDR *x, wire_dict *d);
bool wire_dict_is_null(const wire_dict *d);
static inline wire_dict wire_dict_of(const struct dict *d)
{
    return (wire_dict){.dict = d};
}
/* A dict of the caller's from a decoded view; NULL for the NULL form. -EINVAL, -E2BIG, -ENOMEM. */
int wire_dict_open(const wire_dict *d, struct dict **ret);
int wire_dict3_open(const wire_dict3 *d, struct dict **ret);

/* ---- lists -------------------------------------------------------------------------------------------------------------
 * "list of": u32 1 before each element, u32 0 at the end. Decoding: a checked view, count elements; wire_list_next() takes
 * them off one by one. Encoding, with `at` NULL: count elements that get() makes from ctx (called twice for each: for the size
 * and for the bytes). */
struct wire_list {
    const uint8_t *at;
    uint32_t len;
    uint32_t count;
    void *proc;                                                  /* of an element */
    bool (*get)(const void *ctx, uint32_t i, void *ret_element); /* false: it cannot be had, encoding fails */
    const void *ctx;
};
typedef struct wire_list wire_dirents;   /* of wire_dirent  */
typedef struct wire_list wire_direntps;  /* of wire_direntp */
typedef struct wire_list wire_locks;     /* of wire_lock    */
typedef struct wire_list wire_programs;  /* of wire_program */
#define WIRE_LIST_MAX (1u << 20)         /* elements; a record has far fewer */
bool_t xdr_wire_dirents(XDR *x, wire_dirents *l);
bool_t xdr_wire_direntps(XDR *x, wire_direntps *l);
bool_t xdr_wire_locks(XDR *x, wire_locks *l);
bool_t xdr_wire_programs(XDR *x, wire_programs *l);
bool wire_list_next(struct wire_list *l, void *ret_element); /* false: no more */

/* ---- groups of a credential ---------------------------------------------------------------------------------------------
 * u32 count, numbers. At most WIRE_GROUPS_MAX, which the credential's own limits keep it below. */
#define WIRE_GROUPS_MAX 95
typedef struct wire_groups {
    uint32_t count;
    uint32_t id[WIRE_GROUPS_MAX];
} wire_groups;
bool_t xdr_wire_groups(XDR *x, wire_groups *g);

#endif
