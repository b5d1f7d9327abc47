/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Finding the type behind a name: the program's table, then a module of that name. Modules stay loaded for good. */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "graph.h"

/* A program or test without translators of its own has no table. */
#pragma weak xlator_types

static bool type_is_called(const struct xlator_type *type, const char *name)
{
    if (strcmp(type->name, name) == 0)
        return true;
    for (const char *const *a = type->aliases; a && *a; a++)
        if (strcmp(*a, name) == 0)
            return true;
    return false;
}

/* CATEGORY/NAME, or one word; nothing that leads out of the folder. */
static bool name_is_safe(const char *name)
{
    unsigned int slashes = 0;

    for (const char *c = name; *c; c++) {
        if (*c == '/' && c != name && c[1] && slashes++ == 0)
            continue;
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_')
            return false;
    }
    return *name != '\0';
}

static int check_module(const struct xlator_type *type, const char *name, const char *path, struct err *err)
{
    if (type->abi != XLATOR_ABI)
        return err_set(err, -ELIBBAD, "module %s has interface number %u, this program needs %u", path, type->abi, XLATOR_ABI);
    if (!type->build_id || strcmp(type->build_id, BUILD_ID) != 0)
        return err_set(err, -ELIBBAD, "module %s is of build %s, this program is of %s: build both from the same source", path,
                       type->build_id ? type->build_id : "(none)", BUILD_ID);
    if (!type->name || !type_is_called(type, name))
        return err_set(err, -ELIBBAD, "module %s is of type \"%s\", not \"%s\"", path, type->name ? type->name : "", name);
    return 0;
}

static const struct xlator_type *load_module(const char *name, struct err *err)
{
    const char *dir = secure_getenv("GATLING_XLATOR_DIR");
    const struct xlator_type *type;
    char path[PATH_MAX];
    void *module;

    if (!dir)
        dir = GF_PKGLIBDIR "/xlator";
    if ((size_t)snprintf(path, sizeof(path), "%s/%s.so", dir, name) >= sizeof(path)) {
        err_set(err, -ENAMETOOLONG, "type \"%s\": the name is too long", name);
        return NULL;
    }
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!module) {
        err_set(err, -ENOENT, "type \"%s\" is not part of this build, and there is no module: %s", name, dlerror());
        return NULL;
    }
    type = dlsym(module, XLATOR_SYMBOL);
    if (!type)
        err_set(err, -ELIBBAD, "module %s exports no symbol %s", path, XLATOR_SYMBOL);
    else if (check_module(type, name, path, err) < 0)
        type = NULL;
    dlclose(module); /* RTLD_NODELETE keeps it */
    return type;
}

const struct xlator_type *xlator_type_find(const char *name, struct err *err)
{
    if (xlator_types)
        for (const struct xlator_type *const *t = xlator_types; *t; t++)
            if (type_is_called(*t, name))
                return *t;
    if (!name_is_safe(name)) {
        err_set(err, -EINVAL, "type \"%s\" is no type: CATEGORY/NAME is", name);
        return NULL;
    }
    return load_module(name, err);
}
