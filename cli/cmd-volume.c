/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume start, stop, delete, list, statedump, log rotate, barrier, sync, clear-locks: a volume, perhaps a word or two, and a sentence
 * back. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "bricks.h"
#include "cli.h"
#include "commands.h"
#include "xml.h"

/* ---- start, stop, delete ------------------------------------------------------------------------------------------------- */

struct verb {
    unsigned int proc;
    const char *name, *element, *id_key;
};

static int print_verb(struct cli *c, const struct verb *v, const char *volume, const struct reply *a)
{
    struct xml *x;

    if (c->xml) {
        x = xml_begin_reply(a);
        if (a->op_ret == 0) {
            xml_open(x, v->element);
            xml_open(x, "volume");
            xml_put(x, "name", "%s", reply_or(a, volume, "volname"));
            xml_put(x, "id", "%s", reply_or(a, "", "%s", v->id_key));
        }
        return xml_end(x);
    }
    if (a->op_ret)
        return refused(a, "volume %s: %s", v->name, volume);
    printf("volume %s: %s: success\n", v->name, volume);
    return 0;
}

static int run_verb(struct cli *c, const struct words *w, const struct verb *v, bool with_flags, bool force)
{
    struct request r = volume_request(w);
    REPLY(a);

    if (with_flags)
        put_number(&r, "flags", force);
    return ask(c, v->proc, &r, USUAL_S, &a) ?: print_verb(c, v, w->at[2], &a);
}

static bool volume_and_force(const struct words *w)
{
    return w->n == 3 || (w->n == 4 && word_is(w, 3, "force"));
}

int cmd_start(struct cli *c, const struct words *w)
{
    static const struct verb start = {CLI_START_VOLUME, "start", "volStart", "vol-id"};

    return volume_and_force(w) ? run_verb(c, w, &start, true, w->n == 4) : BAD_WORDS;
}

#define SHARED_STORAGE "gluster_shared_storage"
#define SHARED_QUESTION(what) \
    what " the shared storage volume(" SHARED_STORAGE "), will affect features like snapshot scheduler, geo-replication and NFS-Ganesha. " \
         "Do you still want to continue?"

int cmd_stop(struct cli *c, const struct words *w)
{
    static const struct verb stop = {CLI_STOP_VOLUME, "stop", "volStop", "vol-id"};

    if (!volume_and_force(w))
        return BAD_WORDS;
    if (!agreed(c, word_is(w, 2, SHARED_STORAGE) ? SHARED_QUESTION("Stopping")
                                                 : "Stopping volume will make its data inaccessible. Do you want to continue?"))
        return 0;
    return run_verb(c, w, &stop, true, w->n == 4);
}

int cmd_delete(struct cli *c, const struct words *w)
{
    static const struct verb delete = {CLI_DELETE_VOLUME, "delete", "volDelete", "vol-id"};

    if (w->n != 3)
        return BAD_WORDS;
    if (!agreed(c, word_is(w, 2, SHARED_STORAGE)
                       ? SHARED_QUESTION("Deleting")
                       : "Deleting volume will erase all information about the volume. Do you want to continue?"))
        return 0;
    return run_verb(c, w, &delete, false, false);
}

/* ---- list ---------------------------------------------------------------------------------------------------------------- */

static int print_list(struct cli *c, const struct reply *a)
{
    int n = (int)reply_number(a, 0, "count");
    struct xml *x;

    if (c->xml) {
        x = xml_begin_reply(a);
        xml_open(x, "volList");
        xml_put(x, "count", "%d", n);
        for (int i = 0; i < n; i++)
            xml_put(x, "volume", "%s", reply_or(a, "", "volume%d", i));
        return xml_end(x);
    }
    if (n == 0)
        fputs("No volumes present in cluster\n", stderr);
    for (int i = 0; i < n; i++) {
        const char *name = reply_text(a, "volume%d", i);

        if (!name)
            return missing("volumeN");
        puts(name);
    }
    return 0;
}

int cmd_list(struct cli *c, const struct words *w)
{
    struct request r = request(NULL);
    REPLY(a);
    int status = ask(c, CLI_LIST_VOLUME, &r, USUAL_S, &a);

    if (!status && a.op_ret)
        status = c->xml ? xml_plain(&a, NULL, NULL) : refused(&a, "volume list");
    else if (!status)
        status = print_list(c, &a);
    return status;
}

/* ---- a sentence back ----------------------------------------------------------------------------------------------------- */

/* "PREFIX: success" or "PREFIX: failed: ..."; XML with <output>. */
static int say_outcome(struct cli *c, const struct reply *a, const char *prefix, const char *operation, const char *good)
{
    if (c->xml && operation)
        return xml_plain(a, operation, a->op_ret ? a->reason : good);
    if (a->op_ret)
        return refused(a, "%s", prefix);
    printf("%s: success\n", prefix);
    return 0;
}

static bool is_dump_word(const char *text)
{
    static const char *const known[] = {"all", "mem", "iobuf", "callpool", "priv", "fd", "inode", "history", "inodectx", "fdctx", NULL};

    for (int i = 0; known[i]; i++)
        if (strcmp(known[i], text) == 0)
            return true;
    return false;
}

