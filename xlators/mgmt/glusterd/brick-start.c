/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* brick-start.c: bricks are started several at a time: a program is run for each, and all of them are waited for together.
 *
 * A brick's port is tried by the brick itself: it is started with one, and leaves with status 98 when somebody else has it. It keeps the
 * one that it had last time if it can. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brick-impl.h"
#include "child.h"
#include "log.h"
#include "paths.h"

#define DOMAIN "glusterd"
#define EXIT_PORT_TAKEN 98
#define LEAVES_MS 5000
#define AT_ONCE 4      /* of one call: more do not come up sooner on a small machine, and each waits for the disk */
#define AT_ONCE_ALL 16 /* of all calls */

struct start {
    struct brickstart *s;
    struct brick_names n;
    struct child child;
    int tried;                   /* ports, so far */
    int port;
};

static int run_with_port(struct glusterd *gd, struct start *t)
{
    const struct volinfo *v = t->s->v;
    const struct brickinfo *b = &v->bricks[t->s->i];
    char program[4200], uuid[96], number[16], listen[300], bind[300];
    char *argv[32];
    size_t k = 0;
    path_of_brick_program(program, sizeof program);
    snprintf(uuid, sizeof uuid, "*-posix.glusterd-uuid=%s", gd->uuid);
    snprintf(number, sizeof number, "%d", t->port);
    snprintf(listen, sizeof listen, "%s-server.listen-port=%d", v->name, t->port);
    const char *const words[] = {
        program, "-s", b->host, "--volfile-id", t->n.volfile_id, "-p", t->n.pid_file, "-S", t->n.socket, "--brick-name", b->path, "-l",
        t->n.log, "--xlator-option", uuid, "--process-name", "brick", "--brick-port", number, "--xlator-option", listen,
    };
    for (; k < array_len(words); k++)
        argv[k] = (char *)words[k];
    if (gd->bind_address) {
        snprintf(bind, sizeof bind, "transport.socket.bind-address=%s", gd->bind_address);
        argv[k++] = (char *)"--xlator-option";
        argv[k++] = bind;
    }
    argv[k] = NULL;
    return child_spawn(&t->child, argv, &t->s->err);
}

struct ports {
    uint8_t bits[(UINT16_MAX + 1) / 8];
};

static void put_port(struct ports *p, int port)
{
    if (port > 0 && port <= UINT16_MAX)
        p->bits[port / 8] |= (uint8_t)(1 << port % 8);
}

static bool has_port(const struct ports *p, int port)
{
    return p->bits[port / 8] & 1 << port % 8;
}

/* A port that some other brick of ours has, had when it last ran, or is being started with, is none for this one. */
static void ports_of_others_locked(struct glusterd *gd, const char *path, struct ports *ret)
{
    *ret = (struct ports){{0}};
    for (const struct volview *w = gd->volumes; w; w = w->next)
        for (unsigned int k = 0; k < w->v->nr_bricks; k++)
            if (strcmp(w->v->bricks[k].path, path) != 0)
                put_port(ret, w->v->bricks[k].port);
    for (const struct brickrun *b = gd->bricks; b; b = b->next)
        if (strcmp(b->path, path) != 0) {
            put_port(ret, b->port);
            put_port(ret, b->try_port);
        }
}

/* The next one to try; false: there is none left. */
static bool take_port(struct glusterd *gd, struct start *t)
{
    const struct brickinfo *b = &t->s->v->bricks[t->s->i];
    int base = (int)gd->base_port, range = (int)gd->max_port - base + 1;
    int first = b->port >= base && b->port <= gd->max_port ? b->port : base;
    struct ports others;
    SCOPED_LOCK(&gd->lock);
    struct brickrun *run = brick_find_locked(gd, b->path);
    ports_of_others_locked(gd, b->path, &others);
    for (; t->tried < range; t->tried++) {
        int port = base + (first - base + t->tried) % range;
        if (has_port(&others, port))
            continue;
        t->tried++;
        t->port = port;
        if (run)
            run->try_port = port;
        return true;
    }
    return false;
}

static int try_next_port(struct glusterd *gd, struct start *t)
{
    const struct brickinfo *b = &t->s->v->bricks[t->s->i];
    if (!take_port(gd, t))
        return err_set(&t->s->err, -EADDRINUSE, "brick %s:%s: every port from %d to %d is taken", b->host, b->path, (int)gd->base_port,
                       (int)gd->max_port);
    return run_with_port(gd, t);
}

