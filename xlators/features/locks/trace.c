/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Option trace: each lock request and its answer in the log, at level INFO. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
