/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-add-brick.c: volume add-brick: more sets, or more copies. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "brick-folder.h"
#include "brick-sets.h"
#include "glusterd.h"
#include "join.h"
#include "log.h"
#include "rebalance.h"

/* The bricks that stand at the end go to their places; at[] tells which ones these are. */
static void put_in_place(struct volinfo *v, const struct volinfo *before, const struct shape *after, unsigned int n, unsigned int *at)
{
    for (unsigned int k = 0; k < n; k++) {
        at[k] = shape_place(before, after, k);
        volinfo_move_brick(v, before->nr_bricks + k, at[k]);
    }
}

static int all_are_up(struct command *c, const struct volinfo *v)
{
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        if (!brickrun_status(c->gd, v->bricks[i].path).online)
            return command_fail(c, "Brick %s:%s is down, changing replica count needs all the bricks to be up to avoid data loss",
                                v->bricks[i].host, v->bricks[i].path);
    return 0;
}

/* What has to be so before anything is touched. */
static int check(struct command *c, const struct volinfo *v, const struct shape *after, bool force)
{
    if (task_running(c->gd, v))
        return command_fail(c, "Volume name %s rebalance is in progress. Please retry after completion", v->name);
    if (after->sub_count && !force) /* they are all on this machine */
        return command_fail(c,
                            "Multiple bricks of a %s volume are present on the same server. This setup is not optimal. Bricks should be "
                            "on different nodes to have best fault tolerant configuration. Use 'force' at the end of the command if you "
                            "want to override this behavior. ",
                            after->type == VOLUME_REPLICATE ? "replicate" : "disperse");
    if (after->replica_count <= v->replica_count)
        return 0;
    if (v->status == VOLUME_STOPPED)
        return command_fail(c, " Volume must not be in stopped state when replica-count needs to  be increased.");
    return v->status == VOLUME_STARTED ? all_are_up(c, v) : 0;
}

static int add(struct command *c, const struct volinfo *v, struct volinfo *copy, const struct shape *after, unsigned int n, bool force)
{
    bool more_copies = after->replica_count > v->replica_count;
    unsigned int *at = calloc(n, sizeof *at);
    if (!at)
        return command_fail(c, "no memory");
    put_in_place(copy, v, after, n, at);
    shape_apply(copy, after);
    int r = 0;
    if (v->type == VOLUME_PLAIN && after->type == VOLUME_REPLICATE && pairs_set(&copy->options, "performance.client-io-threads", "off") < 0)
        r = command_fail(c, "no memory");
    volume_op_versions(copy);
    if (r == 0)
        r = bricks_join(c, copy, "add-brick", at, n, (force ? JOIN_FORCE : 0) | (more_copies ? JOIN_BEHIND : 0));
    struct volinfo *given = r == 0 ? volinfo_copy(copy) : NULL;
    if (r == 0)
        r = given ? volume_commit(c, given) : command_fail(c, "no memory");
    if (r < 0 && given)
        bricks_unjoin(c, copy, at, n);
    free(at);
    return r;
}

static int add_brick_run(struct command *c)
{
    const char *name = command_text(c, "volname"), *bricks = command_text(c, "bricks");
    int count = command_number(c, "count", 0), replica = command_number(c, "replica-count", 0),
        arbiter = command_number(c, "arbiter-count", 0);
    bool force = command_number(c, "force", 0) != 0;
    struct err err = {""};
    struct shape after;
    struct volview *w = name ? volumes_get(c->gd, name) : NULL;
    if (!w)
        return command_fail_errno(c, 0, "Unable to get volinfo for volume name %s", name ? name : "");
    struct volinfo *copy = volinfo_copy(w->v);
    int r = 0;
    if (!copy)
        r = command_fail(c, "no memory");
    else if (!bricks || count <= 0 || replica < 0 || arbiter < 0)
        r = command_fail(c, "the bricks are missing");
    if (r == 0 && shape_with_more(w->v, (unsigned int)count, (unsigned int)replica, (unsigned int)arbiter, &after, &err) < 0)
        r = command_fail(c, "%s", err.text);
    if (r == 0)
        r = brick_folders_parse(c, copy, bricks);
    if (r == 0 && copy->nr_bricks != w->v->nr_bricks + (unsigned int)count)
        r = command_fail(c, "%d bricks were announced and %u given; a path must not contain blanks", count,
                         copy->nr_bricks - w->v->nr_bricks);
    if (r == 0)
        r = check(c, w->v, &after, force);
    if (r == 0)
        r = add(c, w->v, copy, &after, (unsigned int)count, force);
    volinfo_free(copy);
    volview_unref(w);
    return r;
}

const struct command_type add_brick_command = {.name = "volume add-brick", .hook = "add-brick", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                               .run = add_brick_run};
