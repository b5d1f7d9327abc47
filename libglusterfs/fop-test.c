/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "testing.h"
#include "thread.h"
#include "util.h"

/* ---- three translators: a storage that answers, one that looks on, one that makes many children --------------------------- */
static void *deepest, *highest; /* addresses of local variables: how much stack was in use */

static void note_stack(void)
{
    char here;
    void *at = &here;

    if (!deepest || at < deepest)
        deepest = at;
    if (!highest || at > highest)
        highest = at;
}

static void storage_stat(struct xlator *xl, struct fop *fop)
{
    note_stack();
    fop->out.stat.size = 4711;
    fop_complete(fop, 0, 0);
}

static void storage_read(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 10, ENOENT);
}

static void storage_access(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 3, ENOENT);
}

static void storage_mkdir(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, -7, -EEXIST);
}

static void storage_rmdir(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, -1, 0);
}

static const struct xlator_type storage = {
    .name = "storage",
    .leaf = true,
    .on = {[FOP_STAT] = storage_stat, [FOP_READ] = storage_read, [FOP_ACCESS] = storage_access, [FOP_MKDIR] = storage_mkdir,
           [FOP_RMDIR] = storage_rmdir},
};

static unsigned int seen_down, seen_up;

static void looker_up(struct fop *fop, void *ctx)
{
    struct xlator *xl = ctx;

    assert_string_equal(xl->type->name, "looker");
    seen_up++;
    fop_complete(fop, fop->ret, fop->err);
}

static void looker_stat(struct xlator *xl, struct fop *fop)
{
    seen_down++;
    fop_push(fop, looker_up, xl);
    fop_pass(xl, fop);
}

static const struct xlator_type looker = {.name = "looker", .on = {[FOP_STAT] = looker_stat}};

/* FSTAT becomes so many STATs, one after the other, each submitted when the one before has come back. */
static unsigned int children_wanted, children_done;

static void chain_next(struct xlator *xl, struct fop *parent);

static void chain_done(struct fop *child, void *ctx)
{
    struct fop *parent = child->parent;

    note_stack();
    assert_int_equal(child->ret, 0);
    fop_free(child);
    children_done++;
    chain_next(ctx, parent);
}

static void chain_next(struct xlator *xl, struct fop *parent)
{
    if (children_done == children_wanted) {
        fop_complete(parent, 0, 0);
        return;
    }
    struct fop *child = fop_child(parent, FOP_STAT, chain_done, xl);
    assert_non_null(child);
    fop_submit(xl->child, child);
}

static void chain_fstat(struct xlator *xl, struct fop *fop)
{
    children_done = 0;
    chain_next(xl, fop);
}

static const struct xlator_type chain = {.name = "chain", .on = {[FOP_FSTAT] = chain_fstat}};

/* ---- around each test ---------------------------------------------------------------------------------------------------- */
static struct process process;

static int begin(void **state)
{
    seen_down = seen_up = 0;
    deepest = highest = NULL;
    testing_process(&process);
    *state = testing_graph(&process, (struct testing_node[]){{.type = &storage}, {.type = &looker}, {.type = &chain}, {.type = &looker},
                                                             {.type = NULL}});
    return 0;
}

static int end(void **state)
{
    testing_graph_free(*state);
    testing_process_done(&process); /* fails when a fop, a slice or a thread is left */
    return 0;
}

static void run(struct graph *g, enum fop_op op, int32_t ret, int32_t err)
{
    struct fop *fop = fop_new(g, op);

    testing_run(g, fop);
    assert_int_equal(fop->ret, ret);
    assert_int_equal(fop->err, err);
    fop_free(fop);
}

/* ---- the way --------------------------------------------------------------------------------------------------------------- */
static void it_goes_down_and_comes_back_past_those_who_do_not_care(void **state)
{
    struct graph *g = *state;
    struct fop *fop = fop_new(g, FOP_STAT);

    assert_ptr_equal(g->top->handler[FOP_READ], g->first); /* by pointer, at no cost */
    testing_run(g, fop);
    assert_int_equal(fop->out.stat.size, 4711);
    assert_int_equal(seen_down, 2);
    assert_int_equal(seen_up, 2);
    assert_true(fop->start_ns > 0);
    fop_free(fop);
}

