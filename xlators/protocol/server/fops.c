/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* fops.c: program 1298437 version 400: a request becomes a fop, a completed fop becomes a reply.
 *
 * The actor runs on the connection's poller: it decodes, resolves and submits. The reply is encoded on whatever thread completes the
 * fop. File data is not copied in either direction: WRITE's are slices of the record, READ's are slices of what the storage read.
 *
 * Source: spec wire 1.5, 1.8, 2.2, 6. */
#include <errno.h>
#include <stdlib.h>

#include "fop400.h"
#include "graph.h"
#include "rpcmsg.h"
#include "server.h"

#define READ_MAX (64 * MiB)   /* a reply no longer than the largest record we take ourselves; a short read is legal */
#define READDIR_MAX (1 * MiB) /* design section 6 */

/* ---- the reply ------------------------------------------------------------------------------------------------------------ */

static bool opens(enum fop_op op)
{
    return op == FOP_OPEN || op == FOP_CREATE || op == FOP_OPENDIR;
}

/* The number under which the client will name what it opened. A client that has gone meanwhile gets none, and fop_free() closes it. */
static int64_t install_fd(struct fop *fop)
{
    int64_t number = fop->out.fd ? client_fd_install(fop->client, fop->out.fd) : -EIO;

    if (number < 0) {
        fop->ret = -1;
        fop->err = (int32_t)-number;
    }
    return number;
}

/* A folder looked up as "." is its own parent in the reply, and only a folder has one. */
static void take_as_parent(struct fop *fop)
{
    if (S_ISDIR(fop->out.stat.mode)) {
        fop->out.post = fop->out.stat;
        return;
    }
    fop->ret = -1;
    fop->err = ENOTDIR;
}

static void answered(struct fop *fop, void *ctx)
{
    struct server_call *call = ctx;
    struct server *s = call->server;
    struct rpc_request *req = call->req;
    struct slicev body = {0};
    int64_t fd = 0;

    if (fop->ret >= 0 && fop->out.inode)
        server_know(call->bound, fop->out.inode);
    else if (fop->ret < 0 && fop->op == FOP_LOOKUP && fop->loc.inode)
        server_forget_unknown(call->bound, fop->loc.inode);
    if (fop->ret >= 0 && opens(fop->op))
        fd = install_fd(fop);
    if (fop->ret >= 0 && server_is_dot_lookup(call))
        take_as_parent(fop);
    if (call->root.set)
        server_root_out(&call->root, fop);
    if (wire_reply(s->xl->graph->process->env.bufs, fop, fd, &body) < 0) {
        slicev_done(&body);
        rpc_reply_error(req, RPC_SYSTEM_ERR);
    } else {
        rpc_reply(req, &body);
    }
    if (call->started)
        client_finish(fop->client, fop);
    fop_free(fop);
    counter_add(&s->running, -1);
}

/* ---- the request ---------------------------------------------------------------------------------------------------------- */

/* WRITE's data is as long as WRITE says. */
static int take_data(struct rpc_request *req, size_t used, struct fop *fop)
{
    struct slicev *data = &fop->in.write.data;
    int r = rpc_request_bulk(req, used, data);

    return r == -EINVAL || (r == 0 && data->len != fop->in.write.size) ? -EBADMSG : r;
}

static void bound_sizes(struct fop *fop)
{
    if (fop->op == FOP_READ)
        fop->in.read.size = min_of(fop->in.read.size, (uint32_t)READ_MAX);
    else if (fop->op == FOP_READDIR || fop->op == FOP_READDIRP)
        fop->in.readdir.size = min_of(fop->in.readdir.size, (uint32_t)READDIR_MAX);
}

static void start(struct server_call *call)
{
    struct fop *fop = call->fop;

    switch (fop->op) {
    case FOP_RELEASE:
    case FOP_RELEASEDIR: /* success for an unknown number too, as stock says */
        client_fd_close(fop->client, call->obj[0].fd);
        fop_complete(fop, 0, 0);
        return;
    case FOP_ICREATE: /* no client sends these two; the answers are stock's where it survives (spec wire 2.2) */
        fop_fail(fop, ESTALE);
        return;
    case FOP_NAMELINK:
        fop_fail(fop, EOPNOTSUPP);
        return;
    default:
        server_resolve(call);
    }
}

