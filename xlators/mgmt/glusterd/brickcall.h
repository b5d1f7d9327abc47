/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brickcall.h: what the daemon asks of processes that it has started (bricks, self-heal daemon, rebalance): program 4867634 on the unix
 * socket of each, several at once.
 *
 * A call that gets no answer is an answer, too: err says why. Each call has a connection of its own, made for it and closed after it.
 *
 * Threads  brickcalls_run() waits: on a worker. The calls are the caller's again when it returns.
 * Bounds   The whole of it ends by timeout_ms, and soon after brickcalls_cancel() (the daemon's end).
 * Source   spec management 3.6. */
#ifndef GLUSTERD_BRICKCALL_H
#define GLUSTERD_BRICKCALL_H

#include <stddef.h>
#include <stdint.h>

struct command;
struct dict;
struct glusterd;
struct volinfo;

enum { /* bounds in time: below those of the command line (120 s), so that there is an answer */
    BRICKCALL_MS = 20000,
    BRICKCALL_LONG_MS = 110000, /* a brick measures its disk, a self-heal daemon walks */
};

struct brickcall {
    /* What is asked; all of it stays the caller's. */
    char socket[128];           /* "": there is none to ask; err is -ENOTCONN */
    const char *name;           /* of the brick (its path), of a translator, of a volume; NULL: "" */
    uint32_t procedure;         /* BRICKOP_... */
    int op;                     /* 0: the procedure's number again */
    const struct dict *in;      /* or NULL */
    const struct dict *dict;    /* the second one; or NULL */
    const char *text;           /* in the place of in: SVC_ATTACH's volume file */
    /* What is answered. */
    int err;                    /* 0; -ETIMEDOUT, -ECANCELED, -ENOTCONN, -ECONNREFUSED, ...: there is no answer */
    int op_ret, op_errno;
    char errstr[1024];
    struct dict *out;           /* NULL: none */
};
void brickcalls_run(struct glusterd *gd, struct brickcall *calls, size_t n, unsigned int timeout_ms);
void brickcalls_done(struct brickcall *calls, size_t n); /* frees what was answered, not the array */
void brickcalls_cancel(struct glusterd *gd);             /* any thread; those that come later end at once, too */

/* The keys of a call's answer with a prefix: "brick0." and so on. -errno. */
int brickcall_merge(const struct brickcall *call, struct dict *to, const char *prefix);

#endif
