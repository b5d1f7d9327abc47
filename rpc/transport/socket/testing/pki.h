/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* pki.h: certificates for tests, made in memory and written into a folder. */
#ifndef TESTING_PKI_H
#define TESTING_PKI_H

#include <stdbool.h>

struct pki_ca; /* an authority: key and certificate */

struct pki_ca *pki_ca_new(const char *name, struct pki_ca *above); /* above NULL: signs itself */
void pki_ca_free(struct pki_ca *ca);
void pki_ca_write(struct pki_ca *ca, const char *path, bool append);
/* NAME.pem and NAME.key in dir, valid from from_s to until_s seconds from now. Returns the serial number. sans: "DNS:a,IP:::1" or NULL. */
long pki_issue(struct pki_ca *ca, const char *dir, const char *file, const char *cn, const char *sans, long from_s, long until_s);
/* A revocation list that names `revoked` (0: none), as dir/HASH.r0. */
void pki_revoke(struct pki_ca *ca, const char *dir, long revoked);

#endif
