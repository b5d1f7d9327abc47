/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* space.c: STATFS and the reserve that users cannot fill (spec brick 1.11). */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <sys/statvfs.h>

#include "posix.h"

#define CHECK_EVERY_MS 5000

/* conf_lock is held. */
static uint64_t reserved_blocks(const struct posix *p, const struct statvfs *s)
{
    double v = p->reserve.value;
    if (p->reserve.is_percent || v < 100)
        return (uint64_t)((double)s->f_blocks * v / 100 + 0.5);
    uint64_t bytes = (uint64_t)v;
    return (bytes + s->f_bsize - 1) / s->f_bsize;
}

void space_look(struct posix *p)
{
    struct statvfs s;
    if (fstatvfs(p->root_fd, &s) < 0)
        return;
    pthread_rwlock_rdlock(&p->conf_lock);
    bool full = p->reserve.value > 0 && s.f_bfree <= reserved_blocks(p, &s);
    pthread_rwlock_unlock(&p->conf_lock);
    atomic_store_explicit(&p->full_checked_ms, clock_ms(), memory_order_relaxed);
    if (atomic_exchange_explicit(&p->full, full, memory_order_relaxed) == full)
        return;
    if (full)
        log_warning(p->xl->name, "%s: less than option reserve is free: clients get no more space", p->directory);
    else
        log_info(p->xl->name, "%s: more than option reserve is free again", p->directory);
}

/* Whoever comes first after the time is over looks; the others go by what was seen last. */
bool space_full(struct posix *p)
{
    uint64_t now = clock_ms(), last = atomic_load_explicit(&p->full_checked_ms, memory_order_relaxed);
    if (now - last >= CHECK_EVERY_MS &&
        atomic_compare_exchange_strong_explicit(&p->full_checked_ms, &last, now, memory_order_relaxed, memory_order_relaxed))
        space_look(p);
    return atomic_load_explicit(&p->full, memory_order_relaxed);
}

int space_check(struct posix *p, const struct fop *fop)
{
    if (fop->cred.pid < 0 || dict_find(fop->xdata, "glusterfs-internal-fop"))
        return 0;
    return space_full(p) ? -ENOSPC : 0;
}

int op_statfs(struct posix *p, struct fop *fop)
{
    struct statvfs *s = &fop->out.statfs;
    if (fstatvfs(p->root_fd, s) < 0)
        return -errno;
    pthread_rwlock_rdlock(&p->conf_lock);
    uint64_t reserved = reserved_blocks(p, s);
    pthread_rwlock_unlock(&p->conf_lock);
    s->f_bfree = s->f_bfree > reserved ? s->f_bfree - reserved : 0;
    s->f_bavail = min_of(s->f_bavail, s->f_bfree);
    uint64_t share = p->export_statfs_size ? (uint64_t)LIVE(p, shared_brick_count) : 0;
    fsblkcnt_t *all[] = {&s->f_blocks, &s->f_bfree, &s->f_bavail, &s->f_files, &s->f_ffree, &s->f_favail};
    for (unsigned int i = 0; i < array_len(all); i++)
        *all[i] = share ? *all[i] / share : 0;
    return 0;
}
