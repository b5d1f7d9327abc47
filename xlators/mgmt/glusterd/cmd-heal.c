/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-heal.c: volume heal: what the self-heal daemon is asked to do or to tell, and the options that switch healing. (heal info and the
 * resolution of split-brain are the command line's: it runs glfsheal, which mounts the volume.) */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "ask.h"
#include "brickop.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "shd.h"

enum heal_op {
    HEAL_INDEX = 1, HEAL_FULL = 2, HEAL_STATISTICS = 7, HEAL_COUNT = 8, HEAL_COUNT_REPLICA = 9, HEAL_ENABLE = 12, HEAL_DISABLE = 13,
    HEAL_GRANULAR_ENABLE = 15, HEAL_GRANULAR_DISABLE = 16,
};

/* ---- the switches ---------------------------------------------------------------------------------------------------------------- */

static int switch_option(struct command *c, const struct volinfo *v, const char *key, bool on)
{
    struct volinfo *copy = volinfo_copy(v);
    if (!copy || pairs_set(&copy->options, key, on ? "enable" : "disable") < 0) {
        volinfo_free(copy);
        return command_fail(c, "no memory");
    }
    volume_op_versions(copy);
    return volume_commit(c, copy);
}

static int switch_heal(struct command *c, const struct volinfo *v, int op)
{
    bool on = op == HEAL_ENABLE || op == HEAL_GRANULAR_ENABLE;
    if (v->type == VOLUME_PLAIN)
        return command_fail(c, "Volume %s is not of replicate/disperse type", v->name);
    if (op == HEAL_ENABLE || op == HEAL_DISABLE)
        return switch_option(c, v, v->type == VOLUME_REPLICATE ? "cluster.self-heal-daemon" : "cluster.disperse-self-heal-daemon", on);
    if (v->type != VOLUME_REPLICATE)
        return command_fail(c, "Volume %s is not of replicate type", v->name);
    return switch_option(c, v, "cluster.granular-entry-heal", on);
}

/* ---- the self-heal daemon ------------------------------------------------------------------------------------------------------------ */

static unsigned int brick_of(const struct volinfo *v, const char *host, const char *path)
{
    for (unsigned int i = 0; host && path && i < v->nr_bricks; i++)
        if (strcmp(v->bricks[i].host, host) == 0 && strcmp(v->bricks[i].path, path) == 0)
            return i;
    return v->nr_bricks;
}

/* The translators that are asked: those of all sets, or of the one that has the named brick. */
static int name_sets(struct command *c, const struct volinfo *v, int op, struct dict *in)
{
    const char *kind = v->type == VOLUME_REPLICATE ? "replicate" : "disperse";
    unsigned int sets = volinfo_subvolumes(v), count = 0, only = UINT32_MAX;
    char key[32], name[300];
    int r = dict_set_textf(in, "xl-op", "%d", op);
    if (op == HEAL_COUNT_REPLICA) {
        unsigned int brick = brick_of(v, command_text(c, "per-replica-cmd-hostname"), command_text(c, "per-replica-cmd-path"));
        if (brick == v->nr_bricks)
            return command_fail(c, "brick %s:%s does not exist in volume %s", command_text(c, "per-replica-cmd-hostname"),
                                command_text(c, "per-replica-cmd-path"), v->name);
        only = brick / v->sub_count;
    }
    for (unsigned int s = 0; r == 0 && s < sets; s++) {
        if (only != UINT32_MAX && s != only)
            continue;
        snprintf(key, sizeof key, "xl-%u", count++);
        snprintf(name, sizeof name, "%s-%s-%u", v->name, kind, s);
        r = dict_set_text(in, key, name);
        if (r == 0)
            r = dict_set_textf(in, name, "%u", s);
    }
    if (r == 0)
        r = dict_set_textf(in, "count", "%u", count);
    return r < 0 ? command_fail(c, "no memory") : 0;
}

/* "SET-CHILD-status" and the like are about brick SET * sub_count + CHILD. */
static bool renumbered(const struct volinfo *v, const char *key, char *ret, size_t size)
{
    static const char *const pairs_first[] = {"status", "hardlinks", "hostname", "path"};
    unsigned int set, child;
    int used = 0;
    if (sscanf(key, "%u-%u-%n", &set, &child, &used) == 2 && used > 0) {
        for (size_t i = 0; i < array_len(pairs_first); i++)
            if (strcmp(key + used, pairs_first[i]) == 0) {
                snprintf(ret, size, "%u-%s", set * v->sub_count + child, pairs_first[i]);
                return set < volinfo_subvolumes(v) && child < v->sub_count;
            }
    }
    /* "statistics_crawl_type-SET-CHILD-CRAWL", "statistics-SET-CHILD-count" */
    const char *dash = strchr(key, '-');
    if (strncmp(key, "statistics", 10) != 0 || !dash || sscanf(dash, "-%u-%u%n", &set, &child, &used) != 2)
        return false;
    snprintf(ret, size, "%.*s-%u%s", (int)(dash - key), key, set * v->sub_count + child, dash + used);
    return set < volinfo_subvolumes(v) && child < v->sub_count;
}

static int put_answer(struct command *c, const struct volinfo *v, const struct dict *out)
{
    char key[512], name[32];
    struct keyed k = {.d = c->out, .prefix = ""};
    for (unsigned int i = 0; i < dict_count(out); i++) {
        const char *value;
        if (renumbered(v, dict_at(out, i)->key, key, sizeof key) && dict_get_text(out, dict_at(out, i)->key, &value) == 0)
            put(&k, key, value);
    }
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        snprintf(name, sizeof name, "%u-hostname", i);
        put(&k, name, v->bricks[i].host);
        snprintf(name, sizeof name, "%u-path", i);
        put(&k, name, v->bricks[i].path);
    }
    put_number(&k, "count", v->nr_bricks);
    return k.r < 0 ? command_fail(c, "the answer is larger than one answer can be") : 0;
}

