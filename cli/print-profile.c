/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* print-profile.c: one brick's counters, of all its life and of the interval since the last question. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile.h"

#define CUMULATIVE (-1)
#define BLOCK_SIZES 32
#define BLOCKS_PER_LINE 3

/* The numbers of the daemon's keys (spec wire 2.1): a list of its own, which counts some that are no operations of the protocol. */
static const char *const operations[] = {
    NULL,       "STAT",        "READLINK",     "MKNOD",       "MKDIR",    "UNLINK",      "RMDIR",       "SYMLINK",   "RENAME",
    "LINK",     "TRUNCATE",    "OPEN",         "READ",        "WRITE",    "STATFS",      "FLUSH",       "FSYNC",     "SETXATTR",
    "GETXATTR", "REMOVEXATTR", "OPENDIR",      "FSYNCDIR",    "ACCESS",   "CREATE",      "FTRUNCATE",   "FSTAT",     "LK",
    "LOOKUP",   "READDIR",     "INODELK",      "FINODELK",    "ENTRYLK",  "FENTRYLK",    "XATTROP",     "FXATTROP",  "FGETXATTR",
    "FSETXATTR", "RCHECKSUM",  "SETATTR",      "FSETATTR",    "READDIRP", "FORGET",      "RELEASE",     "RELEASEDIR", "GETSPEC",
    "FREMOVEXATTR", "FALLOCATE", "DISCARD",    "ZEROFILL",    "IPC",      "SEEK",        "LEASE",       "COMPOUND",  "GETACTIVELK",
    "SETACTIVELK", "PUT",      "ICREATE",      "NAMELINK",    "COPY_FILE_RANGE"};
static const char *const upcalls[] = {NULL, "UPCALL", "CI_STAT", "CI_XATTR", "CI_RENAME", "CI_NLINK", "CI_FORGET", "LEASE_RECALL"};

struct row {
    const char *name;
    uint64_t hits;
    double avg, min, max, share;
};

static int by_share(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return x->share < y->share ? -1 : x->share > y->share;
}

static int gather(const struct reply *a, int brick, int part, struct row rows[array_len(operations)])
{
    double total = 0;
    int n = 0;

    for (int i = 1; i < (int)array_len(operations); i++) {
        struct row *r = &rows[n];

        *r = (struct row){.name = operations[i], .hits = reply_unsigned(a, "%d-%d-%d-hits", brick, part, i)};
        if (!r->hits)
            continue;
        r->avg = reply_double(a, "%d-%d-%d-avglatency", brick, part, i);
        r->min = reply_double(a, "%d-%d-%d-minlatency", brick, part, i);
        r->max = reply_double(a, "%d-%d-%d-maxlatency", brick, part, i);
        total += (double)r->hits * r->avg;
        n++;
    }
    for (int i = 0; i < n && total > 0; i++)
        rows[i].share = (double)rows[i].hits * rows[i].avg / total * 100;
    return n;
}

static void print_blocks(const struct reply *a, int brick, int part)
{
    struct {
        uint32_t size;
        uint64_t reads, writes;
    } used[BLOCK_SIZES];
    int n = 0;

    for (int i = 0; i < BLOCK_SIZES; i++) {
        used[n].size = 1u << i;
        used[n].reads = reply_unsigned(a, "%d-%d-read-%u", brick, part, used[n].size);
        used[n].writes = reply_unsigned(a, "%d-%d-write-%u", brick, part, used[n].size);
        n += used[n].reads || used[n].writes;
    }
    for (int from = 0; from < n; from += BLOCKS_PER_LINE) {
        int to = min_of(from + BLOCKS_PER_LINE, n);

        printf("%14s", "Block Size:");
        for (int i = from; i < to; i++)
            printf("%19ub+ ", used[i].size);
        printf("\n%14s", "No. of Reads:");
        for (int i = from; i < to; i++)
            printf("%21" PRIu64 " ", used[i].reads);
        printf("\n%14s", "No. of Writes:");
        for (int i = from; i < to; i++)
            printf("%21" PRIu64 " ", used[i].writes);
        putchar('\n');
        if (to - from == BLOCKS_PER_LINE)
            puts(" ");
    }
}

static void print_upcalls(const struct reply *a, int brick, int part)
{
    for (int i = 1; i < (int)array_len(upcalls); i++) {
        uint64_t hits = reply_unsigned(a, "%d-%d-%d-upcall-hits", brick, part, i);

        if (hits)
            printf("%10.2lf %10.2lf us %10.2lf us %10.2lf us %14" PRIu64 " %11s\n", 0.0, 0.0, 0.0, 0.0, hits, upcalls[i]);
    }
}

