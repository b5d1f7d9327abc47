/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tls.h: TLS 1.2 and 1.3 over a sock. tls*.c alone know OpenSSL.
 *
 * Set-up   A tls_config is what a listener or a client has: certificate, key, authorities, what is allowed. Parsed once and
 *          shared. tls_config_refresh() looks whether files have changed, builds a new set aside and puts it in place only
 *          when it is whole; a broken one is logged once and the last good one goes on serving. Any thread; refcounted.
 * Proof    What a peer showed, kept beside its connection: when the files have changed, the connections of those who would not be
 *          let in any more end (revoked, or their authority has gone). A certificate or a list that has merely run out ends none.
 * Stream   A tls is one connection's. One owner at a time. Only while handshaking it needs a deep stack.
 * Peers    Each side must show a certificate that its authorities vouch for (chain, depth, time, revocation). Names are
 *          handed up; who may do what is not decided here. */
#ifndef SOCKET_TLS_H
#define SOCKET_TLS_H

#include "env.h"
#include "stream.h"
#include "util.h"

struct conn_peer;
struct group;
struct jobs;
struct loop;
struct tls;
struct tls_config;
struct tls_proof;
struct tls_watch;

/* NULL: the default, as stock has it (spec wire 3.13). Strings are copied. */
struct tls_files {
    const char *own_cert, *private_key, *ca_list, *crl_path; /* crl_path: a hashed directory, or a file; NULL: none */
    int depth;                                               /* intermediate authorities */
    const char *ciphers;                                     /* for TLS 1.2 */
    const char *curve;
    const char *dh_param;
    const char *peer_name;                                   /* connecting end: the server's certificate must be for this DNS name or
                                                                address; NULL: any that the authorities vouch for, as in stock */
};
#define TLS_DEPTH_DEFAULT 1

int tls_config_new(const struct env *env, const struct tls_files *files, struct tls_config **ret, struct err *err);
struct tls_config *tls_config_ref(struct tls_config *cfg);
void tls_config_unref(struct tls_config *cfg); /* NULL is fine */
/* New settings, or NULL: the same, read again now. The old set stays when it fails. */
int tls_config_reload(struct tls_config *cfg, const struct tls_files *files, struct err *err);
void tls_config_refresh(struct tls_config *cfg); /* looks at most once a second; may read files */
/* Refreshes every few seconds until it is freed, and looks through the group's members when there is a new set. On the loop's
 * thread, or with the loop not running. NULL: no memory. */
struct tls_watch *tls_watch_new(struct tls_config *cfg, struct loop *loop, struct group *group);
void tls_watch_free(struct tls_watch *w);
struct jobs *tls_config_jobs(struct tls_config *cfg);
unsigned int tls_config_generation(struct tls_config *cfg); /* counts the sets that were put in place */

int tls_open(struct tls_config *cfg, struct sock *sock, struct iobuf_pool *bufs, bool server, struct tls **ret);
struct stream *tls_stream(struct tls *t);
/* 0: proven. -EAGAIN: go on when the sock is readable, or writable when *ret_write. Else: stream.why has the reason. */
int tls_handshake(struct tls *t, bool *ret_write);
int tls_tell_peer(struct tls *t, struct conn_peer *peer); /* fills in names, version, cipher */

/* After the handshake: *ret is set, and from then on any thread may ask with it. The set may have been exchanged since the
 * handshake began: then it asks at once, and the answer is that of tls_config_accepts(), with stream.why. */
int tls_prove(struct tls *t, _Atomic(struct tls_proof *) *ret);
void tls_proof_free(struct tls_proof *p); /* NULL is fine */
/* Would the set that is in place let this peer in? 0; -EKEYREJECTED with the reason; another error: it could not be told. Needs a
 * deep stack. */
int tls_config_accepts(struct tls_config *cfg, const struct tls_proof *p, char *why, size_t size);

#endif
