/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-create.c: volume create. Everything is looked at first; then the volume is written; then the bricks get their mark. What fails before
 * the volume is written leaves no folder and no mark behind. */
#include "config.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brick-folder.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "rebalance.h"

#define NAME_MAX_BYTES 256

/* ---- what was asked for -------------------------------------------------------------------------------------------------------- */

static int add_bricks(struct command *c, struct volinfo *v, const char *bricks, unsigned int count)
{
    int r = brick_folders_parse(c, v, bricks);
    if (r == 0 && v->nr_bricks != count)
        r = command_fail(c, "%u bricks were announced and %u given; a path must not contain blanks", count, v->nr_bricks);
    return r;
}

static int take_shape(struct command *c, struct volinfo *v)
{
    int type = command_number(c, "type", 0), replica = command_number(c, "replica-count", 1),
        arbiter = command_number(c, "arbiter-count", 0);
    int disperse = command_number(c, "disperse-count", 0), redundancy = command_number(c, "redundancy-count", 0);
    const char *transport = command_text(c, "transport");
    if (command_number(c, "thin-arbiter-count", 0) > 0)
        return command_fail(c, "thin-arbiter volumes are not built by this glusterd");
    if (transport && strcmp(transport, "tcp") != 0)
        return command_fail(c, "transport %s is not built by this glusterd: it serves tcp", transport);
    if (type != VOLUME_PLAIN && type != VOLUME_REPLICATE && type != VOLUME_DISPERSE)
        return command_fail(c, "volumes of type %d are not built by this glusterd", type);
    if (replica < 1 || arbiter < 0 || arbiter > 1 || disperse < 0 || redundancy < 0 || 2 * redundancy > disperse ||
        (type == VOLUME_DISPERSE && (disperse < 3 || redundancy < 1)) || (type == VOLUME_REPLICATE && replica < 2) ||
        (arbiter && replica != 3))
        return command_fail(c, "the counts of replica, arbiter, disperse and redundancy do not fit together");
    v->type = (enum volume_type)type;
    v->replica_count = type == VOLUME_REPLICATE ? (unsigned int)replica : 1;
    v->arbiter_count = (unsigned int)arbiter;
    v->disperse_count = type == VOLUME_DISPERSE ? (unsigned int)disperse : 0;
    v->redundancy_count = type == VOLUME_DISPERSE ? (unsigned int)redundancy : 0;
    v->sub_count = type == VOLUME_REPLICATE ? v->replica_count : v->disperse_count;
    return 0;
}

static bool name_ok(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= NAME_MAX_BYTES &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == len && name[0] != '-';
}

static int first_options(struct volinfo *v)
{
    int r = pairs_set(&v->options, "performance.client-io-threads", "off");
    if (v->type != VOLUME_REPLICATE) {
        pairs_unset(&v->options, "performance.client-io-threads");
        r = 0;
    }
    if (r == 0)
        r = pairs_set(&v->options, "nfs.disable", "on");
    if (r == 0)
        r = pairs_set(&v->options, "transport.address-family", "inet");
    if (r == 0)
        r = pairs_set(&v->options, "storage.fips-mode-rchecksum", "on");
    if (r == 0 && v->type == VOLUME_REPLICATE)
        r = pairs_set(&v->options, "cluster.granular-entry-heal", "on");
    return r;
}

static int create_run(struct command *c)
{
    const char *name = command_text(c, "volname"), *bricks = command_text(c, "bricks");
    int count = command_number(c, "count", 0);
    bool force = command_number(c, "force", 0) != 0;
    struct err err = {""};
    if (!name || !bricks || !name_ok(name))
        return command_fail(c, "a volume's name has 1 to %d letters, digits, '-' and '_'", NAME_MAX_BYTES);
    if (strlen("trusted-") + strlen(name) + strlen(".tcp-gfproxy-fuse.vol.tmp") > NAME_MAX)
        return command_fail(c, "Volume name %s is too long: with what is added to it for the names of its files these have more than %d "
                               "bytes", name,
                            NAME_MAX);
    struct volview *old = volumes_get(c->gd, name);
    volview_unref(old);
    if (old)
        return command_fail_errno(c, 0, "Volume %s already exists", name);
    if (store_has_volume(c->gd->workdir, name))
        return command_fail_errno(c, 0, "Volume %s already exists: it could not be read when the daemon started, its log says why", name);
    if (node_uuid(c->gd, &err) < 0)
        return command_fail(c, "%s", err.text);
    struct volinfo *v = volinfo_new(name);
    char user[UUID_TEXT], password[UUID_TEXT];
    if (!v)
        return command_fail(c, "no memory");
    uuid_text(v->id);
    uuid_text(user);
    uuid_text(password);
    v->username = strdup(user);
    v->password = strdup(password);
    int r = v->username && v->password ? take_shape(c, v) : command_fail(c, "no memory");
    if (r == 0 && (first_options(v) < 0 || task_write(v, &(struct task){.kind = TASK_NONE}) < 0)) /* options go by the shape */
        r = command_fail(c, "no memory");
    if (r == 0)
        r = add_bricks(c, v, bricks, (unsigned int)count);
    if (r == 0 && (v->nr_bricks == 0 || (v->sub_count && v->nr_bricks % v->sub_count)))
        r = command_fail(c, "%u bricks do not make whole sets of %u", v->nr_bricks, v->sub_count);
    if (r == 0 && v->sub_count && !force) /* they are all on this machine */
        r = command_fail(c,
                         "Multiple bricks of a %s volume are present on the same server. This setup is not optimal. Bricks should be on "
                         "different nodes to have best fault tolerant configuration. Use 'force' at the end of the command if you want to "
                         "override this behavior. ",
                         v->type == VOLUME_REPLICATE ? "replicate" : "disperse");
    bool *made = calloc(v->nr_bricks + 1, sizeof *made);
    if (!made)
        r = command_fail(c, "no memory");
    for (unsigned int i = 0; r == 0 && i < v->nr_bricks; i++)
        r = brick_folder_check(c, v, i, force, &made[i]);
    char id[UUID_TEXT];
    memcpy(id, v->id, sizeof id);
    if (r == 0) {
        volume_op_versions(v);
        struct volview *now;
        struct volinfo *copy = volinfo_copy(v);
        r = copy ? volume_commit(c, copy) : command_fail(c, "no memory");
        now = r == 0 ? volumes_get(c->gd, name) : NULL;
        for (unsigned int i = 0; now && r == 0 && i < v->nr_bricks; i++)
            r = brick_folder_mark(c, now->v, i);
        if (r < 0) { /* the disk was full; or a brick could not be marked, and so is none */
            volumes_remove(c->gd, name);
            store_remove_volume(c->gd->workdir, v, NULL);
        }
        volview_unref(now);
    }
    for (unsigned int i = 0; made && r < 0 && i < v->nr_bricks; i++)
        if (made[i])
            brick_folder_unmake(&v->bricks[i]);
    free(made);
    volinfo_free(v);
    if (r == 0 && (dict_set_text(c->out, "volname", name) < 0 || dict_set_text(c->out, "volume-id", id) < 0))
        return command_fail(c, "no memory");
    return r;
}

const struct command_type create_command = {.name = "volume create", .hook = "create", .flags = COMMAND_CHANGES | COMMAND_LOGGED,
                                            .run = create_run};
