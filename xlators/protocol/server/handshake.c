/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* handshake.c: program 14398633 version 2 as a brick answers it: SETVOLUME makes a connection one of a client's.
 *
 * The checks come in stock's order and are answered in stock's words, because clients and people know them. A SETVOLUME begins on the
 * connection's poller. It may have to wait for the addresses of host names (hosts.c) and for look-ups of a directory (subdir.c), and
 * goes on wherever those come back; meanwhile a second one of the same connection is told to try again.
 *
 * Source: spec wire 3.5 to 3.8, 3.11; brick 4.3. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "handshake.h"
#include "log.h"
#include "rpcmsg.h"
#include "server.h"

#define UUID_MAX 1023 /* of a process-uuid: it is kept as long as the client. Stock's are some 150 bytes */
#define FOPS_VERSION 1298437 /* what clients send as fops-version: the program's number */

static struct iobuf_pool *bufs(const struct server *s)
{
    return s->xl->graph->process->env.bufs;
}

static void reply(struct rpc_request *req, void *proc, const void *rsp)
{
    struct server *s = req->program->data;
    struct slicev body = {0};
    struct slice bytes;

    if (wire_encode(bufs(s), proc, rsp, &bytes) < 0) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    slicev_add(&body, bytes);
    rpc_reply(req, &body);
}

/* ---- SETVOLUME ------------------------------------------------------------------------------------------------------------ */

struct visit {
    struct rpc_request *req;        /* holds the rpc_conn */
    struct server *s;
    struct server_conn *conn;       /* a reference */
    struct dict *in;
    struct hosts_waiter hosts;
    struct server_walk walk;
    char *subdir;                   /* NULL: all of the brick */
    struct xlator *bound;
    const char *brick, *uid, *volume_id; /* volume_id: the brick's, or NULL */
    const char *user;                    /* proven */
    int64_t fops_version, mgmt_version;
    struct err why;
};

static const char *text_of(const struct dict *d, const char *key)
{
    const char *text;

    return dict_get_text(d, key, &text) == 0 ? text : NULL;
}

/* The storage below knows which volume the brick belongs to. */
static const char *volume_id_of(const struct xlator *xl)
{
    for (; xl; xl = xl->child) {
        const char *id = optset_get(&xl->options, "volume-id");
        if (id)
            return id;
    }
    return NULL;
}

static struct xlator *brick_named(struct server *s, const char *name)
{
    for (unsigned int i = 0; i < s->xl->nr_children; i++)
        if (strcmp(s->xl->children[i]->name, name) == 0)
            return s->xl->children[i];
    return NULL;
}

static bool is_up(const struct xlator *brick)
{
    return atomic_load_explicit(&brick->up, memory_order_relaxed);
}

static bool is_on(const atomic_bool *flag)
{
    return atomic_load_explicit(flag, memory_order_relaxed);
}

/* May it in, by address, password or certificate? */
static int check_auth(struct visit *v)
{
    struct transport_peer peer;
    const char *why;
    bool in;

    rpc_conn_peer(v->req->conn, &peer);
    const struct auth_asker who = {
        .brick = v->brick,
        .subdir = v->subdir,
        .addr = peer.addr,
        .tls = peer.tls,
        .common_name = peer.common_name,
        .alt_names = peer.alt_names,
        .user = text_of(v->in, "username"),
        .password = text_of(v->in, "password"),
    };
    pthread_mutex_lock(&v->s->lock);
    in = auth_allowed(&v->s->rules, &v->s->auth, &who, &v->user, &why);
    pthread_mutex_unlock(&v->s->lock);
    if (in && v->bound)
        return 0;
    log_warning(v->s->xl->name, "%s%s%s%s is not let in to \"%s\": %s", peer.text, peer.common_name ? " (" : "",
                peer.common_name ? peer.common_name : "", peer.common_name ? ")" : "", v->brick, v->bound ? why : "there is no such brick");
    return v->bound ? err_set(&v->why, -EACCES, "Authentication failed") : err_set(&v->why, -ENOENT, "Brick not found");
}

static int check(struct visit *v)
{
    const char *id;

    v->brick = text_of(v->in, "remote-subvolume");
    if (!v->brick)
        return err_set(&v->why, -EINVAL, "No remote-subvolume option specified");
    if (is_on(&v->s->stopping))
        return err_set(&v->why, -ENOENT, "remote-subvolume \"%s\" is not found", v->brick);
    if (!is_on(&v->s->ready))
        return err_set(&v->why, -EAGAIN, "xlator graph in server is not initialised yet. Try again later");
    v->bound = brick_named(v->s, v->brick);
    if (v->bound && !is_up(v->bound))
        return err_set(&v->why, -EAGAIN, "Not received child_up for this xlator");
    v->uid = text_of(v->in, "process-uuid");
    if (!v->uid)
        return err_set(&v->why, -EINVAL, "UUID not specified");
    if (strlen(v->uid) > UUID_MAX)
        return err_set(&v->why, -EINVAL, "UUID longer than %d bytes", UUID_MAX);
    v->volume_id = v->bound ? volume_id_of(v->bound) : NULL;
    id = text_of(v->in, "volume-id");
    if (id && v->volume_id && strcasecmp(id, v->volume_id) != 0)
        return err_set(&v->why, -EINVAL, "Volume-ID different, possible case of same brick re-used in another volume");
    dict_get_i64(v->in, "fops-version", &v->fops_version);
    dict_get_i64(v->in, "mgmt-version", &v->mgmt_version);
    if (v->fops_version != FOPS_VERSION)
        return err_set(&v->why, -EINVAL, "version mismatch: client(%lld) - client-mgmt(%lld)", (long long)v->fops_version,
                       (long long)v->mgmt_version);
    return 0;
}

