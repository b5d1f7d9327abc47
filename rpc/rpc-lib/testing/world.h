/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* world.h: a service with a few programs, its host, and one connection over the fake transport; actors keep what they are given
 * until the test answers it. For the tests of this folder. */
#ifndef WORLD_H
#define WORLD_H

#include "caller.h"
#include "service.h"

enum { PROG = 1298437, VERS = 400, HNDSK = 14398633 };
enum { PROC_STAT = 1, PROC_WRITE = 13, PROC_LOCK = 26, PROC_RELEASE = 41 }; /* as the test's actors use them */

struct world {
    struct fake_env env;
    struct rpc_service *service;
    struct transport *t;
    struct rpc_conn *conn;         /* the last that was opened */
    int opened, closed, closed_err;
    bool not_privileged;
    struct rpc_request *held[8192]; /* started and not answered, in order of their start */
    unsigned int nr_held;
    bool answer_at_once;
    void (*inside)(struct world *w, struct rpc_request *req); /* called by each actor first; NULL: nothing */
};

extern const struct rpc_service_host world_host; /* its data is the world */
int world_setup(void **state);
int world_setup_with_loop(void **state);
int world_teardown(void **state);                 /* asserts that nothing is left */
void world_answer(struct world *w, unsigned int i); /* held[i], with nothing */
void world_stat(struct world *w, uint32_t xid, uint32_t reply_max);
void world_ping(struct world *w, uint32_t xid);
void world_last_reply_is(struct world *w, uint32_t xid, uint32_t stat, size_t len);

#endif
