/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "reply.h"

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 512

static int by_key(const void *a, const void *b)
{
    return strcmp((*(struct reply_pair *const *)a)->key, (*(struct reply_pair *const *)b)->key);
}

static uint32_t be32_at(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return be32toh(v);
}

/* Count, then for each pair length of key and value, key with a NUL, value (spec wire 4.1). A value gets a NUL of its own behind it. */
static int split(struct reply *r, const uint8_t *in, uint32_t len)
{
    uint32_t count = len < 4 ? 0 : be32_at(in), at = 4;
    char *to;

    if (len < 4 || count > (len - 4) / 8) /* no pair is shorter: what is allocated is in proportion to what came */
        return -EBADMSG;
    r->bytes = malloc((size_t)len + count);
    r->pairs = calloc(count + 1, sizeof(*r->pairs));
    r->sorted = calloc(count + 1, sizeof(*r->sorted));
    if (!r->bytes || !r->pairs || !r->sorted)
        return -ENOMEM;
    to = r->bytes;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key_len, value_len;

        if (len - at < 8)
            return -EBADMSG;
        key_len = be32_at(in + at);
        value_len = be32_at(in + at + 4);
        at += 8;
        if (key_len > len - at - 1 || len - at < 1 || value_len > len - at - 1 - key_len || in[at + key_len] != 0)
            return -EBADMSG;
        memcpy(to, in + at, key_len + 1);
        r->pairs[i].key = to;
        to += key_len + 1;
        at += key_len + 1;
        memcpy(to, in + at, value_len);
        to[value_len] = 0;
        r->pairs[i].value = to;
        r->pairs[i].len = value_len && to[value_len - 1] == 0 ? value_len - 1 : value_len;
        to += value_len + 1;
        at += value_len;
        r->sorted[i] = &r->pairs[i];
    }
    r->n = count;
    qsort(r->sorted, count, sizeof(*r->sorted), by_key);
    return 0;
}

int reply_take(struct reply *ret, int op_ret, int op_errno, const char *reason, uint32_t reason_len, const uint8_t *dict, uint32_t len)
{
    int failed = 0;

    *ret = (struct reply){.op_ret = op_ret, .op_errno = op_errno};
    ret->reason = strndup(reason ? reason : "", reason_len);
    if (!ret->reason)
        failed = -ENOMEM;
    else if (len)
        failed = split(ret, dict, len);
    if (failed)
        reply_done(ret);
    return failed;
}

void reply_done(struct reply *r)
{
    free(r->reason);
    free(r->bytes);
    free(r->pairs);
    free(r->sorted);
    *r = (struct reply){0};
}

static const char *find(const struct reply *r, const char *fmt, va_list ap)
{
    char key[KEY_MAX];
    struct reply_pair want = {.key = key}, *wanted = &want, **found;
    int n = vsnprintf(key, sizeof(key), fmt, ap);

    if (n < 0 || (size_t)n >= sizeof(key) || !r->n)
        return NULL;
    found = bsearch(&wanted, r->sorted, r->n, sizeof(*r->sorted), by_key);
    return found ? (*found)->value : NULL;
}

#define FIND(r, fmt) \
    ({ \
        va_list ap_; \
        va_start(ap_, fmt); \
        const char *found_ = find(r, fmt, ap_); \
        va_end(ap_); \
        found_; \
    })

const char *reply_text(const struct reply *r, const char *fmt, ...)
{
    return FIND(r, fmt);
}

const char *reply_or(const struct reply *r, const char *otherwise, const char *fmt, ...)
{
    const char *text = FIND(r, fmt);

    return text ? text : otherwise;
}

int64_t reply_number(const struct reply *r, int64_t otherwise, const char *fmt, ...)
{
    const char *text = FIND(r, fmt);
    char *end;
    int64_t v;

    if (!text)
        return otherwise;
    errno = 0;
    v = strtoll(text, &end, 10);
    return errno || end == text || *end ? otherwise : v;
}

uint64_t reply_unsigned(const struct reply *r, const char *fmt, ...)
{
    const char *text = FIND(r, fmt);

    return text ? strtoull(text, NULL, 10) : 0;
}

double reply_double(const struct reply *r, const char *fmt, ...)
{
    const char *text = FIND(r, fmt);

    return text ? strtod(text, NULL) : 0;
}

bool reply_has(const struct reply *r, const char *fmt, ...)
{
    return FIND(r, fmt) != NULL;
}
