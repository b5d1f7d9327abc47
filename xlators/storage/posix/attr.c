/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* attr.c: attributes as clients see them, and the times in trusted.glusterfs.mdata (spec brick 1.4, 1.5).
 *
 * When an object has the attribute its times are those in it, not the file system's. The client says with each request which
 * times change and to what. The decoded value is cached in the inode and rules while the inode is in memory. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "posix.h"

static void put64(uint8_t *to, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        to[i] = (uint8_t)v;
}

static uint64_t get64(const uint8_t *from)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | from[i];
    return v;
}

void mdata_encode(const struct mdata *m, uint8_t to[MDATA_SIZE])
{
    const struct timespec *t[3] = {&m->ctime, &m->mtime, &m->atime};
    to[0] = 1;
    put64(to + 1, 0);
    for (int i = 0; i < 3; i++) {
        put64(to + 9 + 16 * i, (uint64_t)t[i]->tv_sec);
        put64(to + 17 + 16 * i, (uint64_t)t[i]->tv_nsec);
    }
}

int mdata_decode(const uint8_t *from, size_t len, struct mdata *ret)
{
    if (len != MDATA_SIZE || from[0] != 1)
        return -EINVAL;
    struct timespec t[3];
    for (int i = 0; i < 3; i++) {
        uint64_t nsec = get64(from + 17 + 16 * i);
        if (nsec > 999999999)
            return -EINVAL;
        t[i] = (struct timespec){.tv_sec = (int64_t)get64(from + 9 + 16 * i), .tv_nsec = (long)nsec};
    }
    *ret = (struct mdata){.ctime = t[0], .mtime = t[1], .atime = t[2]};
    return 0;
}

static bool later(const struct timespec *a, const struct timespec *than)
{
    return a->tv_sec != than->tv_sec ? a->tv_sec > than->tv_sec : a->tv_nsec > than->tv_nsec;
}

static bool forward(struct timespec *t, const struct timespec *with)
{
    if (!later(with, t))
        return false;
    *t = *with;
    return true;
}

bool mdata_forward(struct mdata *m, const struct mdata *with)
{
    bool a = forward(&m->atime, &with->atime), b = forward(&m->mtime, &with->mtime), c = forward(&m->ctime, &with->ctime);
    return a || b || c;
}

static int mdata_read(struct obj *o, struct mdata *ret)
{
    uint8_t raw[MDATA_SIZE + 1];
    ssize_t n = obj_getxattr(o, XATTR_MDATA, raw, sizeof(raw));
    if (n < 0)
        return n == -ERANGE ? -EINVAL : (int)n;
    return mdata_decode(raw, (size_t)n, ret);
}

/* node->lock is held. What cannot be read for another reason than absence stays unknown. */
static void mdata_load_locked(struct obj *o)
{
    struct pnode *n = o->node;
    if (n->mdata_state != MDATA_UNKNOWN)
        return;
    int r = mdata_read(o, &n->mdata);
    if (r == 0)
        n->mdata_state = MDATA_PRESENT;
    else if (r == -ENODATA || r == -EOPNOTSUPP || r == -EINVAL)
        n->mdata_state = MDATA_ABSENT;
}

int mdata_try(struct posix *p, struct pnode *n, struct mdata *ret)
{
    if (!LIVE(p, ctime))
        return 0;
    if (pthread_mutex_trylock(&n->lock) != 0)
        return -EAGAIN;
    int r = n->mdata_state == MDATA_UNKNOWN ? -EAGAIN : n->mdata_state == MDATA_PRESENT;
    *ret = n->mdata;
    pthread_mutex_unlock(&n->lock);
    return r;
}

bool mdata_get(struct obj *o, struct mdata *ret)
{
    if (!LIVE(o->p, ctime))
        return false;
    if (!o->node)
        return mdata_read(o, ret) == 0;
    SCOPED_LOCK(&o->node->lock);
    mdata_load_locked(o);
    if (o->node->mdata_state != MDATA_PRESENT)
        return false;
    *ret = o->node->mdata;
    return true;
}

static int mdata_write_locked(struct obj *o)
{
    uint8_t raw[MDATA_SIZE];
    mdata_encode(&o->node->mdata, raw);
    int r = obj_setxattr(o, XATTR_MDATA, raw, sizeof(raw), 0);
    if (r == 0) {
        o->node->mdata_state = MDATA_PRESENT;
        return 0;
    }
    char text[GFID_TEXT];
    o->node->mdata_state = MDATA_UNKNOWN; /* what is on disk counts */
    log_warning(o->p->xl->name, "gfid %s: times cannot be stored: %s", gfid_text(o->gfid, text), strerror(-r));
    return r;
}

