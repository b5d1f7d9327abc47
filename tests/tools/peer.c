/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* peer: a client that does one odd (or quite ordinary) thing, and says whether the brick took it as it should.
 *
 *   peer [-t pki] [-c cert] [-b brick] [-r rcvbuf] PORT COMMAND [arguments]
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

static struct target to;

static void must(int ret, const char *what)
{
    if (ret < 0)
        die("%s: %s", what, ret == -EPROTO ? "TLS error" : strerror(-ret));
}

static void opened(struct link *l)
{
    must(link_open(l, &to), "connect");
}

static void logged_in(struct link *l)
{
    opened(l);
    must(link_login(l), "SETVOLUME");
}

/* Waits for the answer of each of the calls up to xid `last`, in any order. */
static void all_answered(struct link *l, uint32_t first, uint32_t last)
{
    unsigned int left = last - first + 1;
    struct reply r;
    while (left > 0) {
        must(link_reply(l, &r), "reply");
        if (r.type != 1)
            continue;
        if (r.xid < first || r.xid > last || r.accept_stat != 0)
            die("reply with xid %u and status %u, expected %u to %u", r.xid, r.accept_stat, first, last);
        left--;
    }
}

/* N calls in one piece: with TLS in one record. Each must be answered though no further byte comes. */
static int joined(int argc, char **argv)
{
    int n = argc > 0 ? atoi(argv[0]) : 2;
    struct out all = {0}, one = {0};
    struct link l;

    opened(&l);
    must(link_ping(&l), "ping");
    for (int i = 0; i < n; i++) {
        if (i % 2)
            call_ping(&one, &l);
        else
            call_dump(&one, &l);
        put_bytes(&all, one.bytes, one.len);
    }
    if (all.len > 16384)
        die("%zu bytes are more than one TLS record", all.len);
    must(link_push(&l, all.bytes, all.len), "send");
    l.timeout_ms = 10000;
    all_answered(&l, l.xid - (uint32_t)n + 1, l.xid);
    link_cut(&l, CUT_NOTIFY);
    out_free(&all);
    out_free(&one);
    return 0;
}

/* A call cut in two at every byte: of the RPC record (in two TLS records) and of what the network carries. */
static int cut_everywhere(int argc, char **argv)
{
    static const uint8_t data[64] = "sixty-four bytes";
    uint8_t gfid[16];
    struct out o = {0};
    struct link l;
    int64_t fd;

    logged_in(&l);
    must(link_create(&l, "cut", gfid, &fd), "CREATE");
    for (size_t at = 1; at == 1 || at < link_sealed(&l, o.len) + 16; at++) {
        call_write(&o, &l, gfid, fd, 0, data, sizeof data);
        must(link_push_cut(&l, o.bytes, o.len, at), "send");
        all_answered(&l, l.xid, l.xid);
    }
    for (size_t at = 1; at < o.len; at++) {
        call_write(&o, &l, gfid, fd, 0, data, sizeof data);
        must(link_push(&l, o.bytes, at), "send");
        must(link_push(&l, o.bytes + at, o.len - at), "send");
        all_answered(&l, l.xid, l.xid);
    }
    call_write(&o, &l, gfid, fd, 0, data, sizeof data); /* and byte by byte */
    for (size_t i = 0; i < o.len; i++)
        must(link_push(&l, o.bytes + i, 1), "send");
    all_answered(&l, l.xid, l.xid);
    link_cut(&l, CUT_CLOSE);
    out_free(&o);
    return 0;
}

static volatile sig_atomic_t stop;
static void stop_asked(int sig)
{
    stop = 1;
}

/* An ordinary client beside others: writes, reads and compares until SIGTERM, then tells its slowest call. */
static int healthy(int argc, char **argv)
{
    enum { SIZE = 65536 };
    static uint8_t data[SIZE], want[SIZE];
    uint64_t slowest = 0, calls = 0;
    uint8_t gfid[16];
    char name[32];
    struct link l;
    int64_t fd;

    signal(SIGTERM, stop_asked);
    snprintf(name, sizeof name, "%s", argc > 0 ? argv[0] : "healthy");
    logged_in(&l);
    must(link_create(&l, name, gfid, &fd), "CREATE");
    while (!stop) {
        uint64_t offset = calls % 64 * SIZE, started = now_us();
        struct out o = {0};
        struct reply r;
        const uint8_t *got;
        size_t len;

        pattern(data, (uint32_t)calls, offset, SIZE);
        must(link_write(&l, gfid, fd, offset, data, SIZE), "WRITE");
        call_read(&o, &l, gfid, fd, offset, SIZE);
        must(link_push(&l, o.bytes, o.len), "send");
        out_free(&o);
        do
            must(link_reply(&l, &r), "reply");
        while (r.type != 1);
        must(read_result(&r, &got, &len), "READ");
        pattern(want, (uint32_t)calls, offset, SIZE);
        if (len != SIZE || memcmp(got, want, SIZE) != 0)
            die("READ gave other bytes than were written");
        must(link_ping(&l), "ping");
        calls++;
        if (now_us() - started > slowest)
            slowest = now_us() - started;
        if (calls == 1)
            fprintf(stderr, "started\n");
    }
    printf("calls %llu slowest-ms %llu\n", (unsigned long long)calls, (unsigned long long)slowest / 1000);
    link_cut(&l, CUT_NOTIFY);
    return 0;
}

