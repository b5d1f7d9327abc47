/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/locks: the translator type. What is where: locks.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../feature-types.h"
#include "locks.h"

static int locks_init(struct xlator *xl, struct err *err)
{
    struct locks *priv = xl->priv;
    struct xlator *bottom = xl->child;

    pthread_mutex_init(&priv->internal.lock, NULL);
    while (bottom && bottom->child)
        bottom = bottom->child;
    if (!bottom || strncmp(bottom->type->name, "storage/", strlen("storage/")) != 0)
        return err_set(err, -EINVAL, "volume %s: features/locks must stand above a storage translator", xl->name);
    return 0;
}

static void locks_fini(struct xlator *xl)
{
    struct locks *priv = xl->priv;

    pthread_mutex_destroy(&priv->internal.lock);
}

static void locks_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    table_free(xl, ctx);
}

/* A reference on the inode of any lock of the client; NULL: it has none left. */
static struct inode *any_inode(struct lock_client *lc)
{
    SCOPED_LOCK(&lc->lock);
    return lc->first ? inode_ref(lc->first->space->table->inode) : NULL;
}

static void drop_clients(struct xlator *xl, struct lock_table *t, const struct lock_client *lc)
{
    struct aftermath after = {0};
    struct held *next;

    table_enter(t);
    for (struct space *s = t->spaces; s; s = s->next) {
        for (struct held *h = s->granted.first; h; h = next) {
            next = h->next;
            if (h->own->lc == lc)
                drop_granted(xl, h);
        }
        grant_waiting(xl, s, &after);
    }
    table_leave(xl, t, &after);
}

/* Its fops are back: nothing of it waits and nothing new comes. */
static void locks_client_gone(struct xlator *xl, struct client *c)
{
    struct lock_client *lc = client_ctx(c, xl);
    struct inode *in;

    if (!lc)
        return;
    while ((in = any_inode(lc))) {
        drop_clients(xl, table_find(xl, in), lc);
        inode_unref(in);
    }
    pthread_mutex_destroy(&lc->lock);
    free(lc);
}

static const char *const locks_aliases[] = {"features/posix-locks", NULL};
static const char *const mandatory_modes[] = {"off", "file", "forced", "optimal", NULL}; /* enum mandatory_mode */
static const struct option locks_options[] = {
    OPT_CHOICE("mandatory-locking", struct locks, mandatory, "off", mandatory_modes, "which locks reads and writes respect",
               .flags = OPTION_LIVE),
    OPT_BOOL("enforce-mandatory-lock", struct locks, enforce, false, "files that are marked so are for who has them locked",
             .flags = OPTION_LIVE),
    OPT_BOOL("trace", struct locks, trace, false, "log lock requests and their answers", .flags = OPTION_LIVE),
    OPT_BOOL("monkey-unlocking", struct locks, monkey, false, "forget one unlock in a hundred", .flags = OPTION_LIVE),
    OPT_TIME("revocation-secs", struct locks, revocation_s, "0", 0, INT32_MAX, "take inode and entry locks away that are older; 0: never",
             .flags = OPTION_LIVE),
    OPT_BOOL("revocation-clear-all", struct locks, revocation_clear_all, false, "and those that wait", .flags = OPTION_LIVE),
    OPT_INT("revocation-max-blocked", struct locks, revocation_max_blocked, "0", 0, INT32_MAX, "or when so many wait; 0: however many",
            .flags = OPTION_LIVE),
    OPT_BOOL("notify-contention", struct locks, notify_contention, true, "tell the owner of a lock that others wait for it",
             .flags = OPTION_LIVE),
    OPT_TIME("notify-contention-delay", struct locks, notify_delay_s, "5", 0, 60, "at most so often", .flags = OPTION_LIVE),
};

#define COUNTS(op) [FOP_##op] = locks_count
const struct xlator_type locks_type = {
    .name = "features/locks",
    .aliases = locks_aliases,
    .options = locks_options,
    .nr_options = array_len(locks_options),
    .priv_size = sizeof(struct locks),
    .inode_slot = true,
    .fd_slot = true,
    .client_slot = true,
    .init = locks_init,
    .fini = locks_fini,
    .forget = locks_forget,
    .release = locks_release,
    .client_gone = locks_client_gone,
    .dump_inode = locks_dump_inode,
    .on =
        {
            [FOP_LK] = locks_lk,
            [FOP_INODELK] = locks_inodelk,
            [FOP_FINODELK] = locks_inodelk,
            [FOP_ENTRYLK] = locks_entrylk,
            [FOP_FENTRYLK] = locks_entrylk,
            [FOP_FLUSH] = locks_flush,
            [FOP_GETACTIVELK] = locks_getactivelk,
            [FOP_SETACTIVELK] = locks_setactivelk,
            [FOP_GETXATTR] = locks_getxattr,
            [FOP_FGETXATTR] = locks_getxattr,
            [FOP_OPEN] = locks_open,
            [FOP_READ] = locks_io,
            [FOP_WRITE] = locks_io,
            [FOP_TRUNCATE] = locks_io,
            [FOP_FTRUNCATE] = locks_io,
            [FOP_DISCARD] = locks_io,
            [FOP_ZEROFILL] = locks_io,
            [FOP_UNLINK] = locks_remove,
            [FOP_RMDIR] = locks_remove,
            [FOP_RENAME] = locks_remove,
            [FOP_SETXATTR] = locks_setxattr,
            [FOP_FSETXATTR] = locks_setxattr,
            [FOP_REMOVEXATTR] = locks_setxattr,
            [FOP_FREMOVEXATTR] = locks_setxattr,
            COUNTS(LOOKUP), COUNTS(STAT), COUNTS(FSTAT), COUNTS(CREATE), COUNTS(FSYNC), COUNTS(SETATTR), COUNTS(FSETATTR),
            COUNTS(XATTROP), COUNTS(FXATTROP), COUNTS(READDIRP), COUNTS(OPENDIR), COUNTS(LINK), COUNTS(MKDIR), COUNTS(MKNOD),
            COUNTS(SYMLINK), COUNTS(READLINK), COUNTS(ACCESS), COUNTS(FALLOCATE), COUNTS(SEEK), COUNTS(FSYNCDIR), COUNTS(RCHECKSUM),
        },
};
