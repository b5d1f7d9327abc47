/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ssl-files.c: are the files of a volume's encryption there and good? On the machine that the command runs on, with the volume's
 * options: found,
 * readable, valid until, does the key belong to the certificate, does the authority's file vouch for it, which names does it have. */
#include "config.h"

#include "ssl-files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "cli.h"

#define SOON_S (30 * 24 * 3600)

struct files {
    char *cert, *key, *ca;
};

/* The volume's option, or NULL when it is not set. The caller's. */
static char *option_of(struct cli *c, const char *volume, const char *key)
{
    struct request r = request(NULL);
    struct reply a = {0};
    char *copy = NULL;

    put(&r, "volname", "%s", volume);
    put(&r, "key", "%s", key);
    if (ask(c, CLI_GET_VOL_OPT, &r, USUAL_S, &a) == 0 && a.op_ret == 0) {
        const char *value = reply_text(&a, "value1");

        if (value && strcmp(value, "(null)") != 0 && !strstr(value, "(DEFAULT)"))
            copy = strdup(value);
    }
    reply_done(&a);
    return copy;
}

static char *option_or(struct cli *c, const char *volume, const char *key, const char *otherwise)
{
    char *value = option_of(c, volume, key);

    return value ? value : strdup(otherwise);
}

static bool say(const char *what, const char *path, const char *why)
{
    printf("%-12s %s: %s\n", what, path, why);
    return false;
}

static const char *openssl_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text ? text : "not readable as PEM";
}

static FILE *open_file(const char *what, const char *path)
{
    FILE *file = fopen(path, "re");

    if (!file)
        say(what, path, strerror(errno));
    return file;
}

static X509 *read_cert(const char *what, const char *path)
{
    FILE *file = open_file(what, path);
    X509 *cert = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

    if (file && !cert)
        say(what, path, openssl_reason());
    if (file)
        fclose(file);
    return cert;
}

static void print_names(X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    char common[256] = "";

    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, common, sizeof(common));
    printf("%-12s %s", "Names", common[0] ? common : "(no common name)");
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            printf(", %.*s", ASN1_STRING_length(name->d.dNSName), ASN1_STRING_get0_data(name->d.dNSName));
    }
    putchar('\n');
    GENERAL_NAMES_free(names);
}

static bool check_dates(X509 *cert, const char *path)
{
    struct tm tm = {0};
    time_t now = time(NULL), soon = now + SOON_S;
    char until[64];

    ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm);
    strftime(until, sizeof(until), "%Y-%m-%d %H:%M:%S UTC", &tm);
    printf("%-12s %s\n", "Valid until", until);
    if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
        return say("Certificate", path, "is not valid yet");
    if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0)
        return say("Certificate", path, "has expired");
    if (X509_cmp_time(X509_get0_notAfter(cert), &soon) < 0)
        printf("%-12s %s: expires within 30 days\n", "Warning", path);
    return true;
}

static bool check_chain(X509 *cert, const char *path, const char *ca)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool fine = false;

    if (!store || !ctx || access(ca, R_OK) != 0) {
        say("Authority", ca, strerror(errno));
    } else if (X509_STORE_load_file(store, ca) != 1) {
        say("Authority", ca, openssl_reason());
    } else if (X509_STORE_CTX_init(ctx, store, cert, NULL) != 1 || X509_verify_cert(ctx) != 1) {
        say("Certificate", path, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    } else {
        printf("%-12s %s: vouches for the certificate\n", "Authority", ca);
        fine = true;
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return fine;
}

static bool check_key(X509 *cert, const char *path)
{
    FILE *file = open_file("Key", path);
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    bool fine = false;

    if (file && !key)
        say("Key", path, openssl_reason());
    else if (key && X509_check_private_key(cert, key) != 1)
        say("Key", path, "does not belong to the certificate");
    else if (key) {
        printf("%-12s %s: belongs to the certificate\n", "Key", path);
        fine = true;
    }
    EVP_PKEY_free(key);
    if (file)
        fclose(file);
    ERR_clear_error();
    return fine;
}

static bool check_files(const struct files *f)
{
    X509 *cert = read_cert("Certificate", f->cert);
    bool fine = cert != NULL;

    if (!cert)
        return false;
    printf("%-12s %s: found and readable\n", "Certificate", f->cert);
    print_names(cert);
    fine &= check_dates(cert, f->cert);
    fine &= check_key(cert, f->key);
    fine &= check_chain(cert, f->cert, f->ca);
    X509_free(cert);
    return fine;
}

static void print_use(struct cli *c, const char *volume, const char *key, const char *what)
{
    char *value = option_or(c, volume, key, "off");

    printf("%-12s %s\n", what, value ? value : "?");
    free(value);
}

int ssl_check(struct cli *c, const struct words *w)
{
    const char *volume = w->at[2];
    struct request r = request(NULL);
    struct reply a = {0};
    struct files f;
    bool fine;
    int status;

    put(&r, "volname", "%s", volume);
    put(&r, "key", "client.ssl");
    status = ask(c, CLI_GET_VOL_OPT, &r, USUAL_S, &a);
    if (!status && a.op_ret)
        status = refused(&a, "volume ssl: %s", volume);
    reply_done(&a);
    if (status)
        return status;
    f = (struct files){
        .cert = option_or(c, volume, "ssl.own-cert", "/etc/ssl/glusterfs.pem"),
        .key = option_or(c, volume, "ssl.private-key", "/etc/ssl/glusterfs.key"),
        .ca = option_or(c, volume, "ssl.ca-list", "/etc/ssl/glusterfs.ca"),
    };
    printf("Encryption files of volume %s on this machine\n", volume);
    print_use(c, volume, "client.ssl", "Clients");
    print_use(c, volume, "server.ssl", "Bricks");
    fine = f.cert && f.key && f.ca && check_files(&f);
    free(f.cert);
    free(f.key);
    free(f.ca);
    puts(fine ? "volume ssl: the files are fit for use" : "volume ssl: the files are not fit for use");
    return fine ? 0 : 1;
}
