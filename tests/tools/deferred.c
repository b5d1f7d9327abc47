/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* deferred: makes the brick send its replies late and in pieces, and compares every byte of them.
 *
 *   deferred [-t pki] -b brick [-r 4096] PORT N [SEED]
 *
 * Several connections ask for random pieces of one file, many calls ahead, through a receive buffer that holds less than
 * one reply. Each reads a random number of replies and then nothing, until the brick can send no more. */
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINKS = 4, AHEAD = 48, FILE_SIZE = 1 << 20, MAX_READ = 16384, FILE_SEED = 7 };

static struct target to;

struct asked {
    uint32_t xid, size;
    uint64_t offset;
};

static void check(const struct asked *a, const struct reply *r)
{
    static uint8_t want[MAX_READ];
    const uint8_t *got;
    size_t len;
    int ret = read_result(r, &got, &len);

    if (ret < 0)
        die("READ of %u bytes at %llu: %s", a->size, (unsigned long long)a->offset, strerror(-ret));
    pattern(want, FILE_SEED, a->offset, a->size);
    if (len != a->size || memcmp(got, want, len) != 0)
        die("READ of %u bytes at %llu gave %zu others", a->size, (unsigned long long)a->offset, len);
}

/* Reads nothing until the network between us is full: what the kernel holds for us has stopped growing. */
static void stall(struct link *l)
{
    int before = -1, now = 0;
    for (int same = 0; same < 4; same = now == before ? same + 1 : 0) {
        before = now;
        usleep(500);
        if (ioctl(l->fd, FIONREAD, &now) < 0)
            die("FIONREAD: %s", strerror(errno));
    }
}

static void reader(unsigned long total, uint32_t seed)
{
    struct asked asked[AHEAD];
    unsigned long begun = 0, done = 0;
    unsigned int pending = 0, until_stall = 1;
    uint8_t gfid[16];
    struct out o = {0};
    struct link l;
    int64_t fd;

    if (link_open(&l, &to) < 0 || link_login(&l) < 0 || link_create(&l, "deferred", gfid, &fd) < 0)
        die("cannot open the file");
    while (done < total) {
        struct reply r;
        int ret;
        while (pending < AHEAD && begun < total) {
            struct asked *a = &asked[pending++];
            a->size = 1 + rnd(&seed) % (rnd(&seed) % 4 ? 512 : MAX_READ);
            a->offset = rnd(&seed) % (FILE_SIZE - a->size);
            call_read(&o, &l, gfid, fd, a->offset, a->size);
            a->xid = l.xid;
            ret = link_push(&l, o.bytes, o.len);
            if (ret < 0)
                die("send: %s", strerror(-ret));
            begun++;
        }
        if (--until_stall == 0) {
            stall(&l);
            until_stall = 1 + rnd(&seed) % 200;
        }
        ret = link_reply(&l, &r);
        if (ret < 0)
            die("reply %lu: %s", done, strerror(-ret));
        if (r.type != 1)
            continue;
        for (unsigned int i = 0;; i++) {
            if (i == pending)
                die("a reply to nothing: xid %u", r.xid);
            if (asked[i].xid == r.xid) {
                check(&asked[i], &r);
                asked[i] = asked[--pending];
                done++;
                break;
            }
        }
    }
    link_cut(&l, CUT_NOTIFY);
    out_free(&o);
    exit(0);
}

static void write_file(void)
{
    static uint8_t data[65536];
    struct target wide = to;
    uint8_t gfid[16];
    struct link l;
    int64_t fd;

    wide.rcvbuf = 0;
    if (link_open(&l, &wide) < 0 || link_login(&l) < 0 || link_create(&l, "deferred", gfid, &fd) < 0)
        die("cannot make the file");
    for (uint64_t at = 0; at < FILE_SIZE; at += sizeof data) {
        pattern(data, FILE_SEED, at, sizeof data);
        if (link_write(&l, gfid, fd, at, data, sizeof data) < 0)
            die("cannot write the file");
    }
    link_cut(&l, CUT_NOTIFY);
}

int main(int argc, char **argv)
{
    unsigned long total;
    uint32_t seed;
    int status, bad = 0;

    target_from_args(&to, argc, argv);
    if (!to.rcvbuf)
        to.rcvbuf = 4096;
    total = optind < argc ? strtoul(argv[optind], NULL, 0) : 20000;
    seed = optind + 1 < argc ? (uint32_t)strtoul(argv[optind + 1], NULL, 0) : (uint32_t)now_us();
    printf("seed %u\n", seed);
    fflush(stdout);
    write_file();
    for (uint32_t i = 0; i < LINKS; i++)
        if (fork() == 0)
            reader(total / LINKS, seed + i * 7919);
    while (wait(&status) > 0)
        bad |= status;
    if (!bad)
        printf("%lu replies, no byte differs\n", total / LINKS * LINKS);
    return bad ? 1 : 0;
}
