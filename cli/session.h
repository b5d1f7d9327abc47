/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* session.h: the connection to the daemon, and one call at a time over it.
 *
 * The event loop runs on the main thread while a call is under way, and stands still between calls: a command line has nothing to do
 * meanwhile. Calls of the daemon to us (FETCHSPEC, in front of many replies) are taken and ignored (spec management 5.1). */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

struct session;
struct session_conf {
    const char *socket;     /* unix socket; NULL: the daemon's usual one */
    const char *host;       /* NULL: the unix socket; else TCP, port 24007 */
    bool secure;            /* TLS with host, whatever the file secure-access says */
    bool inet6;
};

/* -ENOTCONN and the like: nobody answers there. */
int session_open(const struct session_conf *conf, struct session **ret, struct err *err);
void session_close(struct session *s); /* NULL is fine */

/* proc: what rpcgen made of the arguments. take() is called with the result's bytes, during the call, once and only if there are some;
 * what it returns is returned. -ETIMEDOUT, -ENOTCONN: no answer came. -EOPNOTSUPP: the daemon has no such procedure. */
int session_call(struct session *s, uint32_t program, uint32_t version, uint32_t procedure, void *proc, const void *args,
                 unsigned int timeout_s, int (*take)(void *ctx, const uint8_t *result, size_t len), void *ctx);

#endif