/* 1: a process has been started and is to be waited for. 0: the brick runs already. */
static int begin(struct glusterd *gd, struct start *t)
{
    struct brickstart *s = t->s;
    const struct brickinfo *b = &s->v->bricks[s->i];
    if (strcmp(b->owner, gd->uuid) != 0)
        return err_set(&s->err, -EHOSTUNREACH, "brick %s:%s belongs to another machine", b->host, b->path);
    int r = brick_check_id(s->v, s->i, s->force || s->v->status == VOLUME_CREATED, &s->err);
    if (r < 0)
        return r;
    if (brick_names(gd, s->v->name, b->host, b->path, &t->n) < 0)
        return err_set(&s->err, -ENOMEM, "brick %s: no memory", b->path);
    if (brick_enter(gd, s->v->name, b->path, t->n.pid_file, b->port) == 0)
        return 0;
    if ((r = child_make_folder_of(t->n.pid_file, &s->err)) < 0 || (r = child_make_folder_of(t->n.log, &s->err)) < 0)
        return r;
    if ((r = brick_expect(gd, s->v->name, b->path, t->n.pid_file)) < 0)
        return err_set(&s->err, r, "brick %s:%s is just ending: try again", b->host, b->path);
    unlink(t->n.socket);
    r = try_next_port(gd, t);
    if (r < 0)
        brick_give_up(gd, b->path);
    return r < 0 ? r : 1;
}

/* A program that has said that it failed may still be on its way out, with the lock on the pid file that the next one needs. */
static void wait_for_end(const struct start *t)
{
    int pid, fd = child_open(t->n.pid_file, &pid);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (fd < 0)
        return;
    if (poll(&p, 1, LEAVES_MS) == 0)
        log_warning(DOMAIN, "process %d of brick %s has failed and does not end", pid, t->s->v->bricks[t->s->i].path);
    close(fd);
}

/* The program has gone to the background or failed. 1: it has been started once more. */
static int came(struct glusterd *gd, struct start *t)
{
    struct brickstart *s = t->s;
    const struct brickinfo *b = &s->v->bricks[s->i];
    int status = child_reap(&t->child), r = 0;
    if (status != 0)
        wait_for_end(t);
    if (status == EXIT_PORT_TAKEN) {
        log_info(DOMAIN, "brick %s: port %d is taken by another program", b->path, t->port);
        r = try_next_port(gd, t);
        if (r == 0)
            return 1;
    } else if (status < 0) {
        r = err_set(&s->err, -ETIMEDOUT, "brick %s:%s did not come up in time; its log %s says why", b->host, b->path, t->n.log);
    } else if (status > 0) {
        r = err_set(&s->err, -EIO, "brick %s:%s did not start (exit status %d); its log %s says why", b->host, b->path, status, t->n.log);
    } else if (brick_enter(gd, s->v->name, b->path, t->n.pid_file, 0) < 0) {
        r = err_set(&s->err, -EIO, "brick %s:%s ended right after its start; its log %s says why", b->host, b->path, t->n.log);
    }
    if (r < 0)
        brick_give_up(gd, b->path);
    return r;
}

/* False: there is none, and wait is false. */
static bool take_room(struct glusterd *gd, bool wait)
{
    SCOPED_LOCK(&gd->lock);
    while (gd->starting >= AT_ONCE_ALL) {
        if (!wait)
            return false;
        pthread_cond_wait(&gd->start_room, &gd->lock);
    }
    gd->starting++;
    return true;
}

static void give_room(struct glusterd *gd)
{
    SCOPED_LOCK(&gd->lock);
    gd->starting--;
    pthread_cond_signal(&gd->start_room);
}

size_t bricks_start(struct glusterd *gd, struct brickstart *starts, size_t n)
{
    struct start *at[AT_ONCE];
    struct child *children[AT_ONCE];
    size_t running = 0, next = 0, failed = 0;
    while (next < n || running > 0) {
        while (next < n && running < AT_ONCE && take_room(gd, running == 0)) {
            struct brickstart *s = &starts[next++];
            struct start *t = calloc(1, sizeof *t);
            if (!t) {
                s->result = err_set(&s->err, -ENOMEM, "no memory");
                failed++;
                give_room(gd);
                continue;
            }
            t->s = s;
            int r = begin(gd, t);
            if (r > 0) {
                at[running++] = t;
                continue;
            }
            s->result = r;
            failed += r < 0;
            free(t);
            give_room(gd);
        }
        if (running == 0)
            continue;
        for (size_t k = 0; k < running; k++)
            children[k] = &at[k]->child;
        size_t k = children_wait(children, running);
        int r = came(gd, at[k]);
        if (r > 0)
            continue;
        give_room(gd);
        at[k]->s->result = r;
        failed += r < 0;
        free(at[k]);
        at[k] = at[--running];
    }
    return failed;
}
