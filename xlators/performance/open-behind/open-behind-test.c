/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* When an OPEN is sent, and what happens to those who need it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "performance-types.h"
#include "testing.h"

static struct {
    bool holds;
    struct fop *held[8];
    unsigned int nr_held;
    int fails;
    char log[256];
    struct fd *last_fd;
} disk;
static struct process p;
static struct graph *g;
static struct inode *file;

static void work(struct fop *fop)
{
    if (fop->op == FOP_OPEN && disk.fails) {
        fop_fail(fop, disk.fails);
        return;
    }
    if (fop->op == FOP_OPEN)
        fop->out.fd = fd_new(g, fop->loc.inode, NULL, fop->in.open.flags, false);
    if (fop->op == FOP_LOOKUP) {
        fop->out.inode = inode_ref(file);
        fop->out.stat = (struct iatt){.gfid = file->gfid, .mode = S_IFREG | 0400, .uid = 7};
    }
    fop_complete(fop, 0, 0);
}

static void storage(struct xlator *xl, struct fop *fop)
{
    strncat(disk.log, fop_name(fop->op), sizeof(disk.log) - strlen(disk.log) - 1);
    strncat(disk.log, " ", sizeof(disk.log) - strlen(disk.log) - 1);
    disk.last_fd = fop->fd;
    if (disk.holds)
        disk.held[disk.nr_held++] = fop;
    else
        work(fop);
}

static void let_go(void)
{
    struct fop *fop = disk.held[0];

    memmove(disk.held, disk.held + 1, --disk.nr_held * sizeof(disk.held[0]));
    work(fop);
}

static const struct xlator_type fake_storage = {.name = "storage/fake", .leaf = true, .on = {[0 ... NR_FOPS - 1] = storage}};

struct result {
    bool back;
    int32_t ret, err;
    struct fd *fd;
};

static void came_back(struct fop *fop, void *ctx)
{
    struct result *r = ctx;

    *r = (struct result){.back = true, .ret = fop->ret, .err = fop->err, .fd = fop->out.fd ? fd_ref(fop->out.fd) : NULL};
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

static struct fop *of_fd(enum fop_op op, struct fd *fd)
{
    struct fop *fop = fop_new(g, op);

    fop->fd = fd_ref(fd);
    return fop;
}

static struct fop *open_fop(uint32_t uid, int flags)
{
    struct fop *fop = fop_new(g, FOP_OPEN);

    fop->loc.inode = inode_ref(file);
    fop->in.open.flags = flags;
    fop->cred.uid = uid;
    fop->cred.pid = 1;
    return fop;
}

static void start(const char *key, const char *value)
{
    memset(&disk, 0, sizeof(disk));
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &fake_storage}, {.type = &open_behind_type, .options = {key, value}},
                                                  {.type = NULL}});
    file = inode_get(g->inodes, (gfid_t){{[15] = 9}});
    atomic_store(&file->type, S_IFREG);
}

