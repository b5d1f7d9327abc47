/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Listening: addresses, bounds, paths of unix sockets, and the end. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "family.h"
#include "group.h"
#include "listener.h"
#include "loop.h"
#include "state.h"
#include "testing/fixture.h"

static struct fixture f;

/* Listeners are opened and closed on the loop's thread. */
struct errand {
    struct loop_work work;
    void (*run)(void *arg);
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t done_cond;
    bool done;
};
static void run_errand(struct loop_work *w)
{
    struct errand *e = container_of(w, struct errand, work);

    e->run(e->arg);
    pthread_mutex_lock(&e->lock);
    e->done = true;
    pthread_cond_signal(&e->done_cond);
    pthread_mutex_unlock(&e->lock);
}
static void on_loop(void (*run)(void *), void *arg)
{
    struct errand e = {.work.run = run_errand, .run = run, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER,
                       .done_cond = PTHREAD_COND_INITIALIZER};

    loop_post(f.env.loop, &e.work);
    pthread_mutex_lock(&e.lock);
    while (!e.done)
        pthread_cond_wait(&e.done_cond, &e.lock);
    pthread_mutex_unlock(&e.lock);
}

#define ENDS 64
struct server {
    struct listener *l;
    struct listener_conf conf;
    struct sockaddr_storage addr;
    socklen_t len;
    struct tls_config *tls;
    struct err err;
    int r;
    struct end ends[ENDS];
    atomic_uint came;
    bool refuse;
};

static int on_accepted(void *host, const struct sockaddr_storage *peer, const struct conn_host **ret_host, void **ret_data)
{
    struct server *s = host;
    unsigned int i = atomic_load(&s->came);

    if (s->refuse)
        return -EACCES;
    assert_true(i < ENDS);
    end_init(&s->ends[i], &f);
    s->ends[i].echo = true;
    *ret_host = &end_host;
    *ret_data = &s->ends[i];
    return 0;
}
static void on_started(void *host, void *data, struct conn *conn)
{
    struct server *s = host;
    struct end *e = data;

    assert_non_null(conn);
    assert_int_equal(e->ups, 0); /* before anything can happen to it */
    e->conn = conn;
    atomic_fetch_add(&s->came, 1);
}
static const struct listener_host host = {on_accepted, on_started};

static void do_open(void *arg)
{
    struct server *s = arg;

    s->r = listener_open(&f.env, &s->conf, s->tls, (struct sockaddr *)&s->addr, s->len, &host, s, &s->l, &s->err);
}
static void do_close(void *arg)
{
    listener_close(((struct server *)arg)->l);
}

static struct server *server_new(const char *family, const char *at, bool own_thread)
{
    struct server *s = calloc(1, sizeof(*s));
    const struct family *fam = family_by_name(family);

    assert_non_null(s);
    s->conf = (struct listener_conf){.backlog = 100, .conns_max = 1000, .v6_only = fam->v6_only, .conn = fixture_conf(own_thread)};
    assert_int_equal(family_address(fam, fam->path ? NULL : at, 0, at, &s->addr, &s->len, &s->err), 0);
    return s;
}

static void open_it(struct server *s)
{
    on_loop(do_open, s);
    if (s->r < 0)
        fail_msg("%s", s->err.text);
    if (s->addr.ss_family == AF_INET)
        ((struct sockaddr_in *)&s->addr)->sin_port = htons(listener_port(s->l));
    if (s->addr.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&s->addr)->sin6_port = htons(listener_port(s->l));
}

static void server_free(struct server *s)
{
    for (unsigned int i = 0; i < atomic_load(&s->came); i++) {
        conn_disconnect(s->ends[i].conn, 0);
        end_until(&s->ends[i], s->ends[i].downs == 1);
        end_done(&s->ends[i]);
    }
    free(s);
}

static void wait_came(struct server *s, unsigned int n)
{
    time_t guard = time(NULL) + 60;

    while (atomic_load(&s->came) < n && time(NULL) < guard)
        sched_yield();
    assert_int_equal(atomic_load(&s->came), n);
}

static void dial(struct server *s, struct end *e, struct tls_config *tls)
{
    struct conn_conf conf = fixture_conf(true);

    end_init(e, &f);
    assert_int_equal(conn_dial(&f.env, &conf, tls, (struct sockaddr *)&s->addr, s->len, &end_host, e, &e->conn), 0);
}

static void hang_up(struct end *e)
{
    conn_disconnect(e->conn, 0);
    end_until(e, e->downs == 1);
    end_done(e);
}

static bool have_ipv6(void)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

    if (fd >= 0)
        close(fd);
    return ok;
}

