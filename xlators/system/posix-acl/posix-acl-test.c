/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The translator over a storage that remembers what reached it. Against the kernel: kernel-test.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>

#include "../system-types.h"
#include "acl.h"
#include "testing.h"

/* ---- the storage: objects by the last byte of their gfid --------------------------------------------------------------------- */

enum { DIR = 1, FILE_A, FILE_B, NR_OBJECTS };
static struct object {
    uint32_t uid, gid, mode;
    const uint8_t *access, *dflt;
    size_t access_len, dflt_len;
} objects[NR_OBJECTS];
static struct seen {
    unsigned int lookups, others;
    uint32_t mode, umask;
    bool acl, dflt, umask_key;
} seen;
static int entry; /* what the directory's only name leads to; 0: nothing */

static gfid_t gfid_of(int i)
{
    return (gfid_t){{[15] = (uint8_t)i}};
}

static void fill(struct iatt *to, int i)
{
    *to = (struct iatt){.gfid = gfid_of(i), .uid = objects[i].uid, .gid = objects[i].gid, .mode = objects[i].mode};
}

static void fake_lookup(struct xlator *xl, struct fop *fop)
{
    int i = fop->loc.parent ? entry : fop->loc.inode->gfid.b[15];

    seen.lookups++;
    if (i == 0) {
        fop_fail(fop, ENOENT);
        return;
    }
    fill(&fop->out.stat, i);
    fop->out.inode = inode_get(xl->graph->inodes, gfid_of(i));
    assert_true(fop->flags & FOP_WANT_ACL);
    if (objects[i].access)
        dict_set_binary(fop_xdata_out(fop), ACL_ACCESS_NAME, objects[i].access, objects[i].access_len);
    if (objects[i].dflt)
        dict_set_binary(fop_xdata_out(fop), ACL_DEFAULT_NAME, objects[i].dflt, objects[i].dflt_len);
    fop_complete(fop, 0, 0);
}

static void fake_make(struct xlator *xl, struct fop *fop)
{
    seen.others++;
    seen.mode = fop->op == FOP_MKDIR ? fop->in.mkdir.mode : fop->in.create.mode;
    seen.umask = fop->op == FOP_MKDIR ? fop->in.mkdir.umask : fop->in.create.umask;
    seen.acl = dict_find(fop->xdata, ACL_ACCESS_NAME);
    seen.dflt = dict_find(fop->xdata, ACL_DEFAULT_NAME);
    seen.umask_key = dict_find(fop->xdata, "umask");
    fop->out.inode = inode_get(xl->graph->inodes, gfid_of(FILE_A));
    fill(&fop->out.stat, FILE_A);
    if (fop->op == FOP_CREATE)
        fop->out.fd = fd_new(xl->graph, fop->out.inode, NULL, fop->in.create.flags, false);
    fop_complete(fop, 0, 0);
}

static void fake_setattr(struct xlator *xl, struct fop *fop)
{
    struct object *o = &objects[fop->loc.inode->gfid.b[15]];

    seen.others++;
    seen.mode = fop->in.setattr.stat.mode;
    if (fop->in.setattr.valid & SET_MODE)
        o->mode = (o->mode & S_IFMT) | (fop->in.setattr.stat.mode & 07777);
    fill(&fop->out.post, fop->loc.inode->gfid.b[15]);
    fop_complete(fop, 0, 0);
}

static void fake_other(struct xlator *xl, struct fop *fop)
{
    seen.others++;
    fop_complete(fop, 0, 0);
}

static const struct xlator_type fake_storage = {
    .name = "storage/fake",
    .leaf = true,
    .on = {[FOP_LOOKUP] = fake_lookup, [FOP_CREATE] = fake_make, [FOP_MKDIR] = fake_make, [FOP_SETATTR] = fake_setattr,
           [FOP_OPEN] = fake_other, [FOP_ACCESS] = fake_other, [FOP_UNLINK] = fake_other, [FOP_RENAME] = fake_other,
           [FOP_SETXATTR] = fake_other, [FOP_REMOVEXATTR] = fake_other, [FOP_GETXATTR] = fake_other, [FOP_TRUNCATE] = fake_other,
           [FOP_READ] = fake_other, [FOP_LINK] = fake_other}};

