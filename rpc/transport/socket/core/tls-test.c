/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who is let in over TLS and who is not, in whose words it is logged, and what happens when certificate files change. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/ssl.h>

#include "conn-impl.h"
#include "testing/fixture.h"

static struct fixture f;
static char path_of[4][160];

static const char *path(int slot, const char *name)
{
    snprintf(path_of[slot], sizeof(path_of[slot]), "%s/%s", f.dir, name);
    return path_of[slot];
}

/* ---- a raw peer: OpenSSL over one end of a socketpair, so that a test decides what a record is ------------------------------ */
struct raw {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
};

static void blocking(int fd)
{
    assert_int_equal(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0);
}

static void readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    assert_int_equal(poll(&p, 1, 60000), 1);
}

/* cert NULL: shows none. */
static void raw_begin(struct raw *r, int fd, const char *cert, int version)
{
    char file[160];

    r->fd = fd;
    r->ctx = SSL_CTX_new(TLS_client_method());
    if (version) {
        SSL_CTX_set_min_proto_version(r->ctx, version);
        SSL_CTX_set_max_proto_version(r->ctx, version);
    }
    if (cert) {
        snprintf(file, sizeof(file), "%s/%s.pem", f.dir, cert);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(r->ctx, file), 1);
        snprintf(file, sizeof(file), "%s/%s.key", f.dir, cert);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(r->ctx, file, SSL_FILETYPE_PEM), 1);
    }
    r->ssl = SSL_new(r->ctx);
    SSL_set_fd(r->ssl, fd);
    SSL_set_connect_state(r->ssl);
}

/* True: the handshake succeeded as far as the client can tell. */
static bool raw_connect(struct raw *r, int fd, const char *cert, int version)
{
    blocking(fd);
    raw_begin(r, fd, cert, version);
    return SSL_connect(r->ssl) == 1;
}

static void raw_done(struct raw *r)
{
    SSL_free(r->ssl);
    SSL_CTX_free(r->ctx);
    close(r->fd);
}

static void serve_in(struct end *e, struct tls_config *tls, int fd, struct group *group)
{
    struct conn_conf conf = fixture_conf(true);

    conf.goodbye_ms = 100; /* the raw peer hears us out only afterwards */
    end_init(e, &f);
    e->echo = true;
    assert_int_equal(conn_new(&f.env, &conf, tls, fd, group, &end_host, e, true, &e->conn), 0);
    conn_begin(e->conn);
}

static void serve(struct end *e, struct tls_config *tls, int fd)
{
    serve_in(e, tls, fd, NULL);
}

static void echoes(struct raw *r)
{
    uint8_t message[24] = "\x80\0\0\x14", answer[24];

    assert_int_equal(SSL_write(r->ssl, message, sizeof(message)), sizeof(message));
    for (int have = 0; have < (int)sizeof(answer);) {
        int n = SSL_read(r->ssl, answer + have, (int)sizeof(answer) - have);

        assert_true(n > 0);
        have += n;
    }
    assert_memory_equal(message, answer, sizeof(message));
}

/* ---- 36 --------------------------------------------------------------------------------------------------------------------- */
static void messages_that_share_a_record_are_all_answered_at_once(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (unsigned int v = 0; v < array_len(versions); v++) {
        uint8_t five[5 * 24], answer[24];
        struct raw r;
        struct end e;
        int fds[2];

        socket_pair(fds, false);
        serve(&e, f.server, fds[0]);
        assert_true(raw_connect(&r, fds[1], "client", versions[v]));
        for (int i = 0; i < 5; i++) {
            memset(five + i * 24, 'a' + i, 24);
            memcpy(five + i * 24, "\x80\0\0\x14", 4);
        }
        assert_int_equal(SSL_write(r.ssl, five, sizeof(five)), sizeof(five)); /* one record */
        for (int i = 0; i < 5; i++) {
            assert_int_equal(SSL_read(r.ssl, answer, 24), 24); /* each answer is a record of its own */
            assert_memory_equal(answer, five + i * 24, 24);
        }
        raw_done(&r);
        end_until(&e, e.downs == 1);
        assert_int_equal(e.records, 5);
        end_done(&e);
    }
}

