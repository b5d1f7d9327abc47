/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "framer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LAST_FRAGMENT 0x80000000u
#define SMALL_RECORD (16 * KiB) /* all of it is head, and place() is not asked                             */
#define FIRST_LOOK 1024         /* a call header with credentials and a WRITE's arguments are about 400      */
#define PIECE_MAX (1 * MiB)
#define PIECE_ALIGNED (32 * KiB) /* from here on the pool's blocks are page-aligned                          */
#define COLLECT_FIRST (4 * KiB)
#define EMPTY_MAX 16            /* RFC 5531 allows fragments without a byte; nobody sends them              */

void framer_init(struct framer *f, struct iobuf_pool *bufs, struct census *census,
                 size_t (*place)(void *, const uint8_t *, size_t, size_t), void *host, size_t max)
{
    *f = (struct framer){.bufs = bufs, .census = census, .place = place, .host = host, .max = max};
}

void framer_done(struct framer *f)
{
    record_free(f->rec);
    slice_done(&f->piece);
    slicev_done(&f->lent);
    slicev_done(&f->collected);
    f->rec = NULL;
}

const char *framer_why(const struct framer *f)
{
    /* A TLS handshake record begins 22, 3; as a mark it would announce 369 MB. */
    if (f->mark[0] == 0x16 && f->mark[1] == 0x03)
        return "the peer speaks TLS, this port does not";
    return "";
}

size_t framer_missing(const struct framer *f)
{
    switch (f->phase) {
    case FRAMER_HEAD:
        return f->total - f->have;
    case FRAMER_BULK:
        return f->bulk_left + (f->piece.at ? f->piece.len - f->piece_have : 0);
    case FRAMER_COLLECT:
        return f->fragment_left;
    case FRAMER_MARK:
        break;
    }
    return 0;
}

/* The next piece of what the host lends. */
static void lent_piece(struct framer *f)
{
    struct slice *s = &slicev_at(&f->lent)[f->lent_at];
    size_t len = min_of(s->len, PIECE_MAX);

    f->piece = slice_part(*s, 0, len);
    s->at += len;
    s->len -= len;
    if (s->len == 0)
        f->lent_at++;
}

static int next_piece(struct framer *f)
{
    size_t len = f->phase == FRAMER_BULK ? min_of(f->bulk_left, PIECE_MAX)
                                         : min_of(max_of(f->collected.len, COLLECT_FIRST), PIECE_MAX);

    if (f->phase == FRAMER_BULK && f->lent.n > 0) {
        lent_piece(f);
    } else {
        f->piece = slice_new(f->bufs, f->phase == FRAMER_BULK ? max_of(len, PIECE_ALIGNED) : len);
        if (!f->piece.buf)
            return -ENOMEM;
        f->piece.len = len;
    }
    f->piece_have = 0;
    if (f->phase == FRAMER_BULK)
        f->bulk_left -= f->piece.len;
    return 0;
}

int framer_want(struct framer *f, void **ret_to, size_t *ret_len)
{
    switch (f->phase) {
    case FRAMER_MARK:
        *ret_to = f->mark + f->have;
        *ret_len = sizeof(f->mark) - f->have;
        return 0;
    case FRAMER_HEAD:
        *ret_to = f->rec->head.at + f->have;
        *ret_len = f->rec->head.len - f->have;
        return 0;
    case FRAMER_BULK:
    case FRAMER_COLLECT:
        break;
    }
    if (!f->piece.at && next_piece(f) < 0)
        return -ENOMEM;
    *ret_to = f->piece.at + f->piece_have;
    *ret_len = f->piece.len - f->piece_have;
    if (f->phase == FRAMER_COLLECT)
        *ret_len = min_of(*ret_len, f->fragment_left);
    return 0;
}

/* A record of f->total bytes begins. */
static int begin_record(struct framer *f)
{
    size_t len = f->total <= SMALL_RECORD ? f->total : FIRST_LOOK;

    f->rec = calloc(1, sizeof(*f->rec));
    if (!f->rec)
        return -ENOMEM;
    f->rec->census = f->census;
    counter_add(&f->census->now[CENSUS_RECORDS], 1);
    f->rec->head = slice_new(f->bufs, len);
    if (!f->rec->head.buf)
        return -ENOMEM;
    f->head_len = f->total <= SMALL_RECORD ? f->total : 0;
    f->have = 0;
    f->phase = FRAMER_HEAD;
    return 0;
}

static void end_record(struct framer *f, struct record **ret_rec)
{
    *ret_rec = f->rec;
    f->rec = NULL;
    slicev_done(&f->lent);
    f->lent_at = 0;
    f->phase = FRAMER_MARK;
    f->have = 0;
    f->total = 0;
    f->empty = 0;
}

static int grow_head(struct framer *f, size_t len)
{
    struct slice more;

    if (len > CONN_HEAD_MAX)
        return -EMSGSIZE;
    more = slice_new(f->bufs, len);
    if (!more.buf)
        return -ENOMEM;
    memcpy(more.at, f->rec->head.at, f->have);
    slice_done(&f->rec->head);
    f->rec->head = more;
    return 0;
}

/* Slices without bytes would be pieces without any: then none is used. */
static void borrow(struct framer *f)
{
    bool fits;

    if (!f->land || !f->land(f->host, f->rec->head.at, f->head_len, f->bulk_left, &f->lent))
        return;
    fits = f->lent.len == f->bulk_left;
    for (unsigned int i = 0; i < f->lent.n; i++)
        fits &= slicev_at(&f->lent)[i].len > 0;
    if (!fits)
        slicev_done(&f->lent);
}

