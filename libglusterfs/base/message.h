/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* message.h: what passes between a connection and the layer above it: whole records, out and in.
 *
 * A record is what RFC 5531 section 11 calls one; the four-byte marks are the connection's business and not in here. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include "handover.h"
#include "iobuf.h"

/* One outgoing record. Embedded in something of the host's. From an accepted conn_send() until released() the connection
 * owns it; body's references are dropped by whoever owns it then. */
struct msg {
    struct handover_node node;
    struct slicev body;
    uint8_t mark[4];   /* connection's */
    size_t len;        /* connection's: bytes with the mark */
};

/* One incoming record: first `head`, in one piece, then `bulk`. Where head ends is what place() said (conn_host); a record
 * that place() gave no answer for is all head. Made by the connection, freed by the host. */
struct record {
    struct slice head;
    struct slicev bulk;
    struct census *census;
};
void record_free(struct record *rec); /* NULL is fine */

#endif
