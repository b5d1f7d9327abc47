/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "testing.h"
#include "thread.h"
#include "util.h"

/* ---- a storage whose LK parks and whose STAT waits on a worker until let go, and what they saw ------------------------------ */
#define PARKED_MAX 64
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct fop *parked[PARKED_MAX];
static unsigned int nr_parked, nr_running, nr_ended;
static bool may_go_on;
static char told[64];

static void tell(const char *what)
{
    SCOPED_LOCK(&lock);
    if (strlen(told) + strlen(what) < sizeof(told))
        strcat(told, what);
    pthread_cond_broadcast(&changed);
}

static bool take_out(struct fop *fop)
{
    SCOPED_LOCK(&lock);
    for (unsigned int i = 0; i < PARKED_MAX; i++) {
        if (parked[i] == fop) {
            parked[i] = NULL;
            nr_parked--;
            return true;
        }
    }
    return false;
}

static void lk_cancelled(struct fop *fop, void *ctx)
{
    bool was_in = take_out(fop);

    assert(was_in);
    fop_fail(fop, fop->cancel_err);
}

static void storage_lk(struct xlator *xl, struct fop *fop)
{
    pthread_mutex_lock(&lock);
    unsigned int i = 0;
    while (parked[i])
        i++;
    parked[i] = fop;
    nr_parked++;
    bool refused = !fop_park(fop, lk_cancelled, NULL); /* under the lock: who finds it in the list finds it parked */
    if (refused) {
        parked[i] = NULL;
        nr_parked--;
    }
    pthread_mutex_unlock(&lock);
    if (refused)
        fop_fail(fop, fop->cancel_err);
}

static void stat_on_worker(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);

    pthread_mutex_lock(&lock);
    nr_running++;
    pthread_cond_broadcast(&changed);
    while (!may_go_on)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    fop_complete(fop, 0, 0);
}

static void storage_stat(struct xlator *xl, struct fop *fop)
{
    fop->job.run = stat_on_worker;
    fop->job.owner = fop->client;
    fop->job.class = fop->class;
    pool_add(xl->graph->process->pool, &fop->job);
}

static void lower_gone(struct xlator *xl, struct client *c)
{
    assert(atomic_load(&c->gone));
    tell(client_ctx(c, xl) ? "lower " : "lower-without ");
}

static void upper_gone(struct xlator *xl, struct client *c)
{
    tell("upper ");
}

static void release(struct xlator *xl, struct fd *fd, void *ctx)
{
    tell("fd ");
}

static const struct xlator_type storage = {
    .name = "storage", .leaf = true, .client_slot = true, .fd_slot = true, .client_gone = lower_gone, .release = release,
    .on = {[FOP_LK] = storage_lk, [FOP_STAT] = storage_stat},
};
/* FINODELK becomes an LK of its own: what parks below is a child. */
static void upper_child_done(struct fop *child, void *ctx)
{
    struct fop *parent = child->parent;
    int32_t ret = child->ret, err = child->err;

    fop_free(child);
    fop_complete(parent, ret, err);
}

static void upper_finodelk(struct xlator *xl, struct fop *fop)
{
    fop_submit(xl->child, fop_child(fop, FOP_LK, upper_child_done, NULL));
}

static const struct xlator_type upper = {.name = "upper", .client_gone = upper_gone, .on = {[FOP_FINODELK] = upper_finodelk}};

static struct process process;

static int begin(void **state)
{
    nr_parked = nr_running = nr_ended = 0;
    may_go_on = false;
    told[0] = '\0';
    testing_process(&process);
    *state = testing_graph(&process, (struct testing_node[]){{.type = &storage}, {.type = &upper}, {.type = NULL}});
    return 0;
}

static int end(void **state)
{
    testing_graph_free(*state);
    testing_process_done(&process); /* fails when a client, fd, inode or fop is left */
    return 0;
}

static void ended(struct client *c)
{
    pthread_mutex_lock(&lock);
    nr_ended++;
    pthread_mutex_unlock(&lock);
    tell("ended");
}

static struct fd *some_fd(struct graph *g)
{
    struct inode *in = inode_get(g->inodes, gfid_root);
    struct fd *fd = fd_new(g, in, NULL, 0, false);

    inode_unref(in);
    return fd;
}

/* What protocol/server does: start, submit, and when it is back: finish, free. */
static int32_t last_err;

static void answered(struct fop *fop, void *ctx)
{
    last_err = fop->err;
    client_finish(fop->client, fop);
    fop_free(fop);
}

static void start(struct graph *g, struct client *c, enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    assert_non_null(fop);
    fop->client = client_ref(c);
    assert_true(client_start(c, fop));
    fop_push(fop, answered, NULL);
    fop_submit(g->top, fop);
}

