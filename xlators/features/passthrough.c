/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The translators that every brick volume file of a stock daemon names and whose feature we do not have.
 *
 * While the feature is off a type has no handlers, so that operations pass by pointer, but for what its being there means even
 * then (spec brick 6.1): trash protects its two directories, leases answers LEASE, changelog makes its directories.
 * Switching a feature on is refused by an OPT_OFF row; doc/refused.md lists these, and a test reads that list. */
#include "passthrough.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "feature-types.h"

/* 0600 like stock, so that a brick that is handed back looks as it would have. */
static int make_dirs(struct xlator *xl, const char *base, const char *const *below, struct err *err)
{
    char path[PATH_MAX];

    for (size_t i = 0; below[i]; i++) {
        int len = snprintf(path, sizeof(path), "%s%s", base, below[i]);

        if (len < 0 || (size_t)len >= sizeof(path))
            return err_set(err, -ENAMETOOLONG, "volume %s: the path %s is too long", xl->name, base);
        if (mkdir(path, 0600) < 0 && errno != EEXIST) {
            int failed = -errno;

            return err_set(err, failed, "volume %s: cannot make the directory %s: %s", xl->name, path, strerror(-failed));
        }
    }
    return 0;
}

/* ---- features/trash ------------------------------------------------------------------------------------------------------ */

static bool is_trash(const struct inode *in)
{
    static const gfid_t trashcan = {{[15] = 5}}, internal_op = {{[15] = 6}};

    return in && (gfid_equal(in->gfid, trashcan) || gfid_equal(in->gfid, internal_op));
}

static void trash_rmdir(struct xlator *xl, struct fop *fop)
{
    if (is_trash(fop->loc.inode))
        fop_fail(fop, EPERM);
    else
        fop_pass(xl, fop);
}

static void trash_rename(struct xlator *xl, struct fop *fop)
{
    if (is_trash(fop->loc.inode) || is_trash(fop->loc2.inode))
        fop_fail(fop, EPERM);
    else
        fop_pass(xl, fop);
}

static const struct option trash_options[] = {
    OPT_OFF("trash", "the trash directory"),
    FORGET_TEXT("trash-dir", "name of the trash directory"),
    FORGET_TEXT("trash-eliminate-path", "what is not kept"),
    FORGET_SIZE("trash-max-filesize", "larger files are not kept"),
    FORGET_FLAG("trash-internal-op", "whether what internal operations remove is kept"),
    FORGET_PATH("brick-path", "the brick directory"),
};
const struct xlator_type trash_type = {
    .name = "features/trash",
    .options = trash_options,
    .nr_options = array_len(trash_options),
    .priv_size = sizeof(struct read_and_forgotten),
    .on = {[FOP_RMDIR] = trash_rmdir, [FOP_RENAME] = trash_rename},
};

/* ---- features/changelog -------------------------------------------------------------------------------------------------- */

static int changelog_init(struct xlator *xl, struct err *err)
{
    static const char *const dirs[] = {"", "/htime", "/csnap", NULL};
    const char *base = optset_get(&xl->options, "changelog-dir");

    return base ? make_dirs(xl, base, dirs, err) : 0;
}

static const char *const op_modes[] = {"realtime", NULL};
static const char *const encodings[] = {"binary", "ascii", NULL};
static const struct option changelog_options[] = {
    OPT_OFF("changelog", "the change log"),
    OPT_OFF("changelog-notification", "change notification"),
    FORGET_PATH("changelog-brick", "the brick directory"),
    FORGET_PATH("changelog-dir", "where journals are"),
    {.key = "op-mode", .type = OPTION_CHOICE, .offset = offsetof(struct read_and_forgotten, choice), .def = "realtime", .choices = op_modes,
     FORGOTTEN, .help = "when records are written"},
    {.key = "encoding", .type = OPTION_CHOICE, .offset = offsetof(struct read_and_forgotten, choice), .def = "ascii", .choices = encodings,
     FORGOTTEN, .help = "form of records"},
    FORGET_TIME("rollover-time", 0, 0, "how long a journal is written to"),
    FORGET_TIME("fsync-interval", 0, 0, "how often a journal is synced"),
    FORGET_TIME("changelog-barrier-timeout", 0, 0, "how long entry operations are held back"),
    FORGET_FLAG("capture-del-path", "whether the path of what is deleted is recorded"),
};
const struct xlator_type changelog_type = {
    .name = "features/changelog",
    .options = changelog_options,
    .nr_options = array_len(changelog_options),
    .priv_size = sizeof(struct read_and_forgotten),
    .init = changelog_init,
};

/* ---- features/leases ----------------------------------------------------------------------------------------------------- */

static void leases_lease(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, ENOSYS);
}

static const struct option leases_options[] = {
    OPT_OFF("leases", "leases"),
    FORGET_NUMBER("lease-lock-recall-timeout", "how long a holder may keep a recalled lease"),
};
const struct xlator_type leases_type = {
    .name = "features/leases",
    .options = leases_options,
    .nr_options = array_len(leases_options),
    .priv_size = sizeof(struct read_and_forgotten),
    .on = {[FOP_LEASE] = leases_lease},
};

/* ---- without any effect while off ---------------------------------------------------------------------------------------- */

static const struct option quota_options[] = {
    OPT_OFF("enable", "quota"),
    OPT_OFF("server-quota", "quota"),
    FORGET_FLAG("deem-statfs", "whether statfs shows the limit"),
    FORGET_PERCENT("default-soft-limit", "where warnings begin"),
    FORGET_TIME("soft-timeout", 0, 1800, "how long a size is believed"),
    FORGET_TIME("hard-timeout", 0, 60, "how long a size is believed above the soft limit"),
    FORGET_TEXT("volume-uuid", "name of the volume"),
    FORGET_TIME("alert-time", 0, 604800, "how often a warning is repeated"),
};
PASSES_BY(quota_type, "features/quota", quota_options);
