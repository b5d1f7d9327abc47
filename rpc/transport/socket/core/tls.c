/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* tls.c: the TLS stream of one connection.
 *
 * The BIO under OpenSSL is ours. Reading: recvmsg() fills OpenSSL's own buffer with as many records as are there, and what is
 * decrypted goes straight to where it belongs. Writing: each SSL_write() is one record of at most 16 KiB, never of two messages;
 * encrypted records are staged and leave in one system call. Room for a whole record is made before SSL_write() is called,
 * so it never has to stop in the middle of one. A handshake's few bytes go past the stage.
 *
 * OpenSSL keeps errors in a queue per thread: it is emptied before each call, and SSL_get_error() comes directly after, so
 * that one connection's error is never taken for another's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "conn.h"
#include "sock.h"
#include "tls-impl.h"

#define RECORD 16384
#define RECORD_WIRE (RECORD + 512) /* header, explicit nonce, content type, padding, tag */
#define STAGE (128 * KiB)          /* a class of the buffer pool; its last RECORD bytes are where small pieces are joined */
#define READ_AHEAD (64 * KiB)      /* while bulk data comes in; else OpenSSL's own measure, one record */

struct tls {
    struct stream s;
    struct tls_config *cfg; /* the connection holds it */
    SSL *ssl;               /* NULL before the first step of the handshake */
    unsigned int generation; /* of the set that it was made with */
    bool server, proven, said_goodbye;
    size_t record_left;     /* bytes of the record being received that have not come */
    size_t record_came;     /* and those that have, header included; 0: between records */
    bool heard;             /* a first byte has come in */
    uint8_t first_byte;
    bool over;              /* reading has ended, with end: 0 or a negative errno */
    int end;
    int broken;             /* what the socket said, as a negative errno; 0: nothing bad */
    struct iobuf *stage;    /* encrypted, to be sent; NULL while idle */
    size_t stage_at, stage_end;
    bool ahead;             /* reads READ_AHEAD at a time */
};

static size_t stage_room(struct tls *t)
{
    return STAGE - RECORD - t->stage_end;
}

/* ---- the BIO ------------------------------------------------------------------------------------------------------------- */
/* Follows the records' headers in what comes in: how much of an unfinished record OpenSSL holds. */
static void follow_records(struct tls *t, const uint8_t *bytes, size_t n)
{
    while (n > 0) {
        size_t take;

        if (t->record_came < 5) { /* type, version, version, length, length */
            if (t->record_came == 3)
                t->record_left = *bytes << 8;
            if (t->record_came == 4)
                t->record_left |= *bytes;
            t->record_came++;
            bytes++;
            n--;
        } else {
            take = min_of(n, t->record_left);
            t->record_came += take;
            t->record_left -= take;
            bytes += take;
            n -= take;
        }
        if (t->record_came >= 5 && t->record_left == 0)
            t->record_came = 0;
    }
}

static int bio_read(BIO *b, char *to, size_t len, size_t *ret_len)
{
    struct tls *t = BIO_get_data(b);
    struct iovec iov = {to, len};
    ssize_t n = sock_receive(t->s.sock, &iov, 1);

    BIO_clear_retry_flags(b);
    if (n > 0) {
        if (!t->heard)
            t->first_byte = *(uint8_t *)to;
        t->heard = true;
        follow_records(t, (const uint8_t *)to, n);
        *ret_len = n;
        return 1;
    }
    if (n == -EAGAIN)
        BIO_set_retry_read(b);
    else
        t->broken = n;
    return 0;
}

static int bio_write(BIO *b, const char *from, size_t len, size_t *ret_len)
{
    struct tls *t = BIO_get_data(b);
    struct iovec iov = {(void *)from, len};
    ssize_t n;

    BIO_clear_retry_flags(b);
    if (t->stage) {
        if (stage_room(t) < len) {
            BIO_set_retry_write(b);
            return 0;
        }
        memcpy(t->stage->data + t->stage_end, from, len);
        t->stage_end += len;
        *ret_len = len;
        return 1;
    }
    n = sock_transmit(t->s.sock, &iov, 1);
    if (n > 0) {
        *ret_len = n;
        return 1;
    }
    if (n == -EAGAIN)
        BIO_set_retry_write(b);
    else
        t->broken = n;
    return 0;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    struct tls *t = BIO_get_data(b);

    switch (cmd) {
    case BIO_CTRL_FLUSH:
        return 1;
    case BIO_CTRL_EOF:
        return t->s.sock->ended;
    default:
        return 0;
    }
}

