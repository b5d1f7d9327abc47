/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* command.c: from a request to a worker and back; and who has which name to himself meanwhile.
 *
 * Workers: a command that waits (for a brick to come up, say) keeps one, and what it waits for asks us in turn: GETSPEC, SIGNIN. Those
 * that wait are therefore never given all of them. Each connection gets its turn.
 *
 * gd->busy lists the commands that have a name; behind each hang, oldest first, those that wait for it. When it ends the first of them
 * takes its place in the list and goes to the pool. A thread is only ever taken by a command that can run. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "brick-folder.h"
#include "cli.h"
#include "dict.h"
#include "env.h"
#include "glusterd.h"
#include "hooks.h"
#include "log.h"
#include "wire.h"

#define DOMAIN "glusterd"

int command_fail_errno(struct command *c, int op_errno, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->errstr, sizeof c->errstr, fmt, args);
    va_end(args);
    c->op_errno = op_errno;
    return -1;
}

int command_fail(struct command *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->errstr, sizeof c->errstr, fmt, args);
    va_end(args);
    c->op_errno = 30800; /* spec management 0: generic */
    return -1;
}

const char *command_text(const struct command *c, const char *key)
{
    const char *text;
    return dict_get_text(c->in, key, &text) == 0 ? text : NULL;
}

int command_number(const struct command *c, const char *key, int fallback)
{
    int64_t v;
    return dict_get_i64(c->in, key, &v) == 0 && v >= INT32_MIN && v <= INT32_MAX ? (int)v : fallback;
}

int command_echo(struct command *c)
{
    int r = 0;
    for (unsigned int i = 0; r == 0 && i < dict_count(c->in); i++) {
        const struct dict_pair *p = dict_at(c->in, i);
        r = dict_set(c->out, p->key, p->type, p->value, p->len);
    }
    return r;
}

struct volview *command_volume(struct command *c)
{
    const char *name = command_text(c, "volname");
    struct volview *w = name ? volumes_get(c->gd, name) : NULL;
    if (!w)
        command_fail(c, "Volume %s does not exist", name ? name : "");
    return w;
}

/* ---- the answer -------------------------------------------------------------------------------------------------------------- */

static void encode_usual(struct command *c)
{
    struct slicev body = {0};
    struct slice bytes;
    uint8_t *dict = NULL;
    size_t len = dict3_size(c->out);
    if (len > 0 && (dict = malloc(len)))
        dict3_encode(c->out, dict);
    const struct cli_rsp rsp = {
        .op_ret = c->op_ret,
        .op_errno = c->op_errno,
        .op_errstr = wire_str(c->errstr),
        .dict = {.at = dict, .len = dict ? (uint32_t)len : 0},
    };
    if ((len > 0 && !dict) || wire_encode(c->gd->process->env.bufs, (void *)xdr_cli_rsp, &rsp, &bytes) < 0) {
        rpc_reply_error(c->req, RPC_SYSTEM_ERR);
    } else {
        slicev_add(&body, bytes);
        rpc_reply(c->req, &body);
    }
    free(dict);
}

static void put_in_one_line(FILE *f, const char *text)
{
    for (; *text; text++)
        putc(iscntrl((unsigned char)*text) ? ' ' : *text, f);
}

static bool is_remote(const struct command *c)
{
    return c->req && c->req->program == &c->gd->remote_programs[0];
}

/* Scripts of people read this file: what was asked to be changed, and how it went. */
static void note_history(struct command *c)
{
    const char *words = command_text(c, "cmd-str");
    char path[4200], when[64];
    struct timespec now;
    struct tm tm;
    if (!(c->type->flags & COMMAND_LOGGED) || !words || is_remote(c)) /* strangers may only look, and shall not fill the disk */
        return;
    snprintf(path, sizeof path, "%s/cmd_history.log", c->gd->logdir);
    FILE *f = fopen(path, "ae");
    if (!f)
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &tm);
    fprintf(f, "[%s.%06ld +0000]  : ", when, now.tv_nsec / 1000);
    put_in_one_line(f, words);
    if (c->op_ret == 0)
        fputs(" : SUCCESS\n", f);
    else
        fprintf(f, " : FAILED : %s\n", c->errstr);
    fclose(f);
}

static void command_free(struct command *c)
{
    dict_unref(c->in);
    dict_unref(c->out);
    free((void *)c->args);
    free(c);
}

/* ---- names -------------------------------------------------------------------------------------------------------------------- */

enum { WORKERS = 32, WAITING_MAX = 24, SCRIPTS_MAX = 4, REMOTE_MAX = 2 }; /* two are left for what is quick */

void commands_share(struct glusterd *gd)
{
    pool_set(gd->process->pool, &(struct pool_conf){.max = WORKERS, .limit = {[CLASS_HIGH] = WORKERS, [CLASS_NORMAL] = WAITING_MAX,
                                                                              [CLASS_LOW] = SCRIPTS_MAX, [CLASS_LEAST] = REMOTE_MAX}});
}

static enum pool_class class_of(const struct command *c)
{
    return c->type->flags & COMMAND_QUICK ? CLASS_HIGH : is_remote(c) ? CLASS_LEAST : CLASS_NORMAL;
}

