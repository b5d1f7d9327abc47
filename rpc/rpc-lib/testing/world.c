/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* world.c */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dump.h"
#include "wire-words.h"
#include "world.h"

static struct world *the_world; /* actors have no other way to it */

static void keep(struct rpc_request *req)
{
    struct world *w = the_world;
    if (w->inside)
        w->inside(w, req);
    if (w->answer_at_once) {
        rpc_reply(req, &(struct slicev){.n = 0});
        return;
    }
    assert_true(w->nr_held < array_len(w->held));
    w->held[w->nr_held++] = req;
}
static void run_setvolume(struct rpc_request *req)
{
    /* What protocol/server says to a dictionary that does not decode: the normal body behind an error. */
    static uint8_t refused[16] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 22, 0, 0, 0, 4};
    struct slicev body = {0};
    wire_dict3 dict;

    if (wire_decode(xdr_wire_dict3, &dict, req->args, req->args_len) < 0) {
        assert_int_equal(slicev_add(&body, (struct slice){.at = refused, .len = sizeof(refused)}), 0);
        rpc_reply_error_with(req, RPC_GARBAGE_ARGS, &body);
        return;
    }
    rpc_conn_admit(req->conn);
    rpc_reply(req, &body);
}
static size_t bulk_at_52(const uint8_t *args, size_t have)
{
    return have < 52 ? 0 : 52 + (size_t)get_u32(args + 40);
}
static size_t reply_max_from_args(const uint8_t *args, size_t len)
{
    return len >= 4 ? get_u32(args) : 0;
}

static const struct rpc_actor fop_actors[57] = {
    [PROC_STAT] = {.name = "STAT", .run = keep, .reply_max = reply_max_from_args},
    [PROC_WRITE] = {.name = "WRITE", .run = keep, .bulk_at = bulk_at_52},
    [PROC_LOCK] = {.name = "LK", .run = keep},
    [PROC_RELEASE] = {.name = "RELEASE", .run = keep, .flags = RPC_QUIET_EARLY},
};
static const struct rpc_actor hndsk_actors[2] = {[1] = {.name = "SETVOLUME", .run = run_setvolume, .flags = RPC_ANYTIME}};
static const struct rpc_program fop400 = {"GlusterFS 4.x v1", PROG, VERS, fop_actors, array_len(fop_actors), NULL};
static const struct rpc_program fop330 = {"GlusterFS 3.3", PROG, 330, NULL, 0, NULL};
static const struct rpc_program hndsk = {"GlusterFS Handshake", HNDSK, 2, hndsk_actors, array_len(hndsk_actors), NULL};

static void opened(void *host, struct rpc_conn *conn)
{
    struct world *w = host;
    w->conn = conn;
    w->opened++;
}
static bool privileged(void *host, struct rpc_conn *conn)
{
    return !((struct world *)host)->not_privileged;
}
static void closed(void *host, struct rpc_conn *conn, int err)
{
    struct world *w = host;
    w->closed++;
    w->closed_err = err;
}
const struct rpc_service_host world_host = {.opened = opened, .privileged = privileged, .closed = closed};

static int setup_with(void **state, bool with_loop)
{
    struct world *w = calloc(1, sizeof(*w));
    the_world = *state = w;
    fake_env_init(&w->env, with_loop);
    w->service = rpc_service_new(&w->env.env, &world_host, w);
    rpc_service_add(w->service, &fop400);
    rpc_service_add(w->service, &fop330);
    rpc_service_add(w->service, &rpc_dump_program);
    rpc_service_add(w->service, &hndsk);
    if (rpc_service_listen(w->service, &fake_transport, NULL, NULL) < 0)
        return -1;
    w->t = fake_connect(NULL);
    return 0;
}
int world_setup(void **state)
{
    return setup_with(state, false);
}
int world_setup_with_loop(void **state)
{
    return setup_with(state, true);
}
int world_teardown(void **state)
{
    struct world *w = *state;
    if (w->t)
        fake_close(w->t);
    for (unsigned int i = 0; i < w->nr_held; i++)
        if (w->held[i])
            rpc_no_reply(w->held[i]);
    rpc_service_free(w->service);
    fake_env_done(&w->env); /* buffers, records, messages, requests: none left */
    free(w);
    return 0;
}

void world_answer(struct world *w, unsigned int i)
{
    struct rpc_request *req = w->held[i];
    w->held[i] = NULL;
    rpc_reply(req, &(struct slicev){.n = 0});
}
void world_stat(struct world *w, uint32_t xid, uint32_t reply_max)
{
    uint8_t args[4];
    put_u32(args, reply_max);
    caller_call(w->t, xid, PROG, VERS, PROC_STAT, args, sizeof(args));
}
void world_ping(struct world *w, uint32_t xid)
{
    caller_call(w->t, xid, DUMP_PROGRAM, DUMP_VERSION, DUMP_PING, NULL, 0);
}
void world_last_reply_is(struct world *w, uint32_t xid, uint32_t stat, size_t len)
{
    uint32_t got_xid, got_stat;
    size_t got_len;
    assert_true(fake_nr_sent(w->t) > 0);
    caller_reply(w->t, fake_nr_sent(w->t) - 1, &got_xid, &got_stat, &got_len);
    assert_int_equal(got_xid, xid);
    assert_int_equal(got_stat, stat);
    assert_int_equal(got_len, len);
}
