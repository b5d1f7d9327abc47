/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* locks-testing.h: features/locks between a storage and a top that pretend, four clients with a descriptor each, and their calls. */
#ifndef LOCKS_TESTING_H
#define LOCKS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "../feature-types.h"
#include "locks.h"
#include "testing.h"

#pragma GCC diagnostic ignored "-Wunused-function" /* each test uses some of it */

/* ---- a storage that says yes, and a top that hears upcalls ----------------------------------------------------------------- */

static struct {
    bool hold;            /* what comes is not answered, but held */
    struct fop *held;
    bool marked;          /* has trusted.glusterfs.enforce-mandatory-lock */
    unsigned int asked_for_mark;
} storage;

static void yes(struct xlator *xl, struct fop *fop)
{
    if (storage.hold)
        storage.held = fop;
    else
        fop_complete(fop, 0, 0);
}

static void fake_getxattr(struct xlator *xl, struct fop *fop)
{
    if (strcmp(fop->in.getxattr.name, "trusted.glusterfs.enforce-mandatory-lock") == 0) {
        storage.asked_for_mark++;
        fop_complete(fop, storage.marked ? 0 : -1, storage.marked ? 0 : ENODATA);
        return;
    }
    fop->out.dict = dict_new();
    dict_set_text(fop->out.dict, "trusted.glusterfs.pathinfo", "<POSIX(/b):host:/b/>");
    fop_complete(fop, 0, 0);
}
static const struct xlator_type fake_storage = {
    .name = "storage/fake",
    .leaf = true,
    .on = {[FOP_FLUSH] = yes, [FOP_LOOKUP] = yes, [FOP_FSTAT] = yes, [FOP_GETXATTR] = fake_getxattr, [FOP_FGETXATTR] = fake_getxattr,
           [FOP_READ] = yes, [FOP_WRITE] = yes, [FOP_OPEN] = yes, [FOP_UNLINK] = yes, [FOP_SETXATTR] = yes, [FOP_FSETXATTR] = yes}};

static pthread_mutex_t heard_lock = PTHREAD_MUTEX_INITIALIZER;
static struct heard { /* heard_lock; read without when the threads are gone */
    unsigned int n;
    enum upcall_kind kind;
    char client[64], domain[64], name[64];
} heard;

static void hear(struct xlator *xl, enum xlator_event event, void *data)
{
    struct upcall *u = data;

    assert_int_equal(event, EVENT_UPCALL);
    SCOPED_LOCK(&heard_lock);
    heard.n++;
    heard.kind = u->kind;
    snprintf(heard.client, sizeof(heard.client), "%s", u->client_uid);
    snprintf(heard.domain, sizeof(heard.domain), "%s", u->domain);
    snprintf(heard.name, sizeof(heard.name), "%s", u->name ? u->name : "");
}
static const struct xlator_type fake_top = {.name = "test/top", .notify = hear};

struct world {
    struct process p;
    struct graph *g;
    struct inode *in;
    struct client *clients[4];
    struct fd *fds[4];
};

static int set_up_with(void **state, const struct testing_node *locks)
{
    struct world *w = calloc(1, sizeof(*w));

    memset(&heard, 0, sizeof(heard));
    memset(&storage, 0, sizeof(storage));
    testing_process(&w->p);
    w->g = testing_graph(&w->p, (struct testing_node[]){{.type = &fake_storage},
                                                        *locks,
                                                        {.type = &fake_top},
                                                        {.type = NULL}});
    w->in = inode_get(w->g->inodes, gfid_root);
    for (unsigned int i = 0; i < array_len(w->clients); i++) {
        char uid[16];

        snprintf(uid, sizeof(uid), "client-%u", i);
        w->clients[i] = client_new(w->g, uid, &w->p.census);
        w->fds[i] = fd_new(w->g, w->in, w->clients[i], 2, false);
    }
    *state = w;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, &(struct testing_node){.type = &locks_type, .options = {"notify-contention-delay", "60"}});
}

static void ended(struct client *c)
{
}

