/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-clear-locks.c: volume clear-locks. Stock mounts the volume for it; here each brick is asked over its socket, whatever the volume's
 * type is. A brick that does not have the path says nothing, unless none has it. Source: spec management 4.16, brick 3.11. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "brickop.h"
#include "brickset.h"
#include "dict.h"
#include "glusterd.h"

/* GlusterFS asks the bricks of one set, and each has its line. Here all are asked: those of the first set that has the path have their
 * lines, the others when they have cleared something. told: that set; -1 before. */
static bool is_told(const struct volinfo *v, unsigned int brick, const char *words, int *told)
{
    int set = (int)(brick / max_of(v->sub_count, 1u));
    if (*told < 0)
        *told = set;
    return set == *told || strcmp(words, "No locks cleared.") != 0;
}

static int gather(struct command *c, const struct volinfo *v, const struct brickset *s)
{
    char *text = NULL;
    size_t len;
    int first = -ENOENT, found = 0, told = -1, r;
    FILE *f = open_memstream(&text, &len);
    if (!f)
        return command_fail(c, "no memory");
    for (size_t i = 0; i < s->n; i++) {
        const struct brickcall *call = &s->calls[i];
        const struct brickinfo *b = &v->bricks[s->at[i]];
        const char *words;
        if (call->err == -EREMOTEIO) {
            fclose(f);
            free(text);
            return command_fail(c, "brick %s:%s is served by GlusterFS's own process, which clears locks only for those who mount the "
                                   "volume", b->host,
                                b->path);
        }
        if (call->err < 0)
            first = first == -ENOENT ? call->err : first;
        else if (call->op_ret < 0)
            first = call->op_errno == ENOENT ? first : -call->op_errno;
        else if (dict_get_text(call->out, "text", &words) == 0 && is_told(v, s->at[i], words, &told))
            fprintf(f, "%s%s", found++ ? "\n" : "", words);
    }
    if (fclose(f) != 0)
        r = command_fail(c, "no memory");
    else if (!found)
        r = command_fail(c, "clear-locks getxattr command failed. Reason: %s", strerror(-first));
    else
        r = dict_set_text(c->out, "lk-summary", text) < 0 ? command_fail(c, "no memory") : 0;
    free(text);
    return r;
}

static int clear_locks_run(struct command *c)
{
    const char *path = command_text(c, "path"), *kind = command_text(c, "kind"), *type = command_text(c, "type"),
        *opts = command_text(c, "opts");
    struct volview *w = command_volume(c);
    struct dict *in = dict_new();
    struct brickset s = {0};
    if (!w) {
        dict_unref(in);
        return -1;
    }
    const struct volinfo *v = w->v;
    int r = 0;
    unsigned int running = 0;
    if (!path || !kind || !type || strpbrk(kind, "./") || strpbrk(type, "./"))
        r = command_fail(c, "clear-locks: path, kind or type is missing");
    else if (!in || dict_set_text(in, "path", path) < 0 ||
             dict_set_textf(in, "key", "glusterfs.clrlk.t%s.k%s%s%s", type, kind, opts ? "." : "", opts ? opts : "") < 0)
        r = command_fail(c, "no memory");
    else
        r = brickset_of(c, v, NULL, &s);
    for (size_t i = 0; r == 0 && i < s.n; i++)
        running += s.calls[i].socket[0] != '\0';
    if (r == 0 && running < s.n + (s.n == 0))
        r = command_fail(c, "Couldn't get port numbers of local bricks");
    if (r == 0) {
        brickset_ask(c, v, &s, BRICKOP_CLEAR_LOCKS, in, BRICKCALL_MS);
        r = gather(c, v, &s);
    }
    brickset_done(&s);
    dict_unref(in);
    volview_unref(w);
    return r;
}

const struct command_type clear_locks_command = {.name = "volume clear-locks", .flags = COMMAND_LOGGED, .run = clear_locks_run};
