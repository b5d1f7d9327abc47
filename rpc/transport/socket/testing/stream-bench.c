/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* stream-bench: what the transport costs, without disks and RPC.
 *
 *   stream-bench in|out|echo|idle|handshake [-t] [-l] [-s BYTES] [-n COUNT] [-d DEPTH]
 *
 * The server is the core, in this process; the client is another process and does what a stock peer does: blocking calls, a
 * TLS record for the mark, one for the header, then the data; no read-ahead. -t: TLS. -l: on the event loop instead of own
 * threads. in: COUNT messages of BYTES to us, each answered by 100 bytes, DEPTH under way. out: the other way round. echo: the
 * client sends and gets back small messages, one at a time. idle: COUNT connections that have sent one message each, and what
 * memory they take after some rest. handshake: COUNT handshakes, what they cost us.
 * Prints CPU seconds of the server per GiB, per thousand messages or per handshake. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "clock.h"
#include "core/family.h"
#include "core/listener.h"
#include "core/tls.h"
#include "loop.h"
#include "pki.h"
#include "thread.h"

static size_t size = 131072;
static unsigned int count = 8192, depth = 8;
static bool tls, on_loop;
static const char *what;
static char dir[] = "/tmp/stream-bench-XXXXXX";
static struct census census;
static struct env env;

#define HEADER 200

static void fail(const char *at)
{
    perror(at);
    exit(1);
}

/* ---- the server ---------------------------------------------------------------------------------------------------------- */
struct peer {
    struct conn *conn;
};
struct reply {
    struct msg m;
};

static void peer_up(void *host)
{
}
static size_t peer_place(void *host, const uint8_t *bytes, size_t have, size_t total)
{
    return HEADER;
}
static void peer_received(void *host, struct record *rec)
{
    struct peer *p = host;
    struct reply *r = calloc(1, sizeof(*r));
    bool out = strcmp(what, "out") == 0;

    record_free(rec);
    slicev_add(&r->m.body, slice_new(env.bufs, out ? HEADER : 100));
    memset(slicev_at(&r->m.body)[0].at, 0, out ? HEADER : 100);
    for (size_t left = out ? size : 0; left > 0;) {
        size_t n = min_of(left, 1 * MiB);

        slicev_add(&r->m.body, slice_new(env.bufs, n));
        left -= n;
    }
    if (conn_send(p->conn, &r->m) < 0) {
        slicev_done(&r->m.body);
        free(r);
    }
}
static void peer_released(void *host, struct msg *m, int err)
{
    struct reply *r = container_of(m, struct reply, m);

    slicev_done(&m->body);
    free(r);
}
static void peer_down(void *host, int err)
{
    struct peer *p = host;

    conn_unref(p->conn);
    free(p);
}
static const struct conn_host peer_host = {peer_up, peer_place, peer_received, peer_released, peer_down};

static int on_accepted(void *host, const struct sockaddr_storage *addr, const struct conn_host **ret_host, void **ret_data)
{
    *ret_host = &peer_host;
    *ret_data = calloc(1, sizeof(struct peer));
    return 0;
}
static void on_started(void *host, void *data, struct conn *c)
{
    ((struct peer *)data)->conn = c;
}
static const struct listener_host host = {on_accepted, on_started};

static void *run_loop(void *arg)
{
    loop_run(arg);
    return NULL;
}

/* ---- the client ---------------------------------------------------------------------------------------------------------- */
struct link {
    int fd;
    SSL *ssl;
};

static void put(struct link *l, const void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = l->ssl ? SSL_write(l->ssl, (const char *)bytes + done, n - done) : write(l->fd, (const char *)bytes + done, n - done);

        if (r <= 0)
            fail("client write");
        done += r;
    }
}

static void get(struct link *l, void *bytes, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t r = l->ssl ? SSL_read(l->ssl, (char *)bytes + done, n - done) : read(l->fd, (char *)bytes + done, n - done);

        if (r <= 0)
            fail("client read");
        done += r;
    }
}