static int no_subdir(struct visit *v)
{
    return err_set(&v->why, -ENOENT, "subdirectory for mount \"%.200s\" is not found", text_of(v->in, "subdir-mount"));
}

/* Before the rules are asked: they may be about it. */
static int take_subdir(struct visit *v)
{
    const char *text = text_of(v->in, "subdir-mount");
    int r = text ? server_subdir_path(text, &v->subdir) : 0;

    return r == -ENOMEM ? err_set(&v->why, r, "no memory") : r < 0 ? no_subdir(v) : 0;
}

static int attach(struct visit *v)
{
    const struct server_peer who = {
        .uid = v->uid,
        .cred = &v->req->cred,
        .bound = v->bound,
        .process_name = text_of(v->in, "process-name"),
        .user = v->user,
        .password = text_of(v->in, "password"),
        .subdir = v->subdir,
        .root = {.set = v->subdir != NULL, .gfid = v->subdir ? v->walk.here->gfid : gfid_root},
    };
    int64_t version = 0;

    dict_get_i64(v->in, "opversion", &version);
    int r = server_attach(v->conn, &who, (uint32_t)version);
    return r < 0 ? err_set(&v->why, r, r == -ENOMEM ? "no memory" : "the connection is closed") : 0;
}

/* What the reply says; a pair that finds no memory is missing there. */
static struct dict *answer(const struct visit *v, int result)
{
    struct dict *d = dict_new();
    char uuid[GFID_TEXT];

    if (!d)
        return NULL;
    dict_set_text(d, "ERROR", result < 0 ? v->why.text : "Success");
    if (result < 0)
        return d;
    dict_set_text(d, "process-uuid", gfid_text(v->s->xl->graph->process->uuid, uuid));
    dict_set_text(d, "volume-id", v->volume_id ? v->volume_id : "");
    dict_set_i64(d, "child_up", is_up(v->bound));
    dict_set_i64(d, "clnt-lk-version", 0);
    return d;
}

static void answer_setvolume(struct visit *v, int result)
{
    struct dict *d = answer(v, result);
    size_t len = dict3_size(d);
    uint8_t *bytes = malloc(len ? len : 1);
    struct hndsk_setvolume_rsp rsp = {.op_ret = result < 0 ? -1 : 0, .op_errno = result < 0 ? -result : 0};

    if (bytes && d) {
        dict3_encode(d, bytes);
        rsp.dict = (wire_dict3){.at = bytes, .len = (uint32_t)len};
    }
    reply(v->req, (void *)xdr_hndsk_setvolume_rsp, &rsp);
    free(bytes);
    dict_unref(d);
}

/* Not even a request: GARBAGE_ARGS with a result behind it, as stock does (spec wire 1.5). */
static void refuse_garbage(struct rpc_request *req)
{
    static const uint8_t none[4]; /* a dictionary of no pairs */
    const struct hndsk_setvolume_rsp rsp = {.op_ret = -1, .op_errno = EINVAL, .dict = {.at = none, .len = sizeof(none)}};
    struct slicev body = {0};
    struct slice bytes;

    if (wire_encode(bufs(req->program->data), (void *)xdr_hndsk_setvolume_rsp, &rsp, &bytes) < 0) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    slicev_add(&body, bytes);
    rpc_reply_error_with(req, RPC_GARBAGE_ARGS, &body);
}

static void log_arrival(const struct visit *v)
{
    const char *version = text_of(v->in, "client-version");
    struct transport_peer peer;

    rpc_conn_peer(v->req->conn, &peer);
    log_info(v->s->xl->name, "accepted client from %s (version: %s) with subvol %s%s%s%s%s", v->uid, version ? version : "unknown",
             v->brick, v->subdir ? " directory " : "", v->subdir ? v->subdir : "", peer.tls ? " over " : "",
             peer.tls ? peer.tls_version : "");
}

/* All that it said, but for the password. */
static void log_visit(const struct visit *v, int result)
{
    char said[1024] = "";
    struct transport_peer peer;
    size_t at = 0;

    if (log_get_level() < LVL_DEBUG)
        return;
    for (unsigned int i = 0; i < dict_count(v->in) && at < sizeof(said); i++) {
        const char *key = dict_at(v->in, i)->key, *text = text_of(v->in, key);

        at += (size_t)snprintf(said + at, sizeof(said) - at, " %s=%s", key, strcmp(key, "password") == 0 ? "..." : text ? text : "?");
    }
    rpc_conn_peer(v->req->conn, &peer);
    log_debug(v->s->xl->name, "SETVOLUME of %s:%s: %s", peer.text, said, result < 0 ? v->why.text : "Success");
}

