/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* move.c: RENAME and LINK (spec brick 2.4).
 *
 * A directory's handle is taken away before it moves and made again after: a crash between leaves none, which the next lookup
 * repairs; a wrong one would stay for good. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "posix.h"

struct move {
    struct posix *p;
    struct fop *fop;
    struct obj from, to;      /* the parents */
    struct obj src, victim;   /* victim.kind OBJ_NONE: there is none */
    const char *old, *new;
    gfid_t from_gfid, to_gfid;
};

static void move_done(struct move *m)
{
    obj_done(&m->from);
    obj_done(&m->to);
    obj_done(&m->src);
    obj_done(&m->victim);
}

static bool same_object(const struct obj *a, const struct obj *b)
{
    return a->st.st_ino == b->st.st_ino && a->st.st_dev == b->st.st_dev;
}

/* Distribute renames over a directory only when it is the one that it knows. */
static int victim_allowed(struct move *m)
{
    if (m->victim.kind == OBJ_NONE || !S_ISDIR(m->victim.st.st_mode))
        return 0;
    struct inode *known = m->fop->loc2.inode;
    return known && gfid_equal(known->gfid, m->victim.gfid) ? 0 : -EEXIST;
}

static int move_dir(struct move *m)
{
    struct posix *p = m->p;
    pthread_rwlock_wrlock(&p->moving);
    if (!gfid_is_null(m->src.gfid))
        handle_unlink(p, m->src.gfid);
    int r = renameat(m->from.fd, m->old, m->to.fd, m->new) < 0 ? -errno : 0;
    if (!gfid_is_null(m->src.gfid)) {
        int h = r == 0 ? handle_link_dir(p, m->src.gfid, m->to_gfid, m->new) : handle_link_dir(p, m->src.gfid, m->from_gfid, m->old);
        if (h < 0)
            log_warning(p->xl->name, "rename of directory %s: handle cannot be made: %s", m->old, strerror(-h));
    }
    if (r == 0 && m->victim.kind != OBJ_NONE && !gfid_is_null(m->victim.gfid) && !same_object(&m->src, &m->victim))
        handle_unlink(p, m->victim.gfid);
    pthread_rwlock_unlock(&p->moving);
    return r;
}

static int move_file(struct move *m)
{
    struct posix *p = m->p;
    struct obj *v = &m->victim;
    if (v->kind != OBJ_NONE && same_object(&m->src, v)) /* two names of one object: nothing happens */
        return renameat(m->from.fd, m->old, m->to.fd, m->new) < 0 ? -errno : 0;
    bool replaces = v->kind != OBJ_NONE && !S_ISDIR(v->st.st_mode);
    pthread_mutex_t *held = replaces ? link_lock(p, v->gfid) : NULL;
    if (held)
        pthread_mutex_lock(held);
    gfid2path_add(&m->src, m->to_gfid, m->new);
    int r = renameat(m->from.fd, m->old, m->to.fd, m->new) < 0 ? -errno : 0;
    if (r < 0) {
        gfid2path_remove(&m->src, m->to_gfid, m->new);
    } else {
        gfid2path_remove(&m->src, m->from_gfid, m->old);
        if (replaces && obj_restat(v) == 0) {
            v->st.st_nlink++; /* as it was with the name */
            victim_handle(p, v, m->to_gfid, m->new);
        }
    }
    if (held)
        pthread_mutex_unlock(held);
    if (r == 0 && !gfid_equal(m->from_gfid, m->to_gfid)) {
        SCOPED_LOCK(link_lock(p, m->src.gfid)); /* after the victim's, which may be the same stripe */
        pgfid_count(&m->src, m->from_gfid, -1);
        pgfid_count(&m->src, m->to_gfid, 1);
    }
    return r;
}

static int move_start(struct posix *p, struct fop *fop, struct move *m)
{
    *m = (struct move){.p = p, .fop = fop, .old = fop->loc.name, .new = fop->loc2.name};
    if (!fop->loc.parent || !fop->loc2.parent)
        return -EINVAL;
    m->from_gfid = fop->loc.parent->gfid;
    m->to_gfid = fop->loc2.parent->gfid;
    int r = name_check(p, m->from_gfid, m->old);
    if (r == 0)
        r = name_check(p, m->to_gfid, m->new);
    if (r == 0)
        r = obj_of_dir(p, fop->loc.parent, &m->from);
    if (r == 0)
        r = obj_of_dir(p, fop->loc2.parent, &m->to);
    if (r == 0) {
        obj_iatt(&m->from, &fop->out.pre);
        obj_iatt(&m->to, &fop->out.pre2);
    }
    return r;
}

