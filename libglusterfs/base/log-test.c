/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

struct lines {
    unsigned int n;
    char first[2200], last[2200];
    enum log_level level;
    char func[64];
};

static void keep(void *ctx, const struct log_site *site, const char *domain, const char *text)
{
    struct lines *l = ctx;

    snprintf(l->n++ ? l->last : l->first, sizeof(l->last), "%s|%s", domain, text);
    l->level = site->level;
    snprintf(l->func, sizeof(l->func), "%s", site->func);
}

static int begin(void **state)
{
    static struct lines lines;

    lines = (struct lines){0};
    log_set_sink(keep, &lines);
    log_set_level(LVL_INFO);
    *state = &lines;
    return 0;
}

static int end(void **state)
{
    log_set_sink(NULL, NULL);
    return 0;
}

static void the_sink_gets_place_domain_and_text(void **state)
{
    struct lines *l = *state;
    log_sink_fn sink;
    void *ctx;

    errno = EXDEV;
    log_warning("vol-server", "%d of %s: %m", 3, "five");
    assert_int_equal(errno, EXDEV);
    assert_int_equal(l->n, 1);
    assert_string_equal(l->first, "vol-server|3 of five: Invalid cross-device link");
    assert_int_equal(l->level, LVL_WARNING);
    assert_string_equal(l->func, __func__);
    log_get_sink(&sink, &ctx);
    assert_ptr_equal(sink, keep);
    assert_ptr_equal(ctx, l);
}

static unsigned int evaluated;

static int evaluate(void)
{
    return (int)++evaluated;
}

static void what_is_above_the_level_is_not_even_evaluated(void **state)
{
    struct lines *l = *state;

    log_debug("d", "%d", evaluate());
    assert_int_equal(l->n, 0);
    assert_int_equal(evaluated, 0);
    log_set_level(LVL_DEBUG);
    log_debug("d", "%d", evaluate());
    assert_int_equal(l->n, 1);
    log_set_level(LVL_NONE);
    log_critical("d", "%d", evaluate());
    assert_int_equal(l->n, 1);
    assert_int_equal(evaluated, 1);
}

static void what_a_peer_sent_cannot_make_a_second_line(void **state)
{
    struct lines *l = *state;

    log_error("d", "name %s", "a\nb\r\x1b[31m\x7f\xc3\xa4");
    assert_string_equal(l->first, "d|name a?b??[31m?\xc3\xa4");
}

static void a_long_line_is_cut_and_says_so(void **state)
{
    struct lines *l = *state;
    char text[5000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_error("d", "%s", text);
    assert_string_equal(l->first + strlen(l->first) - 4, "x...");
}

static void flood(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        log_error("d", "again %u", i);
}

/* Waits for the next second's first moment, so that what follows is within one. */
static void next_second(void)
{
    uint64_t second = clock_ms() / 1000;

    while (clock_ms() / 1000 == second)
        ;
}

static void a_place_that_floods_goes_silent_and_says_later_how_often(void **state)
{
    struct lines *l = *state;

    next_second();
    flood(500);
    assert_int_equal(l->n, LOG_BURST);
    next_second();
    *l = (struct lines){0};
    flood(1);
    assert_int_equal(l->n, 2);
    assert_string_equal(l->first, "d|480 more lines from here were left out");
    assert_string_equal(l->last, "d|again 0");
}

static void who_asks_for_details_gets_more_of_them(void **state)
{
    struct lines *l = *state;

    log_set_level(LVL_DEBUG);
    next_second();
    for (unsigned int i = 0; i < 3 * LOG_BURST_DEBUG; i++)
        log_debug("d", "again %u", i);
    assert_true(l->n >= LOG_BURST_DEBUG); /* more, if another second began meanwhile */
}

static void a_module_logs_as_its_program_does(void **state)
{
    struct lines *l = *state;
    static struct lines theirs;
    atomic_int level = LVL_DEBUG;
    struct log_port own, other = {.sink = keep, .ctx = &theirs, .level = &level};

    log_port_get(&own);
    log_port_use(&other);
    log_debug("d", "one");
    atomic_store(&level, LVL_WARNING);
    log_debug("d", "two");
    assert_int_equal(theirs.n, 1);
    assert_int_equal(log_get_level(), LVL_WARNING);
    log_port_use(&own);
    log_debug("d", "three");
    log_info("d", "four");
    assert_int_equal(l->n, 1);
}

static void the_first_cause_wins(void **state)
{
    struct err e = {0};

    assert_int_equal(err_set(&e, -EINVAL, "line %d", 3), -EINVAL);
    assert_int_equal(err_set(&e, -ENOENT, "something else"), -ENOENT);
    assert_string_equal(e.text, "line 3");
    assert_int_equal(err_set(NULL, -EIO, "nobody asks"), -EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_sink_gets_place_domain_and_text, begin, end),
        cmocka_unit_test_setup_teardown(what_is_above_the_level_is_not_even_evaluated, begin, end),
        cmocka_unit_test_setup_teardown(what_a_peer_sent_cannot_make_a_second_line, begin, end),
        cmocka_unit_test_setup_teardown(a_long_line_is_cut_and_says_so, begin, end),
        cmocka_unit_test_setup_teardown(a_place_that_floods_goes_silent_and_says_later_how_often, begin, end),
        cmocka_unit_test_setup_teardown(who_asks_for_details_gets_more_of_them, begin, end),
        cmocka_unit_test_setup_teardown(a_module_logs_as_its_program_does, begin, end),
        cmocka_unit_test(the_first_cause_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
