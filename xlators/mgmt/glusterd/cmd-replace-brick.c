/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-replace-brick.c: volume replace-brick: another folder in a brick's place; volume reset-brick: the same folder, empty, on a new
 * disk. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "brick-folder.h"
#include "glusterd.h"
#include "join.h"
#include "log.h"
#include "rebalance.h"

/* Number of the brick "H:P"; nr_bricks: the volume has none of that name. */
static unsigned int find(const struct volinfo *v, const char *name)
{
    for (unsigned int i = 0; name && i < v->nr_bricks; i++) {
        size_t host = strlen(v->bricks[i].host);
        if (strncmp(name, v->bricks[i].host, host) == 0 && name[host] == ':' && strcmp(name + host + 1, v->bricks[i].path) == 0)
            return i;
    }
    return v->nr_bricks;
}

static char *without_slashes(const char *brick)
{
    char *copy = brick ? strdup(brick) : NULL;
    for (size_t len = copy ? strlen(copy) : 0; len > 1 && copy[len - 1] == '/' && copy[len - 2] != ':'; len--)
        copy[len - 1] = '\0';
    return copy;
}

static int common_checks(struct command *c, const struct volinfo *v, const char *src, unsigned int i)
{
    if (v->status != VOLUME_STARTED)
        return command_fail(c, "volume: %s is not started", v->name);
    if (i == v->nr_bricks)
        return command_fail(c, "brick: %s does not exist in volume: %s", src ? src : "", v->name);
    return 0;
}

static void empty_place(struct brickinfo *b)
{
    char *id = b->id;
    b->id = NULL;
    brickinfo_done(b);
    *b = (struct brickinfo){.id = id}; /* the place keeps its id: who accounts for the brick goes by it */
}

static int replace(struct command *c, const struct volinfo *v, unsigned int i, char *dst)
{
    struct volinfo *copy = volinfo_copy(v);
    struct brickinfo with = {0};
    if (!copy)
        return command_fail(c, "no memory");
    int r = brick_parse(c, dst, &with);
    if (r == 0) {
        empty_place(&copy->bricks[i]);
        with.id = copy->bricks[i].id;
        copy->bricks[i] = with;
        r = bricks_join(c, copy, "replace-brick", &i, 1, JOIN_FORCE | (v->type == VOLUME_REPLICATE ? JOIN_BEHIND : 0));
    } else {
        brickinfo_done(&with);
    }
    struct volinfo *given = r == 0 ? volinfo_copy(copy) : NULL;
    if (r == 0)
        r = given ? volume_commit(c, given) : command_fail(c, "no memory");
    if (r < 0 && given)
        bricks_unjoin(c, copy, &i, 1);
    if (r == 0) {
        brickrun_stop(c->gd, v->bricks[i].path);
        volume_forget_brick_file(c->gd, v, i);
        snprintf(c->errstr, sizeof c->errstr, "replace-brick commit force operation successful");
    }
    volinfo_free(copy);
    return r;
}

static int replace_run(struct command *c)
{
    const char *operation = command_text(c, "operation"), *dst = command_text(c, "dst-brick");
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    char *src = without_slashes(command_text(c, "src-brick")), *to = without_slashes(dst);
    unsigned int i = find(w->v, src);
    int r = src && to ? common_checks(c, w->v, src, i) : command_fail(c, "the bricks are missing");
    if (r == 0 && (!operation || strcmp(operation, "GF_REPLACE_OP_COMMIT_FORCE") != 0))
        r = command_fail(c, "volume replace-brick: %s: only commit force is there", operation ? operation : "");
    if (r == 0 && w->v->type == VOLUME_PLAIN)
        r = command_fail(c, "replace-brick is not permitted on distribute only volumes. Please use add-brick and remove-brick operations "
                            "instead.");
    if (r == 0 && task_running(c->gd, w->v))
        r = command_fail(c, "Volume name %s rebalance is in progress. Please retry after completion", w->v->name);
    if (r == 0)
        r = replace(c, w->v, i, to);
    free(src);
    free(to);
    volview_unref(w);
    return r;
}

/* ---- reset-brick --------------------------------------------------------------------------------------------------------------------- */

static int reset_start(struct command *c, const struct volinfo *v, unsigned int i)
{
    brickrun_stop(c->gd, v->bricks[i].path);
    snprintf(c->errstr, sizeof c->errstr, "reset-brick start operation successful");
    return 0;
}

static int reset_commit(struct command *c, const struct volinfo *v, unsigned int i, const char *src, const char *dst, bool force)
{
    const struct brickinfo *b = &v->bricks[i];
    if (!dst || strcmp(src, dst) != 0)
        return command_fail(c, "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> <dst-brick> "
                               "commit force");
    if (brickrun_status(c->gd, b->path).pid)
        return command_fail(c, "Source brick must be stopped. Please use gluster volume reset-brick <volname> <dst-brick> start.");
    if (!force)
        return command_fail(c, "Brick not available.It may be containing or be contained by an existing brick.Use 'force' option to "
                               "override this.");
    if (mkdir(b->path, 0755) < 0 && errno != EEXIST)
        return command_fail(c, "Failed to create brick directory for brick %s:%s. Reason : %s ", b->host, b->path, strerror(errno));
    struct volinfo *copy = volinfo_copy(v);
    if (!copy)
        return command_fail(c, "no memory");
    int r = bricks_join(c, copy, "replace-brick", &i, 1, JOIN_CHECKED | (v->type == VOLUME_REPLICATE ? JOIN_BEHIND : 0));
    if (r < 0) {
        volinfo_free(copy);
        return r;
    }
    r = volume_commit(c, copy);
    if (r == 0)
        snprintf(c->errstr, sizeof c->errstr, "reset-brick commit %soperation successful", force ? "force " : "");
    return r;
}

static int reset_run(struct command *c)
{
    const char *operation = command_text(c, "operation");
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    char *src = without_slashes(command_text(c, "src-brick")), *dst = without_slashes(command_text(c, "dst-brick"));
    unsigned int i = find(w->v, src);
    int r = src ? common_checks(c, w->v, src, i) : command_fail(c, "the brick is missing");
    if (r == 0 && w->v->type == VOLUME_PLAIN)
        r = command_fail(c, "reset-brick is not permitted on distribute only volumes: what the brick holds is nowhere else");
    if (r == 0 && operation && strcmp(operation, "GF_RESET_OP_START") == 0)
        r = reset_start(c, w->v, i);
    else if (r == 0 && operation && strncmp(operation, "GF_RESET_OP_COMMIT", 18) == 0)
        r = reset_commit(c, w->v, i, src, dst, strcmp(operation, "GF_RESET_OP_COMMIT_FORCE") == 0);
    else if (r == 0)
        r = command_fail(c, "volume reset-brick: %s: no such operation", operation ? operation : "");
    free(src);
    free(dst);
    volview_unref(w);
    return r;
}

const struct command_type replace_brick_command = {.name = "volume replace-brick", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                                   .run = replace_run};
const struct command_type reset_brick_command = {.name = "volume reset-brick", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = reset_run};
