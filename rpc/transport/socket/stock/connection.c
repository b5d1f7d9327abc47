/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* connection.c: connections of the core behind stock's rpc_transport_t.
 *
 * Events, in stock's order: an accepted connection is told to its listener as ACCEPT when it is up (with TLS: proven), a
 * connecting one to itself as CONNECT. Then MAP_XID_REQUEST and MSG_RECEIVED for what comes, MSG_SENT for what has left,
 * EVENT_THREAD_DIED when a thread that delivered ends and the listener's service has asked for it, and DISCONNECT once and last,
 * for each connect() that returned 0, also when CONNECT never came. CLEANUP is libgfrpc's, at the last reference.
 *
 * disconnect(wait): what a running callback uses is kept by references, so there is nothing to wait for, and nobody does: the
 * caller may hold a lock that a callback needs. (Stock 10.3 does not wait either.) */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "core/family.h"
#include "core/source.h"
#include "log.h"
#include "stock/plugin.h"

struct link {
    rpc_transport_t *trans;  /* with a reference; an accepted one's from up() on */
    struct listening *from;  /* accepted: who listened, with a reference; NULL: we connect */
    struct conn *conn;       /* with a reference; written under port.lock while that is at work */
    bool up;                 /* under port.lock */
    bool cancelled;          /* under port.lock: disconnect() was called */
    bool refused;            /* the upper layer did not want it */
    bool admitted;
    int err;                 /* why it went down */
    struct reading reading;
    /* connecting */
    int port;
    struct tls_config *tls;  /* the port's */
    struct addrinfo *found, *next;
    struct job job;
    struct waiting waiting;
};

/* ---- who is who ----------------------------------------------------------------------------------------------------------- */
/* As stock writes it: address and port, IPv6 without brackets. */
static void identify(peer_info_t *info, const struct sockaddr_storage *addr, const char *path)
{
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
    char host[INET6_ADDRSTRLEN] = "";

    info->sockaddr = *addr;
    switch (addr->ss_family) {
    case AF_INET:
        info->sockaddr_len = sizeof(struct sockaddr_in);
        address_text((const struct sockaddr *)addr, sizeof(*addr), info->identifier, sizeof(info->identifier));
        break;
    case AF_INET6:
        info->sockaddr_len = sizeof(struct sockaddr_in6);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
            inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, host, sizeof(host));
        else
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(info->identifier, sizeof(info->identifier), "%s:%d", host, ntohs(in6->sin6_port));
        break;
    default:
        info->sockaddr_len = sizeof(struct sockaddr_un);
        snprintf(info->identifier, sizeof(info->identifier), "%s", path);
    }
}

void name_ends(rpc_transport_t *trans, const struct conn_peer *peer)
{
    identify(&trans->peerinfo, &peer->addr, peer->text);
    identify(&trans->myinfo, &peer->own, peer->text);
}

/* ---- what the core tells --------------------------------------------------------------------------------------------------- */
/* A transport for a connection that was accepted; one reference, the link's. */
static rpc_transport_t *new_transport(rpc_transport_t *listener, struct link *l)
{
    const struct conn_peer *peer = conn_peer(l->conn);
    rpc_transport_t *t = GF_CALLOC(1, sizeof(*t), gf_common_mt_rpc_trans_t);
    struct port *p;

    if (!t)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    INIT_LIST_HEAD(&t->list);
    GF_ATOMIC_INIT(t->refcount, 0);
    rpc_transport_ref(t);
    t->listener = listener;
    t->ops = listener->ops;
    t->init = listener->init;
    t->fini = listener->fini;
    t->reconfigure = listener->reconfigure;
    t->ctx = listener->ctx;
    t->xl = listener->xl;
    t->notify = listener->notify;
    t->notify_data = listener->notify_data;
    t->mydata = listener->mydata;
    t->options = dict_ref(listener->options);
    t->name = gf_strdup(listener->name);
    if (peer->tls)
        t->ssl_name = gf_strdup(peer->common_name ? peer->common_name : "");
    p = port_new(t, port_of(listener)->home);
    if (!p || !t->name || (peer->tls && !t->ssl_name)) {
        t->notify = NULL;
        rpc_transport_unref(t);
        return NULL;
    }
    p->link = l;
    name_ends(t, peer);
    return t;
}

