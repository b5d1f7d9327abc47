/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* transport.c: finds and checks the module that moves records. */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport.h"

/* Which file serves a transport type of a volume file. */
static const struct {
    const char *type, *module;
} modules[] = {
    {"tcp", "socket"},
    {"socket", "socket"},
    {"unix", "socket"},
};

/* libgfapi has the module linked in: what it would load lives in a process with names of others, stock's libraries' perhaps. */
extern const struct transport_type transport_type __attribute__((weak));

int transport_load(const char *type, const struct transport_type **ret, struct err *err)
{
    const char *dir = getenv("GATLING_TRANSPORT_DIR"), *module = NULL;
    const struct transport_type *t;
    char path[4096];
    struct log_port log;
    void *dl;

    for (size_t i = 0; i < array_len(modules); i++)
        if (strcmp(type, modules[i].type) == 0)
            module = modules[i].module;
    if (!module)
        return err_set(err, -EINVAL, "transport type \"%s\" does not exist here: tcp, socket and unix do", type);
    if (&transport_type) {
        *ret = &transport_type;
        return 0;
    }
    if (!dir || !*dir)
        dir = GF_PKGLIBDIR "/rpc-transport";
    if (snprintf(path, sizeof(path), "%s/%s.so", dir, module) >= (int)sizeof(path))
        return err_set(err, -ENAMETOOLONG, "transport %s: the folder's name is too long", type);

    dl = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!dl)
        return err_set(err, -ENOENT, "transport %s: %s", type, dlerror());
    /* Never closed: whatever it says, its code may have registered something. */
    t = dlsym(dl, TRANSPORT_SYMBOL);
    if (!t)
        return err_set(err, -EINVAL, "transport %s: %s is not a transport module: it has no \"%s\"", type, path, TRANSPORT_SYMBOL);
    if (t->abi != TRANSPORT_ABI)
        return err_set(err, -EINVAL, "transport %s: %s has interface number %u, this program has %u", type, path,
                       (unsigned int)t->abi, TRANSPORT_ABI);
    if (!t->build_id || strcmp(t->build_id, BUILD_ID) != 0)
        return err_set(err, -EINVAL, "transport %s: %s was built from other sources (%s) than this program (%s)", type, path,
                       t->build_id ? t->build_id : "no build id", BUILD_ID);
    log_port_get(&log);
    if (t->loaded)
        t->loaded(&log);
    *ret = t;
    return 0;
}

void transport_describe(const struct transport_peer *peer, char *to, size_t size)
{
    if (peer->tls)
        snprintf(to, size, "%s, %s, %s, certificate %s", peer->text, peer->tls_version, peer->cipher,
                 peer->common_name ? peer->common_name : "without a common name");
    else
        snprintf(to, size, "%s, not encrypted", peer->text);
}
