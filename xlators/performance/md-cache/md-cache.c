/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* performance/md-cache: options and life. Spec brick 6.1. */
#include <errno.h>
#include <stdlib.h>

#include "fops.h"
#include "log.h"
#include "performance-types.h"

#define IPC_TARGET_UPCALL 2 /* the names whose changes the brick shall tell of */

#define LIVE .flags = OPTION_LIVE
static const struct option mdc_options[] = {
    OPT_BOOL("md-cache", struct mdc, there, false, "stock's word for its being in the graph; nothing to set", LIVE | OPTION_NO_EFFECT),
    OPT_BOOL("pass-through", struct mdc, pass_through, false, "nothing is kept", LIVE),
    OPT_BOOL("cache-selinux", struct mdc, selinux, false, "security.selinux is kept", LIVE),
    OPT_BOOL("cache-capability-xattrs", struct mdc, capability, true, "security.capability is kept", LIVE),
    OPT_BOOL("cache-ima-xattrs", struct mdc, ima, true, "security.ima is kept", LIVE),
    OPT_BOOL("cache-swift-metadata", struct mdc, swift, false, "user.swift.metadata is kept", LIVE),
    OPT_BOOL("cache-samba-metadata", struct mdc, samba, false, "Samba's attributes are kept", LIVE),
    OPT_BOOL("cache-posix-acl", struct mdc, posix_acl, false, "system.posix_acl_access and _default are kept", LIVE),
    OPT_BOOL("cache-glusterfs-acl", struct mdc, text_acl, false, "glusterfs.posix.acl and default_acl are kept", LIVE),
    OPT_INT("md-cache-timeout", struct mdc, timeout_s, "1", 0, 600, "seconds for which something is believed; 0: nothing is", LIVE),
    OPT_BOOL("force-readdirp", struct mdc, force_readdirp, true, "READDIR becomes READDIRP: its attributes are kept", LIVE),
    OPT_BOOL("cache-invalidation", struct mdc, invalidation, false, "the brick is told which extended attributes are kept", LIVE),
    OPT_BOOL("global-cache-invalidation", struct mdc, tell_above, true, "when new attributes tell of new data, caches above hear of it",
             LIVE),
    OPT_BOOL("md-cache-statfs", struct mdc, statfs, false, "what STATFS says is kept", LIVE),
    OPT_STR("xattr-cache-list", struct mdc, list, NULL, "further names that are kept, with commas between; one may end in *", LIVE),
};
static const char *const aliases[] = {"performance/stat-prefetch", NULL};

static void registered(struct fop *fop, void *ctx)
{
    struct mdc *m = ctx;

    if (fop->ret < 0)
        log_debug(m->xl->name, "the brick does not take names of attributes: error %d", fop->err);
    fop_free(fop);
}

static void register_names(struct mdc *m)
{
    struct mdc_names *names = mdc_names_get(m);
    struct fop *fop = names->n ? fop_new(m->xl->graph, FOP_IPC) : NULL;

    if (fop && (fop->xdata = dict_new())) {
        for (unsigned int i = 0; i < names->n; i++)
            dict_set_i64(fop->xdata, names->name[i], 0);
        fop->flags = FOP_NOWAIT;
        fop->in.ipc.op = IPC_TARGET_UPCALL;
        fop_push(fop, registered, m);
        fop_submit(m->xl->child, fop);
    } else {
        fop_free(fop);
    }
    mdc_names_unref(names);
}

static int mdc_init(struct xlator *xl, struct err *err)
{
    struct mdc *m = xl->priv;

    m->xl = xl;
    pthread_mutex_init(&m->lock, NULL);
    m->lock_made = true;
    m->names = mdc_names_of(m);
    return m->names ? 0 : err_set(err, -ENOMEM, "volume %s: no memory", xl->name);
}

static int mdc_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    struct mdc *m = xl->priv;
    struct mdc_names *names, *old;
    int r;

    pthread_mutex_lock(&m->lock);
    r = options_apply(mdc_options, array_len(mdc_options), set, xl->name, true, m, err);
    names = r == 0 ? mdc_names_of(m) : NULL;
    old = m->names;
    if (names)
        m->names = names;
    pthread_mutex_unlock(&m->lock);
    if (r < 0 || !names)
        return r < 0 ? r : err_set(err, -ENOMEM, "volume %s: no memory", xl->name);
    mdc_names_unref(old);
    mdc_drop_all(m);
    if (mdc_is(&m->invalidation) && atomic_load_explicit(&xl->child->up, memory_order_relaxed))
        register_names(m);
    return 0;
}

static void mdc_fini(struct xlator *xl)
{
    struct mdc *m = xl->priv;

    mdc_names_unref(m->names);
    if (m->lock_made)
        pthread_mutex_destroy(&m->lock);
}

