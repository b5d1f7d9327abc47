/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A volume over a storage that keeps nothing but locks, and says what it was asked. */
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "log.h"
#include "loop.h"
#include "testing.h"

/* ---- the storage --------------------------------------------------------------------------------------------------------- */
struct fake {
    bool silent;  /* says nothing at PARENT_UP */
    bool refuses_open;
    int64_t live;
};
static const struct option options[] = {
    OPT_BOOL("silent", struct fake, silent, false, "-"),
    OPT_BOOL("refuses-open", struct fake, refuses_open, false, "-"),
    OPT_INT("live", struct fake, live, "0", 0, 9, "-", .flags = OPTION_LIVE),
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
    struct xlator *holder;   /* of the one lock that there is; by graph */
    uint8_t owner;
    struct fop *waiter;      /* LK that waits */
    unsigned int asked, lookups, opens, flushes, unlocks, parent_downs, locks;
    int last_flags;
} seen;

static void fake_lookup(struct xlator *xl, struct fop *fop)
{
    seen.lookups++;
    fop->out.inode = inode_ref(fop->loc.inode);
    fop_complete(fop, 0, 0);
}

static void fake_open(struct xlator *xl, struct fop *fop)
{
    struct fake *fake = xl->priv;

    if (fake->refuses_open) {
        fop_fail(fop, EIO);
        return;
    }
    pthread_mutex_lock(&lock);
    seen.opens++;
    seen.last_flags = fop->in.open.flags;
    pthread_mutex_unlock(&lock);
    fop->out.fd = fd_new(xl->graph, fop->loc.inode, NULL, fop->in.open.flags, false);
    fop_complete(fop, 0, 0);
}

static void fake_flush(struct xlator *xl, struct fop *fop)
{
    seen.flushes++;
    fop_complete(fop, 0, 0);
}

static void fake_fstat(struct xlator *xl, struct fop *fop)
{
    fop->out.stat.ino = (uint64_t)xl->graph->id;
    fop_complete(fop, 0, 0);
}

static void fake_lk(struct xlator *xl, struct fop *fop)
{
    bool unlock = fop->in.lk.flock.type == RANGE_UNLOCK, mine;

    pthread_mutex_lock(&lock);
    mine = seen.holder == xl && seen.owner == fop->cred.owner[0];
    if (unlock) {
        if (mine)
            seen.holder = NULL;
        seen.unlocks++;
    } else if (!seen.holder || mine) {
        seen.holder = xl;
        seen.owner = fop->cred.owner[0];
        seen.locks++;
    } else if (fop->in.lk.cmd == LK_SETW) {
        seen.waiter = fop;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
        return;
    } else {
        pthread_mutex_unlock(&lock);
        fop_fail(fop, EAGAIN);
        return;
    }
    pthread_mutex_unlock(&lock);
    fop_complete(fop, 0, 0);
}

static void fake_fgetxattr(struct xlator *xl, struct fop *fop)
{
    struct fop *waiter = NULL;

    if (!strncmp(fop->in.getxattr.name, "glusterfs.intrlk.tposix.kblocked.0,5-10", 40)) {
        pthread_mutex_lock(&lock);
        seen.asked++;
        waiter = seen.waiter;
        seen.waiter = NULL;
        pthread_mutex_unlock(&lock);
    }
    if (waiter)
        fop_fail(waiter, EINTR);
    fop_fail(fop, ENODATA);
}

static void fake_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct fake *fake = xl->priv;

    if (event == EVENT_PARENT_UP && !fake->silent)
        xlator_notify_up(xl, EVENT_CHILD_UP, NULL);
    if (event == EVENT_PARENT_DOWN)
        seen.parent_downs++;
}

static const struct xlator_type fake_type = {
    .name = "test/fake", .leaf = true, .priv_size = sizeof(struct fake), .options = options, .nr_options = array_len(options),
    .notify = fake_notify,
    .on = {[FOP_LOOKUP] = fake_lookup, [FOP_OPEN] = fake_open, [FOP_FLUSH] = fake_flush, [FOP_FSTAT] = fake_fstat, [FOP_LK] = fake_lk,
           [FOP_FGETXATTR] = fake_fgetxattr},
};
const struct xlator_type *const xlator_types[] = {&fake_type, NULL};

/* ---- a volume ------------------------------------------------------------------------------------------------------------ */
static struct process process;
static pthread_t loop_thread;
static struct volume *volume;
static unsigned int child_events, switches;
static int last_switch;

static void *run_loop(void *arg)
{
    loop_run(process.env.loop);
    return NULL;
}

static void child_event(void *host, bool up)
{
    SCOPED_LOCK(&lock);
    child_events++;
    pthread_cond_broadcast(&changed);
}

static void switched(void *host, int failed, const char *sentence)
{
    SCOPED_LOCK(&lock);
    switches++;
    last_switch = failed;
    pthread_cond_broadcast(&changed);
}
static const struct volume_host host = {.child_event = child_event, .switched = switched};

