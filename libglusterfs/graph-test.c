/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fop.h"
#include "graph.h"
#include "log.h"
#include "process.h"

/* What the fakes were told, in order. */
static char story[2000];

static void tell(const struct xlator *xl, const char *what)
{
    snprintf(story + strlen(story), sizeof(story) - strlen(story), "%s:%s ", xl->name, what);
}

struct fake {
    int64_t number;
    bool fail;
};
static const struct option fake_options[] = {
    OPT_INT("number", struct fake, number, "1", 0, 10, "a number", .flags = OPTION_LIVE),
    OPT_BOOL("fail", struct fake, fail, false, "init fails"),
};

static int fake_init(struct xlator *xl, struct err *err)
{
    struct fake *f = xl->priv;

    tell(xl, "init");
    return f->fail ? err_set(err, -EIO, "volume %s: told to fail", xl->name) : 0;
}

/* Finds what it cannot follow when its options are in place already. */
static int fake_reconfigure(struct xlator *xl, const struct optset *set, struct err *err)
{
    struct fake *f = xl->priv;
    int r = options_apply(fake_options, array_len(fake_options), set, xl->name, true, f, err);

    return r == 0 && f->number == 9 ? err_set(err, -EINVAL, "volume %s: not 9", xl->name) : r;
}

static void fake_fini(struct xlator *xl)
{
    tell(xl, "fini");
}

static void fake_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    static const char *const names[] = {"child-up", "child-down", "parent-up", "parent-down", "upcall", "reload"};
    bool up = event == EVENT_CHILD_UP || event == EVENT_CHILD_DOWN || event == EVENT_UPCALL;

    tell(xl, names[event]);
    (up ? xlator_notify_up : xlator_notify_down)(xl, event, data);
}

static void fake_fop(struct xlator *xl, struct fop *fop)
{
    fop_complete(fop, 0, 0);
}

static const char *const leaf_names[] = {"test/bottom", NULL};
static const struct xlator_type leaf_type = {
    .name = "test/leaf", .aliases = leaf_names, .options = fake_options, .nr_options = array_len(fake_options),
    .priv_size = sizeof(struct fake), .leaf = true, .inode_slot = true, .fd_slot = true, .init = fake_init, .fini = fake_fini,
    .notify = fake_notify, .on = {[FOP_STAT] = fake_fop, [FOP_READ] = fake_fop},
};
static const struct xlator_type filter_type = {
    .name = "test/filter", .options = fake_options, .nr_options = array_len(fake_options), .priv_size = sizeof(struct fake),
    .inode_slot = true, .client_slot = true, .init = fake_init,
    .reconfigure = fake_reconfigure, .fini = fake_fini, .on = {[FOP_READ] = fake_fop},
};
const struct xlator_type *const xlator_types[] = {&leaf_type, &filter_type, NULL};

static int set_up(void **state)
{
    struct process *p = malloc(sizeof(*p));

    story[0] = '\0';
    *state = p;
    return process_init(p);
}

static int tear_down(void **state)
{
    process_done(*state);
    free(*state);
    return 0;
}

static struct graph *parse(struct process *p, const char *text)
{
    struct err err = {0};
    struct graph *g;

    if (graph_parse(p, "t.vol", text, strlen(text), NULL, 0, &g, &err) < 0)
        fail_msg("%s", err.text);
    return g;
}

#define LEAF "volume a\ntype test/leaf\noption number 2\nend-volume\n"
#define CHAIN LEAF "volume b\ntype test/filter\nsubvolumes a\nend-volume\nvolume c\ntype test/filter\nsubvolumes b\nend-volume\n"

static void operations_find_the_first_that_handles_them(void **state)
{
    struct graph *g = parse(*state, CHAIN);

    assert_int_equal(g->nr_xlators, 3);
    assert_int_equal(g->depth, 3);
    assert_string_equal(g->top->name, "c");
    assert_ptr_equal(g->top->handler[FOP_STAT], graph_find(g, "a"));
    assert_ptr_equal(g->top->handler[FOP_READ], g->top);
    assert_null(g->top->handler[FOP_WRITE]);
    assert_ptr_equal(graph_find(g, "a")->parent, graph_find(g, "b"));
    assert_null(graph_find(g, "d"));
    graph_free(g);
}

static void past_several_children_there_is_no_way_down(void **state)
{
    struct graph *g = parse(*state, LEAF "volume b type test/bottom option number 1 end-volume\n"
                                         "volume c type test/filter subvolumes a b end-volume\n");

    assert_null(g->top->handler[FOP_STAT]);
    assert_ptr_equal(g->top->handler[FOP_READ], g->top);
    assert_ptr_equal(graph_find(g, "b")->type, &leaf_type);
    graph_free(g);
}

