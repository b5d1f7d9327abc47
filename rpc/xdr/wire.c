/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* wire.c: streams, and the primitives that are not inline. */
#include "wire.h"

#include <errno.h>

#include "wire-words.h"

/* ---- streams: what libtirpc's own functions call ------------------------------------------------------------------------ */
static bool_t stream_getlong(XDR *x, long *v)
{
    const uint8_t *p = wire_take(x, 4);
    uint32_t be;
    if (!p)
        return FALSE;
    memcpy(&be, p, 4);
    *v = (int32_t)be32toh(be);
    return TRUE;
}
static bool_t stream_putlong(XDR *x, const long *v)
{
    uint32_t be = htobe32((uint32_t)*v);
    return wire_put(x, &be, 4);
}
static bool_t stream_getbytes(XDR *x, char *to, u_int n)
{
    const uint8_t *p = wire_take(x, n);
    if (!p)
        return FALSE;
    if (n > 0)
        memcpy(to, p, n);
    return TRUE;
}
static bool_t stream_putbytes(XDR *x, const char *from, u_int n)
{
    return wire_put(x, from, n);
}
/* x_base remembers how much room there was; see wire_done(). */
static u_int stream_getpos(XDR *x)
{
    return (u_int)wire_done(x);
}
static bool_t stream_setpos(XDR *x, u_int pos)
{
    return FALSE; /* nothing of ours seeks */
}
static int32_t *stream_inline(XDR *x, u_int n)
{
    return NULL; /* callers fall back to single items: no pointer of ours is aligned for certain */
}
static void stream_destroy(XDR *x)
{
}
static bool_t stream_control(XDR *x, int request, void *info)
{
    return FALSE;
}
static const struct xdr_ops stream_ops = {
    .x_getlong = stream_getlong,
    .x_putlong = stream_putlong,
    .x_getbytes = stream_getbytes,
    .x_putbytes = stream_putbytes,
    .x_getpostn = stream_getpos,
    .x_setpostn = stream_setpos,
    .x_inline = stream_inline,
    .x_destroy = stream_destroy,
    .x_control = stream_control,
};
#define STREAM_MAX ((size_t)1 << 30) /* the largest record that stock takes */

static void stream_init(XDR *x, enum xdr_op op, void *at, size_t len)
{
    if (len > STREAM_MAX)
        len = STREAM_MAX;
    *x = (XDR){.x_op = op, .x_ops = (void *)&stream_ops, .x_private = at, .x_base = (char *)(uintptr_t)len, .x_handy = (u_int)len};
}
void wire_reader(XDR *x, const void *bytes, size_t len)
{
    stream_init(x, XDR_DECODE, (void *)(len ? bytes : ""), len);
}
void wire_writer(XDR *x, void *to, size_t room)
{
    stream_init(x, XDR_ENCODE, room ? to : (void *)"", room); /* never NULL: that would count only */
}
void wire_sizer(XDR *x)
{
    stream_init(x, XDR_ENCODE, NULL, STREAM_MAX);
}
size_t wire_done(const XDR *x)
{
    return (uintptr_t)x->x_base - x->x_handy;
}

typedef bool_t (*wire_proc)(XDR *x, void *obj);

size_t wire_size(void *proc, const void *obj)
{
    XDR x;
    wire_sizer(&x);
    return ((wire_proc)proc)(&x, (void *)obj) ? wire_done(&x) : 0;
}

int wire_encode(struct iobuf_pool *pool, void *proc, const void *obj, struct slice *ret)
{
    XDR x;
    struct slice s;
    size_t len = wire_size(proc, obj);

    if (len == 0)
        return -EMSGSIZE;
    s = slice_new(pool, len);
    if (!s.buf)
        return -ENOMEM;
    wire_writer(&x, s.at, len);
    if (!((wire_proc)proc)(&x, (void *)obj)) {
        slice_done(&s);
        return -EMSGSIZE;
    }
    *ret = s;
    return 0;
}

