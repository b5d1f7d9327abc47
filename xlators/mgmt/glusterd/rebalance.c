/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "rebalance.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "answer.h"
#include "ask.h"
#include "brickop.h"
#include "child.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "paths.h"

#define DOMAIN "glusterd"
#define NO_ID "00000000-0000-0000-0000-000000000000"
#define LAST_WORD_MS 2000 /* of a process that is gone: what it has sent before is with us by then */

/* ---- node_state.info --------------------------------------------------------------------------------------------------------- */

static uint64_t number(const struct volinfo *v, const char *key)
{
    const char *text = pairs_get(&v->node_state, key);
    return text ? strtoull(text, NULL, 10) : 0;
}

void task_read(const struct volinfo *v, struct task *ret)
{
    const char *id = pairs_get(&v->node_state, "rebalance-id"), *time = pairs_get(&v->node_state, "run-time");
    *ret = (struct task){
        .kind = (enum task_kind)number(v, "rebalance_op"),
        .command = (int)number(v, "rebalance_status"),
        .status = (int)number(v, "status"),
        .files = number(v, "rebalanced-files"),
        .size = number(v, "size"),
        .lookups = number(v, "scanned"),
        .failures = number(v, "failures"),
        .skipped = number(v, "skipped"),
        .run_time = time ? strtod(time, NULL) : 0,
    };
    snprintf(ret->id, sizeof ret->id, "%s", id ? id : NO_ID);
    if (strcmp(ret->id, NO_ID) == 0 || (ret->kind != TASK_REMOVE_BRICK && ret->kind != TASK_REBALANCE))
        ret->kind = TASK_NONE;
}

int task_write(struct volinfo *v, const struct task *t)
{
    struct pairs *p = &v->node_state;
    int r = pairs_setf(p, "rebalance_status", "%d", t->command);
    r = r < 0 ? r : pairs_setf(p, "status", "%d", t->status);
    r = r < 0 ? r : pairs_setf(p, "rebalance_op", "%d", (int)t->kind);
    r = r < 0 ? r : pairs_set(p, "rebalance-id", t->kind == TASK_NONE ? NO_ID : t->id);
    r = r < 0 ? r : pairs_setf(p, "rebalanced-files", "%llu", (unsigned long long)t->files);
    r = r < 0 ? r : pairs_setf(p, "size", "%llu", (unsigned long long)t->size);
    r = r < 0 ? r : pairs_setf(p, "scanned", "%llu", (unsigned long long)t->lookups);
    r = r < 0 ? r : pairs_setf(p, "failures", "%llu", (unsigned long long)t->failures);
    r = r < 0 ? r : pairs_setf(p, "skipped", "%llu", (unsigned long long)t->skipped);
    return r < 0 ? r : pairs_setf(p, "run-time", "%f", t->run_time);
}

void task_bricks_clear(struct volinfo *v)
{
    char key[32];
    for (unsigned long k = number(v, "count"); k > 0 && k < 65536; k--) {
        snprintf(key, sizeof key, "brick%lu", k);
        pairs_unset(&v->node_state, key);
    }
    pairs_unset(&v->node_state, "count");
}

int task_bricks_add(struct volinfo *v, unsigned int n, const char *host, const char *path)
{
    char key[32];
    snprintf(key, sizeof key, "brick%u", n);
    int r = pairs_setf(&v->node_state, key, "%s:%s", host, path);
    return r < 0 ? r : pairs_setf(&v->node_state, "count", "%u", n);
}

/* A volume's files are replaced one after the other, the state of its task behind its bricks: whether bricks are leaving is what the state
 * says. */
void task_settle(struct volinfo *v)
{
    struct task t;
    task_read(v, &t);
    for (unsigned int i = 0; t.kind != TASK_REMOVE_BRICK && i < v->nr_bricks; i++)
        v->bricks[i].decommissioned = false;
}

/* ---- the process --------------------------------------------------------------------------------------------------------------- */

static void pid_file_of(struct glusterd *gd, const struct volinfo *v, char *ret, size_t size)
{
    snprintf(ret, size, "%s/vols/%s/rebalance/%s.pid", gd->workdir, v->name, gd->uuid);
}

