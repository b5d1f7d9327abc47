/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* cmd-brick.c: what a command does to the processes of a volume's bricks: statedump, log rotate, barrier.
 * Source: spec management 3.6, 4.16. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "answer.h"
#include "brickop.h"
#include "brickset.h"
#include "clock.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "option-value.h"
#include "programs.h"

#define DOMAIN "glusterd"
#define DUMP_MS 10000

/* ---- statedump -------------------------------------------------------------------------------------------------------------------- */

/* Words of a dump: each is a line "WORD=yes" of the file that the process reads. */
static bool dump_word(const char *word, size_t len)
{
    static const char *const known[] = {"all", "mem", "iobuf", "callpool", "priv", "fd", "inode", "history", "inodectx", "fdctx", "dict"};
    for (size_t i = 0; i < array_len(known); i++)
        if (strlen(known[i]) == len && strncmp(known[i], word, len) == 0)
            return true;
    return false;
}

static int write_dump_options(const char *file, const char *folder, const char *words, struct err *err)
{
    FILE *f = fopen(file, "we");
    if (!f)
        return err_set(err, -errno, "%s: %s", file, strerror(errno));
    fprintf(f, "path=%s\n", folder);
    if (!words[0])
        fputs("all=yes\n", f);
    for (const char *at = words + strspn(words, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        fprintf(f, "%.*s=yes\n", (int)len, at);
        at += len;
    }
    if (fclose(f) != 0)
        return err_set(err, -errno, "%s: %s", file, strerror(errno));
    return 0;
}

/* The newest statedump of a process, as something that changes with each. */
static uint64_t newest_dump(const char *folder, int pid)
{
    char part[32];
    uint64_t newest = 0;
    struct dirent *e;
    DIR *d = opendir(folder);
    snprintf(part, sizeof part, ".%d.dump.", pid);
    while (d && (e = readdir(d))) {
        struct stat st;
        if (strstr(e->d_name, part) && fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            newest += (uint64_t)st.st_ino + (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
    }
    if (d)
        closedir(d);
    return newest;
}

struct dumping {
    int pid;                     /* 0: it was not asked */
    uint64_t before;
    char file[160];
};

/* Who says that it is done shall be right: the files are there when the command ends. */
static int wait_dumps(struct command *c, const struct volinfo *v, const char *folder, const struct dumping *all)
{
    uint64_t end = clock_ms() + DUMP_MS;
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        while (all[i].pid && newest_dump(folder, all[i].pid) == all[i].before) {
            if (clock_ms() > end)
                return command_fail(c, "brick %s:%s has not written its statedump to %s within %d s", v->bricks[i].host, v->bricks[i].path,
                                    folder, DUMP_MS / 1000);
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
    return 0;
}

static int dump_bricks(struct command *c, const struct volinfo *v, const char *words)
{
    unsigned int sent = 0;
    struct err err = {""};
    const char *set = pairs_get(&v->options, "server.statedump-path"), *folder = set ? set : c->gd->rundir;
    struct dumping *all = calloc(v->nr_bricks + 1, sizeof *all);
    if (!all)
        return command_fail(c, "no memory");
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        struct brick_status s = brickrun_status(c->gd, v->bricks[i].path);
        if (!s.online)
            continue;
        snprintf(all[i].file, sizeof all[i].file, "%s/glusterdump.%d.options", c->gd->rundir, s.pid);
        all[i].before = newest_dump(folder, s.pid);
        if (write_dump_options(all[i].file, folder, words, &err) < 0)
            continue;
        int r = brickrun_signal(c->gd, v->bricks[i].path, SIGUSR1);
        if (r < 0) {
            err_set(&err, r, "brick %s:%s: %s", v->bricks[i].host, v->bricks[i].path, strerror(-r));
            continue;
        }
        all[i].pid = s.pid;
        sent++;
    }
    int r = wait_dumps(c, v, folder, all);
    for (unsigned int i = 0; i < v->nr_bricks; i++)
        if (all[i].file[0])
            unlink(all[i].file);
    free(all);
    if (r == 0 && err.text[0])
        r = command_fail(c, "%s", err.text);
    return r == 0 && sent == 0 ? command_fail(c, "no brick of volume %s runs", v->name) : r;
}

/* "client HOST:PID" (the command line may have put a blank for the colon): whoever has connected from there is told; the process with that
 * number dumps. */
static int dump_client(struct command *c, const struct volinfo *v, char *words)
{
    char *save = NULL, *host, *pid;
    (void)v;
    strtok_r(words, " ", &save);
    host = strtok_r(NULL, " ", &save);
    if (!host)
        return command_fail(c, "ip address not specified");
    pid = strtok_r(NULL, " ", &save);
    if (!pid && (pid = strrchr(host, ':'))) /* the last one: an address may have others */
        *pid++ = '\0';
    if (!pid || !*pid || pid[strspn(pid, "0123456789")] != '\0')
        return command_fail(c, "pid not specified");
    return tell_to_dump(c->gd, host, (uint32_t)strtoul(pid, NULL, 10)) > 0 ? 0 : command_fail(c, "no client from %s is connected", host);
}

static int statedump_run(struct command *c)
{
    const char *given = command_text(c, "options");
    char words[1024];
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    int r = 0;
    snprintf(words, sizeof words, "%s", given ? given : "");
    char *first = words + strspn(words, " ");
    size_t len = strcspn(first, " ");
    if (w->v->status != VOLUME_STARTED)
        r = command_fail(c, "Volume %s is not in the started state", w->v->name);
    else if (strncmp(first, "quotad", 6) == 0)
        r = command_fail(c, "Quota is not enabled on volume %s", w->v->name);
    else if (strncmp(first, "nfs", 3) == 0)
        r = command_fail(c, "there is no NFS server in this build that could write a statedump");
    else if (len == 6 && strncmp(first, "client", 6) == 0)
        r = dump_client(c, w->v, first);
    else {
        for (const char *at = first; r == 0 && *at; at += len, at += strspn(at, " ")) {
            len = strcspn(at, " ");
            if (!dump_word(at, len))
                r = command_fail(c, "%.*s is no part of a statedump", (int)len, at);
        }
        if (r == 0)
            r = dump_bricks(c, w->v, first);
    }
    volview_unref(w);
    return r;
}

/* ---- log rotate ------------------------------------------------------------------------------------------------------------------- */

/* LOG becomes LOG.SECONDS, and one more for each that is there already; whoever has it open is told to open it again. */
static int rotate_one(struct command *c, const struct volinfo *v, unsigned int i, long long seconds)
{
    char log[4400], to[4500];
    const struct brickinfo *b = &v->bricks[i];
    if (brickrun_log(c->gd, v, i, log, sizeof log) < 0)
        return command_fail(c, "no memory");
    do
        snprintf(to, sizeof to, "%s.%lld", log, seconds++);
    while (access(to, F_OK) == 0);
    if (rename(log, to) < 0 && errno != ENOENT)
        return command_fail(c, "brick %s:%s: its log cannot be renamed to %s: %s", b->host, b->path, to, strerror(errno));
    int r = brickrun_signal(c->gd, b->path, SIGHUP);
    return r < 0 && r != -ESRCH ? command_fail(c, "brick %s:%s: %s", b->host, b->path, strerror(-r)) : 0;
}

static int rotate_run(struct command *c)
{
    const char *brick = command_text(c, "brick");
    struct volview *w = command_volume(c);
    unsigned int done = 0;
    if (!w)
        return -1;
    const struct volinfo *v = w->v;
    int r = v->status == VOLUME_STARTED ? 0 : command_fail(c, "Volume %s needs to be started before log rotate.", v->name);
    for (unsigned int i = 0; r == 0 && i < v->nr_bricks; i++) {
        if ((brick && !brick_is(&v->bricks[i], brick)) || strcmp(v->bricks[i].owner, c->gd->uuid) != 0)
            continue;
        r = rotate_one(c, v, i, (long long)time(NULL));
        done++;
    }
    if (r == 0 && brick && done == 0)
        r = command_fail(c, "Incorrect brick %s for volume %s", brick, v->name);
    volview_unref(w);
    return r;
}

/* ---- barrier ------------------------------------------------------------------------------------------------------------------------ */

/* All bricks or none: where one refuses, those that have taken it are turned back. */
static int barrier_bricks(struct command *c, const struct volinfo *v, const char *value, const char *other)
{
    struct brickset s;
    struct dict *in = dict_new(), *back = dict_new();
    if (brickset_of(c, v, NULL, &s) < 0 || !in || !back || dict_set_text(in, "barrier", value) < 0 ||
        dict_set_text(back, "barrier", other) < 0) {
        dict_unref(in);
        dict_unref(back);
        return command_fail(c, "no memory");
    }
    brickset_ask(c, v, &s, BRICKOP_BARRIER, in, BRICKCALL_MS);
    int r = 0;
    for (size_t i = 0; i < s.n && r == 0; i++) {
        const struct brickinfo *b = &v->bricks[s.at[i]];
        if (s.calls[i].err < 0)
            r = command_fail(c, "brick %s:%s gives no answer: %s", b->host, b->path, strerror(-s.calls[i].err));
        else if (s.calls[i].op_ret < 0)
            r = command_fail(c, "%s", s.calls[i].errstr[0] ? s.calls[i].errstr : "Failed to reconfigure barrier.");
    }
    for (size_t i = 0; i < s.n && r < 0; i++)
        if (s.calls[i].err < 0 || s.calls[i].op_ret < 0)
            s.calls[i].socket[0] = '\0'; /* it has not taken it */
    brickcalls_done(s.calls, s.n);
    if (r < 0)
        brickset_ask(c, v, &s, BRICKOP_BARRIER, back, BRICKCALL_MS);
    brickset_done(&s);
    dict_unref(in);
    dict_unref(back);
    return r;
}

static int barrier_run(struct command *c)
{
    const char *value = command_text(c, "barrier");
    bool on = false;
    struct volview *w = command_volume(c);
    if (!w)
        return -1;
    int r = 0;
    struct volinfo *v = NULL;
    if (w->v->status != VOLUME_STARTED)
        r = command_fail(c, "Volume %s is not started", w->v->name);
    else if (!value || parse_bool(value, &on) < 0)
        r = command_fail(c, "Failed to reconfigure barrier.");
    else
        r = barrier_bricks(c, w->v, on ? "enable" : "disable", on ? "disable" : "enable");
    if (r == 0 && (!(v = volinfo_copy(w->v)) || pairs_set(&v->options, "features.barrier", on ? "enable" : "disable") < 0)) {
        volinfo_free(v);
        r = command_fail(c, "no memory");
    } else if (r == 0) { /* a brick that is started again has the one that was last set, as with stock */
        r = volume_commit(c, v);
    }
    volview_unref(w);
    return r;
}

const struct command_type statedump_command = {.name = "volume statedump", .flags = COMMAND_LOGGED, .run = statedump_run};
const struct command_type rotate_command = {.name = "volume log rotate", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = rotate_run};
const struct command_type barrier_command = {.name = "volume barrier", .flags = COMMAND_CHANGES | COMMAND_LOGGED, .run = barrier_run};
