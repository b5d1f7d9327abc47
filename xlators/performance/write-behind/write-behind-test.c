/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The rules of writing behind, each against a storage of one file in memory that does what it is given when the test says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "performance-types.h"
#include "testing.h"

#define FILE_MAX (1 * MiB)

/* ---- the storage --------------------------------------------------------------------------------------------------------- */

static struct {
    uint8_t data[FILE_MAX], other[FILE_MAX];
    size_t size, other_size;
    bool holds;                  /* operations wait for let_go() */
    struct fop *held[1024];
    unsigned int nr_held;
    int fails;                   /* errno of the next WRITEs, until 0 */
    uint32_t at_most;            /* bytes of one WRITE; 0: all */
    unsigned int done[NR_FOPS];
    char log[4096];
} disk;
static struct process p;
static struct graph *g;
static struct inode *file, *other;

static void note(const char *fmt, ...) PRINTF(1, 2);
static void note(const char *fmt, ...)
{
    size_t used = strlen(disk.log);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(disk.log + used, sizeof(disk.log) - used, fmt, ap);
    va_end(ap);
}

static struct iatt attributes(const struct inode *in)
{
    return (struct iatt){.gfid = in->gfid, .mode = S_IFREG | 0644, .size = in == other ? disk.other_size : disk.size};
}

static void do_write(struct fop *fop)
{
    bool to_other = fop->fd && fop->fd->inode == other;
    uint8_t *data = to_other ? disk.other : disk.data;
    size_t *size = to_other ? &disk.other_size : &disk.size, n = fop->in.write.size, at = fop->in.write.offset;

    assert_int_equal(fop->in.write.data.len, n);
    if (disk.fails) {
        fop_fail(fop, disk.fails);
        return;
    }
    if (disk.at_most)
        n = min_of(n, (size_t)disk.at_most);
    if (fop->fd && fop->fd->flags & O_APPEND)
        at = *size;
    assert_true(at + n <= FILE_MAX);
    note("W%zu+%zu ", at, n);
    if (at > *size)
        memset(data + *size, 0, at - *size);
    slicev_copy_out(&fop->in.write.data, 0, data + at, n);
    *size = max_of(*size, at + n);
    fop_complete(fop, (int32_t)n, 0);
}

static void do_read(struct fop *fop)
{
    size_t at = min_of((size_t)fop->in.read.offset, disk.size), n = min_of((size_t)fop->in.read.size, disk.size - at);
    struct slice s = slice_new(p.env.bufs, max_of(n, (size_t)1));

    memcpy(s.at, disk.data + at, n);
    s.len = n;
    slicev_add(&fop->out.data, s);
    fop_complete(fop, (int32_t)n, 0);
}

static void execute(struct fop *fop)
{
    struct inode *in = fop->fd ? fop->fd->inode : fop->loc.inode;

    disk.done[fop->op]++;
    switch (fop->op) {
    case FOP_WRITE:
        do_write(fop);
        return;
    case FOP_READ:
        do_read(fop);
        return;
    case FOP_TRUNCATE:
    case FOP_FTRUNCATE:
        if (fop->in.truncate.offset > disk.size)
            memset(disk.data + disk.size, 0, fop->in.truncate.offset - disk.size);
        disk.size = fop->in.truncate.offset;
        break;
    case FOP_LOOKUP:
        fop->out.inode = inode_ref(file);
        fop->out.stat = attributes(file);
        break;
    case FOP_READDIRP:
        fop->out.entries = calloc(2, sizeof(struct dirent4));
        fop->out.nr_entries = 2;
        fop->out.entries[0] = (struct dirent4){.name = fop_str(fop, "file", 4), .stat = attributes(file)};
        fop->out.entries[1] = (struct dirent4){.name = fop_str(fop, "other", 5), .stat = attributes(other)};
        break;
    case FOP_OPEN:
        if (fop->in.open.flags & O_TRUNC)
            disk.size = 0;
        fop->out.fd = fd_new(g, in, NULL, fop->in.open.flags, false);
        break;
    case FOP_COPY_FILE_RANGE: /* from other to file */
        assert_ptr_equal(in, other);
        memcpy(disk.data + fop->in.copy.off_out, disk.other + fop->in.copy.off_in, fop->in.copy.size);
        disk.size = max_of(disk.size, (size_t)fop->in.copy.off_out + fop->in.copy.size);
        break;
    default:
        break;
    }
    if (fop->op == FOP_RENAME && !in)
        fop->out.stat = attributes(file);
    if (in)
        fop->out.stat = fop->out.post = attributes(in);
    if (fop->op != FOP_WRITE)
        note("%s ", fop_name(fop->op));
    fop_complete(fop, 0, 0);
}

static void storage(struct xlator *xl, struct fop *fop)
{
    if (!disk.holds) {
        execute(fop);
        return;
    }
    assert_true(disk.nr_held < array_len(disk.held));
    disk.held[disk.nr_held++] = fop;
}

static void let_go(unsigned int i)
{
    struct fop *fop = disk.held[i];

    assert_true(i < disk.nr_held);
    memmove(&disk.held[i], &disk.held[i + 1], (--disk.nr_held - i) * sizeof(disk.held[0]));
    execute(fop);
}

