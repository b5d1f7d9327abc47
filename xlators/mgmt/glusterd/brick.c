/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick.c: bricks as processes: the list, watched, stopped.
 *
 * Which process is a brick's: who holds the lock on its pid file (child.h).
 *
 * A brick stands in the list from before its process is started, so that a SIGNIN which comes first finds it; pid 0: no process yet. How
 * it is started: brick-start.c. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "brick-impl.h"
#include "child.h"
#include "env.h"
#include "glusterd.h"
#include "log.h"

#define DOMAIN "glusterd"

/* ---- names of files -------------------------------------------------------------------------------------------------------- */

int brick_names(struct glusterd *gd, const char *volume, const char *host, const char *path, struct brick_names *n)
{
    char run[4400];
    char *dashed = path_dashed(path, false);
    if (!dashed)
        return -ENOMEM;
    snprintf(n->pid_file, sizeof n->pid_file, "%s/vols/%s/%s-%s.pid", gd->rundir, volume, host, dashed);
    snprintf(n->log, sizeof n->log, "%s/bricks/%s.log", gd->logdir, dashed);
    snprintf(n->volfile_id, sizeof n->volfile_id, "%s.%s.%s", volume, host, dashed);
    snprintf(run, sizeof run, "%s/vols/%s/run/%s-%s", gd->rundir, volume, host, dashed);
    snprintf(n->socket, sizeof n->socket, "%s/%016llx.socket", gd->rundir, (unsigned long long)XXH64(run, strlen(run), 0));
    free(dashed);
    return 0;
}

int brickrun_socket(struct glusterd *gd, const struct volinfo *v, unsigned int i, char *path, size_t size)
{
    struct brick_names n;
    if (brick_names(gd, v->name, v->bricks[i].host, v->bricks[i].path, &n) < 0)
        return -ENOMEM;
    snprintf(path, size, "%s", n.socket);
    return 0;
}

int brickrun_log(struct glusterd *gd, const struct volinfo *v, unsigned int i, char *path, size_t size)
{
    struct brick_names n;
    if (brick_names(gd, v->name, v->bricks[i].host, v->bricks[i].path, &n) < 0)
        return -ENOMEM;
    snprintf(path, size, "%s", n.log);
    return 0;
}

bool brick_has_pid_file(const struct volinfo *v, const char *name)
{
    bool yes = false;
    for (unsigned int i = 0; i < v->nr_bricks && !yes; i++) {
        char *dashed = path_dashed(v->bricks[i].path, false), own[4400];
        snprintf(own, sizeof own, "%s-%s.pid", v->bricks[i].host, dashed ? dashed : "");
        yes = !dashed || strcmp(own, name) == 0;
        free(dashed);
    }
    return yes;
}

/* ---- the list ---------------------------------------------------------------------------------------------------------------- */

struct brickrun *brick_find_locked(struct glusterd *gd, const char *path)
{
    for (struct brickrun *b = gd->bricks; b; b = b->next)
        if (!b->dead && strcmp(b->path, path) == 0)
            return b;
    return NULL;
}

static void run_free(struct brickrun *b)
{
    if (b->watch.fd >= 0)
        close(b->watch.fd);
    free(b->volume);
    free(b->path);
    free(b->pid_file);
    free(b);
}

static void unlink_locked(struct glusterd *gd, struct brickrun *b)
{
    struct brickrun **at = &gd->bricks;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
}

/* On the loop: the process has ended. */
static void ended(struct watch *w, uint32_t events)
{
    struct brickrun *b = container_of(w, struct brickrun, watch);
    struct glusterd *gd = b->gd;
    (void)events;
    loop_unwatch(gd->process->env.loop, w);
    pthread_mutex_lock(&gd->lock);
    bool told = b->state == BRICK_STOPPED; /* by brickrun_stop() */
    unlink_locked(gd, b);
    pthread_mutex_unlock(&gd->lock);
    if (told)
        log_info(DOMAIN, "brick %s of volume %s, process %d: stopped", b->path, b->volume, b->pid);
    else
        log_warning(DOMAIN, "brick %s of volume %s: its process %d has ended; `volume start %s force` starts it again", b->path, b->volume,
                    b->pid, b->volume);
    run_free(b);
}

static void arm(struct loop_work *w)
{
    struct brickrun *b = container_of(w, struct brickrun, arm);
    b->posted = false;
    if (!b->gd) { /* bricks_forget() came first */
        run_free(b);
        return;
    }
    if (loop_watch(b->gd->process->env.loop, &b->watch) < 0)
        log_error(DOMAIN, "brick %s: its process cannot be watched", b->path);
}

