/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "brick-sets.h"

#include <errno.h>

#include "log.h"

static const char *kind_of(const struct volinfo *v)
{
    return v->type == VOLUME_REPLICATE ? "replica" : "disperse";
}

static struct shape shape_of(const struct volinfo *v)
{
    return (struct shape){.type = v->type, .sub_count = v->sub_count, .replica_count = v->replica_count, .arbiter_count = v->arbiter_count};
}

int shape_with_more(const struct volinfo *v, unsigned int n, unsigned int replica, unsigned int arbiter, struct shape *ret, struct err *err)
{
    unsigned int sets = volinfo_subvolumes(v);
    struct shape s = shape_of(v);
    if (n == 0)
        return err_set(err, -EINVAL, "there is no brick to add");
    if (replica && v->type == VOLUME_DISPERSE)
        return err_set(err, -EINVAL, "Volume %s cannot be converted from dispersed to replicated-dispersed", v->name);
    if (arbiter && (arbiter != 1 || replica != 3))
        return err_set(err, -EINVAL, "For arbiter configuration, replica count must be 3 and arbiter count must be 1. The 3rd brick of "
                                     "the replica will be the arbiter");
    if (replica && replica < v->replica_count)
        return err_set(err, -EINVAL, "Incorrect replica count (%u) supplied. Volume already has (%u)", replica, v->replica_count);
    if (replica == v->replica_count && arbiter && !v->arbiter_count)
        return err_set(err, -EINVAL, "Cannot convert replica 3 volume to arbiter volume.");
    if (replica > v->replica_count && v->arbiter_count)
        return err_set(err, -EINVAL, "Increasing replica count for arbiter volumes is not supported.");
    if (replica <= v->replica_count) { /* whole sets more */
        if (v->sub_count && n % v->sub_count)
            return err_set(err, -EINVAL, "Incorrect number of bricks supplied %u with count %u", n, v->sub_count);
        *ret = s;
        return 0;
    }
    if (n % (replica - v->replica_count) || n / (replica - v->replica_count) != sets)
        return err_set(err, -EINVAL, "Incorrect number of bricks (%u) supplied for replica count (%u).", n, replica);
    *ret = (struct shape){.type = VOLUME_REPLICATE, .sub_count = replica, .replica_count = replica, .arbiter_count = arbiter};
    return 0;
}

unsigned int shape_place(const struct volinfo *v, const struct shape *after, unsigned int k)
{
    unsigned int more = after->replica_count - v->replica_count;
    if (more == 0)
        return v->nr_bricks + k;
    return k / more * after->replica_count + v->replica_count + k % more;
}

/* How many of the bricks are in a set. */
static unsigned int in_set(const struct volinfo *v, const unsigned int *at, unsigned int n, unsigned int set)
{
    unsigned int found = 0;
    for (unsigned int i = 0; i < n; i++)
        found += at[i] / v->sub_count == set;
    return found;
}

static bool has_arbiter(const struct volinfo *v, const unsigned int *at, unsigned int n, unsigned int set)
{
    for (unsigned int i = 0; i < n; i++)
        if (at[i] / v->sub_count == set && at[i] % v->sub_count == v->sub_count - 1)
            return true;
    return false;
}

static int fewer_copies(const struct volinfo *v, const unsigned int *at, unsigned int n, unsigned int replica, struct shape *ret,
                        struct err *err)
{
    unsigned int sets = volinfo_subvolumes(v), each = v->replica_count - replica;
    if (n < each * sets)
        return err_set(err, -EINVAL, "need %u(xN) bricks for reducing replica count of the volume from %u to %u", each * sets,
                       v->replica_count, replica);
    if (n % (each * sets))
        return err_set(err, -EINVAL, "number of bricks provided (%u) is not valid. need at least %u (or %uxN)", n, each * sets,
                       each * sets);
    for (unsigned int s = 0; s < sets; s++) {
        if (in_set(v, at, n, s) != each)
            return err_set(err, -EINVAL, "Remove exactly %u brick(s) from each subvolume.", each);
        if (v->arbiter_count && !has_arbiter(v, at, n, s))
            return err_set(err, -EINVAL,
                           replica == 1 ? "Removed bricks must contain arbiter when converting to plain distribute."
                                        : "Remove arbiter brick(s) only when converting from arbiter to replica 2 subvolume.");
    }
    *ret = replica == 1 ? (struct shape){.type = VOLUME_PLAIN, .replica_count = 1}
                        : (struct shape){.type = VOLUME_REPLICATE, .sub_count = replica, .replica_count = replica};
    return 0;
}

int shape_with_fewer(const struct volinfo *v, const unsigned int *at, unsigned int n, unsigned int replica, struct shape *ret,
                     struct err *err)
{
    *ret = shape_of(v);
    if (n == 0)
        return err_set(err, -EINVAL, "there is no brick to remove");
    if (replica && v->type != VOLUME_REPLICATE)
        return err_set(err, -EINVAL, "replica count (%u) option given for non replicate volume %s", replica, v->name);
    if (replica > v->replica_count)
        return err_set(err, -EINVAL, "given replica count (%u) option is more than volume %s's replica count (%u)", replica, v->name,
                       v->replica_count);
    if (replica && replica < v->replica_count)
        return fewer_copies(v, at, n, replica, ret, err);
    if (v->sub_count) {
        if (v->type == VOLUME_REPLICATE && v->nr_bricks == v->sub_count)
            return err_set(err, -EINVAL, "Removing bricks from replicate configuration is not allowed without reducing replica count "
                                         "explicitly.");
        if (n % v->sub_count)
            return err_set(err, -EINVAL, "Remove brick incorrect brick count of %u for %s %u", n, kind_of(v), v->sub_count);
        for (unsigned int i = 0; i < n; i++)
            if (in_set(v, at, n, at[i] / v->sub_count) != v->sub_count)
                return err_set(err, -EINVAL, "Bricks not from same subvol for %s", kind_of(v));
    }
    if (n >= v->nr_bricks)
        return err_set(err, -EINVAL, "Deleting all the bricks of the volume is not allowed");
    return 0;
}

void shape_apply(struct volinfo *v, const struct shape *s)
{
    v->type = s->type;
    v->sub_count = s->sub_count;
    v->replica_count = s->replica_count;
    v->arbiter_count = s->arbiter_count;
}
