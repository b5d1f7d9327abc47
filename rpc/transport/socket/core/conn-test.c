/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Two connections talk over a socketpair, plain and encrypted: each with a thread of its own, with one that leaves at each pause
 * and comes back, or on the event loop. Numbers in brackets are the bug classes of earlier transports (../README.md) that a test
 * is for. */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "conn-impl.h"
#include "testing/fixture.h"

static struct fixture f;

struct mode {
    bool tls, own_thread;
    unsigned int park_ms;
};
static struct mode plain_loop = {false, false, 0}, plain_thread = {false, true, 0}, plain_parking = {false, true, 1},
    tls_loop = {true, false, 0},
                   tls_thread = {true, true, 0}, tls_parking = {true, true, 1};

static struct conn_conf conf_of(const struct mode *m)
{
    struct conn_conf conf = fixture_conf(m->own_thread);

    conf.park_ms = m->park_ms;
    return conf;
}

static int64_t threads(void)
{
    return counter_get(&f.census.now[CENSUS_THREADS]);
}
static int64_t threads_at_rest; /* no connection, no handshake */

static int setup(void **state)
{
    fixture_init(&f);
    threads_at_rest = threads();
    return 0;
}
static int teardown(void **state)
{
    fixture_done(&f);
    return 0;
}

static void what_is_sent_comes_back_whole(void **state)
{
    static const size_t sizes[] = {1, 3, 100, 4096, 16383, 16384, 16385, 65536, 131072 + 77, 1 << 20, (1 << 20) + 300, 5 << 20};
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    a.echo = true;
    a.bulk_from = 300;
    pair_up(&a, &b, &conf, m->tls, false);
    end_until(&b, b.ups == 1);
    for (unsigned int i = 0; i < array_len(sizes); i++)
        assert_int_equal(end_send_filled(&b, sizes[i], i), 0);
    end_until(&b, b.records == array_len(sizes));
    assert_int_equal(a.sum, b.sum);
    assert_true(a.bytes == b.bytes);
    end_until(&b, b.sent == array_len(sizes));
    conn_disconnect(b.conn, 0);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(b.down_err, 0);
    assert_int_equal(a.down_err, -ENOTCONN);
    end_done(&a);
    end_done(&b);
}


/* 1, 17: replies far larger than the socket's buffers, in both directions at once, and nobody waits for the other. */
static void both_directions_full_go_on(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    enum { N = 40 };
    struct end a, b;
    uint64_t sum = 0;

    end_init(&a, &f);
    end_init(&b, &f);
    a.bulk_from = b.bulk_from = 100;
    pair_up(&a, &b, &conf, m->tls, true);
    end_until(&a, a.ups == 1);
    end_until(&b, b.ups == 1);
    for (unsigned int i = 0; i < N; i++) {
        assert_int_equal(end_send_filled(&a, 100000 + i, i), 0);
        assert_int_equal(end_send_filled(&b, 100000 + i, i), 0);
    }
    end_until(&a, a.records == N && a.sent == N);
    end_until(&b, b.records == N && b.sent == N);
    sum = a.sum;
    assert_true(sum == b.sum);
    conn_disconnect(a.conn, -ECANCELED);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(a.down_err, -ECANCELED);
    end_done(&a);
    end_done(&b);
}

/* 1, 12: what was accepted comes back exactly once, sent or not, also when the peer never reads. */
static void every_message_is_released_once_when_the_peer_goes(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    unsigned int accepted = 0;
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    pair_up(&a, &b, &conf, m->tls, true);
    end_until(&a, a.ups == 1);
    end_until(&b, b.ups == 1);
    conn_pause(b.conn);
    for (unsigned int i = 0; i < 100; i++)
        accepted += end_send_filled(&a, 65536, i) == 0;
    assert_int_equal(accepted, 100);
    conn_disconnect(b.conn, 0);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(a.sent + a.not_sent, accepted);
    assert_true(a.not_sent > 0);
    assert_int_equal(end_send_filled(&a, 10, 0), -ENOTCONN);
    assert_int_equal(conn_queued(a.conn), 0);
    end_done(&a);
    end_done(&b);
}

static void disconnect_self(struct end *e, struct record *rec)
{
    for (int i = 0; i < 3; i++)
        conn_disconnect(e->conn, -ESTALE);
}
static void disconnect_when_up(struct end *e)
{
    conn_disconnect(e->conn, -ESTALE);
}

/* 4, 16 */
static void a_handler_may_disconnect_its_own_connection(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    a.on_record = disconnect_self;
    a.echo = true;
    pair_up(&a, &b, &conf, m->tls, false);
    end_until(&b, b.ups == 1);
    for (int i = 0; i < 10; i++)
        end_send_filled(&b, 1000, i);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(a.down_err, -ESTALE);
    assert_int_equal(a.records, 1); /* nothing is read after it */
    end_done(&a);
    end_done(&b);

    end_init(&a, &f);
    end_init(&b, &f);
    a.on_up = disconnect_when_up;
    pair_up(&a, &b, &conf, m->tls, false);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(a.ups, 1);
    end_done(&a);
    end_done(&b);
}

