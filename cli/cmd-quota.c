/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* volume quota and inode-quota (spec management 4.17). The daemon sets limits; what `list` shows of their use is asked from the files of an
 * auxiliary mount by GlusterFS's own command, which this one does not make: it says so when there are limits to list. */
#include "config.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "commands.h"
#include "xml.h"

enum quota_op {
    QUOTA_ENABLE = 1,
    QUOTA_DISABLE = 2,
    QUOTA_LIMIT = 3,
    QUOTA_REMOVE = 4,
    QUOTA_LIST = 5,
    QUOTA_ALERT = 7,
    QUOTA_SOFT = 8,
    QUOTA_HARD = 9,
    QUOTA_DEFAULT = 10,
    QUOTA_LIMIT_OBJECTS = 12,
    QUOTA_LIST_OBJECTS = 13,
    QUOTA_REMOVE_OBJECTS = 14,
    QUOTA_INODES = 15,
};

/* How many words there are behind the volume, and what the second is. */
struct shape {
    const char *name;
    enum quota_op op;
    int min, max;
    bool path, value;
};
static const struct shape shapes[] = {
    {"enable", QUOTA_ENABLE, 4, 4, false, false},
    {"disable", QUOTA_DISABLE, 4, 4, false, false},
    {"limit-usage", QUOTA_LIMIT, 6, 7, true, false},
    {"limit-objects", QUOTA_LIMIT_OBJECTS, 6, 7, true, false},
    {"remove", QUOTA_REMOVE, 5, 5, true, false},
    {"remove-objects", QUOTA_REMOVE_OBJECTS, 5, 5, true, false},
    {"list", QUOTA_LIST, 4, 64, true, false},
    {"list-objects", QUOTA_LIST_OBJECTS, 4, 64, true, false},
    {"alert-time", QUOTA_ALERT, 5, 5, false, true},
    {"soft-timeout", QUOTA_SOFT, 5, 5, false, true},
    {"hard-timeout", QUOTA_HARD, 5, 5, false, true},
    {"default-soft-limit", QUOTA_DEFAULT, 5, 5, false, true},
};

static bool say(const char *text)
{
    fprintf(stderr, "%s\n", text);
    return false;
}

/* A size as people write it, with unit and fraction, of at least 1. */
static bool is_size(const char *text, bool units)
{
    static const char *const names[] = {"", "B", "KB", "K", "MB", "M", "GB", "G", "TB", "T", "PB", "P"};
    char *end;
    double v;

    if (!isdigit((unsigned char)text[0]))
        return false;
    v = strtod(text, &end);
    if (!isfinite(v) || v < 1 || v > 9223372036854775807.0)
        return false;
    if (!units)
        return !*end && !strpbrk(text, ".eExX");
    for (size_t i = 0; i < array_len(names); i++)
        if (strcasecmp(end, names[i]) == 0)
            return true;
    return false;
}

static bool put_limit(struct request *r, const struct words *w, enum quota_op op)
{
    int64_t percent;

    if (!is_size(w->at[5], op == QUOTA_LIMIT))
        return say("Please enter an integer value in the range of (1 - 9223372036854775807)");
    put(r, "hard-limit", "%s", w->at[5]);
    if (w->n == 7) {
        char number[16];

        snprintf(number, sizeof(number), "%.*s", (int)strcspn(w->at[6], "%"), w->at[6]);
        if (!word_number(number, &percent) || (w->at[6][strlen(number)] && strcmp(w->at[6] + strlen(number), "%") != 0))
            return say("Please enter a correct value");
        if (percent < 0 || percent > 100)
            return say("Please enter a correct value in the range of 0 to 100");
        put(r, "soft-limit", "%s", number);
    }
    return true;
}

static bool put_words(struct request *r, const struct words *w, const struct shape *s)
{
    char key[16];

    if (s->path && w->n > 4 && w->at[4][0] != '/')
        return say("Please enter absolute path");
    if (w->n < s->min || w->n > s->max)
        return false;
    put_number(r, "type", s->op);
    put(r, "volname", "%s", w->at[2]);
    if (s->value)
        put(r, "value", "%s", w->at[4]);
    if (s->op == QUOTA_LIST || s->op == QUOTA_LIST_OBJECTS) {
        put_number(r, "count", w->n - 4);
        for (int i = 4; i < w->n; i++) {
            snprintf(key, sizeof(key), "path%d", i - 4);
            put(r, key, "%s", w->at[i]);
        }
        return true;
    }
    if (s->path)
        put(r, "path", "%s", w->at[4]);
    return s->min < 6 || put_limit(r, w, s->op);
}

static int print_list(struct cli *c, const struct reply *a, const char *volume, enum quota_op op, int asked)
{
    int n = (int)reply_number(a, 0, "count");

    if (n == 0 && !asked) {
        printf("quota: No %squota configured on volume %s\n", op == QUOTA_LIST_OBJECTS ? "inode " : "", volume);
        return 0;
    }
    fputs("the usage of quota limits cannot be shown by this command line: GlusterFS's own `gluster` shows it\n", stderr);
    return 1;
}

static int print_quota(struct cli *c, const struct reply *a, const char *volume, enum quota_op op, int asked)
{
    bool list = op == QUOTA_LIST || op == QUOTA_LIST_OBJECTS;

    if (c->xml && (a->op_ret || !list))
        return xml_plain(a, "volQuota", NULL);
    if (a->op_ret) {
        refused_with(a, "quota command failed%s%s", a->reason[0] ? " : " : "", a->reason);
        return list && status_of(a) == 1 ? NO_ANSWER_KEY : status_of(a);
    }
    if (list)
        return print_list(c, a, volume, op, asked);
    puts("volume quota : success");
    return 0;
}

static int send_quota(struct cli *c, const struct words *w, struct request *r, enum quota_op op)
{
    REPLY(a);

    return ask(c, CLI_QUOTA, r, LONG_S, &a) ?: print_quota(c, &a, w->at[2], op, w->n - 4);
}

int cmd_quota(struct cli *c, const struct words *w)
{
    const struct shape *s = NULL;
    struct request r;

    if (w->n < 4)
        return BAD_WORDS;
    for (size_t i = 0; i < array_len(shapes); i++)
        if (word_is(w, 3, shapes[i].name))
            s = &shapes[i];
    if (!s) {
        printf("Invalid quota option : %s\n", w->at[3]);
        return BAD_WORDS;
    }
    r = request(w);
    if (!put_words(&r, w, s)) {
        request_drop(&r);
        return BAD_WORDS;
    }
    if (s->op == QUOTA_DISABLE && !agreed(c, "Disabling quota will delete all the quota configuration. Do you want to continue?")) {
        request_drop(&r);
        return 0;
    }
    return send_quota(c, w, &r, s->op);
}

int cmd_inode_quota(struct cli *c, const struct words *w)
{
    struct request r;

    if (w->n < 4)
        return BAD_WORDS;
    if (w->n != 4 || !word_is(w, 3, "enable")) {
        printf("Invalid quota option : %s\n", w->at[3]);
        return BAD_WORDS;
    }
    r = request(w);
    put_number(&r, "type", QUOTA_INODES);
    put(&r, "volname", "%s", w->at[2]);
    return send_quota(c, w, &r, QUOTA_INODES);
}
