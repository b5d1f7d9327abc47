/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ask.c: from a request to a reply, whatever structure the procedure has; and what a person hears when there is none. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "dict.h"
#include "gluster.h"
#include "handshake.h"
#include "log.h"

#define DOMAIN "cli"
#define OP_VERSION "100000" /* of GlusterFS 10 */

/* ---- requests ------------------------------------------------------------------------------------------------------------ */

static void keep(struct request *r, int failed)
{
    if (failed && !r->err)
        r->err = failed;
}

void put(struct request *r, const char *key, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    keep(r, !r->dict || !text ? -ENOMEM : dict_set_text(r->dict, key, text));
    free(text);
}

void put_number(struct request *r, const char *key, int64_t v)
{
    keep(r, r->dict ? dict_set_i64(r->dict, key, v) : -ENOMEM);
}

struct request request(const struct words *w)
{
    struct request r = {.dict = dict_new()};
    size_t room = 1;
    char *text, *to;

    if (!r.dict)
        r.err = -ENOMEM;
    if (!w)
        return r;
    for (int i = 0; i < w->n; i++)
        room += strlen(w->at[i]) + 1;
    text = to = calloc(1, room);
    for (int i = 0; text && i < w->n; i++)
        to += sprintf(to, "%s%s", i ? " " : "", w->at[i]);
    put(&r, "cmd-str", "%s", text ? text : "");
    free(text);
    return r;
}

struct request volume_request(const struct words *w)
{
    struct request r = request(w);

    put(&r, "volname", "%s", w->at[2]);
    return r;
}

void request_drop(struct request *r)
{
    dict_unref(r->dict);
    r->dict = NULL;
}

/* ---- calls --------------------------------------------------------------------------------------------------------------- */

static int connected(struct cli *c)
{
    struct err err = {0};

    if (c->session)
        return 0;
    if (session_open(&c->where, &c->session, &err) == 0)
        return 0;
    log_error(DOMAIN, "no connection: %s", err.text);
    puts("Connection failed. Please check if gluster daemon is operational.");
    return 1;
}

void hang_up(struct cli *c)
{
    session_close(c->session);
    c->session = NULL;
}

static int told_why(struct cli *c, int failed)
{
    log_error(DOMAIN, "no answer: %s", strerror(-failed));
    hang_up(c); /* the next command finds out anew */
    if (failed == -ETIMEDOUT)
        puts("Error : Request timed out");
    else if (failed == -EOPNOTSUPP)
        fputs("the daemon does not have this command\n", stderr);
    else if (failed == -EBADMSG)
        fputs("the daemon's answer cannot be understood\n", stderr);
    else if (failed == -ENOTCONN)
        puts("Connection failed. Please check if gluster daemon is operational.");
    else
        fprintf(stderr, "the request could not be sent: %s\n", strerror(-failed));
    return 1;
}

/* One procedure's structures: arguments, and what to do with the result. */
struct shape {
    uint32_t program, version, procedure;
    void *proc;
    const void *args;
    int (*take)(void *ctx, const uint8_t *result, size_t len);
    void *ctx;
};

static int call(struct cli *c, const struct shape *s, unsigned int timeout_s)
{
    int status = connected(c), failed;

    if (status)
        return status;
    failed = session_call(c->session, s->program, s->version, s->procedure, s->proc, s->args, c->timeout_s ? c->timeout_s : timeout_s,
                          s->take, s->ctx);
    return failed ? told_why(c, failed) : 0;
}

/* The request's dictionary as bytes, in a structure that has one. */
static int encode(struct request *r, wire_dict3 *ret, uint8_t **ret_bytes)
{
    size_t len = r->err ? 0 : dict3_size(r->dict);
    uint8_t *bytes = malloc(len + 1);

    if (!bytes)
        keep(r, -ENOMEM);
    if (r->err) {
        free(bytes);
        request_drop(r);
        fprintf(stderr, "the request cannot be made: %s\n", strerror(-r->err));
        return 1;
    }
    dict3_encode(r->dict, bytes);
    request_drop(r);
    *ret = (wire_dict3){.at = bytes, .len = (uint32_t)len};
    *ret_bytes = bytes;
    return 0;
}

