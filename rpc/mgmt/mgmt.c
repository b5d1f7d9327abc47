/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* mgmt.c: see mgmt.h.
 *
 *     start -> [connect] -> up -> GETSPEC -> answered -> volfile(), ready() -> ... FETCHSPEC or mgmt_fetch() -> GETSPEC ...
 *                  ^                                                          |
 *                  +--- down: the next server ---------------------------------+
 *
 * Answers and callbacks of the daemon come on whatever thread serves the connection; they are handed to the loop, where all of
 * this structure lives. */
#include "config.h"

#include "mgmt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "dict.h"
#include "handshake.h"
#include "log.h"
#include "loop.h"

#define DOMAIN "mgmt"
#define SERVERS_MAX 64            /* with those that a daemon names */
#define FETCH_TIMEOUT_MS 60000
#define OP_VERSION_MAX "100000"   /* of GlusterFS 10 */

/* What came of one GETSPEC. */
struct answer {
    struct loop_work work;
    struct mgmt *m;
    uint32_t link;
    int err;                      /* of the call */
    struct record *record;        /* rsp borrows from it */
    hndsk_getspec_rsp rsp;
};

struct server {
    char *name;
    uint16_t port;
    bool unix_path;
};

struct mgmt {
    struct env env;
    const struct mgmt_host *host;
    void *host_data;
    struct mgmt_conf conf;        /* its texts are copies */
    char *volfile_id, *brick_name;
    struct server servers[SERVERS_MAX];
    unsigned int nr_servers, at;  /* at: the server of the moment */
    unsigned int tried;           /* attempts since the start, while there is no text */
    const struct transport_type *transport;
    struct rpc_dialer *dialer;
    bool dialer_of_path;          /* it was made for one: the path is among its options */
    struct rpc_client *client;
    bool started, stopping, connected;
    bool fetching, again;         /* a GETSPEC is under way; another is wanted behind it */
    bool was_ready;               /* on this connection */
    char *text;                   /* the last volume file, or NULL */
    size_t text_len;
    struct loop_work fetchspec, dump_work; /* the daemon's callbacks, on their way to the loop */
    atomic_bool fetchspec_posted, dump_posted;
    atomic_uint dump_pid;         /* relaxed: the posting orders it */
    unsigned int works;           /* answers that are still to come; they and the above keep m alive: see finish() */
    bool client_stopped;
};

/* ---- options of the connection ----------------------------------------------------------------------------------------------- */

struct dial_options {
    struct transport_options o;
    const struct mgmt *m;
    char depth[16];
};

static const char *dial_option(const struct transport_options *o, const char *key)
{
    const struct dial_options *d = o->ctx;
    const struct mgmt *m = d->m;

    if (strcmp(key, "transport.socket.own-thread") == 0)
        return "off"; /* a message now and then */
    if (m->servers[m->at].unix_path) {
        if (strcmp(key, "transport.address-family") == 0)
            return "unix";
        return strcmp(key, "transport.socket.connect-path") == 0 ? m->servers[m->at].name : NULL;
    }
    if (m->conf.secure.there) {
        if (strcmp(key, "transport.socket.ssl-enabled") == 0)
            return "on";
        if (strcmp(key, "transport.socket.ssl-cert-depth") == 0 && m->conf.secure.cert_depth)
            return d->depth;
    }
    return NULL;
}

static int make_dialer(struct mgmt *m, struct err *err)
{
    struct dial_options d = {.o.get = dial_option, .m = m};

    d.o.ctx = &d;
    snprintf(d.depth, sizeof(d.depth), "%d", m->conf.secure.cert_depth);
    rpc_dialer_unref(m->dialer);
    m->dialer = NULL;
    return rpc_dialer_new(&m->env, m->transport, &d.o, &m->dialer, err);
}

/* ---- servers ------------------------------------------------------------------------------------------------------------------ */

static int add_server(struct mgmt *m, const char *name, size_t len, uint16_t port, bool unix_path)
{
    struct server *s = &m->servers[m->nr_servers];

    for (unsigned int i = 0; i < m->nr_servers; i++)
        if (strlen(m->servers[i].name) == len && strncmp(m->servers[i].name, name, len) == 0 && m->servers[i].port == port)
            return 0;
    if (m->nr_servers == SERVERS_MAX)
        return -ENOSPC;
    s->name = strndup(name, len);
    if (!s->name)
        return -ENOMEM;
    s->port = port;
    s->unix_path = unix_path;
    m->nr_servers++;
    return 0;
}

