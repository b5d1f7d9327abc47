/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume rebalance (spec management 4.13). */
#include "config.h"

#include "cli.h"
#include "commands.h"
#include "rebalance.h"

enum { REBALANCE_START = 1, REBALANCE_STOP = 2, REBALANCE_STATUS = 3, REBALANCE_FIX = 4, REBALANCE_FORCE = 5 };

static int what_of(const struct words *w)
{
    if (w->n == 4 && word_is(w, 3, "start"))
        return REBALANCE_START;
    if (w->n == 4 && word_is(w, 3, "stop"))
        return REBALANCE_STOP;
    if (w->n == 4 && word_is(w, 3, "status"))
        return REBALANCE_STATUS;
    if (w->n == 5 && word_is(w, 3, "fix-layout") && word_is(w, 4, "start"))
        return REBALANCE_FIX;
    if (w->n == 5 && word_is(w, 3, "start") && word_is(w, 4, "force"))
        return REBALANCE_FORCE;
    return 0;
}

static bool has_table(int what)
{
    return what == REBALANCE_STOP || what == REBALANCE_STATUS;
}

static int print_xml(const struct reply *a, int what)
{
    struct xml *x;

    if (a->op_ret && has_table(what)) {
        xml_plain(a, "volRebalance", a->reason);
        return status_of(a);
    }
    x = xml_begin_reply(a);
    xml_open(x, "volRebalance");
    if (a->op_ret == 0 && reply_has(a, "rebalance-id"))
        xml_put(x, "task-id", "%s", reply_text(a, "rebalance-id"));
    xml_put(x, "op", "%d", what);
    if (has_table(what))
        rebalance_xml(x, a);
    return xml_end(x);
}

static int print_text(const struct reply *a, const char *volume, int what)
{
    const char *id = reply_text(a, "rebalance-id");
    int status = 0;

    if (a->op_ret)
        return refused(a, "volume rebalance: %s", volume);
    if (has_table(what))
        status = rebalance_print(a);
    if (status)
        return status;
    if (what == REBALANCE_STATUS)
        printf("volume rebalance: %s: success\n", volume);
    else if (what == REBALANCE_STOP)
        printf("volume rebalance: %s: success: rebalance process may be in the middle of a file migration.\nThe process will be fully "
               "stopped once the migration of the file is complete.\nPlease check rebalance process for completion before doing any "
               "further brick related tasks on the volume.\n\n",
               volume);
    else if (a->reason[0])
        printf("volume rebalance: %s: success: %s\n", volume, a->reason);
    else
        printf("volume rebalance: %s: success: Rebalance on %s has been started successfully. Use rebalance status command to check status "
               "of the rebalance process.\n",
               volume, volume);
    if (!has_table(what) && id)
        printf("ID: %s\n", id);
    return 0;
}

int cmd_rebalance(struct cli *c, const struct words *w)
{
    int what = what_of(w);
    struct request r;
    REPLY(a);

    if (!what)
        return BAD_WORDS;
    r = volume_request(w);
    put_number(&r, "rebalance-command", what);
    return ask(c, CLI_DEFRAG_VOLUME, &r, LONG_S, &a) ?: (c->xml ? print_xml(&a, what) : print_text(&a, w->at[2], what));
}
