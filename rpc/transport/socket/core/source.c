/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "source.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "log.h"
#include "util.h"

#define PORTS 65536

/* "8080,9000-9010" */
static void mark_reserved(bool *reserved)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
    unsigned int from, to;
    int n;

    while (f && (n = fscanf(f, "%u-%u", &from, &to)) >= 1) {
        for (unsigned int port = from; port <= (n == 2 ? to : from) && port < PORTS; port++)
            reserved[port] = true;
        if (fgetc(f) != ',')
            break;
    }
    if (f)
        fclose(f);
}

void source_bind(int fd, int family, unsigned int below)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    bool *reserved;
    int r = -ENOMEM;

    if (family != AF_INET && family != AF_INET6)
        return;
    reserved = calloc(PORTS, sizeof(*reserved));
    if (reserved) {
        mark_reserved(reserved);
        r = -EADDRINUSE;
    }
    for (unsigned int port = min_of(below, (unsigned int)PORTS) - 1; r == -EADDRINUSE && port > 0; port--) {
        if (reserved[port])
            continue;
        in4.sin_port = in6.sin6_port = htons((uint16_t)port);
        r = family == AF_INET ? bind(fd, (struct sockaddr *)&in4, sizeof(in4)) : bind(fd, (struct sockaddr *)&in6, sizeof(in6));
        if (r < 0)
            r = -errno;
    }
    if (r < 0)
        log_warning("socket", "no source port below %u can be had: %s; the kernel chooses", below, strerror(-r));
    free(reserved);
}
