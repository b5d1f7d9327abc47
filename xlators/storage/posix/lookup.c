/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lookup.c: LOOKUP, and the repair of gfid and handle that comes with it (spec brick 1.9). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "posix.h"

/* An object without gfid that is younger than a second may be one that its maker has not finished. With option ctime the time
 * is that of the record, and what has none is never young: stock's rule. */
static bool is_young(struct obj *o)
{
    struct timespec now, is = o->st.st_ctim;
    struct mdata m;
    clock_gettime(CLOCK_REALTIME, &now);
    if (LIVE(o->p, ctime)) {
        if (!mdata_get(o, &m))
            return false;
        is = m.ctime;
    }
    return is.tv_sec >= now.tv_sec || (is.tv_sec == now.tv_sec - 1 && is.tv_nsec > now.tv_nsec);
}

static int gfid_give(struct obj *o, const struct fop *fop)
{
    gfid_t g;
    if (dict_get_gfid(fop->xdata, "gfid-req", &g) < 0 || gfid_is_null(g) || gfid_is_root(g))
        return 0;
    int r = obj_setxattr(o, XATTR_GFID, g.b, sizeof(g.b), XATTR_CREATE);
    if (r == 0) {
        o->gfid = g;
        return 0;
    }
    ssize_t n = obj_getxattr(o, XATTR_GFID, g.b, sizeof(g.b)); /* somebody else was faster */
    if (n == sizeof(g.b))
        o->gfid = g;
    return 0;
}

/* The handle of a directory shows where it is, or where it was before somebody moved it by hand, or a crash came between the steps of
 * a rename. Stock leaves a wrong one, and walks paths; we reach directories by it alone, so it is made right. */
static void heal_dir(struct obj *dir, struct obj *o, gfid_t parent, const char *name)
{
    struct posix *p = o->p;
    struct stat st;
    if (handle_dir_says(p, o->gfid, parent, name))
        return;
    int fd = dir_open_gfid(p, o->gfid);
    if (fd >= 0) { /* two of them, or it was moved since we looked */
        close(fd);
        return;
    }
    if (fd != -ENOENT && fd != -ESTALE && fd != -EINVAL)
        return;
    pthread_rwlock_wrlock(&p->moving); /* RMDIR and RENAME change name and handle in one step */
    if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == o->st.st_ino && st.st_dev == o->st.st_dev) {
        char text[GFID_TEXT];
        if (handle_stat(p, o->gfid, &st) == 0 && handle_is_dir(&st) && handle_unlink(p, o->gfid) == 0)
            log_warning(p->xl->name, "directory %s (gfid %s): the handle led elsewhere, it is made again", name, gfid_text(o->gfid, text));
        handle_link_dir(p, o->gfid, parent, name);
    }
    pthread_rwlock_unlock(&p->moving);
}

/* First named lookup of an object that is not in memory. Its result does not decide over the lookup's. */
static int heal(struct obj *dir, struct obj *o, const struct fop *fop, gfid_t parent, const char *name)
{
    struct posix *p = o->p;
    if (gfid_is_null(o->gfid)) {
        if (is_young(o))
            return -ENOENT;
        gfid_give(o, fop);
        if (gfid_is_null(o->gfid))
            return 0;
    }
    if (S_ISDIR(o->st.st_mode)) {
        heal_dir(dir, o, parent, name);
        return 0;
    }
    struct stat st;
    SCOPED_LOCK(link_lock(p, o->gfid)); /* UNLINK takes handle and name away in one step */
    int r = handle_stat(p, o->gfid, &st);
    if (r == -ENOENT) {
        handle_link(p, o->gfid, o->fd);
        obj_restat(o);
    } else if (r == 0 && (st.st_ino != o->st.st_ino || st.st_dev != o->st.st_dev)) {
        char text[GFID_TEXT];
        log_warning(p->xl->name, "%s: gfid %s belongs to another object too", name, gfid_text(o->gfid, text));
    }
    return 0;
}

