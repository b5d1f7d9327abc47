/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brickset.h: the bricks of a volume that a command is about, each with a call to ask it by. */
#ifndef GLUSTERD_BRICKSET_H
#define GLUSTERD_BRICKSET_H

#include <stdbool.h>

#include "brickcall.h"

struct brickinfo;

struct brickset {
    struct brickcall *calls;     /* n of them; the socket is "" where no process runs, so that asking ends with -ENOTCONN at once */
    unsigned int *at;            /* which brick of the volume each is */
    size_t n;
};
/* only: "HOST:PATH", NULL: all. Local ones; those of other machines are left out. -1: the command has failed. */
int brickset_of(struct command *c, const struct volinfo *v, const char *only, struct brickset *ret);
/* Asks all the same, each by its path. */
void brickset_ask(struct command *c, const struct volinfo *v, struct brickset *s, unsigned int procedure, const struct dict *in,
                  unsigned int timeout_ms);
void brickset_done(struct brickset *s);
bool brick_is(const struct brickinfo *b, const char *text); /* "HOST:PATH" */

#endif