static void shared_subvolumes_are_measured_once(void **state)
{
    char text[8000] = LEAF;
    struct graph *g;

    /* each stands twice on the one below: 2^64 ways from the top to the bottom */
    for (int i = 0; i < 64; i++) {
        char below[8] = "a";

        if (i)
            snprintf(below, sizeof(below), "v%d", i - 1);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "volume v%d type test/filter subvolumes %s %s end-volume\n", i, below,
                 below);
    }
    g = parse(*state, text);
    assert_int_equal(g->depth, 65);
    graph_free(g);
}

static void another_top_leaves_what_it_stands_on(void **state)
{
    struct graph *g = parse(*state, LEAF "volume x type test/bottom option number 1 end-volume\n"
                                         "volume b type test/filter subvolumes a end-volume\n"
                                         "volume c type test/filter subvolumes b x end-volume\n");
    struct err err = {0};

    assert_int_equal(graph_set_top(g, "nobody", &err), -ENOENT);
    assert_non_null(strstr(err.text, "nobody"));
    assert_int_equal(g->nr_xlators, 4);
    assert_int_equal(graph_set_top(g, "b", &err), 0);
    assert_int_equal(g->nr_xlators, 2);
    assert_int_equal(g->depth, 2);
    assert_ptr_equal(g->top, graph_find(g, "b"));
    assert_ptr_equal(graph_find(g, "a")->parent, g->top);
    assert_null(g->top->parent);
    assert_null(g->top->next);
    assert_null(graph_find(g, "x"));
    assert_null(graph_find(g, "c"));
    graph_free(g);
}

static void slots_are_numbered_by_those_who_want_one(void **state)
{
    struct graph *g = parse(*state, CHAIN);

    assert_int_equal(g->nr_inode_slots, 3);
    assert_int_equal(g->nr_fd_slots, 1);
    assert_int_equal(g->nr_client_slots, 2);
    assert_int_equal(g->top->inode_slot, 2);
    assert_int_equal(g->top->client_slot, 1);
    graph_free(g);
}

static void a_graph_lives_bottom_up_and_ends_top_down(void **state)
{
    struct graph *g = parse(*state, CHAIN);
    struct err err = {0};

    assert_int_equal(graph_init(g, &err), 0);
    assert_non_null(g->inodes);
    assert_int_equal(((struct fake *)g->first->priv)->number, 2);
    graph_notify_down(g, EVENT_PARENT_UP);
    xlator_notify_up(g->first, EVENT_CHILD_UP, NULL); /* the filters say nothing; past the top it ends */
    graph_fini(g);
    assert_string_equal(story, "a:init b:init c:init a:parent-up c:fini b:fini a:fini ");
    graph_free(g);
}

static void what_began_is_undone_when_one_fails(void **state)
{
    struct graph *g = parse(*state, LEAF "volume b type test/filter option fail on subvolumes a end-volume\n"
                                         "volume c type test/filter subvolumes b end-volume\n");
    struct err err = {0};

    assert_int_equal(graph_init(g, &err), -EIO);
    assert_string_equal(err.text, "volume b: told to fail");
    assert_string_equal(story, "a:init b:init b:fini a:fini ");
    assert_null(g->inodes);
    graph_free(g);
}

static void events_reach_every_parent(void **state)
{
    struct graph *g = parse(*state, LEAF "volume b type test/bottom option number 3 end-volume\n"
                                         "volume c type test/filter subvolumes a b end-volume\n");
    struct err err = {0};

    assert_int_equal(graph_init(g, &err), 0);
    story[0] = '\0';
    graph_notify_down(g, EVENT_PARENT_DOWN);
    assert_string_equal(story, "a:parent-down b:parent-down ");
    graph_fini(g);
    graph_free(g);
}

static void options_of_the_same_shape_are_taken_over_in_place(void **state)
{
    struct graph *g = parse(*state, CHAIN), *with = parse(*state, "volume a type test/leaf option number 7 end-volume\n"
                                                                  "volume b type test/filter option number 8 subvolumes a end-volume\n"
                                                                  "volume c type test/filter subvolumes b end-volume\n");
    struct graph *other = parse(*state, LEAF);
    struct err err = {0};

    assert_int_equal(graph_init(g, &err), 0);
    assert_int_equal(graph_reconfigure(g, other, &err), -EXDEV);
    assert_int_equal(graph_reconfigure(g, with, &err), 0);
    graph_free(with);
    assert_int_equal(((struct fake *)g->first->priv)->number, 7);
    assert_int_equal(((struct fake *)g->first->next->priv)->number, 8);
    assert_string_equal(optset_get(&g->first->next->options, "number"), "8");
    assert_string_equal(g->first->options.pairs[0].file, "t.vol");
    graph_fini(g);
    graph_free(g);
    graph_free(other);
}

