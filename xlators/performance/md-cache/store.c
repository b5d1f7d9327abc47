/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What is known of an object: attributes and extended attributes, each until a time, and not beyond the object's next change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "md-cache.h"

/* ---- the object ---------------------------------------------------------------------------------------------------------- */

struct mdc_inode *mdc_inode_make(struct mdc *m, struct inode *in)
{
    struct mdc_inode *mi = inode_ctx(in, m->xl), *set;

    if (mi)
        return mi;
    mi = calloc(1, sizeof(*mi));
    if (!mi)
        return NULL;
    pthread_mutex_init(&mi->lock, NULL);
    fresh_init(&m->clock, &mi->fresh);
    set = inode_ctx_set(in, m->xl, mi);
    if (set != mi)
        mdc_inode_free(mi);
    return set;
}

void mdc_inode_free(struct mdc_inode *mi)
{
    dict_unref(mi->xattrs);
    pthread_mutex_destroy(&mi->lock);
    free(mi);
}

uint64_t mdc_now(struct mdc *m)
{
    return fresh_now(&m->clock);
}

static uint64_t lifetime_ms(const struct mdc *m) /* 0: nothing is kept */
{
    return mdc_is(&m->pass_through) ? 0 : (uint64_t)__atomic_load_n(&m->timeout_s, __ATOMIC_RELAXED) * 1000;
}

static uint64_t until(const struct mdc *m)
{
    return clock_ms() + lifetime_ms(m);
}

/* Who unlinks says a name and not which object: it is one that has more names, or is open, or nobody will ask for it any more. */
static bool may_have_lost_a_name(struct mdc *m, const struct inode *in, const struct mdc_inode *mi)
{
    return mi->stat_at < atomic_load(&m->unlinked_at) && !S_ISDIR(mi->stat.mode) &&
           (mi->stat.nlink != 1 || atomic_load_explicit(&in->fd_count, memory_order_relaxed) > 0); /* the caller's own, if it matters */
}

static bool has_stat_locked(struct mdc *m, const struct inode *in, const struct mdc_inode *mi)
{
    return mi->stat.mode && fresh_is_of_now(&m->clock, mi->stat_at) && clock_ms() < mi->stat_until_ms && !may_have_lost_a_name(m, in, mi);
}

static void drop_stat_locked(struct mdc_inode *mi)
{
    mi->stat.mode = 0;
    mi->before.mode = 0;
}

static void drop_xattrs_locked(struct mdc_inode *mi)
{
    dict_unref(mi->xattrs);
    mi->xattrs = NULL;
    mi->xattr_bytes = 0;
}

/* ---- attributes ---------------------------------------------------------------------------------------------------------- */

static bool same_data(const struct iatt *a, const struct iatt *b)
{
    return a->size == b->size && a->mtime == b->mtime && a->mtime_nsec == b->mtime_nsec;
}

/* Nobody of ours has changed it, and yet it has changed: who keeps its data above us is told as if the brick had. */
static void tell_above(struct mdc *m, const struct iatt *st)
{
    struct upcall u = {.kind = UPCALL_INVALIDATE, .gfid = st->gfid, .flags = 0x18 /* size and times */, .stat = *st};

    xlator_notify_up(m->xl, EVENT_UPCALL, &u);
}

static bool put_stat_locked(struct mdc *m, struct mdc_inode *mi, const struct iatt *st, uint64_t at)
{
    const struct iatt *known = mi->stat.mode ? &mi->stat : &mi->before;
    bool news = known->mode && !same_data(known, st) && (st->mode & S_IFMT) == S_IFREG;

    mi->stat = mi->before = *st;
    mi->stat_at = at;
    mi->stat_until_ms = until(m);
    return news;
}