static int bio_create(BIO *b)
{
    BIO_set_init(b, 1);
    return 1;
}

BIO_METHOD *tls_bio_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "connection");

    if (m && BIO_meth_set_read_ex(m, bio_read) && BIO_meth_set_write_ex(m, bio_write) && BIO_meth_set_ctrl(m, bio_ctrl) &&
        BIO_meth_set_create(m, bio_create))
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* ---- what a call's outcome means ----------------------------------------------------------------------------------------- */
static void say_why(struct tls *t)
{
    long verified = SSL_get_verify_result(t->ssl);

    if (!t->proven && t->heard && (t->first_byte < 0x14 || t->first_byte > 0x17)) {
        snprintf(t->s.why, sizeof(t->s.why), "the peer does not speak TLS, this port does");
        ERR_clear_error();
    } else if (!t->proven && verified != X509_V_OK && ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        snprintf(t->s.why, sizeof(t->s.why), "%s", X509_verify_cert_error_string(verified));
        ERR_clear_error();
    } else {
        tls_reason(t->s.why, sizeof(t->s.why));
    }
}

/* A call of OpenSSL did not do it: 0: end of the stream; -EAGAIN; or what is wrong. Directly after the call. */
static int outcome(struct tls *t)
{
    switch (SSL_get_error(t->ssl, 0)) {
    case SSL_ERROR_WANT_READ:
        t->s.wants_write = false;
        return -EAGAIN;
    case SSL_ERROR_WANT_WRITE:
        t->s.wants_write = true;
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
    case SSL_ERROR_SSL:
        if (t->broken)
            return t->broken;
        if (t->s.sock->ended) /* without a goodbye: many peers do that, and the records above know what is whole */
            return 0;
        /* fall through */
    default:
        say_why(t);
        return -EPROTO;
    }
}

/* How much OpenSSL reads at once. Its buffer goes, so there must be nothing in it. */
static void read_ahead(struct tls *t, bool much)
{
    if (SSL_free_buffers(t->ssl) != 1)
        return;
    SSL_set_default_read_buffer_len(t->ssl, much ? READ_AHEAD : 0);
    t->ahead = much;
}

/* ---- the stream ---------------------------------------------------------------------------------------------------------- */
static struct tls *of(struct stream *s)
{
    return container_of(s, struct tls, s);
}

static ssize_t tls_read(struct stream *s, void *to, size_t len)
{
    struct tls *t = of(s);
    size_t have = 0;
    int r;

    if (t->over)
        return t->end;
    /* OpenSSL gives one record at a time: bulk data is gone on for while there is some. */
    while (have < len) {
        size_t n = 0;

        ERR_clear_error();
        if (SSL_read_ex(t->ssl, (uint8_t *)to + have, len - have, &n) == 1) {
            have += n;
            continue;
        }
        t->s.wants_write = false;
        r = outcome(t);
        if (r == -EAGAIN && !t->ahead && have >= RECORD && t->record_came == 0)
            read_ahead(t, true);
        if (r != -EAGAIN) {
            t->over = true;
            t->end = r;
        }
        return have > 0 ? (ssize_t)have : r; /* what ended it is told by the next call */
    }
    return have;
}

static int tls_flush(struct stream *s)
{
    struct tls *t = of(s);

    while (t->stage_at < t->stage_end) {
        struct iovec iov = {t->stage->data + t->stage_at, t->stage_end - t->stage_at};
        ssize_t n = sock_transmit(s->sock, &iov, 1);

        if (n < 0)
            return n;
        t->stage_at += n;
    }
    t->stage_at = t->stage_end = 0;
    return 0;
}

static int make_stage(struct tls *t)
{
    if (!t->stage)
        t->stage = iobuf_new(t->s.bufs, STAGE);
    return t->stage ? 0 : -ENOMEM;
}

