/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A service against any record. Input: one byte of choices, then the record without its mark. Served are all programs of the wire
 * table; an actor decodes its arguments, takes the bulk, and answers or keeps the request until the connection is gone. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "fake-transport.h"
#include "fop400.h"
#include "service.h"
#include "vectors.h"
#include "wire-words.h"

enum { ADMITTED = 1, ANSWER = 2, HOLD = 4, PLACE = 8 }; /* the choices; the upper four bits: shown how much at first */

static struct rpc_request *kept;
static unsigned int choices;

static void run(struct rpc_request *req)
{
    const struct procedure *p = find_procedure(req->program->number, req->program->version, req->procedure);
    uint8_t obj[WIRE_STRUCT_MAX] __attribute__((aligned(16)));
    struct slicev data = {0};
    int64_t used;

    assert(p);
    used = p->req.name ? wire_decode(p->req.proc, obj, req->args, req->args_len) : 0;
    if (used < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    if (rpc_request_bulk(req, (size_t)used, &data) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    if (choices & ANSWER)
        rpc_reply(req, &data);
    else {
        slicev_done(&data);
        assert(!kept);
        kept = req;
    }
}
static size_t bulk_at(const uint8_t *args, size_t have)
{
    return have < 52 ? 0 : 52 + (size_t)get_u32(args + 40);
}

static struct rpc_actor actors[57];
static const struct rpc_program fop400 = {"fop400", FOP_PROGRAM, FOP400_VERSION, actors, array_len(actors), NULL};

static void opened(void *host, struct rpc_conn *conn)
{
    if (choices & ADMITTED)
        rpc_conn_admit(conn);
}
static void closed(void *host, struct rpc_conn *conn, int err)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
    static const struct rpc_service_host host = {.opened = opened, .closed = closed};
    struct rpc_service *s;
    struct fake_env env;
    struct transport *t;

    for (unsigned int i = 0; i < array_len(actors); i++)
        actors[i] = (struct rpc_actor){.name = "x", .run = run, .bulk_at = i == 13 || i == 55 ? bulk_at : NULL};
    if (len < 1)
        return 0;
    choices = in[0];
    log_set_level(LVL_NONE);
    fake_env_init(&env, false);
    s = rpc_service_new(&env.env, &host, NULL);
    if (!s || rpc_service_add(s, &fop400) < 0 || rpc_service_listen(s, &fake_transport, NULL, NULL) < 0)
        abort();
    t = fake_connect(NULL);
    fake_hold(t, choices & HOLD);
    fake_deliver_in_steps(t, in + 1, len - 1, choices & PLACE ? 0 : SIZE_MAX, choices >> 4);
    fake_close(t);
    if (kept)
        rpc_no_reply(kept);
    kept = NULL;
    rpc_service_free(s);
    fake_env_done(&env); /* nothing may be left */
    return 0;
}
