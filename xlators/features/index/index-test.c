/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The indices, over a storage that has one counter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <semaphore.h>
#include <sys/stat.h>
#include <unistd.h>

#include "feature-types.h"
#include "testing.h"

#define PENDING "trusted.afr.v-client-1"
#define DIRTY "trusted.afr.dirty"

/* ---- a storage with one pending and one dirty counter, which can hold its answers back ------------------------------------------- */

static struct process p;
static struct graph *g;
static char base[64];
static int pending, dirty, failing;
static bool holding, unwatched;
static pthread_t submitter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fop *held[4];
static unsigned int nr_held;
static sem_t came;

static void put(struct dict *to, const char *key, int v)
{
    uint8_t bytes[12] = {[3] = (uint8_t)v};

    dict_set_binary(to, key, bytes, sizeof(bytes));
}

static void count(struct fop *fop)
{
    if (failing) {
        fop_fail(fop, failing);
        return;
    }
    fop->out.dict = dict_new();
    for (unsigned int i = 0; i < dict_count(fop->in.xattrop.dict); i++) {
        const struct dict_pair *pair = dict_at(fop->in.xattrop.dict, i);
        int *counter = strcmp(pair->key, DIRTY) == 0 ? &dirty : &pending;

        *counter += (int8_t)((const uint8_t *)pair->value)[3];
        put(fop->out.dict, pair->key, *counter);
    }
    fop_complete(fop, 0, 0);
}

static void fake_xattrop(struct xlator *xl, struct fop *fop)
{
    if (!unwatched) {
        assert_false(fop->flags & FOP_NOWAIT);
        assert_false(pthread_equal(pthread_self(), submitter));
    }
    if (!holding) {
        count(fop);
        return;
    }
    SCOPED_LOCK(&lock);
    held[nr_held++] = fop;
    sem_post(&came);
}

static void fake_lookup(struct xlator *xl, struct fop *fop)
{
    if (failing) {
        fop_fail(fop, failing);
        return;
    }
    fop->out.inode = inode_ref(fop->loc.inode);
    fop->out.stat.mode = S_IFREG;
    fop_complete(fop, 0, 0);
}

static void fake_nothing(struct xlator *xl, struct fop *fop)
{
    fop_fail(fop, EXDEV); /* no other translator says so: it came through */
}

static const struct xlator_type storage = {
    .name = "storage/fake",
    .leaf = true,
    .on = {[FOP_XATTROP] = fake_xattrop, [FOP_LOOKUP] = fake_lookup, [FOP_OPENDIR] = fake_nothing, [FOP_READDIR] = fake_nothing,
           [FOP_UNLINK] = fake_nothing, [FOP_RMDIR] = fake_nothing, [FOP_GETXATTR] = fake_nothing}};

/* ---- helpers --------------------------------------------------------------------------------------------------------------------- */

static const gfid_t object = {{0xaa, [15] = 7}};
#define OBJECT "aa000000-0000-0000-0000-000000000007"

static void start(void)
{
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage},
                                                  {.type = &index_type,
                                                   .options = {"index-base", base, "xattrop-dirty-watchlist", DIRTY,
                                                               "xattrop-pending-watchlist", "trusted.afr.v-", "xattrop64-watchlist",
                                                               "trusted.ec.dirty"}},
                                                  {.type = NULL}});
}

static void stop(void)
{
    testing_graph_free(g);
    testing_process_done(&p);
}

static int set_up(void **state)
{
    strcpy(base, "/tmp/index-test-XXXXXX");
    if (!mkdtemp(base))
        return -1;
    pending = dirty = failing = 0;
    holding = unwatched = false;
    nr_held = 0;
    sem_init(&came, 0, 0);
    submitter = pthread_self();
    start();
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    stop();
    sem_destroy(&came);
    snprintf(command, sizeof(command), "rm -rf %s", base);
    return system(command);
}

static bool there(const char *path)
{
    char full[256];
    struct stat st;

    snprintf(full, sizeof(full), "%s/%s", base, path);
    return lstat(full, &st) == 0;
}

static struct fop *xattrop(const char *key, int delta)
{
    struct fop *fop = fop_new(g, FOP_XATTROP);

    fop->loc.inode = inode_get(g->inodes, object);
    atomic_store(&fop->loc.inode->type, S_IFDIR);
    fop->in.xattrop.dict = dict_new();
    put(fop->in.xattrop.dict, key, delta);
    fop->flags |= FOP_NOWAIT;
    return fop;
}

