/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* programs.c: what bricks and clients ask the daemon: volume files (GETSPEC) and ports (the port map).
 *
 * A volume file that holds a volume's login (a brick's, the self-heal daemon's, ...) goes to processes of this machine, and to peers whose
 * certificate has been checked; to nobody else. SIGNIN and SIGNOUT count only from the process that was started for that brick. */
#include "config.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "callback.h"
#include "dict.h"
#include "env.h"
#include "glusterd.h"
#include "handshake.h"
#include "log.h"
#include "portmap.h"
#include "programs.h"
#include "shd.h"
#include "wire.h"

#define DOMAIN "glusterd"
#define KEY_MAX 255

/* ---- who asks ----------------------------------------------------------------------------------------------------------------- */

static const void *ip_of(const struct sockaddr *a, size_t *len)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (a->sa_family == AF_INET) {
        *len = 4;
        return &((const struct sockaddr_in *)a)->sin_addr;
    }
    const uint8_t *six = ((const struct sockaddr_in6 *)a)->sin6_addr.s6_addr;
    *len = 16;
    if (memcmp(six, mapped, sizeof mapped) != 0)
        return six;
    *len = 4;
    return six + 12;
}

static bool is_ip(const struct sockaddr *a)
{
    return a && (a->sa_family == AF_INET || a->sa_family == AF_INET6);
}

bool conn_is_local(struct rpc_conn *conn)
{
    struct transport_peer peer;
    struct ifaddrs *own;
    bool yes = false;
    rpc_conn_peer(conn, &peer);
    const struct sockaddr *a = (const struct sockaddr *)peer.addr;
    if (!is_ip(a))
        return true; /* a unix socket */
    size_t len, own_len;
    const uint8_t *ip = ip_of(a, &len);
    if (len == 4 && ip[0] == 127)
        return true;
    if (getifaddrs(&own) < 0)
        return false;
    for (struct ifaddrs *i = own; i && !yes; i = i->ifa_next) {
        if (!is_ip(i->ifa_addr))
            continue;
        const void *mine = ip_of(i->ifa_addr, &own_len);
        yes = own_len == len && memcmp(mine, ip, len) == 0;
    }
    freeifaddrs(own);
    return yes;
}

static bool is_trusted(struct rpc_conn *conn)
{
    struct transport_peer peer;
    rpc_conn_peer(conn, &peer);
    return peer.tls || conn_is_local(conn); /* with TLS the peer's certificate has been verified */
}

/* ---- volume files -------------------------------------------------------------------------------------------------------------- */

struct spec {
    char volume[257];
    char file[4200];             /* below the working directory */
    bool login;                  /* it holds the volume's login */
};

static bool plain_name(const char *name)
{
    return name[0] != '\0' && name[0] != '.' && !strchr(name, '/');
}

/* Which file a key means (spec management 3.8). Names that would leave the folder mean none. */
static bool find_spec(struct glusterd *gd, const char *key, bool trusted, struct spec *s)
{
    static const struct {
        const char *prefix, *fmt;
    } kinds[] = {
        {"snapd/", "%s-snapd.vol"}, {"gfproxy-client/", "trusted-%s.tcp-gfproxy-fuse.vol"}, {"gfproxyd/", "%s.gfproxyd.vol"},
        {"shd/", "%s-shd.vol"},     {"rebalance/", "%s-rebalance.vol"},
    };
    char name[300];
    for (size_t i = 0; i < array_len(kinds); i++) {
        const char *at = strstr(key, kinds[i].prefix);
        if (!at)
            continue;
        at += strlen(kinds[i].prefix);
        if (!plain_name(at))
            return false;
        snprintf(s->volume, sizeof s->volume, "%s", at);
        snprintf(name, sizeof name, kinds[i].fmt, at);
        snprintf(s->file, sizeof s->file, "vols/%s/%s", at, name);
        s->login = true;
        return true;
    }
    key += *key == '/';
    if (!plain_name(key))
        return false;
    struct volview *w = volumes_get(gd, key);
    if (w) {
        s->login = trusted && w->v->username;
        snprintf(s->volume, sizeof s->volume, "%s", key);
        snprintf(s->file, sizeof s->file, "vols/%s/%s%s.tcp-fuse.vol", key, s->login ? "trusted-" : "", key);
        volview_unref(w);
        return true;
    }
    snprintf(s->volume, sizeof s->volume, "%.*s", (int)strcspn(key, "."), key);
    snprintf(s->file, sizeof s->file, "vols/%s/%s.vol", s->volume, key);
    /* V.tcp-fuse is what everybody may have; V.HOST.PATH is a brick's. */
    const char *rest = key + strlen(s->volume);
    s->login = strcmp(rest, ".tcp-fuse") != 0;
    return true;
}

