/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tls-config.c: certificates, keys and authorities: parsed once, shared, renewed when their files change.
 *
 * We have a library context of our own, so that nothing of the program around us is touched; algorithms are fetched once. It
 * is made once and never freed: OpenSSL 3.0 keeps per-thread state that points to it, and a thread that ends after the context
 * was freed, one of the program's own perhaps, would use it after free. The chain that we show is built when the files are read, not for
 * each handshake. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "group.h"
#include "jobs.h"
#include "log.h"
#include "loop.h"
#include "thread.h"
#include "tls-impl.h"

#define LOOK_EVERY_MS 1000
#define WATCH_EVERY_MS 3000
#define REVOCATION_FILES_MAX 4096 /* looked at per check of a directory */

static const struct tls_files stock_files = {
    .own_cert = "glusterfs.pem", /* these three and dh_param: see path_or() */
    .private_key = "glusterfs.key",
    .ca_list = "glusterfs.ca",
    .ciphers = "EECDH:EDH:HIGH:!3DES:!RC4:!DES:!MD5:!aNULL:!eNULL",
    .curve = "X25519:prime256v1", /* the second is all that stock offers */
    .dh_param = "dhparam.pem",
};

struct settings {
    char *own_cert, *private_key, *ca_list, *crl_path, *ciphers, *curve, *dh_param, *peer_name;
    int depth;
    bool own_dh;                   /* dh_param was asked for: it must be there */
};
struct tls_config {
    atomic_uint refs;
    struct jobs *jobs;             /* constant */
    BIO_METHOD *bio;               /* constant */
    pthread_mutex_t lock;          /* guards ctx, generation; nothing is called under it but SSL_CTX_up_ref() */
    SSL_CTX *ctx;                  /* the set in place */
    unsigned int generation;
    pthread_mutex_t building;      /* held while files are read; outside lock. Guards what follows */
    struct settings set;
    uint64_t stamp;                /* of the files when they were last read, well or not */
    _Atomic uint64_t look_at;      /* clock_ms from which on it is time to look again */
};

/* Looks from time to time, so that a change is seen, and complained of, when nobody connects. */
struct tls_watch {
    atomic_uint refs;      /* the owner's, and the job's while it runs */
    struct tls_config *cfg;
    struct group *group;
    unsigned int seen;     /* the set that all members have been held against; the job's */
    struct loop *loop;
    struct timer timer;    /* the loop's thread */
    struct job job;
    atomic_bool looking;   /* the job is under way: files may lie on a disk that takes long */
};

static OSSL_LIB_CTX *library; /* constant once made; NULL: no memory */
static pthread_once_t library_once = PTHREAD_ONCE_INIT;

static void make_library(void)
{
    /* Nothing at exit(): threads of ours may still be at work then. */
    OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL);
    library = OSSL_LIB_CTX_new();
}

void tls_reason(char *to, size_t size)
{
    unsigned long e = ERR_peek_error();
    const char *reason = e ? ERR_reason_error_string(e) : NULL;

    if (ERR_SYSTEM_ERROR(e))
        snprintf(to, size, "%s", strerror(ERR_GET_REASON(e)));
    else if (reason)
        snprintf(to, size, "%s", reason);
    else
        snprintf(to, size, e ? "error %lx" : "no reason given", e);
    ERR_clear_error();
}

/* ---- have files changed? ------------------------------------------------------------------------------------------------- */
static void mix(uint64_t *h, uint64_t v)
{
    *h = (*h ^ v) * 0x100000001b3u; /* FNV-1a, by words */
}

static void mix_stat(uint64_t *h, int at, const char *path)
{
    struct stat st;

    if (fstatat(at, path, &st, 0) < 0) {
        mix(h, errno);
        return;
    }
    mix(h, st.st_ino);
    mix(h, st.st_size);
    mix(h, st.st_mtim.tv_sec);
    mix(h, st.st_mtim.tv_nsec);
    mix(h, st.st_ctim.tv_sec);
    mix(h, st.st_ctim.tv_nsec);
}

