/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Parking, bounds, callbacks, the end of a connection, and many threads. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loop.h"
#include "wire-words.h"
#include "world.h"

/* ---- bounds ------------------------------------------------------------------------------------------------------------- */
static void beyond_the_limit_requests_wait_in_order_and_pings_do_not(void **state)
{
    struct world *w = *state;
    struct transport_stats stats;
    unsigned int outstanding;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 4);
    for (uint32_t xid = 0; xid < 10; xid++)
        world_stat(w, xid, 0);
    assert_int_equal(w->nr_held, 4);
    rpc_conn_stats(w->conn, &stats, &outstanding);
    assert_int_equal(outstanding, 4);
    world_ping(w, 100);
    world_last_reply_is(w, 100, RPC_OK, 12);
    world_answer(w, 2);
    assert_int_equal(w->nr_held, 5);
    world_answer(w, 0);
    world_answer(w, 1);
    for (unsigned int i = 3; i < 10; i++)
        world_answer(w, i);
    assert_int_equal(w->nr_held, 10);
    assert_int_equal(fake_nr_sent(w->t), 11);
    assert_int_equal(fake_pauses(w->t), 0);
    rpc_conn_stats(w->conn, &stats, &outstanding);
    assert_int_equal(outstanding, 0);
}

static void parked_requests_start_in_order_of_arrival(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 100; xid++)
        world_stat(w, xid, 0);
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(w->nr_held, i + 1);
        assert_int_equal(w->held[i]->xid, i);
        world_answer(w, i);
    }
}

/* As when the poller receives while another thread starts the last parked one. */
static void one_more_arrives(struct world *w, struct rpc_request *req)
{
    w->inside = NULL;
    world_stat(w, 99, 0);
    assert_int_equal(w->nr_held, 1); /* not started beside the one that is being started */
}
static void what_arrives_while_a_parked_one_is_started_comes_after_it(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    world_stat(w, 1, 0);
    world_stat(w, 2, 0);
    rpc_service_set_outstanding(w->service, 2);
    w->inside = one_more_arrives;
    world_answer(w, 0);
    assert_int_equal(w->nr_held, 3);
    assert_int_equal(w->held[1]->xid, 2);
    assert_int_equal(w->held[2]->xid, 99);
}

static void a_limit_of_zero_is_none(void **state)
{
    struct world *w = *state;
    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 0);
    for (uint32_t xid = 0; xid < 1000; xid++)
        world_stat(w, xid, 0);
    assert_int_equal(w->nr_held, 1000);
}

static void a_waiting_lock_makes_room_for_the_unlock(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 2);
    for (uint32_t xid = 0; xid < 5000; xid++) {
        caller_call(w->t, xid, PROG, VERS, PROC_LOCK, NULL, 0);
        assert_int_equal(w->nr_held, xid + 1);
        rpc_uncount(w->held[xid]);
    }
    world_stat(w, 5000, 0);
    assert_int_equal(w->nr_held, 5001);
    for (unsigned int i = 0; i <= 5000; i++)
        world_answer(w, i);
}

static void parking_too_much_stops_reading_until_half_is_gone(void **state)
{
    struct world *w = *state;
    uint8_t *args = calloc(1, MiB);

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 17; xid++)
        caller_call(w->t, xid, PROG, VERS, PROC_LOCK, args, MiB);
    assert_int_equal(fake_pauses(w->t), 1);
    for (unsigned int i = 0; i < 17; i++) {
        assert_int_equal(fake_pauses(w->t), i < 9); /* 16 parked, then 15, ... 8 MiB with what they cost at 7 */
        world_answer(w, i);
    }
    assert_int_equal(fake_pauses(w->t), 0);
    free(args);
}

static void a_small_flood_is_stopped_as_well(void **state)
{
    struct world *w = *state;
    uint32_t xid = 0;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    while (xid < 20000 && fake_pauses(w->t) == 0)
        world_stat(w, xid++, 0);
    assert_true(xid > 4096 && xid < 10000); /* 16 MiB at 2 KiB and some */
    assert_int_equal(w->nr_held, 1);
}

static void started_records_have_a_bound_and_one_is_always_let_through(void **state)
{
    struct world *w = *state;
    uint8_t *args = calloc(1, 30 * MiB);

    rpc_conn_admit(w->conn);
    put_u32(args + 40, 0);
    for (uint32_t xid = 0; xid < 3; xid++)
        caller_call(w->t, xid, PROG, VERS, PROC_WRITE, args, 30 * MiB);
    assert_int_equal(w->nr_held, 2);
    world_answer(w, 0);
    assert_int_equal(w->nr_held, 3);
    free(args);
}