static void finish(struct visit *v, int r)
{
    struct server *s = v->s;

    if (r == 0)
        r = attach(v);
    log_visit(v, r);
    if (r == 0) {
        rpc_conn_admit(v->req->conn);
        log_arrival(v);
    }
    atomic_store_explicit(&v->conn->visiting, false, memory_order_release); /* pairs with the exchange in begin(); before the answer */
    answer_setvolume(v, r);
    server_walk_done(&v->walk);
    server_conn_unref(v->conn);
    dict_unref(v->in);
    free(v->subdir);
    free(v);
    counter_add(&s->running, -1);
}

static void walked(struct server_walk *w, int r)
{
    struct visit *v = container_of(w, struct visit, walk);

    finish(v, r == -ENOMEM ? err_set(&v->why, r, "no memory") : r < 0 ? no_subdir(v) : 0);
}

static void hosts_known(struct hosts_waiter *w)
{
    struct visit *v = container_of(w, struct visit, hosts);
    int r = check_auth(v);

    if (r < 0 || !v->subdir) {
        finish(v, r);
        return;
    }
    v->walk = (struct server_walk){.server = v->s, .bound = v->bound, .path = v->subdir, .done = walked};
    server_walk(&v->walk);
}

/* NULL: answered. */
static struct visit *begin(struct rpc_request *req, struct server_conn *conn)
{
    struct visit *v = conn ? calloc(1, sizeof(*v)) : NULL;
    struct visit busy = {.req = req, .s = req->program->data};

    if (!v) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return NULL;
    }
    if (atomic_exchange_explicit(&conn->visiting, true, memory_order_acquire)) {
        free(v);
        answer_setvolume(&busy, err_set(&busy.why, -EAGAIN, "the SETVOLUME before this one has not been answered"));
        return NULL;
    }
    *v = (struct visit){.req = req, .s = req->program->data, .conn = server_conn_ref(conn), .hosts.ready = hosts_known};
    counter_add(&v->s->running, 1);
    return v;
}

static void setvolume_actor(struct rpc_request *req)
{
    struct hndsk_setvolume_req arg;
    struct visit *v;

    if (wire_decode((void *)xdr_hndsk_setvolume_req, &arg, req->args, req->args_len) < 0) {
        refuse_garbage(req);
        return;
    }
    v = begin(req, rpc_conn_data(req->conn));
    if (!v)
        return;
    int r = wire_dict3_open(&arg.dict, &v->in);
    if (r < 0 || !v->in)
        r = err_set(&v->why, -EINVAL, "Internal error: failed to unserialize request dictionary");
    else if ((r = check(v)) == 0)
        r = take_subdir(v);
    if (r < 0)
        finish(v, r);
    else if (hosts_ready(v->s->hosts, &v->hosts))
        hosts_known(&v->hosts);
}

/* ---- its neighbours --------------------------------------------------------------------------------------------------------- */

static void common_actor(struct rpc_request *req)
{
    const struct rpc_common_rsp rsp = {0};

    reply(req, (void *)xdr_rpc_common_rsp, &rsp);
}

static void getspec_actor(struct rpc_request *req)
{
    const struct hndsk_getspec_rsp rsp = {
        .op_ret = -1, .op_errno = ENOSYS, .spec = wire_str("<this method is not in use, use glusterd for getspec>")};

    reply(req, (void *)xdr_hndsk_getspec_rsp, &rsp);
}

static void set_lk_ver_actor(struct rpc_request *req)
{
    struct hndsk_set_lk_ver_req arg;

    if (wire_decode((void *)xdr_hndsk_set_lk_ver_req, &arg, req->args, req->args_len) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    const struct hndsk_set_lk_ver_rsp rsp = {.lk_ver = arg.lk_ver};
    reply(req, (void *)xdr_hndsk_set_lk_ver_rsp, &rsp);
}

/* The others are the management daemon's: PROC_UNAVAIL here. */
const struct rpc_actor handshake_actors[] = {
    [HNDSK_NULL] = {.name = "NULL", .run = common_actor, .flags = RPC_ANYTIME},
    [HNDSK_SETVOLUME] = {.name = "SETVOLUME", .run = setvolume_actor, .flags = RPC_ANYTIME},
    [HNDSK_GETSPEC] = {.name = "GETSPEC", .run = getspec_actor, .flags = RPC_ANYTIME},
    [HNDSK_PING] = {.name = "PING", .run = common_actor, .flags = RPC_ANYTIME},
    [HNDSK_SET_LK_VER] = {.name = "SET_LK_VER", .run = set_lk_ver_actor, .flags = RPC_ANYTIME},
};
const unsigned int nr_handshake_actors = array_len(handshake_actors);