void mdc_keep_stat(struct mdc *m, struct inode *in, const struct iatt *st, uint64_t asked)
{
    struct mdc_inode *mi = in && st->mode && lifetime_ms(m) ? mdc_inode_make(m, in) : NULL;
    bool kept, news = false;

    if (!mi || !gfid_equal(st->gfid, in->gfid))
        return;
    pthread_mutex_lock(&mi->lock);
    kept = fresh_may_keep(&m->clock, &mi->fresh, asked);
    if (kept)
        news = put_stat_locked(m, mi, st, asked);
    pthread_mutex_unlock(&mi->lock);
    counter_add(kept ? &m->kept : &m->not_kept, 1);
    if (news && mdc_is(&m->tell_above))
        tell_above(m, st);
}

bool mdc_have_stat(struct mdc *m, struct inode *in, struct iatt *ret)
{
    struct mdc_inode *mi = in ? inode_ctx(in, m->xl) : NULL;
    bool has = false;

    if (mi) {
        SCOPED_LOCK(&mi->lock);
        has = has_stat_locked(m, in, mi) && lifetime_ms(m);
        if (has)
            *ret = mi->stat;
    }
    counter_add(has ? &m->stat_hit : &m->stat_miss, 1);
    return has;
}

/* ---- extended attributes ------------------------------------------------------------------------------------------------- */

static bool has_xattrs_locked(struct mdc *m, const struct mdc_inode *mi)
{
    return mi->xattrs && fresh_is_of_now(&m->clock, mi->xattr_at) && clock_ms() < mi->xattr_until_ms;
}

/* Ready to take more, of what was asked at `asked`: what is there from before stays if it is good, and ages with its oldest part. The
 * dict is ours alone: readers get copies. */
static bool open_xattrs_locked(struct mdc *m, struct mdc_inode *mi, uint64_t asked)
{
    if (!fresh_may_keep(&m->clock, &mi->fresh, asked))
        return false;
    if (has_xattrs_locked(m, mi)) {
        mi->xattr_at = min_of(mi->xattr_at, asked);
        return true;
    }
    drop_xattrs_locked(mi);
    mi->xattrs = dict_new();
    mi->xattr_at = asked;
    mi->xattr_until_ms = until(m);
    return mi->xattrs != NULL;
}

static void put_xattr_locked(struct mdc_inode *mi, const char *name, const struct dict_pair *pair)
{
    size_t bytes = strlen(name) + (pair ? pair->len : 0) + sizeof(*pair);

    if (mi->xattr_bytes + bytes > XATTR_BYTES_MAX ||
        (pair ? dict_set(mi->xattrs, name, pair->type, pair->value, pair->len) : dict_set_i64(mi->xattrs, name, 0)) < 0) {
        dict_remove(mi->xattrs, name); /* not known, then */
        return;
    }
    mi->xattr_bytes += bytes; /* a value that is replaced counts twice: the bound is one on effort, too */
}

static bool is_absence(const struct dict_pair *p)
{
    return p->type == DICT_SIGNED;
}

void mdc_keep_xattrs(struct mdc *m, struct inode *in, const struct dict *d, const struct mdc_names *names, uint64_t asked)
{
    struct mdc_inode *mi = in && lifetime_ms(m) ? mdc_inode_make(m, in) : NULL;

    if (!mi)
        return;
    SCOPED_LOCK(&mi->lock);
    if (!open_xattrs_locked(m, mi, asked))
        return;
    for (unsigned int i = 0; i < dict_count(d); i++) {
        const struct dict_pair *p = dict_at(d, i);

        if (!is_absence(p) && (!names || mdc_names_has(names, p->key)))
            put_xattr_locked(mi, p->key, p);
    }
    for (unsigned int i = 0; names && i < names->n; i++)
        if (!strchr(names->name[i], '*') && !dict_find(d, names->name[i]))
            put_xattr_locked(mi, names->name[i], NULL);
}

void mdc_keep_no_xattr(struct mdc *m, struct inode *in, const char *name, uint64_t asked)
{
    struct mdc_inode *mi = in && lifetime_ms(m) ? mdc_inode_make(m, in) : NULL;

    if (!mi)
        return;
    SCOPED_LOCK(&mi->lock);
    if (open_xattrs_locked(m, mi, asked))
        put_xattr_locked(mi, name, NULL);
}