static bool cred_time(const struct cred *c, struct timespec *ret)
{
    if (c->time_nsec > 999999999)
        return false;
    *ret = (struct timespec){.tv_sec = (int64_t)c->time_sec, .tv_nsec = (long)c->time_nsec};
    return true;
}

void mdata_touch(struct obj *o, const struct cred *c, uint32_t flags)
{
    struct timespec now;
    flags &= TIME_CTIME | TIME_MTIME | TIME_ATIME;
    if (!LIVE(o->p, ctime) || !flags || !o->node || !cred_time(c, &now))
        return;
    SCOPED_LOCK(&o->node->lock);
    mdata_load_locked(o);
    struct mdata *m = &o->node->mdata;
    bool changed = false;
    if (o->node->mdata_state != MDATA_PRESENT) {
        *m = (struct mdata){now, now, now};
        changed = true;
    } else {
        if (flags & TIME_CTIME)
            changed |= forward(&m->ctime, &now);
        if (flags & TIME_MTIME)
            changed |= forward(&m->mtime, &now);
        if (flags & TIME_ATIME)
            changed |= forward(&m->atime, &now);
    }
    if (changed)
        mdata_write_locked(o);
}

void mdata_touch_parent(struct obj *dir, const struct cred *c)
{
    mdata_touch(dir, c, c->time_flags >> 3);
}

void mdata_birth(struct obj *o, const struct cred *c)
{
    if (!o->node)
        return;
    pthread_mutex_lock(&o->node->lock);
    if (o->node->mdata_state == MDATA_UNKNOWN)
        o->node->mdata_state = MDATA_ABSENT;
    pthread_mutex_unlock(&o->node->lock);
    mdata_touch(o, c, c->time_flags);
}

int mdata_merge(struct obj *o, const struct mdata *with)
{
    if (!LIVE(o->p, ctime))
        return 0;
    if (!o->node)
        return -EINVAL;
    SCOPED_LOCK(&o->node->lock);
    mdata_load_locked(o);
    if (o->node->mdata_state == MDATA_PRESENT) {
        if (!mdata_forward(&o->node->mdata, with))
            return 0;
    } else {
        o->node->mdata = *with;
    }
    return mdata_write_locked(o);
}

void iatt_of_stat(const struct stat *st, gfid_t g, const struct mdata *times, struct iatt *ret)
{
    *ret = (struct iatt){
        .gfid = g,
        .ino = gfid_ino(g),
        .dev = st->st_dev,
        .rdev = S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode) ? (uint64_t)major(st->st_rdev) << 32 | minor(st->st_rdev) : 0,
        .size = (uint64_t)st->st_size,
        /* Preallocated space is not told, as with stock: clients take more blocks than bytes for a mistake. */
        .blocks = min_of((uint64_t)st->st_blocks, ((uint64_t)st->st_size + 511) / 512),
        .atime = st->st_atim.tv_sec,
        .atime_nsec = (uint32_t)st->st_atim.tv_nsec,
        .mtime = st->st_mtim.tv_sec,
        .mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
        .ctime = st->st_ctim.tv_sec,
        .ctime_nsec = (uint32_t)st->st_ctim.tv_nsec,
        /* The handle is no link that users have made. */
        .nlink = (uint32_t)(S_ISDIR(st->st_mode) || st->st_nlink == 0 ? st->st_nlink : st->st_nlink - 1),
        .uid = st->st_uid,
        .gid = st->st_gid,
        .blksize = (uint32_t)st->st_blksize,
        .mode = st->st_mode,
    };
    if (times) {
        ret->atime = times->atime.tv_sec;
        ret->atime_nsec = (uint32_t)times->atime.tv_nsec;
        ret->mtime = times->mtime.tv_sec;
        ret->mtime_nsec = (uint32_t)times->mtime.tv_nsec;
        ret->ctime = times->ctime.tv_sec;
        ret->ctime_nsec = (uint32_t)times->ctime.tv_nsec;
    }
}

void obj_iatt(struct obj *o, struct iatt *ret)
{
    struct mdata m;
    iatt_of_stat(&o->st, o->gfid, mdata_get(o, &m) ? &m : NULL, ret);
}

bool obj_iatt_try(struct obj *o, struct iatt *ret)
{
    struct mdata m;
    int has = mdata_try(o->p, o->node, &m);
    if (has >= 0)
        iatt_of_stat(&o->st, o->gfid, has ? &m : NULL, ret);
    return has >= 0;
}

int obj_iatt_now(struct obj *o, struct iatt *ret)
{
    int r = obj_restat(o);
    if (r == 0)
        obj_iatt(o, ret);
    return r;
}

mode_t mode_for_file(const struct posix *p, mode_t mode)
{
    return (mode & 07000) | (mode & 0777 & LIVE(p, create_mask)) | LIVE(p, force_create_mode);
}