static void leave(struct world *w, unsigned int i)
{
    if (!w->clients[i])
        return;
    client_gone(w->clients[i], w->p.pool, ended);
    pool_drain(w->p.pool);
    fd_unref(w->fds[i]);
    client_unref(w->clients[i]);
    w->clients[i] = NULL;
    w->fds[i] = NULL;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    for (unsigned int i = 0; i < array_len(w->clients); i++)
        leave(w, i);
    assert_int_equal(counter_get(&w->p.census.now[CENSUS_LOCKS]), 0);
    inode_unref(w->in);
    testing_graph_free(w->g);
    testing_process_done(&w->p);
    free(w);
    return 0;
}

/* ---- operations ------------------------------------------------------------------------------------------------------------ */

struct call {
    struct fop *fop;
    struct client *client;
    _Atomic bool back;
    int ret, err;
    struct flock_range flock;
    char text[128];
    uint8_t value[256]; /* GETXATTR: of the first pair, as it is */
    size_t value_len;
};

static void came_back(struct fop *fop, void *ctx)
{
    struct call *c = ctx;
    const char *text;

    c->ret = fop->ret;
    c->err = fop->err;
    c->flock = fop->out.flock;
    if (dict_count(fop->out.dict) > 0) {
        const struct dict_pair *p = dict_at(fop->out.dict, 0);

        if (dict_get_text(fop->out.dict, p->key, &text) == 0)
            snprintf(c->text, sizeof(c->text), "%s", text);
        c->value_len = min_of(p->len, (uint32_t)sizeof(c->value));
        memcpy(c->value, p->value, c->value_len);
    }
    client_finish(c->client, fop);
    fop_free(fop);
    atomic_store_explicit(&c->back, true, memory_order_release); /* the partner: whoever waits for it */
}

static struct fop *make(struct world *w, struct call *c, enum fop_op op, unsigned int client, const char *owner)
{
    struct fop *fop = fop_new(w->g, op);

    memset(c, 0, sizeof(*c));
    c->fop = fop;
    c->client = w->clients[client];
    fop->client = client_ref(c->client);
    fop->fd = fd_ref(w->fds[client]);
    fop->cred.pid = 100 + (int32_t)client;
    fop->cred.owner_len = (uint32_t)strlen(owner);
    memcpy(fop->cred.owner, owner, strlen(owner));
    fop_push(fop, came_back, c);
    return fop;
}

static void go(struct world *w, struct call *c)
{
    assert_true(client_start(c->client, c->fop));
    fop_submit(w->g->top, c->fop);
}

static void lk(struct world *w, struct call *c, unsigned int client, const char *owner, uint32_t cmd, uint32_t type, int64_t start,
               int64_t len)
{
    struct fop *fop = make(w, c, FOP_LK, client, owner);

    fop->in.lk.cmd = cmd;
    fop->in.lk.flock = (struct flock_range){.type = type, .start = start, .len = len, .pid = 100 + client};
    go(w, c);
}

static void inodelk(struct world *w, struct call *c, unsigned int client, const char *owner, const char *domain, uint32_t cmd,
                    uint32_t type, int64_t start, int64_t len)
{
    struct fop *fop = make(w, c, FOP_FINODELK, client, owner);

    fop->in.inodelk.domain = domain;
    fop->in.inodelk.cmd = cmd;
    fop->in.inodelk.flock = (struct flock_range){.type = type, .start = start, .len = len};
    go(w, c);
}

static void entrylk(struct world *w, struct call *c, unsigned int client, const char *owner, const char *name, uint32_t cmd, uint32_t type)
{
    struct fop *fop = make(w, c, FOP_FENTRYLK, client, owner);

    fop->in.entrylk.domain = "d";
    fop->in.entrylk.name = name;
    fop->in.entrylk.cmd = cmd;
    fop->in.entrylk.type = type;
    go(w, c);
}

#define assert_granted(c)        \
    do {                         \
        assert_true((c).back);   \
        assert_int_equal((c).ret, 0); \
    } while (0)
#define assert_refused(c, why)          \
    do {                                \
        assert_true((c).back);          \
        assert_int_equal((c).ret, -1);  \
        assert_int_equal((c).err, why); \
    } while (0)

#endif
