/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* performance/open-behind: an OPEN for reading is answered here and sent when something needs it; with quick-read above often nothing does.
 * Spec brick 6.1.
 *
 *   LAZY --an operation that needs it--> OPENING --the brick's answer--> OPENED (real, or err)
 *
 * Who may    OPEN is where the brick says whether the caller may read. So only such an OPEN waits whose answer is known: of root, or of the
 *            owner whose right is in the mode that a LOOKUP brought just now (an ACL has no word about the owner). The others go at once.
 * Names      A file that we unlink, replace, or whose rights we change is opened before: an open descriptor outlives all that.
 * Fops       of a descriptor that was opened late go on as children with the real descriptor.
 * Threads    Any. ob.lock guards all states; nothing is called under it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "clock.h"
#include "graph.h"
#include "performance-types.h"

#define LAZY_MAX 4096      /* descriptors: each keeps an operation of 1 KiB */
#define RIGHTS_MS 2000     /* for which what a LOOKUP said of the owner is believed: the kernel's entry lives 1 s */

enum ob_state { OB_LAZY, OB_OPENING, OB_OPENED };

struct ob_waiter { /* in the arena of its fop */
    struct ob_waiter *next;
    struct fop *fop;
};
struct ob_fd { /* ob.lock */
    struct xlator *xl;
    struct fd *fd;         /* whose this is */
    enum ob_state state;
    struct fop *open;      /* LAZY: to be sent */
    struct fd *real;       /* OPENED: a reference */
    int err;               /* OPENED: or why not */
    struct ob_waiter *waiting, **last;
    struct ob_fd *prev, *next; /* LAZY, OPENING: ob.first */
};
struct ob_inode { /* ob.lock */
    uint32_t uid, mode;
    uint64_t until_ms;
};
struct ob {
    bool there, pass_through, lazy, anonymous, after_open; /* options, live */
    pthread_mutex_t lock;
    bool lock_made;
    struct ob_fd *first;
    unsigned int n;
    counter_t answered, sent, failed;
};

#define LIVE .flags = OPTION_LIVE
static const struct option ob_options[] = {
    OPT_BOOL("open-behind", struct ob, there, false, "stock's word for its being in the graph; nothing to set", LIVE | OPTION_NO_EFFECT),
    OPT_BOOL("pass-through", struct ob, pass_through, false, "each OPEN is sent at once", LIVE),
    OPT_BOOL("use-anonymous-fd", struct ob, anonymous, false, "READ needs no OPEN", LIVE),
    OPT_BOOL("lazy-open", struct ob, lazy, true, "an OPEN for reading waits until it is needed", LIVE),
    OPT_BOOL("read-after-open", struct ob, after_open, true, "READ needs the OPEN", LIVE),
};

