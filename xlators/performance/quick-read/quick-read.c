/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* performance/quick-read: a LOOKUP by name brings the content of a small file with it, and READs are answered from that for a second. Spec
 * brick 6.1.
 *
 * Whether the caller may read is not decided here: OPEN passes by, to the brick, or to open-behind, which knows whom it need not ask for.
 * When content is kept: freshness.h. What has been kept for long makes room for more (cache-size).
 * Content that nobody reads (ls -l) costs the brick a read and the wire its bytes. So it is asked for on credit: each answer with content
 * takes one, each file that was read from memory gives some; without credit one in SAMPLE look-ups still asks.
 *
 * Threads  Any. qr.lock guards all contents; nothing is called under it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "freshness.h"
#include "graph.h"
#include "performance-types.h"
#include "process.h"

#define CONTENT "glusterfs.content"
#define CREDIT_START 64
#define CREDIT_MAX 512
#define CREDIT_OF_READ 8
#define SAMPLE 16

struct qr_inode { /* qr.lock */
    struct fresh fresh;
    struct slice content;          /* a reference; at NULL: none. An empty file has a slice of length 0 */
    bool has, read;                /* read: since it came */
    struct iatt stat;
    uint64_t asked, until_ms;
    struct qr_inode *prev, *next;  /* qr.first, the oldest */
};

struct qr {
    /* options, live */
    bool there, heeds, by_ctime;
    char *priority;
    uint64_t size_max, file_max;
    int64_t timeout_s;

    struct xlator *xl;
    struct fresh_clock clock;
    pthread_mutex_t lock;          /* guards what follows */
    bool lock_made;
    struct qr_inode *first, *last;
    uint64_t bytes;
    int credit;
    unsigned int sampled;
    counter_t hits, misses, fetched, evicted, dropped;
};

#define LIVE .flags = OPTION_LIVE
static const struct option qr_options[] = {
    OPT_BOOL("quick-read", struct qr, there, false, "stock's word for its being in the graph; nothing to set", LIVE | OPTION_NO_EFFECT),
    OPT_STR("priority", struct qr, priority, NULL, "stock's patterns of what is kept longer: the oldest goes first here",
             LIVE | OPTION_NO_EFFECT),
    OPT_SIZE("cache-size", struct qr, size_max, "128MB", 0, 0x1p62, "bytes of all contents", LIVE),
    OPT_INT("cache-timeout", struct qr, timeout_s, "1", 0, 86400, "seconds for which content is believed; 0: none is kept", LIVE),
    OPT_SIZE("max-file-size", struct qr, file_max, "64KB", 0, 1024000, "the largest file whose content comes with its name", LIVE),
    OPT_BOOL("quick-read-cache-invalidation", struct qr, heeds, false, "the brick's notices: they are always heeded",
             LIVE | OPTION_NO_EFFECT),
    OPT_BOOL("ctime-invalidation", struct qr, by_ctime, false, "content is never revalidated by times, but asked for again",
             LIVE | OPTION_NO_EFFECT),
};

static uint64_t lifetime_ms(const struct qr *q)
{
    return (uint64_t)__atomic_load_n(&q->timeout_s, __ATOMIC_RELAXED) * 1000;
}

static uint64_t size_of(const uint64_t *option)
{
    return __atomic_load_n(option, __ATOMIC_RELAXED);
}

/* ---- contents ------------------------------------------------------------------------------------------------------------ */

static struct qr_inode *inode_of(struct qr *q, struct inode *in)
{
    struct qr_inode *qi = inode_ctx(in, q->xl), *set;

    if (qi)
        return qi;
    qi = calloc(1, sizeof(*qi));
    if (!qi)
        return NULL;
    fresh_init(&q->clock, &qi->fresh);
    set = inode_ctx_set(in, q->xl, qi);
    if (set != qi)
        free(qi);
    return set;
}

