/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fops.c: a fop becomes a call, its answer the fop's results. The call lives in the fop; the request is encoded straight into its
 * message, WRITE's data goes as the slices that it is, READ's data goes up as slices of what was received. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "fop400.h"
#include "remote.h"
#include "request.h"
#include "wire-words.h"

struct remote_call {
    struct rpc_call call;
    struct remote *r;
    struct fop *fop;
    uint8_t owner[4]; /* for a caller without a lock owner */
};

/* ---- the answer --------------------------------------------------------------------------------------------------------------- */
static bool makes_object(enum fop_op op)
{
    return op == FOP_LOOKUP || op == FOP_CREATE || op == FOP_MKNOD || op == FOP_MKDIR || op == FOP_SYMLINK;
}

/* Attributes of an object must say which and what it is. */
static int take_object(struct remote *r, struct fop *fop)
{
    const struct iatt *st = &fop->out.stat;
    const struct inode *known = fop->op == FOP_LOOKUP && !fop->loc.name[0] ? fop->loc.inode : NULL;
    struct inode *in;

    if (gfid_is_null(st->gfid) || (st->mode & S_IFMT) == 0)
        return -EIO;
    if (known && !gfid_equal(known->gfid, st->gfid))
        return -ESTALE;
    in = inode_get(r->xl->graph->inodes, st->gfid);
    if (!in)
        return -ENOMEM;
    if (atomic_load_explicit(&in->type, memory_order_relaxed) == 0)
        atomic_store_explicit(&in->type, st->mode & S_IFMT, memory_order_relaxed);
    fop->out.inode = in;
    return 0;
}

static int take_fd(struct remote *r, struct fop *fop, uint32_t link, int64_t number)
{
    struct inode *in = fop->op == FOP_CREATE ? fop->out.inode : fop->loc.inode;
    int32_t flags = fop->op == FOP_CREATE ? fop->in.create.flags : fop->op == FOP_OPEN ? fop->in.open.flags : O_RDONLY | O_DIRECTORY;
    bool is_dir = fop->op == FOP_OPENDIR;
    int e;

    fop->out.fd = in ? fd_new(r->xl->graph, in, fop->client, flags, is_dir) : NULL;
    if (!fop->out.fd) {
        remote_give_back(r, link, number, in ? in->gfid : fop->out.stat.gfid, is_dir);
        return -ENOMEM;
    }
    fop->out.fd->pid = (uint64_t)fop->cred.pid;
    e = remote_fd_made(r, fop->out.fd, link, number);
    if (e < 0) {
        fd_unref(fop->out.fd);
        fop->out.fd = NULL;
    }
    return e;
}

/* As long as it says, and no longer than was asked for. */
static int take_data(struct fop *fop, const struct rpc_reply *reply, size_t used)
{
    int e;

    if (fop->ret < 0)
        return 0;
    e = rpc_reply_bulk(reply, used, &fop->out.data);
    if (e < 0)
        return e == -EINVAL ? -EIO : e;
    return (size_t)fop->ret == fop->out.data.len && (uint32_t)fop->ret <= fop->in.read.size ? 0 : -EIO;
}

static int take_result(struct remote *r, struct fop *fop, const struct rpc_reply *reply, size_t used, int64_t number)
{
    int e = 0;

    if (fop->op == FOP_READ)
        return take_data(fop, reply, used);
    if (fop->ret < 0)
        return 0;
    if (makes_object(fop->op))
        e = take_object(r, fop);
    switch (fop->op) {
    case FOP_CREATE:
    case FOP_OPEN:
    case FOP_OPENDIR:
        if (e == 0)
            e = take_fd(r, fop, reply->link, number);
        else
            remote_give_back(r, reply->link, number, fop->out.stat.gfid, fop->op == FOP_OPENDIR);
        break;
    case FOP_WRITE:
        e = (uint32_t)fop->ret <= fop->in.write.size ? 0 : -EIO;
        break;
    case FOP_COPY_FILE_RANGE:
        e = (uint32_t)fop->ret <= fop->in.copy.size ? 0 : -EIO;
        break;
    case FOP_LK:
        remote_lk_answered(r, fop);
        break;
    case FOP_FLUSH:
        remote_flushed(r, fop);
        break;
    default:
        break;
    }
    return e;
}

