/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* acl.h: POSIX access control lists: their form in extended attributes, who may do what, what a new object inherits.
 *
 * Knows nothing of operations and translators. An ACL is not changed once it is made. No locks. */
#ifndef POSIX_ACL_ACL_H
#define POSIX_ACL_ACL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACL_ACCESS_NAME "system.posix_acl_access"
#define ACL_DEFAULT_NAME "system.posix_acl_default"

/* The kernel's numbers: they are in the attribute. */
enum acl_tag {
    ACL_TAG_USER_OBJ = 0x01, ACL_TAG_USER = 0x02, ACL_TAG_GROUP_OBJ = 0x04, ACL_TAG_GROUP = 0x08, ACL_TAG_MASK = 0x10, ACL_TAG_OTHER = 0x20
};
enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

struct acl_entry {
    uint16_t tag, perm;
    uint32_t id; /* of USER and GROUP */
};
struct acl {
    unsigned int n;
    struct acl_entry entries[];
};

/* From an attribute's bytes (u32 version 2, then u16 tag, u16 perm, u32 id; little-endian). 0, -ENOMEM, or -EINVAL: not one that
 * the kernel would have taken. An empty list is *ret NULL. */
int acl_parse(const void *bytes, size_t len, struct acl **ret);
size_t acl_size(const struct acl *a);
void acl_format(const struct acl *a, uint8_t *to); /* acl_size() bytes */
struct acl *acl_copy(const struct acl *a);         /* NULL: no memory */

/* Who asks, and what it asks for. */
struct acl_caller {
    uint32_t uid, gid;
    const uint32_t *groups;
    uint32_t nr_groups;
};
struct acl_object {
    uint32_t uid, gid, mode;
    const struct acl *access; /* NULL: the mode is all there is */
};
bool acl_in_group(const struct acl_caller *who, uint32_t gid);
bool acl_permits(const struct acl_caller *who, const struct acl_object *what, unsigned int want);

/* The access ACL of a new object whose parent has this default ACL. mode: what was asked for, without a umask; comes back with
 * the permissions that the object gets. *ret NULL: the mode says all. 0 or -ENOMEM. */
int acl_inherit(const struct acl *dflt, uint32_t *mode, struct acl **ret);

#endif
