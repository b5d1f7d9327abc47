/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bricks.h"
#include "pattern.h"
#include "reply.h"

/* ---- patterns ------------------------------------------------------------------------------------------------------------ */

struct offers {
    char text[512];
};

static void note(void *ctx, struct pattern_word p, bool argument)
{
    struct offers *o = ctx;
    size_t used = strlen(o->text);

    snprintf(o->text + used, sizeof(o->text) - used, argument ? "<%.*s> " : "%.*s ", (int)p.len, p.at);
}

/* What can stand behind the words, which are at most eight. */
static const char *behind(struct offers *o, const char *pattern, const char *words)
{
    char *copy = strdup(words), *rest = copy, *at[8];
    struct words w = {.at = at};

    for (char *one; (one = strsep(&rest, " "));)
        if (*one)
            at[w.n++] = one;
    o->text[0] = '\0';
    pattern_next(pattern, &w, note, o);
    free(copy);
    return o->text;
}

static void words_follow_each_other(void **state)
{
    struct offers o;

    assert_string_equal(behind(&o, "volume start <VOLNAME> [force]", ""), "volume ");
    assert_string_equal(behind(&o, "volume start <VOLNAME> [force]", "vol"), "start ");
    assert_string_equal(behind(&o, "volume start <VOLNAME> [force]", "volume start"), "<VOLNAME> ");
    assert_string_equal(behind(&o, "volume start <VOLNAME> [force]", "volume start one"), "force ");
    assert_string_equal(behind(&o, "volume start <VOLNAME> [force]", "volume start one force"), "");
    assert_string_equal(behind(&o, "volume start <VOLNAME> [force]", "volume stop"), "");
}

static void alternatives_are_all_offered(void **state)
{
    static const char top[] = "top <VOLNAME> {open|clear} [nfs|brick <brick>] [list-cnt <value>] | {read-perf} [bs <size> count <count>]";
    struct offers o;

    assert_string_equal(behind(&o, "rebalance <V1> {{fix-layout start} | {start [force]|stop}}", "rebalance one"),
                        "fix-layout start stop ");
    assert_string_equal(behind(&o, "rebalance <V1> {{fix-layout start} | {start [force]|stop}}", "rebalance one start"), "force ");
    assert_string_equal(behind(&o, top, "top one open"), "nfs brick list-cnt ");
    assert_string_equal(behind(&o, top, "top one open brick b"), "list-cnt ");
    assert_string_equal(behind(&o, top, "top one open nfs list-cnt"), "<value> ");
    assert_string_equal(behind(&o, "get <VOLNAME|all> <key|all>", "get"), "<VOLNAME> all ");
    assert_string_equal(behind(&o, "remove <BRICK> ... <start|stop>", "remove a b"), "<BRICK> start stop ");
}

static void what_repeats_may_end(void **state)
{
    struct offers o;

    assert_string_equal(behind(&o, "add <BRICK> ... [force]", "add"), "<BRICK> ");
    assert_string_equal(behind(&o, "add <BRICK> ... [force]", "add a b c"), "<BRICK> force ");
    assert_string_equal(behind(&o, "dump [[nfs|quotad] [all|mem]... | [client <x>]]", "dump mem"), "all mem ");
}

static void a_broken_pattern_ends(void **state)
{
    static const char *const broken[] = {"a [b", "a {", "a <b", "a | | b", "]]", "...", "a ... ...", "(a [b {c", ""};
    struct offers o;

    for (size_t i = 0; i < array_len(broken); i++) {
        behind(&o, broken[i], "a b c");
        behind(&o, broken[i], "");
    }
}

static void the_words_in_front_are_found(void **state)
{
    struct pattern_word p[4];

    assert_int_equal(pattern_literals("system:: uuid get", p, 4), 3);
    assert_int_equal(pattern_literals("volume set <VOLNAME> group <GROUP>", p, 4), 2);
    assert_int_equal(pattern_literals("get-state [<daemon>]", p, 4), 1);
    assert_int_equal(pattern_literals("[x]", p, 4), 0);
}

/* ---- replies ------------------------------------------------------------------------------------------------------------- */

