/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What a program compiles in of glfs.h and glfs-handles.h: layouts, numbers, types of functions. */
#include <glusterfs/api/glfs-handles.h>
#include <stddef.h>
#include <stdio.h>

#define AT(member) printf("%s at %zu, %zu\n", #member, offsetof(struct glfs_stat, member), sizeof(((struct glfs_stat *)0)->member))
#define NUMBER(n) printf("%s %llx\n", #n, (unsigned long long)(n))
#define TYPE(f, t) printf("%s %s\n", #f, __builtin_types_compatible_p(__typeof__(f), t) ? "as expected" : "of another type")

int main(void)
{
    AT(glfs_st_mask), AT(glfs_st_attributes), AT(glfs_st_attributes_mask), AT(glfs_st_atime), AT(glfs_st_btime), AT(glfs_st_ctime);
    AT(glfs_st_mtime), AT(glfs_st_ino), AT(glfs_st_size), AT(glfs_st_blocks), AT(glfs_st_rdev_major), AT(glfs_st_rdev_minor);
    AT(glfs_st_dev_major), AT(glfs_st_dev_minor), AT(glfs_st_blksize), AT(glfs_st_nlink), AT(glfs_st_uid), AT(glfs_st_gid);
    AT(glfs_st_mode);
    NUMBER(sizeof(struct glfs_stat)), NUMBER(sizeof(glfs_leaseid_t)), NUMBER(sizeof(struct glfs_lease));
    NUMBER(offsetof(struct glfs_lease, lease_type)), NUMBER(offsetof(struct glfs_lease, lease_id));
    NUMBER(offsetof(struct glfs_lease, lease_flags));
    NUMBER(GLFS_STAT_TYPE), NUMBER(GLFS_STAT_MODE), NUMBER(GLFS_STAT_NLINK), NUMBER(GLFS_STAT_UID), NUMBER(GLFS_STAT_GID);
    NUMBER(GLFS_STAT_ATIME), NUMBER(GLFS_STAT_MTIME), NUMBER(GLFS_STAT_CTIME), NUMBER(GLFS_STAT_INO), NUMBER(GLFS_STAT_SIZE);
    NUMBER(GLFS_STAT_BLOCKS), NUMBER(GLFS_STAT_BASIC_STATS), NUMBER(GLFS_STAT_BTIME), NUMBER(GLFS_STAT_ALL), NUMBER(GLFS_STAT_RESERVED);
    NUMBER(GLFS_STAT_ATTR_RESERVED), NUMBER(GLFS_STAT_SIZE_VALID(0x200)), NUMBER(GLFS_LEASE_ID_SIZE);
    NUMBER(GFAPI_SET_ATTR_MODE), NUMBER(GFAPI_SET_ATTR_UID), NUMBER(GFAPI_SET_ATTR_GID), NUMBER(GFAPI_SET_ATTR_SIZE);
    NUMBER(GFAPI_SET_ATTR_ATIME), NUMBER(GFAPI_SET_ATTR_MTIME);
    NUMBER(GLFS_LK_ADVISORY), NUMBER(GLFS_LK_MANDATORY), NUMBER(GFAPI_MAX_LOCK_OWNER_LEN);
    NUMBER(GLFS_SYSRQ_HELP), NUMBER(GLFS_SYSRQ_STATEDUMP);
    NUMBER(GFAPI_XREADDIRP_NULL), NUMBER(GFAPI_XREADDIRP_STAT), NUMBER(GFAPI_XREADDIRP_HANDLE);
    NUMBER(GLFS_UPCALL_EVENT_NULL), NUMBER(GLFS_UPCALL_INODE_INVALIDATE), NUMBER(GLFS_UPCALL_RECALL_LEASE);
    NUMBER(GLFS_EVENT_INODE_INVALIDATE), NUMBER(GLFS_EVENT_RECALL_LEASE), NUMBER(GLFS_EVENT_ANY);
    NUMBER(GLFS_LEASE_NONE), NUMBER(GLFS_RD_LEASE), NUMBER(GLFS_RW_LEASE), NUMBER(GLFS_GET_LEASE), NUMBER(GLFS_SET_LEASE);
    NUMBER(GLFS_UNLK_LEASE), NUMBER(GFAPI_HANDLE_LENGTH);
    NUMBER(GFAPI_UP_NLINK), NUMBER(GFAPI_UP_MODE), NUMBER(GFAPI_UP_OWN), NUMBER(GFAPI_UP_SIZE), NUMBER(GFAPI_UP_TIMES);
    NUMBER(GFAPI_UP_ATIME), NUMBER(GFAPI_UP_PERM), NUMBER(GFAPI_UP_RENAME), NUMBER(GFAPI_UP_FORGET), NUMBER(GFAPI_UP_PARENT_TIMES);
    NUMBER(GFAPI_INODE_UPDATE_FLAGS);
    TYPE(glfs_pwrite_async, int(glfs_fd_t *, const void *, int, off_t, int, glfs_io_cbk, void *));
    TYPE(glfs_copy_file_range, ssize_t(struct glfs_fd *, off64_t *, struct glfs_fd *, off64_t *, size_t, unsigned int, struct glfs_stat *,
                                       struct glfs_stat *, struct glfs_stat *));
    TYPE(glfs_xreaddirplus_r, int(glfs_fd_t *, uint32_t, glfs_xreaddirp_stat_t **, struct dirent *, struct dirent **));
    TYPE(glfs_h_anonymous_write, size_t(glfs_t *, glfs_object_t *, const void *, size_t, off_t));
    TYPE(glfs_fd_set_lkowner, int(glfs_fd_t *, void *, int));
    TYPE(glfs_upcall_register, int(glfs_t *, uint32_t, glfs_upcall_cbk, void *));
    return 0;
}
