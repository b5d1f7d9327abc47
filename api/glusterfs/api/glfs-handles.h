/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* glfs-handles.h: objects of a volume by themselves, without a path: what file servers work with. Names, numbers and layouts are
 * GlusterFS's.
 *
 * An object is got from a name in a directory, or from a handle of 16 bytes that stays the same for as long as the object is there. Each
 * glfs_object_t that a function gives is to be closed with glfs_h_close(), also when two of them are of the same object. */
#ifndef _GLFS_HANDLES_H
#define _GLFS_HANDLES_H

#include "glfs.h"

#define GFAPI_HANDLE_LENGTH 16

/* What has changed of an object: glfs_upcall_inode_get_flags(). */
#define GFAPI_UP_NLINK 0x00000001
#define GFAPI_UP_MODE 0x00000002
#define GFAPI_UP_OWN 0x00000004
#define GFAPI_UP_SIZE 0x00000008
#define GFAPI_UP_TIMES 0x00000010
#define GFAPI_UP_ATIME 0x00000020
#define GFAPI_UP_PERM 0x00000040
#define GFAPI_UP_RENAME 0x00000080
#define GFAPI_UP_FORGET 0x00000100
#define GFAPI_UP_PARENT_TIMES 0x00000200
#define GFAPI_INODE_UPDATE_FLAGS \
    (GFAPI_UP_NLINK | GFAPI_UP_MODE | GFAPI_UP_OWN | GFAPI_UP_SIZE | GFAPI_UP_TIMES | GFAPI_UP_ATIME)

__BEGIN_DECLS

struct glfs_object;
typedef struct glfs_object glfs_object_t;

/* ---- to an object, and back ------------------------------------------------------------------------------------------------- */

/* parent NULL: the root. */
glfs_object_t *glfs_h_lookupat(glfs_t *fs, glfs_object_t *parent, const char *path, struct stat *stat, int follow);
glfs_object_t *glfs_h_creat(glfs_t *fs, glfs_object_t *parent, const char *path, int flags, mode_t mode, struct stat *sb);
struct glfs_object *glfs_h_creat_open(struct glfs *fs, struct glfs_object *parent, const char *path, int flags, mode_t mode,
                                      struct stat *stat, struct glfs_fd **out_fd);
glfs_object_t *glfs_h_mkdir(glfs_t *fs, glfs_object_t *parent, const char *path, mode_t flags, struct stat *sb);
glfs_object_t *glfs_h_mknod(glfs_t *fs, glfs_object_t *parent, const char *path, mode_t mode, dev_t dev, struct stat *sb);
glfs_object_t *glfs_h_symlink(glfs_t *fs, glfs_object_t *parent, const char *name, const char *data, struct stat *stat);
ssize_t glfs_h_extract_handle(glfs_object_t *object, unsigned char *handle, int len); /* len 0: how long one is */
glfs_object_t *glfs_h_create_from_handle(glfs_t *fs, unsigned char *handle, int len, struct stat *stat);
glfs_object_t *glfs_object_copy(glfs_object_t *src);
int glfs_h_close(glfs_object_t *object);

/* ---- with it ------------------------------------------------------------------------------------------------------------------ */

int glfs_h_unlink(glfs_t *fs, glfs_object_t *parent, const char *path); /* directories, too */
int glfs_h_link(glfs_t *fs, glfs_object_t *linktgt, glfs_object_t *parent, const char *name);
int glfs_h_rename(glfs_t *fs, glfs_object_t *olddir, const char *oldname, glfs_object_t *newdir, const char *newname);
int glfs_h_readlink(glfs_t *fs, glfs_object_t *object, char *buf, size_t bufsiz);
int glfs_h_stat(glfs_t *fs, glfs_object_t *object, struct stat *stat);
int glfs_h_getattrs(glfs_t *fs, glfs_object_t *object, struct stat *stat);
int glfs_h_setattrs(glfs_t *fs, glfs_object_t *object, struct stat *sb, int valid); /* valid: GFAPI_SET_ATTR_... */
int glfs_h_truncate(glfs_t *fs, glfs_object_t *object, off_t offset);
int glfs_h_access(glfs_t *fs, glfs_object_t *object, int mask);
int glfs_h_statfs(glfs_t *fs, glfs_object_t *object, struct statvfs *stat);
int glfs_h_getxattrs(glfs_t *fs, glfs_object_t *object, const char *name, void *value, size_t size); /* name NULL: their names */
int glfs_h_setxattrs(glfs_t *fs, glfs_object_t *object, const char *name, const void *value, size_t size, int flags);
int glfs_h_removexattrs(glfs_t *fs, glfs_object_t *object, const char *name);
int glfs_h_acl_set(glfs_t *fs, glfs_object_t *object, const acl_type_t type, const acl_t acl);
acl_t glfs_h_acl_get(glfs_t *fs, glfs_object_t *object, const acl_type_t type); /* acl_free() */
glfs_fd_t *glfs_h_open(glfs_t *fs, glfs_object_t *object, int flags);
glfs_fd_t *glfs_h_opendir(glfs_t *fs, glfs_object_t *object);
/* Without opening it. */
ssize_t glfs_h_anonymous_read(glfs_t *fs, glfs_object_t *object, const void *buf, size_t count, off_t offset);
size_t glfs_h_anonymous_write(glfs_t *fs, glfs_object_t *object, const void *buf, size_t count, off_t offset);
int glfs_h_lease(glfs_t *fs, glfs_object_t *object, glfs_lease_t *lease); /* ENOTSUP */
/* Of glfs_xreaddirplus_r(); it is xstat's, glfs_object_copy() makes one that stays. */
glfs_object_t *glfs_xreaddirplus_get_object(struct glfs_xreaddirp_stat *xstat);

/* ---- what the bricks tell -------------------------------------------------------------------------------------------------------- */

/* 0 and NULL: nothing has come since. To be freed with glfs_free(). */
int glfs_h_poll_upcall(glfs_t *fs, glfs_upcall_t **cbk);

struct glfs_upcall_inode;
typedef struct glfs_upcall_inode glfs_upcall_inode_t;
/* All that these give is the event's. */
glfs_object_t *glfs_upcall_inode_get_object(glfs_upcall_inode_t *arg);
uint64_t glfs_upcall_inode_get_flags(glfs_upcall_inode_t *arg);
struct stat *glfs_upcall_inode_get_stat(glfs_upcall_inode_t *arg);
uint64_t glfs_upcall_inode_get_expire(glfs_upcall_inode_t *arg);
glfs_object_t *glfs_upcall_inode_get_pobject(glfs_upcall_inode_t *arg);
struct stat *glfs_upcall_inode_get_pstat(glfs_upcall_inode_t *arg);
glfs_object_t *glfs_upcall_inode_get_oldpobject(glfs_upcall_inode_t *arg);
struct stat *glfs_upcall_inode_get_oldpstat(glfs_upcall_inode_t *arg);

struct glfs_upcall_lease;
typedef struct glfs_upcall_lease glfs_upcall_lease_t;
glfs_object_t *glfs_upcall_lease_get_object(glfs_upcall_lease_t *arg);
uint32_t glfs_upcall_lease_get_lease_type(glfs_upcall_lease_t *arg);

/* GlusterFS's header has these two, and its library does not; so it is here. */
int glfs_caller_specific_init(void *uid_caller_key, void *gid_caller_key, void *future);
glfs_object_t *glfs_h_find_handle(glfs_t *fs, unsigned char *handle, int len);

__END_DECLS
#endif
