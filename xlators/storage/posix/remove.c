/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* remove.c: UNLINK and RMDIR (spec brick 1.7, 1.8, 2.4). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "posix.h"

/* A non-directory is about to lose the name (parent, name): its handle goes with the last one, or, while somebody has it open, to
 * .glusterfs/unlink, where it can still be found by gfid. */
void victim_handle(struct posix *p, struct obj *o, gfid_t parent, const char *name)
{
    int r = 0;
    if (gfid_is_null(o->gfid))
        return;
    if (o->st.st_nlink > 2) {
        pgfid_count(o, parent, -1);
        gfid2path_remove(o, parent, name);
        return;
    }
    if (o->node) {
        SCOPED_LOCK(&o->node->lock);
        if (o->node->nr_fds) {
            r = handle_to_unlink_dir(p, o->gfid);
            o->node->unlinked = r == 0;
        } else {
            r = handle_unlink(p, o->gfid);
        }
        atomic_store(&o->node->handle_checked, false);
    } else {
        r = handle_unlink(p, o->gfid);
    }
    if (r < 0 && r != -ENOENT) {
        char text[GFID_TEXT];
        log_warning(p->xl->name, "gfid %s: handle cannot be removed: %s", gfid_text(o->gfid, text), strerror(-r));
    }
}

/* The object has no name any more. */
void victim_gone(struct posix *p, struct obj *o)
{
    if (!o->inode || !o->node)
        return;
    if (S_ISDIR(o->st.st_mode) || !node_fds(o->node))
        kept_drop(p, o->node);
    inode_drop(o->inode);
}

static int unlink_allowed(struct fop *fop, struct obj *o)
{
    int64_t v;
    if (dict_get_i64(fop->xdata, "dont-unlink-for-open-fd", &v) == 0 && v && node_fds(o->node))
        return -EBUSY;
    if (dict_get_i64(fop->xdata, "unlink-only-if-dht-linkto-file", &v) == 0 && v &&
        ((o->st.st_mode & 07777) != S_ISVTX || obj_getxattr(o, XATTR_LINKTO, NULL, 0) < 0))
        return -EBUSY;
    return 0;
}

static void unlink_reply(struct fop *fop, struct obj *o, uint32_t links, const struct iatt *pre)
{
    struct dict *out = fop_xdata_out(fop);
    if (!out)
        return;
    dict_set_u64(out, "get-link-count", dict_find(fop->xdata, "get-link-count") ? links : 0);
    if (!fop->xdata)
        return;
    if (dict_find(fop->xdata, "gf_request_link_count"))
        dict_set_u64(out, "gf_response_link_count", links);
    if (dict_find(fop->xdata, "gf_get_file_block_count"))
        dict_set_u64(out, "gf_get_file_block_count", (uint64_t)o->st.st_blocks);
    if (dict_find(fop->xdata, "dht-get-iatt-in-xattr") && S_ISREG(o->st.st_mode)) {
        struct iatt post;
        if (obj_iatt_now(o, &post) < 0)
            return;
        dict_set_iatt(out, "virt-gf-prestat", pre);
        dict_set_iatt(out, "virt-gf-poststat", &post);
        dict_set_iatt(out, "dht-get-iatt-in-xattr", &post);
    }
}

/* What goes, and where from. Its name's stripe is held: what the name means stays so. */
struct removal {
    struct obj dir, o;
    gfid_t parent;
    const char *name;
    pthread_mutex_t *held;
};

static void removal_done(struct removal *m)
{
    if (m->held)
        pthread_mutex_unlock(m->held);
    obj_done(&m->o);
    obj_done(&m->dir);
}

