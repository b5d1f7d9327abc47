/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iobuf.h"

static int grow(struct slicev *sv, unsigned int more)
{
    unsigned int cap = sv->v ? sv->cap : array_len(sv->inl);

    if (more > UINT32_MAX / 2 - sv->n)
        return -ENOMEM;
    if (sv->n + more <= cap)
        return 0;
    while (cap < sv->n + more)
        cap *= 2;

    struct slice *v = reallocarray(sv->v, cap, sizeof(*v));
    if (!v)
        return -ENOMEM;
    if (!sv->v)
        memcpy(v, sv->inl, sv->n * sizeof(*v));
    sv->v = v;
    sv->cap = cap;
    return 0;
}

int slicev_add(struct slicev *sv, struct slice s)
{
    if (grow(sv, 1) < 0) {
        slice_done(&s);
        return -ENOMEM;
    }
    slicev_at(sv)[sv->n++] = s;
    sv->len += s.len;
    return 0;
}

int slicev_add_all(struct slicev *sv, const struct slicev *from)
{
    unsigned int n = from->n; /* from may be sv */

    if (grow(sv, n) < 0)
        return -ENOMEM;
    for (unsigned int i = 0; i < n; i++) {
        const struct slice *s = &(from->v ? from->v : from->inl)[i];
        slicev_add(sv, slice_part(*s, 0, s->len)); /* there is room */
    }
    return 0;
}

void slicev_move(struct slicev *to, struct slicev *from)
{
    *to = *from;
    *from = (struct slicev){0};
}

void slicev_done(struct slicev *sv)
{
    for (unsigned int i = 0; i < sv->n; i++)
        slice_done(&slicev_at(sv)[i]);
    free(sv->v);
    *sv = (struct slicev){0};
}

size_t slicev_copy_out(const struct slicev *sv, size_t off, void *to, size_t len)
{
    const struct slice *v = sv->v ? sv->v : sv->inl;
    size_t done = 0;

    for (unsigned int i = 0; i < sv->n && done < len; i++) {
        if (off >= v[i].len) {
            off -= v[i].len;
            continue;
        }
        size_t part = min_of(v[i].len - off, len - done);
        memcpy((uint8_t *)to + done, v[i].at + off, part);
        done += part;
        off = 0;
    }
    return done;
}

unsigned int slicev_iov(const struct slicev *sv, size_t off, struct iovec *iov, unsigned int max)
{
    const struct slice *v = sv->v ? sv->v : sv->inl;
    unsigned int n = 0;

    for (unsigned int i = 0; i < sv->n && n < max; i++) {
        if (off >= v[i].len) { /* also each part without bytes */
            off -= v[i].len;
            continue;
        }
        iov[n++] = (struct iovec){.iov_base = v[i].at + off, .iov_len = v[i].len - off};
        off = 0;
    }
    return n;
}
