/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "locks.h"

/* ---- tables and spaces --------------------------------------------------------------------------------------------------- */

struct lock_table *table_find(struct xlator *xl, struct inode *in)
{
    return in ? inode_ctx(in, xl) : NULL;
}

struct lock_table *table_make(struct xlator *xl, struct inode *in)
{
    struct lock_table *t = table_find(xl, in), *set;

    if (t)
        return t;
    t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    t->inode = in;
    set = inode_ctx_set(in, xl, t);
    if (set != t) {
        pthread_mutex_destroy(&t->lock);
        free(t);
    }
    return set;
}

void table_enter(struct lock_table *t)
{
    inode_ref(t->inode); /* who waits may be completed, and drop the last other one, before we have unlocked */
    pthread_mutex_lock(&t->lock);
}

void table_leave(struct xlator *xl, struct lock_table *t, struct aftermath *after)
{
    struct inode *in = t->inode;
    bool unpin;

    while (t->look_again && after)
        look_at_held_back(t, after);
    unpin = t->pinned && t->nr_locks == 0;
    spaces_tidy(t);
    if (!t->pinned && t->nr_locks > 0) {
        inode_ref(in);
        t->pinned = true;
    } else if (unpin) {
        t->pinned = false;
    }
    pthread_mutex_unlock(&t->lock);
    if (after)
        aftermath_run(xl, after);
    if (unpin)
        inode_unref(in);
    inode_unref(in);
}

/* Of a forgotten inode: it had no locks, or it would have been referenced. */
void table_free(struct xlator *xl, struct lock_table *t)
{
    spaces_tidy(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct space *space_find(struct lock_table *t, enum family family, const char *domain)
{
    for (struct space *s = t->spaces; s; s = s->next)
        if (s->family == family && (!domain || strcmp(s->domain, domain) == 0))
            return s;
    return NULL;
}

struct space *space_make(struct lock_table *t, enum family family, const char *domain)
{
    struct space *s = space_find(t, family, domain);

    if (s)
        return s;
    s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    if (domain && !(s->domain = strdup(domain))) {
        free(s);
        return NULL;
    }
    s->table = t;
    s->family = family;
    s->next = t->spaces;
    t->spaces = s;
    return s;
}

void spaces_tidy(struct lock_table *t)
{
    for (struct space **at = &t->spaces, *s; (s = *at);) {
        if (s->granted.n || s->waiting.n || s->owners) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        free(s->domain);
        free(s);
    }
}

/* ---- clients ------------------------------------------------------------------------------------------------------------- */

struct lock_client *lock_client_of(struct xlator *xl, struct client *client)
{
    struct locks *priv = xl->priv;
    struct lock_client *lc, *set;

    if (!client)
        return &priv->internal;
    lc = client_ctx(client, xl);
    if (lc)
        return lc;
    lc = calloc(1, sizeof(*lc));
    if (!lc)
        return NULL;
    pthread_mutex_init(&lc->lock, NULL);
    lc->client = client;
    set = client_ctx_set(client, xl, lc);
    if (set != lc) {
        pthread_mutex_destroy(&lc->lock);
        free(lc);
    }
    return set;
}

/* ---- descriptors --------------------------------------------------------------------------------------------------------- */

struct lock_fd *lock_fd_of(struct xlator *xl, struct fd *fd, struct lock_table *t)
{
    struct lock_fd *via = fd ? fd_ctx(fd, xl) : NULL, *set;

    if (via || !fd)
        return via;
    via = calloc(1, sizeof(*via));
    if (!via)
        return NULL;
    via->table = t;
    via->fd = fd;
    if (getrandom(&via->token, sizeof(via->token), 0) != sizeof(via->token)) { /* the kernel's pool is ready long before we are */
        free(via);
        return NULL;
    }
    set = fd_ctx_set(fd, xl, via);
    if (set != via)
        free(via);
    return set;
}

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

struct inode *lock_inode_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

/* From this opversion on a client knows better than to send an owner of zeros. */
#define OPVERSION_OWNERS 70000

bool lacks_owner(const struct fop *fop)
{
    if (!fop->client || fop->client->opversion < OPVERSION_OWNERS)
        return false;
    for (uint32_t i = 0; i < fop->cred.owner_len; i++)
        if (fop->cred.owner[i])
            return false;
    return true;
}
