/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-volume.c: volume start, stop, delete, list, info. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "cli.h"
#include "dict.h"
#include "glusterd.h"
#include "hooks.h"
#include "log.h"
#include "paths.h"
#include "programs.h"
#include "rebalance.h"
#include "shd.h"
#include "wire.h"

/* ---- start, stop, delete ---------------------------------------------------------------------------------------------------- */

static int name_and_id(struct command *c, const struct volinfo *v)
{
    if (dict_set_text(c->out, "volname", v->name) < 0 || dict_set_text(c->out, "vol-id", v->id) < 0)
        return command_fail(c, "no memory");
    return 0;
}

static int start_bricks(struct command *c, struct volinfo *v, bool force)
{
    struct brickstart *starts = calloc(v->nr_bricks + 1, sizeof *starts);
    const char *why = NULL;
    struct err err = {""};
    if (!starts)
        return command_fail(c, "no memory");
    if (volume_write_files(c->gd, v, &err) < 0) { /* they are there, unless the disk was full when the volume was written */
        free(starts);
        return command_fail(c, "%s", err.text);
    }
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        starts[i] = (struct brickstart){.v = v, .i = i, .force = force};
    size_t failed = bricks_start(c->gd, starts, v->nr_bricks);
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        int port = brickrun_port(c->gd, v->bricks[i].path);
        if (port > 0)
            v->bricks[i].port = port;
        if (starts[i].result == 0)
            continue;
        log_error("glusterd", "%s", starts[i].err.text);
        why = why ? why : starts[i].err.text;
    }
    /* With force the bricks that can be started are. */
    int r = failed == 0 || (force && failed < v->nr_bricks) ? 0 : command_fail(c, "%s", why);
    free(starts);
    return r;
}

static int start_run(struct command *c)
{
    bool force = command_number(c, "flags", 0) & 1;
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    struct volinfo *v = NULL;
    int r = 0;
    if (w->v->status == VOLUME_STARTED && !force)
        r = command_fail(c, "Volume %s already started", w->v->name);
    for (unsigned int i = 0; r == 0 && !force && i < w->v->nr_bricks; i++) {
        struct err err = {""};
        if (brick_check_id(w->v, i, w->v->status == VOLUME_CREATED, &err) < 0)
            r = command_fail(c, "%s", err.text);
    }
    if (r == 0 && !(v = volinfo_copy(w->v)))
        r = command_fail(c, "no memory");
    if (r == 0) {
        hook_pre(c);
        r = start_bricks(c, v, force);
    }
    if (r < 0 && w->v->status != VOLUME_STARTED) /* as it was: what has been started is stopped */
        for (unsigned int i = 0; v && i < v->nr_bricks; i++)
            brickrun_stop(c->gd, v->bricks[i].path);
    if (r == 0)
        r = name_and_id(c, v);
    if (r == 0) {
        v->status = VOLUME_STARTED;
        r = volume_commit(c, v);
        v = NULL;
    }
    if (r == 0 && w->v->type != VOLUME_PLAIN && shd_pid(c->gd, w->v->name) == 0) {
        char program[4200];
        struct err why = {""};
        if (path_of_cluster_client(program, sizeof program, &why) < 0) /* it runs, and nothing heals it */
            snprintf(c->errstr, sizeof c->errstr, "%s", why.text);
    }
    volinfo_free(v);
    volview_unref(w);
    return r;
}

static int stop_run(struct command *c)
{
    bool force = command_number(c, "flags", 0) & 1;
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    struct volinfo *v = NULL;
    int r = 0;
    if (w->v->status != VOLUME_STARTED && !force)
        r = command_fail(c, "Volume %s is not in the started state", w->v->name);
    if (r == 0 && !force && task_running(c->gd, w->v))
        r = command_fail(c, "rebalance session is in progress for the volume '%s'", w->v->name);
    if (r == 0 && !(v = volinfo_copy(w->v)))
        r = command_fail(c, "no memory");
    if (r == 0)
        r = name_and_id(c, v);
    if (r == 0 && force)
        task_end(c->gd, v);
    if (r == 0) { /* written first: a daemon that dies now does not start them again */
        v->status = VOLUME_STOPPED;
        r = volume_commit(c, v);
        v = NULL;
    }
    for (unsigned int i = 0; r == 0 && i < w->v->nr_bricks; i++)
        brickrun_stop(c->gd, w->v->bricks[i].path);
    volinfo_free(v);
    volview_unref(w);
    return r;
}