static void replies_that_would_not_fit_into_the_queue_are_not_started(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    fake_hold(w->t, true);
    for (uint32_t xid = 0; xid < 20; xid++)
        world_stat(w, xid, 1 * MiB);
    assert_int_equal(w->nr_held, 16);      /* of 16 MiB */
    world_answer(w, 0);                          /* the answer was small, its reservation is given back */
    assert_int_equal(w->nr_held, 16);      /* 15 MiB and 24 bytes: one more MiB does not fit */
    fake_release(w->t, UINT32_MAX, 0);
    assert_int_equal(w->nr_held, 17);
    world_stat(w, 20, 4 * MiB);
    for (unsigned int i = 1; i < 17; i++)
        world_answer(w, i);
    fake_release(w->t, UINT32_MAX, 0);
    assert_int_equal(w->nr_held, 21);
}

static void a_reply_larger_than_the_bound_is_started_when_nothing_else_is_there(void **state)
{
    struct world *w = *state;
    rpc_conn_admit(w->conn);
    world_stat(w, 1, 1 << 30);
    assert_int_equal(w->nr_held, 1);
    world_stat(w, 2, 1 << 30);
    world_stat(w, 3, 1);
    assert_int_equal(w->nr_held, 1);
    world_answer(w, 0);
    assert_int_equal(w->nr_held, 2);
}

static void answer_with(struct world *w, unsigned int i, uint8_t *bytes, size_t len)
{
    struct slicev body = {0};
    assert_int_equal(slicev_add(&body, (struct slice){.at = bytes, .len = len}), 0);
    rpc_reply(w->held[i], &body);
    w->held[i] = NULL;
}
static void when_all_together_queue_too_much_the_largest_is_closed(void **state)
{
    struct world *w = *state;
    struct transport *first = w->t, *second;
    uint8_t *bytes = calloc(1, 100000);
    int err;

    rpc_service_set_send_max(w->service, 1 * MiB, 150000);
    rpc_conn_admit(w->conn);
    second = fake_connect(NULL);
    rpc_conn_admit(w->conn);
    fake_hold(first, true);
    fake_hold(second, true);
    caller_call(first, 1, PROG, VERS, PROC_LOCK, NULL, 0);
    caller_call(second, 1, PROG, VERS, PROC_LOCK, NULL, 0);
    answer_with(w, 0, bytes, 60000);
    assert_false(fake_disconnected(first, NULL));
    answer_with(w, 1, bytes, 100000);
    assert_true(fake_disconnected(second, &err));
    assert_int_equal(err, -ENOBUFS);
    assert_false(fake_disconnected(first, NULL));
    caller_call(first, 2, PROG, VERS, PROC_LOCK, NULL, 0);
    answer_with(w, 2, bytes, 60000); /* the second one's bytes are on their way out and do not count any more */
    assert_false(fake_disconnected(first, NULL));
    fake_close(second);
    free(bytes);
}

static void who_does_not_read_the_answers_to_its_pings_is_not_read_either(void **state)
{
    struct world *w = *state;
    uint32_t pings = 0;

    rpc_service_set_send_max(w->service, 1 * MiB, 1 << 30); /* before SETVOLUME, too */
    fake_hold(w->t, true);
    while (fake_pauses(w->t) == 0 && pings < 100000)
        world_ping(w, pings++);
    assert_in_range(pings, 1000, 20000);
    assert_in_range(fake_nr_sent(w->t), 1000, 2 * MiB / RPC_REQUEST_COST);
    while (fake_release(w->t, UINT32_MAX, 0) > 0)
        ;
    assert_int_equal(fake_nr_sent(w->t), pings); /* all have been answered in the end */
    assert_int_equal(fake_pauses(w->t), 0);
}