/* A revocation list may be renewed inside the directory without the directory changing. */
static void mix_directory(uint64_t *h, const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    uint64_t sum = 0;

    for (int i = 0; d && i < REVOCATION_FILES_MAX && (e = readdir(d)); i++) {
        uint64_t one = 0xcbf29ce484222325u;

        if (e->d_name[0] == '.')
            continue;
        mix_stat(&one, dirfd(d), e->d_name);
        sum += one; /* the order of entries is no property of the directory */
    }
    if (d)
        closedir(d);
    mix(h, sum);
}

static uint64_t stamp_now(struct tls_config *cfg)
{
    const char *paths[] = {cfg->set.own_cert, cfg->set.private_key, cfg->set.ca_list, cfg->set.dh_param, cfg->set.crl_path};
    uint64_t h = 0xcbf29ce484222325u;

    for (unsigned int i = 0; i < array_len(paths); i++)
        if (paths[i])
            mix_stat(&h, AT_FDCWD, paths[i]);
    if (cfg->set.crl_path)
        mix_directory(&h, cfg->set.crl_path);
    return h;
}

/* ---- building a set ------------------------------------------------------------------------------------------------------ */
/* A key with a pass phrase would ask for it at a terminal. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
    return -1;
}

static int bad(struct err *err, const char *option, const char *value)
{
    int r = ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE ? -ENOMEM : -EINVAL;
    char reason[128];

    tls_reason(reason, sizeof(reason));
    return err_set(err, r, "option transport.socket.%s: %s: %s", option, value, reason);
}

static int add_revocation(SSL_CTX *ctx, const char *path)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    struct stat st;
    X509_LOOKUP *l;
    bool ok;

    if (stat(path, &st) < 0) {
        ERR_raise(ERR_LIB_SYS, errno);
        return -EINVAL;
    }
    if (S_ISDIR(st.st_mode)) {
        l = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
        ok = l && X509_LOOKUP_add_dir(l, path, X509_FILETYPE_PEM) == 1;
    } else {
        l = X509_STORE_add_lookup(store, X509_LOOKUP_file());
        ok = l && X509_load_crl_file(l, path, X509_FILETYPE_PEM) > 0;
    }
    if (!ok)
        return -EINVAL;
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return 0;
}

static int strength(X509 *cert)
{
    EVP_PKEY *key = X509_get0_pubkey(cert);

    return key ? EVP_PKEY_get_security_bits(key) : 0;
}

/* A certificate is read even when no memory could be had for its key or its extensions, or for parts of them: then it vouches for nobody,
 * for as long as it is in use. Read once more it would be another one. */
static bool authorities_are_whole(SSL_CTX *ctx)
{
    STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(ctx));
    bool whole = true;

    for (int i = 0; whole && i < sk_X509_OBJECT_num(all); i++) {
        X509 *cert = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i)), *again;

        if (!cert)
            continue;
        again = X509_dup(cert);
        whole = again && strength(again) == strength(cert) && X509_get_extension_flags(again) == X509_get_extension_flags(cert);
        X509_free(again);
    }
    return whole;
}

static int add_dh(struct tls_config *cfg, SSL_CTX *ctx)
{
    BIO *file = BIO_new_file(cfg->set.dh_param, "r");
    EVP_PKEY *params = NULL;
    bool ok = false;

    if (!file && !cfg->set.own_dh) {
        ERR_clear_error(); /* not asked for: fit parameters are built in */
        return SSL_CTX_set_dh_auto(ctx, 1) == 1 ? 0 : -EINVAL;
    }
    if (file)
        params = PEM_read_bio_Parameters_ex(file, NULL, library, NULL);
    if (params)
        ok = SSL_CTX_set0_tmp_dh_pkey(ctx, params) == 1;
    if (params && !ok)
        EVP_PKEY_free(params);
    BIO_free(file);
    return ok ? 0 : -EINVAL;
}

