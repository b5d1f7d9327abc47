/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the bricks tell of their own accord: to the program's callback if it has registered one, else kept for who polls. Nothing is kept
 * before the first poll, and no more than KEPT_MAX: a program that has missed some is told of the newer ones. */
#include <stdlib.h>

#include "impl.h"

#define KEPT_MAX 4096
#define KNOWN_EVENTS (GLFS_EVENT_INODE_INVALIDATE | GLFS_EVENT_RECALL_LEASE)

struct glfs_upcall_inode {
    struct glfs_object *object, *parent, *old_parent;
    uint64_t flags, expire;
    struct stat stat, parent_stat, old_parent_stat;
};

struct glfs_upcall {
    struct glfs *fs;
    enum glfs_upcall_reason reason;
    struct glfs_upcall_inode inode;
    struct glfs_upcall *next;
    struct job job;
};

struct upcalls {
    struct glfs *fs;
    pthread_mutex_t lock;         /* guards the rest */
    uint32_t events;
    glfs_upcall_cbk call;
    void *data;
    bool polled;
    struct glfs_upcall *first, **last;
    unsigned int n;
};

struct upcalls *upcalls_new(struct glfs *fs)
{
    struct upcalls *u = calloc(1, sizeof(*u));

    if (!u)
        return NULL;
    u->fs = fs;
    u->last = &u->first;
    pthread_mutex_init(&u->lock, NULL);
    return u;
}

static struct glfs_upcall *take_first_locked(struct upcalls *u)
{
    struct glfs_upcall *first = u->first;

    if (!first)
        return NULL;
    u->first = first->next;
    if (!u->first)
        u->last = &u->first;
    u->n--;
    first->next = NULL;
    return first;
}

void upcalls_free(struct upcalls *u)
{
    struct glfs_upcall *c;

    if (!u)
        return;
    while ((c = take_first_locked(u)))
        glfs_free(c);
    pthread_mutex_destroy(&u->lock);
    free(u);
}

/* ---- one comes ------------------------------------------------------------------------------------------------------------------- */

static void drop_upcall(void *what)
{
    struct glfs_upcall *c = what;

    glfs_h_close(c->inode.object);
    glfs_h_close(c->inode.parent);
    glfs_h_close(c->inode.old_parent);
}

static struct glfs_object *object_of(struct glfs *fs, gfid_t gfid)
{
    struct vnode *vn = gfid_is_null(gfid) ? NULL : vnode_get(fs->volume, gfid);

    return vn ? object_new(fs, vn) : NULL;
}

static struct glfs_upcall *upcall_of(struct glfs *fs, struct vnode *vn, const struct upcall *what)
{
    struct glfs_upcall *c = freeable_new(sizeof(*c), drop_upcall);
    struct glfs_upcall_inode *in;

    if (!c)
        return NULL;
    in = &c->inode;
    c->fs = fs;
    c->reason = GLFS_UPCALL_INODE_INVALIDATE;
    in->flags = what->flags;
    in->expire = what->expire_s;
    stat_of(fs, &what->stat, &in->stat);
    stat_of(fs, &what->parent_stat, &in->parent_stat);
    stat_of(fs, &what->old_parent_stat, &in->old_parent_stat);
    in->object = object_new(fs, vnode_ref(vn));
    in->parent = object_of(fs, what->parent_stat.gfid);
    in->old_parent = object_of(fs, what->old_parent_stat.gfid);
    if (in->object)
        return c;
    glfs_free(c);
    return NULL;
}

static void keep_locked(struct upcalls *u, struct glfs_upcall *c)
{
    *u->last = c;
    u->last = &c->next;
    u->n++;
}

static void run_callback(struct job *j)
{
    struct glfs_upcall *c = container_of(j, struct glfs_upcall, job);
    struct upcalls *u = c->fs->upcalls;
    glfs_upcall_cbk call;
    void *data;

    pthread_mutex_lock(&u->lock);
    call = u->call;
    data = u->data;
    pthread_mutex_unlock(&u->lock);
    if (call)
        call(c, data); /* its to free */
    else
        glfs_free(c);
}

void upcalls_hear(struct upcalls *u, struct vnode *vn, const struct upcall *what)
{
    struct glfs_upcall *c, *too_many = NULL;
    struct pool *pool;
    bool wanted, call;

    if (what->kind != UPCALL_INVALIDATE)
        return;
    pthread_mutex_lock(&u->lock);
    call = u->call && u->events & GLFS_EVENT_INODE_INVALIDATE;
    wanted = call || u->polled;
    pthread_mutex_unlock(&u->lock);
    if (!wanted || !(c = upcall_of(u->fs, vn, what)))
        return;
    if (call) {
        pool = fs_callbacks(u->fs);
        c->job = (struct job){.run = run_callback, .class = CLASS_NORMAL};
        if (pool)
            pool_add(pool, &c->job);
        else
            glfs_free(c);
        return;
    }
    pthread_mutex_lock(&u->lock);
    if (u->n == KEPT_MAX)
        too_many = take_first_locked(u);
    keep_locked(u, c);
    pthread_mutex_unlock(&u->lock);
    glfs_free(too_many);
}

