/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* process.c: what a process has once: event loop, reaper, the threads for what must not run on the loop, the way to stock's log,
 * and the question whether this is the stock that we were built for. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "stock/plugin.h"
#include "thread.h"

#define NAMES_AT_ONCE 16
#define EVENTS_AT_ONCE 64
#define CACHE (8 * MiB)      /* of the buffers that encrypted records wait in */

/* The module's own word on what the rules for globals allow a process (design section 3): a plug-in has no main(). */
static struct {
    pthread_mutex_t lock;
    pid_t pid;        /* of the process that started it; 0: nobody has */
    struct home home;
    struct census census;
    pthread_t loop_thread;
} the = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

static void to_stock(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    _gf_log(domain, site->file, site->func, site->line, (gf_loglevel_t)site->level, "%s", text);
}

/* What has been made by the time of an error stays: there is no memory, and nothing to be done without. */
static int make_home(struct home *h)
{
    log_set_sink(to_stock, NULL);
    log_set_level(LVL_TRACE); /* stock's own level decides */
    *h = (struct home){.env = {.census = &the.census}};
    h->env.bufs = gatling_iobuf_pool_new(CACHE, &the.census);
    h->env.loop = loop_new();
    h->env.reaper = reaper_new(&the.census);
    if (!h->env.bufs || !h->env.loop || !h->env.reaper)
        return -ENOMEM;
    h->names = jobs_new(&h->env, NAMES_AT_ONCE, STOCK_THREAD_STACK);
    h->events = jobs_new(&h->env, EVENTS_AT_ONCE, STOCK_THREAD_STACK);
    if (!h->names || !h->events)
        return -ENOMEM;
    return thread_start(&the.loop_thread, "gatling-loop", STOCK_THREAD_STACK, run_loop, h->env.loop, &the.census);
}

int home_get(struct home **ret)
{
    int r = 0;

    SCOPED_LOCK(&the.lock);
    if (the.pid != getpid()) {
        r = make_home(&the.home);
        if (r == 0)
            the.pid = getpid();
    }
    *ret = &the.home;
    return r;
}

/* Stock's loader takes modules from a folder that is named by its version: .../glusterfs/10.3/rpc-transport/NAME.so */
int version_check(void)
{
    Dl_info here;
    char path[PATH_MAX];
    const char *version;

    if (!dladdr(&the, &here) || !here.dli_fname || strlen(here.dli_fname) >= sizeof(path))
        return -ENOEXEC;
    strcpy(path, here.dli_fname);
    version = basename(dirname(dirname(path)));
    if (strcmp(version, STOCK_VERSION) == 0)
        return 0;
    gf_log("socket", GF_LOG_ERROR, "%s was built for GlusterFS %s, this is GlusterFS %s: build it with the headers of this one",
           here.dli_fname, STOCK_VERSION, version);
    return -ENOEXEC;
}

/* ---- the gate --------------------------------------------------------------------------------------------------------------- */
struct gate {
    struct gate *next;
    glusterfs_ctx_t *ctx;
    unsigned int refs;              /* under gates.lock: ports', and one while an event is awaited */
    bool open;                      /* under gates.lock, as is what waits */
    struct waiting *first, **end;
};
static struct {
    pthread_mutex_t lock;
    struct gate *first;
} gates = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void gate_put_locked(struct gate *g)
{
    struct gate **at = &gates.first;

    if (--g->refs > 0)
        return;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    free(g);
}

void gate_put(struct gate *g)
{
    if (!g)
        return;
    SCOPED_LOCK(&gates.lock);
    gate_put_locked(g);
}

/* Stock's loop runs. */
static void first_event(int fd, int idx, int gen, void *data, int in, int out, int err, char thread_exit)
{
    struct gate *g = data;
    struct waiting *w;

    if (thread_exit)
        return;
    gf_event_unregister_close(g->ctx->event_pool, fd, idx);
    pthread_mutex_lock(&gates.lock);
    g->open = true;
    w = g->first;
    g->first = NULL;
    pthread_mutex_unlock(&gates.lock);
    while (w) {
        struct waiting *next = w->next;

        w->go(w);
        w = next;
    }
    gate_put(g);
}

