/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Where the storage is: its pathinfo of the root, "<POSIX(BRICK):HOST:BRICK/>". */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "locks.h"

#define PATHINFO "trusted.glusterfs.pathinfo"

struct question {
    struct xlator *xl;
    struct fop *fop;
    void (*then)(struct xlator *xl, struct fop *fop, const char *pathinfo, void *ctx);
    void *ctx;
};

static void told(struct fop *child, void *ctx)
{
    struct question *q = ctx;
    const char *text = NULL;

    if (child->ret >= 0 && child->out.dict && dict_get_text(child->out.dict, PATHINFO, &text) == 0)
        text = fop_str(q->fop, text, strlen(text));
    fop_free(child);
    q->then(q->xl, q->fop, text, q->ctx);
}

void place_ask(struct xlator *xl, struct fop *fop, void (*then)(struct xlator *xl, struct fop *fop, const char *pathinfo, void *ctx),
               void *ctx)
{
    struct question *q = fop_alloc(fop, sizeof(*q));
    struct fop *child = q ? fop_child(fop, FOP_GETXATTR, told, q) : NULL;

    if (!child || !(child->loc.inode = inode_get(xl->graph->inodes, gfid_root))) {
        fop_free(child);
        fop_fail(fop, ENOMEM);
        return;
    }
    *q = (struct question){.xl = xl, .fop = fop, .then = then, .ctx = ctx};
    child->cred.uid = child->cred.gid = 0; /* what the caller may read does not matter */
    child->in.getxattr.name = PATHINFO;
    fop_submit(xl->child, child);
}