/* One record of the first n bytes from `off` on in *iov. */
static int write_record(struct tls *t, const struct iovec **iov, size_t *off, size_t n)
{
    const uint8_t *from = (const uint8_t *)(*iov)->iov_base + *off;
    uint8_t *joined = t->stage->data + STAGE - RECORD;
    size_t left = n, done = 0;

    if ((*iov)->iov_len - *off < n)
        from = joined;
    while (left > 0) {
        size_t part = min_of(left, (*iov)->iov_len - *off);

        if (from == joined)
            memcpy(joined + n - left, (const uint8_t *)(*iov)->iov_base + *off, part);
        left -= part;
        *off += part;
        if (*off == (*iov)->iov_len) {
            (*iov)++;
            *off = 0;
        }
    }
    ERR_clear_error();
    if (SSL_write_ex(t->ssl, from, n, &done) == 1)
        return 0;
    return outcome(t) ?: -EPIPE;
}

/* The odd bytes come first, so that bulk data behind a header is encrypted from where it lies, in full records. */
static ssize_t tls_write(struct stream *s, const struct iovec *iov, unsigned int n)
{
    struct tls *t = of(s);
    size_t total = 0, done = 0, off = 0;
    int r = make_stage(t);

    if (r < 0)
        return r;
    for (unsigned int i = 0; i < n; i++)
        total += iov[i].iov_len;
    while (done < total) {
        size_t take = (total - done) % RECORD;

        if (take == 0)
            take = RECORD;
        if (stage_room(t) < RECORD_WIRE) {
            r = tls_flush(s);
            if (r < 0)
                return done > 0 && r == -EAGAIN ? (ssize_t)done : r;
        }
        r = write_record(t, &iov, &off, take);
        if (r < 0)
            return r;
        done += take;
    }
    return done;
}

static int tls_goodbye(struct stream *s)
{
    struct tls *t = of(s);

    if (t->proven && !t->said_goodbye) {
        int r = t->stage && stage_room(t) < RECORD_WIRE ? tls_flush(s) : 0;

        if (r < 0)
            return r;
        ERR_clear_error();
        r = SSL_shutdown(t->ssl);
        if (r < 0) {
            r = outcome(t);
            if (r < 0)
                return r;
        }
        t->said_goodbye = true;
    }
    return tls_flush(s);
}

static size_t tls_holds(struct stream *s)
{
    return of(s)->record_came;
}

static void tls_idle(struct stream *s)
{
    struct tls *t = of(s);

    read_ahead(t, false);
    if (t->stage_at < t->stage_end)
        return;
    iobuf_unref(t->stage);
    t->stage = NULL;
}

static void tls_free(struct stream *s)
{
    struct tls *t = of(s);

    ERR_clear_error();
    SSL_free(t->ssl);
    iobuf_unref(t->stage);
    free(t);
}

static const struct stream_type tls_type = {
    .read = tls_read,
    .write = tls_write,
    .flush = tls_flush,
    .goodbye = tls_goodbye,
    .holds = tls_holds,
    .idle = tls_idle,
    .free = tls_free,
};

int tls_open(struct tls_config *cfg, struct sock *sock, struct iobuf_pool *bufs, bool server, struct tls **ret)
{
    struct tls *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->s = (struct stream){.type = &tls_type, .sock = sock, .bufs = bufs};
    t->cfg = cfg;
    t->server = server;
    *ret = t;
    return 0;
}

struct stream *tls_stream(struct tls *t)
{
    return &t->s;
}

