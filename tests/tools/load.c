/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* load: many clients that send much, or ask for much and do not read yet.
 *
 *   load [-t pki] [-c cert] [-b brick] PORT write|read CLIENTS CALLS
 *
 * Each client is a process with a file of its own, and CALLS calls of 1 MiB under way: WRITEs one after the other, marked O_SYNC
 * (features/barrier can hold those); or READs, whose answers it takes at a second SIGUSR1 and compares. The first one begins; the parent
 * passes them on. Says "logged in" when all may begin; ends with 0 when every call of every client was answered as it should be. */
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

static struct target to;
static uint8_t data[SIZE], want[SIZE];
static volatile sig_atomic_t go, stop;
static pid_t *children;
static int nr_children;

static void must(int ret, const char *what)
{
    if (ret < 0)
        die("%s: %s", what, strerror(-ret));
}

static void told(int sig)
{
    if (sig == SIGUSR1)
        go = 1;
    else
        stop = 1;
    for (int i = 0; i < nr_children; i++)
        kill(children[i], sig);
}

/* Replies to the calls from xid `first` on; callbacks and pings are passed over. */
static void answers(struct link *l, int calls, uint32_t seed, bool read)
{
    struct reply r;

    while (calls > 0) {
        must(link_reply(l, &r), "reply");
        if (r.type != 1)
            continue;
        calls--;
        if (r.accept_stat != 0 || r.len < 8 || get_u32(r.result) != SIZE)
            die("an answer with status %u and result %d", r.accept_stat, r.len < 8 ? 0 : (int)get_u32(r.result));
        if (read) {
            const uint8_t *got;
            size_t len;
            must(read_result(&r, &got, &len), "READ");
            pattern(want, seed, 0, SIZE);
            if (len != SIZE || memcmp(got, want, SIZE) != 0)
                die("READ gave other bytes than were written");
        }
    }
}

static void write_synced(struct out *o, struct link *l, const uint8_t gfid[16], int64_t fd, uint64_t at)
{
    static const uint8_t flags[4] = {0, 0x41, 0x10, 0x02}; /* O_SYNC: 04010000, O_RDWR */

    call_write(o, l, gfid, fd, at, data, SIZE);
    memcpy(o->bytes + o->len - SIZE - 12 - 4, flags, 4); /* in front of the empty dictionary */
}

static int client(const char *what, int number, int calls, int ready)
{
    uint32_t seed = (uint32_t)number * 1000;
    uint8_t gfid[16];
    struct out o = {0};
    struct link l;
    char name[32];
    int64_t fd;

    must(link_open(&l, &to), "connect");
    must(link_login(&l), "SETVOLUME");
    snprintf(name, sizeof name, "load%d", number);
    must(link_create(&l, name, gfid, &fd), "CREATE");
    pattern(data, seed, 0, SIZE);
    if (strcmp(what, "read") == 0)
        must(link_write(&l, gfid, fd, 0, data, SIZE), "WRITE");
    if (write(ready, "+", 1) != 1)
        die("the parent has gone");
    while (!go && !stop)
        pause();
    go = 0;
    for (int i = 0; i < calls; i++) {
        if (strcmp(what, "write") == 0)
            write_synced(&o, &l, gfid, fd, (uint64_t)i * SIZE);
        else if (strcmp(what, "read") == 0)
            call_read(&o, &l, gfid, fd, 0, SIZE);
        must(link_push(&l, o.bytes, o.len), "send");
    }
    if (strcmp(what, "read") == 0 && write(ready, "+", 1) != 1)
        die("the parent has gone");
    while (strcmp(what, "read") == 0 && !go && !stop)
        pause();
    answers(&l, calls, seed, strcmp(what, "read") == 0);
    must(link_ping(&l), "ping");
    link_cut(&l, CUT_NOTIFY);
    out_free(&o);
    return 0;
}

static void all_ready(int from, int n, const char *text)
{
    char byte;

    while (n > 0) {
        ssize_t got = read(from, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != 1)
            die("a client has ended");
        n--;
    }
    printf("%s\n", text);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = told};
    int n, calls, failed = 0, status, ready[2];
    const char *what;
    sigset_t block, old;

    target_from_args(&to, argc, argv);
    if (argc - optind != 3)
        die("usage: load PORT write|read CLIENTS CALLS");
    what = argv[optind];
    n = atoi(argv[optind + 1]);
    calls = atoi(argv[optind + 2]);
    children = calloc((size_t)n, sizeof *children);
    if (pipe(ready) < 0)
        die("pipe: %s", strerror(errno));
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, &old);
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGTERM, &sa, NULL);
    for (int i = 0; i < n; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            nr_children = 0;
            close(ready[0]);
            sigprocmask(SIG_SETMASK, &old, NULL);
            return client(what, i, calls, ready[1]);
        }
        children[nr_children++] = pid;
    }
    close(ready[1]);
    sigprocmask(SIG_SETMASK, &old, NULL);
    all_ready(ready[0], n, "logged in");
    if (strcmp(what, "read") == 0)
        all_ready(ready[0], n, "asked");
    for (int i = 0; i < n; i++) {
        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR)
            ;
        failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    printf("failed %d\n", failed);
    return failed != 0;
}
