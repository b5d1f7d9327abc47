/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* snapshot commands: requests with simple answers (spec management 4.21, 5.7). What a daemon's answer may say at length (info and status of
 * snapshots, config) is printed when there is nothing of it to show, and otherwise named as what this command line does not print. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "xml.h"

enum snap_op {
    SNAP_CREATE = 1,
    SNAP_DELETE = 2,
    SNAP_RESTORE = 3,
    SNAP_ACTIVATE = 4,
    SNAP_DEACTIVATE = 5,
    SNAP_LIST = 6,
    SNAP_STATUS = 7,
    SNAP_CONFIG = 8,
    SNAP_CLONE = 9,
    SNAP_INFO = 10,
};
enum { SUB_ALL = 0, SUB_FIRST = 1, SUB_SECOND = 2 };

static struct request snap_request(const struct words *w, enum snap_op op)
{
    struct request r = request(w);

    put_number(&r, "type", op);
    put_number(&r, "hold_snap_locks", 1);
    return r;
}

/* name: as it stands in front of ": failed:", each command has its own capitals. good: text of success; NULL: print() makes it. */
static int send_snap(struct cli *c, struct request *r, const char *name, int (*print)(struct cli *c, const struct reply *a))
{
    REPLY(a);
    int status = ask(c, CLI_SNAP, r, LONG_S, &a);

    if (!status && a.op_ret && c->xml) {
        status = xml_plain(&a, NULL, NULL);
    } else if (!status && a.op_ret) {
        puts("Snapshot command failed");
        status = refused(&a, "%s", name);
    } else if (!status) {
        status = print(c, &a);
    }
    return status;
}

/* <OUTER><INNER><name/><uuid/></INNER></OUTER> */
static int xml_named(const struct reply *a, const char *outer, const char *inner, const char *name_key, const char *id_key)
{
    struct xml *x = xml_begin_reply(a);

    xml_open(x, outer);
    xml_open(x, inner);
    xml_put(x, "name", "%s", reply_or(a, "", "%s", name_key));
    xml_put(x, "uuid", "%s", reply_or(a, "", "%s", id_key));
    return xml_end(x);
}

static int print_created(struct cli *c, const struct reply *a)
{
    if (c->xml)
        return xml_named(a, "snapCreate", "snapshot", "snapname", "snapuuid");
    printf("snapshot create: success: Snap %s created successfully\n", reply_or(a, "", "snapname"));
    if (reply_number(a, 0, "soft-limit-reach"))
        printf("Warning: Soft-limit of volume (%s) is reached. Snapshot creation is not possible once hard-limit is reached.\n",
               reply_or(a, "", "volname"));
    return 0;
}

static bool snap_name_fine(const char *name)
{
    if (strlen(name) > 255) {
        fputs("snapshot create: failed: snapname cannot exceed 255 characters.\n", stderr);
        return false;
    }
    if (strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != strlen(name)) {
        fputs("snapshot create: failed: Snapname can contain only alphanumeric, \"-\" and \"_\" characters\n", stderr);
        return false;
    }
    return true;
}

int cmd_snap_create(struct cli *c, const struct words *w)
{
    const char *description = NULL;
    bool stamp = true, force = false;
    struct request r;
    int i = 4;

    if (w->n == 3)
        fputs("Invalid Syntax.\n", stderr);
    if (w->n < 4 || !snap_name_fine(w->at[2]))
        return BAD_WORDS;
    if (word_is(w, i, "no-timestamp")) {
        stamp = false;
        i++;
    }
    if (word_is(w, i, "description")) {
        if (!word(w, i + 1))
            return fputs("Please provide a description\n", stderr), BAD_WORDS;
        description = w->at[i + 1];
        i += 2;
    }
    if (word_is(w, i, "force")) {
        force = true;
        i++;
    }
    if (i < w->n)
        return fputs("Invalid Syntax.\n", stderr), BAD_WORDS;
    r = snap_request(w, SNAP_CREATE);
    put(&r, "snapname", "%s", w->at[2]);
    put(&r, "volname1", "%s", w->at[3]);
    put_number(&r, "volcount", 1);
    if (description)
        put(&r, "description", "%s", description);
    if (!stamp)
        put(&r, "no-timestamp", "true");
    put_number(&r, "flags", force);
    return send_snap(c, &r, "snapshot create", print_created);
}

