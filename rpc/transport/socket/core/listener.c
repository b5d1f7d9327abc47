/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* listener.c: accepts on the event loop. */
#include "listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn-impl.h"
#include "family.h"
#include "log.h"

#define ACCEPTS_PER_TURN 32
#define EXHAUSTED_MS 200 /* no descriptors left: how long not to look, since the loop would find the same peer at once */

struct listener {
    struct env env;
    struct listener_conf conf;
    struct tls_config *tls;
    struct tls_watch *files;      /* of tls */
    const struct listener_host *host;
    void *host_data;
    struct group *group;
    struct watch watch;
    struct timer again;
    bool watched;
    struct sockaddr_storage addr; /* as bound */
    char text[108];
    dev_t dev;                    /* of a unix socket's path: it is removed only when it is still ours */
    ino_t ino;
};

/* ---- opening ------------------------------------------------------------------------------------------------------------- */
/* A path that nobody answers on is left from a process that died. Anything else stays. */
static int clear_path(const struct sockaddr_un *un, socklen_t len, struct err *err)
{
    struct stat st;
    int fd, r;

    if (lstat(un->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : err_set(err, -errno, "%s: %s", un->sun_path, strerror(errno));
    if (!S_ISSOCK(st.st_mode))
        return err_set(err, -EEXIST, "%s is there and is not a socket", un->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(err, -errno, "socket: %s", strerror(errno));
    r = connect(fd, (const struct sockaddr *)un, len) < 0 ? -errno : 0;
    close(fd);
    if (r != -ECONNREFUSED)
        return err_set(err, -EADDRINUSE, "another process listens on %s", un->sun_path);
    if (unlink(un->sun_path) < 0 && errno != ENOENT)
        return err_set(err, -errno, "%s: %s", un->sun_path, strerror(errno));
    return 0;
}

static int bind_and_listen(struct listener *l, int fd, const struct sockaddr *addr, socklen_t len, bool v6_only, struct err *err)
{
    struct stat st;
    int one = 1, only = v6_only, r;

    if (addr->sa_family == AF_UNIX) {
        r = clear_path((const struct sockaddr_un *)addr, len, err);
        if (r < 0)
            return r;
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    }
    if (addr->sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    conn_tune(fd, &l->conf.conn, addr->sa_family); /* buffer sizes must be known before the first SYN; they are inherited */
    if (bind(fd, addr, len) < 0)
        return err_set(err, -errno, "cannot bind to %s: %s", l->text, strerror(errno));
    if (addr->sa_family == AF_UNIX && lstat(((const struct sockaddr_un *)addr)->sun_path, &st) == 0) {
        l->dev = st.st_dev;
        l->ino = st.st_ino;
    }
    if (listen(fd, l->conf.backlog) < 0)
        return err_set(err, -errno, "cannot listen on %s: %s", l->text, strerror(errno));
    return 0;
}

/* ---- accepting ----------------------------------------------------------------------------------------------------------- */
static void start(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    const struct conn_host *host = NULL;
    struct conn *c;
    void *data = NULL;

    if (l->host->accepted(l->host_data, peer, &host, &data) != 0) {
        close(fd);
        return;
    }
    conn_tune(fd, &l->conf.conn, peer->ss_family);
    if (conn_new(&l->env, &l->conf.conn, l->tls, fd, l->group, host, data, true, &c) < 0) {
        l->host->started(l->host_data, data, NULL);
        return;
    }
    conn_ref(c);
    l->host->started(l->host_data, data, c); /* before anything can happen to it */
    conn_begin(c);
    conn_unref(c);
}

static void rest(struct listener *l, int err)
{
    log_error("socket", "%s: accept: %s; trying again in %d ms", l->text, strerror(-err), EXHAUSTED_MS);
    loop_unwatch(l->env.loop, &l->watch);
    l->watched = loop_arm(l->env.loop, &l->again, EXHAUSTED_MS) < 0 && loop_watch(l->env.loop, &l->watch) == 0;
}

static void listener_ready(struct watch *w, uint32_t events)
{
    struct listener *l = container_of(w, struct listener, watch);

    for (int i = 0; i < ACCEPTS_PER_TURN && l->watched; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int fd = accept4(w->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                rest(l, -errno);
            else if (errno != EAGAIN && errno != EWOULDBLOCK)
                log_warning("socket", "%s: accept: %s", l->text, strerror(errno)); /* of that one peer */
            return;
        }
        if (group_count(l->group) >= l->conf.conns_max) {
            log_warning("socket", "%s: a connection is refused: there are %u already (transport.connections-limit)", l->text,
                        l->conf.conns_max);
            close(fd);
            continue;
        }
        start(l, fd, &peer);
    }
}

static void look_again(struct timer *t)
{
    struct listener *l = container_of(t, struct listener, again);

    l->watched = loop_watch(l->env.loop, &l->watch) == 0;
    if (!l->watched)
        loop_arm(l->env.loop, &l->again, EXHAUSTED_MS);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */
static void discard(struct listener *l)
{
    const char *path = ((struct sockaddr_un *)&l->addr)->sun_path;
    struct stat st;

    if (l->watched)
        loop_unwatch(l->env.loop, &l->watch);
    loop_disarm(l->env.loop, &l->again);
    if (l->addr.ss_family == AF_UNIX && lstat(path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
        unlink(path);
    if (l->watch.fd >= 0)
        close(l->watch.fd);
    tls_watch_free(l->files);
    tls_config_unref(l->tls);
    group_unref(l->group);
    free(l);
}

/* It is bound: what it is called, what it has to look after, and from when on it accepts. */
static int attend(struct listener *l, struct tls_config *tls, struct err *err)
{
    socklen_t bound = sizeof(l->addr);
    int r;

    getsockname(l->watch.fd, (struct sockaddr *)&l->addr, &bound);
    address_text((struct sockaddr *)&l->addr, bound, l->text, sizeof(l->text));
    if (tls) {
        l->tls = tls_config_ref(tls);
        l->files = tls_watch_new(tls, l->env.loop, l->group);
        if (!l->files)
            return err_set(err, -ENOMEM, "no memory to watch the certificates of %s", l->text);
    }
    if (l->conf.held)
        return 0;
    r = loop_watch(l->env.loop, &l->watch);
    l->watched = r == 0;
    return r < 0 ? err_set(err, r, "cannot watch %s: %s", l->text, strerror(-r)) : 0;
}

int listener_open(const struct env *env, const struct listener_conf *conf, struct tls_config *tls, const struct sockaddr *addr,
                  socklen_t len, const struct listener_host *host, void *host_data, struct listener **ret, struct err *err)
{
    struct listener *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return err_set(err, -ENOMEM, "no memory for a listener");
    l->env = *env;
    l->conf = *conf;
    l->host = host;
    l->host_data = host_data;
    l->again.expired = look_again;
    memcpy(&l->addr, addr, min_of((size_t)len, sizeof(l->addr)));
    address_text(addr, len, l->text, sizeof(l->text));
    l->watch = (struct watch){.fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                              .events = EPOLLIN, .ready = listener_ready};
    if (l->watch.fd < 0) {
        r = err_set(err, -errno, "cannot make a socket for %s: %s", l->text, strerror(errno));
        discard(l);
        return r;
    }
    l->group = group_new(conf->queued_max);
    if (l->group)
        group_set_threads_max(l->group, conf->threads_max);
    r = l->group ? bind_and_listen(l, l->watch.fd, addr, len, conf->v6_only, err) : err_set(err, -ENOMEM, "no memory");
    if (r == 0)
        r = attend(l, tls, err);
    if (r < 0) {
        discard(l);
        return r;
    }
    counter_add(&env->census->now[CENSUS_LISTENERS], 1);
    *ret = l;
    return 0;
}

void listener_go(struct listener *l)
{
    look_again(&l->again);
}

void listener_reconfigure(struct listener *l, const struct listener_conf *conf)
{
    if (conf->backlog != l->conf.backlog)
        listen(l->watch.fd, conf->backlog);
    group_set_queued_max(l->group, conf->queued_max);
    group_set_threads_max(l->group, conf->threads_max);
    l->conf = *conf;
}

int listener_port(struct listener *l)
{
    return address_port(&l->addr);
}

const char *listener_text(struct listener *l)
{
    return l->text;
}

void listener_close(struct listener *l)
{
    counter_add(&l->env.census->now[CENSUS_LISTENERS], -1);
    discard(l);
}