/* Memory is short: 100 KiB for all records together. */
static void while_all_hold_too_much_each_has_one_request_started(void **state)
{
    struct world *w = *state;
    struct transport *first = w->t, *second;
    uint8_t *args = calloc(1, 60000);

    rpc_service_set_send_max(w->service, 16 * MiB, 100 * KiB);
    rpc_conn_admit(w->conn);
    second = fake_connect(NULL);
    rpc_conn_admit(w->conn);
    caller_call(first, 1, PROG, VERS, PROC_LOCK, args, 60000);
    caller_call(first, 2, PROG, VERS, PROC_LOCK, args, 60000); /* this makes it too much: it waits, and nothing more is read */
    assert_int_equal(w->nr_held, 1);
    assert_int_equal(fake_pauses(first), 1);
    caller_call(second, 1, PROG, VERS, PROC_LOCK, args, 60000); /* another one's first request is started all the same */
    caller_call(second, 2, PROG, VERS, PROC_LOCK, args, 60000);
    assert_int_equal(w->nr_held, 2);
    assert_int_equal(fake_pauses(second), 1);
    world_answer(w, 0);
    assert_int_equal(w->nr_held, 3); /* the first one's second: nobody else had to make room for it */
    assert_int_equal(fake_pauses(first), 0);
    world_answer(w, 1);
    world_answer(w, 2);
    world_answer(w, 3);
    assert_int_equal(fake_pauses(second), 0);
    fake_close(second);
    free(args);
}

static void waiting_calls_count_for_what_they_cost_and_not_for_their_bytes_alone(void **state)
{
    struct world *w = *state;

    rpc_service_set_send_max(w->service, 16 * MiB, 1 * MiB);
    rpc_service_set_outstanding(w->service, 0);
    rpc_conn_admit(w->conn);
    for (uint32_t xid = 0; xid < 1000; xid++)
        caller_call(w->t, xid, PROG, VERS, PROC_LOCK, NULL, 0);
    assert_in_range(w->nr_held, 400, 1 * MiB / RPC_REQUEST_COST);
    assert_int_equal(fake_pauses(w->t), 1);
    for (unsigned int i = 0; i < 1000; i++)
        world_answer(w, i);
    assert_int_equal(fake_pauses(w->t), 0);
}

/* ---- callbacks ---------------------------------------------------------------------------------------------------------- */
static void callbacks_count_from_one_and_carry_no_credential(void **state)
{
    static uint8_t args[4] = {1, 2, 3, 4};
    struct world *w = *state;
    rpc_call_header h;
    struct slicev body = {0};
    const uint8_t *got;
    size_t len;

    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(slicev_add(&body, (struct slice){.at = args, .len = 4}), 0);
        assert_int_equal(rpc_callback(w->conn, 52743234, 1, 6, &body), 0);
        got = fake_sent(w->t, i, &len);
        assert_int_equal(len, 44);
        assert_int_equal(wire_decode(xdr_rpc_call_header, &h, got, len), 40);
        assert_int_equal(h.xid, i + 1);
        assert_int_equal(h.type, 0);
        assert_int_equal(h.prog, 52743234);
        assert_int_equal(h.proc, 6);
        assert_int_equal(h.cred_flavor, 0);
        assert_int_equal(h.cred.len + h.verf.len, 0);
        assert_memory_equal(got + 40, args, 4);
    }
}

static void a_client_that_does_not_read_its_callbacks_is_closed(void **state)
{
    struct world *w = *state;
    struct slicev body = {0};
    int ret = 0, n = 0, err;

    rpc_service_set_send_max(w->service, 100 * (40 + RPC_REQUEST_COST), 1 << 30);
    fake_hold(w->t, true);
    while (n < 1000 && (ret = rpc_callback(w->conn, 52743234, 1, 6, &body)) == 0)
        n++;
    assert_int_equal(ret, -ENOBUFS);
    assert_int_equal(n, 100);
    assert_true(fake_disconnected(w->t, &err));
    assert_int_equal(err, -ENOBUFS);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */
static void answers_after_the_end_are_taken_and_dropped(void **state)
{
    struct world *w = *state;
    struct rpc_conn *conn = rpc_conn_ref(w->conn);
    struct slicev body = {0};

    rpc_conn_admit(conn);
    rpc_service_set_outstanding(w->service, 3);
    for (uint32_t xid = 0; xid < 10; xid++)
        world_stat(w, xid, 0);
    assert_int_equal(w->opened, 1);
    fake_down(w->t, -ECONNRESET);
    assert_int_equal(w->closed, 1);
    assert_int_equal(w->closed_err, -ECONNRESET);
    assert_int_equal(rpc_service_conns(w->service), 0);
    assert_int_equal(w->nr_held, 3); /* the parked ones are gone */
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_REQUESTS]), 3);
    for (unsigned int i = 0; i < 3; i++)
        world_answer(w, i);
    assert_int_equal(w->nr_held, 3);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_REQUESTS]), 0);
    assert_int_equal(rpc_callback(conn, 52743234, 1, 6, &body), -ENOTCONN);
    assert_int_equal(fake_nr_sent(w->t), 0);
    rpc_conn_unref(conn);
}

