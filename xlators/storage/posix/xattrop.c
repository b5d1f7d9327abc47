/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* xattrop.c: XATTROP and FXATTROP: arithmetic on attributes, atomic per object (spec brick 2.6). Replicate and disperse count
 * pending operations with it. */
#include "config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "posix.h"

enum { ADD_ARRAY, ADD_ARRAY64, GET_AND_SET = 4, ADD_DEFAULT, ADD_DEFAULT64 };
#define OPERAND_MAX (64 * KiB) /* what the kernel stores */

static bool all_zero(const uint8_t *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (b[i])
            return false;
    return true;
}

static void add32(uint8_t *value, const uint8_t *delta, const uint8_t *def, size_t len)
{
    for (size_t i = 0; i < len; i += 4) {
        uint32_t v, d, f = 0;
        memcpy(&v, value + i, 4);
        memcpy(&d, delta + i, 4);
        if (def && v == 0)
            memcpy(&f, def + i, 4);
        v = htobe32(be32toh(v) + be32toh(d) + be32toh(f));
        memcpy(value + i, &v, 4);
    }
}

static void add64(uint8_t *value, const uint8_t *delta, const uint8_t *def, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t v, d, f = 0;
        memcpy(&v, value + i, 8);
        memcpy(&d, delta + i, 8);
        if (def && v == 0)
            memcpy(&f, def + i, 8);
        v = htobe64(be64toh(v) + be64toh(d) + be64toh(f));
        memcpy(value + i, &v, 8);
    }
}

/* node->lock is held. */
static int op_pair_locked(struct obj *o, uint32_t op, const struct dict_pair *pair, struct dict *to)
{
    bool wide = op == ADD_ARRAY64 || op == ADD_DEFAULT64, with_default = op == ADD_DEFAULT || op == ADD_DEFAULT64;
    size_t len = with_default ? pair->len / 2 : pair->len, unit = wide ? 8 : 4;
    const uint8_t *delta = pair->value, *def = with_default ? delta + len : NULL;
    if (pair->type == DICT_SIGNED || pair->type == DICT_UNSIGNED || pair->type == DICT_DOUBLE || pair->type == DICT_IATT ||
        pair->type == DICT_MDATA || pair->len > OPERAND_MAX || !strcmp(pair->key, XATTR_GFID) || !strcmp(pair->key, XATTR_VOLUME_ID) ||
        !strcmp(pair->key, XATTR_MDATA) || !strncmp(pair->key, XATTR_GFID2PATH, strlen(XATTR_GFID2PATH)))
        return -EINVAL;
    if (op != GET_AND_SET && (len == 0 || len % unit || (with_default && pair->len % 2)))
        return -EINVAL;
    XVALUE(old);
    int r = obj_value(o, pair->key, &old);
    if (r < 0 && r != -ENODATA)
        return r;
    bool absent = r < 0;
    if (op == GET_AND_SET) {
        r = obj_setxattr(o, pair->key, pair->value, pair->len, 0);
        return r < 0 || absent ? r : dict_set(to, pair->key, DICT_BINARY, old.at, old.len);
    }
    if (!absent && old.len > len)
        return -ERANGE;
    uint8_t *value = calloc(1, len);
    if (!value)
        return -ENOMEM;
    if (!absent)
        memcpy(value, old.at, old.len);
    if (!all_zero(pair->value, pair->len)) { /* zeros only read, and make nothing */
        if (wide)
            add64(value, delta, def, len);
        else
            add32(value, delta, def, len);
        r = obj_setxattr(o, pair->key, value, len, 0);
    } else {
        r = 0;
    }
    if (r == 0)
        r = dict_set(to, pair->key, DICT_BINARY, value, len);
    free(value);
    return r;
}

int op_xattrop(struct posix *p, struct fop *fop)
{
    uint32_t op = fop->in.xattrop.flags;
    struct dict *dict = fop->in.xattrop.dict;
    OBJ(o);
    if (op != ADD_ARRAY && op != ADD_ARRAY64 && op != GET_AND_SET && op != ADD_DEFAULT && op != ADD_DEFAULT64)
        return -EINVAL;
    int r = obj_of_fop(p, fop, &o);
    if (r < 0)
        return r;
    fop->out.dict = dict_new();
    if (!fop->out.dict)
        return -ENOMEM;
    pthread_mutex_lock(&o.node->lock);
    for (unsigned int i = 0; r == 0 && i < dict_count(dict); i++)
        r = op_pair_locked(&o, op, dict_at(dict, i), fop->out.dict);
    pthread_mutex_unlock(&o.node->lock);
    if (r < 0)
        return r;
    xdata_reply(p, fop, &o, false);
    if (dict_find(fop->xdata, "dht-get-mode-in-xattr") && S_ISREG(o.st.st_mode) && fop_xdata_out(fop))
        dict_set_i64(fop->xdata_out, "dht-get-mode-in-xattr", (int64_t)o.st.st_mode);
    return 0;
}
