/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* vectors.h: reads recorded messages (tests/data/vectors), and knows which structures each procedure has. For tests. */
#ifndef VECTORS_H
#define VECTORS_H

#include "wire.h"

struct vector {
    char name[64];      /* "fop400-READ.hex" */
    uint8_t *call;      /* without record mark; NULL: none */
    size_t call_len;
    uint8_t *reply;     /* NULL: none (callbacks) */
    size_t reply_len;
};
/* All whose names begin so, in order of the alphabet; ended by one without a name. Asserts that the files are good. */
struct vector *vectors_load(const char *dir, const char *prefix);
void vectors_free(struct vector *v);

/* One structure: what rpcgen made of it, and where its variable parts are. */
struct shape {
    const char *name;   /* NULL: this procedure has none */
    void *proc;
    size_t size;
    size_t dicts[2];    /* offsets + 1 of wire_dict members; 0: none */
    size_t dict3;       /* likewise */
    size_t list;
};
struct procedure {
    uint32_t prog, vers, proc;
    struct shape req, rsp;
};
extern const struct procedure procedures[];
extern const unsigned int nr_procedures;
const struct procedure *find_procedure(uint32_t prog, uint32_t vers, uint32_t proc);
#define WIRE_STRUCT_MAX 4096 /* no structure is larger */

#endif
