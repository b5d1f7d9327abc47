/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is refused with ENOTSUP: leases, and the functions by which GlusterFS's own programs reach into the inside of its library. Their
 * names are there so that a program that may never call them can be linked. What they take and give are structures of that library. */
#include "impl.h"

static int refuse(const char *what)
{
    log_error(DOMAIN, "%s: not supported", what);
    return (int)answer(-ENOTSUP);
}

/* ---- leases ----------------------------------------------------------------------------------------------------------------------- */

int glfs_lease(glfs_fd_t *fd, glfs_lease_t *lease, glfs_recall_cbk fn, void *data)
{
    return refuse("leases (glfs_lease)");
}

int glfs_h_lease(glfs_t *fs, glfs_object_t *object, glfs_lease_t *lease)
{
    return refuse("leases (glfs_h_lease)");
}

/* There is no event that could be asked so. */
glfs_object_t *glfs_upcall_lease_get_object(glfs_upcall_lease_t *arg)
{
    refuse("leases (glfs_upcall_lease_get_object)");
    return NULL;
}

uint32_t glfs_upcall_lease_get_lease_type(glfs_upcall_lease_t *arg)
{
    refuse("leases (glfs_upcall_lease_get_lease_type)");
    return GLFS_LEASE_NONE;
}

/* ---- the inside of GlusterFS's library ------------------------------------------------------------------------------------- */

#define REFUSED_INT(name)                                              \
    int name(void);                                                    \
    int name(void)                                                     \
    {                                                                  \
        return refuse(#name " (of the inside of GlusterFS's library)"); \
    }                                                                  \
    _Static_assert(1, "")
#define REFUSED_POINTER(name)                                   \
    void *name(void);                                           \
    void *name(void)                                            \
    {                                                           \
        refuse(#name " (of the inside of GlusterFS's library)"); \
        return NULL;                                            \
    }                                                           \
    _Static_assert(1, "")

REFUSED_POINTER(glfs_active_subvol);
REFUSED_INT(glfs_subvol_done);
REFUSED_INT(glfs_init_done);
REFUSED_INT(glfs_loc_touchup);
REFUSED_INT(glfs_resolve);
REFUSED_INT(glfs_resolve_at);
REFUSED_POINTER(glfs_new_from_ctx);
REFUSED_INT(glfs_free_from_ctx);
REFUSED_INT(glfs_process_upcall_event);
REFUSED_INT(glfs_ipc);
REFUSED_INT(glfs_statx);
REFUSED_INT(glfs_iatt_from_statx);