static void what_was_queued_at_the_end_is_released_once(void **state)
{
    struct world *w = *state;
    rpc_conn_admit(w->conn);
    fake_hold(w->t, true);
    for (uint32_t xid = 0; xid < 5; xid++) {
        world_stat(w, xid, 0);
        world_answer(w, xid);
    }
    fake_release(w->t, 2, 0);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_MESSAGES]), 3);
    fake_down(w->t, -EPIPE);
    assert_int_equal(counter_get(&w->env.census.now[CENSUS_MESSAGES]), 0);
}

static void a_connection_that_never_came_up_is_never_heard_of(void **state)
{
    struct world *w = *state;
    struct transport *t = fake_connect_early(NULL);

    assert_int_equal(rpc_service_conns(w->service), 2);
    fake_close(t);
    assert_int_equal(rpc_service_conns(w->service), 1);
    assert_int_equal(w->opened, 1);
    assert_int_equal(w->closed, 0);
}

static void everybody_is_disconnected_at_the_end_of_the_process(void **state)
{
    struct world *w = *state;
    struct transport *up = fake_connect(NULL), *early = fake_connect_early(NULL);

    rpc_service_disconnect_all(w->service, -ESHUTDOWN);
    assert_true(fake_disconnected(w->t, NULL));
    assert_true(fake_disconnected(up, NULL));
    assert_true(fake_disconnected(early, NULL));
    fake_close(up);
    fake_close(early);
}

/* ---- threads ------------------------------------------------------------------------------------------------------------ */
static void actors_that_answer_at_once_drain_the_queue_without_recursion(void **state)
{
    struct world *w = *state;

    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 5000; xid++)
        world_stat(w, xid, 0);
    assert_int_equal(w->nr_held, 1);
    w->answer_at_once = true;
    world_answer(w, 0);
    assert_int_equal(fake_nr_sent(w->t), 5000);
}

static void stop_when_sent(struct timer *t);
struct until {
    struct timer timer;
    struct world *w;
    unsigned int sent;
    int turns;
};
static void stop_when_sent(struct timer *t)
{
    struct until *u = container_of(t, struct until, timer);
    if (fake_nr_sent(u->w->t) >= u->sent || --u->turns == 0)
        loop_stop(u->w->env.env.loop);
    else
        loop_arm(u->w->env.env.loop, t, 1);
}
/* 200 requests with room for one; the answer to the first comes from a thread that is given 16 more to start. */
static void start_a_long_queue(struct world *w)
{
    rpc_conn_admit(w->conn);
    rpc_service_set_outstanding(w->service, 1);
    for (uint32_t xid = 0; xid < 200; xid++)
        world_stat(w, xid, 0);
    w->answer_at_once = true;
    world_answer(w, 0);
    assert_int_equal(fake_nr_sent(w->t), 17);
}
static void run_loop(struct world *w, unsigned int sent, int turns)
{
    struct until u = {.timer.expired = stop_when_sent, .w = w, .sent = sent, .turns = turns};
    assert_int_equal(loop_arm(w->env.env.loop, &u.timer, 1), 0);
    assert_int_equal(loop_run(w->env.env.loop), 0);
}

static void after_one_turn_the_event_loop_goes_on_with_a_long_queue(void **state)
{
    struct world *w = *state;

    start_a_long_queue(w);
    world_stat(w, 1000, 0); /* stays behind the others */
    run_loop(w, 201, 30000);
    assert_int_equal(fake_nr_sent(w->t), 201);
    world_last_reply_is(w, 1000, RPC_OK, 0);
}

static void an_end_in_the_middle_of_a_long_queue_is_told_last(void **state)
{
    struct world *w = *state;

    start_a_long_queue(w);
    fake_down(w->t, -ECONNRESET);
    assert_int_equal(w->closed, 0); /* somebody is still at it */
    run_loop(w, UINT32_MAX, 20);
    assert_int_equal(w->closed, 1);
    assert_int_equal(fake_nr_sent(w->t), 17);
}

