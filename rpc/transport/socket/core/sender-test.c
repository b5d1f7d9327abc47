/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The thread that has a message sends it: what it does itself, what it leaves to the poller, and how it stands beside closing. The
 * sockets are real, and between them and the connection stands a script for what is written. Numbers are bug classes (../README.md). */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "conn-impl.h"
#include "testing/fixture.h"

static struct fixture f;

struct mode {
    bool tls, own_thread;
};
static struct mode plain_loop = {false, false}, plain_thread = {false, true}, tls_loop = {true, false}, tls_thread = {true, true};

/* ---- what is written --------------------------------------------------------------------------------------------------------- */
struct script {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool armed;                   /* under lock, like all of this */
    size_t most;                  /* a call takes so much at most */
    unsigned int again;           /* every so many calls says EAGAIN; 0: never */
    int error;                    /* what each says; 0: nothing */
    bool stay;                    /* a call does not come back while this is set */
    unsigned int calls, by_me, staying;
    pthread_t me;
};

static ssize_t scripted_receive(void *ctx, int fd, const struct iovec *iov, unsigned int n)
{
    return sock_kernel.receive(NULL, fd, iov, n);
}

static ssize_t scripted_transmit(void *ctx, int fd, const struct iovec *iov, unsigned int n)
{
    struct script *s = ctx;
    struct iovec less;
    ssize_t r = 0;
    bool armed;

    pthread_mutex_lock(&s->lock);
    armed = s->armed;
    if (armed) {
        s->calls++;
        s->by_me += pthread_equal(pthread_self(), s->me) != 0;
        s->staying++;
        pthread_cond_broadcast(&s->changed);
        while (s->stay)
            pthread_cond_wait(&s->changed, &s->lock);
        s->staying--;
        r = s->error ? s->error : s->again && s->calls % s->again == 0 ? -EAGAIN : 0;
    }
    less = (struct iovec){iov[0].iov_base, min_of(iov[0].iov_len, s->most)};
    pthread_mutex_unlock(&s->lock);
    if (r < 0)
        return r;
    return armed && s->most < SIZE_MAX ? sock_kernel.transmit(NULL, fd, &less, 1) : sock_kernel.transmit(NULL, fd, iov, n);
}
static const struct sock_calls scripted = {scripted_receive, scripted_transmit};

static void counts(struct script *s, unsigned int *ret_calls, unsigned int *ret_by_me)
{
    SCOPED_LOCK(&s->lock);
    *ret_calls = s->calls;
    *ret_by_me = s->by_me;
}

/* b sends, through the script; a is the other end. Both are up, and their pollers at rest. */
static void begin(struct end *a, struct end *b, struct script *s, const struct mode *m, bool small)
{
    struct conn_conf conf = fixture_conf(m->own_thread);

    *s = (struct script){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .most = SIZE_MAX, .me = pthread_self()};
    end_init(a, &f);
    end_init(b, &f);
    pair_new(a, b, &conf, m->tls, small);
    b->conn->sock.calls = &scripted;
    b->conn->sock.ctx = s;
    pair_begin(a, b);
    end_until(a, a->ups == 1);
    end_until(b, b->ups == 1);
    /* A byte for each, and the poller has seen the end of it: it rests, or will before it looks at anything again. */
    end_send(a, "x", 1);
    end_send(b, "y", 1);
    end_until(a, a->records == 1 && a->sent == 1);
    end_until(b, b->records == 1 && b->sent == 1);
    while (atomic_load(&b->conn->role.word) != 0)
        sched_yield();
    pthread_mutex_lock(&s->lock);
    s->armed = true;
    pthread_mutex_unlock(&s->lock);
}

static void finish(struct end *a, struct end *b)
{
    conn_disconnect(b->conn, 0);
    pair_down(a, b);
}

