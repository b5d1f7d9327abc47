/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A thread that waits for an answer receives it itself: when it does, when the poller does, and that nothing is lost between the
 * two. One end echoes; the other asks, and its records carry the number of the question that they answer. */
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
#include "waiter.h"

#define HANG_GUARD_S 600 /* a question that is never answered waits for ever */

static struct fixture f;

struct mode {
    bool tls, own_thread;
};
static struct mode plain_thread = {false, true}, tls_thread = {true, true}, plain_loop = {false, false}, tls_loop = {true, false};

/* ---- questions ---------------------------------------------------------------------------------------------------------------- */
enum { QUESTIONS = 8, NO_QUESTION = 255 };
static struct question {
    struct waiter w;
    pthread_mutex_t lock;
    bool open;             /* lock; it waits to be woken */
    bool by_me;            /* lock; the answer came on the thread that waits */
    pthread_t me;
} questions[QUESTIONS];

static void answer(struct question *q)
{
    bool was_open;

    pthread_mutex_lock(&q->lock);
    was_open = q->open;
    q->open = false;
    if (was_open)
        q->by_me = pthread_equal(pthread_self(), q->me) != 0;
    pthread_mutex_unlock(&q->lock);
    if (was_open)
        waiter_wake(&q->w);
}

static void answered(struct end *e, struct record *rec)
{
    unsigned int i = rec->head.at[0];

    if (i < QUESTIONS)
        answer(&questions[i]);
}

static void help_conn(void *ctx, struct waiter *w)
{
    conn_help(ctx, w);
}
static void unref_conn(void *ctx)
{
    conn_unref(ctx);
}
static const struct waiter_work work = {help_conn, unref_conn};

/* Asks and waits. False: it was not sent. */
static bool ask(struct end *e, unsigned int number, size_t len, bool *ret_by_me)
{
    struct question *q = &questions[number];
    uint8_t *bytes = calloc(1, len);
    bool sent;

    assert_non_null(bytes);
    bytes[0] = number;
    waiter_begin(&q->w);
    pthread_mutex_lock(&q->lock);
    q->open = true;
    q->me = pthread_self();
    pthread_mutex_unlock(&q->lock);
    sent = end_send(e, bytes, len) == 0;
    free(bytes);
    if (!sent)
        answer(q);
    assert_true(waiter_offer(&work, conn_ref(e->conn)));
    assert_false(waiter_offer(&work, e->conn)); /* one is enough */
    waiter_wait(&q->w);
    assert_false(waiter_offer(&work, e->conn)); /* nobody asks any more */
    if (ret_by_me)
        *ret_by_me = q->by_me;
    return sent;
}

/* b asks; a echoes, or is silent. */
static void begin(struct end *a, struct end *b, const struct mode *m, bool echo, unsigned int park_ms)
{
    struct conn_conf conf = fixture_conf(m->own_thread);

    conf.park_ms = park_ms;
    end_init(a, &f);
    end_init(b, &f);
    a->echo = echo;
    b->on_record = answered;
    pair_new(a, b, &conf, m->tls, false);
    pair_begin(a, b);
    end_until(a, a->ups == 1);
    end_until(b, b->ups == 1);
}

static void finish(struct end *a, struct end *b)
{
    conn_disconnect(b->conn, 0);
    pair_down(a, b);
}

/* ---- who receives --------------------------------------------------------------------------------------------------------------- */
static void who_waits_receives_the_answer_itself(void **state)
{
    struct end a, b;
    unsigned int tried = 0, mine = 0;

    begin(&a, &b, *state, true, 0);
    while (mine < 50) { /* now and then the poller is up for reasons of its own */
        bool by_me;

        assert_true(ask(&b, 0, 1 + tried % 3000, &by_me));
        mine += by_me;
        assert_true(tried++ < 100000);
    }
    assert_int_equal(b.records, tried);
    finish(&a, &b);
}

static void long_answers_come_whole(void **state)
{
    struct end a, b;

    begin(&a, &b, *state, true, 0);
    b.bulk_from = a.bulk_from = 100;
    for (unsigned int i = 0; i < 40; i++)
        assert_true(ask(&b, 0, i * 50000 + 200, NULL));
    finish(&a, &b);
}

/* Without a thread of its own a connection needs no help, and the question is answered all the same. */
static void the_loop_needs_no_help(void **state)
{
    struct end a, b;

    begin(&a, &b, *state, true, 0);
    for (unsigned int i = 0; i < 20; i++) {
        bool by_me;

        assert_true(ask(&b, 0, 100, &by_me));
        assert_false(by_me);
    }
    finish(&a, &b);
}

/* What comes while nobody helps, between helpers and after them, is received at once. */
static void what_nobody_waits_for_the_poller_receives(void **state)
{
    static const uint8_t call[] = {NO_QUESTION, 1, 2};
    struct end a, b;

    begin(&a, &b, *state, true, 0);
    for (unsigned int i = 0; i < 200; i++) {
        assert_true(ask(&b, 0, 100, NULL));
        assert_int_equal(end_send(&a, call, sizeof(call)), 0);
        end_until(&b, b.records == 2 * (i + 1));
    }
    finish(&a, &b);
}

/* ---- answers from elsewhere ------------------------------------------------------------------------------------------------------- */
static void until_somebody_helps(struct end *e)
{
    while (!atomic_load(&e->conn->helper.there))
        sched_yield();
}

static void *ask_one(void *arg)
{
    ask(arg, 0, 100, NULL);
    return NULL;
}

