/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "brickcall.h"
#include "dict.h"
#include "glusterd.h"

#define TIMEOUT_MS 30000

int ask(struct glusterd *gd, const struct question *q, struct dict **ret, struct err *err)
{
    struct brickcall call = {.name = q->name, .procedure = q->procedure, .op = q->op, .in = q->input, .dict = q->dict, .text = q->text};
    int r = 0;
    if (ret)
        *ret = NULL;
    if (snprintf(call.socket, sizeof call.socket, "%s", q->socket) >= (int)sizeof call.socket)
        return err_set(err, -ENAMETOOLONG, "%s: the path is too long for a socket", q->socket);
    brickcalls_run(gd, &call, 1, q->timeout_ms ? q->timeout_ms : TIMEOUT_MS);
    if (call.err < 0) {
        r = err_set(err, call.err, "the process at %s does not answer: %s", q->socket, strerror(-call.err));
    } else {
        if (call.op_ret < 0)
            r = err_set(err, -EREMOTEIO, "%s",
                        call.errstr[0] ? call.errstr : strerror(call.op_errno > 0 && call.op_errno < 4096 ? call.op_errno : EIO));
        if (ret) {
            *ret = call.out;
            call.out = NULL;
        }
    }
    brickcalls_done(&call, 1);
    return r;
}