static void accepted_up(struct link *l)
{
    rpc_transport_t *listener = listening_transport(l->from);
    rpc_transport_t *t = NULL;

    if (listener) {
        on_behalf_of(listener);
        t = new_transport(listener, l);
    }
    if (!t) {
        l->refused = true;
        conn_disconnect(l->conn, 0);
    } else {
        l->trans = t;
        l->up = true;
        rpc_transport_ref(t);
        if (rpc_transport_notify(listener, RPC_TRANSPORT_ACCEPT, t) < 0) {
            l->refused = true;
            conn_disconnect(l->conn, 0);
        }
        rpc_transport_unref(t);
    }
    if (listener)
        rpc_transport_unref(listener);
}

static void on_up(void *host)
{
    struct link *l = host;
    struct port *p;

    if (l->from) {
        accepted_up(l);
        return;
    }
    p = port_of(l->trans);
    name_ends(l->trans, conn_peer(l->conn));
    l->trans->connect_failed = _gf_false;
    pthread_mutex_lock(&p->lock);
    l->up = true;
    pthread_mutex_unlock(&p->lock);
    on_behalf_of(l->trans);
    rpc_transport_notify(l->trans, RPC_TRANSPORT_CONNECT, l->trans);
}

static size_t on_place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    struct link *l = host;

    if (!l->trans || l->refused)
        return total <= CONN_HEAD_MAX ? total : have;
    on_behalf_of(l->trans);
    return message_place(l->trans, &l->reading, bytes, have, total);
}

static void on_received(void *host, struct record *rec)
{
    struct link *l = host;
    int r;

    if (!l->trans || l->refused) {
        record_free(rec);
        return;
    }
    on_behalf_of(l->trans);
    l->trans->total_bytes_read += rec->head.len + rec->bulk.len + sizeof(uint32_t);
    r = message_received(l->trans, &l->reading, rec);
    if (r < 0)
        conn_disconnect(l->conn, r);
    else if (!l->admitted && l->trans->xl_private) { /* a client of a brick that has logged in */
        l->admitted = true;
        conn_admit(l->conn);
    }
}

static void on_released(void *host, struct msg *m, int err)
{
    struct link *l = host;

    message_released(l->trans, m, err);
}

/* Stock's services have a queue for each thread that brings them requests; whoever is told that the thread ends gives it up. The
 * number tells one thread's end from another's: a service may hear of it through several listeners. */
static void on_thread_ends(void *host)
{
    static atomic_ulong ends;
    struct link *l = host;
    rpc_transport_t *t = l->from ? listening_transport(l->from) : NULL;

    /* Gone or idle for a while: what others still need is kept again with their next record. */
    landing_rest(l->from ? listening_landing(l->from) : port_of(l->trans)->landing);
    if (!t)
        return;
    on_behalf_of(t);
    if (t->notify_poller_death)
        rpc_transport_notify(t, RPC_TRANSPORT_EVENT_THREAD_DIED, (void *)(atomic_fetch_add(&ends, 1) + 1));
    rpc_transport_unref(t);
}

static void dial_next(struct link *l);

static void link_free(struct link *l)
{
    conn_unref(l->conn);
    if (l->found)
        freeaddrinfo(l->found);
    listening_unref(l->from);
    free(l);
}

/* It is over. Not on the event loop. */
static void finish(struct link *l)
{
    rpc_transport_t *t = l->trans;
    struct port *p;
    bool again;

    reading_done(&l->reading);
    if (!t) {
        link_free(l);
        return;
    }
    p = port_of(t);
    pthread_mutex_lock(&p->lock);
    again = !l->from && !l->up && !l->cancelled && l->next;
    if (!again && p->link == l) {
        p->link = NULL; /* before DISCONNECT: its handler may connect again */
        p->throttled = false;
    }
    pthread_mutex_unlock(&p->lock);
    if (again) {
        dial_next(l);
        return;
    }
    on_behalf_of(t);
    if (!l->up) {
        t->connect_failed = _gf_true;
        log_debug("socket", "connection to %s failed: %s", t->peerinfo.identifier, strerror(-l->err));
    }
    if (!l->refused)
        rpc_transport_notify(t, RPC_TRANSPORT_DISCONNECT, t);
    link_free(l);
    rpc_transport_unref(t);
}

static void finish_job(struct job *j)
{
    finish(container_of(j, struct link, job));
}