static int removal_start(struct posix *p, struct fop *fop, bool is_dir, struct removal *m)
{
    *m = (struct removal){.name = fop->loc.name, .dir = {.fd = -1}, .o = {.fd = -1}};
    if (!fop->loc.parent)
        return -EINVAL;
    m->parent = fop->loc.parent->gfid;
    int r = name_check(p, m->parent, m->name);
    if (r == 0)
        r = obj_of_dir(p, fop->loc.parent, &m->dir);
    if (r < 0)
        return r;
    obj_iatt(&m->dir, &fop->out.pre);
    m->held = name_lock(p, m->parent, m->name);
    pthread_mutex_lock(m->held);
    r = obj_of_entry(p, m->dir.fd, m->name, &m->o);
    if (r < 0)
        return r;
    if (S_ISDIR(m->o.st.st_mode) != is_dir)
        return is_dir ? -ENOTDIR : -EISDIR;
    return obj_know_inode(&m->o, false);
}

static int removal_finish(struct fop *fop, struct removal *m)
{
    mdata_touch_parent(&m->dir, &fop->cred);
    return obj_iatt_now(&m->dir, &fop->out.post);
}

struct free_later {
    struct posix *p;
    struct job job;
    int fd;
};

static void free_job(struct job *j)
{
    struct free_later *f = container_of(j, struct free_later, job);
    struct posix *p = f->p;
    close(f->fd);
    free(f);
    posix_own_done(p);
}

/* The descriptor through which o is known is the last thing that holds the file: closing it frees the space, which may take long. */
static void free_later(struct posix *p, struct obj *o)
{
    struct free_later *f = malloc(sizeof(*f));
    if (!f)
        return;
    *f = (struct free_later){.p = p, .fd = o->fd, .job = {.run = free_job, .class = CLASS_LEAST}};
    o->close_fd = false;
    posix_own_job(p, &f->job);
}

int op_unlink(struct posix *p, struct fop *fop)
{
    CLEANUP(removal_done) struct removal m;
    struct obj *o = &m.o;
    struct iatt pre;
    uint32_t links;
    int r = removal_start(p, fop, false, &m);
    if (r < 0)
        return r;
    {
        SCOPED_LOCK(link_lock(p, o->gfid));
        r = obj_restat(o);
        if (r == 0)
            r = unlink_allowed(fop, o);
        if (r < 0)
            return r;
        obj_iatt(o, &pre);
        links = pre.nlink;
        victim_handle(p, o, m.parent, m.name);
        if (unlinkat(m.dir.fd, m.name, 0) < 0) {
            r = -errno; /* the name stays, so must what leads to it */
            if (links > 1) {
                pgfid_count(o, m.parent, 1);
                gfid2path_add(o, m.parent, m.name);
            } else if (!gfid_is_null(o->gfid)) {
                handle_link(p, o->gfid, o->fd);
            }
            return r;
        }
    }
    if (links > 1)
        mdata_touch(o, &fop->cred, fop->cred.time_flags);
    else
        victim_gone(p, o);
    r = removal_finish(fop, &m);
    if (r == 0)
        unlink_reply(fop, o, links, &pre);
    if (links <= 1 && S_ISREG(o->st.st_mode) && p->background_unlink)
        free_later(p, o);
    return r;
}

int op_rmdir(struct posix *p, struct fop *fop)
{
    CLEANUP(removal_done) struct removal m;
    struct obj *o = &m.o;
    int r = removal_start(p, fop, true, &m);
    if (r < 0)
        return r;
    if (fop->in.rmdir.flags) { /* with all that is in it; the janitor does the work */
        char text[GFID_TEXT];
        gfid_t g = gfid_is_null(o->gfid) ? gfid_random() : o->gfid;
        r = renameat(m.dir.fd, m.name, p->landfill_fd, gfid_text(g, text)) < 0 ? -errno : 0;
    } else {
        r = unlinkat(m.dir.fd, m.name, AT_REMOVEDIR) < 0 ? -errno : 0;
    }
    if (r < 0)
        return r == -EEXIST ? -ENOTEMPTY : r;
    if (!gfid_is_null(o->gfid)) {
        pthread_rwlock_wrlock(&p->moving);
        if (handle_dir_says(p, o->gfid, m.parent, m.name))
            handle_unlink(p, o->gfid);
        pthread_rwlock_unlock(&p->moving);
    }
    victim_gone(p, o);
    return removal_finish(fop, &m);
}
