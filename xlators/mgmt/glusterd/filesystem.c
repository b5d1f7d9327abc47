/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "filesystem.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* XFS tells its geometry through an open folder; the structure's first words (linux: XFS_IOC_FSGEOMETRY_V1). */
struct xfs_geometry {
    uint32_t blocksize, rtextsize, agblocks, agcount, logblocks, sectsize, inodesize, imaxpct;
    uint64_t datablocks, rtblocks, rtextents, logstart;
    uint8_t uuid[16];
    uint32_t sunit, swidth;
    int32_t version;
    uint32_t flags, logsectsize, rtsectsize, dirblocksize;
};
#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)

static unsigned int xfs_inode_size(const char *path)
{
    struct xfs_geometry g = {0};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd >= 0 ? ioctl(fd, XFS_GEOMETRY, &g) : -1;
    if (fd >= 0)
        close(fd);
    return r == 0 ? g.inodesize : 0;
}

/* ext2, 3, 4: a word of the superblock, which begins 1024 bytes into the device. */
static unsigned int ext_inode_size(const char *device)
{
    uint16_t magic = 0, size = 0;
    int fd = open(device, O_RDONLY | O_CLOEXEC);
    bool there = fd >= 0 && pread(fd, &magic, sizeof magic, 1024 + 56) == sizeof magic && le16toh(magic) == 0xef53 &&
                 pread(fd, &size, sizeof size, 1024 + 88) == sizeof size;
    if (fd >= 0)
        close(fd);
    return there ? le16toh(size) : 0;
}

/* The last mount at or above the path is what is seen there. */
static void find_mount(const char *path, struct filesystem *ret)
{
    struct mntent entry, *m;
    char text[4096];
    size_t best = 0;
    FILE *f = setmntent("/proc/self/mounts", "re");
    while (f && (m = getmntent_r(f, &entry, text, sizeof text))) {
        size_t len = strlen(m->mnt_dir);
        bool above = strcmp(m->mnt_dir, "/") == 0 || (strncmp(path, m->mnt_dir, len) == 0 && (path[len] == '/' || path[len] == '\0'));
        if (!above || len < best)
            continue;
        best = len;
        snprintf(ret->device, sizeof ret->device, "%s", m->mnt_fsname);
        snprintf(ret->type, sizeof ret->type, "%s", m->mnt_type);
        snprintf(ret->options, sizeof ret->options, "%s", m->mnt_opts);
    }
    if (f)
        endmntent(f);
}

int filesystem_of(const char *path, struct filesystem *ret)
{
    struct statvfs st;
    *ret = (struct filesystem){0};
    if (statvfs(path, &st) < 0)
        return -errno;
    ret->total = (uint64_t)st.f_blocks * st.f_frsize;
    ret->free = (uint64_t)st.f_bfree * st.f_frsize;
    ret->block_size = st.f_bsize;
    ret->inodes = st.f_files;
    ret->free_inodes = st.f_ffree;
    find_mount(path, ret);
    if (strcmp(ret->type, "xfs") == 0)
        ret->inode_size = xfs_inode_size(path);
    else if (strncmp(ret->type, "ext", 3) == 0)
        ret->inode_size = ext_inode_size(ret->device);
    return 0;
}
