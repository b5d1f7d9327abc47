/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "feature-types.h"
#include "testing.h"

/* ---- below: a storage that does nothing; above: somebody who notes what is told -------------------------------------------- */

static struct inode *made; /* what CREATE and a named LOOKUP answer */

static void takes_all(struct xlator *xl, struct fop *fop)
{
    fop->out.post.size = 77;
    if (made && (fop->op == FOP_CREATE || (fop->op == FOP_LOOKUP && !fop->loc.inode)))
        fop->out.inode = inode_ref(made);
    if (fop->op == FOP_SETXATTR) {
        struct iatt st = {.mode = S_IFREG | 0644};

        dict_set_iatt(fop_xdata_out(fop), "virt-gf-prestat", &st);
        st.uid = 5;
        dict_set_iatt(fop->xdata_out, "virt-gf-poststat", &st);
    }
    if (fop->op == FOP_READDIRP) {
        fop->out.entries = calloc(1, sizeof(struct dirent4));
        fop->out.nr_entries = 1;
        fop->out.entries[0] = (struct dirent4){.name = fop_str(fop, "x", 1), .name_len = 1, .stat.gfid = made->gfid};
    }
    fop_complete(fop, 0, 0);
}

static char told[4096];

static void hear(struct xlator *xl, enum xlator_event event, void *data)
{
    const struct upcall *up = data;
    size_t len = strlen(told);
    const char *name;

    if (event != EVENT_UPCALL)
        return;
    assert_int_equal(up->kind, UPCALL_INVALIDATE);
    snprintf(told + len, sizeof(told) - len, "%s:%02x:%x", up->client_uid, up->gfid.b[0], up->flags);
    len = strlen(told);
    if (up->stat.size)
        snprintf(told + len, sizeof(told) - len, ":size%llu", (unsigned long long)up->stat.size);
    if (up->xdata) {
        name = dict_at(up->xdata, 0)->key;
        snprintf(told + strlen(told), sizeof(told) - strlen(told), ":%s", name);
        assert_int_equal(dict_count(up->xdata), 1);
    }
    strcat(told, " ");
}

static const struct xlator_type storage = {.name = "storage/fake", .leaf = true, .on = {[FOP_STAT ... NR_FOPS - 1] = takes_all}};
static const struct xlator_type listener = {.name = "test/listener", .notify = hear};

static struct process p;
static struct graph *g;
static struct client *a, *b, *c;

static void begin(const char *on)
{
    made = NULL;
    told[0] = '\0';
    testing_process(&p);
    g = testing_graph(&p, (struct testing_node[]){{.type = &storage},
                                                  {.type = &upcall_type, .options = {"cache-invalidation", on}},
                                                  {.type = &listener},
                                                  {.type = NULL}});
    a = client_new(g, "A", &p.census);
    b = client_new(g, "B", &p.census);
    c = client_new(g, "C", &p.census);
}

static void ended(struct client *client) {}

static void end(void)
{
    struct client *all[] = {a, b, c};

    for (size_t i = 0; i < array_len(all); i++) {
        if (!atomic_load(&all[i]->gone))
            client_gone(all[i], p.pool, ended);
        pool_drain(p.pool);
        client_unref(all[i]);
    }
    inode_unref(made);
    testing_graph_free(g);
    testing_process_done(&p);
}

static struct fop *new(enum fop_op op, struct client *by, uint8_t gfid)
{
    struct fop *fop = fop_new(g, op);

    fop->client = client_ref(by);
    if (gfid)
        fop->loc.inode = inode_get(g->inodes, (gfid_t){{gfid}});
    return fop;
}

static void run(struct fop *fop)
{
    testing_run(g, fop);
    assert_int_equal(fop->ret, 0);
    fop_free(fop);
}

#define EXPECT(text)                     \
    do {                                 \
        assert_string_equal(told, text); \
        told[0] = '\0';                  \
    } while (0)

/* ---- tests ----------------------------------------------------------------------------------------------------------------- */

static void others_that_looked_are_told_of_a_change(void **state)
{
    begin("on");
    run(new(FOP_LOOKUP, a, 1));
    run(new(FOP_READ, b, 1));
    run(new(FOP_LOOKUP, c, 2));
    EXPECT("");
    run(new(FOP_WRITE, b, 1));
    EXPECT("A:01:18:size77 ");
    run(new(FOP_SETATTR, a, 1));
    EXPECT("B:01:5e:size77 ");
    run(new(FOP_WRITE, c, 1)); /* and is interested from now on */
    EXPECT("A:01:18:size77 B:01:18:size77 ");
    run(new(FOP_TRUNCATE, a, 1));
    EXPECT("C:01:18:size77 B:01:18:size77 ");
    run(new(FOP_FLUSH, a, 1));
    run(new(FOP_STAT, a, 1));
    EXPECT("");
    end();
}

