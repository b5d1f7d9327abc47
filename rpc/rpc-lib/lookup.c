/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* lookup.c: all addresses of a name. A look-up may take as long as a dead name server likes: it runs on a worker, and who has
 * lost interest does not wait for it. */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client-impl.h"
#include "pool.h"

struct lookup {
    struct job job;
    struct loop_work work;
    struct loop *loop;
    int family;
    uint16_t port;
    void (*found)(void *ctx, const struct addresses *a); /* the loop; NULL: forgotten */
    void *ctx;
    struct addresses result;
    char name[];
};

static int look(const char *name, uint16_t port, int family, int flags, struct addresses *ret)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV}, *list;
    char service[8];
    int r;

    ret->n = 0;
    snprintf(service, sizeof(service), "%u", port);
    r = getaddrinfo(name, service, &hints, &list);
    if (r != 0) {
        ret->err = r == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
        snprintf(ret->text, sizeof(ret->text), "%s", r == EAI_SYSTEM ? strerror(errno) : gai_strerror(r));
        return r;
    }
    for (const struct addrinfo *ai = list; ai && ret->n < LOOKUP_MAX; ai = ai->ai_next) {
        struct address *a = &ret->list[ret->n];

        if ((ai->ai_family != AF_INET && ai->ai_family != AF_INET6) || ai->ai_addrlen > sizeof(a->sa))
            continue;
        memcpy(&a->sa, ai->ai_addr, ai->ai_addrlen);
        a->len = ai->ai_addrlen;
        ret->n++;
    }
    freeaddrinfo(list);
    return 0;
}

int lookup_numeric(const char *name, uint16_t port, int family, struct addresses *ret)
{
    return look(name, port, family, AI_NUMERICHOST, ret) == 0 && ret->n > 0 ? 0 : -ENOENT;
}

static void tell(struct loop_work *w)
{
    struct lookup *lk = container_of(w, struct lookup, work);

    if (lk->found)
        lk->found(lk->ctx, &lk->result);
    free(lk);
}

static void run(struct job *j)
{
    struct lookup *lk = container_of(j, struct lookup, job);

    look(lk->name, lk->port, lk->family, 0, &lk->result);
    loop_post(lk->loop, &lk->work);
}

struct lookup *lookup_start(const struct env *env, struct pool *pool, const char *name, uint16_t port, int family,
                            void (*found)(void *ctx, const struct addresses *a), void *ctx)
{
    size_t len = strlen(name) + 1;
    struct lookup *lk = calloc(1, sizeof(*lk) + len);

    if (!lk)
        return NULL;
    memcpy(lk->name, name, len);
    lk->job = (struct job){.run = run, .class = CLASS_LOW};
    lk->work.run = tell;
    lk->loop = env->loop;
    lk->family = family;
    lk->port = port;
    lk->found = found;
    lk->ctx = ctx;
    pool_add(pool, &lk->job);
    return lk;
}

void lookup_forget(struct lookup *lk)
{
    if (lk)
        lk->found = NULL;
}
