/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* upcalls.c: what the brick tells us of its own accord. Spec wire section 8. */
#include <string.h>

#include "callback.h"
#include "remote.h"
#include "log.h"

static void tell(struct remote *r, struct upcall *u, const wire_dict3 *xdata)
{
    if (wire_dict3_open(xdata, &u->xdata) < 0)
        u->xdata = NULL; /* what changed is told without it */
    xlator_notify_up(r->xl, EVENT_UPCALL, u);
    dict_unref(u->xdata);
}

static bool invalidate(struct remote *r, const uint8_t *args, size_t len)
{
    cbk_cache_invalidation c;
    struct upcall u = {.kind = UPCALL_INVALIDATE};
    char text[GFID_TEXT];

    if (wire_decode(xdr_cbk_cache_invalidation, &c, args, len) < 0 || c.gfid.len != GFID_TEXT - 1)
        return false;
    memcpy(text, c.gfid.at, GFID_TEXT - 1);
    text[GFID_TEXT - 1] = 0;
    if (!gfid_parse(text, &u.gfid))
        return false;
    u.flags = c.flags;
    u.expire_s = c.expire;
    u.stat = c.stat;
    u.parent_stat = c.parent_stat;
    u.old_parent_stat = c.oldparent_stat;
    tell(r, &u, &c.xdata);
    return true;
}

static bool take_name(struct wire_str from, char *to, size_t room)
{
    if (from.len >= room)
        return false;
    memcpy(to, from.at, from.len);
    to[from.len] = 0;
    return true;
}

static bool inodelk_wanted(struct remote *r, const uint8_t *args, size_t len)
{
    cbk_inodelk_contention c;
    struct upcall u = {.kind = UPCALL_INODELK_CONTENTION};
    char domain[WIRE_NAME_MAX + 1];

    if (wire_decode(xdr_cbk_inodelk_contention, &c, args, len) < 0 || c.flock.owner.len > sizeof(u.flock.owner) ||
        !take_name(c.domain, domain, sizeof(domain)))
        return false;
    u.gfid = c.gfid;
    u.pid = c.pid;
    u.domain = domain;
    u.flock = (struct flock_range){.type = c.flock.type, .whence = c.flock.whence, .start = (int64_t)c.flock.start,
                                   .len = (int64_t)c.flock.len, .pid = c.flock.pid, .owner_len = c.flock.owner.len};
    if (c.flock.owner.len)
        memcpy(u.flock.owner, c.flock.owner.at, c.flock.owner.len);
    tell(r, &u, &c.xdata);
    return true;
}

static bool entrylk_wanted(struct remote *r, const uint8_t *args, size_t len)
{
    cbk_entrylk_contention c;
    struct upcall u = {.kind = UPCALL_ENTRYLK_CONTENTION};
    char domain[WIRE_NAME_MAX + 1], name[WIRE_NAME_MAX + 1];

    if (wire_decode(xdr_cbk_entrylk_contention, &c, args, len) < 0 || !take_name(c.domain, domain, sizeof(domain)) ||
        !take_name(c.name, name, sizeof(name)))
        return false;
    u.gfid = c.gfid;
    u.entry_type = c.type;
    u.pid = c.pid;
    u.domain = domain;
    u.name = name;
    tell(r, &u, &c.xdata);
    return true;
}

static bool lease_recalled(struct remote *r, const uint8_t *args, size_t len)
{
    cbk_recall_lease c;
    struct upcall u = {.kind = UPCALL_RECALL_LEASE};

    if (wire_decode(xdr_cbk_recall_lease, &c, args, len) < 0)
        return false;
    u.gfid = c.gfid;
    u.flags = c.lease_type;
    tell(r, &u, &c.xdata);
    return true;
}

static bool storage(struct remote *r, bool up)
{
    atomic_store_explicit(&r->storage_down, !up, memory_order_relaxed);
    if (atomic_load_explicit(&r->ready, memory_order_relaxed)) /* else it is told with the rest */
        remote_tell(r, up);
    return true;
}

void remote_callback(void *host, uint32_t proc, const uint8_t *args, size_t len)
{
    struct remote *r = host;
    bool good = true;

    switch (proc) {
    case CBK_CACHE_INVALIDATION:
        good = invalidate(r, args, len);
        break;
    case CBK_INODELK_CONTENTION:
        good = inodelk_wanted(r, args, len);
        break;
    case CBK_ENTRYLK_CONTENTION:
        good = entrylk_wanted(r, args, len);
        break;
    case CBK_RECALL_LEASE:
        good = lease_recalled(r, args, len);
        break;
    case CBK_CHILD_UP:
    case CBK_CHILD_DOWN:
        good = storage(r, proc == CBK_CHILD_UP);
        break;
    default: /* as stock: what we do not know, or a management connection would, is not for us */
        break;
    }
    if (!good)
        log_warning(r->xl->name, "a callback of the brick (%u) makes no sense and was dropped", proc);
}
