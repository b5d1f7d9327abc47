/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* links: many connections to a brick, and what they cost it. Speaks through the peer that the tests use (tests/tools).
 *
 *   links -t PKI -b BRICK PORT PID idle N REST-SECONDS
 *   links -t PKI          PORT PID handshakes N THREADS
 *
 * idle: how much memory and how many threads the brick has with no connection, with N after SETVOLUME and one ping each, and again after
 * 100 MiB went through all of them together, half each way, and REST-SECONDS of silence: three lines "WHEN RSS-KIB THREADS".
 * handshakes: connects, shakes hands, goes, N times: "handshakes N SECONDS CPU-SECONDS-OF-THE-BRICK". */
#include "../../tests/tools/wire.h"
#include "cpu.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TRAFFIC = 100 << 20, MAX_THREADS = 64 };

static struct target to;
static int brick;

static void must(int ret, const char *what)
{
    if (ret < 0)
        die("links: %s: %s", what, ret == -EPROTO ? "TLS error" : strerror(-ret));
}

static double brick_cpu(void)
{
    double seconds = cpu_of(brick);
    if (seconds < 0)
        die("links: no process %d", brick);
    return seconds;
}

static long status_of(const char *key)
{
    char path[64], line[256];
    long value = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/status", brick);
    f = fopen(path, "r");
    if (!f)
        die("links: no process %d", brick);
    while (value < 0 && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0)
            value = atol(line + strlen(key));
    fclose(f);
    return value;
}

static void tell(const char *when)
{
    printf("%s %ld %ld\n", when, status_of("VmRSS:"), status_of("Threads:"));
    fflush(stdout);
}

/* ---- idle ------------------------------------------------------------------------------------------------------------------ */
static void carry(struct link *l, uint8_t *bytes, uint32_t size)
{
    struct out o = {0};
    const uint8_t *got;
    struct reply r;
    uint8_t gfid[16];
    size_t len;
    int64_t fd;

    must(link_create(l, "idle", gfid, &fd), "CREATE");
    must(link_write(l, gfid, fd, 0, bytes, size), "WRITE");
    call_read(&o, l, gfid, fd, 0, size);
    must(link_push(l, o.bytes, o.len), "send");
    out_free(&o);
    do
        must(link_reply(l, &r), "reply");
    while (r.type != 1);
    must(read_result(&r, &got, &len), "READ");
    if (len != size || memcmp(got, bytes, size) != 0)
        die("links: READ gave other bytes than were written");
}

static void idle(int n, int rest)
{
    struct rlimit files = {(rlim_t)n + 100, (rlim_t)n + 100};
    struct link *l = calloc((size_t)n, sizeof *l);
    uint32_t size = (uint32_t)(TRAFFIC / 2 / n);
    uint8_t *bytes = malloc(size);

    if (setrlimit(RLIMIT_NOFILE, &files) < 0 || !l || !bytes)
        die("links: %s", strerror(errno));
    pattern(bytes, 7, 0, size);
    tell("none");
    for (int i = 0; i < n; i++) {
        must(link_open(&l[i], &to), "connect");
        must(link_login(&l[i]), "SETVOLUME");
        must(link_ping(&l[i]), "ping");
    }
    sleep((unsigned int)rest); /* as long as later, so that the two compare */
    tell("idle");
    for (int i = 0; i < n; i++)
        carry(&l[i], bytes, size);
    sleep((unsigned int)rest);
    tell("rested");
    for (int i = 0; i < n; i++)
        must(link_ping(&l[i]), "the ping of a connection that should still be there");
}

/* ---- handshakes ------------------------------------------------------------------------------------------------------------ */
static atomic_int left;

static void *shake(void *arg)
{
    while (atomic_fetch_sub(&left, 1) > 0) {
        struct link l;
        must(link_open(&l, &to), "handshake");
        must(link_ping(&l), "ping"); /* TLS 1.3: only an answer proves that the brick took our certificate */
        link_cut(&l, CUT_NOTIFY);
    }
    return NULL;
}

static void handshakes(int n, int threads)
{
    pthread_t thread[MAX_THREADS];
    double cpu = brick_cpu();
    uint64_t at = now_us();

    if (threads < 1 || threads > MAX_THREADS)
        die("links: 1 to %d threads", MAX_THREADS);
    left = n;
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, shake, NULL) != 0)
            die("links: pthread_create");
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
    printf("handshakes %d %.4f %.2f\n", n, (double)(now_us() - at) / 1e6, brick_cpu() - cpu);
}

int main(int argc, char **argv)
{
    target_from_args(&to, argc, argv);
    if (argc - optind != 4)
        die("usage: links -t PKI [-b BRICK] PORT PID idle N REST-SECONDS | handshakes N THREADS");
    brick = atoi(argv[optind]);
    if (strcmp(argv[optind + 1], "idle") == 0)
        idle(atoi(argv[optind + 2]), atoi(argv[optind + 3]));
    else if (strcmp(argv[optind + 1], "handshakes") == 0)
        handshakes(atoi(argv[optind + 2]), atoi(argv[optind + 3]));
    else
        die("links: %s?", argv[optind + 1]);
    return 0;
}
