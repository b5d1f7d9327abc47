/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* glfs.h: a volume without a mount: libgfapi's functions. The names, numbers and layouts are GlusterFS's, so that programs written for its
 * library are compiled and linked unchanged.
 *
 * Errors    -1 or NULL, and errno. Paths are those of the volume: "/" is its root.
 * Threads   Each function may be called from any thread, an asynchronous one's callback included. Two threads that share a descriptor
 *           share its place in the file.
 * Identity  The process's effective user and groups, unless the thread has said otherwise: glfs_setfsuid() and its like. */
#ifndef _GLFS_H
#define _GLFS_H

/* The library is built with 64-bit offsets: so must be who passes it a struct stat or an off_t. */
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif
#ifndef __USE_FILE_OFFSET64
#define __USE_FILE_OFFSET64
#endif
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/cdefs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* <unistd.h> has off64_t only for who asks for it. */
#if defined(__USE_FILE_OFFSET64) && !defined(__off64_t_defined)
typedef __off64_t off64_t;
#endif

#if defined(HAVE_SYS_ACL_H) || (defined(USE_POSIX_ACLS) && USE_POSIX_ACLS)
#include <sys/acl.h>
#else
typedef void *acl_t;
typedef int acl_type_t;
#endif

#ifndef __THROW
#define __THROW
#endif

__BEGIN_DECLS

struct glfs;                   /* a volume */
typedef struct glfs glfs_t;
struct glfs_fd;                /* an open file or directory */
typedef struct glfs_fd glfs_fd_t;

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

/* glfs_new(), then where the volume file comes from, then glfs_init(). glfs_fini() ends all of it, also after a glfs_init() that
 * failed. One process may have many. */
glfs_t *glfs_new(const char *volname);
int glfs_set_volfile(glfs_t *fs, const char *volfile);
/* transport: "tcp" (or NULL) with a host and a port (0: 24007), "unix" with a socket's path. Each call adds a server; they are asked one
 * after the other. */
int glfs_set_volfile_server(glfs_t *fs, const char *transport, const char *host, int port);
int glfs_unset_volfile_server(glfs_t *fs, const char *transport, const char *host, int port);
/* logfile NULL: one of its own in the log folder. loglevel: 0 none ... 4 errors, 7 information, 9 everything; negative: as it is. */
int glfs_set_logging(glfs_t *fs, const char *logfile, int loglevel);
int glfs_set_xlator_option(glfs_t *fs, const char *xlator, const char *key, const char *value); /* xlator: a pattern; before glfs_init() */
int glfs_set_statedump_path(struct glfs *fs, const char *path);
int glfs_init(glfs_t *fs); /* 0; 1: the volume is known, and away: calls fail until it is there; -1 */
int glfs_fini(glfs_t *fs);
/* Bytes of the volume file. Too small: minus what is missing, and buf is as it was. 0: there is none. */
ssize_t glfs_get_volfile(glfs_t *fs, void *buf, size_t len);
/* The volume's id, 16 bytes; volid NULL or size 0: how many. */
int glfs_get_volumeid(glfs_t *fs, char *volid, size_t size);
/* Frees what a function says is to be freed with it. */
void glfs_free(void *ptr);

#define GLFS_SYSRQ_HELP 'h'      /* the list, into the log */
#define GLFS_SYSRQ_STATEDUMP 's'
int glfs_sysrq(glfs_t *fs, char sysrq);

/* ---- attributes ---------------------------------------------------------------------------------------------------------- */

/* What is valid in a struct glfs_stat; the lower 32 bits are those of statx(2). */
#define GLFS_STAT_TYPE 0x0000000000000001U
#define GLFS_STAT_MODE 0x0000000000000002U
#define GLFS_STAT_NLINK 0x0000000000000004U
#define GLFS_STAT_UID 0x0000000000000008U
#define GLFS_STAT_GID 0x0000000000000010U
#define GLFS_STAT_ATIME 0x0000000000000020U
#define GLFS_STAT_MTIME 0x0000000000000040U
#define GLFS_STAT_CTIME 0x0000000000000080U
#define GLFS_STAT_INO 0x0000000000000100U
#define GLFS_STAT_SIZE 0x0000000000000200U
#define GLFS_STAT_BLOCKS 0x0000000000000400U
#define GLFS_STAT_BASIC_STATS 0x00000000000007ffU
#define GLFS_STAT_BTIME 0x0000000000000800U
#define GLFS_STAT_ALL 0x0000000000000fffU
#define GLFS_STAT_RESERVED 0x8000000000000000U
#define GLFS_STAT_ATTR_RESERVED 0x8000000000000000U

