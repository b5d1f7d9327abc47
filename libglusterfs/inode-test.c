/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <assert.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#include "testing.h"
#include "thread.h"
#include "util.h"

/* ---- two translators with slots; their hooks note who was told --------------------------------------------------------------- */
static char told[64];

static void tell(struct xlator *xl, const char *what)
{
    if (strlen(told) + strlen(what) + 4 < sizeof(told))
        strcat(strcat(strcat(told, xl->name), what), " ");
}

static void forget(struct xlator *xl, struct inode *in, void *ctx)
{
    assert(ctx);
    tell(xl, "-");
    if (ctx != told)
        free(ctx);
}

static void release(struct xlator *xl, struct fd *fd, void *ctx)
{
    assert(ctx == told);
    assert(fd->inode);
    tell(xl, "+");
}

static const struct xlator_type storage = {.name = "storage", .leaf = true, .inode_slot = true, .fd_slot = true, .forget = forget,
                                           .release = release};
static const struct xlator_type plain = {.name = "plain"};
static const struct xlator_type upper = {.name = "upper", .inode_slot = true, .fd_slot = true, .forget = forget, .release = release};

static struct process process;

static int begin(void **state)
{
    told[0] = '\0';
    testing_process(&process);
    *state = testing_graph(&process, (struct testing_node[]){{.type = &storage}, {.type = &plain}, {.type = &upper}, {.type = NULL}});
    return 0;
}

static int end(void **state)
{
    testing_graph_free(*state);
    testing_process_done(&process); /* fails when an inode or fd is left */
    return 0;
}

static gfid_t number(uint32_t n)
{
    gfid_t g = {{[6] = 0x40, [8] = 0x80}};

    g.b[15] = (uint8_t)n;
    g.b[14] = (uint8_t)(n >> 8);
    g.b[13] = (uint8_t)(n >> 16);
    g.b[0] = 1;
    return g;
}

/* Makes and lets go of others until those without references before it have been pushed out. */
static void push_out(struct inode_table *t)
{
    inode_table_set_limit(t, 1);
    for (uint32_t i = 1000000; i < 1000200; i++)
        inode_unref(inode_get(t, number(i)));
}

/* ---- one object, one inode ------------------------------------------------------------------------------------------------------- */
static void the_same_gfid_is_the_same_inode(void **state)
{
    struct graph *g = *state;
    struct inode *a, *b;

    assert_null(inode_find(g->inodes, number(1)));
    a = inode_get(g->inodes, number(1));
    b = inode_get(g->inodes, number(1));
    assert_ptr_equal(a, b);
    assert_ptr_equal(inode_ref(a), a);
    inode_unref(a);
    inode_unref(b);
    inode_unref(a);
    inode_unref(NULL);
    assert_ptr_equal(inode_find(g->inodes, number(1)), a); /* cached */
    inode_unref(a);
    struct inode_counts c = inode_table_counts(g->inodes);
    assert_int_equal(c.active, 0);
    assert_int_equal(c.lru, 1);
}

static void all_of_many_are_found(void **state)
{
    struct graph *g = *state;
    enum { N = 50000 };
    struct inode **all = calloc(N, sizeof(struct inode *));

    inode_table_set_limit(g->inodes, 0);
    for (uint32_t i = 0; i < N; i++)
        all[i] = inode_get(g->inodes, number(i));
    assert_int_equal(inode_table_counts(g->inodes).active, N);
    for (uint32_t i = 0; i < N; i++) {
        struct inode *in = inode_find(g->inodes, number(i));
        assert_ptr_equal(in, all[i]);
        assert_true(gfid_equal(in->gfid, number(i)));
        inode_unref(in);
        inode_unref(in);
    }
    assert_int_equal(inode_table_counts(g->inodes).lru, N);
    free(all);
}

/* ---- slots and hooks --------------------------------------------------------------------------------------------------------------- */
static void a_slot_is_written_once_and_forgotten_from_the_bottom_up(void **state)
{
    struct graph *g = *state;
    struct inode *in = inode_get(g->inodes, number(1));
    int other;

    assert_null(inode_ctx(in, g->first));
    assert_ptr_equal(inode_ctx_set(in, g->first, told), told);
    assert_ptr_equal(inode_ctx_set(in, g->first, &other), told); /* the first wins */
    assert_ptr_equal(inode_ctx(in, g->first), told);
    assert_null(inode_ctx(in, g->top));
    inode_ctx_set(in, g->top, told);
    inode_unref(in);
    assert_string_equal(told, "");
    inode_unref(inode_get(g->inodes, number(2))); /* without contexts: nobody is told */
    push_out(g->inodes);
    assert_string_equal(told, "x0- x2- ");
}

