/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "shd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "ask.h"
#include "brickop.h"
#include "child.h"
#include "dict.h"
#include "glusterd.h"
#include "log.h"
#include "paths.h"

#define DOMAIN "glusterd"

/* What the process has been given of a volume. */
struct shd_volume {
    struct shd_volume *next;
    int pid;                     /* of the process that has it */
    unsigned int version;        /* of the volume */
    uint64_t sum, bricks;        /* of the volume file, and of its bricks' names */
    char name[];
};

bool shd_is_wanted(const struct volinfo *v)
{
    return v->status == VOLUME_STARTED && v->type != VOLUME_PLAIN;
}

bool shd_is_enabled(const struct volinfo *v)
{
    const char *heals = v->type == VOLUME_REPLICATE ? "cluster.self-heal-daemon" : "cluster.disperse-self-heal-daemon";

    return shd_is_wanted(v) && volinfo_is_on(v, heals);
}

void shd_pid_file(struct glusterd *gd, const char *volume, char *ret, size_t size)
{
    snprintf(ret, size, "%s/shd/%s/%s-shd.pid", gd->rundir, volume, volume);
}

int shd_pid(struct glusterd *gd, const char *volume)
{
    char path[4400];
    shd_pid_file(gd, volume, path, sizeof path);
    return child_holder(path);
}

/* The word behind -S of its command line. */
static int socket_of(int pid, char *ret, size_t size)
{
    char path[64], words[8192];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, words, sizeof words - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return -ESRCH;
    words[n] = '\0';
    for (const char *at = words; at < words + n; at += strlen(at) + 1) {
        const char *next = at + strlen(at) + 1;
        if (strcmp(at, "-S") == 0 && next < words + n) {
            snprintf(ret, size, "%s", next);
            return 0;
        }
    }
    return -ESRCH;
}

int shd_socket(struct glusterd *gd, const char *volume, char *ret, size_t size)
{
    int pid = shd_pid(gd, volume);
    return pid ? socket_of(pid, ret, size) : -ESRCH;
}

/* ---- what it has been given ---------------------------------------------------------------------------------------------------- */

static struct shd_volume *given(struct glusterd *gd, const char *volume)
{
    for (struct shd_volume *s = gd->shd_volumes; s; s = s->next)
        if (strcmp(s->name, volume) == 0)
            return s;
    return NULL;
}

static void remember(struct glusterd *gd, const char *volume, int pid, unsigned int version, uint64_t sum, uint64_t bricks)
{
    struct shd_volume *s = given(gd, volume);
    if (!s) {
        size_t len = strlen(volume) + 1;
        s = calloc(1, sizeof *s + len);
        if (!s)
            return; /* it is told once more the next time */
        memcpy(s->name, volume, len);
        s->next = gd->shd_volumes;
        gd->shd_volumes = s;
    }
    s->pid = pid;
    s->version = version;
    s->sum = sum;
    s->bricks = bricks;
}

void shd_done(struct glusterd *gd)
{
    while (gd->shd_volumes) {
        struct shd_volume *s = gd->shd_volumes;
        gd->shd_volumes = s->next;
        free(s);
    }
}

/* ---- the process ----------------------------------------------------------------------------------------------------------------- */

static int start(struct glusterd *gd, const struct volinfo *v, struct err *err)
{
    char program[4200], id[300], pid_file[4400], log[4400], run[4400], socket[4400], node[96], level[64];
    char *argv[32];
    size_t k = 0;
    int r = path_of_cluster_client(program, sizeof program, err);
    if (r < 0)
        return r;
    snprintf(id, sizeof id, "shd/%s", v->name);
    shd_pid_file(gd, v->name, pid_file, sizeof pid_file);
    snprintf(log, sizeof log, "%s/glustershd.log", gd->logdir);
    snprintf(run, sizeof run, "%s/shd/%s/run-%s", gd->rundir, v->name, gd->uuid);
    snprintf(socket, sizeof socket, "%s/%016llx.socket", gd->rundir, (unsigned long long)XXH64(run, strlen(run), 0));
    snprintf(node, sizeof node, "*replicate*.node-uuid=%s", gd->uuid);
    if ((r = child_make_folder_of(pid_file, err)) < 0)
        return r;
    unlink(socket);
    const char *const words[] = {
        program, "-s", "localhost", "--volfile-id", id, "-p", pid_file, "-l", log, "-S", socket, "--xlator-option", node, "--process-name",
        "glustershd", "--client-pid=-6",
    };
    for (; k < array_len(words); k++)
        argv[k] = (char *)words[k];
    const char *wanted = pairs_get(&v->options, "cluster.daemon-log-level");
    if (wanted) {
        snprintf(level, sizeof level, "%s", wanted);
        argv[k++] = (char *)"--log-level";
        argv[k++] = level;
    }
    argv[k] = NULL;
    int status = child_run(argv, err);
    if (status < 0)
        return status;
    if (status > 0)
        return err_set(err, -EIO, "the self-heal daemon (%s) did not start (exit status %d); its log %s says why", program, status, log);
    return shd_pid(gd, v->name) ? 0 : err_set(err, -EIO, "the self-heal daemon ended right after its start; its log %s says why", log);
}