static void an_operation_that_nobody_handles_is_not_supported(void **state)
{
    run(*state, FOP_IPC, -1, EOPNOTSUPP);
    run(*state, FOP_LK, -1, EOPNOTSUPP);
}

static void results_are_brought_into_form(void **state)
{
    run(*state, FOP_READ, 10, ENOENT);  /* the end mark */
    run(*state, FOP_ACCESS, 3, 0);      /* ENOENT beside a success is one for three operations only */
    run(*state, FOP_MKDIR, -1, EEXIST);
    run(*state, FOP_RMDIR, -1, EIO);
}

static void freed_by_its_owner(struct fop *fop, void *ctx)
{
    ++*(unsigned int *)ctx;
    fop_free(fop);
}

static void the_owner_may_free_it_when_it_is_back(void **state)
{
    struct graph *g = *state;
    unsigned int back = 0;

    for (int i = 0; i < 3; i++) {
        struct fop *fop = fop_new(g, FOP_STAT);
        fop_push(fop, freed_by_its_owner, &back);
        fop_submit(g->top, fop);
    }
    assert_int_equal(back, 3);
    assert_int_equal(counter_get(&process.census.now[CENSUS_FOPS]), 0);
}

static void a_million_children_in_a_chain_need_no_more_stack_than_ten(void **state)
{
    struct graph *g = *state;

    children_wanted = 10;
    run(g, FOP_FSTAT, 0, 0);
    ptrdiff_t few = (char *)highest - (char *)deepest;
    children_wanted = 1000000;
    run(g, FOP_FSTAT, 0, 0);
    assert_int_equal(children_done, 1000000);
    assert_int_equal((char *)highest - (char *)deepest, few);
}

/* ---- what the log says ----------------------------------------------------------------------------------------------------- */
struct lines {
    unsigned int n;
    char last[512];
    enum log_level level;
};

static void keep_line(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    struct lines *l = ctx;

    l->n++;
    l->level = site->level;
    snprintf(l->last, sizeof(l->last), "%s: %s", domain, text);
}

static void storage_lookup(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, ENOENT);
}

static void looker_lookup(struct xlator *xl, struct fop *fop)
{
    fop_push(fop, looker_up, xl);
    fop_pass(xl, fop);
}

static void look_up(struct graph *g, const char *name)
{
    struct fop *fop = fop_new(g, FOP_LOOKUP);

    fop->loc.parent = inode_get(g->inodes, gfid_root);
    strcpy(fop->loc.name, name);
    fop->cred.pid = 12;
    testing_run(g, fop);
    fop_free(fop);
}

static void make_dir(struct graph *g)
{
    struct fop *fop = fop_new(g, FOP_MKDIR);

    fop->loc.parent = inode_get(g->inodes, gfid_root);
    strcpy(fop->loc.name, "d");
    fop->cred.uid = 7;
    fop->cred.pid = 12;
    testing_run(g, fop);
    fop_free(fop);
}

