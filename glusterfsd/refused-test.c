/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* doc/refused.md is true and complete: what it lists is refused with the words that it says, and what is refused is listed.
 *
 * Run with --print it writes the tables as they have to be. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command-line.h"
#include "graph.h"

enum { MAX_CELLS = 4 };
struct line {
    char text[512];
    char *cell[MAX_CELLS];
};

/* The next row of a table with n cells below the heading; false at its end. */
static bool next_row(FILE *f, struct line *l, unsigned int n)
{
    while (fgets(l->text, sizeof(l->text), f) && strncmp(l->text, "## ", 3) != 0) {
        char *at = l->text;

        if (*at != '|' || strncmp(at, "|---", 4) == 0 || strstr(at, "| What is missing"))
            continue;
        for (unsigned int i = 0; i < n; i++) {
            at += strspn(at, "| ");
            l->cell[i] = at;
            at = strstr(at, " |");
            if (!at)
                fail_msg("a row of doc/refused.md with less than %u cells: %s", n, l->text);
            *at = '\0';
            at += 2;
        }
        return true;
    }
    return false;
}

static FILE *open_list(const char *heading)
{
    FILE *f = fopen(REFUSED, "r");
    char line[512];

    if (!f)
        fail_msg("%s cannot be read", REFUSED);
    while (fgets(line, sizeof(line), f))
        if (strncmp(line, "## ", 3) == 0 && strncmp(line + 3, heading, strlen(heading)) == 0)
            return f;
    fail_msg("doc/refused.md has no heading \"%s\"", heading);
    return NULL;
}

static const struct option *off_row(const struct xlator_type *type, const char *key)
{
    for (size_t i = 0; i < type->nr_options; i++)
        if (type->options[i].type == OPTION_OFF && strcmp(type->options[i].key, key) == 0)
            return &type->options[i];
    return NULL;
}

static bool is_listed(const char *heading, unsigned int n, const char *const *cells)
{
    FILE *f = open_list(heading);
    bool found = false;
    struct line l;

    while (!found && next_row(f, &l, n)) {
        found = true;
        for (unsigned int i = 0; i < n; i++)
            found &= !cells[i] || strcmp(l.cell[i], cells[i]) == 0;
    }
    fclose(f);
    return found;
}

static void each_listed_option_is_refused_with_these_words(void **state)
{
    FILE *f = open_list("Options of volume files");
    struct line l;
    unsigned int n = 0;

    for (; next_row(f, &l, 4); n++) {
        const struct xlator_type *type = xlator_type_find(l.cell[0], NULL);
        const struct option *row = type ? off_row(type, l.cell[1]) : NULL;
        struct optset set = {0};
        struct err err = {0};

        if (!row)
            fail_msg("doc/refused.md: type %s has no option %s that is refused", l.cell[0], l.cell[1]);
        assert_int_equal(optset_add(&set, l.cell[1], l.cell[2], "brick.vol", 7), 0);
        if (options_apply(row, 1, &set, "v", false, NULL, &err) != -EOPNOTSUPP || !strstr(err.text, l.cell[1]) ||
            !strstr(err.text, l.cell[3]) || !strstr(err.text, "brick.vol:7") || !strstr(err.text, "doc/refused.md"))
            fail_msg("%s, option %s %s: \"%s\"", l.cell[0], l.cell[1], l.cell[2], err.text);
        optset_done(&set);
    }
    fclose(f);
    assert_true(n > 0);
}

static void each_refused_option_is_listed(void **state)
{
    for (const struct xlator_type *const *t = xlator_types; *t; t++)
        for (size_t i = 0; i < (*t)->nr_options; i++)
            if ((*t)->options[i].type == OPTION_OFF &&
                !is_listed("Options of volume files", 4,
                           (const char *const[]){(*t)->name, (*t)->options[i].key, NULL, (*t)->options[i].help}))
                fail_msg("doc/refused.md lacks a row: | %s | %s | on | %s |", (*t)->name, (*t)->options[i].key, (*t)->options[i].help);
}

static void each_listed_type_is_refused(void **state)
{
    FILE *f = open_list("Types of translators");
    struct line l;
    unsigned int n = 0;

    setenv("GATLING_XLATOR_DIR", "/nonexistent", 1);
    for (; next_row(f, &l, 2); n++) {
        struct err err = {0};
        const struct xlator_type *type = xlator_type_find(l.cell[0], &err);

        if (type) {
            struct xlator xl = {.type = type, .name = (char *)"v"};

            if (!type->init || type->init(&xl, &err) != -EOPNOTSUPP || !strstr(err.text, "doc/refused.md"))
                fail_msg("doc/refused.md lists type %s, but this build has it", l.cell[0]);
        }
        assert_non_null(strstr(err.text, l.cell[0]));
    }
    fclose(f);
    assert_true(n > 0);
}

static void each_listed_word_of_the_command_line_is_refused(void **state)
{
    FILE *f = open_list("Options of the command line");
    struct line l;
    unsigned int n = 0;

    for (; next_row(f, &l, 2); n++) {
        char *argv[] = {(char *)"glusterfsd", l.cell[0], (char *)"1", NULL};
        struct command_line cl;

        if (command_line_parse(&cl, 3, argv) != EXIT_FAILURE)
            fail_msg("doc/refused.md lists %s, but it is not refused", l.cell[0]);
        command_line_done(&cl);
    }
    fclose(f);
    assert_true(n > 0);
}

static void each_refused_word_of_the_command_line_is_listed(void **state)
{
    const char *name, *lacks;

    for (unsigned int i = 0; (name = command_line_refused(i, &lacks)); i++) {
        char word[64];

        snprintf(word, sizeof(word), "--%s", name);
        if (!is_listed("Options of the command line", 2, (const char *const[]){word, lacks}))
            fail_msg("doc/refused.md lacks a row: | %s | %s |", word, lacks);
    }
}

static int print_tables(void)
{
    const char *name, *lacks;

    for (const struct xlator_type *const *t = xlator_types; *t; t++)
        for (size_t i = 0; i < (*t)->nr_options; i++)
            if ((*t)->options[i].type == OPTION_OFF)
                printf("| %s | %s | on | %s |\n", (*t)->name, (*t)->options[i].key, (*t)->options[i].help);
    putchar('\n');
    for (unsigned int i = 0; (name = command_line_refused(i, &lacks)); i++)
        printf("| --%s | %s |\n", name, lacks);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_listed_option_is_refused_with_these_words),
        cmocka_unit_test(each_refused_option_is_listed),
        cmocka_unit_test(each_listed_type_is_refused),
        cmocka_unit_test(each_listed_word_of_the_command_line_is_refused),
        cmocka_unit_test(each_refused_word_of_the_command_line_is_listed),
    };

    if (argc > 1 && strcmp(argv[1], "--print") == 0)
        return print_tables();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
