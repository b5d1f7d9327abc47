/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "logging.h"

static char dir[64], file[80], moved[80];

static int set_up(void **state)
{
    strcpy(dir, "/tmp/logging-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(file, sizeof(file), "%s/a.log", dir);
    snprintf(moved, sizeof(moved), "%s/a.log.1", dir);
    return 0;
}

static int tear_down(void **state)
{
    logging_close();
    log_set_level(LVL_INFO);
    unlink(file);
    unlink(moved);
    return rmdir(dir);
}

static const char *content(const char *of)
{
    static char text[10000];
    FILE *f = fopen(of, "r");
    size_t n;

    assert_non_null(f);
    n = fread(text, 1, sizeof(text) - 1, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static bool matches(const char *text, const char *pattern)
{
    regex_t re;
    bool yes;

    assert_int_equal(regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB), 0);
    yes = regexec(&re, text, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

static void a_line_has_time_level_place_and_domain(void **state)
{
    struct stat st;

    assert_int_equal(logging_open(file, NULL), 0);
    log_set_level(LVL_DEBUG);
    log_warning("vol-server", "one of %d", 2);
    log_debug("vol-posix", "two");
    log_trace("vol-posix", "not shown");
    assert_true(matches(content(file), "^\\[20[0-9-]{8} [0-9:]{8}\\.[0-9]{6} \\+0000\\] W "
                                       "\\[logging-test\\.c:[0-9]+:a_line_has_time_level_place_and_domain\\] "
                                       "0-vol-server: one of 2\n\\[.*\\] D \\[.*\\] 0-vol-posix: two\n$"));
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void time_may_be_that_of_the_place(void **state)
{
    setenv("TZ", "XYZ-05:30", 1);
    logging_set_local(true);
    assert_int_equal(logging_open(file, NULL), 0);
    log_warning("d", "here");
    logging_set_local(false);
    log_warning("d", "in Greenwich");
    unsetenv("TZ");
    assert_true(matches(content(file), "^\\[20[0-9-]{8} [0-9:]{8}\\.[0-9]{6} \\+0530\\] W [^\n]*here\n\\[[^]]* \\+0000\\] W "));
}

static void text_of_a_peer_cannot_begin_a_line(void **state)
{
    char longer[6000];

    assert_int_equal(logging_open(file, NULL), 0);
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    log_error("d", "a\n[2026-01-01] E forged\r\x1b[31m");
    log_error("d", "%s", longer);
    assert_true(matches(content(file), "0-d: a.\\[2026-01-01\\] E forged..\\[31m\n\\[20[^\n]*x[^\n]*\n$"));
}

static void a_moved_file_is_left_behind_on_reopening(void **state)
{
    char here[100];

    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(dir), 0);
    assert_int_equal(logging_open("a.log", NULL), 0);
    assert_int_equal(chdir(here), 0);
    log_info("d", "before");
    assert_int_equal(rename(file, moved), 0);
    log_info("d", "still before");
    assert_int_equal(logging_reopen(), 0);
    log_info("d", "after");
    assert_non_null(strstr(content(moved), "still before"));
    assert_null(strstr(content(moved), "after"));
    assert_non_null(strstr(content(file), "after"));
    assert_null(strstr(content(file), "before"));
}

static void lines_of_two_writers_do_not_overwrite_each_other(void **state)
{
    FILE *other;

    assert_int_equal(logging_open(file, NULL), 0);
    log_info("d", "one");
    other = fopen(file, "a");
    fputs("from elsewhere\n", other);
    fclose(other);
    log_info("d", "two");
    assert_true(matches(content(file), "one\nfrom elsewhere\n.*two\n$"));
}

static void a_file_that_cannot_be_opened_is_named_and_the_old_one_stays(void **state)
{
    struct err err = {0};

    assert_int_equal(logging_open(file, NULL), 0);
    assert_int_equal(logging_open("/nonexistent/x.log", &err), -ENOENT);
    assert_string_equal(err.text, "log file /nonexistent/x.log: No such file or directory");
    log_info("d", "goes on");
    assert_non_null(strstr(content(file), "goes on"));
}

static void levels_have_names_in_any_case(void **state)
{
    enum log_level level;

    assert_true(log_level_parse("info", &level));
    assert_int_equal(level, LVL_INFO);
    assert_true(log_level_parse("CRITICAL", &level));
    assert_int_equal(level, LVL_CRITICAL);
    assert_false(log_level_parse("LOUD", &level));
    assert_string_equal(log_level_name(LVL_TRACE), "TRACE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_line_has_time_level_place_and_domain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_may_be_that_of_the_place, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_of_a_peer_cannot_begin_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_moved_file_is_left_behind_on_reopening, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_of_two_writers_do_not_overwrite_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_opened_is_named_and_the_old_one_stays, set_up, tear_down),
        cmocka_unit_test(levels_have_names_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
