/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The messages: RPC call headers and the few procedures that the tests need, program version 400. */
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FOP = 1298437, HANDSHAKE = 14398633, DUMP = 123451501 };
enum { AUTH_V3 = 390040 };
enum { IATT = 148, EMPTY_DICT = 12 };

static const uint8_t root[16] = {[15] = 1};

uint32_t get_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

uint64_t get_u64(const uint8_t *p)
{
    return (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
}

void put_bytes(struct out *o, const void *bytes, size_t len)
{
    if (o->cap - o->len < len) {
        o->cap = (o->len + len) * 2;
        o->bytes = realloc(o->bytes, o->cap);
    }
    if (len > 0)
        memcpy(o->bytes + o->len, bytes, len);
    o->len += len;
}

void put_u32(struct out *o, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};
    put_bytes(o, b, sizeof b);
}

void put_u64(struct out *o, uint64_t v)
{
    put_u32(o, (uint32_t)(v >> 32));
    put_u32(o, (uint32_t)v);
}

void put_opaque(struct out *o, const void *bytes, size_t len)
{
    put_u32(o, (uint32_t)len);
    put_bytes(o, bytes, len);
    put_bytes(o, "\0\0\0", -len & 3);
}

void put_string(struct out *o, const char *s)
{
    put_opaque(o, s, strlen(s));
}

void put_no_dict(struct out *o)
{
    put_u32(o, 0);
    put_u32(o, UINT32_MAX);
    put_u32(o, 0);
}

void out_free(struct out *o)
{
    free(o->bytes);
    memset(o, 0, sizeof *o);
}

void call_begin(struct out *o, struct link *l, uint32_t prog, uint32_t vers, uint32_t proc)
{
    static const char owner[8] = "testpeer";
    o->len = 0;
    put_u32(o, 0); /* the record mark */
    put_u32(o, ++l->xid);
    put_u32(o, 0);
    put_u32(o, 2);
    put_u32(o, prog);
    put_u32(o, vers);
    put_u32(o, proc);
    put_u32(o, AUTH_V3);
    put_u32(o, 44 + 4 * l->to->nr_groups);
    put_u32(o, (uint32_t)getpid());
    put_u32(o, l->to->uid);
    put_u32(o, l->to->gid);
    put_u32(o, 0); /* which times */
    put_u32(o, 0);
    put_u64(o, 0);
    put_u32(o, l->to->nr_groups);
    for (uint32_t i = 0; i < l->to->nr_groups; i++)
        put_u32(o, l->to->groups[i]);
    put_opaque(o, owner, sizeof owner);
    put_u32(o, 0); /* verifier */
    put_u32(o, 0);
}

void call_end(struct out *o)
{
    uint32_t mark = 0x80000000u | (uint32_t)(o->len - 4);
    size_t len = o->len;
    o->len = 0;
    put_u32(o, mark);
    o->len = len;
}

void call_dump(struct out *o, struct link *l)
{
    call_begin(o, l, DUMP, 1, 1);
    put_u64(o, 51949);
    call_end(o);
}

void call_ping(struct out *o, struct link *l)
{
    call_begin(o, l, DUMP, 1, 2);
    call_end(o);
}

static void put_gfid_request(struct out *o)
{
    uint8_t gfid[16];
    FILE *f = fopen("/dev/urandom", "r");
    if (!f || fread(gfid, 1, sizeof gfid, f) != sizeof gfid)
        die("/dev/urandom: %s", strerror(errno));
    fclose(f);
    gfid[6] = (uint8_t)((gfid[6] & 0x0f) | 0x40);
    gfid[8] = (uint8_t)((gfid[8] & 0x3f) | 0x80);
    put_u32(o, 36);
    put_u32(o, 1);
    put_u32(o, 1);
    put_opaque(o, "gfid-req", 9);
    put_u32(o, 7);
    put_bytes(o, gfid, sizeof gfid);
}

void call_create(struct out *o, struct link *l, const char *name)
{
    call_begin(o, l, FOP, 400, 23);
    put_bytes(o, root, sizeof root);
    put_u32(o, 0102); /* read and write, create */
    put_u32(o, 0100644);
    put_u32(o, 0);
    put_string(o, name);
    put_gfid_request(o);
    call_end(o);
}

void call_read(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t offset, uint32_t size)
{
    call_begin(o, l, FOP, 400, 12);
    put_bytes(o, gfid, 16);
    put_u64(o, (uint64_t)fd);
    put_u64(o, offset);
    put_u32(o, size);
    put_u32(o, 0100002);
    put_no_dict(o);
    call_end(o);
}

void call_write(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t offset, const void *data, uint32_t size)
{
    call_begin(o, l, FOP, 400, 13);
    put_bytes(o, gfid, 16);
    put_u64(o, (uint64_t)fd);
    put_u64(o, offset);
    put_u32(o, size);
    put_u32(o, 0100002);
    put_no_dict(o);
    put_bytes(o, data, size);
    call_end(o);
}

