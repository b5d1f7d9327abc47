/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume top: the files that are opened, read, written most; how fast a brick reads and writes (spec management 4.15). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "xml.h"

#define TOP_OP 4
#define LIST_MAX 100
#define SIZE_MAX_TOTAL ((int64_t)10 * (int64_t)GiB)
#define NAME_WIDTH 47
enum top_op { TOP_CLEAR = 0, TOP_OPEN = 1, TOP_READ_PERF = 6, TOP_WRITE_PERF = 7 };

struct wanted {
    int op;
    bool nfs;
    char *brick;
    int64_t list, size, count; /* list -1, others 0: not given */
};

static bool say(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return false;
}

static bool is_perf(int op)
{
    return op == TOP_READ_PERF || op == TOP_WRITE_PERF;
}

static bool take_positive(const char *text, int64_t *to, const char *no_number, const char *too_small)
{
    if (!word_number(text, to))
        return say(no_number);
    return *to > 0 || say(too_small);
}

static bool take_pair(const char *key, const char *value, struct wanted *want)
{
    if (strcmp(key, "brick") == 0 && !want->brick) {
        want->brick = brick_clean(value);
        return want->brick && brick_is_one(want->brick, "wrong brick type");
    }
    if (strcmp(key, "list-cnt") == 0)
        return (word_number(value, &want->list) && want->list >= 0 && want->list <= LIST_MAX) || say("list-cnt should be between 0 to 100");
    if (strcmp(key, "bs") == 0 && is_perf(want->op))
        return take_positive(value, &want->size, "block size is an invalid number", "block size should be an integer greater than zero");
    if (strcmp(key, "count") == 0 && is_perf(want->op))
        return take_positive(value, &want->count, "count is an invalid number", "count should be an integer greater than zero");
    return false;
}

