/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume add-brick, remove-brick, replace-brick, reset-brick (spec management 4.11, 4.12). */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "rebalance.h"

/* ---- add-brick ----------------------------------------------------------------------------------------------------------- */

struct counts {
    int64_t replica, arbiter; /* 0: not given */
    int next;
};

static bool take_counts(const struct words *w, struct counts *n)
{
    if (!word_is(w, n->next, "replica"))
        return true;
    if (!word_number(word(w, n->next + 1), &n->replica) || n->replica < 2) {
        fputs("replica count should be greater than 1\n", stderr);
        return false;
    }
    n->next += 2;
    if (!word_is(w, n->next, "arbiter"))
        return true;
    if (!word_number(word(w, n->next + 1), &n->arbiter) || n->arbiter != 1 || n->replica != 3) {
        fputs("For arbiter configuration, replica count must be 3 and arbiter count must be 1. The 3rd brick of the replica will be "
              "the arbiter\n",
              stderr);
        return false;
    }
    n->next += 2;
    return true;
}

int cmd_add_brick(struct cli *c, const struct words *w)
{
    bool force = w->n > 3 && word_is(w, w->n - 1, "force");
    struct counts n = {.next = 3};
    struct request r;
    REPLY(a);
    char *bricks = NULL;
    int count, status;

    if (w->n < 4 || !take_counts(w, &n) || n.next >= w->n || !bricks_join(w, n.next, w->n - force, &bricks, &count))
        return BAD_WORDS;
    if (n.replica == 2 && !agreed(c, "Replica 2 volumes are prone to split-brain. Use Arbiter or Replica 3 to avoid this. See: "
                          "http://docs.gluster.org/en/latest/Administrator-Guide/Split-brain-and-ways-to-deal-with-it/.\nDo you still "
                                     "want to continue?\n")) {
        free(bricks);
        return BAD_WORDS;
    }
    r = volume_request(w);
    if (n.replica)
        put_number(&r, "replica-count", n.replica);
    if (n.arbiter)
        put_number(&r, "arbiter-count", n.arbiter);
    put_number(&r, "count", count);
    put(&r, "bricks", "%s", bricks);
    put_number(&r, "force", force || c->force_bricks);
    status = ask(c, CLI_ADD_BRICK, &r, USUAL_S, &a);
    if (!status && c->xml)
        status = xml_plain(&a, "volAddBrick", a.op_ret ? a.reason : "Add Brick successful");
    else if (!status && a.op_ret)
        status = refused(&a, "volume add-brick");
    else if (!status)
        puts("volume add-brick: success");
    free(bricks);
    return status;
}

/* ---- remove-brick -------------------------------------------------------------------------------------------------------- */

enum { REMOVE_START = 1, REMOVE_COMMIT = 2, REMOVE_STOP = 3, REMOVE_STATUS = 4, REMOVE_FORCE = 5 };
static const char *const remove_words[] = {"start", "commit", "stop", "status", "force", NULL};
static const char *const remove_names[] = {NULL, "start", "commit", "stop", "status", "commit force"};

static bool remove_has_table(int what)
{
    return what == REMOVE_STOP || what == REMOVE_STATUS;
}

/* Removing goes by exact names; the daemon knows which bricks there are. */
static bool put_removed(struct request *r, const struct words *w, int first)
{
    char key[32];

    for (int i = first; i < w->n - 1; i++) {
        char *brick = brick_clean(w->at[i]);
        bool fine = brick && brick_is_one(brick, "wrong brick type");

        for (int j = first; fine && j < i; j++)
            if (strcmp(w->at[j], w->at[i]) == 0) {
                fprintf(stderr, "Duplicate bricks found %s\n", brick);
                fine = false;
            }
        snprintf(key, sizeof(key), "brick%d", i - first + 1);
        if (fine)
            put(r, key, "%s", brick);
        free(brick);
        if (!fine)
            return false;
    }
    if (first >= w->n - 1)
        fputs("No bricks specified\n", stderr);
    put_number(r, "count", w->n - 1 - first);
    return first < w->n - 1;
}

static int print_removed_xml(const struct reply *a, int what)
{
    struct xml *x = xml_begin_reply(a);

    xml_open(x, "volRemoveBrick");
    if (a->op_ret == 0) {
        if (reply_has(a, "remove-brick-id"))
            xml_put(x, "task-id", "%s", reply_text(a, "remove-brick-id"));
        if (remove_has_table(what))
            rebalance_xml(x, a);
    }
    return xml_end(x);
}

static int print_removed(const struct reply *a, int what)
{
    int status = 0;

    if (a->op_ret)
        return refused(a, "volume remove-brick %s", remove_names[what]);
    if (remove_has_table(what))
        status = rebalance_print(a);
    else
        printf("volume remove-brick %s: success\n", remove_names[what]);
    if (what == REMOVE_START && reply_has(a, "remove-brick-id"))
        printf("ID: %s\n", reply_text(a, "remove-brick-id"));
    if (what == REMOVE_COMMIT)
        puts("Check the removed bricks to ensure all files are migrated.\nIf files with data are found on the brick path, copy them via a "
             "gluster mount point before re-purposing the removed brick.");
    if (what == REMOVE_STOP)
        puts("'remove-brick' process may be in the middle of a file migration.\nThe process will be fully stopped once the migration of "
             "the file is complete.\nPlease check remove-brick process for completion before doing any further brick related tasks on the "
             "volume.");
    return status;
}

