/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume clients, volume ssl status: the live connections of each brick, which our glusterd and our bricks tell and GlusterFS's do not. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "ssl-files.h"
#include "status.h"

#define CONNECTIONS 0x100000 /* a bit of the request's cmd beyond GlusterFS's */

static const char *of(const struct reply *a, int brick, int conn, const char *key)
{
    return reply_or(a, "", "brick%d.conn%d.%s", brick, conn, key);
}

static uint64_t number_of(const struct reply *a, int brick, int conn, const char *key)
{
    return reply_unsigned(a, "brick%d.conn%d.%s", brick, conn, key);
}

static void print_tls(const struct reply *a, int brick, int conn)
{
    bool tls = of(a, brick, conn, "tls")[0];

    printf("%-40s %-9s %-32s %s\n", of(a, brick, conn, "hostname"), tls ? of(a, brick, conn, "tls") : "plain",
           tls ? of(a, brick, conn, "cipher") : "-", tls ? of(a, brick, conn, "peername") : "-");
}

static void print_load(const struct reply *a, int brick, int conn)
{
    printf("%-40s %-12s %12" PRIu64 " %12" PRIu64 " %9" PRIu64 " %9" PRIu64 " %8" PRIu64 " %12.1f %8.2f\n", of(a, brick, conn, "hostname"),
           of(a, brick, conn, "state"), number_of(a, brick, conn, "bytesread"), number_of(a, brick, conn, "byteswrite"),
           number_of(a, brick, conn, "queued"), number_of(a, brick, conn, "outstanding"), number_of(a, brick, conn, "stalls"),
           (double)number_of(a, brick, conn, "handshake-us") / 1000, (double)number_of(a, brick, conn, "round-trip-us") / 1000);
}

struct view {
    const char *title;
    void (*print)(const struct reply *a, int brick, int conn);
};

static void print_head(const struct view *v)
{
    if (v->print == print_tls)
        printf("%-40s %-9s %-32s %s\n", "Client", "Protocol", "Cipher", "Name");
    else
        printf("%-40s %-12s %12s %12s %9s %9s %8s %12s %8s\n", "Client", "State", "BytesRead", "BytesWritten", "Queued", "Requests",
               "Stalls", "Handshake ms", "Ping ms");
}

static int print_view(const struct reply *a, const struct view *v, const char *volume)
{
    bool any = false;
    int rows;

    if (a->op_ret)
        return refused_with(a, "%s", a->reason[0] ? a->reason : "the daemon does not tell about connections");
    rows = status_rows(a);
    if (rows < 0)
        return NO_ANSWER_KEY;
    for (int i = 0; i < rows; i++)
        any |= reply_has(a, "brick%d.livecount", i);
    if (!any) {
        fputs("neither this daemon nor its bricks tell about their connections: `volume status VOLNAME clients` has what GlusterFS tells\n",
              stderr);
        return 1;
    }
    printf("%s %s\n", v->title, volume);
    for (int i = 0; i < rows; i++) {
        struct status_row r;
        int n = (int)reply_number(a, -1, "brick%d.livecount", i), all = (int)reply_number(a, n, "brick%d.livetotal", i);

        if (!status_row(a, i, &r) || !r.brick)
            continue;
        printf("\nBrick %s:%s\n", r.host, r.path);
        if (n < 0) {
            puts(r.online ? "no answer" : "not running");
            continue;
        }
        if (n)
            print_head(v);
        for (int j = 0; j < n; j++)
            v->print(a, i, j);
        if (all > n)
            printf("... and %d more\n", all - n);
        else if (n == 0)
            puts("no connections");
    }
    return 0;
}

static int show_connections(struct cli *c, const struct words *w, const struct view *v)
{
    struct request r = volume_request(w);
    REPLY(a);

    if (c->xml) {
        request_drop(&r);
        fputs("this command has no XML\n", stderr);
        return 1;
    }
    put_number(&r, "cmd", STATUS_VOLUME | CONNECTIONS);
    return ask(c, CLI_STATUS_VOLUME, &r, LONG_S, &a) ?: print_view(&a, v, w->at[2]);
}

int cmd_clients(struct cli *c, const struct words *w)
{
    static const struct view view = {"Connections of volume", print_load};

    return w->n == 3 ? show_connections(c, w, &view) : BAD_WORDS;
}

int cmd_ssl(struct cli *c, const struct words *w)
{
    static const struct view view = {"Encryption of the connections of volume", print_tls};

    if (w->n != 4 || (!word_is(w, 3, "check") && !word_is(w, 3, "status")))
        return BAD_WORDS;
    return word_is(w, 3, "check") ? ssl_check(c, w) : show_connections(c, w, &view);
}
