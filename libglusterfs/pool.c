/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Queues   The oldest waiting job of each owner (and class) stands for the owner: it knows the owner's last job, has the
 *          owner's place in the class's turn list, and is found by owner through a small hash table. So a job is queued
 *          without memory, which is why pool_add() cannot fail.
 * Waking   One worker is on its way at a time, the one that went idle last (its cache is warm; the others grow old and leave).
 *          When it has come and taken a job, it wakes the next if there is one more that could run now, and then begins its own: so
 *          every job gets a worker, though others wait, and of a burst of short jobs one worker does many. `waking` counts.
 * Leaving  A thread cannot join itself: one that leaves joins those that left before it. */
#include "pool.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "thread.h"
#include "util.h"

#define NR_BUCKETS 64

struct worker {
    pthread_t thread;     /* its own entry, when it starts */
    sem_t wake;           /* posted once each time woken is set; a condition's lock would cost one more system call */
    bool woken;           /* lock */
    struct worker *next;  /* lock; in idle, left or spare  */
};
struct turns {
    struct job *first, *last; /* the owners in turn, by their oldest job */
};
struct pool {
    pthread_mutex_t lock; /* guards all below; nothing is called under it */
    pthread_cond_t moved; /* total or alive went to 0 */
    struct pool_conf conf;
    struct turns turns[NR_CLASSES];
    struct job *bucket[NR_BUCKETS];
    unsigned int queued[NR_CLASSES], running[NR_CLASSES];
    unsigned int total;   /* queued and running      */
    unsigned int threads; /* that take work          */
    unsigned int alive;   /* and those that leave    */
    unsigned int waking;  /* woken or started, and not here yet */
    unsigned int nr_idle;
    bool stop;
    struct worker *idle, *left, *spare;
    struct census *census;
};

/* ---- the queues; lock is held -------------------------------------------------------------------------------------------- */
static struct job **bucket_of(struct pool *p, const struct job *j)
{
    uintptr_t key = ((uintptr_t)j->owner >> 4) * NR_CLASSES + j->class;
    return &p->bucket[(key ^ key >> 6 ^ key >> 12) % NR_BUCKETS];
}

static void turn_append(struct turns *t, struct job *j)
{
    j->turn = NULL;
    if (t->last)
        t->last->turn = j;
    else
        t->first = j;
    t->last = j;
}

static void push(struct pool *p, struct job *j)
{
    struct job **bucket = bucket_of(p, j), *head;

    j->next = NULL;
    for (head = *bucket; head; head = head->chain)
        if (head->owner == j->owner && head->class == j->class)
            break;
    if (head) {
        head->last->next = j;
        head->last = j;
    } else {
        j->last = j;
        j->chain = *bucket;
        *bucket = j;
        turn_append(&p->turns[j->class], j);
    }
    p->queued[j->class]++;
    p->total++;
}

static struct job *pop(struct pool *p, enum pool_class class)
{
    struct turns *t = &p->turns[class];
    struct job *j = t->first, *heir = j->next, **at = bucket_of(p, j);

    t->first = j->turn;
    if (!t->first)
        t->last = NULL;
    while (*at != j)
        at = &(*at)->chain;
    *at = j->chain;
    if (heir) {
        heir->last = j->last;
        heir->chain = *at;
        *at = heir;
        turn_append(t, heir);
    }
    p->queued[class]--;
    return j;
}

static struct job *pick(struct pool *p)
{
    for (unsigned int class = 0; class < NR_CLASSES; class++)
        if (p->queued[class] && p->running[class] < p->conf.limit[class])
            return pop(p, class);
    return NULL;
}

static unsigned int runnable(const struct pool *p)
{
    unsigned int n = 0;

    for (unsigned int class = 0; class < NR_CLASSES; class++)
        if (p->running[class] < p->conf.limit[class])
            n += min_of(p->queued[class], p->conf.limit[class] - p->running[class]);
    return n;
}

