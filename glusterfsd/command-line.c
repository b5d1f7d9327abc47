/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* One row per option that GlusterFS's programs have; a mount's are in mount-rows.c. */
#include "command-line.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command-line-rows.h"
#include "config.h"
#include "logging.h"
#include "option-value.h"

static int take_volfile(struct command_line *cl, const char *value, struct err *err)
{
    cl->volfile = value;
    return 0;
}

static int take_server(struct command_line *cl, const char *value, struct err *err)
{
    const char **servers = realloc(cl->servers, (cl->nr_servers + 1) * sizeof(*servers));

    if (!servers)
        return -ENOMEM;
    cl->servers = servers;
    servers[cl->nr_servers++] = value;
    return 0;
}

static int take_number(const char *option, const char *value, int64_t min, int64_t max, int *ret, struct err *err)
{
    int64_t n;

    if (parse_int(value, &n) < 0 || n < min || n > max)
        return err_set(err, -EINVAL, "--%s %s: a number from %lld to %lld is wanted", option, value, (long long)min, (long long)max);
    *ret = (int)n;
    return 0;
}

static int take_server_port(struct command_line *cl, const char *value, struct err *err)
{
    return take_number("volfile-server-port", value, 1, 65535, &cl->server_port, err);
}

static int take_server_transport(struct command_line *cl, const char *value, struct err *err)
{
    cl->server_unix = strcmp(value, "unix") == 0;
    if (!cl->server_unix && strcmp(value, "tcp") != 0 && strcmp(value, "socket") != 0)
        return err_set(err, -EINVAL, "--volfile-server-transport %s: this build has tcp, socket and unix", value);
    return 0;
}

static int take_volfile_id(struct command_line *cl, const char *value, struct err *err)
{
    cl->volfile_id = cl->volume = value;
    return 0;
}

static int take_fetch_attempts(struct command_line *cl, const char *value, struct err *err)
{
    return take_number("volfile-max-fetch-attempts", value, 1, 1000000, &cl->fetch_attempts, err);
}

static int take_secure_mgmt(struct command_line *cl, const char *value, struct err *err)
{
    bool on = true;

    if (value && parse_bool(value, &on) < 0)
        return err_set(err, -EINVAL, "--secure-mgmt %s: on or off is wanted", value);
    cl->secure_mgmt = on ? SECURE_ON : SECURE_OFF;
    return 0;
}

static int take_socket_file(struct command_line *cl, const char *value, struct err *err)
{
    if (value[0] != '/')
        return err_set(err, -EINVAL, "--socket-file %s: an absolute path is wanted", value);
    cl->socket_file = value;
    return 0;
}

static int take_brick_name(struct command_line *cl, const char *value, struct err *err)
{
    cl->brick_name = value;
    return 0;
}

/* PORT or PORT,PORT: the second is that of RDMA. */
static int take_brick_port(struct command_line *cl, const char *value, struct err *err)
{
    if (strchr(value, ','))
        return err_set(err, -EOPNOTSUPP, "--brick-port %s: this build does not have RDMA; see doc/refused.md", value);
    return take_number("brick-port", value, 1, 65535, &cl->brick_port, err);
}

static int take_process_name(struct command_line *cl, const char *value, struct err *err)
{
    cl->process_name = value;
    return 0;
}

/* It is there to be seen in the list of processes: nothing else is done with it, in GlusterFS neither. */
static int take_run_id(struct command_line *cl, const char *value, struct err *err)
{
    return 0;
}

static int take_localtime(struct command_line *cl, const char *value, struct err *err)
{
    cl->localtime = true;
    return 0;
}

static int take_oom_score(struct command_line *cl, const char *value, struct err *err)
{
    cl->set_oom_score = true;
    return take_number("oom-score-adj", value, -1000, 1000, &cl->oom_score, err);
}

/* A word for what is so in any case; as off it asks for GlusterFS's usual, which makes no difference here. */
static int take_settled(const char *option, const char *value, struct err *err)
{
    bool on;

    if (value && parse_bool(value, &on) < 0)
        return err_set(err, -EINVAL, "--%s %s: on or off is wanted", option, value);
    return 0;
}

static int take_global_threading(struct command_line *cl, const char *value, struct err *err)
{
    return take_settled("global-threading", value, err); /* there is one pool of workers, for all translators */
}