/* The connection is silent; a time limit, say, ends the question. */
static void a_helper_whose_answer_comes_another_way_goes(void **state)
{
    struct end a, b;

    begin(&a, &b, *state, false, 0);
    for (unsigned int i = 0; i < 50; i++) {
        pthread_t thread;

        do { /* the first time the poller does not rest yet where somebody could help it */
            assert_int_equal(pthread_create(&thread, NULL, ask_one, &b), 0);
            for (unsigned int k = 0; k < 1000 && !atomic_load(&b.conn->helper.there); k++)
                usleep(100);
            if (atomic_load(&b.conn->helper.there))
                break;
            end_send_filled(&a, 1000, NO_QUESTION); /* lets it rest anew; ends the question, too, if the first byte is 0 */
            answer(&questions[0]);
            pthread_join(thread, NULL);
        } while (true);
        until_somebody_helps(&b);
        answer(&questions[0]);
        pthread_join(thread, NULL);
        assert_false(atomic_load(&b.conn->helper.there));
    }
    finish(&a, &b);
}

/* ---- several at once --------------------------------------------------------------------------------------------------------------- */
struct asking {
    struct end *end;
    unsigned int number, each;
    size_t len;
};

static void *ask_many(void *arg)
{
    struct asking *s = arg;

    for (unsigned int i = 0; i < s->each; i++) {
        if (!ask(s->end, s->number, s->len + i % 7 * 100, NULL))
            break;
        if (i % 64 == s->number)
            usleep(60000 / 64 * s->number); /* some ask alone for a while */
    }
    return NULL;
}

static void every_question_of_many_is_answered(void **state)
{
    static const uint8_t call[] = {NO_QUESTION};
    struct asking asking[QUESTIONS];
    pthread_t threads[QUESTIONS];
    struct end a, b;

    begin(&a, &b, *state, true, 0);
    for (unsigned int i = 0; i < QUESTIONS; i++) {
        asking[i] = (struct asking){&b, i, 300, 10 + i * 300};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_many, &asking[i]), 0);
    }
    for (unsigned int i = 0; i < 300; i++) {
        assert_int_equal(end_send(&a, call, sizeof(call)), 0);
        if (i % 10 == 0)
            usleep(1000);
    }
    for (unsigned int i = 0; i < QUESTIONS; i++)
        pthread_join(threads[i], NULL);
    end_until(&b, b.records == 300 + QUESTIONS * 300);
    finish(&a, &b);
}

/* ---- beside the end ---------------------------------------------------------------------------------------------------------------- */
/* What a host does when the connection is down: no question stays open. */
static void *answer_all_at_the_end(void *arg)
{
    struct end *e = arg;

    end_until(e, e->downs == 1);
    for (unsigned int i = 0; i < QUESTIONS; i++)
        answer(&questions[i]);
    return NULL;
}

static void helpers_beside_the_end_go_home(void **state)
{
    unsigned int cycles = getenv("SOCKET_CYCLES") ? strtoul(getenv("SOCKET_CYCLES"), NULL, 0) : 60;

    for (unsigned int i = 0; i < cycles; i++) {
        unsigned int n = i % 2 ? 1 : 3;
        struct asking asking[3];
        pthread_t threads[3], watcher;
        struct end a, b;

        begin(&a, &b, *state, i % 5 != 4, 0);
        assert_int_equal(pthread_create(&watcher, NULL, answer_all_at_the_end, &b), 0);
        for (unsigned int k = 0; k < n; k++) {
            asking[k] = (struct asking){&b, k, 1000000, 200};
            assert_int_equal(pthread_create(&threads[k], NULL, ask_many, &asking[k]), 0);
        }
        usleep(i * 37 % 20 * 500);
        conn_disconnect(i % 3 ? a.conn : b.conn, -EINTR);
        pthread_join(watcher, NULL);
        for (unsigned int k = 0; k < n; k++)
            pthread_join(threads[k], NULL);
        pair_down(&a, &b);
    }
    fixture_expect_nothing_left(&f);
}

/* The thread goes to rest for good while somebody waits on the socket: the loop starts another. */
static void the_poller_parks_beside_a_helper(void **state)
{
    static const uint8_t reply[] = {0};
    struct end a, b;

    begin(&a, &b, *state, false, 20);
    for (unsigned int i = 0; i < 10; i++) {
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, ask_one, &b), 0);
        end_until(&a, a.records == i + 1);
        while (i % 2 && atomic_load(&b.conn->drive) == DRIVE_THREAD)
            usleep(1000);
        assert_int_equal(end_send(&a, reply, sizeof(reply)), 0);
        pthread_join(thread, NULL);
        end_until(&b, b.records == i + 1);
    }
    finish(&a, &b);
}

static int setup(void **state)
{
    alarm(HANG_GUARD_S);
    for (unsigned int i = 0; i < QUESTIONS; i++)
        pthread_mutex_init(&questions[i].lock, NULL);
    fixture_init(&f);
    return 0;
}
static int teardown(void **state)
{
    fixture_done(&f);
    return 0;
}

#define MODES(t) {#t ", plain", t, NULL, NULL, &plain_thread}, {#t ", TLS", t, NULL, NULL, &tls_thread}

int main(void)
{
    const struct CMUnitTest tests[] = {
        MODES(who_waits_receives_the_answer_itself),
        MODES(long_answers_come_whole),
        {"the_loop_needs_no_help, plain", the_loop_needs_no_help, NULL, NULL, &plain_loop},
        {"the_loop_needs_no_help, TLS", the_loop_needs_no_help, NULL, NULL, &tls_loop},
        MODES(what_nobody_waits_for_the_poller_receives),
        MODES(a_helper_whose_answer_comes_another_way_goes),
        MODES(every_question_of_many_is_answered),
        MODES(helpers_beside_the_end_go_home),
        MODES(the_poller_parks_beside_a_helper),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
