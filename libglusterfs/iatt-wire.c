/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Attributes on the wire: spec wire 5.2 (100 bytes, program 330 and callbacks) and 5.3 (148 bytes, program 400). */
#include "dict.h"
#include "wire-words.h"

/* Which members a stock brick marks as valid. Nobody looks at the marks; ours are the same so that messages are. */
static uint64_t iatt_marks(const struct iatt *st)
{
    enum { ALL_BUT_BTIME = 0x17ff, INO = 0x100, PERMISSIONS = 0x2 };

    if (st->mode & S_IFMT)
        return gfid_is_null(st->gfid) ? ALL_BUT_BTIME & ~INO : ALL_BUT_BTIME; /* null: ".." of a listing */
    return st->mode ? PERMISSIONS : 0; /* the arguments of SETATTR; no attributes */
}

/* gfid:16 flags:8 ino:8 dev:8 rdev:8 size:8 blocks:8 attributes:8 attributes_mask:8 atime:8 mtime:8 ctime:8 btime:8, then
 * nanoseconds of the four times, nlink, uid, gid, blksize, mode: 4 each. */
void iatt4_encode(const struct iatt *st, uint8_t to[148])
{
    memcpy(to, st->gfid.b, 16);
    put_u64(to + 16, iatt_marks(st));
    put_u64(to + 24, st->ino);
    put_u64(to + 32, st->dev);
    put_u64(to + 40, st->rdev);
    put_u64(to + 48, st->size);
    put_u64(to + 56, st->blocks);
    memset(to + 64, 0, 16);
    put_u64(to + 80, (uint64_t)st->atime);
    put_u64(to + 88, (uint64_t)st->mtime);
    put_u64(to + 96, (uint64_t)st->ctime);
    memset(to + 104, 0, 8);
    put_u32(to + 112, st->atime_nsec);
    put_u32(to + 116, st->mtime_nsec);
    put_u32(to + 120, st->ctime_nsec);
    memset(to + 124, 0, 4);
    put_u32(to + 128, st->nlink);
    put_u32(to + 132, st->uid);
    put_u32(to + 136, st->gid);
    put_u32(to + 140, st->blksize);
    put_u32(to + 144, st->mode);
}

void iatt4_decode(const uint8_t from[148], struct iatt *ret)
{
    memcpy(ret->gfid.b, from, 16);
    ret->ino = get_u64(from + 24);
    ret->dev = get_u64(from + 32);
    ret->rdev = get_u64(from + 40);
    ret->size = get_u64(from + 48);
    ret->blocks = get_u64(from + 56);
    ret->atime = (int64_t)get_u64(from + 80);
    ret->mtime = (int64_t)get_u64(from + 88);
    ret->ctime = (int64_t)get_u64(from + 96);
    ret->atime_nsec = get_u32(from + 112);
    ret->mtime_nsec = get_u32(from + 116);
    ret->ctime_nsec = get_u32(from + 120);
    ret->nlink = get_u32(from + 128);
    ret->uid = get_u32(from + 132);
    ret->gid = get_u32(from + 136);
    ret->blksize = get_u32(from + 140);
    ret->mode = get_u32(from + 144);
}

/* gfid:16 ino:8 dev:8 mode:4 nlink:4 uid:4 gid:4 rdev:8 size:8 blksize:4 blocks:8, then seconds and nanoseconds of the
 * three times, 4 each. */
void iatt3_encode(const struct iatt *st, uint8_t to[100])
{
    memcpy(to, st->gfid.b, 16);
    put_u64(to + 16, st->ino);
    put_u64(to + 24, st->dev);
    put_u32(to + 32, st->mode);
    put_u32(to + 36, st->nlink);
    put_u32(to + 40, st->uid);
    put_u32(to + 44, st->gid);
    put_u64(to + 48, st->rdev);
    put_u64(to + 56, st->size);
    put_u32(to + 64, st->blksize);
    put_u64(to + 68, st->blocks);
    put_u32(to + 76, (uint32_t)st->atime);
    put_u32(to + 80, st->atime_nsec);
    put_u32(to + 84, (uint32_t)st->mtime);
    put_u32(to + 88, st->mtime_nsec);
    put_u32(to + 92, (uint32_t)st->ctime);
    put_u32(to + 96, st->ctime_nsec);
}
