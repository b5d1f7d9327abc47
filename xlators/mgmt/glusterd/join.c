/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "join.h"

#include <stdlib.h>

#include "aux-mount.h"
#include "brick-folder.h"
#include "glusterd.h"
#include "log.h"

static int start_them(struct command *c, struct volinfo *v, const unsigned int *at, unsigned int n)
{
    struct brickstart *starts = calloc(n, sizeof *starts);
    int r = starts ? 0 : command_fail(c, "no memory");
    for (unsigned int i = 0; r == 0 && i < n; i++)
        starts[i] = (struct brickstart){.v = v, .i = at[i]};
    if (r == 0 && bricks_start(c->gd, starts, n) > 0) {
        for (unsigned int i = 0; r == 0 && i < n; i++)
            if (starts[i].result < 0)
                r = command_fail(c, "%s", starts[i].err.text);
    }
    for (unsigned int i = 0; r == 0 && i < n; i++)
        v->bricks[at[i]].port = brickrun_port(c->gd, v->bricks[at[i]].path);
    free(starts);
    return r;
}

static int join(struct command *c, struct volinfo *v, const char *what, const unsigned int *at, unsigned int n, unsigned int flags,
                bool *made, bool *marked)
{
    struct err err = {""};
    int r = 0;
    for (unsigned int i = 0; r == 0 && i < n && !(flags & JOIN_CHECKED); i++)
        r = brick_folder_check(c, v, at[i], flags & JOIN_FORCE, &made[i]);
    for (unsigned int i = 0; r == 0 && i < n; i++) {
        marked[i] = true;
        r = brick_folder_mark(c, v, at[i]);
        if (r == 0 && (flags & JOIN_BEHIND))
            r = brick_folder_is_behind(c, &v->bricks[at[i]]);
        if (r == 0 && volume_write_brick_file(c->gd, v, at[i], &err) < 0)
            r = command_fail(c, "%s", err.text);
    }
    if (r < 0 || v->status != VOLUME_STARTED)
        return r;
    /* While it is down: replicate would ask it for an account, too. What the others note is noted for good, also when it does not start
     * then; a heal looks, finds nothing to do and strikes it out. */
    if ((flags & JOIN_BEHIND) && v->type == VOLUME_REPLICATE && aux_mount_new_bricks(c->gd, v, what, at, n, &err) < 0)
        return command_fail(c, "%s", err.text);
    return start_them(c, v, at, n);
}

static void undo(struct command *c, const struct volinfo *v, const unsigned int *at, unsigned int n, const bool *made, const bool *marked)
{
    for (unsigned int i = 0; i < n; i++) {
        const struct brickinfo *b = &v->bricks[at[i]];
        if (marked[i]) { /* else it may be another brick's folder, which is why it was refused */
            brickrun_stop(c->gd, b->path);
            volume_forget_brick_file(c->gd, v, at[i]);
            brick_folder_unmark(b);
        }
        if (made[i])
            brick_folder_unmake(b);
    }
}

int bricks_join(struct command *c, struct volinfo *v, const char *what, const unsigned int *at, unsigned int n, unsigned int flags)
{
    bool *made = calloc(2 * (size_t)n + 1, sizeof *made), *marked = made + n;
    if (!made)
        return command_fail(c, "no memory");
    int r = join(c, v, what, at, n, flags, made, marked);
    if (r < 0 && !(flags & JOIN_CHECKED))
        undo(c, v, at, n, made, marked);
    free(made);
    return r;
}

void bricks_unjoin(struct command *c, const struct volinfo *v, const unsigned int *at, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        brickrun_stop(c->gd, v->bricks[at[i]].path);
        volume_forget_brick_file(c->gd, v, at[i]);
        brick_folder_unmark(&v->bricks[at[i]]);
    }
}
