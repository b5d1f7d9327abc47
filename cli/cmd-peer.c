/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* peer probe, detach, status; pool list (spec management 4.19). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "xml.h"

#define PORT 24007
enum { LIST_PEERS = 1, LIST_POOL = 2 };

/* ---- probe, detach ------------------------------------------------------------------------------------------------------- */

/* A sentence with the host in the place of each "%s". */
static void expand_host(const char *sentence, const char *host, char *to, size_t room)
{
    size_t used = 0;

    to[0] = '\0';
    for (const char *at = sentence; *at && used + 1 < room;) {
        const char *mark = strstr(at, "%s");
        int len = mark ? (int)(mark - at) : (int)strlen(at);

        used += (size_t)snprintf(to + used, room - used, "%.*s%s", len, at, mark ? host : "");
        used = min_of(used, room - 1);
        at += len + (mark ? 2 : 0);
    }
}

/* What the daemon's number says of a probe; the first two are no failures. NULL: an errno. */
static const char *probe_text(const char *host, int code, char *to, size_t room)
{
    static const char *const texts[] = {
        [3] = "%s is either already part of another cluster or having volumes configured",
        [4] = "At least one volume on %s conflicts with existing volumes in the cluster",
        [5] = "Peer uuid (host %s) is same as local uuid",
        [6] = "%s responded with 'unknown peer' error, this could happen if %s doesn't have localhost in its peer database",
        [7] = "Failed to add peer information on %s",
        [8] = "Cluster quorum is not met. Changing peers is not allowed in this state",
        [9] = "Failed to update list of missed snapshots from peer %s",
        [10] = "Conflict in comparing list of snapshots from peer %s",
        [11] = "Peer is already being detached from cluster.\nCheck peer status by running gluster peer status",
    };

    if (code == 1)
        snprintf(to, room, "Probe on localhost not needed");
    else if (code == 2)
        snprintf(to, room, "Host %s port %d already in peer list", host, PORT);
    else if (code > 2 && code < (int)array_len(texts))
        expand_host(texts[code], host, to, room);
    else
        snprintf(to, room, "Probe returned with %s", strerror(code));
    return to;
}

static const char *detach_text(const char *host, int code, char *to, size_t room)
{
    static const char *const texts[] = {
        [1] = "%s is localhost",
        [2] = "%s is not part of cluster",
        [3] = "Peer %s hosts one or more bricks. If the peer is in not recoverable state then use either replace-brick or remove-brick "
              "command with force to remove all bricks from the peer and attempt the peer detach again.",
        [4] = "One of the peers is probably down. Check with 'peer status'",
        [5] = "Cluster quorum is not met. Changing peers is not allowed in this state",
        [6] = "Peer is already being detached from cluster.\nCheck peer status by running gluster peer status",
        [7] = "%s is part of existing snapshot. Remove those snapshots before proceeding ",
    };

    if (code > 0 && code < (int)array_len(texts))
        expand_host(texts[code], host, to, room);
    else
        snprintf(to, room, "Detach returned with %s", strerror(code));
    return to;
}

/* The sentence: the daemon's own, or what its number says. */
static int print_peer_change(struct cli *c, const char *verb, const char *host, const struct reply *a,
                             const char *(*text_of)(const char *host, int code, char *to, size_t room))
{
    char text[1024];
    const char *said = a->reason[0] ? a->reason : a->op_ret || a->op_errno ? text_of(host, a->op_errno, text, sizeof(text)) : "";
    struct xml *x;

    if (c->xml) {
        x = xml_begin();
        xml_frame(x, a->op_ret, a->op_errno, a->op_ret ? said : "");
        if (a->op_ret == 0 && said[0])
            xml_put(x, "output", "%s", said);
        return xml_end(x);
    }
    if (a->op_ret) {
        fprintf(stderr, "peer %s: failed: %s\n", verb, said);
        return status_of(a);
    }
    printf("peer %s: %s\n", verb, said[0] ? said : "success");
    return 0;
}

static int change_peer(struct cli *c, const struct words *w, unsigned int proc, const char *verb, bool force,
                       const char *(*text_of)(const char *host, int code, char *to, size_t room))
{
    struct request r = request(w);
    REPLY(a);

    put(&r, "hostname", "%s", w->at[2]);
    put_number(&r, "port", PORT);
    if (proc == CLI_DEPROBE)
        put_number(&r, "flags", force);
    return ask(c, proc, &r, USUAL_S, &a) ?: print_peer_change(c, verb, w->at[2], &a, text_of);
}

int cmd_peer_probe(struct cli *c, const struct words *w)
{
    if (w->n != 3)
        return BAD_WORDS;
    if (!host_conforms(w->at[2])) {
        printf("%s is an invalid address\n", w->at[2]);
        return BAD_WORDS;
    }
    return change_peer(c, w, CLI_PROBE, "probe", false, probe_text);
}

