/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* rules.h: which operation needs which permission on which object (spec brick 6.1). Decides from the contexts alone; when one is
 * unknown it says which, and the caller asks the storage and comes again. */
#ifndef POSIX_ACL_RULES_H
#define POSIX_ACL_RULES_H

#include "context.h"

/* What may be asked for because the operation did not bring it: the object behind a name, for the sticky rule. */
enum victim_is { VICTIM_NOT_LOOKED_UP, VICTIM_FOUND, VICTIM_ABSENT };
struct victim {
    enum victim_is is;
    struct inode *inode; /* a reference, when found */
};
struct verdict {
    int err;                   /* 0: allowed; a positive errno: denied */
    struct inode *unknown;     /* ask for this one first; err says nothing yet */
    const struct loc *unnamed; /* ask for this name first */
    bool drop_setgid;          /* SETATTR: allowed without the set-gid bit */
};

struct acl_caller caller_of(const struct fop *fop);
struct inode *object_of(const struct fop *fop); /* of an operation on an object, by descriptor or not */
bool is_acl_change(const struct fop *fop);      /* SETXATTR, REMOVEXATTR and their kin: is a permission among what changes? */
unsigned int open_wants(int32_t flags);
struct verdict judge(struct xlator *xl, const struct fop *fop, const struct victim victims[2]);

#endif
