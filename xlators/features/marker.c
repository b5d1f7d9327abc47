/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/marker while quota and geo-replication are off, which is all that we have: a brick may carry attributes of quota from
 * earlier days. Users do not see them in lists of attributes, nor in the answers of LOOKUP; internal callers (pid below 0: rebalance
 * copies them) do, and so does who asks for one by name (seen on a stock brick). Accounting itself is refused by name. */
#include <errno.h>
#include <string.h>

#include "feature-types.h"
#include "passthrough.h"

static const struct option marker_options[] = {
    FORGET_TEXT("volume-uuid", "id of the volume"),
    FORGET_TEXT("timestamp-file", "the volume mark of geo-replication"),
    OPT_OFF("quota", "quota accounting"),
    OPT_OFF("inode-quota", "quota accounting of objects"),
    OPT_OFF("xtime", "the change times of geo-replication"),
    OPT_OFF("gsync-force-xtime", "the change times of geo-replication"),
    FORGET_NUMBER("quota-version", "generation of the quota attributes"),
};

static bool is_accounting(const char *key)
{
    static const char *const prefixes[] = {"trusted.glusterfs.quota.", "trusted.pgfid."};

    for (size_t i = 0; i < array_len(prefixes); i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* *d without those pairs; its own copy when there are any, because others may see it. */
static int strip(struct dict **d)
{
    struct dict *rest = NULL;
    unsigned int n = dict_count(*d);
    int r = 0;

    for (unsigned int i = 0; i < n && !rest; i++)
        if (is_accounting(dict_at(*d, i)->key) && !(rest = dict_new()))
            return -ENOMEM;
    for (unsigned int i = 0; rest && r == 0 && i < n; i++) {
        const struct dict_pair *p = dict_at(*d, i);

        if (!is_accounting(p->key))
            r = dict_set(rest, p->key, p->type, p->value, p->len);
    }
    if (rest) {
        dict_unref(*d);
        *d = rest;
    }
    return r;
}

static void listed(struct fop *fop, void *ctx)
{
    int r = fop->ret < 0 ? 0 : strip(&fop->out.dict);

    fop_complete(fop, r < 0 ? -1 : fop->ret, r < 0 ? -r : fop->err);
}

static void marker_getxattr(struct xlator *xl, struct fop *fop)
{
    if (!fop->in.getxattr.name && fop->cred.pid >= 0)
        fop_push(fop, listed, NULL);
    fop_pass(xl, fop);
}

static void looked_up(struct fop *fop, void *ctx)
{
    int r = fop->ret < 0 ? 0 : strip(&fop->xdata_out);

    fop_complete(fop, r < 0 ? -1 : fop->ret, r < 0 ? -r : fop->err);
}

static void marker_lookup(struct xlator *xl, struct fop *fop)
{
    if (fop->xdata && fop->cred.pid >= 0)
        fop_push(fop, looked_up, NULL);
    fop_pass(xl, fop);
}

const struct xlator_type marker_type = {
    .name = "features/marker",
    .options = marker_options,
    .nr_options = array_len(marker_options),
    .priv_size = sizeof(struct read_and_forgotten),
    .on = {[FOP_GETXATTR] = marker_getxattr, [FOP_FGETXATTR] = marker_getxattr, [FOP_LOOKUP] = marker_lookup},
};