static bool has_upcalls(const struct reply *a, int brick, int part)
{
    for (int i = 1; i < (int)array_len(upcalls); i++)
        if (reply_unsigned(a, "%d-%d-%d-upcall-hits", brick, part, i))
            return true;
    return false;
}

static void print_part(const struct reply *a, int brick, int part)
{
    struct row rows[array_len(operations)];
    int n = gather(a, brick, part, rows);

    if (part == CUMULATIVE)
        puts("Cumulative Stats:");
    else
        printf("Interval %d Stats:\n", part);
    print_blocks(a, brick, part);
    if (n || has_upcalls(a, brick, part)) {
        printf("%10s %13s %13s %13s %14s %11s\n", "%-latency", "Avg-latency", "Min-Latency", "Max-Latency", "No. of calls", "Fop");
        printf("%10s %13s %13s %13s %14s %11s\n", "---------", "-----------", "-----------", "-----------", "------------", "----");
    }
    qsort(rows, (size_t)n, sizeof(rows[0]), by_share);
    for (int i = 0; i < n; i++)
        printf("%10.2lf %10.2lf ns %10.2lf ns %10.2lf ns %14" PRIu64 " %11s\n", rows[i].share, rows[i].avg, rows[i].min, rows[i].max,
               rows[i].hits, rows[i].name);
    print_upcalls(a, brick, part);
    printf(" \n%12s: %" PRIu64 " seconds\n%12s: %" PRIu64 " bytes\n%12s: %" PRIu64 " bytes\n \n", "Duration",
           reply_unsigned(a, "%d-%d-duration", brick, part), "Data Read", reply_unsigned(a, "%d-%d-total-read", brick, part),
           "Data Written", reply_unsigned(a, "%d-%d-total-write", brick, part));
}

void profile_print_brick(const struct reply *a, int brick)
{
    if (reply_has(a, "%d-stats-cleared", brick)) {
        puts(reply_number(a, 0, "%d-stats-cleared", brick) ? "Cleared stats." : "Failed to clear stats.");
        return;
    }
    if (reply_has(a, "%d-cumulative", brick))
        print_part(a, brick, (int)reply_number(a, CUMULATIVE, "%d-cumulative", brick));
    if (reply_has(a, "%d-interval", brick))
        print_part(a, brick, (int)reply_number(a, 0, "%d-interval", brick));
}

static void xml_part(struct xml *x, const struct reply *a, int brick, int part, const char *name)
{
    struct row rows[array_len(operations)];
    int n = gather(a, brick, part, rows);

    xml_open(x, name);
    xml_open(x, "blockStats");
    for (int i = 0; i < BLOCK_SIZES; i++) {
        xml_open(x, "block");
        xml_put(x, "size", "%u", 1u << i);
        xml_put(x, "reads", "%" PRIu64, reply_unsigned(a, "%d-%d-read-%u", brick, part, 1u << i));
        xml_put(x, "writes", "%" PRIu64, reply_unsigned(a, "%d-%d-write-%u", brick, part, 1u << i));
        xml_close(x);
    }
    xml_close(x);
    xml_open(x, "fopStats");
    for (int i = 0; i < n; i++) {
        if (rows[i].avg == 0) /* only counted, not timed: RELEASE; GlusterFS leaves them out here */
            continue;
        xml_open(x, "fop");
        xml_put(x, "name", "%s", rows[i].name);
        xml_put(x, "hits", "%" PRIu64, rows[i].hits);
        xml_put(x, "avgLatency", "%f", rows[i].avg);
        xml_put(x, "minLatency", "%f", rows[i].min);
        xml_put(x, "maxLatency", "%f", rows[i].max);
        xml_close(x);
    }
    xml_close(x);
    xml_put(x, "duration", "%" PRIu64, reply_unsigned(a, "%d-%d-duration", brick, part));
    xml_put(x, "totalRead", "%" PRIu64, reply_unsigned(a, "%d-%d-total-read", brick, part));
    xml_put(x, "totalWrite", "%" PRIu64, reply_unsigned(a, "%d-%d-total-write", brick, part));
    xml_close(x);
}

void profile_xml_brick(struct xml *x, const struct reply *a, int brick)
{
    xml_open(x, "brick");
    xml_put(x, "brickName", "%s", reply_or(a, "", "%d-brick", brick));
    if (reply_has(a, "%d-stats-cleared", brick))
        xml_put(x, "clearStats", "%s", reply_number(a, 0, "%d-stats-cleared", brick) ? "Cleared stats." : "Failed to clear stats.");
    if (reply_has(a, "%d-cumulative", brick))
        xml_part(x, a, brick, (int)reply_number(a, CUMULATIVE, "%d-cumulative", brick), "cumulativeStats");
    if (reply_has(a, "%d-interval", brick))
        xml_part(x, a, brick, (int)reply_number(a, 0, "%d-interval", brick), "intervalStats");
    xml_close(x);
}
