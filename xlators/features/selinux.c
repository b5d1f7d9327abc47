/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/selinux: a client's SELinux label is not the brick host's. With `selinux on`, which is what a stock daemon writes,
 * security.selinux is kept on the brick as trusted.glusterfs.selinux (spec brick 6.1): setting and getting it by name are
 * renamed, all else passes by. */
#include <errno.h>
#include <string.h>

#include "feature-types.h"

#define LABEL "security.selinux"
#define LABEL_ON_BRICK "trusted.glusterfs.selinux"

struct selinux {
    bool on;
};
static const struct option selinux_options[] = {
    OPT_BOOL("selinux", struct selinux, on, true, "keep clients' SELinux labels under a name of their own", .flags = OPTION_LIVE),
};

static bool is_on(const struct xlator *xl)
{
    const struct selinux *s = xl->priv;

    return __atomic_load_n(&s->on, __ATOMIC_RELAXED); /* may change while running: either answer is right */
}

/* A copy of d in which the pair `from` is called `to`. NULL: no memory, or what is called so is there twice. */
static struct dict *renamed(const struct dict *d, const char *from, const char *to)
{
    struct dict *copy = dict_new();

    for (unsigned int i = 0; copy && i < dict_count(d); i++) {
        const struct dict_pair *p = dict_at(d, i);

        if (dict_set(copy, strcmp(p->key, from) == 0 ? to : p->key, p->type, p->value, p->len) < 0) {
            dict_unref(copy);
            return NULL;
        }
    }
    return copy;
}

static void set_done(struct fop *child, void *ctx)
{
    fop_adopt(child);
}

static void selinux_set(struct xlator *xl, struct fop *fop)
{
    struct fop *child;
    struct dict *dict;

    if (!is_on(xl) || !dict_find(fop->in.setxattr.dict, LABEL)) {
        fop_pass(xl, fop);
        return;
    }
    dict = renamed(fop->in.setxattr.dict, LABEL, LABEL_ON_BRICK);
    child = dict ? fop_child_like(fop, set_done, NULL) : NULL;
    if (!child) {
        dict_unref(dict);
        fop_fail(fop, ENOMEM);
        return;
    }
    dict_unref(child->in.setxattr.dict);
    child->in.setxattr.dict = dict;
    fop_submit(xl->child, child);
}

static void get_done(struct fop *child, void *ctx)
{
    if (child->ret >= 0 && dict_find(child->out.dict, LABEL_ON_BRICK)) {
        struct dict *dict = renamed(child->out.dict, LABEL_ON_BRICK, LABEL);

        if (!dict) {
            child->ret = -1;
            child->err = ENOMEM;
        }
        dict_unref(child->out.dict);
        child->out.dict = dict;
    }
    fop_adopt(child);
}

static void selinux_get(struct xlator *xl, struct fop *fop)
{
    struct fop *child;

    if (!is_on(xl) || !fop->in.getxattr.name || strcmp(fop->in.getxattr.name, LABEL) != 0) {
        fop_pass(xl, fop);
        return;
    }
    child = fop_child_like(fop, get_done, NULL);
    if (!child) {
        fop_fail(fop, ENOMEM);
        return;
    }
    child->in.getxattr.name = LABEL_ON_BRICK;
    fop_submit(xl->child, child);
}

const struct xlator_type selinux_type = {
    .name = "features/selinux",
    .options = selinux_options,
    .nr_options = array_len(selinux_options),
    .priv_size = sizeof(struct selinux),
    .on = {[FOP_SETXATTR] = selinux_set, [FOP_FSETXATTR] = selinux_set, [FOP_GETXATTR] = selinux_get, [FOP_FGETXATTR] = selinux_get},
};
