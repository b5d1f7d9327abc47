/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "command-line.h"
#include "util.h"

#define PARSE(cl, ...) parse((cl), (const char *const[]){__VA_ARGS__, NULL})

static int parse(struct command_line *cl, const char *const *words)
{
    char *argv[64] = {0};
    int argc = 0;

    for (; words[argc]; argc++) {
        assert_true((size_t)argc + 1 < array_len(argv)); /* NULL-ended, as main() gets it */
        argv[argc] = (char *)words[argc];
    }
    return command_line_parse(cl, argc, argv);
}

static void short_long_and_old_names_are_read(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "/usr/sbin/glusterfsd", "-N", "-f", "a.vol", "-l", "a.log", "-L", "debug", "-p", "a.pid"), 0);
    assert_string_equal(cl.name, "glusterfsd");
    assert_true(cl.foreground);
    assert_string_equal(cl.volfile, "a.vol");
    assert_string_equal(cl.log_file, "a.log");
    assert_string_equal(cl.pid_file, "a.pid");
    assert_int_equal(cl.log_level, LVL_DEBUG);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--spec-file=b.vol", "--log-level=ERROR", "--no-daemon"), 0);
    assert_string_equal(cl.volfile, "b.vol");
    assert_int_equal(cl.log_level, LVL_ERROR);
    assert_int_equal(PARSE(&cl, "lt-glusterfsd", "--debug"), 0);
    assert_string_equal(cl.name, "glusterfsd");
    assert_string_equal(cl.log_file, "-");
}

static void translators_options_are_split_at_the_first_dot_and_the_equal_sign(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfsd", "--xlator-option", "*-posix.glusterd-uuid=1=2", "--xlator-option=v-server.transport.x=9"), 0);
    assert_int_equal(cl.nr_over, 2);
    assert_string_equal(cl.over[0].pattern, "*-posix");
    assert_string_equal(cl.over[0].key, "glusterd-uuid");
    assert_string_equal(cl.over[0].value, "1=2");
    assert_string_equal(cl.over[1].key, "transport.x");
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--xlator-option", "nothing"), EXIT_FAILURE);
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--xlator-option", "a.=1"), EXIT_FAILURE);
    command_line_done(&cl);
}

static void a_daemons_words_for_a_brick_are_read(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfsd", "-s", "h1", "--volfile-id", "v.h1.b", "-p", "b.pid", "-S", "/run/x.socket",
                           "--brick-name", "/b", "-l", "b.log", "--xlator-option", "*-posix.glusterd-uuid=1", "--process-name", "brick",
                           "--brick-port", "52225", "--xlator-option", "v-server.listen-port=52225"),
                     0);
    assert_int_equal(cl.nr_servers, 1);
    assert_string_equal(cl.servers[0], "h1");
    assert_string_equal(cl.volfile_id, "v.h1.b");
    assert_string_equal(cl.socket_file, "/run/x.socket");
    assert_string_equal(cl.brick_name, "/b");
    assert_int_equal(cl.brick_port, 52225);
    assert_string_equal(cl.process_name, "brick");
    assert_int_equal(cl.nr_over, 2);
    assert_int_equal(cl.secure_mgmt, SECURE_BY_FILE);
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-s", "h1", "-s", "h2", "--volfile-id=v", "--volfile-server-port=9", "--secure-mgmt=no"), 0);
    assert_int_equal(cl.nr_servers, 2);
    assert_int_equal(cl.server_port, 9);
    assert_int_equal(cl.secure_mgmt, SECURE_OFF);
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-s", "/run/d.socket", "--volfile-server-transport", "unix", "--volfile-id=v",
                           "--secure-mgmt"), 0);
    assert_true(cl.server_unix);
    assert_int_equal(cl.secure_mgmt, SECURE_ON);
    command_line_done(&cl);
}

static void what_does_not_fit_together_is_refused(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfsd", "-s", "h1"), EXIT_FAILURE);
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-s", "h1", "--volfile-id=v", "-f", "a.vol"), EXIT_FAILURE);
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--volfile-id=v"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-f", "a.vol", "--brick-name", "/b", "--brick-port", "1"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-s", "h1", "--volfile-id=v", "--brick-name", "/b"), EXIT_FAILURE);
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--volfile-server-port", "0"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--socket-file", "relative"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--oom-score-adj", "1001"), EXIT_FAILURE);
}

static void what_cannot_be_read_ends_with_status_64(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfsd", "--bogus"), EXIT_USAGE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-Z"), EXIT_USAGE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-f"), EXIT_USAGE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--volfile"), EXIT_USAGE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-N", "/mnt"), EXIT_USAGE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--no-daemon=yes"), EXIT_USAGE);
}