static char *read_spec(struct glusterd *gd, const char *file, size_t *len)
{
    char path[8400], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", gd->workdir, file);
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    ssize_t n = getdelim(&text, &size, '\0', f);
    fclose(f);
    if (n <= 0) {
        free(text);
        errno = ENOENT;
        return NULL;
    }
    *len = (size_t)n;
    return text;
}

struct getspec {
    char shd[257];               /* the self-heal daemon asks for this volume; "": somebody asks for something else */
    char key[KEY_MAX + 1];
    char *text;
    size_t len;
};

static int getspec_run(struct command *c)
{
    struct getspec *g = (struct getspec *)c->args;
    struct spec s = {0};
    bool trusted = is_trusted(c->req->conn);
    if (!find_spec(c->gd, g->key, trusted, &s))
        return command_fail_errno(c, ENOENT, "getspec: %s: no such volume file", g->key);
    if (s.login && !trusted)
        return command_fail_errno(c, EACCES, "getspec: %s holds a volume's login and is not handed to other machines without TLS", g->key);
    struct volview *w = volumes_get(c->gd, s.volume);
    unsigned int need = w ? w->v->client_op_version : 1;
    volview_unref(w);
    int lo = command_number(c, "min-op-version", 1), hi = command_number(c, "max-op-version", 1);
    bool brick = command_text(c, "brick_name") != NULL;
    if (!brick && w && ((unsigned int)hi < need || (unsigned int)lo > need))
        return command_fail_errno(c, EOPNOTSUPP, "getspec: %s: the client knows versions %d to %d, the volume needs %u", g->key, lo, hi,
                                  need);
    g->text = read_spec(c->gd, s.file, &g->len);
    if (!g->text)
        return command_fail_errno(c, errno, "getspec: %s: %s", g->key, strerror(errno));
    if (strstr(g->key, "shd/"))
        snprintf(g->shd, sizeof g->shd, "%s", s.volume);
    conn_follows(c->gd, c->req->conn, s.volume);
    return 0;
}

static void getspec_encode(struct command *c)
{
    struct getspec *g = (struct getspec *)c->args;
    uint8_t bytes[4600];
    size_t len = 0;
    if (c->op_ret == 0 && g->shd[0]) { /* which file it has to lock for this volume */
        char path[4400];
        shd_pid_file(c->gd, g->shd, path, sizeof path);
        if (dict_set_text(c->out, "pidfile", path) == 0 && (len = dict3_size(c->out)) <= sizeof bytes)
            dict3_encode(c->out, bytes);
        else
            len = 0;
    }
    const struct hndsk_getspec_rsp rsp = {
        .op_ret = c->op_ret < 0 ? -1 : (int32_t)g->len,
        .op_errno = c->op_ret < 0 ? c->op_errno : 0,
        .spec = {.at = g->text, .len = (uint32_t)g->len},
        .xdata = {.at = bytes, .len = (uint32_t)len},
    };
    reply_with(c, (void *)xdr_hndsk_getspec_rsp, &rsp);
    free(g->text);
}

static const struct command_type getspec_command = {.name = "getspec", .flags = COMMAND_QUICK, .run = getspec_run,
                                                    .encode = getspec_encode};

