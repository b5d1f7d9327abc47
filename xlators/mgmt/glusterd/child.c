/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"

#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "util.h"

#define DOMAIN "glusterd"
#define START_MS 120000 /* a program that has not said by then how its start went is ended */
#define STOP_MS 10000   /* and one that does not end by SIGTERM within this is killed: clients have been told by then */

extern char **environ;

int child_make_folder_of(const char *file, struct err *err)
{
    char path[4400];
    snprintf(path, sizeof path, "%s", file);
    for (char *c = path + 1; (c = strchr(c, '/')); c++) {
        *c = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            return err_set(err, -errno, "%s: %s", path, strerror(errno));
        *c = '/';
    }
    return 0;
}

int child_holder(const char *pid_file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = open(pid_file, O_RDWR | O_CLOEXEC), pid = 0;
    if (fd < 0)
        return 0;
    if (fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
        pid = whole.l_pid;
    close(fd);
    return pid > 0 ? pid : 0;
}

int child_open(const char *pid_file, int *ret_pid)
{
    int pid = child_holder(pid_file);
    int fd = pid ? pidfd_open(pid, 0) : -1;
    if (fd < 0)
        return -ESRCH;
    if (child_holder(pid_file) != pid) { /* it may have ended between the two, and the number be another's */
        close(fd);
        return -ESRCH;
    }
    *ret_pid = pid;
    return fd;
}

int child_spawn(struct child *c, char *const argv[], struct err *err)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    sigemptyset(&none);
    sigfillset(&usual);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none); /* our threads block all signals */
    posix_spawnattr_setsigdefault(&attr, &usual);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int failed = posix_spawnp(&c->pid, argv[0], &files, &attr, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    if (failed)
        return err_set(err, -failed, "%s: cannot be started: %s", argv[0], strerror(failed));
    c->fd = pidfd_open(c->pid, 0);
    c->end_ms = clock_ms() + START_MS;
    return 0;
}

size_t children_wait(struct child *const *all, size_t n)
{
    struct pollfd p[CHILDREN_MAX];
    for (;;) {
        uint64_t now = clock_ms(), end = UINT64_MAX;
        for (size_t i = 0; i < n; i++) {
            if (all[i]->fd < 0 || all[i]->end_ms <= now)
                return i; /* no descriptor was left for it: child_reap() waits */
            p[i] = (struct pollfd){.fd = all[i]->fd, .events = POLLIN};
            end = min_of(end, all[i]->end_ms);
        }
        if (poll(p, n, (int)(end - now)) <= 0)
            continue;
        for (size_t i = 0; i < n; i++)
            if (p[i].revents)
                return i;
    }
}

int child_reap(struct child *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int status = 0;
    bool late = c->fd >= 0 && clock_ms() >= c->end_ms && poll(&p, 1, 0) == 0;
    if (late)
        kill(c->pid, SIGKILL); /* not reaped yet: the number is still its own */
    if (c->fd >= 0)
        close(c->fd);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    return late ? -ETIMEDOUT : WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int child_run(char *const argv[], struct err *err)
{
    struct child c, *one = &c;
    int r = child_spawn(&c, argv, err);
    if (r < 0)
        return r;
    children_wait(&one, 1);
    r = child_reap(&c);
    return r < 0 ? err_set(err, r, "%s: did not come up within %d s", argv[0], START_MS / 1000) : r;
}

void child_end(int pidfd, const char *what)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    pidfd_send_signal(pidfd, SIGTERM, NULL, 0);
    if (poll(&p, 1, STOP_MS) != 0)
        return;
    log_warning(DOMAIN, "%s did not end within %d s of SIGTERM and is killed", what, STOP_MS / 1000);
    pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
    poll(&p, 1, STOP_MS);
}