/* ---- the workers --------------------------------------------------------------------------------------------------------- */
/* What is to be done when the lock has been let go of, so that who is woken does not run into it. */
struct kick {
    struct worker *wake; /* stays valid: worker structures live as long as the pool */
    bool start;
};

/* The caller posts its `wake`. */
static struct worker *call_idle_locked(struct pool *p)
{
    struct worker *w = p->idle;

    p->idle = w->next;
    p->nr_idle--;
    w->woken = true;
    p->waking++;
    return w;
}

static struct kick kick_locked(struct pool *p)
{
    struct kick k = {0};

    if (p->waking || runnable(p) == 0)
        return k;
    if (p->idle) {
        k.wake = call_idle_locked(p);
    } else if (p->threads < p->conf.max) {
        k.start = true;
        p->threads++;
        p->alive++;
        p->waking++;
    }
    return k;
}

static void *work(void *arg);

struct beginning {
    struct pool *pool;
    struct worker *worker;
};

static int start_worker(struct pool *p)
{
    struct beginning *b = malloc(sizeof(*b));
    pthread_t thread;
    int rc = -ENOMEM;

    pthread_mutex_lock(&p->lock);
    struct worker *w = p->spare;
    if (w)
        p->spare = w->next;
    pthread_mutex_unlock(&p->lock);
    if (!w && (w = calloc(1, sizeof(*w))))
        sem_init(&w->wake, 0, 0);
    if (b && w) {
        *b = (struct beginning){.pool = p, .worker = w};
        rc = thread_start(&thread, "worker", THREAD_STACK, work, b, p->census);
        if (rc == 0)
            return 0;
    }
    free(b);
    pthread_mutex_lock(&p->lock);
    if (w) {
        w->next = p->spare;
        p->spare = w;
    }
    p->threads--;
    p->alive--;
    p->waking--;
    if (p->stop && p->alive == 0)
        pthread_cond_broadcast(&p->moved);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

static void kick(struct pool *p, struct kick k)
{
    if (k.wake)
        sem_post(&k.wake->wake);
    if (k.start) {
        int rc = start_worker(p);
        if (rc < 0)
            log_warning("pool", "cannot start one more worker thread: %s; its work waits for a running one", strerror(-rc));
    }
}

/* False: it has been idle for long enough. */
static bool wait_for_work(struct pool *p, struct worker *w)
{
    struct timespec until;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += p->conf.idle_s;
    w->woken = false;
    w->next = p->idle;
    p->idle = w;
    p->nr_idle++;
    pthread_mutex_unlock(&p->lock);
    do
        rc = sem_clockwait(&w->wake, CLOCK_MONOTONIC, &until);
    while (rc < 0 && errno == EINTR);
    pthread_mutex_lock(&p->lock);
    if (w->woken) {
        if (rc < 0) /* chosen at the last moment: the post is there, or comes at once */
            while (sem_wait(&w->wake) < 0)
                ;
        p->waking--;
        return true;
    }
    struct worker **at = &p->idle;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    p->nr_idle--;
    return false;
}

static void leave_locked(struct pool *p, struct worker *w)
{
    struct worker *before = p->left, *next;

    p->threads--;
    p->left = NULL;
    while (before) {
        pthread_mutex_unlock(&p->lock);
        pthread_join(before->thread, NULL);
        pthread_mutex_lock(&p->lock);
        next = before->next;
        before->next = p->spare;
        p->spare = before;
        before = next;
    }
    w->next = p->left;
    p->left = w;
    census_add(p->census, CENSUS_THREADS, -1);
    if (--p->alive == 0)
        pthread_cond_broadcast(&p->moved);
}

static void *work(void *arg)
{
    struct beginning b = *(struct beginning *)arg;
    struct pool *p = b.pool;
    struct worker *w = b.worker;

    free(arg);
    pthread_mutex_lock(&p->lock);
    w->thread = pthread_self();
    p->waking--;
    for (;;) {
        struct job *j = p->threads <= p->conf.max ? pick(p) : NULL;
        if (j) {
            enum pool_class class = j->class;
            p->running[class]++;
            struct kick k = kick_locked(p);
            pthread_mutex_unlock(&p->lock);
            kick(p, k);
            j->run(j); /* may free itself */
            pthread_mutex_lock(&p->lock);
            p->running[class]--;
            if (--p->total == 0)
                pthread_cond_broadcast(&p->moved);
            continue;
        }
        if (p->stop || p->threads > p->conf.max)
            break;
        if (!wait_for_work(p, w) && p->threads > 1)
            break;
    }
    leave_locked(p, w);
    struct kick k = kick_locked(p); /* it may have been woken for a job and told to leave by pool_set() */
    pthread_mutex_unlock(&p->lock);
    kick(p, k);
    return NULL;
}

/* ---- for all ------------------------------------------------------------------------------------------------------------- */
static struct pool_conf with_defaults(const struct pool_conf *conf)
{
    static const struct pool_conf defaults = {.max = 16, .limit = {16, 16, 16, 1}, .idle_s = 120};
    struct pool_conf c = *conf;

    if (!c.max)
        c.max = defaults.max;
    for (unsigned int i = 0; i < NR_CLASSES; i++)
        if (!c.limit[i])
            c.limit[i] = defaults.limit[i];
    if (!c.idle_s)
        c.idle_s = defaults.idle_s;
    return c;
}

struct pool *pool_new(const struct pool_conf *conf, struct census *census)
{
    struct pool *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->moved, NULL);
    p->conf = with_defaults(conf);
    p->census = census;
    p->threads = p->alive = p->waking = 1;
    if (start_worker(p) < 0) { /* with no thread at all pool_add() could not keep its word */
        pool_free(p);
        return NULL;
    }
    return p;
}

