/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ssl-files.c: are the files of a volume's encryption there and good? On the machine that the command runs on, with the volume's options:
 * found, readable, valid until, does the key belong to the certificate, does the authority's file vouch for it, which names does it
 * have. */
#include "config.h"

#include "ssl-files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
    char *lists;                 /* of revoked certificates: a folder or a file; NULL: none */
};

/* The volume's option, or NULL when it is not set. The caller's. */
static char *option_of(struct cli *c, const char *volume, const char *key)
{
    struct request r = request(NULL);
    REPLY(a);
    char *copy = NULL;

    put(&r, "volname", "%s", volume);
    put(&r, "key", "%s", key);
    if (ask(c, CLI_GET_VOL_OPT, &r, USUAL_S, &a) == 0 && a.op_ret == 0) {
        const char *value = reply_text(&a, "value1");

        if (value && strcmp(value, "(null)") != 0 && !strstr(value, "(DEFAULT)"))
            copy = strdup(value);
    }
    return copy;
}

static char *option_or(struct cli *c, const char *volume, const char *key, const char *otherwise)
{
    char *value = option_of(c, volume, key);

    return value ? value : strdup(otherwise);
}

/* Where a file is looked for that no option names: OpenSSL's folder, where stock looks, then /etc/ssl (as the transport does). */
static char *path_of(struct cli *c, const char *volume, const char *key, const char *name)
{
    const char *folder = strchr(OpenSSL_version(OPENSSL_DIR), '"');
    char *path = option_of(c, volume, key);

    if (path)
        return path;
    if (folder && asprintf(&path, "%.*s/%s", (int)strcspn(folder + 1, "\""), folder + 1, name) < 0)
        return NULL;
    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return asprintf(&path, "/etc/ssl/%s", name) < 0 ? NULL : path;
}

bool ssl_say(const char *what, const char *path, const char *why)
{
    printf("%-12s %s: %s\n", what, path, why);
    return false;
}

const char *ssl_reason(void)
{
    unsigned long code = ERR_get_error();
    const char *text = code ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return text ? text : "not readable as PEM";
}

struct ssl_date ssl_date(const ASN1_TIME *t)
{
    struct ssl_date date = {"?"};
    struct tm tm;

    if (ASN1_TIME_to_tm(t, &tm) == 1)
        strftime(date.at, sizeof(date.at), "%Y-%m-%d %H:%M:%S UTC", &tm);
    return date;
}

/* All certificates of a file, in its order. NULL: said why not. */
static STACK_OF(X509) *read_certs(const char *what, const char *path)
{
    FILE *file = fopen(path, "re");
    STACK_OF(X509) *certs = sk_X509_new_null();
    X509 *one;

    if (!file)
        ssl_say(what, path, strerror(errno));
    while (file && certs && (one = PEM_read_X509(file, NULL, NULL, NULL)))
        if (sk_X509_push(certs, one) == 0)
            X509_free(one);
    if (file && sk_X509_num(certs) <= 0)
        ssl_say(what, path, ssl_reason());
    if (file)
        fclose(file);
    ERR_clear_error();
    if (sk_X509_num(certs) > 0)
        return certs;
    sk_X509_free(certs);
    return NULL;
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
    time_t now = time(NULL), soon = now + SOON_S;

    printf("%-12s %s\n", "Valid until", ssl_date(X509_get0_notAfter(cert)).at);
    if (X509_cmp_time(X509_get0_notBefore(cert), &now) > 0)
        return ssl_say("Certificate", path, "is not valid yet");
    if (X509_cmp_time(X509_get0_notAfter(cert), &now) < 0)
        return ssl_say("Certificate", path, "has expired");
    if (X509_cmp_time(X509_get0_notAfter(cert), &soon) < 0)
        printf("%-12s %s: expires within 30 days\n", "Warning", path);
    return true;
}

