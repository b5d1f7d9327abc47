/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume set, get, reset (spec management 4.10). */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "xml.h"

#define GROUPS GF_STATEDIR "/groups"

/* ---- set ----------------------------------------------------------------------------------------------------------------- */

static void put_pair(struct request *r, int n, const char *key, const char *value)
{
    char name[32];

    snprintf(name, sizeof(name), "key%d", n);
    put(r, name, "%s", key);
    snprintf(name, sizeof(name), "value%d", n);
    put(r, name, "%s", value);
}

static bool take_group_line(struct request *r, int n, char *line)
{
    char *end = line + strlen(line), *equals;

    while (end > line && strchr(" \t\r\n", end[-1]))
        *--end = '\0';
    equals = strchr(line, '=');
    if (!equals || equals == line || !equals[1])
        return false;
    *equals = '\0';
    put_pair(r, n, line, equals + 1);
    return true;
}

static bool put_group(struct request *r, const char *group)
{
    char *path = NULL, *line = NULL;
    FILE *file = asprintf(&path, GROUPS "/%s", group) > 0 ? fopen(path, "re") : NULL;
    size_t room = 0;
    int n = 0;
    bool fine = file != NULL;

    if (!file)
        fprintf(stderr, "Unable to open file '%s'. Error: %s\n", path ? path : group, strerror(errno));
    while (fine && getline(&line, &room, file) >= 0) {
        if (line[strspn(line, " \t\r\n")] == '\0')
            continue;
        fine = take_group_line(r, ++n, line);
        if (!fine)
            fprintf(stderr, "'%s' file format not valid.\n", path);
    }
    if (fine && n == 0) {
        fprintf(stderr, "'%s' file format not valid.\n", path);
        fine = false;
    }
    put_number(r, "count", n);
    if (file)
        fclose(file);
    free(line);
    free(path);
    return fine;
}

/* What must not be done by accident. */
static bool set_agreed(struct cli *c, const struct words *w)
{
    bool fine = true;

    for (int i = 3; fine && i + 1 < w->n; i += 2) {
        if (word_is(w, i, "nfs.disable") && (word_is(w, i + 1, "off") || word_is(w, i + 1, "0") || word_is(w, i + 1, "false") ||
                                             word_is(w, i + 1, "no") || word_is(w, i + 1, "disable")))
            fine = agreed(c, "Gluster NFS is being deprecated in favor of NFS-Ganesha Enter \"yes\" to continue using Gluster NFS");
        if (word_is(w, 2, "all") && word_is(w, i, "cluster.enable-shared-storage") && word_is(w, i + 1, "disable"))
            fine = agreed(c, "Disabling cluster.enable-shared-storage will delete the shared storage volume(gluster_shared_storage), which "
                             "is used by snapshot scheduler, geo-replication and NFS-Ganesha. Do you still want to continue?");
    }
    if (!fine)
        fputs("Aborted by user.\n", stderr);
    return fine;
}

static int print_set(struct cli *c, const struct reply *a)
{
    const char *help = reply_text(a, "help-str");

    if (help && a->op_ret == 0) {
        puts(help);
        return 0;
    }
    if (c->xml)
        return xml_plain(a, "volSet", a->op_ret ? "Set volume unsuccessful" : "Set volume successful");
    if (a->op_ret)
        return refused(a, "volume set");
    if (reply_has(a, "debug"))
        printf("%s\n", reply_or(a, "", "debug"));
    puts("volume set: success");
    return 0;
}

static void put_whole_pool(struct request *r)
{
    put(r, "globalname", "All");
    put_number(r, "hold_global_locks", 1);
}

