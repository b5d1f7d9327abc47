/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "options.h"
#include "statedump.h"

struct conf {
    bool flag;
    int64_t number;
    uint32_t mode;
    uint64_t bytes, seconds;
    struct percent_or_size reserve;
    char *text, *path;
    int color;
};

static const char *const colors[] = {"red", "green", NULL};
static const char *const old_names[] = {"count", NULL};
static const char *const none_words[] = {"none", NULL};
static const struct option rows[] = {
    OPT_BOOL("flag", struct conf, flag, true, "a flag", .flags = OPTION_LIVE),
    OPT_INT("number", struct conf, number, "5", -3, 100, "a number", .aliases = old_names, .flags = OPTION_LIVE),
    {.key = "mode", .type = OPTION_OCTAL, .offset = offsetof(struct conf, mode), .def = "0755", .max = 0777, .help = "a mode"},
    OPT_SIZE("bytes", struct conf, bytes, "1MB", 512, 1 << 30, "some bytes"),
    OPT_TIME("seconds", struct conf, seconds, "10min", 0, 0, "a time"),
    {.key = "reserve", .type = OPTION_PERCENT_OR_SIZE, .offset = offsetof(struct conf, reserve), .def = "1", .help = "space"},
    OPT_STR("text", struct conf, text, NULL, "a text", .flags = OPTION_LIVE),
    OPT_PATH("path", struct conf, path, "/tmp", "a path"),
    OPT_CHOICE("color", struct conf, color, "green", colors, "a color"),
    OPT_PREFIX("auth.addr.", "who may come"),
    OPT_OFF("quantum", "quantum storage", .choices = none_words),
};

static const struct option quiet_rows[] = {
    OPT_INT("idle", struct conf, number, "5", 0, 0, "of what is not built", .flags = OPTION_NO_EFFECT),
    OPT_STR("password", struct conf, text, "x", "a secret", .flags = OPTION_SECRET),
};

static void fill(struct dump *d, const void *ctx)
{
    options_dump(rows, array_len(rows), ctx, d);
    options_dump(quiet_rows, array_len(quiet_rows), ctx, d);
}

static int apply(const char *key, const char *value, struct conf *to, struct err *err)
{
    struct optset set = {0};
    int failed;

    *err = (struct err){0};
    assert_int_equal(optset_add(&set, key, value, "brick.vol", 12), 0);
    failed = options_apply(rows, array_len(rows), &set, "v-posix", false, to, err);
    optset_done(&set);
    return failed;
}

static void a_row_without_a_pair_gets_its_default(void **state)
{
    struct optset none = {0};
    struct conf c = {0};
    struct err err = {0};

    assert_int_equal(options_apply(rows, array_len(rows), &none, "v", false, &c, &err), 0);
    assert_true(c.flag);
    assert_int_equal(c.number, 5);
    assert_int_equal(c.mode, 0755);
    assert_int_equal(c.bytes, MiB);
    assert_int_equal(c.seconds, 600);
    assert_true(c.reserve.is_percent && c.reserve.value == 1);
    assert_null(c.text);
    assert_string_equal(c.path, "/tmp");
    assert_int_equal(c.color, 1);
    options_release(rows, array_len(rows), &c);
    assert_null(c.path);
}

static void what_is_in_force_is_shown_in_the_plainest_form(void **state)
{
    struct optset none = {0};
    struct conf c = {0};
    struct err err = {0};
    char *text;
    size_t len;

    assert_int_equal(options_apply(rows, array_len(rows), &none, "v", false, &c, &err), 0);
    text = dump_text(fill, &c, &len);
    assert_string_equal(text, "flag = on\nnumber = 5\nmode = 0755\nbytes = 1048576\nseconds = 600\nreserve = 1%\n"
                              "text = \npath = /tmp\ncolor = green\n");
    free(text);
    options_release(rows, array_len(rows), &c);
}

static void a_wrong_value_is_named_with_its_place_and_what_is_allowed(void **state)
{
    static const struct {
        const char *key, *value, *sentence;
    } wrong[] = {
        {"flag", "maybe", "brick.vol:12: volume v-posix: option flag: \"maybe\" is not allowed here: on or off"},
        {"number", "101", "brick.vol:12: volume v-posix: option number: \"101\" is not allowed here: a whole number from -3 to 100"},
        {"count", "12x", "brick.vol:12: volume v-posix: option count: \"12x\" is not allowed here: a whole number from -3 to 100"},
        {"mode", "0999", "brick.vol:12: volume v-posix: option mode: \"0999\" is not allowed here: an octal number"},
        {"mode", "1777", "brick.vol:12: volume v-posix: option mode: \"1777\" is not allowed here: an octal number"},
        {"bytes", "1",
         "brick.vol:12: volume v-posix: option bytes: \"1\" is not allowed here: a size like 64KB or 16MB from 512 to 1073741824"},
        {"seconds", "-1", "brick.vol:12: volume v-posix: option seconds: \"-1\" is not allowed here: a time like 30, 10min or 2h"},
        {"path", "a/b", "brick.vol:12: volume v-posix: option path: \"a/b\" is not allowed here: an absolute path without ../"},
        {"path", "/a/../b", "brick.vol:12: volume v-posix: option path: \"/a/../b\" is not allowed here: an absolute path without ../"},
        {"color", "blue", "brick.vol:12: volume v-posix: option color: \"blue\" is not allowed here: red or green"},
        {"quantum", "on", "brick.vol:12: volume v-posix: option quantum on: this build does not have quantum storage; see doc/refused.md"},
    };
    struct conf c = {.number = 77};
    struct err err;

    for (size_t i = 0; i < array_len(wrong); i++) {
        assert_true(apply(wrong[i].key, wrong[i].value, &c, &err) < 0);
        assert_string_equal(err.text, wrong[i].sentence);
        assert_int_equal(c.number, 77); /* all or nothing */
        assert_null(c.path);
    }
}