struct world {
    struct process p;
    struct graph *g;
    struct inode *in[NR_OBJECTS];
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    memset(&seen, 0, sizeof(seen));
    memset(objects, 0, sizeof(objects));
    objects[DIR] = (struct object){.uid = 1000, .gid = 2000, .mode = S_IFDIR | 0755};
    objects[FILE_A] = objects[FILE_B] = (struct object){.uid = 1000, .gid = 2000, .mode = S_IFREG | 0640};
    entry = 0;
    testing_process(&w->p);
    w->g = testing_graph(&w->p, (struct testing_node[]){{.type = &fake_storage}, {.type = &posix_acl_type}, {.type = NULL}});
    for (int i = DIR; i < NR_OBJECTS; i++)
        w->in[i] = inode_get(w->g->inodes, gfid_of(i));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    for (int i = DIR; i < NR_OBJECTS; i++)
        inode_unref(w->in[i]);
    testing_graph_free(w->g);
    testing_process_done(&w->p);
    free(w);
    return 0;
}

static struct fop *make(struct world *w, enum fop_op op, int object, uint32_t uid, uint32_t gid)
{
    struct fop *fop = fop_new(w->g, op);

    if (object)
        fop->loc.inode = inode_ref(w->in[object]);
    fop->cred.uid = uid;
    fop->cred.gid = gid;
    fop->cred.pid = 77;
    return fop;
}

static struct fop *in_dir(struct world *w, struct fop *fop)
{
    fop->loc.parent = inode_ref(w->in[DIR]);
    strcpy(fop->loc.name, "x");
    return fop;
}

/* 0 or the errno. */
static int run(struct world *w, struct fop *fop)
{
    int err;

    testing_run(w->g, fop);
    err = fop->ret < 0 ? fop->err : 0;
    fop_free(fop);
    return err;
}

static int open_as(struct world *w, int object, int32_t flags, uint32_t uid, uint32_t gid)
{
    struct fop *fop = make(w, FOP_OPEN, object, uid, gid);

    fop->in.open.flags = flags;
    return run(w, fop);
}

static int chmod_as(struct world *w, int object, uint32_t mode, uint32_t uid, uint32_t gid)
{
    struct fop *fop = make(w, FOP_SETATTR, object, uid, gid);

    fop->in.setattr.valid = SET_MODE;
    fop->in.setattr.stat.mode = mode;
    return run(w, fop);
}

/* ---- tests ----------------------------------------------------------------------------------------------------------------- */

static void what_is_unknown_is_looked_up_before_it_is_judged(void **state)
{
    struct world *w = *state;

    assert_int_equal(open_as(w, FILE_A, O_RDWR, 9, 9), EACCES);
    assert_int_equal(seen.lookups, 1);
    assert_int_equal(seen.others, 0);
    assert_int_equal(open_as(w, FILE_A, O_RDWR, 1000, 9), 0);
    assert_int_equal(open_as(w, FILE_A, O_RDONLY, 9, 2000), 0);
    assert_int_equal(open_as(w, FILE_A, O_RDONLY | O_TRUNC, 9, 2000), EACCES);
    assert_int_equal(open_as(w, FILE_A, O_WRONLY | O_APPEND, 9, 2000), EACCES);
    assert_int_equal(open_as(w, FILE_A, 040, 9, 2000), EACCES); /* for execution */
    assert_int_equal(seen.lookups, 1);
}