/* A message in many records, mark and header apart, as stock sends it. */
static void a_message_may_come_in_many_records(void **state)
{
    uint8_t message[1004], answer[1004];
    struct raw r;
    struct end e;
    int fds[2];

    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = i;
    memcpy(message, "\x80\0\x03\xe8", 4);
    socket_pair(fds, false);
    serve(&e, f.server, fds[0]);
    assert_true(raw_connect(&r, fds[1], "client", 0));
    for (size_t cut = 1; cut < 20; cut++) {
        for (size_t at = 0; at < sizeof(message); at += cut)
            assert_true(SSL_write(r.ssl, message + at, min_of(cut, sizeof(message) - at)) > 0);
        for (size_t have = 0; have < sizeof(answer);) {
            int n = SSL_read(r.ssl, answer + have, sizeof(answer) - have);

            assert_true(n > 0);
            have += n;
        }
        assert_memory_equal(answer, message, sizeof(message));
    }
    raw_done(&r);
    end_until(&e, e.downs == 1);
    end_done(&e);
}

static void new_keys_in_the_middle_change_nothing(void **state)
{
    uint8_t message[24] = "\x80\0\0\x14", answer[24];
    struct raw r;
    struct end e;
    int fds[2];

    socket_pair(fds, false);
    serve(&e, f.server, fds[0]);
    assert_true(raw_connect(&r, fds[1], "client", TLS1_3_VERSION));
    for (int i = 0; i < 20; i++) {
        assert_int_equal(SSL_key_update(r.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        assert_int_equal(SSL_write(r.ssl, message, sizeof(message)), sizeof(message));
        assert_int_equal(SSL_read(r.ssl, answer, sizeof(answer)), sizeof(answer));
        assert_memory_equal(answer, message, sizeof(message));
    }
    raw_done(&r);
    end_until(&e, e.downs == 1);
    end_done(&e);
}

/* ---- 27: who is refused ----------------------------------------------------------------------------------------------------- */
static void expect_refused(struct tls_config *server, const char *cert, const char *reason)
{
    struct raw r;
    struct end e;
    uint8_t byte;
    int fds[2];
    const char *line;

    fixture_log_clear();
    socket_pair(fds, false);
    serve(&e, server, fds[0]);
    if (raw_connect(&r, fds[1], cert, 0))
        assert_true(SSL_read(r.ssl, &byte, 1) <= 0); /* TLS 1.3: the client learns of it with its first read */
    end_until(&e, e.downs == 1);
    assert_int_equal(e.ups, 0);
    line = fixture_log();
    if (!strstr(line, reason))
        fail_msg("\"%s\" is not in \"%s\"", reason, line);
    assert_non_null(strstr(line, "tls handshake with "));
    assert_string_equal(strchr(line, '\n'), "\n"); /* one line */
    end_done(&e);
    raw_done(&r);
}

static void the_refused_are_told_in_words_and_once(void **state)
{
    struct pki_ca *foreign = pki_ca_new("somebody else", NULL);
    struct tls_config *strict;
    long serial;

    pki_issue(foreign, f.dir, "foreign", "the client", NULL, -60, 3600);
    pki_issue(f.ca, f.dir, "expired", "the client", NULL, -7200, -3600);
    pki_issue(f.ca, f.dir, "future", "the client", NULL, 3600, 7200);
    serial = pki_issue(f.ca, f.dir, "revoked", "the client", NULL, -60, 3600);
    assert_int_equal(mkdir(path(0, "crl"), 0700), 0);
    pki_revoke(f.ca, path(0, "crl"), serial);
    strict = fixture_tls(&f, "server", "ca.pem", "crl");

    expect_refused(f.server, NULL, "peer did not return a certificate");
    expect_refused(f.server, "foreign", "unable to get local issuer certificate");
    expect_refused(f.server, "expired", "certificate has expired");
    expect_refused(f.server, "future", "certificate is not yet valid");
    expect_refused(strict, "revoked", "certificate revoked");
    tls_config_unref(strict);
    pki_ca_free(foreign);
}

static void the_chain_may_be_as_deep_as_it_is_allowed_to_be(void **state)
{
    struct pki_ca *middle = pki_ca_new("in between", f.ca), *lower = pki_ca_new("below that", middle);
    struct raw r;
    struct end e;
    int fds[2];

    pki_issue(middle, f.dir, "one-between", "the client", NULL, -60, 3600);
    pki_ca_write(middle, path(0, "one-between.pem"), true);
    pki_issue(lower, f.dir, "two-between", "the client", NULL, -60, 3600);
    pki_ca_write(lower, path(0, "two-between.pem"), true);
    pki_ca_write(middle, path(0, "two-between.pem"), true);

    socket_pair(fds, false);
    serve(&e, f.server, fds[0]);
    assert_true(raw_connect(&r, fds[1], "one-between", 0));
    end_until(&e, e.ups == 1);
    raw_done(&r);
    end_until(&e, e.downs == 1);
    end_done(&e);
    expect_refused(f.server, "two-between", "certificate chain too long");
    pki_ca_free(lower);
    pki_ca_free(middle);
}

static void names_are_handed_up(void **state)
{
    struct conn_conf conf = fixture_conf(true);
    const struct conn_peer *peer;
    struct end a, b;

    end_init(&a, &f);
    end_init(&b, &f);
    pair_up(&a, &b, &conf, true, false);
    end_until(&a, a.ups == 1);
    end_until(&b, b.ups == 1);
    peer = conn_peer(a.conn);
    assert_string_equal(peer->common_name, "the client");
    assert_null(peer->alt_names);
    assert_string_equal(peer->tls_version, "TLSv1.3");
    peer = conn_peer(b.conn);
    assert_string_equal(peer->common_name, "the server");
    assert_string_equal(peer->alt_names[0], "server.example");
    assert_string_equal(peer->alt_names[1], "127.0.0.1");
    assert_string_equal(peer->alt_names[2], "0:0:0:0:0:0:0:1");
    assert_null(peer->alt_names[3]);
    conn_disconnect(a.conn, 0);
    end_until(&a, a.downs == 1);
    end_until(&b, b.downs == 1);
    end_done(&a);
    end_done(&b);
}

static void plain_bytes_on_a_tls_port_are_called_that(void **state)
{
    struct end e;
    int fds[2];

    fixture_log_clear();
    socket_pair(fds, false);
    serve(&e, f.server, fds[0]);
    assert_int_equal(write(fds[1], "\x80\0\0\x28 this is a call that nobody encrypted", 40), 40);
    end_until(&e, e.downs == 1);
    assert_non_null(strstr(fixture_log(), "the peer does not speak TLS"));
    close(fds[1]);
    end_done(&e);
}

static void a_tls_hello_on_a_plain_port_is_called_that(void **state)
{
    struct raw r;
    struct end e;
    int fds[2];

    fixture_log_clear();
    socket_pair(fds, false);
    serve(&e, NULL, fds[0]);
    e.conn->framer.max = 1000; /* before any byte came */
    assert_false(raw_connect(&r, fds[1], "client", 0));
    end_until(&e, e.downs == 1);
    assert_non_null(strstr(fixture_log(), "the peer speaks TLS"));
    raw_done(&r);
    end_done(&e);
}

/* A port scanner is no event for the log (class 18). */
static void who_comes_and_goes_without_a_word_is_not_logged(void **state)
{
    fixture_log_clear();
    for (int i = 0; i < 20; i++) {
        struct end e;
        int fds[2];

        socket_pair(fds, false);
        serve(&e, f.server, fds[0]);
        close(fds[1]);
        end_until(&e, e.downs == 1);
        end_done(&e);
    }
    assert_string_equal(fixture_log(), "");
}

/* ---- files that change ------------------------------------------------------------------------------------------------------ */
static void replace(const char *from, const char *to)
{
    char a[160], b[160];

    for (int i = 0; i < 2; i++) {
        snprintf(a, sizeof(a), "%s/%s.%s", f.dir, from, i ? "key" : "pem");
        snprintf(b, sizeof(b), "%s/%s.%s", f.dir, to, i ? "key" : "pem");
        assert_int_equal(rename(a, b), 0);
    }
}

static void expect_shown(struct tls_config *cfg, const char *cn)
{
    char name[64] = "";
    struct raw r;
    struct end e;
    int fds[2];

    socket_pair(fds, false);
    serve(&e, cfg, fds[0]);
    assert_true(raw_connect(&r, fds[1], "client", 0));
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(r.ssl)), NID_commonName, name, sizeof(name));
    assert_string_equal(name, cn);
    raw_done(&r);
    end_until(&e, e.downs == 1);
    end_done(&e);
}

