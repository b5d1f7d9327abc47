/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One row per option that GlusterFS's programs have. A row that says what this build lacks is refused with it. */
#include "command-line.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "logging.h"

typedef int (*take_fn)(struct command_line *cl, const char *value, struct err *err);

struct row {
    const char *name;
    char letter;               /* 0: none */
    const char *value;         /* its name in the help; NULL: takes none. "[...]": may be left out */
    take_fn take;
    const char *help;          /* NULL: not shown */
    const char *lacks;         /* with take NULL */
};

static int take_volfile(struct command_line *cl, const char *value, struct err *err)
{
    cl->volfile = value;
    return 0;
}

static int take_log_file(struct command_line *cl, const char *value, struct err *err)
{
    cl->log_file = value;
    return 0;
}

static int take_log_level(struct command_line *cl, const char *value, struct err *err)
{
    if (!log_level_parse(value, &cl->log_level))
        return err_set(err, -EINVAL, "--log-level %s: NONE, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG and TRACE are allowed", value);
    return 0;
}

static int take_logger(struct command_line *cl, const char *value, struct err *err)
{
    if (strcmp(value, "gluster-log") != 0)
        return err_set(err, -EINVAL, "--logger %s: this build has gluster-log only", value);
    return 0;
}

static int take_log_format(struct command_line *cl, const char *value, struct err *err)
{
    if (strcmp(value, "no-msg-id") != 0)
        return err_set(err, -EINVAL, "--log-format %s: this build has no message numbers, no-msg-id is all it writes", value);
    return 0;
}

static int take_foreground(struct command_line *cl, const char *value, struct err *err)
{
    cl->foreground = true;
    return 0;
}

static int take_debug(struct command_line *cl, const char *value, struct err *err)
{
    cl->foreground = true;
    cl->log_level = LVL_DEBUG;
    cl->log_file = "-";
    return 0;
}

static int take_pid_file(struct command_line *cl, const char *value, struct err *err)
{
    cl->pid_file = value;
    return 0;
}

/* PATTERN.KEY=VALUE. Names of volumes have dots and so have keys: the first dot ends the pattern, as in GlusterFS. */
static int take_xlator_option(struct command_line *cl, const char *value, struct err *err)
{
    const char *dot = strchr(value, '.'), *equal = dot ? strchr(dot, '=') : NULL;
    struct xlator_option *over, *o;

    if (!equal || dot == value || equal == dot + 1 || !equal[1])
        return err_set(err, -EINVAL, "--xlator-option %s: VOLUME.OPTION=VALUE is wanted", value);
    over = realloc(cl->over, (cl->nr_over + 1) * sizeof(*over));
    if (!over)
        return -ENOMEM;
    cl->over = over;
    o = &over[cl->nr_over++];
    o->pattern = strndup(value, (size_t)(dot - value));
    o->key = strndup(dot + 1, (size_t)(equal - dot - 1));
    o->value = strdup(equal + 1);
    return o->pattern && o->key && o->value ? 0 : -ENOMEM;
}

static int print_log_dir(struct command_line *cl, const char *value, struct err *err)
{
    puts(GF_LOGDIR);
    cl->done = true;
    return 0;
}

static int print_statedump_dir(struct command_line *cl, const char *value, struct err *err)
{
    puts(GF_RUNDIR);
    cl->done = true;
    return 0;
}

static int print_xlator_dir(struct command_line *cl, const char *value, struct err *err)
{
    puts(GF_PKGLIBDIR "/xlator");
    cl->done = true;
    return 0;
}

static int print_version(struct command_line *cl, const char *value, struct err *err)
{
    printf("%s %s (GatlingFS, speaks GlusterFS 10)\nLicense: GNU Lesser General Public License, version 3 or later. No warranty.\n",
           cl->name, PACKAGE_VERSION);
    cl->done = true;
    return 0;
}

static int print_help(struct command_line *cl, const char *value, struct err *err);
static int print_usage(struct command_line *cl, const char *value, struct err *err);