/* The end of the head is known; what we have beyond it is the beginning of the bulk. */
static int begin_bulk(struct framer *f)
{
    struct slice *head = &f->rec->head;
    const uint8_t *beyond = head->at + f->head_len;
    size_t n = f->have - f->head_len;
    void *to;
    size_t room;
    int r;

    head->len = f->head_len;
    f->bulk_left = f->total - f->head_len;
    f->phase = FRAMER_BULK;
    borrow(f);
    if (n == 0)
        return 0;
    r = framer_want(f, &to, &room);
    if (r < 0)
        return r;
    /* n < room, or the record would have been small; but a look may have been long: up to the piece's end */
    while (n > 0) {
        size_t take = min_of(n, room);

        memcpy(to, beyond, take);
        beyond += take;
        n -= take;
        f->piece_have += take;
        if (f->piece_have < f->piece.len)
            break;
        r = slicev_add(&f->rec->bulk, f->piece);
        f->piece = (struct slice){0};
        if (r < 0)
            return r;
        if (n > 0 && (r = framer_want(f, &to, &room)) < 0)
            return r;
    }
    return 0;
}

static int took_head(struct framer *f, struct record **ret_rec)
{
    if (f->have < f->rec->head.len)
        return 0;
    if (f->head_len == 0) {
        size_t at = f->place(f->host, f->rec->head.at, f->have, f->total);

        if (at > f->total)
            return -EBADMSG;
        if (at == 0 && f->have < f->total)
            return grow_head(f, min_of(f->have * 2, f->total));
        f->head_len = at ? at : f->total; /* all was shown: what it is, the host finds out when it decodes it */
        if (f->head_len > f->have)
            return grow_head(f, f->head_len);
    }
    if (f->head_len < f->total) {
        int r = begin_bulk(f);

        if (r < 0 || f->bulk_left > 0 || f->piece.at)
            return r;
    }
    end_record(f, ret_rec);
    return 0;
}

static int took_bulk(struct framer *f, struct record **ret_rec)
{
    int r;

    if (f->piece_have < f->piece.len)
        return 0;
    r = slicev_add(&f->rec->bulk, f->piece);
    f->piece = (struct slice){0};
    if (r == 0 && f->bulk_left == 0)
        end_record(f, ret_rec);
    return r;
}

/* The record was collected from several fragments: lay it out as if it had come in one. */
static int lay_out(struct framer *f, struct record **ret_rec)
{
    struct slicev all = {0};
    int r;

    if (f->piece.at) {
        f->piece.len = f->piece_have;
        r = slicev_add(&f->collected, f->piece);
        f->piece = (struct slice){0};
        if (r < 0)
            return r;
    }
    slicev_move(&all, &f->collected);
    r = begin_record(f);
    for (unsigned int i = 0; r == 0 && i < all.n; i++) {
        struct slice s = slicev_at(&all)[i];

        while (r == 0 && s.len > 0) {
            void *to;
            size_t n;

            r = framer_want(f, &to, &n);
            if (r < 0)
                break;
            n = min_of(n, s.len);
            memcpy(to, s.at, n);
            s.at += n;
            s.len -= n;
            r = framer_took(f, n, ret_rec);
        }
    }
    slicev_done(&all);
    return r;
}

static int took_mark(struct framer *f, struct record **ret_rec)
{
    uint32_t mark, len;

    if (f->have < sizeof(f->mark))
        return 0;
    mark = (uint32_t)f->mark[0] << 24 | (uint32_t)f->mark[1] << 16 | (uint32_t)f->mark[2] << 8 | f->mark[3];
    len = mark & ~LAST_FRAGMENT;
    f->last = mark & LAST_FRAGMENT;
    f->have = 0;
    if (len > f->max || f->total + len > f->max)
        return -EMSGSIZE;
    if (len == 0 && ++f->empty > EMPTY_MAX)
        return -EBADMSG;
    if (f->last && f->total + len == 0)
        return -EBADMSG;
    if (f->last && f->total == 0) {
        f->total = len;
        return begin_record(f);
    }
    f->total += len;
    f->fragment_left = len;
    if (len > 0)
        f->phase = FRAMER_COLLECT;
    else if (f->last)
        return lay_out(f, ret_rec);
    return 0;
}

static int took_collect(struct framer *f, size_t n, struct record **ret_rec)
{
    f->fragment_left -= n;
    if (f->piece_have == f->piece.len) {
        int r = slicev_add(&f->collected, f->piece);

        f->piece = (struct slice){0};
        if (r < 0)
            return r;
    }
    if (f->fragment_left > 0)
        return 0;
    if (f->last)
        return lay_out(f, ret_rec);
    f->phase = FRAMER_MARK;
    f->have = 0;
    return 0;
}

int framer_took(struct framer *f, size_t n, struct record **ret_rec)
{
    *ret_rec = NULL;
    switch (f->phase) {
    case FRAMER_MARK:
        f->have += n;
        return took_mark(f, ret_rec);
    case FRAMER_HEAD:
        f->have += n;
        return took_head(f, ret_rec);
    case FRAMER_BULK:
        f->piece_have += n;
        return took_bulk(f, ret_rec);
    case FRAMER_COLLECT:
        f->piece_have += n;
        return took_collect(f, n, ret_rec);
    }
    return -EBADMSG;
}
