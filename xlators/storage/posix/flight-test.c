/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Transfers by an engine: by those of the kernel, and by one that does what the test says. */
#include "config.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "engine.h"
#include "pool.h"
#include "test-brick.h"

static struct posix *posix_of(struct brick *b)
{
    return testing_xlator(b->g, 0)->priv;
}
static struct engine *engine_of(struct brick *b)
{
    return atomic_load(&posix_of(b)->engine);
}
static int64_t taken(struct brick *b)
{
    return counter_get(&engine_of(b)->taken);
}

/* Counters are written when the answer is out already. */
static bool quiet_with(struct brick *b, int64_t at_least)
{
    for (unsigned int i = 0; i < 20000; i++, usleep(100))
        if (atomic_load(&engine_of(b)->in_flight) == 0 && atomic_load(&engine_of(b)->submitting) == 0)
            return taken(b) >= at_least;
    return false;
}

/* The brick with this engine, or skips. */
static void up_with(struct brick *b, const char *option, const char *more)
{
    brick_down(b);
    brick_up(b, (const char *[]){option, "on", more, more ? "on" : NULL, NULL});
    if (!engine_of(b)) {
        print_message("skipped: the kernel refuses %s\n", option);
        skip();
    }
}

static void change(struct brick *b, const char *aio, const char *uring)
{
    struct xlator *xl = testing_xlator(b->g, 0);
    struct optset set = {0};
    struct err err = {0};
    const char *const pair[][2] = {{"directory", b->dir}, {"health-check-interval", "0"}, {"linux-aio", aio}, {"linux-io_uring", uring}};
    for (unsigned int i = 0; i < array_len(pair); i++)
        assert_int_equal(optset_add(&set, pair[i][0], pair[i][1], "test", 1), 0);
    assert_int_equal(xl->type->reconfigure(xl, &set, &err), 0);
    optset_done(&set);
}

static unsigned char *pattern(size_t n, unsigned int seed)
{
    unsigned char *at = malloc(n);
    assert_non_null(at);
    for (size_t i = 0; i < n; i++)
        at[i] = (unsigned char)((i + seed) * 2654435761u >> 13);
    return at;
}

static struct fop *write_fop(struct brick *b, struct fd *fd, uint64_t off, const void *bytes, size_t len)
{
    struct fop *fop = make(b, FOP_WRITE);
    fop->fd = fd_ref(fd);
    fop->in.write.offset = off;
    fop->in.write.size = (uint32_t)len;
    for (size_t at = 0; at < len;) { /* in odd pieces, as a record may be cut */
        size_t n = min_of(len - at, (size_t)70001);
        struct iobuf *buf = iobuf_new(b->process.env.bufs, n);
        memcpy(buf->data, (const char *)bytes + at, n);
        assert_int_equal(slicev_add(&fop->in.write.data, slice_of(buf, n)), 0);
        at += n;
    }
    return fop;
}

static struct fop *read_fop(struct brick *b, struct fd *fd, uint64_t off, size_t len)
{
    struct fop *fop = make(b, FOP_READ);
    fop->fd = fd_ref(fd);
    fop->in.read.offset = off;
    fop->in.read.size = (uint32_t)len;
    return fop;
}

static void expect_read(struct brick *b, struct fd *fd, uint64_t off, size_t ask, const void *bytes, size_t len, unsigned int flags)
{
    struct fop *fop = read_fop(b, fd, off, ask);
    char *back = malloc(len + 1);
    fop->flags |= flags;
    assert_int_equal(run(b, fop), len);
    assert_int_equal(fop->out.data.len, len);
    slicev_copy_out(&fop->out.data, 0, back, len);
    assert_memory_equal(back, bytes, len);
    assert_int_equal(fop->err, off + ask >= fop->out.stat.size ? ENOENT : 0);
    done(fop);
    free(back);
}

static int sync_fd(struct brick *b, struct fd *fd, bool data_only)
{
    struct fop *fop = make(b, FOP_FSYNC);
    fop->fd = fd_ref(fd);
    fop->in.fsync.data_only = data_only;
    int r = run(b, fop);
    if (r >= 0)
        assert_int_equal(fop->out.pre.size, fop->out.post.size);
    done(fop);
    return r;
}

/* ---- both engines ---- */