static void a_wrong_new_option_leaves_all_as_it_was(void **state)
{
    struct graph *g = parse(*state, CHAIN), *with = parse(*state, "volume a type test/leaf option number 7 end-volume\n"
                                                                  "volume b type test/filter option number 80 subvolumes a end-volume\n"
                                                                  "volume c type test/filter subvolumes b end-volume\n");
    struct err err = {0};

    assert_int_equal(graph_init(g, &err), 0);
    assert_true(graph_reconfigure(g, with, &err) < 0);
    assert_string_equal(err.text, "t.vol:2: volume b: option number: \"80\" is not allowed here: a whole number from 0 to 10");
    assert_int_equal(((struct fake *)g->first->priv)->number, 2);
    graph_free(with);
    graph_fini(g);
    graph_free(g);
}

static void who_refuses_late_goes_back_too(void **state)
{
    struct graph *g = parse(*state, CHAIN), *with = parse(*state, "volume a type test/leaf option number 7 end-volume\n"
                                                                  "volume b type test/filter option number 9 subvolumes a end-volume\n"
                                                                  "volume c type test/filter subvolumes b end-volume\n");
    struct err err = {0};

    assert_int_equal(graph_init(g, &err), 0);
    assert_true(graph_reconfigure(g, with, &err) < 0);
    assert_string_equal(err.text, "volume b: not 9");
    assert_int_equal(((struct fake *)g->first->priv)->number, 2);
    assert_int_equal(((struct fake *)g->first->next->priv)->number, 1);
    graph_free(with);
    graph_fini(g);
    graph_free(g);
}

static void note(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    snprintf(ctx, 200, "%s", text);
}

static void the_command_line_overrides_what_its_pattern_matches(void **state)
{
    char said[200] = "";
    const struct xlator_option over[] = {{(char *)"[ab]", (char *)"number", (char *)"9"},
                                         {(char *)"nobody", (char *)"number", (char *)"x"}};
    struct err err = {0};
    struct graph *g;

    log_set_sink(note, said);
    assert_int_equal(graph_parse(*state, "t.vol", CHAIN, strlen(CHAIN), over, 2, &g, &err), 0);
    log_set_sink(NULL, NULL);
    assert_string_equal(said, "--xlator-option nobody.number=x: no volume of t.vol has such a name, it does nothing");
    assert_int_equal(graph_init(g, &err), 0);
    assert_int_equal(((struct fake *)g->first->priv)->number, 9);
    assert_int_equal(((struct fake *)g->first->next->priv)->number, 9);
    assert_int_equal(((struct fake *)g->top->priv)->number, 1);
    graph_fini(g);
    graph_free(g);
}

static void what_is_wrong_is_said_in_one_sentence(void **state)
{
    static const struct {
        const char *text, *sentence;
    } wrong[] = {
        {"volume a type test/leaf option k `date` end-volume",
         "t.vol: it has a command in back-quotes, which is allowed in local files only"},
        {LEAF "volume b\ntype test/leaf subvolumes a end-volume", "t.vol:5: volume \"b\": type test/leaf has no subvolumes, found \"a\""},
        {"\nvolume b type test/filter option number 1 end-volume", "t.vol:2: volume \"b\": type test/filter needs a subvolume"},
        {"volume b type ../../evil option k v end-volume", "t.vol:1: volume \"b\": type \"../../evil\" is no type: CATEGORY/NAME is"},
        {"volume b type a/b/c option k v end-volume", "t.vol:1: volume \"b\": type \"a/b/c\" is no type: CATEGORY/NAME is"},
        {"volume b type /x option k v end-volume", "t.vol:1: volume \"b\": type \"/x\" is no type: CATEGORY/NAME is"},
    };
    struct graph *g;

    for (size_t i = 0; i < array_len(wrong); i++) {
        struct err err = {0};

        assert_true(graph_parse(*state, "t.vol", wrong[i].text, strlen(wrong[i].text), NULL, 0, &g, &err) < 0);
        assert_string_equal(err.text, wrong[i].sentence);
    }
}

static void an_unknown_type_names_the_module_that_is_missing(void **state)
{
    static const char text[] = "volume b type features/nothing option k v end-volume";
    struct err err = {0};
    struct graph *g;

    setenv("GATLING_XLATOR_DIR", "/nonexistent", 1);
    assert_int_equal(graph_parse(*state, "t.vol", text, strlen(text), NULL, 0, &g, &err), -ENOENT);
    assert_non_null(strstr(err.text, "t.vol:1: volume \"b\": type \"features/nothing\" is not part of this build, and there is no module: "
                                     "/nonexistent/features/nothing.so"));
}