static struct gate *gate_new(glusterfs_ctx_t *ctx)
{
    struct gate *g = calloc(1, sizeof(*g));
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK); /* readable from the start */

    if (g && fd >= 0) {
        *g = (struct gate){.next = gates.first, .ctx = ctx, .refs = 2, .end = &g->first};
        gates.first = g;
        if (gf_event_register(ctx->event_pool, fd, first_event, g, 1, 0, 0) >= 0)
            return g;
        gates.first = g->next;
    }
    if (fd >= 0)
        close(fd);
    free(g);
    return NULL;
}

struct gate *gate_get(glusterfs_ctx_t *ctx)
{
    SCOPED_LOCK(&gates.lock);
    for (struct gate *g = gates.first; g; g = g->next)
        if (g->ctx == ctx) {
            g->refs++;
            return g;
        }
    return gate_new(ctx);
}

void gate_pass(struct gate *g, struct waiting *w)
{
    bool open;

    pthread_mutex_lock(&gates.lock);
    open = g->open;
    if (!open) {
        w->next = NULL;
        *g->end = w;
        g->end = &w->next;
    }
    pthread_mutex_unlock(&gates.lock);
    if (open)
        w->go(w);
}

/* ---- certificates, shared -------------------------------------------------------------------------------------------------- */
struct shared_tls {
    struct shared_tls *next;
    struct tls_config *cfg;
    unsigned int users;
    char key[];
};
static struct {
    pthread_mutex_t lock;
    struct shared_tls *first; /* under lock */
} certificates = {.lock = PTHREAD_MUTEX_INITIALIZER};

static char *key_of(const struct tls_files *f)
{
    const char *s[] = {f->own_cert, f->private_key, f->ca_list, f->crl_path, f->ciphers, f->curve, f->dh_param, f->peer_name};
    char *key = NULL;

    for (unsigned int i = 0; i < array_len(s); i++) {
        char *longer = NULL;

        if (asprintf(&longer, "%s%s\n", key ? key : "", s[i] ? s[i] : "") < 0)
            longer = NULL;
        free(key);
        key = longer;
        if (!key)
            return NULL;
    }
    return key;
}

int shared_tls_get(const struct env *env, const struct tls_files *files, struct tls_config **ret, struct err *err)
{
    char *key = key_of(files), depth[16];
    struct shared_tls *s;
    int r;

    if (!key)
        return err_set(err, -ENOMEM, "no memory for TLS");
    snprintf(depth, sizeof(depth), "%d", files->depth);
    SCOPED_LOCK(&certificates.lock);
    for (s = certificates.first; s; s = s->next)
        if (strncmp(s->key, key, strlen(key)) == 0 && strcmp(s->key + strlen(key), depth) == 0)
            break;
    if (!s) {
        s = calloc(1, sizeof(*s) + strlen(key) + sizeof(depth));
        r = s ? tls_config_new(env, files, &s->cfg, err) : err_set(err, -ENOMEM, "no memory for TLS");
        if (r < 0) {
            free(s);
            free(key);
            return r;
        }
        strcat(strcpy(s->key, key), depth);
        s->next = certificates.first;
        certificates.first = s;
    }
    free(key);
    s->users++;
    *ret = s->cfg;
    return 0;
}

void shared_tls_put(struct tls_config *cfg)
{
    struct shared_tls **at, *s;

    if (!cfg)
        return;
    SCOPED_LOCK(&certificates.lock);
    for (at = &certificates.first; *at && (*at)->cfg != cfg; at = &(*at)->next)
        ;
    s = *at;
    if (!s || --s->users > 0)
        return;
    *at = s->next;
    tls_config_unref(s->cfg);
    free(s);
}
