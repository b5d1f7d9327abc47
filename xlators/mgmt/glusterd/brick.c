/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick.c: bricks as processes: started, watched, stopped.
 *
 * Which process is a brick's: who holds the lock on its pid file (child.h).
 *
 * A brick's port is tried by the brick itself: it is started with one, and leaves with status 98 when somebody else has it. It keeps the
 * one that it had last time if it can. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

#include "child.h"
#include "env.h"
#include "glusterd.h"
#include "log.h"

#define DOMAIN "glusterd"
#define EXIT_PORT_TAKEN 98

/* ---- names of files -------------------------------------------------------------------------------------------------------- */

struct names {
    char pid_file[4400], socket[64 + 4096], log[4400], volfile_id[4400];
};

static int names_of(struct glusterd *gd, const char *volume, const char *host, const char *path, struct names *n)
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
    struct names n;
    if (names_of(gd, v->name, v->bricks[i].host, v->bricks[i].path, &n) < 0)
        return -ENOMEM;
    snprintf(path, size, "%s", n.socket);
    return 0;
}

int brickrun_log(struct glusterd *gd, const struct volinfo *v, unsigned int i, char *path, size_t size)
{
    struct names n;
    if (names_of(gd, v->name, v->bricks[i].host, v->bricks[i].path, &n) < 0)
        return -ENOMEM;
    snprintf(path, size, "%s", n.log);
    return 0;
}

/* ---- the list ---------------------------------------------------------------------------------------------------------------- */

static struct brickrun *find_locked(struct glusterd *gd, const char *path)
{
    for (struct brickrun *b = gd->bricks; b; b = b->next)
        if (strcmp(b->path, path) == 0)
            return b;
    return NULL;
}

static void run_free(struct brickrun *b)
{
    if (b->watch.fd >= 0)
        close(b->watch.fd);
    free(b->volume);
    free(b->path);
    free(b);
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
    struct brickrun **at = &gd->bricks;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    pthread_mutex_unlock(&gd->lock);
    if (told)
        log_info(DOMAIN, "brick %s of volume %s, process %d: stopped", b->path, b->volume, b->pid);
    else
        log_warning(DOMAIN, "brick %s of volume %s: its process %d has ended; `volume start %s force` starts it again", b->path, b->volume, b->pid,
                    b->volume);
    run_free(b);
}

static void arm(struct loop_work *w)
{
    struct brickrun *b = container_of(w, struct brickrun, arm);
    if (loop_watch(b->gd->process->env.loop, &b->watch) < 0)
        log_error(DOMAIN, "brick %s: its process cannot be watched", b->path);
}

/* Enters the process that holds the pid file's lock. -ESRCH: there is none. */
static int enter(struct glusterd *gd, const char *volume, const char *path, const char *pid_file, int port)
{
    int pid, fd = child_open(pid_file, &pid);
    if (fd < 0)
        return -ESRCH;
    struct brickrun *b = calloc(1, sizeof *b);
    if (!b || !(b->volume = strdup(volume)) || !(b->path = strdup(path))) {
        if (b)
            free(b->volume);
        free(b);
        close(fd);
        return -ENOMEM;
    }
    b->pid = pid;
    b->port = port;
    b->gd = gd;
    b->state = port ? BRICK_STARTED : BRICK_STARTING;
    b->watch = (struct watch){.fd = fd, .events = EPOLLIN, .ready = ended};
    b->arm.run = arm;
    pthread_mutex_lock(&gd->lock);
    struct brickrun *before = find_locked(gd, path);
    if (!before) {
        b->next = gd->bricks;
        gd->bricks = b;
    }
    pthread_mutex_unlock(&gd->lock);
    if (before) { /* SIGNIN came first */
        run_free(b);
        return 0;
    }
    loop_post(gd->process->env.loop, &b->arm);
    return 0;
}

