/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-remove-brick.c: volume remove-brick start, commit and force. Between start and commit the bricks are marked in the volume, clients
 * place no new files there, and a rebalance process carries off what is there. Its stop and status are sent as a rebalance's:
 * cmd-rebalance.c. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brick-sets.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "rebalance.h"

enum { REMOVE_START = 1, REMOVE_COMMIT = 2, REMOVE_FORCE = 5 };
#define REMOVE_MAX 65536

struct removal {
    const struct volinfo *v;
    unsigned int *at, n;         /* which bricks */
    struct shape after;
};

static const char *brick_named(struct command *c, unsigned int i)
{
    char key[32];
    snprintf(key, sizeof key, "brick%u", i + 1);
    return command_text(c, key);
}

static int find(struct command *c, struct removal *m)
{
    for (unsigned int i = 0; i < m->n; i++) {
        const char *name = brick_named(c, i), *path = name ? strstr(name, ":/") : NULL;
        unsigned int k = m->v->nr_bricks;
        for (unsigned int j = 0; path && j < m->v->nr_bricks && k == m->v->nr_bricks; j++) {
            const struct brickinfo *b = &m->v->bricks[j];
            size_t len = strlen(path + 1);
            while (len > 1 && path[len] == '/')
                len--;
            if (strlen(b->host) == (size_t)(path - name) && strncmp(b->host, name, (size_t)(path - name)) == 0 && strlen(b->path) == len &&
                strncmp(b->path, path + 1, len) == 0)
                k = j;
        }
        if (k == m->v->nr_bricks)
            return command_fail_errno(c, 0, "Incorrect brick %s for volume %s", name ? name : "", m->v->name);
        for (unsigned int j = 0; j < i; j++)
            if (m->at[j] == k)
                return command_fail(c, "Duplicate bricks found %s", name);
        m->at[i] = k;
    }
    return 0;
}

/* The bricks go: the volume is without them from the commit on, then their processes end. */
static int remove_now(struct command *c, const struct removal *m)
{
    struct volinfo *v = volinfo_copy(m->v);
    struct task t;
    if (!v)
        return command_fail(c, "no memory");
    task_read(v, &t);
    for (unsigned int i = m->v->nr_bricks; i > 0; i--)
        for (unsigned int k = 0; k < m->n; k++)
            if (m->at[k] == i - 1) {
                volinfo_remove_brick(v, i - 1);
                break;
            }
    int r = 0;
    if (m->v->type == VOLUME_REPLICATE && m->after.type == VOLUME_PLAIN)
        r = pairs_set(&v->options, "performance.client-io-threads", "on");
    shape_apply(v, &m->after);
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        v->bricks[i].decommissioned = false;
    if (t.kind == TASK_REMOVE_BRICK) {
        task_bricks_clear(v);
        t.kind = TASK_NONE;
        r = r < 0 ? r : task_write(v, &t);
    }
    if (r < 0) {
        volinfo_free(v);
        return command_fail(c, "no memory");
    }
    task_end(c->gd, m->v); /* with force it may be under way */
    volume_op_versions(v);
    if (volume_commit(c, v) < 0)
        return -1;
    for (unsigned int k = 0; k < m->n; k++) {
        brickrun_stop(c->gd, m->v->bricks[m->at[k]].path);
        volume_forget_brick_file(c->gd, m->v, m->at[k]);
    }
    return 0;
}

static int check_commit(struct command *c, const struct removal *m)
{
    struct task t;
    for (unsigned int k = 0; k < m->n; k++) {
        const struct brickinfo *b = &m->v->bricks[m->at[k]];
        if (!b->decommissioned)
            return command_fail(c, "Brick %s:%s is not decommissioned. Use start or force option", b->host, b->path);
    }
    task_ask(c->gd, m->v, &t);
    if (t.kind != TASK_REMOVE_BRICK)
        return 0;
    if (t.status == TASK_IN_PROGRESS)
        return command_fail(c, "use 'force' option as migration is in progress");
    if (t.status == TASK_FAILED)
        return command_fail(c, "use 'force' option as migration has failed");
    if (t.failures > 0 || t.skipped > 0)
        return command_fail(c, "use 'force' option as migration of some files might have been skipped or has failed");
    return 0;
}