static void groups_known(struct gids_waiter *w)
{
    struct server_call *call = container_of(w, struct server_call, groups);

    if (call->no_memory)
        fop_fail(call->fop, ENOMEM);
    else
        start(call);
}

static void find_groups(struct server_call *call)
{
    call->groups.go_on = groups_known;
    if (gids_get(call->server->gids, call->groups_of, &call->groups))
        groups_known(&call->groups);
}

static int decode(struct rpc_request *req, struct server_call *call)
{
    struct fop *fop = call->fop;
    size_t used;
    int r = wire_request(fop, req->args, req->args_len, call->obj, &used);

    if (r == -EBADMSG)
        return r;
    int ri = server_identity(call, &req->cred);
    if (r == 0)
        r = ri;
    if (call->root.set)
        server_root_in(&call->root, call->obj);
    if (r == 0 && fop->op == FOP_WRITE)
        r = take_data(req, used, fop);
    return r;
}

/* Whose fop it is, and where it goes down. False: nobody's (a second SETVOLUME is under way on the poller and was refused). */
static bool take_owner(struct server_conn *conn, struct fop *fop, struct server_call *call)
{
    SCOPED_LOCK(&conn->lock);
    if (!conn->owner)
        return false;
    fop->client = client_ref(conn->owner->client);
    call->bound = conn->owner->bound;
    call->root = conn->owner->root;
    return true;
}

static void will_wait(struct fop *fop)
{
    struct server_call *call = fop->owner_data;

    rpc_uncount(call->req);
}