static int finish(struct posix *p, struct fop *fop, struct obj *o)
{
    obj_iatt(o, &fop->out.stat);
    if (o->inode)
        fop->out.inode = inode_ref(o->inode);
    xdata_reply(p, fop, o, true);
    return 0;
}

/* An object without gfid may be half made by a CREATE of ours, which holds the name's stripe: then wait and look again, and
 * give it one under the stripe if it still has none. */
static int find(struct posix *p, struct fop *fop, struct obj *dir, struct obj *o)
{
    const char *name = fop->loc.name;
    gfid_t parent = fop->loc.parent->gfid;
    int r = obj_of_entry(p, dir->fd, name, o);
    pthread_mutex_t *held = r == 0 && gfid_is_null(o->gfid) ? name_lock(p, parent, name) : NULL;
    if (held) {
        pthread_mutex_lock(held);
        obj_done(o);
        r = obj_of_entry(p, dir->fd, name, o);
    }
    if (r == 0) {
        obj_know_inode(o, false);
        if (fop->xdata && (!o->node || !atomic_load(&o->node->handle_checked)))
            r = heal(dir, o, fop, parent, name);
        if (r == 0 && LIVE(p, pgfid) && !gfid_is_null(o->gfid) && !S_ISDIR(o->st.st_mode)) {
            SCOPED_LOCK(link_lock(p, o->gfid));
            pgfid_count(o, parent, 0);
        }
    }
    if (held)
        pthread_mutex_unlock(held);
    return r;
}

static int lookup_named(struct posix *p, struct fop *fop)
{
    OBJ(dir);
    OBJ(o);
    const char *name = fop->loc.name;
    gfid_t parent = fop->loc.parent->gfid;
    if (!strcmp(name, ".") || !strcmp(name, ".."))
        return -ENODATA; /* as stock; mounts never send them */
    int r = name_check(p, parent, name);
    if (r == 0)
        r = obj_of_dir(p, fop->loc.parent, &dir);
    if (r < 0)
        return r;
    r = find(p, fop, &dir, &o);
    int64_t v = 0;
    if (r == 0 && gfid_is_null(o.gfid) && !(dict_get_i64(fop->xdata, "gfidless-lookup", &v) == 0 && v))
        r = -ENODATA;
    if (r == 0)
        r = obj_know_inode(&o, true);
    obj_iatt(&dir, &fop->out.post); /* told with ENOENT too */
    if (r < 0)
        return dir.st.st_nlink ? r : -ESTALE; /* the parent was removed while we had it open */
    if (o.node && fop->xdata)
        atomic_store(&o.node->handle_checked, true);
    if (dict_find(fop->xdata, "glusterfs.clean.writexattr"))
        obj_removexattr(&o, XATTR_PROTECT);
    return finish(p, fop, &o);
}

/* By gfid alone. What has no visible name any more is no object for LOOKUP. */
static int lookup_nameless(struct posix *p, struct fop *fop)
{
    OBJ(o);
    int64_t v = 0;
    bool want_unlinked = dict_get_i64(fop->xdata, "unlinked-lookup", &v) == 0 && v;
    int r = obj_of_inode(p, fop->loc.inode, &o);
    if (r == -ENOENT && want_unlinked && o.kind == OBJ_HANDLE) { /* of a former life of this process */
        memmove(o.name, o.name + 3, GFID_TEXT);
        o.fd = p->unlink_fd;
        r = obj_restat(&o);
    }
    if (r < 0)
        return r;
    if (o.kind == OBJ_HANDLE && o.fd == p->unlink_fd)
        return want_unlinked ? finish(p, fop, &o) : -ENOENT;
    if (o.kind == OBJ_HANDLE && o.st.st_nlink == 1) { /* all names are gone: a left-over handle */
        SCOPED_LOCK(link_lock(p, o.gfid));
        if (obj_restat(&o) == 0 && o.st.st_nlink == 1)
            handle_unlink(p, o.gfid);
        return -ENOENT;
    }
    return finish(p, fop, &o);
}

int op_lookup(struct posix *p, struct fop *fop)
{
    if (fop->loc.parent && fop->loc.name[0])
        return lookup_named(p, fop);
    return lookup_nameless(p, fop);
}