static int print_cloned(struct cli *c, const struct reply *a)
{
    if (c->xml)
        return xml_named(a, "CloneCreate", "volume", "clonename", "snapuuid");
    printf("snapshot clone: success: Clone %s created successfully\n", reply_or(a, "", "clonename"));
    return 0;
}

int cmd_snap_clone(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n != 4)
        return BAD_WORDS;
    r = snap_request(w, SNAP_CLONE);
    put(&r, "clonename", "%s", w->at[2]);
    put(&r, "snapname", "%s", w->at[3]);
    put_number(&r, "volcount", 1);
    return send_snap(c, &r, "snapshot clone", print_cloned);
}

static int print_deleted(struct cli *c, const struct reply *a)
{
    if (c->xml)
        return xml_named(a, "snapDelete", "snapshot", "snapname", "snapuuid");
    printf("snapshot delete: %s: snap removed successfully\n", reply_or(a, "", "snapname"));
    return 0;
}

int cmd_snap_delete(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n != 3 && !(w->n == 4 && word_is(w, 2, "volume")))
        return BAD_WORDS;
    if (w->n == 4 || word_is(w, 2, "all")) {
        fputs("this command line deletes one snapshot at a time: snapshot delete <snapname>\n", stderr);
        return 1;
    }
    if (!agreed(c, "Deleting snap will erase all the information about the snap. Do you still want to continue?"))
        return 0;
    r = snap_request(w, SNAP_DELETE);
    put_number(&r, "sub-cmd", SUB_SECOND);
    put(&r, "snapname", "%s", w->at[2]);
    return send_snap(c, &r, "snapshot delete", print_deleted);
}

static int print_restored(struct cli *c, const struct reply *a)
{
    struct xml *x;

    if (!c->xml) {
        printf("Snapshot restore: %s: Snap restored successfully\n", reply_or(a, "", "snapname"));
        return 0;
    }
    x = xml_begin_reply(a);
    xml_open(x, "snapRestore");
    xml_open(x, "volume");
    xml_put(x, "name", "%s", reply_or(a, "", "volname"));
    xml_put(x, "uuid", "%s", reply_or(a, "", "volid"));
    xml_close(x);
    xml_open(x, "snapshot");
    xml_put(x, "name", "%s", reply_or(a, "", "snapname"));
    xml_put(x, "uuid", "%s", reply_or(a, "", "snapuuid"));
    return xml_end(x);
}

int cmd_snap_restore(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n != 3)
        return BAD_WORDS;
    if (!agreed(c, "Restore operation will replace the original volume with the snapshotted volume. Do you still want to continue?"))
        return 0;
    r = snap_request(w, SNAP_RESTORE);
    put(&r, "snapname", "%s", w->at[2]);
    return send_snap(c, &r, "snapshot restore", print_restored);
}

static int print_activated(struct cli *c, const struct reply *a)
{
    if (c->xml)
        return xml_named(a, "snapActivate", "snapshot", "snapname", "snapuuid");
    printf("Snapshot activate: %s: Snap activated successfully\n", reply_or(a, "", "snapname"));
    return 0;
}

int cmd_snap_activate(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n < 3 || w->n > 4 || (w->n == 4 && !word_is(w, 3, "force")))
        return BAD_WORDS;
    r = snap_request(w, SNAP_ACTIVATE);
    put(&r, "snapname", "%s", w->at[2]);
    put_number(&r, "flags", w->n == 4);
    return send_snap(c, &r, "snapshot activate", print_activated);
}

static int print_deactivated(struct cli *c, const struct reply *a)
{
    if (c->xml)
        return xml_named(a, "snapDeactivate", "snapshot", "snapname", "snapuuid");
    printf("Snapshot deactivate: %s: Snap deactivated successfully\n", reply_or(a, "", "snapname"));
    return 0;
}

