/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/bitrot-stub with bitrot off: the attributes of bit-rot detection that a brick may carry from earlier days stay
 * between the bit-rot daemon and the brick (spec brick 6.1). A client can neither set (EINVAL) nor remove (EPERM) them, and no answer
 * of getxattr has them. Bit-rot detection itself is refused by name. */
#include <errno.h>
#include <string.h>

#include "feature-types.h"
#include "passthrough.h"

static const struct option bitrot_stub_options[] = {
    OPT_OFF("bitrot", "bit-rot detection"),
    FORGET_PATH("export", "the brick directory"),
};

static const char *const hidden[] = {"trusted.bit-rot.version", "trusted.bit-rot.signature", "trusted.bit-rot.bad-file"};

static bool is_hidden(const char *name)
{
    for (size_t i = 0; i < array_len(hidden); i++)
        if (strcmp(name, hidden[i]) == 0)
            return true;
    return false;
}

static bool has_hidden(const struct dict *d)
{
    for (size_t i = 0; i < array_len(hidden); i++)
        if (dict_find(d, hidden[i]))
            return true;
    return false;
}

static void refuse_set(struct xlator *xl, struct fop *fop)
{
    if (has_hidden(fop->in.setxattr.dict))
        fop_fail(fop, EINVAL);
    else
        fop_pass(xl, fop);
}

static void refuse_remove(struct xlator *xl, struct fop *fop)
{
    const char *name = fop->in.removexattr.name;

    /* an empty name with names in xdata removes many (spec brick 2.6) */
    if (name && (is_hidden(name) || (*name == '\0' && has_hidden(fop->xdata))))
        fop_fail(fop, EPERM);
    else
        fop_pass(xl, fop);
}

static void strip(struct fop *fop, void *ctx)
{
    if (fop->ret >= 0 && has_hidden(fop->out.dict)) {
        struct dict *dict = dict_copy(fop->out.dict);

        for (size_t i = 0; dict && i < array_len(hidden); i++)
            dict_remove(dict, hidden[i]);
        dict_unref(fop->out.dict);
        fop->out.dict = dict;
        if (!dict) {
            fop_complete(fop, -1, ENOMEM);
            return;
        }
    }
    fop_complete(fop, fop->ret, fop->err);
}

static void get(struct xlator *xl, struct fop *fop)
{
    const char *name = fop->in.getxattr.name;

    if (name && is_hidden(name)) {
        fop_fail(fop, ENODATA);
        return;
    }
    if (!name)
        fop_push(fop, strip, NULL);
    fop_pass(xl, fop);
}

const struct xlator_type bitrot_stub_type = {
    .name = "features/bitrot-stub",
    .options = bitrot_stub_options,
    .nr_options = array_len(bitrot_stub_options),
    .priv_size = sizeof(struct read_and_forgotten),
    .on =
        {
            [FOP_SETXATTR] = refuse_set,
            [FOP_FSETXATTR] = refuse_set,
            [FOP_REMOVEXATTR] = refuse_remove,
            [FOP_FREMOVEXATTR] = refuse_remove,
            [FOP_GETXATTR] = get,
            [FOP_FGETXATTR] = get,
        },
};