static void on_down(void *host, int err)
{
    struct link *l = host;
    struct home *home;

    l->err = err;
    if (!l->trans) { /* accepted, never up: nothing of stock's knows of it */
        finish(l);
        return;
    }
    home = port_of(l->trans)->home;
    if (loop_on_thread(home->env.loop)) {
        l->job.run = finish_job;
        jobs_do(home->events, &l->job);
    } else {
        finish(l);
    }
}

const struct conn_host link_host = {
    .up = on_up, .place = on_place, .received = on_received, .released = on_released, .down = on_down,
};

void conf_for(struct port *p, struct conn_conf *conf)
{
    if (!p->options.own_thread_given)
        conf->own_thread = true; /* stock's callbacks may wait for a lock: each connection for itself */
    if (!dict_get(p->trans->options, "transport.record-limit"))
        conf->record_max = STOCK_RECORD_MAX;
    conf->thread_stack = STOCK_THREAD_STACK;
    conf->thread_ends = on_thread_ends;
    conf->admit_ms = 0; /* daemons talk to each other without logging in */
}

struct link *link_new_accepted(struct listening *from) /* with the reference that the link is to have */
{
    struct link *l = calloc(1, sizeof(*l));

    if (l)
        l->from = from;
    return l;
}

void link_started(struct link *l, struct conn *c)
{
    l->conn = c;
    if (!c)
        link_free(l);
}

/* ---- connecting ------------------------------------------------------------------------------------------------------------ */
static const char *text_of(rpc_transport_t *t, const char *key)
{
    data_t *d = dict_get(t->options, (char *)key);

    return d ? d->data : NULL;
}

/* Port 24007 is a daemon's, whose encryption the file secure-access decides; others are bricks'. Stock decides by the port, too. */
static int find_tls(struct link *l, struct err *err)
{
    struct port *p = port_of(l->trans);
    bool mgmt = l->port == GF_DEFAULT_BASE_PORT;
    struct tls_config **at = mgmt ? &p->mgmt_tls : &p->tls;
    struct tls_files files;
    int r;

    l->tls = NULL;
    if (socket_options_family(&p->options)->path || !(mgmt ? l->trans->ctx->secure_mgmt : p->options.ssl))
        return 0;
    if (!*at) {
        socket_options_tls(&p->options, &files);
        if (mgmt)
            files.depth = l->trans->ctx->ssl_cert_depth;
        r = shared_tls_get(&p->home->env, &files, at, err);
        if (r < 0)
            return r;
    }
    l->tls = *at;
    return 0;
}

static int resolve(struct link *l, struct err *err)
{
    struct port *p = port_of(l->trans);
    const struct family *family = socket_options_family(&p->options);
    const char *host = text_of(l->trans, "remote-host");
    struct addrinfo want = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[16];
    int r;

    if (!p->options.family_given)
        want.ai_family = AF_INET;
    else if (family->domain == AF_INET || family->v6_only)
        want.ai_family = family->domain;
    if (!host)
        return err_set(err, -EINVAL, "%s: option remote-host is missing", l->trans->name);
    snprintf(service, sizeof(service), "%d", l->port);
    r = getaddrinfo(host, service, &want, &l->found);
    if (r != 0)
        return err_set(err, -EADDRNOTAVAIL, "%s: %s cannot be resolved: %s", l->trans->name, host, gai_strerror(r));
    l->next = l->found;
    return 0;
}

