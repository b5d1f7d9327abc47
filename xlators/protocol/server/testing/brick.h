/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick.h: protocol/server above a storage that a test scripts, reached over the fake transport. For tests. */
#ifndef TESTING_BRICK_H
#define TESTING_BRICK_H

#include "caller.h"
#include "fop400.h"
#include "graph.h"
#include "handshake.h"
#include "process.h"
#include "testing.h"

struct brick {
    struct process process;
    struct graph *graph;
    /* The script. handler: what the storage does with an operation that is not a LOOKUP of a gfid; NULL: success, nothing in it. */
    void (*handler)(struct brick *b, struct fop *fop);
    mode_t type_of_gfid;         /* what a LOOKUP of a gfid finds: S_IFREG, S_IFDIR; 0: nothing */
    gfid_t a_directory;          /* but this one is a directory, whatever type_of_gfid says */
    /* What was seen. */
    unsigned int nameless, seen[NR_FOPS];
    struct fop *parked;          /* by park(); cancelled or completed by the test */
    unsigned int cancelled;
    unsigned int drained;
};
extern struct brick *the_brick;

/* options: key, value, ..., NULL; beside auth.addr.x0.allow *. The brick's name is "x0". */
void brick_start(struct brick *b, const char *const *options);
void brick_stop(struct brick *b); /* connections must be closed; fails when anything is left */

/* A dictionary of text values as SETVOLUME has it: key, value, ..., NULL. Malloc'ed; XDR arguments. */
uint8_t *setvolume_args(const char *const *pairs, size_t *ret_len);
/* A connection that has said SETVOLUME with this uid and was let in. */
struct transport *brick_connect(struct brick *b, const char *uid);
/* Calls a file operation and gives its accepted reply's body; the reply must be the next thing sent. */
const uint8_t *brick_call(struct transport *t, uint32_t procedure, void *proc, const void *req, size_t *ret_len);
/* The same, decoded into rsp; the whole body must be it. */
void brick_ask(struct transport *t, uint32_t procedure, void *req_proc, const void *req, void *rsp_proc, void *ret_rsp);
/* op_ret and op_errno of a reply that begins with them. */
int brick_errno(struct transport *t, uint32_t procedure, void *req_proc, const void *req);
int64_t brick_open(struct transport *t, gfid_t gfid, bool dir); /* descriptor number */

void brick_park(struct brick *b, struct fop *fop); /* a handler: the fop waits until cancelled */
gfid_t gfid_of(uint8_t last);                      /* 0, 0, ..., last: 1 is the root */

#endif