static void put_message(struct link *l, size_t header, const uint8_t *data, size_t n)
{
    uint32_t mark = htonl(0x80000000u | (header + n));
    static uint8_t head[HEADER];

    if (!l->ssl) {
        struct iovec iov[3] = {{&mark, 4}, {head, header}, {(void *)data, n}};
        size_t total = 4 + header + n, sent = 0;

        while (sent < total) {
            ssize_t r = writev(l->fd, iov, 3);

            if (r <= 0)
                fail("client writev");
            sent += r;
            for (int i = 0; i < 3; i++) {
                size_t part = min_of((size_t)r, iov[i].iov_len);

                iov[i].iov_base = (char *)iov[i].iov_base + part;
                iov[i].iov_len -= part;
                r -= part;
            }
        }
        return;
    }
    put(l, &mark, 4);
    put(l, head, header);
    if (n)
        put(l, data, n);
}

static size_t get_message(struct link *l, uint8_t *into)
{
    uint32_t mark;

    get(l, &mark, 4);
    mark = ntohl(mark) & 0x7fffffff;
    get(l, into, mark < HEADER ? mark : HEADER);
    if (mark > HEADER)
        get(l, into, mark - HEADER);
    return mark;
}

static struct link dial(SSL_CTX *ctx, int port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct link l = {.fd = socket(AF_INET, SOCK_STREAM, 0)};

    if (connect(l.fd, (struct sockaddr *)&in, sizeof(in)) < 0)
        fail("connect");
    int one = 1;
    setsockopt(l.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* as stock */
    if (ctx) {
        l.ssl = SSL_new(ctx);
        SSL_set_fd(l.ssl, l.fd);
        if (SSL_connect(l.ssl) != 1) {
            ERR_print_errors_fp(stderr);
            exit(1);
        }
    }
    return l;
}

static SSL_CTX *client_ctx(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    char path[128];

    snprintf(path, sizeof(path), "%s/client.pem", dir);
    SSL_CTX_use_certificate_chain_file(ctx, path);
    snprintf(path, sizeof(path), "%s/client.key", dir);
    SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM);
    return ctx;
}

static void client(int port, int go, int done)
{
    SSL_CTX *ctx = tls ? client_ctx() : NULL;
    uint8_t *data = calloc(1, size + HEADER);
    bool in = strcmp(what, "in") == 0;
    struct link *links = calloc(count, sizeof(*links));
    char c = 0;

    if (strcmp(what, "idle") == 0) {
        for (unsigned int i = 0; i < count; i++) {
            links[i] = dial(ctx, port);
            put_message(&links[i], 100, NULL, 0);
            get_message(&links[i], data);
        }
        if (write(done, &c, 1) != 1 || read(go, &c, 1) != 1) /* all are up; the server looks at itself; then we go */
            fail("pipe");
        return;
    }
    if (strcmp(what, "handshake") == 0) {
        if (read(go, &c, 1) != 1)
            fail("pipe");
        for (unsigned int i = 0; i < count; i++) {
            struct link l = dial(ctx, port);

            put_message(&l, 100, NULL, 0);
            get_message(&l, data);
            SSL_free(l.ssl);
            close(l.fd);
        }
        if (write(done, &c, 1) != 1)
            fail("pipe");
        return;
    }
    struct link l = dial(ctx, port);
    put_message(&l, 100, NULL, 0);
    get_message(&l, data);
    if (read(go, &c, 1) != 1)
        fail("pipe");
    for (unsigned int sent = 0, got = 0; got < count;) {
        for (; sent < count && sent - got < depth; sent++)
            put_message(&l, in ? HEADER : 100, data, in ? size : 0);
        get_message(&l, data);
        got++;
    }
    if (write(done, &c, 1) != 1 || read(go, &c, 1) != 1)
        fail("pipe");
}

static double cpu_now(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long rss_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    fclose(f);
    return kib;
}

