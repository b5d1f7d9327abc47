/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume info: each volume is asked for by itself, until the daemon has no more (spec management 4.7, 5.4). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "xml.h"

enum { INFO_ONE = 2, INFO_NEXT = 3 };
enum { DISTRIBUTED = 5 }; /* what is added to a type when there are several sets of bricks */

/* What is looked at more than once. */
struct volume {
    const struct reply *a;
    int n;                  /* volumeN */
    int64_t bricks, dist, replica, arbiter, disperse, redundancy, thin_arbiter, type;
};

#define NUMBER(v, key) reply_number((v)->a, 0, "volume%d." key, (v)->n)
#define TEXT(v, key) reply_or((v)->a, "", "volume%d." key, (v)->n)

static bool open_volume(struct volume *v, const struct reply *a, int n)
{
    static const char *const needed[] = {"name", "type", "status", "brick_count", "dist_count", "disperse_count", "redundancy_count",
                                         "arbiter_count", "transport", "volume_id", "snap_count", "opt_count", "replica_count"};

    for (size_t i = 0; i < array_len(needed); i++)
        if (!reply_has(a, "volume%d.%s", n, needed[i]))
            return missing(needed[i]), false;
    *v = (struct volume){.a = a, .n = n};
    v->bricks = NUMBER(v, "brick_count");
    v->dist = NUMBER(v, "dist_count");
    v->replica = NUMBER(v, "replica_count");
    v->arbiter = NUMBER(v, "arbiter_count");
    v->disperse = NUMBER(v, "disperse_count");
    v->redundancy = NUMBER(v, "redundancy_count");
    v->thin_arbiter = NUMBER(v, "thin_arbiter_count");
    v->type = NUMBER(v, "type");
    if (v->type > 0 && v->type < DISTRIBUTED && v->bricks > v->dist)
        v->type += DISTRIBUTED;
    return true;
}

static const char *name_in(const char *const *names, size_t n, int64_t i)
{
    return i >= 0 && (size_t)i < n ? names[i] : "Unknown";
}
static const char *type_name(int64_t type)
{
    static const char *const names[] = {"Distribute", "Stripe", "Replicate", "Striped-Replicate", "Disperse", "Tier", "Distributed-Stripe",
                                        "Distributed-Replicate", "Distributed-Striped-Replicate", "Distributed-Disperse"};
    return name_in(names, array_len(names), type);
}
static const char *status_name(int64_t status)
{
    static const char *const names[] = {"Created", "Started", "Stopped"};
    return name_in(names, array_len(names), status);
}
static const char *transport_name(int64_t transport)
{
    static const char *const names[] = {"tcp", "rdma", "tcp,rdma"};
    return name_in(names, array_len(names), transport);
}

/* ---- text ---------------------------------------------------------------------------------------------------------------- */

static void print_brick_count(const struct volume *v)
{
    int sets = v->dist > 0 ? (int)(v->bricks / v->dist) : 0;

    if (v->disperse)
        printf("Number of Bricks: %d x (%d + %d) = %d\n", sets, (int)(v->disperse - v->redundancy), (int)v->redundancy, (int)v->bricks);
    else if (v->arbiter)
        printf("Number of Bricks: %d x (%d + %d) = %d\n", sets, (int)(v->replica - v->arbiter), (int)v->arbiter, (int)v->bricks);
    else if (v->replica > 1)
        printf("Number of Bricks: %d x %d = %d\n", sets, (int)v->replica, (int)v->bricks);
    else
        printf("Number of Bricks: %d\n", (int)v->bricks);
}

static void each_option(const struct volume *v, void (*one)(void *ctx, const char *key, const char *value), void *ctx)
{
    char prefix[64];
    size_t n = (size_t)snprintf(prefix, sizeof(prefix), "volume%d.option.", v->n);

    for (unsigned int i = v->a->n; i-- > 0;) /* GlusterFS's dictionaries come out the other way round */
        if (strncmp(v->a->pairs[i].key, prefix, n) == 0)
            one(ctx, v->a->pairs[i].key + n, v->a->pairs[i].value);
}

static void print_option(void *ctx, const char *key, const char *value)
{
    printf("%s: %s\n", key, value);
}

static int print_volume(const struct volume *v)
{
    printf(" \nVolume Name: %s\nType: %s\nVolume ID: %s\nStatus: %s\nSnapshot Count: %" PRId64 "\n", TEXT(v, "name"), type_name(v->type),
           TEXT(v, "volume_id"), status_name(NUMBER(v, "status")), NUMBER(v, "snap_count"));
    print_brick_count(v);
    printf("Transport-type: %s\nBricks:\n", transport_name(NUMBER(v, "transport")));
    for (int64_t i = 1; i <= v->bricks; i++) {
        const char *brick = reply_text(v->a, "volume%d.brick%d", v->n, (int)i);

        if (!brick)
            return missing("brickN");
        printf("Brick%d: %s%s\n", (int)i, brick, reply_number(v->a, 0, "volume%d.brick%d.isArbiter", v->n, (int)i) ? " (arbiter)" : "");
    }
    if (v->thin_arbiter)
        printf("Thin-arbiter-path: %s\n", TEXT(v, "thin_arbiter_brick"));
    if (NUMBER(v, "opt_count"))
        puts("Options Reconfigured:");
    each_option(v, print_option, NULL);
    return 0;
}

/* ---- XML ----------------------------------------------------------------------------------------------------------------- */

static void xml_option(void *ctx, const char *key, const char *value)
{
    xml_open(ctx, "option");
    xml_put(ctx, "name", "%s", key);
    xml_put(ctx, "value", "%s", value);
    xml_close(ctx);
}

