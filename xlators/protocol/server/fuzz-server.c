/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* protocol/server against any calls. Input: records, each behind its length in two bytes (big-endian), of one connection; the top bit of
 * the length: not yet a client's before it. Below the server stands the scripted storage of the tests, which parks waiting locks.
 *
 * fuzz-seeds-run.c gives it the recorded calls as `make check`; with clang's fuzzer it is a target of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "brick.h"
#include "counter.h"
#include "log.h"

static void storage(struct brick *b, struct fop *fop)
{
    bool waits = fop->op == FOP_INODELK || fop->op == FOP_ENTRYLK || fop->op == FOP_LK;

    if (waits && !b->parked) {
        brick_park(b, fop);
        return;
    }
    if (fop->op == FOP_LOOKUP && fop->loc.inode) { /* as one of the server's own: it is there, and a folder when it is the root */
        fop->out.inode = inode_ref(fop->loc.inode);
        atomic_store(&fop->out.inode->type, gfid_is_root(fop->out.inode->gfid) ? S_IFDIR : S_IFREG);
    }
    if (fop->op == FOP_OPEN || fop->op == FOP_OPENDIR || fop->op == FOP_CREATE)
        fop->out.fd = fd_new(fop->graph, fop->loc.inode ? fop->loc.inode : fop->loc.parent, fop->client, 0, fop->op == FOP_OPENDIR);
    fop_complete(fop, 0, 0);
}

static void nothing_is_left(const struct brick *b)
{
    static const enum census_item items[] = {CENSUS_FOPS, CENSUS_REQUESTS, CENSUS_CLIENTS, CENSUS_FDS, CENSUS_RECORDS};

    for (size_t i = 0; i < array_len(items); i++)
        if (counter_get(&b->process.census.now[items[i]]) != 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static struct brick b;
    struct transport *t = NULL;

    if (!b.graph) {
        log_set_level(LVL_NONE);
        brick_start(&b, NULL);
        b.handler = storage;
    }
    while (len >= 2) {
        size_t n = min_of((size_t)(in[0] & 0x7f) << 8 | in[1], len - 2);
        if (!t)
            t = in[0] & 0x80 ? fake_connect(NULL) : brick_connect(&b, "fuzz");
        fake_deliver_in_steps(t, in + 2, n, 4096, 64);
        in += 2 + n;
        len -= 2 + n;
        if (fake_disconnected(t, NULL))
            break;
    }
    if (t)
        fake_close(t);
    pool_drain(b.process.pool);
    nothing_is_left(&b);
    return 0;
}
