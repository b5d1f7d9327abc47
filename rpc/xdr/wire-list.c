/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* wire-list.c: lists, in a loop. (What rpcgen makes of a linked list calls itself for each element.) */
#include "common.h"

typedef bool_t (*element_proc)(XDR *x, void *element);
union element {
    wire_dirent dirent;
    wire_direntp direntp;
    wire_lock lock;
    wire_program program;
};

static bool decode_list(XDR *x, struct wire_list *l, element_proc proc)
{
    const uint8_t *start = x->x_private;
    union element e;
    uint32_t more = 0;

    *l = (struct wire_list){.at = start, .proc = proc};
    for (;;) {
        if (!xdr_u32(x, &more) || more > 1)
            return false;
        if (!more)
            break;
        if (l->count == WIRE_LIST_MAX || !proc(x, &e))
            return false;
        l->count++;
    }
    l->len = (uint32_t)((const uint8_t *)x->x_private - start);
    return true;
}

static bool encode_list(XDR *x, const struct wire_list *l, element_proc proc)
{
    union element e;
    uint32_t more = 1, end = 0;

    if (l->at) /* a view, as it was decoded */
        return wire_put(x, l->at, l->len);
    for (uint32_t i = 0; i < l->count; i++)
        if (!xdr_u32(x, &more) || !l->get(l->ctx, i, &e) || !proc(x, &e))
            return false;
    return xdr_u32(x, &end);
}

static bool xdr_list(XDR *x, struct wire_list *l, void *proc)
{
    switch (x->x_op) {
    case XDR_DECODE:
        return decode_list(x, l, proc);
    case XDR_ENCODE:
        return encode_list(x, l, proc);
    default:
        return true;
    }
}
bool_t xdr_wire_dirents(XDR *x, wire_dirents *l)
{
    return xdr_list(x, l, xdr_wire_dirent);
}
bool_t xdr_wire_direntps(XDR *x, wire_direntps *l)
{
    return xdr_list(x, l, xdr_wire_direntp);
}
bool_t xdr_wire_locks(XDR *x, wire_locks *l)
{
    return xdr_list(x, l, xdr_wire_lock);
}
bool_t xdr_wire_programs(XDR *x, wire_programs *l)
{
    return xdr_list(x, l, xdr_wire_program);
}

bool wire_list_next(struct wire_list *l, void *ret_element)
{
    XDR x;
    uint32_t more = 0;

    wire_reader(&x, l->at, l->len);
    if (!xdr_u32(&x, &more) || !more || !((element_proc)l->proc)(&x, ret_element))
        return false;
    l->at += wire_done(&x);
    l->len -= (uint32_t)wire_done(&x);
    l->count--;
    return true;
}
