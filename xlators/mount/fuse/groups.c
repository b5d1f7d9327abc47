/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The further groups of a caller. The kernel tells pid, uid and gid; the groups are read from /proc, or from the system's data base of
 * users (--resolve-gids), and kept for a time: looking costs more than the request. A process that changes its groups keeps the
 * old ones here as long. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "mount-impl.h"

#define SLOTS 512
#define GROUPS_MAX 65535

struct kept {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    uint64_t until_ms;
    uint32_t *list;
    unsigned int n;
};
struct groups {
    unsigned int timeout_s;
    bool resolve;
    pthread_mutex_t lock; /* guards slots */
    struct kept slots[SLOTS];
};

struct groups *groups_new(unsigned int timeout_s, bool resolve)
{
    struct groups *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->timeout_s = timeout_s;
    g->resolve = resolve;
    pthread_mutex_init(&g->lock, NULL);
    return g;
}

void groups_free(struct groups *g)
{
    if (!g)
        return;
    for (unsigned int i = 0; i < SLOTS; i++)
        free(g->slots[i].list);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static int from_database(const struct fuse_ctx *ctx, uint32_t **ret)
{
    char buf[4096];
    struct passwd pw, *found = NULL;
    int n = 64;
    gid_t *list = NULL;

    if (getpwuid_r(ctx->uid, &pw, buf, sizeof(buf), &found) != 0 || !found)
        return -ENOENT;
    for (;;) {
        gid_t *more = realloc(list, (size_t)n * sizeof(*list));
        int had = n;

        if (!more)
            break;
        list = more;
        if (getgrouplist(pw.pw_name, ctx->gid, list, &n) >= 0) {
            *ret = list;
            return n;
        }
        n = max_of(n, had + 1);
        if (n > GROUPS_MAX)
            break;
    }
    free(list);
    return -ENOMEM;
}

static int from_proc(fuse_req_t req, uint32_t **ret)
{
    int room = 64;

    for (;;) {
        gid_t *list = malloc((size_t)room * sizeof(*list));
        int n = list ? fuse_req_getgroups(req, room, list) : -ENOMEM;

        if (n >= 0 && n <= room) {
            *ret = list;
            return n;
        }
        free(list);
        if (n < 0 || n > GROUPS_MAX)
            return n < 0 ? n : -E2BIG;
        room = n;
    }
}

static int give(struct fop *fop, const uint32_t *list, unsigned int n)
{
    uint32_t *copy = fop_alloc(fop, max_of(n, 1u) * sizeof(*copy));

    if (!copy)
        return -ENOMEM;
    memcpy(copy, list, n * sizeof(*copy));
    fop->cred.groups = copy;
    fop->cred.nr_groups = n;
    return 0;
}

static struct kept *slot_of(struct groups *g, const struct fuse_ctx *ctx)
{
    return &g->slots[((unsigned int)ctx->pid * 2654435761u ^ ctx->uid) % SLOTS];
}

static bool is_of(const struct kept *k, const struct fuse_ctx *ctx)
{
    return k->list && k->pid == ctx->pid && k->uid == ctx->uid && k->gid == ctx->gid;
}

int groups_of(struct groups *g, fuse_req_t req, const struct fuse_ctx *ctx, struct fop *fop)
{
    struct kept *k = slot_of(g, ctx);
    uint64_t now = clock_ms();
    uint32_t *list = NULL;
    int n, r = 1;

    pthread_mutex_lock(&g->lock);
    if (is_of(k, ctx) && now < k->until_ms)
        r = give(fop, k->list, k->n);
    pthread_mutex_unlock(&g->lock);
    if (r <= 0)
        return r;
    n = ctx->pid == 0 ? -ESRCH : g->resolve ? from_database(ctx, &list) : from_proc(req, &list);
    if (n < 0) /* of another name space of processes, or gone already: then uid and gid are all it has */
        return n == -ENOMEM ? n : 0;
    r = give(fop, list, (unsigned int)n);
    if (g->timeout_s == 0) {
        free(list);
        return r;
    }
    SCOPED_LOCK(&g->lock);
    free(k->list);
    *k = (struct kept){.pid = ctx->pid, .uid = ctx->uid, .gid = ctx->gid, .until_ms = now + g->timeout_s * 1000ull, .list = list,
                       .n = (unsigned int)n};
    return r;
}
