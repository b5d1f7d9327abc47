/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gids.c: see gids.h. A user is in the table from his first look-up on; `looking` while his groups are not known yet. */
#include "gids.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "log.h"
#include "pool.h"
#include "util.h"

#define BUCKETS 1024u
#define PWD_BUFFER_MAX (1u << 20)

struct user {
    uint32_t uid;
    bool looking;
    uint32_t *groups;
    unsigned int n;
    uint64_t expires_ms;
    struct gids_waiter *waiting;
    struct user *hash_next;
    struct user *prev, *next;       /* by use, the longest unused first; while looking: `next` is the queue */
};
struct looker {
    struct job job;
    struct gids *g;
    bool running;
};
struct gids {
    atomic_uint refs;               /* the owner's, and one of each looker that runs */
    struct pool *pool;
    gids_look_up_fn look_up;
    pthread_mutex_t lock;           /* innermost; guards the rest */
    uint64_t timeout_ms;
    uint32_t key;                   /* of the hash: peers choose uids, they shall not choose chains */
    struct user *bucket[BUCKETS];
    struct user *oldest, *newest;
    struct user *queue, **queue_end;
    unsigned int users, bytes, looking;
    struct looker lookers[GIDS_WORKERS];
};

/* ---- what the system knows ----------------------------------------------------------------------------------------------------- */

static int groups_of(const struct passwd *pw, uint32_t **ret, unsigned int *ret_n)
{
    int n = 64, had;
    gid_t *list = NULL, *more;

    _Static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups are kept as they come");
    do {
        had = n;
        more = reallocarray(list, (size_t)n, sizeof(*list));
        if (!more) {
            free(list);
            return -ENOMEM;
        }
        list = more;
        if (getgrouplist(pw->pw_name, pw->pw_gid, list, &n) >= 0) {
            *ret = list;
            *ret_n = (unsigned int)n;
            return 0;
        }
        n = max_of(n, had * 2);
    } while (n <= (int)GIDS_MAX);
    free(list);
    return -E2BIG;
}

int gids_resolve(uint32_t uid, uint32_t **ret, unsigned int *ret_n)
{
    struct passwd pw, *found = NULL;
    size_t size = 4096;
    char *buffer = malloc(size);
    int r = buffer ? getpwuid_r(uid, &pw, buffer, size, &found) : ENOMEM;

    while (r == ERANGE && size < PWD_BUFFER_MAX) {
        size *= 4;
        free(buffer);
        buffer = malloc(size);
        r = buffer ? getpwuid_r(uid, &pw, buffer, size, &found) : ENOMEM;
    }
    if (r == 0)
        r = found ? -groups_of(found, ret, ret_n) : ENOENT;
    free(buffer);
    return -r;
}

/* ---- the table, under the lock --------------------------------------------------------------------------------------------------- */

static struct user **bucket_of(struct gids *g, uint32_t uid)
{
    uint32_t h = (uid ^ g->key) * 0x9e3779b1u;

    return &g->bucket[(h >> 16) % BUCKETS];
}

static struct user *find_locked(struct gids *g, uint32_t uid)
{
    struct user *u = *bucket_of(g, uid);

    while (u && u->uid != uid)
        u = u->hash_next;
    return u;
}

static unsigned int cost_of(const struct user *u)
{
    return (unsigned int)(sizeof(*u) + u->n * sizeof(u->groups[0]));
}

static void list_locked(struct gids *g, struct user *u)
{
    u->prev = g->newest;
    u->next = NULL;
    *(g->newest ? &g->newest->next : &g->oldest) = u;
    g->newest = u;
}

static void unlist_locked(struct gids *g, struct user *u)
{
    *(u->prev ? &u->prev->next : &g->oldest) = u->next;
    *(u->next ? &u->next->prev : &g->newest) = u->prev;
}

static void forget_locked(struct gids *g, struct user *u)
{
    struct user **at = bucket_of(g, u->uid);

    while (*at != u)
        at = &(*at)->hash_next;
    *at = u->hash_next;
    unlist_locked(g, u);
    g->users--;
    g->bytes -= cost_of(u);
    free(u->groups);
    free(u);
}

void gids_clear(struct gids *g)
{
    SCOPED_LOCK(&g->lock);
    while (g->oldest)
        forget_locked(g, g->oldest);
}