static void a_feature_that_is_off_is_no_feature(void **state)
{
    static const char *const off[] = {"off", "disable", "0", "no", "none"};
    struct conf c = {0};
    struct err err;

    for (size_t i = 0; i < array_len(off); i++)
        assert_int_equal(apply("quantum", off[i], &c, &err), 0);
    options_release(rows, array_len(rows), &c);
}

static void the_last_of_equal_names_wins_also_under_an_old_name(void **state)
{
    struct optset set = {0};
    struct conf c = {0};
    struct err err = {0};

    optset_add(&set, "number", "1", "f", 1);
    optset_add(&set, "count", "2", "f", 2);
    optset_add(&set, "text", "a", "f", 3);
    optset_add(&set, "text", "b", "f", 4);
    assert_int_equal(options_apply(rows, array_len(rows), &set, "v", false, &c, &err), 0);
    assert_int_equal(c.number, 2);
    assert_string_equal(c.text, "b");
    assert_string_equal(optset_get(&set, "text"), "b");
    assert_null(optset_get(&set, "nothing"));
    optset_done(&set);
    options_release(rows, array_len(rows), &c);
}

static void while_running_only_live_rows_change(void **state)
{
    struct optset set = {0};
    struct conf c = {0};
    struct err err = {0};

    assert_int_equal(options_apply(rows, array_len(rows), &set, "v", false, &c, &err), 0);
    optset_add(&set, "flag", "off", "f", 1);
    optset_add(&set, "bytes", "2MB", "f", 2);
    optset_add(&set, "text", "new", "f", 3);
    assert_int_equal(options_apply(rows, array_len(rows), &set, "v", true, &c, &err), 0);
    assert_false(c.flag);
    assert_int_equal(c.bytes, MiB);
    assert_string_equal(c.text, "new");
    optset_done(&set);
    options_release(rows, array_len(rows), &c);
}

static void a_required_row_must_be_there(void **state)
{
    static const struct option required[] = {
        OPT_PATH("directory", struct conf, path, NULL, "the brick's folder", .flags = OPTION_REQUIRED),
    };
    struct optset none = {0};
    struct conf c = {0};
    struct err err = {0};

    assert_int_equal(options_apply(required, 1, &none, "v", false, &c, &err), -EINVAL);
    assert_string_equal(err.text, "volume v: option directory is missing: the brick's folder (an absolute path without ../)");
}

static void note(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    strncat(ctx, text, 999 - strlen(ctx));
    strncat(ctx, "\n", 999 - strlen(ctx));
}

static void what_changes_while_running_is_logged_at_debug(void **state)
{
    struct optset set = {0};
    struct conf c = {0};
    struct err err = {0};
    char said[1000] = "";

    log_set_sink(note, said);
    log_set_level(LVL_DEBUG);
    assert_int_equal(options_apply(rows, array_len(rows), &set, "v", false, &c, &err), 0);
    assert_string_equal(said, "");
    optset_add(&set, "flag", "off", "f", 1);
    optset_add(&set, "number", "5", "f", 2); /* as it is */
    assert_int_equal(options_apply(rows, array_len(rows), &set, "v", true, &c, &err), 0);
    assert_string_equal(said, "option flag is \"off\" from now on\n");
    log_set_level(LVL_INFO);
    log_set_sink(NULL, NULL);
    optset_done(&set);
    options_release(rows, array_len(rows), &c);
}

static void what_no_row_knows_is_named(void **state)
{
    const struct option more[] = {{.key = "numbre"}, {.key = NULL}};
    struct err err = {0};
    struct optset set = {0};
    char said[1000] = "";

    optset_add(&set, "number", "1", "f.vol", 1);
    optset_add(&set, "numbre", "1", "f.vol", 2);
    optset_add(&set, "auth.addr./b.allow", "*", "f.vol", 3);
    log_set_sink(note, said);
    assert_int_equal(options_check_known(rows, array_len(rows), NULL, &set, "v", false, &err), 0);
    log_set_sink(NULL, NULL);
    assert_string_equal(said, "f.vol:2: volume v: option numbre: no such option, it does nothing\n");
    assert_int_equal(options_check_known(rows, array_len(rows), NULL, &set, "v", true, &err), -EINVAL);
    assert_string_equal(err.text, "f.vol:2: volume v: option numbre: no such option, and --volfile-check was asked for");
    assert_int_equal(options_check_known(rows, array_len(rows), more, &set, "v", true, &err), 0);
    optset_done(&set);
}

