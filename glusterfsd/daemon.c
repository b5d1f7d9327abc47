/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says: a status byte, then its sentence. */
static void wait_for_child(int fd, pid_t child)
{
    char said[1 + sizeof(((struct err *)0)->text)];
    size_t have = 0;
    int status;

    while (have < sizeof(said)) {
        ssize_t n = read(fd, said + have, sizeof(said) - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    if (have > 1)
        fprintf(stderr, "%.*s\n", (int)(have - 1), said + 1);
    if (have > 0)
        _exit((unsigned char)said[0]);
    /* it ended without a word */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        fprintf(stderr, "the daemon was killed by signal %d while starting\n", WTERMSIG(status));
    _exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

int daemon_fork(void)
{
    int fds[2];
    pid_t child;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    child = fork();
    if (child < 0) {
        int failed = -errno;

        close(fds[0]);
        close(fds[1]);
        return failed;
    }
    if (child > 0) {
        close(fds[1]);
        wait_for_child(fds[0], child);
    }
    close(fds[0]);
    setsid();
    return fds[1];
}

/* And of the folder it was started in, so that it can be unmounted. */
static void let_go_of_terminal(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (chdir("/") < 0 || null < 0)
        return;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd);
    if (null > STDERR_FILENO)
        close(null);
}

void daemon_started(int fd, int status, const char *sentence)
{
    char say[1 + sizeof(((struct err *)0)->text)];
    int n;

    if (fd < 0)
        return;
    say[0] = (char)status;
    n = snprintf(say + 1, sizeof(say) - 1, "%s", sentence ? sentence : "");
    if (status == 0)
        let_go_of_terminal();
    /* less than PIPE_BUF: whole or not at all; a parent that has gone does not matter */
    if (write(fd, say, 1 + min_of((size_t)n, sizeof(say) - 2)) < 0)
        n = 0;
    close(fd);
}

int pid_file_take(const char *file, struct err *err)
{
    int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
    char text[16];
    int n, failed;

    if (fd < 0)
        return err_set(err, -errno, "pid file %s: %s", file, strerror(errno));
    if (lockf(fd, F_TLOCK, 0) < 0) {
        failed = -errno;
        close(fd);
        return err_set(err, failed, failed == -EAGAIN || failed == -EACCES ? "pid file %s: another process holds it"
                                                                           : "pid file %s: it cannot be locked", file);
    }
    n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || write(fd, text, (size_t)n) != n) {
        failed = errno ? -errno : -EIO;
        close(fd);
        return err_set(err, failed, "pid file %s: %s", file, strerror(-failed));
    }
    return fd;
}

int make_folders(const char *path)
{
    char part[PATH_MAX];

    if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part))
        return -ENAMETOOLONG;
    for (char *c = part + 1;; c++) {
        char was = *c;

        if (was != '/' && was != '\0')
            continue;
        *c = '\0';
        if (mkdir(part, 0755) < 0 && errno != EEXIST)
            return -errno;
        if (!was)
            return 0;
        *c = was;
    }
}

int set_oom_score(int score, struct err *err)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC), failed = 0;

    if (fd < 0 || dprintf(fd, "%d\n", score) < 0)
        failed = err_set(err, -errno, "--oom-score-adj %d: %s", score, strerror(errno));
    if (fd >= 0)
        close(fd);
    return failed;
}

void set_process_up(void)
{
    enum { DESCRIPTORS = 1 << 20 }; /* as GlusterFS's bricks: one per open file of each client */
    struct rlimit limit = {.rlim_cur = DESCRIPTORS, .rlim_max = DESCRIPTORS};

    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    umask(0); /* the modes of files are the clients' business */
    /* An arena per thread would cost each idle connection's poller what it touched; four are enough that threads seldom
     * wait. Freed memory above 256 KiB at the top of a heap goes back. */
    mallopt(M_ARENA_MAX, 4);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
}

/* What is free between things in use does not go back by itself: after a burst on 1,000 encrypted connections a third of the
 * process. Looking costs well under a millisecond for that, so every few seconds is often enough and seldom enough. */
#define TRIM_MS 5000
#define TRIM_FROM (4 * MiB)

static void trim(struct timer *t)
{
    struct trimmer *m = container_of(t, struct trimmer, timer);

    if (mallinfo2().fordblks >= TRIM_FROM)
        malloc_trim(1 * MiB);
    loop_arm(m->loop, t, TRIM_MS); /* cannot fail: it has had its place */
}

int trimmer_start(struct trimmer *m, struct loop *loop)
{
    *m = (struct trimmer){.timer.expired = trim, .loop = loop};
    return loop_arm(loop, &m->timer, TRIM_MS);
}

void trimmer_stop(struct trimmer *m)
{
    if (m->loop)
        loop_disarm(m->loop, &m->timer);
    m->loop = NULL;
}