mode_t mode_for_dir(const struct posix *p, mode_t mode)
{
    return (mode & 07000) | (mode & 0777 & LIVE(p, create_directory_mask)) | LIVE(p, force_directory_mode);
}

/* ---- operations ---- */

int op_stat(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = obj_of_fop(p, fop, &o);
    if (r < 0)
        return r;
    obj_iatt(&o, &fop->out.stat);
    xdata_reply(p, fop, &o, fop->op == FOP_STAT);
    return 0;
}

/* Attributes of what is open are in memory; a name has to be looked for, and what xdata asks for to be read. */
int op_stat_try(struct posix *p, struct fop *fop)
{
    struct pfd *f = fop->fd ? pfd_of(p, fop->fd) : NULL;
    if (!f || f->fd < 0 || dict_count(fop->xdata))
        return -EAGAIN;
    struct mdata m;
    int has = mdata_try(p, f->node, &m);
    if (has < 0)
        return has;
    struct stat st;
    if (fstat(f->fd, &st) < 0)
        return -errno;
    iatt_of_stat(&st, fop->fd->inode->gfid, has ? &m : NULL, &fop->out.stat);
    return 0;
}

int op_access(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int r = obj_of_inode(p, fop->loc.inode, &o);
    return r < 0 ? r : obj_access(&o, (int)(fop->in.access.mask & 7));
}

/* Times given by the caller. What is absent keeps the file system's time, as with stock (spec brick 2.6). */
static int set_times(struct obj *o, const struct iatt *st, int32_t valid, const struct cred *c)
{
    bool a = valid & (SET_ATIME | SET_ATIME_NOW), m = valid & (SET_MTIME | SET_MTIME_NOW);
    if ((a && st->atime_nsec > 999999999) || (m && st->mtime_nsec > 999999999))
        return -EINVAL;
    struct timespec at = {.tv_sec = st->atime, .tv_nsec = st->atime_nsec}, mt = {.tv_sec = st->mtime, .tv_nsec = st->mtime_nsec};
    struct timespec ts[2] = {a ? at : o->st.st_atim, m ? mt : o->st.st_mtim};
    int r = obj_utimes(o, ts);
    if (r < 0 || !LIVE(o->p, ctime) || !o->node)
        return r;
    SCOPED_LOCK(&o->node->lock);
    mdata_load_locked(o);
    if (o->node->mdata_state != MDATA_PRESENT)
        return 0;
    if (a)
        o->node->mdata.atime = at;
    if (m)
        o->node->mdata.mtime = mt;
    struct timespec now;
    if (cred_time(c, &now)) /* whatever the flags say, as with stock; a client that sends no time sends 0 */
        forward(&o->node->mdata.ctime, &now);
    mdata_write_locked(o);
    return 0;
}

static void set_ctime(struct obj *o, const struct iatt *st)
{
    if (!LIVE(o->p, ctime) || !o->node || st->ctime_nsec > 999999999)
        return;
    struct timespec t = {.tv_sec = st->ctime, .tv_nsec = st->ctime_nsec};
    SCOPED_LOCK(&o->node->lock);
    mdata_load_locked(o);
    if (o->node->mdata_state == MDATA_PRESENT && forward(&o->node->mdata.ctime, &t))
        mdata_write_locked(o);
}

int op_setattr(struct posix *p, struct fop *fop)
{
    const struct iatt *st = &fop->in.setattr.stat;
    int32_t valid = fop->in.setattr.valid;
    OBJ(o);
    int r = obj_of_fop(p, fop, &o);
    if (r < 0)
        return r;
    obj_iatt(&o, &fop->out.pre);
    if (valid & (SET_UID | SET_GID) || valid == 0)
        r = obj_chown(&o, valid & SET_UID ? st->uid : (uid_t)-1, valid & SET_GID ? st->gid : (gid_t)-1);
    if (r == 0 && valid & SET_MODE) {
        mode_t mode = st->mode & 07777;
        r = obj_chmod(&o, S_ISDIR(o.st.st_mode) && fop->op == FOP_SETATTR ? mode_for_dir(p, mode) : mode_for_file(p, mode));
    }
    if (r == 0 && valid & (SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW))
        r = set_times(&o, st, valid, &fop->cred);
    if (r == 0 && valid & SET_CTIME)
        set_ctime(&o, st);
    if (r < 0)
        return r;
    /* Given times have their own rule: without a record none is made, or it would hide them. */
    if (!(valid & (SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW)))
        mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    r = obj_iatt_now(&o, &fop->out.post);
    if (r == 0)
        xdata_reply(p, fop, &o, false);
    return r;
}
