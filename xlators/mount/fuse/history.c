/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* --event-history: the last operations that came back, for `.meta/root/history` and the statedump. */
#include <stdlib.h>
#include <time.h>

#include "mount-impl.h"
#include "statedump.h"

#define EVENTS 1024

struct event {
    struct timespec when;
    uint64_t unique;
    enum fop_op op;
    int32_t ret, err;
    gfid_t gfid;
};
struct history {
    pthread_mutex_t lock; /* guards the rest */
    uint64_t n;           /* noted so far; the last EVENTS of them are there */
    struct event events[EVENTS];
};

struct history *history_new(void)
{
    struct history *h = calloc(1, sizeof(*h));

    if (h)
        pthread_mutex_init(&h->lock, NULL);
    return h;
}

void history_free(struct history *h)
{
    if (h)
        pthread_mutex_destroy(&h->lock);
    free(h);
}

void history_note(struct history *h, const struct vop *op)
{
    const struct vnode *vn = op->file ? vfile_node(op->file) : op->node ? op->node : op->out_node ? op->out_node : op->parent;
    struct event e = {.unique = op->unique, .op = op->fop->op, .ret = op->fop->ret, .err = op->fop->err};

    clock_gettime(CLOCK_REALTIME, &e.when);
    if (vn)
        e.gfid = vnode_gfid(vn);
    SCOPED_LOCK(&h->lock);
    h->events[h->n++ % EVENTS] = e;
}

void history_dump(struct history *h, struct dump *d)
{
    SCOPED_LOCK(&h->lock);
    for (uint64_t i = h->n > EVENTS ? h->n - EVENTS : 0; i < h->n; i++) {
        const struct event *e = &h->events[i % EVENTS];
        char when[32], gfid[GFID_TEXT];
        struct tm tm;

        gmtime_r(&e->when.tv_sec, &tm);
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
        dump_kv(d, "TIME", "%s.%06ld +0000", when, e->when.tv_nsec / 1000);
        dump_kv(d, "message", "[0] op_ret: %d, op_errno: %d, %llu: %s() => gfid: %s", e->ret, e->err, (unsigned long long)e->unique,
                fop_name(e->op), gfid_text(e->gfid, gfid));
    }
}