int cmd_snap_deactivate(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n != 3)
        return BAD_WORDS;
    if (!agreed(c, "Deactivating snap will make its data inaccessible. Do you want to continue?"))
        return 0;
    r = snap_request(w, SNAP_DEACTIVATE);
    put(&r, "snapname", "%s", w->at[2]);
    return send_snap(c, &r, "snapshot deactivate", print_deactivated);
}

static int print_list(struct cli *c, const struct reply *a)
{
    int n = (int)reply_number(a, 0, "snapcount");
    struct xml *x;

    if (c->xml) {
        x = xml_begin_reply(a);
        xml_open(x, "snapList");
        xml_put(x, "count", "%d", n);
        for (int i = 1; i <= n; i++)
            xml_put(x, "snapshot", "%s", reply_or(a, "", "snapname%d", i));
        return xml_end(x);
    }
    if (n == 0)
        puts("No snapshots present");
    for (int i = 1; i <= n; i++)
        puts(reply_or(a, "", "snapname%d", i));
    return 0;
}

int cmd_snap_list(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n > 3)
        return BAD_WORDS;
    r = snap_request(w, SNAP_LIST);
    if (w->n == 3)
        put(&r, "volname", "%s", w->at[2]);
    return send_snap(c, &r, "Snapshot list ", print_list);
}

static int print_nothing_of(struct cli *c, const struct reply *a)
{
    int64_t n = reply_number(a, reply_number(a, 0, "status.snapcount"), "snapcount");

    if (n == 0 && !c->xml) {
        puts("No snapshots present");
        return 0;
    }
    fputs("this command line does not print the details of snapshots: GlusterFS's own `gluster` does\n", stderr);
    return 1;
}

static int ask_details(struct cli *c, const struct words *w, enum snap_op op, const char *name)
{
    bool of_volume = w->n == 4 && word_is(w, 2, "volume");
    struct request r;

    if (w->n > 3 && !of_volume)
        return BAD_WORDS;
    r = snap_request(w, op);
    put_number(&r, "sub-cmd", w->n == 2 ? SUB_ALL : of_volume ? SUB_SECOND : SUB_FIRST);
    if (w->n > 2)
        put(&r, of_volume ? "volname" : "snapname", "%s", w->at[w->n - 1]);
    return send_snap(c, &r, name, print_nothing_of);
}

int cmd_snap_info(struct cli *c, const struct words *w)
{
    return ask_details(c, w, SNAP_INFO, "Snapshot info ");
}

int cmd_snap_status(struct cli *c, const struct words *w)
{
    return ask_details(c, w, SNAP_STATUS, "Snapshot status ");
}

static int print_config(struct cli *c, const struct reply *a)
{
    int n = (int)reply_number(a, 0, "voldisplaycount");

    if (c->xml) {
        fputs("this command line has no XML of the configuration of snapshots\n", stderr);
        return 1;
    }
    printf("\nSnapshot System Configuration:\nsnap-max-hard-limit : %s\nsnap-max-soft-limit : %s%%\nauto-delete : "
           "%s\nactivate-on-create : %s\n\n"
           "Snapshot Volume Configuration:\n",
           reply_or(a, "", "snap-max-hard-limit"), reply_or(a, "", "snap-max-soft-limit"), reply_or(a, "disable", "auto-delete"),
           reply_or(a, "disable", "snap-activate-on-create"));
    for (int i = 0; i < n; i++)
        printf("\nVolume : %s\nsnap-max-hard-limit : %s\nEffective snap-max-hard-limit : %s\nEffective snap-max-soft-limit : %s (%s%%)\n",
               reply_or(a, "", "volume%d-volname", i), reply_or(a, "", "volume%d-snap-max-hard-limit", i),
               reply_or(a, "", "volume%d-active-hard-limit", i), reply_or(a, "", "volume%d-snap-max-soft-limit", i),
               reply_or(a, "", "snap-max-soft-limit"));
    return 0;
}

int cmd_snap_config(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n > 3) {
        fputs("this command line shows the configuration of snapshots and does not change it\n", stderr);
        return 1;
    }
    r = snap_request(w, SNAP_CONFIG);
    put_number(&r, "config-command", 2);
    if (w->n == 3)
        put(&r, "volname", "%s", w->at[2]);
    return send_snap(c, &r, "Snapshot Config ", print_config);
}