static struct graph *parse(const char *name, const char *option)
{
    struct graph *g;
    struct err err = {0};
    char text[256];
    int n = snprintf(text, sizeof(text), "volume %s\n type test/fake\n %s\nend-volume\n", name, option);

    if (graph_parse(&process, "test", text, (size_t)n, NULL, 0, &g, &err) < 0)
        fail_msg("%s", err.text);
    return g;
}

static void start(const char *option)
{
    struct err err = {0};

    assert_int_equal(volume_start(volume, parse("first", option), &err), 0);
    pthread_create(&loop_thread, NULL, run_loop, NULL);
}

static void offer(struct graph *g)
{
    pthread_mutex_lock(&lock);
    unsigned int before = switches;
    pthread_mutex_unlock(&lock);
    volume_offer(volume, g);
    pthread_mutex_lock(&lock);
    while (switches == before)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static int setup(void **state)
{
    testing_process(&process);
    volume = volume_new(&process, 100, &host, NULL);
    memset(&seen, 0, sizeof(seen));
    child_events = switches = 0;
    return !volume;
}

static int teardown(void **state)
{
    volume_close(volume);
    loop_stop(process.env.loop);
    pthread_join(loop_thread, NULL);
    volume_free(volume);
    testing_process_done(&process);
    return 0;
}

static const gfid_t some = {{[0] = 7}};

static struct vfile *open_file(int flags)
{
    struct vop op;
    struct vfile *f;

    assert_int_equal(vop_init(&op, volume, FOP_OPEN), 0);
    op.node = vnode_get(volume, some);
    op.fop->in.open.flags = flags;
    vop_run(&op);
    assert_int_equal(op.fop->ret, 0);
    f = op.out_file;
    op.out_file = NULL;
    vop_done(&op);
    assert_non_null(f);
    return f;
}

/* The graph's number, or -errno. */
static int64_t fstat_of(struct vfile *f)
{
    struct vop op;
    int64_t r;

    assert_int_equal(vop_init(&op, volume, FOP_FSTAT), 0);
    op.file = vfile_ref(f);
    vop_run(&op);
    r = op.fop->ret < 0 ? -op.fop->err : (int64_t)op.fop->out.stat.ino;
    vop_done(&op);
    return r;
}

static void lk_of(struct vop *op, struct vfile *f, uint8_t owner, uint32_t type)
{
    assert_int_equal(vop_init(op, volume, FOP_LK), 0);
    op->file = vfile_ref(f);
    op->fop->in.lk.cmd = LK_SETW;
    op->fop->in.lk.flock = (struct flock_range){.type = type, .start = 5, .len = 10};
    op->fop->cred.owner_len = 1;
    op->fop->cred.owner[0] = owner;
}

static int lock_now(struct vfile *f, uint8_t owner, uint32_t type)
{
    struct vop op;
    int r;

    lk_of(&op, f, owner, type);
    vop_run(&op);
    r = op.fop->ret < 0 ? -op.fop->err : 0;
    vop_done(&op);
    return r;
}

static void came(struct vop *op, void *ctx)
{
    SCOPED_LOCK(&lock);
    *(bool *)ctx = true;
    pthread_cond_broadcast(&changed);
}

static void wait_for(const bool *flag)
{
    SCOPED_LOCK(&lock);
    while (!*flag)
        pthread_cond_wait(&changed, &lock);
}

static struct fop *wait_for_waiter(void)
{
    SCOPED_LOCK(&lock);
    while (!seen.waiter)
        pthread_cond_wait(&changed, &lock);
    return seen.waiter;
}

/* ---- what must be so ----------------------------------------------------------------------------------------------------- */

static void an_operation_waits_until_the_graph_has_said_something(void **state)
{
    struct vop op;
    bool done = false;

    start("option silent on");
    assert_int_equal(vop_init(&op, volume, FOP_OPEN), 0);
    op.node = vnode_get(volume, some);
    vop_submit(&op, came, &done);
    assert_int_equal(volume_counts(volume).waiting, 1);
    assert_false(done);
    xlator_notify_up(process.graph->first, EVENT_CHILD_DOWN, NULL);
    wait_for(&done);
    assert_int_equal(op.fop->ret, 0);
    assert_int_equal(seen.lookups, 1); /* the graph had not heard of it */
    assert_int_equal(child_events, 1);
    vop_done(&op);
}

static void one_that_waits_can_be_interrupted(void **state)
{
    struct vop op;
    bool done = false;

    start("option silent on");
    assert_int_equal(vop_init(&op, volume, FOP_STAT), 0);
    op.node = vnode_root(volume);
    vop_submit(&op, came, &done);
    vop_interrupt(&op);
    wait_for(&done);
    assert_int_equal(op.fop->err, EINTR);
    vop_done(&op);
}

static void *close_it(void *arg)
{
    volume_close(volume);
    return NULL;
}

static void nothing_waits_for_ever(void **state)
{
    struct vop op;
    bool done = false;

    start("option silent on");
    assert_int_equal(vop_init(&op, volume, FOP_STAT), 0);
    op.node = vnode_root(volume);
    vop_submit(&op, came, &done);

    pthread_t closer;
    pthread_create(&closer, NULL, close_it, NULL);
    wait_for(&done);
    assert_int_equal(op.fop->err, ENOTCONN);
    vop_done(&op);
    pthread_join(closer, NULL);
    assert_int_equal(vop_init(&op, volume, FOP_STAT), 0);
    vop_run(&op);
    assert_int_equal(op.fop->err, ENOTCONN);
    vop_done(&op);
}

static void the_same_shape_takes_new_options(void **state)
{
    struct graph *g;

    start("option live 0");
    g = process.graph;
    offer(parse("first", "option live 3"));
    assert_int_equal(last_switch, 0);
    assert_ptr_equal(process.graph, g);
    assert_int_equal(((struct fake *)g->top->priv)->live, 3);
    assert_int_equal(volume_counts(volume).generation, 0);
}

static void a_descriptor_and_its_lock_go_to_the_new_graph(void **state)
{
    start("option live 0");
    struct vfile *f = open_file(O_RDWR | O_CREAT | O_TRUNC);
    int64_t first = fstat_of(f);
    assert_int_equal(lock_now(f, 'a', RANGE_WRITE), 0);

    offer(parse("second", "option live 0"));
    assert_int_equal(last_switch, 0);
    assert_int_equal(fstat_of(f), first + 1);
    assert_int_equal(seen.last_flags, O_RDWR);
    assert_int_equal(seen.flushes, 1);
    assert_int_equal(seen.unlocks, 1);
    assert_ptr_equal(seen.holder, process.graph->top);
    assert_int_equal(lock_now(f, 'a', RANGE_UNLOCK), 0);

    offer(parse("third", "option live 0"));
    assert_int_equal(fstat_of(f), first + 2);
    assert_int_equal(seen.unlocks, 2); /* nothing was held any more */
    vfile_unref(f);
}

static void a_waiting_lock_is_asked_for_again(void **state)
{
    struct vop op;
    bool done = false;

    start("option live 0");
    struct vfile *f = open_file(O_RDWR), *other = open_file(O_RDWR);
    assert_int_equal(lock_now(f, 'a', RANGE_WRITE), 0);
    lk_of(&op, other, 'b', RANGE_WRITE);
    vop_submit(&op, came, &done);
    wait_for_waiter();
    offer(parse("second", "option live 0"));
    assert_false(done);
    assert_true(seen.asked >= 1);
    wait_for_waiter();
    assert_ptr_equal(seen.waiter->graph, process.graph);
    vop_interrupt(&op);
    wait_for(&done);
    assert_int_equal(op.fop->err, EINTR); /* this time for good */
    vop_done(&op);
    vfile_unref(f);
    vfile_unref(other);
}

static void a_descriptor_that_cannot_be_moved_is_lost_and_says_so(void **state)
{
    start("option live 0");
    struct vfile *f = open_file(O_RDONLY);
    log_set_level(LVL_NONE);
    offer(parse("second", "option refuses-open on"));
    log_set_level(LVL_INFO);
    assert_int_equal(fstat_of(f), -EBADFD);
    vfile_unref(f);
}

static void a_graph_that_does_not_come_up_changes_nothing(void **state)
{
    start("option live 0");
    struct vfile *f = open_file(O_RDONLY);
    int64_t first = fstat_of(f);
    volume_offer(volume, parse("second", "option silent on"));
    assert_int_equal(fstat_of(f), first);
    log_set_level(LVL_NONE);
    offer(parse("third", "option live 0"));
    log_set_level(LVL_INFO);
    pthread_mutex_lock(&lock);
    while (last_switch) /* "something newer came" for the second */
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    assert_int_equal(fstat_of(f), first + 2);
    vfile_unref(f);
}

static void the_kernels_count_keeps_an_object(void **state)
{
    start("option live 0");
    struct vnode *vn = vnode_get(volume, some);
    vnode_count(vn, 3);
    vnode_unref(vn);
    assert_ptr_equal(vnode_find(volume, some), vn);
    vnode_unref(vn);
    vnode_uncount(vn, 2);
    assert_ptr_equal(vnode_find(volume, some), vn);
    vnode_unref(vn);
    vnode_uncount(vn, 1);
    assert_null(vnode_find(volume, some));
    vn = vnode_get(volume, some);
    vnode_count(vn, 5);
    vnode_unref(vn);
    volume_forget_all(volume);
    assert_null(vnode_find(volume, some));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    log_set_level(LVL_WARNING);
    const struct CMUnitTest tests[] = {
        TEST(an_operation_waits_until_the_graph_has_said_something),
        TEST(one_that_waits_can_be_interrupted),
        TEST(nothing_waits_for_ever),
        TEST(the_same_shape_takes_new_options),
        TEST(a_descriptor_and_its_lock_go_to_the_new_graph),
        TEST(a_waiting_lock_is_asked_for_again),
        TEST(a_descriptor_that_cannot_be_moved_is_lost_and_says_so),
        TEST(a_graph_that_does_not_come_up_changes_nothing),
        TEST(the_kernels_count_keeps_an_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
