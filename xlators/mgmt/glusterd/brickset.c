/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "brickset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "glusterd.h"

bool brick_is(const struct brickinfo *b, const char *text)
{
    size_t host = strlen(b->host);
    return strncmp(text, b->host, host) == 0 && text[host] == ':' && strcmp(text + host + 1, b->path) == 0;
}

int brickset_of(struct command *c, const struct volinfo *v, const char *only, struct brickset *ret)
{
    *ret = (struct brickset){.calls = calloc(v->nr_bricks + 1, sizeof *ret->calls), .at = calloc(v->nr_bricks + 1, sizeof *ret->at)};
    if (!ret->calls || !ret->at) {
        brickset_done(ret);
        return command_fail(c, "no memory");
    }
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        const struct brickinfo *b = &v->bricks[i];
        if (strcmp(b->owner, c->gd->uuid) != 0 || (only && !brick_is(b, only)))
            continue;
        struct brickcall *call = &ret->calls[ret->n];
        call->name = b->path;
        if (brickrun_status(c->gd, b->path).online && brickrun_socket(c->gd, v, i, call->socket, sizeof call->socket) < 0)
            call->socket[0] = '\0';
        ret->at[ret->n++] = i;
    }
    return 0;
}

void brickset_ask(struct command *c, const struct volinfo *v, struct brickset *s, unsigned int procedure, const struct dict *in,
                  unsigned int timeout_ms)
{
    for (size_t i = 0; i < s->n; i++) {
        s->calls[i].procedure = procedure;
        s->calls[i].name = v->bricks[s->at[i]].path;
        s->calls[i].in = in;
    }
    brickcalls_run(c->gd, s->calls, s->n, timeout_ms);
}

void brickset_done(struct brickset *s)
{
    brickcalls_done(s->calls, s->calls ? s->n : 0);
    free(s->calls);
    free(s->at);
    *s = (struct brickset){0};
}