int cmd_set(struct cli *c, const struct words *w)
{
    bool help = w->n == 3 && (word_is(w, 2, "help") || word_is(w, 2, "help-xml"));
    bool group = w->n == 5 && word_is(w, 3, "group"), fine = true;
    struct request r;
    REPLY(a);

    if (!help && (w->n < 5 || w->n % 2 == 0)) /* key, value, key, value ... */
        return BAD_WORDS;
    if (!help && !group && !set_agreed(c, w))
        return 1;
    r = volume_request(w);
    if (help) {
        put_number(&r, "count", 0);
        put(&r, w->at[2], "%s", w->at[2]); /* the key is the word itself */
    } else if (group) {
        fine = put_group(&r, w->at[4]);
    } else {
        for (int i = 3; i + 1 < w->n; i += 2)
            put_pair(&r, (i - 1) / 2, w->at[i], w->at[i + 1]);
        put_number(&r, "count", (w->n - 3) / 2 * 2);
    }
    if (word_is(w, 2, "all"))
        put_whole_pool(&r);
    if (!fine) {
        request_drop(&r);
        return 1;
    }
    return ask(c, CLI_SET_VOLUME, &r, USUAL_S, &a) ?: print_set(c, &a);
}

/* ---- reset --------------------------------------------------------------------------------------------------------------- */

static int print_reset(struct cli *c, const struct reply *a)
{
    const char *text = a->reason[0] ? a->reason : "reset volume successful";

    if (c->xml)
        return xml_plain(a, "volReset", text);
    if (a->op_ret)
        return refused(a, "volume reset");
    printf("volume reset: success: %s\n", text);
    return 0;
}

int cmd_reset(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);
    bool force = false;
    const char *key = "all";

    if (w->n < 3 || w->n > 5 || (w->n == 5 && !word_is(w, 4, "force")))
        return BAD_WORDS;
    force = w->n == 5 || word_is(w, 3, "force");
    if (w->n > 3 && !word_is(w, 3, "force"))
        key = w->at[3];
    r = volume_request(w);
    put(&r, "key", "%s", key);
    if (force)
        put_number(&r, "force", 1);
    if (word_is(w, 2, "all"))
        put_whole_pool(&r);
    return ask(c, CLI_RESET_VOLUME, &r, USUAL_S, &a) ?: print_reset(c, &a);
}

/* ---- get ----------------------------------------------------------------------------------------------------------------- */

#define GET_FAILED "volume get option: failed"

static int refuse_get(struct cli *c, const struct reply *a)
{
    char output[2048];

    if (!c->xml)
        return refused(a, "volume get option");
    snprintf(output, sizeof(output), GET_FAILED "%s%s", a->reason[0] ? ": " : "", a->reason);
    xml_plain(a, "volGetopts", output);
    return status_of(a);
}

static int xml_get(const struct reply *a, int n)
{
    struct xml *x = xml_begin_reply(a);

    xml_open(x, "volGetopts");
    if (reply_has(a, "warning"))
        xml_put(x, "Warning", "%s", reply_text(a, "warning"));
    xml_put(x, "count", "%d", n);
    for (int i = 1; i <= n; i++) {
        xml_open(x, "Opt");
        xml_put(x, "Option", "%s", reply_or(a, "", "key%d", i));
        xml_put(x, "Value", "%s", reply_or(a, "", "value%d", i));
        xml_close(x);
    }
    return xml_end(x);
}

static int print_get(struct cli *c, const struct reply *a)
{
    int n = (int)reply_number(a, 0, "count");

    if (a->op_ret)
        return refuse_get(c, a);
    if (c->xml)
        return xml_get(a, n);
    if (reply_has(a, "warning"))
        printf("%s\n", reply_text(a, "warning"));
    printf("%-40s %-39s\n%-40s %-39s\n", "Option", "Value", "------", "-----");
    for (int i = 1; i <= n; i++) {
        const char *key = reply_text(a, "key%d", i), *value = reply_text(a, "value%d", i);

        if (!key)
            return missing("keyN");
        printf("%-40s %-39s\n", key, value ? value : "(null)");
    }
    return 0;
}

int cmd_get(struct cli *c, const struct words *w)
{
    struct request r;
    REPLY(a);

    if (w->n != 4)
        return BAD_WORDS;
    r = volume_request(w);
    put(&r, "key", "%s", w->at[3]);
    return ask(c, CLI_GET_VOL_OPT, &r, USUAL_S, &a) ?: print_get(c, &a);
}