static void a_broken_set_leaves_the_last_good_one(void **state)
{
    struct tls_files wrong = {.own_cert = "/nowhere/at.all", .depth = 1};
    struct tls_config *cfg;
    struct err err = {""};
    FILE *file;

    pki_issue(f.ca, f.dir, "moving", "first", NULL, -60, 3600);
    pki_issue(f.ca, f.dir, "next", "second", NULL, -60, 3600);
    cfg = fixture_tls(&f, "moving", "ca.pem", NULL);
    expect_shown(cfg, "first");
    replace("next", "moving");
    assert_int_equal(tls_config_reload(cfg, NULL, &err), 0);
    expect_shown(cfg, "second");
    assert_int_equal(tls_config_generation(cfg), 2);

    file = fopen(path(0, "moving.key"), "w"); /* half written */
    fputs("-----BEGIN PRIVATE KEY-----\n", file);
    fclose(file);
    assert_int_equal(tls_config_reload(cfg, NULL, &err), -EINVAL);
    assert_non_null(strstr(err.text, "ssl-private-key"));
    assert_non_null(strstr(err.text, "moving.key"));
    expect_shown(cfg, "second");

    err.text[0] = 0;
    assert_int_equal(tls_config_reload(cfg, &wrong, &err), -EINVAL);
    assert_non_null(strstr(err.text, "ssl-own-cert: /nowhere/at.all"));
    expect_shown(cfg, "second");

    pki_issue(f.ca, f.dir, "next", "third", NULL, -60, 3600);
    rename(path(0, "next.key"), path(1, "moving.key")); /* a key of another certificate */
    err.text[0] = 0;
    assert_int_equal(tls_config_reload(cfg, NULL, &err), -EINVAL);
    expect_shown(cfg, "second");
    rename(path(0, "next.pem"), path(1, "moving.pem"));
    assert_int_equal(tls_config_reload(cfg, NULL, &err), 0); /* the settings of before are still there */
    expect_shown(cfg, "third");
    tls_config_unref(cfg);
}

