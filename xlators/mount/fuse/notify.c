/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the kernel must not keep any longer is told to it by a thread of its own: the telling may wait for pages that an answer of ours
 * will unlock, so no thread that answers may do it.
 *
 * The queue is bounded and holds each object once, however often it is named meanwhile. When it is full, the thread tells of all
 * objects that the kernel knows, instead. */
#include <stdlib.h>

#include "mount-impl.h"

#define USUAL_LIMIT 4096

struct notifier {
    struct mount *mount;
    pthread_mutex_t lock;  /* guards what follows */
    pthread_cond_t more;
    struct vnode **ring;   /* references */
    unsigned int cap, first, n;
    bool all, stop;
    uint64_t told;
    pthread_t thread;
};

static void tell(struct vnode *vn, void *ctx)
{
    struct mount *m = ctx;

    /* ENOENT: it does not know it any more. Anything else is the end of the mount. */
    fuse_lowlevel_notify_inval_inode(m->session, ino_of(m, vn), 0, 0);
}

static void *work(void *arg)
{
    struct notifier *n = arg;

    pthread_mutex_lock(&n->lock);
    while (!n->stop) {
        if (n->all) {
            n->all = false;
            pthread_mutex_unlock(&n->lock);
            volume_each_vnode(n->mount->volume, tell, n->mount);
        } else if (n->n) {
            struct vnode *vn = n->ring[n->first];

            n->first = (n->first + 1) % n->cap;
            n->n--;
            n->told++;
            vnode_mark(vn, false); /* who names it from now on gets it told again */
            pthread_mutex_unlock(&n->lock);
            tell(vn, n->mount);
            vnode_unref(vn);
        } else {
            pthread_cond_wait(&n->more, &n->lock);
            continue;
        }
        pthread_mutex_lock(&n->lock);
    }
    pthread_mutex_unlock(&n->lock);
    return NULL;
}

void notify_inode(struct notifier *n, struct vnode *vn)
{
    SCOPED_LOCK(&n->lock);
    if (n->stop || n->all || vnode_mark(vn, true))
        return;
    if (n->n == n->cap) {
        vnode_mark(vn, false);
        n->all = true;
    } else {
        n->ring[(n->first + n->n++) % n->cap] = vnode_ref(vn);
    }
    pthread_cond_signal(&n->more);
}

unsigned int notifier_queued(struct notifier *n)
{
    SCOPED_LOCK(&n->lock);
    return n->n;
}

struct notifier *notifier_new(struct mount *m, unsigned int limit, struct err *err)
{
    struct notifier *n = calloc(1, sizeof(*n));
    int failed = n ? 0 : -ENOMEM;

    if (n) {
        n->mount = m;
        n->cap = limit ? limit : USUAL_LIMIT;
        n->ring = calloc(n->cap, sizeof(struct vnode *));
        pthread_mutex_init(&n->lock, NULL);
        pthread_cond_init(&n->more, NULL);
        failed = n->ring ? thread_start(&n->thread, "fuse-notify", THREAD_STACK, work, n, &m->process->census) : -ENOMEM;
    }
    if (!failed)
        return n;
    err_set(err, failed, "the notifier could not be started: %s", strerror(-failed));
    if (n)
        free(n->ring);
    free(n);
    return NULL;
}

void notifier_stop(struct notifier *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->stop = true;
    pthread_cond_signal(&n->more);
    pthread_mutex_unlock(&n->lock);
    thread_join(n->thread, &n->mount->process->census);
    for (; n->n; n->n--, n->first = (n->first + 1) % n->cap)
        vnode_unref(n->ring[n->first]);
    pthread_mutex_destroy(&n->lock);
    pthread_cond_destroy(&n->more);
    free(n->ring);
    free(n);
}
