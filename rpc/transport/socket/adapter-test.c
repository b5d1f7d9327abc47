/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Both ends as rpc-lib has them: made from options alone, over a unix socket and over TLS. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "loop.h"
#include "core/source.h"
#include "testing/fixture.h"
#include "transport.h"

extern const struct transport_type transport_type;

static struct fixture f;
static struct end near, far;

struct pair {
    const char *key, *value;
};
static const char *get(const struct transport_options *o, const char *key)
{
    for (const struct pair *p = o->ctx; p->key; p++)
        if (strcmp(p->key, key) == 0)
            return p->value;
    return NULL;
}

static int on_accepted(void *host, const struct sockaddr_storage *peer, const struct transport_host **ret_host, void **ret_data)
{
    *ret_host = (const struct transport_host *)&end_host; /* the same members; adapter-rpc.c holds it against the compiler */
    *ret_data = &far;
    return 0;
}
static void on_started(void *host, void *data, struct transport *t)
{
    far.conn = (struct conn *)t;
}
static const struct transport_listen_host listen_host = {.accepted = on_accepted, .started = on_started};

/* Listening and its end are the loop's. */
struct listening {
    struct loop_work work;
    const struct pair *options;
    struct transport_listener *l;
    struct err err;
    int r;
    pthread_mutex_t lock;
    pthread_cond_t turned;
    bool done;
};
static void turn(struct loop_work *w)
{
    struct listening *l = container_of(w, struct listening, work);

    if (l->l)
        transport_type.unlisten(l->l);
    else
        l->r = transport_type.listen(&f.env, &(struct transport_options){get, l->options}, &listen_host, NULL, &l->l, &l->err);
    SCOPED_LOCK(&l->lock);
    l->done = true;
    pthread_cond_signal(&l->turned);
}
static void turn_it(struct listening *l)
{
    l->done = false;
    loop_post(f.env.loop, &l->work);
    SCOPED_LOCK(&l->lock);
    while (!l->done)
        pthread_cond_wait(&l->turned, &l->lock);
}
#define LISTENING(o) {.work.run = turn, .options = (o), .lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER}

/* One message there and back, twice with the same dialer; addr: with the port of the listener; NULL: the options' path. */
static void talk(const struct pair *server, const struct pair *client, struct sockaddr_in *addr)
{
    struct listening l = LISTENING(server);
    struct transport_dialer *d = NULL;
    struct err err = {""};

    turn_it(&l);
    assert_string_equal(l.err.text, "");
    assert_int_equal(l.r, 0);
    if (addr)
        addr->sin_port = htons((uint16_t)transport_type.port(l.l));
    assert_int_equal(transport_type.dialer(&f.env, &(struct transport_options){get, client}, &d, &err), 0);
    for (int i = 0; i < 2; i++) {
        struct transport_peer peer;

        end_init(&near, &f);
        end_init(&far, &f);
        far.echo = true;
        assert_int_equal(transport_type.dial(d, (struct sockaddr *)addr, sizeof(*addr), (const struct transport_host *)&end_host, &near,
                                             (struct transport **)&near.conn, &err), 0);
        end_until(&near, near.ups == 1);
        transport_type.peer((struct transport *)near.conn, &peer);
        assert_int_equal(peer.tls, addr != NULL);
        assert_int_equal(end_send_filled(&near, 100000, 7), 0);
        end_until(&near, near.records == 1);
        transport_type.disconnect((struct transport *)near.conn, 0);
        end_until(&near, near.downs == 1);
        end_until(&far, far.downs == 1);
        assert_int_equal(near.sum, far.sum);
        end_done(&near);
        end_done(&far);
    }
    transport_type.undialer(d);
    turn_it(&l);
}

static void a_unix_socket_is_found_by_its_path(void **state)
{
    char path[96];

    snprintf(path, sizeof(path), "%s/socket", f.dir);
    talk((struct pair[]){{"transport.socket.listen-path", path}, {0}}, (struct pair[]){{"transport.socket.connect-path", path}, {0}}, NULL);
}

static void a_dialler_has_one_set_of_certificates_for_all_its_connections(void **state)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char cert[2][96], key[2][96], ca[96];

    for (int i = 0; i < 2; i++) {
        snprintf(cert[i], sizeof(cert[i]), "%s/%s.pem", f.dir, i ? "client" : "server");
        snprintf(key[i], sizeof(key[i]), "%s/%s.key", f.dir, i ? "client" : "server");
    }
    snprintf(ca, sizeof(ca), "%s/ca.pem", f.dir);
#define TLS(i) {"transport.socket.ssl-enabled", "on"}, {"transport.socket.ssl-own-cert", cert[i]}, \
               {"transport.socket.ssl-private-key", key[i]}, {"transport.socket.ssl-ca-list", ca}, {0}
    talk((struct pair[]){{"transport.address-family", "inet"}, {"transport.socket.listen-port", "0"},
                         {"transport.socket.bind-address", "127.0.0.1"}, TLS(0)},
         (struct pair[]){TLS(1)}, &addr);
}

