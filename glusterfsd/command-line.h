/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* command-line.h: what a person said when the program was started. Spec brick 7.9. */
#ifndef GLUSTERFSD_COMMAND_LINE_H
#define GLUSTERFSD_COMMAND_LINE_H

#include <stdbool.h>

#include "log.h"
#include "mount.h"
#include "process.h"
#include "xlator-option.h"

#define EXIT_USAGE 64 /* as argp's, which GlusterFS uses */

enum secure_mgmt { SECURE_BY_FILE, SECURE_OFF, SECURE_ON };

struct command_line {
    const char *name;             /* as which we were called: "glusterfsd" */
    const char *volfile, *log_file, *pid_file; /* NULL: the default, or none */
    const char **servers;         /* of the volume file; then volfile_id is set, and volfile is not */
    unsigned int nr_servers;
    int server_port;              /* 0: the usual one */
    bool server_unix;             /* servers are paths */
    const char *volfile_id;
    const char *volume;           /* volfile_id as it was given */
    char *proxy_id;               /* what volfile_id is with --thin-client */
    bool thin_client;
    bool volfile_check;
    enum io_engine io_engine;
    const char *volume_name;      /* the top of the graph; NULL: the last volume of the file */
    int fetch_attempts;           /* 0: for ever */
    enum secure_mgmt secure_mgmt;
    const char *socket_file, *brick_name, *process_name; /* or NULL */
    int brick_port;               /* 0: none */
    bool set_oom_score;
    int oom_score;
    enum log_level log_level;
    bool foreground, localtime;
    struct xlator_option *over;   /* --xlator-option */
    unsigned int nr_over;
    struct mount_conf mount;      /* mount.point NULL: this process mounts nothing */
    const char *subdir_mount, *display_name;
    bool done;                    /* it was --help, --version, --print-...: answered, nothing else to do */
};

/* 0, or the exit status after a sentence on stderr. */
int command_line_parse(struct command_line *cl, int argc, char **argv);
/* The i-th option that is refused, and what this build lacks: doc/refused.md is held against it. NULL: no more. */
const char *command_line_refused(unsigned int i, const char **ret_lacks);
void command_line_done(struct command_line *cl);

#endif