/* ---- the statedump -------------------------------------------------------------------------------------------------- */

static void a_statedump_has_its_lines_and_its_name(void **state)
{
    struct process *p = *state;
    char dir[] = "/tmp/graph-test-XXXXXX", command[200], text[20000];
    struct err err = {0};
    size_t n;
    FILE *f;

    p->graph = parse(p, CHAIN);
    assert_int_equal(graph_init(p->graph, &err), 0);
    p->statedump_dir = mkdtemp(dir);
    assert_int_equal(statedump_write(p, "glusterdump", &err), 0);
    snprintf(command, sizeof(command), "ls -l %s && cat %s/glusterdump.%d.dump.*", dir, dir, (int)getpid());
    f = popen(command, "r");
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    assert_int_equal(pclose(f), 0);
    assert_non_null(strstr(text, "\n-rw-------"));
    assert_non_null(strstr(text, "DUMP-START-TIME: 2"));
    assert_non_null(strstr(text, "\n[mallinfo]\n"));
    assert_non_null(strstr(text, "\n[census]\n"));
    assert_non_null(strstr(text, "\nfops=0\n"));
    assert_non_null(strstr(text, "\n[conn.0.bound_xl.b]\n"));
    assert_non_null(strstr(text, "\n[xlator.test.leaf.a.options]\nnumber=2\nfail=off\n"));
    assert_non_null(strstr(text, "\nDUMP-END-TIME: 2"));
    assert_int_not_equal(text[n - 1], '\n');
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
    p->statedump_dir = dir;
    assert_int_equal(statedump_write(p, "glusterdump", &err), -ENOENT);
    graph_fini(p->graph);
    graph_free(p->graph);
    p->graph = NULL;
}

/* The text of a dump that is made with this file of options in the process's folder. */
static char *dump_with(struct process *p, const char *options_name, const char *options)
{
    char run[] = "/tmp/graph-test-XXXXXX", other[] = "/tmp/graph-test-XXXXXX", name[100], command[300];
    static char text[20000];
    struct err err = {0};
    FILE *f;

    p->run_dir = mkdtemp(run);
    assert_non_null(mkdtemp(other));
    snprintf(name, sizeof(name), "%s/%s", run, options_name);
    f = fopen(name, "w");
    assert_non_null(f);
    fprintf(f, "%s\npath=%s\n", options, other);
    fclose(f);
    assert_int_equal(statedump_write(p, "srv-b1", &err), 0);
    snprintf(command, sizeof(command), "cat %s/srv-b1.%d.dump.* && rm -r %s %s", other, (int)getpid(), run, other);
    f = popen(command, "r");
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    assert_int_equal(pclose(f), 0);
    p->run_dir = NULL;
    return text;
}

static void a_statedump_has_what_its_options_say(void **state)
{
    struct process *p = *state;
    struct err err = {0};
    char own[64], *text;

    p->graph = parse(p, CHAIN);
    assert_int_equal(graph_init(p->graph, &err), 0);
    text = dump_with(p, "glusterdump.options", "mem=YES");
    assert_non_null(strstr(text, "\n[mallinfo]\n"));
    assert_null(strstr(text, "\n[iobuf.global]\n"));
    assert_null(strstr(text, "bound_xl"));
    snprintf(own, sizeof(own), "glusterdump.%d.options", (int)getpid());
    text = dump_with(p, own, "inode=yes\nmem=no");
    assert_null(strstr(text, "\n[mallinfo]\n"));
    assert_non_null(strstr(text, "\n[conn.0.bound_xl.b]\n"));
    text = dump_with(p, own, "all=yes");
    assert_non_null(strstr(text, "\n[mallinfo]\n"));
    assert_non_null(strstr(text, "\n[pool]\n"));
    assert_non_null(strstr(text, "\n[conn.0.bound_xl.b]\n"));
    graph_fini(p->graph);
    graph_free(p->graph);
    p->graph = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(operations_find_the_first_that_handles_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(past_several_children_there_is_no_way_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(shared_subvolumes_are_measured_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_top_leaves_what_it_stands_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slots_are_numbered_by_those_who_want_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_graph_lives_bottom_up_and_ends_top_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_began_is_undone_when_one_fails, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_reach_every_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_of_the_same_shape_are_taken_over_in_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_new_option_leaves_all_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_refuses_late_goes_back_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_command_line_overrides_what_its_pattern_matches, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_said_in_one_sentence, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_type_names_the_module_that_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_statedump_has_its_lines_and_its_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_statedump_has_what_its_options_say, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