static struct link *many(int n)
{
    struct rlimit files = {(rlim_t)n + 100, (rlim_t)n + 100};
    struct link *l = calloc((size_t)n, sizeof *l);
    if (setrlimit(RLIMIT_NOFILE, &files) < 0)
        die("setrlimit: %s", strerror(errno));
    return l;
}

/* N connections that say nothing from some point on; each must be closed by the brick.
 * silent N connect|hello|handshake|ping|record */
static int silent(int argc, char **argv)
{
    int n = argc > 0 ? atoi(argv[0]) : 1;
    const char *when = argc > 1 ? argv[1] : "connect";
    struct link *l = many(n);
    uint64_t started = now_us();

    for (int i = 0; i < n; i++) {
        struct out o = {0};
        must(link_connect(&l[i], &to), "connect");
        if (strcmp(when, "connect") == 0)
            continue;
        if (strcmp(when, "hello") == 0) {
            l[i].may_send = 100;
            link_handshake(&l[i]);
            continue;
        }
        must(link_handshake(&l[i]), "handshake");
        if (strcmp(when, "ping") == 0)
            must(link_ping(&l[i]), "ping");
        if (strcmp(when, "record") == 0) {
            call_dump(&o, &l[i]);
            must(link_push(&l[i], o.bytes, o.len / 2), "send");
            out_free(&o);
        }
    }
    printf("open after %llu ms\n", (unsigned long long)(now_us() - started) / 1000);
    fflush(stdout);
    for (int i = 0; i < n; i++) {
        must(link_wait_closed(&l[i]), "waiting to be closed");
        link_cut(&l[i], CUT_CLOSE);
    }
    printf("all closed after %llu ms\n", (unsigned long long)(now_us() - started) / 1000);
    free(l);
    return 0;
}

/* Asks for a lot and reads none of it, until the brick closes or SIGTERM. stall MIB */
static int stall(int argc, char **argv)
{
    enum { SIZE = 1 << 20 };
    static uint8_t data[SIZE];
    int mib = argc > 0 ? atoi(argv[0]) : 256, asked = 0;
    uint8_t gfid[16];
    struct out o = {0};
    struct link l;
    int64_t fd;

    signal(SIGTERM, stop_asked);
    logged_in(&l);
    must(link_create(&l, "stall", gfid, &fd), "CREATE");
    must(link_write(&l, gfid, fd, 0, data, SIZE), "WRITE");
    l.timeout_ms = 100;
    while (!stop && asked < mib) {
        call_read(&o, &l, gfid, fd, 0, SIZE);
        if (link_push(&l, o.bytes, o.len) < 0)
            break;
        asked++;
    }
    printf("asked for %d MiB\n", asked);
    fflush(stdout);
    out_free(&o);
    while (!stop)
        pause();
    link_cut(&l, CUT_RESET);
    return 0;
}

/* Sends bytes that are no RPC (or no TLS) and expects to be closed. garbage TEXT */
static int garbage(int argc, char **argv)
{
    const char *text = argc > 0 ? argv[0] : "GET / HTTP/1.0\r\n\r\n";
    struct link l;
    must(link_connect(&l, &to), "connect");
    must(link_handshake(&l), "handshake");
    link_push(&l, text, strlen(text));
    must(link_wait_closed(&l), "waiting to be closed");
    link_cut(&l, CUT_CLOSE);
    return 0;
}

/* 0: TLS, SETVOLUME and a ping succeed. 1: refused (or closed); says where. */
static int welcome(int argc, char **argv)
{
    struct link l;
    int ret;
    must(link_connect(&l, &to), "connect");
    if (link_handshake(&l) < 0)
        die("refused in the handshake");
    if (link_ping(&l) < 0)
        die("closed after the handshake");
    ret = link_login(&l);
    if (ret < 0)
        die("SETVOLUME: %s", strerror(-ret));
    must(link_ping(&l), "ping");
    printf("%s %s\n", l.ssl ? SSL_get_version(l.ssl) : "plain", l.ssl ? SSL_get_cipher(l.ssl) : "");
    link_cut(&l, CUT_NOTIFY);
    return 0;
}

/* A whole client's life: login, write, read back, lock, ping. A step that fails, or a connection that ends, is an answer, too: then all of
 * it again on a new connection, up to TRIES times. Wrong bytes, or no answer in time, end it at once: session [TRIES] */