/* "host:port host:port ", as the daemon names its peers. */
static void learn_servers(struct mgmt *m, const char *list)
{
    while (*list) {
        size_t len = strcspn(list, " ");
        const char *colon = memrchr(list, ':', len);
        unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

        if (colon > list && port > 0 && port < 65536)
            add_server(m, list, (size_t)(colon - list), (uint16_t)port, false);
        list += len;
        list += strspn(list, " ");
    }
}

static int aim(struct mgmt *m, struct err *err)
{
    const struct server *s = &m->servers[m->at];
    int failed = 0;

    if (!m->dialer || s->unix_path || m->dialer_of_path) {
        failed = make_dialer(m, err);
        m->dialer_of_path = s->unix_path;
    }
    if (!failed)
        failed = rpc_client_aim(m->client, s->unix_path ? NULL : s->name, s->port, m->dialer);
    return failed ? err_set(err, failed, "%s: %s", s->name, strerror(-failed)) : 0;
}

static void next_server(struct mgmt *m)
{
    struct err err = {0};

    if (m->conf.fixed || m->nr_servers < 2)
        return;
    m->at = (m->at + 1) % m->nr_servers;
    if (aim(m, &err) < 0)
        log_error(DOMAIN, "%s", err.text);
}

const char *mgmt_server(const struct mgmt *m)
{
    return m->servers[m->at].name;
}

/* ---- the volume file ----------------------------------------------------------------------------------------------------------- */

static void give_up(struct mgmt *m, int err, const char *sentence)
{
    mgmt_stop(m);
    m->host->failed(m->host_data, err, sentence);
}

static int keep_text(struct mgmt *m, const struct wire_str *spec)
{
    char *copy = strndup(spec->at, spec->len);

    if (!copy)
        return -ENOMEM;
    free(m->text);
    m->text = copy;
    m->text_len = spec->len;
    return 0;
}

static void take_text(struct mgmt *m, const hndsk_getspec_rsp *rsp)
{
    struct dict *xdata = NULL;
    const char *list;

    if (!m->conf.fixed && !m->servers[m->at].unix_path && wire_dict3_open(&rsp->xdata, &xdata) == 0 &&
        dict_get_text(xdata, "cluster.brick-vol-servers", &list) == 0)
        learn_servers(m, list);
    dict_unref(xdata);
    if (m->text && m->text_len == rsp->spec.len && memcmp(m->text, rsp->spec.at, m->text_len) == 0) {
        log_info(DOMAIN, "no change in the volume file, continuing");
        return;
    }
    if (keep_text(m, &rsp->spec) < 0)
        log_error(DOMAIN, "no memory for the volume file");
    else
        m->host->volfile(m->host_data, m->text, m->text_len);
}

/* The daemon says no, or something that is no answer. */
static void refused(struct mgmt *m, int err)
{
    char sentence[512];

    snprintf(sentence, sizeof(sentence), "%s has no volume file \"%s\" for us: %s", mgmt_server(m), m->volfile_id, strerror(err));
    if (m->text)
        log_error(DOMAIN, "%s; the one that we have stays", sentence);
    else
        give_up(m, -err, sentence);
}

static void fetch(struct mgmt *m);

static void take_answer(struct mgmt *m, const struct answer *a)
{
    /* op_ret of an error may be positive: the text decides (spec wire 3.11) */
    if (a->rsp.op_ret < 0 || a->rsp.spec.len == 0)
        refused(m, a->rsp.op_errno ? a->rsp.op_errno : EIO);
    else
        take_text(m, &a->rsp);
    if (!m->stopping && m->text && !m->was_ready && m->connected) {
        m->was_ready = true;
        rpc_client_ready(m->client, a->link);
        m->host->ready(m->host_data);
    }
}

static void finish(struct mgmt *m)
{
    if (m->client_stopped && m->works == 0 && !atomic_load(&m->fetchspec_posted) && !atomic_load(&m->dump_posted))
        m->host->stopped(m->host_data);
}

static void on_answer(struct loop_work *w)
{
    struct answer *a = container_of(w, struct answer, work);
    struct mgmt *m = a->m;

    m->fetching = false;
    if (a->err == 0 && !m->stopping)
        take_answer(m, a);
    else if (a->err && a->err != -ENOTCONN && a->err != -ECANCELED) { /* of those down() tells */
        log_error(DOMAIN, "%s: GETSPEC: %s", mgmt_server(m), strerror(-a->err));
        rpc_client_disconnect(m->client, a->err);
    }
    if (m->again && m->connected && !m->stopping)
        fetch(m);
    record_free(a->record);
    free(a);
    m->works--;
    finish(m);
}