static int delete_run(struct command *c)
{
    struct volview *w = command_volume(c);
    struct err err = {""};
    if (!w)
        return -1;
    int r = 0;
    if (w->v->status == VOLUME_STARTED)
        r = command_fail(c, "Volume %s has been started.Volume needs to be stopped before deletion.", w->v->name);
    if (r == 0)
        r = name_and_id(c, w->v);
    if (r == 0)
        hook_pre(c);
    if (r == 0 && store_remove_volume(c->gd->workdir, w->v, &err) < 0)
        r = command_fail(c, "%s", err.text);
    if (r == 0)
        volumes_remove(c->gd, w->v->name);
    volview_unref(w);
    return r;
}

/* ---- list, info ------------------------------------------------------------------------------------------------------------------ */

/* All names: COUNT_KEY, NAME0, NAME1, ... */
int put_volume_names(struct command *c, const char *count_key, const char *name_key)
{
    size_t n;
    struct volview **all = volumes_all(c->gd, &n);
    char key[32];
    int r = dict_set_textf(c->out, count_key, "%zu", n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        snprintf(key, sizeof key, "%s%zu", name_key, i);
        r = dict_set_text(c->out, key, all[i]->v->name);
    }
    volumes_free(all, n);
    return r < 0 ? command_fail(c, "there are more volumes than one answer can hold") : 0;
}

static int list_run(struct command *c)
{
    return put_volume_names(c, "count", "volume");
}

static int put_volume(struct command *c, const struct volinfo *v, unsigned int n)
{
    char prefix[32], key[64], value[4500];
    snprintf(prefix, sizeof prefix, "volume%u.", n);
    struct keyed k = {.d = c->out, .prefix = prefix};
    struct task task;
    task_read(v, &task);
    put(&k, "name", v->name);
    put_number(&k, "type", v->type); /* who reads it makes the distributed form of it */
    put_number(&k, "status", v->status);
    put_number(&k, "brick_count", v->nr_bricks);
    put_number(&k, "dist_count", v->sub_count ? v->sub_count : 1);
    put_number(&k, "replica_count", v->replica_count);
    put_number(&k, "disperse_count", v->disperse_count);
    put_number(&k, "redundancy_count", v->redundancy_count);
    put_number(&k, "arbiter_count", v->arbiter_count);
    put_number(&k, "transport", v->transport);
    put_number(&k, "thin_arbiter_count", v->thin_arbiter_count);
    put(&k, "volume_id", v->id);
    put_number(&k, "rebalance", task.status);
    put_number(&k, "snap_count", 0);
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        snprintf(key, sizeof key, "brick%u", i + 1);
        snprintf(value, sizeof value, "%s:%s", v->bricks[i].host, v->bricks[i].path);
        put(&k, key, value);
        snprintf(key, sizeof key, "brick%u.uuid", i + 1);
        put(&k, key, v->bricks[i].owner);
        if (v->arbiter_count && (i + 1) % v->sub_count == 0) {
            snprintf(key, sizeof key, "brick%u.isArbiter", i + 1);
            put(&k, key, "1");
        }
    }
    size_t options = 0;
    for (size_t i = 0; i < v->options.n; i++, options++) { /* who reads it shows the last one first */
        char name[300];
        snprintf(name, sizeof name, "option.%s", v->options.at[i].key);
        put(&k, name, v->options.at[i].value);
    }
    struct pairs globals = {0};
    if (k.r == 0)
        k.r = node_globals(c->gd, &globals);
    for (size_t i = 0; i < globals.n; i++) {
        char name[300];
        if (strcmp(globals.at[i].key, "global-option-version") == 0)
            continue;
        snprintf(name, sizeof name, "option.%s", globals.at[i].key);
        put(&k, name, globals.at[i].value);
        options++;
    }
    pairs_done(&globals);
    put_number(&k, "opt_count", (long long)options);
    return k.r;
}

