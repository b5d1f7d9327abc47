/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The cache of attributes against a storage that does its work, and that answers, when the test says so. Each change makes the file larger
 * by one: so an answer's size says how old it is. */
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

/* ---- the storage --------------------------------------------------------------------------------------------------------- */

struct job_held {
    struct fop *fop;
    bool done;
};
static struct {
    uint64_t version, dir_version;
    uint32_t nlink;
    bool holds;
    struct job_held held[256];
    unsigned int nr_held;
    unsigned int seen[NR_FOPS];
    struct dict *xattrs, *last_xdata;
} disk;
static struct process p;
static struct graph *g;
static struct inode *file, *dir;

static struct iatt attributes(const struct inode *in)
{
    return (struct iatt){.gfid = in->gfid, .mode = in == dir ? S_IFDIR | 0755 : S_IFREG | 0644,
                         .nlink = disk.nlink ? disk.nlink : 1, .size = in == dir ? disk.dir_version : disk.version};
}

static bool is_change(enum fop_op op)
{
    return op == FOP_WRITE || op == FOP_TRUNCATE || op == FOP_SETATTR || op == FOP_SETXATTR || op == FOP_UNLINK || op == FOP_LINK ||
           op == FOP_CREATE || op == FOP_RENAME || op == FOP_OPEN;
}

/* What the storage does. Its results are of that moment. */
static void work(struct fop *fop)
{
    struct inode *in = fop->fd ? fop->fd->inode : fop->loc.inode ? fop->loc.inode : file;
    struct fop_out *out = &fop->out;
    const struct dict_pair *pair;

    fop->ret = fop->err = 0;
    out->pre = attributes(in);
    if (is_change(fop->op)) {
        disk.version++;
        disk.dir_version += fop->loc.parent || fop->loc2.parent;
    }
    switch (fop->op) {
    case FOP_LOOKUP:
    case FOP_CREATE:
        out->inode = inode_ref(fop->loc.inode ? fop->loc.inode : file);
        out->stat = attributes(out->inode);
        out->post = fop->loc.parent ? attributes(dir) : (struct iatt){0};
        for (unsigned int i = 0; i < dict_count(fop->xdata); i++)
            if ((pair = dict_find(disk.xattrs, dict_at(fop->xdata, i)->key)))
                dict_set(fop_xdata_out(fop), pair->key, pair->type, pair->value, pair->len);
        dict_unref(disk.last_xdata);
        disk.last_xdata = dict_ref(fop->xdata);
        break;
    case FOP_READDIRP:
        out->entries = calloc(1, sizeof(struct dirent4));
        out->nr_entries = 1;
        out->entries[0] = (struct dirent4){.name = fop_str(fop, "file", 4), .name_len = 4, .stat = attributes(file)};
        break;
    case FOP_GETXATTR:
        pair = dict_find(disk.xattrs, fop->in.getxattr.name);
        fop->ret = pair ? (int32_t)pair->len : -1;
        fop->err = pair ? 0 : ENODATA;
        if (pair) {
            out->dict = dict_new();
            dict_set(out->dict, pair->key, pair->type, pair->value, pair->len);
        }
        break;
    case FOP_LINK:
    case FOP_RENAME:
        out->stat = attributes(in);
        out->post = attributes(dir);
        break;
    case FOP_UNLINK:
        out->post = attributes(dir);
        break;
    case FOP_STATFS:
        out->statfs.f_bfree = disk.version;
        break;
    case FOP_IPC:
        dict_unref(disk.last_xdata);
        disk.last_xdata = dict_ref(fop->xdata);
        break;
    default:
        out->stat = out->post = attributes(in);
    }
}

static void storage(struct xlator *xl, struct fop *fop)
{
    disk.seen[fop->op]++;
    if (disk.holds) {
        assert_true(disk.nr_held < array_len(disk.held));
        disk.held[disk.nr_held++] = (struct job_held){.fop = fop};
    } else {
        work(fop);
        fop_complete(fop, fop->ret, fop->err);
    }
}

static void do_it(unsigned int i)
{
    assert_true(i < disk.nr_held);
    if (!disk.held[i].done)
        work(disk.held[i].fop);
    disk.held[i].done = true;
}

static void answer_it(unsigned int i)
{
    struct fop *fop = disk.held[i].fop;

    do_it(i);
    memmove(&disk.held[i], &disk.held[i + 1], (--disk.nr_held - i) * sizeof(disk.held[0]));
    fop_complete(fop, fop->ret, fop->err);
}

