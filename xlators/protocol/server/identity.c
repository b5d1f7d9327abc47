/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* identity.c: the caller as the fop sees it: the RPC credential after manage-gids, root-squash and all-squash.
 *
 * Groups that are looked up are those of the uid that the caller named, squashed afterwards like those that he sends.
 * Source: spec wire 1.7, brick 4.7. */
#include <errno.h>

#include "server.h"

enum special_pid { PID_GSYNCD = -1, PID_REBALANCE = -3, PID_NO_ROOT_SQUASH = -4, PID_QUOTA = -5, PID_HEAL = -6, PID_NFS = 1 };

/* A client that proved a user name is trusted to say which of its callers are the volume's own helpers. */
static bool squashes(const struct client *client, int32_t pid)
{
    if (pid == PID_NFS)
        return true;
    if (!client->trusted)
        return true;
    return pid != PID_NO_ROOT_SQUASH && pid != PID_GSYNCD && pid != PID_REBALANCE && pid != PID_HEAL && pid != PID_QUOTA;
}

struct squash {
    bool root, all;
    uint32_t uid, gid;
};

static struct squash squash_of(const struct server *s, const struct client *client, int32_t pid)
{
    bool all = atomic_load_explicit(&s->live.all_squash, memory_order_relaxed);
    bool root = all || atomic_load_explicit(&s->live.root_squash, memory_order_relaxed);
    bool hits = root && squashes(client, pid);

    return (struct squash){.root = hits,
                           .all = hits && all,
                           .uid = atomic_load_explicit(&s->live.anonuid, memory_order_relaxed),
                           .gid = atomic_load_explicit(&s->live.anongid, memory_order_relaxed)};
}

static int take_groups(struct server_call *call, const uint32_t *from, unsigned int n)
{
    struct fop *fop = call->fop;
    const struct squash q = squash_of(call->server, fop->client, fop->cred.pid);
    uint32_t *groups = n ? fop_alloc(fop, n * sizeof(*groups)) : NULL;

    fop->cred.nr_groups = 0;
    if (n && !groups)
        return -ENOMEM;
    for (unsigned int i = 0; i < n; i++)
        groups[i] = q.all || (q.root && from[i] == 0) ? q.gid : from[i];
    fop->cred.groups = groups;
    fop->cred.nr_groups = n;
    return 0;
}

static void groups_found(void *ctx, const uint32_t *groups, unsigned int n)
{
    struct server_call *call = ctx;

    call->no_memory = take_groups(call, groups, n) < 0;
}

int server_identity(struct server_call *call, const struct rpc_cred *from)
{
    struct cred *c = &call->fop->cred;
    const struct squash q = squash_of(call->server, call->fop->client, from->pid);

    *c = (struct cred){
        .pid = from->pid,
        .uid = q.all || (q.root && from->uid == 0) ? q.uid : from->uid,
        .gid = q.all || (q.root && from->gid == 0) ? q.gid : from->gid,
        .owner_len = from->owner_len,
        .time_flags = from->time_flags,
        .time_sec = from->time_sec,
        .time_nsec = from->time_nsec,
    };
    memcpy(c->owner, from->owner, from->owner_len);
    if (!atomic_load_explicit(&call->server->live.manage_gids, memory_order_relaxed))
        return take_groups(call, from->groups, from->nr_groups);
    call->wants_groups = true;
    call->groups_of = from->uid;
    call->groups = (struct gids_waiter){.take = groups_found, .ctx = call};
    return 0;
}