int main(int argc, char **argv)
{
    struct listener_conf conf = {.backlog = 1024, .conns_max = 100000, .conn = {
        .record_max_first = 64 * MiB, .record_max = 64 * MiB, .send_queue_max = 16 * MiB, .handshake_ms = 10000, .nodelay = true,
        .goodbye_ms = 1000}};
    int o, to_client[2], to_server[2];
    struct sockaddr_storage addr;
    struct tls_config *cfg = NULL;
    struct listener *l;
    struct err err = {""};
    pthread_t thread;
    socklen_t len;
    char c = 0;
    pid_t pid;

    if (argc < 2)
        return 2;
    what = argv[1];
    optind = 2;
    while ((o = getopt(argc, argv, "tls:n:d:")) != -1)
        switch (o) {
        case 't': tls = true; break;
        case 'l': on_loop = true; break;
        case 's': size = strtoul(optarg, NULL, 0); break;
        case 'n': count = strtoul(optarg, NULL, 0); break;
        case 'd': depth = strtoul(optarg, NULL, 0); break;
        default: return 2;
        }
    if (!mkdtemp(dir) || pipe(to_client) < 0 || pipe(to_server) < 0)
        fail("set up");
    struct pki_ca *ca = pki_ca_new("bench", NULL);
    char path[3][128];
    snprintf(path[0], 128, "%s/ca.pem", dir);
    pki_ca_write(ca, path[0], false);
    pki_issue(ca, dir, "server", "server", NULL, -60, 3600);
    pki_issue(ca, dir, "client", "client", NULL, -60, 3600);

    env.census = &census;
    env.bufs = iobuf_pool_new(64 * MiB, &census);
    env.reaper = reaper_new(&census);
    env.loop = loop_new();
    conf.conn.own_thread = !on_loop;
    snprintf(path[1], 128, "%s/server.pem", dir);
    snprintf(path[2], 128, "%s/server.key", dir);
    struct tls_files files = {.own_cert = path[1], .private_key = path[2], .ca_list = path[0], .depth = 1};
    if (tls && tls_config_new(&env, &files, &cfg, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    family_address(family_by_name("inet"), "127.0.0.1", 0, NULL, &addr, &len, &err);
    if (listener_open(&env, &conf, cfg, (struct sockaddr *)&addr, len, &host, NULL, &l, &err) < 0)
        return fprintf(stderr, "%s\n", err.text), 1;
    pid = fork();
    if (pid == 0) {
        client(listener_port(l), to_client[0], to_server[1]);
        _exit(0);
    }
    thread_start(&thread, "loop", THREAD_STACK, run_loop, env.loop, &census);

    long rss = rss_kib();
    if (strcmp(what, "idle") == 0) {
        if (read(to_server[0], &c, 1) != 1)
            fail("pipe");
        sleep(3);
        printf("%s%s: %u connections, %.1f KiB each (before %ld, after %ld KiB), threads %ld\n", tls ? "tls" : "plain",
               on_loop ? " loop" : "", count, (rss_kib() - rss) / (double)count, rss, rss_kib(),
               (long)counter_get(&census.now[CENSUS_THREADS]));
        (void)!write(to_client[1], &c, 1);
    } else {
        usleep(200000);
        double cpu = cpu_now();
        uint64_t t = clock_ns();

        if (write(to_client[1], &c, 1) != 1 || read(to_server[0], &c, 1) != 1)
            fail("pipe");
        cpu = cpu_now() - cpu;
        double s = (clock_ns() - t) / 1e9;
        double gib = (double)count * size / GiB;
        if (strcmp(what, "handshake") == 0)
            printf("handshake: %.3f ms CPU each, %.0f/s\n", cpu * 1000 / count, count / s);
        else if (strcmp(what, "echo") == 0)
            printf("%s%s echo: %.1f us CPU each, %.0f/s\n", tls ? "tls" : "plain", on_loop ? " loop" : "", cpu * 1e6 / count, count / s);
        else
            printf("%s%s %s %zu: %.3f CPU s/GiB, %.0f MiB/s, %.1f us CPU each\n", tls ? "tls" : "plain", on_loop ? " loop" : "", what, size,
                   cpu / gib, gib * 1024 / s, cpu * 1e6 / count);
        (void)!write(to_client[1], &c, 1);
    }
    waitpid(pid, NULL, 0);
    for (int i = 0; i < 3; i++)
        unlink(path[i]);
    snprintf(path[0], 128, "%s/client.pem", dir);
    snprintf(path[1], 128, "%s/client.key", dir);
    unlink(path[0]);
    unlink(path[1]);
    rmdir(dir);
    fflush(stdout);
    _exit(0); /* its threads and buffers end with it: what is left over is conn-test's business */
}