/* One system call on the caller's thread, and it is reported before conn_send() returns. */
static void who_finds_the_connection_at_rest_sends(void **state)
{
    struct end a, b;
    struct script s;

    unsigned int tried = 0, mine = 0;

    begin(&a, &b, &s, *state, false);
    while (mine < 50) {
        unsigned int calls, by_me, calls_now, by_me_now;

        /* Now and then the poller is up for reasons of its own. */
        end_until(&b, b.sent == 1 + tried);
        while (atomic_load(&b.conn->role.word) != 0)
            sched_yield();
        counts(&s, &calls, &by_me);
        assert_int_equal(end_send_filled(&b, 1000 + tried, tried), 0);
        assert_true(tried++ < 1000);
        counts(&s, &calls_now, &by_me_now);
        if (by_me_now == by_me)
            continue;
        mine++;
        assert_int_equal(calls_now, calls + 1);
        pthread_mutex_lock(&b.lock);
        assert_int_equal(b.sent, 1 + tried);
        pthread_mutex_unlock(&b.lock);
    }
    end_until(&a, a.records == 1 + tried);
    finish(&a, &b);
}

/* 1, 14, 23: whatever the socket takes at a time, the poller goes on where the sender had to stop. */
static void what_the_socket_does_not_take_the_poller_sends(void **state)
{
    static const size_t paces[] = {1, 100, 5000, SIZE_MAX};

    for (unsigned int p = 0; p < array_len(paces); p++)
        for (unsigned int again = 1; again < 4; again++) {
            struct end a, b;
            struct script s;
            size_t total = 2, len = paces[p] == 1 ? 30 : 3000;

            begin(&a, &b, &s, *state, false);
            pthread_mutex_lock(&s.lock);
            s.most = paces[p];
            s.again = again == 1 ? 0 : again;
            pthread_mutex_unlock(&s.lock);
            a.sum = a.bytes = 0;
            for (unsigned int i = 0; i < 20; i++) {
                assert_int_equal(end_send_filled(&b, len + i, i), 0);
                total += len + i;
            }
            end_until(&a, a.records == 21);
            end_until(&b, b.sent == 21 && b.not_sent == 0);
            assert_true(a.bytes == total - 2);
            assert_int_equal(conn_queued(b.conn), 0);
            finish(&a, &b);
        }
}

/* ---- several at once ------------------------------------------------------------------------------------------------------------ */
enum { SENDERS = 4, EACH = 300 };
static unsigned int next_of[SENDERS], out_of_order;

static void check_order(struct end *e, struct record *rec)
{
    unsigned int who = rec->head.at[0], number = rec->head.at[1] << 8 | rec->head.at[2];

    if (rec->head.len < 3 || who >= SENDERS)
        return; /* begin()'s */
    if (number != next_of[who]++)
        out_of_order++;
}

struct sending {
    struct end *end;
    unsigned int who;
};
static void *send_many(void *arg)
{
    struct sending *s = arg;
    uint8_t bytes[5000] = {s->who};

    for (unsigned int i = 0; i < EACH; i++) {
        bytes[1] = i >> 8;
        bytes[2] = i;
        assert_int_equal(end_send(s->end, bytes, i % 10 ? 100 : sizeof(bytes)), 0);
        if (i % 16 == 0)
            sched_yield();
    }
    return NULL;
}

static void several_threads_keep_each_its_order(void **state)
{
    for (int small = 0; small < 2; small++) {
        struct sending sending[SENDERS];
        pthread_t threads[SENDERS];
        struct end a, b;
        struct script s;

        begin(&a, &b, &s, *state, small);
        memset(next_of, 0, sizeof(next_of));
        out_of_order = 0;
        a.on_record = check_order;
        for (unsigned int i = 0; i < SENDERS; i++) {
            sending[i] = (struct sending){&b, i};
            assert_int_equal(pthread_create(&threads[i], NULL, send_many, &sending[i]), 0);
        }
        for (unsigned int i = 0; i < 100; i++) /* and the poller has something to read meanwhile */
            assert_int_equal(end_send_filled(&a, 2000, i), 0);
        for (unsigned int i = 0; i < SENDERS; i++)
            pthread_join(threads[i], NULL);
        end_until(&a, a.records == 1 + SENDERS * EACH);
        end_until(&b, b.sent == 1 + SENDERS * EACH && b.records == 101);
        assert_int_equal(out_of_order, 0);
        finish(&a, &b);
    }
}

