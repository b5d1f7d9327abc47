/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* iatt.h: gfids and attributes as they are inside the process. The wire forms are in rpc/xdr/. Spec brick 1.5, wire 5. */
#ifndef GF_IATT_H
#define GF_IATT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

typedef struct gfid {
    uint8_t b[16];
} gfid_t;

#define GFID_TEXT 37 /* with the NUL */
static const gfid_t gfid_root = {{[15] = 1}};
static inline bool gfid_is_null(gfid_t g)
{
    static const gfid_t null;
    return memcmp(&g, &null, sizeof(g)) == 0;
}
static inline bool gfid_equal(gfid_t a, gfid_t b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}
static inline bool gfid_is_root(gfid_t g)
{
    return gfid_equal(g, gfid_root);
}
const char *gfid_text(gfid_t g, char text[GFID_TEXT]); /* returns text: 8-4-4-4-12, lower case */
bool gfid_parse(const char *text, gfid_t *ret);        /* exactly 36 characters */
gfid_t gfid_random(void);
uint64_t gfid_ino(gfid_t g);                           /* bytes 8 to 15, big-endian; root: 1; null: 2^64-1 */

struct iatt {
    gfid_t gfid;
    uint64_t ino, dev, rdev;
    uint64_t size, blocks; /* blocks of 512 bytes */
    int64_t atime, mtime, ctime;
    uint32_t atime_nsec, mtime_nsec, ctime_nsec;
    uint32_t nlink, uid, gid, blksize;
    uint32_t mode;         /* Linux st_mode with the type bits; 0: "no attributes" */
};

/* GlusterFS's number of the type in st_mode: 0 none, 1 regular, 2 directory, 3 link, 4 block, 5 character, 6 FIFO, 7 socket. */
uint32_t iatt_type(uint32_t mode);

/* As stat(2) gives them to a program. The inode number is the gfid's, st_dev 0. */
void iatt_to_stat(const struct iatt *st, struct stat *ret);

/* Bits of SETATTR's valid. */
enum {
    SET_MODE = 0x1,
    SET_UID = 0x2,
    SET_GID = 0x4,
    SET_SIZE = 0x8,
    SET_ATIME = 0x10,
    SET_MTIME = 0x20,
    SET_CTIME = 0x40,
    SET_ATIME_NOW = 0x80,
    SET_MTIME_NOW = 0x100,
};

#endif