enum { INFO_ONE = 2, INFO_NEXT = 3 };
enum { NO_SUCH_VOLUME = 30806 };

/* One volume, or the first after the one that is named. */
static int info_run(struct command *c)
{
    const char *name = command_text(c, "volname");
    int flags = command_number(c, "flags", 0);
    struct volview *w = NULL;
    if (flags == INFO_ONE) {
        w = name ? volumes_get(c->gd, name) : NULL;
        if (!w && dict_set_text(c->out, "count", "0") == 0) /* the command line looks at the count and at this number */
            return command_fail_errno(c, NO_SUCH_VOLUME, "Volume does not exist");
    } else if (flags == INFO_NEXT) {
        SCOPED_LOCK(&c->gd->lock);
        struct volview *at = c->gd->volumes;
        while (at && name && strcmp(at->v->name, name) <= 0)
            at = at->next;
        w = at ? volview_ref(at) : NULL;
    } else {
        return command_fail_errno(c, EINVAL, "volume info: flags %d", flags);
    }
    int r = dict_set_text(c->out, "count", w ? "1" : "0");
    if (r == 0 && w)
        r = put_volume(c, w->v, 0);
    volview_unref(w);
    return r < 0 ? command_fail(c, "the volume is larger than one answer can hold") : 0;
}

/* ---- the node ------------------------------------------------------------------------------------------------------------------------ */

static int getwd_run(struct command *c)
{
    (void)c;
    return 0;
}
static void getwd_encode(struct command *c)
{
    const struct cli_getwd_rsp rsp = {.wd = wire_str(c->gd->workdir)};
    reply_with(c, (void *)xdr_cli_getwd_rsp, &rsp);
}

static int uuid_get_run(struct command *c)
{
    struct err err = {""};
    if (node_uuid(c->gd, &err) < 0)
        return command_fail(c, "%s", err.text);
    return dict_set_text(c->out, "uuid", c->gd->uuid) < 0 ? command_fail(c, "no memory") : 0;
}

enum { FRIENDS_POOL = 2 };

static int friends_run(struct command *c)
{
    const struct cli_peer_list_req *req = c->args;
    struct err err = {""};
    bool pool = req->flags == FRIENDS_POOL;
    struct keyed k = {.d = c->out, .prefix = ""};
    if (pool && node_uuid(c->gd, &err) < 0)
        return command_fail(c, "%s", err.text);
    put_number(&k, "count", pool);
    if (pool) {
        put(&k, "friend1.uuid", c->gd->uuid);
        put(&k, "friend1.hostname", "localhost");
        put_number(&k, "friend1.connected", 1);
    }
    return k.r < 0 ? command_fail(c, "no memory") : 0;
}
static void friends_encode(struct command *c)
{
    size_t len = dict3_size(c->out);
    uint8_t *bytes = len ? malloc(len) : NULL;
    if (bytes)
        dict3_encode(c->out, bytes);
    const struct cli_peer_list_rsp rsp = {.op_ret = c->op_ret, .op_errno = c->op_errno,
                                          .friends = {.at = bytes, .len = bytes ? (uint32_t)len : 0}};
    reply_with(c, (void *)xdr_cli_peer_list_rsp, &rsp);
    free(bytes);
}

const struct command_type start_command = {.name = "volume start", .hook = "start", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                           .run = start_run};
const struct command_type stop_command = {.name = "volume stop", .hook = "stop", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                          .run = stop_run};
const struct command_type delete_command = {.name = "volume delete", .hook = "delete", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                            .run = delete_run};
const struct command_type list_command = {.name = "volume list", .flags = COMMAND_QUICK, .run = list_run};
const struct command_type info_command = {.name = "volume info", .flags = COMMAND_QUICK, .run = info_run};
const struct command_type getwd_command = {.name = "getwd", .flags = COMMAND_QUICK, .run = getwd_run, .encode = getwd_encode};
const struct command_type uuid_get_command = {.name = "uuid get", .flags = COMMAND_QUICK, .run = uuid_get_run};
const struct command_type friends_command = {.name = "pool list", .flags = COMMAND_QUICK, .run = friends_run, .encode = friends_encode};