static int start(struct command *c, const struct removal *m)
{
    struct err err = {""};
    struct task t = {.kind = TASK_REMOVE_BRICK, .command = REBALANCE_FORCE, .status = TASK_IN_PROGRESS};
    const struct volinfo *before = m->v;
    for (unsigned int k = 0; k < m->n; k++) {
        const struct brickinfo *b = &before->bricks[m->at[k]];
        if (!brickrun_status(c->gd, b->path).online)
            return command_fail(c, "Found stopped brick %s:%s. Use force option to remove the offline brick", b->host, b->path);
    }
    struct volinfo *v = volinfo_copy(before);
    if (!v)
        return command_fail(c, "no memory");
    uuid_text(t.id);
    task_bricks_clear(v);
    int r = task_write(v, &t);
    for (unsigned int k = 0; r == 0 && k < m->n; k++) {
        struct brickinfo *b = &v->bricks[m->at[k]];
        b->decommissioned = true;
        r = task_bricks_add(v, k + 1, b->host, b->path);
    }
    if (r < 0 || dict_set_text(c->out, "remove-brick-id", t.id) < 0) {
        volinfo_free(v);
        return command_fail(c, "no memory");
    }
    if (volume_commit(c, v) < 0)
        return -1;
    struct volview *now = volumes_get(c->gd, before->name);
    if (now && task_run(c->gd, now->v, REBALANCE_FORCE, &err) < 0) { /* nothing moves: as it was */
        char why[sizeof err.text];
        memcpy(why, err.text, sizeof why);
        struct volinfo *back = volinfo_copy(before);
        if (back)
            back->version = now->v->version;
        if (back && volume_commit(c, back) < 0)
            log_error("glusterd", "volume %s: %s", before->name, c->errstr);
        r = command_fail(c, "%s", why);
    }
    volview_unref(now);
    return r;
}

static int check_and_do(struct command *c, struct removal *m, int command, unsigned int replica)
{
    struct err err = {""};
    struct task t;
    task_read(m->v, &t);
    if (command == REMOVE_START && replica && replica < m->v->replica_count)
        return command_fail(c, "Migration of data is not needed when reducing replica count. Use the 'force' option");
    if (shape_with_fewer(m->v, m->at, m->n, replica, &m->after, &err) < 0)
        return command_fail(c, "%s", err.text);
    switch (command) {
    case REMOVE_START:
        if (m->v->status != VOLUME_STARTED)
            return command_fail(c, "Volume %s needs to be started before remove-brick (you can use 'force' or 'commit' to override this "
                                   "behavior)",
                                m->v->name);
        if (t.kind == TASK_REMOVE_BRICK)
            return command_fail(c, "An earlier remove-brick task exists for volume %s. Either commit it or stop it before starting a new "
                                   "task.",
                                m->v->name);
        if (task_running(c->gd, m->v))
            return command_fail(c, "Rebalance is in progress. Please retry after completion");
        return start(c, m);
    case REMOVE_COMMIT:
        return check_commit(c, m) < 0 ? -1 : remove_now(c, m);
    case REMOVE_FORCE:
        return remove_now(c, m);
    default:
        return command_fail(c, "volume remove-brick: command %d", command);
    }
}

static int remove_brick_run(struct command *c)
{
    int command = command_number(c, "command", 0), count = command_number(c, "count", 0), replica = command_number(c, "replica-count", 0);
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    struct removal m = {.v = w->v, .n = count > 0 && count < REMOVE_MAX ? (unsigned int)count : 0};
    m.at = calloc(m.n + 1, sizeof *m.at);
    int r = m.at && m.n && replica >= 0 ? find(c, &m) : command_fail(c, "the bricks are missing");
    if (r == 0)
        r = check_and_do(c, &m, command, (unsigned int)replica);
    free(m.at);
    volview_unref(w);
    return r;
}

const struct command_type remove_brick_command = {.name = "volume remove-brick", .hook = "remove-brick",
                                                  .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = remove_brick_run};
