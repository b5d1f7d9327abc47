/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* filesystem.h: what a folder lies on. Waits for the disk. */
#ifndef GLUSTERD_FILESYSTEM_H
#define GLUSTERD_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>

struct filesystem {
    uint64_t total, free, block_size, inodes, free_inodes;
    unsigned int inode_size;     /* 0: it has none, or does not tell */
    char device[256], type[64], options[512];
};
int filesystem_of(const char *path, struct filesystem *ret); /* -errno */

#endif