static void fop_actor(struct rpc_request *req)
{
    struct server *s = req->program->data;
    struct server_conn *conn = rpc_conn_data(req->conn);
    enum fop_op op = (enum fop_op)req->procedure;
    struct fop *fop;
    struct server_call *call;

    if (atomic_load_explicit(&s->stopping, memory_order_relaxed)) {
        rpc_no_reply(req); /* it was not begun; the connection is about to be closed */
        return;
    }
    fop = fop_new(s->xl->graph, op);
    call = fop ? fop_alloc(fop, sizeof(*call)) : NULL;
    if (!call || !take_owner(conn, fop, call)) {
        fop_free(fop);
        rpc_reply_error(req, call ? RPC_GARBAGE_ARGS : RPC_SYSTEM_ERR);
        return;
    }
    fop->owner_data = call;
    fop->will_wait = will_wait;
    call->req = req;
    call->xid = req->xid;
    call->server = s;
    call->fop = fop;
    call->poller = pthread_self();
    int r = decode(req, call);
    if (r == -EBADMSG) {
        fop_free(fop);
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    bound_sizes(fop);
    counter_add(&s->running, 1);
    call->started = client_start(fop->client, fop);
    fop_push(fop, answered, call);
    if (!call->started)
        fop_fail(fop, ENOTCONN);
    else if (r < 0)
        fop_fail(fop, -r);
    else if (call->wants_groups)
        find_groups(call);
    else
        start(call);
}

static void null_actor(struct rpc_request *req)
{
    struct server *s = req->program->data;
    struct rpc_common_rsp rsp = {0};
    struct slicev body = {0};
    struct slice bytes;

    if (wire_encode(s->xl->graph->process->env.bufs, (void *)xdr_rpc_common_rsp, &rsp, &bytes) < 0) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    slicev_add(&body, bytes);
    rpc_reply(req, &body);
}

static void garbage_actor(struct rpc_request *req)
{
    rpc_reply_error(req, RPC_GARBAGE_ARGS);
}

/* ---- how large a reply may become (design section 6: it is reserved before the request starts) ---------------------------------- */

#define READ_SIZE_AT 32 /* gfid 16, fd 8, offset 8; the same in READ, READDIR and READDIRP */

static size_t size_asked(const uint8_t *args, size_t len, size_t max)
{
    uint32_t be;

    if (len < READ_SIZE_AT + sizeof(be))
        return 0; /* it will not decode */
    memcpy(&be, args + READ_SIZE_AT, sizeof(be));
    return min_of((size_t)be32toh(be), max);
}

static size_t read_reply_max(const uint8_t *args, size_t len)
{
    return size_asked(args, len, READ_MAX) + RPC_REPLY_SMALL;
}

/* What is asked for bounds names and attributes; the entries' extended attributes come on top. */
static size_t readdir_reply_max(const uint8_t *args, size_t len)
{
    return 2 * size_asked(args, len, READDIR_MAX) + RPC_REPLY_SMALL;
}

static size_t dict_reply_max(const uint8_t *args, size_t len)
{
    return DICT_WIRE_MAX + RPC_REPLY_SMALL;
}

#define LOOKUP_REPLY_MAX (128 * KiB) /* quick-read asks for content of up to 64 KiB */

static size_t lookup_reply_max(const uint8_t *args, size_t len)
{
    return LOOKUP_REPLY_MAX;
}

/* PUT has no actor: PROC_UNAVAIL. Lock calls wait for each other and do not count as outstanding: else 64 of them would keep out
 * the unlock that they wait for (spec wire 11, 19). How many may wait is bounded by features/locks. */
#define ACTOR(op, ...) [FOP_##op] = {.name = #op, .run = fop_actor, ##__VA_ARGS__}
#define LOCK_ACTOR(op) ACTOR(op, .flags = RPC_UNCOUNTED)
const struct rpc_actor fop_actors[] = {
    [FOP_NULL] = {.name = "NULL", .run = null_actor},
    ACTOR(STAT), ACTOR(READLINK, .reply_max = lookup_reply_max), ACTOR(MKNOD), ACTOR(MKDIR), ACTOR(UNLINK), ACTOR(RMDIR),
    ACTOR(SYMLINK), ACTOR(RENAME), ACTOR(LINK), ACTOR(TRUNCATE), ACTOR(OPEN), ACTOR(READ, .reply_max = read_reply_max),
    ACTOR(WRITE, .bulk_at = wire_write_bulk_at), ACTOR(STATFS), ACTOR(FLUSH), ACTOR(FSYNC), ACTOR(SETXATTR),
    ACTOR(GETXATTR, .reply_max = dict_reply_max), ACTOR(REMOVEXATTR), ACTOR(OPENDIR), ACTOR(FSYNCDIR), ACTOR(ACCESS), ACTOR(CREATE),
    ACTOR(FTRUNCATE), ACTOR(FSTAT), LOCK_ACTOR(LK), ACTOR(LOOKUP, .reply_max = lookup_reply_max),
    ACTOR(READDIR, .reply_max = readdir_reply_max), LOCK_ACTOR(INODELK), LOCK_ACTOR(FINODELK), LOCK_ACTOR(ENTRYLK),
    LOCK_ACTOR(FENTRYLK), ACTOR(XATTROP), ACTOR(FXATTROP), ACTOR(FGETXATTR, .reply_max = dict_reply_max), ACTOR(FSETXATTR),
    ACTOR(RCHECKSUM), ACTOR(SETATTR), ACTOR(FSETATTR), ACTOR(READDIRP, .reply_max = readdir_reply_max),
    ACTOR(RELEASE, .flags = RPC_QUIET_EARLY), ACTOR(RELEASEDIR, .flags = RPC_QUIET_EARLY), ACTOR(FREMOVEXATTR), ACTOR(FALLOCATE),
    ACTOR(DISCARD), ACTOR(ZEROFILL), ACTOR(IPC), ACTOR(SEEK), [FOP_COMPOUND] = {.name = "COMPOUND", .run = garbage_actor}, ACTOR(LEASE),
    ACTOR(GETACTIVELK, .reply_max = dict_reply_max), ACTOR(SETACTIVELK), ACTOR(ICREATE), ACTOR(NAMELINK), [FOP_PUT] = {.name = "PUT"},
    ACTOR(COPY_FILE_RANGE),
};
const unsigned int nr_fop_actors = array_len(fop_actors);
