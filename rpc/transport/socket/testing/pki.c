/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct pki_ca {
    EVP_PKEY *key;
    X509 *cert;
};

/* A test cannot go on without: no error is handed up. */
#define MUST(x)                                                     \
    do {                                                            \
        if (!(x)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
            abort();                                                \
        }                                                           \
    } while (0)

static long next_serial = 1000;

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *e;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    MUST(e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
    MUST(X509_add_ext(cert, e, -1));
    X509_EXTENSION_free(e);
}

static X509 *make_cert(EVP_PKEY *key, const char *cn, struct pki_ca *issuer, bool ca, const char *sans, long from_s, long until_s)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    MUST(X509_set_version(cert, 2));
    MUST(ASN1_INTEGER_set(X509_get_serialNumber(cert), next_serial++));
    MUST(X509_gmtime_adj(X509_getm_notBefore(cert), from_s));
    MUST(X509_gmtime_adj(X509_getm_notAfter(cert), until_s));
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0));
    MUST(X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer->cert) : name));
    MUST(X509_set_pubkey(cert, key));
    add_extension(cert, cert, NID_basic_constraints, ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (ca)
        add_extension(cert, cert, NID_key_usage, "keyCertSign,cRLSign");
    if (sans)
        add_extension(cert, cert, NID_subject_alt_name, sans);
    MUST(X509_sign(cert, issuer ? issuer->key : key, EVP_sha256()));
    return cert;
}

struct pki_ca *pki_ca_new(const char *name, struct pki_ca *above)
{
    struct pki_ca *ca = calloc(1, sizeof(*ca));

    MUST(ca);
    MUST(ca->key = EVP_EC_gen("P-256"));
    ca->cert = make_cert(ca->key, name, above, true, NULL, -3600, 86400);
    return ca;
}

void pki_ca_free(struct pki_ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->cert);
    free(ca);
}

void pki_ca_write(struct pki_ca *ca, const char *path, bool append)
{
    FILE *f = fopen(path, append ? "a" : "w");

    MUST(f && PEM_write_X509(f, ca->cert));
    fclose(f);
}

long pki_issue(struct pki_ca *ca, const char *dir, const char *file, const char *cn, const char *sans, long from_s, long until_s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert;
    char path[4096];
    long serial;
    FILE *f;

    MUST(key);
    cert = make_cert(key, cn, ca, false, sans, from_s, until_s);
    serial = ASN1_INTEGER_get(X509_get0_serialNumber(cert));
    snprintf(path, sizeof(path), "%s/%s.pem", dir, file);
    MUST((f = fopen(path, "w")) && PEM_write_X509(f, cert));
    fclose(f);
    snprintf(path, sizeof(path), "%s/%s.key", dir, file);
    MUST((f = fopen(path, "w")) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
    return serial;
}

void pki_revoke(struct pki_ca *ca, const char *dir, long revoked)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60), *later = X509_gmtime_adj(NULL, 86400);
    char path[4096];
    FILE *f;

    MUST(X509_CRL_set_version(crl, 1));
    MUST(X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)));
    MUST(X509_CRL_set1_lastUpdate(crl, now) && X509_CRL_set1_nextUpdate(crl, later));
    if (revoked) {
        X509_REVOKED *r = X509_REVOKED_new();
        ASN1_INTEGER *serial = ASN1_INTEGER_new();

        MUST(ASN1_INTEGER_set(serial, revoked) && X509_REVOKED_set_serialNumber(r, serial));
        MUST(X509_REVOKED_set_revocationDate(r, now) && X509_CRL_add0_revoked(crl, r));
        ASN1_INTEGER_free(serial);
    }
    MUST(X509_CRL_sign(crl, ca->key, EVP_sha256()));
    snprintf(path, sizeof(path), "%s/%08lx.r0", dir, X509_subject_name_hash(ca->cert));
    MUST((f = fopen(path, "w")) && PEM_write_X509_CRL(f, crl));
    fclose(f);
    X509_CRL_free(crl);
    ASN1_TIME_free(now);
    ASN1_TIME_free(later);
}
