/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cluster/distribute above one subvolume, which is in every volume file that a daemon writes for clients. Operations pass by pointer.
 * What it does is what a volume needs that will be spread over more bricks one day (spec brick 6.2): each new directory gets its layout,
 * all hash values on this brick. (Stock also sends `changelog.rename-op` with the rename of a file, a hint that its change log can do
 * without.)
 *
 * Above several subvolumes it is refused: spreading is the business of GlusterFS's own engine. */
#include <errno.h>
#include <string.h>

#include "cluster-types.h"
#include "passthrough.h"

/* passthrough.h's members are where the options land that choose among bricks: there is one. */
struct distribute {
    struct read_and_forgotten none;
    char *layout_name;
};

static void adopt(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

static void distribute_mkdir(struct xlator *xl, struct fop *fop)
{
    const struct distribute *d = xl->priv;
    const uint32_t all[4] = {0, 0, 0, UINT32_MAX}; /* commit hash, type, first, last; on the wire big-endian, which none of these minds */
    struct fop *child = fop_child_with(fop, fop_xdata_copy(fop), adopt, NULL);

    if (child && dict_set_binary(child->xdata, d->layout_name, all, sizeof(all)) == 0) {
        fop_submit(xl->child, child);
        return;
    }
    fop_free(child);
    fop_fail(fop, ENOMEM);
}

/* ---- names that are asked of it ------------------------------------------------------------------------------------------ */

#define STATUS "dht.subvol.status"

static void distribute_getxattr(struct xlator *xl, struct fop *fop)
{
    const struct distribute *d = xl->priv;
    const char *name = fop->in.getxattr.name;

    if (!name || (strcmp(name, d->layout_name) != 0 && strncmp(name, STATUS, strlen(STATUS)) != 0)) {
        fop_pass(xl, fop);
        return;
    }
    if (strcmp(name, d->layout_name) == 0) { /* it is not a user's business */
        fop_fail(fop, ENODATA);
        return;
    }
    fop->out.dict = dict_new();
    const char *up = atomic_load_explicit(&xl->child->up, memory_order_relaxed) ? "1" : "0";

    if (fop->out.dict && dict_set_binary(fop->out.dict, name, up, 1) == 0)
        fop_complete(fop, 1, 0);
    else
        fop_fail(fop, ENOMEM);
}

static int distribute_init(struct xlator *xl, struct err *err)
{
    if (xl->nr_children == 1)
        return 0;
    return err_set(err, -EOPNOTSUPP,
                   "volume %s: cluster/distribute above %u subvolumes: this build has no cluster engine; the client of the package "
                   "glusterfs-client mounts this volume, see doc/refused.md", xl->name, xl->nr_children);
}

static const char *const unhashed[] = {"on", "off", "auto", "yes", "no", "enable", "disable", "1", "0", NULL};
static const struct option distribute_options[] = {
    OPT_STR("xattr-name", struct distribute, layout_name, "trusted.glusterfs.dht", "attribute that has a directory's layout"),
    /* how files are spread, moved and found again among several bricks */
    FORGET_CHOICE("lookup-unhashed", unhashed, "whether to look for a file on all bricks"),
    FORGET_FLAG("lookup-optimize", "whether to believe a layout"),
    {.key = "min-free-disk", .type = OPTION_PERCENT_OR_SIZE, .offset = offsetof(struct distribute, none.percent), FORGOTTEN,
     .help = "fuller bricks get no new files"},
    FORGET_PERCENT("min-free-inodes", "fuller bricks get no new files"),
    FORGET_FLAG("unhashed-sticky-bit", "marks files that are not where they belong"),
    FORGET_FLAG("use-readdirp", "entries with attributes while files are moved"),
    FORGET_FLAG("assert-no-child-down", "whether a brick may be away"),
    FORGET_NUMBER("directory-layout-spread", "bricks that a directory is spread over"),
    FORGET_TEXT("decommissioned-bricks", "bricks that get no new files"),
    FORGET_NUMBER("commit-hash", "number of the last rebalance"),
    FORGET_TEXT("node-uuid", "whose files a rebalance moves"),
    FORGET_FLAG("rebalance-stats", "times of a rebalance in the log"),
    FORGET_FLAG("readdir-optimize", "directories listed from one brick"),
    FORGET_TEXT("rsync-hash-regex", "which part of a name counts"),
    FORGET_TEXT("extra-hash-regex", "which part of a name counts"),
    FORGET_TEXT("rebalance-filter", "which files a rebalance moves"),
    FORGET_FLAG("weighted-rebalance", "shares by size of the brick"),
    FORGET_TEXT("local-volume-name", "the brick of this machine"),
    FORGET_FLAG("randomize-hash-range-by-gfid", "where a directory's layout begins"),
    FORGET_TEXT("rebal-throttle", "threads of a rebalance"),
    FORGET_FLAG("lock-migration", "locks move with their file"),
    FORGET_FLAG("force-migration", "files in use are moved"),
    FORGET_FLAG("ensure-durability", "moved files are synced"),
    OPT_OFF("rebalance-cmd", "the rebalance of a volume"),
};
const struct xlator_type distribute_type = {
    .name = "cluster/distribute",
    .options = distribute_options,
    .nr_options = array_len(distribute_options),
    .priv_size = sizeof(struct distribute),
    .init = distribute_init,
    .on = {[FOP_MKDIR] = distribute_mkdir, [FOP_GETXATTR] = distribute_getxattr, [FOP_FGETXATTR] = distribute_getxattr},
};
