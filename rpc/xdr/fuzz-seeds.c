/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Writes the recorded messages as seeds: fuzz-seeds FOLDER xdr: structures for fuzz-xdr; FOLDER service: calls for fuzz-service;
 * FOLDER server: the same for protocol/server's fuzz-server; FOLDER answer: results for protocol/client's fuzz-answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "rpcmsg.h"
#include "vectors.h"

static void write_seed(const char *dir, const char *name, const char *what, uint8_t first, const uint8_t *bytes, size_t len)
{
    char path[1024];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s.%s", dir, name, what);
    f = fopen(path, "w");
    if (!f || putc(first, f) == EOF || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_structures(const char *dir, const struct vector *v)
{
    rpc_call_header h;
    rpc_reply_header r;
    const struct procedure *p;
    int64_t at = wire_decode(xdr_rpc_call_header, &h, v->call, v->call_len);

    if (at < 0)
        return;
    write_seed(dir, v->name, "header", 252, v->call, v->call_len); /* 252 % 6 is the call's header */
    p = find_procedure(h.prog, h.vers, h.proc);
    if (!p)
        return;
    write_seed(dir, v->name, "call", (uint8_t)(2 * (p - procedures)), v->call + at, v->call_len - (size_t)at);
    at = v->reply ? wire_decode(xdr_rpc_reply_header, &r, v->reply, v->reply_len) : -1;
    if (at > 0 && r.accept_stat == 0)
        write_seed(dir, v->name, "reply", (uint8_t)(2 * (p - procedures) + 1), v->reply + at, v->reply_len - (size_t)at);
}

/* A result of program 400 behind the number of its operation. */
static void write_answer(const char *dir, const struct vector *v)
{
    rpc_call_header h;
    rpc_reply_header r;
    int64_t n;

    if (!v->call || !v->reply || wire_decode(xdr_rpc_call_header, &h, v->call, v->call_len) < 0 || h.vers != 400)
        return;
    n = wire_decode(xdr_rpc_reply_header, &r, v->reply, v->reply_len);
    if (n > 0 && r.accept_stat == 0)
        write_seed(dir, v->name, "answer", (uint8_t)h.proc, v->reply + n, v->reply_len - (size_t)n);
}

/* Behind its length in two bytes. */
static void write_record(const char *dir, const struct vector *v)
{
    uint8_t *bytes = malloc(v->call_len + 1);

    if (!bytes)
        exit(1);
    bytes[0] = (uint8_t)v->call_len;
    memcpy(bytes + 1, v->call, v->call_len);
    if (v->call_len <= 0x7fff)
        write_seed(dir, v->name, "record", (uint8_t)(v->call_len >> 8), bytes, v->call_len + 1);
    free(bytes);
}

int main(int argc, char **argv)
{
    struct vector *all;

    if (argc != 3) {
        fprintf(stderr, "usage: %s FOLDER xdr|service|server|answer\n", argv[0]);
        return 1;
    }
    if (mkdir(argv[1], 0777) < 0 && errno != EEXIST) {
        perror(argv[1]);
        return 1;
    }
    all = vectors_load(VECTORS, "");
    for (struct vector *v = all; v->name[0]; v++) {
        if (strcmp(argv[2], "xdr") == 0)
            write_structures(argv[1], v);
        else if (strcmp(argv[2], "server") == 0)
            write_record(argv[1], v);
        else if (strcmp(argv[2], "answer") == 0)
            write_answer(argv[1], v);
        else
            write_seed(argv[1], v->name, "call", 3, v->call, v->call_len);
    }
    vectors_free(all);
    return 0;
}
