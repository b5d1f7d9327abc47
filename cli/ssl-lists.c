/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* ssl-lists.c: the lists of revoked certificates that a brick goes by. It looks for them by name, a hash of who has signed them and a
 * number, and it refuses every certificate of an authority whose list is missing or out of date: so these are errors here. (One that is
 * missing shows when the certificate is proven: ssl-files.c.) */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ssl-files.h"

#define WHAT "Revocation"
#define FILES_MAX 4096 /* looked at in a folder */

struct lists {
    X509 *cert;
    const STACK_OF(X509) *cas;
    unsigned int found;          /* lists that count */
};

static X509 *signer_of(const struct lists *l, const X509_CRL *list)
{
    for (int i = 0; i < sk_X509_num(l->cas); i++)
        if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(l->cas, i)), X509_CRL_get_issuer(list)) == 0)
            return sk_X509_value(l->cas, i);
    return NULL;
}

static bool check_list(struct lists *l, X509_CRL *list, const char *path)
{
    const ASN1_TIME *until = X509_CRL_get0_nextUpdate(list);
    X509 *signer = signer_of(l, list);
    X509_REVOKED *revoked;

    l->found++;
    if (!signer)
        return ssl_say(WHAT, path, "is signed by no authority of ours");
    if (X509_CRL_verify(list, X509_get0_pubkey(signer)) != 1) {
        ERR_clear_error();
        return ssl_say(WHAT, path, "its signature is wrong");
    }
    if (X509_cmp_current_time(X509_CRL_get0_lastUpdate(list)) > 0)
        return ssl_say(WHAT, path, "is not in force yet");
    if (until && X509_cmp_current_time(until) < 0) {
        printf("%-12s %s: has been out of date since %s: a brick lets nobody in until there is a new one\n", WHAT, path,
               ssl_date(until).at);
        return false;
    }
    if (X509_CRL_get0_by_cert(list, &revoked, l->cert) == 1)
        return ssl_say(WHAT, path, "our own certificate is on the list");
    printf("%-12s %s: %d revoked, in force until %s\n", WHAT, path, sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list)),
           until ? ssl_date(until).at : "the next one comes");
    return true;
}

/* All lists of a file. strict: it must hold one. */
static bool check_file(struct lists *l, const char *path, bool strict)
{
    FILE *file = fopen(path, "re");
    unsigned int before = l->found;
    bool fine = true;
    X509_CRL *list;

    if (!file)
        return ssl_say(WHAT, path, strerror(errno));
    while ((list = PEM_read_X509_CRL(file, NULL, NULL, NULL))) {
        fine &= check_list(l, list, path);
        X509_CRL_free(list);
    }
    fclose(file);
    if (strict && l->found == before)
        return ssl_say(WHAT, path, ssl_reason());
    ERR_clear_error();
    return fine;
}

/* HASH.rN, as OpenSSL looks for it. */
static bool is_hashed(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && strncmp(name + 8, ".r", 2) == 0 && name[10] != '\0' &&
           strspn(name + 10, "0123456789") == strlen(name + 10);
}

static bool is_a_list(const char *path)
{
    FILE *file = fopen(path, "re");
    X509_CRL *list = file ? PEM_read_X509_CRL(file, NULL, NULL, NULL) : NULL;

    if (file)
        fclose(file);
    X509_CRL_free(list);
    ERR_clear_error();
    return list != NULL;
}

static bool check_folder(struct lists *l, DIR *folder, const char *path)
{
    unsigned int unnamed = 0;
    struct dirent *e;
    bool fine = true;

    for (int i = 0; i < FILES_MAX && (e = readdir(folder)); i++) {
        char *file;

        if (e->d_name[0] == '.' || asprintf(&file, "%s/%s", path, e->d_name) < 0)
            continue;
        if (is_hashed(e->d_name))
            fine &= check_file(l, file, true);
        else
            unnamed += is_a_list(file);
        free(file);
    }
    if (l->found == 0 && unnamed)
        return ssl_say(WHAT, path, "no list is named by its hash, so none is found: openssl rehash makes the names");
    return fine;
}

bool ssl_check_lists(const char *path, X509 *cert, const STACK_OF(X509) * cas)
{
    struct lists l = {.cert = cert, .cas = cas};
    DIR *folder = opendir(path);
    bool fine;

    if (!folder)
        return errno == ENOTDIR ? check_file(&l, path, true) : ssl_say(WHAT, path, strerror(errno));
    fine = check_folder(&l, folder, path);
    closedir(folder);
    return fine;
}