static void drop_locked(struct qr *q, struct qr_inode *qi)
{
    if (!qi->has)
        return;
    *(qi->prev ? &qi->prev->next : &q->first) = qi->next;
    *(qi->next ? &qi->next->prev : &q->last) = qi->prev;
    qi->prev = qi->next = NULL;
    q->bytes -= qi->content.len;
    slice_done(&qi->content);
    qi->has = false;
}

static void keep(struct qr *q, struct inode *in, const struct dict_pair *p, const struct iatt *st, uint64_t asked)
{
    struct qr_inode *qi = inode_of(q, in);
    struct slice s = {0};

    if (p->len) {
        s = slice_new(q->xl->graph->process->env.bufs, p->len);
        if (!s.buf)
            return;
        memcpy(s.at, p->value, p->len);
    }
    counter_add(&q->fetched, 1);
    pthread_mutex_lock(&q->lock);
    q->credit -= q->credit > 0;
    if (qi && fresh_may_keep(&q->clock, &qi->fresh, asked)) {
        drop_locked(q, qi);
        qi->content = s;
        qi->has = true;
        qi->read = false;
        qi->stat = *st;
        qi->asked = asked;
        qi->until_ms = clock_ms() + lifetime_ms(q);
        qi->prev = q->last;
        *(q->last ? &q->last->next : &q->first) = qi;
        q->last = qi;
        q->bytes += s.len;
        s = (struct slice){0};
        while (q->bytes > size_of(&q->size_max) && q->first) {
            drop_locked(q, q->first);
            counter_add(&q->evicted, 1);
        }
    }
    pthread_mutex_unlock(&q->lock);
    slice_done(&s);
}

static bool give_locked(struct qr *q, struct qr_inode *qi, struct fop *fop)
{
    uint64_t at = fop->in.read.offset, n;

    if (!qi->has)
        return false;
    if (!fresh_is_of_now(&q->clock, qi->asked) || clock_ms() >= qi->until_ms) {
        drop_locked(q, qi);
        return false;
    }
    n = at < qi->content.len ? min_of((uint64_t)fop->in.read.size, (uint64_t)qi->content.len - at) : 0;
    if (n && slicev_add(&fop->out.data, slice_part(qi->content, at, n)) < 0)
        return false;
    fop->out.stat = qi->stat;
    fop->ret = (int32_t)n;
    fop->err = at + n >= qi->content.len ? ENOENT : 0; /* the end mark */
    if (!qi->read)
        q->credit = min_of(q->credit + CREDIT_OF_READ, CREDIT_MAX);
    qi->read = true;
    return true;
}

/* ---- operations ---------------------------------------------------------------------------------------------------------- */

struct asked {
    struct qr *q;
    uint64_t at, began;
    struct inode *in;  /* the fop's */
};

static struct asked *ask(struct xlator *xl, struct fop *fop)
{
    struct asked *a = fop_alloc(fop, sizeof(*a));

    if (a)
        *a = (struct asked){.q = xl->priv, .at = fresh_now(&((struct qr *)xl->priv)->clock)};
    else
        fop_fail(fop, ENOMEM);
    return a;
}

static bool wants_content(struct qr *q, const struct fop *fop)
{
    if (!fop->loc.name[0] || !lifetime_ms(q) || !size_of(&q->file_max) || !size_of(&q->size_max) || dict_find(fop->xdata, CONTENT))
        return false;
    SCOPED_LOCK(&q->lock);
    return q->credit > 0 || ++q->sampled % SAMPLE == 0;
}

static void looked_up(struct fop *child, void *ctx)
{
    struct asked *a = ctx;
    const struct iatt *st = &child->out.stat;
    const struct dict_pair *p = child->ret >= 0 ? dict_find(child->xdata_out, CONTENT) : NULL;

    if (p && child->out.inode && S_ISREG(st->mode) && p->len == st->size && p->len <= size_of(&a->q->file_max))
        keep(a->q, child->out.inode, p, st, a->at);
    if (p)
        dict_remove(child->xdata_out, CONTENT); /* nobody above has asked */
    fop_adopt(child);
}

