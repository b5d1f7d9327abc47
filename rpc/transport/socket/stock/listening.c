/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* listening.c: stock's listener over the core's. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/family.h"
#include "log.h"
#include "stock/plugin.h"

/* Outlives its transport while accepted connections of it live: they land in its buffers. */
struct listening {
    atomic_uint refs;            /* the listener's own, and one of each connection */
    struct home *home;
    struct landing *landing;
    pthread_mutex_t lock;
    rpc_transport_t *trans;      /* under lock; with a reference; NULL once it has been stopped */
    atomic_bool stopping;
    struct listener *listener;   /* the event loop's */
    struct tls_config *tls;
    struct loop_work work;
    struct job job;
    struct waiting waiting;      /* holds a reference */
};

static struct listening *listening_ref(struct listening *l)
{
    atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
    return l;
}

void listening_unref(struct listening *l)
{
    if (!l || atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) > 1)
        return;
    landing_free(l->landing);
    shared_tls_put(l->tls);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

struct landing *listening_landing(struct listening *l)
{
    return l->landing;
}

rpc_transport_t *listening_transport(struct listening *l)
{
    SCOPED_LOCK(&l->lock);
    return l->trans ? rpc_transport_ref(l->trans) : NULL;
}

/* ---- work that is the loop's ------------------------------------------------------------------------------------------------ */
/* The loop runs nothing of stock's, so waiting for it is waiting for little. */
struct errand {
    struct loop_work work;
    void (*run)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool done;
};

static void run_errand(struct loop_work *w)
{
    struct errand *e = container_of(w, struct errand, work);

    e->run(e->arg);
    SCOPED_LOCK(&e->lock);
    e->done = true;
    pthread_cond_signal(&e->changed);
}

static void on_loop(struct home *home, void (*run)(void *arg), void *arg)
{
    struct errand e = {.work.run = run_errand, .run = run, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER,
                       .changed = PTHREAD_COND_INITIALIZER};

    if (loop_on_thread(home->env.loop)) {
        run(arg);
        return;
    }
    loop_post(home->env.loop, &e.work);
    SCOPED_LOCK(&e.lock);
    while (!e.done)
        pthread_cond_wait(&e.changed, &e.lock);
}

/* ---- accepting ------------------------------------------------------------------------------------------------------------- */
static int on_accepted(void *host, const struct sockaddr_storage *peer, const struct conn_host **ret_host, void **ret_data)
{
    struct listening *l = host;

    *ret_host = &link_host;
    *ret_data = link_new_accepted(l);
    if (!*ret_data)
        return -ENOMEM;
    listening_ref(l);
    return 0;
}

static void on_started(void *host, void *data, struct conn *conn)
{
    link_started(data, conn);
}

static const struct listener_host callbacks = {.accepted = on_accepted, .started = on_started};

/* ---- life ----------------------------------------------------------------------------------------------------------------- */
/* Stock's rule: a daemon with secure-access encrypts whatever it listens on, a brick does what the volume says, no other process
 * encrypts what it listens on, and unix sockets never are encrypted. */
static int find_tls(struct listening *l, struct port *p, struct err *err)
{
    glusterfs_ctx_t *ctx = p->trans->ctx;
    struct tls_files files;

    if (socket_options_family(&p->options)->path ||
        !(ctx->secure_srvr == MGMT_SSL_ALWAYS || (ctx->secure_srvr == MGMT_SSL_COPY_IO && p->options.ssl)))
        return 0;
    socket_options_tls(&p->options, &files);
    if (ctx->secure_srvr == MGMT_SSL_ALWAYS)
        files.depth = ctx->ssl_cert_depth;
    return shared_tls_get(&p->home->env, &files, &l->tls, err);
}

static void conf_of(struct port *p, struct listening *l, const struct socket_options *o, struct listener_conf *conf)
{
    socket_options_listener(o, conf);
    conf_for(p, &conf->conn);
    if (!dict_get(p->trans->options, "transport.record-limit-first"))
        conf->conn.record_max_first = conf->conn.record_max; /* daemons send each other whole configurations, and never log in */
    if (!dict_get(p->trans->options, "transport.connections-limit"))
        conf->conns_max = 1000000; /* descriptors are the limit, as before */
    conf->conn.landing = landing_pool(l->landing);
    conf->threads_max = STOCK_THREADS_MAX;
    if (p->trans->notify_poller_death) /* stock logs an error for each thread that says goodbye: once for a connection is enough */
        conf->conn.park_ms = 0;
    conf->held = true;
}