static void *cut_soon(void *arg)
{
    struct end *e = arg;

    for (unsigned int i = 0; i < e->bulk_from; i++)
        sched_yield();
    conn_disconnect(e->conn, -EINTR);
    conn_disconnect(e->conn, -EIO);
    return NULL;
}

/* 2 to 5, 8, 10, 11, 15, 16, 21, 22: connections under traffic are cut from another thread at a random time, some while they
 * shake hands; fixture_expect_nothing_left() finds threads, references and buffers. */
static void cut_at_any_time_nothing_is_left(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    unsigned int cycles = getenv("SOCKET_CYCLES") ? strtoul(getenv("SOCKET_CYCLES"), NULL, 0) : m->tls ? 300 : 700;
    unsigned int seed = 1;

    conf.goodbye_ms = 100;
    for (unsigned int i = 0; i < cycles; i++) {
        struct end a, b;
        pthread_t cutter;

        end_init(&a, &f);
        end_init(&b, &f);
        a.echo = true;
        b.bulk_from = 100 + rand_r(&seed) % 200;
        a.bulk_from = 100;
        pair_up(&a, &b, &conf, m->tls, i % 2);
        b.bulk_from = rand_r(&seed) % (i % 3 ? 30 : 1000);
        assert_int_equal(pthread_create(&cutter, NULL, cut_soon, i % 5 ? &b : &a), 0);
        for (int k = 0; k < 20; k++)
            if (end_send_filled(&b, 1 + rand_r(&seed) % 40000, k) < 0)
                sched_yield();
        pthread_join(cutter, NULL);
        end_until(&a, a.downs == 1);
        end_until(&b, b.downs == 1);
        assert_int_equal(a.not_sent + a.sent, counter_get(&a.conn->out.released));
        end_done(&a);
        end_done(&b);
    }
    fixture_expect_nothing_left(&f);
}

/* 6: a peer that says nothing holds up nobody, and not for ever. */
static void silent_peers_are_dropped_and_others_served(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m), healthy = conf;
    enum { N = 20 };
    struct end silent[N], a, b;
    int fds[N][2];

    conf.handshake_ms = 300;
    conf.first_record_ms = 300;
    for (int i = 0; i < N; i++) {
        end_init(&silent[i], &f);
        socket_pair(fds[i], false);
        assert_int_equal(conn_accepted(&f.env, &conf, m->tls ? f.server : NULL, fds[i][0], &end_host, &silent[i], &silent[i].conn), 0);
    }
    end_init(&a, &f);
    end_init(&b, &f);
    a.echo = true;
    pair_up(&a, &b, &healthy, m->tls, false);
    end_until(&b, b.ups == 1);
    end_send_filled(&b, 1000, 1);
    end_until(&b, b.records == 1);
    for (int i = 0; i < N; i++) {
        end_until(&silent[i], silent[i].downs == 1);
        assert_int_equal(silent[i].down_err, -ETIMEDOUT);
        assert_int_equal(silent[i].ups, m->tls ? 0 : 1);
        end_done(&silent[i]);
        close(fds[i][1]);
    }
    conn_disconnect(a.conn, 0);
    pair_down(&a, &b);
}

static void who_is_not_admitted_in_time_is_dropped(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b, c, d;

    conf.admit_ms = 300;
    conf.first_record_ms = 60000;
    end_init(&a, &f);
    end_init(&b, &f);
    end_init(&c, &f);
    end_init(&d, &f);
    pair_up(&a, &b, &conf, m->tls, false);
    pair_up(&c, &d, &conf, m->tls, false);
    end_until(&a, a.ups == 1);
    end_until(&c, c.ups == 1);
    conn_admit(c.conn);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    assert_int_equal(a.down_err, -ETIMEDOUT);
    end_until(&d, d.ups == 1);
    end_send_filled(&d, 100, 1);
    end_until(&c, c.records == 1);
    assert_int_equal(c.downs, 0);
    conn_disconnect(c.conn, 0);
    end_until(&c, c.downs == 1);
    end_until(&d, d.downs == 1);
    end_done(&a);
    end_done(&b);
    end_done(&c);
    end_done(&d);
}

static void records_before_admission_are_bounded(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b;

    conf.record_max_first = 1000;
    for (int admitted = 0; admitted < 2; admitted++) {
        end_init(&a, &f);
        end_init(&b, &f);
        pair_up(&a, &b, &conf, m->tls, false);
        end_until(&a, a.ups == 1);
        end_until(&b, b.ups == 1);
        if (admitted)
            conn_admit(a.conn);
        end_send_filled(&b, 1001, 1);
        if (admitted) {
            end_until(&a, a.records == 1);
            conn_disconnect(a.conn, 0);
        }
        end_until(&a, a.downs == 1);
        end_until(&b, b.downs == 1);
        assert_int_equal(a.down_err, admitted ? 0 : -EMSGSIZE);
        end_done(&a);
        end_done(&b);
    }
}

