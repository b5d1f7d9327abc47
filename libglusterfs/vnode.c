/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Handles of objects and of open descriptors.
 *
 * A vnode is the context of an inode in a table of the volume's own, of a graph without storage: so handles are found by gfid,
 * counted and freed by the same code as the inodes of graphs. Such an inode is dropped from birth: it goes with its last reference.
 *
 * What a handle has of a graph is given up under its lock, by whoever finds a later graph there, or by vnode_sweep() before the graph
 * ends. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "volume-impl.h"

/* ---- objects ------------------------------------------------------------------------------------------------------------- */

static void forget(struct xlator *xl, struct inode *in, void *ctx)
{
    struct vnode *vn = ctx;

    inode_unref(vn->inode);
    while (vn->locks) {
        struct vlock *l = vn->locks;
        vn->locks = l->next;
        free(l);
    }
    pthread_mutex_destroy(&vn->lock);
    free(vn);
}

const struct xlator_type volume_handle_type = {.name = "volume/handles", .inode_slot = true, .forget = forget};

/* Takes over the reference on the handle. */
static struct vnode *vnode_of(struct volume *v, struct inode *handle)
{
    struct vnode *vn = handle ? inode_ctx(handle, &v->handle_xlator) : NULL, *won;

    if (vn || !handle)
        return vn;
    vn = calloc(1, sizeof(*vn));
    if (!vn) {
        inode_drop(handle);
        inode_unref(handle);
        return NULL;
    }
    vn->handle = handle;
    vn->volume = v;
    pthread_mutex_init(&vn->lock, NULL);
    won = inode_ctx_set(handle, &v->handle_xlator, vn);
    if (won != vn) {
        pthread_mutex_destroy(&vn->lock);
        free(vn);
    }
    inode_drop(handle);
    return won;
}

struct vnode *vnode_get(struct volume *v, gfid_t gfid)
{
    return gfid_is_null(gfid) ? NULL : vnode_of(v, inode_get(v->handles, gfid));
}

struct vnode *vnode_find(struct volume *v, gfid_t gfid)
{
    return gfid_is_null(gfid) ? NULL : vnode_of(v, inode_find(v->handles, gfid));
}

struct vnode *vnode_root(struct volume *v)
{
    return vnode_get(v, gfid_root);
}

struct vnode *vnode_ref(struct vnode *vn)
{
    inode_ref(vn->handle);
    return vn;
}

void vnode_unref(struct vnode *vn)
{
    if (vn)
        inode_unref(vn->handle);
}

gfid_t vnode_gfid(const struct vnode *vn)
{
    return vn->handle->gfid;
}

uint32_t vnode_type(const struct vnode *vn)
{
    return atomic_load_explicit(&vn->handle->type, memory_order_relaxed); /* only ever 0 -> type */
}

struct inode *vnode_inode(struct vnode *vn, struct generation *gen)
{
    SCOPED_LOCK(&vn->lock);
    return vn->inode && vn->gen == gen ? inode_ref(vn->inode) : NULL;
}

void vnode_bind(struct vnode *vn, struct generation *gen, struct inode *in)
{
    uint32_t type = atomic_load_explicit(&in->type, memory_order_relaxed);
    struct inode *old = NULL;

    pthread_mutex_lock(&vn->lock);
    if (vn->gen != gen || vn->inode != in) {
        old = vn->inode;
        vn->inode = inode_ref(in);
        vn->gen = gen;
    }
    pthread_mutex_unlock(&vn->lock);
    if (type)
        atomic_store_explicit(&vn->handle->type, type, memory_order_relaxed);
    inode_unref(old);
}

struct vnode *vnode_of_entry(struct vop *op, const struct dirent4 *entry)
{
    struct vnode *vn = vnode_get(op->volume, entry->stat.gfid);
    struct inode *in = vn ? vnode_inode(vn, op->gen) : NULL;

    if (!vn)
        return NULL;
    if (!in && (in = inode_get(op->gen->graph->inodes, entry->stat.gfid))) {
        if (atomic_load_explicit(&in->type, memory_order_relaxed) == 0)
            atomic_store_explicit(&in->type, entry->stat.mode & S_IFMT, memory_order_relaxed);
        vnode_bind(vn, op->gen, in);
    }
    if (!in) {
        vnode_unref(vn);
        return NULL;
    }
    inode_unref(in);
    return vn;
}

void vnode_count(struct vnode *vn, uint64_t n)
{
    if (n == 0)
        return;
    SCOPED_LOCK(&vn->lock);
    if (vn->counted == 0)
        inode_ref(vn->handle);
    vn->counted += n;
}