static void a_mount_has_its_own_options(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfs", "-f", "a.vol", "--acl", "--entry-timeout=0.5", "--direct-io-mode", "--use-readdirp=no",
                           "--reader-thread-count=7", "--subdir-mount=/a", "/mnt"), 0);
    assert_string_equal(cl.mount.point, "/mnt");
    assert_string_equal(cl.subdir_mount, "/a");
    assert_true(cl.mount.acl && cl.mount.direct_io == CHOICE_YES && !cl.mount.readdirp);
    assert_true(cl.mount.entry_timeout == 0.5 && cl.mount.attribute_timeout == 1);
    assert_int_equal(cl.mount.readers, 7);
    assert_int_equal(PARSE(&cl, "glusterfs", "-f", "a.vol", "--direct-io-mode=auto", "--no-root-squash=no", "/mnt"), 0);
    assert_int_equal(cl.mount.direct_io, CHOICE_AUTO);
    assert_int_equal(cl.mount.client_pid, -4); /* its value is not looked at */
    assert_int_equal(PARSE(&cl, "glusterfs", "-f", "a.vol"), 0);
    assert_null(cl.mount.point);
    assert_int_equal(PARSE(&cl, "glusterfs", "/mnt", "/other"), EXIT_USAGE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--entry-timeout=-1", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--entry-timeout=1s", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--reader-thread-count=0", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--reader-thread-count=65", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--background-qlen=15", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--subdir-mount=a", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--acl", "--direct-io-mode=maybe", "/mnt"), EXIT_FAILURE);
}

static void a_thin_client_asks_for_the_volume_file_of_the_proxy(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfs", "-s", "h1", "--volfile-id=/v", "--thin-client", "/mnt"), 0);
    assert_string_equal(cl.volfile_id, "gfproxy-client/v");
    command_line_done(&cl);
    assert_int_equal(PARSE(&cl, "glusterfs", "-f", "a.vol", "--thin-client", "/mnt"), EXIT_FAILURE);
    command_line_done(&cl);
}

static void an_engine_is_for_who_has_a_disk(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfsd", "-f", "a.vol"), 0);
    assert_int_equal(cl.io_engine, IO_BY_VOLUME);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-f", "a.vol", "--io-engine=io_uring"), 0);
    assert_int_equal(cl.io_engine, IO_URING);
    assert_int_equal(PARSE(&cl, "glusterfs", "-f", "a.vol", "--io-engine=legacy", "/mnt"), 0);
    assert_int_equal(cl.io_engine, IO_LEGACY);
    assert_int_equal(PARSE(&cl, "glusterfs", "-f", "a.vol", "--io-engine=io_uring", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--io-engine=fast"), EXIT_FAILURE);
}

static void what_this_build_does_not_have_is_refused(void **state)
{
    struct command_line cl;

    assert_int_equal(PARSE(&cl, "glusterfsd", "--brick-mux"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--volfile-server-transport", "rdma"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "--logger=syslog"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfsd", "-L", "LOUD"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--mac-compat", "/mnt"), EXIT_FAILURE);
    assert_int_equal(PARSE(&cl, "glusterfs", "--mac-compat=off", "/mnt"), 0);
    assert_int_equal(PARSE(&cl, "glusterd"), 0);
    assert_int_equal(PARSE(&cl, "gluster"), EXIT_FAILURE);
}

static void questions_are_answered_and_nothing_is_started(void **state)
{
    static const char *const questions[] = {"-V", "--version", "-?", "--help", "--usage", "--print-logdir", "--print-xlatordir"};
    struct command_line cl;

    for (size_t i = 0; i < array_len(questions); i++) {
        assert_int_equal(PARSE(&cl, "glusterfsd", questions[i]), 0);
        assert_true(cl.done);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_long_and_old_names_are_read),
        cmocka_unit_test(translators_options_are_split_at_the_first_dot_and_the_equal_sign),
        cmocka_unit_test(a_daemons_words_for_a_brick_are_read),
        cmocka_unit_test(what_does_not_fit_together_is_refused),
        cmocka_unit_test(what_cannot_be_read_ends_with_status_64),
        cmocka_unit_test(a_mount_has_its_own_options),
        cmocka_unit_test(a_thin_client_asks_for_the_volume_file_of_the_proxy),
        cmocka_unit_test(an_engine_is_for_who_has_a_disk),
        cmocka_unit_test(what_this_build_does_not_have_is_refused),
        cmocka_unit_test(questions_are_answered_and_nothing_is_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