static void qr_lookup(struct xlator *xl, struct fop *fop)
{
    struct qr *q = xl->priv;
    struct fop *child;
    struct asked *a;

    if (!wants_content(q, fop)) {
        fop_pass(xl, fop);
        return;
    }
    a = ask(xl, fop);
    if (!a)
        return;
    child = fop_child_with(fop, fop_xdata_copy(fop), looked_up, a);
    if (!child || dict_set_u64(child->xdata, CONTENT, size_of(&q->file_max)) < 0) {
        fop_free(child);
        fop_pass(xl, fop);
        return;
    }
    fop_submit(xl->child, child);
}

static void qr_read(struct xlator *xl, struct fop *fop)
{
    struct qr *q = xl->priv;
    struct qr_inode *qi = fop->fd ? inode_ctx(fop->fd->inode, xl) : NULL;
    bool given = false;

    if (qi && !(fop->fd->flags & O_DIRECT) && (fop->fd->flags & O_ACCMODE) != O_WRONLY && !fop->fd->anonymous) {
        SCOPED_LOCK(&q->lock);
        given = give_locked(q, qi, fop);
    }
    counter_add(given ? &q->hits : &q->misses, 1);
    if (given)
        fop_complete(fop, fop->ret, fop->err);
    else
        fop_pass(xl, fop);
}

static void changed(struct fop *fop, void *ctx)
{
    struct asked *a = ctx;
    struct qr_inode *qi = a->in ? inode_ctx(a->in, a->q->xl) : NULL;

    if (qi) {
        SCOPED_LOCK(&a->q->lock);
        fresh_end(&a->q->clock, &qi->fresh, a->began);
        drop_locked(a->q, qi);
    }
    fop_complete(fop, fop->ret, fop->err);
}

/* Its content is another from now on, or may be. */
static void qr_change(struct xlator *xl, struct fop *fop)
{
    struct qr *q = xl->priv;
    struct inode *in = fop->fd ? fop->fd->inode : fop->loc.inode;
    struct qr_inode *qi;
    struct asked *a;

    if (fop->op == FOP_COPY_FILE_RANGE)
        in = fop->fd2 ? fop->fd2->inode : fop->loc2.inode;
    if (!in || (fop->op == FOP_OPEN && !(fop->in.open.flags & O_TRUNC))) {
        fop_pass(xl, fop);
        return;
    }
    qi = inode_of(q, in);
    if (!qi) {
        fop_fail(fop, ENOMEM);
        return;
    }
    a = ask(xl, fop);
    if (!a)
        return;
    a->in = in;
    {
        SCOPED_LOCK(&q->lock);
        a->began = fresh_begin(&q->clock, &qi->fresh);
        drop_locked(q, qi);
    }
    fop_push(fop, changed, a);
    fop_pass(xl, fop);
}

static void inode_changed(struct qr *q, struct inode *in)
{
    struct qr_inode *qi = inode_of(q, in);

    if (qi) {
        SCOPED_LOCK(&q->lock);
        fresh_changed(&q->clock, &qi->fresh);
        drop_locked(q, qi);
    }
}

/* CREATE: of a file that was there already, perhaps cut. LK: who has waited for it wants to see what was written meanwhile. */
static void changed_after(struct fop *fop, void *ctx)
{
    struct inode *in = fop->op == FOP_CREATE ? fop->out.inode : fop->fd ? fop->fd->inode : fop->loc.inode;

    if (fop->ret >= 0 && in)
        inode_changed(ctx, in);
    fop_complete(fop, fop->ret, fop->err);
}

static void qr_create_or_lk(struct xlator *xl, struct fop *fop)
{
    if (fop->op == FOP_CREATE || (fop->in.lk.cmd != LK_GET && fop->in.lk.flock.type != RANGE_UNLOCK))
        fop_push(fop, changed_after, xl->priv);
    fop_pass(xl, fop);
}

