/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the log says of lock requests: with option trace each one and its answer, at level INFO; at DEBUG who waits, for whom, how long. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "locks.h"
#include "log.h"

static void describe(const struct fop *fop, char *to, size_t size)
{
    static const char *const types[] = {"READ", "WRITE", "UNLOCK"};
    const struct flock_range *r = fop->op == FOP_LK ? &fop->in.lk.flock : &fop->in.inodelk.flock;
    char gfid[GFID_TEXT], owner[2 * sizeof(fop->cred.owner) + 1] = "";
    const struct inode *in = lock_inode_of(fop);
    int n;

    for (uint32_t i = 0; i < fop->cred.owner_len; i++)
        snprintf(owner + 2 * i, 3, "%02x", fop->cred.owner[i]);
    n = snprintf(to, size, "%s: pid=%d, lk-owner=%s, client=%s, gfid=%s, ", fop_name(fop->op), fop->cred.pid, owner,
                 fop->client ? fop->client->uid : "-", in ? gfid_text(in->gfid, gfid) : "-");
    if (n < 0 || (size_t)n >= size)
        return;
    if (fop->op == FOP_ENTRYLK || fop->op == FOP_FENTRYLK)
        snprintf(to + n, size - (size_t)n, "domain=%s, cmd=%u, type=%u, basename=%s", fop->in.entrylk.domain, fop->in.entrylk.cmd,
                 fop->in.entrylk.type, fop->in.entrylk.name ? fop->in.entrylk.name : "(null)");
    else
        snprintf(to + n, size - (size_t)n, "domain=%s, cmd=%u, type=%s, start=%" PRId64 ", len=%" PRId64,
                 fop->op == FOP_LK ? "posix" : fop->in.inodelk.domain, fop->op == FOP_LK ? fop->in.lk.cmd : fop->in.inodelk.cmd,
                 r->type <= RANGE_UNLOCK ? types[r->type] : "?", r->start, r->len);
}

static void traced(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;
    char text[1024];

    describe(fop, text, sizeof(text));
    log_info(xl->name, "answer %s to %s", fop->ret >= 0 ? "success" : strerrorname_np(fop->err), text);
    fop_complete(fop, fop->ret, fop->err);
}

void trace_lock(struct xlator *xl, struct fop *fop)
{
    struct locks *priv = xl->priv;
    char text[1024];

    if (!LIVE(priv, trace))
        return;
    describe(fop, text, sizeof(text));
    log_info(xl->name, "request %s", text);
    fop_push(fop, traced, xl);
}

static bool is_lock(const struct fop *fop)
{
    return fop->op == FOP_LK || fop->op == FOP_INODELK || fop->op == FOP_FINODELK || fop->op == FOP_ENTRYLK || fop->op == FOP_FENTRYLK;
}

static void describe_any(const struct fop *fop, char *to, size_t size)
{
    if (is_lock(fop))
        describe(fop, to, size);
    else
        fop_describe(fop, to, size);
}

void trace_wait(struct xlator *xl, const struct fop *fop, const struct held *blocker)
{
    char text[1024];

    if (log_get_level() < LVL_DEBUG)
        return;
    describe_any(fop, text, sizeof(text));
    if (blocker)
        log_debug(xl->name, "%s: waits for the lock of %s, pid %d", text,
                  blocker->own->lc->client ? blocker->own->lc->client->uid : "our own", blocker->pid);
    else
        log_debug(xl->name, "%s: waits for locks", text);
}

void trace_wait_over(struct xlator *xl, const struct fop *fop, int err)
{
    char text[1024];

    if (log_get_level() < LVL_DEBUG)
        return;
    describe_any(fop, text, sizeof(text));
    log_debug(xl->name, "%s: waits no longer, after %" PRIu64 " ms: %s", text, (clock_ns() - fop->start_ns) / 1000000,
              err ? strerror(err) : "it goes on");
}