static int take_rsp(void *ctx, const uint8_t *result, size_t len)
{
    cli_rsp rsp;

    if (wire_decode(xdr_cli_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return reply_take(ctx, rsp.op_ret, rsp.op_errno, rsp.op_errstr.at, rsp.op_errstr.len, rsp.dict.at, rsp.dict.len);
}

int ask(struct cli *c, unsigned int proc, struct request *r, unsigned int timeout_s, struct reply *ret)
{
    uint8_t *bytes;
    cli_req req;
    int status;

    if (c->timeout_s > USUAL_S)
        put_number(r, "timeout", c->timeout_s);
    status = encode(r, &req.dict, &bytes);
    if (status)
        return status;
    status = call(c, &(struct shape){CLI_PROGRAM, CLI_VERSION, proc, xdr_cli_req, &req, take_rsp, ret}, timeout_s);
    free(bytes);
    return status;
}

static int take_peers(void *ctx, const uint8_t *result, size_t len)
{
    cli_peer_list_rsp rsp;

    if (wire_decode(xdr_cli_peer_list_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return reply_take(ctx, rsp.op_ret, rsp.op_errno, NULL, 0, rsp.friends.at, rsp.friends.len);
}

int ask_peers(struct cli *c, int flags, struct reply *ret)
{
    const cli_peer_list_req req = {.flags = flags};

    return call(c, &(struct shape){CLI_PROGRAM, CLI_VERSION, CLI_LIST_FRIENDS, xdr_cli_peer_list_req, &req, take_peers, ret}, USUAL_S);
}

/* An answer that is a text beside the two numbers. */
struct with_text {
    struct reply *reply;
    char **ret;
};

static int keep_text(const struct with_text *t, int op_ret, int op_errno, const char *at, uint32_t len)
{
    *t->ret = strndup(at ? at : "", len);
    return *t->ret ? reply_take(t->reply, op_ret, op_errno, NULL, 0, NULL, 0) : -ENOMEM;
}

static int take_spec(void *ctx, const uint8_t *result, size_t len)
{
    hndsk_getspec_rsp rsp;

    if (wire_decode(xdr_hndsk_getspec_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return keep_text(ctx, rsp.op_ret, rsp.op_errno, rsp.spec.at, rsp.spec.len);
}

int ask_spec(struct cli *c, const char *volume, struct reply *ret, char **ret_spec)
{
    struct request r = request(NULL);
    struct with_text t = {ret, ret_spec};
    hndsk_getspec_req req = {.key = wire_str(volume)};
    uint8_t *bytes;
    int status;

    put(&r, "min-op-version", "1");
    put(&r, "max-op-version", OP_VERSION);
    status = encode(&r, &req.xdata, &bytes);
    if (status)
        return status;
    status = call(c, &(struct shape){HNDSK_PROGRAM, HNDSK_VERSION, HNDSK_GETSPEC, xdr_hndsk_getspec_req, &req, take_spec, &t}, USUAL_S);
    free(bytes);
    return status;
}

static int take_directory(void *ctx, const uint8_t *result, size_t len)
{
    cli_getwd_rsp rsp;

    if (wire_decode(xdr_cli_getwd_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return keep_text(ctx, rsp.op_ret, rsp.op_errno, rsp.wd.at, rsp.wd.len);
}

int ask_directory(struct cli *c, struct reply *ret, char **ret_dir)
{
    const cli_getwd_req req = {0};
    struct with_text t = {ret, ret_dir};

    return call(c, &(struct shape){CLI_PROGRAM, CLI_VERSION, CLI_GETWD, xdr_cli_getwd_req, &req, take_directory, &t}, USUAL_S);
}

static int take_fsm_log(void *ctx, const uint8_t *result, size_t len)
{
    cli_fsm_log_rsp rsp;

    if (wire_decode(xdr_cli_fsm_log_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return reply_take(ctx, rsp.op_ret, rsp.op_errno, rsp.op_errstr.at, rsp.op_errstr.len, rsp.fsm_log.at, rsp.fsm_log.len);
}

int ask_fsm_log(struct cli *c, const char *peer, struct reply *ret)
{
    const cli_fsm_log_req req = {.name = wire_str(peer)};

    return call(c, &(struct shape){CLI_PROGRAM, CLI_VERSION, CLI_FSM_LOG, xdr_cli_fsm_log_req, &req, take_fsm_log, ret}, USUAL_S);
}

static int take_mount(void *ctx, const uint8_t *result, size_t len)
{
    cli_mount_rsp rsp;

    if (wire_decode(xdr_cli_mount_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return keep_text(ctx, rsp.op_ret, rsp.op_errno, rsp.path.at, rsp.path.len);
}

int ask_mount(struct cli *c, const char *label, struct request *r, struct reply *ret, char **ret_path)
{
    cli_mount_req req = {.label = wire_str(label)};
    struct with_text t = {ret, ret_path};
    uint8_t *bytes;
    int status = encode(r, &req.dict, &bytes);

    if (status)
        return status;
    status = call(c, &(struct shape){CLI_PROGRAM, CLI_VERSION, CLI_MOUNT, xdr_cli_mount_req, &req, take_mount, &t}, USUAL_S);
    free(bytes);
    return status;
}

static int take_umount(void *ctx, const uint8_t *result, size_t len)
{
    cli_umount_rsp rsp;

    if (wire_decode(xdr_cli_umount_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    return reply_take(ctx, rsp.op_ret, rsp.op_errno, NULL, 0, NULL, 0);
}

int ask_umount(struct cli *c, bool lazy, const char *path, struct reply *ret)
{
    const cli_umount_req req = {.lazy = lazy, .path = wire_str(path)};

    return call(c, &(struct shape){CLI_PROGRAM, CLI_VERSION, CLI_UMOUNT, xdr_cli_umount_req, &req, take_umount, ret}, USUAL_S);
}

/* ---- what an answer means ------------------------------------------------------------------------------------------------ */

int status_of(const struct reply *r)
{
    return -r->op_ret & 255;
}

int refused(const struct reply *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    if (r->reason[0])
        fprintf(stderr, ": failed: %s\n", r->reason);
    else
        fputs(": failed\n", stderr);
    return status_of(r);
}

int refused_with(const struct reply *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return status_of(r);
}

int missing(const char *key)
{
    fprintf(stderr, "the daemon's answer has no \"%s\"\n", key);
    return NO_ANSWER_KEY;
}
