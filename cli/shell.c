/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* shell.c: readline around run_line(). Readline knows one completion at a time and hands its functions no context: what they need is in
 * the one static below, which holds only while shell() runs. */
#include "config.h"

#include "shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "grammar.h"
#include "log.h"
#include "session.h"

#define FOUND_MAX 1024
#define HISTORY_LINES 1000

static struct {
    struct cli *cli;
    char *found[FOUND_MAX]; /* readline's once given */
    int n, given;
} asked;

static void keep(void *ctx, const char *text)
{
    char *copy = asked.n < FOUND_MAX ? strdup(text) : NULL;

    if (copy)
        asked.found[asked.n++] = copy;
}

static void forget(void)
{
    while (asked.given < asked.n)
        free(asked.found[asked.given++]);
    asked.n = asked.given = 0;
}

static char *next_found(const char *beginning, int state)
{
    return asked.given < asked.n ? asked.found[asked.given++] : NULL;
}

/* The words in front of the one under the cursor. */
static char **find(const char *text, int start, int end)
{
    char *before = strndup(rl_line_buffer, (size_t)start), *rest = before, **found;
    struct words w = {.at = calloc((size_t)start / 2 + 2, sizeof(char *))};

    rl_attempted_completion_over = 1; /* never names of files */
    forget();
    if (before && w.at) {
        for (char *one; (one = strsep(&rest, " \t"));)
            if (*one)
                w.at[w.n++] = one;
        complete(asked.cli, &w, text, keep, NULL);
    }
    free(w.at);
    free(before);
    found = rl_completion_matches(text, next_found);
    forget();
    return found;
}

/* Where a person's history lies; NULL: nowhere. The caller's. */
static char *history_file(void)
{
    const char *home = getenv("HOME");
    char *path;

    return home && *home && asprintf(&path, "%s/.gluster_history", home) > 0 ? path : NULL;
}

int shell(struct cli *c)
{
    char *file = history_file(), *line;
    int status = 0;

    puts("Welcome to gluster prompt, type 'help' to see the available commands.");
    c->interactive = true;
    asked.cli = c;
    rl_readline_name = (char *)"gluster";
    rl_attempted_completion_function = find;
    rl_completer_word_break_characters = (char *)" \t";
    using_history();
    stifle_history(HISTORY_LINES);
    if (file)
        read_history(file);
    while (!c->leave && (line = readline("gluster> "))) {
        if (line[strspn(line, " \t")]) {
            add_history(line);
            status = run_line(c, line);
            hang_up(c); /* the next may come in an hour: a daemon that was restarted meanwhile is found again */
        }
        free(line);
    }
    if (!c->leave)
        putchar('\n');
    if (file)
        write_history(file);
    clear_history();
    free(file);
    asked.cli = NULL;
    return c->leave ? 0 : status;
}