struct opening {
    struct listening *l;
    struct listener_conf conf;
    struct sockaddr_storage addr;
    socklen_t len;
    struct err err;
    int r;
};

static void open_listener(void *arg)
{
    struct opening *o = arg;

    o->r = listener_open(&o->l->home->env, &o->conf, o->l->tls, (struct sockaddr *)&o->addr, o->len, &callbacks, o->l, &o->l->listener,
                         &o->err);
}

static void go(void *arg)
{
    struct listening *l = arg;

    if (l->listener)
        listener_go(l->listener);
}

static void may_accept(struct waiting *w)
{
    struct listening *l = container_of(w, struct listening, waiting);

    on_loop(l->home, go, l);
    listening_unref(l);
}

int listening_start(rpc_transport_t *t)
{
    struct port *p = port_of(t);
    const struct family *family = socket_options_family(&p->options);
    struct listening *l = calloc(1, sizeof(*l));
    struct opening o = {.l = l};

    if (!p->options.family_given && !family->path)
        family = family_by_name("inet"); /* stock's default, but for paths */
    if (!l || home_get(&p->home) < 0) {
        free(l);
        errno = ENOMEM;
        return -1;
    }
    atomic_init(&l->refs, 1);
    l->home = p->home;
    pthread_mutex_init(&l->lock, NULL);
    l->landing = landing_new(t->ctx, p->home->env.census);
    if (!p->gate)
        p->gate = gate_get(t->ctx);
    o.r = l->landing && p->gate ? find_tls(l, p, &o.err) : -ENOMEM;
    if (o.r == 0)
        o.r = family_address(family, p->options.bind_address, p->options.port, p->options.listen_path, &o.addr, &o.len, &o.err);
    if (o.r == 0) {
        conf_of(p, l, &p->options, &o.conf);
        o.conf.v6_only = family->v6_only;
        l->trans = rpc_transport_ref(t);
        t->myinfo.sockaddr = o.addr;
        t->myinfo.sockaddr_len = o.len;
        address_text((struct sockaddr *)&o.addr, o.len, t->myinfo.identifier, sizeof(t->myinfo.identifier));
        on_loop(p->home, open_listener, &o);
    }
    if (o.r < 0) {
        log_error("socket", "%s: %s", t->name, o.err.text[0] ? o.err.text : strerror(-o.r));
        if (l->trans)
            rpc_transport_unref(t);
        listening_unref(l);
        errno = -o.r;
        return -1;
    }
    pthread_mutex_lock(&p->lock);
    p->listening = l;
    pthread_mutex_unlock(&p->lock);
    l->waiting.go = may_accept;
    listening_ref(l);
    gate_pass(p->gate, &l->waiting);
    return 0;
}

/* Not on the loop: the last reference calls stock. */
static void stopped(struct job *j)
{
    struct listening *l = container_of(j, struct listening, job);
    rpc_transport_t *t;

    pthread_mutex_lock(&l->lock);
    t = l->trans;
    l->trans = NULL;
    pthread_mutex_unlock(&l->lock);
    listening_unref(l);
    on_behalf_of(t);
    rpc_transport_unref(t);
}

static void close_listener(struct loop_work *w)
{
    struct listening *l = container_of(w, struct listening, work);

    listener_close(l->listener);
    l->listener = NULL;
    l->job.run = stopped;
    jobs_do(l->home->events, &l->job);
}

void listening_stop(struct listening *l)
{
    if (atomic_exchange(&l->stopping, true))
        return;
    l->work.run = close_listener;
    loop_post(l->home->env.loop, &l->work);
}

struct renewing {
    struct listening *l;
    struct listener_conf conf;
};

static void renew(void *arg)
{
    struct renewing *r = arg;

    if (r->l->listener)
        listener_reconfigure(r->l->listener, &r->conf);
}

int listening_reconfigure(struct port *p, struct err *err)
{
    struct renewing r = {.l = p->listening};
    struct tls_files files;

    conf_of(p, r.l, &p->options, &r.conf);
    r.conf.v6_only = socket_options_family(&p->options)->v6_only;
    on_loop(p->home, renew, &r);
    if (!r.l->tls)
        return 0;
    socket_options_tls(&p->options, &files);
    if (p->trans->ctx->secure_srvr == MGMT_SSL_ALWAYS)
        files.depth = p->trans->ctx->ssl_cert_depth;
    return tls_config_reload(r.l->tls, &files, err);
}
