/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fds.c: open descriptors and held POSIX locks, across connections.
 *
 * A number at the brick is worth something on the connection on which it was given, so where a descriptor is open is both in one
 * word: a call that names the number goes over that connection or not at all. After a login all that were open before are opened
 * again by gfid, REOPEN_AT_ONCE at a time; then each one's locks are asked for again, without waiting, and for LOCK_GRACE_MS also
 * after a refusal, because the brick may not have noticed yet that our last connection is gone, and its locks with it. A
 * descriptor whose lock somebody else has now is given back and fails from then on: what it protected is not ours any more.
 * Only when all that is over do other operations go.
 *
 * References  of a remote_fd: the descriptor's slot, and each reopening. Locks: all under remote->lock. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fop400.h"
#include "log.h"
#include "remote.h"

struct remote_fd {
    atomic_uint refs;
    struct remote *r;
    gfid_t gfid;
    int32_t flags;
    bool is_dir;
    _Atomic uint64_t where;         /* connection << 32 | number; 0: open nowhere. Relaxed: the brick checks it */
    bool released;                  /* r->lock: the descriptor is gone */
    bool lost;                      /* r->lock: it will not be opened again */
    bool lost_locks;                /* r->lock: and it had locks, so nothing goes on behind its back */
    struct remote_fd *prev, *next;  /* r->lock: in r->fds */
};

struct held_lock {
    struct held_lock *next;         /* in r->locks */
    struct remote_fd *rf;           /* by which it was set; in r->fds */
    struct flock_range range;
    struct cred cred;               /* whose: pid, owner */
};

/* One descriptor on its way back. */
struct reopening {
    struct rpc_call call;
    struct remote_fd *rf;           /* a reference */
    struct remote *r;
    uint32_t link;
    struct reopening *next;
    /* Its locks, as they were when it had been opened; then one after the other. */
    struct held_lock *locks;        /* an array */
    unsigned int nr_locks, at;
};

#define WHERE(link, number) ((uint64_t)(link) << 32 | (uint32_t)(number))
#define NUMBER_MAX INT32_MAX        /* a brick hands out the lowest free one */

static void fd_put(struct remote_fd *rf)
{
    /* Release what this thread did to it before, acquire what the others did before they let go. */
    if (atomic_fetch_sub_explicit(&rf->refs, 1, memory_order_acq_rel) == 1)
        free(rf);
}

/* ---- giving back -------------------------------------------------------------------------------------------------------------- */
static void given_back(struct rpc_call *call, struct rpc_reply *reply)
{
    free(call);
}

static const struct rpc_caller nobody = {.flavor = RPC_AUTH_GLUSTER_V3};

void remote_give_back(struct remote *r, uint32_t link, int64_t number, gfid_t gfid, bool is_dir)
{
    struct rpc_call *call = calloc(1, sizeof(*call));
    struct dict *empty = dict_new(); /* stock's sign of a client that knows typed dictionaries: not the NULL form */
    struct fop_fd_req req = {.gfid = gfid, .fd = number, .xdata = wire_dict_of(empty)};

    if (call && empty) {
        *call = (struct rpc_call){.done = given_back, .link = link, .flags = RPC_EARLY};
        if (rpc_call_make(call, FOP_PROGRAM, FOP400_VERSION, is_dir ? FOP_RELEASEDIR : FOP_RELEASE, &nobody, xdr_fop_fd_req, &req) == 0 &&
            rpc_call_send(r->rpc, call) == 0)
            call = NULL; /* the answer's */
    }
    dict_unref(empty);
    free(call);
}

