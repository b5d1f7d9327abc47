/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* dump.c: program GF-DUMP: which programs are served here, and the ping. Answered at any time. Spec wire 2.5, 3.2, 3.3. */
#include "common.h"
#include "dump.h"
#include "rpc-lib.h"
#include "rpcmsg.h"

static bool get_program(const void *ctx, uint32_t i, void *ret)
{
    const struct rpc_service *s = ctx;
    const struct rpc_program *p = s->programs[i];
    *(wire_program *)ret = (wire_program){.name = wire_str(p->name), .number = p->number, .vers = p->version};
    return true;
}

static void answer(struct rpc_request *req, void *proc, const void *rsp)
{
    struct slicev body = {0};
    struct slice s;

    if (wire_encode(req->conn->service->env.bufs, proc, rsp, &s) < 0 || slicev_add(&body, s) < 0) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    rpc_reply(req, &body);
}

static void run_dump(struct rpc_request *req)
{
    const struct rpc_service *s = req->conn->service;
    dump_req q;
    dump_rsp r = {.programs = {.count = s->nr_programs, .get = get_program, .ctx = s}};

    if (wire_decode(xdr_dump_req, &q, req->args, req->args_len) < 0) {
        rpc_reply_error(req, RPC_GARBAGE_ARGS);
        return;
    }
    answer(req, xdr_dump_rsp, &r);
}

static void run_ping(struct rpc_request *req)
{
    rpc_common_rsp r = {0};
    answer(req, xdr_rpc_common_rsp, &r);
}

static const struct rpc_actor actors[NR_DUMP] = {
    [DUMP_DUMP] = {.name = "DUMP", .run = run_dump, .flags = RPC_ANYTIME},
    [DUMP_PING] = {.name = "PING", .run = run_ping, .flags = RPC_ANYTIME},
};
const struct rpc_program rpc_dump_program = {
    .name = "GF-DUMP", .number = DUMP_PROGRAM, .version = DUMP_VERSION, .actors = actors, .nr_actors = array_len(actors),
};
