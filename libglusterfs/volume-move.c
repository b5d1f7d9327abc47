/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A graph takes the place of another: on a thread that lives as long as there is something to exchange, and may wait.
 *
 * While descriptors move, nothing runs: operations under way have come back, new ones wait. So a descriptor's old and new fd are never used
 * at the same time, and the order of a program's operations is kept.
 *
 * A descriptor  is flushed in the old graph, for whatever is written behind there, and opened in the new one by gfid, with its flags but
 *               those that would make, truncate or insist. Its locks: the brick is asked to hand them over (trusted.glusterfs.lockinfo);
 *               one that cannot is told to give each up and, at once, grant it to the new graph. Somebody else may get it in between: then
 *               the descriptor is lost, since who believes to have a lock must not go on.
 * A flush       names a lock owner that there is not. Without owner it would give up the locks taken through the descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "volume-impl.h"

#define DOMAIN "volume"
#define LOCKINFO "trusted.glusterfs.lockinfo"
#define ASK_AGAIN_MS 200 /* a lock that was not yet at the brick when it was interrupted waits on */

/* ---- operations of our own ------------------------------------------------------------------------------------------------ */

static struct fop *own_fop(struct generation *gen, enum fop_op op)
{
    struct fop *fop = fop_new(gen->graph, op);

    if (fop)
        fop->cred.pid = getpid();
    return fop;
}

/* Result, or -errno; the fop is still ours. */
static int run(struct generation *gen, struct fop *fop)
{
    generation_run(gen, fop);
    return fop->ret < 0 ? -fop->err : fop->ret;
}

static int run_and_free(struct generation *gen, struct fop *fop)
{
    int r = run(gen, fop);

    fop_free(fop);
    return r;
}

/* vn NULL: only whether it is there. A handle that is in use must not be bound to a graph that may yet be given up. */
static int look_up(struct generation *gen, gfid_t gfid, struct vnode *vn)
{
    struct fop *fop = own_fop(gen, FOP_LOOKUP);
    int r = -ENOMEM;

    if (fop && (fop->loc.inode = inode_get(gen->graph->inodes, gfid))) {
        r = run(gen, fop);
        if (r < 0)
            inode_drop(fop->loc.inode);
        else if (vn)
            vnode_bind(vn, gen, fop->out.inode ? fop->out.inode : fop->loc.inode);
    }
    fop_free(fop);
    return min_of(r, 0);
}

/* What its caches have answered and not yet written would come too late, over what is written through the new graph. */
static void write_all(struct generation *gen)
{
    struct fop *fop = own_fop(gen, FOP_STATFS);

    if (fop && (fop->loc.inode = inode_get(gen->graph->inodes, gfid_root))) {
        fop->flags |= FOP_DRAIN;
        run(gen, fop); /* an error is none of the writes: their descriptors have those */
    }
    fop_free(fop);
}

/* ---- one descriptor ------------------------------------------------------------------------------------------------------ */

static int flush(struct generation *gen, struct fd *fd)
{
    static const char nobody[] = "graph-exchange: no lock is mine";
    struct fop *fop = own_fop(gen, FOP_FLUSH);
    int r;

    if (!fop)
        return -ENOMEM;
    fop->fd = fd_ref(fd);
    fop->cred.owner_len = sizeof(nobody);
    memcpy(fop->cred.owner, nobody, sizeof(nobody));
    r = run_and_free(gen, fop);
    return r == -ENOTCONN || r == -EBADFD ? 0 : r; /* the old graph's brick is away: nothing can be asked of it */
}

static int open_again(struct generation *gen, struct vfile *f, struct fd **ret)
{
    struct fop *fop = own_fop(gen, f->is_dir ? FOP_OPENDIR : FOP_OPEN);
    int r;

    if (!fop)
        return -ENOMEM;
    fop->loc.inode = vnode_inode(f->node, gen);
    if (!fop->loc.inode) /* its last name is gone; open files are found all the same */
        fop->loc.inode = inode_get(gen->graph->inodes, vnode_gfid(f->node));
    fop->in.open.flags = f->flags & ~(O_CREAT | O_EXCL | O_TRUNC);
    fop->flags |= FOP_DRAIN; /* who has lost its last name cannot be opened when the old graph is gone */
    r = fop->loc.inode ? run(gen, fop) : -ENOMEM;
    if (r >= 0 && !fop->out.fd)
        r = -EIO;
    if (r >= 0) {
        vnode_bind(f->node, gen, fop->loc.inode);
        *ret = fd_ref(fop->out.fd);
    }
    fop_free(fop);
    return min_of(r, 0);
}

static struct vlock *locks_of(struct vfile *f)
{
    struct vlock *list = NULL, *copy;

    SCOPED_LOCK(&f->node->lock);
    for (const struct vlock *l = f->node->locks; l; l = l->next) {
        if (l->file != f || !(copy = malloc(sizeof(*copy))))
            continue;
        *copy = *l;
        copy->next = list;
        list = copy;
    }
    return list;
}