/* ---- descriptors ------------------------------------------------------------------------------------------------------------ */
static void numbers_are_given_lowest_first(void **state)
{
    struct graph *g = *state;
    struct client *c = client_new(g, "uid", &process.census);
    struct fd *fd = some_fd(g), *other = some_fd(g);

    for (int i = 0; i < 40; i++)
        assert_int_equal(client_fd_install(c, fd), i);
    assert_int_equal(client_fd_close(c, 30), 0);
    assert_int_equal(client_fd_close(c, 7), 0);
    assert_int_equal(client_fd_close(c, 7), -EBADF);
    assert_null(client_fd_get(c, 7));
    assert_int_equal(client_fd_install(c, other), 7);
    assert_int_equal(client_fd_install(c, fd), 30);
    assert_int_equal(client_fd_install(c, fd), 40);
    struct fd *got = client_fd_get(c, 7);
    assert_ptr_equal(got, other);
    fd_unref(got);
    static const int64_t wrong[] = {-1, -2, 41, 1000, INT64_MAX, INT64_MIN, (int64_t)1 << 32};
    for (size_t i = 0; i < array_len(wrong); i++) {
        assert_null(client_fd_get(c, wrong[i]));
        assert_int_equal(client_fd_close(c, wrong[i]), -EBADF);
    }
    fd_unref(fd);
    fd_unref(other);
    client_unref(c); /* its fds with it */
}

static void there_is_a_bound_for_descriptors(void **state)
{
    struct graph *g = *state;
    struct client *c = client_new(g, "uid", &process.census);
    struct fd *fd = some_fd(g);

    for (int i = 0; i < CLIENT_FDS_MAX; i++)
        if (client_fd_install(c, fd) != i)
            fail_msg("number %d", i);
    assert_int_equal(client_fd_install(c, fd), -EMFILE);
    assert_int_equal(client_fd_close(c, 1234), 0);
    assert_int_equal(client_fd_install(c, fd), 1234);
    assert_int_equal(client_fd_install(c, fd), -EMFILE);
    fd_unref(fd);
    client_unref(c);
}