static void getspec(struct rpc_request *req)
{
    struct hndsk_getspec_req arg;
    struct getspec g = {0};
    struct dict *xdata = NULL;
    if (wire_decode((void *)xdr_hndsk_getspec_req, &arg, req->args, req->args_len) < 0 || wire_dict3_open(&arg.xdata, &xdata) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    if (arg.key.len > KEY_MAX) {
        const struct hndsk_getspec_rsp rsp = {.op_ret = -1, .op_errno = EINVAL};
        dict_unref(xdata);
        reply_now(req, (void *)xdr_hndsk_getspec_rsp, &rsp);
        return;
    }
    memcpy(g.key, arg.key.at, arg.key.len);
    command_begin(req->program->data, req, &getspec_command, xdata, &g, sizeof g, NULL);
}

/* ---- what the volume's id is: libgfapi asks ------------------------------------------------------------------------------------- */

static int volume_info_run(struct command *c)
{
    const char *name = command_text(c, "volname");
    struct volview *w = name ? volumes_get(c->gd, name) : NULL;
    if (!w)
        return command_fail_errno(c, EINVAL, "Volume %s does not exist", name ? name : "");
    int r = dict_set_text(c->out, "volume_id", w->v->id);
    volview_unref(w);
    return r < 0 ? command_fail_errno(c, ENOMEM, "no memory") : 0;
}

static void volume_info_encode(struct command *c)
{
    uint8_t bytes[256];
    size_t len = dict3_size(c->out);
    const struct hndsk_info_rsp rsp = {
        .op_ret = c->op_ret,
        .op_errno = c->op_errno,
        .op_errstr = wire_str(c->errstr),
        .dict = {.at = bytes, .len = len <= sizeof bytes ? (uint32_t)len : 0},
    };
    if (rsp.dict.len)
        dict3_encode(c->out, bytes);
    reply_with(c, (void *)xdr_hndsk_info_rsp, &rsp);
}

static const struct command_type volume_info_command = {.name = "volume id", .flags = COMMAND_QUICK, .run = volume_info_run,
                                                        .encode = volume_info_encode};

static void volume_info(struct rpc_request *req)
{
    struct hndsk_info_req arg;
    struct dict *in = NULL;
    if (wire_decode((void *)xdr_hndsk_info_req, &arg, req->args, req->args_len) < 0 || wire_dict3_open(&arg.dict, &in) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    command_begin(req->program->data, req, &volume_info_command, in, NULL, 0, NULL);
}

/* ---- ports ------------------------------------------------------------------------------------------------------------------------ */

static void text_of(struct wire_str s, char *to, size_t size)
{
    snprintf(to, size, "%.*s", (int)s.len, s.at ? s.at : "");
}

static void port_by_brick(struct rpc_request *req)
{
    struct pmap_port_by_brick_req arg;
    char path[WIRE_NAME_MAX + 1];
    if (wire_decode((void *)xdr_pmap_port_by_brick_req, &arg, req->args, req->args_len) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    text_of(arg.brick, path, sizeof path);
    int port = brickrun_port(req->program->data, path);
    const struct pmap_port_by_brick_rsp rsp = {.op_ret = port > 0 ? 0 : -1, .port = port};
    reply_now(req, (void *)xdr_pmap_port_by_brick_rsp, &rsp);
}

struct sign {
    char path[WIRE_NAME_MAX + 1];
    int port, pid;
    bool in;
};

static int sign_run(struct command *c)
{
    const struct sign *s = c->args;
    bool done = conn_is_local(c->req->conn) && (s->in ? brick_signed_in(c->gd, s->path, s->port, s->pid, c->req->conn)
                                                       : brick_signed_out(c->gd, s->path, c->req->conn));
    if (!done)
        return command_fail_errno(c, EPERM, "%s of %s: not from the process that was started for it", s->in ? "SIGNIN" : "SIGNOUT",
                                  s->path);
    return 0;
}

static void sign_encode(struct command *c)
{
    const struct pmap_sign_rsp rsp = {.op_ret = c->op_ret, .op_errno = c->op_errno};
    reply_with(c, (void *)xdr_pmap_sign_rsp, &rsp);
}

static const struct command_type sign_command = {.name = "port map", .flags = COMMAND_QUICK, .run = sign_run, .encode = sign_encode};

static void sign_in(struct rpc_request *req)
{
    struct pmap_signin_req arg;
    struct sign s = {.in = true};
    if (wire_decode((void *)xdr_pmap_signin_req, &arg, req->args, req->args_len) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    text_of(arg.brick, s.path, sizeof s.path);
    s.port = arg.port;
    s.pid = arg.pid;
    command_begin(req->program->data, req, &sign_command, NULL, &s, sizeof s, NULL);
}

static void sign_out(struct rpc_request *req)
{
    struct pmap_signout_req arg;
    struct sign s = {.in = false};
    if (wire_decode((void *)xdr_pmap_signout_req, &arg, req->args, req->args_len) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    text_of(arg.brick, s.path, sizeof s.path);
    command_begin(req->program->data, req, &sign_command, NULL, &s, sizeof s, NULL);
}

/* ---- answers, followers -------------------------------------------------------------------------------------------------------- */

void reply_now(struct rpc_request *req, void *proc, const void *rsp)
{
    struct glusterd *gd = req->program->data;
    struct slicev body = {0};
    struct slice bytes;
    if (wire_encode(gd->process->env.bufs, proc, rsp, &bytes) < 0) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    slicev_add(&body, bytes);
    rpc_reply(req, &body);
}

void reply_with(struct command *c, void *proc, const void *rsp)
{
    reply_now(c->req, proc, rsp);
}

/* A connection remembers which volume's file it has fetched, and hears when that changes. */
struct follower {
    char volume[257];            /* glusterd.lock, as the pointer to it is; "": none */
};

void conn_opened(void *host, struct rpc_conn *conn)
{
    struct follower *f = calloc(1, sizeof *f);
    (void)host;
    if (!f) {
        rpc_conn_disconnect(conn, -ENOMEM);
        return;
    }
    rpc_conn_set_data(conn, f);
    rpc_conn_admit(conn); /* there is no SETVOLUME here */
}

void conn_closed(void *host, struct rpc_conn *conn, int err)
{
    struct glusterd *gd = host;
    struct follower *f = rpc_conn_data(conn);
    (void)err;
    brick_conn_closed(gd, conn);
    pthread_mutex_lock(&gd->lock); /* conn_follows() and the tellers look under it */
    rpc_conn_set_data(conn, NULL);
    pthread_mutex_unlock(&gd->lock);
    free(f);
}

void conn_follows(struct glusterd *gd, struct rpc_conn *conn, const char *volume)
{
    SCOPED_LOCK(&gd->lock);
    struct follower *f = rpc_conn_data(conn);
    if (f)
        snprintf(f->volume, sizeof f->volume, "%s", volume);
}

struct followers {
    struct glusterd *gd;
    const char *volume;          /* NULL: whoever comes from one of these addresses */
    const struct addrinfo *from;
    struct rpc_conn **conns;
    size_t n, cap;
};

static bool comes_from(struct rpc_conn *conn, const struct addrinfo *from)
{
    struct transport_peer peer;
    size_t len, other_len;
    rpc_conn_peer(conn, &peer);
    if (!is_ip((const struct sockaddr *)peer.addr))
        return false;
    const void *ip = ip_of((const struct sockaddr *)peer.addr, &len);
    for (; from; from = from->ai_next) {
        const void *other = is_ip(from->ai_addr) ? ip_of(from->ai_addr, &other_len) : NULL;
        if (other && other_len == len && memcmp(ip, other, len) == 0)
            return true;
    }
    return false;
}

static void gather(struct rpc_conn *conn, void *ctx)
{
    struct followers *all = ctx;
    bool follows;
    if (all->volume) {
        pthread_mutex_lock(&all->gd->lock);
        const struct follower *f = rpc_conn_data(conn);
        follows = f && strcmp(f->volume, all->volume) == 0;
        pthread_mutex_unlock(&all->gd->lock);
    } else {
        follows = comes_from(conn, all->from);
    }
    if (!follows)
        return;
    if (all->n == all->cap) {
        size_t cap = all->cap ? 2 * all->cap : 64;
        struct rpc_conn **more = reallocarray(all->conns, cap, sizeof *more);
        if (!more)
            return;
        all->conns = more;
        all->cap = cap;
    }
    all->conns[all->n++] = rpc_conn_ref(conn);
}

void volume_tell_clients(struct glusterd *gd, const char *name)
{
    struct followers all = {.gd = gd, .volume = name};
    rpc_service_each(gd->remote, gather, &all);
    rpc_service_each(gd->local, gather, &all);
    for (size_t i = 0; i < all.n; i++) {
        struct slicev nothing = {0};
        rpc_callback(all.conns[i], CBK_PROGRAM, CBK_VERSION, CBK_FETCHSPEC, &nothing);
        rpc_conn_unref(all.conns[i]);
    }
    free(all.conns);
}

unsigned int tell_to_dump(struct glusterd *gd, const char *host, unsigned int pid)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct followers all = {.gd = gd};
    const struct cbk_statedump dump = {.pid = pid};
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return 0;
    all.from = found;
    rpc_service_each(gd->remote, gather, &all);
    for (size_t i = 0; i < all.n; i++) {
        struct slicev body = {0};
        struct slice bytes;
        if (wire_encode(gd->process->env.bufs, (void *)xdr_cbk_statedump, &dump, &bytes) == 0) {
            slicev_add(&body, bytes);
            rpc_callback(all.conns[i], CBK_PROGRAM, CBK_VERSION, CBK_STATEDUMP, &body);
        }
        rpc_conn_unref(all.conns[i]);
    }
    freeaddrinfo(found);
    free(all.conns);
    return (unsigned int)all.n;
}

/* ---- the programs ---------------------------------------------------------------------------------------------------------------- */

static const struct rpc_actor handshake_actors[NR_HNDSK] = {
    [HNDSK_GETSPEC] = {.name = "GETSPEC", .run = getspec},
    [HNDSK_EVENT_NOTIFY] = {.name = "EVENT_NOTIFY", .run = event_notify},
    [HNDSK_GET_VOLUME_INFO] = {.name = "GET_VOLUME_INFO", .run = volume_info},
};
static const struct rpc_actor local_handshake_actors[] = {
    [HNDSK_GETSPEC] = {.name = "GETSPEC", .run = getspec},
};
static const struct rpc_actor portmap_actors[NR_PMAP] = {
    [PMAP_PORTBYBRICK] = {.name = "PORTBYBRICK", .run = port_by_brick},
    [PMAP_SIGNIN] = {.name = "SIGNIN", .run = sign_in},
    [PMAP_SIGNOUT] = {.name = "SIGNOUT", .run = sign_out},
};

const struct rpc_program handshake_program = {.name = "Gluster Handshake", .number = HNDSK_PROGRAM, .version = HNDSK_VERSION,
                                              .actors = handshake_actors, .nr_actors = array_len(handshake_actors)};
const struct rpc_program local_handshake_program = {.name = "Gluster Handshake (CLI Getspec)", .number = HNDSK_PROGRAM,
                                                    .version = HNDSK_VERSION, .actors = local_handshake_actors,
                                                    .nr_actors = array_len(local_handshake_actors)};
const struct rpc_program portmap_program = {.name = "Gluster Portmap", .number = PMAP_PROGRAM, .version = PMAP_VERSION,
                                            .actors = portmap_actors, .nr_actors = array_len(portmap_actors)};
