/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* conn.c: the life of a connection: birth, the action of each state, what others may ask of it, death. What drives it (a
 * thread or the event loop) is drive.c; how it reads and writes while it is up is poller.c; who sends is sender.c. */
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "conn-impl.h"
#include "family.h"
#include "log.h"
#include "source.h"

/* ---- birth and death ----------------------------------------------------------------------------------------------------- */
static void message_done(void *ctx, struct msg *m, int err)
{
    struct conn *c = ctx;

    if (c->group)
        group_unqueue(c->group, m->len);
    counter_add(&c->env.census->now[CENSUS_MESSAGES], -1);
    if (err == 0)
        counter_add(&c->messages_out, 1);
    c->host->released(c->host_data, m, err);
}

static size_t ask_place(void *ctx, const uint8_t *bytes, size_t have, size_t total)
{
    struct conn *c = ctx;

    return c->host->place(c->host_data, bytes, have, total);
}

static bool ask_land(void *ctx, const uint8_t *head, size_t len, size_t bulk, struct slicev *ret)
{
    struct conn *c = ctx;

    return c->host->land(c->host_data, head, len, bulk, ret);
}

static void name_peer(struct conn *c)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof(c->peer.addr);

    if (getpeername(c->sock.fd, (struct sockaddr *)&c->peer.addr, &len) < 0) {
        strcpy(c->peer.text, "(unknown)");
        return;
    }
    address_text((struct sockaddr *)&c->peer.addr, len, c->peer.text, sizeof(c->peer.text));
    if (c->peer.addr.ss_family == AF_UNIX && len <= offsetof(struct sockaddr, sa_data)) {
        /* The other end has no name: ours says which socket it is. */
        len = sizeof(own);
        if (getsockname(c->sock.fd, (struct sockaddr *)&own, &len) == 0)
            address_text((struct sockaddr *)&own, len, c->peer.text, sizeof(c->peer.text));
    }
}

void conn_tune(int fd, const struct conn_conf *conf, int family)
{
    int size = conf->window_size > INT32_MAX ? INT32_MAX : (int)conf->window_size;
    int one = 1;

    if (size > 0) {
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
    if (family != AF_INET && family != AF_INET6)
        return;
    if (conf->nodelay)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (conf->keepalive) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
        if (conf->keepalive_idle_s > 0)
            setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &conf->keepalive_idle_s, sizeof(int));
        if (conf->keepalive_interval_s > 0)
            setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &conf->keepalive_interval_s, sizeof(int));
        if (conf->keepalive_count > 0)
            setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &conf->keepalive_count, sizeof(int));
    }
    if (conf->user_timeout_ms > 0)
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &conf->user_timeout_ms, sizeof(int));
}

int conn_new(const struct env *env, const struct conn_conf *conf, struct tls_config *tls, int fd, struct group *group,
             const struct conn_host *host, void *host_data, bool server, struct conn **ret_conn)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c) {
        close(fd);
        return -ENOMEM;
    }
    c->env = *env;
    c->conf = *conf;
    c->host = host;
    c->host_data = host_data;
    c->server = server;
    c->wakefd = -1;
    c->born_ns = clock_ns();
    atomic_init(&c->refs, 1);
    atomic_init(&c->stop, CONN_NOT_STOPPED);
    atomic_init(&c->drive, DRIVE_LOOP);
    pthread_mutex_init(&c->gate, NULL);
    pthread_mutex_init(&c->turn, NULL);
    helper_init(&c->helper);
    conn_drive_init(c);
    sock_init(&c->sock, fd);
    sendq_init(&c->out, message_done, c);
    framer_init(&c->framer, conf->landing ? conf->landing : env->bufs, env->census, ask_place, c, conf->record_max_first);
    if (host->land)
        c->framer.land = ask_land;
    if (tls)
        c->tls_config = tls_config_ref(tls);
    c->peer.tls = tls;
    if (server)
        name_peer(c);
    if (group) {
        c->group = group_ref(group);
        group_join(group, &c->member, c);
    }
    counter_add(&env->census->now[CENSUS_CONNS], 1);
    *ret_conn = c;
    return 0;
}

static void conn_free(struct conn *c)
{
    assert(conn_state(c) == CONN_CLOSED || conn_state(c) == CONN_IDLE);
    if (c->group)
        group_leave(c->group, &c->member);
    group_unref(c->group);
    if (c->sock.fd >= 0)
        close(c->sock.fd);
    if (c->wakefd >= 0)
        close(c->wakefd);
    helper_done(&c->helper);
    if (c->stream)
        c->stream->type->free(c->stream);
    tls_config_unref(c->tls_config);
    framer_done(&c->framer);
    tls_proof_free(atomic_load_explicit(&c->proof, memory_order_relaxed));
    free(c->peer.common_name);
    for (char **name = c->peer.alt_names; name && *name; name++)
        free(*name);
    free(c->peer.alt_names);
    free(c->peer.tls_version);
    free(c->peer.cipher);
    pthread_mutex_destroy(&c->gate);
    pthread_mutex_destroy(&c->turn);
    counter_add(&c->env.census->now[CENSUS_CONNS], -1);
    free(c);
}