static void root_and_internal_callers_are_not_judged(void **state)
{
    struct world *w = *state;
    struct fop *fop;

    objects[FILE_A].mode = S_IFREG;
    assert_int_equal(open_as(w, FILE_A, O_RDWR, 0, 0), 0);
    fop = make(w, FOP_TRUNCATE, FILE_A, 9, 9);
    fop->cred.pid = -6;
    assert_int_equal(run(w, fop), 0);
    assert_int_equal(seen.lookups, 0);
    assert_int_equal(run(w, make(w, FOP_TRUNCATE, FILE_A, 9, 9)), EACCES);
}

static void a_name_is_looked_up_by_who_may_search_the_directory(void **state)
{
    struct world *w = *state;

    objects[DIR].mode = S_IFDIR | 0644;
    entry = FILE_A;
    assert_int_equal(run(w, in_dir(w, make(w, FOP_LOOKUP, 0, 9, 9))), EACCES);
    assert_int_equal(run(w, make(w, FOP_LOOKUP, FILE_A, 9, 9)), 0); /* by gfid */
    objects[DIR].mode = S_IFDIR | 0711;
    assert_int_equal(run(w, make(w, FOP_LOOKUP, DIR, 0, 0)), 0);
    assert_int_equal(run(w, in_dir(w, make(w, FOP_LOOKUP, 0, 9, 9))), 0);
}

static void data_by_descriptor_is_judged_for_nfs_only(void **state)
{
    struct world *w = *state;
    struct fop *fop;

    assert_int_equal(run(w, make(w, FOP_READ, FILE_A, 9, 9)), 0);
    fop = make(w, FOP_READ, FILE_A, 9, 9);
    fop->cred.pid = 1;
    assert_int_equal(run(w, fop), EACCES);
}

static void access_is_answered_here(void **state)
{
    struct world *w = *state;
    static const struct {
        uint32_t mask, uid, gid;
        int err;
        unsigned int below; /* reached the storage */
    } cases[] = {{0, 9, 9, 0, 1}, {4, 9, 9, EACCES, 0}, {4, 9, 2000, 0, 0}, {6, 9, 2000, EACCES, 0}, {6, 1000, 9, 0, 0}, {7, 0, 0, 0, 1}};

    for (size_t i = 0; i < array_len(cases); i++) {
        struct fop *fop = make(w, FOP_ACCESS, FILE_A, cases[i].uid, cases[i].gid);

        seen.others = 0;
        fop->in.access.mask = cases[i].mask;
        if (run(w, fop) != cases[i].err || seen.others != cases[i].below)
            fail_msg("case %zu", i);
    }
}

static void only_the_owner_changes_mode_owner_and_acl(void **state)
{
    struct world *w = *state;
    static const struct {
        int32_t valid;
        uint32_t mode, to_uid, to_gid, uid, gid;
        int err;
        uint32_t seen_mode;
    } cases[] = {
        {SET_MODE, 0600, 0, 0, 9, 2000, EPERM, 0},
        {SET_MODE, 0660, 0, 0, 1000, 9, 0, 0660},
        {SET_MODE, 02660, 0, 0, 1000, 9, 0, 0660}, /* not in the file's group */
        {SET_MODE, 02660, 0, 0, 1000, 2000, 0, 02660},
        {SET_MODE, 02660, 0, 0, 0, 0, 0, 02660},
        {SET_UID, 0, 9, 0, 1000, 2000, EPERM, 0},
        {SET_UID, 0, 1000, 0, 1000, 2000, 0, 0},
        {SET_UID, 0, 1000, 0, 9, 2000, EPERM, 0},
        {SET_GID, 0, 0, 2001, 1000, 2001, 0, 0},
        {SET_GID, 0, 0, 2002, 1000, 2001, EPERM, 0},
        {SET_GID, 0, 0, 2001, 9, 2001, EPERM, 0},
        {SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW, 0, 0, 0, 9, 2000, 0, 0}, /* 0660: may write */
        {SET_ATIME | SET_MTIME | SET_ATIME_NOW | SET_MTIME_NOW, 0, 0, 0, 9, 9, EACCES, 0},
        {SET_MTIME, 0, 0, 0, 1000, 9, 0, 0},
    };

    for (size_t i = 0; i < array_len(cases); i++) {
        struct fop *fop = make(w, FOP_SETATTR, FILE_A, cases[i].uid, cases[i].gid);

        seen.mode = 0;
        fop->in.setattr.valid = cases[i].valid;
        fop->in.setattr.stat = (struct iatt){.mode = cases[i].mode, .uid = cases[i].to_uid, .gid = cases[i].to_gid};
        int err = run(w, fop);
        if (err != cases[i].err || seen.mode != cases[i].seen_mode)
            fail_msg("case %zu: %s, mode %o", i, strerror(err), seen.mode);
    }
}

