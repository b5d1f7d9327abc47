/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* node.c: what posix keeps for inodes and descriptors, and their ends.
 *
 * An inode may keep one descriptor open that no client asked for: a directory its own, through which its entries are
 * reached; a file the anonymous one. They are bounded: unused ones are in a ring, the oldest is closed first.
 *
 * Ends are called on whatever thread drops the last reference and must not wait there; closing a written file and
 * removing an unlinked one may, so these go to the pool. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "posix.h"

struct pnode *pnode_of(struct posix *p, const struct inode *in)
{
    return inode_ctx(in, p->xl);
}

struct pnode *pnode_get(struct posix *p, struct inode *in)
{
    struct pnode *n = pnode_of(p, in);
    if (n)
        return n;
    n = calloc(1, sizeof(*n));
    if (!n)
        return NULL;
    n->p = p;
    n->gfid = in->gfid;
    n->kept_fd = -1;
    pthread_mutex_init(&n->lock, NULL);
    struct pnode *is = inode_ctx_set(in, p->xl, n);
    if (is != n)
        pnode_free(n);
    return is;
}

void pnode_free(struct pnode *n)
{
    if (n->kept_fd >= 0)
        close(n->kept_fd);
    if (n->unlinked) {
        char text[GFID_TEXT];
        unlinkat(n->p->unlink_fd, gfid_text(n->gfid, text), 0);
    }
    pthread_mutex_destroy(&n->lock);
    free(n);
}

static void pnode_end(struct job *j)
{
    struct pnode *n = container_of(j, struct pnode, job);
    struct posix *p = n->p;
    pnode_free(n);
    posix_own_done(p);
}

static void ring_remove(struct posix *p, struct pnode *n)
{
    n->kept_prev->kept_next = n->kept_next;
    n->kept_next->kept_prev = n->kept_prev;
    n->kept_next = n->kept_prev = NULL;
}

static void ring_add(struct posix *p, struct pnode *n)
{
    struct pnode *h = &p->kept.head;
    n->kept_next = h->kept_next;
    n->kept_prev = h;
    h->kept_next->kept_prev = n;
    h->kept_next = n;
}

/* Nobody has a reference, so nobody uses its descriptor. */
void posix_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    struct pnode *n = ctx;
    struct posix *p = n->p;
    pthread_mutex_lock(&p->kept.lock);
    if (n->kept_fd >= 0) {
        if (n->kept_next)
            ring_remove(p, n);
        p->kept.open--;
    }
    pthread_mutex_unlock(&p->kept.lock);
    if (n->kept_fd < 0 && !n->unlinked) {
        pnode_free(n);
        return;
    }
    n->job = (struct job){.run = pnode_end, .class = CLASS_LOW};
    posix_own_job(p, &n->job);
}

int kept_peek(struct posix *p, struct pnode *n)
{
    SCOPED_LOCK(&p->kept.lock);
    if (n->kept_fd < 0 || n->kept_stale)
        return -1;
    if (n->kept_refs++ == 0)
        ring_remove(p, n);
    return n->kept_fd;
}

