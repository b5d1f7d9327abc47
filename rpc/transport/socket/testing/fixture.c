/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "testing/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/conn-impl.h"
#include "log.h"
#include "loop.h"
#include "thread.h"

#define HANG_GUARD_S 60

/* ---- the log ------------------------------------------------------------------------------------------------------------- */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[64 * 1024];

static void keep_log(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    SCOPED_LOCK(&log_lock);
    size_t have = strlen(log_text);

    snprintf(log_text + have, sizeof(log_text) - have, "%s\n", text);
}

const char *fixture_log(void)
{
    static char copy[sizeof(log_text)];
    SCOPED_LOCK(&log_lock);

    return strcpy(copy, log_text);
}

void fixture_log_clear(void)
{
    SCOPED_LOCK(&log_lock);
    log_text[0] = 0;
}

/* ---- the program around us ----------------------------------------------------------------------------------------------- */
static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

struct tls_config *fixture_tls(struct fixture *f, const char *name, const char *ca, const char *crl)
{
    char cert[160], key[160], authority[160], revoked[160];
    struct tls_files files = {.own_cert = cert, .private_key = key, .ca_list = authority, .depth = TLS_DEPTH_DEFAULT};
    struct tls_config *cfg = NULL;
    struct err err = {""};

    snprintf(cert, sizeof(cert), "%s/%s.pem", f->dir, name);
    snprintf(key, sizeof(key), "%s/%s.key", f->dir, name);
    snprintf(authority, sizeof(authority), "%s/%s", f->dir, ca);
    snprintf(revoked, sizeof(revoked), "%s/%s", f->dir, crl ? crl : "");
    if (crl)
        files.crl_path = revoked;
    if (tls_config_new(&f->env, &files, &cfg, &err) < 0)
        fail_msg("%s", err.text);
    return cfg;
}

void fixture_init(struct fixture *f)
{
    char path[160];

    memset(f, 0, sizeof(*f));
    log_set_sink(keep_log, NULL);
    log_set_level(LVL_INFO);
    fixture_log_clear();
    f->env.census = &f->census;
    f->env.bufs = iobuf_pool_new(4 * MiB, &f->census);
    f->env.reaper = reaper_new(&f->census);
    f->env.loop = loop_new();
    assert_non_null(f->env.bufs);
    assert_non_null(f->env.reaper);
    assert_non_null(f->env.loop);
    assert_int_equal(thread_start(&f->loop_thread, "loop", THREAD_STACK, run_loop, f->env.loop, &f->census), 0);
    strcpy(f->dir, "/tmp/gatling-socket-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->ca = pki_ca_new("test authority", NULL);
    snprintf(path, sizeof(path), "%s/ca.pem", f->dir);
    pki_ca_write(f->ca, path, false);
    pki_issue(f->ca, f->dir, "server", "the server", "DNS:server.example,IP:127.0.0.1,IP:::1", -60, 3600);
    pki_issue(f->ca, f->dir, "client", "the client", NULL, -60, 3600);
    f->server = fixture_tls(f, "server", "ca.pem", NULL);
    f->client = fixture_tls(f, "client", "ca.pem", NULL);
}

static int64_t left(struct fixture *f)
{
    static const enum census_item items[] = {CENSUS_CONNS, CENSUS_LISTENERS, CENSUS_HANDSHAKES, CENSUS_MESSAGES, CENSUS_RECORDS,
                                             CENSUS_IOBUFS};
    int64_t n = counter_get(&f->census.now[CENSUS_THREADS]) - 2; /* the loop's and the reaper's */

    for (unsigned int i = 0; i < array_len(items); i++)
        n += counter_get(&f->census.now[items[i]]);
    return n;
}

void fixture_expect_nothing_left(struct fixture *f)
{
    time_t guard = time(NULL) + HANG_GUARD_S;

    while (left(f) != 0) {
        reaper_flush(f->env.reaper);
        sched_yield();
        if (time(NULL) < guard)
            continue;
        for (unsigned int i = 0; i < NR_CENSUS; i++)
            fprintf(stderr, "%s: %ld\n", census_name(i), (long)counter_get(&f->census.now[i]));
        fail_msg("something is left");
    }
}

void fixture_remove_files(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    while (d && (e = readdir(d))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (e->d_type == DT_DIR) {
            char sub[512];

            snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
            fixture_remove_files(sub);
        } else {
            unlinkat(dirfd(d), e->d_name, 0);
        }
    }
    if (d)
        closedir(d);
    rmdir(path);
}

void fixture_done(struct fixture *f)
{
    fixture_expect_nothing_left(f);
    tls_config_unref(f->server);
    tls_config_unref(f->client);
    loop_stop(f->env.loop);
    thread_join(f->loop_thread, &f->census);
    loop_free(f->env.loop);
    reaper_free(f->env.reaper);
    iobuf_pool_free(f->env.bufs);
    pki_ca_free(f->ca);
    fixture_remove_files(f->dir);
    log_set_sink(NULL, NULL);
}

struct conn_conf fixture_conf(bool own_thread)
{
    return (struct conn_conf){
        .own_thread = own_thread,
        .record_max_first = 64 * MiB,
        .record_max = 64 * MiB,
        .send_queue_max = 16 * MiB,
        .handshake_ms = 30000,
        .goodbye_ms = 1000,
    };
}

/* ---- an end -------------------------------------------------------------------------------------------------------------- */
struct test_msg {
    struct msg m;
};

static void enter(struct end *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->downs > 0)
        e->after_down++;
    e->busy++;
    assert_int_equal(e->busy, 1); /* one callback at a time */
    pthread_mutex_unlock(&e->lock);
}

