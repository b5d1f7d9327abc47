/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ask.h: what the daemon asks of a process that it has started, on that process's unix socket: program 4867634 version 2.
 *
 * One question, one process; several at once: brickcall.h, on which this stands.
 *
 * Threads  Waits for the answer: workers only. Each question has a connection of its own; nothing is kept between them.
 * Errors   Not reached, no answer in time: -errno with a sentence. An answer that says no: -EREMOTEIO, and the sentence is the process's.
 * Source   spec management 3.6. */
#ifndef GLUSTERD_ASK_H
#define GLUSTERD_ASK_H

#include <stdint.h>

struct dict;
struct err;
struct glusterd;

struct question {
    const char *socket;          /* path */
    uint32_t procedure;          /* BRICKOP_... */
    const char *name;            /* of the brick or translator; NULL: "" */
    int op;                      /* 0: the procedure's number */
    struct dict *input;          /* borrowed; NULL: none */
    struct dict *dict;           /* the second one; borrowed, NULL: none */
    const char *text;            /* in the place of input: SVC_ATTACH's volume file */
    unsigned int timeout_ms;     /* 0: 30 s */
};
/* 0 and, where ret is not NULL, the answer's dictionary (NULL: it has none), which is the caller's. With -EREMOTEIO, too. */
int ask(struct glusterd *gd, const struct question *q, struct dict **ret, struct err *err);

#endif