/* ---- what the program calls ---------------------------------------------------------------------------------------------------------- */

int glfs_upcall_register(glfs_t *fs, uint32_t event_list, glfs_upcall_cbk cbk, void *data)
{
    if (!fs_there(fs))
        return -1;
    if (!cbk || !event_list || (event_list != GLFS_EVENT_ANY && event_list & ~KNOWN_EVENTS))
        return answer(-EINVAL);
    SCOPED_LOCK(&fs->upcalls->lock);
    fs->upcalls->events |= event_list & KNOWN_EVENTS;
    fs->upcalls->call = cbk;
    fs->upcalls->data = data;
    return (int)(event_list & KNOWN_EVENTS);
}

int glfs_upcall_unregister(glfs_t *fs, uint32_t event_list)
{
    if (!fs_there(fs))
        return -1;
    SCOPED_LOCK(&fs->upcalls->lock);
    if (event_list != GLFS_EVENT_ANY && event_list & ~fs->upcalls->events)
        return (int)answer(-EINVAL);
    fs->upcalls->events &= ~event_list;
    if (!fs->upcalls->events)
        fs->upcalls->call = NULL;
    return (int)(event_list & KNOWN_EVENTS);
}

int glfs_h_poll_upcall(glfs_t *fs, glfs_upcall_t **ret)
{
    if (!fs_there(fs))
        return -1;
    if (!ret)
        return answer(-EINVAL);
    SCOPED_LOCK(&fs->upcalls->lock);
    fs->upcalls->polled = true;
    *ret = take_first_locked(fs->upcalls);
    return 0;
}

/* The first version filled in memory of the program's, and gave what was in it for free(). */
struct callback_arg {
    struct glfs *fs;
    enum glfs_upcall_reason reason;
    void *event_arg;
};
struct callback_inode_arg {
    struct glfs_object *object;
    uint64_t flags;
    struct stat buf;
    uint64_t expire_time_attr;
    struct glfs_object *p_object;
    struct stat p_buf;
    struct glfs_object *oldp_object;
    struct stat oldp_buf;
};

int poll_upcall_of_3_7_0(glfs_t *fs, struct callback_arg *ret);
int poll_upcall_of_3_7_0(glfs_t *fs, struct callback_arg *ret)
{
    struct callback_inode_arg *arg;
    glfs_upcall_t *c = NULL;

    if (!ret)
        return answer(-EINVAL);
    if (glfs_h_poll_upcall(fs, &c) < 0)
        return -1;
    *ret = (struct callback_arg){.fs = fs, .reason = GLFS_UPCALL_EVENT_NULL};
    if (!c)
        return 0;
    arg = malloc(sizeof(*arg));
    if (arg) {
        *arg = (struct callback_inode_arg){
            .object = c->inode.object, .flags = c->inode.flags, .buf = c->inode.stat, .expire_time_attr = c->inode.expire,
            .p_object = c->inode.parent, .p_buf = c->inode.parent_stat, .oldp_object = c->inode.old_parent,
            .oldp_buf = c->inode.old_parent_stat};
        ret->reason = GLFS_UPCALL_INODE_INVALIDATE;
        ret->event_arg = arg;
        c->inode.object = c->inode.parent = c->inode.old_parent = NULL;
    }
    glfs_free(c);
    return arg ? 0 : answer(-ENOMEM);
}
OLD_VERSION(poll_upcall_of_3_7_0, glfs_h_poll_upcall, "GFAPI_3.7.0");

glfs_t *glfs_upcall_get_fs(glfs_upcall_t *c)
{
    return c ? c->fs : NULL;
}

glfs_upcall_reason_t glfs_upcall_get_reason(glfs_upcall_t *c)
{
    return c ? c->reason : GLFS_UPCALL_EVENT_NULL;
}

void *glfs_upcall_get_event(glfs_upcall_t *c)
{
    return c && c->reason == GLFS_UPCALL_INODE_INVALIDATE ? &c->inode : NULL;
}

glfs_object_t *glfs_upcall_inode_get_object(glfs_upcall_inode_t *in)
{
    return in->object;
}

uint64_t glfs_upcall_inode_get_flags(glfs_upcall_inode_t *in)
{
    return in->flags;
}

struct stat *glfs_upcall_inode_get_stat(glfs_upcall_inode_t *in)
{
    return &in->stat;
}

uint64_t glfs_upcall_inode_get_expire(glfs_upcall_inode_t *in)
{
    return in->expire;
}

glfs_object_t *glfs_upcall_inode_get_pobject(glfs_upcall_inode_t *in)
{
    return in->parent;
}

struct stat *glfs_upcall_inode_get_pstat(glfs_upcall_inode_t *in)
{
    return &in->parent_stat;
}

glfs_object_t *glfs_upcall_inode_get_oldpobject(glfs_upcall_inode_t *in)
{
    return in->old_parent;
}

struct stat *glfs_upcall_inode_get_oldpstat(glfs_upcall_inode_t *in)
{
    return &in->old_parent_stat;
}
