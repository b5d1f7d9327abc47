/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "lockcalls.h"

#include <errno.h>
#include <string.h>

enum { FOP = 1298437, AUTH_V3 = 390040, EMPTY_DICT = 12 };

void begin_as(struct out *o, struct link *l, const struct caller *c, enum proc proc)
{
    o->len = 0;
    put_u32(o, 0); /* the record mark */
    put_u32(o, ++l->xid);
    put_u32(o, 0);
    put_u32(o, 2);
    put_u32(o, FOP);
    put_u32(o, 400);
    put_u32(o, proc);
    put_u32(o, AUTH_V3);
    put_u32(o, 36 + ((c->owner_len + 3) & ~3u));
    put_u32(o, c->pid);
    put_u32(o, c->uid);
    put_u32(o, c->uid);
    put_u32(o, 0); /* which times */
    put_u32(o, 0);
    put_u64(o, 0);
    put_u32(o, 0); /* groups */
    put_opaque(o, c->owner, c->owner_len);
    put_u32(o, 0); /* verifier */
    put_u32(o, 0);
}

/* Types of spec wire 4.2: 3 unsigned, 5 text (its NUL counts), 6 binary, 7 UUID. */
void put_dict(struct out *o, const char *key, int type, const void *value, size_t len)
{
    struct out pair = {0};

    put_opaque(&pair, key, strlen(key) + 1);
    put_u32(&pair, (uint32_t)type);
    if (type == 2 || type == 3)
        put_u64(&pair, *(const uint64_t *)value);
    else if (type == 7)
        put_bytes(&pair, value, 16);
    else
        put_opaque(&pair, value, len);
    put_u32(o, (uint32_t)pair.len);
    put_u32(o, 1);
    put_u32(o, 1);
    put_bytes(o, pair.bytes, pair.len);
    out_free(&pair);
}

void put_flock(struct out *o, const struct range *r, uint32_t pid)
{
    put_u32(o, r->type);
    put_u32(o, 0);
    put_u64(o, (uint64_t)r->start);
    put_u64(o, (uint64_t)r->len);
    put_u32(o, pid);
    put_opaque(o, "", 0);
}

void call_lk(struct out *o, struct link *l, const struct caller *c, const struct file *f, enum lk_cmd cmd, const struct range *r,
             bool mandatory)
{
    uint64_t mode = 1;

    begin_as(o, l, c, P_LK);
    put_bytes(o, f->gfid, 16);
    put_u64(o, (uint64_t)f->fd);
    put_u32(o, cmd);
    put_u32(o, r->type);
    put_flock(o, r, c->pid);
    if (mandatory)
        put_dict(o, "glusterfs.lk.lkmode", 3, &mode, 0);
    else
        put_no_dict(o);
    call_end(o);
}

void call_inodelk(struct out *o, struct link *l, const struct caller *c, const struct file *f, const char *domain, enum lk_cmd cmd,
                  const struct range *r)
{
    begin_as(o, l, c, P_INODELK);
    put_bytes(o, f->gfid, 16);
    put_u32(o, cmd);
    put_u32(o, r->type);
    put_flock(o, r, c->pid);
    put_string(o, domain);
    put_no_dict(o);
    call_end(o);
}

int lk_result(const struct reply *r, struct lock_seen *ret)
{
    int failed = r->accept_stat ? -EREMOTEIO : result_of(r, 8 + EMPTY_DICT);
    size_t at;

    memset(ret, 0, sizeof *ret);
    if (failed)
        return failed;
    at = 8 + EMPTY_DICT + get_u32(r->result + 8);
    if (r->len < at + 32 || r->len < at + 32 + get_u32(r->result + at + 28))
        return -EBADMSG;
    ret->type = get_u32(r->result + at);
    ret->start = (int64_t)get_u64(r->result + at + 8);
    ret->len = (int64_t)get_u64(r->result + at + 16);
    ret->pid = get_u32(r->result + at + 24);
    ret->owner_len = get_u32(r->result + at + 28);
    if (ret->owner_len > sizeof ret->owner)
        return -EBADMSG;
    memcpy(ret->owner, r->result + at + 32, ret->owner_len);
    return 0;
}
