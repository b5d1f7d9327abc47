/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-rebalance.c: volume rebalance; remove-brick stop and status, which are sent the same way; and what the process tells at its end. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "dict.h"
#include "glusterd.h"
#include "handshake.h"
#include "log.h"
#include "programs.h"
#include "rebalance.h"
#include "wire.h"

enum { REMOVE_STOP = 3, REMOVE_STATUS = 4 }; /* of the key "command" */

static int put_node(struct command *c, const struct task *t)
{
    struct keyed k = {.d = c->out, .prefix = ""};
    put_number(&k, "count", 1);
    put(&k, "node-uuid-1", c->gd->uuid);
    put(&k, "node-name-1", "localhost");
    put_number(&k, "files-1", (long long)t->files);
    put_number(&k, "size-1", (long long)t->size);
    put_number(&k, "lookups-1", (long long)t->lookups);
    put_number(&k, "failures-1", (long long)t->failures);
    put_number(&k, "skipped-1", (long long)t->skipped);
    put_number(&k, "status-1", t->status);
    putf(&k, "run-time-1", "%f", t->run_time);
    if (t->time_left || t->kind == TASK_REMOVE_BRICK) /* the process estimates after ten minutes; remove-brick's printer wants the key */
        put_number(&k, "time-left-1", (long long)t->time_left);
    put(&k, t->kind == TASK_REMOVE_BRICK ? "remove-brick-id" : "rebalance-id", t->id);
    return k.r < 0 ? command_fail(c, "no memory") : 0;
}

static int check_volume(struct command *c, const struct volinfo *v)
{
    if (volinfo_subvolumes(v) < 2)
        return command_fail(c, "Volume %s is not a distribute volume or contains only 1 brick.\nNot performing rebalance", v->name);
    if (v->status != VOLUME_STARTED)
        return command_fail(c, "Volume %s needs to be started to perform rebalance", v->name);
    return 0;
}

static int start(struct command *c, const struct volinfo *v, int command)
{
    struct err err = {""};
    struct task t, before;
    task_read(v, &before);
    if (check_volume(c, v) < 0)
        return -1;
    if (before.kind == TASK_REMOVE_BRICK)
        return command_fail(c, "A remove-brick task on volume %s is not yet committed. Either commit or stop the remove-brick task.",
                            v->name);
    if (task_running(c->gd, v))
        return command_fail(c, "Rebalance on %s is already started", v->name);
    struct volinfo *copy = volinfo_copy(v);
    if (!copy)
        return command_fail(c, "no memory");
    t = (struct task){.kind = TASK_REBALANCE, .command = command,
                      .status = command == REBALANCE_FIX_LAYOUT ? TASK_FIXING : TASK_IN_PROGRESS};
    uuid_text(t.id);
    int r = task_write(copy, &t) < 0 || dict_set_text(c->out, "rebalance-id", t.id) < 0 ? command_fail(c, "no memory") : 0;
    if (r == 0 && (r = volume_keep_state(c->gd, copy, &err)) < 0) /* first: what the process says at its end must find it */
        r = command_fail(c, "%s", err.text);
    else if (r < 0)
        volinfo_free(copy);
    if (r == 0 && task_run(c->gd, v, command, &err) < 0) {
        struct err ignored;
        r = command_fail(c, "%s", err.text);
        copy = volinfo_copy(v);
        if (copy)
            volume_keep_state(c->gd, copy, &ignored);
    }
    return r;
}

