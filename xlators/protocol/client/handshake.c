/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* handshake.c: from connected to ready. Each step is an answer to a call of rpc_ask(), on the connection's poller; when the
 * connection ends meanwhile the answer is an error, and nothing more is done: down() follows. Spec wire 3.1 to 3.6, 3.10. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remote.h"
#include "clock.h"
#include "common.h"
#include "dump.h"
#include "fop400.h"
#include "handshake.h"
#include "log.h"
#include "portmap.h"

#define GFS_ID 51949          /* what stock sends with DUMP */
#define OP_VERSION "100000"   /* of GlusterFS 10 */
#define CLIENT_VERSION "10.3" /* whose client we are like */

/* False: no answer, and what there was to do is done. */
static bool answered(struct remote *r, const struct rpc_reply *reply, const char *what)
{
    if (reply->err == 0)
        return true;
    if (reply->err != -ENOTCONN && reply->err != -ECANCELED)
        remote_refused(r, "%s was not answered: %s", what, strerror(-reply->err));
    return false;
}

static void ask(struct remote *r, uint32_t program, uint32_t version, uint32_t procedure, void *proc, const void *args,
                void (*done)(void *ctx, struct rpc_reply *reply))
{
    int e = rpc_ask(r->rpc, program, version, procedure, proc, args, HANDSHAKE_MS, done, r);

    if (e < 0 && e != -ENOTCONN)
        remote_refused(r, "cannot ask: %s", strerror(-e));
}

/* ---- SETVOLUME ---------------------------------------------------------------------------------------------------------------- */
static int add_login(struct remote *r, struct dict *d)
{
    const struct process *p = r->xl->graph->process;
    char uuid[GFID_TEXT], host[256] = "";
    const char *id;
    int e = 0;

    gethostname(host, sizeof(host) - 1);
    SCOPED_LOCK(&r->lock);
#define TEXT(key, value) (e = e < 0 ? e : dict_set_text(d, key, value))
    TEXT("opversion", OP_VERSION);
    TEXT("clnt-lk-version", "1");
    TEXT("client-version", CLIENT_VERSION);
    if (p->volfile_id) {
        TEXT("volfile-key", p->volfile_id);
        TEXT("volfile-checksum", "0");
    }
    if (p->subdir_mount)
        TEXT("subdir-mount", p->subdir_mount);
    if (p->process_name)
        TEXT("process-name", p->process_name);
    id = r->volume_id ? r->volume_id : r->brick_volume_id;
    if (id[0])
        TEXT("volume-id", id);
    if (e == 0)
        e = dict_set_textf(d, "fops-version", "%u", FOP_PROGRAM);
    if (e == 0)
        e = dict_set_textf(d, "process-uuid", "CTX_ID:%s-GRAPH_ID:%u-PID:%d-HOST:%s-PC_NAME:%s-RECON_NO:-%u",
                           gfid_text(p->uuid, uuid), r->xl->graph->id, (int)getpid(), host, r->xl->name, r->logins++);
#undef TEXT
    return e;
}

/* An id that contradicts the one that we know is another volume's brick in the same place. */
static bool same_volume(struct remote *r, const struct dict *d)
{
    const char *id, *ours;

    if (dict_get_text(d, "volume-id", &id) < 0 || !id[0])
        return true;
    SCOPED_LOCK(&r->lock);
    ours = r->volume_id ? r->volume_id : r->brick_volume_id;
    if (!ours[0]) {
        snprintf(r->brick_volume_id, sizeof(r->brick_volume_id), "%s", id);
        return true;
    }
    return strcmp(ours, id) == 0;
}

static void refused_login(struct remote *r, int err, const struct dict *d)
{
    const char *why = NULL;
    bool final;

    dict_get_text(d, "ERROR", &why);
    final = (err == EACCES && why) || (err == ENOENT && r->xl->graph->process->subdir_mount && r->xl->graph->id == 0);
    remote_refused(r, "the brick refuses us: %s (%s)", why ? why : "no reason given", strerror(err));
    if (final)
        xlator_notify_up(r->xl, EVENT_AUTH_FAILED, NULL);
}

static void setvolume_answered(void *ctx, struct rpc_reply *reply)
{
    struct remote *r = ctx;
    hndsk_setvolume_rsp rsp;
    struct dict *d = NULL;
    int64_t child_up = 1;

    if (!answered(r, reply, "SETVOLUME"))
        return;
    if (wire_decode(xdr_hndsk_setvolume_rsp, &rsp, reply->result, reply->len) < 0 || wire_dict3_open(&rsp.dict, &d) < 0) {
        remote_refused(r, "the brick's answer to SETVOLUME makes no sense");
        return;
    }
    if (rsp.op_ret < 0) {
        refused_login(r, rsp.op_errno > 0 ? rsp.op_errno : EIO, d);
    } else if (!same_volume(r, d)) {
        remote_refused(r, "the brick at that place belongs to another volume");
    } else {
        dict_get_i64(d, "child_up", &child_up);
        atomic_store_explicit(&r->storage_down, child_up == 0, memory_order_relaxed);
        remote_reopen_all(r, reply->link);
    }
    dict_unref(d);
}

