/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume profile: what each brick has done, by operation and by block size (spec management 4.15). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "profile.h"

enum { PROFILE_START = 1, PROFILE_STOP = 2, PROFILE_INFO = 3 };
enum { INFO_NONE = 0, INFO_ALL = 1, INFO_INCREMENTAL = 2, INFO_CUMULATIVE = 3, INFO_CLEAR = 4 };

struct wanted {
    int op, info;
    bool peek, nfs;
};

static bool take_words(const struct words *w, struct wanted *want)
{
    int last = w->n;

    if (w->n < 4)
        return false;
    want->nfs = word_is(w, w->n - 1, "nfs");
    last -= want->nfs;
    if (last == 4 && word_is(w, 3, "start"))
        want->op = PROFILE_START;
    else if (last == 4 && word_is(w, 3, "stop"))
        want->op = PROFILE_STOP;
    else if (word_is(w, 3, "info"))
        want->op = PROFILE_INFO;
    else
        return false;
    if (want->op != PROFILE_INFO)
        return true;
    want->info = INFO_ALL;
    if (last > 4 && word_is(w, last - 1, "peek")) {
        want->peek = true;
        last--;
    }
    if (last == 4)
        return true;
    if (last == 5 && word_is(w, 4, "incremental"))
        want->info = INFO_INCREMENTAL;
    else if (last == 5 && word_is(w, 4, "cumulative") && !want->peek)
        want->info = INFO_CUMULATIVE;
    else if (last == 5 && word_is(w, 4, "clear") && !want->peek)
        want->info = INFO_CLEAR;
    else
        return false;
    return true;
}

static int print_outcome(const struct reply *a, const char *volume, int op)
{
    if (a->op_ret)
        return refused_with(a, "%s", a->reason[0] ? a->reason : "volume profile: failed");
    printf("%s volume profile on %s has been successful \n", op == PROFILE_START ? "Starting" : "Stopping", volume);
    return 0;
}

static int print_info(const struct reply *a)
{
    int n = (int)reply_number(a, 0, "count");

    if (a->op_ret)
        return refused_with(a, "%s", a->reason);
    if (n == 0)
        puts("No Bricks or Gluster daemons running. ");
    for (int i = 1; i <= n; i++) {
        const char *brick = reply_text(a, "%d-brick", i);

        if (!brick)
            return missing("N-brick");
        printf("Brick: %s\n", brick);
        rule('-', (int)strlen("Brick: ") + (int)strlen(brick));
        profile_print_brick(a, i);
    }
    return 0;
}

static int print_xml(const struct reply *a, const char *volume, const struct wanted *want)
{
    struct xml *x = xml_begin_reply(a);
    int n = a->op_ret ? 0 : (int)reply_number(a, 0, "count");

    xml_open(x, "volProfile");
    xml_put(x, "volname", "%s", reply_or(a, volume, "volname"));
    xml_put(x, "profileOp", "%" PRId64, reply_number(a, want->op, "op"));
    if (want->op == PROFILE_INFO)
        xml_put(x, "brickCount", "%d", n);
    for (int i = 1; want->op == PROFILE_INFO && i <= n; i++)
        profile_xml_brick(x, a, i);
    return xml_end(x);
}

static int print(struct cli *c, const struct reply *a, const char *volume, const struct wanted *want)
{
    if (c->xml)
        return print_xml(a, volume, want);
    return want->op == PROFILE_INFO ? print_info(a) : print_outcome(a, volume, want->op);
}

int cmd_profile(struct cli *c, const struct words *w)
{
    struct wanted want = {0};
    struct request r;
    REPLY(a);

    if (!take_words(w, &want))
        return BAD_WORDS;
    r = volume_request(w);
    put_number(&r, "op", want.op);
    put_number(&r, "peek", want.peek);
    if (want.op == PROFILE_INFO)
        put_number(&r, "info-op", want.info);
    if (want.nfs)
        put_number(&r, "nfs", 1);
    return ask(c, CLI_PROFILE_VOLUME, &r, LONG_S, &a) ?: print(c, &a, w->at[2], &want);
}
