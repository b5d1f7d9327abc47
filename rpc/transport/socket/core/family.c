/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "family.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static const struct family families[] = {
    {.name = "inet", .domain = AF_INET},
    {.name = "inet6", .domain = AF_INET6, .v6_only = true},
    {.name = "inet-inet6", .domain = AF_INET6},
    {.name = "unix", .domain = AF_UNIX, .path = true},
};

const struct family *family_by_name(const char *name)
{
    for (unsigned int i = 0; i < array_len(families); i++)
        if (strcmp(families[i].name, name) == 0)
            return &families[i];
    return NULL;
}

const char *family_names(void)
{
    return "inet, inet6, inet-inet6 or unix";
}

static int path_address(const char *path, struct sockaddr_storage *ret_addr, socklen_t *ret_len, struct err *err)
{
    struct sockaddr_un *un = (struct sockaddr_un *)ret_addr;

    if (!path || !*path)
        return err_set(err, -EINVAL, "a unix socket needs a path");
    if (strlen(path) >= sizeof(un->sun_path))
        return err_set(err, -ENAMETOOLONG, "the socket path %s is longer than %zu bytes", path, sizeof(un->sun_path) - 1);
    memset(ret_addr, 0, sizeof(*ret_addr));
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, path);
    *ret_len = offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1;
    return 0;
}

int family_address(const struct family *f, const char *host, int port, const char *path, struct sockaddr_storage *ret_addr,
                   socklen_t *ret_len, struct err *err)
{
    struct addrinfo want = {.ai_family = f->domain, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[16];
    int r;

    if (f->path)
        return path_address(path, ret_addr, ret_len, err);
    if (f->domain == AF_INET6 && !f->v6_only)
        want.ai_flags |= AI_V4MAPPED;
    snprintf(service, sizeof(service), "%d", port);
    r = getaddrinfo(host, service, &want, &found);
    if (r != 0)
        return err_set(err, -EADDRNOTAVAIL, "the address %s cannot be resolved as %s: %s", host ? host : "(any)", f->name,
                       gai_strerror(r));
    memset(ret_addr, 0, sizeof(*ret_addr));
    memcpy(ret_addr, found->ai_addr, found->ai_addrlen);
    *ret_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

void address_text(const struct sockaddr *addr, socklen_t len, char *to, size_t size)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)addr;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
    const struct sockaddr_un *un = (const struct sockaddr_un *)addr;
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    char host[INET6_ADDRSTRLEN];

    switch (addr->sa_family) {
    case AF_INET:
        inet_ntop(AF_INET, &in4->sin_addr, host, sizeof(host));
        snprintf(to, size, "%s:%d", host, ntohs(in4->sin_port));
        return;
    case AF_INET6:
        /* On a socket for both, an IPv4 peer is shown as one. */
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            inet_ntop(AF_INET, in6->sin6_addr.s6_addr + 12, host, sizeof(host));
            snprintf(to, size, "%s:%d", host, ntohs(in6->sin6_port));
            return;
        }
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
        snprintf(to, size, "[%s]:%d", host, ntohs(in6->sin6_port));
        return;
    case AF_UNIX:
        if (len > offset && un->sun_path[0]) {
            snprintf(to, size, "%.*s", (int)(len - offset), un->sun_path);
            return;
        }
        snprintf(to, size, "(unix socket)");
        return;
    default:
        snprintf(to, size, "(address family %d)", addr->sa_family);
    }
}

int address_port(const struct sockaddr_storage *addr)
{
    switch (addr->ss_family) {
    case AF_INET:
        return ntohs(((const struct sockaddr_in *)addr)->sin_port);
    case AF_INET6:
        return ntohs(((const struct sockaddr_in6 *)addr)->sin6_port);
    default:
        return 0;
    }
}
