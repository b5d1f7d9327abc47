/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* identity.c: the caller as the fop sees it: the RPC credential after root-squash and all-squash.
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

int server_identity(const struct server *s, const struct client *client, const struct rpc_cred *from, struct fop *fop)
{
    struct cred *c = &fop->cred;
    bool all = atomic_load_explicit(&s->live.all_squash, memory_order_relaxed);
    bool root = all || atomic_load_explicit(&s->live.root_squash, memory_order_relaxed);

    *c = (struct cred){
        .pid = from->pid,
        .uid = from->uid,
        .gid = from->gid,
        .nr_groups = from->nr_groups,
        .owner_len = from->owner_len,
        .time_flags = from->time_flags,
        .time_sec = from->time_sec,
        .time_nsec = from->time_nsec,
    };
    memcpy(c->owner, from->owner, from->owner_len);
    if (from->nr_groups) {
        uint32_t *groups = fop_alloc(fop, from->nr_groups * sizeof(*groups));
        if (!groups)
            return -ENOMEM;
        memcpy(groups, from->groups, from->nr_groups * sizeof(*groups));
        c->groups = groups;
    }
    if (!root || !squashes(client, from->pid))
        return 0;

    uint32_t anonuid = atomic_load_explicit(&s->live.anonuid, memory_order_relaxed);
    uint32_t anongid = atomic_load_explicit(&s->live.anongid, memory_order_relaxed);
    uint32_t *groups = (uint32_t *)c->groups; /* ours, made above */
    if (all || c->uid == 0)
        c->uid = anonuid;
    if (all || c->gid == 0)
        c->gid = anongid;
    for (uint32_t i = 0; i < c->nr_groups; i++)
        if (all || groups[i] == 0)
            groups[i] = anongid;
    return 0;
}