static int stop_or_status(struct command *c, const struct volinfo *v, bool stop, enum task_kind kind)
{
    struct err err = {""};
    struct task t;
    task_read(v, &t);
    if (kind == TASK_REBALANCE && check_volume(c, v) < 0)
        return -1;
    if (t.kind != kind)
        return command_fail(c, kind == TASK_REBALANCE ? "Rebalance not started for volume %s." : "remove-brick not started for volume %s.",
                            v->name);
    if (!stop) {
        task_ask(c->gd, v, &t);
        return put_node(c, &t);
    }
    if (task_stop(c->gd, v, &t, &err) < 0)
        return command_fail(c, "%s", err.text);
    if (put_node(c, &t) < 0)
        return -1;
    if (kind == TASK_REBALANCE)
        return 0; /* the process says itself how it ended */
    /* The bricks stay, so clients place files there again. */
    struct volinfo *copy = volinfo_copy(v);
    if (!copy)
        return command_fail(c, "no memory");
    for (unsigned int i = 0; i < copy->nr_bricks; i++)
        copy->bricks[i].decommissioned = false;
    task_bricks_clear(copy);
    t.kind = TASK_NONE;
    if (task_write(copy, &t) < 0) {
        volinfo_free(copy);
        return command_fail(c, "no memory");
    }
    return volume_commit(c, copy);
}

static int defrag_run(struct command *c)
{
    int command = command_number(c, "rebalance-command", 0), remove = command_number(c, "command", 0);
    struct volview *w = command_volume(c);
    int r;
    if (!w)
        return -1;
    switch (command) {
    case REBALANCE_START:
    case REBALANCE_FIX_LAYOUT:
    case REBALANCE_FORCE:
        r = start(c, w->v, command);
        break;
    case REBALANCE_STOP:
    case REBALANCE_STATUS:
        r = stop_or_status(c, w->v, command == REBALANCE_STOP,
                           remove == REMOVE_STOP || remove == REMOVE_STATUS ? TASK_REMOVE_BRICK : TASK_REBALANCE);
        break;
    default:
        r = command_fail(c, "volume rebalance: command %d", command);
    }
    volview_unref(w);
    return r;
}

/* ---- the process's last word ----------------------------------------------------------------------------------------------- */

static int notify_run(struct command *c)
{
    struct err err = {""};
    struct task t;
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    task_read(w->v, &t);
    struct volinfo *copy = t.kind == TASK_NONE ? NULL : volinfo_copy(w->v);
    int r = 0;
    if (copy) {
        task_take(&t, c->in);
        if (task_write(copy, &t) < 0)
            volinfo_free(copy);
        else if (volume_keep_state(c->gd, copy, &err) < 0)
            r = command_fail(c, "%s", err.text);
    }
    volview_unref(w);
    return r;
}

static void notify_encode(struct command *c)
{
    const struct hndsk_event_notify_rsp rsp = {.op_ret = c->op_ret, .op_errno = c->op_errno};
    reply_with(c, (void *)xdr_hndsk_event_notify_rsp, &rsp);
}

static const struct command_type notify_command = {.name = "rebalance's end", .flags = COMMAND_CHANGES, .run = notify_run,
                                                   .encode = notify_encode};

void event_notify(struct rpc_request *req)
{
    struct hndsk_event_notify_req arg;
    struct dict *in = NULL;
    const char *volume;
    if (wire_decode((void *)xdr_hndsk_event_notify_req, &arg, req->args, req->args_len) < 0 || wire_dict3_open(&arg.dict, &in) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    if (!conn_is_local(req->conn)) { /* before it waits for a name, which many could do */
        const struct hndsk_event_notify_rsp rsp = {.op_ret = -1, .op_errno = EPERM};
        dict_unref(in);
        reply_now(req, (void *)xdr_hndsk_event_notify_rsp, &rsp);
        return;
    }
    char name[257] = "";
    if (dict_get_text(in, "volname", &volume) == 0) { /* it says what it has fetched its volume file by (seen) */
        const char *slash = strrchr(volume, '/');
        snprintf(name, sizeof name, "%s", slash ? slash + 1 : volume);
    }
    if (!in || dict_set_text(in, "volname", name) < 0) {
        dict_unref(in);
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    command_begin(req->program->data, req, &notify_command, in, NULL, 0, name);
}

/* What a process says at its end waits for the name, and status waits for that. */
static bool only_asks(const struct dict *in)
{
    int64_t command;
    return dict_get_i64(in, "rebalance-command", &command) == 0 && command == REBALANCE_STATUS;
}

const struct command_type defrag_command = {.name = "volume rebalance", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = defrag_run,
                                            .only_reads = only_asks};