static int setxattr_as(struct world *w, const char *name, uint32_t uid, uint32_t gid)
{
    struct fop *fop = make(w, FOP_SETXATTR, FILE_A, uid, gid);

    fop->in.setxattr.dict = dict_new();
    dict_set_text(fop->in.setxattr.dict, name, "v");
    return run(w, fop);
}

static void attributes_need_write_and_acls_the_owner(void **state)
{
    struct world *w = *state;
    struct fop *fop;

    objects[FILE_A].mode = S_IFREG | 0662;
    assert_int_equal(setxattr_as(w, "user.a", 9, 9), 0);
    assert_int_equal(setxattr_as(w, ACL_ACCESS_NAME, 9, 9), EPERM);
    assert_int_equal(setxattr_as(w, "glusterfs.posix.acl", 9, 9), EPERM);
    assert_int_equal(setxattr_as(w, ACL_ACCESS_NAME, 1000, 9), 0);
    fop = make(w, FOP_REMOVEXATTR, FILE_A, 9, 9);
    fop->in.removexattr.name = "";
    fop->xdata = dict_new();
    dict_set_text(fop->xdata, ACL_ACCESS_NAME, "");
    assert_int_equal(run(w, fop), EPERM);
    assert_int_equal(run(w, make(w, FOP_GETXATTR, FILE_A, 9, 9)), EACCES);
}

static void a_changed_mode_counts_at_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(open_as(w, FILE_A, O_RDONLY, 9, 2000), 0);
    assert_int_equal(chmod_as(w, FILE_A, 0600, 1000, 2000), 0);
    assert_int_equal(open_as(w, FILE_A, O_RDONLY, 9, 2000), EACCES);
    assert_int_equal(chmod_as(w, FILE_A, 0604, 0, 0), 0);
    assert_int_equal(open_as(w, FILE_A, O_RDONLY, 9, 9), 0);
    assert_int_equal(seen.lookups, 1);
}

static const uint8_t acl_of_9[] = {
    2, 0, 0, 0, 0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 6, 0, 9, 0, 0, 0, 0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
    0x10, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
};

static void a_changed_acl_counts_at_once(void **state)
{
    struct world *w = *state;

    assert_int_equal(open_as(w, FILE_A, O_RDWR, 9, 9), EACCES);
    objects[FILE_A].access = acl_of_9;
    objects[FILE_A].access_len = sizeof(acl_of_9);
    assert_int_equal(setxattr_as(w, ACL_ACCESS_NAME, 1000, 9), 0);
    assert_int_equal(open_as(w, FILE_A, O_RDWR, 9, 9), 0);
    objects[FILE_A].access = NULL;
    assert_int_equal(chmod_as(w, FILE_A, 0640, 1000, 9), 0); /* of an object with an ACL: what it is now, the storage knows */
    assert_int_equal(open_as(w, FILE_A, O_RDWR, 9, 9), EACCES);
}

static void a_broken_acl_lets_nobody_in(void **state)
{
    struct world *w = *state;

    objects[FILE_A].mode = S_IFREG | 0666;
    objects[FILE_A].access = acl_of_9;
    objects[FILE_A].access_len = sizeof(acl_of_9) - 1;
    assert_int_equal(open_as(w, FILE_A, O_RDWR, 9, 9), EIO);
    assert_int_equal(open_as(w, FILE_A, O_RDWR, 0, 0), 0);
}