static int set_lock(struct generation *gen, struct fd *fd, const struct vlock *l, uint32_t type)
{
    struct fop *fop = own_fop(gen, FOP_LK);
    struct flock_range *r;

    if (!fop)
        return -ENOMEM;
    fop->fd = fd_ref(fd);
    fop->in.lk.cmd = LK_SET;
    r = &fop->in.lk.flock;
    *r = (struct flock_range){.type = type, .start = l->start, .len = l->end == INT64_MAX ? 0 : l->end - l->start + 1, .pid = l->pid,
                              .owner_len = l->owner_len};
    memcpy(r->owner, l->owner, sizeof(r->owner));
    fop->cred.pid = (int32_t)l->pid;
    fop->cred.owner_len = l->owner_len;
    memcpy(fop->cred.owner, l->owner, sizeof(fop->cred.owner));
    return run_and_free(gen, fop);
}

/* 0: the brick has handed them over. */
static int hand_over(struct generation *old, struct fd *from, struct generation *gen, struct fd *to)
{
    struct fop *get = own_fop(old, FOP_FGETXATTR), *set = own_fop(gen, FOP_FSETXATTR);
    const struct dict_pair *info = NULL;
    int r = get && set ? 0 : -ENOMEM;

    if (r == 0) {
        get->fd = fd_ref(from);
        get->in.getxattr.name = LOCKINFO;
        r = run(old, get);
        info = r >= 0 ? dict_find(get->out.dict, LOCKINFO) : NULL;
        r = info ? 0 : -ENODATA;
    }
    if (r == 0) {
        set->fd = fd_ref(to);
        set->in.setxattr.dict = dict_new();
        r = set->in.setxattr.dict ? dict_set(set->in.setxattr.dict, LOCKINFO, info->type, info->value, info->len) : -ENOMEM;
    }
    if (r == 0)
        r = run(gen, set);
    fop_free(get);
    fop_free(set);
    return min_of(r, 0);
}

static int move_locks(struct vfile *f, struct generation *old, struct fd *from, struct generation *gen, struct fd *to)
{
    struct vlock *list = locks_of(f);
    int failed = 0;
    bool handed_over = list && hand_over(old, from, gen, to) == 0;

    while (list) {
        struct vlock *l = list;

        if (!handed_over && !failed) {
            set_lock(old, from, l, RANGE_UNLOCK);
            failed = min_of(set_lock(gen, to, l, l->type), 0);
        }
        list = l->next;
        free(l);
    }
    return failed;
}

static void move_file(struct vfile *f, struct generation *old, struct generation *gen)
{
    struct fd *from = vfile_fd(f, old), *to = NULL;
    char text[GFID_TEXT];
    const char *what = "flushed";
    int r;

    if (!from)
        return; /* lost in an exchange before, or of no graph any more */
    r = f->is_dir || (f->flags & O_ACCMODE) == O_RDONLY ? 0 : flush(old, from);
    if (r >= 0) {
        struct inode *known = vnode_inode(f->node, gen);

        what = "opened in the new graph";
        if (!known)
            look_up(gen, vnode_gfid(f->node), f->node); /* an unlinked one is not found so: no error */
        inode_unref(known);
        r = open_again(gen, f, &to);
    }
    if (r >= 0) {
        what = "given its locks";
        r = move_locks(f, old, from, gen, to);
    }
    if (r < 0)
        log_error(DOMAIN, "object %s: an open descriptor could not be %s: %s; it is lost", gfid_text(vnode_gfid(f->node), text), what,
                  strerror(-r));
    vfile_bind(f, gen, r < 0 ? NULL : to);
    fd_unref(to);
    fd_unref(from);
}

static void move_files(struct volume *v, struct generation *old, struct generation *gen)
{
    unsigned int n;
    struct vfile **files = volume_files(v, &n);

    for (unsigned int i = 0; i < n; i++) {
        move_file(files[i], old, gen);
        vfile_unref(files[i]);
    }
    free(files);
}

/* ---- a graph's end ------------------------------------------------------------------------------------------------------- */

void generation_drain(struct volume *v, struct generation *gen)
{
    for (;;) {
        struct timespec until;

        vop_interrupt_blocked(v);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += ASK_AGAIN_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;

        SCOPED_LOCK(&v->lock);
        while (gen->users)
            if (pthread_cond_timedwait(&v->changed, &v->lock, &until) == ETIMEDOUT)
                break;
        if (!gen->users)
            return;
    }
}

static void tell_parent_down(void *arg)
{
    graph_notify_down(arg, EVENT_PARENT_DOWN);
}

static void fini(void *arg)
{
    graph_fini(arg);
}

void generation_end(struct volume *v, struct generation *gen)
{
    struct process *p = v->process;

    vnode_sweep(v, gen);
    loop_call(p->env.loop, tell_parent_down, gen->graph);
    process_wait_for_graph(p, gen->graph);
    reaper_flush(p->env.reaper);
    loop_call(p->env.loop, fini, gen->graph);
    reaper_flush(p->env.reaper);
    graph_free(gen->graph);
    free(gen);
}

