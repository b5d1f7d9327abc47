/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* entry.c: new objects: CREATE, MKNOD, MKDIR, SYMLINK (spec brick 2.4).
 *
 * The common way: system call, owner, xattrs given in xdata, back reference, gfid, handle, attributes, times. When a step that
 * counts fails the entry is taken away again. The name's stripe is held, so nobody sees or removes it half made. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "posix.h"

struct birth {
    struct posix *p;
    struct fop *fop;
    struct obj dir;
    const char *name;
    gfid_t parent, gfid;
    mode_t dir_mode;
    pthread_mutex_t *held;
};

static void birth_done(struct birth *b)
{
    if (b->held)
        pthread_mutex_unlock(b->held);
    obj_done(&b->dir);
}

static int gfid_asked(const struct fop *fop, gfid_t *ret)
{
    gfid_t g;
    /* Nobody else is ever the root. */
    if (dict_get_gfid(fop->xdata, "gfid-req", &g) < 0 || gfid_is_null(g) || gfid_is_root(g))
        return -EINVAL;
    *ret = g;
    return 0;
}

/* Distribute tells what it believes the parent's layout to be (spec wire 6.3.4). */
static int layout_check(struct birth *b)
{
    const char *key;
    if (!dict_find(b->fop->xdata, "glusterfs.preop.parent.key"))
        return 0;
    const struct dict_pair *want = NULL;
    if (dict_get_text(b->fop->xdata, "glusterfs.preop.parent.key", &key) == 0)
        want = dict_find(b->fop->xdata, key);
    XVALUE(is);
    char text[32];
    size_t len = 0;
    const void *bytes = want ? pair_bytes(want, text, &len) : NULL;
    if (bytes && obj_value(&b->dir, key, &is) == 0 && is.len == len && !memcmp(is.at, bytes, len))
        return 0;
    struct dict *out = fop_xdata_out(b->fop);
    if (out)
        dict_set_i64(out, "glusterfs.preop.check.failed", 1);
    return -EIO;
}

static int birth_start(struct posix *p, struct fop *fop, struct birth *b)
{
    *b = (struct birth){.p = p, .fop = fop, .name = fop->loc.name, .dir = {.kind = OBJ_NONE, .fd = -1}};
    if (!fop->loc.parent)
        return -EINVAL;
    b->parent = fop->loc.parent->gfid;
    int r = name_check(p, b->parent, b->name);
    if (r == 0)
        r = gfid_asked(fop, &b->gfid);
    if (r == 0)
        r = space_check(p, fop);
    if (r == 0)
        r = obj_of_dir(p, fop->loc.parent, &b->dir);
    if (r < 0)
        return r;
    b->dir_mode = b->dir.st.st_mode;
    obj_iatt(&b->dir, &fop->out.pre);
    b->held = name_lock(p, b->parent, b->name);
    pthread_mutex_lock(b->held);
    return 0;
}

/* A set-gid parent hands down its group. Nothing to do when o->st says so already. */
static int owner_set(struct birth *b, struct obj *o, mode_t mode)
{
    uid_t uid = b->fop->cred.uid;
    gid_t gid = b->dir_mode & S_ISGID ? b->dir.st.st_gid : b->fop->cred.gid;
    if (o->st.st_uid == uid && o->st.st_gid == gid)
        return 0;
    int r = obj_chown(o, uid, gid);
    if (r == 0 && mode & (S_ISUID | S_ISGID) && !S_ISLNK(o->st.st_mode)) /* which chown takes away */
        r = obj_chmod(o, mode & 07777);
    return r;
}

/* The new object's identity and attributes; o->st is what the file system gave it. */
static int birth_object(struct birth *b, struct obj *o, mode_t mode)
{
    struct posix *p = b->p;
    int r = owner_set(b, o, mode);
    if (r < 0)
        return r;
    birth_xattrs(o, b->fop->xdata);
    pgfid_count(o, b->parent, 1);
    gfid2path_add(o, b->parent, b->name);
    r = obj_setxattr(o, XATTR_GFID, b->gfid.b, sizeof(b->gfid.b), XATTR_CREATE);
    if (r < 0)
        return r;
    o->gfid = b->gfid;
    r = S_ISDIR(o->st.st_mode) ? handle_link_dir(p, b->gfid, b->parent, b->name) : handle_link(p, b->gfid, o->fd);
    if (r < 0)
        return r;
    r = obj_know_inode(o, true);
    if (r < 0) {
        handle_unlink(p, b->gfid);
        return r;
    }
    atomic_store(&o->node->handle_checked, true);
    mdata_birth(o, &b->fop->cred);
    r = obj_restat(o);
    if (r == 0)
        r = owner_set(b, o, mode); /* a guess was wrong (mount option grpid): rare */
    obj_iatt(o, &b->fop->out.stat);
    return r;
}

static void birth_undo(struct birth *b, int unlink_flags)
{
    if (unlinkat(b->dir.fd, b->name, unlink_flags) < 0)
        log_warning(b->p->xl->name, "%s: half-made entry cannot be removed: %m", b->name);
}