static void every_family_is_served(void **state)
{
    char sock[160];
    const struct { const char *family, *at, *peer; } rows[] = {
        {"inet", "127.0.0.1", "127.0.0.1:"}, {"unix", sock, sock}, {"inet6", "::1", "[::1]:"}, {"inet-inet6", "127.0.0.1", "127.0.0.1:"},
    };

    snprintf(sock, sizeof(sock), "%s/sock", f.dir);
    for (unsigned int i = 0; i < array_len(rows); i++)
        for (int tls = 0; tls < 2; tls++) {
            struct server *s;
            struct end e;

            if (strstr(rows[i].family, "inet6") && !have_ipv6())
                continue;
            s = server_new(rows[i].family, rows[i].at, tls);
            s->tls = tls ? f.server : NULL;
            open_it(s);
            dial(s, &e, tls ? f.client : NULL);
            end_until(&e, e.ups == 1);
            assert_int_equal(end_send_filled(&e, 200000, 1), 0);
            end_until(&e, e.records == 1);
            assert_int_equal(strncmp(conn_peer(s->ends[0].conn)->text, rows[i].peer, strlen(rows[i].peer)), 0);
            on_loop(do_close, s);
            assert_int_equal(end_send_filled(&e, 100, 2), 0); /* connections live on */
            end_until(&e, e.records == 2);
            hang_up(&e);
            server_free(s);
        }
    assert_int_equal(access(sock, F_OK), -1);
}

static void above_the_bound_a_connection_is_refused(void **state)
{
    struct server *s = server_new("inet", "127.0.0.1", false);
    struct end e[3];

    s->conf.conns_max = 2;
    open_it(s);
    dial(s, &e[0], NULL);
    dial(s, &e[1], NULL);
    wait_came(s, 2);
    dial(s, &e[2], NULL);
    end_until(&e[2], e[2].downs == 1);
    end_done(&e[2]);
    assert_int_equal(atomic_load(&s->came), 2);
    hang_up(&e[0]);
    end_until(&s->ends[0], s->ends[0].downs + s->ends[1].downs == 1 || s->ends[0].downs == 1);
    dial(s, &e[2], NULL); /* one has gone */
    wait_came(s, 3);
    hang_up(&e[1]);
    hang_up(&e[2]);
    on_loop(do_close, s);
    server_free(s);
}

static void without_descriptors_it_waits_and_goes_on(void **state)
{
    struct server *s = server_new("inet", "127.0.0.1", false);
    struct rlimit before, tight;
    int fds[4096], n = 0;
    struct end e;

    open_it(s);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    tight = before;
    tight.rlim_cur = min_of(before.rlim_cur, (rlim_t)256);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    dial(s, &e, NULL);
    wait_came(s, 1);
    hang_up(&e);
    end_until(&s->ends[0], s->ends[0].downs == 1);
    while (n < 4096 && (fds[n] = dup(0)) >= 0)
        n++;
    assert_true(n > 0);
    close(fds[--n]); /* one for the client */
    fixture_log_clear();
    dial(s, &e, NULL);
    while (!strstr(fixture_log(), "trying again"))
        sched_yield();
    while (n > 0)
        close(fds[--n]);
    wait_came(s, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    hang_up(&e);
    on_loop(do_close, s);
    server_free(s);
}

static void a_path_is_taken_over_only_from_the_dead(void **state)
{
    char path[160];
    struct server *s, *second;
    struct stat st;
    int fd;

    snprintf(path, sizeof(path), "%s/sock", f.dir);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    s = server_new("unix", path, false);
    on_loop(do_open, s);
    assert_int_equal(s->r, -EEXIST);
    assert_non_null(strstr(s->err.text, "is not a socket"));
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISREG(st.st_mode));
    unlink(path);

    fd = socket(AF_UNIX, SOCK_STREAM, 0); /* left by one that died */
    assert_int_equal(bind(fd, (struct sockaddr *)&s->addr, s->len), 0);
    close(fd);
    s->err.text[0] = 0;
    open_it(s);

    second = server_new("unix", path, false);
    on_loop(do_open, second);
    assert_int_equal(second->r, -EADDRINUSE);
    free(second);
    on_loop(do_close, s);
    assert_int_equal(stat(path, &st), -1);
    server_free(s);
}

/* 19: who only tries the port does no harm to those at work. */
static void port_probes_do_no_harm(void **state)
{
    struct server *s = server_new("inet", "127.0.0.1", true);
    struct end e;

    s->tls = f.server;
    open_it(s);
    dial(s, &e, f.client);
    end_until(&e, e.ups == 1);
    for (int i = 0; i < 40; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(connect(fd, (struct sockaddr *)&s->addr, s->len), 0);
        close(fd);
        assert_int_equal(end_send_filled(&e, 1000, i), 0);
    }
    end_until(&e, e.records == 40);
    wait_came(s, 41);
    hang_up(&e);
    on_loop(do_close, s);
    server_free(s);
}