static int ask_daemon(struct command *c, const struct volinfo *v, int op)
{
    struct err err = {""};
    char socket[4400];
    if (v->status != VOLUME_STARTED)
        return command_fail(c, "Volume %s is not started.", v->name);
    if ((op == HEAL_STATISTICS || op == HEAL_COUNT || op == HEAL_COUNT_REPLICA) && v->type != VOLUME_REPLICATE)
        return command_fail(c, "This command is supported for only volume of replicated type. Volume %s is not of type replicate", v->name);
    if (v->type == VOLUME_PLAIN)
        return command_fail(c, "Volume %s is not of replicate/disperse type: there is nothing to heal", v->name);
    if (!shd_is_enabled(v))
        return command_fail(c, "Self-heal-daemon is disabled. Heal will not be triggered on volume %s", v->name);
    if (shd_socket(c->gd, v->name, socket, sizeof socket) < 0 && shd_follow(c->gd, &err) < 0)
        return command_fail(c, "%s", err.text);
    if (shd_socket(c->gd, v->name, socket, sizeof socket) < 0)
        return command_fail(c, "The self-heal daemon does not run. `gluster volume start %s force` starts it", v->name);
    struct dict *in = dict_copy(c->in), *out = NULL;
    int r = in ? name_sets(c, v, op, in) : command_fail(c, "no memory");
    const struct question q = {.socket = socket, .procedure = BRICKOP_XLATOR_OP, .op = 0, .input = in, .timeout_ms = 110000};
    if (r == 0 && ask(c->gd, &q, &out, &err) < 0)
        r = command_fail(c, "%s", err.text);
    if (r == 0)
        r = put_answer(c, v, out);
    dict_unref(in);
    dict_unref(out);
    return r;
}

static int heal_run(struct command *c)
{
    int op = command_number(c, "heal-op", 0), r;
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    switch (op) {
    case HEAL_ENABLE:
    case HEAL_DISABLE:
    case HEAL_GRANULAR_ENABLE:
    case HEAL_GRANULAR_DISABLE:
        r = switch_heal(c, w->v, op);
        break;
    case HEAL_INDEX:
    case HEAL_FULL:
    case HEAL_STATISTICS:
    case HEAL_COUNT:
    case HEAL_COUNT_REPLICA:
        r = ask_daemon(c, w->v, op);
        break;
    default:
        r = command_fail(c, "volume heal: operation %d is not the daemon's", op);
    }
    volview_unref(w);
    return r;
}

static bool heal_only_reads(const struct dict *in)
{
    int64_t op;
    return dict_get_i64(in, "heal-op", &op) == 0 && op < HEAL_ENABLE;
}

const struct command_type heal_command = {.name = "volume heal", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = heal_run,
                                          .only_reads = heal_only_reads};
