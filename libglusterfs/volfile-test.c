/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "volfile.h"

static int parse(const char *text, struct volfile **ret, struct err *err)
{
    size_t len = strlen(text);
    char *exact = malloc(len + !len);
    int failed;

    *err = (struct err){0};
    memcpy(exact, text, len); /* exact, so that a sanitizer sees one byte too many */
    failed = volfile_parse("brick.vol", exact, len, NULL, ret, err);
    free(exact);
    return failed;
}

static void blocks_are_read_with_quotes_comments_and_any_line_structure(void **state)
{
    static const char text[] = "# the bottom\n"
                               "volume /data/brick1 type storage/posix\n"
                               "option directory \"/with \\\"blank\\\" and \\\\\" # a comment\n"
                               "option a#b c#d\r\n"
                               "\toption\nkey\nvalue\nend-volume\n"
                               "volume \"volume\"\n"
                               "  type x/y\n  option before 1\n  subvolumes /data/brick1\n  option after 2\n"
                               "end-volume";
    struct volfile *v;
    struct err err;

    assert_int_equal(parse(text, &v, &err), 0);
    assert_int_equal(v->n, 2);
    assert_string_equal(v->first->name, "/data/brick1");
    assert_int_equal(v->first->line, 2);
    assert_string_equal(optset_get(&v->first->options, "directory"), "/with \"blank\" and \\");
    assert_string_equal(optset_get(&v->first->options, "a#b"), "c#d");
    assert_string_equal(optset_get(&v->first->options, "key"), "value");
    assert_string_equal(v->last->name, "volume");
    assert_int_equal(v->last->nr_children, 1);
    assert_string_equal(v->last->children[0], "/data/brick1");
    assert_string_equal(optset_get(&v->last->options, "after"), "2");
    volfile_free(v);
}

static void both_spellings_of_subvolumes_are_words_of_the_language(void **state)
{
    struct volfile *v;
    struct err err;

    assert_int_equal(parse("volume a type t option k v end-volume volume b type t subvolumeS a end-volume", &v, &err), 0);
    assert_int_equal(v->last->nr_children, 1);
    volfile_free(v);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
    static const struct {
        const char *text, *sentence;
    } wrong[] = {
        {"", "brick.vol:1: expected \"volume\", found the end of the file"},
        {"\n\n# nothing\n", "brick.vol:4: expected \"volume\", found the end of the file"},
        {"volume", "brick.vol:1: expected a name after \"volume\", found the end of the file"},
        {"volume a\n type\nend-volume", "brick.vol:3: expected a type after \"type\", found \"end-volume\""},
        {"volume a\noption k v\nend-volume", "brick.vol:2: expected \"type\" after the volume's name, found \"option\""},
        {"volume a\ntype t\nend-volume",
         "brick.vol:3: expected \"option\" or \"subvolumes\": a volume needs at least one of them, found \"end-volume\""},
        {"volume a\ntype t\noption k\nend-volume", "brick.vol:4: expected a value after the option's name, found \"end-volume\""},
        {"volume a\ntype t\noption\nend-volume", "brick.vol:4: expected an option's name after \"option\", found \"end-volume\""},
        {"volume a\ntype t\noption k \"\"\nend-volume", "brick.vol:3: a word must not be empty, found \"\""},
        {"volume a\ntype t\noption k v\nvolume b", "brick.vol:4: expected \"option\", \"subvolumes\" or \"end-volume\", found \"volume\""},
        {"volume a\ntype t\noption k v w\nend-volume", "brick.vol:3: expected \"option\", \"subvolumes\" or \"end-volume\", found \"w\""},
        {"volume a\ntype t\nsubvolumes\nend-volume", "brick.vol:4: expected a volume's name after \"subvolumes\", found \"end-volume\""},
        {"volume a\ntype t\nsubvolumes a\nend-volume", "brick.vol:3: volume \"a\" is named as its own subvolume"},
        {"volume a\ntype t\nsubvolumes b\nend-volume", "brick.vol:3: subvolume \"b\" of volume \"a\" is not defined before it"},
        {"volume a type t option k v end-volume\nvolume a type t option k v end-volume",
         "brick.vol:2: volume \"a\" is already defined in line 1"},
        {"volume a type t option k v end-volume\nvolume b type t subvolumes a\nsubvolumes a end-volume",
         "brick.vol:3: expected \"option\" or \"end-volume\", found \"subvolumes\""},
        {"volume a type t option k v end-volume\nend-volume", "brick.vol:2: expected \"volume\", found \"end-volume\""},
        {"VOLUME a", "brick.vol:1: expected \"volume\", found \"VOLUME\""},
    };
    struct volfile *v = NULL;
    struct err err;

    for (size_t i = 0; i < array_len(wrong); i++) {
        assert_int_equal(parse(wrong[i].text, &v, &err), -EINVAL);
        assert_string_equal(err.text, wrong[i].sentence);
    }
    assert_null(v);
}

static void silence(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    ++*(int *)ctx;
}

