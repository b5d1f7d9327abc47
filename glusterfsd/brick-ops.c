/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "brick-ops.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "brickop.h"
#include "dict.h"
#include "graph.h"
#include "log.h"
#include "pool.h"
#include "status.h"
#include "xlator.h"

#define DOMAIN "brick-ops"
#define DRAIN_TICK_MS 10
#define DRAIN_TICKS 50 /* then connections are closed with what is still queued */

/* One request, from its arrival to its answer. */
struct op {
    struct brick_ops *b;
    struct rpc_request *rpc;
    brickop_req req;               /* borrows from the request's record */
    char *name;
    struct dict *in, *out;
    struct loop_work work;
    struct job job;
    struct xlator_ask ask;
    struct server_clear clear;
};

/* ---- answers --------------------------------------------------------------------------------------------------------------- */

static int encode(struct op *op, const brickop_rsp *rsp, struct slicev *body)
{
    struct slice s;
    int failed = wire_encode(op->b->process->env.bufs, xdr_brickop_rsp, rsp, &s);

    return failed ? failed : slicev_add(body, s);
}

static void op_free(struct op *op)
{
    dict_unref(op->in);
    dict_unref(op->out);
    free(op->name);
    free(op);
}

/* ret 0 or -errno; text: what a person is told beside a failure. The op is gone after it. */
static void answer(struct op *op, int ret, const char *text)
{
    struct brick_ops *b = op->b;
    size_t len = ret == 0 && dict_count(op->out) ? dict3_size(op->out) : 0;
    uint8_t *bytes = len ? malloc(len) : NULL;
    brickop_rsp rsp = {.op_ret = ret < 0 ? -1 : 0, .op_errno = ret < 0 ? -ret : 0, .op_errstr = wire_str(ret < 0 ? text : NULL)};
    struct slicev body = {0};

    if (bytes) {
        dict3_encode(op->out, bytes);
        rsp.output = (wire_dict3){.at = bytes, .len = (uint32_t)len};
    }
    if ((len && !bytes) || encode(op, &rsp, &body) < 0)
        rpc_reply_error(op->rpc, RPC_SYSTEM_ERR);
    else
        rpc_reply(op->rpc, &body);
    free(bytes);
    op_free(op);
    counter_add(&b->running, -1);
}

static void refuse(struct op *op, const char *lacks)
{
    char text[256];

    snprintf(text, sizeof(text), "this build does not have %s; see doc/refused.md", lacks);
    log_warning(DOMAIN, "%s: %s", op->rpc->program->actors[op->rpc->procedure].name, text);
    answer(op, -EOPNOTSUPP, text);
}

/* ---- the operations -------------------------------------------------------------------------------------------------------- */

static struct xlator *find_type(struct graph *g, const char *type)
{
    struct xlator *xl = g->first;

    while (xl && strcmp(xl->type->name, type) != 0)
        xl = xl->next;
    return xl;
}

static void terminate(struct op *op)
{
    struct process *p = op->b->process;
    const struct xlator *brick = graph_find(p->graph, op->name);
    bool mine = brick && brick->parent == p->graph->top;

    log_info(DOMAIN, "the management daemon ends brick %s%s", op->name, mine ? "" : ", which is none of ours");
    answer(op, 0, NULL); /* also when there is no such brick, as in GlusterFS */
    if (mine)
        p->stop(p, SIGTERM);
}

static void asked(struct xlator_ask *ask, int ret)
{
    struct op *op = container_of(ask, struct op, ask);

    answer(op, ret, ask->err.text[0] ? ask->err.text : strerror(-ret));
}

static void ask_xlator(struct op *op, struct xlator *xl, enum xlator_question what)
{
    if (!xl || !xl->type->ask) {
        answer(op, -ENOENT, "there is nobody who could answer");
        return;
    }
    op->ask = (struct xlator_ask){.what = what, .in = op->in, .out = op->out, .done = asked};
    xl->type->ask(xl, &op->ask);
}

/* `volume top ... read-perf bs SIZE count N`: before the list comes a test of the disk. */
static int measure(struct op *op)
{
    struct perf_result result;
    uint64_t size, count, top;
    int failed;

    if (dict_get_u64(op->in, "top-op", &top) < 0 || (top != 6 && top != 7) || dict_get_u64(op->in, "blk-size", &size) < 0 ||
        dict_get_u64(op->in, "blk-cnt", &count) < 0 || size == 0 || count == 0)
        return 0;
    failed = perf_measure(op->b->process, op->name, top == 6, size, count, &result);
    if (!failed)
        failed = dict_set_textf(op->out, "throughput", "%f", result.mb_per_s);
    return failed ? failed : dict_set_textf(op->out, "time", "%f", result.us);
}

static void info_on_worker(struct job *j)
{
    struct op *op = container_of(j, struct op, job);
    int failed = measure(op);

    if (failed)
        answer(op, failed, strerror(-failed));
    else
        ask_xlator(op, graph_find(op->b->process->graph, op->name), ASK_INFO);
}