static bool is(const bool *option)
{
    return __atomic_load_n(option, __ATOMIC_RELAXED);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------- */

static void unlink_locked(struct ob *ob, struct ob_fd *of)
{
    *(of->prev ? &of->prev->next : &ob->first) = of->next;
    if (of->next)
        of->next->prev = of->prev;
    ob->n--;
}

static void opened(struct fop *child, void *ctx)
{
    struct ob_fd *of = ctx;
    struct xlator *xl = of->xl;
    struct ob *ob = xl->priv;
    struct fd *fd = of->fd;
    struct ob_waiter *list;

    pthread_mutex_lock(&ob->lock);
    of->state = OB_OPENED;
    of->real = child->ret >= 0 && child->out.fd ? fd_ref(child->out.fd) : NULL;
    of->err = of->real ? 0 : child->ret < 0 ? child->err : EIO;
    list = of->waiting;
    of->waiting = NULL;
    unlink_locked(ob, of);
    pthread_mutex_unlock(&ob->lock);
    counter_add(child->ret < 0 ? &ob->failed : &ob->sent, 1);
    fop_free(child);
    while (list) {
        struct fop *fop = list->fop;

        list = list->next;
        fop->flags |= FOP_NOWAIT;
        fop_submit(xl, fop); /* once more from here */
    }
    fd_unref(fd); /* begin_locked()'s */
}

/* False: it is being closed. */
static bool ref_if_any(struct fd *fd)
{
    unsigned int refs = atomic_load_explicit(&fd->refs, memory_order_relaxed);

    while (refs > 0)
        if (atomic_compare_exchange_weak_explicit(&fd->refs, &refs, refs + 1, memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

/* fop waits until it is open. The OPEN to be sent is returned, which takes over a reference on the descriptor, or NULL. */
static struct fop *begin_locked(struct ob_fd *of, struct fop *fop, struct ob_waiter *one)
{
    struct fop *open = NULL;

    *one = (struct ob_waiter){.fop = fop};
    *of->last = one;
    of->last = &one->next;
    if (of->state == OB_LAZY) {
        open = of->open;
        of->open = NULL;
        of->state = OB_OPENING;
    }
    return open;
}

static void wait_for(struct ob *ob, struct ob_fd *of, struct fop *fop)
{
    struct ob_waiter *one = fop_alloc(fop, sizeof(*one));
    struct fop *open = NULL;
    struct xlator *xl = of->xl;
    bool is_open;

    if (!one) {
        fop_fail(fop, ENOMEM);
        return;
    }
    pthread_mutex_lock(&ob->lock);
    is_open = of->state == OB_OPENED;
    if (of->state == OB_LAZY)
        fd_ref(of->fd); /* the fop has one, too */
    if (!is_open)
        open = begin_locked(of, fop, one);
    pthread_mutex_unlock(&ob->lock);
    if (is_open)
        fop_submit(xl, fop);
    else if (open)
        fop_submit(xl->child, open);
}

/* ---- OPEN ---------------------------------------------------------------------------------------------------------------- */

static bool may_read(struct ob *ob, struct xlator *xl, const struct fop *fop)
{
    const struct ob_inode *oi;

    if (fop->cred.pid < 0)
        return false;
    if (fop->cred.uid == 0)
        return true;
    oi = inode_ctx(fop->loc.inode, xl);
    return oi && fop->cred.uid == oi->uid && oi->mode & S_IRUSR && clock_ms() < oi->until_ms;
}

/* Those that give, cut or insist, and O_DIRECT, are for the brick. */
static bool is_plain(int32_t flags)
{
    return (flags & O_ACCMODE) == O_RDONLY && !(flags & (O_TRUNC | O_CREAT | O_EXCL | O_DIRECT | O_DIRECTORY | O_PATH));
}

static bool open_later(struct xlator *xl, struct fop *fop)
{
    struct ob *ob = xl->priv;
    struct ob_fd *of = calloc(1, sizeof(*of));
    struct fop *open = of ? fop_child_like(fop, opened, of) : NULL;
    struct fd *fd = open ? fd_new(xl->graph, fop->loc.inode, fop->client, fop->in.open.flags, false) : NULL;
    bool good = false;

    if (fd) {
        *of = (struct ob_fd){.xl = xl, .fd = fd, .open = open};
        of->last = &of->waiting;
        open->parent = NULL; /* which is answered before */
        open->flags |= FOP_NOWAIT;
        fd->pid = (uint64_t)fop->cred.pid;
        SCOPED_LOCK(&ob->lock);
        good = ob->n < LAZY_MAX && may_read(ob, xl, fop);
        if (good) {
            fd_ctx_set(fd, xl, of);
            of->next = ob->first;
            if (ob->first)
                ob->first->prev = of;
            ob->first = of;
            ob->n++;
        }
    }
    if (good) {
        fop->out.fd = fd;
        counter_add(&ob->answered, 1);
        fop_complete(fop, 0, 0);
        return true;
    }
    fop_free(open);
    fd_unref(fd);
    free(of);
    return false;
}

static void ob_open(struct xlator *xl, struct fop *fop)
{
    struct ob *ob = xl->priv;
    struct inode *in = fop->loc.inode;
    bool later = in && is(&ob->lazy) && !is(&ob->pass_through) && is_plain(fop->in.open.flags) && !fop->xdata &&
                 !(fop->flags & FOP_DRAIN) &&
                 atomic_load_explicit(&in->type, memory_order_relaxed) == S_IFREG; /* only ever 0 -> type */

    if (!later || !open_later(xl, fop))
        fop_pass(xl, fop);
}

/* ---- operations on descriptors ------------------------------------------------------------------------------------------- */

static void done(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

static struct ob_fd *fd_of(const struct xlator *xl, const struct fd *fd)
{
    return fd ? fd_ctx(fd, xl) : NULL;
}

/* OPENED: constant from then on. */
static bool is_opened(struct ob *ob, const struct ob_fd *of)
{
    SCOPED_LOCK(&ob->lock);
    return !of || of->state == OB_OPENED;
}

static void replace(struct fd **at, const struct ob_fd *of)
{
    if (of) {
        fd_unref(*at);
        *at = fd_ref(of->real);
    }
}

/* By gfid, as if there were no descriptor. */
static void without_descriptor(struct xlator *xl, struct fop *fop)
{
    struct fop *child = fop_child(fop, fop->op == FOP_FSTAT ? FOP_STAT : fop->op, done, NULL);

    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    child->loc.inode = inode_ref(fop->fd->inode);
    child->xdata = dict_ref(fop->xdata);
    if (fop->op == FOP_READ)
        child->in.read = fop->in.read;
    fop_submit(xl->child, child);
}

static void ob_fd_fop(struct xlator *xl, struct fop *fop)
{
    struct ob *ob = xl->priv;
    struct ob_fd *one = fd_of(xl, fop->fd), *two = fd_of(xl, fop->fd2);
    struct fop *child;

    if (!one && !two) {
        fop_pass(xl, fop);
    } else if (!is_opened(ob, one)) {
        if (fop->op == FOP_FLUSH)
            fop_complete(fop, 0, 0); /* nothing was done with it, and no lock taken */
        else if (fop->op == FOP_FSTAT || (fop->op == FOP_READ && (is(&ob->anonymous) || !is(&ob->after_open))))
            without_descriptor(xl, fop);
        else
            wait_for(ob, one, fop);
    } else if (!is_opened(ob, two)) {
        wait_for(ob, two, fop);
    } else if ((one && !one->real) || (two && !two->real)) {
        fop_fail(fop, one && !one->real ? one->err : two->err);
    } else if (!(child = fop_child_like(fop, done, NULL))) {
        fop_fail(fop, ENOMEM);
    } else {
        replace(&child->fd, one);
        replace(&child->fd2, two);
        fop_submit(xl->child, child);
    }
}

/* ---- what an open descriptor outlives -------------------------------------------------------------------------------------- */

/* It comes by here again after each that had to be opened. in: only those of this object; NULL: all. */
static void open_before(struct xlator *xl, struct fop *fop, const struct inode *in)
{
    struct ob *ob = xl->priv;
    struct ob_waiter *one;
    struct fop *open = NULL;
    struct ob_fd *of;

    one = fop_alloc(fop, sizeof(*one));
    pthread_mutex_lock(&ob->lock);
    for (of = one ? ob->first : NULL; of; of = of->next)
        if ((!in || of->fd->inode == in) && (of->state == OB_OPENING || ref_if_any(of->fd)))
            break;
    if (of)
        open = begin_locked(of, fop, one);
    pthread_mutex_unlock(&ob->lock);
    if (!one)
        fop_fail(fop, ENOMEM);
    else if (!of)
        fop_pass(xl, fop);
    else if (open)
        fop_submit(xl->child, open);
}

/* The kernel names no object: any of them may be it. */
static void ob_unlink(struct xlator *xl, struct fop *fop)
{
    open_before(xl, fop, fop->op == FOP_UNLINK ? fop->loc.inode : fop->loc2.inode);
}

static void ob_rights(struct xlator *xl, struct fop *fop)
{
    struct inode *in = fop->fd ? fop->fd->inode : fop->loc.inode;
    struct ob_inode *oi = in ? inode_ctx(in, xl) : NULL;
    struct ob *ob = xl->priv;

    if (oi) {
        SCOPED_LOCK(&ob->lock);
        oi->until_ms = 0;
    }
    if (in && !fd_of(xl, fop->fd))
        open_before(xl, fop, in);
    else
        ob_fd_fop(xl, fop);
}

static void looked_up(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;
    struct ob *ob = xl->priv;
    struct inode *in = fop->ret >= 0 && S_ISREG(fop->out.stat.mode) ? fop->out.inode : NULL;
    struct ob_inode *oi = in ? inode_ctx(in, xl) : NULL;

    if (in && !oi && (oi = calloc(1, sizeof(*oi)))) {
        struct ob_inode *set = inode_ctx_set(in, xl, oi);

        if (set != oi)
            free(oi);
        oi = set;
    }
    if (oi) {
        SCOPED_LOCK(&ob->lock);
        *oi = (struct ob_inode){.uid = fop->out.stat.uid, .mode = fop->out.stat.mode, .until_ms = clock_ms() + RIGHTS_MS};
    }
    fop_complete(fop, fop->ret, fop->err);
}

static void ob_lookup(struct xlator *xl, struct fop *fop)
{
    fop_push(fop, looked_up, xl);
    fop_pass(xl, fop);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

static int ob_init(struct xlator *xl, struct err *err)
{
    struct ob *ob = xl->priv;

    pthread_mutex_init(&ob->lock, NULL);
    ob->lock_made = true;
    return 0;
}

static void ob_fini(struct xlator *xl)
{
    struct ob *ob = xl->priv;

    if (ob->lock_made)
        pthread_mutex_destroy(&ob->lock);
}

static void ob_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    free(ctx);
}

/* Nobody waits: who does has a reference on the descriptor, or begin_locked() has. */
static void ob_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    struct ob *ob = xl->priv;
    struct ob_fd *of = ctx;

    pthread_mutex_lock(&ob->lock);
    if (of->state != OB_OPENED)
        unlink_locked(ob, of);
    pthread_mutex_unlock(&ob->lock);
    fop_free(of->open);
    fd_unref(of->real);
    free(of);
}

static void ob_dump(struct xlator *xl, struct dump *d)
{
    struct ob *ob = xl->priv;

    pthread_mutex_lock(&ob->lock);
    unsigned int n = ob->n;
    pthread_mutex_unlock(&ob->lock);
    dump_kv(d, "not-yet-opened", "%u", n);
    dump_kv(d, "opens-answered-here", "%lld", (long long)counter_get(&ob->answered));
    dump_kv(d, "opened-later", "%lld", (long long)counter_get(&ob->sent));
    dump_kv(d, "failed-later", "%lld", (long long)counter_get(&ob->failed));
}

const struct xlator_type open_behind_type = {
    .name = "performance/open-behind",
    .options = ob_options,
    .nr_options = array_len(ob_options),
    .priv_size = sizeof(struct ob),
    .inode_slot = true,
    .fd_slot = true,
    .init = ob_init,
    .fini = ob_fini,
    .forget = ob_forget,
    .release = ob_release,
    .dump = ob_dump,
    .on =
        {
            [FOP_OPEN] = ob_open,
            [FOP_LOOKUP] = ob_lookup,
            [FOP_UNLINK] = ob_unlink,
            [FOP_RENAME] = ob_unlink,
            [FOP_SETATTR] = ob_rights,
            [FOP_FSETATTR] = ob_rights,
            [FOP_SETXATTR] = ob_rights,
            [FOP_FSETXATTR] = ob_rights,
            [FOP_REMOVEXATTR] = ob_rights,
            [FOP_FREMOVEXATTR] = ob_rights,
            [FOP_READ] = ob_fd_fop,
            [FOP_WRITE] = ob_fd_fop,
            [FOP_FLUSH] = ob_fd_fop,
            [FOP_FSYNC] = ob_fd_fop,
            [FOP_FSTAT] = ob_fd_fop,
            [FOP_FTRUNCATE] = ob_fd_fop,
            [FOP_LK] = ob_fd_fop,
            [FOP_FINODELK] = ob_fd_fop,
            [FOP_FGETXATTR] = ob_fd_fop,
            [FOP_FXATTROP] = ob_fd_fop,
            [FOP_RCHECKSUM] = ob_fd_fop,
            [FOP_FALLOCATE] = ob_fd_fop,
            [FOP_DISCARD] = ob_fd_fop,
            [FOP_ZEROFILL] = ob_fd_fop,
            [FOP_SEEK] = ob_fd_fop,
            [FOP_LEASE] = ob_fd_fop,
            [FOP_COPY_FILE_RANGE] = ob_fd_fop,
        },
};