static void finish(void)
{
    inode_unref(file);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void what_nobody_needs_is_never_opened(void **state)
{
    struct fd *fd;

    start(NULL, NULL);
    fd = run(open_fop(0, O_RDONLY)).fd;
    assert_non_null(fd);
    run(of_fd(FOP_FSTAT, fd)); /* can be asked without */
    run(of_fd(FOP_FLUSH, fd));
    fd_unref(fd);
    assert_string_equal(disk.log, "STAT ");
    finish();
}

static void it_is_opened_when_it_is_needed(void **state)
{
    static const enum fop_op ops[] = {FOP_READ, FOP_LK, FOP_SEEK, FOP_FGETXATTR, FOP_FSYNC, FOP_FSETATTR, FOP_RCHECKSUM, FOP_FINODELK};
    char log[64];

    for (size_t i = 0; i < array_len(ops); i++) {
        struct result r, two;
        struct fd *fd;

        start(NULL, NULL);
        fd = run(open_fop(0, O_RDONLY)).fd;
        disk.holds = true;
        submit(of_fd(ops[i], fd), &r);
        submit(of_fd(ops[i], fd), &two); /* waits for the same */
        assert_string_equal(disk.log, "OPEN ");
        let_go();
        assert_int_equal(disk.nr_held, 2);
        assert_ptr_not_equal(disk.last_fd, fd);
        let_go();
        let_go();
        assert_true(r.back && two.back);
        disk.holds = false;
        run(of_fd(FOP_FLUSH, fd));
        snprintf(log, sizeof(log), "OPEN %s %s FLUSH ", fop_name(ops[i]), fop_name(ops[i]));
        assert_string_equal(disk.log, log);
        fd_unref(fd);
        finish();
    }
}

static void a_copy_needs_both(void **state)
{
    struct fop *fop;
    struct fd *one, *two;

    start(NULL, NULL);
    one = run(open_fop(0, O_RDONLY)).fd;
    two = run(open_fop(0, O_RDONLY)).fd;
    fop = of_fd(FOP_COPY_FILE_RANGE, one);
    fop->fd2 = fd_ref(two);
    run(fop);
    assert_string_equal(disk.log, "OPEN OPEN COPY_FILE_RANGE ");
    fd_unref(one);
    fd_unref(two);
    finish();
}

static void who_cannot_be_known_to_be_allowed_asks_the_brick(void **state)
{
    struct fop *fop;

    start(NULL, NULL);
    fd_unref(run(open_fop(7, O_RDONLY)).fd); /* nothing is known of the file */
    assert_string_equal(disk.log, "OPEN ");
    fop = fop_new(g, FOP_LOOKUP);
    strcpy(fop->loc.name, "file");
    run(fop);
    fd_unref(run(open_fop(7, O_RDONLY)).fd); /* the owner */
    assert_string_equal(disk.log, "OPEN LOOKUP ");
    fd_unref(run(open_fop(8, O_RDONLY)).fd); /* somebody else */
    assert_string_equal(disk.log, "OPEN LOOKUP OPEN ");
    fop = fop_new(g, FOP_SETATTR);
    fop->loc.inode = inode_ref(file);
    run(fop);
    fd_unref(run(open_fop(7, O_RDONLY)).fd); /* is he still? */
    assert_string_equal(disk.log, "OPEN LOOKUP OPEN SETATTR OPEN ");
    finish();
}

static void some_opens_go_at_once(void **state)
{
    static const int flags[] = {O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_RDONLY | O_DIRECT};
    static const char *const options[][2] = {{"lazy-open", "off"}, {"pass-through", "on"}};
    struct fop *fop;

    for (size_t i = 0; i < array_len(flags); i++) {
        start(NULL, NULL);
        fd_unref(run(open_fop(0, flags[i])).fd);
        assert_string_equal(disk.log, "OPEN ");
        finish();
    }
    for (size_t i = 0; i < array_len(options); i++) {
        start(options[i][0], options[i][1]);
        fd_unref(run(open_fop(0, O_RDONLY)).fd);
        assert_string_equal(disk.log, "OPEN ");
        finish();
    }
    start(NULL, NULL);
    fop = open_fop(0, O_RDONLY);
    fop->flags = FOP_DRAIN; /* a graph takes the place of another: later may be too late */
    fd_unref(run(fop).fd);
    assert_string_equal(disk.log, "OPEN ");
    finish();
}

static void a_descriptor_outlives_name_and_rights(void **state)
{
    static const enum fop_op ops[] = {FOP_UNLINK, FOP_RENAME, FOP_SETATTR, FOP_SETXATTR};
    char log[64];

    for (size_t i = 0; i < array_len(ops); i++) {
        struct fd *one, *two;
        struct result r;
        struct fop *fop;

        start(NULL, NULL);
        one = run(open_fop(0, O_RDONLY)).fd;
        two = run(open_fop(0, O_RDONLY)).fd;
        fop = fop_new(g, ops[i]);
        if (ops[i] == FOP_SETATTR || ops[i] == FOP_SETXATTR)
            fop->loc.inode = inode_ref(file);
        disk.holds = true;
        submit(fop, &r);
        while (disk.nr_held)
            let_go();
        assert_true(r.back);
        snprintf(log, sizeof(log), "OPEN OPEN %s ", fop_name(ops[i]));
        assert_string_equal(disk.log, log);
        fd_unref(one);
        fd_unref(two);
        finish();
    }
}

static void a_failure_is_told_to_who_needed_it(void **state)
{
    struct fd *fd;

    start(NULL, NULL);
    fd = run(open_fop(0, O_RDONLY)).fd;
    disk.fails = ESTALE;
    assert_int_equal(run(of_fd(FOP_READ, fd)).err, ESTALE);
    assert_int_equal(run(of_fd(FOP_READ, fd)).err, ESTALE);
    assert_string_equal(disk.log, "OPEN ");
    fd_unref(fd);
    finish();
}

static void who_lets_go_while_it_is_being_opened_leaves_nothing(void **state)
{
    struct result r;
    struct fd *fd;

    start(NULL, NULL);
    fd = run(open_fop(0, O_RDONLY)).fd;
    disk.holds = true;
    submit(fop_new(g, FOP_UNLINK), &r);
    fd_unref(fd);
    let_go();
    let_go();
    assert_true(r.back);
    finish();
}

static void reads_without_a_descriptor_if_wanted(void **state)
{
    static const char *const options[][2] = {{"use-anonymous-fd", "on"}, {"read-after-open", "off"}};

    for (size_t i = 0; i < array_len(options); i++) {
        struct fd *fd;

        start(options[i][0], options[i][1]);
        fd = run(open_fop(0, O_RDONLY)).fd;
        run(of_fd(FOP_READ, fd));
        assert_string_equal(disk.log, "READ ");
        assert_null(disk.last_fd);
        fd_unref(fd);
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_needs_is_never_opened),
        cmocka_unit_test(it_is_opened_when_it_is_needed),
        cmocka_unit_test(a_copy_needs_both),
        cmocka_unit_test(who_cannot_be_known_to_be_allowed_asks_the_brick),
        cmocka_unit_test(some_opens_go_at_once),
        cmocka_unit_test(a_descriptor_outlives_name_and_rights),
        cmocka_unit_test(a_failure_is_told_to_who_needed_it),
        cmocka_unit_test(who_lets_go_while_it_is_being_opened_leaves_nothing),
        cmocka_unit_test(reads_without_a_descriptor_if_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