static void gfid_changed(struct mdc *m, gfid_t gfid)
{
    struct inode *in = gfid_is_null(gfid) ? NULL : inode_find(m->xl->graph->inodes, gfid);

    if (in)
        mdc_changed(m, in);
    else if (!gfid_is_null(gfid))
        mdc_changed_unknown(m);
    inode_unref(in);
}

static void heed(struct mdc *m, const struct upcall *u)
{
    if (u->kind != UPCALL_INVALIDATE)
        return;
    counter_add(&m->notices, 1);
    gfid_changed(m, u->gfid);
    gfid_changed(m, u->parent_stat.gfid);
    gfid_changed(m, u->old_parent_stat.gfid);
}

static void mdc_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct mdc *m = xl->priv;

    switch (event) {
    case EVENT_PARENT_UP:
    case EVENT_PARENT_DOWN:
    case EVENT_RELOAD:
        xlator_notify_down(xl, event, data);
        return;
    case EVENT_CHILD_UP: /* while the brick was away nobody could tell us anything */
    case EVENT_CHILD_DOWN:
        mdc_drop_all(m);
        if (event == EVENT_CHILD_UP && mdc_is(&m->invalidation))
            register_names(m);
        break;
    case EVENT_UPCALL:
        heed(m, data);
        break;
    default:
        break;
    }
    xlator_notify_up(xl, event, data);
}

static void mdc_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    mdc_inode_free(ctx);
}

static void mdc_dump(struct xlator *xl, struct dump *d)
{
    struct mdc *m = xl->priv;
    const struct {
        const char *key;
        const counter_t *n;
    } rows[] = {
        {"stat_hit", &m->stat_hit},   {"stat_miss", &m->stat_miss},       {"xattr_hit", &m->xattr_hit},
        {"xattr_miss", &m->xattr_miss}, {"negative_xattr_hit", &m->no_xattr_hit}, {"statfs_hit", &m->space_hit},
        {"attributes_kept", &m->kept}, {"attributes_too_old_to_keep", &m->not_kept}, {"notices", &m->notices}, {"all_dropped", &m->dropped},
    };

    dump_kv(d, "timeout", "%lld", (long long)m->timeout_s);
    for (size_t i = 0; i < array_len(rows); i++)
        dump_kv(d, rows[i].key, "%lld", (long long)counter_get(rows[i].n));
}

const struct xlator_type md_cache_type = {
    .name = "performance/md-cache",
    .aliases = aliases,
    .options = mdc_options,
    .nr_options = array_len(mdc_options),
    .priv_size = sizeof(struct mdc),
    .inode_slot = true,
    .init = mdc_init,
    .reconfigure = mdc_reconfigure,
    .fini = mdc_fini,
    .notify = mdc_notify,
    .forget = mdc_forget,
    .dump = mdc_dump,
    .on =
        {
            [FOP_LOOKUP] = mdc_lookup,
            [FOP_STAT] = mdc_stat,
            [FOP_FSTAT] = mdc_stat,
            [FOP_GETXATTR] = mdc_getxattr,
            [FOP_FGETXATTR] = mdc_getxattr,
            [FOP_READDIR] = mdc_readdir,
            [FOP_READDIRP] = mdc_readdirp,
            [FOP_STATFS] = mdc_statfs,
            [FOP_LK] = mdc_lk,
            [FOP_CREATE] = mdc_make,
            [FOP_MKNOD] = mdc_make,
            [FOP_MKDIR] = mdc_make,
            [FOP_SYMLINK] = mdc_make,
            [FOP_OPEN] = mdc_change,
            [FOP_WRITE] = mdc_change,
            [FOP_TRUNCATE] = mdc_change,
            [FOP_FTRUNCATE] = mdc_change,
            [FOP_FALLOCATE] = mdc_change,
            [FOP_DISCARD] = mdc_change,
            [FOP_ZEROFILL] = mdc_change,
            [FOP_COPY_FILE_RANGE] = mdc_change,
            [FOP_SETATTR] = mdc_change,
            [FOP_FSETATTR] = mdc_change,
            [FOP_SETXATTR] = mdc_change,
            [FOP_FSETXATTR] = mdc_change,
            [FOP_REMOVEXATTR] = mdc_change,
            [FOP_FREMOVEXATTR] = mdc_change,
            [FOP_XATTROP] = mdc_change,
            [FOP_FXATTROP] = mdc_change,
            [FOP_UNLINK] = mdc_change,
            [FOP_RMDIR] = mdc_change,
            [FOP_LINK] = mdc_change,
            [FOP_RENAME] = mdc_change,
        },
};
