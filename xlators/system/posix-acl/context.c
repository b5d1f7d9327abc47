/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "context.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "log.h"

struct context {
    pthread_mutex_t lock;   /* all below */
    bool known;
    uint64_t changed_at;    /* by the clock: when the last change of this object had ended */
    uint32_t uid, gid, mode;
    struct acl *access, *dflt;
};

uint64_t context_now(const struct xlator *xl)
{
    const struct posix_acl *priv = xl->priv;

    /* Acquire: the partner is the release in tick(): who reads the time of a change finds the storage changed. */
    return atomic_load_explicit((_Atomic uint64_t *)&priv->changes, memory_order_acquire);
}

static uint64_t tick(struct xlator *xl)
{
    struct posix_acl *priv = xl->priv;

    return atomic_fetch_add_explicit(&priv->changes, 1, memory_order_acq_rel) + 1;
}

static void context_free(struct context *c)
{
    pthread_mutex_destroy(&c->lock);
    free(c->access);
    free(c->dflt);
    free(c);
}

void context_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    context_free(ctx);
}

static struct context *context_of(struct xlator *xl, struct inode *in)
{
    struct context *c = inode_ctx(in, xl), *set;

    if (c)
        return c;
    c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->changed_at = context_now(xl); /* what was known before the table pushed the inode out is not known any more */
    set = inode_ctx_set(in, xl, c);
    if (set != c)
        context_free(c);
    return set;
}

static void store_locked(struct context *c, const struct iatt *stat)
{
    c->uid = stat->uid;
    c->gid = stat->gid;
    c->mode = stat->mode;
    c->known = true;
}

/* 0: *ret is the ACL, NULL when there is none. */
static int acl_of(const struct dict *xdata, const char *name, struct acl **ret)
{
    const struct dict_pair *p = dict_find(xdata, name);

    *ret = NULL;
    return p ? acl_parse(p->value, p->len, ret) : 0;
}

int context_learn(struct xlator *xl, struct inode *in, const struct iatt *stat, const struct dict *xdata, uint64_t asked)
{
    struct context *c = context_of(xl, in);
    struct acl *access = NULL, *dflt = NULL, *old;
    char gfid[GFID_TEXT];

    if (!c)
        return -ENOMEM;
    if (acl_of(xdata, ACL_ACCESS_NAME, &access) < 0 || acl_of(xdata, ACL_DEFAULT_NAME, &dflt) < 0) {
        log_warning(xl->name, "the ACL of %s cannot be read: only root may use it", gfid_text(in->gfid, gfid));
        free(access);
        free(dflt);
        return -EIO;
    }
    pthread_mutex_lock(&c->lock);
    if (asked >= c->changed_at) {
        store_locked(c, stat);
        old = c->access;
        c->access = access;
        access = old;
        old = c->dflt;
        c->dflt = dflt;
        dflt = old;
    }
    pthread_mutex_unlock(&c->lock);
    free(access);
    free(dflt);
    return 0;
}

void context_changed(struct xlator *xl, struct inode *in, const struct iatt *stat, uint64_t asked)
{
    struct context *c = context_of(xl, in);

    if (!c)
        return; /* was unknown and stays so */
    SCOPED_LOCK(&c->lock);
    /* With an access ACL the storage has changed that too, in ways that are its own: ask when it is needed. */
    if (stat && c->known && !c->access && asked >= c->changed_at)
        store_locked(c, stat);
    else
        c->known = false;
    c->changed_at = tick(xl);
}

bool context_permits(struct xlator *xl, struct inode *in, const struct acl_caller *who, unsigned int want, bool *ret_yes)
{
    struct context *c = inode_ctx(in, xl);

    if (!c)
        return false;
    SCOPED_LOCK(&c->lock);
    if (c->known)
        *ret_yes = acl_permits(who, &(struct acl_object){c->uid, c->gid, c->mode, c->access}, want);
    return c->known;
}

bool context_attributes(struct xlator *xl, struct inode *in, struct acl_object *ret)
{
    struct context *c = inode_ctx(in, xl);

    if (!c)
        return false;
    SCOPED_LOCK(&c->lock);
    if (c->known)
        *ret = (struct acl_object){c->uid, c->gid, c->mode, NULL};
    return c->known;
}

bool context_default_acl(struct xlator *xl, struct inode *in, struct acl **ret_acl, int *ret_err)
{
    struct context *c = inode_ctx(in, xl);

    if (!c)
        return false;
    SCOPED_LOCK(&c->lock);
    if (!c->known)
        return false;
    *ret_acl = c->dflt ? acl_copy(c->dflt) : NULL;
    *ret_err = c->dflt && !*ret_acl ? -ENOMEM : 0;
    return true;
}