static void let_all_go(void)
{
    while (disk.nr_held)
        let_go(0);
}

static unsigned int told_down;

static void storage_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    told_down += event == EVENT_PARENT_DOWN;
}

static const struct xlator_type fake_storage = {
    .name = "storage/fake", .leaf = true, .notify = storage_notify, .on = {[0 ... NR_FOPS - 1] = storage}};

/* ---- the caller ---------------------------------------------------------------------------------------------------------- */

struct result {
    bool back;
    int32_t ret, err;
    uint64_t size;  /* of the attributes */
    uint32_t mode;
    uint8_t data[4096];
    struct fd *fd;
    struct dirent4 entries[2];
};

static void came_back(struct fop *fop, void *ctx)
{
    struct result *r = ctx;

    assert_false(r->back);
    *r = (struct result){.back = true, .ret = fop->ret, .err = fop->err, .size = fop->out.stat.size, .mode = fop->out.stat.mode};
    slicev_copy_out(&fop->out.data, 0, r->data, sizeof(r->data));
    if (fop->out.fd)
        r->fd = fd_ref(fop->out.fd);
    for (unsigned int i = 0; i < fop->out.nr_entries; i++)
        r->entries[i] = fop->out.entries[i];
    fop_free(fop);
}

static void submit(struct fop *fop, struct result *r)
{
    *r = (struct result){0};
    fop_push(fop, came_back, r);
    fop_submit(g->top, fop);
}

static struct fop *of_fd(enum fop_op op, struct fd *of)
{
    struct fop *fop = fop_new(g, op);

    fop->fd = fd_ref(of);
    return fop;
}

static struct fop *of_file(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    fop->loc.inode = inode_ref(file);
    return fop;
}

static struct fop *write_fop(struct fd *to, uint64_t at, char what, size_t n)
{
    struct fop *fop = of_fd(FOP_WRITE, to);
    struct slice s = slice_new(p.env.bufs, n);

    memset(s.at, what, n);
    slicev_add(&fop->in.write.data, s);
    fop->in.write.offset = at;
    fop->in.write.size = (uint32_t)n;
    return fop;
}

static struct result put(struct fd *to, uint64_t at, char what, size_t n)
{
    static struct result r; /* may come back when the test has long gone on */

    submit(write_fop(to, at, what, n), &r);
    return r;
}

static struct result run(struct fop *fop) /* must be answered at once */
{
    struct result r;

    submit(fop, &r);
    assert_true(r.back);
    return r;
}

static struct fd *open_with(int flags)
{
    return fd_new(g, file, NULL, flags, false);
}

static struct fd *fd;

static void start_with(const char *k1, const char *v1, const char *k2, const char *v2)
{
    memset(&disk, 0, sizeof(disk));
    told_down = 0;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &fake_storage}, {.type = &write_behind_type, .options = {k1, v1, k2, v2}},
                                                  {.type = NULL}});
    file = inode_get(g->inodes, (gfid_t){{[15] = 9}});
    other = inode_get(g->inodes, (gfid_t){{[15] = 10}});
    fd = open_with(O_RDWR);
}

static void start(void)
{
    start_with(NULL, NULL, NULL, NULL);
}

static void finish(void)
{
    disk.fails = 0;
    let_all_go();
    fd_unref(fd);
    inode_unref(file);
    inode_unref(other);
    testing_graph_free(g);
    testing_process_done(&p);
}

/* ---- tests --------------------------------------------------------------------------------------------------------------- */

static void a_write_is_answered_before_it_is_done(void **state)
{
    start();
    disk.holds = true;
    struct result r = put(fd, 0, 'a', 100);
    assert_true(r.back);
    assert_int_equal(r.ret, 100);
    assert_int_equal(r.mode, 0); /* no attributes */
    assert_int_equal(disk.nr_held, 1);
    assert_int_equal(disk.size, 0);
    let_go(0);
    assert_int_equal(disk.size, 100);
    finish();
}

static void some_writes_are_answered_when_they_are_done(void **state)
{
    static const struct {
        int flags, call_flags;
        const char *key, *value;
    } cases[] = {
        {O_RDWR | O_SYNC, 0, NULL, NULL},
        {O_RDWR | O_DSYNC, 0, NULL, NULL},
        {O_RDWR, O_DSYNC, NULL, NULL},
        {O_RDWR | O_DIRECT, 0, "strict-O_DIRECT", "on"},
        {O_RDWR, O_DIRECT, "strict-O_DIRECT", "on"},
        {O_RDWR, 0, "pass-through", "on"},
    };

    for (size_t i = 0; i < array_len(cases); i++) {
        start_with(cases[i].key, cases[i].value, NULL, NULL);
        struct fd *one = open_with(cases[i].flags);
        struct fop *fop = write_fop(one, 0, 'a', 100);
        struct result r;

        disk.holds = true;
        fop->in.write.flags = cases[i].call_flags;
        submit(fop, &r);
        assert_false(r.back);
        let_go(0);
        assert_true(r.back);
        assert_int_equal(r.ret, 100);
        fd_unref(one);
        finish();
    }
}