/* Frees it; 0 or the errno. */
static int run(struct fop *fop)
{
    testing_run(g, fop);
    int err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

static int run_with(struct fop *fop, const char *key, const char *value)
{
    fop->xdata = dict_new();
    dict_set_text(fop->xdata, key, value);
    return run(fop);
}

static gfid_t virtual(const char *name)
{
    struct fop *fop = fop_new(g, FOP_GETXATTR);
    gfid_t gfid = {0};

    fop->in.getxattr.name = name;
    testing_run(g, fop);
    assert_int_equal(dict_get_gfid(fop->out.dict, name, &gfid), 0);
    fop_free(fop);
    return gfid;
}

static struct fop *in_dir(enum fop_op op, gfid_t dir, const char *name)
{
    struct fop *fop = fop_new(g, op);

    fop->loc.parent = inode_get(g->inodes, dir);
    strcpy(fop->loc.name, name);
    fop->flags |= FOP_NOWAIT;
    return fop;
}

static struct fop *lookup(gfid_t gfid)
{
    struct fop *fop = fop_new(g, FOP_LOOKUP);

    fop->loc.inode = inode_get(g->inodes, gfid);
    fop->flags |= FOP_NOWAIT;
    return fop;
}

/* Names of a virtual directory, sorted as they come, each followed by a space; read one entry at a time. */
static const char *listing(gfid_t dir, unsigned int *ret_type)
{
    static char names[1024];
    struct fop *open = fop_new(g, FOP_OPENDIR);
    uint64_t offset = 0;
    int32_t got;

    names[0] = '\0';
    open->loc.inode = inode_get(g->inodes, dir);
    open->flags |= FOP_NOWAIT;
    testing_run(g, open);
    assert_int_equal(open->ret, 0);
    do {
        struct fop *read = fop_new(g, FOP_READDIR);

        read->fd = fd_ref(open->out.fd);
        read->in.readdir.offset = offset;
        read->in.readdir.size = 1;
        read->flags |= FOP_NOWAIT;
        if (ret_type) {
            read->xdata = dict_new();
            dict_set_i64(read->xdata, "get-gfid-type", 1);
        }
        testing_run(g, read);
        got = read->ret;
        assert_in_range(got, 0, 1);
        for (unsigned int i = 0; i < read->out.nr_entries; i++) {
            const struct dirent4 *e = &read->out.entries[i];

            offset = e->off;
            if (e->name[0] == '.')
                continue;
            strcat(strcat(names, e->name), " ");
            if (ret_type)
                *ret_type = e->type;
        }
        fop_free(read);
    } while (got > 0);
    fop_free(open);
    return names;
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------------ */

static void an_object_is_entered_while_a_watched_counter_is_not_zero(void **state)
{
    assert_int_equal(run(xattrop(PENDING, 0)), 0);
    assert_false(there("xattrop/" OBJECT));
    assert_int_equal(run(xattrop(PENDING, 1)), 0);
    assert_true(there("xattrop/" OBJECT));
    assert_false(there("dirty/" OBJECT));
    assert_int_equal(run(xattrop(DIRTY, 1)), 0);
    assert_true(there("dirty/" OBJECT));
    assert_int_equal(run(xattrop(DIRTY, -1)), 0);
    assert_false(there("dirty/" OBJECT));
    assert_true(there("xattrop/" OBJECT));
    assert_int_equal(run(xattrop(PENDING, -1)), 0);
    assert_false(there("xattrop/" OBJECT));
    unwatched = true;
    assert_int_equal(run(xattrop("trusted.other", 1)), 0);
    assert_false(there("xattrop/" OBJECT));
}

static void it_is_entered_before_the_counter_moves_and_stays_when_that_fails(void **state)
{
    failing = EIO;
    assert_int_equal(run(xattrop(PENDING, 1)), EIO);
    assert_true(there("xattrop/" OBJECT));
}

static void back(struct fop *fop, void *ctx)
{
    sem_post(ctx);
}

static void operations_of_one_inode_go_one_at_a_time_in_order(void **state)
{
    struct fop *fops[3];
    sem_t done;

    sem_init(&done, 0, 0);
    holding = true;
    for (int i = 0; i < 3; i++) {
        fops[i] = xattrop(DIRTY, i == 2 ? -2 : 1);
        fop_push(fops[i], back, &done);
        fop_submit(g->top, fops[i]);
    }
    for (int i = 0; i < 3; i++) {
        sem_wait(&came);
        pool_drain(p.pool); /* whatever else might come would have come */
        pthread_mutex_lock(&lock);
        assert_int_equal(nr_held, i + 1);
        pthread_mutex_unlock(&lock);
        assert_ptr_equal(held[i], fops[i]);
        count(held[i]);
        sem_wait(&done);
    }
    assert_false(there("dirty/" OBJECT));
    for (int i = 0; i < 3; i++)
        fop_free(fops[i]);
    sem_destroy(&done);
}

static void an_index_can_be_looked_into_and_entries_removed(void **state)
{
    gfid_t dir = virtual("glusterfs.xattrop_index_gfid");
    unsigned int type = 0;

    assert_string_equal(listing(dir, NULL), "");
    run(xattrop(PENDING, 1));
    assert_string_equal(listing(dir, NULL), OBJECT " ");
    listing(dir, &type);
    assert_int_equal(type, DT_REG); /* as LOOKUP of the object says */

    struct fop *look = lookup(dir);
    look->xdata = dict_new();
    dict_set_i64(look->xdata, "glusterfs.index-ia-type-get-req", 1);
    testing_run(g, look);
    uint64_t ia_type = 0;
    assert_int_equal(look->ret, 0);
    assert_int_equal(look->out.stat.mode, S_IFDIR | 0600);
    assert_true(look->out.stat.ino == UINT64_MAX);
    assert_int_equal(dict_get_u64(look->xdata_out, "glusterfs.index-ia-type-get-rsp", &ia_type), 0);
    assert_int_equal(ia_type, 1);
    fop_free(look);

    assert_int_equal(run(in_dir(FOP_LOOKUP, dir, OBJECT)), 0);
    assert_int_equal(run(in_dir(FOP_UNLINK, dir, OBJECT)), 0);
    assert_int_equal(run(in_dir(FOP_UNLINK, dir, OBJECT)), ENOENT);
    assert_int_equal(run(in_dir(FOP_LOOKUP, dir, OBJECT)), ENOENT);
    assert_string_equal(listing(dir, NULL), "");
    assert_int_equal(run(in_dir(FOP_UNLINK, object, "x")), EXDEV); /* others' directories are not ours */
    assert_int_equal(run(in_dir(FOP_RMDIR, object, "x")), EXDEV);
}

static void a_base_file_is_no_entry(void **state)
{
    gfid_t dir = virtual("glusterfs.xattrop_index_gfid");
    char name[64] = "", full[128];
    DIR *d;
    struct dirent *e;

    run(xattrop(PENDING, 1));
    snprintf(full, sizeof(full), "%s/xattrop", base);
    d = opendir(full);
    assert_non_null(d);
    while ((e = readdir(d)))
        if (strncmp(e->d_name, "xattrop-", 8) == 0)
            strcpy(name, e->d_name);
    closedir(d);
    assert_int_not_equal(name[0], 0);
    assert_int_equal(run(in_dir(FOP_UNLINK, dir, name)), ENOENT);
    assert_int_equal(run(in_dir(FOP_LOOKUP, dir, name)), ENOENT);

    char path[128];
    snprintf(path, sizeof(path), "xattrop/%s", name);
    stop();
    start(); /* another life, another base file; the old one still has an entry */
    dir = virtual("glusterfs.xattrop_index_gfid");
    assert_string_equal(listing(dir, NULL), OBJECT " ");
    assert_true(there(path));
    assert_int_equal(run(xattrop(PENDING, -1)), 0);
    listing(dir, NULL);
    assert_false(there(path)); /* its last entry is gone */
}

static void names_are_kept_of_directories(void **state)
{
    gfid_t dir = virtual("glusterfs.xattrop_entry_changes_gfid"), sub;

    assert_int_equal(run_with(xattrop(PENDING, 1), "glusterfs.xattrop-entry-create", "one"), 0);
    assert_int_equal(run_with(xattrop(PENDING, 0), "glusterfs.xattrop-entry-create", "two"), 0);
    assert_true(there("entry-changes/" OBJECT "/one"));
    assert_true(there("entry-changes/" OBJECT "/two"));
    assert_string_equal(listing(dir, NULL), OBJECT " ");

    struct fop *look = in_dir(FOP_LOOKUP, dir, OBJECT);
    testing_run(g, look);
    assert_int_equal(look->ret, 0);
    sub = look->out.stat.gfid;
    assert_int_equal(atomic_load(&look->out.inode->type), S_IFDIR);
    assert_int_equal(run_with(xattrop(PENDING, 0), "glusterfs.xattrop-entry-delete", "two"), 0);
    assert_string_equal(listing(sub, NULL), "one ");
    assert_int_equal(run(lookup(sub)), 0);
    assert_int_equal(run(in_dir(FOP_RMDIR, dir, OBJECT)), ENOTEMPTY);
    assert_int_equal(run(in_dir(FOP_UNLINK, sub, "one")), 0);
    fop_free(look);
    assert_int_equal(run(in_dir(FOP_RMDIR, dir, OBJECT)), 0);
    assert_false(there("entry-changes/" OBJECT));

    assert_int_equal(run_with(xattrop(PENDING, 0), "glusterfs.xattrop-entry-create", "three"), 0); /* again */
    struct fop *wipe = in_dir(FOP_RMDIR, dir, OBJECT);
    wipe->in.rmdir.flags = 1;
    assert_int_equal(run(wipe), 0);
    assert_string_equal(listing(dir, NULL), "");
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", "../x", "a/b"};

    for (size_t i = 0; i < array_len(names); i++) {
        assert_int_equal(run_with(xattrop(PENDING, 1), "glusterfs.xattrop-entry-create", names[i]), EINVAL);
        assert_int_equal(run_with(xattrop(PENDING, 1), "glusterfs.xattrop-entry-delete", names[i]), EINVAL);
    }
    assert_int_equal(pending, 0);
    assert_false(there("xattrop/" OBJECT));
}

static void what_is_known_of_a_healed_directory_goes(void **state)
{
    struct fop *healed = xattrop(PENDING, -1);

    run_with(xattrop(PENDING, 1), "glusterfs.xattrop-entry-create", "one");
    healed->xdata = dict_new();
    dict_set_i64(healed->xdata, "glusterfs.xattrop-purge-index", 1);
    assert_int_equal(run(healed), 0);
    assert_false(there("entry-changes/" OBJECT));
}

static int64_t link_count(int expected_err)
{
    struct fop *look = lookup(object);
    int64_t n = -1;

    look->xdata = dict_new();
    dict_set_text(look->xdata, "link-count", "glusterfs.xattrop_index_count");
    testing_run(g, look);
    assert_int_equal(look->ret < 0 ? look->err : 0, expected_err);
    dict_get_i64(look->xdata_out, "link-count", &n);
    fop_free(look);
    return n;
}

static void whether_anything_is_to_be_healed_is_told_with_every_lookup(void **state)
{
    assert_int_equal(link_count(0), 0);
    run(xattrop(PENDING, 1));
    assert_int_equal(link_count(0), 1);
    failing = ENOENT;
    assert_int_equal(link_count(ENOENT), 1);
    failing = 0;
    stop();
    start();
    assert_int_equal(link_count(0), 1); /* entries of a former life count */
    run(xattrop(PENDING, -1));
    assert_int_equal(link_count(0), 0);
}

static void an_index_whose_directory_was_taken_away_is_made_anew(void **state)
{
    char command[256];

    run(xattrop(PENDING, 1));
    snprintf(command, sizeof(command), "rm -rf %s/xattrop %s/entry-changes", base, base);
    assert_int_equal(system(command), 0);
    assert_int_equal(run(xattrop(PENDING, 1)), 0);
    assert_true(there("xattrop/" OBJECT));
    assert_int_equal(run_with(xattrop(PENDING, 1), "glusterfs.xattrop-entry-create", "one"), 0);
    assert_true(there("entry-changes/" OBJECT "/one"));
}

static void counters_of_64_bits_count_only_where_they_are_watched(void **state)
{
    struct fop *wide = xattrop(PENDING, 1), *ec = xattrop("trusted.ec.dirty", 1);

    wide->in.xattrop.flags = ec->in.xattrop.flags = 1;
    unwatched = true;
    assert_int_equal(run(wide), 0);
    unwatched = false;
    assert_false(there("xattrop/" OBJECT));
    assert_int_equal(run(ec), 0);
    assert_true(there("xattrop/" OBJECT));
}

int main(void)
{
    if (geteuid() != 0) {
        puts("1..0 # SKIP the directories are root's (mode 0600)");
        return 77;
    }
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_object_is_entered_while_a_watched_counter_is_not_zero),
        TEST(it_is_entered_before_the_counter_moves_and_stays_when_that_fails),
        TEST(operations_of_one_inode_go_one_at_a_time_in_order),
        TEST(an_index_can_be_looked_into_and_entries_removed),
        TEST(a_base_file_is_no_entry),
        TEST(names_are_kept_of_directories),
        TEST(names_that_lead_elsewhere_are_refused),
        TEST(what_is_known_of_a_healed_directory_goes),
        TEST(whether_anything_is_to_be_healed_is_told_with_every_lookup),
        TEST(an_index_whose_directory_was_taken_away_is_made_anew),
        TEST(counters_of_64_bits_count_only_where_they_are_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
