/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* churn: connects and is cut at random points, N times.
 *
 *   churn [-t pki] [-b brick] PORT N [SEED]
 *
 * A cycle is a script (handshake, SETVOLUME, create, write, lock, pipelined reads, sometimes something forbidden that makes
 * the brick close) run with a random budget of bytes to send and to receive. Where a budget ends, in the handshake, in a
 * record or in a reply, there the connection is cut, in one of four ways; and now and then the whole process is killed. The
 * files are a fixed set, so that what the brick caches is the same before and after. */
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, READS = 12, READ_SIZE = 8192 };

struct shared {
    atomic_uint begun, done;
    atomic_uint whole, in_handshake, in_call, in_reply, closed_by_brick, killed;
};
static struct target to;
static struct shared *sh;

/* Small numbers as likely as large ones: as many cuts in the first record as in the hundredth. */
static long budget(uint32_t *seed, unsigned int bits)
{
    unsigned int n = rnd(seed) % (bits + 1);
    return (long)(rnd(seed) % (1u << n)) + 1;
}

static void limit(struct link *l, uint32_t *seed, unsigned int send_bits, unsigned int receive_bits)
{
    if (rnd(seed) % 4)
        l->may_send = budget(seed, send_bits);
    if (rnd(seed) % 4)
        l->may_receive = budget(seed, receive_bits);
}

static int script(struct link *l, uint32_t *seed, const char *name)
{
    static uint8_t data[READS * READ_SIZE];
    uint8_t gfid[16];
    struct out o = {0};
    struct reply r;
    int64_t fd;
    int ret;

    ret = link_login(l);
    if (ret == 0)
        ret = link_create(l, name, gfid, &fd);
    if (ret == 0)
        ret = link_write(l, gfid, fd, 0, data, sizeof data);
    for (int i = 0; ret == 0 && i < 2; i++) { /* the second waits for the first of another worker, or is granted at once */
        call_lock(&o, l, gfid, fd, i == 1);
        ret = link_push(l, o.bytes, o.len);
    }
    for (int i = 0; ret == 0 && i < READS; i++) {
        call_read(&o, l, gfid, fd, (uint64_t)i * READ_SIZE, READ_SIZE);
        ret = link_push(l, o.bytes, o.len);
    }
    out_free(&o);
    for (int i = 0; ret == 0 && i < READS; i++)
        ret = link_reply(l, &r);
    return ret;
}

static void one_cycle(uint32_t *seed, const char *name)
{
    static const uint8_t too_large[4] = {0xff, 0xff, 0xff, 0xff};
    bool in_handshake = to.tls && rnd(seed) % 3 == 0;
    struct link l;
    int ret;

    if (link_connect(&l, &to) < 0)
        return;
    if (in_handshake)
        limit(&l, seed, 13, 13);
    ret = link_handshake(&l);
    if (!in_handshake)
        limit(&l, seed, 17, 18);
    if (ret < 0) {
        atomic_fetch_add(&sh->in_handshake, 1);
    } else if (rnd(seed) % 8 == 0) {
        ret = link_push(&l, too_large, sizeof too_large);
        if (ret == 0 && link_wait_closed(&l) == 0)
            atomic_fetch_add(&sh->closed_by_brick, 1);
    } else {
        ret = script(&l, seed, name);
        atomic_fetch_add(ret == 0 ? &sh->whole : l.may_send == 0 ? &sh->in_call : &sh->in_reply, 1);
    }
    link_cut(&l, rnd(seed) % NR_CUTS);
}

static void worker(unsigned int slot, unsigned int total, uint32_t seed)
{
    char name[32];
    snprintf(name, sizeof name, "churn-%u", slot % 2); /* two share each file, and its lock */
    seed ^= (uint32_t)getpid() * 2654435761u;
    while (atomic_fetch_add(&sh->begun, 1) < total) {
        one_cycle(&seed, name);
        atomic_fetch_add(&sh->done, 1);
    }
    exit(0);
}

static pid_t start(unsigned int slot, unsigned int total, uint32_t seed)
{
    pid_t pid = fork();
    if (pid < 0)
        die("fork: %s", strerror(errno));
    if (pid == 0)
        worker(slot, total, seed);
    return pid;
}

int main(int argc, char **argv)
{
    pid_t pids[WORKERS];
    unsigned int total, left = WORKERS, last = 0;
    uint32_t seed;

    target_from_args(&to, argc, argv);
    total = optind < argc ? (unsigned int)atoi(argv[optind]) : 1000;
    seed = optind + 1 < argc ? (uint32_t)strtoul(argv[optind + 1], NULL, 0) : (uint32_t)now_us();
    printf("seed %u\n", seed);
    fflush(stdout);
    sh = mmap(NULL, sizeof *sh, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sh == MAP_FAILED)
        die("mmap: %s", strerror(errno));
    for (unsigned int i = 0; i < WORKERS; i++)
        pids[i] = start(i, total, seed + i);

    while (left > 0) {
        siginfo_t si;
        unsigned int victim = rnd(&seed) % WORKERS;
        usleep(20000 + rnd(&seed) % 30000);
        if (pids[victim] > 0 && atomic_load(&sh->begun) < total) { /* SIGKILL wherever it is */
            kill(pids[victim], SIGKILL);
            atomic_fetch_add(&sh->killed, 1);
        }
        while (si.si_pid = 0, waitid(P_ALL, 0, &si, WEXITED | WNOHANG) == 0 && si.si_pid != 0) {
            for (unsigned int i = 0; i < WORKERS; i++) {
                if (pids[i] != si.si_pid)
                    continue;
                if (si.si_code == CLD_EXITED && si.si_status != 0)
                    die("a worker ended with status %d", si.si_status);
                pids[i] = atomic_load(&sh->begun) < total ? start(i, total, rnd(&seed)) : 0;
                left -= pids[i] == 0;
            }
        }
        if (atomic_load(&sh->done) / 5000 > last)
            fprintf(stderr, "%u cycles\n", 5000 * ++last);
    }
    printf("cycles %u: whole %u, cut in the handshake %u, in a call %u, in a reply %u, by the brick %u; killed %u\n", sh->done, sh->whole,
           sh->in_handshake, sh->in_call, sh->in_reply, sh->closed_by_brick, sh->killed);
    return sh->done + sh->killed >= total ? 0 : 1;
}