/* Anonymous descriptor of a file: by handle, or where UNLINK has put it. */
static int anonymous_open(struct posix *p, struct pnode *n)
{
    char name[HANDLE_NAME];
    struct stat st;
    handle_name(n->gfid, name);
    int dir = handle_dir(p, n->gfid);
    const char *at = name;
    if (fstatat(dir, at, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno != ENOENT)
            return -errno;
        dir = p->unlink_fd;
        at = name + 3;
        if (fstatat(dir, at, &st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
    }
    if (!S_ISREG(st.st_mode))
        return handle_is_dir(&st) ? -EISDIR : -EINVAL;
    int fd = openat(dir, at, O_RDWR | O_LARGEFILE | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int kept_get(struct posix *p, struct inode *in, struct pnode *n, bool is_dir)
{
    int fd = kept_peek(p, n);
    if (fd >= 0)
        return fd;
    fd = is_dir ? dir_open_gfid(p, n->gfid) : anonymous_open(p, n);
    if (fd < 0)
        return fd;
    int unused = -1, oldest = -1;
    pthread_mutex_lock(&p->kept.lock);
    if (n->kept_fd >= 0) { /* another thread was faster */
        unused = fd;
        if (n->kept_refs++ == 0)
            ring_remove(p, n);
        fd = n->kept_fd;
    } else {
        n->kept_fd = fd;
        n->kept_refs = 1;
        n->kept_stale = false;
        struct pnode *last = p->kept.head.kept_prev;
        if (++p->kept.open > p->kept.max && last != &p->kept.head) {
            ring_remove(p, last);
            oldest = last->kept_fd;
            last->kept_fd = -1;
            p->kept.open--;
        }
    }
    pthread_mutex_unlock(&p->kept.lock);
    if (unused >= 0)
        close(unused);
    if (oldest >= 0)
        close(oldest);
    return fd;
}

void kept_put(struct posix *p, struct pnode *n)
{
    int fd = -1;
    pthread_mutex_lock(&p->kept.lock);
    if (--n->kept_refs == 0) {
        if (n->kept_stale || p->kept.open > p->kept.max) {
            fd = n->kept_fd;
            n->kept_fd = -1;
            n->kept_stale = false;
            p->kept.open--;
        } else {
            ring_add(p, n);
        }
    }
    pthread_mutex_unlock(&p->kept.lock);
    if (fd >= 0)
        close(fd);
}

void kept_drop(struct posix *p, struct pnode *n)
{
    int fd = -1;
    pthread_mutex_lock(&p->kept.lock);
    if (n->kept_fd >= 0 && n->kept_refs == 0) {
        ring_remove(p, n);
        fd = n->kept_fd;
        n->kept_fd = -1;
        p->kept.open--;
    } else if (n->kept_fd >= 0) {
        n->kept_stale = true;
    }
    pthread_mutex_unlock(&p->kept.lock);
    if (fd >= 0)
        close(fd);
}

/* ---- descriptors of clients ---- */

unsigned int node_fds(struct pnode *n)
{
    if (!n)
        return 0;
    SCOPED_LOCK(&n->lock);
    return n->nr_fds;
}

struct pfd *pfd_of(struct posix *p, const struct fd *fd)
{
    return fd_ctx(fd, p->xl);
}

int pfd_bind(struct posix *p, struct fop *fop, struct inode *in, int os_fd, int flags, bool is_dir)
{
    struct pnode *n = pnode_get(p, in);
    bool rests = atomic_fetch_add_explicit(&p->client_fds, 1, memory_order_relaxed) >= p->client_fds_max;
    if (rests)
        atomic_fetch_sub_explicit(&p->client_fds, 1, memory_order_relaxed);
    if (rests && is_dir) {
        close(os_fd);
        return -EMFILE;
    }
    struct pfd *f = n ? calloc(1, sizeof(*f)) : NULL;
    struct fd *fd = f ? fd_new(p->graph, in, fop->client, flags, is_dir) : NULL;
    if (!fd) {
        if (!rests)
            atomic_fetch_sub_explicit(&p->client_fds, 1, memory_order_relaxed);
        free(f);
        close(os_fd);
        return -ENOMEM;
    }
    *f = (struct pfd){.p = p, .node = n, .fd = rests ? -1 : os_fd, .flags = flags, .is_dir = is_dir};
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_lock(&n->lock);
    n->nr_fds++;
    pthread_mutex_unlock(&n->lock);
    fd_ctx_set(fd, p->xl, f);
    fop->out.fd = fd;
    return rests;
}

static void pfd_end(struct job *j)
{
    struct pfd *f = container_of(j, struct pfd, job);
    struct posix *p = f->p;
    if (f->fd >= 0) {
        close(f->fd);
        atomic_fetch_sub_explicit(&p->client_fds, 1, memory_order_relaxed);
    }
    if (f->remove) {
        char text[GFID_TEXT];
        if (unlinkat(p->unlink_fd, gfid_text(f->gfid, text), 0) < 0 && errno != ENOENT)
            log_warning(p->xl->name, "gfid %s: unlinked file cannot be removed: %m", text);
    }
    pthread_mutex_destroy(&f->lock);
    free(f);
    posix_own_done(p);
}

/* The job has no reference on the inode: the table may be freed while it runs. */
void posix_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    struct pfd *f = ctx;
    struct posix *p = f->p;
    struct pnode *n = f->node;
    pthread_mutex_lock(&n->lock);
    if (--n->nr_fds == 0 && n->unlinked) {
        n->unlinked = false;
        f->remove = true;
    }
    pthread_mutex_unlock(&n->lock);
    if (f->remove)
        kept_drop(p, n);
    f->gfid = n->gfid;
    f->job = (struct job){.run = pfd_end, .class = CLASS_LOW};
    /* Closing what was never written does not wait, and most descriptors are such. */
    if (!f->remove && (f->is_dir || (f->flags & O_ACCMODE) == O_RDONLY)) {
        pthread_mutex_lock(&p->own_lock);
        p->own_jobs++;
        pthread_mutex_unlock(&p->own_lock);
        pfd_end(&f->job);
        return;
    }
    posix_own_job(p, &f->job);
}