static void a_dropped_inode_goes_with_its_last_reference(void **state)
{
    struct graph *g = *state;
    struct inode *in = inode_get(g->inodes, number(1));

    inode_ctx_set(in, g->first, told);
    inode_drop(in);
    assert_ptr_equal(inode_find(g->inodes, number(1)), in); /* by those who have it open */
    inode_unref(in);
    assert_string_equal(told, "");
    inode_unref(in);
    assert_string_equal(told, "x0- ");
    assert_null(inode_find(g->inodes, number(1)));
}

/* ---- the limit ------------------------------------------------------------------------------------------------------------- */
static void over_the_limit_the_unused_go_and_the_used_stay(void **state)
{
    struct graph *g = *state;
    struct inode *used[100];

    inode_table_set_limit(g->inodes, 10);
    for (uint32_t i = 0; i < 100; i++)
        used[i] = inode_get(g->inodes, number(i));
    for (uint32_t i = 100; i < 1100; i++) {
        inode_unref(inode_get(g->inodes, number(i)));
        assert_true(inode_table_counts(g->inodes).lru <= 10);
    }
    struct inode_counts c = inode_table_counts(g->inodes);
    assert_int_equal(c.active, 100);
    assert_int_equal(c.lru, 10);
    assert_int_equal(c.limit, 10);
    for (uint32_t i = 0; i < 100; i++) {
        assert_ptr_equal(inode_find(g->inodes, number(i)), used[i]);
        inode_unref(used[i]);
        inode_unref(used[i]);
    }
    inode_table_set_limit(g->inodes, 3);
    assert_int_equal(inode_table_counts(g->inodes).lru, 3);
}

/* The first n numbers of one shard: which ones those are depends on the table's key, a random one. */
static void numbers_of_a_shard(struct inode_table *t, uint32_t *to, unsigned int n)
{
    unsigned int found = 0;

    for (uint32_t i = 0; found < n; i++)
        if (inode_table_shard(t, number(i)) == inode_table_shard(t, number(0)))
            to[found++] = i;
}

static void in_a_shard_the_longest_unused_goes_first(void **state)
{
    enum { N = 20 };
    struct graph *g = *state;
    uint32_t n[N];

    numbers_of_a_shard(g->inodes, n, N);
    inode_table_set_limit(g->inodes, 0);
    for (unsigned int i = 0; i < N; i++)
        inode_unref(inode_get(g->inodes, number(n[i])));
    for (unsigned int i = 0; i < N / 2; i++) /* used again */
        inode_unref(inode_find(g->inodes, number(n[i])));
    inode_table_set_limit(g->inodes, N / 2);
    for (unsigned int i = 0; i < N; i++) {
        struct inode *in = inode_find(g->inodes, number(n[i]));

        assert_int_equal(in != NULL, i < N / 2);
        inode_unref(in);
    }
}

static void count_them(struct inode *in, void *ctx)
{
    assert_true(in->refs > 1);
    ++*(unsigned int *)ctx;
}

static void only_the_active_are_walked(void **state)
{
    struct graph *g = *state;
    struct inode *a = inode_get(g->inodes, number(1)), *b = inode_get(g->inodes, number(2));
    unsigned int n = 0;

    inode_unref(inode_get(g->inodes, number(3)));
    inode_table_each_active(g->inodes, count_them, &n);
    assert_int_equal(n, 2);
    inode_unref(a);
    inode_unref(b);
}

/* ---- threads: few objects, a limit of two, so that finding, evicting and making one again meet ----------------------------- */
#define OBJECTS 8
#define ROUNDS 30000
struct racer {
    struct graph *graph;
    unsigned int seed;
};
static atomic_uint users[OBJECTS]; /* who has object i's context, for the check below */