/* On the thread that serves the connection. */
static void answered(void *ctx, struct rpc_reply *reply)
{
    struct answer *a = ctx;

    a->err = reply->err;
    if (reply->err == 0 && wire_decode(xdr_hndsk_getspec_rsp, &a->rsp, reply->result, reply->len) < 0)
        a->err = -EBADMSG;
    if (a->err == 0) {
        a->record = reply->record;
        reply->record = NULL;
    }
    loop_post(a->m->env.loop, &a->work);
}

static struct dict *request_xdata(const struct mgmt *m)
{
    struct dict *d = dict_new();

    if (d && dict_set_text(d, "min-op-version", "1") == 0 && dict_set_text(d, "max-op-version", OP_VERSION_MAX) == 0 &&
        (!m->brick_name || dict_set_text(d, "brick_name", m->brick_name) == 0))
        return d;
    dict_unref(d);
    return NULL;
}

static int ask(struct mgmt *m, struct answer *a)
{
    struct dict *xdata = request_xdata(m);
    hndsk_getspec_req req = {.flags = m->conf.want_servers, .key = wire_str(m->volfile_id)};
    size_t len = xdata ? dict3_size(xdata) : 0;
    uint8_t *bytes = xdata ? malloc(len) : NULL;
    int failed = -ENOMEM;

    if (bytes) {
        dict3_encode(xdata, bytes);
        req.xdata = (wire_dict3){.at = bytes, .len = (uint32_t)len};
        failed = rpc_ask(m->client, HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_GETSPEC, xdr_hndsk_getspec_req, &req, FETCH_TIMEOUT_MS, answered,
                         a);
    }
    free(bytes);
    dict_unref(xdata);
    return failed;
}

static void fetch(struct mgmt *m)
{
    struct answer *a;
    int failed;

    m->again = m->fetching;
    if (m->fetching)
        return;
    a = calloc(1, sizeof(*a));
    if (!a) {
        log_error(DOMAIN, "no memory to ask for the volume file");
        return;
    }
    a->m = m;
    a->work.run = on_answer;
    a->link = rpc_client_link(m->client);
    m->fetching = true;
    m->works++;
    failed = ask(m, a);
    if (failed) {
        m->fetching = false;
        m->works--;
        free(a);
        if (failed != -ENOTCONN)
            log_error(DOMAIN, "%s: GETSPEC: %s", mgmt_server(m), strerror(-failed));
    }
}

void mgmt_fetch(struct mgmt *m)
{
    if (m->connected && !m->stopping)
        fetch(m);
}

/* ---- what the connection tells --------------------------------------------------------------------------------------------------- */

static void up(void *host)
{
    struct mgmt *m = host;

    m->connected = true;
    m->was_ready = false;
    if (!m->stopping)
        fetch(m);
}

static void down(void *host, bool was_up, int err)
{
    struct mgmt *m = host;
    char sentence[512];

    m->connected = false;
    if (m->stopping)
        return;
    if (was_up)
        log_warning(DOMAIN, "the connection to %s is gone%s%s", mgmt_server(m), err ? ": " : "", err ? strerror(-err) : "");
    if (!m->text && ++m->tried >= max_of(m->conf.attempts, 1u) * (m->conf.fixed ? 1 : m->nr_servers)) {
        snprintf(sentence, sizeof(sentence), "no volume file \"%s\": %s: %s", m->volfile_id, mgmt_server(m),
                 err ? strerror(-err) : "it closed the connection");
        give_up(m, -ENOTCONN, sentence);
        return;
    }
    next_server(m);
}

static void client_stopped(void *host)
{
    struct mgmt *m = host;

    m->client_stopped = true;
    finish(m);
}

static const struct rpc_client_host client_host = {.up = up, .down = down, .stopped = client_stopped};

static void on_fetchspec(struct loop_work *w)
{
    struct mgmt *m = container_of(w, struct mgmt, fetchspec);

    atomic_store(&m->fetchspec_posted, false);
    log_info(DOMAIN, "%s: the volume file may have changed", mgmt_server(m));
    if (m->text) /* others ignore it (spec wire 3.11) */
        mgmt_fetch(m);
    finish(m);
}

