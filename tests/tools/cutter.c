/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cutter: stands between clients and a brick and cuts their connections.
 *
 *   cutter LISTEN-PORT BRICK-PORT CUTS [SEED]
 *
 * Each of the first CUTS connections is cut when it has carried a random number of bytes, both ways together (as many cuts in the first
 * kilobyte as in the third megabyte), or after 300 ms: closed or reset, towards both ends alike. Says "cut N" now and then, "done" after
 * the last, and from then on passes all on. Ends when its input does. 127.0.0.1 only, one thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS = 32, ROOM = 65536, MOST_MS = 300 };

struct way {
    uint8_t bytes[ROOM];
    size_t at, end;
    bool over; /* the end that it comes from has said all */
};
struct pair {
    int fd[2];         /* the client's, the brick's; -1: free */
    struct way way[2]; /* way[i]: from fd[i] to fd[!i] */
    long may_carry;    /* negative: no limit */
    uint64_t until_ms;
    bool reset;
};

static struct pair pairs[PAIRS];
static unsigned long cuts, cut_now;
static uint32_t seed;

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cutter: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    return seed ^= seed << 5;
}

static struct sockaddr_in place(int port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
}

static void end_pair(struct pair *p, bool reset)
{
    struct linger now = {.l_onoff = 1};

    for (int i = 0; i < 2; i++) {
        if (reset)
            setsockopt(p->fd[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
        close(p->fd[i]);
        p->fd[i] = -1;
    }
}

static void cut(struct pair *p)
{
    end_pair(p, p->reset);
    if (++cut_now % 1000 == 0)
        printf("cut %lu\n", cut_now);
    if (cut_now == cuts)
        printf("done\n");
    fflush(stdout);
}

static void take(int listening, const struct sockaddr_in *brick)
{
    int client = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
    struct pair *p = pairs;

    if (client < 0)
        return;
    while (p < pairs + PAIRS && p->fd[0] >= 0)
        p++;
    must(p < pairs + PAIRS, "too many connections");
    p->fd[0] = client;
    p->fd[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(p->fd[1] >= 0, "socket");
    if (connect(p->fd[1], (const struct sockaddr *)brick, sizeof *brick) < 0) { /* in the loopback it waits for nobody */
        end_pair(p, true);
        return;
    }
    for (int i = 0; i < 2; i++) {
        must(fcntl(p->fd[i], F_SETFL, O_NONBLOCK) == 0, "fcntl");
        setsockopt(p->fd[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        p->way[i].at = p->way[i].end = 0;
        p->way[i].over = false;
    }
    p->may_carry = cut_now < cuts ? (long)(any() % (1u << any() % 23)) + 1 : -1;
    p->until_ms = now_ms() + MOST_MS;
    p->reset = any() % 2;
}

/* False: it is over. */
static bool carry(struct pair *p, int from)
{
    struct way *w = &p->way[from];
    ssize_t n;

    if (w->at == w->end && !w->over) {
        n = read(p->fd[from], w->bytes, sizeof w->bytes);
        if (n == 0) {
            w->over = true;
            shutdown(p->fd[!from], SHUT_WR);
        } else if (n < 0) {
            return errno == EAGAIN;
        } else {
            w->at = 0;
            w->end = (size_t)n;
        }
    }
    if (w->at < w->end) {
        size_t most = w->end - w->at;
        if (p->may_carry >= 0 && most > (size_t)p->may_carry)
            most = (size_t)p->may_carry;
        n = send(p->fd[!from], w->bytes + w->at, most, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        w->at += (size_t)n;
        if (p->may_carry >= 0)
            p->may_carry -= n;
    }
    return true;
}

static void look_after(struct pair *p, const struct pollfd *two)
{
    for (int i = 0; i < 2; i++) {
        if (!(two[i].revents | two[!i].revents))
            continue;
        if (!carry(p, i)) {
            end_pair(p, true); /* by one of the ends: not counted */
            return;
        }
        if (p->may_carry == 0) {
            cut(p);
            return;
        }
    }
    if (p->way[0].over && p->way[1].over && p->way[0].at == p->way[0].end && p->way[1].at == p->way[1].end)
        end_pair(p, false);
    else if (p->may_carry >= 0 && now_ms() >= p->until_ms)
        cut(p);
}

static short wanted(const struct pair *p, int i)
{
    short in = p->way[i].at == p->way[i].end && !p->way[i].over ? POLLIN : 0;
    return (short)(in | (p->way[!i].at < p->way[!i].end ? POLLOUT : 0));
}

int main(int argc, char **argv)
{
    struct pollfd fds[2 + 2 * PAIRS];
    struct sockaddr_in here, brick;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    char byte;

    if (argc < 4) {
        fprintf(stderr, "usage: cutter LISTEN-PORT BRICK-PORT CUTS [SEED]\n");
        return 2;
    }
    here = place(atoi(argv[1]));
    brick = place(atoi(argv[2]));
    cuts = strtoul(argv[3], NULL, 10);
    seed = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : (uint32_t)time(NULL);
    seed += !seed;
    printf("seed %u\n", seed);
    setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    must(bind(listening, (const struct sockaddr *)&here, sizeof here) == 0 && listen(listening, 64) == 0, argv[1]);
    for (struct pair *p = pairs; p < pairs + PAIRS; p++)
        p->fd[0] = p->fd[1] = -1;
    for (;;) {
        fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = listening, .events = POLLIN};
        for (int i = 0; i < 2 * PAIRS; i++)
            fds[2 + i] = (struct pollfd){.fd = pairs[i / 2].fd[i % 2], .events = wanted(&pairs[i / 2], i % 2)};
        poll(fds, 2 + 2 * PAIRS, cut_now < cuts ? 20 : -1);
        if (fds[0].revents && read(0, &byte, 1) <= 0)
            return 0;
        for (int i = 0; i < PAIRS; i++)
            if (pairs[i].fd[0] >= 0)
                look_after(&pairs[i], &fds[2 + 2 * i]);
        if (fds[1].revents)
            take(listening, &brick);
    }
}