static void a_failure_is_logged_once_by_who_failed_and_only_for_those_who_debug(void **state)
{
    static const struct xlator_type store = {.name = "store", .leaf = true,
                                             .on = {[FOP_LOOKUP] = storage_lookup, [FOP_MKDIR] = storage_mkdir}};
    static const struct xlator_type look = {.name = "looker", .on = {[FOP_LOOKUP] = looker_lookup, [FOP_MKDIR] = looker_lookup}};
    struct graph *g = testing_graph(&process, (struct testing_node[]){{.type = &store}, {.type = &look}, {.type = &look}, {.type = NULL}});
    struct lines l = {0};

    log_set_sink(keep_line, &l);
    make_dir(g);
    assert_int_equal(l.n, 0);
    log_set_level(LVL_DEBUG);
    make_dir(g);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.level, LVL_DEBUG);
    assert_string_equal(l.last, "x0: MKDIR 00000000-0000-0000-0000-000000000001/d of our own, uid 7, pid 12 failed: File exists");
    run(g, FOP_STAT, -1, EOPNOTSUPP); /* nobody's */
    assert_int_equal(l.n, 2);
    assert_string_equal(l.last, "x2: STAT of our own, uid 0, pid 0 failed: Operation not supported");
    look_up(g, "f"); /* no failure, an answer */
    assert_int_equal(l.n, 2);
    log_set_level(LVL_TRACE);
    look_up(g, "f");
    assert_int_equal(l.n, 3);
    assert_int_equal(l.level, LVL_TRACE);
    log_set_level(LVL_INFO);
    log_set_sink(NULL, NULL);
    testing_graph_free(g);
}

/* ---- order of steps within one handler ------------------------------------------------------------------------------------- */
static char order[8];

static void remember(struct fop *fop, void *ctx)
{
    strcat(order, ctx);
    fop_free(fop);
}

static void submit_two(struct fop *fop, void *ctx)
{
    struct graph *g = fop->graph;

    fop_submit(g->first, fop_child(fop, FOP_STAT, remember, "a"));
    fop_submit(g->first, fop_child(fop, FOP_STAT, remember, "b"));
    strcat(order, "-"); /* neither has begun: we are inside a step */
    fop_free(fop);
}

static void what_a_handler_submits_runs_after_it_and_in_order(void **state)
{
    struct graph *g = *state;
    struct fop *fop = fop_new(g, FOP_STAT);

    order[0] = '\0';
    fop_push(fop, submit_two, NULL);
    fop_submit(g->first, fop);
    assert_string_equal(order, "-ab");
}

/* ---- children, memory, what it holds --------------------------------------------------------------------------------------- */
static void a_child_has_its_own_copy_of_the_caller(void **state)
{
    struct graph *g = *state;
    struct fop *fop = fop_new(g, FOP_WRITE), *child;
    uint32_t *groups = fop_alloc(fop, 3 * sizeof(*groups));
    unsigned int done = 0;

    memcpy(groups, (uint32_t[]){7, 8, 9}, 3 * sizeof(*groups));
    fop->cred = (struct cred){.uid = 5, .nr_groups = 3, .groups = groups};
    fop->flags = FOP_NOWAIT;
    fop->class = CLASS_LEAST;
    child = fop_child(fop, FOP_STAT, freed_by_its_owner, &done);
    assert_ptr_equal(child->parent, fop);
    child->parent = NULL; /* it goes on alone */
    fop_free(fop);
    assert_int_equal(child->cred.uid, 5);
    assert_int_equal(child->cred.groups[2], 9);
    assert_int_equal(child->class, CLASS_LEAST);
    assert_int_equal(child->flags, FOP_NOWAIT);
    fop_submit(g->top, child);
    assert_int_equal(done, 1);
}

static void its_memory_is_zeroed_aligned_and_as_large_as_asked(void **state)
{
    struct fop *fop = fop_new(*state, FOP_READDIR);
    static const size_t sizes[] = {1, 15, 16, 200, 100, 3000, 5000, 1, 200000, 64, 0};

    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < array_len(sizes); i++) {
            uint8_t *mem = fop_alloc(fop, sizes[i]);
            assert_non_null(mem);
            assert_int_equal((uintptr_t)mem % 16, 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(mem[k], 0);
            memset(mem, 0xff, sizes[i]);
        }
    }
    assert_string_equal(fop_str(fop, "name-and-more", 4), "name");
    assert_string_equal(fop_str(fop, NULL, 0), "");
    assert_null(fop_alloc(fop, SIZE_MAX));
    assert_null(fop_str(fop, "", SIZE_MAX));
    fop_free(fop);
}

