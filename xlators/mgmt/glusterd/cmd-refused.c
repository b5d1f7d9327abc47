/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-refused.c: what belongs to pools of machines and to features that this build does not have: each is answered, in one sentence, with
 * the exit status that GlusterFS's command line has for it. Source: spec management 4.16 to 4.21. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dict.h"
#include "glusterd.h"
#include "programs.h"
#include "wire.h"

#define POOLS "pools are run by GlusterFS's own glusterd, which starts our bricks: see doc/pools.md"

/* ---- peers ------------------------------------------------------------------------------------------------------------------------ */

enum { PROBE_LOCALHOST = 1, DETACH_LOCALHOST = 1, DETACH_STRANGER = 2 };

static int probe_run(struct command *c)
{
    const char *host = command_text(c, "hostname");
    if (host && node_is_own_host(host)) {
        command_fail_errno(c, PROBE_LOCALHOST, "Probe on localhost not needed");
        return 0; /* it is no failure */
    }
    return command_fail_errno(c, EOPNOTSUPP, "this glusterd manages one machine; " POOLS);
}

static int detach_run(struct command *c)
{
    const char *host = command_text(c, "hostname");
    if (host && node_is_own_host(host))
        return command_fail_errno(c, DETACH_LOCALHOST, "%s is localhost", host);
    return command_fail_errno(c, DETACH_STRANGER, "%s is not part of cluster", host ? host : "");
}

static int sync_run(struct command *c)
{
    const char *host = command_text(c, "hostname");
    if (host && node_is_own_host(host))
        return command_fail(c, "sync from localhost not allowed");
    return command_fail(c, "%s, is not a friend", host ? host : "");
}

static int pool_only_run(struct command *c)
{
    return command_fail(c, "this command goes to all machines of a pool; " POOLS);
}

/* ---- features of a volume ------------------------------------------------------------------------------------------------------------ */

/* 0: the volume is there, and r is for the caller to say. */
static int look_at_volume(struct command *c)
{
    struct volview *w = command_volume(c);
    volview_unref(w);
    return w ? 0 : -1;
}

enum { QUOTA_ENABLE = 1, QUOTA_INODE_ENABLE = 15 };

static int quota_run(struct command *c)
{
    int type = command_number(c, "type", 0);
    if (look_at_volume(c) < 0)
        return -1;
    if (type == QUOTA_ENABLE || type == QUOTA_INODE_ENABLE)
        return command_fail(c, "this build does not have quota: there are no limits for directories; those of the file system below a "
                               "brick work");
    return command_fail(c, "Quota is disabled, please enable quota");
}

enum { BITROT_ENABLE = 1 };

static int bitrot_run(struct command *c)
{
    if (look_at_volume(c) < 0)
        return -1;
    if (command_number(c, "type", 0) == BITROT_ENABLE)
        return command_fail(c, "this build does not have bit-rot detection: nothing is signed and nothing is scrubbed");
    return command_fail(c, "Bitrot is not enabled on volume %s", command_text(c, "volname"));
}

static int snapshot_run(struct command *c)
{
    command_echo(c); /* the command line reads there which of its commands has failed */
    return command_fail(c, "this build does not have snapshots of volumes; those of the file system below a brick can be taken with its "
                           "own tools");
}

static int gsync_run(struct command *c)
{
    const char *volume = command_text(c, "primary") ? command_text(c, "primary") : command_text(c, "volname");
    return command_fail(c, "this build does not have geo-replication, so there is no session%s%s", volume ? " of " : "",
                        volume ? volume : "");
}

static int ganesha_run(struct command *c)
{
    return command_fail(c, "this build does not run NFS-Ganesha; one that is started by hand serves a volume through libgfapi");
}

static int tier_run(struct command *c)
{
    return command_fail(c, "tiers were removed from GlusterFS, and are not built here");
}

/* ---- those with structures of their own ------------------------------------------------------------------------------------------ */

static void mount_encode(struct command *c)
{
    const struct cli_mount_rsp rsp = {.op_ret = -1, .op_errno = c->op_errno, .path = wire_str("")};
    reply_with(c, (void *)xdr_cli_mount_rsp, &rsp);
}
static void umount_encode(struct command *c)
{
    const struct cli_umount_rsp rsp = {.op_ret = -1, .op_errno = c->op_errno};
    reply_with(c, (void *)xdr_cli_umount_rsp, &rsp);
}
static int mount_run(struct command *c)
{
    return command_fail_errno(c, EOPNOTSUPP, "this build has no mount broker: mounts of others than root are made by the administrator");
}

static int fsm_run(struct command *c)
{
    const struct cli_fsm_log_req *req = c->args;
    if (req->name.len > 0)
        return command_fail(c, "%.*s is not a peer", (int)min_of(req->name.len, 255u), req->name.at);
    return 0;
}
static void fsm_encode(struct command *c)
{
    uint8_t bytes[64];
    struct cli_fsm_log_rsp rsp = {.op_ret = c->op_ret, .op_errno = c->op_errno, .op_errstr = wire_str(c->errstr)};
    if (dict_set_text(c->out, "count", "0") == 0 && dict3_size(c->out) <= sizeof bytes) {
        dict3_encode(c->out, bytes);
        rsp.fsm_log = (wire_bytes){.at = bytes, .len = (uint32_t)dict3_size(c->out)};
    }
    reply_with(c, (void *)xdr_cli_fsm_log_rsp, &rsp);
}

const struct command_type probe_command = {.name = "peer probe", .flags = COMMAND_LOGGED, .run = probe_run};
const struct command_type detach_command = {.name = "peer detach", .flags = COMMAND_LOGGED, .run = detach_run};
const struct command_type sync_command = {.name = "volume sync", .flags = COMMAND_LOGGED, .run = sync_run};
const struct command_type pool_only_command = {.name = "for a pool", .flags = COMMAND_LOGGED, .run = pool_only_run};
const struct command_type quota_command = {.name = "volume quota", .flags = COMMAND_LOGGED, .run = quota_run};
const struct command_type bitrot_command = {.name = "volume bitrot", .flags = COMMAND_LOGGED, .run = bitrot_run};
const struct command_type snapshot_command = {.name = "snapshot", .flags = COMMAND_LOGGED, .run = snapshot_run};
const struct command_type gsync_command = {.name = "volume geo-replication", .flags = COMMAND_LOGGED, .run = gsync_run};
const struct command_type ganesha_command = {.name = "nfs-ganesha", .flags = COMMAND_LOGGED, .run = ganesha_run};
const struct command_type tier_command = {.name = "volume tier", .flags = COMMAND_LOGGED, .run = tier_run};
const struct command_type mount_command = {.name = "mount", .run = mount_run, .encode = mount_encode};
const struct command_type umount_command = {.name = "umount", .run = mount_run, .encode = umount_encode};
const struct command_type fsm_command = {.name = "fsm log", .run = fsm_run, .encode = fsm_encode};