#define GLFS_STAT_TYPE_VALID(stmask) (stmask & GLFS_STAT_TYPE)
#define GLFS_STAT_MODE_VALID(stmask) (stmask & GLFS_STAT_MODE)
#define GLFS_STAT_NLINK_VALID(stmask) (stmask & GLFS_STAT_NLINK)
#define GLFS_STAT_UID_VALID(stmask) (stmask & GLFS_STAT_UID)
#define GLFS_STAT_GID_VALID(stmask) (stmask & GLFS_STAT_GID)
#define GLFS_STAT_ATIME_VALID(stmask) (stmask & GLFS_STAT_ATIME)
#define GLFS_STAT_MTIME_VALID(stmask) (stmask & GLFS_STAT_MTIME)
#define GLFS_STAT_CTIME_VALID(stmask) (stmask & GLFS_STAT_CTIME)
#define GLFS_STAT_INO_VALID(stmask) (stmask & GLFS_STAT_INO)
#define GLFS_STAT_SIZE_VALID(stmask) (stmask & GLFS_STAT_SIZE)
#define GLFS_STAT_BLOCKS_VALID(stmask) (stmask & GLFS_STAT_BLOCKS)
#define GLFS_STAT_BTIME_VALID(stmask) (stmask & GLFS_STAT_BTIME)
#define GLFS_STAT_GFID_VALID(stmask) (stmask & GLFS_STAT_GFID)

struct glfs_stat {
    uint64_t glfs_st_mask;            /* which of the others count */
    uint64_t glfs_st_attributes;      /* none are known: 0 */
    uint64_t glfs_st_attributes_mask;
    struct timespec glfs_st_atime;
    struct timespec glfs_st_btime;
    struct timespec glfs_st_ctime;
    struct timespec glfs_st_mtime;
    ino_t glfs_st_ino;
    off_t glfs_st_size;
    blkcnt_t glfs_st_blocks;          /* of 512 bytes */
    uint32_t glfs_st_rdev_major;
    uint32_t glfs_st_rdev_minor;
    uint32_t glfs_st_dev_major;
    uint32_t glfs_st_dev_minor;
    blksize_t glfs_st_blksize;
    nlink_t glfs_st_nlink;
    uid_t glfs_st_uid;
    gid_t glfs_st_gid;
    mode_t glfs_st_mode;
};

/* What glfs_h_setattrs() is to set. */
#define GFAPI_SET_ATTR_MODE 0x1
#define GFAPI_SET_ATTR_UID 0x2
#define GFAPI_SET_ATTR_GID 0x4
#define GFAPI_SET_ATTR_SIZE 0x8
#define GFAPI_SET_ATTR_ATIME 0x10
#define GFAPI_SET_ATTR_MTIME 0x20

/* ---- identity, of the calling thread --------------------------------------------------------------------------------------- */

#define GLFS_LEASE_ID_SIZE 16
typedef char glfs_leaseid_t[GLFS_LEASE_ID_SIZE];

int glfs_setfsuid(uid_t fsuid);
int glfs_setfsgid(gid_t fsgid);
int glfs_setfsgroups(size_t size, const gid_t *list); /* size 0: the process's again */
int glfs_setfsleaseid(glfs_leaseid_t leaseid);        /* NULL: none */

/* ---- files ----------------------------------------------------------------------------------------------------------------- */

glfs_fd_t *glfs_open(glfs_t *fs, const char *path, int flags); /* never creates: glfs_creat() does */
glfs_fd_t *glfs_creat(glfs_t *fs, const char *path, int flags, mode_t mode); /* mode as it is: no umask */
int glfs_close(glfs_fd_t *fd);
glfs_fd_t *glfs_dup(glfs_fd_t *fd);
glfs_t *glfs_from_glfd(glfs_fd_t *fd);