static void freeing_it_drops_all_that_it_holds(void **state)
{
    struct graph *g = *state;
    struct fop *fop = fop_new(g, FOP_WRITE);
    struct inode *in = inode_get(g->inodes, gfid_root);

    fop->loc.inode = inode_ref(in);
    fop->loc.parent = inode_ref(in);
    fop->loc2.inode = inode_ref(in);
    fop->fd = fd_new(g, in, NULL, 0, false);
    fop->out.fd = fd_ref(fop->fd);
    fop->out.inode = in;
    fop->xdata = dict_new();
    fop->out.dict = dict_ref(fop->xdata);
    assert_int_equal(dict_set_i64(fop_xdata_out(fop), "n", 1), 0);
    assert_ptr_equal(fop_xdata_out(fop), fop->xdata_out);
    assert_int_equal(slicev_add(&fop->in.write.data, slice_new(process.env.bufs, 100)), 0);
    assert_int_equal(slicev_add(&fop->out.data, slice_new(process.env.bufs, 40000)), 0);
    fop->keep = slice_new(process.env.bufs, 5);
    fop->out.nr_entries = 2;
    fop->out.entries = calloc(2, sizeof(*fop->out.entries));
    fop->out.entries[1].xdata = dict_new();
    fop->client = client_new(g, "someone", &process.census);
    fop_free(fop);
    assert_int_equal(inode_table_counts(g->inodes).active, 0);
    assert_int_equal(counter_get(&process.census.now[CENSUS_CLIENTS]), 0);

    for (enum fop_op op = 0; op < NR_FOPS; op++) { /* those with dicts among their arguments, and all others */
        fop = fop_new(g, op);
        if (op == FOP_SETXATTR || op == FOP_FSETXATTR)
            fop->in.setxattr.dict = dict_new();
        if (op == FOP_XATTROP || op == FOP_FXATTROP)
            fop->in.xattrop.dict = dict_new();
        fop_free(fop);
    }
}

static void every_operation_has_a_name(void **state)
{
    for (enum fop_op op = 0; op < NR_FOPS; op++)
        assert_non_null(fop_name(op));
    assert_string_equal(fop_name(FOP_LOOKUP), "LOOKUP");
    assert_string_equal(fop_name(FOP_NULL), "NULL");
    assert_string_equal(fop_name(NR_FOPS), "unknown");
    assert_int_equal(fop_class(FOP_LOOKUP), CLASS_HIGH);
    assert_int_equal(fop_class(FOP_WRITE), CLASS_LOW);
}

/* ---- parking ------------------------------------------------------------------------------------------------------------- */
static void completed_by_the_canceller(struct fop *fop, void *ctx)
{
    atomic_fetch_add((atomic_uint *)ctx, 1);
    fop_fail(fop, fop->cancel_err);
}

static void a_parked_fop_has_one_way_out(void **state)
{
    struct fop *fop = fop_new(*state, FOP_STAT);
    atomic_uint cancelled = 0;

    assert_true(fop_park(fop, completed_by_the_canceller, &cancelled));
    assert_true(fop_unpark(fop));
    assert_true(fop_park(fop, completed_by_the_canceller, &cancelled));
    assert_true(fop_cancel(fop, ENOTCONN));
    assert_false(fop_cancel(fop, EINTR));
    assert_false(fop_unpark(fop));
    assert_int_equal(fop->cancel_err, ENOTCONN);
    fop_free(fop);

    fop = fop_new(*state, FOP_STAT);
    assert_false(fop_cancel(fop, EINTR)); /* it runs: told when it wants to park */
    assert_false(fop_park(fop, completed_by_the_canceller, &cancelled));
    assert_int_equal(fop->cancel_err, EINTR);
    assert_int_equal(cancelled, 0);
    fop_free(fop);
}

/* One thread parks, one grants, one cancels, at the same time; one of them completes it. What the holder wrote before it
 * parked is read by whoever goes on, without a lock: ThreadSanitizer says whether that is in order. */