static void entries_of_a_sticky_directory_belong_to_their_owner(void **state)
{
    struct world *w = *state;
    struct fop *fop;

    objects[DIR] = (struct object){.uid = 1, .mode = S_IFDIR | S_ISVTX | 0777};
    entry = FILE_B;
    assert_int_equal(run(w, in_dir(w, make(w, FOP_UNLINK, FILE_A, 9, 9))), EACCES);
    assert_int_equal(run(w, in_dir(w, make(w, FOP_UNLINK, FILE_A, 1000, 9))), 0);
    assert_int_equal(run(w, in_dir(w, make(w, FOP_UNLINK, FILE_A, 1, 9))), 0);
    assert_int_equal(run(w, in_dir(w, make(w, FOP_UNLINK, 0, 9, 9))), EACCES); /* whose it is has to be found out */
    assert_int_equal(run(w, in_dir(w, make(w, FOP_UNLINK, 0, 1000, 9))), 0);
    objects[FILE_B].uid = 9;
    fop = in_dir(w, make(w, FOP_RENAME, FILE_A, 1000, 9));
    fop->loc2.parent = inode_ref(w->in[DIR]);
    strcpy(fop->loc2.name, "y");
    fop->loc2.inode = inode_ref(w->in[FILE_B]);
    assert_int_equal(run(w, fop), 0); /* known as it was: 1000's */
    assert_int_equal(run(w, make(w, FOP_LOOKUP, FILE_B, 0, 0)), 0);
    fop = in_dir(w, make(w, FOP_RENAME, FILE_A, 1000, 9));
    fop->loc2.parent = inode_ref(w->in[DIR]);
    strcpy(fop->loc2.name, "y");
    assert_int_equal(run(w, fop), EACCES);
    entry = 0;
    fop = in_dir(w, make(w, FOP_RENAME, FILE_A, 1000, 9));
    fop->loc2.parent = inode_ref(w->in[DIR]);
    strcpy(fop->loc2.name, "y");
    assert_int_equal(run(w, fop), 0);
    fop = make(w, FOP_LINK, FILE_A, 9, 9);
    fop->loc2.parent = inode_ref(w->in[DIR]);
    strcpy(fop->loc2.name, "z");
    assert_int_equal(run(w, fop), EACCES);
}

static struct fop *create(struct world *w, uint32_t mode, uint32_t umask, uint32_t uid)
{
    struct fop *fop = in_dir(w, make(w, FOP_CREATE, 0, uid, 2000));

    fop->in.create.flags = O_CREAT | O_RDWR;
    fop->in.create.mode = mode;
    fop->in.create.umask = umask;
    fop->xdata = dict_new();
    dict_set_gfid(fop->xdata, "gfid-req", gfid_of(FILE_A));
    return fop;
}

static void a_new_object_has_the_umask_or_the_default_acl(void **state)
{
    struct world *w = *state;
    struct fop *fop;

    assert_int_equal(run(w, create(w, 0666, 022, 9)), EACCES);
    assert_int_equal(run(w, create(w, 0666, 022, 1000)), 0);
    assert_int_equal(seen.mode, 0644);
    assert_int_equal(run(w, create(w, 0666, 027, 0)), 0); /* root's umask counts too */
    assert_int_equal(seen.mode, 0640);
    fop = create(w, 0600, 0, 1000);
    dict_set_i64(fop->xdata, "mode", 0777);
    dict_set_i64(fop->xdata, "umask", 02);
    assert_int_equal(run(w, fop), 0);
    assert_int_equal(seen.mode, 0775);
    assert_false(seen.umask_key);

    objects[DIR].dflt = acl_of_9;
    objects[DIR].dflt_len = sizeof(acl_of_9);
    assert_int_equal(run(w, make(w, FOP_LOOKUP, DIR, 0, 0)), 0);
    assert_int_equal(run(w, create(w, 0666, 077, 1000)), 0);
    assert_int_equal(seen.mode, 0660);
    assert_int_equal(seen.umask, 0);
    assert_true(seen.acl);
    assert_false(seen.dflt);
    fop = in_dir(w, make(w, FOP_MKDIR, 0, 1000, 2000));
    fop->in.mkdir.mode = 0755;
    assert_int_equal(run(w, fop), 0);
    assert_true(seen.acl && seen.dflt);
}