static int take_timer_wheel(struct command_line *cl, const char *value, struct err *err)
{
    return take_settled("global-timer-wheel", value, err); /* there is one set of timers, the event loop's */
}

static int take_io_engine(struct command_line *cl, const char *value, struct err *err)
{
    if (strcmp(value, "io_uring") == 0)
        cl->io_engine = IO_URING;
    else if (strcmp(value, "legacy") == 0)
        cl->io_engine = IO_LEGACY;
    else
        return err_set(err, -EINVAL, "--io-engine %s: io_uring and legacy are allowed", value);
    return 0;
}

static int take_volfile_check(struct command_line *cl, const char *value, struct err *err)
{
    cl->volfile_check = true;
    return 0;
}

static int take_no_accounting(struct command_line *cl, const char *value, struct err *err)
{
    return 0; /* it asks for what is so */
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

static int take_volume_name(struct command_line *cl, const char *value, struct err *err)
{
    cl->volume_name = value;
    return 0;
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

static int print_libexec_dir(struct command_line *cl, const char *value, struct err *err)
{
    puts(GF_PKGLIBDIR);
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

static const struct command_row rows[] = {
    {"volfile", 'f', "FILE", take_volfile, "the volume file (" GF_CONFDIR "/glusterfsd.vol)", NULL},
    {"spec-file", 0, "FILE", take_volfile, NULL, NULL},
    {"volfile-server", 's', "HOST", take_server,
     "who hands out the volume file; a path is that of a unix socket. May be given several times", NULL},
    {"volfile-server-port", 0, "PORT", take_server_port, "its port (24007)", NULL},
    {"volfile-server-transport", 0, "TYPE", take_server_transport, "how to speak to it: tcp, socket or unix (tcp)", NULL},
    {"volfile-id", 0, "ID", take_volfile_id, "which volume file to ask for", NULL},
    {"volfile-max-fetch-attempts", 0, "N", take_fetch_attempts, "how often each server is tried before the start fails (for ever)", NULL},
    {"secure-mgmt", 0, "[BOOL]", take_secure_mgmt,
     "speak TLS to the server of the volume file (if " GF_STATEDIR "/secure-access exists)", NULL},
    {"socket-file", 'S', "FILE", take_socket_file, "the unix socket on which the management daemon speaks to this process", NULL},
    {"brick-name", 0, "PATH", take_brick_name, "sign in with the daemon's list of ports as this brick", NULL},
    {"brick-port", 0, "PORT", take_brick_port, "and with this port", NULL},
    {"process-name", 0, "NAME", take_process_name, "what this process is for; logs and statedumps show it", NULL},
    {"run-id", 0, "ID", take_run_id, "a mark that ps shows", NULL},
    {"log-file", 'l', "FILE", take_log_file, "the log file; - is standard error (in " GF_LOGDIR ", named after the volume file)", NULL},
    {"log-level", 'L', "LEVEL", take_log_level, "NONE, CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG or TRACE (INFO)", NULL},
    {"logger", 0, "gluster-log", take_logger, "how to log", NULL},
    {"log-format", 0, "no-msg-id", take_log_format, "what a line has", NULL},
    {"localtime-logging", 0, NULL, take_localtime, "local time in the log instead of UTC", NULL},
    {"no-daemon", 'N', NULL, take_foreground, "stay in the foreground", NULL},
    {"debug", 0, NULL, take_debug, "in the foreground, DEBUG, log to standard error", NULL},
    {"pid-file", 'p', "FILE", take_pid_file, "write the process id there, and hold a lock on it", NULL},
    {"oom-score-adj", 0, "N", take_oom_score, "how readily the kernel ends this process when memory is short: -1000 to 1000", NULL},
    {"no-mem-accounting", 0, NULL, take_no_accounting, "no memory accounting, which is so in any case", NULL},
    {"io-engine", 0, "ENGINE", take_io_engine,
     "who moves a brick's data: io_uring, or legacy: plain calls (as the volume's linux-io_uring and linux-aio say)", NULL},
    {"global-threading", 0, "[BOOL]", take_global_threading, "one pool of threads for all translators, which is so in any case", NULL},
    {"global-timer-wheel", 0, "[BOOL]", take_timer_wheel, "one set of timers for the whole process, which is so in any case", NULL},
    {"volfile-check", 0, NULL, take_volfile_check, "an option in the volume file that nobody knows is an error, not a warning", NULL},
    {"xlator-option", 0, "VOLUME.OPTION=VALUE", take_xlator_option, "set an option of each volume that VOLUME matches", NULL},
    {"volume-name", 0, "NAME", take_volume_name, "the volume of the file that is the top, instead of the last one", NULL},
    {"print-logdir", 0, NULL, print_log_dir, "print where logs go", NULL},
    {"print-statedumpdir", 0, NULL, print_statedump_dir, "print where statedumps go", NULL},
    {"print-xlatordir", 0, NULL, print_xlator_dir, "print where modules are", NULL},
    {"print-libexecdir", 0, NULL, print_libexec_dir, "print where programs are that people seldom run", NULL},
    {"version", 'V', NULL, print_version, "print the version", NULL},
    {"help", '?', NULL, print_help, "print this", NULL},
    {"usage", 0, NULL, print_usage, "print the options in short", NULL},

    {"brick-mux", 0, NULL, NULL, NULL, "several bricks in one process"},
    {"print-exports", 'e', "FILE", NULL, NULL, "an NFS server"},
    {"print-netgroups", 'n', "FILE", NULL, NULL, "an NFS server"},
    {"log-buf-size", 0, "N", NULL, NULL, "buffering of log lines"},
    {"log-flush-timeout", 0, "SECONDS", NULL, NULL, "buffering of log lines"},
    {"mem-accounting", 0, NULL, NULL, NULL, "memory accounting"},
};

/* All rows, as one list. */
static unsigned int nr_rows(void)
{
    return array_len(rows) + nr_mount_rows;
}

static const struct command_row *row_at(unsigned int i)
{
    return i < array_len(rows) ? &rows[i] : &mount_rows[i - array_len(rows)];
}

static int print_help(struct command_line *cl, const char *value, struct err *err)
{
    printf("Usage: %s [OPTION...]\nServes the bricks of a volume file.\n\n", cl->name);
    for (unsigned int i = 0; i < nr_rows(); i++) {
        const struct command_row *row = row_at(i);
        char words[80];

        if (!row->help)
            continue;
        snprintf(words, sizeof(words), "  %c%c%s --%s%s%s", row->letter ? '-' : ' ', row->letter ? row->letter : ' ',
                 row->letter ? "," : " ", row->name, row->value ? "=" : "", row->value ? row->value : "");
        printf("%-44s %s\n", words, row->help);
    }
    cl->done = true;
    return 0;
}

static int print_usage(struct command_line *cl, const char *value, struct err *err)
{
    printf("Usage: %s", cl->name);
    for (unsigned int i = 0; i < nr_rows(); i++) {
        const struct command_row *row = row_at(i);

        if (row->help)
            printf(" [--%s%s%s]", row->name, row->value ? "=" : "", row->value ? row->value : "");
    }
    putchar('\n');
    cl->done = true;
    return 0;
}

static int take_row(struct command_line *cl, const struct command_row *row, const char *value)
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

static const struct command_row *row_of(int got)
{
    if (got >= FIRST)
        return row_at((unsigned int)(got - FIRST));
    for (unsigned int i = 0;; i++) /* getopt gives only what it was given */
        if (row_at(i)->letter == got)
            return row_at(i);
}

/* The program's name selects what it is; libtool's wrapper puts "lt-" before it in an uninstalled tree. */
static int take_name(struct command_line *cl, const char *argv0)
{
    const char *slash = strrchr(argv0, '/');

    cl->name = slash ? slash + 1 : argv0;
    if (strncmp(cl->name, "lt-", 3) == 0)
        cl->name += 3;
    if (strncmp(cl->name, "glusterfs", 9) == 0 /* glusterfsd too */ || strcmp(cl->name, "glusterd") == 0)
        return 0;
    fprintf(stderr, "%s: this build has bricks (glusterfsd), mounts (glusterfs) and their daemon (glusterd), not a program of that name\n",
            cl->name);
    return EXIT_FAILURE;
}

static bool is_server(const struct command_line *cl)
{
    return strncmp(cl->name, "glusterfsd", 10) == 0 || strcmp(cl->name, "glusterd") == 0;
}

/* getopt's own form of the rows. */
#define ROWS_MAX 192
struct getopt_words {
    struct option words[ROWS_MAX + 1];
    char letters[3 * ROWS_MAX + 2];
};

static void getopt_words(struct getopt_words *g)
{
    char *letters = g->letters;

    *letters++ = ':'; /* a missing value is told from an unknown option */
    for (unsigned int i = 0; i < min_of(nr_rows(), (unsigned int)ROWS_MAX); i++) {
        const struct command_row *row = row_at(i);
        int has = !row->value ? no_argument : row->value[0] == '[' ? optional_argument : required_argument;

        g->words[i] = (struct option){.name = row->name, .has_arg = has, .val = FIRST + (int)i};
        if (!row->letter || row->letter == '?') /* what getopt itself answers with */
            continue;
        *letters++ = row->letter;
        for (int colons = has; colons > 0; colons--) /* one: required, two: optional */
            *letters++ = ':';
    }
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

/* What fits together. */
static int check_words(const struct command_line *cl)
{
    const char *wrong = NULL;

    if (cl->nr_servers && cl->volfile)
        wrong = "--volfile and --volfile-server: one of them is enough";
    else if (cl->nr_servers && !cl->volfile_id)
        wrong = "--volfile-server: --volfile-id is missing";
    else if (!cl->nr_servers && cl->volfile_id)
        wrong = "--volfile-id: --volfile-server is missing";
    else if (!cl->nr_servers && (cl->brick_name || cl->brick_port))
        wrong = "--brick-name and --brick-port: without --volfile-server there is nobody to sign in with";
    else if (!cl->brick_name != !cl->brick_port)
        wrong = "--brick-name and --brick-port belong together";
    else if (cl->thin_client && !cl->nr_servers)
        wrong = "--thin-client: without --volfile-server there is nobody who knows the proxy";
    else if (cl->io_engine == IO_URING && cl->mount.point)
        wrong = "--io-engine io_uring: a mount has no disk that an engine could read and write, legacy is all it has";
    if (wrong)
        fprintf(stderr, "%s: %s\n", cl->name, wrong);
    return wrong ? EXIT_FAILURE : 0;
}

/* The volume as its proxy (gfproxyd) serves it. */
static int take_proxy(struct command_line *cl)
{
    if (!cl->thin_client)
        return 0;
    if (asprintf(&cl->proxy_id, "gfproxy-client/%s", cl->volfile_id + (cl->volfile_id[0] == '/')) < 0) {
        cl->proxy_id = NULL;
        return EXIT_FAILURE;
    }
    cl->volfile_id = cl->proxy_id;
    return 0;
}

int command_line_parse(struct command_line *cl, int argc, char **argv)
{
    struct getopt_words g = {0};
    int got, failed = 0;

    *cl = (struct command_line){.log_level = LVL_INFO, .mount = MOUNT_CONF_USUAL};
    if ((failed = take_name(cl, argv[0])))
        return failed;
    getopt_words(&g);
    opterr = 0;
    optind = 0; /* also when a test calls again */
    while (!cl->done && (got = getopt_long(argc, argv, g.letters, g.words, NULL)) != -1) {
        if (got == ':' || (got == '?' && optopt != '?'))
            return wrong_word(cl, got, argv[optind - 1]);
        if ((failed = take_row(cl, row_of(got), optarg)))
            return failed;
    }
    if (!cl->done && optind < argc && !is_server(cl))
        cl->mount.point = argv[optind++];
    if (!cl->done && optind < argc) {
        fprintf(stderr, "%s: \"%s\": %s\n", cl->name, argv[optind],
                is_server(cl) ? "a server takes no mount point" : "one mount point is enough");
        return usage(cl);
    }
    if (!cl->done)
        failed = check_words(cl);
    return cl->done || failed ? failed : take_proxy(cl);
}

const char *command_line_refused(unsigned int i, const char **ret_lacks)
{
    for (unsigned int r = 0; r < nr_rows(); r++) {
        const struct command_row *row = row_at(r);

        if (!row->take && i-- == 0) {
            *ret_lacks = row->lacks;
            return row->name;
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
    free(cl->servers);
    free(cl->proxy_id);
    cl->proxy_id = NULL;
    cl->over = NULL;
    cl->servers = NULL;
    cl->nr_over = cl->nr_servers = 0;
}
