/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Volume files as a stock daemon wrote them, of bricks and of clients with one brick: every type and option in them is known, and what we
 * lack is refused by name. */
#include <dirent.h>
#include <limits.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph.h"
#include "log.h"
#include "process.h"

/* What must be said of them; of all others nothing. */
static const struct {
    const char *file, *sentence;
} refused[] = {
    {"bffeat.brick.vol", "volume bffeat-trash: option trash on: this build does not have"},
    {"bffeat.brick.vol", "volume bffeat-changelog: option changelog on: this build does not have"},
    {"bffeat.brick.vol", "volume bffeat-bitrot-stub: option bitrot on: this build does not have"},
    {"bffeat.brick.vol", "volume bffeat-marker: option quota on: this build does not have"},
    {"bffeat.brick.vol", "volume bffeat-quota: option server-quota on: this build does not have"},
};

static unsigned int complaints;

static void count_complaint(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    if (site->level <= LVL_WARNING) {
        fprintf(stderr, "%s: %s\n", domain, text);
        complaints++;
    }
}

/* As graph_init() does, but goes on after an error, and without any init(). */
static void read_options(struct graph *g, char *said, size_t size)
{
    for (struct xlator *xl = g->first; xl; xl = xl->next) {
        void *target = calloc(1, xl->type->priv_size + 1);
        struct err err = {0};
        int failed = options_apply(xl->type->options, xl->type->nr_options, &xl->options, xl->name, false, target, &err);

        if (!failed && !xl->type->more_options) /* which need a transport */
            options_check_known(xl->type->options, xl->type->nr_options, NULL, &xl->options, xl->name, false, &err);
        options_release(xl->type->options, xl->type->nr_options, target);
        free(target);
        if (!failed)
            continue;
        if (failed != -EOPNOTSUPP || !strstr(err.text, "doc/refused.md"))
            fail_msg("not a refusal by name: %s", err.text);
        snprintf(said + strlen(said), size - strlen(said), "%s\n", err.text);
    }
}

static bool is_brick(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[512];
    bool brick = false;

    while (f && !brick && fgets(line, sizeof(line), f))
        brick = strstr(line, "type storage/posix");
    if (f)
        fclose(f);
    return brick;
}

static void try_file(struct process *p, const char *name, const char *path)
{
    char said[16384] = "";
    struct err err = {0};
    struct graph *g;
    bool expected = false;

    if (graph_load(p, path, NULL, 0, &g, &err) < 0)
        fail_msg("%s: %s", name, err.text);
    read_options(g, said, sizeof(said));
    graph_free(g);
    for (size_t i = 0; i < array_len(refused); i++) {
        if (strcmp(name, refused[i].file) != 0)
            continue;
        expected = true;
        if (!strstr(said, refused[i].sentence))
            fail_msg("%s: nobody said \"%s\" but\n%s", name, refused[i].sentence, said);
    }
    if (!expected && said[0])
        fail_msg("%s: %s", name, said);
}

static void stock_brick_volume_files_are_understood_or_refused_by_name(void **state)
{
    struct process p;
    DIR *dir = opendir(VOLFILES);
    struct dirent *e;
    unsigned int n = 0;

    assert_non_null(dir);
    assert_int_equal(process_init(&p), 0);
    log_set_sink(count_complaint, NULL);
    while ((e = readdir(dir))) {
        char path[PATH_MAX];
        size_t len = strlen(e->d_name);

        snprintf(path, sizeof(path), "%s/%s", VOLFILES, e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 4, ".vol") != 0 || !is_brick(path))
            continue;
        try_file(&p, e->d_name, path);
        n++;
    }
    closedir(dir);
    log_set_sink(NULL, NULL);
    process_done(&p);
    assert_true(n >= 18);
    assert_int_equal(complaints, 0);
}

static void client_volume_files_of_one_brick_are_understood(void **state)
{
    static const char *const files[] = {"bfone.tcp-fuse.vol", "bftls.tcp-fuse.vol", "trusted-bftls.tcp-fuse.vol"};
    struct process p;

    assert_int_equal(process_init(&p), 0);
    complaints = 0;
    log_set_sink(count_complaint, NULL);
    for (size_t i = 0; i < array_len(files); i++) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", VOLFILES, files[i]);
        try_file(&p, files[i], path);
    }
    log_set_sink(NULL, NULL);
    process_done(&p);
    assert_int_equal(complaints, 0);
}

static void client_volume_files_of_several_bricks_are_refused_by_name(void **state)
{
    static const struct {
        const char *file, *sentence;
    } want[] = {
        {"bfdist.tcp-fuse.vol", "glusterfs-client"}, {"bfrep.tcp-fuse.vol", "cluster/replicate"},
        {"bfarb.tcp-fuse.vol", "cluster/replicate"}, {"bfec.tcp-fuse.vol", "cluster/disperse"},
    };
    struct process p;

    assert_int_equal(process_init(&p), 0);
    setenv("GATLING_XLATOR_DIR", "/nonexistent", 1);
    for (size_t i = 0; i < array_len(want); i++) {
        char path[PATH_MAX];
        struct err err = {0};
        struct graph *g = NULL;

        snprintf(path, sizeof(path), "%s/%s", VOLFILES, want[i].file);
        if (graph_load(&p, path, NULL, 0, &g, &err) == 0)
            for (struct xlator *xl = g->first; xl && !err.text[0]; xl = xl->next)
                if (strcmp(xl->type->name, "cluster/distribute") == 0)
                    assert_int_equal(xl->type->init(xl, &err), -EOPNOTSUPP);
        graph_free(g);
        if (!strstr(err.text, want[i].sentence))
            fail_msg("%s: %s", want[i].file, err.text);
    }
    process_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stock_brick_volume_files_are_understood_or_refused_by_name),
        cmocka_unit_test(client_volume_files_of_one_brick_are_understood),
        cmocka_unit_test(client_volume_files_of_several_bricks_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
