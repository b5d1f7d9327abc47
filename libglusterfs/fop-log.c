/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the log says of an operation: the one place for all of them, at a brick, a mount and in libgfapi. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fop.h"
#include "graph.h"
#include "log.h"

#define OBJECT_MAX (GFID_TEXT + FOP_NAME_MAX + 8)

/* " GFID/NAME", " GFID", or nothing. */
static void describe_object(const struct loc *loc, const struct fd *fd, char to[OBJECT_MAX])
{
    const struct inode *in = loc->parent ? loc->parent : loc->inode ? loc->inode : fd ? fd->inode : NULL;
    char gfid[GFID_TEXT];

    to[0] = '\0';
    if (in)
        snprintf(to, OBJECT_MAX, " %s%s%s", gfid_text(in->gfid, gfid), loc->parent ? "/" : "", loc->parent ? loc->name : "");
}

void fop_describe(const struct fop *fop, char *to, size_t size)
{
    char object[OBJECT_MAX], second[OBJECT_MAX];

    describe_object(&fop->loc, fop->fd, object);
    describe_object(&fop->loc2, fop->fd2, second);
    snprintf(to, size, "%s%s%s%s of %s, uid %u, pid %d", fop_name(fop->op), object, second[0] ? " to" : "", second,
             fop->client ? fop->client->uid : "our own", fop->cred.uid, fop->cred.pid);
}

/* A question whose answer is "no": everybody asks those all the time. */
static bool is_usual(const struct fop *fop)
{
    return (fop->op == FOP_LOOKUP && fop->err == ENOENT) ||
           ((fop->op == FOP_GETXATTR || fop->op == FOP_FGETXATTR) && fop->err == ENODATA);
}

void fop_log_failure(const struct fop *fop, const struct xlator *by)
{
    char text[1536];

    if (log_get_level() < (is_usual(fop) ? LVL_TRACE : LVL_DEBUG))
        return;
    if (!by)
        by = fop->graph->top;
    fop_describe(fop, text, sizeof(text));
    if (is_usual(fop))
        log_trace(by ? by->name : "fop", "%s: %s", text, strerror(fop->err));
    else
        log_debug(by ? by->name : "fop", "%s failed: %s", text, strerror(fop->err));
}
