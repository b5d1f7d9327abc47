/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* janitor.c: empties .glusterfs/landfill, where RMDIR with flags puts whole trees (spec brick 1.8).
 *
 * A timer on the loop asks, a job of the lowest class works, one at a time. Depth is bounded by the descriptors that
 * walking takes: what is deeper is moved up into landfill first and taken in the next round. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool.h"
#include "posix.h"

#define DEPTH 32

struct janitor {
    struct posix *p;
    struct timer timer;
    struct job job;
    atomic_bool working;
};

/* An object in landfill is about to go: its handle too, if nothing else has it. */
static void drop_handle(struct posix *p, int dirfd, const char *name, const struct stat *st)
{
    OBJ(o);
    struct stat h;
    if (obj_of_entry(p, dirfd, name, &o) < 0 || gfid_is_null(o.gfid))
        return;
    if (S_ISDIR(st->st_mode)) {
        int fd = dir_open_gfid(p, o.gfid); /* somewhere in the volume, with this gfid: then the handle is not stale */
        if (fd >= 0)
            close(fd);
        else if (handle_stat(p, o.gfid, &h) == 0 && handle_is_dir(&h))
            handle_unlink(p, o.gfid);
        return;
    }
    SCOPED_LOCK(link_lock(p, o.gfid));
    if (handle_stat(p, o.gfid, &h) == 0 && h.st_ino == st->st_ino && h.st_nlink <= 2)
        handle_unlink(p, o.gfid);
}

static bool stop_asked(struct posix *p)
{
    SCOPED_LOCK(&p->own_lock);
    return p->ending;
}

static void purge(struct posix *p, int parent, unsigned int depth)
{
    DIR *d = dir_again(parent);
    if (!d)
        return;
    int fd = dirfd(d);
    for (const struct dirent *e; (e = readdir(d)) && !stop_asked(p);) {
        struct stat st;
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth == DEPTH) {
            char text[GFID_TEXT];
            renameat(fd, e->d_name, p->landfill_fd, gfid_text(gfid_random(), text));
            continue;
        }
        if (S_ISDIR(st.st_mode)) {
            int sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (sub < 0)
                continue;
            purge(p, sub, depth + 1);
            close(sub);
        }
        drop_handle(p, fd, e->d_name, &st);
        if (unlinkat(fd, e->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0) < 0 && errno != ENOENT && errno != ENOTEMPTY)
            log_warning(p->xl->name, "landfill: %s cannot be removed: %m", e->d_name);
    }
    closedir(d);
}

static void work(struct job *job)
{
    struct janitor *j = container_of(job, struct janitor, job);
    struct posix *p = j->p;
    purge(p, p->landfill_fd, 0);
    atomic_store(&j->working, false);
    posix_own_done(p);
}

static void expired(struct timer *t)
{
    struct janitor *j = container_of(t, struct janitor, timer);
    struct posix *p = j->p;
    if (!LIVE(p, disable_landfill_purge) && !atomic_exchange(&j->working, true)) {
        j->job = (struct job){.run = work, .class = CLASS_LEAST};
        posix_own_job(p, &j->job);
    }
    loop_arm(p->process->env.loop, t, (uint64_t)p->janitor_s * 1000);
}

int janitor_start(struct posix *p)
{
    struct janitor *j = calloc(1, sizeof(*j));
    if (!j)
        return -ENOMEM;
    j->p = p;
    j->timer.expired = expired;
    p->janitor = j;
    return loop_arm(p->process->env.loop, &j->timer, (uint64_t)p->janitor_s * 1000);
}

/* Before the wait for own jobs: no new one is started; janitor_free() after it. */
void janitor_stop(struct posix *p)
{
    if (p->janitor)
        loop_disarm(p->process->env.loop, &p->janitor->timer);
}

void janitor_free(struct posix *p)
{
    free(p->janitor);
    p->janitor = NULL;
}
