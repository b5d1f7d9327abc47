/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume status: the words (spec management 4.8), and one request for each volume. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "status.h"

struct wanted {
    uint32_t cmd;
    const char *volume;
    char *brick;                /* NULL: all */
};

static uint32_t what_of(const char *text)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {{"detail", STATUS_DETAIL}, {"mem", STATUS_MEM},   {"clients", STATUS_CLIENTS},   {"fd", STATUS_FD},
                 {"inode", STATUS_INODE},   {"tasks", STATUS_TASKS}, {"callpool", STATUS_CALLPOOL}, {"client-list", STATUS_CLIENT_LIST}};

    for (size_t i = 0; text && i < array_len(names); i++)
        if (strcmp(text, names[i].name) == 0)
            return names[i].bit;
    return 0;
}

static uint32_t daemon_of(const char *text)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } names[] = {{"nfs", STATUS_NFS},     {"shd", STATUS_SHD},   {"quotad", STATUS_QUOTAD},
                 {"snapd", STATUS_SNAPD}, {"bitd", STATUS_BITD}, {"scrub", STATUS_SCRUB}};

    for (size_t i = 0; i < array_len(names); i++)
        if (strcmp(text, names[i].name) == 0)
            return names[i].bit;
    return 0;
}

/* What a daemon's process has no table of. */
static bool combination_fine(uint32_t cmd)
{
    const char *why = NULL;
    uint32_t what = cmd & STATUS_WHAT;

    if ((cmd & STATUS_NFS) && (what & (STATUS_DETAIL | STATUS_FD | STATUS_TASKS)))
        why = "Detail/FD/Tasks status not available for NFS Servers";
    else if ((cmd & STATUS_SHD) && (what & (STATUS_DETAIL | STATUS_FD | STATUS_CLIENTS | STATUS_TASKS)))
        why = "Detail/FD/Clients/Tasks status not available for Self-heal Daemons";
    else if ((cmd & STATUS_QUOTAD) && (what & (STATUS_DETAIL | STATUS_FD | STATUS_CLIENTS | STATUS_INODE)))
        why = "Detail/FD/Clients/Inode status not available for Quota Daemon";
    else if ((cmd & STATUS_SNAPD) && (what & (STATUS_DETAIL | STATUS_FD | STATUS_CLIENTS | STATUS_INODE)))
        why = "Detail/FD/Clients/Inode status not available for snap daemon";
    else if ((cmd & STATUS_BRICK) && (what & STATUS_TASKS))
        why = "Tasks status not available for bricks";
    if (why)
        fprintf(stderr, "%s\n", why);
    return !why;
}

static bool take_words(const struct words *w, struct wanted *want)
{
    bool all = w->n == 2 || word_is(w, 2, "all");
    uint32_t what = w->n == 4 || w->n == 5 ? what_of(w->at[w->n - 1]) : 0;

    if (w->n > 5)
        return false;
    want->cmd = (all ? STATUS_ALL : STATUS_VOLUME) | what;
    want->volume = all ? NULL : w->at[2];
    if (w->n > 3 && !what && (all || w->n == 5)) {
        fprintf(stderr, "%s is not a valid status option\n", w->at[w->n - 1]);
        return false;
    }
    if (w->n < 4 || (w->n == 4 && what))
        return true;
    if (all) {
        fputs("Cannot specify brick/nfs for \"all\"\n", stderr);
        return false;
    }
    want->cmd = what | (daemon_of(w->at[3]) ? daemon_of(w->at[3]) : STATUS_BRICK);
    if (want->cmd & STATUS_BRICK)
        want->brick = brick_clean(w->at[3]);
    return combination_fine(want->cmd);
}

static int ask_status(struct cli *c, const struct words *w, const struct wanted *want, const char *volume, uint32_t cmd, struct reply *ret)
{
    struct request r = request(w);

    put_number(&r, "cmd", cmd);
    if (volume)
        put(&r, "volname", "%s", volume);
    if (want->brick)
        put(&r, "brick", "%s", want->brick);
    return ask(c, CLI_STATUS_VOLUME, &r, LONG_S, ret);
}

static int refuse(const struct reply *a)
{
    return refused_with(a, "%s", a->reason[0] ? a->reason : "Unable to obtain volume status information.");
}

static int status_of_one(struct cli *c, const struct words *w, const struct wanted *want)
{
    REPLY(a);
    struct xml *x;
    int status = ask_status(c, w, want, want->volume, want->cmd, &a);

    if (!status && c->xml) {
        if (a.op_ret) {
            status = xml_plain(&a, "volStatus", a.reason);
        } else {
            x = xml_begin_reply(&a);
            xml_open(x, "volStatus");
            xml_open(x, "volumes");
            status_xml(x, &a, want->cmd, want->volume);
            status = xml_end(x);
        }
    } else if (!status) {
        status = a.op_ret ? refuse(&a) : status_print(&a, want->cmd, want->volume);
    }
    return status;
}

/* A volume that is not started is no reason to stop. */
static void status_of_next(struct cli *c, const struct words *w, const struct wanted *want, const char *volume, struct xml *x)
{
    uint32_t cmd = (want->cmd & ~(uint32_t)STATUS_ALL) | STATUS_VOLUME;
    REPLY(a);

    if (ask_status(c, w, want, volume, cmd, &a) == 0) {
        if (x && a.op_ret == 0)
            status_xml(x, &a, cmd, volume);
        else if (!x && a.op_ret == 0)
            status_print(&a, cmd, volume);
        else if (!x) {
            refuse(&a);
            putchar('\n');
        }
    }
}

static int status_of_all(struct cli *c, const struct words *w, const struct wanted *want)
{
    struct reply names = {0};
    struct xml *x = NULL;
    int status = ask_status(c, w, want, NULL, want->cmd, &names), n;

    if (!status && names.op_ret) {
        status = c->xml ? xml_plain(&names, NULL, NULL) : refuse(&names);
    } else if (!status) {
        n = (int)reply_number(&names, 0, "vol_count");
        if (c->xml) {
            x = xml_begin_reply(&names);
            xml_open(x, "volStatus");
            xml_open(x, "volumes");
        } else if (n == 0) {
            fputs("No volumes present\n", stderr);
        }
        for (int i = 0; i < n; i++)
            status_of_next(c, w, want, reply_or(&names, "", "vol%d", i), x);
        if (c->xml)
            status = xml_end(x);
    }
    reply_done(&names);
    return status;
}

int cmd_status(struct cli *c, const struct words *w)
{
    struct wanted want = {0};
    int status = BAD_WORDS;

    if (take_words(w, &want))
        status = want.volume ? status_of_one(c, w, &want) : status_of_all(c, w, &want);
    free(want.brick);
    return status;
}