/* Called when an asynchronous function has its result, on a thread of the library: ret and errno are what the other form gives. The
 * attributes are there for the time of the call; NULL where the operation has none. */
typedef void (*glfs_io_cbk)(glfs_fd_t *fd, ssize_t ret, struct glfs_stat *prestat, struct glfs_stat *poststat, void *data);

ssize_t glfs_read(glfs_fd_t *fd, void *buf, size_t count, int flags);
ssize_t glfs_write(glfs_fd_t *fd, const void *buf, size_t count, int flags);
int glfs_read_async(glfs_fd_t *fd, void *buf, size_t count, int flags, glfs_io_cbk fn, void *data);
int glfs_write_async(glfs_fd_t *fd, const void *buf, size_t count, int flags, glfs_io_cbk fn, void *data);
ssize_t glfs_readv(glfs_fd_t *fd, const struct iovec *iov, int iovcnt, int flags);
ssize_t glfs_writev(glfs_fd_t *fd, const struct iovec *iov, int iovcnt, int flags);
int glfs_readv_async(glfs_fd_t *fd, const struct iovec *iov, int count, int flags, glfs_io_cbk fn, void *data);
int glfs_writev_async(glfs_fd_t *fd, const struct iovec *iov, int count, int flags, glfs_io_cbk fn, void *data);
ssize_t glfs_pread(glfs_fd_t *fd, void *buf, size_t count, off_t offset, int flags, struct glfs_stat *poststat);
ssize_t glfs_pwrite(glfs_fd_t *fd, const void *buf, size_t count, off_t offset, int flags, struct glfs_stat *prestat,
                    struct glfs_stat *poststat);