/* ---- values by themselves ------------------------------------------------------------------------------------------- */

static void sizes_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } right[] = {{"0", 0}, {"1", 1}, {"512B", 512}, {"1KB", 1024}, {"1kb", 1024}, {"1.5MB", 3 << 19}, {"16GB", 16ull << 30},
                 {"1PB", 1ull << 50}, {"18446744073709551615", UINT64_MAX}, {"9007199254740993", 9007199254740993ull}, {"0.5KB", 512}};
    static const char *const wrong[] = {"", "KB", "-1", "+1", " 1", "1 ", "1K", "1XB", "0x10", "1e3", "inf", "nan", "16384PB", "1.2.3",
                                        ".5", "18446744073709551616"};
    uint64_t v = 42;

    for (size_t i = 0; i < array_len(wrong); i++)
        assert_int_equal(parse_size(wrong[i], &v), -EINVAL);
    assert_int_equal(v, 42);
    for (size_t i = 0; i < array_len(right); i++) {
        assert_int_equal(parse_size(right[i].text, &v), 0);
        assert_true(v == right[i].value);
    }
}

static void times_are_seconds(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } right[] = {{"0", 0}, {"30", 30}, {"30s", 30}, {"30sec", 30}, {"2m", 120}, {"2min", 120}, {"1h", 3600}, {"1hr", 3600},
                 {"1d", 86400}, {"2days", 172800}, {"1w", 604800}, {"1wk", 604800}, {"1H", 3600}};
    static const char *const wrong[] = {"", "s", "-1", "1.5", "1 h", "1month", "30505305100000000w", "99999999999999999999"};
    uint64_t v = 42;

    for (size_t i = 0; i < array_len(wrong); i++)
        assert_int_equal(parse_time(wrong[i], &v), -EINVAL);
    assert_int_equal(v, 42);
    for (size_t i = 0; i < array_len(right); i++) {
        assert_int_equal(parse_time(right[i].text, &v), 0);
        assert_true(v == right[i].value);
    }
}

static void whole_numbers_are_read_in_the_base_they_show(void **state)
{
    static const char *const wrong[] = {"", " 1", "1 ", "1x", "0x", "08", "9223372036854775808", "one"};
    int64_t v = 42;

    for (size_t i = 0; i < array_len(wrong); i++)
        assert_int_equal(parse_int(wrong[i], &v), -EINVAL);
    assert_int_equal(v, 42);
    assert_int_equal(parse_int("0x1f", &v), 0);
    assert_int_equal(v, 31);
    assert_int_equal(parse_int("017", &v), 0);
    assert_int_equal(v, 15);
    assert_int_equal(parse_int("-9223372036854775808", &v), 0);
    assert_true(v == INT64_MIN);
}

static void up_to_a_hundred_is_a_percentage(void **state)
{
    struct percent_or_size v;

    assert_int_equal(parse_percent_or_size("10%", &v), 0);
    assert_true(v.is_percent && v.value == 10);
    assert_int_equal(parse_percent_or_size("100", &v), 0);
    assert_true(v.is_percent && v.value == 100);
    assert_int_equal(parse_percent_or_size("101", &v), 0);
    assert_true(!v.is_percent && v.value == 101);
    assert_int_equal(parse_percent_or_size("1GB", &v), 0);
    assert_true(!v.is_percent && v.value == (double)GiB);
    assert_int_equal(parse_percent_or_size("101%", &v), -EINVAL);
    assert_int_equal(parse_percent_or_size("%", &v), -EINVAL);
}

static void flags_have_ten_words(void **state)
{
    bool v;

    assert_int_equal(parse_bool("ENABLE", &v), 0);
    assert_true(v);
    assert_int_equal(parse_bool("No", &v), 0);
    assert_false(v);
    assert_int_equal(parse_bool("2", &v), -EINVAL);
    assert_int_equal(parse_bool("", &v), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_without_a_pair_gets_its_default),
        cmocka_unit_test(what_is_in_force_is_shown_in_the_plainest_form),
        cmocka_unit_test(a_wrong_value_is_named_with_its_place_and_what_is_allowed),
        cmocka_unit_test(a_feature_that_is_off_is_no_feature),
        cmocka_unit_test(the_last_of_equal_names_wins_also_under_an_old_name),
        cmocka_unit_test(while_running_only_live_rows_change),
        cmocka_unit_test(a_required_row_must_be_there),
        cmocka_unit_test(what_changes_while_running_is_logged_at_debug),
        cmocka_unit_test(what_no_row_knows_is_named),
        cmocka_unit_test(sizes_are_read_exactly),
        cmocka_unit_test(times_are_seconds),
        cmocka_unit_test(whole_numbers_are_read_in_the_base_they_show),
        cmocka_unit_test(up_to_a_hundred_is_a_percentage),
        cmocka_unit_test(flags_have_ten_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