static void end(struct remote *r, struct fop *fop, int err)
{
    counter_add(&r->answered[err != 0 || fop->ret < 0], 1);
    if (err)
        fop_fail(fop, err);
    else
        fop_complete(fop, fop->ret, fop->err);
}

static void remote_answered(struct rpc_call *rpc, struct rpc_reply *reply)
{
    struct remote_call *call = container_of(rpc, struct remote_call, call);
    struct remote *r = call->r;
    struct fop *fop = call->fop;
    int64_t number = -1;
    size_t used = 0;
    int e = 0;

    if (reply->err == 0)
        e = wire_answer(fop, reply->result, reply->len, &number, &used);
    else
        e = -ENOTCONN; /* whatever the reason is: nobody knows whether it was done */
    if (e == 0)
        e = take_result(r, fop, reply, used, number);
    end(r, fop, e == -EBADMSG ? EIO : -e);
}

/* ---- the call ----------------------------------------------------------------------------------------------------------------- */
/* These go on without the number, by the file's gfid, unless what the descriptor stood for is lost. */
static bool may_be_anonymous(enum fop_op op)
{
    return op == FOP_READ || op == FOP_WRITE || op == FOP_FSYNC || op == FOP_FINODELK || op == FOP_FXATTROP || op == FOP_COPY_FILE_RANGE;
}

static int find_number(struct remote *r, const struct fop *fop, const struct fd *fd, struct wire_object *obj, uint32_t *link)
{
    struct remote_fd *rf = fd && !fd->anonymous ? fd_ctx(fd, r->xl) : NULL;

    if (!rf) {
        obj->fd = WIRE_FD_ANONYMOUS;
        return 0;
    }
    if (remote_fd_where(rf, link, &obj->fd) == 0)
        return 0;
    if (!atomic_load_explicit(&r->ready, memory_order_relaxed))
        return -ENOTCONN;
    if (!may_be_anonymous(fop->op) || r->strict_locks || remote_fd_is_lost(r, rf))
        return -EBADFD;
    obj->fd = WIRE_FD_ANONYMOUS;
    return 0;
}

static bool needs_fd(enum wire_need need)
{
    return need == NEED_FILE || need == NEED_DIR || need == NEED_FD;
}

static int find_numbers(struct remote *r, const struct fop *fop, struct wire_object obj[2], uint32_t *link)
{
    const struct wire_row *row = &wire_rows[fop->op];
    uint32_t link2 = 0;
    int e = needs_fd(row->need) ? find_number(r, fop, fop->fd, &obj[0], link) : 0;

    if (e == 0 && needs_fd(row->need2))
        e = find_number(r, fop, fop->fd2, &obj[1], &link2);
    if (e == 0 && link2 && *link && link2 != *link)
        e = -ENOTCONN; /* one of them was opened on a connection that has ended */
    if (link2)
        *link = link2;
    return e;
}

static void drop_direct(enum fop_op op, union wire_any_request *req)
{
#define WIRE_DIRECT 040000u /* the wire's and, in READ and WRITE, the host's */
    switch (op) {
    case FOP_OPEN:
        ((struct fop_open_req *)req)->flags &= ~WIRE_DIRECT;
        break;
    case FOP_CREATE:
        ((struct fop_create_req *)req)->flags &= ~WIRE_DIRECT;
        break;
    case FOP_READ:
    case FOP_WRITE:
        ((struct fop_rw_req *)req)->flag &= ~(uint32_t)O_DIRECT;
        break;
    default:
        break;
    }
}