static int dial(struct link *l, const struct sockaddr *addr, socklen_t len)
{
    struct port *p = port_of(l->trans);
    struct sockaddr_storage to = {0};
    struct conn *before;
    struct conn_conf conf;
    int r = -ECANCELED;

    memcpy(&to, addr, min_of((size_t)len, sizeof(to)));
    identify(&l->trans->peerinfo, &to, addr->sa_family == AF_UNIX ? ((const struct sockaddr_un *)addr)->sun_path : "");
    pthread_mutex_lock(&p->lock);
    before = l->conn;
    l->conn = NULL;
    if (!l->cancelled) {
        socket_options_dialer(&p->options, &conf);
        conf_for(p, &conf);
        conf.record_max_first = conf.record_max;
        conf.landing = landing_pool(p->landing);
        conf.source_below = l->trans->bind_insecure ? SOURCE_BRICKS_FROM : SOURCE_PRIVILEGED_BELOW;
        /* Under the lock, so that disconnect() finds the connection or is seen by us. Nothing calls back on this thread. */
        r = conn_dial(&p->home->env, &conf, l->tls, addr, len, &link_host, l, &l->conn);
        if (r < 0)
            l->conn = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    conn_unref(before);
    return r;
}

/* The next address of those that the name has. What fails at once is over at once. */
static void dial_next(struct link *l)
{
    int r = -EADDRNOTAVAIL;

    while (l->next) {
        struct addrinfo *at = l->next;

        l->next = at->ai_next;
        r = dial(l, at->ai_addr, at->ai_addrlen);
        if (r == 0)
            return;
    }
    l->err = r;
    finish(l);
}

static void connect_job(struct job *j)
{
    struct link *l = container_of(j, struct link, job);
    struct port *p = port_of(l->trans);
    struct sockaddr_storage path;
    struct err err = {""};
    socklen_t len;
    int r;

    on_behalf_of(l->trans);
    r = find_tls(l, &err);
    if (r == 0 && socket_options_family(&p->options)->path) {
        r = family_address(family_by_name("unix"), NULL, 0, p->options.connect_path, &path, &len, &err);
        if (r == 0) {
            r = dial(l, (struct sockaddr *)&path, len);
            if (r == 0)
                return;
        }
    } else if (r == 0) {
        r = resolve(l, &err);
        if (r == 0) {
            dial_next(l);
            return;
        }
    }
    if (err.text[0])
        log_error("socket", "%s", err.text);
    l->next = NULL;
    l->err = r;
    finish(l);
}

static void may_connect(struct waiting *w)
{
    struct link *l = container_of(w, struct link, waiting);

    l->job.run = connect_job;
    jobs_do(port_of(l->trans)->home->names, &l->job);
}

int link_connect(rpc_transport_t *t, int port)
{
    struct port *p = port_of(t);
    const char *remote = text_of(t, "remote-port");
    struct link *l;

    if (home_get(&p->home) < 0 || !(l = calloc(1, sizeof(*l)))) {
        errno = ENOMEM;
        return -1;
    }
    if (!remote)
        remote = text_of(t, "transport.remote-port");
    if (!remote)
        remote = text_of(t, "transport.socket.remote-port");
    l->port = port > 0 ? port : remote ? atoi(remote) : GF_DEFAULT_BASE_PORT;
    pthread_mutex_lock(&p->lock);
    if (!p->landing)
        p->landing = landing_new(t->ctx, p->home->env.census);
    if (!p->gate)
        p->gate = gate_get(t->ctx);
    if (p->link || !p->landing || !p->gate) {
        errno = p->link ? EINPROGRESS : ENOMEM;
        pthread_mutex_unlock(&p->lock);
        free(l);
        return -1;
    }
    p->link = l;
    l->trans = rpc_transport_ref(t);
    pthread_mutex_unlock(&p->lock);
    t->listener = t; /* as stock has it */
    l->waiting.go = may_connect;
    gate_pass(p->gate, &l->waiting);
    return 0;
}

/* ---- what anybody may ask --------------------------------------------------------------------------------------------------- */
/* The connection that is up, with a reference; NULL: none. */
static struct conn *conn_of(struct port *p)
{
    SCOPED_LOCK(&p->lock);
    return p->link && p->link->up && p->link->conn ? conn_ref(p->link->conn) : NULL;
}

int link_disconnect(rpc_transport_t *t)
{
    struct port *p = port_of(t);
    struct conn *c = NULL;

    pthread_mutex_lock(&p->lock);
    if (p->link) {
        p->link->cancelled = true;
        if (p->link->conn)
            c = conn_ref(p->link->conn);
    }
    pthread_mutex_unlock(&p->lock);
    if (c)
        conn_disconnect(c, 0);
    conn_unref(c);
    return 0;
}

int link_submit(rpc_transport_t *t, rpc_transport_msg_t *msg)
{
    struct conn *c = conn_of(port_of(t));
    int r = c ? message_send(c, msg) : -ENOTCONN;

    conn_unref(c);
    if (r == 0)
        return 0;
    errno = -r;
    return -1;
}

int link_throttle(rpc_transport_t *t, bool on)
{
    struct port *p = port_of(t);
    bool changes;
    struct conn *c = conn_of(p);

    if (!c)
        return 0;
    pthread_mutex_lock(&p->lock);
    changes = p->throttled != on;
    p->throttled = on;
    if (changes && on)
        conn_pause(c);
    else if (changes)
        conn_resume(c);
    pthread_mutex_unlock(&p->lock);
    conn_unref(c);
    return 0;
}
