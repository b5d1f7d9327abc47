/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tls-impl.h: between tls.c and tls-config.c. */
#ifndef SOCKET_TLS_IMPL_H
#define SOCKET_TLS_IMPL_H

#include <openssl/ssl.h>

#include "tls.h"

BIO_METHOD *tls_bio_method(void); /* a new one: what OpenSSL reads and writes through */
BIO_METHOD *tls_config_bio(struct tls_config *cfg);
SSL_CTX *tls_config_take(struct tls_config *cfg, unsigned int *ret_generation); /* the set in place now, with a reference */
X509_STORE_CTX *tls_check_new(void); /* NULL: no memory */
/* What OpenSSL has to say, in words; the oldest entry of this thread's error queue, which is then empty. */
void tls_reason(char *to, size_t size);

#endif
