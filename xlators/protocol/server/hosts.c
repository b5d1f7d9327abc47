/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* hosts.c: see hosts.h. */
#include "hosts.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "clock.h"
#include "log.h"
#include "pool.h"

struct host {
    char *name;
    int nr_addrs;        /* negative: its last look-up failed and it never had any */
    uint8_t addrs[HOSTS_ADDRS_MAX][16];
};
struct hosts {
    struct pool *pool;
    hosts_look_up_fn look_up;
    pthread_mutex_t lock; /* innermost; guards the rest */
    struct host *v;
    unsigned int n, generation; /* generation: of the names; a look-up of older ones is begun again */
    uint64_t fresh_until_ms;
    bool running;
    struct job job;
    struct hosts_waiter *waiting;
};

int hosts_resolve(const char *name, uint8_t ret[HOSTS_ADDRS_MAX][16])
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list;
    int n = 0;

    int r = getaddrinfo(name, NULL, &hints, &list);
    if (r != 0) {
        log_warning("auth", "the host name \"%s\" cannot be looked up: %s", name, gai_strerror(r));
        return -ENOENT;
    }
    for (const struct addrinfo *ai = list; ai && n < HOSTS_ADDRS_MAX; ai = ai->ai_next) {
        struct sockaddr_storage ss = {0};
        memcpy(&ss, ai->ai_addr, min_of((size_t)ai->ai_addrlen, sizeof(ss)));
        n += auth_address(&ss, ret[n]);
    }
    freeaddrinfo(list);
    return n;
}

struct hosts *hosts_new(struct pool *pool, hosts_look_up_fn look_up)
{
    struct hosts *h = calloc(1, sizeof(*h));

    if (!h)
        return NULL;
    h->pool = pool;
    h->look_up = look_up;
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

static void free_list(struct host *v, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        free(v[i].name);
    free(v);
}

void hosts_free(struct hosts *h)
{
    if (!h)
        return;
    assert(!h->running && !h->waiting);
    free_list(h->v, h->n);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

static struct host *find(struct host *v, unsigned int n, const char *name)
{
    for (unsigned int i = 0; i < n; i++)
        if (strcasecmp(v[i].name, name) == 0)
            return &v[i];
    return NULL;
}

int hosts_set(struct hosts *h, char *const *names, unsigned int n)
{
    struct host *v = calloc(n + 1, sizeof(*v)), *old, *known;
    unsigned int made = 0;

    if (n > HOSTS_MAX || !v) {
        free(v);
        return n > HOSTS_MAX ? -E2BIG : -ENOMEM;
    }
    for (; made < n; made++) {
        v[made].nr_addrs = -1;
        v[made].name = strdup(names[made]);
        if (!v[made].name) {
            free_list(v, made);
            return -ENOMEM;
        }
    }
    pthread_mutex_lock(&h->lock);
    for (unsigned int i = 0; i < n; i++) {
        if (!(known = find(h->v, h->n, v[i].name)))
            continue;
        v[i].nr_addrs = known->nr_addrs;
        memcpy(v[i].addrs, known->addrs, sizeof(v[i].addrs));
    }
    old = h->v;
    made = h->n;
    h->v = v;
    h->n = n;
    h->generation++;
    h->fresh_until_ms = 0;
    pthread_mutex_unlock(&h->lock);
    free_list(old, made);
    return 0;
}

/* ---- looking up ------------------------------------------------------------------------------------------------------------ */

/* The names by themselves, so that nobody is locked out while they are looked up. */
static struct host *copy_names(struct hosts *h, unsigned int *ret_n, unsigned int *ret_generation)
{
    SCOPED_LOCK(&h->lock);
    struct host *v = calloc(h->n + 1, sizeof(*v));

    *ret_generation = h->generation;
    *ret_n = 0;
    for (unsigned int i = 0; v && i < h->n; i++) {
        v[i].nr_addrs = -1;
        if ((v[i].name = strdup(h->v[i].name)))
            ++*ret_n;
        else
            break;
    }
    return v;
}

/* NULL: the names have changed meanwhile, once more. */
static bool take_answers(struct hosts *h, const struct host *v, unsigned int n, unsigned int generation, struct hosts_waiter **ret_waiting)
{
    SCOPED_LOCK(&h->lock);
    bool failed = n < h->n;

    if (generation != h->generation)
        return false;
    for (unsigned int i = 0; i < n; i++) {
        struct host *to = find(h->v, h->n, v[i].name);
        failed |= v[i].nr_addrs < 0;
        if (!to || v[i].nr_addrs < 0)
            continue;
        to->nr_addrs = v[i].nr_addrs;
        memcpy(to->addrs, v[i].addrs, sizeof(to->addrs));
    }
    h->fresh_until_ms = clock_ms() + (failed ? HOSTS_RETRY_MS : HOSTS_FRESH_MS);
    h->running = false;
    *ret_waiting = h->waiting;
    h->waiting = NULL;
    return true;
}

static void run(struct job *job)
{
    struct hosts *h = container_of(job, struct hosts, job);
    struct hosts_waiter *waiting = NULL, *w;
    unsigned int n, generation;
    struct host *v;
    bool done;

    do {
        v = copy_names(h, &n, &generation);
        for (unsigned int i = 0; i < n; i++)
            v[i].nr_addrs = h->look_up(v[i].name, v[i].addrs);
        done = take_answers(h, v, n, generation, &waiting);
        free_list(v, n);
    } while (!done);
    while ((w = waiting)) { /* h may be gone after the last of them */
        waiting = w->next;
        w->ready(w);
    }
}

bool hosts_ready(struct hosts *h, struct hosts_waiter *w)
{
    SCOPED_LOCK(&h->lock);
    if (h->n == 0 || (h->fresh_until_ms > 0 && clock_ms() < h->fresh_until_ms))
        return true;
    w->next = h->waiting;
    h->waiting = w;
    if (!h->running) {
        h->running = true;
        h->job = (struct job){.run = run, .owner = h, .class = CLASS_NORMAL};
        pool_add(h->pool, &h->job);
    }
    return false;
}

bool hosts_has(struct hosts *h, const char *name, const uint8_t addr[16])
{
    SCOPED_LOCK(&h->lock);
    const struct host *host = find(h->v, h->n, name);

    for (int i = 0; host && i < host->nr_addrs; i++)
        if (memcmp(host->addrs[i], addr, 16) == 0)
            return true;
    return false;
}