static bool dump_words_fine(const struct words *w)
{
    int first = 3 + (word_is(w, 3, "nfs") || word_is(w, 3, "quotad"));

    if (word_is(w, 3, "client")) {
        const char *colon = w->n == 5 ? strrchr(w->at[4], ':') : NULL;

        if (colon && colon > w->at[4] && colon[1] && colon[1 + strspn(colon + 1, "0123456789")] == '\0')
            return true;
        first = 3;
    }
    for (int i = first; i < w->n; i++)
        if (!is_dump_word(w->at[i]))
            return puts("Error parsing options"), false;
    return true;
}

int cmd_statedump(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    char options[256] = "";

    if (w->n < 3 || !dump_words_fine(w))
        return BAD_WORDS;
    for (int i = 3; i < w->n; i++)
        if (strlen(options) + strlen(w->at[i]) + 2 < sizeof(options))
            sprintf(options + strlen(options), "%s ", w->at[i]);
    r = volume_request(w);
    put(&r, "options", "%s", options);
    put_number(&r, "option_cnt", w->n - 3);
    return ask(c, CLI_STATEDUMP_VOLUME, &r, USUAL_S, &a)
               ?: say_outcome(c, &a, "volume statedump", "volStatedump", "Volume statedump successful");
}

int cmd_log_rotate(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    char *brick = NULL;
    int status;

    if (w->n < 4 || w->n > 5 || !word_is(w, 3, "rotate"))
        return BAD_WORDS;
    if (w->n == 5 && (!(brick = brick_clean(w->at[4])) || !brick_is_one(brick, "wrong brick type"))) {
        puts("Volume log rotate failed");
        free(brick);
        return 1;
    }
    r = volume_request(w);
    if (brick)
        put(&r, "brick", "%s", brick);
    status = ask(c, CLI_LOG_ROTATE, &r, USUAL_S, &a);
    if (!status)
        status = say_outcome(c, &a, "volume log-rotate", "volLogRotate", "log rotate successful");
    free(brick);
    return status;
}

static int print_barrier(const struct reply *a)
{
    if (a->op_ret)
        return refused_with(a, "volume barrier: command unsuccessful : %s", a->reason);
    puts("volume barrier: command successful");
    return 0;
}

int cmd_barrier(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);

    if (w->n != 4)
        return BAD_WORDS;
    r = volume_request(w);
    put(&r, "barrier", "%s", w->at[3]);
    return ask(c, CLI_BARRIER_VOLUME, &r, USUAL_S, &a) ?: print_barrier(&a);
}

int cmd_sync(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    char output[1024];
    int status;

    if (w->n < 3 || w->n > 4)
        return BAD_WORDS;
    if (!agreed(c, "Sync volume may make data inaccessible while the sync is in progress. Do you want to continue?"))
        return 0;
    r = request(w);
    if (w->n == 3 || word_is(w, 3, "all"))
        put_number(&r, "flags", 1);
    else
        put(&r, "volname", "%s", w->at[3]);
    put(&r, "hostname", "%s", w->at[2]);
    status = ask(c, CLI_SYNC_VOLUME, &r, USUAL_S, &a);
    if (!status && c->xml && a.op_ret) {
        snprintf(output, sizeof(output), "volume sync: failed: %s", a.reason);
        status = xml_plain(&a, "volSync", output);
    } else if (!status) {
        status = say_outcome(c, &a, "volume sync", "volSync", "volume sync: success");
    }
    return status;
}

/* ---- clear-locks --------------------------------------------------------------------------------------------------------- */

static bool lock_words_fine(const struct words *w)
{
    static const char *const kinds[] = {"blocked", "granted", "all"}, *const types[] = {"inode", "entry", "posix"};
    bool kind = false, type = false;

    if (w->n < 7 || w->n > 8)
        return false;
    for (size_t i = 0; i < array_len(kinds); i++) {
        kind |= word_is(w, 5, kinds[i]);
        type |= word_is(w, 6, types[i]);
    }
    if (kind && type && word_is(w, 4, "kind"))
        return true;
    puts("Error parsing options");
    return false;
}

static int print_cleared(const struct reply *a)
{
    if (a->op_ret)
        return refused_with(a, "Volume clear-locks unsuccessful\n%s", a->reason);
    printf("Volume clear-locks successful\n%s\n", reply_or(a, "", "lk-summary"));
    return 0;
}

int cmd_clear_locks(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);

    if (!lock_words_fine(w))
        return BAD_WORDS;
    r = volume_request(w);
    put(&r, "path", "%s", w->at[3]);
    put(&r, "kind", "%s", w->at[5]);
    put(&r, "type", "%s", w->at[6]);
    if (w->n == 8)
        put(&r, "opts", "%s", w->at[7]);
    return ask(c, CLI_CLRLOCKS_VOLUME, &r, USUAL_S, &a) ?: print_cleared(&a);
}