static int fill_set(struct tls_config *cfg, SSL_CTX *ctx, struct err *err)
{
    X509_VERIFY_PARAM *verify = SSL_CTX_get0_param(ctx);

    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);

    if (SSL_CTX_set_cipher_list(ctx, cfg->set.ciphers) != 1)
        return bad(err, "ssl-cipher-list", cfg->set.ciphers);
    if (SSL_CTX_set1_groups_list(ctx, cfg->set.curve) != 1)
        return bad(err, "ssl-ec-curve", cfg->set.curve);
    if (add_dh(cfg, ctx) < 0)
        return bad(err, "ssl-dh-param", cfg->set.dh_param);
    if (SSL_CTX_use_certificate_chain_file(ctx, cfg->set.own_cert) != 1)
        return bad(err, "ssl-own-cert", cfg->set.own_cert);
    if (SSL_CTX_use_PrivateKey_file(ctx, cfg->set.private_key, SSL_FILETYPE_PEM) != 1)
        return bad(err, "ssl-private-key", cfg->set.private_key);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return bad(err, "ssl-private-key", cfg->set.private_key);
    if (SSL_CTX_load_verify_locations(ctx, cfg->set.ca_list, NULL) != 1)
        return bad(err, "ssl-ca-list", cfg->set.ca_list);
    if (!authorities_are_whole(ctx))
        return err_set(err, -ENOMEM, "option transport.socket.ssl-ca-list: %s: no memory for all of it", cfg->set.ca_list);
    if (cfg->set.crl_path && add_revocation(ctx, cfg->set.crl_path) < 0)
        return bad(err, "ssl-crl-path", cfg->set.crl_path);
    /* What the authorities' file completes is sent too; a missing link is the peer's to judge. */
    SSL_CTX_build_cert_chain(ctx, SSL_BUILD_CHAIN_FLAG_UNTRUSTED | SSL_BUILD_CHAIN_FLAG_NO_ROOT |
                                      SSL_BUILD_CHAIN_FLAG_IGNORE_ERROR | SSL_BUILD_CHAIN_FLAG_CLEAR_ERROR);
    ERR_clear_error();

    /* One file serves both roles, as in stock: what a certificate says it is for is not looked at. */
    X509_VERIFY_PARAM_set_purpose(verify, X509_PURPOSE_ANY);
    if (cfg->set.peer_name && X509_VERIFY_PARAM_set1_ip_asc(verify, cfg->set.peer_name) != 1) {
        ERR_clear_error(); /* not an address, then it is a name */
        if (X509_VERIFY_PARAM_set1_host(verify, cfg->set.peer_name, 0) != 1)
            return bad(err, "ssl-verify-name", cfg->set.peer_name);
    }
    SSL_CTX_set_verify_depth(ctx, cfg->set.depth);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return 0;
}

static int build_set(struct tls_config *cfg, SSL_CTX **ret, struct err *err)
{
    SSL_CTX *ctx;
    int r;

    ERR_clear_error();
    ctx = SSL_CTX_new_ex(library, NULL, TLS_method());
    if (!ctx)
        return err_set(err, -ENOMEM, "OpenSSL has no memory for a TLS context");
    r = fill_set(cfg, ctx, err);
    if (r < 0) {
        SSL_CTX_free(ctx);
        return r;
    }
    *ret = ctx;
    return 0;
}

/* Under building. */
static int renew_locked(struct tls_config *cfg, struct err *err)
{
    SSL_CTX *ctx = NULL, *old;
    uint64_t stamp = stamp_now(cfg); /* before reading: what changes meanwhile is seen at the next look */
    int r = build_set(cfg, &ctx, err);

    cfg->stamp = r == -ENOMEM ? ~stamp : stamp; /* nothing is wrong with the files: the next look tries again */
    if (r < 0)
        return r;
    pthread_mutex_lock(&cfg->lock);
    old = cfg->ctx;
    cfg->ctx = ctx;
    cfg->generation++;
    pthread_mutex_unlock(&cfg->lock);
    SSL_CTX_free(old);
    return 0;
}