/* Four threads answer what the poller starts. Run under ThreadSanitizer too. */
struct crew {
    struct world *w;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    struct rpc_request *queue;
    bool end;
    uint32_t last_xid;
    bool disorder;
};
static struct crew crew;
static void to_the_crew(struct rpc_request *req)
{
    SCOPED_LOCK(&crew.lock);
    crew.disorder |= req->xid != crew.last_xid + 1; /* one starter at a time, in order of arrival */
    crew.last_xid = req->xid;
    req->data = crew.queue;
    crew.queue = req;
    pthread_cond_signal(&crew.cond);
}
static void *crew_main(void *arg)
{
    pthread_mutex_lock(&crew.lock);
    for (;;) {
        struct rpc_request *req = crew.queue;
        if (!req && crew.end)
            break;
        if (!req) {
            pthread_cond_wait(&crew.cond, &crew.lock);
            continue;
        }
        crew.queue = req->data;
        pthread_mutex_unlock(&crew.lock);
        rpc_reply(req, &(struct slicev){.n = 0});
        pthread_mutex_lock(&crew.lock);
    }
    pthread_mutex_unlock(&crew.lock);
    return NULL;
}
static void many_threads_answer_while_requests_arrive(void **state)
{
    static const struct rpc_actor actors[1] = {{.name = "X", .run = to_the_crew}};
    static const struct rpc_program x = {"x", 4711, 1, actors, 1, NULL};
    enum { N = 20000 };
    struct fake_env env;
    struct world w = {0};
    pthread_t threads[4];
    struct transport *t;

    fake_env_init(&env, false);
    w.service = rpc_service_new(&env.env, &world_host, &w);
    assert_int_equal(rpc_service_add(w.service, &x), 0);
    assert_int_equal(rpc_service_listen(w.service, &fake_transport, NULL, NULL), 0);
    rpc_service_set_outstanding(w.service, 8);
    crew = (struct crew){.w = &w, .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    t = fake_connect(NULL);
    rpc_conn_admit(w.conn);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, crew_main, NULL), 0);
    for (uint32_t xid = 1; xid <= N; xid++)
        caller_call(t, xid, 4711, 1, 0, NULL, 0);
    while (fake_nr_sent(t) < N)
        sched_yield(); /* a lost request hangs here, and the harness ends it */
    pthread_mutex_lock(&crew.lock);
    crew.end = true;
    pthread_cond_broadcast(&crew.cond);
    pthread_mutex_unlock(&crew.lock);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_false(crew.disorder);
    assert_int_equal(fake_nr_sent(t), N);
    fake_close(t);
    rpc_service_free(w.service);
    fake_env_done(&env);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
#define TEST_LOOP(f) cmocka_unit_test_setup_teardown(f, world_setup_with_loop, world_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(beyond_the_limit_requests_wait_in_order_and_pings_do_not),
        TEST(parked_requests_start_in_order_of_arrival),
        TEST(what_arrives_while_a_parked_one_is_started_comes_after_it),
        TEST(a_limit_of_zero_is_none),
        TEST(a_waiting_lock_makes_room_for_the_unlock),
        TEST(parking_too_much_stops_reading_until_half_is_gone),
        TEST(a_small_flood_is_stopped_as_well),
        TEST(started_records_have_a_bound_and_one_is_always_let_through),
        TEST(replies_that_would_not_fit_into_the_queue_are_not_started),
        TEST(a_reply_larger_than_the_bound_is_started_when_nothing_else_is_there),
        TEST(when_all_together_queue_too_much_the_largest_is_closed),
        TEST(who_does_not_read_the_answers_to_its_pings_is_not_read_either),
        TEST(while_all_hold_too_much_each_has_one_request_started),
        TEST(waiting_calls_count_for_what_they_cost_and_not_for_their_bytes_alone),
        TEST(callbacks_count_from_one_and_carry_no_credential),
        TEST(a_client_that_does_not_read_its_callbacks_is_closed),
        TEST(answers_after_the_end_are_taken_and_dropped),
        TEST(what_was_queued_at_the_end_is_released_once),
        TEST(a_connection_that_never_came_up_is_never_heard_of),
        TEST(everybody_is_disconnected_at_the_end_of_the_process),
        TEST(actors_that_answer_at_once_drain_the_queue_without_recursion),
        TEST_LOOP(after_one_turn_the_event_loop_goes_on_with_a_long_queue),
        TEST_LOOP(an_end_in_the_middle_of_a_long_queue_is_told_last),
        cmocka_unit_test(many_threads_answer_while_requests_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