void call_lock(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, bool wait)
{
    call_begin(o, l, FOP, 400, 26);
    put_bytes(o, gfid, 16);
    put_u64(o, (uint64_t)fd);
    put_u32(o, wait ? 2 : 1);
    put_u32(o, 1); /* write lock */
    put_u32(o, 1);
    put_u32(o, 0);
    put_u64(o, 0);
    put_u64(o, 0);
    put_u32(o, (uint32_t)getpid());
    put_opaque(o, "testpeer", 8);
    put_no_dict(o);
    call_end(o);
}

int link_ask(struct link *l, struct out *o, struct reply *r)
{
    int ret = link_push(l, o->bytes, o->len);
    out_free(o);
    while (ret == 0) {
        ret = link_reply(l, r);
        if (ret == 0 && r->type == 1)
            return r->xid != l->xid ? -EBADMSG : r->accept_stat != 0 ? -EREMOTEIO : 0;
    }
    return ret;
}

int result_of(const struct reply *r, size_t at_least)
{
    if (r->len < 8 || r->len < at_least)
        return -EBADMSG;
    return (int32_t)get_u32(r->result) < 0 ? -(int)get_u32(r->result + 4) : 0;
}

int link_ping(struct link *l)
{
    struct out o = {0};
    struct reply r;
    int ret;
    call_ping(&o, l);
    ret = link_ask(l, &o, &r);
    return ret < 0 ? ret : result_of(&r, 12);
}

static void pair(struct out *o, const char *key, const char *value)
{
    put_u32(o, (uint32_t)strlen(key));
    put_u32(o, (uint32_t)strlen(value) + 1);
    put_bytes(o, key, strlen(key) + 1);
    put_bytes(o, value, strlen(value) + 1);
}

int link_login(struct link *l)
{
    static unsigned int serial;
    struct out dict = {0}, o = {0};
    struct reply r;
    char uuid[160];
    int ret;

    snprintf(uuid, sizeof uuid, "CTX_ID:test-%d-%u-%llu-GRAPH_ID:0-PID:%d-HOST:test-PC_NAME:test-RECON_NO:-0", getpid(), serial++,
             (unsigned long long)now_us(), getpid());
    put_u32(&dict, 5);
    pair(&dict, "remote-subvolume", l->to->brick ? l->to->brick : "");
    pair(&dict, "process-uuid", uuid);
    pair(&dict, "fops-version", "1298437");
    pair(&dict, "client-version", "10.3");
    pair(&dict, "process-name", "test");
    call_begin(&o, l, HANDSHAKE, 2, 1);
    put_opaque(&o, dict.bytes, dict.len);
    call_end(&o);
    out_free(&dict);
    ret = link_ask(l, &o, &r);
    return ret < 0 ? ret : result_of(&r, 12);
}

int link_create(struct link *l, const char *name, uint8_t ret_gfid[16], int64_t *ret_fd)
{
    struct out o = {0};
    struct reply r;
    size_t dict;
    int ret;

    call_create(&o, l, name);
    ret = link_ask(l, &o, &r);
    if (ret == 0)
        ret = result_of(&r, 8 + EMPTY_DICT);
    if (ret < 0)
        return ret;
    dict = get_u32(r.result + 8);
    if (r.len < 8 + EMPTY_DICT + dict + IATT + 8)
        return -EBADMSG;
    memcpy(ret_gfid, r.result + 8 + EMPTY_DICT + dict, 16);
    *ret_fd = (int64_t)get_u64(r.result + 8 + EMPTY_DICT + dict + IATT);
    return 0;
}

int link_write(struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t offset, const void *data, uint32_t size)
{
    struct out o = {0};
    struct reply r;
    int ret;
    call_write(&o, l, gfid, fd, offset, data, size);
    ret = link_ask(l, &o, &r);
    if (ret == 0)
        ret = result_of(&r, 8 + EMPTY_DICT + 2 * IATT);
    return ret < 0 ? ret : get_u32(r.result) == size ? 0 : -EIO;
}

int read_result(const struct reply *r, const uint8_t **ret_data, size_t *ret_len)
{
    enum { FIXED = 8 + IATT + 4 + EMPTY_DICT };
    size_t dict;
    int ret = r->accept_stat != 0 ? -EREMOTEIO : result_of(r, FIXED);

    if (ret < 0)
        return ret;
    dict = get_u32(r->result + 8 + IATT + 4);
    if (r->len < FIXED + dict || r->len - FIXED - dict != get_u32(r->result) || get_u32(r->result) != get_u32(r->result + 8 + IATT))
        return -EBADMSG;
    *ret_data = r->result + FIXED + dict;
    *ret_len = get_u32(r->result);
    return 0;
}

void pattern(uint8_t *to, uint32_t seed, uint64_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t word = (at + i) / 8 + seed;
        word *= 0x9e3779b97f4a7c15u;
        word ^= word >> 29;
        to[i] = (uint8_t)(word >> (8 * ((at + i) % 8)));
    }
}