static const struct xlator_type fake_storage = {.name = "storage/fake", .leaf = true, .on = {[0 ... NR_FOPS - 1] = storage}};

/* ---- the caller ---------------------------------------------------------------------------------------------------------- */

struct result {
    bool back;
    int32_t ret, err;
    uint64_t size;
    uint64_t at_least; /* the model's */
    enum fop_op op;
};

static void came_back(struct fop *fop, void *ctx)
{
    struct result *r = ctx;

    r->back = true;
    r->ret = fop->ret;
    r->err = fop->err;
    r->size = fop->op == FOP_STATFS ? fop->out.statfs.f_bfree : fop->out.stat.size;
    fop_free(fop);
}

static void submit(struct fop *fop, struct result *r)
{
    *r = (struct result){.op = fop->op, .at_least = r->at_least};
    fop_push(fop, came_back, r);
    fop_submit(g->top, fop);
}

static struct result run(struct fop *fop)
{
    struct result r = {0};

    submit(fop, &r);
    assert_true(r.back);
    return r;
}

static struct fop *of(enum fop_op op, struct inode *in)
{
    struct fop *fop = fop_new(g, op);

    fop->loc.inode = inode_ref(in);
    return fop;
}

static uint64_t size_of(struct inode *in)
{
    return run(of(FOP_STAT, in)).size;
}

static struct fop *by_name(enum fop_op op)
{
    struct fop *fop = fop_new(g, op);

    fop->loc.parent = inode_ref(dir);
    strcpy(fop->loc.name, "file");
    if (op == FOP_UNLINK || op == FOP_RENAME)
        fop->loc.inode = inode_ref(file);
    if (op == FOP_RENAME) {
        fop->loc2.parent = inode_ref(dir);
        strcpy(fop->loc2.name, "new");
    }
    return fop;
}

static struct fop *get(const char *name)
{
    struct fop *fop = of(FOP_GETXATTR, file);

    fop->in.getxattr.name = name;
    return fop;
}

static void start_with(const char *k1, const char *v1, const char *k2, const char *v2)
{
    memset(&disk, 0, sizeof(disk));
    disk.version = disk.dir_version = 1;
    disk.xattrs = dict_new();
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &fake_storage}, {.type = &md_cache_type, .options = {k1, v1, k2, v2}},
                                                  {.type = NULL}});
    file = inode_get(g->inodes, (gfid_t){{[15] = 9}});
    dir = inode_get(g->inodes, (gfid_t){{[15] = 10}});
}

static void start(void)
{
    start_with("md-cache-timeout", "600", NULL, NULL);
}

static void finish(void)
{
    while (disk.nr_held)
        answer_it(0);
    inode_unref(file);
    inode_unref(dir);
    dict_unref(disk.xattrs);
    dict_unref(disk.last_xdata);
    testing_graph_free(g);
    testing_process_done(&p);
}

static void tell(const struct inode *in)
{
    struct upcall u = {.kind = UPCALL_INVALIDATE, .gfid = in->gfid, .flags = 0x18};

    g->top->type->notify(g->top, EVENT_UPCALL, &u);
}

/* ---- tests --------------------------------------------------------------------------------------------------------------- */

static void what_was_asked_is_not_asked_again(void **state)
{
    static const enum fop_op brings[] = {FOP_STAT, FOP_LOOKUP, FOP_READDIRP, FOP_READDIR, FOP_SETATTR, FOP_TRUNCATE, FOP_CREATE,
                                         FOP_RENAME};

    for (size_t i = 0; i < array_len(brings); i++) {
        bool named = brings[i] == FOP_CREATE || brings[i] == FOP_RENAME;
        unsigned int before;

        start();
        run(named ? by_name(brings[i]) : of(brings[i], brings[i] == FOP_READDIRP || brings[i] == FOP_READDIR ? dir : file));
        before = disk.seen[FOP_STAT] + disk.seen[FOP_LOOKUP];
        assert_int_equal(size_of(file), disk.version);
        assert_int_equal(run(of(FOP_LOOKUP, file)).size, disk.version);
        assert_int_equal(disk.seen[FOP_STAT] + disk.seen[FOP_LOOKUP], before);
        if (brings[i] == FOP_CREATE) {
            assert_int_equal(size_of(dir), disk.dir_version);
            assert_int_equal(disk.seen[FOP_STAT], 0);
        }
        finish();
    }
}

static void a_name_is_always_asked(void **state)
{
    start();
    run(by_name(FOP_LOOKUP));
    run(by_name(FOP_LOOKUP));
    assert_int_equal(disk.seen[FOP_LOOKUP], 2);
    finish();
}