/* ---- the handshake ------------------------------------------------------------------------------------------------------- */
/* With the set that is in place now, which the config has just made sure is the newest. */
static int begin(struct tls *t)
{
    SSL_CTX *ctx = tls_config_take(t->cfg, &t->generation);
    BIO *b;

    ERR_clear_error();
    t->ssl = SSL_new(ctx);
    SSL_CTX_free(ctx);
    if (!t->ssl)
        return -ENOMEM;
    b = BIO_new(tls_config_bio(t->cfg));
    if (!b)
        return -ENOMEM;
    BIO_set_data(b, t);
    SSL_set_bio(t->ssl, b, b);
    if (t->server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    return 0;
}

/* The keys of the key exchange have done their work, and so have the key of the peer's certificate and the authorities sent with
 * it: there is neither resumption nor renegotiation, and tls_tell_peer() wants names. OpenSSL would keep them as long as the
 * connection lives. Without them nobody who gets hold of our memory can read what was sent before, and an idle connection takes
 * some 10 KiB less. Setting a key's type frees what the key was; any type does. */
static void forget_key(EVP_PKEY *key)
{
    if (key)
        EVP_PKEY_set_type(key, EVP_PKEY_ED25519);
}

static void forget_handshake(SSL *ssl)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    X509 *cert = SSL_get0_peer_certificate(ssl);
    EVP_PKEY *ours = NULL, *theirs = NULL;

    if (SSL_get_tmp_key(ssl, &ours) == 1)
        forget_key(ours);
    if (SSL_get_peer_tmp_key(ssl, &theirs) == 1)
        forget_key(theirs);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    while (chain && sk_X509_num(chain) > 0)
        X509_free(sk_X509_pop(chain));
    if (cert)
        forget_key(X509_get0_pubkey(cert));
    ERR_clear_error();
}

int tls_handshake(struct tls *t, bool *ret_write)
{
    int r;

    if (!t->ssl) {
        tls_config_refresh(t->cfg);
        r = begin(t);
        if (r < 0)
            return r;
    }
    ERR_clear_error();
    if (SSL_do_handshake(t->ssl) == 1) {
        t->proven = true;
        t->s.wants_write = false;
        /* The handshake read record by record, so nothing is left in the buffers: they can go, and from now on reading ahead
         * fetches many records with one call. */
        forget_handshake(t->ssl);
        SSL_free_buffers(t->ssl);
        SSL_set_read_ahead(t->ssl, 1);
        return 0;
    }
    r = outcome(t);
    *ret_write = t->s.wants_write;
    if (r == 0) {
        if (t->heard && !t->s.why[0])
            snprintf(t->s.why, sizeof(t->s.why), "the peer closed the connection");
        r = -ENOTCONN;
    }
    return r;
}

/* ---- would it still be let in? ------------------------------------------------------------------------------------------- */
/* The chain that was found good, without the authority at its end: DER, the peer's own certificate first. Parsed certificates would
 * take several times as much. */
struct tls_proof {
    size_t len;
    uint8_t der[];
};

static int chain_length(STACK_OF(X509) *chain)
{
    int n = chain ? sk_X509_num(chain) : 0;

    return n > 1 ? n - 1 : n;
}

static struct tls_proof *proof_of(STACK_OF(X509) *chain)
{
    struct tls_proof *p;
    unsigned char *at;
    size_t len = 0;

    for (int i = 0; i < chain_length(chain); i++) {
        int n = i2d_X509(sk_X509_value(chain, i), NULL);

        if (n <= 0)
            return NULL;
        len += (size_t)n;
    }
    p = len ? malloc(sizeof(*p) + len) : NULL;
    if (!p)
        return NULL;
    p->len = len;
    at = p->der;
    for (int i = 0; i < chain_length(chain); i++)
        i2d_X509(sk_X509_value(chain, i), &at);
    return p;
}

void tls_proof_free(struct tls_proof *p)
{
    free(p);
}

/* Two come together: who exchanges the set, and then looks through the proofs; and who puts a proof there, and then looks at the set.
 * One of them is later and sees what the other did: the store is before the lock that guards the generation, or behind it. */
int tls_prove(struct tls *t, _Atomic(struct tls_proof *) *ret)
{
    struct tls_proof *p = proof_of(SSL_get0_verified_chain(t->ssl));

    ERR_clear_error();
    if (!p)
        return -ENOMEM;
    atomic_store(ret, p);
    if (tls_config_generation(t->cfg) == t->generation)
        return 0;
    return tls_config_accepts(t->cfg, p, t->s.why, sizeof(t->s.why));
}

/* What a new set says for certain of a peer that was once let in. What says nothing of it, a list that is missing or has run out, or a
 * date that has passed, is for the next handshake. */
static bool says_no(int error)
{
    switch (error) {
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED:
        return true;
    default:
        return false;
    }
}

static int passes_over(int ok, X509_STORE_CTX *check)
{
    return ok || !says_no(X509_STORE_CTX_get_error(check));
}