static void carries(struct brick *b, int flags, unsigned int by_engine)
{
    const size_t size = 3 * MiB + 8192;
    unsigned char *data = pattern(size, 1);
    struct inode *in;
    struct fd *fd, *other;
    assert_int_equal(do_create(b, b->root, "f", &in, &other), 0);
    assert_int_equal(do_open(b, in, O_RDWR | flags, &fd), 0);
    int64_t before = taken(b);
    for (unsigned int i = 0; i < 2; i++) {
        unsigned int nowait = i ? FOP_NOWAIT : 0;
        struct fop *fop = write_fop(b, fd, 4096, data, size);
        fop->flags |= nowait;
        assert_int_equal(run(b, fop), size);
        assert_int_equal(fop->out.pre.size, i ? size + 4096 : 0);
        assert_int_equal(fop->out.post.size, size + 4096);
        done(fop);
        assert_int_equal(sync_fd(b, fd, i), 0);
        expect_read(b, fd, 4096, size, data, size, nowait);
        expect_read(b, fd, 4096 + size - 4096, 8192, data + size - 4096, 4096, nowait);
        expect_read(b, fd, 4096 + size + 4096, 4096, "", 0, nowait);
    }
    expect_read(b, other, 4096, size, data, size, 0);
    assert_true(quiet_with(b, before + by_engine));
    assert_int_equal(atomic_load(&pnode_of(posix_of(b), in)->pending), 0);
    close_fd(b, &fd);
    close_fd(b, &other);
    let_go(&in);
    free(data);
}
static void io_uring_carries_reads_writes_and_syncs(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-io_uring", NULL);
    carries(b, 0, 9);
}
static void io_uring_carries_direct_transfers(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-io_uring", NULL);
    carries(b, O_DIRECT, 10);
}
static void aio_carries_direct_transfers(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-aio", NULL);
    carries(b, O_DIRECT, 10);
}
static void aio_leaves_others_to_workers_but_for_fsync(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-aio", NULL);
    carries(b, 0, 2);
    assert_int_equal(taken(b), 2);
}

/* What blocks do not fit goes through the page cache, also where it appends; nothing is read that the descriptor may not. */
static void direct_transfers_of_any_size(struct brick *b)
{
    unsigned char *data = pattern(20000, 2);
    struct inode *in;
    struct fd *fd;
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_int_equal(do_open(b, in, O_RDWR | O_DIRECT, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, data, 8192), 8192);
    assert_int_equal(do_write(b, fd, NULL, 8192, data + 8192, 1000), 1000);
    assert_int_equal(do_write(b, fd, NULL, 5, data + 5, 4096), 4096);
    expect_read(b, fd, 0, 9192, data, 9192, 0);
    expect_read(b, fd, 3, 100, data + 3, 100, FOP_NOWAIT);
    expect_read(b, fd, 4096, 4096, data + 4096, 4096, 0);
    close_fd(b, &fd);
    assert_int_equal(do_open(b, in, O_WRONLY | O_APPEND | O_DIRECT, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, data + 9192, 10), 10);
    assert_int_equal(do_read(b, fd, NULL, 1, data, 10), -EBADF);
    close_fd(b, &fd);
    assert_int_equal(do_open(b, in, O_RDONLY, &fd), 0);
    expect_read(b, fd, 0, 9202, data, 9202, 0);
    close_fd(b, &fd);
    let_go(&in);
    free(data);
}
static void direct_transfers_of_any_size_work_with_io_uring(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-io_uring", NULL);
    direct_transfers_of_any_size(b);
}
static void direct_transfers_of_any_size_work_with_aio(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-aio", NULL);
    direct_transfers_of_any_size(b);
}