/* Two clients of one listener, in this order: "client", which stays good, and "leaving". */
struct two {
    struct tls_config *cfg;
    struct group *group;
    struct raw raw[2];
    struct end end[2];
    long leaving;
};
static void two_clients(struct two *t, const char *ca, const char *lists)
{
    static const char *const names[] = {"client", "leaving"};

    t->group = group_new(0);
    t->leaving = pki_issue(f.ca, f.dir, "leaving", "who leaves", NULL, -60, 3600);
    t->cfg = fixture_tls(&f, "server", ca, lists);
    for (int i = 0; i < 2; i++) {
        int fds[2];

        socket_pair(fds, false);
        serve_in(&t->end[i], t->cfg, fds[0], t->group);
        assert_true(raw_connect(&t->raw[i], fds[1], names[i], 0));
        echoes(&t->raw[i]);
    }
    assert_int_equal(group_check_proofs(t->group), 0);
    echoes(&t->raw[0]);
    echoes(&t->raw[1]);
}
static void two_done(struct two *t)
{
    for (int i = 0; i < 2; i++) {
        raw_done(&t->raw[i]);
        end_until(&t->end[i], t->end[i].downs == 1);
        end_done(&t->end[i]);
    }
    group_unref(t->group);
    tls_config_unref(t->cfg);
}

