/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* auth.h: may this peer use this brick? The rules are the options auth.addr.* and auth.login.* of protocol/server.
 *
 * Two modules, "addr" and "login"; each says accept, reject or "don't care". Any reject refuses; one accept is enough, unless
 * strict-auth-accept asks every module that has rules to accept; nothing but "don't care" refuses.
 *
 * Host names in a list are not looked up (a look-up would stall whoever asks): auth_check_rules() refuses them by name.
 * "localhost" is the exception: it is the loopback network by definition.
 *
 * Threads  Any: everything is a pure function of its arguments. Source: spec wire 3.7, brick 4.6. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include "options.h"

struct sockaddr_storage;

struct auth_asker {
    const char *brick;                   /* remote-subvolume */
    const char *subdir;                  /* NULL: "/" */
    const struct sockaddr_storage *addr;
    bool tls;
    const char *common_name;             /* NULL without TLS */
    char *const *alt_names;              /* NULL-ended, or NULL */
    const char *user, *password;         /* as SETVOLUME gave them, or NULL */
};
struct auth_conf {
    bool allow_insecure;                 /* off: source ports from 1024 on are rejected */
    bool strict;
};

/* True: may come in. ret_user: the name it has proven by password, or NULL; lives with the asker. ret_why: for the log. */
bool auth_allowed(const struct optset *rules, const struct auth_conf *conf, const struct auth_asker *who, const char **ret_user,
                  const char **ret_why);

/* One sentence about the first rule that cannot be obeyed: unknown module or word, bad network, host name. */
int auth_check_rules(const struct optset *rules, const char *who, struct err *err);

/* Is this source port one that only root may bind? Unix sockets: yes. */
bool auth_port_privileged(const struct sockaddr_storage *addr);

#endif