/* Many at once, from a thread that does not wait, while the options change. */
struct flight_of_many {
    sem_t back;
    atomic_int bad;
};
static void one_back(struct fop *fop, void *ctx)
{
    struct flight_of_many *f = ctx;
    if (fop->ret != (int)fop->in.write.size || fop->out.post.size < fop->in.write.size)
        atomic_fetch_add(&f->bad, 1);
    sem_post(&f->back);
}
static void each_of_many_appending_writes_is_there_once(void **state)
{
    struct brick *b = brick_of(state);
    enum { N = 600, LEN = 512 };
    up_with(b, "linux-io_uring", NULL);
    struct flight_of_many f = {.bad = 0};
    struct inode *in;
    struct fd *fd;
    struct fop *all[N];
    char line[LEN], seen[N] = {0};
    sem_init(&f.back, 0, 0);
    assert_int_equal(do_create(b, b->root, "f", &in, NULL), 0);
    assert_int_equal(do_open(b, in, O_RDWR | O_APPEND, &fd), 0);
    for (int i = 0; i < N; i++) {
        memset(line, 'a' + i % 26, LEN);
        memcpy(line, &i, sizeof(i));
        all[i] = write_fop(b, fd, 0, line, LEN);
        all[i]->flags |= FOP_NOWAIT;
        if (i % 2)
            stamp(all[i], TIME_MTIME, 1000 + (uint64_t)i, 0);
        fop_push(all[i], one_back, &f);
        fop_submit(b->g->top, all[i]);
        if (i == N / 3)
            change(b, "on", "off");
        if (i == N / 2)
            change(b, "off", "off");
        if (i == N * 2 / 3)
            change(b, "off", "on");
    }
    for (int i = 0; i < N; i++)
        while (sem_wait(&f.back) < 0)
            ;
    assert_int_equal(f.bad, 0);
    for (int i = 0; i < N; i++)
        done(all[i]);
    int os = open(brick_path(b, "f"), O_RDONLY);
    for (int i = 0; i < N; i++) {
        int k;
        assert_int_equal(read(os, line, LEN), LEN);
        memcpy(&k, line, sizeof(k));
        assert_in_range(k, 0, N - 1);
        assert_int_equal(seen[k]++, 0);
        assert_int_equal(line[LEN - 1], 'a' + k % 26);
    }
    assert_int_equal(read(os, line, 1), 0);
    close(os);
    assert_int_equal(atomic_load(&pnode_of(posix_of(b), in)->pending), 0);
    struct iatt st;
    assert_int_equal(do_stat(b, in, &st), 0);
    assert_int_equal(st.mtime, 1000 + N - 1);
    close_fd(b, &fd);
    let_go(&in);
    sem_destroy(&f.back);
}

static void the_option_changes_while_the_brick_serves(void **state)
{
    struct brick *b = brick_of(state);
    up_with(b, "linux-io_uring", "linux-aio"); /* both: the better one */
    assert_string_equal(engine_of(b)->type->name, "io_uring");
    change(b, "on", "off");
    assert_string_equal(engine_of(b)->type->name, "linux-aio");
    change(b, "off", "off");
    assert_null(engine_of(b));
    change(b, "off", "on");
    assert_string_equal(engine_of(b)->type->name, "io_uring");
}

/* As below a container's filter: on a thread of its own, whose children inherit it. */
struct filtered {
    struct brick *b;
    unsigned int refused; /* log lines */
    bool filtered;
};
static void listen_to_log(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    struct filtered *f = ctx;
    f->refused += strstr(text, "option linux-io_uring: the kernel refuses it: Operation not permitted") != NULL;
    f->refused += strstr(text, "option linux-aio: the kernel refuses it: Operation not permitted") != NULL;
}

static void *below_a_filter(void *arg)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog prog = {array_len(code), code};
    struct filtered *f = arg;
    log_sink_fn was;
    void *was_ctx;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
        return NULL;
    f->filtered = true;
    log_get_sink(&was, &was_ctx);
    log_set_sink(listen_to_log, f);
    brick_up(f->b, (const char *[]){"linux-io_uring", "on", "linux-aio", "on", NULL});
    change(f->b, "on", "on"); /* not said again */
    log_set_sink(was, was_ctx);
    return NULL;
}

static void what_the_kernel_forbids_is_said_once_and_workers_do_it(void **state)
{
    struct brick *b = brick_of(state);
    struct filtered f = {.b = b};
    struct fd *fd;
    pthread_t t;
    brick_down(b);
    assert_int_equal(pthread_create(&t, NULL, below_a_filter, &f), 0);
    pthread_join(t, NULL);
    if (!f.filtered) {
        print_message("skipped: no seccomp here\n");
        skip();
    }
    assert_int_equal(f.refused, 2);
    assert_null(engine_of(b));
    assert_int_equal(do_create(b, b->root, "f", NULL, &fd), 0);
    assert_int_equal(do_write(b, fd, NULL, 0, "0123456789", 10), 10);
    expect_read(b, fd, 0, 10, "0123456789", 10, FOP_NOWAIT);
    close_fd(b, &fd);
    change(b, "off", "off");
    change(b, "off", "on"); /* asked again, from a thread that may */
    if (engine_of(b))
        assert_string_equal(engine_of(b)->type->name, "io_uring");
}