int glfs_pread_async(glfs_fd_t *fd, void *buf, size_t count, off_t offset, int flags, glfs_io_cbk fn, void *data);
int glfs_pwrite_async(glfs_fd_t *fd, const void *buf, int count, off_t offset, int flags, glfs_io_cbk fn, void *data);
ssize_t glfs_preadv(glfs_fd_t *fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
ssize_t glfs_pwritev(glfs_fd_t *fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
int glfs_preadv_async(glfs_fd_t *fd, const struct iovec *iov, int count, off_t offset, int flags, glfs_io_cbk fn, void *data);
int glfs_pwritev_async(glfs_fd_t *fd, const struct iovec *iov, int count, off_t offset, int flags, glfs_io_cbk fn, void *data);
ssize_t glfs_copy_file_range(struct glfs_fd *glfd_in, off64_t *off_in, struct glfs_fd *glfd_out, off64_t *off_out, size_t len,
                             unsigned int flags, struct glfs_stat *statbuf, struct glfs_stat *prestat, struct glfs_stat *poststat);

off_t glfs_lseek(glfs_fd_t *fd, off_t offset, int whence);
int glfs_ftruncate(glfs_fd_t *fd, off_t length, struct glfs_stat *prestat, struct glfs_stat *poststat);
int glfs_ftruncate_async(glfs_fd_t *fd, off_t length, glfs_io_cbk fn, void *data);
int glfs_fsync(glfs_fd_t *fd, struct glfs_stat *prestat, struct glfs_stat *poststat);
int glfs_fsync_async(glfs_fd_t *fd, glfs_io_cbk fn, void *data);
int glfs_fdatasync(glfs_fd_t *fd, struct glfs_stat *prestat, struct glfs_stat *poststat);
int glfs_fdatasync_async(glfs_fd_t *fd, glfs_io_cbk fn, void *data);
int glfs_fallocate(glfs_fd_t *fd, int keep_size, off_t offset, size_t len);
int glfs_discard(glfs_fd_t *fd, off_t offset, size_t len);
int glfs_discard_async(glfs_fd_t *fd, off_t length, size_t lent, glfs_io_cbk fn, void *data);
int glfs_zerofill(glfs_fd_t *fd, off_t offset, off_t len);
int glfs_zerofill_async(glfs_fd_t *fd, off_t length, off_t len, glfs_io_cbk fn, void *data);

int glfs_fstat(glfs_fd_t *fd, struct stat *buf);
int glfs_fchmod(glfs_fd_t *fd, mode_t mode);
int glfs_fchown(glfs_fd_t *fd, uid_t uid, gid_t gid);
int glfs_futimens(glfs_fd_t *fd, const struct timespec times[2]);
int glfs_fsetattr(struct glfs_fd *glfd, struct glfs_stat *stat); /* what stat's mask says */

/* ---- names ----------------------------------------------------------------------------------------------------------------- */

int glfs_truncate(glfs_t *fs, const char *path, off_t length);
int glfs_lstat(glfs_t *fs, const char *path, struct stat *buf);
int glfs_stat(glfs_t *fs, const char *path, struct stat *buf);
int glfs_access(glfs_t *fs, const char *path, int mode);
int glfs_symlink(glfs_t *fs, const char *oldpath, const char *newpath);
int glfs_readlink(glfs_t *fs, const char *path, char *buf, size_t bufsiz);
int glfs_mknod(glfs_t *fs, const char *path, mode_t mode, dev_t dev);
int glfs_mkdir(glfs_t *fs, const char *path, mode_t mode);
int glfs_unlink(glfs_t *fs, const char *path);
int glfs_rmdir(glfs_t *fs, const char *path);
int glfs_rename(glfs_t *fs, const char *oldpath, const char *newpath);
int glfs_link(glfs_t *fs, const char *oldpath, const char *newpath);
int glfs_statvfs(glfs_t *fs, const char *path, struct statvfs *buf);
int glfs_chmod(glfs_t *fs, const char *path, mode_t mode);
int glfs_chown(glfs_t *fs, const char *path, uid_t uid, gid_t gid);
int glfs_lchown(glfs_t *fs, const char *path, uid_t uid, gid_t gid);
int glfs_utimens(glfs_t *fs, const char *path, const struct timespec times[2]);
int glfs_lutimens(glfs_t *fs, const char *path, const struct timespec times[2]);
int glfs_setattr(struct glfs *fs, const char *path, struct glfs_stat *stat, int follow);
char *glfs_getcwd(glfs_t *fs, char *buf, size_t size);
int glfs_chdir(glfs_t *fs, const char *path);
int glfs_fchdir(glfs_fd_t *fd);
/* resolved_path NULL: the result is to be freed with glfs_free(). */
char *glfs_realpath(glfs_t *fs, const char *path, char *resolved_path);

/* ---- directories ------------------------------------------------------------------------------------------------------------ */

glfs_fd_t *glfs_opendir(glfs_t *fs, const char *path);
int glfs_closedir(glfs_fd_t *fd);
/* Into the caller's memory; 512 bytes are enough. 0 and a NULL result: the end. */
int glfs_readdir_r(glfs_fd_t *fd, struct dirent *dirent, struct dirent **result);
int glfs_readdirplus_r(glfs_fd_t *fd, struct stat *stat, struct dirent *dirent, struct dirent **result);
/* Into memory of the descriptor, until the next call on it. */
struct dirent *glfs_readdir(glfs_fd_t *fd);
struct dirent *glfs_readdirplus(glfs_fd_t *fd, struct stat *stat);
long glfs_telldir(glfs_fd_t *fd);
void glfs_seekdir(glfs_fd_t *fd, long offset);

struct glfs_xreaddirp_stat;
typedef struct glfs_xreaddirp_stat glfs_xreaddirp_stat_t;
#define GFAPI_XREADDIRP_NULL 0x00000000
#define GFAPI_XREADDIRP_STAT 0x00000001
#define GFAPI_XREADDIRP_HANDLE 0x00000002
/* Gives which of the flags it could serve. *xstat_p is to be freed with glfs_free(), and what it has with it. ext NULL: the
 * descriptor's memory. */
int glfs_xreaddirplus_r(glfs_fd_t *glfd, uint32_t flags, glfs_xreaddirp_stat_t **xstat_p, struct dirent *ext, struct dirent **res);
struct stat *glfs_xreaddirplus_get_stat(glfs_xreaddirp_stat_t *xstat);

/* ---- extended attributes ----------------------------------------------------------------------------------------------------- */

ssize_t glfs_getxattr(glfs_t *fs, const char *path, const char *name, void *value, size_t size);
ssize_t glfs_lgetxattr(glfs_t *fs, const char *path, const char *name, void *value, size_t size);
ssize_t glfs_fgetxattr(glfs_fd_t *fd, const char *name, void *value, size_t size);
ssize_t glfs_listxattr(glfs_t *fs, const char *path, void *value, size_t size);
ssize_t glfs_llistxattr(glfs_t *fs, const char *path, void *value, size_t size);
ssize_t glfs_flistxattr(glfs_fd_t *fd, void *value, size_t size);
int glfs_setxattr(glfs_t *fs, const char *path, const char *name, const void *value, size_t size, int flags);
int glfs_lsetxattr(glfs_t *fs, const char *path, const char *name, const void *value, size_t size, int flags);
int glfs_fsetxattr(glfs_fd_t *fd, const char *name, const void *value, size_t size, int flags);
int glfs_removexattr(glfs_t *fs, const char *path, const char *name);
int glfs_lremovexattr(glfs_t *fs, const char *path, const char *name);
int glfs_fremovexattr(glfs_fd_t *fd, const char *name);

/* ---- locks ------------------------------------------------------------------------------------------------------------------- */

enum glfs_lock_mode { GLFS_LK_ADVISORY = 0, GLFS_LK_MANDATORY };
typedef enum glfs_lock_mode glfs_lock_mode_t;
#define GFAPI_MAX_LOCK_OWNER_LEN 255

int glfs_posix_lock(glfs_fd_t *fd, int cmd, struct flock *flock); /* cmd and flock as for fcntl(2) */
int glfs_file_lock(glfs_fd_t *fd, int cmd, struct flock *flock, glfs_lock_mode_t lk_mode);
int glfs_fd_set_lkowner(glfs_fd_t *glfd, void *data, int len);    /* in whose name the descriptor's locks are taken */

/* ---- what the bricks tell ------------------------------------------------------------------------------------------------------ */

struct glfs_upcall;
typedef struct glfs_upcall glfs_upcall_t; /* freed with glfs_free() */
enum glfs_upcall_reason {
    GLFS_UPCALL_EVENT_NULL = 0,
    GLFS_UPCALL_INODE_INVALIDATE,         /* its event: struct glfs_upcall_inode, glfs-handles.h */
    GLFS_UPCALL_RECALL_LEASE,
};
typedef enum glfs_upcall_reason glfs_upcall_reason_t;
#define GLFS_EVENT_INODE_INVALIDATE 0x00000001
#define GLFS_EVENT_RECALL_LEASE 0x00000002
#define GLFS_EVENT_ANY 0xffffffff
typedef void (*glfs_upcall_cbk)(glfs_upcall_t *up_arg, void *data);

int glfs_upcall_register(glfs_t *fs, uint32_t event_list, glfs_upcall_cbk cbk, void *data); /* gives what it has registered */
int glfs_upcall_unregister(glfs_t *fs, uint32_t event_list);
glfs_t *glfs_upcall_get_fs(glfs_upcall_t *arg);
glfs_upcall_reason_t glfs_upcall_get_reason(glfs_upcall_t *arg);
void *glfs_upcall_get_event(glfs_upcall_t *arg);

/* ---- leases: refused by this library with ENOTSUP -------------------------------------------------------------------------------- */

enum glfs_lease_types {
    GLFS_LEASE_NONE = 0,
    GLFS_RD_LEASE = 1,
    GLFS_RW_LEASE = 2,
};
typedef enum glfs_lease_types glfs_lease_types_t;
enum glfs_lease_cmds {
    GLFS_GET_LEASE = 1,
    GLFS_SET_LEASE = 2,
    GLFS_UNLK_LEASE = 3,
};
typedef enum glfs_lease_cmds glfs_lease_cmds_t;
struct glfs_lease {
    glfs_lease_cmds_t cmd;
    glfs_lease_types_t lease_type;
    glfs_leaseid_t lease_id;
    unsigned int lease_flags;
};
typedef struct glfs_lease glfs_lease_t;
typedef void (*glfs_recall_cbk)(glfs_lease_t lease, void *data);
int glfs_lease(glfs_fd_t *glfd, glfs_lease_t *lease, glfs_recall_cbk fn, void *data);

__END_DECLS
#endif