struct conn *conn_ref(struct conn *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

/* Release with the decrements of others, so that whoever frees has seen all that they did. */
void conn_unref(struct conn *c)
{
    if (c && atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1)
        conn_free(c);
}

int conn_accepted(const struct env *env, const struct conn_conf *conf, struct tls_config *tls, int fd,
                  const struct conn_host *host, void *host_data, struct conn **ret_conn)
{
    struct conn *c;
    int r = conn_new(env, conf, tls, fd, NULL, host, host_data, true, &c);

    if (r < 0)
        return r;
    conn_ref(c);
    *ret_conn = c;
    conn_begin(c);
    conn_unref(c);
    return 0;
}

int conn_dial(const struct env *env, const struct conn_conf *conf, struct tls_config *tls, const struct sockaddr *addr,
              socklen_t len, const struct conn_host *host, void *host_data, struct conn **ret_conn)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct conn *c;
    int r;

    if (fd < 0)
        return -errno;
    r = conn_new(env, conf, tls, fd, NULL, host, host_data, false, &c);
    if (r < 0)
        return r;
    memcpy(&c->peer.addr, addr, min_of((size_t)len, sizeof(c->peer.addr)));
    address_text(addr, len, c->peer.text, sizeof(c->peer.text));
    conn_tune(fd, conf, addr->sa_family);
    if (conf->source_below)
        source_bind(fd, addr->sa_family, conf->source_below);
    conn_ref(c);
    *ret_conn = c;
    /* A unix socket whose backlog is full says EAGAIN at once and never becomes writable: that is a failure. */
    if (connect(fd, addr, len) < 0 && errno != EINPROGRESS)
        atomic_store(&c->stop, errno == EAGAIN ? -ECONNREFUSED : -errno);
    conn_begin(c);
    conn_unref(c);
    return 0;
}

/* ---- the states ---------------------------------------------------------------------------------------------------------- */
static uint64_t due_in(unsigned int ms)
{
    return ms ? clock_ms() + ms : 0;
}

static void arrive_handshaking(struct conn *c)
{
    int r;

    c->sock.readable = c->sock.writable = true;
    if (!c->tls_config) {
        r = plain_open(&c->sock, c->env.bufs, &c->stream);
        if (r < 0)
            conn_stop(c, r, "set up");
        else
            conn_step(c, EV_PROVEN);
        return;
    }
    counter_add(&c->env.census->now[CENSUS_HANDSHAKES], 1);
    c->handshake_due = due_in(c->conf.handshake_ms);
    r = tls_open(c->tls_config, &c->sock, c->env.bufs, c->server, &c->tls);
    if (r < 0) {
        conn_stop(c, r, "tls set-up");
        return;
    }
    c->stream = tls_stream(c->tls);
    c->sock.readable = !c->server; /* the client speaks first; before the other has spoken there is nothing to compute */
}

static void arrive_up(struct conn *c)
{
    socklen_t len = sizeof(c->peer.own);
    int r = c->tls ? tls_tell_peer(c->tls, &c->peer) : 0;

    getsockname(c->sock.fd, (struct sockaddr *)&c->peer.own, &len);
    if (c->tls)
        counter_add(&c->handshake_us, (clock_ns() - c->born_ns) / 1000);
    c->handshake_due = 0;
    c->first_due = c->server ? due_in(c->conf.first_record_ms) : 0;
    c->admit_due = c->server ? due_in(c->conf.admit_ms) : 0;
    c->active_at = clock_ms();
    c->sock.readable = true;
    pthread_mutex_lock(&c->gate);
    c->open = true;
    pthread_mutex_unlock(&c->gate);
    if (r == 0 && c->conf.own_thread)
        r = conn_drive_thread(c);
    if (r < 0 && r != -EAGAIN) {
        conn_stop(c, r, "start");
        return;
    }
    if (!c->conf.own_thread || r == -EAGAIN) /* there are threads enough: the loop goes on */
        conn_tell_up(c);
}

void conn_tell_up(struct conn *c)
{
    c->told_up = true;
    c->host->up(c->host_data);
}

/* Opening the gate and closing it are the poller's; the lock is for those who look whether it is open. The poller has the role,
 * and keeps it: who put something before the gate closed finds the role held, and sendq_empty() the message. */
static void arrive_closing(struct conn *c)
{
    pthread_mutex_lock(&c->gate);
    c->open = false;
    pthread_mutex_unlock(&c->gate);
    sendq_empty(&c->out, c->err ? c->err : -ECONNABORTED);
    framer_done(&c->framer);
    c->goodbye_due = clock_ms() + c->conf.goodbye_ms;
    c->sock.writable = true;
}

static void arrive_closed(struct conn *c)
{
    if (c->sock.fd >= 0) {
        shutdown(c->sock.fd, SHUT_RDWR);
        if (c->watched)
            loop_unwatch(c->env.loop, &c->watch);
        c->watched = false;
        close(c->sock.fd);
        c->sock.fd = -1;
    }
    if (c->group)
        group_leave(c->group, &c->member);
    conn_thread_ends(c);
    c->host->down(c->host_data, c->err);
    conn_drive_end(c);
}

