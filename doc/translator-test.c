/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The example of translator.md, built as the page says, is found, loaded and does what the page says. */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fop.h"
#include "testing.h"

static int bytes_written;

static void storage_write(struct xlator *xl, struct fop *fop)
{
    bytes_written += (int)fop->in.write.size;
    fop_complete(fop, (int32_t)fop->in.write.size, 0);
}

static const struct xlator_type storage_type = {.name = "test/storage", .leaf = true, .on = {[FOP_WRITE] = storage_write}};
const struct xlator_type *const xlator_types[] = {&storage_type, NULL};

static const char volume[] = "volume brick type test/storage option name value end-volume\n"
                             "volume limit\n    type features/size-limit\n    option max 10MB\n    subvolumes brick\nend-volume\n";

static int write_at(struct graph *g, uint64_t offset, uint32_t size)
{
    struct fop *fop = fop_new(g, FOP_WRITE);
    int result;

    fop->in.write.offset = offset;
    fop->in.write.size = size;
    testing_run(g, fop);
    result = fop->ret < 0 ? -fop->err : fop->ret;
    fop_free(fop);
    return result;
}

static void the_example_is_loaded_and_limits_sizes(void **state)
{
    struct err err = {0};
    struct process p;
    struct graph *g;

    testing_process(&p);
    if (graph_parse(&p, "example.vol", volume, strlen(volume), NULL, 0, &g, &err) < 0 || graph_init(g, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(write_at(g, 0, 4096), 4096);
    assert_int_equal(write_at(g, 10 * MiB - 4096, 4096), 4096);
    assert_int_equal(write_at(g, 10 * MiB - 4095, 4096), -EFBIG);
    assert_int_equal(write_at(g, UINT64_MAX, 1), -EFBIG);
    assert_int_equal(bytes_written, 8192);
    graph_fini(g);
    graph_free(g);
    testing_process_done(&p);
}

static void a_module_of_another_build_is_refused(void **state)
{
    static const char text[] = "volume brick type test/storage option name value end-volume\n"
                               "volume limit type features/other-build subvolumes brick end-volume\n";
    struct err err = {0};
    struct process p;
    struct graph *g;

    testing_process(&p);
    assert_true(graph_parse(&p, "example.vol", text, strlen(text), NULL, 0, &g, &err) < 0);
    assert_non_null(strstr(err.text, "is of build some-other, this program is of"));
    testing_process_done(&p);
}

/* A module is CATEGORY/NAME.so in a folder; libtool has them elsewhere. */
static int put_in_place(void **state)
{
    static char dir[] = "/tmp/translator-test-XXXXXX";
    static const char *const names[] = {"size-limit", "other-build"};
    char path[PATH_MAX], module[PATH_MAX];

    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof(path), "%s/features", dir);
    if (mkdir(path, 0755) < 0)
        return -1;
    for (size_t i = 0; i < array_len(names); i++) {
        snprintf(module, sizeof(module), "%s/%s.so", MODULES, names[i]);
        snprintf(path, sizeof(path), "%s/features/%s.so", dir, names[i]);
        if (access(module, R_OK) < 0 || symlink(module, path) < 0)
            return -1;
    }
    *state = dir;
    return setenv("GATLING_XLATOR_DIR", dir, 1);
}

static int remove_it(void **state)
{
    char command[100];

    snprintf(command, sizeof(command), "rm -r %s", (char *)*state);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_loaded_and_limits_sizes),
        cmocka_unit_test(a_module_of_another_build_is_refused),
    };
    return cmocka_run_group_tests(tests, put_in_place, remove_it);
}
