/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "pick.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define ALL 1000000u

static enum fop_op op_named(const char *name)
{
    if (strcasecmp(name, "readv") == 0)
        return FOP_READ;
    if (strcasecmp(name, "writev") == 0)
        return FOP_WRITE;
    for (enum fop_op op = FOP_STAT; op < NR_FOPS; op++)
        if (strcasecmp(name, fop_name(op)) == 0)
            return op;
    return NR_FOPS;
}

int pick_set(struct pick *p, const char *list, const struct percent_or_size *share, bool random, const char *who, struct err *err)
{
    char *copy = strdup(list ? list : ""), *save, *word;
    uint64_t ops = 0;
    int r = copy ? 0 : -ENOMEM;

    if (r == 0 && !share->is_percent && share->value != 0)
        r = err_set(err, -EINVAL, "volume %s: a share of operations is 0 to 100 percent", who);
    for (word = r == 0 ? strtok_r(copy, ", ", &save) : NULL; word && r == 0; word = strtok_r(NULL, ", ", &save)) {
        enum fop_op op = op_named(word);

        if (op == NR_FOPS)
            r = err_set(err, -EINVAL, "volume %s: option enable: there is no operation \"%s\"; allowed are names like LOOKUP, READ, WRITE",
                        who, word);
        else
            ops |= (uint64_t)1 << op;
    }
    free(copy);
    if (r < 0)
        return r;
    atomic_store_explicit(&p->ops, ops ? ops : UINT64_MAX, memory_order_relaxed);
    atomic_store_explicit(&p->millionths, (uint32_t)(share->value / 100 * ALL), memory_order_relaxed);
    atomic_store_explicit(&p->random, random, memory_order_relaxed);
    return 0;
}

bool pick_this(struct pick *p, enum fop_op op)
{
    uint32_t share = atomic_load_explicit(&p->millionths, memory_order_relaxed), r;

    if (!share || !(atomic_load_explicit(&p->ops, memory_order_relaxed) >> op & 1))
        return false;
    if (atomic_load_explicit(&p->random, memory_order_relaxed))
        return getrandom(&r, sizeof(r), 0) == sizeof(r) && r % ALL < share;
    uint64_t n = atomic_fetch_add_explicit(&p->seen, 1, memory_order_relaxed);
    return (n + 1) * share / ALL != n * share / ALL;
}