static void who_is_revoked_while_connected_is_cut_and_nobody_else(void **state)
{
    struct err err = {""};
    struct two t;

    mkdir(path(0, "lists"), 0700);
    pki_revoke(f.ca, path(0, "lists"), 0);
    two_clients(&t, "ca.pem", "lists");
    fixture_log_clear();
    pki_revoke(f.ca, path(0, "lists"), t.leaving);
    assert_int_equal(tls_config_reload(t.cfg, NULL, &err), 0);
    assert_int_equal(group_check_proofs(t.group), 0);
    end_until(&t.end[1], t.end[1].downs == 1);
    assert_int_equal(t.end[1].down_err, -EKEYREJECTED);
    assert_non_null(strstr(fixture_log(), "its certificate counts no more: /CN=who leaves: certificate revoked"));
    assert_null(strstr(fixture_log(), "the client"));
    echoes(&t.raw[0]);
    two_done(&t);
}

static void whose_authority_has_gone_is_cut(void **state)
{
    struct pki_ca *other = pki_ca_new("another authority", NULL);
    struct err err = {""};
    struct two t;

    pki_ca_write(f.ca, path(0, "authorities.pem"), false);
    two_clients(&t, "authorities.pem", NULL);
    pki_ca_write(other, path(0, "authorities.pem"), true); /* one more: nobody minds */
    assert_int_equal(tls_config_reload(t.cfg, NULL, &err), 0);
    assert_int_equal(group_check_proofs(t.group), 0);
    echoes(&t.raw[0]);
    pki_ca_write(other, path(0, "authorities.pem"), false);
    assert_int_equal(tls_config_reload(t.cfg, NULL, &err), 0);
    assert_int_equal(group_check_proofs(t.group), 0);
    end_until(&t.end[0], t.end[0].downs == 1);
    end_until(&t.end[1], t.end[1].downs == 1);
    two_done(&t);
    pki_ca_free(other);
}

/* It says nothing of who is there: the next handshakes fail, which is loud enough. */
static void a_list_that_is_gone_cuts_nobody(void **state)
{
    char list[4096];
    struct err err = {""};
    struct two t;

    mkdir(path(0, "lists"), 0700);
    pki_revoke(f.ca, path(0, "lists"), 0);
    two_clients(&t, "ca.pem", "lists");
    snprintf(list, sizeof(list), "%s/%s", f.dir, "lists");
    fixture_remove_files(list);
    assert_int_equal(mkdir(list, 0700), 0);
    assert_int_equal(tls_config_reload(t.cfg, NULL, &err), 0);
    assert_int_equal(group_check_proofs(t.group), 0);
    echoes(&t.raw[0]);
    echoes(&t.raw[1]);
    two_done(&t);
}

