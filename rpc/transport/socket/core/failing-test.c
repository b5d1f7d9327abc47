/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A connection's life, from certificates to the last callback, in which one allocation, one thread or one descriptor cannot be had: it ends
 * in an error of who asked for it, or in down(), or it goes on; and nothing is left. Bug classes 2, 8, 9. */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/crypto.h>
#include <openssl/x509v3.h>

#include "failing.h"
#include "listener.h"
#include "log.h"
#include "loop.h"
#include "thread.h"
#include "tls-impl.h"
#include "testing/fixture.h"

#define RUNS_MAX 150   /* of one kind in one test, unless FULL is set: then all, from FAIL_FROM on */
#define HANG_GUARD_S 60

static struct fixture f;
static uint8_t question[] = "does it live?";

/* One end. It allocates nothing itself. */
struct side {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct conn *conn;
    bool asks;
    struct msg msg;
    bool sending;
    unsigned int started, ups, downs, right, wrong; /* under lock */
};

static void put(struct side *s, struct slice bytes)
{
    s->msg = (struct msg){0};
    slicev_add(&s->msg.body, bytes); /* the first four need no memory */
    s->sending = true;
    if (conn_send(s->conn, &s->msg) < 0) {
        slicev_done(&s->msg.body);
        s->sending = false;
    }
}

static void count(struct side *s, unsigned int *what)
{
    pthread_mutex_lock(&s->lock);
    ++*what;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void side_up(void *host)
{
    struct side *s = host;

    count(s, &s->ups);
    if (s->asks)
        put(s, (struct slice){.at = question, .len = sizeof(question)});
}
static size_t side_place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    return total;
}
static void side_received(void *host, struct record *rec)
{
    struct side *s = host;
    bool right = rec->head.len == sizeof(question) && memcmp(rec->head.at, question, sizeof(question)) == 0;

    if (!s->asks && !s->sending)
        put(s, slice_part(rec->head, 0, rec->head.len));
    record_free(rec);
    count(s, right ? &s->right : &s->wrong);
}
static void side_released(void *host, struct msg *m, int err)
{
    struct side *s = host;

    slicev_done(&m->body);
    s->sending = false;
}
static void side_down(void *host, int err)
{
    struct side *s = host;

    count(s, &s->downs);
}
static const struct conn_host side_host = {
    .up = side_up, .place = side_place, .received = side_received, .released = side_released, .down = side_down,
};

#define wait_for(s, expr)                                                                            \
    do {                                                                                             \
        pthread_mutex_lock(&(s)->lock);                                                              \
        while (!(expr))                                                                              \
            wait_locked((s), #expr);                                                                 \
        pthread_mutex_unlock(&(s)->lock);                                                            \
    } while (0)
static void wait_locked(struct side *s, const char *what)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANG_GUARD_S;
    if (pthread_cond_timedwait(&s->changed, &s->lock, &until) != ETIMEDOUT)
        return;
    fprintf(stderr, "number %ld: waited in vain for: %s\n%s", failing_seen(), what, fixture_log());
    abort();
}

/* ---- a life ---------------------------------------------------------------------------------------------------------------- */
struct life {
    bool tls, own_thread;
    struct tls_config *server_tls, *client_tls;
    struct listener *l;
    struct side server, client;
    struct loop_work work;
    void (*errand)(struct life *);
    bool done;                       /* under server.lock */
    int r;
};

static void run_errand(struct loop_work *w)
{
    struct life *life = container_of(w, struct life, work);

    life->errand(life);
    pthread_mutex_lock(&life->server.lock);
    life->done = true;
    pthread_cond_broadcast(&life->server.changed);
    pthread_mutex_unlock(&life->server.lock);
}
static void on_loop(struct life *life, void (*errand)(struct life *))
{
    life->work.run = run_errand;
    life->errand = errand;
    life->done = false;
    loop_post(f.env.loop, &life->work);
    wait_for(&life->server, life->done);
}