static int move_locked(struct move *m)
{
    struct posix *p = m->p;
    int r = obj_of_entry(p, m->from.fd, m->old, &m->src);
    if (r < 0)
        return r;
    r = obj_of_entry(p, m->to.fd, m->new, &m->victim);
    if (r == -ENOENT)
        obj_done(&m->victim);
    else if (r < 0)
        return r;
    r = victim_allowed(m);
    if (r == 0)
        r = obj_know_inode(&m->src, true);
    if (r < 0)
        return r;
    obj_know_inode(&m->victim, false);
    r = S_ISDIR(m->src.st.st_mode) ? move_dir(m) : move_file(m);
    if (r < 0)
        return r == -EEXIST && m->victim.kind != OBJ_NONE && S_ISDIR(m->victim.st.st_mode) ? -ENOTEMPTY : r;
    struct obj *v = &m->victim;
    if (v->kind != OBJ_NONE && !same_object(&m->src, v) && (S_ISDIR(v->st.st_mode) || v->st.st_nlink <= 2))
        victim_gone(p, v);
    return 0;
}

int op_rename(struct posix *p, struct fop *fop)
{
    CLEANUP(move_done) struct move m;
    int r = move_start(p, fop, &m);
    if (r < 0)
        return r;
    pthread_mutex_t *a = name_lock(p, m.from_gfid, m.old), *b = name_lock(p, m.to_gfid, m.new);
    pthread_mutex_lock(a < b ? a : b);
    if (a != b)
        pthread_mutex_lock(a < b ? b : a);
    r = move_locked(&m);
    if (a != b)
        pthread_mutex_unlock(a < b ? b : a);
    pthread_mutex_unlock(a < b ? a : b);
    if (r < 0)
        return r;
    mdata_touch(&m.src, &fop->cred, fop->cred.time_flags);
    mdata_touch_parent(&m.from, &fop->cred);
    if (!same_object(&m.from, &m.to))
        mdata_touch_parent(&m.to, &fop->cred);
    r = obj_iatt_now(&m.src, &fop->out.stat);
    if (r == 0)
        r = obj_iatt_now(&m.from, &fop->out.post);
    if (r == 0)
        r = obj_iatt_now(&m.to, &fop->out.post2);
    if (r < 0)
        return r;
    uint64_t links = m.victim.kind == OBJ_NONE || same_object(&m.src, &m.victim) || S_ISDIR(m.victim.st.st_mode)
                         ? 0
                         : (uint64_t)m.victim.st.st_nlink - 1;
    if (dict_find(fop->xdata, "get-link-count") && fop_xdata_out(fop))
        dict_set_u64(fop->xdata_out, "get-link-count", links);
    if (dict_find(fop->xdata, "gf_request_link_count") && fop_xdata_out(fop))
        dict_set_u64(fop->xdata_out, "gf_response_link_count", links);
    return 0;
}

int op_link(struct posix *p, struct fop *fop)
{
    OBJ(dir);
    OBJ(src);
    const char *name = fop->loc2.name;
    if (!fop->loc2.parent || !fop->loc.inode)
        return -EINVAL;
    gfid_t parent = fop->loc2.parent->gfid;
    int r = name_check(p, parent, name);
    if (r == 0)
        r = space_check(p, fop);
    if (r == 0)
        r = obj_of_dir(p, fop->loc2.parent, &dir);
    if (r == 0)
        r = obj_of_inode(p, fop->loc.inode, &src);
    if (r < 0)
        return r;
    if (S_ISDIR(src.st.st_mode)) /* its handle is a symlink: linking that would make something else */
        return -EPERM;
    obj_iatt(&dir, &fop->out.pre);
    {
        SCOPED_LOCK(name_lock(p, parent, name));
        entry_force_replace(p, fop, &dir, name); /* before the other stripe is taken: it takes one itself */
        SCOPED_LOCK(link_lock(p, src.gfid));
        r = obj_restat(&src);
        if (r < 0)
            return r;
        int64_t max = LIVE(p, max_hardlinks);
        if (max && src.st.st_nlink > (uint64_t)max)
            return -EMLINK;
        if (src.fd == p->unlink_fd) /* no name and no handle: it is gone for LINK */
            return -ENOENT;
        if (linkat(src.fd, src.name, dir.fd, name, 0) < 0)
            return -errno;
        pgfid_count(&src, parent, 1);
        gfid2path_add(&src, parent, name);
    }
    mdata_touch(&src, &fop->cred, fop->cred.time_flags);
    mdata_touch_parent(&dir, &fop->cred);
    r = obj_iatt_now(&src, &fop->out.stat);
    return r < 0 ? r : obj_iatt_now(&dir, &fop->out.post);
}
