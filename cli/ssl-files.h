/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ssl-files.h: `volume ssl VOL check`: the files of a volume's encryption on this machine, looked at as a brick looks at them. */
#ifndef CLI_SSL_FILES_H
#define CLI_SSL_FILES_H

#include <openssl/x509.h>

#include "gluster.h"

/* Exit status 1 when one of them is not fit for use. */
int ssl_check(struct cli *c, const struct words *w);

/* ---- what its two halves share: ssl-files.c, and ssl-lists.c for revocation ------------------------------------------------ */
bool ssl_say(const char *what, const char *path, const char *why); /* a line; false, for what is found to be wrong */
const char *ssl_reason(void);                                      /* OpenSSL's last one; its queue is empty then */
struct ssl_date {
    char at[64];
};
struct ssl_date ssl_date(const ASN1_TIME *t);

/* The lists of revoked certificates at path, a folder or a file: readable, signed by one of cas, in force, and do they name cert? */
bool ssl_check_lists(const char *path, X509 *cert, const STACK_OF(X509) * cas);

#endif