/* ---- the exchange -------------------------------------------------------------------------------------------------------- */

struct attempt {
    struct volume *volume;
    struct graph *active, *graph;
    struct generation *gen;
    struct err err;
    int failed;
};

static void reconfigure(void *arg)
{
    struct attempt *a = arg;

    a->failed = graph_reconfigure(a->active, a->graph, &a->err);
}

static void start(void *arg)
{
    struct attempt *a = arg;

    a->failed = generation_start(a->gen, &a->err);
    if (!a->failed)
        graph_notify_down(a->gen->graph, EVENT_PARENT_UP);
}

/* Until it works and has answered for the root. -ECANCELED: another was offered, or the volume ends. */
static int wait_until_it_works(struct volume *v, struct generation *gen)
{
    for (;;) {
        bool given_up, refused;
        int r;

        pthread_mutex_lock(&v->lock);
        while (gen->up != 1 && !gen->refused && !v->offered && v->state != VOLUME_ENDING)
            pthread_cond_wait(&v->changed, &v->lock);
        given_up = v->offered || v->state == VOLUME_ENDING;
        refused = gen->refused;
        pthread_mutex_unlock(&v->lock);
        if (given_up || refused)
            return given_up ? -ECANCELED : -EACCES;
        r = look_up(gen, gfid_root, NULL);
        if (r != -ENOTCONN)
            return r;
        pthread_mutex_lock(&v->lock);
        gen->up = -1; /* the next CHILD_UP */
        pthread_mutex_unlock(&v->lock);
    }
}

static void tell(struct volume *v, int failed, const char *sentence)
{
    if (failed)
        log_error(DOMAIN, "the new graph is not used: %s", sentence);
    else
        log_info(DOMAIN, "%s", sentence);
    if (v->host && v->host->switched)
        v->host->switched(v->host_data, failed, sentence);
}

static void put_in_place(struct volume *v, struct generation *gen)
{
    struct generation *old;

    pthread_mutex_lock(&v->lock);
    old = v->active;
    if (v->state == VOLUME_OPEN)
        v->state = VOLUME_MOVING;
    pthread_mutex_unlock(&v->lock);
    generation_drain(v, old);
    write_all(old);
    move_files(v, old, gen);
    process_set_graph(v->process, gen->graph);
    pthread_mutex_lock(&v->lock);
    v->active = gen;
    v->exchanges++;
    if (v->state != VOLUME_ENDING)
        v->state = VOLUME_OPEN;
    pthread_mutex_unlock(&v->lock);
    vop_release_waiting(v);
    tell(v, 0, "a new graph has taken the place of the old one");
    generation_end(v, old);
}

static void exchange(struct volume *v, struct graph *g)
{
    struct attempt a = {.volume = v, .active = v->active->graph, .graph = g}; /* only we change active */
    struct loop *loop = v->process->env.loop;

    loop_call(loop, reconfigure, &a);
    if (a.failed != -EXDEV) {
        graph_free(g);
        tell(v, a.failed, a.failed ? a.err.text : "new options are in force");
        return;
    }
    a.gen = generation_new(v, g);
    if (a.gen)
        loop_call(loop, start, &a);
    if (!a.gen || a.failed) {
        graph_free(g);
        free(a.gen);
        tell(v, a.failed, a.gen ? a.err.text : "no memory");
        return;
    }
    a.failed = wait_until_it_works(v, a.gen);
    if (a.failed) {
        generation_end(v, a.gen);
        tell(v, a.failed, a.failed == -ECANCELED ? "something newer came" : strerror(-a.failed));
        return;
    }
    put_in_place(v, a.gen);
}

struct mover {
    struct burial burial;
    struct volume *volume;
};

static void last(struct burial *b)
{
    free(container_of(b, struct mover, burial));
}

static void *move(void *arg)
{
    struct mover *m = arg;
    struct volume *v = m->volume;
    struct reaper *reaper = v->process->env.reaper;

    m->burial.thread = pthread_self();
    reaper_expect(reaper); /* the volume's end is told below, and whoever hears it may end the process */
    for (;;) {
        struct graph *g;

        pthread_mutex_lock(&v->lock);
        g = v->offered;
        v->offered = NULL;
        if (!g || v->state == VOLUME_ENDING) {
            v->mover_runs = false;
            pthread_cond_broadcast(&v->changed);
            pthread_mutex_unlock(&v->lock);
            graph_free(g);
            break;
        }
        pthread_mutex_unlock(&v->lock);
        exchange(v, g);
    }
    reaper_bury(reaper, &m->burial); /* the volume may be gone */
    return NULL;
}

int volume_mover_start(struct volume *v)
{
    struct mover *m = calloc(1, sizeof(*m));
    pthread_t thread;
    int r;

    if (!m)
        return -ENOMEM;
    *m = (struct mover){.burial = {.has_thread = true, .expected = true, .last = last}, .volume = v};
    r = thread_start(&thread, "mover", THREAD_STACK, move, m, &v->process->census);
    if (r < 0)
        free(m);
    return r;
}
