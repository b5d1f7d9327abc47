/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* features/upcall: who has looked at an object lately is told when another client changes it, so that clients may cache for long
 * (spec brick 6.1, wire 8.1).
 *
 *   inode -- struct watched -- struct watcher (one per client): when it was here last
 *
 * A client is a watcher of what it looked at or changed in the last cache-invalidation-timeout seconds. After that it must ask again,
 * so it is forgotten without a word. When the brick forgets the inode, or a watcher for want of room, it says so (CACHE_FORGET): a
 * cache that nobody will invalidate may not live on.
 *
 * Life     A watcher refers to a small record of its client, which outlives the client: client_gone() marks it, and whoever meets a
 *          marked one drops it. So nothing has to be searched for when a client goes.
 * Threads  Any. watched.lock guards the list; notices are sent when it is free again. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "feature-types.h"
#include "graph.h"
#include "log.h"
#include "pool.h"

#define WATCHERS_MAX 1024u /* of one inode: more clients than a brick usually has; 40 KiB of memory */
#define NAMES_MAX 128u     /* attributes of interest: md-cache has a dozen */

enum {
    CACHE_NLINK = 0x1, CACHE_MODE = 0x2, CACHE_OWN = 0x4, CACHE_SIZE = 0x8, CACHE_TIMES = 0x10, CACHE_ATIME = 0x20, CACHE_PERM = 0x40,
    CACHE_RENAMED = 0x80, CACHE_FORGET = 0x100, CACHE_PARENT = 0x200, CACHE_XATTR = 0x400, CACHE_XATTR_GONE = 0x800,
    CACHE_DATA = CACHE_SIZE | CACHE_TIMES,
    CACHE_ATTR = CACHE_MODE | CACHE_OWN | CACHE_SIZE | CACHE_TIMES | CACHE_PERM,
};
#define IPC_TARGET_UPCALL 2

struct who { /* a client, or one that was */
    atomic_uint refs;
    atomic_bool gone;
    char uid[];
};
struct watcher {
    struct watcher *next;
    struct who *who;
    uint64_t seen_ms;
};
struct watched { /* the inode's context */
    pthread_mutex_t lock;
    struct watcher *first; /* the one seen last comes first */
    unsigned int n;
};

struct upcalls {
    bool want;             /* options, live */
    int64_t timeout_s;
    struct xlator *xl;
    pthread_mutex_t names_lock;
    char *names[NAMES_MAX]; /* attributes that clients cache */
    unsigned int nr_names;
    counter_t sent, evicted;
    bool lock_ready;
};

static const struct option upcall_options[] = {
    OPT_BOOL("cache-invalidation", struct upcalls, want, false, "tell clients what others change", .flags = OPTION_LIVE),
    OPT_INT("cache-invalidation-timeout", struct upcalls, timeout_s, "60", 1, 86400, "seconds for which a client counts as interested",
            .flags = OPTION_LIVE),
};

static bool is_on(const struct upcalls *u)
{
    return __atomic_load_n(&u->want, __ATOMIC_RELAXED);
}

static uint64_t timeout_ms(const struct upcalls *u)
{
    return (uint64_t)__atomic_load_n(&u->timeout_s, __ATOMIC_RELAXED) * 1000;
}

/* ---- clients --------------------------------------------------------------------------------------------------------------- */

static void who_unref(struct who *w)
{
    if (w && atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) == 1)
        free(w);
}

static struct who *who_ref(struct who *w)
{
    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

/* The client's own record; it has it until it is gone. NULL: no memory. */
static struct who *who_of(struct upcalls *u, struct client *c)
{
    struct who *w = client_ctx(c, u->xl), *set;

    if (w)
        return w;
    w = calloc(1, sizeof(*w) + strlen(c->uid) + 1);
    if (!w)
        return NULL;
    atomic_init(&w->refs, 1);
    strcpy(w->uid, c->uid);
    set = client_ctx_set(c, u->xl, w);
    if (set != w)
        who_unref(w);
    return set;
}

static bool is_gone(const struct who *w)
{
    return atomic_load_explicit(&w->gone, memory_order_relaxed); /* one notice too many is dropped by the server */
}

/* Its fops are back, and no new one starts: nobody makes or looks up the context any more. */
static void upcall_client_gone(struct xlator *xl, struct client *c)
{
    struct who *w = client_ctx(c, xl);

    if (w) {
        atomic_store_explicit(&w->gone, true, memory_order_relaxed);
        who_unref(w);
    }
}

/* ---- who watches an inode -------------------------------------------------------------------------------------------------- */

static struct watched *watched_of(struct upcalls *u, struct inode *in)
{
    struct watched *w = inode_ctx(in, u->xl), *set;