static void socket_of(struct glusterd *gd, const struct volinfo *v, char *ret, size_t size)
{
    char run[4400];
    snprintf(run, sizeof run, "/var/run/gluster/gluster-rebalance-%s-%s.sock", v->name, gd->uuid);
    snprintf(ret, size, "%s/%016llx.socket", gd->rundir, (unsigned long long)XXH64(run, strlen(run), 0));
}

static bool process_is_there(struct glusterd *gd, const struct volinfo *v)
{
    char path[4400];
    pid_file_of(gd, v, path, sizeof path);
    return child_holder(path) != 0;
}

bool task_running(struct glusterd *gd, const struct volinfo *v)
{
    struct task t;
    task_read(v, &t);
    return t.kind != TASK_NONE && (t.status == TASK_IN_PROGRESS || t.status == TASK_FIXING) && process_is_there(gd, v);
}

int task_run(struct glusterd *gd, const struct volinfo *v, int command, struct err *err)
{
    char program[4200], id[300], pid_file[4400], socket[4400], log[4400], cmd[64], node[96], hash[64];
    int r = path_of_cluster_client(program, sizeof program, err);
    if (r < 0)
        return r;
    pid_file_of(gd, v, pid_file, sizeof pid_file);
    socket_of(gd, v, socket, sizeof socket);
    snprintf(id, sizeof id, "rebalance/%s", v->name);
    snprintf(log, sizeof log, "%s/%s-rebalance.log", gd->logdir, v->name);
    snprintf(cmd, sizeof cmd, "*dht.rebalance-cmd=%d", command);
    snprintf(node, sizeof node, "*dht.node-uuid=%s", gd->uuid);
    /* Layouts that were made by one rebalance have one number: seconds, and a bit that keeps it from being 0 (seen). */
    snprintf(hash, sizeof hash, "*dht.commit-hash=%u", (uint32_t)((uint64_t)time(NULL) << 3 | 1));
    if ((r = child_make_folder_of(pid_file, err)) < 0)
        return r;
    unlink(socket);
    char *const argv[] = {
        program, (char *)"-s", (char *)"localhost", (char *)"--volfile-id", id, (char *)"--xlator-option", (char *)"*dht.use-readdirp=no",
        (char *)"--xlator-option", (char *)"*dht.lookup-unhashed=yes", (char *)"--xlator-option", (char *)"*dht.assert-no-child-down=yes",
        (char *)"--xlator-option", (char *)"*dht.readdir-optimize=on", (char *)"--process-name", (char *)"rebalance",
        (char *)"--xlator-option", cmd, (char *)"--xlator-option", node, (char *)"--xlator-option", hash, (char *)"--socket-file", socket,
        (char *)"--pid-file", pid_file, (char *)"-l", log, NULL,
    };
    int status = child_run(argv, err);
    if (status > 0)
        return err_set(err, -EIO, "the rebalance process (%s) did not start (exit status %d); its log %s says why", program, status, log);
    return status;
}

void task_end(struct glusterd *gd, const struct volinfo *v)
{
    char path[4400];
    int pid, fd;
    pid_file_of(gd, v, path, sizeof path);
    if ((fd = child_open(path, &pid)) < 0)
        return;
    child_end(fd, "the rebalance process");
    close(fd);
}

/* ---- what it says --------------------------------------------------------------------------------------------------------------- */

static void take(const struct dict *d, const char *key, uint64_t *to)
{
    int64_t value;
    if (dict_get_i64(d, key, &value) == 0 && value >= 0)
        *to = (uint64_t)value;
}

void task_take(struct task *t, const struct dict *d)
{
    const char *text;
    uint64_t status = (uint64_t)t->status;
    take(d, "files", &t->files);
    take(d, "size", &t->size);
    take(d, "lookups", &t->lookups);
    take(d, "failures", &t->failures);
    take(d, "skipped", &t->skipped);
    take(d, "time-left", &t->time_left);
    take(d, "status", &status);
    if (t->command == REBALANCE_FIX_LAYOUT && status >= TASK_IN_PROGRESS && status <= TASK_FAILED)
        status += TASK_FIXING - TASK_IN_PROGRESS; /* the process has one set of words for both */
    if (status <= TASK_FIX_FAILED)
        t->status = (int)status;
    if (dict_get_text(d, "run-time", &text) == 0)
        t->run_time = strtod(text, NULL);
}