static void a_quote_without_its_end_is_skipped_and_logged(void **state)
{
    int said = 0;
    struct volfile *v;
    struct err err;

    log_set_sink(silence, &said);
    assert_int_equal(parse("volume a type t option k \"v\nend-volume", &v, &err), 0);
    assert_string_equal(optset_get(&v->first->options, "k"), "v");
    volfile_free(v);
    assert_int_equal(parse("volume a type t option k \\v end-volume", &v, &err), 0);
    volfile_free(v);
    log_set_sink(NULL, NULL);
    assert_int_equal(said, 2);
}

static void a_nul_byte_is_refused(void **state)
{
    static const char word[] = "volume a\0b type t option k v end-volume", string[] = "volume \"\0\" type t option k v end-volume";
    struct volfile *v = NULL;
    struct err err = {0}, other = {0};

    assert_int_equal(volfile_parse("f", word, sizeof(word) - 1, NULL, &v, &err), -EINVAL);
    assert_string_equal(err.text, "f:1: a NUL byte is no part of a volume file");
    assert_int_equal(volfile_parse("f", string, sizeof(string) - 1, NULL, &v, &other), -EINVAL);
    assert_string_equal(other.text, err.text);
}

/* ---- commands ------------------------------------------------------------------------------------------------------- */

static int load(const char *text, struct volfile **ret, struct err *err)
{
    char name[] = "/tmp/volfile-test-XXXXXX";
    int fd = mkstemp(name), failed;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    *err = (struct err){0};
    failed = volfile_load(name, ret, err);
    unlink(name);
    return failed;
}

static void back_quotes_are_replaced_by_what_the_shell_says(void **state)
{
    struct volfile *v;
    struct err err;

    assert_int_equal(load("volume a type t\noption k `printf 'one\\ntwo\\n' | tail -n 1`\noption `echo x`y \"`echo 1 2`\"\n"
                          "option q \"\\`echo no\\`\"\noption n `true`1\nend-volume\n", &v, &err), 0);
    assert_string_equal(optset_get(&v->first->options, "k"), "two");
    assert_string_equal(optset_get(&v->first->options, "xy"), "1 2");
    assert_string_equal(optset_get(&v->first->options, "q"), "`echo no`");
    assert_string_equal(optset_get(&v->first->options, "n"), "1");
    assert_int_equal(v->first->options.pairs[1].line, 3);
    volfile_free(v);
}

static void lines_are_counted_past_a_command(void **state)
{
    struct volfile *v;
    struct err err;

    assert_int_equal(load("volume a type t\noption k `printf '1\\n2\\n3\\n'`\nend-volume", &v, &err), -EINVAL);
    assert_non_null(strstr(err.text, ":3: expected")); /* "2" stands in the third line of what was expanded */
    assert_int_equal(load("volume a type t\noption k `printf '\\n\\n\\nv\\n'`\nwrong", &v, &err), -EINVAL);
    assert_non_null(strstr(err.text, ":3: expected"));
}

static void a_command_that_fails_or_has_no_end_is_an_error(void **state)
{
    struct volfile *v;
    struct err err;

    assert_int_equal(load("volume a\ntype `exit 3`", &v, &err), -EINVAL);
    assert_non_null(strstr(err.text, ":2: the command `exit 3` failed"));
    assert_int_equal(load("volume a\ntype `echo", &v, &err), -EINVAL);
    assert_non_null(strstr(err.text, ":2: a back-quote begins a command that has no end"));
    assert_int_equal(load("`kill -9 $$`", &v, &err), -EINVAL);
    assert_int_equal(load("`cat /dev/zero`", &v, &err), -E2BIG);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    struct volfile *v;
    struct err err = {0};

    assert_int_equal(volfile_load("/nonexistent/brick.vol", &v, &err), -ENOENT);
    assert_string_equal(err.text, "volume file /nonexistent/brick.vol: No such file or directory");
    err = (struct err){0};
    assert_int_equal(volfile_load("/tmp", &v, &err), -EISDIR);
}

/* ---- what a stock daemon generates ---------------------------------------------------------------------------------- */

static void every_file_of_a_stock_daemon_is_read(void **state)
{
    char pattern[4096];
    glob_t found;

    snprintf(pattern, sizeof(pattern), "%s/*.vol", VOLFILES);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    assert_true(found.gl_pathc > 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct volfile *v;
        struct err err = {0};

        if (volfile_load(found.gl_pathv[i], &v, &err) < 0)
            fail_msg("%s", err.text);
        assert_true(v->n > 0);
        volfile_free(v);
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_read_with_quotes_comments_and_any_line_structure),
        cmocka_unit_test(both_spellings_of_subvolumes_are_words_of_the_language),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(a_quote_without_its_end_is_skipped_and_logged),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(back_quotes_are_replaced_by_what_the_shell_says),
        cmocka_unit_test(lines_are_counted_past_a_command),
        cmocka_unit_test(a_command_that_fails_or_has_no_end_is_an_error),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(every_file_of_a_stock_daemon_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