static int attach(struct glusterd *gd, const struct volinfo *v, const char *socket, const char *text, struct err *err)
{
    char id[300], pid_file[4400];
    struct dict *d = dict_new();
    snprintf(id, sizeof id, "shd/%s", v->name);
    shd_pid_file(gd, v->name, pid_file, sizeof pid_file);
    int r = d && dict_set_text(d, "pidfile", pid_file) == 0 ? child_make_folder_of(pid_file, err) : err_set(err, -ENOMEM, "no memory");
    const struct question q = {.socket = socket, .procedure = BRICKOP_SVC_ATTACH, .name = id, .text = text, .dict = d};
    if (r == 0)
        r = ask(gd, &q, NULL, err);
    dict_unref(d);
    return r;
}

static int detach(struct glusterd *gd, const char *volume, const char *socket, struct err *err)
{
    char id[300];
    snprintf(id, sizeof id, "shd/%s", volume);
    const struct question q = {.socket = socket, .procedure = BRICKOP_SVC_DETACH, .name = id};
    return ask(gd, &q, NULL, err);
}

static void end(struct glusterd *gd, const char *volume)
{
    char path[4400];
    int pid, fd;
    shd_pid_file(gd, volume, path, sizeof path);
    fd = child_open(path, &pid);
    if (fd < 0)
        return;
    child_end(fd, "the self-heal daemon");
    close(fd);
    unlink(path);
}

static uint64_t sum_of_bricks(const struct volinfo *v)
{
    uint64_t sum = v->type;
    for (unsigned int i = 0; i < v->nr_bricks; i++) {
        sum = XXH64(v->bricks[i].id, strlen(v->bricks[i].id), sum);
        sum = XXH64(v->bricks[i].path, strlen(v->bricks[i].path), sum);
    }
    return sum;
}

static bool keeps_others(struct glusterd *gd, struct volview *const *all, size_t n, int pid, const char *than)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i]->v->name, than) != 0 && shd_is_wanted(all[i]->v) && shd_pid(gd, all[i]->v->name) == pid)
            return true;
    return false;
}

/* The process lets go of the volume: it is detached, or, as its last one, taken with the process: that must not be left without a pid file
 * by which it is found. True: the process has ended. */
static bool take_away(struct glusterd *gd, struct volview *const *all, size_t n, const struct volinfo *v, int own)
{
    struct err why = {""};
    char socket[4400];
    if (!keeps_others(gd, all, n, own, v->name)) {
        end(gd, v->name);
        return true;
    }
    if (socket_of(own, socket, sizeof socket) == 0 && detach(gd, v->name, socket, &why) < 0)
        log_warning(DOMAIN, "the self-heal daemon keeps volume %s: %s", v->name, why.text);
    remember(gd, v->name, 0, 0, 0, 0);
    return false;
}

/* A process that runs has the volume, as it is now. */
static int give(struct glusterd *gd, struct volview *const *all, size_t n, const struct volinfo *v, int *pid, struct err *err)
{
    const struct volgen g = {.volume = v, .workdir = gd->workdir, .own_uuid = gd->uuid, .bind_address = gd->bind_address};
    char socket[4400];
    int own = shd_pid(gd, v->name), r = 0;
    const struct shd_volume *had = given(gd, v->name);
    if (own && had && had->pid == own && had->version == v->version) { /* nothing has changed: most volumes, each time */
        *pid = own;
        return 0;
    }
    char *text = volgen_shd(&g);
    if (!text)
        return err_set(err, -ENOMEM, "no memory");
    uint64_t sum = XXH64(text, strlen(text), 0), bricks = sum_of_bricks(v);
    if (own && had && had->pid == own && had->sum == sum) {
        remember(gd, v->name, own, v->version, sum, bricks);
        free(text);
        *pid = own;
        return 0;
    }
    /* what it has already it would go on with, other paths and all (seen) */
    if (own && (!had || had->pid != own || had->bricks != bricks)) {
        if (take_away(gd, all, n, v, own) && *pid == own)
            *pid = 0;
        own = 0;
    }
    if (!own && !*pid) {
        r = start(gd, v, err);
    } else {
        r = socket_of(own ? own : *pid, socket, sizeof socket);
        r = r < 0 ? err_set(err, r, "the self-heal daemon has just ended") : attach(gd, v, socket, text, err);
    }
    free(text);
    if (r < 0)
        return r;
    own = shd_pid(gd, v->name);
    *pid = own ? own : *pid;
    remember(gd, v->name, *pid, v->version, sum, bricks);
    return 0;
}

int shd_follow(struct glusterd *gd, struct err *err)
{
    size_t n;
    int pid = 0, r = 0;
    SCOPED_LOCK(&gd->shd_lock);
    struct volview **all = volumes_all(gd, &n);
    for (size_t i = 0; i < n && !pid; i++) /* does it run? */
        pid = shd_pid(gd, all[i]->v->name);
    for (size_t i = 0; i < n; i++) { /* first what goes: it may be the process's first volume, which another one shall not be */
        const struct volinfo *v = all[i]->v;
        int own = shd_pid(gd, v->name);
        if (own && !shd_is_wanted(v) && take_away(gd, all, n, v, own) && pid == own)
            pid = 0;
    }
    for (size_t i = 0; i < n; i++) {
        struct err why = {""};
        if (!shd_is_wanted(all[i]->v) || give(gd, all, n, all[i]->v, &pid, &why) == 0)
            continue;
        log_error(DOMAIN, "volume %s is not healed: %s", all[i]->v->name, why.text);
        if (r == 0)
            r = err_set(err, -EIO, "%s", why.text);
    }
    volumes_free(all, n);
    return r;
}