void pool_set(struct pool *p, const struct pool_conf *conf)
{
    struct pool_conf c = with_defaults(conf);
    struct kick k;

    pthread_mutex_lock(&p->lock);
    p->conf = c;
    unsigned int too_many = p->threads > c.max ? p->threads - c.max : 0;
    while (too_many-- && p->idle)
        sem_post(&call_idle_locked(p)->wake);
    pthread_mutex_unlock(&p->lock);
    do {
        pthread_mutex_lock(&p->lock);
        k = kick_locked(p);
        pthread_mutex_unlock(&p->lock);
        kick(p, k);
    } while (k.wake);
}

void pool_add(struct pool *p, struct job *j)
{
    pthread_mutex_lock(&p->lock);
    push(p, j);
    struct kick k = kick_locked(p);
    pthread_mutex_unlock(&p->lock);
    kick(p, k);
}

struct pool_counts pool_counts(struct pool *p)
{
    SCOPED_LOCK(&p->lock);
    struct pool_counts c = {.threads = p->threads, .idle = p->nr_idle};
    memcpy(c.queued, p->queued, sizeof(c.queued));
    memcpy(c.running, p->running, sizeof(c.running));
    return c;
}

void pool_drain(struct pool *p)
{
    SCOPED_LOCK(&p->lock);
    while (p->total)
        pthread_cond_wait(&p->moved, &p->lock);
}

static void free_workers(struct worker *w, bool join)
{
    while (w) {
        struct worker *next = w->next;
        if (join)
            pthread_join(w->thread, NULL);
        sem_destroy(&w->wake);
        free(w);
        w = next;
    }
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    while (p->total)
        pthread_cond_wait(&p->moved, &p->lock);
    p->stop = true;
    while (p->idle)
        sem_post(&call_idle_locked(p)->wake);
    while (p->alive)
        pthread_cond_wait(&p->moved, &p->lock);
    pthread_mutex_unlock(&p->lock);
    free_workers(p->left, true);
    free_workers(p->spare, false);
    pthread_cond_destroy(&p->moved);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