static void send_setvolume(struct remote *r)
{
    struct dict *d;
    hndsk_setvolume_req req = {.dict = {0}};
    uint8_t *bytes;
    size_t len;

    pthread_mutex_lock(&r->lock);
    d = dict_copy(r->options);
    pthread_mutex_unlock(&r->lock);
    if (!d || add_login(r, d) < 0) {
        dict_unref(d);
        remote_refused(r, "our options do not fit into a login");
        return;
    }
    len = dict3_size(d);
    bytes = malloc(len);
    if (bytes) {
        dict3_encode(d, bytes);
        req.dict = (wire_dict3){.at = bytes, .len = (uint32_t)len};
        ask(r, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_SETVOLUME, xdr_hndsk_setvolume_req, &req, setvolume_answered);
        free(bytes);
    } else {
        remote_refused(r, "no memory");
    }
    dict_unref(d);
}

void handshake_ready(struct remote *r, uint32_t link)
{
    struct rpc_client_stats s;

    rpc_client_ready(r->rpc, link);
    if (rpc_client_link(r->rpc) != link)
        return; /* its down() has the last word */
    atomic_store_explicit(&r->ready, true, memory_order_relaxed);
    rpc_client_stats(r->rpc, &s);
    log_info(r->xl->name, "connected to %s", s.peer);
    remote_say(r, "");
    remote_tell(r, !atomic_load_explicit(&r->storage_down, memory_order_relaxed));
}

/* ---- the brick's port ----------------------------------------------------------------------------------------------------------- */
static void port_answered(void *ctx, struct rpc_reply *reply)
{
    struct remote *r = ctx;
    pmap_port_by_brick_rsp rsp;

    if (!answered(r, reply, "PORTBYBRICK"))
        return;
    if (wire_decode(xdr_pmap_port_by_brick_rsp, &rsp, reply->result, reply->len) < 0) {
        remote_refused(r, "the daemon's answer to PORTBYBRICK makes no sense");
        return;
    }
    if (rsp.op_ret < 0 || rsp.port <= 0 || rsp.port > 65535 || rsp.port == DAEMON_PORT) {
        remote_refused(r, "the daemon knows no port of the brick: it does not run");
        return;
    }
    pthread_mutex_lock(&r->lock);
    int e = rpc_client_aim(r->rpc, remote_host_of(r), (uint16_t)rsp.port, r->to_brick);
    pthread_mutex_unlock(&r->lock);
    if (e < 0) {
        remote_refused(r, "no memory");
        return;
    }
    atomic_store(&r->redirected, true);
    rpc_client_reconnect(r->rpc, 0);
}

static void ask_for_port(struct remote *r)
{
    pmap_port_by_brick_req req;
    char name[WIRE_NAME_MAX + 1];

    pthread_mutex_lock(&r->lock);
    snprintf(name, sizeof(name), "%s", r->remote_subvolume);
    pthread_mutex_unlock(&r->lock);
    req.brick = wire_str(name);
    ask(r, PMAP_PROGRAM, PMAP_VERSION, PMAP_PORTBYBRICK, xdr_pmap_port_by_brick_req, &req, port_answered);
}

/* ---- what is served there ------------------------------------------------------------------------------------------------------- */
static void dump_answered(void *ctx, struct rpc_reply *reply)
{
    struct remote *r = ctx;
    bool portmap = false, fops = false;
    dump_rsp rsp;
    wire_program p;

    if (!answered(r, reply, "DUMP"))
        return;
    if (wire_decode(xdr_dump_rsp, &rsp, reply->result, reply->len) < 0 || rsp.op_ret < 0) {
        remote_refused(r, "the answer to DUMP makes no sense");
        return;
    }
    while (rsp.programs.count > 0 && wire_list_next(&rsp.programs, &p)) {
        portmap |= p.number == PMAP_PROGRAM && p.vers == PMAP_VERSION;
        fops |= p.number == FOP_PROGRAM && p.vers == FOP400_VERSION;
    }
    if (portmap)
        ask_for_port(r);
    else if (fops)
        send_setvolume(r);
    else
        remote_refused(r, "who answers there serves no files by version 400 of the protocol");
}

void handshake_start(struct remote *r)
{
    dump_req req = {.gfs_id = GFS_ID};

    ask(r, DUMP_PROGRAM, DUMP_VERSION, DUMP_DUMP, xdr_dump_req, &req, dump_answered);
}
