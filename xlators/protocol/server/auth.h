/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* auth.h: may this peer use this brick? The rules are the options auth.addr.* and auth.login.* of protocol/server.
 *
 * Two modules, "addr" and "login"; each says accept, reject or "don't care". Any reject refuses; one accept is enough, unless
 * strict-auth-accept asks every module that has rules to accept; nothing but "don't care" refuses.
 *
 * Elements of an address list: an address, a network, a host name, a pattern for the address as text; "!" before a network or pattern
 * inverts it. They count for every directory that a client mounts; those in "/dir(...|...)" for clients that mount /dir only, and an
 * allow list that has such ones names with its other elements who may mount "/". Host names are not looked up here (a look-up would stall
 * whoever asks) but asked of auth_conf. "localhost" is the loopback network.
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
    bool (*host_has)(void *ctx, const char *name, const uint8_t addr[16]); /* is that one of the host's addresses? NULL: no host is known */
    void *ctx;
};

/* True: may come in. ret_user: the name it has proven by password, or NULL; lives with the asker. ret_why: for the log. */
bool auth_allowed(const struct optset *rules, const struct auth_conf *conf, const struct auth_asker *who, const char **ret_user,
                  const char **ret_why);

/* One sentence about the first rule that cannot be obeyed: unknown module or word, bad network. */
int auth_check_rules(const struct optset *rules, const char *who, struct err *err);

/* The host names in the address lists, each once; for auth_free_names(). -ENOMEM. */
int auth_host_names(const struct optset *rules, char ***ret, unsigned int *ret_n);
void auth_free_names(char **names, unsigned int n);

/* As IPv6, IPv4 mapped. False: it is neither. */
bool auth_address(const struct sockaddr_storage *ss, uint8_t ret[16]);

/* Is this source port one that only root may bind? Unix sockets: yes. */
bool auth_port_privileged(const struct sockaddr_storage *addr);

#endif