int64_t wire_decode(void *proc, void *ret_obj, const void *bytes, size_t len)
{
    XDR x;
    wire_reader(&x, bytes, len);
    return ((wire_proc)proc)(&x, ret_obj) ? (int64_t)wire_done(&x) : -EINVAL;
}

/* ---- bytes and text --------------------------------------------------------------------------------------------------- */
bool_t xdr_gfid_t(XDR *x, gfid_t *g)
{
    if (x->x_op == XDR_DECODE) {
        const uint8_t *p = wire_take(x, sizeof(*g));
        if (!p)
            return FALSE;
        memcpy(g, p, sizeof(*g));
        return TRUE;
    }
    return x->x_op == XDR_FREE || wire_put(x, g, sizeof(*g));
}

/* Length, bytes, padding; the length is checked before anything is computed from it. */
static bool counted(XDR *x, const uint8_t **at, uint32_t *len, uint32_t max)
{
    static const uint8_t zeros[4];
    uint32_t n = *len;

    if (x->x_op == XDR_DECODE) {
        if (!xdr_u32(x, &n) || n > max || n > x->x_handy)
            return false;
        *at = wire_take(x, n);
        *len = n;
        return wire_take(x, -n & 3) != NULL;
    }
    if (x->x_op == XDR_FREE)
        return true;
    return n <= max && xdr_u32(x, &n) && wire_put(x, *at, n) && wire_put(x, zeros, -n & 3);
}

bool_t xdr_wire_bytes(XDR *x, wire_bytes *b)
{
    return counted(x, &b->at, &b->len, UINT32_MAX);
}
bool_t xdr_wire_dict3(XDR *x, wire_dict3 *b)
{
    return counted(x, &b->at, &b->len, UINT32_MAX); /* its own bound is dict3_decode()'s */
}

/* A NUL inside would be the end of it for whoever copies it, and something else for whoever compares it. */
static bool text(XDR *x, struct wire_str *s, uint32_t max)
{
    return counted(x, (const uint8_t **)&s->at, &s->len, max) &&
           (x->x_op != XDR_DECODE || s->len == 0 || !memchr(s->at, 0, s->len));
}
bool_t xdr_wire_name(XDR *x, wire_name *s)
{
    return text(x, s, WIRE_NAME_MAX);
}
bool_t xdr_wire_text(XDR *x, wire_text *s)
{
    return text(x, s, WIRE_TEXT_MAX);
}
bool wire_str_is(struct wire_str s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.at, text, s.len) == 0);
}

/* ---- attributes ------------------------------------------------------------------------------------------------------- */
enum { IATT4_FLAGS = 16, IATT4_ATTRIBUTES = 64, IATT4_MASK = 72, IATT4_BTIME = 104, IATT4_BTIME_NSEC = 124 };

bool_t xdr_wire_iatt4(XDR *x, wire_iatt4 *st)
{
    uint8_t *at;

    if (x->x_op == XDR_DECODE) {
        const uint8_t *p = wire_take(x, WIRE_IATT4_LEN);
        if (!p)
            return FALSE;
        iatt4_decode(p, &st->st);
        st->flags = get_u64(p + IATT4_FLAGS);
        st->attributes = get_u64(p + IATT4_ATTRIBUTES);
        st->attributes_mask = get_u64(p + IATT4_MASK);
        st->btime = (int64_t)get_u64(p + IATT4_BTIME);
        st->btime_nsec = get_u32(p + IATT4_BTIME_NSEC);
        return TRUE;
    }
    if (x->x_op == XDR_FREE)
        return TRUE;
    if (!wire_room(x, WIRE_IATT4_LEN, &at))
        return FALSE;
    if (at) {
        iatt4_encode(&st->st, at);
        put_u64(at + IATT4_FLAGS, st->flags);
        put_u64(at + IATT4_ATTRIBUTES, st->attributes);
        put_u64(at + IATT4_MASK, st->attributes_mask);
        put_u64(at + IATT4_BTIME, (uint64_t)st->btime);
        put_u32(at + IATT4_BTIME_NSEC, st->btime_nsec);
    }
    return TRUE;
}

