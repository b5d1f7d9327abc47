/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cred.c: who is calling, as the credential says. Limits and what stock makes of odd ones: spec wire 1.7. */
#include <errno.h>

#include "rpc-lib.h"
#include "rpcmsg.h"

enum {
    FLAVOR_NULL = 0,
    FLAVOR_UNIX = 1,
    FLAVOR_OLD = 5,
    FLAVOR_V2 = 390039,
    FLAVOR_V3 = 390040,
};
#define UNIX_GROUPS_MAX 16
#define OLD_GROUPS_MAX 16
#define V2_SUM_MAX 95 /* groups and bytes of the lock owner together */
#define V3_SUM_MAX 91

static int take_groups(struct rpc_cred *c, const wire_groups *g, const wire_bytes *owner, uint32_t sum_max)
{
    if (owner->len > sum_max || g->count > sum_max - owner->len)
        return -EACCES;
    c->nr_groups = g->count;
    memcpy(c->groups, g->id, g->count * sizeof(g->id[0]));
    c->owner_len = owner->len;
    if (owner->len > 0)
        memcpy(c->owner, owner->at, owner->len);
    return 0;
}

static int decode_v3(const uint8_t *body, uint32_t len, struct rpc_cred *c)
{
    rpc_auth_v3 a;
    if (wire_decode(xdr_rpc_auth_v3, &a, body, len) < 0)
        return -EACCES;
    c->pid = a.pid;
    c->uid = a.uid;
    c->gid = a.gid;
    c->time_flags = a.time_flags;
    c->time_sec = a.time_sec;
    c->time_nsec = a.time_nsec;
    return take_groups(c, &a.groups, &a.owner, V3_SUM_MAX);
}
static int decode_v2(const uint8_t *body, uint32_t len, struct rpc_cred *c)
{
    rpc_auth_v2 a;
    if (wire_decode(xdr_rpc_auth_v2, &a, body, len) < 0)
        return -EACCES;
    c->pid = a.pid;
    c->uid = a.uid;
    c->gid = a.gid;
    return take_groups(c, &a.groups, &a.owner, V2_SUM_MAX);
}
static int decode_unix(const uint8_t *body, uint32_t len, struct rpc_cred *c)
{
    rpc_auth_unix a;
    if (wire_decode(xdr_rpc_auth_unix, &a, body, len) < 0 || a.groups.count > UNIX_GROUPS_MAX)
        return -EACCES;
    c->uid = a.uid;
    c->gid = a.gid;
    return take_groups(c, &a.groups, &(wire_bytes){.at = NULL}, UNIX_GROUPS_MAX);
}
static int decode_old(const uint8_t *body, uint32_t len, struct rpc_cred *c)
{
    rpc_auth_old a;
    int64_t used = wire_decode(xdr_rpc_auth_old, &a, body, len);
    if (used < 0 || len - (uint32_t)used < OLD_GROUPS_MAX * 4 || a.nr_groups > OLD_GROUPS_MAX)
        return -EACCES;
    c->pid = (int32_t)a.pid;
    c->uid = a.uid;
    c->gid = a.gid;
    c->nr_groups = a.nr_groups;
    for (uint32_t i = 0; i < a.nr_groups; i++) {
        uint32_t be;
        memcpy(&be, body + used + i * 4, 4);
        c->groups[i] = be32toh(be);
    }
    c->owner_len = sizeof(a.owner);
    memcpy(c->owner, body, sizeof(a.owner)); /* its bytes as they came: an identity, not a number */
    return 0;
}

int rpc_cred_decode(uint32_t flavor, const uint8_t *body, uint32_t len, struct rpc_cred *ret)
{
    ret->flavor = flavor;
    ret->raw = body;
    ret->raw_len = (uint16_t)len;
    switch (flavor) {
    case FLAVOR_V3:
        return decode_v3(body, len, ret);
    case FLAVOR_V2:
        return decode_v2(body, len, ret);
    case FLAVOR_UNIX:
        return decode_unix(body, len, ret);
    case FLAVOR_OLD:
        return decode_old(body, len, ret);
    case FLAVOR_NULL:
        return 0;
    default:
        return 1; /* uid 0, gid 0, nothing else, as at stock */
    }
}