static void status_on_worker(struct job *j)
{
    struct op *op = container_of(j, struct op, job);
    const char *brick;
    uint64_t cmd;
    int failed;

    if (dict_get_u64(op->in, "cmd", &cmd) < 0 || dict_get_text(op->in, "brick-name", &brick) < 0)
        failed = -EINVAL;
    else
        failed = server_status(op->b->process->graph->top, brick, (uint32_t)cmd, op->out);
    answer(op, failed, failed == -ENOENT ? "there is no such brick in this process" : strerror(-failed));
}

static void to_worker(struct op *op, void (*run)(struct job *j))
{
    op->job = (struct job){.run = run, .class = CLASS_NORMAL};
    pool_add(op->b->process->pool, &op->job);
}

static void barrier_set(struct xlator_ask *ask, int ret)
{
    answer(container_of(ask, struct op, ask), ret, "Failed to reconfigure barrier."); /* stock's words, its command line shows them */
}

static void barrier(struct op *op)
{
    struct xlator *xl = find_type(op->b->process->graph, "features/barrier");

    if (!xl || !xl->type->ask) {
        refuse(op, "the snapshot barrier");
        return;
    }
    op->ask = (struct xlator_ask){.what = ASK_BARRIER, .in = op->in, .out = op->out, .done = barrier_set};
    xl->type->ask(xl, &op->ask);
}

static void locks_cleared(struct server_clear *c, int r, const char *text)
{
    struct op *op = container_of(c, struct op, clear);

    if (r == 0)
        r = dict_set_text(op->out, "text", text);
    answer(op, r, strerror(-r));
}

static void clear_locks_on_worker(struct job *j)
{
    struct op *op = container_of(j, struct op, job);

    if (dict_get_text(op->in, "path", &op->clear.path) < 0 || dict_get_text(op->in, "key", &op->clear.key) < 0) {
        answer(op, -EINVAL, "path or key is missing");
        return;
    }
    op->clear.done = locks_cleared;
    server_clear_locks(op->b->process->graph->top, op->name, &op->clear);
}

static void run_op(struct op *op)
{
    switch (op->rpc->procedure) {
    case BRICKOP_TERMINATE:
        terminate(op);
        break;
    case BRICKOP_XLATOR_INFO:
        to_worker(op, info_on_worker);
        break;
    case BRICKOP_STATUS:
        to_worker(op, status_on_worker);
        break;
    case BRICKOP_BARRIER:
    case BRICKOP_VOLUME_BARRIER:
        barrier(op);
        break;
    case BRICKOP_CLEAR_LOCKS:
        to_worker(op, clear_locks_on_worker);
        break;
    case BRICKOP_ATTACH:
        refuse(op, "several bricks in one process");
        break;
    case BRICKOP_SVC_ATTACH:
    case BRICKOP_SVC_DETACH:
        refuse(op, "several volumes in one service process");
        break;
    case BRICKOP_DUMP_METRICS:
        refuse(op, "metrics");
        break;
    default:
        refuse(op, "that service: this process is a brick");
        break;
    }
}

/* ---- requests ---------------------------------------------------------------------------------------------------------------- */

static int decode(struct op *op)
{
    const struct rpc_request *rpc = op->rpc;
    int failed;

    if (wire_decode(xdr_brickop_req, &op->req, rpc->args, rpc->args_len) < 0)
        return -EINVAL;
    op->name = strndup(op->req.name.at ? op->req.name.at : "", op->req.name.len);
    op->out = dict_new();
    if (!op->name || !op->out)
        return -ENOMEM;
    if (rpc->procedure == BRICKOP_SVC_ATTACH) /* the text of a volume file */
        return 0;
    failed = dict3_decode(op->req.input.at, op->req.input.len, &op->in);
    if (!failed && !op->in && !(op->in = dict_new()))
        failed = -ENOMEM;
    return failed;
}

static void on_loop(struct loop_work *w)
{
    struct op *op = container_of(w, struct op, work);
    struct process *p = op->b->process;
    int failed = decode(op);

    if (failed == -EINVAL || failed == -E2BIG) {
        struct brick_ops *b = op->b;
        rpc_reply_error(op->rpc, RPC_GARBAGE_ARGS);
        op_free(op);
        counter_add(&b->running, -1);
    } else if (failed) {
        answer(op, failed, strerror(-failed));
    } else if (!p->graph || p->stopping) {
        answer(op, -ENOTCONN, p->graph ? "the brick is ending" : "the brick has not started yet");
    } else {
        run_op(op);
    }
}

static void run_any(struct rpc_request *req)
{
    struct brick_ops *b = req->program->data;
    struct op *op = calloc(1, sizeof(*op));

    if (!op) {
        rpc_reply_error(req, RPC_SYSTEM_ERR);
        return;
    }
    op->b = b;
    op->rpc = req;
    op->work.run = on_loop;
    counter_add(&b->running, 1);
    loop_post(b->process->env.loop, &op->work);
}

