/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* boot.c: the daemon has come up: bricks of started volumes that do not run are started. Each volume's turn is a command of its own, which
 * has the volume's name to itself like any other; a few take their turns side by side. */
#include "config.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brick-impl.h"
#include "child.h"
#include "log.h"
#include "rebalance.h"
#include "shd.h"

#define LANES 4 /* each starts several bricks at once: bricks_start() */

static void next(struct glusterd *gd);

/* A process whose pid file is in the volume's run folder, and that is no brick of it: the daemon died while a brick joined or left. */
static void end_strangers(struct glusterd *gd, const struct volinfo *v)
{
    char folder[4400], path[4700];
    const struct dirent *e;
    snprintf(folder, sizeof folder, "%s/vols/%s", gd->rundir, v->name);
    DIR *d = opendir(folder);
    while (d && (e = readdir(d))) {
        size_t len = strlen(e->d_name);
        bool known = len < 4 || strcmp(e->d_name + len - 4, ".pid") != 0 || brick_has_pid_file(v, e->d_name);
        snprintf(path, sizeof path, "%s-snapd.pid", v->name);
        known |= strcmp(e->d_name, path) == 0;
        snprintf(path, sizeof path, "%s.gfproxyd.pid", v->name);
        known |= strcmp(e->d_name, path) == 0;
        if (known)
            continue;
        int pid, fd;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if ((fd = child_open(path, &pid)) < 0)
            continue;
        log_warning("glusterd", "process %d was to be a brick of volume %s, or was one, and is ended", pid, v->name);
        child_end(fd, path);
        close(fd);
    }
    if (d)
        closedir(d);
}

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
    for (unsigned int i = 0; w && w->v->status != VOLUME_STARTED && i < w->v->nr_bricks; i++)
        brickrun_stop(c->gd, w->v->bricks[i].path); /* a former life has not come to it */
    if (w)
        end_strangers(c->gd, w->v);
    if (w && w->v->status == VOLUME_STARTED)
        task_resume(c->gd, w->v);
    volview_unref(w);
    return 0;
}

/* The self-heal daemon is one for all volumes, and waits for their bricks itself. */
static int services_run(struct command *c)
{
    struct err err = {""};
    size_t n;
    struct volview **all = volumes_all(c->gd, &n);
    bool heals = false;
    for (size_t i = 0; i < n; i++)
        heals |= all[i]->v->type != VOLUME_PLAIN;
    volumes_free(all, n);
    if (heals && shd_follow(c->gd, &err) < 0)
        log_error("glusterd", "%s", err.text);
    return 0;
}

static void services_done(struct command *c)
{
    (void)c;
}

static const struct command_type services_command = {.name = "services", .run = services_run, .encode = services_done};

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
    command_begin(gd, NULL, &services_command, NULL, NULL, 0, NULL);
    for (int i = 0; i < LANES; i++)
        next(gd);
}
