/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* grammar.c: from words to the row of the table that they mean; and the help, which is the table. */
#include "config.h"

#include "grammar.h"

#include <stdlib.h>
#include <string.h>

#define LITERALS_MAX 4
#define WORDS_MAX 4096

/* ---- which row ----------------------------------------------------------------------------------------------------------- */

static bool same(struct pattern_word a, struct pattern_word b)
{
    return a.len == b.len && strncmp(a.at, b.at, a.len) == 0;
}

static bool is(struct pattern_word p, const char *text)
{
    return strlen(text) == p.len && strncmp(p.at, text, p.len) == 0;
}

struct candidate {
    const struct command *row;
    struct pattern_word literals[LITERALS_MAX];
    int n;
};

/* The literal at place i that the word means, among the candidates: itself, or the only one that it is the beginning of. Where arguments
 * may stand as well it has to be the whole word. */
static bool find_literal(const struct candidate *all, int n, int i, const char *text, bool whole, struct pattern_word *ret)
{
    bool found = false;

    for (int j = 0; j < n; j++) {
        if (all[j].n <= i)
            continue;
        if (is(all[j].literals[i], text)) {
            *ret = all[j].literals[i];
            return true;
        }
    }
    for (int j = 0; j < n && !whole; j++) {
        if (all[j].n <= i || strncmp(all[j].literals[i].at, text, strlen(text)) != 0 || strlen(text) > all[j].literals[i].len)
            continue;
        if (found && !same(*ret, all[j].literals[i]))
            return false;
        *ret = all[j].literals[i];
        found = true;
    }
    return found;
}

static const struct candidate *ends_here(const struct candidate *all, int n, int i)
{
    const struct candidate *last = NULL;

    for (int j = 0; j < n; j++)
        if (all[j].n == i && all[j].row->run)
            last = &all[j];
    return last;
}

static int candidates(struct candidate *all, int room)
{
    int n = 0;

    for (const struct command *row = commands; row->pattern && n < room; row++, n++) {
        all[n].row = row;
        all[n].n = pattern_literals(row->pattern, all[n].literals, LITERALS_MAX);
    }
    return n;
}

static int keep_those(struct candidate *all, int n, int i, struct pattern_word p)
{
    int kept = 0;

    for (int j = 0; j < n; j++)
        if (all[j].n > i && same(all[j].literals[i], p))
            all[kept++] = all[j];
    return kept;
}

#define ROWS_MAX 128
/* NULL: there is none; *ret_unknown is the place of the word that is wrong, or -1 when some are missing. */
static const struct command *find_row(const struct words *w, int *ret_unknown)
{
    struct candidate all[ROWS_MAX];
    int n = candidates(all, ROWS_MAX);

    for (int i = 0;; i++) {
        const struct candidate *here = ends_here(all, n, i);
        struct pattern_word p = {0};

        if (i == w->n || !find_literal(all, n, i, w->at[i], here != NULL, &p)) {
            *ret_unknown = i == w->n ? -1 : i;
            return here ? here->row : NULL;
        }
        n = keep_those(all, n, i, p);
    }
}

void print_usage_block(void)
{
    fputs("\n Usage: gluster [options] <help> <peer> <pool> <volume>\n"
          " Options:\n"
          " --help  Shows the help information\n"
          " --version  Shows the version\n"
          " --print-logdir  Shows the log directory\n"
          " --print-statedumpdir Shows the state dump directory\n\n",
          stdout);
}

int run_words(struct cli *c, const struct words *w)
{
    const struct command *row;
    int unknown, status;

    if (w->n == 0)
        return 0;
    row = find_row(w, &unknown);
    if (!row) {
        if (unknown < 0)
            puts("unrecognized command");
        else
            printf("unrecognized word: %s (position %d)\n", w->at[unknown], unknown);
        print_usage_block();
        return 1;
    }
    status = row->run(c, w);
    fflush(stdout);
    if (status != BAD_WORDS)
        return status;
    fprintf(stderr, "\nUsage:\n%s\n\n", row->usage ? row->usage : row->pattern);
    return 1;
}

int run_line(struct cli *c, const char *line)
{
    char *copy = strdup(line), *rest = copy;
    struct words w = {.at = calloc(strlen(line) / 2 + 2, sizeof(*w.at))};
    int status = 1;

    if (copy && w.at) {
        for (char *one; (one = strsep(&rest, " \t\r\n"));)
            if (*one && w.n < WORDS_MAX)
                w.at[w.n++] = one;
        status = run_words(c, &w);
    }
    free(w.at);
    free(copy);
    return status;
}

/* ---- help ---------------------------------------------------------------------------------------------------------------- */

static int by_pattern(const void *a, const void *b)
{
    return strcmp((*(const struct command *const *)a)->pattern, (*(const struct command *const *)b)->pattern);
}

static void print_rows(enum area area)
{
    const struct command *rows[ROWS_MAX];
    int n = 0;

    for (const struct command *row = commands; row->pattern; row++)
        if (row->area == area && row->description && n < ROWS_MAX)
            rows[n++] = row;
    qsort(rows, (size_t)n, sizeof(rows[0]), by_pattern);
    for (int i = 0; i < n; i++)
        printf("%s - %s\n", rows[i]->pattern, rows[i]->description);
}

static int print_area(enum area area, const char *name, int underline)
{
    printf("\ngluster %s commands\n", name);
    rule('=', underline);
    putchar('\n');
    print_rows(area);
    fputs("\n\n", stdout);
    return 0;
}

int cmd_peer_help(struct cli *c, const struct words *w)
{
    return print_area(AREA_PEER, "peer", 22);
}

int cmd_volume_help(struct cli *c, const struct words *w)
{
    return print_area(AREA_VOLUME, "volume", 24);
}

int cmd_bitrot_help(struct cli *c, const struct words *w)
{
    return print_area(AREA_BITROT, "bitrot", 24);
}

int cmd_quota_help(struct cli *c, const struct words *w)
{
    return print_area(AREA_QUOTA, "quota", 23);
}

int cmd_snapshot_help(struct cli *c, const struct words *w)
{
    return print_area(AREA_SNAPSHOT, "snapshot", 25);
}

int cmd_global_help(struct cli *c, const struct words *w)
{
    return print_area(AREA_GLOBAL, "global", 24);
}

int cmd_system_help(struct cli *c, const struct words *w)
{
    print_rows(AREA_SYSTEM);
    return 0;
}

int cmd_help(struct cli *c, const struct words *w)
{
    static int (*const all[])(struct cli *, const struct words *) = {cmd_peer_help, cmd_volume_help, cmd_bitrot_help, cmd_quota_help,
                                                                      cmd_snapshot_help, cmd_global_help};

    for (size_t i = 0; w->n > 1 && i < array_len(all); i++)
        all[i](c, w);
    if (w->n == 1)
        puts(" peer help                - display help for peer commands\n"
             " volume help              - display help for volume commands\n"
             " volume bitrot help       - display help for volume bitrot commands\n"
             " volume quota help        - display help for volume quota commands\n"
             " snapshot help            - display help for snapshot commands\n"
             " global help              - list global commands\n");
    puts(w->n == 1 ? "" : "\n");
    return 0;
}
