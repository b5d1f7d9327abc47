/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* node.c: who this machine is: its UUID, its names and addresses, the options of the whole pool. */
#include "config.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "glusterd.h"
#include "log.h"

#define OP_VERSION_MAX 100000

void uuid_text(char ret[UUID_TEXT])
{
    uint8_t b[16];
    if (getrandom(b, sizeof b, 0) != sizeof b)
        abort(); /* cannot be: 16 bytes are given whole once the kernel has seeded itself */
    b[6] = (b[6] & 0x0f) | 0x40; /* RFC 4122: version 4, variant 1 */
    b[8] = (b[8] & 0x3f) | 0x80;
    snprintf(ret, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5],
             b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int write_info(struct glusterd *gd, const char *uuid, struct err *err)
{
    struct pairs p = {0};
    char path[4200];
    snprintf(path, sizeof path, "%s/glusterd.info", gd->workdir);
    int r = pairs_set(&p, "UUID", uuid);
    if (r == 0)
        r = pairs_setf(&p, "operating-version", "%d", OP_VERSION_MAX);
    if (r == 0)
        r = store_write_pairs(path, &p, err);
    pairs_done(&p);
    return r;
}

/* Known to others when it is written down, and not before: bricks name it. */
static int take_uuid(struct glusterd *gd, struct err *err)
{
    char new[UUID_TEXT];
    uuid_text(new);
    int r = write_info(gd, new, err);
    if (r < 0)
        return r;
    SCOPED_LOCK(&gd->lock);
    memcpy(gd->uuid, new, sizeof new);
    return 0;
}

int node_uuid(struct glusterd *gd, struct err *err)
{
    SCOPED_LOCK(&gd->identity_lock);
    return gd->uuid[0] ? 0 : take_uuid(gd, err);
}

/* Whoever has a name may have read the old one; whoever takes one from here on waits in node_uuid() for the new. */
int node_new_uuid(struct command *c, struct err *err)
{
    struct glusterd *gd = c->gd;
    SCOPED_LOCK(&gd->identity_lock);
    if (!command_is_alone(c))
        return err_set(err, -EBUSY, "another command is running");
    pthread_mutex_lock(&gd->lock);
    bool volumes = gd->volumes != NULL;
    pthread_mutex_unlock(&gd->lock);
    if (volumes)
        return err_set(err, -EEXIST, "volumes are already present in the cluster. Resetting uuid is not allowed");
    return take_uuid(gd, err);
}

int node_globals(struct glusterd *gd, struct pairs *ret)
{
    SCOPED_LOCK(&gd->lock);
    return pairs_copy(ret, &gd->globals);
}

int node_load(struct glusterd *gd, struct err *err)
{
    struct pairs p = {0};
    char path[4200];
    snprintf(path, sizeof path, "%s/glusterd.info", gd->workdir);
    if (access(path, F_OK) == 0) {
        int r = store_read_pairs(path, &p, err);
        if (r < 0)
            return r;
        const char *uuid = pairs_get(&p, "UUID"), *version = pairs_get(&p, "operating-version");
        if (!uuid || strlen(uuid) != UUID_TEXT - 1)
            r = err_set(err, -EINVAL, "%s: there is no UUID= of 36 characters", path);
        else if (version && atoi(version) > OP_VERSION_MAX)
            r = err_set(err, -EINVAL, "%s: operating-version=%s is newer than the %d that this build supports", path, version,
                        OP_VERSION_MAX);
        else
            memcpy(gd->uuid, uuid, UUID_TEXT);
        pairs_done(&p);
        if (r < 0)
            return r;
    }
    snprintf(path, sizeof path, "%s/options", gd->workdir);
    if (access(path, F_OK) == 0) {
        int r = store_read_pairs(path, &gd->globals, err);
        if (r < 0)
            return r;
    }
    snprintf(path, sizeof path, "%s/glusterd.upgrade", gd->workdir);
    int r = pairs_setf(&p, "maximum-operating-version", "%d", OP_VERSION_MAX);
    if (r == 0)
        r = store_write_pairs(path, &p, err);
    pairs_done(&p);
    return r;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    if (a->sa_family != b->sa_family)
        return false;
    if (a->sa_family == AF_INET)
        return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
    return a->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr, &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

/* All of 127.0.0.0/8 is this machine, not only the one address of it that the interface shows: Debian calls a machine 127.0.1.1. */
static bool is_loopback(const struct sockaddr *a)
{
    return a->sa_family == AF_INET && ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool node_is_own_host(const char *host)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    struct ifaddrs *own;
    bool yes = false;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    if (getifaddrs(&own) == 0) {
        for (struct addrinfo *a = found; a && !yes; a = a->ai_next) {
            yes = is_loopback(a->ai_addr);
            for (struct ifaddrs *i = own; i && !yes; i = i->ifa_next)
                yes = i->ifa_addr && same_address(a->ai_addr, i->ifa_addr);
        }
        freeifaddrs(own);
    }
    freeaddrinfo(found);
    return yes;
}