/* ---- settings ------------------------------------------------------------------------------------------------------------ */
static void forget(struct settings *set)
{
    free(set->own_cert);
    free(set->private_key);
    free(set->ca_list);
    free(set->crl_path);
    free(set->ciphers);
    free(set->curve);
    free(set->dh_param);
    free(set->peer_name);
}

static char *text_or(const char *given, const char *stock)
{
    if (given && *given)
        return strdup(given);
    return stock ? strdup(stock) : NULL;
}

/* Stock looks in the folder that OpenSSL was built for (Debian: /usr/lib/ssl); people put the files into /etc/ssl, too. */
static char *path_or(const char *given, const char *stock)
{
    const char *dir = strchr(OpenSSL_version(OPENSSL_DIR), '"'); /* OPENSSLDIR: "/usr/lib/ssl" */
    char *path = NULL;

    if (given && *given)
        return strdup(given);
    if (dir && asprintf(&path, "%.*s/%s", (int)strcspn(dir + 1, "\""), dir + 1, stock) < 0)
        return NULL;
    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return asprintf(&path, "/etc/ssl/%s", stock) < 0 ? NULL : path;
}

static int take_settings(struct tls_config *cfg, const struct tls_files *files)
{
    cfg->set.own_cert = path_or(files->own_cert, stock_files.own_cert);
    cfg->set.private_key = path_or(files->private_key, stock_files.private_key);
    cfg->set.ca_list = path_or(files->ca_list, stock_files.ca_list);
    cfg->set.crl_path = text_or(files->crl_path, NULL);
    cfg->set.ciphers = text_or(files->ciphers, stock_files.ciphers);
    cfg->set.curve = text_or(files->curve, stock_files.curve);
    cfg->set.dh_param = path_or(files->dh_param, stock_files.dh_param);
    cfg->set.own_dh = files->dh_param && *files->dh_param;
    cfg->set.depth = files->depth;
    cfg->set.peer_name = text_or(files->peer_name, NULL);
    if (files->peer_name && *files->peer_name && !cfg->set.peer_name)
        return -ENOMEM;
    if (!cfg->set.own_cert || !cfg->set.private_key || !cfg->set.ca_list || !cfg->set.ciphers || !cfg->set.curve || !cfg->set.dh_param ||
        (files->crl_path && *files->crl_path && !cfg->set.crl_path))
        return -ENOMEM;
    return 0;
}

int tls_config_reload(struct tls_config *cfg, const struct tls_files *files, struct err *err)
{
    struct settings before;
    int r;

    SCOPED_LOCK(&cfg->building);
    if (!files)
        return renew_locked(cfg, err);
    before = cfg->set;
    r = take_settings(cfg, files);
    if (r == 0)
        r = renew_locked(cfg, err);
    if (r < 0) {
        struct settings no_good = cfg->set;

        cfg->set = before;
        before = no_good;
        cfg->stamp = stamp_now(cfg);
    }
    forget(&before);
    return r;
}

void tls_config_refresh(struct tls_config *cfg)
{
    uint64_t now = clock_ms();
    uint64_t due = atomic_load_explicit(&cfg->look_at, memory_order_relaxed);
    struct err err = {""};

    /* Whoever moves the time on is the one to look; the others go on with what is in place. */
    if (now < due || !atomic_compare_exchange_strong(&cfg->look_at, &due, now + LOOK_EVERY_MS))
        return;
    SCOPED_LOCK(&cfg->building);
    if (stamp_now(cfg) == cfg->stamp)
        return;
    if (renew_locked(cfg, &err) == 0)
        log_info("socket", "new TLS files are in use: certificate %s", cfg->set.own_cert);
    else
        log_error("socket", "TLS files have changed and cannot be used, those from before stay in use: %s", err.text);
}

static void watch_unref(struct tls_watch *w)
{
    if (atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) > 1)
        return;
    tls_config_unref(w->cfg);
    group_unref(w->group);
    free(w);
}