/* ---- an engine that does what it is told ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct engine_io *io[16];
    unsigned int n, seen;
    bool ending;
    unsigned int at_most;        /* bytes in one go; 0: all */
    int fails[8];                /* by number of transfer: 0: it is done; else this */
    int refuses;                 /* what submit() says */
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int fake_start(struct engine *e)
{
    return 0;
}
static int fake_submit(struct engine *e, struct engine_io *io)
{
    SCOPED_LOCK(&fake.lock);
    if (fake.refuses)
        return fake.refuses;
    fake.io[fake.n++] = io;
    pthread_cond_signal(&fake.changed);
    return 0;
}
static ssize_t fake_transfer(struct engine_io *io)
{
    unsigned int number = fake.seen++;
    if (number < array_len(fake.fails) && fake.fails[number])
        return fake.fails[number];
    if (io->what >= ENGINE_FSYNC)
        return fsync(io->fd) < 0 ? -errno : 0;
    struct iovec one = io->iov[0];
    if (fake.at_most)
        one.iov_len = min_of(one.iov_len, (size_t)fake.at_most);
    ssize_t r = io->what == ENGINE_READ ? preadv(io->fd, &one, 1, io->offset) : pwritev(io->fd, &one, 1, io->offset);
    return r < 0 ? -errno : r;
}
static bool fake_turn(struct engine *e)
{
    pthread_mutex_lock(&fake.lock);
    while (!fake.n && !fake.ending)
        pthread_cond_wait(&fake.changed, &fake.lock);
    struct engine_io *io = fake.n ? fake.io[--fake.n] : NULL;
    ssize_t r = io ? fake_transfer(io) : 0;
    pthread_mutex_unlock(&fake.lock);
    if (io)
        engine_done(e, io, r);
    return io != NULL;
}
static void fake_wake(struct engine *e)
{
    SCOPED_LOCK(&fake.lock);
    fake.ending = true;
    pthread_cond_signal(&fake.changed);
}
static void fake_stop(struct engine *e)
{
}
static const struct engine_type engine_fake = {"fake", .start = fake_start, .submit = fake_submit, .turn = fake_turn, .wake = fake_wake,
                                               .stop = fake_stop};

static struct fd *with_fake(struct brick *b, const void *bytes, size_t len)
{
    struct posix *p = posix_of(b);
    struct fd *fd;
    fake.n = fake.seen = fake.at_most = 0;
    fake.ending = false;
    fake.refuses = 0;
    memset(fake.fails, 0, sizeof(fake.fails));
    assert_int_equal(do_create(b, b->root, "f", NULL, &fd), 0);
    if (len)
        assert_int_equal(do_write(b, fd, NULL, 0, bytes, len), len);
    assert_int_equal(engine_new(&engine_fake, b->process.env.census, &p->engines[ENGINE_URING]), 0);
    atomic_store(&p->engine, p->engines[ENGINE_URING]);
    return fd;
}

static void short_transfers_are_continued(void **state)
{
    struct brick *b = brick_of(state);
    unsigned char *data = pattern(300000, 3);
    struct fd *fd = with_fake(b, NULL, 0);
    fake.at_most = 9999;
    assert_int_equal(do_write(b, fd, NULL, 0, data, 300000), 300000);
    expect_read(b, fd, 0, 400000, data, 300000, 0);
    expect_read(b, fd, 100, 50000, data + 100, 50000, 0);
    assert_in_range(fake.seen, 60, 100);
    close_fd(b, &fd);
    free(data);
}

static void errors_are_answered(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd = with_fake(b, "0123456789", 10);
    char back[20];
    fake.fails[0] = -EIO;
    fake.fails[1] = -ENOSPC;
    fake.fails[2] = -EIO;
    assert_int_equal(do_read(b, fd, NULL, 0, back, 10), -EIO);
    assert_int_equal(do_write(b, fd, NULL, 0, "x", 1), -ENOSPC);
    assert_int_equal(sync_fd(b, fd, false), -EIO);
    assert_int_equal(do_read(b, fd, NULL, 0, back, 10), 10);
    close_fd(b, &fd);
}