static void xml_brick(struct xml *x, const struct volume *v, int i)
{
    const char *uuid = reply_or(v->a, "", "volume%d.brick%d.uuid", v->n, i), *brick = reply_or(v->a, "", "volume%d.brick%d", v->n, i);

    xml_open(x, "brick");
    xml_attribute(x, "uuid", uuid);
    xml_inner(x, brick);
    xml_put(x, "name", "%s", brick);
    xml_put(x, "hostUuid", "%s", uuid);
    xml_put(x, "isArbiter", "%d", reply_number(v->a, 0, "volume%d.brick%d.isArbiter", v->n, i) != 0);
    xml_close(x);
}

static void xml_volume(struct xml *x, const struct volume *v)
{
    xml_open(x, "volume");
    xml_put(x, "name", "%s", TEXT(v, "name"));
    xml_put(x, "id", "%s", TEXT(v, "volume_id"));
    xml_put(x, "status", "%" PRId64, NUMBER(v, "status"));
    xml_put(x, "statusStr", "%s", status_name(NUMBER(v, "status")));
    xml_put(x, "snapshotCount", "%" PRId64, NUMBER(v, "snap_count"));
    xml_put(x, "brickCount", "%" PRId64, v->bricks);
    xml_put(x, "distCount", "%" PRId64, v->dist > 0 ? v->bricks / v->dist : 0);
    xml_put(x, "replicaCount", "%" PRId64, v->replica);
    xml_put(x, "arbiterCount", "%" PRId64, v->arbiter);
    xml_put(x, "disperseCount", "%" PRId64, v->disperse);
    xml_put(x, "redundancyCount", "%" PRId64, v->redundancy);
    xml_put(x, "type", "%" PRId64, v->type);
    xml_put(x, "typeStr", "%s", type_name(v->type));
    xml_put(x, "transport", "%" PRId64, NUMBER(v, "transport"));
    xml_open(x, "bricks");
    for (int64_t i = 1; i <= v->bricks; i++)
        xml_brick(x, v, (int)i);
    xml_close(x);
    xml_put(x, "optCount", "%" PRId64, NUMBER(v, "opt_count"));
    xml_open(x, "options");
    each_option(v, xml_option, x);
    xml_close(x);
    xml_close(x);
}

/* ---- the walk over the volumes ------------------------------------------------------------------------------------------- */

struct listing {
    struct xml *x;          /* NULL: text */
    int seen;
};

static int show(struct listing *l, const struct reply *a)
{
    int status = 0;

    for (int i = 0; !status && i < (int)reply_number(a, 0, "count"); i++) {
        struct volume v;

        if (!open_volume(&v, a, i))
            return NO_ANSWER_KEY;
        if (l->x)
            xml_volume(l->x, &v);
        else
            status = print_volume(&v);
        l->seen++;
    }
    return status;
}

static int ask_info(struct cli *c, const struct words *w, int flags, const char *name, struct reply *a)
{
    struct request r = request(NULL);

    if (name)
        put(&r, "volname", "%s", name);
    put_number(&r, "flags", flags);
    return ask(c, CLI_GET_VOLUME, &r, USUAL_S, a);
}

static void end_listing(struct listing *l)
{
    if (!l->x)
        return;
    xml_put(l->x, "count", "%d", l->seen);
    xml_end(l->x);
    l->x = NULL;
}

static void begin_listing(struct listing *l, struct cli *c, int op_ret, int op_errno, const char *reason)
{
    if (!c->xml)
        return;
    l->x = xml_begin();
    xml_frame(l->x, op_ret, op_errno, reason);
    xml_open(l->x, "volInfo");
    xml_open(l->x, "volumes");
}

static int info_of_one(struct cli *c, const struct words *w, struct listing *l)
{
    REPLY(a);
    int status = ask_info(c, w, INFO_ONE, w->at[2], &a);
    bool none = !status && (a.op_ret || reply_number(&a, 0, "count") == 0);

    if (none && !c->xml) {
        fprintf(stderr, "Volume %s does not exist\n", w->at[2]);
        status = 1;
    } else if (!status) {
        if (none)
            begin_listing(l, c, -1, a.op_errno ? a.op_errno : 30806, "Volume does not exist");
        else
            begin_listing(l, c, a.op_ret, a.op_errno, a.reason);
        status = show(l, &a);
        end_listing(l);
    }
    return status;
}

static int info_of_all(struct cli *c, const struct words *w, struct listing *l)
{
    char *last = NULL;
    int status;

    begin_listing(l, c, 0, 0, "");
    for (;;) {
        REPLY(a);

        status = ask_info(c, w, INFO_NEXT, last, &a);
        free(last);
        last = NULL;
        if (!status && a.op_ret)
            status = refused(&a, "volume info");
        if (!status && reply_number(&a, 0, "count") > 0) {
            status = show(l, &a);
            last = strdup(reply_or(&a, "", "volume%d.name", (int)reply_number(&a, 1, "count") - 1));
        }
        if (status || !last)
            break;
    }
    free(last);
    if (!status && !l->seen && !c->xml)
        fputs("No volumes present\n", stderr);
    if (!status)
        end_listing(l);
    return status;
}

int cmd_info(struct cli *c, const struct words *w)
{
    struct listing l = {0};
    int status;

    if (w->n > 3)
        return BAD_WORDS;
    status = w->n == 2 || word_is(w, 2, "all") ? info_of_all(c, w, &l) : info_of_one(c, w, &l);
    xml_drop(l.x);
    return status;
}