int mdc_have_xattr(struct mdc *m, struct inode *in, const char *name, struct dict **ret)
{
    struct mdc_inode *mi = in ? inode_ctx(in, m->xl) : NULL;
    const struct dict_pair *p = NULL;
    int r = 0;

    if (mi) {
        SCOPED_LOCK(&mi->lock);
        p = has_xattrs_locked(m, mi) && lifetime_ms(m) ? dict_find(mi->xattrs, name) : NULL;
        if (p && is_absence(p)) {
            r = -ENODATA;
        } else if (p && (*ret = dict_new())) {
            r = 1;
            if (dict_set(*ret, name, p->type, p->value, p->len) < 0) {
                dict_unref(*ret);
                r = 0;
            }
        }
    }
    counter_add(r > 0 ? &m->xattr_hit : r < 0 ? &m->no_xattr_hit : &m->xattr_miss, 1);
    return r;
}

/* ---- changes ------------------------------------------------------------------------------------------------------------- */

static void forget_what_changes_locked(struct mdc_inode *mi, unsigned int what)
{
    drop_stat_locked(mi); /* its change time, at least */
    if (what & CHANGES_XATTRS) {
        drop_xattrs_locked(mi);
    } else if (what & CHANGES_DATA && mi->xattrs) {
        const struct dict_pair *p = dict_find(mi->xattrs, "security.capability");

        if (p && !is_absence(p))
            dict_remove(mi->xattrs, "security.capability");
    }
}

uint64_t mdc_change_begins(struct mdc *m, struct inode *in, unsigned int what)
{
    struct mdc_inode *mi = in ? mdc_inode_make(m, in) : NULL;

    if (!mi)
        return 0;
    SCOPED_LOCK(&mi->lock);
    forget_what_changes_locked(mi, what);
    return fresh_begin(&m->clock, &mi->fresh);
}

void mdc_change_ends(struct mdc *m, struct inode *in, unsigned int what, uint64_t began, const struct iatt *after)
{
    struct mdc_inode *mi = in && began ? inode_ctx(in, m->xl) : NULL;
    bool alone;

    if (!mi)
        return;
    SCOPED_LOCK(&mi->lock);
    alone = fresh_end(&m->clock, &mi->fresh, began);
    forget_what_changes_locked(mi, what);
    if (alone && after && after->mode && gfid_equal(after->gfid, in->gfid) && lifetime_ms(m)) {
        put_stat_locked(m, mi, after, mi->fresh.changed_at);
        counter_add(&m->kept, 1);
    }
}

void mdc_made(struct mdc *m, struct inode *in, const struct iatt *st, uint64_t asked)
{
    struct mdc_inode *mi = in ? mdc_inode_make(m, in) : NULL;
    bool good;

    if (!mi)
        return;
    SCOPED_LOCK(&mi->lock);
    good = fresh_may_keep(&m->clock, &mi->fresh, asked);
    fresh_changed(&m->clock, &mi->fresh);
    forget_what_changes_locked(mi, CHANGES_STAT | CHANGES_DATA);
    if (good && st->mode && gfid_equal(st->gfid, in->gfid) && lifetime_ms(m)) {
        put_stat_locked(m, mi, st, mi->fresh.changed_at);
        counter_add(&m->kept, 1);
    }
}

void mdc_unlinked(struct mdc *m)
{
    atomic_store(&m->unlinked_at, fresh_tick(&m->clock));
}

void mdc_changed_unknown(struct mdc *m)
{
    fresh_changed_unknown(&m->clock);
}

void mdc_changed(struct mdc *m, struct inode *in)
{
    struct mdc_inode *mi = mdc_inode_make(m, in); /* an answer that is on its way may have been made before the change */

    if (!mi)
        return;
    SCOPED_LOCK(&mi->lock);
    fresh_changed(&m->clock, &mi->fresh);
    forget_what_changes_locked(mi, CHANGES_STAT | CHANGES_XATTRS);
}

void mdc_drop_all(struct mdc *m)
{
    fresh_drop_all(&m->clock);
    pthread_mutex_lock(&m->lock);
    m->space_until_ms = 0;
    pthread_mutex_unlock(&m->lock);
    counter_add(&m->dropped, 1);
}