struct brick_status brickrun_status(struct glusterd *gd, const char *path)
{
    SCOPED_LOCK(&gd->lock);
    const struct brickrun *b = find_locked(gd, path);
    if (!b || b->state == BRICK_STOPPED)
        return (struct brick_status){0};
    return (struct brick_status){.online = b->port > 0, .pid = b->pid, .port = b->port};
}

int brickrun_port(struct glusterd *gd, const char *path)
{
    return brickrun_status(gd, path).port;
}

bool brick_signed_in(struct glusterd *gd, const char *path, int port, int pid, struct rpc_conn *conn)
{
    size_t n;
    struct volview **all = volumes_all(gd, &n);
    bool ours = false;
    for (size_t i = 0; i < n && !ours && port > 0 && port < 65536; i++) {
        const struct volinfo *v = all[i]->v;
        for (unsigned int k = 0; k < v->nr_bricks && !ours; k++) {
            const struct brickinfo *info = &v->bricks[k];
            struct names names;
            if (strcmp(info->path, path) != 0 || strcmp(info->owner, gd->uuid) != 0 || names_of(gd, v->name, info->host, path, &names) < 0)
                continue;
            if (child_holder(names.pid_file) != pid)
                continue;
            enter(gd, v->name, path, names.pid_file, 0);
            pthread_mutex_lock(&gd->lock);
            struct brickrun *b = find_locked(gd, path);
            if (b && b->pid == pid && b->state != BRICK_STOPPED) {
                b->port = port;
                b->conn = conn;
                b->state = BRICK_STARTED;
                ours = true;
            }
            pthread_mutex_unlock(&gd->lock);
        }
    }
    volumes_free(all, n);
    return ours;
}

bool brick_signed_out(struct glusterd *gd, const char *path, struct rpc_conn *conn)
{
    SCOPED_LOCK(&gd->lock);
    struct brickrun *b = find_locked(gd, path);
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
    snprintf(ret, UUID_TEXT, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
             b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
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
        return err_set(err, -EINVAL, "Volume id mismatch for brick %s:%s. Expected volume id %s, volume id %s found", b->host, b->path, v->id, text);
    }
    if (n < 0 && errno == ENODATA && repair) {
        if (lsetxattr(b->path, "trusted.glusterfs.volume-id", want, sizeof want, 0) == 0)
            return 0;
        return err_set(err, -errno, "Failed to set extended attribute trusted.glusterfs.volume-id on %s. Reason : %s", b->path, strerror(errno));
    }
    return err_set(err, n < 0 ? -errno : -EINVAL, "Failed to get extended attribute trusted.glusterfs.volume-id for brick dir %s. Reason : %s", b->path,
                   n < 0 ? strerror(errno) : "it is not 16 bytes long");
}

/* ---- start ---------------------------------------------------------------------------------------------------------------------- */

static int run_with_port(struct glusterd *gd, const struct volinfo *v, const struct brickinfo *b, const struct names *n, int port, struct err *err)
{
    char uuid[96], number[16], listen[300], bind[300];
    char *argv[32];
    size_t k = 0;
    snprintf(uuid, sizeof uuid, "*-posix.glusterd-uuid=%s", gd->uuid);
    snprintf(number, sizeof number, "%d", port);
    snprintf(listen, sizeof listen, "%s-server.listen-port=%d", v->name, port);
    const char *const words[] = {
        "glusterfsd", "-s", b->host, "--volfile-id", n->volfile_id, "-p", n->pid_file, "-S", n->socket, "--brick-name", b->path, "-l", n->log,
        "--xlator-option", uuid, "--process-name", "brick", "--brick-port", number, "--xlator-option", listen,
    };
    for (; k < array_len(words); k++)
        argv[k] = (char *)words[k];
    if (gd->bind_address) {
        snprintf(bind, sizeof bind, "transport.socket.bind-address=%s", gd->bind_address);
        argv[k++] = (char *)"--xlator-option";
        argv[k++] = bind;
    }
    argv[k] = NULL;
    return child_run(argv, err);
}