int cmd_peer_detach(struct cli *c, const struct words *w)
{
    if (w->n < 3 || w->n > 4 || (w->n == 4 && !word_is(w, 3, "force")))
        return BAD_WORDS;
    if (!host_conforms(w->at[2])) {
        printf("%s is an invalid address\n", w->at[2]);
        return BAD_WORDS;
    }
    if (!agreed(c, "All clients mounted through the peer which is getting detached need to be remounted using one of the other active "
                   "peers in the trusted storage pool to ensure client gets notification on any changes done on the gluster configuration "
                   "and if the same has been done do you want to proceed?"))
        return 0;
    return change_peer(c, w, CLI_DEPROBE, "detach", w->n == 4, detach_text);
}

/* ---- status, list -------------------------------------------------------------------------------------------------------- */

static const char *connected_text(const struct reply *a, int i)
{
    return reply_number(a, 0, "friend%d.connected", i) ? "Connected" : "Disconnected";
}

static void print_other_names(const struct reply *a, int i)
{
    int n = (int)reply_number(a, 0, "friend%d.hostname_count", i);

    if (n < 2)
        return;
    puts("Other names:");
    for (int j = 1; j < n; j++)
        puts(reply_or(a, "", "friend%d.hostname%d", i, j));
}

static int print_peers(const struct reply *a)
{
    int n = (int)reply_number(a, 0, "count");

    printf("Number of Peers: %d\n", n);
    for (int i = 1; i <= n; i++) {
        if (!reply_has(a, "friend%d.hostname", i))
            return missing("friendN.hostname");
        printf("\nHostname: %s\nUuid: %s\nState: %s (%s)\n", reply_text(a, "friend%d.hostname", i), reply_or(a, "", "friend%d.uuid", i),
               reply_or(a, "", "friend%d.state", i), connected_text(a, i));
        print_other_names(a, i);
    }
    return 0;
}

static int print_pool(const struct reply *a)
{
    int n = (int)reply_number(a, 0, "count"), widest = 8;

    for (int i = 1; i <= n; i++)
        widest = max_of(widest, (int)strlen(reply_or(a, "", "friend%d.hostname", i)));
    printf("UUID\t\t\t\t\t%-*s\tState\n", widest, "Hostname");
    for (int i = 1; i <= n; i++)
        printf("%s\t%-*s\t%s \n", reply_or(a, "", "friend%d.uuid", i), widest, reply_or(a, "", "friend%d.hostname", i),
               connected_text(a, i));
    return 0;
}

static void xml_peer(struct xml *x, const struct reply *a, int i)
{
    int names = (int)reply_number(a, 0, "friend%d.hostname_count", i);

    xml_open(x, "peer");
    xml_put(x, "uuid", "%s", reply_or(a, "", "friend%d.uuid", i));
    xml_put(x, "hostname", "%s", reply_or(a, "", "friend%d.hostname", i));
    if (names > 0) {
        xml_open(x, "hostnames");
        for (int j = 0; j < names; j++)
            xml_put(x, "hostname", "%s", reply_or(a, "", "friend%d.hostname%d", i, j));
        xml_close(x);
    }
    xml_put(x, "connected", "%d", (int)reply_number(a, 0, "friend%d.connected", i));
    if (reply_has(a, "friend%d.stateId", i)) {
        xml_put(x, "state", "%d", (int)reply_number(a, 0, "friend%d.stateId", i));
        xml_put(x, "stateStr", "%s", reply_or(a, "", "friend%d.state", i));
    }
    xml_close(x);
}

static int xml_peers(const struct reply *a)
{
    struct xml *x = xml_begin_reply(a);

    xml_open(x, "peerStatus");
    for (int i = 1; i <= (int)reply_number(a, 0, "count"); i++)
        xml_peer(x, a, i);
    return xml_end(x);
}

static int list_peers(struct cli *c, int flags, int (*print)(const struct reply *a), const char *name)
{
    REPLY(a);
    int status = ask_peers(c, flags, &a);

    if (status)
        return status;
    if (c->xml)
        return xml_peers(&a);
    return a.op_ret ? refused(&a, "%s", name) : print(&a);
}

int cmd_peer_status(struct cli *c, const struct words *w)
{
    return w->n == 2 ? list_peers(c, LIST_PEERS, print_peers, "peer status") : BAD_WORDS;
}

int cmd_pool_list(struct cli *c, const struct words *w)
{
    return w->n == 2 ? list_peers(c, LIST_POOL, print_pool, "pool list") : BAD_WORDS;
}