static void the_host_may_refuse(void **state)
{
    struct server *s = server_new("inet", "127.0.0.1", false);
    struct end e;

    s->refuse = true;
    open_it(s);
    dial(s, &e, NULL);
    end_until(&e, e.downs == 1);
    end_done(&e);
    on_loop(do_close, s);
    server_free(s);
}

/* Design section 6: above the bound of all connections, the one with most is stopped. */
static void the_largest_queue_is_stopped_above_the_common_bound(void **state)
{
    char path[160];
    struct server *s;
    struct end e[3];

    snprintf(path, sizeof(path), "%s/sock", f.dir);
    s = server_new("unix", path, true);
    s->conf.queued_max = 8 * MiB;
    open_it(s);
    for (int i = 0; i < 3; i++) {
        dial(s, &e[i], NULL);
        wait_came(s, i + 1);
        end_until(&e[i], e[i].ups == 1);
        end_until(&s->ends[i], s->ends[i].ups == 1);
        conn_pause(e[i].conn);
    }
    for (int i = 0; i < 40; i++) {
        end_send_filled(&s->ends[1], 200000, i);
        if (i < 8)
            end_send_filled(&s->ends[0], 200000, i);
    }
    end_until(&s->ends[1], s->ends[1].downs == 1);
    assert_int_equal(s->ends[1].down_err, -ENOBUFS);
    assert_int_equal(s->ends[0].downs, 0);
    assert_int_equal(s->ends[2].downs, 0);
    for (int i = 0; i < 3; i++) {
        conn_disconnect(s->ends[i].conn, 0);
        conn_resume(e[i].conn);
        hang_up(&e[i]);
    }
    on_loop(do_close, s);
    server_free(s);
}

static void addresses_are_refused_in_words(void **state)
{
    struct sockaddr_storage addr;
    struct err err = {""};
    char text[108], path[200];
    socklen_t len;

    assert_null(family_by_name("inet-sdp"));
    assert_int_equal(family_address(family_by_name("inet"), "300.1.2.3.4", 1, NULL, &addr, &len, &err), -EADDRNOTAVAIL);
    assert_non_null(strstr(err.text, "300.1.2.3.4"));
    err.text[0] = 0;
    memset(path, 'x', sizeof(path));
    path[0] = '/';
    path[199] = 0;
    assert_int_equal(family_address(family_by_name("unix"), NULL, 0, path, &addr, &len, &err), -ENAMETOOLONG);
    err.text[0] = 0;
    assert_int_equal(family_address(family_by_name("unix"), NULL, 0, NULL, &addr, &len, &err), -EINVAL);
    assert_int_equal(family_address(family_by_name("inet6"), "2001:db8::1", 49152, NULL, &addr, &len, &err), 0);
    address_text((struct sockaddr *)&addr, len, text, sizeof(text));
    assert_string_equal(text, "[2001:db8::1]:49152");
}

/* The table of states: what can be leads on, and there is a way out of each. */
static void every_state_leads_to_the_end(void **state)
{
    for (int s = CONN_IDLE; s < NR_CONN_STATES; s++) {
        enum conn_state at = conn_state_after(s, EV_STOP);

        assert_true(at == CONN_CLOSING || at == CONN_CLOSED);
        assert_int_equal(conn_state_after(at, EV_STOP), at); /* a second one changes nothing */
        if (at == CONN_CLOSING)
            assert_int_equal(conn_state_after(at, EV_SHUT), CONN_CLOSED);
        for (int ev = 0; ev < NR_CONN_EVENTS; ev++) {
            int to = conn_state_after(s, ev);

            if (to != CONN_NEVER)
                assert_true(to > s || (ev == EV_STOP && to == s)); /* never back */
        }
        assert_string_not_equal(conn_state_text(s), "?");
    }
    assert_int_equal(conn_state_after(CONN_HANDSHAKING, EV_PROVEN), CONN_UP);
    assert_int_equal(conn_state_after(CONN_IDLE, EV_PROVEN), CONN_NEVER);
    assert_int_equal(conn_state_after(CONN_CLOSING, EV_PROVEN), CONN_NEVER);
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
        cmocka_unit_test(every_family_is_served),
        cmocka_unit_test(above_the_bound_a_connection_is_refused),
        cmocka_unit_test(without_descriptors_it_waits_and_goes_on),
        cmocka_unit_test(a_path_is_taken_over_only_from_the_dead),
        cmocka_unit_test(port_probes_do_no_harm),
        cmocka_unit_test(the_host_may_refuse),
        cmocka_unit_test(the_largest_queue_is_stopped_above_the_common_bound),
        cmocka_unit_test(addresses_are_refused_in_words),
        cmocka_unit_test(every_state_leads_to_the_end),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