static int on_accepted(void *host, const struct sockaddr_storage *peer, const struct conn_host **ret_host, void **ret_data)
{
    *ret_host = &side_host;
    *ret_data = &((struct life *)host)->server;
    return 0;
}
static void on_started(void *host, void *data, struct conn *conn)
{
    struct side *s = data;

    s->conn = conn;
    if (conn)
        count(s, &s->started);
}
static const struct listener_host listen_host = {on_accepted, on_started};

static void open_listener(struct life *life)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct listener_conf conf = {.backlog = 10, .conns_max = 10, .conn = fixture_conf(life->own_thread)};
    struct err err = {""};

    life->r = listener_open(&f.env, &conf, life->server_tls, (struct sockaddr *)&any, sizeof(any), &listen_host, life, &life->l, &err);
    assert_true(life->r == 0 || err.text[0]);
}
static void close_listener(struct life *life)
{
    listener_close(life->l);
}

static int certificates(const char *name, struct tls_config **ret)
{
    char cert[160], key[160], ca[160];
    struct tls_files files = {.own_cert = cert, .private_key = key, .ca_list = ca, .depth = TLS_DEPTH_DEFAULT};
    struct err err = {""};
    int r;

    snprintf(cert, sizeof(cert), "%s/%s.pem", f.dir, name);
    snprintf(key, sizeof(key), "%s/%s.key", f.dir, name);
    snprintf(ca, sizeof(ca), "%s/ca.pem", f.dir);
    r = tls_config_new(&f.env, &files, ret, &err);
    assert_true(r == 0 || err.text[0]);
    return r;
}

static int dial(struct life *life)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(listener_port(life->l))};
    struct conn_conf conf = fixture_conf(life->own_thread);

    conf.send_queue_max = 0;
    return conn_dial(&f.env, &conf, life->client_tls, (struct sockaddr *)&to, sizeof(to), &side_host, &life->client, &life->client.conn);
}

/* Asks once, and hangs up. True: it was answered. */
static bool ask(struct life *life)
{
    bool answered;

    if (dial(life) < 0)
        return false;
    wait_for(&life->client, life->client.right == 1 || life->client.downs == 1);
    answered = life->client.right == 1;
    conn_disconnect(life->client.conn, 0);
    wait_for(&life->client, life->client.downs == 1);
    conn_unref(life->client.conn);
    /* What was accepted has its end, too; it may still be on its way in. */
    on_loop(life, close_listener);
    life->l = NULL;
    wait_for(&life->server, life->server.downs == life->server.started);
    conn_unref(life->server.conn);
    assert_int_equal(life->client.wrong + life->server.wrong, 0);
    assert_true(life->client.ups <= 1 && life->server.ups <= 1 && life->server.started <= 1);
    return answered;
}

