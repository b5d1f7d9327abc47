/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gluster.h: one run of `gluster`: what was asked for on the command line, and what each command is handed.
 *
 * A command is a row of grammar.c. Its function looks at the words, fills a request, asks the daemon and prints the reply. It returns
 * the exit status, or BAD_WORDS, which prints the row's usage. Results go to stdout, reasons to stderr (spec management 4.1).
 * All of it runs on the main thread. */
#ifndef GLUSTER_H
#define GLUSTER_H

#include <stdio.h>

#include "reply.h"
#include "session.h"
#include "util.h"

struct cli {
    struct session_conf where;   /* the daemon */
    struct session *session;     /* NULL: not connected */
    bool script;                 /* questions are answered with yes */
    bool xml;
    bool interactive;            /* a person at a prompt */
    bool force_bricks;           /* --wignore */
    bool ignore_partition;       /* --wignore-partition */
    bool no_log;
    bool leave;                  /* quit was said */
    unsigned int timeout_s;      /* 0: each command's own */
};

enum {
    BAD_WORDS = 1000,            /* not an exit status: the usage is printed, and the exit status is 1 */
    NO_ANSWER_KEY = 2,           /* exit status: the reply lacks what is to be printed */
};

/* ---- words of a command -------------------------------------------------------------------------------------------------- */
struct words {
    int n;
    char **at;
};
const char *word(const struct words *w, int i); /* NULL behind the last */
bool word_is(const struct words *w, int i, const char *text);
bool word_number(const char *text, int64_t *ret);  /* decimal, nothing behind it */

/* ---- a request and its answer -------------------------------------------------------------------------------------------- */
enum { USUAL_S = 120, LONG_S = 600 };
struct request {
    struct dict *dict;
    int err;                     /* the first thing that went wrong; ask() tells */
};
struct request request(const struct words *w);    /* with "cmd-str"; w NULL: without */
struct request volume_request(const struct words *w); /* and "volname", the third word */
void put(struct request *r, const char *key, const char *fmt, ...) PRINTF(3, 4);
void put_number(struct request *r, const char *key, int64_t v);
void request_drop(struct request *r);             /* it is not to be sent after all */
/* Sends and waits; takes the request. 0: ret is the answer (reply_done() it), which may still be a refusal. Else the exit status, and
 * a person has been told why. */
int ask(struct cli *c, unsigned int proc, struct request *r, unsigned int timeout_s, struct reply *ret);
int ask_peers(struct cli *c, int flags, struct reply *ret);      /* LIST_FRIENDS */
int ask_spec(struct cli *c, const char *volume, struct reply *ret, char **ret_spec); /* the caller's */
int ask_directory(struct cli *c, struct reply *ret, char **ret_dir);
int ask_fsm_log(struct cli *c, const char *peer, struct reply *ret);
int ask_mount(struct cli *c, const char *label, struct request *r, struct reply *ret, char **ret_path);
int ask_umount(struct cli *c, bool lazy, const char *path, struct reply *ret);
void hang_up(struct cli *c);

int status_of(const struct reply *r);             /* op_ret as an exit status */
/* "PREFIX: failed: reason" to stderr. Returns status_of(). */
int refused(const struct reply *r, const char *fmt, ...) PRINTF(2, 3);
/* A sentence of its own to stderr instead. Returns status_of(). */
int refused_with(const struct reply *r, const char *fmt, ...) PRINTF(2, 3);
int missing(const char *key);                     /* the reply lacks it: says so, returns NO_ANSWER_KEY */

/* ---- questions ----------------------------------------------------------------------------------------------------------- */
bool agreed(struct cli *c, const char *question); /* asks, unless in script mode */

/* ---- text ---------------------------------------------------------------------------------------------------------------- */
struct size_text {
    char at[32];
};
struct size_text readable_size(double bytes);     /* 1.5GB, 0Bytes */
void rule(char c, int n);                         /* n times, and a new line */

#endif