static void *race(void *arg)
{
    struct racer *r = arg;
    struct xlator *xl = r->graph->first;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        uint32_t n = (uint32_t)rand_r(&r->seed) % OBJECTS;
        struct inode *in = rand_r(&r->seed) % 4 ? inode_get(r->graph->inodes, number(n)) : inode_find(r->graph->inodes, number(n));
        if (!in)
            continue;
        assert(gfid_equal(in->gfid, number(n)));
        uint32_t *ctx = inode_ctx(in, xl);
        if (!ctx) {
            uint32_t *mine = malloc(sizeof(*mine));
            if (!mine)
                abort();
            *mine = n;
            ctx = inode_ctx_set(in, xl, mine);
            if (ctx != mine)
                free(mine);
        }
        assert(*ctx == n);
        if (rand_r(&r->seed) % 16 == 0)
            inode_drop(in);
        if (rand_r(&r->seed) % 64 == 0) {
            atomic_fetch_add(&users[n], 1);
            struct inode *again = inode_find(r->graph->inodes, number(n));
            assert(again == in); /* one inode per gfid while somebody has it */
            inode_unref(again);
        }
        inode_unref(in);
    }
    return NULL;
}

static void getting_and_evicting_race_and_nobody_gets_a_dead_one(void **state)
{
    struct graph *g = *state;
    struct racer racers[4];
    pthread_t threads[4];

    inode_table_set_limit(g->inodes, 2);
    for (unsigned int i = 0; i < 4; i++) {
        racers[i] = (struct racer){.graph = g, .seed = i + 1};
        assert_int_equal(thread_start(&threads[i], "racer", THREAD_STACK, race, &racers[i], NULL), 0);
    }
    for (unsigned int i = 0; i < 4; i++)
        thread_join(threads[i], NULL);
    struct inode_counts c = inode_table_counts(g->inodes);
    assert_int_equal(c.active, 0);
    assert_true(c.lru <= 2);
    assert_int_equal(counter_get(&process.census.now[CENSUS_INODES]), c.lru);
    unsigned int checked = 0;
    for (unsigned int i = 0; i < OBJECTS; i++)
        checked += users[i];
    assert_true(checked > 0);
}

/* ---- descriptors ----------------------------------------------------------------------------------------------------------- */
static void a_descriptor_is_released_from_the_top_down_once(void **state)
{
    struct graph *g = *state;
    struct inode *in = inode_get(g->inodes, number(1));
    struct fd *fd = fd_new(g, in, NULL, O_RDWR, false), *dir = fd_new(g, in, NULL, 0, true);

    assert_int_equal(in->fd_count, 2);
    assert_int_equal(fd->flags, O_RDWR);
    assert_true(dir->is_dir);
    inode_unref(in);
    assert_null(fd_ctx(fd, g->first));
    assert_ptr_equal(fd_ctx_set(fd, g->first, told), told);
    assert_ptr_equal(fd_ctx_set(fd, g->first, &in), told);
    assert_ptr_equal(fd_ctx_set(fd, g->top, told), told);
    fd_unref(fd_ref(fd));
    assert_string_equal(told, "");
    fd_unref(fd);
    assert_string_equal(told, "x2+ x0+ ");
    assert_int_equal(in->fd_count, 1);
    fd_unref(dir); /* without contexts: nobody is told */
    fd_unref(NULL);
    assert_string_equal(told, "x2+ x0+ ");
    assert_int_equal(inode_table_counts(g->inodes).active, 0);
}

static void an_anonymous_descriptor_does_not_count_as_open(void **state)
{
    struct graph *g = *state;
    struct inode *in = inode_get(g->inodes, number(1));
    struct fd *fd = fd_new_anonymous(g, in, O_RDONLY);

    assert_true(fd->anonymous);
    assert_int_equal(in->fd_count, 0);
    fd_unref(fd);
    assert_int_equal(in->fd_count, 0);
    inode_unref(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_gfid_is_the_same_inode, begin, end),
        cmocka_unit_test_setup_teardown(all_of_many_are_found, begin, end),
        cmocka_unit_test_setup_teardown(a_slot_is_written_once_and_forgotten_from_the_bottom_up, begin, end),
        cmocka_unit_test_setup_teardown(a_dropped_inode_goes_with_its_last_reference, begin, end),
        cmocka_unit_test_setup_teardown(over_the_limit_the_unused_go_and_the_used_stay, begin, end),
        cmocka_unit_test_setup_teardown(in_a_shard_the_longest_unused_goes_first, begin, end),
        cmocka_unit_test_setup_teardown(only_the_active_are_walked, begin, end),
        cmocka_unit_test_setup_teardown(getting_and_evicting_race_and_nobody_gets_a_dead_one, begin, end),
        cmocka_unit_test_setup_teardown(a_descriptor_is_released_from_the_top_down_once, begin, end),
        cmocka_unit_test_setup_teardown(an_anonymous_descriptor_does_not_count_as_open, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