static void nothing_is_kept_without_time(void **state)
{
    static const char *const cases[][2] = {{"md-cache-timeout", "0"}, {"pass-through", "on"}};

    for (size_t i = 0; i < array_len(cases); i++) {
        start_with(cases[i][0], cases[i][1], NULL, NULL);
        size_of(file);
        size_of(file);
        assert_int_equal(disk.seen[FOP_STAT], 2);
        run(get("security.capability"));
        run(get("security.capability"));
        assert_int_equal(disk.seen[FOP_GETXATTR], 2);
        finish();
    }
}

static void an_old_answer_does_not_take_the_place_of_a_newer_one(void **state)
{
    struct result stat = {0}, change = {0};

    start();
    disk.holds = true;
    submit(of(FOP_STAT, file), &stat);
    do_it(0);                             /* and now it is on its way */
    submit(of(FOP_TRUNCATE, file), &change);
    answer_it(1);
    answer_it(0);
    assert_int_equal(stat.size, 1);       /* for who asked before it was good enough */
    disk.holds = false;
    assert_int_equal(size_of(file), 2);
    finish();
}

static void of_two_changes_at_once_nobody_knows_which_was_the_last(void **state)
{
    struct result one = {0}, two = {0};

    start();
    disk.holds = true;
    submit(of(FOP_TRUNCATE, file), &one);
    submit(of(FOP_SETATTR, file), &two);
    do_it(1);
    do_it(0);
    answer_it(1);
    answer_it(0);
    disk.holds = false;
    size_of(file);
    assert_int_equal(disk.seen[FOP_STAT], 1);
    size_of(file);
    assert_int_equal(disk.seen[FOP_STAT], 1);
    finish();
}

static void what_the_brick_tells_is_heeded(void **state)
{
    struct result r = {0};

    start();
    size_of(file);
    disk.version = 7;
    tell(file);
    assert_int_equal(size_of(file), 7);
    disk.version = 8;
    tell(file);
    disk.holds = true;
    submit(of(FOP_STAT, file), &r);
    do_it(0);
    disk.version = 9;
    tell(file); /* before the answer to what was asked before */
    answer_it(0);
    disk.holds = false;
    assert_int_equal(size_of(file), 9);
    finish();
}

static void what_is_told_of_somebody_unknown_counts_for_whom_we_are_asking(void **state)
{
    struct inode *other;
    struct result r = {0};

    start();
    disk.holds = true;
    submit(of(FOP_STAT, file), &r); /* nothing is known of it yet */
    do_it(0);
    disk.version = 5;
    other = inode_get(g->inodes, (gfid_t){{[15] = 77}});
    tell(&(struct inode){.gfid = {{[15] = 78}}});
    answer_it(0);
    disk.holds = false;
    assert_int_equal(size_of(file), 5);
    inode_unref(other);
    finish();
}

static void nothing_outlives_the_connection(void **state)
{
    struct result r = {0};

    start();
    size_of(file);
    run(get("security.ima"));
    disk.version = 7;
    disk.holds = true;
    run(of(FOP_STAT, file));
    submit(of(FOP_STAT, dir), &r);
    g->top->type->notify(g->top, EVENT_CHILD_DOWN, NULL);
    answer_it(0);
    g->top->type->notify(g->top, EVENT_CHILD_UP, NULL);
    disk.holds = false;
    assert_int_equal(size_of(file), 7);
    disk.dir_version = 9;
    assert_int_equal(size_of(dir), 9);
    run(get("security.ima"));
    assert_int_equal(disk.seen[FOP_GETXATTR], 2);
    finish();
}

static void a_lock_makes_it_ask(void **state)
{
    struct fop *fop;

    start();
    size_of(file);
    disk.version = 7;
    fop = of(FOP_LK, file);
    fop->in.lk.cmd = LK_SETW;
    fop->in.lk.flock.type = RANGE_WRITE;
    run(fop);
    assert_int_equal(size_of(file), 7);
    finish();
}

static void a_name_that_is_taken_by_name_is_missed(void **state)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct fop *fop, *again;

        start();
        disk.nlink = 2 - i;
        struct fd *fd = i ? fd_new(g, file, NULL, O_RDONLY, false) : NULL;
        size_of(file);
        size_of(dir);
        fop = fop_new(g, FOP_UNLINK); /* as the kernel does it */
        fop->loc.parent = inode_ref(dir);
        strcpy(fop->loc.name, "other");
        run(fop);
        assert_int_equal(size_of(file), 2);
        again = fop_new(g, FOP_RENAME);
        again->loc.parent = inode_ref(dir);
        again->loc2.parent = inode_ref(dir);
        run(again);
        assert_int_equal(size_of(file), 3);
        fd_unref(fd);
        finish();
    }
}

