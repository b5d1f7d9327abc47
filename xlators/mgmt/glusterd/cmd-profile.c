/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-profile.c: volume profile, volume top: one procedure. The counters are the bricks'; those that run are asked, all at once.
 * Source: spec management 3.6, 4.15, 5.5. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "brickop.h"
#include "brickset.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"

enum { PROFILE_START = 1, PROFILE_STOP = 2, PROFILE_INFO = 3, PROFILE_TOP = 4 };

static const char *const switches[] = {"diagnostics.latency-measurement", "diagnostics.count-fop-hits"};

static bool profiles(const struct volinfo *v)
{
    return volinfo_is_on(v, switches[0]) && volinfo_is_on(v, switches[1]);
}

static int turn(struct command *c, const struct volinfo *before, bool on)
{
    if (profiles(before) == on)
        return command_fail(c, on ? "Profile on Volume %s is already started" : "Profile on Volume %s is not started", before->name);
    struct volinfo *v = volinfo_copy(before);
    int r = v ? 0 : -ENOMEM;
    for (size_t i = 0; r == 0 && i < array_len(switches); i++) {
        if (on)
            r = pairs_set(&v->options, switches[i], "on");
        else
            pairs_unset(&v->options, switches[i]);
    }
    if (r < 0) {
        volinfo_free(v);
        return command_fail(c, "no memory");
    }
    return volume_commit(c, v);
}

/* Answers of the bricks as "1-", "2-" and so on. */
static int put_answers(struct command *c, const struct volinfo *v, const struct brickset *s)
{
    unsigned int n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const struct brickcall *call = &s->calls[i];
        const struct brickinfo *b = &v->bricks[s->at[i]];
        char prefix[32];
        if (call->socket[0] == '\0')
            continue;
        if (call->err < 0 || call->op_ret < 0) {
            log_warning("glusterd", "%s: brick %s:%s: %s", c->type->name, b->host, b->path,
                        call->err < 0 ? strerror(-call->err) : call->errstr[0] ? call->errstr : "it has failed");
            continue;
        }
        snprintf(prefix, sizeof prefix, "%u-", ++n);
        struct keyed k = {.d = c->out, .prefix = prefix};
        putf(&k, "brick", "%s:%s", b->host, b->path);
        if (k.r < 0 || brickcall_merge(call, c->out, prefix) < 0)
            return command_fail(c, "what the bricks say is larger than one answer can be; ask one brick at a time");
    }
    if (n == 0 && s->n == 1)
        return command_fail(c, "Brick %s:%s of volume %s gives no answer; is it running?", v->bricks[s->at[0]].host,
                            v->bricks[s->at[0]].path, v->name);
    if (n == 0)
        return command_fail(c, "No brick of volume %s gives an answer; are they running?", v->name);
    return dict_set_textf(c->out, "count", "%u", n) < 0 ? command_fail(c, "no memory") : 0;
}

static int ask_counters(struct command *c, const struct volinfo *v, const char *brick)
{
    struct brickset s;
    bool measures = command_number(c, "blk-cnt", 0) > 0; /* the brick writes and reads so much first */
    if (command_number(c, "nfs", 0))
        return command_fail(c, "there is no NFS server in this build, so there is nothing that it could have counted");
    if (v->status != VOLUME_STARTED)
        return command_fail(c, "Volume %s is not started.", v->name);
    if (brickset_of(c, v, brick, &s) < 0)
        return -1;
    int r = brick && s.n == 0 ? command_fail(c, "No brick %s in volume %s", brick, v->name) : 0;
    if (r == 0) {
        brickset_ask(c, v, &s, BRICKOP_XLATOR_INFO, c->in, measures ? BRICKCALL_LONG_MS : BRICKCALL_MS);
        r = put_answers(c, v, &s);
    }
    brickset_done(&s);
    return r;
}

/* GlusterFS's printer of XML wants the number of bricks also then. */
static int not_profiled(struct command *c, const struct volinfo *v)
{
    if (dict_set_text(c->out, "count", "0") < 0)
        return command_fail(c, "no memory");
    return command_fail(c, "Profile on Volume %s is not started", v->name);
}

static int profile_run(struct command *c)
{
    int op = command_number(c, "op", 0);
    struct volview *w = command_volume(c);
    if (!w) {
        command_echo(c); /* the command line prints the reason only beside the operation */
        return -1;
    }
    const struct volinfo *v = w->v;
    int r;
    switch (op) {
    case PROFILE_START:
    case PROFILE_STOP:
        r = turn(c, v, op == PROFILE_START);
        break;
    case PROFILE_INFO:
        r = profiles(v) ? ask_counters(c, v, NULL) : not_profiled(c, v);
        break;
    case PROFILE_TOP:
        r = ask_counters(c, v, command_text(c, "brick"));
        break;
    default:
        r = command_fail(c, "volume profile: operation %d is none that is known", op);
    }
    if (command_echo(c) < 0 && r == 0) /* also with an error */
        r = command_fail(c, "no memory");
    volview_unref(w);
    return r;
}

/* A brick that measures its disk takes its time; nothing of the volume changes. */
static bool only_asks(const struct dict *in)
{
    int64_t op;
    return dict_get_i64(in, "op", &op) == 0 && (op == PROFILE_INFO || op == PROFILE_TOP);
}

const struct command_type profile_command = {.name = "volume profile", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = profile_run,
                                             .only_reads = only_asks};
