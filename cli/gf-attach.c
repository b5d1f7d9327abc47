/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* gf_attach: tells the process of a brick, on its socket, that the brick is to end. Test harnesses and scripts stop bricks with it.
 *
 *   gf_attach -d SOCKET BRICK
 *
 * The other form, which adds a brick to a process, is refused: each brick has a process of its own here. Words and exit status:
 * GlusterFS's. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "brickop.h"
#include "session.h"

enum { WAIT_S = 30 };

static int answered(void *ctx, const uint8_t *result, size_t len)
{
    brickop_rsp rsp;

    if (wire_decode(xdr_brickop_rsp, &rsp, result, len) < 0)
        return -EBADMSG;
    *(int *)ctx = rsp.op_ret;
    return 0;
}

static int end_brick(const char *socket, const char *brick)
{
    const struct session_conf where = {.socket = socket};
    brickop_req req = {.name = wire_str(brick), .op = BRICKOP_TERMINATE};
    struct session *s;
    struct err err = {0};
    int op_ret = -1, failed = session_open(&where, &s, &err);

    if (failed) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    failed = session_call(s, BRICKOP_PROGRAM, BRICKOP_VERSION, BRICKOP_TERMINATE, xdr_brickop_req, &req, WAIT_S, answered, &op_ret);
    session_close(s);
    if (failed && failed != -ENOTCONN) /* it may be gone before its answer is */
        fprintf(stderr, "%s: %s\n", socket, strerror(-failed));
    else if (!failed && op_ret < 0)
        fprintf(stderr, "%s: there is no brick %s\n", socket, brick);
    return (failed && failed != -ENOTCONN) || (!failed && op_ret < 0);
}

int main(int argc, char **argv)
{
    struct stat st;

    if (argc == 3 && argv[1][0] != '-') {
        fprintf(stderr, "gf_attach: bricks are not added to processes here: each has one of its own\n");
        return 1;
    }
    if (argc != 4 || strcmp(argv[1], "-d") != 0) {
        fprintf(stderr, "Usage: gf_attach uds_path volfile_path (to attach)\n       gf_attach -d uds_path brick_path (to detach)\n");
        return 1;
    }
    if (stat(argv[2], &st) < 0) {
        fprintf(stderr, "Unable to stat %s (%s)\n", argv[2], strerror(errno));
        return 1;
    }
    return end_brick(argv[2], argv[3]);
}