static size_t largest_reply(const uint8_t *args, size_t len)
{
    return DICT_WIRE_MAX + RPC_REPLY_SMALL;
}

#define ACTOR(proc, text) [BRICKOP_##proc] = {.name = (text), .run = run_any, .reply_max = largest_reply}
static const struct rpc_actor actors[NR_BRICKOP] = {
    ACTOR(TERMINATE, "TERMINATE"),
    ACTOR(XLATOR_INFO, "TRANSLATOR INFO"),
    ACTOR(XLATOR_OP, "TRANSLATOR OP"),
    ACTOR(STATUS, "STATUS"),
    ACTOR(XLATOR_DEFRAG, "TRANSLATOR DEFRAG"),
    ACTOR(NODE_PROFILE, "NFS PROFILE"),
    ACTOR(NODE_STATUS, "NFS STATUS"),
    ACTOR(VOLUME_BARRIER, "VOLUME BARRIER OP"),
    ACTOR(BARRIER, "BARRIER"),
    ACTOR(NODE_BITROT, "BITROT"),
    ACTOR(ATTACH, "ATTACH"),
    ACTOR(DUMP_METRICS, "DUMP METRICS"),
    ACTOR(SVC_ATTACH, "ATTACH CLIENT"),
    ACTOR(SVC_DETACH, "DETACH CLIENT"),
    ACTOR(CLEAR_LOCKS, "CLEAR LOCKS"),
};

/* ---- the socket ---------------------------------------------------------------------------------------------------------------- */

static void opened(void *host, struct rpc_conn *conn)
{
    rpc_conn_admit(conn); /* who may open the socket is root */
}

static void closed(void *host, struct rpc_conn *conn, int err) { }

static const struct rpc_service_host service_host = {.opened = opened, .closed = closed};

static const char *socket_option(const struct transport_options *o, const char *key)
{
    static const char *const fixed[][2] = {
        {"transport.address-family", "unix"},
        {"transport.socket.own-thread", "off"},
        {"transport.connections-limit", "64"}, /* the daemon's one, and what a restarted one has left */
    };

    for (size_t i = 0; i < array_len(fixed); i++)
        if (strcmp(key, fixed[i][0]) == 0)
            return fixed[i][1];
    return strcmp(key, "transport.socket.listen-path") == 0 ? o->ctx : NULL;
}

int brick_ops_listen(struct brick_ops *b, struct process *p, const struct transport_type *type, const char *path, struct err *err)
{
    const struct transport_options options = {.get = socket_option, .ctx = path};
    mode_t before;
    int failed;

    b->process = p;
    b->program = (struct rpc_program){
        .name = "brick operations", .number = BRICKOP_PROGRAM, .version = BRICKOP_VERSION, .actors = actors, .nr_actors = NR_BRICKOP,
        .data = b};
    b->rpc = rpc_service_new(&p->env, &service_host, b);
    if (!b->rpc || rpc_service_add(b->rpc, &b->program) < 0)
        return err_set(err, -ENOMEM, "%s: no memory", path);
    before = umask(0177); /* whoever can open it can end the brick. No other thread makes files yet */
    failed = rpc_service_listen(b->rpc, type, &options, err);
    umask(before);
    return failed;
}

static void add_queued(struct rpc_conn *conn, void *ctx)
{
    struct transport_stats st;
    unsigned int outstanding;

    rpc_conn_stats(conn, &st, &outstanding);
    *(size_t *)ctx += st.queued;
}

static void drain_tick(struct timer *t)
{
    struct brick_ops *b = container_of(t, struct brick_ops, drain);
    size_t queued = 0;

    rpc_service_each(b->rpc, add_queued, &queued);
    if (!b->kicked && ((counter_get(&b->running) == 0 && queued == 0) || ++b->ticks > DRAIN_TICKS)) {
        b->kicked = true;
        rpc_service_disconnect_all(b->rpc, 0);
    }
    if (b->kicked && rpc_service_conns(b->rpc) == 0 && counter_get(&b->running) == 0)
        process_let_go(b->process, &b->hold);
    else if (loop_arm(b->process->env.loop, t, DRAIN_TICK_MS) < 0)
        log_error(DOMAIN, "no memory for a timer: the end is not waited for");
}

void brick_ops_end(struct brick_ops *b)
{
    if (!b->rpc || b->ending)
        return;
    b->ending = true;
    b->drain.expired = drain_tick;
    process_hold(b->process, &b->hold, "the management socket");
    rpc_service_stop_listening(b->rpc);
    drain_tick(&b->drain);
}

void brick_ops_done(struct brick_ops *b)
{
    if (!b->rpc)
        return;
    rpc_service_stop_listening(b->rpc);
    rpc_service_free(b->rpc);
    b->rpc = NULL;
}