static void to_pool(struct command *c)
{
    c->job.class = class_of(c);
    c->job.owner = c->req ? c->req->conn : NULL;
    pool_add(c->gd->process->pool, &c->job);
}

/* False: it waits behind another one. */
static bool take_name(struct command *c)
{
    struct glusterd *gd = c->gd;
    SCOPED_LOCK(&gd->lock);
    gd->running++;
    c->named = (c->type->flags & COMMAND_CHANGES) && !(c->type->only_reads && c->type->only_reads(c->in));
    if (!c->named)
        return true;
    for (struct command *other = gd->busy; other; other = other->next) {
        if (strcmp(other->name, c->name) != 0)
            continue;
        struct command **last = &other->waiting;
        while (*last)
            last = &(*last)->waiting;
        *last = c;
        return false;
    }
    c->next = gd->busy;
    gd->busy = c;
    return true;
}

/* Returns the one that goes on with the name. */
static struct command *give_name(struct command *c)
{
    struct glusterd *gd = c->gd;
    SCOPED_LOCK(&gd->lock);
    if (!c->named)
        return NULL;
    struct command **at = &gd->busy, *heir = c->waiting;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    if (heir) {
        heir->next = gd->busy;
        gd->busy = heir;
    }
    return heir;
}

bool command_is_alone(struct command *c)
{
    SCOPED_LOCK(&c->gd->lock);
    return c->gd->busy == c && !c->next;
}

static void run(struct job *job)
{
    struct command *c = container_of(job, struct command, job);
    struct glusterd *gd = c->gd;
    c->out = dict_new_large(); /* what many bricks have said */
    if (!c->out)
        c->op_ret = command_fail(c, "no memory");
    else
        c->op_ret = c->type->run(c);
    if (c->op_ret < 0)
        log_warning(DOMAIN, "%s: %s", c->type->name, c->errstr[0] ? c->errstr : "failed");
    places_give(c);
    note_history(c);
    if (c->op_ret == 0)
        hook_post(c);
    struct command *heir = give_name(c); /* first: who hears our answer and asks again shall not wait for us */
    (c->type->encode ? c->type->encode : encode_usual)(c);
    command_free(c);
    if (heir)
        to_pool(heir);
    commands_let_go(gd);
}

void command_begin(struct glusterd *gd, struct rpc_request *req, const struct command_type *type, struct dict *in, const void *args,
                   size_t args_size, const char *name)
{
    struct command *c = calloc(1, sizeof *c);
    void *copy = c && args_size ? malloc(args_size) : NULL;
    if (!c || (args_size && !copy)) {
        free(c);
        dict_unref(in);
        if (req)
            rpc_reply_error(req, RPC_SYSTEM_ERR);
        else
            log_error(DOMAIN, "%s of %s: no memory", type->name, name ? name : "");
        return;
    }
    if (copy)
        memcpy(copy, args, args_size);
    *c = (struct command){.job = {.run = run}, .gd = gd, .req = req, .type = type, .in = in, .args = copy};
    snprintf(c->name_text, sizeof c->name_text, "%s", name ? name : "");
    c->name = c->name_text;
    if (take_name(c))
        to_pool(c);
}

/* ---- the CLI's program ------------------------------------------------------------------------------------------------------- */

void cli_actor(struct rpc_request *req)
{
    struct glusterd *gd = req->program->data;
    const struct command_type *type = cli_commands[req->procedure];
    struct dict *in = NULL;
    struct cli_req arg = {0};
    struct cli_peer_list_req list;
    struct cli_getwd_req getwd;
    struct cli_fsm_log_req fsm;
    struct cli_mount_req mount;
    struct cli_umount_req umount;
    const char *name = NULL;
    int64_t used;
    switch (req->procedure) {
    case CLI_LIST_FRIENDS:
        used = wire_decode((void *)xdr_cli_peer_list_req, &list, req->args, req->args_len);
        arg.dict = list.dict;
        break;
    case CLI_GETWD:
        used = wire_decode((void *)xdr_cli_getwd_req, &getwd, req->args, req->args_len);
        break;
    case CLI_FSM_LOG:
        used = wire_decode((void *)xdr_cli_fsm_log_req, &fsm, req->args, req->args_len);
        break;
    case CLI_MOUNT:
        used = wire_decode((void *)xdr_cli_mount_req, &mount, req->args, req->args_len);
        break;
    case CLI_UMOUNT:
        used = wire_decode((void *)xdr_cli_umount_req, &umount, req->args, req->args_len);
        break;
    default:
        used = wire_decode((void *)xdr_cli_req, &arg, req->args, req->args_len);
    }
    if (used < 0 || wire_dict3_open(&arg.dict, &in) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    if (dict_get_text(in, "volname", &name) < 0)
        name = NULL;
    if (req->procedure == CLI_LIST_FRIENDS)
        command_begin(gd, req, type, in, &list, sizeof list, name);
    else if (req->procedure == CLI_FSM_LOG) /* what is in it borrows from the request */
        command_begin(gd, req, type, in, &fsm, sizeof fsm, name);
    else
        command_begin(gd, req, type, in, NULL, 0, name);
}
