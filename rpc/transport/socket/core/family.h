/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* family.h: the address families that we serve, as a table: inet, inet6, inet-inet6 (both on one socket), unix. */
#ifndef SOCKET_FAMILY_H
#define SOCKET_FAMILY_H

#include <stdbool.h>
#include <sys/socket.h>

#include "util.h"

struct family {
    const char *name;
    int domain;      /* AF_* */
    bool v6_only;    /* IPV6_V6ONLY of a listening socket */
    bool path;       /* its address is a path */
};
const struct family *family_by_name(const char *name); /* NULL: not one of ours */
const char *family_names(void);                        /* for sentences */
/* host NULL: every address of this machine. May ask the resolver: not on the event loop. */
int family_address(const struct family *f, const char *host, int port, const char *path, struct sockaddr_storage *ret_addr,
                   socklen_t *ret_len, struct err *err);
void address_text(const struct sockaddr *addr, socklen_t len, char *to, size_t size);
int address_port(const struct sockaddr_storage *addr); /* 0 for paths */

#endif
