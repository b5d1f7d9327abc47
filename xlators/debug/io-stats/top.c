/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* top.c: the busiest files. What is opened gets a record in its inode's slot; the lists keep the first TOP_MAX of each kind, also
 * when the inode is gone. A full list takes only what beats its last; the order is made when somebody asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "io-stats.h"

static uint64_t load(const _Atomic uint64_t *v)
{
    return atomic_load_explicit((_Atomic uint64_t *)v, memory_order_relaxed);
}

void ios_file_unref(struct ios_file *f)
{
    /* Release what this thread wrote, acquire what the others did. */
    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    free(f->path);
    free(f);
}

static struct ios_file *file_ref(struct ios_file *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

struct ios_file *ios_file_of(struct ios *s, struct inode *in)
{
    struct ios_file *f = inode_ctx(in, s->xl), *there;

    if (f || gfid_is_root(in->gfid)) /* stock does not list the root */
        return f;
    f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    atomic_init(&f->refs, 1);
    f->gfid = in->gfid;
    there = inode_ctx_set(in, s->xl, f);
    if (there != f)
        free(f);
    return there;
}

/* ---- the lists --------------------------------------------------------------------------------------------------------------- */

/* The place of the smallest value. */
static unsigned int last_locked(const struct ios_list *l, enum ios_top top)
{
    unsigned int last = 0;

    for (unsigned int i = 1; i < l->n; i++)
        if (load(&l->file[i]->rank[top].value) < load(&l->file[last]->rank[top].value))
            last = i;
    return last;
}

static void put_locked(struct ios_list *l, enum ios_top top, unsigned int at, struct ios_file *f)
{
    l->file[at] = file_ref(f);
    atomic_store_explicit(&f->rank[top].listed, true, memory_order_relaxed);
}

static void enter_locked(struct ios_list *l, enum ios_top top, struct ios_file *f, uint64_t value)
{
    unsigned int last;

    if (atomic_load_explicit(&f->rank[top].listed, memory_order_relaxed))
        return;
    if (l->n < TOP_MAX) {
        put_locked(l, top, l->n++, f);
    } else {
        last = last_locked(l, top);
        if (load(&l->file[last]->rank[top].value) < value) {
            atomic_store_explicit(&l->file[last]->rank[top].listed, false, memory_order_relaxed);
            ios_file_unref(l->file[last]);
            put_locked(l, top, last, f);
        }
    }
    if (l->n == TOP_MAX)
        atomic_store_explicit(&l->floor, load(&l->file[last_locked(l, top)]->rank[top].value), memory_order_relaxed);
}

static void enter(struct ios *s, struct ios_file *f, enum ios_top top, uint64_t value)
{
    struct ios_list *l = &s->top[top];

    if (atomic_load_explicit(&f->rank[top].listed, memory_order_relaxed) || value <= load(&l->floor))
        return;
    SCOPED_LOCK(&s->lock);
    enter_locked(l, top, f, value);
}

void ios_bump(struct ios *s, struct inode *in, enum ios_top top)
{
    struct ios_file *f = ios_file_of(s, in);
    uint64_t value;

    if (!f)
        return;
    value = atomic_fetch_add_explicit(&f->rank[top].value, 1, memory_order_relaxed) + 1;
    atomic_store_explicit(&f->rank[top].stamp_ns, clock_ns(), memory_order_relaxed);
    enter(s, f, top, value);
}

void ios_note_speed(struct ios *s, struct inode *in, enum ios_top top, uint64_t bytes, uint64_t ns)
{
    struct ios_file *f = ios_file_of(s, in);
    uint64_t speed = (uint64_t)((double)bytes * 1e9 / (double)max_of(ns, (uint64_t)1));
    struct timespec now;

    if (!f || speed <= load(&f->rank[top].value))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    SCOPED_LOCK(&s->lock);
    struct ios_rank *r = &f->rank[top];
    if (speed <= load(&r->value))
        return;
    atomic_store_explicit(&r->value, speed, memory_order_relaxed);
    atomic_store_explicit(&r->stamp_ns, clock_ns(), memory_order_relaxed);
    r->sec = now.tv_sec;
    r->usec = now.tv_nsec / 1000;
    if (speed > load(&s->top[top].floor))
        enter_locked(&s->top[top], top, f, speed);
}

bool ios_is_listed(struct ios *s, const struct inode *in)
{
    const struct ios_file *f = inode_ctx(in, s->xl);

    for (unsigned int t = 0; f && t < NR_TOPS; t++)
        if (atomic_load_explicit(&f->rank[t].listed, memory_order_relaxed))
            return true;
    return false;
}

/* Later nobody can say what it was called. */
void ios_note_removed(struct ios *s, const struct inode *in, const char *parent, size_t len, const char *name)
{
    struct ios_file *f = inode_ctx(in, s->xl);
    char *path = malloc(len + strlen(name) + 2);

    if (!f || !path) {
        free(path);
        return;
    }
    sprintf(path, "%.*s%s%s", (int)len, parent, len && parent[len - 1] == '/' ? "" : "/", name);
    SCOPED_LOCK(&s->lock);
    free(f->path);
    f->path = path;
}

void ios_note_open(struct ios *s, int change)
{
    int64_t open = atomic_fetch_add_explicit(&s->open, change, memory_order_relaxed) + change;

    if (open <= atomic_load_explicit(&s->open_max, memory_order_relaxed))
        return;
    SCOPED_LOCK(&s->lock);
    if (open > atomic_load_explicit(&s->open_max, memory_order_relaxed)) {
        atomic_store_explicit(&s->open_max, open, memory_order_relaxed);
        clock_gettime(CLOCK_REALTIME, &s->open_max_at);
    }
}

void ios_clear_top(struct ios *s)
{
    SCOPED_LOCK(&s->lock);
    for (unsigned int t = 0; t < NR_TOPS; t++) {
        struct ios_list *l = &s->top[t];
        for (unsigned int i = 0; i < l->n; i++) {
            atomic_store_explicit(&l->file[i]->rank[t].value, 0, memory_order_relaxed);
            atomic_store_explicit(&l->file[i]->rank[t].listed, false, memory_order_relaxed);
            ios_file_unref(l->file[i]);
        }
        l->n = 0;
        atomic_store_explicit(&l->floor, 0, memory_order_relaxed);
    }
    atomic_store_explicit(&s->open_max, counter_get(&s->open), memory_order_relaxed);
    s->open_max_at = (struct timespec){0};
}

/* ---- the order ---------------------------------------------------------------------------------------------------------------- */

uint64_t ios_shown(enum ios_top top, uint64_t value)
{
    return top == TOP_READ_PERF || top == TOP_WRITE_PERF ? value / 1000000 : value;
}

struct place {
    struct ios_file *file;
    uint64_t value, stamp_ns;
};

static int better(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return x->stamp_ns > y->stamp_ns ? -1 : x->stamp_ns < y->stamp_ns;
}

unsigned int ios_ranking(struct ios *s, enum ios_top top, struct ios_file **to)
{
    struct place place[TOP_MAX];
    unsigned int n;

    pthread_mutex_lock(&s->lock);
    n = s->top[top].n;
    for (unsigned int i = 0; i < n; i++) {
        struct ios_file *f = s->top[top].file[i];
        place[i] = (struct place){file_ref(f), ios_shown(top, load(&f->rank[top].value)), load(&f->rank[top].stamp_ns)};
    }
    pthread_mutex_unlock(&s->lock);
    qsort(place, n, sizeof(place[0]), better);
    for (unsigned int i = 0; i < n; i++)
        to[i] = place[i].file;
    return n;
}