static void side_init(struct side *s, bool asks)
{
    *s = (struct side){.asks = asks, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

/* False: nothing was left to fail. */
static bool live(bool tls, bool own_thread, unsigned int kinds, long k)
{
    struct life life = {.tls = tls, .own_thread = own_thread};
    bool answered = false, before, happened;

    side_init(&life.server, false);
    side_init(&life.client, true);
    failing_arm(kinds, k);
    if (!tls || (certificates("server", &life.server_tls) == 0 && certificates("client", &life.client_tls) == 0))
        on_loop(&life, open_listener);
    before = failing_happened();
    if (life.l)
        answered = ask(&life);
    happened = failing_disarm();
    if (life.l)
        on_loop(&life, close_listener);
    tls_config_unref(life.server_tls);
    tls_config_unref(life.client_tls);
    /* What could be set up works; but OpenSSL's contexts may be made with less than they should have (no signature algorithms), and
     * nobody can see that. */
    if (!answered && (!happened || (before && life.server.started && !(kinds & FAILING_LIBRARY))))
        fail_msg("number %ld was not to be had, and then a connection failed\n%s", k, fixture_log());
    fixture_expect_nothing_left(&f);
    fixture_log_clear();
    return happened;
}

static void sweep(bool tls, bool own_thread, unsigned int kinds)
{
    long all, k, step = 1, runs = 0;

    live(tls, own_thread, kinds, LONG_MAX);
    all = failing_seen();
    assert_true(all > 0);
    if (!getenv("FULL") && all > RUNS_MAX)
        step = all / RUNS_MAX;
    for (k = getenv("FAIL_FROM") ? atol(getenv("FAIL_FROM")) : 1; live(tls, own_thread, kinds, k); k += step)
        runs++;
    print_message("%ld of %ld\n", runs, all);
    assert_false(live(tls, own_thread, kinds, LONG_MAX)); /* all is as before */
}

static void a_plain_life(void **state)
{
    sweep(false, true, FAILING_ALL);
    sweep(false, false, FAILING_ALL);
}
static void a_life_with_tls(void **state)
{
    sweep(true, true, FAILING_ALL);
    sweep(true, false, FAILING_ALL);
}
static void a_life_with_tls_whose_library_finds_no_memory(void **state)
{
    sweep(true, true, FAILING_LIBRARY);
}

static X509 *authority_of(struct tls_config *cfg, SSL_CTX **ret)
{
    STACK_OF(X509_OBJECT) *all;

    *ret = tls_config_take(cfg, NULL);
    all = X509_STORE_get0_objects(SSL_CTX_get_cert_store(*ret));
    assert_int_equal(sk_X509_OBJECT_num(all), 1);
    return X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, 0));
}

/* OpenSSL reads a certificate also when it finds no memory for its key or its extensions, and tries no second time. */
static void an_authority_is_read_whole_or_not_at_all(void **state)
{
    SSL_CTX *good_ctx, *ctx;
    X509 *good = authority_of(f.server, &good_ctx), *ca;
    unsigned int refused = 0;
    bool happened = true;

    for (long k = 1; happened; k += getenv("FULL") ? 1 : 5) {
        struct tls_config *cfg = NULL;

        failing_arm(FAILING_LIBRARY, k);
        if (certificates("server", &cfg) == 0) {
            happened = failing_disarm();
            ca = authority_of(cfg, &ctx);
            assert_non_null(X509_get0_pubkey(ca));
            assert_int_equal(EVP_PKEY_get_security_bits(X509_get0_pubkey(ca)), EVP_PKEY_get_security_bits(X509_get0_pubkey(good)));
            assert_int_equal(X509_get_extension_flags(ca), X509_get_extension_flags(good));
            SSL_CTX_free(ctx);
            tls_config_unref(cfg);
        }
        refused += cfg == NULL;
        failing_disarm();
    }
    SSL_CTX_free(good_ctx);
    assert_true(refused > 100);
}

static void the_parts_of_a_program(void **state)
{
    struct census census = {0};
    long k;

    for (k = 1;; k++) {
        struct iobuf_pool *bufs;
        struct reaper *reaper;
        struct loop *loop;

        failing_arm(FAILING_ALL, k);
        bufs = iobuf_pool_new(MiB, &census);
        reaper = reaper_new(&census);
        loop = loop_new();
        if (!failing_disarm())
            assert_true(bufs && reaper && loop);
        else
            assert_false(bufs && reaper && loop);
        loop_free(loop);
        reaper_free(reaper);
        iobuf_pool_free(bufs);
        if (!failing_happened())
            break;
    }
    assert_true(k > 6);
}

static int setup(void **state)
{
    fixture_init(&f);
    return 0;
}
static int teardown(void **state)
{
    fixture_done(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_of_a_program),
        cmocka_unit_test(a_plain_life),
        cmocka_unit_test(a_life_with_tls),
        cmocka_unit_test(an_authority_is_read_whole_or_not_at_all),
        cmocka_unit_test(a_life_with_tls_whose_library_finds_no_memory),
    };

    if (CRYPTO_set_mem_functions(failing_malloc, failing_realloc, failing_free) != 1)
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