static void a_change_is_seen_whoever_made_it(void **state)
{
    static const enum fop_op ops[] = {FOP_WRITE, FOP_TRUNCATE, FOP_SETATTR, FOP_SETXATTR, FOP_UNLINK, FOP_LINK, FOP_RENAME, FOP_OPEN};

    for (size_t i = 0; i < array_len(ops); i++) {
        struct fop *fop;

        start();
        size_of(file);
        size_of(dir);
        fop = ops[i] == FOP_UNLINK || ops[i] == FOP_RENAME ? by_name(ops[i]) : of(ops[i], file);
        if (ops[i] == FOP_OPEN)
            fop->in.open.flags = O_TRUNC;
        if (ops[i] == FOP_LINK)
            fop->loc2.parent = inode_ref(dir);
        run(fop);
        assert_int_equal(size_of(file), 2);
        assert_int_equal(size_of(dir), disk.dir_version);
        finish();
    }
}

/* ---- extended attributes ------------------------------------------------------------------------------------------------- */

static void absent_and_present_attributes_are_kept(void **state)
{
    start_with("md-cache-timeout", "600", "xattr-cache-list", "user.seen, user.some*");
    dict_set_binary(disk.xattrs, "user.seen", "one", 3);
    dict_set_binary(disk.xattrs, "user.something", "two", 3);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(run(get("security.capability")).err, ENODATA);
        assert_int_equal(run(get("user.seen")).ret, 3);
        assert_int_equal(run(get("user.something")).ret, 3);
        run(get("user.other"));
    }
    assert_int_equal(disk.seen[FOP_GETXATTR], 5); /* one is none of ours */
    run(of(FOP_SETXATTR, file));
    run(get("user.seen"));
    assert_int_equal(disk.seen[FOP_GETXATTR], 6);
    tell(file);
    run(get("user.seen"));
    assert_int_equal(disk.seen[FOP_GETXATTR], 7);
    finish();
}

static void a_write_takes_the_capability_away_and_its_absence_stays(void **state)
{
    start();
    run(get("security.capability"));
    run(of(FOP_WRITE, file));
    run(get("security.capability"));
    assert_int_equal(disk.seen[FOP_GETXATTR], 1);
    run(of(FOP_SETXATTR, file));
    dict_set_binary(disk.xattrs, "security.capability", "cap", 3);
    assert_int_equal(run(get("security.capability")).ret, 3);
    run(of(FOP_WRITE, file));
    dict_remove(disk.xattrs, "security.capability");
    assert_int_equal(run(get("security.capability")).err, ENODATA);
    finish();
}

static void once_asked_for_they_come_with_the_name(void **state)
{
    start();
    run(by_name(FOP_LOOKUP));
    assert_int_equal(dict_count(disk.last_xdata), 0);
    run(get("security.capability"));
    run(of(FOP_SETXATTR, file));
    dict_set_binary(disk.xattrs, "security.ima", "hash", 4);
    run(by_name(FOP_LOOKUP));
    assert_int_equal(dict_count(disk.last_xdata), 2);
    assert_int_equal(run(get("security.ima")).ret, 4);
    assert_int_equal(run(get("security.capability")).err, ENODATA);
    assert_int_equal(disk.seen[FOP_GETXATTR], 1);
    finish();
}