static void a_write_that_has_to_be_done_waits_for_those_before_it(void **state)
{
    struct result r;

    start();
    struct fd *sync = open_with(O_RDWR | O_SYNC);
    disk.holds = true;
    put(fd, 0, 'a', 100);
    submit(write_fop(sync, 50, 'b', 100), &r);
    put(fd, 100, 'c', 100); /* and those after it wait for it */
    assert_int_equal(disk.nr_held, 1);
    let_go(0);
    assert_int_equal(disk.nr_held, 1);
    let_go(0);
    assert_true(r.back);
    let_go(0);
    assert_string_equal(disk.log, "W0+100 W50+100 W100+100 ");
    fd_unref(sync);
    finish();
}

static void adjacent_writes_are_joined(void **state)
{
    start();
    disk.holds = true;
    for (unsigned int i = 0; i < 100; i++)
        assert_true(put(fd, i * 1000, 'a', 1000).back);
    assert_int_equal(disk.nr_held, 1); /* the first: nothing was under way */
    let_all_go();
    assert_string_equal(disk.log, "W0+1000 W1000+99000 ");
    assert_int_equal(disk.size, 100000);
    finish();
}

static void they_are_joined_up_to_aggregate_size(void **state)
{
    start_with("aggregate-size", "16KB", "trickling-writes", "off");
    disk.holds = true;
    for (unsigned int i = 0; i < 10; i++)
        put(fd, i * 4096, 'a', 4096);
    assert_int_equal(disk.nr_held, 2); /* the last two wait for more */
    let_all_go();
    assert_string_equal(disk.log, "W0+16384 W16384+16384 ");
    struct result r;
    submit(of_fd(FOP_FSYNC, fd), &r);
    let_all_go();
    assert_true(r.back);
    assert_string_equal(disk.log, "W0+16384 W16384+16384 W32768+8192 FSYNC ");
    finish();
}

static void big_writes_are_not_copied(void **state)
{
    start();
    disk.holds = true;
    struct fop *fop = write_fop(fd, 0, 'a', 256 * KiB);
    struct iobuf *buf = slicev_at(&fop->in.write.data)->buf;
    assert_true(run(fop).back);
    assert_ptr_equal(slicev_at(&disk.held[0]->in.write.data)->buf, buf);
    let_all_go();
    finish();
}