/* Parent's side, and the inode for the reply. */
static int birth_finish(struct birth *b, struct obj *o)
{
    mdata_touch_parent(&b->dir, &b->fop->cred);
    int r = obj_iatt_now(&b->dir, &b->fop->out.post);
    if (r < 0)
        return r;
    b->fop->out.inode = inode_ref(o->inode);
    return 0;
}

/* The name was made by a call that gives no descriptor. */
static int birth_by_name(struct birth *b, mode_t mode, int unlink_flags)
{
    OBJ(o);
    int r = obj_of_entry(b->p, b->dir.fd, b->name, &o);
    if (r == 0 && S_ISDIR(o.st.st_mode) && mode & (S_ISGID | S_ISUID)) /* mkdir(2) leaves them out */
        r = obj_chmod(&o, mode);
    if (r == 0)
        r = birth_object(b, &o, mode);
    if (r < 0) {
        birth_undo(b, unlink_flags);
        return r;
    }
    return birth_finish(b, &o);
}

/* MKNOD of distribute and of healing: the object may exist already, by its handle or unlinked and open. */
static int relink(struct birth *b, struct obj *o)
{
    struct posix *p = b->p;
    char name[HANDLE_NAME];
    struct stat st;
    handle_name(b->gfid, name);
    SCOPED_LOCK(link_lock(p, b->gfid));
    int r = handle_stat(p, b->gfid, &st);
    if (r == 0) {
        if (handle_is_dir(&st))
            return -EISDIR;
        if (linkat(handle_dir(p, b->gfid), name, b->dir.fd, b->name, 0) < 0)
            return -errno;
    } else {
        if (fstatat(p->unlink_fd, name + 3, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        if (linkat(p->unlink_fd, name + 3, b->dir.fd, b->name, 0) < 0)
            return -errno;
        if (renameat(p->unlink_fd, name + 3, handle_dir(p, b->gfid), name) < 0)
            return -errno;
        struct inode *in = inode_find(p->graph->inodes, b->gfid);
        struct pnode *n = in ? pnode_of(p, in) : NULL;
        if (n) {
            pthread_mutex_lock(&n->lock);
            n->unlinked = false;
            pthread_mutex_unlock(&n->lock);
        }
        inode_unref(in);
    }
    r = obj_of_entry(p, b->dir.fd, b->name, o);
    if (r == 0) {
        pgfid_count(o, b->parent, 1);
        gfid2path_add(o, b->parent, b->name);
    }
    return r;
}

/* force-replace: a distribute link file in the way is taken away. */
int entry_force_replace(struct posix *p, struct fop *fop, struct obj *dir, const char *name)
{
    OBJ(old);
    if (!dict_find(fop->xdata, "force-replace"))
        return -EEXIST;
    if (obj_of_entry(p, dir->fd, name, &old) < 0 || !S_ISREG(old.st.st_mode) || (old.st.st_mode & 07777) != S_ISVTX)
        return -EEXIST;
    if (unlinkat(dir->fd, name, 0) < 0)
        return -errno;
    if (!gfid_is_null(old.gfid)) {
        SCOPED_LOCK(link_lock(p, old.gfid));
        if (old.st.st_nlink <= 2)
            handle_unlink(p, old.gfid);
    }
    return 0;
}

int op_mknod(struct posix *p, struct fop *fop)
{
    CLEANUP(birth_done) struct birth b;
    OBJ(o);
    int r = birth_start(p, fop, &b);
    if (r < 0)
        return r;
    if (dict_find(fop->xdata, "glusterfs-internal-fop") && relink(&b, &o) == 0) {
        r = obj_know_inode(&o, true);
        if (r == 0) {
            mdata_touch(&o, &fop->cred, fop->cred.time_flags);
            r = obj_iatt_now(&o, &fop->out.stat);
        }
        return r < 0 ? r : birth_finish(&b, &o);
    }
    obj_done(&o);
    mode_t type = fop->in.mknod.mode & S_IFMT ? fop->in.mknod.mode & S_IFMT : S_IFREG;
    mode_t mode = mode_for_file(p, fop->in.mknod.mode & 07777);
    dev_t dev = type == S_IFBLK || type == S_IFCHR ? (dev_t)fop->in.mknod.rdev : 0;
    if (type != S_IFREG && type != S_IFBLK && type != S_IFCHR && type != S_IFIFO && type != S_IFSOCK)
        return -EINVAL;
    if (mknodat(b.dir.fd, b.name, type | mode, dev) < 0) {
        if (errno != EEXIST)
            return -errno;
        r = entry_force_replace(p, fop, &b.dir, b.name);
        if (r < 0)
            return r;
        if (mknodat(b.dir.fd, b.name, type | mode, dev) < 0)
            return -errno;
    }
    return birth_by_name(&b, mode, 0);
}

int op_symlink(struct posix *p, struct fop *fop)
{
    CLEANUP(birth_done) struct birth b;
    int r = birth_start(p, fop, &b);
    if (r < 0)
        return r;
    if (!fop->in.symlink.target)
        return -EINVAL;
    if (symlinkat(fop->in.symlink.target, b.dir.fd, b.name) < 0)
        return -errno;
    return birth_by_name(&b, 0, 0);
}

/* The directory with this gfid may exist under another name (an interrupted rename, healing): the new one takes its handle over. */
static int mkdir_gfid_free(struct birth *b)
{
    OBJ(old);
    if (obj_of_entry(b->p, b->dir.fd, b->name, &old) == 0)
        return -EEXIST;
    struct stat st;
    if (handle_stat(b->p, b->gfid, &st) < 0)
        return 0;
    if (!handle_is_dir(&st))
        return -EEXIST; /* another kind of object */
    if (handle_dir_says(b->p, b->gfid, b->parent, b->name))
        return 0;
    char text[GFID_TEXT];
    log_warning(b->p->xl->name, "mkdir %s: gfid %s has been a directory elsewhere", b->name, gfid_text(b->gfid, text));
    pthread_rwlock_wrlock(&b->p->moving);
    int r = handle_unlink(b->p, b->gfid);
    pthread_rwlock_unlock(&b->p->moving);
    return r;
}

int op_mkdir(struct posix *p, struct fop *fop)
{
    CLEANUP(birth_done) struct birth b;
    int r = birth_start(p, fop, &b);
    if (r == 0)
        r = layout_check(&b);
    if (r == 0)
        r = mkdir_gfid_free(&b);
    if (r < 0)
        return r;
    mode_t mode = mode_for_dir(p, fop->in.mkdir.mode & 07777);
    if (b.dir_mode & S_ISGID)
        mode |= S_ISGID;
    if (mkdirat(b.dir.fd, b.name, mode) < 0)
        return -errno;
    return birth_by_name(&b, mode, AT_REMOVEDIR);
}

/* What an open passes on to the file system. */
int open_flags(const struct posix *p, int flags)
{
    return (flags & (O_ACCMODE | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_NOATIME)) |
           (p->o_direct ? O_DIRECT : 0) | O_LARGEFILE | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
}

/* The name exists and nobody asked for a new one: it is opened as it is. */
static int create_existing(struct birth *b, int flags)
{
    OBJ(o);
    int r = obj_of_entry(b->p, b->dir.fd, b->name, &o);
    if (r < 0)
        return r;
    if (gfid_is_null(o.gfid))
        return -ENODATA;
    int fd = obj_open(&o, flags & ~O_NOFOLLOW);
    if (fd < 0)
        return fd;
    r = obj_know_inode(&o, true);
    if (r == 0)
        r = obj_iatt_now(&o, &b->fop->out.stat);
    if (r < 0) {
        close(fd);
        return r;
    }
    r = pfd_bind(b->p, b->fop, o.inode, fd, b->fop->in.create.flags, false);
    if (r > 0)
        close(fd);
    return r < 0 ? r : birth_finish(b, &o);
}

int op_create(struct posix *p, struct fop *fop)
{
    CLEANUP(birth_done) struct birth b;
    OBJ(o);
    int r = birth_start(p, fop, &b);
    if (r < 0)
        return r;
    int want = fop->in.create.flags ? fop->in.create.flags | O_CREAT : O_CREAT | O_RDWR | O_EXCL;
    int flags = open_flags(p, want);
    mode_t mode = mode_for_file(p, fop->in.create.mode & 07777);
    if (dict_find(fop->xdata, "glusterfs.preop.parent.key")) {
        struct stat st;
        if (fstatat(b.dir.fd, b.name, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
            r = layout_check(&b);
        if (r < 0)
            return r;
    }
    int fd = openat(b.dir.fd, b.name, flags | O_CREAT | O_EXCL, mode);
    if (fd < 0 && errno == EEXIST && !(want & O_EXCL)) {
        r = create_existing(&b, flags);
    } else if (fd < 0) {
        return -errno;
    } else {
        /* What fstat() would say, without asking: we are root, and the link count is read at the end anyway. */
        o = (struct obj){.p = p, .kind = OBJ_FD, .fd = fd, .st = {.st_mode = S_IFREG | mode, .st_nlink = 1}};
        o.st.st_gid = b.dir_mode & S_ISGID ? b.dir.st.st_gid : 0;
        r = birth_object(&b, &o, mode);
        if (r < 0) {
            birth_undo(&b, 0);
            close(fd);
            return r;
        }
        r = pfd_bind(p, fop, o.inode, fd, fop->in.create.flags, false);
        if (r < 0) { /* the caller is told that there is none */
            handle_unlink(p, b.gfid);
            birth_undo(&b, 0);
            victim_gone(p, &o);
            return r;
        }
        bool rests = r > 0;
        r = birth_finish(&b, &o);
        if (rests)
            close(fd);
    }
    if (r == 0 && !fop->xdata_out) { /* stock sends back what it was sent */
        gfid_t g;
        struct dict *out = fop_xdata_out(fop);
        if (out && gfid_asked(fop, &g) == 0)
            dict_set_gfid(out, "gfid-req", g);
    }
    return r;
}