static STACK_OF(X509) *chain_of(const struct tls_proof *p)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    const unsigned char *at = p->der;

    while (chain && at < p->der + p->len) {
        X509 *cert = d2i_X509(NULL, &at, p->der + p->len - at);

        if (cert && sk_X509_push(chain, cert) > 0)
            continue;
        X509_free(cert);
        sk_X509_pop_free(chain, X509_free);
        return NULL;
    }
    return chain;
}

static int verify(X509_STORE_CTX *check, SSL_CTX *ctx, STACK_OF(X509) *chain, char *why, size_t size)
{
    X509 *cert = sk_X509_value(chain, 0);
    int error;

    if (X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), cert, chain) != 1 ||
        X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(check), SSL_CTX_get0_param(ctx)) != 1)
        return -ENOMEM;
    X509_STORE_CTX_set_verify_cb(check, passes_over);
    if (X509_verify_cert(check) == 1)
        return 0;
    error = X509_STORE_CTX_get_error(check);
    if (!says_no(error))
        return -ENOMEM; /* all else that ends it early: memory, the disk */
    X509_NAME_oneline(X509_get_subject_name(cert), why, size / 2);
    snprintf(why + strlen(why), size - strlen(why), ": %s", X509_verify_cert_error_string(error));
    return -EKEYREJECTED;
}

int tls_config_accepts(struct tls_config *cfg, const struct tls_proof *p, char *why, size_t size)
{
    SSL_CTX *ctx = tls_config_take(cfg, NULL);
    X509_STORE_CTX *check = tls_check_new();
    STACK_OF(X509) *chain = chain_of(p);
    int r = -ENOMEM;

    ERR_clear_error();
    if (check && chain)
        r = verify(check, ctx, chain, why, size);
    X509_STORE_CTX_free(check);
    sk_X509_pop_free(chain, X509_free);
    SSL_CTX_free(ctx);
    ERR_clear_error();
    return r;
}

/* ---- who the peer is ----------------------------------------------------------------------------------------------------- */
/* A name with a NUL inside would be read as a shorter one: then it has none. */
static char *text_of(const ASN1_STRING *s)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, s);
    char *copy = NULL;

    if (len >= 0 && memchr(utf8, 0, len) == NULL)
        copy = strndup((const char *)utf8, len);
    OPENSSL_free(utf8);
    return copy;
}

static char *ip_text(const ASN1_OCTET_STRING *ip)
{
    const unsigned char *a = ASN1_STRING_get0_data(ip);
    char text[40] = "";

    if (ASN1_STRING_length(ip) == 4)
        snprintf(text, sizeof(text), "%d.%d.%d.%d", a[0], a[1], a[2], a[3]);
    else if (ASN1_STRING_length(ip) == 16)
        for (int i = 0; i < 16; i += 2)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%x", i ? ":" : "", a[i] << 8 | a[i + 1]);
    else
        return NULL;
    return strdup(text);
}

static char *alt_name_text(const GENERAL_NAME *name)
{
    switch (name->type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
        return text_of(name->d.ia5);
    case GEN_IPADD:
        return ip_text(name->d.iPAddress);
    default:
        return NULL;
    }
}

static int tell_alt_names(X509 *cert, struct conn_peer *peer)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    int n = names ? sk_GENERAL_NAME_num(names) : 0, kept = 0;

    if (n > 0)
        peer->alt_names = calloc(n + 1, sizeof(char *));
    for (int i = 0; peer->alt_names && i < n; i++) {
        char *text = alt_name_text(sk_GENERAL_NAME_value(names, i));

        if (text)
            peer->alt_names[kept++] = text;
    }
    GENERAL_NAMES_free(names);
    return n > 0 && !peer->alt_names ? -ENOMEM : 0;
}

int tls_tell_peer(struct tls *t, struct conn_peer *peer)
{
    X509 *cert = SSL_get0_peer_certificate(t->ssl);
    X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;
    int at = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;

    ERR_clear_error();
    peer->tls_version = strdup(SSL_get_version(t->ssl));
    peer->cipher = strdup(SSL_get_cipher_name(t->ssl));
    if (!cert || !peer->tls_version || !peer->cipher)
        return cert ? -ENOMEM : -EPROTO;
    if (at >= 0)
        peer->common_name = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    return tell_alt_names(cert, peer);
}
