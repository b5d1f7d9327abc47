/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "iatt.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/sysmacros.h>

const char *gfid_text(gfid_t g, char text[GFID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *to = text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = digits[g.b[i] >> 4];
        *to++ = digits[g.b[i] & 15];
    }
    *to = '\0';
    return text;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool gfid_parse(const char *text, gfid_t *ret)
{
    gfid_t g;

    for (int i = 0; i < 16; i++) {
        if ((i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
            return false;
        int high = digit(text[0]);
        int low = high < 0 ? -1 : digit(text[1]);
        if (low < 0)
            return false;
        g.b[i] = (uint8_t)(high << 4 | low);
        text += 2;
    }
    if (*text)
        return false;
    *ret = g;
    return true;
}

/* A version 4 uuid. A kernel that gives no random bytes would make two objects one: there is nothing to go on with. */
gfid_t gfid_random(void)
{
    gfid_t g;

    if (getrandom(g.b, sizeof(g.b), 0) != sizeof(g.b)) {
        perror("getrandom");
        abort();
    }
    g.b[6] = (g.b[6] & 0x0f) | 0x40;
    g.b[8] = (g.b[8] & 0x3f) | 0x80;
    return g;
}

uint64_t gfid_ino(gfid_t g)
{
    uint64_t ino = 0;

    if (gfid_is_null(g))
        return UINT64_MAX;
    for (int i = 8; i < 16; i++)
        ino = ino << 8 | g.b[i];
    return ino;
}

uint32_t iatt_type(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return 1;
    case S_IFDIR:
        return 2;
    case S_IFLNK:
        return 3;
    case S_IFBLK:
        return 4;
    case S_IFCHR:
        return 5;
    case S_IFIFO:
        return 6;
    case S_IFSOCK:
        return 7;
    default:
        return 0;
    }
}

#define GOOD_SIZE 131072 /* st_blksize: what programs take for a good size */

void iatt_to_stat(const struct iatt *st, struct stat *ret)
{
    *ret = (struct stat){
        .st_ino = gfid_ino(st->gfid),
        .st_mode = st->mode,
        .st_nlink = st->nlink,
        .st_uid = st->uid,
        .st_gid = st->gid,
        .st_rdev = makedev((unsigned int)(st->rdev >> 32), (unsigned int)st->rdev),
        .st_size = (off_t)st->size,
        .st_blocks = (blkcnt_t)st->blocks,
        .st_blksize = GOOD_SIZE,
        .st_atim = {.tv_sec = st->atime, .tv_nsec = st->atime_nsec},
        .st_mtim = {.tv_sec = st->mtime, .tv_nsec = st->mtime_nsec},
        .st_ctim = {.tv_sec = st->ctime, .tv_nsec = st->ctime_nsec},
    };
}