void vnode_uncount(struct vnode *vn, uint64_t n)
{
    bool last;

    pthread_mutex_lock(&vn->lock);
    n = min_of(n, vn->counted);
    vn->counted -= n;
    last = n && vn->counted == 0;
    pthread_mutex_unlock(&vn->lock);
    if (last)
        vnode_unref(vn);
}

uint64_t vnode_counted(struct vnode *vn)
{
    SCOPED_LOCK(&vn->lock);
    return vn->counted;
}

unsigned int vnode_nr_files(struct vnode *vn)
{
    unsigned int n = 0;

    SCOPED_LOCK(&vn->lock);
    for (const struct vfile *f = vn->files; f; f = f->of_node)
        n++;
    return n;
}

/* One that is at its end is still listed: then it has no reference, and gets none. */
struct vfile *vnode_file(struct vnode *vn)
{
    SCOPED_LOCK(&vn->lock);
    for (struct vfile *f = vn->files; f; f = f->of_node) {
        unsigned int refs = atomic_load_explicit(&f->refs, memory_order_relaxed);

        while (f->fd && refs > 0)
            if (atomic_compare_exchange_weak_explicit(&f->refs, &refs, refs + 1, memory_order_relaxed, memory_order_relaxed))
                return f;
    }
    return NULL;
}

bool vnode_mark(struct vnode *vn, bool on)
{
    return atomic_exchange(&vn->marked, on);
}

struct visit {
    struct volume *volume;
    void (*fn)(struct vnode *vn, void *ctx);
    void *ctx;
};

static void visit(struct inode *handle, void *ctx)
{
    struct visit *each = ctx;
    struct vnode *vn = inode_ctx(handle, &each->volume->handle_xlator);

    if (vn)
        each->fn(vn, each->ctx);
}

void volume_each_vnode(struct volume *v, void (*fn)(struct vnode *vn, void *ctx), void *ctx)
{
    inode_table_each_active(v->handles, visit, &(struct visit){.volume = v, .fn = fn, .ctx = ctx});
}

static void give_up(struct inode *handle, void *ctx)
{
    struct generation *gen = ctx;
    struct vnode *vn = inode_ctx(handle, &gen->volume->handle_xlator);
    struct inode *in = NULL;

    if (!vn)
        return;
    pthread_mutex_lock(&vn->lock);
    if (vn->gen == gen) {
        in = vn->inode;
        vn->inode = NULL;
        vn->gen = NULL;
    }
    pthread_mutex_unlock(&vn->lock);
    inode_unref(in);
}

/* References on all files that there are. */
struct vfile **volume_files(struct volume *v, unsigned int *ret_n)
{
    struct vfile **list;
    unsigned int n = 0;

    SCOPED_LOCK(&v->lock);
    *ret_n = 0;
    list = v->nr_files ? calloc(v->nr_files, sizeof(struct vfile *)) : NULL;
    if (!list)
        return NULL;
    for (struct vfile *f = v->files; f; f = f->next)
        list[n++] = vfile_ref(f); /* none is in the list without a reference */
    *ret_n = n;
    return list;
}

void vnode_sweep(struct volume *v, struct generation *gen)
{
    unsigned int n;
    struct vfile **files = volume_files(v, &n);

    for (unsigned int i = 0; i < n; i++) {
        struct fd *fd = vfile_fd(files[i], gen);
        if (fd)
            vfile_bind(files[i], gen, NULL);
        fd_unref(fd);
        vfile_unref(files[i]);
    }
    free(files);
    inode_table_each_active(v->handles, give_up, gen);
}

static void uncount_all(struct vnode *vn, void *ctx)
{
    vnode_uncount(vn, UINT64_MAX);
}

void volume_forget_all(struct volume *v)
{
    unsigned int n;
    struct vfile **files = volume_files(v, &n);

    for (unsigned int i = 0; i < n; i++) {
        vfile_unref(files[i]); /* the kernel's */
        vfile_unref(files[i]);
    }
    free(files);
    volume_each_vnode(v, uncount_all, NULL);
}

/* ---- open descriptors ---------------------------------------------------------------------------------------------------- */

struct vfile *vfile_new(struct vnode *vn, struct generation *gen, struct fd *fd)
{
    struct volume *v = vn->volume;
    struct vfile *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    atomic_init(&f->refs, 1);
    f->node = vnode_ref(vn);
    f->flags = fd->flags;
    f->is_dir = fd->is_dir;
    f->gen = gen;
    f->fd = fd_ref(fd);
    pthread_mutex_lock(&vn->lock);
    f->of_node = vn->files;
    vn->files = f;
    pthread_mutex_unlock(&vn->lock);
    SCOPED_LOCK(&v->lock);
    f->next = v->files;
    if (f->next)
        f->next->prev = f;
    v->files = f;
    v->nr_files++;
    return f;
}