/* ---- life ---------------------------------------------------------------------------------------------------------------- */

static int qr_init(struct xlator *xl, struct err *err)
{
    struct qr *q = xl->priv;

    q->xl = xl;
    q->credit = CREDIT_START;
    pthread_mutex_init(&q->lock, NULL);
    q->lock_made = true;
    return 0;
}

static void qr_fini(struct xlator *xl)
{
    struct qr *q = xl->priv;

    if (q->lock_made)
        pthread_mutex_destroy(&q->lock);
}

static void heed(struct qr *q, const struct upcall *u)
{
    struct inode *in = inode_find(q->xl->graph->inodes, u->gfid);

    counter_add(&q->dropped, 1);
    if (in)
        inode_changed(q, in);
    else
        fresh_changed_unknown(&q->clock);
    inode_unref(in);
}

static void qr_notify(struct xlator *xl, enum xlator_event event, void *data)
{
    struct qr *q = xl->priv;
    const struct upcall *u = data;

    if (event == EVENT_PARENT_UP || event == EVENT_PARENT_DOWN || event == EVENT_RELOAD) {
        xlator_notify_down(xl, event, data);
        return;
    }
    if (event == EVENT_CHILD_UP || event == EVENT_CHILD_DOWN)
        fresh_drop_all(&q->clock);
    else if (event == EVENT_UPCALL && u->kind == UPCALL_INVALIDATE && !gfid_is_null(u->gfid))
        heed(q, u);
    xlator_notify_up(xl, event, data);
}

static void qr_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    struct qr *q = xl->priv;

    pthread_mutex_lock(&q->lock);
    drop_locked(q, ctx);
    pthread_mutex_unlock(&q->lock);
    free(ctx);
}

static void qr_dump(struct xlator *xl, struct dump *d)
{
    struct qr *q = xl->priv;

    pthread_mutex_lock(&q->lock);
    uint64_t bytes = q->bytes;
    int credit = q->credit;
    pthread_mutex_unlock(&q->lock);
    dump_kv(d, "total_size_used", "%llu", (unsigned long long)bytes);
    dump_kv(d, "max_file_size", "%llu", (unsigned long long)size_of(&q->file_max));
    dump_kv(d, "credit", "%d", credit);
    dump_kv(d, "cache-hit", "%lld", (long long)counter_get(&q->hits));
    dump_kv(d, "cache-miss", "%lld", (long long)counter_get(&q->misses));
    dump_kv(d, "contents-fetched", "%lld", (long long)counter_get(&q->fetched));
    dump_kv(d, "contents-evicted", "%lld", (long long)counter_get(&q->evicted));
    dump_kv(d, "notices", "%lld", (long long)counter_get(&q->dropped));
}

const struct xlator_type quick_read_type = {
    .name = "performance/quick-read",
    .options = qr_options,
    .nr_options = array_len(qr_options),
    .priv_size = sizeof(struct qr),
    .inode_slot = true,
    .init = qr_init,
    .fini = qr_fini,
    .notify = qr_notify,
    .forget = qr_forget,
    .dump = qr_dump,
    .on =
        {
            [FOP_LOOKUP] = qr_lookup,
            [FOP_READ] = qr_read,
            [FOP_CREATE] = qr_create_or_lk,
            [FOP_LK] = qr_create_or_lk,
            [FOP_OPEN] = qr_change,
            [FOP_WRITE] = qr_change,
            [FOP_TRUNCATE] = qr_change,
            [FOP_FTRUNCATE] = qr_change,
            [FOP_FALLOCATE] = qr_change,
            [FOP_DISCARD] = qr_change,
            [FOP_ZEROFILL] = qr_change,
            [FOP_COPY_FILE_RANGE] = qr_change,
        },
};