static bool add_lists(X509_STORE *store, const char *path)
{
    X509_LOOKUP *folder = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()), *file = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    struct stat st;

    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    if (stat(path, &st) < 0 || !folder || !file)
        return false;
    return S_ISDIR(st.st_mode) ? X509_LOOKUP_add_dir(folder, path, X509_FILETYPE_PEM) == 1
                               : X509_load_crl_file(file, path, X509_FILETYPE_PEM) > 0;
}

/* Proves the certificate as the other end of a connection will: the first of certs, with the help of those behind it. lists: NULL, or where
 * the revoked ones stand. */
static bool check_chain(STACK_OF(X509) *certs, const struct files *f, const char *lists)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    bool fine = false;

    if (!store || !ctx || X509_STORE_load_file(store, f->ca) != 1 || (lists && !add_lists(store, lists))) {
        ssl_say("Authority", f->ca, ssl_reason());
    } else if (X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) == 1 && X509_verify_cert(ctx) == 1) {
        printf("%-12s %s: vouches for the certificate\n", "Authority", f->ca);
        fine = true;
    } else if (X509_STORE_CTX_get_error(ctx) == X509_V_ERR_UNABLE_TO_GET_CRL) {
        ssl_say("Revocation", lists, "has no list of an authority that the certificate rests on, and then a brick lets nobody in");
    } else {
        ssl_say("Certificate", f->cert, X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    ERR_clear_error();
    return fine;
}

static bool check_trust(STACK_OF(X509) *certs, const struct files *f)
{
    STACK_OF(X509) *cas = read_certs("Authority", f->ca);
    bool lists_fine = true;

    if (!cas)
        return false;
    if (f->lists)
        lists_fine = ssl_check_lists(f->lists, sk_X509_value(certs, 0), cas);
    sk_X509_pop_free(cas, X509_free);
    return check_chain(certs, f, lists_fine ? f->lists : NULL) && lists_fine;
}

/* A key with a pass phrase is of no use to a daemon: nobody is asked for it. */
static int no_pass_phrase(char *buf, int size, int writing, void *ctx)
{
    return -1;
}

static bool check_key(X509 *cert, const char *path)
{
    FILE *file = fopen(path, "re");
    EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, no_pass_phrase, NULL) : NULL;
    bool fine = false;

    if (!file)
        ssl_say("Key", path, strerror(errno));
    else if (!key)
        ssl_say("Key", path, ssl_reason());
    else if (X509_check_private_key(cert, key) != 1)
        ssl_say("Key", path, "does not belong to the certificate");
    else {
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
    STACK_OF(X509) *certs = read_certs("Certificate", f->cert);
    bool fine = certs != NULL;
    X509 *cert;

    if (!certs)
        return false;
    cert = sk_X509_value(certs, 0);
    printf("%-12s %s: found and readable\n", "Certificate", f->cert);
    print_names(cert);
    fine &= check_dates(cert, f->cert);
    fine &= check_key(cert, f->key);
    fine &= check_trust(certs, f);
    sk_X509_pop_free(certs, X509_free);
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
    REPLY(a);
    struct files f;
    bool fine;
    int status;

    put(&r, "volname", "%s", volume);
    put(&r, "key", "client.ssl");
    status = ask(c, CLI_GET_VOL_OPT, &r, USUAL_S, &a);
    if (!status && a.op_ret)
        status = refused(&a, "volume ssl: %s", volume);
    if (status)
        return status;
    f = (struct files){
        .cert = path_of(c, volume, "ssl.own-cert", "glusterfs.pem"),
        .key = path_of(c, volume, "ssl.private-key", "glusterfs.key"),
        .ca = path_of(c, volume, "ssl.ca-list", "glusterfs.ca"),
        .lists = option_of(c, volume, "ssl.crl-path"),
    };
    printf("Encryption files of volume %s on this machine\n", volume);
    print_use(c, volume, "client.ssl", "Clients");
    print_use(c, volume, "server.ssl", "Bricks");
    fine = f.cert && f.key && f.ca && check_files(&f);
    free(f.cert);
    free(f.key);
    free(f.ca);
    free(f.lists);
    puts(fine ? "volume ssl: the files are fit for use" : "volume ssl: the files are not fit for use");
    return fine ? 0 : 1;
}
