/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* context.h: what this translator knows of an object: owner, group, mode and ACLs, as the storage last said.
 *
 * Unknown is a state of its own and never means "allowed": who needs to know asks the storage (posix-acl.c, look()).
 *
 * Order     Answers of the storage may overtake each other on the way up. priv's clock counts changes of permissions; an
 *           answer carries the time of its question (context_now()), and one that was asked before the last change of its object
 *           is not believed. Of two changes that ran at once nobody knows which was last: the object becomes unknown.
 * Locks     One mutex per context, innermost; nothing is called under it but memory allocation.
 * Threads   Any. */
#ifndef POSIX_ACL_CONTEXT_H
#define POSIX_ACL_CONTEXT_H

#include "acl.h"
#include "xlator.h"

struct posix_acl {
    int64_t super_uid;
    _Atomic uint64_t changes; /* of permissions, in this volume; the clock */
};

uint64_t context_now(const struct xlator *xl);
/* As a LOOKUP asked at `asked` says: xdata has the ACLs. 0, -ENOMEM, or -EIO: they cannot be read, logged. */
int context_learn(struct xlator *xl, struct inode *in, const struct iatt *stat, const struct dict *xdata, uint64_t asked);
/* A change begun at `asked` has ended. stat NULL: what it is now is not known. */
void context_changed(struct xlator *xl, struct inode *in, const struct iatt *stat, uint64_t asked);
void context_forget(struct xlator *xl, struct inode *in, void *ctx);

/* false: unknown. */
bool context_permits(struct xlator *xl, struct inode *in, const struct acl_caller *who, unsigned int want, bool *ret_yes);
bool context_attributes(struct xlator *xl, struct inode *in, struct acl_object *ret); /* without ACL */
/* *ret_acl: a copy, the caller's; NULL: none. *ret_err -ENOMEM. */
bool context_default_acl(struct xlator *xl, struct inode *in, struct acl **ret_acl, int *ret_err);

#endif
