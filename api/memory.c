/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the program frees with glfs_free(): in front of each stands how. */
#include <stdlib.h>

#include "impl.h"

struct front {
    void (*drop)(void *what);
    max_align_t align[];
};

void *freeable_new(size_t size, void (*drop)(void *what))
{
    struct front *f = calloc(1, sizeof(*f) + size);

    if (!f)
        return NULL;
    f->drop = drop;
    return f->align;
}

void glfs_free(void *ptr)
{
    struct front *f;

    if (!ptr)
        return;
    f = container_of(ptr, struct front, align);
    if (f->drop)
        f->drop(ptr);
    free(f);
}