static void unref(struct gids *g)
{
    /* Release what this thread did to it before, acquire what the others did before they let go. */
    if (atomic_fetch_sub_explicit(&g->refs, 1, memory_order_acq_rel) > 1)
        return;
    assert(g->looking == 0);
    gids_clear(g);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void gids_free(struct gids *g)
{
    if (g)
        unref(g);
}

/* ---- looking up -------------------------------------------------------------------------------------------------------------------- */

static struct user *next_to_look_up(struct gids *g, struct looker *l)
{
    SCOPED_LOCK(&g->lock);
    struct user *u = g->queue;

    if (!u) {
        l->running = false;
        return NULL;
    }
    g->queue = u->next;
    if (!u->next)
        g->queue_end = &g->queue;
    return u;
}

/* The answer is the table's from here on; who has waited gets it from `groups`, which may go as soon as others ask. */
static struct gids_waiter *keep(struct gids *g, struct user *u, const uint32_t *groups, unsigned int n, bool failed)
{
    SCOPED_LOCK(&g->lock);
    struct gids_waiter *waiting = u->waiting;
    uint32_t *copy = n ? malloc(n * sizeof(*copy)) : NULL;

    if (copy)
        memcpy(copy, groups, n * sizeof(*copy));
    u->groups = copy;
    u->n = copy ? n : 0;
    u->expires_ms = n && !copy ? 0 : clock_ms() + (failed ? GIDS_ERROR_MS : g->timeout_ms);
    u->looking = false;
    u->waiting = NULL;
    g->looking--;
    g->users++;
    g->bytes += cost_of(u);
    list_locked(g, u);
    while (g->bytes > GIDS_BYTES_MAX && g->oldest)
        forget_locked(g, g->oldest);
    return waiting;
}

static void run(struct job *job)
{
    struct looker *l = container_of(job, struct looker, job);
    struct gids *g = l->g;
    struct gids_waiter *waiting, *w;
    struct user *u;

    while ((u = next_to_look_up(g, l))) {
        uint32_t *groups = NULL, uid = u->uid;
        unsigned int n = 0;
        int r = g->look_up(uid, &groups, &n);
        bool failed = r < 0 && r != -ENOENT;
        if (failed)
            log_warning("gids", "the groups of uid %u cannot be looked up: %s", uid, strerror(-r));
        waiting = keep(g, u, groups, n, failed);
        while ((w = waiting)) {
            waiting = w->next;
            w->take(w->ctx, groups, n);
            w->go_on(w);
        }
        free(groups);
    }
    unref(g);
}

static void look_locked(struct gids *g, struct user *u)
{
    u->looking = true;
    u->next = NULL;
    g->looking++;
    *g->queue_end = u;
    g->queue_end = &u->next;
    for (unsigned int i = 0; i < GIDS_WORKERS; i++) {
        struct looker *l = &g->lookers[i];
        if (l->running)
            continue;
        l->running = true;
        atomic_fetch_add_explicit(&g->refs, 1, memory_order_relaxed); /* the caller's keeps it meanwhile */
        l->g = g;
        l->job = (struct job){.run = run, .owner = g, .class = CLASS_NORMAL};
        pool_add(g->pool, &l->job);
        return;
    }
}

/* Only one that is not looked for; NULL: no memory. */
static struct user *make_locked(struct gids *g, uint32_t uid)
{
    struct user *u = calloc(1, sizeof(*u));

    if (!u)
        return NULL;
    u->uid = uid;
    u->hash_next = *bucket_of(g, uid);
    *bucket_of(g, uid) = u;
    return u;
}

bool gids_get(struct gids *g, uint32_t uid, struct gids_waiter *w)
{
    SCOPED_LOCK(&g->lock);
    struct user *u = find_locked(g, uid);

    if (u && !u->looking && clock_ms() < u->expires_ms) {
        unlist_locked(g, u);
        list_locked(g, u);
        w->take(w->ctx, u->groups, u->n);
        return true;
    }
    if (u && !u->looking) {
        forget_locked(g, u);
        u = NULL;
    }
    if (!u) {
        u = make_locked(g, uid);
        if (!u) {
            w->take(w->ctx, NULL, 0);
            return true;
        }
        look_locked(g, u);
    }
    w->next = u->waiting;
    u->waiting = w;
    return false;
}

/* ---- life --------------------------------------------------------------------------------------------------------------------------- */

struct gids *gids_new(struct pool *pool, gids_look_up_fn look_up)
{
    struct gids *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    atomic_init(&g->refs, 1);
    g->pool = pool;
    g->look_up = look_up;
    g->queue_end = &g->queue;
    if (getrandom(&g->key, sizeof(g->key), 0) != sizeof(g->key)) {
        free(g);
        return NULL;
    }
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void gids_set_timeout(struct gids *g, uint64_t seconds)
{
    SCOPED_LOCK(&g->lock);
    g->timeout_ms = seconds * 1000;
}

struct gids_counts gids_counts(struct gids *g)
{
    SCOPED_LOCK(&g->lock);
    return (struct gids_counts){.users = g->users, .bytes = g->bytes, .looking = g->looking};
}
