/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Answers of a brick that means harm, as protocol/client reads them. Input: the number of the operation, then the result. What it gives the
 * fop must be whole: it is encoded again as the server would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "fopwire.h"
#include "log.h"
#include "testing.h"

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);

static const struct xlator_type leaf = {.name = "testing/leaf", .leaf = true};

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static struct process p;
    static struct graph *g;
    struct slicev body = {0};
    int64_t fd = -1;
    size_t used = 0;
    struct fop *fop;
    int r;

    if (!g) {
        log_set_level(LVL_NONE);
        testing_process(&p);
        g = testing_graph(&p, (struct testing_node[]){{.type = &leaf}, {.type = NULL}});
    }
    if (len < 1 || in[0] >= NR_FOPS || !wire_rows[in[0]].reply.proc)
        return 0;
    fop = fop_new(g, in[0]);
    if (!fop)
        abort();
    r = wire_answer(fop, in + 1, len - 1, &fd, &used);
    if (r == 0 && used > len - 1)
        abort();
    if (r == 0)
        wire_reply(p.env.bufs, fop, fd, &body);
    slicev_done(&body);
    wire_read_bulk_at(in + 1, len - 1);
    fop_free(fop);
    if (counter_get(&p.census.now[CENSUS_FOPS]) != 0 || counter_get(&p.census.now[CENSUS_IOBUFS]) != 0)
        abort();
    return 0;
}