/* Someone else's unlock is waited for, however long that takes. */
static bool waits_for_a_lock(const struct fop *fop)
{
    switch (fop->op) {
    case FOP_LK:
        return fop->in.lk.cmd == LK_SETW || fop->in.lk.cmd == LK_RESW;
    case FOP_INODELK:
    case FOP_FINODELK:
        return fop->in.inodelk.cmd == LK_SETW;
    case FOP_ENTRYLK:
    case FOP_FENTRYLK:
        return fop->in.entrylk.cmd == ENTRYLK_LOCK;
    default:
        return false;
    }
}

static struct rpc_caller caller_of(const struct remote *r, const struct fop *fop, uint8_t own[4])
{
    const struct cred *c = &fop->cred;
    struct rpc_caller who = {
        .flavor = RPC_AUTH_GLUSTER_V3, .pid = c->pid, .uid = c->uid, .gid = c->gid,
        .nr_groups = r->send_gids ? c->nr_groups : 0, .groups = c->groups,
        .owner_len = c->owner_len, .owner = c->owner,
        .time_flags = c->time_flags, .time_sec = c->time_sec, .time_nsec = c->time_nsec,
    };

    if (who.owner_len == 0) { /* the pid, little-endian: spec wire 1.7 */
        uint32_t pid = htole32((uint32_t)c->pid);

        memcpy(own, &pid, sizeof(pid));
        who.owner = own;
        who.owner_len = sizeof(pid);
    }
    return who;
}

static int send_fop(struct remote *r, struct fop *fop)
{
    struct remote_call *call = fop_alloc(fop, sizeof(*call));
    union wire_any_request req;
    struct wire_object obj[2];
    uint32_t link = 0;
    void *proc;
    int e;

    if (!call)
        return -ENOMEM;
    if (!wire_rows[fop->op].request.proc)
        return -EOPNOTSUPP;
    if (!wire_objects(fop, obj) || (fop->op == FOP_WRITE && fop->in.write.data.len != fop->in.write.size))
        return -EINVAL;
    if ((e = find_numbers(r, fop, obj, &link)) < 0 || (e = wire_call(fop, obj, &req, &proc)) < 0)
        return e;
    if (r->filter_direct)
        drop_direct(fop->op, &req);
    call->r = r;
    call->fop = fop;
    call->call = (struct rpc_call){
        .done = remote_answered, .link = link, .timeout_ms = waits_for_a_lock(fop) ? UINT_MAX : 0,
        .bulk_at = fop->op == FOP_READ ? wire_read_bulk_at : NULL,
    };
    if (fop->op == FOP_READ && fop->in.read.n_into > 0) {
        call->call.into = fop->in.read.into;
        call->call.n_into = fop->in.read.n_into;
        call->call.into_len = fop->in.read.size;
    }
    struct rpc_caller who = caller_of(r, fop, call->owner);
    e = rpc_call_make(&call->call, FOP_PROGRAM, FOP400_VERSION, fop->op, &who, proc, &req);
    if (e == 0 && fop->op == FOP_WRITE && (e = rpc_call_add(&call->call, &fop->in.write.data)) < 0)
        rpc_call_drop(&call->call);
    return e < 0 ? e : rpc_call_send(r->rpc, &call->call);
}

void remote_fop(struct xlator *xl, struct fop *fop)
{
    struct remote *r = xl->priv;
    int e;

    if (atomic_load_explicit(&r->storage_down, memory_order_relaxed))
        e = -ENOTCONN;
    else
        e = send_fop(r, fop);
    if (e == 0)
        return; /* it may be over */
    if (fop->op == FOP_FLUSH && e == -EBADFD) { /* the brick has nothing of it any more, and there is nothing to be reported */
        fop->ret = 0;
        e = 0;
    }
    end(r, fop, e == -EMSGSIZE ? ENAMETOOLONG : -e);
}