static void a_paused_connection_reads_nothing_and_then_all(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    pair_up(&a, &b, &conf, m->tls, true);
    end_until(&a, a.ups == 1);
    end_until(&b, b.ups == 1);
    conn_pause(a.conn);
    conn_pause(a.conn);
    for (int i = 0; i < 50; i++)
        end_send_filled(&b, 20000, i);
    /* What goes the other way is not held up by it. */
    end_send_filled(&a, 30000, 1);
    end_until(&b, b.records == 1);
    conn_resume(a.conn);
    assert_true(a.records < 50); /* the socket's buffers do not hold 50 */
    conn_resume(a.conn);
    end_until(&a, a.records == 50);
    conn_disconnect(b.conn, 0);
    pair_down(&a, &b);
}

/* Design section 6: above the queue's bound nothing more is read, and it goes on when half has gone. */
static void a_full_queue_stops_reading_until_the_peer_reads(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b;

    conf.send_queue_max = 256 * KiB;
    end_init(&a, &f);
    end_init(&b, &f);
    a.echo = true;
    pair_up(&a, &b, &conf, m->tls, true);
    end_until(&b, b.ups == 1);
    conn_pause(b.conn);
    for (int i = 0; i < 100; i++)
        end_send_filled(&b, 10000, i);
    end_until(&a, conn_queued(a.conn) > 256 * KiB);
    assert_true(conn_queued(a.conn) < 256 * KiB + 17 * 10004); /* one turn's records more at most */
    conn_resume(b.conn);
    end_until(&b, b.records == 100);
    conn_disconnect(b.conn, 0);
    pair_down(&a, &b);
}

/* 9: the peer refuses, or is not there. down() comes, up() does not. */
static void a_dial_that_fails_is_told_once(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct end a;

    /* Bound, so that nobody else gets the port, and not listening. */
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    end_init(&a, &f);
    assert_int_equal(conn_dial(&f.env, &conf, m->tls ? f.client : NULL, (struct sockaddr *)&in, len, &end_host, &a, &a.conn), 0);
    end_until(&a, a.downs == 1);
    assert_int_equal(a.down_err, -ECONNREFUSED);
    assert_int_equal(a.ups, 0);
    end_done(&a);
    close(fd);
}

/* One record across, and back; then a silence in which both threads end. */
static void an_idle_connection_has_no_thread_and_the_next_record_starts_one(void **state)
{
    const struct mode *m = *state;
    struct conn_conf conf = conf_of(m);
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    a.echo = true;
    pair_up(&a, &b, &conf, m->tls, false);
    end_until(&b, b.ups == 1);
    for (unsigned int i = 1; i <= 20; i++) {
        while (threads() != threads_at_rest)
            sched_yield();
        assert_int_equal(end_send_filled(&b, 1000 * i, i), 0);
        end_until(&b, b.records == i);
    }
    assert_int_equal(a.sum, b.sum);
    assert_int_equal(a.ups, 1);
    assert_int_equal(b.ups, 1);
    while (threads() != threads_at_rest)
        sched_yield();
    conn_disconnect(b.conn, 0); /* and it closes without one, too */
    pair_down(&a, &b);
}

#define MODES(t)                                                                  \
    {#t ", plain, on the loop", t, NULL, NULL, &plain_loop},                      \
    {#t ", plain, own thread", t, NULL, NULL, &plain_thread},                     \
    {#t ", TLS, on the loop", t, NULL, NULL, &tls_loop},                          \
    {#t ", TLS, own thread", t, NULL, NULL, &tls_thread},                         \
    {#t ", plain, parking", t, NULL, NULL, &plain_parking},                       \
    {#t ", TLS, parking", t, NULL, NULL, &tls_parking}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODES(what_is_sent_comes_back_whole),
        MODES(both_directions_full_go_on),
        MODES(every_message_is_released_once_when_the_peer_goes),
        MODES(a_handler_may_disconnect_its_own_connection),
        MODES(silent_peers_are_dropped_and_others_served),
        MODES(who_is_not_admitted_in_time_is_dropped),
        MODES(records_before_admission_are_bounded),
        MODES(a_paused_connection_reads_nothing_and_then_all),
        MODES(a_full_queue_stops_reading_until_the_peer_reads),
        MODES(a_dial_that_fails_is_told_once),
        MODES(cut_at_any_time_nothing_is_left),
        {"an_idle_connection_has_no_thread_and_the_next_record_starts_one, plain",
         an_idle_connection_has_no_thread_and_the_next_record_starts_one, NULL, NULL, &plain_parking},
        {"an_idle_connection_has_no_thread_and_the_next_record_starts_one, TLS",
         an_idle_connection_has_no_thread_and_the_next_record_starts_one, NULL, NULL, &tls_parking},
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