#define NO_SERVER "a client of volume file servers"
#define NO_MOUNT "a mount"
#define NO_MANAGEMENT "the interface to glusterd"

static const struct row rows[] = {
    {"volfile", 'f', "FILE", take_volfile, "the volume file (" GF_CONFDIR "/glusterfsd.vol)", NULL},
    {"spec-file", 0, "FILE", take_volfile, NULL, NULL},
    {"log-file", 'l', "FILE", take_log_file, "the log file; - is standard error (in " GF_LOGDIR ", named after the volume file)", NULL},
    {"log-level", 'L', "LEVEL", take_log_level, "NONE, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG or TRACE (INFO)", NULL},
    {"logger", 0, "gluster-log", take_logger, "how to log", NULL},
    {"log-format", 0, "no-msg-id", take_log_format, "what a line has", NULL},
    {"no-daemon", 'N', NULL, take_foreground, "stay in the foreground", NULL},
    {"debug", 0, NULL, take_debug, "in the foreground, DEBUG, log to standard error", NULL},
    {"pid-file", 'p', "FILE", take_pid_file, "write the process id there, and hold a lock on it", NULL},
    {"xlator-option", 0, "VOLUME.OPTION=VALUE", take_xlator_option, "set an option of each volume that VOLUME matches", NULL},
    {"print-logdir", 0, NULL, print_log_dir, "print where logs go", NULL},
    {"print-statedumpdir", 0, NULL, print_statedump_dir, "print where statedumps go", NULL},
    {"print-xlatordir", 0, NULL, print_xlator_dir, "print where modules are", NULL},
    {"version", 'V', NULL, print_version, "print the version", NULL},
    {"help", '?', NULL, print_help, "print this", NULL},
    {"usage", 0, NULL, print_usage, "print the options in short", NULL},

    {"volfile-server", 's', "HOST", NULL, NULL, NO_SERVER},
    {"volfile-server-port", 0, "PORT", NULL, NULL, NO_SERVER},
    {"volfile-server-transport", 0, "TYPE", NULL, NULL, NO_SERVER},
    {"volfile-id", 0, "ID", NULL, NULL, NO_SERVER},
    {"volfile-max-fetch-attempts", 0, "N", NULL, NULL, NO_SERVER},
    {"volfile-check", 0, NULL, NULL, NULL, NO_SERVER},
    {"thin-client", 0, NULL, NULL, NULL, NO_SERVER},
    {"secure-mgmt", 0, "[BOOL]", NULL, NULL, NO_SERVER},
    {"socket-file", 'S', "FILE", NULL, NULL, NO_MANAGEMENT},
    {"brick-name", 0, "PATH", NULL, NULL, NO_MANAGEMENT},
    {"brick-port", 0, "PORT", NULL, NULL, NO_MANAGEMENT},
    {"brick-mux", 0, NULL, NULL, NULL, "several bricks in one process"},
    {"process-name", 0, "NAME", NULL, NULL, NO_MANAGEMENT},
    {"run-id", 0, "ID", NULL, NULL, NO_MANAGEMENT},
    {"client-pid", 0, "PID", NULL, NULL, NO_MOUNT},
    {"print-exports", 'e', "FILE", NULL, NULL, "an NFS server"},
    {"print-netgroups", 'n', "FILE", NULL, NULL, "an NFS server"},
    {"print-libexecdir", 0, NULL, NULL, NULL, "a folder of helper programs"},
    {"log-buf-size", 0, "N", NULL, NULL, "buffering of log lines"},
    {"log-flush-timeout", 0, "SECONDS", NULL, NULL, "buffering of log lines"},
    {"localtime-logging", 0, NULL, NULL, NULL, "local time in logs"},
    {"volume-name", 0, "NAME", NULL, NULL, "another top than the last volume of the file"},
    {"io-engine", 0, "NAME", NULL, NULL, "a choice of I/O engines"},
    {"global-threading", 0, "[BOOL]", NULL, NULL, "global threading"},
    {"global-timer-wheel", 0, "[BOOL]", NULL, NULL, "a choice of timers"},
    {"no-mem-accounting", 0, NULL, NULL, NULL, "memory accounting, so it cannot be switched off"},
    {"oom-score-adj", 0, "N", NULL, NULL, "setting the OOM score"},
    {"read-only", 0, NULL, NULL, NULL, NO_MOUNT},
    {"worm", 0, NULL, NULL, NULL, NO_MOUNT},
    {"acl", 0, NULL, NULL, NULL, NO_MOUNT},
    {"selinux", 0, NULL, NULL, NULL, NO_MOUNT},
    {"capability", 0, NULL, NULL, NULL, NO_MOUNT},
    {"aux-gfid-mount", 0, NULL, NULL, NULL, NO_MOUNT},
    {"subdir-mount", 0, "PATH", NULL, NULL, NO_MOUNT},
    {"enable-ino32", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"mac-compat", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"fopen-keep-cache", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"attribute-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"entry-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"negative-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"attr-times-granularity", 0, "NS", NULL, NULL, NO_MOUNT},
    {"gid-timeout", 0, "SECONDS", NULL, NULL, NO_MOUNT},
    {"lru-limit", 0, "N", NULL, NULL, NO_MOUNT},
    {"invalidate-limit", 0, "N", NULL, NULL, NO_MOUNT},
    {"background-qlen", 0, "N", NULL, NULL, NO_MOUNT},
    {"congestion-threshold", 0, "N", NULL, NULL, NO_MOUNT},
    {"reader-thread-count", 0, "N", NULL, NULL, NO_MOUNT},
    {"direct-io-mode", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"use-readdirp", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"event-history", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"kernel-writeback-cache", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"auto-invalidation", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"no-root-squash", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"resolve-gids", 0, NULL, NULL, NULL, NO_MOUNT},
    {"dump-fuse", 0, "FILE", NULL, NULL, NO_MOUNT},
    {"user-map-root", 0, "USER", NULL, NULL, NO_MOUNT},
    {"fuse-mountopts", 0, "OPTIONS", NULL, NULL, NO_MOUNT},
    {"fuse-flush-handle-interrupt", 0, "[BOOL]", NULL, NULL, NO_MOUNT},
    {"fuse-dev-eperm-ratelimit-ns", 0, "NS", NULL, NULL, NO_MOUNT},
    {"fs-display-name", 0, "NAME", NULL, NULL, NO_MOUNT},
};

static int print_help(struct command_line *cl, const char *value, struct err *err)
{
    printf("Usage: %s [OPTION...]\nServes the bricks of a volume file.\n\n", cl->name);
    for (size_t i = 0; i < array_len(rows); i++) {
        char words[80];

        if (!rows[i].help)
            continue;
        snprintf(words, sizeof(words), "  %c%c%s --%s%s%s", rows[i].letter ? '-' : ' ', rows[i].letter ? rows[i].letter : ' ',
                 rows[i].letter ? "," : " ", rows[i].name, rows[i].value ? "=" : "", rows[i].value ? rows[i].value : "");
        printf("%-44s %s\n", words, rows[i].help);
    }
    cl->done = true;
    return 0;
}

static int print_usage(struct command_line *cl, const char *value, struct err *err)
{
    printf("Usage: %s", cl->name);
    for (size_t i = 0; i < array_len(rows); i++)
        if (rows[i].help)
            printf(" [--%s%s%s]", rows[i].name, rows[i].value ? "=" : "", rows[i].value ? rows[i].value : "");
    putchar('\n');
    cl->done = true;
    return 0;
}

static int take_row(struct command_line *cl, const struct row *row, const char *value)
{
    struct err err = {0};
    int failed = row->take ? row->take(cl, value, &err)
                           : err_set(&err, -EOPNOTSUPP, "--%s: this build does not have %s; see doc/refused.md", row->name, row->lacks);

    if (!failed)
        return 0;
    fprintf(stderr, "%s: %s\n", cl->name, err.text[0] ? err.text : strerror(-failed));
    return EXIT_FAILURE;
}

/* getopt's view of the rows: the value it returns is the row's number, plus FIRST. */
#define FIRST 256

static const struct row *row_of(int got)
{
    if (got >= FIRST)
        return &rows[got - FIRST];
    for (size_t i = 0;; i++) /* getopt gives only what it was given */
        if (rows[i].letter == got)
            return &rows[i];
}

/* The program's name selects what it is; libtool's wrapper puts "lt-" before it in an uninstalled tree. */
static int take_name(struct command_line *cl, const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    cl->name = slash ? slash + 1 : argv0;
    if (strncmp(cl->name, "lt-", 3) == 0)
        cl->name += 3;
    if (strncmp(cl->name, "glusterfsd", 10) == 0)
        return 0;
    fprintf(stderr, "%s: this build has the brick server only (glusterfsd), not %s; see doc/refused.md\n", cl->name,
            strncmp(cl->name, "glusterd", 8) == 0 ? "the management daemon" : "the client");
    return EXIT_FAILURE;
}

/* getopt's own form of the rows. */
static void getopt_words(struct option words[array_len(rows) + 1], char letters[3 * array_len(rows) + 2])
{
    *letters++ = ':'; /* a missing value is told from an unknown option */
    for (size_t i = 0; i < array_len(rows); i++) {
        int has = !rows[i].value ? no_argument : rows[i].value[0] == '[' ? optional_argument : required_argument;

        words[i] = (struct option){.name = rows[i].name, .has_arg = has, .val = FIRST + (int)i};
        if (!rows[i].letter || rows[i].letter == '?') /* what getopt itself answers with */
            continue;
        *letters++ = rows[i].letter;
        for (int colons = has; colons > 0; colons--) /* one: required, two: optional */
            *letters++ = ':';
    }
    words[array_len(rows)] = (struct option){0};
    *letters = '\0';
}

static int usage(const struct command_line *cl)
{
    fprintf(stderr, "Try `%s --help' or `%s --usage' for more information.\n", cl->name, cl->name);
    return EXIT_USAGE;
}

static int wrong_word(const struct command_line *cl, int got, const char *word)
{
    fprintf(stderr, got == ':' ? "%s: %s: a value is missing\n" : "%s: %s: there is no such option\n", cl->name, word);
    return usage(cl);
}

int command_line_parse(struct command_line *cl, int argc, char **argv)
{
    struct option words[array_len(rows) + 1];
    char letters[3 * array_len(rows) + 2];
    int got, failed;

    *cl = (struct command_line){.log_level = LVL_INFO};
    if ((failed = take_name(cl, argv[0])))
        return failed;
    getopt_words(words, letters);
    opterr = 0;
    optind = 0; /* also when a test calls again */
    while (!cl->done && (got = getopt_long(argc, argv, letters, words, NULL)) != -1) {
        if (got == ':' || (got == '?' && optopt != '?'))
            return wrong_word(cl, got, argv[optind - 1]);
        if ((failed = take_row(cl, row_of(got), optarg)))
            return failed;
    }
    if (!cl->done && optind < argc) {
        fprintf(stderr, "%s: \"%s\": a brick server takes no mount point\n", cl->name, argv[optind]);
        return usage(cl);
    }
    return 0;
}

const char *command_line_refused(unsigned int i, const char **ret_lacks)
{
    for (size_t r = 0; r < array_len(rows); r++) {
        if (!rows[r].take && i-- == 0) {
            *ret_lacks = rows[r].lacks;
            return rows[r].name;
        }
    }
    return NULL;
}

void command_line_done(struct command_line *cl)
{
    for (unsigned int i = 0; i < cl->nr_over; i++) {
        free(cl->over[i].pattern);
        free(cl->over[i].key);
        free(cl->over[i].value);
    }
    free(cl->over);
    cl->over = NULL;
    cl->nr_over = 0;
}
