/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "transport.h"

/* A folder in which "socket.so" is the module of that name, or nothing. */
struct folder {
    char dir[32];
    char link[64];
};
static void folder_make(struct folder *f, const char *module)
{
    char target[PATH_MAX];

    strcpy(f->dir, "/tmp/gf-transport-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->link, sizeof(f->link), "%s/socket.so", f->dir);
    if (module) {
        assert_non_null(realpath(module, target));
        assert_int_equal(symlink(target, f->link), 0);
    }
    setenv("GATLING_TRANSPORT_DIR", f->dir, 1);
}
static void folder_remove(struct folder *f)
{
    unlink(f->link);
    rmdir(f->dir);
    unsetenv("GATLING_TRANSPORT_DIR");
}
static void refused(const char *module, const char *type, int error, const char *word)
{
    const struct transport_type *t = NULL;
    struct err err = {.text = ""};
    struct folder f;

    folder_make(&f, module);
    assert_int_equal(transport_load(type, &t, &err), error);
    assert_null(t);
    if (!strstr(err.text, word))
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
    folder_remove(&f);
}

static void a_type_that_does_not_exist_is_refused_by_name(void **state)
{
    refused(NULL, "rdma", -EINVAL, "\"rdma\"");
}
static void a_module_that_is_not_there_is_named_with_its_path(void **state)
{
    refused(NULL, "tcp", -ENOENT, "socket.so");
}
static void a_library_that_is_no_module_is_refused(void **state)
{
    refused(".libs/module-no-symbol.so", "tcp", -EINVAL, "no \"transport_type\"");
}
static void a_module_of_another_interface_is_refused_before_it_is_called(void **state)
{
    refused(".libs/module-other-abi.so", "tcp", -EINVAL, "interface number 99");
}
static void a_module_built_from_other_sources_is_refused_before_it_is_called(void **state)
{
    refused(".libs/module-other-build.so", "tcp", -EINVAL, "other sources (gatling-0)");
}
static void tcp_socket_and_unix_are_served_by_one_module_that_logs_as_the_program_does(void **state)
{
    static const char *const types[] = {"tcp", "socket", "unix"};
    const struct transport_type *t = NULL;
    struct err err;
    struct folder f;

    folder_make(&f, ".libs/module-good.so");
    for (size_t i = 0; i < array_len(types); i++) {
        log_set_level(LVL_WARNING + (int)i);
        assert_int_equal(transport_load(types[i], &t, &err), 0);
        assert_int_equal(t->port(NULL), LVL_WARNING + (int)i);
    }
    log_set_level(LVL_DEBUG); /* also what is set later: it has a copy of its own of what log.c keeps */
    assert_int_equal(t->port(NULL), LVL_DEBUG);
    log_set_level(LVL_INFO);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_that_does_not_exist_is_refused_by_name),
        cmocka_unit_test(a_module_that_is_not_there_is_named_with_its_path),
        cmocka_unit_test(a_library_that_is_no_module_is_refused),
        cmocka_unit_test(a_module_of_another_interface_is_refused_before_it_is_called),
        cmocka_unit_test(a_module_built_from_other_sources_is_refused_before_it_is_called),
        cmocka_unit_test(tcp_socket_and_unix_are_served_by_one_module_that_logs_as_the_program_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