static void leave_locked(struct end *e)
{
    e->busy--;
    pthread_cond_broadcast(&e->changed);
}

static void end_up(void *host)
{
    struct end *e = host;

    enter(e);
    if (e->on_up)
        e->on_up(e);
    pthread_mutex_lock(&e->lock);
    e->ups++;
    leave_locked(e);
    pthread_mutex_unlock(&e->lock);
}

static size_t end_place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    struct end *e = host;

    return e->bulk_from ? min_of(e->bulk_from, total) : total <= CONN_HEAD_MAX ? total : 1;
}

static uint64_t sum_of(uint64_t sum, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + at[i];
    return sum;
}

static void end_received(void *host, struct record *rec)
{
    struct end *e = host;
    uint64_t sum = sum_of(0, rec->head.at, rec->head.len);

    enter(e);
    for (unsigned int i = 0; i < rec->bulk.n; i++)
        sum = sum_of(sum, slicev_at(&rec->bulk)[i].at, slicev_at(&rec->bulk)[i].len);
    if (e->echo) {
        struct test_msg *tm = calloc(1, sizeof(*tm));

        assert_non_null(tm);
        slicev_add(&tm->m.body, slice_part(rec->head, 0, rec->head.len));
        slicev_add_all(&tm->m.body, &rec->bulk);
        if (conn_send(e->conn, &tm->m) < 0) {
            slicev_done(&tm->m.body);
            free(tm);
        }
    }
    if (e->on_record)
        e->on_record(e, rec);
    pthread_mutex_lock(&e->lock);
    e->records++;
    e->bytes += rec->head.len + rec->bulk.len;
    e->sum += sum;
    leave_locked(e);
    pthread_mutex_unlock(&e->lock);
    record_free(rec);
}

static void end_released(void *host, struct msg *m, int err)
{
    struct end *e = host;
    struct test_msg *tm = container_of(m, struct test_msg, m);

    pthread_mutex_lock(&e->lock);
    if (e->downs > 0)
        e->after_down++;
    if (err == 0)
        e->sent++;
    else
        e->not_sent++;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
    slicev_done(&m->body);
    free(tm);
}

static void end_down(void *host, int err)
{
    struct end *e = host;

    enter(e);
    pthread_mutex_lock(&e->lock);
    e->downs++;
    e->down_err = err;
    leave_locked(e);
    pthread_mutex_unlock(&e->lock);
}

const struct conn_host end_host = {
    .up = end_up,
    .place = end_place,
    .received = end_received,
    .released = end_released,
    .down = end_down,
};

void end_init(struct end *e, struct fixture *f)
{
    memset(e, 0, sizeof(*e));
    e->f = f;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->changed, NULL);
}

void end_done(struct end *e)
{
    assert_int_equal(e->after_down, 0);
    conn_unref(e->conn);
    pthread_mutex_destroy(&e->lock);
    pthread_cond_destroy(&e->changed);
}

static int send_slice(struct end *e, struct slice s)
{
    struct test_msg *tm = calloc(1, sizeof(*tm));
    int r;

    assert_non_null(tm);
    assert_non_null(s.buf);
    slicev_add(&tm->m.body, s);
    r = conn_send(e->conn, &tm->m);
    if (r < 0) {
        slicev_done(&tm->m.body);
        free(tm);
    }
    return r;
}

int end_send(struct end *e, const void *bytes, size_t len)
{
    struct slice s = slice_new(e->f->env.bufs, len);

    memcpy(s.at, bytes, len);
    return send_slice(e, s);
}

int end_send_filled(struct end *e, size_t len, unsigned int seed)
{
    struct slice s = slice_new(e->f->env.bufs, len);

    for (size_t i = 0; i < len; i++)
        s.at[i] = (seed = seed * 1103515245 + 12345) >> 16;
    return send_slice(e, s);
}

void end_wait_locked(struct end *e, const char *what, const char *file, int line)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANG_GUARD_S;
    if (pthread_cond_timedwait(&e->changed, &e->lock, &until) != ETIMEDOUT)
        return;
    fprintf(stderr, "%s:%d: waited in vain for: %s (ups %u downs %u (%d) records %u sent %u not %u, %s)\n%s", file, line, what,
            e->ups, e->downs, e->down_err, e->records, e->sent, e->not_sent, conn_state_name(e->conn), fixture_log());
    abort();
}

void socket_pair(int fds[2], bool small)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    for (int i = 0; small && i < 2; i++) {
        int size = 4096;

        setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
        setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    }
}

void pair_new(struct end *a, struct end *b, const struct conn_conf *conf, bool tls, bool small)
{
    struct conn_conf client = *conf;
    int fds[2];

    client.send_queue_max = 0; /* two ends that both stop reading would wait for each other: the client never does */
    socket_pair(fds, small);
    /* The host knows its connection before anything can happen to it, as listener_host.started() promises. */
    assert_int_equal(conn_new(&a->f->env, conf, tls ? a->f->server : NULL, fds[0], NULL, &end_host, a, true, &a->conn), 0);
    assert_int_equal(conn_new(&b->f->env, &client, tls ? b->f->client : NULL, fds[1], NULL, &end_host, b, false, &b->conn), 0);
}

void pair_begin(struct end *a, struct end *b)
{
    conn_begin(a->conn);
    conn_begin(b->conn);
}

void pair_up(struct end *a, struct end *b, const struct conn_conf *conf, bool tls, bool small)
{
    pair_new(a, b, conf, tls, small);
    pair_begin(a, b);
}

void pair_down(struct end *a, struct end *b)
{
    end_until(a, a->downs == 1);
    end_until(b, b->downs == 1);
    end_done(a);
    end_done(b);
}
