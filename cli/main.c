/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gluster: the command line of volume management. Options, and then one of three ways: the words of the command line are a command; or the
 * lines of standard input are; or a person types them (shell.h). */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "grammar.h"
#include "log.h"
#include "logging.h"
#include "shell.h"

#define DOMAIN "cli"

enum { UNKNOWN_OPTION = 255, BAD_VALUE = 254 };

struct start {
    struct cli cli;
    struct words words;
    const char *log_file;
    enum log_level log_level;
    const char *complete;   /* --complete=BEGINNING: prints what may stand behind the words; for the shell's completion */
    bool done;              /* the option itself was the question */
    int status;
};

/* ---- options ------------------------------------------------------------------------------------------------------------- */

static void answer(struct start *s, int status)
{
    s->done = true;
    s->status = status;
}

static void print_version(void)
{
    printf("glusterfs 10.3 (GatlingFS %s)\n"
           "A command line for the daemons of GlusterFS 10 and GatlingFS.\n"
           "It is licensed to you under the GNU Lesser General Public License, version 3 or any later version.\n"
           "There is no warranty.\n",
           PACKAGE_VERSION);
}

static void take_timeout(struct start *s, const char *value)
{
    int64_t n;

    if (!word_number(value, &n) || n <= 0 || n > 1000000) {
        fputs("timeout value should be a positive integer\n", stderr);
        answer(s, BAD_VALUE);
        return;
    }
    s->cli.timeout_s = (unsigned int)n;
}

static void take_secure(struct start *s, const char *value)
{
    static const char *const yes[] = {"on", "yes", "true", "enable", "1"}, *const no[] = {"off", "no", "false", "disable", "0"};

    for (size_t i = 0; i < array_len(yes); i++) {
        if (strcasecmp(value, yes[i]) == 0)
            s->cli.where.secure = true;
        if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0)
            return;
    }
    fputs("invalid secure-mgmt value (ignored)\n", stderr);
}

/* What stands behind "--NAME=", if it is that option. */
static const char *value_of(const char *option, const char *name)
{
    size_t n = strlen(name);

    return strncmp(option, name, n) == 0 && option[n] == '=' ? option + n + 1 : NULL;
}

static bool take_flag(struct start *s, const char *o)
{
    if (strcmp(o, "xml") == 0)
        s->cli.xml = true;
    else if (strcmp(o, "nolog") == 0)
        s->cli.no_log = true;
    else if (strcmp(o, "inet6") == 0)
        s->cli.where.inet6 = true;
    else if (strcmp(o, "wignore") == 0)
        s->cli.force_bricks = true;
    else if (strcmp(o, "wignore-partition") == 0)
        s->cli.ignore_partition = true;
    else
        return false;
    return true;
}

static bool take_question(struct start *s, const char *o)
{
    if (strcmp(o, "version") == 0)
        print_version();
    else if (strcmp(o, "print-logdir") == 0)
        puts(GF_LOGDIR);
    else if (strcmp(o, "print-statedumpdir") == 0)
        puts(GF_RUNDIR);
    else if (strcmp(o, "help") == 0)
        run_line(&s->cli, "help");
    else
        return false;
    answer(s, 0);
    return true;
}

static bool take_value(struct start *s, const char *o)
{
    const char *value;

    if ((value = value_of(o, "mode")) && (strcmp(value, "script") == 0 || strcmp(value, "interactive") == 0))
        s->cli.script = value[0] == 's';
    else if ((value = value_of(o, "log-file")))
        s->log_file = value;
    else if ((value = value_of(o, "log-level")) && log_level_parse(value, &s->log_level))
        log_set_level(s->log_level);
    else if ((value = value_of(o, "remote-host")))
        s->cli.where.host = value;
    else if ((value = value_of(o, "glusterd-sock")))
        s->cli.where.socket = value;
    else if ((value = value_of(o, "timeout")))
        take_timeout(s, value);
    else if ((value = value_of(o, "secure-mgmt")))
        take_secure(s, value);
    else if ((value = value_of(o, "complete")))
        s->complete = value;
    else
        return false;
    return true;
}

/* Options may stand anywhere in front of "--". */
static void take_arguments(struct start *s, int argc, char **argv)
{
    bool options = true;

    for (int i = 1; i < argc && !s->done; i++) {
        if (!options || strncmp(argv[i], "--", 2) != 0)
            s->words.at[s->words.n++] = argv[i];
        else if (strcmp(argv[i], "--") == 0)
            options = false;
        else if (!take_flag(s, argv[i] + 2) && !take_value(s, argv[i] + 2) && !take_question(s, argv[i] + 2)) {
            printf("unrecognized option %s\n", argv[i]);
            print_usage_block();
            answer(s, UNKNOWN_OPTION);
        }
    }
}

/* ---- commands ------------------------------------------------------------------------------------------------------------ */

int cmd_quit(struct cli *c, const struct words *w)
{
    c->leave = true;
    return 0;
}

/* The lines of standard input, until one fails. Nobody is asked anything: the answers would be taken from the commands. */
static int run_input(struct cli *c)
{
    char *line = NULL;
    size_t room = 0;
    int status = 0;

    fputs("Welcome to gluster prompt, type 'help' to see the available commands.\n", stderr);
    c->script = true;
    while (!c->leave && status == 0 && getline(&line, &room, stdin) >= 0)
        status = run_line(c, line);
    free(line);
    return status;
}

static void print_found(void *ctx, const char *word)
{
    puts(word);
}

static int run(struct start *s)
{
    if (s->complete) {
        complete(&s->cli, &s->words, s->complete, print_found, NULL);
        return 0;
    }
    if (s->words.n)
        return run_words(&s->cli, &s->words);
    return isatty(STDIN_FILENO) ? shell(&s->cli) : run_input(&s->cli);
}

/* The log is for who looks for the reason of something later: a folder that cannot be written to stops no command. */
static void open_log(struct start *s)
{
    struct err err = {0};

    if (!s->cli.no_log && !s->complete && logging_open(s->log_file ? s->log_file : GF_LOGDIR "/cli.log", &err) == 0)
        return;
    log_set_level(LVL_NONE);
}

int main(int argc, char **argv)
{
    struct start s = {.words.at = calloc((size_t)argc + 1, sizeof(char *))};

    if (!s.words.at)
        return EXIT_FAILURE;
    signal(SIGPIPE, SIG_IGN);
    take_arguments(&s, argc, argv);
    if (!s.done) {
        open_log(&s);
        log_info(DOMAIN, "started, version %s: %d words", PACKAGE_VERSION, s.words.n);
        s.status = run(&s);
        hang_up(&s.cli);
        log_info(DOMAIN, "exit status %d", s.status);
        logging_close();
    }
    free(s.words.at);
    if (fflush(stdout) != 0 && s.status == 0)
        s.status = EXIT_FAILURE;
    return s.status;
}