static bool take_words(const struct words *w, struct wanted *want)
{
    static const char *const ops[] = {"clear", "open", "read", "write", "opendir", "readdir", "read-perf", "write-perf"};
    int i = 4;

    want->op = -1;
    for (size_t j = 0; j < array_len(ops); j++)
        if (word_is(w, 3, ops[j]))
            want->op = (int)j;
    if (want->op < 0)
        return false;
    if (word_is(w, i, "nfs")) {
        want->nfs = true;
        i++;
    }
    for (; i < w->n; i += 2)
        if (i + 1 >= w->n || !take_pair(w->at[i], w->at[i + 1], want))
            return false;
    if (!want->size != !want->count)
        return say("Need to give both 'bs' and 'count'");
    if (want->size && want->count > SIZE_MAX_TOTAL / want->size) {
        fprintf(stderr, "'bs * count' value %" PRIu64 " is greater than maximum allowed value of 10GB\n",
                (uint64_t)want->size * (uint64_t)want->count);
        return false;
    }
    return true;
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

struct when {
    char seconds[32], zone[8];
};
static struct when when_of(const struct reply *a, int brick, int member)
{
    time_t s = (time_t)reply_number(a, 0, "%d-time-sec-%d", brick, member);
    struct when when;
    struct tm tm;

    gmtime_r(&s, &tm);
    strftime(when.seconds, sizeof(when.seconds), "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(when.zone, sizeof(when.zone), "+0000");
    return when;
}

static void print_perf_member(const struct reply *a, int brick, int member)
{
    const char *name = reply_or(a, "", "%d-filename-%d", brick, member);
    struct when when = when_of(a, brick, member);
    size_t len = strlen(name);

    printf("%4s %s%-*s %s %s.%06d\n", reply_or(a, "0", "%d-value-%d", brick, member), len > NAME_WIDTH ? "..." : "",
           len > NAME_WIDTH ? NAME_WIDTH - 3 : NAME_WIDTH, len > NAME_WIDTH ? name + len - (NAME_WIDTH - 3) : name, when.seconds, when.zone,
           (int)reply_number(a, 0, "%d-time-usec-%d", brick, member));
}

static void print_members(const struct reply *a, int brick, int op, bool perf)
{
    int n = (int)reply_number(a, 0, "%d-members", brick);

    if (n == 0)
        return;
    if (perf)
        printf("%4s %-*s %s\n%4s %-*s %s\n", "MBps", NAME_WIDTH, "Filename", "Time", "====", NAME_WIDTH, "========", "====");
    else
        puts("Count\t\tfilename\n=======================");
    for (int i = 1; i <= n; i++) {
        if (perf)
            print_perf_member(a, brick, i);
        else
            printf("%s\t\t%s\n", reply_or(a, "", "%d-value-%d", brick, i), reply_or(a, "", "%d-filename-%d", brick, i));
    }
}

static void print_brick(const struct reply *a, int brick, int op, bool measured)
{
    printf("Brick: %s\n", reply_or(a, "", "%d-brick", brick));
    if (op == TOP_OPEN && reply_has(a, "%d-current-open", brick))
        printf("Current open fds: %s, Max open fds: %s, Max openfd time: %s\n", reply_text(a, "%d-current-open", brick),
               reply_or(a, "0", "%d-max-open", brick), reply_or(a, "N/A", "%d-max-openfd-time", brick));
    if (is_perf(op) && measured)
        printf("Throughput %.2f MBps time %.4f secs\n", reply_double(a, "%d-throughput", brick), reply_double(a, "%d-time", brick) / 1e6);
    print_members(a, brick, op, is_perf(op));
}

static int print_top(const struct reply *a, const struct wanted *want)
{
    int n = (int)reply_number(a, 0, "count");

    if (a->op_ret)
        return refused_with(a, "%s%svolume top unsuccessful", a->reason, a->reason[0] ? "\n" : "");
    for (int i = 1; i <= n; i++) {
        if (want->op == TOP_CLEAR)
            printf(reply_number(a, 0, "%d-stats-cleared", i) ? "Cleared stats for brick %s\n" : "Failed to clear stats for brick %s\n",
                   reply_or(a, "", "%d-brick", i));
        else
            print_brick(a, i, want->op, want->size > 0);
    }
    return 0;
}

/* ---- XML ----------------------------------------------------------------------------------------------------------------- */

static void xml_brick(struct xml *x, const struct reply *a, int brick, const struct wanted *want)
{
    int n = (int)reply_number(a, 0, "%d-members", brick);

    xml_open(x, "brick");
    xml_put(x, "name", "%s", reply_or(a, "", "%d-brick", brick));
    xml_put(x, "members", "%d", n);
    if (want->op == TOP_OPEN) {
        xml_put(x, "currentOpen", "%s", reply_or(a, "0", "%d-current-open", brick));
        xml_put(x, "maxOpen", "%s", reply_or(a, "0", "%d-max-open", brick));
        xml_put(x, "maxOpenTime", "%s", reply_or(a, "N/A", "%d-max-openfd-time", brick));
    }
    if (is_perf(want->op) && want->size) {
        xml_put(x, "throughput", "%f", reply_double(a, "%d-throughput", brick));
        xml_put(x, "timeTaken", "%f", reply_double(a, "%d-time", brick));
    }
    for (int i = 1; i <= n; i++) {
        struct when when = when_of(a, brick, i);

        xml_open(x, "file");
        xml_put(x, "filename", "%s", reply_or(a, "", "%d-filename-%d", brick, i));
        xml_put(x, "count", "%s", reply_or(a, "0", "%d-value-%d", brick, i));
        if (is_perf(want->op))
            xml_put(x, "time", "%s.%06d %s", when.seconds, (int)reply_number(a, 0, "%d-time-usec-%d", brick, i), when.zone);
        xml_close(x);
    }
    xml_close(x);
}

static int xml_top(const struct reply *a, const struct wanted *want)
{
    struct xml *x = xml_begin_reply(a);
    int n = (int)reply_number(a, 0, "count");

    if (a->op_ret == 0) {
        xml_open(x, "volTop");
        xml_put(x, "brickCount", "%d", n);
        xml_put(x, "topOp", "%d", want->op);
        for (int i = 1; i <= n; i++)
            xml_brick(x, a, i, want);
    }
    return xml_end(x);
}

int cmd_top(struct cli *c, const struct words *w)
{
    struct wanted want = {.list = -1};
    int status = BAD_WORDS;
    REPLY(a);
    struct request r;

    if (w->n >= 4 && take_words(w, &want)) {
        r = request(w);
        put(&r, "volname", "%s", w->at[2]);
        put_number(&r, "op", TOP_OP);
        put_number(&r, "top-op", want.op);
        if (want.op == TOP_CLEAR)
            put_number(&r, "clear-stats", 1);
        if (want.brick)
            put(&r, "brick", "%s", want.brick);
        if (want.list >= 0)
            put_number(&r, "list-cnt", want.list);
        if (want.size) {
            put_number(&r, "blk-size", want.size);
            put_number(&r, "blk-cnt", want.count);
        }
        if (want.nfs)
            put_number(&r, "nfs", 1);
        status = ask(c, CLI_PROFILE_VOLUME, &r, LONG_S, &a);
        if (!status)
            status = c->xml ? xml_top(&a, &want) : print_top(&a, &want);
    }
    free(want.brick);
    return status;
}