/* A port that some other brick of ours has, or had when it last ran, is none for this one. */
static bool port_is_anothers(struct glusterd *gd, const char *path, int port)
{
    size_t n;
    struct volview **all = volumes_all(gd, &n);
    bool yes = false;
    for (size_t i = 0; i < n; i++)
        for (unsigned int k = 0; k < all[i]->v->nr_bricks; k++)
            yes |= all[i]->v->bricks[k].port == port && strcmp(all[i]->v->bricks[k].path, path) != 0;
    volumes_free(all, n);
    pthread_mutex_lock(&gd->lock);
    for (struct brickrun *b = gd->bricks; b; b = b->next)
        yes |= b->port == port && strcmp(b->path, path) != 0;
    pthread_mutex_unlock(&gd->lock);
    return yes;
}

int brickrun_start(struct glusterd *gd, const struct volinfo *v, unsigned int i, bool force, struct err *err)
{
    const struct brickinfo *b = &v->bricks[i];
    struct names n;
    if (strcmp(b->owner, gd->uuid) != 0)
        return err_set(err, -EHOSTUNREACH, "brick %s:%s belongs to another machine", b->host, b->path);
    int r = brick_check_id(v, i, force || v->status == VOLUME_CREATED, err);
    if (r < 0)
        return r;
    if (names_of(gd, v->name, b->host, b->path, &n) < 0)
        return err_set(err, -ENOMEM, "brick %s: no memory", b->path);
    if (enter(gd, v->name, b->path, n.pid_file, b->port) == 0)
        return 0; /* it runs already */
    if ((r = child_make_folder_of(n.pid_file, err)) < 0 || (r = child_make_folder_of(n.log, err)) < 0)
        return r;
    unlink(n.socket);
    int first = b->port >= gd->base_port && b->port <= gd->max_port ? b->port : (int)gd->base_port;
    int range = (int)(gd->max_port - gd->base_port) + 1;
    for (int k = 0; k < range; k++) {
        int port = (int)gd->base_port + (first - (int)gd->base_port + k) % range;
        if (port_is_anothers(gd, b->path, port))
            continue;
        int status = run_with_port(gd, v, b, &n, port, err);
        if (status == EXIT_PORT_TAKEN)
            continue;
        if (status < 0)
            return status;
        if (status > 0)
            return err_set(err, -EIO, "brick %s:%s did not start (exit status %d); its log %s says why", b->host, b->path, status, n.log);
        if (enter(gd, v->name, b->path, n.pid_file, 0) < 0)
            return err_set(err, -EIO, "brick %s:%s ended right after its start; its log %s says why", b->host, b->path, n.log);
        return 0;
    }
    return err_set(err, -EADDRINUSE, "brick %s:%s: every port from %d to %d is taken", b->host, b->path, (int)gd->base_port, (int)gd->max_port);
}

/* ---- stop ------------------------------------------------------------------------------------------------------------------------ */

int brickrun_stop(struct glusterd *gd, const char *path)
{
    int fd = -1;
    pthread_mutex_lock(&gd->lock);
    struct brickrun *b = find_locked(gd, path);
    if (b) {
        b->state = BRICK_STOPPED;
        fd = fcntl(b->watch.fd, F_DUPFD_CLOEXEC, 0); /* the loop may close its own when the process ends */
    }
    pthread_mutex_unlock(&gd->lock);
    if (!b)
        return 0;
    if (fd < 0)
        return -errno;
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
            struct names names;
            if (strcmp(v->bricks[k].owner, gd->uuid) != 0 || names_of(gd, v->name, v->bricks[k].host, v->bricks[k].path, &names) < 0)
                continue;
            if (enter(gd, v->name, v->bricks[k].path, names.pid_file, v->bricks[k].port) == 0)
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
        loop_unwatch(gd->process->env.loop, &b->watch);
        run_free(b);
    }
}