static void a_slot_of_a_client_is_written_once(void **state)
{
    struct graph *g = *state;
    struct client *c = client_new(g, "uid", &process.census);
    int a, b;

    assert_string_equal(c->uid, "uid");
    assert_null(client_ctx(c, g->first));
    assert_ptr_equal(client_ctx_set(c, g->first, &a), &a);
    assert_ptr_equal(client_ctx_set(c, g->first, &b), &a);
    assert_ptr_equal(client_ctx(c, g->first), &a);
    client_unref(c);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------ */
static void wait_for_the_end(void)
{
    pthread_mutex_lock(&lock);
    while (!nr_ended)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    pool_drain(process.pool);
}

static void the_end_comes_in_its_order(void **state)
{
    struct graph *g = *state;
    struct client *c = client_new(g, "uid", &process.census);
    struct fd *fd = some_fd(g);

    fd_ctx_set(fd, g->first, told);
    client_ctx_set(c, g->first, told);
    assert_int_equal(client_fd_install(c, fd), 0);
    fd_unref(fd);
    start(g, c, FOP_LK);
    start(g, c, FOP_LK);
    start(g, c, FOP_STAT);
    pthread_mutex_lock(&lock);
    while (nr_running != 1)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    assert_int_equal(nr_parked, 2);

    client_gone(c, process.pool, ended);
    assert_int_equal(nr_parked, 0); /* at once */
    assert_int_equal(last_err, ENOTCONN);
    assert_string_equal(told, ""); /* the STAT is still running */

    struct fop *late = fop_new(g, FOP_STAT);
    late->client = client_ref(c);
    assert_false(client_start(c, late));
    fop_free(late);
    fd = some_fd(g); /* of a CREATE that comes back now */
    assert_int_equal(client_fd_install(c, fd), -ENOTCONN);
    fd_unref(fd);

    pthread_mutex_lock(&lock);
    may_go_on = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    wait_for_the_end();
    assert_string_equal(told, "upper lower fd ended");
    client_unref(c);
}

static void a_client_without_anything_ends_too(void **state)
{
    struct client *c = client_new(*state, "uid", &process.census);

    client_gone(c, process.pool, ended);
    client_unref(c); /* the end has one of its own */
    wait_for_the_end();
    assert_string_equal(told, "upper lower-without ended");
    assert_int_equal(nr_ended, 1);
}

static void a_fop_that_parks_after_the_end_began_is_refused(void **state)
{
    struct graph *g = *state;
    struct client *c = client_new(g, "uid", &process.census);
    struct fop *fop = fop_new(g, FOP_LK);

    fop->client = client_ref(c);
    assert_true(client_start(c, fop));
    fop_push(fop, answered, NULL);
    client_gone(c, process.pool, ended); /* it runs: told when it wants to park */
    assert_int_equal(nr_ended, 0);
    last_err = 0;
    fop_submit(g->top, fop);
    assert_int_equal(last_err, ENOTCONN);
    wait_for_the_end();
    client_unref(c);
}

static struct fop *start_later(struct graph *g, struct client *c, enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    fop->client = client_ref(c);
    assert_true(client_start(c, fop));
    fop_push(fop, answered, NULL);
    last_err = 0;
    return fop;
}

static void a_parked_child_is_cancelled_too(void **state)
{
    struct graph *g = *state;
    struct client *c = client_new(g, "uid", &process.census);
    struct fop *granted, *late;

    start(g, c, FOP_FINODELK);
    start(g, c, FOP_FINODELK);
    start(g, c, FOP_LK);
    assert_int_equal(nr_parked, 3);
    assert_int_equal(c->nr_running, 3);
    granted = parked[0];
    assert_true(fop_unpark(granted));
    assert_true(take_out(granted));
    last_err = -1;
    fop_complete(granted, 0, 0);
    assert_int_equal(last_err, 0);

    late = start_later(g, c, FOP_FINODELK);
    client_cancel_parked(c, EINTR);
    assert_int_equal(nr_parked, 0);
    assert_int_equal(last_err, EINTR);
    last_err = 0;
    fop_submit(g->top, late); /* was running then: its child may not park any more */
    assert_int_equal(last_err, EINTR);

    start(g, c, FOP_FINODELK);
    late = start_later(g, c, FOP_FINODELK);
    client_gone(c, process.pool, ended);
    assert_int_equal(nr_parked, 0);
    assert_int_equal(last_err, ENOTCONN);
    assert_int_equal(nr_ended, 0); /* one has yet to make its child */
    last_err = 0;
    fop_submit(g->top, late);
    assert_int_equal(last_err, ENOTCONN);
    wait_for_the_end();
    client_unref(c);
}

/* ---- threads: starters, a granter, and the end, all at the same time ----------------------------------------------------------- */
struct starter {
    struct graph *graph;
    struct client *client;
    atomic_bool *stop;
};
static atomic_uint started, answers;

static void count_answer(struct fop *fop, void *ctx)
{
    atomic_fetch_add(&answers, 1);
    client_finish(fop->client, fop);
    fop_free(fop);
}

static void *start_until_gone(void *arg)
{
    struct starter *s = arg;

    for (unsigned int i = 0;; i++) {
        struct fop *fop = fop_new(s->graph, i % 2 ? FOP_LK : FOP_FINODELK);
        if (!fop)
            abort();
        fop->client = client_ref(s->client);
        pthread_mutex_lock(&lock);
        bool room = nr_parked + 8 < PARKED_MAX;
        pthread_mutex_unlock(&lock);
        if (room && !client_start(s->client, fop)) {
            fop_free(fop);
            return NULL;
        }
        if (!room) {
            fop_free(fop);
            sched_yield();
            continue;
        }
        atomic_fetch_add(&started, 1);
        fop_push(fop, count_answer, NULL);
        fop_submit(s->graph->top, fop);
    }
}

static void *grant_until_told(void *arg)
{
    atomic_bool *stop = arg;

    while (!atomic_load(stop)) {
        struct fop *granted = NULL;
        pthread_mutex_lock(&lock);
        for (unsigned int i = 0; i < PARKED_MAX && !granted; i++) {
            if (parked[i] && fop_unpark(parked[i])) { /* false: the canceller will come for it */
                granted = parked[i];
                parked[i] = NULL;
                nr_parked--;
            }
        }
        pthread_mutex_unlock(&lock);
        if (granted)
            fop_complete(granted, 0, 0);
        else
            sched_yield();
    }
    return NULL;
}

static void starting_granting_and_the_end_race_and_each_fop_is_answered_once(void **state)
{
    struct graph *g = *state;

    for (int round = 0; round < 100; round++) {
        struct client *c = client_new(g, "uid", &process.census);
        atomic_bool stop = false;
        struct starter s = {.graph = g, .client = c, .stop = &stop};
        pthread_t starters[2], granter;

        nr_ended = 0;
        told[0] = '\0';
        atomic_store(&started, 0);
        atomic_store(&answers, 0);
        thread_start(&granter, "granter", THREAD_STACK, grant_until_told, &stop, NULL);
        for (int i = 0; i < 2; i++)
            thread_start(&starters[i], "starter", THREAD_STACK, start_until_gone, &s, NULL);
        while (atomic_load(&answers) < 20)
            sched_yield();
        client_gone(c, process.pool, ended);
        for (int i = 0; i < 2; i++)
            thread_join(starters[i], NULL);
        wait_for_the_end(); /* of itself: nobody is granted for it to come */
        atomic_store(&stop, true);
        thread_join(granter, NULL);
        assert_int_equal(nr_ended, 1);
        assert_int_equal(atomic_load(&answers), atomic_load(&started));
        assert_int_equal(nr_parked, 0);
        client_unref(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(numbers_are_given_lowest_first, begin, end),
        cmocka_unit_test_setup_teardown(there_is_a_bound_for_descriptors, begin, end),
        cmocka_unit_test_setup_teardown(a_slot_of_a_client_is_written_once, begin, end),
        cmocka_unit_test_setup_teardown(the_end_comes_in_its_order, begin, end),
        cmocka_unit_test_setup_teardown(a_client_without_anything_ends_too, begin, end),
        cmocka_unit_test_setup_teardown(a_fop_that_parks_after_the_end_began_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(a_parked_child_is_cancelled_too, begin, end),
        cmocka_unit_test_setup_teardown(starting_granting_and_the_end_race_and_each_fop_is_answered_once, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
