/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* remove.c: UNLINK and RMDIR (spec brick 1.7, 1.8, 2.4). */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static int parent_start(struct posix *p, struct fop *fop, struct obj *dir)
{
    if (!fop->loc.parent)
        return -EINVAL;
    int r = name_check(p, fop->loc.parent->gfid, fop->loc.name);
    if (r == 0)
        r = obj_of_dir(p, fop->loc.parent, dir);
    if (r == 0)
        obj_iatt(dir, &fop->out.pre);
    return r;
}

int op_unlink(struct posix *p, struct fop *fop)
{
    OBJ(dir);
    OBJ(o);
    const char *name = fop->loc.name;
    int r = parent_start(p, fop, &dir);
    if (r < 0)
        return r;
    gfid_t parent = dir.gfid;

    SCOPED_LOCK(name_lock(p, parent, name));
    r = obj_of_entry(p, dir.fd, name, &o);
    if (r < 0)
        return r;
    if (S_ISDIR(o.st.st_mode))
        return -EISDIR;
    obj_know_inode(&o, false);
    struct iatt pre;
    uint32_t links;
    {
        SCOPED_LOCK(link_lock(p, o.gfid));
        r = obj_restat(&o);
        if (r == 0)
            r = unlink_allowed(fop, &o);
        if (r < 0)
            return r;
        obj_iatt(&o, &pre);
        links = pre.nlink;
        victim_handle(p, &o, parent, name);
        if (unlinkat(dir.fd, name, 0) < 0) {
            r = -errno;
            if (links <= 1 && !gfid_is_null(o.gfid)) /* the name stays, so must the handle */
                handle_link(p, o.gfid, o.fd);
            return r;
        }
    }
    if (links > 1)
        mdata_touch(&o, &fop->cred, fop->cred.time_flags);
    else
        victim_gone(p, &o);
    mdata_touch_parent(&dir, &fop->cred);
    r = obj_iatt_now(&dir, &fop->out.post);
    if (r == 0)
        unlink_reply(fop, &o, links, &pre);
    return r;
}

int op_rmdir(struct posix *p, struct fop *fop)
{
    OBJ(dir);
    OBJ(o);
    const char *name = fop->loc.name;
    int r = parent_start(p, fop, &dir);
    if (r < 0)
        return r;
    gfid_t parent = dir.gfid;

    SCOPED_LOCK(name_lock(p, parent, name));
    r = obj_of_entry(p, dir.fd, name, &o);
    if (r < 0)
        return r;
    if (!S_ISDIR(o.st.st_mode))
        return -ENOTDIR;
    obj_know_inode(&o, false);
    char text[GFID_TEXT];
    if (fop->in.rmdir.flags) { /* with all that is in it; the janitor does the work */
        gfid_t g = gfid_is_null(o.gfid) ? gfid_random() : o.gfid;
        r = renameat(dir.fd, name, p->landfill_fd, gfid_text(g, text)) < 0 ? -errno : 0;
    } else {
        r = unlinkat(dir.fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
    }
    if (r < 0)
        return r == -EEXIST ? -ENOTEMPTY : r;
    if (!gfid_is_null(o.gfid)) {
        pthread_rwlock_wrlock(&p->moving);
        if (handle_dir_says(p, o.gfid, parent, name))
            handle_unlink(p, o.gfid);
        pthread_rwlock_unlock(&p->moving);
    }
    victim_gone(p, &o);
    mdata_touch_parent(&dir, &fop->cred);
    return obj_iatt_now(&dir, &fop->out.post);
}