int brick_expect(struct glusterd *gd, const char *volume, const char *path, const char *pid_file)
{
    struct brickrun *b = calloc(1, sizeof *b);
    if (b)
        b->watch = (struct watch){.fd = -1, .events = EPOLLIN, .ready = ended};
    if (!b || !(b->volume = strdup(volume)) || !(b->path = strdup(path)) || !(b->pid_file = strdup(pid_file))) {
        if (b)
            run_free(b);
        return -ENOMEM;
    }
    b->gd = gd;
    b->state = BRICK_STARTING;
    b->arm.run = arm;
    pthread_mutex_lock(&gd->lock);
    struct brickrun *before = brick_find_locked(gd, path);
    if (before && before->pid) { /* has its process ended, and ended() is still to come? */
        struct pollfd p = {.fd = before->watch.fd, .events = POLLIN};
        before->dead = poll(&p, 1, 0) == 1;
    }
    bool there = before && !before->dead;
    if (!there) {
        b->next = gd->bricks;
        gd->bricks = b;
    }
    pthread_mutex_unlock(&gd->lock);
    if (there)
        run_free(b);
    return there ? -EEXIST : 0;
}

void brick_give_up(struct glusterd *gd, const char *path)
{
    pthread_mutex_lock(&gd->lock);
    struct brickrun *b = brick_find_locked(gd, path);
    if (b && b->pid == 0)
        unlink_locked(gd, b);
    else
        b = NULL;
    pthread_mutex_unlock(&gd->lock);
    if (b)
        run_free(b);
}

int brick_enter(struct glusterd *gd, const char *volume, const char *path, const char *pid_file, int port)
{
    int pid, fd = child_open(pid_file, &pid);
    if (fd < 0)
        return -ESRCH;
    int r = brick_expect(gd, volume, path, pid_file);
    if (r < 0 && r != -EEXIST) {
        close(fd);
        return r;
    }
    pthread_mutex_lock(&gd->lock);
    struct brickrun *b = brick_find_locked(gd, path);
    bool new = b && b->pid == 0;
    if (new) {
        b->pid = pid;
        b->watch.fd = fd;
        b->port = port ? port : b->port;
        b->state = b->port ? BRICK_STARTED : BRICK_STARTING;
        b->posted = true;
    }
    pthread_mutex_unlock(&gd->lock);
    if (new)
        loop_post(gd->process->env.loop, &b->arm); /* it is freed on the loop only, which has this still to run */
    else
        close(fd);
    return 0;
}

struct brick_status brickrun_status(struct glusterd *gd, const char *path)
{
    SCOPED_LOCK(&gd->lock);
    const struct brickrun *b = brick_find_locked(gd, path);
    if (!b || b->state == BRICK_STOPPED)
        return (struct brick_status){0};
    return (struct brick_status){.online = b->port > 0, .pid = b->pid, .port = b->port};
}

int brickrun_signal(struct glusterd *gd, const char *path, int signal)
{
    SCOPED_LOCK(&gd->lock);
    const struct brickrun *b = brick_find_locked(gd, path);
    if (!b || b->state == BRICK_STOPPED || b->watch.fd < 0)
        return -ESRCH;
    return pidfd_send_signal(b->watch.fd, signal, NULL, 0) < 0 ? -errno : 0;
}

int brickrun_port(struct glusterd *gd, const char *path)
{
    return brickrun_status(gd, path).port;
}

/* The list has each brick that we have started, also while it starts. One that a former life was starting is looked for in the volumes. */
static bool is_ours(struct glusterd *gd, const char *path, int pid)
{
    char pid_file[4400] = "";
    size_t n = 0;
    pthread_mutex_lock(&gd->lock);
    const struct brickrun *b = brick_find_locked(gd, path);
    if (b && b->state != BRICK_STOPPED)
        snprintf(pid_file, sizeof pid_file, "%s", b->pid_file);
    pthread_mutex_unlock(&gd->lock);
    if (pid_file[0])
        return child_holder(pid_file) == pid;
    struct volview **all = volumes_all(gd, &n);
    bool ours = false;
    for (size_t i = 0; i < n && !ours; i++) {
        const struct volinfo *v = all[i]->v;
        for (unsigned int k = 0; k < v->nr_bricks && !ours; k++) {
            const struct brickinfo *info = &v->bricks[k];
            struct brick_names names;
            ours = strcmp(info->path, path) == 0 && strcmp(info->owner, gd->uuid) == 0 &&
                   brick_names(gd, v->name, info->host, path, &names) == 0 && child_holder(names.pid_file) == pid &&
                   brick_enter(gd, v->name, path, names.pid_file, 0) == 0;
        }
    }
    volumes_free(all, n);
    return ours;
}

bool brick_signed_in(struct glusterd *gd, const char *path, int port, int pid, struct rpc_conn *conn)
{
    if (port <= 0 || port > 65535 || pid <= 0 || !is_ours(gd, path, pid))
        return false;
    SCOPED_LOCK(&gd->lock);
    struct brickrun *b = brick_find_locked(gd, path);
    if (!b || (b->pid && b->pid != pid) || b->state == BRICK_STOPPED)
        return false;
    b->port = port;
    b->conn = conn;
    b->state = BRICK_STARTED;
    return true;
}

