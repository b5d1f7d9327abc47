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

/* Its fops are back: nothing of it waits and nothing new comes. */
static void locks_client_gone(struct xlator *xl, struct client *c)
{
    struct lock_client *lc = client_ctx(c, xl);
    struct inode *in;

    if (!lc)
        return;
    while ((in = any_inode(lc))) {
        struct lock_table *t = table_find(xl, in);
        struct aftermath after = {0};
        struct held *next;

        table_enter(t);
        for (struct space *s = t->spaces; s; s = s->next) {
            for (struct held *h = s->granted.first; h; h = next) {
                next = h->next;
                if (h->lc == lc) {
                    held_take_out(h);
                    held_free(xl, h);
                }
            }
            grant_waiting(xl, s, &after);
        }
        table_leave(xl, t, &after);
        inode_unref(in);
    }
    pthread_mutex_destroy(&lc->lock);
    free(lc);
}

static const char *const locks_aliases[] = {"features/posix-locks", NULL};
static const struct option locks_options[] = {
    OPT_OFF("mandatory-locking", "mandatory locking"),
    OPT_OFF("enforce-mandatory-lock", "mandatory locks kept on disk"),
    OPT_OFF("trace", "tracing of locks"),
    OPT_OFF("monkey-unlocking", "forgetting unlocks on purpose"),
    OPT_OFF("revocation-secs", "taking old locks away"),
    OPT_OFF("revocation-clear-all", "taking old locks away"),
    OPT_OFF("revocation-max-blocked", "taking old locks away"),
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
            COUNTS(LOOKUP), COUNTS(STAT), COUNTS(FSTAT), COUNTS(OPEN), COUNTS(CREATE), COUNTS(READ), COUNTS(WRITE), COUNTS(FSYNC),
            COUNTS(TRUNCATE), COUNTS(FTRUNCATE), COUNTS(SETATTR), COUNTS(FSETATTR), COUNTS(SETXATTR), COUNTS(FSETXATTR),
            COUNTS(REMOVEXATTR), COUNTS(FREMOVEXATTR), COUNTS(XATTROP), COUNTS(FXATTROP), COUNTS(READDIRP), COUNTS(OPENDIR),
            COUNTS(UNLINK), COUNTS(RENAME), COUNTS(LINK), COUNTS(MKDIR), COUNTS(MKNOD), COUNTS(SYMLINK), COUNTS(READLINK),
            COUNTS(ACCESS), COUNTS(FALLOCATE), COUNTS(DISCARD), COUNTS(ZEROFILL), COUNTS(SEEK), COUNTS(FSYNCDIR), COUNTS(RCHECKSUM),
        },
};