    if (w)
        return w;
    w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    pthread_mutex_init(&w->lock, NULL);
    set = inode_ctx_set(in, u->xl, w);
    if (set != w) {
        pthread_mutex_destroy(&w->lock);
        free(w);
    }
    return set;
}

static void watcher_free(struct watcher *w)
{
    who_unref(w->who);
    free(w);
}

/* Those who have gone or were not here for long. */
static void tidy_locked(const struct upcalls *u, struct watched *in, uint64_t now)
{
    struct watcher **at = &in->first, *w;

    while ((w = *at)) {
        if (is_gone(w->who) || now - w->seen_ms > timeout_ms(u)) {
            *at = w->next;
            in->n--;
            watcher_free(w);
        } else {
            at = &w->next;
        }
    }
}

/* Notes that `who` was here. The one who was not here for longest makes room: it is returned, to be told. */
static int note_locked(const struct upcalls *u, struct watched *in, struct who *who, struct watcher **ret_evicted)
{
    struct watcher **at = &in->first, *w;
    uint64_t now = clock_ms();

    while ((w = *at) && w->who != who)
        at = &w->next;
    if (w) {
        *at = w->next;
    } else {
        tidy_locked(u, in, now);
        w = calloc(1, sizeof(*w));
        if (!w)
            return -ENOMEM;
        w->who = who_ref(who);
        in->n++;
        if (in->n > WATCHERS_MAX) {
            for (at = &in->first; (*at)->next;)
                at = &(*at)->next;
            *ret_evicted = *at;
            *at = NULL;
            in->n--;
        }
    }
    w->seen_ms = now;
    w->next = in->first;
    in->first = w;
    return 0;
}

/* ---- notices --------------------------------------------------------------------------------------------------------------- */

static void send_notice(struct upcalls *u, const struct who *to, gfid_t gfid, uint32_t flags, const struct upcall *what)
{
    struct upcall up = what ? *what : (struct upcall){0};

    up.kind = UPCALL_INVALIDATE;
    up.client_uid = to->uid;
    up.gfid = gfid;
    up.flags = flags;
    up.expire_s = (uint32_t)(timeout_ms(u) / 1000);
    counter_add(&u->sent, 1);
    xlator_notify_up(u->xl, EVENT_UPCALL, &up);
}

static void watch(struct upcalls *u, struct inode *in, struct client *c)
{
    struct who *who = c && in ? who_of(u, c) : NULL;
    struct watched *w = who ? watched_of(u, in) : NULL;
    struct watcher *evicted = NULL;
    int r = -ENOMEM;

    if (!c || !in)
        return;
    if (w) {
        SCOPED_LOCK(&w->lock);
        r = note_locked(u, w, who, &evicted);
    }
    if (evicted) {
        counter_add(&u->evicted, 1);
        send_notice(u, evicted->who, in->gfid, CACHE_FORGET, NULL);
        watcher_free(evicted);
    }
    if (r < 0 && who)
        send_notice(u, who, in->gfid, CACHE_FORGET, NULL); /* it will not be told of changes: it may not cache */
}

/* Tells the others. what: attributes and xdata of the notice; NULL: none. */
static void tell(struct upcalls *u, struct inode *in, const struct client *but, uint32_t flags, const struct upcall *what)
{
    struct watched *w = in ? inode_ctx(in, u->xl) : NULL;
    const struct who *cause = but ? client_ctx(but, u->xl) : NULL;
    struct who **to = NULL;
    unsigned int n = 0, others = 0;

    if (!w)
        return;
    {
        SCOPED_LOCK(&w->lock);
        tidy_locked(u, w, clock_ms());
        for (struct watcher *at = w->first; at; at = at->next)
            others += at->who != cause;
        to = others ? calloc(others, sizeof(struct who *)) : NULL;
        for (struct watcher *at = w->first; to && at; at = at->next)
            if (at->who != cause)
                to[n++] = who_ref(at->who);
    }
    if (others && !to)
        log_error(u->xl->name, "no memory: %u clients are not told of a change", others);
    for (unsigned int i = 0; i < n; i++) {
        send_notice(u, to[i], in->gfid, flags, what);
        who_unref(to[i]);
    }
    free(to);
}

/* The brick will not know of the object any more, nor of who watched it. */
static void upcall_forget(struct xlator *xl, struct inode *in, void *ctx)
{
    struct upcalls *u = xl->priv;
    struct watched *w = ctx;
    struct watcher *at;
    uint64_t now = clock_ms();

    while ((at = w->first)) {
        w->first = at->next;
        if (!is_gone(at->who) && now - at->seen_ms <= timeout_ms(u) && is_on(u))
            send_notice(u, at->who, in->gfid, CACHE_FORGET, NULL);
        watcher_free(at);
    }
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* ---- attributes of interest ------------------------------------------------------------------------------------------------ */

static bool has_name_locked(const struct upcalls *u, const char *name)
{
    for (unsigned int i = 0; i < u->nr_names; i++)
        if (strcmp(u->names[i], name) == 0)
            return true;
    return false;
}

static int add_names(struct upcalls *u, const struct dict *d)
{
    SCOPED_LOCK(&u->names_lock);

    for (unsigned int i = 0; i < dict_count(d); i++) {
        const char *key = dict_at(d, i)->key;

        if (has_name_locked(u, key))
            continue;
        if (u->nr_names == NAMES_MAX)
            return -ENOSPC;
        u->names[u->nr_names] = strdup(key);
        if (!u->names[u->nr_names])
            return -ENOMEM;
        u->nr_names++;
    }
    return 0;
}

/* Those pairs of d that some client caches; NULL: none. */
static struct dict *of_interest(struct upcalls *u, const struct dict *d)
{
    struct dict *some = NULL;
    SCOPED_LOCK(&u->names_lock);

    for (unsigned int i = 0; i < dict_count(d); i++) {
        const struct dict_pair *p = dict_at(d, i);

        if (!has_name_locked(u, p->key))
            continue;
        if (!some)
            some = dict_new();
        if (!some || dict_set(some, p->key, p->type, p->value, p->len) < 0)
            break;
    }
    return some;
}

/* ---- who looked ------------------------------------------------------------------------------------------------------------ */

/* A caller is noted before its operation is done, where the object is known by then: a change in between then tells it. */

static struct inode *object_of(const struct fop *fop)
{
    return fop->fd ? fop->fd->inode : fop->loc.inode;
}

static void found(struct fop *fop, void *ctx)
{
    struct upcalls *u = ctx;

    if (fop->ret >= 0 && fop->op == FOP_LOOKUP)
        watch(u, fop->out.inode, fop->client);
    for (unsigned int i = 0; fop->ret >= 0 && fop->op == FOP_READDIRP && i < fop->out.nr_entries; i++) {
        gfid_t gfid = fop->out.entries[i].stat.gfid;
        struct inode *in = gfid_is_null(gfid) ? NULL : inode_get(fop->graph->inodes, gfid);

        watch(u, in, fop->client);
        inode_unref(in);
    }
    fop_complete(fop, fop->ret, fop->err);
}

static void upcall_look(struct xlator *xl, struct fop *fop)
{
    if (is_on(xl->priv)) {
        watch(xl->priv, object_of(fop), fop->client);
        if ((fop->op == FOP_LOOKUP && !fop->loc.inode) || fop->op == FOP_READDIRP)
            fop_push(fop, found, xl->priv);
    }
    fop_pass(xl, fop);
}

/* ---- who changed what ------------------------------------------------------------------------------------------------------ */

/* A directory whose entries have changed, with its attributes. */
static void directory_changed(struct upcalls *u, const struct fop *fop, struct inode *dir, const struct iatt *now)
{
    const struct upcall what = {.stat = *now};

    tell(u, dir, fop->client, CACHE_TIMES, &what);
}

static void object_changed(struct upcalls *u, const struct fop *fop, struct inode *in, uint32_t flags, const struct iatt *now)
{
    const struct upcall what = {.stat = *now};

    tell(u, in, fop->client, flags, &what);
}

static void xattrs_changed(struct upcalls *u, const struct fop *fop, const struct dict *names, uint32_t flag)
{
    const struct dict_pair *pre = dict_find(fop->xdata_out, "virt-gf-prestat"), *post = dict_find(fop->xdata_out, "virt-gf-poststat");
    struct upcall what = {.xdata = of_interest(u, names)};
    uint32_t flags = what.xdata ? flag : 0;

    if (post && post->type == DICT_IATT) {
        what.stat = *(const struct iatt *)post->value;
        if (pre && pre->type == DICT_IATT && ((const struct iatt *)pre->value)->mode != what.stat.mode)
            flags |= CACHE_ATTR;
        else if (!flags)
            flags = CACHE_TIMES; /* its ctime, at least */
    }
    if (flags)
        tell(u, object_of(fop), fop->client, flags, &what);
    dict_unref(what.xdata);
}

static void removed(struct upcalls *u, const struct fop *fop)
{
    const struct upcall what = {.parent_stat = fop->out.post};

    tell(u, fop->loc.inode, fop->client, CACHE_NLINK | CACHE_TIMES | CACHE_PARENT, &what);
    directory_changed(u, fop, fop->loc.parent, &fop->out.post);
}

static void renamed(struct upcalls *u, const struct fop *fop)
{
    const struct upcall what = {.stat = fop->out.stat, .parent_stat = fop->out.post2, .old_parent_stat = fop->out.post};
    const struct upcall replaced = {.parent_stat = fop->out.post2};

    tell(u, fop->loc.inode, fop->client, CACHE_RENAMED | CACHE_PARENT, &what);
    if (fop->loc2.inode && fop->loc2.inode != fop->loc.inode)
        tell(u, fop->loc2.inode, fop->client, CACHE_NLINK | CACHE_TIMES | CACHE_PARENT, &replaced);
    directory_changed(u, fop, fop->loc.parent, &fop->out.post);
    if (fop->loc2.parent != fop->loc.parent)
        directory_changed(u, fop, fop->loc2.parent, &fop->out.post2);
}

static void removexattr_done(struct upcalls *u, struct fop *fop)
{
    struct dict *names = fop->in.removexattr.name && *fop->in.removexattr.name ? dict_new() : dict_ref(fop->xdata);

    if (names && names != fop->xdata)
        dict_set_binary(names, fop->in.removexattr.name, "", 0);
    xattrs_changed(u, fop, names, CACHE_XATTR_GONE);
    dict_unref(names);
}

static void changed(struct fop *fop, void *ctx)
{
    struct upcalls *u = ctx;

    switch (fop->ret < 0 ? FOP_NULL : fop->op) {
    case FOP_WRITE:
    case FOP_TRUNCATE:
    case FOP_FTRUNCATE:
    case FOP_FALLOCATE:
    case FOP_DISCARD:
    case FOP_ZEROFILL:
        object_changed(u, fop, object_of(fop), CACHE_DATA, &fop->out.post);
        break;
    case FOP_COPY_FILE_RANGE:
        object_changed(u, fop, fop->fd2 ? fop->fd2->inode : fop->loc2.inode, CACHE_DATA, &fop->out.post);
        break;
    case FOP_SETATTR:
    case FOP_FSETATTR:
        object_changed(u, fop, object_of(fop), CACHE_ATTR, &fop->out.post);
        break;
    case FOP_SETXATTR:
    case FOP_FSETXATTR:
        xattrs_changed(u, fop, fop->in.setxattr.dict, CACHE_XATTR);
        break;
    case FOP_REMOVEXATTR:
    case FOP_FREMOVEXATTR:
        removexattr_done(u, fop);
        break;
    case FOP_XATTROP:
    case FOP_FXATTROP:
        xattrs_changed(u, fop, fop->out.dict, CACHE_XATTR);
        break;
    case FOP_CREATE:
    case FOP_MKNOD:
    case FOP_MKDIR:
    case FOP_SYMLINK:
        watch(u, fop->out.inode, fop->client);
        directory_changed(u, fop, fop->loc.parent, &fop->out.post);
        break;
    case FOP_LINK:
        object_changed(u, fop, fop->loc.inode, CACHE_NLINK | CACHE_TIMES, &fop->out.stat);
        directory_changed(u, fop, fop->loc2.parent, &fop->out.post);
        break;
    case FOP_UNLINK:
    case FOP_RMDIR:
        removed(u, fop);
        break;
    case FOP_RENAME:
        renamed(u, fop);
        break;
    default:
        break;
    }
    fop_complete(fop, fop->ret, fop->err);
}

static void upcall_change(struct xlator *xl, struct fop *fop)
{
    struct inode *const concerned[] = {object_of(fop), fop->fd2 ? fop->fd2->inode : fop->loc2.inode, fop->loc.parent, fop->loc2.parent};

    if (is_on(xl->priv)) {
        for (size_t i = 0; i < array_len(concerned); i++)
            watch(xl->priv, concerned[i], fop->client);
        fop_push(fop, changed, xl->priv);
    }
    fop_pass(xl, fop);
}

static void upcall_ipc(struct xlator *xl, struct fop *fop)
{
    if (fop->in.ipc.op != IPC_TARGET_UPCALL || !is_on(xl->priv)) {
        fop_pass(xl, fop);
        return;
    }
    int r = add_names(xl->priv, fop->xdata);
    if (r < 0)
        fop_fail(fop, -r);
    else
        fop_complete(fop, 0, 0);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

static int upcall_init(struct xlator *xl, struct err *err)
{
    struct upcalls *u = xl->priv;

    u->xl = xl;
    pthread_mutex_init(&u->names_lock, NULL);
    u->lock_ready = true;
    return 0;
}

static void upcall_fini(struct xlator *xl)
{
    struct upcalls *u = xl->priv;

    for (unsigned int i = 0; i < u->nr_names; i++)
        free(u->names[i]);
    if (u->lock_ready)
        pthread_mutex_destroy(&u->names_lock);
}

static void upcall_dump(struct xlator *xl, struct dump *d)
{
    struct upcalls *u = xl->priv;

    dump_kv(d, "cache-invalidation", "%s", is_on(u) ? "on" : "off");
    dump_kv(d, "cache-invalidation-timeout", "%lld", (long long)timeout_ms(u) / 1000);
    dump_kv(d, "notices-sent", "%lld", (long long)counter_get(&u->sent));
    dump_kv(d, "watchers-evicted", "%lld", (long long)counter_get(&u->evicted));
    SCOPED_LOCK(&u->names_lock);
    for (unsigned int i = 0; i < u->nr_names; i++)
        dump_kv(d, "attribute", "%s", u->names[i]);
}

static void upcall_dump_inode(struct xlator *xl, struct inode *in, void *ctx, struct dump *d)
{
    struct watched *w = ctx;
    uint64_t now = clock_ms();
    SCOPED_LOCK(&w->lock);

    for (struct watcher *at = w->first; at; at = at->next)
        dump_kv(d, "watcher", "%s, seen %llu ms ago%s", at->who->uid, (unsigned long long)(now - at->seen_ms),
                is_gone(at->who) ? ", gone" : "");
}

#define LOOKS(op) [FOP_##op] = upcall_look
#define CHANGES(op) [FOP_##op] = upcall_change
const struct xlator_type upcall_type = {
    .name = "features/upcall",
    .options = upcall_options,
    .nr_options = array_len(upcall_options),
    .priv_size = sizeof(struct upcalls),
    .inode_slot = true,
    .client_slot = true,
    .init = upcall_init,
    .fini = upcall_fini,
    .forget = upcall_forget,
    .client_gone = upcall_client_gone,
    .dump = upcall_dump,
    .dump_inode = upcall_dump_inode,
    .on =
        {
            LOOKS(LOOKUP), LOOKS(STAT), LOOKS(FSTAT), LOOKS(OPEN), LOOKS(READ), LOOKS(READLINK), LOOKS(ACCESS), LOOKS(GETXATTR),
            LOOKS(FGETXATTR), LOOKS(OPENDIR), LOOKS(READDIR), LOOKS(READDIRP),
            CHANGES(WRITE), CHANGES(TRUNCATE), CHANGES(FTRUNCATE), CHANGES(FALLOCATE), CHANGES(DISCARD), CHANGES(ZEROFILL),
            CHANGES(COPY_FILE_RANGE), CHANGES(SETATTR), CHANGES(FSETATTR), CHANGES(SETXATTR), CHANGES(FSETXATTR), CHANGES(REMOVEXATTR),
            CHANGES(FREMOVEXATTR), CHANGES(XATTROP), CHANGES(FXATTROP), CHANGES(CREATE), CHANGES(MKNOD), CHANGES(MKDIR),
            CHANGES(SYMLINK), CHANGES(LINK), CHANGES(UNLINK), CHANGES(RMDIR), CHANGES(RENAME),
            [FOP_IPC] = upcall_ipc,
        },
};
