/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* subdir.c: a client whose root is a directory of the brick: finding that directory at SETVOLUME, and telling it as the root.
 *
 * The directory is found by its names, one look-up after the other from the brick's root, down the same stack as everything; symbolic
 * links are not followed. From then on it is known by its gfid: it may be renamed, and when it is removed the client's root is stale.
 *
 * A client that names other gfids than it was told of is served as it would be by stock: the directory is what it sees, not a cage.
 * But no name leads out: ".." is refused by resolve.c, and what stands above is not shown as the directory's "..".
 *
 * Source: spec brick 4.3, wire 3.6; doc/brick-notes.md. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "server.h"

int server_subdir_path(const char *text, char **ret)
{
    size_t len = strlen(text), n = 0;
    char *path = len <= WIRE_NAME_MAX ? malloc(len + 2) : NULL;

    if (!path)
        return len > WIRE_NAME_MAX ? -ENOENT : -ENOMEM;
    while (*(text += strspn(text, "/"))) {
        size_t name = strcspn(text, "/");
        if (name > FOP_NAME_MAX || (name == 2 && text[0] == '.' && text[1] == '.')) {
            free(path);
            return -ENOENT;
        }
        if (name != 1 || *text != '.') {
            path[n++] = '/';
            memcpy(path + n, text, name);
            n += name;
        }
        text += name;
    }
    path[n] = '\0';
    if (n == 0) {
        free(path);
        path = NULL;
    }
    *ret = path;
    return 0;
}

/* ---- walking ----------------------------------------------------------------------------------------------------------------- */

static void step(struct server_walk *w);

static void looked_up(struct fop *fop, void *ctx)
{
    struct server_walk *w = ctx;
    struct inode *in = fop->ret >= 0 ? inode_ref(fop->out.inode) : NULL;
    int r = fop->ret < 0 ? -fop->err : !in ? -EIO : 0;

    if (r < 0 && fop->loc.inode)
        server_forget_unknown(w->bound, fop->loc.inode);
    fop_free(fop);
    if (r == 0) {
        server_know(w->bound, in);
        if (atomic_load_explicit(&in->type, memory_order_relaxed) != S_IFDIR && !(w->any && !*w->at))
            r = -ENOTDIR;
    }
    if (r < 0) {
        inode_unref(in);
        w->done(w, r);
        return;
    }
    inode_unref(w->here);
    w->here = in;
    step(w);
}

/* The next name below `here`; the brick's root when there is none yet. */
static void step(struct server_walk *w)
{
    if (w->here && !*w->at) {
        w->done(w, 0);
        return;
    }
    struct fop *fop = fop_new(w->server->xl->graph, FOP_LOOKUP);
    if (!fop) {
        w->done(w, -ENOMEM);
        return;
    }
    fop_push(fop, looked_up, w);
    if (pthread_equal(w->poller, pthread_self()))
        fop->flags |= FOP_NOWAIT;
    if (!w->here) {
        fop->loc.inode = inode_get(fop->graph->inodes, gfid_root);
    } else {
        size_t len = strcspn(++w->at, "/");
        fop->loc.parent = inode_ref(w->here);
        memcpy(fop->loc.name, w->at, len); /* checked by server_subdir_path(); the rest is zero */
        w->at += len;
    }
    if (!w->here && !fop->loc.inode)
        fop_fail(fop, ENOMEM);
    else
        fop_submit(w->bound, fop);
}

void server_walk(struct server_walk *w)
{
    w->at = w->path;
    w->poller = pthread_self();
    step(w);
}

void server_walk_done(struct server_walk *w)
{
    inode_unref(w->here);
    w->here = NULL;
}

/* ---- as the client sees it -------------------------------------------------------------------------------------------------- */

void server_root_in(const struct server_root *root, struct wire_object obj[2])
{
    for (unsigned int i = 0; i < 2; i++)
        if (gfid_is_root(obj[i].gfid))
            obj[i].gfid = root->gfid;
}

static void rename_root(const struct server_root *root, struct iatt *st)
{
    if (!gfid_equal(st->gfid, root->gfid))
        return;
    st->gfid = gfid_root;
    st->ino = gfid_ino(gfid_root);
}

static bool lists_root(const struct server_root *root, const struct fop *fop)
{
    const struct inode *in = fop->fd ? fop->fd->inode : fop->loc.inode;

    return in && gfid_equal(in->gfid, root->gfid);
}

void server_root_out(const struct server_root *root, struct fop *fop)
{
    struct fop_out *out = &fop->out;
    struct iatt *all[] = {&out->stat, &out->pre, &out->post, &out->pre2, &out->post2};

    for (size_t i = 0; i < array_len(all); i++)
        rename_root(root, all[i]);
    bool here = out->nr_entries > 0 && lists_root(root, fop);
    for (unsigned int i = 0; i < out->nr_entries; i++) {
        struct dirent4 *e = &out->entries[i];
        rename_root(root, &e->stat);
        if (here && (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0))
            e->ino = gfid_ino(gfid_root);
        if (here && strcmp(e->name, "..") == 0) {
            e->stat = (struct iatt){0}; /* of what stands above it nothing is told */
            dict_unref(e->xdata);
            e->xdata = NULL;
        }
    }
}
