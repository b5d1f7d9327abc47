/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* acl.c: ACLs as text ("glusterfs.posix.acl"), for clients that do not speak the binary form (spec brick 2.3, 2.6). */
#include "config.h"

#include <acl/libacl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>

#include "posix.h"

int acl_text_get(struct obj *o, bool def, char **ret)
{
    char path[OBJ_PATH];
    if (S_ISLNK(o->st.st_mode))
        return -EOPNOTSUPP;
    acl_t acl = acl_get_file(obj_path(o, path), def ? ACL_TYPE_DEFAULT : ACL_TYPE_ACCESS);
    if (!acl)
        return -errno;
    char *text = acl_to_any_text(acl, NULL, ',', TEXT_ABBREVIATE | TEXT_NUMERIC_IDS);
    acl_free(acl);
    if (!text)
        return -ENOMEM;
    *ret = strdup(text); /* the caller frees it as any memory */
    acl_free(text);
    return *ret ? 0 : -ENOMEM;
}

int acl_text_set(struct obj *o, bool def, const char *text)
{
    char path[OBJ_PATH];
    if (S_ISLNK(o->st.st_mode))
        return -EOPNOTSUPP;
    acl_t acl = acl_from_text(text);
    if (!acl)
        return -errno;
    int r = acl_set_file(obj_path(o, path), def ? ACL_TYPE_DEFAULT : ACL_TYPE_ACCESS, acl) < 0 ? -errno : 0;
    acl_free(acl);
    return r;
}
