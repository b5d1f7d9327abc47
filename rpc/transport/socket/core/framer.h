/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* framer.h: bytes become whole records (RFC 5531 section 11).
 *
 * The reader asks where the next bytes shall go, puts some there, and says how many: data lands where it stays. Nothing is
 * allocated on the peer's word: a head grows as it is looked at, bulk data comes in pieces as bytes arrive, empty fragments
 * are counted. A record in several fragments is collected first and then laid out like one that came in one: stock never
 * sends these. */
#ifndef SOCKET_FRAMER_H
#define SOCKET_FRAMER_H

#include "conn.h"

enum framer_phase { FRAMER_MARK, FRAMER_HEAD, FRAMER_BULK, FRAMER_COLLECT };

struct framer {
    struct iobuf_pool *bufs;
    struct census *census;
    size_t (*place)(void *host, const uint8_t *bytes, size_t have, size_t total); /* conn_host.place */
    bool (*land)(void *host, const uint8_t *head, size_t len, size_t bulk, struct slicev *ret); /* conn_host.land; NULL: none */
    void *host;
    size_t max;              /* largest record; may be changed between records */
    enum framer_phase phase;
    uint8_t mark[4];
    size_t have;             /* MARK: bytes of it; HEAD: bytes of the head */
    size_t total;            /* bytes of the record; COLLECT: so far announced */
    size_t head_len;         /* 0: not known yet */
    size_t piece_have;
    size_t bulk_left;        /* behind the piece that is being filled */
    size_t fragment_left;
    bool last;
    unsigned int empty;      /* fragments without a byte in this record */
    struct record *rec;
    struct slice piece;      /* at NULL: none is being filled */
    struct slicev lent;      /* BULK: by land(), what is left of it from slice lent_at on */
    unsigned int lent_at;
    struct slicev collected;
};

void framer_init(struct framer *f, struct iobuf_pool *bufs, struct census *census,
                 size_t (*place)(void *, const uint8_t *, size_t, size_t), void *host, size_t max);
void framer_done(struct framer *f);
/* Where the next bytes go, and how many at most (at least one). -ENOMEM. */
int framer_want(struct framer *f, void **ret_to, size_t *ret_len);
/* n bytes are there. A whole record comes out in ret_rec, else NULL. -EMSGSIZE: too long; -EBADMSG: not a record; -ENOMEM. */
int framer_took(struct framer *f, size_t n, struct record **ret_rec);
/* Bytes of the record under way that have not come; 0 between records, or while its length is not known. */
size_t framer_missing(const struct framer *f);
/* In words, why framer_took() said no, if the bytes tell more than the errno. "" else. */
const char *framer_why(const struct framer *f);

#endif