static bool removal_agreed(struct cli *c, int what)
{
    if (what == REMOVE_START)
        return agreed(c, "It is recommended that remove-brick be run with cluster.force-migration option disabled to prevent possible data "
                         "corruption. Doing so will ensure that files that receive writes during migration will not be migrated and will "
                         "need to be manually copied after the remove-brick commit operation. Please check the value of the option and "
                         "update accordingly. \nDo you want to continue with your current cluster.force-migration settings?");
    if (what == REMOVE_FORCE)
        return agreed(c, "Remove-brick force will not migrate files from the removed bricks, so they will no longer be available on the "
                         "volume.\nDo you want to continue?");
    return true;
}

int cmd_remove_brick(struct cli *c, const struct words *w)
{
    int what = 1, first = 3;
    struct request r;
    REPLY(a);
    int64_t replica = 0;

    while (w->n > 4 && remove_words[what - 1] && !word_is(w, w->n - 1, remove_words[what - 1]))
        what++;
    if (w->n < 5 || !remove_words[what - 1])
        return BAD_WORDS;
    if (word_is(w, 3, "replica")) {
        if (!word_number(word(w, 4), &replica) || replica < 1) {
            fputs("replica count should be greater than 0 in case of remove-brick\n", stderr);
            return BAD_WORDS;
        }
        first = 5;
    }
    r = volume_request(w);
    if (replica)
        put_number(&r, "replica-count", replica);
    put_number(&r, "command", what);
    if (!put_removed(&r, w, first)) {
        request_drop(&r);
        return BAD_WORDS;
    }
    if (!removal_agreed(c, what)) {
        request_drop(&r);
        return 0;
    }
    if (remove_has_table(what))
        put_number(&r, "rebalance-command", what == REMOVE_STOP ? 2 : 3);
    return ask(c, remove_has_table(what) ? CLI_DEFRAG_VOLUME : CLI_REMOVE_BRICK, &r, LONG_S, &a)
               ?: (c->xml ? print_removed_xml(&a, what) : print_removed(&a, what));
}

/* ---- replace-brick, reset-brick ------------------------------------------------------------------------------------------ */

static int exchange(struct cli *c, const struct words *w, unsigned int proc, const char *name, const char *to, const char *operation)
{
    char *source = brick_clean(w->at[3]), *target = to ? brick_clean(to) : NULL;
    struct request r;
    REPLY(a);
    int status = BAD_WORDS;

    if (source && brick_is_one(source, "wrong brick type") && (!to || (target && brick_is_one(target, "wrong brick type")))) {
        r = request(w);
        put(&r, "volname", "%s", w->at[2]);
        put(&r, "operation", "%s", operation);
        put(&r, "src-brick", "%s", source);
        if (target)
            put(&r, "dst-brick", "%s", target);
        if (c->ignore_partition)
            put_number(&r, "ignore-partition", 1);
        status = ask(c, proc, &r, LONG_S, &a);
        if (!status && c->xml) {
            char text[256];

            snprintf(text, sizeof(text), "%s operation successful", name);
            status = xml_said(a.op_ret, a.op_errno, a.op_ret || a.reason[0] ? a.reason : text);
        } else if (!status && a.op_ret) {
            status = refused(&a, "volume %.*s", (int)strcspn(name, " "), name);
        } else if (!status) {
            printf("volume %.*s: success: %s operation successful\n", (int)strcspn(name, " "), name, name);
        }
    }
    free(source);
    free(target);
    return status;
}

int cmd_replace_brick(struct cli *c, const struct words *w)
{
    if (w->n != 7 || !word_is(w, 5, "commit") || !word_is(w, 6, "force"))
        return BAD_WORDS;
    return exchange(c, w, CLI_REPLACE_BRICK, "replace-brick commit force", w->at[4], "GF_REPLACE_OP_COMMIT_FORCE");
}

int cmd_reset_brick(struct cli *c, const struct words *w)
{
    if (w->n < 5 || w->n > 7)
        return BAD_WORDS;
    if (w->n == 5 && word_is(w, 4, "start"))
        return exchange(c, w, CLI_RESET_BRICK, "reset-brick start", NULL, "GF_RESET_OP_START");
    if (w->n == 6 && word_is(w, 5, "commit"))
        return exchange(c, w, CLI_RESET_BRICK, "reset-brick commit", w->at[4], "GF_RESET_OP_COMMIT");
    if (w->n == 7 && word_is(w, 5, "commit") && word_is(w, 6, "force"))
        return exchange(c, w, CLI_RESET_BRICK, "reset-brick commit force", w->at[4], "GF_RESET_OP_COMMIT_FORCE");
    fprintf(stderr, "Invalid option '%s%s%s' for reset-brick. Please enter valid reset-brick command\n", w->at[w->n == 5 ? 4 : 5],
            w->n == 7 ? " " : "", w->n == 7 ? w->at[6] : "");
    return BAD_WORDS;
}