static void refresh_job(struct job *j)
{
    struct tls_watch *w = container_of(j, struct tls_watch, job);
    unsigned int generation;

    tls_config_refresh(w->cfg);
    generation = tls_config_generation(w->cfg);
    if (generation != w->seen && group_check_proofs(w->group) == 0)
        w->seen = generation;
    atomic_store_explicit(&w->looking, false, memory_order_release); /* partner: look(), which hands the job in again */
    watch_unref(w);
}

static void look(struct timer *t)
{
    struct tls_watch *w = container_of(t, struct tls_watch, timer);

    loop_arm(w->loop, &w->timer, WATCH_EVERY_MS);
    if (atomic_load_explicit(&w->looking, memory_order_acquire))
        return;
    atomic_store_explicit(&w->looking, true, memory_order_relaxed);
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    jobs_do(w->cfg->jobs, &w->job);
}

struct tls_watch *tls_watch_new(struct tls_config *cfg, struct loop *loop, struct group *group)
{
    struct tls_watch *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    atomic_init(&w->refs, 1);
    w->cfg = tls_config_ref(cfg);
    w->group = group_ref(group);
    w->seen = tls_config_generation(cfg);
    w->loop = loop;
    w->timer.expired = look;
    w->job.run = refresh_job;
    if (loop_arm(loop, &w->timer, WATCH_EVERY_MS) < 0) {
        watch_unref(w);
        return NULL;
    }
    return w;
}

void tls_watch_free(struct tls_watch *w)
{
    if (!w)
        return;
    loop_disarm(w->loop, &w->timer);
    watch_unref(w);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */
int tls_config_new(const struct env *env, const struct tls_files *files, struct tls_config **ret, struct err *err)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct tls_config *cfg;
    int r;

    pthread_once(&library_once, make_library);
    cfg = calloc(1, sizeof(*cfg));
    if (!cfg)
        return err_set(err, -ENOMEM, "no memory for TLS");
    atomic_init(&cfg->refs, 1);
    pthread_mutex_init(&cfg->lock, NULL);
    pthread_mutex_init(&cfg->building, NULL);
    cfg->jobs = jobs_new(env, 2 * (cores > 0 ? (unsigned int)cores : 1), THREAD_STACK);
    cfg->bio = tls_bio_method();
    r = library && cfg->jobs && cfg->bio ? take_settings(cfg, files) : -ENOMEM;
    if (r == 0)
        r = renew_locked(cfg, err);
    else
        err_set(err, r, "no memory for TLS");
    if (r < 0) {
        tls_config_unref(cfg);
        return r;
    }
    *ret = cfg;
    return 0;
}

struct tls_config *tls_config_ref(struct tls_config *cfg)
{
    atomic_fetch_add_explicit(&cfg->refs, 1, memory_order_relaxed);
    return cfg;
}

void tls_config_unref(struct tls_config *cfg)
{
    if (!cfg || atomic_fetch_sub_explicit(&cfg->refs, 1, memory_order_acq_rel) > 1)
        return;
    SSL_CTX_free(cfg->ctx);
    BIO_meth_free(cfg->bio);
    jobs_unref(cfg->jobs);
    forget(&cfg->set);
    pthread_mutex_destroy(&cfg->lock);
    pthread_mutex_destroy(&cfg->building);
    free(cfg);
}

SSL_CTX *tls_config_take(struct tls_config *cfg, unsigned int *ret_generation)
{
    SCOPED_LOCK(&cfg->lock);
    if (ret_generation)
        *ret_generation = cfg->generation;
    SSL_CTX_up_ref(cfg->ctx);
    return cfg->ctx;
}

X509_STORE_CTX *tls_check_new(void)
{
    return X509_STORE_CTX_new_ex(library, NULL);
}

BIO_METHOD *tls_config_bio(struct tls_config *cfg)
{
    return cfg->bio;
}

struct jobs *tls_config_jobs(struct tls_config *cfg)
{
    return cfg->jobs;
}

unsigned int tls_config_generation(struct tls_config *cfg)
{
    SCOPED_LOCK(&cfg->lock);
    return cfg->generation;
}