static void only_what_belongs_together_is_joined(void **state)
{
    start();
    struct fd *two = open_with(O_RDWR);
    struct fop *fop;

    disk.holds = true;
    put(fd, 0, 'a', 10);
    put(fd, 10, 'b', 10);
    put(two, 20, 'c', 10); /* another descriptor */
    fop = write_fop(two, 30, 'd', 10);
    fop->cred.owner_len = 1; /* another owner */
    run(fop);
    fop = write_fop(two, 40, 'e', 10);
    fop->cred.uid = 7; /* somebody else */
    run(fop);
    put(two, 60, 'f', 10); /* not adjacent */
    let_all_go();
    assert_int_equal(disk.done[FOP_WRITE], 6);
    assert_memory_equal(disk.data, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\0\0\0\0\0\0\0\0\0\0ffffffffff", 70);
    fd_unref(two);
    finish();
}

static void overlapping_writes_keep_their_order(void **state)
{
    start();
    disk.holds = true;
    put(fd, 0, 'a', 100);
    put(fd, 50, 'b', 100);
    put(fd, 500, 'c', 100); /* elsewhere: need not wait */
    put(fd, 0, 'd', 10);
    assert_int_equal(disk.nr_held, 2);
    let_go(1);
    let_go(0);
    let_all_go();
    assert_int_equal(disk.data[0], 'd');
    assert_int_equal(disk.data[60], 'b');
    assert_int_equal(disk.data[20], 'a');
    finish();
}

static void strict_ordering_lets_one_write_go_after_the_other(void **state)
{
    start_with("strict-write-ordering", "on", NULL, NULL);
    disk.holds = true;
    for (unsigned int i = 0; i < 5; i++)
        assert_true(put(fd, i * 1000, 'a', 10).back);
    for (unsigned int i = 0; i < 5; i++) {
        assert_int_equal(disk.nr_held, 1);
        let_go(0);
    }
    assert_string_equal(disk.log, "W0+10 W1000+10 W2000+10 W3000+10 W4000+10 ");
    finish();
}

static void appended_writes_keep_their_order(void **state)
{
    start_with("aggregate-size", "0", NULL, NULL);
    struct fd *a = open_with(O_WRONLY | O_APPEND);

    disk.holds = true;
    put(a, 0, 'a', 10);
    put(a, 10, 'b', 10);
    put(a, 1000, 'c', 10); /* wherever the caller believes the end to be */
    for (unsigned int i = 0; i < 3; i++) {
        assert_int_equal(disk.nr_held, 1);
        let_go(0);
    }
    assert_memory_equal(disk.data, "aaaaaaaaaabbbbbbbbbbcccccccccc", 30);
    fd_unref(a);
    finish();
}

static void whoever_looks_sees_what_was_written_before(void **state)
{
    static const enum fop_op ops[] = {FOP_STAT, FOP_FSTAT, FOP_READ, FOP_SEEK, FOP_RCHECKSUM, FOP_LINK, FOP_RENAME, FOP_SETXATTR, FOP_LK,
                                      FOP_FINODELK, FOP_SETATTR, FOP_FSETATTR, FOP_TRUNCATE, FOP_FTRUNCATE, FOP_FALLOCATE, FOP_DISCARD,
                                      FOP_ZEROFILL, FOP_FSYNC, FOP_LOOKUP};

    for (size_t i = 0; i < array_len(ops); i++) {
        struct result r;

        start();
        disk.holds = true;
        put(fd, 100, 'a', 100);
        submit(of_file(ops[i]), &r);
        assert_int_equal(disk.nr_held, 1);
        let_go(0);
        assert_int_equal(disk.nr_held, 1);
        assert_int_equal(disk.held[0]->op, ops[i]);
        let_go(0);
        assert_true(r.back);
        assert_int_equal(r.ret, 0);
        finish();
    }
}

static void who_changes_keeps_later_writes_waiting(void **state)
{
    static const enum fop_op ops[] = {FOP_SETATTR, FOP_TRUNCATE, FOP_FALLOCATE, FOP_DISCARD, FOP_ZEROFILL, FOP_OPEN};

    for (size_t i = 0; i < array_len(ops); i++) {
        struct fop *fop;
        struct result r;

        start();
        disk.holds = true;
        fop = of_file(ops[i]);
        if (ops[i] == FOP_OPEN)
            fop->in.open.flags = O_RDWR | O_TRUNC;
        submit(fop, &r);
        assert_true(put(fd, 0, 'a', 10).back);
        assert_int_equal(disk.nr_held, 1);
        let_go(0);
        assert_true(r.back);
        let_go(0);
        fd_unref(r.fd);
        finish();
    }
}

static void a_read_below_the_writes_does_not_wait_for_them(void **state)
{
    struct fop *fop;
    struct result r;

    start();
    put(fd, 0, 'a', 100);
    disk.holds = true;
    put(fd, 0, 'b', 50);
    fop = of_fd(FOP_READ, fd);
    fop->in.read.offset = 60;
    fop->in.read.size = 10;
    submit(fop, &r);
    assert_int_equal(disk.nr_held, 2);
    let_go(1);
    assert_true(r.back);
    assert_memory_equal(r.data, "aaaaaaaaaa", 10);
    finish();
}

static void a_lock_that_waits_below_keeps_nobody_waiting(void **state)
{
    struct fop *fop;
    struct result r;

    start();
    disk.holds = true;
    fop = of_fd(FOP_LK, fd);
    fop->in.lk.cmd = LK_SETW;
    submit(fop, &r);
    put(fd, 0, 'a', 10);
    assert_int_equal(disk.nr_held, 2);
    finish();
}

/* ---- errors -------------------------------------------------------------------------------------------------------------- */

static void an_error_is_told_once_by_what_comes_next(void **state)
{
    static const enum fop_op ops[] = {FOP_WRITE, FOP_FSYNC, FOP_FLUSH};

    for (size_t i = 0; i < array_len(ops); i++) {
        start();
        disk.fails = ENOSPC;
        assert_int_equal(put(fd, 0, 'a', 10).ret, 10);
        disk.fails = 0;
        struct result r = run(ops[i] == FOP_WRITE ? write_fop(fd, 10, 'b', 10) : of_fd(ops[i], fd));
        assert_int_equal(r.ret, -1);
        assert_int_equal(r.err, ENOSPC);
        assert_int_equal(disk.done[FOP_FSYNC], 0);
        assert_int_equal(run(of_fd(FOP_FSYNC, fd)).ret, 0);
        assert_int_equal(put(fd, 10, 'b', 10).ret, 10);
        finish();
    }
}

static void an_error_of_a_write_under_way_is_told_by_the_fsync_that_waits(void **state)
{
    struct result r;

    start();
    disk.holds = true;
    put(fd, 0, 'a', 10);
    submit(of_fd(FOP_FSYNC, fd), &r);
    disk.fails = EIO;
    let_go(0);
    assert_true(r.back);
    assert_int_equal(r.err, EIO);
    finish();
}

static void no_descriptor_confirms_what_another_one_lost(void **state)
{
    start();
    struct fd *two = open_with(O_RDWR);
    struct fop *fop;
    struct result r;

    disk.fails = EDQUOT;
    put(fd, 0, 'a', 10);
    disk.fails = 0;
    assert_int_equal(put(two, 20, 'a', 10).ret, 10); /* none of its writes */
    assert_int_equal(run(of_fd(FOP_FSYNC, two)).err, EDQUOT);
    assert_int_equal(run(of_fd(FOP_FSYNC, two)).ret, 0);
    fop = of_file(FOP_OPEN); /* somebody has been told: a new one starts afresh */
    fop->in.open.flags = O_RDWR;
    r = run(fop);
    assert_int_equal(run(of_fd(FOP_FSYNC, r.fd)).ret, 0);
    assert_int_equal(run(of_fd(FOP_FSYNC, fd)).err, EDQUOT);
    fd_unref(r.fd);
    fd_unref(two);
    finish();
}

static void a_write_that_was_not_answered_gets_its_own_error(void **state)
{
    struct result r;

    start_with("cache-size", "512KB", NULL, NULL);
    disk.holds = true;
    assert_true(put(fd, 0, 'a', 512 * KiB).back);
    submit(write_fop(fd, 600000, 'b', 1000), &r);
    assert_false(r.back);
    assert_int_equal(disk.nr_held, 2);
    disk.fails = EIO;
    let_go(1);
    assert_true(r.back);
    assert_int_equal(r.err, EIO);
    disk.fails = 0;
    let_all_go();
    disk.holds = false;
    assert_int_equal(run(of_fd(FOP_FSYNC, fd)).ret, 0); /* it is told: there is nothing more to tell */
    finish();
}

static void a_short_write_is_carried_on(void **state)
{
    start();
    disk.at_most = 30;
    assert_int_equal(put(fd, 0, 'a', 100).ret, 100);
    assert_string_equal(disk.log, "W0+30 W30+30 W60+30 W90+10 ");
    assert_int_equal(disk.size, 100);
    assert_int_equal(run(of_fd(FOP_FSYNC, fd)).ret, 0);
    finish();
}

static void what_an_fsync_could_not_write_is_kept_if_wanted(void **state)
{
    struct result r;

    start_with("resync-failed-syncs-after-fsync", "on", NULL, NULL);
    disk.holds = true;
    put(fd, 0, 'a', 10);
    submit(of_fd(FOP_FSYNC, fd), &r);
    disk.fails = ENOSPC;
    let_go(0);
    assert_true(r.back);
    assert_int_equal(r.err, ENOSPC);
    assert_int_equal(disk.nr_held, 0);
    submit(of_fd(FOP_FSYNC, fd), &r); /* tried again */
    assert_int_equal(disk.nr_held, 1);
    let_go(0);
    assert_true(r.back);
    assert_int_equal(r.err, ENOSPC);
    disk.fails = 0;
    submit(of_fd(FOP_FSYNC, fd), &r);
    let_all_go();
    assert_true(r.back);
    assert_int_equal(r.ret, 0);
    assert_string_equal(disk.log, "W0+10 FSYNC ");
    finish();
}

static void who_flushes_gives_up_what_was_kept(void **state)
{
    struct result r;

    start_with("resync-failed-syncs-after-fsync", "on", "flush-behind", "off");
    disk.holds = true;
    put(fd, 0, 'a', 10);
    submit(of_fd(FOP_FSYNC, fd), &r);
    disk.fails = ENOSPC;
    let_go(0);
    assert_int_equal(r.err, ENOSPC);
    submit(of_fd(FOP_FLUSH, fd), &r);
    let_go(0);
    let_all_go();
    assert_true(r.back);
    assert_int_equal(r.err, ENOSPC);
    disk.fails = 0;
    submit(of_fd(FOP_FSYNC, fd), &r);
    let_all_go();
    assert_int_equal(r.ret, 0);
    assert_int_equal(disk.size, 0);
    finish();
}

/* ---- bounds, the end ----------------------------------------------------------------------------------------------------- */

static void beyond_the_window_a_write_waits_for_room(void **state)
{
    struct result r[3];

    start_with("cache-size", "512KB", NULL, NULL);
    disk.holds = true;
    for (unsigned int i = 0; i < 4; i++)
        assert_true(put(fd, i * 128 * KiB, 'a', 128 * KiB).back);
    for (unsigned int i = 0; i < 3; i++)
        submit(write_fop(fd, (4 + i) * 128 * KiB, 'b', 128 * KiB), &r[i]);
    assert_false(r[0].back);
    let_go(3);
    assert_true(r[0].back);
    assert_false(r[1].back);
    let_go(0);
    assert_true(r[1].back);
    let_go(0);
    assert_true(r[2].back);
    finish();
}

static void a_flush_is_answered_here_if_wanted(void **state)
{
    struct result r;

    start();
    disk.holds = true;
    assert_int_equal(run(of_fd(FOP_FLUSH, fd)).ret, 0);
    put(fd, 0, 'a', 10);
    assert_int_equal(run(of_fd(FOP_FLUSH, fd)).ret, 0);
    let_all_go();
    assert_string_equal(disk.log, "W0+10 ");
    finish();

    start_with("flush-behind", "off", NULL, NULL);
    disk.holds = true;
    put(fd, 0, 'a', 10);
    submit(of_fd(FOP_FLUSH, fd), &r);
    let_go(0);
    assert_false(r.back);
    let_go(0);
    assert_true(r.back);
    assert_string_equal(disk.log, "W0+10 FLUSH ");
    finish();
}

static struct fop *locking(enum fop_op op)
{
    struct fop *fop = of_fd(op, fd);

    if (op == FOP_LK) {
        fop->in.lk.cmd = LK_SET;
        fop->in.lk.flock.type = RANGE_WRITE;
    } else {
        fop->in.setxattr.dict = dict_new();
        dict_set_text(fop->in.setxattr.dict, "trusted.glusterfs.lockinfo", "locks of another descriptor");
    }
    return fop;
}

static void a_flush_that_gives_up_locks_goes_after_the_writes_to_the_brick(void **state)
{
    static const enum fop_op ops[] = {FOP_LK, FOP_FSETXATTR};

    for (size_t i = 0; i < array_len(ops); i++) {
        struct result r;

        start();
        run(locking(ops[i]));
        disk.holds = true;
        put(fd, 0, 'a', 10);
        submit(of_fd(FOP_FLUSH, fd), &r);
        disk.fails = EIO;
        let_go(0);
        assert_false(r.back);
        let_go(0);
        assert_true(r.back);
        assert_int_equal(r.err, EIO); /* and has given up the locks all the same */
        assert_int_equal(disk.done[FOP_FLUSH], 1);
        finish();
    }
}

static void nothing_is_promised_while_the_brick_is_away(void **state)
{
    struct result r;

    start();
    g->top->type->notify(g->top, EVENT_CHILD_DOWN, NULL);
    disk.holds = true;
    submit(write_fop(fd, 0, 'a', 10), &r);
    assert_false(r.back);
    let_go(0);
    assert_true(r.back);
    g->top->type->notify(g->top, EVENT_CHILD_UP, NULL);
    assert_true(put(fd, 0, 'a', 10).back);
    finish();
}

static void stop_loop(struct loop_work *w)
{
    loop_stop(p.env.loop);
}

static void run_loop(void)
{
    struct loop_work stop = {.run = stop_loop};

    loop_post(p.env.loop, &stop);
    loop_run(p.env.loop);
}

static void those_below_hear_of_the_end_when_all_is_written(void **state)
{
    start_with("trickling-writes", "off", NULL, NULL);
    disk.holds = true;
    put(fd, 0, 'a', 10);
    assert_int_equal(disk.nr_held, 0);
    graph_notify_down(g, EVENT_PARENT_DOWN);
    assert_int_equal(disk.nr_held, 1);
    run_loop();
    assert_int_equal(told_down, 0);
    assert_non_null(p.holds);
    let_go(0);
    run_loop();
    assert_int_equal(told_down, 1);
    assert_null(p.holds);
    finish();
}

static void a_drain_waits_for_all_objects(void **state)
{
    start_with("trickling-writes", "off", NULL, NULL);
    struct fd *two = fd_new(g, other, NULL, O_RDWR, false);
    struct fop *fop;
    struct result r;

    disk.holds = true;
    put(fd, 0, 'a', 10);
    put(two, 0, 'a', 10);
    fop = of_file(FOP_STATFS);
    submit(fop, &r); /* a common one does not wait */
    assert_int_equal(disk.nr_held, 1);
    let_go(0);
    fop = of_file(FOP_STATFS);
    fop->flags = FOP_DRAIN;
    submit(fop, &r);
    assert_int_equal(disk.nr_held, 2);
    let_go(0);
    assert_int_equal(disk.nr_held, 1);
    let_go(0);
    assert_int_equal(disk.held[0]->op, FOP_STATFS);
    let_go(0);
    assert_true(r.back);
    put(fd, 10, 'a', 10); /* and then it goes on as before */
    assert_int_equal(disk.nr_held, 0);
    disk.holds = false;
    run(of_fd(FOP_FSYNC, fd));
    fd_unref(two);
    finish();
}

/* ---- attributes of what was not named ------------------------------------------------------------------------------------ */

static void a_look_up_by_name_brings_attributes_that_are_true(void **state)
{
    struct fop *fop;
    struct result r;

    start();
    disk.holds = true;
    fop = fop_new(g, FOP_LOOKUP);
    strcpy(fop->loc.name, "file");
    submit(fop, &r);
    put(fd, 0, 'a', 10);
    let_go(0); /* the look-up was first at the storage */
    assert_false(r.back);
    let_all_go();
    assert_true(r.back);
    assert_int_equal(r.size, 10);

    fop = fop_new(g, FOP_LOOKUP); /* the same, but the write's answer comes first */
    strcpy(fop->loc.name, "file");
    submit(fop, &r);
    put(fd, 10, 'a', 10);
    let_go(1);
    let_go(0);
    assert_false(r.back);
    let_all_go();
    assert_int_equal(r.size, 20);
    finish();
}

static void a_renaming_by_name_brings_no_old_size(void **state)
{
    struct result r;

    start();
    disk.holds = true;
    put(fd, 0, 'a', 10);
    submit(fop_new(g, FOP_RENAME), &r);
    let_go(1);
    assert_true(r.back);
    assert_int_equal(r.mode, 0);
    finish();
}

static void entries_of_what_is_being_written_come_without_attributes(void **state)
{
    struct result r;

    start();
    disk.holds = true;
    put(fd, 0, 'a', 10);
    submit(fop_new(g, FOP_READDIRP), &r);
    let_go(1);
    assert_int_equal(r.entries[0].stat.mode, 0);
    assert_true(gfid_is_null(r.entries[0].stat.gfid));
    assert_int_not_equal(r.entries[1].stat.mode, 0);
    let_go(0);
    submit(fop_new(g, FOP_READDIRP), &r);
    let_go(0);
    assert_int_equal(r.entries[0].stat.size, 10);
    finish();
}

static void a_copy_keeps_its_place_at_both_ends(void **state)
{
    start();
    struct fd *from = fd_new(g, other, NULL, O_RDWR, false);
    struct fop *fop = of_fd(FOP_COPY_FILE_RANGE, from);
    struct result r;

    disk.holds = true;
    put(from, 0, 'o', 10);
    put(fd, 0, 'a', 10);
    fop->fd2 = fd_ref(fd);
    fop->in.copy.size = 10;
    submit(fop, &r);
    assert_int_equal(disk.nr_held, 2);
    let_go(1);
    assert_int_equal(disk.nr_held, 1);
    let_go(0);
    assert_int_equal(disk.nr_held, 1);
    assert_int_equal(disk.held[0]->op, FOP_COPY_FILE_RANGE);
    put(fd, 5, 'b', 2);
    put(from, 0, 'p', 10);
    assert_int_equal(disk.nr_held, 1);
    let_all_go();
    assert_true(r.back);
    assert_memory_equal(disk.data, "ooooobbooo", 10);
    assert_memory_equal(disk.other, "pppppppppp", 10);
    fd_unref(from);
    finish();
}

/* ---- against a model ----------------------------------------------------------------------------------------------------- */
/* One program, random operations, the storage doing in random order whatever it has been given: each answer as if nothing were behind. */

static unsigned int seed;
static unsigned int pick(unsigned int n)
{
    return (unsigned int)rand_r(&seed) % n;
}

static void run_in_any_order(struct fop *fop, struct result *r)
{
    submit(fop, r);
    while (!r->back) {
        assert_true(disk.nr_held > 0);
        let_go(pick(disk.nr_held));
    }
}

static void one_program_sees_a_plain_file(void **state)
{
    enum { SIZE = 3000, STEPS = 3000 };
    static const char *const variants[][4] = {{NULL}, {"trickling-writes", "off"}, {"aggregate-size", "0"},
                                              {"strict-write-ordering", "on", "flush-behind", "off"}};
    static uint8_t model[2 * SIZE];
    static struct result r;

    for (seed = 1; seed <= 24; seed++) {
        const char *const *v = variants[seed % array_len(variants)];
        size_t size = 0;

        start_with(v[0], v[1], v[2], v[3]);
        memset(model, 0, sizeof(model));
        disk.holds = true;
        for (unsigned int step = 0; step < STEPS; step++) {
            size_t at = pick(SIZE), n = 1 + pick(pick(4) ? 40 : 900);
            struct fop *fop;
            unsigned int what;

            switch (pick(12)) {
            case 0:
                fop = of_fd(FOP_READ, fd);
                fop->in.read.offset = at;
                fop->in.read.size = (uint32_t)n;
                run_in_any_order(fop, &r);
                n = at < size ? min_of(n, size - at) : 0;
                assert_int_equal(r.ret, n);
                assert_memory_equal(r.data, model + at, n);
                break;
            case 1:
                run_in_any_order(pick(2) ? of_fd(FOP_FSTAT, fd) : of_file(FOP_STAT), &r);
                assert_int_equal(r.size, size);
                break;
            case 2:
                fop = of_fd(FOP_FTRUNCATE, fd);
                fop->in.truncate.offset = at;
                run_in_any_order(fop, &r);
                if (at < size)
                    memset(model + at, 0, size - at);
                size = at;
                break;
            case 3:
                if (pick(4))
                    break;
                run_in_any_order(of_fd(FOP_FSYNC, fd), &r);
                assert_int_equal(disk.size, size);
                assert_memory_equal(disk.data, model, size);
                break;
            case 4:
                if (pick(4) == 0)
                    run_in_any_order(of_fd(FOP_FLUSH, fd), &r);
                break;
            case 5:
                fop = fop_new(g, FOP_LOOKUP);
                strcpy(fop->loc.name, "file");
                run_in_any_order(fop, &r);
                assert_int_equal(r.size, size);
                break;
            case 6:
                if (disk.nr_held)
                    let_go(pick(disk.nr_held));
                break;
            default:
                if (pick(2) && size < SIZE)
                    at = size; /* as who appends does */
                what = pick(256);
                run_in_any_order(write_fop(fd, at, (char)what, n), &r);
                assert_int_equal(r.ret, n);
                memset(model + at, (int)what, n);
                size = max_of(size, at + n);
                break;
            }
            if (r.back && r.ret < 0)
                fail_msg("seed %u step %u: error %d", seed, step, r.err);
        }
        run_in_any_order(of_fd(FOP_FSYNC, fd), &r);
        finish();
    }
}

/* ---- many threads ---------------------------------------------------------------------------------------------------------- */
/* All three caches above a storage that works on the pool's threads; each program has a part of the file to itself, and one looks. */

enum { PROGRAMS = 3, PART = 4096 };
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint wrong;

static void on_worker(struct job *j)
{
    struct fop *fop = container_of(j, struct fop, job);

    SCOPED_LOCK(&disk_lock);
    execute(fop);
}

static void storage_on_pool(struct xlator *xl, struct fop *fop)
{
    fop->job = (struct job){.run = on_worker, .class = CLASS_NORMAL};
    pool_add(p.pool, &fop->job);
}

static const struct xlator_type pool_storage = {.name = "storage/pool", .leaf = true, .on = {[0 ... NR_FOPS - 1] = storage_on_pool}};

static void *program(void *arg)
{
    unsigned int part = (unsigned int)(uintptr_t)arg, random = part + 1;
    uint8_t model[PART] = {0}, got[PART];

    for (unsigned int step = 0; step < 600; step++) {
        size_t at = (size_t)rand_r(&random) % PART, n = 1 + (size_t)rand_r(&random) % 200;
        struct fop *fop;

        n = min_of(n, PART - at);
        if (rand_r(&random) % 3) {
            int what = rand_r(&random) % 256;

            fop = write_fop(fd, part * PART + at, (char)what, n);
            memset(model + at, what, n);
        } else if (rand_r(&random) % 20 == 0) {
            fop = of_fd(FOP_FSYNC, fd);
        } else {
            fop = of_fd(FOP_READ, fd);
            fop->in.read.offset = part * PART + at;
            fop->in.read.size = (uint32_t)n;
        }
        testing_run(g, fop);
        if (fop->op == FOP_READ) {
            memset(got, 0, n);
            slicev_copy_out(&fop->out.data, 0, got, n);
            wrong += memcmp(got, model + at, n) != 0;
        }
        wrong += fop->ret < 0;
        fop_free(fop);
    }
    return NULL;
}

static void *looker(void *arg)
{
    uint64_t size = 0;

    for (unsigned int step = 0; step < 300; step++) {
        struct fop *fop = step % 3 ? of_fd(FOP_FSTAT, fd) : fop_new(g, FOP_LOOKUP);

        if (fop->op == FOP_LOOKUP)
            strcpy(fop->loc.name, "file");
        testing_run(g, fop);
        wrong += fop->out.stat.size < size; /* nobody cuts it */
        size = fop->out.stat.size;
        fop_free(fop);
    }
    return NULL;
}

static void programs_on_threads_see_their_own_writes(void **state)
{
    pthread_t threads[PROGRAMS + 1];

    memset(&disk, 0, sizeof(disk));
    wrong = 0;
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &pool_storage}, {.type = &write_behind_type}, {.type = &quick_read_type},
                                                  {.type = &md_cache_type}, {.type = NULL}});
    file = inode_get(g->inodes, (gfid_t){{[15] = 9}});
    other = inode_get(g->inodes, (gfid_t){{[15] = 10}});
    fd = open_with(O_RDWR);
    for (uintptr_t i = 0; i <= PROGRAMS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, i < PROGRAMS ? program : looker, (void *)i), 0);
    for (unsigned int i = 0; i <= PROGRAMS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(wrong, 0);
    struct fop *last = of_fd(FOP_FSYNC, fd);
    testing_run(g, last);
    fop_free(last);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_write_is_answered_before_it_is_done),
        cmocka_unit_test(some_writes_are_answered_when_they_are_done),
        cmocka_unit_test(a_write_that_has_to_be_done_waits_for_those_before_it),
        cmocka_unit_test(adjacent_writes_are_joined),
        cmocka_unit_test(they_are_joined_up_to_aggregate_size),
        cmocka_unit_test(big_writes_are_not_copied),
        cmocka_unit_test(only_what_belongs_together_is_joined),
        cmocka_unit_test(overlapping_writes_keep_their_order),
        cmocka_unit_test(strict_ordering_lets_one_write_go_after_the_other),
        cmocka_unit_test(appended_writes_keep_their_order),
        cmocka_unit_test(whoever_looks_sees_what_was_written_before),
        cmocka_unit_test(who_changes_keeps_later_writes_waiting),
        cmocka_unit_test(a_read_below_the_writes_does_not_wait_for_them),
        cmocka_unit_test(a_lock_that_waits_below_keeps_nobody_waiting),
        cmocka_unit_test(an_error_is_told_once_by_what_comes_next),
        cmocka_unit_test(an_error_of_a_write_under_way_is_told_by_the_fsync_that_waits),
        cmocka_unit_test(no_descriptor_confirms_what_another_one_lost),
        cmocka_unit_test(a_write_that_was_not_answered_gets_its_own_error),
        cmocka_unit_test(a_short_write_is_carried_on),
        cmocka_unit_test(what_an_fsync_could_not_write_is_kept_if_wanted),
        cmocka_unit_test(who_flushes_gives_up_what_was_kept),
        cmocka_unit_test(beyond_the_window_a_write_waits_for_room),
        cmocka_unit_test(a_flush_is_answered_here_if_wanted),
        cmocka_unit_test(a_flush_that_gives_up_locks_goes_after_the_writes_to_the_brick),
        cmocka_unit_test(nothing_is_promised_while_the_brick_is_away),
        cmocka_unit_test(those_below_hear_of_the_end_when_all_is_written),
        cmocka_unit_test(a_drain_waits_for_all_objects),
        cmocka_unit_test(a_look_up_by_name_brings_attributes_that_are_true),
        cmocka_unit_test(a_renaming_by_name_brings_no_old_size),
        cmocka_unit_test(entries_of_what_is_being_written_come_without_attributes),
        cmocka_unit_test(a_copy_keeps_its_place_at_both_ends),
        cmocka_unit_test(one_program_sees_a_plain_file),
        cmocka_unit_test(programs_on_threads_see_their_own_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