static void create_over_an_existing_file_is_an_open(void **state)
{
    struct world *w = *state;
    struct fop *fop = create(w, 0666, 0, 9);

    objects[DIR].mode = S_IFDIR | 0777;
    dict_set_gfid(fop->xdata, "gfid-req", gfid_of(99)); /* what it gets is another one: A was there */
    assert_int_equal(run(w, fop), EACCES);
    fop = create(w, 0666, 0, 1000);
    dict_set_gfid(fop->xdata, "gfid-req", gfid_of(99));
    testing_run(w->g, fop);
    assert_int_equal(fop->ret, 0);
    assert_non_null(fop->out.fd);
    fop_free(fop);
}

/* An answer that was asked for before a change and comes after it is not believed. */
static struct fop *late;
static void hold(struct xlator *xl, struct fop *fop)
{
    if (fop->cred.gid == 4711 && !late) { /* the storage has looked, but has not said so yet */
        fill(&fop->out.stat, FILE_A);
        fop->out.inode = inode_get(xl->graph->inodes, gfid_of(FILE_A));
        late = fop;
        return;
    }
    fake_lookup(xl, fop);
}

static void back(struct fop *fop, void *ctx)
{
    *(bool *)ctx = true;
}

static void an_answer_from_before_a_change_is_not_believed(void **state)
{
    struct world *w = *state;
    struct xlator_type slow = fake_storage;
    struct graph *g;
    struct inode *in;
    bool done = false;

    slow.on[FOP_LOOKUP] = hold;
    late = NULL;
    g = testing_graph(&w->p, (struct testing_node[]){{.type = &slow}, {.type = &posix_acl_type}, {.type = NULL}});
    in = inode_get(g->inodes, gfid_of(FILE_A));

    struct fop *lookup = fop_new(g, FOP_LOOKUP);
    lookup->loc.inode = inode_ref(in);
    lookup->cred.gid = 4711;
    fop_push(lookup, back, &done);
    fop_submit(g->top, lookup);
    assert_non_null(late);

    struct fop *chmod = fop_new(g, FOP_SETATTR);
    chmod->loc.inode = inode_ref(in);
    chmod->in.setattr.valid = SET_MODE;
    chmod->in.setattr.stat.mode = 0;
    testing_run(g, chmod);
    fop_free(chmod);
    fop_complete(late, 0, 0);
    assert_true(done);
    fop_free(lookup);

    struct fop *open = fop_new(g, FOP_OPEN);
    open->loc.inode = inode_ref(in);
    open->cred.uid = 9;
    open->cred.gid = 2000;
    testing_run(g, open);
    assert_int_equal(open->ret, -1);
    fop_free(open);
    inode_unref(in);
    testing_graph_free(g);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_unknown_is_looked_up_before_it_is_judged),
        TEST(root_and_internal_callers_are_not_judged),
        TEST(a_name_is_looked_up_by_who_may_search_the_directory),
        TEST(data_by_descriptor_is_judged_for_nfs_only),
        TEST(access_is_answered_here),
        TEST(only_the_owner_changes_mode_owner_and_acl),
        TEST(attributes_need_write_and_acls_the_owner),
        TEST(a_changed_mode_counts_at_once),
        TEST(a_changed_acl_counts_at_once),
        TEST(a_broken_acl_lets_nobody_in),
        TEST(entries_of_a_sticky_directory_belong_to_their_owner),
        TEST(a_new_object_has_the_umask_or_the_default_acl),
        TEST(create_over_an_existing_file_is_an_open),
        TEST(an_answer_from_before_a_change_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