static void give_back(struct remote_fd *rf, uint64_t where)
{
    if (where)
        remote_give_back(rf->r, (uint32_t)(where >> 32), (int64_t)(uint32_t)where, rf->gfid, rf->is_dir);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------------------- */
int remote_fd_made(struct remote *r, struct fd *fd, uint32_t link, int64_t number)
{
    struct remote_fd *rf = number <= NUMBER_MAX ? calloc(1, sizeof(*rf)) : NULL;

    if (!rf) {
        remote_give_back(r, link, number, fd->inode->gfid, fd->is_dir);
        return number <= NUMBER_MAX ? -ENOMEM : -EBADMSG;
    }
    atomic_init(&rf->refs, 1);
    atomic_init(&rf->where, WHERE(link, number));
    rf->r = r;
    rf->gfid = fd->inode->gfid;
    rf->flags = fd->flags;
    rf->is_dir = fd->is_dir;
    pthread_mutex_lock(&r->lock);
    rf->next = r->fds;
    if (r->fds)
        r->fds->prev = rf;
    r->fds = rf;
    r->nr_fds++;
    pthread_mutex_unlock(&r->lock);
    fd_ctx_set(fd, r->xl, rf); /* it is new: nobody was before us */
    return 0;
}

static void forget_locks_locked(struct remote *r, struct remote_fd *rf)
{
    struct held_lock **at = &r->locks;

    while (*at) {
        struct held_lock *l = *at;

        if (l->rf != rf) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        r->nr_locks--;
        free(l);
        rf->lost_locks = true;
    }
}

void remote_fd_release(struct xlator *xl, struct fd *fd, void *ctx)
{
    struct remote *r = xl->priv;
    struct remote_fd *rf = ctx;

    pthread_mutex_lock(&r->lock);
    rf->released = true;
    if (rf->prev)
        rf->prev->next = rf->next;
    else
        r->fds = rf->next;
    if (rf->next)
        rf->next->prev = rf->prev;
    r->nr_fds--;
    if (r->nr_locks > 0)
        forget_locks_locked(r, rf);
    pthread_mutex_unlock(&r->lock);
    give_back(rf, atomic_exchange_explicit(&rf->where, 0, memory_order_relaxed));
    fd_put(rf);
}

int remote_fd_where(const struct remote_fd *rf, uint32_t *ret_link, int64_t *ret_number)
{
    uint64_t where = atomic_load_explicit(&rf->where, memory_order_relaxed);

    if (!where)
        return -EBADFD;
    *ret_link = (uint32_t)(where >> 32);
    *ret_number = (int64_t)(uint32_t)where;
    return 0;
}

/* ---- held locks ------------------------------------------------------------------------------------------------------------- */
bool remote_fd_is_lost(struct remote *r, const struct remote_fd *rf)
{
    SCOPED_LOCK(&r->lock);
    return rf->lost_locks;
}

static int64_t end_of(const struct flock_range *f) /* behind the last byte */
{
    return f->len == 0 || f->start > INT64_MAX - f->len ? INT64_MAX : f->start + f->len;
}

static bool same_owner(const struct cred *a, const struct cred *b)
{
    return a->owner_len == b->owner_len && memcmp(a->owner, b->owner, a->owner_len) == 0 && (a->owner_len > 0 || a->pid == b->pid);
}

static struct held_lock *new_lock(struct remote_fd *rf, const struct cred *cred, const struct flock_range *range, int64_t from, int64_t to)
{
    struct held_lock *l = malloc(sizeof(*l));

    if (!l)
        return NULL;
    *l = (struct held_lock){.rf = rf, .range = *range};
    l->range.start = from;
    l->range.len = to == INT64_MAX ? 0 : to - from;
    l->range.whence = SEEK_SET;
    l->cred = (struct cred){.pid = cred->pid, .uid = cred->uid, .gid = cred->gid, .owner_len = cred->owner_len};
    memcpy(l->cred.owner, cred->owner, cred->owner_len);
    return l;
}

/* What the owner has of this file between two places is no more. */
static int cut_locked(struct remote *r, gfid_t gfid, const struct cred *cred, int64_t from, int64_t to)
{
    struct held_lock **at = &r->locks;

    while (*at) {
        struct held_lock *l = *at;
        int64_t end = end_of(&l->range);

        if (!gfid_equal(l->rf->gfid, gfid) || !same_owner(&l->cred, cred) || l->range.start >= to || end <= from) {
            at = &l->next;
            continue;
        }
        if (end > to) { /* what is behind stays */
            struct held_lock *rest = new_lock(l->rf, &l->cred, &l->range, to, end);

            if (!rest)
                return -ENOMEM;
            rest->next = l->next;
            l->next = rest;
            r->nr_locks++;
        }
        if (l->range.start < from) { /* and what is before */
            l->range.len = from - l->range.start;
            at = &l->next;
            continue;
        }
        *at = l->next;
        r->nr_locks--;
        free(l);
    }
    return 0;
}

static struct remote_fd *fd_of(struct remote *r, const struct fop *fop)
{
    return fop->fd && !fop->fd->anonymous ? fd_ctx(fop->fd, r->xl) : NULL;
}

void remote_lk_answered(struct remote *r, const struct fop *fop)
{
    const struct flock_range *f = &fop->in.lk.flock;
    struct remote_fd *rf = fd_of(r, fop);
    struct held_lock *l;
    int e;

    if (!rf || (fop->in.lk.cmd != LK_SET && fop->in.lk.cmd != LK_SETW) || f->whence != SEEK_SET || f->start < 0)
        return; /* other forms do not come from a mount */
    SCOPED_LOCK(&r->lock);
    e = cut_locked(r, rf->gfid, &fop->cred, f->start, end_of(f));
    if (e == 0 && f->type != RANGE_UNLOCK) {
        l = new_lock(rf, &fop->cred, f, f->start, end_of(f));
        if (l) {
            l->next = r->locks;
            r->locks = l;
            r->nr_locks++;
        }
        e = l ? 0 : -ENOMEM;
    }
    if (e < 0)
        log_error(r->xl->name, "no memory to note a lock: it will be lost if the brick is");
}

/* The brick drops all that the owner has of the file. */
void remote_flushed(struct remote *r, const struct fop *fop)
{
    struct remote_fd *rf = fd_of(r, fop);
    SCOPED_LOCK(&r->lock);

    if (rf && r->nr_locks > 0)
        cut_locked(r, rf->gfid, &fop->cred, 0, INT64_MAX);
}

/* ---- opening again ------------------------------------------------------------------------------------------------------------ */
static void pump(struct remote *r, uint32_t link);
static void next_lock(struct reopening *o);

static void end_reopening(struct reopening *o)
{
    struct remote *r = o->r;
    uint32_t link = o->link;

    fd_put(o->rf);
    free(o->locks);
    free(o);
    pthread_mutex_lock(&r->lock);
    if (r->reopen_link == link)
        r->reopening--;
    pthread_mutex_unlock(&r->lock);
    pump(r, link);
}

static void lose(struct reopening *o, const char *why)
{
    char text[GFID_TEXT];

    log_warning(o->r->xl->name, "a descriptor of %s does not work any more: %s", gfid_text(o->rf->gfid, text), why);
    pthread_mutex_lock(&o->r->lock);
    forget_locks_locked(o->r, o->rf);
    o->rf->lost = true;
    pthread_mutex_unlock(&o->r->lock);
    give_back(o->rf, atomic_exchange_explicit(&o->rf->where, 0, memory_order_relaxed));
    end_reopening(o);
}

/* -ENOTCONN and -ECANCELED: the connection is gone, the next one does it all again. */
static bool is_over(int err)
{
    return err == -ENOTCONN || err == -ECANCELED;
}

static void try_again_later(struct reopening *o)
{
    struct remote *r = o->r;
    bool post;

    pthread_mutex_lock(&r->lock);
    o->next = r->again;
    r->again = o;
    post = !r->retry_posted;
    r->retry_posted = true;
    pthread_mutex_unlock(&r->lock);
    if (post)
        loop_post(r->xl->graph->process->env.loop, &r->retry_work);
}

static void lock_answered(struct rpc_call *call, struct rpc_reply *reply)
{
    struct reopening *o = container_of(call, struct reopening, call);
    struct fop_lk_rsp rsp;

    if (is_over(reply->err)) {
        end_reopening(o);
    } else if (reply->err < 0 || wire_decode(xdr_fop_lk_rsp, &rsp, reply->result, reply->len) < 0) {
        lose(o, "its lock was not answered for");
    } else if (rsp.op_ret >= 0) {
        o->at++;
        next_lock(o);
    } else if ((rsp.op_errno == EAGAIN || rsp.op_errno == EACCES) && clock_ms() < o->r->grace_end_ms) {
        try_again_later(o);
    } else {
        lose(o, rsp.op_errno == EAGAIN || rsp.op_errno == EACCES ? "somebody else has its lock now" : strerror(rsp.op_errno));
    }
}

static void next_lock(struct reopening *o)
{
    struct held_lock *l;
    int64_t number;
    uint32_t link;
    int e = -ENOTCONN;

    if (o->at == o->nr_locks || remote_fd_where(o->rf, &link, &number) < 0) {
        end_reopening(o);
        return;
    }
    l = &o->locks[o->at];
    struct rpc_caller who = {.flavor = RPC_AUTH_GLUSTER_V3, .pid = l->cred.pid, .uid = l->cred.uid, .gid = l->cred.gid,
                             .owner_len = l->cred.owner_len, .owner = l->cred.owner};
    struct fop_lk_req req = {
        .gfid = o->rf->gfid, .fd = number, .cmd = LK_SET, .type = l->range.type,
        .flock = {.type = l->range.type, .whence = l->range.whence, .start = (uint64_t)l->range.start, .len = (uint64_t)l->range.len,
                  .pid = l->range.pid, .owner = {.at = l->range.owner, .len = l->range.owner_len}},
    };

    o->call = (struct rpc_call){.done = lock_answered, .link = o->link, .flags = RPC_EARLY, .timeout_ms = HANDSHAKE_MS};
    if (rpc_call_make(&o->call, FOP_PROGRAM, FOP400_VERSION, FOP_LK, &who, xdr_fop_lk_req, &req) == 0)
        e = rpc_call_send(o->r->rpc, &o->call);
    if (e < 0)
        end_reopening(o); /* not connected any more */
}

static int copy_locks_locked(struct reopening *o)
{
    unsigned int n = 0;

    for (const struct held_lock *l = o->r->locks; l; l = l->next)
        n += l->rf == o->rf;
    if (n == 0)
        return 0;
    o->locks = calloc(n, sizeof(*o->locks));
    if (!o->locks)
        return -ENOMEM;
    for (const struct held_lock *l = o->r->locks; l; l = l->next)
        if (l->rf == o->rf)
            o->locks[o->nr_locks++] = *l;
    return 0;
}

static void opened_again(struct rpc_call *call, struct rpc_reply *reply)
{
    struct reopening *o = container_of(call, struct reopening, call);
    struct remote *r = o->r;
    struct fop_open_rsp rsp;
    bool gone;
    int e = 0;

    if (is_over(reply->err)) {
        end_reopening(o);
        return;
    }
    if (reply->err < 0 || wire_decode(xdr_fop_open_rsp, &rsp, reply->result, reply->len) < 0) {
        lose(o, "the brick did not answer for it");
        return;
    }
    if (rsp.op_ret < 0 || rsp.fd < 0 || rsp.fd > NUMBER_MAX) {
        lose(o, rsp.op_ret < 0 ? strerror(rsp.op_errno) : "the brick gave it a senseless number");
        return;
    }
    pthread_mutex_lock(&r->lock);
    gone = o->rf->released;
    if (!gone) {
        atomic_store_explicit(&o->rf->where, WHERE(o->link, rsp.fd), memory_order_relaxed);
        e = copy_locks_locked(o);
    }
    pthread_mutex_unlock(&r->lock);
    if (gone) {
        remote_give_back(r, o->link, rsp.fd, o->rf->gfid, o->rf->is_dir);
        end_reopening(o);
    } else if (e < 0) {
        lose(o, "no memory for its locks");
    } else {
        next_lock(o);
    }
}

static void open_again(struct reopening *o)
{
    struct remote_fd *rf = o->rf;
    struct fop_open_req file = {.gfid = rf->gfid, .flags = wire_open_flags_of(rf->flags & ~(O_CREAT | O_EXCL | O_TRUNC))};
    struct fop_gfid_req dir = {.gfid = rf->gfid};
    struct dict *empty = dict_new();
    int e = -ENOMEM;

    file.xdata = dir.xdata = wire_dict_of(empty);
    o->call = (struct rpc_call){.done = opened_again, .link = o->link, .flags = RPC_EARLY, .timeout_ms = HANDSHAKE_MS};
    if (empty)
        e = rf->is_dir ? rpc_call_make(&o->call, FOP_PROGRAM, FOP400_VERSION, FOP_OPENDIR, &nobody, xdr_fop_gfid_req, &dir)
                       : rpc_call_make(&o->call, FOP_PROGRAM, FOP400_VERSION, FOP_OPEN, &nobody, xdr_fop_open_req, &file);
    dict_unref(empty);
    if (e == 0)
        e = rpc_call_send(o->r->rpc, &o->call);
    if (e == -ENOTCONN)
        end_reopening(o);
    else if (e < 0)
        lose(o, strerror(-e));
}

/* Starts what may start; who ends the last one makes the connection ready. One at a time does that: what is called here may end at
 * once and come back, and the others leave it to him. */
static void pump(struct remote *r, uint32_t link)
{
    bool last = false;

    pthread_mutex_lock(&r->lock);
    if (r->reopen_link != link || r->pumping) {
        pthread_mutex_unlock(&r->lock);
        return;
    }
    r->pumping = true;
    while (r->todo && r->reopening < REOPEN_AT_ONCE && r->reopen_link == link) {
        struct reopening *o = r->todo;

        r->todo = o->next;
        r->reopening++;
        pthread_mutex_unlock(&r->lock);
        open_again(o);
        pthread_mutex_lock(&r->lock);
    }
    r->pumping = false;
    if (r->reopen_link == link && !r->todo && r->reopening == 0) {
        last = true;
        r->reopen_link = 0;
    }
    pthread_mutex_unlock(&r->lock);
    if (last)
        handshake_ready(r, link);
}

static void free_list(struct reopening *o)
{
    while (o) {
        struct reopening *next = o->next;

        fd_put(o->rf);
        free(o->locks);
        free(o);
        o = next;
    }
}

/* On an answer of the new connection: no call of the one before is under way, but some may rest in todo and again. */
void remote_reopen_all(struct remote *r, uint32_t link)
{
    bool strict = r->strict_locks;
    struct reopening *old[2];

    pthread_mutex_lock(&r->lock);
    old[0] = r->todo;
    old[1] = r->again;
    r->todo = r->again = NULL;
    r->reopening = 0;
    r->reopen_link = link;
    r->grace_end_ms = clock_ms() + LOCK_GRACE_MS;
    for (struct remote_fd *rf = r->fds; rf; rf = rf->next) {
        struct reopening *o;
        bool locked = false;

        atomic_store_explicit(&rf->where, 0, memory_order_relaxed);
        for (const struct held_lock *l = r->locks; strict && l && !locked; l = l->next)
            locked = l->rf == rf;
        o = locked || rf->lost ? NULL : calloc(1, sizeof(*o));
        if (!o) {
            rf->lost = true; /* as before, by the option, or for want of memory */
            forget_locks_locked(r, rf);
            continue;
        }
        atomic_fetch_add_explicit(&rf->refs, 1, memory_order_relaxed);
        *o = (struct reopening){.rf = rf, .r = r, .link = link, .next = r->todo};
        r->todo = o;
    }
    pthread_mutex_unlock(&r->lock);
    free_list(old[0]);
    free_list(old[1]);
    pump(r, link);
}

/* ---- locks that are still taken ------------------------------------------------------------------------------------------------ */
void remote_post_retry(struct loop_work *w)
{
    struct remote *r = container_of(w, struct remote, retry_work);

    if (!r->started || loop_arm(r->xl->graph->process->env.loop, &r->retry, LOCK_RETRY_MS) < 0)
        remote_retry(&r->retry);
}

void remote_retry(struct timer *t)
{
    struct remote *r = container_of(t, struct remote, retry);
    struct reopening *o;

    pthread_mutex_lock(&r->lock);
    o = r->again;
    r->again = NULL;
    r->retry_posted = false;
    pthread_mutex_unlock(&r->lock);
    while (o) {
        struct reopening *next = o->next;

        next_lock(o); /* over another connection it does not go, and ends */
        o = next;
    }
}

void remote_drop_reopenings(struct remote *r)
{
    struct reopening *todo, *again;

    pthread_mutex_lock(&r->lock);
    todo = r->todo;
    again = r->again;
    r->todo = r->again = NULL;
    pthread_mutex_unlock(&r->lock);
    free_list(todo);
    free_list(again);
}
