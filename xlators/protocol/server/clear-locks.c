/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* clear-locks.c: `gluster volume clear-locks` on a brick: the path is walked as a client would walk it, then the attribute is read that
 * takes the locks away (features/locks). Nobody has to mount the volume for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dict.h"
#include "graph.h"
#include "server.h"
#include "status.h"

struct clearing {
    struct server_clear *c;
    struct server_walk walk;
    char *path;
};

static void finish(struct clearing *k, int r, const char *text)
{
    struct server_clear *c = k->c;

    server_walk_done(&k->walk);
    free(k->path);
    free(k);
    c->done(c, r, text);
}

static void cleared(struct fop *fop, void *ctx)
{
    struct clearing *k = ctx;
    const char *found, *text = NULL;
    int r = fop->ret < 0 ? -fop->err : 0;
    char copy[1024];

    if (r == 0 && dict_get_text(fop->out.dict, k->c->key, &found) == 0) {
        snprintf(copy, sizeof(copy), "%s", found);
        text = copy;
    } else if (r == 0) {
        r = -ENODATA;
    }
    fop_free(fop);
    finish(k, r, text);
}

static void walked(struct server_walk *w, int r)
{
    struct clearing *k = container_of(w, struct clearing, walk);
    struct fop *fop = r == 0 ? fop_new(w->server->xl->graph, FOP_GETXATTR) : NULL;

    if (!fop) {
        finish(k, r < 0 ? r : -ENOMEM, NULL);
        return;
    }
    fop->loc.inode = inode_ref(w->here);
    fop->in.getxattr.name = k->c->key;
    fop_push(fop, cleared, k);
    fop_submit(w->bound, fop);
}

void server_clear_locks(struct xlator *server, const char *brick, struct server_clear *c)
{
    struct clearing *k = calloc(1, sizeof(*k));
    struct xlator *bound = NULL;
    int r = k ? server_subdir_path(c->path, &k->path) : -ENOMEM;

    for (unsigned int i = 0; i < server->nr_children; i++)
        if (strcmp(server->children[i]->name, brick) == 0)
            bound = server->children[i];
    if (r < 0 || !bound) {
        free(k ? k->path : NULL);
        free(k);
        c->done(c, r < 0 ? r : -ENODEV, NULL);
        return;
    }
    k->c = c;
    k->walk = (struct server_walk){.server = server->priv, .bound = bound, .path = k->path ? k->path : "", .any = true, .done = walked};
    server_walk(&k->walk);
}