/* What a handler sends leaves after its turn, in order, also while another thread sends. */
static void handlers_send_beside_other_threads(void **state)
{
    struct sending sending;
    pthread_t thread;
    struct end a, b;
    struct script s;

    begin(&a, &b, &s, *state, false);
    b.echo = true;
    sending = (struct sending){&b, 0};
    assert_int_equal(pthread_create(&thread, NULL, send_many, &sending), 0);
    for (unsigned int i = 0; i < EACH; i++)
        assert_int_equal(end_send_filled(&a, 500, i), 0);
    pthread_join(thread, NULL);
    end_until(&a, a.records == 1 + 2 * EACH);
    end_until(&b, b.sent == 1 + 2 * EACH);
    finish(&a, &b);
}

/* ---- beside closing -------------------------------------------------------------------------------------------------------------- */
static void *send_one(void *arg)
{
    struct end *e = arg;

    end_send_filled(e, 1000, 1);
    return NULL;
}

/* 4, 15, 16: while a sender is inside its call the connection is not taken down; then it is, and the message was reported before. */
static void closing_waits_for_who_is_sending(void **state)
{
    struct end a, b;
    pthread_t thread;
    struct script s;

    begin(&a, &b, &s, *state, false);
    pthread_mutex_lock(&s.lock);
    s.stay = true;
    pthread_mutex_unlock(&s.lock);
    assert_int_equal(pthread_create(&thread, NULL, send_one, &b), 0);
    pthread_mutex_lock(&s.lock);
    while (s.staying == 0)
        pthread_cond_wait(&s.changed, &s.lock);
    pthread_mutex_unlock(&s.lock);
    for (unsigned int i = 0; i < 3; i++) /* these find the role taken, and wait for nobody */
        assert_int_equal(end_send_filled(&b, 1000, i), 0);
    conn_disconnect(b.conn, -ESTALE);
    while (!(atomic_load(&b.conn->role.word) & ROLE_WANTED)) /* the poller has asked for it */
        sched_yield();
    pthread_mutex_lock(&b.lock);
    assert_int_equal(b.downs, 0);
    pthread_mutex_unlock(&b.lock);
    pthread_mutex_lock(&s.lock);
    s.stay = false;
    pthread_cond_broadcast(&s.changed);
    pthread_mutex_unlock(&s.lock);
    end_until(&b, b.downs == 1);
    pthread_join(thread, NULL);
    assert_int_equal(b.down_err, -ESTALE);
    assert_int_equal(b.sent + b.not_sent, 1 + 4);
    assert_true(b.sent >= 2);
    assert_int_equal(end_send_filled(&b, 10, 0), -ENOTCONN);
    pair_down(&a, &b);
}

/* 6: others are served while one's sender is stuck on the way out of its call. */
static void a_sender_that_stays_holds_up_no_other_connection(void **state)
{
    struct end a, b, c, d;
    struct conn_conf conf = fixture_conf(((struct mode *)*state)->own_thread);
    pthread_t thread;
    struct script s;

    begin(&a, &b, &s, *state, false);
    pthread_mutex_lock(&s.lock);
    s.stay = true;
    pthread_mutex_unlock(&s.lock);
    assert_int_equal(pthread_create(&thread, NULL, send_one, &b), 0);
    pthread_mutex_lock(&s.lock);
    while (s.staying == 0)
        pthread_cond_wait(&s.changed, &s.lock);
    pthread_mutex_unlock(&s.lock);
    assert_int_equal(end_send_filled(&a, 1000, 1), 0); /* b's poller has something to read */
    end_init(&c, &f);
    end_init(&d, &f);
    c.echo = true;
    pair_up(&c, &d, &conf, ((struct mode *)*state)->tls, false);
    end_until(&d, d.ups == 1);
    assert_int_equal(end_send_filled(&d, 1000, 1), 0);
    end_until(&d, d.records == 1);
    conn_disconnect(d.conn, 0);
    pair_down(&c, &d);
    pthread_mutex_lock(&s.lock);
    s.stay = false;
    pthread_cond_broadcast(&s.changed);
    pthread_mutex_unlock(&s.lock);
    pthread_join(thread, NULL);
    end_until(&b, b.records == 2 && b.sent == 2);
    finish(&a, &b);
}