static int session_once(struct link *l, const char **ret_step)
{
    enum { SIZE = 40000 }; /* more than one TLS record */
    static uint8_t data[SIZE];
    const uint8_t *got;
    uint8_t gfid[16];
    struct out o = {0};
    struct reply r;
    int64_t fd;
    size_t len;
    int ret;

#define STEP(name, call)      \
    do {                      \
        *ret_step = name;     \
        ret = call;           \
        if (ret < 0)          \
            return ret;       \
    } while (0)
    STEP("handshake", link_handshake(l));
    STEP("SETVOLUME", link_login(l));
    STEP("CREATE", link_create(l, "session", gfid, &fd));
    pattern(data, 7, 0, SIZE);
    STEP("WRITE", link_write(l, gfid, fd, 0, data, SIZE));
    call_read(&o, l, gfid, fd, 0, SIZE);
    STEP("READ", link_ask(l, &o, &r));
    STEP("READ's result", read_result(&r, &got, &len));
    if (len != SIZE || memcmp(got, data, SIZE) != 0)
        die("READ gave other bytes than were written");
    call_lock(&o, l, gfid, fd, true);
    STEP("LK", link_ask(l, &o, &r));
    STEP("LK's result", result_of(&r, 8));
    STEP("ping", link_ping(l));
#undef STEP
    return 0;
}

static int session(int argc, char **argv)
{
    int tries = argc > 0 ? atoi(argv[0]) : 1;

    for (int i = 0; i < tries; i++) {
        const char *step = "connect";
        struct link l;
        int ret = link_connect(&l, &to);

        if (ret == 0) {
            l.timeout_ms = 20000;
            ret = session_once(&l, &step);
            link_cut(&l, ret == 0 ? CUT_NOTIFY : CUT_CLOSE);
        }
        if (ret == 0)
            return 0;
        printf("%s: %s\n", step, ret == -EPROTO ? "TLS error" : strerror(-ret));
        if (ret == -ETIMEDOUT)
            die("%s: no answer", step);
    }
    return 1;
}

/* One byte a second of a record until the brick closes. Prints how long it was let do so. */
static int trickle(int argc, char **argv)
{
    uint64_t started = now_us();
    struct out o = {0};
    struct link l;
    opened(&l);
    call_dump(&o, &l);
    for (size_t i = 0; i < o.len; i++) {
        struct pollfd p = {.fd = l.fd, .events = POLLIN | POLLRDHUP};
        if (link_push(&l, o.bytes + i, 1) < 0 || poll(&p, 1, 1000) > 0)
            break;
    }
    must(link_wait_closed(&l), "waiting to be closed");
    printf("closed after %llu ms\n", (unsigned long long)(now_us() - started) / 1000);
    link_cut(&l, CUT_CLOSE);
    out_free(&o);
    return 0;
}

/* Opens N connections with SETVOLUME and one ping, and holds them until its input ends. */
static int hold(int argc, char **argv)
{
    int n = argc > 0 ? atoi(argv[0]) : 1;
    struct link *l = many(n);
    char byte;
    for (int i = 0; i < n; i++) {
        logged_in(&l[i]);
        must(link_ping(&l[i]), "ping");
    }
    printf("holding %d\n", n);
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    for (int i = 0; i < n; i++)
        link_cut(&l[i], CUT_NOTIFY);
    free(l);
    return 0;
}

/* [NAME [COUNT]]: opens one file COUNT times, or until the brick has enough, and says how often and with which error; the first and
 * the last descriptor work. Holds them until its input ends. */
static int descriptors(int argc, char **argv)
{
    static const uint8_t data[8] = "written";
    uint8_t gfid[16];
    int64_t first = -1, last = -1, fd;
    unsigned int n = 0, max = argc > 1 ? (unsigned int)atoi(argv[1]) : 1000000;
    struct link l;
    int ret = 0;
    char byte;
    logged_in(&l);
    while (n < max && (ret = link_create(&l, argc > 0 ? argv[0] : "open-often", gfid, &fd)) == 0) {
        first = n++ ? first : fd;
        last = fd;
    }
    printf("opened %u, then: %s\n", n, strerror(-ret));
    must(link_write(&l, gfid, first, 0, data, sizeof data), "WRITE through the first");
    must(link_write(&l, gfid, last, 0, data, sizeof data), "WRITE through the last");
    must(link_ping(&l), "ping");
    printf("all usable\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
    link_cut(&l, CUT_CLOSE);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"joined", joined}, {"cut", cut_everywhere}, {"healthy", healthy}, {"silent", silent}, {"stall", stall},
    {"garbage", garbage}, {"welcome", welcome}, {"trickle", trickle}, {"hold", hold},
    {"descriptors", descriptors}, {"session", session},
};

int main(int argc, char **argv)
{
    target_from_args(&to, argc, argv);
    if (optind >= argc)
        die("peer: which command?");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, argv[optind]) == 0)
            return commands[i].run(argc - optind - 1, argv + optind + 1);
    die("peer: %s?", argv[optind]);
}
