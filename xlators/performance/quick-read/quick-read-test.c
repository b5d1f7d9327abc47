/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Content that comes with a name: when it is read from memory, and when it must not be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "performance-types.h"
#include "testing.h"

static struct {
    char content[200];
    bool holds;
    struct fop *held;          /* done, not answered */
    unsigned int seen[NR_FOPS], asked;
} disk;
static struct process p;
static struct graph *g;
static struct inode *file, *dir;
static struct fd *fd;

static void finish_fop(struct fop *fop)
{
    fop_complete(fop, fop->ret, fop->err);
}

static void storage(struct xlator *xl, struct fop *fop)
{
    size_t size = strlen(disk.content);
    uint64_t max;

    disk.seen[fop->op]++;
    fop->ret = 0;
    if (fop->op == FOP_LOOKUP) {
        fop->out.inode = inode_ref(file);
        fop->out.stat = (struct iatt){.gfid = file->gfid, .mode = S_IFREG | 0600, .size = size};
        if (dict_get_u64(fop->xdata, "glusterfs.content", &max) == 0) {
            disk.asked++;
            if (size <= max)
                dict_set_binary(fop_xdata_out(fop), "glusterfs.content", disk.content, size);
        }
    } else if (fop->op == FOP_READ) {
        struct slice s = slice_new(p.env.bufs, max_of(size, (size_t)1));

        memcpy(s.at, disk.content, size);
        s.len = size;
        slicev_add(&fop->out.data, s);
        fop->ret = (int32_t)size;
    }
    if (disk.holds && !disk.held)
        disk.held = fop;
    else
        finish_fop(fop);
}

static const struct xlator_type fake_storage = {.name = "storage/fake", .leaf = true, .on = {[0 ... NR_FOPS - 1] = storage}};

struct result {
    bool back;
    int32_t ret, err;
    char data[200];
};

static void came_back(struct fop *fop, void *ctx)
{
    struct result *r = ctx;

    *r = (struct result){.back = true, .ret = fop->ret, .err = fop->err};
    slicev_copy_out(&fop->out.data, 0, r->data, sizeof(r->data));
    assert_null(dict_find(fop->xdata_out, "glusterfs.content"));
    fop_free(fop);
}

static void submit(struct fop *fop, struct result *r)
{
    r->back = false;
    fop_push(fop, came_back, r);
    fop_submit(g->top, fop);
}

static struct result run(struct fop *fop)
{
    struct result r;

    submit(fop, &r);
    assert_true(r.back);
    return r;
}

static struct fop *lookup(void)
{
    struct fop *fop = fop_new(g, FOP_LOOKUP);

    fop->loc.parent = inode_ref(dir);
    strcpy(fop->loc.name, "file");
    return fop;
}

static struct fop *of_fd(enum fop_op op, struct fd *of)
{
    struct fop *fop = fop_new(g, op);

    fop->fd = fd_ref(of);
    return fop;
}

static struct fop *reading(struct fd *of, uint64_t at, uint32_t n)
{
    struct fop *fop = of_fd(FOP_READ, of);

    fop->in.read.offset = at;
    fop->in.read.size = n;
    return fop;
}

static void start(const char *key, const char *value)
{
    memset(&disk, 0, sizeof(disk));
    strcpy(disk.content, "some content");
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &fake_storage},
                                                  {.type = &quick_read_type, .options = {"cache-timeout", "600", key, value}},
                                                  {.type = NULL}});
    file = inode_get(g->inodes, (gfid_t){{[15] = 9}});
    dir = inode_get(g->inodes, (gfid_t){{[15] = 10}});
    fd = fd_new(g, file, NULL, O_RDONLY, false);
}

