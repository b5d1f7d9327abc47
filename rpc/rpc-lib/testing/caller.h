/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* caller.h: makes calls as bytes, and reads answers. For tests that drive a service over the fake transport. */
#ifndef CALLER_H
#define CALLER_H

#include "fake-transport.h"
#include "rpcmsg.h"

/* A call with credential v3 (pid 1, uid 0, no groups, owner of 4 bytes). Its length; the bytes are malloc'ed. */
size_t caller_make(uint8_t **ret, uint32_t xid, uint32_t prog, uint32_t vers, uint32_t proc, const void *args, size_t len);
/* Makes it, delivers it. */
void caller_call(struct transport *t, uint32_t xid, uint32_t prog, uint32_t vers, uint32_t proc, const void *args, size_t len);
/* The n-th thing sent must be an accepted reply. Its body. */
const uint8_t *caller_reply(struct transport *t, unsigned int n, uint32_t *ret_xid, uint32_t *ret_stat, size_t *ret_len);

#endif