bool brick_signed_out(struct glusterd *gd, const char *path, struct rpc_conn *conn)
{
    SCOPED_LOCK(&gd->lock);
    struct brickrun *b = brick_find_locked(gd, path);
    if (!b || b->conn != conn)
        return false;
    b->port = 0;
    b->conn = NULL;
    return true;
}

void brick_conn_closed(struct glusterd *gd, struct rpc_conn *conn)
{
    SCOPED_LOCK(&gd->lock);
    for (struct brickrun *b = gd->bricks; b; b = b->next)
        if (b->conn == conn)
            b->conn = NULL; /* the port stays: it serves on, and signs in again when it has a new connection */
}

/* ---- the folder --------------------------------------------------------------------------------------------------------------- */

static int parse_uuid(const char *text, uint8_t to[16])
{
    size_t n = 0;
    for (const char *c = text; *c && n < 16; c++) {
        unsigned int byte;
        if (*c == '-')
            continue;
        if (sscanf(c, "%2x", &byte) != 1)
            return -EINVAL;
        to[n++] = (uint8_t)byte;
        c++;
    }
    return n == 16 ? 0 : -EINVAL;
}

static void print_uuid(const uint8_t b[16], char ret[UUID_TEXT])
{
    snprintf(ret, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5],
             b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* repair: a missing mark is set (start force; a volume that was created and never started, whose daemon died before it could). */
int brick_check_id(const struct volinfo *v, unsigned int i, bool repair, struct err *err)
{
    const struct brickinfo *b = &v->bricks[i];
    uint8_t want[16], have[16];
    char text[UUID_TEXT];
    struct stat st;
    if (parse_uuid(v->id, want) < 0)
        return err_set(err, -EINVAL, "volume %s: its id %s is none", v->name, v->id);
    if (stat(b->path, &st) < 0 || !S_ISDIR(st.st_mode))
        return err_set(err, -ENOENT, "Failed to find brick directory %s for volume %s. Reason : %s", b->path, v->name,
                       strerror(errno ? errno : ENOTDIR));
    ssize_t n = lgetxattr(b->path, "trusted.glusterfs.volume-id", have, sizeof have);
    if (n == sizeof have && memcmp(have, want, sizeof have) == 0)
        return 0;
    if (n == sizeof have) {
        print_uuid(have, text);
        return err_set(err, -EINVAL, "Volume id mismatch for brick %s:%s. Expected volume id %s, volume id %s found", b->host, b->path,
                       v->id, text);
    }
    if (n < 0 && errno == ENODATA && repair) {
        if (lsetxattr(b->path, "trusted.glusterfs.volume-id", want, sizeof want, 0) == 0)
            return 0;
        return err_set(err, -errno, "Failed to set extended attribute trusted.glusterfs.volume-id on %s. Reason : %s", b->path,
                       strerror(errno));
    }
    return err_set(err, n < 0 ? -errno : -EINVAL, "Failed to get extended attribute trusted.glusterfs.volume-id for brick dir %s. Reason "
                                                  ": %s", b->path,
                   n < 0 ? strerror(errno) : "it is not 16 bytes long");
}

/* ---- stop ------------------------------------------------------------------------------------------------------------------------ */

int brickrun_stop(struct glusterd *gd, const char *path)
{
    int fd = -1;
    pthread_mutex_lock(&gd->lock);
    struct brickrun *b = brick_find_locked(gd, path);
    if (b && b->pid) {
        b->state = BRICK_STOPPED;
        fd = fcntl(b->watch.fd, F_DUPFD_CLOEXEC, 0); /* the loop may close its own when the process ends */
    }
    pthread_mutex_unlock(&gd->lock);
    if (fd < 0)
        return 0; /* it does not run */
    child_end(fd, path);
    close(fd);
    return 0;
}

/* ---- a former life, and the end ---------------------------------------------------------------------------------------------------- */

void bricks_adopt(struct glusterd *gd)
{
    size_t n;
    struct volview **all = volumes_all(gd, &n);
    for (size_t i = 0; i < n; i++) {
        const struct volinfo *v = all[i]->v;
        for (unsigned int k = 0; k < v->nr_bricks; k++) {
            struct brick_names names;
            if (strcmp(v->bricks[k].owner, gd->uuid) != 0 || brick_names(gd, v->name, v->bricks[k].host, v->bricks[k].path, &names) < 0)
                continue;
            if (brick_enter(gd, v->name, v->bricks[k].path, names.pid_file, v->bricks[k].port) == 0)
                log_info(DOMAIN, "brick %s of volume %s runs already, on port %d", v->bricks[k].path, v->name, v->bricks[k].port);
        }
    }
    volumes_free(all, n);
}

void bricks_forget(struct glusterd *gd)
{
    while (gd->bricks) {
        struct brickrun *b = gd->bricks;
        gd->bricks = b->next;
        if (b->posted) { /* arm() is still to run: it frees what has no daemon any more */
            b->gd = NULL;
            continue;
        }
        if (b->watch.fd >= 0)
            loop_unwatch(gd->process->env.loop, &b->watch);
        run_free(b);
    }
}