static void finish(void)
{
    fd_unref(fd);
    inode_unref(file);
    inode_unref(dir);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void a_small_file_is_read_with_its_name(void **state)
{
    struct result r;

    start(NULL, NULL);
    run(lookup());
    r = run(reading(fd, 0, 4096));
    assert_int_equal(r.ret, 12);
    assert_int_equal(r.err, ENOENT); /* the end mark */
    assert_string_equal(r.data, "some content");
    r = run(reading(fd, 5, 3));
    assert_int_equal(r.ret, 3);
    assert_int_equal(r.err, 0);
    assert_memory_equal(r.data, "con", 3);
    assert_int_equal(run(reading(fd, 100, 5)).ret, 0);
    assert_int_equal(disk.seen[FOP_READ], 0);
    disk.content[0] = 0; /* an empty one has content, too */
    run(lookup());
    assert_int_equal(run(reading(fd, 0, 10)).ret, 0);
    assert_int_equal(disk.seen[FOP_READ], 0);
    finish();
}

static void some_reads_go_to_the_brick(void **state)
{
    static const int flags[] = {O_RDONLY | O_DIRECT, O_WRONLY};

    for (size_t i = 0; i < array_len(flags); i++) {
        start(NULL, NULL);
        struct fd *one = fd_new(g, file, NULL, flags[i], false);

        run(lookup());
        run(reading(one, 0, 10));
        assert_int_equal(disk.seen[FOP_READ], 1);
        fd_unref(one);
        finish();
    }
    start("max-file-size", "5");
    run(lookup());
    run(reading(fd, 0, 10));
    assert_int_equal(disk.seen[FOP_READ], 1);
    finish();
    start("cache-size", "0");
    run(lookup());
    assert_int_equal(disk.asked, 0);
    finish();
}

static void who_changes_it_has_it_read_anew(void **state)
{
    static const enum fop_op ops[] = {FOP_WRITE, FOP_FTRUNCATE, FOP_FALLOCATE, FOP_DISCARD, FOP_ZEROFILL, FOP_LK};

    for (size_t i = 0; i < array_len(ops); i++) {
        start(NULL, NULL);
        run(lookup());
        run(of_fd(ops[i], fd)); /* LK: cmd 0 is a question */
        run(reading(fd, 0, 10));
        assert_int_equal(disk.seen[FOP_READ], ops[i] != FOP_LK);
        if (ops[i] == FOP_LK) {
            struct fop *fop = of_fd(FOP_LK, fd);

            fop->in.lk.cmd = LK_SETW;
            run(fop);
            run(reading(fd, 0, 10));
            assert_int_equal(disk.seen[FOP_READ], 1);
        }
        finish();
    }
}

static void an_answer_from_before_a_change_is_not_kept(void **state)
{
    struct upcall u = {.kind = UPCALL_INVALIDATE};
    struct result r;

    for (unsigned int i = 0; i < 3; i++) {
        start(NULL, NULL);
        disk.holds = true;
        submit(lookup(), &r);
        if (i == 0)
            run(of_fd(FOP_WRITE, fd)); /* ours */
        u.gfid = file->gfid;
        if (i == 1)
            g->top->type->notify(g->top, EVENT_UPCALL, &u);
        if (i == 2)
            g->top->type->notify(g->top, EVENT_CHILD_DOWN, NULL);
        finish_fop(disk.held);
        assert_true(r.back);
        run(reading(fd, 0, 10));
        assert_int_equal(disk.seen[FOP_READ], 1);
        finish();
    }
}

static void what_nobody_reads_is_soon_not_asked_for(void **state)
{
    start(NULL, NULL);
    for (unsigned int i = 0; i < 1000; i++)
        run(lookup());
    assert_in_range(disk.asked, 64, 64 + 1000 / 16);
    disk.asked = 0;
    for (unsigned int i = 0; i < 1000; i++) {
        run(lookup());
        run(reading(fd, 0, 10));
    }
    assert_in_range(disk.asked, 950, 1000); /* and again when it is read */
    finish();
}

static void the_oldest_makes_room(void **state)
{
    start("cache-size", "20");
    run(lookup());
    run(reading(fd, 0, 10));
    assert_int_equal(disk.seen[FOP_READ], 0);
    strcpy(disk.content, "more than fits into the cache of this size");
    run(lookup());
    run(reading(fd, 0, 10));
    assert_int_equal(disk.seen[FOP_READ], 1);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_file_is_read_with_its_name),
        cmocka_unit_test(some_reads_go_to_the_brick),
        cmocka_unit_test(who_changes_it_has_it_read_anew),
        cmocka_unit_test(an_answer_from_before_a_change_is_not_kept),
        cmocka_unit_test(what_nobody_reads_is_soon_not_asked_for),
        cmocka_unit_test(the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