static void the_brick_is_told_which_are_kept(void **state)
{
    start_with("cache-invalidation", "on", "cache-samba-metadata", "on");
    g->top->type->notify(g->top, EVENT_CHILD_UP, NULL);
    assert_int_equal(disk.seen[FOP_IPC], 1);
    assert_non_null(dict_find(disk.last_xdata, "user.DOSATTRIB"));
    assert_non_null(dict_find(disk.last_xdata, "security.capability"));
    finish();
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------ */

static void space_is_kept_if_wanted(void **state)
{
    struct fop *fop;

    start();
    run(of(FOP_STATFS, dir));
    run(of(FOP_STATFS, dir));
    assert_int_equal(disk.seen[FOP_STATFS], 2);
    finish();
    start_with("md-cache-statfs", "on", "md-cache-timeout", "600");
    run(of(FOP_STATFS, dir));
    disk.version = 3;
    assert_int_equal(run(of(FOP_STATFS, dir)).size, 1);
    fop = of(FOP_STATFS, dir);
    fop->flags = FOP_DRAIN;
    run(fop);
    assert_int_equal(disk.seen[FOP_STATFS], 2);
    finish();
}

static unsigned int told;
static void heard(struct graph *graph, enum xlator_event event, void *data)
{
    told += event == EVENT_UPCALL;
}

static void new_data_is_told_to_those_above(void **state)
{
    start_with("md-cache-timeout", "600", "global-cache-invalidation", "on");
    g->notify = heard;
    told = 0;
    run(by_name(FOP_LOOKUP));
    run(by_name(FOP_LOOKUP));
    assert_int_equal(told, 0);
    disk.version++; /* somebody else */
    run(by_name(FOP_LOOKUP));
    assert_int_equal(told, 1);
    run(of(FOP_WRITE, file)); /* we */
    run(by_name(FOP_LOOKUP));
    assert_int_equal(told, 1);
    finish();
}

/* Many callers, any order of work and of answers, somebody else who changes the file and is told of: nobody gets attributes that are
 * older than what was known to be done when he asked. */
static void nobody_sees_the_past(void **state)
{
    enum { CALLERS = 6, STEPS = 20000 };
    static const enum fop_op ops[] = {FOP_STAT, FOP_STAT, FOP_STAT, FOP_LOOKUP, FOP_TRUNCATE, FOP_WRITE, FOP_SETATTR, FOP_LINK};
    static struct result r[CALLERS];
    unsigned int seed, hits = 0;

    for (seed = 1; seed <= 10; seed++) {
        uint64_t known = 1;
        unsigned int random = seed;

        start();
        memset(r, 0, sizeof(r));
        disk.holds = true;
        for (unsigned int i = 0; i < CALLERS; i++)
            r[i].back = true;
        for (unsigned int step = 0; step < STEPS; step++) {
            unsigned int i = (unsigned int)rand_r(&random) % CALLERS, what = (unsigned int)rand_r(&random) % 16;

            if (what == 0) {
                disk.version++;
                tell(file);
                known = disk.version; /* ours, done and not answered, are before that */
            } else if (what < 5 && disk.nr_held) {
                do_it((unsigned int)rand_r(&random) % disk.nr_held);
            } else if (what < 10 && disk.nr_held) {
                answer_it((unsigned int)rand_r(&random) % disk.nr_held);
            } else if (r[i].back) {
                unsigned int before = disk.nr_held;

                r[i].at_least = known;
                submit(of(ops[(unsigned int)rand_r(&random) % array_len(ops)], file), &r[i]);
                hits += disk.nr_held == before;
            }
            for (i = 0; i < CALLERS; i++) {
                if (!r[i].back || r[i].size == 0)
                    continue;
                if (r[i].size < r[i].at_least)
                    fail_msg("seed %u step %u: %s said %llu and %llu had been known", seed, step, fop_name(r[i].op),
                             (unsigned long long)r[i].size, (unsigned long long)r[i].at_least);
                known = max_of(known, r[i].size);
                r[i].size = 0;
            }
        }
        finish();
    }
    assert_true(hits > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_is_not_asked_again),
        cmocka_unit_test(a_name_is_always_asked),
        cmocka_unit_test(nothing_is_kept_without_time),
        cmocka_unit_test(an_old_answer_does_not_take_the_place_of_a_newer_one),
        cmocka_unit_test(of_two_changes_at_once_nobody_knows_which_was_the_last),
        cmocka_unit_test(what_the_brick_tells_is_heeded),
        cmocka_unit_test(what_is_told_of_somebody_unknown_counts_for_whom_we_are_asking),
        cmocka_unit_test(nothing_outlives_the_connection),
        cmocka_unit_test(a_lock_makes_it_ask),
        cmocka_unit_test(a_name_that_is_taken_by_name_is_missed),
        cmocka_unit_test(a_change_is_seen_whoever_made_it),
        cmocka_unit_test(absent_and_present_attributes_are_kept),
        cmocka_unit_test(a_write_takes_the_capability_away_and_its_absence_stays),
        cmocka_unit_test(once_asked_for_they_come_with_the_name),
        cmocka_unit_test(the_brick_is_told_which_are_kept),
        cmocka_unit_test(space_is_kept_if_wanted),
        cmocka_unit_test(new_data_is_told_to_those_above),
        cmocka_unit_test(nobody_sees_the_past),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
