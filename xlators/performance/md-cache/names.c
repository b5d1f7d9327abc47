/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Which extended attributes are kept: those that options name, one by one or in the list. Spec brick 6.1. */
#include <stdlib.h>
#include <string.h>

#include "md-cache.h"

struct mdc_names *mdc_names_get(struct mdc *m)
{
    SCOPED_LOCK(&m->lock);
    atomic_fetch_add_explicit(&m->names->refs, 1, memory_order_relaxed);
    return m->names;
}

void mdc_names_unref(struct mdc_names *names)
{
    if (!names || atomic_fetch_sub_explicit(&names->refs, 1, memory_order_acq_rel) > 1)
        return;
    for (unsigned int i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names);
}

/* What does not fit is not kept: that costs calls and nothing else. */
static bool add(struct mdc_names *names, const char *name, size_t len)
{
    if (len == 0 || names->n == NAMES_MAX)
        return true;
    names->name[names->n] = strndup(name, len);
    return names->name[names->n] && ++names->n;
}

struct mdc_names *mdc_names_of(const struct mdc *m)
{
    const struct {
        bool on;
        const char *name;
    } known[] = {
        {m->selinux, "security.selinux"},
        {m->capability, "security.capability"},
        {m->ima, "security.ima"},
        {m->swift, "user.swift.metadata"},
        {m->samba, "user.DOSATTRIB"},
        {m->samba, "user.DosStream.*"},
        {m->samba, "user.org.netatalk.Metadata"},
        {m->samba, "user.org.netatalk.ResourceFork"},
        {m->samba, "security.NTACL"},
        {m->posix_acl, "system.posix_acl_access"},
        {m->posix_acl, "system.posix_acl_default"},
        {m->text_acl, "glusterfs.posix.acl"},
        {m->text_acl, "glusterfs.posix.default_acl"},
    };
    struct mdc_names *names = calloc(1, sizeof(*names));
    bool good = names != NULL;

    if (names)
        atomic_init(&names->refs, 1);
    for (size_t i = 0; good && i < array_len(known); i++)
        good = !known[i].on || add(names, known[i].name, strlen(known[i].name));
    for (const char *at = m->list; good && at && *at;) {
        size_t len = strcspn(at, ", ");

        good = add(names, at, len);
        at += len;
        at += strspn(at, ", ");
    }
    if (good)
        return names;
    mdc_names_unref(names);
    return NULL;
}

bool mdc_names_has(const struct mdc_names *names, const char *name)
{
    for (unsigned int i = 0; i < names->n; i++) {
        size_t len = strlen(names->name[i]);

        if (names->name[i][len - 1] == '*' ? strncmp(name, names->name[i], len - 1) == 0 : strcmp(name, names->name[i]) == 0)
            return true;
    }
    return false;
}
