/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "acl.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ACL_VERSION 2u
#define HEAD 4u
#define ENTRY 8u
/* The kernel takes no attribute above 64 KiB. */
#define ACL_ENTRIES_MAX ((65536u - HEAD) / ENTRY)

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

/* Each of the three bases once, each name after its base, a mask when there are names: what the kernel asks of one. */
static bool is_valid(const struct acl *a)
{
    unsigned int bases = 0;
    bool names = false;

    for (unsigned int i = 0; i < a->n; i++) {
        const struct acl_entry *e = &a->entries[i];

        if (e->perm & ~7)
            return false;
        switch (e->tag) {
        case ACL_TAG_USER_OBJ:
        case ACL_TAG_GROUP_OBJ:
        case ACL_TAG_OTHER:
        case ACL_TAG_MASK:
            if (bases & e->tag)
                return false;
            bases |= e->tag;
            break;
        case ACL_TAG_USER:
        case ACL_TAG_GROUP:
            names = true;
            break;
        default:
            return false;
        }
    }
    if ((bases & (ACL_TAG_USER_OBJ | ACL_TAG_GROUP_OBJ | ACL_TAG_OTHER)) != (ACL_TAG_USER_OBJ | ACL_TAG_GROUP_OBJ | ACL_TAG_OTHER))
        return false;
    return !names || (bases & ACL_TAG_MASK);
}

int acl_parse(const void *bytes, size_t len, struct acl **ret)
{
    const uint8_t *p = bytes;
    struct acl *a;
    size_t n;

    if (len == 0) {
        *ret = NULL;
        return 0;
    }
    if (len < HEAD || (len - HEAD) % ENTRY || get32(p) != ACL_VERSION)
        return -EINVAL;
    n = (len - HEAD) / ENTRY;
    if (n > ACL_ENTRIES_MAX)
        return -EINVAL;
    if (n == 0) {
        *ret = NULL;
        return 0;
    }
    a = malloc(sizeof(*a) + n * sizeof(a->entries[0]));
    if (!a)
        return -ENOMEM;
    a->n = (unsigned int)n;
    p += HEAD;
    for (size_t i = 0; i < n; i++, p += ENTRY)
        a->entries[i] = (struct acl_entry){.tag = get16(p), .perm = get16(p + 2), .id = get32(p + 4)};
    if (!is_valid(a)) {
        free(a);
        return -EINVAL;
    }
    *ret = a;
    return 0;
}

size_t acl_size(const struct acl *a)
{
    return HEAD + a->n * (size_t)ENTRY;
}

void acl_format(const struct acl *a, uint8_t *to)
{
    uint32_t version = htole32(ACL_VERSION);

    memcpy(to, &version, HEAD);
    to += HEAD;
    for (unsigned int i = 0; i < a->n; i++, to += ENTRY) {
        uint16_t tag = htole16(a->entries[i].tag), perm = htole16(a->entries[i].perm);
        uint32_t id = htole32(a->entries[i].id);

        memcpy(to, &tag, 2);
        memcpy(to + 2, &perm, 2);
        memcpy(to + 4, &id, 4);
    }
}

struct acl *acl_copy(const struct acl *a)
{
    size_t size = sizeof(*a) + a->n * sizeof(a->entries[0]);
    struct acl *copy = malloc(size);

    return copy ? memcpy(copy, a, size) : NULL;
}

/* ---- who may ------------------------------------------------------------------------------------------------------------- */

bool acl_in_group(const struct acl_caller *who, uint32_t gid)
{
    if (who->gid == gid)
        return true;
    for (uint32_t i = 0; i < who->nr_groups; i++)
        if (who->groups[i] == gid)
            return true;
    return false;
}

static unsigned int mask_of(const struct acl *a)
{
    for (unsigned int i = 0; i < a->n; i++)
        if (a->entries[i].tag == ACL_TAG_MASK)
            return a->entries[i].perm;
    return 7;
}

/* In the order of POSIX 1003.1e: the owner; a user by name; groups, of which any one may grant; others. The owner's and the
 * others' permissions are read from the mode, which says the same. */
static bool list_permits(const struct acl_caller *who, const struct acl_object *what, unsigned int want)
{
    const struct acl *a = what->access;
    unsigned int mask = mask_of(a);
    bool in_some_group = false;

    for (unsigned int i = 0; i < a->n; i++) {
        const struct acl_entry *e = &a->entries[i];

        if (e->tag == ACL_TAG_USER && e->id == who->uid)
            return (e->perm & mask & want) == want;
    }
    for (unsigned int i = 0; i < a->n; i++) {
        const struct acl_entry *e = &a->entries[i];
        uint32_t gid = e->tag == ACL_TAG_GROUP_OBJ ? what->gid : e->id;

        if ((e->tag != ACL_TAG_GROUP_OBJ && e->tag != ACL_TAG_GROUP) || !acl_in_group(who, gid))
            continue;
        in_some_group = true;
        if ((e->perm & want) == want)
            return (mask & want) == want;
    }
    return !in_some_group && (what->mode & want) == want;
}

bool acl_permits(const struct acl_caller *who, const struct acl_object *what, unsigned int want)
{
    want &= 7;
    if (who->uid == what->uid)
        return (what->mode >> 6 & want) == want;
    /* An empty mask takes the list out of force, names and all: so does Linux, and a brick is a Linux file system for others. */
    if (what->access && (what->mode & 070))
        return list_permits(who, what, want);
    return (what->mode >> (acl_in_group(who, what->gid) ? 3 : 0) & want) == want;
}

/* ---- what a new object gets ---------------------------------------------------------------------------------------------- */

/* Both become what is in both: a class of the mode and the entry that stands for it. */
static void intersect(struct acl_entry *e, uint32_t *mode, unsigned int shift)
{
    e->perm &= *mode >> shift & 7;
    *mode &= ~(7u << shift) | (uint32_t)e->perm << shift;
}

int acl_inherit(const struct acl *dflt, uint32_t *mode, struct acl **ret)
{
    struct acl *a = acl_copy(dflt);
    struct acl_entry *group = NULL, *mask = NULL;
    bool mode_is_all = true;

    if (!a)
        return -ENOMEM;
    for (unsigned int i = 0; i < a->n; i++) {
        struct acl_entry *e = &a->entries[i];

        switch (e->tag) {
        case ACL_TAG_USER_OBJ:
            intersect(e, mode, 6);
            break;
        case ACL_TAG_OTHER:
            intersect(e, mode, 0);
            break;
        case ACL_TAG_GROUP_OBJ:
            group = e;
            break;
        case ACL_TAG_MASK:
            mask = e;
            mode_is_all = false;
            break;
        default:
            mode_is_all = false;
        }
    }
    intersect(mask ? mask : group, mode, 3); /* acl_parse() sees to it that there is a group */
    if (mode_is_all) {
        free(a);
        a = NULL;
    }
    *ret = a;
    return 0;
}