static void an_error_after_a_part_leaves_the_part(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd = with_fake(b, NULL, 0);
    fake.at_most = 4;
    fake.fails[2] = -ENOSPC;
    assert_int_equal(do_write(b, fd, NULL, 0, "0123456789", 10), 8);
    close_fd(b, &fd);
}

static void what_the_engine_gives_back_a_worker_does(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd = with_fake(b, NULL, 0);
    fake.at_most = 4;
    static const int no[] = {-ECANCELED, -EINTR, -EAGAIN};
    for (unsigned int i = 0; i < array_len(no); i++) {
        fake.seen = 0;
        fake.fails[0] = fake.fails[3] = no[i]; /* at once, and in the middle */
        fake.fails[1] = fake.fails[2] = 0;
        assert_int_equal(do_write(b, fd, NULL, 0, "0123456789", 10), 10);
        expect_read(b, fd, 0, 10, "0123456789", 10, 0);
        fake.fails[fake.seen] = no[i];
        assert_int_equal(sync_fd(b, fd, true), 0);
        assert_int_equal(fake.seen, 5);
    }
    close_fd(b, &fd);
}

static void what_the_engine_does_not_take_a_worker_does(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd = with_fake(b, NULL, 0);
    fake.refuses = -EAGAIN;
    for (unsigned int i = 0; i < 2; i++) {
        struct fop *fop = write_fop(b, fd, i * 10, "0123456789", 10);
        fop->flags |= i ? FOP_NOWAIT : 0;
        assert_int_equal(run(b, fop), 10);
        done(fop);
    }
    expect_read(b, fd, 0, 20, "01234567890123456789", 20, 0);
    assert_int_equal(sync_fd(b, fd, false), 0);
    assert_int_equal(fake.seen, 0);
    assert_true(quiet_with(b, 0));
    assert_int_equal(counter_get(&engine_of(b)->refused), 4);
    close_fd(b, &fd);
}

static void a_write_that_must_be_alone_is_a_workers(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd = with_fake(b, "0123456789", 10);
    struct fop *fop = write_fop(b, fd, 10, "x", 1);
    dict_set_u64(xdata(fop), "glusterfs.write-is-append", 1);
    assert_int_equal(run(b, fop), 1);
    uint64_t appended = 0;
    assert_int_equal(dict_get_u64(fop->xdata_out, "glusterfs.write-is-append", &appended), 0);
    assert_int_equal(appended, 1);
    done(fop);
    assert_int_equal(fake.seen, 0);
    close_fd(b, &fd);
}

static void a_write_with_a_flag_is_synced_and_errors_of_that_are_told(void **state)
{
    struct brick *b = brick_of(state);
    struct fd *fd = with_fake(b, NULL, 0);
    struct fop *fop = write_fop(b, fd, 0, "x", 1);
    fop->in.write.flags = O_SYNC;
    assert_int_equal(run(b, fop), 1);
    done(fop);
    assert_int_equal(fake.seen, 1);
    close_fd(b, &fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, brick_setup, brick_teardown)
    const struct CMUnitTest tests[] = {
        T(io_uring_carries_reads_writes_and_syncs),
        T(io_uring_carries_direct_transfers),
        T(aio_carries_direct_transfers),
        T(aio_leaves_others_to_workers_but_for_fsync),
        T(direct_transfers_of_any_size_work_with_io_uring),
        T(direct_transfers_of_any_size_work_with_aio),
        T(each_of_many_appending_writes_is_there_once),
        T(the_option_changes_while_the_brick_serves),
        T(what_the_kernel_forbids_is_said_once_and_workers_do_it),
        T(short_transfers_are_continued),
        T(errors_are_answered),
        T(an_error_after_a_part_leaves_the_part),
        T(what_the_engine_gives_back_a_worker_does),
        T(what_the_engine_does_not_take_a_worker_does),
        T(a_write_that_must_be_alone_is_a_workers),
        T(a_write_with_a_flag_is_synced_and_errors_of_that_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