/* 12: what a sender meets ends the connection like what the poller meets, and each message is reported once. */
static void an_error_that_a_sender_meets_ends_the_connection(void **state)
{
    static const int errors[] = {-ECONNRESET, -EPIPE, -ETIMEDOUT};

    for (unsigned int i = 0; i < array_len(errors); i++) {
        struct end a, b;
        struct script s;
        unsigned int accepted = 0;

        begin(&a, &b, &s, *state, false);
        pthread_mutex_lock(&s.lock);
        s.error = errors[i];
        pthread_mutex_unlock(&s.lock);
        for (unsigned int k = 0; k < 5; k++)
            accepted += end_send_filled(&b, 100, k) == 0;
        end_until(&b, b.downs == 1);
        assert_int_equal(b.down_err, errors[i]);
        assert_true(accepted > 0);
        assert_int_equal(b.sent + b.not_sent, 1 + accepted);
        if (!((struct mode *)*state)->tls) /* encrypted and not yet written counts as sent */
            assert_int_equal(b.sent, 1);
        pair_down(&a, &b);
    }
}

static void *cut(void *arg)
{
    struct end *e = arg;

    for (unsigned int i = 0; i < 20 + e->bulk_from; i++)
        sched_yield();
    conn_disconnect(e->conn, -EINTR);
    return NULL;
}

static void *send_until_it_ends(void *arg)
{
    struct end *e = arg;
    unsigned long accepted = 0;

    while (end_send_filled(e, 300 + accepted % 7 * 3000, accepted) == 0) {
        accepted++;
        while (conn_queued(e->conn) > 100000 && conn_state(e->conn) == CONN_UP)
            sched_yield();
    }
    return (void *)accepted;
}

/* 2 to 5, 15, 21: threads that go on sending while the connection is taken down at any time. */
static void senders_beside_the_end_are_each_told_once(void **state)
{
    unsigned int cycles = getenv("SOCKET_CYCLES") ? strtoul(getenv("SOCKET_CYCLES"), NULL, 0) : 60;

    for (unsigned int i = 0; i < cycles; i++) {
        pthread_t threads[2], cutter;
        unsigned long accepted = 1;
        struct end a, b;
        struct script s;

        begin(&a, &b, &s, *state, i % 2);
        b.bulk_from = i * 7 % 100;
        for (unsigned int k = 0; k < array_len(threads); k++)
            assert_int_equal(pthread_create(&threads[k], NULL, send_until_it_ends, &b), 0);
        assert_int_equal(pthread_create(&cutter, NULL, cut, i % 3 ? &b : &a), 0);
        for (unsigned int k = 0; k < array_len(threads); k++) {
            void *n;

            pthread_join(threads[k], &n);
            accepted += (unsigned long)n;
        }
        pthread_join(cutter, NULL);
        end_until(&b, b.downs == 1);
        assert_true(b.sent + b.not_sent == accepted);
        pair_down(&a, &b);
    }
    fixture_expect_nothing_left(&f);
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

#define MODES(t)                                             \
    {#t ", plain, on the loop", t, NULL, NULL, &plain_loop}, \
    {#t ", plain, own thread", t, NULL, NULL, &plain_thread}, \
    {#t ", TLS, on the loop", t, NULL, NULL, &tls_loop},     \
    {#t ", TLS, own thread", t, NULL, NULL, &tls_thread}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODES(who_finds_the_connection_at_rest_sends),
        MODES(what_the_socket_does_not_take_the_poller_sends),
        MODES(several_threads_keep_each_its_order),
        MODES(handlers_send_beside_other_threads),
        MODES(closing_waits_for_who_is_sending),
        MODES(a_sender_that_stays_holds_up_no_other_connection),
        MODES(an_error_that_a_sender_meets_ends_the_connection),
        MODES(senders_beside_the_end_are_each_told_once),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