static void who_is_revoked_during_the_handshake_does_not_slip_through(void **state)
{
    struct group *g = group_new(0);
    BIO *silence = BIO_new(BIO_s_mem());
    struct tls_config *cfg;
    struct err err = {""};
    struct raw r;
    struct end e;
    int fds[2];
    long serial = pki_issue(f.ca, f.dir, "leaving", "who leaves", NULL, -60, 3600);

    mkdir(path(0, "lists"), 0700);
    pki_revoke(f.ca, path(0, "lists"), 0);
    cfg = fixture_tls(&f, "server", "ca.pem", "lists");
    socket_pair(fds, false);
    serve_in(&e, cfg, fds[0], g);
    raw_begin(&r, fds[1], "leaving", 0);
    SSL_set0_rbio(r.ssl, silence);
    assert_true(SSL_do_handshake(r.ssl) < 0); /* its hello is sent */
    blocking(r.fd);
    readable(r.fd);                           /* and answered */
    SSL_set_rfd(r.ssl, r.fd);
    pki_revoke(f.ca, path(0, "lists"), serial);
    assert_int_equal(tls_config_reload(cfg, NULL, &err), 0);
    assert_int_equal(group_check_proofs(g), 0); /* it is not there yet */
    assert_int_equal(SSL_do_handshake(r.ssl), 1);
    end_until(&e, e.downs == 1);
    assert_int_equal(e.ups, 0);
    assert_int_equal(e.down_err, -EKEYREJECTED);
    raw_done(&r);
    end_done(&e);
    group_unref(g);
    tls_config_unref(cfg);
}

/* 28 */
static void a_set_that_cannot_be_used_is_refused_with_its_option(void **state)
{
    char good[3][160];
    struct tls_files base = {.own_cert = good[0], .private_key = good[1], .ca_list = good[2], .depth = 1}, bad;
    struct tls_config *cfg = NULL;
    struct err err;

    strcpy(good[0], path(0, "server.pem"));
    strcpy(good[1], path(0, "server.key"));
    strcpy(good[2], path(0, "ca.pem"));
#define REFUSED(member, value, option)                                \
    do {                                                              \
        bad = base;                                                   \
        bad.member = (value);                                         \
        err.text[0] = 0;                                              \
        assert_int_equal(tls_config_new(&f.env, &bad, &cfg, &err), -EINVAL); \
        assert_non_null(strstr(err.text, "transport.socket." option ": " value)); \
        assert_null(cfg);                                             \
    } while (0)
    REFUSED(own_cert, "/nowhere/cert", "ssl-own-cert");
    REFUSED(private_key, "/nowhere/key", "ssl-private-key");
    REFUSED(ca_list, "/nowhere/ca", "ssl-ca-list");
    REFUSED(crl_path, "/nowhere/crl", "ssl-crl-path");
    REFUSED(ciphers, "NO-SUCH-CIPHER", "ssl-cipher-list");
    REFUSED(curve, "no-such-curve", "ssl-ec-curve");
    REFUSED(dh_param, "/nowhere/dh", "ssl-dh-param");
}

static int setup(void **state)
{
    fixture_init(&f);
    return 0;
}
static int teardown(void **state)
{
    fixture_done(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_share_a_record_are_all_answered_at_once),
        cmocka_unit_test(a_message_may_come_in_many_records),
        cmocka_unit_test(new_keys_in_the_middle_change_nothing),
        cmocka_unit_test(the_refused_are_told_in_words_and_once),
        cmocka_unit_test(the_chain_may_be_as_deep_as_it_is_allowed_to_be),
        cmocka_unit_test(names_are_handed_up),
        cmocka_unit_test(plain_bytes_on_a_tls_port_are_called_that),
        cmocka_unit_test(a_tls_hello_on_a_plain_port_is_called_that),
        cmocka_unit_test(who_comes_and_goes_without_a_word_is_not_logged),
        cmocka_unit_test(a_broken_set_leaves_the_last_good_one),
        cmocka_unit_test(a_set_that_cannot_be_used_is_refused_with_its_option),
        cmocka_unit_test(who_is_revoked_while_connected_is_cut_and_nobody_else),
        cmocka_unit_test(whose_authority_has_gone_is_cut),
        cmocka_unit_test(a_list_that_is_gone_cuts_nobody),
        cmocka_unit_test(who_is_revoked_during_the_handshake_does_not_slip_through),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