static void pairs_of_a_reply_are_found(void **state)
{
    static const uint8_t bytes[] = "\0\0\0\2" "\0\0\0\5\0\0\0\3" "count\0" "12\0" "\0\0\0\1\0\0\0\2" "b\0" "xy";
    struct reply r;

    assert_int_equal(reply_take(&r, -1, 7, "no", 2, bytes, sizeof(bytes) - 1), 0);
    assert_int_equal(r.op_ret, -1);
    assert_string_equal(r.reason, "no");
    assert_int_equal(reply_number(&r, 0, "count"), 12);
    assert_string_equal(reply_text(&r, "%c", 'b'), "xy");
    assert_null(reply_text(&r, "nothing"));
    assert_int_equal(reply_number(&r, -5, "b"), -5);
    reply_done(&r);
    reply_done(&r);
}

static void a_reply_that_is_cut_or_lies_is_refused(void **state)
{
    static const uint8_t whole[] = "\0\0\0\1" "\0\0\0\1\0\0\0\2" "b\0" "xy";
    struct reply r;

    for (uint32_t len = 1; len < sizeof(whole) - 1; len++) {
        uint8_t *cut = malloc(len); /* of its own, for the sanitizer */

        memcpy(cut, whole, len);
        assert_int_equal(reply_take(&r, 0, 0, NULL, 0, cut, len), -EBADMSG);
        free(cut);
    }
    assert_int_equal(reply_take(&r, 0, 0, NULL, 0, (const uint8_t *)"\xff\xff\xff\xff\0\0\0\0", 8), -EBADMSG);
    assert_int_equal(reply_take(&r, 0, 0, NULL, 0, (const uint8_t *)"\0\0\0\1\xff\xff\xff\xff\0\0\0\0a\0", 14), -EBADMSG);
    assert_int_equal(reply_take(&r, 0, 0, NULL, 0, (const uint8_t *)"\0\0\0\1\0\0\0\1\xff\xff\xff\xff" "a\0", 14), -EBADMSG);
    assert_int_equal(reply_take(&r, 0, 0, NULL, 0, NULL, 0), 0);
    reply_done(&r);
}

/* ---- bricks and names ---------------------------------------------------------------------------------------------------- */

static void bricks_are_cleaned(void **state)
{
    static const char *const pairs[][2] = {{"h:/a", "h:/a"}, {"h:/a/", "h:/a"}, {"h://a//b/", "h:/a/b"}, {"h:/", "h:/"}, {"bad", "bad"},
                                           {"fe80::1:/b//", "fe80::1:/b"}, {"h:", "h:"}, {"h:////", "h:/"}};

    for (size_t i = 0; i < array_len(pairs); i++) {
        char *clean = brick_clean(pairs[i][0]);

        assert_string_equal(clean, pairs[i][1]);
        free(clean);
    }
}

static void hosts_are_names_or_addresses(void **state)
{
    static const char *const good[] = {"n1", "a-b.example.org", "192.0.2.7", "2001:db8::1"};
    static const char *const bad[] = {"", "a_b", "-a", "a-", "a..b", "192.0.2.777", "!!", "1.2.3"};

    for (size_t i = 0; i < array_len(good); i++)
        assert_true(host_conforms(good[i]));
    for (size_t i = 0; i < array_len(bad); i++)
        assert_false(host_conforms(bad[i]));
}

static void a_word_may_be_shortened_when_it_is_clear(void **state)
{
    static const char *const list[] = {"disperse", "disperse-data", "replica", NULL};

    assert_int_equal(choose("rep", list), 2);
    assert_int_equal(choose("disperse", list), 0);
    assert_int_equal(choose("disp", list), -1);
    assert_int_equal(choose("x", list), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_follow_each_other),     cmocka_unit_test(alternatives_are_all_offered),
        cmocka_unit_test(what_repeats_may_end),        cmocka_unit_test(a_broken_pattern_ends),
        cmocka_unit_test(the_words_in_front_are_found), cmocka_unit_test(pairs_of_a_reply_are_found),
        cmocka_unit_test(a_reply_that_is_cut_or_lies_is_refused), cmocka_unit_test(bricks_are_cleaned),
        cmocka_unit_test(hosts_are_names_or_addresses), cmocka_unit_test(a_word_may_be_shortened_when_it_is_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
