/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* management.h: a process that a management daemon has started: its volume file comes from the daemon, it signs in and out of the
 * daemon's list of ports, and the daemon asks it things on a unix socket (brick-ops.h).
 *
 *     management_begin -> volume_file() ... the graph stands -> management_sign_in -> signed_in()
 *     ... volume_file() again when its text changed; signed in again after each reconnect ...
 *     management_sign_out -> signed_out() -> the graph drains -> management_end, which holds the process until all is closed
 *
 * Threads  All of it is the loop's, or main's before the loop runs and after it. */
#ifndef GLUSTERFSD_MANAGEMENT_H
#define GLUSTERFSD_MANAGEMENT_H

#include "brick-ops.h"
#include "command-line.h"
#include "loop.h"
#include "process.h"

struct mgmt;

struct management_host {
    void (*volume_file)(void *host, const char *text, size_t len); /* the first, and each that differs */
    void (*failed)(void *host, int err, const char *sentence);     /* there will be no first one */
    void (*signed_in)(void *host);                                 /* or failed to, which is in the log; each time */
    void (*signed_out)(void *host);                                /* once; or nobody is there to hear it */
};

struct management {
    struct process *process;
    const struct command_line *cl;
    const struct management_host *host;
    void *host_data;
    struct mgmt *mgmt;                /* NULL: no --volfile-server */
    struct brick_ops ops;             /* when there is --socket-file */
    bool graph_stands, signed_in;
    bool leaving;                     /* management_sign_out() was called */
    bool told_out;                    /* signed_out() too */
    struct timer patience;            /* with the daemon's answer to it */
    bool held, closed;                /* hold was taken; the connection is closed for good */
    struct process_hold hold;
};

void management_init(struct management *m, struct process *p, const struct command_line *cl, const struct management_host *host,
                     void *host_data);
int management_begin(struct management *m, struct err *err); /* nothing of it happens before the loop runs */
void management_fetch(struct management *m);    /* SIGHUP: is there a new volume file? */
void management_sign_in(struct management *m);  /* the graph stands */
void management_sign_out(struct management *m);
void management_end(struct management *m);      /* lets go of the process when nothing is left */
void management_done(struct management *m);     /* after the loop; also one that never began or was never made */

#endif
