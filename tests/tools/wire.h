/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* wire.h: a GlusterFS client of a few hundred lines, written for the tests and sharing no code with the product.
 *
 * A link is one connection, plain or TLS, that can be cut at any byte: whatever is to be sent goes through link_push(), which
 * counts bytes as they are on the network (with TLS: the ciphertext) against a budget. One thread for each link. */
#ifndef TEST_WIRE_H
#define TEST_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct target {
    struct sockaddr_storage addr;
    socklen_t addr_len;
    SSL_CTX *tls;         /* NULL: plain */
    const char *brick;    /* remote-subvolume */
    int rcvbuf;           /* 0: the kernel's */
    uint32_t uid, gid;    /* whom calls name */
    uint32_t groups[16], nr_groups;
};

struct link {
    const struct target *to;
    int fd;
    SSL *ssl;
    long may_send, may_receive; /* budgets in bytes on the network; negative: no limit. At 0 link calls fail with -ECANCELED */
    int timeout_ms;             /* of each wait; then -ETIMEDOUT */
    uint32_t xid;
    uint8_t *in;                /* received and decrypted, not yet taken */
    size_t have, taken, cap;
};

/* A message being written. Fixed size: the tests know what they send. */
struct out {
    uint8_t *bytes;
    size_t len, cap;
};

/* One reply, borrowed from the link until its next call. */
struct reply {
    uint32_t xid, type, accept_stat;
    const uint8_t *result;  /* behind accept_stat */
    size_t len;
};

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* -t PKI-folder, -c certificate name, -b brick, -r receive buffer, -u UID:GID[:GROUP...], then PORT (of 127.0.0.1). Leaves optind behind
 * PORT. */
void target_from_args(struct target *t, int argc, char **argv);

/* 0 or a negative errno, -EPROTO for TLS errors, -ECONNRESET when the peer closed in the wrong place. */
int link_open(struct link *l, const struct target *to);
int link_connect(struct link *l, const struct target *to); /* without handshake */
int link_handshake(struct link *l);
int link_push(struct link *l, const void *bytes, size_t len);       /* one TLS record for each 16 KiB */
/* the network sees `at` bytes, and the rest when those were read */
int link_push_cut(struct link *l, const void *bytes, size_t len, size_t at);
size_t link_sealed(struct link *l, size_t len); /* how many bytes of network a message of this length is */
int link_reply(struct link *l, struct reply *ret);
int link_wait_closed(struct link *l);                                /* 0: the peer closed or reset it */

enum cut { CUT_CLOSE, CUT_RESET, CUT_HALF, CUT_NOTIFY, NR_CUTS };
void link_cut(struct link *l, enum cut how);

/* Messages. call_begin() leaves room for the record mark, call_end() fills it in. */
void call_begin(struct out *o, struct link *l, uint32_t prog, uint32_t vers, uint32_t proc);
void put_u32(struct out *o, uint32_t v);
void put_u64(struct out *o, uint64_t v);
void put_bytes(struct out *o, const void *bytes, size_t len);  /* as they are */
void put_opaque(struct out *o, const void *bytes, size_t len); /* length, bytes, padding */
void put_string(struct out *o, const char *s);
void put_no_dict(struct out *o);                               /* xdata: none */
void call_end(struct out *o);
void out_free(struct out *o);
uint32_t get_u32(const uint8_t *p);
uint64_t get_u64(const uint8_t *p);

void call_dump(struct out *o, struct link *l);
void call_ping(struct out *o, struct link *l);
void call_create(struct out *o, struct link *l, const char *name);
void call_read(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t offset, uint32_t size);
void call_write(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t offset, const void *data, uint32_t size);
void call_lock(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, bool wait);

/* Calls that wait for their answer; callbacks in between are passed over. link_ask() frees the call. */
int link_ask(struct link *l, struct out *o, struct reply *r);
int result_of(const struct reply *r, size_t at_least);                /* op_ret and op_errno in front of a result */
int link_ping(struct link *l);
int link_login(struct link *l);                                       /* SETVOLUME */
int link_create(struct link *l, const char *name, uint8_t ret_gfid[16], int64_t *ret_fd);
int link_write(struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t offset, const void *data, uint32_t size);
/* The data in place; checks length and op_ret. */
int read_result(const struct reply *r, const uint8_t **ret_data, size_t *ret_len);

/* The contents of test files: byte `at` of file number `seed`. */
void pattern(uint8_t *to, uint32_t seed, uint64_t at, size_t len);

uint64_t now_us(void);
uint32_t rnd(uint32_t *state); /* xorshift */

#endif