static void on_dump(struct loop_work *w)
{
    struct mgmt *m = container_of(w, struct mgmt, dump_work);

    atomic_store(&m->dump_posted, false);
    if (m->host->statedump && !m->stopping)
        m->host->statedump(m->host_data, atomic_load_explicit(&m->dump_pid, memory_order_relaxed));
    finish(m);
}

static void run_callback(void *host, uint32_t proc, const uint8_t *args, size_t len)
{
    struct mgmt *m = host;
    cbk_statedump dump;

    if (proc == CBK_FETCHSPEC && !atomic_exchange(&m->fetchspec_posted, true)) {
        loop_post(m->env.loop, &m->fetchspec);
    } else if (proc == CBK_STATEDUMP && wire_decode(xdr_cbk_statedump, &dump, args, len) >= 0 &&
               !atomic_exchange(&m->dump_posted, true)) {
        atomic_store_explicit(&m->dump_pid, dump.pid, memory_order_relaxed);
        loop_post(m->env.loop, &m->dump_work);
    }
}

static const struct rpc_callbacks callbacks = {.program = CBK_PROGRAM, .version = CBK_VERSION, .run = run_callback};

/* ---- life ------------------------------------------------------------------------------------------------------------------------ */

static int take_conf(struct mgmt *m, const struct mgmt_conf *conf)
{
    m->conf = *conf;
    m->volfile_id = strdup(conf->volfile_id);
    m->brick_name = conf->brick_name ? strdup(conf->brick_name) : NULL;
    if (!m->volfile_id || (conf->brick_name && !m->brick_name))
        return -ENOMEM;
    for (unsigned int i = 0; i < conf->nr_servers; i++) {
        int failed = add_server(m, conf->servers[i], strlen(conf->servers[i]), conf->port ? conf->port : MGMT_PORT, conf->unix_path);
        if (failed)
            return failed;
    }
    for (unsigned int i = 0; i < conf->nr_places; i++) {
        const struct mgmt_server *p = &conf->places[i];
        int failed = add_server(m, p->name, strlen(p->name), p->port ? p->port : MGMT_PORT, p->unix_path);
        if (failed)
            return failed;
    }
    m->conf.servers = NULL;
    m->conf.places = NULL;
    m->conf.volfile_id = m->conf.brick_name = NULL;
    return m->nr_servers ? 0 : -EINVAL;
}

static int make_client(struct mgmt *m, struct pool *pool, struct err *err)
{
    const struct rpc_client_conf conf = {.name = DOMAIN, .pool = pool, .callbacks = &callbacks, .nr_callbacks = 1};
    int failed = 0;

    m->transport = m->conf.transport;
    if (!m->transport)
        failed = transport_load("socket", &m->transport, err);
    if (failed)
        return failed;
    m->client = rpc_client_new(&m->env, &conf, &client_host, m);
    return m->client ? aim(m, err) : -ENOMEM;
}

int mgmt_new(const struct env *env, struct pool *pool, const struct mgmt_conf *conf, const struct mgmt_host *host, void *host_data,
             struct mgmt **ret, struct err *err)
{
    struct mgmt *m = calloc(1, sizeof(*m));
    int failed;

    if (!m)
        return err_set(err, -ENOMEM, "no memory");
    m->env = *env;
    m->host = host;
    m->host_data = host_data;
    m->fetchspec.run = on_fetchspec;
    m->dump_work.run = on_dump;
    if ((failed = take_conf(m, conf)) || (failed = make_client(m, pool, err))) {
        mgmt_free(m);
        return err_set(err, failed, "volume file server: %s", strerror(-failed));
    }
    *ret = m;
    return 0;
}

void mgmt_free(struct mgmt *m)
{
    if (!m)
        return;
    rpc_client_free(m->client);
    rpc_dialer_unref(m->dialer);
    for (unsigned int i = 0; i < m->nr_servers; i++)
        free(m->servers[i].name);
    free(m->volfile_id);
    free(m->brick_name);
    free(m->text);
    free(m);
}

void mgmt_start(struct mgmt *m)
{
    m->started = true;
    rpc_client_start(m->client);
}

void mgmt_stop(struct mgmt *m)
{
    if (m->stopping)
        return;
    m->stopping = true;
    rpc_client_stop(m->client);
}

bool mgmt_connected(const struct mgmt *m)
{
    return m->connected && m->was_ready;
}

struct rpc_client *mgmt_client(struct mgmt *m)
{
    return m->client;
}