/* One attempt at a TLS server whose certificate is for `sans` (and CN "brick-7"), by a client that looks for name. */
static void look_for(const char *sans, const char *name, const char *host, bool finds)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char cert[2][96], key[2][96], ca[96];
    struct transport_dialer *d = NULL;
    struct err err = {""};

    pki_issue(f.ca, f.dir, "brick", "brick-7", sans, -60, 3600);
    for (int i = 0; i < 2; i++) {
        snprintf(cert[i], sizeof(cert[i]), "%s/%s.pem", f.dir, i ? "client" : "brick");
        snprintf(key[i], sizeof(key[i]), "%s/%s.key", f.dir, i ? "client" : "brick");
    }
    snprintf(ca, sizeof(ca), "%s/ca.pem", f.dir);
    const struct pair server[] = {{"transport.address-family", "inet"}, {"transport.socket.listen-port", "0"},
                                  {"transport.socket.bind-address", "127.0.0.1"}, TLS(0)};
    const struct pair client[] = {{"transport.socket.ssl-verify-name", name}, {"remote-host", host}, TLS(1)};
    struct listening l = LISTENING(server);

    turn_it(&l);
    assert_string_equal(l.err.text, "");
    addr.sin_port = htons((uint16_t)transport_type.port(l.l));
    assert_int_equal(transport_type.dialer(&f.env, &(struct transport_options){get, client}, &d, &err), 0);
    end_init(&near, &f);
    end_init(&far, &f);
    fixture_log_clear();
    assert_int_equal(transport_type.dial(d, (struct sockaddr *)&addr, sizeof(addr), (const struct transport_host *)&end_host, &near,
                                         (struct transport **)&near.conn, &err), 0);
    if (finds) {
        end_until(&near, near.ups == 1);
        transport_type.disconnect((struct transport *)near.conn, 0);
    }
    end_until(&near, near.downs == 1);
    end_until(&far, far.downs == 1);
    assert_int_equal(near.ups, finds);
    if (!finds)
        assert_non_null(strstr(fixture_log(), "mismatch"));
    end_done(&near);
    end_done(&far);
    transport_type.undialer(d);
    turn_it(&l);
}

static void a_server_may_have_to_be_who_it_was_called(void **state)
{
    look_for("DNS:one.example,IP:192.0.2.1", "one.example", "two.example", true);
    look_for("DNS:one.example,IP:192.0.2.1", "on", "two.example", false);
    look_for("DNS:one.example,IP:192.0.2.1", "on", "one.example", true);
    look_for("DNS:one.example,IP:192.0.2.1", "on", "192.0.2.1", true);
    look_for("DNS:one.example,IP:192.0.2.1", "on", "192.0.2.2", false);
    look_for("DNS:*.cluster.example", "three.cluster.example", "x", true);
    look_for("DNS:*.cluster.example", "four.three.cluster.example", "x", false);
    look_for(NULL, "brick-7", "x", true); /* a certificate without names: the common name is one */
    look_for(NULL, "brick-8", "x", false);
    look_for(NULL, "off", "brick-8", true);
}

static void the_source_port_counts_down_from_where_it_must_be_below(void **state)
{
    unsigned int before = 40000;

    for (int i = 0; i < 3; i++) {
        struct sockaddr_in at;
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        source_bind(fd, AF_INET, before);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        assert_true(ntohs(at.sin_port) > 0 && ntohs(at.sin_port) < before);
        before = ntohs(at.sin_port);
        close(fd);
    }
}

static void what_makes_no_sense_is_refused_in_a_sentence(void **state)
{
    struct listening l = LISTENING(((struct pair[]){{"transport.socket.connect-path", "/somewhere"}, {0}}));
    struct transport_dialer *d = NULL;
    struct transport *t;
    struct err err = {""};

    turn_it(&l);
    assert_int_equal(l.r, -EINVAL);
    assert_non_null(strstr(l.err.text, "connect-path"));
    l.options = (struct pair[]){{"transport.socket.ssl-verify-name", "x"}, {0}};
    l.err.text[0] = 0;
    turn_it(&l);
    assert_int_equal(l.r, -EINVAL);
    assert_non_null(strstr(l.err.text, "ssl-verify-name"));
    const struct transport_options verify = {get, (struct pair[]){{"transport.socket.ssl-verify-name", "on"}, {0}}};
    assert_int_equal(transport_type.dialer(&f.env, &verify, &d, &err), -EINVAL);
    err.text[0] = 0;
    assert_int_equal(transport_type.dialer(&f.env, &(struct transport_options){get, (struct pair[]){{0}}}, &d, &err), 0);
    assert_int_equal(transport_type.dial(d, NULL, 0, (const struct transport_host *)&end_host, &near, &t, &err), -EDESTADDRREQ);
    assert_non_null(strstr(err.text, "connect-path"));
    transport_type.undialer(d);
}

static int begin(void **state)
{
    fixture_init(&f);
    return 0;
}
static int end(void **state)
{
    fixture_done(&f);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_unix_socket_is_found_by_its_path, begin, end),
        cmocka_unit_test_setup_teardown(a_dialler_has_one_set_of_certificates_for_all_its_connections, begin, end),
        cmocka_unit_test_setup_teardown(a_server_may_have_to_be_who_it_was_called, begin, end),
        cmocka_unit_test_setup_teardown(the_source_port_counts_down_from_where_it_must_be_below, begin, end),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused_in_a_sentence, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
