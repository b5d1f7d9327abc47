/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/gfid-access: the folder `.gfid` in the root, in which every object of the volume can be looked up by its gfid. A mount with
 * --aux-gfid-mount puts it above its graph (spec brick 6.3).
 *
 * A file that is found so is the file itself. A folder cannot be: the kernel has one place for a folder, and would move it. So it appears
 * under an alias, a gfid of its own: that of the folder with the upper bit of byte 6 turned round, where the version of a random gfid (4)
 * is, whose upper bit is 0. Operations on an alias are done with the folder; nothing is kept. */
#include <errno.h>
#include <string.h>

#include "feature-types.h"
#include "graph.h"
#include "inode.h"

static const gfid_t door = {{[15] = 0x0d}}; /* .gfid itself; the number is GlusterFS's */
#define DOOR_NAME ".gfid"

static bool is_door(const struct inode *in)
{
    return in && gfid_equal(in->gfid, door);
}

static bool is_alias(const struct inode *in)
{
    return in && in->gfid.b[6] & 0x80;
}

static gfid_t turned(gfid_t g)
{
    g.b[6] ^= 0x80;
    return g;
}

static bool names_door(const struct loc *loc)
{
    return loc->parent && gfid_is_root(loc->parent->gfid) && strcmp(loc->name, DOOR_NAME) == 0;
}

/* ---- what comes back ----------------------------------------------------------------------------------------------------- */

static bool give_inode(struct fop *child, gfid_t gfid)
{
    struct inode *in = inode_get(child->graph->inodes, gfid);

    if (!in)
        return false;
    atomic_store_explicit(&in->type, S_IFDIR, memory_order_relaxed);
    inode_unref(child->out.inode);
    child->out.inode = in;
    child->out.stat.gfid = gfid;
    child->out.stat.ino = gfid_ino(gfid);
    return true;
}

static void adopt_or_fail(struct fop *child, bool well)
{
    if (!well) {
        child->ret = -1;
        child->err = ENOMEM;
    }
    fop_adopt(child);
}

static void door_found(struct fop *child, void *ctx)
{
    adopt_or_fail(child, child->ret < 0 || give_inode(child, door));
}

static void object_found(struct fop *child, void *ctx)
{
    if (child->ret < 0 && child->err == ESTALE)
        child->err = ENOENT; /* as a name it is not there */
    adopt_or_fail(child, child->ret < 0 || !S_ISDIR(child->out.stat.mode) || give_inode(child, turned(child->out.stat.gfid)));
}

/* Attributes of what was asked about by an alias are those of the folder, under the alias. */
static void renamed(struct fop *child, void *ctx)
{
    struct inode *asked = ctx; /* the parent has a reference */
    gfid_t gfid = asked->gfid, of = is_door(asked) ? gfid_root : turned(gfid);
    struct iatt *all[] = {&child->out.stat, &child->out.pre, &child->out.post};

    for (size_t i = 0; i < array_len(all); i++)
        if (gfid_equal(all[i]->gfid, of)) {
            all[i]->gfid = gfid;
            all[i]->ino = gfid_ino(gfid);
        }
    fop_adopt(child);
}

static void done(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

/* ---- look-up ------------------------------------------------------------------------------------------------------------- */

/* A look-up of the object with this gfid, without a name. */
static void look_for(struct xlator *xl, struct fop *fop, gfid_t gfid, fop_done_fn found)
{
    struct fop *child = fop_child(fop, FOP_LOOKUP, found, xl);

    if (child)
        child->loc.inode = inode_get(fop->graph->inodes, gfid);
    if (!child || !child->loc.inode) {
        fop_free(child);
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_submit(xl->child, child);
}

static void ga_any(struct xlator *xl, struct fop *fop);

static void ga_lookup(struct xlator *xl, struct fop *fop)
{
    gfid_t gfid;

    if (names_door(&fop->loc) || (!fop->loc.name[0] && is_door(fop->loc.inode))) {
        look_for(xl, fop, gfid_root, door_found);
    } else if (is_door(fop->loc.parent)) {
        if (gfid_parse(fop->loc.name, &gfid) && !gfid_is_null(gfid) && !gfid_equal(gfid, door) && !(gfid.b[6] & 0x80))
            look_for(xl, fop, gfid, object_found);
        else
            fop_fail(fop, ENOENT);
    } else if (!fop->loc.name[0] && is_alias(fop->loc.inode)) {
        look_for(xl, fop, turned(fop->loc.inode->gfid), object_found);
    } else {
        ga_any(xl, fop);
    }
}

/* ---- all others ---------------------------------------------------------------------------------------------------------- */

static bool to_folder(struct inode **at)
{
    struct inode *in = *at, *folder;

    if (!is_alias(in))
        return true;
    folder = inode_get(in->table, turned(in->gfid));
    if (!folder)
        return false;
    *at = folder;
    inode_unref(in);
    return true;
}

/* With the folder in the alias's place. */
static void ga_any(struct xlator *xl, struct fop *fop)
{
    struct inode *asked = fop->loc.inode;
    struct fop *child;

    if (!is_alias(asked) && !is_alias(fop->loc.parent) && !is_alias(fop->loc2.parent)) {
        fop_pass(xl, fop);
        return;
    }
    child = fop_child_like(fop, is_alias(asked) ? renamed : done, asked);
    if (!child || !to_folder(&child->loc.inode) || !to_folder(&child->loc.parent) || !to_folder(&child->loc2.parent)) {
        fop_free(child);
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_submit(xl->child, child);
}

/* The door's attributes are the root's. */
static void ga_stat(struct xlator *xl, struct fop *fop)
{
    struct fop *child;

    if (!is_door(fop->loc.inode)) {
        ga_any(xl, fop);
        return;
    }
    child = fop_child_like(fop, renamed, fop->loc.inode);
    if (child) {
        inode_unref(child->loc.inode);
        child->loc.inode = inode_get(fop->graph->inodes, gfid_root);
    }
    if (!child || !child->loc.inode) {
        fop_free(child);
        fop_fail(fop, ENOMEM);
        return;
    }
    fop_submit(xl->child, child);
}

/* Names in the door are nobody's to make or remove, and so is the door's. */
static void ga_names(struct xlator *xl, struct fop *fop)
{
    if (is_door(fop->loc.parent) || is_door(fop->loc2.parent) || names_door(&fop->loc) || names_door(&fop->loc2))
        fop_fail(fop, EPERM);
    else
        ga_any(xl, fop);
}

static void ga_object(struct xlator *xl, struct fop *fop)
{
    if (is_door(fop->loc.inode))
        fop_fail(fop, EOPNOTSUPP);
    else
        ga_any(xl, fop);
}

#define NAMES(op) [FOP_##op] = ga_names
#define OBJECT(op) [FOP_##op] = ga_object
const struct xlator_type gfid_access_type = {
    .name = "features/gfid-access",
    .on =
        {
            [FOP_LOOKUP] = ga_lookup, [FOP_STAT] = ga_stat, [FOP_STATFS] = ga_stat, [FOP_ACCESS] = ga_stat,
            NAMES(MKNOD), NAMES(MKDIR), NAMES(UNLINK), NAMES(RMDIR), NAMES(SYMLINK), NAMES(RENAME), NAMES(LINK), NAMES(CREATE),
            OBJECT(SETATTR), OBJECT(OPENDIR), OBJECT(SETXATTR), OBJECT(GETXATTR), OBJECT(REMOVEXATTR), OBJECT(INODELK), OBJECT(ENTRYLK),
            OBJECT(XATTROP),
        },
};
