/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* reply.h: what the daemon answered: two numbers, a reason, and pairs of key and text.
 *
 * A reply may be far larger than a dict.h dictionary is allowed to be (tables of inodes, profiles of many bricks), so it has a form of its
 * own: the bytes as they came, and an index sorted by key. It is checked once, whole, when it is opened.
 *
 * Owners   reply_take() copies: nothing borrows from the record. Texts live as long as the reply. */
#ifndef CLI_REPLY_H
#define CLI_REPLY_H

#include <stdint.h>

#include "util.h"

struct reply_pair {
    const char *key, *value; /* ended by NUL */
    uint32_t len;            /* of the value, without the NUL */
};
struct reply {
    int op_ret, op_errno;
    char *reason;            /* op_errstr; "" when there is none */
    char *bytes;
    struct reply_pair *pairs, **sorted;
    unsigned int n;
};

/* -EBADMSG: the dictionary is not one; -ENOMEM. ret is empty then. */
int reply_take(struct reply *ret, int op_ret, int op_errno, const char *reason, uint32_t reason_len, const uint8_t *dict, uint32_t len);
void reply_done(struct reply *r); /* any number of times */
#define REPLY(name) CLEANUP(reply_done) struct reply name = {0}

/* The key is printf's. NULL: there is none. */
const char *reply_text(const struct reply *r, const char *fmt, ...) PRINTF(2, 3);
const char *reply_or(const struct reply *r, const char *otherwise, const char *fmt, ...) PRINTF(3, 4);
int64_t reply_number(const struct reply *r, int64_t otherwise, const char *fmt, ...) PRINTF(3, 4);
uint64_t reply_unsigned(const struct reply *r, const char *fmt, ...) PRINTF(2, 3); /* 0 when there is none */
double reply_double(const struct reply *r, const char *fmt, ...) PRINTF(2, 3);
bool reply_has(const struct reply *r, const char *fmt, ...) PRINTF(2, 3);

#endif