enum { IATT4_ALL = 0x17ff, IATT4_INO = 0x100 };

wire_iatt4 wire_iatt4_of(const struct iatt *st)
{
    wire_iatt4 w = {.st = *st};
    /* As recorded: no attributes, no flags; ".." of the root has attributes and no inode number. */
    if (st->mode != 0)
        w.flags = gfid_is_null(st->gfid) ? IATT4_ALL & ~(uint64_t)IATT4_INO : IATT4_ALL;
    return w;
}

bool_t xdr_wire_iatt3(XDR *x, wire_iatt3 *st)
{
    uint8_t *at;

    if (x->x_op == XDR_DECODE) {
        const uint8_t *p = wire_take(x, WIRE_IATT3_LEN);
        if (!p)
            return FALSE;
        *st = (struct iatt){
            .ino = get_u64(p + 16), .dev = get_u64(p + 24), .mode = get_u32(p + 32), .nlink = get_u32(p + 36), .uid = get_u32(p + 40),
            .gid = get_u32(p + 44), .rdev = get_u64(p + 48), .size = get_u64(p + 56), .blksize = get_u32(p + 64),
            .blocks = get_u64(p + 68), .atime = get_u32(p + 76), .atime_nsec = get_u32(p + 80), .mtime = get_u32(p + 84),
            .mtime_nsec = get_u32(p + 88), .ctime = get_u32(p + 92), .ctime_nsec = get_u32(p + 96),
        };
        memcpy(&st->gfid, p, sizeof(st->gfid));
        return TRUE;
    }
    if (x->x_op == XDR_FREE)
        return TRUE;
    if (!wire_room(x, WIRE_IATT3_LEN, &at))
        return FALSE;
    if (at)
        iatt3_encode(st, at);
    return TRUE;
}

/* ---- dictionaries ----------------------------------------------------------------------------------------------------- */
static const uint8_t null_dict[12] = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};

bool_t xdr_wire_dict(XDR *x, wire_dict *d)
{
    if (x->x_op == XDR_DECODE) {
        int64_t len = dict4_span(x->x_private, x->x_handy);
        if (len < (int64_t)sizeof(null_dict) || len > x->x_handy)
            return FALSE;
        *d = (wire_dict){.at = wire_take(x, (uint32_t)len), .len = (uint32_t)len};
        return TRUE;
    }
    if (x->x_op == XDR_FREE)
        return TRUE;
    if (d->at)
        return wire_put(x, d->at, d->len);
    if (!d->dict)
        return wire_put(x, null_dict, sizeof(null_dict));
    size_t len = dict4_size(d->dict);
    uint8_t *at;
    if (len > x->x_handy || !wire_room(x, (uint32_t)len, &at))
        return FALSE;
    if (at)
        dict4_encode(d->dict, at);
    return TRUE;
}
bool wire_dict_is_null(const wire_dict *d)
{
    return d->at ? (int32_t)get_u32(d->at + 4) < 0 : d->dict == NULL;
}
int wire_dict_open(const wire_dict *d, struct dict **ret)
{
    size_t used;
    if (wire_dict_is_null(d)) {
        *ret = NULL;
        return 0;
    }
    return dict4_decode(d->at, d->len, ret, &used);
}
int wire_dict3_open(const wire_dict3 *d, struct dict **ret)
{
    return dict3_decode(d->at, d->len, ret);
}

/* ---- groups ----------------------------------------------------------------------------------------------------------- */
bool_t xdr_wire_groups(XDR *x, wire_groups *g)
{
    if (!xdr_u32(x, &g->count) || g->count > WIRE_GROUPS_MAX)
        return FALSE;
    for (uint32_t i = 0; i < g->count; i++)
        if (!xdr_u32(x, &g->id[i]))
            return FALSE;
    return TRUE;
}