void conn_step(struct conn *c, enum conn_event ev)
{
    enum conn_state from = conn_state(c), to = conn_state_after(from, ev);

    assert(to != CONN_NEVER);
    if (to == from)
        return;
    if (from == CONN_HANDSHAKING && c->tls_config)
        counter_add(&c->env.census->now[CENSUS_HANDSHAKES], -1);
    atomic_store_explicit(&c->state, to, memory_order_relaxed);
    switch (to) {
    case CONN_HANDSHAKING:
        arrive_handshaking(c);
        break;
    case CONN_UP:
        arrive_up(c);
        break;
    case CONN_CLOSING:
        arrive_closing(c);
        break;
    case CONN_CLOSED:
        arrive_closed(c);
        break;
    default:
        break;
    }
}

/* The first reason is the one that is told. doing: what we were at, for the log; NULL: somebody asked us to. */
void conn_stop(struct conn *c, int err, const char *doing)
{
    enum conn_state s = conn_state(c);
    const char *why = "";

    if (s >= CONN_CLOSING)
        return;
    if (!conn_claim(c, true)) {
        if (!c->ending) {
            c->ending = true;
            c->end_err = err;
            c->end_doing = doing;
        }
        return;
    }
    c->err = err;
    if (c->stream)
        why = c->stream->why;
    if (!*why && err != -ENOTCONN)
        why = framer_why(&c->framer);
    /* Who sends the message is told why it did not go, so an ordinary end is for them to log. Ours are the reasons that an
     * errno does not carry, and a peer that breaks the rules. */
    if (doing && *why)
        log_warning("socket", "%s with %s failed: %s", doing, c->peer.text, why);
    else if (doing && (err == -EMSGSIZE || err == -EBADMSG || err == -ETIMEDOUT))
        log_warning("socket", "conn (%s, %s): %s: %s", c->peer.text, conn_state_text(s), doing, strerror(-err));
    else
        log_debug("socket", "conn (%s, %s): %s: %s", c->peer.text, conn_state_text(s), doing ? doing : "disconnect",
                  err ? strerror(-err) : "by request");
    c->lost = c->sock.ended || err == -ECONNRESET || err == -EPIPE || err == -ENOTCONN || err == -EHOSTUNREACH ||
              (err == -ETIMEDOUT && s != CONN_UP);
    conn_step(c, EV_STOP);
}

/* ---- what anybody may ask ------------------------------------------------------------------------------------------------ */
size_t conn_queued(struct conn *c)
{
    return atomic_load_explicit(&c->out.bytes, memory_order_relaxed);
}

/* Pairs with the poller's look at it after each record. */
void conn_admit(struct conn *c)
{
    atomic_store_explicit(&c->admitted, true, memory_order_release);
}

void conn_pause(struct conn *c)
{
    if (atomic_fetch_add(&c->pauses, 1) == 0)
        counter_add(&c->pauses_seen, 1);
}

void conn_resume(struct conn *c)
{
    if (atomic_fetch_sub(&c->pauses, 1) == 1)
        conn_wake(c);
}

void conn_disconnect(struct conn *c, int err)
{
    int none = CONN_NOT_STOPPED;

    if (atomic_compare_exchange_strong(&c->stop, &none, err > 0 ? -err : err))
        conn_wake(c);
}

int conn_check_proof(struct conn *c)
{
    const struct tls_proof *proof = atomic_load(&c->proof);
    char why[256];
    int r;

    if (!proof || atomic_load(&c->stop) != CONN_NOT_STOPPED)
        return 0;
    r = tls_config_accepts(c->tls_config, proof, why, sizeof(why));
    if (r != -EKEYREJECTED)
        return r;
    log_warning("socket", "%s: the connection is closed, its certificate counts no more: %s", c->peer.text, why);
    conn_disconnect(c, r);
    return 0;
}

const struct conn_peer *conn_peer(struct conn *c)
{
    return &c->peer;
}

const char *conn_state_name(struct conn *c)
{
    return conn_state_text(conn_state(c));
}

void conn_stats(struct conn *c, struct conn_stats *ret_stats)
{
    *ret_stats = (struct conn_stats){
        .bytes_in = counter_get(&c->sock.bytes_in),
        .bytes_out = counter_get(&c->sock.bytes_out),
        .records_in = counter_get(&c->records_in),
        .messages_out = counter_get(&c->messages_out),
        .reads = counter_get(&c->sock.reads),
        .writes = counter_get(&c->sock.writes),
        .pauses = counter_get(&c->pauses_seen),
        .handshake_us = counter_get(&c->handshake_us),
        .round_trip_us = atomic_load_explicit(&c->round_trip_us, memory_order_relaxed),
        .queued = conn_queued(c),
    };
    strcpy(ret_stats->state, conn_state_name(c));
}