static int ask_process(struct glusterd *gd, const struct volinfo *v, int command, struct task *t, struct err *err)
{
    char socket[4400], name[300];
    struct dict *in = dict_new(), *out = NULL;
    socket_of(gd, v, socket, sizeof socket);
    snprintf(name, sizeof name, "%s-dht", v->name);
    const struct question q = {.socket = socket, .procedure = BRICKOP_XLATOR_DEFRAG, .name = name, .input = in};
    int r = in && dict_set_textf(in, "rebalance-command", "%d", command) == 0 ? ask(gd, &q, &out, err) : err_set(err, -ENOMEM, "no memory");
    if (r == 0)
        task_take(t, out);
    dict_unref(in);
    dict_unref(out);
    return r;
}

static bool is_under_way(const struct task *t)
{
    return t->kind != TASK_NONE && (t->status == TASK_IN_PROGRESS || t->status == TASK_FIXING);
}

void task_ask(struct glusterd *gd, const struct volinfo *v, struct task *ret)
{
    struct err err = {""};
    task_read(v, ret);
    if (!is_under_way(ret) || (process_is_there(gd, v) && ask_process(gd, v, REBALANCE_STATUS, ret, &err) == 0))
        return;
    /* It has just ended. Its last word is on its way, or there is none. */
    for (unsigned int waited = 0; is_under_way(ret) && !process_is_there(gd, v) && waited < LAST_WORD_MS; waited += 20) {
        poll(NULL, 0, 20);
        struct volview *now = volumes_get(gd, v->name);
        if (now)
            task_read(now->v, ret);
        volview_unref(now);
    }
    if (is_under_way(ret) && !process_is_there(gd, v))
        ret->status = ret->status == TASK_FIXING ? TASK_FIX_FAILED : TASK_FAILED;
}

int task_stop(struct glusterd *gd, const struct volinfo *v, struct task *ret, struct err *err)
{
    task_read(v, ret);
    if (!is_under_way(ret))
        return 0;
    if (!process_is_there(gd, v)) {
        ret->status = ret->status == TASK_FIXING ? TASK_FIX_FAILED : TASK_FAILED;
        return 0;
    }
    return ask_process(gd, v, REBALANCE_STOP, ret, err);
}

void task_resume(struct glusterd *gd, const struct volinfo *v)
{
    struct task t;
    struct err err = {""};
    task_read(v, &t);
    if (is_under_way(&t) && !process_is_there(gd, v) && task_run(gd, v, t.command, &err) < 0)
        log_error(DOMAIN, "volume %s: what it was moving does not go on: %s", v->name, err.text);
}

/* ---- volume status --------------------------------------------------------------------------------------------------------------- */

int task_put(struct command *c, const struct volinfo *v)
{
    struct keyed k = {.d = c->out, .prefix = ""};
    struct task t;
    task_ask(c->gd, v, &t);
    put_number(&k, "tasks", t.kind != TASK_NONE);
    if (t.kind == TASK_NONE)
        return k.r < 0 ? command_fail(c, "no memory") : 0;
    put(&k, "task0.type", t.kind == TASK_REBALANCE ? "Rebalance" : "Remove brick");
    put(&k, "task0.id", t.id);
    put_number(&k, "task0.status", t.status);
    if (t.kind == TASK_REMOVE_BRICK) {
        const char *count = pairs_get(&v->node_state, "count");
        put(&k, "task0.count", count ? count : "0");
        for (unsigned int i = 1; count && i <= strtoul(count, NULL, 10); i++) {
            char key[32], to[48];
            snprintf(key, sizeof key, "brick%u", i);
            snprintf(to, sizeof to, "task0.brick%u", i);
            const char *brick = pairs_get(&v->node_state, key);
            put(&k, to, brick ? brick : "");
        }
    }
    return k.r < 0 ? command_fail(c, "no memory") : 0;
}