struct vfile *vfile_ref(struct vfile *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed); /* the caller has one, or the lock of the list */
    return f;
}

void vfile_unref(struct vfile *f)
{
    if (!f)
        return;

    /* Release: our use comes before the end. From 1 to 0 only under the lock of the list, where others may take one. */
    unsigned int refs = atomic_load_explicit(&f->refs, memory_order_relaxed);
    while (refs > 1)
        if (atomic_compare_exchange_weak_explicit(&f->refs, &refs, refs - 1, memory_order_release, memory_order_relaxed))
            return;

    struct vnode *vn = f->node;
    struct volume *v = vn->volume;
    pthread_mutex_lock(&v->lock);
    bool last = atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1;
    if (last) {
        *(f->prev ? &f->prev->next : &v->files) = f->next;
        if (f->next)
            f->next->prev = f->prev;
        v->nr_files--;
    }
    pthread_mutex_unlock(&v->lock);
    if (!last)
        return;
    vnode_drop_locks(vn, f, NULL);
    pthread_mutex_lock(&vn->lock);
    struct vfile **at = &vn->files;
    while (*at != f)
        at = &(*at)->of_node;
    *at = f->of_node;
    pthread_mutex_unlock(&vn->lock);
    fd_unref(f->fd);
    free(f);
    vnode_unref(vn);
}

struct vnode *vfile_node(const struct vfile *f)
{
    return f->node;
}

int32_t vfile_flags(const struct vfile *f)
{
    return f->flags;
}

struct fd *vfile_fd(struct vfile *f, struct generation *gen)
{
    SCOPED_LOCK(&f->node->lock);
    return f->fd && f->gen == gen ? fd_ref(f->fd) : NULL;
}

void vfile_bind(struct vfile *f, struct generation *gen, struct fd *fd)
{
    struct fd *old;

    pthread_mutex_lock(&f->node->lock);
    old = f->fd;
    f->fd = fd ? fd_ref(fd) : NULL;
    f->gen = gen;
    pthread_mutex_unlock(&f->node->lock);
    fd_unref(old);
}

/* ---- locks held ---------------------------------------------------------------------------------------------------------- */

static bool same_owner(const struct vlock *l, const struct cred *c)
{
    return l->owner_len == c->owner_len && memcmp(l->owner, c->owner, c->owner_len) == 0;
}

/* What is left of l when start..end is taken out of it: up to two pieces. more: memory for the second one; used: it is now part of
 * the list. */
static bool cut(struct vlock **at, int64_t start, int64_t end, struct vlock *more)
{
    struct vlock *l = *at;

    if (l->start < start && l->end > end) {
        *more = *l;
        more->start = end + 1;
        l->end = start - 1;
        l->next = more;
        return true;
    }
    if (l->start < start) {
        l->end = start - 1;
    } else if (l->end > end) {
        l->start = end + 1;
    } else {
        *at = l->next;
        free(l);
    }
    return false;
}

int vnode_note_lock(struct vnode *vn, struct vfile *f, const struct flock_range *r, const struct cred *c)
{
    int64_t start = r->start, end = r->len == 0 ? INT64_MAX : r->start + r->len - 1;
    struct vlock *l = calloc(1, sizeof(*l)), *more = calloc(1, sizeof(*more));

    if (!l || !more) {
        free(l);
        free(more);
        return -ENOMEM;
    }
    if (r->len < 0) {
        start = r->start + r->len;
        end = r->start - 1;
    }
    pthread_mutex_lock(&vn->lock);
    for (struct vlock **at = &vn->locks; *at;) {
        struct vlock *here = *at;
        if (!same_owner(here, c) || here->start > end || here->end < start) {
            at = &here->next;
            continue;
        }
        if (cut(at, start, end, more)) { /* an owner's locks do not overlap: this was the only one */
            more = NULL;
            break;
        }
        if (*at == here)
            at = &here->next;
    }
    if (r->type != RANGE_UNLOCK) {
        *l = (struct vlock){.next = vn->locks, .file = f, .type = r->type, .start = start, .end = end, .pid = r->pid,
                            .owner_len = c->owner_len};
        memcpy(l->owner, c->owner, sizeof(l->owner));
        vn->locks = l;
        l = NULL;
    }
    pthread_mutex_unlock(&vn->lock);
    free(l);
    free(more);
    return 0;
}

void vnode_drop_locks(struct vnode *vn, const struct vfile *f, const struct cred *owner)
{
    SCOPED_LOCK(&vn->lock);
    for (struct vlock **at = &vn->locks; *at;) {
        struct vlock *l = *at;
        if (f ? l->file == f : same_owner(l, owner)) {
            *at = l->next;
            free(l);
        } else {
            at = &l->next;
        }
    }
}
