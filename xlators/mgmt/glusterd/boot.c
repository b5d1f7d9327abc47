/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* boot.c: the daemon has come up: bricks of started volumes that do not run are started. Each volume's turn is a command of its own, which
 * has the volume's name to itself like any other; a few take their turns side by side. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "glusterd.h"
#include "log.h"
#include "rebalance.h"
#include "shd.h"

#define LANES 4 /* each starts several bricks at once: bricks_start() */

static void next(struct glusterd *gd);

static int boot_run(struct command *c)
{
    struct volview *w = volumes_get(c->gd, c->name);
    struct brickstart *starts = w && w->v->status == VOLUME_STARTED ? calloc(w->v->nr_bricks + 1, sizeof *starts) : NULL;
    size_t n = 0;
    for (unsigned int i = 0; starts && i < w->v->nr_bricks; i++)
        if (strcmp(w->v->bricks[i].owner, c->gd->uuid) == 0)
            starts[n++] = (struct brickstart){.v = w->v, .i = i};
    bricks_start(c->gd, starts, n);
    for (size_t i = 0; i < n; i++)
        if (starts[i].result < 0)
            log_error("glusterd", "%s", starts[i].err.text);
    free(starts);
    if (w && w->v->status == VOLUME_STARTED)
        task_resume(c->gd, w->v);
    struct err err = {""};
    if (w && shd_is_wanted(w->v) && shd_follow(c->gd, &err) < 0)
        log_error("glusterd", "%s", err.text);
    volview_unref(w);
    return 0;
}

static void boot_done(struct command *c)
{
    next(c->gd);
}

static const struct command_type boot_command = {.name = "boot", .flags = COMMAND_CHANGES, .run = boot_run, .encode = boot_done};

static void next(struct glusterd *gd)
{
    const struct volview *w = NULL;
    pthread_mutex_lock(&gd->lock);
    if (gd->boot_at < gd->nr_boot && !gd->ending)
        w = gd->boot[gd->boot_at++];
    pthread_mutex_unlock(&gd->lock);
    if (w)
        command_begin(gd, NULL, &boot_command, NULL, NULL, 0, w->v->name);
}

void boot_volumes(struct glusterd *gd)
{
    size_t n;
    struct volview **all = volumes_all(gd, &n);
    pthread_mutex_lock(&gd->lock);
    gd->boot = all;
    gd->nr_boot = n;
    pthread_mutex_unlock(&gd->lock);
    for (int i = 0; i < LANES; i++)
        next(gd);
}