static void nobody_is_told_while_it_is_off(void **state)
{
    begin("off");
    run(new(FOP_LOOKUP, a, 1));
    run(new(FOP_WRITE, b, 1));
    EXPECT("");
    end();
}

static void a_directory_hears_of_its_entries(void **state)
{
    struct fop *create, *rename, *unlink;

    begin("on");
    made = inode_get(g->inodes, (gfid_t){{9}});
    run(new(FOP_OPENDIR, a, 1));
    run(new(FOP_OPENDIR, a, 2));
    create = new(FOP_CREATE, b, 0);
    create->loc.parent = inode_get(g->inodes, (gfid_t){{1}});
    run(create);
    EXPECT("A:01:10:size77 ");
    run(new(FOP_WRITE, c, 9)); /* who made it is interested in it */
    EXPECT("B:09:18:size77 ");
    rename = new(FOP_RENAME, c, 9);
    rename->loc.parent = inode_get(g->inodes, (gfid_t){{1}});
    rename->loc2.parent = inode_get(g->inodes, (gfid_t){{2}});
    run(rename);
    EXPECT("B:09:280 B:01:10:size77 A:01:10:size77 A:02:10 ");
    unlink = new(FOP_UNLINK, a, 9);
    unlink->loc.parent = inode_get(g->inodes, (gfid_t){{2}});
    run(unlink);
    EXPECT("C:09:211 B:09:211 C:02:10:size77 ");
    end();
}

static void entries_of_a_listing_count_as_looked_at(void **state)
{
    begin("on");
    made = inode_get(g->inodes, (gfid_t){{9}});
    run(new(FOP_READDIRP, a, 1));
    run(new(FOP_LOOKUP, b, 0)); /* by name */
    run(new(FOP_WRITE, c, 9));
    EXPECT("B:09:18:size77 A:09:18:size77 ");
    end();
}

static struct fop *setxattr(const char *name)
{
    struct fop *fop = new(FOP_SETXATTR, b, 1);

    fop->in.setxattr.dict = dict_new();
    dict_set_text(fop->in.setxattr.dict, name, "v");
    return fop;
}

static void attributes_are_told_by_name_when_somebody_caches_them(void **state)
{
    struct fop *ipc;

    begin("on");
    run(new(FOP_LOOKUP, a, 1));
    run(setxattr("user.cached"));
    EXPECT("A:01:10 "); /* nobody has said so */
    ipc = new(FOP_IPC, a, 0);
    ipc->in.ipc.op = 2;
    ipc->xdata = dict_new();
    dict_set_i64(ipc->xdata, "user.cached", 0);
    run(ipc);
    run(setxattr("user.cached"));
    EXPECT("A:01:400:user.cached ");
    run(setxattr("user.other"));
    EXPECT("A:01:10 ");

    struct fop *gone = new(FOP_REMOVEXATTR, b, 1);
    gone->in.removexattr.name = "user.cached";
    run(gone);
    EXPECT("A:01:800:user.cached ");
    end();
}

static void who_has_gone_is_not_told(void **state)
{
    begin("on");
    run(new(FOP_LOOKUP, a, 1));
    client_gone(a, p.pool, ended);
    pool_drain(p.pool);
    run(new(FOP_WRITE, b, 1));
    EXPECT("");
    end();
}

static void what_the_brick_forgets_may_not_be_cached(void **state)
{
    begin("on");
    run(new(FOP_LOOKUP, a, 1));
    run(new(FOP_WRITE, b, 1));
    EXPECT("A:01:18:size77 ");
    struct inode *in = inode_get(g->inodes, (gfid_t){{1}});
    inode_drop(in);
    inode_unref(in);
    EXPECT("B:01:100 A:01:100 ");
    end();
}

static void too_many_watchers_make_room(void **state)
{
    struct client *many[1025];

    begin("on");
    for (size_t i = 0; i < array_len(many); i++) {
        char uid[16];

        snprintf(uid, sizeof(uid), "%zu", i);
        many[i] = client_new(g, uid, &p.census);
        run(new(FOP_LOOKUP, many[i], 1));
        if (i < 1024)
            EXPECT("");
    }
    EXPECT("0:01:100 "); /* the one who was not here for longest */
    for (size_t i = 0; i < array_len(many); i++) {
        client_gone(many[i], p.pool, ended);
        pool_drain(p.pool);
        client_unref(many[i]);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_that_looked_are_told_of_a_change),
        cmocka_unit_test(nobody_is_told_while_it_is_off),
        cmocka_unit_test(a_directory_hears_of_its_entries),
        cmocka_unit_test(entries_of_a_listing_count_as_looked_at),
        cmocka_unit_test(attributes_are_told_by_name_when_somebody_caches_them),
        cmocka_unit_test(who_has_gone_is_not_told),
        cmocka_unit_test(what_the_brick_forgets_may_not_be_cached),
        cmocka_unit_test(too_many_watchers_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