#define RACES 20000
struct race {
    struct fop *fop;
    unsigned int note;        /* written by the holder, read by the one that goes on */
    atomic_uint granted, cancelled, refused;
    atomic_uint round, ready; /* of the others: spinning start line */
    struct graph *graph;
};

static void race_cancelled(struct fop *fop, void *ctx)
{
    struct race *r = ctx;

    assert(r->note == 1); /* cmocka's own are for the test's thread */
    atomic_fetch_add(&r->cancelled, 1);
}

static void wait_for_round(struct race *r, unsigned int round)
{
    while (atomic_load(&r->round) < round)
        sched_yield();
}

static void *granter(void *arg)
{
    struct race *r = arg;

    for (unsigned int i = 1; i <= RACES; i++) {
        wait_for_round(r, i);
        for (int tries = 0; tries < 3; tries++) {
            if (fop_unpark(r->fop)) {
                assert(r->note == 1);
                atomic_fetch_add(&r->granted, 1);
                break;
            }
        }
        atomic_fetch_add(&r->ready, 1);
    }
    return NULL;
}

static void *canceller(void *arg)
{
    struct race *r = arg;

    for (unsigned int i = 1; i <= RACES; i++) {
        wait_for_round(r, i);
        if (fop_cancel(r->fop, ECANCELED))
            r->fop->cancelled(r->fop, r->fop->cancel_ctx);
        atomic_fetch_add(&r->ready, 1);
    }
    return NULL;
}

static void granter_and_canceller_never_both_get_it(void **state)
{
    struct race r = {.graph = *state};
    pthread_t threads[2];

    thread_start(&threads[0], "granter", THREAD_STACK, granter, &r, &process.census);
    thread_start(&threads[1], "canceller", THREAD_STACK, canceller, &r, &process.census);
    for (unsigned int i = 1; i <= RACES; i++) {
        r.fop = fop_new(r.graph, FOP_LK);
        r.note = 0;
        unsigned int before = r.granted + r.cancelled + r.refused;
        atomic_store(&r.ready, 0);
        atomic_store(&r.round, i);
        r.note = 1;
        if (!fop_park(r.fop, race_cancelled, &r)) {
            assert_int_equal(r.fop->cancel_err, ECANCELED);
            r.refused++;
        }
        while (atomic_load(&r.ready) < 2)
            sched_yield();
        unsigned int after = r.granted + r.cancelled + r.refused;
        assert_int_equal(after, before + 1);
        fop_free(r.fop);
    }
    thread_join(threads[0], &process.census);
    thread_join(threads[1], &process.census);
    assert_int_equal(r.granted + r.cancelled + r.refused, RACES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_goes_down_and_comes_back_past_those_who_do_not_care, begin, end),
        cmocka_unit_test_setup_teardown(an_operation_that_nobody_handles_is_not_supported, begin, end),
        cmocka_unit_test_setup_teardown(results_are_brought_into_form, begin, end),
        cmocka_unit_test_setup_teardown(the_owner_may_free_it_when_it_is_back, begin, end),
        cmocka_unit_test_setup_teardown(a_million_children_in_a_chain_need_no_more_stack_than_ten, begin, end),
        cmocka_unit_test_setup_teardown(a_failure_is_logged_once_by_who_failed_and_only_for_those_who_debug, begin, end),
        cmocka_unit_test_setup_teardown(what_a_handler_submits_runs_after_it_and_in_order, begin, end),
        cmocka_unit_test_setup_teardown(a_child_has_its_own_copy_of_the_caller, begin, end),
        cmocka_unit_test_setup_teardown(its_memory_is_zeroed_aligned_and_as_large_as_asked, begin, end),
        cmocka_unit_test_setup_teardown(freeing_it_drops_all_that_it_holds, begin, end),
        cmocka_unit_test_setup_teardown(every_operation_has_a_name, begin, end),
        cmocka_unit_test_setup_teardown(a_parked_fop_has_one_way_out, begin, end),
        cmocka_unit_test_setup_teardown(granter_and_canceller_never_both_get_it, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
