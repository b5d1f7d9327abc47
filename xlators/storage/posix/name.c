/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* name.c: what an entry may be called, who may work on it, and the back references from object to name and directory. */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "posix.h"

#define GFID2PATH_LINKS_MAX 500

int name_check(const struct posix *p, gfid_t parent, const char *name)
{
    size_t len = strnlen(name, FOP_NAME_MAX + 1);
    if (len == 0 || !strcmp(name, ".") || !strcmp(name, ".."))
        return -EINVAL;
    if (len > FOP_NAME_MAX)
        return -ENAMETOOLONG;
    if (memchr(name, '/', len))
        return -EPERM;
    if (gfid_is_root(parent) && !strcmp(name, PRIVATE_DIR))
        return -EPERM;
    return 0;
}

pthread_mutex_t *name_lock(struct posix *p, gfid_t parent, const char *name)
{
    return &p->names[XXH64(name, strlen(name), gfid_ino(parent)) % STRIPES];
}

pthread_mutex_t *link_lock(struct posix *p, gfid_t g)
{
    return &p->links[g.b[15] % STRIPES];
}

/* trusted.gfid2path.<hash of the value> = "<parent gfid>/<name>" (spec brick 1.3) */
size_t gfid2path_pair(gfid_t parent, const char *name, char key[GFID2PATH_KEY], char value[GFID_TEXT + FOP_NAME_MAX + 1])
{
    gfid_text(parent, value);
    value[GFID_TEXT - 1] = '/';
    strcpy(value + GFID_TEXT, name);
    size_t len = GFID_TEXT + strlen(name);
    snprintf(key, GFID2PATH_KEY, XATTR_GFID2PATH "%016" PRIx64, (uint64_t)XXH64(value, len, 0));
    return len;
}

void gfid2path_add(struct obj *o, gfid_t parent, const char *name)
{
    char key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1];
    if (!LIVE(o->p, gfid2path) || S_ISDIR(o->st.st_mode) || o->st.st_nlink > GFID2PATH_LINKS_MAX + 1)
        return;
    size_t len = gfid2path_pair(parent, name, key, value);
    int r = obj_setxattr(o, key, value, len, 0);
    if (r < 0)
        log_warning(o->p->xl->name, "%s: name cannot be stored with the object: %s", value, strerror(-r));
}

void gfid2path_remove(struct obj *o, gfid_t parent, const char *name)
{
    char key[GFID2PATH_KEY], value[GFID_TEXT + FOP_NAME_MAX + 1];
    if (!LIVE(o->p, gfid2path) || S_ISDIR(o->st.st_mode))
        return;
    gfid2path_pair(parent, name, key, value);
    int r = obj_removexattr(o, key);
    if (r < 0 && r != -ENODATA)
        log_warning(o->p->xl->name, "%s: name cannot be removed from the object: %s", value, strerror(-r));
}

void pgfid_count(struct obj *o, gfid_t parent, int by)
{
    char key[sizeof(XATTR_PGFID) + GFID_TEXT] = XATTR_PGFID;
    uint32_t raw;
    if (!LIVE(o->p, pgfid) || S_ISDIR(o->st.st_mode))
        return;
    gfid_text(parent, key + strlen(XATTR_PGFID));
    ssize_t n = obj_getxattr(o, key, &raw, sizeof(raw));
    if (n != sizeof(raw) && n != -ENODATA)
        return; /* not ours, or not to be had */
    int64_t is = n < 0 ? 0 : be32toh(raw), now = by ? is + by : max_of(is, (int64_t)1);
    if (now == is || (now < 0 && n < 0))
        return;
    raw = htobe32((uint32_t)max_of(now, (int64_t)0));
    int r = now > 0 ? obj_setxattr(o, key, &raw, sizeof(raw), 0) : obj_removexattr(o, key);
    if (r < 0 && r != -ENODATA)
        log_warning(o->p->xl->name, "%s cannot be changed: %s", key, strerror(-r));
}
